/* nomos evaluate CASE|RUN: loss and metrics of trained weights on parts of the data, as a table and a file. */
#include "cases/train.h"
#include "io/disk.h"

#include <jansson.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  json_t     *numbers; /* rank 0 */
  bool        quiet;
  const char *heading; /* before the first number; NULL: none, or it stands there */
} Table;

static PetscErrorCode AddNumber(const char name[], double value, void *ctx)
{
  Table *table = ctx;

  PetscFunctionBeginUser;
  if (!table->numbers) PetscFunctionReturn(PETSC_SUCCESS);
  json_object_set_new(table->numbers, name, isfinite(value) ? json_real(value) : json_null());
  if (!table->quiet && table->heading) printf("%s\n", table->heading);
  table->heading = NULL;
  if (!table->quiet && isnan(value)) printf("  %-40s -\n", name); /* there is none, as of a band without a wavenumber */
  else if (!table->quiet) printf("  %-40s %.10g\n", name, value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is judged, and where the numbers go ("": nowhere). */
typedef struct {
  NomosTrained trained;
  char         output[NOMOS_MAX_PATH];
} Sources;

/* ctx: a JSON array, NULL on ranks that write nothing. */
static PetscErrorCode AddWarning(const char sentence[], void *ctx)
{
  PetscFunctionBeginUser;
  if (!ctx) PetscFunctionReturn(PETSC_SUCCESS);
  json_array_append_new(ctx, json_string(sentence));
  fflush(stdout);
  fprintf(stderr, "warning: %s\n", sentence);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- which of the data are judged */

/* The data that the run was trained with, by its own config: elsewhere than those that are judged? */
static PetscErrorCode LieElsewhere(NomosProgram *program, const Sources *from, NomosSurrogate s, bool *elsewhere)
{
  const NomosSurrogateOps *ops;
  NomosConfig              own;
  const char              *maker, *path;
  char                     made[NOMOS_MAX_PATH], *places[2];

  PetscFunctionBeginUser;
  PetscCall(NomosTrainingCaseLoad(program->comm, &(NomosCaseInput){.path = from->trained.file.path}, program->surrogates, &own, &ops));
  PetscCall(NomosTrainDataMaker(ops, own, &maker));
  PetscCall(NomosConfigGetString(own, "data.path", &path));
  snprintf(made, sizeof made, "%.4000s/data", from->trained.file.directory);
  places[0]  = realpath(maker[0] ? made : path, NULL);
  places[1]  = realpath(s->data_path, NULL);
  *elsewhere = !places[0] || !places[1] || strcmp(places[0], places[1]);
  for (int i = 0; i < 2; i++) free(places[i]);
  PetscCallMPI(MPI_Bcast(elsewhere, sizeof *elsewhere, MPI_BYTE, 0, program->comm));
  PetscCall(NomosConfigDestroy(&own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool IsSet(NomosConfig config, const char key[])
{
  return !strcmp(NomosConfigWhere(config, key), "--set");
}

/* What a run says of its own data stays what it is. */
static PetscErrorCode CheckPlace(const NomosProgram *program, const NomosTrained *trained)
{
  PetscFunctionBeginUser;
  if (program->directory || !trained->file.is_run || !(trained->ops->data || trained->ops->reads)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < 2; k++) {
    const char *key = k ? "data.generator" : "data.path", *value;
    PetscCall(NomosConfigGetString(trained->config, key, &value));
    PetscCheck(!IsSet(trained->config, key) || !value[0], program->comm, PETSC_ERR_ARG_INCOMP, "--set %s: what the weights err on other data is not written over what they err on those of their training, in %s; give -o DIR, a directory for it", key, trained->file.directory);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Data that are not those of the training need no splits, unless the command line asks for them: all are judged. The same files read otherwise have other values too, but what the training has seen of them stays out of the test. */
static PetscErrorCode Choose(NomosProgram *program, const Sources *from, NomosSurrogate s, const char wanted[], json_t *warnings)
{
  NomosSafetensors file;
  bool             others = false;
  char             sentence[512];
  size_t           n = 0, n_all = 0, n_judged = 0;

  PetscFunctionBeginUser;
  if (!s->data || !s->data_hash[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSafetensorsOpen(program->comm, from->trained.weights, &file));
  const char *hash  = NomosSafetensorsMetadata(file, "data");
  const bool  known = !hash || !strcmp(hash, s->data_hash);
  PetscCall(NomosSafetensorsClose(&file));
  if (known) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->ops->look) {
    char text[2048];
    PetscCall(s->ops->look(s, AddWarning, warnings, sizeof text, text));
    if (warnings && !program->quiet) printf("data: %s\n", text);
  }
  const bool whole = !strcmp(wanted, "test") || !strcmp(wanted, "all"); /* who asks for another split gets it */
  if (whole && from->trained.file.is_run && IsSet(s->config, "data.path") && !IsSet(s->config, "evaluate.weights") && !IsSet(s->config, "data.validation") && !IsSet(s->config, "data.test")) PetscCall(LieElsewhere(program, from, s, &others));
  if (others) PetscCall(NomosSurrogateJudgeAll(s, &n));
  if (n) {
    if (warnings && !program->quiet) printf("these are not the data of the training: all %zu trajector%s judged, as the test\n", n, n == 1 ? "y is" : "ies are");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int split = 0; split < NOMOS_N_SPLITS; split++) {
    n_all += NomosDatasetTrajectories(s->data, (NomosSplit)split);
    if (!strcmp(wanted, nomos_split_names[split])) n_judged = NomosDatasetTrajectories(s->data, (NomosSplit)split);
  }
  if (!strcmp(wanted, "all") || n_judged == n_all) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(sentence, sizeof sentence, "these are not the data that the weights were trained with, or they are read otherwise: the %s split has %zu of their %zu trajectories, by data.validation, data.test and data.seed; --set evaluate.split=all judges the others too", wanted, n_judged, n_all);
  PetscCall(AddWarning(sentence, warnings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- tables and the file */

/* One split: its table, and its object in the file. */
static PetscErrorCode Split(NomosSurrogate s, NomosTraining training, NomosSplit split, bool quiet, json_t *splits)
{
  Table  table = {.numbers = splits ? json_object() : NULL, .quiet = quiet};
  double loss;

  PetscFunctionBeginUser;
  if (splits) {
    if (!quiet) printf("%s: %zu examples\n", nomos_split_names[split], s->n_examples[split]);
    json_object_set_new(table.numbers, "examples", json_integer((json_int_t)s->n_examples[split]));
    json_object_set_new(splits, nomos_split_names[split], table.numbers);
  }
  PetscCall(NomosTrainingLossOf(training, split, &loss));
  PetscCall(AddNumber("loss", loss, &table));
  PetscCall(NomosTrainSplitMetrics(s, split, "", AddNumber, &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What belongs to no split. */
static PetscErrorCode Results(NomosSurrogate s, bool quiet, json_t *splits, json_t **numbers)
{
  PetscFunctionBeginUser;
  if (!s->ops->results) PetscFunctionReturn(PETSC_SUCCESS);
  if (splits) *numbers = json_object();
  PetscCall(s->ops->results(s, AddNumber, &(Table){.numbers = *numbers, .quiet = quiet, .heading = "results"}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(NomosProgram *program, const Sources *from, NomosSurrogate s, const char wanted[], json_t *splits, json_t *results, json_t *warnings)
{
  char    path[NOMOS_MAX_PATH], *text = NULL;
  json_t *root;

  PetscFunctionBeginUser;
  if (!from->output[0]) PetscFunctionReturn(PETSC_SUCCESS);
  if (splits) {
    root = json_pack("{s:s, s:s, s:s, s:s*, s:O, s:O*, s:O*}", "version", NOMOS_VERSION, "surrogate", from->trained.ops->name, "weights", from->trained.weights, "data", s->data_hash[0] ? s->data_hash : NULL, "splits", splits, "results", results, "warnings", warnings);
    text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
  }
  snprintf(path, sizeof path, "%.4000s/evaluation_%s.json", from->output, wanted);
  PetscErrorCode code = NomosWriteFileAtomic(program->comm, path, text ? text : "");
  free(text);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -o DIR: what the surrogate draws of its tests goes to DIR/plots, or its tables alone where no pictures are wanted. A run's own plots are those of its training, and stay. */
static PetscErrorCode Draw(NomosProgram *program, const Sources *from, NomosSurrogate s, json_t *warnings)
{
  NomosRunParams params;
  char           sentence[2 * NOMOS_MAX_PATH];
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(NomosCommonParamsGet(from->trained.config, &params));
  if (!warnings || !program->directory || !(params.pictures ? from->trained.ops->pictures : from->trained.ops->tables)) PetscFunctionReturn(PETSC_SUCCESS);
  NomosQuietly(code, params.pictures ? NomosTrainDrawTests(from->output, s) : NomosTrainWriteTables(from->output, s));
  snprintf(sentence, sizeof sentence, "%s: %s", params.pictures ? "pictures could not be drawn" : "tables could not be written", NomosErrorLast());
  if (code) PetscCall(AddWarning(sentence, warnings));
  else if (!program->quiet) printf("%s in %s/plots\n", params.pictures ? "pictures" : "tables", from->output);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandEvaluate(NomosProgram *program)
{
  Sources        from = {.output = ""};
  NomosSurrogate surrogate;
  NomosTraining  training;
  const char    *wanted;
  NomosRunParams params;
  char           plots[NOMOS_MAX_PATH];
  json_t        *splits = NULL, *results = NULL, *warnings = NULL;
  int            rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  PetscCallMPI(MPI_Comm_size(program->comm, &size));
  PetscCall(NomosTrainedFind(program, &from.trained));
  PetscCall(CheckPlace(program, &from.trained));
  PetscCall(NomosTrainedFindData(program, &from.trained));
  if (program->directory) PetscCall(NomosTrainedMakeDirectory(program, program->directory, "the table's file and pictures")); /* or it is refused, before the work */
  if (program->directory) snprintf(from.output, sizeof from.output, "%.4000s", program->directory);
  else if (from.trained.file.is_run) snprintf(from.output, sizeof from.output, "%.4000s", from.trained.file.directory);
  PetscCall(NomosConfigGetString(from.trained.config, "evaluate.split", &wanted));
  PetscCall(NomosCommonParamsGet(from.trained.config, &params));
  PetscCall(NomosTrainedCreate(program, &from.trained, NULL, &surrogate));
  PetscCall(NomosTrainingCreate(surrogate, &training));
  PetscCall(NomosConfigCheckPetscOptions(from.trained.config));
  if (!rank) {
    splits   = json_object();
    warnings = json_array();
    if (!program->quiet) printf("%s with %s; %d rank%s, %d thread%s\n", from.trained.ops->name, from.trained.weights, size, size > 1 ? "s" : "", omp_get_max_threads(), omp_get_max_threads() > 1 ? "s" : "");
  }
  PetscCall(Choose(program, &from, surrogate, wanted, warnings));
  for (int i = 0; i < NOMOS_N_SPLITS; i++) {
    if (strcmp(wanted, nomos_split_names[i]) && strcmp(wanted, "all")) continue;
    PetscCheck(surrogate->n_examples[i] || from.trained.ops->results || !strcmp(wanted, "all"), program->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: the %s split has no example; choose another by --set evaluate.split=all", program->arguments[0], wanted);
    if (surrogate->n_examples[i]) PetscCall(Split(surrogate, training, (NomosSplit)i, program->quiet, splits));
  }
  snprintf(plots, sizeof plots, "%.4000s/plots", from.output);
  if (from.output[0] && params.pictures) surrogate->directory = plots;
  PetscCall(Results(surrogate, program->quiet, splits, &results));
  if (from.trained.ops->warn) PetscCall(from.trained.ops->warn(surrogate, AddWarning, warnings));
  PetscCall(Draw(program, &from, surrogate, warnings));
  PetscCall(Write(program, &from, surrogate, wanted, splits, results, json_array_size(warnings) ? warnings : NULL));
  json_decref(warnings);
  json_decref(splits);
  json_decref(results);
  PetscCall(NomosTrainingDestroy(&training));
  PetscCall(NomosSurrogateDestroy(&surrogate));
  PetscCall(NomosConfigDestroy(&from.trained.config));
  PetscFunctionReturn(PETSC_SUCCESS);
}
