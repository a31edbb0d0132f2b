/* nomos gradcheck of a simulation. The cost function is the misfit of a field to random numbers half-way and at the end of a short trajectory from the case's initial state; it is
   differentiated by the state and by every differentiable parameter. */
#include "cases/gradcheck.h"
#include "operators/field_loss.h"
#include "operators/model_fields.h"
#include "operators/model_operator.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  int64_t              n_steps;
  size_t               n, n_parameters; /* of the state on this rank; parameters */
  NomosModelParameter *parameters;
  NomosFieldLoss       loss;
  NomosLoss            term;
  NomosTrajectory      trajectory, plain; /* with all states stored; `plain`: for gradients alone */
  void                *x_0, *x_bar;
  double              *p_bar, *p_scale, J; /* p_scale: by how much a direction changes each parameter, where there is room */
} Simulation;

/* The cost: field 0 of the model, scaled by its mean square at the end. */
static PetscErrorCode CreateLoss(NomosRun *run, const NomosGradcheck *check)
{
  Simulation                  *sim     = check->data;
  const NomosModelDerivatives *d       = run->model->ops->derivatives;
  const int64_t                steps[] = {sim->n_steps / 2, sim->n_steps};
  const NomosModelField       *list;
  size_t                       n, points;
  double                      *weights, *values, *field, squares[2];
  int                          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(run->comm, &rank));
  PetscCall(NomosFieldLossCreate(run->model, 0, 2, steps, &sim->loss));
  PetscCall(d->fields(run->model, &n, &list));
  points = NomosModelFieldPoints(&list[0]);
  PetscCall(PetscMalloc1(points + 1, &field));
  for (int64_t k = 0; k < sim->n_steps; k++) PetscCall(run->ops->step(run->model));
  PetscCall(NomosRunCheck(run));
  PetscCall(d->get_state(run->model, sim->x_bar));
  PetscCall(d->field(run->model, 0, sim->x_bar, field));
  squares[0] = NomosDot(points, field, field);
  squares[1] = (double)points;
  PetscCall(NomosSumOverRanks(run->comm, 2, squares));
  PetscCheck(squares[0] > 0, run->comm, PETSC_ERR_ARG_WRONG, "the state is zero: there is nothing to differentiate; begin with another one (initial.*)");
  for (size_t i = 0; i < 2; i++) {
    PetscCall(NomosFieldLossArrays(sim->loss, i, &points, &weights, &values));
    for (size_t j = 0; j < points; j++) {
      weights[j] = 1 / squares[0];
      values[j]  = sqrt(squares[0] / squares[1]) * NomosRandomNormal((uint64_t)check->seed, 1000 + i + 2 * (uint64_t)rank, j);
    }
  }
  PetscCall(PetscFree(field));
  PetscCall(NomosFieldLossTerm(sim->loss, &sim->term));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Look(NomosRun *run, NomosGradcheck *check)
{
  const NomosModelDerivatives *d;
  const NomosModelParameter   *parameters;
  Simulation                  *sim;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&sim));
  check->data      = sim;
  check->precision = run->model->precision;
  PetscCall(NomosConfigGetInt(run->config, "gradcheck.steps", &sim->n_steps));
  PetscCall(NomosModelGetDerivatives(run->model, false, &d));
  PetscCall(run->ops->initialise(run->model));
  PetscCall(NomosRunCheck(run));
  PetscCall(d->state_size(run->model, &sim->n));
  PetscCall(NomosModelGetParameters(run->model, &sim->n_parameters, &parameters));
  PetscCall(PetscMalloc1(sim->n * NomosRealBytes(run->model->precision) + 1, &sim->x_0));
  PetscCall(PetscMalloc1(sim->n * NomosRealBytes(run->model->precision) + 1, &sim->x_bar));
  PetscCall(PetscCalloc2(sim->n_parameters + 1, &sim->p_bar, sim->n_parameters + 1, &sim->p_scale));
  PetscCall(d->get_state(run->model, sim->x_0));
  PetscCall(CreateLoss(run, check));
  /* The list of parameters is the model's, and its values change with them. */
  PetscCall(PetscMalloc1(sim->n_parameters + 1, &sim->parameters));
  for (size_t i = 0; i < sim->n_parameters; i++) sim->parameters[i] = parameters[i];
  snprintf(check->extent, sizeof check->extent, "over %lld steps", (long long)sim->n_steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateTrajectory(NomosRun *run, const Simulation *sim, const NomosScheduleInput *schedule, bool second, NomosTrajectory *trajectory)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = run->model, .schedule = *schedule, .n_losses = 1, .losses = &sim->term, .directory = NomosRunDirectoryPath(run->directory), .second = second}, trajectory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By how much a direction changes each parameter: by itself (the largest of its list), but by no more than by what one of its list changes the cost by a twentieth: densities differ
   little from one another, and that is what counts. Where all are zero, by what changes the cost by a hundredth. Lists may be long (the weights of a network), of them there are few. */
