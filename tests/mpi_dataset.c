/* Data sets: an example holds the numbers that its place in the files says; splits and orders are permutations that depend on nothing else; what is wrong with data is said. */
#include "harness.h"
#include "surrogates/dataset.h"

#include <hdf5.h>
#include <sys/stat.h>

enum { N_TRAJECTORIES = 10, N_FRAMES = 7, NY = 4, NX = 6 };

static int  rank, size;
static char path[NOMOS_MAX_PATH];

static const char *Path(const char name[])
{
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

static double ValueAt(size_t trajectory, size_t frame, size_t y, size_t x)
{
  return (double)(1000 * trajectory + 100 * frame + 10 * y + x);
}

/* A dataset of n_dims sizes with the numbers of `value`, in chunks of one leading entry or whole. */
static void Put(hid_t file, const char name[], int n_dims, const hsize_t shape[], bool chunked, const double data[])
{
  hid_t   space = H5Screate_simple(n_dims, shape, NULL), properties = H5Pcreate(H5P_DATASET_CREATE);
  hsize_t chunk[5] = {1};

  for (int d = 1; d < n_dims; d++) chunk[d] = shape[d];
  if (chunked) H5Pset_chunk(properties, n_dims, chunk);
  hid_t set = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  if (data) H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(set);
  H5Pclose(properties);
  H5Sclose(space);
}

/* u over trajectories, frames and a plane; nu over trajectories. `first` trajectory of the file, `bad`: a NaN in it. */
static void MakeFile(const char name[], size_t first, size_t n, bool chunked, bool bad)
{
  static double u[N_TRAJECTORIES][N_FRAMES][NY][NX], nu[N_TRAJECTORIES][2];

  Path(name);
  MPI_Barrier(PETSC_COMM_WORLD); /* the others may still read its predecessor */
  if (!rank) {
    for (size_t t = 0; t < n; t++) {
      for (size_t f = 0; f < N_FRAMES; f++)
        for (size_t y = 0; y < NY; y++)
          for (size_t x = 0; x < NX; x++) u[t][f][y][x] = ValueAt(first + t, f, y, x);
      nu[t][0] = (double)(first + t);
      nu[t][1] = -1;
    }
    if (bad) u[n - 1][4][2][1] = NAN;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    Put(file, "u", 4, (hsize_t[]){n, N_FRAMES, NY, NX}, chunked, &u[0][0][0][0]);
    Put(file, "nu", 2, (hsize_t[]){n, 2}, chunked, &nu[0][0]);
    Put(file, "fewer", 1, (hsize_t[]){n - 1}, false, &nu[0][0]);
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
}

static const NomosDatasetVariable variables[] = {
  {.name = "u", .first_space = 0, .n_space = 2},
  {.name = "nu", .constant = true}
};

static NomosDatasetInput Input(const char name[])
{
  return (NomosDatasetInput){.path = Path(name), .n_variables = 2, .variables = variables, .frames = true, .validation = 0.2, .test = 0.3, .seed = 4};
}

START_TEST(windows_of_trajectories)
{
  NomosDatasetInput input;
  NomosDataset      data;
  size_t            shape[NOMOS_FIELD_MAX_DIMS + 1], n, seen[N_TRAJECTORIES] = {0};
  double            values[2][3][2][3], nu[2];
  int               n_dims;

  MakeFile("plain.h5", 0, N_TRAJECTORIES, true, false);
  input             = Input("plain.h5");
  input.window      = 3;
  input.first_frame = 1;
  input.every       = 2; /* frames 1, 3, 5 */
  input.space_every = 2;
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosDatasetShape(data, 0, &n_dims, shape, &n));
  ck_assert(n_dims == 3 && shape[0] == 3 && shape[1] == 2 && shape[2] == 3 && n == 18);
  ck_ok(NomosDatasetShape(data, 1, &n_dims, shape, &n));
  ck_assert(n_dims == 1 && shape[0] == 2);
  ck_assert(NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN) == 5 && NomosDatasetExamples(data, NOMOS_SPLIT_VALIDATION) == 2 && NomosDatasetExamples(data, NOMOS_SPLIT_TEST) == 3);
  for (int s = 0; s < NOMOS_N_SPLITS; s++)
    for (size_t e = 0; e < NomosDatasetExamples(data, s); e++) {
      size_t trajectory, frame;
      ck_ok(NomosDatasetOrigin(data, s, e, &trajectory, NULL, &frame));
      ck_assert(frame == 1);
      seen[trajectory]++;
      const size_t examples[2] = {e, e};
      ck_ok(NomosDatasetRead(data, 0, s, 2, examples, &values[0][0][0][0]));
      ck_ok(NomosDatasetRead(data, 1, s, 1, examples, nu));
      ck_assert(nu[0] == (double)trajectory && nu[1] == -1);
      for (size_t k = 0; k < 3; k++)
        for (size_t y = 0; y < 2; y++)
          for (size_t x = 0; x < 3; x++) ck_assert(values[1][k][y][x] == ValueAt(trajectory, 1 + 2 * k, 2 * y, 2 * x));
    }
  for (size_t t = 0; t < N_TRAJECTORIES; t++) ck_assert(seen[t] == 1);
  ck_refused(NomosDatasetRead(data, 0, NOMOS_SPLIT_TEST, 1, (size_t[]){3}, &values[0][0][0][0]), "example 3 of the test split: it has 3");
  ck_ok(NomosDatasetClose(&data));

  /* Several windows of a trajectory, and fewer trajectories. */
  input                = Input("plain.h5");
  input.window         = 3;
  input.window_step    = 2; /* 0, 2, 4 */
  input.n_trajectories = 4;
  input.validation = input.test = 0;
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
  ck_assert(NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN) == 12 && NomosDatasetTrajectories(data, NOMOS_SPLIT_TRAIN) == 4);
  double whole[3][NY][NX];
  ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_TRAIN, 1, (size_t[]){5}, &whole[0][0][0]));
  ck_assert(whole[2][3][5] == ValueAt(1, 6, 3, 5));
  ck_ok(NomosDatasetClose(&data));

  /* Windows for the training alone. */
  input             = Input("plain.h5");
  input.window      = 3;
  input.whole_tests = true;
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
  ck_assert(NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN) == 5 * 5 && NomosDatasetExamples(data, NOMOS_SPLIT_VALIDATION) == 2 && NomosDatasetExamples(data, NOMOS_SPLIT_TEST) == 3);
  ck_assert(NomosDatasetFrames(data, NOMOS_SPLIT_TRAIN) == 3 && NomosDatasetFrames(data, NOMOS_SPLIT_VALIDATION) == N_FRAMES && NomosDatasetFrames(data, NOMOS_SPLIT_TEST) == N_FRAMES);
  for (size_t e = 0; e < 3; e++) {
    static double all[N_FRAMES][NY][NX];
    size_t        trajectory, frame;
    ck_ok(NomosDatasetOrigin(data, NOMOS_SPLIT_TEST, e, &trajectory, NULL, &frame));
    ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_TEST, 1, &e, &all[0][0][0]));
    ck_assert(frame == 0);
    for (size_t k = 0; k < N_FRAMES; k++) ck_assert(all[k][1][2] == ValueAt(trajectory, k, 1, 2));
  }
  ck_ok(NomosDatasetClose(&data));
}
END_TEST

