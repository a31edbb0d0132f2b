/* LZF, the byte-wise compression of h5py's filter `lzf` (number 32000 of the HDF Group's registry), from the description of its format: a control byte c, then
     c < 32: c + 1 bytes as they are;   else a copy of bytes that were put out before, (c >> 5) + 2 of them (where c >> 5 is 7, the next byte more), from ((c & 31) << 8 | next byte) + 1 back. */
#ifndef NOMOS_IO_LZF_H
#define NOMOS_IO_LZF_H

#include "io/base.h"

/* in (n_in) compressed into out (n_out); how many bytes, 0: they do not fit. */
size_t NomosLzfCompress(const void *in, size_t n_in, void *out, size_t n_out);
/* How many bytes it expands to; 0: it ends within an item. */
size_t NomosLzfExpandedSize(const void *in, size_t n_in);
/* Expand into out (n_out). False: it is damaged, or is not of this size. */
bool NomosLzfExpand(const void *in, size_t n_in, void *out, size_t n_out);

#endif
