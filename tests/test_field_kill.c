/* A writer of field files is killed at random moments: creating, writing, making more room, trimming, resuming. Whatever the moment, the
   file opens, its frames are right, none that was there before is lost, and a resumed writer goes on. */
#include "io/field_file.h"
#include "tests/harness.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NL     = 2,
       NY     = 80,
       NX     = 100,
       ROUNDS = 20,
       MOST   = 300 };

/* A frame that is written again, after resuming before it, has other values; its time tells which. */
static double Time(int64_t step, int64_t generation)
{
  return 1000. * (double)generation + 0.25 * (double)step;
}

static double Value(int64_t step, int64_t generation, size_t i)
{
  return Time(step, generation) + 1e-5 * (double)i;
}

static NomosFieldFileInput Input(const char path[])
{
  static const double        coordinates[NX] = {0};
  static const NomosFieldDim dims[]          = {
               {.name = "layer", .size = NL, .values = coordinates},
               {.name = "y",     .size = NY, .values = coordinates},
               {.name = "x",     .size = NX, .values = coordinates}
  };
  static const NomosFieldVariable q[] = {
      {.name = "q",   .dims = {"layer", "y", "x"}, .type = NOMOS_F64},
      {.name = "psi", .dims = {"y", "x"},          .type = NOMOS_F32}
  };

  return (NomosFieldFileInput){.path = path, .n_dims = 3, .dims = dims, .n_variables = 2, .variables = q, .capacity = 3, .time_unit = "s"};
}

