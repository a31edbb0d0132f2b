/* Trajectories of particles of a sweep: a group each, since their numbers differ. Ranks make one each, the first one writes them in their order. */
#include "cases/sweep_impl.h"

#include "io/particle_file.h"
#include "io/provenance.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MAX_ATTRIBUTES = 8, TAG = 1 };

typedef struct {
  SweepMaking        *making;
  NomosParticleWriter writer;
  size_t              position, material; /* numbers of these fields; material SWEEP_MAX_VARIABLES: there is none */
  char                simulation[NOMOS_MAX_PATH];
} Writing;

/* ---- what the file says */

/* The case by a name that other machines know, if it is one of those that come with the program. */
static void NameCase(const char path[], char name[NOMOS_MAX_PATH])
{
  char given[NOMOS_MAX_PATH], root[PATH_MAX];

  NomosCaseRoot(given);
  const size_t n = given[0] && realpath(given, root) ? strlen(root) : 0;
  snprintf(name, NOMOS_MAX_PATH, "%s", n && !strncmp(path, root, n) && path[n] == '/' ? path + n + 1 : path);
}

/* Material numbers and others with a key; what is there to compose settings is in these. */
static size_t Parameters(const Sweep *sweep, size_t list[])
{
  size_t n = 0;

  for (size_t k = 0; k < sweep->n_parameters; k++)
    if (sweep->parameters[k].key[0]) list[n++] = k;
  return n;
}

