/* CSV of scalars over steps: continued behind the last checkpoint, read back; damage is told by its line. */
#include "io/log.h"
#include "io/text.h"
#include "io/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct NomosScalarFile_s {
  MPI_Comm comm;
  int      rank;
  size_t   n, room; /* scalars; bytes of `row` */
  int      fd;
  off_t    length; /* of the whole rows in the file */
  char    *header, *row;
  char     path[NOMOS_MAX_PATH];
};

enum { BYTES_PER_NUMBER = 32 };
enum { MAX_START = NOMOS_MAX_NAME + 8 };

/* "step,time": how a file of scalars begins. */
static const char *Start(const char clock[], char start[MAX_START])
{
  snprintf(start, MAX_START, "step,%s", clock);
  return start;
}

static bool WriteAll(int fd, const char text[], size_t length)
{
  while (length) {
    ssize_t written = write(fd, text, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text += written;
    length -= (size_t)written;
  }
  return true;
}

static bool HasUnit(const char unit[])
{
  return unit && unit[0] && strcmp(unit, "1");
}

static PetscErrorCode BuildHeader(MPI_Comm comm, const char start[], size_t n, const char *const names[], const char *const units[], char **header)
{
  size_t room = strlen(start) + 16, used;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    PetscCheck(names[i] && names[i][0] && !strpbrk(names[i], ",[]\"\r\n"), comm, PETSC_ERR_ARG_WRONG, "The scalar \"%s\" cannot head a CSV column; a name must not be empty or contain , [ ] \" or a line break", names[i] ? names[i] : "");
    PetscCheck(!units || !units[i] || !strpbrk(units[i], ",[]\"\r\n"), comm, PETSC_ERR_ARG_WRONG, "The unit \"%s\" of the scalar \"%s\" must not contain , [ ] \" or a line break", units[i], names[i]);
    room += strlen(names[i]) + (units && units[i] ? strlen(units[i]) : 0) + 8;
  }
  PetscCall(PetscMalloc1(room, header));
  used = (size_t)snprintf(*header, room, "%s%s", start, units ? " [s]" : "");
  for (size_t i = 0; i < n; i++) {
    bool has_unit = units && HasUnit(units[i]);
    used += (size_t)snprintf(*header + used, room - used, has_unit ? ",%s [%s]" : ",%s", names[i], has_unit ? units[i] : "");
  }
  snprintf(*header + used, room - used, "\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of one line without its line break. Returns how many there are, or 0 with the place of what is no number. */
static size_t ParseRow(const char line[], size_t n, double values[], const char **fault)
{
  const char *c = line;

  *fault = NULL;
  for (size_t i = 0;; i++) {
    char  *end;
    double value = strtod(c, &end);
    if (end == c || (*end != ',' && *end != '\0')) {
      *fault = c;
      return 0;
    }
    if (i < n) values[i] = value;
    if (*end == '\0') return i + 1;
    c = end + 1;
  }
}

/* Length and last character without the line break ("\n" or "\r\n"); false if the line is not finished. */
static bool TrimLine(char line[], ssize_t length)
{
  if (length < 1 || line[length - 1] != '\n') return false;
  line[--length] = '\0';
  if (length && line[length - 1] == '\r') line[length - 1] = '\0';
  return strlen(line) + 1 >= (size_t)length; /* a zero byte inside: damaged */
}

/* The fault of a row as the tail of a sentence. */
static void RefuseRow(const char path[], size_t number, const char fault[], size_t found, size_t wanted, NomosVerdict *verdict)
{
  char text[41], shown[48];

  snprintf(text, sizeof text, "%.*s", (int)PetscMin(strcspn(fault ? fault : "", ","), 40), fault ? fault : "");
  if (fault) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: \"%s\" is not a number; the file is damaged: correct or remove this line", path, number, NomosTextShorten(text, sizeof shown, shown));
  else NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: %zu values where the header has %zu columns; the file is damaged: correct or remove this line", path, number, found, wanted);
}

/* Always a refusal: the first column that differs. */
static void RefuseColumns(const char path[], const char line[], const char header[], NomosVerdict *verdict)
{
  char   text[101], shown[112];
  size_t column = 1, theirs = strcspn(line, ",\r\n"), ours = strcspn(header, ",\r\n");

  while (theirs == ours && !strncmp(line, header, ours) && line[theirs] == ',' && header[ours] == ',') {
    line += theirs + 1;
    header += ours + 1;
    theirs = strcspn(line, ",\r\n");
    ours   = strcspn(header, ",\r\n");
    column++;
  }
  if (theirs == ours && !strncmp(line, header, ours)) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: cannot be continued: it has %s than %zu columns, but this run writes %s; resume with the same scalars or in a new directory", path, line[theirs] == ',' ? "more" : "no more", column, line[theirs] == ',' ? "no more" : "more");
  snprintf(text, sizeof text, "%.*s", (int)PetscMin(theirs, 100), line);
  if (!verdict->code) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: cannot be continued: its column %zu is `%s`, but this run writes `%.*s`; resume with the same scalars or in a new directory", path, column, NomosTextShorten(text, sizeof shown, shown), (int)PetscMin(ours, 100), header);
}

/* How many bytes of an existing file to keep: everything up to the first row behind last_step or the half-written one. 0: start afresh. */
static off_t MeasurePrefix(const char path[], const char start[], const char header[], size_t n_columns, int64_t last_step, NomosVerdict *verdict)
{
  FILE   *stream = fopen(path, "r");
  char   *line   = NULL;
  double *values = (double *)calloc(n_columns, sizeof *values), previous = -HUGE_VAL;
  size_t  room   = 0, number = 1;
  ssize_t length;
  off_t   keep = 0;

  if (!stream || !values) {
    if (errno != ENOENT) NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: the scalars cannot be read: %s", path, strerror(errno));
    goto done;
  }
  length = getline(&line, &room, stream);
  if (length < 0 && ferror(stream)) NomosVerdictFail(verdict, PETSC_ERR_FILE_READ, "%s: the scalars cannot be read: %s", path, strerror(errno));
  if (length <= 0) goto done;
  if (strcmp(line, header)) {
    if (line[length - 1] != '\n' && !strncmp(line, header, (size_t)length)) goto done; /* killed while writing the header */
    if (strncmp(line, start, strlen(start))) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: this is not a file of scalars (its first line does not start with `%s`); move it away", path, start);
    else RefuseColumns(path, line, header, verdict);
    goto done;
  }
  keep = (off_t)length;
  while ((length = getline(&line, &room, stream)) > 0) {
    const char *fault;
    size_t      found;
    number++;
    if (line[length - 1] != '\n') break; /* half-written */
    if (!TrimLine(line, length)) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: the line has zero bytes; the file is damaged: correct or remove this line", path, number);
      break;
    }
    found = ParseRow(line, n_columns, values, &fault);
    if (found != n_columns) {
      RefuseRow(path, number, fault, found, n_columns, verdict);
      break;
    }
    if (!(values[0] >= previous)) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: step %.0f comes after step %.0f; the file is damaged: steps must not decrease", path, number, values[0], previous);
      break;
    }
    if (values[0] > (double)last_step) break;
    previous = values[0];
    keep += (off_t)length;
  }
