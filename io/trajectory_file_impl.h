/* Private to files of trajectories: what a layout needs to define its file. */
#ifndef NOMOS_IO_TRAJECTORY_FILE_IMPL_H
#define NOMOS_IO_TRAJECTORY_FILE_IMPL_H

#include "io/layout_impl.h"
#include "io/trajectory_file.h"

/* Fields and coefficients, in the order of the input; the sizes are those of its dims. */
struct NomosTrajectoryFile_s {
  NomosTrajectoryFileInput input;
  NomosFieldAttribute *attributes; /* those of the input, and its ends */
  const struct NomosTrajectoryFormat_s *format;
  char              path[NOMOS_MAX_PATH], temporary[NOMOS_MAX_PATH];
  NomosFieldFile    ours; /* of the format nomos */
  hid_t             file; /* of the others */
  NomosLayout       layout;
  NomosPendingBlock *pending; /* (layout.n_views): of vectors whose components have not all come */
  double          **parameters; /* (n_variables): values of those over trajectories alone */
};

typedef enum { NOMOS_PLACE_EACH, NOMOS_PLACE_LEFT_OUT, NOMOS_PLACE_ONE_VALUE } NomosTrajectoryPlace;

typedef struct NomosTrajectoryFormat_s {
  const char *name;
  /* Datasets and views; the axes of space are in the layout. */
  bool (*define)(NomosTrajectoryFile file, NomosVerdict *verdict);
  /* The parameters, when all are known. */
  bool (*finish)(NomosTrajectoryFile file, NomosVerdict *verdict);
  /* May a parameter differ between trajectories? Left out: where it differs it has no place; one value: it is what the file is of, and must not. */
  NomosTrajectoryPlace (*place)(const NomosTrajectoryFileInput *input, const char name[]);
  /* As NomosTrajectoryFileName. NULL: a file holds every value. */
  void (*name_file)(const NomosTrajectoryFileInput *input, const double values[], char name[NOMOS_MAX_PATH]);
} NomosTrajectoryFormat;

extern const NomosTrajectoryFormat nomos_trajectory_pdebench, nomos_trajectory_well;

/* Axes of a variable: parameter (trajectory), coefficient (no time), field. */
bool                 NomosIsParameter(const NomosFieldVariable *variable);
bool                 NomosHasTime(const NomosFieldVariable *variable);
const NomosFieldDim *NomosTrajectoryDim(const NomosTrajectoryFileInput *input, const char name[]);
/* A dataset of 32-bit floats: in chunks compressed by lzf, or (chunk NULL) in one piece. Values may be given at once. Groups on the way to it are made. */
typedef struct {
  const char   *name, *unit;
  int           n_dims;
  const hsize_t *size;
  const hsize_t *chunk;
  const double *values;
} NomosFloats;
bool NomosPutFloats(hid_t location, const char path[], const NomosFloats *dataset, NomosVerdict *verdict);
/* What the input says of the whole file: title, source, equation, scheme, ... */
bool NomosPutDescription(NomosTrajectoryFile file, hid_t object, NomosVerdict *verdict);

#endif
