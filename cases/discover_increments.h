/* Inside of the mode of nomos discover that has a model: what it lacks, from increments.

   A pair i: psi_i seen at some time, psi'_i seen m steps of dt later. With P the map from a state to the variable q by what is seen of it, and Phi the model's step from the state that has psi_i,

     y_i = (P x' - P Phi^m(x))/(m dt),      column_ij = P dPhi^m/dc_j/(m dt)

   where c_j are the coefficients of the terms of the library, which the model has as `equations:` (operators/equations.h) with the values found so far, at first 0. So columns are what a term does to the
   forecast, implicit parts of the scheme and all; where the step is linear in c the first pass is exact (a forward Euler step), elsewhere Gauss-Newton converges. */
#ifndef NOMOS_CASES_DISCOVER_INCREMENTS_H
#define NOMOS_CASES_DISCOVER_INCREMENTS_H

#include "cases/discover.h"
#include "cases/discover_truth.h"
#include "operators/equations.h"
#include "operators/model_fields.h"
#include "operators/model_operator.h"
#include "solvers/assimilation/observations.h"

typedef struct NomosSparse_s *NomosSparse; /* observations of some points, and how they come onto the grid: discover_sparse.c */
typedef struct NomosWeak_s   *NomosWeak;   /* an assimilation whose model errors are the increments: discover_weak_4dvar.c */

typedef enum { NOMOS_COLUMNS_TANGENT, NOMOS_COLUMNS_ANALYSIS, NOMOS_COLUMNS_FORECAST } NomosColumns; /* in the order of the choices of discover.columns */

/* Where the variable of an equation is: a field, or a layer of it. */
typedef struct {
  size_t field, layer;
  bool   layered;  /* a layer of several */
  size_t first, n; /* its values on this rank in those of the field */
} NomosVariablePlace;

/* A model with a state vector at hand. */
typedef struct {
  NomosConfig                  config;
  NomosModel                   model; /* the case with the library's terms as equations */
  const NomosModelDerivatives *derivatives;
  size_t                       bytes; /* of a state */
  size_t                       observed; /* field: the whole state, so that a forecast can begin at what was seen */
  const NomosModelField       *field;
} NomosForecaster;

enum { NOMOS_INCREMENTS_MAX_LAYERS = 8 }; /* whose errors are told */

typedef struct {
  /* what the case says */
  double       from, every, noise, forecast;
  int64_t      n_samples, horizon, seed, frame, iterations, n_forecasts;
  NomosColumns columns;

  NomosObservations            observations; /* of a file; NULL: of the truth */
  char                         run[NOMOS_MAX_PATH]; /* of nomos assimilate, whose analyses are the pairs; "": none */
  size_t                      *looks;        /* (n_samples, 2) of the file, or analyses of the run */
  NomosSparse                  sparse;       /* NULL: the whole grid is seen */
  NomosWeak                    weak;         /* NULL: pairs are what was seen */
  NomosOperator                smoothing;    /* of a layer: before the regression; NULL: none */
  bool                         choose;       /* smoothing follows from noise, and was not yet chosen */
  NomosTruth                   truth;
  const NomosModelDerivatives *truth_derivatives;
  size_t                       truth_observed, truth_bytes;
  int64_t                      ratio;  /* time steps of the real system in one of the model */

  NomosForecaster     forecaster;
  NomosVariablePlace *places;      /* (n_equations) */
  size_t            **parameters;  /* (n_equations)(n_terms) in the model's list of parameters */
  size_t              n_parameters;
  double             *values;      /* (n_parameters) of the model, all */
  size_t              points, n_layers; /* of the observed field: on this rank; each with a deviation of its own (a list of numbers has one) */
  double             *pairs;       /* (n_samples, 2, points): psi, psi' */
  double             *weights;     /* (largest places.n) 0 in the frame, of each equation: (n_equations) one after the other */
  size_t              n_whole;     /* of all ranks */
  int64_t             n_passes;
  int64_t             n_begins; /* times of the real system's run, discover.every apart: of pairs, or of windows that hold some pairs each */
  int64_t             fit_seen;    /* of a fit of trajectories (discover_trajectory.h): observations, 0: none was made; cost; error of the initial states */
  double              fit_cost, fit_state_error, unpolished; /* error of the coefficients before polishing */
  size_t              n_fit_errors;
  double              fit_errors[2][NOMOS_INCREMENTS_MAX_LAYERS]; /* of the initial states, each layer: field, its Laplacian (NaN: not on a plane) */
  bool                corrected;   /* the model has what was found in it */
  double              error[2];    /* of forecasts by model and corrected model: largest root mean square error over the deviation of the truth */
} NomosIncrements;

/* Room for a pair, and what is made of it. */
typedef struct {
  void     *x, *x_dot, *seen; /* states */
  char     *states;           /* (horizon) before each step of a forecast */
  double   *psi, *q;          /* fields */
  double  **target, **left;   /* (n_equations)(places.n): y, and what the terms in the model leave of it (both the increment where none is in it) */
  double ***columns;          /* (n_equations)(n_terms)(places.n) */
} NomosIncrementsWork;
PetscErrorCode NomosIncrementsWorkCreate(NomosDiscover *d, NomosIncrementsWork *w);
PetscErrorCode NomosIncrementsWorkDestroy(NomosDiscover *d, NomosIncrementsWork *w);
PetscErrorCode NomosIncrementsPair(NomosDiscover *d, size_t sample, NomosIncrementsWork *w);
/* w->left alone, not smoothed; and the variable of an equation by what is seen, psi (points), of a state. */
PetscErrorCode NomosIncrementsTarget(NomosDiscover *d, size_t sample, NomosIncrementsWork *w);
PetscErrorCode NomosIncrementsSee(NomosDiscover *d, size_t equation, const double psi[], double values[], NomosIncrementsWork *w);

