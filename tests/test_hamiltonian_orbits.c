/* Roll-outs against the trajectories of a data set: with the true field they are the same, and errors are what they are called. */
#include "cases/generator_list.h"
#include "solvers/hamiltonian/two_body.h"
#include "surrogates/hamiltonian/orbits.h"
#include "tests/harness.h"

static const char energy_text[] = "(p1^2 + p2^2 + p3^2 + p4^2)/2 - 1/sqrt((q1 - q3)^2 + (q2 - q4)^2)";

/* The field of two bodies with all forces times *ctx; a strength that is no number has no orbits. */
static PetscErrorCode Field(size_t n, const double x[], double x_dot[], void *ctx)
{
  for (size_t i = 0; i < n; i++) {
    NomosTwoBodyField(x + 8 * i, x_dot + 8 * i);
    for (int d = 4; d < 8; d++) x_dot[8 * i + (size_t)d] *= *(double *)ctx;
  }
  return PETSC_SUCCESS;
}

START_TEST(test_orbits)
{
  const NomosDatasetVariable variables[] = {{.name = "x"}, {.name = "t", .constant = true}};
  NomosDatasetInput          input = {.n_variables = 2, .variables = variables, .frames = true, .window = 1, .test = 0.5};
  NomosConfig                config;
  NomosDataset               dataset;
  NomosOrbits                truth, rolled;
  NomosExpression            energy;
  char                       path[NOMOS_MAX_PATH + 16];
  double                     strength = 1;
  bool                       stuck;
  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigSet(config, "two_body.orbits=6"));
  ck_ok(NomosConfigSet(config, "two_body.times=11"));
  ck_ok(NomosConfigRegister(config, nomos_generator_two_body.n_params, nomos_generator_two_body.params));
  snprintf(path, sizeof path, "%s/orbits.nc", ck_directory);
  ck_ok(nomos_generator_two_body.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = path}, &(bool){false}));
  input.path = path;
  ck_ok(NomosDatasetOpen(PETSC_COMM_WORLD, &input, &dataset));
  ck_ok(NomosOrbitsRead(dataset, NOMOS_SPLIT_TEST, 0, 1, &truth));
  ck_assert(truth.n == 3 && truth.n_times == 11 && truth.size == 8);
  for (int i = 0; i < 11; i++) ck_close(truth.times[i] + 1, 2 * i + 1, 1e-15);
  ck_ok(NomosOrbitsEnergyCreate(energy_text, 8, &energy));
  for (size_t i = 0; i < 33; i++) ck_close(NomosExpressionEvaluate(energy, truth.x + 8 * i), NomosTwoBodyEnergy(truth.x + 8 * i), 1e-14);

  NomosOrbitsRollInput roll = {.truth = &truth, .n = 2, .field = Field, .ctx = &strength, .rtol = 1e-10};
  ck_ok(NomosOrbitsRoll(&roll, &rolled, &stuck));
  ck_assert(!stuck && rolled.n == 2);
  ck_assert_double_lt(NomosOrbitsError(&rolled, &truth), 1e-14);
  ck_assert_double_lt(NomosOrbitsEnergyError(&rolled, &truth, energy), 1e-16);
  for (size_t i = 0; i < 2 * 11 * 8; i++) rolled.x[i] += i % 8 == 4 ? 0.5 : 0; /* p1: H by p1/2 + 1/8 */
  ck_close(NomosOrbitsError(&rolled, &truth), 0.25 / 8, 1e-6);
  double exact = 0;
  for (size_t i = 0; i < 2 * 11; i++) exact += pow(0.5 * truth.x[8 * i + 4] + 0.125, 2) / 22;
  ck_close(NomosOrbitsEnergyError(&rolled, &truth, energy), exact, 1e-6);
  ck_ok(NomosOrbitsFree(&rolled));

  strength = 0.9;
  ck_ok(NomosOrbitsRoll(&roll, &rolled, &stuck));
  ck_assert_double_gt(NomosOrbitsError(&rolled, &truth), 1e-3);
  ck_ok(NomosOrbitsFree(&rolled));
  strength = NAN;
  ck_ok(NomosOrbitsRoll(&roll, &rolled, &stuck));
  ck_assert(stuck && !NomosErrorLast()[0]);
  ck_ok(NomosOrbitsFree(&rolled));
  ck_ok(NomosOrbitsFree(&truth));
  ck_ok(NomosExpressionDestroy(&energy));
  ck_refused(NomosOrbitsEnergyCreate("p1^2 + q9", 8, &energy), "q9");
  ck_ok(NomosDatasetClose(&dataset));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

NOMOS_TEST_SUITE("orbits", test_orbits)
