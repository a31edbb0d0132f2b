#include "io/lzf.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_RUN = 32, SHORTEST_COPY = 3, LONGEST_COPY = 264, FARTHEST = 1 << 13, HASH_BITS = 14 };

/* Bytes that the item at `in` of n makes, and where its operand ends; 0: it is cut off. */
static inline size_t Item(const uint8_t *in, size_t n, size_t *bytes)
{
  const size_t control = in[0];

  if (control < LONGEST_RUN) {
    *bytes = control + 2;
    return *bytes <= n ? control + 1 : 0;
  }
  const bool extended = control >> 5 == 7;
  *bytes              = extended ? 3 : 2;
  if (*bytes > n) return 0;
  return (control >> 5) + 2 + (extended ? in[1] : 0);
}

size_t NomosLzfExpandedSize(const void *in, size_t n)
{
  const uint8_t *from = in;
  size_t         size = 0, bytes = 0;

  for (; n; from += bytes, n -= bytes) {
    const size_t made = Item(from, n, &bytes);
    if (!made) return 0;
    size += made;
  }
  return size;
}

bool NomosLzfExpand(const void *in, size_t n, void *out, size_t n_out)
{
  const uint8_t *from = in;
  uint8_t       *to   = out;
  size_t         at = 0, bytes = 0;

  for (; n; from += bytes, n -= bytes) {
    const size_t made = Item(from, n, &bytes);
    if (!made || made > n_out - at) return false;
    if (from[0] < LONGEST_RUN) memcpy(to + at, from + 1, made);
    else {
      const size_t back = ((size_t)(from[0] & 31) << 8 | from[bytes - 1]) + 1;
      if (back > at) return false;
      if (back >= made) memcpy(to + at, to + at - back, made);
      else
        for (size_t i = 0; i < made; i++) to[at + i] = to[at + i - back]; /* it repeats itself */
    }
    at += made;
  }
  return at == n_out;
}

/* n bytes as they are; where the output ends, NULL: it is full. */
static uint8_t *PutRuns(const uint8_t *from, size_t n, uint8_t *to, const uint8_t *end)
{
  while (n) {
    const size_t run = n < LONGEST_RUN ? n : LONGEST_RUN;
    if (!to || (size_t)(end - to) < run + 1) return NULL;
    *to++ = (uint8_t)(run - 1);
    memcpy(to, from, run);
    to += run;
    from += run;
    n -= run;
  }
  return to;
}

static uint8_t *PutCopy(size_t length, size_t back, uint8_t *to, const uint8_t *end)
{
  const size_t more = length - 2, high = (back - 1) >> 8;

  if (!to || end - to < 3) return NULL;
  *to++ = (uint8_t)((more < 7 ? more : 7) << 5 | high);
  if (more >= 7) *to++ = (uint8_t)(more - 7);
  *to++ = (uint8_t)(back - 1);
  return to;
}

/* Greedy: the last place with the same three bytes, by a table of hashes. */
size_t NomosLzfCompress(const void *in, size_t n, void *out, size_t n_out)
{
  const uint8_t *from = in, *end = (uint8_t *)out + n_out;
  uint8_t       *to   = out;
  size_t        *last = calloc((size_t)1 << HASH_BITS, sizeof *last), run = 0, i = 0; /* last: place + 1 */

  if (!last) return 0;
  while (to && i + SHORTEST_COPY <= n) {
    const uint32_t three = (uint32_t)from[i] << 16 | (uint32_t)from[i + 1] << 8 | from[i + 2];
    size_t        *slot  = &last[three * 2654435761u >> (32 - HASH_BITS)], length = 0;
    const size_t   back  = *slot ? i + 1 - *slot : 0;
    *slot                = i + 1;
    if (back && back <= FARTHEST)
      while (length < LONGEST_COPY && i + length < n && from[i + length] == from[i + length - back]) length++;
    if (length < SHORTEST_COPY) i++;
    else {
      to  = PutCopy(length, back, PutRuns(from + run, i - run, to, end), end);
      run = i += length;
    }
  }
  free(last);
  if (to) to = PutRuns(from + run, n - run, to, end);
  return to ? (size_t)(to - (uint8_t *)out) : 0;
}
