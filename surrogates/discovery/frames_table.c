/* Numbers along trajectories from a table of text: a line of names, then a line of numbers for every time; commas between them, lines that begin with # for people. */
#include "surrogates/discovery/frames.h"

#include "io/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 256 };

typedef struct {
  size_t   n_fields, n_rows, n_trajectories;
  double  *values;   /* (n_rows, n_fields + 2): the fields, the time, the trajectory */
  size_t  *n_frames; /* (n_trajectories) */
  double **times;    /* (n_trajectories)(n_frames) */
  size_t **rows;     /* (n_trajectories)(n_frames) where a frame is */
} Table;

/* Cells of a line, without blanks around them, cut in place. */
static size_t Cut(char *line, char *cells[MOST_COLUMNS + 1])
{
  size_t n = 0;

  for (char *next = line; next && n <= MOST_COLUMNS;) {
    char *comma = strchr(next, ','), *end = comma ? comma : next + strlen(next);
    char *cell = next;
    next       = comma ? comma + 1 : NULL;
    while (isspace((unsigned char)*cell)) cell++;
    while (end > cell && isspace((unsigned char)end[-1])) end--;
    *end       = '\0';
    cells[n++] = cell;
  }
  return n;
}

static size_t Column(const char name[], size_t n, char *const names[])
{
  size_t c = 0;

  while (c < n && strcmp(names[c], name)) c++;
  return c;
}