/* The hash is of the numbers: not of their layout, of the number of files, or of the ranks. */
START_TEST(hash_of_the_numbers)
{
  NomosDatasetInput input;
  NomosDataset      data;
  char              hash[17];
  double            u[N_FRAMES][NY][NX];

  MakeFile("plain.h5", 0, N_TRAJECTORIES, true, false);
  input = Input("plain.h5");
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
  snprintf(hash, sizeof hash, "%s", NomosDatasetHash(data));
  ck_ok(NomosDatasetClose(&data));
  ck_ok(NomosDatasetOpen(PETSC_COMM_SELF, &input, &data));
  ck_assert_str_eq(NomosDatasetHash(data), hash);
  ck_ok(NomosDatasetClose(&data));
  if (!rank) ck_assert(!mkdir(Path("folder"), 0777) && !mkdir(Path("folder/empty"), 0777));
  MakeFile("folder/a.h5", 0, 4, false, false);
  MakeFile("folder/b.hdf5", 4, 6, true, false);
  input = Input("folder");
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
  ck_assert_str_eq(NomosDatasetHash(data), hash);
  for (size_t e = 0; e < 5; e++) {
    size_t      trajectory;
    const char *file;
    ck_ok(NomosDatasetOrigin(data, NOMOS_SPLIT_TRAIN, e, &trajectory, &file, NULL));
    ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_TRAIN, 1, &e, &u[0][0][0]));
    ck_assert(u[6][3][2] == ValueAt(trajectory, 6, 3, 2) && strstr(file, trajectory < 4 ? "a.h5" : "b.hdf5"));
  }
  ck_ok(NomosDatasetClose(&data));
  MakeFile("folder/b.hdf5", 5, 6, true, false);
  input = Input("folder");
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
  ck_assert_str_ne(NomosDatasetHash(data), hash);
  ck_ok(NomosDatasetClose(&data));
}
END_TEST

