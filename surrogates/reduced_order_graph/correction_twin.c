/* A motion twice: a fine simulation, whose states are brought to the particles of a coarse one, and the coarse one as a node of the tape. */
#include "surrogates/reduced_order_graph/coarse_simulation.h"
#include "surrogates/reduced_order_graph/correction_impl.h"
#include "surrogates/reduced_order_graph/decoders/decoder.h"
#include "surrogates/reduced_order_graph/rerun.h"

#include <math.h>
#include <string.h>

static const char *const names[NOMOS_N_TWIN_FIELDS] = {"position", "velocity", "affine", "deformation_gradient"};

/* ---- states between a model and plain doubles */

typedef struct {
  NomosModel                   model;
  const NomosModelDerivatives *ops;
  size_t                       field[NOMOS_N_TWIN_FIELDS], size[NOMOS_N_TWIN_FIELDS], n, n_entries, bytes;
} View;

static PetscErrorCode ViewModel(NomosModel model, View *view)
{
  const NomosModelField *list;
  size_t                 n_fields, n_state, count = 0;

  PetscFunctionBeginUser;
  *view = (View){.model = model, .ops = model->ops->derivatives};
  NomosCheck(view->ops && view->ops->fields && view->ops->field_vjp, PETSC_COMM_SELF, PETSC_ERR_SUP, "solver %s: its state has no fields; particle_correction needs those of mpm", model->ops->name);
  PetscCall(view->ops->fields(model, &n_fields, &list));
  PetscCall(view->ops->state_size(model, &n_state));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++)
    for (size_t i = 0; i < n_fields; i++) {
      if (strcmp(list[i].name, names[f])) continue;
      view->field[f] = i;
      view->n        = list[i].count[0];
      view->size[f]  = 1;
      for (int d = 1; d < list[i].n_dims; d++) view->size[f] *= list[i].count[d];
      count++;
    }
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) view->n_entries += view->size[f];
  NomosCheck(count == NOMOS_N_TWIN_FIELDS && view->n_entries * view->n == n_state, PETSC_COMM_SELF, PETSC_ERR_SUP, "solver %s: its state is not position, velocity, affine and deformation_gradient of particles; particle_correction needs those of mpm", model->ops->name);
  view->bytes = n_state * NomosRealBytes(model->precision);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* values: one field behind the other. */
