/* Test sets of a reduced-order graph: trajectories that no training sees; and what leads from the points of its graph to all particles. */
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"

#include "surrogates/reduced_order_graph/particle_trained.h"
#include "surrogates/test_sets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char     prefix[]                            = "reduced_order_graph.tests";
const NomosParamGroup nomos_reduced_order_graph_groups[1] = {{prefix, "of each test set, beside those in tests/ of the data: NAME becomes results.NAME_rollout_mse", 1, nomos_test_set_params}};

/* Materials are those that the training knows, by name, there are the same parameters, and frames are as far apart; where walls are elsewhere it is said. */
static PetscErrorCode CheckSet(NomosSurrogate s, NomosParticleTestSet *set)
{
  const NomosReducedOrderGraph *g = s->context;
  const NomosParticleDataInfo  *info;
  const NomosParticleData       data = set->data;
  NomosParticleTrained          box  = {.d = g->info->d};
  char                          key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "%s.%s", prefix, set->name);
  PetscCall(NomosParticleDataGetInfo(data, &info));
  PetscCheck(info->d == g->info->d, s->comm, PETSC_ERR_ARG_SIZ, "%s: particles in %d dimensions, and the training has them in %d: take a set of as many", key, info->d, g->info->d);
  NomosCheck(!info->timed || !g->info->timed || fabs(info->interval - g->info->interval) <= 1e-4 * g->info->interval, s->comm, PETSC_ERR_ARG_INCOMP, "%s: its frames are %g s apart, and those of the training %g s, which is the network's step: take a set with frames as far apart", key, info->interval, g->info->interval);
  PetscCall(NomosParticleDataCheckWalls(data, key));
  PetscCall(NomosParticleDataCheckParameters(data, key, g->info->n_parameters, g->info->parameters));
  PetscCall(NomosParticleDataNameKinds(data, &(NomosParticleKinds){key, g->info->n_kinds, g->info->kinds}));
  for (int a = 0; a < box.d; a++) {
    box.low[a]  = g->info->low[a];
    box.high[a] = g->info->high[a];
  }
  if (info->bounded && g->info->bounded) NomosParticleDataTakeBox(data, &(NomosParticleTraining){key, &box}, sizeof set->note, set->note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddSet(NomosSurrogate s, const char name[], const char path[])
{
  NomosReducedOrderGraph *g   = s->context;
  NomosParticleSampling   one = g->sampling;
  NomosParticleDataInput  input;
  NomosParticleTestSet   *set;

  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((g->n_sets + 1) * sizeof *g->sets, &g->sets));
  set  = &g->sets[g->n_sets++];
  *set = (NomosParticleTestSet){0};
  PetscCall(PetscStrallocpy(name, &set->name));
  PetscCall(NomosParticleDataInputFromConfig(s->config, "reduced_order_graph.fixed", &input));
  input.path       = path;
  input.validation = input.test = 0;
  input.n_trajectories          = 0;
  one.n_draws                   = 1;
  PetscCall(NomosParticleDataOpen(s->comm, &input, &set->data));
  PetscCall(CheckSet(s, set));
  PetscCall(NomosParticlePartCreate(&(NomosParticlePartInput){.data = set->data, .split = NOMOS_SPLIT_TRAIN, .sampling = &one, .factor = 1, .window = g->n_history + 1, .seed = s->seed}, &set->part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphOpenSets(NomosSurrogate s)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTestSetsOpen(s, prefix, (const char *const[]){"train", "validation", "test", "errors", "loss", NULL}, NULL, AddSet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphCloseSets(NomosReducedOrderGraph *g)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < g->n_sets; i++) {
    PetscCall(NomosParticlePartFree(&g->sets[i].part));
    PetscCall(NomosParticleDataClose(&g->sets[i].data));
    PetscCall(PetscFree(g->sets[i].name));
  }
  PetscCall(PetscFree(g->sets));
  g->n_sets = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the decoder */

PetscErrorCode NomosReducedOrderGraphDeclareDecoder(NomosConfig config)
{
  const char *name, *coarse;
  bool        given[2]; /* tables that are in the case: config.yaml of a run has them, whatever is set beside it */

  PetscFunctionBeginUser;
  PetscCall(NomosConfigHasPrefix(config, "mls.", &given[0]));
  PetscCall(NomosConfigHasPrefix(config, "shepard.", &given[1]));
  PetscCall(NomosConfigPeek(config, "reduced_order_graph.decoder", &name));
  PetscCall(NomosConfigPeek(config, "reduced_order_graph.coarse", &coarse));
  const bool mls = (name && !strcmp(name, "mls")) || (coarse && *coarse);
  if (mls || given[0]) PetscCall(NomosParticleDecoderDeclareNamed(config, "mls"));
  if (given[1] || (name && !strcmp(name, "shepard"))) PetscCall(NomosParticleDecoderDeclareNamed(config, "shepard"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