/* The columns of the fields, of time, and of the trajectory (n: none). */
static PetscErrorCode FindColumns(const NomosFramesInput *input, size_t n, char *const names[], size_t columns[])
{
  const bool   named     = input->time && input->time[0];
  const size_t m         = input->n_fields;
  char         all[1024] = "";

  PetscFunctionBeginUser;
  for (size_t c = 0; c < n; c++) NomosTextAppend(sizeof all, all, "%s%s", c ? ", " : "", names[c]);
  for (size_t f = 0; f < m; f++) {
    columns[f] = Column(input->variables[f], n, names);
    PetscCheck(columns[f] < n, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no column %s; its columns are %s", input->where, input->path, input->variables[f], all);
  }
  columns[m] = Column(named ? input->time : "time", n, names);
  if (columns[m] == n && !named) columns[m] = Column("t", n, names);
  PetscCheck(columns[m] < n || (!named && input->time_step > 0), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no column %s; its columns are %s; name the one with the times (data.time), or give the time from row to row (data.time_step)", input->where, input->path, named ? input->time : "time or t", all);
  columns[m + 1] = Column("trajectory", n, names);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number; of fields, nothing or nan is one that is missing. */
static PetscErrorCode ReadCell(const NomosFramesInput *input, const char cell[], size_t line, bool may_be_missing, double *value)
{
  const char *end = NomosNumberRead(cell, value);

  PetscFunctionBeginUser;
  if (may_be_missing && (!cell[0] || !strcmp(cell, "nan") || !strcmp(cell, "NaN"))) {
    *value = NAN;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(end && !*end && isfinite(*value), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s:%zu: '%s' is not a number%s", input->where, input->path, line, cell, may_be_missing ? "; leave the cell empty where it is missing" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadRow(const NomosFramesInput *input, size_t line, const size_t columns[], size_t n, char *const cells[], Table *t)
{
  const size_t width = t->n_fields + 2;
  double      *row;

  PetscFunctionBeginUser;
  if (!(t->n_rows & (t->n_rows - 1))) PetscCall(PetscRealloc(PetscMax(1, 2 * t->n_rows) * width * sizeof *t->values, &t->values)); /* room for twice as many */
  row = t->values + t->n_rows * width;
  for (size_t k = 0; k < width; k++) {
    row[k] = 0;
    if (columns[k] < n) PetscCall(ReadCell(input, cells[columns[k]], line, k < t->n_fields, &row[k]));
  }
  t->n_rows++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTable(const NomosFramesInput *input, FILE *file, Table *t, char **text, char **header)
{
  char  *cells[MOST_COLUMNS + 1];
  size_t size = 0, line = 0, n = 0, columns[MOST_COLUMNS + 2];

  PetscFunctionBeginUser;
  while (getline(text, &size, file) >= 0) {
    char       *row   = *text + (line ? 0 : NomosTextMark(*text));
    const char *start = row + strspn(row, " \t\r\n");
    line++;
    if (!*start || *start == '#') continue;
    if (*header) {
      const size_t here = Cut(row, cells);
      PetscCheck(here == n, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s:%zu has %zu cells; the line of names has %zu", input->where, input->path, line, here, n);
      PetscCall(ReadRow(input, line, columns, n, cells, t));
      continue;
    }
    *header = strdup(row);
    n       = Cut(*header, cells);
    PetscCheck(n <= MOST_COLUMNS && input->n_fields <= MOST_COLUMNS, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has more than %d columns", input->where, input->path, MOST_COLUMNS);
    PetscCall(FindColumns(input, n, cells, columns));
  }
  PetscCheck(t->n_rows, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no line of numbers", input->where, input->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows that follow each other with the same trajectory are one; thinning is within each. */
static PetscErrorCode Arrange(const NomosFramesInput *input, Table *t)
{
  const size_t every = input->every ? input->every : 1, width = t->n_fields + 2, when = t->n_fields, which = when + 1;

  PetscFunctionBeginUser;
  for (size_t start = 0, end; start < t->n_rows; start = end) {
    size_t  n = 0, *rows;
    double *times;
    for (end = start + 1; end < t->n_rows && t->values[end * width + which] == t->values[start * width + which];) end++;
    PetscCall(PetscMalloc1(end - start, &rows));
    PetscCall(PetscMalloc1(end - start, &times));
    PetscCall(PetscRealloc((t->n_trajectories + 1) * sizeof *t->rows, &t->rows));
    PetscCall(PetscRealloc((t->n_trajectories + 1) * sizeof *t->times, &t->times));
    PetscCall(PetscRealloc((t->n_trajectories + 1) * sizeof *t->n_frames, &t->n_frames));
    t->rows[t->n_trajectories]    = rows;
    t->times[t->n_trajectories++] = times;
    for (size_t row = start + input->first_frame; row < end && (!input->max_frames || n < input->max_frames); row += every) {
      times[n] = input->time_step > 0 ? (double)(row - start) * input->time_step : t->values[row * width + when];
      NomosCheck(!n || times[n] > times[n - 1], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the time %g is not after the one before, %g; rows are in the order of time", input->where, input->path, times[n], times[n - 1]);
      rows[n++] = row;
    }
    PetscCheck(n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s has %zu rows; %zu are to be left out at first (data.first_frame)", input->where, input->path, end - start, input->first_frame);
    t->n_frames[t->n_trajectories - 1] = n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFrame(void *context, size_t trajectory, size_t frame, double *const fields[])
{
  const Table  *t   = context;
  const double *row = t->values + t->rows[trajectory][frame] * (t->n_fields + 2);

  PetscFunctionBeginUser;
  for (size_t f = 0; f < t->n_fields; f++)
    if (fields[f]) fields[f][0] = row[f];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloseTable(void *context)
{
  Table *t = context;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < t->n_trajectories; i++) {
    PetscCall(PetscFree(t->rows[i]));
    PetscCall(PetscFree(t->times[i]));
  }
  PetscCall(PetscFree(t->rows));
  PetscCall(PetscFree(t->times));
  PetscCall(PetscFree(t->n_frames));
  PetscCall(PetscFree(t->values));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFramesOpenTable(const NomosFramesInput *input, NomosFrames *frames)
{
  Table *t;
  FILE  *file;
  char  *text = NULL, *header = NULL;

  PetscFunctionBeginUser;
  *frames = (NomosFrames){0};
  PetscCheck(input->n_dims <= 0, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: %s: a table has numbers along time, and no axes of space", input->where, input->path);
  PetscCheck(!input->mask || !input->mask[0], PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: %s: a table has no mask: leave cells empty where numbers are missing", input->where, input->path);
  file = fopen(input->path, "r");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: %s: %s", input->where, input->path, strerror(errno));
  PetscCall(PetscNew(&t));
  t->n_fields         = input->n_fields;
  PetscErrorCode code = ReadTable(input, file, t, &text, &header);
  if (!code) code = Arrange(input, t);
  fclose(file);
  free(text);
  free(header);
  if (code) PetscCall(CloseTable(t));
  PetscCall(code);
  *frames = (NomosFrames){.n_fields = t->n_fields, .n_trajectories = t->n_trajectories, .n_frames = t->n_frames, .times = (const double *const *)t->times, .read = ReadFrame, .close = CloseTable, .context = t};
  PetscFunctionReturn(PETSC_SUCCESS);
}