static PetscErrorCode Create(Writing *w, const char path[])
{
  const SweepMaking  *m   = w->making;
  const SweepRun     *run = &m->layout.run;
  const SweepField   *position = &m->layout.fields[w->position];
  NomosFieldAttribute attributes[MAX_ATTRIBUTES];
  NomosModelScene     scene = {.obstacles = NULL};
  const char         *names[SWEEP_MAX_PARAMETERS];
  size_t              list[SWEEP_MAX_PARAMETERS], n = 0;
  char                scheme[512], **kinds = NULL;
  double              bytes;
  NomosParticleSet    set = {.d = (int)position->shape[1], .interval = m->layout.every, .type = m->sweep->type, .units = run->params.nondimensional ? "nondimensional" : "m, s", .title = run->params.title, .references = run->params.reference, .source = NomosSource(), .parameters = names};

  PetscFunctionBeginUser;
  set.n_parameters = Parameters(m->sweep, list);
  for (size_t k = 0; k < set.n_parameters; k++) names[k] = m->sweep->parameters[list[k]].name;
  if (w->material < SWEEP_MAX_VARIABLES) set.n_kinds = NomosParticleKindNames(m->layout.fields[w->material].variable->long_name, &kinds);
  set.kinds = (const char *const *)kinds;
  if (run->ops->scene) {
    PetscCall(run->ops->scene(run->config, &scene));
    set.bounded = true;
    for (int a = 0; a < set.d; a++) set.low[a] = scene.room.low[a], set.high[a] = scene.room.high[a];
    PetscCall(PetscFree(scene.obstacles));
  }
  PetscCall(run->ops->describe(run->model, &bytes, scheme, sizeof scheme));
  attributes[n++] = (NomosFieldAttribute){.name = "solver", .text = run->ops->name};
  attributes[n++] = (NomosFieldAttribute){.name = "scheme", .text = scheme};
  attributes[n++] = (NomosFieldAttribute){.name = "case", .text = m->sweep->file.name};
  attributes[n++] = (NomosFieldAttribute){.name = "set", .text = m->set->name[0] ? m->set->name : "training"};
  attributes[n++] = (NomosFieldAttribute){.name = "sweep", .text = m->layout.hash};
  set.n_attributes = n;
  set.attributes   = attributes;
  PetscErrorCode failed = NomosParticleWriterCreate(path, &set, &w->writer);
  for (size_t k = 0; k < set.n_kinds; k++) free(kinds[k]);
  free(kinds);
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- trajectories */

static PetscErrorCode Add(const Writing *w, size_t i, const SweepMotion *motion)
{
  const SweepMaking  *m = w->making;
  SweepSettings       settings;
  NomosParticleField  fields[SWEEP_MAX_VARIABLES];
  NomosParticleMotion of = {.n_frames = m->layout.n_frames, .n_particles = motion->n_particles, .simulation = w->simulation, .simulation_hash = motion->simulation_hash};
  NomosParticleRecord record = {.motion = &of, .type = NOMOS_F64, .x = motion->values[w->position], .fields = fields};
  size_t              list[SWEEP_MAX_PARAMETERS];
  double              parameters[SWEEP_MAX_PARAMETERS];
  int32_t            *kind;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(motion->n_particles, &kind));
  for (size_t k = 0; k < motion->n_particles && w->material < SWEEP_MAX_VARIABLES; k++) kind[k] = (int32_t)lround(motion->values[w->material][k]);
  record.kind = kind;
  for (size_t f = 0; f < m->layout.n_fields; f++) {
    const SweepField *field = &motion->fields[f];
    if (f == w->position || f == w->material) continue;
    fields[record.n_fields++] = (NomosParticleField){.name = field->variable->name, .unit = field->variable->unit, .n_axes = field->n_axes - 1, .shape = {field->shape[1], field->shape[2]}, .values = motion->values[f]};
  }
  for (size_t k = 0, n = Parameters(m->sweep, list); k < n; k++) parameters[k] = SweepValue(m->sweep, m->set, list[k], i);
  of.parameters         = parameters;
  PetscErrorCode failed = SweepSettingsCreate(m->sweep, m->set, i, &settings);
  of.n_set              = settings.n;
  of.set                = (const char *const *)settings.list;
  if (!failed) failed = NomosParticleWriterAdd(w->writer, &record);
  PetscCall(SweepSettingsDestroy(&settings));
  PetscCall(PetscFree(kind));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t Numbers(const SweepMaking *m, const SweepMotion *motion, size_t field)
{
  return (m->layout.fields[field].constant ? 1 : m->layout.n_frames) * motion->fields[field].n;
}

static PetscErrorCode Send(const SweepMaking *m, const SweepMotion *motion)
{
  PetscMPIInt count;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Send(motion, (int)sizeof *motion, MPI_BYTE, 0, TAG, m->comm));
  for (size_t f = 0; f < m->layout.n_fields; f++) {
    PetscCall(PetscMPIIntCast((PetscInt)Numbers(m, motion, f), &count));
    PetscCallMPI(MPI_Send(motion->values[f], count, MPI_DOUBLE, 0, TAG, m->comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Receive(const SweepMaking *m, int from, SweepMotion *motion)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Recv(motion, (int)sizeof *motion, MPI_BYTE, from, TAG, m->comm, MPI_STATUS_IGNORE)); /* its pointers are of another process */
  for (size_t f = 0; f < m->layout.n_fields; f++) {
    motion->fields[f].variable = m->layout.fields[f].variable;
    PetscCall(PetscMalloc1(Numbers(m, motion, f), &motion->values[f]));
    PetscCallMPI(MPI_Recv(motion->values[f], (int)Numbers(m, motion, f), MPI_DOUBLE, from, TAG, m->comm, MPI_STATUS_IGNORE));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

uint64_t SweepParticleState(const SweepMaking *m, size_t i, const SweepMotion *motion)
{
  uint64_t hash = m->set->n_variants ? m->set->variants[i / m->set->combinations % m->set->n_variants] : 0;
  size_t   position = 0;

  while (strcmp(m->layout.fields[position].variable->name, "position")) position++;
  for (size_t k = 0; k < m->sweep->n_parameters; k++) {
    const double value = SweepValue(m->sweep, m->set, k, i);
    hash               = XXH64(&value, sizeof value, hash);
  }
  return XXH64(motion->values[position], motion->fields[position].n * sizeof(double), hash);
}

/* Those of a round, in their order. Others send whether the first can write or not. */
static PetscErrorCode Gather(const Writing *w, size_t begin, const SweepMotion *own)
{
  const SweepMaking *m      = w->making;
  PetscErrorCode     failed = m->rank ? Send(m, own) : Add(w, begin, own);

  PetscFunctionBeginUser;
  for (int from = 1; from < m->size && !m->rank && begin + (size_t)from < m->set->n; from++) {
    SweepMotion motion;
    PetscCall(Receive(m, from, &motion));
    if (!failed) failed = Add(w, begin + (size_t)from, &motion);
    PetscCall(SweepMotionDestroy(&motion));
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A trajectory for each rank. */
static PetscErrorCode Round(const Writing *w, size_t begin)
{
  SweepMaking   *m      = w->making;
  const size_t   i      = begin + (size_t)m->rank;
  const bool     has    = i < m->set->n;
  SweepMotion    motion = {.n_particles = 0};
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  NomosQuietly(failed, has ? SweepMotionCreate(m->sweep, m->set, &m->layout, i, &motion) : PETSC_SUCCESS);
  PetscCall(NomosErrorAgree(m->comm, failed));
  PetscCall(SweepAgreeToStop(m));
  if (has && !m->stopped) {
    m->states[i] = SweepParticleState(m, i, &motion);
    NomosQuietly(failed, Gather(w, begin, &motion));
  }
  PetscCall(SweepMotionDestroy(&motion));
  PetscCall(NomosErrorAgree(m->comm, failed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeAll(Writing *w)
{
  SweepMaking *m = w->making;

  PetscFunctionBeginUser;
  for (size_t begin = 0; begin < m->set->n && !m->stopped; begin += (size_t)m->size) {
    PetscCall(Round(w, begin));
    if (!m->stopped) PetscCall(SweepProgress(m, begin + (size_t)m->size));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepFillParticles(SweepMaking *m, const char partial[])
{
  Writing        w = {.making = m, .material = SWEEP_MAX_VARIABLES};
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < m->layout.n_fields; f++) {
    if (!strcmp(m->layout.fields[f].variable->name, "position")) w.position = f;
    if (!strcmp(m->layout.fields[f].variable->name, "material")) w.material = f;
  }
  NameCase(m->sweep->file.path, w.simulation);
  PetscCall(PetscCalloc1(m->set->n, &m->states));
  NomosQuietly(failed, m->rank ? PETSC_SUCCESS : Create(&w, partial));
  failed = NomosErrorAgree(m->comm, failed);
  if (!failed) failed = MakeAll(&w);
  if (!failed && !m->stopped) failed = SweepCheckDistinct(m);
  PetscErrorCode closed = NomosParticleWriterClose(&w.writer, !failed && !m->stopped);
  closed                = NomosErrorAgree(m->comm, closed);
  PetscCall(PetscFree(m->states));
  PetscCall(failed);
  PetscCall(closed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