static PetscErrorCode WriteFrame(NomosFieldFile file, int64_t generation)
{
  const int64_t step     = (int64_t)NomosFieldFileFrames(file);
  const size_t  start[3] = {0}, count[3] = {NL, NY, NX};
  static double q[NL * NY * NX];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < NL * NY * NX; i++) q[i] = Value(step, generation, i);
  PetscCall(NomosFieldFileBeginFrame(file, Time(step, generation), step));
  PetscCall(NomosFieldFileWrite(file, "q", NOMOS_F64, start, count, q));
  PetscCall(NomosFieldFileWrite(file, "psi", NOMOS_F64, start + 1, count + 1, q));
  PetscCall(NomosFieldFileEndFrame(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The process that gets killed: says that it is ready, then creates (last_step < 0) or resumes the file and writes without end; if
   `closing`, it closes and resumes often. */
static PetscErrorCode WriteForEver(int argc, char **argv)
{
  NomosFieldFileInput input      = Input(argv[2]);
  const int64_t       last_step  = strtoll(argv[3], NULL, 10);
  const bool          closing    = argv[4][0] == '1';
  int64_t             generation = 100 * strtoll(argv[5], NULL, 10);
  NomosFieldFile      file;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  if (write(STDOUT_FILENO, "r", 1) != 1) PetscFunctionReturn(PETSC_ERR_LIB);
  if (last_step < 0) PetscCall(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  else PetscCall(NomosFieldFileResume(PETSC_COMM_WORLD, &input, last_step, &file));
  for (int i = 1;; i++) {
    const bool full = NomosFieldFileFrames(file) == MOST;
    PetscCall(WriteFrame(file, generation));
    if (!full && !(closing && i % 7 == 0)) continue;
    PetscCall(NomosFieldFileClose(&file));
    PetscCall(NomosFieldFileResume(PETSC_COMM_WORLD, &input, full ? last_step : INT64_MAX, &file));
    generation++;
  }
}

/* Start it, wait until it is ready and `microseconds` more, kill it. */
static void RunAndKill(const char path[], int64_t last_step, int round, bool closing, unsigned microseconds)
{
  char  step[32], number[32], tmp[NOMOS_MAX_PATH + 16], ready;
  /* Alone: no launcher around it, no shared memory, nothing left in the system's directories. */
  char *arguments[] = {"test_field_kill", "--write", (char *)path, step, closing ? "1" : "0", number, NULL};
  char *variables[] = {"OMPI_MCA_btl=self", "PATH=/usr/bin:/bin", tmp, NULL};
  int   out[2], status;

  snprintf(step, sizeof step, "%lld", (long long)last_step);
  snprintf(number, sizeof number, "%d", round);
  snprintf(tmp, sizeof tmp, "TMPDIR=%s", ck_directory);
  ck_assert_int_eq(pipe(out), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (!child) {
    dup2(out[1], STDOUT_FILENO);
    execve("/proc/self/exe", arguments, variables);
    _exit(127);
  }
  close(out[1]);
  ck_assert_msg(read(out[0], &ready, 1) == 1, "the writer does not start");
  usleep(microseconds);
  ck_assert_int_eq(kill(child, SIGKILL), 0);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the writer ended by itself with status %d", status);
  close(out[0]);
}

/* Number of frames; all of them right, and no frame with a time behind them. */
static size_t CheckFile(const char path[])
{
  NomosFieldReader reader;
  size_t           n, shape[NOMOS_FIELD_MAX_DIMS + 1], wrong = 0;
  static double    q[NL * NY * NX];
  int              n_dims;

  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosFieldReaderFrames(reader, &n));
  ck_ok(NomosFieldReaderShape(reader, "time", &n_dims, shape));
  for (size_t f = 0; f < shape[0]; f++) {
    double time, step;
    ck_ok(NomosFieldReaderRead(reader, "time", &f, (size_t[]){1}, &time));
    if (f >= n) ck_assert_double_nan(time);
    if (f >= n) continue;
    ck_ok(NomosFieldReaderRead(reader, "step", &f, (size_t[]){1}, &step));
    const int64_t generation = (int64_t)(time / 1000);
    ck_assert(step == (double)f && time == Time((int64_t)f, generation));
    ck_ok(NomosFieldReaderRead(reader, "q", (size_t[]){f, 0, 0, 0}, (size_t[]){1, NL, NY, NX}, q));
    for (size_t i = 0; i < NL * NY * NX; i++) wrong += q[i] != Value((int64_t)f, generation, i);
    ck_ok(NomosFieldReaderRead(reader, "psi", (size_t[]){f, 0, 0}, (size_t[]){1, NY, NX}, q));
    for (size_t i = 0; i < NY * NX; i++) wrong += q[i] != (double)(float)Value((int64_t)f, generation, i);
    ck_assert_msg(!wrong, "frame %zu of %zu is wrong", f, n);
  }
  ck_ok(NomosFieldReaderClose(&reader));
  return n;
}

START_TEST(a_kill_costs_no_frame)
{
  char                path[NOMOS_MAX_PATH + 16];
  int64_t             last_step = -1;
  size_t              frames = 0, total = 0;
  unsigned            random = 2463534242u;
  struct stat         status;
  NomosFieldFileInput input;
  NomosFieldFile      file;

  snprintf(path, sizeof path, "%s/fields.nc", ck_directory);
  for (int round = 0; round < ROUNDS; round++) {
    random ^= random << 13, random ^= random >> 17, random ^= random << 5;
    RunAndKill(path, last_step, round, round % 4 == 1, random % (round % 4 ? 150000 : 4000));
    if (stat(path, &status)) {
      ck_assert_msg(last_step < 0, "the file is gone after round %d", round);
      continue;
    }
    frames = CheckFile(path);
    ck_assert_msg((int64_t)frames > last_step, "round %d: %zu frames, there were %lld", round, frames, (long long)last_step + 1);
    total += frames - (size_t)(last_step + 1);
    last_step = (int64_t)frames - 1 - (round % 4 == 3 && frames > 2 ? 2 : 0); /* sometimes the checkpoint is older than the last frames */
    if (last_step > MOST / 2) last_step = 20;
  }
  ck_assert_uint_gt(total, ROUNDS);
  input = Input(path);
  ck_assert_int_ge(last_step, 0);
  ck_ok(NomosFieldFileResume(PETSC_COMM_WORLD, &input, last_step, &file));
  ck_assert_uint_eq(NomosFieldFileFrames(file), (size_t)last_step + 1);
  for (int i = 0; i < 5; i++) ck_ok(WriteFrame(file, 100 * ROUNDS));
  ck_ok(NomosFieldFileClose(&file));
  ck_assert_uint_eq(CheckFile(path), (size_t)last_step + 6);
}
END_TEST

int main(int argc, char **argv)
{
  const TTest *const tests[] = {a_kill_costs_no_frame};

  if (argc == 6 && !strcmp(argv[1], "--write")) return WriteForEver(argc, argv) != 0;
  return RunSuite(argc, argv, "field_kill", 1, tests);
}
