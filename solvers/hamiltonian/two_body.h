/* Two bodies of mass 1 in the plane that attract each other, G = 1:

     H = (|p_1|^2 + |p_2|^2)/2 - 1/|q_1 - q_2|,   dq/dt = dH/dp,  dp/dt = -dH/dq,   x = (q_1, q_2, p_1, p_2), 8 numbers.

   Initial states of Greydanus et al. (2019), doi:10.48550/arXiv.1906.01563: q_1 uniform in [0.5, 1.5]^2, q_2 = -q_1, momenta opposite and at right angles, those of the circular orbit,
   |p| = 1/(2 sqrt |q_1|), times 1 + noise N(0, 1). */
#ifndef NOMOS_SOLVERS_HAMILTONIAN_TWO_BODY_H
#define NOMOS_SOLVERS_HAMILTONIAN_TWO_BODY_H

#include "io/base.h"

enum { NOMOS_TWO_BODY_SIZE = 8 };

double NomosTwoBodyEnergy(const double x[NOMOS_TWO_BODY_SIZE]);
void   NomosTwoBodyField(const double x[NOMOS_TWO_BODY_SIZE], double x_dot[NOMOS_TWO_BODY_SIZE]);
/* State number `orbit` of a seed. */
void NomosTwoBodyInitial(uint64_t seed, uint64_t orbit, double noise, double x[NOMOS_TWO_BODY_SIZE]);

typedef struct {
  uint64_t seed;
  size_t   n_orbits, n_times; /* n_times >= 2, from 0 to `duration`, equally spaced, both ends included */
  double   duration, noise;   /* the reference: 20 and 0.05 */
  double   rtol;              /* of the Dormand-Prince pair; the reference: 1e-9 */
} NomosTwoBodyInput;
/* x and x_dot (n_orbits, n_times, 8); x_dot, the exact field at x, may be NULL. Errors: those of the integration. Not collective. */
PetscErrorCode NomosTwoBodyOrbits(const NomosTwoBodyInput *input, double x[], double x_dot[]);

#endif
