/* Between conserved and primitive variables, u and w of family.h, as an operator: what files of a family hold is w, what is stepped is u. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <string.h>

enum { STATE, PARAMETERS, N_IN };

typedef struct {
  PdeModel *p;
  bool      to_state;
} Map;

static void Points(const PdeModel *p, bool to_state, int width, const double in[], double out[])
{
  const NomosPdeKernels *k = p->family->kernels[width - 1];
#pragma omp for schedule(static)
  for (size_t start = 0; start < p->n_cells; start += PDE_CHUNK) (to_state ? k->conserved : k->primitive)(p->c, p->n_dims, PetscMin(PDE_CHUNK, p->n_cells - start), p->n_cells, in + start, p->n_cells, out + start);
}

/* in and out: n Numbers of this width. */
static PetscErrorCode MapPoints(const Map *m, int width, const double in[], double out[])
{
  PetscFunctionBeginUser;
  PDE_TEAM(m->p, Points(m->p, m->to_state, width, in, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosPdeAdjoint *Adjoint(const Map *m, int width)
{
  const NomosPdeAdjoints *a = m->p->adjoints[width - 1];
  return m->to_state ? &a->conserved : &a->primitive;
}

static void Coefficients(PdeModel *p, const double c[], const double c_dot[])
{
  memcpy(p->c, c, sizeof *c * (size_t)p->n_coefficients);
  for (int k = 0; k < p->n_coefficients; k++) p->c[NOMOS_PDE_MAX_COEFFICIENTS + k] = c_dot ? c_dot[k] : 0;
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  const Map *m = op->data;

  PetscFunctionBeginUser;
  Coefficients(m->p, in[PARAMETERS], NULL);
  PetscCall(MapPoints(m, 1, in[STATE], out[STATE]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  const Map *m = op->data;
  double    *both;

  PetscFunctionBeginUser;
  Coefficients(m->p, in[PARAMETERS], in_dot[PARAMETERS]);
  PetscCall(PdeScratch(m->p, PDE_OF_TANGENTS, 4 * m->p->n, &both));
  PdeJoin(m->p, in[STATE], in_dot[STATE], both);
  PetscCall(MapPoints(m, 2, both, both + 2 * m->p->n));
  PdePart(m->p, both + 2 * m->p->n, NULL, out_dot[STATE]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Add(size_t n, const double from[], double to[])
{
  for (size_t i = 0; i < n && to; i++) to[i] += from[i];
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  const Map *m = op->data;
  double    *unwanted, c_bar[PDE_MAX_WIDTH * NOMOS_PDE_MAX_COEFFICIENTS] = {0};

  PetscFunctionBeginUser;
  Coefficients(m->p, in[PARAMETERS], NULL);
  PetscCall(PdeThreads(m->p));
  PetscCall(PdeScratch(m->p, PDE_OF_TANGENTS, m->p->n, &unwanted));
  if (!in_bar[STATE]) memset(unwanted, 0, m->p->n * sizeof *unwanted);
  PetscCall(PdePointAdjoint(m->p, 1, Adjoint(m, 1), in[STATE], out_bar[STATE], in_bar[STATE] ? in_bar[STATE] : unwanted, c_bar));
  Add((size_t)m->p->n_coefficients, c_bar, in_bar[PARAMETERS]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  const Map   *m = op->data;
  const size_t n = m->p->n;
  double      *x, *y_bar, *x_bar, *bar_dot, c_bar[PDE_MAX_WIDTH * NOMOS_PDE_MAX_COEFFICIENTS] = {0};

  PetscFunctionBeginUser;
  Coefficients(m->p, in[PARAMETERS], in_dot[PARAMETERS]);
  PetscCall(PetscCalloc4(2 * n, &x, 2 * n, &y_bar, 2 * n, &x_bar, n, &bar_dot));
  PdeJoin(m->p, in[STATE], in_dot[STATE], x);
  PdeJoin(m->p, out_bar[STATE], out_bar_dot[STATE], y_bar);
  PetscCall(PdeThreads(m->p));
  PetscCall(PdePointAdjoint(m->p, 2, Adjoint(m, 2), x, y_bar, x_bar, c_bar));
  PdePart(m->p, x_bar, NULL, bar_dot);
  Add(n, bar_dot, in_bar_dot[STATE]);
  Add((size_t)m->p->n_coefficients, c_bar + NOMOS_PDE_MAX_COEFFICIENTS, in_bar_dot[PARAMETERS]);
  PetscCall(PetscFree4(x, y_bar, x_bar, bar_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosOperator op)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdePrimitiveMap(NomosModel model, bool to_state, NomosOperator *op)
{
  static const NomosOperatorOps ops[2] = {
    {.name = "primitive of conserved", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .destroy = Destroy},
    {.name = "conserved of primitive", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .destroy = Destroy},
  };
  PdeModel                   *p       = model->data;
  const NomosOperatorArgument in[N_IN] = {{.name = "state", .size = p->n}, {.name = "parameters", .size = (size_t)p->n_coefficients, .replicated = true}};
  Map                        *m;

  PetscFunctionBeginUser;
  PetscCheck(p->family->kernels[0]->primitive, model->comm, PETSC_ERR_SUP, "grid_pde.family = %s: its primitive variables are its conserved ones", p->family->name);
  PetscCall(PetscNew(&m));
  *m = (Map){p, to_state};
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = model->comm, .ops = &ops[to_state], .n_in = N_IN, .n_out = 1, .in = in, .out = in, .data = m}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdePrimitives(NomosModel model, size_t *n, const NomosModelField **list)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  *n    = p->family->kernels[0]->primitive ? (size_t)p->m : 0;
  *list = p->primitives;
  for (size_t f = 0; f < *n; f++) p->primitives[f] = PdeModelField(p, p->family->fields[f].name, p->family->fields[f].long_name, false);
  PetscFunctionReturn(PETSC_SUCCESS);
}
