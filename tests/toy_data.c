/* Data for the test surrogate: toy_data FILE N [BAD [VALUE]] writes N rows x (3) and y (2), the entry of number BAD of x being VALUE (NaN). Of a file that is there, toy_data FILE blank NAME FIRST N: rows of a
   dataset over (row, entry) become NaN; toy_data FILE round NAME: the numbers of a dataset become the nearest ones of float32. */
#include "toy_surrogate.h"

#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode Blank(const char path[], const char name[], hsize_t first, hsize_t n)
{
  hid_t   file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  hsize_t size[2] = {0};

  PetscFunctionBeginUser;
  PetscCheck(H5Sget_simple_extent_ndims(space) == 2 && H5Sget_simple_extent_dims(space, size, NULL) == 2 && first + n <= size[0], PETSC_COMM_WORLD, PETSC_ERR_USER, "%s: %s has no such rows", path, name);
  double *none = malloc(n * size[1] * sizeof *none);
  for (size_t i = 0; i < n * size[1]; i++) none[i] = NAN;
  hid_t memory = H5Screate_simple(2, (hsize_t[]){n, size[1]}, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, (hsize_t[]){first, 0}, NULL, (hsize_t[]){n, size[1]}, NULL);
  PetscCheck(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, none) >= 0, PETSC_COMM_WORLD, PETSC_ERR_USER, "%s: %s cannot be written", path, name);
  free(none);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Round(const char path[], const char name[])
{
  hid_t        file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  const size_t n       = (size_t)H5Sget_simple_extent_npoints(space);
  double      *numbers = calloc(n + 1, sizeof *numbers);

  PetscFunctionBeginUser;
  PetscCheck(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0, PETSC_COMM_WORLD, PETSC_ERR_USER, "%s: %s cannot be read", path, name);
  for (size_t i = 0; i < n; i++) numbers[i] = (float)numbers[i];
  PetscCheck(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0, PETSC_COMM_WORLD, PETSC_ERR_USER, "%s: %s cannot be written", path, name);
  free(numbers);
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  const bool blank = argc == 6 && !strcmp(argv[2], "blank"), round = argc == 4 && !strcmp(argv[2], "round");
  if (blank) PetscCall(Blank(argv[1], argv[3], (hsize_t)atoi(argv[4]), (hsize_t)atoi(argv[5])));
  if (round) PetscCall(Round(argv[1], argv[3]));
  if (blank || round) {
    PetscCall(PetscFinalize());
    return 0;
  }
  PetscCheck(argc >= 3 && argc <= 5, PETSC_COMM_WORLD, PETSC_ERR_USER, "usage: toy_data FILE N [BAD [VALUE]], toy_data FILE blank NAME FIRST N, toy_data FILE round NAME");
  const size_t n = (size_t)atoi(argv[2]);
  double      *x = calloc(3 * n + 1, sizeof *x), *y = calloc(2 * n + 1, sizeof *y);
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < 3; j++) x[3 * i + j] = sin(1 + (2 + 0.7 * (double)j) * (double)i);
    y[2 * i]     = x[3 * i] * x[3 * i + 1];
    y[2 * i + 1] = tanh(2 * x[3 * i + 2]) - x[3 * i];
  }
  if (argc > 3) x[atoi(argv[3])] = argc > 4 ? atof(argv[4]) : NAN;
  PetscCall(NomosToyWriteData(argv[1], n, 3, x, 2, y));
  free(x);
  free(y);
  PetscCall(PetscFinalize());
  return 0;
}
