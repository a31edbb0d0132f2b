/* A palette for pictures (io/palette.c): the colours of samples, cut into boxes until there are enough. */
#ifndef NOMOS_IO_PALETTE_IMPL_H
#define NOMOS_IO_PALETTE_IMPL_H

#include "io/base.h"

enum { NOMOS_PALETTE_BITS = 6, NOMOS_PALETTE_BINS = 1 << 3 * NOMOS_PALETTE_BITS };

typedef struct {
  size_t    n_colours;
  uint32_t  colour[256]; /* 0xRRGGBB */
  uint32_t *count;       /* of the samples, by bin */
  uint32_t (*sum)[3];    /* of their blue, green, red */
  int16_t  *nearest;     /* of a bin: number of its colour, -1: not looked up yet */
} NomosPalette;

PetscErrorCode NomosPaletteCreate_Private(NomosPalette *palette);
void           NomosPaletteAdd_Private(NomosPalette *palette, size_t n, const uint32_t pixels[]);
/* So many colours (at most 256) that what was added differs from them by `tolerance` levels in the root mean square. */
PetscErrorCode NomosPaletteChoose_Private(NomosPalette *palette, double tolerance);
uint8_t        NomosPaletteFind_Private(NomosPalette *palette, uint32_t colour);
PetscErrorCode NomosPaletteDestroy_Private(NomosPalette *palette);

#endif
