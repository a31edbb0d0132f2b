#include "io/field_file.h"
#include "tests/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

/* A small layered model: q(time, layer, y, x) f32, psi(time, y, x) f64, energy(time) f64, depth(y, x) f64 constant, slow(x). */
enum { NL = 2,
       NY = 13,
       NX = 10 };
static double layer[NL] = {1, 2}, y[NY], x[NX];

static NomosFieldDim dims[] = {
    {.name = "layer",    .size = NL, .values = layer, .long_name = "layer", .axis = "Z"},
    { .name          = "y",
     .size          = NY,
     .values        = y,
     .unit          = "m",
     .long_name     = "northward distance",
     .standard_name = "projection_y_coordinate",
     .axis          = "Y"},
    {                                                               .name          = "x",
     .size          = NX,
     .values        = x,
     .unit          = "m",
     .long_name     = "eastward distance",
     .standard_name = "projection_x_coordinate",
     .axis          = "X"},
};
static NomosFieldVariable variables[] = {
    {.name = "q",       .dims = {"layer", "y", "x"}, .type = NOMOS_F32, .unit = "s-1",    .long_name = "potential vorticity"},
    {.name = "psi",     .dims = {"y", "x"},          .type = NOMOS_F64, .unit = "m2 s-1", .long_name = "streamfunction"     },
    {.name = "energy",  .type = NOMOS_F64,           .unit = "m2 s-2" },
    {.name = "depth", .dims = {"y", "x"},           .constant = true,       .type = NOMOS_F64,                 .unit = "m"                                    },
};

static char path[NOMOS_MAX_PATH + 64];
static int  rank, n_ranks;

static NomosFieldFileInput Input(const char name[], size_t capacity)
{
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  for (int i = 0; i < NY; i++) y[i] = 500. * i;
  for (int i = 0; i < NX; i++) x[i] = 250. * i + 125;
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return (NomosFieldFileInput){.path            = path,
                               .n_dims          = 3,
                               .dims            = dims,
                               .n_variables     = 4,
                               .variables       = variables,
                               .capacity        = capacity,
                               .time_unit       = "s",
                               .title           = "Test",
                               .source          = "nomos test",
                               .references      = "none",
                               .config_yaml     = "qg: {nx: 10}",
                               .provenance_json = "{\"ranks\": 1}"};
}

static double Value(int variable, int64_t step, size_t l, size_t j, size_t i)
{
  return 1e4 * variable + 100. * (double)step + 10. * (double)l + (double)j + 0.03125 * (double)i;
}

/* Uneven rows in y; with `columns`, uneven columns in x instead. Rank 1 of four holds nothing. */
static void Share(size_t n, size_t *start, size_t *count)
{
  const size_t parts = n_ranks == 4 ? 3 : (size_t)n_ranks, part = n_ranks == 4 && rank > 1 ? (size_t)rank - 1 : (size_t)rank;

  *start = part * n / parts;
  *count = (part + 1) * n / parts - *start;
  if (n_ranks == 4 && rank == 1) *count = 0;
}

static void WriteVariable(NomosFieldFile file, int v, int64_t step, NomosRealType type, bool columns)
{
  static double f64[NL * NY * NX];
  static float  f32[NL * NY * NX];
  size_t        size[3] = {v == 0 ? NL : 1, v == 2 ? 1 : NY, v == 2 ? 1 : NX}, start[3] = {0}, count[3], n = 0;

  memcpy(count, size, sizeof size);
  if (v == 2) count[2] = rank == 0;
  else Share(size[columns ? 2 : 1], &start[columns ? 2 : 1], &count[columns ? 2 : 1]);
  for (size_t l = 0; l < count[0]; l++) {
    for (size_t j = 0; j < count[1]; j++) {
      for (size_t i = 0; i < count[2]; i++, n++) f32[n] = (float)(f64[n] = Value(v, step, l, start[1] + j, start[2] + i));
    }
  }
  const int skip = v == 0 ? 0 : 1;
  ck_ok(NomosFieldFileWrite(file, variables[v].name, type, start + skip, count + skip, type == NOMOS_F32 ? (void *)f32 : (void *)f64));
}

