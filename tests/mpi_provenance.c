/* Where a run comes from, the same text on every rank. */
#include "io/provenance.h"
#include "tests/harness.h"

#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *Path(const char name[])
{
  static char path[2 * NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

/* On rank 0, before the others look. */
static void Spill(const char name[], const char text[])
{
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank) {
    FILE *stream = fopen(Path(name), "wb");
    ck_assert_ptr_nonnull(stream);
    fputs(text, stream);
    fclose(stream);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static json_t *Parse(char **text)
{
  json_t *parsed = json_loads(*text, 0, NULL);
  ck_assert_msg(parsed != NULL, "not JSON: %s", *text);
  ck_ok(PetscFree(*text));
  return parsed;
}

START_TEST(provenance_says_what_ran_where)
{
  char *const argv[] = {"nomos", "run", "a case", "--set", "x=it's", ""};
  char       *text, *first, host[256];
  const char *value, *hash;
  json_t     *parsed, *files;
  json_int_t  ranks, nodes, cores, threads, seed;
  int         size, rank, length;

  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  Spill("case.yaml", "abc");
  Spill("empty", "");
  if (!rank) {
    ck_assert_int_eq(mkdir(Path("folder"), 0777), 0);
    ck_assert_int_eq(mkfifo(Path("pipe"), 0666), 0); /* opening it would block for ever */
    ck_assert_int_eq(symlink("nowhere", Path("dangling")), 0);
  }
  Spill("b\xff", "abc");
  ck_ok(NomosProvenanceCreate(PETSC_COMM_WORLD, 6, argv, 42, "f64", ck_directory, "{\"libraries\": {\"fftw\": \"3.3.10\"}, \"run\": {\"threads\": 7}}", &text));

  length = (int)strlen(text) + 1;
  first  = strdup(text);
  ck_assert_int_eq(MPI_Bcast(&length, 1, MPI_INT, 0, MPI_COMM_WORLD), MPI_SUCCESS);
  ck_assert_int_eq(length, (int)strlen(text) + 1);
  ck_assert_int_eq(MPI_Bcast(first, length, MPI_CHAR, 0, MPI_COMM_WORLD), MPI_SUCCESS);
  ck_assert_str_eq(first, text);
  free(first);

  parsed = Parse(&text);
  ck_assert_int_eq(json_unpack(parsed, "{s:{s:s}}", "nomos", "version", &value), 0);
  ck_assert_str_eq(value, NOMOS_VERSION);
  ck_assert_ptr_nonnull(strstr(NomosSource(), "nomos " NOMOS_VERSION " ("));
  ck_assert_int_eq(json_unpack(parsed, "{s:{s:I, s:I, s:I, s:I, s:s}}", "run", "ranks", &ranks, "nodes", &nodes, "threads", &threads, "seed", &seed, "command", &value), 0);
  ck_assert_int_eq(ranks, size);
  ck_assert_int_eq(nodes, 1);
  ck_assert_int_eq(threads, 7);
  ck_assert_int_eq(seed, 42);
  ck_assert_str_eq(value, "nomos run 'a case' --set 'x=it'\\''s' ''");
  gethostname(host, sizeof host);
  ck_assert_int_eq(json_unpack(parsed, "{s:{s:s, s:I}}", "machine", "host", &value, "cores", &cores), 0);
  ck_assert_str_eq(value, host);
  ck_assert_int_ge(cores, 1);
  ck_assert_int_eq(json_unpack(parsed, "{s:{s:s, s:s}}", "libraries", "petsc", &value, "fftw", &hash), 0);
  ck_assert_ptr_nonnull(strstr(value, "3."));
  ck_assert_str_eq(hash, "3.3.10");
  files = json_object_get(json_object_get(parsed, "case"), "files");
  ck_assert_uint_eq(json_object_size(files), 3); /* folder, pipe and dangling link are no regular files */
  ck_assert_str_eq(json_string_value(json_object_get(files, "case.yaml")), "44bc2cf5ad770999"); /* XXH64("abc") */
  ck_assert_str_eq(json_string_value(json_object_get(files, "empty")), "ef46db3751d8e999");     /* XXH64("") */
  ck_assert_str_eq(json_string_value(json_object_get(files, "b?")), "44bc2cf5ad770999");
  json_decref(parsed);
  MPI_Barrier(MPI_COMM_WORLD);
}
END_TEST

START_TEST(a_case_may_be_one_file_or_none)
{
  char       *text;
  const char *seed;
  json_t     *parsed;

  Spill("one.yaml", "");
  ck_ok(NomosProvenanceCreate(PETSC_COMM_WORLD, 0, NULL, UINT64_MAX, "f32", Path("one.yaml"), NULL, &text));
  parsed = Parse(&text);
  ck_assert_uint_eq(json_object_size(json_object_get(json_object_get(parsed, "case"), "files")), 1);
  ck_assert_int_eq(json_unpack(parsed, "{s:{s:s}}", "run", "seed", &seed), 0);
  ck_assert_str_eq(seed, "18446744073709551615");
  json_decref(parsed);
  ck_ok(NomosProvenanceCreate(PETSC_COMM_WORLD, 0, NULL, 0, NULL, NULL, NULL, &text));
  parsed = Parse(&text);
  ck_assert_ptr_null(json_object_get(parsed, "case"));
  json_decref(parsed);
}
END_TEST

START_TEST(mistakes_are_told_to_every_rank)
{
  char *text;
  ck_refused(NomosProvenanceCreate(PETSC_COMM_WORLD, 0, NULL, 0, "f64", Path("absent"), NULL, &text), "absent: the case cannot be read: No such file or directory");
  ck_assert_ptr_null(text);
  ck_refused(NomosProvenanceCreate(PETSC_COMM_WORLD, 0, NULL, 0, "f64", NULL, "[1]", &text), "must be a JSON object");
  ck_refused(NomosProvenanceCreate(PETSC_COMM_WORLD, 0, NULL, 0, "f64", NULL, "{", &text), "must be a JSON object");
}
END_TEST

NOMOS_TEST_SUITE("provenance", provenance_says_what_ran_where, a_case_may_be_one_file_or_none, mistakes_are_told_to_every_rank)
