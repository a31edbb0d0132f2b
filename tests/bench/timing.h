/* What the benchmarks measure with: time of the processor with one thread, else of the wall; medians. */
#ifndef NOMOS_TESTS_BENCH_TIMING_H
#define NOMOS_TESTS_BENCH_TIMING_H

#include <omp.h>
#include <stdlib.h>
#include <time.h>

static inline double Now(void)
{
  struct timespec t;
  clock_gettime(omp_get_max_threads() > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double MedianOf(size_t n, double values[])
{
  qsort(values, n, sizeof *values, Ascending);
  return values[n / 2];
}
/* Of an array of PAIRS. */
#define Median(values) MedianOf(PAIRS, values)

#endif
