/* What gradients of a QG trajectory cost under checkpoint schedules, in forward runs measured beside them: two layers, AB3, exponential filter, 200 steps, the cost at the end,
   by the initial state alone and by it and all parameters. `steps`: how often the schedule computes each step, of which one is inside its adjoint.

   usage: bench_trajectory [n ...]
          bench_trajectory long N STEPS SNAPSHOTS     one gradient under the binomial schedule: memory and time
   OMP_NUM_THREADS sets the threads. Medians of pairs; times are of the processor with one thread, else of the wall. */
#include "operators/field_loss.h"
#include "operators/model_operator.h"
#include "operators/real.h"
#include "solvers/solver_list.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PAIRS = 5, N_STEPS = 200 };

typedef struct {
  NomosConfig     config;
  NomosModel      model;
  NomosFieldLoss  loss;
  NomosTrajectory trajectory;
  void           *x_0, *x_bar;
  double         *p_bar;
} Setup;

static PetscErrorCode Create(int n, const NomosScheduleInput *schedule, Setup *s)
{
  static const NomosParam    dt_param = {"time.dt", NOMOS_PARAM_REAL, "1", "s", 0, 0, NULL, false, "Time step."};
  const NomosModelParameter *list;
  char                       numbers[3][64];
  const char                *set[] = {numbers[0], numbers[1], numbers[2], "time.scheme=ab3", "qg.lx=1000 km", "qg.deformation_radius=15 km", "qg.depth_ratio=0.25", "qg.beta=1.5e-11", "qg.u=[0.08, 0]", "qg.drag=1.157e-6", "qg.filter=exponential", "qg.dealias=none", "initial.peak=12", "initial.q_rms=1e-5"};
  NomosLoss                  term;
  double                    *weights, *values;
  size_t                     state, points, n_parameters;

  PetscFunctionBeginUser;
  snprintf(numbers[0], sizeof numbers[0], "qg.nx=%d", n);
  snprintf(numbers[1], sizeof numbers[1], "time.dt=%g", 900. * 192 / n);
  snprintf(numbers[2], sizeof numbers[2], "qg.precision=%s", NOMOS_REAL == NOMOS_F32 ? "float32" : "float64");
  PetscCall(NomosConfigCreate(PETSC_COMM_WORLD, &s->config));
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) PetscCall(NomosConfigSet(s->config, set[i]));
  PetscCall(NomosConfigRegister(s->config, 1, &dt_param));
  PetscCall(NomosConfigRegister(s->config, NomosModelOps_QG.n_params, NomosModelOps_QG.params));
  PetscCall(NomosConfigCheck(s->config));
  PetscCall(NomosModelCreate(PETSC_COMM_WORLD, &NomosModelOps_QG, s->config, &s->model));
  PetscCall(s->model->ops->initialise(s->model));
  PetscCall(NomosFieldLossCreate(s->model, 0, 1, &schedule->n_steps, &s->loss));
  PetscCall(NomosFieldLossArrays(s->loss, 0, &points, &weights, &values));
  for (size_t i = 0; i < points; i++) weights[i] = 1e10 / (double)points;
  PetscCall(NomosFieldLossTerm(s->loss, &term));
  PetscCall(NomosTrajectoryCreate(&(NomosTrajectoryInput){.model = s->model, .schedule = *schedule, .n_losses = 1, .losses = &term}, &s->trajectory));
  PetscCall(s->model->ops->derivatives->state_size(s->model, &state));
  PetscCall(NomosModelGetParameters(s->model, &n_parameters, &list));
  PetscCall(PetscCalloc1(state * NomosRealBytes(s->model->precision), (char **)&s->x_0));
  PetscCall(PetscCalloc1(state * NomosRealBytes(s->model->precision), (char **)&s->x_bar));
  PetscCall(PetscCalloc1(n_parameters, &s->p_bar));
  PetscCall(s->model->ops->derivatives->get_state(s->model, s->x_0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Setup *s)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTrajectoryDestroy(&s->trajectory));
  PetscCall(NomosFieldLossDestroy(&s->loss));
  PetscCall(PetscFree(s->x_0));
  PetscCall(PetscFree(s->x_bar));
  PetscCall(PetscFree(s->p_bar));
  PetscCall(NomosModelDestroy(&s->model));
  PetscCall(NomosConfigDestroy(&s->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bench(int n, const NomosScheduleInput *schedule)
{
  Setup             s;
  NomosScheduleCost cost;
  double            forward[PAIRS], alone[PAIRS], gradient[PAIRS], J, bytes;

  PetscFunctionBeginUser;
  PetscCall(Create(n, schedule, &s));
  PetscCall(NomosTrajectoryCost(s.trajectory, &cost, &bytes));
  for (int p = -1; p < PAIRS; p++) { /* the first one is not counted */
    double t0 = Now();
    PetscCall(NomosTrajectoryValue(s.trajectory, s.x_0, &J, NULL));
    double t1 = Now();
    PetscCall(NomosTrajectoryGradient(s.trajectory, s.x_0, &J, s.x_bar, NULL));
    double t2 = Now();
    PetscCall(NomosTrajectoryGradient(s.trajectory, s.x_0, &J, s.x_bar, s.p_bar));
    double t3 = Now();
    if (p < 0) continue;
    forward[p]  = (t1 - t0) / N_STEPS;
    alone[p]    = (t2 - t1) / (t1 - t0);
    gradient[p] = (t3 - t2) / (t1 - t0);
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%5d  %-9s %-7s %d  %9.3f  %8.2f  %15.2f  %5.2f  %8zu  %7zu  %7.1f\n", n, nomos_schedule_names[schedule->kind], NOMOS_REAL == NOMOS_F32 ? "float32" : "float64", omp_get_max_threads(), 1e3 * Median(forward), Median(alone), Median(gradient), cost.factor, cost.n_ram, cost.n_disk, 1e-6 * bytes));
  PetscCall(Destroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Long(int n, int64_t steps, int64_t snapshots)
{
  Setup             s;
  char              text[512];
  double            J, bytes, seconds;
  NomosScheduleCost cost;
  struct rusage     usage;

  PetscFunctionBeginUser;
  PetscCall(Create(n, &(NomosScheduleInput){.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = steps, .n_snapshots = snapshots}, &s));
  PetscCall(NomosTrajectoryDescribe(s.trajectory, text, sizeof text));
  PetscCall(NomosTrajectoryCost(s.trajectory, &cost, &bytes));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%d x %d x 2: %s\n", n, n, text));
  seconds = Now();
  PetscCall(NomosTrajectoryGradient(s.trajectory, s.x_0, &J, s.x_bar, s.p_bar));
  seconds = Now() - seconds;
  getrusage(RUSAGE_SELF, &usage);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "cost %.10g; %.0f s; at most %.0f MB of memory in all\n", J, seconds, 1.024e-3 * (double)usage.ru_maxrss));
  PetscCall(Destroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const int                usual[]     = {64, 128, 256};
  static const NomosScheduleInput schedules[] = {
    {.kind = NOMOS_SCHEDULE_ALL, .n_steps = N_STEPS},
    {.kind = NOMOS_SCHEDULE_EVERY, .n_steps = N_STEPS, .period = 14},
    {.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = N_STEPS, .n_snapshots = 10},
    {.kind = NOMOS_SCHEDULE_TWO_LEVEL, .n_steps = N_STEPS, .period = 20, .n_snapshots = 5},
  };

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(NomosErrorHandlerPush(false));
  if (argc == 5 && !strcmp(argv[1], "long")) PetscCall(Long(atoi(argv[2]), atoll(argv[3]), atoll(argv[4])));
  else {
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "    n  schedule  real    threads  step ms  gradient  with parameters  steps  in RAM  on disk  MB in all\n"));
    for (int i = 0; i < (argc > 1 ? argc - 1 : 3); i++)
      for (size_t k = 0; k < sizeof schedules / sizeof *schedules; k++) PetscCall(Bench(argc > 1 ? atoi(argv[i + 1]) : usual[i], &schedules[k]));
  }
  PetscCall(NomosErrorHandlerPop());
  PetscCall(PetscFinalize());
  return 0;
}
