/* Parameters and their values: one registry drives parsing, checking, `nomos describe`, the documentation and the attributes in files. */
#ifndef NOMOS_IO_CONFIG_H
#define NOMOS_IO_CONFIG_H

#include "io/base.h"
#include "io/text.h" /* NomosNearestName */

typedef enum {
  NOMOS_PARAM_BOOL,
  NOMOS_PARAM_INT,
  NOMOS_PARAM_REAL,
  NOMOS_PARAM_STRING,
  NOMOS_PARAM_CHOICE,      /* one of `choices`, separated by '|' */
  NOMOS_PARAM_REAL_LIST,   /* `[500 m, 1.75 km]`; a scalar is a list of one */
  NOMOS_PARAM_EXPRESSION,  /* a string, checked by whoever compiles it (io/expression.h); a number is an expression too */
  NOMOS_PARAM_EXPRESSION_LIST,
  NOMOS_PARAM_FILE,        /* a path, relative to the file that names it */
  NOMOS_PARAM_CASE         /* a case: such a path if it is there, else a name that the program knows */
} NomosParamType;

typedef struct {
  const char    *key;            /* full key, `qg.beta` */
  NomosParamType type;
  const char    *default_value;  /* as it would stand in a case; NULL: required; "" : empty string, empty list or unset */
  const char    *unit;           /* SI unit of the stored value, NULL or "1": a pure number */
  double         min, max;       /* inclusive, for INT, REAL and every entry of a REAL_LIST; both 0: any; min = DBL_MIN reads as `greater than 0` */
  const char    *choices;        /* "ab3|rk4" for CHOICE */
  bool           differentiable; /* a quantity of the physics that operators with derivatives are to differentiate by */
  const char    *doc;            /* one sentence */
  const char    *of;             /* "initial.type=sines|noise": with other choices of that key (a CHOICE or BOOL) it would do nothing, and is refused; NULL: always of use */
} NomosParam;

/* `choices` of a list (an X-macro) whose lines begin with the name: NOMOS_CHOICES(LIST) is "a|b|c", an address constant. */
#define NOMOS_CHOICE(name, ...) "|" #name
#define NOMOS_CHOICES(LIST)     (&("" LIST(NOMOS_CHOICE))[1])

typedef struct NomosConfig_s *NomosConfig;

PetscErrorCode NomosConfigCreate(MPI_Comm comm, NomosConfig *config);
MPI_Comm       NomosConfigComm(NomosConfig config); /* whose ranks call together */
PetscErrorCode NomosConfigDestroy(NomosConfig *config);

/* Read a case: a directory (its case.yaml) or a YAML file. `include: other.yaml` (or a list) is read first; cycles and missing files are
   errors. Maps nest into dotted keys. Values are kept as text with file and line until NomosConfigRegister declares their parameters.
   `petsc:` is kept apart, flattened (NomosConfigInsertPetscOptions). `smoke:` holds a map that NomosConfigApplySmoke lays over the case.
   Rank 0 reads, every rank gets the text. Collective. Errors: PETSC_ERR_FILE_*, PETSC_ERR_ARG_*, all with `file:line`. */
PetscErrorCode NomosConfigLoad(NomosConfig config, const char path[]);
/* Where there is no such file, `include: NAME` is the case (its case.yaml) or the file NAME below this directory. "": nowhere, as it is at first. */
void           NomosConfigSetIncludeRoot(const char path[]);

/* Lay `smoke:` (nested or dotted keys) over the case; error if the case has none. */
PetscErrorCode NomosConfigApplySmoke(NomosConfig config);

/* Lay another map over the case, `name: {qg.drag: 0.1}`: its keys win over all that was given, --set too. Nothing happens if there is none. Before parameters are declared. */
PetscErrorCode NomosConfigApplyMap(NomosConfig config, const char name[]);
/* Declare name.KEY for each such key, as the parameter KEY itself: checked, recorded and hashed like it. After every other table. */
PetscErrorCode NomosConfigRegisterMap(NomosConfig config, const char name[]);

/* `key=value` from the command line (`--set`); the value is YAML ("[1 m, 2 m]" works). Wins over the file. */
PetscErrorCode NomosConfigSet(NomosConfig config, const char assignment[]);

/* Forget what was given for a key before its parameter is declared, if anything was. */
PetscErrorCode NomosConfigUnset(NomosConfig config, const char key[]);

/* Text of a key before its parameter is declared (to find `solver`); *text = NULL if not given. Borrowed. */
PetscErrorCode NomosConfigPeek(NomosConfig config, const char key[], const char **text);
/* Does any key given begin with `prefix` ("gradcheck.")? */
PetscErrorCode NomosConfigHasPrefix(NomosConfig config, const char prefix[], bool *has);

/* Given is a table (`cape: {...}`) of what the key `choice` has not chosen (it is `chosen`): it would do nothing. An error, unless the choice is the command line's and the table a file's: then the table is left out, before it is
   declared, and noted. Notes: sentences for a log, borrowed. */
PetscErrorCode NomosConfigRefuseTable(NomosConfig config, const char choice[], const char chosen[], const char table[]);
size_t         NomosConfigNotes(NomosConfig config, const char *const **notes);

