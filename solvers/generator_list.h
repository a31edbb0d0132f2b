/* Every generator of training data is in this list. To add one: a file with a `const NomosGenerator` in solvers/, and its line here. */
#ifndef NOMOS_SOLVERS_GENERATOR_LIST_H
#define NOMOS_SOLVERS_GENERATOR_LIST_H

#include "operators/generator.h"

extern const NomosGenerator nomos_generator_functions, nomos_generator_two_body, nomos_generator_hamiltonian_systems;

static const NomosGenerator *const nomos_generators[] = {&nomos_generator_functions, &nomos_generator_two_body, &nomos_generator_hamiltonian_systems, NULL};

#endif
