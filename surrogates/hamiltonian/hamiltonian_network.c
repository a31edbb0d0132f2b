/* The model `hamiltonian_network`: many states of a learned H (weights of the surrogate `hamiltonian`), by a scheme of operators/hamiltonian_flow.h, in float64 whatever precision it was trained in. What the scheme
   keeps it keeps of the learned H: its own energy. How far the true energy strays, if that is known, is told beside it; the constant of the learned one, which no data tell, is then set by it.

   A network is not separable, but for the architecture that is: implicit schemes then. Derivatives jvp and vjp by the state and by the weights. */
#include "operators/phase_space.h"
#include "surrogates/hamiltonian/energy_list.h"
#include "surrogates/hamiltonian/energy_system.h"
#include "surrogates/hamiltonian/orbits.h"
#include "surrogates/surrogate.h"
#include "surrogates/weights_file.h"

#define SECTION "hamiltonian_network"

typedef struct {
  NomosPhaseSpace  space; /* first: operators/phase_space.h */
  NomosParameters  parameters;
  NomosEnergy      energy;
  NomosHamiltonian h;
  NomosExpression  truth; /* NULL: not known */
} Network;

/* clang-format off */
static const NomosParam architecture[] = {NOMOS_ENERGY_PARAMS};
static const NomosParam params[] = {
  {SECTION ".weights", NOMOS_PARAM_FILE,       "",  NULL, 0, 0,    NULL, false, "weights.safetensors of a training of the surrogate hamiltonian, which says the architecture too; unset: first values, untrained, of hamiltonian.*."},
  {SECTION ".degrees", NOMOS_PARAM_INT,        "0", NULL, 0, 1e6,  NULL, false, "How many q there are; 0: as many as in the training. A network made of bodies takes any number of them."},
  {SECTION ".energy",  NOMOS_PARAM_EXPRESSION, "",  NULL, 0, 0,    NULL, false, "The true H of q1, q2, ..., p1, p2, ..., to be watched beside the learned one, whose constant is set by it."},
  {SECTION ".weights_seed", NOMOS_PARAM_INT,   "0", NULL, 0, 9e15, NULL, false, "Seed of first values."},
  NOMOS_ENERGY_PARAMS,
  NOMOS_PHASE_SPACE_PARAMS(SECTION, "list", "list|file|trajectories"),
  NOMOS_PHASE_SPACE_FLOW_PARAMS(SECTION),
};
static const NomosParam weight = {SECTION ".theta", NOMOS_PARAM_REAL_LIST, "", NULL, 0, 0, NULL, true, "All weights as one vector, in the order of the file."};
/* clang-format on */

/* The network and its weights. */
static PetscErrorCode Build(NomosModel model, const NomosWeightsFile *file)
{
  Network              *m = model->data;
  const NomosEnergyOps *ops;
  NomosEnergyInput      input;
  int64_t               degrees, seed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(model->config, SECTION ".degrees", &degrees));
  PetscCall(NomosConfigGetInt(model->config, SECTION ".weights_seed", &seed));
  if (!degrees && file->file) degrees = (int64_t)NomosWeightsFileNumber(file, "coordinates") / 2;
  PetscCheck(degrees, model->comm, PETSC_ERR_ARG_WRONG, "%s: " SECTION ".degrees is missing: how many q there are%s", NomosConfigWhere(model->config, SECTION ".degrees"), file->file ? ", which the weights do not say" : "");
  PetscCall(NomosEnergyInputFromConfig(file->file ? file->architecture : model->config, (size_t)degrees, &ops, &input));
  PetscCall(NomosParametersCreate(NOMOS_F64, &m->parameters));
  PetscCall(NomosEnergyCreate(m->parameters, "hamiltonian", ops, &input, &m->energy));
  PetscCall(NomosParametersInitialise(m->parameters, (uint64_t)seed));
  if (file->file) PetscCall(NomosWeightsFileRead(file, m->parameters));
  PetscCall(NomosEnergySystemCreate(m->energy, m->parameters, &input, &m->h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ListParameters(NomosModel model)
{
  Network    *m = model->data;
  const void *values;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersValues(m->parameters, &values));
  m->space.n_parameters = m->h.n_parameters;
  PetscCall(PetscMalloc1(m->h.n_parameters, &m->space.parameters));
  for (size_t i = 0; i < m->h.n_parameters; i++) m->space.parameters[i] = (NomosModelParameter){.param = &weight, .entry = (int)i, .value = ((const double *)values)[i]};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  Network *m = model->data;
  void    *weights;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersEdit(m->parameters, &weights));
  PetscCall(PetscArraycpy((double *)weights, values, m->h.n_parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrueEnergy(void *ctx, size_t n, const double x[], double H[])
{
  const Network *m = ctx;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) H[i] = NomosExpressionEvaluate(m->truth, x + i * m->space.row);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  Network         *m;
  const char      *path;
  NomosWeightsFile file = {.file = NULL};

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  model->data             = m;
  m->space.set_parameters = SetParameters;
  m->space.free_constant  = true;
  PetscCall(NomosConfigGetString(model->config, SECTION ".weights", &path));
  PetscErrorCode code = path[0] ? NomosWeightsFileOpen(model->config, SECTION ".weights", sizeof architecture / sizeof *architecture, architecture, &file) : PETSC_SUCCESS;
  if (!code) code = Build(model, &file);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCall(code);
  PetscCall(ListParameters(model));
  PetscCall(NomosPhaseSpaceCreate(model, SECTION, m->h.d));
  PetscCall(NomosPhaseSpaceSetFlow(model, &m->h));
  PetscCall(NomosOrbitsEnergyOfKey(model->config, SECTION ".energy", m->space.row, &m->truth));
  if (m->truth) PetscCall(NomosPhaseSpaceAddEnergy(model, TrueEnergy, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  Network *m = model->data;

  PetscFunctionBeginUser;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosPhaseSpaceDestroy(model));
  PetscCall(NomosEnergySystemDestroy(&m->h));
  PetscCall(NomosEnergyDestroy(&m->energy));
  PetscCall(NomosParametersDestroy(&m->parameters));
  PetscCall(NomosExpressionDestroy(&m->truth));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  Network *m = model->data;

  PetscFunctionBeginUser;
  *bytes = 16. * (double)m->space.parts.n_state + 8. * (double)m->h.n_parameters;
  PetscCall(PetscSNPrintf(text, n_text, "%d states of a learned H (%s, %d weights) with %d degrees of freedom, %s, order %d%s, float64", (int)m->space.n, NomosEnergyGetOps(m->energy)->name, (int)m->h.n_parameters, (int)m->h.d, m->space.scheme,
    (int)NomosHamiltonianFlowOrder(m->space.flow), m->space.compensated ? ", compensated sums" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_HamiltonianNetwork = {
  .name      = SECTION,
  .summary   = "A learned Hamiltonian (surrogate hamiltonian), with symplectic schemes; many states at once.",
  .reference = "doi:10.48550/arXiv.1906.01563",
  .n_params = sizeof params / sizeof *params, .params = params,
  .create = Create, .destroy = Destroy, .describe = Describe,
  NOMOS_PHASE_SPACE_MODEL, .step = NomosPhaseSpaceStep, .derivatives = &nomos_phase_space_flow_derivatives,
};
