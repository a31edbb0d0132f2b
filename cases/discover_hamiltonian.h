/* Inside of nomos discover: H(q, p) of a system that was seen, as a sum of terms (surrogates/discovery/hamiltonian_library.h).

   Rows of the regression are Hamilton's equations at states of the data. Or the field of a network that was trained on them, at a cloud of states about them, whose H is read out so.
   discover_hamiltonian_data.c reads the data, discover_hamiltonian_network.c has the network, discover_hamiltonian_noise.c the noise; discover_hamiltonian.c regresses, discover_hamiltonian_output.c writes H and orbits. */
#ifndef NOMOS_CASES_DISCOVER_HAMILTONIAN_H
#define NOMOS_CASES_DISCOVER_HAMILTONIAN_H

#include "cases/discover.h"
#include "io/expression.h"
#include "surrogates/discovery/hamiltonian_library.h"
#include "surrogates/hamiltonian/orbits.h"

/* By what orbits are integrated. */
typedef enum { NOMOS_ROLLED_FOUND, NOMOS_ROLLED_NETWORK, NOMOS_N_ROLLED } NomosRolled;

typedef struct NomosDistilled_s *NomosDistilled; /* a learned H */

typedef struct {
  NomosHamiltonianLibrary library;
  NomosOrbits             seen, seen_rates;  /* the data, without discover.noise: states, and their derivatives by time */
  NomosOrbits             tests, test_rates; /* of discover.hamiltonian.test */
  const NomosOrbits      *truth, *rates;     /* what is judged by: these, or the data */
  size_t                  size;              /* coordinates */
  double                 *noisy[2];          /* all of them with discover.noise */
  double                 *sigma;             /* (2 size) noise as measured in these; NULL: not measured */
  NomosTimeWindow         window;            /* n 0: rates are given; else they come from states, and a row is a mean over such a window */
  NomosDistilled          network;           /* NULL: none; else the regression sees its field, at a cloud of states about the points */
  size_t                  n_points;          /* states that are seen, n of them in the regression */
  size_t                 *points;            /* (n_points) their numbers among all of `seen` */
  size_t                  n;
  double                 *x, *y;    /* (n, size) states and rates of the regression; with windows all states, and (n, size) rates */
  NomosExpression         energy;   /* the true H; NULL: unknown */
  size_t                  n_orbits; /* integrated with what was found */
  int64_t                 draws;
  double                  exact, *errors;         /* share of the draws with the right terms; (draws) largest error of a coefficient */
  size_t                  n_judged;               /* draws so far */
  NomosOrbits             rolled[NOMOS_N_ROLLED]; /* the first orbits of `truth`, integrated */
  bool                    stuck[NOMOS_N_ROLLED];  /* that could not be done */
} NomosHamiltonianData;

/* Of discover.hamiltonian.network; NULL without one. */
PetscErrorCode NomosDistilledCreate(NomosDiscover *d, size_t size, NomosDistilled *network);
PetscErrorCode NomosDistilledDestroy(NomosDistilled *network);
/* Its weights as in the file, and then `steps` of Adam by the mean log cosh of the field's error at the states. */
PetscErrorCode NomosDistilledAdapt(NomosDistilled network, const NomosHamiltonianStates *states, size_t steps, double rate);
PetscErrorCode NomosDistilledField(NomosDistilled network, size_t n, const double x[], double x_dot[]);

/* States at which it is asked: n of them, x (n, size), normal with the mean of those given and `factor` times their deviations in all directions. */
typedef struct {
  size_t        n_given, size;
  const double *given; /* (n_given, size) */
  double        factor;
  uint64_t      seed;
} NomosCloud;
PetscErrorCode NomosCloudDraw(const NomosCloud *cloud, size_t n, double x[]);

/* What of data.* and assembly.* nothing here reads. */
PetscErrorCode         NomosHamiltonianRefuse(NomosConfig config);
/* Orbits from the data's file, and those of discover.hamiltonian.test: seen, tests and what comes with them, and the window. */
PetscErrorCode         NomosHamiltonianReadData(NomosDiscover *d, const char path[]);
/* The rows of the regression as they are. */
NomosHamiltonianStates NomosHamiltonianRows(const NomosHamiltonianData *data);
/* noisy: with `noise` times the root mean square of every coordinate, and of its rate. */
PetscErrorCode         NomosHamiltonianAddNoise(NomosHamiltonianData *data, double noise, uint64_t seed);
PetscErrorCode         NomosHamiltonianReplicate(NomosDiscover *d, size_t replica, NomosGram *gram);
/* The largest error of a coefficient, and whether the terms are right, of one draw more. */
void                   NomosHamiltonianJudge(NomosDiscover *d);

/* What the files say of H, for the mode's table. */
void           NomosHamiltonianWriteYaml(const NomosDiscover *d, FILE *out);
PetscErrorCode NomosHamiltonianConclude(NomosDiscover *d);
PetscErrorCode NomosHamiltonianResults(NomosDiscover *d, NomosResultFn result, void *ctx);

#endif
