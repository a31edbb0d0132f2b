/* Observations: the operator and its transpose, twins, files, and what is refused. */
#include "harness.h"

#include "cases/run_params.h"
#include "io/hdf5_impl.h"
#include "lorenz_model.h"
#include "operators/model_fields.h"
#include "operators/random.h"
#include "operators/reduce.h"
#include "solvers/assimilation/observations.h"
#include "solvers/solver_list.h"

#include <omp.h>
#include <unistd.h>

enum { N_RING = 37 };

/* A plane of two layers (n > 0), or a ring of 37 points. */
typedef struct {
  NomosConfig config;
  NomosModel  model;
  size_t      points, bytes;
  void       *state;
} Subject;

static Subject Ring(MPI_Comm comm)
{
  Subject s;
  ck_ok(NomosLorenzCreate(comm, 1, (const char *const[]){"lorenz.n=37"}, &s.config, &s.model));
  return s;
}

static Subject Of(MPI_Comm comm, const NomosModelOps *ops, size_t n, const char *const settings[])
{
  Subject s;

  ck_ok(NomosConfigCreate(comm, &s.config));
  for (size_t i = 0; i < n; i++) ck_ok(NomosConfigSet(s.config, settings[i]));
  ck_ok(NomosConfigSetNondimensional(s.config, true));
  ck_ok(NomosConfigRegister(s.config, nomos_n_run_params, nomos_run_params));
  ck_ok(NomosConfigRegister(s.config, ops->n_params, ops->params));
  if (ops->declare) ck_ok(ops->declare(s.config));
  ck_ok(NomosConfigCheck(s.config));
  ck_ok(NomosModelCreate(comm, ops, s.config, &s.model));
  return s;
}

static Subject PlaneWith(MPI_Comm comm, const char *const more[])
{
  static const char *const settings[] = {"solver=qg", "case.units=nondimensional", "qg.nx=20", "qg.ny=18", "qg.lx=6", "qg.ly=5", "qg.deformation_radius=0.8", "time.scheme=rk4", "qg.nyquist=keep", "qg.dealias=none", "qg.fft_plan=estimate", "time.dt=0.02", "time.stop=1"};
  const char *all[32];
  size_t      n = sizeof settings / sizeof *settings;

  memcpy(all, settings, sizeof settings);
  while (*more) all[n++] = *more++;
  return Of(comm, &NomosModelOps_QG, n, all);
}

static Subject Plane(MPI_Comm comm)
{
  return PlaneWith(comm, (const char *const[]){NULL});
}

/* 1 < x < 11 between walls, centres of cells from 1.25 to 10.75; -2 < y < 4 periodic. */
static Subject Channel(MPI_Comm comm)
{
  static const char *const settings[] = {"solver=grid_pde", "case.units=nondimensional", "grid_pde.family=shallow_water", "grid_pde.dimensions=2", "grid_pde.nx=20", "grid_pde.ny=12", "grid_pde.lx=10", "grid_pde.ly=6", "grid_pde.origin=[1, -2]", "grid_pde.boundary_x=wall", "initial.h=1", "time.dt=0.01", "time.stop=1"};
  const NomosModelOps     *ops;

  ck_ok(NomosModelFind(nomos_solvers, "grid_pde", "solver", &ops));
  return Of(comm, ops, sizeof settings / sizeof *settings, settings);
}

static void End(Subject *s)
{
  ck_ok(NomosModelDestroy(&s->model));
  ck_ok(NomosConfigDestroy(&s->config));
}

/* A function of layer and place, sampled on this rank's points of the first field. */
static double *Sampled(NomosObservations o, double (*f)(size_t layer, double x, double y), size_t *points)
{
  const NomosModelField *field;
  size_t                 index;

  ck_ok(NomosObservationsField(o, &index, &field));
  *points        = NomosModelFieldPoints(field);
  double *values = calloc(*points + 1, sizeof *values);
  for (size_t i = 0; i < *points; i++) {
    size_t place = 0, stride = 1, rest = i, layer;
    double x, y;
    for (int d = field->n_dims - 1; d >= 0; d--) {
      place += stride * (field->start[d] + rest % field->count[d]);
      rest /= field->count[d];
      stride *= field->size[d];
    }
    NomosObservationsPlace(o, place, &layer, &x, &y);
    values[i] = f(layer, x, y);
  }
  return values;
}

