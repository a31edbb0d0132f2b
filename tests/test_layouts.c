/* Files in the layouts of PDEBench and The Well: a value that is written at a place is read at that place, whatever the order of the axes and the compression; damage is found. */
#include "harness.h"
#include "io/field_file.h"
#include "io/hdf5_impl.h"
#include "io/lzf.h"
#include "operators/random.h"
#include "surrogates/dataset.h"

enum { N = 5, T = 4, X = 6, Y = 3, Z = 2 };

static char path[NOMOS_MAX_PATH];

static const char *Path(const char name[])
{
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

/* ---- LZF */

/* Bytes with repetitions of many lengths and distances. */
static void Fill(uint64_t seed, size_t n, uint8_t bytes[])
{
  for (size_t i = 0; i < n;) {
    const uint64_t back = NomosRandomIndex(seed, 1, i, 9000) + 1, length = NomosRandomIndex(seed, 2, i, 400) + 1, kind = NomosRandomIndex(seed, 3, i, 3);
    for (size_t k = 0; k < length && i < n; k++, i++) bytes[i] = kind && back <= i ? bytes[i - back] : (uint8_t)NomosRandomIndex(seed, 4, i, 256);
  }
}

START_TEST(lzf_gives_back_what_it_took)
{
  static uint8_t in[50000], packed[60000], out[50000];

  for (size_t n = 1; n <= sizeof in; n = n * 3 / 2 + 1) {
    Fill(n, n, in);
    const size_t bytes = NomosLzfCompress(in, n, packed, sizeof packed);
    ck_assert(bytes > 0 && bytes <= n + n / 32 + 1);
    ck_assert_uint_eq(NomosLzfExpandedSize(packed, bytes), n);
    ck_assert(NomosLzfExpand(packed, bytes, out, n) && !memcmp(in, out, n));
    ck_assert(!NomosLzfExpand(packed, bytes, out, n - 1)); /* another size is an error */
    ck_assert_uint_eq(NomosLzfCompress(in, n, packed, bytes - 1), 0);
  }
  memset(in, 7, sizeof in); /* 264 bytes by three at best */
  ck_assert(NomosLzfCompress(in, sizeof in, packed, sizeof packed) < sizeof in / 80);
}
END_TEST

/* Streams by hand: literals; a short copy that overlaps itself; a long one; the farthest back. */
START_TEST(lzf_by_its_description)
{
  const uint8_t copy[] = {1, 'a', 'b', 2 << 5, 1, 7 << 5, 3, 5};
  uint8_t       out[18];

  ck_assert_uint_eq(NomosLzfExpandedSize(copy, sizeof copy), 2 + 4 + 12);
  ck_assert(NomosLzfExpand(copy, sizeof copy, out, sizeof out) && !memcmp(out, "abababababababababab", sizeof out));
  ck_assert(!NomosLzfExpand((const uint8_t[]){0, 'a', 1 << 5, 1}, 4, out, 4)); /* from before the beginning */
  ck_assert_uint_eq(NomosLzfExpandedSize(copy, sizeof copy - 1), 0);
}
END_TEST

/* Whatever the bytes, expanding stays inside its buffers (the sanitizers watch) and makes as many bytes as it said. */
START_TEST(lzf_damaged)
{
  for (uint64_t trial = 0; trial < 3000; trial++) {
    const size_t n  = NomosRandomIndex(1, 0, trial, 600) + 1;
    uint8_t     *in = malloc(n), *out;
    for (size_t i = 0; i < n; i++) in[i] = (uint8_t)NomosRandomIndex(trial, 5, i, trial % 2 ? 256 : 40);
    const size_t size = NomosLzfExpandedSize(in, n), room = trial % 3 ? size : NomosRandomIndex(2, 0, trial, 1000);
    out               = malloc(room + 1);
    if (NomosLzfExpand(in, n, out, room)) ck_assert_uint_eq(room, size);
    free(out);
    free(in);
  }
}
END_TEST

/* ---- files */

static hid_t OpenNew(const char name[])
{
  NomosVerdict verdict = {0};
  hid_t        file    = NomosH5Create(Path(name), 2048, &verdict);

  ck_assert_msg(file >= 0, "%s", verdict.text);
  return file;
}

/* The value of field f at its place. */
static double ValueAt(size_t f, size_t n, size_t t, size_t z, size_t y, size_t x)
{
  return (double)(((((f * 8 + n) * 8 + t) * 8 + z) * 8 + y) * 8 + x);
}

/* A dataset of float32; axes name its dimensions: d n t x y z c, the components being fields from `field` on. Absent axes count as index 0. lzf: chunks of one leading entry. */
static void Put(hid_t location, const char name[], const char axes[], size_t field, size_t trajectory, bool lzf)
{
  static const char letters[] = "dntxyzc";
  static const size_t sizes[] = {1, N, T, X, Y, Z, 2};
  hsize_t size[8], chunk[8], total = 1;
  int     n_dims = (int)strlen(axes);

  for (int d = 0; d < n_dims; d++) {
    size[d]  = sizes[strchr(letters, axes[d]) - letters];
    chunk[d] = d ? size[d] : 1;
    total *= size[d];
  }
  float *data = malloc(total * sizeof *data);
  for (hsize_t i = 0; i < total; i++) {
    size_t  at[7] = {0, trajectory};
    hsize_t rest  = i;
    for (int d = n_dims - 1; d >= 0; rest /= size[d--]) at[strchr(letters, axes[d]) - letters] = rest % size[d];
    data[i] = (float)ValueAt(field + at[6], at[1], at[2], at[5], at[4], at[3]);
  }
  hid_t space = H5Screate_simple(n_dims, size, NULL), properties = H5Pcreate(H5P_DATASET_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  if (lzf) {
    H5Pset_chunk(properties, n_dims, chunk);
    ck_assert(NomosH5SetLzf(properties, total / size[0] * sizeof *data) >= 0);
  }
  hid_t dataset = H5Dcreate2(location, name, H5T_IEEE_F32LE, space, links, properties, H5P_DEFAULT);
  ck_assert(dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(dataset);
  H5Pclose(links);
  H5Pclose(properties);
  H5Sclose(space);
  free(data);
}

static void PutAxis(hid_t location, const char name[], size_t n)
{
  const hsize_t size = n;
  float         values[2 * X];

  for (size_t i = 0; i < n; i++) values[i] = (float)i + 0.5f;
  hid_t space = H5Screate_simple(1, &size, NULL), links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hid_t dataset = H5Dcreate2(location, name, H5T_IEEE_F32LE, space, links, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(dataset);
  H5Pclose(links);
  H5Sclose(space);
}

static void PutNumber(hid_t object, const char name[], double value)
{
  hid_t space = H5Screate(H5S_SCALAR), attribute = H5Acreate2(object, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);

  ck_assert(attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
  H5Aclose(attribute);
  H5Sclose(space);
}

/* A variable has these dimensions ("ntyx"), and in a block of it every value is that of its place. */
static void Check(NomosFieldReader reader, const char name[], const char axes[], size_t field)
{
  static const char letters[] = "ntzyx", *const names[] = {"trajectory", "time", "z", "y", "x"};
  static const size_t sizes[] = {N, T, Z, Y, X};
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_FIELD_MAX_DIMS + 1], count[NOMOS_FIELD_MAX_DIMS + 1], total = 1;
  int    n_dims;
  bool   has;

  ck_ok(NomosFieldReaderHas(reader, name, &has));
  ck_assert_msg(has, "no %s", name);
  ck_ok(NomosFieldReaderShape(reader, name, &n_dims, shape));
  ck_assert_msg(n_dims == (int)strlen(axes), "%s has %d dimensions", name, n_dims);
  for (int d = 0; d < n_dims; d++) {
    const char *dim;
    const size_t l = (size_t)(strchr(letters, axes[d]) - letters);
    ck_ok(NomosFieldReaderDimName(reader, name, d, &dim));
    ck_assert_str_eq(dim, names[l]);
    ck_assert_uint_eq(shape[d], sizes[l]);
    start[d] = d % 2;
    count[d] = shape[d] - start[d];
    total *= count[d];
  }
  double *data = malloc(total * sizeof *data);
  ck_ok(NomosFieldReaderRead(reader, name, start, count, data));
  for (size_t i = 0; i < total; i++) {
    size_t at[5] = {0}, rest = i;
    for (int d = n_dims - 1; d >= 0; rest /= count[d--]) at[strchr(letters, axes[d]) - letters] = start[d] + rest % count[d];
    ck_assert_msg(data[i] == ValueAt(field, at[0], at[1], at[2], at[3], at[4]), "%s[%zu] = %g", name, i, data[i]);
  }
  free(data);
}

static void CheckAxis(NomosFieldReader reader, const char name[], size_t n)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  double values[2 * X];
  int    n_dims;

  ck_ok(NomosFieldReaderShape(reader, name, &n_dims, shape));
  ck_assert(n_dims == 1 && shape[0] == n);
  ck_ok(NomosFieldReaderRead(reader, name, (size_t[]){0}, shape, values));
  for (size_t i = 0; i < n; i++) ck_assert(values[i] == (double)i + 0.5);
}

static void CheckNumber(NomosFieldReader reader, const char name[], double value)
{
  double values[N];

  ck_ok(NomosFieldReaderRead(reader, name, (size_t[]){0}, (size_t[]){N}, values));
  for (size_t i = 0; i < N; i++) ck_assert_msg(values[i] == value, "%s = %g", name, values[i]);
}

/* What the file, or its layout, tells; NULL: nothing. */
static void CheckSaid(NomosFieldReader reader, const char name[], const char expected[])
{
  char *text;

  ck_ok(NomosFieldReaderAttribute(reader, NULL, name, &text));
  ck_assert_msg(expected ? text && !strcmp(text, expected) : !text, "%s is %s, not %s", name, text ? text : "not said", expected ? expected : "silent");
  ck_ok(PetscFree(text));
}

/* The flat layouts: one dimension to three, leading axis, Darcy. */
static const struct {
  const char *file, *coordinates, *fields[5], *raw[5], *axes[5], *shown[5];
  size_t      times;
} flat[] = {
  {"burgers.h5", "x", {"tensor"}, {"ntx"}, {"ntx"}, {"u"}, T + 1},
  {"merged.h5", "x", {"tensor"}, {"dntx"}, {"ntx"}, {"tensor"}, T + 1},
  {"cfd1.h5", "x", {"Vx", "density", "pressure"}, {"ntx", "ntx", "ntx"}, {"ntx", "ntx", "ntx"}, {"Vx", "density", "pressure"}, T},
  {"cfd2.h5", "xy", {"Vx", "Vy", "density", "pressure"}, {"ntxy", "ntxy", "ntxy", "ntxy"}, {"ntyx", "ntyx", "ntyx", "ntyx"}, {"Vx", "Vy", "density", "pressure"}, T + 1},
  {"cfd3.h5", "xyz", {"Vx", "Vz", "density"}, {"ntxyz", "ntxyz", "ntxyz"}, {"ntzyx", "ntzyx", "ntzyx"}, {"Vx", "Vz", "density"}, T + 1},
  {"1D_CFD_Shock_trans_Train.h5", "x", {"Vx", "density"}, {"ntx", "ntx"}, {"ntx", "ntx"}, {"Vx", "density"}, T + 1},
  {"darcy.h5", "xy", {"tensor", "nu"}, {"ntxy", "nxy"}, {"ntyx", "nyx"}, {"u", "coefficient"}, 0},
};

START_TEST(flat_files)
{
  for (size_t k = 0; k < 2 * sizeof flat / sizeof *flat; k++) {
    const size_t     f   = k / 2;
    const bool       lzf = k % 2;
    NomosFieldReader reader;
    hid_t            file = OpenNew(flat[f].file);
    char             name[] = "x-coordinate";
    for (const char *c = flat[f].coordinates; *c; c++) name[0] = *c, PutAxis(file, name, *c == 'x' ? X : *c == 'y' ? Y : Z);
    if (flat[f].times) PutAxis(file, "t-coordinate", flat[f].times);
    for (size_t i = 0; i < 5 && flat[f].fields[i]; i++) Put(file, flat[f].fields[i], flat[f].raw[i], i, 0, lzf);
    PutNumber(file, "Nu", 0.25);
    PutNumber(file, "beta", 2);
    H5Fclose(file);
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path(flat[f].file), &reader));
    ck_assert_str_eq(NomosFieldReaderLayout(reader), "pdebench");
    for (size_t i = 0; i < 5 && flat[f].fields[i]; i++) Check(reader, flat[f].shown[i], flat[f].axes[i], i);
    CheckAxis(reader, "x", X);
    if (strchr(flat[f].coordinates, 'y')) CheckAxis(reader, "y", Y);
    if (flat[f].times) CheckAxis(reader, "time", T);
    CheckNumber(reader, "Nu", 0.25);
    CheckNumber(reader, "beta", 2);
    if (strcmp(flat[f].file, "darcy.h5")) CheckNumber(reader, "nu", 0.25);
    CheckSaid(reader, "family", strcmp(flat[f].file, "darcy.h5") ? NULL : "darcy");
    const char *end = !strcmp(flat[f].file, "darcy.h5") ? "value" : strstr(flat[f].file, "_trans_") ? "outflow" : NULL;
    CheckSaid(reader, "boundary_x", end);
    CheckSaid(reader, "boundary_y", strchr(flat[f].coordinates, 'y') ? end : NULL);
    ck_ok(NomosFieldReaderClose(&reader));
  }
}
END_TEST

/* Groups 0000, ...: the components of `data` are variables. */
static void MakeGroups(const char name[], const char axes[], bool lzf)
{
  hid_t file = OpenNew(name);

  for (size_t n = 0; n < N; n++) {
    char text[64];
    snprintf(text, sizeof text, "%04zu", n);
    hid_t group = H5Gcreate2(file, text, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    Put(group, "data", axes, 0, n, lzf);
    PutAxis(group, "grid/x", X);
    if (strchr(axes, 'y')) PutAxis(group, "grid/y", Y);
    PutAxis(group, "grid/t", T);
    snprintf(text, sizeof text, "sim:\n  seed: %zu\n  D: 0.0005\nname: none\n", n);
    NomosH5PutText(group, "config", text);
    H5Gclose(group);
  }
  H5Fclose(file);
}

START_TEST(grouped_files)
{
  static const struct {
    const char *raw, *axes, *names[2];
  } kinds[] = {{"txd", "ntx", {"u", "data"}}, {"txyd", "ntyx", {"h", "data"}}, {"tyxc", "ntyx", {"u", "v"}}}; /* diffusion-reaction has its rows along y */
  static const char *const families[] = {"diffusion_sorption", "shallow_water", "diffusion_reaction"}, *const ends[][4] = {{"value", "outflow", NULL, "[1]"}, {"outflow", NULL, "outflow"}, {"no_flux", NULL, "no_flux"}};
  double seeds[N - 1];

  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    NomosFieldReader reader;
    MakeGroups("groups.h5", kinds[k].raw, k != 1);
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("groups.h5"), &reader));
    ck_assert_str_eq(NomosFieldReaderLayout(reader), "pdebench");
    for (size_t i = 0; i < 2; i++) Check(reader, kinds[k].names[i], kinds[k].axes, k == 2 ? i : 0);
    CheckAxis(reader, "x", X);
    CheckAxis(reader, "time", T);
    CheckNumber(reader, "D", 5e-4);
    CheckSaid(reader, "family", families[k]);
    for (int i = 0; i < 4; i++) CheckSaid(reader, (const char *[]){"boundary_x", "boundary_x_high", "boundary_y", "value_low"}[i], ends[k][i]);
    ck_ok(NomosFieldReaderRead(reader, "seed", (size_t[]){1}, (size_t[]){N - 1}, seeds));
    for (size_t n = 1; n < N; n++) ck_assert(seeds[n - 1] == (double)n);
    ck_refused(NomosFieldReaderRead(reader, "seed", (size_t[]){1}, (size_t[]){N}, seeds), "seed: 5 entries from 1 along dimension 0 are asked for, its size is 5");
    ck_ok(NomosFieldReaderClose(&reader));
    hid_t file = H5Fopen(Path("groups.h5"), H5F_ACC_RDWR, H5P_DEFAULT); /* of ours: what it does not say nobody knows */
    ck_assert(NomosH5PutString(file, "source", "nomos 0.1.0") >= 0);
    H5Fclose(file);
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("groups.h5"), &reader));
    for (int i = 0; i < 3; i++) CheckSaid(reader, (const char *[]){"boundary_x", "boundary_x_high", "value_low"}[i], NULL);
    ck_ok(NomosFieldReaderClose(&reader));
  }
}
END_TEST

