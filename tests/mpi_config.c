#include "io/config.h"
#include "tests/harness.h"

static const NomosParam params[] = {
  {.key = "solver", .type = NOMOS_PARAM_STRING, .doc = "Which solver."},
  {.key = "qg.lx", .type = NOMOS_PARAM_REAL, .default_value = "1 km", .unit = "m", .doc = "Length."},
  {.key = "qg.u", .type = NOMOS_PARAM_REAL_LIST, .default_value = "", .unit = "m/s", .doc = "Mean flow."},
  {.key = "qg.file", .type = NOMOS_PARAM_FILE, .default_value = "", .doc = "File."},
};

/* Rank 0 alone writes and can see what it wrote: reading must not depend on the others. */
static void Write(const char name[], const char text[], char path[])
{
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(path, NOMOS_MAX_PATH + 64, "%s/%s", ck_directory, name);
  if (!rank) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
  } else snprintf(path, NOMOS_MAX_PATH + 64, "/nowhere/%d", rank);
}

static bool IsSameEverywhere(const char text[])
{
  char mine[8192] = "", first[8192];
  int  same, everywhere;
  snprintf(mine, sizeof mine, "%s", text);
  memcpy(first, mine, sizeof first);
  ck_assert_int_eq(MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD), 0);
  same = !strcmp(mine, first);
  ck_assert_int_eq(MPI_Allreduce(&same, &everywhere, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD), 0);
  return everywhere;
}

START_TEST(EveryRankHasTheSameValues)
{
  NomosConfig config;
  char        path[NOMOS_MAX_PATH + 64], *yaml, hash[17];

  Write("base.yaml", "qg: {lx: 3 km, u: [1, 2 cm/s]}\n", path);
  Write("case.yaml", "include: base.yaml\nsolver: qg\nqg.file: start.h5\n", path);
  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigLoad(config, path));
  ck_ok(NomosConfigRegister(config, sizeof params / sizeof *params, params));
  ck_ok(NomosConfigCheck(config));
  ck_ok(NomosConfigToYaml(config, &yaml));
  ck_ok(NomosConfigHash(config, 0, NULL, hash));
  ck_assert(strstr(yaml, "lx: 3000 m") && strstr(yaml, "u: [1 m/s, 0.02 m/s]") && strstr(yaml, "/start.h5"));
  ck_assert(IsSameEverywhere(yaml));
  ck_assert(IsSameEverywhere(hash));
  ck_ok(PetscFree(yaml));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* Every rank gets the error, so that none waits for the others. */
START_TEST(EveryRankIsRefused)
{
  static const struct {
    const char *text, *fragment;
  } rows[] = {
    {"solver: qg\nqg.lx: 3 kg\n", ":2: qg.lx = 3 kg: has the unit kg"}, {"include: nothing.yaml\n", "nothing.yaml: no such file"}, {"include: case.yaml\n", "a cycle"}, {"qg: {\n", "not valid YAML"}, {"solver: qg\nqg.uu: 3\n", "did you mean qg.u?"}, {"", "is empty"},
    {"solver: qg\npetsc: {nomos_unused: 1}\n", "-nomos_unused ("},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    NomosConfig config;
    char        path[NOMOS_MAX_PATH + 64];
    Write("case.yaml", rows[i].text, path);
    NomosErrorClear();
    NomosErrorSetQuiet(true);
    PetscErrorCode code = NomosConfigCreate(PETSC_COMM_WORLD, &config);
    if (!code) code = NomosConfigLoad(config, path);
    if (!code) code = NomosConfigRegister(config, sizeof params / sizeof *params, params);
    if (!code) code = NomosConfigCheck(config);
    if (!code) code = NomosConfigInsertPetscOptions(config);
    if (!code) code = NomosConfigCheckPetscOptions(config);
    NomosErrorSetQuiet(false);
    ck_assert_msg(code && strstr(NomosErrorLast(), rows[i].fragment), "\"%s\" does not say \"%s\"", NomosErrorLast(), rows[i].fragment);
    ck_ok(NomosConfigDestroy(&config));
    MPI_Barrier(MPI_COMM_WORLD);
  }
  ck_ok(PetscOptionsClearValue(NULL, "-nomos_unused"));
}
END_TEST

NOMOS_TEST_SUITE("config in parallel", EveryRankHasTheSameValues, EveryRankIsRefused)
