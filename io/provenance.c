#include "io/provenance.h"
#include "io/json_impl.h"
#include "io/verdict.h"
#include "nomos_commit.h" /* generated at every build */

#include <cairo.h>
#include <dirent.h>
#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include <yaml.h>

#ifndef NOMOS_COMPILER_FLAGS
  #define NOMOS_COMPILER_FLAGS "unknown"
#endif
#if defined(__clang__)
  #define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
  #define COMPILER "gcc " __VERSION__
#else
  #define COMPILER "unknown"
#endif

const char *NomosSource(void)
{
  return NOMOS_DIRTY ? "nomos " NOMOS_VERSION " (" NOMOS_COMMIT ", modified)" : "nomos " NOMOS_VERSION " (" NOMOS_COMMIT ")";
}

static void Put(json_t *object, const char key[], const char text[])
{
  json_object_set_new(object, key, NomosJsonText(text));
}

static json_t *DescribeProgram(void)
{
  json_t *program = json_object();

  Put(program, "version", NOMOS_VERSION);
  Put(program, "commit", NOMOS_COMMIT);
  json_object_set_new(program, "dirty", json_boolean(NOMOS_DIRTY));
  return program;
}

static json_t *DescribeBuild(void)
{
  json_t *build = json_object();

  Put(build, "compiler", COMPILER);
  Put(build, "flags", NOMOS_COMPILER_FLAGS);
  return build;
}

static json_t *DescribeLibraries(void)
{
  json_t  *libraries = json_object();
  char     text[256], mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  unsigned major = 0, minor = 0, release = 0;
  int      length, xxh = (int)XXH_versionNumber();

  if (!PetscGetVersion(text, sizeof text)) Put(libraries, "petsc", text);
  if (H5get_libversion(&major, &minor, &release) >= 0) {
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    Put(libraries, "hdf5", text);
  }
  if (!MPI_Get_library_version(mpi, &length)) {
    mpi[strcspn(mpi, ",\n")] = '\0'; /* the rest is about its packaging */
    Put(libraries, "mpi", mpi);
  }
  Put(libraries, "cairo", cairo_version_string());
  Put(libraries, "jansson", jansson_version_str());
  Put(libraries, "libyaml", yaml_get_version_string());
  snprintf(text, sizeof text, "%d.%d.%d", xxh / 10000, xxh / 100 % 100, xxh % 100);
  Put(libraries, "xxhash", text);
  return libraries;
}

/* The value behind `key` and its separator in a file such as /proc/cpuinfo; false if there is none. */
static bool FindInFile(const char path[], const char key[], char separator, char value[256])
{
  FILE *stream = fopen(path, "r");
  char  line[512];
  bool  found = false;

  while (stream && !found && fgets(line, sizeof line, stream)) {
    char *from = strchr(line, separator);
    if (strncmp(line, key, strlen(key)) || !from) continue;
    from += 1 + strspn(from + 1, " \t\"");
    from[strcspn(from, "\"\n")] = '\0';
    snprintf(value, 256, "%.255s", from);
    found = true;
  }
  if (stream) fclose(stream);
  return found;
}

static json_t *DescribeMachine(void)
{
  json_t        *machine = json_object();
  struct utsname system;
  char           host[256] = "unknown", text[256], os[1024];

  gethostname(host, sizeof host - 1);
  Put(machine, "host", host);
  if (!uname(&system)) {
    snprintf(os, sizeof os, "%s %s %s", system.sysname, system.release, system.machine);
    if (FindInFile("/etc/os-release", "PRETTY_NAME", '=', text)) snprintf(os, sizeof os, "%s (%s %s %s)", text, system.sysname, system.release, system.machine);
    Put(machine, "os", os);
  }
  Put(machine, "cpu", FindInFile("/proc/cpuinfo", "model name", ':', text) ? text : "unknown");
  json_object_set_new(machine, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
  json_object_set_new(machine, "memory_bytes", json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)));
  return machine;
}

