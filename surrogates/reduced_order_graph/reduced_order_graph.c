/* Particles moved by a learned step on a sample of them: from simulations, the motion of a few points that stand for the body (Viswanath et al. 2024, GIOROM, doi:10.48550/arXiv.2407.03925; Sanchez-Gonzalez et al. 2020, GNS,
   doi:10.48550/arXiv.2002.09405). The step is that of particle_stepper.h, its loss that of reduced_order_graph_loss.c; how it is judged is said in reduced_order_graph_judge.c. */
#include "surrogates/reduced_order_graph/particle_graph_model.h"
#include "surrogates/reduced_order_graph/particle_network_list.h"
#include "surrogates/reduced_order_graph/particle_trained.h"
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"reduced_order_graph.radius",   NOMOS_PARAM_REAL,   "",         NULL, DBL_MIN, DBL_MAX, NULL, false, "Points within this distance (in the unit of the positions) are neighbours; unset: where all particles are points and the data advise a radius, that one, else 2.3 spacings of the points. Below about 2 the graph falls into parts."},
  {"reduced_order_graph.sampling", NOMOS_PARAM_CHOICE, "farthest", NULL, 0, 0, "random|farthest|all", false, "Which particles of a trajectory are the points of its graph: at random, farthest-point sampling of the first frame, all."},
  {"reduced_order_graph.points",   NOMOS_PARAM_INT,    "150",      NULL, 1, 1e9, NULL, false, "Points of a trajectory; of one with fewer particles all."},
  {"reduced_order_graph.fraction", NOMOS_PARAM_REAL,   "",         NULL, DBL_MIN, 1, NULL, false, "In place of points: this share of its particles."},
  {"reduced_order_graph.draws",    NOMOS_PARAM_INT,    "2",        NULL, 1, 1e6, NULL, false, "Samples of each trajectory of the training."},
  {"reduced_order_graph.noise",    NOMOS_PARAM_REAL,   "3e-4",     NULL, 0, DBL_MAX, NULL, false, "Deviation of the noise on the last velocity, in the unit of the positions per frame: 5 to 10 % of the velocities' deviation. GNS: 3e-4."},
  {"reduced_order_graph.mirror",   NOMOS_PARAM_CHOICE, "none",     NULL, 0, 0, "none|x|y|z|xy|xz|yz|xyz", false, "Axes along which examples may be mirrored about the middle of the domain: those along which nothing pulls."},
  {"reduced_order_graph.steps",    NOMOS_PARAM_INT,    "1",        NULL, 1, 1000, NULL, false, "Steps of the loss, one upon the other."},
  {"reduced_order_graph.sweep",    NOMOS_PARAM_REAL_LIST, "",      NULL, DBL_MIN, DBL_MAX, NULL, false, "Factors of the number of points with which the test split and the test sets are judged too (`[0.5, 0.75, 1.5, 2]`), at the radius of the training."},
  {"reduced_order_graph.decoder",  NOMOS_PARAM_CHOICE, "none",     NULL, 0, 0, "none|mls|shepard", false, "Judge all particles too, by this decoder from the points: moving least squares, or Shepard's weights, on reference positions. Of true points that is its floor, of predicted ones the composed error."},
  {"reduced_order_graph.decoder_weights", NOMOS_PARAM_FILE, "", NULL, 0, 0, NULL, false, "In place of decoder, one with weights: the weights.safetensors of a training of the surrogate particle_decoder, which says its kind."},
  {"reduced_order_graph.coarse",   NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "Judge beside it the solver that made the data, coarsely: `key=value` laid over the case of each throw (`[mpm.cells=32, time.dt=0.5 ms]`). Errors of all particles, by moving least squares from its own. Unset: not."},
  {"reduced_order_graph.particles_per_cell", NOMOS_PARAM_REAL, "4", NULL, DBL_MIN, 4096, NULL, false, "Particles in a cell of the coarse grid, of every body."},
};
/* clang-format on */
const char *const nomos_particle_text_keys[NOMOS_N_PARTICLE_TEXTS] = {"kinds", "parameters", "interval", "box", "radius", "points"};

