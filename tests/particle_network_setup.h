/* A network of particles from settings of a case, on random points with their graph. */
#ifndef NOMOS_TESTS_PARTICLE_NETWORK_SETUP_H
#define NOMOS_TESTS_PARTICLE_NETWORK_SETUP_H

#include "module_checks.h"
#include "surrogates/reduced_order_graph/particle_network_list.h"

enum { MAX_SETTINGS = 24 };
#define SETTINGS(...) ((const char *const[MAX_SETTINGS]){__VA_ARGS__})

typedef struct {
  const NomosParticleNetworkOps *ops;
  NomosConfig                    config;
  NomosParameters                parameters;
  void                          *context;
  NomosTape                      tape;
  NomosTensor                    w[512];
} NetworkSetup;

/* Needs NetworkTearDown, also where it fails. */
static inline PetscErrorCode NetworkTry(NetworkSetup *s, const NomosParticleNetworkOps *ops, NomosRealType type, const NomosParticleShape *shape, const char *const settings[])
{
  PetscFunctionBeginUser;
  *s = (NetworkSetup){.ops = ops};
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &s->config));
  for (int i = 0; i < MAX_SETTINGS && settings[i]; i++) PetscCall(NomosConfigSet(s->config, settings[i]));
  PetscCall(NomosConfigRegister(s->config, ops->n_params, ops->params));
  PetscCall(NomosConfigCheck(s->config));
  PetscCall(NomosParametersCreate(type, &s->parameters));
  PetscCall(PetscCalloc(ops->context, &s->context));
  PetscCall(ops->create(&(NomosParticleNetworkInput){.config = s->config, .parameters = s->parameters, .shape = shape}, s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void NetworkSetUp(NetworkSetup *s, const NomosParticleNetworkOps *ops, NomosRealType type, const NomosParticleShape *shape, const char *const settings[])
{
  ck_ok(NetworkTry(s, ops, type, shape, settings));
  ck_ok(NomosParametersInitialise(s->parameters, 5));
  ck_ok(NomosTapeCreate(&s->tape));
  ck_ok(NomosParametersBind(s->parameters, s->tape, s->w));
}

static inline void NetworkTearDown(NetworkSetup *s)
{
  if (s->tape) ck_ok(NomosTapeDestroy(&s->tape));
  if (s->context && s->ops->discard) ck_ok(s->ops->discard(s->context));
  ck_ok(PetscFree(s->context));
  if (s->parameters) ck_ok(NomosParametersDestroy(&s->parameters));
  if (s->config) ck_ok(NomosConfigDestroy(&s->config));
}

static inline NomosGraph NearGraph(const NomosParticleShape *shape, size_t n_sets, const size_t first[], const double x[])
{
  NomosGraph graph;
  ck_ok(NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = shape->d, .n_sets = n_sets, .first = first, .x = x, .radius = shape->radius}, NULL, &graph));
  return graph;
}

#endif
