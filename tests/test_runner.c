/* The runner with its test model, in one process: what a run leaves behind, resuming, refusing, failing. */
#include "harness.h"

#include "cases/program.h"
#include "compare_runs.h"
#include "io/log.h"
#include "toy_model.h"

#include <jansson.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static const char toy_case[] =
  "solver: toy\n"
  "case: {title: A toy}\n"
  "time: {dt: 0.25, stop: 10}\n"
  "output: {fields_every: 1, scalars_every: 0.5, spectra_every: 2, precision: float64, pictures: false}\n"
  "checkpoint: {every: 2, keep: 3}\n"
  "smoke: {time.stop: 2}\n";

static const NomosModelOps *const *models = nomos_toy_models; /* of the program */

static const char *Path(const char name[])
{
  static char paths[4][NOMOS_MAX_PATH];
  static int  next;
  char       *path = paths[next++ % 4];
  snprintf(path, NOMOS_MAX_PATH, "%s/%s", ck_directory, name);
  return path;
}

static void Write(const char name[], const char text[])
{
  FILE *file = fopen(Path(name), "w");
  ck_assert_ptr_nonnull(file);
  fputs(text, file);
  fclose(file);
}

static char *Slurp(const char name[])
{
  static char text[1 << 20];
  FILE       *file = fopen(Path(name), "r");
  ck_assert_msg(file != NULL, "%s is missing", name);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

static bool Exists(const char name[])
{
  return !access(Path(name), F_OK);
}

/* nomos words ..., NULL-terminated, in the test's directory; errors are kept silent. Returns the exit code. */
static int Nomos(const char first[], ...)
{
  char   *argv[32] = {(char *)"nomos", (char *)first}, here[NOMOS_MAX_PATH];
  int     argc     = 2, code;
  va_list words;
  FILE   *null = fopen("/dev/null", "w");

  va_start(words, first);
  while ((argv[argc] = va_arg(words, char *))) argc++;
  va_end(words);
  ck_assert_ptr_nonnull(getcwd(here, sizeof here));
  ck_assert_int_eq(chdir(ck_directory), 0);
  mkdir("toycase", 0777);
  if (access("toycase/case.yaml", F_OK)) Write("toycase/case.yaml", toy_case);
  fflush(stdout);
  fflush(stderr);
  int out = dup(1), err = dup(2);
  dup2(fileno(null), 1);
  dup2(fileno(null), 2);
  code = NomosProgramMain(argc, argv, models, NULL);
  fflush(stdout);
  fflush(stderr);
  dup2(out, 1);
  dup2(err, 2);
  close(out);
  close(err);
  fclose(null);
  ck_assert_int_eq(chdir(here), 0);
  return code;
}

#define ck_run(...) ck_assert_msg(Nomos(__VA_ARGS__, NULL) == 0, "failed: %s", NomosErrorLast())

#define ck_fails(code, fragment, ...) \
  do { \
    int ck_exit_ = Nomos(__VA_ARGS__, NULL); \
    ck_assert_int_eq(ck_exit_, code); \
    ck_assert_msg(strstr(NomosErrorLast(), fragment) != NULL, "the error \"%s\" does not say \"%s\"", NomosErrorLast(), fragment); \
  } while (0)

static void CheckSame(const char a[], const char b[])
{
  char difference[256];
  ck_ok(CompareRuns(Path(a), Path(b), 0, difference));
  ck_assert_msg(!difference[0], "%s and %s: %s", a, b, difference);
}

static double Result(const char run[], const char name[])
{
  char path[256];
  snprintf(path, sizeof path, "%s/summary.json", run);
  json_t *summary = json_loads(Slurp(path), 0, NULL), *value = json_object_get(json_object_get(summary, "results"), name);
  double  number = json_is_number(value) ? json_number_value(value) : NAN;
  json_decref(summary);
  return number;
}

START_TEST(a_run_leaves_what_it_promises)
{
  static const char *const files[] = {"config.yaml", "provenance.json", "summary.json", "STATUS", "log.txt", "log.jsonl", "fields.nc", "fields.xdmf", "scalars.csv", "spectra.nc", "checkpoint/step_0000000040.h5", "checkpoint/step_0000000032.h5", "checkpoint/step_0000000024.h5"};
  NomosTable table;

  ck_run("run", "toycase", "-o", "full");
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char name[256];
    snprintf(name, sizeof name, "full/%s", files[i]);
    ck_assert_msg(Exists(name), "%s is missing", name);
  }
  ck_assert(!Exists("full/checkpoint/step_0000000016.h5")); /* keep: 3 */
  ck_assert(!strncmp(Slurp("full/STATUS"), "done\n", 5));
  ck_ok(NomosTableRead(Path("full/scalars.csv"), &table));
  ck_assert_uint_eq(table.n_rows, 21);
  for (size_t r = 0; r < table.n_rows; r++) { /* the exact solution: cos(phase + t) in the corner */
    double phase = 2e-4 * PETSC_PI * (1e4 * 0.5 / 16 + 1e4 * 0.5 / 12);
    ck_assert_double_eq(table.values[r * 4], 2. * (double)r);
    ck_assert_double_eq(table.values[r * 4 + 1], 0.5 * (double)r);
    ck_assert_double_eq_tol(table.values[r * 4 + 3], cos(phase + 0.5 * (double)r), 1e-13);
  }
  ck_ok(NomosTableDestroy(&table));
  ck_close(Result("full", "energy"), 1., 1e-12);
  ck_assert_double_eq(Result("full", "final_time"), 10);
}
END_TEST