static void WriteFrame(NomosFieldFile file, int64_t step)
{
  ck_ok(NomosFieldFileBeginFrame(file, 0.5 * (double)step, step));
  for (int v = 0; v < 3; v++) WriteVariable(file, v, step, v == 1 ? NOMOS_F64 : step % 2 ? NOMOS_F32
                                                                                         : NOMOS_F64,
                                            step % 3 == 1);
  ck_ok(NomosFieldFileEndFrame(file));
}

/* Frames first, first + 1, ... of the file hold these steps, and nothing else is there. */
static void CheckFrames(size_t n, const int64_t steps[])
{
  NomosFieldReader reader;
  size_t           frames;
  double           data[NL * NY * NX], time, step;

  ck_assert_int_eq(MPI_Barrier(MPI_COMM_WORLD), 0);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderFrames(reader, &frames));
  ck_assert_uint_eq(frames, n);
  for (size_t f = 0; f < n; f++) {
    const size_t one = 1, frame[4] = {f, 0, 0, 0};
    ck_ok(NomosFieldReaderRead(reader, "time", &f, &one, &time));
    ck_ok(NomosFieldReaderRead(reader, "step", &f, &one, &step));
    ck_assert_double_eq(time, 0.5 * (double)steps[f]);
    ck_assert_double_eq(step, (double)steps[f]);
    for (int v = 0, wrong = 0; v < 3; v++) {
      const size_t counts[3][4] = {
          {1,   NL, NY, NX},
          {1, NY, NX},
          {1  }
      };
      ck_ok(NomosFieldReaderRead(reader, variables[v].name, frame, counts[v], data));
      for (size_t at = 0, l = 0; l < (v ? 1 : NL); l++) {
        for (size_t j = 0; j < (v == 2 ? 1 : NY); j++) {
          for (size_t i = 0; i < (v == 2 ? 1 : NX); i++, at++) wrong += data[at] != Value(v, steps[f], l, j, i);
        }
      }
      ck_assert_msg(!wrong, "%s of step %lld: %d entries are wrong", variables[v].name, (long long)steps[f], wrong);
    }
  }
  ck_ok(NomosFieldReaderClose(&reader));
  ck_assert_int_eq(MPI_Barrier(MPI_COMM_WORLD), 0);
}

static void CheckDepth(void)
{
  NomosFieldReader reader;
  double           data[NY * NX];

  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderRead(reader, "depth", (size_t[]){0, 0}, (size_t[]){NY, NX}, data));
  for (size_t j = 0; j < NY; j++) {
    for (size_t i = 0; i < NX; i++) ck_assert_double_eq(data[j * NX + i], Value(3, 0, 0, j, i));
  }
  ck_ok(NomosFieldReaderClose(&reader));
}

static size_t TimeExtent(void)
{
  NomosFieldReader reader;
  size_t           shape[NOMOS_FIELD_MAX_DIMS + 1];
  int              n_dims;

  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderShape(reader, "q", &n_dims, shape));
  ck_assert_int_eq(n_dims, 4);
  ck_ok(NomosFieldReaderClose(&reader));
  return shape[0];
}

