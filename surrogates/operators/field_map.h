/* Between fields as data have them, [n_fields, points..] in float64, and a state of a model: E writes them into a state, R reads them (NomosModelDerivatives.from_field and .field). Both are linear. */
#ifndef NOMOS_SURROGATES_OPERATORS_FIELD_MAP_H
#define NOMOS_SURROGATES_OPERATORS_FIELD_MAP_H

#include "operators/model.h"

typedef struct {
  NomosModel                   model;
  const NomosModelDerivatives *ops;
  size_t                       n, n_fields, n_points; /* n: of a state, in the model's precision */
  size_t                      *field;                 /* (n_fields) numbers of the data's fields among the model's */
  double                      *values, *sum;          /* (n) */
  void                        *one;                   /* a state of one field */
} NomosFieldMap;

typedef struct {
  NomosModel         model;
  size_t             n_fields, n_points;
  const char *const *fields; /* (n_fields) names; NULL: the model's first fields, in its order */
} NomosFieldMapInput;

/* Refuses fields that are not those of the model's state, or not all; the map does so itself. */
PetscErrorCode NomosFieldMapCheckNames(NomosModel model, size_t n_fields, const char *const fields[]);
/* Errors: a model without fields, or without one of these; another size of a field; a state that is more than these fields. Destroy is harmless to one that was not made. Not collective. */
PetscErrorCode NomosFieldMapCreate(const NomosFieldMapInput *input, NomosFieldMap *map);
PetscErrorCode NomosFieldMapDestroy(NomosFieldMap *map);
/* state := E data */
PetscErrorCode NomosFieldMapToState(const NomosFieldMap *map, const double data[], void *state);
/* data_bar += E^T x_bar; NULL: not asked for */
PetscErrorCode NomosFieldMapToStateVjp(const NomosFieldMap *map, const void *x_bar, double data_bar[]);
/* data := R state */
PetscErrorCode NomosFieldMapToData(const NomosFieldMap *map, const void *state, double data[]);
/* x_bar += R^T data_bar */
PetscErrorCode NomosFieldMapToDataVjp(const NomosFieldMap *map, const double data_bar[], void *x_bar);

#endif
