/* What is wrong with the data of an emulator is said before it is trained: frames at unequal intervals, points that periodic axes cannot be thinned to, frames of norm zero. */
#include "surrogates/operators/neural_operator_impl.h"

#include "cases/program.h"
#include "tests/neural_operator_data.h"

#include <hdf5_hl.h>
#include <unistd.h>

static const double speeds[] = {0.5, 1};
enum { N = 2, N_FRAMES = 7, NX = 16 };

/* In place of what the file has under this name. */
static void Replace(const char path[], const char name[], size_t n, const double values[])
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  ck_assert(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
  if (n) WriteArray(file, name, 1, (hsize_t[]){n}, values);
  H5Fclose(file);
}

/* Two files of waves; the second one's times, n_times of them (0: none). */
static void MakeTwo(const char directory[], size_t n_times, const double times[])
{
  MakeDirectory(directory);
  for (int i = 0; i < 2; i++) WriteWaves(DataPath(directory, i ? "b.h5" : "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds, .phase = i});
  Replace(DataPath(directory, "b.h5"), "time", n_times, times);
}

static void Refused(const char directory[], const char *const settings[], const char sentence[])
{
  NomosConfig    config;
  NomosSurrogate s;
  ck_refused(CreateEmulator(PETSC_COMM_SELF, directory, settings, &config, &s), sentence);
  EndEmulator(&config, &s);
}

static double Interval(const char directory[], const char *const settings[])
{
  NomosConfig    config;
  NomosSurrogate s;
  ck_ok(CreateEmulator(PETSC_COMM_SELF, directory, settings, &config, &s));
  const double interval = ((NomosNeuralOperator *)s->context)->interval;
  EndEmulator(&config, &s);
  return interval;
}

static void SayUnit(const char path[], const char name[], const char unit[])
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(unit) + 1);
  hid_t attribute = H5Acreate2(set, "units", type, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Awrite(attribute, type, unit) >= 0);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(set);
  H5Fclose(file);
}

/* Numbers in other units are other numbers, of times, fields and parameters, in files of the data and in test sets; how a unit is written, and what a file without one means, is not known better. */
START_TEST(Units)
{
  static const struct {
    const char *name, *a, *b, *sentence;
  } tries[] = {
    {"time", "h", "s", "time is in 's', in"}, {"time", "hours since 2000-01-01", "seconds since 2000-01-01", "time is in 'seconds'"}, {"time", "hours", "h", NULL}, {"time", "days since 2000-01-01", "day since 2001-01-01", NULL},
    {"time", "s", NULL, NULL}, {"time", NULL, "s", NULL}, {"u", "m/s", "km/h", "u is in 'km/h', in"}, {"u", "degC", "K", "u is in 'K', in"}, {"u", "m/s", "m s-1", NULL}, {"u", "m/s", "1", NULL}, {"u", "1", "km/h", NULL}, {"u", "degC", "degC", NULL},
    {"beta", "m/s", "cm/s", "beta is in 'cm/s', in"}, {"beta", "m/s", "kg", "beta is in 'kg', in"}, {"beta", "m/s", NULL, NULL},
  };
  static const char *const places[] = {"b.h5", "tests/b.h5"}, *const told[] = {"neural_operator.parameters=[beta]", NULL};

  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
    for (int k = 0; k < 2; k++) {
      char path[NOMOS_MAX_PATH], sentence[128], directory[16];
      snprintf(directory, sizeof directory, "units_%d", k);
      MakeDirectory(directory);
      for (int f = 0; f < 2; f++) {
        snprintf(path, sizeof path, "%s", DataPath(directory, f ? places[k] : "a.h5"));
        WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds, .phase = f});
        if (f ? tries[i].b : tries[i].a) SayUnit(path, tries[i].name, f ? tries[i].b : tries[i].a);
      }
      snprintf(sentence, sizeof sentence, "b.h5: %s", tries[i].sentence ? tries[i].sentence : "");
      if (tries[i].sentence) Refused(directory, told, sentence);
      else ck_close(Interval(directory, told), 0.05, 1e-12);
      snprintf(sentence, sizeof sentence, "in '%s' (the attribute units), and the numbers would be taken for one unit", tries[i].a && strstr(tries[i].a, "since") ? "hours" : tries[i].a);
      if (tries[i].sentence) Refused(directory, told, sentence);
    }
}
END_TEST

