#!/usr/bin/env python3
"""Training steps (forward, backward, Adam) of nomos against PyTorch on the same cores, as medians of pairs.

usage: compare_torch.py BUILD/tests/training_steps [THREADS ...] [-- CASE ...]

Needs python3-torch; without it, nothing is measured. One thread: time of the processor; several: of the wall.
"""
import importlib.util
import os
import statistics
import subprocess
import sys
import time

from torch_particles import particle_cases

PAIRS = 9


def torch_cases(torch):
    nn = torch.nn

    def mlp(dtype, rows):
        net = nn.Sequential(nn.Linear(3, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1)).to(dtype)
        x, y = torch.randn(rows, 3, dtype=dtype), torch.randn(rows, 1, dtype=dtype)
        return net, lambda: ((net(x) - y) ** 2).mean()

    def graph(width=128, layers=10, n=1000, each=10, ordered=False):
        def block(n_in, n_out=width, norm=True):
            linear = [nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n_out)]
            return nn.Sequential(*linear, *([nn.LayerNorm(n_out)] if norm else []))

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.node, self.edge, self.out = block(30), block(3), block(width, 3, False)
                self.edges = nn.ModuleList([block(3 * width) for _ in range(layers)])
                self.nodes = nn.ModuleList([block(2 * width) for _ in range(layers)])

            def forward(self, x, e, sender, receiver):
                x, e = self.node(x), self.edge(e)
                for edges, nodes in zip(self.edges, self.nodes):
                    m = edges(torch.cat([x[receiver], x[sender], e], -1))
                    a = torch.zeros_like(x).index_add_(0, receiver, m)
                    x, e = x + nodes(torch.cat([x, a], -1)), e + m
                return self.out(x)

        net, i = Net(), torch.arange(each * n)
        sender, receiver = (7919 * i + 13) % n, i // each if ordered else (104729 * i + i // n) % n
        x, e, y = torch.randn(n, 30), torch.randn(each * n, 3), torch.randn(n, 3)
        return net, lambda: ((net(x, e, sender, receiver) - y) ** 2).mean()

    def fno(n_space, channels, rows, points):
        """As PDEBench's: width 20, 12 modes, 4 layers, coordinates, two points of padding."""
        width, modes, dims = 20, 12, list(range(2, 2 + n_space))
        conv = nn.Conv1d if n_space == 1 else nn.Conv2d
        corners = [(slice(0, modes),)] if n_space == 1 else [(slice(0, modes), slice(0, modes)), (slice(-modes, None), slice(0, modes))]
        letters = "x" if n_space == 1 else "xy"

        class Fno(nn.Module):
            def __init__(self):
                super().__init__()
                self.lift, self.read = conv(channels + n_space, width, 1), nn.ModuleList([conv(width, 128, 1), conv(128, channels, 1)])
                self.point = nn.ModuleList([conv(width, width, 1) for _ in range(4)])
                self.spectral = nn.ParameterList([nn.Parameter(torch.rand(width, width, *[modes] * n_space, dtype=torch.cfloat) / width**2) for _ in range(4 * len(corners))])

            def forward(self, x):
                v = nn.functional.pad(self.lift(torch.cat([x, grid], 1)), [0, 2] * n_space)
                for layer in range(4):
                    f = torch.fft.rfftn(v, dim=dims)
                    g = torch.zeros_like(f)
                    for k, corner in enumerate(corners):
                        at = (slice(None), slice(None), *corner)
                        g[at] = torch.einsum(f"bi{letters},io{letters}->bo{letters}", f[at], self.spectral[layer * len(corners) + k])
                    v = torch.fft.irfftn(g, s=v.shape[2:], dim=dims) + self.point[layer](v)
                    v = nn.functional.gelu(v) if layer < 3 else v
                v = v[(Ellipsis, *[slice(0, points)] * n_space)]
                return self.read[1](nn.functional.gelu(self.read[0](v)))

        shape = [points] * n_space
        axis = (torch.arange(points) + 0.5) / points
        grid = torch.stack(torch.meshgrid(*[axis] * n_space, indexing="ij")).expand(rows, n_space, *shape)
        return Fno()

    def fno_alone(n_space, channels, rows, points):
        shape = [points] * n_space
        x, y, net = torch.randn(rows, channels, *shape), torch.randn(rows, channels, *shape), fno(n_space, channels, rows, points)
        return net, lambda: ((net(x) - y) ** 2).mean()

    def cape(n_space, channels, rows, points, again=False):
        """Channel attention guided by PDE parameters (doi:10.48550/arXiv.2304.14118): width 64, 5 taps, its prediction beside the state as the input of an FNO. From the formulas of the publication."""
        width, half, taps, factor, n_parameters, modes = 64, 32, 5, 4, (1, 3)[n_space - 1], min(16, points // 8 + 1)
        conv, pool = ((nn.Conv1d, nn.functional.avg_pool1d), (nn.Conv2d, nn.functional.avg_pool2d))[n_space - 1]
        corners = [(slice(0, modes),)] if n_space == 1 else [(slice(0, modes), slice(0, modes)), (slice(-modes, None), slice(0, modes))]
        letters, dims, shape = "xy"[:n_space], list(range(2, 2 + n_space)), [points] * n_space

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.entry = conv(channels, half, taps, padding=2, bias=False)
                self.paths = nn.ModuleList([nn.Sequential(nn.Linear(n_parameters, half), nn.GELU(), nn.Linear(half, width)) for _ in range(3)])
                self.spectral = nn.ParameterList([nn.Parameter(torch.rand(half, width, *[modes] * n_space, dtype=torch.cfloat) / (half * width)) for _ in corners])
                self.point, self.skip = conv(half, width, 1), conv(half, width, 1)
                self.local = conv(half, width, taps, padding=2, groups=half, bias=False)
                self.out, self.norm = conv(width, channels, 1), nn.LayerNorm(shape)
                self.base, self.mix = fno(n_space, 2 * channels, rows, points), conv(2 * channels, channels, 1)

            def forward(self, u, parameters):
                y = nn.functional.gelu(self.entry(u))
                a = [path(parameters).reshape(rows, width, *[1] * n_space) for path in self.paths]
                f = torch.fft.rfftn(pool(y, factor), dim=dims)
                g = torch.zeros(rows, width, *f.shape[2:], dtype=f.dtype)
                for weight, corner in zip(self.spectral, corners):
                    at = (slice(None), slice(None), *corner)
                    g[at] = torch.einsum(f"bi{letters},io{letters}->bo{letters}", f[at], weight)
                z = nn.functional.interpolate(a[0] * torch.fft.irfftn(g, s=[points // factor] * n_space, dim=dims), scale_factor=factor)
                z = z + a[1] * self.point(y) + a[2] * self.local(y) + self.skip(y)
                n = self.norm(self.out(nn.functional.gelu(z)))
                guess = u + n if n_space == 1 else u * (1 + n)
                return guess, self.mix(self.base(torch.cat([u, guess], 1)))

        u, y, net, parameters = torch.randn(rows, channels, *shape), torch.randn(rows, channels, *shape), Net(), torch.rand(rows, n_parameters)

        def loss():
            guess, following = torch.utils.checkpoint.checkpoint(net, u, parameters, use_reentrant=False) if again else net(u, parameters)
            return ((following - y) ** 2).mean() + 5.7e-5 * ((guess - y) ** 2).mean()

        return net, loss

    def unet(n_space, channels, rows, points):
        """As PDEBench's: width 32, four levels, batch normalisation, tanh."""
        conv, norm, pool, up = [(nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d, nn.ConvTranspose1d), (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.ConvTranspose2d)][n_space - 1]

        def block(a, b):
            return nn.Sequential(conv(a, b, 3, padding=1, bias=False), norm(b), nn.Tanh(), conv(b, b, 3, padding=1, bias=False), norm(b), nn.Tanh())

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                f = [32, 64, 128, 256, 512]
                self.down = nn.ModuleList([block(channels if i == 0 else f[i - 1], f[i]) for i in range(5)])
                self.doubling = nn.ModuleList([up(f[i + 1], f[i], 2, 2) for i in range(4)])
                self.up = nn.ModuleList([block(2 * f[i], f[i]) for i in range(4)])
                self.last, self.pool = conv(f[0], channels, 1), pool(2)

            def forward(self, x):
                kept = []
                for i in range(4):
                    x = self.down[i](x)
                    kept.append(x)
                    x = self.pool(x)
                x = self.down[4](x)
                for i in reversed(range(4)):
                    x = self.up[i](torch.cat([self.doubling[i](x), kept[i]], 1))
                return self.last(x)

        shape = [points] * n_space
        x, y, net = torch.randn(rows, channels, *shape), torch.randn(rows, channels, *shape), Net()
        return net, lambda: ((net(x) - y) ** 2).mean()

    def meta():
        tasks, points = 10, 50
        sizes = [4, 64, 64, 64, 1]
        w = nn.ParameterList([nn.Parameter(torch.randn(a, b) / a**0.5) for a, b in zip(sizes, sizes[1:])])
        b = nn.ParameterList([nn.Parameter(torch.zeros(n)) for n in sizes[1:-1]])
        xs, ys, xq, yq = (torch.randn(tasks, points, 4) for _ in range(4))

        def loss(w, b, x, y):
            x = x.detach().requires_grad_(True)
            h = x
            for k in range(3):
                h = nn.functional.mish(h @ w[k] + b[k])
            g, = torch.autograd.grad((h @ w[3]).sum(), x, create_graph=True)
            r = torch.cat([g[..., 2:], -g[..., :2]], -1) - y
            return (r.abs() + nn.functional.softplus(-2 * r.abs()) - 0.6931471805599453).sum() / (4 * points)

        def step():
            fw = [p.expand(tasks, *p.shape) for p in w]
            fb = [p.expand(tasks, 1, *p.shape) for p in b]
            gs = torch.autograd.grad(loss(fw, fb, xs, ys), fw + fb, create_graph=True)
            fw = [p - 0.1 * g for p, g in zip(fw, gs)]
            fb = [p - 0.1 * g for p, g in zip(fb, gs[len(fw):])]
            return loss(fw, fb, xq, yq) / tasks

        return nn.ParameterList([*w, *b]), step

    return {
        "mlp_f32_1k": lambda: mlp(torch.float32, 1000),
        "mlp_f32_10k": lambda: mlp(torch.float32, 10000),
        "mlp_f64_1k": lambda: mlp(torch.float64, 1000),
        "mlp_f64_10k": lambda: mlp(torch.float64, 10000),
        "graph_f32": graph,
        "gns10_64_f32": lambda: graph(64, 10, 600, 14, True),
        "gns4_64_f32": lambda: graph(64, 4, 600, 14, True),
        "gns10_32_f32": lambda: graph(32, 10, 600, 14, True),
        "gns4_32_f32": lambda: graph(32, 4, 600, 14, True),
        "fno1d_f32": lambda: fno_alone(1, 1, 50, 128),
        "fno2d_f32": lambda: fno_alone(2, 4, 8, 64),
        "cape1d_f32": lambda: cape(1, 1, 50, 128),
        "cape2d_f32": lambda: cape(2, 4, 8, 64),
        "cape1d_again_f32": lambda: cape(1, 1, 50, 128, True),
        "cape1d_small_f32": lambda: cape(1, 1, 16, 64),
        "unet1d_f32": lambda: unet(1, 1, 50, 128),
        "unet2d_f32": lambda: unet(2, 4, 8, 64),
        "meta_hnn_f32": meta,
        **particle_cases(torch),
    }


class Nomos:
    def __init__(self, program, threads):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def ask(self, case, steps):
        self.process.stdin.write(f"{case} {steps}\n")
        self.process.stdin.flush()
        return [float(v) for v in self.process.stdout.readline().split()]


def compare(program, threads, wanted):
    import torch
    import torch.utils.checkpoint

    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    nomos = Nomos(program, threads)
    print(f"\n{threads} thread{'s' * (threads > 1)}\n{'case':18}{'parameters':>12}{'PyTorch':>10}{'nomos':>10}{'ratio':>8}{'Gflop/s':>9}{'OpenBLAS':>10}", flush=True)
    for name, make in torch_cases(torch).items():
        if wanted and name not in wanted:
            continue
        net, loss = make()
        optimiser = torch.optim.Adam(net.parameters(), 1e-3)

        def step():
            optimiser.zero_grad()
            now = loss()
            now.backward()
            optimiser.step()
            return now

        n, flops, blas, known = nomos.ask(name, 0)
        ours = sum(p.numel() * (2 if p.is_complex() else 1) for p in net.parameters())
        if int(n) != ours:
            print(f"{name}: {int(n)} parameters here, {ours} in PyTorch: not the same network")
            continue
        if known:  # the same first weights: the same loss, and after ten steps still
            here, there = [known, nomos.ask(name, 10)[1]], [step().item() for _ in range(10)][::9]
            if any(abs(a / b - 1) > 1e-4 for a, b in zip(here, there)):
                print(f"{name}: the first and the tenth loss are {here} here, {there} in PyTorch: not the same network")
                continue
        for _ in range(3):
            step()
        begin = clock()
        step()
        steps = max(1, min(200, int(0.15 / (clock() - begin))))
        nomos.ask(name, 3)
        pairs = []
        for _ in range(PAIRS):
            begin = clock()
            for _ in range(steps):
                step()
            theirs = 1e3 * (clock() - begin) / steps
            time.sleep(0.1)  # OpenBLAS's threads spin for a while after their last product
            pairs.append((theirs, nomos.ask(name, steps)[0]))
        t, m = (statistics.median(p[i] for p in pairs) for i in (0, 1))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{name:18}{int(n):12,}{t:10.3f}{m:10.3f}{ratio:8.2f}{flops / m * 1e-6:9.1f}{blas:10.1f}", flush=True)


def main():
    arguments = sys.argv[1:]
    wanted = arguments[arguments.index("--") + 1:] if "--" in arguments else []
    arguments = arguments[:arguments.index("--")] if "--" in arguments else arguments
    if not arguments:
        sys.exit(__doc__)
    if importlib.util.find_spec("torch") is None:
        print("python3-torch is not installed: nothing to compare with")
        return
    counts = [int(a) for a in arguments[1:]] or [1, 2]
    if len(counts) == 1 and "NOMOS_COMPARING" in os.environ:
        compare(arguments[0], counts[0], wanted)
        return
    print(f"ms a step, medians of {PAIRS} pairs", flush=True)
    for threads in counts:  # a process each: OpenBLAS and OpenMP read these when they are loaded
        env = dict(os.environ, NOMOS_COMPARING="1", OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), OMP_WAIT_POLICY="passive")
        subprocess.run([sys.executable, __file__, arguments[0], str(threads), "--", *wanted], env=env, check=True)


main()
