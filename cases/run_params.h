/* The parameters every run has, and their values. */
#ifndef NOMOS_CASES_RUN_PARAMS_H
#define NOMOS_CASES_RUN_PARAMS_H

#include "operators/model.h"

/* Of every command that runs a solver; and of these those that every command has. */
extern const NomosParam        nomos_run_params[];
extern const size_t            nomos_n_run_params;
extern const NomosParam *const nomos_common_params;
extern const size_t            nomos_n_common_params;

/* Of runs with particles; always; never. */
typedef enum { NOMOS_ANIMATION_AUTO, NOMOS_ANIMATION_YES, NOMOS_ANIMATION_NO } NomosAnimationWish; /* in the order of the choices of output.animation */

typedef struct {
  const char   *title, *reference;
  bool          nondimensional;
  double        dt, stop, max_wall;                            /* s */
  int64_t       check_every;                                   /* steps */
  double        fields_every, scalars_every, spectra_every;    /* s; 0: at start and end */
  double        average_from;                                  /* s */
  NomosRealType precision;                                     /* of fields.nc */
  int           compression;
  bool          pictures;
  const char   *colour;           /* of particles */
  NomosAnimationWish animation;
  int64_t       animation_frames;
  double        animation_seconds;
  double        checkpoint_every; /* s; 0: at the end */
  double        checkpoint_wall;  /* s of the clock; 0: never */
  int           checkpoint_keep;
  int           threads;          /* 0: as many as OpenMP offers */
} NomosRunParams;

/* Parameters that a command adds: `nomos gradcheck` those that begin with `gradcheck.`. They are declared for their command, and in a case that gives one of them. */
typedef struct {
  const char       *name, *doc;
  size_t            n;
  const NomosParam *params;
  PetscErrorCode (*declare)(NomosConfig config); /* what else it has, by what the case says (NomosConfigPeek); NULL: nothing */
} NomosSection;
extern const NomosSection *const nomos_sections[]; /* NULL at the end */
PetscErrorCode NomosSectionsRegister(NomosConfig config, const char asked[]); /* asked: of the command, or NULL */

/* Load a case (with `smoke` and `--set`), declare the parameters of runs, of its solver and of `section` (NULL: none), check them. A map `truth:` in it holds what the real system has and the model lacks
   (nomos discover); with `truth` it is laid over the case. Collective. */
typedef struct {
  const char                 *path;
  const NomosModelOps *const *models;
  const char                 *section;
  bool                        smoke, truth;
  bool                        solver_optional; /* a case of nomos discover or generate that is of data alone has none: then *ops is NULL, and only parameters of every command (and of data) are declared */
  size_t                      n_set;
  const char *const          *set;
  size_t                      n_unset; /* keys whose values in the file are forgotten first */
  const char *const          *unset;
} NomosCaseInput;
PetscErrorCode NomosCaseLoad(MPI_Comm comm, const NomosCaseInput *input, NomosConfig *config, const NomosModelOps **ops);
PetscErrorCode NomosCommonParamsGet(NomosConfig config, NomosRunParams *params);
PetscErrorCode NomosRunParamsGet(NomosConfig config, NomosRunParams *params);

/* What identifies the physics of a run: a line `key = value` for every parameter that a restart may not change, and its hash. PetscFree(*text). */
PetscErrorCode NomosPhysicsText(NomosConfig config, char **text, char hash[17]);

/* Find what the user calls a case: a path, a name under the folder of cases, or a run directory (its config.yaml). `path` is what NomosConfigLoad
   reads, `name` names run directories. Collective. */
typedef struct {
  char path[NOMOS_MAX_PATH];      /* case.yaml, config.yaml or another YAML file, absolute */
  char directory[NOMOS_MAX_PATH]; /* that it lies in */
  char name[NOMOS_MAX_PATH];
  bool is_run;
} NomosCaseFile;
PetscErrorCode NomosCaseFind(MPI_Comm comm, const char given[], NomosCaseFile *file);
/* The folder of cases: $NOMOS_CASES, the source's, the installation's; "" if there is none. */
void NomosCaseRoot(char root[NOMOS_MAX_PATH]);
/* Every case below `root`, a directory with a case.yaml: its file and its name, "qg/rossby_wave". Not collective. */
typedef PetscErrorCode (*NomosCaseFn)(const char path[], const char name[], void *ctx);
PetscErrorCode NomosCaseEach(const char root[], NomosCaseFn visit, void *ctx);
/* The case of the root whose name is nearest, "" if none is near; for `did you mean`. Not collective. */
void NomosCaseNearest(const char given[], char nearest[NOMOS_MAX_PATH]);

#endif