START_TEST(incompressible_files)
{
  NomosFieldReader reader;
  const hsize_t    size[] = {N, T};
  float            times[N][T];
  hid_t            file = OpenNew("ns.h5");

  Put(file, "velocity", "ntxyc", 0, 0, true);
  Put(file, "particles", "ntxyd", 2, 0, true);
  Put(file, "force", "nxyc", 3, 0, true);
  for (size_t n = 0; n < N; n++)
    for (size_t t = 0; t < T; t++) times[n][t] = (float)t + 0.5f;
  ck_assert(H5LTmake_dataset_float(file, "t", 2, size, &times[0][0]) >= 0);
  PutNumber(file, "latestIndex", T - 1);
  H5Fclose(file);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("ns.h5"), &reader));
  Check(reader, "Vx", "ntyx", 0);
  Check(reader, "Vy", "ntyx", 1);
  Check(reader, "particles", "ntyx", 2);
  Check(reader, "force_x", "nyx", 3);
  Check(reader, "force_y", "nyx", 4);
  CheckAxis(reader, "time", T);
  bool has;
  ck_ok(NomosFieldReaderHas(reader, "latestIndex", &has));
  ck_assert(!has);
  CheckSaid(reader, "family", "incompressible");
  CheckSaid(reader, "boundary_x", "wall");
  CheckSaid(reader, "boundary_y", "wall");
  ck_ok(NomosFieldReaderClose(&reader));
}
END_TEST

