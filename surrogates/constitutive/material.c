#include "surrogates/constitutive/material.h"

#include "operators/model_operator.h"
#include "surrogates/constitutive/learned_law.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const written = "written", *const identity = "identity";

static PetscErrorCode FindSection(NomosSurrogate s, NomosConfig truth, NomosMaterial *m)
{
  const char *const *names, *name;
  size_t             n;
  char               all[512] = "";
  bool               found    = false;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(truth, "materials", &n, &names));
  PetscCall(NomosConfigGetString(s->config, "constitutive.material", &name));
  for (size_t i = 0; i < n; i++) {
    found = found || !strcmp(names[i], name);
    NomosTextAppend(sizeof all, all, "%s%s", i ? ", " : "", names[i]);
  }
  PetscCheck(name[0] || n == 1, s->comm, PETSC_ERR_ARG_INCOMP, "constitutive.material is missing: which of the materials %s is to be learned?", all);
  PetscCheck(!name[0] || found, s->comm, PETSC_ERR_ARG_WRONG, "%s: constitutive.material = %s: the simulation of the data has the materials %s", NomosConfigWhere(s->config, "constitutive.material"), name, all);
  snprintf(m->section, sizeof m->section, "materials.%s", name[0] ? name : names[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindLaws(NomosSurrogate s, NomosConfig truth, NomosMaterial *m)
{
  char key[2 * NOMOS_MAX_NAME], there[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) {
    const char *name, *where;
    snprintf(key, sizeof key, "constitutive.%s", nomos_law_kinds[k]);
    snprintf(there, sizeof there, "%s.%s", m->section, nomos_law_kinds[k]);
    PetscCall(NomosConfigGetString(s->config, key, &m->given[k]));
    name  = m->given[k];
    where = NomosConfigWhere(s->config, key);
    if (!strcmp(name, written)) {
      PetscCall(NomosConfigGetString(truth, there, &name));
      where = NomosConfigWhere(truth, there);
    }
    PetscCheck(k == NOMOS_LAW_PLASTICITY || (name[0] && strcmp(name, identity)), s->comm, PETSC_ERR_ARG_WRONG, "%s: constitutive.elasticity = %s: name a law of stress, or `written`", where, name);
    if (!name[0] || !strcmp(name, identity)) continue;
    PetscCall(NomosLawFind((NomosLawKind)k, name, where, &m->ops[k]));
    m->learned[k] = strcmp(m->given[k], written) && NomosLawIsLearned(m->ops[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- models */

static bool TableHas(const NomosLawOps *ops, const char key[])
{
  for (size_t i = 0; ops && i < ops->n_params; i++)
    if (!strcmp(ops->params[i].key, key)) return true;
  return false;
}

/* Keys of a material that its new laws do not know. */
typedef struct {
  const NomosMaterial *material;
  size_t               n;
  char               **keys;
} Superfluous;

static PetscErrorCode CollectSuperfluous(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  Superfluous         *to     = ctx;
  const NomosMaterial *m      = to->material;
  const size_t         length = strlen(m->section);

  PetscFunctionBeginUser;
  (void)value;
  (void)origin;
  if (strncmp(param->key, m->section, length) || param->key[length] != '.') PetscFunctionReturn(PETSC_SUCCESS);
  const char *key = param->key + length + 1;
  if (!strcmp(key, "density") || TableHas(m->ops[0], key) || TableHas(m->ops[1], key)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscRealloc((to->n + 1) * sizeof *to->keys, &to->keys));
  PetscCall(PetscStrallocpy(param->key, &to->keys[to->n++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SimulateLearned(NomosSurrogate s, const NomosMaterial *m, const NomosSimulation *simulation, const Superfluous *drop, NomosModel *model, NomosConfig *config)
{
  const char *const *more;
  const char       **set;
  char               laws[NOMOS_N_LAW_KINDS][4 * NOMOS_MAX_NAME];
  size_t             n_more, n = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(s->config, "constitutive.set", &n_more, &more));
  PetscCall(PetscMalloc1(simulation->n_set + n_more + NOMOS_N_LAW_KINDS + 1, &set));
  for (size_t i = 0; i < simulation->n_set; i++) set[n++] = simulation->set[i];
  if (NomosParametersType(s->parameters) == NOMOS_F64) set[n++] = "mpm.precision=float64"; /* weights of this precision would be lost on a loss that is noise in their last digits */
  for (size_t i = 0; i < n_more; i++) set[n++] = more[i];
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) {
    snprintf(laws[k], sizeof laws[k], "%s.%s=%s", m->section, nomos_law_kinds[k], m->ops[k] ? m->ops[k]->name : identity);
    set[n++] = laws[k];
  }
  PetscErrorCode code = s->simulate(s, &(NomosSimulation){.path = simulation->path, .n_unset = drop->n, .unset = (const char *const *)drop->keys, .n_set = n, .set = set}, model, config);
  PetscCall(PetscFree(set));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMaterialSimulate(NomosSurrogate s, const NomosMaterial *m, const NomosSimulation *simulation, bool learned, NomosModel *model, NomosConfig *config)
{
  Superfluous drop = {.material = m};

  PetscFunctionBeginUser;
  PetscCheck(s->simulate, s->comm, PETSC_ERR_SUP, "%s learns inside a simulation, and this program has none", s->ops->name);
  PetscCall(s->simulate(s, simulation, model, config));
  if (!learned) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigVisit(*config, CollectSuperfluous, &drop));
  PetscCall(NomosModelDestroy(model));
  PetscCall(NomosConfigDestroy(config));
  PetscErrorCode code = SimulateLearned(s, m, simulation, &drop, model, config);
  for (size_t i = 0; i < drop.n; i++) PetscCall(PetscFree(drop.keys[i]));
  PetscCall(PetscFree(drop.keys));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is trained */

/* The written numbers: constitutive.unknown, by their keys in the tables of written laws. */
static PetscErrorCode DeclareWritten(NomosSurrogate s, NomosConfig truth, NomosMaterial *m)
{
  const double *start;
  size_t        n_start, number;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(s->config, "constitutive.unknown", &m->n_written, &m->keys));
  PetscCall(NomosConfigGetReals(s->config, "constitutive.start", &n_start, &start));
  NomosCheck(!n_start || n_start == m->n_written, s->comm, PETSC_ERR_ARG_SIZ, "%s: constitutive.start has %zu factors: must have one for each of the %zu numbers of constitutive.unknown", NomosConfigWhere(s->config, "constitutive.start"), n_start, m->n_written);
  PetscCall(PetscMalloc1(m->n_written + 1, &m->written));
  for (size_t i = 0; i < m->n_written; i++) {
    char key[2 * NOMOS_MAX_NAME];
    bool has = false;
    for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) has = has || (!m->learned[k] && TableHas(m->ops[k], m->keys[i]));
    PetscCheck(has, s->comm, PETSC_ERR_ARG_WRONG, "%s: constitutive.unknown = %s: no written law of %s has this number", NomosConfigWhere(s->config, "constitutive.unknown"), m->keys[i], m->section);
    snprintf(key, sizeof key, "%s.%s", m->section, m->keys[i]);
    PetscCall(NomosConfigGetReal(truth, key, &m->written[i]));
    if (n_start) m->written[i] *= start[i];
  }
  if (m->n_written) PetscCall(NomosParametersAdd(s->parameters, &(NomosParameterInput){.prefix = written, .name = "log_factors", .n_dims = 1, .shape = {m->n_written}, .initialiser = NomosInitialiserConstant(0)}, &number));
  m->n_trained = m->n_written;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMaterialCreate(NomosSurrogate s, NomosConfig truth, NomosMaterial *m)
{
  PetscFunctionBeginUser;
  *m = (NomosMaterial){.n_trained = 0};
  PetscCall(FindSection(s, truth, m));
  PetscCall(FindLaws(s, truth, m));
  PetscCall(DeclareWritten(s, truth, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The place of materials.NAME.key[entry] in the model's list; they are looked for in the order in which they lie there. */
static PetscErrorCode FindPlace(const NomosMaterial *m, const NomosModelParameter list[], const char key[], int entry, size_t *place)
{
  char full[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(full, sizeof full, "%s.%s", m->section, key);
  for (size_t tried = 0; tried < m->n_parameters; tried++, *place = (*place + 1) % m->n_parameters)
    if (list[*place].entry == entry && !strcmp(list[*place].param->key, full)) PetscFunctionReturn(PETSC_SUCCESS);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_SUP, "the simulation cannot be differentiated by %s", full);
}

/* The number of a key that a law's table has. */
static PetscErrorCode LawSize(NomosLaw law, const char key[], size_t *size)
{
  char    full[2 * NOMOS_MAX_NAME];
  int64_t value = 0;

  PetscFunctionBeginUser;
  snprintf(full, sizeof full, "%s.%s", law->section, key);
  if (TableHas(law->ops, key)) PetscCall(NomosConfigGetInt(law->config, full, &value));
  *size = (size_t)value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As large as the law of the model is. */
static PetscErrorCode DeclareWeights(NomosSurrogate s, const NomosMaterial *m, int k)
{
  NomosLearnedLawSize size;
  size_t              offset;

  PetscFunctionBeginUser;
  PetscCall(LawSize(m->laws[k], "network_width", &size.width));
  PetscCall(LawSize(m->laws[k], "network_layers", &size.layers));
  PetscCall(NomosLearnedLawDeclare(m->ops[k], size, s->parameters, &offset));
  PetscCheck(offset == m->first[k], PETSC_COMM_SELF, PETSC_ERR_PLIB, "weights of %s begin at %zu instead of %zu", m->ops[k]->name, offset, m->first[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMaterialAttach(NomosSurrogate s, NomosMaterial *m, NomosModel model)
{
  const NomosModelParameter *list;
  size_t                     at = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(model, &m->n_parameters, &list));
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) {
    if (m->ops[k]) PetscCall(NomosLawCreate(PETSC_COMM_SELF, m->ops[k], model->config, m->section, model->precision, &m->laws[k]));
    m->first[k] = m->n_trained;
    if (!m->learned[k]) continue;
    PetscCall(DeclareWeights(s, m, k));
    m->n_trained += m->laws[k]->n_parameters;
  }
  PetscCheck(m->n_trained, s->comm, PETSC_ERR_ARG_INCOMP, "%s has nothing to train: name a learned law in constitutive.elasticity or constitutive.plasticity, or numbers of its written laws in constitutive.unknown", m->section);
  PetscCall(PetscMalloc2(m->n_parameters, &m->values, m->n_trained, &m->place));
  for (size_t i = 0; i < m->n_parameters; i++) m->values[i] = list[i].value;
  for (size_t i = 0; i < m->n_written; i++) {
    PetscCall(FindPlace(m, list, m->keys[i], 0, &at));
    m->place[i] = at;
  }
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++)
    for (size_t i = 0; m->learned[k] && i < m->laws[k]->n_parameters; i++) {
      PetscCall(FindPlace(m, list, m->laws[k]->parameters[i].param->key, m->laws[k]->parameters[i].entry, &at));
      m->place[m->first[k] + i] = at;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMaterialDestroy(NomosMaterial *m)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) PetscCall(NomosLawDestroy(&m->laws[k]));
  PetscCall(PetscFree(m->written));
  PetscCall(PetscFree2(m->values, m->place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A law by itself has its weights, and the numbers of its material that the model has. */
static PetscErrorCode SetLaw(NomosMaterial *m, int k, const double trained[])
{
  NomosLaw law = m->laws[k];

  PetscFunctionBeginUser;
  if (!law) PetscFunctionReturn(PETSC_SUCCESS);
  if (m->learned[k]) PetscCall(NomosLawSetValues(law, trained + m->first[k]));
  for (size_t i = 0; i < m->n_written; i++)
    for (size_t j = 0; j < law->n_parameters; j++)
      if (!strcmp(law->parameters[j].param->key, m->keys[i])) law->values[j] = m->values[m->place[i]];
  if (!m->learned[k] && law->ops->renew) PetscCall(law->ops->renew(law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMaterialSet(NomosMaterial *m, NomosModel model, const double trained[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < m->n_trained; i++) m->values[m->place[i]] = i < m->n_written ? m->written[i] * exp(trained[i]) : trained[i];
  if (model) PetscCall(model->ops->derivatives->set_parameters(model, m->values));
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) PetscCall(SetLaw(m, k, trained));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosMaterialGradient(const NomosMaterial *m, const double trained[], const double p_bar[], double trained_bar[])
{
  for (size_t i = 0; i < m->n_trained; i++) trained_bar[i] = p_bar[m->place[i]] * (i < m->n_written ? m->written[i] * exp(trained[i]) : 1);
}

PetscErrorCode NomosMaterialTrained(NomosSurrogate s, double trained[])
{
  const void *values;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersValues(s->parameters, &values));
  NomosStateToDoubles(NomosParametersType(s->parameters), NomosParametersSize(s->parameters), values, trained);
  PetscFunctionReturn(PETSC_SUCCESS);
}
