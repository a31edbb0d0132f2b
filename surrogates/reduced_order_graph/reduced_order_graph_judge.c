/* How a stepper is judged: roll-outs from the first history of trajectories that it never saw, against these. MSE = mean over points (but walls) and frames of |dx|^2, m^2; of every part

     rollout_mse, rollout_mse_20   over all predicted frames, over the first 20
     one_step_mse                  of single steps, each from true positions (40 frames of a trajectory)
     decoder_floor, composed_mse   of all particles by a decoder: from true points, from predicted ones
     coarse_mse                    of all particles too, by the solver on a coarse grid (reduced_order_graph_coarse.c), of test split and test sets
     ms_per_frame, coarse_ms_per_frame, fine_ms_per_frame   what a frame costs the stepper on its points, the coarse simulation, and that which made the data
     ballistic_mse, still_mse      of free flight, of staying where one is: below them a stepper has learned nothing
     components                    of the graph, in the worst frame of the roll-outs: more than there are bodies and it has fallen apart
     stopped                       roll-outs that ended early, where a position was no number or the network takes none there; points then stay
     coarse_stopped                coarse simulations that blew up: coarse_mse is infinite */
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"

#include "operators/primitives.h"
#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>

const char *const nomos_motion_names[NOMOS_N_MOTIONS] = {"rollout", "ballistic", "still"};

/* ---- roll-outs */

