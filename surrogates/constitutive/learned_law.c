#include "surrogates/constitutive/learned_law_impl.h"

#include "io/safetensors.h"
#include "operators/model_operator.h" /* NomosStateFromDoubles */
#include "surrogates/constitutive/law_list.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_learned_law_params[NOMOS_N_LEARNED_LAW_PARAMS] = {
  {"learned",        NOMOS_PARAM_FILE, "",   NULL, 0, 0, NULL, false, "Weights that a training wrote (safetensors); unset: first values, untrained."},
  {"weights_seed",   NOMOS_PARAM_INT,  "0",  NULL, 0, 1e15, NULL, false, "Seed of the first values."},
  {"network_width",  NOMOS_PARAM_INT,  "64", NULL, 1, 128, NULL, false, "Units of a hidden layer, of first values; a file has its own."},
  {"network_layers", NOMOS_PARAM_INT,  "2",  NULL, 1, NOMOS_LAW_MAX_LAYERS, NULL, false, "Hidden layers, of first values; a file has its own."},
};

#define LAYER(kind, l) {kind "." #l ".weight", NOMOS_PARAM_REAL_LIST, "", NULL, 0, 0, NULL, true, "Weights of layer " #l " of the " kind " network, output by input."}
#define LAYERS(kind)   {LAYER(kind, 0), LAYER(kind, 1), LAYER(kind, 2), LAYER(kind, 3), LAYER(kind, 4)}
const NomosParam nomos_law_layer_params[NOMOS_N_LAW_KINDS][NOMOS_LAW_MAX_LAYERS + 1] = {LAYERS("elasticity"), LAYERS("plasticity")};
/* clang-format on */

bool NomosLawIsLearned(const NomosLawOps *ops)
{
  size_t i = 0;
  while (nomos_learned_laws[i] && nomos_learned_laws[i] != ops) i++;
  return nomos_learned_laws[i] != NULL;
}

static size_t Entries(const NomosLawTensor *tensor)
{
  size_t n = 1;
  for (int d = 0; d < tensor->n_dims; d++) n *= tensor->shape[d];
  return n;
}

