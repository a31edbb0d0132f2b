#include "io/text.h"
#include "surrogates/operators/emulator_list.h"
#include "surrogates/operators/networks/keys.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_emulator_params[] = {
  {"neural_operator.network",      NOMOS_PARAM_CHOICE, "fno", NULL, 0, 0, NOMOS_EMULATOR_NETWORK_CHOICES, false, "Network, with a table of its own of this name."},
  {"neural_operator.conditioning", NOMOS_PARAM_CHOICE, "",    NULL, 0, 0, NOMOS_EMULATOR_CONDITIONING_CHOICES, false, "How the network is told the parameters of the PDE, with a table of its own of this name; unset: channel_attention, and none where there are no parameters."},
  {"neural_operator.form",         NOMOS_PARAM_CHOICE, "increment", NULL, 0, 0, "next_state|increment|flux", false, "What comes out of the network: the next state, a change of this one, or fluxes between cells, which keep the sums of all fields."},
};
/* clang-format on */
const size_t nomos_n_emulator_params = sizeof nomos_emulator_params / sizeof *nomos_emulator_params;

struct NomosEmulator_s {
  NomosEmulatorShape          shape;
  NomosEmulatorForm           form;
  const NomosConditioningOps *conditioning;
  void                       *context;
};

/* NULL or "": the first one. */
static const NomosEmulatorNetworkOps *FindNetwork(const char name[])
{
  if (!name || !*name) return nomos_emulator_networks[0];
  for (size_t i = 0; nomos_emulator_networks[i]; i++)
    if (!strcmp(nomos_emulator_networks[i]->name, name)) return nomos_emulator_networks[i];
  return NULL;
}

static const NomosConditioningOps *FindConditioning(const char name[])
{
  if (!name || !*name) return nomos_conditionings[0];
  for (size_t i = 0; nomos_conditionings[i]; i++)
    if (!strcmp(nomos_conditionings[i]->name, name)) return nomos_conditionings[i];
  return NULL;
}

