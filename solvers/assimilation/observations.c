#include "solvers/assimilation/observations_impl.h"
#include "operators/model_fields.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double even_spacing = 1e-6; /* of the spacing: coordinates may be of single precision */

/* clang-format off */
const NomosParam nomos_observe_params[] = {
  {"field",        NOMOS_PARAM_STRING,    "",         NULL, 0,       0,       NULL,                false, "The field that is observed; unset: the model's first."},
  {"places",       NOMOS_PARAM_CHOICE,    "grid",     NULL, 0,       0,       "grid|anywhere",     false, "Points of the grid, or points anywhere, evaluated by the field's Fourier series, or along axes that are not periodic linearly between the points of the grid."},
  {"fraction",     NOMOS_PARAM_REAL,      "0.05",     NULL, DBL_MIN, 1,       NULL,                false, "Part of the points of each layer that is seen; anywhere, as many as that part would be."},
  {"every",        NOMOS_PARAM_INT,       "0",        NULL, 0,       1000000, NULL,                false, "Instead of a fraction: every so many-th point of the grid, or number of a list; 0: a fraction."},
  {"same_layers",  NOMOS_PARAM_BOOL,      "false",    NULL, 0,       0,       NULL,                false, "The same points in every layer."},
  {"moving",       NOMOS_PARAM_BOOL,      "false",    NULL, 0,       0,       NULL,                false, "Other points at every time, instead of the same ones."},
  {"noise",        NOMOS_PARAM_REAL,      "0.05",     NULL, DBL_MIN, DBL_MAX, NULL,                false, "Standard deviation of the observations' errors."},
  {"noise_scale",  NOMOS_PARAM_CHOICE,    "relative", NULL, 0,       0,       "relative|absolute", false, "The noise is relative to the standard deviation of the truth in its layer, or absolute, in the unit of the field."},
  {"layers",       NOMOS_PARAM_REAL_LIST, "",         NULL, 1,       1e6,     NULL,                false, "Layers that are seen, from 1; unset: all."},
  {"seed",         NOMOS_PARAM_INT,       "1",        NULL, 0,       9e15,    NULL,                false, "Seed of points and noise."},
};
/* clang-format on */
const size_t nomos_n_observe_params = sizeof nomos_observe_params / sizeof *nomos_observe_params;

