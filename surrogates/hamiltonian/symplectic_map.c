/* The model `symplectic_map`: many states of a learned symplectic map (weights of the surrogate `sympnet`), which is its step, in float64. time.dt is the step that was learned. Derivatives of first and second
   order by the state and by the weights. */
#include "operators/phase_space.h"
#include "operators/tape_function.h"
#include "surrogates/hamiltonian/orbits.h"
#include "surrogates/hamiltonian/sympnet_impl.h"
#include "surrogates/weights_file.h"

#include <math.h>

#define SECTION "symplectic_map"

typedef struct {
  NomosPhaseSpace space; /* first: operators/phase_space.h */
  NomosParameters parameters;
  NomosSymplectic map;
  NomosOperator   op;      /* (states, weights) -> states */
  double          step;
  double         *next, *weights_bar; /* (states), (weights) */
  NomosTensor    *w;
  NomosExpression truth; /* NULL: not known */
} Map;

/* clang-format off */
static const NomosParam architecture[] = {NOMOS_SYMPNET_PARAMS, NOMOS_SYMPNET_STEP_PARAM};
static const NomosParam params[] = {
  {SECTION ".weights", NOMOS_PARAM_FILE,       "",  NULL, 0, 0, NULL, false, "weights.safetensors of a training of the surrogate sympnet, which says the architecture too."},
  {SECTION ".energy",  NOMOS_PARAM_EXPRESSION, "",  NULL, 0, 0, NULL, false, "The true H of q1, q2, ..., p1, p2, ..., to be watched."},
  NOMOS_PHASE_SPACE_PARAMS(SECTION, "list", "list|file|trajectories"),
};
static const NomosParam weight = {SECTION ".theta", NOMOS_PARAM_REAL_LIST, "", NULL, 0, 0, NULL, true, "All weights as one vector, in the order of the file."};
/* clang-format on */

/* The step as a function of states and weights. */
static PetscErrorCode Function(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[])
{
  Map *m = ctx;

  PetscFunctionBeginUser;
  (void)tape;
  for (size_t i = 0; i < NomosParametersCount(m->parameters); i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(m->parameters, i, &p));
    m->w[i] = NomosReshape(NomosSlice(in[1], 0, p.offset, p.size, 1), p.n_dims, p.shape);
  }
  out[0] = NomosSymplecticApply(&m->map, m->w, NomosReshape(in[0], 2, (size_t[]){m->space.n, m->space.row}), m->step);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const double *Weights(const Map *m)
{
  const void *values = NULL;
  return NomosParametersValues(m->parameters, &values) ? NULL : values;
}

static PetscErrorCode TrueEnergy(void *ctx, size_t n, const double x[], double H[])
{
  const Map *m = ctx;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) H[i] = NomosExpressionEvaluate(m->truth, x + i * m->space.row);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The map and its weights; *d: degrees of freedom. */