/* Positions after `x` (n_history, n, d): the network works in the precision of its weights, the sum is in double. */
static PetscErrorCode Step(NomosSurrogate s, NomosTape tape, NomosTensor w[], const NomosParticleSets *sets, size_t stride, const double x[], double next[])
{
  NomosReducedOrderGraph *g    = s->context;
  const NomosRealType     type = NomosParametersType(s->parameters);
  const size_t            d = (size_t)g->info->d, n = sets->n * d, k = g->n_history;
  double                  mean[3], deviation[3];
  NomosTensor             history[65];

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(tape));
  PetscCall(NomosParametersBind(s->parameters, tape, w));
  for (size_t f = 0; f < k; f++) history[f] = NomosTensorFromDoubles(tape, type, 2, (size_t[]){sets->n, d}, x + f * stride);
  PetscCall(NomosTensorGetDoubles(NomosParticleStepperAcceleration(g->stepper, w, sets, history), next));
  PetscCall(NomosParticleStepperUnits(g->stepper, s->parameters, mean, deviation));
  for (size_t i = 0; i < n; i++) {
    const double *last = x + (k - 1) * stride, *before = x + (k - 2) * stride;
    next[i] = last[i] + (last[i] - before[i] + mean[i % d] + deviation[i % d] * next[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool IsFinite(size_t n, const double x[])
{
  for (size_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* Errors of the network's limits end a roll-out; others are errors. */
static PetscErrorCode RollOut(NomosSurrogate s, NomosTape tape, NomosTensor w[], const NomosPointMotion *m, double x[], NomosRollOut *how)
{
  NomosReducedOrderGraph *g   = s->context;
  const size_t            row = m->sets.n * (size_t)m->d;

  PetscFunctionBeginUser;
  for (; how->n_done < m->n_frames; how->n_done++) {
    const size_t   f = how->n_done;
    size_t         components;
    PetscErrorCode code;
    NomosQuietly(code, Step(s, tape, w, &m->sets, row, x + (f - g->n_history) * row, x + f * row));
    if (code != PETSC_ERR_FP && code != PETSC_ERR_ARG_OUTOFRANGE) PetscCall(code);
    if (code || !IsFinite(row, x + f * row)) break;
    NomosParticlePointsHold(&(NomosParticlePoints){g->info, m->sets.n, m->kind}, m->x + f * row, x + f * row);
    NomosParticleStepperGraph(g->stepper, &how->n_edges, &components);
    how->most_components = PetscMax(how->most_components, components);
  }
  for (size_t f = how->n_done; f < m->n_frames; f++) PetscCall(PetscArraycpy(x + f * row, x + (how->n_done - 1) * row, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphRollOut(NomosSurrogate s, const NomosPointMotion *m, NomosMotionKind kind, double x[], NomosRollOut *how)
{
  const NomosReducedOrderGraph *g = s->context;
  const size_t                  d = (size_t)m->d, row = m->sets.n * d, k = g->n_history;
  NomosTape                     tape;
  NomosTensor                  *w;

  PetscFunctionBeginUser;
  *how = (NomosRollOut){.n_done = k};
  PetscCall(PetscArraycpy(x, m->x, k * row));
  if (kind != NOMOS_MOTION_STEPPER) {
    for (how->n_done = k; how->n_done < m->n_frames; how->n_done++) {
      for (size_t i = 0; i < row; i++) {
        double *at = x + how->n_done * row + i;
        *at        = kind == NOMOS_MOTION_STILL ? at[-(ptrdiff_t)row] : 2 * at[-(ptrdiff_t)row] - at[-2 * (ptrdiff_t)row] + g->flight[i % d];
      }
      NomosParticlePointsHold(&(NomosParticlePoints){g->info, m->sets.n, m->kind}, m->x + how->n_done * row, x + how->n_done * row);
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(g->n_w, &w));
  PetscCall(NomosTapeCreate(&tape));
  (void)NomosTapeSetRecording(tape, false);
  PetscErrorCode code = RollOut(s, tape, w, m, x, how);
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(PetscFree(w));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- errors */

/* Single steps of a trajectory, of at most MOST frames evenly among all, several at once; NaN for the others. */
static PetscErrorCode OneStep(NomosSurrogate s, const NomosParticlePart *part, size_t trajectory, size_t n_steps, double error[])
{
  enum { MOST = 40, AT_ONCE = 4 };
  NomosReducedOrderGraph *g     = s->context;
  const size_t            every = (n_steps + MOST - 1) / MOST;
  NomosTape               tape;
  NomosTensor            *w;
  double                 *next;
  PetscErrorCode          code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < n_steps; k++) error[k] = NAN;
  PetscCall(PetscMalloc1(g->n_w, &w));
  PetscCall(NomosTapeCreate(&tape));
  (void)NomosTapeSetRecording(tape, false);
  for (size_t from = 0; from < n_steps && !code;) {
    NomosParticleWindow windows[AT_ONCE];
    NomosPointMotion    m;
    size_t              n = 0;
    for (; n < AT_ONCE && from < n_steps; from += every) windows[n++] = (NomosParticleWindow){.trajectory = trajectory, .frame = from};
    PetscCall(NomosPointMotionRead(part, n, windows, g->n_history + 1, &m));
    const size_t d = (size_t)m.d, row = m.sets.n * d;
    PetscCall(PetscMalloc1(row, &next));
    code = Step(s, tape, w, &m.sets, row, m.x, next);
    for (size_t i = 0; i < n && !code; i++) error[windows[i].frame] = NomosParticlePointsMeanSquare(&(NomosParticlePoints){g->info, m.first[i + 1] - m.first[i], m.kind + m.first[i]}, next + m.first[i] * d, m.x + g->n_history * row + m.first[i] * d);
    PetscCall(PetscFree(next));
    PetscCall(NomosPointMotionFree(&m));
  }
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(PetscFree(w));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All particles of a trajectory from its points, true ones x[0] and predicted ones x[1] (n_frames, points, d). */
static PetscErrorCode Decode(NomosSurrogate s, const NomosParticlePart *part, size_t i, const NomosPointMotion *m, const double *const x[2], double *const error[2])
{
  NomosReducedOrderGraph  *g = s->context;
  const size_t             d = (size_t)m->d, row = m->sets.n * d;
  NomosParticleTrajectory  t;
  NomosParticleDecoderPlan plan = NULL;
  double                  *X, *now, *decoded;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(part->data, part->split, i, &t));
  const size_t all = t.n_particles * d;
  PetscCall(PetscMalloc3(all, &X, all, &now, all, &decoded));
  PetscErrorCode code = NomosParticleDataRead(part->data, &(NomosParticleSelection){.split = part->split, .trajectory = i, .n_frames = 1, .n = t.n_particles}, X);
  if (!code) code = NomosParticleDecoderPlanCreate(g->decoder, &(NomosParticleReference){.d = m->d, .n_sparse = m->sets.n, .n_points = t.n_particles, .Y = m->x, .X = X, .Y_body = m->kind, .X_body = t.kind}, &plan);
  if (!code) code = NomosParticleDecoderFreeze(plan, g->decoder_parameters);
  for (size_t f = g->n_history; f < m->n_frames && !code; f++) {
    code = NomosParticleDataRead(part->data, &(NomosParticleSelection){.split = part->split, .trajectory = i, .first = f, .n_frames = 1, .n = t.n_particles}, now);
    for (int k = 0; k < 2 && !code; k++) {
      code                       = NomosParticleDecoderEvaluate(plan, x[k] + f * row, decoded);
      error[k][f - g->n_history] = NomosParticlePointsMeanSquare(&(NomosParticlePoints){g->info, t.n_particles, t.kind}, decoded, now);
    }
  }
  if (plan) PetscCall(NomosParticleDecoderPlanDestroy(&plan));
  PetscCall(PetscFree3(X, now, decoded));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All particles of a trajectory from those of its coarse simulation. */
static PetscErrorCode FollowCoarse(NomosSurrogate s, const NomosParticlePart *part, size_t i, NomosCoarseRun *run, double x[], double now[], double error[])
{
  const NomosReducedOrderGraph *g = s->context;
  NomosParticleTrajectory       t;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(part->data, part->split, i, &t));
  for (size_t f = 1; f < t.n_frames; f++) {
    PetscCall(NomosCoarseRunNext(run, x));
    if (f < g->n_history) continue;
    PetscCall(NomosParticleDataRead(part->data, &(NomosParticleSelection){.split = part->split, .trajectory = i, .first = f, .n_frames = 1, .n = t.n_particles}, now));
    error[f - g->n_history] = run->ended ? INFINITY : NomosParticlePointsMeanSquare(&(NomosParticlePoints){g->info, t.n_particles, t.kind}, x, now);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JudgeCoarse(NomosSurrogate s, const NomosParticlePart *part, size_t i, NomosParticleJudgement *j)
{
  const NomosReducedOrderGraph *g   = s->context;
  NomosCoarseRun                run = {0};
  NomosParticleTrajectory       t;
  double                       *X, *now;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(part->data, part->split, i, &t));
  PetscCall(PetscMalloc2(t.n_particles * (size_t)g->info->d, &X, t.n_particles * (size_t)g->info->d, &now));
  PetscErrorCode code = NomosParticleDataRead(part->data, &(NomosParticleSelection){.split = part->split, .trajectory = i, .n_frames = 1, .n = t.n_particles}, X);
  if (!code) code = NomosCoarseRunCreate(s, &(NomosCoarseRunInput){.part = part, .trajectory = i, .n_points = t.n_particles, .X = X, .X_kind = t.kind}, &run);
  if (!code) code = FollowCoarse(s, part, i, &run, X, now, j->coarse + i * j->n_frames); /* X: no longer needed */
  j->seconds[1][i] = run.seconds / (double)(t.n_frames - 1);
  if (!code) code = NomosCoarseRunTimeFine(s, &run, &j->seconds[2][i]);
  PetscCall(NomosCoarseRunDestroy(&run));
  PetscCall(PetscFree2(X, now));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JudgeTrajectory(NomosSurrogate s, const NomosParticlePart *part, size_t i, NomosParticleJudging what, NomosParticleJudgement *j)
{
  const NomosReducedOrderGraph *g = s->context;
  NomosParticleTrajectory       t;
  NomosPointMotion           m;
  double                       *x;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(part->data, part->split, i, &t));
  PetscCall(NomosPointMotionRead(part, 1, &(NomosParticleWindow){.trajectory = i}, t.n_frames, &m));
  const size_t row = m.sets.n * (size_t)m.d, at = i * j->n_frames, n_steps = t.n_frames - g->n_history;
  PetscCall(PetscMalloc1(m.n_frames * row, &x));
  for (int kind = 0; kind < NOMOS_N_MOTIONS; kind++) {
    const double begin = MPI_Wtime();
    NomosRollOut how;
    PetscCall(NomosReducedOrderGraphRollOut(s, &m, (NomosMotionKind)kind, x, &how));
    if (kind == NOMOS_MOTION_STEPPER) j->seconds[0][i] = (MPI_Wtime() - begin) / (double)PetscMax(how.n_done - g->n_history, 1);
    for (size_t k = 0; k < j->n_frames; k++) j->error[kind][at + k] = k < n_steps ? NomosParticlePointsMeanSquare(&(NomosParticlePoints){g->info, m.sets.n, m.kind}, x + (g->n_history + k) * row, m.x + (g->n_history + k) * row) : NAN;
    if (kind != NOMOS_MOTION_STEPPER) continue;
    j->components[i] = (double)how.most_components;
    j->stopped[i]    = how.n_done < m.n_frames;
    for (size_t k = n_steps; k < j->n_frames && j->floor; k++) j->floor[at + k] = j->composed[at + k] = NAN;
    if (j->floor) PetscCall(Decode(s, part, i, &m, (const double *const[]){m.x, x}, (double *const[]){j->floor + at, j->composed + at}));
  }
  PetscCall(PetscFree(x));
  PetscCall(NomosPointMotionFree(&m));
  for (size_t k = n_steps; k < j->n_frames && j->coarse; k++) j->coarse[at + k] = NAN;
  if (j->coarse) PetscCall(JudgeCoarse(s, part, i, j));
  for (size_t k = n_steps; k < j->n_frames; k++) j->one_step[at + k] = NAN;
  if (what.one_step) PetscCall(OneStep(s, part, i, n_steps, j->one_step + at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphJudge(NomosSurrogate s, MPI_Comm comm, const NomosParticlePart *part, NomosParticleJudging what, NomosParticleJudgement *j)
{
  const NomosReducedOrderGraph *g = s->context;
  int                           rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  *j = (NomosParticleJudgement){.n = part->n};
  for (size_t i = 0; i < part->n; i++) {
    NomosParticleTrajectory t;
    PetscCall(NomosParticleDataTrajectory(part->data, part->split, i, &t));
    j->n_frames = PetscMax(j->n_frames, t.n_frames - g->n_history);
  }
  for (int kind = 0; kind < NOMOS_N_MOTIONS; kind++) PetscCall(PetscCalloc1(j->n * j->n_frames, &j->error[kind]));
  PetscCall(PetscCalloc3(j->n * j->n_frames, &j->one_step, j->n, &j->components, j->n, &j->stopped));
  PetscCall(PetscCalloc3(j->n, &j->seconds[0], j->n, &j->seconds[1], j->n, &j->seconds[2]));
  if (what.coarse && g->coarse_decoder) PetscCall(PetscCalloc1(j->n * j->n_frames, &j->coarse));
  if (g->decoder) PetscCall(PetscCalloc2(j->n * j->n_frames, &j->floor, j->n * j->n_frames, &j->composed));
  PetscErrorCode code = PETSC_SUCCESS;
  for (size_t i = 0; i < j->n && !code; i++)
    if ((int)(i % (size_t)size) == rank) code = JudgeTrajectory(s, part, i, what, j);
  PetscCall(NomosErrorAgree(comm, code));
  for (int kind = 0; kind < NOMOS_N_MOTIONS; kind++) PetscCall(NomosSumOverRanks(comm, j->n * j->n_frames, j->error[kind]));
  PetscCall(NomosSumOverRanks(comm, j->n * j->n_frames, j->one_step));
  if (j->floor) {
    PetscCall(NomosSumOverRanks(comm, j->n * j->n_frames, j->floor));
    PetscCall(NomosSumOverRanks(comm, j->n * j->n_frames, j->composed));
  }
  if (j->coarse) PetscCall(NomosSumOverRanks(comm, j->n * j->n_frames, j->coarse));
  for (int k = 0; k < 3; k++) PetscCall(NomosSumOverRanks(comm, j->n, j->seconds[k]));
  PetscCall(NomosSumOverRanks(comm, j->n, j->components));
  PetscCall(NomosSumOverRanks(comm, j->n, j->stopped));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleJudgementFree(NomosParticleJudgement *j)
{
  PetscFunctionBeginUser;
  for (int kind = 0; kind < NOMOS_N_MOTIONS; kind++) PetscCall(PetscFree(j->error[kind]));
  PetscCall(PetscFree3(j->one_step, j->components, j->stopped));
  PetscCall(PetscFree3(j->seconds[0], j->seconds[1], j->seconds[2]));
  PetscCall(PetscFree(j->coarse));
  PetscCall(PetscFree2(j->floor, j->composed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosParticleJudgementMean(const NomosParticleJudgement *j, const double error[], size_t n_frames)
{
  double mean = 0;

  for (size_t i = 0; i < j->n; i++) {
    double sum = 0;
    size_t n   = 0;
    for (size_t k = 0; k < j->n_frames && (!n_frames || k < n_frames); k++)
      if (!isnan(error[i * j->n_frames + k])) {
        sum += error[i * j->n_frames + k];
        n++;
      }
    mean += sum / (double)n / (double)j->n;
  }
  return mean;
}

double NomosParticleJudgementFrame(const NomosParticleJudgement *j, const double error[], size_t k)
{
  double sum = 0;
  size_t n   = 0;

  for (size_t i = 0; i < j->n; i++)
    if (!isnan(error[i * j->n_frames + k])) {
      sum += error[i * j->n_frames + k];
      n++;
    }
  return sum / (double)n;
}

/* ---- results */

/* The coarse simulation is the same whatever the weights are: validations, of which there are many, leave it out. of: a split, or NOMOS_N_SPLITS: test sets. */
static PetscErrorCode JudgeAndTell(NomosSurrogate s, const NomosParticlePart *part, int of, const char prefix[], bool coarse, NomosResultFn result, void *ctx)
{
  NomosReducedOrderGraph *g = s->context;
  NomosParticleJudgement  j;
  double                  most = 0, stopped = 0, coarse_stopped = 0, milliseconds[3] = {0};
  char                    name[3 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosReducedOrderGraphJudge(s, s->comm, part, (NomosParticleJudging){.one_step = true, .coarse = coarse}, &j));
  for (size_t i = 0; i < j.n; i++) {
    most = fmax(most, j.components[i]);
    stopped += j.stopped[i];
    for (size_t k = 0, blown = 0; k < j.n_frames && j.coarse && !blown; k++) coarse_stopped += blown = isinf(j.coarse[i * j.n_frames + k]);
    for (int k = 0; k < 3; k++) milliseconds[k] += 1e3 * j.seconds[k][i] / (double)j.n;
  }
  g->n_stopped[of] += stopped;
  g->n_coarse_stopped[of] += coarse_stopped;
  const struct {
    const char *name;
    double      value;
  } all[] = {
    {"rollout_mse", NomosParticleJudgementMean(&j, j.error[NOMOS_MOTION_STEPPER], 0)},
    {"rollout_mse_20", NomosParticleJudgementMean(&j, j.error[NOMOS_MOTION_STEPPER], 20)},
    {"one_step_mse", NomosParticleJudgementMean(&j, j.one_step, 0)},
    {"ballistic_mse", NomosParticleJudgementMean(&j, j.error[NOMOS_MOTION_BALLISTIC], 0)},
    {"still_mse", NomosParticleJudgementMean(&j, j.error[NOMOS_MOTION_STILL], 0)},
    {"decoder_floor", j.floor ? NomosParticleJudgementMean(&j, j.floor, 0) : NAN},
    {"composed_mse", j.floor ? NomosParticleJudgementMean(&j, j.composed, 0) : NAN},
    {"coarse_mse", j.coarse ? NomosParticleJudgementMean(&j, j.coarse, 0) : NAN},
    {"ms_per_frame", j.coarse ? milliseconds[0] : NAN},
    {"coarse_ms_per_frame", j.coarse ? milliseconds[1] : NAN},
    {"fine_ms_per_frame", j.coarse ? milliseconds[2] : NAN},
    {"components", most},
    {"stopped", stopped},
    {"coarse_stopped", j.coarse ? coarse_stopped : NAN},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (isnan(all[i].value)) continue; /* not looked at */
    snprintf(name, sizeof name, "%s%s", prefix, all[i].name);
    PetscCall(result(name, all[i].value, ctx));
  }
  PetscCall(NomosParticleJudgementFree(&j));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  NomosReducedOrderGraph *g = s->context;

  PetscFunctionBeginUser;
  g->n_stopped[split] = g->n_coarse_stopped[split] = 0;
  PetscCall(JudgeAndTell(s, &g->parts[split], (int)split, "", split == NOMOS_SPLIT_TEST, result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A part with other numbers of points, at the same radius. */
static PetscErrorCode Sweep(NomosSurrogate s, const NomosParticlePart *of, const char prefix[], NomosResultFn result, void *ctx)
{
  NomosReducedOrderGraph *g   = s->context;
  NomosParticleSampling   one = g->sampling;
  const double           *factors;
  size_t                  n;

  PetscFunctionBeginUser;
  one.n_draws = 1;
  PetscCall(NomosConfigGetReals(s->config, "reduced_order_graph.sweep", &n, &factors));
  for (size_t i = 0; i < n && of->n; i++) {
    NomosParticlePart      part;
    NomosParticleJudgement j;
    char                   name[3 * NOMOS_MAX_NAME];
    PetscCall(NomosParticlePartCreate(&(NomosParticlePartInput){.data = of->data, .split = of->split, .sampling = &one, .factor = factors[i], .window = g->n_history + 1, .seed = s->seed}, &part));
    PetscErrorCode code = NomosReducedOrderGraphJudge(s, s->comm, &part, (NomosParticleJudging){0}, &j);
    if (!code) {
      double most = 0;
      for (size_t k = 0; k < j.n; k++) most = fmax(most, j.components[k]);
      snprintf(name, sizeof name, "%spoints_%zu_rollout_mse", prefix, part.most);
      PetscCall(result(name, NomosParticleJudgementMean(&j, j.error[NOMOS_MOTION_STEPPER], 0), ctx));
      snprintf(name, sizeof name, "%spoints_%zu_components", prefix, part.most);
      PetscCall(result(name, most, ctx));
      PetscCall(NomosParticleJudgementFree(&j));
    }
    PetscCall(NomosParticlePartFree(&part));
    PetscCall(code);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphResults(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  NomosReducedOrderGraph *g = s->context;
  double                  radius;

  PetscFunctionBeginUser;
  g->n_stopped[NOMOS_N_SPLITS] = g->n_coarse_stopped[NOMOS_N_SPLITS] = 0;
  PetscCall(NomosParticleStepperRadius(g->stepper, s->parameters, &radius));
  PetscCall(result("radius", radius, ctx));
  for (size_t i = 0; i < g->n_sets; i++) {
    char prefix[2 * NOMOS_MAX_NAME];
    snprintf(prefix, sizeof prefix, "%s_", g->sets[i].name);
    PetscCall(JudgeAndTell(s, &g->sets[i].part, NOMOS_N_SPLITS, prefix, true, result, ctx));
    PetscCall(Sweep(s, &g->sets[i].part, prefix, result, ctx));
  }
  PetscCall(Sweep(s, &g->parts[NOMOS_SPLIT_TEST], "", result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