PetscErrorCode NomosIncrementsPrepare(NomosDiscover *d);
/* m->observations, and (pairs) which looks of it are pairs; or pairs of analyses of a run of nomos assimilate: m->n_samples, m->looks. Then m->pairs from them. */
PetscErrorCode NomosIncrementsReadObservations(NomosDiscover *d, const char path[], bool pairs);
PetscErrorCode NomosIncrementsReadRun(NomosDiscover *d, const char directory[]);
PetscErrorCode NomosIncrementsReadPairs(NomosDiscover *d);
/* Pairs that lie farther apart, m->horizon; of a file up to twice as far, at times that its looks have (*wider false: they have none, and all is as it was). */
PetscErrorCode NomosIncrementsWiden(NomosDiscover *d, int64_t horizon, bool *wider);
/* How many of the pairs are done, on the terminal. */
PetscErrorCode NomosIncrementsProgress(NomosDiscover *d, const char what[], int64_t done);
/* m->pairs: psi of the real system's run, and what the system makes of it after the horizon, restarted from psi as the model is; with noise. */
PetscErrorCode NomosIncrementsPairs(NomosDiscover *d);
/* The step of the real system's run at which a pair begins. */
int64_t NomosIncrementsStep(const NomosIncrements *m, int64_t sample);
/* Which of a layer's n points are seen of discover.fraction: the first of order (n), whose number is returned. Look 0: where the points do not move. */
size_t NomosIncrementsSeen(const NomosIncrements *m, double fraction, int64_t look, size_t n, size_t order[]);
/* The model as it is in the case, or with what was found. */
PetscErrorCode NomosIncrementsSetModel(NomosDiscover *d, bool corrected);
/* With what was found: increments.nc of the last pair; forecasts.csv and forecast_spectra.csv by model and corrected model from states of the real system after the last pair. */
PetscErrorCode NomosIncrementsWriteFields(NomosDiscover *d);
PetscErrorCode NomosIncrementsForecast(NomosDiscover *d);

/* discover.interpolation; nothing where it is `none`. Errors: a field that is not on a doubly periodic plane; some points without a method. */
PetscErrorCode NomosSparsePrepare(NomosDiscover *d);
PetscErrorCode NomosSparseDestroy(NomosSparse *sparse);
/* Pair number `sample` (2, points), seen with its errors, -> what its points give, compared with what is exact (the same, without errors). Or a pair from two looks. Collective. */
PetscErrorCode NomosSparsePair(NomosDiscover *d, int64_t sample, const double exact[], double pair[]);
PetscErrorCode NomosSparseLooks(NomosDiscover *d, const NomosObservationSet *first, const NomosObservationSet *second, double pair[]);
PetscErrorCode NomosSparseResults(NomosDiscover *d, NomosResultFn result, void *ctx);
PetscErrorCode NomosSparseWrite(NomosDiscover *d);

/* discover.assimilation: weak_4dvar; nothing where it is another. Prepare: the number of pairs; Begin: what is seen, and priors; Analyse: an assimilation by the model with its present coefficients into m->pairs.
   Errors: windows that are no whole number of horizons, that the file does not hold, or a twin without noise. Collective. */
extern const NomosParam nomos_discover_weak_params[];
extern const size_t     nomos_discover_n_weak_params;
PetscErrorCode NomosWeakPrepare(NomosDiscover *d);
PetscErrorCode NomosWeakBegin(NomosDiscover *d);
PetscErrorCode NomosWeakAnalyse(NomosDiscover *d);
void           NomosWeakCount(NomosDiscover *d); /* rows of the equations' grams: only as many count as the observations determine numbers */
PetscErrorCode NomosWeakPolish(NomosDiscover *d); /* coefficients found, by trajectories through the observations of windows; of a file too */
PetscErrorCode NomosWeakResults(NomosDiscover *d, NomosResultFn result, void *ctx);
PetscErrorCode NomosWeakDestroy(NomosDiscover *d);

/* discover.smoothing. Errors: a variable that is not on a doubly periodic plane or a periodic line. Where it is not given but observations have noise, Choose takes it, and the horizon where that is not given either,
   from the pairs; *again: their horizon changed, make them again. */
PetscErrorCode NomosIncrementsPrepareSmoothing(NomosDiscover *d);
PetscErrorCode NomosIncrementsChooseSmoothing(NomosDiscover *d, bool *again);

/* NomosDiscoverMode.noise: of pairs as they were seen. */
PetscErrorCode NomosIncrementsNoise(NomosDiscover *d, double share[]);

/* Load the case with these values of keys on top ("equations.q1.terms=[...]"), and make its model. */
PetscErrorCode NomosForecasterCreate(NomosRun *run, size_t n_set, const char *const set[], const char observe[], NomosForecaster *forecaster);
PetscErrorCode NomosForecasterDestroy(NomosForecaster *forecaster);

#endif
