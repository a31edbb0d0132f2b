/* Sets of data that are for tests only: the HDF5 files in tests/ of a training's data, each under its name, and those that the case names (SURROGATE.tests.NAME.path). */
#ifndef NOMOS_SURROGATES_TEST_SETS_H
#define NOMOS_SURROGATES_TEST_SETS_H

#include "surrogates/surrogate.h"

/* What the case says of one: its path. */
extern const NomosParam nomos_test_set_params[1];

/* Opens one, and keeps it; *name is borrowed. */
typedef PetscErrorCode (*NomosTestSetFn)(NomosSurrogate s, const char name[], const char path[]);

/* All of them, first those of the folder in order of their names, then those of the case. `prefix`: of the group whose names have a `path`; `reserved`: names of other results and pictures, NULL after the last; `parts` (NULL: none):
   what stands between a set's name and those of its results, as `first` in NAME_first_nrmse: of the sets NAME and NAME_first these would be one.
   Errors: a reserved name, two sets of one name, or of results of one name; a name that tables cannot hold; those of `add`. */
PetscErrorCode NomosTestSetsOpen(NomosSurrogate s, const char prefix[], const char *const reserved[], const char *const parts[], NomosTestSetFn add);

#endif
