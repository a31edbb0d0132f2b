/* The generator `sweep`: trajectories of a case over values of its parameters and seeds of its initial states, for emulators of a family of PDEs.

   Of particles the files are NAME.h5 (io/particle_file.h): each trajectory has its own number of them, and says with which settings it can be run again.

   A file (surrogates/dataset.h) holds a set of them: each field over (trajectory, time, its own axes), without time if it does not change; each parameter that differs over (trajectory), with its whole key as an attribute,
   and each key that takes the same value; coordinates; and as attributes of the file the family and equation, the scheme, the case, the values of the parameters that do not differ. The set of the training is the file asked for, DATA/sweep.nc; those of sweep.tests are DATA/tests/NAME.nc.

   No two trajectories have the same seed, whatever their parameters: a test never shows an initial state that was seen in training. Where the initial state does not depend on a seed, no two of any sets have the same one with
   the same parameters. Trajectory i is the same however many there are. Every rank makes whole trajectories; a
   file is the same bit for bit for any number of ranks. It has its name only when it is complete, and what is there already from the same values is kept; of one that was stopped or killed in the making, the trajectories that its
   note (FILE.partial.made) counts. */
#include "cases/sweep_impl.h"

#include "cases/generator_list.h"
#include "io/disk.h"
#include "io/ends.h"
#include "io/provenance.h"
#include "io/verdict.h"
#include "operators/generator.h"

#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAX_DIMS = 12, CHUNK_BYTES = 1 << 26, MAX_ATTRIBUTES = 128, TURN_SECONDS = 5 };

/* ---- the file */

