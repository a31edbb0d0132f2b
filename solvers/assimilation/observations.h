/* What was seen of a field of a model: values at points, at times, with the standard deviations of their errors; and the operator from a field to what would be seen.

     y_ij = (H_i x)_j + sigma_ij e_ij       i: time, j: observation

   A point of the model's grid is read off; a point anywhere is evaluated by the field's Fourier series along periodic axes, which are those of even spacing that the model does not call open, and by linear
   interpolation along others: between the last point and the end of an open domain it is as the last point.
   H is linear: its transpose is exact. A field is (layer, y, x), (y, x), (layer, x), (x) or a list of numbers: space is the last dimensions whose axes the model's file calls Y and X; what comes
   before it is called the field's layers, and a list of numbers (an ODE, positions of particles) has layers alone.

   The file (NetCDF-4) holds time (time) and, for each time, as many entries as the fullest: value, deviation (NaN in one of them: not seen, left out), layer (from 1), and position x, y (time, observation); the attribute
   long_name of value is the name of the field. Or, as the observations.nc of `nomos estimate`, it holds the field on the whole grid with NaN where nothing is seen, and its standard deviation as FIELD_error. Both
   are read. */
#ifndef NOMOS_SOLVERS_ASSIMILATION_OBSERVATIONS_H
#define NOMOS_SOLVERS_ASSIMILATION_OBSERVATIONS_H

#include "operators/model.h"

typedef struct {
  double  time;
  size_t  n;
  size_t *layer; /* (n), from 0 */
  double *x, *y; /* (n) in the unit of the domain; zeros where the field has no such dimension */
  double *value, *deviation;
} NomosObservationSet;

typedef struct NomosObservations_s *NomosObservations;

/* How a twin experiment looks at the truth; read from `PREFIX.*` of a case (nomos_observe_params has the keys without it). */
typedef enum { NOMOS_OBSERVE_GRID,
               NOMOS_OBSERVE_ANYWHERE } NomosObservePlaces;
typedef struct {
  const char        *field;
  NomosObservePlaces places;
  double             fraction;    /* of the grid's points that are seen (of each layer) */
  size_t             every;       /* instead: every so many-th point, where > 0 ("every second of 40 variables"); of a list of numbers, every so many-th number */
  bool               same_layers; /* the same points in every layer */
  bool               moving;      /* other points at every time; else the same */
  double             noise;       /* relative to the standard deviation of the truth's layer; or absolute */
  bool               noise_absolute;
  const double      *layers; /* those that are seen, from 1; n_layers 0: all */
  size_t             n_layers;
  uint64_t           seed;
} NomosObserveInput;
extern const NomosParam nomos_observe_params[];
extern const size_t     nomos_n_observe_params;
PetscErrorCode          NomosObserveInputFromConfig(NomosConfig config, const char section[], NomosObserveInput *input);

/* An empty set of observations of a field of the model (borrowed); field "": its first. Errors: no such field. Collective. */
PetscErrorCode NomosObservationsCreate(NomosModel model, const char field[], NomosObservations *observations);
PetscErrorCode NomosObservationsDestroy(NomosObservations *observations);
/* Number of the field in the model's list, and its description. */
PetscErrorCode NomosObservationsField(NomosObservations observations, size_t *index, const NomosModelField **field);
/* Layers of the field, and points of a layer; the domain's side along x (0) and y (1): length 0 where there is none, periodic or not. */
size_t         NomosObservationsLayers(NomosObservations observations);
size_t         NomosObservationsLayerPoints(NomosObservations observations);
double         NomosObservationsSide(NomosObservations observations, int axis, bool *periodic);
/* Layer, x and y of a point of the whole field (in C order). */
void           NomosObservationsPlace(NomosObservations observations, size_t point, size_t *layer, double *x, double *y);
/* Append a set (copied); x, y may be NULL where the field has no such dimension. The same on every rank. Errors as of Read. */
PetscErrorCode NomosObservationsAdd(NomosObservations observations, const NomosObservationSet *set);
/* A set that is not needed any more: its entries go (n 0), its time stays. */
PetscErrorCode NomosObservationsForget(NomosObservations observations, size_t i);
/* Can it be looked at like this? Else the error that Look would raise. */
PetscErrorCode NomosObserveInputCheck(NomosObservations observations, const NomosObserveInput *input);
/* Look at a state of the truth, at a time after those there are; noise is drawn by (seed, time, observation). deviation: the truth's by layer, for relative noise (NULL: of this
   state; of a list of numbers that of all of them). Errors: as of Read; points anywhere where there is no space. Collective. */
PetscErrorCode NomosObservationsLook(NomosObservations observations, const NomosObserveInput *input, double time, const void *state, const double deviation[]);
/* Errors: another field, grid or unit, a point outside of the domain, a deviation that is not positive, times that do not ascend, nothing seen, a damaged file. Collective. */
PetscErrorCode NomosObservationsRead(NomosModel model, const char field[], const char path[], NomosObservations *observations);
PetscErrorCode NomosObservationsWrite(NomosObservations observations, const char path[]);

size_t                     NomosObservationsTimes(NomosObservations observations);
const NomosObservationSet *NomosObservationsSet(NomosObservations observations, size_t i); /* all ranks have all */

/* Are all of a set at points of the grid? */
PetscErrorCode NomosObservationsOnGrid(NomosObservations observations, size_t i, bool *on_grid);
/* values (points of this rank) of the field -> seen (n of set i), the same on every rank; and the transpose, which adds to this rank's values_bar. Collective. */
PetscErrorCode NomosObservationsApply(NomosObservations observations, size_t i, const double values[], double seen[]);
PetscErrorCode NomosObservationsApplyTranspose(NomosObservations observations, size_t i, const double seen_bar[], double values_bar[]);

#endif
