/* Logs and scalars with several ranks: one writes, all learn of an error, all agree when a progress line is due. */
#include "io/log.h"
#include "tests/harness.h"

#include <time.h>
#include <unistd.h>

static const char *Path(const char name[])
{
  static char path[2 * NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

START_TEST(progress_due_is_the_same_everywhere_and_keeps_the_interval)
{
  NomosLog log;
  int      n_due = 0;
  double   start, elapsed = 0;

  ck_ok(NomosLogOpen(PETSC_COMM_WORLD, ck_directory, true, &log));
  ck_ok(NomosLogSetInterval(log, 0.1));
  start = MPI_Wtime();
  /* Quick steps, then a second of slow ones: the stride of the questions grows and must shrink again. */
  for (int step = 0; step < 200200; step++) {
    bool due;
    ck_ok(NomosLogProgressDue(log, &due));
    if (step % 20000 == 0 || due) {
      int same[2] = {due, -(int)due};
      if (step % 20000 == 0) MPI_Allreduce(MPI_IN_PLACE, same, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
      ck_assert_int_eq(same[0], -same[1]);
    }
    n_due += due;
    if (due) ck_ok(NomosLogProgress(log, &(NomosProgress){.step = step, .fraction = step / 2e5, .cfl = NAN}));
    if (step >= 200000) usleep(5000);
  }
  elapsed = MPI_Wtime() - start;
  ck_assert_msg(n_due >= 5, "%d lines in %g s", n_due, elapsed);
  ck_assert_msg(n_due <= elapsed / 0.1 + 3, "%d lines in %g s", n_due, elapsed);
  ck_ok(NomosLogClose(&log));
}
END_TEST

START_TEST(one_rank_writes_the_scalars)
{
  static const char *const names[] = {"energy"}, *const units[] = {"J"};
  NomosScalarFile          file;
  NomosTable               table;
  int                      size;

  MPI_Comm_size(MPI_COMM_WORLD, &size);
  ck_ok(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("s.csv"), 1, names, units, &file));
  for (int64_t i = 0; i < 100; i++) ck_ok(NomosScalarFileWrite(file, i, 0.5 * (double)i, (double[]){(double)i}));
  ck_ok(NomosScalarFileClose(&file));
  ck_ok(NomosScalarFileResume(PETSC_COMM_WORLD, Path("s.csv"), 1, names, units, 49, &file));
  ck_ok(NomosScalarFileWrite(file, 50, 25, (double[]){-1}));
  ck_ok(NomosScalarFileClose(&file));
  MPI_Barrier(MPI_COMM_WORLD);
  ck_ok(NomosTableRead(Path("s.csv"), &table));
  ck_assert_uint_eq(table.n_rows, 51);
  ck_assert(table.values[3 * 49 + 2] == 49 && table.values[3 * 50 + 2] == -1);
  ck_ok(NomosTableDestroy(&table));
  MPI_Barrier(MPI_COMM_WORLD);
}
END_TEST

START_TEST(every_rank_learns_of_an_error)
{
  NomosScalarFile file;
  NomosLog        log;

  ck_refused(NomosLogOpen(PETSC_COMM_WORLD, Path("absent"), true, &log), "the log cannot be written");
  ck_refused(NomosScalarFileCreate(PETSC_COMM_WORLD, Path("absent/s.csv"), 0, NULL, NULL, &file), "the scalars cannot be written");
  ck_refused(NomosScalarFileResume(PETSC_COMM_WORLD, ck_directory, 0, NULL, NULL, 3, &file), "Is a directory");
}
END_TEST

NOMOS_TEST_SUITE("mpi_log", progress_due_is_the_same_everywhere_and_keeps_the_interval, one_rank_writes_the_scalars, every_rank_learns_of_an_error)