/* latestIndex is that of the last frame which is written: what comes after it is no data. In earlier files of ours, which are whole, it was another number. */
START_TEST(unfinished_files)
{
  for (int last = -1; last < T; last++)
    for (int ours = 0; ours < 2; ours++) {
      NomosFieldReader reader;
      const hsize_t    size[] = {N, T};
      float            times[N][T];
      double           values[N * T * Y * X];
      hid_t            file = OpenNew("ns.h5");
      Put(file, "velocity", "ntxyc", 0, 0, true);
      for (size_t n = 0; n < N; n++)
        for (size_t t = 0; t < T; t++) times[n][t] = (int)t <= last || ours ? (float)t + 0.5f : 0;
      ck_assert(H5LTmake_dataset_float(file, "t", 2, size, &times[0][0]) >= 0);
      PutNumber(file, "latestIndex", last);
      if (ours) NomosH5PutText(file, "source", "nomos 1.0");
      H5Fclose(file);
      if (last < 0 && !ours) {
        ck_refused(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("ns.h5"), &reader), "ns.h5: its latestIndex is -1: the file was opened for a run, of which no frame is written");
        continue;
      }
      const size_t n_frames = ours ? T : (size_t)last + 1;
      size_t       shape[NOMOS_FIELD_MAX_DIMS + 1];
      int          n_dims;
      ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("ns.h5"), &reader));
      CheckAxis(reader, "time", n_frames);
      ck_ok(NomosFieldReaderShape(reader, "Vy", &n_dims, shape));
      ck_assert(n_dims == 4 && shape[0] == N && shape[1] == n_frames && shape[2] == Y && shape[3] == X);
      ck_ok(NomosFieldReaderRead(reader, "Vy", (size_t[4]){0}, shape, values));
      for (size_t i = 0; i < N * n_frames * Y * X; i++) ck_assert(values[i] == ValueAt(1, i / (n_frames * Y * X), i / (Y * X) % n_frames, 0, i / X % Y, i % X));
      ck_refused(NomosFieldReaderRead(reader, "Vy", (size_t[]){0, n_frames, 0, 0}, (size_t[]){1, 1, 1, 1}, values), "along dimension 1");
      ck_ok(NomosFieldReaderClose(&reader));
    }
}
END_TEST