/* No HDF5 file, dataset, group, type or attribute is left open, and no temporary file beside the results. */
static void CheckNothingLeft(const char directory[])
{
  char command[NOMOS_MAX_PATH + 64];

  ck_assert_int_eq(H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
  snprintf(command, sizeof command, "test -z \"$(find '%s' -name '.*.tmp')\"", directory);
  ck_assert_int_eq(MPI_Barrier(MPI_COMM_WORLD), 0);
  if (rank == 0) ck_assert_int_eq(system(command), 0);
}

START_TEST(frames_come_back)
{
  const int64_t       steps[]      = {0, 1, 2, 3, 4, 5, 6};
  const size_t        capacities[] = {7, 20, 1, 0};
  NomosFieldFileInput input;
  NomosFieldFile      file;

  for (int compression = 0; compression < 10; compression += 9) {
    for (size_t c = 0; c < 4; c++) {
      input             = Input("frames.nc", capacities[c]);
      input.compression = compression;
      ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
      WriteVariable(file, 3, 0, NOMOS_F64, false);
      for (size_t f = 0; f < 7; f++) {
        CheckFrames(f, steps); /* while it is being written */
        WriteFrame(file, steps[f]);
        ck_assert_uint_eq(NomosFieldFileFrames(file), f + 1);
      }
      CheckFrames(7, steps);
      ck_ok(NomosFieldFileClose(&file));
      ck_assert_ptr_null(file);
      CheckFrames(7, steps);
      CheckDepth();
      ck_assert_uint_eq(TimeExtent(), 7);
    }
  }
  CheckNothingLeft(ck_directory);
}
END_TEST

START_TEST(no_frame_is_a_file_too)
{
  NomosFieldFileInput input = Input("none.nc", 5);
  NomosFieldFile      file;

  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  WriteVariable(file, 3, 0, NOMOS_F32, true);
  ck_assert_uint_eq(TimeExtent(), 5);
  CheckFrames(0, NULL);
  ck_ok(NomosFieldFileClose(&file));
  CheckFrames(0, NULL);
  CheckDepth();
  ck_assert_uint_eq(TimeExtent(), 0);
  CheckNothingLeft(ck_directory);
}
END_TEST

START_TEST(names_units_and_attributes)
{
  const char *const texts[][3] = {
      {NULL,    "Conventions",   "CF-1.8"                 },
      {NULL,    "title",         "Test"                   },
      {NULL,    "provenance",    "{\"ranks\": 1}"         },
      {"time",  "units",         "s"                      },
      {"time",  "axis",          "T"                      },
      {"y",     "units",         "m"                      },
      {"y",     "standard_name", "projection_y_coordinate"},
      {"layer", "units",         "1"                      },
      {"q",     "long_name",     "potential vorticity"    },
      {"depth", "units",         "m"                      }
  };
  NomosFieldFileInput input = Input("names.nc", 2);
  NomosFieldFile      file;
  NomosFieldReader    reader;
  size_t              n, shape[NOMOS_FIELD_MAX_DIMS + 1];
  const char *const  *names, *dim;
  char               *text, *config;
  int                 n_dims;
  bool                has;

  ck_assert_ptr_nonnull(config = malloc(200001));
  memset(config, 'c', 200000); /* far beyond what an object header holds */
  config[200000]    = '\0';
  input.config_yaml = config;
  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  ck_ok(NomosFieldFileClose(&file));
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_WORLD, path, &reader));
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ck_ok(NomosFieldReaderAttribute(reader, texts[i][0], texts[i][1], &text));
    ck_assert_msg(text && !strcmp(text, texts[i][2]), "%s:%s = %s", texts[i][0] ? texts[i][0] : "", texts[i][1], text ? text : "(absent)");
    ck_ok(PetscFree(text));
  }
  ck_ok(NomosFieldReaderAttribute(reader, NULL, "config", &text));
  ck_assert_str_eq(text, config);
  ck_ok(PetscFree(text));
  ck_ok(NomosFieldReaderAttribute(reader, "x", "_Netcdf4Dimid", &text));
  ck_assert_str_eq(text, "3");
  ck_ok(PetscFree(text));
  ck_ok(NomosFieldReaderAttribute(reader, "q", "standard_name", &text));
  ck_assert_ptr_null(text);
  ck_ok(NomosFieldReaderVariables(reader, &n, &names));
  ck_assert_uint_eq(n, 3);
  for (size_t i = 0; i < 3; i++) ck_assert_str_eq(names[i], variables[i].name);
  ck_ok(NomosFieldReaderShape(reader, "q", &n_dims, shape));
  ck_assert_int_eq(n_dims, 4);
  ck_assert(shape[1] == NL && shape[2] == NY && shape[3] == NX);
  for (int i = 0; i < 4; i++) {
    ck_ok(NomosFieldReaderDimName(reader, "q", i, &dim));
    ck_assert_str_eq(dim, ((const char *[]){"time", "layer", "y", "x"})[i]);
  }
  ck_ok(NomosFieldReaderDimName(reader, "x", 0, &dim));
  ck_assert_str_eq(dim, "x");
  ck_ok(NomosFieldReaderHas(reader, "nothing", &has));
  ck_assert(!has);
  ck_refused(NomosFieldReaderShape(reader, "nothing", &n_dims, shape), "has no dataset nothing");
  ck_refused(NomosFieldReaderDimName(reader, "x", 1, &dim), "there is no dimension 1");
  ck_refused(NomosFieldReaderRead(reader, "x", (size_t[]){NX}, (size_t[]){1}, x), "along dimension 0");
  ck_ok(NomosFieldReaderClose(&reader));
  free(config);
  CheckNothingLeft(ck_directory);
}
END_TEST