/* Trajectories of several lengths are learned from by windows: the key is named. */
START_TEST(Lengths)
{
  MakeDirectory("lengths");
  for (int i = 0; i < 2; i++) WriteWaves(DataPath("lengths", i ? "b.h5" : "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES - (size_t)i, .nx = NX, .n_speeds = 2, .speeds = speeds, .phase = i});
  Refused("lengths", (const char *const[]){NULL}, "all must be of one length: take windows of so many frames (neural_operator.frames)");
  ck_close(Interval("lengths", (const char *const[]){"neural_operator.frames=3", NULL}), 0.05, 1e-12);
}
END_TEST

/* A step has one length: files of other intervals and files with gaps are refused, rounded coordinates and files without are not; only the frames that are used count. */
START_TEST(Intervals)
{
  static const char *const none[] = {NULL};
  double                   half[N_FRAMES], gap[N_FRAMES], rounded[N_FRAMES + 1], falling[N_FRAMES];
  char                     sentence[2 * NOMOS_MAX_PATH];

  for (int k = 0; k < N_FRAMES; k++) {
    half[k]    = 0.025 * k;
    gap[k]     = 0.05 * k + (k > 3 ? 0.25 : 0);
    falling[k] = 0.3 - 0.05 * k;
  }
  for (int k = 0; k <= N_FRAMES; k++) rounded[k] = (float)(100 + 0.05 * k);
  MakeTwo("half", N_FRAMES, half);
  snprintf(sentence, sizeof sentence, "half/b.h5: frames lie 0.025 apart in time, in %.1000s", ck_directory);
  Refused("half", none, sentence);
  Refused("half", none, "half/a.h5 0.05; a step has one length");
  MakeTwo("gap", N_FRAMES, gap);
  Refused("gap", none, "gap/b.h5: frame 3 is at time 0.15 and frame 4 at 0.45, 0.3 later, where the first interval is 0.05");
  ck_close(Interval("gap", (const char *const[]){"data.first_frame=4", NULL}), 0.05, 1e-12);
  MakeTwo("falling", N_FRAMES, falling);
  Refused("falling", none, "falling/b.h5: frame 0 is at time 0.3 and frame 1 at 0.25, and times must rise");
  MakeTwo("rounded", N_FRAMES + 1, rounded); /* one more than there are frames, as in PDEBench */
  ck_close(Interval("rounded", none), 0.05, 1e-12);
  ck_close(Interval("rounded", (const char *const[]){"data.every=2", NULL}), 0.1, 1e-12);
  MakeTwo("untold", 0, NULL);
  ck_close(Interval("untold", none), 0.05, 1e-12);
  Replace(DataPath("untold", "a.h5"), "time", 0, NULL);
  ck_assert(isnan(Interval("untold", none)));
  /* A test set is stepped through like the data. */
  MakeTwo("tested", 0, NULL);
  MakeTwo("half", N_FRAMES, half);
  ck_assert(!rename(DataPath("half", "b.h5"), strcat(strcpy(sentence, ck_directory), "/tested/tests/half.h5")));
  Refused("tested", none, "tests/half.h5: frames of the test set lie 0.025 apart, those of the data 0.05");
}
END_TEST

/* Times that are there once for each trajectory, as a column or under the name t, are times; trajectories with others are refused, and what is called t and is as long as nothing is none. */
START_TEST(TimesOfAll)
{
  static const char *const none[] = {NULL};
  double                   each[N * N_FRAMES], twice[N_FRAMES], other[N + 1] = {0, 1, 5};
  char                     path[NOMOS_MAX_PATH];

  for (int i = 0; i < N * N_FRAMES; i++) each[i] = 0.3 + 0.025 * (i % N_FRAMES) + (i < N_FRAMES ? 0 : 1e-7); /* rounded */
  for (int k = 0; k < N_FRAMES; k++) twice[k] = 0.025 * k;
  MakeDirectory("all");
  snprintf(path, sizeof path, "%s", DataPath("all", "a.h5"));
  for (int k = 0; k < 6; k++) {
    static const char *const names[] = {"time", "time", "t", "t", "t", "time"};
    static const hsize_t     shapes[][2] = {{N, N_FRAMES}, {N_FRAMES, 1}, {N_FRAMES}, {N, N_FRAMES}, {N + 1}, {N, N_FRAMES}};
    WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
    Replace(path, "time", 0, NULL);
    if (k == 5) each[N_FRAMES + 4] += 0.001;
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    WriteArray(file, names[k], shapes[k][1] ? 2 : 1, shapes[k], k == 4 ? other : shapes[k][0] == N ? each : twice);
    H5Fclose(file);
    if (k == 5) Refused("all", none, "all/a.h5: the coordinate time differs between trajectories: time[1, 4] is 0.4010001 and time[0, 4] 0.4; a file has one list of times and one grid for all its trajectories: put those that differ into files of their own");
    else if (k == 4) ck_assert(isnan(Interval("all", none)));
    else ck_close(Interval("all", none), 0.025, 1e-12);
  }
  /* "time" comes before "t". */
  WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  WriteArray(file, "t", 1, (hsize_t[]){N_FRAMES}, twice);
  H5Fclose(file);
  ck_close(Interval("all", none), 0.05, 1e-12);
}
END_TEST

/* Coordinates of space may be a mesh, or there for each trajectory. */
START_TEST(Meshes)
{
  enum { NY = 4 };
  static const char *const none[] = {"fno.modes=1", NULL};
  double                   x[NY * NX], y[NY * NX], each[N * NX];
  NomosConfig              config;
  NomosSurrogate           s;
  char                     path[NOMOS_MAX_PATH];

  for (int i = 0; i < NY * NX; i++) x[i] = 0.5 * (i % NX), y[i] = 3 * (i / NX);
  for (int i = 0; i < N * NX; i++) each[i] = 0.25 * (i % NX) + (i < NX ? 0 : 1);
  MakeDirectory("mesh");
  snprintf(path, sizeof path, "%s", DataPath("mesh", "a.h5"));
  WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .ny = NY, .nx = NX, .n_speeds = 2, .speeds = speeds});
  Replace(path, "x", 0, NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  WriteArray(file, "x", 2, (hsize_t[]){NY, NX}, x);
  WriteArray(file, "y", 2, (hsize_t[]){NY, NX}, y);
  H5Fclose(file);
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "mesh", none, &config, &s));
  const NomosNeuralOperator *no = s->context;
  ck_assert(no->box_known[0] && no->box_known[1]);
  ck_close(no->extent[0], 3 * NY, 1e-12);
  ck_close(no->extent[1], 0.5 * NX, 1e-12);
  EndEmulator(&config, &s);
  WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  Replace(path, "x", 0, NULL);
  file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  WriteArray(file, "x", 2, (hsize_t[]){N, NX}, each);
  H5Fclose(file);
  Refused("mesh", none, "mesh/a.h5: the coordinate x differs between trajectories: x[1, 0] is 1 and x[0, 0] 0");
}
END_TEST

/* 16 points are every fifth of 16 only with a last gap of one: refused where the grid is periodic, and not where it is said not to be. */
START_TEST(Thinned)
{
  MakeDirectory("thin");
  WriteWaves(DataPath("thin", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  Refused("thin", (const char *const[]){"data.space_every=5", "fno.modes=1", NULL}, "data.space_every = 5 does not divide the 16 points along x of");
  ck_close(Interval("thin", (const char *const[]){"data.space_every=5", "fno.modes=1", "neural_operator.periodic=false", NULL}), 0.05, 1e-12);
  ck_close(Interval("thin", (const char *const[]){"data.space_every=2", NULL}), 0.05, 1e-12);
}
END_TEST

/* With the data's boundary as an attribute, as sweeps write it. */
static void Say(const char path[], const char name[], const char boundary[])
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(boundary) + 1);
  hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Awrite(attribute, type, boundary) >= 0);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Fclose(file);
}

static void SayBoundary(const char path[], const char boundary[])
{
  Say(path, "boundary_x", boundary);
}

