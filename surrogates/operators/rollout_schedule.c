#include "surrogates/operators/rollout_schedule.h"

#include "operators/random.h"

#include <math.h>

size_t NomosRolloutCurriculum(double e, size_t n_frames)
{
  const double t = floor((double)n_frames * 0.5 * (1 + tanh((e - 0.5) / 0.2)));
  return (size_t)fmin(fmax(t, 1), (double)n_frames);
}

size_t NomosRolloutChain(const NomosRolloutSchedule *schedule, double e, size_t n_frames)
{
  size_t n = 1; /* the first step begins at the data in any case */

  if (schedule->kind == NOMOS_ROLLOUT_FREE_RUNNING) n = n_frames;
  if (schedule->kind == NOMOS_ROLLOUT_CURRICULUM) n = NomosRolloutCurriculum(e, n_frames);
  return n < n_frames - 1 ? n : n_frames - 1;
}

size_t NomosRolloutPush(const NomosRolloutSchedule *schedule, uint64_t seed, int64_t epoch, int64_t step, size_t n_frames)
{
  const uint64_t most = (uint64_t)fmin(fmin((double)schedule->pushforward, (double)epoch), (double)(n_frames - 2));
  return (size_t)NomosRandomIndex(seed, NomosRandomStream("neural_operator.pushforward"), (uint64_t)step, most + 1);
}
