/* Files as the operating system sees them (private to io/): durable renames and blocks of arrays
   inside a file.

   Metadata are HDF5's business, on rank 0 alone. Raw data lie at offsets that HDF5 tells, and every rank reads and writes its own
   blocks there with pread and pwrite: no library state that a full disk can spoil, no lock that keeps readers of a running file out. */
#ifndef NOMOS_IO_DISK_IMPL_H
#define NOMOS_IO_DISK_IMPL_H

#include "io/base.h"
#include "io/field_file.h"
#include "io/verdict.h"

/* `directory/.name.tmp` beside `path`. */
bool NomosTemporaryName(const char path[], char temporary[NOMOS_MAX_PATH], NomosVerdict *verdict);
/* The directory part of a path ("." if none). */
void NomosDirectoryName(const char path[], char directory[NOMOS_MAX_PATH]);
/* The temporary file replaces `path`: flushed to the disk before, the directory after. On failure the temporary is removed. */
bool NomosRenameDurable(const char temporary[], const char path[], NomosVerdict *verdict);
/* Is there room for `bytes` on the device of `path`? (More than can be known fails later, with the system's reason.) */
bool NomosSpaceCheck(const char path[], double bytes, const char what[], NomosVerdict *verdict);

/* An array in a file; strides in bytes, so that one dimension may be padded. */
enum { NOMOS_ARRAY_MAX_DIMS = 8 };
typedef struct {
  int           n_dims;
  size_t        size[NOMOS_ARRAY_MAX_DIMS];
  int64_t       stride[NOMOS_ARRAY_MAX_DIMS];
  int64_t       base; /* offset of the first element */
  NomosRealType type;
} NomosFileArray;

/* All bytes, or false with errno (0: the file ends too early). */
bool NomosPwrite(int fd, const void *data, size_t bytes, int64_t offset);
bool NomosPread(int fd, void *data, size_t bytes, int64_t offset);

/* Does start + count stay inside the array? */
bool NomosBlockCheck(const NomosFileArray *array, const size_t start[], const size_t count[], const char path[], const char name[],
                     NomosVerdict *verdict);
/* Block of `type` data into the array (converted to the array's type), or out of an array of the same type. False with errno. */
bool NomosBlockWrite(int fd, const NomosFileArray *array, NomosRealType type, const size_t start[], const size_t count[], const void *data);
bool NomosBlockRead(int fd, const NomosFileArray *array, const size_t start[], const size_t count[], void *data);

#endif
