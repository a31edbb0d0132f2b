/* nomos_compare RUN RUN [TOLERANCE]: exit code 0 if the two hold the same data, bit for bit or within the tolerance. */
#include "compare_runs.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
  char difference[256] = "two run directories are needed";

  if (PetscInitialize(NULL, NULL, NULL, NULL) || NomosErrorHandlerPush(false)) return 2;
  if ((argc == 3 || argc == 4) && CompareRuns(argv[1], argv[2], argc == 4 ? atof(argv[3]) : 0, difference)) return 2;
  if (difference[0]) printf("%s\n", difference);
  if (PetscFinalize()) return 2;
  return difference[0] ? 1 : 0;
}
