/* Conversions between layouts: numbers, parameters and what a file says of itself survive the way there and back; a conversion that fails leaves no file, and the old one as it was; mistakes are answered in one sentence. */
#include "convert_setup.h"

static void Check(const char path[], const Sample *sample, size_t n_fields)
{
  NomosFieldReader reader;
  double           nu[N], *data;
  char            *text;

  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  for (size_t f = 0; f < n_fields; f++) {
    size_t shape[NOMOS_FIELD_MAX_DIMS + 1], total = 1, zero[5] = {0};
    int    n_dims;
    ck_ok(NomosFieldReaderShape(reader, sample->fields[f], &n_dims, shape));
    ck_assert_int_eq(n_dims, 2 + sample->n_space);
    for (int d = 0; d < n_dims; d++) total *= shape[d];
    data = malloc(total * sizeof *data);
    ck_ok(NomosFieldReaderRead(reader, sample->fields[f], zero, shape, data));
    for (size_t i = 0; i < total; i++) ck_assert_msg(data[i] == ValueAt(f, i), "%s: %s[%zu] = %.9g, not %.9g", path, sample->fields[f], i, data[i], ValueAt(f, i));
    free(data);
  }
  ck_ok(NomosFieldReaderRead(reader, "nu", (size_t[]){0}, (size_t[]){N}, nu));
  for (size_t n = 0; n < N; n++) ck_assert(nu[n] == 0.25 + (sample->differs ? (double)n : 0));
  ck_ok(NomosFieldReaderAttribute(reader, NULL, "equation", &text));
  if (!text) ck_ok(NomosFieldReaderAttribute(reader, sample->fields[0], "equation", &text));
  ck_assert(text && !strcmp(text, "u_t = nu u_xx"));
  ck_ok(PetscFree(text));
  ck_ok(NomosFieldReaderClose(&reader));
}

static herr_t HasLink(hid_t one, const char *name, const H5L_info_t *info, void *other)
{
  (void)one;
  (void)info;
  return H5Lexists(*(hid_t *)other, name, H5P_DEFAULT) > 0 ? 0 : -1;
}

static void CheckSameLinks(const char one[], const char other[])
{
  hid_t a = H5Fopen(one, H5F_ACC_RDONLY, H5P_DEFAULT), b = H5Fopen(other, H5F_ACC_RDONLY, H5P_DEFAULT);

  ck_assert_msg(H5Literate(a, H5_INDEX_NAME, H5_ITER_INC, NULL, HasLink, &b) >= 0 && H5Literate(b, H5_INDEX_NAME, H5_ITER_INC, NULL, HasLink, &a) >= 0, "%s has other datasets than %s", other, one);
  H5Fclose(a);
  H5Fclose(b);
}

START_TEST(there_and_back)
{
  static const Sample samples[] = {
    {"burgers", 1, 1, {"u"}, false, false},
    {"compressible", 1, 3, {"density", "pressure", "Vx"}, false, false},
    {"compressible", 2, 4, {"density", "Vy", "pressure", "Vx"}, false, false},
    {"compressible", 3, 5, {"density", "pressure", "Vx", "Vy", "Vz"}, false, false},
    {"diffusion_sorption", 1, 1, {"u"}, true, false},
    {"diffusion_reaction", 2, 2, {"u", "v"}, true, false},
    {"shallow_water", 2, 3, {"h", "Vx", "Vy"}, true, false},
    {"incompressible", 2, 3, {"Vx", "Vy", "particles"}, false, false},
  };

  for (size_t k = 0; k < sizeof samples / sizeof *samples; k++) {
    const bool depth_alone = !strcmp(samples[k].family, "shallow_water"); /* of PDEBench's */
    Make(Path(0, "sample.nc"), &samples[k]);
    Check(paths[0], &samples[k], samples[k].n_fields);
    ck_ok(Convert(paths[0], "pdebench", Path(1, "pdebench.h5")));
    Check(paths[1], &samples[k], depth_alone ? 1 : samples[k].n_fields);
    ck_ok(Convert(paths[1], NULL, Path(2, "back.nc")));
    Check(paths[2], &samples[k], depth_alone ? 1 : samples[k].n_fields);
    /* PDEBench's own files do not say the family: their layout does, and they go out as they came */
    hid_t file = H5Fopen(paths[1], H5F_ACC_RDWR, H5P_DEFAULT);
    if (H5Aexists(file, "family") > 0) ck_assert(H5Adelete(file, "family") >= 0);
    H5Fclose(file);
    ck_ok(Convert(paths[1], NULL, Path(2, "back.nc")));
    ck_ok(Convert(paths[2], "pdebench", Path(3, "again.h5")));
    Check(paths[3], &samples[k], depth_alone ? 1 : samples[k].n_fields);
    CheckSameLinks(paths[1], paths[3]);
    ck_ok(Convert(paths[0], "well", Path(1, "well.h5")));
    if (!strstr(samples[k].fields[samples[k].n_fields - 1], "V") && samples[k].n_space > 1 && samples[k].fields[0][0] != 'V') Check(paths[1], &samples[k], samples[k].n_fields);
    ck_assert(access(Path(3, ".well.h5.tmp"), F_OK));
  }
}
END_TEST

/* Vx, Vy become The Well's velocity, whose components are velocity_x and velocity_y. */
START_TEST(vectors_of_the_well)
{
  const Sample     sample = {"compressible", 2, 3, {"density", "Vx", "Vy"}, true, false}, expected = {"compressible", 2, 3, {"density", "velocity_x", "velocity_y"}, true, false};
  NomosFieldReader reader;

  Make(Path(0, "sample.nc"), &sample);
  ck_ok(Convert(paths[0], "well", Path(1, "well.h5")));
  Check(paths[1], &expected, 3);
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1], &reader));
  ck_assert_str_eq(NomosFieldReaderLayout(reader), "well");
  ck_ok(NomosFieldReaderClose(&reader));
  ck_ok(Convert(paths[1], NULL, Path(2, "back.nc")));
  Check(paths[2], &expected, 3);
}
END_TEST

