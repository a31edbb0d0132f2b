/* What a trajectory's case gets: the settings of the sweep, of its set and of its variant, values of parameters under their keys and inside of settings, the seed. */
#include "cases/sweep_impl.h"

#include "io/expression.h"
#include "io/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static PetscErrorCode Append(SweepSettings *s, const char text[])
{
  PetscFunctionBeginUser;
  PetscCheck(s->n < SWEEP_MAX_SETTINGS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "more than %d settings of one trajectory: put what they have in common into a case of its own", SWEEP_MAX_SETTINGS);
  PetscCall(PetscStrallocpy(text, &s->list[s->n++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AppendValue(SweepSettings *s, const char key[], const char value[])
{
  char text[4 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(text, sizeof text, "%.*s=%s", 3 * NOMOS_MAX_NAME, key, value);
  PetscCall(Append(s, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number of an expression in the names of the parameters. */
static PetscErrorCode Evaluate(const Sweep *sweep, const double values[], const char expression[], double *number)
{
  const char     *names[SWEEP_MAX_PARAMETERS];
  NomosExpression compiled;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < sweep->n_parameters; k++) names[k] = sweep->parameters[k].name;
  PetscCall(NomosExpressionCreate(expression, sweep->n_parameters, names, &compiled));
  *number = NomosExpressionEvaluate(compiled, values);
  PetscCall(NomosExpressionDestroy(&compiled));
  NomosCheck(isfinite(*number), PETSC_COMM_SELF, PETSC_ERR_FP, "{%s} is no finite number", expression);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "bodies.body.size=[{w}, {0.5*w}]" with its numbers. */
static PetscErrorCode Expand(const Sweep *sweep, const double values[], const char from[], char to[SWEEP_MAX_TEXT])
{
  size_t length = 0;

  PetscFunctionBeginUser;
  while (*from) {
    char        expression[SWEEP_MAX_TEXT], number[NOMOS_NUMBER_SIZE];
    double      value = 0;
    const char *end = *from == '{' ? strchr(from, '}') : NULL;
    PetscCheck(*from != '{' || end, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s has no } to its {", from);
    PetscCheck(length + NOMOS_NUMBER_SIZE < SWEEP_MAX_TEXT && strlen(from) < SWEEP_MAX_TEXT, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a setting of more than %d characters", SWEEP_MAX_TEXT - NOMOS_NUMBER_SIZE);
    if (!end) {
      to[length++] = *from++;
      continue;
    }
    snprintf(expression, sizeof expression, "%.*s", (int)(end - from - 1), from + 1);
    PetscCall(Evaluate(sweep, values, expression, &value));
    NomosNumberFormat(value, number);
    length += (size_t)snprintf(to + length, SWEEP_MAX_TEXT - length, "%s", number);
    from = end + 1;
  }
  to[length] = '\0';
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AppendExpanded(const Sweep *sweep, const double values[], size_t n, const char *const texts[], const char key[], SweepSettings *s)
{
  char           text[SWEEP_MAX_TEXT];
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    NomosQuietly(failed, Expand(sweep, values, texts[i], text));
    PetscCall(NomosErrorRetell(PETSC_COMM_SELF, failed, "%s: %s: \"%s\"", NomosConfigWhere(sweep->config, key), key, texts[i]));
    PetscCall(Append(s, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepSettingsCreate(const Sweep *sweep, const SweepSet *set, size_t i, SweepSettings *s)
{
  double values[SWEEP_MAX_PARAMETERS];
  char   number[NOMOS_NUMBER_SIZE], key[3 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  *s = (SweepSettings){.n = 0};
  for (size_t k = 0; k < sweep->n_set; k++) PetscCall(Append(s, sweep->set[k]));
  for (size_t k = 0; k < set->n_set; k++) PetscCall(Append(s, set->set[k]));
  for (size_t k = 0; k < sweep->n_parameters; k++) {
    const SweepParameter *p = &sweep->parameters[k];
    values[k]               = SweepValue(sweep, set, k, i);
    NomosNumberFormat(values[k], number);
    if (p->key[0]) PetscCall(AppendValue(s, p->key, number));
    for (size_t a = 0; a < p->n_also; a++) PetscCall(AppendValue(s, p->also[a], number));
  }
  PetscCall(AppendExpanded(sweep, values, sweep->n_compose, sweep->compose, "sweep.compose", s));
  if (set->n_variants) {
    const SweepVariant *variant = &sweep->variants[set->variants[i / set->combinations % set->n_variants]];
    snprintf(key, sizeof key, "sweep.variants.%s.compose", variant->name);
    PetscCall(AppendExpanded(sweep, values, variant->n, variant->compose, key, s));
  }
  snprintf(number, sizeof number, "%llu", (unsigned long long)(set->first_seed + i));
  if (sweep->seed_key[0]) PetscCall(AppendValue(s, sweep->seed_key, number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepSettingsDestroy(SweepSettings *s)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < s->n; i++) PetscCall(PetscFree(s->list[i]));
  s->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
