/* Data of particles: what is read is what was written, in every layout; splits are of trajectories; statistics are pooled over all numbers; what is wrong is said with its place; ranks and caches change no bit. */
#include "harness.h"

#include "io/particle_file.h"
#include "surrogates/reduced_order_graph/particle_data.h"

#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N_TRAJECTORIES = 10, N_FRAMES = 6, MOST = 9 };

static int  rank;
static char path[NOMOS_MAX_PATH + 256];

static const char *Path(const char name[])
{
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

static size_t Particles(size_t trajectory)
{
  return 4 + trajectory % 6;
}

/* Exact in 32 bits; faster in later trajectories. */
static double Position(size_t trajectory, size_t frame, size_t particle, int axis)
{
  const double k = (double)frame;
  return 0.125 * (double)trajectory + 0.25 * (double)particle + 0.5 * axis + (1 + (double)trajectory) * (k * k * (particle % 2 ? 1 : -1) + k * axis) / 256;
}

static void Fill(int d, size_t trajectory, float x[])
{
  const size_t n = Particles(trajectory);
  for (size_t k = 0; k < N_FRAMES; k++)
    for (size_t i = 0; i < n; i++)
      for (int a = 0; a < d; a++) x[(k * n + i) * (size_t)d + (size_t)a] = (float)Position(trajectory, k, i, a);
}

static const NomosParticleSet our_set = {.d = 2, .interval = 0.005, .bounded = true, .low = {0, 0.25}, .high = {8, 9}, .radius = 0.3, .n_kinds = 2, .kinds = (const char *const[]){"jelly", "water"}, .n_parameters = 1, .parameters = (const char *const[]){"youngs_modulus"}, .units = "m, s", .title = "throws"};

/* A file of ours with the trajectories first, first + 1, ... */
static void MakeFile(const char name[], const NomosParticleSet *set, size_t first, size_t n, double bad)
{
  static const char *const settings[] = {"bodies.body.size=[1, 2]", "time.dt=0.1"};

  Path(name);
  MPI_Barrier(PETSC_COMM_WORLD);
  if (!rank) {
    NomosParticleWriter writer;
    float               x[N_FRAMES * MOST * 3];
    ck_ok(NomosParticleWriterCreate(path, set, &writer));
    for (size_t t = first; t < first + n; t++) {
      int32_t kind[MOST];
      for (size_t i = 0; i < MOST; i++) kind[i] = i >= 3;
      Fill(set->d, t, x);
      if (bad != 0 && t == first + 1) x[(2 * Particles(t) + 3) * (size_t)set->d] = (float)bad;
      NomosParticleMotion motion = {.n_frames = N_FRAMES, .n_particles = Particles(t), .parameters = (double[]){1e5 + (double)t}, .simulation = "graph/throw.yaml", .n_set = 2, .set = settings};
      ck_ok(NomosParticleWriterAdd(writer, &(NomosParticleRecord){.motion = &motion, .kind = kind, .type = NOMOS_F32, .x = x}));
    }
    ck_ok(NomosParticleWriterClose(&writer, true));
  }
  MPI_Barrier(PETSC_COMM_WORLD);
}

/* Which trajectory is this? Its first particle's first coordinate. */
static size_t Number(NomosParticleData data, NomosSplit split, size_t i)
{
  double x[3];
  ck_ok(NomosParticleDataRead(data, &(NomosParticleSelection){.split = split, .trajectory = i, .n_frames = 1, .n = 1, .sample = (int32_t[]){0}}, x));
  return (size_t)(x[0] / 0.125 + 0.5);
}

START_TEST(what_was_written)
{
  const NomosParticleDataInfo *info;
  NomosParticleDataInput       input = {.validation = 0.2, .test = 0.3, .seed = 4};
  NomosParticleData            data;
  size_t                       seen[N_TRAJECTORIES] = {0};
  double                       x[2][2][2];

  MakeFile("ours.h5", &our_set, 0, N_TRAJECTORIES, 0);
  input.path = Path("ours.h5");
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosParticleDataGetInfo(data, &info));
  ck_assert(info->d == 2 && info->interval == 0.005 && info->bounded && info->low[1] == 0.25 && info->high[0] == 8 && info->radius == 0.3);
  ck_assert(info->n_kinds == 2 && !strcmp(info->kinds[1], "water") && info->n_parameters == 1 && !strcmp(info->parameters[0], "youngs_modulus"));
  ck_assert(info->n_trajectories[0] == 5 && info->n_trajectories[1] == 2 && info->n_trajectories[2] == 3);
  for (int s = 0; s < NOMOS_N_SPLITS; s++)
    for (size_t i = 0; i < info->n_trajectories[s]; i++) {
      NomosParticleTrajectory t;
      const size_t            number = Number(data, s, i);
      seen[number]++;
      ck_ok(NomosParticleDataTrajectory(data, s, i, &t));
      ck_assert(t.n_frames == N_FRAMES && t.n_particles == Particles(number) && t.kind[2] == 0 && t.kind[3] == 1 && t.parameters[0] == 1e5 + (double)number);
      ck_assert(!strcmp(t.simulation, "graph/throw.yaml") && t.n_set == 2 && !strcmp(t.set[0], "bodies.body.size=[1, 2]") && strstr(t.name, "ours.h5, trajectory 0000"));
      ck_ok(NomosParticleDataRead(data, &(NomosParticleSelection){.split = s, .trajectory = i, .first = 3, .n_frames = 2, .n = 2, .sample = (int32_t[]){3, 1}}, &x[0][0][0]));
      for (size_t k = 0; k < 2; k++)
        for (int a = 0; a < 2; a++) ck_assert(x[k][0][a] == Position(number, 3 + k, 3, a) && x[k][1][a] == Position(number, 3 + k, 1, a));
    }
  for (size_t t = 0; t < N_TRAJECTORIES; t++) ck_assert(seen[t] == 1);
  NomosParticleTrajectory t;
  ck_refused(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TEST, 3, &t), "trajectory 3 of the test split: it has 3");
  ck_refused(NomosParticleDataRead(data, &(NomosParticleSelection){.first = 5, .n_frames = 2, .n = 1, .sample = (int32_t[]){0}}, &x[0][0][0]), "frames 5 to 6 are asked for; it has 6");
  ck_refused(NomosParticleDataRead(data, &(NomosParticleSelection){.n_frames = 2, .n = 1, .sample = (int32_t[]){77}}, &x[0][0][0]), "particle 77 is asked for");
  ck_ok(NomosParticleDataClose(&data));

  /* Every second frame from the second on; fewer trajectories. */
  input.first_frame = 1;
  input.every = input.n_trajectories = 2;
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosParticleDataGetInfo(data, &info));
  ck_assert(info->n_trajectories[0] == 2 && info->interval == 0.01);
  ck_ok(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TRAIN, 1, &t));
  ck_assert(t.n_frames == 3);
  ck_ok(NomosParticleDataRead(data, &(NomosParticleSelection){.trajectory = 1, .first = 2, .n_frames = 1, .n = 1, .sample = (int32_t[]){2}}, &x[0][0][0]));
  ck_assert(x[0][0][1] == Position((size_t)(t.parameters[0] - 1e5), 5, 2, 1));
  ck_ok(NomosParticleDataClose(&data));
}
END_TEST

