/* Derivatives of the exchange with the grid, with respect to what is exchanged and to where the particles are. */
#include "solvers/mpm/mpm_spline.h"
#include "solvers/mpm/mpm_transfer.h"

/* The stencil's rows of a tile. */
typedef struct {
  Vector at[4][4][PARTS];
} Stencil;

INLINE Stencil Rows(const Geometry *g, const Real *corner)
{
  Stencil s;
  UNROLL
  for (int i = 0; i < g->n_i; i++)
    UNROLL
    for (int j = 0; j < g->n_j; j++)
      UNROLL
      for (int v = 0; v < PARTS; v++) s.at[i][j][v] = Load(corner + (i * g->stride + j) * NOMOS_MPM_TILE + v * VECTOR);
  return s;
}

INLINE size_t Corner(const Geometry *g, int cell)
{
  return (size_t)(((cell >> 4) * g->stride + (cell >> 2 & 3)) * NOMOS_MPM_TILE + (cell & 3) * 4);
}

/* Derivatives of w_i w_j by f along the first and the second axis. */
INLINE void ProductSlopes(const int d, const int order, const Offset *o, Real by_i[ROW], Real by_j[ROW])
{
  UNROLL
  for (int v = 0; v < PARTS; v++) {
    Vector slope_j = Slope(order, o->f[1], true, v), slope_i = (Vector){0};
    if (d == 3) {
      slope_i = Slope(order, o->f[0], false, v) * Spline(order, o->f[1], true, v);
      slope_j *= Spline(order, o->f[0], false, v);
    }
    Store(by_i + v * VECTOR, slope_i);
    Store(by_j + v * VECTOR, slope_j);
  }
  InMemory(by_i);
  InMemory(by_j);
}

/* A record's field b + a (i - f) along the rows of a stencil: at the first row, and from row to row. */
typedef struct {
  Vector first[PARTS], step_i[PARTS], step_j[PARTS];
} Affine;

INLINE Affine FieldOf(const Real *record, const Offset *o)
{
  Affine field;
  UNROLL
  for (int v = 0; v < PARTS; v++) {
    field.step_i[v] = Kinematic() * Spread(record, 1);
    field.step_j[v] = Kinematic() * Spread(record, 2);
    field.first[v]  = Spread(record, 0) + (Nodes(v) - o->f[2]) * (Kinematic() * Spread(record, 3)) - o->f[1] * field.step_j[v] - o->f[0] * field.step_i[v];
  }
  return field;
}

INLINE void ScatterDot(const int d, const int order, const NomosMpmBlocks *b, size_t slot, const Real *records, const Real *dots, Real *tile)
{
  const Geometry  g     = Of(d, order, b, slot);
  const uint32_t *start = b->start + slot * (size_t)b->cells;

  for (size_t i = 0; i < b->tile_reals; i += VECTOR) Store(tile + i, (Vector){0});
  for (int cell = 0; cell < b->cells; cell++)
    for (uint32_t p = start[cell]; p < start[cell + 1]; p++) {
      const Real  *record = records + (size_t)p * ROW, *dot = dots + (size_t)p * ROW;
      Real        *corner = tile + Corner(&g, cell);
      const Offset o      = Within(&g, cell, record);
      const Affine field  = FieldOf(record, &o);
      Affine       change = FieldOf(dot, &o);
      Real         w[ROW] ALIGNED, w_dot[ROW] ALIGNED, by_j[ROW] ALIGNED;
      Products(d, order, &o, w);
      ProductSlopes(d, order, &o, w_dot, by_j);
      for (int l = 0; l < ROW; l++) w_dot[l] = w_dot[l] * dot[7] + by_j[l] * dot[11];
      UNROLL
      for (int v = 0; v < PARTS; v++) {
        const Vector w_k = Spline(order, o.f[2], false, v), w_k_dot = dot[15] * Slope(order, o.f[2], false, v);
        change.first[v] -= Kinematic() * (dot[7] * Spread(record, 1) + dot[11] * Spread(record, 2) + dot[15] * Spread(record, 3));
        for (int i = 0; i < g.n_i; i++)
          for (int j = 0; j < g.n_j; j++) {
            Real        *row = corner + (i * g.stride + j) * NOMOS_MPM_TILE + v * VECTOR;
            const Vector here = field.first[v] + (Real)i * field.step_i[v] + (Real)j * field.step_j[v], here_dot = change.first[v] + (Real)i * change.step_i[v] + (Real)j * change.step_j[v];
            Store(row, Load(row) + w[4 * i + j] * (w_k * here_dot + w_k_dot * here) + w_dot[4 * i + j] * (w_k * here));
          }
      }
    }
}

