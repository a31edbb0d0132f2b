/* Statistics of channels: those of all training rows and no other, the same on every number of ranks, numerically sound, and undone exactly. */
#include "harness.h"
#include "surrogates/normalisation.h"

#include <hdf5.h>

enum { N = 40, NC = 3, NX = 5000 }; /* blocks of 8 rows */

static double x[N][NC][NX];

static void Write(char path[NOMOS_MAX_PATH])
{
  int rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path, NOMOS_MAX_PATH, "%s/x.h5", ck_directory);
  MPI_Barrier(PETSC_COMM_WORLD); /* nobody reads the former one any more */
  if (!rank) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(3, (hsize_t[]){N, NC, NX}, NULL);
    hid_t set = H5Dcreate2(file, "x", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    H5Dclose(set);
    H5Sclose(space);
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
}

/* Channel 0 is a tiny ripple on a large mean, channel 1 wide, channel 2 constant. */
static void Make(char path[NOMOS_MAX_PATH])
{
  for (int n = 0; n < N; n++)
    for (int i = 0; i < NX; i++) {
      x[n][0][i] = 1e6 + 1e-3 * ((n * NX + i) % 2 ? 1 : -1);
      x[n][1][i] = n * n + 10 * (i % 7);
      x[n][2][i] = 0.1;
    }
  Write(path);
}

START_TEST(statistics_of_the_training_rows)
{
  char                 path[NOMOS_MAX_PATH];
  NomosDataset         data;
  NomosParameters      parameters;
  NomosNormalisation   normalisation;
  NomosParameter       mean, deviation;
  double               sum = 0, squares = 0, n = 0;

  Make(path);
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &(NomosDatasetInput){.path = path, .n_variables = 1, .variables = &(NomosDatasetVariable){.name = "x"}, .validation = 0.25, .test = 0.25}, &data));
  ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
  ck_ok(NomosNormalisationCreate(parameters, "input", NC, &normalisation));
  ck_ok(NomosParametersInitialise(parameters, 0));
  ck_refused(NomosNormalisationFit(&normalisation, parameters, &(NomosNormalisationSource){.comm = PETSC_COMM_WORLD, .dataset = data, .variable = 0, .axis = 1}), "normalisation of 3 channels: axis 1 of the data's rows has 5000 entries");
  ck_refused(NomosNormalisationSet(&normalisation, parameters, (double[]){0, 0, 0}, (double[]){1, 0, 1}), "channel 1 has mean 0 and standard deviation 0");
  ck_ok(NomosNormalisationFit(&normalisation, parameters, &(NomosNormalisationSource){.comm = PETSC_COMM_WORLD, .dataset = data, .variable = 0, .axis = 0}));
  ck_ok(NomosParametersGet(parameters, normalisation.mean, &mean));
  ck_ok(NomosParametersGet(parameters, normalisation.deviation, &deviation));
  ck_assert_str_eq(mean.name, "input.mean");
  for (int pass = 0; pass < 2; pass++)
    for (size_t e = 0; e < NomosDatasetExamples(data, NOMOS_SPLIT_TRAIN); e++) {
      size_t t;
      ck_ok(NomosDatasetOrigin(data, NOMOS_SPLIT_TRAIN, e, &t, NULL, NULL));
      for (int i = 0; i < NX; i++) {
        if (pass) squares += (x[t][1][i] - sum / n) * (x[t][1][i] - sum / n);
        else sum += x[t][1][i], n += 1;
      }
    }
  const double *m = mean.values, *d = deviation.values;
  ck_assert(n == 20 * NX);
  ck_close(m[1], sum / n, 1e-12);
  ck_close(d[1], sqrt(squares / n), 1e-12);
  ck_close(d[0], 1e-3, 2e-6); /* 1e-9 of the mean: a sum of squares would lose it; the data themselves carry 1e-10 */
  ck_assert(m[2] == 0.1 && d[2] == 1);
  double alone[2];
  alone[0] = m[1], alone[1] = d[1];
  ck_ok(NomosDatasetClose(&data));
  ck_ok(NomosDatasetOpen(PETSC_COMM_SELF, &(NomosDatasetInput){.path = path, .n_variables = 1, .variables = &(NomosDatasetVariable){.name = "x"}, .validation = 0.25, .test = 0.25}, &data));
  ck_ok(NomosNormalisationFit(&normalisation, parameters, &(NomosNormalisationSource){.comm = PETSC_COMM_SELF, .dataset = data, .variable = 0, .axis = 0}));
  ck_assert(m[1] == alone[0] && d[1] == alone[1]);
  ck_ok(NomosDatasetClose(&data));
  ck_ok(NomosParametersDestroy(&parameters));
}
END_TEST