done:
  free(line);
  free(values);
  if (stream) fclose(stream);
  return keep;
}

/* Create keeps nothing, but does not overwrite what is no file of scalars. */
static void CheckReplaceable(const char path[], const char start[], NomosVerdict *verdict)
{
  FILE  *stream = fopen(path, "r");
  char   theirs[MAX_START];
  size_t n;

  if (!stream) return; /* opening it for writing will tell */
  n = fread(theirs, 1, strlen(start), stream);
  if (memcmp(theirs, start, n)) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: this is not a file of scalars (its first line does not start with `%s`); it is not overwritten: move it away", path, start);
  fclose(stream);
}

static void OpenAt(NomosScalarFile self, off_t keep, NomosVerdict *verdict)
{
  self->fd = open(self->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (self->fd < 0) NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: the scalars cannot be written: %s", self->path, strerror(errno));
  else if (ftruncate(self->fd, keep)) NomosVerdictFail(verdict, PETSC_ERR_FILE_WRITE, "%s: the file cannot be cut to %lld bytes: %s", self->path, (long long)keep, strerror(errno));
  else if (!keep && !WriteAll(self->fd, self->header, strlen(self->header))) NomosVerdictFail(verdict, PETSC_ERR_FILE_WRITE, "%s: the scalars cannot be written: %s", self->path, strerror(errno));
  else self->length = keep ? keep : (off_t)strlen(self->header);
}

/* last_step < 0: a new file; file NULL: only look. */
static PetscErrorCode OpenFile(MPI_Comm comm, const char path[], const char clock[], size_t n, const char *const names[], const char *const units[], int64_t last_step, NomosScalarFile *file)
{
  NomosScalarFile self;
  NomosVerdict    verdict = {0};
  PetscErrorCode  code;
  off_t           keep = 0;
  char            start[MAX_START];

  PetscFunctionBeginUser;
  Start(clock, start);
  if (file) *file = NULL;
  PetscCheck(strlen(path) < NOMOS_MAX_PATH, comm, PETSC_ERR_ARG_OUTOFRANGE, "%.80s...: the path is longer than %d bytes; choose a shorter one", path, NOMOS_MAX_PATH - 1);
  PetscCall(PetscNew(&self));
  self->comm = comm;
  self->n    = n;
  self->fd   = -1;
  self->room = (n + 2) * BYTES_PER_NUMBER;
  snprintf(self->path, sizeof self->path, "%s", path);
  PetscCallMPI(MPI_Comm_rank(comm, &self->rank));
  code = BuildHeader(comm, start, n, names, units, &self->header);
  if (!code) PetscCall(PetscMalloc1(self->room, &self->row));
  if (!code && !self->rank) {
    if (last_step >= 0) keep = MeasurePrefix(path, start, self->header, n + 2, last_step, &verdict);
    else CheckReplaceable(path, start, &verdict);
    if (!verdict.code && file) OpenAt(self, keep, &verdict);
  }
  if (!code) code = NomosVerdictRaise(comm, &verdict);
  if (code || !file) PetscCall(NomosScalarFileClose(&self));
  PetscCall(code);
  if (file) *file = self;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalarFileCreate(MPI_Comm comm, const char path[], size_t n, const char *const names[], const char *const units[], NomosScalarFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(OpenFile(comm, path, "time", n, names, units, -1, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalarFileCreateOver(MPI_Comm comm, const char path[], const char clock[], size_t n, const char *const names[], NomosScalarFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(OpenFile(comm, path, clock, n, names, NULL, -1, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalarFileResumeOver(MPI_Comm comm, const char path[], const char clock[], size_t n, const char *const names[], int64_t last_step, NomosScalarFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(OpenFile(comm, path, clock, n, names, NULL, last_step, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalarFileResume(MPI_Comm comm, const char path[], size_t n, const char *const names[], const char *const units[], int64_t last_step, NomosScalarFile *file)
{
  PetscFunctionBeginUser;
  PetscCheck(last_step >= 0, comm, PETSC_ERR_ARG_OUTOFRANGE, "Scalars cannot be resumed at step %lld; a step is 0 or more", (long long)last_step);
  PetscCall(OpenFile(comm, path, "time", n, names, units, last_step, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalarFileWrite(NomosScalarFile file, int64_t step, double time, const double values[])
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  if (!file->rank) {
    size_t used = (size_t)snprintf(file->row, file->room, "%lld,%.17g", (long long)step, time);
    for (size_t i = 0; i < file->n; i++) used += (size_t)snprintf(file->row + used, file->room - used, ",%.17g", values[i]);
    file->row[used++] = '\n';
    if (WriteAll(file->fd, file->row, used)) file->length += (off_t)used;
    else {
      NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: the scalars of step %lld cannot be written: %s", file->path, (long long)step, strerror(errno));
      if (ftruncate(file->fd, file->length)) errno = 0; /* half a row stays then; Resume drops it */
    }
  }
  PetscCall(NomosVerdictRaise(file->comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalarFileClose(NomosScalarFile *file)
{
  PetscFunctionBeginUser;
  if (!*file) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*file)->fd >= 0) close((*file)->fd);
  PetscCall(PetscFree((*file)->header));
  PetscCall(PetscFree((*file)->row));
  PetscCall(PetscFree(*file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `energy [m2 s-2]` -> name and unit. Cuts the text of the column. */
static PetscErrorCode TakeColumn(char column[], char **name, char **unit)
{
  char *open = strstr(column, " ["), *end = column + strlen(column);

  PetscFunctionBeginUser;
  if (open && end[-1] == ']') {
    end[-1] = '\0';
    *open   = '\0';
    PetscCall(PetscStrallocpy(open + 2, unit));
  } else PetscCall(PetscStrallocpy("", unit));
  PetscCall(PetscStrallocpy(column, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHeader(char line[], NomosTable *table)
{
  size_t n = 1;

  PetscFunctionBeginUser;
  for (const char *c = line; *c; c++) n += *c == ',';
  PetscCall(PetscCalloc2(n, &table->names, n, &table->units));
  for (size_t i = 0; i < n; i++) {
    char *comma = strchr(line, ',');
    if (comma) *comma = '\0';
    PetscCall(TakeColumn(line, &table->names[i], &table->units[i]));
    table->n_columns = i + 1;
    line             = comma ? comma + 1 : line;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTable(FILE *stream, const char path[], char **line, NomosTable *table, NomosVerdict *verdict)
{
  size_t  room = 0, rows = 0, number = 1;
  ssize_t length = getline(line, &room, stream);

  PetscFunctionBeginUser;
  if (length < 0 && ferror(stream)) NomosVerdictFail(verdict, PETSC_ERR_FILE_READ, "%s: cannot be read: %s", path, strerror(errno));
  else if (length < 1) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the file is empty; expected a header such as `step,time [s],energy [m2 s-2]`", path);
  else if (strncmp(*line + NomosTextMark(*line), "step,", 5) || !TrimLine(*line, length)) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: this is not a file of scalars; its first line must start with `step,`", path);
  if (verdict->code) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ReadHeader(*line + NomosTextMark(*line), table));
  while ((length = getline(line, &room, stream)) > 0) {
    const char *fault;
    size_t      found;
    number++;
    if ((*line)[length - 1] != '\n') break;
    if (table->n_rows == rows) {
      rows = rows ? 2 * rows : 256;
      PetscCall(PetscRealloc(rows * table->n_columns * sizeof(double), &table->values));
    }
    if (!TrimLine(*line, length)) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s:%zu: the line has zero bytes; the file is damaged: correct or remove this line", path, number);
      break;
    }
    found = ParseRow(*line, table->n_columns, table->values + table->n_rows * table->n_columns, &fault);
    if (found != table->n_columns) {
      RefuseRow(path, number, fault, found, table->n_columns, verdict);
      break;
    }
    table->n_rows++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTableRead(const char path[], NomosTable *table)
{
  NomosVerdict   verdict = {0};
  PetscErrorCode code;
  char          *line = NULL;
  FILE          *stream;

  PetscFunctionBeginUser;
  *table = (NomosTable){0};
  stream = fopen(path, "r");
  PetscCheck(stream, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%.4000s: cannot be read: %s", path, strerror(errno));
  code = ReadTable(stream, path, &line, table, &verdict);
  free(line);
  fclose(stream);
  if (!code) code = NomosVerdictRaise(PETSC_COMM_SELF, &verdict);
  if (code) PetscCall(NomosTableDestroy(table));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTableDestroy(NomosTable *table)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < table->n_columns; i++) {
    PetscCall(PetscFree(table->names[i]));
    PetscCall(PetscFree(table->units[i]));
  }
  PetscCall(PetscFree2(table->names, table->units));
  PetscCall(PetscFree(table->values));
  *table = (NomosTable){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
