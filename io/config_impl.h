/* Inside of a config: the texts given (entries), and the declared parameters with their resolved values. */
#ifndef NOMOS_IO_CONFIG_IMPL_H
#define NOMOS_IO_CONFIG_IMPL_H

#include "io/config.h"

#include <stdio.h>

/* Bounds on what a case may hold, so that no input costs more than a moment. */
enum {
  NOMOS_CASE_MAX_BYTES   = 1 << 20,
  NOMOS_CASE_MAX_DEPTH   = 16,
  NOMOS_CASE_MAX_FILES   = 64,   /* with all includes */
  NOMOS_CASE_MAX_KEYS    = 4096, /* of one file */
  NOMOS_CONFIG_MAX_KEYS  = 8192,
  NOMOS_CONFIG_MAX_KEY   = 2 * NOMOS_MAX_NAME, /* a dotted key with `smoke.` before it */
  NOMOS_CONFIG_MAX_PETSC = 200,  /* PETSc's table of options holds 512 */
  NOMOS_SHOWN            = 80    /* longest piece of the user's text repeated in an error */
};

/* Where a text comes from; the higher wins. */
typedef enum { NOMOS_LAYER_DEFAULT, NOMOS_LAYER_FILE, NOMOS_LAYER_SMOKE, NOMOS_LAYER_SET } NomosConfigLayer;

/* A key with the text given for it; a scalar has one item. Below `petsc.` (also in `smoke.petsc.`) keys are names of options: `petsc.ts_dt`. */
typedef struct {
  char            *key, *origin;
  char            *directory; /* absolute, of the file that gave it */
  NomosConfigLayer layer;
  size_t           turn; /* the later wins in a layer */
  bool             is_list;
  size_t           n;
  char           **items;
  char            *text; /* a list as one text, made by NomosConfigEntryText_Private */
} NomosConfigEntry;

/* A declared parameter; `unset` is an empty value where the default is empty. */
typedef struct {
  const NomosParam *param;
  char             *origin;
  bool              given, unset, resolved; /* not resolved: required and not given */
  bool              boolean;
  int64_t           integer; /* of a CHOICE its place among them */
  size_t            n;
  double           *reals;
  char            **strings;
} NomosConfigValue;

struct NomosConfig_s {
  MPI_Comm           comm;
  char              *path;              /* of the case as loaded, "" before */
  char              *working_directory; /* absolute */
  bool               nondimensional, petsc_inserted;
  int                n_files;
  size_t             n_entries, max_entries, n_turns;
  NomosConfigEntry **entries;
  size_t             n_values, max_values;
  NomosConfigValue **values;
  size_t             n_groups, n_sections;
  char            ***groups;   /* lists of names handed out, NULL-terminated */
  NomosParam       **sections; /* parameters whose key was made for a section */
  size_t             n_notes;
  char             **notes; /* what was left out of what was given */
};

PETSC_INTERN NomosConfigEntry *NomosConfigFindEntry_Private(NomosConfig config, const char key[]);
PETSC_INTERN NomosConfigValue *NomosConfigFindValue_Private(NomosConfig config, const char key[]);

/* Take ownership of an entry: it replaces a weaker one of the same key, or is dropped before a stronger one. */
PETSC_INTERN PetscErrorCode NomosConfigPut_Private(NomosConfig config, NomosConfigEntry **entry);
PETSC_INTERN PetscErrorCode NomosConfigEntryCreate_Private(const char key[], const char origin[], const char directory[], NomosConfigLayer layer, NomosConfigEntry **entry);
PETSC_INTERN PetscErrorCode NomosConfigEntryAdd_Private(NomosConfigEntry *entry, const char item[]);
PETSC_INTERN PetscErrorCode NomosConfigEntryText_Private(NomosConfigEntry *entry, const char **text);
PETSC_INTERN PetscErrorCode NomosConfigEntryDestroy_Private(NomosConfigEntry **entry);

/* Lay a value written as YAML over the config, under `key` (a map gives several keys); every rank has the same text. `value` in a
   default is a single text unless it starts with a bracket or a quote. */
PETSC_INTERN PetscErrorCode NomosConfigParseValue_Private(NomosConfig config, const char key[], const char value[], NomosConfigLayer layer, NomosConfigEntry **single);

PETSC_INTERN bool NomosConfigIsSection_Private(const char key[], const char other[]); /* is `key` a section of `other`: `qg` of `qg.nx`? */
PETSC_INTERN PetscErrorCode NomosConfigNote_Private(NomosConfig config, const char note[]);

/* Text -> value; with the sentence if it does not fit. */
PETSC_INTERN PetscErrorCode NomosConfigResolve_Private(NomosConfig config, NomosConfigValue *value);
PETSC_INTERN PetscErrorCode NomosConfigValueReset_Private(NomosConfigValue *value);

/* Value -> text: as in a case, with its SI unit; `quoted` as YAML needs it. */
PETSC_INTERN void NomosConfigWriteValue_Private(NomosConfig config, const NomosConfigValue *value, bool quoted, FILE *out);
PETSC_INTERN void NomosConfigWriteString_Private(const char text[], FILE *out);
PETSC_INTERN void NomosConfigWriteOrigin_Private(const char origin[], FILE *out); /* as a comment to the end of the line */

/* The name of the PETSc option of an entry, or NULL. */
PETSC_INTERN const char *NomosConfigPetscName_Private(const NomosConfigEntry *entry);

#endif
