/* The generator `sweep`: trajectories of a case over values of its parameters and seeds of its initial states, for emulators of a family of PDEs.

   Of particles the files are NAME.h5 (io/particle_file.h): each trajectory has its own number of them, and says with which settings it can be run again.

   A file (surrogates/dataset.h) holds a set of them: each field over (trajectory, time, its own axes), without time if it does not change; each parameter that differs over (trajectory), with its whole key as an attribute,
   and each key that takes the same value; coordinates; and as attributes of the file the family and equation, the scheme, the case, the values of the parameters that do not differ. The set of the training is the file asked for, DATA/sweep.nc; those of sweep.tests are DATA/tests/NAME.nc.

   No two trajectories have the same seed, whatever their parameters: a test never shows an initial state that was seen in training. Where the initial state does not depend on a seed, no two of any sets have the same one with
   the same parameters. Trajectory i is the same however many there are. Every rank makes whole trajectories; a
   file is the same bit for bit for any number of ranks. It has its name only when it is complete, and what is there already from the same values is kept. */
#include "cases/sweep_impl.h"

#include "cases/generator_list.h"
#include "io/provenance.h"
#include "io/verdict_impl.h"
#include "operators/generator.h"

#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAX_DIMS = 12, CHUNK_BYTES = 1 << 26, MAX_ATTRIBUTES = 128 };

/* ---- the file */

typedef struct {
  NomosFieldFileInput input;
  size_t              n_dims, n_attributes;
  NomosFieldDim       dims[MAX_DIMS];
  double             *coordinates[MAX_DIMS];
  NomosFieldVariable  variables[SWEEP_MAX_VARIABLES + SWEEP_MAX_COLUMNS];
  NomosFieldAttribute attributes[MAX_ATTRIBUTES];
  char                scheme[512], long_names[SWEEP_MAX_COLUMNS][256], methods[SWEEP_MAX_VARIABLES][64], ends[2 * MAX_DIMS][128];
  size_t              n_ends;
} File;

