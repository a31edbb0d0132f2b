/* Pieces of a PNG file (io/plot_png.c), which an animated one is made of too. */
#ifndef NOMOS_IO_PNG_IMPL_H
#define NOMOS_IO_PNG_IMPL_H

#include "io/base.h"

enum { NOMOS_PNG_SIGNATURE = 8, NOMOS_PNG_CHUNK_OVERHEAD = 12 };
extern const char nomos_png_signature[NOMOS_PNG_SIGNATURE];

/* Most significant byte first; returns what follows. */
unsigned char *NomosPngInteger_Private(unsigned char *to, size_t n_bytes, size_t value);
/* A chunk at `to`: length, name, the n bytes that already lie at to + 8, checksum; returns what follows. */
unsigned char *NomosPngChunk_Private(unsigned char *to, const char name[4], size_t n);

#endif
