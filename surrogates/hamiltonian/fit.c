#include "surrogates/hamiltonian/fit.h"

#include <string.h>

PetscErrorCode NomosFitFromConfig(NomosConfig config, NomosFit *fit)
{
  const char *loss;
  int         choice;
  int64_t     steps, substeps;

  PetscFunctionBeginUser;
  *fit = (NomosFit){0};
  PetscCall(NomosConfigGetString(config, "hamiltonian.loss", &loss));
  fit->loss = NomosLossFind(loss);
  PetscCall(NomosConfigGetInt(config, "hamiltonian.steps", &steps));
  PetscCall(NomosConfigGetInt(config, "hamiltonian.substeps", &substeps));
  PetscCall(NomosConfigGetChoice(config, "hamiltonian.fit", &choice));
  PetscCall(NomosConfigGetBool(config, "hamiltonian.bodies", &fit->bodies));
  fit->steps    = (size_t)steps;
  fit->substeps = (size_t)substeps;
  fit->kind     = (NomosFitKind)PetscMin(choice, NOMOS_FIT_UNROLLED);
  if (fit->kind == NOMOS_FIT_UNROLLED) fit->scheme = (NomosUnrollScheme)(choice - NOMOS_FIT_UNROLLED); /* the choices end with the schemes */
  fit->split = fit->kind == NOMOS_FIT_UNROLLED && fit->scheme != NOMOS_UNROLL_RK4;
  fit->bodies_variable = fit->kind == NOMOS_FIT_DERIVATIVES ? 3 : 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosFitData(const NomosFit *fit, NomosDatasetInput *input)
{
  static const NomosDatasetVariable with[]    = {{.name = "x"}, {.name = "t", .constant = true}, {.name = "x_dot"}, {.name = "bodies", .constant = true}};
  static const NomosDatasetVariable without[] = {{.name = "x"}, {.name = "t", .constant = true}, {.name = "bodies", .constant = true}};

  input->n_variables = fit->bodies_variable + fit->bodies;
  input->variables   = fit->kind == NOMOS_FIT_DERIVATIVES ? with : without;
  input->frames      = true;
  input->window      = fit->kind == NOMOS_FIT_DERIVATIVES ? 1 : fit->steps + 1;
}

PetscErrorCode NomosFitPick(const NomosFit *fit, NomosDataset data, NomosSplit split, size_t bodies, size_t n, const size_t examples[], size_t picked[], size_t *n_picked)
{
  double *counts;

  PetscFunctionBeginUser;
  *n_picked = 0;
  PetscCall(PetscMalloc1(n, &counts));
  PetscCall(NomosDatasetRead(data, fit->bodies_variable, split, n, examples, counts));
  for (size_t i = 0; i < n; i++)
    if (counts[i] == (double)bodies) picked[(*n_picked)++] = examples[i];
  PetscCall(PetscFree(counts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosFitTrim(size_t n, size_t from, size_t to, double x[])
{
  for (size_t r = 0; r < n && to < from; r++)
    for (size_t half = 0; half < 2; half++) memmove(x + (2 * r + half) * (to / 2), x + (2 * r + half) * (from / 2), to / 2 * sizeof *x);
}

/* dt (n, steps) from frame to frame of every example. */
static PetscErrorCode ReadSteps(const NomosFit *fit, NomosSurrogate s, const NomosBatch *batch, double dt[])
{
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1], n_times, trajectory, frame;
  int64_t every;
  int     n_dims;
  double *t;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, "data.every", &every));
  PetscCall(NomosDatasetShape(s->data, NOMOS_FIT_T, &n_dims, shape, &n_times));
  PetscCall(PetscMalloc1(batch->n * n_times, &t));
  PetscCall(NomosDatasetRead(s->data, NOMOS_FIT_T, batch->split, batch->n, batch->examples, t));
  for (size_t i = 0; i < batch->n; i++) {
    PetscCall(NomosDatasetOrigin(s->data, batch->split, batch->examples[i], &trajectory, NULL, &frame));
    PetscCheck(frame + fit->steps * (size_t)every < n_times, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "t has %zu times of a trajectory whose x has more frames: must be as many", n_times);
    for (size_t k = 0; k < fit->steps; k++) {
      const double *from = t + i * n_times + frame + k * (size_t)every;
      dt[i * fit->steps + k] = from[every] - from[0];
      NomosCheck(from[every] > from[0], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "trajectory %zu is at t = %g after t = %g: a fit to states needs times that rise", trajectory, from[every], from[0]);
    }
  }
  PetscCall(PetscFree(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Midpoints and differences of neighbours of windows x (n, steps + 1, size): in place and into `slope`, (n, steps, size) both. */
static void Midpoints(const NomosFit *fit, size_t n, size_t size, const double dt[], double x[], double slope[])
{
  for (size_t i = 0, at = 0; i < n; i++)
    for (size_t k = 0; k < fit->steps; k++)
      for (size_t j = 0; j < size; j++, at++) {
        const double from = x[(i * (fit->steps + 1) + k) * size + j], to = x[(i * (fit->steps + 1) + k + 1) * size + j];
        x[at]     = (from + to) / 2; /* not read again: at is behind what comes */
        slope[at] = (to - from) / dt[i * fit->steps + k];
      }
}

PetscErrorCode NomosFitRead(const NomosFit *fit, NomosSurrogate s, const NomosBatch *batch, size_t size, NomosTape tape, NomosFitExamples *e)
{
  const NomosRealType type  = NomosParametersType(s->parameters);
  const size_t        n     = batch->n, steps = fit->steps;
  size_t              shape[NOMOS_FIELD_MAX_DIMS + 1], total, window;
  int                 n_dims;
  double             *x, *target, *dt;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetShape(s->data, NOMOS_FIT_X, &n_dims, shape, &total));
  window = fit->kind == NOMOS_FIT_DERIVATIVES ? 1 : steps + 1;
  *e     = (NomosFitExamples){.n = n, .size = size};
  PetscCall(PetscMalloc3(n * total, &x, n * total, &target, n * steps, &dt));
  PetscCall(NomosDatasetRead(s->data, NOMOS_FIT_X, batch->split, n, batch->examples, x));
  NomosFitTrim(n * window, total / window, size, x);
  if (fit->kind == NOMOS_FIT_DERIVATIVES) {
    PetscCall(NomosDatasetRead(s->data, NOMOS_FIT_X_DOT, batch->split, n, batch->examples, target));
    NomosFitTrim(n, total, size, target);
  } else PetscCall(ReadSteps(fit, s, batch, dt));
  if (fit->kind == NOMOS_FIT_MIDPOINT) Midpoints(fit, n, e->size, dt, x, target);
  if (fit->kind != NOMOS_FIT_UNROLLED) {
    const size_t points[] = {window > 1 ? n * steps : n, e->size};
    e->x      = NomosTensorFromDoubles(tape, type, 2, points, x);
    e->target = NomosTensorFromDoubles(tape, type, 2, points, target);
  } else {
    const NomosTensor all = NomosTensorFromDoubles(tape, type, 3, (size_t[]){n, window, e->size}, x);
    e->x      = NomosReshape(NomosSlice(all, 1, 0, 1, 1), 2, (size_t[]){n, e->size});
    e->target = NomosSlice(all, 1, 1, steps, 1);
    const NomosTensor step = NomosAffine(NomosTensorFromDoubles(tape, type, 2, (size_t[]){n, steps}, dt), 1. / (double)fit->substeps, 0);
    PetscCall(PetscMalloc1(steps, &e->dt));
    for (size_t k = 0; k < steps; k++) e->dt[k] = NomosSlice(step, 1, k, 1, 1);
  }
  PetscCall(PetscFree3(x, target, dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFitFree(NomosFitExamples *e)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(e->dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFitLoss(const NomosFit *fit, const NomosFitExamples *e, const NomosUnrollInput *field, NomosTensor *loss)
{
  NomosUnrollInput unroll = *field;
  NomosTensor      x = e->x, x_dot;

  PetscFunctionBeginUser;
  if (fit->kind != NOMOS_FIT_UNROLLED) {
    PetscCall(field->field(field->network, field->w, x, &x_dot));
    *loss = fit->loss(x_dot, e->target);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  unroll.scheme = field->energy ? fit->scheme : NOMOS_UNROLL_RK4;
  for (size_t k = 0; k < fit->steps; k++) {
    unroll.dt = e->dt[k];
    for (size_t sub = 0; sub < fit->substeps; sub++) PetscCall(NomosUnrollStep(&unroll, &x));
    const NomosTensor one = NomosAffine(fit->loss(x, NomosReshape(NomosSlice(e->target, 1, k, 1, 1), 2, (size_t[]){e->n, e->size})), 1. / (double)fit->steps, 0);
    *loss = k ? NomosAdd(*loss, one) : one;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