static PetscErrorCode ScaleParameters(const Simulation *sim)
{
  typedef struct {
    const NomosParam *param;
    double            largest, felt;
  } List;
  List  *lists;
  size_t n_lists = 0, *list_of;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(sim->n_parameters, &lists, sim->n_parameters, &list_of));
  for (size_t i = 0, l = 0; i < sim->n_parameters; i++) {
    const NomosModelParameter *p = &sim->parameters[i];
    if (!i || lists[l].param != p->param)
      for (l = 0; l < n_lists && lists[l].param != p->param;) l++;
    if (l == n_lists) lists[n_lists++] = (List){p->param, 0, INFINITY};
    lists[l].largest = fmax(lists[l].largest, fabs(p->value));
    if (sim->p_bar[i] != 0) lists[l].felt = fmin(lists[l].felt, fabs(sim->J / sim->p_bar[i]));
    list_of[i] = l;
  }
  for (size_t i = 0; i < sim->n_parameters; i++) {
    const List *l   = &lists[list_of[i]];
    sim->p_scale[i] = l->largest > 0 ? fmin(l->largest, 0.05 * l->felt) : isinf(l->felt) ? 1 : 0.01 * l->felt;
  }
  PetscCall(PetscFree2(lists, list_of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient with all states stored, which the others are compared with. */
static PetscErrorCode Differentiate(NomosRun *run, NomosGradcheck *check)
{
  Simulation   *sim = check->data;
  const double *norms;
  char          text[512];
  bool          second;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetBool(run->config, "gradcheck.second", &second));
  PetscCall(CreateTrajectory(run, sim, &(NomosScheduleInput){.kind = NOMOS_SCHEDULE_ALL, .n_steps = sim->n_steps}, second && run->ops->derivatives->hvp && run->ops->derivatives->jvp, &sim->trajectory));
  PetscCall(NomosTrajectoryDescribe(sim->trajectory, text, sizeof text));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "trajectory", "%s; %zu parameters", text, sim->n_parameters));
  PetscCall(NomosTrajectoryGradient(sim->trajectory, sim->x_0, &sim->J, sim->x_bar, sim->p_bar));
  PetscCall(NomosTrajectoryNorms(sim->trajectory, &norms));
  check->n_norms = (size_t)sim->n_steps + 1;
  PetscCall(PetscMalloc1(check->n_norms, &check->norms));
  memcpy(check->norms, norms, sizeof *norms * check->n_norms);
  PetscCall(ScaleParameters(sim));
  run->model->step = sim->n_steps;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- schedules */

