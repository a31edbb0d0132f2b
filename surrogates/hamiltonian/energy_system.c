#include "surrogates/hamiltonian/energy_system.h"

#include "surrogates/hamiltonian/field_loss.h"

#include <omp.h>
#include <string.h>

/* States at a time: what the tape holds of them stays in the cache. */
enum { BLOCK = 128 };

typedef struct {
  NomosEnergy     energy;
  NomosParameters parameters;
  NomosTape       tape;
  NomosHamiltonianLoss fused; /* NULL: the tape */
  size_t          row, n_trained;
  NomosTensor    *w, *trained, *bars; /* (all), (n_trained) twice */
  double         *vector;             /* (weights) */
} System;

/* A fresh tape with n states, and the sum of their energies; `record`: else no gradient is asked for. */
static PetscErrorCode Begin(System *s, size_t n, const double x[], bool record, NomosTensor *states, NomosTensor *energies)
{
  PetscFunctionBeginUser;
  NomosTapeSetRecording(s->tape, record);
  PetscCall(NomosTapeReset(s->tape));
  PetscCall(NomosParametersBind(s->parameters, s->tape, s->w));
  NomosParametersPick(s->parameters, s->w, s->trained);
  *states   = NomosTensorFromDoubles(s->tape, NOMOS_F64, 2, (size_t[]){n, s->row}, x);
  *energies = NomosEnergyApply(s->energy, s->w, *states);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dH/dx on the tape. */
static PetscErrorCode Slope(System *s, size_t n, const double x[], bool record, NomosTensor *states, NomosTensor *slope)
{
  NomosTensor energies;

  PetscFunctionBeginUser;
  PetscCall(Begin(s, n, x, true, states, &energies));
  PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(energies), .n = 1, .x = states, .record = record}, slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Energy(void *ctx, size_t n, const double x[], double H[])
{
  System     *s = ctx;
  NomosTensor states, energies;

  PetscFunctionBeginUser;
  for (size_t from = 0; from < n; from += BLOCK) {
    PetscCall(Begin(s, PetscMin((size_t)BLOCK, n - from), x + from * s->row, false, &states, &energies));
    PetscCall(NomosTensorGetDoubles(energies, H + from));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(void *ctx, size_t n, const double x[], double g[])
{
  System     *s = ctx;
  NomosTensor states, slope;

  PetscFunctionBeginUser;
  for (size_t from = 0; from < n; from += BLOCK) {
    PetscCall(Slope(s, PetscMin((size_t)BLOCK, n - from), x + from * s->row, false, &states, &slope));
    PetscCall(NomosTensorGetDoubles(slope, g + from * s->row));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J x of n states, in place or not. */
static void Rotate(const System *s, size_t n, const double x[], double y[])
{
  const size_t d = s->row / 2;

  for (size_t i = 0; i < n; i++, x += s->row, y += s->row)
    for (size_t k = 0; k < d; k++) {
      const double q = x[k];
      y[k]           = x[d + k];
      y[d + k]       = -q;
    }
}

/* J of the field J dH/dx is -dH/dx. */
static PetscErrorCode FusedGradient(void *ctx, size_t n, const double x[], double g[])
{
  System     *s = ctx;
  const void *weights;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersValues(s->parameters, &weights));
  PetscCall(NomosHamiltonianLossField(s->fused, n, x, weights, g));
  Rotate(s, n, g, g);
  for (size_t i = 0; i < n * s->row; i++) g[i] = -g[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <v, dH/dx> = <J v, J dH/dx>, pulled back to the states or the weights. */
static PetscErrorCode PullBack(System *s, size_t n, const double x[], const double v[], double p_bar[], double x_bar[])
{
  const void *weights;
  double     *rotated;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersValues(s->parameters, &weights));
  PetscCall(PetscMalloc1(n * s->row, &rotated));
  Rotate(s, n, v, rotated);
  PetscCall(NomosHamiltonianLossPullBack(s->fused, &(NomosFieldPoints){n, x, rotated}, weights, p_bar, x_bar));
  PetscCall(PetscFree(rotated));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FusedHessian(void *ctx, size_t n, const double x[], const double v[], double Hv[])
{
  PetscFunctionBeginUser;
  PetscCall(PullBack(ctx, n, x, v, NULL, Hv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FusedGradientParameters(void *ctx, size_t n, const double x[], const double v[], double p_bar[])
{
  System *s = ctx;

  PetscFunctionBeginUser;
  PetscCall(PullBack(s, n, x, v, s->vector, NULL));
  for (size_t i = 0; i < NomosParametersSize(s->parameters); i++) p_bar[i] += s->vector[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hessian(void *ctx, size_t n, const double x[], const double v[], double Hv[])
{
  System     *s = ctx;
  NomosTensor states, slope, bar;

  PetscFunctionBeginUser;
  for (size_t from = 0, count; from < n; from += count) {
    count = PetscMin((size_t)BLOCK, n - from);
    PetscCall(Slope(s, count, x + from * s->row, true, &states, &slope));
    const NomosTensor direction = NomosTensorFromDoubles(s->tape, NOMOS_F64, 2, (size_t[]){count, s->row}, v + from * s->row);
    PetscCall(NomosGradient(&(NomosGradientInput){.y = slope, .y_bar = direction, .n = 1, .x = &states}, &bar)); /* H'' is symmetric */
    PetscCall(NomosTensorGetDoubles(bar, Hv + from * s->row));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GradientParameters(void *ctx, size_t n, const double x[], const double v[], double p_bar[])
{
  System      *s = ctx;
  const size_t n_weights = NomosParametersSize(s->parameters);
  NomosTensor  states, slope;

  PetscFunctionBeginUser;
  for (size_t from = 0, count; from < n; from += count) {
    count = PetscMin((size_t)BLOCK, n - from);
    PetscCall(Slope(s, count, x + from * s->row, true, &states, &slope));
    const NomosTensor direction = NomosTensorFromDoubles(s->tape, NOMOS_F64, 2, (size_t[]){count, s->row}, v + from * s->row);
    PetscCall(NomosGradient(&(NomosGradientInput){.y = slope, .y_bar = direction, .n = s->n_trained, .x = s->trained}, s->bars));
    PetscCall(NomosParametersFlatten(s->parameters, s->bars, s->vector));
    for (size_t i = 0; i < n_weights; i++) p_bar[i] += s->vector[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A tangent by two pull-backs: <d(dH/dx)/dp^T u, p_dot> is linear in u, and its gradient by u is what is wanted. */
static PetscErrorCode GradientTangent(void *ctx, size_t n, const double x[], const double p_dot[], double g_dot[])
{
  System     *s = ctx;
  NomosTensor states, slope, bar, sum = {0};

  PetscFunctionBeginUser;
  for (size_t from = 0, count; from < n; from += count) {
    count = PetscMin((size_t)BLOCK, n - from);
    PetscCall(Slope(s, count, x + from * s->row, true, &states, &slope));
    const NomosTensor u = NomosTensorConstant(s->tape, NOMOS_F64, 2, (size_t[]){count, s->row}, 0);
    PetscCall(NomosGradient(&(NomosGradientInput){.y = slope, .y_bar = u, .n = s->n_trained, .x = s->trained, .record = true}, s->bars));
    const double *at = p_dot;
    for (size_t i = 0; i < s->n_trained; at += NomosTensorSize(s->trained[i++])) {
      const size_t     *shape;
      const int         n_dims = NomosTensorDims(s->trained[i], &shape);
      const NomosTensor one    = NomosSumAll(NomosMultiply(s->bars[i], NomosTensorFromDoubles(s->tape, NOMOS_F64, n_dims, shape, at)));
      sum                      = i ? NomosAdd(sum, one) : one;
    }
    PetscCall(NomosGradient(&(NomosGradientInput){.y = sum, .n = 1, .x = &u}, &bar));
    PetscCall(NomosTensorGetDoubles(bar, g_dot + from * s->row));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The kernels know MLPs of some activations. */
static bool HasKernels(NomosEnergy energy, const NomosEnergyInput *input)
{
  return !strcmp(NomosEnergyGetOps(energy)->name, "mlp") && input->n_hidden && NomosHamiltonianLossHas(input->activation);
}

PetscErrorCode NomosEnergySystemCreate(NomosEnergy energy, NomosParameters parameters, const NomosEnergyInput *input, NomosHamiltonian *hamiltonian)
{
  const size_t d = input->d;
  System      *s;

  PetscFunctionBeginUser;
  PetscCheck(NomosParametersType(parameters) == NOMOS_F64, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "a Hamiltonian network that is integrated needs weights of float64");
  PetscCall(PetscNew(&s));
  *s = (System){.energy = energy, .parameters = parameters, .row = 2 * d, .n_trained = NomosParametersTrained(parameters)};
  PetscCall(NomosTapeCreate(&s->tape));
  PetscCall(PetscMalloc4(NomosParametersCount(parameters), &s->w, s->n_trained, &s->trained, s->n_trained, &s->bars, NomosParametersSize(parameters), &s->vector));
  if (HasKernels(energy, input)) PetscCall(NomosHamiltonianLossCreate(&(NomosHamiltonianLossInput){.type = NOMOS_F64, .n_coordinates = 2 * d, .n_hidden = input->n_hidden, .width = input->width, .activation = input->activation, .n_threads = (size_t)omp_get_max_threads()}, &s->fused));
  *hamiltonian = (NomosHamiltonian){.d = d, .n_parameters = NomosParametersSize(parameters), .separable = NomosEnergyGetOps(energy)->separable, .ctx = s, .energy = Energy, .gradient = s->fused ? FusedGradient : Gradient, .hessian = s->fused ? FusedHessian : Hessian,
                                    .gradient_parameters = s->fused ? FusedGradientParameters : GradientParameters, .gradient_tangent = GradientTangent};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEnergySystemDestroy(NomosHamiltonian *hamiltonian)
{
  System *s = hamiltonian->ctx;

  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosHamiltonianLossDestroy(&s->fused));
  PetscCall(NomosTapeDestroy(&s->tape));
  PetscCall(PetscFree4(s->w, s->trained, s->bars, s->vector));
  PetscCall(PetscFree(s));
  hamiltonian->ctx = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
