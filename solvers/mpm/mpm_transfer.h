/* The exchange between particles and grid, of one block at a time. For *_real.c files; private to solvers/mpm.

   A record is a row: four groups of four,

     (b_x, b_y, b_z, b_m)  (a_xx, a_yx, a_zx, x)  (a_xy, a_yy, a_zy, y)  (a_xz, a_yz, a_zz, z),

   for a field b + a (x_i - x_p) about the particle, lengths in units of dx. In two dimensions x is the empty axis. With f = x_p - base, and w_i(f) the splines' product:

     scatter   N_i = sum_p w_i (b + a (i - f))                     b has a mass, a none
     gather    b   = sum_i w_i v_i,   a = sum_i w_i v_i (i - f)^T

   Each is the transpose of the other. What follows from the motion of the particles themselves: with s_i = (b + a (i - f)) . v_i,

     slope     f_bar = sum_i grad w_i s_i - a^T (sum_i w_i v_i),   the derivative of sum_i N_i . v_i by f. */
#ifndef NOMOS_SOLVERS_MPM_TRANSFER_H
#define NOMOS_SOLVERS_MPM_TRANSFER_H

#include "solvers/mpm/mpm_row.h"

typedef struct {
  /* records of all particles in sorted order -> the tile of an active block, overwritten */
  void (*scatter)(const NomosMpmBlocks *b, size_t slot, const Real *records, Real *tile);
  /* tiles of all active blocks -> the sums at the nodes of one block */
  void (*sum)(const NomosMpmBlocks *b, size_t node_slot, const Real *tiles, Real *node);
  /* nodes of all blocks -> the tile of an active block */
  void (*spread)(const NomosMpmBlocks *b, size_t slot, const Real *nodes, Real *tile);
  /* that tile, positions from `records` -> the block's `result`, with nothing in the places of positions */
  void (*gather)(const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *records, Real *result);
} NAME(MpmTransfer);

/* Their derivatives. `dots`: records of (b_dot, a_dot), and f_dot in the places of positions. */
typedef struct {
  /* N_dot of `scatter` */
  void (*scatter)(const NomosMpmBlocks *b, size_t slot, const Real *records, const Real *dots, Real *tile);
  /* (b_dot, a_dot) of `gather` from the tiles of v and v_dot */
  void (*gather)(const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *tile_dot, const Real *records, const Real *dots, Real *result);
  /* `gather`, and f_bar of the records' field in the places of positions; plus what is there in `before` (may be NULL) */
  void (*slope)(const NomosMpmBlocks *b, size_t slot, const Real *tile, const Real *records, const Real *before, Real *result);
} NAME(MpmTransferDerivative);

const NAME(MpmTransfer)           *NAME(MpmTransferOf)(int d, int order);
const NAME(MpmTransferDerivative) *NAME(MpmTransferDerivativeOf)(int d, int order);

#endif
