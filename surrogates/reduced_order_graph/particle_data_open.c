/* What there is of particles: files, what they have in common, and one pass over all numbers: are they finite, how fast, how far, which hash. */
#include "surrogates/reduced_order_graph/particle_data_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { BLOCK_BYTES = 1 << 23, MAX_KINDS = 4096 };

/* ---- files */

static PetscErrorCode OpenFile(NomosParticleData d, size_t file)
{
  PetscFunctionBeginUser;
  if (d->reader && d->reader_file == file) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParticleFileClose(&d->reader));
  PetscCall(NomosParticleFileOpen(d->files[file], &d->reader));
  d->reader_file = file;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataFetch(NomosParticleData d, const NomosParticleEntry *entry, size_t first, size_t n, NomosRealType type, void *x)
{
  PetscFunctionBeginUser;
  PetscCall(OpenFile(d, entry->file));
  PetscCall(NomosParticleFileRead(d->reader, &(NomosParticleFrames){.trajectory = entry->in_file, .first = d->input.first_frame + first * d->input.every, .n_frames = n, .every = d->input.every, .type = type}, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* train.h5, valid.h5, test.h5: all files are called so, or none. */
static PetscErrorCode SplitsByName(NomosParticleData d)
{
  static const char *const names[NOMOS_N_SPLITS] = {"train", "valid", "test"};
  size_t                   n = 0, other = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(d->n_files, &d->split_of_file));
  for (size_t i = 0; i < d->n_files; i++) {
    const char *slash = strrchr(d->files[i], '/'), *name = slash ? slash + 1 : d->files[i], *dot = strrchr(name, '.');
    int         s = 0;
    while (s < NOMOS_N_SPLITS && !(dot && strlen(names[s]) == (size_t)(dot - name) && !strncmp(name, names[s], (size_t)(dot - name)))) s++;
    if (s == NOMOS_N_SPLITS) other = i;
    else n++;
    d->split_of_file[i] = (NomosSplit)s;
  }
  PetscCheck(!n || n == d->n_files || d->n_files == 1, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "data.path: %s holds train, valid or test beside %s: is that for training or not? name one file, or a folder of either kind", d->path, d->files[other]);
  if (d->n_files == 1 || !n) PetscCall(PetscFree(d->split_of_file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what files have in common */

static PetscErrorCode AddText(size_t *n, char ***list, const char text[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((*n + 1) * sizeof **list, list));
  PetscCall(PetscStrallocpy(text, &(*list)[(*n)++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KindOf(NomosParticleData d, const char name[], int32_t *kind)
{
  size_t k = 0;

  PetscFunctionBeginUser;
  while (k < d->info.n_kinds && strcmp(d->kinds[k], name)) k++;
  if (k == d->info.n_kinds) PetscCall(AddText(&d->info.n_kinds, &d->kinds, name));
  *kind = (int32_t)k;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The file's types become numbers of the list of kinds: by their names, or (a file that has none) by their numbers as far as they occur. */
static PetscErrorCode MapKinds(NomosParticleData d, const NomosParticleSet *set, size_t first)
{
  int32_t map[MAX_KINDS];
  bool    occurs[MAX_KINDS] = {false};

  PetscFunctionBeginUser;
  PetscCheck(set->n_kinds <= MAX_KINDS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s names %zu kinds of particles; at most %d are possible", d->files[d->reader_file], set->n_kinds, MAX_KINDS);
  for (size_t i = first; i < d->n; i++)
    for (size_t k = 0; k < d->entries[i].n_particles; k++) {
      const int32_t kind = d->entries[i].kind[k];
      PetscCheck(kind < MAX_KINDS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: particle %zu is of type %d; types below %d are possible", d->entries[i].name, k, kind, MAX_KINDS);
      occurs[kind] = true;
    }
  for (size_t k = 0; k < (set->n_kinds ? set->n_kinds : MAX_KINDS); k++) {
    char number[16];
    snprintf(number, sizeof number, "%zu", k);
    if (set->n_kinds) PetscCall(KindOf(d, set->kinds[k], &map[k]));
    else if (occurs[k]) PetscCall(KindOf(d, number, &map[k]));
  }
  for (size_t i = first; i < d->n; i++)
    for (size_t k = 0; k < d->entries[i].n_particles; k++) d->entries[i].kind[k] = map[d->entries[i].kind[k]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeSet(NomosParticleData d, size_t file, const NomosParticleSet *set)
{
  NomosParticleDataInfo *info     = &d->info;
  const double           interval = set->interval > 0 ? set->interval * (double)d->input.every : 1;
  bool                   same     = true;

  PetscFunctionBeginUser;
  if (!file) {
    info->d        = set->d;
    info->interval = interval;
    info->timed    = set->interval > 0;
    info->every_step = set->every_step;
    info->bounded  = set->bounded;
    info->radius   = set->radius;
    memcpy(info->low, set->low, sizeof info->low);
    memcpy(info->high, set->high, sizeof info->high);
    memcpy(info->periodic, set->periodic, sizeof info->periodic);
    for (size_t p = 0; p < set->n_parameters; p++) PetscCall(AddText(&info->n_parameters, &d->parameters, set->parameters[p]));
    PetscCheck(set->n_parameters <= NOMOS_PARTICLE_MAX_PARAMETERS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s has %zu parameters; at most %d are possible", d->files[file], set->n_parameters, NOMOS_PARTICLE_MAX_PARAMETERS);
  }
  PetscCheck(set->d == info->d, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s has particles in %d dimensions, %s in %d: learn from them apart", d->files[file], set->d, d->files[0], info->d);
  NomosCheck(fabs(interval - info->interval) <= 1e-6 * info->interval, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s has frames every %g s, %s every %g s: a stepper is of one interval", d->files[file], interval, d->files[0], info->interval);
  for (size_t p = 0; p < set->n_parameters && p < info->n_parameters; p++) same = same && !strcmp(set->parameters[p], d->parameters[p]);
  PetscCheck(same && set->n_parameters == info->n_parameters, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s has other parameters of its trajectories than %s: learn from them apart", d->files[file], d->files[0]);
  for (int a = 0; a < set->d && set->bounded && info->bounded; a++) { /* the room that holds all */
    info->low[a]  = fmin(info->low[a], set->low[a]);
    info->high[a] = fmax(info->high[a], set->high[a]);
  }
  info->bounded = info->bounded && set->bounded;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a trajectory */

static PetscErrorCode AddEntry(NomosParticleData d, size_t file, size_t i, size_t n_parameters)
{
  NomosParticleMotion motion;
  char                name[NOMOS_MAX_PATH + NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosParticleFileGetMotion(d->reader, i, &motion));
  snprintf(name, sizeof name, "%.*s%s%s", NOMOS_MAX_PATH - 1, d->files[file], motion.name[0] ? ", trajectory " : "", motion.name);
  const size_t frames = motion.n_frames > d->input.first_frame ? (motion.n_frames - d->input.first_frame - 1) / d->input.every + 1 : 0;
  PetscCheck(frames >= 2, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has %zu frame%s%s: a motion needs at least 2", name, frames, frames == 1 ? "" : "s", frames == motion.n_frames ? "" : " (after data.first_frame and data.every)");
  PetscCheck(motion.n_particles, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no particles", name);
  PetscCall(PetscRealloc((d->n + 1) * sizeof *d->entries, &d->entries));
  NomosParticleEntry *entry = &d->entries[d->n++];
  *entry = (NomosParticleEntry){.file = file, .in_file = i, .n_frames = frames, .n_particles = motion.n_particles, .type = NomosParticleFileType(d->reader, i)};
  PetscCall(PetscStrallocpy(name, &entry->name));
  PetscCall(PetscStrallocpy(motion.simulation, &entry->simulation));
  PetscCall(PetscStrallocpy(motion.simulation_hash, &entry->simulation_hash));
  for (size_t k = 0; k < motion.n_set; k++) PetscCall(AddText(&entry->n_set, &entry->set, motion.set[k]));
  PetscCall(PetscMalloc1(n_parameters, &entry->parameters));
  for (size_t p = 0; p < n_parameters; p++) {
    entry->parameters[p] = motion.parameters[p];
    NomosCheck(isfinite(motion.parameters[p]), PETSC_COMM_SELF, PETSC_ERR_FP, "%s: its parameter %zu is not finite", name, p);
  }
  PetscCall(PetscMalloc1(entry->n_particles, &entry->kind));
  PetscCall(NomosParticleFileKinds(d->reader, i, entry->kind));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of one axis of a frame: particles that are no walls. */
static void AddFrame(const NomosParticleDataInfo *info, const NomosParticleEntry *entry, const double values[], NomosMoments *to)
{
  const size_t n = entry->n_particles, stride = (size_t)info->d;
  NomosMoments frame = {0};

  for (size_t i = 0; i < n; i++) {
    if (info->fixed[entry->kind[i]]) continue;
    frame.mean += values[i * stride];
    frame.n++;
  }
  if (!(frame.n > 0)) return;
  frame.mean /= frame.n;
  for (size_t i = 0; i < n; i++)
    if (!info->fixed[entry->kind[i]]) frame.squares += (values[i * stride] - frame.mean) * (values[i * stride] - frame.mean);
  NomosMomentsMerge(to, &frame);
}

/* Velocities and accelerations that end at the k-th frame x, which then becomes the last one. */
static void Advance(const NomosParticleDataInfo *info, NomosParticleEntry *entry, size_t k, const double x[], double last[], double velocity[], double change[])
{
  const size_t d = (size_t)info->d, n = entry->n_particles * d;

  for (size_t i = 0; i < n && k; i++) {
    const size_t a      = i % d;
    const double period = info->high[a] - info->low[a];
    double       v      = x[i] - last[i];
    if (info->periodic[a] && info->bounded) v -= period * round(v / period);
    change[i]   = v - velocity[i];
    velocity[i] = v;
  }
  memcpy(last, x, n * sizeof *x);
  for (size_t a = 0; a < d; a++) {
    if (k > 0) AddFrame(info, entry, velocity + a, &entry->velocity[a]);
    if (k > 1) AddFrame(info, entry, change + a, &entry->acceleration[a]);
    for (size_t i = a; i < n; i += d) {
      entry->low[a]  = fmin(entry->low[a], x[i]);
      entry->high[a] = fmax(entry->high[a], x[i]);
    }
  }
}

static PetscErrorCode CheckFinite(NomosParticleData d, const NomosParticleEntry *entry, size_t frame, const double x[])
{
  const size_t axes = (size_t)d->info.d;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < entry->n_particles * axes; i++)
    NomosCheck(isfinite(x[i]), PETSC_COMM_SELF, PETSC_ERR_FP, "%s: the position of particle %zu is %s in frame %zu: data must be finite; leave the trajectory or the frames out (data.trajectories, data.first_frame)", entry->name, i / axes, isnan(x[i]) ? "nan" : "inf", d->input.first_frame + frame * d->input.every);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One pass, in blocks of frames; the numbers stay if they may. */
static PetscErrorCode ScanEntry(NomosParticleData d, NomosParticleEntry *entry, bool keep)
{
  const size_t row = entry->n_particles * (size_t)d->info.d, size = NomosRealBytes(entry->type), block = PetscMin(entry->n_frames, PetscMax(1, BLOCK_BYTES / (row * size)));
  double      *x, *last, *velocity, *change;
  char        *raw;

  PetscFunctionBeginUser;
  for (int a = 0; a < 3; a++) entry->low[a] = a < d->info.d ? DBL_MAX : 0, entry->high[a] = a < d->info.d ? -DBL_MAX : 0;
  PetscCall(PetscMalloc1((keep ? entry->n_frames : block) * row * size, &raw));
  if (keep) entry->x = raw;
  PetscCall(PetscCalloc4(row, &x, row, &last, row, &velocity, row, &change));
  const uint64_t shape[] = {entry->n_frames, entry->n_particles, (uint64_t)d->info.d};
  entry->hash            = XXH64(shape, sizeof shape, 0);
  entry->hash            = XXH64(entry->kind, entry->n_particles * sizeof *entry->kind, entry->hash);
  entry->hash            = XXH64(entry->parameters, d->info.n_parameters * sizeof *entry->parameters, entry->hash);
  PetscErrorCode failed  = PETSC_SUCCESS;
  for (size_t k = 0; k < entry->n_frames && !failed; k += block) {
    const size_t n  = PetscMin(block, entry->n_frames - k);
    char        *at = keep ? raw + k * row * size : raw;
    failed          = NomosParticleDataFetch(d, entry, k, n, entry->type, at);
    for (size_t f = 0; f < n && !failed; f++) {
      const char *frame = at + f * row * size;
      entry->hash       = XXH64(frame, row * size, entry->hash);
      for (size_t i = 0; i < row; i++) x[i] = entry->type == NOMOS_F32 ? ((const float *)frame)[i] : ((const double *)frame)[i];
      failed = CheckFinite(d, entry, k + f, x);
      if (!failed) Advance(&d->info, entry, k + f, x, last, velocity, change);
    }
  }
  PetscCall(PetscFree4(x, last, velocity, change));
  if (!keep) PetscCall(PetscFree(raw));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Summarise(NomosParticleData d)
{
  NomosParticleDataInfo *info = &d->info;
  uint64_t               hash = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n; i++) {
    const NomosParticleEntry *entry = &d->entries[i];
    hash                            = XXH64(&entry->hash, sizeof entry->hash, hash);
    for (int a = 0; a < info->d && !info->bounded; a++) {
      info->low[a]  = i ? fmin(info->low[a], entry->low[a]) : entry->low[a];
      info->high[a] = i ? fmax(info->high[a], entry->high[a]) : entry->high[a];
    }
  }
  snprintf(d->hash, sizeof d->hash, "%016llx", (unsigned long long)hash);
  info->hash       = d->hash;
  info->kinds      = (const char *const *)d->kinds;
  info->parameters = (const char *const *)d->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDataScan(NomosParticleData d)
{
  double bytes = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosDataFiles(d->path, &d->n_files, &d->files));
  PetscCall(SplitsByName(d));
  for (size_t file = 0; file < d->n_files; file++) {
    const NomosParticleSet *set;
    const size_t            first = d->n;
    size_t                  n;
    PetscCall(OpenFile(d, file));
    PetscCall(NomosParticleFileGetSet(d->reader, &n, &set));
    PetscCall(TakeSet(d, file, set));
    for (size_t i = 0; i < n; i++) PetscCall(AddEntry(d, file, i, set->n_parameters));
    PetscCall(MapKinds(d, set, first));
  }
  PetscCall(NomosParticleDataMarkFixed(d));
  for (size_t i = 0; i < d->n; i++) bytes += (double)d->entries[i].n_frames * (double)d->entries[i].n_particles * d->info.d * NomosRealBytes(d->entries[i].type);
  for (size_t i = 0; i < d->n; i++) PetscCall(ScanEntry(d, &d->entries[i], bytes <= d->input.cache_bytes));
  PetscCall(Summarise(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}