/* An order is a permutation, of seed and epoch alone; when the cache holds two blocks of eight, no block is begun again after the next two. */
START_TEST(orders)
{
  enum { N = 64, ROW = 16384 }; /* 128 kB a row, 8 rows in a block of 1 MB */
  NomosDatasetInput input = {.path = Path("rows.h5"), .n_variables = 1, .variables = &(NomosDatasetVariable){.name = "x"}};
  NomosDataset      data;
  size_t            order[N], other[N], group_of[N / 8];
  double           *row = malloc(ROW * sizeof *row);

  if (!rank) {
    double *x    = malloc(N * ROW * sizeof *x);
    hid_t   file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (size_t i = 0; i < N * ROW; i++) x[i] = (double)(i / ROW);
    Put(file, "x", 2, (hsize_t[]){N, ROW}, false, x);
    H5Fclose(file);
    free(x);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  for (int small = 0; small < 2; small++) {
    bool seen[N] = {false};
    input.cache_bytes = small ? 2.5e6 : 1e9;
    ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
    ck_assert_uint_eq(NomosDatasetBlocks(data), N / 8);
    ck_ok(NomosDatasetOrder(data, NOMOS_SPLIT_TRAIN, 1, 0, order));
    for (size_t i = 0; i < N; i++) {
      ck_assert(order[i] < N && !seen[order[i]]);
      seen[order[i]] = true;
      ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_TRAIN, 1, &order[i], row));
      ck_assert(row[ROW - 1] == (double)order[i]);
      if (small) {
        size_t *group = &group_of[order[i] / 8];
        if (i == 0) memset(group_of, 0xff, sizeof group_of);
        if (*group == SIZE_MAX) *group = i / 16;
        ck_assert_uint_eq(*group, i / 16);
      }
    }
    memcpy(other, order, sizeof order);
    MPI_Bcast(other, sizeof other, MPI_BYTE, 0, PETSC_COMM_WORLD);
    ck_assert_msg(!memcmp(other, order, sizeof order), "the order differs between ranks");
    ck_ok(NomosDatasetOrder(data, NOMOS_SPLIT_TRAIN, 1, 0, other));
    ck_assert(!memcmp(other, order, sizeof order));
    ck_ok(NomosDatasetOrder(data, NOMOS_SPLIT_TRAIN, 1, 1, other));
    ck_assert(memcmp(other, order, sizeof order));
    ck_ok(NomosDatasetOrder(data, NOMOS_SPLIT_TRAIN, 2, 0, other));
    ck_assert(memcmp(other, order, sizeof order));
    ck_ok(NomosDatasetClose(&data));
  }
  free(row);
}
END_TEST

/* Every place is as likely for every example: 4000 permutations of 5, within five standard deviations. */
START_TEST(permutations_are_uniform)
{
  size_t order[5], count[5][5] = {{0}};

  for (int64_t epoch = 0; epoch < 4000; epoch++) {
    NomosPermutation(7, epoch, 5, order);
    for (size_t i = 0; i < 5; i++) count[i][order[i]]++;
  }
  for (size_t i = 0; i < 5; i++)
    for (size_t j = 0; j < 5; j++) ck_assert_msg(fabs((double)count[i][j] - 800) < 5 * sqrt(4000 * 0.2 * 0.8), "%zu at %zu: %zu times", j, i, count[i][j]);
}
END_TEST

