/* Trajectories of particles into LagrangeBench's layout, whose programs and those of GNS then read them, and into a file of ours. */
#include "cases/convert.h"

#include "cases/run.h"
#include "cases/train_params.h"
#include "io/disk.h"
#include "io/particle_file.h"
#include "io/particle_view.h"
#include "io/provenance.h"
#include "io/text.h"
#include "surrogates/reduced_order_graph/particle_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  NomosParticleData            data;
  const NomosParticleDataInfo *info;
  NomosParticleSet             set;
  int32_t                     *type; /* (n_kinds) in the new file: the numbers that the source had, where it had no names */
  NomosLog                     log;
  size_t                       done, all, largest;
} Conversion;

PetscErrorCode NomosConvertIsParticles(const char path[], bool *is)
{
  NomosParticleFile file = NULL;
  char            **files;
  size_t            n;

  PetscFunctionBeginUser;
  *is               = false;
  const bool quiet  = NomosErrorSetQuiet(true);
  if (!NomosDataFiles(path, &n, &files)) {
    *is = !NomosParticleFileOpen(files[0], &file);
    for (size_t i = 0; i < n; i++) PetscCall(PetscFree(files[i]));
    PetscCall(PetscFree(files));
    PetscCall(NomosParticleFileClose(&file));
  }
  NomosErrorSetQuiet(quiet);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- numbers */

/* Trajectory i of a split, all of it. */
static PetscErrorCode Copy(Conversion *c, NomosSplit split, size_t i, NomosParticleWriter writer)
{
  NomosParticleTrajectory t;
  double                 *x;
  int32_t                *kind;
  char                    note[64];

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(c->data, split, i, &t));
  PetscCall(PetscMalloc2(t.n_frames * t.n_particles * (size_t)c->info->d, &x, t.n_particles, &kind));
  PetscErrorCode failed = NomosParticleDataRead(c->data, &(NomosParticleSelection){.split = split, .trajectory = i, .n_frames = t.n_frames, .n = t.n_particles}, x);
  for (size_t k = 0; k < t.n_particles; k++) kind[k] = c->type[t.kind[k]];
  const NomosParticleMotion motion = {.n_frames = t.n_frames, .n_particles = t.n_particles, .parameters = t.parameters, .simulation = t.simulation, .simulation_hash = t.simulation_hash, .n_set = t.n_set, .set = t.set};
  if (!failed) failed = NomosParticleWriterAdd(writer, &(NomosParticleRecord){.motion = &motion, .kind = kind, .type = NOMOS_F64, .x = x});
  PetscCall(PetscFree2(x, kind));
  PetscCall(failed);
  c->largest = PetscMax(c->largest, t.n_particles);
  snprintf(note, sizeof note, "%zu of %zu trajectories", ++c->done, c->all);
  PetscCall(NomosLogProgress(c->log, &(NomosProgress){.fraction = (double)c->done / (double)c->all, .step = (int64_t)c->done, .dt = NAN, .cfl = NAN, .note = note}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The splits from `first` to `last`, one behind the other. */
static PetscErrorCode WriteFile(Conversion *c, const char path[], int first, int last)
{
  NomosParticleWriter writer;
  PetscErrorCode      failed = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleWriterCreate(path, &c->set, &writer));
  for (int s = first; s <= last; s++)
    for (size_t i = 0; i < c->info->n_trajectories[s] && !failed; i++) failed = Copy(c, (NomosSplit)s, i, writer);
  const PetscErrorCode closed = NomosParticleWriterClose(&writer, !failed);
  PetscCall(failed);
  PetscCall(closed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what the new files are */

/* 1.45 spacings, as LagrangeBench's own data have it. */
static PetscErrorCode Radius(const Conversion *c, double *radius)
{
  NomosParticleTrajectory t;
  double                 *x;

  PetscFunctionBeginUser;
  *radius = c->info->radius;
  if (*radius > 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParticleDataTrajectory(c->data, NOMOS_SPLIT_TRAIN, 0, &t));
  PetscCall(PetscMalloc1(t.n_particles * (size_t)c->info->d, &x));
  PetscCall(NomosParticleDataRead(c->data, &(NomosParticleSelection){.n_frames = 1, .n = t.n_particles}, x));
  PetscCall(NomosParticleRadius(c->info->d, t.n_particles, x, radius));
  *radius *= 1.45 / NOMOS_RADIUS_OF_SPACING;
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The room of a run, by the case beside its fields.nc, joined to those of the files before it. */
static PetscErrorCode JoinRoom(const NomosProgram *program, const char file[], bool first, NomosParticleSet *set)
{
  NomosModelScene      scene  = {.obstacles = NULL};
  NomosConfig          config = NULL;
  const NomosModelOps *ops    = NULL;
  const char          *slash  = strrchr(file, '/');
  char                 path[NOMOS_MAX_PATH + 16];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.*sconfig.yaml", slash ? (int)(slash + 1 - file) : 0, file);
  if (access(path, R_OK) || NomosIsTraining(path)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscErrorCode failed = NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = path, .models = program->models}, &config, &ops);
  if (!failed && ops->scene) failed = ops->scene(config, &scene);
  set->bounded = !failed && scene.room.d == set->d;
  for (int a = 0; a < set->d && set->bounded; a++) {
    set->low[a]  = first ? scene.room.low[a] : fmin(set->low[a], scene.room.low[a]);
    set->high[a] = first ? scene.room.high[a] : fmax(set->high[a], scene.room.high[a]);
  }
  PetscCall(PetscFree(scene.obstacles));
  if (config) PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the positions of some frames end is no wall: what nobody knows is not written. */
static PetscErrorCode FindWalls(Conversion *c, const NomosProgram *program)
{
  char **files;
  size_t n;

  PetscFunctionBeginUser;
  if (c->set.bounded) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosDataFiles(program->arguments[0], &n, &files));
  for (size_t i = 0; i < n; i++) {
    PetscErrorCode code = PETSC_SUCCESS;
    c->set.bounded      = false;
    if (program->models) NomosQuietly(code, JoinRoom(program, files[i], !i, &c->set)); /* of a case that cannot be read any more nothing is known */
    PetscCall(code);
    if (!c->set.bounded) break;
  }
  for (size_t i = 0; i < n; i++) PetscCall(PetscFree(files[i]));
  PetscCall(PetscFree(files));
  if (!c->set.bounded) PetscCall(NomosLogPrint(c->log, NOMOS_LOG_WARNING, "walls", "%s does not say where the walls are, and has no config.yaml of a run beside it that does: no bounds are written (LagrangeBench's programs ask for `bounds` in metadata.json, [low, high] for each axis)", program->arguments[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(Conversion *c, const NomosProgram *program)
{
  const NomosParticleDataInfo *info    = c->info;
  bool                         numbers = true;

  PetscFunctionBeginUser;
  c->set = (NomosParticleSet){.d = info->d, .interval = info->interval, .bounded = info->bounded, .n_parameters = info->n_parameters, .parameters = info->parameters, .source = NomosSource()};
  for (int a = 0; a < 3; a++) {
    c->set.low[a]      = info->low[a];
    c->set.high[a]     = info->high[a];
    c->set.periodic[a] = info->periodic[a];
  }
  PetscCall(FindWalls(c, program));
  PetscCall(Radius(c, &c->set.radius));
  PetscCall(PetscMalloc1(info->n_kinds, &c->type));
  for (size_t k = 0; k < info->n_kinds; k++) {
    char *end;
    c->type[k] = (int32_t)strtol(info->kinds[k], &end, 10);
    numbers    = numbers && end != info->kinds[k] && !*end;
  }
  for (size_t k = 0; k < info->n_kinds && !numbers; k++) c->type[k] = (int32_t)k;
  if (!numbers) c->set.n_kinds = info->n_kinds, c->set.kinds = info->kinds;
  for (int s = 0; s < NOMOS_N_SPLITS; s++) c->all += info->n_trajectories[s];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* LagrangeBench takes the number of frames of the first trajectory of a file for that of all. */
static PetscErrorCode Frames(const Conversion *c, NomosSplit split, size_t *n_frames)
{
  NomosParticleTrajectory t;

  PetscFunctionBeginUser;
  *n_frames = 0;
  for (size_t i = 0; i < c->info->n_trajectories[split]; i++) {
    PetscCall(NomosParticleDataTrajectory(c->data, split, i, &t));
    if (!i) *n_frames = t.n_frames;
    PetscCheck(t.n_frames == *n_frames, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s has %zu frames, the first trajectory %zu: LagrangeBench's files have as many for all; export those of one length apart", t.name, t.n_frames, *n_frames);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DIRECTORY/{train,valid,test}.h5 and metadata.json. */
static PetscErrorCode WriteDirectory(Conversion *c, const char directory[])
{
  static const char *const names[NOMOS_N_SPLITS] = {"train", "valid", "test"};
  NomosParticleMetadata    metadata              = {.set = &c->set, .n_trajectories = c->info->n_trajectories[NOMOS_SPLIT_TRAIN], .n_test_trajectories = c->info->n_trajectories[NOMOS_SPLIT_TEST]};
  NomosParticleStatistics  statistics;
  size_t                   n_frames[NOMOS_N_SPLITS];
  char                     path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  for (int s = 0; s < NOMOS_N_SPLITS; s++) PetscCall(Frames(c, (NomosSplit)s, &n_frames[s]));
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, directory));
  for (int s = 0; s < NOMOS_N_SPLITS; s++) {
    snprintf(path, sizeof path, "%.4000s/%s.h5", directory, names[s]);
    if (c->info->n_trajectories[s]) PetscCall(WriteFile(c, path, s, s));
  }
  PetscCall(NomosParticleDataStatistics(c->data, &statistics));
  metadata.n_frames      = n_frames[NOMOS_SPLIT_TRAIN];
  metadata.n_test_frames = n_frames[NOMOS_SPLIT_TEST];
  metadata.n_particles   = c->largest;
  memcpy(metadata.velocity_mean, statistics.velocity_mean, sizeof metadata.velocity_mean);
  memcpy(metadata.velocity_deviation, statistics.velocity_deviation, sizeof metadata.velocity_deviation);
  memcpy(metadata.acceleration_mean, statistics.acceleration_mean, sizeof metadata.acceleration_mean);
  memcpy(metadata.acceleration_deviation, statistics.acceleration_deviation, sizeof metadata.acceleration_deviation);
  PetscCall(NomosParticleMetadataWrite(directory, &metadata));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(Conversion *c, const NomosProgram *program, bool directory)
{
  const size_t *n  = c->info->n_trajectories;
  const char   *to = program->directory;

  PetscFunctionBeginUser;
  PetscCall(Describe(c, program));
  if (directory) PetscCall(WriteDirectory(c, to));
  else PetscCall(WriteFile(c, to, 0, NOMOS_N_SPLITS - 1));
  PetscCall(NomosLogProgressEnd(c->log));
  if (directory) PetscCall(NomosLogPrint(c->log, NOMOS_LOG_INFO, "written", "%zu trajector%s for training, %zu for validation, %zu for tests, statistics of the training: %s", n[0], n[0] == 1 ? "y" : "ies", n[1], n[2], to));
  else PetscCall(NomosLogPrint(c->log, NOMOS_LOG_INFO, "written", "%zu trajector%s of particles: %s", c->all, c->all == 1 ? "y" : "ies", to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sets for tests alone lie in tests/ beside the data, and the layout has no place for them. */
static PetscErrorCode TellTests(const Conversion *c, const char from[])
{
  char         **files, **tests, folder[NOMOS_MAX_PATH + 8];
  size_t         n, n_tests;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(NomosDataFiles(from, &n, &files));
  const char *slash = strrchr(files[0], '/');
  snprintf(folder, sizeof folder, "%.*stests", slash ? (int)PetscMin(slash + 1 - files[0], NOMOS_MAX_PATH) : 0, files[0]);
  for (size_t i = 0; i < n; i++) PetscCall(PetscFree(files[i]));
  PetscCall(PetscFree(files));
  if (access(folder, R_OK)) PetscFunctionReturn(PETSC_SUCCESS);
  NomosQuietly(code, NomosDataFiles(folder, &n_tests, &tests)); /* an error: there are none */
  if (code) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosLogPrint(c->log, NOMOS_LOG_WARNING, "tests", "%zu test set%s in %s %s left out: export each by itself (nomos export %s ...)", n_tests, n_tests > 1 ? "s" : "", folder, n_tests > 1 ? "are" : "is", tests[0]));
  for (size_t i = 0; i < n_tests; i++) PetscCall(PetscFree(tests[i]));
  PetscCall(PetscFree(tests));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConvertParticles(const NomosProgram *program, bool directory, NomosLog log)
{
  const char *from = program->arguments[0], *to = program->directory;
  Conversion  c = {.log = log};
  struct stat a, b;
  char        file[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(file, sizeof file, "%.4000s%s", to, directory ? "/train.h5" : "");
  PetscCheck(stat(from, &a) || (stat(to, &b) && stat(file, &b)) || a.st_dev != b.st_dev || a.st_ino != b.st_ino, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "-o %s is what is read: choose another one", to);
  PetscCall(NomosConvertMayWrite(program, file));
  if (directory) {
    snprintf(file, sizeof file, "%.4000s/metadata.json", to);
    PetscCall(NomosConvertMayWrite(program, file));
  }
  PetscCall(NomosParticleDataOpen(PETSC_COMM_SELF, &(NomosParticleDataInput){.path = from, .validation = directory ? 0.1 : 0, .test = directory ? 0.1 : 0}, &c.data));
  PetscErrorCode failed = NomosParticleDataGetInfo(c.data, &c.info);
  if (!failed) failed = Write(&c, program, directory);
  if (!failed) failed = TellTests(&c, from);
  PetscCall(PetscFree(c.type));
  PetscCall(NomosParticleDataClose(&c.data));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
