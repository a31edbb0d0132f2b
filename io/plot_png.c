/* PNG of a surface. Pictures of colour maps have few colours and sharp text: unfiltered rows at a low level of deflate are as small as what cairo's own writer makes,
   several times sooner, and the same bytes serve inside an SVG. */
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

bool NomosPngEncode_Private(cairo_surface_t *surface, unsigned char **bytes, size_t *n_bytes)
{
  size_t               width = (size_t)cairo_image_surface_get_width(surface), height = (size_t)cairo_image_surface_get_height(surface);
  size_t               stride = (size_t)cairo_image_surface_get_stride(surface), row = 1 + 3 * width;
  uLongf               n    = compressBound((uLong)(row * height));
  unsigned char       *raw  = (unsigned char *)malloc(row * height), *to;
  const unsigned char *data = (cairo_surface_flush(surface), cairo_image_surface_get_data(surface));

  *bytes = (unsigned char *)malloc(HEADER + n + 2 * NOMOS_PNG_CHUNK_OVERHEAD);
  if (!raw || !*bytes || !data) goto failed;
  for (size_t j = 0; j < height; j++) {
    const uint32_t *pixels = (const uint32_t *)(const void *)(data + j * stride);
    unsigned char  *out    = raw + j * row;
    *out++                 = 0; /* no filter */
    for (size_t i = 0; i < width; i++) {
      *out++ = (unsigned char)(pixels[i] >> 16);
      *out++ = (unsigned char)(pixels[i] >> 8);
      *out++ = (unsigned char)pixels[i];
    }
  }
  memcpy(*bytes, nomos_png_signature, NOMOS_PNG_SIGNATURE);
  to = *bytes + NOMOS_PNG_SIGNATURE;
  NomosPngInteger_Private(NomosPngInteger_Private(to + 8, 4, width), 4, height);
  memcpy(to + 16, "\x08\x02\x00\x00\x00", 5); /* 8 bits, RGB */
  to = NomosPngChunk_Private(to, "IHDR", 13);
  if (compress2(to + 8, &n, raw, (uLong)(row * height), LEVEL) != Z_OK) goto failed;
  to       = NomosPngChunk_Private(to, "IDAT", n);
  to       = NomosPngChunk_Private(to, "IEND", 0);
  *n_bytes = (size_t)(to - *bytes);
  free(raw);
  return true;
failed:
  free(raw);
  free(*bytes);
  *bytes = NULL;
  return false;
}
