/* `nomos export` and `nomos import`: trajectories of runs and files in the layout of other people, and theirs in ours. */
#include "cases/convert.h"

#include "cases/program.h"
#include "io/log.h"
#include "io/provenance.h"
#include "surrogates/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DIMS = NOMOS_CONVERT_MAX_SPACE + 2, BLOCK_BYTES = 1 << 24 };

/* What the texts of a file say of it, and is handed on. Not `sweep`: by it a generator knows the files that it made, and removes those that are not asked for. */
static const char *const texts[] = {"equation", "solver", "scheme", "case", "units", "config", "set"};
enum { N_TEXTS = sizeof texts / sizeof *texts };

typedef struct {
  NomosConvertSource       source;
  NomosTrajectoryFileInput input;
  NomosFieldDim            dims[MAX_DIMS];
  NomosConvertPlan         plan;
  double                  *numbers, *list; /* of the trajectories; the values of a parameter in one file */
  NomosFieldVariable       variables[NOMOS_CONVERT_MAX_VARIABLES];
  NomosFieldAttribute      attributes[N_TEXTS + 1 + NOMOS_CONVERT_MAX_VARIABLES];
  char                    *values[N_TEXTS], *title, *references;
  NomosTrajectoryFile      file;
} Conversion;

/* ---- what the new file is */

/* Layouts of fields on a grid. */
static bool IsOfGrids(const char format[])
{
  return !strcmp(format, "pdebench") || !strcmp(format, "well");
}

static PetscErrorCode DescribeAxes(Conversion *c)
{
  NomosConvertSource  *s    = &c->source;
  NomosFieldFileInput *file = &c->input.file;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(s->n_trajectories, &c->numbers, s->n_trajectories, &c->list));
  for (size_t i = 0; i < s->n_trajectories; i++) c->numbers[i] = (double)i;
  c->dims[file->n_dims++] = (NomosFieldDim){.name = "trajectory", .size = s->n_trajectories, .values = c->numbers, .long_name = "number of the trajectory"};
  c->dims[file->n_dims++] = (NomosFieldDim){.name = "time", .size = s->n_frames - s->first_frame, .values = s->times + s->first_frame, .unit = s->time_unit[0] ? s->time_unit : "1", .long_name = "time", .standard_name = "time", .axis = "T"};
  for (int a = 0; a < s->n_space; a++) {
    static const char *const letters[] = {"x", "y", "z"}, *const axes[] = {"X", "Y", "Z"};
    const char *axis = NULL;
    for (int k = 0; k < 3; k++)
      if (!strcmp(s->space[a], letters[k])) axis = axes[k];
    c->dims[file->n_dims++] = (NomosFieldDim){.name = s->space[a], .size = s->size[a], .values = s->coordinates[a], .unit = s->space_unit[a][0] ? s->space_unit[a] : "1", .axis = axis};
  }
  file->dims = c->dims;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void DescribeVariables(Conversion *c)
{
  NomosConvertSource  *s    = &c->source;
  NomosFieldFileInput *file = &c->input.file;

  for (size_t f = 0; f < s->n_fields; f++) {
    NomosFieldVariable *v = &c->variables[file->n_variables++];
    int                 d = 0;
    *v = (NomosFieldVariable){.name = s->fields[f].name, .constant = true, .type = s->single ? NOMOS_F32 : NOMOS_F64, .unit = s->fields[f].unit[0] ? s->fields[f].unit : "1", .long_name = s->fields[f].long_name};
    v->dims[d++] = "trajectory";
    if (s->fields[f].time) v->dims[d++] = "time";
    for (int a = 0; a < s->n_space; a++) v->dims[d++] = s->space[a];
  }
  for (size_t p = 0; p < s->n_parameters; p++) {
    c->variables[file->n_variables++] = (NomosFieldVariable){.name = s->parameters[p].name, .dims = {"trajectory"}, .constant = true, .type = NOMOS_F64, .unit = s->parameters[p].unit[0] ? s->parameters[p].unit : "1"};
    if (s->parameters[p].key[0]) c->attributes[file->n_attributes++] = (NomosFieldAttribute){.variable = s->parameters[p].name, .name = "key", .text = s->parameters[p].key};
  }
  file->variables = c->variables;
}

