/* What the way to the grid and back damps, given back. The material point method (APIC) carries the affine velocities u = (v, C) of particles onto the nodes and back,

     G:  u_i = sum_p w_ip (v_p + C_p d_ip)/sum_p w_ip,    v'_p = sum_i w_ip u_i,   C'_p = 4/dx^2 sum_i w_ip u_i d_ip^T,     d_ip = x_i - x_p

   in every step. An affine motion comes back as it was; of what varies within a few cells a part is lost, of which a coarse grid loses more: a flow on it is too viscous. An approximate deconvolution undoes it,

     u += a (1 - G) u

   with a learned factor a. Of a = 1 in every step it is the extended PIC of order 2 (Hammerquist & Nairn 2017, doi:10.1016/j.cma.2017.01.035), for affine velocities; the idea is that of subgrid models (Stolz & Adams 1999,
   doi:10.1063/1.869867). G keeps momentum and angular momentum of particles of equal mass, and so does this, for one a of all. Free flight and rotation stay as they are. */
#include "surrogates/reduced_order_graph/correction_impl.h"

#include "operators/primitives.h"

#include <math.h>

enum { D      = 2,
       TAPS   = 3,
       NODES  = TAPS * TAPS,
       N_NODE = D + 1 };
enum { X,
       V,
       C,
       N_IN };
enum { V_OUT,
       C_OUT,
       N_OUT };

typedef struct {
  size_t n, cells[D];
  double dx, origin[D];
} Geometry;

/* Of one particle: its first node, weights of the nodes, their slopes by x (1/m), and d (m). */
typedef struct {
  size_t node[NODES];
  double w[NODES], slope[NODES][D], d[NODES][D];
} Stencil;

/* Nodes beyond the grid, of which a particle in its last half cell has some, are those behind a margin of two. */
static size_t NodesAlong(const Geometry *g, int a)
{
  return g->cells[a] + 4;
}

static void Find(const Geometry *g, const double x[D], Stencil *s)
{
  double w[D][TAPS], slope[D][TAPS], d[D][TAPS];
  size_t first[D];

  for (int a = 0; a < D; a++) {
    const double at = (x[a] - g->origin[a]) / g->dx, low = fmin(fmax(floor(at - 0.5), -2), (double)g->cells[a] - 1), r = at - low;
    first[a]    = (size_t)(low + 2);
    w[a][0]     = 0.5 * (1.5 - r) * (1.5 - r);
    w[a][1]     = 0.75 - (r - 1) * (r - 1);
    w[a][2]     = 0.5 * (r - 0.5) * (r - 0.5);
    slope[a][0] = (r - 1.5) / g->dx;
    slope[a][1] = -2 * (r - 1) / g->dx;
    slope[a][2] = (r - 0.5) / g->dx;
    for (int k = 0; k < TAPS; k++) d[a][k] = (k - r) * g->dx;
  }
  for (int k = 0; k < NODES; k++) {
    const int i = k / TAPS, j = k % TAPS;
    s->node[k]     = (first[0] + (size_t)i) * NodesAlong(g, 1) + first[1] + (size_t)j;
    s->w[k]        = w[0][i] * w[1][j];
    s->slope[k][0] = slope[0][i] * w[1][j];
    s->slope[k][1] = w[0][i] * slope[1][j];
    s->d[k][0]     = d[0][i];
    s->d[k][1]     = d[1][j];
  }
}

