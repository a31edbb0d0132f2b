/* The box of reference positions that coordinates of a decoder are scaled by, as a buffer of its weights. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include "surrogates/modules/point_grid.h"

PetscErrorCode NomosReferenceBoxCreate(const NomosParticleDecoderInput *input, NomosReferenceBox *box)
{
  PetscFunctionBeginUser;
  PetscCall(NomosParametersAdd(input->parameters, &(NomosParameterInput){.prefix = "decoder", .name = "low", .n_dims = 1, .shape = {(size_t)input->d}, .initialiser = NomosInitialiserConstant(0), .buffer = true}, &box->low));
  PetscCall(NomosParametersAdd(input->parameters, &(NomosParameterInput){.prefix = "decoder", .name = "extent", .n_dims = 1, .shape = {1}, .initialiser = NomosInitialiserConstant(1), .buffer = true}, &box->extent));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceBoxFit(const void *context, NomosParameters parameters, NomosParticleData data)
{
  const NomosReferenceBox     *box = context;
  const NomosParticleDataInfo *info;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataGetInfo(data, &info));
  const double extent = NomosBoxLongest(info->d, info->low, info->high);
  PetscCall(NomosParametersSetDoubles(parameters, box->low, info->low));
  PetscCall(NomosParametersSetDoubles(parameters, box->extent, &extent));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReferenceBoxGet(const NomosReferenceBox *box, NomosParameters parameters, double low[3], double *extent)
{
  PetscFunctionBeginUser;
  PetscCall(NomosParametersGetDoubles(parameters, box->low, low));
  PetscCall(NomosParametersGetDoubles(parameters, box->extent, extent));
  PetscFunctionReturn(PETSC_SUCCESS);
}
