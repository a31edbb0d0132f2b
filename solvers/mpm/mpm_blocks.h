/* Which parts of the grid there are: blocks of 4 cells along each axis. Private to solvers/mpm.

   A particle belongs to the cell of the first node of its stencil, its base, and to the block of that cell. The blocks with particles are the active ones. A block writes to its own nodes and to
   `order` more beyond its end along each axis, so the blocks of nodes are the active ones and their upper neighbours. Nothing else of the grid exists.

   Two dimensions are three with a first axis of one cell: axis a of a particle is axis a + 3 - d here. */
#ifndef NOMOS_SOLVERS_MPM_BLOCKS_H
#define NOMOS_SOLVERS_MPM_BLOCKS_H

#include "solvers/mpm/mpm.h"

enum {
  NOMOS_MPM_BLOCK = 4,                /* cells along an axis */
  NOMOS_MPM_ROW   = 16,               /* reals of four nodes: (v_x, v_y, v_z, m) of each */
  NOMOS_MPM_TILE  = 2 * NOMOS_MPM_ROW /* reals of a row of a block's nodes with those beyond its end */
};

/* What a thread finds in its particles. */
typedef struct {
  int     low[3], high[3]; /* blocks */
  int64_t lost;            /* first particle off the grid, or -1 */
  char    apart[64];
} NomosMpmExtent;

typedef struct {
  int             d, order, shape[3]; /* blocks along each axis */
  int             cells;              /* of a block: 64 or 16 */
  size_t          n, real_bytes; /* particles here: on several ranks those that this one hosts (mpm_exchange.h) */
  size_t          tile_reals, node_reals; /* of a block */
  uint32_t       *key;                    /* (n) block times cells plus cell in it; once sorted, slot times cells plus cell */
  uint32_t       *place;                  /* (n) of each particle among all, by block, cell and then id */
  uint8_t        *mark;                   /* of each block of the grid: particles are there */
  int32_t        *slot, *node_slot;       /* of each block of the grid its place in the lists; -1: not there */
  int             n_threads;
  NomosMpmExtent *extent;                 /* (n_threads) */
  size_t          n_active, n_nodal, n_beside;
  int32_t        *active, *nodal;         /* blocks with particles, blocks with nodes */
  const int32_t  *beside;                 /* blocks of other ranks whose tiles are here, after the active ones */
  uint32_t       *start;                  /* (n_active cells + 1) where the particles of a cell begin */
  uint32_t       *count;                  /* (n_threads, n_active cells) */
  void           *tile, *node[3];         /* (n_active + n_beside, tile_reals), (n_nodal, node_reals) */
  size_t          active_capacity, nodal_capacity, tile_capacity;
  bool            failed; /* out of memory */
} NomosMpmBlocks;

PetscErrorCode NomosMpmBlocksCreate(const NomosMpmSetup *setup, size_t n, size_t real_bytes, NomosMpmBlocks **blocks);
PetscErrorCode NomosMpmBlocksDestroy(NomosMpmBlocks **blocks);

/* Memory of other size, contents not kept; room for n tiles more. False: no memory. */
bool NomosMpmRenew(void *pointer, size_t bytes);
bool NomosMpmBlocksMore(NomosMpmBlocks *blocks, size_t n);

/* By all threads of a team, once keys, marks and extents are there: lists of blocks, and the place of every particle. False, on all threads: no memory, or not all particles were found. */
bool NomosMpmBlocksSort(NomosMpmBlocks *blocks, bool found);

/* Coordinates of a block, and a block by coordinates, which must be on the grid. */
static inline void NomosMpmBlockAt(const NomosMpmBlocks *b, int32_t block, int at[3])
{
  at[2] = block % b->shape[2];
  at[1] = block / b->shape[2] % b->shape[1];
  at[0] = block / b->shape[2] / b->shape[1];
}
static inline int32_t NomosMpmBlockIndex(const NomosMpmBlocks *b, const int at[3])
{
  return (at[0] * b->shape[1] + at[1]) * b->shape[2] + at[2];
}

/* Where the part of a thread begins: of n things, and of the active blocks, by their particles (and a fixed cost of each). The same in every pass, so that what a thread has written stays near it. */
static inline size_t NomosMpmShare(size_t n, int part, int n_parts)
{
  return n * (size_t)part / (size_t)n_parts;
}
size_t NomosMpmShareOfBlocks(const NomosMpmBlocks *blocks, int part, int n_parts);

#endif