/* A training that corrects a solver of advection, whose grid is `grid`, with `set` laid over its case, is refused by a sentence, or taken (NULL). */
static void Correct(const char directory[], const char grid[], const char periodic[], const char set[], const char sentence[])
{
  char              yaml[NOMOS_MAX_PATH], solver[NOMOS_MAX_PATH + 64], over[256], given[64];
  const char *const settings[] = {"neural_operator.base=solver", "neural_operator.form=increment", "neural_operator.parameters=[advection.beta]", solver, over, given, NULL};

  snprintf(yaml, sizeof yaml, "%.2000s/solver.yaml", ck_directory);
  FILE *file = fopen(yaml, "w");
  fprintf(file, "case: {units: nondimensional}\nsolver: grid_pde\ngrid_pde: {family: advection, nx: 16%s}\nadvection: {beta: 1}\ntime: {dt: 0.05, stop: 1}\n", grid);
  fclose(file);
  snprintf(solver, sizeof solver, "neural_operator.solver.case=%s", yaml);
  snprintf(over, sizeof over, "neural_operator.solver.set=[%s]", set);
  snprintf(given, sizeof given, "neural_operator.periodic=%s", periodic);
  if (sentence) Refused(directory, settings, sentence);
  else ck_close(Interval(directory, settings), 0.05, 1e-12);
}

