/* Inside of nomos discover: H(q, p) of a system that was seen, as a sum of terms (surrogates/discovery/hamiltonian_library.h).

   Rows of the regression are Hamilton's equations at states of the data. discover_hamiltonian.c reads, regresses and judges; discover_hamiltonian_output.c writes H and orbits. */
#ifndef NOMOS_CASES_DISCOVER_HAMILTONIAN_H
#define NOMOS_CASES_DISCOVER_HAMILTONIAN_H

#include "cases/discover.h"
#include "io/expression.h"
#include "surrogates/discovery/hamiltonian_library.h"
#include "surrogates/hamiltonian/orbits.h"

/* By what orbits are integrated. */
typedef enum { NOMOS_ROLLED_FOUND, NOMOS_N_ROLLED } NomosRolled;

typedef struct {
  NomosHamiltonianLibrary library;
  NomosOrbits             truth, rates; /* what the data are, without discover.noise: states, and their derivatives by time */
  size_t                  size;         /* coordinates */
  size_t                  n_points;     /* states that the regression sees */
  size_t                 *points;       /* (n_points) their numbers among all of `truth` */
  double                 *x, *y;        /* (n_points, size) states and rates as they are seen */
  NomosExpression         energy;       /* the true H; NULL: unknown */
  size_t                  n_orbits;     /* integrated with what was found */
  int64_t                 draws;
  double                  exact, *errors; /* share of the draws with the right terms; (draws) largest error of a coefficient */
  size_t                  n_judged;     /* draws so far */
  NomosOrbits             rolled[NOMOS_N_ROLLED]; /* the first orbits of the data, integrated */
  bool                    stuck[NOMOS_N_ROLLED];  /* that could not be done */
} NomosHamiltonianData;

/* What the files say of H, for the mode's table. */
void           NomosHamiltonianWriteYaml(const NomosDiscover *d, FILE *out);
PetscErrorCode NomosHamiltonianConclude(NomosDiscover *d);
PetscErrorCode NomosHamiltonianResults(NomosDiscover *d, NomosResultFn result, void *ctx);

#endif
