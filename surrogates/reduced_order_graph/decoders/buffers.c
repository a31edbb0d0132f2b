/* Numbers among the parameters that no training changes. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include <math.h>

PetscErrorCode NomosReferenceBufferSet(NomosParameters parameters, size_t number, const double values[])
{
  NomosParameter p;
  float         *narrow;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(parameters, number, &p));
  PetscCall(PetscMalloc1(p.size, &narrow));
  for (size_t i = 0; i < p.size; i++) narrow[i] = (float)values[i];
  PetscCall(NomosParametersSet(parameters, number, p.type == NOMOS_F32 ? (const void *)narrow : values));
  PetscCall(PetscFree(narrow));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceBufferGet(NomosParameters parameters, size_t number, double values[])
{
  NomosParameter p;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(parameters, number, &p));
  PetscCheck(p.values, PETSC_COMM_SELF, PETSC_ERR_ORDER, "a decoder is asked for a plan before its weights have values: call NomosParametersInitialise first");
  for (size_t i = 0; i < p.size; i++) values[i] = p.type == NOMOS_F32 ? (double)((const float *)p.values)[i] : ((const double *)p.values)[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceBoxCreate(const NomosParticleDecoderInput *input, NomosReferenceBox *box)
{
  PetscFunctionBeginUser;
  PetscCall(NomosParametersAdd(input->parameters, &(NomosParameterInput){.prefix = "decoder", .name = "low", .n_dims = 1, .shape = {(size_t)input->d}, .initialiser = NomosInitialiserConstant(0), .buffer = true}, &box->low));
  PetscCall(NomosParametersAdd(input->parameters, &(NomosParameterInput){.prefix = "decoder", .name = "extent", .n_dims = 1, .shape = {1}, .initialiser = NomosInitialiserConstant(1), .buffer = true}, &box->extent));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceBoxFit(const NomosReferenceBox *box, NomosParameters parameters, NomosParticleData data)
{
  const NomosParticleDataInfo *info;
  double                       extent = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataGetInfo(data, &info));
  for (int a = 0; a < info->d; a++) extent = fmax(extent, info->high[a] - info->low[a]);
  PetscCall(NomosReferenceBufferSet(parameters, box->low, info->low));
  PetscCall(NomosReferenceBufferSet(parameters, box->extent, &extent));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceBoxGet(const NomosReferenceBox *box, NomosParameters parameters, double low[3], double *extent)
{
  PetscFunctionBeginUser;
  PetscCall(NomosReferenceBufferGet(parameters, box->low, low));
  PetscCall(NomosReferenceBufferGet(parameters, box->extent, extent));
  PetscFunctionReturn(PETSC_SUCCESS);
}
