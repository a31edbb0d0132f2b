/* Active blocks, and particles sorted by block and cell: a counting sort that keeps the order of ids, so that the result does not depend on the number of threads. */
#include "solvers/mpm/mpm_blocks.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode NomosMpmBlocksCreate(const NomosMpmSetup *setup, size_t n, size_t real_bytes, NomosMpmBlocks **blocks)
{
  NomosMpmBlocks *b;
  double          all = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&b));
  *blocks       = b;
  b->d          = setup->d;
  b->order      = setup->order;
  b->n          = n;
  b->real_bytes = real_bytes;
  b->cells      = b->d == 3 ? 64 : 16;
  b->n_threads  = omp_get_max_threads();
  for (int a = 0; a < 3; a++) {
    /* of nodes, which reach to the end of the grid; and one more, so that a block has upper neighbours */
    b->shape[a] = a < 3 - b->d ? 1 : (setup->cells[a - 3 + b->d] + NOMOS_MPM_BLOCK - 1) / NOMOS_MPM_BLOCK + 1;
    all *= b->shape[a];
  }
  PetscCheck(all * b->cells < UINT32_MAX, PETSC_COMM_SELF, PETSC_ERR_SUP, "a grid of %g blocks of %d cells: at most %u cells are possible; take a coarser grid or a smaller domain", all, b->cells, UINT32_MAX);
  PetscCheck(n < UINT32_MAX / 2, PETSC_COMM_SELF, PETSC_ERR_SUP, "%zu particles on a rank: at most %u are possible; take more ranks or fewer particles", n, UINT32_MAX / 2);
  const size_t across = NOMOS_MPM_BLOCK + (size_t)b->order;
  b->tile_reals       = (b->d == 3 ? across : 1) * across * NOMOS_MPM_TILE;
  b->node_reals       = (size_t)b->cells * 4;
  PetscCall(PetscMalloc2((size_t)all, &b->slot, (size_t)all, &b->node_slot));
  PetscCheck(NomosMpmRenew(&b->key, (n + 1) * sizeof *b->key) && NomosMpmRenew(&b->place, (n + 1) * sizeof *b->place), PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the places of %zu particles", n);
  PetscCall(PetscCalloc2((size_t)all, &b->mark, (size_t)b->n_threads, &b->extent));
  memset(b->slot, 0xff, (size_t)all * sizeof *b->slot); /* -1 */
  memset(b->node_slot, 0xff, (size_t)all * sizeof *b->node_slot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmBlocksDestroy(NomosMpmBlocks **blocks)
{
  NomosMpmBlocks *b = *blocks;

  PetscFunctionBeginUser;
  if (!b) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2(b->slot, b->node_slot));
  free(b->key);
  free(b->place);
  PetscCall(PetscFree2(b->mark, b->extent));
  free(b->active);
  free(b->nodal);
  free(b->start);
  free(b->count);
  free(b->tile);
  for (int i = 0; i < 3; i++) free(b->node[i]);
  PetscCall(PetscFree(*blocks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosMpmRenew(void *pointer, size_t bytes)
{
  void **p = pointer;
  free(*p);
  *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
  return *p;
}

static bool Grow(NomosMpmBlocks *b, size_t n_active, size_t n_nodal)
{
  bool ok = true;
  if (n_active > b->active_capacity || !b->start) { /* a rank may have none */
    const size_t n = n_active + n_active / 4;
    ok = NomosMpmRenew(&b->active, n * sizeof *b->active) && NomosMpmRenew(&b->start, (n * (size_t)b->cells + 1) * sizeof *b->start);
    ok = ok && NomosMpmRenew(&b->count, (size_t)b->n_threads * n * (size_t)b->cells * sizeof *b->count);
    b->active_capacity = ok ? n : 0;
  }
  if (ok && (n_nodal > b->nodal_capacity || !b->nodal)) {
    const size_t n = n_nodal + n_nodal / 4;
    ok = NomosMpmRenew(&b->nodal, n * sizeof *b->nodal);
    for (int i = 0; i < 3; i++) ok = ok && NomosMpmRenew(&b->node[i], n * b->node_reals * b->real_bytes);
    b->nodal_capacity = ok ? n : 0;
  }
  return ok;
}

bool NomosMpmBlocksMore(NomosMpmBlocks *b, size_t n)
{
  const size_t tiles = b->n_active + n;
  if (tiles <= b->tile_capacity && b->tile) return true;
  b->tile_capacity = tiles + tiles / 4;
  return NomosMpmRenew(&b->tile, b->tile_capacity * b->tile_reals * b->real_bytes);
}

/* The next upper neighbours of a block, itself included. */
static int Upper(const NomosMpmBlocks *b, int32_t block, int32_t upper[8])
{
  int       n       = 0;
  const int step[3] = {b->shape[1] * b->shape[2], b->shape[2], 1};
  for (int i = 0; i < (b->d == 3 ? 8 : 4); i++) upper[n++] = block + (i >> 2 & 1) * step[0] + (i >> 1 & 1) * step[1] + (i & 1) * step[2];
  return n;
}

/* One thread: lists in the order of the grid. */
static void List(NomosMpmBlocks *b, int n_threads)
{
  int     low[3] = {INT32_MAX, INT32_MAX, INT32_MAX}, high[3] = {-1, -1, -1};
  int32_t upper[8];
  size_t  n_active = 0, n_nodal = 0;

  for (size_t i = 0; i < b->n_active; i++) b->slot[b->active[i]] = -1;
  for (size_t i = 0; i < b->n_nodal; i++) b->node_slot[b->nodal[i]] = -1;
  for (size_t i = 0; i < b->n_beside; i++) b->slot[b->beside[i]] = -1;
  b->n_active = b->n_nodal = b->n_beside = 0;
  for (int t = 0; t < n_threads; t++)
    for (int a = 0; a < 3; a++) {
      low[a]  = b->extent[t].low[a] < low[a] ? b->extent[t].low[a] : low[a];
      high[a] = b->extent[t].high[a] > high[a] ? b->extent[t].high[a] : high[a];
    }
  /* first their numbers, with the slots; the lists once there is room */
  for (int i = low[0]; i <= high[0]; i++)
    for (int j = low[1]; j <= high[1]; j++)
      for (int k = low[2]; k <= high[2]; k++) {
        const int32_t block = NomosMpmBlockIndex(b, (int[]){i, j, k});
        if (!b->mark[block]) continue;
        n_active++;
        const int n = Upper(b, block, upper);
        for (int u = 0; u < n; u++)
          if (b->node_slot[upper[u]] < 0) b->node_slot[upper[u]] = (int32_t)n_nodal++;
      }
  b->failed = !Grow(b, n_active, n_nodal);
  for (int i = low[0]; i <= high[0]; i++)
    for (int j = low[1]; j <= high[1]; j++)
      for (int k = low[2]; k <= high[2]; k++) {
        const int32_t block = NomosMpmBlockIndex(b, (int[]){i, j, k});
        if (!b->mark[block]) continue;
        b->mark[block] = 0;
        const int n = Upper(b, block, upper);
        for (int u = 0; u < n; u++)
          if (b->failed) b->node_slot[upper[u]] = -1;
          else b->nodal[b->node_slot[upper[u]]] = upper[u];
        if (b->failed) continue;
        b->slot[block]          = (int32_t)b->n_active;
        b->active[b->n_active++] = block;
      }
  b->n_nodal = b->failed ? 0 : n_nodal;
  b->failed  = b->failed || !NomosMpmBlocksMore(b, 0);
}

bool NomosMpmBlocksSort(NomosMpmBlocks *b, bool found)
{
  const int    t = omp_get_thread_num(), n_threads = omp_get_num_threads();
  const size_t cells = (size_t)b->cells, first = NomosMpmShare(b->n, t, n_threads), last = NomosMpmShare(b->n, t + 1, n_threads);

#pragma omp single
  List(b, n_threads);
  if (!found || b->failed) return false;
  const size_t n_cells = b->n_active * cells;
  uint32_t    *count   = b->count + (size_t)t * n_cells;
  memset(count, 0, n_cells * sizeof *count);
  const int shift = b->d == 3 ? 6 : 4;
  for (size_t k = first; k < last; k++) {
    const uint32_t key = (uint32_t)b->slot[b->key[k] >> shift] << shift | (b->key[k] & (uint32_t)(cells - 1));
    b->key[k]          = key;
    count[key]++;
  }
#pragma omp barrier
#pragma omp single
  {
    uint32_t sum = 0;
    for (size_t c = 0; c < n_cells; c++) {
      b->start[c] = sum;
      for (int i = 0; i < n_threads; i++) {
        uint32_t *entry = b->count + (size_t)i * n_cells + c;
        const uint32_t here = *entry;
        *entry = sum;
        sum += here;
      }
    }
    b->start[n_cells] = sum;
  }
  for (size_t k = first; k < last; k++) b->place[k] = count[b->key[k]]++;
#pragma omp barrier
  return true;
}

size_t NomosMpmShareOfBlocks(const NomosMpmBlocks *b, int part, int n_parts)
{
  enum { COST = 16 }; /* of a block itself, in particles */
  const size_t target = NomosMpmShare(b->n + COST * b->n_active, part, n_parts);
  size_t       low = 0, high = b->n_active;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (b->start[middle * (size_t)b->cells] + COST * middle < target) low = middle + 1;
    else high = middle;
  }
  return part == n_parts ? b->n_active : low;
}
