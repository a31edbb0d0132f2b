/* Orbits of models in phase space (operators/phase_space.h), from x (time, state, coordinate): of one degree of freedom in the plane (q, p), of bodies in the plane of their first two coordinates, of lines of masses over
   time, with the energies of their modes; and where many states of two degrees of freedom cross q1 = 0, Poincare's section. */
#include "cases/plot_run.h"
#include "solvers/hamiltonian/system.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { MAX_POINTS = 4000, MAX_LINE = 400, MAX_LINES = 8, MAX_PANELS = 4, MAX_ROWS = 1000, MIN_CROSSINGS = 200, N_MODES = 5 };
static const double max_turn = 0.1;

typedef struct {
  NomosFieldReader reader;
  size_t           n, n_states, row, d, dims; /* frames; dims: coordinates of one body */
  const double    *times;
  double          *x, *line[2];              /* of one state (n, row); (n) */
} Orbits;

/* The plane of a body, as two columns of x. */
static void Plane(const Orbits *o, size_t body, size_t column[2])
{
  column[0] = body * o->dims;
  column[1] = o->dims > 1 ? column[0] + 1 : o->d + column[0];
}

static PetscErrorCode ReadState(const Orbits *o, size_t state)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderRead(o->reader, "x", (size_t[]){0, state, 0}, (size_t[]){o->n, 1, o->row}, o->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean of 1 - cos of the angles by which the way of a body turns from frame to frame. */
static double Turn(const Orbits *o, size_t body)
{
  size_t column[2];
  double turn = 0;

  Plane(o, body, column);
  for (size_t t = 1; t + 1 < o->n; t++) {
    double a[2], b[2];
    for (int c = 0; c < 2; c++) {
      const double *x = o->x + t * o->row + column[c];
      a[c] = x[0] - x[-(ptrdiff_t)o->row];
      b[c] = x[o->row] - x[0];
    }
    const double length = hypot(a[0], a[1]) * hypot(b[0], b[1]);
    turn += length > 0 ? 1 - (a[0] * b[0] + a[1] * b[1]) / length : 0;
  }
  return turn / (double)PetscMax(o->n, 3);
}

/* Which frames of the state that was read are drawn: where they lie close a line through the first ones; else points of all of them, for chords would fill the plane. */
static void Frames(const Orbits *o, size_t *n, size_t *stride)
{
  bool close = false;

  for (size_t body = 0; body < o->d / o->dims; body++) close = close || Turn(o, body) < max_turn;
  *stride = close ? 1 : (o->n + MAX_POINTS - 1) / MAX_POINTS;
  *n      = close ? PetscMin(o->n, (size_t)MAX_LINE) : (o->n + *stride - 1) / *stride;
}

static PetscErrorCode DrawBody(const Orbits *o, NomosFigure figure, size_t body, const char label[])
{
  size_t column[2], n, stride;

  PetscFunctionBeginUser;
  Plane(o, body, column);
  Frames(o, &n, &stride);
  for (size_t i = 0; i < n; i++)
    for (int c = 0; c < 2; c++) o->line[c][i] = o->x[i * stride * o->row + column[c]];
  PetscCall(NomosFigureLine(figure, n, o->line[0], o->line[1], label, Turn(o, body) < max_turn ? 0 : 3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Equal lengths along both axes, around all bodies of the states that are drawn. */
static PetscErrorCode Limits(const Orbits *o, size_t from, size_t to, NomosAxes *axes)
{
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

  PetscFunctionBeginUser;
  for (size_t state = from; state < to; state++) {
    size_t n, stride;
    PetscCall(ReadState(o, state));
    Frames(o, &n, &stride);
    for (size_t i = 0; i < n; i++)
      for (size_t body = 0; body < o->d / o->dims; body++) {
        size_t column[2];
        Plane(o, body, column);
        for (int c = 0; c < 2; c++) {
          low[c]  = fmin(low[c], o->x[i * stride * o->row + column[c]]);
          high[c] = fmax(high[c], o->x[i * stride * o->row + column[c]]);
        }
      }
  }
  const double half = 0.525 * fmax(high[0] - low[0], high[1] - low[1]);
  axes->x_min       = (low[0] + high[0]) / 2 - half;
  axes->x_max       = axes->x_min + 2 * half;
  axes->y_min       = (low[1] + high[1]) / 2 - half;
  axes->y_max       = axes->y_min + 2 * half;
  axes->shape       = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawPlanes(const NomosPlotContext *context, const Orbits *o)
{
  const size_t bodies = o->d / o->dims, n_panels = o->dims > 1 ? PetscMin(o->n_states, (size_t)MAX_PANELS) : 1, columns = n_panels > 1 ? 2 : 1, lines = o->dims > 1 ? PetscMin(bodies, (size_t)MAX_LINES) : PetscMin(o->n_states, (size_t)MAX_LINES);
  NomosFigure  figure;
  char         title[NOMOS_LABEL], label[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : "orbits", (int)((n_panels + columns - 1) / columns), (int)columns, &figure));
  for (size_t panel = 0; panel < n_panels; panel++) {
    NomosAxes axes = {.x_label = o->dims > 1 && bodies > 1 ? "x" : "q_1", .y_label = o->dims == 1 ? "p_1" : bodies > 1 ? "y" : "q_2"};
    snprintf(title, sizeof title, "state %zu", panel);
    if (n_panels > 1) axes.title = title;
    PetscCall(Limits(o, panel, o->dims > 1 ? panel + 1 : lines, &axes));
    PetscCall(NomosFigurePanel(figure, (int)(panel / columns), (int)(panel % columns), &axes));
    for (size_t line = 0; line < lines; line++) {
      if (o->dims == 1) PetscCall(ReadState(o, line));
      snprintf(label, sizeof label, "%s %zu", o->dims > 1 ? "body" : "state", o->dims > 1 ? line + 1 : line);
      PetscCall(DrawBody(o, figure, o->dims > 1 ? line : 0, lines > 1 && (o->dims > 1 || lines <= MAX_PANELS) ? label : NULL));
    }
  }
  PetscCall(NomosPlotSave(context, "orbits", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* q of a line of masses, of the first state: mass across, time up. */
static PetscErrorCode DrawLine(const NomosPlotContext *context, const Orbits *o)
{
  const size_t stride = (o->n + MAX_ROWS - 1) / MAX_ROWS, n = (o->n + stride - 1) / stride;
  double      *q;
  NomosFigure  figure;
  char         time[NOMOS_LABEL];

  PetscFunctionBeginUser;
  PetscCall(ReadState(o, 0));
  PetscCall(PetscMalloc1(n * o->d, &q));
  for (size_t t = 0; t < n; t++) PetscCall(PetscArraycpy(q + t * o->d, o->x + t * stride * o->row, o->d));
  NomosAxisLabel("time", context->time_name, time);
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : "orbits", 1, 1, &figure));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.x_label = "mass", .y_label = time, .shape = 0.8}));
  PetscCall(NomosFigureImage(figure, n, o->d, q, 0.5, (double)o->d + 0.5, o->times[0] / context->time_factor, o->times[(n - 1) * stride] / context->time_factor, NOMOS_MAP_DIVERGING, 0, 0, "q"));
  PetscCall(NomosPlotSave(context, "orbits", &figure));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a line of linear or almost linear springs between walls, the energies of its first modes, sines of k half waves, over time: of the state that was read. */
static PetscErrorCode DrawModes(const NomosPlotContext *context, const Orbits *o)
{
  const size_t stride = o->n / MAX_POINTS + 1;
  const char  *name, *ends = "";
  char         key[NOMOS_LABEL], label[NOMOS_LABEL];
  double       mass, stiffness;
  NomosFigure  figure;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(context->config, "hamiltonian_system.system", &name));
  if (strcmp(name, "fput") && strcmp(name, "spring_chain")) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(key, sizeof key, "%s.ends", name);
  PetscCall(NomosConfigGetString(context->config, key, &ends));
  if (strcmp(ends, "fixed")) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(key, sizeof key, "%s.mass", name);
  PetscCall(NomosConfigGetReal(context->config, key, &mass));
  snprintf(key, sizeof key, "%s.stiffness", name);
  PetscCall(NomosConfigGetReal(context->config, key, &stiffness));
  NomosAxisLabel("time", context->time_name, label);
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : "modes", 1, 1, &figure));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.x_label = label, .y_label = "energy of a mode"}));
  for (size_t k = 1; k <= PetscMin(o->d, (size_t)N_MODES); k++) {
    const double wave = PETSC_PI * (double)k / (double)(o->d + 1), square = 4 * stiffness / mass * pow(sin(wave / 2), 2);
    size_t       n = 0;
    for (size_t t = 0; t < o->n; t += stride, n++) {
      double q = 0, p = 0;
      for (size_t j = 0; j < o->d; j++) {
        q += o->x[t * o->row + j] * sin(wave * (double)(j + 1));
        p += o->x[t * o->row + o->d + j] * sin(wave * (double)(j + 1));
      }
      o->line[0][n] = o->times[t] / context->time_factor;
      o->line[1][n] = (p * p / mass + mass * square * q * q) / (double)(o->d + 1);
    }
    snprintf(label, sizeof label, "mode %zu", k);
    PetscCall(NomosFigureLine(figure, n, o->line[0], o->line[1], label, 0));
  }
  PetscCall(NomosPlotSave(context, "modes", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The cubic through the values at -1, 0, 1, 2. */
static double Cubic(const double v[4], double s) { return v[1] + s * ((v[2] - v[0]) / 2 + s * (v[0] - 2.5 * v[1] + 2 * v[2] - v[3] / 2 + s * ((v[3] - v[0]) / 2 + 1.5 * (v[1] - v[2])))); }

/* (q2, p2) where q1 of the state that was read rises through 0, between frames by cubics. */
static size_t Crossings(const Orbits *o)
{
  size_t n = 0;

  for (size_t t = 1; t + 2 < o->n; t++) {
    double v[4][4], low = 0, high = 1;
    for (size_t k = 0; k < 4; k++)
      for (size_t c = 0; c < 4; c++) v[c][k] = o->x[(t - 1 + k) * o->row + c];
    if (!(v[0][1] < 0 && v[0][2] >= 0)) continue;
    for (int i = 0; i < 50; i++) *(Cubic(v[0], (low + high) / 2) < 0 ? &low : &high) = (low + high) / 2;
    o->line[0][n]   = Cubic(v[1], low);
    o->line[1][n++] = Cubic(v[3], low);
  }
  return n;
}

static PetscErrorCode DrawSection(const NomosPlotContext *context, const Orbits *o)
{
  NomosFigure figure;
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (size_t state = 0; state < o->n_states; state++) {
    PetscCall(ReadState(o, state));
    n += Crossings(o);
  }
  if (o->n_states < MAX_PANELS || n < MIN_CROSSINGS) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFigureCreate(context->params.title[0] ? context->params.title : "section", 1, 1, &figure));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "where q_1 rises through 0", .x_label = "q_2", .y_label = "p_2", .shape = 1}));
  for (size_t state = 0; state < o->n_states; state++) {
    PetscCall(ReadState(o, state));
    PetscCall(NomosFigureLine(figure, Crossings(o), o->line[0], o->line[1], NULL, 3));
  }
  PetscCall(NomosPlotSave(context, "section", &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coordinates of one body, as the system of the case has it; 0: all. */
static PetscErrorCode Dimensions(const NomosPlotContext *context, size_t *dims)
{
  const char                   *name = NULL;
  const NomosHamiltonianSystem *system;
  NomosHamiltonian              h;

  PetscFunctionBeginUser;
  *dims = 0;
  if (strcmp(context->ops->name, "hamiltonian_system")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetString(context->config, "hamiltonian_system.system", &name));
  if (!name[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosHamiltonianSystemFind(name, "hamiltonian_system.system", &system));
  PetscCall(NomosHamiltonianSystemCreate(system, context->config, &h));
  *dims = h.dims;
  PetscCall(NomosHamiltonianSystemDestroy(system, &h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Draw(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  Orbits      o = {.reader = reader, .n = n, .times = times};
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  int         n_dims;
  bool        has;
  const char *dim;

  PetscFunctionBeginUser;
  (void)ctx;
  PetscCall(NomosFieldReaderHas(reader, "x", &has));
  if (!has || n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(reader, "x", &n_dims, shape));
  if (n_dims != 3 || shape[2] % 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderDimName(reader, "x", 1, &dim));
  if (strcmp(dim, "state")) PetscFunctionReturn(PETSC_SUCCESS);
  o.n_states = shape[1];
  o.row      = shape[2];
  o.d        = o.row / 2;
  PetscCall(Dimensions(context, &o.dims));
  if (!o.dims) o.dims = o.d;
  PetscCall(PetscMalloc3(n * o.row, &o.x, n, &o.line[0], n, &o.line[1]));
  if (o.dims == 1 && o.d > 1) {
    PetscCall(DrawLine(context, &o));
    PetscCall(DrawModes(context, &o));
  } else PetscCall(DrawPlanes(context, &o));
  if (o.d == 2 && o.dims == 2) PetscCall(DrawSection(context, &o));
  PetscCall(PetscFree3(o.x, o.line[0], o.line[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotOrbits(const NomosPlotContext *context)
{
  PetscFunctionBeginUser;
  PetscCall(NomosPlotFile(context, "fields.nc", Draw, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
