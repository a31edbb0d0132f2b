/* Boxes of colours are cut where it lowers the squared error the most: the box with the largest one, along its longest axis, at the mean. */
#include "io/palette_impl.h"

#include <limits.h>
#include <math.h>
#include <string.h>

typedef struct {
  float mean[3], weight;
} Bin;

typedef struct {
  size_t start, end; /* in the array of bins */
  double mean[3], error;
  int    axis;       /* with the largest part of the error */
} Box;

static size_t BinOf(uint32_t colour)
{
  enum { DROP = 8 - NOMOS_PALETTE_BITS, MASK = (1 << NOMOS_PALETTE_BITS) - 1 };
  return (size_t)((colour >> (16 + DROP) & MASK) << 2 * NOMOS_PALETTE_BITS | (colour >> (8 + DROP) & MASK) << NOMOS_PALETTE_BITS | (colour >> DROP & MASK));
}

PetscErrorCode NomosPaletteCreate_Private(NomosPalette *palette)
{
  PetscFunctionBeginUser;
  memset(palette, 0, sizeof *palette);
  PetscCall(PetscCalloc2(NOMOS_PALETTE_BINS, &palette->count, NOMOS_PALETTE_BINS, &palette->sum));
  PetscCall(PetscMalloc1(NOMOS_PALETTE_BINS, &palette->nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosPaletteAdd_Private(NomosPalette *palette, size_t n, const uint32_t pixels[])
{
  for (size_t i = 0; i < n; i++) {
    const size_t bin = BinOf(pixels[i]);
    if (palette->count[bin] == 1 << 20) continue; /* its mean is known, and sums must not overflow */
    palette->count[bin]++;
    for (int c = 0; c < 3; c++) palette->sum[bin][c] += pixels[i] >> 8 * c & 255;
  }
}

static Box MakeBox(const Bin *bins, size_t start, size_t end)
{
  Box    box    = {.start = start, .end = end};
  double weight = 0, square[3] = {0};

  for (size_t i = start; i < end; i++) {
    weight += bins[i].weight;
    for (int c = 0; c < 3; c++) {
      box.mean[c] += bins[i].weight * bins[i].mean[c];
      square[c] += (double)bins[i].weight * bins[i].mean[c] * bins[i].mean[c];
    }
  }
  for (int c = 0; c < 3; c++) {
    box.mean[c] /= weight;
    square[c] -= weight * box.mean[c] * box.mean[c];
    box.error += fmax(square[c], 0);
    if (square[c] > square[box.axis]) box.axis = c;
  }
  if (end - start < 2) box.error = 0;
  return box;
}

/* Bins at or below the mean first; where they end. Both parts hold something, unless all are alike. */
static size_t Cut(Bin *bins, const Box *box)
{
  size_t middle = box->start;

  for (size_t i = box->start; i < box->end; i++) {
    if (bins[i].mean[box->axis] > box->mean[box->axis]) continue;
    const Bin other  = bins[middle];
    bins[middle++]   = bins[i];
    bins[i]          = other;
  }
  return middle;
}

PetscErrorCode NomosPaletteChoose_Private(NomosPalette *palette, double tolerance)
{
  Bin   *bins;
  Box    boxes[256];
  double weight = 0, error;
  size_t n_bins = 0, n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(NOMOS_PALETTE_BINS, &bins));
  for (size_t b = 0; b < NOMOS_PALETTE_BINS; b++) {
    if (!palette->count[b]) continue;
    bins[n_bins].weight = (float)palette->count[b];
    weight += palette->count[b];
    for (int c = 0; c < 3; c++) bins[n_bins].mean[c] = (float)palette->sum[b][c] / (float)palette->count[b];
    n_bins++;
  }
  if (n_bins) boxes[n++] = MakeBox(bins, 0, n_bins);
  while (n && n < 256) {
    size_t worst = 0, middle;
    error = 0;
    for (size_t b = 0; b < n; b++) {
      error += boxes[b].error;
      if (boxes[b].error > boxes[worst].error) worst = b;
    }
    if (!(error > weight * tolerance * tolerance)) break;
    middle = Cut(bins, &boxes[worst]);
    if (middle == boxes[worst].start || middle == boxes[worst].end) {
      boxes[worst].error = 0;
      continue;
    }
    boxes[n++]   = MakeBox(bins, middle, boxes[worst].end);
    boxes[worst] = MakeBox(bins, boxes[worst].start, middle);
  }
  palette->n_colours = n;
  for (size_t b = 0; b < n; b++) {
    palette->colour[b] = 0;
    for (int c = 0; c < 3; c++) palette->colour[b] |= (uint32_t)(boxes[b].mean[c] + 0.5) << 8 * c;
  }
  for (size_t b = 0; b < NOMOS_PALETTE_BINS; b++) palette->nearest[b] = -1;
  PetscCall(PetscFree(bins));
  PetscFunctionReturn(PETSC_SUCCESS);
}

uint8_t NomosPaletteFind_Private(NomosPalette *palette, uint32_t colour)
{
  int16_t *nearest = &palette->nearest[BinOf(colour)];
  int      least   = INT_MAX;

  if (*nearest >= 0) return (uint8_t)*nearest;
  for (size_t i = 0; i < palette->n_colours; i++) {
    int square = 0;
    for (int shift = 0; shift < 24; shift += 8) {
      const int difference = (int)(palette->colour[i] >> shift & 255) - (int)(colour >> shift & 255);
      square += difference * difference;
    }
    if (square >= least) continue;
    least    = square;
    *nearest = (int16_t)i;
  }
  return (uint8_t)*nearest;
}

PetscErrorCode NomosPaletteDestroy_Private(NomosPalette *palette)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(palette->count, palette->sum));
  PetscCall(PetscFree(palette->nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}