/* A map of maps with names of the user's choice (`materials: {jelly: {...}, water: {...}}`): the names given below `prefix` ("materials"), in the order of the file. Names are letters, digits
   and _; others are an error. Borrowed until the config is destroyed. */
PetscErrorCode NomosConfigGroup(NomosConfig config, const char prefix[], size_t *n, const char *const **names);
/* Declare a table for one of them: `section` "materials.jelly" and the table's "density" make the key materials.jelly.density. What is declared already is left as it is: tables of a section may
   share keys. The table must outlive the config. */
PetscErrorCode NomosConfigRegisterSection(NomosConfig config, const char section[], size_t n, const NomosParam params[]);
/* The table of one such group. */
typedef struct {
  const char       *prefix; /* "materials" */
  const char       *doc;    /* "of each material" */
  size_t            n_params;
  const NomosParam *params; /* keys without section */
} NomosParamGroup;
/* Declare its table for every name that the case chooses. */
PetscErrorCode NomosConfigRegisterGroup(NomosConfig config, const NomosParamGroup *group);

/* Declare parameters and check the given values against them: wrong type, wrong unit, out of range are errors. The table must outlive
   the config. May be called many times; a key declared twice is an error of the program. */
PetscErrorCode NomosConfigRegister(NomosConfig config, size_t n, const NomosParam params[]);

/* After every table is declared: unknown keys (with the nearest valid key) and missing required ones are errors, and values of choices that are not made (NomosParam.of), but where the choice is made over them: by --set over a file,
   by a file over what it includes. Then they have their defaults, and that is noted. */
PetscErrorCode NomosConfigCheck(NomosConfig config);

/* Typed access; an undeclared key or the wrong type is an error of the program. Strings and lists are borrowed. An unset value (empty, where the
   default is "") is NaN for a REAL, "" for a string, an empty list; for BOOL and INT it is an error: ask NomosConfigIsGiven() first. */
PetscErrorCode NomosConfigGetBool(NomosConfig config, const char key[], bool *value);
PetscErrorCode NomosConfigGetInt(NomosConfig config, const char key[], int64_t *value);
PetscErrorCode NomosConfigGetReal(NomosConfig config, const char key[], double *value);
PetscErrorCode NomosConfigGetString(NomosConfig config, const char key[], const char **value); /* STRING, CHOICE, EXPRESSION, FILE and CASE (paths made absolute, "" if unset) */
PetscErrorCode NomosConfigGetChoice(NomosConfig config, const char key[], int *choice); /* CHOICE: its place among the choices, from 0; -1 if unset */
PetscErrorCode NomosConfigGetReals(NomosConfig config, const char key[], size_t *n, const double **values);
PetscErrorCode NomosConfigGetStrings(NomosConfig config, const char key[], size_t *n, const char *const **values); /* EXPRESSION_LIST */
PetscErrorCode NomosConfigIsGiven(NomosConfig config, const char key[], bool *given); /* by the user, not by default */

/* `cases/qg/x/case.yaml:12` or `--set` or `default`: for errors found later, in the field's own words:
   PetscCheck(.., "%s: qg.nx = 100: must have only the factors 2, 3, 5, 7; use 96 or 108", NomosConfigWhere(config, "qg.nx")). */
const char *NomosConfigWhere(NomosConfig config, const char key[]);
/* The error of a quiet call (NomosQuietly) once more, as one of this key: "FILE:LINE: KEY: its sentence", on the config's communicator. 0 stays 0. */
PetscErrorCode NomosConfigRetell(NomosConfig config, const char key[], PetscErrorCode code);

/* Set a declared parameter from the program (the resolved value is what files record). Origin: `derived`. */
PetscErrorCode NomosConfigSetReal(NomosConfig config, const char key[], double value);

/* The `petsc:` leaf as option/value pairs, inserted into PETSc's database; NomosConfigCheckPetscOptions (after set-up) raises an error for those
   never used, and for unused ones given after `--`. */
PetscErrorCode NomosConfigInsertPetscOptions(NomosConfig config);
PetscErrorCode NomosConfigCheckPetscOptions(NomosConfig config);

/* The resolved case as YAML: every declared key, nested, its value in the SI unit, `# origin` behind it. It is itself a case that
   reproduces the run: files are absolute paths. Owned by the caller, PetscFree(). */
PetscErrorCode NomosConfigToYaml(NomosConfig config, char **yaml);

/* 16 hex digits that identify the resolved values of all keys that start with none of the prefixes in `except` (`output.`, ...). */
PetscErrorCode NomosConfigHash(NomosConfig config, size_t n_except, const char *const except[], char hash[17]);

/* Visit every declared parameter with its resolved value as text (`7200 s`, `[500 m, 1750 m]`, `` if unset), in order of declaration;
   the origin of a required one that is not given is `required`. */
typedef PetscErrorCode (*NomosConfigVisitFn)(const NomosParam *param, const char value[], const char origin[], void *ctx);
PetscErrorCode NomosConfigVisit(NomosConfig config, NomosConfigVisitFn visit, void *ctx);

/* Nondimensional cases (`case.units: nondimensional`): a unit on any value is an error and no unit is written into files. */
PetscErrorCode NomosConfigSetNondimensional(NomosConfig config, bool nondimensional);
bool           NomosConfigIsNondimensional(NomosConfig config);

#endif