/* One trajectory without an axis of trajectories: t-coordinate tells that the first axis is time. */
START_TEST(one_trajectory)
{
  for (int k = 0; k < 4; k++) {
    NomosFieldReader reader;
    const bool       plane = k / 2;
    double           u[T * Y * X], depth[Y * X];
    size_t           shape[NOMOS_FIELD_MAX_DIMS + 1];
    int              n_dims;
    hid_t            file = OpenNew("alone.h5");
    PutAxis(file, "x-coordinate", X);
    if (plane) PutAxis(file, "y-coordinate", Y);
    PutAxis(file, "t-coordinate", T + k % 2);
    PutAxis(file, "weights", T);
    Put(file, "tensor", plane ? "txy" : "tx", 0, 0, k % 2);
    Put(file, "depth", plane ? "xy" : "x", 1, 0, false);
    H5Fclose(file);
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("alone.h5"), &reader));
    ck_ok(NomosFieldReaderShape(reader, "u", &n_dims, shape));
    ck_assert(n_dims == 3 + plane && shape[0] == 1 && shape[1] == T && shape[2] == (plane ? Y : X));
    ck_ok(NomosFieldReaderRead(reader, "u", (size_t[4]){0}, shape, u));
    ck_ok(NomosFieldReaderShape(reader, "depth", &n_dims, shape));
    ck_ok(NomosFieldReaderRead(reader, "depth", (size_t[4]){0}, shape, depth));
    for (size_t y = 0; y < (plane ? Y : 1); y++)
      for (size_t x = 0; x < X; x++) {
        ck_assert(depth[y * X + x] == ValueAt(1, 0, 0, 0, y, x));
        for (size_t t = 0; t < T; t++) ck_assert(u[(t * (plane ? Y : 1) + y) * X + x] == ValueAt(0, 0, t, 0, y, x));
      }
    CheckAxis(reader, "time", T);
    ck_ok(NomosFieldReaderClose(&reader));
  }
}
END_TEST

