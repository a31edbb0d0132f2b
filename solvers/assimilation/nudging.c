/* Nudging: every place is drawn towards what is seen of its layer around it,

     x^a = x^f + g sum_j w_j (y_j - H_j x^f)/max(1, sum_j w_j)       w: Gaspari & Cohn's of the distance

   Successive correction of Cressman (1959), doi:10.1175/1520-0493(1959)087<0367:AOOAS>2.0.CO;2, as the forcing of Hoke & Anthes (1976), doi:10.1175/1520-0493(1976)104<1551:TIODMB>2.0.CO;2, gathered at
   the times of observation. */
#include "solvers/assimilation/assimilation_impl.h"

static void Direct(const NomosAnalysisFrame *frame, NomosLocalProblem *q, size_t column, double *rows)
{
  const NomosObservationSet *set = frame->set;
  const size_t               m   = frame->m;

  NomosAnalysisPick(frame, column, false, q);
  for (size_t layer = 0; layer < frame->n_layers; layer++)
    for (size_t j = 0; j < m; j++) {
      double pull = 0, weights = 0;
      for (size_t i = 0; i < q->n; i++) {
        const size_t o = q->picked[i];
        if (set->layer[o] != layer) continue;
        pull += q->weight[i] * (set->value[o] - frame->seen[o * m + j]);
        weights += q->weight[i];
      }
      rows[layer * m + j] += frame->analysis->input.gain * pull / (weights > 1 ? weights : 1);
    }
}

const NomosAnalysisMethod nomos_nudging = {
  .name      = "nudging",
  .summary   = "Nudging: each forecast is drawn towards the observations around each place, without knowing of covariances.",
  .reference = "doi:10.1175/1520-0493(1976)104<1551:TIODMB>2.0.CO;2",
  .local     = true,
  .fewest    = 1,
  .direct    = Direct,
};
