/* Operators as nodes of a tape: their derivatives nest as those of primitives do. */
#include "harness.h"

#include "operators/primitives.h"

static NomosTensor Vector(NomosTape tape, size_t n, double first, double step)
{
  double *entries = malloc((n + 1) * sizeof *entries);
  for (size_t i = 0; i < n; i++) entries[i] = first + step * (double)i;
  NomosTensor x = NomosTensorFromDoubles(tape, NOMOS_F64, 1, &n, entries);
  free(entries);
  return x;
}

static NomosTensor Gradient(NomosTensor y, NomosTensor x, bool record)
{
  NomosTensor x_bar;
  ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .n = 1, .x = &x, .record = record}, &x_bar));
  return x_bar;
}

/* ---- an operator as a node: y = (x0^2 x1, sum x0), with all derivatives */

static PetscErrorCode ToyApply(NomosOperator op, const double *const in[], double *const out[])
{
  out[1][0] = 0;
  for (size_t i = 0; i < op->in[0].size; i++) {
    out[0][i] = in[0][i] * in[0][i] * in[1][0];
    out[1][0] += in[0][i];
  }
  return 0;
}
static PetscErrorCode ToyJvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  out_dot[1][0] = 0;
  for (size_t i = 0; i < op->in[0].size; i++) {
    out_dot[0][i] = 2 * in[0][i] * in_dot[0][i] * in[1][0] + in[0][i] * in[0][i] * in_dot[1][0];
    out_dot[1][0] += in_dot[0][i];
  }
  return 0;
}
static PetscErrorCode ToyVjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  for (size_t i = 0; i < op->in[0].size; i++) {
    if (in_bar[0]) in_bar[0][i] += 2 * in[0][i] * in[1][0] * out_bar[0][i] + out_bar[1][0];
    if (in_bar[1]) in_bar[1][0] += in[0][i] * in[0][i] * out_bar[0][i];
  }
  return 0;
}
static PetscErrorCode ToyHvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  for (size_t i = 0; i < op->in[0].size; i++) {
    if (in_bar_dot[0]) in_bar_dot[0][i] += 2 * (in_dot[0][i] * in[1][0] + in[0][i] * in_dot[1][0]) * out_bar[0][i] + 2 * in[0][i] * in[1][0] * out_bar_dot[0][i] + out_bar_dot[1][0];
    if (in_bar_dot[1]) in_bar_dot[1][0] += 2 * in[0][i] * in_dot[0][i] * out_bar[0][i] + in[0][i] * in[0][i] * out_bar_dot[0][i];
  }
  return 0;
}
static const NomosOperatorOps toy = {.name = "toy", .apply = ToyApply, .jvp = ToyJvp, .vjp = ToyVjp, .hvp = ToyHvp}, toy_without = {.name = "toy_without", .apply = ToyApply};

START_TEST(test_operator)
{
  const NomosOperatorArgument in[2] = {{.name = "x", .size = 4}, {.name = "a", .size = 1, .replicated = true}}, out[2] = {{.name = "y", .size = 4}, {.name = "s", .size = 1}};
  NomosOperator               op, without;
  NomosTape                   tape;
  double                      first[2][4], second[2][4];

  ck_ok(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &toy, .n_in = 2, .n_out = 2, .in = in, .out = out}, &op));
  ck_ok(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &toy_without, .n_in = 2, .n_out = 2, .in = in, .out = out}, &without));
  ck_ok(NomosTapeCreate(&tape));
  for (int written = 0; written < 2; written++) { /* the same by primitives */
    NomosTensor x[2] = {NomosFunction(NOMOS_SIN, 0, Vector(tape, 4, 0.3, 0.5)), Vector(tape, 1, 1.7, 0)}, y[2], f;
    if (written) {
      y[0] = NomosMultiply(NomosPower(x[0], 2), x[1]);
      y[1] = NomosReshape(NomosSumAll(x[0]), 1, (size_t[]){1});
    } else ck_ok(NomosTapeApply(op, x, y));
    f = NomosSumAll(NomosMultiply(NomosFunction(NOMOS_EXP, 0, y[0]), y[1]));
    NomosTensor g = Gradient(f, x[0], true);
    ck_ok(NomosTensorGetDoubles(g, first[written]));
    ck_ok(NomosTensorGetDoubles(Gradient(NomosSumAll(NomosPower(g, 2)), x[0], false), second[written]));
  }
  for (int i = 0; i < 4; i++) {
    ck_close(first[0][i], first[1][i], 1e-14);
    ck_close(second[0][i], second[1][i], 1e-13);
  }
  NomosTensor x[2] = {Vector(tape, 4, 0, 1), Vector(tape, 1, 1, 0)}, y[2], bar;
  ck_ok(NomosTapeApply(without, x, y));
  y[0] = NomosSumAll(y[0]);
  ck_refused(NomosGradient(&(NomosGradientInput){.y = y[0], .n = 1, .x = x}, &bar), "toy_without");
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosOperatorDestroy(&op));
  ck_ok(NomosOperatorDestroy(&without));
}
END_TEST

NOMOS_TEST_SUITE("tape_operator", test_operator)
