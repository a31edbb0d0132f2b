#include "operators/operator_check.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <math.h>
#include <string.h>

/* A vector for each input, or for each output. */
typedef struct {
  double *v[NOMOS_OPERATOR_MAX_ARGUMENTS];
} Vectors;

#define READ(vectors) ((const double *const *)(vectors).v)

typedef struct {
  NomosOperator                  op;
  const NomosOperatorCheckInput *input;
  NomosOperatorReport           *report;
  int                            rank, direction;
  bool                           interrupted;
  double                         step, size;                           /* the longest h; the largest sum of what J is made of */
  Vectors                        d, e, gradient, hessian, other, moved; /* of the inputs */
  Vectors                        w, z, value;                           /* of the outputs */
} Check;

static PetscErrorCode Allocate(size_t n, const NomosOperatorArgument arguments[], Vectors *vectors)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) PetscCall(PetscCalloc1(arguments[i].size + 1, &vectors->v[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(size_t n, Vectors *vectors)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) PetscCall(PetscFree(vectors->v[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Zero(size_t n, const NomosOperatorArgument arguments[], Vectors *vectors)
{
  for (size_t i = 0; i < n; i++) memset(vectors->v[i], 0, sizeof(double) * arguments[i].size);
}

static double Scale(const Check *check, size_t argument, size_t i)
{
  const double *const *scale = check->input->scale;
  return scale && scale[argument] ? scale[argument][i] : 1;
}

/* Of unit variance; replicated vectors are the same on every rank. `of_inputs`: times the scale. */
static void Draw(const Check *check, size_t n, const NomosOperatorArgument arguments[], bool of_inputs, uint64_t which, Vectors *vectors)
{
  for (size_t a = 0; a < n; a++) {
    const uint64_t stream = (((uint64_t)check->direction * 8 + which) * NOMOS_OPERATOR_MAX_ARGUMENTS + a) << 24 | (arguments[a].replicated ? 0 : (uint64_t)check->rank);
    for (size_t i = 0; i < arguments[a].size; i++) vectors->v[a][i] = NomosRandomNormal(check->input->seed, stream, i) * (of_inputs ? Scale(check, a, i) : 1);
  }
}

static PetscErrorCode Dot(const Check *check, size_t n, const NomosOperatorArgument arguments[], const Vectors *a, const Vectors *b, double *dot)
{
  double part;

  PetscFunctionBeginUser;
  *dot = 0;
  for (size_t i = 0; i < n; i++) {
    PetscCall(NomosOperatorDot(check->op, &arguments[i], a->v[i], b->v[i], &part));
    *dot += part;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define InDot(check, a, b, dot)  Dot(check, (check)->op->n_in, (check)->op->in, a, b, dot)
#define OutDot(check, a, b, dot) Dot(check, (check)->op->n_out, (check)->op->out, a, b, dot)

/* Norm of a gradient, whose entries have the unit of 1/scale; of the difference a - b where b is given. */
static PetscErrorCode GradientNorm(const Check *check, const Vectors *a, const Vectors *b, double *norm)
{
  PetscFunctionBeginUser;
  *norm = 0;
  for (size_t n = 0; n < check->op->n_in; n++) {
    double sum = 0;
    for (size_t i = 0; i < check->op->in[n].size; i++) {
      const double x = (a->v[n][i] - (b ? b->v[n][i] : 0)) * Scale(check, n, i);
      sum += x * x;
    }
    if (!check->op->in[n].replicated) PetscCall(NomosSumOverRanks(check->op->comm, 1, &sum));
    *norm += sum;
  }
  *norm = sqrt(*norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* moved = x + h d */
static void Move(Check *check, double h)
{
  for (size_t n = 0; n < check->op->n_in; n++)
    for (size_t i = 0; i < check->op->in[n].size; i++) check->moved.v[n][i] = check->input->in[n][i] + h * check->d.v[n][i];
}

/* What takes long is an application, forward or backward: of one that is interrupted all later ones are left out. */
static PetscErrorCode Ask(Check *check)
{
  PetscFunctionBeginUser;
  if (!check->interrupted && check->input->interrupted) PetscCall(check->input->interrupted(check->input->ctx, &check->interrupted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Check *check, const double *const in[], const Vectors *w, Vectors *gradient)
{
  PetscFunctionBeginUser;
  PetscCall(Ask(check));
  if (check->interrupted) PetscFunctionReturn(PETSC_SUCCESS);
  Zero(check->op->n_in, check->op->in, gradient);
  PetscCall(NomosOperatorVjp(check->op, in, READ(*w), gradient->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Hessian of <w, F> times a direction. */
static PetscErrorCode Hessian(Check *check, const Vectors *direction, Vectors *hessian)
{
  PetscFunctionBeginUser;
  PetscCall(Ask(check));
  if (check->interrupted) PetscFunctionReturn(PETSC_SUCCESS);
  Zero(check->op->n_in, check->op->in, hessian);
  PetscCall(NomosOperatorHvp(check->op, check->input->in, READ(*direction), READ(check->w), NULL, hessian->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The larger of an error and what was found before. */
static void Worst(double *worst, double error)
{
  if (isnan(error) || error > *worst) *worst = error;
}

static double Ratio(double error, double scale)
{
  return error == 0 ? 0 : error / scale;
}

static PetscErrorCode Transposition(Check *check)
{
  double forward, backward, size;

  PetscFunctionBeginUser;
  PetscCall(Ask(check));
  if (check->interrupted) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosOperatorJvp(check->op, check->input->in, READ(check->d), check->value.v));
  PetscCall(OutDot(check, &check->w, &check->value, &forward));
  PetscCall(OutDot(check, &check->value, &check->value, &size));
  PetscCall(InDot(check, &check->gradient, &check->d, &backward));
  Worst(&check->report->transposition, Ratio(fabs(forward - backward), sqrt(size)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Linearity(Check *check)
{
  const double a = -2.5;
  double       error, size;

  PetscFunctionBeginUser;
  PetscCall(Gradient(check, check->input->in, &check->z, &check->other));
  for (size_t n = 0; n < check->op->n_in; n++)
    for (size_t i = 0; i < check->op->in[n].size; i++) check->other.v[n][i] += a * check->gradient.v[n][i];
  for (size_t n = 0; n < check->op->n_out; n++)
    for (size_t i = 0; i < check->op->out[n].size; i++) check->value.v[n][i] = a * check->w.v[n][i] + check->z.v[n][i];
  PetscCall(Gradient(check, check->input->in, &check->value, &check->moved));
  PetscCall(GradientNorm(check, &check->moved, &check->other, &error));
  PetscCall(GradientNorm(check, &check->moved, NULL, &size));
  Worst(&check->report->linearity, Ratio(error, size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J at x + h d, and the sum of what it is made of, by which its rounding is judged. */
static PetscErrorCode Cost(Check *check, double h, double *J, double *size)
{
  PetscFunctionBeginUser;
  *J = *size = 0;
  PetscCall(Ask(check));
  if (check->interrupted) PetscFunctionReturn(PETSC_SUCCESS);
  Move(check, h);
  PetscCall(NomosOperatorApply(check->op, READ(check->moved), check->value.v));
  PetscCall(OutDot(check, &check->w, &check->value, J));
  *size = 0;
  for (size_t n = 0; n < check->op->n_out; n++) {
    double sum = 0;
    for (size_t i = 0; i < check->op->out[n].size; i++) sum += fabs(check->w.v[n][i] * check->value.v[n][i]);
    if (!check->op->out[n].replicated) PetscCall(NomosSumOverRanks(check->op->comm, 1, &sum));
    *size += sum;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosObservedOrder(int n, const double h[], const double remainder[], double floor)
{
  for (int i = 0; i < n; i++)
    if (!isfinite(remainder[i])) return -INFINITY;
  for (double margin = 1000; margin >= 10; margin /= 10)
    for (int i = n - 2; i >= 0; i--)
      if (remainder[i] > margin * floor && remainder[i + 1] > margin * floor) return log(remainder[i] / remainder[i + 1]) / log(h[i] / h[i + 1]);
  return INFINITY;
}

/* Squares of R_p of this direction, on top of those before. */
static PetscErrorCode Taylor(Check *check)
{
  NomosOperatorReport    *report = check->report;
  const NomosOperatorOps *ops    = check->op->ops;
  double                  J0, J, size, slope = 0, curvature = 0;

  PetscFunctionBeginUser;
  PetscCall(Cost(check, 0, &J0, &size));
  check->size = fmax(check->size, size);
  if (ops->vjp) PetscCall(InDot(check, &check->gradient, &check->d, &slope));
  if (ops->hvp) PetscCall(InDot(check, &check->hessian, &check->d, &curvature));
  for (int i = 0; i < NOMOS_CHECK_HALVINGS; i++) {
    const double h = check->step * pow(0.5, i);
    report->h[i]   = h;
    PetscCall(Cost(check, h, &J, &size));
    check->size              = fmax(check->size, size);
    const double remainder[] = {J - J0, J - J0 - h * slope, J - J0 - h * slope - 0.5 * h * h * curvature};
    for (int p = 0; p < 3; p++) report->remainder[p][i] += remainder[p] * remainder[p];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Orders(Check *check)
{
  NomosOperatorReport    *report  = check->report;
  const NomosOperatorOps *ops     = check->op->ops;
  const double            epsilon = check->input->epsilon > 0 ? check->input->epsilon : PETSC_MACHINE_EPSILON;
  const bool              has[]   = {true, ops->vjp, ops->vjp && ops->hvp};

  for (int p = 0; p < 3; p++) {
    for (int i = 0; i < NOMOS_CHECK_HALVINGS; i++) report->remainder[p][i] = sqrt(report->remainder[p][i] / PetscMax(1, check->input->n_directions));
    report->order[p] = has[p] ? NomosObservedOrder(NOMOS_CHECK_HALVINGS, report->h, report->remainder[p], 4 * epsilon * check->size) : NAN;
  }
}

/* Central differences of the gradient at h, h/2, ..., extrapolated to h = 0 as a polynomial of h^2. In single precision two of them: rounding outweighs what is cut off. */
static PetscErrorCode Second(Check *check)
{
  const int levels = check->input->epsilon > 1e-10 ? 2 : 4;
  double    error, size[2];

  PetscFunctionBeginUser;
  Zero(check->op->n_in, check->op->in, &check->other);
  for (int level = 0; level < levels; level++) {
    const double h      = check->step / 4 * pow(0.5, level);
    double       weight = 1;
    for (int k = 0; k < levels; k++) weight *= k == level ? 1 : 1 / (1 - pow(4, k - level));
    for (int side = -1; side <= 1; side += 2) {
      Move(check, side * h);
      PetscCall(Gradient(check, READ(check->moved), &check->w, &check->e));
      for (size_t n = 0; n < check->op->n_in; n++)
        for (size_t i = 0; i < check->op->in[n].size; i++) check->other.v[n][i] += side * weight / (2 * h) * check->e.v[n][i];
    }
  }
  PetscCall(GradientNorm(check, &check->hessian, &check->other, &error));
  PetscCall(GradientNorm(check, &check->hessian, NULL, &size[0]));
  PetscCall(GradientNorm(check, &check->gradient, NULL, &size[1]));
  Worst(&check->report->second, Ratio(error, size[0] + size[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Symmetry(Check *check)
{
  double forward, backward, size[2];

  PetscFunctionBeginUser;
  Draw(check, check->op->n_in, check->op->in, true, 1, &check->e);
  PetscCall(Hessian(check, &check->e, &check->other));
  PetscCall(InDot(check, &check->hessian, &check->e, &forward));
  PetscCall(InDot(check, &check->other, &check->d, &backward));
  PetscCall(GradientNorm(check, &check->hessian, NULL, &size[0]));
  PetscCall(GradientNorm(check, &check->other, NULL, &size[1]));
  Worst(&check->report->symmetry, Ratio(fabs(forward - backward), fmax(size[0], size[1])));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OneDirection(Check *check)
{
  const NomosOperator     op  = check->op;
  const NomosOperatorOps *ops = op->ops;

  PetscFunctionBeginUser;
  Draw(check, op->n_in, op->in, true, 0, &check->d);
  Draw(check, op->n_out, op->out, false, 2, &check->w);
  Draw(check, op->n_out, op->out, false, 3, &check->z);
  if (ops->vjp) PetscCall(Gradient(check, check->input->in, &check->w, &check->gradient));
  if (ops->vjp && ops->jvp) PetscCall(Transposition(check));
  if (ops->vjp) PetscCall(Linearity(check));
  if (ops->hvp) PetscCall(Hessian(check, &check->d, &check->hessian));
  if (ops->hvp) PetscCall(Symmetry(check));
  if (ops->hvp && ops->vjp) PetscCall(Second(check));
  PetscCall(Taylor(check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorCheck(NomosOperator op, const NomosOperatorCheckInput *input, NomosOperatorReport *report)
{
  Check                   check = {.op = op, .input = input, .report = report, .step = input->step > 0 ? input->step : 1. / 64};
  Vectors                *of_inputs[] = {&check.d, &check.e, &check.gradient, &check.hessian, &check.other, &check.moved}, *of_outputs[] = {&check.w, &check.z, &check.value};
  const NomosOperatorOps *ops = op->ops;
  PetscErrorCode          code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  *report = (NomosOperatorReport){.transposition = ops->jvp && ops->vjp ? 0 : NAN, .linearity = ops->vjp ? 0 : NAN, .symmetry = ops->hvp ? 0 : NAN, .second = ops->hvp && ops->vjp ? 0 : NAN};
  PetscCallMPI(MPI_Comm_rank(op->comm, &check.rank));
  for (size_t i = 0; i < sizeof of_inputs / sizeof *of_inputs; i++) PetscCall(Allocate(op->n_in, op->in, of_inputs[i]));
  for (size_t i = 0; i < sizeof of_outputs / sizeof *of_outputs; i++) PetscCall(Allocate(op->n_out, op->out, of_outputs[i]));
  for (; check.direction < PetscMax(1, input->n_directions) && !code && !check.interrupted; check.direction++) code = OneDirection(&check);
  if (!code && !check.interrupted) Orders(&check);
  for (size_t i = 0; i < sizeof of_inputs / sizeof *of_inputs; i++) PetscCall(Free(op->n_in, of_inputs[i]));
  for (size_t i = 0; i < sizeof of_outputs / sizeof *of_outputs; i++) PetscCall(Free(op->n_out, of_outputs[i]));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
