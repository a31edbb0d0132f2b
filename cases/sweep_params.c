/* What a sweep is asked for. */
#include "cases/sweep_impl.h"

#include "operators/random.h"
#include "solvers/solver_list.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam sweep_params[SWEEP_N_PARAMS] = {
  {"sweep.case",         NOMOS_PARAM_CASE,            NULL,      NULL, 0, 0,         NULL, false, "The case whose trajectories these are: any of a solver that writes fields."},
  {"sweep.set",          NOMOS_PARAM_EXPRESSION_LIST, "",        NULL, 0, 0,         NULL, false, "Settings for it, as with --set: [\"grid_pde.nx=256\", \"time.stop=1\"]; output.fields_every is the time between frames."},
  {"sweep.trajectories", NOMOS_PARAM_INT,             "512",     NULL, 1, 16777216,  NULL, false, "Trajectories for the training; they are spread evenly over the values of the parameters."},
  {"sweep.seed",         NOMOS_PARAM_INT,             "0",       NULL, 0, 100000,    NULL, false, "Seed of the sweep: of it come the seeds of all trajectories, no two of which are equal, in tests neither, and what is drawn from ranges."},
  {"sweep.seed_key",     NOMOS_PARAM_STRING,          "",        NULL, 0, 0,         NULL, false, "The case's parameter that gets the seed of a trajectory; empty: SOLVER.seed; none: no parameter does."},
  {"sweep.coarsen",      NOMOS_PARAM_INT,             "1",       NULL, 1, 65536,     NULL, false, "So many cells along x, y and z become one: the mean of them where a field consists of means over cells (grid_pde; of a gas and of water those of velocity and pressure as they are written, so that sums of momentum and energy are kept on the fine grid alone), else the first of so many points."},
  {"sweep.precision",    NOMOS_PARAM_CHOICE,          "float32", NULL, 0, 0, "float32|float64", false, "Of the fields in the files."},
  {"sweep.fields",       NOMOS_PARAM_EXPRESSION_LIST, "",        NULL, 0, 0,         NULL, false, "Fields to keep, by name; empty: all that change in time, of particles their positions alone. One that does not change (a force) is kept where it is named."},
  {"sweep.compose",      NOMOS_PARAM_EXPRESSION_LIST, "",        NULL, 0, 0,         NULL, false, "Settings for the case that are computed for each trajectory: what stands in braces is arithmetic on the parameters by their names: [\"bodies.body.size=[{w}, {w/2}]\"]."},
};
/* clang-format on */

/* clang-format off */
static const NomosParam parameter_params[] = {
  {"key",    NOMOS_PARAM_STRING,          "",       NULL, 0, 0, NULL, false, "The parameter of the case that takes the values: burgers.nu. In the files it is NAME, so give it the last part of the key. Empty: none does, the values are for sweep.compose."},
  {"also",   NOMOS_PARAM_EXPRESSION_LIST, "",       NULL, 0, 0, NULL, false, "Parameters of the case that take the same value: [compressible.zeta]. In the files they are there too, each under the last part of its key."},
  /* N_VALUE: of tests too */
  {"values", NOMOS_PARAM_REAL_LIST,       "",       NULL, 0, 0, NULL, false, "Its values, each for equally many trajectories; of several parameters with values, all combinations."},
  {"range",  NOMOS_PARAM_REAL_LIST,       "",       NULL, 0, 0, NULL, false, "In place of values: [low, high]; every trajectory draws one in between."},
  {"scale",  NOMOS_PARAM_CHOICE,          "linear", NULL, 0, 0, "linear|log", false, "Draws from a range are uniform in the number or in its logarithm; points have equal differences or ratios."},
  {"points", NOMOS_PARAM_INT,             "0",      NULL, 0, 1e6, NULL, false, "Not drawn but so many values of the range, its ends included; 0: drawn."},
};
static const NomosParam test_params[] = {
  {"trajectories", NOMOS_PARAM_INT,             "64", NULL, 1, 16777216, NULL, false, "Trajectories of the test."},
  {"set",          NOMOS_PARAM_EXPRESSION_LIST, "",   NULL, 0, 0,        NULL, false, "Settings for the case, behind those of sweep.set."},
  {"variants",     NOMOS_PARAM_EXPRESSION_LIST, "",   NULL, 0, 0,        NULL, false, "Names of sweep.variants that its trajectories have; empty: those of the training."},
};
static const NomosParam variant_params[] = {
  {"compose",      NOMOS_PARAM_EXPRESSION_LIST, "",    NULL, 0, 0,       NULL, false, "Settings of the trajectories that have this variant, computed like those of sweep.compose, and behind them."},
  {"training",     NOMOS_PARAM_BOOL,            "yes", NULL, 0, 0,       NULL, false, "The training has it too; no: only tests that name it."},
};
/* clang-format on */
enum { N_PARAMETER = sizeof parameter_params / sizeof *parameter_params, N_VALUE = 4, N_TEST = sizeof test_params / sizeof *test_params, N_VARIANT = sizeof variant_params / sizeof *variant_params };
static const NomosParam *const value_params = parameter_params + N_PARAMETER - N_VALUE;

