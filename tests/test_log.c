/* Logs, progress lines, scalars as CSV. */
#define _XOPEN_SOURCE 700 /* pseudo-terminals */
#include "io/log.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"energy", "cfl", "enstrophy"}, *const units[] = {"m2 s-2", "1", "s-2"};

static const char *Path(const char name[])
{
  static char path[2 * NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

/* The whole file as a string; free() it. */
static char *Slurp(const char name[])
{
  FILE *stream = fopen(Path(name), "rb");
  char *text;
  long  size;

  ck_assert_msg(stream != NULL, "%s is missing", name);
  fseek(stream, 0, SEEK_END);
  size = ftell(stream);
  rewind(stream);
  text = (char *)calloc((size_t)size + 1, 1);
  ck_assert_uint_eq(fread(text, 1, (size_t)size, stream), (size_t)size);
  fclose(stream);
  return text;
}

static void Spill(const char name[], const char text[], size_t length)
{
  FILE *stream = fopen(Path(name), "wb");
  ck_assert_ptr_nonnull(stream);
  ck_assert_uint_eq(fwrite(text, 1, length, stream), length);
  fclose(stream);
}

/* Send a standard stream elsewhere for a while. */
static int Redirect(int standard, int target)
{
  int saved;
  fflush(stdout);
  fflush(stderr);
  saved = dup(standard);
  dup2(target, standard);
  return saved;
}

static void Restore(int standard, int saved)
{
  fflush(stdout);
  fflush(stderr);
  dup2(saved, standard);
  close(saved);
}

static int CaptureTo(const char name[], int standard, int *file)
{
  *file = open(Path(name), O_RDWR | O_CREAT | O_TRUNC, 0666);
  return Redirect(standard, *file);
}

static void Sleep(double seconds)
{
  struct timespec pause = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * fmod(seconds, 1))};
  nanosleep(&pause, NULL);
}

static size_t CountLines(const char text[])
{
  size_t n = 0;
  for (; *text; text++) n += *text == '\n';
  return n;
}

START_TEST(log_is_appended_and_machine_readable)
{
  NomosLog log;
  char    *text, *json;
  int      file, saved = CaptureTo("out", STDOUT_FILENO, &file), saved_err = Redirect(STDERR_FILENO, file);

  for (int pass = 0; pass < 2; pass++) {
    ck_ok(NomosLogOpen(PETSC_COMM_WORLD, ck_directory, false, &log));
    ck_ok(NomosLogPrint(log, NOMOS_LOG_INFO, "start", "pass %d: \"quotes\" and \\ and µ", pass));
    ck_ok(NomosLogPrint(log, NOMOS_LOG_WARNING, NULL, "bad \xff byte"));
    ck_ok(NomosLogClose(&log));
    ck_assert_ptr_null(log);
  }
  Restore(STDOUT_FILENO, saved);
  Restore(STDERR_FILENO, saved_err);
  close(file);
  text = Slurp("out");
  ck_assert_str_eq(text, "pass 0: \"quotes\" and \\ and µ\nwarning: bad \xff byte\npass 1: \"quotes\" and \\ and µ\nwarning: bad \xff byte\n");
  free(text);
  text = Slurp("log.txt");
  ck_assert_uint_eq(CountLines(text), 4);
  ck_assert_ptr_nonnull(strstr(text, "Z  pass 1: "));
  free(text);
  json = Slurp("log.jsonl");
  ck_assert_uint_eq(CountLines(json), 4);
  for (char *line = strtok(json, "\n"), *level, *event, *message, *utc; line; line = strtok(NULL, "\n")) {
    json_t *record = json_loads(line, 0, NULL);
    ck_assert_msg(record != NULL, "%s is not JSON", line);
    ck_assert_int_eq(json_unpack(record, "{s:s, s:s, s:s, s:s}", "utc", &utc, "level", &level, "event", &event, "message", &message), 0);
    ck_assert_uint_eq(strlen(utc), strlen("2026-01-02T03:04:05.678Z"));
    if (!strcmp(level, "info")) {
      ck_assert_str_eq(event, "start");
      ck_assert_str_eq(message + 7, " \"quotes\" and \\ and µ");
    } else ck_assert_str_eq(message, "bad ? byte");
    json_decref(record);
  }
  free(json);
}
END_TEST