/* What is no coefficient of PDEBench's, as a seed, may differ: groups have each, a flat file and that of incompressible flow have none of it then. */
START_TEST(seeds_of_trajectories)
{
  static const Sample samples[] = {{"diffusion_sorption", 1, 1, {"u"}, true, false}, {"burgers", 1, 1, {"u"}, true, false}, {"incompressible", 2, 2, {"Vx", "Vy"}, true, false}, {"burgers", 1, 1, {"u"}, false, false}};

  for (size_t k = 0; k < sizeof samples / sizeof *samples; k++) {
    NomosFieldReader reader;
    double           seeds[N];
    bool             has;
    MakeWith(Path(0, "sample.nc"), &samples[k], "seed");
    ck_ok(Convert(paths[0], "pdebench", Path(1, "seeds.h5")));
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1], &reader));
    ck_ok(NomosFieldReaderHas(reader, "seed", &has));
    ck_assert(has == (k % 3 == 0));
    if (has) ck_ok(NomosFieldReaderRead(reader, "seed", (size_t[]){0}, (size_t[]){N}, seeds));
    for (size_t n = 0; n < N && has; n++) ck_assert(seeds[n] == 0.25 + (k ? 0 : (double)n));
    ck_ok(NomosFieldReaderClose(&reader));
  }
}
END_TEST

/* The Well's checker asks for an attribute of each name in simulation_parameters: those that differ between trajectories are scalars alone. */
START_TEST(parameters_of_the_well)
{
  for (int differs = 0; differs < 2; differs++) {
    const Sample sample = {"burgers", 1, 1, {"u"}, differs, false};
    char       **names;
    Make(Path(0, "sample.nc"), &sample);
    ck_ok(Convert(paths[0], "well", Path(1, "well.h5")));
    hid_t  file = H5Fopen(paths[1], H5F_ACC_RDONLY, H5P_DEFAULT), scalars = H5Gopen2(file, "scalars", H5P_DEFAULT);
    size_t n    = NomosH5GetStrings(file, "simulation_parameters", &names);
    ck_assert_uint_eq(n, !differs);
    for (size_t i = 0; i < n; i++) ck_assert(!strcmp(names[i], "nu") && H5Aexists(file, names[i]) > 0);
    NomosH5FreeStrings(n, names);
    n = NomosH5GetStrings(scalars, "field_names", &names);
    ck_assert(n == 1 && !strcmp(names[0], "nu"));
    NomosH5FreeStrings(n, names);
    H5Gclose(scalars);
    H5Fclose(file);
  }
}
END_TEST

