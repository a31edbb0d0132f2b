/* Terms of dq/dt that the case writes (operators/equations.h), for *_real.c files: one more function of the state beside those of the table of lines,

     t += F E(G psi, G q; c),    psi = M^-1 q

   G takes modes to the user's grid and F brings them back, cut to what a state holds. E works in double precision; it is evaluated once before the passes of a tendency. */
#ifndef NOMOS_SOLVERS_QG_EQUATIONS_H
#define NOMOS_SOLVERS_QG_EQUATIONS_H

#include "solvers/qg/qg_derivative.h"

enum { QG_MAX_EQUATION_FIELDS = 2 * NOMOS_QG_MAX_LAYERS };

/* Arrays of modes are like q, by parts (qg_derivative.h). Values on the grid: of a field [kind][layer][point], of a tendency [layer][point]. */
struct NAME(QGEquations_s) {
  size_t   n_points;
  Complex *psi[2], *tendency[2];
  Complex *psi_bar[2], *q_bar[2];
  double  *field[2], *rate[2], *field_bar[2];
  double  *by_name[QG_MAX_EQUATION_FIELDS]; /* field[0], as qg_equations.c names fields */
  double  *c_bar[2];              /* what an adjoint finds for the coefficients, this rank's part: added up until someone sets it to 0 */
};

/* core->equations->tendency[0] := the extra terms at q. Collective. */
PetscErrorCode NAME(QGEquationsTendency)(NAME(QGCore) *core, const Complex *q);
PetscErrorCode NAME(QGEquationsDestroy)(NAME(QGCore) *core);
/* The fields that terms name, of a state as a vector; borrowed until the next tendency. `core` is a QGCore. Collective. */
PetscErrorCode NAME(QGEquationsFields)(void *core, const void *state, const double *const **fields);

/* tendency[part] := theirs; psi_bar[part], q_bar[part] := (dE/dpsi)^T t_bar, (dE/dq)^T t_bar, where psi's constant is free, and with sums c_bar[part] += (dE/dc)^T t_bar. Collective. */
PetscErrorCode NAME(QGEquationsTangent)(NAME(QGCore) *core, const NAME(QGPoint) *at);
PetscErrorCode NAME(QGEquationsAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], double *const sums[2]);
/* c_bar[part] := 0. */
PetscErrorCode NAME(QGEquationsClear)(NAME(QGCore) *core, int parts);

#endif
