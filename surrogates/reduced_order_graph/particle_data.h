/* Trajectories of particles to learn from: positions over time, of each trajectory another number of particles, of another shape, another material. Read from

     a file of the generator (data/NAME.h5), or one of LagrangeBench or of GNS converted to HDF5: a group for each trajectory (`00000`) with `position` (frames, particles, d) and `particle_type` (particles), metadata.json beside it
     run directories of a solver with particles (fields.nc: `position`), or a folder of these

   Training, validation and test are different trajectories, by data.{validation,test,seed}; or, where the files are called so (train.h5, valid.h5, test.h5), different files. Positions are float64 here whatever the file has, in m. Every rank opens the files for itself. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DATA_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DATA_H

#include "io/config.h"
#include "operators/model.h"    /* NomosWarningFn */
#include "surrogates/dataset.h" /* NomosSplit */

typedef struct NomosParticleData_s *NomosParticleData;

enum { NOMOS_PARTICLE_MAX_PARAMETERS = 16 };

typedef struct {
  const char *path;
  double      validation, test; /* fractions of the trajectories: NomosSplitShare */
  uint64_t    seed;             /* which are for which */
  size_t      first_frame;      /* earlier ones are left out */
  size_t      n_trajectories;   /* at most so many of the training's, the first ones; 0: all */
  size_t      every;            /* every how many-th frame; 0 stands for 1 */
  size_t      n_fixed;
  const char *const *fixed;     /* names of kinds that are walls: statistics leave their particles out. Borrowed until the data are closed */
  const char *fixed_key;        /* that named them, for messages */
  double      cache_bytes;      /* positions are kept in memory up to here, in the precision of the files; more are read when they are asked for; 0 stands for 256 MB */
} NomosParticleDataInput;

/* Of `data.*` (surrogates/dataset.h), and the walls that the list `fixed_key` names (NULL: there is no such list). */
PetscErrorCode NomosParticleDataInputFromConfig(NomosConfig config, const char fixed_key[], NomosParticleDataInput *input);

/* What all trajectories have in common. */
typedef struct {
  int         d;
  double      interval;           /* s between frames (after thinning); 1 where the files do not say */
  bool        timed;              /* they do */
  bool        every_step;         /* by dt alone, without write_every */
  double      low[3], high[3];    /* of the domain, where the walls are (m): the file's bounds, or those of all positions where it has none */
  bool        bounded;            /* the file says so */
  bool        periodic[3];        /* what leaves the domain comes in at the other side: velocities are differences to the nearest image */
  double      radius;             /* that the file advises for graphs of all particles, m; 0: none */
  size_t      n_kinds;            /* kinds of particles: materials, obstacles */
  const char *const *kinds;       /* (n_kinds) their names, as the case has them; numbers where the file has no names */
  const bool *fixed;              /* (n_kinds) which of them are walls */
  size_t      n_parameters;       /* numbers of each trajectory: youngs_modulus, friction_angle, ... */
  const char *const *parameters;  /* (n_parameters) */
  size_t      n_trajectories[NOMOS_N_SPLITS];
  const char *hash;               /* 16 hex digits of XXH64 over what is read */
} NomosParticleDataInfo;

/* One trajectory; arrays are borrowed. */
typedef struct {
  size_t         n_frames, n_particles;
  const int32_t *kind;            /* (n_particles), below n_kinds */
  const double  *parameters;      /* (n_parameters) */
  const char    *name;            /* for messages: file and group, or run */
  const char    *simulation, *simulation_hash; /* case that made it, and its hash then ("": unknown) ... */
  size_t         n_set;
  const char *const *set;         /* ... and what was laid over it, "key=value": with both the solver can be run again, on another grid say */
} NomosParticleTrajectory;

/* Opens, checks and reads everything once. Errors: no file, not one of these layouts, a trajectory of fewer than 2 frames or no particle, files of different dimension, interval or parameters, a position that is not finite (with trajectory, frame, particle), fractions that leave nothing for
   training. Collective. */
