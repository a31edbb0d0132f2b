/* `nomos compare` of trainings of emulators: what each errs on the sets that it was judged on, from summary.json, plots/errors.csv and errors_by_time.csv of their directories: a table, compare.json, and errors against the first
   parameter and against time; and a warning where a set of one name is another set. */
#include "cases/compare.h"
#include "cases/train_params.h"
#include "io/disk.h"
#include "io/plot.h"
#include "io/sort.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAX_SETS = 64, MAX_COLUMNS = 32, MAX_LINE = 2 * NOMOS_MAX_PATH, DRAWN_SETS = 7 };

/* Rows of a set in the file: what they are of (parameter or time; NaN: it is not told) and their errors; of: a hash of where a trajectory lies, 0 of a frame. still: the mean of persistence_nrmse. n_all: with rows that have no error. */
typedef struct {
  size_t    n, n_all, n_still;
  double   *x, *error, still;
  uint64_t *of;
} Rows;

typedef struct {
  const char *directory;
  char        name[NOMOS_LABEL], parameter[NOMOS_MAX_NAME], clock[NOMOS_MAX_NAME]; /* parameter "": no training of these knows one */
  bool        blind;
  Rows        trajectories[MAX_SETS], frames[MAX_SETS];                           /* of the sets of the comparison; n 0: it has none of this name */
  double      nrmse[MAX_SETS], still[MAX_SETS];                                   /* of these sets; still: of the first frame for ever, so of the truth alone; NaN: not told */
  json_t     *warnings;
} Training;

typedef struct {
  size_t   n, n_sets;
  char     sets[MAX_SETS][NOMOS_MAX_NAME];
  Training trainings[NOMOS_MAX_COMPARED];
  char     directory[NOMOS_MAX_PATH];
} Trainings;

/* ---- files: a header with names, rows `set,number,...`; a file's name at the end may hold commas */

static size_t Split(char line[], char *fields[MAX_COLUMNS])
{
  size_t n = 0;

  line[strcspn(line, "\n")] = '\0';
  for (char *at = line; at && n < MAX_COLUMNS;) {
    fields[n++] = at;
    if ((at = strchr(at, ','))) *at++ = '\0';
  }
  return n;
}

static size_t Column(size_t n, char *const names[], const char name[])
{
  size_t c = 0;

  while (c < n && strcmp(names[c], name)) c++;
  return c;
}

/* The text from column c on. */
static uint64_t HashFrom(const char line[], size_t c)
{
  for (; c && line; c--)
    if ((line = strchr(line, ','))) line++;
  return line ? XXH64(line, strcspn(line, "\n"), 0) : 0;
}

/* A set of this name, made if it is new; MAX_SETS: one too many. */
static size_t SetOf(Trainings *all, const char name[])
{
  for (size_t s = 0; s < all->n_sets; s++)
    if (!strcmp(all->sets[s], name)) return s;
  if (all->n_sets == MAX_SETS) return MAX_SETS;
  snprintf(all->sets[all->n_sets], NOMOS_MAX_NAME, "%s", name);
  return all->n_sets++;
}

