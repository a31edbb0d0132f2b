/* What the parts of the surrogate `hamiltonian` share. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_HAMILTONIAN_IMPL_H
#define NOMOS_SURROGATES_HAMILTONIAN_HAMILTONIAN_IMPL_H

#include "surrogates/hamiltonian/energy.h"
#include "surrogates/hamiltonian/fit_fused.h"
#include "surrogates/hamiltonian/orbits.h"

enum { HAMILTONIAN, BASELINE, N_NETWORKS };
extern const char *const hamiltonian_network_names[N_NETWORKS];

typedef struct {
  NomosEnergy     hamiltonian;
  NomosMlp        baseline;
  int             n_networks;
  size_t          size, n_dims; /* coordinates; of a body's position */
  NomosFit        fit;
  NomosFitFused   fused; /* the fit of the Hamiltonian; NULL: by the tape alone */
  NomosDataset    frames; /* the data frame by frame */
  NomosExpression energy; /* NULL: not known */
  double          rtol, duration;
  const char     *coordinates; /* beside the weights: their number, as text */
  char            text[24];
} HamiltonianContext;

/* x_dot by the learned H at states that are data, and by the MLP: NomosTapeFieldFn. */
PetscErrorCode HamiltonianFieldAtData(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot);
PetscErrorCode HamiltonianBaselineField(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot);

PetscErrorCode HamiltonianEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx);
PetscErrorCode HamiltonianPictures(NomosSurrogate s, const char directory[]);

#endif
