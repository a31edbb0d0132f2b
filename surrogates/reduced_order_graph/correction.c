/* A learned correction of a coarse material point method. A motion is simulated twice, finely and with a few particles on a coarse grid; several times in a frame a small network corrects the coarse state
   (correction_network.c), trained through the coarse simulation over roll-outs (correction_loss.c), judged by free runs of motions that it never saw (correction_judge.c).

     s_{k+1} = s~ + N(s~),   s~ = Phi^m(s_k)        Um et al. (2020), doi:10.48550/arXiv.2007.00016, for grids; here the state is that of particles (x, v, C, F) */
#include "surrogates/operators/networks/keys.h"
#include "surrogates/reduced_order_graph/correction_model.h"
#include "surrogates/reduced_order_graph/correction_model_impl.h"
#include "surrogates/reduced_order_graph/particle_data.h"
#include "surrogates/test_sets.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"particle_correction.coarse",       NOMOS_PARAM_EXPRESSION_LIST, NULL,   NULL, 0, 0,        NULL, false, "`key=value` laid over the case of a motion for its coarse simulation (`mpm.cells=32`)."},
  {"particle_correction.corrected",    NOMOS_PARAM_EXPRESSION_LIST, "",     NULL, 0, 0,        NULL, false, "`key=value` laid over that for the simulation that is corrected: a body on a coarse grid meets a wall early, and so a domain that is a part of a cell larger about its centre (`mpm.length=1.0179 m`, `mpm.origin=[-0.00893]`) makes it meet in time. The particles must be the same."},
  {"particle_correction.particles_per_cell", NOMOS_PARAM_REAL,      "4",    NULL, DBL_MIN, 4096, NULL, false, "Particles in a cell of the coarse grid, of every body."},
  {"particle_correction.corrections",  NOMOS_PARAM_INT,             "5",    NULL, 1, 1e6,      NULL, false, "Corrections in a frame, after equal numbers of steps of the coarse simulation."},
  {"particle_correction.reach",        NOMOS_PARAM_REAL,            "3",    NULL, 0, 1e6,      NULL, false, "Cells from the nearest wall at which corrections end; 0: they are made everywhere."},
  {"particle_correction.layers",       NOMOS_PARAM_INT,             "0",    NULL, 0, NOMOS_CORRECTION_MAX_LAYERS, NULL, false, "Convolutions on the coarse grid; 0: none, particles by themselves."},
  {"particle_correction.width",        NOMOS_PARAM_INT,             "16",   NULL, 1, 1024,     NULL, false, "Their channels."},
  {"particle_correction.hidden",       NOMOS_PARAM_INT,             "32",   NULL, 1, 4096,     NULL, false, "Width of the MLP of the particles."},
  {"particle_correction.conserve",     NOMOS_PARAM_BOOL,            "true", NULL, 0, 0,        NULL, false, "Where corrections are made everywhere: those of vectors keep the momentum of particles of equal mass as long as no wall is near."},
  {"particle_correction.deformation",  NOMOS_PARAM_BOOL,            "true", NULL, 0, 0,        NULL, false, "Correct the deformation gradient too."},
  {"particle_correction.stress",       NOMOS_PARAM_BOOL,            "true", NULL, 0, 0,        NULL, false, "Correct everywhere the stress, and what the grid damps, by an isotropic function of strain and its rate."},
  {"particle_correction.transfer",     NOMOS_PARAM_REAL,            "0",    NULL, 0, 1e3,      NULL, false, "Give back everywhere what the transfers between particles and grid damp: the factor, which is learned, that the training begins with; as many as steps between two corrections make it the extended PIC. 0: not."},
  {"particle_correction.position",     NOMOS_PARAM_BOOL,            "false", NULL, 0, 0,       NULL, false, "Correct the position too."},
  {"particle_correction.frames",       NOMOS_PARAM_INT,             "40",   NULL, 1, 1e6,      NULL, false, "Frames of a roll-out at the end of the curriculum."},
  {"particle_correction.grow",         NOMOS_PARAM_REAL,            "0.3",  NULL, 0, 1,        NULL, false, "Part of the training over which roll-outs grow from 1 frame to all."},
  {"particle_correction.detach",       NOMOS_PARAM_INT,             "0",    NULL, 0, 1e6,      NULL, false, "Frames of a roll-out after which no gradient goes back; 0: it goes back through all."},
  {"particle_correction.first_share",  NOMOS_PARAM_REAL,            "0.5",  NULL, 0, 1,        NULL, false, "Chance that a roll-out begins at the first state of its motion; else at any frame."},
  {"particle_correction.velocity",     NOMOS_PARAM_REAL,            "0",    NULL, 0, 1e6,      NULL, false, "Factor of the error of velocities in the loss."},
  {"particle_correction.floor",        NOMOS_PARAM_REAL,            "1",    NULL, 0, 1e6,      NULL, false, "b: errors of the loss are in units of those of the coarse simulation on the same frames and b times the mean of these."},
  {"particle_correction.mirror",       NOMOS_PARAM_BOOL,            "false", NULL, 0, 0,       NULL, false, "Learn from every other motion as in a mirror (about the middle of the room), which without a grid is known already."},
};
/* clang-format on */
static const char            prefix[] = "particle_correction.tests";
static const NomosParamGroup groups[] = {{prefix, "of each test set, beside those in tests/ of the data: NAME becomes results.NAME_rollout_mse", 1, nomos_test_set_params}};