START_TEST(quiet_log_keeps_only_warnings)
{
  NomosLog log;
  char    *text, *longer = (char *)malloc(100001);
  int      file, saved = CaptureTo("out", STDOUT_FILENO, &file), saved_err = Redirect(STDERR_FILENO, file);

  memset(longer, 'x', 100000);
  longer[100000] = '\0';
  ck_ok(NomosLogOpen(PETSC_COMM_WORLD, NULL, true, &log));
  ck_ok(NomosLogPrint(log, NOMOS_LOG_INFO, "a", "hidden %s", longer));
  ck_ok(NomosLogPrint(log, NOMOS_LOG_WARNING, "b", "shown %s", longer));
  ck_ok(NomosLogPrint(log, NOMOS_LOG_ERROR, "c", "hidden %s", longer)); /* raising it has printed it */
  ck_ok(NomosLogClose(&log));
  Restore(STDOUT_FILENO, saved);
  Restore(STDERR_FILENO, saved_err);
  close(file);
  text = Slurp("out");
  ck_assert_uint_eq(strlen(text), strlen("warning: shown \n") + 100000);
  ck_assert_ptr_null(strstr(text, "hidden"));
  free(text);
  free(longer);
}
END_TEST

START_TEST(log_directory_must_be_writable)
{
  NomosLog log;
  ck_refused(NomosLogOpen(PETSC_COMM_WORLD, Path("absent"), true, &log), "absent/log.txt: the log cannot be written: No such file or directory");
  ck_assert_ptr_null(log);
}
END_TEST

/* A file size limit stands for a full disk: write() fails in the middle of a line. */
START_TEST(full_disk_warns_once_and_the_run_goes_on)
{
  struct rlimit limit, small;
  NomosLog      log;
  char         *text;
  int           file, saved, codes = 0;
  struct stat   before;

  remove(Path("log.txt"));
  remove(Path("log.jsonl"));
  signal(SIGXFSZ, SIG_IGN);
  ck_ok(NomosLogOpen(PETSC_COMM_WORLD, ck_directory, true, &log));
  ck_ok(NomosLogPrint(log, NOMOS_LOG_INFO, "a", "first"));
  stat(Path("log.txt"), &before);
  saved = CaptureTo("err", STDERR_FILENO, &file);
  getrlimit(RLIMIT_FSIZE, &limit);
  small          = limit;
  small.rlim_cur = (rlim_t)before.st_size + 200; /* room for log.jsonl's first lines and the warnings */
  setrlimit(RLIMIT_FSIZE, &small);
  for (int i = 0; i < 50; i++) codes += NomosLogPrint(log, NOMOS_LOG_INFO, "b", "line %d of many that do not fit", i); /* Check writes files too: no ck_ok here */
  setrlimit(RLIMIT_FSIZE, &limit);
  ck_assert_int_eq(codes, 0);
  ck_ok(NomosLogPrint(log, NOMOS_LOG_INFO, "c", "room again"));
  Restore(STDERR_FILENO, saved);
  close(file);
  ck_ok(NomosLogClose(&log));
  text = Slurp("err");
  ck_assert_msg(strstr(text, "log.txt: the log cannot be written (File too large); the run goes on") || strstr(text, "log.jsonl: the log cannot be written (File too large); the run goes on"), "said: %s", text);
  ck_assert_uint_le(CountLines(text), 2); /* at most one for each file */
  free(text);
  text = Slurp("log.txt");
  ck_assert_ptr_nonnull(strstr(text, "\n20")); /* the broken line is closed, the last one is whole */
  ck_assert_ptr_nonnull(strstr(text, "Z  room again\n"));
  free(text);
}
END_TEST

