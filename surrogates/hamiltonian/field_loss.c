#include "surrogates/hamiltonian/field_loss_impl.h"

#include "operators/model_operator.h" /* NomosRealBytes */

#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct NomosHamiltonianLoss_s {
  NomosFieldWork  work;
  size_t          n_tasks; /* room for results of so many */
  NomosFieldTask *tasks;
};

#define BY_TYPE(loss, name, ...) ((loss)->work.shape.input.type == NOMOS_F32 ? name##_f32(__VA_ARGS__) : name##_f64(__VA_ARGS__))

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

static PetscErrorCode Reserve(NomosHamiltonianLoss loss, size_t n_weights, size_t n_blocks)
{
  NomosFieldWork        *work = &loss->work;
  const NomosFieldShape *s    = &work->shape;

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
  const NomosFieldShape *s = &loss->work.shape;

  PetscFunctionBeginUser;
  if (n_tasks > loss->n_tasks) {
    PetscCall(PetscRealloc(n_tasks * sizeof *loss->tasks, &loss->tasks));
    for (; loss->n_tasks < n_tasks; loss->n_tasks++) PetscCall(Room(s, NomosFieldForward(s, s->input.n_hidden + 1), &loss->tasks[loss->n_tasks].gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossCreate(const NomosHamiltonianLossInput *input, NomosHamiltonianLoss *loss)
{
  const NomosFunctionKind kind = input->activation;
  const bool              f32  = input->type == NOMOS_F32;

  PetscFunctionBeginUser;
  NomosCheck(kind == NOMOS_TANH || kind == NOMOS_SOFTPLUS || kind == NOMOS_MISH, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the fused loss of a Hamiltonian's field has the activations tanh, softplus and mish, not the one given: take one of them, or the tape");
  NomosCheck(input->n_coordinates > 0 && input->n_coordinates % 2 == 0 && input->n_hidden > 0 && input->width > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the fused loss of a Hamiltonian's field: %zu coordinates, %zu hidden layers of %zu units: must be as many momenta as positions, and at least one layer of one unit", input->n_coordinates, input->n_hidden, input->width);
  PetscCall(PetscNew(loss));
  NomosFieldWork  *work = &(*loss)->work;
  NomosFieldShape *s    = &work->shape;
  s->input              = *input;
  s->lanes[0]           = f32 ? NomosFieldPadded_f32(input->n_coordinates) : NomosFieldPadded_f64(input->n_coordinates);
  s->lanes[1]           = f32 ? NomosFieldPadded_f32(input->width) : NomosFieldPadded_f64(input->width);
  PetscCall(RoomOfWeights(s, &work->theta));
  PetscCall(Room(s, NomosFieldForward(s, input->n_hidden + 1), &work->gradient));
  PetscCall(Room(s, NomosFieldBlockSize(s), &work->tangents));
  PetscCall(Room(s, NOMOS_FIELD_POINTS * PetscMax(s->lanes[0], s->lanes[1]), &work->product));
  PetscCall(Reserve(*loss, 1, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossDestroy(NomosHamiltonianLoss *loss)
{
  PetscFunctionBeginUser;
  if (*loss) {
    NomosFieldWork *work = &(*loss)->work;
    for (size_t i = 0; i < work->n_weights; i++) {
      free(work->weights[i].forward);
      free(work->weights[i].backward);
    }
    for (size_t i = 0; i < work->n_blocks; i++) free(work->blocks[i]);
    for (size_t i = 0; i < (*loss)->n_tasks; i++) free((*loss)->tasks[i].gradient);
    free(work->theta.forward);
    free(work->theta.backward);
    free(work->gradient);
    free(work->tangents);
    free(work->product);
    PetscCall(PetscFree(work->weights));
    PetscCall(PetscFree(work->blocks));
    PetscCall(PetscFree((*loss)->tasks));
  }
  PetscCall(PetscFree(*loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosHamiltonianLossSize(NomosHamiltonianLoss loss)
{
  const NomosHamiltonianLossInput *input = &loss->work.shape.input;
  return input->width * (input->n_coordinates + 1 + (input->n_hidden - 1) * (input->width + 1) + 1);
}

PetscErrorCode NomosHamiltonianLossGradient(NomosHamiltonianLoss loss, const NomosFieldPoints *points, const void *theta, double *value, void *g)
{
  PetscFunctionBeginUser;
  const double mean = BY_TYPE(loss, NomosFieldGradient, &loss->work, points, theta, g, value != NULL);
  if (value) *value = mean;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossHessian(NomosHamiltonianLoss loss, const NomosFieldPoints *points, const void *theta, const void *v, void *Hv)
{
  PetscFunctionBeginUser;
  BY_TYPE(loss, NomosFieldHessian, &loss->work, points, theta, v, Hv);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianLossField(NomosHamiltonianLoss loss, size_t n, const void *x, const void *theta, void *x_dot)
{
  PetscFunctionBeginUser;
  BY_TYPE(loss, NomosFieldOf, &loss->work, n, x, theta, x_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaLoss(size_t n_threads, NomosHamiltonianLoss const loss[], const NomosMetaLossInput *input, const void *theta, double *value, void *theta_bar)
{
  const int            n        = (int)input->n_tasks;
  size_t               n_blocks = 1;
  double               sum      = 0;
  NomosHamiltonianLoss first;

  PetscFunctionBeginUser;
  NomosCheck(n_threads > 0 && n > 0 && input->steps >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a meta loss of %d tasks, %d inner steps, on %zu threads: must be at least one task, no fewer than 0 steps and one thread", n, input->steps, n_threads);
  first = loss[0];
  for (int t = 0; t < n && !input->first_order; t++) n_blocks = PetscMax(n_blocks, NomosFieldBlocks(input->support[t].n) * (size_t)input->steps + 1);
  for (size_t i = 0; i < n_threads; i++) PetscCall(Reserve(loss[i], input->first_order ? 2 : (size_t)input->steps + 1, n_blocks));
  PetscCall(ReserveTasks(first, input->n_tasks));
  BY_TYPE(first, NomosFieldPack, &first->work.shape, theta, &first->work.theta);
#pragma omp parallel for num_threads(n_threads) schedule(static) if (n_threads > 1)
  for (int t = 0; t < n; t++) {
    NomosFieldWork *work = &loss[omp_get_thread_num()]->work;
    NomosFieldTask *task = &first->tasks[t];
    task->input          = input;
    task->theta          = &first->work.theta;
    BY_TYPE(first, NomosFieldMeta, work, (size_t)t, task);
  }
  for (int t = 0; t < n; t++) sum += first->tasks[t].value;
  if (value) *value = sum / n;
  if (theta_bar) BY_TYPE(first, NomosFieldMetaSum, &first->work, input->n_tasks, first->tasks, theta_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}
