/* Learned Hamiltonians: architectures of H(x), x = (q, p), behind one interface. An architecture is one file in energies/ with a `const NomosEnergyOps`, and one line in energy_list.h; a case chooses it
   by `hamiltonian.network`.

     states x [.., 2d] = (q_1, .., q_d, p_1, .., p_d). Of bodies, d = n_bodies * n_dims: coordinate c of body b is q_(b n_dims + c + 1)
     energies [.., 1]; a constant is not in them (no bias of the last layer), the field does not see it
     weights w[] may all have a leading task axis, [tasks, ..] with x [tasks, n, 2d]: inner steps of meta-learning give every task weights of its own

   Points are independent: the energy of a state depends on no other. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_ENERGY_H
#define NOMOS_SURROGATES_HAMILTONIAN_ENERGY_H

#include "io/config.h"
#include "surrogates/modules/mlp.h"

typedef struct {
  size_t               d;      /* coordinates of position; an architecture of bodies takes states of any number of bodies */
  size_t               n_dims; /* of space: coordinates of one body. Architectures without bodies ignore it */
  size_t               n_hidden, width; /* of every MLP in it; of graph layers, their number and width */
  NomosFunctionKind    activation;      /* with two derivatives, three for second-order meta-learning */
  NomosInitialiserRule rule;
} NomosEnergyInput;

typedef struct {
  const char *name; /* the value of `hamiltonian.network` */
  const char *summary, *reference;
  bool        bodies;    /* made of bodies: the weights do not depend on their number */
  bool        separable; /* H = T(p) + V(q): explicit splittings can integrate it */
  size_t      network;   /* bytes of it, which the caller makes (zeros) and frees */
  /* Declares weights under `name.`. */
  PetscErrorCode (*create)(NomosParameters parameters, const char name[], const NomosEnergyInput *input, void *network);
  /* What the last linear layer, which has no bias, sees, summed over bodies and edges where there are such: energy = features . (its weights). [.., k]. *last: number of that layer's weight [1, k]. */
  NomosTensor (*features)(const void *network, const NomosTensor w[], NomosTensor x, size_t *last);
} NomosEnergyOps;

typedef struct NomosEnergy_s *NomosEnergy;

/* Its weights under `name.`. Errors: coordinates that are no whole number of bodies. */
PetscErrorCode        NomosEnergyCreate(NomosParameters parameters, const char name[], const NomosEnergyOps *ops, const NomosEnergyInput *input, NomosEnergy *energy);
PetscErrorCode        NomosEnergyDestroy(NomosEnergy *energy);
const NomosEnergyOps *NomosEnergyGetOps(NomosEnergy energy);
NomosTensor           NomosEnergyApply(NomosEnergy energy, const NomosTensor w[], NomosTensor x);
NomosTensor           NomosEnergyFeatures(NomosEnergy energy, const NomosTensor w[], NomosTensor x, size_t *last);
/* The same as a NomosEnergyFn (field.h) of a `const void *network` that is a NomosEnergy. */
NomosTensor           NomosEnergyOf(const void *energy, const NomosTensor w[], NomosTensor x);

/* The architecture of a name; NULL: there is none. */
const NomosEnergyOps *NomosEnergyFind(const char name[]);
/* Rows of a surrogate's table of parameters, and what they say: hamiltonian.network, .n_dims, .hidden, .width, .activation, .initialiser. Who has them includes energy_list.h, of whose choices they are. */
/* clang-format off */
#define NOMOS_ENERGY_PARAMS \
  {"hamiltonian.network",     NOMOS_PARAM_CHOICE, "mlp",  NULL, 0, 0, NOMOS_ENERGY_CHOICES, false, "Architecture of H."}, \
  {"hamiltonian.n_dims",      NOMOS_PARAM_INT,    "2",    NULL, 1, 3, NULL, false, "Coordinates of a body, for architectures made of bodies: q1, q2 are the first one's, q3, q4 the second one's, ..."}, \
  {"hamiltonian.hidden",      NOMOS_PARAM_INT,    "2",    NULL, 1, 30, NULL, false, "Hidden layers."}, \
  {"hamiltonian.width",       NOMOS_PARAM_INT,    "200",  NULL, 1, 1e5, NULL, false, "Units of a hidden layer."}, \
  {"hamiltonian.activation",  NOMOS_PARAM_CHOICE, "tanh", NULL, 0, 0, "tanh|softplus|gelu|silu|mish|sin", false, "Activation; it must have two derivatives."}, \
  {"hamiltonian.initialiser", NOMOS_PARAM_CHOICE, "orthogonal", NULL, 0, 0, NOMOS_RULE_CHOICES, false, "First values of the weights."}
/* clang-format on */
PetscErrorCode NomosEnergyInputFromConfig(NomosConfig config, size_t d, const NomosEnergyOps **ops, NomosEnergyInput *input);

#endif
