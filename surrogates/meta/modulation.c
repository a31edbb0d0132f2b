#include "surrogates/meta/modulation.h"

#include <stdio.h>

static PetscErrorCode Add(NomosParameters parameters, const char of[], const char name[], size_t rows, size_t columns, size_t *number)
{
  char prefix[256];

  PetscFunctionBeginUser;
  snprintf(prefix, sizeof prefix, "modulation.%s", of);
  PetscCall(NomosParametersAdd(parameters, &(NomosParameterInput){
                                             .prefix = prefix, .name = name, .n_dims = 2, .shape = {rows, columns},
                                                        .initialiser = NomosInitialiserFromRule(NOMOS_RULE_DEFAULT, 0, columns, rows)
  },
                               number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModulationCreate(NomosParameters parameters, size_t n, size_t n_code, size_t rank, NomosModulation *modulation)
{
  PetscFunctionBeginUser;
  *modulation = (NomosModulation){.n_code = n_code, .rank = rank, .n = n};
  PetscCall(PetscCalloc1(n, &modulation->tensors));
  for (size_t i = 0; i < n; i++) {
    NomosModulated *t = &modulation->tensors[i];
    NomosParameter  p;
    char            name[192];
    PetscCall(NomosParametersGet(parameters, i, &p));
    snprintf(name, sizeof name, "%s", p.name); /* adding tensors may move it */
    if (p.n_dims == 1) PetscCall(Add(parameters, name, "code", p.shape[0], n_code, &t->code));
    if (p.n_dims != 2 || !rank) continue;
    const size_t out = p.shape[0], in = p.shape[1];
    PetscCall(Add(parameters, name, "left", out, rank, &t->left));
    PetscCall(Add(parameters, name, "right", in, rank, &t->right));
    PetscCall(Add(parameters, name, "code", rank, n_code, &t->code));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModulationDestroy(NomosModulation *modulation)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(modulation->tensors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosModulationApply(const NomosModulation *modulation, const NomosTensor w0[], NomosTensor z, NomosTensor w[])
{
  const size_t n_tasks = NomosTensorLength(z, 0), rank = modulation->rank;

  for (size_t i = 0; i < modulation->n; i++) {
    const NomosModulated *t      = &modulation->tensors[i];
    const int             n_dims = NomosTensorDims(w0[i], NULL);
    w[i]                         = w0[i];
    if (n_dims != 1 && (n_dims != 2 || !rank)) continue;
    const NomosTensor change = NomosMatMul(z, NomosTranspose(w0[t->code])); /* [tasks, n] or [tasks, rank] */
    if (n_dims == 1) w[i] = NomosAdd(w0[i], change);
    else w[i] = NomosAdd(w0[i], NomosMatMul(NomosMultiply(w0[t->left], NomosReshape(change, 3, (size_t[]){n_tasks, 1, rank})), NomosTranspose(w0[t->right])));
  }
}
