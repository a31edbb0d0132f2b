#include "operators/primitives/loop_impl.h"

#include <omp.h>
#include <string.h>

enum { SHORT = 16 };

void NomosLoopBegin(NomosLoop *loop, int n_dims, const size_t shape[])
{
  loop->n_dims     = n_dims;
  loop->n_operands = 0;
  for (int i = 0; i < n_dims; i++) loop->shape[i] = shape[i];
}

void NomosLoopAdd(NomosLoop *loop, NomosTape tape, const NomosNode *node)
{
  const int o = loop->n_operands++, shift = loop->n_dims - node->n_dims;

  for (int i = 0; i < loop->n_dims; i++) loop->stride[o][i] = i < shift || (node->shape[i - shift] == 1 && loop->shape[i] != 1) ? 0 : node->stride[i - shift];
  loop->data[o]  = NomosNodeData(node, tape);
  loop->entry[o] = NomosRealBytes(node->type);
}

/* Drop axes of length 1, join an axis with the next where every operand allows it. */
static void Join(NomosLoop *loop)
{
  int n = 0;

  for (int i = 0; i < loop->n_dims; i++) {
    if (loop->shape[i] == 1) continue;
    bool joins = n > 0;
    for (int o = 0; o < loop->n_operands && joins; o++) joins = loop->stride[o][n - 1] == loop->stride[o][i] * (ptrdiff_t)loop->shape[i];
    if (joins) loop->shape[n - 1] *= loop->shape[i];
    else loop->shape[n++] = loop->shape[i];
    for (int o = 0; o < loop->n_operands; o++) loop->stride[o][n - 1] = loop->stride[o][i];
  }
  if (!n) {
    loop->shape[n++] = 1;
    for (int o = 0; o < loop->n_operands; o++) loop->stride[o][0] = 0;
  }
  loop->n_dims = n;
}

/* Rows of a few entries cost more than the entries: then the longest axis is the row. */
static void PutLongestLast(NomosLoop *loop)
{
  const int last = loop->n_dims - 1;
  int       longest = last;

  for (int i = 0; i < last; i++)
    if (loop->shape[i] > loop->shape[longest]) longest = i;
  if (loop->shape[last] >= SHORT || loop->shape[longest] < 2 * loop->shape[last]) return;
  const size_t length  = loop->shape[longest];
  loop->shape[longest] = loop->shape[last];
  loop->shape[last]    = length;
  for (int o = 0; o < loop->n_operands; o++) {
    const ptrdiff_t stride   = loop->stride[o][longest];
    loop->stride[o][longest] = loop->stride[o][last];
    loop->stride[o][last]    = stride;
  }
}

void NomosLoopRun(NomosLoop *loop, NomosLoopFn fn, const void *parameters)
{
  size_t    outer = 1;
  ptrdiff_t inner_stride[NOMOS_LOOP_MAX_OPERANDS];

  for (int i = 0; i < loop->n_dims; i++)
    if (!loop->shape[i]) return;
  Join(loop);
  PutLongestLast(loop);
  const int    last = loop->n_dims - 1, n_operands = loop->n_operands;
  const size_t inner = loop->shape[last], piece = inner < NOMOS_LOOP_BLOCK ? inner : NOMOS_LOOP_BLOCK, pieces = (inner + piece - 1) / piece; /* of a row */
  for (int i = 0; i < last; i++) outer *= loop->shape[i];
  for (int o = 0; o < n_operands; o++) inner_stride[o] = loop->stride[o][last];
  const size_t rows = NOMOS_LOOP_BLOCK / piece, n_rows = outer * pieces, n_blocks = (n_rows + rows - 1) / rows; /* rows, or pieces of long ones, of a block */

#pragma omp parallel for schedule(static) if (outer * inner >= NOMOS_LOOP_PARALLEL && !omp_in_parallel())
  for (size_t block = 0; block < n_blocks; block++) {
    size_t    index[NOMOS_TENSOR_MAX_DIMS], rest = block * rows / pieces, at = block * rows % pieces;
    ptrdiff_t offset[NOMOS_LOOP_MAX_OPERANDS] = {0};
    for (int i = last - 1; i >= 0; i--) {
      index[i] = rest % loop->shape[i];
      rest /= loop->shape[i];
      for (int o = 0; o < n_operands; o++) offset[o] += (ptrdiff_t)index[i] * loop->stride[o][i];
    }
    for (size_t row = block * rows; row < (block + 1) * rows && row < n_rows; row++) {
      const size_t start = at * piece;
      char        *data[NOMOS_LOOP_MAX_OPERANDS];
      for (int o = 0; o < n_operands; o++) data[o] = loop->data[o] + (offset[o] + (ptrdiff_t)start * inner_stride[o]) * (ptrdiff_t)loop->entry[o];
      fn(parameters, inner - start < piece ? inner - start : piece, data, inner_stride);
      if (++at < pieces) continue;
      at = 0;
      for (int i = last - 1; i >= 0; i--) { /* on to the next row */
        for (int o = 0; o < n_operands; o++) offset[o] += loop->stride[o][i];
        if (++index[i] < loop->shape[i]) break;
        for (int o = 0; o < n_operands; o++) offset[o] -= (ptrdiff_t)loop->shape[i] * loop->stride[o][i];
        index[i] = 0;
      }
    }
  }
}