/* The deviation over everything, by its definition; where trajectories differ in speed it is not the mean of their deviations. Memory, ranks and blocks are no matter, to the bit. */
START_TEST(pooled_statistics)
{
  NomosParticleDataInput        input = {.path = NULL};
  NomosParticleData             data;
  NomosParticleStatistics       s, other;
  const NomosParticleDataInfo  *info;
  double                        sums[2][2][2] = {{{0}}}, n[2] = {0}, mean_of_deviations = 0;
  char                          hash[17];

  MakeFile("ours.h5", &our_set, 0, N_TRAJECTORIES, 0);
  input.path = Path("ours.h5");
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosParticleDataStatistics(data, &s));
  ck_ok(NomosParticleDataGetInfo(data, &info));
  snprintf(hash, sizeof hash, "%s", info->hash);
  ck_ok(NomosParticleDataClose(&data));
  for (int pass = 0; pass < 2; pass++) /* means, then squares */
    for (size_t t = 0; t < N_TRAJECTORIES; t++) {
      double own[2] = {0};
      for (size_t k = 1; k < N_FRAMES; k++)
        for (size_t i = 0; i < Particles(t); i++)
          for (int a = 0; a < 2; a++) {
            const double v = Position(t, k, i, a) - Position(t, k - 1, i, a), acceleration = k > 1 ? v - Position(t, k - 1, i, a) + Position(t, k - 2, i, a) : 0;
            if (!pass) n[0] += !a, n[1] += !a && k > 1;
            sums[pass][0][a] += pass ? pow(v - sums[0][0][a], 2) : v;
            if (k > 1) sums[pass][1][a] += pass ? pow(acceleration - sums[0][1][a], 2) : acceleration;
            if (!a) own[0] += v, own[1] += v * v;
          }
      const double count = (double)((N_FRAMES - 1) * Particles(t));
      if (pass) mean_of_deviations += sqrt(own[1] / count - pow(own[0] / count, 2)) / N_TRAJECTORIES;
      for (int q = 0; q < 2 && !pass && t + 1 == N_TRAJECTORIES; q++)
        for (int a = 0; a < 2; a++) sums[0][q][a] /= n[q];
    }
  for (int a = 0; a < 2; a++) {
    ck_assert(fabs(s.velocity_mean[a] - sums[0][0][a]) < 1e-14 && fabs(s.acceleration_mean[a] - sums[0][1][a]) < 1e-14);
    ck_close(s.velocity_deviation[a], sqrt(sums[1][0][a] / n[0]), 1e-13);
    ck_close(s.acceleration_deviation[a], sqrt(sums[1][1][a] / n[1]), 1e-13);
  }
  ck_assert_msg(s.velocity_deviation[0] > 1.1 * mean_of_deviations, "%g and %g", s.velocity_deviation[0], mean_of_deviations);

  input.cache_bytes = 1; /* nothing is kept */
  ck_ok(NomosParticleDataOpen(PETSC_COMM_SELF, &input, &data));
  ck_ok(NomosParticleDataStatistics(data, &other));
  ck_ok(NomosParticleDataGetInfo(data, &info));
  ck_assert_str_eq(info->hash, hash);
  ck_assert(!memcmp(&s, &other, sizeof s) && Number(data, NOMOS_SPLIT_TRAIN, 7) == 7);
  ck_ok(NomosParticleDataClose(&data));
  MPI_Bcast(&other, sizeof other, MPI_BYTE, 0, PETSC_COMM_WORLD);
  ck_assert(!memcmp(&s, &other, sizeof s));
  MakeFile("ours.h5", &our_set, 1, N_TRAJECTORIES - 1, 0);
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosParticleDataGetInfo(data, &info));
  ck_assert_str_ne(info->hash, hash);
  ck_ok(NomosParticleDataClose(&data));
}
END_TEST