/* Without parameters (told by the command line) and a conditioning of the case's own, the table of the usual one is of no use either. */
static PetscErrorCode RefuseUsual(NomosConfig config)
{
  const char *name, *parameters;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigPeek(config, "neural_operator.conditioning", &name));
  PetscCall(NomosConfigPeek(config, "neural_operator.parameters", &parameters));
  const bool untold = parameters && (!*parameters || !strcmp(parameters, "[]")) && !strcmp(NomosConfigWhere(config, "neural_operator.parameters"), "--set");
  if (untold && (!name || !*name)) PetscCall(NomosConfigRefuseTable(config, "neural_operator.parameters", parameters, nomos_conditionings[0]->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorDeclare(NomosConfig config)
{
  const char *name;

  PetscFunctionBeginUser; /* a name that there is not is told by the check of the choice */
  PetscCall(NomosConfigPeek(config, "neural_operator.network", &name));
  const NomosEmulatorNetworkOps *network = FindNetwork(name);
  if (network) PetscCall(NomosConfigRegister(config, network->n_params, network->params));
  for (size_t i = 0; network && nomos_emulator_networks[i]; i++)
    if (network != nomos_emulator_networks[i]) PetscCall(NomosConfigRefuseTable(config, "neural_operator.network", network->name, nomos_emulator_networks[i]->name));
  PetscCall(RefuseUsual(config));
  PetscCall(NomosConfigPeek(config, "neural_operator.conditioning", &name));
  const NomosConditioningOps *conditioning = FindConditioning(name);
  if (conditioning) PetscCall(NomosConfigRegister(config, conditioning->n_params, conditioning->params));
  for (size_t i = 0; conditioning && nomos_conditionings[i]; i++)
    if (conditioning != nomos_conditionings[i]) PetscCall(NomosConfigRefuseTable(config, "neural_operator.conditioning", conditioning->name, nomos_conditionings[i]->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the network */

PetscErrorCode NomosEmulatorNetworkCreate(const NomosConditioningInput *input, const NomosEmulatorChannels *channels, NomosEmulatorNetwork *network)
{
  PetscFunctionBeginUser;
  *network = (NomosEmulatorNetwork){.ops = input->network};
  PetscCall(PetscCalloc1(network->ops->size, (char **)&network->context));
  PetscCall(network->ops->create(&(NomosEmulatorNetworkInput){.config = input->config, .parameters = input->parameters, .name = "network", .shape = input->shape, .in = channels->in, .out = channels->out, .n_code = channels->n_code}, network->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorNetworkDestroy(NomosEmulatorNetwork *network)
{
  PetscFunctionBeginUser;
  if (network->context && network->ops->destroy) PetscCall(network->ops->destroy(network->context));
  PetscCall(PetscFree(network->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosEmulatorNetworkApply(const NomosEmulatorNetwork *network, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics)
{
  return network->ops->apply(network->context, w, x, code, statistics);
}

/* ---- the emulator */

static PetscErrorCode ReadForm(NomosConfig config, const NomosEmulatorShape *shape, NomosEmulatorForm *form)
{
  int choice;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetChoice(config, "neural_operator.form", &choice));
  *form = (NomosEmulatorForm)choice;
  PetscCheck(*form != NOMOS_EMULATOR_FLUX || shape->periodic, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.form = flux on a domain that is not periodic: what flows through its boundary is not known; choose increment", NomosConfigWhere(config, "neural_operator.form"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { MAX_TABLE = 2048 };

static PetscErrorCode AddUsual(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  const char  *usual = nomos_conditionings[0]->name;
  const size_t n     = strlen(usual);

  PetscFunctionBeginUser;
  (void)origin;
  if (!strncmp(param->key, usual, n) && param->key[n] == '.') NomosTextAppend(MAX_TABLE, ctx, "%s=%s\n", param->key, value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the table of the usual conditioning other values than without a word? config.yaml of a run, and its weights, have all of them. */
static PetscErrorCode UsualIsSet(NomosConfig config, bool *is)
{
  char        tables[2][MAX_TABLE] = {"", ""};
  NomosConfig standard;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &standard));
  PetscCall(NomosConfigRegister(standard, nomos_conditionings[0]->n_params, nomos_conditionings[0]->params));
  PetscCall(NomosConfigVisit(config, AddUsual, tables[0]));
  PetscCall(NomosConfigVisit(standard, AddUsual, tables[1]));
  PetscCall(NomosConfigDestroy(&standard));
  *is = strcmp(tables[0], tables[1]) != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorCreate(NomosConfig config, NomosParameters parameters, const NomosEmulatorShape *shape, NomosEmulator *emulator)
{
  const char   *network, *conditioning;
  NomosEmulator e;

  PetscFunctionBeginUser;
  NomosCheck(shape->n_space == 1 || shape->n_space == 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "an emulator in %d dimensions: must be 1 or 2", shape->n_space);
  PetscCall(PetscNew(&e));
  *emulator = e;
  e->shape  = *shape;
  PetscCall(ReadForm(config, shape, &e->form));
  PetscCall(NomosConfigGetString(config, "neural_operator.network", &network));
  PetscCall(NomosConfigGetString(config, "neural_operator.conditioning", &conditioning));
  e->conditioning = FindConditioning(*conditioning || shape->n_parameters ? conditioning : "none");
  NomosCheck(shape->n_parameters || !strcmp(e->conditioning->name, "none"), PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.conditioning = %s, but neural_operator.parameters names none that the network could be told: name some, or choose none", NomosConfigWhere(config, "neural_operator.conditioning"), e->conditioning->name);
  bool table = false;
  if (!*conditioning && !shape->n_parameters) PetscCall(UsualIsSet(config, &table));
  NomosCheck(!table, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "channel_attention is set, and neural_operator.parameters names none: the network would be blind to them; name some, or leave the table out");
  PetscCall(PetscCalloc1(e->conditioning->size, (char **)&e->context));
  PetscCall(e->conditioning->create(&(NomosConditioningInput){.config = config, .parameters = parameters, .shape = &e->shape, .out = shape->n_fields * (e->form == NOMOS_EMULATOR_FLUX ? (size_t)shape->n_space : 1), .network = FindNetwork(network)}, e->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorDestroy(NomosEmulator *emulator)
{
  PetscFunctionBeginUser;
  if (!*emulator) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*emulator)->context) PetscCall(NomosEmulatorNetworkDestroy((*emulator)->context));
  PetscCall(PetscFree((*emulator)->context));
  PetscCall(PetscFree(*emulator));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorFit(NomosEmulator emulator, NomosParameters parameters, const NomosEmulatorSeen *seen)
{
  PetscFunctionBeginUser;
  if (emulator->conditioning->fit) PetscCall(emulator->conditioning->fit(emulator->context, parameters, seen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEmulatorIsOfGrid(NomosEmulator e, NomosConfig config, const size_t points[], bool *is)
{
  const NomosEmulatorNetwork *network = e->context;
  NomosEmulatorShape          other   = e->shape;
  size_t                      pad, other_pad;
  bool                        differ = false, stretched = false;

  PetscFunctionBeginUser;
  for (int d = 0; d < e->shape.n_space; d++) other.points[d] = points[d];
  if (network->ops->padding) {
    PetscCall(NomosEmulatorPadding(config, network->ops->padding, &e->shape, &pad));
    PetscCall(NomosEmulatorPadding(config, network->ops->padding, &other, &other_pad));
    for (int d = 0; d < e->shape.n_space; d++) stretched = stretched || pad * other.points[d] != other_pad * e->shape.points[d];
  }
  for (int d = 0; d < e->shape.n_space; d++) differ = differ || points[d] != e->shape.points[d];
  *is = differ && (stretched || e->form == NOMOS_EMULATOR_FLUX || e->conditioning->of_grid || network->ops->of_grid);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosEmulatorWarmsUp(NomosEmulator emulator, const char tensor[])
{
  const size_t n = strlen(emulator->conditioning->name);
  return emulator->conditioning->auxiliary && !strncmp(tensor, emulator->conditioning->name, n) && tensor[n] == '.';
}

PetscErrorCode NomosEmulatorHasWarmUp(NomosConfig config, size_t n_parameters, bool *has)
{
  const char *name;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "neural_operator.conditioning", &name));
  *has = FindConditioning(*name || n_parameters ? name : "none")->auxiliary;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of fluxes through the upper faces of every cell, those along y first: what a cell sends up its neighbour gets, so that sums over the grid stay. In units of the grid of the training, so that a finer one
   gives the same function. */
static NomosTensor Divergence(const NomosEmulatorShape *shape, NomosTensor flux)
{
  NomosTensor sum = {0};

  for (int axis = 0; axis < shape->n_space; axis++) {
    const NomosTensor along = NomosSlice(flux, 1, (size_t)axis * shape->n_fields, shape->n_fields, 1);
    NomosTensor       part  = NomosSubtract(along, NomosRoll(along, 2 + axis, 1));
    const size_t      n     = NomosTensorLength(flux, 2 + axis);
    if (n != shape->points[axis]) part = NomosAffine(part, (double)n / (double)shape->points[axis], 0);
    sum = axis ? NomosAdd(sum, part) : part;
  }
  return sum;
}

NomosTensor NomosEmulatorStep(NomosEmulator emulator, const NomosTensor w[], const NomosEmulatorStepInput *input, NomosTensor *auxiliary)
{
  const NomosTensor base = NomosTensorIsValid(input->base) ? input->base : input->u;

  *auxiliary          = (NomosTensor){0};
  const NomosTensor o = emulator->conditioning->apply(emulator->context, w, input->u, input->lambda, input->statistics, auxiliary);
  if (emulator->form == NOMOS_EMULATOR_NEXT_STATE) return o;
  return NomosAdd(base, emulator->form == NOMOS_EMULATOR_FLUX ? Divergence(&emulator->shape, o) : o);
}
