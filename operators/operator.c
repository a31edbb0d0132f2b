#include "operators/operator.h"
#include "operators/reduce.h"

#include <string.h>

typedef enum { APPLY, JVP, VJP, HVP } Call;

/* Operators of one name share their events. */
static PetscErrorCode RegisterEvents(NomosOperator op)
{
  static const char *const calls[] = {"Apply", "Jvp", "Vjp", "Hvp"};
  static PetscClassId      class_id;
  char                     name[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (!class_id) PetscCall(PetscClassIdRegister("NomosOperator", &class_id));
  for (int i = 0; i < 4; i++) {
    PetscCall(PetscSNPrintf(name, sizeof name, "%s%s", op->ops->name, calls[i]));
    PetscCall(PetscLogEventGetId(name, &op->events[i]));
    if (op->events[i] < 0) PetscCall(PetscLogEventRegister(name, class_id, &op->events[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The operator's own function `call`, timed. Its error comes back as it is. */
#define TIMED(op, which, call) (PetscLogEventBegin((op)->events[which], 0, 0, 0, 0) ? PETSC_ERR_LIB : TimedEnd(op, which, call))
static PetscErrorCode TimedEnd(NomosOperator op, Call which, PetscErrorCode code)
{
  return PetscLogEventEnd(op->events[which], 0, 0, 0, 0) ? PETSC_ERR_LIB : code;
}

PetscErrorCode NomosOperatorCreate(const NomosOperatorInput *input, NomosOperator *op)
{
  NomosOperator o;

  PetscFunctionBeginUser;
  PetscCheck(input->n_in <= NOMOS_OPERATOR_MAX_ARGUMENTS && input->n_out <= NOMOS_OPERATOR_MAX_ARGUMENTS, input->comm, PETSC_ERR_ARG_OUTOFRANGE, "operator %s: %zu inputs and %zu outputs; at most %d of each are possible: join some to one vector", input->ops->name, input->n_in, input->n_out, NOMOS_OPERATOR_MAX_ARGUMENTS);
  PetscCheck(input->ops->apply, input->comm, PETSC_ERR_SUP, "operator %s: has no apply", input->ops->name);
  PetscCall(PetscNew(&o));
  *op      = o;
  o->ops   = input->ops;
  o->comm  = input->comm;
  o->n_in  = input->n_in;
  o->n_out = input->n_out;
  o->data  = input->data;
  for (size_t i = 0; i < o->n_in; i++) o->in[i] = input->in[i];
  for (size_t i = 0; i < o->n_out; i++) o->out[i] = input->out[i];
  PetscCall(RegisterEvents(o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorDestroy(NomosOperator *op)
{
  PetscFunctionBeginUser;
  if (!*op) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*op)->ops->destroy) PetscCall((*op)->ops->destroy(*op));
  PetscCall(PetscFree(*op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Vectors that were not given, as zeros. */
typedef struct {
  double *vectors[NOMOS_OPERATOR_MAX_ARGUMENTS];
  bool    ours[NOMOS_OPERATOR_MAX_ARGUMENTS];
} Filled;

static PetscErrorCode Fill(size_t n, const NomosOperatorArgument arguments[], const double *const given[], Filled *filled)
{
  PetscFunctionBeginUser;
  memset(filled, 0, sizeof *filled);
  for (size_t i = 0; i < n; i++) {
    filled->ours[i]    = !given || !given[i];
    filled->vectors[i] = filled->ours[i] ? NULL : (double *)given[i];
    if (filled->ours[i]) PetscCall(PetscCalloc1(arguments[i].size + 1, &filled->vectors[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(size_t n, Filled *filled)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++)
    if (filled->ours[i]) PetscCall(PetscFree(filled->vectors[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where an operator adds this rank's part of a gradient: the caller's vector, but zeros of our own for replicated inputs, whose sum over the ranks is what the caller gets. */
static PetscErrorCode BeginGradient(NomosOperator op, double *const in_bar[], Filled *parts)
{
  int size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(op->comm, &size));
  memset(parts, 0, sizeof *parts);
  for (size_t i = 0; i < op->n_in; i++) {
    parts->ours[i]    = size > 1 && op->in[i].replicated && in_bar[i];
    parts->vectors[i] = in_bar[i];
    if (parts->ours[i]) PetscCall(PetscCalloc1(op->in[i].size + 1, &parts->vectors[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EndGradient(NomosOperator op, double *const in_bar[], Filled *parts)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < op->n_in; i++) {
    if (!parts->ours[i]) continue;
    PetscCall(NomosSumOverRanks(op->comm, op->in[i].size, parts->vectors[i]));
    for (size_t j = 0; j < op->in[i].size; j++) in_bar[i][j] += parts->vectors[i][j];
  }
  PetscCall(Free(op->n_in, parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define CheckHas(op, derivative, what, instead) \
  PetscCheck((op)->ops->derivative, (op)->comm, PETSC_ERR_SUP, "operator %s has no %s (%s); %s", (op)->ops->name, #derivative, what, instead)

PetscErrorCode NomosOperatorApply(NomosOperator op, const double *const in[], double *const out[])
{
  PetscFunctionBeginUser;
  PetscCall(TIMED(op, APPLY, op->ops->apply(op, in, out)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorJvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  Filled dots;

  PetscFunctionBeginUser;
  CheckHas(op, jvp, "tangent", "give it one, or ask for its vjp");
  PetscCall(Fill(op->n_in, op->in, in_dot, &dots));
  PetscErrorCode code = TIMED(op, JVP, op->ops->jvp(op, in, (const double *const *)dots.vectors, out_dot));
  PetscCall(Free(op->n_in, &dots));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorVjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  Filled bars, parts;

  PetscFunctionBeginUser;
  CheckHas(op, vjp, "gradient", "give it one, or treat what it computes as constant");
  PetscCall(Fill(op->n_out, op->out, out_bar, &bars));
  PetscCall(BeginGradient(op, in_bar, &parts));
  PetscErrorCode code = TIMED(op, VJP, op->ops->vjp(op, in, (const double *const *)bars.vectors, parts.vectors));
  if (!code) code = EndGradient(op, in_bar, &parts);
  PetscCall(Free(op->n_out, &bars));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorHvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  Filled dots, bars, bar_dots, parts;

  PetscFunctionBeginUser;
  CheckHas(op, hvp, "second derivative", "give it one, or use a method that needs gradients only");
  PetscCall(Fill(op->n_in, op->in, in_dot, &dots));
  PetscCall(Fill(op->n_out, op->out, out_bar, &bars));
  PetscCall(Fill(op->n_out, op->out, out_bar_dot, &bar_dots));
  PetscCall(BeginGradient(op, in_bar_dot, &parts));
  PetscErrorCode code = TIMED(op, HVP, op->ops->hvp(op, in, (const double *const *)dots.vectors, (const double *const *)bars.vectors, (const double *const *)bar_dots.vectors, parts.vectors));
  if (!code) code = EndGradient(op, in_bar_dot, &parts);
  PetscCall(Free(op->n_in, &dots));
  PetscCall(Free(op->n_out, &bars));
  PetscCall(Free(op->n_out, &bar_dots));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorDot(NomosOperator op, const NomosOperatorArgument *argument, const double a[], const double b[], double *dot)
{
  PetscFunctionBeginUser;
  *dot = NomosDot(argument->size, a, b);
  if (!argument->replicated) PetscCall(NomosSumOverRanks(op->comm, 1, dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}
