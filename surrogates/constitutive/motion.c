#include "surrogates/constitutive/motion.h"

#include "io/disk.h"
#include "io/particle_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static PetscErrorCode Allocate(NomosModel model, size_t field, size_t n_frames, NomosMotion *m)
{
  const NomosModelField *list;
  size_t                 n, n_state;

  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->fields(model, &n, &list));
  PetscCall(model->ops->derivatives->state_size(model, &n_state));
  *m             = (NomosMotion){.n_frames = n_frames, .field = field, .n_observed = NomosModelFieldPoints(&list[field])};
  m->state_bytes = n_state * NomosRealBytes(model->precision);
  PetscCall(PetscMalloc3(n_frames, &m->steps, n_frames, &m->times, n_frames * m->n_observed, &m->observed));
  PetscCall(PetscCalloc1(n_frames * m->state_bytes, &m->states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMotionFree(NomosMotion *motion)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(motion->steps, motion->times, motion->observed));
  PetscCall(PetscFree(motion->states));
  *motion = (NomosMotion){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- from a file */

/* Of one variable of the file: its shape is time, then that of the model's field. */
static PetscErrorCode CheckShape(NomosFieldReader reader, const char path[], const NomosModelField *field)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, field->name, &n_dims, shape));
  PetscCheck(n_dims == field->n_dims + 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d axes: must have %d, time first", path, field->name, n_dims, field->n_dims + 1);
  for (int d = 0; d < field->n_dims; d++) NomosCheck(shape[d + 1] == field->count[d], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: axis %d of %s has %zu entries, that of the simulation %zu: data and case must have the same particles", path, d + 1, field->name, shape[d + 1], field->count[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTimes(NomosFieldReader reader, const char path[], double dt, NomosMotion *m, double *begin)
{
  const size_t start = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderRead(reader, "time", &start, &m->n_frames, m->times));
  *begin = m->times[0];
  for (size_t f = m->n_frames; f-- > 0;) m->times[f] -= m->times[0];
  m->hash = XXH64(m->times, m->n_frames * sizeof *m->times, 0);
  for (size_t f = 0; f < m->n_frames; f++) {
    m->steps[f] = llround(m->times[f] / dt);
    NomosCheck(fabs(m->times[f] - (double)m->steps[f] * dt) <= 1e-3 * dt && (!f || m->steps[f] > m->steps[f - 1]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: frame %zu is %.10g s after the first one: frames must be at ascending multiples of time.dt = %g s of the simulation", path, f, m->times[f], dt);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadField(NomosFieldReader reader, const char path[], NomosModel model, size_t number, NomosMotion *m)
{
  const NomosModelField *list;
  size_t                 n_fields, start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1] = {1};
  double                *values;

  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->fields(model, &n_fields, &list));
  PetscCall(CheckShape(reader, path, &list[number]));
  for (int d = 0; d < list[number].n_dims; d++) count[d + 1] = list[number].count[d];
  const size_t n = NomosModelFieldPoints(&list[number]);
  PetscCall(PetscMalloc1(n, &values));
  for (size_t f = 0; f < m->n_frames; f++) {
    double *into = number == m->field ? m->observed + f * n : values;
    start[0]     = f;
    PetscCall(NomosFieldReaderRead(reader, list[number].name, start, count, into));
    m->hash = XXH64(into, n * sizeof *into, m->hash);
    for (size_t i = 0; i < n; i++) NomosCheck(isfinite(into[i]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no finite number at frame %zu, entry %zu", path, list[number].name, f, i);
    PetscCall(model->ops->derivatives->field_vjp(model, number, into, m->states + f * m->state_bytes));
  }
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPositions(NomosModel model, size_t field, void *state, double positions[])
{
  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->get_state(model, state));
  PetscCall(model->ops->derivatives->field(model, field, state, positions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the file does not tell of the first state is the model's. */
static PetscErrorCode FirstFromModel(NomosModel model, size_t number, NomosMotion *m)
{
  const NomosModelField *list;
  size_t                 n_fields;
  double                *values;
  char                  *state;

  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->fields(model, &n_fields, &list));
  PetscCall(PetscMalloc2(NomosModelFieldPoints(&list[number]), &values, m->state_bytes, &state));
  PetscCall(ReadPositions(model, number, state, values));
  PetscCall(model->ops->derivatives->field_vjp(model, number, values, m->states));
  PetscCall(PetscFree2(values, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Distance(size_t d, const double a[], const double b[])
{
  double square = 0;

  for (size_t i = 0; i < d; i++) square += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(square);
}

static const char *Place(size_t d, const double x[], char text[96])
{
  if (d == 2) snprintf(text, 96, "(%g, %g)", x[0], x[1]);
  else snprintf(text, 96, "(%g, %g, %g)", x[0], x[1], x[2]);
  return text;
}

/* Velocities and deformations of the first frame that are the model's belong to the model's particles: those must be the file's, to about half the distance between neighbours. So much noise of a measurement
   passes; another order, another place and another time do not. */
static PetscErrorCode CompareFirst(const char path[], const NomosModelField *field, const double seen[], const double own[])
{
  const size_t n = field->count[0], d = field->count[1];
  size_t       worst = 0, there = 0;
  double       tolerance, shift[3] = {0};
  char         places[2][96], there_is[96] = "";

  PetscFunctionBeginUser;
  PetscCall(NomosParticleRadius((int)d, n, own, &tolerance));
  for (size_t i = 0; i < n * d; i++) shift[i % d] += (seen[i] - own[i]) / (double)n;
  for (size_t p = 0; p < n; p++)
    if (Distance(d, seen + p * d, own + p * d) > Distance(d, seen + worst * d, own + worst * d)) worst = p;
  for (size_t p = 0; p < n; p++)
    if (Distance(d, seen + p * d, own + worst * d) < Distance(d, seen + there * d, own + worst * d)) there = p;
  const double off = Distance(d, seen + worst * d, own + worst * d);
  if (Distance(d, shift, (double[3]){0}) <= tolerance && Distance(d, seen + there * d, own + worst * d) <= tolerance) snprintf(there_is, sizeof there_is, " (where the file has particle %zu: another order?)", there);
  NomosCheck(tolerance == 0 || off <= tolerance, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: particle %zu of the first frame is at %s m, that of the simulation at %s m%s: %.3g m away, %.3g times the distance between neighbours (up to %g is taken for noise). Velocities and deformations of the first frame are the simulation's: its case must begin with the particles of that frame in the order of the file, best as bodies of `shape: particles`",
             path, worst, Place(d, seen + worst * d, places[0]), Place(d, own + worst * d, places[1]), there_is, off, off * NOMOS_RADIUS_OF_SPACING / tolerance, NOMOS_RADIUS_OF_SPACING);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFirst(const char path[], NomosModel model, double begin, const NomosMotion *m)
{
  const NomosModelField *list;
  size_t                 n_fields;
  double                *own;
  char                  *state;

  PetscFunctionBeginUser;
  NomosCheck(fabs(begin - model->time) <= 1e-3 * model->dt, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s begins at time %.10g s, the simulation at %.10g s, and velocities and deformations of the first frame are the simulation's: the file must have frames from there on; if the case does describe this first frame, let `time` begin at %.10g s", path, begin, model->time, model->time);
  PetscCall(model->ops->derivatives->fields(model, &n_fields, &list));
  if (list[m->field].n_dims != 2 || (list[m->field].count[1] != 2 && list[m->field].count[1] != 3)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(m->n_observed, &own, m->state_bytes, &state));
  PetscErrorCode code = ReadPositions(model, m->field, state, own);
  if (!code) code = CompareFirst(path, &list[m->field], m->observed, own);
  PetscCall(PetscFree2(own, state));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFrames(NomosFieldReader reader, const char path[], NomosModel model, const NomosMotionInput *input, NomosMotion *m)
{
  size_t field, n_frames;
  bool   has_time;
  double begin = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosModelFieldFind(model, input->names[0], &field, NULL));
  PetscCall(NomosFieldReaderHas(reader, "time", &has_time));
  NomosCheck(has_time, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no dataset `time`: beside `%s` there must be the times of its frames in s, from %g on, at multiples of time.dt = %g s", path, input->names[0], model->time, model->dt);
  PetscCall(NomosFieldReaderFrames(reader, &n_frames));
  NomosCheck(n_frames > 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has %zu frame%s: a motion has two at least, best one for every step (output.fields_every = time.dt)", path, n_frames, n_frames == 1 ? "" : "s");
  PetscCall(Allocate(model, field, n_frames, m));
  PetscCall(ReadTimes(reader, path, model->dt, m, &begin));
  m->whole = true;
  for (size_t i = 0; i < input->n_names; i++) {
    bool has = false;
    PetscCall(NomosModelFieldFind(model, input->names[i], &field, NULL));
    if (!i || !input->first_only) PetscCall(NomosFieldReaderHas(reader, input->names[i], &has));
    PetscCheck(has || i, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable %s, of which the motion is to be read", path, input->names[i]);
    if (has) PetscCall(ReadField(reader, path, model, field, m));
    else PetscCall(FirstFromModel(model, field, m));
    m->whole = m->whole && has;
  }
  if (!m->whole) PetscCall(CheckFirst(path, model, begin, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMotionRead(NomosModel model, const NomosMotionInput *input, NomosMotion *motion)
{
  const char      *path = input->path;
  NomosFieldReader reader;
  char             file[NOMOS_MAX_PATH + 16];

  PetscFunctionBeginUser;
  *motion = (NomosMotion){0};
  PetscCheck(path[0], PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "data.path is not given: a run directory, or a file with positions over time");
  snprintf(file, sizeof file, NomosIsDirectory(path) ? "%.4000s/fields.nc" : "%.4000s", path);
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, file, &reader));
  PetscErrorCode code = ReadFrames(reader, file, model, input, motion);
  PetscCall(NomosFieldReaderClose(&reader));
  if (code) PetscCall(NomosMotionFree(motion));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMotionRecord(NomosModel model, const char name[], size_t n_frames, int64_t every, NomosMotion *m)
{
  const NomosModelDerivatives *d = model->ops->derivatives;
  size_t                       field;

  PetscFunctionBeginUser;
  PetscCall(NomosModelFieldFind(model, name, &field, NULL));
  PetscCall(Allocate(model, field, n_frames, m));
  m->whole = true;
  for (size_t f = 0; f < n_frames; f++) {
    for (int64_t k = 0; k < every && f; k++) PetscCall(model->ops->step(model));
    m->steps[f] = (int64_t)f * every;
    m->times[f] = (double)m->steps[f] * model->dt;
    PetscCall(d->get_state(model, m->states + f * m->state_bytes));
    PetscCall(d->field(model, field, m->states + f * m->state_bytes, m->observed + f * m->n_observed));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- free runs */

/* The frame of a step; n_frames: none. */
static size_t FindFrame(const NomosMotion *m, int64_t step)
{
  size_t low = 0, high = m->n_frames - 1;

  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (m->steps[middle] < step) low = middle + 1;
    else high = middle;
  }
  return m->steps[low] == step ? low : m->n_frames;
}

int64_t NomosMotionEvery(const NomosMotion *m, int64_t least)
{
  const int64_t last = m->steps[m->n_frames - 1];

  for (int64_t every = PetscMax(1, least); every < last; every++) {
    int64_t step = every;
    while (step <= last && FindFrame(m, step) < m->n_frames) step += every;
    if (step > last) return every;
  }
  return last;
}

PetscErrorCode NomosMotionReference(int64_t step, double positions[], void *motion)
{
  const NomosMotion *m   = motion;
  const size_t       low = FindFrame(m, step);

  PetscFunctionBeginUser;
  PetscCheck(low < m->n_frames, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the motion has no frame at step %lld", (long long)step);
  PetscCall(PetscMemcpy(positions, m->observed + low * m->n_observed, m->n_observed * sizeof *positions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelReference(int64_t step, double positions[], void *model)
{
  NomosReferenceModel *r = model;

  PetscFunctionBeginUser;
  while (r->model->step < step) PetscCall(r->model->ops->step(r->model));
  PetscCall(ReadPositions(r->model, r->field, r->state, positions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A model that blows up says so, or its positions are no numbers: both end the run. */
static PetscErrorCode Advance(NomosModel model, int64_t n_steps, bool *blown_up)
{
  const bool      quiet = NomosErrorSetQuiet(true);
  NomosModelFault fault = {.bad = false};
  PetscErrorCode  code  = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  for (int64_t k = 0; k < n_steps && !code; k++) code = model->ops->step(model);
  if (!code) code = model->ops->check(model, &fault); /* a step that loses a particle stands still from there on */
  NomosErrorSetQuiet(quiet);
  *blown_up = code == PETSC_ERR_FP || fault.bad;
  if (!*blown_up) PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFreeRun(const NomosFreeRunInput *input, double *error, double curve[])
{
  NomosModel             model = input->model;
  const NomosModelField *list;
  size_t                 n_fields, n_state;
  double                *x, *truth;
  char                  *state;
  int64_t                count    = 0;
  bool                   blown_up = false;

  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->fields(model, &n_fields, &list));
  PetscCall(model->ops->derivatives->state_size(model, &n_state));
  const size_t n = NomosModelFieldPoints(&list[input->field]);
  PetscCall(PetscMalloc3(n, &x, n, &truth, n_state * NomosRealBytes(model->precision), &state));
  *error = 0;
  for (int64_t step = 0; step <= input->n_steps; step += input->every) {
    double sum = 0;
    if (step) PetscCall(Advance(model, input->every, &blown_up));
    if (!blown_up) PetscCall(ReadPositions(model, input->field, state, x));
    PetscCall(input->reference(step, truth, input->ctx));
    for (size_t i = 0; i < n; i++) sum += (x[i] - truth[i]) * (x[i] - truth[i]);
    blown_up = blown_up || !isfinite(sum);
    if (blown_up) sum = INFINITY;
    *error += sum / (double)n;
    if (curve) curve[count] = sum / (double)n;
    count++;
    if (blown_up && !curve) break;
  }
  *error /= (double)count;
  PetscCall(PetscFree3(x, truth, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}