/* The solver that is corrected steps on the domain of the data: another length, begin or boundary is told, what differs by the rounding of coordinates is not. */
START_TEST(Domains)
{
  static const struct {
    const char *set, *sentence;
  } tries[] = {
    {"",                                           NULL                                                                                                     },
    {"\"grid_pde.lx=1.0001\"",                      NULL                                                                                                     },
    {"\"grid_pde.lx=2\"",                           "the domain of grid_pde is 2 long along x, that of the data 1; set its length"                            },
    {"\"grid_pde.origin=[0.25]\"",                  "the domain of grid_pde begins at x = 0.25, that of the data at 0; set its origin"                        },
    {"\"grid_pde.boundary_x=outflow\"",             "the solver has grid_pde.boundary_x = outflow, the data have boundary_x = periodic ("     },
    {"\"grid_pde.nx=8\"",                           "its field u has 8 points, that of the data 16"                                                           },
  };
  MakeDirectory("domain");
  WriteWaves(DataPath("domain", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  SayBoundary(DataPath("domain", "a.h5"), "periodic");
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) Correct("domain", "", "yes", tries[i].set, tries[i].sentence);
}
END_TEST

/* And with the ends of the data, both of them, and their values. */
START_TEST(Ends)
{
  static const struct {
    const char *set, *sentence;
  } tries[] = {
    {"\"grid_pde.boundary_x_high=outflow\",\"grid_pde.value_low=[0.5]\"",                                  NULL                                                                                                                },
    {"\"grid_pde.value_low=[0.5]\"",                                                                         "the solver has grid_pde.boundary_x_high = same, the data have boundary_x_high = outflow"                           },
    {"\"grid_pde.boundary_x_high=outflow\"",                                                                 "the solver has grid_pde.value_low = , the data have value_low = [0.5]"                                             },
    {"\"grid_pde.boundary_x=outflow\",\"grid_pde.boundary_x_high=outflow\"",                              "the solver has grid_pde.boundary_x = outflow, the data have boundary_x = value"                                    },
  };
  char path[NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%s", DataPath(MakeDirectory("ends"), "a.h5"));
  WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  Say(path, "boundary_x", "value");
  Say(path, "boundary_x_high", "outflow");
  Say(path, "value_low", "[0.5]");
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) Correct("ends", ", boundary_x: value", "no", tries[i].set, tries[i].sentence);
}
END_TEST

/* So do all files of the data, and those of test sets. */
START_TEST(OneDomain)
{
  static const char *const places[] = {"b.h5", "tests/far.h5"};
  static const char *const none[] = {NULL}, *const given[] = {"neural_operator.periodic=yes", NULL};
  double                   x[NX];

  for (int i = 0; i < NX; i++) x[i] = 10 * (i + 0.5) / NX;
  for (int k = 0; k < 2; k++) {
    char        directory[16], path[NOMOS_MAX_PATH];
    snprintf(directory, sizeof directory, "one_%d", k);
    MakeDirectory(directory);
    WriteWaves(DataPath(directory, "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
    snprintf(path, sizeof path, "%s", DataPath(directory, places[k]));
    WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
    ck_close(Interval(directory, none), 0.05, 1e-12);
    SayBoundary(path, "outflow");
    Refused(directory, none, "has boundary_x = outflow, and neural_operator.periodic is yes unless it is given");
    ck_close(Interval(directory, given), 0.05, 1e-12); /* the data do not say theirs */
    SayBoundary(DataPath(directory, "a.h5"), "periodic");
    Refused(directory, given, "has boundary_x = outflow, the data periodic, and a network knows one kind of boundary");
    WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
    Replace(path, "x", NX, x);
    Refused(directory, none, "h5: the domain reaches from 0 to 10 along x, that of the data from 0 to 1");
  }
}
END_TEST

/* A network counts points: their coordinates rise by equal steps, in the data and in test sets; rounded to float32 they do. */
START_TEST(EvenPoints)
{
  enum { MANY = 256 };
  static const char *const places[] = {"b.h5", "tests/far.h5"}, *const none[] = {NULL};
  double                   stretched[NX], falling[NX], rounded[MANY];

  for (int i = 0; i < NX; i++) {
    stretched[i] = 0.5 * (1 - cos(M_PI * (i + 0.5) / NX)); /* Chebyshev's */
    falling[i]   = 1 - (i + 0.5) / NX;
  }
  for (int i = 0; i < MANY; i++) rounded[i] = (float)(-1 + (2 * i + 1) / (double)MANY);
  for (int k = 0; k < 2; k++) {
    char directory[16], path[NOMOS_MAX_PATH], sentence[64];
    snprintf(directory, sizeof directory, "even_%d", k);
    MakeDirectory(directory);
    WriteWaves(DataPath(directory, "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
    snprintf(path, sizeof path, "%s", DataPath(directory, places[k]));
    WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
    ck_close(Interval(directory, none), 0.05, 1e-12);
    Replace(path, "x", NX, stretched);
    snprintf(sentence, sizeof sentence, "%s: x[1] = %.8g and x[2] = %.8g", places[k], stretched[1], stretched[2]);
    Refused(directory, none, sentence);
    Refused(directory, none, "an emulator's grid has rising points that are equally far apart");
    Replace(path, "x", NX, falling);
    Refused(directory, none, "h5: x[0] = 0.96875 and x[1] = 0.90625");
    Replace(path, "x", 0, NULL);
    ck_close(Interval(directory, none), 0.05, 1e-12); /* it does not say any */
  }
  MakeDirectory("even_float");
  WriteWaves(DataPath("even_float", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = MANY, .n_speeds = 2, .speeds = speeds});
  Replace(DataPath("even_float", "a.h5"), "x", MANY, rounded);
  NomosConfig    config;
  NomosSurrogate s;
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "even_float", none, &config, &s));
  const NomosNeuralOperator *no = s->context;
  ck_close(no->start[0], -1, 1e-7);
  ck_close(no->extent[0], 2, 1e-7);
  EndEmulator(&config, &s);
}
END_TEST

/* Times in float32, as PDEBench has them: whatever frame the data begin at, the interval is that of the solver to what its rounding allows. */
START_TEST(RoundedTimes)
{
  double      rounded[N_FRAMES];
  char        yaml[NOMOS_MAX_PATH], solver[NOMOS_MAX_PATH + 64], first[32];

  for (int k = 0; k < N_FRAMES; k++) rounded[k] = (float)(1.28 + 0.01 * k);
  MakeDirectory("float");
  WriteWaves(DataPath("float", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  Replace(DataPath("float", "a.h5"), "time", N_FRAMES, rounded);
  snprintf(yaml, sizeof yaml, "%.2000s/float.yaml", ck_directory);
  FILE *file = fopen(yaml, "w");
  fputs("case: {units: nondimensional}\nsolver: grid_pde\ngrid_pde: {family: advection, nx: 16}\nadvection: {beta: 1}\ntime: {dt: 0.01, stop: 1}\n", file);
  fclose(file);
  snprintf(solver, sizeof solver, "neural_operator.solver.case=%s", yaml);
  for (int k = 0; k + 1 < N_FRAMES; k++) {
    snprintf(first, sizeof first, "data.first_frame=%d", k);
    ck_close(Interval("float", (const char *const[]){"neural_operator.base=solver", "neural_operator.form=increment", "neural_operator.parameters=[advection.beta]", solver, first, NULL}), (rounded[N_FRAMES - 1] - rounded[k]) / (N_FRAMES - 1 - k), 1e-12);
  }
}
END_TEST

/* ---- axes */

/* A file with u over n_dims axes of these lengths, which have names where `dims` has them, and coordinates (name and length) beside it. */
typedef struct {
  int     n_dims;
  hsize_t shape[4];
  struct {
    const char *name;
    hsize_t     n;
  } coordinates[4];
  const char *dims[4];
} AxisData;

static void WriteAxes(const char path[], const AxisData *d)
{
  double numbers[1024], u[4096];

  for (size_t i = 0; i < 1024; i++) numbers[i] = 0.05 * ((double)i + 0.5);
  for (size_t i = 0; i < 4096; i++) u[i] = 1 + sin((double)i);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  for (int i = 0; i < 4 && d->coordinates[i].name; i++) WriteArray(file, d->coordinates[i].name, 1, &d->coordinates[i].n, numbers);
  WriteArray(file, "u", d->n_dims, d->shape, u);
  hid_t set = H5Dopen2(file, "u", H5P_DEFAULT);
  for (int i = 0; i < d->n_dims && d->dims[i]; i++) {
    if (H5Lexists(file, d->dims[i], H5P_DEFAULT) <= 0) WriteArray(file, d->dims[i], 1, &d->shape[i], numbers);
    hid_t scale = H5Dopen2(file, d->dims[i], H5P_DEFAULT);
    ck_assert(H5DSis_scale(scale) > 0 || H5DSset_scale(scale, d->dims[i]) >= 0);
    ck_assert(H5DSattach_scale(set, scale, (unsigned)i) >= 0);
    H5Dclose(scale);
  }
  H5Dclose(set);
  H5Fclose(file);
}

/* Data whose axes are told to lie in another order than they are read in are refused, not learned from; whoever names none and has no coordinate is believed. */
START_TEST(Axes)
{
  static const struct {
    AxisData    data;
    const char *sentence; /* NULL: taken */
  } tries[] = {
    {{3, {6, 10, 14}, .dims = {"t", "lat", "lon"}},                                                          "a.h5: the axes of u are called [t, lat, lon], and it would be taken for [trajectory, time, x]"},
    {{4, {2, 6, 10, 14}, .dims = {"ensemble", "t", "lat", "lon"}},                                           "called [ensemble, t, lat, lon], and it would be taken for [trajectory, time, y, x]"            },
    {{4, {2, 6, 10, 14}, .dims = {"trajectory", "time", "x", "y"}},                                          "called [trajectory, time, x, y], and it would be taken for [trajectory, time, y, x]"           },
    {{3, {6, 10, 14}, .dims = {"time", "x", "y"}},                                                           "called [time, x, y], and it would be taken for [time, y, x]"                                   },
    {{3, {6, 2, 14}, .dims = {"time", "trajectory", "x"}},                                                   "called [time, trajectory, x], and it would be taken for [time, y, x]"                          },
    {{3, {6, 10, 14}, .dims = {"time", "y", "x"}},                                                           NULL                                                                                            },
    {{4, {2, 6, 10, 14}, .dims = {"trajectory", "time", "y", "x"}},                                          NULL                                                                                            },
    {{4, {2, 6, 10, 14}, .dims = {"ensemble", "time", "lat", "lon"}},                                        NULL                                                                                            },
    {{3, {6, 10, 14}, .coordinates = {{"time", 6}, {"y", 10}, {"x", 14}}},                                                  "a.h5: u has as many entries as time, y and x, as of one run, and it would be taken for [trajectory, time, x]"},
    {{3, {10, 10, 14}, .coordinates = {{"time", 10}, {"y", 10}, {"x", 14}}},                                                "as many entries as time, y and x"                                                              },
    {{3, {6, 10, 14}, .coordinates = {{"time", 6}, {"x", 14}}},                                                             "a.h5: time has 6 entries, and u 10 frames on its axis 2"                                       },
    {{3, {6, 10, 14}, .coordinates = {{"t-coordinate", 12}, {"x", 14}}},                                                    "t-coordinate has 12 entries, and u 10 frames on its axis 2"                                    },
    {{3, {6, 10, 14}, .coordinates = {{"time", 11}, {"x", 14}}},                                                            NULL                                                                                            },
    {{3, {6, 10, 14}, .coordinates = {{"time", 10}, {"x", 14}}},                                                            NULL                                                                                            },
    {{.n_dims = 3, .shape = {6, 10, 14}},                                                                                       NULL                                                                                            },
    {{4, {2, 6, 10, 14}, .coordinates = {{"y", 14}, {"x", 10}}},                                                            "a.h5: y has 14 entries, and the fields have 10 points along y"                                 },
    {{4, {2, 6, 10, 14}, .coordinates = {{"x", 10}}},                                                                       "x has 10 entries, and the fields have 14 points along x"                                       },
    {{4, {2, 6, 10, 14}, .coordinates = {{"y", 10}, {"x", 14}}},                                                            NULL                                                                                            },
  };
  static const char *const settings[] = {"fno.modes=1", NULL}, *const thinned[] = {"fno.modes=1", "data.space_every=2", NULL};

  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    MakeDirectory("axes");
    WriteAxes(DataPath("axes", "a.h5"), &tries[i].data);
    if (tries[i].sentence) Refused("axes", settings, tries[i].sentence);
    else (void)Interval("axes", settings);
  }
  (void)Interval("axes", thinned);
}
END_TEST

/* Another end on the high side is one too; and so are the walls that a file of The Well has in its groups. */
START_TEST(OtherEnds)
{
  static const char *const none[] = {NULL}, *const given[] = {"neural_operator.periodic=no", NULL};
  char                     path[NOMOS_MAX_PATH], well[NOMOS_MAX_PATH], *words[] = {"nomos", "export", path, "--format", "well", "-o", well, "-q", "--force", NULL};

  MakeDirectory("high");
  snprintf(path, sizeof path, "%s", DataPath("high", "a.h5"));
  WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  Say(path, "boundary_x_high", "outflow");
  Say(path, "boundary_x", "wall");
  Refused("high", none, "has boundary_x = wall, and neural_operator.periodic is yes unless it is given");
  ck_close(Interval("high", given), 0.05, 1e-12);
  WriteWaves(DataPath("high", "b.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  Say(DataPath("high", "b.h5"), "boundary_x", "wall");
  Refused("high", given, "high/b.h5 has boundary_x_high = wall, the data outflow, and a network knows one kind of boundary");

  for (int walls = 0; walls < 2; walls++) {
    MakeDirectory("well");
    snprintf(path, sizeof path, "%s", DataPath("named", "a.h5"));
    MakeDirectory("named");
    WriteAxes(path, &(AxisData){3, {2, 6, 16}, .dims = {"trajectory", "time", "x"}});
    if (walls) SayBoundary(path, "no_flux");
    snprintf(well, sizeof well, "%s", DataPath("well", "a.hdf5"));
    ck_assert_int_eq(NomosProgramMain(9, words, nomos_solvers, nomos_surrogates), 0);
    hid_t file = H5Fopen(well, H5F_ACC_RDWR, H5P_DEFAULT); /* as others write it */
    ck_assert(!walls || H5Adelete(file, "boundary_x") >= 0);
    H5Fclose(file);
    if (walls) Refused("well", none, "well/a.hdf5 has boundary_x = wall, and neural_operator.periodic is yes unless it is given");
    ck_close(Interval("well", walls ? given : none), 0.05, 1e-6);
  }
}
END_TEST

/* ---- what is told before a training */

typedef struct {
  int  n;
  char text[4][1024];
} Told;

static PetscErrorCode Tell(const char sentence[], void *ctx)
{
  Told *told = ctx;
  if (told->n < 4) snprintf(told->text[told->n++], sizeof told->text[0], "%s", sentence);
  return PETSC_SUCCESS;
}

/* Of data in `directory`: one line, and n warnings, of which the first says this. */
static void Looked(const char directory[], const char *const settings[], const char line[], int n, const char warning[])
{
  NomosConfig    config;
  NomosSurrogate s;
  Told           told = {0};
  char           text[1024];

  ck_ok(CreateEmulator(PETSC_COMM_SELF, directory, settings, &config, &s));
  ck_ok(s->ops->look(s, Tell, &told, sizeof text, text));
  ck_assert_msg(strstr(text, line), "'%s' does not say '%s'", text, line);
  ck_assert_msg(told.n == n && (!n || strstr(told.text[0], warning)), "%d warnings, the first: '%s', not %d: '%s'", told.n, told.text[0], n, warning);
  EndEmulator(&config, &s);
}

/* What the data were taken for: coordinates that are not there are counted, and that is said. */
START_TEST(TakenFor)
{
  static const AxisData known   = {4, {2, 6, 10, 14}, .coordinates = {{"time", 6}, {"y", 10}, {"x", 14}}}, unknown = {4, {2, 6, 10, 14}, .coordinates = {{"when", 6}, {"lat", 10}, {"lon", 14}}}, short_name = {4, {2, 6, 10, 14}, .coordinates = {{"t", 6}}};
  static const char *const none[] = {"fno.modes=1", NULL}, *const thinned[] = {"fno.modes=1", "data.every=2", "data.space_every=2", "neural_operator.periodic=no", NULL};

  MakeDirectory("taken");
  WriteAxes(DataPath("taken", "a.h5"), &known);
  Looked("taken", none, "2 trajectories of 6 frames 0.05 apart on 14 x 10 points, x from 0 to 0.7, y from 0 to 0.5, periodic; the network is told no parameter", 0, NULL);
  Looked("taken", thinned, "2 trajectories of 3 frames 0.1 apart on 7 x 5 points, x from 0 to 0.7, y from 0 to 0.5, not periodic", 0, NULL);
  WriteAxes(DataPath("taken", "a.h5"), &unknown);
  Looked("taken", none, "6 frames, which are counted (no time in the files) on 14 x 10 points, x from 0 to 1 (no x in the files), y from 0 to 1 (no y in the files), periodic", 0, NULL);
  WriteAxes(DataPath("taken", "a.h5"), &short_name);
  Looked("taken", none, "6 frames 0.05 apart on 14 x 10 points", 0, NULL);
  /* Half a spacing before the first point is 3e-17, but for rounding. */
  double x[NX];
  for (int j = 0; j < NX; j++) x[j] = 0.3 * (j + 0.5);
  MakeDirectory("rounding");
  WriteWaves(DataPath("rounding", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 1, .speeds = speeds});
  Replace(DataPath("rounding", "a.h5"), "x", NX, x);
  Looked("rounding", (const char *const[]){NULL}, ", x from 0 to 4.8, periodic", 0, NULL);
}
END_TEST

/* A periodic axis with both of its ends: told where every field repeats there and is no symmetric state. */
START_TEST(BothEnds)
{
  static const char *const none[] = {"neural_operator.parameters=[beta]", NULL}, *const open[] = {"neural_operator.parameters=[beta]", "neural_operator.periodic=no", NULL}, warning[] = "the last point along x repeats the first one";
  static double            u[N][N_FRAMES][NX];

  for (int k = 0; k < 3; k++) { /* both ends; one of them; both, of a symmetric state */
    MakeDirectory("ends_twice");
    WriteWaves(DataPath("ends_twice", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
    for (int i = 0; i < N; i++)
      for (int f = 0; f < N_FRAMES; f++)
        for (int j = 0; j < NX; j++) {
          const double x = 2 * M_PI * (k == 2 ? j + 0.5 : j) / (k ? NX : NX - 1);
          u[i][f][j] = k == 2 ? 2 + cos(x) : 2 + sin(x + i + 0.1 * f);
        }
    hid_t file = H5Fopen(DataPath("ends_twice", "a.h5"), H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "u", H5P_DEFAULT);
    ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, u) >= 0);
    H5Dclose(set);
    H5Fclose(file);
    Looked("ends_twice", none, "periodic", !k, warning);
    Looked("ends_twice", open, "not periodic", 0, NULL);
  }
}
END_TEST

/* A number of a file, as an attribute. */
static void SayNumber(const char path[], const char name[], double value)
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), space = H5Screate(H5S_SCALAR), attribute = H5Acreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Fclose(file);
}

/* Parameters that differ and that the network is not told are named, and so is one that it is told and that is the same everywhere. */
START_TEST(Blind)
{
  static const char *const none[] = {NULL}, *const told[] = {"neural_operator.parameters=[advection.beta]", NULL}, *const constant[] = {"neural_operator.parameters=[gamma]", NULL}, *const channels[] = {"neural_operator.conditioning=channels", NULL}, *const by_file[] = {"neural_operator.parameters=[nu]", NULL};

  MakeDirectory("blind");
  for (int i = 0; i < 2; i++) {
    const char *path = DataPath("blind", i ? "b.h5" : "a.h5");
    WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds, .phase = i});
    SayNumber(path, "gamma", 1.4);
    SayNumber(path, "first_seed", i);
  }
  Looked("blind", none, "told no parameter, and not beta from 0.5 to 1", 1, "of the data these differ between trajectories: beta from 0.5 to 1; it learns a mean over them, unless neural_operator.parameters: [beta]");
  Looked("blind", told, "told advection.beta from 0.5 to 1", 0, NULL);
  Looked("blind", constant, "told gamma from 1.4 to 1.4, and not beta from 0.5 to 1", 1, "gamma is 1.4 in every trajectory of the training");
  Refused("blind", channels, "neural_operator.conditioning = channels, and neural_operator.parameters names none; of the data these differ between trajectories: beta from 0.5 to 1; say neural_operator.parameters: [beta]");
  for (int i = 0; i < 2; i++) { /* PDEBench's way: a viscosity a file */
    const char *path = DataPath("blind", i ? "b.h5" : "a.h5");
    WriteWaves(path, &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds, .phase = i, .no_speed = true});
    SayNumber(path, "nu", i ? 0.02 : 0.4);
  }
  Looked("blind", none, "and not nu from 0.02 to 0.4", 1, "nu from 0.02 to 0.4");
  Looked("blind", by_file, "told nu from 0.02 to 0.4", 0, NULL);
}
END_TEST

/* ---- fields without time */

static double U(size_t i, size_t k, size_t y, size_t x)
{
  return 1 + (double)i + 0.25 * (double)k + sin(0.3 * (double)y + 0.7 * (double)x);
}

/* A field that has no time is there in every frame, whatever is thinned; and where there is one frame, as of PDEBench's Darcy flow, it is led to from zero. */
START_TEST(Steady)
{
  enum { NY = 8 };
  static const struct {
    size_t      n_frames, first, every, thin; /* what is read; of n_frames of the file */
    const char *settings[5];
  } tries[] = {
    {1, 0, 1, 1, {"neural_operator.fields=[coefficient, u]"}},
    {1, 0, 1, 2, {"neural_operator.fields=[coefficient, u]", "data.space_every=2"}},
    {6, 0, 1, 1, {"neural_operator.fields=[coefficient, u]"}},
    {6, 1, 2, 2, {"neural_operator.fields=[coefficient, u]", "data.space_every=2", "data.first_frame=1", "data.every=2"}},
  };
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const size_t      n_frames = tries[i].n_frames, thin = tries[i].thin, read = n_frames == 1 ? 2 : (n_frames - tries[i].first + tries[i].every - 1) / tries[i].every, points = NY * NX / (thin * thin), examples[N] = {0, 1};
    double            u[N * 6 * NX * NY], a[N * NX * NY], x[NX], y[NY];
    const char       *settings[9] = {"neural_operator.normalise=none", "fno.modes=2", "neural_operator.periodic=no"};
    NomosConfig       config;
    NomosSurrogate    s;
    NomosTrajectories t;
    for (size_t n = 0; n < N; n++)
      for (size_t at = 0; at < NX * NY; at++) { /* x leads there */
        a[n * NX * NY + at] = 2 + U(n, 0, at / NY, at % NY);
        for (size_t k = 0; k < n_frames; k++) u[(n * n_frames + k) * NX * NY + at] = U(n, k, at % NY, at / NY);
      }
    for (size_t k = 0; k < NX; k++) x[k] = (double)k / NX;
    for (size_t k = 0; k < NY; k++) y[k] = (double)k / NY;
    MakeDirectory("steady");
    hid_t file = H5Fcreate(DataPath("steady", "a.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    WriteArray(file, "tensor", 4, (hsize_t[]){N, n_frames, NX, NY}, u);
    WriteArray(file, "nu", 3, (hsize_t[]){N, NX, NY}, a);
    WriteArray(file, "x-coordinate", 1, (hsize_t[]){NX}, x);
    WriteArray(file, "y-coordinate", 1, (hsize_t[]){NY}, y);
    H5Fclose(file);
    for (size_t k = 0; k < 5 && tries[i].settings[k]; k++) settings[3 + k] = tries[i].settings[k];
    ck_ok(CreateEmulator(PETSC_COMM_SELF, "steady", settings, &config, &s));
    ck_assert_int_eq(((NomosNeuralOperator *)s->context)->n_points, points);
    ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = NOMOS_SPLIT_TRAIN, .n = N, .examples = examples}, &t));
    ck_assert_int_eq(t.n_frames, read);
    for (size_t k = 0; k < read; k++)
      for (size_t n = 0; n < N; n++)
        for (size_t at = 0; at < points; at++) {
          const size_t  iy = at / (NX / thin) * thin, ix = at % (NX / thin) * thin;
          const double *state = t.states + (k * N + n) * 2 * points;
          ck_assert_double_eq(state[at], 2 + U(n, 0, ix, iy));
          ck_assert_double_eq(state[points + at], n_frames > 1 ? U(n, tries[i].first + k * tries[i].every, iy, ix) : k ? U(n, 0, iy, ix) : 0);
        }
    ck_ok(NomosTrajectoriesFree(&t));
    EndEmulator(&config, &s);
  }
}
END_TEST