static void PutText(const char name[], const char text[])
{
  Path(name);
  MPI_Barrier(PETSC_COMM_WORLD);
  if (!rank) {
    FILE *stream = fopen(path, "w");
    fputs(text, stream);
    fclose(stream);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
}

static void Put(hid_t location, const char name[], hid_t type, int n_dims, const hsize_t size[], hid_t memory, const void *values)
{
  hid_t space = H5Screate_simple(n_dims, size, NULL), dataset = H5Dcreate2(location, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

  ck_assert(dataset >= 0 && H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

/* As LagrangeBench and GNS have it: types are numbers, what all have in common is in metadata.json. */
static void MakeForeign(const char name[], int d, size_t first, size_t n)
{
  Path(name);
  MPI_Barrier(PETSC_COMM_WORLD);
  if (!rank) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    float x[N_FRAMES * MOST * 3];
    for (size_t t = first; t < first + n; t++) {
      char          group[16];
      const hsize_t size[]     = {N_FRAMES, Particles(t), (hsize_t)d};
      const int64_t type[MOST] = {5, 5, 0, 5, 5, 5, 5, 5, 5};
      snprintf(group, sizeof group, "%05zu", t - first);
      hid_t of = H5Gcreate2(file, group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      Fill(d, t, x);
      Put(of, "position", H5T_IEEE_F32LE, 3, size, H5T_NATIVE_FLOAT, x);
      Put(of, "particle_type", H5T_STD_I64LE, 1, size + 1, H5T_NATIVE_INT64, type);
      H5Gclose(of);
    }
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
}

static PetscErrorCode Hear(const char sentence[], void *ctx)
{
  strncat(ctx, sentence, 2000 - strlen(ctx));
  return PETSC_SUCCESS;
}

START_TEST(lagrangebench)
{
  NomosParticleDataInput       input = {.validation = 0.1, .test = 0.1};
  const NomosParticleDataInfo *info;
  NomosParticleTrajectory      t;
  NomosParticleStatistics      plain, wrapped;
  NomosParticleData            data;
  char                         folder[sizeof path];

  if (!strstr(Path("lb"), "none") && !rank) ck_assert(!mkdir(path, 0777));
  MakeForeign("lb/train.h5", 2, 0, 3);
  MakeForeign("lb/valid.h5", 2, 3, 1);
  MakeForeign("lb/test.h5", 2, 4, 2);
  PutText("lb/metadata.json", "{\"dim\": 2, \"dt\": 0.002, \"write_every\": 50, \"bounds\": [[0, 2], [-1, 4]], \"default_connectivity_radius\": 0.029, \"periodic_boundary_conditions\": [false, false, false], \"vel_mean\": [0, 0]}");
  snprintf(folder, sizeof folder, "%s", Path("lb"));
  input.path = folder;
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosParticleDataGetInfo(data, &info));
  ck_close(info->interval, 0.1, 1e-15);
  ck_assert(info->bounded && info->low[1] == -1 && info->high[0] == 2 && info->radius == 0.029 && !info->periodic[0]);
  ck_assert(info->n_trajectories[0] == 3 && info->n_trajectories[1] == 1 && info->n_trajectories[2] == 2 && info->n_kinds == 2 && !strcmp(info->kinds[0], "0") && !strcmp(info->kinds[1], "5"));
  ck_assert(Number(data, NOMOS_SPLIT_VALIDATION, 0) == 3 && Number(data, NOMOS_SPLIT_TEST, 1) == 5);
  ck_ok(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TEST, 1, &t));
  ck_assert(t.kind[0] == 1 && t.kind[2] == 0 && !t.simulation[0] && !t.n_set);
  ck_ok(NomosParticleDataStatistics(data, &plain));
  ck_ok(NomosParticleDataClose(&data));

  /* Positions that are moved by a period are the same motion. */
  PutText("lb/metadata.json", "{\"dim\": 2, \"dt\": 0.002, \"write_every\": 50, \"bounds\": [[0, 0.3], [0, 0.3]], \"periodic_boundary_conditions\": [true, true, true]}");
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosParticleDataStatistics(data, &wrapped));
  for (int a = 0; a < 2; a++) ck_assert(wrapped.velocity_deviation[a] == plain.velocity_deviation[a]); /* no step is longer than half a period */
  ck_ok(NomosParticleDataGetInfo(data, &info));
  ck_assert(info->periodic[1]);
  ck_ok(NomosParticleDataClose(&data));
  Path("lb/train.h5");
  if (!rank) { /* one particle by a period, from the third frame on */
    hid_t   file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(file, "00001/position", H5P_DEFAULT);
    float   x[N_FRAMES * MOST * 3];
    H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    for (size_t k = 2; k < N_FRAMES; k++) x[k * Particles(1) * 2] += 0.3f;
    H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    H5Dclose(dataset);
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosParticleDataStatistics(data, &wrapped));
  ck_close(wrapped.velocity_deviation[0], plain.velocity_deviation[0], 1e-5);
  ck_ok(NomosParticleDataClose(&data));

  /* What contradicts itself. */
  PutText("lb/metadata.json", "{\"dim\": 3}");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "metadata.json: dim = 3, but the positions of");
  PutText("lb/metadata.json", "{\"dim\": 2, \"bounds\": [[0, 1], 7]}");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "bounds must be [low, high] with low < high for each of 2 axes");
  static const char *const wrong[][2] = {
    {"\"bounds\": [[0, 1], [0, 1], [0, 1]]",       "bounds has 3 entries"                            },
    {"\"dt\": 0",                                  "dt = 0: must be a number above 0"                },
    {"\"dt\": \"fast\"",                           "dt = \"fast\": must be a number above 0"         },
    {"\"dt\": 0.1, \"write_every\": -1",           "write_every = -1: must be a number of steps"     },
    {"\"default_connectivity_radius\": -0.1",      "default_connectivity_radius = -0.1: must be"     },
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char text[256];
    snprintf(text, sizeof text, "{\"dim\": 2, %s}", wrong[i][0]);
    PutText("lb/metadata.json", text);
    ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), wrong[i][1]);
  }

  /* What is guessed is told, and so are particles beyond the walls. */
  static const struct {
    const char *metadata, *says, *says_not;
  } guesses[] = {
    {"{\"dim\": 2}",                                                              "does not say where the walls are", "outside of the domain's walls"   },
    {"{\"dim\": 2, \"bounds\": [[-9, 9], [-9, 9]]}",                              "does not say how far frames are",  "does not say where the walls are"},
    {"{\"dim\": 2, \"dt\": 0.1, \"bounds\": [[-9, 9], [-9, 9]]}",                "has dt and no write_every",        "does not say"                    },
    {"{\"dim\": 2, \"dt\": 0.1, \"write_every\": 1, \"bounds\": [[0, 0.1], [0, 0.1]]}", "outside of the domain's walls", "no write_every"      },
    {"{\"dim\": 2, \"dt\": 0.1, \"bounds\": [[0, 0.1], [0, 0.1]]}",               "outside of the domain's walls",    "does not say"                    },
  };
  for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
    char said[2048] = "";
    PutText("lb/metadata.json", guesses[i].metadata);
    ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
    ck_ok(NomosParticleDataWarn(data, Hear, said));
    ck_assert_msg(strstr(said, guesses[i].says) && !strstr(said, guesses[i].says_not), "%s", said);
    ck_ok(NomosParticleDataCheckLearned(data));
    ck_ok(NomosParticleDataClose(&data));
  }
  Path("lb/test.h5");
  if (!rank) { /* a material that is in the tests alone; then a trajectory without its positions */
    const int64_t type[MOST] = {7};
    hid_t         file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(file, "00001/particle_type", H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, type);
    H5Dclose(dataset);
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_refused(NomosParticleDataCheckLearned(data), "trajectory 00001 has particles of 7, which no trajectory of the training has");
  ck_ok(NomosParticleDataClose(&data));
  if (!rank) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "00001/position", H5P_DEFAULT);
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "the group 00001 has particle_type and no position");
  MakeForeign("lb/test.h5", 2, 4, 2);
  PutText("lb/metadata.json", "{\"dim\": 2,\n oh}");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "metadata.json: line 2: ");
  PutText("lb/metadata.json", "{\"dim\": 2}");
  MakeForeign("lb/more.h5", 2, 0, 1);
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "holds train, valid or test beside");
}
END_TEST

