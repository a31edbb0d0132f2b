#include "cases/plot_run.h"
#include "cases/scaling.h"
#include "cases/train.h"
#include "io/disk.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* m2 s-2 -> m^{2} s^{-2} */
void NomosAxisLabel(const char name[], const char unit[], char label[NOMOS_LABEL])
{
  size_t n    = (size_t)snprintf(label, NOMOS_LABEL / 2, "%s", name);
  bool   open = false;

  if (n >= NOMOS_LABEL / 2) n = NOMOS_LABEL / 2 - 1;
  if (!unit || !unit[0] || !strcmp(unit, "1")) return;
  if (name[0]) n += (size_t)snprintf(label + n, NOMOS_LABEL - n, " (");
  for (const char *c = unit; *c && n < NOMOS_LABEL - 8; c++) {
    bool exponent = isdigit((unsigned char)*c) || (*c == '-' && isdigit((unsigned char)c[1]));
    if (exponent && !open && c > unit && isalpha((unsigned char)c[-1])) {
      n += (size_t)snprintf(label + n, NOMOS_LABEL - n, "^{");
      open = true;
    } else if (!exponent && open) {
      label[n++] = '}';
      open       = false;
    }
    if (*c != '^') label[n++] = *c;
  }
  snprintf(label + n, NOMOS_LABEL - n, "%s%s", open ? "}" : "", name[0] ? ")" : "");
}

void NomosWords(const char name[], char words[NOMOS_LABEL])
{
  snprintf(words, NOMOS_LABEL, "%s", name);
  for (char *c = words; *c; c++)
    if (*c == '_') *c = ' ';
}

void NomosLengthUnit(const char unit[], double extent, const char **name, double *factor)
{
  bool km = !strcmp(unit, "m") && extent >= 5e3;
  *name   = km ? "km" : unit;
  *factor = km ? 1e3 : 1;
}

