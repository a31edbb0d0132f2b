#include "io/config.h"
#include "tests/harness.h"

#include <float.h>
#include <sys/stat.h>
#include <unistd.h>

static const NomosParam params[] = {
  {.key = "case.title", .type = NOMOS_PARAM_STRING, .default_value = "", .doc = "Title."},
  {.key = "case.units", .type = NOMOS_PARAM_CHOICE, .default_value = "SI", .choices = "SI|nondimensional", .doc = "Units."},
  {.key = "solver", .type = NOMOS_PARAM_STRING, .default_value = NULL, .doc = "Which solver."},
  {.key = "qg.nx", .type = NOMOS_PARAM_INT, .default_value = "128", .min = 4, .max = 65536, .doc = "Grid points."},
  {.key = "qg.lx", .type = NOMOS_PARAM_REAL, .default_value = "1000 km", .unit = "m", .min = DBL_MIN, .max = INFINITY, .doc = "Length."},
  {.key = "qg.beta", .type = NOMOS_PARAM_REAL, .default_value = "1.5e-11", .unit = "1/(m s)", .doc = "Beta."},
  {.key = "qg.deformation_radius", .type = NOMOS_PARAM_REAL, .default_value = "", .unit = "m", .doc = "Radius."},
  {.key = "qg.depths", .type = NOMOS_PARAM_REAL_LIST, .default_value = "[500 m, 1.75 km]", .unit = "m", .min = 1, .max = 11000, .doc = "Depths."},
  {.key = "qg.u", .type = NOMOS_PARAM_REAL_LIST, .default_value = "", .unit = "m/s", .doc = "Mean flow."},
  {.key = "qg.scheme", .type = NOMOS_PARAM_CHOICE, .default_value = "ab3", .choices = "ab3|rk4|etdrk4", .doc = "Scheme."},
  {.key = "qg.dealias", .type = NOMOS_PARAM_CHOICE, .default_value = "2/3", .choices = "none|2/3|3/2", .doc = "Dealiasing."},
  {.key = "qg.smooth", .type = NOMOS_PARAM_BOOL, .default_value = "no", .doc = "Smooth."},
  {.key = "qg.cfl", .type = NOMOS_PARAM_REAL, .default_value = "0.5", .min = 0.01, .max = 2, .doc = "Courant number."},
  {.key = "qg.init.file", .type = NOMOS_PARAM_FILE, .default_value = "", .doc = "File."},
  {.key = "qg.init.case", .type = NOMOS_PARAM_CASE, .default_value = "", .doc = "Case."},
  {.key = "qg.init.q", .type = NOMOS_PARAM_EXPRESSION, .default_value = "0", .doc = "Vorticity."},
  {.key = "qg.init.layers", .type = NOMOS_PARAM_EXPRESSION_LIST, .default_value = "", .doc = "Per layer."},
  {.key = "time.dt", .type = NOMOS_PARAM_REAL, .default_value = "2 h", .unit = "s", .min = 0, .max = INFINITY, .doc = "Step."},
  {.key = "time.stop", .type = NOMOS_PARAM_REAL, .default_value = "10 year", .unit = "s", .doc = "End."},
};
enum { N_PARAMS = sizeof params / sizeof *params };

static const char *Path(const char name[])
{
  static char paths[4][NOMOS_MAX_PATH + 64];
  static int  next;
  char       *path = paths[next = (next + 1) % 4];
  snprintf(path, sizeof paths[0], "%s/%s", ck_directory, name);
  return path;
}

