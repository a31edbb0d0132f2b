/* provenance.json of a run. */
#include "cases/run.h"
#include "io/provenance.h"

#include <fftw3.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Seeds and precision are the models' own parameters: `*.seed` and `*.precision`. */
typedef struct {
  json_t  *seeds;
  uint64_t seed; /* the first */
  char     precision[NOMOS_MAX_NAME];
} Found;

static PetscErrorCode Find(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  Found      *found = ctx;
  const char *last  = strrchr(param->key, '.');

  PetscFunctionBeginUser;
  (void)origin;
  if (last && !strcmp(last, ".seed")) {
    if (!json_object_size(found->seeds)) found->seed = strtoull(value, NULL, 10);
    json_object_set_new(found->seeds, param->key, json_string(value));
  }
  if (last && !strcmp(last, ".precision") && strncmp(param->key, "output.", 7)) PetscCall(PetscStrncpy(found->precision, value, sizeof found->precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunProvenance(NomosRun *run)
{
  Found          found = {.seeds = json_object(), .precision = "float64"};
  json_t        *extra;
  char          *text;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigToYaml(run->config, &run->yaml));
  PetscCall(NomosConfigVisit(run->config, Find, &found));
  /* Of a case directory every file counts (initial fields, say); of a lone file only itself. */
  const char *inputs = strcmp(strrchr(run->case_file.path, '/') + 1, "case.yaml") ? run->case_file.path : run->case_file.directory;
  extra = json_pack("{s:{s:s}, s:{s:i, s:O, s:s, s:s*}}", "libraries", "fftw", fftw_version, "run", "threads", run->n_threads, "seeds", found.seeds, "physics", run->physics_hash, "restarted_from", run->restart_path[0] ? run->restart_path : NULL);
  text  = extra ? json_dumps(extra, 0) : NULL;
  code  = NomosProvenanceCreate(run->comm, run->program->argc, run->program->argv, found.seed, found.precision, inputs, text, &run->provenance);
  json_decref(extra);
  json_decref(found.seeds);
  free(text);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