/* Runs of nomos: a folder of them, each a trajectory; fields that do not vary in time are constants. */
START_TEST(runs)
{
  static const double x[NX] = {0, 1, 2, 3, 4, 5}, y[NY] = {0, 1, 2, 3};
  const NomosFieldDim dims[]    = {{.name = "y", .size = NY, .values = y}, {.name = "x", .size = NX, .values = x}};
  NomosFieldVariable  fields[]  = {{.name = "q", .dims = {"y", "x"}, .type = NOMOS_F64}, {.name = "depth", .dims = {"y", "x"}, .type = NOMOS_F64, .constant = true}};
  const NomosDatasetVariable wanted[] = {{.name = "q"}, {.name = "depth", .constant = true}};
  char                name[64];
  NomosDataset        data;

  if (!strstr(Path("runs"), "none") && !rank) ck_assert(!mkdir(path, 0777));
  for (size_t r = 0; r < 3 && !rank; r++) {
    double         frame[NY][NX];
    NomosFieldFile file;
    snprintf(name, sizeof name, "runs/run_%zu", r);
    ck_assert(!mkdir(Path(name), 0777));
    strcat(path, "/fields.nc");
    ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 2, .dims = dims, .n_variables = 2, .variables = fields, .capacity = 9, .time_unit = "s"}, &file));
    for (size_t f = 0; f < N_FRAMES; f++) {
      for (size_t j = 0; j < NY; j++)
        for (size_t i = 0; i < NX; i++) frame[j][i] = ValueAt(r, f, j, i);
      if (!f) ck_ok(NomosFieldFileWrite(file, "depth", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){NY, NX}, frame));
      ck_ok(NomosFieldFileBeginFrame(file, (double)f, (int64_t)f));
      ck_ok(NomosFieldFileWrite(file, "q", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){NY, NX}, frame));
      ck_ok(NomosFieldFileEndFrame(file));
    }
    if (r) ck_ok(NomosFieldFileClose(&file)); /* the first one is still running: 7 of 9 frames */
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &(NomosDatasetInput){.path = Path("runs"), .n_variables = 2, .variables = wanted, .window = 2}, &data));
  ck_assert_uint_eq(NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN), 3 * 6);
  for (size_t e = 0; e < 18; e++) {
    double q[2][NY][NX], depth[NY][NX];
    ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_TRAIN, 1, &e, &q[0][0][0]));
    ck_ok(NomosDatasetRead(data, 1, NOMOS_SPLIT_TRAIN, 1, &e, &depth[0][0]));
    ck_assert(q[1][3][5] == ValueAt(e / 6, e % 6 + 1, 3, 5) && depth[3][5] == ValueAt(e / 6, 0, 3, 5));
  }
  ck_ok(NomosDatasetClose(&data));
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &(NomosDatasetInput){.path = Path("runs/run_1"), .n_variables = 1, .variables = wanted}, &data));
  ck_assert_uint_eq(NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN), 1);
  ck_ok(NomosDatasetClose(&data));
  /* one of 4 frames and one of a single one, in which there is no window: what is whole has 4 */
  for (size_t r = 3; r < 5 && !rank; r++) {
    static const double frame[NY][NX];
    NomosFieldFile      file;
    snprintf(name, sizeof name, "runs/run_%zu", r);
    ck_assert(!mkdir(Path(name), 0777));
    strcat(path, "/fields.nc");
    ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 2, .dims = dims, .n_variables = 1, .variables = fields, .capacity = 9, .time_unit = "s"}, &file));
    for (size_t f = 0; f < (r == 3 ? 4 : 1); f++) {
      ck_ok(NomosFieldFileBeginFrame(file, (double)f, (int64_t)f));
      ck_ok(NomosFieldFileWrite(file, "q", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){NY, NX}, frame));
      ck_ok(NomosFieldFileEndFrame(file));
    }
    ck_ok(NomosFieldFileClose(&file));
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  for (uint64_t seed = 0; seed < 5; seed++) {
    size_t n_windows = 0;
    ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &(NomosDatasetInput){.path = Path("runs"), .n_variables = 1, .variables = wanted, .window = 2, .whole_tests = true, .validation = 0.4, .seed = seed}, &data));
    ck_assert(NomosDatasetFrames(data, NOMOS_SPLIT_TRAIN) == 2 && NomosDatasetFrames(data, NOMOS_SPLIT_VALIDATION) == 4);
    bool seen[5] = {false};
    for (size_t e = 0; e < NomosDatasetExamples(data, NOMOS_SPLIT_VALIDATION); e++) {
      size_t trajectory, frame;
      double q[4][NY][NX];
      ck_ok(NomosDatasetOrigin(data, NOMOS_SPLIT_VALIDATION, e, &trajectory, NULL, &frame));
      ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_VALIDATION, 1, &e, &q[0][0][0]));
      ck_assert(frame == 0 && trajectory < 4 && !seen[trajectory] && q[3][3][5] == (trajectory < 3 ? ValueAt(trajectory, 3, 3, 5) : 0));
      seen[trajectory] = true;
    }
    for (size_t e = 0, trajectory; e < NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN); e++, n_windows++) {
      ck_ok(NomosDatasetOrigin(data, NOMOS_SPLIT_TRAIN, e, &trajectory, NULL, NULL));
      ck_assert(trajectory < 4 && !seen[trajectory]);
    }
    for (size_t r = 0; r < 4; r++) n_windows += seen[r] ? (r < 3 ? 6 : 3) : 0;
    ck_assert_uint_eq(n_windows, 3 * 6 + 3);
    ck_ok(NomosDatasetClose(&data));
  }
}
END_TEST

