/* nomos list: solvers, surrogates, laws and cases. */
#include "cases/run_params.h"
#include "cases/program.h"
#include "operators/constitutive_law.h"

#include <stdio.h>

static PetscErrorCode PrintCase(const char path[], const char name[], void *ctx)
{
  NomosConfig config;
  const char *title = NULL, *surrogate = NULL, *unknown = NULL, *from = NULL;
  bool        discover = false;

  PetscFunctionBeginUser;
  NomosErrorSetQuiet(true);
  PetscErrorCode code = NomosConfigCreate(PETSC_COMM_SELF, &config);
  if (!code) code = NomosConfigLoad(config, path);
  if (!code) code = NomosConfigPeek(config, "case.title", &title);
  if (!code) code = NomosConfigPeek(config, "surrogate", &surrogate);
  if (!code) code = NomosConfigPeek(config, "estimate.unknown", &unknown);
  if (!code) code = NomosConfigHasPrefix(config, "discover.", &discover);
  if (!code) code = NomosConfigPeek(config, "assimilate.from", &from);
  NomosErrorSetQuiet(false);
  printf("  %-10s %-36s %s%s\n", surrogate ? "train" : unknown ? "estimate" : discover ? "discover" : from ? "assimilate" : "run", name, code ? "cannot be read: " : "", code ? NomosErrorLast() : title ? title : "");
  PetscCall(NomosConfigDestroy(&config));
  (*(int *)ctx)++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandList(NomosProgram *program)
{
  char           root[NOMOS_MAX_PATH];
  int            rank, n_found = 0;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(program->comm, &rank));
  PetscCall(PetscPrintf(program->comm, "solvers:\n"));
  for (size_t i = 0; program->models[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-32s %s\n", program->models[i]->name, program->models[i]->summary));
  if (program->surrogates[0]) PetscCall(PetscPrintf(program->comm, "\nsurrogates:\n"));
  for (size_t i = 0; program->surrogates[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-32s %s\n", program->surrogates[i]->name, program->surrogates[i]->summary));
  if (NomosLaws()[0]) PetscCall(PetscPrintf(program->comm, "\nconstitutive laws:\n"));
  for (size_t i = 0; NomosLaws()[i]; i++) PetscCall(PetscPrintf(program->comm, "  %-32s %s\n", NomosLaws()[i]->name, NomosLaws()[i]->summary));
  NomosCaseRoot(root);
  PetscCall(PetscPrintf(program->comm, "\ncases (in %s):\n", root[0] ? root : "no folder: NOMOS_CASES may name one"));
  if (!rank && root[0]) code = NomosCaseEach(root, PrintCase, &n_found);
  PetscCall(code);
  if (!rank) puts(n_found ? "\neach with its command before it: nomos run qg/rossby_wave" : "  none");
  PetscFunctionReturn(PETSC_SUCCESS);
}
