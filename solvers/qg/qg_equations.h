/* Terms of dq/dt that the case writes (operators/equations.h), for *_real.c files: one more function of the state beside those of the table of lines,

     t += F E(G psi, G q; c),    psi = M^-1 q

   G takes modes to the user's grid and F brings them back, cut to what a state holds. E works in double precision; it is evaluated once before the passes of a tendency. */
#ifndef NOMOS_SOLVERS_QG_EQUATIONS_H
#define NOMOS_SOLVERS_QG_EQUATIONS_H

#include "solvers/qg/qg_derivative.h"

/* Kinds of fields, in the order of their names (qg_equations.c): psi, q, u = -psi_y, v = psi_x. */
enum { QG_EQUATION_PSI, QG_EQUATION_Q, QG_EQUATION_U, QG_EQUATION_V, QG_EQUATION_KINDS, QG_EQUATION_NAMES = QG_EQUATION_KINDS * NOMOS_QG_MAX_LAYERS };

/* Arrays of modes are like q, by parts (qg_derivative.h). Values on the grid: of a field that terms name [used][point], of a tendency [layer][point]. */
struct NAME(QGEquations_s) {
  size_t   n_points, n_coefficients;
  int      n_names, n_used, place[QG_EQUATION_NAMES]; /* of a name among the used, -1: no term has it */
  int      kind[QG_EQUATION_NAMES], layer[QG_EQUATION_NAMES]; /* of the used */
  bool     driven[NOMOS_QG_MAX_LAYERS];               /* has the layer an equation? */
  Complex *psi[2], *tendency[2];
  Complex *psi_bar[2], *q_bar[2];
  double  *field[2], *rate[2], *field_bar[2];
  double  *c_bar[2];                                  /* what an adjoint finds for the coefficients, this rank's part: added up until someone sets it to 0 */
  double  *by_name[QG_EQUATION_NAMES];                /* field[0] */
  Complex *modes;                                     /* of a layer */
  Real    *grid;
};

/* core->equations->tendency[0] := the extra terms at q. Collective. */
PetscErrorCode NAME(QGEquationsTendency)(NAME(QGCore) *core, const Complex *q);
PetscErrorCode NAME(QGEquationsDestroy)(NAME(QGCore) *core);
/* The fields that terms name (NULL: none does), of a state as a vector; borrowed until the next tendency. `core` is a QGCore. Collective. */
PetscErrorCode NAME(QGEquationsFields)(void *core, const void *state, const double *const **fields);

/* tendency[part] := theirs; psi_bar[part], q_bar[part] := (dE/dpsi)^T t_bar, (dE/dq)^T t_bar, where psi's constant is free, and with sums c_bar[part] += (dE/dc)^T t_bar. Collective. */
PetscErrorCode NAME(QGEquationsTangent)(NAME(QGCore) *core, const NAME(QGPoint) *at);
PetscErrorCode NAME(QGEquationsAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], double *const sums[2]);
/* c_bar[part] := 0. */
PetscErrorCode NAME(QGEquationsClear)(NAME(QGCore) *core, int parts);

#endif