PetscErrorCode NomosParticleDataOpen(MPI_Comm comm, const NomosParticleDataInput *input, NomosParticleData *data);
PetscErrorCode NomosParticleDataClose(NomosParticleData *data);
PetscErrorCode NomosParticleDataGetInfo(NomosParticleData data, const NomosParticleDataInfo **info);
/* Errors: a trajectory beyond. Not collective, as the next one. */
PetscErrorCode NomosParticleDataTrajectory(NomosParticleData data, NomosSplit split, size_t i, NomosParticleTrajectory *trajectory);
/* x (n_frames, n, d) of frames first, ..., of particles sample[n] (NULL: all, n = n_particles). */
typedef struct {
  NomosSplit     split;
  size_t         trajectory, first, n_frames, n;
  const int32_t *sample;
} NomosParticleSelection;
PetscErrorCode NomosParticleDataRead(NomosParticleData data, const NomosParticleSelection *selection, double x[]);

/* Errors: a domain that is periodic: who asks knows no neighbours across its ends. `of`: the key of the data, for messages. */
PetscErrorCode NomosParticleDataCheckWalls(NomosParticleData data, const char of[]);

/* ---- particle_data_walls.c: particles that are walls are moved by the data alone, and are in no error */

/* Errors: a name that is no kind of the data, or all kinds. config: where the names are from. */
PetscErrorCode NomosParticleDataCheckFixed(NomosParticleData data, NomosConfig config);
/* Errors: of these n particles (sample NULL: all) every one is a wall. Not collective. */
PetscErrorCode NomosParticleDataCheckMoving(NomosParticleData data, const NomosParticleTrajectory *trajectory, size_t n, const int32_t sample[]);
/* Particles that end the first trajectory of the training where they began, and are not said to be walls, most likely are; the time between frames and the walls where the files do not say them; particles beyond the walls; a share without a trajectory. Collective. */
PetscErrorCode NomosParticleDataWarn(NomosParticleData data, NomosWarningFn warn, void *ctx);
/* Errors: a material that validation or test have and no trajectory of the training: nothing is learned of it. Collective. */
PetscErrorCode NomosParticleDataCheckLearned(NomosParticleData data);
/* n points, some of them walls; kind (n) of these data. */
typedef struct {
  const NomosParticleDataInfo *info;
  size_t                       n;
  const int32_t               *kind;
} NomosParticlePoints;
/* Mean of |a - b|^2 over those that are no walls, of which there is one; a, b (n, d). */
double NomosParticlePointsMeanSquare(const NomosParticlePoints *points, const double a[], const double b[]);
/* Walls are where the data have them, at truth; x (n, d). */
void NomosParticlePointsHold(const NomosParticlePoints *points, const double truth[], double x[]);
/* How many are no walls; moving (n; may be NULL): which, ascending. */
size_t NomosParticlePointsMoving(const NomosParticlePoints *points, int32_t moving[]);

/* ---- kinds and parameters of other data */

/* Materials that a training knows; `of`: what is compared with them, for messages. */
typedef struct {
  const char        *of;
  size_t             n_kinds;
  const char *const *kinds;
} NomosParticleKinds;
/* kind (n_particles) of a trajectory as numbers of that list, by their names: files may name materials in another order, or others that do not occur. Errors: a particle of a material that the list has not. */
PetscErrorCode NomosParticleDataKindsOf(NomosParticleData data, const NomosParticleKinds *known, const NomosParticleTrajectory *trajectory, int32_t kind[]);
/* Those of all trajectories are numbers of that list from now on, which is the info's too. */
PetscErrorCode NomosParticleDataNameKinds(NomosParticleData data, const NomosParticleKinds *known);
/* "jelly, water", or none, in text (n_text), which is returned. */
const char *NomosParticleNamesList(size_t n, const char *const names[], size_t n_text, char text[]);
/* "jelly,water" for a file of weights, whose readers part them at commas; text (n_text). Errors: names that are too long together, or have a comma. */
PetscErrorCode NomosParticleNamesJoin(size_t n, const char *const names[], size_t n_text, char text[]);
/* Their numbers are those of a training, in the same order. Errors: others. */
PetscErrorCode NomosParticleDataCheckParameters(NomosParticleData data, const char of[], size_t n_parameters, const char *const parameters[]);

/* Mean and deviation of velocities x_{k+1} - x_k and accelerations x_{k+1} - 2 x_k + x_{k-1} (time in frames, as GNS has them; m) along each axis, pooled over all frames and particles of the training: deviation^2 = sum over all of (v - mean)^2/count, not a mean of deviations of trajectories. One that is constant has deviation 0. */
typedef struct {
  double velocity_mean[3], velocity_deviation[3], acceleration_mean[3], acceleration_deviation[3];
} NomosParticleStatistics;
PetscErrorCode NomosParticleDataStatistics(NomosParticleData data, NomosParticleStatistics *statistics);

#endif