/* What an ensemble says of its predictions is no parameter of their equation. */
START_TEST(predictions_of_an_ensemble)
{
  static const char *const names[] = {"ensemble_members", "ensemble_quantile"};
  const Sample             sample  = {"burgers", 1, 1, {"u"}, false, false};
  static NomosConvertSource s;

  Make(Path(0, "predictions.nc"), &sample);
  for (int i = 0; i < 2; i++) {
    hid_t file = H5Fopen(paths[0], H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert(H5LTset_attribute_double(file, "/", names[i], (double[]){2.5}, 1) >= 0);
    H5Fclose(file);
  }
  ck_ok(NomosConvertOpen(paths[0], &s));
  ck_assert(s.n_parameters == 1 && strstr(s.left_out, names[0]) && strstr(s.left_out, names[1]));
  ck_ok(NomosConvertClose(&s));
  ck_ok(Convert(paths[0], "well", Path(1, "predictions.h5")));
  char **listed;
  hid_t  file = H5Fopen(paths[1], H5F_ACC_RDONLY, H5P_DEFAULT);
  size_t n    = NomosH5GetStrings(file, "simulation_parameters", &listed);
  ck_assert(n == 1 && !strcmp(listed[0], "nu"));
  NomosH5FreeStrings(n, listed);
  H5Fclose(file);
}
END_TEST

/* Components of vectors anywhere among the fields find their own: one vector inside another, a field between. One that never comes is told, and no file is left. */
START_TEST(components_apart)
{
  static const Sample samples[] = {
    {"spectral", 2, 3, {"a_x", "b", "a_y"}, true, false},
    {"spectral", 2, 5, {"a_x", "c_x", "b", "a_y", "c_y"}, true, false},
    {"spectral", 3, 5, {"a_z", "b", "a_x", "c", "a_y"}, true, false},
  };
  NomosFieldDim            dims[] = {{.name = "trajectory", .size = 1, .values = numbers}, {.name = "time", .size = T, .values = numbers}, {.name = "y", .size = Y, .values = numbers}, {.name = "x", .size = X, .values = numbers}};
  const NomosFieldVariable variables[] = {{.name = "a_x", .dims = {"trajectory", "time", "y", "x"}, .constant = true, .type = NOMOS_F32}, {.name = "a_y", .dims = {"trajectory", "time", "y", "x"}, .constant = true, .type = NOMOS_F32}};
  const double             data[2 * Y * X] = {0};
  NomosTrajectoryFile      file;

  for (size_t k = 0; k < sizeof samples / sizeof *samples; k++) {
    Make(Path(0, "apart.nc"), &samples[k]);
    ck_ok(Convert(paths[0], "well", Path(1, "apart.h5")));
    Check(paths[1], &samples[k], samples[k].n_fields);
    hid_t opened = H5Fopen(paths[1], H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert(H5Lexists(opened, "t1_fields/a", H5P_DEFAULT) > 0);
    H5Fclose(opened);
  }
  for (int whole = 0; whole < 2; whole++) {
    ck_ok(NomosTrajectoryFileCreate(&(NomosTrajectoryFileInput){.format = "well", .file = {.path = Path(1, "half.h5"), .timeless = true, .n_dims = 4, .dims = dims, .n_variables = 2, .variables = variables, .source = "nomos"}}, &file));
    ck_ok(NomosTrajectoryFileWrite(file, "a_x", (size_t[4]){0}, (size_t[]){1, 2, Y, X}, data));
    if (whole) ck_refused(NomosTrajectoryFileWrite(file, "a_y", (size_t[4]){0}, (size_t[]){1, 1, Y, X}, data), "half.h5: a block of a_y begins before all components of t1_fields/a have the one before it");
    ck_refused(NomosTrajectoryFileClose(&file, true), "half.h5: only 1 of the components of t1_fields/a were given");
    ck_assert(access(paths[1], F_OK) && access(Path(2, ".half.h5.tmp"), F_OK));
  }
}
END_TEST

/* ---- runs */

/* ---- a sweep over values, where a file has one */

/* As PDEBench's authors named theirs; other parameters say nothing, and of groups, which have each value, none does. */
START_TEST(names_of_pdebench)
{
  static const struct {
    const char *family;
    int         n_space;
    const char *fields[2], *boundaries[3], *parameters[3];
    double      values[3];
    const char *name;
  } cases[] = {
    {"advection", 1, {"u"}, {"periodic"}, {"beta"}, {0.4}, "1D_Advection_Sols_beta0.4.hdf5"},
    {"burgers", 1, {"u"}, {"periodic"}, {"seed", "nu"}, {7, 0.02}, "1D_Burgers_Sols_Nu0.02.hdf5"},
    {"burgers", 1, {"u"}, {"periodic"}, {"nu"}, {4}, "1D_Burgers_Sols_Nu4.0.hdf5"},
    {"reaction_diffusion", 1, {"u"}, {"periodic"}, {"rho", "nu"}, {1, 0.5}, "ReacDiff_Nu0.5_Rho1.0.hdf5"},
    {"compressible", 1, {"density"}, {"periodic"}, {"eta", "zeta", "gamma"}, {0.01, 0.01, 1.4}, "1D_CFD_Rand_Eta0.01_Zeta0.01_periodic_Train.hdf5"},
    {"compressible", 1, {"density"}, {"outflow"}, {"eta", "zeta"}, {1e-8, 1e-8}, "1D_CFD_Shock_Eta1e-08_Zeta1e-08_trans_Train.hdf5"},
    {"compressible", 2, {"density"}, {"periodic", "periodic"}, {"eta", "zeta", "mach"}, {0.01, 0.02, 0.1}, "2D_CFD_Rand_M0.1_Eta0.01_Zeta0.02_periodic_6_Train.hdf5"},
    {"compressible", 2, {"density"}, {"wall", "periodic"}, {"eta"}, {0.01}, "2D_CFD_Eta0.01_6_Train.hdf5"},
    {"compressible", 3, {"density"}, {"periodic", "periodic", "periodic"}, {"M"}, {1}, "3D_CFD_Rand_M1.0_periodic_Train.hdf5"},
    {"darcy", 2, {"u", "coefficient"}, {NULL}, {"beta"}, {1}, "2D_DarcyFlow_beta1.0_Train.hdf5"},
    {"diffusion_sorption", 1, {"u"}, {NULL}, {"nu"}, {1}, "1D_diff-sorp_NA_NA.h5"},
    {"shallow_water", 2, {"h"}, {NULL}, {"nu"}, {1}, "2D_rdb_NA_NA.h5"},
    {NULL, 1, {"u"}, {NULL}, {"nu"}, {-1.5}, "1D_Sols_Nu-1.5.hdf5"},
  };
  static const char *const space[] = {"z", "y", "x"};

  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    NomosFieldDim      dims[5] = {{.name = "trajectory", .size = N}, {.name = "time", .size = T}};
    NomosFieldVariable variables[5];
    double             values[5] = {0};
    size_t             n = 0;
    char               name[NOMOS_MAX_PATH];
    for (int a = 0; a < cases[k].n_space; a++) dims[2 + a] = (NomosFieldDim){.name = space[3 - cases[k].n_space + a], .size = X};
    for (size_t f = 0; f < 2 && cases[k].fields[f]; f++) variables[n++] = (NomosFieldVariable){.name = cases[k].fields[f], .dims = {"trajectory", "time", "x"}};
    for (size_t p = 0; p < 3 && cases[k].parameters[p]; p++) {
      values[n]      = cases[k].values[p];
      variables[n++] = (NomosFieldVariable){.name = cases[k].parameters[p], .dims = {"trajectory"}};
    }
    NomosEnds ends = {.n = 0};
    for (int a = 0; a < cases[k].n_space; a++) {
      snprintf(name, sizeof name, "boundary_%s", dims[2 + a].name);
      NomosEndsSay(&ends, name, cases[k].boundaries[a]);
    }
    NomosTrajectoryFileInput input = {.format = "pdebench", .family = cases[k].family, .ends = &ends, .file = {.n_dims = 2 + (size_t)cases[k].n_space, .dims = dims, .n_variables = n, .variables = variables}};
    ck_assert(NomosTrajectoryFileName(&input, values, name));
    ck_assert_str_eq(name, cases[k].name);
    input.format = "well";
    ck_assert(!NomosTrajectoryFileName(&input, values, name));
  }
}
END_TEST

static PetscErrorCode ExportWhere(const char from[], const char format[], const char to[], size_t n, const char *where[], bool force)
{
  NomosProgram program = {.comm = PETSC_COMM_WORLD, .n_arguments = 1, .arguments = &from, .directory = to, .format = format, .n_set = n, .set = where, .force = force, .quiet = true};

  return NomosCommandExport(&program);
}

/* Adds a number to all of u, and a parameter that no file of PDEBench has a place for. */
static void Alter(const char path[], double more, const double widths[N])
{
  hid_t  file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), u = H5Dopen2(file, "u", H5P_DEFAULT), trajectory = H5Dopen2(file, "trajectory", H5P_DEFAULT);
  double data[N * T * X];

  ck_assert(H5Dread(u, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  for (size_t i = 0; i < N * T * X; i++) data[i] += more;
  ck_assert(H5Dwrite(u, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  ck_assert(H5LTmake_dataset_double(file, "width", 1, (hsize_t[]){N}, widths) >= 0);
  hid_t width = H5Dopen2(file, "width", H5P_DEFAULT);
  ck_assert(H5DSattach_scale(width, trajectory, 0) >= 0);
  H5Dclose(width);
  H5Dclose(trajectory);
  H5Dclose(u);
  H5Fclose(file);
}

/* Two sweeps over three values, of which the second one's u is larger by 2000. */
static const char *MakeSweeps(bool bad)
{
  const Sample sample = {"burgers", 1, 1, {"u"}, true, bad};

  mkdir(Path(0, "sweeps"), 0777);
  Make(Path(1, "sweeps/a.nc"), &sample);
  Alter(paths[1], 0, (double[N]){1, 2, 3});
  Make(Path(1, "sweeps/b.nc"), &sample);
  Alter(paths[1], 2000, (double[N]){1, 5, 6});
  return paths[0];
}

static size_t CountEntries(const char path[])
{
  DIR   *directory = opendir(path);
  size_t n         = 0;

  for (const struct dirent *entry = directory ? readdir(directory) : NULL; entry; entry = readdir(directory)) n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
  if (directory) closedir(directory);
  return n;
}

/* u of a file, (n, T, X), and its nu: trajectory by trajectory those of sweep from[i], number[i]. */
static void CheckSweep(const char path[], size_t n, const size_t from[], const size_t number[])
{
  NomosFieldReader reader;
  double           u[2 * N][T * X], nu[2 * N];
  size_t           shape[NOMOS_FIELD_MAX_DIMS + 1];
  int              n_dims;
  bool             has;

  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderShape(reader, "u", &n_dims, shape));
  ck_assert(n_dims == 3 && shape[0] == n && shape[1] == T && shape[2] == X);
  ck_ok(NomosFieldReaderRead(reader, "u", (size_t[3]){0}, shape, u[0]));
  ck_ok(NomosFieldReaderRead(reader, "nu", (size_t[]){0}, &n, nu));
  for (size_t t = 0; t < n; t++) {
    ck_assert(nu[t] == 0.25 + (double)number[t]);
    for (size_t i = 0; i < T * X; i++) ck_assert(u[t][i] == (float)(ValueAt(0, number[t] * T * X + i) + 2000 * (double)from[t]));
  }
  ck_ok(NomosFieldReaderHas(reader, "width", &has)); /* in one of the files it does not differ: they are alike all the same */
  ck_assert(!has);
  ck_ok(NomosFieldReaderClose(&reader));
}

START_TEST(a_file_for_each_value)
{
  static const char *const names[] = {"1D_Burgers_Sols_Nu0.25.hdf5", "1D_Burgers_Sols_Nu1.25.hdf5", "1D_Burgers_Sols_Nu2.25.hdf5"};
  const char              *from = MakeSweeps(false), *to = Path(2, "divided/");
  char                     path[2 * NOMOS_MAX_PATH], text[16] = "";

  ck_refused(Convert(from, "pdebench", Path(1, "one.h5")), "PDEBench's file has one value of nu, but trajectory 1 has 1.25 and trajectory 0 0.25; give a directory (-o DIR/), which gets a file for each value");
  ck_ok(ExportWhere(from, "pdebench", to, 0, NULL, false));
  ck_assert_uint_eq(CountEntries(to), N);
  for (size_t k = 0; k < N; k++) {
    snprintf(path, sizeof path, "%s%s", to, names[k]);
    CheckSweep(path, 2, (size_t[]){0, 1}, (size_t[]){k, k});
  }
  ck_ok(Convert(to, NULL, Path(1, "back.nc"))); /* a folder is the sweep again, file by file */
  CheckSweep(paths[1], 6, (size_t[]){0, 1, 0, 1, 0, 1}, (size_t[]){0, 0, 1, 1, 2, 2});
  ck_ok(Convert(paths[1], "pdebench", Path(3, "divided"))); /* it is there now, and is one without a slash too */
  ck_assert_uint_eq(CountEntries(to), N);

  snprintf(path, sizeof path, "%s%s", to, names[2]); /* one of them is there: none is written, not even the others */
  ck_assert(!unlink(path));
  ck_refused(ExportWhere(from, "pdebench", to, 0, NULL, false), "Nu0.25.hdf5: is there already; --force writes over it");
  ck_assert_uint_eq(CountEntries(to), 2);

  (void)MakeSweeps(true); /* the second file's NaN: the first one is not there either, nor are files that it stands in place of touched */
  ck_refused(Convert(from, "pdebench", Path(3, "undone/")), "sweeps/a.nc: u = nan in trajectory 1, frame 2");
  ck_assert(access(paths[3], F_OK));
  snprintf(path, sizeof path, "%s%s", to, names[0]);
  FILE *other = fopen(path, "w");
  fputs("precious", other);
  fclose(other);
  ck_refused(Convert(from, "pdebench", to), "u = nan");
  ck_assert_uint_eq(CountEntries(to), 2);
  other = fopen(path, "r");
  ck_assert(fgets(text, sizeof text, other) && !strcmp(text, "precious"));
  fclose(other);
}
END_TEST

START_TEST(trajectories_with_a_value)
{
  const char *from = MakeSweeps(false);
  double      width[4];
  NomosFieldReader reader;

  ck_ok(ExportWhere(from, "pdebench", Path(1, "one.h5"), 1, (const char *[]){"nu=1.25"}, true));
  CheckSweep(paths[1], 2, (size_t[]){0, 1}, (size_t[]){1, 1});
  ck_ok(ExportWhere(from, "pdebench", Path(1, "some/"), 2, (const char *[]){"nu=2.25", "burgers.nu=0.25"}, true));
  ck_assert_uint_eq(CountEntries(paths[1]), 2);
  ck_ok(ExportWhere(from, "well", Path(1, "two.h5"), 4, (const char *[]){"nu=2.25", "nu=0.25", "width=1", "width=6"}, true)); /* one of each */
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1], &reader));
  ck_ok(NomosFieldReaderRead(reader, "width", (size_t[]){0}, (size_t[]){3}, width));
  ck_assert(width[0] == 1 && width[1] == 1 && width[2] == 6);
  ck_ok(NomosFieldReaderClose(&reader));
  ck_ok(ExportWhere(paths[1], "nomos", Path(2, "one.nc"), 1, (const char *[]){"nu=2.25"}, true));

  ck_refused(ExportWhere(from, "well", Path(1, "none.h5"), 1, (const char *[]){"nu=1.2"}, true), "--where nu=1.2: no trajectory has this value; the nearest is 1.25");
  ck_refused(ExportWhere(from, "well", paths[1], 1, (const char *[]){"mu=1.25"}, true), "--where mu=1.25: the trajectories have no such parameter; they have: nu, width");
  ck_refused(ExportWhere(from, "well", paths[1], 1, (const char *[]){"nu"}, true), "--where nu: a parameter and a number are expected: nu=0.02");
  ck_refused(ExportWhere(from, "well", paths[1], 1, (const char *[]){"nu=small"}, true), "a parameter and a number are expected");
  ck_refused(ExportWhere(from, "well", paths[1], 2, (const char *[]){"nu=0.25", "width=6"}, true), "no trajectory has these values of all parameters at once");
  ck_assert(access(paths[1], F_OK));
}
END_TEST

