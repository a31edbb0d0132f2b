/* Roll-outs of a learned field along whole trajectories of a data set, and how far they are from them. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_ORBITS_H
#define NOMOS_SURROGATES_HAMILTONIAN_ORBITS_H

#include "io/expression.h"
#include "surrogates/dataset.h"

/* Trajectories of a split at common times. */
typedef struct {
  size_t  n, n_times, size; /* trajectories, times, coordinates */
  double *times;            /* (n_times) */
  double *x;                /* (n, n_times, size) */
} NomosOrbits;

/* All of a split: `x` is the number of a variable with frames in windows of one, `t` that of the times (of a whole trajectory). Errors: trajectories with other times. Not collective. */
PetscErrorCode NomosOrbitsRead(NomosDataset dataset, NomosSplit split, size_t x, size_t t, NomosOrbits *orbits);
/* Exact ones in their place: from their first states by the Hamiltonian `energy` (an expression of NomosOrbitsEnergyCreate), at as many equally spaced times from 0 to `duration`. Errors: a derivative of the
   expression that cannot be had; orbits on which the integration gets stuck. */
PetscErrorCode NomosOrbitsIntegrate(NomosOrbits *orbits, NomosExpression energy, double duration);
/* The first `n` of them from the same initial states by x_dot = f(x), some at once: the field of many states (n_states, size). Dormand-Prince with tolerance rtol; *stuck where it could not go on
   (`rolled` holds nothing then). */
typedef PetscErrorCode (*NomosFieldFn)(size_t n_states, const double x[], double x_dot[], void *ctx);
typedef struct {
  const NomosOrbits *truth;
  size_t             n;
  NomosFieldFn       field;
  void              *ctx;
  double             rtol;
} NomosOrbitsRollInput;
PetscErrorCode NomosOrbitsRoll(const NomosOrbitsRollInput *input, NomosOrbits *rolled, bool *stuck);
PetscErrorCode NomosOrbitsFree(NomosOrbits *orbits);

/* Mean over trajectories, times (and coordinates) of (E(rolled) - E(truth))^2, and of (rolled - truth)^2. energy: an expression of q1, q2, ..., p1, p2, ... */
double NomosOrbitsEnergyError(const NomosOrbits *rolled, const NomosOrbits *truth, NomosExpression energy);
double NomosOrbitsError(const NomosOrbits *rolled, const NomosOrbits *truth);
/* The median over trajectories (one at least) of such means over times, of the coordinates (energy NULL) or of the energy: a single near collision can make the mean whatever it likes. */
PetscErrorCode NomosOrbitsMedian(const NomosOrbits *rolled, const NomosOrbits *truth, NomosExpression energy, double *median);
/* The expression of `text` for `size` coordinates. Errors: those of the expression. */
PetscErrorCode NomosOrbitsEnergyCreate(const char text[], size_t size, NomosExpression *energy);
/* That of a key of the case, in whose errors it is named; NULL where it is unset. */
PetscErrorCode NomosOrbitsEnergyOfKey(NomosConfig config, const char key[], size_t size, NomosExpression *energy);

#endif
