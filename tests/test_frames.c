/* Frames in files: whatever their axes, units, grids and masks are, they are those in memory, or are refused. */
#include "tests/library_setup.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <sys/stat.h>

static void Put(hid_t file, const char name[], int n_dims, const hsize_t shape[], const double data[])
{
  hid_t space = H5Screate_simple(n_dims, shape, NULL), set = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(set);
  H5Sclose(space);
}

static const char *Path(const char name[])
{
  static char path[NOMOS_MAX_PATH + 64];

  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

/* Two trajectories of u, its mask, times; and of w with layers. */
static void WriteFile(const char name[], size_t n, size_t frames)
{
  static double layers[2 * MAX_FRAMES * 64];
  hid_t         file = H5Fcreate(Path(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  double        mask[64], both[2 * MAX_FRAMES * 64 / 2];

  memcpy(both, storage[0], n * frames * sizeof(double));
  memcpy(both + n * frames, storage[1], n * frames * sizeof(double));
  for (size_t i = 0; i < 64; i++) mask[i] = i != 5;
  for (size_t f = 0; f < frames; f++)
    for (size_t i = 0; i < n; i++) {
      layers[(2 * f) * n + i]     = -1;
      layers[(2 * f + 1) * n + i] = storage[0][f * n + i];
    }
  Put(file, "u", 3, (hsize_t[]){2, frames, n}, both);
  Put(file, "w", 3, (hsize_t[]){frames, 2, n}, layers);
  Put(file, "seen", 1, (hsize_t[]){n}, mask);
  Put(file, "time", 1, (hsize_t[]){frames}, moments);
  Put(file, "short", 2, (hsize_t[]){frames, n - 1}, both);
  H5Fclose(file);
}

START_TEST(files_hold_the_same_as_memory)
{
  enum { N = 32, F = 40 };
  static const char *const terms[] = {"u", "u u_x"}, *const u[] = {"u"}, *const layer[] = {"w[1]"};
  NomosFrames              shape = Frames(N, 6.283185307179586, F, 0.02, Rough), memory, file;

  ck_ok(NomosFramesClose(&shape));
  for (int i = 0; i < N * F; i++) storage[1][i] = cos(storage[0][i]);
  WriteFile("u.h5", N, F);
  shape                = Shape(N, 6.283185307179586, F, 0.02);
  shape.n_trajectories = 2;
  ck_ok(NomosFramesOfArrays(&shape, values, &memory));
  NomosFramesInput read = {.path = Path("u.h5"), .n_fields = 1, .variables = u, .n_dims = 1, .length = {6.283185307179586}};
  ck_ok(NomosFramesOpen(&read, &file));
  NomosLibraryInput input = Input(&memory, 2, terms, NOMOS_FORM_STRONG);
  NomosNormal       one   = Normal(&input);
  input.frames            = &file;
  NomosNormal two         = Normal(&input);
  SameSums(&one, &two, 0);
  ck_ok(NomosNormalDestroy(&two));
  ck_ok(NomosFramesClose(&file));
  /* Points masked out are as if missing: u_x has two neighbours. */
  read.mask = "seen";
  ck_ok(NomosFramesOpen(&read, &file));
  two = Normal(&input);
  ck_assert(one.n == 2 * N * F && two.n == 2 * (N - 3) * F);
  ck_ok(NomosNormalDestroy(&two));
  ck_ok(NomosFramesClose(&file));
  /* A layer, thinned in time. */
  read.mask      = NULL;
  read.variables = layer;
  read.every     = 3;
  read.first_frame = 2;
  ck_ok(NomosFramesOpen(&read, &file));
  ck_assert(file.n_trajectories == 1 && file.n_frames[0] == 13 && file.times[0][1] == moments[5]);
  double row[N], *into = row;
  ck_ok(file.read(file.context, 0, 4, &into));
  ck_assert(!memcmp(row, storage[0] + 14 * N, sizeof row));
  ck_ok(NomosFramesClose(&file));
  ck_ok(NomosNormalDestroy(&one));
  ck_ok(NomosFramesClose(&memory));
}
END_TEST

/* h5py's truth values are an enumeration of bytes. */
START_TEST(masks_may_be_truth_values)
{
  enum { N = 32, F = 40 };
  static const char *const u[] = {"u"};
  const int8_t             values_of[] = {0, 1};
  int8_t                   mask[N];
  double                   row[N], *into = row;
  NomosFrames              frames = Frames(N, 1, F, 0.02, Wave), file;

  for (int i = 0; i < N; i++) mask[i] = i % 5 != 2;
  WriteFile("flags.h5", N, F);
  hid_t hdf5 = H5Fopen(Path("flags.h5"), H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tenum_create(H5T_STD_I8LE), space = H5Screate_simple(1, (hsize_t[]){N}, NULL);
  ck_assert(H5Tenum_insert(type, "FALSE", &values_of[0]) >= 0 && H5Tenum_insert(type, "TRUE", &values_of[1]) >= 0);
  hid_t set = H5Dcreate2(hdf5, "there", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, mask) >= 0);
  H5Dclose(set);
  H5Sclose(space);
  H5Tclose(type);
  H5Fclose(hdf5);
  ck_ok(NomosFramesOpen(&(NomosFramesInput){.path = Path("flags.h5"), .n_fields = 1, .variables = u, .n_dims = 1, .length = {1}, .mask = "there"}, &file));
  ck_ok(file.read(file.context, 0, 3, &into));
  for (int i = 0; i < N; i++) ck_assert(mask[i] ? row[i] == storage[0][3 * N + i] : isnan(row[i]));
  ck_ok(NomosFramesClose(&file));
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* A list as the scale of axes of datasets: its name, and which axis of which datasets. */
static void PutScale(hid_t file, const char name[], size_t n, const double data[], unsigned axis, const char dataset[])
{
  if (H5Lexists(file, name, H5P_DEFAULT) <= 0) Put(file, name, 1, (hsize_t[]){n}, data);
  hid_t scale = H5Dopen2(file, name, H5P_DEFAULT), set = H5Dopen2(file, dataset, H5P_DEFAULT);

  ck_assert((H5DSis_scale(scale) > 0 || H5DSset_scale(scale, name) >= 0) && H5DSattach_scale(set, scale, axis) >= 0);
  H5Dclose(scale);
  H5Dclose(set);
}

/* Files of a folder may have one trajectory without an axis for it, or several with one. */
START_TEST(files_of_a_folder_have_axes_of_their_own)
{
  enum { N = 16, F = 12 };
  static const char *const u[] = {"u"};
  NomosFrames              frames = Frames(N, 1, F, 0.02, Wave), file;
  double                   row[N], *into = row;

  for (int i = 0; i < N * F; i++) storage[1][i] = cos(storage[0][i]);
  for (int order = 0; order < 2; order++) {
    char folder[64], path[NOMOS_MAX_PATH + 64];
    snprintf(folder, sizeof folder, "folder_%d", order);
    snprintf(path, sizeof path, "%s", Path(folder));
    ck_assert(!mkdir(path, 0777));
    for (int k = 0; k < 2; k++) {
      snprintf(folder, sizeof folder, "folder_%d/%c.h5", order, "ab"[k]);
      hid_t hdf5 = H5Fcreate(Path(folder), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
      if (k == order) Put(hdf5, "u", 2, (hsize_t[]){F, N}, storage[1]);
      else {
        double both[2 * N * F];
        memcpy(both, storage[0], N * F * sizeof *both);
        for (int i = 0; i < N * F; i++) both[N * F + i] = -storage[0][i];
        Put(hdf5, "u", 3, (hsize_t[]){2, F, N}, both);
      }
      Put(hdf5, "time", 1, (hsize_t[]){F}, moments);
      H5Fclose(hdf5);
    }
    ck_ok(NomosFramesOpen(&(NomosFramesInput){.path = path, .n_fields = 1, .variables = u, .n_dims = 1, .length = {1}}, &file));
    ck_assert(file.n_trajectories == 3);
    for (size_t trajectory = 0; trajectory < 3; trajectory++) {
      const bool   alone = order ? trajectory == 2 : trajectory == 0;
      const double sign  = !alone && trajectory == (order ? 1 : 2) ? -1 : 1;
      for (size_t frame = 0; frame < F; frame++) {
        ck_ok(file.read(file.context, trajectory, frame, &into));
        for (size_t i = 0; i < N; i++) ck_assert(row[i] == sign * storage[alone][frame * N + i]);
      }
    }
    ck_ok(NomosFramesClose(&file));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Names of axes are believed: an axis of space is not one of trajectories, nor the other way round. */
START_TEST(axes_with_scales)
{
  enum { F = 12, N = 9 };
  static const struct {
    const char *scales[3], *refused; /* NULL: not refused */
    double      length;
    int         n_dims;
  } files[] = {
    {{"trajectory", "time", "x"}, NULL, 0, 1},
    {{"sample", "time", "x"}, NULL, 0, 1},
    {{"time", "y", "x"}, NULL, 0, 2},
    {{"y", "time", "x"}, "axis 0 of u is called 'y', and it would be taken for that of trajectories; the axes are (time, space) or (trajectory, time, space)", 0, 0},
    {{"z", "t", "x"}, "axis 0 of u is called 'z', and it would be taken for that of trajectories", 0, 0},
    {{"y", "time", "x"}, "axis 0 of u is called 'y'", 2, 0},
    {{"time", "y", "x"}, "axis 0 of u is called 'time', and it would be taken for that of trajectories", 2, 0},
    {{"x", "time"}, "axis 0 of u is called 'x', and it would be taken for that of trajectories", 0, 0},
    {{"x", "time"}, "axis 0 of u is called 'x', and it would be taken for that of time", 2, 0},
    {{"trajectory", "time"}, NULL, 0, 0},
    {{"time", "x"}, NULL, 0, 1},
  };
  static const char *const u[] = {"u"};
  double                   ramp[F * F * F];

  for (size_t i = 0; i < F * F * F; i++) ramp[i] = 0.25 * (double)i;
  for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
    hsize_t       shape[3];
    unsigned      n = 0;
    NomosFrames   file;
    for (; n < 3 && files[k].scales[n]; n++) shape[n] = files[k].scales[n][0] == 't' && files[k].scales[n][1] != 'r' ? F : N;
    hid_t hdf5 = H5Fcreate(Path("named.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    Put(hdf5, "u", (int)n, shape, ramp);
    for (unsigned d = 0; d < n; d++) PutScale(hdf5, files[k].scales[d], shape[d], ramp, d, "u");
    H5Fclose(hdf5);
    NomosFramesInput read = {.path = Path("named.h5"), .n_fields = 1, .variables = u, .n_dims = files[k].length > 0 ? 1 : -1, .length = {files[k].length}};
    if (files[k].refused) {
      ck_refused(NomosFramesOpen(&read, &file), files[k].refused);
      continue;
    }
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert_msg(file.n_dims == files[k].n_dims && file.n_frames[0] == F, "file %zu: %d axes of space, %zu frames", k, file.n_dims, file.n_frames[0]);
    ck_ok(NomosFramesClose(&file));
  }
}
END_TEST

/* All variables of all files are at the same points, but for a thousandth of their distance and what float32 rounds. */
START_TEST(grids_are_the_same)
{
  enum { N = 32, F = 12 };
  static const char *const uv[] = {"u", "v"};
  static const struct {
    double      v, b, begin; /* v and the second file are shifted by parts of the distance of points; of the first point */
    bool        single;
    const char *refused;
  } grids[] = {
    {0, 0, 0, false, NULL},
    {5e-4, -5e-4, 0, false, NULL},
    {0.5, 0, 0, false, "a.h5: the points of v along x begin at 0.125 and lie 0.25 apart, those of u in "},
    {2e-3, 0, 0, false, "a.h5: the points of v along x begin at 0.0005 and lie 0.25 apart"},
    {0, 0.5, 0, false, "b.h5: the points of u along x begin at 0.125 and lie 0.25 apart, those of u in "},
    {0, -1, 0, false, "grids_5/a.h5 begin at 0 and lie 0.25 apart; all grids must be the same"},
    {0, 0, 30000.1, true, NULL}, /* numbers there are 0.002 apart */
    {0.5, 0, 30000.1, true, "the points of v along x begin at 30000.2"},
  };
  NomosFrames frames = Frames(N, 1, F, 0.02, Wave), file;

  for (size_t k = 0; k < sizeof grids / sizeof *grids; k++) {
    char name[64], folder[NOMOS_MAX_PATH + 64];
    snprintf(name, sizeof name, "grids_%zu", k);
    snprintf(folder, sizeof folder, "%s", Path(name));
    ck_assert(!mkdir(folder, 0777));
    for (int b = 0; b < 2; b++) {
      double x[2][N];
      for (int i = 0; i < N; i++)
        for (int v = 0; v < 2; v++) {
          x[v][i] = grids[k].begin + 0.25 * (i + v * grids[k].v + b * grids[k].b);
          if (grids[k].single && b == 0) x[v][i] = (float)x[v][i];
        }
      snprintf(name, sizeof name, "grids_%zu/%c.h5", k, "ab"[b]);
      hid_t hdf5 = H5Fcreate(Path(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
      for (int v = 0; v < 2; v++) {
        Put(hdf5, uv[v], 2, (hsize_t[]){F, N}, storage[0]);
        PutScale(hdf5, "time", F, moments, 0, uv[v]);
        PutScale(hdf5, v ? "x_of_v" : "x", N, x[v], 1, uv[v]);
      }
      H5Fclose(hdf5);
    }
    NomosFramesInput read = {.path = folder, .n_fields = 2, .variables = uv, .n_dims = -1};
    if (grids[k].refused) {
      ck_refused(NomosFramesOpen(&read, &file), grids[k].refused);
      continue;
    }
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert(file.n_trajectories == 2 && fabs(file.length[0] - 8) < 1e-2);
    ck_ok(NomosFramesClose(&file));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* A file with names and units of somebody else: axes are told apart by the name of the times, lengths and times become m and s, other units stay; what counts from a date in an unknown one is refused. */
START_TEST(units_of_coordinates_become_si)
{
  enum { N = 32, F = 40 };
  static const char *const u[] = {"heat"}, *const scales[2] = {"moment", "east"}, *const units[][2] = {{"hours since 2020-01-01 00:00", "km"}, {"1", "degrees_east"}, {"milliseconds since 1970-01-01", "kilometers"}, {"weeks", "centimetres"}, {"nanoseconds since 1970-01-01", "m"}, {"months since 2020-01-01", "m"}, {"km since 2020-01-01", "m"}};
  static const double      factors[][2] = {{3600, 1000}, {1, 1}, {1e-3, 1e3}, {7 * 86400, 1e-2}, {1e-9, 1}, {0}, {0}};
  NomosFrames              frames = Frames(N, 1, F, 0.02, Wave), file;
  double                   x[N];

  for (size_t i = 0; i < N; i++) x[i] = 0.25 * (double)i - 4;
  for (int k = 0; k < 7; k++) {
    hid_t hdf5 = H5Fcreate(Path("own.nc"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    Put(hdf5, "heat", 2, (hsize_t[]){F, N}, storage[0]);
    Put(hdf5, "moment", 1, (hsize_t[]){F}, moments);
    Put(hdf5, "east", 1, (hsize_t[]){N}, x);
    hid_t heat = H5Dopen2(hdf5, "heat", H5P_DEFAULT);
    for (unsigned d = 0; d < 2; d++) {
      hid_t scale = H5Dopen2(hdf5, scales[d], H5P_DEFAULT);
      ck_assert(H5DSset_scale(scale, scales[d]) >= 0 && H5DSattach_scale(heat, scale, d) >= 0 && H5LTset_attribute_string(hdf5, scales[d], "units", units[k][d]) >= 0);
      H5Dclose(scale);
    }
    H5Dclose(heat);
    H5Fclose(hdf5);
    NomosFramesInput read = {.path = Path("own.nc"), .n_fields = 1, .variables = u, .n_dims = -1};
    ck_refused(NomosFramesOpen(&read, &file), "the first axis of heat is called 'moment' and not time");
    read.time = "moment";
    if (factors[k][0] == 0) {
      ck_refused(NomosFramesOpen(&read, &file), k == 5 ? "moment counts 'months' since a date (the attribute units), and unknown unit months" : "moment counts 'km' since a date (the attribute units), and that is no time");
      continue;
    }
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert(file.n_dims == 1 && file.n[0] == N && file.n_frames[0] == F);
    ck_assert(fabs(file.length[0] - 8 * factors[k][1]) < 1e-9 && fabs(file.origin[0] + 4 * factors[k][1]) < 1e-9);
    for (size_t i = 0; i < F; i++) ck_assert(file.times[0][i] == moments[i] * factors[k][0]);
    ck_ok(NomosFramesClose(&file));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Ends that are not periodic on any side, in the words of the solvers and of The Well. */
START_TEST(files_say_what_their_ends_are)
{
  enum { N = 32, F = 40 };
  static const char *const u[] = {"u"};
  static const struct {
    const char *name, *text;
    bool        open;
  } said[] = {{"title", "wall", false}, {"boundary_x", "periodic", false}, {"boundary_x", "wall", true}, {"boundary_x", "outflow", true}, {"boundary_x_high", "value", true}, {"boundary_y", "wall", false}};
  NomosFrames frames = Frames(N, 1, F, 0.02, Wave), file;

  for (size_t k = 0; k < sizeof said / sizeof *said; k++) {
    WriteFile("ends.h5", N, F);
    hid_t hdf5 = H5Fopen(Path("ends.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert(H5LTset_attribute_string(hdf5, "/", said[k].name, said[k].text) >= 0);
    H5Fclose(hdf5);
    NomosFramesInput read = {.path = Path("ends.h5"), .n_fields = 1, .variables = u, .n_dims = 1, .length = {1}};
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert_msg(file.open == said[k].open, "%s: %s", said[k].name, said[k].text);
    ck_ok(NomosFramesClose(&file));
  }
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

/* Files without scales: the dataset of times says by its length which axis is time, x and y are coordinates where they fit, and what could be either is refused. */
START_TEST(axes_without_scales)
{
  enum { F = 12, N = 9, M = 3 };
  typedef struct {
    const char *name;
    int         n_dims;
    hsize_t     shape[4];
  } Set;
  static const struct {
    Set         sets[5];
    const char *variable, *time, *refused; /* NULL: not refused */
    double      time_step, length;
    int         n_dims;
    size_t      n_trajectories, n_frames;
  } files[] = {
    {{{"u", 1, {F}}, {"time", 1, {F}}}, "u", "", NULL, 0, 0, 0, 1, F},
    {{{"u", 1, {F}}, {"t", 1, {F}}}, "u", "", NULL, 0, 0, 0, 1, F},
    {{{"u", 1, {F}}, {"clock", 1, {F}}}, "u", "clock", NULL, 0, 0, 0, 1, F},
    {{{"u", 1, {F}}}, "u", "", NULL, 0.1, 0, 0, 1, F},
    {{{"u", 1, {F}}}, "u", "", "has no dataset time or t", 0, 0, 0, 0, 0},
    {{{"u", 2, {F, 2}}, {"t", 1, {F}}}, "u[1]", "", NULL, 0, 0, 0, 1, F},
    {{{"x", 2, {M, F}}, {"t", 1, {F}}}, "x", "", NULL, 0, 0, 0, M, F},
    {{{"x", 2, {M, F}}, {"t", 2, {M, F}}}, "x", "", NULL, 0, 0, 0, M, F},
    {{{"x", 2, {F, F}}, {"t", 2, {F, F}}}, "x", "", NULL, 0, 0, 0, F, F},
    {{{"u", 2, {F, N}}, {"t", 1, {F}}, {"x", 1, {N}}}, "u", "", NULL, 0, 0, 1, 1, F},
    {{{"u", 2, {F, N}}, {"t", 1, {F}}}, "u", "", "axis 1 of u has no coordinates; give the length of the domain (data.length), or a dataset x with its 9 points", 0, 0, 0, 0, 0},
    {{{"u", 2, {F, N}}, {"t", 1, {F}}}, "u", "", NULL, 0, 2, 1, 1, F},
    {{{"u", 2, {F, N}}}, "u", "", "nothing says which one is time", 0.1, 0, 0, 0, 0},
    {{{"u", 3, {M, F, N}}, {"t", 1, {F}}, {"x", 1, {N}}}, "u", "", NULL, 0, 0, 1, M, F},
    {{{"u", 3, {F, M, N}}, {"t", 1, {F}}, {"x", 1, {N}}, {"y", 1, {M}}}, "u", "", NULL, 0, 0, 2, 1, F},
    {{{"u", 4, {M, F, M, N}}, {"t", 1, {F}}, {"x", 1, {N}}, {"y", 1, {M}}}, "u", "", NULL, 0, 0, 2, M, F},
    {{{"u", 2, {F, F}}, {"t", 1, {F}}, {"x", 1, {F}}}, "u", "", NULL, 0, 0, 1, 1, F},
    {{{"u", 2, {F, F}}, {"t", 1, {F}}}, "u", "", "both as long as t", 0, 0, 0, 0, 0},
    {{{"u", 2, {N, F}}, {"t", 1, {F}}, {"x", 1, {N}}}, "u", "", "write it over (time, x)", 0, 0, 0, 0, 0},
    {{{"u", 2, {N, M}}, {"t", 1, {F}}}, "u", "", "no axis of u, of 9 and 3 entries, is as long as the 12 times of t", 0, 0, 0, 0, 0},
  };
  double ramp[M * F * M * N], clock[F * F];

  for (size_t i = 0; i < M * F * M * N; i++) ramp[i] = 0.25 * (double)i;
  for (size_t i = 0; i < F * F; i++) clock[i] = 0.25 * (double)(i % F);
  for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
    NomosFramesInput read = {.path = Path("plain.h5"), .n_fields = 1, .variables = &files[k].variable, .n_dims = files[k].length > 0 ? 1 : -1, .time = files[k].time, .time_step = files[k].time_step, .length = {files[k].length}};
    NomosFrames      file;
    hid_t            hdf5 = H5Fcreate(read.path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (const Set *set = files[k].sets; set->name; set++) Put(hdf5, set->name, set->n_dims, set->shape, set->n_dims == 2 && set->name[0] == 't' ? clock : ramp);
    H5Fclose(hdf5);
    if (files[k].refused) {
      ck_refused(NomosFramesOpen(&read, &file), files[k].refused);
      continue;
    }
    ck_ok(NomosFramesOpen(&read, &file));
    ck_assert_msg(file.n_dims == files[k].n_dims && file.n_trajectories == files[k].n_trajectories && file.n_frames[0] == files[k].n_frames, "file %zu: %d axes of space, %zu trajectories of %zu frames", k, file.n_dims, file.n_trajectories, file.n_frames[0]);
    if (file.n_dims) ck_close(file.length[file.n_dims - 1], files[k].length > 0 ? files[k].length : 0.25 * (double)file.n[file.n_dims - 1], 1e-12);
    ck_ok(NomosFramesClose(&file));
  }
}
END_TEST

START_TEST(what_is_wrong_with_files_is_said)
{
  enum { N = 32, F = 40 };
  static const char *const missing[] = {"z"}, *const layered[] = {"w"}, *const beyond[] = {"w[2]"}, *const bad[] = {"w[x]"}, *const two[] = {"u", "short"}, *const u[] = {"u"};
  NomosFrames              frames    = Frames(N, 6.283185307179586, F, 0.02, Rough);
  NomosFrames              file;

  WriteFile("u.h5", N, F);
  NomosFramesInput read = {.path = Path("u.h5"), .n_fields = 1, .variables = missing, .n_dims = 1, .length = {6.283185307179586}};
  ck_refused(NomosFramesOpen(&read, &file), "has no dataset z; it has seen, short, u, w");
  read.variables = beyond;
  ck_refused(NomosFramesOpen(&read, &file), "w has 2 entries before space; 2 counts from 0");
  read.variables = bad;
  ck_refused(NomosFramesOpen(&read, &file), "'w[x]' names no dataset");
  read.variables = two;
  read.n_fields  = 2;
  ck_refused(NomosFramesOpen(&read, &file), "short has 31 points along x, u has 32");
  read.n_fields  = 1;
  read.variables = u;
  read.length[0] = 0;
  ck_refused(NomosFramesOpen(&read, &file), "has no coordinates; give the length of the domain");
  read.length[0]   = 1;
  read.first_frame = 50;
  ck_refused(NomosFramesOpen(&read, &file), "has 40 frames; 50 are to be left out at first");
  read.first_frame = 0;
  read.time        = "clock";
  ck_refused(NomosFramesOpen(&read, &file), "has no dataset clock");
  moments[7] = moments[6];
  WriteFile("backwards.h5", N, F);
  read.time = NULL;
  read.path = Path("backwards.h5");
  ck_refused(NomosFramesOpen(&read, &file), "times do not ascend: frame 6 is at 0.12, the next one at 0.12");
  read.path      = Path("nothing.h5");
  ck_refused(NomosFramesOpen(&read, &file), "cannot be read");
  read.path      = Path("u.h5");
  read.variables = layered;
  read.n_dims    = 2;
  ck_refused(NomosFramesOpen(&read, &file), "axis 2 of w has no coordinates");
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

NOMOS_TEST_SUITE("frames", files_hold_the_same_as_memory, masks_may_be_truth_values, files_of_a_folder_have_axes_of_their_own, axes_with_scales, grids_are_the_same, units_of_coordinates_become_si,
                 files_say_what_their_ends_are, axes_without_scales, what_is_wrong_with_files_is_said)