/* Squares that overflow are told, not taken for a constant; so are statistics that weights of single precision cannot hold. */
START_TEST(numbers_too_large)
{
  char               path[NOMOS_MAX_PATH];
  NomosDataset       data;
  NomosParameters    parameters;
  NomosNormalisation normalisation;
  const struct {
    double        large;
    NomosRealType type;
    const char   *sentence;
  } cases[] = {{1e300, NOMOS_F64, "both must be finite"}, {1e300, NOMOS_F32, "both must be finite"}, {1e60, NOMOS_F64, NULL}, {1e60, NOMOS_F32, "float32 cannot hold"}, {1e-60, NOMOS_F32, "float32 cannot hold"}};

  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    for (int n = 0; n < N; n++)
      for (int i = 0; i < NX; i++) {
        x[n][0][i] = x[n][2][i] = i;
        x[n][1][i]              = n % 2 ? -cases[k].large : cases[k].large;
      }
    Write(path);
    ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &(NomosDatasetInput){.path = path, .n_variables = 1, .variables = &(NomosDatasetVariable){.name = "x"}}, &data));
    ck_ok(NomosParametersCreate(cases[k].type, &parameters));
    ck_ok(NomosNormalisationCreate(parameters, "input", NC, &normalisation));
    ck_ok(NomosParametersInitialise(parameters, 0));
    const NomosNormalisationSource source = {.comm = PETSC_COMM_WORLD, .dataset = data, .variable = 0, .axis = 0};
    if (cases[k].sentence) ck_refused(NomosNormalisationFit(&normalisation, parameters, &source), cases[k].sentence);
    else ck_ok(NomosNormalisationFit(&normalisation, parameters, &source));
    ck_ok(NomosParametersDestroy(&parameters));
    ck_ok(NomosDatasetClose(&data));
  }
}
END_TEST

START_TEST(applied_and_undone)
{
  NomosParameters    parameters;
  NomosNormalisation channels, whole;
  NomosTape          tape;
  NomosTensor        w[4];
  double             y[2][3], values[2][3] = {{1, 2, 3}, {4, 5, 6}};

  ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
  ck_ok(NomosNormalisationCreate(parameters, "a", 2, &channels));
  ck_ok(NomosNormalisationCreate(parameters, "b", 1, &whole));
  ck_ok(NomosParametersInitialise(parameters, 0));
  ck_ok(NomosNormalisationSet(&channels, parameters, (double[]){1, 4}, (double[]){0.5, 2}));
  ck_ok(NomosNormalisationSet(&whole, parameters, (double[]){3}, (double[]){4}));
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(parameters, tape, w));
  NomosTensor in = NomosTensorCreate(tape, NOMOS_F64, 2, (size_t[]){2, 3}, values);
  for (int axis = -2; axis <= 0; axis += 2) {
    NomosTensor out = NomosNormalisationApply(&channels, w, in, axis);
    ck_ok(NomosTensorGetDoubles(out, &y[0][0]));
    for (int c = 0; c < 2; c++)
      for (int i = 0; i < 3; i++) ck_assert(y[c][i] == i * (c ? 0.5 : 2.));
    ck_ok(NomosTensorGetDoubles(NomosNormalisationUndo(&channels, w, out, axis), &y[0][0]));
    ck_assert(!memcmp(y, values, sizeof y));
  }
  ck_ok(NomosTensorGetDoubles(NomosNormalisationApply(&whole, w, in, 1), &y[0][0]));
  ck_assert(y[0][0] == -0.5 && y[1][2] == 0.75);
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosParametersDestroy(&parameters));
}
END_TEST

NOMOS_TEST_SUITE("normalisation", statistics_of_the_training_rows, numbers_too_large, applied_and_undone)
