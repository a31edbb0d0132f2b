/* The loss of a batch of trajectories under a schedule (rollout_schedule.h), in training

     L = sum_t mean_b |u_t - u*_t|/|u*_t| + c sum_t mean_b |a_t - u*_t|/|u*_t|          2-norms over fields and points, a the auxiliary prediction, c neural_operator.auxiliary

   where normal numbers of deviation neural_operator.noise are added to what every step that counts begins at (not to what the pushforward unrolls without gradients); elsewhere the first sum along free runs, without noise. Of normalised fields norms are those of u/deviation.
   In the epochs of the warm-up the second sum alone, with factor 1, by teacher forcing. Takamoto et al. (2023), doi:10.48550/arXiv.2304.14118. */
#include "surrogates/operators/neural_operator_impl.h"

#include "operators/random.h"
#include "surrogates/loss.h"

typedef struct {
  NomosSurrogate       s;
  NomosNeuralOperator *no;
  const NomosBatch    *batch;
  const NomosTensor   *w;
  NomosTape            tape;
  size_t               n, n_frames;
  NomosTensor          states;      /* [n_frames n, fields, (y,) x] */
  NomosTensor          noise;       /* [(n_frames - 1) n, ..] of the steps; not valid: none */
  NomosTensor          lambda;      /* [(n_frames - 1) n, P] */
  NomosTensor          offset;      /* [1, fields, 1(, 1)] of normalised fields: mean/deviation */
  bool                 warm_up;
  NomosTensor          sum;
} Unrolling;

/* Of `count` steps from step `first` on: the rows of something that has n for each step. */
static NomosTensor Rows(const Unrolling *u, NomosTensor x, size_t first, size_t count)
{
  return NomosSlice(x, 0, first * u->n, count * u->n, 1);
}

/* The offset is in the norm alone: beside 1e5 deviations (a pressure of 101325 +- 1 Pa) float32 holds no residual below a hundredth of one. */
static void AddTerm(Unrolling *u, NomosTensor prediction, NomosTensor truth, double factor)
{
  const NomosTensor reference = u->no->normalised ? NomosAdd(truth, u->offset) : truth;
  const NomosTensor term      = NomosAffine(NomosLossRelativeTo(prediction, truth, reference), factor, 0);

  u->sum = NomosTensorIsValid(u->sum) ? NomosAdd(u->sum, term) : term;
}

/* `count` steps, beginning at frames first, first + 1, ..., as one batch. */
static NomosTensor Advance(Unrolling *u, NomosTensor from, size_t first, size_t count, bool recompute)
{
  const NomosNeuralOperatorStepInput input = {
    .u         = NomosTensorIsValid(u->noise) ? NomosAdd(from, Rows(u, u->noise, first, count)) : from,
    .lambda    = Rows(u, u->lambda, first, count),
    .training  = u->batch->training,
    .judged    = !u->batch->training,
    .recompute = recompute,
  };
  NomosTensor auxiliary, next = NomosNeuralOperatorStep(u->no, u->w, &input, &auxiliary);
  const NomosTensor truth     = Rows(u, u->states, first + 1, count);
  const double      n         = (double)count; /* NomosLossRelativeTo is a mean over the batch: a sum over its steps is wanted */

  if (!u->warm_up) AddTerm(u, next, truth, n);
  if (u->batch->training && NomosTensorIsValid(auxiliary)) AddTerm(u, auxiliary, truth, u->warm_up ? n : n * u->no->auxiliary_factor);
  return next;
}

/* n_chain steps that follow one upon the other, then the others from the data. */
static void Unroll(Unrolling *u, size_t n_chain)
{
  const size_t n_steps = u->n_frames - 1;
  NomosTensor  state   = Rows(u, u->states, 0, 1);

  if (n_chain == 1) n_chain = 0; /* it begins at the data like the others */
  for (size_t k = 0; k < n_chain; k++) state = Advance(u, state, k, 1, u->no->recompute);
  for (size_t k = n_chain, count; k < n_steps; k += count) {
    count = PetscMin(u->no->steps_at_once, n_steps - k);
    (void)Advance(u, Rows(u, u->states, k, count), k, count, u->no->recompute);
  }
}

/* From every frame `push` steps whose gradient is not taken, then one. */
static void PushForward(Unrolling *u, size_t push)
{
  const size_t n_steps = u->n_frames - 1, n_starts = n_steps - push;

  for (size_t k = 0, count; k < n_starts; k += count) {
    count             = PetscMin(u->no->steps_at_once, n_starts - k);
    NomosTensor state = Rows(u, u->states, k, count);
    for (size_t p = 0; p < push; p++) {
      const bool recording = NomosTapeSetRecording(u->tape, false);
      state = NomosNeuralOperatorStep(u->no, u->w, &(NomosNeuralOperatorStepInput){.u = state, .lambda = Rows(u, u->lambda, k + p, count), .recompute = true}, NULL);
      (void)NomosTapeSetRecording(u->tape, recording);
    }
    (void)Advance(u, state, k + push, count, u->no->recompute);
  }
}

