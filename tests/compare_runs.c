#include "compare_runs.h"
#include "io/field_file.h"
#include "io/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N_TEXT = 256 };

/* The first of n entries (`stride` apart) in which a and b differ; n if there is none. */
static size_t FirstDifference(size_t n, size_t stride, const double a[], const double b[], double tolerance)
{
  double largest = 0;
  size_t i;

  for (i = 0; i < n; i++) largest = fmax(largest, fabs(a[i * stride]));
  for (i = 0; i < n; i++) {
    const double x = a[i * stride], y = b[i * stride];
    if (memcmp(&x, &y, sizeof x) && !(fabs(x - y) <= tolerance * largest)) break;
  }
  return i;
}

static PetscErrorCode CompareVariable(NomosFieldReader readers[2], const char file[], const char name[], double tolerance, char difference[])
{
  size_t  shape[2][NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, n = 1;
  int     n_dims[2];
  double *data[2];

  PetscFunctionBeginUser;
  for (int r = 0; r < 2; r++) PetscCall(NomosFieldReaderShape(readers[r], name, &n_dims[r], shape[r]));
  if (n_dims[0] != n_dims[1] || memcmp(shape[0], shape[1], (size_t)n_dims[0] * sizeof(size_t))) {
    snprintf(difference, N_TEXT, "%s: shapes of %s differ (%zu and %zu frames)", file, name, shape[0][0], shape[1][0]);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int i = 0; i < n_dims[0]; i++) n *= shape[0][i];
  for (int r = 0; r < 2; r++) {
    PetscCall(PetscMalloc1(n + 1, &data[r]));
    PetscCall(NomosFieldReaderRead(readers[r], name, start, shape[r], data[r]));
  }
  size_t at = FirstDifference(n, 1, data[0], data[1], tolerance);
  if (at < n) snprintf(difference, N_TEXT, "%s: %s differs at entry %zu of %zu: %.17g and %.17g", file, name, at, n, data[0][at], data[1][at]);
  for (int r = 0; r < 2; r++) PetscCall(PetscFree(data[r]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareFields(const char a[], const char b[], const char file[], double tolerance, char difference[])
{
  NomosFieldReader   readers[2];
  const char *const *names[2], *directories[2] = {a, b};
  size_t             n[2];

  PetscFunctionBeginUser;
  for (int r = 0; r < 2; r++) {
    char path[NOMOS_MAX_PATH];
    snprintf(path, sizeof path, "%s/%s", directories[r], file);
    PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &readers[r]));
    PetscCall(NomosFieldReaderVariables(readers[r], &n[r], &names[r]));
  }
  if (n[0] != n[1] || !n[0]) snprintf(difference, N_TEXT, "%s: %zu and %zu variables", file, n[0], n[1]);
  for (size_t v = 0; v < n[0] && !difference[0]; v++) PetscCall(CompareVariable(readers, file, names[0][v], tolerance, difference));
  if (!difference[0]) PetscCall(CompareVariable(readers, file, "time", 0, difference));
  if (!difference[0]) PetscCall(CompareVariable(readers, file, "step", 0, difference));
  for (int r = 0; r < 2; r++) PetscCall(NomosFieldReaderClose(&readers[r]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CompareRuns(const char a[], const char b[], double tolerance, char difference[])
{
  const char *directories[2] = {a, b};
  NomosTable  tables[2];
  char        path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  difference[0] = '\0';
  PetscCall(CompareFields(a, b, "fields.nc", tolerance, difference));
  snprintf(path, sizeof path, "%s/spectra.nc", a);
  if (!difference[0] && !access(path, F_OK)) PetscCall(CompareFields(a, b, "spectra.nc", tolerance, difference)); /* not every model has spectra */
  for (int r = 0; r < 2; r++) {
    snprintf(path, sizeof path, "%s/scalars.csv", directories[r]);
    PetscCall(NomosTableRead(path, &tables[r]));
  }
  if (difference[0]) { /* the first one is enough */
  } else if (tables[0].n_rows != tables[1].n_rows || tables[0].n_columns != tables[1].n_columns || !tables[0].n_rows) {
    snprintf(difference, N_TEXT, "scalars.csv: %zu and %zu rows", tables[0].n_rows, tables[1].n_rows);
  } else {
    const size_t n_rows = tables[0].n_rows, n_columns = tables[0].n_columns;
    for (size_t c = 0; c < n_columns && !difference[0]; c++) {
      const char *scalar = tables[0].names[c];
      if (tolerance > 0 && (strstr(scalar, "residual") || strstr(scalar, "advection"))) continue; /* zero but for rounding */
      size_t row = FirstDifference(n_rows, n_columns, tables[0].values + c, tables[1].values + c, tolerance);
      if (row < n_rows) snprintf(difference, N_TEXT, "scalars.csv: row %zu, %s: %.17g and %.17g", row + 1, tables[0].names[c], tables[0].values[row * n_columns + c], tables[1].values[row * n_columns + c]);
    }
  }
  for (int r = 0; r < 2; r++) PetscCall(NomosTableDestroy(&tables[r]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