START_TEST(a_folder_of_runs)
{
  NomosFieldReader reader;
  double           u[2][T][X], bottom[2][X], nu[2], time[T];

  mkdir(Path(0, "runs"), 0777);
  MakeRun("runs/a", "0.01", "periodic", T, 100);
  MakeRun("runs/b", "0.02", "periodic", T, 200);
  ck_refused(Convert(paths[0], "pdebench", Path(1, "runs.h5")), "PDEBench's file has one value of nu, but trajectory 1 has 0.02 and trajectory 0 0.01; give a directory (-o DIR/), which gets a file for each value, or --format well");
  ck_assert(access(paths[1], F_OK) && access(Path(2, ".runs.h5.tmp"), F_OK));
  for (int k = 0; k < 2; k++) {
    ck_ok(Convert(paths[0], k ? "nomos" : "well", Path(1, "runs.h5")));
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1], &reader));
    ck_ok(NomosFieldReaderRead(reader, "u", (size_t[]){0, 0, 0}, (size_t[]){2, T, X}, &u[0][0][0]));
    ck_ok(NomosFieldReaderRead(reader, "bottom", (size_t[]){0, 0}, (size_t[]){2, X}, &bottom[0][0])); /* it does not change */
    ck_ok(NomosFieldReaderRead(reader, "nu", (size_t[]){0}, (size_t[]){2}, nu));
    ck_ok(NomosFieldReaderRead(reader, "time", (size_t[]){0}, (size_t[]){T}, time));
    for (size_t r = 0; r < 2; r++) {
      ck_assert(fabs(nu[r] - 0.01 * (double)(r + 1)) < 1e-9);
      for (size_t i = 0; i < X; i++) ck_assert(bottom[r][i] == 100 * (double)(r + 1) + 0.5 * (double)i);
      for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < X; i++) ck_assert(u[r][t][i] == 100 * (double)(r + 1) + 10 * (double)t + (double)i && time[t] == 0.5 * (double)t);
    }
    ck_ok(NomosFieldReaderClose(&reader));
    hid_t file = H5Fopen(paths[1], H5F_ACC_RDONLY, H5P_DEFAULT); /* The Well is told of the boundaries */
    ck_assert(k || H5Lexists(file, "boundary_conditions/x_periodic", H5P_DEFAULT) > 0);
    H5Fclose(file);
  }
  MakeRun("runs/b", "0.02", "periodic", T - 1, 200); /* not to its end */
  ck_refused(Convert(paths[0], "well", Path(1, "runs.h5")), "runs/b/fields.nc has 3 frames, ");
}
END_TEST