/* ---- what the steps begin at */

/* Drawn by the training's step, trajectory, frame and place, in float64 whatever the precision is. */
static PetscErrorCode MakeNoise(Unrolling *u)
{
  const NomosNeuralOperator *no      = u->no;
  const size_t               n_steps = u->n_frames - 1, size = no->size;
  const uint64_t             stream  = NomosRandomStream("neural_operator.noise"), n_all = u->s->n_examples[u->batch->split];
  double                    *values;

  PetscFunctionBeginUser;
  if (!u->batch->training || no->noise == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(n_steps * u->n * size, &values));
#pragma omp parallel for
  for (size_t row = 0; row < n_steps * u->n; row++) {
    const uint64_t number = (((uint64_t)u->batch->step * n_all + u->batch->examples[row % u->n]) * n_steps + row / u->n) * size;
    for (size_t i = 0; i < size; i++) values[row * size + i] = no->noise * NomosRandomNormal(u->batch->seed, stream, number + i);
  }
  const size_t *shape;
  const int     n_dims                      = NomosTensorDims(u->states, &shape);
  size_t        rows[NOMOS_TENSOR_MAX_DIMS] = {n_steps * u->n};
  for (int d = 1; d < n_dims; d++) rows[d] = shape[d];
  u->noise = NomosTensorFromDoubles(u->tape, NomosTensorType(u->states), n_dims, rows, values);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(Unrolling *u)
{
  const NomosNeuralOperator *no   = u->no;
  const NomosRealType        type = NomosParametersType(u->s->parameters);
  const int                  n_dims = 2 + no->shape.n_space;
  const size_t               P = no->n_parameters, ny = no->shape.points[0], nx = no->shape.points[1];
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], *repeated;
  NomosTrajectories          t;

  PetscFunctionBeginUser;
  PetscCall(NomosTrajectoriesRead(u->s, &(NomosTrajectoriesInput){.dataset = u->s->data, .split = u->batch->split, .n = u->n, .examples = u->batch->examples}, &t));
  u->n_frames = t.n_frames;
  u->states   = NomosTensorFromDoubles(u->tape, type, n_dims, (size_t[]){t.n_frames * u->n, no->n_fields, ny, nx}, t.states);
  PetscCall(PetscMalloc1((t.n_frames - 1) * u->n * P + 1, &repeated));
  for (size_t k = 0; k + 1 < t.n_frames; k++) PetscCall(PetscArraycpy(repeated + k * u->n * P, t.parameters, u->n * P));
  u->lambda = NomosTensorFromDoubles(u->tape, type, 2, (size_t[]){(t.n_frames - 1) * u->n, P}, repeated);
  PetscCall(PetscFree(repeated));
  PetscCall(NomosTrajectoriesFree(&t));
  PetscCall(NomosNeuralOperatorUnits(u->s, mean, deviation));
  for (size_t f = 0; f < no->n_fields; f++) mean[f] /= deviation[f];
  if (no->normalised) u->offset = NomosTensorFromDoubles(u->tape, type, n_dims, (size_t[]){1, no->n_fields, 1, 1}, mean);
  PetscCall(MakeNoise(u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosNeuralOperatorChain(const NomosNeuralOperator *no, int64_t epoch, int64_t n_epochs)
{
  const double e = (double)(epoch - no->warm_up) / (double)PetscMax(1, n_epochs - no->warm_up);
  return NomosRolloutChain(&no->schedule, e, no->n_frames);
}

PetscErrorCode NomosNeuralOperatorLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  NomosNeuralOperator *no = s->context;
  Unrolling            u  = {.s = s, .no = no, .batch = batch, .w = w, .tape = tape, .n = batch->n};

  PetscFunctionBeginUser;
  PetscCall(NomosNeuralOperatorBegin(no));
  PetscCall(Prepare(&u));
  u.warm_up = batch->training && batch->epoch < no->warm_up;
  if (!batch->training) { /* free runs, of which nothing need be kept */
    const bool  recording = NomosTapeSetRecording(tape, false);
    NomosTensor state     = Rows(&u, u.states, 0, 1);
    for (size_t k = 0; k + 1 < u.n_frames; k++) state = Advance(&u, state, k, 1, true);
    (void)NomosTapeSetRecording(tape, recording);
  } else if (u.warm_up) Unroll(&u, 0);
  else if (no->schedule.kind == NOMOS_ROLLOUT_PUSHFORWARD) PushForward(&u, NomosRolloutPush(&no->schedule, batch->seed, batch->epoch, batch->step, u.n_frames));
  else Unroll(&u, NomosNeuralOperatorChain(no, batch->epoch, batch->n_epochs));
  PetscCall(NomosTapeStatus(tape));
  *loss = u.sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}