static double OnPlane(size_t layer, double x, double y)
{
  const double a = 2 * PETSC_PI * x / 6, b = 2 * PETSC_PI * y / 5;
  return 0.3 + cos(9 * a - 8 * b) + (double)layer * sin(3 * a + 2 * b) + 0.2 * cos(10 * a); /* the last: the shortest wave of the even side */
}

static double OnRing(size_t layer, double x, double y)
{
  const double a = 2 * PETSC_PI * x / N_RING;
  (void)layer;
  (void)y;
  return 1 + sin(18 * a) - 0.5 * cos(7 * a + 1);
}

/* n random places in the domain, some of them on the grid. */
static void Scatter(NomosObservations o, size_t n, double time)
{
  NomosObservationSet set = {.time = time, .n = n};
  bool                periodic;
  const double        lx = NomosObservationsSide(o, 0, &periodic), ly = NomosObservationsSide(o, 1, &periodic);
  double              x, y;
  size_t             *layer   = calloc(n, sizeof *layer);
  double             *numbers = calloc(4 * n, sizeof *numbers);

  set.layer     = layer;
  set.x         = numbers;
  set.y         = numbers + n;
  set.value     = numbers + 2 * n;
  set.deviation = numbers + 3 * n;
  NomosObservationsPlace(o, 0, &(size_t){0}, &x, &y);
  for (size_t i = 0; i < n; i++) {
    double u[2];
    NomosRandomUniform2(5, 0, i, u);
    layer[i] = i % NomosObservationsLayers(o);
    if (i % 3) {
      set.x[i] = x + u[0] * lx;
      set.y[i] = y + u[1] * ly;
    } else NomosObservationsPlace(o, i % NomosObservationsLayerPoints(o), &(size_t){0}, &set.x[i], &set.y[i]);
    set.value[i]     = (double)i;
    set.deviation[i] = 0.5;
  }
  ck_ok(NomosObservationsAdd(o, &set));
  free(layer);
  free(numbers);
}

/* Anywhere, the series through the points is exact for waves that the grid has. */
START_TEST(test_series)
{
  for (int plane = 0; plane < 2; plane++) {
    Subject           s = plane ? Plane(PETSC_COMM_WORLD) : Ring(PETSC_COMM_WORLD);
    NomosObservations o;
    size_t            points;
    double            seen[50];
    ck_ok(NomosObservationsCreate(s.model, "", &o));
    ck_assert_uint_eq(NomosObservationsLayers(o), plane ? 2 : 1);
    Scatter(o, 50, 0);
    double (*f)(size_t, double, double) = plane ? OnPlane : OnRing;
    double *values                      = Sampled(o, f, &points);
    ck_ok(NomosObservationsApply(o, 0, values, seen));
    const NomosObservationSet *set = NomosObservationsSet(o, 0);
    for (size_t i = 0; i < set->n; i++) ck_assert_double_eq_tol(seen[i], f(set->layer[i], set->x[i], set->y[i]), 2e-13);
    free(values);
    ck_ok(NomosObservationsDestroy(&o));
    End(&s);
  }
}
END_TEST

static double OnChannel(size_t layer, double x, double y)
{
  (void)layer;
  return 2 + 0.5 * fmin(fmax(x, 1.25), 10.75) + 0.3 * sin(2 * PETSC_PI * (y + 2) / 6);
}

