/* The generator `sweep`, inside: sweep_params.c reads what the case asks for, sweep_settings.c says what it is for one trajectory, sweep_run.c makes that, sweep.c all of them and their files, sweep_particles.c those of particles. */
#ifndef NOMOS_CASES_SWEEP_IMPL_H
#define NOMOS_CASES_SWEEP_IMPL_H

#include "cases/run_params.h"
#include "io/log.h"
#include "operators/generator.h"

enum { SWEEP_MAX_PARAMETERS = 32, SWEEP_MAX_COLUMNS = 64, SWEEP_MAX_SETS = 32, SWEEP_MAX_VARIANTS = 32, SWEEP_MAX_VARIABLES = 16, SWEEP_MAX_SETTINGS = 128, SWEEP_MAX_TEXT = 2048, SWEEP_N_PARAMS = 9, SWEEP_N_GROUPS = 3 };

/* A parameter of the case that differs between trajectories; the keys `also` get its value too. Without a key (""), it is a number for settings that are composed. */
typedef struct {
  const char        *name, *key;
  size_t             n_also;
  const char *const *also;
} SweepParameter;

/* A number of each trajectory in its file: a parameter under its name, and a key that takes the same value under its last part. */
typedef struct {
  const char *name, *key;
  size_t      parameter;
} SweepColumn;

/* Where a set takes its values from: a list, of which every one comes equally often; or, n = 0, a range that each trajectory draws from. */
typedef struct {
  size_t        n;
  const double *values;
  double       *made; /* a list that is made here */
  double        low, high;
  bool          log;
} SweepValues;

/* Settings that trajectories have by turns, with numbers in braces to be computed. */
typedef struct {
  const char        *name;
  size_t             n;
  const char *const *compose;
  bool               training;
} SweepVariant;

/* Trajectories of one file: of the training (name "") or of a test. */
typedef struct {
  const char        *name;
  size_t             n, n_set;
  const char *const *set; /* laid over the case, behind those of the sweep */
  SweepValues        values[SWEEP_MAX_PARAMETERS];
  size_t             n_variants, variants[SWEEP_MAX_VARIANTS]; /* their numbers */
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
  size_t             n_compose;
  const char *const *compose;
  size_t             n_parameters, n_columns, n_variants, n_sets;
  SweepParameter     parameters[SWEEP_MAX_PARAMETERS];
  SweepColumn        columns[SWEEP_MAX_COLUMNS];
  SweepVariant       variants[SWEEP_MAX_VARIANTS];
  SweepSet           sets[SWEEP_MAX_SETS];
  const NomosGeneratorOutput *output; /* who wants its files; NULL: it is only looked at */
} Sweep;

/* Is this process to stop? What it was making then is not whole. */
static inline bool SweepStopped(const Sweep *sweep)
{
  return sweep->output && sweep->output->stop && sweep->output->stop(sweep->output->ctx);
}

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

/* ---- sweep_settings.c */

/* key=value of trajectory i, to be laid over the case: with them it can be run again. */
typedef struct {
  size_t n;
  char  *list[SWEEP_MAX_SETTINGS];
} SweepSettings;

/* Errors: expressions that are none, with their key. What is there is to be destroyed after an error too. */
PetscErrorCode SweepSettingsCreate(const Sweep *sweep, const SweepSet *set, size_t i, SweepSettings *settings);
PetscErrorCode SweepSettingsDestroy(SweepSettings *settings);

/* ---- sweep_run.c */

/* The case of one trajectory, on this process alone. */
typedef struct {
  const Sweep         *sweep;
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
  bool                      constant; /* one row, not one for each frame */
  size_t                    n_full, n;
} SweepField;

/* What the trajectories of a set have in common. Texts and coordinates are those of `run`, trajectory 0. */
typedef struct {
  SweepRun        run;
  NomosFileLayout layout;
  size_t          n_fields, n_frames;
  SweepField      fields[SWEEP_MAX_VARIABLES];
  double          every; /* time between frames */
  bool            particles; /* there is a field `position` over particles, whose number differs between trajectories */
  size_t          n;     /* numbers of a trajectory: all frames of all fields */
  char            hash[17]; /* of all that the file depends on */
} SweepLayout;

/* Frames of a field. */
static inline size_t SweepRows(const SweepLayout *layout, size_t field)
{
  return layout->fields[field].constant ? 1 : layout->n_frames;
}

PetscErrorCode SweepLayoutCreate(const Sweep *sweep, const SweepSet *set, SweepLayout *layout);
PetscErrorCode SweepLayoutDestroy(SweepLayout *layout);

/* Trajectory i into to[field] (frames, row), unless it is stopped. Errors name it: blow-ups, frames that the steps miss. Not collective. */
PetscErrorCode SweepTrajectory(const Sweep *sweep, const SweepSet *set, const SweepLayout *layout, size_t i, double *const to[]);

/* The same of particles: the fields of the layout, in their order, have sizes of their own. */
typedef struct {
  size_t     n_particles;
  SweepField fields[SWEEP_MAX_VARIABLES];
  double    *values[SWEEP_MAX_VARIABLES]; /* (frames, row), PetscFree'd */
  char       simulation_hash[17];
} SweepMotion;
PetscErrorCode SweepMotionCreate(const Sweep *sweep, const SweepSet *set, const SweepLayout *layout, size_t i, SweepMotion *motion);
PetscErrorCode SweepMotionDestroy(SweepMotion *motion);

/* ---- sweep.c */

/* Where a trajectory begins, with its parameters, as a hash. */
typedef struct {
  uint64_t state;
  size_t   set, trajectory;
} SweepState;

/* Those of all sets so far. */
typedef struct {
  size_t      n;
  SweepState *list;
} SweepStates;

/* A set in the making. */
typedef struct {
  const Sweep    *sweep;
  const SweepSet *set;
  SweepLayout     layout;
  MPI_Comm        comm;
  NomosLog        log;
  int             rank, size;
  size_t          before, all; /* trajectories of the sets before it, and of all: for the progress */
  size_t          chunk;       /* trajectories of a rank that are kept until all ranks write */
  double         *values;      /* of them: field by field, (chunk, frames, row) */
  double         *parameters;  /* (n_parameters, chunk) */
  uint64_t       *states;      /* (n) hashes of the initial states and parameters; each of the rank that made it */
  size_t          made;        /* leading trajectories that are in the file */
  bool            stopped;     /* the others wait for another call */
  SweepStates    *seen;        /* of this set too once it is made */
  double          change[SWEEP_MAX_VARIABLES]; /* largest change of a field's mean in a trajectory, in its largest value */
} SweepMaking;

/* `done` trajectories of this set are there. */
PetscErrorCode SweepProgress(const SweepMaking *making, size_t done);
/* Is any process to stop? Sets making->stopped. Collective. */
PetscErrorCode SweepAgreeToStop(SweepMaking *making);
/* Two that are the same, in this set or in one before it, are an error. Collective. */
PetscErrorCode SweepCheckDistinct(SweepMaking *making);

/* ---- sweep_particles.c */

/* The file of a set of particles, under a name for the time being. Collective. */
PetscErrorCode SweepFillParticles(SweepMaking *making, const char partial[]);
/* What tells a trajectory from others: parameters, and where it begins. */
uint64_t       SweepParticleState(const SweepMaking *making, size_t i, const SweepMotion *motion);

#endif