/* ---- norms */

/* Zeros in place of one frame of a trajectory, or of all of them. */
static void Silence(const char path[], size_t trajectory, size_t first, size_t last)
{
  static double u[N][N_FRAMES][NX];
  hid_t         file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "u", H5P_DEFAULT);
  ck_assert(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, u) >= 0);
  memset(u[trajectory][first], 0, (last - first + 1) * sizeof u[0][0]);
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, u) >= 0);
  H5Dclose(set);
  H5Fclose(file);
}

/* A loss relative to a norm of zero is infinite: which frame it is is told before the training. The first frame is only begun at, and a field beside it makes the norm. */
START_TEST(Norms)
{
  static const struct {
    size_t      trajectory, first, last;
    const char *setting, *sentence;
  } tries[] = {
    {1, 0, 6, "data.first_frame=0",                 "a.h5: u is zero everywhere in frame 1 of trajectory 1 (through all files), and the loss is relative to its norm"},
    {0, 4, 4, "data.first_frame=0",                 "frame 4 of trajectory 0"                                                                                 },
    {0, 4, 4, "data.every=2",                       "frame 4 of trajectory 0"                                                                                 },
    {0, 4, 4, "neural_operator.frames=3",           "frame 4 of trajectory 0"                                                                                 },
    {0, 4, 4, "data.first_frame=4",                 NULL                                                                                                      },
    {0, 4, 4, "data.every=3",                       NULL                                                                                                      },
    {0, 0, 6, "neural_operator.fields=[u, w]",      NULL                                                                                                      },
    {0, 4, 4, "neural_operator.normalise=channels", "frame 4 of trajectory 0"                                                                                 },
  };
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const char *const settings[] = {tries[i].setting, NULL};
    MakeDirectory("norms");
    WriteWaves(DataPath("norms", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds, .two_fields = true});
    Silence(DataPath("norms", "a.h5"), tries[i].trajectory, tries[i].first, tries[i].last);
    if (tries[i].sentence) Refused("norms", settings, tries[i].sentence);
    else (void)Interval("norms", settings);
  }
}
END_TEST

