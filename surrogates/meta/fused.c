/* Losses and their gradients by the fused kernels of hamiltonian/field_loss.h, where there are such: MLPs, log cosh or squares; methods that step with all weights, the last layer or none. Value and gradient of a batch are found in
   one go and are one node of the tape. methods.c says what is computed, and is the oracle of the tests. */
#include "surrogates/meta/meta_impl.h"

#include <omp.h>
#include <string.h>

struct NomosMetaFused_s {
  NomosMeta            *m;
  size_t                n_threads;
  NomosHamiltonianLoss *losses;   /* (n_threads) */
  const NomosTasks     *tasks;    /* of the loss that is being computed */
  bool                  training; /* its gradient will be asked for */
  void                 *gradient; /* (n_weights) of the parameters' type */
  NomosOperator         op;
};

static size_t RealBytes(const NomosMeta *m)
{
  return NomosRealBytes(NomosParametersType(m->s->parameters));
}

/* Points first, .., first + n of a task. */
static PetscErrorCode Points(const NomosMeta *m, const NomosTasks *tasks, size_t task, size_t first, size_t n, NomosFieldPoints *points)
{
  const size_t n_all = m->n_points[NOMOS_META_SUPPORT] + m->n_points[NOMOS_META_QUERY], at = (task * n_all + first) * tasks->size * RealBytes(m);
  const void  *x, *x_dot;

  PetscFunctionBeginUser;
  PetscCall(NomosTensorGet(tasks->all_x, &x));
  PetscCall(NomosTensorGet(tasks->all_x_dot, &x_dot));
  *points = (NomosFieldPoints){.n = n, .x = (const char *)x + at, .x_dot = (const char *)x_dot + at};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x += factor y */
static void AddTo(const NomosMeta *m, size_t n, double factor, const void *y, void *x)
{
  for (size_t i = 0; i < n; i++) {
    if (RealBytes(m) == sizeof(float)) ((float *)x)[i] += (float)factor * ((const float *)y)[i];
    else ((double *)x)[i] += factor * ((const double *)y)[i];
  }
}

/* Reptile: losses and gradients along plain descent on all points of a task, their mean over steps and tasks. */
static PetscErrorCode AlongPaths(NomosMetaFused *f, const NomosFieldPoints points[], const void *theta, double *loss)
{
  const NomosMeta *m = f->m;
  const size_t     n = m->n_weights, bytes = n * RealBytes(m);
  const double     share = 1 / (double)((size_t)m->inner_steps * f->tasks->n);
  char            *at, *g;
  double           value;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(bytes, &at, bytes, &g));
  PetscCall(PetscMemzero(f->gradient, bytes));
  for (size_t task = 0; task < f->tasks->n; task++) {
    memcpy(at, theta, bytes);
    for (int64_t step = 0; step < m->inner_steps; step++) {
      PetscCall(NomosHamiltonianLossGradient(f->losses[0], &points[task], at, &value, g));
      *loss += share * value;
      AddTo(m, n, share, g, f->gradient);
      AddTo(m, n, -m->inner_rate, g, at);
    }
  }
  PetscCall(PetscFree2(at, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The weights come from the parameters: the node's input is a copy of them. */
static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  NomosMetaFused   *f = op->data;
  const NomosMeta  *m = f->m;
  const size_t      n = f->tasks->n, n_support = m->n_points[NOMOS_META_SUPPORT], n_query = m->n_points[NOMOS_META_QUERY];
  const bool        steps = m->method->steps;
  NomosFieldPoints *points;
  const void       *theta;

  PetscFunctionBeginUser;
  (void)in;
  out[0][0] = 0;
  PetscCall(PetscMalloc1(2 * n, &points));
  for (size_t task = 0; task < n; task++) {
    PetscCall(Points(m, f->tasks, task, 0, n_support, &points[task]));
    PetscCall(Points(m, f->tasks, task, steps ? n_support : 0, steps ? n_query : n_support + n_query, &points[n + task]));
  }
  PetscCall(NomosParametersValues(m->s->parameters, &theta));
  const NomosMetaLossInput input = {.n_tasks = n, .support = points, .query = points + n, .rate = m->inner_rate, .steps = steps ? (int)m->inner_steps : 0, .first_order = m->first_order, .last_layer = m->method->what == NOMOS_META_LAST};
  if (m->method->path) PetscCall(AlongPaths(f, points + n, theta, out[0]));
  else PetscCall(NomosMetaLoss(f->n_threads, f->losses, &input, theta, out[0], f->training ? f->gradient : NULL));
  PetscCall(PetscFree(points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  const NomosMetaFused *f = op->data;

  PetscFunctionBeginUser;
  (void)in;
  for (size_t i = 0; i < op->in[0].size; i++) in_bar[0][i] += out_bar[0][0] * (RealBytes(f->m) == sizeof(float) ? (double)((const float *)f->gradient)[i] : ((const double *)f->gradient)[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaFusedCreate(NomosMeta *m, const NomosEnergyInput *network, const char loss[])
{
  static const NomosOperatorOps ops = {.name = "MetaLoss", .apply = Apply, .vjp = Vjp};
  const NomosOperatorArgument   in = {"weights", m->n_weights, true}, out = {"loss", 1, false};
  const bool                    log_cosh = !strcmp(loss, "log_cosh"), activation = network->activation == NOMOS_TANH || network->activation == NOMOS_SOFTPLUS || network->activation == NOMOS_MISH;
  NomosMetaFused               *f;

  PetscFunctionBeginUser;
  if (strcmp(NomosEnergyGetOps(m->energy)->name, "mlp") || !activation || (!log_cosh && strcmp(loss, "mean_squared"))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&f));
  m->fused     = f;
  f->m         = m;
  f->n_threads = (size_t)omp_get_max_threads();
  PetscCall(PetscCalloc1(f->n_threads, &f->losses));
  PetscCall(PetscMalloc1(m->n_weights * RealBytes(m), (char **)&f->gradient));
  for (size_t i = 0; i < f->n_threads; i++) PetscCall(NomosHamiltonianLossCreate(&(NomosHamiltonianLossInput){.type = NomosParametersType(m->s->parameters), .n_coordinates = 2 * network->d, .n_hidden = network->n_hidden, .width = network->width, .activation = network->activation, .log_cosh = log_cosh}, &f->losses[i]));
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &ops, .n_in = 1, .n_out = 1, .in = &in, .out = &out, .data = f}, &f->op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaFusedDestroy(NomosMeta *m)
{
  NomosMetaFused *f = m->fused;

  PetscFunctionBeginUser;
  if (!f) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosOperatorDestroy(&f->op));
  for (size_t i = 0; i < f->n_threads; i++) PetscCall(NomosHamiltonianLossDestroy(&f->losses[i]));
  PetscCall(PetscFree(f->losses));
  PetscCall(PetscFree(f->gradient));
  PetscCall(PetscFree(m->fused));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaFusedLoss(NomosMeta *m, const NomosTasks *tasks, bool training, const NomosTensor w[], NomosTensor *loss, bool *done)
{
  NomosMetaFused *f = m->fused;
  const void     *theta, *leaf;
  NomosTensor    *flat, all;

  PetscFunctionBeginUser;
  *done = false;
  if (!f || !m->method->fused) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParametersValues(m->s->parameters, &theta));
  PetscCall(NomosTensorGet(w[0], &leaf));
  if (leaf != theta) PetscFunctionReturn(PETSC_SUCCESS); /* weights that were made of others may be differentiated again: by the tape */
  f->tasks    = tasks;
  f->training = training;
  PetscCall(PetscMalloc1(m->n_tensors, &flat));
  for (size_t i = 0; i < m->n_tensors; i++) flat[i] = NomosReshape(w[i], 1, (size_t[]){NomosTensorSize(w[i])});
  all = NomosConcatenate(m->n_tensors, flat, 0);
  PetscCall(PetscFree(flat));
  PetscCall(NomosTapeApply(f->op, &all, loss));
  *done = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaFusedGradient(const NomosMeta *m, const NomosFieldPoints *points, const void *theta, void *gradient)
{
  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianLossGradient(m->fused->losses[0], points, theta, NULL, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}