/* Between walls a field is read linearly between the centres of cells, from there to a wall as at the last of them, and not beyond; along the periodic axis by its series. */
START_TEST(test_walls)
{
  enum { N_SEEN = 7 };
  Subject                s     = Channel(PETSC_COMM_WORLD);
  const NomosObserveInput look = {.places = NOMOS_OBSERVE_ANYWHERE, .fraction = 1, .noise = 1e-12, .noise_absolute = true, .seed = 3};
  NomosObservations      o;
  NomosObservationSet    set   = {.n = N_SEEN, .layer = (size_t[N_SEEN]){0}, .x = (double[]){1, 1.1, 1.25, 3.6, 10.5, 10.9, 11}, .y = (double[]){0, 3.9, -1.9, 1.3, 0.75, 4, 2.2}, .value = (double[N_SEEN]){0}, .deviation = (double[]){1, 1, 1, 1, 1, 1, 1}};
  double                 seen[N_SEEN], sums[2] = {0}, low = INFINITY, high = -INFINITY;
  bool                   periodic[2];
  size_t                 points, n;

  ck_ok(NomosObservationsCreate(s.model, "h", &o));
  ck_close(NomosObservationsSide(o, 0, &periodic[0]), 10, 1e-12);
  ck_close(NomosObservationsSide(o, 1, &periodic[1]), 6, 1e-12);
  ck_assert(!periodic[0] && periodic[1]);
  ck_ok(NomosObservationsAdd(o, &set));
  double *values = Sampled(o, OnChannel, &points), *bar = calloc(points + 1, sizeof *bar);
  ck_ok(NomosObservationsApply(o, 0, values, seen));
  for (int i = 0; i < N_SEEN; i++) ck_assert_double_eq_tol(seen[i], OnChannel(0, set.x[i], set.y[i]), 1e-13);
  ck_ok(NomosObservationsApplyTranspose(o, 0, seen, bar));
  sums[0] = NomosDot(points, values, bar);
  ck_ok(NomosSumOverRanks(PETSC_COMM_WORLD, 1, sums));
  ck_close(sums[0], NomosDot(N_SEEN, seen, seen), 1e-13);
  /* anywhere is from wall to wall */
  ck_ok(s.model->ops->derivatives->state_size(s.model, &n));
  void *state = calloc(n + 1, sizeof(double));
  ck_ok(s.model->ops->derivatives->from_field(s.model, 0, values, state));
  ck_ok(NomosObservationsLook(o, &look, 1, state, NULL));
  const NomosObservationSet *places = NomosObservationsSet(o, 1);
  for (size_t i = 0; i < places->n; i++) {
    ck_assert_double_eq_tol(places->value[i], OnChannel(0, places->x[i], places->y[i]), 1e-10);
    low  = fmin(low, places->x[i]);
    high = fmax(high, places->x[i]);
  }
  ck_assert(low >= 1 && low < 1.25 && high > 10.75 && high <= 11);
  set.time = 2;
  set.n    = 1;
  for (int side = 0; side < 2; side++) {
    set.x[0] = side ? 11.05 : 0.95;
    ck_refused(NomosObservationsAdd(o, &set), side ? "lies outside of the domain: x = 11.05, and it reaches from 1 to 11" : "lies outside of the domain: x = 0.95, and it reaches from 1 to 11");
  }
  free(values);
  free(bar);
  free(state);
  ck_ok(NomosObservationsDestroy(&o));
  End(&s);
}
END_TEST

/* <H x, y> = <x, H^T y> for random x, y, the same bits for any number of threads; the transpose adds. */
START_TEST(test_transpose)
{
  for (int plane = 0; plane < 2; plane++) {
    Subject                s = plane ? Plane(PETSC_COMM_WORLD) : Ring(PETSC_COMM_WORLD);
    NomosObservations      o;
    const NomosModelField *field;
    size_t                 index;
    double                 seen[2][50], bar[50], left = 0, right = 0;
    ck_ok(NomosObservationsCreate(s.model, plane ? "psi" : "x", &o));
    ck_ok(NomosObservationsField(o, &index, &field));
    Scatter(o, 50, 0);
    const size_t points = NomosModelFieldPoints(field);
    double      *values = calloc(points + 1, sizeof *values), *values_bar[2] = {calloc(points + 1, sizeof(double)), calloc(points + 1, sizeof(double))};
    for (size_t i = 0; i < points; i++) values[i] = NomosRandomNormal(1, field->start[0] + field->start[field->n_dims > 1], i);
    for (size_t i = 0; i < 50; i++) bar[i] = NomosRandomNormal(2, 0, i);
    for (int threads = 1; threads <= 2; threads++) {
      omp_set_num_threads(threads);
      ck_ok(NomosObservationsApply(o, 0, values, seen[threads - 1]));
      ck_ok(NomosObservationsApplyTranspose(o, 0, bar, values_bar[threads - 1]));
    }
    ck_assert_mem_eq(seen[0], seen[1], sizeof seen[0]);
    if (points) ck_assert_mem_eq(values_bar[0], values_bar[1], points * sizeof(double));
    left  = NomosDot(50, seen[0], bar);
    right = NomosDot(points, values, values_bar[0]);
    ck_ok(NomosSumOverRanks(PETSC_COMM_WORLD, 1, &right));
    ck_close(left, right, 1e-13);
    ck_ok(NomosObservationsApplyTranspose(o, 0, bar, values_bar[0]));
    for (size_t i = 0; i < points; i++) ck_assert_double_eq_tol(values_bar[0][i], 2 * values_bar[1][i], 1e-13);
    free(values);
    free(values_bar[0]);
    free(values_bar[1]);
    ck_ok(NomosObservationsDestroy(&o));
    End(&s);
  }
}
END_TEST

