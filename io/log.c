#include "io/log.h"
#include "io/json_impl.h"
#include "io/text.h"
#include "io/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOCK_MONOTONIC_COARSE /* Linux: a tick of a few ms, read without entering the kernel */
  #define CLOCK_MONOTONIC_COARSE CLOCK_MONOTONIC
#endif

enum { N_SAMPLES = 32, STRIDE_MAX = 64, BAR_MAX = 24, BAR_MIN = 6, LINE_MAX_BYTES = 1024 };
static const double redraw_period = 0.1, sample_period = 0.5; /* seconds: the rates shown are those of the last 16 s or longer */

typedef struct {
  double  clock, fraction;
  int64_t step;
} Sample;

/* One of log.txt and log.jsonl. */
typedef struct {
  int  fd;          /* -1: not open */
  bool failed;      /* the warning has been given */
  bool broken_line; /* the last write stopped inside a line */
  char path[NOMOS_MAX_PATH];
} LogFile;

struct NomosLog_s {
  MPI_Comm comm;
  int      rank, size;
  bool     quiet, utf8;
  int      terminal; /* file descriptor to ask for the width; -1: standard output is no terminal */
  bool     line_drawn;
  LogFile  text, json;
  double   interval, last_drawn, last_logged; /* clocks, seconds */
  int      calls_to_check, stride; /* NomosLogProgressDue with several ranks */
  double   last_check;
  Sample   samples[N_SAMPLES];
  size_t   n_samples; /* ever taken since the progress began */
};

static double Clock(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The terminal behind standard output, or -1. mpirun gives its processes a pseudo-terminal without a size whatever its own output is, so in
   that case the parent process decides. */
static int FindTerminal(void)
{
  struct winsize window = {0};
  const char    *term   = getenv("TERM");
  char           path[64];
  int            fd;

  if (!isatty(STDOUT_FILENO) || (term && !strcmp(term, "dumb"))) return -1;
  if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) && window.ws_col) return dup(STDOUT_FILENO);
  snprintf(path, sizeof path, "/proc/%ld/fd/1", (long)getppid());
  fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK);
  if (fd >= 0 && isatty(fd)) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static int TerminalWidth(int fd)
{
  struct winsize window = {0};
  return !ioctl(fd, TIOCGWINSZ, &window) && window.ws_col ? window.ws_col : 80;
}

/* Terminals speak UTF-8 today; only a locale that names another character set says otherwise. */
static bool SpeaksUtf8(void)
{
  static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < 3; i++) {
    const char *value = getenv(variables[i]);
    if (value && value[0]) return !strchr(value, '.') || strstr(value, "UTF-8") || strstr(value, "utf8");
  }
  return true;
}

