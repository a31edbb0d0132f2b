/* Inside of nomos estimate: what a case does not know is found from observations, by minimising

     J(v) = 1/2 |v|^2 + sum_t 1/2 sum_j (y_tj - (H x_t)_j)^2/sigma^2,     x_t: the model's state at the time of the observations

   over a control vector v of unit prior covariance:

     initial state   x_0 = state with the field  q_b + B^(1/2) v_q        strong-constraint 4D-Var (Courtier et al. 1994, doi:10.1002/qj.49712051912)
     parameters      p_i = p_bi (1 + s v_i)

   Minimised over w, v_q = D w_q, where D makes the cost nearly round (estimate_twin.c); of parameters w is v.

   The observations are those of a twin experiment, whose truth is the case's own run, or from a file; then the prior is the case's own run, there is no truth, and what are errors of a
   twin are increments: departures of the analysis from the prior.

   estimate.c runs it, estimate_twin.c makes truth, observations and prior, estimate_file.c reads observations, estimate_cost.c is J and its gradient, estimate_output.c writes, plot_estimate.c draws. */
#ifndef NOMOS_CASES_ESTIMATE_H
#define NOMOS_CASES_ESTIMATE_H

#include "cases/run.h"
#include "operators/field_loss.h"
#include "operators/model_fields.h"
#include "operators/model_operator.h"
#include "solvers/assimilation/observations.h"

#include <petsctao.h>

enum { NOMOS_ESTIMATE_MAX_PARAMETERS = 16, NOMOS_ESTIMATE_MAX_LAYERS = 32 };

typedef struct {
  /* what the case says */
  double        from;                 /* s: the window is [from, time.stop] */
  bool          state;                /* is the initial state unknown? */
  size_t        n_unknown;            /* parameters */
  size_t        unknown[NOMOS_ESTIMATE_MAX_PARAMETERS]; /* in the model's list */
  const char   *observe, *control;    /* fields */
  const char   *observations;         /* a file */
  bool          twin;                 /* no file */
  int64_t       n_times, n_stages, seed, iterations, memory, snapshots;
  double        fraction, noise, prior_error, prior_length, parameter_error, reduction;
  bool          moving;               /* other points at every time */

  /* fields: a layer is what the last two dimensions span */
  const NomosModelDerivatives *derivatives;
  size_t                 control_index, observe_index;
  const NomosModelField *field, *observed;
  size_t                 n_parts;     /* variables that the control field is, as layers; 0: it is one */
  bool                   whole;       /* the control field is the whole state */
  size_t                 points, n_layers, ny, nx; /* of the control field: on this rank, in all */
  double                 lx, ly;
  int                    n_bins;
  double                 bin_width;

  /* parameters: all of the model's */
  size_t                     n_parameters;
  NomosModelParameter       *parameters;
  double                    *truth_p, *prior_p, *analysis_p, *p_bar;
  double                     deviation_p[NOMOS_ESTIMATE_MAX_PARAMETERS]; /* of the unknown ones' errors; NaN: not known */

  /* window */
  int64_t          n_steps, *steps;   /* of the observations, from the window's start */
  double           start_time;
  double          *reference, *prior, *analysis;      /* control field at the window's start; reference: the truth of a twin, else the prior */
  double          *reference_end, *prior_end, *analysis_end;
  double           deviation[NOMOS_ESTIMATE_MAX_LAYERS]; /* of the reference, for each layer */
  double           error_end, error_end_prior, layer_errors[2][NOMOS_ESTIMATE_MAX_LAYERS]; /* of prior and analysis at the start; without a truth: increments */
  double          *climate;           /* (n_layers, n_bins) variance of the control field by wavenumber */
  int              n_climate;
  NomosOperator    root, shrink;      /* B^(1/2) D and D; NULL when the initial state is known */
  NomosFieldLoss   loss;
  NomosLoss        term;
  NomosTrajectory  trajectory;
  int64_t          n_observations;
  double           sigma[NOMOS_ESTIMATE_MAX_LAYERS]; /* of the observations' errors; sigma_varies: within a layer too, then only in the loss */
  bool             sigma_varies;
  NomosObservations seen;             /* of a file */
  double           moved;             /* s: farthest an observation is from its step */
  double           looks[NOMOS_ESTIMATE_MAX_LAYERS], look_error[NOMOS_ESTIMATE_MAX_LAYERS]; /* for each point of a layer, and their error, as D takes them */
  double          *departures[2];     /* (n_times, points of the observed field) y - H x of prior and analysis; NaN: nothing is seen */
  double           departure[2];      /* their root mean square */

  /* optimisation */
  Tao              tao;
  Vec              w, best, gradient; /* best: the last iterate accepted */
  double           scale;             /* of what TAO sees, so that its first step is of a reasonable length */
  void            *x_0, *x_bar;       /* states */
  void            *x_start;           /* of the case's own run at the window's start */
  size_t           bytes;             /* of a state */
  double          *work;              /* (points) */
  double           J, J_prior, first_J, gradient_norm, first_norm, error_prior, error;
  int64_t          stage, iteration, first_iteration, stage_iteration, n_evaluations; /* first: of this process; stage_iteration: when the stage began */
  double           last_saved;        /* wall-clock time */
  NomosScalarFile  convergence;
  double          *row;
} NomosEstimate;