static void *StateOf(Subject *s, NomosObservations o, double (*f)(size_t, double, double))
{
  size_t n, points;
  ck_ok(s->model->ops->derivatives->state_size(s->model, &n));
  void   *state  = calloc(n + 1, sizeof(double));
  double *values = Sampled(o, f, &points);
  ck_ok(s->model->ops->derivatives->from_field(s->model, 0, values, state));
  free(values);
  return state;
}

/* Looks at a state: as many points as asked for, at the truth but for noise of the size asked for; fixed points stay, others move. */
START_TEST(test_looks)
{
  Subject           s = Plane(PETSC_COMM_WORLD);
  NomosObservations o;
  ck_ok(NomosObservationsCreate(s.model, "q", &o));
  void  *state = StateOf(&s, o, OnPlane);
  size_t last  = 0;
  for (int places = 0; places < 2; places++)
    for (int moving = 0; moving < 2; moving++) {
      const NomosObserveInput input = {.places = places ? NOMOS_OBSERVE_ANYWHERE : NOMOS_OBSERVE_GRID, .fraction = 0.3, .same_layers = true, .moving = moving, .noise = 1e-3, .noise_absolute = true, .seed = 7};
      double                  error = 0;
      bool                    same  = true;
      for (int t = 0; t < 2; t++) ck_ok(NomosObservationsLook(o, &input, (double)last++, state, NULL));
      const NomosObservationSet *sets[2] = {NomosObservationsSet(o, last - 2), NomosObservationsSet(o, last - 1)};
      ck_assert_uint_gt(sets[0]->n, 180);
      ck_assert_uint_lt(sets[0]->n, 250);
      for (size_t i = 0; i < sets[0]->n; i++) {
        error += pow((sets[0]->value[i] - OnPlane(sets[0]->layer[i], sets[0]->x[i], sets[0]->y[i])) / 1e-3, 2);
        same = same && i < sets[1]->n && sets[1]->x[i] == sets[0]->x[i] && sets[1]->layer[i] == sets[0]->layer[i];
        ck_assert_double_eq(sets[0]->deviation[i], 1e-3);
      }
      ck_assert_double_eq_tol(error / (double)sets[0]->n, 1, 6 * sqrt(2. / (double)sets[0]->n));
      ck_assert_int_eq(same, !moving);
      ck_assert_double_ne(sets[0]->value[0], sets[1]->value[0]);
      const size_t half = sets[0]->n / 2; /* the same points in both layers */
      for (size_t i = 0; i < half; i++) ck_assert_double_eq(sets[0]->x[i], sets[0]->x[half + i]);
    }
  free(state);
  ck_ok(NomosObservationsDestroy(&o));
  End(&s);
}
END_TEST

