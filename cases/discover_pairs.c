/* Of the mode of nomos discover that has a model: pairs of observations, from the run of the real system. */
#include "cases/discover_increments.h"

#include "operators/random.h"
#include "operators/reduce.h"
#include "surrogates/dataset.h"

#include <math.h>

/* From the field at a pair's begin to that at its end, by the real system: both are restarted from what is seen, as the model is. */
static PetscErrorCode StepTruth(NomosIncrements *m, const double *psi, double *later)
{
  NomosModel model = m->truth.model;
  void      *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc(m->truth_bytes, &x));
  PetscCall(m->truth_derivatives->from_field(model, m->truth_observed, psi, x));
  PetscCall(NomosModelSetClock(model, 0));
  PetscCall(m->truth_derivatives->set_state(model, x));
  for (int64_t i = 0; i < m->horizon * m->ratio; i++) PetscCall(m->truth.ops->step(model));
  PetscCall(m->truth_derivatives->get_state(model, x));
  PetscCall(m->truth_derivatives->field(model, m->truth_observed, x, later));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosIncrementsSeen(const NomosIncrements *m, double fraction, int64_t look, size_t n, size_t order[])
{
  NomosPermutation((uint64_t)m->seed, look, n, order);
  return PetscMax(1, (size_t)(fraction * (double)n));
}

/* Noise of the given part of the standard deviation of the layer. */
static PetscErrorCode AddNoise(NomosDiscover *d, NomosIncrements *m, uint64_t stream, double *psi)
{
  const NomosModelField *field  = m->forecaster.field;
  const size_t           layers = m->n_layers, n = m->points / layers;

  PetscFunctionBeginUser;
  for (size_t l = 0; l < layers && m->noise > 0; l++) {
    double sums[3] = {0, 0, (double)n};
    for (size_t i = l * n; i < (l + 1) * n; i++) {
      sums[0] += psi[i];
      sums[1] += psi[i] * psi[i];
    }
    PetscCall(NomosSumOverRanks(d->run->comm, 3, sums));
    const double mean = sums[0] / sums[2], deviation = sqrt(fmax(0, sums[1] / sums[2] - mean * mean));
    for (size_t i = l * n; i < (l + 1) * n; i++) psi[i] += m->noise * deviation * NomosRandomNormal((uint64_t)m->seed, stream, NomosModelFieldPlace(field, i));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t NomosIncrementsStep(const NomosIncrements *m, int64_t sample)
{
  const double dt = m->truth.model->dt;

  return (int64_t)ceil(m->from / dt - 1e-6) + sample * (m->every > 0 ? PetscMax(1, (int64_t)round(m->every / dt)) : 1);
}

PetscErrorCode NomosIncrementsPairs(NomosDiscover *d)
{
  NomosIncrements *m = d->data;
  NomosModel       model = m->truth.model;
  double          *exact;
  void            *x;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(m->pairs));
  PetscCall(PetscMalloc1((size_t)m->n_samples * 2 * m->points + 1, &m->pairs));
  if (m->weak || !m->truth.model) {
    PetscCall(m->weak ? NomosWeakBegin(d) : NomosIncrementsReadPairs(d));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(2 * m->points + 1, &exact));
  PetscCall(PetscMalloc(m->truth_bytes, &x));
  for (int64_t s = 0; s < m->n_samples; s++) {
    double *pair = m->pairs + (size_t)s * 2 * m->points;
    PetscCall(NomosTruthAt(&m->truth, NomosIncrementsStep(m, s)));
    if (d->run->stopped_by) break;
    PetscCall(m->truth_derivatives->get_state(model, x));
    PetscCall(m->truth_derivatives->field(model, m->truth_observed, x, pair));
    PetscCall(StepTruth(m, pair, pair + m->points));
    PetscCall(NomosModelSetClock(model, NomosIncrementsStep(m, s)));
    PetscCall(m->truth_derivatives->set_state(model, x));
    PetscCall(PetscArraycpy(exact, pair, 2 * m->points));
    PetscCall(AddNoise(d, m, (uint64_t)(2 * s), pair));
    PetscCall(AddNoise(d, m, (uint64_t)(2 * s + 1), pair + m->points));
    if (m->sparse) PetscCall(NomosSparsePair(d, s, exact, pair));
  }
  PetscCall(PetscFree(exact));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
