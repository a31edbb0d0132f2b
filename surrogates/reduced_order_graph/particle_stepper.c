#include "surrogates/reduced_order_graph/particle_stepper.h"

#include "operators/primitives.h"
#include "surrogates/normalisation.h"
#include "surrogates/reduced_order_graph/particle_network_list.h"
#include "surrogates/reduced_order_graph/particle_vectors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_particle_stepper_params[] = {
  {"reduced_order_graph.network",    NOMOS_PARAM_CHOICE, "gns", NULL, 0, 0, NOMOS_PARTICLE_NETWORK_CHOICES, false, "What gives the accelerations, with a table of its own of this name."},
  {"reduced_order_graph.history",    NOMOS_PARAM_INT,    "5",   NULL, 1, 64, NULL, false, "Velocities w that are seen of every point: its last w + 1 positions."},
  {"reduced_order_graph.velocities", NOMOS_PARAM_CHOICE, "normalised", NULL, 0, 0, "normalised|raw", false, "Velocities in units of their deviation, or in m per frame as the authors' code of GIOROM has them."},
  {"reduced_order_graph.embedding",  NOMOS_PARAM_INT,    "16",  NULL, 1, 1024, NULL, false, "Numbers that stand for a material."},
  {"reduced_order_graph.rotation",   NOMOS_PARAM_BOOL,   "false", NULL, 0, 0, NULL, false, "Accelerations commute with rotations and reflections (particle_vectors.h): the network sees inner products and gives factors of vectors; gravity is added to it. Of networks on the graph alone: gns."},
  {"reduced_order_graph.fixed",      NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "Materials that are walls, by name or (of data without names) number: `[wall]`, `[3]`. Their points are seen and not moved: in trainings and tests they are where the data have them, in runs where they were last; errors leave them out."},
};
/* clang-format on */
const size_t nomos_n_particle_stepper_params = sizeof nomos_particle_stepper_params / sizeof *nomos_particle_stepper_params;

struct NomosParticleStepper_s {
  NomosParticleStepperInput      input;
  const NomosParticleNetworkOps *network;
  void                          *context;
  size_t                         history, n_embedding;
  size_t                         embedding, radius; /* numbers in w[] */
  bool                           raw, turns;
  NomosNormalisation             velocity, acceleration, parameters;
  size_t                         n_edges, most_components;
};

/* NULL or "": the first one. */
static const NomosParticleNetworkOps *FindNetwork(const char name[])
{
  if (!name || !*name) return nomos_particle_networks[0];
  for (size_t i = 0; nomos_particle_networks[i]; i++)
    if (!strcmp(nomos_particle_networks[i]->name, name)) return nomos_particle_networks[i];
  return NULL;
}