/* Relative noise is that of the layer's own standard deviation; a single layer may be seen; every second of the points of a ring. */
START_TEST(test_noise_and_choice)
{
  Subject           s = Plane(PETSC_COMM_WORLD), ring = Ring(PETSC_COMM_WORLD);
  NomosObservations o, r;
  ck_ok(NomosObservationsCreate(s.model, "q", &o));
  ck_ok(NomosObservationsCreate(ring.model, "x", &r));
  void *state = StateOf(&s, o, OnPlane), *round = StateOf(&ring, r, OnRing);
  ck_ok(NomosObservationsLook(o, &(NomosObserveInput){.fraction = 1, .noise = 0.1, .layers = (double[]){2}, .n_layers = 1, .seed = 1}, 0, state, NULL));
  const NomosObservationSet *set = NomosObservationsSet(o, 0);
  ck_assert_uint_eq(set->n, 360);
  for (size_t i = 0; i < set->n; i++) ck_assert_uint_eq(set->layer[i], 1);
  ck_close(set->deviation[0], 0.1 * sqrt(0.5 + 0.5 + 0.04), 1e-12); /* of cos, sin, and the shortest wave */
  ck_ok(NomosObservationsLook(o, &(NomosObserveInput){.fraction = 1, .noise = 0.1, .seed = 1}, 1, state, (double[]){2, 3}));
  set = NomosObservationsSet(o, 1);
  ck_close(set->deviation[0], 0.2, 1e-14);
  ck_close(set->deviation[719], 0.3, 1e-14);
  ck_ok(NomosObservationsLook(r, &(NomosObserveInput){.every = 2, .noise = 1, .noise_absolute = true, .seed = 1}, 0, round, NULL));
  set = NomosObservationsSet(r, 0);
  ck_assert_uint_eq(set->n, 19);
  for (size_t i = 0; i < set->n; i++) ck_assert_double_eq(set->x[i], 2 * (double)i);
  ck_refused(NomosObservationsLook(o, &(NomosObserveInput){.fraction = 1, .noise = 0.1, .layers = (double[]){3}, .n_layers = 1, .seed = 1}, 2, state, NULL), "layer 3 cannot be observed; q has the layers 1 to 2");
  ck_refused(NomosObservationsLook(o, &(NomosObserveInput){.fraction = 1, .noise = 0.1, .seed = 1}, 0.5, state, NULL), "times must ascend");
  ck_refused(NomosObservationsLook(o, &(NomosObserveInput){.fraction = 1, .noise = 0.1, .seed = 1}, 2, state, (double[]){0, 0}), "no point of q is observed");
  free(state);
  free(round);
  ck_ok(NomosObservationsDestroy(&o));
  ck_ok(NomosObservationsDestroy(&r));
  End(&s);
  End(&ring);
}
END_TEST

/* What is written is read back, bit for bit. */
START_TEST(test_file)
{
  Subject           s = Plane(PETSC_COMM_WORLD);
  NomosObservations o, back;
  char              path[NOMOS_MAX_PATH + 16];
  ck_ok(NomosObservationsCreate(s.model, "q", &o));
  Scatter(o, 50, 0.25);
  Scatter(o, 20, 0.75);
  snprintf(path, sizeof path, "%s/seen.nc", ck_directory);
  ck_ok(NomosObservationsWrite(o, path));
  ck_ok(NomosObservationsRead(s.model, "q", path, &back));
  ck_assert_uint_eq(NomosObservationsTimes(back), 2);
  for (size_t t = 0; t < 2; t++) {
    const NomosObservationSet *a = NomosObservationsSet(o, t), *b = NomosObservationsSet(back, t);
    ck_assert_uint_eq(a->n, b->n);
    ck_assert_double_eq(a->time, b->time);
    ck_assert_mem_eq(a->layer, b->layer, a->n * sizeof *a->layer);
    ck_assert_mem_eq(a->x, b->x, a->n * sizeof *a->x);
    ck_assert_mem_eq(a->y, b->y, a->n * sizeof *a->y);
    ck_assert_mem_eq(a->value, b->value, a->n * sizeof *a->value);
    ck_assert_mem_eq(a->deviation, b->deviation, a->n * sizeof *a->deviation);
  }
  ck_ok(NomosObservationsDestroy(&back));
  ck_refused(NomosObservationsRead(s.model, "psi", path, &back), "these are observations of q (long_name of value), and psi is to be observed");
  ck_ok(NomosObservationsDestroy(&o));
  End(&s);
}
END_TEST

/* A field file of the ring as others would write it: `value` on the whole ring, or as a list. */
typedef struct {
  const char *name, *unit, *error_unit, *time_unit;
  size_t      n;
  double      values[2][N_RING], deviation, times[2], fill; /* 0: no _FillValue */
} Foreign;

