#include "solvers/hamiltonian/hamiltonian_system.h"

#include "operators/phase_space.h"
#include "solvers/hamiltonian/system.h"

typedef struct {
  NomosPhaseSpace               space;  /* first: operators/phase_space.h */
  const NomosHamiltonianSystem *system; /* NULL: an expression of the case */
  NomosHamiltonian              h;
} HamiltonianModel;

/* clang-format off */
static const NomosParam params[] = {
  {"hamiltonian_system.system",      NOMOS_PARAM_STRING,     "",       NULL, 0, 0,       NULL, false, "A system by name: mass_spring, pendulum, double_pendulum, henon_heiles, magnetic_bottle, kepler, n_body, two_bodies, three_bodies, spring_chain, fput, spring_lattice; its constants are under that name: nomos describe SYSTEM."},
  {"hamiltonian_system.energy",      NOMOS_PARAM_EXPRESSION, "",       NULL, 0, 0,       NULL, false, "In place of a system: H as an expression of q1, q2, ..., p1, p2, ..."},
  {"hamiltonian_system.degrees",     NOMOS_PARAM_INT,        "1",      NULL, 1, 32,      NULL, false, "Of such an expression: how many q there are."},
  NOMOS_PHASE_SPACE_PARAMS("hamiltonian_system", "random", "random|list|file|trajectories"),
  NOMOS_PHASE_SPACE_SEED_PARAM("hamiltonian_system"),
  NOMOS_PHASE_SPACE_FLOW_PARAMS("hamiltonian_system"),
};
/* clang-format on */

/* The constants of the system that the case names. */
static PetscErrorCode Declare(NomosConfig config)
{
  const char                   *name;
  const NomosHamiltonianSystem *system;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigPeek(config, "hamiltonian_system.system", &name));
  if (!name || !name[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosHamiltonianSystemFind(name, "hamiltonian_system.system", &system));
  PetscCall(NomosConfigRegister(config, system->n_params, system->params));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode System(NomosModel model)
{
  HamiltonianModel *m = model->data;
  const char       *name, *energy;
  int64_t           degrees;
  PetscErrorCode    failed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "hamiltonian_system.system", &name));
  PetscCall(NomosConfigGetString(model->config, "hamiltonian_system.energy", &energy));
  PetscCall(NomosConfigGetInt(model->config, "hamiltonian_system.degrees", &degrees));
  PetscCheck(!name[0] != !energy[0], model->comm, PETSC_ERR_ARG_INCOMP, "%s: give one of hamiltonian_system.system and hamiltonian_system.energy", NomosConfigWhere(model->config, "solver"));
  if (name[0]) {
    PetscCall(NomosHamiltonianSystemFind(name, NomosConfigWhere(model->config, "hamiltonian_system.system"), &m->system));
    PetscCall(NomosHamiltonianSystemCreate(m->system, model->config, &m->h));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NomosQuietly(failed, NomosHamiltonianFromExpression(energy, (size_t)degrees, 0, NULL, NULL, &m->h));
  PetscCall(NomosConfigRetell(model->config, "hamiltonian_system.energy", failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ListParameters(NomosModel model)
{
  HamiltonianModel *m  = model->data;
  size_t            at = 0;

  PetscFunctionBeginUser;
  m->space.n_parameters = m->h.n_parameters;
  PetscCall(PetscCalloc1(m->h.n_parameters + 1, &m->space.parameters));
  for (size_t i = 0; m->system && i < m->system->n_params; i++) {
    const NomosParam *param = &m->system->params[i];
    size_t            n     = 1;
    double            value;
    const double     *values = &value;
    if (!param->differentiable) continue;
    if (param->type == NOMOS_PARAM_REAL) PetscCall(NomosConfigGetReal(model->config, param->key, &value));
    else PetscCall(NomosConfigGetReals(model->config, param->key, &n, &values));
    for (size_t e = 0; e < n; e++) m->space.parameters[at++] = (NomosModelParameter){.param = param, .entry = (int)e, .value = values[e]};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Random(NomosModel model)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  PetscCheck(m->system, model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = random is of the systems by name; with hamiltonian_system.energy give initial.type: list and initial.state", NomosConfigWhere(model->config, "initial.type"));
  for (size_t i = 0; i < m->space.n; i++) PetscCall(m->system->initial(model->config, model->seed, i, m->space.parts.state + i * m->space.row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  if (m->system) PetscCall(NomosHamiltonianSystemSetParameters(m->system, &m->h, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  HamiltonianModel *m;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  model->data             = m;
  m->space.random         = Random;
  m->space.set_parameters = SetParameters;
  PetscCall(System(model));
  PetscCall(ListParameters(model));
  PetscCall(NomosPhaseSpaceCreate(model, "hamiltonian_system", m->h.d));
  PetscCall(NomosPhaseSpaceSetFlow(model, &m->h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosPhaseSpaceDestroy(model));
  if (m->system) PetscCall(NomosHamiltonianSystemDestroy(m->system, &m->h));
  else PetscCall(NomosHamiltonianFromExpressionDestroy(&m->h));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  *bytes = 16. * (double)m->space.parts.n_state;
  PetscCall(PetscSNPrintf(text, n_text, "%d states of %s with %d degrees of freedom, %s, order %d%s, float64", (int)m->space.n, m->system ? m->system->name : "an expression", (int)m->h.d, m->space.scheme, (int)NomosHamiltonianFlowOrder(m->space.flow),
    m->space.compensated ? ", compensated sums" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_HamiltonianSystem = {
  .name      = "hamiltonian_system",
  .summary   = "Hamiltonian systems, by name or by an expression, with symplectic schemes; many states at once.",
  .reference = "doi:10.1007/3-540-30666-8",
  .n_params = sizeof params / sizeof *params, .params = params, .declare = Declare,
  .create = Create, .destroy = Destroy, .describe = Describe,
  NOMOS_PHASE_SPACE_MODEL, .step = NomosPhaseSpaceStep, .derivatives = &nomos_phase_space_flow_second_derivatives,
};