/* Of every frame from `first` on u times a factor. */
static void Scale(const char path[], size_t first, double factor)
{
  static double u[N][N_FRAMES][NX];
  hid_t         file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "u", H5P_DEFAULT);
  ck_assert(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, u) >= 0);
  for (size_t i = 0; i < N; i++)
    for (size_t k = first; k < N_FRAMES; k++)
      for (size_t j = 0; j < NX; j++) u[i][k][j] *= factor;
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, u) >= 0);
  H5Dclose(set);
  H5Fclose(file);
}

/* Fields whose squares the precision cannot hold are refused for what they are, and those of other sizes than one are warned of; in units of their deviation they are as good as any. */
START_TEST(Sizes)
{
  static const struct {
    double      factor;
    const char *settings[3], *refused;
    int         n_told;
  } tries[] = {
    {1,     {"train.precision=float32"},                                         NULL,                                                                                                         0},
    {1e-21, {"train.precision=float32"},                                         "its squares are too small for float32, and the loss is relative to its norm; say neural_operator.normalise: channels", 0},
    {1e19,  {"train.precision=float32"},                                         "the squares of such a field, of which the loss is made, are too large for float32; say neural_operator.normalise: channels", 0},
    {1e-21, {"train.precision=float32", "neural_operator.normalise=channels"},   NULL,                                                                                                         0},
    {1e19,  {"train.precision=float32", "neural_operator.normalise=channels"},   NULL,                                                                                                         0},
    {1e-21, {"train.precision=float64"},                                         NULL,                                                                                                         1},
    {1e19,  {"train.precision=float64"},                                         NULL,                                                                                                         1},
    {1e-9,  {"train.precision=float32"},                                         NULL,                                                                                                         1},
    {1e-3,  {"neural_operator.fields=[u, w]"},                                   NULL,                                                                                                         1}, /* w is 100 and more */
    {0.1,   {"neural_operator.fields=[u, w]"},                                   NULL,                                                                                                         1},
    {1,     {"neural_operator.fields=[u, w]"},                                   NULL,                                                                                                         0},
  };
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const char *const settings[] = {"neural_operator.parameters=[beta]", tries[i].settings[0], tries[i].settings[1], NULL};
    MakeDirectory("sizes");
    WriteWaves(DataPath("sizes", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds, .two_fields = true});
    Scale(DataPath("sizes", "a.h5"), 0, tries[i].factor);
    if (tries[i].refused) Refused("sizes", settings, tries[i].refused);
    else Looked("sizes", settings, "2 trajectories", tries[i].n_told, "say neural_operator.normalise: channels");
  }
}
END_TEST

