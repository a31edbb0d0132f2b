/* Particles that are walls: which they are, and what of a motion is not theirs. */
#include "surrogates/reduced_order_graph/particle_data_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

PetscErrorCode NomosParticleDataMarkFixed(NomosParticleData d)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc(d->info.n_kinds * sizeof *d->fixed, &d->fixed));
  for (size_t k = 0; k < d->info.n_kinds; k++) {
    d->fixed[k] = false;
    for (size_t i = 0; i < d->input.n_fixed; i++) d->fixed[k] = d->fixed[k] || !strcmp(d->input.fixed[i], d->kinds[k]);
  }
  d->info.fixed = d->fixed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataCheckFixed(NomosParticleData d, NomosConfig config)
{
  const char *key = d->input.fixed_key, *where = NomosConfigWhere(config, key);
  char        all[512] = "";
  size_t      n_moving = 0;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < d->info.n_kinds; k++) {
    NomosTextAppend(sizeof all, all, "%s%s", k ? ", " : "", d->kinds[k]);
    n_moving += !d->fixed[k];
  }
  for (size_t i = 0; i < d->input.n_fixed; i++) {
    size_t k = 0;
    while (k < d->info.n_kinds && strcmp(d->input.fixed[i], d->kinds[k])) k++;
    PetscCheck(k < d->info.n_kinds, d->comm, PETSC_ERR_ARG_WRONG, "%s: %s has %s, which is no material of the data: choose among %s", where, key, d->input.fixed[i], all);
  }
  PetscCheck(n_moving, d->comm, PETSC_ERR_ARG_WRONG, "%s: %s names all materials of the data (%s): leave out those that move", where, key, all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataCheckMoving(NomosParticleData d, const NomosParticleTrajectory *t, size_t n, const int32_t sample[])
{
  size_t walls = 0;

  PetscFunctionBeginUser;
  for (size_t p = 0; p < n; p++) walls += d->fixed[t->kind[sample ? (size_t)sample[p] : p]];
  PetscCheck(walls < n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: all %zu points of it are walls (%s), and nothing is left to be learned: take more points, or other trajectories", t->name, walls, d->input.fixed_key);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnOfFixed(NomosParticleData d, NomosWarningFn warn, void *ctx)
{
  NomosParticleTrajectory t;
  double                 *x[2];
  char                    text[512];

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(d, NOMOS_SPLIT_TRAIN, 0, &t));
  const size_t axes = (size_t)d->info.d, n = t.n_particles * axes;
  PetscCall(PetscMalloc2(n, &x[0], n, &x[1]));
  for (size_t end = 0; end < 2; end++) PetscCall(NomosParticleDataRead(d, &(NomosParticleSelection){.split = NOMOS_SPLIT_TRAIN, .first = end * (t.n_frames - 1), .n_frames = 1, .n = t.n_particles}, x[end]));
  for (size_t kind = 0; kind < d->info.n_kinds; kind++) {
    size_t there = 0, moved = 0;
    for (size_t i = 0; i < n; i++) {
      there += (size_t)t.kind[i / axes] == kind;
      moved += (size_t)t.kind[i / axes] == kind && x[0][i] != x[1][i];
    }
    if (!there || moved || d->fixed[kind]) continue;
    snprintf(text, sizeof text, "in %.200s particles of %.60s do not move: if they are walls, name them, %.60s: [%.60s]; else they are moved by what is learned", t.name, d->kinds[kind], d->input.fixed_key, d->kinds[kind]);
    PetscCall(warn(text, ctx));
  }
  PetscCall(PetscFree2(x[0], x[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By more than a hundredth of the room, and the farthest of all trajectories. */
static PetscErrorCode WarnOfOutside(NomosParticleData d, NomosWarningFn warn, void *ctx)
{
  const NomosParticleDataInfo *info = &d->info;
  const NomosParticleEntry    *worst = NULL;
  double                       most = 0;
  char                         text[512];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n; i++)
    for (int a = 0; a < info->d; a++) {
      const NomosParticleEntry *entry = &d->entries[i];
      const double              beyond = fmax(entry->high[a] - info->high[a], info->low[a] - entry->low[a]);
      if (info->periodic[a] || beyond <= fmax(most, 0.01 * (info->high[a] - info->low[a]))) continue;
      most  = beyond;
      worst = entry;
    }
  if (!worst) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "in %.200s particles are up to %.3g outside of the domain's walls (bounds of metadata.json, or low and high of the file): are they where these say, or positions in another unit?", worst->name, most);
  PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataWarn(NomosParticleData d, NomosWarningFn warn, void *ctx)
{
  char text[512];

  PetscFunctionBeginUser;
  PetscCall(WarnOfFixed(d, warn, ctx));
  snprintf(text, sizeof text, "%.200s does not say how far frames are apart (dt and write_every of metadata.json beside the files): time is counted in frames, and nobody can tell whether other data fit the weights", d->path);
  if (!d->info.timed) PetscCall(warn(text, ctx));
  snprintf(text, sizeof text, "%.200s: metadata.json beside the files has dt and no write_every: frames are taken to be one step of %g s apart; if every n-th step was written, add write_every: n", d->path, d->info.interval / (double)d->input.every);
  if (d->info.every_step) PetscCall(warn(text, ctx));
  snprintf(text, sizeof text, "%.200s does not say where the walls are (bounds of metadata.json beside the files): they are taken to be where positions end", d->path);
  if (!d->info.bounded) PetscCall(warn(text, ctx));
  PetscCall(WarnOfOutside(d, warn, ctx));
  if (!d->split_of_file) PetscCall(NomosSplitWarn(d->input.validation, d->input.test, d->n, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first particle of the other splits whose kind is not among those learned. */
static PetscErrorCode FindUnlearned(NomosParticleData d, const bool learned[], const char **trajectory, const char **kind)
{
  NomosParticleTrajectory t;

  PetscFunctionBeginUser;
  for (int split = 0; split < NOMOS_N_SPLITS; split++)
    for (size_t i = 0; i < d->info.n_trajectories[split] && split != NOMOS_SPLIT_TRAIN; i++) {
      PetscCall(NomosParticleDataTrajectory(d, (NomosSplit)split, i, &t));
      for (size_t p = 0; p < t.n_particles && !*kind; p++)
        if (!learned[t.kind[p]]) *trajectory = t.name, *kind = d->kinds[t.kind[p]];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataCheckLearned(NomosParticleData d)
{
  bool                   *learned;
  const char             *trajectory = NULL, *kind = NULL;
  NomosParticleTrajectory t;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(d->info.n_kinds, &learned));
  for (size_t i = 0; i < d->info.n_trajectories[NOMOS_SPLIT_TRAIN]; i++) {
    PetscCall(NomosParticleDataTrajectory(d, NOMOS_SPLIT_TRAIN, i, &t));
    for (size_t p = 0; p < t.n_particles; p++) learned[t.kind[p]] = true;
  }
  PetscCall(FindUnlearned(d, learned, &trajectory, &kind));
  PetscCall(PetscFree(learned));
  PetscCheck(!kind, d->comm, PETSC_ERR_ARG_INCOMP, "%s has particles of %s, which no trajectory of the training has: nothing would be learned of them; put such a trajectory into the training (data.seed, data.trajectories, or train.h5), or leave this one out", trajectory, kind);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- points, some of them walls */

double NomosParticlePointsMeanSquare(const NomosParticlePoints *points, const double a[], const double b[])
{
  const size_t d   = (size_t)points->info->d;
  double       sum = 0;
  size_t       n   = 0;

  for (size_t p = 0; p < points->n; p++) {
    if (points->info->fixed[points->kind[p]]) continue;
    for (size_t i = p * d; i < (p + 1) * d; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    n++;
  }
  return sum / (double)n;
}

void NomosParticlePointsHold(const NomosParticlePoints *points, const double truth[], double x[])
{
  const size_t d = (size_t)points->info->d;

  for (size_t i = 0; i < points->n * d; i++)
    if (points->info->fixed[points->kind[i / d]]) x[i] = truth[i];
}

size_t NomosParticlePointsMoving(const NomosParticlePoints *points, int32_t moving[])
{
  size_t n = 0;

  for (size_t p = 0; p < points->n; p++)
    if (!points->info->fixed[points->kind[p]]) {
      if (moving) moving[n] = (int32_t)p;
      n++;
    }
  return n;
}
