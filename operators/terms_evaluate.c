/* The program, forwards for values and tangents, backwards for derivatives. What is not asked for, or does not depend on what is varied, is not computed: its pointer is NULL. */
#include "operators/terms_impl.h"

#include "operators/reduce.h"

#include <math.h>
#include <string.h>

/* A statement for each point i of n. Few points without a parallel region: even one of a single thread costs more than forty of them. */
#define EACH_POINT(...) \
  do { \
    if (n > 8192) { \
      _Pragma("omp parallel for simd schedule(static) num_threads(t->n_threads)") for (size_t i = 0; i < n; i++) __VA_ARGS__; \
    } else \
      for (size_t i = 0; i < n; i++) __VA_ARGS__; \
  } while (0)

static void Add(NomosTerms t, size_t n, double factor, const double *restrict from, double *restrict to)
{
  EACH_POINT(to[i] += factor * from[i]);
}

/* to += a b, or = */
static void AddProduct(NomosTerms t, size_t n, const double *a, const double *b, bool add, double *to)
{
  if (!add)
    EACH_POINT(to[i] = a[i] * b[i]);
  else
    EACH_POINT(to[i] += a[i] * b[i]);
}

/* ---- pointwise functions and their derivatives ---- */

typedef enum { SIN, COS, TANH, EXP, LOG, SQRT, ABS, RECIPROCAL } Function; /* as in nomos_term_functions, and 1/u */

static double Value(Function f, int derivative, double u)
{
  switch (f) {
  case SIN: return derivative == 0 ? sin(u) : derivative == 1 ? cos(u) : -sin(u);
  case COS: return derivative == 0 ? cos(u) : derivative == 1 ? -sin(u) : -cos(u);
  case TANH: {
    const double h = tanh(u), d = 1 - h * h;
    return derivative == 0 ? h : derivative == 1 ? d : -2 * h * d;
  }
  case EXP: return exp(u);
  case LOG: return derivative == 0 ? log(u) : derivative == 1 ? 1 / u : -1 / (u * u);
  case SQRT: return derivative == 0 ? sqrt(u) : derivative == 1 ? 0.5 / sqrt(u) : -0.25 / (u * sqrt(u));
  case ABS: return derivative == 0 ? fabs(u) : derivative == 1 ? (u > 0) - (u < 0) : 0;
  default: return derivative == 0 ? 1 / u : derivative == 1 ? -1 / (u * u) : 2 / (u * u * u);
  }
}

/* ---- means ---- */