/* ---- copies */

/* What the data set says of two files, each half of the trajectories of the training, one of validation and of test. */
static int Copied(Told *told)
{
  static const char *const settings[] = {"neural_operator.parameters=[beta]", "data.validation=0.25", "data.test=0.25", NULL};
  NomosConfig              config;
  NomosSurrogate           s;

  *told = (Told){0};
  ck_ok(CreateEmulator(PETSC_COMM_SELF, "copies", settings, &config, &s));
  ck_ok(NomosDatasetWarn(s->data, Tell, told));
  ck_ok(NomosDatasetWarnBeginnings(s->data, Tell, told));
  EndEmulator(&config, &s);
  return told->n;
}

/* The same trajectory in two splits, or in a test set and the training, is told. Equal initial states are no copies where a parameter or what follows differs, and are told as what they are. */
START_TEST(CopiesOfTrajectories)
{
  static const double      others[] = {2, 3};
  static const char *const all[] = {"neural_operator.parameters=[beta]", NULL};
  const WaveData           waves = {.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds};
  WaveData                 other = waves;
  Told                     told;
  char                     path[NOMOS_MAX_PATH];

  MakeDirectory("copies");
  WriteWaves(DataPath("copies", "a.h5"), &waves);
  snprintf(path, sizeof path, "%s", DataPath("copies", "b.h5"));
  WriteWaves(path, &waves);
  ck_assert_int_eq(Copied(&told), 1);
  ck_assert_msg(strstr(told.text[0], "of validation and test") && strstr(told.text[0], "in another split too (the same parameters, first and last frame): trajectory "), "%s", told.text[0]);
  ck_assert(strstr(told.text[0], "copies/a.h5") && strstr(told.text[0], "copies/b.h5"));
  Scale(path, N_FRAMES - 1, 1.5); /* a chance on the way */
  for (int way = 0; way < 3; way++) {
    if (way) WriteWaves(path, way == 1 ? &waves : &other);
    if (way == 1) Replace(path, "beta", N, others);
    ck_assert_int_eq(Copied(&told), 1);
    ck_assert_msg(strstr(told.text[0], "of another split do") && strstr(told.text[0], "(the same first frame, with other parameters or another end): trajectory "), "%s", told.text[0]);
    other.speeds = others;
  }
  other.phase = 1;
  WriteWaves(path, &other);
  ck_assert_int_eq(Copied(&told), 0);

  Looked("copies", all, "4 trajectories", 0, NULL);
  WriteWaves(DataPath("copies", "tests/seen.h5"), &other);
  Looked("copies", all, "4 trajectories", 1, "2 trajectories of the test set seen are in another split too (the same parameters, first and last frame): trajectory 0 of ");
  other.speeds = speeds;
  WriteWaves(DataPath("copies", "tests/seen.h5"), &other);
  Looked("copies", all, "4 trajectories", 1, "2 trajectories of the test set seen begin as ones of another split do (the same first frame");
  other.phase = 2;
  WriteWaves(DataPath("copies", "tests/seen.h5"), &other);
  Looked("copies", all, "4 trajectories", 0, NULL);
}
END_TEST

