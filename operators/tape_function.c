#include "operators/tape_function.h"

#include "operators/primitives.h"

#include <string.h>

typedef struct {
  NomosOperatorOps    ops;
  NomosTape           tape;
  NomosTapeFunctionFn function;
  void               *ctx;
} TapeFunction;

enum { MAX = NOMOS_OPERATOR_MAX_ARGUMENTS };

static NomosTensor Leaf(NomosTape tape, const NomosOperatorArgument *argument, const double data[])
{
  return NomosTensorFromDoubles(tape, NOMOS_F64, 1, &argument->size, data);
}

/* On a fresh tape: x and f(x), checked. */
static PetscErrorCode Evaluate(NomosOperator op, const double *const in[], NomosTensor x[], NomosTensor y[])
{
  TapeFunction *f = op->data;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(f->tape));
  for (size_t i = 0; i < op->n_in; i++) x[i] = Leaf(f->tape, &op->in[i], in[i]);
  PetscCall(f->function(f->tape, x, f->ctx, y));
  PetscCall(NomosTapeStatus(f->tape));
  for (size_t j = 0; j < op->n_out; j++) {
    PetscCheck(NomosTensorSize(y[j]) == op->out[j].size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: the function gave %zu entries for %s, which has %zu", f->ops.name, NomosTensorSize(y[j]), op->out[j].name, op->out[j].size);
    y[j] = NomosReshape(y[j], 1, &op->out[j].size);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_j <y_j, u_j> */
static NomosTensor Dot(NomosTape tape, size_t n, const NomosTensor y[], const NomosTensor u[])
{
  NomosTensor sum = NomosTensorConstant(tape, NOMOS_F64, 0, NULL, 0);

  for (size_t j = 0; j < n; j++) sum = NomosAdd(sum, NomosSumAll(NomosMultiply(y[j], u[j])));
  return sum;
}

static void Leaves(NomosTape tape, size_t n, const NomosOperatorArgument arguments[], const double *const data[], NomosTensor x[])
{
  for (size_t i = 0; i < n; i++) x[i] = Leaf(tape, &arguments[i], data ? data[i] : NULL);
}

static PetscErrorCode AddTo(size_t n, const NomosTensor x_bar[], double *const in_bar[])
{
  const void *entries;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    if (!in_bar[i]) continue;
    PetscCall(NomosTensorGet(x_bar[i], &entries));
    for (size_t k = 0; k < NomosTensorSize(x_bar[i]); k++) in_bar[i][k] += ((const double *)entries)[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  TapeFunction *f = op->data;
  NomosTensor   x[MAX], y[MAX];
  PetscErrorCode code;

  PetscFunctionBeginUser;
  const bool recording = NomosTapeSetRecording(f->tape, false);
  code                 = Evaluate(op, in, x, y);
  (void)NomosTapeSetRecording(f->tape, recording);
  PetscCall(code);
  for (size_t j = 0; j < op->n_out; j++) PetscCall(NomosTensorGetDoubles(y[j], out[j]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  TapeFunction *f = op->data;
  NomosTensor   x[MAX], y[MAX], u[MAX], x_bar[MAX];

  PetscFunctionBeginUser;
  PetscCall(Evaluate(op, in, x, y));
  Leaves(f->tape, op->n_out, op->out, out_bar, u);
  PetscCall(NomosGradient(&(NomosGradientInput){.y = Dot(f->tape, op->n_out, y, u), .n = op->n_in, .x = x}, x_bar));
  PetscCall(AddTo(op->n_in, x_bar, in_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  TapeFunction *f = op->data;
  NomosTensor   x[MAX], y[MAX], u[MAX], v[MAX], x_bar[MAX], y_dot[MAX];

  PetscFunctionBeginUser;
  (void)NomosTapeSetFusing(f->tape, false);
  PetscCall(Evaluate(op, in, x, y));
  Leaves(f->tape, op->n_out, op->out, NULL, u); /* f'(x)^T u is linear in u: at zero as anywhere */
  Leaves(f->tape, op->n_in, op->in, in_dot, v);
  PetscCall(NomosGradient(&(NomosGradientInput){.y = Dot(f->tape, op->n_out, y, u), .n = op->n_in, .x = x, .record = true}, x_bar));
  PetscCall(NomosGradient(&(NomosGradientInput){.y = Dot(f->tape, op->n_in, x_bar, v), .n = op->n_out, .x = u}, y_dot));
  for (size_t j = 0; j < op->n_out; j++) PetscCall(NomosTensorGetDoubles(y_dot[j], out_dot[j]));
  (void)NomosTapeSetFusing(f->tape, true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  TapeFunction *f = op->data;
  NomosTensor   x[MAX], y[MAX], u[MAX], u_dot[MAX], v[MAX], x_bar[MAX];

  PetscFunctionBeginUser;
  (void)NomosTapeSetFusing(f->tape, false);
  PetscCall(Evaluate(op, in, x, y));
  Leaves(f->tape, op->n_out, op->out, out_bar, u);
  Leaves(f->tape, op->n_out, op->out, out_bar_dot, u_dot);
  Leaves(f->tape, op->n_in, op->in, in_dot, v);
  PetscCall(NomosGradient(&(NomosGradientInput){.y = Dot(f->tape, op->n_out, y, u), .n = op->n_in, .x = x, .record = true}, x_bar));
  PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosAdd(Dot(f->tape, op->n_in, x_bar, v), Dot(f->tape, op->n_out, y, u_dot)), .n = op->n_in, .x = x}, x_bar));
  PetscCall(AddTo(op->n_in, x_bar, in_bar_dot));
  (void)NomosTapeSetFusing(f->tape, true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosOperator op)
{
  TapeFunction *f = op->data;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeDestroy(&f->tape));
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorFromTape(const NomosTapeFunctionInput *input, NomosOperator *op)
{
  TapeFunction *f;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  f->ops      = (NomosOperatorOps){.name = input->name, .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .destroy = Destroy};
  f->function = input->function;
  f->ctx      = input->ctx;
  PetscCall(NomosTapeCreate(&f->tape));
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = input->comm, .ops = &f->ops, .n_in = input->n_in, .n_out = input->n_out, .in = input->in, .out = input->out, .data = f}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExampleFunction(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[])
{
  PetscFunctionBeginUser;
  (void)tape;
  (void)ctx;
  out[0] = NomosAdd(NomosFunction(NOMOS_TANH, 0, NomosMatMul(NomosReshape(in[0], 2, (size_t[]){5, 3}), NomosReshape(in[1], 2, (size_t[]){3, 1}))), NomosPower(in[2], 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTapeFunctionExample(MPI_Comm comm, NomosOperator *op)
{
  const NomosOperatorArgument in[3] = {{.name = "A", .size = 15}, {.name = "x", .size = 3}, {.name = "b", .size = 1, .replicated = true}}, out = {.name = "y", .size = 5};

  PetscFunctionBeginUser;
  PetscCall(NomosOperatorFromTape(&(NomosTapeFunctionInput){.comm = comm, .name = "tape_function", .function = ExampleFunction, .n_in = 3, .n_out = 1, .in = in, .out = &out}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}