PetscErrorCode NomosReadLabel(NomosFieldReader reader, const char name[], const char attribute[], char text[NOMOS_LABEL])
{
  char *value;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderAttribute(reader, name, attribute, &value));
  snprintf(text, NOMOS_LABEL, "%s", value ? value : "");
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReadTimes(NomosFieldReader reader, size_t n, double times[])
{
  char *text;

  PetscFunctionBeginUser;
  if (n) PetscCall(NomosFieldReaderRead(reader, "time", (size_t[]){0}, &n, times));
  PetscCall(NomosFieldReaderAttribute(reader, NULL, "starts_at", &text));
  const double starts_at = text ? strtod(text, NULL) : 0;
  PetscCall(PetscFree(text));
  for (size_t k = 0; k < n; k++) times[k] += starts_at;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReadSide(NomosFieldReader reader, const char variable[], int d, size_t n, double side[2], char label[NOMOS_LABEL], double **points)
{
  const char *dim, *unit_name;
  double     *values, factor;
  char        unit[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderDimName(reader, variable, d, &dim));
  PetscCall(PetscMalloc1(n, &values));
  PetscCall(NomosFieldReaderRead(reader, dim, (size_t[]){0}, (size_t[]){n}, values));
  PetscCall(NomosReadLabel(reader, dim, "units", unit));
  const double half = n > 1 ? 0.5 * (values[1] - values[0]) : 0.5;
  NomosLengthUnit(unit, values[n - 1] - values[0], &unit_name, &factor);
  side[0] = (values[0] - half) / factor;
  side[1] = (values[n - 1] + half) / factor;
  NomosAxisLabel(dim, unit_name, label);
  for (size_t i = 0; i < n; i++) values[i] /= factor;
  if (points) *points = values;
  else PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawFrom(const NomosPlotContext *context, NomosFieldReader reader, NomosPlotFileFn draw, void *ctx)
{
  double *times;
  size_t  n;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderFrames(reader, &n));
  PetscCall(PetscMalloc1(n + 1, &times));
  PetscErrorCode code = n ? NomosFieldReaderRead(reader, "time", (size_t[]){0}, (size_t[]){n}, times) : PETSC_SUCCESS;
  if (!code) code = draw(context, reader, n, times, ctx);
  PetscCall(PetscFree(times));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotFile(const NomosPlotContext *context, const char name[], NomosPlotFileFn draw, void *ctx)
{
  NomosFieldReader reader;
  char             path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/%s", context->directory, name);
  if (access(path, F_OK)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  PetscErrorCode code = DrawFrom(context, reader, draw, ctx);
  PetscCall(NomosFieldReaderClose(&reader)); /* after an error too: what HDF5 keeps open ends the program */
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotSave(const NomosPlotContext *context, const char stem[], NomosFigure *figure)
{
  char path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/plots/%s", context->directory, stem);
  PetscErrorCode code = NomosFigureSave(*figure, path);
  PetscCall(NomosFigureDestroy(figure));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosLastName(const char path[], char name[NOMOS_LABEL])
{
  size_t end = strlen(path), start;

  while (end > 1 && path[end - 1] == '/') end--;
  for (start = end; start > 0 && path[start - 1] != '/';) start--;
  snprintf(name, NOMOS_LABEL, "%.*s", (int)PetscMin(end - start, NOMOS_LABEL - 1), path + start);
}

void NomosLiteral(const char name[], char text[NOMOS_LABEL])
{
  size_t n = 0;

  for (const char *c = name; *c && n + 2 < NOMOS_LABEL; c++) {
    if (*c == '_' || *c == '^' || *c == '\\') text[n++] = '\\';
    text[n++] = *c;
  }
  text[n] = '\0';
}

static PetscErrorCode PlotBeside(const NomosPlotContext *context, const char other[])
{
  const char *const directories[] = {context->directory, other};
  char              words[2][NOMOS_LABEL];
  const char *const names[] = {words[0], words[1]};

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) {
    char name[NOMOS_LABEL];
    NomosLastName(directories[i], name);
    NomosLiteral(name, words[i]);
  }
  PetscCall(NomosPlotParticlesBeside(context, 2, directories, names, "beside"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotRun(const char directory[], const NomosProgram *program)
{
  NomosPlotContext context = {.directory = directory, .quiet = program->quiet};
  NomosConfig      config;
  char             path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/config.yaml", directory);
  PetscCheck(!access(path, R_OK), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: not a run directory: it has no config.yaml (%s)", directory, strerror(errno));
  if (NomosIsTraining(path)) {
    PetscCall(NomosDirectoryHas(directory, "scaling.csv") ? NomosPlotScaling(directory, program) : NomosPlotTraining(directory, program));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = path, .models = program->models, .solver_optional = true, .n_set = program->n_set, .set = program->set}, &config, &context.ops));
  context.config = config;
  if (context.ops) PetscCall(NomosRunParamsGet(config, &context.params));
  else PetscCall(NomosCommonParamsGet(config, &context.params));
  NomosTimeUnit(context.params.stop, context.params.nondimensional, &context.time_name, &context.time_factor);
  snprintf(path, sizeof path, "%s/plots", directory);
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, path));
  if (NomosDirectoryHas(directory, "convergence.csv")) PetscCall(NomosPlotEstimate(&context));
  else if (NomosDirectoryHas(directory, "equation.json")) PetscCall(NomosPlotDiscover(&context));
  else if (NomosDirectoryHas(directory, "assimilation.csv")) PetscCall(NomosPlotAssimilate(&context));
  else {
    static PetscErrorCode (*const draw[])(const NomosPlotContext *) = {NomosPlotFields, NomosPlotParticles, NomosPlotOrbits, NomosPlotScalars, NomosPlotSpectra};
    PetscErrorCode failed = PETSC_SUCCESS;
    char           reason[1024];
    for (size_t i = 0; i < sizeof draw / sizeof *draw; i++) { /* one that fails does not take the others with it */
      const PetscErrorCode code = draw[i](&context);
      if (code && !failed) snprintf(reason, sizeof reason, "%s", NomosErrorLast());
      if (!failed) failed = code;
    }
    if (failed) SETERRQ(PETSC_COMM_SELF, failed, "%s", reason);
    if (program->beside) PetscCall(PlotBeside(&context, program->beside));
  }
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandPlot(NomosProgram *program)
{
  PetscFunctionBeginUser;
  NomosOnFirstRank(program->comm, NomosPlotRun(program->arguments[0], program));
  if (!program->quiet) PetscCall(PetscPrintf(program->comm, "pictures are in %s/plots\n", program->arguments[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
