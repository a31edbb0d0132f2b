/* Particles to grid and back, block by block. Particles of a cell share their nodes: these stay in registers. */
#include "solvers/mpm/mpm_spline.h"
#include "solvers/mpm/mpm_transfer.h"

INLINE void Scatter(const int d, const int order, const NomosMpmBlocks *b, size_t slot, const Real *records, Real *tile)
{
  const Geometry  g     = Of(d, order, b, slot);
  const uint32_t *start = b->start + slot * (size_t)b->cells;
  const int       n_i = g.n_i, n_j = g.n_j;
  uint8_t         cells[64];
  const int       n_cells = Occupied(d == 3 ? 64 : 16, start, cells);

  for (size_t i = 0; i < b->tile_reals; i += VECTOR) Store(tile + i, (Vector){0});
  for (int c = 0; c < n_cells; c++) {
    const int cell = cells[c];
    Real  *corner = tile + ((cell >> 4) * g.stride + (cell >> 2 & 3)) * NOMOS_MPM_TILE + (cell & 3) * 4;
    Vector sum[4][4][PARTS];
    UNROLL
    for (int i = 0; i < n_i; i++)
      UNROLL
      for (int j = 0; j < n_j; j++)
        UNROLL
        for (int v = 0; v < PARTS; v++) sum[i][j][v] = Load(corner + (i * g.stride + j) * NOMOS_MPM_TILE + v * VECTOR);
    for (uint32_t p = start[cell]; p < start[cell + 1]; p++) {
      const Real  *record = records + (size_t)p * ROW;
      const Offset o      = Within(&g, cell, record);
      Real         w[ROW] ALIGNED;
      Products(d, order, &o, w);
      UNROLL
      for (int v = 0; v < PARTS; v++) {
        /* at the first node of a row, times its weights along the row; then from row to row */
        const Vector w_k = Spline(order, o.f[2], false, v), moving = w_k * Kinematic(), a_i = moving * Spread(record, 1), a_j = moving * Spread(record, 2);
        Vector       at  = w_k * Spread(record, 0) + (Nodes(v) - o.f[2]) * (moving * Spread(record, 3)) - o.f[1] * a_j;
        if (d == 3) at -= o.f[0] * a_i;
        UNROLL
        for (int i = 0; i < n_i; i++) {
          Vector here = at;
          UNROLL
          for (int j = 0; j < n_j; j++) {
            sum[i][j][v] += w[4 * i + j] * here;
            here += a_j;
          }
          at += a_i;
        }
      }
    }
    UNROLL
    for (int i = 0; i < n_i; i++)
      UNROLL
      for (int j = 0; j < n_j; j++)
        UNROLL
        for (int v = 0; v < PARTS; v++) Store(corner + (i * g.stride + j) * NOMOS_MPM_TILE + v * VECTOR, sum[i][j][v]);
  }
}

INLINE void Gather(const int d, const int order, const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *records, Real *result)
{
  const Geometry  g     = Of(d, order, b, slot);
  const uint32_t *start = b->start + slot * (size_t)b->cells;
  const int       n_i = g.n_i, n_j = g.n_j;
  uint8_t         cells[64];
  const int       n_cells = Occupied(d == 3 ? 64 : 16, start, cells);

  for (int c = 0; c < n_cells; c++) {
    const int cell = cells[c];
    const Real *corner = tile + ((cell >> 4) * g.stride + (cell >> 2 & 3)) * NOMOS_MPM_TILE + (cell & 3) * 4;
    Vector      value[4][4][PARTS];
    UNROLL
    for (int i = 0; i < n_i; i++)
      UNROLL
      for (int j = 0; j < n_j; j++)
        UNROLL
        for (int v = 0; v < PARTS; v++) value[i][j][v] = Load(corner + (i * g.stride + j) * NOMOS_MPM_TILE + v * VECTOR);
    for (uint32_t p = start[cell]; p < start[cell + 1]; p++) {
      const Offset o = Within(&g, cell, records + (size_t)p * ROW);
      Real         w[ROW] ALIGNED;
      Vector       moments[4][PARTS], folded[PARTS];
      Products(d, order, &o, w);
      UNROLL
      for (int v = 0; v < PARTS; v++) {
        Vector along_i[4], along_j[4]; /* sums over the other index */
        UNROLL
        for (int i = 0; i < n_i; i++) {
          along_i[i] = w[4 * i] * value[i][0][v];
          UNROLL
          for (int j = 1; j < n_j; j++) along_i[i] += w[4 * i + j] * value[i][j][v];
        }
        UNROLL
        for (int j = 1; j < n_j; j++) {
          along_j[j] = w[j] * value[0][j][v];
          UNROLL
          for (int i = 1; i < n_i; i++) along_j[j] += w[4 * i + j] * value[i][j][v];
        }
        const Vector w_k = Spline(order, o.f[2], false, v);
        Vector       sum = along_i[0], by_i = (Vector){0}, by_j = along_j[1];
        UNROLL
        for (int i = 1; i < n_i; i++) {
          sum += along_i[i];
          by_i += (Real)i * along_i[i];
        }
        UNROLL
        for (int j = 2; j < n_j; j++) by_j += (Real)j * along_j[j];
        moments[0][v] = w_k * sum;
        moments[1][v] = w_k * (by_i - o.f[0] * sum); /* zero in two dimensions: by_i and f_0 are */
        moments[2][v] = w_k * (by_j - o.f[1] * sum);
        moments[3][v] = w_k * ((Nodes(v) - o.f[2]) * sum);
      }
      Fold(moments, folded);
      UNROLL
      for (int v = 0; v < PARTS; v++) Store(result + (size_t)p * ROW + v * VECTOR, folded[v]);
    }
  }
}

