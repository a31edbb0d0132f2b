#include "surrogates/networks/deeponet.h"

#include <math.h>
#include <stdio.h>

static size_t AllPoints(const NomosDeepONet *net)
{
  return net->n_space == 1 ? net->points[0] : net->points[0] * net->points[1];
}

/* Rows of points, y outermost: coordinates, or cosines and sines of them. x before y. */
static PetscErrorCode Features(const NomosDeepONetInput *input, NomosDeepONet *net)
{
  const size_t n = AllPoints(net), nx = net->points[net->n_space - 1], each = input->n_harmonics ? 2 * input->n_harmonics : 1;

  PetscFunctionBeginUser;
  net->n_features = (size_t)net->n_space * each;
  PetscCall(PetscMalloc1(n * net->n_features, &net->features));
  for (size_t p = 0; p < n; p++)
    for (int axis = 0; axis < net->n_space; axis++) {
      const size_t along = axis ? net->points[0] : nx;
      const double at    = ((double)(axis ? p / nx : p % nx) + 0.5) / (double)along;
      double      *row   = net->features + p * net->n_features + (size_t)axis * each;
      if (!input->n_harmonics) row[0] = at;
      for (size_t k = 0; k < input->n_harmonics; k++) {
        row[2 * k]     = cos(2 * PETSC_PI * (double)(k + 1) * at);
        row[2 * k + 1] = sin(2 * PETSC_PI * (double)(k + 1) * at);
      }
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDeepONetCreate(NomosParameters parameters, const char name[], const NomosDeepONetInput *input, NomosDeepONet *net)
{
  NomosMlpInput mlp = {.n_hidden = input->n_hidden, .width = input->width, .activation = input->activation};
  char          full[256];

  PetscFunctionBeginUser;
  *net = (NomosDeepONet){.n_space = input->n_space, .points = {input->points[0], input->points[1]}, .in = input->in, .out = input->out, .latent = input->latent, .n_code = input->n_code, .activation = input->activation};
  PetscCall(Features(input, net));
  snprintf(full, sizeof full, "%s.branch", name);
  mlp.in  = input->in * AllPoints(net);
  mlp.out = input->out * input->latent;
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &net->branch));
  snprintf(full, sizeof full, "%s.trunk", name);
  mlp.in  = net->n_features;
  mlp.out = input->latent;
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &net->trunk));
  PetscCall(NomosParametersAdd(parameters, &(NomosParameterInput){.prefix = name, .name = "bias", .n_dims = 1, .shape = {input->out}, .initialiser = NomosInitialiserConstant(0)}, &net->bias));
  if (!input->n_code) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(full, sizeof full, "%s.film", name);
  PetscCall(NomosFilmCreate(parameters, full, input->n_code, input->out * input->latent, &net->film));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDeepONetDestroy(NomosDeepONet *net)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(net->features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosDeepONetApply(const NomosDeepONet *net, const NomosTensor w[], NomosTensor x, NomosTensor code)
{
  const size_t      n = AllPoints(net), batch = NomosTensorLength(x, 0), shape[] = {batch, net->out, net->points[0], net->points[1]};
  const NomosTensor at    = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 2, (size_t[]){n, net->n_features}, net->features);
  const NomosTensor trunk = NomosFunction(net->activation, 0, NomosMlpApply(&net->trunk, w, at));
  NomosTensor       branch = NomosMlpApply(&net->branch, w, NomosReshape(x, 2, (size_t[]){batch, net->in * n}));

  if (net->n_code) branch = NomosFilmApply(&net->film, w, branch, code);
  const NomosTensor y = NomosMatMul(NomosReshape(branch, 2, (size_t[]){batch * net->out, net->latent}), NomosTranspose(trunk));
  return NomosReshape(NomosAdd(NomosReshape(y, 3, (size_t[]){batch, net->out, n}), NomosReshape(w[net->bias], 2, (size_t[]){net->out, 1})), 2 + net->n_space, shape);
}