/* Times of one frame: some of Darcy's files have ten, of the way to it. */
START_TEST(times_of_one_frame)
{
  NomosFieldReader reader;
  bool             has;
  float            data[N][1][X][Y] = {{{{0}}}};
  hid_t            file = OpenNew("rock.h5");

  PutAxis(file, "x-coordinate", X);
  PutAxis(file, "y-coordinate", Y);
  PutAxis(file, "t-coordinate", 10);
  Put(file, "nu", "nxy", 1, 0, false);
  ck_assert(H5LTmake_dataset_float(file, "tensor", 4, (hsize_t[]){N, 1, X, Y}, &data[0][0][0][0]) >= 0);
  H5Fclose(file);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("rock.h5"), &reader));
  Check(reader, "coefficient", "nyx", 1);
  ck_ok(NomosFieldReaderHas(reader, "time", &has));
  ck_assert(!has);
  ck_ok(NomosFieldReaderClose(&reader));
}
END_TEST

/* ---- a training's data */

START_TEST(a_data_set_of_such_a_file)
{
  static const NomosDatasetVariable variables[] = {{.name = "u", .n_space = 1}, {.name = "nu", .constant = true}};
  NomosDataset data;
  double       values[2][X / 2], nu;
  hid_t        file = OpenNew("burgers.h5");

  PutAxis(file, "x-coordinate", X);
  PutAxis(file, "t-coordinate", T + 1);
  Put(file, "tensor", "ntx", 0, 0, false);
  PutNumber(file, "Nu", 0.25);
  H5Fclose(file);
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &(NomosDatasetInput){.path = Path("burgers.h5"), .n_variables = 2, .variables = variables, .frames = true, .window = 2, .first_frame = 1, .every = 2, .space_every = 2, .validation = 0.2}, &data));
  ck_assert_uint_eq(NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN), N - 1);
  for (size_t e = 0; e < N - 1; e++) {
    size_t trajectory;
    ck_ok(NomosDatasetOrigin(data, NOMOS_SPLIT_TRAIN, e, &trajectory, NULL, NULL));
    ck_ok(NomosDatasetRead(data, 0, NOMOS_SPLIT_TRAIN, 1, &e, &values[0][0]));
    ck_ok(NomosDatasetRead(data, 1, NOMOS_SPLIT_TRAIN, 1, &e, &nu));
    ck_assert(nu == 0.25);
    for (size_t k = 0; k < 2; k++)
      for (size_t x = 0; x < X / 2; x++) ck_assert(values[k][x] == ValueAt(0, trajectory, 1 + 2 * k, 0, 0, 2 * x));
  }
  ck_ok(NomosDatasetClose(&data));
}
END_TEST

/* ---- what is wrong with a file */

START_TEST(wrong_frame_counts_and_shapes)
{
  NomosFieldReader reader;
  hid_t            file = OpenNew("bad.h5");

  PutAxis(file, "x-coordinate", X);
  PutAxis(file, "t-coordinate", T + 2);
  Put(file, "tensor", "ntx", 0, 0, false);
  H5Fclose(file);
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("bad.h5"), &reader), "t-coordinate has 6 entries, but the fields have 4 frames; 4, or one more, are right");
  file = OpenNew("bad.h5");
  PutAxis(file, "x-coordinate", X + 1);
  PutAxis(file, "t-coordinate", T + 1);
  Put(file, "tensor", "ntx", 0, 0, false);
  H5Fclose(file);
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("bad.h5"), &reader), "tensor has the shape [5, 4, 6], which does not fit the coordinates of space");
  file = OpenNew("bad.h5");
  PutAxis(file, "x-coordinate", X);
  PutAxis(file, "t-coordinate", T + 1);
  Put(file, "tensor", "nntx", 0, 0, false);
  H5Fclose(file);
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("bad.h5"), &reader), "tensor has the shape [5, 5, 4, 6], an axis of size 5 before trajectories, time and the coordinates of space: if it is of devices, merge it into the trajectories first; else a coordinate is missing");
  file = OpenNew("bad.h5");
  PutAxis(file, "x-coordinate", X);
  H5Fclose(file);
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("bad.h5"), &reader), "no field over trajectories, time and space");
}
END_TEST

static void SetFloats(const char name[], const char dataset[], const float values[])
{
  hid_t file = H5Fopen(Path(name), H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, dataset, H5P_DEFAULT);

  ck_assert(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(set);
  H5Fclose(file);
}

/* Trajectories of a file share their grid and their times: groups, or rows of The Well's and of incompressible flow's, that have others are named. Points of space must be an axis. */
START_TEST(other_coordinates)
{
  NomosFieldReader reader;
  const hsize_t    size[] = {N, T};
  float            times[N][T], x[X];

  for (int k = 0; k < 5; k++) {
    static const char *const told[] = {"groups.h5: grid/t differs between trajectories: entry 2 is 2.75 in group 0003 and 2.5 in the first", "grid/x differs between trajectories: entry 5 is 6 in group 0003 and 5.5 in the first", "grid/x differs between trajectories: entry 0 is nan in group 0003", "entry 4 of the coordinate grid/x is 3.5 after 3.5; the points of an axis must be finite, and rise or fall throughout", "entry 3 of the coordinate grid/x is inf after 2.5"};
    MakeGroups("groups.h5", "txyd", k % 2);
    for (size_t i = 0; i < X; i++) x[i] = (float)i + 0.5f;
    if (k == 0) x[2] = 2.75f;
    if (k == 1) x[5] = 6;
    if (k == 2) x[0] = NAN;
    if (k == 3) x[4] = 3.5f;
    if (k == 4) x[3] = INFINITY;
    SetFloats("groups.h5", k == 0 ? "0003/grid/t" : k < 3 ? "0003/grid/x" : "0000/grid/x", x);
    ck_refused(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("groups.h5"), &reader), told[k]);
  }
  MakeGroups("groups.h5", "txyd", false);
  for (size_t i = 0; i < X; i++) x[i] = 3 - (float)i; /* a falling axis is one */
  for (int n = 0; n < N; n++) {
    char name[32];
    snprintf(name, sizeof name, "%04d/grid/x", n);
    SetFloats("groups.h5", name, x);
  }
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("groups.h5"), &reader));
  ck_ok(NomosFieldReaderClose(&reader));

  hid_t file = OpenNew("ns.h5");
  Put(file, "velocity", "ntxyc", 0, 0, false);
  for (size_t n = 0; n < N; n++)
    for (size_t t = 0; t < T; t++) times[n][t] = (float)t * (n == 2 ? 2 : 1);
  ck_assert(H5LTmake_dataset_float(file, "t", 2, size, &times[0][0]) >= 0);
  H5Fclose(file);
  ck_refused(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("ns.h5"), &reader), "ns.h5: t differs between trajectories: entry 1 is 2 in row 2 and 1 in the first");
}
END_TEST

