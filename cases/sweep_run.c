/* One trajectory of a sweep: the case with its parameters and its seed, run in memory. */
#include "cases/sweep_impl.h"

#include "io/disk.h"
#include "solvers/solver_list.h"
#include "surrogates/reduced_order_graph/rerun.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { HASH_BLOCK = 1 << 20 };

/* ---- the case */

static PetscErrorCode Load(const Sweep *sweep, const SweepSet *set, size_t i, SweepRun *run)
{
  SweepSettings settings;

  PetscFunctionBeginUser;
  PetscErrorCode failed = SweepSettingsCreate(sweep, set, i, &settings);
  if (!failed) failed = NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = sweep->file.path, .models = nomos_solvers, .n_set = settings.n, .set = (const char *const *)settings.list}, &run->config, &run->ops);
  PetscCall(SweepSettingsDestroy(&settings));
  PetscCall(failed);
  PetscCall(NomosRunParamsGet(run->config, &run->params));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, run->ops, run->config, &run->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What went wrong, behind the name of the trajectory. */
static PetscErrorCode Retell(const Sweep *sweep, const SweepSet *set, size_t i, PetscErrorCode failed)
{
  char name[256];

  PetscFunctionBeginUser;
  PetscCall(NomosErrorRetell(PETSC_COMM_SELF, failed, "sweep of %s, %s", sweep->file.name, SweepTrajectoryText(sweep, set, i, name)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepRunCreate(const Sweep *sweep, const SweepSet *set, size_t i, SweepRun *run)
{
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  memset(run, 0, sizeof *run);
  run->sweep = sweep;
  NomosQuietly(failed, Load(sweep, set, i, run));
  failed = Retell(sweep, set, i, failed);
  if (failed) PetscCall(SweepRunDestroy(run));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepRunDestroy(SweepRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(NomosModelDestroy(&run->model));
  if (run->config) PetscCall(NomosConfigDestroy(&run->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what trajectories have in common */

static const NomosFieldDim *DimOf(const NomosFileLayout *layout, const char name[])
{
  size_t d = 0;

  while (strcmp(layout->dims[d].name, name)) d++;
  return &layout->dims[d];
}

static bool IsSpace(const char dim[])
{
  return !strcmp(dim, "x") || !strcmp(dim, "y") || !strcmp(dim, "z");
}

static PetscErrorCode AddField(const Sweep *sweep, const NomosFieldVariable *variable, SweepLayout *layout)
{
  SweepField *f = &layout->fields[layout->n_fields++];

  PetscFunctionBeginUser;
  *f = (SweepField){.variable = variable, .n_full = 1, .n = 1, .constant = variable->constant};
  for (; f->n_axes < NOMOS_FIELD_MAX_DIMS && variable->dims[f->n_axes]; f->n_axes++) {
    const NomosFieldDim *dim = DimOf(&layout->layout, variable->dims[f->n_axes]);
    const int            a   = f->n_axes;
    f->every[a] = IsSpace(dim->name) ? sweep->coarsen : 1;
    f->full[a]  = dim->size;
    f->shape[a] = dim->size / f->every[a];
    f->mean     = f->mean || dim->cells;
    PetscCheck(f->shape[a] * f->every[a] == f->full[a], PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: sweep.coarsen = %zu does not divide the %zu %s along %s", NomosConfigWhere(sweep->config, "sweep.coarsen"), sweep->coarsen, f->full[a], dim->cells ? "cells" : "points", dim->name);
    f->n_full *= f->full[a];
    f->n *= f->shape[a];
  }
  PetscCheck(f->n_axes + 2 <= NOMOS_FIELD_MAX_DIMS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s has %d axes: with trajectories and frames more than %d; leave it out with sweep.fields", variable->name, f->n_axes, NOMOS_FIELD_MAX_DIMS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Positions of particles, whose number each trajectory has for itself; what they are made of goes with them. */
static bool HasParticles(const NomosFileLayout *layout)
{
  for (size_t v = 0; v < layout->n_variables; v++)
    if (!strcmp(layout->variables[v].name, "position") && layout->variables[v].dims[0] && !strcmp(layout->variables[v].dims[0], "particle")) return true;
  return false;
}

static bool IsWanted(const Sweep *sweep, const SweepLayout *layout, const NomosFieldVariable *variable)
{
  bool wanted = layout->particles ? !strcmp(variable->name, variable->constant ? "material" : "position") : !sweep->n_fields;

  if (!layout->particles && variable->constant) wanted = false; /* unless it is named */
  for (size_t i = 0; i < sweep->n_fields && !(layout->particles && variable->constant); i++) wanted = wanted || !strcmp(variable->name, sweep->fields[i]);
  return wanted;
}

static PetscErrorCode ChooseFields(const Sweep *sweep, SweepLayout *layout)
{
  const char *names[SWEEP_MAX_VARIABLES];
  char        list[200] = "";
  size_t      n = 0, length = 0;

  PetscFunctionBeginUser;
  layout->particles = HasParticles(&layout->layout);
  for (size_t v = 0; v < layout->layout.n_variables && n < SWEEP_MAX_VARIABLES; v++)
    if (!layout->particles || !layout->layout.variables[v].constant) names[n++] = layout->layout.variables[v].name;
  for (size_t i = 0; i < n && length < sizeof list; i++) length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "", names[i]);
  for (size_t i = 0; i < sweep->n_fields; i++) {
    bool known = false;
    for (size_t k = 0; k < n; k++) known = known || !strcmp(names[k], sweep->fields[i]);
    PetscCheck(known, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: sweep.fields names %s, which %s does not write; name some of %s", NomosConfigWhere(sweep->config, "sweep.fields"), sweep->fields[i], layout->run.ops->name, list);
  }
  for (size_t v = 0; v < layout->layout.n_variables && layout->n_fields < SWEEP_MAX_VARIABLES; v++)
    if (IsWanted(sweep, layout, &layout->layout.variables[v])) PetscCall(AddField(sweep, &layout->layout.variables[v], layout));
  bool moves = false;
  for (size_t f = 0; f < layout->n_fields; f++) moves = moves || !layout->fields[f].constant;
  PetscCheck(moves, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s writes no fields over time", layout->run.ops->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void HashTexts(XXH64_state_t *state, size_t n, const char *const texts[])
{
  for (size_t i = 0; i < n; i++) XXH64_update(state, texts[i], strlen(texts[i]) + 1);
}

/* What a file of the case holds (an initial state) is what the data are made of, wherever it lies. */
static PetscErrorCode HashFile(const NomosParam *param, const char value[], const char origin[], void *state)
{
  FILE *file = param->type == NOMOS_PARAM_FILE && value[0] && NomosIsFile(value) ? fopen(value, "rb") : NULL;

  PetscFunctionBeginUser;
  (void)origin;
  if (!file) PetscFunctionReturn(PETSC_SUCCESS);
  char *block = malloc(HASH_BLOCK);
  for (size_t n; block && (n = fread(block, 1, HASH_BLOCK, file)) > 0;) XXH64_update(state, block, n);
  const bool failed = !block || ferror(file);
  free(block);
  fclose(file);
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "%s = %s: the file cannot be read", param->key, value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that the numbers of a file depend on. The hash of a case's values is that of trajectory 0; the others differ from it as the sweep says. */
static PetscErrorCode Hash(const Sweep *sweep, const SweepSet *set, SweepLayout *layout)
{
  static const char *const beside[] = {"case.", "output.", "checkpoint.", "run.", "time.max_wall", "time.check_every"};
  char                     of_case[17];
  XXH64_state_t           *state = XXH64_createState();

  PetscFunctionBeginUser;
  PetscCheck(state && !XXH64_reset(state, 0), PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory left for a hash");
  PetscCall(NomosConfigHash(layout->run.config, sizeof beside / sizeof *beside, beside, of_case));
  const uint64_t numbers[] = {set->n, set->first_seed, sweep->coarsen, sweep->type, layout->n_frames, layout->n_fields, sweep->n_parameters};
  XXH64_update(state, NOMOS_VERSION, sizeof NOMOS_VERSION);
  XXH64_update(state, of_case, sizeof of_case);
  PetscCall(NomosConfigVisit(layout->run.config, HashFile, state));
  XXH64_update(state, numbers, sizeof numbers);
  XXH64_update(state, &layout->every, sizeof layout->every);
  for (size_t f = 0; f < layout->n_fields; f++) XXH64_update(state, layout->fields[f].variable->name, strlen(layout->fields[f].variable->name) + 1);
  for (size_t k = 0; k < sweep->n_parameters; k++) {
    const SweepParameter *p         = &sweep->parameters[k];
    const SweepValues    *values    = &set->values[k];
    const double          reals[3]  = {values->low, values->high, values->log};
    const uint64_t        counts[2] = {values->n, p->n_also};
    XXH64_update(state, p->name, strlen(p->name) + 1);
    XXH64_update(state, p->key, strlen(p->key) + 1);
    XXH64_update(state, counts, sizeof counts);
    XXH64_update(state, reals, sizeof reals);
    if (values->n) XXH64_update(state, values->values, values->n * sizeof *values->values);
    HashTexts(state, p->n_also, p->also);
  }
  HashTexts(state, sweep->n_compose, sweep->compose);
  for (size_t v = 0; v < set->n_variants; v++) HashTexts(state, sweep->variants[set->variants[v]].n, sweep->variants[set->variants[v]].compose);
  snprintf(layout->hash, sizeof layout->hash, "%016llx", (unsigned long long)XXH64_digest(state));
  XXH64_freeState(state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosFieldVariable *VariableOf(const NomosFileLayout *layout, const char name[])
{
  for (size_t v = 0; v < layout->n_variables; v++)
    if (!strcmp(layout->variables[v].name, name)) return &layout->variables[v];
  return NULL;
}

/* A file has one grid: every trajectory must be on that of trajectory 0. Of particles each has its own number. */
static PetscErrorCode CheckGrid(const SweepLayout *common, SweepRun *run)
{
  NomosFileLayout own = {.n_dims = 0};

  PetscFunctionBeginUser;
  if (common->particles) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(run->ops->field_layout(run->model, &own));
  for (size_t f = 0; f < common->n_fields; f++) {
    const NomosFieldVariable *first = common->fields[f].variable, *variable = VariableOf(&own, first->name);
    PetscCheck(variable && variable->constant == first->constant, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "it does not write %s as trajectory 0 does: all trajectories of a file must have the same fields", first->name);
    for (int a = 0; a < NOMOS_FIELD_MAX_DIMS && (first->dims[a] || variable->dims[a]); a++) {
      PetscCheck(first->dims[a] && variable->dims[a] && !strcmp(first->dims[a], variable->dims[a]), PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s has other axes than in trajectory 0: all trajectories of a file must have the same", first->name);
      const NomosFieldDim *of_first = DimOf(&common->layout, first->dims[a]), *dim = DimOf(&own, first->dims[a]);
      PetscCheck(dim->size == of_first->size, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "it has %zu %s along %s, trajectory 0 has %zu: a file has one grid; make a sweep for each", dim->size, dim->cells ? "cells" : "points", dim->name, of_first->size);
      for (size_t i = 0; i < dim->size && dim->values && of_first->values; i++) {
        const double range = fabs(of_first->values[dim->size - 1] - of_first->values[0]);
        NomosCheck(fabs(dim->values[i] - of_first->values[i]) <= 1e-9 * range, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s[%zu] is %.10g, in trajectory 0 %.10g: a file has one grid; make a sweep for each", dim->name, i, dim->values[i], of_first->values[i]);
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TryGrid(const Sweep *sweep, const SweepSet *set, const SweepLayout *layout, size_t i)
{
  SweepRun run;

  PetscFunctionBeginUser;
  if (i >= set->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SweepRunCreate(sweep, set, i, &run));
  PetscErrorCode failed = CheckGrid(layout, &run);
  if (failed) failed = Retell(sweep, set, i, failed);
  PetscCall(SweepRunDestroy(&run));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before any is run: the next value of each parameter, and each variant. */
static PetscErrorCode TryGrids(const Sweep *sweep, const SweepSet *set, const SweepLayout *layout)
{
  size_t stride = 1, tried = 0;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < sweep->n_parameters; k++) {
    if (set->values[k].n != 1 && stride != tried) PetscCall(TryGrid(sweep, set, layout, tried = stride));
    stride *= PetscMax(1, set->values[k].n);
  }
  for (size_t v = 1; v < set->n_variants; v++) PetscCall(TryGrid(sweep, set, layout, v * set->combinations));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeLayout(const Sweep *sweep, const SweepSet *set, SweepLayout *layout)
{
  const NomosRunParams *params = &layout->run.params;

  PetscFunctionBeginUser;
  PetscCall(layout->run.ops->field_layout(layout->run.model, &layout->layout));
  PetscCall(ChooseFields(sweep, layout));
  PetscCheck(!layout->particles || sweep->coarsen == 1, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: sweep.coarsen = %zu: particles are kept as they are; make fewer of them in the case", NomosConfigWhere(sweep->config, "sweep.coarsen"), sweep->coarsen);
  NomosCheck(params->stop > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "time.stop = %g: a trajectory of one frame teaches nothing; set a later time", params->stop);
  layout->every    = params->fields_every > 0 ? params->fields_every : params->stop;
  layout->n_frames = 1 + (size_t)floor(params->stop / layout->every * (1 + 1e-9) + 1e-9);
  NomosCheck(layout->n_frames > 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "output.fields_every = %g is longer than time.stop = %g: at least two frames are needed", layout->every, params->stop);
  for (size_t f = 0; f < layout->n_fields; f++) layout->n += SweepRows(layout, f) * layout->fields[f].n;
  bool drawn = sweep->seed_key[0];
  for (size_t k = 0; k < sweep->n_parameters; k++) drawn = drawn || !set->values[k].n;
  PetscCheck(drawn || set->n <= set->combinations, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%zu trajectories of %zu values without a seed (sweep.seed_key: none) would repeat each other; ask for fewer", set->n, set->combinations);
  PetscCall(Hash(sweep, set, layout));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepLayoutCreate(const Sweep *sweep, const SweepSet *set, SweepLayout *layout)
{
  PetscFunctionBeginUser;
  memset(layout, 0, sizeof *layout);
  PetscCall(SweepRunCreate(sweep, set, 0, &layout->run));
  PetscErrorCode failed = MakeLayout(sweep, set, layout);
  if (!failed && !layout->particles) failed = TryGrids(sweep, set, layout);
  if (failed) PetscCall(SweepRunDestroy(&layout->run));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepLayoutDestroy(SweepLayout *layout)
{
  PetscFunctionBeginUser;
  PetscCall(SweepRunDestroy(&layout->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a trajectory */

typedef struct {
  const SweepLayout *layout;
  size_t             frame;
  double *const     *to;
  size_t             taken[SWEEP_MAX_VARIABLES]; /* points of each field that came of this frame */
} Frame;

/* Sums over blocks of points, or their first points: to += those of a box of the field. Returns its number of points. */
static size_t Thin(const SweepField *f, NomosRealType type, const size_t start[], const size_t count[], const void *from, double to[])
{
  size_t index[NOMOS_FIELD_MAX_DIMS], n = 1;

  for (int a = 0; a < f->n_axes; a++) {
    index[a] = start[a];
    n *= count[a];
  }
  for (size_t i = 0; i < n; i++) {
    size_t at    = 0;
    bool   first = true;
    for (int a = 0; a < f->n_axes; a++) {
      at    = at * f->shape[a] + index[a] / f->every[a];
      first = first && index[a] % f->every[a] == 0;
    }
    if (f->mean || first) to[at] += type == NOMOS_F32 ? ((const float *)from)[i] : ((const double *)from)[i];
    for (int a = f->n_axes - 1; a >= 0 && ++index[a] == start[a] + count[a]; a--) index[a] = start[a];
  }
  return n;
}

/* Where a field of a frame goes. */
static double *Place(const Frame *frame, size_t k)
{
  const SweepField *f = &frame->layout->fields[k];
  return frame->to[k] + (f->constant ? 0 : frame->frame * f->n);
}

/* What the model writes of a frame: all of a field, or a layer of it. */
static PetscErrorCode TakeField(const char name[], NomosRealType type, const size_t start[], const size_t count[], const void *data, void *ctx)
{
  Frame *frame = ctx;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < frame->layout->n_fields; k++) {
    const SweepField *f = &frame->layout->fields[k];
    if (strcmp(f->variable->name, name)) continue;
    if (!frame->taken[k]) memset(Place(frame, k), 0, f->n * sizeof(double));
    frame->taken[k] += Thin(f, type, start, count, data, Place(frame, k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A frame, all of it, as the model is alone: means over blocks, or their first points. */
static PetscErrorCode TakeFrame(SweepRun *run, NomosFieldFile file, Frame *frame)
{
  PetscFunctionBeginUser;
  memset(frame->taken, 0, sizeof frame->taken);
  PetscCall(run->ops->write_fields(run->model, file));
  for (size_t k = 0; k < frame->layout->n_fields; k++) {
    const SweepField *f  = &frame->layout->fields[k];
    double           *to = Place(frame, k);
    size_t            block = 1;
    if (f->constant && frame->frame && !frame->taken[k]) continue; /* those may be written once */
    PetscCheck(frame->taken[k] == f->n_full, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%s comes with %zu points of frame %zu, not %zu", f->variable->name, frame->taken[k], frame->frame, f->n_full);
    for (int a = 0; a < f->n_axes && f->mean; a++) block *= f->every[a];
    for (size_t j = 0; j < f->n; j++) {
      to[j] /= (double)block;
      NomosCheck(isfinite(to[j]), PETSC_COMM_SELF, PETSC_ERR_FP, "%s is %g at entry %zu of frame %zu", f->variable->name, fabs(to[j]), j, frame->frame);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(SweepRun *run)
{
  NomosModelFault fault = {.bad = false};
  char            index[128] = "";

  PetscFunctionBeginUser;
  PetscCall(run->ops->check(run->model, &fault));
  for (int i = 0; i < fault.n_index; i++) NomosTextAppend(sizeof index, index, "%s%lld%s", i ? ", " : "[", (long long)fault.index[i], i + 1 < fault.n_index ? "" : "]");
  NomosCheck(!fault.bad, PETSC_COMM_SELF, PETSC_ERR_FP, "the run blew up: %s%s = %g at step %lld, time %g%s%s; a smaller time.dt or other values of the parameters are needed", fault.field, index, isnan(fault.value) ? fabs(fault.value) : fault.value, (long long)run->model->step, run->model->time, fault.place[0] ? "; " : "", fault.place);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps up to frame k, which must be where one ends. */
static PetscErrorCode Advance(SweepRun *run, double due)
{
  NomosModel   model     = run->model;
  const double tolerance = 1e-6 * run->params.dt;

  PetscFunctionBeginUser;
  while (model->time < due - tolerance && !SweepStopped(run->sweep)) {
    PetscCall(run->ops->step(model));
    if (model->step % run->params.check_every == 0) PetscCall(Check(run));
  }
  NomosCheck(model->time <= due + tolerance, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "a frame is due at time %g, but steps end before it and at %g: output.fields_every must be a multiple of time.dt, and the step fixed", due, model->time);
  PetscCall(Check(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Frames(SweepRun *run, const SweepLayout *layout, double *const to[])
{
  Frame          frame = {.layout = layout, .to = to};
  NomosFieldFile file;
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  PetscCall(run->ops->initialise(run->model));
  PetscCall(NomosFieldFileCreateSink(TakeField, &frame, &file));
  for (failed = PETSC_SUCCESS; frame.frame < layout->n_frames && !failed && !SweepStopped(run->sweep); frame.frame++) {
    failed = Advance(run, (double)frame.frame * layout->every);
    if (!failed) failed = TakeFrame(run, file, &frame);
  }
  PetscCall(NomosFieldFileClose(&file));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepTrajectory(const Sweep *sweep, const SweepSet *set, const SweepLayout *layout, size_t i, double *const to[])
{
  SweepRun run;

  PetscFunctionBeginUser;
  PetscCall(SweepRunCreate(sweep, set, i, &run));
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = CheckGrid(layout, &run);
  if (!failed) failed = Frames(&run, layout, to);
  NomosErrorSetQuiet(quiet);
  failed = Retell(sweep, set, i, failed);
  PetscCall(SweepRunDestroy(&run));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a trajectory of particles */

static PetscErrorCode Move(const Sweep *sweep, const SweepLayout *common, SweepRun *run, SweepMotion *motion)
{
  SweepLayout own = {.run = *run, .n_frames = common->n_frames, .every = common->every};

  PetscFunctionBeginUser;
  PetscCall(run->ops->field_layout(run->model, &own.layout));
  PetscCall(ChooseFields(sweep, &own));
  motion->n_particles = DimOf(&own.layout, "particle")->size;
  memcpy(motion->fields, own.fields, sizeof motion->fields);
  for (size_t f = 0; f < own.n_fields; f++) {
    motion->fields[f].variable = common->fields[f].variable; /* which outlives this run */
    PetscCall(PetscMalloc1((own.fields[f].constant ? 1 : own.n_frames) * own.fields[f].n, &motion->values[f]));
  }
  PetscCall(Frames(run, &own, motion->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepMotionCreate(const Sweep *sweep, const SweepSet *set, const SweepLayout *layout, size_t i, SweepMotion *motion)
{
  SweepRun run;

  PetscFunctionBeginUser;
  *motion = (SweepMotion){.n_particles = 0};
  PetscCall(SweepRunCreate(sweep, set, i, &run));
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = Move(sweep, layout, &run, motion);
  if (!failed) failed = NomosSimulationHash(run.config, motion->simulation_hash);
  NomosErrorSetQuiet(quiet);
  failed = Retell(sweep, set, i, failed);
  PetscCall(SweepRunDestroy(&run));
  if (failed) PetscCall(SweepMotionDestroy(motion));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepMotionDestroy(SweepMotion *motion)
{
  PetscFunctionBeginUser;
  for (size_t f = 0; f < SWEEP_MAX_VARIABLES; f++) PetscCall(PetscFree(motion->values[f]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
