/* What every Check suite here shares: PETSc around it, errors as sentences, one result under MPI. */
#ifndef NOMOS_TESTS_HARNESS_H
#define NOMOS_TESTS_HARNESS_H

#include "io/base.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The call must succeed. */
#define ck_ok(call) \
  do { \
    PetscErrorCode ck_code_ = (call); \
    ck_assert_msg(!ck_code_, "%s failed: %s", #call, NomosErrorLast()); \
  } while (0)

/* The call must be refused with an error whose sentence contains `fragment`. */
#define ck_refused(call, fragment) \
  do { \
    NomosErrorClear(); \
    NomosErrorSetQuiet(true); \
    PetscErrorCode ck_code_ = (call); \
    NomosErrorSetQuiet(false); \
    ck_assert_msg(ck_code_ != 0, "%s should have been refused", #call); \
    ck_assert_msg(strstr(NomosErrorLast(), fragment) != NULL, "%s: the error \"%s\" does not say \"%s\"", #call, NomosErrorLast(), fragment); \
  } while (0)

/* |a - b| <= tolerance * max(|a|, |b|) */
#define ck_close(a, b, tolerance) \
  do { \
    double ck_a_ = (a), ck_b_ = (b), ck_t_ = (tolerance); \
    ck_assert_msg(fabs(ck_a_ - ck_b_) <= ck_t_ * fmax(fabs(ck_a_), fabs(ck_b_)), "%s = %.17g and %s = %.17g differ by %.3g relative, more than %.3g", #a, ck_a_, #b, ck_b_, fabs(ck_a_ - ck_b_) / fmax(fabs(ck_a_), fabs(ck_b_)), ck_t_); \
  } while (0)

/* An empty directory of this test's own, the same on every rank, removed at the end of the suite. */
static char ck_directory[NOMOS_MAX_PATH];

/* A file ends with NOMOS_TEST_SUITE("name", test_1, test_2, ...); under MPI every rank runs every test. */
static inline int RunSuite(int argc, char **argv, const char name[], size_t n, const TTest *const tests[])
{
  int      rank, failed, failed_anywhere;
  Suite   *suite = suite_create(name);
  TCase   *cases = tcase_create(name);
  SRunner *runner;
  char     command[NOMOS_MAX_PATH + 16];

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return EXIT_FAILURE;
  if (NomosErrorHandlerPush(false)) return EXIT_FAILURE;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const char *tmp = getenv("TMPDIR");
  snprintf(ck_directory, sizeof ck_directory, "%s/nomos_test_XXXXXX", tmp ? tmp : "/tmp");
  if (!rank && !mkdtemp(ck_directory)) return EXIT_FAILURE;
  (void)MPI_Bcast(ck_directory, sizeof ck_directory, MPI_CHAR, 0, MPI_COMM_WORLD);
  for (size_t i = 0; i < n; i++) tcase_add_test(cases, tests[i]);
  tcase_set_timeout(cases, 0);
  suite_add_tcase(suite, cases);
  runner = srunner_create(suite);
  srunner_set_fork_status(runner, CK_NOFORK);
  srunner_run_all(runner, rank ? CK_SILENT : CK_NORMAL);
  failed = srunner_ntests_failed(runner);
  if (rank && failed) srunner_print(runner, CK_NORMAL);
  srunner_free(runner);
  (void)MPI_Allreduce(&failed, &failed_anywhere, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  snprintf(command, sizeof command, "rm -rf '%s'", ck_directory);
  if (!rank && system(command)) failed_anywhere++;
  if (PetscFinalize()) failed_anywhere++;
  return failed_anywhere ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define NOMOS_TEST_SUITE(name, ...) \
  int main(int argc, char **argv) \
  { \
    const TTest *const tests[] = {__VA_ARGS__}; \
    return RunSuite(argc, argv, name, sizeof tests / sizeof *tests, tests); \
  }

#endif