/* The Well allows coordinates over (sample, time), and points as a mesh: what is one axis is read, other rows are refused. */
START_TEST(meshes_and_times_of_the_well)
{
  static const char *const told[] = {NULL, "mesh.h5: dimensions/time differs between trajectories: entry 1 is 2 in row 4 and 1 in the first", "entry 1 of the coordinate dimensions/x is 0 after 0"};

  for (int k = 0; k < 3; k++) {
    NomosFieldReader  reader;
    const char *const axes[] = {"x"}, *const fields[] = {"u"};
    float             times[N][T], x[X][X];
    hid_t             file = OpenNew("mesh.h5");
    for (size_t n = 0; n < N; n++)
      for (size_t t = 0; t < T; t++) times[n][t] = (float)t * (k == 1 && n == 4 ? 2 : 1);
    for (size_t i = 0; i < X; i++)
      for (size_t j = 0; j < X; j++) x[i][j] = (float)(k == 2 ? i : j);
    Put(file, "t0_fields/u", "ntx", 0, 0, false);
    hid_t dimensions = H5Gcreate2(file, "dimensions", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), group = H5Gopen2(file, "t0_fields", H5P_DEFAULT), u = H5Dopen2(group, "u", H5P_DEFAULT);
    PutNumber(file, "n_trajectories", N);
    ck_assert(NomosH5PutStrings(dimensions, "spatial_dims", 1, axes) >= 0 && NomosH5PutStrings(group, "field_names", 1, fields) >= 0);
    ck_assert(NomosH5PutFlags(u, "sample_varying", 0, &(bool){true}) >= 0 && NomosH5PutFlags(u, "time_varying", 0, &(bool){true}) >= 0);
    ck_assert(H5LTmake_dataset_float(dimensions, "time", 2, (hsize_t[]){N, T}, &times[0][0]) >= 0 && H5LTmake_dataset_float(dimensions, "x", 2, (hsize_t[]){X, X}, &x[0][0]) >= 0);
    H5Dclose(u);
    H5Gclose(group);
    H5Gclose(dimensions);
    H5Fclose(file);
    if (told[k]) {
      ck_refused(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("mesh.h5"), &reader), told[k]);
      continue;
    }
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("mesh.h5"), &reader));
    Check(reader, "u", "ntx", 0);
    ck_ok(NomosFieldReaderClose(&reader));
  }
}
END_TEST

/* A group of The Well's with the kind of a boundary, and a mask over its axes (NULL: none). */
static void PutBoundary(hid_t groups, const char name[], const char kind[], size_t n_axes, const char *const axes[], const hsize_t size[], const bool mask[])
{
  hid_t  group = H5Gcreate2(groups, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), type = NomosH5FlagType();
  int8_t bytes[X * Y];
  size_t n = 1;

  for (size_t d = 0; d < n_axes; d++) n *= size[d];
  for (size_t i = 0; i < n && mask; i++) bytes[i] = mask[i];
  ck_assert(NomosH5PutString(group, "bc_type", kind) >= 0 && NomosH5PutStrings(group, "associated_dims", n_axes, axes) >= 0);
  ck_assert(NomosH5PutFlags(group, "sample_varying", 0, &(bool){false}) >= 0 && NomosH5PutFlags(group, "time_varying", 0, &(bool){false}) >= 0);
  if (mask) ck_assert(H5LTmake_dataset(group, "mask", (int)n_axes, size, type, bytes) >= 0);
  H5Tclose(type);
  H5Gclose(group);
}

