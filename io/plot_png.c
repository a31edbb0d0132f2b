/* PNG of a surface. Pictures of colour maps have few colours and sharp text: unfiltered rows at a low level of deflate are as small as what cairo's own writer makes,
   several times sooner, and the same bytes serve inside an SVG. */
#include "io/plot_impl.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LEVEL = 4, CHUNK_OVERHEAD = 12, HEADER = 8 + CHUNK_OVERHEAD + 13 };

static unsigned char *PutInteger(unsigned char *to, size_t value)
{
  for (int shift = 24; shift >= 0; shift -= 8) *to++ = (unsigned char)(value >> shift);
  return to;
}

/* Length, name, data (already in place behind the name), checksum. */
static unsigned char *PutChunk(unsigned char *to, const char name[4], size_t n)
{
  PutInteger(to, n);
  memcpy(to + 4, name, 4);
  return PutInteger(to + 8 + n, crc32(crc32(0, NULL, 0), to + 4, (uInt)(n + 4)));
}

bool NomosPngEncode_Private(cairo_surface_t *surface, unsigned char **bytes, size_t *n_bytes)
{
  size_t               width = (size_t)cairo_image_surface_get_width(surface), height = (size_t)cairo_image_surface_get_height(surface);
  size_t               stride = (size_t)cairo_image_surface_get_stride(surface), row = 1 + 3 * width;
  uLongf               n    = compressBound((uLong)(row * height));
  unsigned char       *raw  = (unsigned char *)malloc(row * height), *to;
  const unsigned char *data = (cairo_surface_flush(surface), cairo_image_surface_get_data(surface));

  *bytes = (unsigned char *)malloc(HEADER + n + 2 * CHUNK_OVERHEAD);
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
  memcpy(*bytes, "\x89PNG\r\n\x1a\n", 8);
  to = *bytes + 8;
  PutInteger(PutInteger(to + 8, width), height);
  memcpy(to + 16, "\x08\x02\x00\x00\x00", 5); /* 8 bits, RGB */
  to = PutChunk(to, "IHDR", 13);
  if (compress2(to + 8, &n, raw, (uLong)(row * height), LEVEL) != Z_OK) goto failed;
  to       = PutChunk(to, "IDAT", n);
  to       = PutChunk(to, "IEND", 0);
  *n_bytes = (size_t)(to - *bytes);
  free(raw);
  return true;
failed:
  free(raw);
  free(*bytes);
  *bytes = NULL;
  return false;
}