static void WriteForeign(const Foreign *f, bool list, char path[])
{
  double             numbers[N_RING];
  NomosFieldFile     file;
  NomosFieldVariable variables[4] = {
    {.name = list ? "value" : f->name,       .dims = {list ? "observation" : "i"}, .type = NOMOS_F64,     .unit = f->unit,      .long_name = list ? f->name : "seen"},
    {.name = list ? "deviation" : "x_error", .type = NOMOS_F64,                    .unit = f->error_unit, .long_name = "error", .constant = !list                   },
    {.name = "x",                            .dims = {"observation"},              .type = NOMOS_F64,     .unit = "1",          .long_name = "place"                },
    {.name = "layer",                        .dims = {"observation"},              .type = NOMOS_F64,     .unit = "1",          .long_name = "layer"                },
  };
  for (int i = 0; i < N_RING; i++) numbers[i] = i;
  if (list) variables[1].dims[0] = "observation";
  const NomosFieldDim dim = {.name = list ? "observation" : "i", .size = f->n, .values = numbers, .unit = "1"};
  snprintf(path, NOMOS_MAX_PATH + 32, "%s/foreign.nc", ck_directory);
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 1, .dims = &dim, .n_variables = list ? 4 : 2, .variables = variables, .capacity = 2, .time_unit = f->time_unit}, &file));
  if (!list) ck_ok(NomosFieldFileWrite(file, "x_error", NOMOS_F64, NULL, NULL, &f->deviation));
  for (int t = 0; t < 2; t++) {
    double deviations[N_RING], layers[N_RING];
    for (int i = 0; i < N_RING; i++) deviations[i] = f->deviation;
    for (int i = 0; i < N_RING; i++) layers[i] = 1;
    ck_ok(NomosFieldFileBeginFrame(file, f->times[t], t));
    ck_ok(NomosFieldFileWrite(file, variables[0].name, NOMOS_F64, (size_t[]){0}, (size_t[]){f->n}, f->values[t]));
    if (list) ck_ok(NomosFieldFileWrite(file, "deviation", NOMOS_F64, (size_t[]){0}, (size_t[]){f->n}, deviations));
    if (list) ck_ok(NomosFieldFileWrite(file, "x", NOMOS_F64, (size_t[]){0}, (size_t[]){f->n}, numbers));
    if (list) ck_ok(NomosFieldFileWrite(file, "layer", NOMOS_F64, (size_t[]){0}, (size_t[]){f->n}, layers));
    ck_ok(NomosFieldFileEndFrame(file));
  }
  ck_ok(NomosFieldFileClose(&file));
  if (f->fill == 0) return;
  hid_t h5 = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(h5, variables[0].name, H5P_DEFAULT);
  ck_assert(NomosH5PutReal(dataset, "_FillValue", f->fill) >= 0);
  H5Dclose(dataset);
  H5Fclose(h5);
}

static void ReadForeign(NomosModel model, Foreign f, bool list, const char fragment[])
{
  NomosObservations o;
  char              path[NOMOS_MAX_PATH + 32];
  int               rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, sizeof path, "%s/foreign.nc", ck_directory);
  MPI_Barrier(PETSC_COMM_WORLD);
  if (!rank) WriteForeign(&f, list, path);
  MPI_Barrier(PETSC_COMM_WORLD);
  if (fragment) {
    ck_refused(NomosObservationsRead(model, "x", path, &o), fragment);
    return;
  }
  ck_ok(NomosObservationsRead(model, "x", path, &o));
  ck_assert_uint_eq(NomosObservationsTimes(o), 2);
  ck_assert_uint_eq(NomosObservationsSet(o, 0)->n, f.n - 1); /* one is NaN */
  ck_assert_uint_eq(NomosObservationsSet(o, 1)->n, f.n);
  for (size_t i = 2; i < 4; i++) {
    ck_assert_double_eq(NomosObservationsSet(o, 0)->value[i], (double)i + 1);
    ck_assert_double_eq(NomosObservationsSet(o, 0)->deviation[i], 0.25);
    ck_assert_double_eq(NomosObservationsSet(o, 0)->x[i], (double)i + 1);
  }
  ck_ok(NomosObservationsDestroy(&o));
}