PetscErrorCode NomosParticleStepperDeclare(NomosConfig config)
{
  const char *name;

  PetscFunctionBeginUser; /* a name that there is not is told by the check of the choice */
  PetscCall(NomosConfigPeek(config, "reduced_order_graph.network", &name));
  const NomosParticleNetworkOps *network = FindNetwork(name);
  if (network) PetscCall(NomosConfigRegister(config, network->n_params, network->params));
  for (size_t i = 0; network && nomos_particle_networks[i]; i++)
    if (network != nomos_particle_networks[i]) PetscCall(NomosConfigRefuseTable(config, "reduced_order_graph.network", network->name, nomos_particle_networks[i]->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleStepperCreate(NomosConfig config, NomosParameters parameters, const NomosParticleStepperInput *input, NomosParticleStepper *stepper)
{
  const size_t         d = (size_t)input->d;
  NomosParticleStepper s;
  const char          *network, *velocities;
  int64_t              history, embedding;

  PetscFunctionBeginUser;
  NomosCheck((input->d == 2 || input->d == 3) && input->n_kinds, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "particles in %d dimensions of %zu kinds: must be 2 or 3 dimensions, and a kind at least", input->d, input->n_kinds);
  NomosCheck(isfinite(input->radius) && input->radius > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the radius of a graph of particles is %g m: must be greater than 0", input->radius);
  PetscCall(PetscNew(&s));
  *stepper = s;
  s->input = *input;
  PetscCall(NomosConfigGetString(config, "reduced_order_graph.network", &network));
  PetscCall(NomosConfigGetString(config, "reduced_order_graph.velocities", &velocities));
  PetscCall(NomosConfigGetInt(config, "reduced_order_graph.history", &history));
  PetscCall(NomosConfigGetInt(config, "reduced_order_graph.embedding", &embedding));
  s->history     = (size_t)history;
  s->n_embedding = (size_t)embedding;
  s->raw         = !strcmp(velocities, "raw");
  s->network     = FindNetwork(network);
  PetscCall(NomosConfigGetBool(config, "reduced_order_graph.rotation", &s->turns));
  NomosCheck(!s->turns || (s->network->any_features && !s->raw), PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: reduced_order_graph.rotation: %s; take network = gns and velocities = normalised, or leave it out", NomosConfigWhere(config, "reduced_order_graph.rotation"), s->raw ? "raw velocities have no unit of their own" : "a grid that stays where it is does not turn with the points");
  PetscCall(NomosNormalisationCreate(parameters, "velocity", d, &s->velocity));
  PetscCall(NomosNormalisationCreate(parameters, "acceleration", d, &s->acceleration));
  if (input->n_parameters) PetscCall(NomosNormalisationCreate(parameters, "parameters", input->n_parameters, &s->parameters));
  PetscCall(NomosParametersAdd(parameters, &(NomosParameterInput){.name = "radius", .initialiser = NomosInitialiserConstant(input->radius), .buffer = true}, &s->radius));
  PetscCall(NomosParametersAdd(parameters, &(NomosParameterInput){.name = "embedding", .n_dims = 2, .shape = {input->n_kinds, s->n_embedding}, .initialiser = NomosInitialiserNormal(0, 1)}, &s->embedding));
  NomosParticleShape shape = {.d = input->d, .n_nodes = s->n_embedding + (s->turns ? NomosParticleVectorsNodes(s->history) : (s->history + 2) * d) + input->n_parameters, .radius = input->radius};
  if (s->turns) {
    shape.n_edges = NomosParticleVectorsEdges(s->history);
    shape.n_out   = NomosParticleVectorsFactors(s->history);
  }
  for (size_t i = 0; i < d; i++) {
    shape.low[i]  = input->low[i];
    shape.high[i] = input->high[i];
  }
  PetscCall(PetscCalloc(s->network->context, &s->context));
  PetscCall(s->network->create(&(NomosParticleNetworkInput){.config = config, .parameters = parameters, .shape = &shape}, s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleStepperDestroy(NomosParticleStepper *stepper)
{
  PetscFunctionBeginUser;
  if (!*stepper) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*stepper)->context && (*stepper)->network->discard) PetscCall((*stepper)->network->discard((*stepper)->context));
  PetscCall(PetscFree((*stepper)->context));
  PetscCall(PetscFree(*stepper));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- statistics */

/* Of what never changes any unit will do. */
static double Positive(double deviation)
{
  return deviation > 0 ? deviation : 1;
}

/* What commutes with rotations has no mean velocity, and deviations that are the same along all axes. */
static void SameAlongAxes(int d, NomosParticleStatistics *s)
{
  double velocity = 0, acceleration = 0;

  for (int a = 0; a < d; a++) {
    velocity += (PetscSqr(s->velocity_deviation[a]) + PetscSqr(s->velocity_mean[a])) / d;
    acceleration += PetscSqr(s->acceleration_deviation[a]) / d;
  }
  for (int a = 0; a < d; a++) {
    s->velocity_mean[a]          = 0;
    s->velocity_deviation[a]     = sqrt(velocity);
    s->acceleration_deviation[a] = sqrt(acceleration);
  }
}

PetscErrorCode NomosParticleStepperFit(NomosParticleStepper s, NomosParameters parameters, const NomosParticleStatistics *statistics, double sigma, const double parameters_mean[], const double parameters_deviation[])
{
  NomosParticleStatistics of = *statistics;
  double                  velocity[3], acceleration[3], *given;

  PetscFunctionBeginUser;
  if (s->turns) SameAlongAxes(s->input.d, &of);
  for (int i = 0; i < s->input.d; i++) {
    velocity[i]     = Positive(hypot(of.velocity_deviation[i], sigma));
    acceleration[i] = Positive(hypot(of.acceleration_deviation[i], sigma));
  }
  PetscCall(NomosNormalisationSet(&s->velocity, parameters, of.velocity_mean, velocity));
  PetscCall(NomosNormalisationSet(&s->acceleration, parameters, of.acceleration_mean, acceleration));
  if (!s->input.n_parameters) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(s->input.n_parameters, &given));
  for (size_t p = 0; p < s->input.n_parameters; p++) given[p] = Positive(parameters_deviation[p]);
  PetscCall(NomosNormalisationSet(&s->parameters, parameters, parameters_mean, given));
  PetscCall(PetscFree(given));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosParticleStepperHistory(NomosParticleStepper s)
{
  return s->history + 1;
}

PetscErrorCode NomosParticleStepperRadius(NomosParticleStepper s, NomosParameters parameters, double *radius)
{
  PetscFunctionBeginUser;
  PetscCall(NomosParametersGetDoubles(parameters, s->radius, radius));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleStepperUnits(NomosParticleStepper s, NomosParameters parameters, double mean[], double deviation[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosParametersGetDoubles(parameters, s->acceleration.mean, mean));
  PetscCall(NomosParametersGetDoubles(parameters, s->acceleration.deviation, deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the graph */

/* Edges of set by set, so that none leads from one to another. */
static PetscErrorCode CreateGraph(NomosParticleStepper s, const NomosParticleSets *sets, const double x[], double radius, NomosGraph *graph)
{
  size_t *components;
  bool   *passive;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(sets->n_sets, &components, sets->n, &passive));
  for (size_t i = 0; i < sets->n; i++) passive[i] = s->input.fixed && s->input.fixed[sets->kind[i]];
  PetscErrorCode code = NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = s->input.d, .n_sets = sets->n_sets, .first = sets->first, .x = x, .radius = radius, .passive = passive}, components, graph);
  s->most_components  = 0;
  for (size_t set = 0; set < sets->n_sets && !code; set++) s->most_components = PetscMax(s->most_components, components[set]);
  PetscCall(PetscFree2(components, passive));
  PetscCall(code);
  s->n_edges = NomosGraphEdges(*graph);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckPositions(NomosParticleStepper s, const NomosParticleSets *sets, const double x[])
{
  static const char axes[] = "xyz";
  const size_t      d      = (size_t)s->input.d;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sets->n; i++) {
    NomosCheck(sets->kind[i] >= 0 && (size_t)sets->kind[i] < s->input.n_kinds, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "point %zu is of material %d, and the network was trained with %zu", i, sets->kind[i], s->input.n_kinds);
    for (size_t a = 0; a < d; a++) NomosCheck(isfinite(x[i * d + a]), PETSC_COMM_SELF, PETSC_ERR_FP, "the position of point %zu is not finite: %c = %g m; the roll-out has left what the network knows", i, axes[a], x[i * d + a]);
  }
  if (s->network->check) PetscCall(s->network->check(s->context, sets->n, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyGraph(void *graph)
{
  return NomosGraphDestroy((NomosGraph *)&graph);
}

static PetscErrorCode DestroyIndex(void *index)
{
  return NomosIndexDestroy((NomosIndex *)&index);
}

/* The graph of positions now, and the list of materials; they are the tape's. */
static PetscErrorCode Prepare(NomosParticleStepper s, const NomosParticleSets *sets, NomosTensor now, double radius, NomosGraph *graph, NomosIndex *kind)
{
  double *x;

  PetscFunctionBeginUser;
  *graph = NULL;
  PetscCall(PetscMalloc1(sets->n * (size_t)s->input.d, &x));
  PetscErrorCode code = NomosTensorGetDoubles(now, x);
  if (!code) code = CheckPositions(s, sets, x);
  if (!code && s->network->graph) code = CreateGraph(s, sets, x, radius, graph);
  PetscCall(PetscFree(x));
  PetscCall(code);
  if (*graph) PetscCall(NomosTapeOwn(now.tape, *graph, DestroyGraph));
  PetscCall(NomosIndexCreate(sets->n, sets->kind, s->input.n_kinds, kind));
  PetscCall(NomosTapeOwn(now.tape, *kind, DestroyIndex));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleStepperLook(NomosParticleStepper s, NomosParameters parameters, const NomosParticleSets *sets, const double x[])
{
  NomosGraph graph = NULL;
  double     radius;

  PetscFunctionBeginUser;
  s->n_edges = s->most_components = 0;
  if (!s->network->graph) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParticleStepperRadius(s, parameters, &radius));
  PetscCall(CreateGraph(s, sets, x, radius, &graph));
  PetscCall(NomosGraphDestroy(&graph));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosParticleStepperGraph(NomosParticleStepper s, size_t *n_edges, size_t *most_components)
{
  *n_edges         = s->n_edges;
  *most_components = s->most_components;
}

/* ---- features */

/* Numbers of trajectories, repeated for their points. */
static NomosTensor Parameters(NomosParticleStepper s, const NomosTensor w[], const NomosParticleSets *sets, NomosTensor x)
{
  const size_t P = s->input.n_parameters;
  double      *values;

  if (PetscMalloc1(sets->n * P, &values)) return NomosTapeFail(x.tape, PETSC_ERR_MEM, "no memory for the parameters of %zu points", sets->n);
  for (size_t set = 0; set < sets->n_sets; set++)
    for (size_t i = sets->first[set]; i < sets->first[set + 1]; i++)
      for (size_t p = 0; p < P; p++) values[i * P + p] = sets->parameters[set * P + p];
  const NomosTensor repeated = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 2, (size_t[]){sets->n, P}, values);
  (void)PetscFree(values);
  return NomosNormalisationApply(&s->parameters, w, repeated, -1);
}

/* clip((x - low)/R, -1, 1), or of high - x. */
static NomosTensor Wall(NomosParticleStepper s, bool high, NomosTensor now, double radius)
{
  const size_t        d    = (size_t)s->input.d;
  const NomosRealType type = NomosTensorType(now);
  const NomosTensor   at   = NomosTensorFromDoubles(now.tape, type, 1, &d, high ? s->input.high : s->input.low);

  return NomosClip(NomosAffine(high ? NomosSubtract(at, now) : NomosSubtract(now, at), 1 / radius, 0), NomosTensorConstant(now.tape, type, 0, NULL, -1), NomosTensorConstant(now.tape, type, 0, NULL, 1));
}

/* vectors: of what commutes with rotations; else NULL. */
static NomosTensor Nodes(NomosParticleStepper s, const NomosTensor w[], const NomosParticleSets *sets, const NomosTensor x[], double radius, NomosIndex kind, const NomosParticleVectors *vectors)
{
  enum { MAX_PARTS = 72 };
  const NomosTensor now = x[s->history];
  NomosTensor       parts[MAX_PARTS];
  size_t            n = 0;

  parts[n++] = NomosGather(w[s->embedding], kind);
  if (vectors) parts[n++] = NomosParticleVectorsOfNodes(vectors);
  for (size_t k = 1; k <= s->history && !vectors; k++) {
    const NomosTensor v = NomosSubtract(x[k], x[k - 1]);
    parts[n++]          = s->raw ? v : NomosNormalisationApply(&s->velocity, w, v, -1);
  }
  for (int high = 0; high < 2 && !vectors; high++) parts[n++] = Wall(s, high, now, radius);
  if (s->input.n_parameters) parts[n++] = Parameters(s, w, sets, now);
  return NomosConcatenate(n, parts, 1);
}

/* vectors: filled where the step commutes with rotations. */
static PetscErrorCode Features(NomosParticleStepper s, const NomosTensor w[], const NomosParticleSets *sets, const NomosTensor x[], NomosParticleBatch *batch, NomosParticleVectors *vectors)
{
  const NomosTensor now = x[s->history];
  double            radius;
  NomosIndex        kind;

  PetscFunctionBeginUser;
  *batch = (NomosParticleBatch){.n = sets->n, .n_sets = sets->n_sets, .first = sets->first, .x = now};
  PetscCall(NomosTensorGetScalar(w[s->radius], &radius));
  PetscCall(Prepare(s, sets, now, radius, &batch->graph, &kind));
  if (s->turns) {
    const NomosTensor walls = NomosSubtract(Wall(s, true, now, radius), Wall(s, false, now, radius));
    NomosParticleVectorsMake(&(NomosParticleVectorsInput){.graph = batch->graph, .history = s->history, .radius = radius, .w = w, .x = x, .walls = walls, .velocity = s->velocity, .acceleration = s->acceleration}, vectors);
    batch->edges = NomosParticleVectorsOfEdges(vectors);
  } else if (batch->graph) batch->edges = NomosGraphEdgeFeatures(batch->graph, now, radius);
  batch->nodes = Nodes(s, w, sets, x, radius, kind, s->turns ? vectors : NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleStepperFeatures(NomosParticleStepper s, const NomosTensor w[], const NomosParticleSets *sets, const NomosTensor x[], NomosParticleBatch *batch)
{
  NomosParticleVectors vectors;

  PetscFunctionBeginUser;
  PetscCall(Features(s, w, sets, x, batch, &vectors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the step */

NomosTensor NomosParticleStepperAcceleration(NomosParticleStepper s, const NomosTensor w[], const NomosParticleSets *sets, const NomosTensor x[])
{
  NomosParticleBatch   batch;
  NomosParticleVectors vectors;
  PetscErrorCode       code;

  NomosQuietly(code, Features(s, w, sets, x, &batch, &vectors)); /* the tape tells it */
  if (code) return NomosTapeFail(x[s->history].tape, code, "%s", NomosErrorLast());
  const NomosTensor out = s->network->apply(s->context, w, &batch);
  return s->turns ? NomosParticleVectorsCombine(&vectors, out) : out;
}

NomosTensor NomosParticleStepperHold(NomosParticleStepper s, const NomosParticleSets *sets, NomosTensor x, NomosTensor held)
{
  NomosTensor part[2]; /* 1 of what moves, of what does not */
  double     *values;
  bool        any = false;

  for (size_t i = 0; i < sets->n && s->input.fixed; i++) any = any || s->input.fixed[sets->kind[i]];
  if (!any) return x;
  if (PetscMalloc1(sets->n, &values)) return NomosTapeFail(x.tape, PETSC_ERR_MEM, "no memory for the walls among %zu points", sets->n);
  for (int walls = 0; walls < 2; walls++) {
    for (size_t i = 0; i < sets->n; i++) values[i] = s->input.fixed[sets->kind[i]] == walls;
    part[walls] = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 2, (size_t[]){sets->n, 1}, values);
  }
  (void)PetscFree(values);
  return NomosAdd(NomosMultiply(x, part[0]), NomosMultiply(held, part[1]));
}

NomosTensor NomosParticleStepperIntegrate(NomosParticleStepper s, const NomosTensor w[], NomosTensor before, NomosTensor x, NomosTensor acceleration)
{
  return NomosAdd(x, NomosAdd(NomosSubtract(x, before), NomosNormalisationUndo(&s->acceleration, w, acceleration, -1)));
}

NomosTensor NomosParticleStepperAdvance(NomosParticleStepper s, const NomosTensor w[], const NomosParticleSets *sets, const NomosTensor x[])
{
  return NomosParticleStepperHold(s, sets, NomosParticleStepperIntegrate(s, w, x[s->history - 1], x[s->history], NomosParticleStepperAcceleration(s, w, sets, x)), x[s->history]);
}
