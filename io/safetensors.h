/* Named arrays in one file that PyTorch and NumPy open: the safetensors format (https://huggingface.co/docs/safetensors).

     8 bytes   length n of the header, little-endian
     n bytes   JSON: {"__metadata__": {key: text, ...}, name: {"dtype": "F32", "shape": [3, 4], "data_offsets": [from, to]}, ...}, spaces behind
     the rest  the arrays in C order, without holes and without overlaps

   Files of ours have XXH64 of that rest, 16 hex digits, as `xxh64` in their metadata. */
#ifndef NOMOS_IO_SAFETENSORS_H
#define NOMOS_IO_SAFETENSORS_H

#include "io/field_file.h" /* NomosRealType */

enum { NOMOS_SAFETENSORS_MAX_DIMS = 8 };

typedef struct {
  const char   *name;
  NomosRealType type;
  int           n_dims; /* 0: a scalar */
  size_t        shape[NOMOS_SAFETENSORS_MAX_DIMS];
  const void   *data;   /* row-major */
} NomosSafetensor;

typedef struct {
  const char *key, *text; /* UTF-8 */
} NomosSafetensorsText;

typedef struct {
  size_t                      n_tensors, n_texts;
  const NomosSafetensor      *tensors; /* the same on every rank */
  const NomosSafetensorsText *texts;   /* metadata */
} NomosSafetensorsInput;

/* Write a file that is whole or not there: a temporary name, flushed, renamed. Rank 0 writes. Collective. Errors: two tensors of one name, a name or text that is
   not UTF-8, a header beyond 100 MB, the system's reason. */
PetscErrorCode NomosSafetensorsWrite(MPI_Comm comm, const char path[], const NomosSafetensorsInput *input);

typedef struct NomosSafetensors_s *NomosSafetensors;

/* Read a file, ours or another program's, and check it whole: it is refused when it is shorter or longer than its header says, the header is no JSON object of this form, a
   name stands twice, arrays overlap or leave holes, a size does not fit its type, or the data have not the checksum that the metadata say. Rank 0 reads, every rank gets it. Collective. */
PetscErrorCode NomosSafetensorsOpen(MPI_Comm comm, const char path[], NomosSafetensors *file);
PetscErrorCode NomosSafetensorsClose(NomosSafetensors *file);

/* The tensors, in order of their data. `data` and `name` are borrowed until Close; type is meaningless and data NULL for one that is neither float32 nor float64. Not collective. */
PetscErrorCode NomosSafetensorsList(NomosSafetensors file, size_t *n, const NomosSafetensor **tensors);
/* The one of this name, type and shape, borrowed. Errors: it is not there (with the nearest name), or is of another type or shape. Not collective. */
PetscErrorCode NomosSafetensorsFind(NomosSafetensors file, const NomosSafetensor *wanted, const void **data);
/* A text of the metadata, NULL if absent. Borrowed until Close. */
const char *NomosSafetensorsMetadata(NomosSafetensors file, const char key[]);

#endif