/* Of files of one run each that no case made, each number that all have as an attribute is a parameter; one that some have is none. */
START_TEST(runs_without_a_case)
{
  NomosFieldReader reader;
  double           gamma[2];
  char             path[NOMOS_MAX_PATH + 32];
  bool             has;

  mkdir(Path(0, "plain"), 0777);
  for (int r = 0; r < 2; r++) {
    const double value = 1.25 + r;
    MakeRun(r ? "plain/b" : "plain/a", "0.01", "periodic", T, 100);
    snprintf(path, sizeof path, "%s/%s/fields.nc", paths[0], r ? "b" : "a");
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert(H5Adelete(file, "config") >= 0 && H5LTset_attribute_double(file, "/", "gamma", &value, 1) >= 0 && (!r || H5LTset_attribute_double(file, "/", "mass", &value, 1) >= 0));
    H5Fclose(file);
  }
  ck_ok(Convert(paths[0], "nomos", Path(1, "plain.nc")));
  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1], &reader));
  ck_ok(NomosFieldReaderRead(reader, "gamma", (size_t[]){0}, (size_t[]){2}, gamma));
  ck_assert(gamma[0] == 1.25 && gamma[1] == 2.25);
  ck_ok(NomosFieldReaderHas(reader, "mass", &has));
  ck_assert(!has);
  ck_ok(NomosFieldReaderClose(&reader));
}
END_TEST

/* A parameter with a unit is one too, and keeps it; in another unit it is converted, in one of another kind it is none. */
START_TEST(parameters_with_units)
{
  NomosFieldReader reader;
  double           nu[2];
  char            *unit;

  mkdir(Path(0, "dimensional"), 0777);
  MakeRun("dimensional/a", "0.01 m2 s-1", "periodic", T, 100);
  MakeRun("dimensional/b", "2e4 mm2 s-1", "periodic", T, 200);
  for (int k = 0; k < 3; k++) {
    const char *from = k < 2 ? paths[0] : paths[1];
    ck_ok(Convert(from, k == 1 ? "well" : "nomos", Path(1 + k / 2, k == 1 ? "dimensional.h5" : k ? "back.nc" : "dimensional.nc"))); /* and from The Well's back */
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1 + k / 2], &reader));
    ck_ok(NomosFieldReaderRead(reader, "nu", (size_t[]){0}, (size_t[]){2}, nu));
    for (int r = 0; r < 2; r++) ck_close(nu[r], 0.01 * (r + 1), 1e-7); /* The Well has float32 */
    ck_ok(NomosFieldReaderAttribute(reader, "nu", "units", &unit));
    ck_assert_msg(unit && !strcmp(unit, "m2 s-1"), "nu is in %s", unit ? unit : "none");
    ck_ok(PetscFree(unit));
    ck_ok(NomosFieldReaderClose(&reader));
  }
  MakeRun("dimensional/b", "0.01 m2 s-1", "periodic", T, 200); /* one value: PDEBench's attribute, whose unit is a text */
  ck_ok(Convert(paths[0], "pdebench", Path(1, "dimensional.h5")));
  ck_ok(Convert(paths[1], NULL, Path(2, "back.nc")));
  for (int k = 1; k < 3; k++) {
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[k], &reader));
    ck_ok(NomosFieldReaderRead(reader, "nu", (size_t[]){0}, (size_t[]){2}, nu));
    for (int r = 0; r < 2; r++) ck_close(nu[r], 0.01, 1e-7);
    ck_ok(NomosFieldReaderAttribute(reader, "nu", "units", &unit));
    ck_assert_msg(unit && !strcmp(unit, "m2 s-1"), "nu is in %s", unit ? unit : "none");
    ck_ok(PetscFree(unit));
    ck_ok(NomosFieldReaderClose(&reader));
  }
  MakeRun("dimensional/b", "0.02 m s-1", "periodic", T, 200);
  ck_refused(Convert(paths[0], "nomos", Path(1, "dimensional.nc")), "the parameter nu of trajectory 1 (of all files) is missing or not finite");
}
END_TEST

