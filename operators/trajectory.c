#include "operators/trajectory_impl.h"

#include "io/memory.h"
#include "operators/model_operator.h"
#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_EVERY = 10 }; /* steps between two looks at the state */

/* What a sweep computes. Vectors that are not asked for are NULL. */
typedef struct {
  bool          tangent;     /* x_dot goes along */
  const double *p_dot;
  void         *x_bar, *x_bar_dot;
  double       *p_bar, *p_bar_dot;
  double        J, J_dot;
  int64_t       furthest;    /* step up to which the cost is summed */
} Sweep;

static PetscErrorCode Create(const NomosTrajectoryInput *input, NomosTrajectory t)
{
  const char                *directory = input->directory ? input->directory : getenv("TMPDIR");
  const NomosModelParameter *list;
  char                       what[128];

  PetscFunctionBeginUser;
  t->model          = input->model;
  t->first_step     = input->first_step;
  t->n_steps        = input->schedule.n_steps;
  t->schedule_input = input->schedule;
  t->second         = input->second;
  t->n_losses       = input->n_losses;
  PetscCall(NomosModelGetDerivatives(input->model, input->second, &t->derivatives));
  PetscCheck(!input->second || t->derivatives->jvp, input->model->comm, PETSC_ERR_SUP, "solver %s has no tangent (jvp), which second derivatives need", input->model->ops->name);
  PetscCall(NomosScheduleCreate(&input->schedule, &t->schedule));
  PetscCall(NomosSchedulePredict(&input->schedule, &t->cost));
  PetscCall(t->derivatives->state_size(t->model, &t->n));
  PetscCall(NomosModelGetParameters(t->model, &t->n_parameters, &list));
  t->state_bytes = t->n * NomosRealBytes(t->model->precision);
  t->slot_bytes  = (input->second ? 2 : 1) * t->state_bytes;
  t->bytes       = (double)(t->cost.n_ram + 2) * (double)t->slot_bytes + 8. * (double)(t->n_steps + 1);
  snprintf(what, sizeof what, "schedule %s: %zu snapshots of %lld steps", nomos_schedule_names[input->schedule.kind], t->cost.n_ram, (long long)t->n_steps);
  PetscCall(NomosMemoryRequire(t->model->comm, t->bytes, what));
  PetscCall(PetscMalloc1(t->n_losses + 1, &t->losses));
  for (size_t i = 0; i < t->n_losses; i++) t->losses[i] = input->losses[i];
  PetscCall(PetscMalloc1(t->cost.n_ram * t->slot_bytes + 1, &t->slots));
  PetscCall(PetscMalloc2(2 * t->state_bytes + 1, &t->current, 2 * t->state_bytes + 1, &t->last));
  PetscCall(PetscCalloc3((size_t)t->n_steps + 1, &t->norms, t->n_parameters + 1, &t->p_bar, t->n_parameters + 1, &t->p_bar_dot));
  if (t->cost.n_disk) PetscCall(NomosSnapshotFileCreate(t->model->comm, directory ? directory : "/tmp", t->cost.n_disk, t->slot_bytes, &t->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryCreate(const NomosTrajectoryInput *input, NomosTrajectory *trajectory)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(trajectory));
  code = Create(input, *trajectory);
  if (code) PetscCall(NomosTrajectoryDestroy(trajectory)); /* what is refused may have been large */
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryDestroy(NomosTrajectory *trajectory)
{
  NomosTrajectory t = *trajectory;

  PetscFunctionBeginUser;
  if (!t) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSnapshotFileClose(&t->file));
  PetscCall(NomosScheduleDestroy(&t->schedule));
  PetscCall(PetscFree(t->losses));
  PetscCall(PetscFree(t->slots));
  PetscCall(PetscFree2(t->current, t->last));
  PetscCall(PetscFree3(t->norms, t->p_bar, t->p_bar_dot));
  PetscCall(PetscFree(*trajectory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryCost(NomosTrajectory t, NomosScheduleCost *cost, double *bytes)
{
  PetscFunctionBeginUser;
  *cost  = t->cost;
  *bytes = t->bytes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryDescribe(NomosTrajectory t, char *text, size_t n_text)
{
  char disk[96] = "", slot[32], all[32];

  PetscFunctionBeginUser;
  NomosTextBytes((double)t->slot_bytes, slot);
  if (t->cost.n_disk) snprintf(disk, sizeof disk, " and %zu on disk", t->cost.n_disk);
  snprintf(text, n_text, "%lld steps, %s: each is computed %.2f times; at most %zu snapshot%s of %s in RAM%s, %s a rank in all", (long long)t->n_steps, nomos_schedule_names[t->schedule_input.kind], t->cost.factor, t->cost.n_ram, t->cost.n_ram == 1 ? "" : "s", slot, disk, NomosTextBytes(t->bytes, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryNorms(NomosTrajectory t, const double **norms)
{
  PetscFunctionBeginUser;
  *norms = t->norms;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void *Dot(const struct NomosTrajectory_s *t, const char *pair)
{
  return (char *)pair + t->state_bytes;
}

static PetscErrorCode SetClock(NomosTrajectory t, int64_t step)
{
  PetscFunctionBeginUser;
  PetscCall(NomosModelSetClock(t->model, t->first_step + step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The cost's terms at a step: values (and tangents) when a sweep first comes there, gradients when it comes back. */
typedef enum { VALUES, GRADIENTS } Part;

static PetscErrorCode Losses(NomosTrajectory t, Sweep *sweep, int64_t step, const char *pair, Part part)
{
  PetscFunctionBeginUser;
  for (size_t l = 0; l < t->n_losses; l++) {
    const NomosLoss *loss = &t->losses[l];
    for (size_t i = 0; i < loss->n; i++) {
      if (loss->steps[i] != step) continue;
      if (part == VALUES) {
        PetscCall(loss->value(loss->ctx, i, pair, &sweep->J));
        if (sweep->tangent && loss->tangent) PetscCall(loss->tangent(loss->ctx, i, pair, Dot(t, pair), &sweep->J_dot));
      } else {
        PetscCall(loss->gradient(loss->ctx, i, pair, sweep->x_bar));
        if (sweep->x_bar_dot) PetscCall(loss->hessian(loss->ctx, i, pair, Dot(t, pair), sweep->x_bar_dot));
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool HasLoss(const struct NomosTrajectory_s *t, int64_t step)
{
  for (size_t l = 0; l < t->n_losses; l++)
    for (size_t i = 0; i < t->losses[l].n; i++)
      if (t->losses[l].steps[i] == step) return true;
  return false;
}

static PetscErrorCode CheckState(NomosTrajectory t, int64_t step)
{
  NomosModelFault fault = {.bad = false};
  char            index[128] = "", value[32];

  PetscFunctionBeginUser;
  PetscCall(t->model->ops->check(t->model, &fault));
  for (int i = 0; i < fault.n_index; i++) NomosTextAppend(sizeof index, index, "%s%lld", i ? ", " : "", (long long)fault.index[i]);
  snprintf(value, sizeof value, "%g", fault.value);
  NomosCheck(!fault.bad, t->model->comm, PETSC_ERR_FP, "the trajectory blew up: %s[%s] = %s at step %lld of %lld; a shorter time.dt or other values of what is unknown are needed", fault.field, index, value, (long long)step, (long long)t->n_steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the state in the model (that of step `from`); the x_dot of `pair` goes along. */
static PetscErrorCode Step(NomosTrajectory t, Sweep *sweep, int64_t from, int64_t to, char *pair)
{
  const double dt = t->model->dt;

  PetscFunctionBeginUser;
  for (int64_t k = from; k < to; k++) {
    PetscCall(SetClock(t, k));
    if (sweep->tangent) {
      PetscCall(t->derivatives->get_state(t->model, pair));
      PetscCall(t->derivatives->jvp(t->model, pair, Dot(t, pair), sweep->p_dot));
    }
    PetscCall(t->model->ops->step(t->model));
    PetscCheck(t->model->dt == dt, t->model->comm, PETSC_ERR_SUP, "solver %s changed its time step at step %lld: adaptive steps cannot be differentiated; set time.adaptive: false", t->model->ops->name, (long long)(t->first_step + k));
    if (k + 1 <= sweep->furthest) continue;
    sweep->furthest = k + 1;
    if ((k + 1) % CHECK_EVERY == 0 || k + 1 == t->n_steps) PetscCall(CheckState(t, k + 1));
    if (!HasLoss(t, k + 1)) continue;
    PetscCall(t->derivatives->get_state(t->model, pair));
    PetscCall(Losses(t, sweep, k + 1, pair, VALUES));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state is moved only when it must: what is restored to be reversed at once never enters the model. */
static PetscErrorCode Advance(NomosTrajectory t, Sweep *sweep, int64_t from, int64_t to)
{
  PetscFunctionBeginUser;
  if (!t->in_model) PetscCall(t->derivatives->set_state(t->model, t->here));
  if (sweep->tangent && t->here && t->here != t->current) memcpy(Dot(t, t->current), Dot(t, t->here), t->state_bytes);
  t->here     = NULL;
  t->in_model = true;
  PetscCall(Step(t, sweep, from, to, t->current));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Present(NomosTrajectory t, const char **pair)
{
  PetscFunctionBeginUser;
  if (!t->here) PetscCall(t->derivatives->get_state(t->model, t->current));
  *pair = t->here = t->here ? t->here : t->current;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(NomosTrajectory t, Sweep *sweep, const void *x_0, const void *x_dot)
{
  PetscFunctionBeginUser;
  memcpy(t->current, x_0, t->state_bytes);
  if (x_dot) memcpy(Dot(t, t->current), x_dot, t->state_bytes);
  else memset(Dot(t, t->current), 0, t->state_bytes);
  t->here     = t->current;
  t->in_model = false;
  PetscCall(SetClock(t, 0));
  PetscCall(Losses(t, sweep, 0, t->current, VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Norm(NomosTrajectory t, const void *x_bar, int64_t step)
{
  const float  *single = x_bar;
  const double *twice  = x_bar;
  double        sum    = 0;

  PetscFunctionBeginUser;
  if (t->model->precision == NOMOS_F64) sum = NomosDot(t->n, twice, twice);
  else
    for (size_t i = 0; i < t->n; i++) sum += (double)single[i] * (double)single[i];
  PetscCall(NomosSumOverRanks(t->model->comm, 1, &sum));
  t->norms[step] = sqrt(sum);
  NomosCheck(isfinite(sum), t->model->comm, PETSC_ERR_FP, "the gradient is not finite at step %lld of %lld%s; a chaotic flow needs a shorter window", (long long)step, (long long)t->n_steps, step == t->n_steps ? " (it comes from the cost)" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Begin the way back: from step n - 1, whose state is the present one, to the end, where the last terms of the cost are. */
static PetscErrorCode TurnRound(NomosTrajectory t, Sweep *sweep, const char *pair)
{
  PetscFunctionBeginUser;
  memcpy(t->last, pair, t->slot_bytes);
  if (!t->in_model) PetscCall(t->derivatives->set_state(t->model, pair));
  t->in_model = false;
  PetscCall(Step(t, sweep, t->n_steps - 1, t->n_steps, t->last));
  PetscCall(t->derivatives->get_state(t->model, t->last));
  PetscCall(PetscMemzero(sweep->x_bar, t->state_bytes));
  if (sweep->x_bar_dot) PetscCall(PetscMemzero(sweep->x_bar_dot, t->state_bytes));
  for (size_t i = 0; i < t->n_parameters; i++) t->p_bar[i] = t->p_bar_dot[i] = 0;
  PetscCall(Losses(t, sweep, t->n_steps, t->last, GRADIENTS));
  PetscCall(Norm(t, sweep->x_bar, t->n_steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reverse(NomosTrajectory t, Sweep *sweep, int64_t step)
{
  double *const p_bar = sweep->p_bar ? t->p_bar : NULL, *const p_bar_dot = sweep->p_bar_dot ? t->p_bar_dot : NULL;
  const char   *pair = NULL;

  PetscFunctionBeginUser;
  PetscCall(Present(t, &pair));
  if (step == t->n_steps - 1) PetscCall(TurnRound(t, sweep, pair));
  PetscCall(SetClock(t, step));
  if (sweep->x_bar_dot) PetscCall(t->derivatives->hvp(t->model, pair, Dot(t, pair), sweep->p_dot, sweep->x_bar, sweep->x_bar_dot, p_bar, p_bar_dot));
  else PetscCall(t->derivatives->vjp(t->model, pair, sweep->x_bar, p_bar));
  PetscCall(Losses(t, sweep, step, pair, GRADIENTS));
  PetscCall(Norm(t, sweep->x_bar, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Store(NomosTrajectory t, const NomosAction *action)
{
  char       *slot = t->slots + action->slot * t->slot_bytes;
  const char *pair = NULL;

  PetscFunctionBeginUser;
  if (action->disk) {
    PetscCall(Present(t, &pair));
    PetscCall(NomosSnapshotFileWrite(t->file, action->slot, pair));
  } else if (t->here) memcpy(slot, t->here, t->slot_bytes);
  else {
    PetscCall(t->derivatives->get_state(t->model, slot));
    if (t->second) memcpy(Dot(t, slot), Dot(t, t->current), t->state_bytes);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Restore(NomosTrajectory t, const NomosAction *action)
{
  PetscFunctionBeginUser;
  if (action->disk) PetscCall(NomosSnapshotFileRead(t->file, action->slot, t->current));
  t->here     = action->disk ? t->current : t->slots + action->slot * t->slot_bytes;
  t->in_model = false;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Forward and back under the schedule. */
static PetscErrorCode Run(NomosTrajectory t, Sweep *sweep, const void *x_0, const void *x_dot)
{
  NomosAction action;

  PetscFunctionBeginUser;
  PetscCall(Start(t, sweep, x_0, x_dot));
  do {
    PetscCall(NomosScheduleNext(t->schedule, &action));
    switch (action.kind) {
    case NOMOS_ACTION_ADVANCE: PetscCall(Advance(t, sweep, action.from, action.to)); break;
    case NOMOS_ACTION_STORE: PetscCall(Store(t, &action)); break;
    case NOMOS_ACTION_RESTORE: PetscCall(Restore(t, &action)); break;
    case NOMOS_ACTION_REVERSE: PetscCall(Reverse(t, sweep, action.from)); break;
    case NOMOS_ACTION_END: break;
    }
  } while (action.kind != NOMOS_ACTION_END);
  if (sweep->p_bar) {
    PetscCall(NomosSumOverRanks(t->model->comm, t->n_parameters, t->p_bar));
    memcpy(sweep->p_bar, t->p_bar, sizeof(double) * t->n_parameters);
  }
  if (sweep->p_bar_dot) {
    PetscCall(NomosSumOverRanks(t->model->comm, t->n_parameters, t->p_bar_dot));
    memcpy(sweep->p_bar_dot, t->p_bar_dot, sizeof(double) * t->n_parameters);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After an error in the middle of a sweep the schedule stands in the middle too. */
static PetscErrorCode RunFromTheStart(NomosTrajectory t, Sweep *sweep, const void *x_0, const void *x_dot)
{
  PetscErrorCode code = Run(t, sweep, x_0, x_dot);

  PetscFunctionBeginUser;
  if (code) {
    PetscCall(NomosScheduleDestroy(&t->schedule));
    PetscCall(NomosScheduleCreate(&t->schedule_input, &t->schedule));
  }
  PetscFunctionReturn(code);
}

PetscErrorCode NomosTrajectoryValue(NomosTrajectory t, const void *x_0, double *J, void *last)
{
  Sweep sweep = {.tangent = false};

  PetscFunctionBeginUser;
  PetscCall(Start(t, &sweep, x_0, NULL));
  PetscCall(Advance(t, &sweep, 0, t->n_steps));
  if (last) PetscCall(t->derivatives->get_state(t->model, last));
  *J = sweep.J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryGradient(NomosTrajectory t, const void *x_0, double *J, void *x_bar, double p_bar[])
{
  Sweep sweep = {.x_bar = x_bar, .p_bar = p_bar};

  PetscFunctionBeginUser;
  PetscCall(RunFromTheStart(t, &sweep, x_0, NULL));
  *J = sweep.J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define NeedLoss(t, derivative) \
  for (size_t l_ = 0; l_ < (t)->n_losses; l_++) PetscCheck((t)->losses[l_].derivative, (t)->model->comm, PETSC_ERR_SUP, "the term %s of the cost has no %s", (t)->losses[l_].name, #derivative)

PetscErrorCode NomosTrajectoryTangent(NomosTrajectory t, const void *x_0, const void *x_dot, const double p_dot[], double *J, double *J_dot)
{
  Sweep sweep = {.tangent = true, .p_dot = p_dot};

  PetscFunctionBeginUser;
  PetscCheck(t->derivatives->jvp, t->model->comm, PETSC_ERR_SUP, "solver %s has no tangent (jvp)", t->model->ops->name);
  NeedLoss(t, tangent);
  PetscCall(Start(t, &sweep, x_0, x_dot));
  PetscCall(Advance(t, &sweep, 0, t->n_steps));
  *J     = sweep.J;
  *J_dot = sweep.J_dot;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryHessian(NomosTrajectory t, const void *x_0, const void *x_dot, const double p_dot[], double *J, void *x_bar, double p_bar[], void *x_bar_dot, double p_bar_dot[])
{
  Sweep sweep = {.tangent = true, .p_dot = p_dot, .x_bar = x_bar, .x_bar_dot = x_bar_dot, .p_bar = p_bar, .p_bar_dot = p_bar_dot};

  PetscFunctionBeginUser;
  PetscCheck(t->second, t->model->comm, PETSC_ERR_ORDER, "this trajectory was made for gradients only; ask for second derivatives when it is created");
  NeedLoss(t, hessian);
  PetscCall(RunFromTheStart(t, &sweep, x_0, x_dot));
  *J = sweep.J;
  PetscFunctionReturn(PETSC_SUCCESS);
}