INLINE void GatherDot(const int d, const int order, const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *tile_dot, const Real *records, const Real *dots, Real *result)
{
  const Geometry  g     = Of(d, order, b, slot);
  const uint32_t *start = b->start + slot * (size_t)b->cells;

  for (int cell = 0; cell < b->cells; cell++)
    for (uint32_t p = start[cell]; p < start[cell + 1]; p++) {
      const Offset  o     = Within(&g, cell, records + (size_t)p * ROW);
      const Real   *dot   = dots + (size_t)p * ROW;
      const Stencil value = Rows(&g, tile + Corner(&g, cell)), value_dot = Rows(&g, tile_dot + Corner(&g, cell));
      Real          w[ROW] ALIGNED, w_dot[ROW] ALIGNED, by_j[ROW] ALIGNED;
      Vector        moments[4][PARTS], folded[PARTS];
      Products(d, order, &o, w);
      ProductSlopes(d, order, &o, w_dot, by_j);
      for (int l = 0; l < ROW; l++) w_dot[l] = w_dot[l] * dot[7] + by_j[l] * dot[11];
      UNROLL
      for (int v = 0; v < PARTS; v++) {
        const Vector w_k = Spline(order, o.f[2], false, v), w_k_dot = dot[15] * Slope(order, o.f[2], false, v), along = Nodes(v) - o.f[2];
        Vector       sum[3] = {{0}}, sum_dot[3] = {{0}}; /* of v, and v times the distance along the first and the second axis */
        for (int i = 0; i < g.n_i; i++)
          for (int j = 0; j < g.n_j; j++) {
            const Vector weighted = w[4 * i + j] * value.at[i][j][v], weighted_dot = w[4 * i + j] * value_dot.at[i][j][v] + w_dot[4 * i + j] * value.at[i][j][v];
            const Vector from_i = (Real)i - o.f[0], from_j = (Real)j - o.f[1];
            sum[0] += weighted;
            sum[1] += from_i * weighted;
            sum[2] += from_j * weighted;
            sum_dot[0] += weighted_dot;
            sum_dot[1] += from_i * weighted_dot - dot[7] * weighted;
            sum_dot[2] += from_j * weighted_dot - dot[11] * weighted;
          }
        UNROLL
        for (int m = 0; m < 3; m++) moments[m][v] = w_k * sum_dot[m] + w_k_dot * sum[m];
        moments[3][v] = along * moments[0][v] - dot[15] * w_k * sum[0];
      }
      Fold(moments, folded);
      UNROLL
      for (int v = 0; v < PARTS; v++) Store(result + (size_t)p * ROW + v * VECTOR, folded[v]);
    }
}