/* Runs of trained weights are of the equation that these were trained on: of an emulator by what its file says, of a corrected solver by the keys of the solver. */
START_TEST(runs_of_trained_weights)
{
  static const struct {
    const char *name, *parameter, *boundary;
    double      value;
  } cases[] = {{"advection_emulated", "beta", NULL, 0.7}, {"burgers_corrected_run", "nu", "boundary_conditions/x_periodic", 0.01}};

  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    NomosFieldReader reader;
    double           value;
    char             name[NOMOS_MAX_PATH], run[NOMOS_MAX_PATH], *words[] = {"nomos", "run", name, "--smoke", "-q", "-o", run, NULL}, *family;
    snprintf(name, sizeof name, "surrogate/%s", cases[k].name);
    snprintf(run, sizeof run, "%s", Path(0, cases[k].name));
    ck_assert_int_eq(NomosProgramMain(7, words, nomos_solvers, nomos_surrogates), 0);
    ck_ok(Convert(run, "well", Path(1, "weights.h5")));
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1], &reader));
    ck_ok(NomosFieldReaderRead(reader, cases[k].parameter, (size_t[]){0}, (size_t[]){1}, &value));
    ck_assert_double_eq_tol(value, cases[k].value, 1e-7); /* The Well has float32 */
    ck_ok(NomosFieldReaderAttribute(reader, NULL, "family", &family));
    ck_assert_int_eq(strncmp(cases[k].name, family, strlen(family)), 0); /* advection, burgers */
    ck_ok(PetscFree(family));
    ck_ok(NomosFieldReaderClose(&reader));
    hid_t file = H5Fopen(paths[1], H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert(!cases[k].boundary || H5Lexists(file, cases[k].boundary, H5P_DEFAULT) > 0);
    H5Fclose(file);
  }
}
END_TEST

/* The family is what the file says, whatever parameters differ; a key of the initial state tells none, and then all is flat. */
START_TEST(family_of_a_file)
{
  const Sample sample = {"initial", 2, 2, {"u", "v"}, false, false};

  Make(Path(0, "family.nc"), &sample);
  for (int told = 0; told < 2; told++) {
    hid_t file = H5Fopen(paths[0], H5F_ACC_RDWR, H5P_DEFAULT);
    if (told) ck_assert(H5LTset_attribute_string(file, "/", "family", "diffusion_reaction") >= 0);
    H5Fclose(file);
    ck_ok(Convert(paths[0], "pdebench", Path(1, "family.h5")));
    file = H5Fopen(paths[1], H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert((H5Lexists(file, "0002", H5P_DEFAULT) > 0) == told && (H5Lexists(file, "u", H5P_DEFAULT) > 0) == !told);
    H5Fclose(file);
  }
}
END_TEST

/* PDEBench's Darcy flow is a solution and its coefficient: nothing else of ours is in such a file, and its numbers are where they are looked for. */
START_TEST(darcy_of_pdebench)
{
  const Sample sample = {"darcy", 2, 3, {"u", "coefficient", "log_coefficient"}, false, false};
  const char  *names[] = {"tensor", "nu", "x-coordinate", "y-coordinate", "t-coordinate"};
  H5G_info_t   info;
  hsize_t      size[4];
  float        nu[N][X][Y];

  Make(Path(0, "rock.nc"), &sample);
  ck_ok(Convert(paths[0], "pdebench", Path(1, "rock.h5")));
  hid_t file = H5Fopen(paths[1], H5F_ACC_RDONLY, H5P_DEFAULT);
  for (size_t i = 0; i < 5; i++) ck_assert_msg(H5Lexists(file, names[i], H5P_DEFAULT) > 0, "no %s", names[i]);
  ck_assert(H5Gget_info(file, &info) >= 0 && info.nlinks == 5);
  ck_assert(H5LTget_dataset_info(file, "tensor", size, NULL, NULL) >= 0 && size[0] == N && size[1] == 1 && size[2] == X && size[3] == Y);
  ck_assert(H5LTread_dataset_float(file, "nu", &nu[0][0][0]) >= 0);
  for (size_t n = 0; n < N; n++)
    for (size_t x = 0; x < X; x++)
      for (size_t y = 0; y < Y; y++) ck_assert(nu[n][x][y] == (float)ValueAt(1, ((n * T + T - 1) * Y + y) * X + x));
  H5Fclose(file);
  ck_ok(Convert(paths[1], NULL, Path(2, "back.nc"))); /* and again, known by its datasets */
  ck_ok(Convert(paths[2], "pdebench", Path(3, "again.h5")));
  CheckSameLinks(paths[1], paths[3]);
}
END_TEST

static void SetTimes(const char path[], const double times[T])
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(file, "time", H5P_DEFAULT);

  ck_assert(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, times) >= 0);
  H5Dclose(dataset);
  H5Fclose(file);
}

/* Frames 0 .3 .6 .7 of a run that stops at .7: the last is left out where intervals are equal, and ours keeps it. Rounding is no other interval; a hole is. */
START_TEST(intervals_of_frames)
{
  static const Sample sample = {"burgers", 1, 1, {"u"}, false, false};
  static const double times[][T] = {{0, 0.3, 0.6, 0.7}, {0, 0.3f, 0.6f, 0.9f}, {0, 0.3, 0.9, 1.2}, {0, 0.3, 0.6, 1.2}, {0, 0.1, 0.4, 0.7}};
  static const char *const formats[] = {"pdebench", "well", "nomos"};
  static const char *const told[] = {"frame 1 is at time 0.3 and frame 2 at 0.9, 0.6 later, where the first interval is 0.3", "frame 2 is at time 0.6 and frame 3 at 1.2, 0.6 later", "frame 1 is at time 0.1 and frame 2 at 0.4, 0.3 later"};

  Make(Path(0, "intervals.nc"), &sample);
  for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
    SetTimes(paths[0], times[k]);
    for (size_t f = 0; f < 3; f++) {
      NomosFieldReader reader;
      double           u[N][T][X];
      size_t           shape[NOMOS_FIELD_MAX_DIMS + 1];
      int              n_dims;
      if (k > 1 && f < 2) {
        ck_refused(Convert(paths[0], formats[f], Path(1, "intervals.h5")), told[k - 2]);
        continue;
      }
      ck_ok(Convert(paths[0], formats[f], Path(1, "intervals.h5")));
      ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1], &reader));
      ck_ok(NomosFieldReaderShape(reader, "u", &n_dims, shape));
      ck_assert_uint_eq(shape[1], k || f == 2 ? T : T - 1);
      ck_ok(NomosFieldReaderRead(reader, "u", (size_t[3]){0}, (size_t[]){N, shape[1], X}, &u[0][0][0]));
      for (size_t i = 0; i < N * shape[1] * X; i++) ck_assert((&u[0][0][0])[i] == ValueAt(0, i / (shape[1] * X) * T * X + i % (shape[1] * X)));
      ck_ok(NomosFieldReaderClose(&reader));
    }
  }
}
END_TEST