static void UtcNow(char text[32])
{
  struct timespec now;
  struct tm       utc;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
  NomosTextAppend(32, text, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

static void FileOpen(LogFile *file, const char directory[], const char name[], NomosVerdict *verdict)
{
  int length = snprintf(file->path, sizeof file->path, "%s/%s", directory, name);
  if (verdict->code) return;
  if (length >= (int)sizeof file->path) NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%.80s...: the path is longer than %d bytes; choose a shorter run directory", directory, NOMOS_MAX_PATH);
  else if ((file->fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0) NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: the log cannot be written: %s", file->path, strerror(errno));
}

/* A log that cannot be written is no reason to stop a run: one warning, and every later line is tried again. */
static void FileWrite(LogFile *file, const char line[], size_t length)
{
  bool ok = true;

  if (file->fd < 0) return;
  if (file->broken_line && (ok = write(file->fd, "\n", 1) == 1)) file->broken_line = false;
  while (ok && length) {
    ssize_t written = write(file->fd, line, length);
    if (written < 0 && errno == EINTR) continue;
    ok = written > 0;
    if (!ok) break;
    line += written;
    length -= (size_t)written;
    file->broken_line = length > 0;
  }
  if (ok || file->failed) return;
  file->failed = true;
  fprintf(stderr, "nomos: warning: %s: the log cannot be written (%s); the run goes on\n", file->path, strerror(errno));
}

PetscErrorCode NomosLogOpen(MPI_Comm comm, const char directory[], bool quiet, NomosLog *log)
{
  NomosLog       self;
  NomosVerdict   verdict = {0};
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *log = NULL;
  PetscCall(PetscNew(&self));
  PetscCallMPI(MPI_Comm_rank(comm, &self->rank));
  PetscCallMPI(MPI_Comm_size(comm, &self->size));
  self->comm        = comm;
  self->quiet       = quiet;
  self->interval    = 5;
  self->stride      = 1;
  self->last_logged = self->last_drawn = self->last_check = Clock();
  self->terminal    = self->text.fd = self->json.fd = -1;
  if (!self->rank && !quiet) self->terminal = FindTerminal();
  self->utf8 = SpeaksUtf8();
  if (!self->rank && directory) {
    FileOpen(&self->text, directory, "log.txt", &verdict);
    FileOpen(&self->json, directory, "log.jsonl", &verdict);
  }
  code = NomosVerdictRaise(comm, &verdict);
  if (code) PetscCall(NomosLogClose(&self));
  PetscCall(code);
  *log = self;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void EraseLine(NomosLog log)
{
  if (log->line_drawn) fputs("\r\033[K", stdout);
  log->line_drawn = false;
}

PetscErrorCode NomosLogClose(NomosLog *log)
{
  PetscFunctionBeginUser;
  if (!*log) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosLogProgressEnd(*log));
  if ((*log)->terminal >= 0) close((*log)->terminal);
  if ((*log)->text.fd >= 0) close((*log)->text.fd);
  if ((*log)->json.fd >= 0) close((*log)->json.fd);
  PetscCall(PetscFree(*log));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Append one record to log.jsonl; takes over `record`. */
static void WriteRecord(NomosLog log, json_t *record)
{
  char *dump = record && log->json.fd >= 0 ? json_dumps(record, JSON_COMPACT) : NULL;

  if (dump) {
    size_t length = strlen(dump);
    dump[length]  = '\n'; /* in place of the terminating zero */
    FileWrite(&log->json, dump, length + 1);
  }
  free(dump);
  json_decref(record);
}

static json_t *NewRecord(const char level[], const char event[], const char message[])
{
  json_t *record = json_object();
  char    utc[32];

  UtcNow(utc);
  json_object_set_new(record, "utc", json_string(utc));
  json_object_set_new(record, "level", json_string(level));
  json_object_set_new(record, "event", NomosJsonText(event));
  if (message) json_object_set_new(record, "message", NomosJsonText(message));
  return record;
}

/* A line for people: `stream` (may be NULL) and log.txt, the latter with the time. */
static void WriteText(NomosLog log, FILE *stream, const char prefix[], const char message[])
{
  size_t room = strlen(prefix) + strlen(message) + 64;
  char  *line = (char *)malloc(room), utc[32];
  int    length;

  if (stream) {
    EraseLine(log);
    fflush(stdout); /* keeps the order when the streams share a file */
    fprintf(stream, "%s%s\n", prefix, message);
    fflush(stream);
  }
  if (!line) return;
  UtcNow(utc);
  length = snprintf(line, room, "%.19sZ  %s%s\n", utc, prefix, message);
  if (length > 0 && (size_t)length < room) FileWrite(&log->text, line, (size_t)length);
  free(line);
}

PetscErrorCode NomosLogPrint(NomosLog log, NomosLogLevel level, const char event[], const char format[], ...)
{
  static const char *const names[] = {"info", "warning", "error", "warning"}, *const prefixes[] = {"", "warning: ", "error: ", "warning: "};
  va_list                  arguments;
  int                      length;
  char                    *message;

  PetscFunctionBeginUser;
  if (log->rank) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(level >= NOMOS_LOG_INFO && level <= NOMOS_LOG_REPEATED, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "NomosLogPrint: level %d is none of NomosLogLevel", (int)level);
  va_start(arguments, format);
  length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  PetscCheck(length >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "NomosLogPrint: the format \"%s\" cannot be printed", format);
  PetscCall(PetscMalloc1((size_t)length + 1, &message));
  va_start(arguments, format);
  vsnprintf(message, (size_t)length + 1, format, arguments);
  va_end(arguments);
  WriteText(log, level == NOMOS_LOG_WARNING ? stderr : level >= NOMOS_LOG_ERROR || log->quiet ? NULL : stdout, prefixes[level], message);
  WriteRecord(log, NewRecord(names[level], event ? event : "message", message));
  PetscCall(PetscFree(message));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 12345678 -> "12 345 678" */
static void FormatCount(int64_t value, char text[32])
{
  char digits[32];
  int  n = snprintf(digits, sizeof digits, "%lld", (long long)value), out = 0;

  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0 && digits[i - 1] != '-') text[out++] = ' ';
    text[out++] = digits[i];
  }
  text[out] = '\0';
}

/* Seconds as "0:42", "1:02:03", "3 d 04 h". */
static void FormatDuration(double seconds, char text[32])
{
  long long s = (long long)fmin(seconds + 0.5, 1e15);

  if (s >= 86400) snprintf(text, 32, "%lld d %02lld h", s / 86400, s / 3600 % 24);
  else if (s >= 3600) snprintf(text, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  else snprintf(text, 32, "%lld:%02lld", s / 60, s % 60);
}

/* Rates over the samples that are kept; NaN as long as there is nothing to say. */
static void Rates(const NomosLog log, double now, const NomosProgress *progress, double *steps_per_second, double *seconds_to_go)
{
  const Sample *oldest = &log->samples[log->n_samples > N_SAMPLES ? log->n_samples % N_SAMPLES : 0];
  double        elapsed = now - oldest->clock, done = progress->fraction - oldest->fraction;

  *steps_per_second = *seconds_to_go = NAN;
  if (!log->n_samples || elapsed < 0.05) return;
  *steps_per_second = (double)(progress->step - oldest->step) / elapsed;
  if (done > 0) *seconds_to_go = fmax(0, 1 - progress->fraction) * elapsed / done;
}

PETSC_ATTRIBUTE_FORMAT(2, 3) static void Append(char line[LINE_MAX_BYTES], const char format[], ...)
{
  size_t  length = strlen(line);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line + length, LINE_MAX_BYTES - length, format, arguments);
  va_end(arguments);
}

/* Columns a UTF-8 text takes; cut behind `limit` columns. */
static int CutToColumns(char text[], int limit)
{
  int columns = 0;
  for (char *c = text; *c; c++) {
    if (((unsigned char)*c & 0xc0) == 0x80) continue;
    if (columns == limit) {
      *c = '\0';
      break;
    }
    columns++;
  }
  return columns;
}

/* Parts of a progress line, in their order; and in what order they are left out where there is no room: the time to go is what one looks for. */
enum { STEP, NOTE, TIME, DT, CFL, RATE, TO_GO, N_PARTS };
static const int first_to_go[] = {DT, CFL, RATE, STEP, TIME, NOTE};

/* "step 12 000  t = 3.2 year  dt = 2 h  CFL 0.31  812 steps/s  0:42 to go", or as much of it as `room` columns hold. */
static void DescribeProgress(const NomosProgress *progress, double steps_per_second, double seconds_to_go, int room, char line[LINE_MAX_BYTES])
{
  char parts[N_PARTS][256] = {""}, count[32], duration[32];
  int  columns = 0;

  FormatCount(progress->step, count);
  snprintf(parts[STEP], sizeof parts[0], "step %s", count);
  if (progress->note) snprintf(parts[NOTE], sizeof parts[0], "%.200s", progress->note);
  if (progress->time_text) snprintf(parts[TIME], sizeof parts[0], "t = %.100s", progress->time_text);
  if (progress->dt_text) snprintf(parts[DT], sizeof parts[0], "dt = %.100s", progress->dt_text);
  else if (isfinite(progress->dt)) snprintf(parts[DT], sizeof parts[0], "dt = %.4g", progress->dt);
  if (isfinite(progress->cfl)) snprintf(parts[CFL], sizeof parts[0], "CFL %.2f", progress->cfl);
  if (isfinite(steps_per_second)) {
    if (steps_per_second >= 100) {
      FormatCount((int64_t)fmin(steps_per_second + 0.5, 1e15), count);
      snprintf(parts[RATE], sizeof parts[0], "%s steps/s", count);
    } else snprintf(parts[RATE], sizeof parts[0], "%.3g steps/s", steps_per_second);
  }
  if (isfinite(seconds_to_go)) {
    FormatDuration(seconds_to_go, duration);
    snprintf(parts[TO_GO], sizeof parts[0], "%s to go", duration);
  }
  for (int p = 0; p < N_PARTS; p++) columns += parts[p][0] ? 2 + CutToColumns(parts[p], INT_MAX) : 0;
  columns -= 2; /* between parts */
  for (size_t i = 0; i < sizeof first_to_go / sizeof *first_to_go && columns > room; i++) {
    char *part = parts[first_to_go[i]];
    if (!part[0]) continue;
    columns -= 2 + CutToColumns(part, INT_MAX);
    CutToColumns(part, first_to_go[i] == NOTE ? PetscMax(0, room - columns - 2) : 0); /* of the note, the last to be left out, what there is room for */
    if (part[0]) columns += 2 + CutToColumns(part, INT_MAX);
  }
  line[0] = '\0';
  for (int p = 0; p < N_PARTS; p++)
    if (parts[p][0]) Append(line, "%s%s", line[0] ? "  " : "", parts[p]);
}

/* ` 37 % ▕███████▏ step ...`; the bar takes the room that is left, the line never wraps. */
static void DrawLine(NomosLog log, const NomosProgress *progress, double steps_per_second, double seconds_to_go)
{
  static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
  char                     text[LINE_MAX_BYTES], line[LINE_MAX_BYTES] = "", bar[8 * BAR_MAX + 16] = "";
  int                      width = TerminalWidth(log->terminal) - 1, columns, room;

  DescribeProgress(progress, steps_per_second, seconds_to_go, width - 6, text);
  columns = CutToColumns(text, INT_MAX);
  room    = PetscMin(BAR_MAX, width - 6 - columns - 4);
  if (room >= BAR_MIN) {
    int filled = (int)(progress->fraction * room * 8 + 0.5);
    strcat(bar, log->utf8 ? "▕" : "[");
    for (int i = 0; i < room; i++) {
      int part = PetscMax(0, PetscMin(8, filled - 8 * i));
      strcat(bar, !log->utf8 ? (part >= 4 ? "#" : ".") : part ? eighths[part] : " ");
    }
    strcat(bar, log->utf8 ? "▏ " : "] ");
  }
  Append(line, "%3.0f %% %s%s", floor(100 * progress->fraction), bar, text);
  CutToColumns(line, width);
  fprintf(stdout, "\r%s\033[K", line);
  fflush(stdout);
  log->line_drawn = true;
}

static void TakeSample(NomosLog log, double now, const NomosProgress *progress)
{
  if (log->n_samples && now - log->samples[(log->n_samples - 1) % N_SAMPLES].clock < sample_period) return;
  log->samples[log->n_samples++ % N_SAMPLES] = (Sample){.clock = now, .fraction = progress->fraction, .step = progress->step};
}

static bool DrawDue(const NomosLog log, double now)
{
  return log->terminal >= 0 && now - log->last_drawn >= redraw_period;
}

static bool LogDue(const NomosLog log, double now)
{
  return now - log->last_logged >= log->interval;
}

PetscErrorCode NomosLogProgress(NomosLog log, const NomosProgress *progress)
{
  double        now, steps_per_second, seconds_to_go;
  NomosProgress shown;

  PetscFunctionBeginUser;
  if (log->rank) PetscFunctionReturn(PETSC_SUCCESS);
  now = Clock();
  if (log->n_samples && !DrawDue(log, now) && !LogDue(log, now)) PetscFunctionReturn(PETSC_SUCCESS);
  shown          = *progress;
  shown.fraction = progress->fraction >= 0 ? fmin(progress->fraction, 1) : 0;
  if (!log->n_samples) log->last_logged = now; /* the interval counts from the first step, not from the set-up */
  TakeSample(log, now, &shown);
  Rates(log, now, &shown, &steps_per_second, &seconds_to_go);
  if (LogDue(log, now)) {
    json_t *record = NewRecord("info", "progress", NULL);
    char    description[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
    DescribeProgress(&shown, steps_per_second, seconds_to_go, INT_MAX, description);
    json_object_set_new(record, "fraction", json_real(shown.fraction));
    json_object_set_new(record, "step", json_integer((json_int_t)shown.step));
    if (shown.note) json_object_set_new(record, "note", NomosJsonText(shown.note));
    if (shown.time_text) json_object_set_new(record, "time", NomosJsonText(shown.time_text));
    if (isfinite(shown.dt)) json_object_set_new(record, "dt", json_real(shown.dt));
    if (isfinite(shown.cfl)) json_object_set_new(record, "cfl", json_real(shown.cfl));
    if (isfinite(steps_per_second)) json_object_set_new(record, "steps_per_second", json_real(steps_per_second));
    if (isfinite(seconds_to_go)) json_object_set_new(record, "seconds_to_go", json_real(seconds_to_go));
    WriteRecord(log, record);
    snprintf(line, sizeof line, "%3.0f %%  %.1000s", floor(100 * shown.fraction), description);
    WriteText(log, log->terminal >= 0 || log->quiet ? NULL : stdout, "", line);
    log->last_logged = now;
  }
  if (DrawDue(log, now)) {
    DrawLine(log, &shown, steps_per_second, seconds_to_go);
    log->last_drawn = now;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLogProgressEnd(NomosLog log)
{
  PetscFunctionBeginUser;
  if (log->rank) PetscFunctionReturn(PETSC_SUCCESS);
  EraseLine(log);
  fflush(stdout);
  log->n_samples = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLogSetInterval(NomosLog log, double seconds)
{
  PetscFunctionBeginUser;
  PetscCheck(seconds >= 0, log->comm, PETSC_ERR_ARG_OUTOFRANGE, "The interval between progress lines is %g s; it must be 0 or more", seconds);
  log->interval = seconds;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With several ranks, asking rank 0 costs a message. So its answer also says how many calls everybody may skip until the next question: the stride doubles while
   questions come faster than 80 a second, and shrinks when the steps get slow. */
PetscErrorCode NomosLogProgressDue(NomosLog log, bool *due)
{
  int    answer[2] = {0, 1};
  double now;

  PetscFunctionBeginUser;
  *due = false;
  if (log->calls_to_check > 0) {
    log->calls_to_check--;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!log->rank) {
    now       = Clock();
    answer[0] = !log->n_samples || DrawDue(log, now) || LogDue(log, now);
    if (log->size > 1) {
      double gap = now - log->last_check;
      if (gap < 0.0125) log->stride = PetscMin(2 * log->stride, STRIDE_MAX);
      else if (gap > 0.05) log->stride = PetscMax(1, (int)(log->stride * 0.025 / gap));
      log->last_check = now;
      answer[1]       = log->stride;
    }
  }
  if (log->size > 1) {
    PetscCallMPI(MPI_Bcast(answer, 2, MPI_INT, 0, log->comm));
    log->calls_to_check = answer[1] - 1;
  }
  *due = answer[0] != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