INLINE void GatherSlope(const int d, const int order, const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *records, const Real *before, Real *result)
{
  const Geometry  g     = Of(d, order, b, slot);
  const uint32_t *start = b->start + slot * (size_t)b->cells;
  uint8_t         cells[64];
  const int       n_cells = Occupied(d == 3 ? 64 : 16, start, cells);

  for (int c = 0; c < n_cells; c++) {
    const int     cell  = cells[c];
    const Stencil value = Rows(&g, tile + Corner(&g, cell));
    for (uint32_t p = start[cell]; p < start[cell + 1]; p++) {
      const Real  *record = records + (size_t)p * ROW;
      const Offset o      = Within(&g, cell, record);
      const Affine field  = FieldOf(record, &o);
      Real         w[ROW] ALIGNED, w_by_i[ROW] ALIGNED, w_by_j[ROW] ALIGNED;
      Vector       moments[4][PARTS], slopes[4][PARTS], folded[PARTS], f_bar[PARTS];
      Products(d, order, &o, w);
      ProductSlopes(d, order, &o, w_by_i, w_by_j);
      UNROLL
      for (int v = 0; v < PARTS; v++) {
        const Vector w_k = Spline(order, o.f[2], false, v), along = Nodes(v) - o.f[2];
        Vector       sum = (Vector){0}, by_i = (Vector){0}, by_j = (Vector){0};                         /* as in `gather` */
        Vector       product = (Vector){0}, product_by_i = (Vector){0}, product_by_j = (Vector){0}; /* sums of s_i */
        Vector       at = field.first[v];
        UNROLL
        for (int i = 0; i < g.n_i; i++) {
          Vector here = at, along_i = (Vector){0};
          UNROLL
          for (int j = 0; j < g.n_j; j++) {
            const Vector weighted = w[4 * i + j] * value.at[i][j][v], s = here * value.at[i][j][v];
            along_i += weighted;
            if (j) by_j += (Real)j * weighted;
            product += w[4 * i + j] * s;
            if (d == 3) product_by_i += w_by_i[4 * i + j] * s;
            product_by_j += w_by_j[4 * i + j] * s;
            here += field.step_j[v];
          }
          sum += along_i;
          if (i) by_i += (Real)i * along_i;
          at += field.step_i[v];
        }
        moments[0][v] = w_k * sum;
        moments[1][v] = w_k * (by_i - o.f[0] * sum);
        moments[2][v] = w_k * (by_j - o.f[1] * sum);
        moments[3][v] = w_k * (along * sum);
        slopes[0][v]  = (Vector){0};
        slopes[1][v]  = w_k * (product_by_i - field.step_i[v] * sum);
        slopes[2][v]  = w_k * (product_by_j - field.step_j[v] * sum);
        slopes[3][v]  = Slope(order, o.f[2], false, v) * product - Kinematic() * Spread(record, 3) * moments[0][v];
      }
      Fold(moments, folded);
      Fold(slopes, f_bar);
      UNROLL
      for (int v = 0; v < PARTS; v++) {
        Vector total = SumGroups(f_bar[v]);
        if (before) total += Load(before + (size_t)p * ROW + v * VECTOR);
        Store(result + (size_t)p * ROW + v * VECTOR, Kinematic() * folded[v] + (1 - Kinematic()) * total);
      }
    }
  }
}

#define DERIVATIVE(d, order) \
  static void ScatterDot##d##order(const NomosMpmBlocks *b, size_t slot, const Real *records, const Real *dots, Real *tile) { ScatterDot(d, order, b, slot, records, dots, tile); } \
  static void GatherDot##d##order(const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *tile_dot, const Real *records, const Real *dots, Real *result) { GatherDot(d, order, b, slot, tile, tile_dot, records, dots, result); } \
  static void GatherSlope##d##order(const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *records, const Real *before, Real *result) { GatherSlope(d, order, b, slot, tile, records, before, result); }
DERIVATIVE(2, 2)
DERIVATIVE(2, 3)
DERIVATIVE(3, 2)
DERIVATIVE(3, 3)

const NAME(MpmTransferDerivative) *NAME(MpmTransferDerivativeOf)(int d, int order)
{
#define ENTRY(d, order) {.scatter = ScatterDot##d##order, .gather = GatherDot##d##order, .slope = GatherSlope##d##order}
  static const NAME(MpmTransferDerivative) derivatives[2][2] = {{ENTRY(2, 2), ENTRY(2, 3)}, {ENTRY(3, 2), ENTRY(3, 3)}};
  return &derivatives[d - 2][order - 2];
}