START_TEST(progress_without_a_terminal_is_a_log_line_every_interval)
{
  NomosLog log;
  char    *text, *json;
  int      file, saved = CaptureTo("out", STDOUT_FILENO, &file);
  size_t   n_records = 0;

  remove(Path("log.jsonl"));
  ck_ok(NomosLogOpen(PETSC_COMM_WORLD, ck_directory, false, &log));
  ck_ok(NomosLogSetInterval(log, 0.2));
  for (int64_t step = 1000000; step <= 1000100; step++) {
    bool due;
    ck_ok(NomosLogProgressDue(log, &due));
    ck_ok(NomosLogProgress(log, &(NomosProgress){.fraction = (double)(step - 1000000) / 200, .step = step, .time_text = "3.2 year", .dt = 7200, .dt_text = "2 h", .cfl = due ? 0.314 : NAN}));
    Sleep(0.01);
  }
  ck_ok(NomosLogProgressEnd(log));
  ck_ok(NomosLogClose(&log));
  Restore(STDOUT_FILENO, saved);
  close(file);
  text = Slurp("out");
  ck_assert_uint_ge(CountLines(text), 3);
  ck_assert_uint_le(CountLines(text), 6);
  ck_assert_ptr_nonnull(strstr(text, " %  step 1 000 0"));
  ck_assert_ptr_nonnull(strstr(text, "  t = 3.2 year  dt = 2 h  CFL 0.31  "));
  ck_assert_ptr_nonnull(strstr(text, " steps/s  0:0"));
  ck_assert_ptr_null(strchr(text, '\r'));
  json = Slurp("log.jsonl");
  for (char *line = strtok(json, "\n"); line; line = strtok(NULL, "\n"), n_records++) {
    double      fraction, dt, cfl = 0.314, rate, to_go;
    json_int_t  step;
    const char *event;
    json_t     *record = json_loads(line, 0, NULL);
    ck_assert_ptr_nonnull(record);
    /* no cfl: a machine that stood still between the question whether a line is due and the line */
    ck_assert_int_eq(json_unpack(record, "{s:s, s:F, s:I, s:F, s?F, s:F, s:F}", "event", &event, "fraction", &fraction, "step", &step, "dt", &dt, "cfl", &cfl, "steps_per_second", &rate, "seconds_to_go", &to_go), 0);
    ck_assert_str_eq(event, "progress");
    ck_assert_double_eq(cfl, 0.314);
    ck_assert(rate > 20 && rate < 101);
    ck_close(to_go, (1 - fraction) * 200 / rate, 1e-6); /* the time to go follows from the same rate */
    ck_close(fraction, (double)(step - 1000000) / 200, 1e-12);
    json_decref(record);
  }
  ck_assert_uint_eq(n_records, CountLines(text));
  free(json);
  free(text);
}
END_TEST

/* Rank 0 on a pseudo-terminal of the given width; returns what it received. */
static char *RunOnTerminal(unsigned short columns, const char time_text[])
{
  struct winsize window = {.ws_row = 24, .ws_col = columns};
  int            master = posix_openpt(O_RDWR | O_NOCTTY), slave, saved;
  NomosLog       log;
  char          *text = (char *)calloc(1, 65536);
  ssize_t        n, total = 0;

  ck_assert_int_ge(master, 0);
  ck_assert_int_eq(grantpt(master) | unlockpt(master), 0);
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  ck_assert_int_ge(slave, 0);
  ioctl(slave, TIOCSWINSZ, &window);
  saved = Redirect(STDOUT_FILENO, slave);
  ck_ok(NomosLogOpen(PETSC_COMM_WORLD, NULL, false, &log));
  for (int64_t step = 0; step < 60; step++) {
    ck_ok(NomosLogProgress(log, &(NomosProgress){.fraction = 0.37 + 1e-5 * (double)step, .step = 12000 + step, .time_text = time_text, .dt = 7200, .dt_text = "2 h", .cfl = 0.31}));
    Sleep(0.01);
  }
  ck_ok(NomosLogPrint(log, NOMOS_LOG_INFO, "x", "a line between"));
  ck_ok(NomosLogClose(&log));
  Restore(STDOUT_FILENO, saved);
  fcntl(master, F_SETFL, O_NONBLOCK);
  while (total < 65535 && (n = read(master, text + total, (size_t)(65535 - total))) > 0) total += n;
  close(slave);
  close(master);
  return text;
}

static size_t Columns(const char text[], size_t bytes)
{
  size_t n = 0;
  for (size_t i = 0; i < bytes; i++) n += ((unsigned char)text[i] & 0xc0) != 0x80;
  return n;
}