/* The command line as a shell would take it again. */
static json_t *QuoteCommand(int argc, char *const argv[])
{
  json_t *quoted;
  size_t  room = 1, used = 0;
  char   *text;

  for (int i = 0; i < argc; i++) room += 4 * strlen(argv[i]) + 3;
  if (!(text = (char *)malloc(room))) return NULL;
  for (int i = 0; i < argc; i++) {
    bool plain = argv[i][0] && !argv[i][strspn(argv[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%")];
    if (i) text[used++] = ' ';
    if (!plain) text[used++] = '\'';
    for (const char *c = argv[i]; *c; c++) {
      if (*c != '\'') text[used++] = *c;
      else used += (size_t)(stpcpy(text + used, "'\\''") - (text + used));
    }
    if (!plain) text[used++] = '\'';
  }
  text[used] = '\0';
  quoted     = NomosJsonText(text);
  free(text);
  return quoted;
}

static json_t *DescribeRun(int argc, char *const argv[], uint64_t seed, const char precision[], int n_ranks, int n_nodes)
{
  json_t     *run = json_object();
  const char *threads = getenv("OMP_NUM_THREADS");
  time_t      now     = time(NULL);
  struct tm   utc;
  char        text[NOMOS_MAX_PATH];

  gmtime_r(&now, &utc);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  Put(run, "utc", text);
  json_object_set_new(run, "command", QuoteCommand(argc, argv));
  if (getcwd(text, sizeof text)) Put(run, "directory", text);
  json_object_set_new(run, "ranks", json_integer(n_ranks));
  json_object_set_new(run, "nodes", json_integer(n_nodes));
  json_object_set_new(run, "threads", json_integer(threads && atoi(threads) > 0 ? atoi(threads) : sysconf(_SC_NPROCESSORS_ONLN)));
  Put(run, "precision", precision ? precision : "unknown");
  if (seed <= INT64_MAX) json_object_set_new(run, "seed", json_integer((json_int_t)seed));
  else { /* JSON readers know signed integers only */
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    Put(run, "seed", text);
  }
  return run;
}

/* XXH64 of a file as 16 hex digits, or why there is none. */
static void HashFile(const char path[], char text[256])
{
  FILE          *stream = fopen(path, "rb");
  XXH64_state_t *state  = XXH64_createState();
  char           chunk[65536];
  size_t         n;

  if (state) XXH64_reset(state, 0);
  while (stream && state && (n = fread(chunk, 1, sizeof chunk, stream)) > 0) XXH64_update(state, chunk, n);
  if (!stream || !state || ferror(stream)) snprintf(text, 256, "unreadable: %.200s", strerror(errno));
  else snprintf(text, 256, "%016llx", (unsigned long long)XXH64_digest(state));
  XXH64_freeState(state);
  if (stream) fclose(stream);
}

/* Only regular files: opening anything else could block. */
static void HashInto(json_t *files, const char path[], const char name[])
{
  struct stat about;
  char        text[256];
  json_t     *key = NomosJsonText(name);

  if (key && !stat(path, &about) && S_ISREG(about.st_mode)) {
    HashFile(path, text);
    Put(files, json_string_value(key), text);
  }
  json_decref(key);
}

static int CompareNames(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted: the text does not depend on the file system's order. */
static size_t ListDirectory(DIR *directory, char ***names)
{
  struct dirent *entry;
  size_t         n = 0, room = 0;

  *names = NULL;
  while ((entry = readdir(directory))) {
    if (n == room) {
      char **more = (char **)realloc(*names, (room = 2 * room + 16) * sizeof **names);
      if (!more) break;
      *names = more;
    }
    if (((*names)[n] = strdup(entry->d_name))) n++;
  }
  if (n) qsort(*names, n, sizeof **names, CompareNames);
  return n;
}

static json_t *DescribeCase(const char case_path[], NomosVerdict *verdict)
{
  json_t     *description = json_object(), *files = json_object();
  struct stat about;
  DIR        *directory = NULL;
  char      **names, path[NOMOS_MAX_PATH + 300], *absolute = realpath(case_path, NULL);

  if (!absolute || stat(absolute, &about) || (S_ISDIR(about.st_mode) && !(directory = opendir(absolute)))) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%.4000s: the case cannot be read: %s", case_path, strerror(errno));
  } else if (directory) {
    size_t n = ListDirectory(directory, &names);
    for (size_t i = 0; i < n; i++) {
      snprintf(path, sizeof path, "%s/%s", absolute, names[i]);
      HashInto(files, path, names[i]);
      free(names[i]);
    }
    free(names);
    closedir(directory);
  } else HashInto(files, absolute, strrchr(absolute, '/') + 1);
  if (absolute) Put(description, "path", absolute);
  free(absolute);
  json_object_set_new(description, "files", files);
  return description;
}

static void LayOver(json_t *provenance, const char extra[], NomosVerdict *verdict)
{
  json_error_t error;
  json_t      *over = json_loads(extra, 0, &error);

  if (!json_is_object(over)) NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "What is added to the provenance must be a JSON object, but it is \"%.200s\" (%s)", extra, over ? "not an object" : error.text);
  else json_object_update_recursive(provenance, over);
  json_decref(over);
}

PetscErrorCode NomosProvenanceCreate(MPI_Comm comm, int argc, char *const argv[], uint64_t seed, const char precision[], const char case_path[], const char extra[], char **json)
{
  NomosVerdict verdict = {0};
  MPI_Comm     node;
  int          rank, n_ranks, node_rank, is_first, n_nodes, length = 0;
  char        *text = NULL;

  PetscFunctionBeginUser;
  *json = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &n_ranks));
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_rank(node, &node_rank));
  PetscCallMPI(MPI_Comm_free(&node));
  is_first = node_rank == 0;
  PetscCallMPI(MPI_Allreduce(&is_first, &n_nodes, 1, MPI_INT, MPI_SUM, comm));
  if (!rank) {
    json_t *provenance = json_object();
    json_object_set_new(provenance, "nomos", DescribeProgram());
    json_object_set_new(provenance, "build", DescribeBuild());
    json_object_set_new(provenance, "libraries", DescribeLibraries());
    json_object_set_new(provenance, "machine", DescribeMachine());
    json_object_set_new(provenance, "run", DescribeRun(argc, argv, seed, precision, n_ranks, n_nodes));
    if (case_path && case_path[0]) json_object_set_new(provenance, "case", DescribeCase(case_path, &verdict));
    if (extra) LayOver(provenance, extra, &verdict);
    text = json_dumps(provenance, JSON_INDENT(2));
    json_decref(provenance);
    if (!text) NomosVerdictFail(&verdict, PETSC_ERR_MEM, "There is no memory for the provenance of the run");
    if (text && verdict.code) {
      free(text);
      text = NULL;
    }
    length = text ? (int)strlen(text) + 1 : 0;
  }
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscCallMPI(MPI_Bcast(&length, 1, MPI_INT, 0, comm));
  PetscCall(PetscMalloc1((size_t)length, json));
  if (text) memcpy(*json, text, (size_t)length);
  free(text);
  PetscCallMPI(MPI_Bcast(*json, length, MPI_CHAR, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
