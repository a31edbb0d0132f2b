/* Ranks: who has which part of the grid, and how particles get there and back. Private to solvers/mpm.

   A particle's state stays on the rank where it began, its home, in the order of ids: there its laws are evaluated, and there a trajectory keeps it. What it gives to the grid, one record, travels in
   every step to the rank that has its block, its host, and what it gets comes back; most hosts are homes as long as neighbours in id are neighbours in space. Columns of blocks (all along the last
   axis) are dealt to ranks in every step, in the order of the grid, so that all have as many particles. A host adds up the records of a block in the order of ids: homes hold ranges of ids in the
   order of ranks. Tiles of blocks beside another rank's are sent to it, and each rank adds up the nodes it needs: the same sums in the same order, so the same bits for any number of ranks. */
#ifndef NOMOS_SOLVERS_MPM_EXCHANGE_H
#define NOMOS_SOLVERS_MPM_EXCHANGE_H

#include "solvers/mpm/mpm_blocks.h"

/* What goes to and comes from each rank, in records or tiles. */
typedef struct {
  int *send, *send_start, *receive, *receive_start;
  int  n_send, n_receive;
} NomosMpmTraffic;

typedef struct {
  MPI_Comm        comm;
  int             size, rank;
  size_t          n_home;
  uint32_t       *key, *place;  /* (n_home) block times cells plus cell; place in what is sent */
  int            *owner;        /* of each column */
  uint32_t       *load;         /* particles of each column, of all ranks; and how many ranks lost one */
  NomosMpmTraffic particles, tiles;
  int32_t        *block_out, *block_in;
  void           *buffer[2];
  size_t          block_capacity[2], buffer_capacity[2], host_capacity;
  MPI_Datatype    record, tile;
} NomosMpmExchange;

/* Collective. `real`: of the records. */
PetscErrorCode NomosMpmExchangeCreate(MPI_Comm comm, const NomosMpmBlocks *blocks, MPI_Datatype real, NomosMpmExchange **exchange);
PetscErrorCode NomosMpmExchangeDestroy(NomosMpmExchange **exchange);

/* All by one thread of each rank, collective.
   Hosts: from the keys at home and whether a particle was lost here, to the keys that this rank hosts, with marks and extent, ready to be sorted. False on all ranks: some rank lost one, or has no memory.
   Neighbours: once sorted, the list of neighbours' blocks whose tiles are needed. Tiles: these tiles.
   Send, Return: records at home, by `place`, to sorted ones at the hosts, and back. */
bool NomosMpmExchangeHosts(NomosMpmExchange *exchange, NomosMpmBlocks *blocks, bool lost);
bool NomosMpmExchangeNeighbours(NomosMpmExchange *exchange, NomosMpmBlocks *blocks);
void NomosMpmExchangeTiles(NomosMpmExchange *exchange, NomosMpmBlocks *blocks);
void NomosMpmExchangeSend(NomosMpmExchange *exchange, const NomosMpmBlocks *blocks, const void *home, void *host);
void NomosMpmExchangeReturn(NomosMpmExchange *exchange, const NomosMpmBlocks *blocks, const void *host, void *home);

#endif