START_TEST(progress_on_a_terminal_is_one_line_that_fits)
{
  const unsigned short widths[] = {200, 80, 60, 20};
  setenv("LC_ALL", "C.UTF-8", 1);
  setenv("TERM", "xterm", 1);
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
    char  *text = RunOnTerminal(widths[w], "3.2 µyear"), *line = text;
    size_t draws = 0, to_go = 0;
    for (char *next; (line = strchr(line, '\r')); line = next) {
      next = strstr(++line, "\033[K");
      if (!next) break;
      ck_assert_uint_lt(Columns(line, (size_t)(next - line)), widths[w]);
      if (next > line) {
        ck_assert_int_eq(strncmp(line, " 37 % ", 6), 0);
        draws++;
        *next = '\0';
        to_go += next - line > 6 && !strcmp(next - 6, " to go");
        *next = '\033';
      }
    }
    ck_assert_uint_ge(draws, 3);         /* in 0.6 s */
    ck_assert_uint_ge(to_go, draws - 1); /* the first has no rate yet; what is in the middle is left out first */
    ck_assert_uint_le(draws, 8);
    ck_assert_ptr_nonnull(strstr(text, "\r\033[Ka line between\r\n")); /* the line is erased first */
    if (widths[w] == 200) {
      ck_assert_ptr_nonnull(strstr(text, "▕█"));
      ck_assert_ptr_nonnull(strstr(text, "step 12 0"));
      ck_assert_ptr_nonnull(strstr(text, "t = 3.2 µyear  dt = 2 h  CFL 0.31"));
    }
    free(text);
  }
  setenv("LC_ALL", "de_DE.ISO-8859-1", 1);
  {
    char *text = RunOnTerminal(120, "1 s");
    ck_assert_ptr_nonnull(strstr(text, "[#"));
    ck_assert_ptr_null(strstr(text, "▕"));
    free(text);
  }
  setenv("TERM", "dumb", 1);
  {
    char *text = RunOnTerminal(120, "1 s");
    ck_assert_ptr_null(strstr(text, "\033"));
    free(text);
  }
  unsetenv("LC_ALL");
}
END_TEST

START_TEST(progress_is_cheap)
{
  NomosLog        log;
  struct timespec start, end;
  double          seconds;
  const int       n = 1000000;
  int             codes = 0;

  ck_ok(NomosLogOpen(PETSC_COMM_WORLD, NULL, true, &log));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
  for (int i = 0; i < n; i++) codes += NomosLogProgress(log, &(NomosProgress){.step = i, .cfl = NAN});
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
  ck_assert_int_eq(codes, 0);
  ck_assert_msg(seconds / n < 1e-6, "a call takes %g s", seconds / n);
  ck_ok(NomosLogClose(&log));
}
END_TEST

START_TEST(nonsense_progress_is_harmless)
{
  const double numbers[] = {NAN, INFINITY, -INFINITY, -1, 2, 1e300};
  NomosLog     log;
  int          file, saved = CaptureTo("out", STDOUT_FILENO, &file);

  ck_ok(NomosLogOpen(PETSC_COMM_WORLD, ck_directory, false, &log));
  ck_ok(NomosLogSetInterval(log, 0));
  for (size_t i = 0; i < 6; i++)
    for (size_t j = 0; j < 6; j++) ck_ok(NomosLogProgress(log, &(NomosProgress){.fraction = numbers[i], .step = i % 2 ? INT64_MIN : INT64_MAX, .dt = numbers[j], .cfl = numbers[j]}));
  ck_ok(NomosLogClose(&log));
  Restore(STDOUT_FILENO, saved);
  close(file);
  ck_ok(NomosLogOpen(PETSC_COMM_WORLD, NULL, true, &log));
  ck_refused(NomosLogSetInterval(log, -1), "must be 0 or more");
  ck_refused(NomosLogSetInterval(log, NAN), "must be 0 or more");
  ck_ok(NomosLogClose(&log));
}
END_TEST

/* Rows of steps 0, 10, ..., 10 (n - 1). */
static void WriteRows(NomosScalarFile file, int64_t first, int64_t last)
{
  for (int64_t i = first; i <= last; i++) {
    const double values[] = {0.1 * (double)i, 1 / 3. + (double)i, i == 3 ? NAN : -1e-300 * (double)i};
    ck_ok(NomosScalarFileWrite(file, 10 * i, 3600. * (double)i, values));
  }
}

