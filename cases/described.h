/* Everything that has parameters, or a name that a case may give: one list of tables, of which `nomos describe` prints what is asked for. */
#ifndef NOMOS_CASES_DESCRIBED_H
#define NOMOS_CASES_DESCRIBED_H

#include "cases/program.h"

typedef struct {
  const char *kind, *name;  /* "solver", "qg". kind NULL: a table of a section of cases, whose keys say enough */
  const char *of;           /* "grid_pde" of its families; NULL: of nothing */
  bool        within;       /* it is told with what it is of */
  const char *many;         /* the heading over such in an overview; NULL: it is in none */
  const char *summary, *equation, *reference, *needs; /* NULL or "": none. needs: of data */
  const char *before;       /* the line above its parameters */
  const char *prefix;       /* before its keys: "materials.NAME", where NAME stands for any; NULL: they are whole */
  size_t      n_params, n_inherited; /* the first n_inherited are another's too, and told there */
  const NomosParam *params;
  PetscErrorCode (*more)(MPI_Comm comm); /* prints what follows its parameters; NULL: nothing */
} NomosDescribed;

/* `fn` for each, in the order of the lists; one name may have several. Names, summaries and tables last as long as the program, the other strings as long as the call. */
typedef PetscErrorCode (*NomosDescribedFn)(const NomosDescribed *what, void *ctx);
PetscErrorCode NomosDescribedEach(const NomosProgram *program, NomosDescribedFn fn, void *ctx);

/* Is `key`, as a user gives it, that of a parameter? Keys of names that a case chooses also by their end: materials.jelly.density, density. */
bool NomosDescribedIsKey(const NomosDescribed *what, const NomosParam *param, const char key[]);

#endif