PetscErrorCode NomosLearnedLawDeclare(const NomosLawOps *ops, NomosLearnedLawSize size, NomosParameters parameters, size_t *offset)
{
  const NomosLearnedLaw *kind = ops->variant;
  NomosLawTensor         tensors[NOMOS_LAW_MAX_TENSORS];

  PetscFunctionBeginUser;
  PetscCheck(NomosLawIsLearned(ops), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "the law %s is not learned: it has no weights", ops->name);
  const size_t n = kind->tensors(ops, size, tensors);
  *offset        = NomosParametersSize(parameters);
  for (size_t i = 0; i < n; i++) {
    NomosParameterInput input = {.name = tensors[i].param->key, .n_dims = tensors[i].n_dims, .initialiser = tensors[i].initialiser};
    size_t              number;
    memcpy(input.shape, tensors[i].shape, sizeof tensors[i].shape);
    PetscCall(NomosParametersAdd(parameters, &input, &number));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- weights from a file ---- */

/* The size that the tensors "KIND.l.weight" of a file have. */
static PetscErrorCode SizeOfFile(NomosLaw law, NomosSafetensors file, NomosLearnedLawSize *size)
{
  const NomosSafetensor *tensors;
  size_t                 n, layers = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosSafetensorsList(file, &n, &tensors));
  for (size_t l = 0; l <= NOMOS_LAW_MAX_LAYERS; l++)
    for (size_t i = 0; i < n; i++)
      if (!strcmp(tensors[i].name, nomos_law_layer_params[law->ops->kind][l].key)) {
        layers = l;
        if (!l) size->width = tensors[i].shape[0];
      }
  if (layers) size->layers = layers;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Errors of the file's library, with the key that named it. */
static PetscErrorCode FindTensor(NomosLaw law, NomosSafetensors file, const NomosLawTensor *tensor, double values[])
{
  NomosSafetensor        wanted = {.name = tensor->param->key, .n_dims = tensor->n_dims};
  const NomosSafetensor *tensors;
  const void            *data;
  size_t                 n;
  PetscErrorCode         code;

  PetscFunctionBeginUser;
  PetscCall(NomosSafetensorsList(file, &n, &tensors));
  for (size_t i = 0; i < n; i++)
    if (!strcmp(tensors[i].name, wanted.name) && tensors[i].data) wanted.type = tensors[i].type;
  memcpy(wanted.shape, tensor->shape, sizeof tensor->shape);
  NomosQuietly(code, NomosSafetensorsFind(file, &wanted, &data));
  PetscCall(NomosErrorRetell(law->comm, code, "%s: %s.learned: the law %s = %s needs other weights", NomosLawWhere(law, "learned"), law->section, nomos_law_kinds[law->ops->kind], law->ops->name));
  for (size_t i = 0; i < Entries(tensor); i++) values[i] = wanted.type == NOMOS_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
  for (size_t i = 0; i < Entries(tensor); i++) PetscCheck(isfinite(values[i]), law->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s.learned: the weights %s have numbers that are not finite: the training failed; take others", NomosLawWhere(law, "learned"), law->section, wanted.name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parameters and values of the tensors, from the file or first ones. */
static PetscErrorCode Fill(NomosLaw law, NomosSafetensors file, uint64_t seed, NomosLearnedLawSize *size)
{
  const NomosLearnedLaw *kind = law->ops->variant;
  NomosLawTensor         tensors[NOMOS_LAW_MAX_TENSORS];
  NomosLawParameter     *parameters;
  const char            *name;
  char                   key[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (file) {
    snprintf(key, sizeof key, "law.%s", nomos_law_kinds[law->ops->kind]);
    name = NomosSafetensorsMetadata(file, key);
    NomosCheck(!name || !strcmp(name, law->ops->name), law->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s.learned: these are weights of %s = %s, but the material has %s: change one of them", NomosLawWhere(law, "learned"), law->section, nomos_law_kinds[law->ops->kind], name, law->ops->name);
    const bool network = size->layers > 0;
    PetscCall(SizeOfFile(law, file, size));
    NomosCheck(!network || (size->width > 0 && size->width <= NOMOS_LAW_MAX_WIDTH), law->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s.learned: a network of width %zu: at most %d are possible", NomosLawWhere(law, "learned"), law->section, size->width, NOMOS_LAW_MAX_WIDTH);
  }
  const size_t n    = kind->tensors(law->ops, *size, tensors);
  law->n_parameters = 0;
  for (size_t t = 0; t < n; t++) law->n_parameters += Entries(&tensors[t]);
  PetscCall(PetscMalloc1(law->n_parameters, &parameters));
  law->parameters = parameters;
  PetscCall(PetscMalloc1(law->n_parameters, &law->values));
  double *values = law->values;
  for (size_t t = 0; t < n; t++) {
    if (file) PetscCall(FindTensor(law, file, &tensors[t], values));
    else PetscCall(NomosInitialiserFill(&tensors[t].initialiser, seed, tensors[t].param->key, tensors[t].n_dims, tensors[t].shape, values));
    for (size_t i = 0; i < Entries(&tensors[t]); i++) *parameters++ = (NomosLawParameter){.param = tensors[t].param, .entry = (int)i};
    values += Entries(&tensors[t]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLearnedLawSetup(NomosLaw law, NomosLearnedLawSize *size)
{
  NomosSafetensors file = NULL;
  const char      *path;
  char             key[2 * NOMOS_MAX_NAME];
  int64_t          seed, width = 0, layers = 0;

  PetscFunctionBeginUser;
#define KEY(name) (snprintf(key, sizeof key, "%s." name, law->section), key)
  PetscCall(NomosConfigGetInt(law->config, KEY("weights_seed"), &seed));
  if (law->ops->n_params > NOMOS_N_WEIGHT_PARAMS) {
    PetscCall(NomosConfigGetInt(law->config, KEY("network_width"), &width));
    PetscCall(NomosConfigGetInt(law->config, KEY("network_layers"), &layers));
  }
#undef KEY
  *size = (NomosLearnedLawSize){(size_t)width, (size_t)layers};
  PetscCall(NomosLawString(law, "learned", &path));
  if (path[0]) PetscCall(NomosSafetensorsOpen(law->comm, path, &file));
  const PetscErrorCode code = Fill(law, file, (uint64_t)seed, size);
  if (file) PetscCall(NomosSafetensorsClose(&file));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLearnedLawModulus(NomosLaw law)
{
  double F[27], F_dot[27] = {0}, tau_dot[27];
  double in[27], direction[27], out[27]; /* room for either precision */

  PetscFunctionBeginUser;
  law->modulus = 0;
  if (law->ops->kind != NOMOS_LAW_ELASTICITY) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < 27; i++) F[i] = i / 3 % 4 == 0;
  for (size_t k = 0; k < 3; k++) F_dot[4 * k * 3 + k] = 1; /* point k is stretched along axis k */
  NomosStateFromDoubles(law->precision, 27, F, in);
  NomosStateFromDoubles(law->precision, 27, F_dot, direction);
  law->ops->jvp(law, 3, 3, in, direction, NULL, out);
  NomosStateToDoubles(law->precision, 27, out, tau_dot);
  for (size_t k = 0; k < 3; k++) law->modulus = PetscMax(law->modulus, tau_dot[4 * k * 3 + k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
