#include "cases/program.h"
#include "solvers/solver_list.h"

int main(int argc, char **argv)
{
  return NomosProgramMain(argc, argv, nomos_solvers);
}