START_TEST(scalars_round_trip_bit_for_bit)
{
  NomosScalarFile file;
  NomosTable      table;
  char           *text;

  ck_ok(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("s.csv"), 3, names, units, &file));
  WriteRows(file, 0, 9);
  text = Slurp("s.csv"); /* flushed row by row, before Close */
  ck_assert_uint_eq(CountLines(text), 11);
  ck_assert_int_eq(strncmp(text, "step,time [s],energy [m2 s-2],cfl,enstrophy [s-2]\n", 50), 0);
  free(text);
  ck_ok(NomosScalarFileClose(&file));
  ck_ok(NomosTableRead(Path("s.csv"), &table));
  ck_assert_uint_eq(table.n_columns, 5);
  ck_assert_uint_eq(table.n_rows, 10);
  ck_assert_str_eq(table.names[0], "step");
  ck_assert_str_eq(table.names[1], "time");
  ck_assert_str_eq(table.units[1], "s");
  ck_assert_str_eq(table.names[2], "energy");
  ck_assert_str_eq(table.units[2], "m2 s-2");
  ck_assert_str_eq(table.units[3], "");
  for (size_t i = 0; i < 10; i++) {
    const double *row = table.values + 5 * i;
    ck_assert(row[0] == 10. * (double)i && row[1] == 3600. * (double)i && row[2] == 0.1 * (double)i && row[3] == 1 / 3. + (double)i);
    ck_assert(i == 3 ? isnan(row[4]) : row[4] == -1e-300 * (double)i);
  }
  ck_ok(NomosTableDestroy(&table));
  ck_ok(NomosTableDestroy(&table)); /* harmless */

  ck_ok(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("s.csv"), 1, names, NULL, &file)); /* replaces its own kind */
  ck_ok(NomosScalarFileClose(&file));
  text = Slurp("s.csv");
  ck_assert_str_eq(text, "step,time,energy\n");
  free(text);
}
END_TEST

START_TEST(resume_continues_byte_for_byte)
{
  NomosScalarFile file;
  char           *whole, *resumed;
  size_t          length;

  ck_ok(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("whole.csv"), 3, names, units, &file));
  WriteRows(file, 0, 9);
  ck_ok(NomosScalarFileClose(&file));
  whole  = Slurp("whole.csv");
  length = strlen(whole);
  /* Killed after any byte and resumed from the newest step that is complete, the file ends up the same. */
  for (size_t cut = 0; cut <= length; cut++) {
    int64_t rows = 0;
    for (size_t i = 0; i < cut; i++) rows += whole[i] == '\n';
    rows--; /* the header */
    for (int64_t back = 0; back < 3; back++) {
      int64_t last = rows - 1 - back; /* index of the last row to keep: a checkpoint may be older than the newest row */
      if (last < -1) continue;
      Spill("part.csv", whole, cut);
      ck_ok(NomosScalarFileResume(PETSC_COMM_WORLD, Path("part.csv"), 3, names, units, last < 0 ? 0 : 10 * last + (last < rows - 1 ? 5 : 0), &file));
      if (last < 0) last = rows > 0 ? 0 : -1; /* step 0 itself stays if it was there */
      WriteRows(file, last + 1, 9);
      ck_ok(NomosScalarFileClose(&file));
      resumed = Slurp("part.csv");
      ck_assert_msg(!strcmp(resumed, whole), "cut at byte %zu, resumed behind row %lld", cut, (long long)last);
      free(resumed);
    }
  }
  free(whole);
  remove(Path("absent.csv"));
  ck_ok(NomosScalarFileResume(PETSC_COMM_WORLD, Path("absent.csv"), 3, names, units, 0, &file));
  ck_ok(NomosScalarFileClose(&file));
}
END_TEST

