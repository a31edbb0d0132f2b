#include "surrogates/learning_rate.h"

#include <float.h>
#include <math.h>

double NomosLearningRateAt(const NomosLearningRate *schedule, int64_t step)
{
  const double rate = schedule->rate, s = (double)(step - schedule->warmup_steps), length = (double)(schedule->n_steps - schedule->warmup_steps);

  if (step < schedule->warmup_steps) return rate * (double)(step + 1) / (double)schedule->warmup_steps;
  switch (schedule->kind) {
  case NOMOS_RATE_STEP:   return rate * pow(schedule->factor, floor(fmax(s - (double)schedule->from, 0) / (double)PetscMax(schedule->every, 1)));
  case NOMOS_RATE_COSINE: return schedule->last + (rate - schedule->last) * 0.5 * (1 + cos(PETSC_PI * PetscMin(s / PetscMax(length, 1), 1)));
  case NOMOS_RATE_GEOMETRIC: return rate * pow(schedule->last / rate, PetscMin(s / PetscMax(length, 1), 1));
  case NOMOS_RATE_INVERSE_SQUARE_ROOT: {
    const double start = (double)PetscMax(schedule->warmup_steps, 1);
    return rate * sqrt(start / (start + s));
  }
  default: return rate;
  }
}

/* clang-format off */
const NomosParam nomos_learning_rate_params[] = {
  {"train.learning_rate",      NOMOS_PARAM_REAL,   "1e-3",     NULL, 0, DBL_MAX, NULL, false, "Learning rate, after the warm-up."},
  {"train.schedule",           NOMOS_PARAM_CHOICE, "constant", NULL, 0, 0, "constant|step|cosine|geometric|inverse_square_root", false, "How the learning rate goes on: constant, times a factor every so many steps, half a cosine, the same factor every step, 1/sqrt(step)."},
  {"train.warmup_steps",       NOMOS_PARAM_INT,    "0",        NULL, 0, 9e15,    NULL, false, "Steps over which the learning rate rises linearly to its value."},
  {"train.decay_every",        NOMOS_PARAM_INT,    "1000",     NULL, 1, 9e15,    NULL, false, "Steps between two decays of the schedule `step`."},
  {"train.decay_from",         NOMOS_PARAM_INT,    "0",        NULL, 0, 9e15,    NULL, false, "Step that those of the schedule `step` are counted from."},
  {"train.decay_factor",       NOMOS_PARAM_REAL,   "0.5",      NULL, 0, 1,       NULL, false, "Factor of a decay of the schedule `step`."},
  {"train.last_learning_rate", NOMOS_PARAM_REAL,   "0",        NULL, 0, DBL_MAX, NULL, false, "Learning rate at the end of the schedules `cosine` and `geometric`."},
};
/* clang-format on */
const size_t nomos_n_learning_rate_params = sizeof nomos_learning_rate_params / sizeof *nomos_learning_rate_params;

PetscErrorCode NomosLearningRateFromConfig(NomosConfig config, int64_t n_steps, NomosLearningRate *schedule)
{
  int kind;

  PetscFunctionBeginUser;
  *schedule = (NomosLearningRate){.n_steps = n_steps};
  PetscCall(NomosConfigGetChoice(config, "train.schedule", &kind));
  schedule->kind = (NomosRateKind)kind;
  PetscCall(NomosConfigGetReal(config, "train.learning_rate", &schedule->rate));
  PetscCall(NomosConfigGetReal(config, "train.last_learning_rate", &schedule->last));
  PetscCall(NomosConfigGetReal(config, "train.decay_factor", &schedule->factor));
  PetscCall(NomosConfigGetInt(config, "train.decay_every", &schedule->every));
  PetscCall(NomosConfigGetInt(config, "train.decay_from", &schedule->from));
  PetscCall(NomosConfigGetInt(config, "train.warmup_steps", &schedule->warmup_steps));
  NomosCheck(schedule->warmup_steps <= n_steps, PETSC_COMM_WORLD, PETSC_ERR_ARG_OUTOFRANGE, "%s: train.warmup_steps = %lld: the training has only %lld steps; use fewer", NomosConfigWhere(config, "train.warmup_steps"), (long long)schedule->warmup_steps, (long long)n_steps);
  NomosCheck(schedule->kind != NOMOS_RATE_GEOMETRIC || (schedule->rate > 0 && schedule->last > 0), PETSC_COMM_WORLD, PETSC_ERR_ARG_OUTOFRANGE, "%s: train.schedule = geometric goes from train.learning_rate = %g to train.last_learning_rate = %g; both must be above 0", NomosConfigWhere(config, "train.schedule"), schedule->rate, schedule->last);
  PetscFunctionReturn(PETSC_SUCCESS);
}