/* Cairo writes the width of a line as a style or as an attribute. */
static bool HasLines(const char picture[])
{
  const char *text = Slurp(picture);
  return strstr(text, "stroke-width:1.6") || strstr(text, "stroke-width=\"1.6\"");
}

/* Where nothing is said of scalars there are as many as fields; and of two rows, which are the ends of a run, no curve is drawn. */
START_TEST(scalars_come_with_the_fields)
{
  NomosTable table;

  ck_run("run", "toycase", "-o", "frames", "--set", "output.scalars_every=0", "--set", "output.pictures=true");
  ck_ok(NomosTableRead(Path("frames/scalars.csv"), &table));
  ck_assert_uint_eq(table.n_rows, 11);
  for (size_t r = 0; r < table.n_rows; r++) ck_assert_double_eq(table.values[r * 4 + 1], (double)r);
  ck_ok(NomosTableDestroy(&table));
  ck_assert(HasLines("frames/plots/scalars.svg"));
  ck_run("run", "toycase", "-o", "ends", "--set", "output.scalars_every=0", "--set", "output.fields_every=0", "--set", "output.pictures=true");
  ck_ok(NomosTableRead(Path("ends/scalars.csv"), &table));
  ck_assert_uint_eq(table.n_rows, 2);
  ck_ok(NomosTableDestroy(&table));
  ck_assert(!HasLines("ends/plots/scalars.svg"));
}
END_TEST

START_TEST(means_begin_where_they_are_told_to)
{
  NomosTable table;
  double     n = 0, mean = 0, variance = 0;

  ck_run("run", "toycase", "-o", "means", "--set", "output.average_from=4");
  ck_ok(NomosTableRead(Path("means/scalars.csv"), &table));
  for (size_t r = 8; r < table.n_rows; r++, n++) mean += table.values[r * 4 + 3];
  mean /= n;
  for (size_t r = 8; r < table.n_rows; r++) variance += pow(table.values[r * 4 + 3] - mean, 2) / n;
  ck_ok(NomosTableDestroy(&table));
  ck_assert_double_eq(n, 13);
  ck_close(Result("means", "corner_mean"), mean, 1e-12);
  ck_close(Result("means", "corner_std"), sqrt(variance), 1e-12);
}
END_TEST

START_TEST(the_resolved_case_reproduces_the_run)
{
  ck_run("run", "toycase", "-o", "first", "--set", "toy.frequency=3.5");
  ck_run("run", "first/config.yaml", "-o", "second");
  CheckSame("first", "second");
  ck_run("run", "first", "-o", "third"); /* the run itself is a case */
  CheckSame("first", "third");
}
END_TEST

