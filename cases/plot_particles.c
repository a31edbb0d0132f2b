/* Pictures of particles: moments and an animation of a run, or of several side by side. */
#include "cases/plot_run.h"
#include "io/log.h"
#include "io/particle_film.h"
#include "io/sort.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAMES = 24, SAMPLES = 12, N_COLOURS = 256 };

/* --- what colours them ---------------------------------------------------------------------------------------------------------- */

static double Value(const double v[], size_t n)
{
  (void)n;
  return v[0];
}

static double Norm(const double v[], size_t n)
{
  double square = 0;
  for (size_t i = 0; i < n; i++) square += v[i] * v[i];
  return sqrt(square);
}

static double Pressure(const double s[], size_t n)
{
  (void)n;
  return -(s[0] + s[4] + s[8]) / 3;
}

static double VonMises(const double s[], size_t n)
{
  double d[9], mean = -Pressure(s, n);
  for (size_t i = 0; i < 9; i++) d[i] = s[i] - (i % 4 ? 0 : mean);
  return sqrt(1.5) * Norm(d, 9);
}

static double Determinant(const double F[], size_t n)
{
  (void)n;
  return F[0] * (F[4] * F[8] - F[5] * F[7]) - F[1] * (F[3] * F[8] - F[5] * F[6]) + F[2] * (F[3] * F[7] - F[4] * F[6]);
}

/* A number of each particle, of `components` numbers in the file (0: as many as there are axes). */
typedef struct {
  const char *name, *variable;
  size_t      components;
  double (*of)(const double values[], size_t n);
  NomosColourMap map;
  const char    *label;
} Quantity;

static const Quantity quantities[] = {
  {"speed", "velocity", 0, Norm, NOMOS_MAP_SEQUENTIAL, "speed"},
  {"pressure", "stress", 9, Pressure, NOMOS_MAP_DIVERGING, "pressure"},
  {"von_mises", "stress", 9, VonMises, NOMOS_MAP_SEQUENTIAL, "von Mises stress"},
  {"volume_ratio", "deformation_gradient", 9, Determinant, NOMOS_MAP_SEQUENTIAL, "volume over reference volume"},
};
enum { N_QUANTITIES = sizeof quantities / sizeof *quantities };

/* --- the runs that are shown ------------------------------------------------------------------------------------------------------ */

typedef struct {
  NomosFieldReader reader;
  size_t           n, n_frames;
  double          *times, *kind; /* (n_frames); (n) number of the material or body, NULL: a quantity colours */
  double          *values;       /* (n, components) of a frame */
} Run;

typedef struct {
  const NomosPlotContext *context;
  NomosParticleFilm               film;
  NomosModelScene         scene;
  size_t                  n_runs, d, *shown; /* shown (n_frames of the film): frames of the first run whose times all have */
  Run                     runs[NOMOS_MAX_BESIDE];
  Quantity                quantity;   /* name NULL: by kind */
  size_t                  components; /* of its variable */
  char                    names[MAX_NAMES][NOMOS_MAX_NAME], bar[NOMOS_LABEL], kind[NOMOS_MAX_NAME];
  const char             *legend[MAX_NAMES];
  uint32_t                colours[N_COLOURS];
  char                  (*time_texts)[NOMOS_LABEL];
  const char            **times;
  NomosLog                log;
} Cast;