/* x of column `of` (or, past the end, 0), errors of column nrmse. `of`: in, its number; the header's name comes back. */
static PetscErrorCode Read(Trainings *all, const Training *t, const char file[], size_t of, char name[NOMOS_MAX_NAME], Rows rows[MAX_SETS])
{
  char   path[NOMOS_MAX_PATH + 64], line[MAX_LINE], *fields[MAX_COLUMNS];
  size_t error = MAX_COLUMNS, still = MAX_COLUMNS, place = 0, n;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/plots/%s", t->directory, file);
  FILE *in = fopen(path, "r");
  PetscCheck(in, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: cannot be read: %s; it is written by the training of an emulator (surrogate: neural_operator), or by: nomos plot %s", path, strerror(errno), t->directory);
  if (fgets(line, sizeof line, in)) {
    n     = Split(line, fields);
    error = Column(n, fields, "nrmse");
    place = Column(n, fields, "index_in_file");
    still = Column(n, fields, "persistence_nrmse");
    if (place == n) place = 0;
    if (still == n) still = MAX_COLUMNS;
    snprintf(name, NOMOS_MAX_NAME, "%.60s", of < error && error < n ? fields[of] : "");
    if (error == n) error = MAX_COLUMNS;
  }
  PetscErrorCode code = PETSC_SUCCESS;
  while (!code && error < MAX_COLUMNS && fgets(line, sizeof line, in)) {
    const uint64_t at = place ? HashFrom(line, place) : 0;
    const size_t   n_fields = Split(line, fields);
    if (n_fields <= error) continue; /* cut short */
    const size_t set = SetOf(all, fields[0]);
    if (set == MAX_SETS) {
      code = PETSC_ERR_ARG_OUTOFRANGE;
      break;
    }
    Rows *r = &rows[set];
    r->n_all++;
    if (still < n_fields && fields[still][0]) {
      r->still += (strtod(fields[still], NULL) - r->still) / (double)(r->n_still + 1);
      r->n_still++;
    }
    if (!fields[error][0]) continue; /* empty: zero everywhere, which has no relative error */
    code    = PetscRealloc((r->n + 1) * sizeof *r->x, &r->x);
    if (!code) code = PetscRealloc((r->n + 1) * sizeof *r->error, &r->error);
    if (!code) code = PetscRealloc((r->n + 1) * sizeof *r->of, &r->of);
    if (code) break;
    r->x[r->n]       = name[0] ? strtod(fields[of], NULL) : NAN;
    r->of[r->n]      = at;
    r->error[r->n++] = strtod(fields[error], NULL);
  }
  fclose(in);
  PetscCheck(code != PETSC_ERR_ARG_OUTOFRANGE, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: these trainings were judged on more than %d sets; compare fewer, or join test sets in one file", path, MAX_SETS);
  PetscCall(code);
  PetscCheck(error < MAX_COLUMNS, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: has no column nrmse; draw it anew: nomos plot %s", path, t->directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A blind training knows no parameter; of trajectories that lie in the same places another one does. */
static void LendParameters(const Trainings *all, const Training *from, Training *to)
{
  for (size_t s = 0; s < all->n_sets; s++)
    for (size_t i = 0; i < to->trajectories[s].n; i++)
      for (size_t k = 0; k < from->trajectories[s].n; k++)
        if (to->trajectories[s].of[i] == from->trajectories[s].of[k]) to->trajectories[s].x[i] = from->trajectories[s].x[k];
  snprintf(to->parameter, sizeof to->parameter, "%s", from->parameter);
}

static double Mean(const Rows *rows)
{
  double sum = 0;

  for (size_t i = 0; i < rows->n; i++) sum += rows->error[i];
  return rows->n ? sum / (double)rows->n : NAN;
}

/* A result of the summary; else another number. */
static double ResultOf(const json_t *summary, const char set[], const char what[], double otherwise)
{
  char name[2 * NOMOS_MAX_NAME];

  snprintf(name, sizeof name, "%s_%s", set, what);
  const json_t *told = json_object_get(json_object_get(summary, "results"), name);
  return json_is_number(told) ? json_number_value(told) : otherwise;
}

/* That of the summary, over all fields and frames that have an error; where it tells none, the mean over the trajectories: another one, if some of their fields or frames are left out. */
static void FindErrors(const Trainings *all, Training *t)
{
  char path[NOMOS_MAX_PATH + 32];

  snprintf(path, sizeof path, "%.4000s/summary.json", t->directory);
  json_t *summary = json_load_file(path, 0, NULL);
  for (size_t s = 0; s < all->n_sets; s++) {
    const Rows *rows = &t->trajectories[s];
    t->nrmse[s]      = ResultOf(summary, all->sets[s], "nrmse", Mean(rows));
    t->still[s]      = ResultOf(summary, all->sets[s], "persistence_nrmse", rows->n_still ? rows->still : NAN);
  }
  json_decref(summary);
}

static PetscErrorCode Open(const NomosProgram *program, Trainings *all)
{
  const Training *told = NULL;

  PetscFunctionBeginUser;
  for (; all->n < program->n_arguments; all->n++) {
    Training *t  = &all->trainings[all->n];
    t->directory = program->arguments[all->n];
    NomosLastName(t->directory, t->name);
    PetscCall(Read(all, t, "errors.csv", 2, t->parameter, t->trajectories));
    PetscCall(Read(all, t, "errors_by_time.csv", 2, t->clock, t->frames));
    t->blind = !t->parameter[0];
    if (!told && !t->blind) told = t;
    PetscCheck(!told || t->blind || !strcmp(t->parameter, told->parameter), PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s is told %s and %s %s: trainings on data of one kind are compared", told->directory, told->parameter, t->directory, t->parameter);
  }
  for (size_t i = 0; i < all->n && told; i++)
    if (all->trainings[i].blind) LendParameters(all, told, &all->trainings[i]);
  for (size_t i = 0; i < all->n; i++) FindErrors(all, &all->trainings[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Close(Trainings *all)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < NOMOS_MAX_COMPARED; i++) json_decref(all->trainings[i].warnings);
  for (size_t i = 0; i < NOMOS_MAX_COMPARED; i++)
    for (size_t s = 0; s < MAX_SETS; s++) {
      PetscCall(PetscFree(all->trainings[i].trajectories[s].x));
      PetscCall(PetscFree(all->trainings[i].trajectories[s].error));
      PetscCall(PetscFree(all->trainings[i].trajectories[s].of));
      PetscCall(PetscFree(all->trainings[i].frames[s].of));
      PetscCall(PetscFree(all->trainings[i].frames[s].x));
      PetscCall(PetscFree(all->trainings[i].frames[s].error));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Errors on one set are compared where it is one: as many trajectories, of which the first frame errs alike for ever. errors.csv has six digits. */
static bool IsSame(const Training *a, const Training *b, size_t s)
{
  const double still[] = {a->still[s], b->still[s]};

  return a->trajectories[s].n_all == b->trajectories[s].n_all && (!isfinite(still[0]) || !isfinite(still[1]) || fabs(still[0] - still[1]) <= 1e-5 * fmax(fabs(still[0]), fabs(still[1])));
}

/* Of each set the trainings that were judged on another one than the first that has it. */
static void Warn(Trainings *all)
{
  char sentence[1024];

  for (size_t s = 0; s < all->n_sets; s++) {
    const Training *first = NULL;
    for (size_t i = 0; i < all->n; i++) {
      Training *t = &all->trainings[i];
      if (!t->trajectories[s].n_all) continue;
      if (!first) first = t;
      if (IsSame(first, t, s)) continue;
      snprintf(sentence, sizeof sentence, "%s: %.200s was judged on %zu trajector%s whose first frame errs by %.6g for ever (persistence_nrmse), %.200s on %zu by %.6g: these are errors of other trajectories, frames or fields, which do not compare", all->sets[s], first->name, first->trajectories[s].n_all, first->trajectories[s].n_all == 1 ? "y" : "ies", first->still[s], t->name, t->trajectories[s].n_all, t->still[s]);
      if (!t->warnings) t->warnings = json_array();
      json_array_append_new(t->warnings, json_string(sentence));
      fflush(stdout);
      fprintf(stderr, "warning: %s\n", sentence);
    }
  }
}

/* ---- numbers */

static void Print(const Trainings *all)
{
  printf("nRMSE of free runs\n%-28s", "");
  for (size_t s = 0; s < all->n_sets; s++) { /* the end of a name of a file tells it from others */
    const size_t length = strlen(all->sets[s]);
    printf(" %12s", all->sets[s] + (length > 12 ? length - 12 : 0));
  }
  for (size_t i = 0; i < all->n; i++) {
    printf("\n%-28.28s", all->trainings[i].name);
    for (size_t s = 0; s < all->n_sets; s++) {
      if (all->trainings[i].trajectories[s].n) printf(" %12.3g", all->trainings[i].nrmse[s]);
      else printf(" %12s", "-");
    }
  }
  printf("\n");
}

static PetscErrorCode WriteJson(const Trainings *all)
{
  json_t   *root = json_array();
  char      path[NOMOS_MAX_PATH + 32];
  NomosText text;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < all->n; i++) {
    json_t *sets = json_object();
    for (size_t s = 0; s < all->n_sets; s++) {
      const bool has = all->trainings[i].trajectories[s].n && isfinite(all->trainings[i].nrmse[s]);
      json_object_set_new(sets, all->sets[s], has ? json_real(all->trainings[i].nrmse[s]) : json_null());
    }
    json_array_append_new(root, json_pack("{s:s, s:s*, s:o, s:O*}", "run", all->trainings[i].directory, "parameter", all->trainings[i].blind ? NULL : all->trainings[i].parameter, "nrmse", sets, "warnings", all->trainings[i].warnings));
  }
  PetscCall(NomosTextBegin(&text));
  json_dumpf(root, text.out, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
  json_decref(root);
  snprintf(path, sizeof path, "%s/compare.json", all->directory);
  PetscCall(NomosTextWrite(PETSC_COMM_SELF, path, &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the picture */

/* Means over the trajectories of each value of the parameter, in order of the values: for PetscFree2. Of more than so many values every trajectory stands for itself. */
static PetscErrorCode OfParameter(const Trainings *all, const Training *t, size_t *n, double **x, double **error)
{
  size_t  n_all = 0;
  double *values;

  PetscFunctionBeginUser;
  for (size_t s = 0; s < all->n_sets; s++) n_all += t->trajectories[s].n;
  PetscCall(PetscMalloc2(n_all + 1, x, n_all + 1, error));
  PetscCall(PetscMalloc1(n_all + 1, &values));
  n_all = 0;
  for (size_t s = 0; s < all->n_sets; s++)
    for (size_t i = 0; i < t->trajectories[s].n; i++)
      if (isfinite(t->trajectories[s].x[i])) values[n_all++] = t->trajectories[s].x[i];
  NomosSort(n_all, values);
  *n = 0;
  for (size_t i = 0; i < n_all; i++) {
    double sum = 0, count = 0;
    if (i && values[i] == values[i - 1]) continue;
    for (size_t s = 0; s < all->n_sets; s++)
      for (size_t k = 0; k < t->trajectories[s].n; k++)
        if (t->trajectories[s].x[k] == values[i]) sum += t->trajectories[s].error[k], count += 1;
    (*x)[*n]         = values[i];
    (*error)[(*n)++] = sum / count;
  }
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawParameter(const Trainings *all, NomosFigure figure)
{
  enum { MOST_VALUES = 40 }; /* above them values were drawn, and a line through them says nothing */
  double      *x[NOMOS_MAX_COMPARED], *error[NOMOS_MAX_COMPARED], low = INFINITY, high = -INFINITY;
  size_t       n[NOMOS_MAX_COMPARED];
  const char  *name = "";

  PetscFunctionBeginUser;
  for (size_t i = 0; i < all->n; i++) {
    PetscCall(OfParameter(all, &all->trainings[i], &n[i], &x[i], &error[i]));
    if (all->trainings[i].parameter[0]) name = all->trainings[i].parameter;
    for (size_t k = 0; k < n[i]; k++) {
      low  = fmin(low, x[i][k]);
      high = fmax(high, x[i][k]);
    }
  }
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "errors of all sets, means of each value", .x_label = name, .y_label = "nRMSE", .x_scale = low > 0 && high > 8 * low ? NOMOS_SCALE_LOG : NOMOS_SCALE_LINEAR, .y_scale = NOMOS_SCALE_LOG}));
  for (size_t i = 0; i < all->n; i++) {
    PetscCall(NomosFigureLine(figure, n[i], x[i], error[i], NULL, n[i] <= MOST_VALUES ? 0 : 3));
    PetscCall(PetscFree2(x[i], error[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawTime(const Trainings *all, size_t set, NomosFigure figure, int panel)
{
  char title[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(title, sizeof title, "errors of the set %s", all->sets[set]);
  PetscCall(NomosFigurePanel(figure, panel / 2, panel % 2, &(NomosAxes){.title = title, .x_label = all->trainings[0].clock, .y_label = "nRMSE", .y_scale = NOMOS_SCALE_LOG}));
  for (size_t i = 0; i < all->n; i++) {
    const Rows *rows = &all->trainings[i].frames[set];
    PetscCall(NomosFigureLine(figure, rows->n, rows->x, rows->error, NULL, 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Draw(const Trainings *all)
{
  NomosFigure figure;
  char        path[NOMOS_MAX_PATH + 32], names[NOMOS_MAX_COMPARED][NOMOS_LABEL];
  const char *labels[NOMOS_MAX_COMPARED];
  const bool  told   = all->trainings[0].parameter[0];
  const int   n_sets = (int)PetscMin(all->n_sets, DRAWN_SETS), n = n_sets + told;

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate(NULL, (n + 1) / 2, PetscMin(n, 2), &figure));
  if (told) PetscCall(DrawParameter(all, figure));
  for (int s = 0; s < n_sets; s++) PetscCall(DrawTime(all, (size_t)s, figure, s + told));
  for (size_t i = 0; i < all->n; i++) {
    NomosLiteral(all->trainings[i].name, names[i]);
    labels[i] = names[i];
  }
  PetscCall(NomosFigureLegend(figure, all->n, labels));
  snprintf(path, sizeof path, "%s/plots/errors", all->directory);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the command */

PetscErrorCode NomosCompareAreTrainings(const NomosProgram *program, bool *are)
{
  const char *which[2] = {NULL, NULL}; /* a run, a training */

  PetscFunctionBeginUser;
  for (size_t i = 0; i < program->n_arguments; i++) {
    char path[NOMOS_MAX_PATH + 32];
    snprintf(path, sizeof path, "%.4000s/config.yaml", program->arguments[i]);
    which[!access(path, R_OK) && NomosIsTraining(path)] = program->arguments[i];
  }
  PetscCheck(!which[0] || !which[1], PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s is a training, %s is none: runs are compared with runs, and trainings with trainings", which[1], which[0]);
  *are = !which[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(const NomosProgram *program, Trainings *all)
{
  char plots[NOMOS_MAX_PATH + 32];

  PetscFunctionBeginUser;
  PetscCall(Open(program, all));
  snprintf(all->directory, sizeof all->directory, "%.4000s%s", program->directory ? program->directory : program->arguments[0], program->directory ? "" : "/compare");
  snprintf(plots, sizeof plots, "%s/plots", all->directory);
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, all->directory));
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, plots));
  if (!program->quiet) Print(all);
  Warn(all);
  PetscCall(WriteJson(all));
  PetscCall(Draw(all));
  if (!program->quiet) printf("\nnumbers are in %s/compare.json, a picture in %s/plots\n", all->directory, all->directory);
  if (!program->quiet && all->n_sets > DRAWN_SETS) printf("the picture shows errors against time of the first %d of %zu sets\n", DRAWN_SETS, all->n_sets);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCompareTrainings(const NomosProgram *program)
{
  Trainings *all;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&all));
  PetscErrorCode failed = Compare(program, all);
  PetscCall(Close(all));
  PetscCall(PetscFree(all));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
