/* Members of an ensemble: which they are, and whether their spread can say anything. Copies of one training agree, whatever they know; and who was trained on trajectories that the intervals are fitted to errs less on them than
   elsewhere, so that intervals would be too narrow. */
#include "io/disk.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static PetscErrorCode AddMember(const char path[], size_t *n, char ***members)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((*n + 1) * sizeof **members, members));
  PetscCall(PetscStrallocpy(path, &(*members)[(*n)++]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *.safetensors of the folder, and weights.safetensors of the runs in it, in order of their names. */
static PetscErrorCode ListMembers(NomosSurrogate s, const char folder[], size_t *n, char ***members)
{
  struct dirent **entries = NULL;
  char            path[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  *n       = 0;
  *members = NULL;
  const int n_entries = scandir(folder, &entries, NULL, alphasort);
  for (int i = 0; i < n_entries; i++) {
    const char *name = entries[i]->d_name, *dot = strrchr(name, '.');
    snprintf(path, sizeof path, "%.4000s/%s%s", folder, name, dot && !strcmp(dot, ".safetensors") ? "" : "/weights.safetensors");
    if (name[0] != '.' && NomosIsFile(path)) PetscCall(AddMember(path, n, members));
    free(entries[i]);
  }
  free(entries);
  NomosCheck(*n > 1, s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neural_operator.ensemble: %s has weights of %zu trainings; an ensemble needs two or more: runs of nomos train that differ by train.seed, or files *.safetensors", NomosConfigWhere(s->config, "neural_operator.ensemble"), folder, *n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a file of weights is compared by. */
typedef struct {
  uint64_t weights;         /* XXH64 of all tensors */
  char     data[17];        /* hash of the data it was trained with; "": it does not say */
  char     split[17];       /* and of which of its trajectories were for what */
} Member;

static uint64_t HashTensors(size_t n, const NomosSafetensor tensors[])
{
  uint64_t hash = 0;

  for (size_t i = 0; i < n; i++) {
    size_t size = NomosRealBytes(tensors[i].type);
    for (int d = 0; d < tensors[i].n_dims; d++) size *= tensors[i].shape[d];
    if (tensors[i].data) hash = XXH64(tensors[i].data, size, hash); /* else it is of a type that no surrogate takes */
  }
  return hash;
}

static PetscErrorCode ReadMember(NomosSurrogate s, const char path[], Member *member)
{
  NomosSafetensors       file;
  const NomosSafetensor *tensors;
  size_t                 n;

  PetscFunctionBeginUser;
  PetscCall(NomosSafetensorsOpen(s->comm, path, &file));
  PetscCall(NomosSafetensorsList(file, &n, &tensors));
  const char *data = NomosSafetensorsMetadata(file, "data"), *split = NomosSafetensorsMetadata(file, "split");
  *member = (Member){.weights = HashTensors(n, tensors)};
  snprintf(member->data, sizeof member->data, "%s", data ? data : "");
  snprintf(member->split, sizeof member->split, "%s", split ? split : "");
  PetscCall(NomosSafetensorsClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool Differ(const char a[], const char b[])
{
  return a[0] && b[0] && strcmp(a, b);
}

/* Trained with other data all of them may have been, of which then nothing is known but that they must be the same; if some were trained with these, all must have been. */
static PetscErrorCode CheckMembers(NomosSurrogate s, size_t n, char *const paths[], const Member members[])
{
  const char *where = NomosConfigWhere(s->config, "neural_operator.ensemble"), *here = NomosDatasetHash(s->data);
  size_t      of_these = n; /* one that was trained with the data that are here */

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++)
    if (!strcmp(members[i].data, here)) of_these = i;
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < i; k++) NomosCheck(members[i].weights != members[k].weights, s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neural_operator.ensemble: %s and %s are the same weights; members are trainings that differ by train.seed: leave one out, or train it again", where, paths[k], paths[i]);
    for (size_t k = 0; k < i && of_these == n; k++) {
      NomosCheck(!Differ(members[i].data, members[k].data), s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neural_operator.ensemble: %s and %s were trained with different data; members are trainings that differ by train.seed: train all with the same data (data.path, data.trajectories)", where, paths[k], paths[i]);
      NomosCheck(!Differ(members[i].split, members[k].split), s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neural_operator.ensemble: %s and %s were trained on different parts of their data; members are trainings that differ by train.seed: train all with the same data.seed, data.validation and data.test", where, paths[k], paths[i]);
    }
    if (!members[i].data[0] || of_these == n) continue;
    NomosCheck(!strcmp(members[i].data, here), s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neural_operator.ensemble: %s was trained with other data than %s, among which may be trajectories that the intervals are fitted to; train all members with the same data (data.path, data.trajectories)", where, paths[i], paths[of_these]);
    NomosCheck(!Differ(members[i].split, NomosDatasetSplitHash(s->data)), s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neural_operator.ensemble: %s was trained on another part of these data than is split off here, and may have seen trajectories that the intervals are fitted to; train and judge all members with the same data.seed, data.validation and data.test", where, paths[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEnsembleMembersFind(NomosSurrogate s, const char folder[], size_t *n, char ***paths)
{
  Member        *members;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(ListMembers(s, folder, n, paths));
  PetscCall(PetscMalloc1(*n, &members));
  for (size_t i = 0; i < *n && !code; i++) code = ReadMember(s, (*paths)[i], &members[i]);
  if (!code) code = CheckMembers(s, *n, *paths, members);
  PetscCall(PetscFree(members));
  if (code) PetscCall(NomosEnsembleMembersFree(*n, paths));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEnsembleMembersFree(size_t n, char ***members)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) PetscCall(PetscFree((*members)[i]));
  PetscCall(PetscFree(*members));
  PetscFunctionReturn(PETSC_SUCCESS);
}
