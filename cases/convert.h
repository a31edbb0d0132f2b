/* Trajectories from files of several layouts into one file of another, or one for each value of their parameters: `nomos export` and `nomos import`. convert_read.c finds out what there is, convert_plan.c what goes where, convert.c writes it; convert_particles.c does both for particles. */
#ifndef NOMOS_CASES_CONVERT_H
#define NOMOS_CASES_CONVERT_H

#include "cases/program.h"
#include "io/log.h"
#include "io/trajectory_file.h"

enum { NOMOS_CONVERT_MAX_VARIABLES = 64, NOMOS_CONVERT_MAX_SPACE = 3 };

/* A file with its trajectories, or the one of a run. */
typedef struct {
  char  *path, *config; /* config: of a run, YAML */
  bool   is_run;
  size_t n;
} NomosConvertPart;

typedef struct {
  char   name[NOMOS_MAX_NAME], source[NOMOS_MAX_NAME]; /* source: of the dataset */
  char   unit[NOMOS_MAX_NAME], long_name[2 * NOMOS_MAX_NAME];
  bool   timed, time; /* in the source, in the new file; else one for the whole trajectory */
  long   layer; /* -1: it has none */
} NomosConvertField;

typedef struct {
  char    name[NOMOS_MAX_NAME], key[NOMOS_MAX_NAME], unit[NOMOS_MAX_NAME]; /* key: in a case; unit: of the first trajectory. "" unknown */
  double *values;                                     /* of all trajectories */
} NomosConvertParameter;

typedef struct {
  size_t                n_parts, n_trajectories, n_frames, first_frame, points; /* first_frame: earlier ones are left out */
  NomosConvertPart     *parts;
  NomosFieldReader      reader; /* of the part that was opened last: there may be more of them than files that can be open */
  NomosFieldReader      first;  /* of the first one, where there are others to compare with it */
  size_t                open;
  double               *times, *coordinates[NOMOS_CONVERT_MAX_SPACE];
  char                  time_unit[NOMOS_MAX_NAME], space_unit[NOMOS_CONVERT_MAX_SPACE][NOMOS_MAX_NAME];
  int                   n_space;
  char                  space[NOMOS_CONVERT_MAX_SPACE][NOMOS_MAX_NAME]; /* outermost first, x last */
  size_t                size[NOMOS_CONVERT_MAX_SPACE];
  size_t                n_fields, n_parameters;
  NomosConvertField     fields[NOMOS_CONVERT_MAX_VARIABLES];
  NomosConvertParameter parameters[NOMOS_CONVERT_MAX_VARIABLES];
  bool                  single; /* no field has more than 32 bits */
  char                  family[NOMOS_MAX_NAME], left_out[512]; /* left_out: what is in the files and is not taken, with the reason where there is another one than its axes */
  NomosEnds             ends;
} NomosConvertSource;

/* What the files of a path (NomosDataFiles) have in common. Axes are known by their names; without any a list of as many entries as there are trajectories that is not called like a coordinate is a parameter, and what has exactly the
   shape of a field is another one. Errors: nothing over time and space; parts that differ in fields, grid, times, units or boundaries; with place, layouts and what to do. Not collective. */
PetscErrorCode NomosConvertOpen(const char path[], NomosConvertSource *source);
PetscErrorCode NomosConvertClose(NomosConvertSource *source);
/* A block of a field of one trajectory, (n frames, space). Errors: numbers that are not finite, with their place. */
PetscErrorCode NomosConvertRead(NomosConvertSource *source, const NomosConvertField *field, size_t trajectory, size_t frame, size_t n, double values[]);

/* A file to write, and the trajectories of the source that it gets, in their order. */
typedef struct {
  char  *path, *written; /* written: its name until all files are there */
  size_t n, *trajectories;
} NomosConvertOutput;

typedef struct {
  const char         *directory;
  bool                divided, made; /* divided: into the files of a directory; made: it was not there before */
  size_t              n;
  NomosConvertOutput *outputs;
} NomosConvertPlan;

/* Is it one, or to become one (it ends in /)? */
bool           NomosConvertIsDirectory(const char path[]);
/* The trajectories of --where (program->set), all in the file of -o, or in a directory by the names that the layout has for their values (NomosTrajectoryFileName). Errors: parameters and values that there are not. Not collective. */
PetscErrorCode NomosConvertPlanMake(const NomosProgram *program, const NomosConvertSource *source, const NomosTrajectoryFileInput *input, NomosConvertPlan *plan);
/* The directory is made, and names to write to are set. */
PetscErrorCode NomosConvertPlanBegin(NomosConvertPlan *plan);
/* All are written: those of a directory get their names. */
PetscErrorCode NomosConvertPlanEnd(NomosConvertPlan *plan);
/* What has no name by then is removed, and the directory if it was made for that. */
PetscErrorCode NomosConvertPlanClose(NomosConvertPlan *plan);

/* A file that is there is not written over, but with --force. Not collective. */
PetscErrorCode NomosConvertMayWrite(const NomosProgram *program, const char path[]);

/* convert_particles.c: of trajectories of particles, whose numbers differ. Are there any in the first file of a path? */
PetscErrorCode NomosConvertIsParticles(const char path[], bool *is);
/* As LagrangeBench has them, a directory with train.h5, valid.h5, test.h5 (eight tenths, one and one, or the splits that the source has) and metadata.json; or all in a file of ours. Walls that the files do not tell are those of the
   cases of the runs (program->models), or left out. Not collective. */
PetscErrorCode NomosConvertParticles(const NomosProgram *program, bool directory, NomosLog log);

#endif