/* ---- what has no names */

static hid_t PutNumbers(hid_t file, const char name[], int n_dims, const hsize_t size[], double first)
{
  double values[T * T * X];
  size_t n = 1;

  for (int d = 0; d < n_dims; d++) n *= size[d];
  for (size_t i = 0; i < n; i++) values[i] = first + 0.25 * (double)i;
  hid_t space = n_dims ? H5Screate_simple(n_dims, size, NULL) : H5Screate(H5S_SCALAR), dataset = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Sclose(space);
  return dataset;
}

/* The README's own file, of as many trajectories as frames: u with dimension scales, and other things without. */
static void MakeOwn(const char path[], const char more[])
{
  static const char *const names[] = {"trajectory", "time", "x"};
  const hsize_t            size[]  = {T, T, X};
  hid_t                    file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), u = PutNumbers(file, "u", 3, size, 1);

  H5Dclose(PutNumbers(file, "nu", 1, size, 0.5));
  H5Dclose(PutNumbers(file, more, 3, size, 100));
  for (unsigned i = 0; i < 3; i++) {
    hid_t scale = PutNumbers(file, names[i], 1, &size[i], 0);
    ck_assert(H5DSset_scale(scale, names[i]) >= 0 && H5DSattach_scale(u, scale, i) >= 0);
    H5Dclose(scale);
  }
  H5Dclose(u);
  H5Fclose(file);
}

