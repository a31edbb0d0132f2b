#include "operators/constitutive_law.h"

#include "operators/model_operator.h"

#include <stdio.h>
#include <string.h>

const char *const nomos_law_kinds[NOMOS_N_LAW_KINDS + 1] = {"elasticity", "plasticity", NULL};

enum { MAX_LAWS = 128 };
static const NomosLawOps *registered[MAX_LAWS + 1];

/* ---- the registry ---- */

PetscErrorCode NomosLawRegister(const NomosLawOps *const list[])
{
  PetscFunctionBeginUser;
  for (; *list; list++) {
    size_t i = 0;
    while (registered[i] && registered[i] != *list) i++;
    PetscCheck(i < MAX_LAWS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "more than %d laws", MAX_LAWS);
    registered[i] = *list;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosLawOps *const *NomosLaws(void)
{
  return registered;
}

PetscErrorCode NomosLawFind(NomosLawKind kind, const char name[], const char where[], const NomosLawOps **ops)
{
  const char *names[MAX_LAWS];
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; registered[i]; i++) {
    if (registered[i]->kind != kind) continue;
    if (!strcmp(registered[i]->name, name)) {
      *ops = registered[i];
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    names[n++] = registered[i]->name;
  }
  PetscCall(NomosNameUnknown(PETSC_COMM_WORLD, name, n, names, "%s: %s = %s: no such law", where, nomos_law_kinds[kind], name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a law ---- */

PetscErrorCode NomosLawCreate(MPI_Comm comm, const NomosLawOps *ops, NomosConfig config, const char section[], NomosRealType precision, NomosLaw *law)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(law));
  (*law)->ops       = ops;
  (*law)->comm      = comm;
  (*law)->config    = config;
  (*law)->precision = precision;
  PetscCall(PetscStrncpy((*law)->section, section, sizeof (*law)->section));
  const char *dt;
  PetscCall(NomosConfigPeek(config, "time.dt", &dt));
  if (dt) PetscCall(NomosConfigGetReal(config, "time.dt", &(*law)->dt));
  PetscErrorCode code = ops->create(*law);
  if (!code && ops->renew) code = ops->renew(*law);
  if (code) PetscCall(NomosLawDestroy(law));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLawDestroy(NomosLaw *law)
{
  PetscFunctionBeginUser;
  if (!*law) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*law)->ops->destroy) PetscCall((*law)->ops->destroy(*law));
  NomosLawParameter *parameters = (NomosLawParameter *)(*law)->parameters;
  PetscCall(PetscFree(parameters));
  PetscCall(PetscFree((*law)->values));
  PetscCall(PetscFree(*law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLawSetTimeStep(NomosLaw law, double dt)
{
  PetscFunctionBeginUser;
  const bool renew = law->dt != dt && law->ops->promises & NOMOS_LAW_RATE && law->ops->renew;
  law->dt          = dt;
  if (renew) PetscCall(law->ops->renew(law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLawSetValues(NomosLaw law, const double values[])
{
  PetscFunctionBeginUser;
  memcpy(law->values, values, sizeof *values * law->n_parameters);
  if (law->ops->renew) PetscCall(law->ops->renew(law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *Key(NomosLaw law, const char key[], char full[2 * NOMOS_MAX_NAME])
{
  snprintf(full, 2 * NOMOS_MAX_NAME, "%s.%s", law->section, key);
  return full;
}

PetscErrorCode NomosLawReal(NomosLaw law, const char key[], double *value)
{
  char full[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(law->config, Key(law, key, full), value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLawString(NomosLaw law, const char key[], const char **value)
{
  char full[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(law->config, Key(law, key, full), value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosLawWhere(NomosLaw law, const char key[])
{
  char full[2 * NOMOS_MAX_NAME];
  return NomosConfigWhere(law->config, Key(law, key, full));
}

PetscErrorCode NomosLawParametersFromTable(NomosLaw law)
{
  NomosLawParameter *parameters;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(law->ops->n_params + 1, &parameters));
  PetscCall(PetscMalloc1(law->ops->n_params + 1, &law->values));
  law->parameters   = parameters;
  law->n_parameters = 0;
  for (size_t i = 0; i < law->ops->n_params; i++) {
    const NomosParam *param = &law->ops->params[i];
    if (param->type != NOMOS_PARAM_REAL || !param->differentiable) continue;
    parameters[law->n_parameters] = (NomosLawParameter){.param = param};
    PetscCall(NomosLawReal(law, param->key, &law->values[law->n_parameters++]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- as an operator ---- */

typedef struct {
  NomosLaw law;
  size_t   n;
  void    *array[3]; /* 9 n of law->precision */
} LawOperator;

static PetscErrorCode Set(NomosOperator op, const double *const in[])
{
  LawOperator *o = op->data;

  PetscFunctionBeginUser;
  NomosStateFromDoubles(o->law->precision, 9 * o->n, in[0], o->array[0]);
  if (op->n_in > 1) PetscCall(NomosLawSetValues(o->law, in[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  LawOperator *o = op->data;

  PetscFunctionBeginUser;
  PetscCall(Set(op, in));
  o->law->ops->apply(o->law, o->n, o->n, o->array[0], o->array[1], NULL);
  NomosStateToDoubles(o->law->precision, 9 * o->n, o->array[1], out[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  LawOperator *o = op->data;

  PetscFunctionBeginUser;
  PetscCall(Set(op, in));
  NomosStateFromDoubles(o->law->precision, 9 * o->n, in_dot[0], o->array[1]);
  o->law->ops->jvp(o->law, o->n, o->n, o->array[0], o->array[1], op->n_in > 1 ? in_dot[1] : NULL, o->array[2]);
  NomosStateToDoubles(o->law->precision, 9 * o->n, o->array[2], out_dot[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  LawOperator *o = op->data;
  double      *values;

  PetscFunctionBeginUser;
  PetscCall(Set(op, in));
  NomosStateFromDoubles(o->law->precision, 9 * o->n, out_bar[0], o->array[1]);
  o->law->ops->vjp(o->law, o->n, o->n, o->array[0], o->array[1], NULL, o->array[2], op->n_in > 1 ? in_bar[1] : NULL);
  PetscCall(PetscMalloc1(9 * o->n, &values));
  NomosStateToDoubles(o->law->precision, 9 * o->n, o->array[2], values);
  for (size_t i = 0; in_bar[0] && i < 9 * o->n; i++) in_bar[0][i] += values[i];
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyOperator(NomosOperator op)
{
  LawOperator *o = op->data;

  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++) PetscCall(PetscFree(o->array[i]));
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorFromLaw(NomosLaw law, size_t n, NomosOperator *op)
{
  static const NomosOperatorOps ops  = {.name = "Law", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .destroy = DestroyOperator};
  const NomosOperatorArgument   in[] = {{"F", 9 * n, false}, {"parameters", law->n_parameters, true}}, out = {"y", 9 * n, false};
  LawOperator                  *o;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&o));
  o->law = law;
  o->n   = n;
  for (int i = 0; i < 3; i++) PetscCall(PetscMalloc1(9 * n * NomosRealBytes(law->precision), (char **)&o->array[i]));
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = law->comm, .ops = &ops, .n_in = law->n_parameters ? 2 : 1, .n_out = 1, .in = in, .out = &out, .data = o}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}
