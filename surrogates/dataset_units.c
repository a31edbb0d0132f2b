/* Units that the files of a data set say: numbers in others would be learned from without a word. */
#include "surrogates/dataset_impl.h"

#include "io/unit.h"

#include <stdio.h>

PetscErrorCode NomosDatasetTakeUnit(NomosDataset d, size_t number, size_t v, const char name[])
{
  NomosDatasetUnit *unit = &d->units[v];
  char              theirs[NOMOS_MAX_NAME], *text;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderAttribute(d->reader, name, "units", &text));
  NomosUnitOfFile(text, theirs);
  PetscCall(PetscFree(text));
  if (!theirs[0]) PetscFunctionReturn(PETSC_SUCCESS);
  if (!unit->text[0]) {
    snprintf(unit->text, sizeof unit->text, "%s", theirs);
    unit->file = number;
  }
  NomosCheck(NomosUnitAlike(theirs, unit->text), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is in '%s', in %s in '%s' (the attribute units), and the numbers would be taken for one unit; write all files of a data set in one", d->files[number].path, name, theirs, d->files[unit->file].path, unit->text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosDatasetUnitOf(NomosDataset d, size_t v)
{
  return d->units[v].text;
}

PetscErrorCode NomosDatasetCheckUnits(NomosDataset d, NomosDataset others, const char path[])
{
  PetscFunctionBeginUser;
  for (size_t v = 0; v <= d->n_variables; v++) {
    const char *own = d->units[v].text, *theirs = others->units[v].text;
    NomosCheck(!own[0] || !theirs[0] || NomosUnitAlike(own, theirs), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is in '%s', in the data that it is for in '%s' (the attribute units), and the numbers would be taken for one unit; write it in that of the data", path, v < d->n_variables ? d->input.variables[v].name : "time", theirs, own);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
