#include "surrogates/hamiltonian/fit_fused.h"

#include "operators/primitives.h"
#include "surrogates/hamiltonian/field_loss.h"

#include <omp.h>
#include <string.h>

struct NomosFitFused_s {
  NomosHamiltonianLoss loss;
  NomosRealType        type;
  size_t               n, n_tensors;
  NomosFieldPoints     points; /* of the loss that is on the tape */
  bool                 training, has_gradient;
  const double        *at;            /* the node's input, where `g` is the gradient */
  void                *theta, *v, *g; /* (n) of the type */
  NomosOperator        op;
};

static void FromDoubles(NomosRealType type, size_t n, const double from[], void *to)
{
  if (type == NOMOS_F64) memcpy(to, from, n * sizeof *from);
  else
    for (size_t i = 0; i < n; i++) ((float *)to)[i] = (float)from[i];
}

static double Entry(NomosRealType type, const void *x, size_t i)
{
  return type == NOMOS_F64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

/* f->g at these weights, unless it is there; the value, if wanted. */
static PetscErrorCode Gradient(NomosFitFused f, const double weights[], double *value)
{
  PetscFunctionBeginUser;
  if (!value && f->has_gradient && f->at == weights) PetscFunctionReturn(PETSC_SUCCESS);
  FromDoubles(f->type, f->n, weights, f->theta);
  PetscCall(NomosHamiltonianLossGradient(f->loss, &f->points, f->theta, value, f->g));
  f->at           = weights;
  f->has_gradient = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  NomosFitFused f = op->data;

  PetscFunctionBeginUser;
  if (f->training) {
    PetscCall(Gradient(f, in[0], out[0]));
  } else {
    FromDoubles(f->type, f->n, in[0], f->theta);
    PetscCall(NomosHamiltonianLossGradient(f->loss, &f->points, f->theta, out[0], NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  NomosFitFused f = op->data;

  PetscFunctionBeginUser;
  PetscCall(Gradient(f, in[0], NULL));
  for (size_t i = 0; i < f->n; i++) in_bar[0][i] += out_bar[0][0] * Entry(f->type, f->g, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  NomosFitFused f = op->data;

  PetscFunctionBeginUser;
  PetscCall(Gradient(f, in[0], NULL));
  out_dot[0][0] = 0;
  for (size_t i = 0; i < f->n; i++) out_dot[0][0] += Entry(f->type, f->g, i) * in_dot[0][i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  NomosFitFused f = op->data;

  PetscFunctionBeginUser;
  if (out_bar_dot) {
    PetscCall(Gradient(f, in[0], NULL));
    for (size_t i = 0; i < f->n; i++) in_bar_dot[0][i] += out_bar_dot[0][0] * Entry(f->type, f->g, i);
  }
  FromDoubles(f->type, f->n, in[0], f->theta);
  FromDoubles(f->type, f->n, in_dot[0], f->v);
  f->has_gradient = false; /* g becomes the product */
  PetscCall(NomosHamiltonianLossHessian(f->loss, &f->points, f->theta, f->v, f->g));
  for (size_t i = 0; i < f->n; i++) in_bar_dot[0][i] += out_bar[0][0] * Entry(f->type, f->g, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFitFusedCreate(const NomosFitFusedInput *input, NomosFitFused *fused)
{
  static const NomosOperatorOps ops      = {.name = "FieldLoss", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp};
  const NomosEnergyInput       *network  = input->network;
  const bool                    log_cosh = input->fit->loss == NomosLossLogCosh;
  const NomosOperatorArgument   out      = {"loss", 1, false};
  NomosOperatorArgument         in       = {"weights", 0, true};
  NomosFitFused                 f;

  PetscFunctionBeginUser;
  *fused = NULL;
  if (input->fit->kind == NOMOS_FIT_UNROLLED || strcmp(NomosEnergyGetOps(input->energy)->name, "mlp") || !NomosHamiltonianLossHas(network->activation)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!log_cosh && input->fit->loss != NomosLossMeanSquared) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&f));
  *fused       = f;
  f->type      = NomosParametersType(input->parameters);
  f->n_tensors = NomosParametersCount(input->parameters);
  f->n = in.size = NomosParametersSize(input->parameters);
  PetscCall(NomosHamiltonianLossCreate(&(NomosHamiltonianLossInput){.type = f->type, .n_coordinates = 2 * network->d, .n_hidden = network->n_hidden, .width = network->width, .activation = network->activation, .log_cosh = log_cosh, .n_threads = (size_t)omp_get_max_threads()}, &f->loss));
  const size_t bytes = f->n * NomosRealBytes(f->type);
  PetscCall(PetscMalloc3(bytes, (char **)&f->theta, bytes, (char **)&f->v, bytes, (char **)&f->g));
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &ops, .n_in = 1, .n_out = 1, .in = &in, .out = &out, .data = f}, &f->op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFitFusedDestroy(NomosFitFused *fused)
{
  NomosFitFused f = *fused;

  PetscFunctionBeginUser;
  if (f) {
    PetscCall(NomosOperatorDestroy(&f->op));
    PetscCall(NomosHamiltonianLossDestroy(&f->loss));
    PetscCall(PetscFree3(f->theta, f->v, f->g));
  }
  PetscCall(PetscFree(*fused));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFitFusedLoss(NomosFitFused f, const NomosFitExamples *examples, bool training, const NomosTensor w[], NomosTensor *loss)
{
  NomosTensor *flat, all;

  PetscFunctionBeginUser;
  f->points.n = NomosTensorSize(examples->x) / examples->size;
  PetscCall(NomosTensorGet(examples->x, &f->points.x));
  PetscCall(NomosTensorGet(examples->target, &f->points.x_dot));
  f->training     = training;
  f->has_gradient = false;
  PetscCall(PetscMalloc1(f->n_tensors, &flat));
  for (size_t i = 0; i < f->n_tensors; i++) flat[i] = NomosReshape(w[i], 1, (size_t[]){NomosTensorSize(w[i])});
  all = NomosConcatenate(f->n_tensors, flat, 0);
  PetscCall(PetscFree(flat));
  PetscCall(NomosTapeApply(f->op, &all, loss));
  *loss = NomosCast(NomosReshape(*loss, 0, NULL), f->type);
  PetscFunctionReturn(PETSC_SUCCESS);
}
