/* How a learned law is judged: free runs of it over the motion it was learned from, and over motions that it never saw, beside the same runs of the written law. */
#include "surrogates/constitutive/constitutive_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam test_params[] = {
  {"case",     NOMOS_PARAM_FILE,            "", NULL, 0, 0, NULL, false, "A case of the same material to run; unset: the simulation of the data."},
  {"variants", NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0, NULL, false, "Settings of a run each, `key=value; key=value`; the result is the mean over them. Unset: one run of the case as it is."},
};
/* clang-format on */
static const char prefix[] = "constitutive.tests";
const NomosParamGroup nomos_constitutive_groups[1] = {{prefix, "of each test: NAME becomes results.NAME_mse, the mean square over particles and components of positions, 1/d of that of distances", sizeof test_params / sizeof *test_params, test_params}};

/* ---- the motion of the data */

/* Of a model of the data, from their first state. */
static PetscErrorCode Reconstruct(NomosSurrogate s, NomosModel model, double *error, double curve[])
{
  NomosConstitutive *c = s->context;
  const NomosMotion *m = &c->motion;

  PetscFunctionBeginUser;
  PetscCall(NomosModelSetClock(model, 0));
  PetscCall(model->ops->derivatives->set_state(model, m->states));
  PetscCall(NomosFreeRun(&(NomosFreeRunInput){.model = model, .field = m->field, .n_steps = m->steps[m->n_frames - 1], .every = c->every, .reference = NomosMotionReference, .ctx = (void *)m}, error, curve));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConstitutiveReconstruct(NomosSurrogate s, double *error, double curve[])
{
  NomosConstitutive *c = s->context;

  PetscFunctionBeginUser;
  PetscCall(Reconstruct(s, c->model, error, curve));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- motions that were not seen */

/* `a=1; b=[2, 3]` in pieces, in place. */
static size_t Split(char *text, size_t n_max, const char *set[])
{
  size_t n = 0;

  for (char *piece = strtok(text, ";"); piece && n < n_max; piece = strtok(NULL, ";")) {
    piece += strspn(piece, " ");
    if (piece[0]) set[n++] = piece;
  }
  return n;
}

/* The same run by written and by learned laws, side by side. */
static PetscErrorCode SideBySide(NomosSurrogate s, NomosModel truth, NomosModel model, NomosConfig config, double *error)
{
  NomosConstitutive  *c = s->context;
  NomosReferenceModel reference = {.model = truth};
  size_t              n_state;
  double              stop;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "time.stop", &stop));
  PetscCall(NomosModelFieldFind(truth, "position", &reference.field, NULL));
  PetscCall(truth->ops->derivatives->state_size(truth, &n_state));
  PetscCall(PetscMalloc1(n_state * NomosRealBytes(truth->precision), (char **)&reference.state));
  PetscCall(model->ops->derivatives->set_parameters(model, c->material.values));
  PetscCall(NomosFreeRun(&(NomosFreeRunInput){.model = model, .field = reference.field, .n_steps = llround(stop / model->dt), .every = c->every, .reference = NomosModelReference, .ctx = &reference}, error, NULL));
  PetscCall(PetscFree(reference.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunVariant(NomosSurrogate s, const char path[], const char settings[], double *error)
{
  enum { MAX_SETTINGS = 32 };
  NomosConstitutive *c = s->context;
  NomosModel         truth = NULL, model = NULL;
  NomosConfig        config[2] = {NULL, NULL};
  const char        *set[MAX_SETTINGS];
  char              *copy;

  PetscFunctionBeginUser;
  PetscCall(PetscStrallocpy(settings, &copy));
  const NomosSimulation simulation = {.path = path, .n_set = Split(copy, MAX_SETTINGS, set), .set = set};
  PetscErrorCode        code       = NomosMaterialSimulate(s, &c->material, &simulation, false, &truth, &config[0]);
  if (!code) code = NomosMaterialSimulate(s, &c->material, &simulation, true, &model, &config[1]);
  if (!code) code = SideBySide(s, truth, model, config[0], error);
  if (truth) PetscCall(NomosModelDestroy(&truth));
  if (model) PetscCall(NomosModelDestroy(&model));
  for (int i = 0; i < 2; i++)
    if (config[i]) PetscCall(NomosConfigDestroy(&config[i]));
  PetscCall(PetscFree(copy));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunTest(NomosSurrogate s, const char name[], NomosResultFn result, void *ctx)
{
  const char        *path, *own, *const *variants, *const one[] = {""};
  char               key[2 * NOMOS_MAX_NAME];
  size_t             n;
  double             mean = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "constitutive.case", &own));
  snprintf(key, sizeof key, "%s.%s.case", prefix, name);
  PetscCall(NomosConfigGetString(s->config, key, &path));
  snprintf(key, sizeof key, "%s.%s.variants", prefix, name);
  PetscCall(NomosConfigGetStrings(s->config, key, &n, &variants));
  if (!n) {
    n        = 1;
    variants = one;
  }
  for (size_t i = 0; i < n; i++) {
    double error;
    PetscCall(RunVariant(s, path[0] ? path : own[0] ? own : NULL, variants[i], &error));
    mean += error / (double)n;
    snprintf(key, sizeof key, "%s_mse_%zu", name, i + 1);
    if (n > 1) PetscCall(result(key, error, ctx));
  }
  snprintf(key, sizeof key, "%s_mse", name);
  PetscCall(result(key, mean, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- for comparison */

/* The weights that a training began with. */
static PetscErrorCode Untrained(NomosSurrogate s, double *error)
{
  NomosConstitutive *c = s->context;
  double            *trained;
  void              *values, *kept;
  const size_t       bytes = NomosParametersSize(s->parameters) * NomosRealBytes(NomosParametersType(s->parameters));

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(c->material.n_trained, &trained, bytes, (char **)&kept));
  PetscCall(NomosParametersEdit(s->parameters, &values));
  PetscCall(PetscMemcpy(kept, values, bytes));
  PetscCall(NomosParametersInitialise(s->parameters, s->seed));
  PetscCall(NomosMaterialTrained(s, trained));
  PetscCall(NomosParametersEdit(s->parameters, &values));
  PetscCall(PetscMemcpy(values, kept, bytes));
  PetscCall(NomosMaterialSet(&c->material, c->model, trained));
  PetscCall(NomosConstitutiveReconstruct(s, error, NULL));
  PetscCall(PetscFree2(trained, kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The written law with another modulus: what an error means. */
static PetscErrorCode WrongModuli(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  NomosConstitutive *c = s->context;
  const double      *factors;
  const char        *path;
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(s->config, "constitutive.wrong_moduli", &n, &factors));
  PetscCall(NomosConfigGetString(s->config, "constitutive.case", &path));
  for (size_t i = 0; i < n; i++) {
    NomosModel  model;
    NomosConfig config;
    char        key[2 * NOMOS_MAX_NAME], setting[3 * NOMOS_MAX_NAME];
    const char *set[] = {setting};
    double      modulus, error;
    PetscCall(s->simulate(s, &(NomosSimulation){.path = path[0] ? path : NULL}, &model, &config));
    snprintf(key, sizeof key, "%s.youngs_modulus", c->material.section);
    PetscCall(NomosConfigGetReal(config, key, &modulus));
    snprintf(setting, sizeof setting, "%s=%.17g", key, factors[i] * modulus);
    PetscCall(NomosModelDestroy(&model));
    PetscCall(NomosConfigDestroy(&config));
    PetscCall(s->simulate(s, &(NomosSimulation){.path = path[0] ? path : NULL, .n_set = 1, .set = set}, &model, &config));
    PetscCall(Reconstruct(s, model, &error, NULL));
    snprintf(key, sizeof key, "modulus_times_%g_mse", factors[i]);
    PetscCall(result(key, error, ctx));
    PetscCall(NomosModelDestroy(&model));
    PetscCall(NomosConfigDestroy(&config));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConstitutiveResults(NomosSurrogate s, NomosResultFn result, void *ctx)
{
  NomosConstitutive *c = s->context;
  const char *const *names;
  size_t             n;
  double            *trained, error;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(c->material.n_trained, &trained));
  if (c->n_cut) PetscCall(result("segments_cut", (double)c->n_cut, ctx));
  PetscCall(Untrained(s, &error));
  PetscCall(result("untrained_mse", error, ctx));
  PetscCall(WrongModuli(s, result, ctx));
  PetscCall(NomosMaterialTrained(s, trained));
  PetscCall(NomosMaterialSet(&c->material, c->model, trained));
  for (size_t i = 0; i < c->material.n_written; i++) PetscCall(result(c->material.keys[i], c->material.values[c->material.place[i]], ctx));
  PetscCall(NomosConstitutiveReconstruct(s, &error, NULL));
  PetscCall(result("reconstruction_mse", error, ctx));
  PetscCall(NomosConfigGroup(s->config, prefix, &n, &names));
  for (size_t i = 0; i < n; i++) PetscCall(RunTest(s, names[i], result, ctx));
  PetscCall(PetscFree(trained));
  PetscFunctionReturn(PETSC_SUCCESS);
}