START_TEST(extending_a_run_equals_one_run)
{
  ck_run("run", "toycase", "-o", "whole");
  /* Stops at times on and off every cadence. */
  static const char *const stops[] = {"time.stop=4", "time.stop=4.25", "time.stop=0.25", "time.stop=0"};
  for (int i = 0; i < 4; i++) {
    ck_run("run", "toycase", "-o", "parts", "--force", "--set", stops[i]);
    ck_run("run", "parts", "--restart", "latest", "--set", "time.stop=10");
    CheckSame("whole", "parts");
  }
  /* In three parts, the files compressed in between. */
  ck_run("run", "toycase", "-o", "parts", "--force", "--set", "time.stop=3", "--set", "output.compression=4");
  ck_run("run", "toycase", "-o", "parts", "--restart", "latest", "--set", "time.stop=7.5");
  ck_run("run", "toycase", "-o", "parts", "--restart", "latest");
  CheckSame("whole", "parts");
  ck_close(Result("whole", "corner_mean"), Result("parts", "corner_mean"), 1e-15);
}
END_TEST

START_TEST(an_earlier_checkpoint_rewinds_the_run)
{
  ck_run("run", "toycase", "-o", "whole", "--force");
  ck_run("run", "toycase", "-o", "back", "--set", "time.stop=7");
  ck_run("run", "back", "--restart", "16", "--set", "time.stop=5");
  ck_assert(!Exists("back/checkpoint/step_0000000028.h5")); /* belongs to frames that are gone */
  ck_assert(Exists("back/checkpoint/step_0000000020.h5"));
  ck_run("run", "back", "--restart", "latest", "--set", "time.stop=10");
  CheckSame("whole", "back");
}
END_TEST

START_TEST(a_branch_begins_in_a_new_directory)
{
  NomosTable table;

  ck_run("run", "toycase", "-o", "trunk");
  ck_run("run", "trunk", "--restart", "32", "-o", "branch", "--set", "time.stop=12");
  ck_ok(NomosTableRead(Path("branch/scalars.csv"), &table));
  ck_assert_double_eq(table.values[0], 32);
  ck_assert_uint_eq(table.n_rows, 9);
  ck_ok(NomosTableDestroy(&table));
  ck_assert(!strncmp(Slurp("trunk/STATUS"), "done\n", 5));
  ck_run("run", "toycase", "-o", "branch2", "--restart", Path("trunk/checkpoint/step_0000000040.h5"), "--set", "time.stop=11");
  ck_close(Result("branch2", "final_time"), 11., 1e-15);
}
END_TEST

START_TEST(a_restart_may_change_dt_without_a_jump_in_time)
{
  ck_run("run", "toycase", "-o", "dt", "--set", "time.stop=4");
  ck_run("run", "dt", "--restart", "latest", "--set", "time.stop=6", "--set", "time.dt=0.1");
  ck_close(Result("dt", "final_time"), 6., 1e-14);
  double phase = 2e-4 * PETSC_PI * (1e4 * 0.5 / 16 + 1e4 * 0.5 / 12);
  ck_assert_double_eq_tol(Result("dt", "corner"), cos(phase + 6), 1e-13);
}
END_TEST

START_TEST(a_restart_of_other_physics_is_refused)
{
  char before[65536];

  ck_run("run", "toycase", "-o", "physics", "--set", "time.stop=2");
  snprintf(before, sizeof before, "%s", Slurp("physics/scalars.csv"));
  ck_fails(1, "toy.nx = 8 (the checkpoint has 16)", "run", "physics", "--restart", "latest", "--set", "toy.nx=8");
  ck_fails(1, "toy.frequency = 2", "run", "toycase", "-o", "physics", "--restart", "latest", "--set", "toy.frequency=2", "--set", "toy.nx=8");
  ck_fails(1, "there is no checkpoint of step 40", "run", "physics", "--restart", "40"); /* there is none */
  ck_assert_str_eq(before, Slurp("physics/scalars.csv"));
  ck_assert(!strncmp(Slurp("physics/STATUS"), "done\n", 5));
  ck_fails(1, "needs the run to continue", "run", "toycase", "--restart", "latest");
  ck_fails(1, "give one of them", "run", "physics", "--restart", "latest", "--force");
  ck_fails(1, "checkpoint", "run", "toycase", "--restart", "latest", "-o", "absent");
  ck_assert(!Exists("absent"));
}
END_TEST

