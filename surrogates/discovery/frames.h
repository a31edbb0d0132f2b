/* Snapshots of fields along trajectories, one frame at a time, wherever they are: in memory, in files, with noise on top. What regressions are assembled from (library.h). */
#ifndef NOMOS_SURROGATES_DISCOVERY_FRAMES_H
#define NOMOS_SURROGATES_DISCOVERY_FRAMES_H

#include "io/base.h"

typedef struct {
  size_t               n_fields, n_trajectories;
  int                  n_dims;    /* of space: 0 (numbers), 1 (x), 2 (y, x) */
  size_t               n[2];      /* points, outermost first */
  double               length[2]; /* n times the distance of points */
  double               origin[2]; /* of the first point */
  bool                 open;      /* files say that an axis is not periodic (io/ends.h) */
  char                 varying[256]; /* parameters that a file says of its trajectories and that differ, "beta (0.2 to 4)"; "": none */
  const size_t        *n_frames;  /* (n_trajectories) */
  const double *const *times;     /* (n_trajectories)(n_frames), ascending */
  PetscErrorCode (*read)(void *context, size_t trajectory, size_t frame, double *const fields[]); /* (n_fields)(points); NaN: missing. A field may be NULL: not asked for */
  PetscErrorCode (*close)(void *context); /* NULL: nothing to do */
  void *context;
} NomosFrames;

size_t         NomosFramesPoints(const NomosFrames *frames);
PetscErrorCode NomosFramesClose(NomosFrames *frames);

/* In memory: shape, frames and times as above in `like` (borrowed), values (n_trajectories, n_fields)(n_frames, points), borrowed. */
PetscErrorCode NomosFramesOfArrays(const NomosFrames *like, const double *const values[], NomosFrames *frames);

/* In HDF5 or NetCDF-4 files: a run of nomos, or any file with datasets of the names given, or a folder of these. A dataset that has as many axes as space and one more is a trajectory over (time, space); with
   two more, (trajectory, time, space); `name[2]` takes the third entry along the axis before space (a layer), which then is one more. Coordinates are those of attached dimension scales, without
   them datasets `x` and `y` that are as long as the axis; those with the units of a length or time become m and s. */
typedef struct {
  const char        *path;
  size_t             n_fields;
  const char *const *variables;  /* (n_fields) "u", "q[0]" */
  int                n_dims;     /* of space; -1: all axes after time (and the entry's), which is the one whose scale is called so, without scales the one as long as the times */
  const char        *mask;       /* a dataset of the shape of a field, of one frame of it, or of its space: points where it is 0 are missing. NULL or "": none */
  const char        *time;       /* dataset with the times; NULL or "": time, or t */
  double             time_step;  /* where there is none; 0: it must be there */
  double             length[2];  /* of the domain where there are no coordinates; 0: they must be there */
  size_t             first_frame, every, max_frames; /* thinning in time; every 0: 1; max_frames 0: all */
  const char        *where;      /* begins messages */
} NomosFramesInput;

/* Errors: no file; a dataset that is missing (with those there are); shapes, coordinates or times that differ between datasets or files; times that do not ascend; uneven coordinates. Not collective: every
   rank opens the files for itself. */
PetscErrorCode NomosFramesOpen(const NomosFramesInput *input, NomosFrames *frames);

/* A table of text, `NAME.csv`: names in its first line, then a row for every time; commas between; # begins a line for people. Columns: time (or t, or input->time), the variables, and `trajectory` where there are
   several. Space has no axis. NomosFramesOpen calls it for such a path. */
PetscErrorCode NomosFramesOpenTable(const NomosFramesInput *input, NomosFrames *frames);

/* Gaussian noise of standard deviation sigma (n_fields) on top, drawn by (seed, field, trajectory, frame, point): the same however and wherever frames are read. `frames` is borrowed. */
PetscErrorCode NomosFramesWithNoise(const NomosFrames *frames, const double sigma[], uint64_t seed, NomosFrames *noisy);

/* A copy of all frames in memory, of what is read many times and dear to read. `frames` is not needed any more. */
PetscErrorCode NomosFramesKeep(const NomosFrames *frames, NomosFrames *kept);

/* Over all frames, dealt over the ranks of comm; the same bits for any number of them. Any may be NULL. Collective. */
typedef struct {
  double *rms;     /* (n_fields) root mean square of what is not missing */
  double *missing; /* (n_fields) fraction */
} NomosFramesStatistics;
PetscErrorCode NomosFramesMeasure(MPI_Comm comm, const NomosFrames *frames, const NomosFramesStatistics *statistics);

/* Standard deviation of white noise in the data: median |D^6 u|/(0.6745 sqrt(924)) of sixth differences along each axis (time too) with 7 points, the least of the axes; the median passes over fronts. Where times
   are uneven these are divided differences, of the same norm.
   sigma (n_fields). Of some 65536 differences along each axis; every rank does the same. */
PetscErrorCode NomosFramesNoise(const NomosFrames *frames, double sigma[]);

#endif
