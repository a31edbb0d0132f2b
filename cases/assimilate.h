/* Inside of nomos assimilate: an ensemble of states is run and, at the times of observations, drawn to them by a method of solvers/assimilation,

     forecast   x_j(t_c) = run of x_j(t_(c-1)),  j = 1 .. members
     analysis   of the fields `assimilate.fields` of all members;   x_j += the state that the increments of the fields make

   so that any model that has states and fields can be assimilated. Every rank has a whole model, and its share of the members. The truth of a twin experiment is the case's own run, with the map
   `truth:` laid over it if there is one; or observations are from a file, and there is no truth.

   assimilate.c runs it, assimilate_params.c reads the case, assimilate_ensemble.c makes and runs members, assimilate_output.c writes, assimilate_checkpoint.c keeps, assimilate_variational.c makes analyses by 4D-Var, plot_assimilate.c draws. */
#ifndef NOMOS_CASES_ASSIMILATE_H
#define NOMOS_CASES_ASSIMILATE_H

#include "cases/run.h"
#include "solvers/assimilation/assimilation.h"

enum { NOMOS_ASSIMILATE_MAX_FIELDS = 8,
       NOMOS_ASSIMILATE_MAX_LAYERS = 8 };

/* Of the ensemble's mean, before and after an analysis. */
enum { NOMOS_FORECAST,
       NOMOS_ANALYSIS };

/* Sums over analyses, or what one of them adds: of root mean squares, except climatology, of mean squares. */
typedef struct {
  double cycles, rmse[2], spread[2], layer_rmse[2][NOMOS_ASSIMILATE_MAX_LAYERS], largest, climatology, layer_climatology[NOMOS_ASSIMILATE_MAX_LAYERS], observations, chi_squared, misfit, inflation;
} NomosAssimilateScores;

typedef struct {
  /* what the case says */
  NomosAnalysisInput input;
  NomosObserveInput  observe;
  int64_t            n_members, n_static, seed;
  double             from, every, spread;
  const char        *observations; /* a file; twin: "" */
  bool               twin, perturbed, keep_observations;

  /* members: of this rank, states of the model */
  const NomosModelDerivatives *derivatives;
  size_t                       first, n_own, n_raw, bytes; /* numbers and bytes of a state */
  char                        *members;
  double                      *raw; /* (n_raw) */

  /* what is analysed: fields, one behind the other */
  size_t                 n_fields, field[NOMOS_ASSIMILATE_MAX_FIELDS], start[NOMOS_ASSIMILATE_MAX_FIELDS + 1], n_state, n_layers; /* start: in the state, in numbers; layers of all fields */
  const NomosModelField *fields[NOMOS_ASSIMILATE_MAX_FIELDS];
  NomosAnalysisPlaces    places;
  double                *x, *y;                                                                                        /* (n_columns) */
  double                *states, *before, *work, *truth, *mean[2], *ensemble_spread[2], *climate_mean, *static_states; /* (n_own, n_state) twice, then (n_state) */

  /* truth and observations */
  NomosConfig       truth_config; /* NULL: the truth is of the same model */
  NomosModel        truth_model;
  size_t            truth_field[NOMOS_ASSIMILATE_MAX_FIELDS];
  size_t            truth_bytes;
  char             *truth_state;
  NomosObservations looks;       /* of this rank's model */
  NomosObservations truth_looks; /* of the truth's */
  size_t            observed, observed_points;
  double           *observed_values, *seen, *static_observed, *static_seen, *deviation; /* deviation: of the climate, by layer */
  size_t            seen_capacity;

  /* cycles */
  int64_t               from_step, n_cycles, cycle, first_cycle, steps_between; /* cycle: analyses made */
  int64_t              *steps;                                                  /* of analyses from a file */
  double                moved;                                                  /* farthest an observation is from its step */
  NomosAnalysis         analysis;
  NomosInnovations      innovations; /* of one analysis */
  double               *ranks;       /* (n_members + 1), of all counted */
  NomosAssimilateScores last, sums;
  NomosScalarFile       scores;
  NomosFieldFile        file;
  double                last_time; /* of the analysis before */
  bool                  told;      /* that of nothing seen the analysis is the forecast */

  struct NomosAssimilateWindow_s *window; /* of variational methods; NULL: not begun */
} NomosAssimilate;

extern const NomosSection nomos_assimilate_section;

/* From the case: all that is there before a state is. Collective, as all here. */
PetscErrorCode NomosAssimilateRead(NomosRun *run, NomosAssimilate *a);
/* The model's run to assimilate.from, which gives the climate and the first ensemble, and the truth's run; or run->stopped_by. */
PetscErrorCode NomosAssimilateBegin(NomosRun *run, NomosAssimilate *a);
int64_t        NomosAssimilateClimateStates(const NomosAssimilate *a); /* how many it takes */
/* Members, and the truth, to the step of the next analysis. */
PetscErrorCode NomosAssimilateForecast(NomosRun *run, NomosAssimilate *a);
/* The step of an analysis. */
int64_t        NomosAssimilateStep(const NomosAssimilate *a, int64_t cycle);
/* What is seen at the next analysis of truth and members, into a->seen: the set of a->looks. */
PetscErrorCode NomosAssimilateLook(NomosRun *run, NomosAssimilate *a, const NomosObservationSet **set);
/* Fields of the members into a->states; and what the analysis made of them back into the members. */
PetscErrorCode NomosAssimilateToFields(NomosRun *run, NomosAssimilate *a);
PetscErrorCode NomosAssimilateFromFields(NomosRun *run, NomosAssimilate *a);

/* Variational methods: does the case suit them; a window's begin, before the forecast to its first look (nothing of other methods, or inside of a window); another look into the window, and after its last
   the analysis, a->states and the state of the one member, with means and innovations; is a window in progress? */
typedef struct NomosAssimilateWindow_s *NomosAssimilateWindow;
PetscErrorCode NomosAssimilateWindowCheck(NomosRun *run, NomosAssimilate *a);
PetscErrorCode NomosAssimilateWindowBegin(NomosRun *run, NomosAssimilate *a);
PetscErrorCode NomosAssimilateWindowLook(NomosRun *run, NomosAssimilate *a, const NomosObservationSet *set);
bool           NomosAssimilateInWindow(const NomosAssimilate *a);
int64_t        NomosAssimilateFinished(const NomosAssimilate *a); /* analyses, less those of a window that is not fitted yet */
PetscErrorCode NomosAssimilateWindowDestroy(NomosAssimilate *a);

/* assimilation.csv, fields.nc, rank_histogram.csv, observations.nc. */
PetscErrorCode NomosAssimilateOpen(NomosRun *run, NomosAssimilate *a);
PetscErrorCode NomosAssimilateWrite(NomosRun *run, NomosAssimilate *a);
PetscErrorCode NomosAssimilateClose(NomosRun *run, NomosAssimilate *a);
PetscErrorCode NomosAssimilateResults(NomosRun *run, NomosResultFn result, void *ctx);

PetscErrorCode NomosAssimilateSave(NomosRun *run, NomosAssimilate *a);
PetscErrorCode NomosAssimilateLoad(NomosRun *run, NomosAssimilate *a);

/* An analysis of nothing that was seen is the forecast, which the log says once. */
PetscErrorCode NomosAssimilateTellUnseen(NomosRun *run, NomosAssimilate *a);

/* How far things are on the terminal: in analyses, since a step before the first of them says nothing of how long one takes. */
PetscErrorCode NomosAssimilateProgress(NomosRun *run, NomosAssimilate *a, int64_t step, const char what[]);

#endif