/* Runs of a solver: positions in fields.nc, materials by name, the run itself as the case that makes it again. */
START_TEST(runs)
{
  NomosParticleDataInput       input = {.test = 0.4};
  const NomosParticleDataInfo *info;
  NomosParticleTrajectory      t;
  NomosParticleData            data;

  if (!strstr(Path("runs"), "none") && !rank) ck_assert(!mkdir(path, 0777));
  for (size_t r = 0; r < 3 && !rank; r++) {
    const size_t        n = Particles(r);
    double              numbers[MOST], material[MOST];
    float               x[N_FRAMES * MOST * 3];
    char                name[64];
    NomosFieldFile      file;
    const NomosFieldDim dims[]   = {{.name = "particle", .size = n, .values = numbers}, {.name = "axis", .size = 3, .values = numbers}};
    NomosFieldVariable  fields[] = {{.name = "position", .dims = {"particle", "axis"}, .type = NOMOS_F64}, {.name = "material", .dims = {"particle"}, .type = NOMOS_F64, .constant = true, .long_name = r ? "material: 0 jelly, 1 water" : "material: 0 water, 1 sand"}};
    for (size_t i = 0; i < MOST; i++) numbers[i] = (double)i, material[i] = i >= 2;
    snprintf(name, sizeof name, "runs/%zu", r);
    ck_assert(!mkdir(Path(name), 0777));
    strcat(path, "/fields.nc");
    Fill(3, r, x);
    ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 2, .dims = dims, .n_variables = 2, .variables = fields, .capacity = 8, .time_unit = "s", .config_yaml = "solver: mpm\n"}, &file));
    ck_ok(NomosFieldFileWrite(file, "material", NOMOS_F64, (size_t[]){0}, (size_t[]){n}, material));
    for (size_t k = 0; k < N_FRAMES; k++) {
      ck_ok(NomosFieldFileBeginFrame(file, 0.25 * (double)k, (int64_t)k));
      ck_ok(NomosFieldFileWrite(file, "position", NOMOS_F32, (size_t[]){0, 0}, (size_t[]){n, 3}, x + k * n * 3));
      ck_ok(NomosFieldFileEndFrame(file));
    }
    ck_ok(NomosFieldFileClose(&file));
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  input.path = Path("runs");
  ck_ok(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosParticleDataGetInfo(data, &info));
  ck_assert(info->d == 3 && info->interval == 0.25 && !info->bounded && info->n_trajectories[0] == 2 && info->n_trajectories[2] == 1);
  ck_assert(info->low[0] < 0.3 && info->high[0] > 1.5); /* where particles are */
  ck_assert(info->n_kinds == 3 && !strcmp(info->kinds[0], "water") && !strcmp(info->kinds[1], "sand") && !strcmp(info->kinds[2], "jelly"));
  for (size_t i = 0; i < 2; i++) {
    const size_t r = Number(data, NOMOS_SPLIT_TRAIN, i);
    char         name[64];
    ck_ok(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TRAIN, i, &t));
    snprintf(name, sizeof name, "/runs/%zu", r);
    ck_assert(t.n_particles == Particles(r) && t.n_frames == N_FRAMES && t.kind[0] == (r ? 2 : 0) && t.kind[3] == (r ? 0 : 1) && strstr(t.simulation, name));
  }
  ck_ok(NomosParticleDataClose(&data));
}
END_TEST

