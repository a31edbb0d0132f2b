/* phi functions of small complex matrices, for exponential time schemes, by scaling and doubling:

     phi_0(z) = e^z,  phi_l(z) = (phi_{l-1}(z) - 1/(l-1)!) / z,  phi_l(2z) = 2^-l (phi_0(z) phi_l(z) + sum_{k=1..l} phi_k(z) / (l-k)!)

   No cancellation at small z, no contour to choose. Skaflestad & Wright 2009, doi:10.1016/j.apnum.2008.03.021.

   The same recurrences differentiate them by whatever z depends on. A matrix is then carried to first order in one or in two directions, z + a z_a + b z_b + ab z_ab, as blocks {z}, {z, z_a} or
   {z, z_a, z_b, z_ab} of n x n numbers each; block m of a product is the sum over the subsets s of m of x[s] y[m without s]. */
#ifndef NOMOS_OPERATORS_PHI_FUNCTIONS_H
#define NOMOS_OPERATORS_PHI_FUNCTIONS_H

enum { NOMOS_N_PHI = 4 };

/* c = a b, of n x n matrices in blocks. c is another array. Thread safe. */
void NomosMatrixMultiply(int blocks, int n, const double _Complex *a, const double _Complex *b, double _Complex *c);

/* phi_0 ... phi_3 of z; phi[l] and work[0], work[1] are of the same size. No allocation; thread safe. */
void NomosPhiFunctions(int blocks, int n, const double _Complex *z, double _Complex *const phi[NOMOS_N_PHI], double _Complex *const work[2]);

#endif
