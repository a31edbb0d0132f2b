/* The generator `sweep`, inside: sweep_params.c reads what the case asks for, sweep_run.c makes one trajectory of it, sweep.c all of them and their files. */
#ifndef NOMOS_CASES_SWEEP_IMPL_H
#define NOMOS_CASES_SWEEP_IMPL_H

#include "cases/run_params.h"

enum { SWEEP_MAX_PARAMETERS = 8, SWEEP_MAX_SETS = 32, SWEEP_MAX_VARIABLES = 16, SWEEP_MAX_SETTINGS = 64, SWEEP_N_PARAMS = 8, SWEEP_N_GROUPS = 2 };

/* A parameter of the case that differs between trajectories; the keys `also` get its value too. */
typedef struct {
  const char        *name, *key;
  size_t             n_also;
  const char *const *also;
} SweepParameter;

/* Where a set takes its values from: a list, of which every one comes equally often; or, n = 0, a range that each trajectory draws from. */
typedef struct {
  size_t        n;
  const double *values;
  double       *made; /* a list that is made here */
  double        low, high;
  bool          log;
} SweepValues;

/* Trajectories of one file: of the training (name "") or of a test. */
typedef struct {
  const char        *name;
  size_t             n, n_set;
  const char *const *set; /* laid over the case, behind those of the sweep */
  SweepValues        values[SWEEP_MAX_PARAMETERS];
  size_t             combinations; /* of the lists' values */
  uint64_t           first_seed;   /* that of trajectory 0; the next has the next */
} SweepSet;

typedef struct {
  NomosConfig        config;
  NomosCaseFile      file;
  size_t             n_set;
  const char *const *set;
  uint64_t           seed;
  char               seed_key[NOMOS_MAX_NAME]; /* of the case; "": none */
  size_t             coarsen;
  NomosRealType      type;
  size_t             n_fields;
  const char *const *fields; /* none: all */
  size_t             n_parameters, n_sets;
  SweepParameter     parameters[SWEEP_MAX_PARAMETERS];
  SweepSet           sets[SWEEP_MAX_SETS];
} Sweep;

extern const NomosParam      sweep_params[SWEEP_N_PARAMS];
extern const NomosParamGroup sweep_groups[SWEEP_N_GROUPS];

/* ---- sweep_params.c */
PetscErrorCode SweepDeclare(NomosConfig config);
/* Errors: what is no list, no range or both; more than one may name. Collective. */
PetscErrorCode SweepRead(NomosConfig config, Sweep *sweep);
PetscErrorCode SweepFree(Sweep *sweep);
/* The value that a parameter has in trajectory i of a set: the same however many trajectories there are. */
double SweepValue(const Sweep *sweep, const SweepSet *set, size_t parameter, size_t i);
/* "trajectory 7 (nu = 0.002, grid_pde.seed = 8)", behind the set's name where it has one. */
const char *SweepTrajectoryText(const Sweep *sweep, const SweepSet *set, size_t i, char text[256]);

/* ---- sweep_run.c */

/* The case of one trajectory, on this process alone. */
typedef struct {
  NomosConfig          config;
  const NomosModelOps *ops;
  NomosModel           model;
  NomosRunParams       params;
} SweepRun;

/* Errors name the trajectory. */
PetscErrorCode SweepRunCreate(const Sweep *sweep, const SweepSet *set, size_t i, SweepRun *run);
PetscErrorCode SweepRunDestroy(SweepRun *run);

/* A field in the file: (frames, row), a row being over the axes of `variable`, thinned by sweep.coarsen. */
typedef struct {
  const NomosFieldVariable *variable;
  int                       n_axes;
  size_t                    full[NOMOS_FIELD_MAX_DIMS], shape[NOMOS_FIELD_MAX_DIMS], every[NOMOS_FIELD_MAX_DIMS];
  bool                      mean; /* over blocks of cells; else one point of each */
  size_t                    n_full, n;
} SweepField;

/* What the trajectories of a set have in common. Texts and coordinates are those of `run`, trajectory 0. */
typedef struct {
  SweepRun        run;
  NomosFileLayout layout;
  size_t          n_fields, n_frames;
  SweepField      fields[SWEEP_MAX_VARIABLES];
  double          every; /* time between frames */
  size_t          n;     /* numbers of a trajectory: all frames of all fields */
  char            hash[17]; /* of all that the file depends on */
} SweepLayout;

PetscErrorCode SweepLayoutCreate(const Sweep *sweep, const SweepSet *set, SweepLayout *layout);
PetscErrorCode SweepLayoutDestroy(SweepLayout *layout);

/* Trajectory i into to[field] (frames, row). Errors name it: blow-ups, frames that the steps miss. Not collective. */
PetscErrorCode SweepTrajectory(const Sweep *sweep, const SweepSet *set, const SweepLayout *layout, size_t i, double *const to[]);

#endif
