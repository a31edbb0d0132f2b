#include "surrogates/surrogate.h"

#include "io/provenance.h"
#include "io/safetensors.h"
#include "io/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode NomosSurrogateFind(const NomosSurrogateOps *const list[], const char name[], const char where[], const NomosSurrogateOps **ops)
{
  const char *names[NOMOS_MAX_NAME];
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (; list[n] && n < NOMOS_MAX_NAME; n++) {
    if (!strcmp(list[n]->name, name)) {
      *ops = list[n];
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    names[n] = list[n]->name;
  }
  PetscCall(NomosNameUnknown(PETSC_COMM_WORLD, name, n, names, "%s: surrogate = %s: no such surrogate", where, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s, const NomosSurrogateInput *how)
{
  NomosDatasetInput input = {0};
  NomosRealType     type;
  const char       *precision;
  int64_t           seed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "train.precision", &precision));
  PetscCall(NomosConfigGetInt(s->config, "train.seed", &seed));
  s->seed = (uint64_t)seed;
  if ((s->ops->data || s->ops->reads) && !s->data_path) PetscCall(NomosConfigGetString(s->config, "data.path", &s->data_path));
  type = how->precision ? *how->precision : strcmp(precision, "float64") ? NOMOS_F32 : NOMOS_F64;
  PetscCall(NomosParametersCreate(type, &s->parameters));
  if (s->ops->data) {
    PetscCall(NomosDatasetInputFromConfig(s->config, &input));
    input.path = s->data_path;
    PetscCall(s->ops->data(s, &input));
    PetscCall(NomosDatasetOpen(s->comm, &input, &s->data));
    snprintf(s->data_hash, sizeof s->data_hash, "%s", NomosDatasetHash(s->data));
    for (int split = 0; split < NOMOS_N_SPLITS; split++) s->n_examples[split] = NomosDatasetExamples(s->data, (NomosSplit)split);
  }
  PetscCall(s->ops->create(s));
  PetscCheck(s->n_examples[NOMOS_SPLIT_TRAIN], s->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: there is no example to train with", s->ops->name);
  PetscCall(NomosParametersInitialise(s->parameters, s->seed));
  PetscCheck(NomosParametersSize(s->parameters) || s->ops->fits_alone, s->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: it has no weight to train", s->ops->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateCreate(const NomosSurrogateInput *input, NomosSurrogate *surrogate)
{
  NomosSurrogate s;

  PetscFunctionBeginUser;
  *surrogate = NULL;
  PetscCall(PetscNew(&s));
  s->ops              = input->ops;
  s->comm             = input->comm;
  s->config           = input->config;
  s->data_path        = input->data_path;
  s->weights          = input->weights;
  s->prediction       = input->prediction;
  s->simulate         = input->simulate;
  s->simulate_context = input->simulate_context;
  PetscErrorCode code = Create(s, input);
  if (code) PetscCall(NomosSurrogateDestroy(&s));
  PetscCall(code);
  *surrogate = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateJudgeAll(NomosSurrogate s, size_t *n)
{
  PetscFunctionBeginUser;
  *n = 0;
  if (!s->ops->judges_all || !s->data) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosDatasetJudgeAll(s->data));
  for (int split = 0; split < NOMOS_N_SPLITS; split++) s->n_examples[split] = NomosDatasetExamples(s->data, (NomosSplit)split);
  *n = NomosDatasetTrajectories(s->data, NOMOS_SPLIT_TEST);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A name that is wanted, among those that are reported. */
typedef struct {
  const char *name;
  bool        found;
  char        all[512];
} Wanted;

static PetscErrorCode TakeName(const char name[], double value, void *ctx)
{
  Wanted *wanted = ctx;

  PetscFunctionBeginUser;
  (void)value;
  wanted->found = wanted->found || !strcmp(name, wanted->name);
  NomosTextAppend(sizeof wanted->all, wanted->all, ", %s", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateCheckMonitor(NomosSurrogate s)
{
  const char *where = NomosConfigWhere(s->config, "train.monitor");
  Wanted      monitor = {.found = false};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "train.monitor", &monitor.name));
  if (!strcmp(monitor.name, "loss")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(s->ops->evaluate, s->comm, PETSC_ERR_ARG_INCOMP, "%s: train.monitor = %s: this surrogate has no metrics; use loss", where, monitor.name);
  if (s->outline && !s->ops->metrics) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(s->ops->metrics ? s->ops->metrics(s, TakeName, &monitor) : s->ops->evaluate(s, NOMOS_SPLIT_VALIDATION, TakeName, &monitor));
  PetscCheck(monitor.found, s->comm, PETSC_ERR_ARG_WRONG, "%s: train.monitor = %s: this surrogate has loss%s", where, monitor.name, monitor.all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateForesee(const NomosSurrogateInput *input)
{
  struct NomosSurrogate_s s = {.ops = input->ops, .comm = input->comm, .config = input->config, .data_path = "", .outline = input->outline, .simulate = input->simulate, .simulate_context = input->simulate_context};

  PetscFunctionBeginUser;
  PetscCall(NomosSurrogateCheckMonitor(&s));
  if (input->ops->foresee) PetscCall(input->ops->foresee(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateDestroy(NomosSurrogate *surrogate)
{
  PetscFunctionBeginUser;
  if (!*surrogate) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*surrogate)->ops->destroy(*surrogate));
  PetscCall(NomosDatasetClose(&(*surrogate)->data));
  PetscCall(NomosParametersDestroy(&(*surrogate)->parameters));
  PetscCall(PetscFree(*surrogate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateOrder(NomosSurrogate s, int64_t epoch, size_t order[])
{
  const size_t n = s->n_examples[NOMOS_SPLIT_TRAIN];

  PetscFunctionBeginUser;
  if (s->data && NomosDatasetExamples(s->data, NOMOS_SPLIT_TRAIN) == n) PetscCall(NomosDatasetOrder(s->data, NOMOS_SPLIT_TRAIN, s->seed, epoch, order));
  else NomosPermutation(s->seed, epoch, n, order);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- weights */

typedef struct {
  NomosSurrogate s;
  json_t        *object;
} Architecture;

/* Is it a parameter of the surrogate, or of one of its tables? */
static bool IsOwn(const NomosSurrogateOps *ops, const NomosParam *param)
{
  NomosSurrogateTable table;
  bool                own = param >= ops->params && param < ops->params + ops->n_params;

  for (size_t i = 0; !own && ops->table && ops->table(i, &table); i++) own = param >= table.params && param < table.params + table.n_params;
  return own;
}

static PetscErrorCode AddArchitecture(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  const Architecture *to = ctx;

  PetscFunctionBeginUser;
  (void)origin;
  if (IsOwn(to->s->ops, param)) json_object_set_new(to->object, param->key, json_string(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NAME, or all names that begin as `NAME.` says. */
static bool IsNamed(const char *const names[], const char name[])
{
  for (; names && *names; names++) {
    const size_t n = strlen(*names);
    if (!strncmp(name, *names, n) && (!name[n] || name[n - 1] == '.')) return true;
  }
  return false;
}

typedef struct {
  NomosSurrogate s;
  const char    *path;
  const json_t  *recorded;
} Recorded;

/* Weights of older programs do not say all that there is now. */
static PetscErrorCode CheckArchitecture(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  const Recorded *file   = ctx;
  const char     *theirs = json_string_value(json_object_get(file->recorded, param->key));

  PetscFunctionBeginUser;
  (void)origin;
  if (!theirs || !strcmp(theirs, value) || param->type == NOMOS_PARAM_FILE || param->type == NOMOS_PARAM_CASE || !IsOwn(file->s->ops, param) || IsNamed(file->s->ops->of_training, param->key)) PetscFunctionReturn(PETSC_SUCCESS);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s%s%s: the weights %s were trained with %s%s%s; set it so, or train again", NomosConfigWhere(file->s->config, param->key), param->key, value[0] ? " = " : " is unset", value, file->path, param->key, theirs[0] ? " = " : " unset", theirs);
}

static PetscErrorCode NormalisationText(NomosSurrogate s, char **text)
{
  json_t *object = json_object();

  PetscFunctionBeginUser;
  for (size_t i = 0; i < NomosParametersCount(s->parameters); i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(s->parameters, i, &p));
    const char *last = strrchr(p.name, '.') ? strrchr(p.name, '.') + 1 : p.name;
    if (!p.buffer || (strcmp(last, "mean") && strcmp(last, "deviation"))) continue;
    json_t *values = json_array();
    for (size_t k = 0; k < p.size; k++) json_array_append_new(values, json_real(p.type == NOMOS_F32 ? (double)((const float *)p.values)[k] : ((const double *)p.values)[k]));
    json_object_set_new(object, p.name, values);
  }
  *text = json_dumps(object, JSON_REAL_PRECISION(17));
  json_decref(object);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AsTensor(NomosSurrogate s, size_t number, NomosSafetensor *tensor)
{
  NomosParameter p;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(s->parameters, number, &p));
  *tensor = (NomosSafetensor){.name = p.name, .type = p.type, .n_dims = p.n_dims, .data = p.values};
  for (int d = 0; d < p.n_dims; d++) tensor->shape[d] = p.shape[d];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateSaveWeights(NomosSurrogate s, const char path[], size_t n_texts, const char *const keys[], const char *const more[])
{
  const size_t          n = NomosParametersCount(s->parameters);
  Architecture          architecture = {.s = s, .object = json_object()};
  NomosSafetensor      *tensors;
  NomosSafetensorsText *texts;
  char                 *normalisation = NULL, *parameters;
  size_t                n_all = 0;

  PetscFunctionBeginUser;
  if (s->ops->write_texts) PetscCall(s->ops->write_texts(s));
  PetscCall(PetscMalloc2(n, &tensors, n_texts + s->n_texts + 6, &texts));
  for (size_t i = 0; i < n; i++) PetscCall(AsTensor(s, i, &tensors[i]));
  PetscCall(NomosConfigVisit(s->config, AddArchitecture, &architecture));
  PetscCall(NormalisationText(s, &normalisation));
  parameters = json_dumps(architecture.object, 0);
  json_decref(architecture.object);
  texts[n_all++] = (NomosSafetensorsText){"surrogate", s->ops->name};
  texts[n_all++] = (NomosSafetensorsText){"architecture", parameters ? parameters : ""};
  texts[n_all++] = (NomosSafetensorsText){"normalisation", normalisation ? normalisation : ""};
  texts[n_all++] = (NomosSafetensorsText){"program", NomosSource()};
  if (s->data_hash[0]) texts[n_all++] = (NomosSafetensorsText){"data", s->data_hash};
  if (s->data) texts[n_all++] = (NomosSafetensorsText){"split", NomosDatasetSplitHash(s->data)};
  for (size_t i = 0; i < s->n_texts; i++) texts[n_all++] = (NomosSafetensorsText){s->text_keys[i], s->texts[i]};
  for (size_t i = 0; i < n_texts; i++) texts[n_all++] = (NomosSafetensorsText){keys[i], more[i]};
  PetscErrorCode code = NomosSafetensorsWrite(s->comm, path, &(NomosSafetensorsInput){.n_tensors = n, .tensors = tensors, .n_texts = n_all, .texts = texts});
  free(normalisation);
  free(parameters);
  PetscCall(PetscFree2(tensors, texts));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t SizeOf(const NomosSafetensor *tensor)
{
  size_t n = 1;

  for (int d = 0; d < tensor->n_dims; d++) n *= tensor->shape[d];
  return n;
}

static bool IsFinite(const NomosSafetensor *tensor, const void *data)
{
  for (size_t i = 0; i < SizeOf(tensor); i++)
    if (!isfinite(tensor->type == NOMOS_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i])) return false;
  return true;
}

/* As what a tensor is looked for: single numbers of a file are doubles too. */
static NomosRealType TypeIn(size_t n, const NomosSafetensor theirs[], const NomosSafetensor *wanted)
{
  for (size_t t = 0; t < n; t++)
    if (!strcmp(theirs[t].name, wanted->name) && theirs[t].type == NOMOS_F32) return NOMOS_F32;
  return wanted->type;
}

static PetscErrorCode Take(NomosSurrogate s, size_t number, NomosRealType type, const void *data)
{
  NomosSafetensor ours;
  double         *values;

  PetscFunctionBeginUser;
  PetscCall(AsTensor(s, number, &ours));
  if (type == ours.type) {
    PetscCall(NomosParametersSet(s->parameters, number, data));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(SizeOf(&ours) + 1, &values));
  for (size_t i = 0; i < SizeOf(&ours); i++) values[i] = (double)((const float *)data)[i];
  PetscErrorCode code = NomosParametersSetDoubles(s->parameters, number, values);
  PetscCall(PetscFree(values));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every tensor has its place before any is taken. `all`: not only what the weights depend on. */
static PetscErrorCode TakeWeights(NomosSurrogate s, NomosSafetensors file, const char path[], bool all)
{
  const size_t           n            = NomosParametersCount(s->parameters);
  const char            *other        = NomosSafetensorsMetadata(file, "surrogate"), *bad = NULL;
  const char            *architecture = NomosSafetensorsMetadata(file, "architecture");
  const NomosSafetensor *theirs;
  const void           **data;
  NomosRealType         *types;
  size_t                 n_theirs;

  PetscFunctionBeginUser;
  PetscCheck(!other || !strcmp(other, s->ops->name), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: these are weights of the surrogate %s, not of %s", path, other, s->ops->name);
  json_t        *recorded = architecture ? json_loads(architecture, 0, NULL) : NULL;
  PetscErrorCode code     = NomosConfigVisit(s->config, CheckArchitecture, &(Recorded){.s = s, .path = path, .recorded = recorded});
  json_decref(recorded);
  PetscCall(code);
  PetscCall(NomosSafetensorsList(file, &n_theirs, &theirs));
  PetscCall(PetscMalloc2(n, &data, n, &types));
  for (size_t i = 0; i < n && !code; i++) {
    NomosSafetensor wanted;
    PetscCall(AsTensor(s, i, &wanted));
    wanted.type = types[i] = TypeIn(n_theirs, theirs, &wanted);
    data[i] = NULL;
    if (!all && IsNamed(s->ops->buffers_of_training, wanted.name)) continue;
    code = NomosSafetensorsFind(file, &wanted, &data[i]);
    bad  = code || IsFinite(&wanted, data[i]) ? bad : wanted.name;
  }
  if (code || bad) PetscCall(PetscFree2(data, types));
  PetscCall(code);
  PetscCheck(!bad, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the tensor %s has entries that are no finite numbers; the file is damaged, or its training blew up: train again", path, bad);
  for (size_t t = 0; t < n_theirs && n_theirs != n; t++) {
    size_t number = 0;
    for (NomosParameter p; number < n; number++) {
      PetscCall(NomosParametersGet(s->parameters, number, &p));
      if (!strcmp(p.name, theirs[t].name)) break;
    }
    if (number < n) continue;
    PetscCall(PetscFree2(data, types));
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has a tensor %s that this surrogate has not; these are weights of another architecture", path, theirs[t].name);
  }
  for (size_t i = 0; i < n; i++)
    if (data[i]) PetscCall(Take(s, i, types[i], data[i]));
  PetscCall(PetscFree2(data, types));
  if (s->ops->take_texts) PetscCall(s->ops->take_texts(s, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosSurrogate s, const char path[], bool all)
{
  NomosSafetensors file;

  PetscFunctionBeginUser;
  PetscCall(NomosSafetensorsOpen(s->comm, path, &file));
  PetscErrorCode code = TakeWeights(s, file, path, all); /* the same verdict on every rank */
  PetscCall(NomosSafetensorsClose(&file));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateLoadWeights(NomosSurrogate s, const char path[])
{
  PetscFunctionBeginUser;
  PetscCall(Load(s, path, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSurrogateBegin(NomosSurrogate s)
{
  const char *path;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "train.weights", &path));
  PetscCheck(!path[0] || NomosParametersSize(s->parameters), s->comm, PETSC_ERR_ARG_INCOMP, "%s: train.weights = %s: %s has no weight to train; leave it out", NomosConfigWhere(s->config, "train.weights"), path, s->ops->name);
  if (s->ops->fit) PetscCall(s->ops->fit(s));
  s->begins           = true;
  PetscErrorCode code = path[0] ? Load(s, path, false) : PETSC_SUCCESS;
  s->begins           = false;
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