/* Both layouts are read, and what is wrong with a file is said. */
START_TEST(test_foreign_files)
{
  Subject s    = Ring(PETSC_COMM_WORLD);
  Foreign good = {
            .name = "x", .unit = "1", .error_unit = "1", .time_unit = "s", .n = N_RING, .deviation = 0.25, .times = {1, 2}
  },
          bad;
  for (int i = 0; i < N_RING; i++) good.values[0][i] = good.values[1][i] = i;
  Foreign seen      = good;
  seen.values[0][2] = NAN;
  ReadForeign(s.model, seen, false, NULL);
  ReadForeign(s.model, seen, true, NULL);
  seen.values[0][2] = seen.fill = -9999;
  ReadForeign(s.model, seen, false, NULL);
  ReadForeign(s.model, seen, true, NULL);
  seen.values[0][2] = 9.9692099683868690e+36; /* NetCDF's, which nobody marks */
  seen.fill         = 0;
  ReadForeign(s.model, seen, false, NULL);
  ReadForeign(s.model, seen, true, NULL);
#define REFUSED(change, list, fragment) (bad = good, change, ReadForeign(s.model, bad, list, fragment))
  REFUSED(bad.name = "y", false, "has no variable x, the observed field; over time it has y");
  REFUSED(bad.n = 12, false, "x is over (time 2, i 12); the case needs it over (time, i 37)");
  REFUSED(bad.unit = "m", false, "x has the units 'm'; give it the attribute units = '1'");
  REFUSED(bad.time_unit = "m", false, "time has the units 'm'");
  REFUSED(bad.deviation = 0, false, "x_error is 0 in look 1, layer 1; a standard deviation must be positive");
  REFUSED(bad.values[1][4] = INFINITY, false, "x is inf in look 2, layer 1; NaN must stand where nothing was seen");
  REFUSED(bad.times[1] = 1, false, "looks 1 and 2 are at the times 1 and 1; times must ascend");
  REFUSED(bad.name = "u", true, "these are observations of u (long_name of value), and x is to be observed");
  REFUSED(bad.unit = "m", true, "value has the units 'm'");
  REFUSED(bad.values[1][4] = INFINITY, true, "observation 5 of x at time 2 is inf; leave out what was not seen");
  REFUSED(bad.deviation = -1, true, "has the standard deviation -1; it must be positive");
#undef REFUSED
  bad = good;
  for (int i = 0; i < N_RING; i++) bad.values[0][i] = bad.values[1][i] = NAN;
  ReadForeign(s.model, bad, false, "nothing was seen");
  End(&s);
}
END_TEST

/* A point beyond the domain, a layer that is not there, values that are no numbers. */
START_TEST(test_refused)
{
  Subject           s = Plane(PETSC_COMM_WORLD);
  NomosObservations o;
  ck_refused(NomosObservationsCreate(s.model, "vorticity", &o), "vorticity");
  ck_ok(NomosObservationsCreate(s.model, "q", &o));
  NomosObservationSet set = {.time = 0, .n = 1, .layer = (size_t[]){0}, .x = (double[]){7.5}, .y = (double[]){1}, .value = (double[]){1}, .deviation = (double[]){1}};
  ck_refused(NomosObservationsAdd(o, &set), "lies outside of the domain: x = 7.5, and it reaches from -3 to 3");
  set.x[0] = 3;
  ck_ok(NomosObservationsAdd(o, &set));
  set.time = 1;
  set.y[0] = -3;
  ck_refused(NomosObservationsAdd(o, &set), "y = -3");
  set.y[0]     = 1;
  set.layer[0] = 2;
  ck_refused(NomosObservationsAdd(o, &set), "is in layer 3; q has the layers 1 to 2");
  set.layer[0] = 0;
  set.value[0] = NAN;
  ck_refused(NomosObservationsAdd(o, &set), "is nan; leave out what was not seen");
  set.value[0]     = 1;
  set.deviation[0] = -1;
  ck_refused(NomosObservationsAdd(o, &set), "standard deviation -1; it must be positive");
  ck_ok(NomosObservationsDestroy(&o));
  End(&s);
}
END_TEST

/* An initial state of the plane from another's file: read with time or without, unpacked; units, dimensions and coordinates that are not the case's are refused, as is what is missing. The first row of the
   scalars has the CFL number of that state. */
