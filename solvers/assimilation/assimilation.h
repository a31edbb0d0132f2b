/* Sequential data assimilation: the forecasts of an ensemble and observations become an analysis,

     x^a = x^f + K (y - H x^f)         K = B H^T (H B H^T + R)^-1,   R = diag(sigma^2)

   B is the covariance of the forecasts themselves (enkf, etkf, letkf), or a static one, that of states of a climate (optimal_interpolation). On plain arrays: whoever has states and knows what would be
   seen of them can call it, whatever the model.

   Members are divided among the ranks of a communicator; every place of a state is analysed by one rank that has all members of it. The result has the same bits for any number of ranks and threads.

   A method is one file and one line in analysis_list.h. */
#ifndef NOMOS_SOLVERS_ASSIMILATION_ASSIMILATION_H
#define NOMOS_SOLVERS_ASSIMILATION_ASSIMILATION_H

#include "solvers/assimilation/observations.h"

typedef struct NomosAnalysisMethod NomosAnalysisMethod;
typedef struct NomosAnalysis_s    *NomosAnalysis;

/* Where the numbers of a state lie: number i at column i % n_columns, as in (layer, y, x). */
typedef struct {
  size_t        n_columns;
  const double *x, *y;     /* (n_columns) */
  double        period[2]; /* along x and y; 0: not periodic */
} NomosAnalysisPlaces;

/* How forecasts and observations agree, to be added up over analyses (zero at first). */
typedef struct {
  double  n;           /* observations */
  double  chi_squared; /* sum over them of d^2/(variance of H x, inflated, + sigma^2), d = y - mean(H x): n where the filter knows its errors */
  double  misfit;      /* sum of d^2/sigma^2 */
  double *ranks;       /* (n_members + 1) how often an observation had so many members below it, each with an error of the observation: flat where they are exchangeable. Hamill (2001),
                          doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2. NULL: not asked for */
} NomosInnovations;

/* Members of this rank, of consecutive numbers over the ranks. */
typedef struct {
  size_t                     n_own, n_state;
  double                    *states;              /* (n_own, n_state): forecasts in, analyses out */
  const NomosObservationSet *set;                 /* the same on every rank; n 0: nothing was seen */
  const double              *seen;                /* (n_own, set->n): H x of each */
  const double              *static_seen;         /* (n_static, set->n): of the static states, for methods that have some */
  uint64_t                   cycle;               /* counts analyses, for random numbers */
  double                    *mean[2], *spread[2]; /* (n_state) before and after: mean of all members and standard deviation about it (of n - 1), on every rank; NULL: not asked for */
  NomosInnovations          *innovations;         /* added to, the same on every rank; NULL: not asked for */
} NomosEnsemble;

typedef struct {
  const NomosAnalysisMethod *method;
  const NomosAnalysisPlaces *places;             /* borrowed; NULL: a state has no places */
  double                     radius;             /* of localisation: observations farther away have no weight; 0: none */
  double                     inflation;          /* factor of the variance of B (where adaptive: at the start) */
  bool                       adaptive;           /* the factor follows the innovations, by place: Miyoshi (2011), doi:10.1175/2010MWR3570.1 */
  double                     adaptive_deviation; /* of the factor from one analysis to the next */
  double                     relaxation;         /* to the spread of the forecasts, 0 to 1: Whitaker & Hamill (2012), doi:10.1175/MWR-D-11-00276.1 */
  double                     gain;               /* of nudging, 0 to 1 */
  size_t                     n_static;
  const double              *static_states; /* (n_static, n_state), the same on every rank; borrowed */
  uint64_t                   seed;
} NomosAnalysisInput;

/* Methods that need the model besides: Apply does not know them, variational.h does. */
typedef enum { NOMOS_NOT_VARIATIONAL,
               NOMOS_3DVAR,
               NOMOS_4DVAR,
               NOMOS_WEAK_4DVAR } NomosVariationalKind;

/* Methods that are there, NULL-terminated; by name: the error names the nearest and all (`where` begins it). */
extern const NomosAnalysisMethod *const nomos_analysis_methods[];
PetscErrorCode                          NomosAnalysisFind(const char name[], const char where[], const NomosAnalysisMethod **method);
const char                             *NomosAnalysisName(const NomosAnalysisMethod *method);
const char                             *NomosAnalysisSummary(const NomosAnalysisMethod *method);
bool                                    NomosAnalysisIsStatic(const NomosAnalysisMethod *method); /* it needs static states */
NomosVariationalKind                    NomosAnalysisVariational(const NomosAnalysisMethod *method);

/* n_members in all. Errors: too few members or static states; a radius without places, or none where the method needs one; numbers out of their range. Collective. */
PetscErrorCode NomosAnalysisCreate(MPI_Comm comm, size_t n_members, size_t n_state, const NomosAnalysisInput *input, NomosAnalysis *analysis);
PetscErrorCode NomosAnalysisDestroy(NomosAnalysis *analysis);
/* One analysis. Errors: members that are not n_members in all; a matrix that cannot be inverted: numbers that are not finite. Collective. */
PetscErrorCode NomosAnalysisApply(NomosAnalysis analysis, const NomosEnsemble *ensemble);
/* The factors of inflation (n): one, or of adaptive localised methods one for each column; the same on every rank. They are all that an analysis remembers. May be written. */
PetscErrorCode NomosAnalysisInflation(NomosAnalysis analysis, size_t *n, double **factors);

/* Weight of an observation at a distance, 1 at 0 and 0 from `radius` on: the fifth-order function of Gaspari & Cohn (1999), doi:10.1002/qj.49712555417, eq. 4.10, whose c is radius/2. */
double NomosGaspariCohn(double distance, double radius);

#endif
