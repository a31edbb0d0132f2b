/* The program. */
#include "cases/program.h"
#include "solvers/solver_list.h"
#include "surrogates/constitutive/law_list.h"
#include "surrogates/surrogate_list.h"

#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  /* Threads that spin while they wait starve whoever shares their cores (ranks of one machine, other users), and OpenMP reads this when it is
     loaded: so the program begins again with it set, unless the user has chosen. */
  if (!getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT") && !setenv("OMP_WAIT_POLICY", "passive", 1)) execv("/proc/self/exe", argv);
  if (NomosLawRegister(nomos_learned_laws)) return NOMOS_EXIT_ERROR;
  return NomosProgramMain(argc, argv, nomos_solvers, nomos_surrogates);
}
