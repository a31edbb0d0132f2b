/* A field of a run, or of a file of trajectories, as an initial state: initial.file, initial.trajectory and initial.frame (-1: the last one) of the case. */
#ifndef NOMOS_OPERATORS_INITIAL_FILE_H
#define NOMOS_OPERATORS_INITIAL_FILE_H

#include "operators/model.h"

enum { NOMOS_INITIAL_MAX_DIMS = 3 };

/* Rows of a model's table of parameters; `frame`: the default of initial.frame. */
/* clang-format off */
#define NOMOS_INITIAL_FILE_PARAMS(frame) \
  {"initial.file",       NOMOS_PARAM_FILE, "",    NULL, 0,  0,    NULL, false, "file: fields.nc of a run, or data of trajectories, on the same grid, with fields of the same names.", "initial.type=file"}, \
  {"initial.trajectory", NOMOS_PARAM_INT,  "0",   NULL, 0,  9e15, NULL, false, "file: index of the trajectory, of data of trajectories.", "initial.type=file"}, \
  {"initial.frame",      NOMOS_PARAM_INT,  frame, NULL, -1, 9e15, NULL, false, "file: index of the frame; -1: the last.", "initial.type=file"}
/* clang-format on */

/* Axes as they lie in the file, x last: sizes of the case's grid, and this rank's block of it. */
typedef struct {
  const char *name;
  int         n_dims;
  size_t      size[NOMOS_INITIAL_MAX_DIMS], start[NOMOS_INITIAL_MAX_DIMS], count[NOMOS_INITIAL_MAX_DIMS];
} NomosInitialField;

/* Its values in this rank's block (count), in the model's unit. A file without time is one frame. Errors: no file; no such variable (with those there are), another grid (with both), other coordinates or units
   (foreign_field.h), no such frame. Collective. */
PetscErrorCode NomosInitialFileRead(NomosModel model, const NomosInitialField *field, double values[]);

/* What a rank found wrong ("": nothing), as an error of all of them. Collective. */
PetscErrorCode NomosInitialAgree(MPI_Comm comm, char sentence[1024]);

#endif
