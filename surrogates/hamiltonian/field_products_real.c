/* Products of points with weights, units in the lanes of vectors: a tile of results stays in registers while the inner index runs. */
#include "surrogates/hamiltonian/field_kernels.h"

enum { PANEL      = NOMOS_VECTOR_BYTES == 64 ? 4 : 2,
       ROWS       = NOMOS_FIELD_ROWS,
       OUTER_ROWS = 4 };

/* Panels are as equal as they can be: the first of them have one vector more. */
typedef struct {
  size_t n, vectors, longer;
} Panels;

static Panels PanelsOf(size_t lanes)
{
  const size_t vectors = lanes / VECTOR, n = Blocks(vectors, PANEL);
  return (Panels){n, vectors / n, vectors % n};
}

Real *NAME(NomosFieldAt)(size_t rows, size_t lanes, Real *matrix, size_t row, size_t v)
{
  const Panels p       = PanelsOf(lanes);
  const size_t longer  = p.longer * (p.vectors + 1);
  const size_t vectors = v < longer ? p.vectors + 1 : p.vectors, start = v < longer ? v / vectors * vectors : longer + (v - longer) / vectors * vectors;
  return matrix + (start * rows + row * vectors + v - start) * VECTOR;
}

/* ---- y = bias + x w ---- */

LANE_INLINE void ProductPanel(const FieldProduct *p, size_t vectors, size_t start)
{
  for (size_t i = 0; i < p->n; i += ROWS) {
    Vector sum[ROWS][PANEL];
#pragma GCC unroll 5
    for (size_t r = 0; r < ROWS; r++)
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; v++) sum[r][v] = p->bias ? *(const Vector *)(p->bias + (start + v) * VECTOR) : LaneFill(0);
    for (int t = 0; t < p->n_terms; t++) {
      const Real *restrict x = p->x[t] + i * p->ldx, *restrict w = p->w[t] + start * p->rows * VECTOR;
      for (size_t k = 0; k < p->inputs; k++, w += vectors * VECTOR) {
        Vector line[PANEL];
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) line[v] = *(const Vector *)(w + v * VECTOR);
#pragma GCC unroll 5
        for (size_t r = 0; r < ROWS; r++) {
          const Vector factor = LaneFill(x[r * p->ldx + k]);
#pragma GCC unroll 4
          for (size_t v = 0; v < vectors; v++) sum[r][v] += factor * line[v];
        }
      }
    }
#pragma GCC unroll 5
    for (size_t r = 0; r < ROWS; r++)
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; v++) *(Vector *)(p->y + (i + r) * p->lanes + (start + v) * VECTOR) = sum[r][v];
  }
}

void NAME(NomosFieldProduct)(const FieldProduct *product)
{
  const Panels panels = PanelsOf(product->lanes);
  size_t       start  = 0;

  for (size_t p = 0; p < panels.n; p++) {
    const size_t vectors = panels.vectors + (p < panels.longer);
    switch (vectors) {
    case 1:
      ProductPanel(product, 1, start);
      break;
    case 2:
      ProductPanel(product, 2, start);
      break;
#if NOMOS_VECTOR_BYTES == 64
    case 3:
      ProductPanel(product, 3, start);
      break;
    default:
      ProductPanel(product, 4, start);
#endif
    }
    start += vectors;
  }
}

/* ---- g += x^T y ---- */

LANE_INLINE void OuterPanel(const FieldOuter *o, size_t vectors, size_t start)
{
  for (size_t k = 0; k < o->inputs; k += OUTER_ROWS) {
    const size_t count     = Smaller(o->inputs - k, OUTER_ROWS);
    Real *restrict g       = o->g + (start * o->rows + k * vectors) * VECTOR;
    const Real *restrict x = o->x + k, *restrict y = o->y + start * VECTOR;
    Vector sum[OUTER_ROWS][PANEL];
#pragma GCC unroll 4
    for (size_t r = 0; r < OUTER_ROWS; r++)
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; v++) sum[r][v] = *(const Vector *)(g + (r * vectors + v) * VECTOR);
    for (size_t i = 0; i < o->n; i++, x += o->ldx, y += o->lanes) {
      Vector line[PANEL];
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; v++) line[v] = *(const Vector *)(y + v * VECTOR);
#pragma GCC unroll 4
      for (size_t r = 0; r < OUTER_ROWS; r++) {
        const Vector factor = LaneFill(x[r]);
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) sum[r][v] += factor * line[v];
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < OUTER_ROWS; r++)
      if (r < count)
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) *(Vector *)(g + (r * vectors + v) * VECTOR) = sum[r][v];
  }
}

void NAME(NomosFieldOuter)(const FieldOuter *outer)
{
  const Panels panels = PanelsOf(outer->lanes);
  size_t       start  = 0;

  for (size_t p = 0; p < panels.n; p++) {
    const size_t vectors = panels.vectors + (p < panels.longer);
    switch (vectors) {
    case 1:
      OuterPanel(outer, 1, start);
      break;
    case 2:
      OuterPanel(outer, 2, start);
      break;
#if NOMOS_VECTOR_BYTES == 64
    case 3:
      OuterPanel(outer, 3, start);
      break;
    default:
      OuterPanel(outer, 4, start);
#endif
    }
    start += vectors;
  }
}

void NAME(NomosFieldTranspose)(size_t rows, size_t columns, const Real *from, Real *to)
{
  for (size_t i = 0; i < rows / VECTOR; i++)
    for (size_t j = 0; j < columns / VECTOR; j++) {
      const Real *block  = NAME(NomosFieldAt)(rows, columns, (Real *)from, i * VECTOR, j);
      Real       *target = NAME(NomosFieldAt)(columns, rows, to, j * VECTOR, i);
      LanesTranspose(block, (size_t)(NAME(NomosFieldAt)(rows, columns, (Real *)from, i * VECTOR + 1, j) - block), target, (size_t)(NAME(NomosFieldAt)(columns, rows, to, j * VECTOR + 1, i) - target));
    }
}