typedef struct {
  NomosFieldFileInput input;
  size_t              n_dims, n_attributes;
  NomosFieldDim       dims[MAX_DIMS];
  double             *coordinates[MAX_DIMS];
  NomosFieldVariable  variables[SWEEP_MAX_VARIABLES + SWEEP_MAX_COLUMNS];
  NomosFieldAttribute attributes[MAX_ATTRIBUTES];
  char                scheme[512], long_names[SWEEP_MAX_COLUMNS][256], methods[SWEEP_MAX_VARIABLES][64];
  NomosEnds           ends;
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
  PetscCall(NomosEndsOfCase(run->config, file->n_dims, file->dims, &file->ends));
  for (size_t i = 0; i < file->ends.n; i++) AddText(file, NULL, file->ends.list[i].name, file->ends.list[i].text);
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
  for (size_t t = 0; t < n && !SweepStopped(m->sweep); t++) {
    double *to[SWEEP_MAX_VARIABLES], *at = m->values;
    for (size_t f = 0; f < m->layout.n_fields; f++) {
      const size_t size = SweepRows(&m->layout, f) * m->layout.fields[f].n;
      to[f]             = at + t * size;
      at += m->chunk * size;
    }
    PetscCall(SweepTrajectory(m->sweep, m->set, &m->layout, first + t, to));
    if (SweepStopped(m->sweep)) break;
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

PetscErrorCode SweepAgreeToStop(SweepMaking *m)
{
  int stop = SweepStopped(m->sweep);

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_INT, MPI_MAX, m->comm));
  m->stopped = stop;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the note: of which sweep a file in the making is, and how many trajectories are in it */

static void NameNote(const char partial[], char note[NOMOS_MAX_PATH])
{
  snprintf(note, NOMOS_MAX_PATH, "%.4000s.made", partial);
}

static PetscErrorCode WriteNote(const SweepMaking *m, const char partial[])
{
  char note[NOMOS_MAX_PATH], text[64];

  PetscFunctionBeginUser;
  NameNote(partial, note);
  snprintf(text, sizeof text, "%s %zu\n", m->layout.hash, m->made);
  PetscCall(NomosWriteFileAtomic(m->comm, note, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* m->made, 0 where there is no such file. */
static PetscErrorCode ReadNote(SweepMaking *m, const char partial[])
{
  char     note[NOMOS_MAX_PATH], hash[17] = "";
  uint64_t made = 0;

  PetscFunctionBeginUser;
  NameNote(partial, note);
  FILE *file = m->rank || access(partial, R_OK | W_OK) ? NULL : fopen(note, "r");
  if (file && (fscanf(file, "%16s %" SCNu64, hash, &made) != 2 || strcmp(hash, m->layout.hash) || made > m->set->n)) made = 0;
  if (file) fclose(file);
  PetscCallMPI(MPI_Bcast(&made, 1, MPI_UINT64_T, 0, m->comm));
  m->made = (size_t)made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0; the file that it counts goes first, or has its name by now. */
static void RemoveNote(const char partial[])
{
  char note[NOMOS_MAX_PATH];

  NameNote(partial, note);
  unlink(note);
}

/* A file to be filled: one that was stopped or killed in the making, behind what is in it, or a new one. */
static PetscErrorCode OpenPartial(SweepMaking *m, const NomosFieldFileInput *input, NomosFieldFile *file)
{
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(ReadNote(m, input->path));
  if (m->made) NomosQuietly(failed, NomosFieldFileResume(m->comm, input, 0, file));
  if (failed) m->made = 0;
  if (m->made) {
    if (m->log) PetscCall(NomosLogPrint(m->log, NOMOS_LOG_INFO, "sweep", "%s: %zu of %zu trajectories are there already", input->path, m->made, m->set->n));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!m->rank) RemoveNote(input->path);
  PetscCall(NomosFieldFileCreate(m->comm, input, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ranks take turns of so many trajectories that one takes about TURN_SECONDS, at most `chunk`, and write together: what a kill costs. */
static PetscErrorCode MakeAll(SweepMaking *m, NomosFieldFile file, const char partial[])
{
  size_t turn = 1;

  PetscFunctionBeginUser;
  while (m->made < m->set->n) {
    const size_t   first = PetscMin(m->set->n, m->made + (size_t)m->rank * turn), n = PetscMin(turn, m->set->n - first);
    double         seconds = -MPI_Wtime();
    PetscErrorCode failed;
    NomosQuietly(failed, MakeChunk(m, first, n));
    PetscCall(NomosErrorAgree(m->comm, failed));
    PetscCall(SweepAgreeToStop(m));
    if (m->stopped) break;
    PetscCall(WriteChunk(m, file, first, n));
    m->made = PetscMin(m->set->n, m->made + turn * (size_t)m->size);
    if (m->made < m->set->n) PetscCall(WriteNote(m, partial));
    seconds += MPI_Wtime();
    PetscCallMPI(MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, m->comm));
    turn = (size_t)PetscMin((double)m->chunk, PetscMax(1, (double)turn * TURN_SECONDS / PetscMax(seconds, 1e-9)));
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

/* Of trajectories that are kept, the first `kept`, the initial states alone are made again. */
static PetscErrorCode MakeStates(SweepMaking *m, size_t kept)
{
  const size_t n_frames = m->layout.n_frames;
  double      *values, *to[SWEEP_MAX_VARIABLES];
  size_t       n = 0;

  PetscFunctionBeginUser;
  m->layout.n_frames = 1;
  for (size_t f = 0; f < m->layout.n_fields; f++) n += m->layout.fields[f].n;
  PetscCall(PetscMalloc1(n, &values));
  for (size_t f = 0, at = 0; f < m->layout.n_fields; at += m->layout.fields[f++].n) to[f] = values + at;
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = PETSC_SUCCESS;
  for (size_t i = (size_t)m->rank; i < kept && !failed && !SweepStopped(m->sweep); i += (size_t)m->size) {
    SweepMotion motion = {.n_particles = 0};
    if (m->layout.particles) failed = SweepMotionCreate(m->sweep, m->set, &m->layout, i, &motion);
    else failed = SweepTrajectory(m->sweep, m->set, &m->layout, i, to);
    if (!failed && !SweepStopped(m->sweep)) m->states[i] = m->layout.particles ? SweepParticleState(m, i, &motion) : FieldState(m, i, (const double *const *)to);
    PetscCall(SweepMotionDestroy(&motion));
  }
  NomosErrorSetQuiet(quiet);
  failed = NomosErrorAgree(m->comm, failed);
  if (!failed) failed = SweepAgreeToStop(m);
  m->layout.n_frames = n_frames;
  PetscCall(PetscFree(values));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A set whose file is kept, beside others that are made. */
static PetscErrorCode CheckKept(SweepMaking *m)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(m->set->n, &m->states));
  PetscErrorCode failed = MakeStates(m, m->set->n);
  if (!failed && !m->stopped) failed = SweepCheckDistinct(m);
  PetscCall(PetscFree(m->states));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Report(const SweepMaking *m, const char path[], double seconds)
{
  char change[512] = "";

  PetscFunctionBeginUser;
  if (!m->log) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosLogProgressEnd(m->log));
  for (size_t f = 0; f < m->layout.n_fields && !m->layout.particles; f++) NomosTextAppend(sizeof change, change, "%s%s %.2g", f ? ", " : "; largest change of a field's mean, in its largest value: ", m->layout.fields[f].variable->name, m->change[f]);
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
  if (!failed) failed = OpenPartial(m, &file.input, &out);
  if (!failed) {
    PetscCall(PetscMalloc2(m->chunk * m->layout.n, &m->values, m->chunk * m->sweep->n_parameters, &m->parameters));
    PetscCall(PetscCalloc1(m->set->n, &m->states));
    failed = MakeStates(m, m->made);
    if (!failed && !m->stopped) failed = MakeAll(m, out, partial);
    if (!failed && !m->stopped) failed = SweepCheckDistinct(m);
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
  if (!m->rank && (failed || (m->stopped && !m->made))) unlink(partial);
  if (!m->rank && failed) RemoveNote(partial);
  PetscCall(failed);
  if (m->stopped) {
    if (m->log) PetscCall(NomosLogProgressEnd(m->log));
    if (m->log) PetscCall(NomosLogPrint(m->log, NOMOS_LOG_INFO, "sweep", "%s: stopped; of its %zu trajectories %zu are made and kept", path, m->set->n, m->made));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!m->rank && rename(partial, path)) NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s cannot be renamed to %s: %s", partial, path, strerror(errno));
  PetscCall(NomosVerdictRaise(m->comm, &verdict));
  if (!m->rank) RemoveNote(partial);
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
  char           given[NOMOS_MAX_PATH];
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  NomosQuietly(failed, SweepLayoutCreate(m->sweep, m->set, &m->layout));
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
  else if (others) failed = CheckKept(m);
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
  if (!rank && sweep->n_sets > 1 && mkdir(directory, 0777) && errno != EEXIST) NomosVerdictFail(&verdict, PETSC_ERR_FILE_OPEN, "%s: cannot be created: %s", directory, strerror(errno));
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
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSets(const Sweep *sweep, bool *whole)
{
  const MPI_Comm comm = sweep->output->comm;
  const NomosLog log  = sweep->output->log;
  const char *path   = sweep->output->path, *slash = strrchr(path, '/');
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
  *whole                = true;
  for (int pass = sweep->n_sets == 1; pass < 2 && !failed; pass++) /* is any to be made? then made */
    for (size_t s = 0; s < sweep->n_sets && !failed && *whole && (pass || !others); s++) {
      SweepMaking m = {.sweep = sweep, .set = &sweep->sets[s], .comm = comm, .log = log, .before = before, .all = all, .seen = &seen};
      bool        made;
      PetscCallMPI(MPI_Comm_rank(comm, &m.rank));
      PetscCallMPI(MPI_Comm_size(comm, &m.size));
      if (s) snprintf(file, sizeof file, "%.3950s/%.100s.nc", tests, m.set->name);
      else snprintf(file, sizeof file, "%.4000s", path);
      if (pass) {
        failed = MakeSet(&m, file, others);
        *whole = !m.stopped;
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

static PetscErrorCode Write(const NomosGeneratorOutput *output, bool *whole)
{
  Sweep sweep;

  PetscFunctionBeginUser;
  PetscErrorCode failed = SweepRead(output->config, &sweep);
  sweep.output          = output;
  if (!failed) failed = WriteSets(&sweep, whole);
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

/* What the file of the training will hold, of fields on a grid. */
static PetscErrorCode Sketch(const SweepMaking *m, NomosDataOutline *outline)
{
  File file = {.n_dims = 0};

  PetscFunctionBeginUser;
  PetscErrorCode failed = Describe(m, &file);
  for (size_t f = 0; f < m->layout.n_fields && !failed; f++) {
    const SweepField  *field = &m->layout.fields[f];
    NomosOutlineField *to    = &outline->fields[outline->n_fields++];
    snprintf(to->name, sizeof to->name, "%s", field->variable->name);
    for (int a = 0; a < field->n_axes && to->n_space < 3; a++) to->points[to->n_space++] = field->shape[a];
  }
  for (size_t k = 0; k < m->sweep->n_columns && !failed; k++) snprintf(outline->numbers[outline->n_numbers++], NOMOS_MAX_NAME, "%s", m->sweep->columns[k].name);
  for (size_t i = 0; i < file.n_attributes && !failed; i++)
    if (!file.attributes[i].variable && !file.attributes[i].text) snprintf(outline->numbers[outline->n_numbers++], NOMOS_MAX_NAME, "%s", file.attributes[i].name);
  for (size_t d = 0; d < file.n_dims; d++) PetscCall(PetscFree(file.coordinates[d]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Outline(MPI_Comm comm, NomosConfig config, NomosDataOutline *outline)
{
  Sweep       sweep;
  SweepMaking m = {.sweep = &sweep, .set = sweep.sets};

  PetscFunctionBeginUser;
  memset(outline, 0, sizeof *outline);
  PetscErrorCode failed = SweepRead(config, &sweep);
  const bool     read   = !failed, quiet = NomosErrorSetQuiet(true);
  if (read) failed = SweepLayoutCreate(&sweep, m.set, &m.layout);
  if (read && !failed) {
    if (!m.layout.particles) failed = Sketch(&m, outline);
    PetscCall(SweepLayoutDestroy(&m.layout));
  }
  NomosErrorSetQuiet(quiet);
  PetscCall(SweepFree(&sweep));
  if (read) failed = NomosErrorAgree(comm, failed);
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
  .outline   = Outline,
  .write     = Write,
};
