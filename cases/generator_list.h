/* Every generator of training data is in this list. To add one: a file with a `const NomosGenerator` in solvers/ (in cases/, if it runs cases itself), and its line here. */
#ifndef NOMOS_CASES_GENERATOR_LIST_H
#define NOMOS_CASES_GENERATOR_LIST_H

#include "operators/generator.h"

extern const NomosGenerator nomos_generator_functions, nomos_generator_two_body, nomos_generator_hamiltonian_systems, nomos_generator_sweep;

static const NomosGenerator *const nomos_generators[] = {&nomos_generator_functions, &nomos_generator_two_body, &nomos_generator_hamiltonian_systems, &nomos_generator_sweep, NULL};

#endif
