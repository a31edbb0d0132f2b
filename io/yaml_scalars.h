/* The scalars of a YAML text by their dotted keys, where a whole case file would be too much: what files carry as attributes. */
#ifndef NOMOS_IO_YAML_SCALARS_H
#define NOMOS_IO_YAML_SCALARS_H

#include "io/base.h"

/* Called with "sim.nu" and "0.1"; false: no more. Entries of lists have their list's key. */
typedef bool (*NomosScalarFn)(const char key[], const char value[], void *ctx);
/* Damaged text ends the visit. */
void NomosYamlVisit(const char text[], NomosScalarFn visit, void *ctx);
/* The value of a key, PetscFree'd; NULL: there is none. */
PetscErrorCode NomosYamlFind(const char text[], const char key[], char **value);

#endif
