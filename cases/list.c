/* nomos list: solvers, surrogates, laws and cases. */
#include "cases/run_params.h"
#include "cases/program.h"
#include "io/verdict_impl.h"
#include "operators/constitutive_law.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int ByName(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int IsVisible(const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

/* Cases below `root/relative`: any directory with a case.yaml. Rank 0. */
static PetscErrorCode ListCases(const char root[], const char relative[], int depth, int *n_found)
{
  char            path[2 * NOMOS_MAX_PATH];
  struct dirent **entries;
  struct stat     info;
  int             n;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/%s/case.yaml", root, relative);
  if (!stat(path, &info)) {
    NomosConfig config;
    const char *title = NULL, *surrogate = NULL, *unknown = NULL, *from = NULL;
    bool        discover = false;
    NomosErrorSetQuiet(true);
    PetscErrorCode code = NomosConfigCreate(PETSC_COMM_SELF, &config);
    if (!code) code = NomosConfigLoad(config, path);
    if (!code) code = NomosConfigPeek(config, "case.title", &title);
    if (!code) code = NomosConfigPeek(config, "surrogate", &surrogate);
    if (!code) code = NomosConfigPeek(config, "estimate.unknown", &unknown);
    if (!code) code = NomosConfigHasPrefix(config, "discover.", &discover);
    if (!code) code = NomosConfigPeek(config, "assimilate.from", &from);
    NomosErrorSetQuiet(false);
    printf("  %-10s %-36s %s%s\n", surrogate ? "train" : unknown ? "estimate" : discover ? "discover" : from ? "assimilate" : "run", relative, code ? "cannot be read: " : "", code ? NomosErrorLast() : title ? title : "");
    PetscCall(NomosConfigDestroy(&config));
    (*n_found)++;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  snprintf(path, sizeof path, "%s/%s", root, relative);
  n = depth ? scandir(path, &entries, IsVisible, ByName) : 0;
  for (int i = 0; i < n; i++) {
    char below[2 * NOMOS_MAX_PATH];
    snprintf(path, sizeof path, "%.*s%s%s", NOMOS_MAX_PATH, relative, relative[0] ? "/" : "", entries[i]->d_name);
    snprintf(below, sizeof below, "%.*s/%.*s", NOMOS_MAX_PATH, root, NOMOS_MAX_PATH - 2, path);
    if (!stat(below, &info) && S_ISDIR(info.st_mode)) PetscCall(ListCases(root, path, depth - 1, n_found));
    free(entries[i]);
  }
  if (depth && n >= 0) free(entries);
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
  if (!rank && root[0]) code = ListCases(root, "", 4, &n_found);
  PetscCall(code);
  if (!rank) puts(n_found ? "\neach with its command before it: nomos run qg/rossby_wave" : "  none");
  PetscFunctionReturn(PETSC_SUCCESS);
}
