#include "operators/terms_operator.h"

#include "operators/terms_impl.h"

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosTermsEvaluate(op->data, in, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosTermsJvp(op->data, in, in_dot, out_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosTermsVjp(op->data, in, out_bar, in_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosTermsHvp(op->data, in, in_dot, out_bar, out_bar_dot, in_bar_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosOperator op)
{
  NomosTerms terms = op->data;

  PetscFunctionBeginUser;
  PetscCall(NomosTermsDestroy(&terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosOperatorOps terms_ops = {.name = "terms", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .destroy = Destroy};

PetscErrorCode NomosTermsOperatorCreate(NomosTerms terms, NomosOperator *op)
{
  NomosOperatorArgument in[NOMOS_OPERATOR_MAX_ARGUMENTS], out[NOMOS_OPERATOR_MAX_ARGUMENTS];

  PetscFunctionBeginUser;
  PetscCheck(terms->n_fields <= NOMOS_OPERATOR_MAX_ARGUMENTS && terms->n_terms <= NOMOS_OPERATOR_MAX_ARGUMENTS, terms->comm, PETSC_ERR_ARG_SIZ, "%s: %zu terms of %zu fields; an operator has at most %d of each", terms->where, terms->n_terms, terms->n_fields, NOMOS_OPERATOR_MAX_ARGUMENTS);
  for (size_t i = 0; i < terms->n_fields; i++) in[i] = (NomosOperatorArgument){terms->fields[i], terms->points, false};
  for (size_t i = 0; i < terms->n_terms; i++) out[i] = (NomosOperatorArgument){NomosTermsText(terms, i), terms->points, false};
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = terms->comm, .ops = &terms_ops, .n_in = terms->n_fields, .n_out = terms->n_terms, .in = in, .out = out, .data = terms}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsOperatorExample(MPI_Comm comm, NomosOperator *op)
{
  static const char *const fields[] = {"u", "v"}, *const texts[] = {"u u_x", "(u^2 + v^2) v", "J(u, lap u + v)", "sin(u) v_y", "mean_x(u v) - shift(v, 2)"};
  NomosTerms               terms;

  PetscFunctionBeginUser;
  PetscCall(NomosTermsCreate(&(NomosTermsInput){.comm = comm, .grid = {.n_dims = 2, .n = {9, 10}, .length = {5, 6}, .dealias = true, .keep_nyquist = true}, .n_fields = 2, .n_terms = 5, .fields = fields, .terms = texts, .where = "example"}, &terms));
  PetscCall(NomosTermsOperatorCreate(terms, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}