/* Grids of (mass, momentum) or (1/mass or 0, velocity), [nodes, 3]. */
static PetscErrorCode GridCreate(const Geometry *g, double **nodes)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(NodesAlong(g, 0) * NodesAlong(g, 1) * N_NODE, nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v_p + C_p d */
static void Affine(const double v[D], const double c[D * D], const double d[D], double out[D])
{
  for (int a = 0; a < D; a++) out[a] = v[a] + c[a * D] * d[0] + c[a * D + 1] * d[1];
}

/* The velocities of the nodes. */
static void ToNodes(const Geometry *g, const double *const in[], double nodes[])
{
  Stencil s;
  double  u[D];

  for (size_t p = 0; p < g->n; p++) {
    Find(g, in[X] + p * D, &s);
    for (int k = 0; k < NODES; k++) {
      double *node = nodes + s.node[k] * N_NODE;
      Affine(in[V] + p * D, in[C] + p * D * D, s.d[k], u);
      node[0] += s.w[k];
      for (int a = 0; a < D; a++) node[1 + a] += s.w[k] * u[a];
    }
  }
  for (size_t i = 0; i < NodesAlong(g, 0) * NodesAlong(g, 1); i++) {
    double *node = nodes + i * N_NODE;
    node[0]      = node[0] > 0 ? 1 / node[0] : 0;
    for (int a = 0; a < D; a++) node[1 + a] *= node[0];
  }
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  const Geometry *g     = op->data;
  const double    scale = 4 / (g->dx * g->dx);
  double         *nodes;
  Stencil         s;

  PetscFunctionBeginUser;
  PetscCall(GridCreate(g, &nodes));
  ToNodes(g, in, nodes);
  for (size_t p = 0; p < g->n; p++) {
    double *v = out[V_OUT] + p * D, *c = out[C_OUT] + p * D * D;
    Find(g, in[X] + p * D, &s);
    for (int a = 0; a < D; a++) v[a] = c[a * D] = c[a * D + 1] = 0;
    for (int k = 0; k < NODES; k++)
      for (int a = 0; a < D; a++) {
        const double u = s.w[k] * nodes[s.node[k] * N_NODE + 1 + (size_t)a];
        v[a] += u;
        for (int b = 0; b < D; b++) c[a * D + b] += scale * u * s.d[k][b];
      }
  }
  PetscCall(PetscFree(nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  const Geometry *g     = op->data;
  const double    scale = 4 / (g->dx * g->dx);
  double         *nodes, *dots, u[D], u_dot[D];
  Stencil         s;

  PetscFunctionBeginUser;
  PetscCall(GridCreate(g, &nodes));
  PetscCall(GridCreate(g, &dots));
  ToNodes(g, in, nodes);
  for (size_t p = 0; p < g->n; p++) {
    const double *x_dot = in_dot[X] + p * D, *c = in[C] + p * D * D;
    Find(g, in[X] + p * D, &s);
    for (int k = 0; k < NODES; k++) {
      const double w_dot = s.slope[k][0] * x_dot[0] + s.slope[k][1] * x_dot[1];
      double      *node  = dots + s.node[k] * N_NODE;
      Affine(in[V] + p * D, c, s.d[k], u);
      Affine(in_dot[V] + p * D, in_dot[C] + p * D * D, s.d[k], u_dot);
      node[0] += w_dot;
      for (int a = 0; a < D; a++) node[1 + a] += w_dot * u[a] + s.w[k] * (u_dot[a] - c[a * D] * x_dot[0] - c[a * D + 1] * x_dot[1]);
    }
  }
  for (size_t i = 0; i < NodesAlong(g, 0) * NodesAlong(g, 1); i++)
    for (int a = 0; a < D; a++) dots[i * N_NODE + 1 + (size_t)a] = nodes[i * N_NODE] * (dots[i * N_NODE + 1 + (size_t)a] - dots[i * N_NODE] * nodes[i * N_NODE + 1 + (size_t)a]);
  for (size_t p = 0; p < g->n; p++) {
    const double *x_dot = in_dot[X] + p * D;
    double       *v = out_dot[V_OUT] + p * D, *c = out_dot[C_OUT] + p * D * D;
    Find(g, in[X] + p * D, &s);
    for (int a = 0; a < D; a++) v[a] = c[a * D] = c[a * D + 1] = 0;
    for (int k = 0; k < NODES; k++) {
      const double w_dot = s.slope[k][0] * x_dot[0] + s.slope[k][1] * x_dot[1];
      for (int a = 0; a < D; a++) {
        const double at = nodes[s.node[k] * N_NODE + 1 + (size_t)a], dot = w_dot * at + s.w[k] * dots[s.node[k] * N_NODE + 1 + (size_t)a];
        v[a] += dot;
        for (int b = 0; b < D; b++) c[a * D + b] += scale * (dot * s.d[k][b] - s.w[k] * at * x_dot[b]);
      }
    }
  }
  PetscCall(PetscFree(dots));
  PetscCall(PetscFree(nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Back from the particles: (mass_bar, momentum_bar) of the nodes, and what x has of the way from them. */
static void NodesBar(const Geometry *g, const double *const in[], const double *const out_bar[], const double nodes[], double bars[], double x_bar[])
{
  const double scale = 4 / (g->dx * g->dx);
  Stencil      s;

  for (size_t p = 0; p < g->n; p++) {
    const double *v_bar = out_bar[V_OUT] + p * D, *c_bar = out_bar[C_OUT] + p * D * D;
    Find(g, in[X] + p * D, &s);
    for (int k = 0; k < NODES; k++) {
      const double *u   = nodes + s.node[k] * N_NODE + 1;
      double       *bar = bars + s.node[k] * N_NODE, along = 0;
      for (int a = 0; a < D; a++) {
        const double of_u = v_bar[a] + scale * (c_bar[a * D] * s.d[k][0] + c_bar[a * D + 1] * s.d[k][1]);
        bar[1 + a] += s.w[k] * of_u;
        along += of_u * u[a];
        if (x_bar)
          for (int b = 0; b < D; b++) x_bar[p * D + (size_t)b] -= s.w[k] * scale * c_bar[a * D + b] * u[a];
      }
      if (x_bar)
        for (int b = 0; b < D; b++) x_bar[p * D + (size_t)b] += s.slope[k][b] * along;
    }
  }
  for (size_t i = 0; i < NodesAlong(g, 0) * NodesAlong(g, 1); i++) {
    const double *node = nodes + i * N_NODE;
    double       *bar  = bars + i * N_NODE;
    for (int a = 0; a < D; a++) {
      bar[1 + a] *= node[0];
      bar[0] -= bar[1 + a] * node[1 + a];
    }
  }
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  const Geometry *g = op->data;
  double         *nodes, *bars, u[D];
  Stencil         s;

  PetscFunctionBeginUser;
  PetscCall(GridCreate(g, &nodes));
  PetscCall(GridCreate(g, &bars));
  ToNodes(g, in, nodes);
  NodesBar(g, in, out_bar, nodes, bars, in_bar[X]);
  for (size_t p = 0; p < g->n; p++) {
    const double *c = in[C] + p * D * D;
    Find(g, in[X] + p * D, &s);
    for (int k = 0; k < NODES; k++) {
      const double *bar = bars + s.node[k] * N_NODE;
      Affine(in[V] + p * D, c, s.d[k], u);
      for (int b = 0; b < D && in_bar[X]; b++) in_bar[X][p * D + (size_t)b] += s.slope[k][b] * (bar[0] + bar[1] * u[0] + bar[2] * u[1]) - s.w[k] * (bar[1] * c[b] + bar[2] * c[D + b]);
      for (int a = 0; a < D; a++) {
        if (in_bar[V]) in_bar[V][p * D + (size_t)a] += s.w[k] * bar[1 + a];
        for (int b = 0; b < D && in_bar[C]; b++) in_bar[C][(p * D + (size_t)a) * D + (size_t)b] += s.w[k] * bar[1 + a] * s.d[k][b];
      }
    }
  }
  PetscCall(PetscFree(bars));
  PetscCall(PetscFree(nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosOperator op)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTransferCreate(const NomosCorrectionShape *shape, size_t n, NomosOperator *transfer)
{
  static const NomosOperatorOps ops      = {.name = "particles to grid and back", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .destroy = Destroy};
  const NomosOperatorArgument   in[N_IN] = {
      {"position", n * D,     false},
      {"velocity", n * D,     false},
      {"affine",   n * D * D, false}
  },
                              out[N_OUT] = {{"velocity", n * D, false}, {"affine", n * D * D, false}};
  Geometry *g;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&g));
  *g = (Geometry){
    .n = n, .cells = {shape->cells[0],  shape->cells[1] },
         .dx = shape->dx, .origin = {shape->origin[0], shape->origin[1]}
  };
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &ops, .n_in = N_IN, .n_out = N_OUT, .in = in, .out = out, .data = g}, transfer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sets one behind the other, each by its own operator. */
PetscErrorCode NomosTransferCorrect(NomosTensor factor, NomosParticleStates *states)
{
  static const int fields[N_OUT] = {NOMOS_TWIN_V, NOMOS_TWIN_C};
  NomosTensor     *parts[N_OUT];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(states->n_sets, &parts[0], states->n_sets, &parts[1]));
  for (size_t set = 0; set < states->n_sets; set++) {
    NomosTensor in[N_IN], out[N_OUT];
    for (int f = 0; f < N_IN; f++) in[f] = NomosSlice(states->fields[f], 0, states->first[set], states->first[set + 1] - states->first[set], 1);
    PetscCall(NomosTapeApply(states->transfers[set], in, out));
    for (int f = 0; f < N_OUT; f++) {
      const size_t *shape;
      const int     n_dims = NomosTensorDims(in[V + f], &shape);
      parts[f][set]        = NomosReshape(out[f], n_dims, shape);
    }
  }
  for (int f = 0; f < N_OUT; f++) {
    const NomosTensor u       = states->fields[fields[f]];
    states->fields[fields[f]] = NomosAdd(u, NomosMultiply(factor, NomosSubtract(u, NomosConcatenate(states->n_sets, parts[f], 0))));
  }
  PetscCall(PetscFree2(parts[0], parts[1]));
  PetscCall(NomosTapeStatus(factor.tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}