bool NomosReducedOrderGraphTable(size_t i, NomosSurrogateTable *table)
{
  size_t n = 0;

  if (!i--) {
    *table = (NomosSurrogateTable){.name = "stepper", .summary = "What is chosen for reduced_order_graph.network has a table of its own.", .n_params = nomos_n_particle_stepper_params, .params = nomos_particle_stepper_params};
    return true;
  }
  while (nomos_particle_networks[n]) n++;
  if (i >= n) return false;
  const NomosParticleNetworkOps *ops = nomos_particle_networks[i];
  *table = (NomosSurrogateTable){.name = ops->name, .summary = ops->summary, .reference = ops->reference, .n_params = ops->n_params, .params = ops->params};
  return true;
}

static PetscErrorCode Declare(NomosConfig config)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigRegister(config, nomos_n_particle_stepper_params, nomos_particle_stepper_params));
  PetscCall(NomosParticleStepperDeclare(config));
  PetscCall(NomosConfigRegisterGroup(config, &nomos_reduced_order_graph_groups[0]));
  PetscCall(NomosReducedOrderGraphDeclareDecoder(config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- create */

static PetscErrorCode ReadParams(NomosSurrogate s)
{
  NomosReducedOrderGraph *g = s->context;
  const char             *kind, *mirror;
  const double           *sweep;
  size_t                  n_sweep;
  int64_t                 points, draws, history, steps;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "reduced_order_graph.sampling", &kind));
  PetscCall(NomosConfigGetString(s->config, "reduced_order_graph.mirror", &mirror));
  PetscCall(NomosConfigGetInt(s->config, "reduced_order_graph.points", &points));
  PetscCall(NomosConfigGetInt(s->config, "reduced_order_graph.draws", &draws));
  PetscCall(NomosConfigGetInt(s->config, "reduced_order_graph.history", &history));
  PetscCall(NomosConfigGetInt(s->config, "reduced_order_graph.steps", &steps));
  PetscCall(NomosConfigGetReal(s->config, "reduced_order_graph.noise", &g->noise));
  PetscCall(NomosConfigGetReal(s->config, "reduced_order_graph.fraction", &g->sampling.fraction));
  snprintf(g->sampling.kind, sizeof g->sampling.kind, "%s", kind);
  PetscCall(NomosConfigGetReals(s->config, "reduced_order_graph.sweep", &n_sweep, &sweep));
  NomosCheck(!n_sweep || strcmp(kind, "all"), s->comm, PETSC_ERR_ARG_INCOMP, "%s: reduced_order_graph.sweep judges with other numbers of points, and with reduced_order_graph.sampling = all there is one, that of the particles; leave it out, or sample random or farthest", NomosConfigWhere(s->config, "reduced_order_graph.sweep"));
  g->sampling.n_points = (double)points;
  g->sampling.n_draws  = strcmp(kind, "all") ? (size_t)draws : 1;
  g->n_history         = (size_t)history + 1;
  g->n_steps           = (size_t)steps;
  for (int a = 0; a < 3; a++) g->mirror[a] = strcmp(mirror, "none") && strchr(mirror, "xyz"[a]);
  NomosCheck(g->info->d == 3 || !g->mirror[2], s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: reduced_order_graph.mirror = %s: the particles have no z", NomosConfigWhere(s->config, "reduced_order_graph.mirror"), mirror);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindRadius(NomosSurrogate s)
{
  NomosReducedOrderGraph *g = s->context;
  double                  spacing;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(s->config, "reduced_order_graph.radius", &g->radius));
  if (!isnan(g->radius)) PetscFunctionReturn(PETSC_SUCCESS);
  g->radius = g->info->radius;
  if (g->radius > 0 && !strcmp(g->sampling.kind, "all")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosReducedOrderGraphSpacing(g, &spacing));
  PetscCheck(isfinite(spacing) && spacing > 0, s->comm, PETSC_ERR_ARG_WRONGSTATE, "reduced_order_graph.radius is unset, and how far the particles lie apart cannot be told from the data (one particle, or several at one place): give it");
  g->radius = 2.3 * spacing;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateParts(NomosSurrogate s)
{
  NomosReducedOrderGraph *g   = s->context;
  NomosParticleSampling   one = g->sampling; /* what is judged has one sample */

  PetscFunctionBeginUser;
  one.n_draws = 1;
  for (int split = 0; split < NOMOS_N_SPLITS; split++) {
    NomosParticlePart *part = &g->parts[split];
    PetscCall(NomosParticlePartCreate(&(NomosParticlePartInput){.data = g->data, .split = (NomosSplit)split, .sampling = split == NOMOS_SPLIT_TRAIN ? &g->sampling : &one, .factor = 1, .window = g->n_history + g->n_steps, .seed = s->seed}, part));
    s->n_examples[split] = part->first[part->n * part->n_draws];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For a model of the weights. The radius is that of the buffer, which may be that of train.weights. */
static PetscErrorCode WriteTexts(NomosSurrogate s)
{
  NomosReducedOrderGraph *g = s->context;
  char                   *box = g->texts[NOMOS_PARTICLE_BOX];
  double                  radius;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleStepperRadius(g->stepper, s->parameters, &radius));
  box[0] = 0;
  PetscCall(NomosParticleNamesJoin(g->info->n_kinds, g->info->kinds, 1024, g->texts[NOMOS_PARTICLE_KINDS]));
  PetscCall(NomosParticleNamesJoin(g->info->n_parameters, g->info->parameters, 1024, g->texts[NOMOS_PARTICLE_PARAMETERS]));
  if (g->info->timed) snprintf(g->texts[NOMOS_PARTICLE_INTERVAL], 1024, "%.17g", g->info->interval);
  else snprintf(g->texts[NOMOS_PARTICLE_INTERVAL], 1024, "unknown"); /* no number, so that nobody compares it */
  snprintf(g->texts[NOMOS_PARTICLE_RADIUS], 1024, "%.17g", radius);
  snprintf(g->texts[NOMOS_PARTICLE_POINTS], 1024, "%zu", g->parts[NOMOS_SPLIT_TRAIN].most);
  for (int a = 0; a < g->info->d; a++) NomosTextAppend(1024, box, "%s%.17g,%.17g", a ? "," : "", g->info->low[a], g->info->high[a]);
  for (int t = 0; t < NOMOS_N_PARTICLE_TEXTS; t++) g->text_list[t] = g->texts[t];
  s->n_texts   = NOMOS_N_PARTICLE_TEXTS;
  s->text_keys = nomos_particle_text_keys;
  s->texts     = g->text_list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s)
{
  NomosReducedOrderGraph *g;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&g));
  s->context = g;
  PetscCall(NomosReducedOrderGraphOpen(s));
  PetscCall(ReadParams(s));
  PetscCall(FindRadius(s));
  PetscCall(CreateParts(s));
  PetscCall(NomosReducedOrderGraphFlight(g));
  NomosParticleStepperInput input = {.d = g->info->d, .n_kinds = g->info->n_kinds, .n_parameters = g->info->n_parameters, .fixed = g->info->fixed, .radius = g->radius};
  for (int a = 0; a < g->info->d; a++) {
    input.low[a]  = g->info->low[a];
    input.high[a] = g->info->high[a];
  }
  PetscCall(NomosParticleStepperCreate(s->config, s->parameters, &input, &g->stepper));
  g->n_w = NomosParametersCount(s->parameters);
  PetscCall(NomosReducedOrderGraphOpenSets(s));
  PetscCall(NomosParticleDecoderOpen(&(NomosParticleDecoderChoice){.config = s->config, .section = "reduced_order_graph", .d = g->info->d, .n_kinds = g->info->n_kinds, .kinds = g->info->kinds}, &g->decoder_parameters, &g->decoder));
  PetscCall(NomosReducedOrderGraphCreateCoarse(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  NomosReducedOrderGraph *g = s->context;

  PetscFunctionBeginUser;
  if (!g) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParticleStepperDestroy(&g->stepper));
  for (int split = 0; split < NOMOS_N_SPLITS; split++) PetscCall(NomosParticlePartFree(&g->parts[split]));
  PetscCall(NomosReducedOrderGraphCloseSets(g));
  if (g->decoder) PetscCall(NomosParticleDecoderDestroy(&g->decoder));
  if (g->coarse_decoder) PetscCall(NomosParticleDecoderDestroy(&g->coarse_decoder));
  if (g->decoder_parameters) PetscCall(NomosParametersDestroy(&g->decoder_parameters));
  if (g->data) PetscCall(NomosParticleDataClose(&g->data));
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What commutes with rotations is added to gravity, not to a mean that has felt the floor. */
static void AboutFreeFlight(const NomosReducedOrderGraph *g, NomosParticleStatistics *statistics)
{
  for (int a = 0; a < g->info->d; a++) {
    const double flight = g->mirror[a] ? 0 : g->flight[a];
    statistics->acceleration_deviation[a] = hypot(statistics->acceleration_deviation[a], statistics->acceleration_mean[a] - flight);
    statistics->acceleration_mean[a]      = flight;
  }
}

/* Of what may be mirrored the mean velocity is zero, whatever it was in the data. */
static PetscErrorCode Fit(NomosSurrogate s)
{
  NomosReducedOrderGraph *g = s->context;
  const size_t            n = g->info->n_trajectories[NOMOS_SPLIT_TRAIN], P = g->info->n_parameters;
  NomosParticleStatistics statistics;
  bool                    rotation;
  double                  mean[NOMOS_PARTICLE_MAX_PARAMETERS] = {0}, deviation[NOMOS_PARTICLE_MAX_PARAMETERS] = {0};

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataStatistics(g->data, &statistics));
  for (int a = 0; a < g->info->d; a++) {
    if (!g->mirror[a]) continue;
    statistics.velocity_deviation[a]     = hypot(statistics.velocity_deviation[a], statistics.velocity_mean[a]);
    statistics.acceleration_deviation[a] = hypot(statistics.acceleration_deviation[a], statistics.acceleration_mean[a]);
    statistics.velocity_mean[a] = statistics.acceleration_mean[a] = 0;
  }
  PetscCall(NomosConfigGetBool(s->config, "reduced_order_graph.rotation", &rotation));
  if (rotation) AboutFreeFlight(g, &statistics);
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < n; i++) {
      NomosParticleTrajectory t;
      PetscCall(NomosParticleDataTrajectory(g->data, NOMOS_SPLIT_TRAIN, i, &t));
      for (size_t p = 0; p < P; p++) *(pass ? &deviation[p] : &mean[p]) += (pass ? pow(t.parameters[p] - mean[p], 2) : t.parameters[p]) / (double)n;
    }
  for (size_t p = 0; p < P; p++) deviation[p] = sqrt(deviation[p]);
  PetscCall(NomosParticleStepperFit(g->stepper, s->parameters, &statistics, g->noise, mean, deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is said of it */

/* Of the graphs in the first frames of the training's trajectories: edges of a point, and how many fall into parts. */
static PetscErrorCode FirstGraphs(NomosSurrogate s, double *edges, size_t *n_apart)
{
  const NomosReducedOrderGraph *g    = s->context;
  const NomosParticlePart      *part = &g->parts[NOMOS_SPLIT_TRAIN];
  size_t                        n_edges = 0, n_points = 0;

  PetscFunctionBeginUser;
  *n_apart = 0;
  for (size_t i = 0; i < part->n; i++) {
    NomosPointMotion m;
    size_t           here, components;
    PetscCall(NomosPointMotionRead(part, 1, &(NomosParticleWindow){.trajectory = i}, 1, &m));
    PetscErrorCode code = NomosParticleStepperLook(g->stepper, s->parameters, &m.sets, m.x);
    NomosParticleStepperGraph(g->stepper, &here, &components);
    n_edges += here;
    n_points += m.sets.n;
    *n_apart += components > 1;
    PetscCall(NomosPointMotionFree(&m));
    PetscCall(code);
  }
  *edges = (double)n_edges / (double)n_points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosSurrogate s, size_t n_text, char text[])
{
  const NomosReducedOrderGraph *g = s->context;
  double                        edges, radius;
  size_t                        n_apart;

  PetscFunctionBeginUser;
  PetscCall(FirstGraphs(s, &edges, &n_apart));
  PetscCall(NomosParticleStepperRadius(g->stepper, s->parameters, &radius));
  snprintf(text, n_text, "points: at most %zu of a trajectory, neighbours within %.4g, %.3g edges a point; the graphs of %zu of %zu trajectories fall into parts", g->parts[NOMOS_SPLIT_TRAIN].most, radius, edges, n_apart, g->parts[NOMOS_SPLIT_TRAIN].n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of train.weights; weights that are judged have been compared with the data already. */
static PetscErrorCode TakeTexts(NomosSurrogate s, NomosSafetensors file)
{
  NomosReducedOrderGraph *g = s->context;
  NomosParticleTrained    trained;

  PetscFunctionBeginUser;
  if (s->weights) PetscFunctionReturn(PETSC_SUCCESS);
  NomosParticleTrainedRead(file, &trained);
  NomosParticleTrainedCompare(&trained, g->info, sizeof g->note, g->note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Warn(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const NomosReducedOrderGraph *g = s->context;
  const size_t                  n = g->parts[NOMOS_SPLIT_TRAIN].n;
  double                        edges, stopped = 0, coarse_stopped = 0;
  size_t                        n_apart;
  char                          text[512];

  PetscFunctionBeginUser;
  PetscCall(FirstGraphs(s, &edges, &n_apart));
  snprintf(text, sizeof text, "the graphs of %zu of %zu trajectories of the training fall into parts, which do not feel each other: unless there are as many bodies, a larger reduced_order_graph.radius (2.3 spacings or more) or more points", n_apart, n);
  if (2 * n_apart > n) PetscCall(warn(text, ctx));
  for (int i = 0; i <= NOMOS_N_SPLITS; i++) {
    stopped += g->n_stopped[i];
    coarse_stopped += g->n_coarse_stopped[i];
  }
  snprintf(text, sizeof text, "%.0f roll-outs ended early, where a position was no number or beyond what the network takes; their points stay from there on in the errors", stopped);
  if (stopped > 0) PetscCall(warn(text, ctx));
  snprintf(text, sizeof text, "%.0f coarse simulation%s blew up, and the coarse_mse of %s infinite (null in JSON), which says nothing of the stepper: a shorter time.dt in reduced_order_graph.coarse", coarse_stopped, coarse_stopped > 1 ? "s" : "", coarse_stopped > 1 ? "their sets is" : "its set is");
  if (coarse_stopped > 0) PetscCall(warn(text, ctx));
  if (g->note[0]) PetscCall(warn(g->note, ctx));
  for (size_t i = 0; i < g->n_sets; i++)
    if (g->sets[i].note[0]) PetscCall(warn(g->sets[i].note, ctx));
  if (g->rerun_note[0]) PetscCall(warn(g->rerun_note, ctx));
  PetscCall(NomosParticleDataWarn(g->data, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_ReducedOrderGraph = {
  .name      = "reduced_order_graph",
  .summary   = "A time step of particles, learned on a sample of them: accelerations by a network on the graph of neighbours.",
  .reference = "Viswanath et al. (2024), doi:10.48550/arXiv.2407.03925",
  .needs     = "trajectories of particles: files of LagrangeBench's and GNS's layout (a group of each trajectory with position and particle_type), or runs with `position`",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .of_training = (const char *const[]){"reduced_order_graph.sampling", "reduced_order_graph.points", "reduced_order_graph.fraction", "reduced_order_graph.draws", "reduced_order_graph.noise", "reduced_order_graph.mirror", "reduced_order_graph.steps", "reduced_order_graph.sweep", "reduced_order_graph.decoder", "reduced_order_graph.coarse", "reduced_order_graph.particles_per_cell", NULL},
  .table     = NomosReducedOrderGraphTable,
  .n_groups  = 1,
  .groups    = nomos_reduced_order_graph_groups,
  .declare   = Declare,
  .reads     = true,
  .create    = Create,
  .destroy   = Destroy,
  .fit       = Fit,
  .describe  = Describe,
  .loss      = NomosReducedOrderGraphLoss,
  .first_order = true, /* of networks of ReLU, and of who neighbours whom: differences of gradients are not what second derivatives say */
  .evaluate  = NomosReducedOrderGraphEvaluate,
  .results   = NomosReducedOrderGraphResults,
  .warn      = Warn,
  .write_texts = WriteTexts,
  .take_texts = TakeTexts,
  .pictures  = NomosReducedOrderGraphPictures,
  .model     = &NomosModelOps_ParticleGraph,
};
