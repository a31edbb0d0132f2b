/* Observations against the forecast: departures, spread, how well both agree. */
#include "solvers/assimilation/assimilation_impl.h"
#include "operators/random.h"

/* The variance of H x that the analysis goes by: of the members, or of the static states, with the factor of inflation (its mean over columns). */
static double Variance(const NomosAnalysisFrame *frame, size_t o)
{
  const NomosAnalysis a      = frame->analysis;
  double              square = 0, factor = 0;

  for (size_t i = 0; i < frame->k; i++) square += frame->z[o * frame->k + i] * frame->z[o * frame->k + i];
  for (size_t i = 0; i < a->n_factors; i++) factor += a->factors[i] / (double)a->n_factors;
  return frame->k > 1 ? factor * square / (double)(frame->k - 1) : 0;
}

void NomosAnalysisInnovations(const NomosAnalysisFrame *frame, const NomosEnsemble *ensemble)
{
  const NomosObservationSet *set    = frame->set;
  NomosInnovations          *sums   = ensemble->innovations;
  const uint64_t             stream = NomosRandomStream("innovations.ranks") + ensemble->cycle;
  const size_t               m      = frame->m;

  for (size_t o = 0; o < set->n; o++) {
    const double sigma = set->deviation[o], *seen = frame->seen + o * m;
    double       mean  = 0;
    size_t       below = 0;
    for (size_t j = 0; j < m; j++) {
      mean += seen[j] / (double)m;
      if (sums->ranks) below += seen[j] + sigma * NomosRandomNormal(frame->analysis->input.seed, stream, o * m + j) < set->value[o];
    }
    const double d = set->value[o] - mean;
    sums->n += 1;
    sums->chi_squared += d * d / (Variance(frame, o) + sigma * sigma);
    sums->misfit += d * d / (sigma * sigma);
    if (sums->ranks) sums->ranks[below] += 1;
  }
}