static PetscErrorCode Build(NomosModel model, const NomosWeightsFile *file, size_t *d)
{
  Map                 *m = model->data;
  NomosSymplecticInput input;
  double               dt;

  PetscFunctionBeginUser;
  *d = NomosWeightsFileNumber(file, "coordinates") / 2;
  PetscCheck(*d, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: " SECTION ".weights: the file does not say of how many coordinates its weights are", NomosConfigWhere(model->config, SECTION ".weights"));
  PetscCall(NomosConfigGetReal(file->architecture, "sympnet.step", &m->step));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  PetscCheck(fabs(dt - m->step) <= 1e-9 * m->step, model->comm, PETSC_ERR_ARG_WRONG, "%s: time.dt = %g: the weights are a map over %g (sympnet.step of their training); use that", NomosConfigWhere(model->config, "time.dt"), dt, m->step);
  PetscCall(NomosSympNetInput(file->architecture, *d, &input));
  PetscCall(NomosParametersCreate(NOMOS_F64, &m->parameters));
  PetscCall(NomosSymplecticCreate(m->parameters, "sympnet", &input, &m->map));
  PetscCall(NomosParametersInitialise(m->parameters, 0));
  PetscCall(NomosWeightsFileRead(file, m->parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  Map  *m = model->data;
  void *weights;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersEdit(m->parameters, &weights));
  PetscCall(PetscArraycpy((double *)weights, values, m->space.n_parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  Map             *m;
  const char      *path;
  NomosWeightsFile file;
  size_t           d;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  model->data             = m;
  m->space.set_parameters = SetParameters;
  m->space.advice         = "begin with states like those of its training (initial.state), or train it on more of them; its time.dt is fixed";
  PetscCall(NomosConfigGetString(model->config, SECTION ".weights", &path));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_WRONG, "%s: " SECTION ".weights is missing: the weights.safetensors of a training of the surrogate sympnet", NomosConfigWhere(model->config, "solver"));
  PetscErrorCode code = NomosWeightsFileOpen(model->config, SECTION ".weights", sizeof architecture / sizeof *architecture, architecture, &file);
  if (!code) code = Build(model, &file, &d);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCall(code);
  PetscCall(NomosPhaseSpaceCreate(model, SECTION, d));
  const size_t n = NomosParametersSize(m->parameters);
  PetscCall(PetscMalloc3(m->space.parts.n_state, &m->next, n, &m->weights_bar, NomosParametersCount(m->parameters), &m->w));
  const NomosOperatorArgument in[] = {{.name = "state", .size = m->space.parts.n_state}, {.name = "weights", .size = n, .replicated = true}}, out = {.name = "state", .size = m->space.parts.n_state};
  PetscCall(NomosOperatorFromTape(&(NomosTapeFunctionInput){.comm = model->comm, .name = SECTION, .function = Function, .ctx = m, .n_in = 2, .n_out = 1, .in = in, .out = &out}, &m->op));
  m->space.n_parameters = n;
  PetscCall(PetscMalloc1(n, &m->space.parameters));
  for (size_t i = 0; i < n; i++) m->space.parameters[i] = (NomosModelParameter){.param = &weight, .entry = (int)i, .value = Weights(m)[i]};
  PetscCall(NomosOrbitsEnergyOfKey(model->config, SECTION ".energy", m->space.row, &m->truth));
  if (m->truth) PetscCall(NomosPhaseSpaceAddEnergy(model, TrueEnergy, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  Map *m = model->data;

  PetscFunctionBeginUser;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosPhaseSpaceDestroy(model));
  PetscCall(NomosOperatorDestroy(&m->op));
  PetscCall(NomosParametersDestroy(&m->parameters));
  PetscCall(NomosExpressionDestroy(&m->truth));
  PetscCall(PetscFree3(m->next, m->weights_bar, m->w));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  Map *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosOperatorApply(m->op, (const double *[]){m->space.parts.state, Weights(m)}, &m->next));
  PetscCall(PetscArraycpy(m->space.parts.state, m->next, m->space.parts.n_state));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  Map *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosOperatorJvp(m->op, (const double *[]){state, Weights(m)}, (const double *[]){x_dot, p_dot}, &m->next));
  PetscCall(PetscArraycpy((double *)x_dot, m->next, m->space.parts.n_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  Map *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(m->next, m->space.parts.n_state));
  PetscCall(NomosOperatorVjp(m->op, (const double *[]){state, Weights(m)}, (const double *[]){x_bar}, (double *[]){m->next, p_bar}));
  PetscCall(PetscArraycpy((double *)x_bar, m->next, m->space.parts.n_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  Map *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(m->next, m->space.parts.n_state));
  PetscCall(NomosOperatorHvp(m->op, (const double *[]){state, Weights(m)}, (const double *[]){x_dot, p_dot}, (const double *[]){x_bar}, (const double *[]){x_bar_dot}, (double *[]){m->next, p_bar_dot}));
  PetscCall(PetscArraycpy((double *)x_bar_dot, m->next, m->space.parts.n_state));
  PetscCall(Vjp(model, state, x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  Map *m = model->data;

  PetscFunctionBeginUser;
  *bytes = 24. * (double)m->space.parts.n_state + 8. * (double)m->space.n_parameters;
  PetscCall(PetscSNPrintf(text, n_text, "%d states of a learned symplectic map (%d shears, %d weights) with %d degrees of freedom, float64", (int)m->space.n, (int)m->map.n_shears, (int)m->space.n_parameters, (int)m->map.d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosModelDerivatives derivatives = {NOMOS_PHASE_SPACE_DERIVATIVES, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp};

const NomosModelOps NomosModelOps_SymplecticMap = {
  .name      = SECTION,
  .summary   = "A learned symplectic map (surrogate sympnet) as the step of many states.",
  .reference = "doi:10.1016/j.neunet.2020.08.017",
  .n_params = sizeof params / sizeof *params, .params = params,
  .create = Create, .destroy = Destroy, .describe = Describe,
  NOMOS_PHASE_SPACE_MODEL, .step = Step, .derivatives = &derivatives,
};
