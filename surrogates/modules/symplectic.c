#include "surrogates/modules/symplectic.h"

#include "surrogates/modules/linear.h"

#include <stdio.h>

static const struct {
  const char *names[3];
  bool        zero[3];
} tensors_of[] = {[NOMOS_SHEAR_LINEAR] = {{"matrix"}}, [NOMOS_SHEAR_SHIFT] = {{"shift"}, {true}}, [NOMOS_SHEAR_ACTIVATION] = {{"scale"}}, [NOMOS_SHEAR_GRADIENT] = {{"matrix", "scale", "bias"}, {false, false, true}}};

typedef struct {
  NomosParameters             parameters;
  const NomosSymplecticInput *input;
  char                        prefix[256]; /* of the layer */
} Builder;

/* Its weights are `LAYER.NAME_of_p`. */
static PetscErrorCode Add(NomosSymplectic *map, const Builder *to, int kind, bool of_p)
{
  const size_t d = map->d, width = to->input->width;
  NomosShear  *shear = &map->shears[map->n_shears++];

  PetscFunctionBeginUser;
  shear->kind = kind;
  shear->of_p = of_p;
  for (size_t i = 0; i < 3 && tensors_of[kind].names[i]; i++) {
    const bool          matrix = !i && (kind == NOMOS_SHEAR_LINEAR || kind == NOMOS_SHEAR_GRADIENT);
    NomosParameterInput input  = {.prefix = to->prefix, .n_dims = matrix ? 2 : 1, .shape = {kind == NOMOS_SHEAR_GRADIENT ? width : d, d}, .initialiser = tensors_of[kind].zero[i] ? NomosInitialiserConstant(0) : NomosInitialiserNormal(0, 0.01)};
    char                name[64];
    snprintf(name, sizeof name, "%s_of_%c", tensors_of[kind].names[i], of_p ? 'p' : 'q');
    input.name = name;
    PetscCall(NomosParametersAdd(to->parameters, &input, &shear->tensors[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddLayer(NomosSymplectic *map, Builder *to, const char name[], size_t layer)
{
  PetscFunctionBeginUser;
  for (size_t s = 0; s < to->input->n_sublayers; s++) {
    snprintf(to->prefix, sizeof to->prefix, "%.200s.%zu.%zu", name, layer, s);
    PetscCall(Add(map, to, NOMOS_SHEAR_LINEAR, s % 2 == 0));
  }
  snprintf(to->prefix, sizeof to->prefix, "%.200s.%zu", name, layer);
  for (int of_p = 1; of_p >= 0; of_p--) PetscCall(Add(map, to, NOMOS_SHEAR_SHIFT, of_p));
  if (layer + 1 < to->input->n_layers) PetscCall(Add(map, to, NOMOS_SHEAR_ACTIVATION, layer % 2 == 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSymplecticCreate(NomosParameters parameters, const char name[], const NomosSymplecticInput *input, NomosSymplectic *map)
{
  const bool   la = input->kind == NOMOS_SYMPLECTIC_LA;
  const size_t n  = la ? input->n_layers * (input->n_sublayers + 3) - 1 : input->n_layers;
  Builder      to = {.parameters = parameters, .input = input};

  PetscFunctionBeginUser;
  NomosCheck(input->d && input->n_layers && (la ? input->n_sublayers : input->width), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: a symplectic network of %zu degrees of freedom, %zu layers, %s %zu: at least 1 of each is needed", name, input->d, input->n_layers, la ? "sublayers" : "width", la ? input->n_sublayers : input->width);
  NomosCheck(n <= NOMOS_SYMPLECTIC_MAX_SHEARS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: a symplectic network of %zu shears: at most %d are possible; use fewer layers or sublayers", name, n, NOMOS_SYMPLECTIC_MAX_SHEARS);
  *map = (NomosSymplectic){.d = input->d, .activation = input->activation};
  for (size_t l = 0; l < input->n_layers; l++) {
    if (la) PetscCall(AddLayer(map, &to, name, l));
    else {
      snprintf(to.prefix, sizeof to.prefix, "%.200s.%zu", name, l);
      PetscCall(Add(map, &to, NOMOS_SHEAR_GRADIENT, l % 2 == 0));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor MatMul(NomosTensor x, NomosTensor weight)
{
  const size_t *shape;
  size_t        full[NOMOS_TENSOR_MAX_DIMS];
  const int     n = NomosTensorDims(x, &shape);

  if (n <= 2) return NomosMatMul(x, weight);
  for (int i = 0; i < n; i++) full[i] = shape[i];
  const NomosTensor y = NomosMatMul(NomosReshape(x, 2, (size_t[]){NomosTensorSize(x) / full[n - 1], full[n - 1]}), weight);
  full[n - 1]         = NomosTensorLength(y, -1);
  return NomosReshape(y, n, full);
}

/* What v makes u move by, without h. */
static NomosTensor Move(const NomosSymplectic *map, const NomosShear *shear, const NomosTensor w[], NomosTensor v)
{
  const NomosTensor first = w[shear->tensors[0]];

  switch (shear->kind) {
  case NOMOS_SHEAR_LINEAR:
    return MatMul(v, NomosAdd(first, NomosTranspose(first)));
  case NOMOS_SHEAR_SHIFT:
    return first;
  case NOMOS_SHEAR_ACTIVATION:
    return NomosMultiply(NomosFunction(map->activation, 0, v), first);
  default:
    return MatMul(NomosMultiply(NomosFunction(map->activation, 0, NomosAdd(MatMul(v, NomosTranspose(first)), w[shear->tensors[2]])), w[shear->tensors[1]]), first);
  }
}

static NomosTensor Run(const NomosSymplectic *map, const NomosTensor w[], NomosTensor x, double h, bool backward)
{
  const size_t d       = map->d;
  NomosTensor  half[2] = {NomosSlice(x, -1, 0, d, 1), NomosSlice(x, -1, d, d, 1)};

  for (size_t i = 0; i < map->n_shears; i++) {
    const NomosShear *shear = &map->shears[backward ? map->n_shears - 1 - i : i];
    half[shear->of_p]  = NomosAdd(half[shear->of_p], NomosAffine(Move(map, shear, w, half[!shear->of_p]), backward ? -h : h, 0));
  }
  return NomosConcatenate(2, half, -1);
}

NomosTensor NomosSymplecticApply(const NomosSymplectic *map, const NomosTensor w[], NomosTensor x, double h)
{
  return Run(map, w, x, h, false);
}

NomosTensor NomosSymplecticInverse(const NomosSymplectic *map, const NomosTensor w[], NomosTensor y, double h)
{
  return Run(map, w, y, h, true);
}