/* The Well says its boundaries by groups, whose names mean nothing: by kinds, axes and masks, of one axis or of a face. */
START_TEST(boundaries_of_the_well)
{
  static const char *const axes[] = {"x", "y"}, *const names[] = {"boundary_x", "boundary_x_high", "boundary_y", "boundary_y_high"};
  static const hsize_t     size[] = {X, Y};
  static const struct {
    const char *kind[2], *told[4]; /* of the two groups; of the names */
    int         mask[2];           /* of each: none; both ends of x; its low end; its high end; over (x, y) both faces of x; an island in the middle; both ends of y */
  } cases[] = {
    {{"PERIODIC", NULL}, {"periodic"}, {0}},
    {{"WALL", NULL}, {"wall"}, {0}},
    {{"wall", NULL}, {"wall"}, {1}},
    {{"OPEN", "WALL"}, {"outflow", "wall"}, {2, 3}},
    {{"WALL", "OPEN"}, {"outflow", "wall"}, {3, 2}},
    {{"OPEN", NULL}, {"outflow"}, {3}},
    {{"WALL", "PERIODIC"}, {"wall", NULL, "periodic"}, {4, 6}},
    {{"NEUMANN", NULL}, {"NEUMANN"}, {1}},
    {{"WALL", NULL}, {NULL}, {5}},
  };

  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    NomosFieldReader reader;
    const char      *fields[] = {"u"};
    hid_t            file = OpenNew("bounds.h5");
    Put(file, "t0_fields/u", "ntxy", 0, 0, false);
    PutAxis(file, "dimensions/x", X);
    PutAxis(file, "dimensions/y", Y);
    PutAxis(file, "dimensions/time", T);
    hid_t dimensions = H5Gopen2(file, "dimensions", H5P_DEFAULT), group = H5Gopen2(file, "t0_fields", H5P_DEFAULT), u = H5Dopen2(group, "u", H5P_DEFAULT), groups = H5Gcreate2(file, "boundary_conditions", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    PutNumber(file, "n_trajectories", N);
    ck_assert(NomosH5PutStrings(dimensions, "spatial_dims", 2, axes) >= 0 && NomosH5PutStrings(group, "field_names", 1, fields) >= 0);
    ck_assert(NomosH5PutFlags(u, "sample_varying", 0, &(bool){true}) >= 0 && NomosH5PutFlags(u, "time_varying", 0, &(bool){true}) >= 0);
    for (int b = 0; b < 2 && cases[k].kind[b]; b++) {
      const int  m = cases[k].mask[b];
      bool       mask[X * Y] = {false};
      for (size_t i = 0; i < X; i++)
        for (size_t j = 0; j < Y; j++)
          if (m == 4) mask[i * Y + j] = !i || i == X - 1;
      if (m == 1 || m == 2 || m == 6) mask[0] = true;
      if (m == 1 || m == 3) mask[X - 1] = true;
      if (m == 5) mask[X / 2] = true;
      if (m == 6) mask[Y - 1] = true;
      PutBoundary(groups, b ? "second" : "first", cases[k].kind[b], m == 4 ? 2 : 1, axes + (m == 6), size + (m == 6), m ? mask : NULL);
    }
    H5Gclose(groups);
    H5Dclose(u);
    H5Gclose(group);
    H5Gclose(dimensions);
    H5Fclose(file);
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("bounds.h5"), &reader));
    for (int i = 0; i < 4; i++) {
      char *text;
      ck_ok(NomosFieldReaderAttribute(reader, NULL, names[i], &text));
      ck_assert_msg(cases[k].told[i] ? text && !strcmp(text, cases[k].told[i]) : !text, "case %zu: %s is %s", k, names[i], text ? text : "not said");
      ck_ok(PetscFree(text));
    }
    ck_ok(NomosFieldReaderClose(&reader));
  }
}
END_TEST

/* A list of one number for each trajectory is a parameter of a flat file too, whatever the lengths of its axes; other lists are not. What is presented in no way is named. */
START_TEST(numbers_of_a_flat_file)
{
  NomosFieldReader   reader;
  const char *const *names;
  double             nu[N], n_found[N];
  size_t             n;
  hid_t              file = OpenNew("listed.h5");

  for (size_t i = 0; i < N; i++) nu[i] = 0.5 + (double)i;
  PutAxis(file, "x-coordinate", N); /* as long as there are trajectories */
  PutAxis(file, "t-coordinate", T);
  ck_assert(H5LTmake_dataset_double(file, "u", 3, (hsize_t[]){N, T, N}, (double[N * T * N]){1}) >= 0 && H5LTmake_dataset_double(file, "nu", 1, (hsize_t[]){N}, nu) >= 0);
  PutAxis(file, "weights", T);
  H5Gclose(H5Gcreate2(file, "notes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Fclose(file);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("listed.h5"), &reader));
  ck_ok(NomosFieldReaderRead(reader, "nu", (size_t[]){0}, (size_t[]){N}, n_found));
  for (size_t i = 0; i < N; i++) ck_assert(n_found[i] == nu[i]);
  ck_ok(NomosFieldReaderConstants(reader, &n, &names));
  ck_assert(n == 2 && !strcmp(names[0], "u") && !strcmp(names[1], "nu"));
  ck_ok(NomosFieldReaderOthers(reader, &n, &names));
  ck_assert(n == 2 && !strcmp(names[0], "notes") && !strcmp(names[1], "weights"));
  ck_ok(NomosFieldReaderClose(&reader));
}
END_TEST

/* A chunk whose bytes are spoilt, at every place: an error or other numbers, never a crash. A filter that lies about the size of its chunks is found. */
START_TEST(damaged_chunks)
{
  NomosFieldReader reader;
  double           data[N * T * X];
  size_t           refused = 0;

  for (uint64_t trial = 0; trial < 200; trial++) {
    hid_t    file    = OpenNew("spoilt.h5");
    uint8_t  bytes[64];
    hsize_t  at[3] = {0};
    uint32_t size  = (uint32_t)NomosRandomIndex(3, 0, trial, sizeof bytes) + 1;
    PutAxis(file, "x-coordinate", X);
    PutAxis(file, "t-coordinate", T + 1);
    Put(file, "tensor", "ntx", 0, 0, true);
    hid_t dataset = H5Dopen2(file, "tensor", H5P_DEFAULT);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)NomosRandomIndex(trial, 6, i, 256);
    ck_assert(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, at, size, bytes) >= 0);
    H5Dclose(dataset);
    H5Fclose(file);
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("spoilt.h5"), &reader));
    NomosErrorSetQuiet(true);
    if (NomosFieldReaderRead(reader, "tensor", (size_t[]){0, 0, 0}, (size_t[]){N, T, X}, data)) {
      ck_assert(strstr(NomosErrorLast(), "spoilt.h5: cannot read tensor: ") != NULL);
      refused++;
    }
    NomosErrorSetQuiet(false);
    ck_ok(NomosFieldReaderClose(&reader));
  }
  ck_assert_msg(refused > 190, "only %zu were refused", refused);

  hid_t file = OpenNew("lie.h5"), space = H5Screate_simple(1, (hsize_t[]){1000}, NULL), properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, 1, (hsize_t[]){1000});
  NomosH5SetLzf(properties, 8);
  H5Dclose(H5Dcreate2(file, "q", H5T_IEEE_F32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT));
  H5Pclose(properties);
  H5Sclose(space);
  H5Fclose(file);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("lie.h5"), &reader));
  ck_refused(NomosFieldReaderRead(reader, "q", (size_t[]){0}, (size_t[]){1}, data), "its filter lzf does not know the size of its chunks");
  ck_ok(NomosFieldReaderClose(&reader));
}
END_TEST

