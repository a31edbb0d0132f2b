#include "surrogates/reduced_order_graph/particle_data_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

PetscErrorCode NomosParticleDataInputFromConfig(NomosConfig config, const char fixed_key[], NomosParticleDataInput *input)
{
  NomosDatasetInput of_config = {0};

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetInputFromConfig(config, &of_config));
  *input = (NomosParticleDataInput){.path = of_config.path, .validation = of_config.validation, .test = of_config.test, .seed = of_config.seed, .first_frame = of_config.first_frame, .n_trajectories = of_config.n_trajectories, .every = of_config.every, .cache_bytes = of_config.cache_bytes, .fixed_key = fixed_key};
  if (fixed_key) PetscCall(NomosConfigGetStrings(config, fixed_key, &input->n_fixed, &input->fixed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- splits */

static PetscErrorCode DrawSplits(const NomosParticleData d, NomosSplit of[])
{
  const size_t n_validation = NomosSplitShare(d->input.validation, d->n), n_test = NomosSplitShare(d->input.test, d->n);
  size_t      *order;

  PetscFunctionBeginUser;
  NomosCheck(d->input.validation >= 0 && d->input.test >= 0 && d->input.validation + d->input.test < 1 && n_validation + n_test < d->n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "data.validation = %g and data.test = %g leave none of %zu trajector%s for training; choose smaller fractions", d->input.validation, d->input.test, d->n, d->n == 1 ? "y" : "ies");
  PetscCall(PetscMalloc1(d->n, &order));
  NomosPermutation(d->input.seed, 0, d->n, order);
  for (size_t i = 0; i < d->n; i++) of[order[i]] = i < n_validation ? NOMOS_SPLIT_VALIDATION : i < n_validation + n_test ? NOMOS_SPLIT_TEST : NOMOS_SPLIT_TRAIN;
  PetscCall(PetscFree(order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Split(NomosParticleData d)
{
  NomosSplit *of;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(d->n, &of));
  for (size_t i = 0; i < d->n && d->split_of_file; i++) of[i] = d->split_of_file[d->entries[i].file];
  if (!d->split_of_file) PetscCall(DrawSplits(d, of));
  for (int s = 0; s < NOMOS_N_SPLITS; s++) {
    size_t *n = &d->info.n_trajectories[s];
    PetscCall(PetscMalloc1(d->n, &d->list[s]));
    for (size_t i = 0; i < d->n; i++)
      if ((int)of[i] == s && !(s == NOMOS_SPLIT_TRAIN && d->input.n_trajectories && *n == d->input.n_trajectories)) d->list[s][(*n)++] = i;
  }
  PetscCall(PetscFree(of));
  PetscCheck(d->info.n_trajectories[NOMOS_SPLIT_TRAIN], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "data.path: %s has no file train", d->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- open and close */

PetscErrorCode NomosParticleDataOpen(MPI_Comm comm, const NomosParticleDataInput *input, NomosParticleData *data)
{
  NomosParticleData d;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  *data    = d;
  d->comm  = comm;
  d->input = *input;
  if (!d->input.every) d->input.every = 1;
  if (!(d->input.cache_bytes > 0)) d->input.cache_bytes = 256e6;
  PetscCall(PetscStrallocpy(input->path ? input->path : "", &d->path));
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = NomosParticleDataScan(d);
  if (!failed) failed = Split(d);
  NomosErrorSetQuiet(quiet);
  const PetscErrorCode agreed = NomosErrorAgree(comm, failed);
  if (agreed) (void)NomosParticleDataClose(data);
  PetscCall(agreed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeTexts(size_t n, char **texts)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) PetscCall(PetscFree(texts[i]));
  PetscCall(PetscFree(texts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataClose(NomosParticleData *data)
{
  NomosParticleData d = *data;

  PetscFunctionBeginUser;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParticleFileClose(&d->reader));
  for (size_t i = 0; i < d->n; i++) {
    NomosParticleEntry *entry = &d->entries[i];
    PetscCall(FreeTexts(entry->n_set, entry->set));
    PetscCall(PetscFree(entry->name));
    PetscCall(PetscFree(entry->simulation));
    PetscCall(PetscFree(entry->simulation_hash));
    PetscCall(PetscFree(entry->kind));
    PetscCall(PetscFree(entry->parameters));
    PetscCall(PetscFree(entry->x));
  }
  PetscCall(PetscFree(d->entries));
  for (int s = 0; s < NOMOS_N_SPLITS; s++) PetscCall(PetscFree(d->list[s]));
  PetscCall(FreeTexts(d->info.n_kinds, d->kinds));
  PetscCall(FreeTexts(d->info.n_parameters, d->parameters));
  PetscCall(FreeTexts(d->n_files, d->files));
  PetscCall(PetscFree(d->fixed));
  PetscCall(PetscFree(d->split_of_file));
  PetscCall(PetscFree(d->path));
  PetscCall(PetscFree(*data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what it gives */

PetscErrorCode NomosParticleDataGetInfo(NomosParticleData d, const NomosParticleDataInfo **info)
{
  PetscFunctionBeginUser;
  *info = &d->info;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EntryOf(NomosParticleData d, NomosSplit split, size_t i, const NomosParticleEntry **entry)
{
  PetscFunctionBeginUser;
  PetscCheck(i < d->info.n_trajectories[split], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "trajectory %zu of the %s split: it has %zu", i, nomos_split_names[split], d->info.n_trajectories[split]);
  *entry = &d->entries[d->list[split][i]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataTrajectory(NomosParticleData d, NomosSplit split, size_t i, NomosParticleTrajectory *trajectory)
{
  const NomosParticleEntry *entry;

  PetscFunctionBeginUser;
  PetscCall(EntryOf(d, split, i, &entry));
  *trajectory = (NomosParticleTrajectory){.n_frames = entry->n_frames, .n_particles = entry->n_particles, .kind = entry->kind, .parameters = entry->parameters, .name = entry->name, .simulation = entry->simulation, .simulation_hash = entry->simulation_hash, .n_set = entry->n_set, .set = (const char *const *)entry->set};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Frames as they are stored, and where they begin. *read: PetscFree'd, if they were not in memory. */
static PetscErrorCode Frames(NomosParticleData d, const NomosParticleEntry *entry, const NomosParticleSelection *selection, const void **frames, char **read)
{
  const size_t bytes = entry->n_particles * (size_t)d->info.d * NomosRealBytes(entry->type);

  PetscFunctionBeginUser;
  *read   = NULL;
  *frames = (const char *)entry->x + selection->first * bytes;
  if (entry->x) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(selection->n_frames * bytes, read));
  PetscCall(NomosParticleDataFetch(d, entry, selection->first, selection->n_frames, entry->type, *read));
  *frames = *read;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataRead(NomosParticleData d, const NomosParticleSelection *selection, double x[])
{
  const size_t              axes = (size_t)d->info.d, n = selection->n;
  const NomosParticleEntry *entry;
  const void               *frames;
  char                     *read;

  PetscFunctionBeginUser;
  PetscCall(EntryOf(d, selection->split, selection->trajectory, &entry));
  PetscCheck(selection->first + selection->n_frames <= entry->n_frames, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: frames %zu to %zu are asked for; it has %zu", entry->name, selection->first, selection->first + selection->n_frames - 1, entry->n_frames);
  PetscCheck(selection->sample || n == entry->n_particles, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: %zu particles are asked for; it has %zu", entry->name, n, entry->n_particles);
  for (size_t i = 0; i < n && selection->sample; i++) PetscCheck(selection->sample[i] >= 0 && (size_t)selection->sample[i] < entry->n_particles, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: particle %d is asked for; it has %zu", entry->name, selection->sample[i], entry->n_particles);
  PetscCall(Frames(d, entry, selection, &frames, &read));
  for (size_t k = 0; k < selection->n_frames; k++)
    for (size_t i = 0; i < n; i++) {
      const size_t from = (k * entry->n_particles + (selection->sample ? (size_t)selection->sample[i] : i)) * axes;
      for (size_t a = 0; a < axes; a++) x[(k * n + i) * axes + a] = entry->type == NOMOS_F32 ? ((const float *)frames)[from + a] : ((const double *)frames)[from + a];
    }
  PetscCall(PetscFree(read));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- walls, kinds */

PetscErrorCode NomosParticleDataCheckWalls(NomosParticleData d, const char of[])
{
  PetscFunctionBeginUser;
  for (int a = 0; a < d->info.d; a++) PetscCheck(!d->info.periodic[a], d->comm, PETSC_ERR_SUP, "%s: the domain of %s is periodic along %c (periodic_boundary_conditions of its metadata.json), and neighbours across its ends are not looked for: take data of a domain with walls", of, d->path, "xyz"[a]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "jelly, water", or none. */
const char *NomosParticleNamesList(size_t n, const char *const names[], size_t n_text, char text[])
{
  size_t at = (size_t)snprintf(text, n_text, "%s", n ? names[0] : "none");

  for (size_t i = 1; i < n && at < n_text; i++) at += (size_t)snprintf(text + at, n_text - at, ", %s", names[i]);
  return text;
}

PetscErrorCode NomosParticleNamesJoin(size_t n, const char *const names[], size_t n_text, char text[])
{
  size_t at = 0;

  PetscFunctionBeginUser;
  text[0] = 0;
  for (size_t i = 0; i < n && at < n_text; i++) {
    PetscCheck(!strchr(names[i], ','), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "the name %s of a material or parameter has a comma, at which a list of names is parted: write the data with another name", names[i]);
    at += (size_t)snprintf(text + at, n_text - at, "%s%s", i ? "," : "", names[i]);
  }
  PetscCheck(at < n_text, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%zu names of materials or parameters (%s, ...) have more than %zu characters together, which weights cannot be written with: shorten them in the data", n, names[0], n_text - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataKindsOf(NomosParticleData d, const NomosParticleKinds *known, const NomosParticleTrajectory *t, int32_t kind[])
{
  char all[512];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < t->n_particles; i++) {
    const char *name = d->kinds[t->kind[i]];
    size_t      k    = 0;
    while (k < known->n_kinds && strcmp(known->kinds[k], name)) k++;
    PetscCheck(k < known->n_kinds, d->comm, PETSC_ERR_ARG_WRONG, "%s: %s: particle %zu is of %s, which was never seen in the training; it knows %s: take data of these, or train with %s too", known->of, t->name, i, name, NomosParticleNamesList(known->n_kinds, known->kinds, sizeof all, all), name);
    kind[i] = (int32_t)k;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataNameKinds(NomosParticleData d, const NomosParticleKinds *known)
{
  char **names;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n; i++) {
    NomosParticleEntry *entry = &d->entries[i];
    PetscCall(NomosParticleDataKindsOf(d, known, &(NomosParticleTrajectory){.n_particles = entry->n_particles, .kind = entry->kind, .name = entry->name}, entry->kind));
  }
  PetscCall(PetscMalloc1(known->n_kinds, &names));
  for (size_t k = 0; k < known->n_kinds; k++) PetscCall(PetscStrallocpy(known->kinds[k], &names[k]));
  PetscCall(FreeTexts(d->info.n_kinds, d->kinds));
  d->kinds        = names;
  d->info.n_kinds = known->n_kinds;
  d->info.kinds   = (const char *const *)names;
  PetscCall(NomosParticleDataMarkFixed(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataCheckParameters(NomosParticleData d, const char of[], size_t n_parameters, const char *const parameters[])
{
  bool same = n_parameters == d->info.n_parameters;
  char ours[512], theirs[512];

  PetscFunctionBeginUser;
  for (size_t p = 0; p < n_parameters && same; p++) same = !strcmp(parameters[p], d->parameters[p]);
  PetscCheck(same, d->comm, PETSC_ERR_ARG_INCOMP, "%s: %s: numbers of its trajectories are %s, those that the training was told %s: take data with the same ones, in this order", of, d->path, NomosParticleNamesList(d->info.n_parameters, (const char *const *)d->parameters, sizeof ours, ours), NomosParticleNamesList(n_parameters, parameters, sizeof theirs, theirs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- statistics */

/* Chan, Golub & LeVeque (1983), doi:10.1080/00031305.1983.10483115. */
void NomosMomentsMerge(NomosMoments *to, const NomosMoments *more)
{
  const double n = to->n + more->n, difference = more->mean - to->mean;

  if (n == 0) return;
  to->squares += more->squares + difference * difference * to->n * more->n / n;
  to->mean += difference * more->n / n;
  to->n = n;
}

PetscErrorCode NomosParticleDataStatistics(NomosParticleData d, NomosParticleStatistics *statistics)
{
  PetscFunctionBeginUser;
  memset(statistics, 0, sizeof *statistics);
  for (int a = 0; a < d->info.d; a++) {
    NomosMoments velocity = {0}, acceleration = {0};
    for (size_t i = 0; i < d->info.n_trajectories[NOMOS_SPLIT_TRAIN]; i++) {
      const NomosParticleEntry *entry = &d->entries[d->list[NOMOS_SPLIT_TRAIN][i]];
      NomosMomentsMerge(&velocity, &entry->velocity[a]);
      NomosMomentsMerge(&acceleration, &entry->acceleration[a]);
    }
    statistics->velocity_mean[a]          = velocity.mean;
    statistics->velocity_deviation[a]     = sqrt(velocity.squares / velocity.n);
    statistics->acceleration_mean[a]      = acceleration.mean;
    statistics->acceleration_deviation[a] = acceleration.n > 0 ? sqrt(acceleration.squares / acceleration.n) : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
