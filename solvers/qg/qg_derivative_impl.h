/* What the two directions of a differentiated tendency share: their buffers and the pieces of their passes. */
#ifndef NOMOS_SOLVERS_QG_DERIVATIVE_IMPL_H
#define NOMOS_SOLVERS_QG_DERIVATIVE_IMPL_H

#include "solvers/qg/qg_derivative.h"

#include <omp.h>
#include <string.h>

/* Packed rows of a thread, by what they hold. */
typedef enum { QG_ROW_PSI, QG_ROW_PSI_BAR, QG_ROW_Y, QG_ROW_PRODUCT, QG_ROW_SCRATCH } QGRowKind;

static inline Complex *NAME(QGRow)(const NAME(QGCore) *core, const NAME(QGDerivativeThread) *thread, QGRowKind kind, int part, int i)
{
  const int layers = core->n_layers, products = core->derivative->n_products;
  const int at[] = {part * layers + i, (2 + part) * layers + i, (4 + part) * layers + i, 6 * layers + part * products + i, 6 * layers + 2 * products + i};

  return thread->rows + (size_t)at[kind] * (size_t)core->n_l;
}

static inline const double *NAME(QGTheta)(const NAME(QGPoint) *at, int part)
{
  return part ? at->parameters->dot : at->parameters->value;
}

/* Columns of field or product i of a part in a block's work. */
static inline Complex *NAME(QGColumns)(const NAME(QGCore) *core, const NAME(QGDerivativeThread) *thread, int part, int i)
{
  const int n = core->n_in + core->derivative->n_products;

  return thread->work + (size_t)(part * n + i) * NOMOS_FFT_COLUMNS * (size_t)core->fft->ny;
}

/* A column of ny times a factor, the retained l packed. */
static inline void NAME(QGGather)(const NAME(QGCore) *core, const Complex *column, Real factor, Complex *packed)
{
  const size_t upper = 2 * ((size_t)core->fft->l_max + 1), n = 2 * (size_t)core->n_l, ny = 2 * (size_t)core->fft->ny;
  const Real *restrict from = (const Real *)column;
  Real *restrict to = (Real *)packed;

  for (size_t j = 0; j < upper; j++) to[j] = factor * from[j];
  for (size_t j = upper; j < n; j++) to[j] = factor * from[ny - n + j];
}

static inline void NAME(QGLayerRows)(const NAME(QGCore) *core, const Complex *const vector[2], int parts, size_t offset, Complex *rows[2][NOMOS_QG_MAX_LAYERS])
{
  for (int part = 0; part < parts; part++)
    for (int i = 0; i < core->n_layers; i++) rows[part][i] = (Complex *)(uintptr_t)(vector[part] + (size_t)i * core->n_modes + offset);
}

/* First pass of both: the fields of q[0] (unless they stand in core->mixed) and, with two parts, of q[1] for one block. */
void NAME(QGFieldsOutParts)(NAME(QGCore) *core, const NAME(QGPoint) *at, bool ready, int block, NAME(QGDerivativeThread) *thread);
/* Between the passes: every mixed array of the parts over the ranks; from one thread. */
void NAME(QGTransposeParts)(NAME(QGCore) *core, int parts, int n, Complex *const arrays[2][NOMOS_QG_MAX_FIELDS], int first, bool out);
/* out[part] = product p of the fields [field][rows], in parts, at n points from `here` on. */
void NAME(QGProductParts)(const NAME(QGCore) *core, int parts, int p, size_t n, size_t here, const Real *const fields[2], Real *const out[2]);

#endif