/* An array over time and particles, or a constant one over particles: how many numbers each particle has; 0: there is none of this name. */
static PetscErrorCode Components(const Run *run, const char name[], bool *over_time, size_t *components)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;
  bool   has;
  const char *dim;

  PetscFunctionBeginUser;
  *components = 0;
  PetscCall(NomosFieldReaderHas(run->reader, name, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(run->reader, name, &n_dims, shape));
  PetscCall(NomosFieldReaderDimName(run->reader, name, 0, &dim));
  *over_time = !strcmp(dim, "time");
  if (n_dims <= *over_time || shape[*over_time] != run->n) PetscFunctionReturn(PETSC_SUCCESS);
  *components = 1;
  for (int i = *over_time + 1; i < n_dims; i++) *components *= shape[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFrame(const Run *run, const char name[], size_t frame, double values[])
{
  size_t start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1], components;
  int    n_dims;
  bool   over_time = false;

  PetscFunctionBeginUser;
  PetscCall(Components(run, name, &over_time, &components));
  PetscCall(NomosFieldReaderShape(run->reader, name, &n_dims, count));
  if (over_time) start[0] = frame, count[0] = 1;
  PetscCall(NomosFieldReaderRead(run->reader, name, start, count, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t Nearest(const Run *run, double moment)
{
  size_t best = 0;

  for (size_t f = 1; f < run->n_frames; f++)
    if (fabs(run->times[f] - moment) < fabs(run->times[best] - moment)) best = f;
  return best;
}

/* Panels bear the times of the first run: only those are shown at which every run was there (to a tenth of an interval) and has a frame nearer than half an interval; not the end of one that had ended. */
static PetscErrorCode FindShown(Cast *cast)
{
  const Run *run   = &cast->runs[0];
  double     begin = -INFINITY, end = INFINITY;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(run->n_frames, &cast->shown));
  for (size_t r = 0; r < cast->n_runs; r++) {
    begin = fmax(begin, cast->runs[r].times[0]);
    end   = fmin(end, cast->runs[r].times[cast->runs[r].n_frames - 1]);
  }
  const double interval = run->n_frames > 1 ? (run->times[run->n_frames - 1] - run->times[0]) / (double)(run->n_frames - 1) : 1e-9;
  for (size_t f = 0; f < run->n_frames; f++) {
    const double t    = run->times[f];
    bool         have = t > begin - 0.1 * interval && t < end + 0.1 * interval;
    for (size_t r = 1; r < cast->n_runs; r++) have = have && fabs(cast->runs[r].times[Nearest(&cast->runs[r], t)] - t) <= 0.51 * interval;
    if (have || cast->n_runs == 1) cast->shown[cast->film.n_frames++] = f;
  }
  NomosCheck(cast->film.n_frames, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "the runs have no frame at the same time: the first has frames from %g to %g, and all are there from %g to %g; give them the same output.fields_every", run->times[0], run->times[run->n_frames - 1], begin, end);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(void *ctx, size_t motion, size_t frame, double x[], uint32_t colour[])
{
  const Cast *cast = ctx;
  const Run  *run  = &cast->runs[motion];

  PetscFunctionBeginUser;
  frame = Nearest(run, cast->runs[0].times[cast->shown[frame]]);
  PetscCall(ReadFrame(run, "position", frame, x));
  if (cast->quantity.name) PetscCall(ReadFrame(run, cast->quantity.variable, frame, run->values));
  for (size_t p = 0; p < run->n; p++) {
    if (!cast->quantity.name) {
      colour[p] = NomosCycleColour(run->kind ? (int)run->kind[p] : 0);
      continue;
    }
    const double value = cast->quantity.of(run->values + cast->components * p, cast->components), t = (value - cast->film.low) / (cast->film.high - cast->film.low);
    colour[p] = isfinite(value) ? cast->colours[(size_t)fmin(fmax(t * N_COLOURS, 0), N_COLOURS - 1)] : 0x888888;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* alone: its times are by its own clock, as in its other pictures. */
static PetscErrorCode OpenRun(const char directory[], bool alone, Run *run, size_t *d)
{
  char   path[2 * NOMOS_MAX_PATH];
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;
  bool   has;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/fields.nc", directory);
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &run->reader));
  PetscCall(NomosFieldReaderHas(run->reader, "position", &has));
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no `position`: only runs of particles can be shown beside each other", path);
  PetscCall(NomosFieldReaderShape(run->reader, "position", &n_dims, shape));
  PetscCheck(n_dims == 3 && (shape[2] == 2 || shape[2] == 3) && (!*d || *d == shape[2]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: `position` must be over (time, particle, axis) with %s axes", path, *d == 2 ? "2" : *d == 3 ? "3" : "2 or 3");
  run->n = shape[1];
  *d     = shape[2];
  PetscCall(NomosFieldReaderFrames(run->reader, &run->n_frames));
  PetscCall(PetscMalloc1(run->n_frames + 1, &run->times));
  if (alone && run->n_frames) PetscCall(NomosFieldReaderRead(run->reader, "time", (size_t[]){0}, &run->n_frames, run->times));
  else PetscCall(NomosReadTimes(run->reader, run->n_frames, run->times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloseCast(Cast *cast)
{
  PetscFunctionBeginUser;
  for (size_t r = 0; r < cast->n_runs; r++) {
    PetscCall(NomosFieldReaderClose(&cast->runs[r].reader));
    PetscCall(PetscFree(cast->runs[r].times));
    PetscCall(PetscFree(cast->runs[r].kind));
    PetscCall(PetscFree(cast->runs[r].values));
  }
  PetscCall(PetscFree(cast->scene.obstacles));
  PetscCall(PetscFree(cast->shown));
  PetscCall(PetscFree(cast->times));
  PetscCall(PetscFree(cast->time_texts));
  if (cast->log) PetscCall(NomosLogClose(&cast->log));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- scene, colours, times ---------------------------------------------------------------------------------------------------------- */

/* The room that holds all particles of some frames. */
static PetscErrorCode FindRoom(const Cast *cast, NomosScene *scene)
{
  const Run *run = &cast->runs[0];
  double    *x, widest = 0;

  PetscFunctionBeginUser;
  *scene = (NomosScene){.d = (int)cast->d, .up = 1, .unit = cast->context->params.nondimensional ? "" : "m"};
  for (size_t i = 0; i < cast->d; i++) scene->low[i] = INFINITY, scene->high[i] = -INFINITY;
  PetscCall(PetscMalloc1(cast->d * run->n + 1, &x));
  for (size_t s = 0; s < SAMPLES; s++) {
    PetscCall(ReadFrame(run, "position", s * (run->n_frames - 1) / (SAMPLES - 1), x));
    for (size_t p = 0; p < cast->d * run->n; p++) {
      if (!isfinite(x[p])) continue;
      scene->low[p % cast->d]  = fmin(scene->low[p % cast->d], x[p]);
      scene->high[p % cast->d] = fmax(scene->high[p % cast->d], x[p]);
    }
  }
  PetscCall(PetscFree(x));
  for (size_t i = 0; i < cast->d; i++) widest = fmax(widest, scene->high[i] - scene->low[i]);
  for (size_t i = 0; i < cast->d; i++) {
    const double margin = widest > 0 ? 0.05 * widest : 0.5;
    if (!(scene->low[i] <= scene->high[i])) scene->low[i] = scene->high[i] = 0;
    scene->low[i] -= margin;
    scene->high[i] += margin;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "material: 0 jelly, 1 water" names kind 1 "water"; without such a text it is "material 1". */
static void NameKind(const char text[], const char kind[], int number, char name[NOMOS_MAX_NAME])
{
  char        key[32];
  const char *at = strchr(text, ':');

  snprintf(name, NOMOS_MAX_NAME, "%.48s %d", kind, number);
  snprintf(key, sizeof key, " %d ", number);
  if (!at || !(at = strstr(at, key))) return;
  at += strlen(key);
  snprintf(name, NOMOS_MAX_NAME, "%.*s", (int)PetscMin(strcspn(at, ","), NOMOS_MAX_NAME - 1), at);
  for (char *c = name; *c; c++)
    if (*c == '_') *c = ' ';
}

/* Colour by the numbers of `name` where there are several (or `anyway`): read them, and name those that occur. */
static PetscErrorCode TryKind(Cast *cast, const char name[], bool anyway, bool *done)
{
  char text[NOMOS_LABEL];
  int  most = 0;

  PetscFunctionBeginUser;
  *done = false;
  for (size_t r = 0; r < cast->n_runs; r++) {
    Run   *run = &cast->runs[r];
    bool   over_time;
    size_t components;
    PetscCall(Components(run, name, &over_time, &components));
    if (components != 1) PetscFunctionReturn(PETSC_SUCCESS);
    if (!run->kind) PetscCall(PetscMalloc1(run->n + 1, &run->kind));
    PetscCall(ReadFrame(run, name, 0, run->kind));
    for (size_t p = 0; p < run->n; p++) {
      run->kind[p] = run->kind[p] > 0 && run->kind[p] < 1e6 ? round(run->kind[p]) : 0;
      most         = PetscMax(most, (int)run->kind[p]);
    }
  }
  *done = anyway || most > 0;
  if (!most) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosReadLabel(cast->runs[0].reader, name, "long_name", text));
  cast->film.n_legend = (size_t)PetscMin(most + 1, MAX_NAMES);
  for (size_t i = 0; i < cast->film.n_legend; i++) {
    NameKind(text, name, (int)i, cast->names[i]);
    cast->legend[i] = cast->names[i];
  }
  cast->film.legend = cast->legend;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Colours reach from the 1st to the 99th percentile of some frames of all runs. */
static PetscErrorCode FindColourLimits(Cast *cast)
{
  double *found;
  size_t  n = 0, room = 0;

  PetscFunctionBeginUser;
  for (size_t r = 0; r < cast->n_runs; r++) room += SAMPLES * cast->runs[r].n;
  PetscCall(PetscMalloc1(room + 1, &found));
  for (size_t r = 0; r < cast->n_runs; r++) {
    const Run *run = &cast->runs[r];
    for (size_t s = 0; s < SAMPLES; s++) {
      PetscCall(ReadFrame(run, cast->quantity.variable, s * (run->n_frames - 1) / (SAMPLES - 1), run->values));
      for (size_t p = 0; p < run->n; p++) {
        const double value = cast->quantity.of(run->values + cast->components * p, cast->components);
        if (isfinite(value)) found[n++] = value;
      }
    }
  }
  NomosSort(n, found);
  cast->film.low  = n ? found[n / 100] : 0;
  cast->film.high = n ? found[n - 1 - n / 100] : 1;
  PetscCall(PetscFree(found));
  if (cast->quantity.map == NOMOS_MAP_DIVERGING) {
    cast->film.high = fmax(fabs(cast->film.low), fabs(cast->film.high));
    cast->film.low  = -cast->film.high;
  } else if (cast->film.low > 0 && cast->film.low < 0.3 * cast->film.high) cast->film.low = 0;
  if (!(cast->film.low < cast->film.high)) cast->film.low -= 0.5, cast->film.high += 0.5;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A quantity of the table, or a variable of the file. */
static PetscErrorCode FindQuantity(Cast *cast, const char name[])
{
  size_t q = 0;
  bool   over_time;
  char   unit[NOMOS_LABEL], words[NOMOS_LABEL];

  PetscFunctionBeginUser;
  while (q < N_QUANTITIES && strcmp(quantities[q].name, name)) q++;
  cast->quantity = q < N_QUANTITIES ? quantities[q] : (Quantity){name, name, 0, Norm, NOMOS_MAP_SEQUENTIAL, NULL};
  for (size_t r = 0; r < cast->n_runs; r++) {
    PetscCall(Components(&cast->runs[r], cast->quantity.variable, &over_time, &cast->components));
    PetscCheck(cast->components && (!cast->quantity.components || cast->components == cast->quantity.components), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "output.colour = %s: fields.nc has no `%s` of the particles; use material, body, speed, pressure, von_mises, volume_ratio or a variable of fields.nc", name, cast->quantity.variable);
    PetscCall(PetscMalloc1(cast->components * cast->runs[r].n + 1, &cast->runs[r].values));
  }
  if (q == N_QUANTITIES && cast->components == 1) cast->quantity.of = Value;
  PetscCall(NomosReadLabel(cast->runs[0].reader, cast->quantity.variable, "units", unit));
  NomosWords(name, words);
  NomosAxisLabel(cast->quantity.label ? cast->quantity.label : words, unit, cast->bar);
  cast->film.bar_label = cast->bar;
  cast->film.map       = cast->quantity.map;
  NomosColours(cast->film.map, N_COLOURS, cast->colours);
  PetscCall(FindColourLimits(cast));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChooseColours(Cast *cast)
{
  static const char *const kinds[] = {"material", "body"};
  const char              *wanted  = cast->context->params.colour;
  bool                     done    = false;

  PetscFunctionBeginUser;
  for (int k = 0; k < 2 && !done; k++)
    if (!wanted[0] || !strcmp(wanted, kinds[k])) PetscCall(TryKind(cast, kinds[k], wanted[0] != '\0', &done));
  if (!done && wanted[0]) PetscCall(FindQuantity(cast, wanted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Times with so many figures behind the point that frames differ, all alike: titles must not jump. */
static PetscErrorCode NameTimes(Cast *cast)
{
  const NomosPlotContext *context = cast->context;
  const Run              *run     = &cast->runs[0];
  const double            span = (run->times[run->n_frames - 1] - run->times[0]) / context->time_factor, each = span / (double)PetscMax(run->n_frames - 1, 1);
  const int               digits = each > 0 ? (int)fmin(fmax(ceil(-log10(each) - 0.3), 0), 9) : 3;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(run->n_frames, &cast->time_texts));
  PetscCall(PetscMalloc1(run->n_frames, &cast->times));
  for (size_t f = 0; f < cast->film.n_frames; f++) {
    snprintf(cast->time_texts[f], sizeof *cast->time_texts, "%s%.*f%s%s", context->params.nondimensional ? "t = " : "", digits, run->times[cast->shown[f]] / context->time_factor, context->time_name[0] ? " " : "", context->time_name);
    cast->times[f] = cast->time_texts[f];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Progress(void *ctx, size_t done, size_t n)
{
  Cast *cast = ctx;
  char  note[64];

  PetscFunctionBeginUser;
  snprintf(note, sizeof note, "of %zu frames drawn", n);
  PetscCall(NomosLogProgress(cast->log, &(NomosProgress){.fraction = (double)done / (double)n, .step = (int64_t)done, .note = note, .dt = NAN, .cfl = NAN}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- drawing --------------------------------------------------------------------------------------------------------------------- */

static PetscErrorCode Draw(Cast *cast, const char *const directories[], const char *const names[], const char stem[])
{
  const NomosPlotContext *context = cast->context;
  size_t                  counts[NOMOS_MAX_BESIDE];
  char                    path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  for (size_t r = 0; r < cast->n_runs; r++) {
    PetscCall(OpenRun(directories[r], cast->n_runs == 1, &cast->runs[r], &cast->d));
    if (!cast->runs[r].n_frames || !cast->runs[r].n) PetscFunctionReturn(PETSC_SUCCESS);
    counts[r] = cast->runs[r].n;
  }
  if (context->ops->scene) PetscCall(context->ops->scene(context->config, &cast->scene));
  else PetscCall(FindRoom(cast, &cast->scene.room));
  PetscCall(ChooseColours(cast));
  PetscCall(FindShown(cast));
  PetscCall(NameTimes(cast));
  cast->film.scene       = &cast->scene.room;
  cast->film.title       = context->params.title[0] ? context->params.title : context->ops->name;
  cast->film.n_motions   = cast->n_runs;
  cast->film.names       = names;
  cast->film.n_particles = counts;
  cast->film.times       = cast->times;
  cast->film.read        = Read;
  cast->film.progress    = Progress;
  cast->film.ctx         = cast;
  snprintf(path, sizeof path, "%s/plots/%s", context->directory, stem);
  PetscCall(NomosParticleFilmMoments(&cast->film, path));
  if (context->params.animation == NOMOS_ANIMATION_NO || cast->film.n_frames < 3) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosLogOpen(PETSC_COMM_SELF, NULL, context->quiet, &cast->log));
  snprintf(path, sizeof path, "%s/plots/%s_motion.png", context->directory, stem);
  PetscCall(NomosParticleFilmAnimate(&cast->film, (size_t)context->params.animation_frames, context->params.animation_seconds, path));
  PetscCall(NomosLogProgressEnd(cast->log));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotParticlesBeside(const NomosPlotContext *context, size_t n, const char *const directories[], const char *const names[], const char stem[])
{
  Cast *cast;

  PetscFunctionBeginUser;
  PetscCheck(n >= 1 && n <= NOMOS_MAX_BESIDE, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%zu runs cannot be shown beside each other; 1 to %d can", n, NOMOS_MAX_BESIDE);
  PetscCall(PetscNew(&cast));
  cast->context = context;
  cast->n_runs  = n;
  PetscErrorCode code = Draw(cast, directories, names, stem);
  PetscCall(CloseCast(cast));
  PetscCall(PetscFree(cast));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HasParticles(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx)
{
  PetscFunctionBeginUser;
  (void)context;
  (void)times;
  (void)n;
  PetscCall(NomosFieldReaderHas(reader, "position", ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotParticles(const NomosPlotContext *context)
{
  bool has = false;

  PetscFunctionBeginUser;
  PetscCall(NomosPlotFile(context, "fields.nc", HasParticles, &has));
  PetscCheck(has || !context->params.colour[0], PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "output.colour = %s: it colours particles, and %s holds none; leave it out", context->params.colour, context->directory);
  if (has) PetscCall(NomosPlotParticlesBeside(context, 1, &context->directory, NULL, "particles"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