START_TEST(initial_files)
{
  static double q[2][18][20], x[20], y[18], layer[2] = {1, 2};
  double        scalars[2][64];
  char          path[NOMOS_MAX_PATH + 32], set[NOMOS_MAX_PATH + 64];
  int           rank;
  enum { GOOD, TIMED, PACKED, UNIT, UPSIDE_DOWN, TURNED, DOMAIN, FILL, N_KINDS };
  static const char *const texts[N_KINDS] = {[UNIT] = "q has the units 'm'", [UPSIDE_DOWN] = "entry 1 of y is", [TURNED] = "q is over (layer 2, x 18, y 20); the case needs it over ([time,] layer 2, y, x)", [DOMAIN] = "entry 1 of x is", [FILL] = "q of "};

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, sizeof path, "%s/initial.nc", ck_directory);
  snprintf(set, sizeof set, "initial.file=%s", path);
  for (int l = 0; l < 2; l++)
    for (int j = 0; j < 18; j++)
      for (int i = 0; i < 20; i++) q[l][j][i] = sin(2 * PETSC_PI * (i + 2 * l) / 20) + cos(2 * PETSC_PI * 2 * j / 18);
  for (int kind = 0; kind < N_KINDS; kind++) {
    Subject s = PlaneWith(PETSC_COMM_WORLD, (const char *const[]){"initial.type=file", set, NULL});
    for (int i = 0; i < 20; i++) x[i] = (kind == DOMAIN ? 2 : 1) * (-3 + 0.3 * i);
    for (int j = 0; j < 18; j++) y[j] = -2.5 + 5. / 18 * (kind == UPSIDE_DOWN ? 17 - j : j);
    MPI_Barrier(PETSC_COMM_WORLD);
    if (!rank) {
      const NomosFieldDim      dims[] = {{.name = "layer", .size = 2, .values = layer}, {.name = kind == TURNED ? "x" : "y", .size = 18, .values = y}, {.name = kind == TURNED ? "y" : "x", .size = 20, .values = x}};
      const NomosFieldVariable variable = {.name = "q", .dims = {"layer", dims[1].name, dims[2].name}, .type = NOMOS_F64, .unit = kind == UNIT ? "m" : NULL, .constant = kind != TIMED};
      NomosFieldFile           file;
      ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .timeless = kind != TIMED, .n_dims = 3, .dims = dims, .n_variables = 1, .variables = &variable, .capacity = 1, .time_unit = "1"}, &file));
      if (kind == TIMED) ck_ok(NomosFieldFileBeginFrame(file, 0, 0));
      ck_ok(NomosFieldFileWrite(file, "q", NOMOS_F64, (size_t[]){0, 0, 0}, (size_t[]){2, 18, 20}, q));
      if (kind == TIMED) ck_ok(NomosFieldFileEndFrame(file));
      ck_ok(NomosFieldFileClose(&file));
      hid_t h5 = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(h5, "q", H5P_DEFAULT);
      if (kind == PACKED) ck_assert(NomosH5PutReal(dataset, "scale_factor", 2) >= 0);
      if (kind == FILL) ck_assert(NomosH5PutReal(dataset, "_FillValue", q[1][4][3]) >= 0);
      H5Dclose(dataset);
      H5Fclose(h5);
    }
    MPI_Barrier(PETSC_COMM_WORLD);
    if (texts[kind]) ck_refused(s.model->ops->initialise(s.model), texts[kind]);
    else {
      ck_ok(s.model->ops->initialise(s.model));
      NomosObservations o;
      double           *values;
      size_t            points;
      ck_ok(NomosObservationsCreate(s.model, "q", &o));
      values = calloc(1000, sizeof *values);
      ck_ok(s.model->ops->derivatives->state_size(s.model, &points));
      s.state = calloc(points * NomosRealBytes(s.model->precision) + 1, 1);
      ck_ok(s.model->ops->derivatives->get_state(s.model, s.state));
      ck_ok(s.model->ops->derivatives->field(s.model, 0, s.state, values));
      const NomosModelField *field;
      size_t                 index;
      ck_ok(NomosObservationsField(o, &index, &field));
      if (field->count[1]) ck_assert_double_eq_tol(values[0], (kind == PACKED ? 2 : 1) * q[0][field->start[1]][0], 1e-12);
      ck_ok(NomosObservationsDestroy(&o));
      free(s.state);
      free(values);
      ck_ok(s.model->ops->evaluate_scalars(s.model, scalars[0]));
      ck_ok(s.model->ops->step(s.model));
      ck_ok(s.model->ops->evaluate_scalars(s.model, scalars[1]));
      ck_assert_double_gt(scalars[0][4], 0);
      ck_assert_double_eq(scalars[0][4], scalars[1][4]);
    }
    End(&s);
  }
}
END_TEST

NOMOS_TEST_SUITE("observations", test_series, test_walls, test_transpose, test_looks, test_noise_and_choice, test_file, test_foreign_files, test_refused, initial_files)