/* Of a block of nodes: those of its own block, and what its lower neighbours left beyond their end. Their order is fixed. */
INLINE void Sum(const int d, const int order, const NomosMpmBlocks *b, size_t node_slot, const Real *tiles, Real *node)
{
  const int n = d == 3 ? NOMOS_MPM_BLOCK : 1, stride = NOMOS_MPM_BLOCK + order;
  int       at[3];

  NomosMpmBlockAt(b, b->nodal[node_slot], at);
  for (size_t i = 0; i < b->node_reals; i += VECTOR) Store(node + i, (Vector){0});
  for (int lower = 0; lower < (d == 3 ? 8 : 4); lower++) {
    const int back[3] = {lower >> 2 & 1, lower >> 1 & 1, lower & 1};
    int       from[3];
    bool      there = true;
    for (int a = 0; a < 3; a++) there = (from[a] = at[a] - back[a]) >= 0 && there;
    const int32_t slot = there ? b->slot[NomosMpmBlockIndex(b, from)] : -1;
    if (slot < 0) continue;
    const Real *tile = tiles + (size_t)slot * b->tile_reals + (size_t)(back[0] * NOMOS_MPM_BLOCK * stride + back[1] * NOMOS_MPM_BLOCK) * NOMOS_MPM_TILE + (size_t)back[2] * ROW;
    const int   n_i = back[0] ? order : n, n_j = back[1] ? order : NOMOS_MPM_BLOCK;
    for (int i = 0; i < n_i; i++)
      for (int j = 0; j < n_j; j++) {
        Real       *sum = node + (i * NOMOS_MPM_BLOCK + j) * ROW;
        const Real *row = tile + (i * stride + j) * NOMOS_MPM_TILE;
        UNROLL
        for (int v = 0; v < PARTS; v++) Store(sum + v * VECTOR, Load(sum + v * VECTOR) + Load(row + v * VECTOR));
      }
  }
}

INLINE void FromNodes(const int d, const int order, const NomosMpmBlocks *b, size_t slot, const Real *nodes, Real *tile)
{
  const int n = d == 3 ? NOMOS_MPM_BLOCK : 1, stride = NOMOS_MPM_BLOCK + order;
  int       at[3];

  NomosMpmBlockAt(b, b->active[slot], at);
  for (int upper = 0; upper < (d == 3 ? 8 : 4); upper++) {
    const int   on[3] = {upper >> 2 & 1, upper >> 1 & 1, upper & 1};
    const Real *node  = nodes + (size_t)b->node_slot[NomosMpmBlockIndex(b, (int[]){at[0] + on[0], at[1] + on[1], at[2] + on[2]})] * b->node_reals;
    Real       *to    = tile + (on[0] * NOMOS_MPM_BLOCK * stride + on[1] * NOMOS_MPM_BLOCK) * NOMOS_MPM_TILE + on[2] * ROW;
    const int   n_i = on[0] ? order : n, n_j = on[1] ? order : NOMOS_MPM_BLOCK;
    for (int i = 0; i < n_i; i++)
      for (int j = 0; j < n_j; j++)
        UNROLL
        for (int v = 0; v < PARTS; v++) Store(to + (i * stride + j) * NOMOS_MPM_TILE + v * VECTOR, Load(node + (i * NOMOS_MPM_BLOCK + j) * ROW + v * VECTOR));
  }
}

#define TRANSFER(d, order) \
  static void Scatter##d##order(const NomosMpmBlocks *b, size_t slot, const Real *records, Real *tile) { Scatter(d, order, b, slot, records, tile); } \
  static void Sum##d##order(const NomosMpmBlocks *b, size_t node_slot, const Real *tiles, Real *node) { Sum(d, order, b, node_slot, tiles, node); } \
  static void FromNodes##d##order(const NomosMpmBlocks *b, size_t slot, const Real *nodes, Real *tile) { FromNodes(d, order, b, slot, nodes, tile); } \
  static void Gather##d##order(const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *records, Real *result) { Gather(d, order, b, slot, tile, records, result); }
TRANSFER(2, 2)
TRANSFER(2, 3)
TRANSFER(3, 2)
TRANSFER(3, 3)

const NAME(MpmTransfer) *NAME(MpmTransferOf)(int d, int order)
{
#define ENTRY(d, order) {.scatter = Scatter##d##order, .sum = Sum##d##order, .spread = FromNodes##d##order, .gather = Gather##d##order}
  static const NAME(MpmTransfer) transfers[2][2] = {{ENTRY(2, 2), ENTRY(2, 3)}, {ENTRY(3, 2), ENTRY(3, 3)}};
  return &transfers[d - 2][order - 2];
}
