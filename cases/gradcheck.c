/* nomos gradcheck CASE: are the derivatives of a case right, and what do they cost? The frame around the checks of a simulation (gradcheck_model.c) and of a training (gradcheck_training.c). */
#include "cases/gradcheck.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>

/* clang-format off */
static const NomosParam params[] = {
  {"gradcheck.steps",      NOMOS_PARAM_INT,  "20",       NULL, 2,       100000, NULL, false, "Of a simulation: steps of the trajectory that is differentiated, from the initial state."},
  {"gradcheck.examples",   NOMOS_PARAM_INT,  "2",        NULL, 1,       1e9,    NULL, false, "Of a training: examples of the loss whose remainders and differences are taken, of a batch at most; the more, the closer are its kinks (of relu, say)."},
  {"gradcheck.directions", NOMOS_PARAM_INT,  "2",        NULL, 1,       1000,   NULL, false, "Random directions; the worst counts, of Taylor's remainders the root mean square."},
  {"gradcheck.seed",       NOMOS_PARAM_INT,  "1",        NULL, 0,       9e15,   NULL, false, "Seed of the directions."},
  {"gradcheck.step",       NOMOS_PARAM_REAL, "0.015625", NULL, DBL_MIN, 1,      NULL, false, "The longest step of a Taylor remainder, relative to the state and to each parameter, or to the weights; it is halved seven times."},
  {"gradcheck.second",     NOMOS_PARAM_BOOL, "true",     NULL, 0,       0,      NULL, false, "Of a simulation: second derivatives too, if it has them; false where they jump, as at equal states those of HLLC do."},
};
/* clang-format on */
const NomosSection nomos_gradcheck_section = {"gradcheck", "of nomos gradcheck", sizeof params / sizeof *params, params, NULL};

/* In double, in single precision. */
static const double bounds[NOMOS_N_BOUNDS][2] = {
  [NOMOS_BOUND_TRANSPOSITION] = {1e-11, 1e-3},
  [NOMOS_BOUND_LINEARITY]     = {1e-12, 1e-3},
  [NOMOS_BOUND_ORDER]         = {0.05,  0.3 },
  [NOMOS_BOUND_SYMMETRY]      = {1e-10, 1e-2},
  [NOMOS_BOUND_SECOND]        = {1e-6,  5e-2},
  [NOMOS_BOUND_DIFFERENCE]    = {1e-6,  5e-2},
};

double NomosGradcheckBoundOf(const NomosGradcheck *check, NomosGradcheckBound bound)
{
  return bounds[bound][check->precision == NOMOS_F32];
}

double NomosGradcheckEpsilon(const NomosGradcheck *check)
{
  return check->precision == NOMOS_F64 ? PETSC_MACHINE_EPSILON : 1.2e-7;
}