START_TEST(a_parameter_younger_than_the_checkpoint_is_no_other_physics)
{
  NomosParam           params[16];
  NomosModelOps        ops     = NomosModelOps_Toy;
  const NomosModelOps *later[] = {&ops, NULL};

  memcpy(params, ops.params, ops.n_params * sizeof *params);
  params[ops.n_params++] = (NomosParam){"toy.later", NOMOS_PARAM_REAL, "3", NULL, 0, 10, NULL, false, "A parameter of the next version."};
  ops.params             = params;
  ck_run("run", "toycase", "-o", "of_one_version", "--set", "time.stop=4");
  ck_run("run", "toycase", "-o", "upgraded", "--set", "time.stop=2");
  models = later;
  ck_fails(1, "toy.later = 4 (the checkpoint has nothing)", "run", "upgraded", "--restart", "latest", "--set", "time.stop=4", "--set", "toy.later=4");
  ck_run("run", "upgraded", "--restart", "latest", "--set", "time.stop=4");
  ck_assert_ptr_nonnull(strstr(Slurp("upgraded/log.txt"), "younger than the checkpoint, and as by default: toy.later = 3"));
  models = nomos_toy_models;
  CheckSame("of_one_version", "upgraded");
  ck_fails(1, "toy.later", "run", "upgraded", "--restart", "latest", "--set", "time.stop=6"); /* its config.yaml has it */
  ck_fails(1, "toy.later = 3 of the checkpoint is no parameter here", "run", "toycase", "-o", "upgraded", "--restart", "latest", "--set", "time.stop=6");
}
END_TEST

START_TEST(a_blow_up_is_found_named_and_survived)
{
  double when;
  char   name[64];

  /* |z| = exp(6 t) passes 1e6 at t = 2.30: the last checkpoint is at t = 2, the look after step 10. */
  ck_fails(1, "the run blew up: u[0, 0] = inf at step 10, time 2.5", "run", "toycase", "-o", "blow", "--set", "toy.growth=6");
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), "time.dt = 0.0625 s (it is 0.25 s)"));
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), "--restart latest --set time.dt=0.0625 continues from step 8"));
  ck_assert(!strncmp(Slurp("blow/STATUS"), "failed\nthe run blew up", 22));
  ck_assert_ptr_nonnull(strstr(Slurp("blow/log.txt"), "the run blew up"));
  ck_assert_ptr_nonnull(strstr(Slurp("blow/summary.json"), "\"status\": \"failed\""));
  ck_assert(Exists("blow/checkpoint/step_0000000008.h5"));
  ck_assert(!Exists("blow/checkpoint/step_0000000010.h5"));
  ck_assert(Exists("blow/fields.xdmf"));
  /* Found at most check_every steps late, and at once where something would be written. */
  for (int every = 1; every <= 20; every += 19) {
    snprintf(name, sizeof name, "time.check_every=%d", every);
    ck_assert_int_eq(Nomos("run", "toycase", "-o", "blow", "--force", "--set", "toy.growth=6", "--set", name, "--set", "output.scalars_every=0", "--set", "output.fields_every=0", "--set", "output.spectra_every=0", "--set", "checkpoint.every=0", NULL), 1);
    ck_assert_int_eq(sscanf(strstr(NomosErrorLast(), "at step ") + 8, "%lf", &when), 1);
    ck_assert_double_eq(when, every == 1 ? 10 : 20);
    ck_assert_ptr_nonnull(strstr(NomosErrorLast(), "there is no checkpoint yet"));
  }
  ck_fails(1, "the state it began with is not sound", "run", "toycase", "-o", "bad_start", "--set", "toy.growth=0", "--set", "toy.amplitude=1e9");
  ck_assert(!Exists("bad_start"));
}
END_TEST

START_TEST(an_error_in_a_step_is_on_record)
{
  ck_fails(1, "toy: failed at step 11", "run", "toycase", "-o", "error", "--set", "toy.fail_step=11");
  ck_assert(!strncmp(Slurp("error/STATUS"), "failed\ntoy: failed at step 11", 29));
  ck_assert_ptr_nonnull(strstr(Slurp("error/log.jsonl"), "\"event\":\"failed\""));
  /* The frames before it are there, and the run can go on. */
  ck_run("run", "error", "--restart", "latest", "--set", "time.stop=2.5");
  ck_assert(!strncmp(Slurp("error/STATUS"), "done\n", 5));
}
END_TEST

