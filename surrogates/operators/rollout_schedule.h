/* Whose states the steps of a training begin at: the data's (teacher forcing), or the network's own (free running). Steps 1, 2, ..., n_frames - 1 lead from frame to frame of a window.

     curriculum        the first t_AR steps follow one upon the other, the others begin at the data; e in [0, 1] is the share of the training that has passed:
                       t_AR = clip(floor(n_frames (1 + tanh((e - 1/2)/0.2))/2), 1, n_frames)              Takamoto et al. (2023), doi:10.48550/arXiv.2304.14118
     teacher_forcing   every step begins at the data
     free_running      all steps follow one upon the other
     pushforward       k steps without gradient, then one with it: k is drawn from 0 .. min(epoch, most)   Brandstetter et al. (2022), doi:10.48550/arXiv.2202.03376

   Gradients go back through all steps that follow one upon the other, apart from those of the pushforward. */
#ifndef NOMOS_SURROGATES_OPERATORS_ROLLOUT_SCHEDULE_H
#define NOMOS_SURROGATES_OPERATORS_ROLLOUT_SCHEDULE_H

#include "io/base.h"

#include <stdint.h>

typedef enum { NOMOS_ROLLOUT_CURRICULUM, NOMOS_ROLLOUT_TEACHER_FORCING, NOMOS_ROLLOUT_FREE_RUNNING, NOMOS_ROLLOUT_PUSHFORWARD } NomosRolloutKind;
#define NOMOS_ROLLOUT_CHOICES "curriculum|teacher_forcing|free_running|pushforward" /* in this order */

typedef struct {
  NomosRolloutKind kind;
  size_t          pushforward; /* most steps without gradient */
} NomosRolloutSchedule;

/* t_AR, 1 to n_frames. */
size_t NomosRolloutCurriculum(double e, size_t n_frames);
/* How many of the n_frames - 1 steps follow one upon the other, the others beginning at the data. */
size_t NomosRolloutChain(const NomosRolloutSchedule *schedule, double e, size_t n_frames);
/* Steps without gradient of the pushforward at a step of the training, below n_frames - 1. */
size_t NomosRolloutPush(const NomosRolloutSchedule *schedule, uint64_t seed, int64_t epoch, int64_t step, size_t n_frames);

#endif
