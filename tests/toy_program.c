/* The program nomos with the test model as its only solver. */
#include "cases/program.h"
#include "toy_model.h"

int main(int argc, char **argv)
{
  return NomosProgramMain(argc, argv, nomos_toy_models);
}
