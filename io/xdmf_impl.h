/* Private to the XDMF companion: what its kinds of grid share. */
#ifndef NOMOS_IO_XDMF_IMPL_H
#define NOMOS_IO_XDMF_IMPL_H

#include "io/field_impl.h"

#include <stdio.h>

typedef struct {
  NomosFieldReader reader;
  char             file[NOMOS_MAX_PATH]; /* of the heavy data, as the XDMF file names it */
  FILE            *out;
  size_t           n_frames;
  double          *times;
} NomosXdmf;

/* A dataset of floating-point numbers; with a time axis, that is dimension 0. */
typedef struct {
  const char *name;
  bool        over_time;
  int         n_dims;
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
} NomosXdmfArray;

/* Variables over time come first, constants behind them; `i` counts both. *good: it holds floating-point numbers. */
PetscErrorCode NomosXdmfArrays_Private(const NomosXdmf *xdmf, size_t *n);
PetscErrorCode NomosXdmfArray_Private(const NomosXdmf *xdmf, size_t i, NomosXdmfArray *array, bool *good);

/* A text with XML's own characters escaped. */
void NomosXdmfText_Private(FILE *out, const char text[]);
/* A DataItem: the whole dataset. */
void NomosXdmfHeavy_Private(const NomosXdmf *xdmf, const NomosXdmfArray *array);
/* A DataItem: the block of `array` at start, count (over all its dimensions), to be read as an array of `dimensions`. */
void NomosXdmfSlab_Private(const NomosXdmf *xdmf, const NomosXdmfArray *array, const char dimensions[], const size_t start[], const size_t count[]);

/* One kind of file: *found says whether this is one; else a grid of every frame. `frame` writes what belongs between <Grid> and </Grid>. */
typedef struct {
  const char *name; /* of the collection */
  PetscErrorCode (*find)(const NomosXdmf *xdmf, void *ctx, bool *found);
  PetscErrorCode (*frame)(const NomosXdmf *xdmf, void *ctx, size_t frame);
  size_t context_bytes;
} NomosXdmfKind;
extern const NomosXdmfKind nomos_xdmf_planes, nomos_xdmf_particles;

#endif
