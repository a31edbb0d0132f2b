#include "solvers/hamiltonian/hamiltonian_system.h"

#include "solvers/hamiltonian/hamiltonian_system_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"hamiltonian_system.system",      NOMOS_PARAM_STRING,     "",       NULL, 0, 0,       NULL, false, "A system by name: mass_spring, pendulum, double_pendulum, henon_heiles, magnetic_bottle, kepler, n_body, spring_chain, fput; its constants are under that name: nomos describe SYSTEM."},
  {"hamiltonian_system.energy",      NOMOS_PARAM_EXPRESSION, "",       NULL, 0, 0,       NULL, false, "In place of a system: H as an expression of q1, q2, ..., p1, p2, ..."},
  {"hamiltonian_system.degrees",     NOMOS_PARAM_INT,        "1",      NULL, 1, 32,      NULL, false, "Of such an expression: how many q there are."},
  {"hamiltonian_system.states",      NOMOS_PARAM_INT,        "1",      NULL, 1, 1e9,     NULL, false, "Number of initial states, all integrated at once."},
  {"hamiltonian_system.seed",        NOMOS_PARAM_INT,        "1",      NULL, 0, 9e15,    NULL, false, "Seed of the random initial states."},
  {"hamiltonian_system.compensated", NOMOS_PARAM_BOOL,       "true",   NULL, 0, 0,       NULL, false, "Carry the rounding of sums along, so that its error grows like a random walk."},
  {"hamiltonian_system.tolerance",   NOMOS_PARAM_REAL,       "1e-14",  NULL, 1e-16, 1,   NULL, false, "Of implicit schemes: relative change of the last iteration."},
  {"time.scheme",                    NOMOS_PARAM_CHOICE,     "gauss4", NULL, 0, 0, NOMOS_FLOW_CHOICES, false, "Scheme: the first five, explicit, are for H = T(p) + V(q), the last three, implicit, for any; all these are symplectic, rk4 is not."},
  {"initial.type",                   NOMOS_PARAM_CHOICE,     "random", NULL, 0, 0, "random|list|file", false, "Initial states: as the system draws them, given by initial.state, or from a run's file."},
  {"initial.state",                  NOMOS_PARAM_REAL_LIST,  "",       NULL, 0, 0,       NULL, false, "list: q, then p, of one state for all, or of every state."},
  {"initial.file",                   NOMOS_PARAM_FILE,       "",       NULL, 0, 0,       NULL, false, "file: fields.nc of a run of this solver."},
  {"initial.frame",                  NOMOS_PARAM_INT,        "-1",     NULL, -1, 9e15,   NULL, false, "file: index of the frame; -1: the last."},
};
/* clang-format on */

static const NomosScalarInfo scalar_info[] = {
  {.name = "energy", .unit = "1", .long_name = "energy, mean over the states"},
  {.name = "energy_error_mean", .unit = "1", .long_name = "relative error of the energy, mean over the states", .group = "energy error", .log_scale = true, .label = "mean"},
  {.name = "energy_error_max", .unit = "1", .long_name = "relative error of the energy, largest of the states", .group = "energy error", .log_scale = true, .label = "largest"},
};
enum { N_SCALARS = sizeof scalar_info / sizeof *scalar_info };

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

/* An error of below is told once, with what stands before and behind it here. */
static PetscErrorCode Retell(NomosModel model, PetscErrorCode failed, const char before[], const char behind[])
{
  char why[1024];

  snprintf(why, sizeof why, "%s", NomosErrorLast());
  SETERRQ(model->comm, failed, "%s%s%s", before, why, behind);
}

