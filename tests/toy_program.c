/* The program nomos with the test model as its only solver, and the test surrogate. */
#include "cases/program.h"
#include "toy_model.h"
#include "toy_surrogate.h"

int main(int argc, char **argv)
{
  return NomosProgramMain(argc, argv, nomos_toy_models, nomos_toy_surrogates);
}