/* over_x: each row by its mean; else all by the mean of all. Symmetric, its own transpose. A sum for each row, then in the order of the rows: the same bits on any number of ranks. */
static PetscErrorCode Mean(NomosTerms t, bool over_x, const double in[], bool add, double out[])
{
  double mean = 0;

  PetscFunctionBeginUser;
  memset(t->row_sums, 0, sizeof *t->row_sums * t->ny);
  for (size_t row = 0; row < t->n_y; row++)
    for (size_t x = 0; x < t->nx; x++) t->row_sums[t->y_start + row] += in[row * t->nx + x];
  if (!over_x) {
    PetscCall(NomosSumOverRanks(t->comm, t->ny, t->row_sums));
    for (size_t row = 0; row < t->ny; row++) mean += t->row_sums[row];
    mean /= (double)(t->nx * t->ny);
  }
  for (size_t row = 0; row < t->n_y; row++) {
    const double value = over_x ? t->row_sums[t->y_start + row] / (double)t->nx : mean;
    for (size_t x = 0; x < t->nx; x++) out[row * t->nx + x] = value + (add ? out[row * t->nx + x] : 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out(x) (+)= in(x + points dx), along periodic rows. */
static void Shift(NomosTerms t, int points, const double in[], bool add, double out[])
{
  const size_t nx = t->nx, by = (size_t)((points % (int)nx + (int)nx) % (int)nx);

  for (size_t row = 0; row < t->n_y; row++)
    for (size_t x = 0; x < nx; x++) {
      const double value = in[row * nx + (x + by < nx ? x + by : x + by - nx)];
      out[row * nx + x]  = value + (add ? out[row * nx + x] : 0);
    }
}

/* ---- instructions ---- */

/* at[v] := the linear map of an instruction of its inputs in `at`; those that are NULL are zero. */
static PetscErrorCode Linear(NomosTerms t, int v, double *const at[])
{
  const NomosTermInstruction *ins = &t->program[v];
  const NomosTermInput       *in  = ins->in;
  const size_t                n   = t->size_of[ins->space];
  double                     *to  = at[v];

  PetscFunctionBeginUser;
  switch (ins->op) {
  case OP_FORWARD: PetscCall(NomosTermsForward(t, ins->space == SPACE_FINE, false, at[in->value], to)); break;
  case OP_INVERSE: PetscCall(NomosTermsInverse(t, ins->space == SPACE_FINE, false, ins->n_in, in, at, false, to)); break;
  case OP_DIFFERENCE: PetscCall(NomosTermsDifference(t, ins->index, false, at[in->value], false, to)); break;
  case OP_SHIFT: Shift(t, ins->index, at[in->value], false, to); break;
  case OP_MEAN: PetscCall(Mean(t, ins->index, at[in->value], false, to)); break;
  case OP_COMBINE: {
    bool begun = false;
    for (int j = 0; j < ins->n_in; j++) {
      const double *restrict from = at[in[j].value];
      const double c = in[j].factor;
      if (!from) continue;
      if (begun) Add(t, n, c, from, to);
      else
        EACH_POINT(to[i] = c * from[i]);
      begun = true;
    }
    if (!begun) memset(to, 0, sizeof *to * n);
    break;
  }
  case OP_ONE: EACH_POINT(to[i] = 1); break;
  default: break; /* fields and given functions stand where they are */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* bar of the inputs += its transpose of bar[v]; those that are NULL are not asked for. */
static PetscErrorCode Transpose(NomosTerms t, int v, double *const bar[])
{
  const NomosTermInstruction *ins  = &t->program[v];
  const NomosTermInput       *in   = ins->in;
  const double               *from = bar[v];

  PetscFunctionBeginUser;
  switch (ins->op) {
  case OP_FORWARD: PetscCall(NomosTermsInverse(t, ins->space == SPACE_FINE, true, 1, &(NomosTermInput){1, 0, {0, 0}}, (double *[]){bar[v]}, true, bar[in->value])); break;
  case OP_INVERSE:
    PetscCall(NomosTermsForward(t, ins->space == SPACE_FINE, true, from, NomosTermsSpectralScratch(t)));
    for (int j = 0; j < ins->n_in; j++)
      if (bar[in[j].value]) NomosTermsAddConjugate(t, &in[j], NomosTermsSpectralScratch(t), bar[in[j].value]);
    break;
  case OP_DIFFERENCE: PetscCall(NomosTermsDifference(t, ins->index, true, from, true, bar[in->value])); break;
  case OP_SHIFT: Shift(t, -ins->index, from, true, bar[in->value]); break;
  case OP_MEAN: PetscCall(Mean(t, ins->index, from, true, bar[in->value])); break;
  case OP_COMBINE:
    for (int j = 0; j < ins->n_in; j++)
      if (bar[in[j].value]) Add(t, t->size_of[ins->space], in[j].factor, from, bar[in[j].value]);
    break;
  default: break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(NomosTerms t, int v, double *const at[])
{
  const NomosTermInstruction *ins = &t->program[v];
  const size_t                n   = t->size_of[ins->space];

  PetscFunctionBeginUser;
  if (ins->op == OP_MULTIPLY) AddProduct(t, n, at[ins->in[0].value], at[ins->in[1].value], false, at[v]);
  else if (ins->op == OP_FUNCTION) {
    const double *u  = at[ins->in->value];
    double       *to = at[v];
    EACH_POINT(to[i] = Value((Function)ins->index, 0, u[i]));
  } else PetscCall(Linear(t, v, at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunDot(NomosTerms t, int v, double *const at[], double *const dot[])
{
  const NomosTermInstruction *ins = &t->program[v];
  const size_t                n   = t->size_of[ins->space];
  bool                        add = false;

  PetscFunctionBeginUser;
  if (ins->op == OP_MULTIPLY)
    for (int j = 0; j < 2; j++) {
      if (!dot[ins->in[j].value]) continue;
      AddProduct(t, n, dot[ins->in[j].value], at[ins->in[1 - j].value], add, dot[v]);
      add = true;
    }
  else if (ins->op == OP_FUNCTION) {
    const double *u = at[ins->in->value], *u_dot = dot[ins->in->value];
    double       *to = dot[v];
    EACH_POINT(to[i] = Value((Function)ins->index, 1, u[i]) * u_dot[i]);
  } else PetscCall(Linear(t, v, dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunBar(NomosTerms t, int v, double *const at[], double *const bar[])
{
  const NomosTermInstruction *ins = &t->program[v];
  const size_t                n   = t->size_of[ins->space];
  bool                        any = false;

  PetscFunctionBeginUser;
  for (int j = 0; j < ins->n_in; j++) any = any || bar[ins->in[j].value];
  if (!any) PetscFunctionReturn(PETSC_SUCCESS);
  if (ins->op == OP_MULTIPLY) {
    for (int j = 0; j < 2; j++)
      if (bar[ins->in[j].value]) AddProduct(t, n, bar[v], at[ins->in[1 - j].value], true, bar[ins->in[j].value]);
  } else if (ins->op == OP_FUNCTION) {
    const double *u = at[ins->in->value], *from = bar[v];
    double       *to = bar[ins->in->value];
    EACH_POINT(to[i] += Value((Function)ins->index, 1, u[i]) * from[i]);
  } else PetscCall(Transpose(t, v, bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What RunBar of bar_dot lacks: the change of the derivatives themselves. */
static void RunSecond(NomosTerms t, int v, double *const at[], double *const dot[], double *const bar[], double *const bar_dot[])
{
  const NomosTermInstruction *ins = &t->program[v];
  const size_t                n   = t->size_of[ins->space];

  if (ins->op == OP_MULTIPLY) {
    for (int j = 0; j < 2; j++)
      if (bar_dot[ins->in[j].value] && dot[ins->in[1 - j].value]) AddProduct(t, n, bar[v], dot[ins->in[1 - j].value], true, bar_dot[ins->in[j].value]);
  } else if (ins->op == OP_FUNCTION && dot[ins->in->value]) {
    const double *u = at[ins->in->value], *u_dot = dot[ins->in->value], *from = bar[v];
    double       *to = bar_dot[ins->in->value];
    EACH_POINT(to[i] += Value((Function)ins->index, 2, u[i]) * u_dot[i] * from[i]);
  }
}

/* ---- which values a call needs, and where they stand ---- */

static size_t ValueSize(NomosTerms t, int v)
{
  return t->size_of[t->program[v].op == OP_FORWARD ? SPACE_MODES : t->program[v].space];
}

/* In memory of this object's own, made at the first call that needs it. */
static PetscErrorCode Own(NomosTerms t, int set, int v)
{
  PetscFunctionBeginUser;
  if (!t->owned[set][v]) PetscCall(PetscMalloc1(ValueSize(t, v) + 1, &t->owned[set][v]));
  t->at[set][v] = t->owned[set][v];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* needed := the values on the way to terms whose entry in one of the lists is not NULL; only what is `wanted`, if given. */
static void MarkFromTerms(NomosTerms t, const double *const a[], const double *const b[], const bool wanted[])
{
  memset(t->needed, 0, sizeof *t->needed * (size_t)t->n_values);
  for (size_t i = 0; i < t->n_terms; i++)
    if ((a && a[i]) || (b && b[i])) t->needed[t->output[i]] = !wanted || wanted[t->output[i]];
  for (int v = t->n_values - 1; v >= 0; v--)
    for (int j = 0; j < t->program[v].n_in && t->needed[v]; j++) {
      const int in   = t->program[v].in[j].value;
      t->needed[in] = t->needed[in] || !wanted || wanted[in];
    }
}

/* wanted := the values that depend on a field whose entry is not NULL. */
static void MarkFromFields(NomosTerms t, const double *const fields[], bool wanted[])
{
  memset(wanted, 0, sizeof *wanted * (size_t)t->n_values);
  for (size_t f = 0; f < t->n_fields; f++)
    if (t->field_value[f] >= 0) wanted[t->field_value[f]] = fields[f] != NULL;
  for (int v = 0; v < t->n_values; v++)
    for (int j = 0; j < t->program[v].n_in; j++) wanted[v] = wanted[v] || wanted[t->program[v].in[j].value];
}

static void ClearSet(NomosTerms t, int set)
{
  memset(t->at[set], 0, sizeof *t->at[set] * (size_t)t->n_values);
}

/* Where the fields, and what does not depend on them, stand. */
static void BindValues(NomosTerms t, const double *const fields[])
{
  for (int v = 0; v < t->n_values; v++) t->at[VALUES][v] = t->program[v].constant ? t->owned[VALUES][v] : NULL;
  for (size_t f = 0; f < t->n_fields; f++)
    if (t->field_value[f] >= 0) t->at[VALUES][t->field_value[f]] = (double *)fields[f];
}

/* Values that are needed and stand nowhere yet. */
static PetscErrorCode RunNeeded(NomosTerms t)
{
  PetscFunctionBeginUser;
  for (int v = 0; v < t->n_values; v++) {
    const NomosTermInstruction *ins = &t->program[v];
    if (!t->needed[v] || ins->constant || ins->op == OP_FIELD) continue;
    if (!t->at[VALUES][v]) PetscCall(Own(t, VALUES, v));
    PetscCall(Run(t, v, t->at[VALUES]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The values that derivatives of `needed` instructions are taken at. */
static PetscErrorCode RunInputsOfNonlinear(NomosTerms t, const double *const fields[])
{
  PetscFunctionBeginUser;
  for (int v = 0; v < t->n_values; v++) t->wanted[v] = t->needed[v] && !t->program[v].linear;
  memset(t->needed, 0, sizeof *t->needed * (size_t)t->n_values);
  for (int v = t->n_values - 1; v >= 0; v--)
    for (int j = 0; j < t->program[v].n_in; j++)
      if (t->wanted[v] || t->needed[v]) t->needed[t->program[v].in[j].value] = true;
  BindValues(t, fields);
  PetscCall(RunNeeded(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsRunConstants(NomosTerms t)
{
  PetscFunctionBeginUser;
  for (int v = 0; v < t->n_values; v++) {
    if (!t->program[v].constant) continue;
    PetscCall(Own(t, VALUES, v));
    if (t->program[v].op == OP_GIVEN) memcpy(t->owned[VALUES][v], t->given_values[t->program[v].index], sizeof(double) * t->points);
    else PetscCall(Run(t, v, t->at[VALUES]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Outputs are computed in place, in the first column that is asked for of each value; the others are copies. */
static void BindOutputs(NomosTerms t, int set, double *const columns[])
{
  for (size_t i = 0; i < t->n_terms; i++) {
    const int v = t->output[i];
    if (columns[i] && !t->program[v].constant && t->program[v].op != OP_FIELD && !t->at[set][v]) t->at[set][v] = columns[i];
  }
}

static void CopyOutputs(NomosTerms t, int set, double *const columns[])
{
  for (size_t i = 0; i < t->n_terms; i++) {
    const double *from = t->at[set][t->output[i]];
    if (!columns[i] || columns[i] == from) continue;
    if (from) memcpy(columns[i], from, sizeof *from * t->points);
    else memset(columns[i], 0, sizeof *columns[i] * t->points);
  }
}

PetscErrorCode NomosTermsEvaluate(NomosTerms t, const double *const fields[], double *const columns[])
{
  PetscFunctionBeginUser;
  MarkFromTerms(t, (const double *const *)columns, NULL, NULL);
  BindValues(t, fields);
  BindOutputs(t, VALUES, columns);
  PetscCall(RunNeeded(t));
  CopyOutputs(t, VALUES, columns);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tangents of the values that are needed, from those of the fields. */
static PetscErrorCode RunDots(NomosTerms t, const double *const fields_dot[], const bool needed[], double *const columns_dot[])
{
  PetscFunctionBeginUser;
  ClearSet(t, DOTS);
  for (size_t f = 0; f < t->n_fields; f++)
    if (t->field_value[f] >= 0) t->at[DOTS][t->field_value[f]] = (double *)fields_dot[f];
  if (columns_dot) {
    for (size_t i = 0; i < t->n_terms; i++)
      if (columns_dot[i] && needed[t->output[i]] && t->program[t->output[i]].op != OP_FIELD && !t->at[DOTS][t->output[i]]) t->at[DOTS][t->output[i]] = columns_dot[i];
  }
  for (int v = 0; v < t->n_values; v++) {
    if (!needed[v] || t->program[v].op == OP_FIELD) continue;
    if (!t->at[DOTS][v]) PetscCall(Own(t, DOTS, v));
    PetscCall(RunDot(t, v, t->at[VALUES], t->at[DOTS]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsJvp(NomosTerms t, const double *const fields[], const double *const fields_dot[], double *const columns_dot[])
{
  bool *active = t->active;

  PetscFunctionBeginUser;
  MarkFromFields(t, fields_dot, t->wanted);
  MarkFromTerms(t, (const double *const *)columns_dot, NULL, t->wanted);
  memcpy(active, t->needed, sizeof *active * (size_t)t->n_values);
  PetscCall(RunInputsOfNonlinear(t, fields));
  PetscCall(RunDots(t, fields_dot, active, columns_dot));
  CopyOutputs(t, DOTS, columns_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Derivatives by the values in `active`: zero, but for the terms; those by the fields are added to where the caller wants them. */
static PetscErrorCode BeginBars(NomosTerms t, int set, const bool active[], const double *const columns_bar[], double *const fields_bar[])
{
  PetscFunctionBeginUser;
  ClearSet(t, set);
  for (size_t f = 0; f < t->n_fields && fields_bar; f++)
    if (t->field_value[f] >= 0) t->at[set][t->field_value[f]] = fields_bar[f];
  for (int v = 0; v < t->n_values; v++) {
    if (!active[v] || t->program[v].op == OP_FIELD) continue;
    PetscCall(Own(t, set, v));
    memset(t->owned[set][v], 0, sizeof(double) * ValueSize(t, v));
  }
  for (size_t i = 0; i < t->n_terms && columns_bar; i++)
    if (columns_bar[i] && t->at[set][t->output[i]]) Add(t, t->points, 1, columns_bar[i], t->at[set][t->output[i]]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsVjp(NomosTerms t, const double *const fields[], const double *const columns_bar[], double *const fields_bar[])
{
  PetscFunctionBeginUser;
  MarkFromFields(t, (const double *const *)fields_bar, t->wanted);
  MarkFromTerms(t, columns_bar, NULL, t->wanted);
  memcpy(t->active, t->needed, sizeof *t->active * (size_t)t->n_values);
  PetscCall(RunInputsOfNonlinear(t, fields));
  PetscCall(BeginBars(t, BARS, t->active, columns_bar, fields_bar));
  for (int v = t->n_values - 1; v >= 0; v--)
    if (t->active[v] && t->program[v].op != OP_FIELD) PetscCall(RunBar(t, v, t->at[VALUES], t->at[BARS]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsHvp(NomosTerms t, const double *const fields[], const double *const fields_dot[], const double *const columns_bar[], const double *const columns_bar_dot[], double *const fields_bar_dot[])
{
  PetscFunctionBeginUser;
  MarkFromFields(t, (const double *const *)fields_bar_dot, t->wanted);
  MarkFromTerms(t, columns_bar, columns_bar_dot, t->wanted);
  memcpy(t->active, t->needed, sizeof *t->active * (size_t)t->n_values);
  /* tangents of whatever a nonlinear instruction looks at */
  PetscCall(RunInputsOfNonlinear(t, fields));
  MarkFromFields(t, fields_dot, t->wanted);
  for (int v = 0; v < t->n_values; v++) t->wanted[v] = t->wanted[v] && t->needed[v];
  PetscCall(RunDots(t, fields_dot, t->wanted, NULL));
  PetscCall(BeginBars(t, BARS, t->active, columns_bar, NULL));
  PetscCall(BeginBars(t, BAR_DOTS, t->active, columns_bar_dot, fields_bar_dot));
  for (int v = t->n_values - 1; v >= 0; v--) {
    if (!t->active[v] || t->program[v].op == OP_FIELD) continue;
    RunSecond(t, v, t->at[VALUES], t->at[DOTS], t->at[BARS], t->at[BAR_DOTS]);
    PetscCall(RunBar(t, v, t->at[VALUES], t->at[BAR_DOTS]));
    PetscCall(RunBar(t, v, t->at[VALUES], t->at[BARS]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
