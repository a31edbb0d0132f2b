/* Regressions of rates of change on libraries of terms, assembled from data frame by frame into normal equations (gram.h): memory does not grow with the data.

   Strong form: a row is a point at a time,

     u_t = sum_j c_j term_j(u)          u_t by differences in time (Fornberg 1988, doi:10.1090/S0025-5718-1988-0935077-0), or given

   Weak form: a row is a test function phi(x, t) = prod_d (1 - (x_d/(m_d dx_d))^2)^p_d with support m_d points to either side, and derivatives go over to it,

     -<phi_t, u> = sum_j c_j sum_p (-1)^|a_p| <d^a_p phi, f_p(u)>          term_j = sum_p d^a_p f_p(u)          NomosTermsWeak

   so that noise is averaged, not amplified (Messenger & Bortz 2021, doi:10.1016/j.jcp.2021.110525). Rows are divided by <phi, 1>: both forms have the units of u_t. Sums over a support are those of
   the trapezoidal rule, which converges as fast as phi is smooth, 2 p_d - a_d orders in all.

   Test functions are s_d points apart; where the domain is periodic they go over its ends. Products with them are taken along one axis after the other, at the places needed only: an s-th of a
   convolution is cheaper so than by Fourier transforms unless 2 m/s is larger than some 50. In time, a frame is added to those that overlap it: each is read once.

   Rows with a missing number (NaN) in what they are made of are left out. Moments (rows' times) are cut into stretches, and the outermost axis of space into tiles: a trajectory's stretch's tile is a
   block of the normal equations. Ranks take stretches, one after the other; the same bits for any number of ranks and threads. */
#ifndef NOMOS_SURROGATES_DISCOVERY_LIBRARY_H
#define NOMOS_SURROGATES_DISCOVERY_LIBRARY_H

#include "io/config.h"
#include "operators/terms.h"
#include "surrogates/discovery/frames.h"
#include "surrogates/discovery/regression.h"

typedef struct NomosLibrary_s *NomosLibrary;

typedef enum { NOMOS_FORM_STRONG, NOMOS_FORM_WEAK } NomosForm;

enum { NOMOS_LIBRARY_AXES = 3 }; /* axes of space, outermost first, then time: stride[n_dims] is that of time */

typedef struct {
  NomosForm        form;
  NomosTermsMethod derivatives;
  int              order;                        /* of differences in space */
  bool             open, dealias;                /* not periodic; products free of aliasing */
  int              time_order;                   /* strong: 2, 4, 6, 8 */
  size_t           stride[NOMOS_LIBRARY_AXES];   /* from one row to the next; 0: 1 (strong), or half_width/5 (weak) */
  size_t           half_width[NOMOS_LIBRARY_AXES]; /* weak: m; 0: from the spectrum of the data */
  int              degree[NOMOS_LIBRARY_AXES];   /* weak: p; 0: the least with which phi is below 1e-10 one point before the end of its support */
  double           fraction;                     /* of rows, drawn by (seed, place); 0: all */
  uint64_t         seed;
  size_t           n_stretches, n_tiles;         /* n_stretches of all trajectories together, 0: 32; n_tiles of each, 0: 1 */
} NomosLibrarySettings;

typedef struct {
  MPI_Comm             comm;
  const NomosFrames   *frames;   /* fields of terms, then, where rates is set, the rates of the targets. Borrowed until Create returns */
  size_t               n_fields, n_targets, n_terms;
  const char *const   *fields, *const *terms;
  const size_t        *targets;  /* (n_targets) fields whose equations are sought; NULL: all */
  bool                 rates;    /* u_t is given */
  size_t               n_given;
  const char *const   *given;
  const double *const *given_values;
  const char          *where, *names; /* begins messages; ends those of an unknown name (NomosTermsInput) */
  NomosLibrarySettings settings;
} NomosLibraryInput;

/* Errors: those of terms; a support longer than an axis; too few frames; times unevenly spaced (weak); spectral derivatives of what is not periodic. Collective. */
PetscErrorCode NomosLibraryCreate(const NomosLibraryInput *input, NomosLibrary *library);
PetscErrorCode NomosLibraryDestroy(NomosLibrary *library);
NomosTerms     NomosLibraryTerms(NomosLibrary library);
/* Settings as used, automatic ones filled in. */
const NomosLibrarySettings *NomosLibrarySettingsUsed(NomosLibrary library);

/* Sums over all rows of frames shaped like those the library was made for. coefficients (n_targets, n_terms): targets are residuals y - Phi c, for iterative refinement and for the noise that is left; NULL: y. *gram is created, its sums
   are those of all ranks. Errors: a term that is not finite where nothing is missing; no row left. Collective. */
PetscErrorCode NomosLibraryAssemble(NomosLibrary library, const NomosFrames *frames, const double coefficients[], NomosGram *gram);

/* Least squares on all terms of a weak library of one target without the bias that white Gaussian noise of standard deviations sigma (n_fields) in the data has on it (attenuation), and the covariance of the
   coefficients, (n_terms, n_terms), to first order in the noise (library_unbiased.c has the equations). Terms must be derivatives of products of fields, and no row left out: CanUnbias tells of the former. For
   the few terms of an equation that was found: frames are read three times. Collective. */
typedef struct {
  const NomosFrames      *frames;
  const double           *sigma;
  const NomosConstraints *constraints; /* NULL: none */
} NomosUnbiasedInput;
bool           NomosLibraryCanUnbias(NomosLibrary library);
PetscErrorCode NomosLibraryUnbiasedFit(NomosLibrary library, const NomosUnbiasedInput *input, double c[], double covariance[]);
/* Of any number of targets, normal equations (n_targets) whose means are those without noise, and what was taken off them: c^T noise.G c - 2 c noise.b + noise.s is the sum of squares that noise adds to the
   residuals of c. The caller destroys them. With many terms, covariances are those of thinned points. Collective. */
PetscErrorCode NomosLibraryUnbiasedSums(NomosLibrary library, const NomosFrames *frames, const double sigma[], NomosNormal normals[], NomosNormal noises[]);
/* How many rows tell as much as one independent one, as test functions overlap: the product over axes of the sum of autocorrelations of phi at multiples of the stride. */
double         NomosLibraryOverlap(NomosLibrary library);

/* Terms written as families, each entry standing for several:

     u^1..6                     u, u^2, ..., u^6
     d1..4x(u^2)                dx(u^2), ..., d4x(u^2)
     monomials(u v, 1..3)       u, v, u^2, u v, ..., v^3: all products of these degrees

   Ranges within an entry are combined, the first one slowest. *out (n) is PetscFree'd with each of its texts (NomosLibraryFreeTerms). Errors: a range that goes backwards; monomials without fields; too many terms. */
PetscErrorCode NomosLibraryExpand(const char where[], size_t n_entries, const char *const entries[], size_t *n, char ***terms);
PetscErrorCode NomosLibraryFreeTerms(size_t n, char ***terms);

#endif