static void WriteBytes(const char name[], const char text[], size_t n)
{
  FILE *file = fopen(Path(name), "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(text, 1, n, file), n);
  fclose(file);
}

static void Write(const char name[], const char text[])
{
  WriteBytes(name, text, strlen(text));
}

/* Load, lay smoke or settings over, declare, check: as a program does. The first error ends it. */
static PetscErrorCode Run(const char name[], bool smoke, const char *const sets[], NomosConfig *config)
{
  const char *units;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_WORLD, config));
  if (name) PetscCall(NomosConfigLoad(*config, Path(name)));
  for (; sets && *sets; sets++) PetscCall(NomosConfigSet(*config, *sets));
  if (smoke) PetscCall(NomosConfigApplySmoke(*config));
  PetscCall(NomosConfigPeek(*config, "case.units", &units));
  PetscCall(NomosConfigSetNondimensional(*config, units && !strcmp(units, "nondimensional")));
  PetscCall(NomosConfigRegister(*config, N_PARAMS, params));
  PetscCall(NomosConfigCheck(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Real(NomosConfig config, const char key[])
{
  double value = NAN;
  ck_ok(NomosConfigGetReal(config, key, &value));
  return value;
}

static const char *String(NomosConfig config, const char key[])
{
  const char *value = NULL;
  ck_ok(NomosConfigGetString(config, key, &value));
  return value;
}

static int64_t Int(NomosConfig config, const char key[])
{
  int64_t value = 0;
  ck_ok(NomosConfigGetInt(config, key, &value));
  return value;
}

static bool IsGiven(NomosConfig config, const char key[])
{
  bool given = false;
  ck_ok(NomosConfigIsGiven(config, key, &given));
  return given;
}

static const char valid_case[] =
  "# a comment\n"
  "case: {title: \"Two layers: a test\", units: SI}\n"
  "solver: qg\n"
  "qg: {nx: 64, lx: 1000 km, beta: 1.6e-11 1/(m s), depths: [500 m, 1.75km, 2000], u: [2.5 cm/s, 0]}\n"
  "qg.scheme: rk4\n"
  "qg.init:\n"
  "  q: 1e-6*cos(10*pi*x/lx)\n"
  "  layers: [\"min(x, y)\", 0]\n"
  "  file: data/start.h5\n"
  "time:\n"
  "  dt: 2 h\n"
  "  stop: 10 year\n"
  "petsc:\n"
  "  ts: {dt: .1, monitor: }\n"
  "  -nomos_list: [1, 2, 3]\n"
  "smoke: {qg.nx: 32, time: {stop: 3 day}}\n";

START_TEST(Values)
{
  NomosConfig        config;
  size_t             n;
  const double      *reals;
  const char *const *strings, *text;
  bool               smooth;

  Write("valid.yaml", valid_case);
  ck_ok(Run("valid.yaml", false, NULL, &config));
  ck_assert_str_eq(String(config, "case.title"), "Two layers: a test");
  ck_assert_str_eq(String(config, "solver"), "qg");
  ck_assert_int_eq(Int(config, "qg.nx"), 64);
  ck_assert(Real(config, "qg.lx") == 1e6);
  ck_assert(Real(config, "qg.beta") == 1.6e-11);
  ck_assert(isnan(Real(config, "qg.deformation_radius")));
  ck_assert(!IsGiven(config, "qg.deformation_radius") && IsGiven(config, "qg.lx") && !IsGiven(config, "qg.cfl"));
  ck_ok(NomosConfigGetReals(config, "qg.depths", &n, &reals));
  ck_assert(n == 3 && reals[0] == 500 && reals[1] == 1750 && reals[2] == 2000);
  ck_ok(NomosConfigGetReals(config, "qg.u", &n, &reals));
  ck_assert(n == 2 && reals[0] == 0.025 && reals[1] == 0);
  ck_assert_str_eq(String(config, "qg.scheme"), "rk4");
  ck_assert_str_eq(String(config, "qg.dealias"), "2/3");
  ck_ok(NomosConfigGetBool(config, "qg.smooth", &smooth));
  ck_assert(!smooth);
  ck_assert_str_eq(String(config, "qg.init.q"), "1e-6*cos(10*pi*x/lx)");
  ck_ok(NomosConfigGetStrings(config, "qg.init.layers", &n, &strings));
  ck_assert(n == 2 && !strcmp(strings[0], "min(x, y)") && !strcmp(strings[1], "0"));
  char expected[NOMOS_MAX_PATH + 64];
  ck_assert_ptr_nonnull(realpath(ck_directory, expected));
  strcat(expected, "/data/start.h5");
  ck_assert_str_eq(String(config, "qg.init.file"), expected);
  ck_assert(Real(config, "time.dt") == 7200 && Real(config, "time.stop") == 315360000);
  ck_assert_ptr_nonnull(strstr(NomosConfigWhere(config, "qg.nx"), "valid.yaml:4"));
  ck_assert_ptr_nonnull(strstr(NomosConfigWhere(config, "time.stop"), "valid.yaml:12"));
  ck_assert_str_eq(NomosConfigWhere(config, "qg.cfl"), "default");
  ck_ok(NomosConfigPeek(config, "qg.u", &text));
  ck_assert_str_eq(text, "[2.5 cm/s, 0]");
  ck_ok(NomosConfigPeek(config, "qg.cfl", &text));
  ck_assert_ptr_null(text);
  ck_ok(NomosConfigDestroy(&config));
  ck_assert_ptr_null(config);
}
END_TEST

/* The same file with CRLF, a byte order mark, as case.yaml of a directory. */
START_TEST(Encodings)
{
  NomosConfig config;
  char        text[2 * sizeof valid_case] = "\xEF\xBB\xBF", *end = text + 3;

  for (const char *c = valid_case; *c; c++) {
    if (*c == '\n') *end++ = '\r';
    *end++ = *c;
  }
  mkdir(Path("directory"), 0777);
  Write("directory/case.yaml", text);
  for (int slash = 0; slash < 2; slash++) {
    ck_ok(Run(slash ? "directory/" : "directory", false, NULL, &config));
    ck_assert_ptr_nonnull(strstr(NomosConfigWhere(config, "time.stop"), "directory/case.yaml:12"));
    ck_assert(Int(config, "qg.nx") == 64 && Real(config, "time.stop") == 315360000);
    ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

START_TEST(Precedence)
{
  NomosConfig config;

  mkdir(Path("sub"), 0777);
  Write("base1.yaml", "solver: one\nqg: {nx: 8, lx: 1 km, cfl: 0.1, scheme: rk4, init.file: a.h5}\ntime.dt: 1\n");
  Write("sub/base2.yaml", "include: base3.yaml\nqg: {lx: 2 km, cfl: 0.2, smooth: on}\nqg.init.file: ../b.h5\nqg.init.case: ../base1.yaml\n");
  Write("sub/base3.yaml", "qg: {cfl: 0.3, smooth: false, nx: 16}\n");
  Write("top.yaml", "qg.cfl: 0.4\ninclude: [base1.yaml, sub/base2.yaml]\nsmoke: {qg: {cfl: 0.6, nx: 32}, time.dt: 7}\n");

  ck_ok(Run("top.yaml", false, NULL, &config));
  bool smooth;
  ck_ok(NomosConfigGetBool(config, "qg.smooth", &smooth));
  ck_assert(smooth);
  ck_assert(Real(config, "qg.cfl") == 0.4 && Real(config, "qg.lx") == 2000 && Int(config, "qg.nx") == 16 && Real(config, "time.dt") == 1);
  ck_assert_str_eq(String(config, "qg.scheme"), "rk4");
  ck_assert_ptr_nonnull(strstr(String(config, "qg.init.file"), "/sub/../b.h5"));
  ck_assert_ptr_nonnull(strstr(String(config, "qg.init.case"), "/sub/../base1.yaml"));
  ck_assert(!access(String(config, "qg.init.case"), F_OK));
  ck_assert_ptr_nonnull(strstr(NomosConfigWhere(config, "qg.nx"), "sub/base3.yaml:1"));
  ck_ok(NomosConfigDestroy(&config));

  /* what is not there is a case or a file below the root, if there is one */
  mkdir(Path("root"), 0777);
  mkdir(Path("root/sub"), 0777);
  mkdir(Path("root/sub/named"), 0777);
  Write("root/sub/named/case.yaml", "include: ../other.yaml\nqg.nx: 40\n");
  Write("root/sub/other.yaml", "solver: two\nqg: {cfl: 0.7, nx: 8}\n");
  Write("root/base1.yaml", "qg.cfl: 0.9\n");
  Write("mine.yaml", "include: [sub/other.yaml, sub/named, base1.yaml]\ntime.dt: 3\n");
  NomosConfigSetIncludeRoot(Path("root"));
  ck_ok(Run("mine.yaml", false, NULL, &config));
  NomosConfigSetIncludeRoot("");
  ck_assert(Int(config, "qg.nx") == 8 && Real(config, "qg.cfl") == 0.1 && Real(config, "time.dt") == 3); /* base1.yaml beside it wins over that below the root */
  ck_ok(NomosConfigDestroy(&config));
  Write("mine.yaml", "include: [sub/other.yaml, sub/named]\ntime.dt: 3\n");
  NomosConfigSetIncludeRoot(Path("root"));
  ck_ok(Run("mine.yaml", false, NULL, &config));
  NomosConfigSetIncludeRoot("");
  ck_assert(Int(config, "qg.nx") == 40 && Real(config, "qg.cfl") == 0.7);
  ck_ok(NomosConfigDestroy(&config));

  ck_ok(Run("top.yaml", true, (const char *const[]){"qg.nx=48", "qg.depths=[1 km, 2 km]", "qg.init.file=c.h5", "qg.init.case=qg/rossby_wave", "case.title=a title", NULL}, &config));
  ck_assert(Real(config, "qg.cfl") == 0.6 && Int(config, "qg.nx") == 48 && Real(config, "time.dt") == 7); /* --set wins although smoke came after it */
  ck_assert_str_eq(NomosConfigWhere(config, "qg.nx"), "--set");
  ck_assert_ptr_eq(strstr(NomosConfigWhere(config, "qg.cfl"), "smoke "), NomosConfigWhere(config, "qg.cfl"));
  size_t        n;
  const double *reals;
  ck_ok(NomosConfigGetReals(config, "qg.depths", &n, &reals));
  ck_assert(n == 2 && reals[1] == 2000);
  ck_assert_str_eq(String(config, "case.title"), "a title");
  ck_assert_str_eq(String(config, "qg.init.case"), "qg/rossby_wave"); /* there is no such file: a name */
  char expected[NOMOS_MAX_PATH];
  ck_assert_ptr_nonnull(getcwd(expected, sizeof expected - 8));
  strcat(expected, "/c.h5");
  ck_assert_str_eq(String(config, "qg.init.file"), expected);
  ck_ok(NomosConfigSet(config, "qg.nx=24")); /* also after the declaration */
  ck_assert(Int(config, "qg.nx") == 24);
  ck_ok(NomosConfigSet(config, "qg.init.file=")); /* unset again */
  ck_assert_str_eq(String(config, "qg.init.file"), "");
  ck_assert(!IsGiven(config, "qg.init.file"));
  ck_ok(NomosConfigSetReal(config, "time.dt", 3.5));
  ck_assert(Real(config, "time.dt") == 3.5);
  ck_assert_str_eq(NomosConfigWhere(config, "time.dt"), "derived");
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* One text, one sentence. `%` in the fragment stands for the path of the file. */
static const struct {
  const char *text, *fragment;
} bad_cases[] = {
  {"solver: qg\nqg.betta: 1\n", "bad.yaml:2: qg.betta: unknown key; did you mean qg.beta?"},
  {"solver: qg\ntime: {nx: 4}\n", "time.nx: unknown key; did you mean qg.nx?"},
  {"solver: qg\ntime: {something: 4}\n", "time.something: unknown key; time has dt, stop"},
  {"solver: qg\nqgg:\n  nx: 4\n", "bad.yaml:3: qgg.nx: unknown key, there is no section qgg; did you mean qg.nx?"},
  {"solver: qg\nwhatever: 4\n", "whatever: unknown key; there are case, solver, qg, time"},
  {"solver: qg\nqg.nx.deep: 4\n", "qg.nx.deep: unknown key, qg.nx is a value, not a section"},
  {"solver: qg\nqg: 4\n", "bad.yaml:2: qg: is a section, not a value; it has nx, lx, beta, deformation_radius, depths, u, scheme, dealias, smooth, cfl, init"},
  {"solver: qg\nsmoke: {qg.nxx: 4}\n", "bad.yaml:2: smoke.qg.nxx: unknown key; did you mean qg.nx?"},
  {"qg.nx: 8\n", "bad.yaml: solver is missing and has no default (Which solver.)"},
  {"solver: qg\nqg.nx: 12.5\n", "bad.yaml:2: qg.nx = 12.5: must be an integer"},
  {"qg.nx: 1e3\n", "must be an integer, written with digits only"},
  {"qg.nx: 99999999999999999999\n", "must be an integer of at most 18 digits"},
  {"qg.nx: -3\n", "qg.nx = -3: must be between 4 and 65536"},
  {"qg.nx: [4, 5]\n", "bad.yaml:1: qg.nx = [4, 5]: must be a single value, not a list"},
  {"qg.nx: 64 m\n", "must be an integer"},
  {"qg.nx: \"\"\n", "must be an integer"},
  {"qg.deformation_radius: 15 kg\n", "bad.yaml:1: qg.deformation_radius = 15 kg: has the unit kg, needs a length such as m or km"},
  {"qg.beta: 2 1/s\n", "has the unit 1/s, needs a unit such as 1/(m s)"},
  {"qg.lx: 15 kmm\n", "qg.lx = 15 kmm: unknown unit kmm; did you mean km?; needs a length"},
  {"qg.lx: 15 km km\n", "has the unit km km, needs a length"},
  {"qg.lx: 5/m\n", "bad unit `/m`"},
  {"qg.lx: 0\n", "qg.lx = 0: must be greater than 0 m"},
  {"qg.lx: long\n", "qg.lx = long: must be a number, with a length such as m or km or in m"},
  {"qg.lx: nan\n", "must be a number"},
  {"qg.lx: inf\n", "must be a number"},
  {"qg.lx: 1e999\n", "is beyond what a number can hold"},
  {"qg.lx: 1e308 km\n", "is beyond what a number can hold"},
  {"qg.lx: 0x10\n", "qg.lx = 0x10: "},
  {"qg.lx: 1_000\n", "qg.lx = 1_000: "},
  {"time.dt: -3\n", "bad.yaml:1: time.dt = -3: must be at least 0 s"},
  {"time.dt: -3 h\n", "time.dt = -3 h: must be at least 0 s"},
  {"qg.cfl: 0.5 m\n", "qg.cfl = 0.5 m: has the unit m, must be a pure number"},
  {"qg.cfl: 1/2\n", "qg.cfl = 1/2: must be a number, such as 1.5e-3; `/2` follows it"},
  {"qg.cfl: .1.2\n", "must be a number"},
  {"qg.cfl: 3\n", "must be between 0.01 and 2\0"},
  {"qg.scheme: foo\n", "qg.scheme = foo: must be one of ab3, rk4, etdrk4"},
  {"qg.scheme: rk44\n", "must be one of ab3, rk4, etdrk4; did you mean rk4?"},
  {"qg.scheme: RK4\n", "did you mean rk4?"},
  {"qg.smooth: maybe\n", "qg.smooth = maybe: must be yes or no"},
  {"qg.depths: [500 m, 2 kg]\n", "qg.depths = [500 m, 2 kg]: entry 2 has the unit kg"},
  {"qg.depths: [500 m, 0 m]\n", "entry 2 must be between 1 and 11000 m"},
  {"qg.depths: []\n", "must have at least one entry"},
  {"qg.init.layers: [x, \"\"]\n", "entry 2 must not be empty"},
  {"qg.depths: [500 m, [3 m]]\n", "bad.yaml:1: qg.depths: a list holds single values only, found a list"},
  {"qg.depths:\n- {a: 1}\n", "bad.yaml:2: qg.depths: a list holds single values only, found a map"},
  {"qg.depths: [1, ]\nqg.nx: [1,,2]\n", "not valid YAML"},
  {"qg: {nx: 4}\nqg.nx: 5\n", "bad.yaml:2: qg.nx: given twice, first on line 1; keep one of them"},
  {"qg:\n  nx: 4\n  lx: 1\n  nx: 5\n", "bad.yaml:4: qg.nx: given twice, first on line 2"},
  {"time: {dt: 1}\nqg.nx: 8\ntime: {stop: 1}\n", "bad.yaml:3: time: given twice, first on line 1"},
  {"qg.nx:\n", "bad.yaml:1: qg.nx: has no value; write one behind the colon"},
  {"qg.nx: ~\n", "has no value"},
  {"qg.nx: null\n", "has no value"},
  {"qg.u: [1, ~]\n", "has no value"},
  {"smoke:\n", "smoke: has no value"},
  {"smoke: 3\n", "smoke: must be a map"},
  {"petsc: [1]\n", "petsc: must be a map, such as `petsc: {ksp_type: cg}`"},
  {"smoke: {petsc: 1}\n", "smoke.petsc: must be a map"},
  {"smoke: {include: a.yaml}\n", "`include` stands only at the top"},
  {"qg: {q: atan2(y, x), nx: 4}\n", "`x)` is no key: a key has letters, digits, _ and dots between names; a value with a comma, a colon or brackets needs quotes"},
  {"\tqg.nx: 4\n", "bad.yaml:1:1: not valid YAML: found a tab"},
  {"qg:\n\tnx: 4\n", "bad.yaml:2:1: not valid YAML"},
  {"qg:\n  nx: 4\n lx: 5\n", "bad.yaml:3:"},
  {"qg: {nx: 4\n", "not valid YAML"},
  {"qg.nx: \"4\n", "not valid YAML"},
  {"a: b: c\n", "bad.yaml:1:5: not valid YAML: mapping values are not allowed in this context"},
  {"qg.nx: 4\n\x01\n", "bad.yaml:2:1: not valid YAML: control characters are not allowed"},
  {"qg.nx: 4\nx: \xFF\xFE\n", "bad.yaml:2:4: not valid YAML: invalid leading UTF-8 octet"},
  {"", "bad.yaml: is empty; a case needs at least `solver:`"},
  {"# only a comment\n", "is empty"},
  {"---\n", "found a single text"},
  {"just a text\n", "a case is a map of keys to values, such as `solver: qg`; found a single text"},
  {"- a\n- b\n", "found a list"},
  {"solver: qg\n---\nsolver: qg\n", "bad.yaml:2: a second YAML document begins"},
  {"%YAML 2.0\n---\nsolver: qg\n", "not valid YAML: found incompatible YAML document"},
  {"a: &x 3\nb: *x\n", "bad.yaml:2: b: aliases (*name) are not supported"},
  {"a: &x [*x]\n", "aliases (*x) are not supported"},
  {"base: &x {qg.nx: 4}\n<<: *x\n", "bad.yaml:2: <<: merging is not supported; use `include:`"},
  {"? [a, b]\n: 3\n", "a key must be a plain name"},
  {"? {a: b}\n: 3\n", "a key must be a plain name"},
  {"qg.nx: !!int 4\n", "has the tag tag:yaml.org,2002:int; tags are not supported"},
  {"qg: !x {nx: 4}\n", "has a tag"},
  {"include: !include a.yaml\n", "tags are not supported"},
  {"qg nx: 4\n", "bad.yaml:1: `qg nx` is no key"},
  {"3d: 4\n", "`3d` is no key"},
  {"qg..nx: 4\n", "`qg..nx` is no key"},
  {".nx: 4\n", "`.nx` is no key"},
  {"qg.: 4\n", "`qg.` is no key"},
  {"\"\": 4\n", "a key is empty"},
  {"qg.nx: \"4\\0\"\n", "holds a NUL character"},
  {"include: nowhere.yaml\n", "/nowhere.yaml: no such file or directory; give a path relative to the including file"},
  {"include: .\n", "is a directory, must be a YAML file"},
  {"include: bad.yaml\n", "which includes it in turn: a cycle"},
  {"include: {a: b}\n", "include.a is no key; write a path or a list of paths"},
  {"include: \"\"\n", "include: `` is no path"},
  {"include: /dev/null\n", "is no regular file"},
  {"case.units: nondimensional\nqg.lx: 15 km\n", "qg.lx = 15 km: has the unit km, but the case is nondimensional (case.units); write the number alone"},
};

START_TEST(Refused)
{
  int n_wrong = 0;
  for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
    NomosConfig config;
    Write("bad.yaml", bad_cases[i].text);
    NomosErrorClear();
    NomosErrorSetQuiet(true);
    PetscErrorCode code = Run("bad.yaml", false, NULL, &config);
    NomosErrorSetQuiet(false);
    if (!code || !strstr(NomosErrorLast(), bad_cases[i].fragment)) n_wrong++, printf("%s: \"%s\" does not say \"%s\"\n", bad_cases[i].text, NomosErrorLast(), bad_cases[i].fragment);
    if (getenv("SHOW")) printf("%s\n", NomosErrorLast());
    ck_ok(NomosConfigDestroy(&config));
  }
  ck_assert_int_eq(n_wrong, 0);
}
END_TEST


START_TEST(RefusedSettings)
{
  static const struct {
    const char *set, *fragment;
  } rows[] = {
    {"qg.nx", "--set qg.nx: must be key=value, such as --set qg.nx=64"},
    {"=4", "must be key=value"},
    {"qg.nx=12.5", "--set: qg.nx = 12.5: must be an integer"},
    {"qg.nx=", "--set: qg.nx = \"\": must be an integer"},
    {"qg.betta=3", "--set: qg.betta: unknown key; did you mean qg.beta?"},
    {"qg.u=[1 m/s, 2 kg]", "--set: qg.u = [1 m/s, 2 kg]: entry 2 has the unit kg, needs a velocity such as m/s"},
    {"qg.u=[1, 2", "--set: not valid YAML at character"},
    {"qg.u=1 m/s,2 m/s", "--set: qg.u = 1 m/s,2 m/s: a list stands in brackets: write [1 m/s,2 m/s]"},
    {"qg.init.layers=max(x, y), x", "--set: qg.init.layers = max(x, y), x: a list stands in brackets: write [max(x, y), x]"},
    {"qg.nx={a: 3}", "--set: qg.nx.a: unknown key, qg.nx is a value, not a section (text with `: ` in it needs quotes)"},
    {"qg.nx=*x", "--set: qg.nx: aliases (*name) are not supported"},
    {"qg nx=4", "--set: `qg nx` is no key"},
    {"include=a.yaml", "--set: include stands only in a file"},
    {"petsc=3", "--set: petsc: must be a map"},
    {"qg.nx=4\n---\n5", "a second YAML document begins; a value holds one"},
    {"qg.nx=# nothing", "is empty"},
    {"case.title=\xFF", "--set: not valid YAML"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    NomosConfig config;
    ck_refused(Run(NULL, false, (const char *const[]){"solver=qg", rows[i].set, NULL}, &config), rows[i].fragment);
    ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

START_TEST(RefusedFiles)
{
  NomosConfig config;
  char        text[3000];

  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_refused(NomosConfigLoad(config, ""), "the path of the case is empty");
  ck_refused(NomosConfigLoad(config, Path("nowhere")), "nowhere: no such file or directory; give a case directory that holds case.yaml, or a YAML file");
  mkdir(Path("bare"), 0777);
  ck_refused(NomosConfigLoad(config, Path("bare")), "bare: this directory holds no case.yaml");
  mkdir(Path("bare/case.yaml"), 0777);
  ck_refused(NomosConfigLoad(config, Path("bare")), "bare/case.yaml: is no regular file");
  ck_refused(NomosConfigLoad(config, "/dev/null"), "/dev/null: is no regular file");
  WriteBytes("nul.yaml", "qg.nx: 4\0\n", 10);
  ck_refused(NomosConfigLoad(config, Path("nul.yaml")), "nul.yaml: byte 9 is NUL: this is no text file");
  char *large = malloc((1 << 20) + 1);
  memset(large, ' ', (1 << 20) + 1);
  WriteBytes("large.yaml", large, (1 << 20) + 1);
  ck_refused(NomosConfigLoad(config, Path("large.yaml")), "large.yaml: has 1048577 bytes, a case file has at most 1048576");

  /* Depth, breadth and growth are bounded, each found in a moment. */
  memset(large, '{', 1 << 20);
  WriteBytes("deep.yaml", large, 1 << 20);
  ck_refused(NomosConfigLoad(config, Path("deep.yaml")), "deep.yaml:1: a key must be a plain name");
  memset(large, '[', 1 << 20);
  WriteBytes("deep.yaml", large, 1 << 20);
  ck_refused(NomosConfigLoad(config, Path("deep.yaml")), "found a list");
  for (int i = 0; i < 100; i++) strcpy(large + 4 * i, "{a: ");
  WriteBytes("deep.yaml", large, 400);
  ck_refused(NomosConfigLoad(config, Path("deep.yaml")), "maps nest deeper than 16 levels");
  size_t n = 0;
  for (int i = 0; i < 5000; i++) n += (size_t)sprintf(large + n, "a%d: 1\n", i);
  WriteBytes("wide.yaml", large, n);
  ck_refused(NomosConfigLoad(config, Path("wide.yaml")), "wide.yaml:4097: more than 4096 keys in one file");
  memset(text, 'k', sizeof text), strcpy(text + 500, ": 3\n");
  Write("key.yaml", text);
  ck_refused(NomosConfigLoad(config, Path("key.yaml")), "the key is too long; at most 127 characters are allowed");
  strcpy(large, "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n");
  Write("laughs.yaml", large);
  ck_refused(NomosConfigLoad(config, Path("laughs.yaml")), "laughs.yaml:2: b: aliases (*a) are not supported");

  /* Every file includes the next twice: 2^40 readings without a bound. */
  for (int i = 0; i < 40; i++) {
    char name[32];
    sprintf(name, "twice%d.yaml", i);
    sprintf(text, "include: [twice%d.yaml, twice%d.yaml]\n", i + 1, i + 1);
    Write(name, i < 39 ? text : "solver: qg\n");
  }
  ck_refused(NomosConfigLoad(config, Path("twice0.yaml")), "includes more than 64 files");
  Write("cycle1.yaml", "include: cycle2.yaml\n");
  Write("cycle2.yaml", "include: ./bare/../cycle1.yaml\n");
  ck_refused(NomosConfigLoad(config, Path("cycle1.yaml")), "which includes it in turn: a cycle");
  memset(text, 'p', sizeof text), text[sizeof text - 1] = '\0';
  ck_assert(NOMOS_MAX_PATH <= 1 << 20);
  memset(large, 'p', NOMOS_MAX_PATH), large[NOMOS_MAX_PATH] = '\0';
  ck_refused(NomosConfigLoad(config, large), "the path of the case is longer than 4095 characters");
  ck_refused(NomosConfigLoad(config, text), "cannot be read: File name too long");
  Write("no_smoke.yaml", "solver: qg\n");
  ck_ok(NomosConfigLoad(config, Path("no_smoke.yaml")));
  ck_refused(NomosConfigApplySmoke(config), "no_smoke.yaml: has no `smoke:` section");
  ck_ok(NomosConfigDestroy(&config));
  free(large);
}
END_TEST

/* Mistakes of a program are errors too, never a crash. */
START_TEST(RefusedPrograms)
{
  static const NomosParam twice = {.key = "qg.nx", .type = NOMOS_PARAM_INT, .default_value = "1"}, section = {.key = "qg.nx.deep", .type = NOMOS_PARAM_INT, .default_value = "1"}, above = {.key = "qg", .type = NOMOS_PARAM_INT, .default_value = "1"};
  static const NomosParam bad = {.key = "qg.bad", .type = NOMOS_PARAM_INT, .default_value = "1.5"}, unset = {.key = "qg.unset", .type = NOMOS_PARAM_INT, .default_value = ""};
  NomosConfig config;
  double      real;
  int64_t     integer;
  bool        given;

  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigRegister(config, N_PARAMS, params));
  ck_refused(NomosConfigRegister(config, 1, &twice), "parameter qg.nx is declared twice");
  ck_refused(NomosConfigRegister(config, 1, &section), "a key cannot be both a value and a section");
  ck_refused(NomosConfigRegister(config, 1, &above), "a key cannot be both a value and a section");
  ck_refused(NomosConfigRegister(config, 1, &bad), "default: qg.bad = 1.5: must be an integer");
  ck_ok(NomosConfigRegister(config, 1, &unset));
  ck_refused(NomosConfigGetInt(config, "qg.unset", &integer), "is unset");
  ck_refused(NomosConfigGetReal(config, "qg.nothing", &real), "parameter qg.nothing is not declared");
  ck_refused(NomosConfigIsGiven(config, "qg.nothing", &given), "parameter qg.nothing is not declared");
  ck_refused(NomosConfigGetReal(config, "qg.nx", &real), "asked for as another type");
  const char *text;
  ck_refused(NomosConfigGetString(config, "solver", &text), "solver has no value");
  ck_refused(NomosConfigSetReal(config, "qg.nx", 3), "not declared as REAL");
  ck_refused(NomosConfigSetReal(config, "qg.lx", INFINITY), "not finite");
  ck_ok(NomosConfigDestroy(&config));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

static uint64_t Random(uint64_t *state)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

/* A text of characters that YAML treats each in its own way. */
static const char *RandomText(uint64_t *state, char text[256])
{
  static const char *const pieces[] = {"a", "Z9", " ", "  ", ":", ": ", " #", "#", "\"", "'", "\\", "\n", "\t", "-", "- ", "[", "]", "{", "}", ",", "&", "*", "!", "|", ">", "%", "@", "`", "~", "null", "yes", "1e3", "0x1", "\x01", "\x7F", "\xC3\xA9", "\xC2\x85", "\xC2\x80", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF", "\xEF\xBF\xBE", "\xF0\x9F\x8C\x8A", "...", "---", "?", "=", "<<", "%s%n", "\r"};
  text[0] = '\0';
  for (size_t i = 0, n = 1 + Random(state) % 8; i < n; i++) strcat(text, pieces[Random(state) % (sizeof pieces / sizeof *pieces)]);
  return text;
}

/* The same as a double-quoted YAML text, written otherwise than the library does: every byte beyond letters as an escape. */
static const char *Quote(const char text[], char quoted[2048])
{
  char    *end = quoted;
  unsigned code;
  *end++ = '"';
  for (size_t n; *text; text += n) {
    n = NomosTextCharacter(text, &code);
    ck_assert(n > 0);
    end += sprintf(end, "\\U%08X", code);
  }
  strcpy(end, "\"");
  return quoted;
}

static double RandomReal(uint64_t *state)
{
  return ldexp((double)(Random(state) + 1) * (1 + 1e-9 * (double)Random(state)), (int)(Random(state) % 60) - 60);
}

static void Hash(NomosConfig config, char hash[17])
{
  ck_ok(NomosConfigHash(config, 1, (const char *const[]){"case."}, hash));
  ck_assert_uint_eq(strlen(hash), 16);
}

/* Random values -> resolved YAML -> the same values, the same hash; and the YAML of that is the same but for origins. */
START_TEST(ResolvedRoundTrip)
{
  uint64_t state = 2024;

  for (int i = 0; i < 300; i++) {
    NomosConfig   config, again;
    bool          nondimensional = i % 5 == 4;
    char          set[4096], text[256], quoted[2048], hash[17], hash_again[17], hash_other[17], *yaml;
    const char   *unit[] = {"m", "km", "cm"};
    size_t        n, n_again;
    const double *reals, *reals_again;

    ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
    ck_ok(NomosConfigSetNondimensional(config, nondimensional));
    ck_ok(NomosConfigRegister(config, N_PARAMS, params));
    sprintf(set, "solver=%s", Quote(RandomText(&state, text), quoted));
    ck_ok(NomosConfigSet(config, set));
    ck_assert_str_eq(String(config, "solver"), text);
    sprintf(set, "qg.init.q=%s", Quote(RandomText(&state, text), quoted));
    ck_ok(NomosConfigSet(config, set));
    sprintf(set, "qg.init.file=%s", Quote(RandomText(&state, text), quoted));
    ck_ok(NomosConfigSet(config, set));
    sprintf(set, "qg.init.layers=[%s, 0, ", Quote(RandomText(&state, text), quoted));
    strcat(set, Quote(RandomText(&state, text), quoted));
    strcat(set, "]");
    ck_ok(NomosConfigSet(config, set));
    sprintf(set, "qg.lx=%.17g%s%s", RandomReal(&state), nondimensional ? "" : " ", nondimensional ? "" : unit[Random(&state) % 3]);
    ck_ok(NomosConfigSet(config, set));
    sprintf(set, "qg.u=[%.17g, -%.17g]", RandomReal(&state), RandomReal(&state));
    ck_ok(NomosConfigSet(config, set));
    sprintf(set, "qg.nx=%d", 4 + (int)(Random(&state) % 1000));
    ck_ok(NomosConfigSet(config, set));
    sprintf(set, "petsc.nomos_text=%s", Quote(RandomText(&state, text), quoted));
    ck_ok(NomosConfigSet(config, set));
    ck_ok(NomosConfigSet(config, "petsc.nomos_list=[1, 2]"));
    ck_ok(NomosConfigSetReal(config, "time.dt", RandomReal(&state)));
    ck_ok(NomosConfigCheck(config));
    ck_ok(NomosConfigToYaml(config, &yaml));
    Write("resolved.yaml", yaml);
    Hash(config, hash);

    ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &again));
    ck_ok(NomosConfigSetNondimensional(again, nondimensional));
    ck_ok(NomosConfigLoad(again, Path("resolved.yaml")));
    ck_ok(NomosConfigRegister(again, N_PARAMS, params));
    ck_ok(NomosConfigCheck(again));
    Hash(again, hash_again);
    ck_assert_msg(!strcmp(hash, hash_again), "the hash changed with\n%s", yaml);
    ck_assert(Real(again, "qg.lx") == Real(config, "qg.lx") && Real(again, "time.dt") == Real(config, "time.dt") && Int(again, "qg.nx") == Int(config, "qg.nx"));
    static const char *const keys[] = {"solver", "qg.init.q", "qg.init.file", "qg.scheme", "qg.dealias"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) ck_assert_str_eq(String(again, keys[k]), String(config, keys[k]));
    ck_ok(NomosConfigGetReals(config, "qg.u", &n, &reals));
    ck_ok(NomosConfigGetReals(again, "qg.u", &n_again, &reals_again));
    ck_assert(n == 2 && n_again == 2 && reals[0] == reals_again[0] && reals[1] == reals_again[1]);
    ck_assert(strstr(yaml, "  # default\n") && strstr(yaml, "  # --set\n") && strstr(yaml, "  # derived\n"));
    ck_assert(nondimensional == !strstr(yaml, " m  # --set\n"));

    /* Excepted keys leave it, others change it. */
    ck_ok(NomosConfigSet(again, "case.title=other"));
    Hash(again, hash_again);
    ck_assert_str_eq(hash, hash_again);
    ck_ok(NomosConfigSetReal(again, "time.dt", nextafter(Real(config, "time.dt"), 1e300)));
    Hash(again, hash_other);
    ck_assert_str_ne(hash, hash_other);
    ck_ok(PetscFree(yaml));
    ck_ok(NomosConfigDestroy(&config));
    ck_ok(NomosConfigDestroy(&again));
  }
}
END_TEST

START_TEST(Resolved)
{
  NomosConfig config;
  char       *yaml, hash[17], hash_again[17];

  Write("valid.yaml", valid_case);
  ck_ok(Run("valid.yaml", false, NULL, &config));
  ck_ok(NomosConfigToYaml(config, &yaml));
  static const char *const lines[] = {"\nsolver: qg  # ", "\nqg:\n  nx: 64  # ", "valid.yaml:4\n", "\n  lx: 1000000 m  # ", "\n  beta: 1.6e-11 1/(m s)  # ", "\n  depths: [500 m, 1750 m, 2000 m]  # ", "\n  smooth: no  # default\n", "\n  cfl: 0.5  # default\n", "\n  init:\n    file: /", "\n    q: 1e-6*cos(10*pi*x/lx)  # ", "\n    layers: [\"min(x, y)\", 0]  # ", "\ntime:\n  dt: 7200 s  # ", "\n  title: \"Two layers: a test\"  # ", "\npetsc:\n  ts_dt: .1  # ", "\n  ts_monitor:  # ", "\n  nomos_list: \"1,2,3\"  # "};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) ck_assert_msg(strstr(yaml, lines[i]) != NULL, "no `%s` in\n%s", lines[i], yaml);
  ck_assert_ptr_null(strstr(yaml, "deformation_radius")); /* unset */
  ck_assert_ptr_null(strstr(yaml, "smoke"));
  /* The hash knows values, not how or where they are written. */
  Hash(config, hash);
  Write("other.yaml", "petsc: {nomos_list: \"1,2,3\", ts_monitor: , ts.dt: .1}\ntime: {stop: 3650 day, dt: 120 min}\nsolver: qg\nqg.nx: 64\nqg.lx: 1.0e6\nqg.beta: 0.16e-10\nqg.depths: [0.5 km, 1750, 2 km]\nqg.u: [90 m/h, 0.0]\nqg.scheme: \"rk4\"\n"
                      "qg.init: {q: '1e-6*cos(10*pi*x/lx)', layers: ['min(x, y)', '0'], file: ./data/start.h5}\n");
  ck_ok(NomosConfigDestroy(&config));
  ck_ok(Run("other.yaml", false, NULL, &config));
  char file[NOMOS_MAX_PATH + 64];
  sprintf(file, "qg.init.file=%s/data/start.h5", ck_directory);
  ck_ok(NomosConfigSet(config, file));
  Hash(config, hash_again);
  ck_assert_str_eq(hash, hash_again);
  ck_ok(NomosConfigDestroy(&config));
  ck_ok(PetscFree(yaml));
}
END_TEST

static PetscErrorCode Collect(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  char *all = ctx;
  PetscFunctionBeginUser;
  sprintf(all + strlen(all), "%s=%s (%s)\n", param->key, value, origin);
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(Visits)
{
  NomosConfig config;
  char        all[4096] = "";

  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigSet(config, "qg.u=[3.6 km/h, 0]"));
  ck_ok(NomosConfigRegister(config, N_PARAMS, params));
  ck_ok(NomosConfigVisit(config, Collect, all));
  ck_assert_ptr_eq(strstr(all, "case.title= (default)\ncase.units=SI (default)\nsolver= (required)\nqg.nx=128 (default)\nqg.lx=1000000 m (default)\n"), all);
  ck_assert_ptr_nonnull(strstr(all, "\nqg.u=[1 m/s, 0 m/s] (--set)\n"));
  ck_assert_ptr_nonnull(strstr(all, "\nqg.init.q=0 (default)\n"));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

START_TEST(PetscLeaf)
{
  NomosConfig config;
  char        text[64];
  PetscBool   set, flag;
  PetscReal   dt;
  PetscInt    list[8], n = 8;

  Write("valid.yaml", valid_case);
  ck_ok(PetscOptionsSetValue(NULL, "-NOMOS_given", "line")); /* as on the command line */
  ck_ok(Run("valid.yaml", false, (const char *const[]){"petsc.nomos_given=file", "petsc.nomos_dashes=a -nomos_b c", NULL}, &config));
  ck_ok(NomosConfigInsertPetscOptions(config));
  ck_ok(NomosConfigInsertPetscOptions(config));
  ck_refused(NomosConfigCheckPetscOptions(config), "-ts_dt (");
  ck_refused(NomosConfigCheckPetscOptions(config), "valid.yaml:14)");
  ck_refused(NomosConfigCheckPetscOptions(config), "PETSc options never used: ");
  ck_ok(PetscOptionsGetReal(NULL, NULL, "-ts_dt", &dt, &set));
  ck_assert(set && dt == 0.1);
  ck_ok(PetscOptionsGetBool(NULL, NULL, "-ts_monitor", &flag, &set));
  ck_assert(set && flag);
  ck_ok(PetscOptionsGetIntArray(NULL, NULL, "-nomos_list", list, &n, &set));
  ck_assert(set && n == 3 && list[2] == 3);
  ck_ok(PetscOptionsGetString(NULL, NULL, "-nomos_dashes", text, sizeof text, &set));
  ck_assert(set && !strcmp(text, "a -nomos_b c"));
  ck_refused(NomosConfigCheckPetscOptions(config), "PETSc option never used: -NOMOS_given (--set); correct the name");
  ck_ok(PetscOptionsGetString(NULL, NULL, "-nomos_given", text, sizeof text, &set));
  ck_assert(set && !strcmp(text, "line")); /* the command line wins */
  ck_ok(NomosConfigCheckPetscOptions(config));
  ck_ok(PetscOptionsSetValue(NULL, "-nomos_late", NULL));
  ck_refused(NomosConfigCheckPetscOptions(config), "-nomos_late (command line or PETSC_OPTIONS)");
  ck_ok(PetscOptionsClearValue(NULL, "-nomos_late"));
  ck_ok(PetscOptionsSetValue(NULL, "-options_left", "no"));
  ck_ok(NomosConfigCheckPetscOptions(config)); /* PETSc asks for it at its end */
  ck_ok(NomosConfigDestroy(&config));

  char *many = malloc(100000);
  strcpy(many, "solver: qg\npetsc:\n");
  for (int i = 0; i < 250; i++) sprintf(many + strlen(many), "  nomos_many_%d: 1\n", i);
  Write("many.yaml", many);
  free(many);
  ck_ok(Run("many.yaml", false, NULL, &config));
  ck_refused(NomosConfigInsertPetscOptions(config), "many.yaml:203: petsc: more than 200 options");
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

/* Whatever happens to the bytes of a case: it loads, or one sentence says why not. */
START_TEST(Damaged)
{
  static const char letters[] = "{}[]:,#&*!|>'\"%@`-? \t\n\r0a.~\\\xFF\xC3\x80\x01\x7F";
  uint64_t          state = 99;
  int               n_good = 0, n_bad = 0;
  char              text[2 * sizeof valid_case];

  NomosErrorSetQuiet(true);
  for (int i = 0; i < 1500; i++) {
    size_t n = sizeof valid_case - 1;
    memcpy(text, valid_case, n);
    if (i % 4 == 3) n = Random(&state) % n; /* cut */
    for (int k = 0; k < i % 5 && n; k++) {
      size_t at = Random(&state) % n, length = Random(&state) % 12;
      switch (Random(&state) % 4) {
      case 0: text[at] ^= (char)(1 << Random(&state) % 8); break;
      case 1: text[at] = letters[Random(&state) % (sizeof letters - 1)]; break;
      case 2: /* a piece twice */
        if (at + length > n || n + length > sizeof text) break;
        memmove(text + at + length, text + at, n - at);
        n += length;
        break;
      default: /* a piece less */
        if (at + length > n) break;
        memmove(text + at, text + at + length, n - at - length);
        n -= length;
      }
    }
    NomosConfig config;
    WriteBytes("damaged.yaml", text, n);
    NomosErrorClear();
    if (Run("damaged.yaml", i % 2, NULL, &config)) {
      n_bad++;
      ck_assert_msg(strstr(NomosErrorLast(), "damaged.yaml") != NULL, "the error \"%s\" does not name the file", NomosErrorLast());
      ck_assert_ptr_null(strchr(NomosErrorLast(), '\n'));
    } else {
      char *yaml;
      n_good++;
      ck_ok(NomosConfigToYaml(config, &yaml));
      ck_ok(PetscFree(yaml));
    }
    ck_ok(NomosConfigDestroy(&config));
  }
  /* The same for values of --set. */
  for (int i = 0; i < 1500; i++) {
    NomosConfig config;
    char        set[512] = "", piece[256];
    strcpy(set, params[Random(&state) % N_PARAMS].key);
    strcat(set, "=");
    strcat(set, RandomText(&state, piece));
    NomosErrorClear();
    if (Run(NULL, false, (const char *const[]){"solver=qg", set, NULL}, &config)) ck_assert_msg(strstr(NomosErrorLast(), "--set") != NULL, "%s: \"%s\"", set, NomosErrorLast());
    ck_ok(NomosConfigDestroy(&config));
  }
  NomosErrorSetQuiet(false);
  ck_assert_int_gt(n_good, 200);
  ck_assert_int_gt(n_bad, 600);
}
END_TEST

/* Values of a choice that is not made (NomosParam.of). */
START_TEST(Idle)
{
  static const NomosParam table[] = {
    {.key = "initial.type", .type = NOMOS_PARAM_CHOICE, .default_value = "zero", .choices = "zero|sines|noise|file", .doc = "Type."},
    {.key = "initial.amplitude", .type = NOMOS_PARAM_REAL, .default_value = "1e-5", .doc = "Amplitude.", .of = "initial.type=sines|noise"},
    {.key = "initial.file", .type = NOMOS_PARAM_FILE, .default_value = "", .doc = "File.", .of = "initial.type=file"},
    {.key = "initial.random", .type = NOMOS_PARAM_BOOL, .default_value = "no", .doc = "Random.", .of = "initial.type=zero"},
    {.key = "initial.waves", .type = NOMOS_PARAM_INT, .default_value = "8", .doc = "Waves.", .of = "initial.random=yes"},
  };
  static const struct {
    const char *base, *top, *set;
    bool        smoke;
    const char *refused; /* NULL: taken */
    double      amplitude;
    size_t      notes;
  } rows[] = {
    {NULL, "initial: {type: sines, amplitude: 3}\n", NULL, false, NULL, 3, 0},
    {NULL, "initial: {type: noise, amplitude: 3}\n", NULL, false, NULL, 3, 0},
    {NULL, "initial: {type: file, amplitude: 3}\n", NULL, false, "top.yaml:1: initial.amplitude: is of initial.type = sines|noise, and that is file (", 0, 0},
    {NULL, "initial: {amplitude: 3}\n", NULL, false, "and that is zero (default): it would do nothing; leave it out, or choose what it is of", 0, 0},
    {NULL, "initial: {type: file, amplitude: 1.0e-5}\n", NULL, false, NULL, 1e-5, 0},                                         /* its default */
    {"initial: {type: sines}\n", "initial: {file: a.h5}\n", NULL, false, "top.yaml:2: initial.file: is of initial.type = file", 0, 0}, /* a value over the choice */
    {"initial: {type: sines, amplitude: 3}\n", "initial: {type: file}\n", NULL, false, NULL, 1e-5, 1},                        /* a choice over the value */
    {"initial: {type: sines, amplitude: 3}\n", "initial: {type: file, amplitude: 4}\n", NULL, false, "top.yaml:2: initial.amplitude: is of", 0, 0},
    {"initial: {type: sines, amplitude: 3}\n", "case.title: a\n", "initial.type=file", false, NULL, 1e-5, 1},
    {"initial: {type: sines}\n", "case.title: a\n", "initial.file=b.h5", false, "--set: initial.file: is of", 0, 0},
    {NULL, "initial: {type: sines, amplitude: 3}\nsmoke: {initial.type: file}\n", NULL, true, NULL, 1e-5, 1},
    {NULL, "initial: {type: file}\nsmoke: {initial.amplitude: 2}\n", NULL, true, "initial.amplitude: is of", 0, 0},
    {NULL, "initial: {type: file}\nsmoke: {initial.amplitude: 2}\n", NULL, false, NULL, 1e-5, 0},
    {NULL, "initial: {waves: 3}\n", NULL, false, "initial.waves: is of initial.random = yes, and that is no (default)", 0, 0},
    {NULL, "initial: {random: yes, waves: 3}\n", NULL, false, NULL, 1e-5, 0},
  };

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    char               text[512];
    NomosConfig        config;
    const char *const *notes;
    if (rows[r].base) Write("base.yaml", rows[r].base);
    snprintf(text, sizeof text, "%s%s", rows[r].base ? "include: base.yaml\n" : "", rows[r].top);
    Write("top.yaml", text);
    ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
    ck_ok(NomosConfigLoad(config, Path("top.yaml")));
    if (rows[r].set) ck_ok(NomosConfigSet(config, rows[r].set));
    if (rows[r].smoke) ck_ok(NomosConfigApplySmoke(config));
    ck_ok(NomosConfigRegister(config, 1, params)); /* case.title */
    ck_ok(NomosConfigRegister(config, sizeof table / sizeof *table, table));
    if (rows[r].refused) ck_refused(NomosConfigCheck(config), rows[r].refused);
    else {
      ck_ok(NomosConfigCheck(config));
      ck_assert(Real(config, "initial.amplitude") == rows[r].amplitude);
      ck_assert_uint_eq(NomosConfigNotes(config, &notes), rows[r].notes);
      if (rows[r].notes) ck_assert_ptr_nonnull(strstr(notes[0], "is left out, it is of sines|noise"));
    }
    ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

/* A value's place among its choices, and the choices of a list. */
#define SCHEMES(SCHEME) SCHEME(rk, 2) SCHEME(rk4, 4) SCHEME(etdrk4, 4)

static int Choice(NomosConfig config, const char key[])
{
  int choice = -2;
  ck_ok(NomosConfigGetChoice(config, key, &choice));
  return choice;
}

START_TEST(Choices)
{
  static const NomosParam table[] = {
    {.key = "initial.type", .type = NOMOS_PARAM_CHOICE, .default_value = "noise", .choices = "zero|sines|noise|file", .doc = "Type."},
    {.key = "initial.scheme", .type = NOMOS_PARAM_CHOICE, .default_value = "", .choices = NOMOS_CHOICES(SCHEMES), .doc = "Scheme."},
    {.key = "initial.seed", .type = NOMOS_PARAM_INT, .default_value = "1", .doc = "Seed."},
  };
  static const char *const types[] = {"initial.type=zero", "initial.type=sines", "initial.type=noise", "initial.type=file"}, *const schemes[] = {"initial.scheme=rk", "initial.scheme=rk4", "initial.scheme=etdrk4"};
  NomosConfig config;
  int         choice;

  ck_assert_str_eq(table[1].choices, "rk|rk4|etdrk4");
  ck_ok(NomosConfigCreate(PETSC_COMM_WORLD, &config));
  ck_ok(NomosConfigRegister(config, sizeof table / sizeof *table, table));
  ck_ok(NomosConfigCheck(config));
  ck_assert_int_eq(Choice(config, "initial.type"), 2); /* its default */
  ck_assert_int_eq(Choice(config, "initial.scheme"), -1);
  for (int k = 0; k < 4; k++) {
    ck_ok(NomosConfigSet(config, types[k]));
    ck_assert_int_eq(Choice(config, "initial.type"), k);
  }
  for (int k = 0; k < 3; k++) {
    ck_ok(NomosConfigSet(config, schemes[k]));
    ck_assert_int_eq(Choice(config, "initial.scheme"), k);
  }
  ck_ok(NomosConfigSet(config, "initial.scheme=")); /* unset again */
  ck_assert_int_eq(Choice(config, "initial.scheme"), -1);
  ck_refused(NomosConfigGetChoice(config, "initial.seed", &choice), "asked for as another type");
  ck_refused(NomosConfigGetChoice(config, "initial.nothing", &choice), "parameter initial.nothing is not declared");
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

NOMOS_TEST_SUITE("config", Values, Choices, Idle, Encodings, Precedence, Refused, RefusedSettings, RefusedFiles, RefusedPrograms, ResolvedRoundTrip, Resolved, Visits, PetscLeaf, Damaged)