extern const NomosSection nomos_estimate_section;

/* The case's run to the window; from it truth, observations and prior of a twin experiment, or the prior; or run->stopped_by. Collective, as all here. */
PetscErrorCode NomosEstimateTwin(NomosRun *run, NomosEstimate *e);

/* e->observations: its times, e->steps; then its values, into e->loss. Errors: a damaged file, another grid, field or unit, a time outside of the window, a standard deviation that is
   not positive, nothing seen; a sentence that begins with the key. */
PetscErrorCode NomosEstimateReadTimes(NomosRun *run, NomosEstimate *e);
PetscErrorCode NomosEstimateReadValues(NomosEstimate *e);

/* w -> the control field and the parameters; the prior's part of J; J and its gradient (TAO's callback, ctx: the run). */
PetscErrorCode NomosEstimateControl(NomosRun *run, NomosEstimate *e, Vec w, double *field, double *parameters);
PetscErrorCode NomosEstimatePriorTerm(NomosRun *run, NomosEstimate *e, Vec w, double *term);
PetscErrorCode NomosEstimateObjective(Tao tao, Vec w, PetscReal *J, Vec gradient, void *run);
/* The state at the window's start with another control field, into e->x_0; where that is not the whole state, and so known, that of the case's own run. */
PetscErrorCode NomosEstimateState(NomosRun *run, NomosEstimate *e, const double *field);
/* The state with a control field, into e->x_0, run to the end of the window; its control field there. */
PetscErrorCode NomosEstimateForecast(NomosRun *run, NomosEstimate *e, const double *field, const double *parameters, double *end);
/* y - H x at the observed points, over the window from a control field: (n_times, points), NaN elsewhere. */
PetscErrorCode NomosEstimateDepartures(NomosRun *run, NomosEstimate *e, const double *field, const double *parameters, double *departures);
/* e->deviation_p from the departures of the analysis: roots of the diagonal of (I + G^T R^-1 G)^-1, G the derivatives of what is observed by the parameters (central differences: two runs over the window for each), in units of the
   prior's deviations. NaN where that is no answer: the state is unknown too, the observations do not fit (NomosEstimateMisfit), or the minimum is still a tenth of a deviation away. */
PetscErrorCode NomosEstimateDeviations(NomosRun *run, NomosEstimate *e);
/* Of an observation, about 1 where model, prior and errors are right; above nomos_estimate_most_misfit they are not. */
static const double nomos_estimate_most_misfit = 3;
double              NomosEstimateMisfit(const NomosEstimate *e);
/* Root mean square of a - b over all points. */
PetscErrorCode NomosEstimateDistance(NomosRun *run, const NomosEstimate *e, const double *a, const double *b, double *distance);

/* Files: convergence.csv, a row an iteration; observations.nc; at the end fields.nc (truth, prior and analysis at both ends of the window), departures.nc and
   spectra.nc; pictures. */
PetscErrorCode NomosEstimateOpen(NomosRun *run, NomosEstimate *e);
PetscErrorCode NomosEstimateRow(NomosRun *run, NomosEstimate *e);
PetscErrorCode NomosEstimateWrite(NomosRun *run, NomosEstimate *e);
PetscErrorCode NomosEstimateWriteObservations(NomosRun *run, NomosEstimate *e);
PetscErrorCode NomosEstimateResults(NomosRun *run, NomosResultFn result, void *ctx);

/* The dimensions of a field, and a variable that has them, from the model's own file. NULL: its file does not have the field. */
PetscErrorCode NomosEstimateVariable(NomosRun *run, const NomosModelField *field, NomosFileLayout *layout, const NomosFieldVariable **variable);

/* The best iterate so far, as a checkpoint; and back. */
PetscErrorCode NomosEstimateSave(NomosRun *run, NomosEstimate *e);
PetscErrorCode NomosEstimateLoad(NomosRun *run, NomosEstimate *e);

#endif
