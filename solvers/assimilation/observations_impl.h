/* Private to solvers/assimilation: what observations.c, observation_operator.c and the two readers of files share. */
#ifndef NOMOS_SOLVERS_ASSIMILATION_OBSERVATIONS_IMPL_H
#define NOMOS_SOLVERS_ASSIMILATION_OBSERVATIONS_IMPL_H

#include "solvers/assimilation/observations.h"

/* A direction of space: n 0 where the field has none. */
typedef struct {
  size_t               n;
  const NomosFieldDim *dim;
  double               spacing, low, length; /* the domain: from low on, a period or all of it; length has the sign of the spacing */
  bool                 periodic;
} NomosObservationAxis;

enum { NOMOS_AXIS_X,
       NOMOS_AXIS_Y,
       NOMOS_N_AXES };

/* How an observation reads a row of points along an axis: one of them (at), or all with weights. */
typedef struct {
  size_t   of;                    /* the set these are of; SIZE_MAX: none */
  int64_t *at[NOMOS_N_AXES];      /* (n of the set); -1: weights */
  double  *weights[NOMOS_N_AXES]; /* (n of the set, n of the axis) */
  double   work;                  /* points read by all */
} NomosObservationWeights;

struct NomosObservations_s {
  NomosModel                   model;
  const NomosModelDerivatives *derivatives;
  size_t                       field_index, n_parts; /* other fields that this one is, one after the other (NomosModelFieldParts) */
  const NomosModelField       *field;
  NomosObservationAxis         axes[NOMOS_N_AXES];
  int                          n_leading; /* dimensions before space */
  size_t                       n_layers, layer_points;
  size_t                       n_times, capacity;
  NomosObservationSet         *sets;
  NomosObservationWeights      weights;
  double                      *work; /* this rank's points of the field */
};

/* "1" in a nondimensional case. */
const char    *NomosObservationsUnit(NomosObservations o, const char unit[]);
/* Times of the file in the model's unit (*n, PetscFree); every look needs one. */
PetscErrorCode NomosObservationsReadTimes(NomosObservations o, NomosFieldReader reader, const char path[], const char variable[], size_t *n, double **times);
/* A file that holds the field on the whole grid, NaN where nothing is seen; or those that it is, each by its name. */
PetscErrorCode NomosObservationsReadGrid(NomosObservations o, NomosFieldReader reader, const char path[]);

#endif
