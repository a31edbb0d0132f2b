/* nomos gradcheck CASE: are the derivatives of a case right, and what do they cost? The cost function is the misfit of a field to random numbers half-way and at the end of a
   short trajectory from the case's initial state; it is differentiated by the state and by every differentiable parameter. */
#include "cases/gradcheck.h"
#include "cases/run.h"
#include "operators/field_loss.h"
#include "operators/model_operator.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"gradcheck.steps",      NOMOS_PARAM_INT,  "20",       NULL, 2,       100000, NULL, false, "Steps of the trajectory that is differentiated, from the initial state."},
  {"gradcheck.directions", NOMOS_PARAM_INT,  "2",        NULL, 1,       1000,   NULL, false, "Random directions; the worst counts."},
  {"gradcheck.seed",       NOMOS_PARAM_INT,  "1",        NULL, 0,       9e15,   NULL, false, "Seed of the directions."},
  {"gradcheck.step",       NOMOS_PARAM_REAL, "0.015625", NULL, DBL_MIN, 1,      NULL, false, "The longest step of a Taylor remainder, relative to the state and to each parameter; it is halved seven times."},
};
/* clang-format on */
const NomosSection nomos_gradcheck_section = {"gradcheck", "of nomos gradcheck", sizeof params / sizeof *params, params};

/* What a result may be at most (orders: how far from the order expected), in double and in single precision. */
typedef struct {
  double f64, f32;
} Bound;
static const Bound transposition_bound = {1e-11, 1e-3}, linearity_bound = {1e-12, 1e-3}, order_bound = {0.05, 0.3}, symmetry_bound = {1e-10, 1e-2}, second_bound = {1e-6, 5e-2}, parameter_bound = {1e-6, 5e-2};

static PetscErrorCode Add(NomosGradcheck *check, const char name[], double value, double bound, const char note[])
{
  NomosGradcheckLine *line;

  PetscFunctionBeginUser;
  if (check->n_lines == check->max_lines) {
    check->max_lines = 2 * check->max_lines + 32;
    PetscCall(PetscRealloc(sizeof *check->lines * check->max_lines, &check->lines));
  }
  line = &check->lines[check->n_lines++];
  snprintf(line->name, sizeof line->name, "%s", name);
  snprintf(line->note, sizeof line->note, "%s", note);
  line->value  = value;
  line->bound  = bound;
  line->passed = isnan(bound) || value <= bound;
  if (!line->passed) check->n_failed++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double For(const NomosRun *run, Bound bound)
{
  return run->model->precision == NOMOS_F64 ? bound.f64 : bound.f32;
}

/* The cost: field 0 of the model, scaled by its mean square at the end. */
static PetscErrorCode CreateLoss(NomosRun *run, NomosGradcheck *check)
{
  const NomosModelDerivatives *d       = run->model->ops->derivatives;
  const int64_t                steps[] = {check->n_steps / 2, check->n_steps};
  const NomosModelField       *list;
  size_t                       n, points;
  double                      *weights, *values, *field, squares[2];
  int                          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(run->comm, &rank));
  PetscCall(NomosFieldLossCreate(run->model, 0, 2, steps, &check->loss));
  PetscCall(d->fields(run->model, &n, &list));
  points = NomosModelFieldPoints(&list[0]);
  PetscCall(PetscMalloc1(points + 1, &field));
  for (int64_t k = 0; k < check->n_steps; k++) PetscCall(run->ops->step(run->model));
  PetscCall(NomosRunCheck(run));
  PetscCall(d->get_state(run->model, check->x_bar));
  PetscCall(d->field(run->model, 0, check->x_bar, field));
  squares[0] = NomosDot(points, field, field);
  squares[1] = (double)points;
  PetscCall(NomosSumOverRanks(run->comm, 2, squares));
  PetscCheck(squares[0] > 0, run->comm, PETSC_ERR_ARG_WRONG, "the state is zero: there is nothing to differentiate; begin with another one (initial.*)");
  for (size_t i = 0; i < 2; i++) {
    PetscCall(NomosFieldLossArrays(check->loss, i, &points, &weights, &values));
    for (size_t j = 0; j < points; j++) {
      weights[j] = 1 / squares[0];
      values[j]  = sqrt(squares[0] / squares[1]) * NomosRandomNormal((uint64_t)check->seed, 1000 + i + 2 * (uint64_t)rank, j);
    }
  }
  PetscCall(PetscFree(field));
  PetscCall(NomosFieldLossTerm(check->loss, &check->term));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateTrajectory(NomosRun *run, const NomosGradcheck *check, const NomosScheduleInput *schedule, bool second, NomosTrajectory *trajectory)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = run->model, .schedule = *schedule, .n_losses = 1, .losses = &check->term, .directory = NomosRunDirectoryPath(run->directory), .second = second}, trajectory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By how much a direction changes each parameter: by itself (the largest of its list), but by no more than by what one of its list changes the cost by a twentieth: densities differ
   little from one another, and that is what counts. Where all are zero, by what changes the cost by a hundredth. */