/* Of the file, or (PDEBench's have them there) of its first field. */
static PetscErrorCode DescribeFile(Conversion *c)
{
  NomosConvertSource  *s    = &c->source;
  NomosFieldFileInput *file = &c->input.file;

  PetscFunctionBeginUser;
  for (size_t t = 0; t < N_TEXTS; t++) {
    PetscCall(NomosFieldReaderAttribute(s->reader, NULL, texts[t], &c->values[t]));
    if (!c->values[t] && strcmp(texts[t], "units")) PetscCall(NomosFieldReaderAttribute(s->reader, s->fields[0].source, texts[t], &c->values[t]));
    if (c->values[t]) c->attributes[file->n_attributes++] = (NomosFieldAttribute){.name = texts[t], .text = c->values[t]};
  }
  if (s->family[0]) c->attributes[file->n_attributes++] = (NomosFieldAttribute){.name = "family", .text = s->family};
  PetscCall(NomosFieldReaderAttribute(s->reader, NULL, "title", &c->title));
  PetscCall(NomosFieldReaderAttribute(s->reader, NULL, "references", &c->references));
  file->attributes = c->attributes;
  file->title      = c->title;
  file->references = c->references;
  file->source     = NomosSource();
  file->timeless   = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Darcy's flow has no time: the solution is the last frame, and its coefficient is one for the trajectory. */
static void StopTime(NomosConvertSource *s)
{
  if (strcmp(s->family, "darcy")) return;
  s->first_frame = s->n_frames - 1;
  for (size_t f = 0; f < s->n_fields; f++) s->fields[f].time = s->fields[f].time && strcmp(s->fields[f].name, "coefficient");
}

/* Other people's layouts promise frames equally far apart. A last one that comes early, at the end of a run, is left out. */
static PetscErrorCode KeepIntervals(Conversion *c, NomosLog log)
{
  NomosConvertSource *s     = &c->source;
  const size_t        first = s->first_frame;

  PetscFunctionBeginUser;
  if (!IsOfGrids(c->input.format)) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t k = first + 1; k + 1 < s->n_frames; k++) {
    const double interval = s->times[first + 1] - s->times[first], next = s->times[k + 1] - s->times[k];
    if (fabs(next - interval) <= NomosCoordinateTolerance(interval, s->times[k + 1])) continue;
    NomosCheck(k + 2 == s->n_frames && next < interval, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: frame %zu is at time %.8g and frame %zu at %.8g, %.6g later, where the first interval is %.6g; --format %s has frames that are equally far apart: make them so (output.fields_every), or choose nomos, which keeps the times", s->parts[0].path, k, s->times[k], k + 1, s->times[k + 1], next, interval, c->input.format);
    PetscCall(NomosLogPrint(log, NOMOS_LOG_WARNING, "interval", "the last frame, at time %.8g, is left out: it is %.6g after the one before, the others are %.6g apart, and --format %s has equal intervals", s->times[k + 1], next, interval, c->input.format));
    s->n_frames--;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the numbers */

/* From trajectory `from` of the source to `to` of the file. */
static PetscErrorCode CopyTrajectory(Conversion *c, size_t from, size_t to, size_t block, double values[])
{
  NomosConvertSource *s = &c->source;
  const size_t        n_frames = s->n_frames - s->first_frame;

  PetscFunctionBeginUser;
  for (size_t frame = 0; frame < n_frames; frame += block) {
    const size_t n = PetscMin(block, n_frames - frame);
    for (size_t f = 0; f < s->n_fields; f++) {
      const NomosConvertField *field = &s->fields[f];
      size_t                   start[MAX_DIMS] = {to}, count[MAX_DIMS] = {1};
      int                      d = 1;
      if (!field->time && frame) continue;
      if (field->time) start[d] = frame, count[d++] = n;
      for (int a = 0; a < s->n_space; a++) start[d] = 0, count[d++] = s->size[a];
      PetscCall(NomosConvertRead(s, field, from, s->first_frame + frame, field->time ? n : 1, values));
      PetscCall(NomosTrajectoryFileWrite(c->file, field->name, start, count, values));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The values of a parameter in one file. Do they differ? */
static bool TakeValues(Conversion *c, size_t parameter, const NomosConvertOutput *output)
{
  bool differ = false;

  for (size_t i = 0; i < output->n; i++) {
    c->list[i] = c->source.parameters[parameter].values[output->trajectories[i]];
    differ     = differ || c->list[i] != c->list[0];
  }
  return differ;
}

/* Files are divided by the values of all parameters that they have one value of. Of another one, which differs inside of one of them, no file has any: a folder whose files have other parameters would be none to train on. */
static PetscErrorCode CopyParameter(Conversion *c, size_t parameter, const NomosConvertOutput *output, NomosLog log)
{
  const NomosConvertPlan *plan = &c->plan;
  const char             *name = c->source.parameters[parameter].name;
  bool                    differs = false;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < plan->n && plan->n > 1 && !differs; k++) differs = TakeValues(c, parameter, &plan->outputs[k]);
  (void)TakeValues(c, parameter, output);
  if (!differs) PetscCall(NomosTrajectoryFileWrite(c->file, name, (size_t[]){0}, &output->n, c->list));
  if (output == plan->outputs && !NomosTrajectoryFileHolds(c->file, name)) PetscCall(NomosLogPrint(log, NOMOS_LOG_WARNING, "left_out", "%s is left out: it differs between trajectories, and this layout of %s has one value for all (--format well has each)", name, c->input.format));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Copy(Conversion *c, const NomosConvertOutput *output, NomosLog log)
{
  NomosConvertSource *s     = &c->source;
  const size_t        frame = s->points * sizeof(double), block = PetscMax(1, PetscMin(s->n_frames, BLOCK_BYTES / frame));
  double             *values;
  char                note[64];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(block * s->points, &values));
  PetscErrorCode failed = PETSC_SUCCESS;
  for (size_t p = 0; p < s->n_parameters && !failed; p++) failed = CopyParameter(c, p, output, log);
  for (size_t i = 0; i < output->n && !failed; i++) {
    failed = CopyTrajectory(c, output->trajectories[i], i, block, values);
    snprintf(note, sizeof note, "%zu of %zu trajectories", i + 1, output->n);
    if (!failed) PetscCall(NomosLogProgress(log, &(NomosProgress){.fraction = (double)(i + 1) / (double)output->n, .step = (int64_t)i + 1, .dt = NAN, .cfl = NAN, .note = note}));
  }
  PetscCall(NomosLogProgressEnd(log));
  PetscCall(PetscFree(values));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool IsSame(const char one[], const char other[])
{
  struct stat a, b;
  return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Axes of phase space are no space. */
static PetscErrorCode CheckGrid(const Conversion *c)
{
  const NomosConvertSource *s = &c->source;

  PetscFunctionBeginUser;
  for (int a = 0; a < s->n_space; a++)
    PetscCheck(!IsOfGrids(c->input.format) || (strcmp(s->space[a], "state") && strcmp(s->space[a], "coordinate")), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s holds orbits (%s over %s), and --format %s takes fields on a grid: choose nomos for a file of ours", s->parts[0].path, s->fields[0].name, s->space[a], c->input.format);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the commands */

static PetscErrorCode CheckNoDirectory(const char path[])
{
  PetscFunctionBeginUser;
  PetscCheck(!NomosConvertIsDirectory(path), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "-o %s: cannot write over a directory: give the name of a file, in it or elsewhere", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConvertMayWrite(const NomosProgram *program, const char path[])
{
  struct stat info;

  PetscFunctionBeginUser;
  PetscCall(CheckNoDirectory(path));
  PetscCheck(program->force || stat(path, &info), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s: is there already; --force writes over it, -o chooses another", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the layout has no place for. */
static PetscErrorCode TellLeftOut(const Conversion *c, NomosLog log)
{
  const NomosConvertSource *s = &c->source;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < s->n_fields; f++)
    if (!NomosTrajectoryFileHolds(c->file, s->fields[f].name)) PetscCall(NomosLogPrint(log, NOMOS_LOG_INFO, "left_out", "%s is left out: this layout of %s has no place for it", s->fields[f].name, c->input.format));
  for (int k = 0; k < 2 * s->n_space && !strcmp(c->input.format, "well"); k++) {
    const char *axis = s->space[k / 2], *low = NomosEndsOf(&s->ends, axis, false), *given = NomosEndsOf(&s->ends, axis, k % 2);
    if (!given || NomosTrajectoryWellBoundary(given) || (k % 2 && low && !strcmp(low, given))) continue;
    PetscCall(NomosLogPrint(log, NOMOS_LOG_WARNING, "boundary", "the boundary across %s is %s%s: The Well's layout has periodic, wall and open ones, and this one is an attribute boundary_%s%s alone, which its readers do not know", axis, given, k % 2 ? " on the high side" : "", axis, k % 2 ? "_high" : ""));
  }
  if (s->left_out[0]) PetscCall(NomosLogPrint(log, NOMOS_LOG_INFO, "left_out", "left out, not over time and the grid of the fields: %s", s->left_out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(Conversion *c, const NomosConvertOutput *output, NomosLog log)
{
  PetscFunctionBeginUser;
  c->input.file.path = output->written;
  c->dims[0].size    = output->n;
  PetscCall(NomosTrajectoryFileCreate(&c->input, &c->file));
  if (output == c->plan.outputs) PetscCall(TellLeftOut(c, log));
  PetscErrorCode failed  = Copy(c, output, log);
  PetscErrorCode closing = NomosTrajectoryFileClose(&c->file, !failed);
  PetscCall(failed);
  PetscCall(closing);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(Conversion *c, const NomosProgram *program, NomosLog log)
{
  NomosConvertSource *s    = &c->source;
  NomosConvertPlan   *plan = &c->plan;

  PetscFunctionBeginUser;
  PetscCall(NomosConvertOpen(program->arguments[0], s));
  PetscCall(CheckGrid(c));
  if (!strcmp(c->input.format, "pdebench")) StopTime(s);
  PetscCall(KeepIntervals(c, log));
  PetscCall(DescribeAxes(c));
  DescribeVariables(c);
  PetscCall(DescribeFile(c));
  c->input.family     = s->family[0] ? s->family : NULL;
  c->input.ends       = &s->ends;
  PetscCall(NomosConvertPlanMake(program, s, &c->input, plan));
  for (size_t k = 0; k < plan->n; k++) {
    for (size_t i = 0; i < s->n_parts; i++) PetscCheck(!IsSame(s->parts[i].path, plan->outputs[k].path), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "-o %s is a file that is read: choose another one", plan->outputs[k].path);
    PetscCall(NomosConvertMayWrite(program, plan->outputs[k].path));
  }
  PetscCall(NomosConvertPlanBegin(plan));
  for (size_t k = 0; k < plan->n; k++) PetscCall(Write(c, &plan->outputs[k], log));
  PetscCall(NomosConvertPlanEnd(plan));
  const size_t n_frames = s->n_frames - s->first_frame;
  for (size_t k = 0; k < plan->n; k++) PetscCall(NomosLogPrint(log, NOMOS_LOG_INFO, "written", "%zu trajector%s of %zu frame%s: %s", plan->outputs[k].n, plan->outputs[k].n == 1 ? "y" : "ies", n_frames, n_frames == 1 ? "" : "s", plan->outputs[k].path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Convert(NomosProgram *program, const char format[])
{
  const bool  directory = !strcmp(format, "lagrangebench");
  Conversion *c;
  NomosLog    log = NULL;
  bool        particles = directory;

  PetscFunctionBeginUser;
  if (!directory) {
    PetscCall(NomosTrajectoryFormatCheck(format));
    if (strcmp(format, "pdebench")) PetscCall(CheckNoDirectory(program->directory)); /* at its end it would have cost the whole conversion */
    PetscCall(NomosConvertIsParticles(program->arguments[0], &particles));
  }
  if (particles) {
    PetscCheck(!IsOfGrids(format), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s holds particles, and --format %s takes fields on a grid: choose lagrangebench, or nomos for a file of ours", program->arguments[0], format);
    PetscCheck(!program->n_set, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "--where %s: %s holds particles, whose trajectories are converted all at once", program->set[0], program->arguments[0]);
    PetscCall(NomosLogOpen(PETSC_COMM_SELF, NULL, program->quiet, &log));
    PetscErrorCode failed = NomosConvertParticles(program, directory, log);
    PetscCall(NomosLogClose(&log));
    PetscCall(failed);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscNew(&c));
  c->input = (NomosTrajectoryFileInput){.format = format};
  PetscCall(NomosLogOpen(PETSC_COMM_SELF, NULL, program->quiet, &log));
  PetscErrorCode failed = Run(c, program, log);
  if (c->file) (void)NomosTrajectoryFileClose(&c->file, false);
  PetscCall(NomosConvertPlanClose(&c->plan));
  PetscCall(NomosLogClose(&log));
  PetscCall(NomosConvertClose(&c->source));
  for (size_t t = 0; t < N_TEXTS; t++) PetscCall(PetscFree(c->values[t]));
  PetscCall(PetscFree(c->title));
  PetscCall(PetscFree(c->references));
  PetscCall(PetscFree2(c->numbers, c->list));
  PetscCall(PetscFree(c));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 does it. */
static PetscErrorCode OnRank0(NomosProgram *program, const char format[])
{
  PetscFunctionBeginUser;
  PetscCheck(program->directory, program->comm, PETSC_ERR_ARG_WRONG, "-o FILE is missing: the file to write");
  NomosOnFirstRank(program->comm, Convert(program, format));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandExport(NomosProgram *program)
{
  PetscFunctionBeginUser;
  PetscCheck(program->format, program->comm, PETSC_ERR_ARG_WRONG, "--format is missing: pdebench, well, or lagrangebench for particles (nomos: our own layout)");
  PetscCall(OnRank0(program, program->format));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandImport(NomosProgram *program)
{
  PetscFunctionBeginUser;
  PetscCall(OnRank0(program, "nomos"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
