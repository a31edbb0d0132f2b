/* Ordinary differential equations dx/dt = f(t, x) with error control: the pair 5(4) of Dormand & Prince (1980), doi:10.1016/0771-050X(80)90013-3, its step chosen as in Hairer, Norsett &
   Wanner (1993), section II.4, doi:10.1007/978-3-540-78862-1. For data and roll-outs that must be accurate; not symplectic, not differentiated through. */
#ifndef NOMOS_OPERATORS_DORMAND_PRINCE_H
#define NOMOS_OPERATORS_DORMAND_PRINCE_H

#include "io/base.h"

/* x_dot (n) = f(t, x). */
typedef PetscErrorCode (*NomosOdeFn)(double t, const double x[], double x_dot[], void *ctx);

typedef struct {
  NomosOdeFn    f;
  void         *ctx;
  size_t        n, n_group;    /* entries of x; of a system: x is n/n_group of them with one step size, that of the worst. n_group 0: n */
  double        rtol, atol;    /* the root mean square of error_i/(atol + rtol |x_i|) of every system is kept below 1 */
  size_t        n_times;
  const double *times;         /* (n_times) rising: x is that at times[0] */
  int64_t       max_steps;     /* 0: 10^7 */
} NomosDormandPrinceInput;

/* Steps end on every time. On entry x (n_times, n) holds the initial state as row 0, on return all rows. *n_steps (may be NULL): accepted. Errors: f's; times that do not rise; a step that becomes
   too small for the clock or too many steps (they name time and step). Not collective. */
PetscErrorCode NomosDormandPrince(const NomosDormandPrinceInput *input, double x[], int64_t *n_steps);

#endif
