/* What architectures of a learned Hamiltonian are made of: bodies, pairs of them, and energies that are a sum of two networks. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_ENERGIES_PARTS_H
#define NOMOS_SURROGATES_HAMILTONIAN_ENERGIES_PARTS_H

#include "surrogates/hamiltonian/energy.h"

/* Of all bodies, [.., 2d] -> [.., bodies, 2 n_dims], the positions of a body followed by its momenta; or one half of that, [.., d] -> [.., bodies, n_dims]. */
NomosTensor NomosBodies(NomosTensor x, size_t n_dims);
NomosTensor NomosBodiesHalf(NomosTensor half, size_t n_dims);
/* What the others have, seen from every body: [.., bodies, k] -> [.., bodies - 1, bodies, k], entry (.., s, i) that of body (i + s + 1) modulo bodies. Two bodies at least. */
NomosTensor NomosOthers(NomosTensor of_bodies);
NomosTensor NomosEachBody(NomosTensor of_bodies); /* [.., bodies, k] -> [.., 1, bodies, k], to stand beside it */
NomosTensor NomosSumOverAxes(NomosTensor x, int n_axes); /* the n_axes before the last one, [.., k] */

/* Hidden layers without the linear one behind them: s(W_(n-1) .. s(W_0 x + b_0) ..), [.., in] -> [.., width]. Layer by layer, as NomosMlpEnergy. */
PetscErrorCode NomosTrunkCreate(NomosParameters parameters, const char name[], const NomosEnergyInput *input, size_t in, NomosMlp *trunk);
NomosTensor    NomosTrunkApply(const NomosMlp *trunk, const NomosTensor w[], NomosTensor x);
/* Of all ordered pairs of bodies, trunk(x_i, x_j): [.., bodies, k] -> [.., bodies - 1, bodies, width], in the order of NomosOthers. The first layer's products are taken once a body. Two bodies at least. */
NomosTensor NomosTrunkPairs(const NomosMlp *trunk, const NomosTensor w[], NomosTensor of_bodies);

/* H = w_1 . f_1 + w_2 . f_2, features f_1 and f_2 of two trunks: one last layer [1, 2 width]. */
typedef struct {
  NomosMlp    first, second;
  NomosLinear last;
  size_t      n_dims, width;
} NomosTwoTrunks;
PetscErrorCode NomosTwoTrunksCreate(NomosParameters parameters, const char name[], const NomosEnergyInput *input, const char *const names[2], const size_t in[2], NomosTwoTrunks *h);
/* [.., width] both; second {0}: zeros (a single body has no pairs). */
NomosTensor NomosTwoTrunksFeatures(const NomosTwoTrunks *h, NomosTensor first, NomosTensor second, size_t *last);

#endif
