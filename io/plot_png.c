/* PNG of a surface. Pictures of colour maps have few colours and sharp text: unfiltered rows at a low level of deflate are as small as what cairo's own writer makes,
   several times sooner, and the same bytes serve inside an SVG. Pictures of shaded things have thousands of colours of which 256 are enough: a third of the bytes. */
#include "io/palette_impl.h"
#include "io/plot_impl.h"
#include "io/png_impl.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LEVEL = 4, HEADER = NOMOS_PNG_SIGNATURE + NOMOS_PNG_CHUNK_OVERHEAD + 13 };

const char nomos_png_signature[NOMOS_PNG_SIGNATURE] = {'\x89', 'P', 'N', 'G', '\r', '\n', '\x1a', '\n'};

unsigned char *NomosPngInteger_Private(unsigned char *to, size_t n_bytes, size_t value)
{
  while (n_bytes-- > 0) *to++ = (unsigned char)(value >> 8 * n_bytes);
  return to;
}

unsigned char *NomosPngChunk_Private(unsigned char *to, const char name[4], size_t n)
{
  NomosPngInteger_Private(to, 4, n);
  memcpy(to + 4, name, 4);
  return NomosPngInteger_Private(to + 8 + n, 4, crc32(crc32(0, NULL, 0), to + 4, (uInt)(n + 4)));
}

/* The colours of a picture, as many as its shades need (at most 256); false without memory. */
static bool FindPalette(cairo_surface_t *surface, NomosPalette *palette)
{
  const size_t         width = (size_t)cairo_image_surface_get_width(surface), stride = (size_t)cairo_image_surface_get_stride(surface);
  const unsigned char *data = cairo_image_surface_get_data(surface);

  if (NomosPaletteCreate_Private(palette)) return false;
  for (int j = 0; j < cairo_image_surface_get_height(surface); j++) NomosPaletteAdd_Private(palette, width, (const uint32_t *)(const void *)(data + (size_t)j * stride));
  return !NomosPaletteChoose_Private(palette, 1);
}

bool NomosPngEncode_Private(cairo_surface_t *surface, bool shaded, unsigned char **bytes, size_t *n_bytes)
{
  size_t               width = (size_t)cairo_image_surface_get_width(surface), height = (size_t)cairo_image_surface_get_height(surface);
  size_t               stride = (size_t)cairo_image_surface_get_stride(surface), row = 1 + (shaded ? 1 : 3) * width;
  uLongf               n    = compressBound((uLong)(row * height));
  unsigned char       *raw  = (unsigned char *)malloc(row * height), *to;
  const unsigned char *data = (cairo_surface_flush(surface), cairo_image_surface_get_data(surface));
  NomosPalette         palette = {0};
  bool                 done    = false;

  *bytes = (unsigned char *)malloc(HEADER + n + 3 * NOMOS_PNG_CHUNK_OVERHEAD + 3 * 256);
  if (!raw || !*bytes || !data || (shaded && !FindPalette(surface, &palette))) goto end;
  for (size_t j = 0; j < height; j++) {
    const uint32_t *pixels = (const uint32_t *)(const void *)(data + j * stride);
    unsigned char  *out    = raw + j * row;
    *out++                 = 0; /* no filter */
    for (size_t i = 0; i < width; i++) {
      if (shaded) *out++ = NomosPaletteFind_Private(&palette, pixels[i]);
      else out = NomosPngInteger_Private(out, 3, pixels[i] & 0xffffff);
    }
  }
  memcpy(*bytes, nomos_png_signature, NOMOS_PNG_SIGNATURE);
  to = *bytes + NOMOS_PNG_SIGNATURE;
  NomosPngInteger_Private(NomosPngInteger_Private(to + 8, 4, width), 4, height);
  memcpy(to + 16, shaded ? "\x08\x03\x00\x00\x00" : "\x08\x02\x00\x00\x00", 5); /* 8 bits, of a palette or RGB */
  to = NomosPngChunk_Private(to, "IHDR", 13);
  for (size_t i = 0; i < palette.n_colours; i++) NomosPngInteger_Private(to + 8 + 3 * i, 3, palette.colour[i]);
  if (shaded) to = NomosPngChunk_Private(to, "PLTE", 3 * palette.n_colours);
  if (compress2(to + 8, &n, raw, (uLong)(row * height), LEVEL) == Z_OK) {
    to       = NomosPngChunk_Private(to, "IDAT", n);
    to       = NomosPngChunk_Private(to, "IEND", 0);
    *n_bytes = (size_t)(to - *bytes);
    done     = true;
  }
end:
  free(raw);
  if (shaded && NomosPaletteDestroy_Private(&palette)) done = false;
  if (!done) {
    free(*bytes);
    *bytes = NULL;
  }
  return done;
}
