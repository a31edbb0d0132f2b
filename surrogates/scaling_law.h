/* How an error falls with the size of the network and of the data:

     E(N, D) = E0 + A N^-alpha + B D^-beta,      E0, A, B >= 0                      N weights, D examples

   Hoffmann et al. (2022), doi:10.48550/arXiv.2203.15556; Kaplan et al. (2020), doi:10.48550/arXiv.2001.08361. Where only one of the two differs between the points its term is fitted alone.

   Fitted in logarithms: the least sum of (log E_i - log E(N_i, D_i))^2, by bounded Levenberg-Marquardt steps from a grid of first guesses. What is uncertain about it is in laws that are fitted to errors
   drawn again: the law's, times residuals drawn with replacement, whose size is itself drawn (from chi^2 of the degrees of freedom), so that intervals are right for few points too. Trainings of one size that
   differ by their seed share their data, and what the law misses there: of several a size, the mean residual of a size and what each training differs by from it are drawn apart, and the former have the
   degrees of freedom of the sizes, not of the trainings. */
#ifndef NOMOS_SURROGATES_SCALING_LAW_H
#define NOMOS_SURROGATES_SCALING_LAW_H

#include "io/base.h"

typedef struct {
  double weights, examples, error; /* N, D, E; all above 0 */
} NomosScalingPoint;

/* Numbers of a law. Those of a term that is not fitted are 0. */
enum { NOMOS_SCALING_FLOOR, NOMOS_SCALING_A, NOMOS_SCALING_ALPHA, NOMOS_SCALING_B, NOMOS_SCALING_BETA, NOMOS_SCALING_N };
extern const char *const nomos_scaling_names[NOMOS_SCALING_N]; /* "E0", "A", "alpha", "B", "beta" */
extern const double nomos_scaling_exponents[2];                /* alpha and beta are sought between these: one at a bound is not fixed by the points; nor is that of a term that is 0 */
typedef struct {
  double value[NOMOS_SCALING_N];
} NomosScalingLaw;
/* Is this number the exponent of a term that is 0? */
bool NomosScalingIdle(const NomosScalingLaw *law, int number);

/* E(N, D); and its three terms E0, A N^-alpha, B D^-beta. */
double NomosScalingError(const NomosScalingLaw *law, double weights, double examples);
void   NomosScalingTerms(const NomosScalingLaw *law, double weights, double examples, double terms[3]);

typedef struct {
  size_t                   n;
  const NomosScalingPoint *points;
  size_t                   n_draws; /* laws fitted to errors drawn again, 0 or more */
  uint64_t                 seed;
} NomosScalingInput;

typedef struct {
  NomosScalingLaw  law;
  size_t           n_unknowns; /* 5, or 3 where one size is the same in all points */
  double           deviation;  /* standard deviation of log E about the law */
  size_t           n, n_draws;
  NomosScalingLaw *draws;      /* (n_draws) */
  double          *residuals;  /* (n) of log E, widened by sqrt(n/(n - n_unknowns)); with `shared` what a training differs by from its size's mean, by sqrt(n/(n - n_sizes)) */
  size_t           n_sizes;    /* different (N, D) of several trainings each; 0: as many as points, or too few for means of their own */
  size_t          *size;       /* (n) which of them a point has */
  double          *shared;     /* (n_sizes) their mean residuals, widened by sqrt(n_sizes/(n_sizes - n_unknowns)) */
  uint64_t         seed;
} NomosScalingFit;

/* Errors: a size or an error that is not above 0; fewer than three sizes of what differs; not more points than unknowns. Free it with NomosScalingFree, also after an error. Not collective. */
PetscErrorCode NomosScalingFitLaw(const NomosScalingInput *input, NomosScalingFit *fit);
PetscErrorCode NomosScalingFree(NomosScalingFit *fit);

/* Between which two values lie 95 % of n numbers (sorted in place); those that are not finite count as large. */
void NomosScalingInterval(size_t n, double values[], double interval[2]);
/* Of a number of the law. */
PetscErrorCode NomosScalingNumberInterval(const NomosScalingFit *fit, int number, double interval[2]);
/* Of the mean error of so many further trainings of this size: what is uncertain about the law, and residuals. n_trainings 0: of E(N, D) itself. */
PetscErrorCode NomosScalingErrorInterval(const NomosScalingFit *fit, double weights, double examples, size_t n_trainings, double interval[2]);

#endif
