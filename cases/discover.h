/* Inside of nomos discover: an equation from what was seen.

     y = sum_j c_j phi_j        y: a rate of change, or what the model's rate lacks;  phi_j: the terms of discover.library;  as few c_j as will do

   There are three modes, as a case has a solver or not, and by what is looked for:

     increments   the model of the case is imperfect: y = (observed - forecast)/horizon after a forecast that begins at what was observed (MEDIDA, doi:10.1063/5.0091282, doi:10.1029/2023MS004033)
     data         y is a derivative by time of data
     hamiltonian  y are the derivatives of states (q, p), phi_j the fields J grad phi of terms of H, which is the equation (discover.hamiltonian)

   A mode names the equations with their terms and adds up their normal equations (surrogates/discovery/gram.h); then all is common: regression, the equation in all its forms, pictures, the report.

   discover.c runs it, discover_output.c writes equations and tables, discover_residual.c judges what is left, discover_report.c the page; the modes are discover_increments.c with discover_truth.c and discover_forecast.c, discover_data.c,
   and discover_hamiltonian.c; plot_discover.c draws. */
#ifndef NOMOS_CASES_DISCOVER_H
#define NOMOS_CASES_DISCOVER_H

#include "cases/run.h"
#include "operators/notation.h"
#include "surrogates/discovery/regression.h"

#include <stdio.h>

/* One equation: d variable/dt (or what it lacks) = sum_j c_j term_j. */
typedef struct {
  char            variable[NOMOS_MAX_NAME]; /* q1 */
  size_t          n_terms;
  char          **terms;     /* (n_terms) in normal form */
  char          **written[NOMOS_N_NOTATIONS]; /* (n_terms) the same in all notations; terms is the first */
  double         *model;     /* (n_terms) coefficients with which terms stand in the model's own `equations:` already */
  double         *truth;     /* (n_terms) what is to be found; NULL: unknown */
  size_t          n_others;  /* terms of the model's own `equations:` that are not in the library: they stay as they are */
  char          **others;
  double         *other_coefficients;
  NomosGram       gram;      /* the first target is y; a block is what may be resampled: a pair of states, a trajectory */
  double          floor;     /* below this root mean square a target is rounding; 0: unknown */
  NomosRegression found;     /* c: what comes on top of `model` */
  NomosConstraints constraints; /* those of this equation alone */
  bool           *tied;        /* (n_terms) an equality of discover.constraints, of several equations too, has the coefficient; NULL: none */
  double         *low, *high;  /* (n_terms) intervals of found.c */
  double         *frequency;   /* (n_terms) how often it is found again; NULL: not asked for */
} NomosDiscoverEquation;

typedef struct NomosDiscover_s NomosDiscover;

/* A mode. All collective. */
typedef struct {
  const char *name;
  bool        energy; /* an equation is that of its variable itself, H = ..., not of a rate of change */
  /* The equations, by NomosDiscoverAdd. Data are looked at here, so that what is wrong is told before the run directory is made. */
  PetscErrorCode (*prepare)(NomosDiscover *d);
  PetscErrorCode (*find)(NomosDiscover *d);     /* data into each equation's gram, which it creates; from these to `found` (NomosDiscoverSolve) */
  /* Sums of all equations (targets) from the data with the noise that they seem to have added once more, differently for every replica; NULL: there is no such thing. */
  PetscErrorCode (*replicate)(NomosDiscover *d, size_t replica, NomosGram *gram);
  PetscErrorCode (*noise)(NomosDiscover *d, double share[]); /* of the mean square of each target, what noise that is known makes; NaN: it is not known; NULL: by replicate */
  void (*yaml)(const NomosDiscover *d, FILE *out); /* equation.yaml; NULL: `equations:` */
  PetscErrorCode (*conclude)(NomosDiscover *d); /* with what was found: files of its own, a forecast; NULL: nothing */
  PetscErrorCode (*results)(NomosDiscover *d, NomosResultFn result, void *ctx); /* NULL: none of its own */
  PetscErrorCode (*destroy)(NomosDiscover *d);
} NomosDiscoverMode;

