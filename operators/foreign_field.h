/* A variable of somebody's file that is to be a field of a model: its units, dimensions and coordinates against those of the file that the model writes. What the file does not say is taken as the model's.

   Errors are of PETSC_COMM_SELF, begin with the path, and say what is given and what is needed. */
#ifndef NOMOS_OPERATORS_FOREIGN_FIELD_H
#define NOMOS_OPERATORS_FOREIGN_FIELD_H

#include "operators/model.h"

/* Factor from the units of a dataset to `needed`. Without the attribute: 1, or (`required`) it is taken as dimensionless. */
PetscErrorCode NomosForeignFactor(NomosFieldReader reader, const char path[], const char name[], const char needed[], bool required, double *factor);

typedef struct {
  const char   *name, *like;                /* in the file, and the variable of the model's file that it is; there may be none */
  int           n_dims;
  const size_t *size;                       /* of the model's grid, without time */
  bool          time;                       /* it must be over time first; else it may */
  bool          resampled;                  /* the last two dimensions may have other numbers of points over the same domain */
} NomosForeignField;

/* Is it over ([time,] the model's dimensions), by sizes and, where it has them, names and coordinates? *timed: over time. A first dimension of size 1, as that of one layer, it may lack. */
PetscErrorCode NomosForeignFieldCheck(NomosModel model, NomosFieldReader reader, const char path[], const NomosForeignField *field, bool *timed);

/* The start of a read of one frame: `frame` -1 is the last one written; without time there is one. `key` names the frame. */
PetscErrorCode NomosForeignFrame(NomosFieldReader reader, const char path[], const char name[], bool timed, const char key[], int64_t frame, size_t *start);

#endif
