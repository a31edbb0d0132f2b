/* Do two runs hold the same data, bit for bit or within a tolerance? */
#ifndef NOMOS_TESTS_COMPARE_RUNS_H
#define NOMOS_TESTS_COMPARE_RUNS_H

#include "io/base.h"

/* tolerance 0: bit for bit; else relative to the largest value of a variable. Compares every variable of fields.nc and spectra.nc with its times and steps, and scalars.csv. `difference` (256) says where the first one is, "" if
   there is none. Serial. */
PetscErrorCode CompareRuns(const char a[], const char b[], double tolerance, char difference[]);

#endif