const NomosParamGroup sweep_groups[SWEEP_N_GROUPS] = {
  {"sweep.parameters", "of each parameter that differs between trajectories", N_PARAMETER, parameter_params},
  {"sweep.tests", "of each set for tests alone (unseen, outside; sweep.tests.TEST.NAME.values, range, ... stand in place of those of sweep.parameters.NAME)", N_TEST, test_params},
  {"sweep.variants", "of each variant: settings that trajectories have by turns, all as often (shapes, say)", N_VARIANT, variant_params},
};

PetscErrorCode SweepDeclare(NomosConfig config)
{
  const char *const *parameters, *const *tests;
  size_t             n, n_tests;
  char               section[3 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (size_t g = 0; g < SWEEP_N_GROUPS; g++) PetscCall(NomosConfigRegisterGroup(config, &sweep_groups[g]));
  PetscCall(NomosConfigGroup(config, "sweep.parameters", &n, &parameters));
  PetscCall(NomosConfigGroup(config, "sweep.tests", &n_tests, &tests));
  for (size_t t = 0; t < n_tests; t++)
    for (size_t k = 0; k < n; k++) {
      snprintf(section, sizeof section, "sweep.tests.%s.%s", tests[t], parameters[k]);
      PetscCall(NomosConfigRegisterSection(config, section, N_VALUE, value_params));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *Key(const char section[], const char name[], char key[4 * NOMOS_MAX_NAME])
{
  snprintf(key, 4 * NOMOS_MAX_NAME, "%s.%s", section, name);
  return key;
}

/* Of a section, which may say nothing: *given. */
static PetscErrorCode ReadValues(NomosConfig config, const char section[], SweepValues *values, bool *given)
{
  char          key[4 * NOMOS_MAX_NAME];
  const double *range;
  const char   *scale;
  size_t        n_range;
  int64_t       points;
  MPI_Comm      comm = NomosConfigComm(config);

  PetscFunctionBeginUser;
  *values = (SweepValues){.n = 0};
  PetscCall(NomosConfigGetReals(config, Key(section, "values", key), &values->n, &values->values));
  PetscCall(NomosConfigGetReals(config, Key(section, "range", key), &n_range, &range));
  PetscCall(NomosConfigGetString(config, Key(section, "scale", key), &scale));
  PetscCall(NomosConfigGetInt(config, Key(section, "points", key), &points));
  *given = values->n || n_range;
  NomosCheck(!values->n || !n_range, comm, PETSC_ERR_ARG_INCOMP, "%s: %s.values beside %s.range: give one of them", NomosConfigWhere(config, Key(section, "range", key)), section, section);
  if (!n_range) PetscFunctionReturn(PETSC_SUCCESS);
  values->log = !strcmp(scale, "log");
  NomosCheck(n_range == 2 && range[0] < range[1], comm, PETSC_ERR_ARG_WRONG, "%s: %s must be two numbers, [low, high] with low < high", NomosConfigWhere(config, Key(section, "range", key)), key);
  NomosCheck(!values->log || range[0] > 0, comm, PETSC_ERR_ARG_WRONG, "%s: %s begins at %g: a range with scale: log is of positive numbers", NomosConfigWhere(config, Key(section, "range", key)), key, range[0]);
  values->low  = range[0];
  values->high = range[1];
  if (!points) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCheck(points > 1, comm, PETSC_ERR_ARG_WRONG, "%s: %s = 1: both ends of the range are points of it; give 2 or more, or values", NomosConfigWhere(config, Key(section, "points", key)), key);
  PetscCall(PetscMalloc1((size_t)points, &values->made));
  for (int64_t i = 0; i < points; i++) {
    const double s  = (double)i / (double)(points - 1);
    values->made[i] = values->log ? range[0] * pow(range[1] / range[0], s) : range[0] + s * (range[1] - range[0]);
  }
  values->made[points - 1] = range[1];
  values->n                = (size_t)points;
  values->values           = values->made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadParameter(NomosConfig config, const char name[], Sweep *sweep)
{
  SweepParameter *p = &sweep->parameters[sweep->n_parameters];
  char            section[3 * NOMOS_MAX_NAME], key[4 * NOMOS_MAX_NAME];
  bool            given;

  PetscFunctionBeginUser;
  snprintf(section, sizeof section, "sweep.parameters.%s", name);
  p->name = name;
  PetscCall(NomosConfigGetString(config, Key(section, "key", key), &p->key));
  PetscCall(NomosConfigGetStrings(config, Key(section, "also", key), &p->n_also, &p->also));
  PetscCall(ReadValues(config, section, &sweep->sets[0].values[sweep->n_parameters++], &given));
  NomosCheck(given, NomosConfigComm(config), PETSC_ERR_ARG_INCOMP, "%s: %s has neither values nor a range: give one of them", NomosConfigWhere(config, Key(section, "key", key)), section);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadVariant(NomosConfig config, const char name[], Sweep *sweep)
{
  SweepVariant *variant = &sweep->variants[sweep->n_variants];
  SweepSet     *set     = &sweep->sets[0];
  char          section[3 * NOMOS_MAX_NAME], key[4 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(section, sizeof section, "sweep.variants.%s", name);
  variant->name = name;
  PetscCall(NomosConfigGetStrings(config, Key(section, "compose", key), &variant->n, &variant->compose));
  PetscCall(NomosConfigGetBool(config, Key(section, "training", key), &variant->training));
  if (variant->training) set->variants[set->n_variants++] = sweep->n_variants;
  sweep->n_variants++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those that a test names, or those of the training. */
static PetscErrorCode ChooseVariants(NomosConfig config, const char section[], const Sweep *sweep, SweepSet *test)
{
  const char *const *names;
  const char        *known[SWEEP_MAX_VARIANTS];
  size_t             n;
  char               key[4 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(config, Key(section, "variants", key), &n, &names));
  for (size_t v = 0; v < sweep->n_variants; v++) known[v] = sweep->variants[v].name;
  for (size_t i = 0; i < n; i++) {
    size_t v = 0;
    while (v < sweep->n_variants && strcmp(known[v], names[i])) v++;
    if (v == sweep->n_variants || i == SWEEP_MAX_VARIANTS) PetscCall(NomosNameUnknown(NomosConfigComm(config), names[i], sweep->n_variants, known, "%s: %s: there is no sweep.variants.%s", NomosConfigWhere(config, key), key, names[i]));
    test->variants[test->n_variants++] = v;
  }
  if (n) PetscFunctionReturn(PETSC_SUCCESS);
  test->n_variants = sweep->sets[0].n_variants;
  memcpy(test->variants, sweep->sets[0].variants, sizeof test->variants);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTest(NomosConfig config, const char name[], Sweep *sweep)
{
  SweepSet *test = &sweep->sets[sweep->n_sets++];
  char      section[3 * NOMOS_MAX_NAME], key[4 * NOMOS_MAX_NAME];
  int64_t   n;

  PetscFunctionBeginUser;
  snprintf(section, sizeof section, "sweep.tests.%s", name);
  test->name = name;
  PetscCall(NomosConfigGetInt(config, Key(section, "trajectories", key), &n));
  PetscCall(NomosConfigGetStrings(config, Key(section, "set", key), &test->n_set, &test->set));
  test->n = (size_t)n;
  PetscCall(ChooseVariants(config, section, sweep, test));
  for (size_t k = 0; k < sweep->n_parameters; k++) {
    bool given;
    snprintf(section, sizeof section, "sweep.tests.%s.%s", name, sweep->parameters[k].name);
    PetscCall(ReadValues(config, section, &test->values[k], &given));
    if (!given) {
      test->values[k]      = sweep->sets[0].values[k];
      test->values[k].made = NULL;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What two names set, or a name and the seed, would have only the last one's value, and the file would tell of both. */
static PetscErrorCode CheckKeys(const Sweep *sweep)
{
  MPI_Comm comm = NomosConfigComm(sweep->config);
  char     where[4 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (size_t k = 0; k < sweep->n_parameters; k++) {
    const SweepParameter *p = &sweep->parameters[k];
    snprintf(where, sizeof where, "sweep.parameters.%s.key", p->name);
    for (size_t i = 0; i <= p->n_also; i++) {
      const char *key = i ? p->also[i - 1] : p->key;
      if (!key[0]) continue;
      NomosCheck(strcmp(key, sweep->seed_key), comm, PETSC_ERR_ARG_INCOMP, "%s: sweep.parameters.%s sets %s, which gets the seed of each trajectory (sweep.seed_key): sweep over another parameter", NomosConfigWhere(sweep->config, where), p->name, key);
      for (size_t other = 0; other < k; other++) {
        const SweepParameter *o    = &sweep->parameters[other];
        bool                  same = !strcmp(key, o->key);
        for (size_t j = 0; j < o->n_also; j++) same = same || !strcmp(key, o->also[j]);
        NomosCheck(!same, comm, PETSC_ERR_ARG_INCOMP, "%s: %s is set by sweep.parameters.%s and by sweep.parameters.%s: leave one of them out", NomosConfigWhere(sweep->config, where), key, o->name, p->name);
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddColumn(Sweep *sweep, const char name[], const char key[], size_t parameter)
{
  PetscFunctionBeginUser;
  for (size_t c = 0; c < sweep->n_columns; c++) /* of two keys with the same last part one is enough, and a name that was given is another thing */
    if (!strcmp(sweep->columns[c].name, name)) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCheck(sweep->n_columns < SWEEP_MAX_COLUMNS, NomosConfigComm(sweep->config), PETSC_ERR_ARG_SIZ, "sweep.parameters and the keys under `also` are more than %d: put what they have in common into a case of its own", SWEEP_MAX_COLUMNS);
  sweep->columns[sweep->n_columns++] = (SweepColumn){name, key, parameter};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ListColumns(Sweep *sweep)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < sweep->n_parameters; k++) PetscCall(AddColumn(sweep, sweep->parameters[k].name, sweep->parameters[k].key, k));
  for (size_t k = 0; k < sweep->n_parameters; k++)
    for (size_t a = 0; a < sweep->parameters[k].n_also; a++) {
      const char *key = sweep->parameters[k].also[a], *dot = strrchr(key, '.');
      PetscCall(AddColumn(sweep, dot ? dot + 1 : key, key, k));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The case, and the parameter of its solver that gets the seed. */
static PetscErrorCode ReadCase(NomosConfig config, Sweep *sweep)
{
  const char          *name, *given, *solver = NULL;
  const NomosModelOps *ops = NULL;
  NomosConfig          of_case;
  MPI_Comm             comm = NomosConfigComm(config);

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "sweep.case", &name));
  PetscCall(NomosConfigGetString(config, "sweep.seed_key", &given));
  PetscCall(NomosCaseFind(comm, name, &sweep->file));
  PetscCall(NomosConfigCreate(comm, &of_case));
  PetscErrorCode code = NomosConfigLoad(of_case, sweep->file.path);
  if (!code) code = NomosConfigPeek(of_case, "solver", &solver);
  if (!code && solver) code = NomosModelFind(nomos_solvers, solver, NomosConfigWhere(of_case, "solver"), &ops);
  PetscCall(NomosConfigDestroy(&of_case));
  PetscCall(code);
  PetscCheck(ops, comm, PETSC_ERR_ARG_WRONG, "%s names no solver: it must be a case that nomos run runs", sweep->file.path);
  snprintf(sweep->seed_key, sizeof sweep->seed_key, "%s", strcmp(given, "none") ? given : "");
  if (given[0]) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(sweep->seed_key, sizeof sweep->seed_key, "%.50s.seed", ops->name);
  for (size_t i = 0; i < ops->n_params; i++)
    if (!strcmp(ops->params[i].key, sweep->seed_key)) PetscFunctionReturn(PETSC_SUCCESS);
  SETERRQ(comm, PETSC_ERR_ARG_INCOMP, "its solver %s has no parameter %s; name what gets the seed of a trajectory with sweep.seed_key, or say sweep.seed_key: none", ops->name, sweep->seed_key);
}

PetscErrorCode SweepRead(NomosConfig config, Sweep *sweep)
{
  const char *const *names, *name;
  size_t             n;
  int64_t            trajectories, seed, coarsen;
  MPI_Comm           comm = NomosConfigComm(config);
  PetscErrorCode     failed;

  PetscFunctionBeginUser;
  *sweep = (Sweep){.config = config, .n_sets = 1};
  NomosQuietly(failed, ReadCase(config, sweep));
  PetscCall(NomosConfigRetell(config, "sweep.case", failed));
  PetscCall(NomosConfigGetStrings(config, "sweep.set", &sweep->n_set, &sweep->set));
  PetscCall(NomosConfigGetInt(config, "sweep.trajectories", &trajectories));
  PetscCall(NomosConfigGetInt(config, "sweep.seed", &seed));
  PetscCall(NomosConfigGetInt(config, "sweep.coarsen", &coarsen));
  PetscCall(NomosConfigGetStrings(config, "sweep.fields", &sweep->n_fields, &sweep->fields));
  PetscCall(NomosConfigGetStrings(config, "sweep.compose", &sweep->n_compose, &sweep->compose));
  PetscCall(NomosConfigGetString(config, "sweep.precision", &name));
  sweep->type      = strcmp(name, "float32") ? NOMOS_F64 : NOMOS_F32;
  sweep->seed      = (uint64_t)seed;
  sweep->coarsen   = (size_t)coarsen;
  sweep->sets[0]   = (SweepSet){.name = "", .n = (size_t)trajectories};
  PetscCall(NomosConfigGroup(config, "sweep.parameters", &n, &names));
  NomosCheck(n <= SWEEP_MAX_PARAMETERS, comm, PETSC_ERR_ARG_SIZ, "sweep.parameters has %zu names: at most %d", n, SWEEP_MAX_PARAMETERS);
  for (size_t k = 0; k < n; k++) PetscCall(ReadParameter(config, names[k], sweep));
  PetscCall(CheckKeys(sweep));
  PetscCall(ListColumns(sweep));
  PetscCall(NomosConfigGroup(config, "sweep.variants", &n, &names));
  NomosCheck(n <= SWEEP_MAX_VARIANTS, comm, PETSC_ERR_ARG_SIZ, "sweep.variants has %zu names: at most %d", n, SWEEP_MAX_VARIANTS);
  for (size_t v = 0; v < n; v++) PetscCall(ReadVariant(config, names[v], sweep));
  NomosCheck(!n || sweep->sets[0].n_variants, comm, PETSC_ERR_ARG_WRONG, "sweep.variants: none of them is for the training (training: yes)");
  PetscCall(NomosConfigGroup(config, "sweep.tests", &n, &names));
  NomosCheck(n < SWEEP_MAX_SETS, comm, PETSC_ERR_ARG_SIZ, "sweep.tests has %zu names: at most %d", n, SWEEP_MAX_SETS - 1);
  for (size_t t = 0; t < n; t++) PetscCall(ReadTest(config, names[t], sweep));
  for (size_t s = 0; s < sweep->n_sets; s++) {
    SweepSet *set     = &sweep->sets[s];
    set->combinations = 1;
    for (size_t k = 0; k < sweep->n_parameters; k++) set->combinations *= PetscMax(1, set->values[k].n);
    set->first_seed = (sweep->seed * SWEEP_MAX_SETS + s) << 24;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SweepFree(Sweep *sweep)
{
  PetscFunctionBeginUser;
  for (size_t s = 0; s < sweep->n_sets; s++)
    for (size_t k = 0; k < sweep->n_parameters; k++) PetscCall(PetscFree(sweep->sets[s].values[k].made));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double SweepValue(const Sweep *sweep, const SweepSet *set, size_t parameter, size_t i)
{
  const SweepValues *values = &set->values[parameter];
  size_t             at     = i % set->combinations;

  if (!values->n) {
    const SweepParameter *p = &sweep->parameters[parameter];
    const double          u = NomosRandomUniform(set->first_seed, NomosRandomStream(p->key[0] ? p->key : p->name), i);
    return values->log ? values->low * pow(values->high / values->low, u) : values->low + u * (values->high - values->low);
  }
  for (size_t k = 0; k < parameter; k++) at /= PetscMax(1, set->values[k].n);
  return values->values[at % values->n];
}

const char *SweepTrajectoryText(const Sweep *sweep, const SweepSet *set, size_t i, char text[256])
{
  size_t n = (size_t)snprintf(text, 256, "%s%strajectory %zu", set->name, set->name[0] ? ", " : "", i);

  for (size_t k = 0; k < sweep->n_parameters && n < 200; k++) n += (size_t)snprintf(text + n, 256 - n, "%s%s = %.6g", k ? ", " : " (", sweep->parameters[k].name, SweepValue(sweep, set, k, i));
  if (sweep->seed_key[0] && n < 200) n += (size_t)snprintf(text + n, 256 - n, "%s%s = %llu", sweep->n_parameters ? ", " : " (", sweep->seed_key, (unsigned long long)(set->first_seed + i));
  if (n < 255 && (sweep->seed_key[0] || sweep->n_parameters)) snprintf(text + n, 256 - n, ")");
  return text;
}
