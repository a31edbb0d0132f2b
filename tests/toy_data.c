/* Data for the test surrogate: toy_data FILE N [BAD [VALUE]] writes N rows x (3) and y (2), the entry of number BAD of x being VALUE (NaN). */
#include "toy_surrogate.h"

#include <math.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCheck(argc >= 3 && argc <= 5, PETSC_COMM_WORLD, PETSC_ERR_USER, "usage: toy_data FILE N [BAD [VALUE]]");
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
