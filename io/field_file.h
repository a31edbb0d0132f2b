/* Fields over an unlimited time axis in HDF5 with NetCDF-4 layout: ncdump, xarray and ParaView (by XDMF) open them.

   A killed run must not lose frames: all metadata are written when the file is created, with room for `capacity` frames allocated but not
   filled, and made durable. After that a frame is raw data only (its time last), so the file is valid at any moment; frames not yet written have time
   NaN. Closing trims the time axis to the frames written, and compresses if asked (into a new file that replaces the old one). */
#ifndef NOMOS_IO_FIELD_FILE_H
#define NOMOS_IO_FIELD_FILE_H

#include "io/base.h"

typedef struct NomosFieldFile_s *NomosFieldFile;

enum { NOMOS_FIELD_MAX_DIMS = 5 };

typedef struct {
  const char   *name;          /* "x", "layer", "k" */
  size_t        size;
  const double *values;        /* (size) coordinates */
  const char   *unit;          /* CF units; NULL: "1" */
  const char   *long_name;
  const char   *standard_name; /* CF, may be NULL */
  const char   *axis;          /* "X", "Y", "Z" or NULL */
  bool          cells;         /* what is over it are means over cells with these centres, not values at these points */
  bool          open;          /* not periodic: the domain ends half a spacing before the first point and behind the last. For readers within; files say it by boundary_x, ... (io/ends.h) */
} NomosFieldDim;

typedef enum { NOMOS_F32, NOMOS_F64 } NomosRealType;

static inline size_t NomosRealBytes(NomosRealType type)
{
  return type == NOMOS_F32 ? sizeof(float) : sizeof(double);
}

typedef struct {
  const char   *name;                       /* "q" */
  const char   *dims[NOMOS_FIELD_MAX_DIMS]; /* outermost first without time, NULL-terminated: {"layer", "y", "x"} */
  bool          constant;                   /* no time axis (topography) */
  NomosRealType type;                       /* as stored */
  const char   *unit, *long_name, *standard_name;
  const char   *flag_meanings;              /* CF: what the values 0, 1, ... stand for, separated by spaces ("spring pendulum"); NULL: they are numbers */
} NomosFieldVariable;

/* One more attribute, of a variable or (variable NULL) of the file: a text, or where that is NULL a number. */
typedef struct {
  const char *variable, *name, *text;
  double      number;
} NomosFieldAttribute;

typedef struct {
  const char               *path;
  bool                      timeless;     /* without time and step: all variables are constant, and `time` may be a dimension like any other */
  size_t                    n_dims;
  const NomosFieldDim      *dims;
  size_t                    n_variables;
  const NomosFieldVariable *variables;
  size_t                    n_attributes;
  const NomosFieldAttribute *attributes;
  size_t                    capacity;     /* frames the run is expected to write; more is possible, then metadata change */
  int                       compression;  /* 0-9, applied when the file is closed */
  const char               *time_unit;    /* "s" or "1" */
  const char               *title;        /* CF global attributes */
  const char               *source;       /* "nomos 0.1.0 (commit)" */
  const char               *references;
  const char               *config_yaml;  /* stored as attributes `config` and `provenance` (JSON) of the root group */
  const char               *provenance_json;
} NomosFieldFileInput;

/* Create (replacing) a file. Coordinates time(time) [f64] and step(time) [int64] exist always, but in a timeless file. Collective. Errors: PETSC_ERR_FILE_OPEN/WRITE with the
   path and the system's reason; too little space on the device is found here (bytes needed, bytes free). */
PetscErrorCode NomosFieldFileCreate(MPI_Comm comm, const NomosFieldFileInput *input, NomosFieldFile *file);

/* Re-open the file of an interrupted run to go on after the frames with step <= last_step: later frames are discarded (a timeless one as it was left). The definition must be
   the same; a foreign or damaged file is an error that says so. With file NULL this is all that is found out, and nothing changes. Collective. */
PetscErrorCode NomosFieldFileResume(MPI_Comm comm, const NomosFieldFileInput *input, int64_t last_step, NomosFieldFile *file);

/* Begin frame: fixes its place. Then write every variable (any order), then end: writes step, then time. Collective. */
PetscErrorCode NomosFieldFileBeginFrame(NomosFieldFile file, double time, int64_t step);
/* This rank's block of variable `name`: start and count per dim (time excluded), data in C order, f64 or f32 as `type` says; converted to the
   stored type. Ranks with nothing pass count 0; a variable without dims is written by rank 0. Collective. */
PetscErrorCode NomosFieldFileWrite(NomosFieldFile file, const char name[], NomosRealType type, const size_t start[], const size_t count[], const void *data);
PetscErrorCode NomosFieldFileEndFrame(NomosFieldFile file);
size_t         NomosFieldFileFrames(NomosFieldFile file);

/* Trim, compress if asked, close. Collective. */
PetscErrorCode NomosFieldFileClose(NomosFieldFile *file);

/* No file at all: what is written by NomosFieldFileWrite goes to a function, at once; frames are neither begun nor ended. For whoever wants the fields of a model in memory. Close it like others. */
typedef PetscErrorCode (*NomosFieldSinkFn)(const char name[], NomosRealType type, const size_t start[], const size_t count[], const void *data, void *ctx);
PetscErrorCode NomosFieldFileCreateSink(NomosFieldSinkFn sink, void *ctx, NomosFieldFile *file);