/* A parameter and a second field need no names; what is not taken is told. */
START_TEST(without_names)
{
  static const char *const  told[] = {"depth (its axes have no names)", "half (its axes have no names)", "t (its axes have no names)", "words (not one number for each trajectory)", "count", "forcing", "folder", "loose"};
  static NomosConvertSource s;
  const hsize_t             size[] = {T, X, T};
  NomosFieldReader          reader;
  double                    nu[T], v[T * T * X];

  MakeOwn(Path(0, "own.h5"), "v");
  for (int k = 0; k < 2; k++) {
    ck_ok(NomosConvertOpen(paths[0], &s));
    ck_assert(s.n_fields == 2 && s.n_parameters == 1 && s.n_trajectories == T && s.n_frames == T && !strcmp(s.parameters[0].name, "nu"));
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) ck_assert_msg(!strstr(s.left_out, told[i]) == !k, "left out is '%s'", s.left_out);
    ck_assert(k || !s.left_out[0]);
    ck_ok(NomosConvertClose(&s));
    ck_ok(Convert(paths[0], NULL, Path(1, "own.nc")));
    ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, paths[1], &reader));
    ck_ok(NomosFieldReaderRead(reader, "nu", (size_t[]){0}, (size_t[]){T}, nu));
    ck_ok(NomosFieldReaderRead(reader, "v", (size_t[3]){0}, (size_t[]){T, T, X}, v));
    ck_ok(NomosFieldReaderClose(&reader));
    for (size_t i = 0; i < T; i++) ck_assert(nu[i] == 0.5 + 0.25 * (double)i);
    for (size_t i = 0; i < T * T * X; i++) ck_assert(v[i] == 100 + 0.25 * (double)i);
    ck_refused(Convert(paths[0], "pdebench", Path(2, "own_pdebench.h5")), "PDEBench's file has one value of nu, but trajectory 1 has 0.75 and trajectory 0 0.5");
    hid_t file = H5Fopen(paths[0], H5F_ACC_RDWR, H5P_DEFAULT), time = H5Dopen2(file, "time", H5P_DEFAULT), text = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, size, NULL);
    if (!k) { /* as long as there are trajectories, and no parameter; and of other shapes */
      H5Dclose(PutNumbers(file, "t", 1, size, 0));
      H5Dclose(PutNumbers(file, "depth", 1, size + 1, 0));
      H5Dclose(PutNumbers(file, "half", 2, size, 0));
      H5Dclose(PutNumbers(file, "count", 0, NULL, 0));
      H5Dclose(H5Dcreate2(file, "words", text, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      H5Gclose(H5Gcreate2(file, "folder", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      hid_t loose = PutNumbers(file, "loose", 1, size, 0), forcing = PutNumbers(file, "forcing", 1, size, 0);
      ck_assert(H5DSset_scale(loose, "loose") >= 0 && H5DSattach_scale(forcing, time, 0) >= 0); /* over time alone: no run for that */
      H5Dclose(loose);
      H5Dclose(forcing);
    }
    H5Sclose(space);
    H5Tclose(text);
    H5Dclose(time);
    H5Fclose(file);
  }
}
END_TEST

/* Of several files what the first one has not is told, and numbers in other units are refused. */
START_TEST(files_that_differ)
{
  static NomosConvertSource s;

  mkdir(Path(0, "differ"), 0777);
  MakeOwn(Path(1, "differ/a.h5"), "v");
  MakeOwn(Path(2, "differ/b.h5"), "v");
  hid_t file = H5Fopen(paths[2], H5F_ACC_RDWR, H5P_DEFAULT);
  H5Dclose(PutNumbers(file, "ww", 1, (hsize_t[]){T}, 0));
  H5Dclose(PutNumbers(file, "w", 1, (hsize_t[]){T}, 0));
  H5Fclose(file);
  ck_ok(NomosConvertOpen(paths[0], &s));
  ck_assert(strstr(s.left_out, "ww (not in the first file)") && (!strncmp(s.left_out, "w (", 3) || strstr(s.left_out, ", w (not in the first file)")));
  ck_assert(s.n_fields == 2 && s.n_parameters == 1 && s.n_trajectories == 2 * T && s.parameters[0].values[T + 1] == 0.75);
  ck_ok(NomosConvertClose(&s));
  file = H5Fopen(paths[2], H5F_ACC_RDWR, H5P_DEFAULT); /* more than can be told */
  for (int i = 0; i < 40; i++) {
    char name[32];
    snprintf(name, sizeof name, "one_of_many_%d", i);
    H5Dclose(PutNumbers(file, name, 1, (hsize_t[]){T}, 0));
  }
  H5Fclose(file);
  ck_ok(NomosConvertOpen(paths[0], &s));
  ck_assert(strstr(s.left_out, "), ...") && !strcmp(strstr(s.left_out, "), ..."), "), ..."));
  ck_ok(NomosConvertClose(&s));
  static const struct {
    const char *name, *a, *b, *sentence;
  } units[] = {{"u", "m", "km", "differ/b.h5: u is in 'km', in "}, {"nu", "m2 s-1", "mm2 s-1", "differ/b.h5: nu is in 'mm2 s-1', in "}, {"x", "m", "km", "differ/b.h5: x is in 'km', in "}, {"time", "h", "s", "differ/b.h5: time is in 's', in "}, {"time", "h", "hours since 2000-01-01", NULL}, {"v", "1", "kg", NULL}};
  for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
    for (int f = 0; f < 2; f++) {
      MakeOwn(Path(1 + f, f ? "differ/b.h5" : "differ/a.h5"), "v");
      ck_assert((file = H5Fopen(paths[1 + f], H5F_ACC_RDWR, H5P_DEFAULT)) >= 0 && H5LTset_attribute_string(file, units[k].name, "units", f ? units[k].b : units[k].a) >= 0);
      H5Fclose(file);
    }
    if (units[k].sentence) ck_refused(Convert(paths[0], NULL, Path(3, "out.nc")), units[k].sentence);
    else ck_ok(Convert(paths[0], NULL, Path(3, "out.nc")));
  }
}
END_TEST

/* ---- mistakes */

START_TEST(mistakes)
{
  const Sample burgers = {"burgers", 1, 1, {"u"}, false, false}, bad = {"burgers", 1, 1, {"u"}, false, true};
  FILE        *other;
  char         text[16] = "";

  Make(Path(0, "sample.nc"), &burgers);
  ck_refused(Convert(paths[0], "pdbench", Path(1, "out.h5")), "unknown format 'pdbench'; did you mean pdebench?; there are nomos, pdebench, well, lagrangebench");
  ck_refused(Convert(paths[0], "well", Path(1, "no/such/folder.h5")), "no/such");
  ck_refused(Convert(paths[0], "well", NULL), "-o FILE is missing");
  ck_refused(Convert(Path(2, "none.h5"), NULL, Path(1, "out.h5")), "none.h5 cannot be read");
  mkdir(Path(3, "there"), 0777); /* told before anything is read */
  for (int k = 0; k < 2; k++) ck_refused(Convert(k ? paths[0] : paths[2], k ? "well" : NULL, paths[3]), "there: cannot write over a directory: give the name of a file, in it or elsewhere");

  Make(Path(1, "falls.nc"), &burgers);
  SetTimes(paths[1], (double[T]){0, 1, 0.5, 0.25});
  ck_refused(Convert(paths[1], NULL, Path(2, "out.nc")), "falls.nc: frame 1 is at time 1 and frame 2 at 0.5, and times must rise");

  Make(paths[0], &bad); /* and what was there before stays */
  other = fopen(Path(1, "out.h5"), "w");
  fputs("precious", other);
  fclose(other);
  ck_refused(Convert(paths[0], "pdebench", paths[1]), "sample.nc: u = nan in trajectory 1, frame 2, entry 1 of the field: data must be finite");
  other = fopen(paths[1], "r");
  ck_assert(fgets(text, sizeof text, other) && !strcmp(text, "precious"));
  fclose(other);
  ck_assert(access(Path(2, ".out.h5.tmp"), F_OK));
  ck_refused(Convert(paths[1], NULL, Path(3, "out.nc")), "out.h5 is not an HDF5 or NetCDF-4 file");

  /* axes of a layout that is known, without the names by which it is */
  hid_t file = H5Fcreate(Path(1, "nameless.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5LTmake_dataset_double(file, "u", 4, (hsize_t[]){1, 2, 2, 3}, (double[12]){0}) >= 0);
  H5Fclose(file);
  ck_refused(Convert(paths[1], NULL, Path(3, "out.nc")), "u has 4 axes without names: attach dimension scales called trajectory, time, y, x");
}
END_TEST

/* A number of the file may have the name of a field, and a parameter may be a table in the next file: only lists are read as lists. */
START_TEST(names_of_two_things)
{
  const Sample burgers = {"burgers", 1, 1, {"u"}, false, false};
  const double number  = 0.75;

  mkdir(Path(0, "two"), 0777);
  Make(Path(1, "two/a.nc"), &burgers);
  hid_t file = H5Fopen(paths[1], H5F_ACC_RDWR, H5P_DEFAULT), space = H5Screate(H5S_SCALAR), attribute = H5Acreate2(file, "u", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Awrite(attribute, H5T_NATIVE_DOUBLE, &number) >= 0);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Fclose(file);
  ck_ok(Convert(paths[0], NULL, Path(2, "back.nc")));
  Check(paths[2], &burgers, 1);

  Make(Path(1, "two/b.nc"), &burgers);
  file  = H5Fopen(paths[1], H5F_ACC_RDWR, H5P_DEFAULT);
  space = H5Screate_simple(2, (hsize_t[]){N, T}, NULL);
  H5Ldelete(file, "nu", H5P_DEFAULT);
  H5Dclose(H5Dcreate2(file, "nu", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  H5Fclose(file);
  ck_refused(Convert(paths[0], NULL, Path(2, "back.nc")), "the parameter nu of trajectory 3 (of all files) is missing or not finite");
}
END_TEST

NOMOS_TEST_SUITE("convert", there_and_back, vectors_of_the_well, parameters_of_the_well, predictions_of_an_ensemble, seeds_of_trajectories, components_apart, names_of_pdebench, a_file_for_each_value, trajectories_with_a_value, a_folder_of_runs, runs_without_a_case, parameters_with_units, without_names, files_that_differ, family_of_a_file, runs_of_trained_weights, darcy_of_pdebench, intervals_of_frames, names_of_two_things, mistakes)
