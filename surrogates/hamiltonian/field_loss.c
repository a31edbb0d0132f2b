#include "surrogates/hamiltonian/field_loss_impl.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PARTS = 8 }; /* of points, of two blocks or more: sums do not depend on the number of threads */

struct NomosHamiltonianLoss_s {
  size_t            n_threads;
  NomosFieldWork   *work; /* (n_threads) */
  NomosFieldWeights theta, v;
  void             *flat; /* theta as it was given */
  bool              packed;
  void             *sum;     /* as `forward` */
  size_t            n_tasks; /* room for results of so many */
  NomosFieldTask   *tasks;
};

#define BY_TYPE(loss, name, ...) ((loss)->work[0].shape.input.type == NOMOS_F32 ? name##_f32(__VA_ARGS__) : name##_f64(__VA_ARGS__))

/* Cleared, and on a cache line. */
static PetscErrorCode Room(const NomosFieldShape *s, size_t reals, void **room)
{
  const size_t bytes = (reals * NomosRealBytes(s->input.type) + 63) / 64 * 64;

  PetscFunctionBeginUser;
  *room = aligned_alloc(64, bytes);
  NomosCheck(*room != NULL, PETSC_COMM_SELF, PETSC_ERR_MEM, "the loss of a Hamiltonian's field: no memory for %zu bytes", bytes);
  memset(*room, 0, bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RoomOfWeights(const NomosFieldShape *s, NomosFieldWeights *w)
{
  PetscFunctionBeginUser;
  PetscCall(Room(s, NomosFieldForward(s, s->input.n_hidden + 1), &w->forward));
  PetscCall(Room(s, NomosFieldBackward(s, s->input.n_hidden), &w->backward));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reserve(NomosFieldWork *work, size_t n_weights, size_t n_blocks)
{
  const NomosFieldShape *s = &work->shape;

  PetscFunctionBeginUser;
  if (n_weights > work->n_weights) {
    PetscCall(PetscRealloc(n_weights * sizeof *work->weights, &work->weights));
    for (; work->n_weights < n_weights; work->n_weights++) PetscCall(RoomOfWeights(s, &work->weights[work->n_weights]));
  }
  if (n_blocks > work->n_blocks) {
    PetscCall(PetscRealloc(n_blocks * sizeof *work->blocks, &work->blocks));
    for (; work->n_blocks < n_blocks; work->n_blocks++) PetscCall(Room(s, NomosFieldBlockSize(s), &work->blocks[work->n_blocks]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReserveTasks(NomosHamiltonianLoss loss, size_t n_tasks)
{
  const NomosFieldShape *s = &loss->work[0].shape;

  PetscFunctionBeginUser;
  if (n_tasks > loss->n_tasks) {
    PetscCall(PetscRealloc(n_tasks * sizeof *loss->tasks, &loss->tasks));
    for (; loss->n_tasks < n_tasks; loss->n_tasks++) PetscCall(Room(s, NomosFieldForward(s, s->input.n_hidden + 1), &loss->tasks[loss->n_tasks].gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FreeWeights(NomosFieldWeights *w)
{
  free(w->forward);
  free(w->backward);
}

static PetscErrorCode WorkCreate(const NomosFieldShape *s, NomosFieldWork *work)
{
  PetscFunctionBeginUser;
  work->shape = *s;
  PetscCall(Room(s, NomosFieldForward(s, s->input.n_hidden + 1), &work->gradient));
  PetscCall(Room(s, NomosFieldBlockSize(s), &work->tangents));
  PetscCall(Room(s, NOMOS_FIELD_POINTS * PetscMax(s->lanes[0], s->lanes[1]), &work->product));
  PetscCall(Reserve(work, 0, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WorkDestroy(NomosFieldWork *work)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < work->n_weights; i++) FreeWeights(&work->weights[i]);
  for (size_t i = 0; i < work->n_blocks; i++) free(work->blocks[i]);
  free(work->gradient);
  free(work->tangents);
  free(work->product);
  PetscCall(PetscFree(work->weights));
  PetscCall(PetscFree(work->blocks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosHamiltonianLossHas(NomosFunctionKind activation)
{
  return activation == NOMOS_TANH || activation == NOMOS_SOFTPLUS || activation == NOMOS_MISH;
}

PetscErrorCode NomosHamiltonianLossCreate(const NomosHamiltonianLossInput *input, NomosHamiltonianLoss *loss)
{
  NomosFieldShape s = {.input = *input};

  PetscFunctionBeginUser;
  NomosCheck(NomosHamiltonianLossHas(input->activation), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the fused loss of a Hamiltonian's field has the activations tanh, softplus and mish, not the one given: take one of them, or the tape");
  NomosCheck(input->n_coordinates > 0 && input->n_coordinates % 2 == 0 && input->n_hidden > 0 && input->width > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the fused loss of a Hamiltonian's field: %zu coordinates, %zu hidden layers of %zu units: must be as many momenta as positions, and at least one layer of one unit", input->n_coordinates, input->n_hidden, input->width);
  s.lanes[0] = input->type == NOMOS_F32 ? NomosFieldPadded_f32(input->n_coordinates) : NomosFieldPadded_f64(input->n_coordinates);
  s.lanes[1] = input->type == NOMOS_F32 ? NomosFieldPadded_f32(input->width) : NomosFieldPadded_f64(input->width);
  PetscCall(PetscNew(loss));
  (*loss)->n_threads = PetscMax(input->n_threads, 1);
  PetscCall(PetscCalloc1((*loss)->n_threads, &(*loss)->work));
  for (size_t i = 0; i < (*loss)->n_threads; i++) PetscCall(WorkCreate(&s, &(*loss)->work[i]));
  PetscCall(RoomOfWeights(&s, &(*loss)->theta));
  PetscCall(RoomOfWeights(&s, &(*loss)->v));
  PetscCall(Room(&s, NomosFieldForward(&s, input->n_hidden + 1), &(*loss)->sum));
  PetscCall(Room(&s, NomosHamiltonianLossSize(*loss), &(*loss)->flat));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossDestroy(NomosHamiltonianLoss *loss)
{
  PetscFunctionBeginUser;
  if (*loss) {
    for (size_t i = 0; i < (*loss)->n_threads; i++) PetscCall(WorkDestroy(&(*loss)->work[i]));
    for (size_t i = 0; i < (*loss)->n_tasks; i++) free((*loss)->tasks[i].gradient);
    FreeWeights(&(*loss)->theta);
    FreeWeights(&(*loss)->v);
    free((*loss)->sum);
    free((*loss)->flat);
    PetscCall(PetscFree((*loss)->work));
    PetscCall(PetscFree((*loss)->tasks));
  }
  PetscCall(PetscFree(*loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosHamiltonianLossSize(NomosHamiltonianLoss loss)
{
  const NomosHamiltonianLossInput *input = &loss->work[0].shape.input;
  return input->width * (input->n_coordinates + 1 + (input->n_hidden - 1) * (input->width + 1) + 1);
}

/* loss->theta. An integration asks for the field at the same weights again and again, a state at a time: looking whether they are the same is cheaper than to pack them. */
static void SetTheta(NomosHamiltonianLoss loss, const void *theta)
{
  const NomosFieldShape *s     = &loss->work[0].shape;
  const size_t           bytes = NomosHamiltonianLossSize(loss) * NomosRealBytes(s->input.type);

  if (loss->packed && !memcmp(loss->flat, theta, bytes)) return;
  BY_TYPE(loss, NomosFieldPack, s, theta, &loss->theta);
  memcpy(loss->flat, theta, bytes);
  loss->packed = true;
}

static size_t PartsOf(size_t n_points)
{
  return PetscMin((NomosFieldBlocks(n_points) + 1) / 2, MAX_PARTS);
}
/* Part i of n of the points. */
static NomosFieldPart PartOf(const NomosFieldPart *all, size_t i, size_t n)
{
  const size_t   n_blocks = NomosFieldBlocks(all->points->n);
  NomosFieldPart part     = *all;
  part.from               = i * n_blocks / n;
  part.to                 = (i + 1) * n_blocks / n;
  return part;
}

/* What `all` asks for, with the sum over the points' parts as result (NULL: none). v: of a Hessian product. */
static PetscErrorCode Run(NomosHamiltonianLoss loss, NomosFieldPart all, const void *theta, const void *v, double *value, void *result)
{
  const NomosFieldShape *s = &loss->work[0].shape;
  const size_t           n = all.points->n, n_parts = PartsOf(n);
  double                 sum = 0;

  PetscFunctionBeginUser;
  all.theta = &loss->theta;
  all.v     = v ? &loss->v : NULL;
  all.value = value != NULL;
  PetscCall(ReserveTasks(loss, n_parts));
  SetTheta(loss, theta);
  if (v) BY_TYPE(loss, NomosFieldPack, s, v, &loss->v);
#pragma omp parallel for num_threads(loss->n_threads) schedule(static) if (loss->n_threads > 1 && n_parts > 1)
  for (size_t i = 0; i < n_parts; i++) {
    const NomosFieldPart part = PartOf(&all, i, n_parts);
    loss->tasks[i].value      = BY_TYPE(loss, NomosFieldPart, &loss->work[omp_get_thread_num()], &part, result ? loss->tasks[i].gradient : NULL);
  }
  for (size_t i = 0; i < n_parts; i++) sum += loss->tasks[i].value;
  if (value) *value = n ? sum / (double)(n * s->input.n_coordinates) : 0;
  if (result) BY_TYPE(loss, NomosFieldSum, s, 1, n_parts, loss->tasks, loss->sum, loss->v.backward, result);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossGradient(NomosHamiltonianLoss loss, const NomosFieldPoints *points, const void *theta, double *value, void *g)
{
  PetscFunctionBeginUser;
  PetscCall(Run(loss, (NomosFieldPart){.points = points}, theta, NULL, value, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossHessian(NomosHamiltonianLoss loss, const NomosFieldPoints *points, const void *theta, const void *v, void *Hv)
{
  PetscFunctionBeginUser;
  PetscCall(Run(loss, (NomosFieldPart){.points = points}, theta, v, NULL, Hv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossPullBack(NomosHamiltonianLoss loss, const NomosFieldPoints *points, const void *theta, void *theta_bar, void *x_bar)
{
  PetscFunctionBeginUser;
  PetscCall(Run(loss, (NomosFieldPart){.points = points, .pull_back = true, .x_bar = x_bar}, theta, NULL, NULL, theta_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossField(NomosHamiltonianLoss loss, size_t n, const void *x, const void *theta, void *x_dot)
{
  const NomosFieldPoints points  = {n, x, NULL};
  const NomosFieldPart   all     = {.points = &points, .theta = &loss->theta};
  const size_t           n_parts = PartsOf(n);

  PetscFunctionBeginUser;
  SetTheta(loss, theta);
#pragma omp parallel for num_threads(loss->n_threads) schedule(static) if (loss->n_threads > 1 && n_parts > 1)
  for (size_t i = 0; i < n_parts; i++) {
    const NomosFieldPart part = PartOf(&all, i, n_parts);
    BY_TYPE(loss, NomosFieldOf, &loss->work[omp_get_thread_num()], &part, x_dot);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaLoss(size_t n_threads, NomosHamiltonianLoss const loss[], const NomosMetaLossInput *meta, const void *theta, double *value, void *theta_bar)
{
  NomosMetaLossInput   input    = *meta;
  const int            n        = (int)input.n_tasks;
  size_t               n_blocks = 1;
  double               sum      = 0;
  NomosHamiltonianLoss first;

  PetscFunctionBeginUser;
  NomosCheck(n_threads > 0 && n > 0 && input.steps >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a meta loss of %d tasks, %d inner steps, on %zu threads: must be at least one task, no fewer than 0 steps and one thread", n, input.steps, n_threads);
  first = loss[0];
  if (!theta_bar) input.first_order = true; /* the value is the same */
  for (int t = 0; t < n && !input.first_order; t++) n_blocks = PetscMax(n_blocks, NomosFieldBlocks(input.support[t].n) * (size_t)input.steps + 1);
  for (size_t i = 0; i < n_threads; i++) PetscCall(Reserve(&loss[i]->work[0], input.first_order ? 2 : (size_t)input.steps + 1, n_blocks));
  PetscCall(ReserveTasks(first, input.n_tasks));
  SetTheta(first, theta);
#pragma omp parallel for num_threads(n_threads) schedule(static) if (n_threads > 1)
  for (int t = 0; t < n; t++) BY_TYPE(first, NomosFieldMeta, &loss[omp_get_thread_num()]->work[0], &input, &first->theta, (size_t)t, &first->tasks[t]);
  for (int t = 0; t < n; t++) sum += first->tasks[t].value;
  if (value) *value = sum / n;
  if (theta_bar) BY_TYPE(first, NomosFieldSum, &first->work[0].shape, 1. / n, input.n_tasks, first->tasks, first->sum, first->v.backward, theta_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}