/* Shorts that are packed, single numbers next to a mark in double precision, and a data set of another layout: what is missing is NaN, the others mean what their attributes say. */
START_TEST(packed_and_missing)
{
  NomosFieldReader  reader;
  const short       shorts[6] = {-9999, 0, 100, -200, 77, 30000};
  const float       singles[6] = {1e20f, 1, 2, -7, 3, 4};
  const double      range[2] = {-20000, 20000}, marks[2] = {77, -1};
  double            data[N * T * X];

  hid_t file = OpenNew("packed.h5"), space = H5Screate_simple(1, (hsize_t[]){6}, NULL), two = H5Screate_simple(1, (hsize_t[]){2}, NULL);
  hid_t q = H5Dcreate2(file, "q", H5T_STD_I16LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), s = H5Dcreate2(file, "s", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  for (int k = 0; k < 3; k++) { /* of variables without a mark, and one with it, what NetCDF leaves in cells that nobody wrote */
    const double unset[6] = {9.9692099683868690e+36, 1, -9.9692099683868690e+36, 9.9e36, 1e20, 0};
    hid_t        u = H5Dcreate2(file, (const char *[]){"single", "double", "marked"}[k], k ? H5T_IEEE_F64LE : H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(H5Dwrite(u, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, unset) >= 0);
    if (k == 2) PutNumber(u, "_FillValue", 1e20);
    H5Dclose(u);
  }
  ck_assert(H5Dwrite(q, H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, shorts) >= 0 && H5Dwrite(s, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, singles) >= 0);
  PutNumber(q, "_FillValue", -9999);
  PutNumber(q, "scale_factor", 0.5);
  PutNumber(q, "add_offset", 3);
  hid_t list = H5Acreate2(q, "missing_value", H5T_IEEE_F64LE, two, H5P_DEFAULT, H5P_DEFAULT), valid = H5Acreate2(q, "valid_range", H5T_IEEE_F64LE, two, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Awrite(list, H5T_NATIVE_DOUBLE, marks) >= 0 && H5Awrite(valid, H5T_NATIVE_DOUBLE, range) >= 0);
  H5Aclose(list);
  H5Aclose(valid);
  PutNumber(s, "missing_value", 1e20);
  PutNumber(s, "valid_min", -5);
  H5Dclose(q);
  H5Dclose(s);
  H5Sclose(space);
  H5Sclose(two);
  H5Fclose(file);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("packed.h5"), &reader));
  ck_ok(NomosFieldReaderRead(reader, "q", (size_t[]){0}, (size_t[]){6}, data));
  ck_assert(isnan(data[0]) && data[1] == 3 && data[2] == 53 && data[3] == -97 && isnan(data[4]) && isnan(data[5]));
  ck_ok(NomosFieldReaderRead(reader, "s", (size_t[]){0}, (size_t[]){6}, data));
  ck_assert(isnan(data[0]) && data[1] == 1 && data[2] == 2 && isnan(data[3]) && data[4] == 3);
  for (int k = 0; k < 3; k++) {
    ck_ok(NomosFieldReaderRead(reader, (const char *[]){"single", "double", "marked"}[k], (size_t[]){0}, (size_t[]){6}, data));
    ck_assert((k < 2) == isnan(data[0]) && data[1] == 1 && data[2] < -9e36 && data[3] > 9e36 && (k == 2) == isnan(data[4]) && data[5] == 0);
  }
  ck_ok(NomosFieldReaderClose(&reader));

  file = OpenNew("tensor.h5");
  PutAxis(file, "x-coordinate", X);
  PutAxis(file, "t-coordinate", T + 1);
  Put(file, "tensor", "ntx", 0, 0, false);
  hid_t tensor = H5Dopen2(file, "tensor", H5P_DEFAULT);
  PutNumber(tensor, "_FillValue", ValueAt(0, 1, 2, 0, 0, 3));
  PutNumber(tensor, "scale_factor", 2);
  H5Dclose(tensor);
  H5Fclose(file);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path("tensor.h5"), &reader));
  ck_ok(NomosFieldReaderRead(reader, "tensor", (size_t[]){0, 0, 0}, (size_t[]){N, T, X}, data));
  for (size_t i = 0; i < N * T * X; i++) {
    if (i == (1 * T + 2) * X + 3) ck_assert(isnan(data[i]));
    else ck_assert(data[i] == 2 * ValueAt(0, i / (T * X), i / X % T, 0, 0, i % X));
  }
  ck_ok(NomosFieldReaderClose(&reader));
}
END_TEST

NOMOS_TEST_SUITE("layouts", lzf_gives_back_what_it_took, lzf_by_its_description, lzf_damaged, flat_files, grouped_files, incompressible_files, unfinished_files, one_trajectory, times_of_one_frame, a_data_set_of_such_a_file, wrong_frame_counts_and_shapes, other_coordinates, meshes_and_times_of_the_well, boundaries_of_the_well, numbers_of_a_flat_file, damaged_chunks, packed_and_missing)
