/* Where a case lies: a path, or a name below the folder of cases, and the nearest name to one that is not there. */
#include "cases/run_params.h"
#include "io/disk.h"
#include "io/verdict.h"

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef NOMOS_SOURCE_CASES
#define NOMOS_SOURCE_CASES ""
#endif

static bool IsFileIn(const char directory[], const char name[])
{
  char path[NOMOS_MAX_PATH];
  return snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path && NomosIsFile(path);
}

void NomosCaseRoot(char root[NOMOS_MAX_PATH])
{
  const char *given = getenv("NOMOS_CASES");
  char        self[NOMOS_MAX_PATH];
  ssize_t     length;

  root[0] = '\0';
  if (given && given[0]) {
    snprintf(root, NOMOS_MAX_PATH, "%s", given);
    return;
  }
  length = readlink("/proc/self/exe", self, sizeof self - 32);
  if (length > 0) { /* PREFIX/bin/nomos */
    self[length] = '\0';
    for (int up = 0; up < 2 && strrchr(self, '/'); up++) *strrchr(self, '/') = '\0';
    strcat(self, "/share/nomos/cases");
    if (NomosIsDirectory(self)) snprintf(root, NOMOS_MAX_PATH, "%s", self);
  }
  if (!root[0] && NomosIsDirectory(NOMOS_SOURCE_CASES)) snprintf(root, NOMOS_MAX_PATH, "%s", NOMOS_SOURCE_CASES);
}

/* The directory's or the file's name; a run knows the name of its case from its summary. */
static void NameOf(NomosCaseFile *file)
{
  const char *base = strrchr(file->path, '/') + 1, *name;

  if (file->is_run) {
    char    path[2 * NOMOS_MAX_PATH];
    json_t *summary;
    snprintf(path, sizeof path, "%s/summary.json", file->directory);
    summary = json_load_file(path, 0, NULL);
    name    = json_string_value(json_object_get(summary, "case"));
    if (name && name[0] && !strchr(name, '/')) snprintf(file->name, sizeof file->name, "%s", name);
    json_decref(summary);
    if (file->name[0]) return;
  }
  if (file->is_run || !strcmp(base, "case.yaml")) snprintf(file->name, sizeof file->name, "%s", strrchr(file->directory, '/') + 1);
  else {
    snprintf(file->name, sizeof file->name, "%s", base);
    char *dot = strrchr(file->name, '.');
    if (dot && dot > file->name) *dot = '\0';
  }
  if (!file->name[0]) snprintf(file->name, sizeof file->name, "case");
}

static int ByName(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int IsVisible(const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

static PetscErrorCode Each(const char root[], const char relative[], int depth, NomosCaseFn visit, void *ctx)
{
  char            path[2 * NOMOS_MAX_PATH];
  struct dirent **entries;
  int             n;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/%s/case.yaml", root, relative);
  if (!access(path, F_OK)) {
    PetscCall(visit(path, relative, ctx));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  snprintf(path, sizeof path, "%s/%s", root, relative);
  n = depth ? scandir(path, &entries, IsVisible, ByName) : 0;
  for (int i = 0; i < n; i++) {
    char below[2 * NOMOS_MAX_PATH];
    snprintf(path, sizeof path, "%.*s%s%s", NOMOS_MAX_PATH, relative, relative[0] ? "/" : "", entries[i]->d_name);
    snprintf(below, sizeof below, "%.*s/%.*s", NOMOS_MAX_PATH, root, NOMOS_MAX_PATH - 2, path);
    if (NomosIsDirectory(below)) PetscCall(Each(root, path, depth - 1, visit, ctx));
    free(entries[i]);
  }
  if (depth && n >= 0) free(entries);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCaseEach(const char root[], NomosCaseFn visit, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(Each(root, "", 4, visit, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const char *given;
  size_t      distance;
  char       *nearest; /* (NOMOS_MAX_PATH) */
} Nearest;

/* A name without its folder is compared with names without theirs. */
static PetscErrorCode Compare(const char path[], const char name[], void *ctx)
{
  Nearest    *n    = ctx;
  const char *last = strrchr(name, '/'), *own = last && !strchr(n->given, '/') ? last + 1 : name;

  PetscFunctionBeginUser;
  (void)path;
  if (NomosNearestName(n->given, 1, &own) && NomosNameDistance(n->given, own) < n->distance) {
    n->distance = NomosNameDistance(n->given, own);
    snprintf(n->nearest, NOMOS_MAX_PATH, "%s", name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosCaseNearest(const char given[], char nearest[NOMOS_MAX_PATH])
{
  char root[NOMOS_MAX_PATH];

  nearest[0] = '\0';
  NomosCaseRoot(root);
  if (root[0]) (void)NomosCaseEach(root, Compare, &(Nearest){.given = given, .distance = SIZE_MAX, .nearest = nearest});
}

static void Find(const char given[], NomosCaseFile *file, NomosVerdict *verdict)
{
  char root[NOMOS_MAX_PATH], candidate[2 * NOMOS_MAX_PATH], found[PATH_MAX];

  NomosCaseRoot(root);
  snprintf(candidate, sizeof candidate, "%s", given);
  if (access(candidate, F_OK) && root[0] && given[0] != '/') snprintf(candidate, sizeof candidate, "%s/%s", root, given);
  if (!given[0]) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "the name of the case is empty; `nomos list` shows the cases");
    return;
  }
  if (!realpath(candidate, found) || strlen(found) + sizeof "/config.yaml" > NOMOS_MAX_PATH) {
    char near[NOMOS_MAX_PATH];
    NomosCaseNearest(given, near);
    NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "case '%s' not found%s%s%s%s%s; `nomos list` shows the cases", given, root[0] ? ", neither here nor in " : "", root, near[0] ? "; did you mean " : "", near, near[0] ? "?" : "");
    return;
  }
  if (NomosIsDirectory(found)) {
    bool has_case = IsFileIn(found, "case.yaml");
    file->is_run  = !has_case && IsFileIn(found, "config.yaml") && IsFileIn(found, "STATUS");
    if (!has_case && !file->is_run) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "case '%s': the directory has no case.yaml (and is no run directory: no config.yaml with STATUS)", given);
      return;
    }
    strcat(found, has_case ? "/case.yaml" : "/config.yaml");
  }
  snprintf(file->path, sizeof file->path, "%s", found);
  snprintf(file->directory, sizeof file->directory, "%.*s", (int)(strrchr(found, '/') - found), found);
  if (!strcmp(strrchr(found, '/'), "/config.yaml") && IsFileIn(file->directory, "STATUS")) file->is_run = true;
  NameOf(file);
}

PetscErrorCode NomosCaseFind(MPI_Comm comm, const char given[], NomosCaseFile *file)
{
  NomosVerdict verdict = {0};
  int          rank;

  PetscFunctionBeginUser;
  memset(file, 0, sizeof *file);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) Find(given, file, &verdict);
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscCallMPI(MPI_Bcast(file, (int)sizeof *file, MPI_BYTE, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
