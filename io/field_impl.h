/* Private to the field file, its reader and the XDMF companion. */
#ifndef NOMOS_IO_FIELD_IMPL_H
#define NOMOS_IO_FIELD_IMPL_H

#include "io/disk_impl.h"
#include "io/field_file.h"
#include "io/hdf5_impl.h"

/* Where a variable lies in the file. Chunks hold one frame, several small ones, or a slab of a large one, and lie one behind the other; so
   a frame is a C-ordered array whose sliced dimension may be padded to whole slabs. */
typedef struct {
  NomosFileArray array;                           /* of frame 0, time excluded */
  int64_t        frame;                           /* bytes from one frame to the next */
  hsize_t        chunk[NOMOS_FIELD_MAX_DIMS + 1]; /* time first */
  size_t         n_chunks;
  bool           constant;
} NomosFieldPlace;

/* A file has n_variables + 2 places: the variables, then (unless it is timeless) step and time. */
enum { NOMOS_FIELD_MAX_FRAMES_AT_FIRST = 1 << 20 };
static inline size_t NomosFieldPlaces(const NomosFieldFileInput *input)
{
  return input->n_variables + (input->timeless ? 0 : 2);
}

/* Check the definition and place every variable (bases apart) for `capacity` frames. *bytes: raw data in all. */
bool  NomosFieldPlan(const NomosFieldFileInput *input, size_t capacity, NomosFieldPlace places[], double *bytes, NomosVerdict *verdict);
/* Write a new file with all its metadata; the open file, or negative. */
hid_t NomosFieldDefine(const char path[], const NomosFieldFileInput *input, size_t capacity, int compression,
                       const NomosFieldPlace places[], NomosVerdict *verdict);
/* Find the bases of the places; false without a verdict if the raw data do not lie as planned (compressed, or another program's file). */
bool  NomosFieldLocate(hid_t file, const NomosFieldFileInput *input, NomosFieldPlace places[]);
/* Is this file what `input` defines? */
bool  NomosFieldCheck(hid_t file, const NomosFieldFileInput *input, const char path[], NomosVerdict *verdict);
/* The first `frames` frames of all variables, through HDF5 (so compression is no matter); time last. */
bool  NomosFieldCopy(hid_t from, hid_t to, const NomosFieldFileInput *input, const NomosFieldPlace places[], size_t frames,
                     const char path[], NomosVerdict *verdict);

#endif
