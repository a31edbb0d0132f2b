/* The loss of a batch of windows: with x_w the last position that is given, y the network's output in units of the deviation of accelerations and k = reduced_order_graph.steps,

     L = 1/k sum_{j=1..k} mean over sets, mean over points, sum over axes of (2/(j (j + 1)) (x_{w+j} - x*_{w+j})/deviation)^2,

   through k steps that follow one upon the other. The first term is that of the normalised acceleration (Sanchez-Gonzalez et al. 2020, doi:10.48550/arXiv.2002.09405); the factor lets an error of the acceleration that stays
   count the same at every step. In training positions have noise and are, half of the time, mirrored. */
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"

#include "operators/primitives.h"
#include "operators/random.h"

#include <math.h>

void NomosParticleNoiseAdd(const NomosParticleNoise *noise, size_t stride, double x[])
{
  const size_t   w      = noise->n_history - 1;
  const uint64_t stream = NomosRandomStream("reduced_order_graph.noise");
  const double   each   = noise->sigma / sqrt((double)w);

#pragma omp parallel for
  for (size_t i = 0; i < noise->n; i++) {
    double velocity = 0, position = 0;
    if (noise->fixed && noise->fixed[i / noise->d]) continue;
    for (size_t f = 1; f < noise->n_frames; f++) {
      if (f <= w) {
        velocity += each * NomosRandomNormal(noise->seed, stream, noise->number + i * w + f - 1);
        position += velocity;
      }
      x[f * stride + i] += position;
    }
  }
}

/* Along each axis that may be, by the toss of a coin for each example. */
static void Mirror(const NomosReducedOrderGraph *g, const NomosPointMotion *m, size_t set, uint64_t seed, uint64_t number)
{
  const uint64_t stream = NomosRandomStream("reduced_order_graph.mirror");
  const size_t   d      = (size_t)m->d;

  for (size_t a = 0; a < d; a++) {
    if (!g->mirror[a] || NomosRandomUniform(seed, stream, 3 * number + a) < 0.5) continue;
    for (size_t f = 0; f < m->n_frames; f++)
      for (size_t i = m->first[set]; i < m->first[set + 1]; i++) m->x[(f * m->sets.n + i) * d + a] = g->info->low[a] + g->info->high[a] - m->x[(f * m->sets.n + i) * d + a];
  }
}

static void Disturb(NomosSurrogate s, const NomosBatch *batch, const NomosPointMotion *m)
{
  const NomosReducedOrderGraph *g = s->context;
  const size_t                  d = (size_t)m->d;

  for (size_t set = 0; set < batch->n; set++) {
    const uint64_t number = (uint64_t)batch->step * s->n_examples[batch->split] + batch->examples[set];
    Mirror(g, m, set, batch->seed, number);
    if (g->noise > 0) NomosParticleNoiseAdd(&(NomosParticleNoise){.n_history = g->n_history, .n_frames = m->n_frames, .n = (m->first[set + 1] - m->first[set]) * d, .sigma = g->noise, .seed = batch->seed, .number = number * g->parts[batch->split].most * d * (g->n_history - 1), .fixed = m->fixed + m->first[set], .d = d}, m->sets.n * d, m->x + m->first[set] * d);
  }
}

/* Normalised acceleration of the first step, of the positions as they are; in double, where little is lost. */
static PetscErrorCode Target(NomosSurrogate s, const NomosPointMotion *m, double target[])
{
  const NomosReducedOrderGraph *g = s->context;
  const size_t                  d = (size_t)m->d, row = m->sets.n * d, k = g->n_history;
  double                        mean[3], deviation[3];

  PetscFunctionBeginUser;
  PetscCall(NomosParticleStepperUnits(g->stepper, s->parameters, mean, deviation));
  for (size_t i = 0; i < row; i++) target[i] = (m->x[k * row + i] - 2 * m->x[(k - 1) * row + i] + m->x[(k - 2) * row + i] - mean[i % d]) / deviation[i % d];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Shares of the points in the mean: each set counts alike, walls do not count. [n, 1] */
static PetscErrorCode Shares(const NomosPointMotion *m, NomosTape tape, NomosRealType type, NomosTensor *shares)
{
  double *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(m->sets.n, &values));
  for (size_t set = 0; set < m->sets.n_sets; set++) {
    size_t moving = 0;
    for (size_t i = m->first[set]; i < m->first[set + 1]; i++) moving += !m->fixed[i];
    for (size_t i = m->first[set]; i < m->first[set + 1]; i++) values[i] = m->fixed[i] ? 0 : 1 / (double)(moving * m->sets.n_sets);
  }
  *shares = NomosTensorFromDoubles(tape, type, 2, (size_t[]){m->sets.n, 1}, values);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Unroll(NomosSurrogate s, const NomosPointMotion *m, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  NomosReducedOrderGraph *g    = s->context;
  const NomosRealType     type = NomosParametersType(s->parameters);
  const size_t            d = (size_t)m->d, shape[] = {m->sets.n, d}, row = m->sets.n * d;
  double                 *target, mean[3], deviation[3], scale[3];
  NomosTensor            *x, shares;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleStepperUnits(g->stepper, s->parameters, mean, deviation));
  PetscCall(Shares(m, tape, type, &shares));
  PetscCall(PetscMalloc2(row, &target, m->n_frames, &x));
  PetscCall(Target(s, m, target));
  for (size_t f = 0; f < g->n_history; f++) x[f] = NomosTensorFromDoubles(tape, type, 2, shape, m->x + f * row);
  for (size_t j = 1; j <= g->n_steps; j++) {
    const size_t      next = g->n_history + j - 1;
    const NomosTensor y    = NomosParticleStepperAcceleration(g->stepper, w, &m->sets, x + j - 1);
    NomosTensor       error = {0}, truth = {0};
    if (j == 1) error = NomosSubtract(y, NomosTensorFromDoubles(tape, type, 2, shape, target));
    if (g->n_steps > 1) {
      truth   = NomosTensorFromDoubles(tape, type, 2, shape, m->x + next * row);
      x[next] = NomosParticleStepperHold(g->stepper, &m->sets, NomosParticleStepperIntegrate(g->stepper, w, x[next - 2], x[next - 1], y), truth);
    }
    if (j > 1) {
      for (size_t a = 0; a < d; a++) scale[a] = 2 / ((double)(j * (j + 1)) * deviation[a]);
      error = NomosMultiply(NomosSubtract(x[next], truth), NomosTensorFromDoubles(tape, type, 1, &d, scale));
    }
    const NomosTensor term = NomosSumAll(NomosMultiply(NomosMultiply(error, error), shares));
    *loss                  = j == 1 ? term : NomosAdd(*loss, term);
  }
  if (g->n_steps > 1) *loss = NomosAffine(*loss, 1 / (double)g->n_steps, 0);
  PetscCall(PetscFree2(target, x));
  PetscCall(NomosTapeStatus(tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  NomosReducedOrderGraph  *g    = s->context;
  const NomosParticlePart *part = &g->parts[batch->split];
  NomosParticleWindow     *windows;
  NomosPointMotion      m;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(batch->n, &windows));
  for (size_t i = 0; i < batch->n; i++) windows[i] = NomosParticlePartWindow(part, batch->examples[i]);
  PetscCall(NomosPointMotionRead(part, batch->n, windows, g->n_history + g->n_steps, &m));
  PetscCall(PetscFree(windows));
  if (batch->training) Disturb(s, batch, &m);
  PetscErrorCode code = Unroll(s, &m, tape, w, loss);
  PetscCall(NomosPointMotionFree(&m));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
