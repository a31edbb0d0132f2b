/* What an equation is worth: which terms come again when rows are drawn again, and intervals of coefficients.

   Three ways to draw again, from cheap to honest:

     stability     half of the blocks, without repetition: how often a method finds each term (Meinshausen & Buehlmann 2010, doi:10.1111/j.1467-9868.2010.00740.x)
     blocks        as many blocks as there are, with repetition: least squares on the support found (Kuensch 1989, doi:10.1214/aos/1176347265). For errors in the target; costs nothing, block sums are enough
     parametric    the caller takes the data for the truth, adds noise of the size it estimated and assembles the regressions again. For errors in the columns too, which pull coefficients one way: what adding
                   noise once more does to the coefficients is taken off, as a difference, 2 w - mean w*, or as what noise does to a single column, where 1/w is linear in its variance: 1/(2/w - 1/mean w*)
                   (Cook & Stefanski 1994, doi:10.1080/01621459.1994.10476871, with one step)

   Blocks must be long against correlations; those without rows do not count. Draws are functions of (seed, replica). */
#ifndef NOMOS_SURROGATES_DISCOVERY_INTERVALS_H
#define NOMOS_SURROGATES_DISCOVERY_INTERVALS_H

#include "surrogates/discovery/regression.h"

/* Of the blocks of a gram: a regression that leaves rows out where discover.choice is held_out (in turn each of discover.folds parts of its blocks; the points of the paths correspond by their number), and is
   NomosRegressionSolve on all its rows otherwise. floor: NomosNormal's. Not collective. */
typedef struct {
  const NomosRegressionOps *ops;
  NomosConfig               config;
  const NomosGram          *gram;
  size_t                    target;
  double                    floor;
  const NomosConstraints   *constraints; /* NULL: none */
} NomosGramRegression;
PetscErrorCode NomosRegressionSolveGram(const NomosGramRegression *input, NomosRegression *regression);

/* frequency (n_terms): in how many of n draws of half of the blocks the method finds the term. Two blocks with rows at least. */
PetscErrorCode NomosStabilitySelection(const NomosGramRegression *input, size_t n, uint64_t seed, double frequency[]);

typedef struct {
  size_t  n_terms;
  double *c;                         /* (n_terms) with the correction of bias, where there is one */
  double *deviation, *lower, *upper; /* (n_terms) of c; 0 and c off the support */
} NomosIntervals;
PetscErrorCode NomosIntervalsDestroy(NomosIntervals *intervals);

/* Of least squares on `support` over n draws of blocks: c +- t deviation, t of Student's distribution with (blocks with rows - 1) degrees of freedom. level: 0.95. */
typedef struct {
  const NomosGram        *gram;
  size_t                  target;
  const bool             *support;     /* (n_terms) */
  const NomosConstraints *constraints; /* NULL: none */
  size_t                  n;
  uint64_t                seed;
  double                  level;
} NomosBlockBootstrapInput;
PetscErrorCode NomosBlockBootstrap(const NomosBlockBootstrapInput *input, NomosIntervals *intervals);

/* Replica r of the data: the caller adds it to the gram, which is made for it, with one block, zero. */
typedef PetscErrorCode (*NomosReplicateFn)(void *context, size_t replica, NomosGram *gram);
typedef enum { /* in the order of the choices of discover.bias */
  NOMOS_BIAS_KEPT,
  NOMOS_BIAS_DIFFERENCE,
  NOMOS_BIAS_RECIPROCAL /* where mean w* is between w/2 and 3 w/2, else the difference */
} NomosBiasCorrection;
typedef struct {
  size_t                  n_targets;
  const NomosNormal      *normals;     /* (n_targets) of the data */
  const bool *const      *supports;    /* (n_targets)(n_terms) */
  const NomosConstraints *constraints; /* (n_targets) NULL: none */
  size_t                  n;           /* replicas, at least 3 */
  double                  level;
  NomosBiasCorrection     correction;
  NomosReplicateFn        replicate;
  void                   *context;
} NomosParametricBootstrapInput;
/* intervals (n_targets). Collective if `replicate` is, which then sums over ranks. */
PetscErrorCode NomosParametricBootstrap(const NomosParametricBootstrapInput *input, NomosIntervals intervals[]);

/* t with P(|T| < t) = level for Student's distribution of nu > 0 degrees of freedom (infinite: the normal one). */
double NomosStudentQuantile(double nu, double level);

#endif