/* A frame beyond the largest chunk is cut into slabs (1031 is prime: the last one is padded); a long time axis shares chunks. */
START_TEST(large_and_tiny_frames)
{
  enum { ROWS    = 1031,
         COLUMNS = 1100 };
  double       *values, *block;
  NomosFieldDim large_dims[] = {
      {.name = "a", .size = 2, .values = layer},
      {.name = "b",           .size = ROWS         },
      {.name = "c",           .size = COLUMNS}
  };
  NomosFieldVariable large =
                         {
                             .name = "field", .dims = {"a", "b", "c"},
                                  .type = NOMOS_F64
  },
                     tiny   = {.name = "scalar", .type = NOMOS_F32};
  NomosFieldFileInput input = Input("large.nc", 3);
  NomosFieldFile      file;
  NomosFieldReader    reader;
  const size_t        many     = n_ranks == 1 ? 70000 : 2000; /* more than a chunk */
  size_t              start[3] = {0}, count[3] = {2, 0, COLUMNS}, n;

  ck_assert_ptr_nonnull(values = malloc(sizeof *values * 2 * ROWS * COLUMNS));
  ck_assert_ptr_nonnull(block = malloc(sizeof *block * 2 * ROWS * COLUMNS));
  for (size_t i = 0; i < 2 * ROWS * COLUMNS; i++) values[i] = (double)i;
  large_dims[1].values = large_dims[2].values = values;
  input.dims                                  = large_dims;
  input.variables                             = &large;
  input.n_variables                           = 1;
  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  Share(ROWS, &start[1], &count[1]);
  for (size_t f = 0; f < 2; f++) {
    for (size_t a = 0, at = 0; a < 2; a++) {
      for (size_t i = 0; i < count[1] * COLUMNS; i++, at++) block[at] = values[(a * ROWS + start[1]) * COLUMNS + i] + 0.25 * (double)f;
    }
    ck_ok(NomosFieldFileBeginFrame(file, (double)f, (int64_t)f));
    ck_ok(NomosFieldFileWrite(file, "field", NOMOS_F64, start, count, block));
    ck_ok(NomosFieldFileEndFrame(file));
  }
  for (int closed = 0; closed < 2; closed++) {
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
    for (size_t f = 0; f < 2; f++) {
      ck_ok(NomosFieldReaderRead(reader, "field", (size_t[]){f, 0, 0, 0}, (size_t[]){1, 2, ROWS, COLUMNS}, block));
      n = 0;
      for (size_t i = 0; i < 2 * ROWS * COLUMNS; i++) n += block[i] != values[i] + 0.25 * (double)f;
      ck_assert_uint_eq(n, 0);
    }
    ck_ok(NomosFieldReaderClose(&reader));
    ck_ok(NomosFieldFileClose(&file));
  }

  input             = Input("tiny.nc", many);
  input.variables   = &tiny;
  input.n_variables = 1;
  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  PetscErrorCode failed = 0;
  for (size_t f = 0; f < many && !failed; f++) {
    const double value = sqrt((double)f);
    failed             = NomosFieldFileBeginFrame(file, value, (int64_t)f);
    if (!failed) failed = NomosFieldFileWrite(file, "scalar", NOMOS_F64, NULL, NULL, &value);
    if (!failed) failed = NomosFieldFileEndFrame(file);
  }
  ck_ok(failed);
  ck_ok(NomosFieldFileClose(&file));
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderFrames(reader, &n));
  ck_assert_uint_eq(n, many);
  ck_ok(NomosFieldReaderRead(reader, "scalar", (size_t[]){0}, (size_t[]){many}, block));
  n = 0;
  for (size_t f = 0; f < many; f++) n += block[f] != (float)sqrt((double)f);
  ck_assert_uint_eq(n, 0);
  ck_ok(NomosFieldReaderClose(&reader));
  free(values);
  free(block);
  CheckNothingLeft(ck_directory);
}
END_TEST

