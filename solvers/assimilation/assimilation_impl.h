/* Private to solvers/assimilation: what methods of analysis fill in, and what they stand on.

   A state's numbers are in columns (all layers of a place). Around a column the observations within the radius count, with the weight of Gaspari & Cohn on their precisions (Hunt et al. 2007); without
   a radius all count alike, and one set of weights serves all columns. Most methods are a transform of deviations z_i, of the forecasts from their mean or of static states from theirs:

     x^a_j = b_j + sum_i z_i T_ij      b_j: the mean of the forecasts, or (static) forecast j */
#ifndef NOMOS_SOLVERS_ASSIMILATION_ASSIMILATION_IMPL_H
#define NOMOS_SOLVERS_ASSIMILATION_ASSIMILATION_IMPL_H

#include "solvers/assimilation/assimilation.h"

/* The observations that count at a place: deviations in the space of observations, inflated, and precisions w = weight/sigma^2. */
typedef struct {
  size_t  n, k, m;               /* observations, deviations, members */
  double *z;                     /* (n, k) */
  double *precision;             /* (n) */
  double *innovation;            /* (n): y - mean(H x); static: (n, m): y - H x_j */
  double *perturbation;          /* (n, m): errors drawn for each member */
  size_t *picked;                /* (n) of the set */
  double *weight;                /* (n) of localisation */
  double *transform;             /* (k, m) out */
  double *a, *b, *values, *work; /* (k, k), (k, max(k, m)), (k), (n_work) */
  int     n_work;
  double  factor; /* of inflation, of the variance */
} NomosLocalProblem;

/* What one analysis works on: this rank's columns, all members of each. */
typedef struct {
  NomosAnalysis              analysis;
  const NomosObservationSet *set;
  size_t                     m, k, n_layers, first_column, n_columns; /* columns: of this rank */
  double                    *rows;                                    /* (n_columns, n_layers, m): forecasts, then analyses */
  double                    *seen, *seen_mean, *perturbation;         /* (set->n, m) H x of all members, (set->n), (set->n, m) */
  double                    *z;                                       /* (set->n, k): deviations of H x, or of the static states' */
  double                    *transform;                               /* (k, m) of all columns, where there is no radius */
} NomosAnalysisFrame;

struct NomosAnalysisMethod {
  const char *name, *summary, *reference;
  bool        local;                                                                                        /* it needs a radius */
  bool        is_static;                                                                                    /* z are of static states */
  bool        perturbed;                                                                                    /* observations are perturbed for each member */
  NomosVariationalKind variational;                                                                         /* made by whoever has the model */
  size_t      fewest;                                                                                       /* members */
  bool (*weights)(NomosLocalProblem *problem);                                                              /* a transform: problem->transform; false: not finite. In any thread, no PETSc */
  void (*direct)(const NomosAnalysisFrame *frame, NomosLocalProblem *problem, size_t column, double *rows); /* no transform: the rows of a column (n_layers, m) themselves */
};

struct NomosAnalysis_s {
  MPI_Comm           comm;
  int                rank, size, n_threads;
  NomosAnalysisInput input;
  size_t             n_members, n_state, n_columns, n_layers, n_factors;
  double            *factors;     /* (n_factors) */
  double            *static_mean; /* (n_state) */
};

/* Among the ranks: the members each has, and the columns. */
static inline size_t NomosAnalysisColumn(const NomosAnalysis a, int rank)
{
  return a->n_columns * (size_t)rank / (size_t)a->size;
}

/* Members by rank -> columns by rank, and back. Collective. */
PetscErrorCode NomosAnalysisScatter(NomosAnalysis analysis, const NomosEnsemble *ensemble, double *rows);
PetscErrorCode NomosAnalysisGather(NomosAnalysis analysis, const NomosEnsemble *ensemble, const double *rows);
/* H x of all members on every rank, (set->n, n_members). Collective. */
PetscErrorCode NomosAnalysisGatherSeen(NomosAnalysis analysis, const NomosEnsemble *ensemble, double *seen);

/* Every column of the frame, by threads; *failed: some matrix was not finite. */
PetscErrorCode NomosAnalysisColumns(NomosAnalysisFrame *frame, const NomosEnsemble *ensemble, bool *failed);
/* The innovations of a frame. */
void           NomosAnalysisInnovations(const NomosAnalysisFrame *frame, const NomosEnsemble *ensemble);
/* The observations that count at a column, or all of them, with their weights, into problem->picked and weight. */
void           NomosAnalysisPick(const NomosAnalysisFrame *frame, size_t column, bool all, NomosLocalProblem *problem);

/* A = (k - 1) I + Z^T W Z, in full; b = Z^T W d for n_d columns of d; b := A^-1 b by Cholesky, which overwrites A (false: A is not positive, or b not finite). */
void NomosLocalMatrix(const NomosLocalProblem *problem, double *a);
void NomosLocalProject(const NomosLocalProblem *problem, size_t n_d, const double *d, double *b);
bool NomosLocalSolve(const NomosLocalProblem *problem, size_t n_d, double *a, double *b);

#endif
