#include "surrogates/modules/film.h"

PetscErrorCode NomosFilmCreate(NomosParameters parameters, const char name[], size_t n_code, size_t n_channels, NomosFilm *film)
{
  PetscFunctionBeginUser;
  film->n_channels = n_channels;
  PetscCall(NomosLinearCreate(parameters, name, &(NomosLinearInput){.in = n_code, .out = 2 * n_channels, .rule = NOMOS_RULE_ZEROS}, &film->linear));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosFilmApply(const NomosFilm *film, const NomosTensor w[], NomosTensor x, NomosTensor code)
{
  const int         n_dims  = NomosTensorDims(x, NULL);
  const size_t      along[] = {NomosTensorLength(code, 0), film->n_channels, 1, 1, 1, 1};
  const NomosTensor both    = NomosLinearApply(&film->linear, w, code);
  const NomosTensor gamma = NomosReshape(NomosSlice(both, 1, 0, film->n_channels, 1), n_dims, along), beta = NomosReshape(NomosSlice(both, 1, film->n_channels, film->n_channels, 1), n_dims, along);

  return NomosAdd(NomosMultiply(NomosAffine(gamma, 1, 1), x), beta);
}
