/* What nomos scaling writes: a table of the trainings, the law and the advice in words, pictures. */
#include "cases/scaling.h"
#include "io/disk.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* NaN as an empty cell. */
static void Cell(FILE *stream, double value)
{
  if (isfinite(value)) fprintf(stream, ",%.17g", value);
  else fputc(',', stream);
}

PetscErrorCode NomosScalingWriteTable(const NomosScaling *s)
{
  NomosText text;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&text));
  FILE *stream = text.out;
  fprintf(stream, "training,weights,examples,seed,%s,seconds,held_out\n", s->metric);
  for (size_t i = 0; i < s->n; i++) {
    const NomosScalingTraining *t = &s->trainings[i];
    fprintf(stream, "%s", t->name);
    Cell(stream, t->weights);
    Cell(stream, t->examples);
    fprintf(stream, ",%lld", (long long)t->seed);
    Cell(stream, t->error);
    Cell(stream, t->seconds);
    fprintf(stream, ",%s\n", t->held_out ? "yes" : "no");
  }
  PetscCall(NomosRunDirectoryWrite(s->run->directory, "scaling.csv", &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- in words */

#define Say(...) PetscCall(NomosLogPrint(s->run->log, NOMOS_LOG_INFO, "scaling", __VA_ARGS__))

/* A number of the law; an exponent at a bound of the search is no more than that. */
static const char *Number(int k, double value, char text[32])
{
  const bool   exponent = k == NOMOS_SCALING_ALPHA || k == NOMOS_SCALING_BETA, low = exponent && value <= nomos_scaling_exponents[0] * (1 + 1e-6), high = exponent && value >= nomos_scaling_exponents[1] * (1 - 1e-6);

  snprintf(text, 32, "%s%.4g", low ? "below " : high ? "above " : "", low ? nomos_scaling_exponents[0] : high ? nomos_scaling_exponents[1] : value);
  return text;
}

static PetscErrorCode TellLaw(const NomosScaling *s)
{
  const double *v = s->fit.law.value;
  char          law[256], text[3][32];
  double        interval[2];

  PetscFunctionBeginUser;
  snprintf(law, sizeof law, "E = %.4g", v[NOMOS_SCALING_FLOOR]);
  if (v[NOMOS_SCALING_A] > 0) NomosTextAppend(sizeof law, law, " + %.4g N^-%.3f", v[NOMOS_SCALING_A], v[NOMOS_SCALING_ALPHA]);
  if (v[NOMOS_SCALING_B] > 0) NomosTextAppend(sizeof law, law, " + %.4g D^-%.3f", v[NOMOS_SCALING_B], v[NOMOS_SCALING_BETA]);
  Say("%s: %s   (N weights, D examples); %zu trainings scatter by %.2g %% about it", s->metric, law, s->n_fitted, 100 * s->fit.deviation);
  for (int k = 0; k < NOMOS_SCALING_N; k++) {
    if (s->fit.n_unknowns < 5 && k && v[k] == 0) continue;
    PetscCall(NomosScalingNumberInterval(&s->fit, k, interval));
    if (NomosScalingIdle(&s->fit.law, k)) Say("  %-6s is not fixed: %s is 0", nomos_scaling_names[k], nomos_scaling_names[k - 1]);
    else {
      (void)Number(k, v[k], text[0]);
      Say("  %-6s %10s   95 %%: %s to %s%s", nomos_scaling_names[k], text[0], Number(k, interval[0], text[1]), Number(k, interval[1], text[2]), isalpha((unsigned char)text[0][0]) ? "; not fixed by these trainings" : "");
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellAdvice(const NomosScaling *s)
{
  const NomosScalingAdvice *a = &s->advice;
  double                    terms[3];

  PetscFunctionBeginUser;
  NomosScalingTerms(&s->fit.law, a->weights, a->examples, terms);
  Say("of the error at %.0f weights and %g examples, %.4g, %.0f %% is the floor, %.0f %% goes with a larger network, %.0f %% with more data", a->weights, a->examples, a->error, 100 * terms[0] / a->error, 100 * terms[1] / a->error, 100 * terms[2] / a->error);
  Say("a training costs as N^%.2f D^%.2f; the cost of the largest again buys %.3g times the weights (%s %.4g) or %.3g times the examples (%.4g)", s->cost.p, s->cost.q, a->more_weights, s->metric, a->error_more_weights, a->more_examples, a->error_more_examples);
  const bool   data = a->error_more_examples < a->error_more_weights;
  const double odds = data ? a->data_better : 1 - a->data_better;
  Say("%s%s (in %.0f %% of the draws data are the better buy)", odds > 0.9 ? "buy next: " : odds < 0.5 ? "undecided" : "undecided, by a little: ", odds < 0.5 ? "" : data ? "data" : "a larger network", 100 * a->data_better);
  if (isfinite(a->optimal_weights)) Say("a growing budget C is shared out best as N ~ C^%.2f, D ~ C^%.2f", a->optimal_weights, a->optimal_examples);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalingTell(const NomosScaling *s)
{
  PetscFunctionBeginUser;
  PetscCall(TellLaw(s));
  if (s->advised) PetscCall(TellAdvice(s));
  else if (s->fit.n_unknowns == 5) Say("the times of the trainings do not grow with both sizes (N^%.2f D^%.2f): what to buy next is not said; scaling.cost: operations counts 6 N D instead", s->cost.p, s->cost.q);
  if (s->n > s->n_fitted) {
    const NomosScalingTraining *t      = &s->trainings[s->n_fitted];
    const bool                  within = s->held_error >= s->held_interval[0] && s->held_error <= s->held_interval[1];
    Say("held out, %.0f weights and %g examples: %.4g expected (95 %%: %.4g to %.4g), %.4g came: %s", t->weights, t->examples, s->held_expected, s->held_interval[0], s->held_interval[1], s->held_error, within ? "within" : "the law does not hold there");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- pictures */

enum { CURVE = 60, MAX_SHOWN = 7 };

/* Sizes that differ, ascending. Returns how many. */
static size_t SizesOf(const NomosScaling *s, bool data, double sizes[])
{
  size_t n = 0;

  for (size_t i = 0; i < s->n_fitted; i++) {
    const double size = data ? s->trainings[i].examples : s->trainings[i].weights;
    size_t       at   = 0;
    while (at < n && sizes[at] < size) at++;
    if (at < n && sizes[at] == size) continue;
    memmove(sizes + at + 1, sizes + at, sizeof *sizes * (n - at));
    sizes[at] = size;
    n++;
  }
  return n;
}

/* One size along the axis, some values of the other as colours. */
typedef struct {
  const NomosScaling *scaling;
  bool                data; /* along the axis */
  size_t              n;
  double              others[MAX_SHOWN], first, last;
} Panel;

static double Along(const Panel *p, const NomosScalingTraining *t, bool along)
{
  return p->data == along ? t->examples : t->weights;
}

/* The curve of the law, the trainings, and the interval of the law: points of a line for value k of the other size. Returns how many. */
static PetscErrorCode Curve(const Panel *p, size_t k, double x[], double y[], size_t *n)
{
  PetscFunctionBeginUser;
  for (*n = 0; *n < CURVE; (*n)++) {
    x[*n] = p->first * pow(p->last / p->first, (double)*n / (CURVE - 1));
    y[*n] = NomosScalingError(&p->scaling->fit.law, p->data ? p->others[k] : x[*n], p->data ? x[*n] : p->others[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Trainings(const Panel *p, size_t k, double x[], double y[], size_t *n)
{
  PetscFunctionBeginUser;
  *n = 0;
  for (size_t i = 0; i < p->scaling->n_fitted; i++) {
    const NomosScalingTraining *t = &p->scaling->trainings[i];
    if (Along(p, t, false) != p->others[k]) continue;
    x[*n]      = Along(p, t, true);
    y[(*n)++] = t->error;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Band(const Panel *p, size_t k, double x[], double y[], size_t *n)
{
  double interval[2];

  PetscFunctionBeginUser;
  PetscCall(Curve(p, k, x, y, n));
  for (size_t i = 0; i < CURVE; i++) {
    x[CURVE + 1 + i] = x[i];
    PetscCall(NomosScalingErrorInterval(&p->scaling->fit, p->data ? p->others[k] : x[i], p->data ? x[i] : p->others[k], 0, interval));
    y[i]             = interval[0];
    y[CURVE + 1 + i] = interval[1];
  }
  x[CURVE] = y[CURVE] = NAN; /* two lines of one colour */
  *n = 2 * CURVE + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawPanel(const NomosScaling *s, NomosFigure figure, bool data, int column)
{
  static PetscErrorCode (*const parts[])(const Panel *, size_t, double[], double[], size_t *) = {Curve, Trainings, Band};
  static const int styles[] = {0, 3, 2};
  Panel            p        = {.scaling = s, .data = data};
  const size_t     room     = PetscMax(s->n, 2 * CURVE + 1);
  double          *sizes, *x, *y;
  int              n_colours = 1;

  PetscFunctionBeginUser;
  while (NomosCycleColour(n_colours) != NomosCycleColour(0)) n_colours++;
  PetscCall(PetscMalloc3(s->n, &sizes, room, &x, room, &y));
  SizesOf(s, data, sizes);
  p.first = sizes[0] / 1.3; /* markers stand within the axis */
  p.last  = sizes[0];
  for (size_t i = 0; i < s->n; i++) p.last = fmax(p.last, 1.3 * Along(&p, &s->trainings[i], true));
  const size_t n_others = SizesOf(s, !data, sizes);
  p.n                   = PetscMin(n_others, (size_t)PetscMin(MAX_SHOWN, n_colours));
  for (size_t k = 0; k < p.n; k++) p.others[k] = sizes[p.n > 1 ? k * (n_others - 1) / (p.n - 1) : 0];
  PetscCall(NomosFigurePanel(figure, 0, column, &(NomosAxes){.x_label = data ? "examples D" : "weights N", .y_label = s->metric, .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
  for (size_t part = 0; part < 3; part++)
    for (size_t k = 0; k < (size_t)n_colours; k++) { /* all colours are counted, so that each part begins with the first */
      char   label[64] = "";
      size_t n         = 0;
      if (k < p.n) PetscCall(parts[part](&p, k, x, y, &n));
      if (k < p.n && !part) snprintf(label, sizeof label, data ? "%.0f weights" : "%g examples", p.others[k]);
      PetscCall(NomosFigureLine(figure, n, x, y, label[0] ? label : NULL, styles[part]));
    }
  for (int k = 0; k < (int)p.n && (int)p.n < n_colours; k++) PetscCall(NomosFigureLine(figure, 0, x, y, NULL, 3)); /* a colour of its own */
  size_t n = 0;
  for (size_t i = s->n_fitted; i < s->n; i++) {
    x[n]   = Along(&p, &s->trainings[i], true);
    y[n++] = s->trainings[i].error;
  }
  if (n) PetscCall(NomosFigureLine(figure, n, x, y, "held out", 3));
  PetscCall(PetscFree3(sizes, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The error against how many times the cost of the largest training is spent, on the one or on the other. */
static PetscErrorCode DrawBudget(const NomosScaling *s, NomosFigure figure, int column)
{
  const NomosScalingAdvice *a = &s->advice;
  double                    x[CURVE], y[2][CURVE], floor[CURVE];

  PetscFunctionBeginUser;
  for (int i = 0; i < CURVE; i++) {
    x[i]     = pow(16, (double)i / (CURVE - 1));
    y[0][i]  = NomosScalingError(&s->fit.law, a->weights, NomosScalingBuys(s, true, x[i]) * a->examples);
    y[1][i]  = NomosScalingError(&s->fit.law, NomosScalingBuys(s, false, x[i]) * a->weights, a->examples);
    floor[i] = s->fit.law.value[NOMOS_SCALING_FLOOR];
  }
  PetscCall(NomosFigurePanel(figure, 0, column, &(NomosAxes){.x_label = "cost over that of the largest training", .y_label = s->metric, .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
  PetscCall(NomosFigureLine(figure, CURVE, x, y[0], "more data", 0));
  PetscCall(NomosFigureLine(figure, CURVE, x, y[1], "a larger network", 0));
  if (floor[0] > 0) PetscCall(NomosFigureLine(figure, CURVE, x, floor, "floor", 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScalingDraw(const NomosScaling *s)
{
  const bool  both   = s->fit.n_unknowns == 5, of_data = both || s->fit.law.value[NOMOS_SCALING_BETA] > 0;
  const char *title  = s->run->params.title;
  int         column = 0;
  char        path[NOMOS_MAX_PATH];
  NomosFigure figure;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/plots", s->directory);
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, path));
  PetscCall(NomosFigureCreate(title[0] ? title : NULL, 1, 1 + both + s->advised, &figure));
  if (of_data) PetscCall(DrawPanel(s, figure, true, column++));
  if (both || !of_data) PetscCall(DrawPanel(s, figure, false, column++));
  if (s->advised) PetscCall(DrawBudget(s, figure, column));
  snprintf(path, sizeof path, "%.4000s/plots/scaling", s->directory);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}