START_TEST(resume_goes_on)
{
  const int64_t       steps[] = {0, 1, 2, 3, 4, 5, 6};
  NomosFieldFileInput input;
  NomosFieldFile      file, interrupted;

  /* interrupted (not closed) with and without room, closed and trimmed, compressed; more room asked for than there was */
  for (int way = 0; way < 4; way++) {
    for (int64_t last = -1; last < 5; last += 2) {
      input             = Input("resume.nc", way == 1 ? 2 : 9);
      input.compression = way == 3 ? 4 : 0;
      ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &interrupted));
      WriteVariable(interrupted, 3, 0, NOMOS_F64, false);
      for (size_t f = 0; f < 5; f++) WriteFrame(interrupted, steps[f]);
      if (way > 1) ck_ok(NomosFieldFileClose(&interrupted));
      ck_ok(NomosFieldFileResume(PETSC_COMM_WORLD, &input, last, &file));
      ck_assert_uint_eq(NomosFieldFileFrames(file), last < 4 ? (size_t)last + 1 : 5);
      CheckFrames(NomosFieldFileFrames(file), steps);
      for (size_t f = NomosFieldFileFrames(file); f < 7; f++) WriteFrame(file, steps[f]);
      ck_ok(NomosFieldFileClose(&file));
      CheckFrames(7, steps);
      CheckDepth();
      if (way <= 1) {
        ck_ok(NomosFieldFileBeginFrame(interrupted, 0, 0)); /* never ended; closing leaves what another run has made of the file */
        NomosErrorSetQuiet(true);
        (void)NomosFieldFileClose(&interrupted);
        NomosErrorSetQuiet(false);
      }
    }
  }
  CheckNothingLeft(ck_directory);
}
END_TEST

START_TEST(resume_checks_the_definition)
{
  NomosFieldDim       other_dims[3];
  NomosFieldVariable  other[4];
  NomosFieldFileInput input = Input("definition.nc", 3);
  NomosFieldFile      file;
  double              moved[NX];

  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  WriteFrame(file, 0);
  ck_ok(NomosFieldFileClose(&file));
  input.dims      = other_dims;
  input.variables = other;
#define REFUSED(change, sentence) \
  memcpy(other_dims, dims, sizeof dims); \
  memcpy(other, variables, sizeof variables); \
  change; \
  ck_refused(NomosFieldFileResume(PETSC_COMM_WORLD, &input, 0, &file), sentence); \
  ck_assert_ptr_null(file)
  REFUSED(other[0].type = NOMOS_F64, "q is stored in another precision (4 bytes a number, this run writes 8)");
  REFUSED(other[1].name = "phi", "it has no phi");
  REFUSED(other_dims[2].size = NX - 1, "dimension 0 of x has size 10, this run writes 9");
  REFUSED(other[1].constant = true, "psi has 3 dimensions, this run writes 2");
  memcpy(moved, x, sizeof x);
  moved[3] += 1;
  REFUSED(other_dims[2].values = moved, "its coordinate x[3] is 875, this run writes 876");
  REFUSED(other_dims[0].name = "level"; other[0].dims[0] = "level", "it has no level");
#undef REFUSED
  CheckFrames(1, (int64_t[]){0});
  input = Input("missing.nc", 3);
  ck_refused(NomosFieldFileResume(PETSC_COMM_WORLD, &input, 0, &file), "missing.nc: cannot open: No such file or directory");
  CheckNothingLeft(ck_directory);
}
END_TEST

START_TEST(wrong_use_is_refused)
{
  NomosFieldDim       bad_dims[3];
  NomosFieldVariable  bad[4];
  NomosFieldFileInput input = Input("wrong.nc", 3);
  NomosFieldFile      file;
  double              data[NL * NY * NX] = {0};

  input.dims      = bad_dims;
  input.variables = bad;
#define REFUSED(change, sentence) \
  memcpy(bad_dims, dims, sizeof dims); \
  memcpy(bad, variables, sizeof variables); \
  change; \
  ck_refused(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file), sentence); \
  ck_assert_ptr_null(file)
  REFUSED(bad[1].name = "q", "the name q is given twice");
  REFUSED(bad[1].name = "step", "the name step is given twice");
  REFUSED(bad_dims[1].name = "time", "the name time is given twice");
  REFUSED(bad[1].name = "a/b", "cannot name a variable");
  REFUSED(bad[1].name = "", "cannot name a variable");
  REFUSED(bad[1].dims[0] = "z", "variable psi is over z, which is none of the dimensions");
  REFUSED(bad_dims[0].size = 0, "dimension layer has no coordinates");
  REFUSED(input.compression = 10, "compression = 10: must be 0 (none) to 9");
  input.compression = 0;
  REFUSED(input.capacity = (size_t)1 << 50, "are free on this device");
  input.capacity = 3;
  REFUSED(input.path = "/nowhere/at/all.nc", "/nowhere/at/all.nc: cannot write there: No such file or directory");
  REFUSED(input.path = ck_directory, "annot"); /* a directory */
  REFUSED(input.path = "", "give a path");