extern const NomosDiscoverMode nomos_discover_increments, nomos_discover_data, nomos_discover_hamiltonian;
/* Parameters of the first two kinds, and of the third; and what only the first has. */
extern const NomosParam nomos_discover_equation_params[], nomos_discover_hamiltonian_params[], nomos_discover_model_params[];
extern const size_t     nomos_discover_n_equation_params, nomos_discover_n_hamiltonian_params, nomos_discover_n_model_params;

/* What a case without a solver may say of its data. */
extern const NomosSection nomos_assembly_section;
PetscErrorCode            NomosDiscoverDataDeclare(NomosConfig config);
/* Keys declared in `standard`, which is destroyed, where they do nothing: they may be there with their defaults, as in a run directory, and are forgotten. */
PetscErrorCode NomosDiscoverRefuse(NomosConfig config, NomosConfig *standard, const char where[]);

struct NomosDiscover_s {
  NomosRun                *run;
  const NomosDiscoverMode *mode;
  void                    *data; /* of the mode */
  const NomosRegressionOps *method;
  size_t                   n_equations;
  NomosDiscoverEquation   *equations;
  double                   n_samples;
  bool                     coupled; /* an equality of discover.constraints is between equations */
  bool                     missing; /* what is found comes on top of physics that the model has besides `equations:` */
  char                     settings[512]; /* of the mode, for the report: a sentence */
};

/* Another equation over terms, written (notations)(n_terms); all is copied. */
PetscErrorCode NomosDiscoverAdd(NomosDiscover *d, const char variable[], size_t n_terms, const char *const *const written[]);
/* Regression of every equation by discover.method on its gram, within discover.constraints: found. */
PetscErrorCode NomosDiscoverSolve(NomosDiscover *d);
/* Are discover.constraints such as the equations have (where there are equations yet), and does whatever comes after the regression keep them? */
PetscErrorCode NomosDiscoverCheckConstraints(NomosDiscover *d);
/* Least squares of the grams' second target, what is left by coefficients `before`, on their terms; before + dc keeps discover.constraints (NomosRegressionStep). All (n_equations)(n_terms). */
PetscErrorCode NomosDiscoverStep(NomosDiscover *d, const double *const before[], double *const dc[]);
/* Then, from the grams: low, high, frequency. */
extern const NomosParam nomos_discover_interval_params[];
extern const size_t     nomos_discover_n_interval_params;
PetscErrorCode NomosDiscoverIntervals(NomosDiscover *d);
PetscErrorCode NomosDiscoverIntervalResults(NomosDiscover *d, NomosResultFn result, void *ctx);
/* Warnings where found.residual is far above what noise explains. */
PetscErrorCode NomosDiscoverWarnOfResidual(NomosDiscover *d);
/* Root mean square of the target, over all rows. */
double NomosDiscoverTarget(const NomosDiscoverEquation *equation);
/* |c - truth|/|truth| of the whole equation (model + c); of nothing found where nothing is 0. NaN: the truth is unknown. */
double NomosDiscoverError(const NomosDiscoverEquation *equation, const double c[]);
/* Are the terms of the whole equation those of the truth? */
bool NomosDiscoverExact(const NomosDiscoverEquation *equation);
/* After intervals: a term of the model that is zero within twice its deviation with what was found leaves the equation, and its interval goes with its coefficient; where discover.constraints let it. */
void NomosDiscoverSnap(NomosDiscover *d);

/* equation.yaml, equation.tex, coefficients.csv, path.csv, and the equations in the log. report.html, of what is in the run directory by then. */
PetscErrorCode NomosDiscoverWrite(NomosDiscover *d);
void           NomosDiscoverWriteText(const NomosDiscover *d, FILE *out); /* the equations, a line each */
void           NomosDiscoverWriteLatex(const NomosDiscover *d, FILE *out);
void           NomosDiscoverWriteMathml(const NomosDiscover *d, FILE *out); /* paragraphs, a formula for each term, so that a browser breaks lines between them */
PetscErrorCode NomosDiscoverReport(NomosDiscover *d);

#endif