START_TEST(what_is_wrong)
{
  NomosParticleDataInput input = {.validation = 0};
  NomosParticleSet       set   = our_set;
  NomosParticleData      data;

  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "data.path is not given");
  input.path = Path("nothing.h5");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "nothing.h5 cannot be read");
  PutText("text.h5", "no numbers");
  input.path = Path("text.h5");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "is not an HDF5 or NetCDF-4 file");
  Path("fields.h5");
  if (!rank) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    Put(file, "u", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){2}, H5T_NATIVE_DOUBLE, (double[]){1, 2});
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  input.path = path;
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "holds no trajectories of particles, that is groups with a dataset position (frames, particles, axes), or position (time, particle, axis) of a run; it has u");
  MakeFile("nan.h5", &our_set, 4, 3, NAN);
  input.path = Path("nan.h5");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "nan.h5, trajectory 00001: the position of particle 3 is nan in frame 2");
  MakeFile("nan.h5", &our_set, 4, 3, INFINITY);
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "the position of particle 3 is inf in frame 2");
  MakeFile("few.h5", &our_set, 0, 1, 0);
  input.path  = Path("few.h5");
  input.every = 6;
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "few.h5, trajectory 00000 has 1 frame (after data.first_frame and data.every): a motion needs at least 2");
  input.every = 1;
  input.test  = 0.9;
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "leave none of 1 trajectory for training");
  input.test = 0;

  /* Files that do not fit together. */
  if (!strstr(Path("mixed"), "none") && !rank) ck_assert(!mkdir(path, 0777));
  MakeFile("mixed/a.h5", &our_set, 0, 2, 0);
  set.d = 3;
  MakeFile("mixed/b.h5", &set, 0, 2, 0);
  input.path = Path("mixed");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "b.h5 has particles in 3 dimensions");
  set          = our_set;
  set.interval = 0.01;
  MakeFile("mixed/b.h5", &set, 0, 2, 0);
  input.path = Path("mixed");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "b.h5 has frames every 0.01 s");
  set            = our_set;
  set.parameters = (const char *const[]){"friction_angle"};
  MakeFile("mixed/b.h5", &set, 0, 2, 0);
  input.path = Path("mixed");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "b.h5 has other parameters of its trajectories than");
  set         = our_set;
  set.n_kinds = 1;
  MakeFile("kinds.h5", &set, 0, 2, 0);
  input.path = Path("kinds.h5");
  ck_refused(NomosParticleDataOpen(PETSC_COMM_WORLD, &input, &data), "particle_type of particle 3 is 1; the file names fewer kinds");
}
END_TEST

NOMOS_TEST_SUITE("particle_data", what_was_written, pooled_statistics, lagrangebench, runs, what_is_wrong)