#define ck_no_data(change, text) \
  do { \
    NomosDatasetInput    input_       = Input("plain.h5"); \
    NomosDatasetVariable variables_[] = {variables[0], variables[1]}; \
    NomosDataset         data_; \
    input_.variables = variables_; \
    change; \
    ck_refused(NomosDatasetOpen(PETSC_COMM_WORLD, &input_, &data_), text); \
    ck_assert_ptr_null(data_); \
  } while (0)

/* A number of all trajectories of a file may be an attribute of it (PDEBench's beta); another file of the folder has it as a dataset. */
START_TEST(attributes)
{
  NomosDatasetVariable wanted[] = {{.name = "u", .first_space = 0, .n_space = 2}, {.name = "beta", .constant = true}};
  NomosDatasetInput    input    = Input("families");
  NomosDataset         data;
  const double         several[2] = {4, 7};

  if (!rank) ck_assert(!mkdir(Path("families"), 0777));
  for (size_t f = 0; f < 3; f++) {
    char name[64];
    snprintf(name, sizeof name, "families/%zu.h5", f);
    MakeFile(name, 2 * f, 2, false, false);
    if (!rank) {
      hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
      if (f < 2) {
        const double beta      = 0.1 + (double)f;
        hid_t        attribute = H5Acreate2(file, "beta", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(attribute, H5T_NATIVE_DOUBLE, &beta);
        H5Aclose(attribute);
      } else Put(file, "beta", 1, (hsize_t[]){2}, false, several);
      H5Sclose(space);
      H5Fclose(file);
    }
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  input            = Input("families");
  input.variables  = wanted;
  input.validation = input.test = 0;
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
  ck_assert(NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN) == 6);
  for (size_t e = 0; e < 6; e++) {
    const double expected[6] = {0.1, 0.1, 1.1, 1.1, 4, 7};
    double       beta, u[N_FRAMES][NY][NX];
    ck_ok(NomosDatasetRead(data, 1, NOMOS_SPLIT_TRAIN, 1, &e, &beta));
    ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_TRAIN, 1, &e, &u[0][0][0]));
    ck_assert(beta == expected[e] && u[1][0][2] == ValueAt(e, 1, 0, 2));
  }
  ck_ok(NomosDatasetClose(&data));
  for (size_t n = 2; n < 6; n++) { /* fewer: the same part of each file, and some of every one where there are enough */
    static const size_t expected[6][5] = {[2] = {2, 4}, [3] = {0, 2, 4}, [4] = {0, 2, 4, 5}, [5] = {0, 2, 3, 4, 5}};
    input.n_trajectories = n;
    ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
    ck_assert_uint_eq(NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN), n);
    for (size_t e = 0; e < n; e++) {
      double beta, u[N_FRAMES][NY][NX];
      ck_ok(NomosDatasetRead(data, 1, NOMOS_SPLIT_TRAIN, 1, &e, &beta));
      ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_TRAIN, 1, &e, &u[0][0][0]));
      ck_assert(u[1][0][2] == ValueAt(expected[n][e], 1, 0, 2) && beta == (expected[n][e] < 2 ? 0.1 : expected[n][e] < 4 ? 1.1 : several[expected[n][e] - 4]));
    }
    ck_ok(NomosDatasetClose(&data));
  }
  input.path      = Path("families/0.h5");
  input.variables = wanted + 1;
  input.n_variables = 1;
  ck_refused(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data), "attributes alone");
}
END_TEST