START_TEST(directories_are_protected)
{
  mkdir(Path("precious"), 0777);
  Write("precious/thesis.txt", "ten years of work");
  ck_fails(1, "is not empty", "run", "toycase", "-o", "precious");
  ck_fails(1, "no STATUS", "run", "toycase", "-o", "precious", "--force");
  ck_fails(1, "no STATUS", "run", "toycase", "-o", "precious", "--restart", "latest");
  ck_fails(1, "inside the case", "run", "toycase", "-o", "toycase");
  ck_fails(1, "inside the case", "run", "toycase", "-o", "toycase/deep/inside");
  ck_fails(1, "is not a directory", "run", "toycase", "-o", "toycase/../precious/thesis.txt");
  ck_fails(1, "thesis.txt", "run", "toycase", "-o", "precious/thesis.txt/run");
  ck_assert_str_eq(Slurp("precious/thesis.txt"), "ten years of work");
  ck_assert(!Exists("toycase/deep"));

  ck_run("run", "toycase", "-o", "deep/er/run", "--smoke");
  ck_fails(1, "is not empty", "run", "toycase", "-o", "deep/er/run");
  Write("deep/er/run/notes.txt", "mine");
  mkdir(Path("deep/er/run/plots"), 0777);
  Write("deep/er/run/plots/mine.png", "mine");
  ck_run("run", "toycase", "-o", "deep/er/run", "--force");
  ck_assert_str_eq(Slurp("deep/er/run/notes.txt"), "mine");
  ck_assert_str_eq(Slurp("deep/er/run/plots/mine.png"), "mine");
  ck_assert(!Exists("deep/er/run/checkpoint/step_0000000008.h5")); /* of the smoke run before */
  ck_assert_double_eq(Result("deep/er/run", "final_time"), 10);

  Write("deep/er/run/STATUS", "to be or not to be\n");
  ck_fails(1, "does not look like the STATUS of a run", "run", "toycase", "-o", "deep/er/run", "--force");
}
END_TEST

START_TEST(a_mistake_leaves_nothing_behind)
{
  ck_fails(1, "toy.nxx", "run", "toycase", "-o", "nothing/here", "--set", "toy.nxx=3");
  ck_fails(1, "no such solver", "run", "toycase", "-o", "nothing/here", "--set", "solver=toi");
  ck_fails(1, "not found", "run", "no_such_case", "-o", "nothing/here");
  ck_fails(1, "1e15 steps", "run", "toycase", "-o", "nothing/here", "--set", "time.dt=1e-20");
  ck_fails(1, "has no case.yaml", "run", ".", "-o", "nothing/here");
  ck_assert_int_eq(Nomos("run", "toycase", "-o", "nothing/here", "--dry-run", NULL), 0);
  ck_assert(!Exists("nothing"));
  ck_assert(!Exists("runs"));
}
END_TEST

START_TEST(the_command_line_is_checked)
{
  ck_fails(2, "unknown command ''", "");
  ck_fails(2, "did you mean run?", "rum", "toycase");
  ck_fails(2, "did you mean --smoke?", "run", "toycase", "--smke");
  ck_fails(2, "usage: nomos run CASE", "run");
  ck_fails(2, "one argument too many: 'b'", "run", "a", "b");
  ck_fails(2, "--set needs a value", "run", "toycase", "--set");
  ck_fails(2, "takes no value", "run", "toycase", "--force=yes");
  ck_fails(2, "is empty", "run", "toycase", "--output=");
  ck_fails(2, "unknown option '--force'", "plot", "toycase", "--force");
  ck_fails(2, "unknown command", "help", "rn");
  ck_fails(1, "did you mean toy.nx?", "describe", "toy.nxx");
  ck_run("help", "run");
  ck_run("run", "--help");
  ck_run("describe");
  ck_run("describe", "toy");
  ck_run("describe", "time.dt");
  ck_run("describe", "toycase", "--smoke");
  ck_run("list");
  ck_assert_int_eq(NomosProgramMain(2, (char *[]){"nomos", "--version", NULL}, NULL, NULL), 0); /* no models, no surrogates */
}
END_TEST

