/* Which trajectories are converted, and which file each of them goes into. */
#include "cases/convert.h"

#include "io/disk.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- those of --where KEY=VALUE */

typedef struct {
  size_t parameter;
  double value;
} Condition;

/* What went through 32 bits, as in The Well's files, is still the number that it was. */
static bool IsValue(double value, double wanted)
{
  return value == wanted || value == (double)(float)wanted;
}

static PetscErrorCode ReadCondition(const NomosConvertSource *s, const char text[], Condition *condition)
{
  const size_t length = strcspn(text, "=");
  const char  *end    = text[length] ? NomosNumberRead(text + length + 1, &condition->value) : NULL;
  double       nearest = INFINITY;
  char         found[NOMOS_NUMBER_SIZE], names[512] = "none";
  size_t       p = 0, written = 0;

  PetscFunctionBeginUser;
  NomosCheck(length && end && !*end, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "--where %.200s: a parameter and a number are expected: nu=0.02", text);
  for (; p < s->n_parameters; p++) {
    const NomosConvertParameter *known = &s->parameters[p];
    if ((strlen(known->name) == length && !strncmp(known->name, text, length)) || (strlen(known->key) == length && !strncmp(known->key, text, length))) break;
    if (written < sizeof names) written += (size_t)snprintf(names + written, sizeof names - written, "%s%s", written ? ", " : "", known->name);
  }
  NomosCheck(p < s->n_parameters, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "--where %.200s: the trajectories have no such parameter; they have: %s", text, names);
  condition->parameter = p;
  for (size_t i = 0; i < s->n_trajectories; i++) {
    const double value = s->parameters[p].values[i];
    if (IsValue(value, condition->value)) PetscFunctionReturn(PETSC_SUCCESS);
    if (fabs(value - condition->value) < fabs(nearest - condition->value)) nearest = value;
  }
  NomosNumberFormat(nearest, found);
  NomosCheck(false, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "--where %.200s: no trajectory has this value; the nearest is %s", text, found);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One of the values that are given for a parameter, and so for each that has any. */
static bool IsWanted(const NomosConvertSource *s, size_t n, const Condition conditions[], size_t trajectory)
{
  bool all = true;

  for (size_t a = 0; a < n && all; a++) {
    all = false;
    for (size_t b = 0; b < n && !all; b++) all = conditions[a].parameter == conditions[b].parameter && IsValue(s->parameters[conditions[b].parameter].values[trajectory], conditions[b].value);
  }
  return all;
}

/* ---- files */

/* The file of that path, which is new where there is none yet. */
static PetscErrorCode FindOutput(NomosConvertPlan *plan, const char path[], NomosConvertOutput **output)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < plan->n; k++) {
    *output = &plan->outputs[k];
    if (!strcmp((*output)->path, path)) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscRealloc((plan->n + 1) * sizeof *plan->outputs, &plan->outputs));
  *output  = &plan->outputs[plan->n++];
  **output = (NomosConvertOutput){.n = 0};
  PetscCall(PetscStrallocpy(path, &(*output)->path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Distribute(const NomosProgram *program, const NomosConvertSource *s, const NomosTrajectoryFileInput *input, size_t n, const Condition conditions[], NomosConvertPlan *plan)
{
  const char         *to = program->directory;
  double              values[NOMOS_CONVERT_MAX_VARIABLES] = {0};
  char                name[NOMOS_MAX_PATH], path[2 * NOMOS_MAX_PATH];
  NomosConvertOutput *output = NULL;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < s->n_trajectories; i++) {
    if (!IsWanted(s, n, conditions, i)) continue;
    for (size_t p = 0; p < s->n_parameters; p++) values[s->n_fields + p] = s->parameters[p].values[i]; /* variables are the fields, then the parameters */
    snprintf(path, sizeof path, "%s", to);
    if (plan->divided && NomosTrajectoryFileName(input, values, name)) snprintf(path, sizeof path, "%s%s%s", to, to[strlen(to) - 1] == '/' ? "" : "/", name);
    PetscCall(FindOutput(plan, path, &output));
    PetscCall(PetscRealloc((output->n + 1) * sizeof *output->trajectories, &output->trajectories));
    output->trajectories[output->n++] = i;
  }
  PetscCheck(plan->n, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "--where: no trajectory has these values of all parameters at once");
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosConvertIsDirectory(const char path[])
{
  return (path[0] && path[strlen(path) - 1] == '/') || NomosIsDirectory(path);
}

PetscErrorCode NomosConvertPlanMake(const NomosProgram *program, const NomosConvertSource *s, const NomosTrajectoryFileInput *input, NomosConvertPlan *plan)
{
  Condition *conditions;

  PetscFunctionBeginUser;
  *plan = (NomosConvertPlan){.directory = program->directory, .divided = NomosConvertIsDirectory(program->directory)};
  PetscCall(PetscMalloc1(program->n_set + 1, &conditions));
  PetscErrorCode failed = PETSC_SUCCESS;
  for (size_t k = 0; k < program->n_set && !failed; k++) failed = ReadCondition(s, program->set[k], &conditions[k]);
  if (!failed) failed = Distribute(program, s, input, program->n_set, conditions, plan);
  PetscCall(PetscFree(conditions));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Until all files are whole, each has a name that no program takes for data. */
PetscErrorCode NomosConvertPlanBegin(NomosConvertPlan *plan)
{
  char path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (plan->divided) {
    plan->made = !mkdir(plan->directory, 0777);
    PetscCheck(plan->made || errno == EEXIST, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: cannot be created: %s", plan->directory, strerror(errno));
  }
  for (size_t k = 0; k < plan->n; k++) {
    NomosConvertOutput *output = &plan->outputs[k];
    const char         *slash  = strrchr(output->path, '/');
    if (plan->divided) snprintf(path, sizeof path, "%.*s.%s.tmp", (int)(slash + 1 - output->path), output->path, slash + 1);
    PetscCall(PetscStrallocpy(plan->divided ? path : output->path, &output->written));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConvertPlanEnd(NomosConvertPlan *plan)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < plan->n && plan->divided; k++)
    PetscCheck(!rename(plan->outputs[k].written, plan->outputs[k].path), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s: cannot write: %s", plan->outputs[k].path, strerror(errno));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConvertPlanClose(NomosConvertPlan *plan)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < plan->n; k++) {
    NomosConvertOutput *output = &plan->outputs[k];
    if (plan->divided && output->written) unlink(output->written);
    PetscCall(PetscFree(output->path));
    PetscCall(PetscFree(output->written));
    PetscCall(PetscFree(output->trajectories));
  }
  PetscCall(PetscFree(plan->outputs));
  if (plan->made) (void)rmdir(plan->directory); /* which it is not when files are in it */
  PetscFunctionReturn(PETSC_SUCCESS);
}
