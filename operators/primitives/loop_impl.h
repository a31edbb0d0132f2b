/* Loops over the entries of strided tensors: axes that lie behind one another are joined, and blocks of fixed size are shared out to threads, so that results do not
   depend on their number. Private to operators/. */
#ifndef NOMOS_OPERATORS_LOOP_IMPL_H
#define NOMOS_OPERATORS_LOOP_IMPL_H

#include "operators/tape_impl.h"

enum { NOMOS_LOOP_MAX_OPERANDS = 4, NOMOS_LOOP_BLOCK = 8192, NOMOS_LOOP_PARALLEL = 1 << 16 };

typedef struct {
  int       n_dims, n_operands;
  size_t    shape[NOMOS_TENSOR_MAX_DIMS];
  ptrdiff_t stride[NOMOS_LOOP_MAX_OPERANDS][NOMOS_TENSOR_MAX_DIMS]; /* in entries */
  char     *data[NOMOS_LOOP_MAX_OPERANDS];
  size_t    entry[NOMOS_LOOP_MAX_OPERANDS]; /* bytes */
} NomosLoop;

/* Operands broadcast (stride 0) to `shape`, aligned at the last axis. */
void NomosLoopBegin(NomosLoop *loop, int n_dims, const size_t shape[]);
void NomosLoopAdd(NomosLoop *loop, NomosTape tape, const NomosNode *node);

/* n entries of every operand: data[i] with stride[i] entries between, also of that which is written. */
typedef void (*NomosLoopFn)(const void *parameters, size_t n, char *const data[], const ptrdiff_t stride[]);
/* Operand 0 is written; entries are independent. */
void NomosLoopRun(NomosLoop *loop, NomosLoopFn fn, const void *parameters);

#endif
