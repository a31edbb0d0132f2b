/* The solver that made the data, on a coarse grid with few particles: what a stepper has to compete with. It begins at the first state of a throw; its particles are other ones than those of the data, which follow by moving least squares in the
   reference state, each from particles of its own material. */
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"

#include "operators/neighbours.h"
#include "surrogates/reduced_order_graph/rerun.h"

#include <math.h>
#include <string.h>

static const char key[] = "reduced_order_graph.coarse";

/* ---- made and unmade */

static PetscErrorCode CheckTold(const NomosParticleTrajectory *t)
{
  PetscFunctionBeginUser;
  NomosCheck(t->simulation[0], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: it does not say which simulation made it, so that no coarse one of the same motion can be run; take data of nomos generate, or leave out %s", t->name, key);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Simulate(NomosSurrogate s, const NomosParticleTrajectory *t, NomosCoarseRun *run)
{
  NomosCoarseInput input = {.path = t->simulation, .n_set = t->n_set, .set = t->set};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(s->config, key, &input.n_coarse, &input.coarse));
  PetscCall(NomosConfigGetReal(s->config, "reduced_order_graph.particles_per_cell", &input.per_cell));
  PetscCall(s->simulate(s, &(NomosSimulation){.path = input.path, .n_set = input.n_set, .set = input.set}, &run->fine, &run->fine_config));
  PetscCall(NomosCoarseSimulate(s, &input, run->fine_config, &run->model, &run->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where its state has positions. */
static PetscErrorCode FindPositions(NomosCoarseRun *run)
{
  const NomosModelDerivatives *ops = run->model->ops->derivatives;
  const NomosModelField       *list;
  size_t                       n_fields = 0, n_state;

  PetscFunctionBeginUser;
  if (ops && ops->fields) PetscCall(ops->fields(run->model, &n_fields, &list));
  for (run->field = 0; run->field < n_fields && strcmp(list[run->field].name, "position");) run->field++;
  NomosCheck(run->field < n_fields && list[run->field].n_dims == 2 && list[run->field].count[1] == run->d, PETSC_COMM_SELF, PETSC_ERR_SUP, "solver %s: its state has no positions of particles in %zu dimensions; %s needs those of mpm", run->model->ops->name, run->d, key);
  run->n = list[run->field].count[0];
  PetscCall(ops->state_size(run->model, &n_state));
  PetscCall(PetscMalloc2(n_state * NomosRealBytes(run->model->precision), (char **)&run->state, run->n * run->d, &run->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPositions(NomosCoarseRun *run)
{
  const NomosModelDerivatives *ops = run->model->ops->derivatives;

  PetscFunctionBeginUser;
  PetscCall(ops->get_state(run->model, run->state));
  PetscCall(ops->field(run->model, run->field, run->state, run->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its particles are of the material of the nearest one of the data. */
static PetscErrorCode CreatePlan(NomosSurrogate s, const NomosCoarseRunInput *input, const NomosParticleTrajectory *t, NomosCoarseRun *run)
{
  const NomosReducedOrderGraph *g       = s->context;
  NomosNeighbours               nearest = {0};
  double                       *all;
  int32_t                      *kind;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(t->n_particles * run->d, &all, run->n, &kind));
  PetscErrorCode code = NomosParticleDataRead(input->part->data, &(NomosParticleSelection){.split = input->part->split, .trajectory = input->trajectory, .n_frames = 1, .n = t->n_particles}, all);
  if (!code) code = NomosNeighboursNearest(&(NomosNeighbourInput){.d = (int)run->d, .n = t->n_particles, .x = all, .n_queries = run->n, .queries = run->y}, 1, &nearest);
  for (size_t i = 0; i < run->n && !code; i++) kind[i] = t->kind[nearest.neighbour[nearest.first[i]]];
  if (!code) code = NomosParticleDecoderPlanCreate(g->coarse_decoder, &(NomosParticleReference){.d = (int)run->d, .n_sparse = run->n, .n_points = input->n_points, .Y = run->y, .X = input->X, .Y_body = kind, .X_body = input->X_kind}, &run->plan);
  if (!code) code = NomosParticleDecoderFreeze(run->plan, NULL);
  PetscCall(NomosNeighboursFree(&nearest));
  PetscCall(PetscFree2(all, kind));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s, const NomosCoarseRunInput *input, NomosCoarseRun *run)
{
  const NomosReducedOrderGraph *g = s->context;
  NomosParticleTrajectory       t;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(input->part->data, input->part->split, input->trajectory, &t));
  run->d        = (size_t)g->info->d;
  run->n_points = input->n_points;
  run->part       = input->part;
  run->trajectory = input->trajectory;
  PetscCall(Simulate(s, &t, run));
  PetscCall(FindPositions(run));
  PetscCall(ReadPositions(run));
  PetscCall(NomosCoarseSteps(run->model, g->info->interval, key, &run->n_steps));
  PetscCall(CreatePlan(s, input, &t, run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCoarseRunCreate(NomosSurrogate s, const NomosCoarseRunInput *input, NomosCoarseRun *run)
{
  PetscFunctionBeginUser;
  *run                = (NomosCoarseRun){0};
  PetscErrorCode code = Create(s, input, run);
  if (code) PetscCall(NomosCoarseRunDestroy(run));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCoarseRunDestroy(NomosCoarseRun *run)
{
  PetscFunctionBeginUser;
  if (run->plan) PetscCall(NomosParticleDecoderPlanDestroy(&run->plan));
  if (run->model) PetscCall(NomosModelDestroy(&run->model));
  if (run->config) PetscCall(NomosConfigDestroy(&run->config));
  if (run->fine) PetscCall(NomosModelDestroy(&run->fine));
  if (run->fine_config) PetscCall(NomosConfigDestroy(&run->fine_config));
  PetscCall(PetscFree2(run->state, run->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is judged when the training has ended is refused before it: every trajectory says which simulation made it, and that of the first one can be made, with steps that fit. */
static PetscErrorCode TryPart(NomosSurrogate s, const NomosParticlePart *part)
{
  const NomosReducedOrderGraph *g   = s->context;
  NomosCoarseRun                run = {.d = (size_t)g->info->d};
  NomosParticleTrajectory       t;
  PetscErrorCode                code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < part->n; i++) {
    PetscCall(NomosParticleDataTrajectory(part->data, part->split, i, &t));
    PetscCall(CheckTold(&t));
  }
  if (!part->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParticleDataTrajectory(part->data, part->split, 0, &t));
  code = Simulate(s, &t, &run);
  if (!code) code = NomosCoarseSteps(run.model, g->info->interval, key, &run.n_steps);
  if (!code) code = NomosCoarseSteps(run.fine, g->info->interval, key, &run.n_steps);
  PetscCall(NomosCoarseRunDestroy(&run));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphCreateCoarse(NomosSurrogate s)
{
  NomosReducedOrderGraph *g = s->context;
  const char *const      *set;
  int64_t                 first_frame;
  size_t                  n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(s->config, key, &n, &set));
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetInt(s->config, "data.first_frame", &first_frame));
  NomosCheck(!first_frame, s->comm, PETSC_ERR_ARG_INCOMP, "%s: %s begins at the first states of the trajectories, and data.first_frame = %lld leaves them out; leave out one of the two", NomosConfigWhere(s->config, key), key, (long long)first_frame);
  PetscCheck(s->simulate, s->comm, PETSC_ERR_SUP, "%s: %s is a simulation, and this program has none", NomosConfigWhere(s->config, key), key);
  PetscCall(NomosParticleDecoderCreateNamed(s->config, "mls", NULL, g->info->d, &g->coarse_decoder));
  PetscCall(TryPart(s, &g->parts[NOMOS_SPLIT_TEST]));
  for (size_t i = 0; i < g->n_sets; i++) PetscCall(TryPart(s, &g->sets[i].part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- frames */

static PetscErrorCode Advance(NomosModel model, int64_t first, int64_t n)
{
  NomosModelFault fault = {0};

  PetscFunctionBeginUser;
  for (int64_t step = first; step < first + n; step++) {
    PetscCall(NomosModelSetClock(model, step));
    PetscCall(model->ops->step(model));
  }
  PetscCall(model->ops->check(model, &fault));
  NomosCheck(!fault.bad, PETSC_COMM_SELF, PETSC_ERR_FP, "the simulation went wrong: %s of particle %lld is %g", fault.field, (long long)fault.index[0], fault.value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A run that blows up says so, or its positions are no numbers: both end it. */
PetscErrorCode NomosCoarseRunNext(NomosCoarseRun *run, double x[])
{
  PetscFunctionBeginUser;
  if (!run->ended) {
    const double   begin = MPI_Wtime();
    PetscErrorCode code;
    NomosQuietly(code, Advance(run->model, run->done, run->n_steps));
    if (code != PETSC_ERR_FP) PetscCall(code);
    run->seconds += MPI_Wtime() - begin;
    run->done += run->n_steps;
    run->ended = code == PETSC_ERR_FP;
    if (!run->ended) PetscCall(ReadPositions(run));
    for (size_t i = 0; i < run->n * run->d; i++) run->ended = run->ended || !isfinite(run->y[i]);
  }
  if (!run->ended) PetscCall(NomosParticleDecoderEvaluate(run->plan, run->y, x));
  for (size_t i = 0; i < run->n_points * run->d && run->ended; i++) x[i] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The fine simulation's first frames; `whole`: all of them. */
static PetscErrorCode FollowFine(NomosCoarseRun *run, NomosRerun *rerun, int64_t n_steps, double *seconds)
{
  enum { N_FRAMES = 10 };
  const NomosModelDerivatives *ops   = run->fine->ops->derivatives;
  const bool                   whole = !rerun->same && (rerun->known || !run->trajectory);
  const NomosModelField       *list;
  size_t                       n_fields, n_state, n_timed = 0;
  double                      *x;
  void                        *state;
  PetscErrorCode               code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(ops->fields(run->fine, &n_fields, &list));
  PetscCall(ops->state_size(run->fine, &n_state));
  const size_t n = list[run->field].count[0];
  PetscCall(PetscMalloc2(n_state * NomosRealBytes(run->fine->precision), (char **)&state, n * run->d, &x));
  *seconds = 0;
  for (size_t frame = 0; frame < rerun->t.n_frames && (whole || frame <= N_FRAMES) && !code; frame++) {
    const double begin = MPI_Wtime();
    if (frame) code = Advance(run->fine, (int64_t)(frame - 1) * n_steps, n_steps);
    if (frame && frame <= N_FRAMES) n_timed++, *seconds += MPI_Wtime() - begin;
    if (!code) code = ops->get_state(run->fine, state);
    if (!code) code = ops->field(run->fine, run->field, state, x);
    if (!code) code = NomosRerunCompare(rerun, frame, n, x);
  }
  *seconds /= (double)n_timed;
  PetscCall(PetscFree2(state, x));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCoarseRunTimeFine(NomosSurrogate s, NomosCoarseRun *run, double *seconds)
{
  NomosReducedOrderGraph *g = s->context;
  NomosRerun              rerun;
  int64_t                 n_steps;
  char                    note[1024];

  PetscFunctionBeginUser;
  PetscCall(NomosCoarseSteps(run->fine, g->info->interval, key, &n_steps));
  PetscCall(NomosRerunBegin(&(NomosRerunInput){run->part->data, run->part->split, run->trajectory, run->fine_config}, &rerun));
  PetscErrorCode code = FollowFine(run, &rerun, n_steps, seconds);
  PetscCall(NomosRerunEnd(&rerun, sizeof note, note));
  PetscCall(code);
  if (note[0] && !g->rerun_note[0]) PetscCall(PetscStrncpy(g->rerun_note, note, sizeof g->rerun_note));
  PetscFunctionReturn(PETSC_SUCCESS);
}
