/* Logs: text for people (standard output and log.txt), JSON lines for machines (log.jsonl); progress; scalars as CSV. */
#ifndef NOMOS_IO_LOG_H
#define NOMOS_IO_LOG_H

#include "io/base.h"

typedef struct NomosLog_s *NomosLog;

typedef enum { NOMOS_LOG_INFO, NOMOS_LOG_WARNING, NOMOS_LOG_ERROR, NOMOS_LOG_REPEATED } NomosLogLevel; /* REPEATED: a warning that the terminal has seen, for the files alone */

/* Rank 0 writes to stdout and, if directory is not NULL, appends to directory/log.txt and directory/log.jsonl; the other ranks stay silent. */
PetscErrorCode NomosLogOpen(MPI_Comm comm, const char directory[], bool quiet, NomosLog *log);
PetscErrorCode NomosLogClose(NomosLog *log);
/* One line of text. `event` (e.g. "checkpoint") names it in log.jsonl: {"utc":..., "level":..., "event":..., "message":...}. An error goes
   to the files only: raising it has printed it. */
PetscErrorCode NomosLogPrint(NomosLog log, NomosLogLevel level, const char event[], const char format[], ...) PETSC_ATTRIBUTE_FORMAT(4, 5);

/* Progress of `total` steps from `first`: on a terminal one line re-drawn at most ten times a second (step, time, dt, CFL, steps/s, time to go); elsewhere a log
   line every `interval` seconds. time_text is "12.5 day". Call every step; cheap. Collective only in that all ranks may call it. */
typedef struct {
  double      fraction; /* of the whole run done, 0-1 */
  int64_t     step;
  const char *time_text;
  double      dt;
  double      cfl;      /* NaN: not shown */
  const char *dt_text;  /* "2 h"; NULL: dt is shown as a pure number */
  const char *note;     /* "epoch 3 of 100, loss 0.01", behind the step; may be NULL */
} NomosProgress;
PetscErrorCode NomosLogProgress(NomosLog log, const NomosProgress *progress);
PetscErrorCode NomosLogProgressEnd(NomosLog log);
PetscErrorCode NomosLogSetInterval(NomosLog log, double seconds);
/* Is it time to compute what a progress line needs (CFL)? True on rank 0's clock; the answer is the same on all ranks. Collective when size > 1. */
PetscErrorCode NomosLogProgressDue(NomosLog log, bool *due);

/* Scalars: header `step,time [s],energy [m2 s-2],...`, one row a call, 17 digits, flushed. Rank 0 writes, every rank learns of an error. names and units are
   those behind step and time; a unit NULL, "" or "1" is a pure number and gets no brackets; units == NULL: nondimensional, time without a unit either.
   Create replaces a file of this kind and refuses any other. Resume drops rows with step > last_step, and a half-written last row; it starts a missing file; with
   file NULL it only finds out whether it could, and nothing changes. */
typedef struct NomosScalarFile_s *NomosScalarFile;
PetscErrorCode NomosScalarFileCreate(MPI_Comm comm, const char path[], size_t n, const char *const names[], const char *const units[], NomosScalarFile *file);
PetscErrorCode NomosScalarFileResume(MPI_Comm comm, const char path[], size_t n, const char *const names[], const char *const units[], int64_t last_step, NomosScalarFile *file);
/* The same with another quantity in place of time ("epoch"). */
PetscErrorCode NomosScalarFileCreateOver(MPI_Comm comm, const char path[], const char clock[], size_t n, const char *const names[], NomosScalarFile *file);
PetscErrorCode NomosScalarFileResumeOver(MPI_Comm comm, const char path[], const char clock[], size_t n, const char *const names[], int64_t last_step, NomosScalarFile *file);
PetscErrorCode NomosScalarFileWrite(NomosScalarFile file, int64_t step, double time, const double values[]);
PetscErrorCode NomosScalarFileClose(NomosScalarFile *file);
/* Read a CSV of this kind: names without units (step and time included), units ("" if none), values (n_rows, n_columns). A half-written last row is left out. Not collective. */
typedef struct {
  size_t  n_columns, n_rows;
  char  **names, **units;
  double *values;
} NomosTable;
PetscErrorCode NomosTableRead(const char path[], NomosTable *table);
PetscErrorCode NomosTableDestroy(NomosTable *table);

#endif
