/* Between states as data have them, fields [n_fields, points..] in float64, and states of a model: E makes one of the model of them, R reads them from it. Where the data have the fields of the model's state, both are linear
   (NomosModelDerivatives.from_field and .field); where they have its primitive variables (velocities and pressure for momenta and energy), they are its primitive_map, and depend on the model's parameters too. */
#ifndef NOMOS_SURROGATES_OPERATORS_FIELD_MAP_H
#define NOMOS_SURROGATES_OPERATORS_FIELD_MAP_H

#include "operators/model.h"

typedef enum { NOMOS_STATE_OF_DATA, NOMOS_DATA_OF_STATE, NOMOS_N_FIELD_WAYS } NomosFieldWay; /* E, R */

typedef struct {
  NomosModel                   model;
  const NomosModelDerivatives *ops;
  size_t                       n, n_fields, n_points;   /* n: of a state, in the model's precision */
  size_t                      *field;                   /* (n_fields) numbers of the data's fields among the model's, or among its primitive variables */
  NomosOperator                map[NOMOS_N_FIELD_WAYS]; /* of primitive variables; NULL: linear */
  double                      *values, *sum;            /* (n) */
  double                      *ordered[4];              /* (n) of primitive variables in the model's order: value, tangent, adjoint, its tangent */
  void                        *one;                     /* a state of one field */
} NomosFieldMap;

typedef struct {
  NomosModel         model;
  size_t             n_fields, n_points;
  const char *const *fields; /* (n_fields) names; NULL: the model's first fields, in its order */
} NomosFieldMapInput;

/* Refuses fields that are neither those of the model's state nor its primitive variables, or not all; the map does so itself. */
PetscErrorCode NomosFieldMapCheckNames(NomosModel model, size_t n_fields, const char *const fields[]);
/* Errors: a model without fields, or without one of these; another size of a field; a state that is more than these fields. Destroy is harmless to one that was not made. Not collective. */
PetscErrorCode NomosFieldMapCreate(const NomosFieldMapInput *input, NomosFieldMap *map);
PetscErrorCode NomosFieldMapDestroy(NomosFieldMap *map);
/* Does the map depend on where it is taken? */
bool NomosFieldMapIsLinear(const NomosFieldMap *map);

/* Where E or R is taken. Of a linear map x, p and p_dot are not looked at by derivatives. */
typedef struct {
  const void   *x, *x_dot; /* data (n_fields n_points), double, or a state in the model's precision; and what goes along with it */
  const double *p, *p_dot; /* all the model's parameters; p_dot NULL: zero */
} NomosFieldPoint;

PetscErrorCode NomosFieldMapApply(const NomosFieldMap *map, NomosFieldWay way, const NomosFieldPoint *at, void *y);
PetscErrorCode NomosFieldMapJvp(const NomosFieldMap *map, NomosFieldWay way, const NomosFieldPoint *at, void *y_dot);
/* x_bar += (dy/dx)^T y_bar, p_bar += (dy/dp)^T y_bar; NULL: not asked for. */
PetscErrorCode NomosFieldMapVjp(const NomosFieldMap *map, NomosFieldWay way, const NomosFieldPoint *at, const void *y_bar, void *x_bar, double p_bar[]);
/* x_bar_dot, p_bar_dot += the derivative of that along (x_dot, p_dot, y_bar_dot). */
PetscErrorCode NomosFieldMapHvp(const NomosFieldMap *map, NomosFieldWay way, const NomosFieldPoint *at, const void *y_bar, const void *y_bar_dot, void *x_bar_dot, double p_bar_dot[]);

#endif