static PetscErrorCode Declare(NomosConfig config)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigRegisterGroup(config, &groups[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- motions */

static PetscErrorCode CreateTwin(NomosSurrogate s, const NomosParticleSelection *which, NomosParticleData data, NomosTwin *twin)
{
  const NomosCorrection       *c = s->context;
  const NomosParticleDataInfo *info;
  NomosParticleTrajectory      t;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataGetInfo(data, &info));
  PetscCall(NomosParticleDataTrajectory(data, which->split, which->trajectory, &t));
  NomosTwinInput input = {.path = t.simulation, .n_set = t.n_set, .set = t.set, .interval = info->interval, .n_frames = t.n_frames, .n_corrections = (int64_t)c->n_corrections, .data = data, .split = which->split, .trajectory = which->trajectory};
  NomosCheck(t.simulation[0], s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: it does not say which simulation made it, so that no coarse one of the same motion can be run; take data of nomos generate", t.name);
  PetscCall(NomosConfigGetStrings(s->config, "particle_correction.coarse", &input.n_coarse, &input.coarse));
  PetscCall(NomosConfigGetStrings(s->config, "particle_correction.corrected", &input.n_corrected, &input.corrected));
  PetscCall(NomosConfigGetReal(s->config, "particle_correction.particles_per_cell", &input.per_cell));
  PetscCall(NomosTwinCreate(s, &input, twin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateSet(NomosSurrogate s, NomosParticleData data, NomosSplit split, NomosTwinSet *set)
{
  const NomosParticleDataInfo *info;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataGetInfo(data, &info));
  NomosCheck(info->d == 2, s->comm, PETSC_ERR_SUP, "particle_correction works in two dimensions, and these are data of %d", info->d);
  set->n = info->n_trajectories[split];
  PetscCall(PetscCalloc1(set->n, &set->twins));
  for (size_t i = 0; i < set->n; i++) PetscCall(CreateTwin(s, &(NomosParticleSelection){.split = split, .trajectory = i}, data, &set->twins[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Data of motions: parts of them become a set each. */
static PetscErrorCode OpenSets(NomosSurrogate s, const NomosParticleDataInput *input, size_t n, const char *const names[])
{
  static const NomosSplit splits[] = {NOMOS_SPLIT_TRAIN, NOMOS_SPLIT_VALIDATION, NOMOS_SPLIT_TEST};
  NomosCorrection        *c        = s->context;
  NomosParticleData       data;
  PetscErrorCode          code = PETSC_SUCCESS;
  const NomosParticleDataInfo *info;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataOpen(s->comm, input, &data));
  PetscCall(NomosParticleDataGetInfo(data, &info));
  if (!c->n_sets) snprintf(s->data_hash, sizeof s->data_hash, "%s", info->hash); /* the training's; tests follow */
  PetscCall(PetscRealloc((c->n_sets + n) * sizeof *c->sets, &c->sets));
  for (size_t i = 0; i < n && !code; i++) {
    if (i >= NOMOS_CORRECTION_FIRST_TEST && !info->n_trajectories[splits[i]]) continue;
    NomosTwinSet *set = &c->sets[c->n_sets++];
    *set = (NomosTwinSet){0};
    PetscCall(PetscStrallocpy(names[i], &set->name));
    code = CreateSet(s, data, splits[i], set);
  }
  PetscCall(NomosParticleDataClose(&data));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddTest(NomosSurrogate s, const char name[], const char path[])
{
  PetscFunctionBeginUser;
  NomosCheck(!s->n_examples[NOMOS_SPLIT_TEST] || strcmp(name, "test"), s->comm, PETSC_ERR_ARG_INCOMP, "the test set %s has the name of the motions that data.test holds back of the data; give it another one, or set data.test: 0", path);
  PetscCall(OpenSets(s, &(NomosParticleDataInput){.path = path}, 1, &name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateSets(NomosSurrogate s)
{
  NomosCorrection       *c = s->context;
  NomosParticleDataInput input;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataInputFromConfig(s->config, NULL, &input));
  NomosCheck(!input.first_frame, s->comm, PETSC_ERR_ARG_INCOMP, "%s: the simulations begin at the first states of the trajectories, and data.first_frame = %zu leaves them out; leave it out", NomosConfigWhere(s->config, "data.first_frame"), input.first_frame);
  input.path = s->data_path;
  PetscCall(OpenSets(s, &input, NOMOS_CORRECTION_FIRST_TEST + 1, (const char *const[]){"training", "validation", "test"}));
  if (c->n_sets > NOMOS_CORRECTION_FIRST_TEST) s->n_examples[NOMOS_SPLIT_TEST] = c->sets[NOMOS_CORRECTION_FIRST_TEST].n;
  PetscCall(NomosTestSetsOpen(s, prefix, (const char *const[]){"training", "validation", "errors", "loss", NULL}, NULL, AddTest));
  s->n_examples[NOMOS_SPLIT_TRAIN]      = c->sets[NOMOS_CORRECTION_TRAINING].n;
  s->n_examples[NOMOS_SPLIT_VALIDATION] = c->sets[NOMOS_CORRECTION_VALIDATION].n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the grid, which is that of the coarse simulation */

PetscErrorCode NomosCorrectionReadGrid(const NomosTwin *twin, NomosCorrectionShape *shape)
{
  const double   *length, *origin;
  size_t          n;
  int64_t         cells;
  NomosModelScene scene = {0};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(twin->config, "mpm.length", &n, &length));
  PetscCall(NomosConfigGetInt(twin->config, "mpm.cells", &cells));
  shape->dx = length[0] / (double)cells;
  for (int a = 0; a < 2; a++) shape->cells[a] = (size_t)llround(length[n > 1 ? a : 0] / shape->dx);
  PetscCall(NomosConfigGetReals(twin->config, "mpm.origin", &n, &origin));
  for (int a = 0; a < 2; a++) shape->origin[a] = n ? origin[n > 1 ? a : 0] : 0;
  PetscCall(twin->model->ops->scene(twin->config, &scene));
  for (int a = 0; a < 2; a++) {
    shape->low[a]  = scene.room.low[a];
    shape->high[a] = scene.room.high[a];
  }
  PetscCall(PetscFree(scene.obstacles));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Particles of a full cell: the largest number that the first state writes onto a node. */
PetscErrorCode NomosCorrectionCountParticles(const NomosCorrectionShape *shape, const double all[], NomosTwin *twin)
{
  double *nodes, most = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(shape->cells[0] * shape->cells[1], &nodes));
  for (size_t p = 0; p < twin->n; p++) {
    const double *x = all + p * 2;
    for (int k = 0; k < 9; k++) {
      double w = 1;
      size_t node[2];
      for (int a = 0; a < 2; a++) {
        const double at = (x[a] - shape->origin[a]) / shape->dx;
        node[a]         = (size_t)fmax(0, floor(at - 0.5)) + (size_t)(a ? k % 3 : k / 3);
        const double r  = fabs(at - (double)node[a]);
        w *= r < 0.5 ? 0.75 - r * r : 0.5 * pow(1.5 - r, 2);
      }
      if (node[0] < shape->cells[0] && node[1] < shape->cells[1]) nodes[node[0] * shape->cells[1] + node[1]] += w;
    }
  }
  for (size_t i = 0; i < shape->cells[0] * shape->cells[1]; i++) most = fmax(most, nodes[i]);
  twin->per_cell = most;
  PetscCall(PetscFree(nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrepareTwins(NomosSurrogate s)
{
  NomosCorrection *c = s->context;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_sets; i++)
    for (size_t k = 0; k < c->sets[i].n; k++) {
      NomosTwin           *twin  = &c->sets[i].twins[k];
      NomosCorrectionShape shape = c->network.shape;
      PetscCall(NomosCorrectionReadGrid(twin, &shape));
      NomosCheck(shape.cells[0] == c->network.shape.cells[0] && shape.cells[1] == c->network.shape.cells[1] && shape.dx == c->network.shape.dx, s->comm, PETSC_ERR_ARG_INCOMP, "particle_correction: motion %zu of %s has another coarse grid than the first one for training; all must have the same", k + 1, c->sets[i].name);
      PetscCall(NomosCorrectionCountParticles(&shape, twin->truth, twin));
      if (shape.transfer > 0) PetscCall(NomosTransferCreate(&shape, twin->n, &twin->transfer));
      PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = twin, .coarse = true}, &twin->coarse_error, NULL));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- create */

PetscErrorCode NomosCorrectionReadShape(NomosConfig config, NomosCorrectionShape *shape)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "particle_correction.reach", &shape->reach));
  PetscCall(NomosEmulatorSize(config, "particle_correction.layers", &shape->n_layers));
  PetscCall(NomosEmulatorSize(config, "particle_correction.width", &shape->width));
  PetscCall(NomosEmulatorSize(config, "particle_correction.hidden", &shape->hidden));
  PetscCall(NomosConfigGetBool(config, "particle_correction.conserve", &shape->conserve));
  PetscCall(NomosConfigGetBool(config, "particle_correction.deformation", &shape->deformation));
  PetscCall(NomosConfigGetBool(config, "particle_correction.position", &shape->position));
  PetscCall(NomosConfigGetBool(config, "particle_correction.stress", &shape->stress));
  PetscCall(NomosConfigGetReal(config, "particle_correction.transfer", &shape->transfer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadParams(NomosSurrogate s, NomosCorrectionShape *shape)
{
  NomosCorrection *c = s->context;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(s->config, "particle_correction.grow", &c->grow));
  PetscCall(NomosConfigGetReal(s->config, "particle_correction.first_share", &c->first_share));
  PetscCall(NomosConfigGetReal(s->config, "particle_correction.velocity", &c->velocity));
  PetscCall(NomosConfigGetReal(s->config, "particle_correction.floor", &c->floor));
  PetscCall(NomosConfigGetBool(s->config, "particle_correction.mirror", &c->mirror));
  PetscCall(NomosEmulatorSize(s->config, "particle_correction.frames", &c->max_frames));
  PetscCall(NomosEmulatorSize(s->config, "particle_correction.corrections", &c->n_corrections));
  PetscCall(NomosEmulatorSize(s->config, "particle_correction.detach", &c->detach));
  PetscCall(NomosCorrectionReadShape(s->config, shape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s)
{
  static const char *const references[2] = {"reference.position", "reference.velocity"};
  NomosCorrectionShape     shape         = {.parameters = s->parameters};
  NomosCorrection         *c;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  s->context = c;
  PetscCheck(s->simulate, s->comm, PETSC_ERR_SUP, "%s learns inside a simulation, and this program has none", s->ops->name);
  PetscCall(ReadParams(s, &shape));
  PetscCall(CreateSets(s));
  PetscCall(NomosCorrectionReadGrid(&c->sets[NOMOS_CORRECTION_TRAINING].twins[0], &shape));
  PetscCall(NomosCorrectionNetworkCreate(&shape, &c->network));
  PetscCall(PrepareTwins(s));
  for (int f = 0; f < 2; f++) PetscCall(NomosParametersAdd(s->parameters, &(NomosParameterInput){.name = references[f], .n_dims = 1, .shape = {c->max_frames}, .initialiser = NomosInitialiserConstant(1), .buffer = true}, &c->reference[f]));
  PetscCall(NomosCorrectionTexts(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  NomosCorrection *c = s->context;

  PetscFunctionBeginUser;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < c->n_sets; i++) {
    for (size_t k = 0; k < c->sets[i].n; k++) PetscCall(NomosTwinDestroy(&c->sets[i].twins[k]));
    PetscCall(PetscFree(c->sets[i].twins));
    PetscCall(PetscFree(c->sets[i].name));
  }
  PetscCall(PetscFree(c->sets));
  PetscCall(NomosCorrectionNetworkDestroy(&c->network));
  for (int t = 0; t < NOMOS_N_CORRECTION_TEXTS; t++) PetscCall(PetscFree(c->texts[t]));
  PetscCall(PetscFree(c->note));
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Warn(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const NomosCorrection *c = s->context;
  char                   text[1536];
  size_t                 n;

  PetscFunctionBeginUser;
  snprintf(text, sizeof text, "of the free runs %.0f blew up with the correction and %.0f without; means and ratios of their sets are infinite or no numbers (null in JSON): %s", c->n_stopped, c->n_coarse_stopped, c->n_coarse_stopped > 0 ? c->reason[0] ? c->reason : "a shorter time.dt in particle_correction.coarse" : "a smaller train.learning_rate, or longer roll-outs (particle_correction.frames)");
  if (c->n_stopped + c->n_coarse_stopped > 0) PetscCall(warn(text, ctx));
  (void)NomosCorrectionCoarseError(&c->sets[NOMOS_CORRECTION_VALIDATION], &n);
  snprintf(text, sizeof text, "the coarse simulations of %zu of the %zu motions of the validation blow up: its loss leaves these out", c->sets[NOMOS_CORRECTION_VALIDATION].n - n, c->sets[NOMOS_CORRECTION_VALIDATION].n);
  if (n < c->sets[NOMOS_CORRECTION_VALIDATION].n) PetscCall(warn(text, ctx));
  if (c->note && c->note[0]) PetscCall(warn(c->note, ctx));
  for (size_t i = 0, told = 0; i < c->n_sets; i++)
    for (size_t k = 0; k < c->sets[i].n && !told; k++)
      if (c->sets[i].twins[k].rerun_note[0] && ++told) PetscCall(warn(c->sets[i].twins[k].rerun_note, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_ParticleCorrection = {
  .name      = "particle_correction",
  .summary   = "A coarse simulation of particles and a network that corrects its state several times a frame, trained through it.",
  .reference = "doi:10.48550/arXiv.2007.00016",
  .needs     = "trajectories that solver mpm made in two dimensions, with the case and the settings of each (nomos generate); sets for tests beside them in tests/NAME.h5; motions that data.test holds back are the test set `test`",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .n_groups  = 1,
  .groups    = groups,
  .declare   = Declare,
  .of_training = (const char *const[]){"particle_correction.frames", "particle_correction.grow", "particle_correction.detach", "particle_correction.first_share", "particle_correction.velocity", "particle_correction.floor", "particle_correction.mirror", NULL},
  .buffers_of_training = (const char *const[]){"reference.", NULL},
  .reads     = true,
  .create    = Create,
  .destroy   = Destroy,
  .fit       = NomosCorrectionFit,
  .loss      = NomosCorrectionLoss,
  .settled   = NomosCorrectionSettled,
  .first_order = true,
  .evaluate  = NomosCorrectionEvaluate,
  .results   = NomosCorrectionResults,
  .warn      = Warn,
  .take_texts = NomosCorrectionTakeTexts,
  .pictures  = NomosCorrectionPictures,
  .extension = &nomos_corrected_mpm,
};