static PetscErrorCode System(NomosModel model)
{
  HamiltonianModel *m = model->data;
  const char       *name, *energy;
  int64_t           degrees;
  char              where[NOMOS_MAX_PATH + 64];

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
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = NomosHamiltonianFromExpression(energy, (size_t)degrees, 0, NULL, NULL, &m->h);
  NomosErrorSetQuiet(quiet);
  snprintf(where, sizeof where, "%s: hamiltonian_system.energy: ", NomosConfigWhere(model->config, "hamiltonian_system.energy"));
  if (failed) PetscCall(Retell(model, failed, where, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ListParameters(NomosModel model)
{
  HamiltonianModel *m  = model->data;
  size_t            at = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(m->h.n_parameters + 1, &m->parameters));
  for (size_t i = 0; m->system && i < m->system->n_params; i++) {
    const NomosParam *param = &m->system->params[i];
    size_t            n     = 1;
    double            value;
    const double     *values = &value;
    if (!param->differentiable) continue;
    if (param->type == NOMOS_PARAM_REAL) PetscCall(NomosConfigGetReal(model->config, param->key, &value));
    else PetscCall(NomosConfigGetReals(model->config, param->key, &n, &values));
    for (size_t e = 0; e < n; e++) m->parameters[at++] = (NomosModelParameter){.param = param, .entry = (int)e, .value = values[e]};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  HamiltonianModel *m;
  int64_t           states, seed;
  double            tolerance, dt;
  int               size;
  char              where[NOMOS_MAX_PATH + 64];

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCheck(size == 1, model->comm, PETSC_ERR_SUP, "%s: this solver runs on one rank (threads share the states): leave mpirun out", NomosConfigWhere(model->config, "solver"));
  PetscCall(PetscNew(&m));
  model->data = m;
  PetscCall(System(model));
  PetscCall(ListParameters(model));
  PetscCall(NomosConfigGetInt(model->config, "hamiltonian_system.states", &states));
  PetscCall(NomosConfigGetInt(model->config, "hamiltonian_system.seed", &seed));
  PetscCall(NomosConfigGetBool(model->config, "hamiltonian_system.compensated", &m->compensated));
  PetscCall(NomosConfigGetReal(model->config, "hamiltonian_system.tolerance", &tolerance));
  PetscCall(NomosConfigGetString(model->config, "time.scheme", &m->scheme));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  m->n    = (size_t)states;
  m->row  = 2 * m->h.d;
  m->size = m->n * m->row;
  m->seed = (uint64_t)seed;
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = NomosHamiltonianFlowCreate(&(NomosHamiltonianFlowInput){.hamiltonian = &m->h, .scheme = m->scheme, .n = m->n, .compensated = m->compensated, .tolerance = tolerance}, &m->flow);
  NomosErrorSetQuiet(quiet);
  snprintf(where, sizeof where, "%s: time.scheme: ", NomosConfigWhere(model->config, "time.scheme"));
  if (failed) PetscCall(Retell(model, failed, where, ""));
  PetscCall(PetscCalloc4(m->size, &m->x, m->size, &m->carry, m->n, &m->energy, m->n, &m->energy0));
  PetscCall(PetscMalloc2(m->n, &m->numbers[0], m->row, &m->numbers[1]));
  m->dims[0] = (NomosFieldDim){.name = "state", .size = m->n, .values = m->numbers[0], .unit = "1", .long_name = "number of the state"};
  m->dims[1] = (NomosFieldDim){.name = "coordinate", .size = m->row, .values = m->numbers[1], .unit = "1", .long_name = "coordinates, then momenta"};
  for (int d = 0; d < 2; d++)
    for (size_t i = 0; i < m->dims[d].size; i++) m->numbers[d][i] = (double)i;
  PetscCall(NomosModelSetTimeStep(model, dt));
  model->seed      = m->seed;
  model->precision = NOMOS_F64;
  model->n_grid    = (int64_t)m->size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosHamiltonianFlowDestroy(&m->flow));
  if (m->system) PetscCall(NomosHamiltonianSystemDestroy(m->system, &m->h));
  else PetscCall(NomosHamiltonianFromExpressionDestroy(&m->h));
  PetscCall(PetscFree4(m->x, m->carry, m->energy, m->energy0));
  PetscCall(PetscFree2(m->numbers[0], m->numbers[1]));
  PetscCall(PetscFree(m->parameters));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  HamiltonianModel *m = model->data;
  char              when[96];

  PetscFunctionBeginUser;
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = NomosHamiltonianFlowStep(m->flow, model->dt, m->x, m->carry);
  NomosErrorSetQuiet(quiet);
  snprintf(when, sizeof when, " (step %lld, t = %.6g)", (long long)model->step + 1, model->time);
  if (failed) PetscCall(Retell(model, failed, "", when));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldLayout(NomosModel model, NomosFileLayout *layout)
{
  static const NomosFieldVariable variable = {.name = "x", .dims = {"state", "coordinate"}, .unit = "1", .long_name = "coordinates, then momenta"};

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = 2, .dims = ((HamiltonianModel *)model->data)->dims, .n_variables = 1, .variables = &variable};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFields(NomosModel model, NomosFieldFile file)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldFileWrite(file, "x", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){m->n, m->row}, m->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  PetscFunctionBeginUser;
  (void)model;
  *n    = N_SCALARS;
  *info = scalar_info;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of an energy that was 0 the error is absolute. */
static PetscErrorCode EvaluateScalars(NomosModel model, double values[])
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(m->h.energy(m->h.ctx, m->n, m->x, m->energy));
  values[0] = values[1] = values[2] = 0;
  for (size_t i = 0; i < m->n; i++) {
    const double error = fabs(m->energy[i] - m->energy0[i]) / (m->energy0[i] == 0 ? 1 : fabs(m->energy0[i]));
    values[0] += m->energy[i] / (double)m->n;
    values[1] += error / (double)m->n;
    if (!(error <= values[2])) values[2] = error;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  HamiltonianModel *m  = model->data;
  size_t            at = 0;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false};
  while (at < m->size && isfinite(m->x[at])) at++;
  if (at == m->size) PetscFunctionReturn(PETSC_SUCCESS);
  *fault = (NomosModelFault){.bad = true, .field = "x", .n_index = 2, .index = {(int64_t)(at / m->row), (int64_t)(at % m->row)}, .value = m->x[at], .dt_advised = model->dt / 2};
  snprintf(fault->place, sizeof fault->place, "state %zu: a collision, or an orbit that escapes", at / m->row);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  HamiltonianModel *m = model->data;
  const size_t      zero[2] = {0, 0}, size[2] = {m->n, m->row};

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, "x", NOMOS_F64, 2, 1, size, zero, size, m->x));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "carry", NOMOS_F64, 2, 1, size, zero, size, m->carry));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "energy", NOMOS_F64, 1, 1, size, zero, size, m->energy0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  HamiltonianModel *m = model->data;
  const size_t      zero[2] = {0, 0}, size[2] = {m->n, m->row};

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, "x", NOMOS_F64, 2, size, zero, size, m->x));
  PetscCall(NomosCheckpointReadArray(checkpoint, "carry", NOMOS_F64, 2, size, zero, size, m->carry));
  PetscCall(NomosCheckpointReadArray(checkpoint, "energy", NOMOS_F64, 1, size, zero, size, m->energy0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  *bytes = 16. * (double)m->size;
  PetscCall(PetscSNPrintf(text, n_text, "%d states of %s with %d degrees of freedom, %s, order %d%s, float64", (int)m->n, m->system ? m->system->name : "an expression", (int)m->h.d, m->scheme, (int)NomosHamiltonianFlowOrder(m->flow),
    m->compensated ? ", compensated sums" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_HamiltonianSystem = {
  .name      = "hamiltonian_system",
  .summary   = "Hamiltonian systems, by name or by an expression, with symplectic schemes; many states at once.",
  .reference = "doi:10.1007/3-540-30666-8",
  .n_params = sizeof params / sizeof *params, .params = params, .declare = Declare,
  .create = Create, .initialise = HamiltonianInitialise, .step = Step, .destroy = Destroy, .field_layout = FieldLayout, .write_fields = WriteFields,
  .scalars = Scalars, .evaluate_scalars = EvaluateScalars, .check = Check, .save = Save, .load = Load, .describe = Describe, .derivatives = &hamiltonian_system_derivatives,
};
