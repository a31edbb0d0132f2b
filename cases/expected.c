/* Are the results of a run those that the case expects (expected.yaml)? */
#include "cases/run.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

/* One line of expected.yaml: results: {name: {value: v, relative: tol} | {value: v, absolute: tol} | {min: a, max: b}} */
enum { VALUE, RELATIVE, ABSOLUTE, MINIMUM, MAXIMUM, N_BOUNDS };
static const char *const bound_names[N_BOUNDS] = {"value", "relative", "absolute", "min", "max"};

static PetscErrorCode ReadBounds(const char path[], yaml_document_t *document, yaml_node_t *node, const char name[], double bounds[N_BOUNDS])
{
  size_t line = node->start_mark.line + 1;

  PetscFunctionBeginUser;
  for (int b = 0; b < N_BOUNDS; b++) bounds[b] = NAN;
  PetscCheck(node->type == YAML_MAPPING_NODE, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: %s: expected a map such as {value: 1.5, relative: 1e-6}", path, line, name);
  for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
    yaml_node_t *key = yaml_document_get_node(document, pair->key), *value = yaml_document_get_node(document, pair->value);
    const char  *word = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "", *text = value->type == YAML_SCALAR_NODE ? (const char *)value->data.scalar.value : "";
    char        *end;
    int          b = 0;
    line = key->start_mark.line + 1;
    while (b < N_BOUNDS && strcmp(word, bound_names[b])) b++;
    PetscCheck(b < N_BOUNDS, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: %s: unknown key '%s'; possible are value, relative, absolute, min, max", path, line, name, word);
    bounds[b] = strtod(text, &end);
    PetscCheck(text[0] && !*end && isfinite(bounds[b]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: %s: %s: '%s' is not a number", path, line, name, word, text);
  }
  bool tolerance = !isnan(bounds[RELATIVE]) || !isnan(bounds[ABSOLUTE]), range = !isnan(bounds[MINIMUM]) || !isnan(bounds[MAXIMUM]);
  PetscCheck(isnan(bounds[VALUE]) != tolerance && (tolerance || range), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: %s: give a value with relative or absolute, or min and max", path, line, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool Compare(const char name[], double got, const double b[N_BOUNDS])
{
  double low = -INFINITY, high = INFINITY;
  bool   passed;
  char   expected[96];

  if (!isnan(b[VALUE])) {
    double tolerance = fmax(isnan(b[RELATIVE]) ? 0 : b[RELATIVE] * fabs(b[VALUE]), isnan(b[ABSOLUTE]) ? 0 : b[ABSOLUTE]);
    low              = b[VALUE] - tolerance;
    high             = b[VALUE] + tolerance;
    snprintf(expected, sizeof expected, "%.10g +- %.3g", b[VALUE], tolerance);
  } else snprintf(expected, sizeof expected, "%.6g to %.6g", isnan(b[MINIMUM]) ? low : b[MINIMUM], isnan(b[MAXIMUM]) ? high : b[MAXIMUM]);
  low    = fmax(low, isnan(b[MINIMUM]) ? low : b[MINIMUM]);
  high   = fmin(high, isnan(b[MAXIMUM]) ? high : b[MAXIMUM]);
  passed = got >= low && got <= high; /* false for NaN */
  printf("  %-4s %-36s %18.10g   expected %s\n", passed ? "ok" : "FAIL", name, got, expected);
  return passed;
}

static PetscErrorCode CompareAll(const char path[], yaml_document_t *document, json_t *results, const char summary[], bool *passed)
{
  yaml_node_t *root = yaml_document_get_root_node(document), *list = NULL;

  PetscFunctionBeginUser;
  *passed = true;
  if (root && root->type == YAML_MAPPING_NODE && root->data.mapping.pairs.top - root->data.mapping.pairs.start == 1) {
    yaml_node_t *key = yaml_document_get_node(document, root->data.mapping.pairs.start->key);
    if (key->type == YAML_SCALAR_NODE && !strcmp((const char *)key->data.scalar.value, "results")) list = yaml_document_get_node(document, root->data.mapping.pairs.start->value);
  }
  PetscCheck(list && list->type == YAML_MAPPING_NODE && list->data.mapping.pairs.top > list->data.mapping.pairs.start, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: expected one key, `results`, with a map of names", path);
  for (yaml_node_pair_t *pair = list->data.mapping.pairs.start; pair < list->data.mapping.pairs.top; pair++) {
    yaml_node_t *key  = yaml_document_get_node(document, pair->key);
    const char  *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "?";
    json_t      *value = json_object_get(results, name);
    double       bounds[N_BOUNDS];
    PetscCall(ReadBounds(path, document, yaml_document_get_node(document, pair->value), name, bounds));
    if (!value) {
      const char *names[256], *near, *other;
      size_t      n = 0;
      json_t     *unused;
      json_object_foreach(results, other, unused) if (n < 256) names[n++] = other;
      near = NomosNearestName(name, n, names);
      SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: %s has no result '%s'%s%s%s", path, key->start_mark.line + 1, summary, name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    if (!Compare(name, json_is_number(value) ? json_number_value(value) : NAN, bounds)) *passed = false;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCheckResults(const char case_directory[], const char run_directory[], bool *passed)
{
  char            path[NOMOS_MAX_PATH + 32], summary_path[NOMOS_MAX_PATH + 32];
  json_t         *summary, *results;
  json_error_t    json_error;
  yaml_parser_t   parser;
  yaml_document_t document;
  FILE           *file;
  PetscErrorCode  code;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/expected.yaml", case_directory);
  snprintf(summary_path, sizeof summary_path, "%s/summary.json", run_directory);
  PetscCheck(!access(summary_path, R_OK), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: is not the directory of a run: its summary.json cannot be read (%s)", run_directory, strerror(errno));
  summary = json_load_file(summary_path, 0, &json_error);
  PetscCheck(summary, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s:%d: the file is damaged: %s", summary_path, json_error.line, json_error.text);
  results = json_object_get(summary, "results");
  const char *status = json_string_value(json_object_get(summary, "status"));
  PetscCheck(json_is_object(results) && json_object_size(results), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: no results in it: the run has not ended (status %s)", summary_path, status ? status : "unknown");
  file = fopen(path, "r");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: %s; --check needs the numbers to expect", path, strerror(errno));
  yaml_parser_initialize(&parser);
  yaml_parser_set_input_file(&parser, file);
  if (!yaml_parser_load(&parser, &document)) {
    size_t line = parser.problem_mark.line + 1;
    char   problem[256];
    snprintf(problem, sizeof problem, "%s", parser.problem ? parser.problem : "not YAML");
    yaml_parser_delete(&parser);
    fclose(file);
    json_decref(summary);
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: %s", path, line, problem);
  }
  fclose(file);
  code = CompareAll(path, &document, results, summary_path, passed);
  yaml_document_delete(&document);
  yaml_parser_delete(&parser);
  json_decref(summary);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