static double ParameterScale(const NomosGradcheck *check, size_t i)
{
  double largest = 0, felt = INFINITY;

  for (size_t j = 0; j < check->n_parameters; j++) {
    if (check->parameters[j].param != check->parameters[i].param) continue;
    largest = fmax(largest, fabs(check->parameters[j].value));
    if (check->p_bar[j] != 0) felt = fmin(felt, fabs(check->J / check->p_bar[j]));
  }
  if (largest > 0) return fmin(largest, 0.05 * felt);
  return isinf(felt) ? 1 : 0.01 * felt;
}

static PetscErrorCode CheckDirections(NomosRun *run, NomosGradcheck *check)
{
  NomosOperator        op;
  NomosOperatorReport *r = &check->report;
  const size_t         n = check->n, n_p = check->n_parameters;
  double              *x, *x_scale, *p, *p_scale;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(n + 1, &x, n + 1, &x_scale, n_p + 1, &p, n_p + 1, &p_scale));
  NomosStateToDoubles(run->model->precision, n, check->x_0, x);
  for (size_t i = 0; i < n; i++) x_scale[i] = fabs(x[i]);
  for (size_t i = 0; i < n_p; i++) {
    p[i]       = check->parameters[i].value;
    p_scale[i] = ParameterScale(check, i);
  }
  PetscCall(NomosOperatorFromTrajectory(check->trajectory, &op));
  PetscCall(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){x, p}, .scale = (const double *const[]){x_scale, p_scale}, .seed = (uint64_t)check->seed, .n_directions = (int)check->n_directions, .step = check->step, .epsilon = run->model->precision == NOMOS_F64 ? 0 : 1.2e-7}, r));
  if (n_p) PetscCall(run->model->ops->derivatives->set_parameters(run->model, p));
  PetscCall(NomosOperatorDestroy(&op));
  PetscCall(PetscFree4(x, x_scale, p, p_scale));
  if (!isnan(r->transposition)) PetscCall(Add(check, "transposition", r->transposition, For(run, transposition_bound), "<w, F' d> = <F'^T w, d>"));
  PetscCall(Add(check, "linearity", r->linearity, For(run, linearity_bound), "of the gradient in the sensitivity of the cost"));
  for (int p_order = 2; p_order <= 3; p_order++) {
    char name[32], note[64];
    const double order = r->order[p_order - 1];
    if (isnan(order)) continue;
    snprintf(name, sizeof name, "taylor_%d", p_order);
    snprintf(note, sizeof note, isinf(order) ? "nothing but rounding is left" : "order of the remainder: %.3f", order);
    PetscCall(Add(check, name, isinf(order) && order > 0 ? 0 : p_order - order, For(run, order_bound), note));
  }
  if (!isnan(r->symmetry)) PetscCall(Add(check, "hessian_symmetry", r->symmetry, For(run, symmetry_bound), "<H d, e> = <d, H e>"));
  if (!isnan(r->second)) PetscCall(Add(check, "hessian_differences", r->second, For(run, second_bound), "against differences of the gradient"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CostWith(NomosRun *run, NomosGradcheck *check, size_t parameter, double value, double *J)
{
  double *p;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(check->n_parameters, &p));
  for (size_t i = 0; i < check->n_parameters; i++) p[i] = i == parameter ? value : check->parameters[i].value;
  PetscCall(run->model->ops->derivatives->set_parameters(run->model, p));
  PetscCall(NomosTrajectoryValue(check->trajectory, check->x_0, J, NULL));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Central differences with h and h/2, extrapolated to fourth order. What rounding of the cost leaves undecided counts as agreement. */
static PetscErrorCode CheckParameter(NomosRun *run, NomosGradcheck *check, size_t i)
{
  const NomosModelParameter *parameter = &check->parameters[i];
  const double               h = check->step * ParameterScale(check, i) / 4, epsilon = run->model->precision == NOMOS_F64 ? PETSC_MACHINE_EPSILON : 1.2e-7, bound = For(run, parameter_bound);
  double                     J[4], noise;
  char                       name[128], note[96], entry[24] = "";

  PetscFunctionBeginUser;
  for (int k = 0; k < 4; k++) PetscCall(CostWith(run, check, i, parameter->value + (double[]){-h, h, -h / 2, h / 2}[k], &J[k]));
  const double difference = (4 * (J[3] - J[2]) / h - (J[1] - J[0]) / (2 * h)) / 3;
  noise                   = 30 * epsilon * fabs(check->J) / h / bound;
  if (parameter->param->type == NOMOS_PARAM_REAL_LIST) snprintf(entry, sizeof entry, "[%d]", parameter->entry + 1);
  snprintf(name, sizeof name, "d/d %.64s%s", parameter->param->key, entry);
  snprintf(note, sizeof note, "%.10g, differences %.10g", check->p_bar[i], difference);
  PetscCall(Add(check, name, fabs(check->p_bar[i] - difference) / (fabs(check->p_bar[i]) + noise), bound, note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckParameters(NomosRun *run, NomosGradcheck *check)
{
  double *p;

  PetscFunctionBeginUser;
  if (!check->n_parameters) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < check->n_parameters && !run->stopped_by; i++) {
    PetscCall(CheckParameter(run, check, i));
    PetscCall(NomosRunStopped(run));
  }
  PetscCall(PetscMalloc1(check->n_parameters, &p));
  for (size_t i = 0; i < check->n_parameters; i++) p[i] = check->parameters[i].value;
  PetscCall(run->model->ops->derivatives->set_parameters(run->model, p));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number of entries of the gradient whose bits differ from those with all states stored. */
static PetscErrorCode Differences(NomosRun *run, NomosGradcheck *check, NomosTrajectory trajectory, double *different)
{
  const size_t bytes = NomosRealBytes(run->model->precision);
  char        *x_bar;
  double      *p_bar, J;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(check->n * bytes + 1, &x_bar, check->n_parameters + 1, &p_bar));
  PetscCall(NomosTrajectoryGradient(trajectory, check->x_0, &J, x_bar, p_bar));
  *different = 0;
  for (size_t i = 0; i < check->n; i++) *different += memcmp(x_bar + i * bytes, (char *)check->x_bar + i * bytes, bytes) != 0;
  PetscCall(NomosSumOverRanks(run->comm, 1, different));
  for (size_t i = 0; i < check->n_parameters; i++) *different += memcmp(&p_bar[i], &check->p_bar[i], sizeof *p_bar) != 0;
  *different += memcmp(&J, &check->J, sizeof J) != 0;
  PetscCall(PetscFree2(x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSchedules(NomosRun *run, NomosGradcheck *check)
{
  const int64_t            n = check->n_steps, root = PetscMax(1, (int64_t)sqrt((double)n));
  const NomosScheduleInput schedules[] = {
    {.kind = NOMOS_SCHEDULE_EVERY, .n_steps = n, .period = root},
    {.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = n, .n_snapshots = 3},
    {.kind = NOMOS_SCHEDULE_TWO_LEVEL, .n_steps = n, .period = PetscMax(1, n / 3), .n_snapshots = 2},
  };
  const int threads = omp_get_max_threads();
  double    different;
  char      name[64], note[512];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
    NomosTrajectory trajectory;
    PetscCall(CreateTrajectory(run, check, &schedules[i], false, &trajectory));
    PetscCall(Differences(run, check, trajectory, &different));
    PetscCall(NomosTrajectoryDescribe(trajectory, note, sizeof note));
    PetscCall(NomosTrajectoryDestroy(&trajectory));
    snprintf(name, sizeof name, "schedule_%s", nomos_schedule_names[schedules[i].kind]);
    PetscCall(Add(check, name, different, 0, note));
  }
  omp_set_num_threads(threads > 1 ? 1 : 2);
  PetscErrorCode code = Differences(run, check, check->trajectory, &different);
  omp_set_num_threads(threads);
  PetscCall(code);
  snprintf(note, sizeof note, "%d and %d threads", threads, threads > 1 ? 1 : 2);
  PetscCall(Add(check, "threads", different, 0, note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A gradient over a forward run, the fastest of three each, taken in turn. Told, not judged: machines are busy. */
static PetscErrorCode MeasureCost(NomosRun *run, NomosGradcheck *check)
{
  NomosTrajectory          trajectory; /* for gradients alone */
  const NomosScheduleInput all     = {.kind = NOMOS_SCHEDULE_ALL, .n_steps = check->n_steps};
  double                   best[2] = {INFINITY, INFINITY}, J;
  char                     note[128];

  PetscFunctionBeginUser;
  PetscCall(CreateTrajectory(run, check, &all, false, &trajectory));
  for (int i = 0; i < 6; i++) {
    PetscCallMPI(MPI_Barrier(run->comm));
    double seconds = MPI_Wtime();
    if (i % 2) PetscCall(NomosTrajectoryGradient(trajectory, check->x_0, &J, check->x_bar, check->p_bar));
    else PetscCall(NomosTrajectoryValue(trajectory, check->x_0, &J, NULL));
    seconds     = MPI_Wtime() - seconds;
    best[i % 2] = fmin(best[i % 2], seconds);
  }
  PetscCall(NomosTrajectoryDestroy(&trajectory));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, best, 2, MPI_DOUBLE, MPI_MAX, run->comm));
  snprintf(note, sizeof note, "forward runs: %.3g s for a gradient, %.3g s for a run of %lld steps", best[1], best[0], (long long)check->n_steps);
  PetscCall(Add(check, "gradient_cost", best[1] / best[0], NAN, note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(NomosRun *run, NomosGradcheck *check)
{
  const NomosModelDerivatives *d;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(run->config, "gradcheck.steps", &check->n_steps));
  PetscCall(NomosConfigGetInt(run->config, "gradcheck.directions", &check->n_directions));
  PetscCall(NomosConfigGetInt(run->config, "gradcheck.seed", &check->seed));
  PetscCall(NomosConfigGetReal(run->config, "gradcheck.step", &check->step));
  PetscCall(NomosModelGetDerivatives(run->model, false, &d));
  PetscCall(run->ops->initialise(run->model));
  PetscCall(NomosRunCheck(run));
  PetscCall(d->state_size(run->model, &check->n));
  PetscCall(NomosModelGetParameters(run->model, &check->n_parameters, &check->parameters));
  PetscCall(PetscMalloc1(check->n * NomosRealBytes(run->model->precision) + 1, &check->x_0));
  PetscCall(PetscMalloc1(check->n * NomosRealBytes(run->model->precision) + 1, &check->x_bar));
  PetscCall(PetscCalloc1(check->n_parameters + 1, &check->p_bar));
  PetscCall(d->get_state(run->model, check->x_0));
  PetscCall(CreateLoss(run, check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The list of parameters is the model's, and its values change with them. */
static PetscErrorCode KeepParameters(NomosGradcheck *check)
{
  NomosModelParameter *kept;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(check->n_parameters + 1, &kept));
  for (size_t i = 0; i < check->n_parameters; i++) kept[i] = check->parameters[i];
  check->parameters = check->kept = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the first gradient to the table; a signal ends it between two checks. */
static PetscErrorCode Work(NomosRun *run, NomosGradcheck *check)
{
  static PetscErrorCode (*const checks[])(NomosRun *, NomosGradcheck *) = {CheckSchedules, CheckDirections, CheckParameters, MeasureCost};
  const double                 *norms;
  char                          text[512], where[128];

  PetscFunctionBeginUser;
  PetscCall(CreateTrajectory(run, check, &(NomosScheduleInput){.kind = NOMOS_SCHEDULE_ALL, .n_steps = check->n_steps}, run->ops->derivatives->hvp && run->ops->derivatives->jvp, &check->trajectory));
  PetscCall(NomosTrajectoryDescribe(check->trajectory, text, sizeof text));
  PetscCall(NomosLogPrint(run->log, NOMOS_LOG_INFO, "trajectory", "%s; %zu parameters", text, check->n_parameters));
  PetscCall(NomosTrajectoryGradient(check->trajectory, check->x_0, &check->J, check->x_bar, check->p_bar));
  PetscCall(NomosTrajectoryNorms(check->trajectory, &norms));
  PetscCall(PetscMalloc1((size_t)check->n_steps + 1, &check->norms));
  memcpy(check->norms, norms, sizeof *norms * (size_t)(check->n_steps + 1));
  for (size_t i = 0; i < sizeof checks / sizeof *checks && !run->stopped_by; i++) {
    PetscCall(checks[i](run, check));
    PetscCall(NomosRunStopped(run));
  }
  if (!run->stopped_by) PetscCall(NomosGradcheckWrite(run, check));
  run->model->step = check->n_steps;
  snprintf(where, sizeof where, "%zu checks over %lld steps", check->n_lines, (long long)check->n_steps);
  snprintf(text, sizeof text, "%d failed", check->n_failed);
  PetscCall(NomosRunEnd(run, check->n_failed ? text : "all passed", where, ""));
  if (check->n_failed && !run->stopped_by) run->program->exit_code = NOMOS_EXIT_ERROR;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Body(NomosRun *run)
{
  NomosGradcheck *check;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&check));
  run->data = check;
  PetscCall(NomosRunSetUp(run));
  PetscCall(NomosConfigCheckPetscOptions(run->config));
  PetscCall(NomosRunPrepareDirectory(run));
  PetscCall(Prepare(run, check));
  PetscCall(KeepParameters(check));
  PetscCall(NomosRunProvenance(run));
  PetscCall(NomosRunBegin(run, 0));
  PetscCall(NomosRunWriteSummary(run, "running", "started"));
  run->begun = true;
  NomosRunCatchSignals();
  PetscErrorCode code = Work(run, check);
  NomosRunReleaseSignals();
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Results(NomosRun *run, NomosResultFn result, void *ctx)
{
  const NomosGradcheck *check = run->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < check->n_lines; i++) PetscCall(result(check->lines[i].name, check->lines[i].value, ctx));
  PetscCall(result("failed", check->n_failed, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run)
{
  NomosGradcheck *check = run->data;

  PetscFunctionBeginUser;
  if (!check) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTrajectoryDestroy(&check->trajectory));
  PetscCall(NomosFieldLossDestroy(&check->loss));
  PetscCall(PetscFree(check->x_0));
  PetscCall(PetscFree(check->x_bar));
  PetscCall(PetscFree(check->p_bar));
  PetscCall(PetscFree(check->norms));
  PetscCall(PetscFree(check->kept));
  PetscCall(PetscFree(check->lines));
  PetscCall(PetscFree(run->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandGradcheck(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "gradcheck", .once = true, .section = "gradcheck", .body = Body, .results = Results, .destroy = Destroy};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}