START_TEST(refusals)
{
  hid_t file;

  MakeFile("plain.h5", 0, N_TRAJECTORIES, true, false);
  MakeFile("bad.h5", 0, N_TRAJECTORIES, true, true);
  Path("empty.h5");
  if (!rank) {
    file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    Put(file, "u", 4, (hsize_t[]){0, N_FRAMES, NY, NX}, false, NULL);
    Put(file, "v", 4, (hsize_t[]){2, 0, NY, NX}, false, NULL);
    Put(file, "w", 4, (hsize_t[]){2, 1, 0, NX}, false, NULL);
    H5Fclose(file);
    ck_assert(!mkdir(Path("nothing"), 0777) && !mkdir(Path("training"), 0777) && !mkdir(Path("training/data"), 0777) && !mkdir(Path("several"), 0777));
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  ck_no_data(input_.path = "", "data.path is not given");
  ck_no_data(input_.path = "/nonexistent", "cannot be read");
  ck_no_data(input_.path = Path("nothing"), "holds no run directory and no file");
  ck_no_data(input_.path = Path("training"), "are in its folder data: name");
  MakeFile("several/a.h5", 0, 4, true, false);
  MakeFile("several/b.h5", 4, 3, true, true);
  ck_no_data(input_.path = Path("several"), "b.h5: u = nan in trajectory 2, frame 4");
  ck_no_data(variables_[1].name = "nv", "has no dataset nv, and no attribute of this name that is a number; it has fewer, nu, u");
  ck_no_data(variables_[1].name = "fewer", "fewer has 9 trajectories, u has 10");
  ck_no_data(variables_[0].n_space = 3, "takes axes 0 to 2 of it for space, behind those of trajectories and time: if it has no time, add an axis of time of length 1");
  ck_no_data(variables_[1].name = "fewer"; variables_[1].constant = false, "it needs an axis of trajectories and an axis of time");
  ck_no_data(input_.path = Path("bad.h5"), "u = nan in trajectory 9, frame 4, entry 13 of the row");
  ck_no_data(input_.path = Path("empty.h5"); input_.n_variables = 1, "u is empty: there is no trajectory in it");
  ck_no_data(input_.path = Path("empty.h5"); input_.n_variables = 1; variables_[0].name = "v", "v is empty: there is no frame in it");
  ck_no_data(input_.path = Path("empty.h5"); input_.n_variables = 1; variables_[0].name = "w", "w is empty: its rows have the shape [0, 6]");
  ck_no_data(input_.first_frame = 7, "data.first_frame = 7, but");
  ck_no_data(input_.window = 8, "an example is a window of 8 frames, and");
  ck_no_data(input_.validation = 0.6; input_.test = 0.5, "leave none of 10 trajectories for training");
  /* The frames that are left out may be bad. */
  NomosDatasetInput input = Input("bad.h5");
  NomosDataset      data;
  input.first_frame = 5;
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &data));
  ck_ok(NomosDatasetClose(&data));
}
END_TEST

NOMOS_TEST_SUITE("dataset", windows_of_trajectories, hash_of_the_numbers, orders, permutations_are_uniform, runs, attributes, refusals)