PetscErrorCode NomosObserveInputFromConfig(NomosConfig config, const char section[], NomosObserveInput *input)
{
  char        key[2 * NOMOS_MAX_NAME];
  const char *places, *scale;
  int64_t     every, seed;

  PetscFunctionBeginUser;
#define KEY(name) (snprintf(key, sizeof key, "%s.%s", section, name), key)
  PetscCall(NomosConfigGetString(config, KEY("field"), &input->field));
  PetscCall(NomosConfigGetString(config, KEY("places"), &places));
  PetscCall(NomosConfigGetReal(config, KEY("fraction"), &input->fraction));
  PetscCall(NomosConfigGetInt(config, KEY("every"), &every));
  PetscCall(NomosConfigGetBool(config, KEY("same_layers"), &input->same_layers));
  PetscCall(NomosConfigGetBool(config, KEY("moving"), &input->moving));
  PetscCall(NomosConfigGetReal(config, KEY("noise"), &input->noise));
  PetscCall(NomosConfigGetString(config, KEY("noise_scale"), &scale));
  PetscCall(NomosConfigGetReals(config, KEY("layers"), &input->n_layers, &input->layers));
  PetscCall(NomosConfigGetInt(config, KEY("seed"), &seed));
#undef KEY
  input->places         = strcmp(places, "grid") ? NOMOS_OBSERVE_ANYWHERE : NOMOS_OBSERVE_GRID;
  input->noise_absolute = !strcmp(scale, "absolute");
  input->every          = (size_t)every;
  input->seed           = (uint64_t)seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dimension of the model's file that dimension d of the field is: by the variable of that name, or by one of the same shape; of a field that is several others (skip 1) by the shape of one of them. */
static const NomosFieldDim *FileDim(const NomosModelField *field, const NomosFileLayout *layout, int d, int skip)
{
  const NomosFieldDim *found = NULL;

  for (size_t v = 0; v < layout->n_variables; v++) {
    const NomosFieldVariable *variable = &layout->variables[v];
    const NomosFieldDim      *dim      = NULL;
    bool                      same     = true;
    for (int i = 0; i < NOMOS_FIELD_MAX_DIMS && same; i++) {
      if (i + skip >= field->n_dims || !variable->dims[i]) {
        same = i + skip >= field->n_dims && !variable->dims[i];
        break;
      }
      for (size_t k = 0; k < layout->n_dims; k++)
        if (!strcmp(layout->dims[k].name, variable->dims[i])) {
          same = layout->dims[k].size == field->size[i + skip];
          if (i + skip == d) dim = &layout->dims[k];
        }
    }
    if (!same) continue;
    if (!strcmp(variable->name, field->name)) return dim;
    if (!found) found = dim;
  }
  return found;
}

static void SetAxis(NomosObservationAxis *axis, const NomosFieldDim *dim)
{
  bool even = true;

  *axis = (NomosObservationAxis){.n = dim->size, .dim = dim, .spacing = dim->values[1] - dim->values[0], .low = dim->values[0]};
  for (size_t i = 0; i < dim->size; i++)
    if (!(fabs(dim->values[i] - dim->values[0] - (double)i * axis->spacing) <= even_spacing * fabs(axis->spacing))) even = false;
  axis->periodic = even && !dim->open;
  axis->length   = even ? axis->spacing * (double)dim->size : dim->values[dim->size - 1] - dim->values[0];
  if (even && dim->open) axis->low -= 0.5 * axis->spacing;
  if (fabs(axis->low) < even_spacing * fabs(axis->spacing)) axis->low = 0; /* but for rounding */
}

/* Space: the last dimension if its axis is X, and the one before it if its is Y. */
static PetscErrorCode FindSpace(NomosObservations o)
{
  static const char *const names[NOMOS_N_AXES] = {"X", "Y"};
  NomosFileLayout          layout;
  int                      d = o->field->n_dims - 1;

  PetscFunctionBeginUser;
  PetscCall(o->model->ops->field_layout(o->model, &layout));
  PetscCall(NomosModelFieldParts(o->model, o->field_index, &o->n_parts));
  for (int a = 0; a < NOMOS_N_AXES && d >= 0; a++, d--) {
    const NomosFieldDim *dim = FileDim(o->field, &layout, d, o->n_parts > 0);
    if (!dim || dim->size < 2 || !dim->axis || strcmp(dim->axis, names[a])) break;
    SetAxis(&o->axes[a], dim);
  }
  o->n_leading = d + 1;
  o->n_layers = o->layer_points = 1;
  for (int i = 0; i < o->field->n_dims; i++) *(i < o->n_leading ? &o->n_layers : &o->layer_points) *= o->field->size[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsCreate(NomosModel model, const char field[], NomosObservations *observations)
{
  NomosObservations            o;
  const NomosModelDerivatives *derivatives = model->ops->derivatives;
  const NomosModelField       *found;
  size_t                       index;

  PetscFunctionBeginUser;
  PetscCheck(derivatives && derivatives->fields && derivatives->field, model->comm, PETSC_ERR_SUP, "solver %s has no fields that could be observed", model->ops->name);
  PetscCall(NomosModelFieldFind(model, field, &index, &found));
  PetscCall(PetscNew(&o));
  o->model       = model;
  o->derivatives = derivatives;
  o->field_index = index;
  o->field       = found;
  o->weights.of  = SIZE_MAX;
  PetscCall(FindSpace(o));
  PetscCall(PetscMalloc1(NomosModelFieldPoints(found) + 1, &o->work));
  *observations = o;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DropSet(NomosObservationSet *set)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(set->layer, set->x, set->y, set->value, set->deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsDestroy(NomosObservations *observations)
{
  NomosObservations o = *observations;

  PetscFunctionBeginUser;
  if (!o) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < o->n_times; i++) PetscCall(DropSet(&o->sets[i]));
  for (int a = 0; a < NOMOS_N_AXES; a++) PetscCall(PetscFree2(o->weights.at[a], o->weights.weights[a]));
  PetscCall(PetscFree(o->sets));
  PetscCall(PetscFree(o->work));
  PetscCall(PetscFree(*observations));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsForget(NomosObservations o, size_t i)
{
  PetscFunctionBeginUser;
  PetscCall(DropSet(&o->sets[i]));
  o->sets[i].n = 0;
  if (o->weights.of == i) o->weights.of = SIZE_MAX;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsField(NomosObservations o, size_t *index, const NomosModelField **field)
{
  PetscFunctionBeginUser;
  *index = o->field_index;
  *field = o->field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosObservationsLayers(NomosObservations o)
{
  return o->n_layers;
}

size_t NomosObservationsLayerPoints(NomosObservations o)
{
  return o->layer_points;
}

double NomosObservationsSide(NomosObservations o, int axis, bool *periodic)
{
  *periodic = o->axes[axis].periodic;
  return o->axes[axis].length;
}

void NomosObservationsPlace(NomosObservations o, size_t point, size_t *layer, double *x, double *y)
{
  double *at[NOMOS_N_AXES] = {x, y};

  *x = *y = 0;
  for (int a = 0; a < NOMOS_N_AXES && o->axes[a].n; a++) {
    *at[a] = o->axes[a].dim->values[point % o->axes[a].n];
    point /= o->axes[a].n;
  }
  *layer = point;
}

size_t NomosObservationsTimes(NomosObservations o)
{
  return o->n_times;
}

const NomosObservationSet *NomosObservationsSet(NomosObservations o, size_t i)
{
  return &o->sets[i];
}

const char *NomosObservationsUnit(NomosObservations o, const char unit[])
{
  return NomosConfigIsNondimensional(o->model->config) || !unit ? "1" : unit;
}

/* Inside, but for rounding; a periodic grid may begin at the edge or in the middle of a cell. */
static bool Inside(const NomosObservationAxis *axis, double x)
{
  const double along = (x - axis->low) / axis->spacing, most = axis->length / axis->spacing;

  return along >= -(axis->periodic ? 0.5 : 0) - even_spacing && along <= most + even_spacing;
}

static PetscErrorCode CheckSet(NomosObservations o, const NomosObservationSet *set)
{
  static const char   names[NOMOS_N_AXES]  = {'x', 'y'};
  const double *const places[NOMOS_N_AXES] = {set->x, set->y};

  PetscFunctionBeginUser;
  NomosCheck(isfinite(set->time), o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "set %zu of the observations of %s is at time %g; it must be a number", o->n_times + 1, o->field->name, set->time);
  if (o->n_times) NomosCheck(set->time > o->sets[o->n_times - 1].time, o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "sets %zu and %zu of the observations of %s are at the times %.10g and %.10g; times must ascend", o->n_times, o->n_times + 1, o->field->name, o->sets[o->n_times - 1].time, set->time);
  for (size_t i = 0; i < set->n; i++) {
    NomosCheck(set->layer[i] < o->n_layers, o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "observation %zu at time %g is in layer %zu; %s has the layers 1 to %zu", i + 1, set->time, set->layer[i] + 1, o->field->name, o->n_layers);
    NomosCheck(isfinite(set->value[i]), o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "observation %zu of %s at time %g is %g; leave out what was not seen", i + 1, o->field->name, set->time, set->value[i]);
    NomosCheck(set->deviation[i] > 0 && isfinite(set->deviation[i]), o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "observation %zu of %s at time %g has the standard deviation %g; it must be positive", i + 1, o->field->name, set->time, set->deviation[i]);
    for (int a = 0; a < NOMOS_N_AXES; a++) {
      if (!o->axes[a].n) continue;
      const NomosObservationAxis *axis = &o->axes[a];
      NomosCheck(places[a], o->model->comm, PETSC_ERR_ARG_WRONG, "the observations of %s at time %g have no %c: where were they made?", o->field->name, set->time, names[a]);
      NomosCheck(Inside(axis, places[a][i]), o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "observation %zu of %s at time %g lies outside of the domain: %c = %g, and it reaches from %g to %g; leave it out, or check the unit of its place", i + 1, o->field->name, set->time, names[a], places[a][i], axis->low, axis->low + axis->length);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsAdd(NomosObservations o, const NomosObservationSet *set)
{
  NomosObservationSet *copy;
  const size_t         n = set->n;

  PetscFunctionBeginUser;
  PetscCall(CheckSet(o, set));
  if (o->n_times == o->capacity) {
    o->capacity = 2 * o->capacity + 16;
    PetscCall(PetscRealloc(o->capacity * sizeof *o->sets, &o->sets));
  }
  copy  = &o->sets[o->n_times];
  *copy = (NomosObservationSet){.time = set->time, .n = n};
  PetscCall(PetscCalloc5(n + 1, &copy->layer, n + 1, &copy->x, n + 1, &copy->y, n + 1, &copy->value, n + 1, &copy->deviation));
  PetscCall(PetscArraycpy(copy->layer, set->layer, n));
  PetscCall(PetscArraycpy(copy->value, set->value, n));
  PetscCall(PetscArraycpy(copy->deviation, set->deviation, n));
  if (o->axes[NOMOS_AXIS_X].n) PetscCall(PetscArraycpy(copy->x, set->x, n));
  if (o->axes[NOMOS_AXIS_Y].n) PetscCall(PetscArraycpy(copy->y, set->y, n));
  o->n_times++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Standard deviation about the mean of each layer of this rank's values of the field; of a list of numbers, of all. */
static PetscErrorCode Deviations(NomosObservations o, const double values[], double deviation[])
{
  const size_t points = NomosModelFieldPoints(o->field), n = o->layer_points > 1 ? o->n_layers : 1;
  size_t       plane = 1, stride[NOMOS_FIELD_MAX_DIMS], all = 1;
  double      *sums;

  PetscFunctionBeginUser;
  for (int d = o->n_leading; d < o->field->n_dims; d++) plane *= o->field->count[d];
  for (int d = o->n_leading - 1; d >= 0; d--) {
    stride[d] = all;
    all *= o->field->size[d];
  }
  PetscCall(PetscCalloc1(3 * n, &sums));
  for (size_t i = 0; i < points; i++) {
    size_t layer = 0, rest = i / plane;
    for (int d = o->n_leading - 1; d >= 0; d--) {
      layer += stride[d] * (o->field->start[d] + rest % o->field->count[d]);
      rest /= o->field->count[d];
    }
    double *sum = sums + 3 * (n > 1 ? layer : 0);
    sum[0] += 1;
    sum[1] += values[i];
    sum[2] += values[i] * values[i];
  }
  PetscCall(NomosSumOverRanks(o->model->comm, 3 * n, sums));
  for (size_t l = 0; l < o->n_layers; l++) {
    const double *sum = sums + 3 * (n > 1 ? l : 0), mean = sum[1] / sum[0], variance = sum[2] / sum[0] - mean * mean;
    deviation[l] = variance > 1e-15 * mean * mean ? sqrt(variance) : 0; /* rounding of a constant is no deviation */
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool LayerIsSeen(const NomosObserveInput *input, size_t layer)
{
  for (size_t i = 0; i < input->n_layers; i++)
    if (input->layers[i] == (double)(layer + 1)) return true;
  return !input->n_layers;
}

PetscErrorCode NomosObserveInputCheck(NomosObservations o, const NomosObserveInput *input)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < input->n_layers; i++)
    NomosCheck(input->layers[i] >= 1 && input->layers[i] <= (double)o->n_layers && input->layers[i] == floor(input->layers[i]), o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "layer %g cannot be observed; %s has the layers 1 to %zu", input->layers[i], o->field->name, o->n_layers);
  NomosCheck(input->places == NOMOS_OBSERVE_GRID || o->axes[NOMOS_AXIS_X].n, o->model->comm, PETSC_ERR_ARG_WRONG, "%s is a list of numbers without places, which cannot be observed `anywhere`; observe it on the `grid`", o->field->name);
  NomosCheck(input->every || (input->fraction > 0 && input->fraction <= 1), o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "a fraction of %g of the points cannot be observed; it must be above 0 and at most 1", input->fraction);
  NomosCheck(input->noise > 0, o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "observations with noise %g: it must be positive", input->noise);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is a point of the grid seen? A list of numbers is one row, whose numbers are the points. */
static bool PointIsSeen(NomosObservations o, const NomosObserveInput *input, size_t time, size_t point)
{
  const size_t   row    = o->layer_points > 1 ? o->layer_points : o->n_layers;
  const uint64_t stream = NomosRandomStream("observations.places") + (input->moving ? time : 0);

  if (!LayerIsSeen(input, point / o->layer_points)) return false;
  if (input->every) return (point % row + (input->moving ? time : 0)) % input->every == 0;
  return NomosRandomUniform(input->seed, stream, input->same_layers ? point % row : point) < input->fraction;
}

/* Where one looks: at most n_layers layer_points places; `number` counts them for their noise. */
static void Places(NomosObservations o, const NomosObserveInput *input, NomosObservationSet *set, size_t *number)
{
  const size_t   time = o->n_times, n = (size_t)fmax(1, round(input->every ? (double)o->layer_points / (double)input->every : input->fraction * (double)o->layer_points));
  const uint64_t stream = NomosRandomStream("observations.places") + (input->moving ? time : 0);

  if (input->places == NOMOS_OBSERVE_GRID) {
    for (size_t p = 0; p < o->n_layers * o->layer_points; p++) {
      if (!PointIsSeen(o, input, time, p)) continue;
      NomosObservationsPlace(o, p, &set->layer[set->n], &set->x[set->n], &set->y[set->n]);
      number[set->n++] = p;
    }
    return;
  }
  for (size_t l = 0; l < o->n_layers; l++)
    for (size_t i = 0; i < n && LayerIsSeen(input, l); i++) {
      double u[2], *const place[NOMOS_N_AXES] = {&set->x[set->n], &set->y[set->n]};
      NomosRandomUniform2(input->seed, stream, (input->same_layers ? 0 : l * n) + i, u);
      for (int a = 0; a < NOMOS_N_AXES && o->axes[a].n; a++) *place[a] = o->axes[a].low + u[a] * o->axes[a].length;
      set->layer[set->n] = l;
      number[set->n++]   = l * n + i;
    }
}

/* Points of a layer that is constant have no relative noise and are not seen. */
static void DropConstant(NomosObservationSet *set, size_t *number)
{
  size_t n = 0;

  for (size_t i = 0; i < set->n; i++) {
    if (set->deviation[i] == 0) continue;
    set->layer[n]     = set->layer[i];
    set->x[n]         = set->x[i];
    set->y[n]         = set->y[i];
    set->deviation[n] = set->deviation[i];
    number[n++]       = number[i];
  }
  set->n = n;
}

PetscErrorCode NomosObservationsLook(NomosObservations o, const NomosObserveInput *input, double time, const void *state, const double deviation[])
{
  NomosObservationSet set  = {.time = time};
  const size_t        most = o->n_layers * o->layer_points + o->n_layers;
  size_t             *number;
  double             *own;

  PetscFunctionBeginUser;
  PetscCall(NomosObserveInputCheck(o, input));
  PetscCall(PetscCalloc5(most, &set.layer, most, &set.x, most, &set.y, most, &set.value, most, &set.deviation));
  PetscCall(PetscMalloc2(most, &number, o->n_layers, &own));
  PetscCall(o->derivatives->field(o->model, o->field_index, state, o->work));
  if (!deviation) PetscCall(Deviations(o, o->work, own));
  Places(o, input, &set, number);
  for (size_t i = 0; i < set.n; i++) set.deviation[i] = input->noise * (input->noise_absolute ? 1 : (deviation ? deviation : own)[set.layer[i]]);
  DropConstant(&set, number);
  NomosCheck(set.n, o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "no point of %s is observed at time %g; a larger fraction, or a field that is not constant, is needed", o->field->name, time);
  PetscCall(NomosObservationsAdd(o, &set));
  PetscCall(NomosObservationsApply(o, o->n_times - 1, o->work, set.value));
  const uint64_t stream = NomosRandomStream("observations.noise") + o->n_times - 1;
  for (size_t i = 0; i < set.n; i++) o->sets[o->n_times - 1].value[i] = set.value[i] + set.deviation[i] * NomosRandomNormal(input->seed, stream, number[i]);
  PetscCall(PetscFree2(number, own));
  PetscCall(DropSet(&set));
  PetscFunctionReturn(PETSC_SUCCESS);
}