START_TEST(bad_scalar_files_are_refused_and_left_alone)
{
  static const struct {
    const char *text, *said;
    size_t      length;
  } bad[] = {
    {"step,time [s],energy [m2 s-2]\n0,0,1\n", "but this run writes", 0},
    {"step,time [s],energy [J],cfl,enstrophy [s-2]\n", "but this run writes", 0},
    {"# notes of mine\n", "not a file of scalars", 0},
    {"\x89HDF\r\n\x1a\n", "not a file of scalars", 0},
    {"\0\0\0\0\0\0", "not a file of scalars", 6},
    {"step,time [s],energy [m2 s-2],cfl,enstrophy [s-2]\n0,0,1,1,1\n10,x,1,1,1\n20,1,1,1,1\n", ":3: \"x\" is not a number", 0},
    {"step,time [s],energy [m2 s-2],cfl,enstrophy [s-2]\n0,0,1,1\n10,1,1,1,1\n", ":2: 4 values where the header has 5 columns", 0},
    {"step,time [s],energy [m2 s-2],cfl,enstrophy [s-2]\n0,0,1,1,1,1\n", ":2: 6 values", 0},
    {"step,time [s],energy [m2 s-2],cfl,enstrophy [s-2]\n\n", ":2: \"\" is not a number", 0},
    {"step,time [s],energy [m2 s-2],cfl,enstrophy [s-2]\n20,0,1,1,1\n10,0,1,1,1\n", ":3: step 10 comes after step 20", 0},
    {"step,time [s],energy [m2 s-2],cfl,enstrophy [s-2]\n0,0,1,1,1\0\0\0\n", ":2: the line has zero bytes", 64},
  };
  NomosScalarFile file;
  NomosTable      table;

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    size_t length = bad[i].length ? bad[i].length : strlen(bad[i].text);
    char  *after;
    Spill("bad.csv", bad[i].text, length);
    ck_refused(NomosScalarFileResume(PETSC_COMM_WORLD, Path("bad.csv"), 3, names, units, 1000, &file), bad[i].said);
    after = Slurp("bad.csv");
    ck_assert_int_eq(memcmp(after, bad[i].text, length), 0);
    free(after);
    if (strstr(bad[i].said, "not a file of scalars")) ck_refused(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("bad.csv"), 3, names, units, &file), "not overwritten");
    if (i >= 2 && !strstr(bad[i].said, "comes after")) ck_refused(NomosTableRead(Path("bad.csv"), &table), bad[i].said);
  }
  Spill("bad.csv", "", 0);
  ck_refused(NomosTableRead(Path("bad.csv"), &table), "the file is empty");
  ck_refused(NomosTableRead(ck_directory, &table), "cannot be read: Is a directory");
  ck_refused(NomosTableRead(Path("none.csv"), &table), "No such file");
  ck_refused(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("no/such/s.csv"), 3, names, units, &file), "cannot be written: No such file");
  ck_refused(NomosScalarFileResume(PETSC_COMM_WORLD, ck_directory, 3, names, units, 0, &file), "Is a directory");
  ck_refused(NomosScalarFileResume(PETSC_COMM_WORLD, Path("s2.csv"), 3, names, units, -1, &file), "a step is 0 or more");
  ck_refused(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("s2.csv"), 1, (const char *const[]){"a,b"}, NULL, &file), "cannot head a CSV column");
  ck_refused(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("s2.csv"), 1, names, (const char *const[]){"m\n"}, &file), "must not contain");
}
END_TEST

START_TEST(full_disk_is_an_error_and_leaves_whole_rows)
{
  struct rlimit   limit, small;
  struct stat     before;
  NomosScalarFile file;
  NomosTable      table;
  PetscErrorCode  code;

  signal(SIGXFSZ, SIG_IGN);
  ck_ok(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("full.csv"), 3, names, units, &file));
  WriteRows(file, 0, 2);
  stat(Path("full.csv"), &before);
  getrlimit(RLIMIT_FSIZE, &limit);
  small          = limit;
  small.rlim_cur = (rlim_t)before.st_size + 20;
  setrlimit(RLIMIT_FSIZE, &small); /* Check writes files too: no ck_ in between */
  NomosErrorSetQuiet(true);
  code = NomosScalarFileWrite(file, 30, 1. / 3, (double[]){1. / 3, 1. / 3, 1. / 3});
  NomosErrorSetQuiet(false);
  setrlimit(RLIMIT_FSIZE, &limit);
  ck_assert_int_eq(code, PETSC_ERR_FILE_WRITE);
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), "full.csv: the scalars of step 30 cannot be written: File too large"));
  ck_ok(NomosTableRead(Path("full.csv"), &table));
  ck_assert_uint_eq(table.n_rows, 3);
  ck_ok(NomosTableDestroy(&table));
  WriteRows(file, 4, 4); /* with room again, rows follow */
  ck_ok(NomosScalarFileClose(&file));
  ck_ok(NomosTableRead(Path("full.csv"), &table));
  ck_assert_uint_eq(table.n_rows, 4);
  ck_ok(NomosTableDestroy(&table));
}
END_TEST

NOMOS_TEST_SUITE("log", log_is_appended_and_machine_readable, quiet_log_keeps_only_warnings, log_directory_must_be_writable, full_disk_warns_once_and_the_run_goes_on, progress_without_a_terminal_is_a_log_line_every_interval,
                 progress_on_a_terminal_is_one_line_that_fits, progress_is_cheap, nonsense_progress_is_harmless, scalars_round_trip_bit_for_bit, resume_continues_byte_for_byte, bad_scalar_files_are_refused_and_left_alone,
                 full_disk_is_an_error_and_leaves_whole_rows)