/* The number of entries of the gradient whose bits differ from those with all states stored. */
static PetscErrorCode Differences(NomosRun *run, const Simulation *sim, NomosTrajectory trajectory, double *different)
{
  const size_t bytes = NomosRealBytes(run->model->precision);
  char        *x_bar;
  double      *p_bar, J;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(sim->n * bytes + 1, &x_bar, sim->n_parameters + 1, &p_bar));
  PetscCall(NomosTrajectoryGradient(trajectory, sim->x_0, &J, x_bar, p_bar));
  *different = 0;
  for (size_t i = 0; i < sim->n; i++) *different += memcmp(x_bar + i * bytes, (char *)sim->x_bar + i * bytes, bytes) != 0;
  PetscCall(NomosSumOverRanks(run->comm, 1, different));
  for (size_t i = 0; i < sim->n_parameters; i++) *different += memcmp(&p_bar[i], &sim->p_bar[i], sizeof *p_bar) != 0;
  *different += memcmp(&J, &sim->J, sizeof J) != 0;
  PetscCall(PetscFree2(x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSchedules(NomosRun *run, NomosGradcheck *check)
{
  const Simulation        *sim = check->data;
  const int64_t            n = sim->n_steps, root = PetscMax(1, (int64_t)sqrt((double)n));
  const NomosScheduleInput schedules[] = {
    {.kind = NOMOS_SCHEDULE_EVERY, .n_steps = n, .period = root},
    {.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = n, .n_snapshots = 3},
    {.kind = NOMOS_SCHEDULE_TWO_LEVEL, .n_steps = n, .period = PetscMax(1, n / 3), .n_snapshots = 2},
  };
  double different;
  char   name[64], note[512];
  bool   interrupted = false;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof schedules / sizeof *schedules && !interrupted; i++) {
    NomosTrajectory trajectory;
    PetscCall(CreateTrajectory(run, sim, &schedules[i], false, &trajectory));
    PetscCall(Differences(run, sim, trajectory, &different));
    PetscCall(NomosTrajectoryDescribe(trajectory, note, sizeof note));
    PetscCall(NomosTrajectoryDestroy(&trajectory));
    snprintf(name, sizeof name, "schedule_%s", nomos_schedule_names[schedules[i].kind]);
    PetscCall(NomosGradcheckAdd(check, name, different, 0, note));
    PetscCall(NomosGradcheckInterrupted(run, &interrupted));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Differ(NomosRun *run, NomosGradcheck *check, double *different)
{
  const Simulation *sim = check->data;

  PetscFunctionBeginUser;
  PetscCall(Differences(run, sim, sim->trajectory, different));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckThreads(NomosRun *run, NomosGradcheck *check)
{
  PetscFunctionBeginUser;
  PetscCall(NomosGradcheckAddThreads(run, check, Differ));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- directions and parameters */

/* On which side of its value a parameter that stands at the end of its range has any; 0: on both. */
static int OnlySide(const NomosModelParameter *parameter)
{
  const NomosParam *param = parameter->param;

  if (!(param->min < param->max)) return 0; /* no range */
  return parameter->value <= param->min ? 1 : parameter->value >= param->max ? -1
                                                                             : 0;
}

/* The largest scale with which the random numbers of a direction leave a parameter in its range; 0: it stands at the end of it. */
static double Room(const NomosModelParameter *parameter, double step)
{
  const NomosParam *param = parameter->param;
  const double      most  = 8; /* standard deviations */

  if (!(param->min < param->max)) return INFINITY;
  return fmax(0, fmin(parameter->value - param->min, param->max - parameter->value)) / (most * step);
}

/* Parameters as they are, but for one (`which` n_parameters: none). */
static PetscErrorCode SetParameters(NomosRun *run, const Simulation *sim, size_t which, double value)
{
  double *p;

  PetscFunctionBeginUser;
  if (!sim->n_parameters) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(sim->n_parameters, &p));
  for (size_t i = 0; i < sim->n_parameters; i++) p[i] = i == which ? value : sim->parameters[i].value;
  PetscCall(run->model->ops->derivatives->set_parameters(run->model, p));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckDirections(NomosRun *run, NomosGradcheck *check)
{
  Simulation   *sim = check->data;
  NomosOperator op;
  const size_t  n = sim->n, n_p = sim->n_parameters;
  double       *x, *x_scale, *p, *p_scale;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(n + 1, &x, n + 1, &x_scale, n_p + 1, &p, n_p + 1, &p_scale));
  NomosStateToDoubles(run->model->precision, n, sim->x_0, x);
  for (size_t i = 0; i < n; i++) x_scale[i] = fabs(x[i]);
  for (size_t i = 0; i < n_p; i++) {
    p[i]       = sim->parameters[i].value;
    p_scale[i] = fmin(sim->p_scale[i], Room(&sim->parameters[i], check->step));
  }
  PetscCall(NomosOperatorFromTrajectory(sim->trajectory, &op));
  PetscCall(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){x, p}, .scale = (const double *const[]){x_scale, p_scale}, .seed = (uint64_t)check->seed, .n_directions = (int)check->n_directions, .step = check->step, .epsilon = NomosGradcheckEpsilon(check), .interrupted = NomosGradcheckInterrupted, .ctx = run}, &check->report));
  PetscCall(SetParameters(run, sim, n_p, 0));
  PetscCall(NomosOperatorDestroy(&op));
  PetscCall(PetscFree4(x, x_scale, p, p_scale));
  if (!run->stopped_by) PetscCall(NomosGradcheckAddReport(check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckParameter(NomosRun *run, NomosGradcheck *check, size_t i)
{
  const Simulation          *sim       = check->data;
  const NomosModelParameter *parameter = &sim->parameters[i];
  const int                  side      = OnlySide(parameter);
  const double               room      = side ? parameter->param->max - parameter->param->min : Room(parameter, check->step);
  NomosGradcheckDifference   d         = {.slope = sim->p_bar[i], .size = fabs(sim->p_bar[i]), .h = check->step * fmin(sim->p_scale[i], room) / 4, .side = side};
  char                       name[128], entry[24] = "";
  bool                       interrupted = false;

  PetscFunctionBeginUser;
  for (int k = 0; k < 4 && !interrupted; k++) {
    PetscCall(SetParameters(run, sim, i, parameter->value + d.h * (side ? (double[]){0, side, side / 2., side / 4.} : (double[]){-1, 1, -0.5, 0.5})[k]));
    PetscCall(NomosTrajectoryValue(sim->trajectory, sim->x_0, &d.J[k], NULL));
    PetscCall(NomosGradcheckInterrupted(run, &interrupted));
  }
  if (interrupted) PetscFunctionReturn(PETSC_SUCCESS);
  if (parameter->param->type == NOMOS_PARAM_REAL_LIST) snprintf(entry, sizeof entry, "[%d]", parameter->entry + 1);
  snprintf(name, sizeof name, "d/d %.64s%s", parameter->param->key, entry);
  PetscCall(NomosGradcheckAddDifference(check, name, &d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a long list (weights of a network) only the first few are tried one by one: random directions try all of them. */
static bool IsOneOfMany(const Simulation *sim, size_t i)
{
  enum { FEW = 4, MANY = 16 };
  const int    entry = sim->parameters[i].entry;
  const size_t last  = i - (size_t)entry + MANY;

  return entry >= FEW && last < sim->n_parameters && sim->parameters[last].param == sim->parameters[i].param;
}

static PetscErrorCode CheckParameters(NomosRun *run, NomosGradcheck *check)
{
  const Simulation *sim = check->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sim->n_parameters && !run->stopped_by; i++)
    if (!IsOneOfMany(sim, i)) PetscCall(CheckParameter(run, check, i));
  PetscCall(SetParameters(run, sim, sim->n_parameters, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- cost */

static PetscErrorCode Forward(NomosRun *run, NomosGradcheck *check)
{
  const Simulation *sim = check->data;
  double            J;

  PetscFunctionBeginUser;
  (void)run;
  PetscCall(NomosTrajectoryValue(sim->plain, sim->x_0, &J, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(NomosRun *run, NomosGradcheck *check)
{
  const Simulation *sim = check->data;
  double            J;

  PetscFunctionBeginUser;
  (void)run;
  PetscCall(NomosTrajectoryGradient(sim->plain, sim->x_0, &J, sim->x_bar, sim->p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MeasureCost(NomosRun *run, NomosGradcheck *check)
{
  Simulation *sim = check->data;
  char        name[64];

  PetscFunctionBeginUser;
  PetscCall(CreateTrajectory(run, sim, &(NomosScheduleInput){.kind = NOMOS_SCHEDULE_ALL, .n_steps = sim->n_steps}, false, &sim->plain));
  snprintf(name, sizeof name, "a run of %lld steps", (long long)sim->n_steps);
  PetscCall(NomosGradcheckAddCost(run, check, &(NomosGradcheckCost){.forward = Forward, .gradient = Gradient, .forward_name = name}));
  run->model->step = sim->n_steps;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run, NomosGradcheck *check)
{
  Simulation *sim = check->data;

  PetscFunctionBeginUser;
  (void)run;
  PetscCall(NomosTrajectoryDestroy(&sim->trajectory));
  PetscCall(NomosTrajectoryDestroy(&sim->plain));
  PetscCall(NomosFieldLossDestroy(&sim->loss));
  PetscCall(PetscFree(sim->x_0));
  PetscCall(PetscFree(sim->x_bar));
  PetscCall(PetscFree2(sim->p_bar, sim->p_scale));
  PetscCall(PetscFree(sim->parameters));
  PetscCall(PetscFree(check->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosGradcheckFn checks[] = {Differentiate, CheckSchedules, CheckThreads, CheckDirections, CheckParameters, MeasureCost};

const NomosGradcheckSubject nomos_gradcheck_model = {.look = Look, .n_checks = sizeof checks / sizeof *checks, .checks = checks, .destroy = Destroy};
