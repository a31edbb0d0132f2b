/* Roll-outs of the coarse model and its correction, compared with the fine simulation.

     L = mean over motions and frames k = 1 ... K of (|x_k - x*_k|^2/(e_x(k) + b E_x(k)) + c |v_k - v*_k|^2/(e_v(k) + b E_v(k)))/(1 + c)

   e(k) are the mean squares of the error that the coarse model alone makes on the same frames (E(k) from where it blows up), E(k) their means over the training: where the coarse model is good, as in free flight, it must
   not be made worse, and where it is bad most is to be won. Without a correction L is below 1. A roll-out begins at the truth of a frame that is drawn; gradients go back through all K frames, or `detach` of them at most. K grows over the first part
   of the training. Validation: free runs over whole motions, the error of their positions over the mean of that of the coarse model; motions in which that blows up are left out. */
#include "operators/primitives.h"
#include "operators/random.h"
#include "surrogates/reduced_order_graph/correction_impl.h"

#include <math.h>

typedef struct {
  NomosSurrogate      s;
  NomosCorrection    *c;
  NomosTape           tape;
  const NomosTensor  *w;
  size_t              n;      /* trajectories */
  NomosTwin         **twins;  /* (n) */
  double            **truth;  /* (n) state before the first frame of the roll-out, and those behind it; borrowed or `own` */
  double            **own;    /* (n) */
  double             *coarse; /* (n) state of the coarse model alone, one behind the other */
  double             *errors[2]; /* (n) of x and v, now; NaN from where the coarse model alone blew up */
  size_t             *first;  /* (n + 1) particles */
  NomosOperator      *transfers;
  double             *per_cell;
  NomosParticleStates states;
} Rollout;

/* Frames of a roll-out at this epoch. */
static size_t Frames(const NomosCorrection *c, int64_t epoch, int64_t n_epochs)
{
  const double share = c->grow > 0 ? ((double)epoch + 1) / (c->grow * (double)n_epochs) : 1;
  return (size_t)fmax(1, ceil((double)c->max_frames * fmin(1, share)));
}

int64_t NomosCorrectionSettled(NomosSurrogate s, int64_t n_epochs)
{
  const NomosCorrection *c     = s->context;
  int64_t                epoch = c->grow > 0 ? n_epochs : 0;

  while (epoch > 0 && Frames(c, epoch - 1, n_epochs) == c->max_frames) epoch--;
  return epoch;
}

/* ---- states */

static NomosTensor FieldOf(const Rollout *r, int field, const double *const states[])
{
  const NomosTwin *twin = r->twins[0];
  double          *values;
  NomosTensor      x    = {.tape = r->tape};
  const size_t     size = twin->size[field], d = twin->size[NOMOS_TWIN_X];
  const size_t     shapes[NOMOS_N_TWIN_FIELDS][3] = {{r->first[r->n], d}, {r->first[r->n], d}, {r->first[r->n], d, d}, {r->first[r->n], 3, 3}};

  if (PetscMalloc1(r->first[r->n] * size, &values)) return x;
  for (size_t i = 0; i < r->n; i++)
    for (size_t k = 0; k < r->twins[i]->n * size; k++) values[r->first[i] * size + k] = states[i][r->twins[i]->offset[field] * r->twins[i]->n + k];
  x = NomosTensorCreate(r->tape, NOMOS_F64, field < NOMOS_TWIN_C ? 2 : 3, shapes[field], values);
  (void)PetscFree(values);
  return x;
}