static PetscErrorCode ReadState(const View *view, const void *state, double values[])
{
  PetscFunctionBeginUser;
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++, values += view->size[f - 1] * view->n) PetscCall(view->ops->field(view->model, view->field[f], state, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The fields are all of a state: it is the sum of what each puts into it, which is also the adjoint of ReadState. */
static PetscErrorCode WriteState(const View *view, const double values[], void *state)
{
  PetscFunctionBeginUser;
  memset(state, 0, view->bytes);
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++, values += view->size[f - 1] * view->n) PetscCall(view->ops->field_vjp(view->model, view->field[f], values, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- from the fine particles to the coarse ones */

/* The number of the body that each particle is of: what the solver writes as `body`. Zeros where it writes none. */
static PetscErrorCode TakeBody(const char name[], NomosRealType type, const size_t start[], const size_t count[], const void *data, void *ctx)
{
  int32_t *body = ctx;

  PetscFunctionBeginUser;
  for (size_t i = 0; !strcmp(name, "body") && i < count[0]; i++) body[start[0] + i] = (int32_t)lround(type == NOMOS_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadBodies(NomosModel model, int32_t body[])
{
  NomosFieldFile sink;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldFileCreateSink(TakeBody, body, &sink));
  PetscErrorCode code = model->ops->write_fields(model, sink);
  PetscCall(NomosFieldFileClose(&sink));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Moving least squares reproduce linear functions, X among them: positions are sampled as they are, not as displacements. */
static PetscErrorCode SamplingCreate(const NomosParticleReference *reference, NomosSparseMatrix *sampling)
{
  static const NomosLocalShape shape   = {NOMOS_LOCAL_QUARTIC, 1.01};
  static const size_t          nearest = 10;
  void                        *matrix;

  PetscFunctionBeginUser;
  PetscCall(NomosReferenceMatrixPrepare(&shape, nearest, NomosLocalRow, reference, &matrix));
  *sampling = matrix;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Sample(NomosSparseMatrix sampling, const View *view, const double fine[], size_t n, double coarse[])
{
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) {
    NomosSparseMatrixApply(sampling, view->size[f], fine, coarse);
    fine += view->size[f] * view->n;
    coarse += view->size[f] * n;
  }
}

/* ---- the coarse model as an operator */

static PetscErrorCode Pack(const NomosTwin *twin, const double *const fields[], double values[])
{
  PetscFunctionBeginUser;
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) PetscCall(PetscArraycpy(values + twin->offset[f] * twin->n, fields[f], twin->size[f] * twin->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From `values` n steps of the view's model, the state before each to `states` (may be NULL); the state after is in buffers[0]. Errors (PETSC_ERR_FP): a state that is not finite, a particle that left the grid. */
static PetscErrorCode Forward(NomosTwin *twin, const View *view, const double values[], int64_t n_steps, char *states)
{
  NomosModelFault fault = {0};

  PetscFunctionBeginUser;
  PetscCall(WriteState(view, values, twin->buffers[0]));
  PetscCall(view->ops->set_state(view->model, twin->buffers[0]));
  for (int64_t step = 0; step < n_steps; step++) {
    if (states) PetscCall(view->ops->get_state(view->model, states + (size_t)step * view->bytes));
    PetscCall(NomosModelSetClock(view->model, step));
    PetscCall(view->model->ops->step(view->model));
  }
  PetscCall(view->model->ops->check(view->model, &fault));
  NomosCheck(!fault.bad, PETSC_COMM_SELF, PETSC_ERR_FP, "the coarse simulation went wrong: %s of particle %lld is %g%s%s; %s", fault.field, (long long)fault.index[0], fault.value, fault.place[0] ? ", " : "", fault.place, fault.advice[0] ? fault.advice : "take a shorter time.dt in particle_correction.coarse");
  PetscCall(view->ops->get_state(view->model, twin->buffers[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Advance(NomosTwin *twin, NomosModel model, int64_t n_steps, double state[])
{
  View view;

  PetscFunctionBeginUser;
  PetscCall(ViewModel(model, &view));
  PetscCall(Forward(twin, &view, state, n_steps, NULL));
  PetscCall(ReadState(&view, twin->buffers[0], state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTwinAdvance(NomosTwin *twin, double state[])
{
  PetscFunctionBeginUser;
  PetscCall(Advance(twin, twin->model, twin->n_steps, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTwinAdvanceAlone(NomosTwin *twin, double state[])
{
  PetscFunctionBeginUser;
  PetscCall(Advance(twin, twin->alone, twin->n_steps_alone, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  NomosTwin *twin = op->data;
  double    *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(twin->n_entries * twin->n, &values));
  PetscCall(Pack(twin, in, values));
  PetscErrorCode code = NomosTwinAdvance(twin, values);
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS && !code; f++) PetscCall(PetscArraycpy(out[f], NomosTwinField(twin, values, f), twin->size[f] * twin->n));
  PetscCall(PetscFree(values));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last step need not be taken: its derivative is asked for at the state before it. */
static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  NomosTwin *twin = op->data;
  double    *values;
  View       view;

  PetscFunctionBeginUser;
  PetscCall(ViewModel(twin->model, &view));
  PetscCall(PetscMalloc1(twin->n_entries * twin->n, &values));
  PetscCall(Pack(twin, in, values));
  PetscCall(Forward(twin, &view, values, twin->n_steps, twin->states));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) {
    if (out_bar[f]) PetscCall(PetscArraycpy(NomosTwinField(twin, values, f), out_bar[f], twin->size[f] * twin->n));
    else PetscCall(PetscArrayzero(NomosTwinField(twin, values, f), twin->size[f] * twin->n));
  }
  PetscCall(WriteState(&view, values, twin->buffers[1]));
  for (int64_t step = twin->n_steps; step-- > 0;) {
    PetscCall(NomosModelSetClock(twin->model, step));
    PetscCall(view.ops->vjp(twin->model, twin->states + (size_t)step * view.bytes, twin->buffers[1], NULL));
  }
  PetscCall(ReadState(&view, twin->buffers[1], values));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++)
    for (size_t i = 0; i < twin->size[f] * twin->n && in_bar[f]; i++) in_bar[f][i] += NomosTwinField(twin, values, f)[i];
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateStep(NomosTwin *twin)
{
  static const NomosOperatorOps ops = {.name = "coarse particles", .apply = Apply, .vjp = Vjp};
  NomosOperatorArgument         arguments[NOMOS_N_TWIN_FIELDS];

  PetscFunctionBeginUser;
  NomosCheck(twin->model->ops->derivatives->vjp, PETSC_COMM_SELF, PETSC_ERR_SUP, "solver %s: its step has no derivative; particle_correction needs that of mpm", twin->model->ops->name);
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) arguments[f] = (NomosOperatorArgument){names[f], twin->size[f] * twin->n, false};
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &ops, .n_in = NOMOS_N_TWIN_FIELDS, .n_out = NOMOS_N_TWIN_FIELDS, .in = arguments, .out = arguments, .data = twin}, &twin->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- made and unmade */

/* The truth: frames of the fine model at the coarse particles. */
static PetscErrorCode Record(NomosModel fine, NomosTwin *twin, NomosRerun *rerun)
{
  View              coarse_view, view;
  NomosSparseMatrix sampling;
  int64_t           every;
  double           *values, *first, seconds;
  int32_t          *body[2];
  void             *state;

  PetscFunctionBeginUser;
  PetscCall(ViewModel(twin->model, &coarse_view));
  PetscCall(ViewModel(fine, &view));
  PetscCall(NomosCoarseSteps(fine, twin->interval, "particle_correction.coarse", &every));
  const size_t total = twin->n_entries * twin->n;
  PetscCall(PetscMalloc1(twin->n_frames * total, &twin->truth));
  PetscCall(PetscMalloc3(view.n_entries * view.n, &values, total, &first, view.bytes, (char **)&state));
  PetscCall(coarse_view.ops->get_state(twin->model, twin->buffers[0]));
  PetscCall(ReadState(&coarse_view, twin->buffers[0], first));
  PetscCall(view.ops->get_state(fine, state));
  PetscCall(ReadState(&view, state, values));
  PetscCall(PetscCalloc2(view.n, &body[0], twin->n, &body[1]));
  PetscCall(ReadBodies(fine, body[0]));
  PetscCall(ReadBodies(twin->model, body[1]));
  PetscCall(SamplingCreate(&(NomosParticleReference){.d = (int)twin->size[NOMOS_TWIN_X], .n_sparse = view.n, .n_points = twin->n, .Y = values, .X = first, .Y_body = body[0], .X_body = body[1]}, &sampling));
  PetscCall(PetscFree2(body[0], body[1]));
  seconds = MPI_Wtime();
  for (size_t frame = 0; frame < twin->n_frames; frame++) {
    for (int64_t step = 0; step < every && frame; step++) PetscCall(fine->ops->step(fine));
    PetscCall(view.ops->get_state(fine, state));
    PetscCall(ReadState(&view, state, values));
    if (rerun) PetscCall(NomosRerunCompare(rerun, frame, view.n, values)); /* positions are its first field */
    Sample(sampling, &view, values, twin->n, twin->truth + frame * total);
  }
  twin->fine_seconds = (MPI_Wtime() - seconds) / (double)PetscMax(twin->n_frames - 1, 1);
  PetscCall(PetscArraycpy(twin->truth, first, total)); /* the coarse simulation's own first state, to the bit */
  PetscCall(NomosSparseMatrixDestroy(&sampling));
  PetscCall(PetscFree3(values, first, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTwinPrepare(NomosTwin *twin)
{
  View view;

  PetscFunctionBeginUser;
  PetscCall(ViewModel(twin->model, &view));
  twin->n         = view.n;
  twin->n_entries = view.n_entries;
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) {
    twin->size[f]   = view.size[f];
    twin->offset[f] = f ? twin->offset[f - 1] + twin->size[f - 1] : 0;
  }
  for (int b = 0; b < 2; b++) PetscCall(PetscMalloc(view.bytes, &twin->buffers[b]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTwinGet(NomosTwin *twin, double state[])
{
  View view;

  PetscFunctionBeginUser;
  PetscCall(ViewModel(twin->model, &view));
  PetscCall(view.ops->get_state(twin->model, twin->buffers[0]));
  PetscCall(ReadState(&view, twin->buffers[0], state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTwinPut(NomosTwin *twin, const double state[])
{
  View view;

  PetscFunctionBeginUser;
  PetscCall(ViewModel(twin->model, &view));
  PetscCall(WriteState(&view, state, twin->buffers[0]));
  PetscCall(view.ops->set_state(twin->model, twin->buffers[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same particles in the same places. */
static PetscErrorCode CheckAlone(NomosTwin *twin)
{
  View    views[2];
  double *x[2], most = 0;

  PetscFunctionBeginUser;
  PetscCall(ViewModel(twin->model, &views[0]));
  PetscCall(ViewModel(twin->alone, &views[1]));
  NomosCheck(views[1].bytes == views[0].bytes, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "particle_correction.corrected: with it bodies have %zu particles, without it %zu, or another precision; it may change the grid and the material, not them", views[0].n, views[1].n);
  PetscCall(PetscMalloc2(views[0].n_entries * views[0].n, &x[0], views[0].n_entries * views[0].n, &x[1]));
  for (int i = 0; i < 2; i++) {
    PetscCall(views[i].ops->get_state(views[i].model, twin->buffers[i]));
    PetscCall(ReadState(&views[i], twin->buffers[i], x[i]));
  }
  for (size_t i = 0; i < views[0].size[NOMOS_TWIN_X] * views[0].n; i++) most = fmax(most, fabs(x[0][i] - x[1][i]));
  PetscCall(PetscFree2(x[0], x[1]));
  NomosCheck(most <= 1e-5, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "particle_correction.corrected: with it particles begin up to %g m from where they begin without it; it may change the grid and the material, not them", most);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coarse simulation that is corrected, and the one that is not. */
static PetscErrorCode SimulateCoarse(NomosSurrogate s, const NomosTwinInput *input, NomosConfig fine, NomosTwin *twin)
{
  NomosCoarseInput coarse = {.path = input->path, .n_set = input->n_set, .set = input->set, .n_coarse = input->n_coarse, .coarse = input->coarse, .per_cell = input->per_cell};
  const char     **set;
  const double    *length;
  size_t           n;
  int64_t          cells;

  PetscFunctionBeginUser;
  PetscCall(NomosCoarseSimulate(s, &coarse, fine, &twin->alone, &twin->alone_config));
  PetscCall(NomosConfigGetReals(twin->alone_config, "mpm.length", &n, &length));
  PetscCall(NomosConfigGetInt(twin->alone_config, "mpm.cells", &cells));
  coarse.spacing = length[0] / (double)cells / sqrt(input->per_cell); /* the same particles, whatever the cells are */
  PetscCall(PetscMalloc1(input->n_coarse + input->n_corrected, &set));
  for (size_t i = 0; i < input->n_coarse; i++) set[i] = input->coarse[i];
  for (size_t i = 0; i < input->n_corrected; i++) set[input->n_coarse + i] = input->corrected[i];
  coarse.coarse = set;
  coarse.n_coarse += input->n_corrected;
  PetscErrorCode code = NomosCoarseSimulate(s, &coarse, fine, &twin->model, &twin->config);
  PetscCall(PetscFree(set));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s, const NomosTwinInput *input, NomosTwin *twin, NomosModel *fine, NomosConfig *fine_config)
{
  PetscFunctionBeginUser;
  PetscCall(s->simulate(s, &(NomosSimulation){.path = input->path, .n_set = input->n_set, .set = input->set}, fine, fine_config));
  PetscCall(SimulateCoarse(s, input, *fine_config, twin));
  PetscCall(NomosTwinPrepare(twin));
  PetscCall(CheckAlone(twin));
  twin->n_frames = input->n_frames;
  twin->interval = input->interval;
  PetscCall(NomosCoarseSteps(twin->model, twin->interval, "particle_correction.coarse", &twin->n_steps));
  NomosCheck(!(twin->n_steps % input->n_corrections), PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "particle_correction.corrections = %lld does not divide the %lld steps of the coarse simulation in a frame; choose one that does", (long long)input->n_corrections, (long long)twin->n_steps);
  twin->n_steps /= input->n_corrections;
  PetscCall(NomosCoarseSteps(twin->alone, twin->interval, "particle_correction.coarse", &twin->n_steps_alone));
  PetscCall(PetscMalloc1((size_t)twin->n_steps * twin->n_entries * twin->n * NomosRealBytes(twin->model->precision), &twin->states));
  if (input->data) {
    NomosRerun rerun;
    PetscCall(NomosRerunBegin(&(NomosRerunInput){input->data, input->split, input->trajectory, *fine_config}, &rerun));
    PetscErrorCode code = Record(*fine, twin, &rerun);
    PetscCall(NomosRerunEnd(&rerun, sizeof twin->rerun_note, twin->rerun_note));
    PetscCall(code);
  } else PetscCall(Record(*fine, twin, NULL));
  PetscCall(CreateStep(twin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTwinCreate(NomosSurrogate s, const NomosTwinInput *input, NomosTwin *twin)
{
  NomosModel  fine   = NULL;
  NomosConfig config = NULL;

  PetscFunctionBeginUser;
  *twin               = (NomosTwin){0};
  PetscErrorCode code = Create(s, input, twin, &fine, &config);
  if (fine) PetscCall(NomosModelDestroy(&fine));
  if (config) PetscCall(NomosConfigDestroy(&config));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTwinDestroy(NomosTwin *twin)
{
  PetscFunctionBeginUser;
  PetscCall(NomosOperatorDestroy(&twin->step));
  PetscCall(NomosOperatorDestroy(&twin->transfer));
  if (twin->alone) PetscCall(NomosModelDestroy(&twin->alone));
  if (twin->alone_config) PetscCall(NomosConfigDestroy(&twin->alone_config));
  if (twin->model) PetscCall(NomosModelDestroy(&twin->model));
  if (twin->config) PetscCall(NomosConfigDestroy(&twin->config));
  for (int b = 0; b < 2; b++) PetscCall(PetscFree(twin->buffers[b]));
  PetscCall(PetscFree(twin->states));
  PetscCall(PetscFree(twin->truth));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosTwinDistance(const NomosTwin *twin, int field, const double a[], const double b[])
{
  const size_t n   = twin->size[field] * twin->n, at = twin->offset[field] * twin->n;
  double       sum = 0;

  for (size_t i = at; i < at + n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / (double)twin->n;
}

/* Entries of tensors change their sign with every index that is the first axis. */
void NomosTwinMirror(const NomosTwin *twin, double length, double state[])
{
  const size_t d = twin->size[NOMOS_TWIN_X];

  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) {
    double      *values = NomosTwinField(twin, state, f);
    const size_t side   = f == NOMOS_TWIN_F ? 3 : d;
    for (size_t i = 0; i < twin->n; i++)
      for (size_t e = 0; e < twin->size[f]; e++) {
        double *value = values + i * twin->size[f] + e;
        if (f <= NOMOS_TWIN_V ? e == 0 : (e / side == 0) != (e % side == 0)) *value = -*value;
        if (f == NOMOS_TWIN_X && e == 0) *value += length;
      }
  }
}