#undef REFUSED

  input = Input("wrong.nc", 3);
  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  const size_t start[3] = {0}, all[3] = {NL, NY, NX}, beyond[3] = {NL, NY + 1, NX}, none[3] = {0};
  ck_refused(NomosFieldFileWrite(file, "q", NOMOS_F64, start, all, data), "outside a frame");
  ck_refused(NomosFieldFileEndFrame(file), "not begun");
  ck_refused(NomosFieldFileBeginFrame(file, NAN, 0), "is not finite");
  ck_ok(NomosFieldFileBeginFrame(file, 0, 0));
  ck_refused(NomosFieldFileBeginFrame(file, 1, 1), "not ended");
  ck_refused(NomosFieldFileWrite(file, "r", NOMOS_F64, start, all, data), "has no variable r");
  ck_refused(NomosFieldFileEndFrame(file), "lacks q");
  /* one rank alone is wrong; every rank hears of it */
  ck_refused(NomosFieldFileWrite(file, "q", NOMOS_F64, start, rank == n_ranks - 1 ? beyond : none, data),
             "a block of 14 entries from 0 along dimension 1 does not fit its size 13");
  ck_ok(NomosFieldFileClose(&file));
  CheckFrames(0, NULL);
  CheckNothingLeft(ck_directory);
}
END_TEST

static void Write(const char name[], const char bytes[], size_t n)
{
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  if (rank == 0) {
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    fclose(out);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

START_TEST(foreign_and_damaged_files_are_refused)
{
  NomosFieldFileInput input = Input("good.nc", 3);
  NomosFieldFile      file;
  NomosFieldReader    reader;
  struct stat         status;
  char                good[NOMOS_MAX_PATH + 64];

  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  for (int64_t f = 0; f < 3; f++) WriteFrame(file, f);
  ck_ok(NomosFieldFileClose(&file));
  memcpy(good, path, sizeof path);
  ck_assert_int_eq(stat(good, &status), 0);
  char *bytes = malloc((size_t)status.st_size);
  FILE *in    = fopen(good, "rb");
  ck_assert(bytes && in && fread(bytes, 1, (size_t)status.st_size, in) == (size_t)status.st_size);
  fclose(in);
  for (size_t i = 0; i < 20; i++) {
    Write("cut.nc", bytes, (size_t)status.st_size * i / 20);
    NomosErrorClear();
    ck_refused(NomosFieldReaderOpen(PETSC_COMM_WORLD, path, &reader), "cut.nc");
    input.path = path;
    ck_refused(NomosFieldFileResume(PETSC_COMM_WORLD, &input, 10, &file), "cut.nc");
    ck_assert_ptr_null(reader);
  }
  free(bytes);
  Write("text.nc", "time,step\n0,1\n", 14);
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_WORLD, path, &reader), "is not an HDF5 or NetCDF-4 file");
  ck_refused(NomosXdmfWrite(PETSC_COMM_WORLD, path, "never.xdmf"), "is not an HDF5 or NetCDF-4 file");
  Write("classic.nc", "CDF\001\0\0\0\0", 8);
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_WORLD, path, &reader), "NetCDF-3");
  Write("empty.nc", "", 0);
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_WORLD, path, &reader), "is empty");
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_WORLD, ck_directory, &reader), "is a directory");
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_WORLD, "/nowhere.nc", &reader), "No such file");
  CheckNothingLeft(ck_directory);
}
END_TEST

