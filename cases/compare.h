/* `nomos compare RUN RUN ...`: how far are runs from the first one, and what does a frame of each cost? Of particles, by their positions; else every field that all have on one grid, or on grids whose cells lie in each other. compare_read.c opens them, compare.c compares, compare_fields.c does so with fields, compare_output.c tells; compare_trainings.c does all of it for trainings. */
#ifndef NOMOS_CASES_COMPARE_H
#define NOMOS_CASES_COMPARE_H

#include "cases/plot_run.h"

#include <math.h>

enum { NOMOS_COMPARE_MAX_VARIABLES = 16 };

typedef struct {
  const char      *directory;
  char             name[NOMOS_LABEL];
  NomosFieldReader reader;
  size_t           n_frames;
  double          *times;
  double           seconds;     /* of stepping, for a frame; NaN: its summary does not say */
  size_t           n_particles; /* 0: it has none */
  int              d;
} NomosCompareRun;

/* A run against the first one: over the frames whose times both have. With difference D and reference R of n particles (of a field: n points)

     mse       sum |D|^2/n
     relative  sqrt(sum |D|^2/sum |R|^2); 0 where nothing differs, of zeros too
     centre    distance of the centres of mass; where not both files hold `mass`, |sum D|/n
     chamfer   mean over particles of the squared distance to the nearest one of the other run, both ways, in the mean: for what mixes */
typedef struct {
  char    variable[NOMOS_MAX_NAME], unit[NOMOS_LABEL], what[512]; /* what: what is compared, in words */
  size_t  n;
  size_t *frames[2]; /* (n) in the first run, in this one */
  double *times, *mse, *relative, *centre, *chamfer; /* (n); the last two of particles alone, else NULL */
} NomosComparison;

/* A field of one of the runs that is compared with nothing, and why. */
typedef struct {
  char variable[NOMOS_MAX_NAME], why[512];
} NomosNotCompared;

typedef struct {
  size_t           n_runs, n_variables, n_left_out; /* variables: of every run but the first one */
  NomosCompareRun  runs[NOMOS_MAX_COMPARED];
  NomosComparison  with[NOMOS_MAX_COMPARED][NOMOS_COMPARE_MAX_VARIABLES]; /* [0] is not used */
  NomosNotCompared left_out[NOMOS_COMPARE_MAX_VARIABLES];
  NomosPlotContext context; /* of the first run; its directory is that of the results */
  char             directory[NOMOS_MAX_PATH];
} NomosCompare;

/* Errors: no run directory; no frames; particles beside fields, or in another dimension. */
PetscErrorCode NomosCompareOpen(size_t n, const char *const directories[], NomosCompare *compare);
PetscErrorCode NomosCompareClose(NomosCompare *compare);
/* Errors: no common frame, no common variable. */
PetscErrorCode NomosCompareAll(NomosCompare *compare);
PetscErrorCode NomosCompareFields(NomosCompare *compare);
/* Frames of the first run whose times this one has too. */
PetscErrorCode NomosCompareMatchFrames(const NomosCompareRun *first, const NomosCompareRun *run, NomosComparison *comparison);
PetscErrorCode NomosCompareReadFrame(const NomosCompareRun *run, const char name[], size_t frame, double values[]);
/* `relative` of these two sums. */
static inline double NomosCompareRelative(double squares, double of_reference)
{
  return squares > 0 ? sqrt(squares / of_reference) : squares;
}
/* DIRECTORY/compare.json, plots/errors.png, of particles plots/beside.png and beside_motion.png, and a table on the screen. */
PetscErrorCode NomosCompareWrite(const NomosCompare *compare);

/* Are the directories of the command those of trainings? Errors: some are. Then these are compared, by the errors that they were judged to have. Errors: no such errors (plots/errors.csv); other parameters. */
PetscErrorCode NomosCompareAreTrainings(const NomosProgram *program, bool *are);
PetscErrorCode NomosCompareTrainings(const NomosProgram *program);

#endif
