/* Which terms, from normal equations whose noise is known (library.h, NomosLibraryUnbiasedSums): terms are added and dropped one at a time, as what the residual without noise loses or gains is more than what noise
   does to it by chance.

     R(S) = s - b_S^T M_S^-1 b_S,  z_j^2 = (R(S) - R(S + j))/(v/rows), v = c^T N_G c - 2 c^T N_b + N_s of the coefficients on S

   Terms come in by one, two or three while z (of a group: the root of the joint chi^2, with a price for the number of groups) is above `in`, of the groups above it the one with the least rows log v + R/v: a column that is
   mostly noise explains anything at the price of a large v. Those below `out` go (Efroymson 1960). At last each term in turn is taken away and the steps go on from the best that then comes in its place, of one, two or three
   terms; another equation is taken where R/v is less by more than chance and by more than its terms cost. Deviations know that noise is in the columns too. */
#ifndef NOMOS_SURROGATES_DISCOVERY_STEPWISE_H
#define NOMOS_SURROGATES_DISCOVERY_STEPWISE_H

#include "surrogates/discovery/gram.h"

typedef struct {
  const NomosNormal *normal, *noise;
  double             overlap; /* rows that tell as much as one independent one */
  double             in, out; /* in standard deviations, in >= out */
  size_t             most;    /* terms at most */
  const bool        *guess;   /* (n_terms) another method's equation, which is taken if it leaves no more by more than chance, and is no longer: powers of a field with
                                plateaus tell the same; NULL: none */
} NomosStepwiseInput;

/* c (n_terms), 0: not in the equation. Not collective. */
PetscErrorCode NomosStepwise(const NomosStepwiseInput *input, double c[]);

#endif