/* ---- the case */

/* What is named twice is one variable, and an error that does not depend on the weights chooses none; an axis of one point has no waves. */
START_TEST(Named)
{
  static const struct {
    const char *setting, *sentence;
  } tries[] = {
    {"neural_operator.fields=[u, u]",                        "neural_operator.fields names u twice; name it once"},
    {"neural_operator.parameters=[beta, beta]",              "neural_operator.parameters names beta twice; name it once"},
    {"neural_operator.parameters=[beta, advection.beta]",    "neural_operator.parameters names beta twice; name it once"},
    {"neural_operator.parameters=[u]",                       "neural_operator.parameters names u, which neural_operator.fields names too"},
    {"train.monitor=persistence_nrmse",                      "train.monitor = persistence_nrmse: this error is not of the network"},
    {"train.monitor=nrmse",                                  NULL},
  };
  MakeDirectory("named");
  WriteWaves(DataPath("named", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = speeds});
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const char *const settings[] = {tries[i].setting, NULL};
    if (tries[i].sentence) Refused("named", settings, tries[i].sentence);
    else (void)Interval("named", settings);
  }
  WriteWaves(DataPath("named", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .ny = 1, .nx = NX, .n_speeds = 2, .speeds = speeds});
  Refused("named", (const char *const[]){NULL}, "y has one point, and no Fourier modes: leave that axis out of the data");
}
END_TEST

/* ---- logarithms */

/* A parameter that is not positive has no logarithm: told where it would have been taken, by default too, and only there. */
START_TEST(Logarithms)
{
  static const struct {
    double      low;
    const char *setting, *told;
  } tries[] = {
    {0,   "channels.scale=log",    "channels.scale = log is linear for advection.beta, which is 0 in a trajectory of the training"},
    {0,   "channels.scale=linear", ""                                                                                             },
    {0,   "channels.margin=0",     "channels.scale = log is linear for advection.beta, which is 0 in a trajectory of the training"},
    {-1,  "channels.margin=0",     "channels.scale = log is linear for advection.beta, which is -1 in a trajectory of the training"},
    {0.5, "channels.margin=0",     ""                                                                                             },
    {0.5, "channels.scale=log",    ""                                                                                             },
  };
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const double   values[] = {tries[i].low, 1};
    NomosConfig    config;
    NomosSurrogate s;
    char           text[1024];
    MakeDirectory("zero");
    WriteWaves(DataPath("zero", "a.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 2, .speeds = values});
    ck_ok(CreateEmulator(PETSC_COMM_SELF, "zero", (const char *const[]){"neural_operator.parameters=[advection.beta]", tries[i].setting, NULL}, &config, &s));
    ck_ok(s->ops->describe(s, sizeof text, text));
    ck_assert_msg(tries[i].told[0] ? strstr(text, tries[i].told) != NULL : !text[0], "%s: %s", tries[i].setting, text);
    EndEmulator(&config, &s);
  }
}
END_TEST

NOMOS_TEST_SUITE("emulator_data", Units, Lengths, Intervals, TimesOfAll, Meshes, Thinned, Domains, Ends, OneDomain, OtherEnds, EvenPoints, Axes, TakenFor, BothEnds, Blind, Steady, RoundedTimes, Norms, Sizes, CopiesOfTrajectories, Named, Logarithms)