/* Files of another making: HDF5 alone, no scales, integers, text, too many dimensions. */
START_TEST(any_hdf5_file_is_read)
{
  NomosFieldReader reader;
  const hsize_t    size[7]  = {3, 2, 1, 1, 1, 1, 1};
  const int        whole[6] = {1, -2, 3, 4, 5, 6};
  size_t           n, shape[NOMOS_FIELD_MAX_DIMS + 1];
  const char      *dim;
  char            *text;
  double           data[6];
  int              n_dims;

  Write("foreign.h5", "", 0);
  if (rank == 0) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(2, size, NULL),
          deep = H5Screate_simple(7, size, NULL), scalar = H5Screate(H5S_SCALAR);
    hid_t       string = H5Tcopy(H5T_C_S1), variable = H5Tcopy(H5T_C_S1), set, attribute;
    const char *unit = "metre";
    H5Tset_size(string, 5);
    H5Tset_size(variable, H5T_VARIABLE);
    set = H5Dcreate2(file, "whole", H5T_STD_I16BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, whole);
    attribute = H5Acreate2(set, "units", variable, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, variable, &unit);
    H5Aclose(attribute);
    H5Dclose(set);
    H5Dclose(H5Dcreate2(file, "words", string, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(H5Dcreate2(file, "deep", H5T_NATIVE_INT, deep, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(H5Dcreate2(file, "one", H5T_NATIVE_INT, scalar, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Gclose(H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Tclose(string);
    H5Tclose(variable);
    H5Sclose(space);
    H5Sclose(deep);
    H5Sclose(scalar);
    H5Fclose(file);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_WORLD, path, &reader));
  ck_ok(NomosFieldReaderRead(reader, "whole", (size_t[]){1, 0}, (size_t[]){2, 2}, data));
  for (int i = 0; i < 4; i++) ck_assert_double_eq(data[i], whole[i + 2]);
  ck_ok(NomosFieldReaderRead(reader, "one", NULL, NULL, data));
  ck_assert_double_eq(data[0], 0);
  ck_ok(NomosFieldReaderAttribute(reader, "whole", "units", &text));
  ck_assert_str_eq(text, "metre");
  ck_ok(PetscFree(text));
  ck_ok(NomosFieldReaderDimName(reader, "whole", 0, &dim));
  ck_assert_str_eq(dim, "");
  ck_refused(NomosFieldReaderRead(reader, "words", (size_t[]){0, 0}, (size_t[]){1, 1}, data), "words does not hold numbers");
  ck_refused(NomosFieldReaderShape(reader, "deep", &n_dims, shape), "deep has 7 dimensions; at most 6 can be read");
  ck_refused(NomosFieldReaderShape(reader, "group", &n_dims, shape), "has no dataset group");
  ck_refused(NomosFieldReaderFrames(reader, &n), "has no dataset time");
  ck_ok(NomosFieldReaderClose(&reader));
  ck_refused(NomosXdmfWrite(PETSC_COMM_WORLD, path, "never.xdmf"), "has no dataset time");
  CheckNothingLeft(ck_directory);
}
END_TEST

START_TEST(same_run_same_file)
{
  char                command[2 * NOMOS_MAX_PATH + 200];
  NomosFieldFileInput input;
  NomosFieldFile      file;

  for (int i = 0; i < 2; i++) {
    input             = Input(i ? "twice.nc" : "once.nc", 3);
    input.compression = 0;
    ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
    WriteVariable(file, 3, 0, NOMOS_F64, i);
    for (int64_t f = 0; f < 3; f++) WriteFrame(file, f);
    ck_ok(NomosFieldFileClose(&file));
  }
  snprintf(command, sizeof command, "cmp '%s/once.nc' '%s/twice.nc'", ck_directory, ck_directory);
  if (rank == 0) ck_assert_int_eq(system(command), 0);
  MPI_Barrier(MPI_COMM_WORLD);
}
END_TEST

/* A device of 6 MB that fills up while frames are written. */
START_TEST(full_disk_keeps_what_is_written)
{
  char                device[NOMOS_MAX_PATH + 32], command[2 * NOMOS_MAX_PATH + 256], target[NOMOS_MAX_PATH + 64];
  NomosFieldFileInput input = Input("unused.nc", 3);
  NomosFieldFile      file;
  int                 mounted = 0;
  int64_t             f;
  PetscErrorCode      failed = 0;

  snprintf(device, sizeof device, "%s/device", ck_directory);
  snprintf(command, sizeof command, "mkdir '%s' && mount -t tmpfs -o size=6m tmpfs '%s' 2>/dev/null", device, device);
  if (rank == 0) mounted = !system(command);
  ck_assert_int_eq(MPI_Bcast(&mounted, 1, MPI_INT, 0, MPI_COMM_WORLD), 0);
  if (!mounted) {
    if (rank == 0) printf("full_disk_keeps_what_is_written: skipped, mounting a tmpfs is refused here\n");
    return;
  }
  snprintf(target, sizeof target, "%s/fields.nc", device);
  snprintf(path, sizeof path, "%s", target);
  input.path     = target;
  input.capacity = 2000; /* 2000 frames of 2 kB: just fit, as far as can be known */
  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  for (f = 0; f < 100; f++) WriteFrame(file, f);
  snprintf(command, sizeof command, "dd if=/dev/zero of='%s/filler' bs=4k 2>/dev/null", device);
  if (rank == 0) ck_assert_int_ne(system(command), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  NomosErrorSetQuiet(true);
  for (; f < 2000 && !failed; f++) {
    double       data[NL * NY * NX] = {0};
    const size_t start[3] = {0}, all[3] = {rank ? 0 : NL, NY, NX};
    ck_ok(NomosFieldFileBeginFrame(file, 0.5 * (double)f, f));
    failed = NomosFieldFileWrite(file, "q", NOMOS_F64, start, all, data);
    if (!failed) failed = NomosFieldFileWrite(file, "psi", NOMOS_F64, start + 1, all + 1, data);
    if (!failed) failed = NomosFieldFileWrite(file, "energy", NOMOS_F64, NULL, NULL, data);
    if (!failed) failed = NomosFieldFileEndFrame(file);
  }
  NomosErrorSetQuiet(false);
  ck_assert_msg(failed && strstr(NomosErrorLast(), "fields.nc: cannot write") && strstr(NomosErrorLast(), "No space left on device"), "%s",
                NomosErrorLast());
  ck_ok(NomosFieldFileClose(&file));
  NomosFieldReader reader;
  size_t           n;
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderFrames(reader, &n));
  ck_assert_uint_eq(n, (size_t)f - 1);
  ck_ok(NomosFieldReaderClose(&reader));
  /* no room for a new file either: the old one stays */
  input.capacity = 10;
  ck_refused(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file), "fields.nc");
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderClose(&reader));
  CheckNothingLeft(device);
  snprintf(command, sizeof command, "umount '%s'", device);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(xdmf_names_frames_and_layers)
{
  NomosFieldFileInput input = Input("fields.nc", 3);
  NomosFieldFile      file;
  char                xdmf[NOMOS_MAX_PATH + 64], text[20000] = "";

  ck_ok(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  WriteVariable(file, 3, 0, NOMOS_F64, false);
  for (int64_t f = 0; f < 2; f++) WriteFrame(file, f);
  snprintf(xdmf, sizeof xdmf, "%s/fields.xdmf", ck_directory);
  ck_ok(NomosXdmfWrite(PETSC_COMM_WORLD, path, xdmf)); /* running: only the frames written */
  ck_ok(NomosFieldFileClose(&file));
  FILE *in = fopen(xdmf, "r");
  ck_assert_ptr_nonnull(in);
  ck_assert_uint_gt(fread(text, 1, sizeof text - 1, in), 0);
  fclose(in);
  ck_assert_ptr_nonnull(strstr(text, "Name=\"frame 1\""));
  ck_assert_ptr_null(strstr(text, "Name=\"frame 2\""));
  ck_assert_ptr_nonnull(strstr(text, "<Time Value=\"0.5\"/>"));
  ck_assert_ptr_nonnull(strstr(text, "Name=\"q_2\""));
  ck_assert_ptr_null(strstr(text, "Name=\"q_3\""));
  ck_assert_ptr_nonnull(strstr(text, "Name=\"depth\""));
  ck_assert_ptr_null(strstr(text, "energy"));
  ck_assert_ptr_nonnull(strstr(text, ">fields.nc:/q<"));
  ck_refused(NomosXdmfWrite(PETSC_COMM_WORLD, path, "/nowhere/fields.xdmf"),
             "/nowhere/fields.xdmf: cannot write: No such file or directory");
  CheckNothingLeft(ck_directory);
}
END_TEST

NOMOS_TEST_SUITE("field_file", frames_come_back, no_frame_is_a_file_too, names_units_and_attributes, large_and_tiny_frames, resume_goes_on,
                 resume_checks_the_definition, wrong_use_is_refused, foreign_and_damaged_files_are_refused, any_hdf5_file_is_read,
                 same_run_same_file, full_disk_keeps_what_is_written, xdmf_names_frames_and_layers)