PetscErrorCode NomosGradcheckInterrupted(void *ctx, bool *interrupted)
{
  NomosRun *run = ctx;

  PetscFunctionBeginUser;
  if (!run->stopped_by) PetscCall(NomosRunStopped(run));
  *interrupted = run->stopped_by != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- lines */

PetscErrorCode NomosGradcheckAdd(NomosGradcheck *check, const char name[], double value, double bound, const char note[])
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

PetscErrorCode NomosGradcheckAddReport(NomosGradcheck *check)
{
  const NomosOperatorReport *r = &check->report;
  char                       name[32], note[64];

  PetscFunctionBeginUser;
  if (!isnan(r->transposition)) PetscCall(NomosGradcheckAdd(check, "transposition", r->transposition, NomosGradcheckBoundOf(check, NOMOS_BOUND_TRANSPOSITION), "<w, F' d> = <F'^T w, d>"));
  if (!isnan(r->linearity)) PetscCall(NomosGradcheckAdd(check, "linearity", r->linearity, NomosGradcheckBoundOf(check, NOMOS_BOUND_LINEARITY), "of the gradient in the sensitivity of the cost"));
  for (int p = 2; p <= 3; p++) {
    const double order = r->order[p - 1];
    if (isnan(order)) continue;
    snprintf(name, sizeof name, "taylor_%d", p);
    snprintf(note, sizeof note, isinf(order) ? "nothing but rounding is left" : "order of the remainder: %.3f", order);
    PetscCall(NomosGradcheckAdd(check, name, isinf(order) && order > 0 ? 0 : p - order, NomosGradcheckBoundOf(check, NOMOS_BOUND_ORDER), note));
  }
  if (!isnan(r->symmetry)) PetscCall(NomosGradcheckAdd(check, "hessian_symmetry", r->symmetry, NomosGradcheckBoundOf(check, NOMOS_BOUND_SYMMETRY), "<H d, e> = <d, H e>"));
  if (!isnan(r->second)) PetscCall(NomosGradcheckAdd(check, "hessian_differences", r->second, NomosGradcheckBoundOf(check, NOMOS_BOUND_SECOND), "against differences of the gradient"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGradcheckAddThreads(NomosRun *run, NomosGradcheck *check, NomosGradcheckDifferFn differ)
{
  const int threads = omp_get_max_threads(), other = threads > 1 ? 1 : 2;
  double    different;
  char      note[64];

  PetscFunctionBeginUser;
  omp_set_num_threads(other);
  PetscErrorCode code = differ(run, check, &different);
  omp_set_num_threads(threads);
  PetscCall(code);
  snprintf(note, sizeof note, "%d and %d threads", threads, other);
  PetscCall(NomosGradcheckAdd(check, "threads", different, 0, note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGradcheckAddCost(NomosRun *run, NomosGradcheck *check, const NomosGradcheckCost *cost)
{
  double best[2] = {INFINITY, INFINITY};
  char   note[128];
  bool   interrupted = false;

  PetscFunctionBeginUser;
  for (int i = 0; i < 6 && !interrupted; i++) {
    PetscCallMPI(MPI_Barrier(run->comm));
    double seconds = MPI_Wtime();
    PetscCall((i % 2 ? cost->gradient : cost->forward)(run, check));
    seconds     = MPI_Wtime() - seconds;
    best[i % 2] = fmin(best[i % 2], seconds);
    PetscCall(NomosGradcheckInterrupted(run, &interrupted));
  }
  if (interrupted) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, best, 2, MPI_DOUBLE, MPI_MAX, run->comm));
  snprintf(note, sizeof note, "forward runs: %.3g s for a gradient, %.3g s for %s", best[1], best[0], cost->forward_name);
  PetscCall(NomosGradcheckAdd(check, "gradient_cost", best[1] / best[0], NAN, note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Extrapolated(const NomosGradcheckDifference *d)
{
  if (d->side) return d->side * (32 * (d->J[3] - d->J[0]) - 12 * (d->J[2] - d->J[0]) + (d->J[1] - d->J[0])) / (3 * d->h);
  return (4 * (d->J[3] - d->J[2]) / d->h - (d->J[1] - d->J[0]) / (2 * d->h)) / 3;
}

double NomosGradcheckDeviation(const NomosGradcheck *check, const NomosGradcheckDifference *d)
{
  const double noise = (d->side ? 120 : 30) * NomosGradcheckEpsilon(check) * fabs(d->J[0]) / d->h / NomosGradcheckBoundOf(check, NOMOS_BOUND_DIFFERENCE);

  return fabs(d->slope - Extrapolated(d)) / (d->size + noise);
}

bool NomosGradcheckVanishes(const NomosGradcheckDifference *d)
{
  return d->size == 0 && d->J[0] == d->J[1] && d->J[2] == d->J[3] && (!d->side || d->J[0] == d->J[2]);
}

PetscErrorCode NomosGradcheckAddDifference(NomosGradcheck *check, const char name[], const NomosGradcheckDifference *d)
{
  char note[128];

  PetscFunctionBeginUser;
  const bool vanishes = NomosGradcheckVanishes(d);
  snprintf(note, sizeof note, "%s%.10g, differences %.10g%s", d->remark ? d->remark : "", d->slope, Extrapolated(d), vanishes ? ": nothing is shown" : "");
  check->n_vanishing += vanishes;
  PetscCall(NomosGradcheckAdd(check, name, NomosGradcheckDeviation(check, d), NomosGradcheckBoundOf(check, NOMOS_BOUND_DIFFERENCE), note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the command */

/* A derivative that is zero, as its differences are, agrees whatever the code does. */
static PetscErrorCode WarnVanishing(NomosRun *run, const NomosGradcheck *check)
{
  char sentence[384], held[160] = "";

  PetscFunctionBeginUser;
  if (!check->n_vanishing) PetscFunctionReturn(PETSC_SUCCESS);
  if (check->n_held == check->n_vanishing) snprintf(held, sizeof held, "; they are %s", check->held);
  else if (check->n_held) snprintf(held, sizeof held, "; %d of them are %s", check->n_held, check->held);
  snprintf(sentence, sizeof sentence, "%d derivative%s 0, and so are the differences, which shows nothing: the result does not depend on what is differentiated by here%s%s", check->n_vanishing, check->n_vanishing > 1 ? "s are" : " is", held, run->model ? "" : "; weights that begin at zero may hide it: train.weights names trained ones");
  PetscCall(NomosRunWarn(sentence, run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where nothing fails but what is compared with differences the derivative may well be right, and the computation not smooth. */
static PetscErrorCode WarnKinks(NomosRun *run, const NomosGradcheck *check)
{
  static const NomosGradcheckBound of_differences[] = {NOMOS_BOUND_ORDER, NOMOS_BOUND_SECOND, NOMOS_BOUND_DIFFERENCE};
  int                              n                = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < check->n_lines; i++)
    for (size_t b = 0; b < sizeof of_differences / sizeof *of_differences && !check->lines[i].passed; b++)
      if (check->lines[i].bound == NomosGradcheckBoundOf(check, of_differences[b])) {
        n++;
        break;
      }
  if (!check->n_failed || n < check->n_failed || !run->model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosRunWarn("only differences disagree, not transposition, linearity or symmetry: so they do at kinks (limited slopes, upwind fluxes, a number of substeps that follows the state), where they show no derivative; try a shorter gradcheck.step, smooth settings (grid_pde.limiter=central, a fixed grid_pde.substeps), and gradcheck.second=no where second derivatives jump", run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Work(NomosRun *run, NomosGradcheck *check)
{
  char outcome[64] = "all passed", where[128];
  bool interrupted = false;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < check->subject->n_checks && !interrupted; i++) {
    PetscCall(check->subject->checks[i](run, check));
    PetscCall(NomosGradcheckInterrupted(run, &interrupted));
  }
  if (!run->stopped_by) PetscCall(NomosGradcheckWrite(run, check));
  snprintf(where, sizeof where, "%zu checks %s", check->n_lines, check->extent);
  if (check->n_vanishing) snprintf(outcome, sizeof outcome, "all passed, but %d as 0 = 0", check->n_vanishing);
  if (check->n_failed) snprintf(outcome, sizeof outcome, "%d failed", check->n_failed);
  if (!run->stopped_by) PetscCall(WarnVanishing(run, check));
  if (!run->stopped_by) PetscCall(WarnKinks(run, check));
  PetscCall(NomosRunEnd(run, outcome, where, ""));
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
  PetscCall(NomosConfigGetInt(run->config, "gradcheck.directions", &check->n_directions));
  PetscCall(NomosConfigGetInt(run->config, "gradcheck.seed", &check->seed));
  PetscCall(NomosConfigGetReal(run->config, "gradcheck.step", &check->step));
  PetscCall(NomosRunPrepareDirectory(run));
  check->subject = run->model ? &nomos_gradcheck_model : &nomos_gradcheck_training;
  PetscCall(check->subject->look(run, check));
  PetscCall(NomosRunBegin(run, 0));
  PetscCall(NomosRunWriteSummary(run, "running", "started"));
  if (check->subject->prepare) PetscCall(check->subject->prepare(run, check));
  if (run->stopped_by) {
    PetscCall(NomosRunEnd(run, "", "the preparation", ""));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NomosRunUnderSignals(Work(run, check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Results(NomosRun *run, NomosResultFn result, void *ctx)
{
  const NomosGradcheck *check = run->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < check->n_lines; i++) PetscCall(result(check->lines[i].name, check->lines[i].value, ctx));
  PetscCall(result("failed", check->n_failed, ctx));
  PetscCall(result("vanishing", check->n_vanishing, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run)
{
  NomosGradcheck *check = run->data;

  PetscFunctionBeginUser;
  if (!check) PetscFunctionReturn(PETSC_SUCCESS);
  if (check->data) PetscCall(check->subject->destroy(run, check));
  PetscCall(PetscFree(check->norms));
  PetscCall(PetscFree(check->lines));
  PetscCall(PetscFree(run->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandGradcheck(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "gradcheck", .either = true, .once = true, .section = "gradcheck", .body = Body, .results = Results, .destroy = Destroy};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}