/* Reading (ours, or any NetCDF-4/HDF5 file with datasets of these names). Serial use: open on PETSC_COMM_SELF.
   Files in the layouts of PDEBench and The Well are recognised and present variables over (trajectory, time, [z, y,] x), whatever the order in the file: `tensor` is also called u, the components
   of a dataset have names of their own (u, v; velocity_x), coordinates are time, x, y, z, with as many times as there are frames, numbers that are attributes or scalars are variables over (trajectory), and the ends of axes are attributes of the root (io/ends.h).
   Shape: rank and sizes of a dataset, time included. Read: a hyperslab as double; start/count over all its dims; unpacked (scale_factor, add_offset), and NaN where a value is missing (_FillValue, missing_value,
   outside of valid_range; reals without such a mark: NetCDF's default fill value), as the CF conventions say. An enumeration, such as h5py's truth values, is its integers. */
typedef struct NomosFieldReader_s *NomosFieldReader;
PetscErrorCode NomosFieldReaderOpen(MPI_Comm comm, const char path[], NomosFieldReader *reader);
/* From now on what is over (trajectory, ...) is read as if it were of this one trajectory alone, counted from 0, without that dimension: a run like others. Errors come when it is read. */
PetscErrorCode NomosFieldReaderSelect(NomosFieldReader reader, size_t trajectory);
PetscErrorCode NomosFieldReaderHas(NomosFieldReader reader, const char name[], bool *has);
PetscErrorCode NomosFieldReaderShape(NomosFieldReader reader, const char name[], int *n_dims, size_t shape[NOMOS_FIELD_MAX_DIMS + 1]);
/* Sizes of the chunks it is stored in; *chunked false where it lies in one piece (then chunk is its shape). */
PetscErrorCode NomosFieldReaderChunk(NomosFieldReader reader, const char name[], bool *chunked, size_t chunk[NOMOS_FIELD_MAX_DIMS + 1]);
PetscErrorCode NomosFieldReaderRead(NomosFieldReader reader, const char name[], const size_t start[], const size_t count[], double *data);
PetscErrorCode NomosFieldReaderAttribute(NomosFieldReader reader, const char name[], const char attribute[], char **text); /* name NULL: root; *text NULL if absent; PetscFree */
PetscErrorCode NomosFieldReaderFrames(NomosFieldReader reader, size_t *n); /* leading frames with a finite time */
/* Names of the datasets that have a time axis first, apart from time and step, in creation order. Borrowed until close. */
PetscErrorCode NomosFieldReaderVariables(NomosFieldReader reader, size_t *n, const char *const **names);
/* Names of the datasets without a time axis that are no coordinates. Borrowed until close. */
PetscErrorCode NomosFieldReaderConstants(NomosFieldReader reader, size_t *n, const char *const **names);
/* Those over time, or with `all` both, as an error lists them: "u, v", "none", and ... where there are more than `text` holds. */
const char    *NomosFieldReaderNames(NomosFieldReader reader, bool all, char text[200]);
/* Names of the root's attributes that are single numbers, where datasets are what they seem. Borrowed until close. */
PetscErrorCode NomosFieldReaderNumbers(NomosFieldReader reader, size_t *n, const char *const **names);
/* Names of what is in the root and is presented in no way: groups, dimension scales that are attached to nothing, and in other layouts datasets that they do not know. Borrowed until close. */
PetscErrorCode NomosFieldReaderOthers(NomosFieldReader reader, size_t *n, const char *const **names);
/* A coordinate: the list of its n numbers (the caller's to PetscFree), whether it lies as a list, as one for each trajectory (trajectory, time), as a column (time, 1) or as a mesh (y, x): along one axis, and the same along the others,
   to what rounding does (NomosCoordinateTolerance). Errors: rows that differ, with the place; a single number. */
PetscErrorCode NomosFieldReaderCoordinate(NomosFieldReader reader, const char name[], size_t *n, double **values);
/* By how much coordinates, or intervals of them, that are meant to be equal may differ: they may be rounded to float32, or sums of rounded intervals; farthest: the largest coordinate. Rounding excuses a
   twentieth of the interval (0: there is none) at most: far from 0, as seconds since 1970 are, that of float32 would excuse all. */
double         NomosCoordinateTolerance(double interval, double farthest);
/* Are these x[0] + i interval, but for that? */
bool           NomosCoordinatesEven(size_t n, const double x[], double interval);
/* Is this what coordinates are called (time, t, x, t-coordinate, ...), so that a list of this name is no parameter, whatever its length? */
bool           NomosIsCoordinate(const char name[]);
/* Bytes of a floating-point number of a dataset as stored; 0 if it holds something else. */
size_t         NomosFieldReaderRealSize(NomosFieldReader reader, const char name[]);
/* Name of the dim scale attached to dimension i of a dataset ("time", "layer", "y", "x"); "" if none. Borrowed until close. */
PetscErrorCode NomosFieldReaderDimName(NomosFieldReader reader, const char name[], int i, const char **dim);
/* "pdebench", "well", or "" where datasets are what they seem. */
const char    *NomosFieldReaderLayout(NomosFieldReader reader);
PetscErrorCode NomosFieldReaderClose(NomosFieldReader *reader);

/* Write the XDMF companion of a finished or running file (rank 0 of comm writes, atomically), one grid per frame. Of 2-D or layered 2-D fields: for a leading non-spatial dimension one
   attribute per layer (`q_1`, `q_2`). Of particles, if there is a variable `position` (particle, axis): a cloud of vertices; what else is over the same particles is a scalar, a vector
   (particle, axis) or a tensor (particle, row, column) of it. Opened by ParaView's and VTK's legacy XDMF reader. */
PetscErrorCode NomosXdmfWrite(MPI_Comm comm, const char field_path[], const char xdmf_path[]);

#endif