/* The coarse model of each motion, then the correction of all. */
static PetscErrorCode Step(Rollout *r)
{
  NomosTensor   *parts[NOMOS_N_TWIN_FIELDS];
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(r->n, &parts[0], r->n, &parts[1], r->n, &parts[2], r->n, &parts[3]));
  for (size_t i = 0; i < r->n && !code; i++) {
    NomosTensor in[NOMOS_N_TWIN_FIELDS], out[NOMOS_N_TWIN_FIELDS];
    for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) in[f] = NomosSlice(r->states.fields[f], 0, r->first[i], r->twins[i]->n, 1);
    code = NomosTapeApply(r->twins[i]->step, in, out);
    for (int f = 0; f < NOMOS_N_TWIN_FIELDS && !code; f++) {
      const size_t *shape;
      const int     n_dims = NomosTensorDims(in[f], &shape);
      parts[f][i]          = NomosReshape(out[f], n_dims, shape);
    }
  }
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS && !code; f++) r->states.fields[f] = NomosConcatenate(r->n, parts[f], 0);
  PetscCall(PetscFree4(parts[0], parts[1], parts[2], parts[3]));
  PetscCall(code);
  PetscCall(NomosCorrectionApply(&r->c->network, r->w, &r->states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Advance(Rollout *r)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < r->c->n_corrections; i++) PetscCall(Step(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RolloutCreate(Rollout *r)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc6(r->n, &r->twins, r->n, &r->truth, r->n, &r->own, r->n + 1, &r->first, r->n, &r->per_cell, r->n, &r->transfers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RolloutDestroy(Rollout *r)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < r->n; i++) PetscCall(PetscFree(r->own[i]));
  PetscCall(PetscFree6(r->twins, r->truth, r->own, r->first, r->per_cell, r->transfers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Begin(Rollout *r)
{
  for (size_t i = 0; i < r->n; i++) {
    r->first[i + 1] = r->first[i] + r->twins[i]->n;
    r->per_cell[i]  = r->twins[i]->per_cell;
    r->transfers[i] = r->twins[i]->transfer;
  }
  r->states = (NomosParticleStates){.n = r->first[r->n], .n_sets = r->n, .first = r->first, .per_cell = r->per_cell, .transfers = r->transfers};
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) r->states.fields[f] = FieldOf(r, f, (const double *const *)r->truth);
}

/* ---- training */

/* A frame to begin at, so that n_frames follow: the first one with chance first_share, else any. Mirrored with chance 1/2. */
static PetscErrorCode Draw(Rollout *r, const NomosBatch *batch, size_t i, size_t *n_frames)
{
  NomosTwin     *twin   = r->twins[i];
  const uint64_t number = (uint64_t)batch->epoch * (uint64_t)r->s->n_examples[NOMOS_SPLIT_TRAIN] + batch->examples[i], stream = NomosRandomStream("particle_correction");
  const size_t   total  = twin->n_entries * twin->n;
  double         u[4];

  PetscFunctionBeginUser;
  NomosRandomUniform2(batch->seed, stream, 2 * number, u);
  NomosRandomUniform2(batch->seed, stream, 2 * number + 1, u + 2);
  *n_frames          = PetscMin(*n_frames, twin->n_frames - 1);
  const size_t start = u[0] < r->c->first_share ? 0 : (size_t)(u[1] * (double)(twin->n_frames - *n_frames));
  r->truth[i]        = twin->truth + start * total;
  if (!r->c->mirror || u[2] < 0.5) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1((*n_frames + 1) * total, &r->own[i]));
  PetscCall(PetscArraycpy(r->own[i], r->truth[i], (*n_frames + 1) * total));
  for (size_t k = 0; k <= *n_frames; k++) NomosTwinMirror(twin, r->c->network.shape.low[0] + r->c->network.shape.high[0], r->own[i] + k * total);
  r->truth[i] = r->own[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coarse model alone goes on, and e(k) of it. A roll-out goes on without it. */
static PetscErrorCode AdvanceCoarse(Rollout *r, const double *const truth[])
{
  double *state = r->coarse;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < r->n; i++) {
    NomosTwin           *twin = r->twins[i];
    const PetscErrorCode code = isnan(r->errors[NOMOS_TWIN_X][i]) ? PETSC_ERR_FP : NomosTwinAdvanceAlone(twin, state);
    if (code != PETSC_ERR_FP) PetscCall(code);
    for (int f = NOMOS_TWIN_X; f <= NOMOS_TWIN_V; f++) r->errors[f][i] = code ? NAN : NomosTwinDistance(twin, f, state, truth[i]);
    state += twin->n_entries * twin->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A roll-out that blows up ends there: the frames before it have a gradient. */
static PetscErrorCode TryAdvance(Rollout *r, const double *const truth[], bool *ended)
{
  const bool     quiet = NomosErrorSetQuiet(true);
  PetscErrorCode code, coarse = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  code = Advance(r);
  if (!code) coarse = AdvanceCoarse(r, truth);
  NomosErrorSetQuiet(quiet);
  *ended = code == PETSC_ERR_FP;
  if (!*ended) PetscCall(code);
  PetscCall(coarse);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean over motions of the mean square per particle, over e(k) + b E(k). */
static PetscErrorCode Term(Rollout *r, int field, const double *const truth[], size_t k, NomosTensor *sum)
{
  const NomosTensor difference = NomosSubtract(r->states.fields[field], FieldOf(r, field, truth));
  double            E;

  PetscFunctionBeginUser;
  PetscCall(NomosTensorGetScalar(NomosSlice(r->w[r->c->reference[field]], 0, k - 1, 1, 1), &E));
  for (size_t i = 0; i < r->n; i++) {
    const double      e    = isnan(r->errors[field][i]) ? E : r->errors[field][i];
    const NomosTensor term = NomosAffine(NomosSumAll(NomosPower(NomosSlice(difference, 0, r->first[i], r->twins[i]->n, 1), 2)), 1 / ((double)(r->twins[i]->n * r->n) * (e + r->c->floor * E)), 0);
    *sum                   = i ? NomosAdd(*sum, term) : term;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Train(Rollout *r, const NomosBatch *batch, NomosTensor *loss)
{
  const NomosCorrection *c        = r->c;
  const double           parts[2] = {1 / (1 + c->velocity), c->velocity / (1 + c->velocity)};
  size_t                 n_frames = Frames(c, batch->epoch, batch->n_epochs), total = 0;
  const double         **truth;
  NomosTensor            term;
  bool                   ended;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < r->n; i++) r->twins[i] = &c->sets[NOMOS_CORRECTION_TRAINING].twins[batch->examples[i]];
  for (size_t i = 0; i < r->n; i++) PetscCall(Draw(r, batch, i, &n_frames));
  for (size_t i = 0; i < r->n; i++) total += r->twins[i]->n_entries * r->twins[i]->n;
  PetscCall(PetscCalloc4(r->n, &truth, total, &r->coarse, r->n, &r->errors[0], r->n, &r->errors[1]));
  Begin(r);
  for (size_t i = 0, at = 0; i < r->n; at += r->twins[i]->n_entries * r->twins[i]->n, i++) PetscCall(PetscArraycpy(r->coarse + at, r->truth[i], r->twins[i]->n_entries * r->twins[i]->n));
  *loss = NomosTensorConstant(r->tape, NOMOS_F64, 0, NULL, 0);
  for (size_t k = 1; k <= n_frames; k++) {
    if (c->detach && k > 1 && !((k - 1) % c->detach))
      for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) r->states.fields[f] = NomosStopGradient(r->states.fields[f]);
    for (size_t i = 0; i < r->n; i++) truth[i] = r->truth[i] + k * r->twins[i]->n_entries * r->twins[i]->n;
    PetscCall(TryAdvance(r, truth, &ended));
    if (ended) break;
    for (int f = NOMOS_TWIN_X; f <= NOMOS_TWIN_V && parts[f] > 0; f++) {
      PetscCall(Term(r, f, truth, k, &term));
      *loss = NomosAdd(*loss, NomosAffine(term, parts[f] / (double)n_frames, 0));
    }
  }
  PetscCall(PetscFree4(truth, r->coarse, r->errors[0], r->errors[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Free runs, over the mean error of the coarse model on the set, of motions in which that does not blow up; the others count nothing, so that parts of a set still have its mean. */
static PetscErrorCode Validate(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, NomosTensor *loss)
{
  const NomosCorrection *c   = s->context;
  const NomosTwinSet    *set = NomosCorrectionSetOf(c, batch->split);
  size_t                 n;
  const double           coarse = NomosCorrectionCoarseError(set, &n);
  double                 sum    = n ? 0 : NAN;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < batch->n; i++) {
    NomosTwin *twin = &set->twins[batch->examples[i]];
    double     corrected;
    if (!isfinite(twin->coarse_error)) continue;
    PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = twin}, &corrected, NULL));
    sum += corrected / coarse / (double)batch->n * ((double)set->n / (double)n);
  }
  *loss = NomosTensorConstant(tape, NOMOS_F64, 0, NULL, sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  NomosCorrection *c = s->context;
  Rollout          r = {.s = s, .c = c, .tape = tape, .w = w, .n = batch->n};

  PetscFunctionBeginUser;
  if (!batch->training) {
    PetscCall(Validate(s, batch, tape, loss));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosCorrectionNetworkForget(&c->network));
  PetscCall(RolloutCreate(&r));
  PetscErrorCode code = Train(&r, batch, loss);
  PetscCall(RolloutDestroy(&r));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionCorrect(NomosCorrectionNetwork *network, NomosTape tape, NomosTensor w[], const NomosTwin *twin, double state[])
{
  const size_t        d = twin->size[NOMOS_TWIN_X], shapes[NOMOS_N_TWIN_FIELDS][3] = {{twin->n, d}, {twin->n, d}, {twin->n, d, d}, {twin->n, 3, 3}};
  NomosParticleStates states = {.n = twin->n, .n_sets = 1, .first = (size_t[]){0, twin->n}, .per_cell = &twin->per_cell, .transfers = (NomosOperator[]){twin->transfer}};

  PetscFunctionBeginUser;
  PetscCall(NomosParametersBind(network->shape.parameters, tape, w));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) states.fields[f] = NomosTensorCreate(tape, NOMOS_F64, f < NOMOS_TWIN_C ? 2 : 3, shapes[f], NomosTwinField(twin, state, f));
  PetscErrorCode code = NomosCorrectionApply(network, w, &states);
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS && !code; f++) code = NomosTensorGetDoubles(states.fields[f], NomosTwinField(twin, state, f));
  PetscCall(NomosTapeReset(tape));
  PetscCall(NomosCorrectionNetworkForget(network));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionAdvance(NomosSurrogate s, NomosTape tape, NomosTensor w[], NomosTwin *twin, double state[])
{
  NomosCorrection *c = s->context;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_corrections; i++) {
    PetscCall(NomosTwinAdvance(twin, state));
    PetscCall(NomosCorrectionCorrect(&c->network, tape, w, twin, state));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