START_TEST(expected_results_are_checked)
{
  static const struct {
    const char *text, *fragment;
  } bad[] = {
    {"results: {energi: {min: 0, max: 1}}",              "did you mean energy?"              },
    {"results: {energy: {value: 1}}",                    "give a value with relative or absolute"},
    {"results: {energy: {value: 1, relativ: 1}}",        "unknown key 'relativ'"             },
    {"results: {energy: {value: one, relative: 1}}",     "'one' is not a number"             },
    {"results: {energy: 1}",                             ":1:"                               },
    {"results: {energy: 1}\n",                           "expected a map"                    },
    {"energy: {min: 0, max: 1}\n",                       "expected one key, `results`"       },
    {"results: {}\n",                                    "expected one key, `results`"       },
    {"",                                                 "expected one key, `results`"       },
  };

  ck_run("run", "toycase", "--smoke", "-o", "checked");
  ck_fails(1, "expected.yaml: No such file", "check", "toycase", "checked");
  Write("toycase/expected.yaml", "results:\n  energy: {value: 1, relative: 1e-12}\n  final_time: {min: 2, max: 2}\n  corner: {value: 0, absolute: 1}\n");
  ck_run("check", "toycase", "checked");
  ck_run("run", "toycase", "--smoke", "--check", "--force", "-o", "checked");
  Write("toycase/expected.yaml", "results:\n  energy: {value: 1.001, relative: 1e-4}\n");
  ck_assert_int_eq(Nomos("check", "toycase", "checked", NULL), 1);
  ck_assert_int_eq(Nomos("run", "toycase", "--smoke", "--check", "--force", "-o", "checked", NULL), 1);
  ck_assert(!strncmp(Slurp("checked/STATUS"), "done\n", 5)); /* the run is good, its numbers are not */
  Write("toycase/expected.yaml", "results:\n  energy: {min: 1.1}\n");
  ck_assert_int_eq(Nomos("check", "toycase", "checked", NULL), 1);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Write("toycase/expected.yaml", bad[i].text);
    ck_fails(1, bad[i].fragment, "check", "toycase", "checked");
  }
  unlink(Path("toycase/expected.yaml"));
  ck_fails(1, "summary.json", "check", "toycase", "toycase");
}
END_TEST

START_TEST(a_wall_clock_limit_stops_with_a_checkpoint)
{
  ck_run("run", "toycase", "-o", "whole", "--force");
  ck_assert_int_eq(Nomos("run", "toycase", "-o", "wall", "--set", "time.max_wall=0.2", "--set", "run.pause=0.02", NULL), 143);
  ck_assert(!strncmp(Slurp("wall/STATUS"), "stopped\ntime.max_wall", 21));
  ck_run("run", "wall", "--restart", "latest", "--set", "time.max_wall=0");
  CheckSame("whole", "wall");
}
END_TEST

START_TEST(pictures_are_drawn_from_the_files)
{
  ck_run("run", "toycase", "-o", "drawn", "--set", "output.pictures=true");
  ck_assert(Exists("drawn/plots/fields_u.png") && Exists("drawn/plots/final_u.svg") && Exists("drawn/plots/scalars.png") && Exists("drawn/plots/spectra.svg"));
  unlink(Path("drawn/plots/scalars.png"));
  ck_run("plot", "drawn");
  ck_assert(Exists("drawn/plots/scalars.png"));
  ck_fails(1, "not a run directory", "plot", "toycase");
}
END_TEST

NOMOS_TEST_SUITE("runner", a_run_leaves_what_it_promises, scalars_come_with_the_fields, means_begin_where_they_are_told_to, the_resolved_case_reproduces_the_run, extending_a_run_equals_one_run, an_earlier_checkpoint_rewinds_the_run, a_branch_begins_in_a_new_directory,
                 a_restart_may_change_dt_without_a_jump_in_time, a_restart_of_other_physics_is_refused, a_parameter_younger_than_the_checkpoint_is_no_other_physics, a_blow_up_is_found_named_and_survived, an_error_in_a_step_is_on_record, directories_are_protected, a_mistake_leaves_nothing_behind,
                 the_command_line_is_checked, expected_results_are_checked, a_wall_clock_limit_stops_with_a_checkpoint, pictures_are_drawn_from_the_files)
