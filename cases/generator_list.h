/* Every generator of training data is one line here. To add one: a file with a `const NomosGenerator` in solvers/ (in cases/, if it runs cases itself), and its line. */
#ifndef NOMOS_CASES_GENERATOR_LIST_H
#define NOMOS_CASES_GENERATOR_LIST_H

#include "operators/generator.h"

#define NOMOS_GENERATORS(GENERATOR) \
  GENERATOR(nomos_generator_functions) \
  GENERATOR(nomos_generator_two_body) \
  GENERATOR(nomos_generator_hamiltonian_systems) \
  GENERATOR(nomos_generator_sweep)

#define NOMOS_GENERATOR_DECLARE(generator) extern const NomosGenerator generator;
NOMOS_GENERATORS(NOMOS_GENERATOR_DECLARE)

#define NOMOS_GENERATOR_ENTRY(generator) &generator,
static const NomosGenerator *const nomos_generators[] = {NOMOS_GENERATORS(NOMOS_GENERATOR_ENTRY) NULL};

#endif