static PetscErrorCode AddDim(File *file, NomosFieldDim dim)
{
  PetscFunctionBeginUser;
  PetscCheck(file->n_dims < MAX_DIMS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "fields over more than %d different axes; choose some with sweep.fields", MAX_DIMS);
  PetscCall(PetscMalloc1(dim.size, &file->coordinates[file->n_dims]));
  dim.values                 = file->coordinates[file->n_dims];
  file->dims[file->n_dims++] = dim;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The axis of a field, thinned as it is, unless the file has it. */
static PetscErrorCode AddAxis(File *file, const NomosFileLayout *layout, const SweepField *field, int axis)
{
  const char   *name = field->variable->dims[axis];
  const size_t  every = field->every[axis];
  size_t        from  = 0;
  NomosFieldDim dim;

  PetscFunctionBeginUser;
  for (size_t d = 0; d < file->n_dims; d++)
    if (!strcmp(file->dims[d].name, name)) PetscFunctionReturn(PETSC_SUCCESS);
  while (strcmp(layout->dims[from].name, name)) from++;
  const double *full = layout->dims[from].values;
  dim                = layout->dims[from];
  dim.size           = field->shape[axis];
  PetscCall(AddDim(file, dim));
  for (size_t i = 0; i < dim.size; i++) file->coordinates[file->n_dims - 1][i] = dim.cells ? (full[i * every] + full[(i + 1) * every - 1]) / 2 : full[i * every];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AddText(File *file, const char variable[], const char name[], const char text[])
{
  if (text && text[0] && file->n_attributes < MAX_ATTRIBUTES) file->attributes[file->n_attributes++] = (NomosFieldAttribute){.variable = variable, .name = name, .text = text};
}

/* The first of a name counts. */
static void AddNumber(File *file, const char name[], double number)
{
  for (size_t i = 0; i < file->n_attributes; i++)
    if (!file->attributes[i].variable && !strcmp(file->attributes[i].name, name)) return;
  if (file->n_attributes < MAX_ATTRIBUTES) file->attributes[file->n_attributes++] = (NomosFieldAttribute){.name = name, .number = number};
}

/* boundary_x: periodic, boundary_x_high: same, ... of the axes that the file has; value_low, value_high. */
static PetscErrorCode AddEnd(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  File       *file = ctx;
  const char *dot  = strrchr(param->key, '.'), *name = dot ? dot + 1 : "";
  bool        ours = value[0] && (!strcmp(name, "value_low") || !strcmp(name, "value_high"));

  PetscFunctionBeginUser;
  (void)origin;
  for (size_t d = 2; d < file->n_dims && !strncmp(name, "boundary_", 9); d++) { /* behind trajectory and time */
    const size_t length = strlen(file->dims[d].name);
    ours = ours || (!strncmp(name + 9, file->dims[d].name, length) && (!name[9 + length] || !strcmp(name + 9 + length, "_high")));
  }
  if (!ours || file->n_ends == sizeof file->ends / sizeof *file->ends) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(file->ends[file->n_ends], sizeof file->ends[0], "%s", value);
  AddText(file, NULL, name, file->ends[file->n_ends++]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool Differs(const Sweep *sweep, const char key[])
{
  for (size_t k = 0; k < sweep->n_parameters; k++) {
    const SweepParameter *p = &sweep->parameters[k];
    if (!strcmp(p->key, key)) return true;
    for (size_t a = 0; a < p->n_also; a++)
      if (!strcmp(p->also[a], key)) return true;
  }
  return false;
}

/* Parameters of the equation that are the same in all trajectories, but for lists; and the Mach number of random waves of a gas, which PDEBench has beside them. */
static PetscErrorCode AddFixed(const SweepMaking *m, File *file)
{
  const SweepRun            *run = &m->layout.run;
  const NomosModelParameter *list;
  size_t                     n = 0;
  const char                *type;
  double                     mach;

  PetscFunctionBeginUser;
  if (run->ops->derivatives && run->ops->derivatives->parameters) PetscCall(run->ops->derivatives->parameters(run->model, &n, &list));
  for (size_t i = 0; i < n; i++) {
    const char *key = list[i].param->key, *dot = strrchr(key, '.');
    if (list[i].param->type == NOMOS_PARAM_REAL && !Differs(m->sweep, key)) AddNumber(file, dot ? dot + 1 : key, list[i].value);
  }
  PetscCall(NomosConfigPeek(run->config, "initial.type", &type));
  if (!type || strcmp(type, "random_modes") || Differs(m->sweep, "initial.mach")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetReal(run->config, "initial.mach", &mach));
  AddNumber(file, "mach", mach);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The equations, as PDEBench's and other files call them: what a solver of several is told of, else the solver. */
static PetscErrorCode AddFamily(const SweepRun *run, File *file)
{
  char        key[2 * NOMOS_MAX_NAME];
  const char *family;

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "%s.family", run->ops->name);
  PetscCall(NomosConfigPeek(run->config, key, &family));
  AddText(file, NULL, "family", family ? family : run->ops->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The unit of a parameter that differs between trajectories; of an entry of a list that of the list. */
typedef struct {
  const char *key, *unit;
} Unit;

static PetscErrorCode TakeUnit(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  Unit        *unit   = ctx;
  const size_t length = strcspn(unit->key, "[");

  PetscFunctionBeginUser;
  (void)value;
  (void)origin;
  if (strlen(param->key) == length && !strncmp(param->key, unit->key, length) && param->unit) unit->unit = param->unit;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(const SweepMaking *m, File *file)
{
  const Sweep       *sweep  = m->sweep;
  const SweepLayout *layout = &m->layout;
  const SweepRun    *run    = &layout->run;
  const bool         units  = !run->params.nondimensional;
  size_t             n      = 0;
  double             bytes;

  PetscFunctionBeginUser;
  PetscCall(AddDim(file, (NomosFieldDim){.name = "trajectory", .size = m->set->n, .long_name = "number of the trajectory"}));
  PetscCall(AddDim(file, (NomosFieldDim){.name = "time", .size = layout->n_frames, .unit = units ? "s" : "1", .long_name = "time", .standard_name = "time", .axis = "T"}));
  for (size_t i = 0; i < m->set->n; i++) file->coordinates[0][i] = (double)i;
  for (size_t k = 0; k < layout->n_frames; k++) file->coordinates[1][k] = (double)k * layout->every;
  for (size_t f = 0; f < layout->n_fields; f++, n++) {
    const SweepField *field = &layout->fields[f];
    file->variables[n]      = *field->variable;
    file->variables[n].type = sweep->type;
    file->variables[n].constant = true;
    memset(file->variables[n].dims, 0, sizeof file->variables[n].dims);
    int d = 0;
    file->variables[n].dims[d++] = "trajectory";
    if (!field->constant) file->variables[n].dims[d++] = "time";
    for (int a = 0; a < field->n_axes; a++) {
      file->variables[n].dims[d++] = field->variable->dims[a];
      PetscCall(AddAxis(file, &layout->layout, field, a));
    }
    snprintf(file->methods[f], sizeof file->methods[f], "area: %s%s", field->mean ? "mean" : "point", field->constant ? "" : " time: point");
    AddText(file, field->variable->name, "cell_methods", file->methods[f]);
  }
  for (size_t k = 0; k < sweep->n_columns; k++, n++) {
    const SweepColumn *c = &sweep->columns[k];
    snprintf(file->long_names[k], sizeof file->long_names[k], "%s of the trajectory", c->key);
    Unit unit = {c->key, "1"};
    if (units) PetscCall(NomosConfigVisit(run->config, TakeUnit, &unit));
    file->variables[n] = (NomosFieldVariable){.name = c->name, .unit = unit.unit, .dims = {"trajectory"}, .constant = true, .type = NOMOS_F64, .long_name = file->long_names[k]};
    AddText(file, c->name, "key", c->key);
  }
  PetscCall(run->ops->describe(run->model, &bytes, file->scheme, sizeof file->scheme));
  AddText(file, NULL, "equation", layout->layout.equation);
  AddText(file, NULL, "solver", run->ops->name);
  PetscCall(AddFamily(run, file));
  AddText(file, NULL, "scheme", file->scheme);
  AddText(file, NULL, "case", sweep->file.name);
  AddText(file, NULL, "set", m->set->name[0] ? m->set->name : "training");
  AddText(file, NULL, "seed_key", sweep->seed_key);
  if (sweep->seed_key[0]) AddNumber(file, "first_seed", (double)m->set->first_seed); /* that of trajectory 0, the next has the next */
  AddText(file, NULL, "sweep", layout->hash);
  PetscCall(NomosConfigVisit(run->config, AddEnd, file));
  PetscCall(AddFixed(m, file));
  file->input = (NomosFieldFileInput){.timeless = true, .n_dims = file->n_dims, .dims = file->dims, .n_variables = n, .variables = file->variables, .n_attributes = file->n_attributes, .attributes = file->attributes,
    .title = run->params.title, .references = run->params.reference, .source = NomosSource()};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- trajectories */

/* How far do the means of its fields move? Where nothing comes in or goes out: not at all. */
static void LookAtMeans(SweepMaking *m, const double *const from[])
{
  for (size_t f = 0; f < m->layout.n_fields; f++) {
    const size_t n     = m->layout.fields[f].n;
    const size_t rows  = SweepRows(&m->layout, f);
    double       first = 0, largest = DBL_MIN, change = 0;
    for (size_t i = 0; i < rows * n; i++) largest = fmax(largest, fabs(from[f][i]));
    for (size_t k = 0; k < rows; k++) {
      double mean = 0;
      for (size_t i = 0; i < n; i++) mean += from[f][k * n + i] / (double)n;
      if (!k) first = mean;
      change = fmax(change, fabs(mean - first));
    }
    m->change[f] = fmax(m->change[f], change / largest);
  }
}

PetscErrorCode SweepProgress(const SweepMaking *m, size_t done)
{
  char note[64];

  PetscFunctionBeginUser;
  if (!m->log) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t all = PetscMin(m->all, m->before + done);
  snprintf(note, sizeof note, "of %zu trajectories", m->all);
  PetscCall(NomosLogProgress(m->log, &(NomosProgress){.fraction = (double)all / (double)m->all, .step = (int64_t)all, .dt = NAN, .cfl = NAN, .note = note}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* values[field]: its first row. */
static uint64_t FieldState(const SweepMaking *m, size_t i, const double *const values[])
{
  uint64_t hash = 0;

  for (size_t k = 0; k < m->sweep->n_parameters; k++) {
    const double value = SweepValue(m->sweep, m->set, k, i);
    hash               = XXH64(&value, sizeof value, hash);
  }
  for (size_t f = 0; f < m->layout.n_fields; f++) hash = XXH64(values[f], m->layout.fields[f].n * sizeof **values, hash);
  return hash;
}

/* Trajectories first.., n of them, into the buffers of this rank. */
static PetscErrorCode MakeChunk(SweepMaking *m, size_t first, size_t n)
{
  PetscFunctionBeginUser;
  for (size_t t = 0; t < n; t++) {
    double *to[SWEEP_MAX_VARIABLES], *at = m->values;
    for (size_t f = 0; f < m->layout.n_fields; f++) {
      const size_t size = SweepRows(&m->layout, f) * m->layout.fields[f].n;
      to[f]             = at + t * size;
      at += m->chunk * size;
    }
    PetscCall(SweepTrajectory(m->sweep, m->set, &m->layout, first + t, to));
    for (size_t k = 0; k < m->sweep->n_parameters; k++) m->parameters[k * m->chunk + t] = SweepValue(m->sweep, m->set, k, first + t);
    m->states[first + t] = FieldState(m, first + t, (const double *const *)to);
    LookAtMeans(m, (const double *const *)to);
    PetscCall(SweepProgress(m, first + (size_t)m->size * (t + 1))); /* the other ranks are as far */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteChunk(const SweepMaking *m, NomosFieldFile file, size_t first, size_t n)
{
  const double *at = m->values;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < m->layout.n_fields; f++) {
    const SweepField *field = &m->layout.fields[f];
    const size_t      rows  = SweepRows(&m->layout, f);
    size_t            start[NOMOS_FIELD_MAX_DIMS] = {n ? first : 0}, count[NOMOS_FIELD_MAX_DIMS] = {n};
    int               d = 1;
    if (!field->constant) count[d++] = n ? rows : 0;
    for (int a = 0; a < field->n_axes; a++) count[d++] = n ? field->shape[a] : 0;
    PetscCall(NomosFieldFileWrite(file, field->variable->name, NOMOS_F64, start, count, at));
    at += m->chunk * rows * field->n;
  }
  for (size_t k = 0; k < m->sweep->n_columns; k++) PetscCall(NomosFieldFileWrite(file, m->sweep->columns[k].name, NOMOS_F64, (size_t[]){n ? first : 0}, (size_t[]){n}, m->parameters + m->sweep->columns[k].parameter * m->chunk));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ranks take turns of `chunk` trajectories, and write together. */
static PetscErrorCode MakeAll(SweepMaking *m, NomosFieldFile file)
{
  PetscFunctionBeginUser;
  for (size_t begin = 0; begin < m->set->n; begin += m->chunk * (size_t)m->size) {
    const size_t   first = PetscMin(m->set->n, begin + (size_t)m->rank * m->chunk), n = PetscMin(m->chunk, m->set->n - first);
    const bool     quiet  = NomosErrorSetQuiet(true);
    PetscErrorCode failed = MakeChunk(m, first, n);
    NomosErrorSetQuiet(quiet);
    PetscCall(NomosErrorAgree(m->comm, failed));
    PetscCall(WriteChunk(m, file, first, n));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int CompareStates(const void *a, const void *b)
{
  const SweepState *first = a, *second = b;
  if (first->state != second->state) return first->state < second->state ? -1 : 1;
  if (first->set != second->set) return first->set < second->set ? -1 : 1;
  return first->trajectory < second->trajectory ? -1 : first->trajectory > second->trajectory;
}

/* Two trajectories that are the same would be seen in training and in the test. */
PetscErrorCode SweepCheckDistinct(SweepMaking *m)
{
  SweepStates *seen = m->seen;
  size_t       same = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, m->states, (PetscMPIInt)m->set->n, MPI_UINT64_T, MPI_BOR, m->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, m->change, SWEEP_MAX_VARIABLES, MPI_DOUBLE, MPI_MAX, m->comm));
  PetscCall(PetscRealloc((seen->n + m->set->n) * sizeof *seen->list, &seen->list));
  for (size_t i = 0; i < m->set->n; i++) seen->list[seen->n++] = (SweepState){m->states[i], (size_t)(m->set - m->sweep->sets), i};
  qsort(seen->list, seen->n, sizeof *seen->list, CompareStates);
  while (same + 1 < seen->n && seen->list[same].state != seen->list[same + 1].state) same++;
  if (same + 1 >= seen->n) PetscFunctionReturn(PETSC_SUCCESS);
  const SweepState a = seen->list[same], b = seen->list[same + 1];
  const char      *seed = m->sweep->seed_key[0] ? m->sweep->seed_key : "a seed";
  PetscCheck(a.set == b.set, m->comm, PETSC_ERR_ARG_INCOMP, "sweep of %s: trajectory %zu of the %s%s and trajectory %zu of the test %s have the same initial state and the same parameters: its initial state does not depend on %s, and no test would show what was not seen; make it random (initial.type), or give the test other values (sweep.tests.%s)",
             m->sweep->file.name, a.trajectory, a.set ? "test " : "training", m->sweep->sets[a.set].name, b.trajectory, m->sweep->sets[b.set].name, seed, m->sweep->sets[b.set].name);
  SETERRQ(m->comm, PETSC_ERR_ARG_INCOMP, "sweep of %s: trajectories %zu and %zu have the same initial state and the same parameters: its initial state does not depend on %s; make it random (initial.type), or ask for no more trajectories than there are combinations of values (%zu)",
          m->sweep->file.name, a.trajectory, b.trajectory, seed, m->set->combinations);
}

/* Of a set whose file is kept, its initial states alone are made again. */
static PetscErrorCode MakeStates(SweepMaking *m)
{
  const size_t n_frames = m->layout.n_frames;
  double      *values, *to[SWEEP_MAX_VARIABLES];
  size_t       n = 0;

  PetscFunctionBeginUser;
  m->layout.n_frames = 1;
  for (size_t f = 0; f < m->layout.n_fields; f++) n += m->layout.fields[f].n;
  PetscCall(PetscMalloc1(n, &values));
  PetscCall(PetscCalloc1(m->set->n, &m->states));
  for (size_t f = 0, at = 0; f < m->layout.n_fields; at += m->layout.fields[f++].n) to[f] = values + at;
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = PETSC_SUCCESS;
  for (size_t i = (size_t)m->rank; i < m->set->n && !failed; i += (size_t)m->size) {
    SweepMotion motion = {.n_particles = 0};
    if (m->layout.particles) failed = SweepMotionCreate(m->sweep, m->set, &m->layout, i, &motion);
    else failed = SweepTrajectory(m->sweep, m->set, &m->layout, i, to);
    if (!failed) m->states[i] = m->layout.particles ? SweepParticleState(m, i, &motion) : FieldState(m, i, (const double *const *)to);
    PetscCall(SweepMotionDestroy(&motion));
  }
  NomosErrorSetQuiet(quiet);
  failed = NomosErrorAgree(m->comm, failed);
  if (!failed) failed = SweepCheckDistinct(m);
  m->layout.n_frames = n_frames;
  PetscCall(PetscFree(m->states));
  PetscCall(PetscFree(values));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Report(const SweepMaking *m, const char path[], double seconds)
{
  char change[512] = "";

  PetscFunctionBeginUser;
  if (!m->log) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosLogProgressEnd(m->log));
  for (size_t f = 0; f < m->layout.n_fields && !m->layout.particles; f++) snprintf(change + strlen(change), sizeof change - strlen(change), "%s%s %.2g", f ? ", " : "; largest change of a field's mean, in its largest value: ", m->layout.fields[f].variable->name, m->change[f]);
  PetscCall(NomosLogPrint(m->log, NOMOS_LOG_INFO, "sweep", "%s: %zu trajectories of %zu frames in %.3g s, all finite, no two the same%s", path, m->set->n, m->layout.n_frames, seconds, change));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- sets */

/* Is the file there already, made of the same? Rank 0 looks. */
static PetscErrorCode IsMade(const SweepMaking *m, const char path[], bool *made)
{
  int there = 0;

  PetscFunctionBeginUser;
  if (!m->rank && !access(path, R_OK)) {
    NomosFieldReader reader = NULL;
    char            *hash   = NULL;
    const bool       quiet  = NomosErrorSetQuiet(true); /* whatever is wrong with it, it is made anew */
    if (!NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader) && !NomosFieldReaderAttribute(reader, NULL, "sweep", &hash)) there = hash && !strcmp(hash, m->layout.hash);
    NomosErrorSetQuiet(quiet);
    PetscCall(PetscFree(hash));
    PetscCall(NomosFieldReaderClose(&reader));
  }
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, m->comm));
  *made = there;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFile(SweepMaking *m, const char partial[])
{
  const size_t   share = (m->set->n + (size_t)m->size - 1) / (size_t)m->size;
  NomosFieldFile out;
  File           file = {.n_dims = 0};

  PetscFunctionBeginUser;
  m->chunk = PetscMax(1, PetscMin(share, CHUNK_BYTES / (m->layout.n * sizeof(double))));
  PetscErrorCode failed = Describe(m, &file);
  file.input.path       = partial;
  if (!failed) failed = NomosFieldFileCreate(m->comm, &file.input, &out);
  if (!failed) {
    PetscCall(PetscMalloc2(m->chunk * m->layout.n, &m->values, m->chunk * m->sweep->n_parameters, &m->parameters));
    PetscCall(PetscCalloc1(m->set->n, &m->states));
    failed = MakeAll(m, out);
    if (!failed) failed = SweepCheckDistinct(m);
    const PetscErrorCode closed = NomosFieldFileClose(&out);
    if (!failed) failed = closed;
    PetscCall(PetscFree2(m->values, m->parameters));
    PetscCall(PetscFree(m->states));
  }
  for (size_t d = 0; d < file.n_dims; d++) PetscCall(PetscFree(file.coordinates[d]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeFile(SweepMaking *m, const char path[])
{
  NomosVerdict verdict = {0};
  char         partial[NOMOS_MAX_PATH];
  const double begin = MPI_Wtime();

  PetscFunctionBeginUser;
  snprintf(partial, sizeof partial, "%.4000s.partial", path);
  PetscErrorCode failed = m->layout.particles ? SweepFillParticles(m, partial) : FillFile(m, partial);
  if (!m->rank && failed) unlink(partial);
  PetscCall(failed);
  if (!m->rank && rename(partial, path)) {
    verdict.code = PETSC_ERR_FILE_WRITE;
    snprintf(verdict.message, sizeof verdict.message, "%s cannot be renamed to %s: %s", partial, path, strerror(errno));
  }
  PetscCall(NomosVerdictAgree(m->comm, &verdict));
  PetscCall(Report(m, path, MPI_Wtime() - begin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NAME.nc is NAME.h5 where it holds particles: groups are no NetCDF that xarray would open. */
static void NameFile(const SweepMaking *m, const char given[], char path[NOMOS_MAX_PATH])
{
  const size_t length = strlen(given);

  snprintf(path, NOMOS_MAX_PATH, "%.4000s", given);
  if (m->layout.particles && length > 3 && !strcmp(given + length - 3, ".nc")) snprintf(path + length - 3, NOMOS_MAX_PATH - length, ".h5");
}

/* Its layout, and is its file there already? `path` becomes the file's name. */
static PetscErrorCode OpenSet(SweepMaking *m, char path[NOMOS_MAX_PATH], bool *made)
{
  char given[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = SweepLayoutCreate(m->sweep, m->set, &m->layout);
  NomosErrorSetQuiet(quiet);
  PetscCall(NomosErrorAgree(m->comm, failed));
  snprintf(given, sizeof given, "%s", path);
  NameFile(m, given, path);
  failed = IsMade(m, path, made);
  if (failed) PetscCall(SweepLayoutDestroy(&m->layout));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* others: is the file of any set to be made? */
static PetscErrorCode MakeSet(SweepMaking *m, char path[NOMOS_MAX_PATH], bool others)
{
  bool made = false;

  PetscFunctionBeginUser;
  PetscCall(OpenSet(m, path, &made));
  PetscErrorCode failed = PETSC_SUCCESS;
  if (!made) failed = MakeFile(m, path);
  else if (others) failed = MakeStates(m);
  if (!failed && made && m->log) failed = NomosLogPrint(m->log, NOMOS_LOG_INFO, "sweep", "%s is there already, made of the same values", path);
  PetscCall(SweepLayoutDestroy(&m->layout));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DATA/tests, without files of sweeps that asked for other tests: a training would take them for its own. They are named. */
static PetscErrorCode PrepareTests(MPI_Comm comm, const Sweep *sweep, NomosLog log, const char directory[])
{
  NomosVerdict    verdict = {0};
  struct dirent **entries = NULL;
  int             rank, n = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && sweep->n_sets > 1 && mkdir(directory, 0777) && errno != EEXIST) {
    verdict.code = PETSC_ERR_FILE_OPEN;
    snprintf(verdict.message, sizeof verdict.message, "%s: cannot be created: %s", directory, strerror(errno));
  }
  if (!rank && !verdict.code) n = scandir(directory, &entries, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    char             path[NOMOS_MAX_PATH + 256], *hash = NULL;
    bool             asked  = false;
    NomosFieldReader reader = NULL;
    const size_t     length = strlen(entries[i]->d_name);
    for (size_t s = 1; s < sweep->n_sets; s++) asked = asked || (length == strlen(sweep->sets[s].name) + 3 && !strncmp(entries[i]->d_name, sweep->sets[s].name, length - 3));
    snprintf(path, sizeof path, "%.4000s/%s", directory, entries[i]->d_name);
    const bool quiet = NomosErrorSetQuiet(true);
    if (!asked && length > 3 && (!strcmp(entries[i]->d_name + length - 3, ".nc") || !strcmp(entries[i]->d_name + length - 3, ".h5")) && !NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader) && !NomosFieldReaderAttribute(reader, NULL, "sweep", &hash) && hash && !unlink(path) && log) (void)NomosLogPrint(log, NOMOS_LOG_WARNING, "sweep", "%s is removed: it is a test set of another sweep, which this one does not ask for", path);
    NomosErrorSetQuiet(quiet);
    PetscCall(PetscFree(hash));
    PetscCall(NomosFieldReaderClose(&reader));
    free(entries[i]);
  }
  free(entries);
  PetscCall(NomosVerdictAgree(comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSets(MPI_Comm comm, const Sweep *sweep, NomosLog log, const char path[])
{
  const char *slash  = strrchr(path, '/');
  const int   length = slash ? (int)(slash - path) : 1;
  char        tests[NOMOS_MAX_PATH], file[NOMOS_MAX_PATH];
  size_t      all = 0, before = 0;
  bool        others = false;
  SweepStates seen = {.n = 0};

  PetscFunctionBeginUser;
  snprintf(tests, sizeof tests, "%.*s/tests", PetscMin(length, 3900), slash ? path : ".");
  PetscCall(PrepareTests(comm, sweep, log, tests));
  for (size_t s = 0; s < sweep->n_sets; s++) all += sweep->sets[s].n;
  PetscErrorCode failed = PETSC_SUCCESS;
  for (int pass = sweep->n_sets == 1; pass < 2 && !failed; pass++) /* is any to be made? then made */
    for (size_t s = 0; s < sweep->n_sets && !failed && (pass || !others); s++) {
      SweepMaking m = {.sweep = sweep, .set = &sweep->sets[s], .comm = comm, .log = log, .before = before, .all = all, .seen = &seen};
      bool        made;
      PetscCallMPI(MPI_Comm_rank(comm, &m.rank));
      PetscCallMPI(MPI_Comm_size(comm, &m.size));
      if (s) snprintf(file, sizeof file, "%.3950s/%.100s.nc", tests, m.set->name);
      else snprintf(file, sizeof file, "%.4000s", path);
      if (pass) {
        failed = MakeSet(&m, file, others);
        before += m.set->n;
      } else if (!(failed = OpenSet(&m, file, &made))) {
        others = !made;
        PetscCall(SweepLayoutDestroy(&m.layout));
      }
    }
  PetscCall(PetscFree(seen.list));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(MPI_Comm comm, NomosConfig config, NomosLog log, const char path[])
{
  Sweep sweep;

  PetscFunctionBeginUser;
  PetscErrorCode failed = SweepRead(config, &sweep);
  if (!failed) failed = WriteSets(comm, &sweep, log, path);
  PetscCall(SweepFree(&sweep));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every set's case can be made. */
static PetscErrorCode Check(MPI_Comm comm, NomosConfig config)
{
  Sweep       sweep;
  SweepLayout layout;

  PetscFunctionBeginUser;
  PetscErrorCode failed = SweepRead(config, &sweep);
  const bool     read   = !failed, quiet = NomosErrorSetQuiet(true);
  for (size_t s = 0; s < sweep.n_sets && !failed; s++) {
    failed = SweepLayoutCreate(&sweep, &sweep.sets[s], &layout);
    if (!failed) failed = SweepLayoutDestroy(&layout);
  }
  NomosErrorSetQuiet(quiet);
  PetscCall(SweepFree(&sweep));
  if (read) failed = NomosErrorAgree(comm, failed); /* of the case of this process; what is read is the same on all */
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosGenerator nomos_generator_sweep = {
  .name      = "sweep",
  .summary   = "Trajectories of a case over values of its parameters and random initial states, for emulators: each field over (trajectory, time, space), each parameter over (trajectory); and sets for tests alone.",
  .reference = "doi:10.48550/arXiv.2210.07182",
  .n_params  = SWEEP_N_PARAMS,
  .params    = sweep_params,
  .declare   = SweepDeclare,
  .n_groups  = SWEEP_N_GROUPS,
  .groups    = sweep_groups,
  .check     = Check,
  .write     = Write,
};
