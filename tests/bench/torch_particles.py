"""Networks of particles in PyTorch for compare_torch.py: giorom and neural_mpm as nomos has them by default, from the formulas in surrogates/reduced_order_graph/networks, on the points of training_particles.c.

Parameters are declared in nomos' order, so that golden() gives both the same first weights. Edges, pairs of points and grid nodes, and whatever else is of positions alone are made once.
"""
import math


def particle_cases(torch):
    nn, F = torch.nn, torch.nn.functional
    features, hidden, width = 30, 64, 32

    def golden(n, start=0):
        x = torch.arange(start, start + n, dtype=torch.float64) * 0.6180339887498949
        return x - x.floor() - 0.5

    def points(sets, n):
        spacing, side, i = 0.27 / math.sqrt(n), math.ceil(math.sqrt(n)), torch.arange(n)
        lattice = torch.stack([i % side, i // side], -1).repeat(sets, 1)
        k = 7 * torch.arange(sets * n, dtype=torch.float64)
        jitter = torch.stack([(k + 3 * a) * 0.6180339887498949 for a in range(2)], -1)
        return 0.3 + spacing * (lattice + 0.4 * (jitter - jitter.floor() - 0.5)), 2.3 * spacing

    def mlp(sizes, activation, norm=False):
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), activation()]
        return nn.Sequential(*layers[:-1], *([nn.LayerNorm(sizes[-1])] if norm else []))

    def block(n_in):
        return mlp([n_in, hidden, hidden, hidden], nn.ReLU, True)

    def mean_to(index, n, values, count):
        return values.new_zeros(n, values.shape[1]).index_add_(0, index, values) / count

    class Interaction(nn.Module):
        def __init__(self, shared):
            super().__init__()
            self.edge, self.node, self.shared = block(3 * hidden), block(2 * hidden), shared

        def message(self, x, e, g):
            if not self.shared:
                return self.edge(torch.cat([x.index_select(0, g.receiver), x.index_select(0, g.sender), e], 1))
            receiver, sender, own = self.edge[0].weight.split(hidden, 1)
            return self.edge[1:](F.linear(x, receiver, self.edge[0].bias).index_select(0, g.receiver) + F.linear(x, sender).index_select(0, g.sender) + F.linear(e, own))

        def forward(self, x, e, g):
            m = self.message(x, e, g)
            a = mean_to(g.receiver, x.shape[0], m * g.weight, g.degree)
            return x + self.node(torch.cat([x, a], 1)), e + m

    class Fourier(nn.Module):
        def __init__(self, modes=8):
            super().__init__()
            self.modes = modes
            self.weight = nn.Parameter(torch.rand(width, width, 2 * modes, modes, dtype=torch.cfloat) / width**2)
            self.point = nn.Conv2d(width, width, 1)

        def forward(self, v):
            m, f = self.modes, torch.fft.rfft2(v)
            g = torch.zeros_like(f)
            g[:, :, :m, :m] = torch.einsum("biyx,ioyx->boyx", f[:, :, :m, :m], self.weight[:, :, :m])
            g[:, :, -m:, :m] = torch.einsum("biyx,ioyx->boyx", f[:, :, -m:, :m], self.weight[:, :, m:])
            return torch.fft.irfft2(g, s=v.shape[2:]) + self.point(v)

    class Fno(nn.Module):
        def __init__(self, pad=3):
            super().__init__()
            self.pad = pad
            self.lift = nn.Conv2d(32, width, 1)
            self.layers = nn.ModuleList([Fourier(), Fourier()])
            self.read = nn.Sequential(nn.Conv2d(width, width, 1), nn.GELU(), nn.Conv2d(width, hidden, 1))

        def forward(self, f):
            ny, nx = f.shape[2:]
            v = F.pad(self.lift(f), [0, self.pad, 0, self.pad])
            v = self.layers[1](F.gelu(self.layers[0](v)))
            return self.read(v[:, :, :ny, :nx])

    class Giorom(nn.Module):
        """Kernels see the query: kappa((x - y)/R, v(y)) to the nodes, kappa((x - y)/R) v(y) back. shared: a message's first layer is taken once a node, as nomos does by itself, instead of once an edge."""

        def __init__(self, shared):
            super().__init__()
            self.encode_nodes, self.encode_edges = block(features), block(3)
            self.layers = nn.ModuleList([Interaction(shared) for _ in range(4)])
            self.to_nodes, self.fno = mlp([2 + hidden, 32, 64, 32], nn.GELU), Fno()
            self.to_points, self.project = mlp([2, 32, 64, hidden], nn.GELU), nn.Linear(hidden, hidden)
            self.decode = mlp([hidden, hidden, hidden, 2], nn.ReLU)

        def latent(self, x, g):
            f = self.to_nodes(torch.cat([-g.offset, x.index_select(0, g.point)], 1))
            f = mean_to(g.node, g.sets * g.side**2, f, g.node_count)
            f = self.fno(f.reshape(g.sets, g.side, g.side, -1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).reshape(f.shape[0], -1)
            o = self.to_points(g.offset) * f.index_select(0, g.node)
            return self.project(mean_to(g.point, x.shape[0], o, g.point_count))

        def forward(self, x, e, g):
            x, e = self.encode_nodes(x), self.encode_edges(e)
            for l, layer in enumerate(self.layers):
                if l == 2:
                    x = x + self.latent(x, g)
                x, e = layer(x, e, g)
            return self.decode(x)

    class Graph:
        """Edges of points within the radius; pairs of points and nodes within 1.4 spacings of the 24 x 24 nodes."""

        def __init__(self, sets, n):
            x, radius = points(sets, n)
            self.sets, self.side = sets, 24
            own = torch.arange(sets).repeat_interleave(n)
            self.receiver, self.sender = ((torch.cdist(x, x) <= radius) & (own[:, None] == own)).nonzero(as_tuple=True)
            between = (x[self.receiver] - x[self.sender]) / radius
            distance = between.norm(dim=1, keepdim=True)
            self.edges, self.weight = torch.cat([between, distance], 1).float(), (1 / (1 + distance)).float()
            axis, reach = torch.linspace(0, 1, self.side, dtype=torch.float64), 1.4 / (self.side - 1)
            y = torch.stack(torch.meshgrid(axis, axis, indexing="ij")[::-1], -1).reshape(-1, 2)
            self.point, node = (torch.cdist(x, y) <= reach).nonzero(as_tuple=True)
            self.offset, self.node = ((x[self.point] - y[node]) / reach).float(), own[self.point] * self.side**2 + node
            self.degree, self.point_count, self.node_count = (torch.bincount(index, minlength=size).clamp(min=1).float()[:, None] for index, size in ((self.receiver, len(x)), (self.point, len(x)), (self.node, sets * self.side**2)))

    def known(net):
        """0.4 golden(k), k through all parameters."""
        with torch.no_grad():
            at = 0
            for p in net.parameters():
                flat = (torch.view_as_real(p) if p.is_complex() else p).reshape(-1)
                flat.copy_(0.4 * golden(flat.numel(), at))
                at += flat.numel()

    def giorom(sets, n, shared=False):
        net, g = Giorom(shared), Graph(sets, n)
        x, y = 2 * golden(features * sets * n, 1).reshape(-1, features).float(), 2 * golden(2 * sets * n, 2).reshape(-1, 2).float()
        known(net)
        return net, lambda: ((net(x, g.edges, g) - y) ** 2).mean()

    class Cells:
        """Points in the cells of 32 x 32 nodes, one row of them beyond each wall: the corners of a cell and their bilinear weights."""

        def __init__(self, x, sets, n):
            self.side, h = 32, 1 / 29
            t = (x + h) / h
            cell = t.floor().clamp(0, self.side - 2)
            t, cell = t - cell, cell.long()
            corners = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]])
            at = cell[:, None] + corners
            self.node = torch.arange(sets).repeat_interleave(n)[:, None] * self.side**2 + at[..., 1] * self.side + at[..., 0]
            self.weight = torch.where(corners.bool(), t[:, None], 1 - t[:, None]).prod(-1).float()
            axis = torch.arange(self.side) * h - h
            within = (axis > -1e-6) & (axis < 1 + 1e-6)
            self.inside = (within[:, None] & within).float().expand(sets, 1, -1, -1)

    def double(a, b):
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.GELU(), nn.Conv2d(b, b, 3, padding=1), nn.GELU())

    class Up(nn.Module):
        def __init__(self, f):
            super().__init__()
            self.doubling, self.block = nn.ConvTranspose2d(2 * f, f, 2, 2), double(2 * f, f)

        def forward(self, x, kept):
            return self.block(torch.cat([self.doubling(x), kept], 1))

    class NeuralMpm(nn.Module):
        def __init__(self):
            super().__init__()
            f = [2 + features, 16, 32, 64, 128]
            self.down, self.up = nn.ModuleList([double(a, b) for a, b in zip(f, f[1:])]), nn.ModuleList([Up(a) for a in (64, 32, 16)])
            self.last, self.read = nn.Conv2d(16, 32, 1), mlp([32 + features, 32, 32, 2], nn.GELU)

        def grid(self, x, cells, sets):
            n = cells.side
            rho = x.new_zeros(sets * n * n).index_add_(0, cells.node.reshape(-1), cells.weight.reshape(-1))
            f = x.new_zeros(sets * n * n, features).index_add_(0, cells.node.reshape(-1), (cells.weight[..., None] * x[:, None]).reshape(-1, features)) / (rho[:, None] + 0.1)
            rho = rho.reshape(sets, 1, n, n)
            relative = rho / ((rho * rho).sum((2, 3), keepdim=True) / rho.sum((2, 3), keepdim=True))
            return torch.cat([relative, cells.inside, f.reshape(sets, n, n, features).permute(0, 3, 1, 2)], 1)

        def forward(self, x, cells, sets):
            v, kept = self.grid(x, cells, sets), []
            for block in self.down[:-1]:
                v = block(v)
                kept.append(v)
                v = F.max_pool2d(v, 2)
            v = self.down[-1](v)
            for up in self.up:
                v = up(v, kept.pop())
            c = self.last(v).permute(0, 2, 3, 1).reshape(-1, 32)
            c = (cells.weight[..., None] * c.index_select(0, cells.node.reshape(-1)).reshape(*cells.node.shape, 32)).sum(1)
            return self.read(torch.cat([c, x], 1))

    def neural_mpm(sets, n):
        net, cells = NeuralMpm(), Cells(points(sets, n)[0], sets, n)
        x, y = 2 * golden(features * sets * n, 1).reshape(-1, features).float(), 2 * golden(2 * sets * n, 2).reshape(-1, 2).float()
        known(net)
        return net, lambda: ((net(x, cells, sets) - y) ** 2).mean()

    return {
        "giorom_f32": lambda: giorom(2, 300),
        "giorom_shared_f32": lambda: giorom(2, 300, True),
        "giorom_1k_f32": lambda: giorom(1, 1000),
        "neural_mpm_f32": lambda: neural_mpm(2, 300),
    }
