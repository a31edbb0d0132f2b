/* Particles to the ranks that have their blocks, tiles to the ranks beside. Not PETSc's functions but MPI's: this is called inside parallel regions, by one thread. */
#include "solvers/mpm/mpm_exchange.h"

#include <stdlib.h>
#include <string.h>

static size_t Columns(const NomosMpmBlocks *b)
{
  return (size_t)b->shape[0] * (size_t)b->shape[1];
}

static PetscErrorCode TrafficCreate(int size, NomosMpmTraffic *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc4((size_t)size, &t->send, (size_t)size, &t->send_start, (size_t)size, &t->receive, (size_t)size, &t->receive_start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmExchangeCreate(MPI_Comm comm, const NomosMpmBlocks *b, MPI_Datatype real, NomosMpmExchange **exchange)
{
  NomosMpmExchange *x;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&x));
  *exchange = x;
  x->comm   = comm;
  x->n_home = b->n;
  PetscCallMPI(MPI_Comm_size(comm, &x->size));
  PetscCallMPI(MPI_Comm_rank(comm, &x->rank));
  PetscCall(PetscMalloc4(b->n, &x->key, b->n, &x->place, Columns(b), &x->owner, Columns(b) + 1, &x->load));
  PetscCall(TrafficCreate(x->size, &x->particles));
  PetscCall(TrafficCreate(x->size, &x->tiles));
  x->host_capacity = b->n;
  PetscCallMPI(MPI_Type_contiguous(NOMOS_MPM_ROW, real, &x->record));
  PetscCallMPI(MPI_Type_commit(&x->record));
  PetscCallMPI(MPI_Type_contiguous((int)b->tile_reals, real, &x->tile));
  PetscCallMPI(MPI_Type_commit(&x->tile));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmExchangeDestroy(NomosMpmExchange **exchange)
{
  NomosMpmExchange *x = *exchange;

  PetscFunctionBeginUser;
  if (!x) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Type_free(&x->record));
  PetscCallMPI(MPI_Type_free(&x->tile));
  PetscCall(PetscFree4(x->key, x->place, x->owner, x->load));
  PetscCall(PetscFree4(x->particles.send, x->particles.send_start, x->particles.receive, x->particles.receive_start));
  PetscCall(PetscFree4(x->tiles.send, x->tiles.send_start, x->tiles.receive, x->tiles.receive_start));
  free(x->block_out);
  free(x->block_in);
  for (int i = 0; i < 2; i++) free(x->buffer[i]);
  PetscCall(PetscFree(*exchange));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for n things of `bytes`; what was there is not kept. */
static bool Room(void *pointer, size_t *capacity, size_t n, size_t bytes)
{
  if (n <= *capacity && *(void **)pointer) return true;
  *capacity = n + n / 4 + 64;
  return NomosMpmRenew(pointer, *capacity * bytes);
}

/* From numbers to send to where they are in one list, and what comes. */
static void Announce(const NomosMpmExchange *x, NomosMpmTraffic *t)
{
  (void)MPI_Alltoall(t->send, 1, MPI_INT, t->receive, 1, MPI_INT, x->comm);
  t->n_send = t->n_receive = 0;
  for (int r = 0; r < x->size; r++) {
    t->send_start[r]    = t->n_send;
    t->receive_start[r] = t->n_receive;
    t->n_send += t->send[r];
    t->n_receive += t->receive[r];
  }
}

/* Everything where `there` has it, back if asked for. */
static void Move(const NomosMpmExchange *x, const NomosMpmTraffic *t, MPI_Datatype type, bool back, const void *from, void *to)
{
  if (back) (void)MPI_Alltoallv(from, t->receive, t->receive_start, type, to, t->send, t->send_start, type, x->comm);
  else (void)MPI_Alltoallv(from, t->send, t->send_start, type, to, t->receive, t->receive_start, type, x->comm);
}

/* Columns to ranks: the one in which a particle of a column's middle falls. */
static void Deal(NomosMpmExchange *x, const NomosMpmBlocks *b)
{
  uint64_t all = 0, before = 0;
  for (size_t c = 0; c < Columns(b); c++) all += x->load[c];
  for (size_t c = 0; c < Columns(b); c++) {
    x->owner[c] = all ? (int)((2 * before + x->load[c]) * (uint64_t)x->size / (2 * all)) : 0;
    if (x->owner[c] >= x->size) x->owner[c] = x->size - 1;
    before += x->load[c];
  }
}

bool NomosMpmExchangeHosts(NomosMpmExchange *x, NomosMpmBlocks *b, bool lost)
{
  const uint32_t   per_column = (uint32_t)(b->shape[2] * b->cells);
  const size_t     n_columns  = Columns(b);
  NomosMpmTraffic *t          = &x->particles;
  NomosMpmExtent   none       = {{INT32_MAX, INT32_MAX, INT32_MAX}, {-1, -1, -1}, -1, ""};
  bool             ok;

  memset(x->load, 0, (n_columns + 1) * sizeof *x->load);
  x->load[n_columns] = lost;
  for (size_t k = 0; k < x->n_home && !lost; k++) x->load[x->key[k] / per_column]++;
  (void)MPI_Allreduce(MPI_IN_PLACE, x->load, (int)n_columns + 1, MPI_UINT32_T, MPI_SUM, x->comm);
  if (x->load[n_columns]) return false;
  Deal(x, b);
  memset(t->send, 0, (size_t)x->size * sizeof *t->send);
  for (size_t k = 0; k < x->n_home; k++) t->send[x->owner[x->key[k] / per_column]]++;
  Announce(x, t);
  b->n = (size_t)t->n_receive;
  ok   = b->n <= x->host_capacity || (NomosMpmRenew(&b->key, (b->n + b->n / 4) * sizeof *b->key) && NomosMpmRenew(&b->place, (b->n + b->n / 4) * sizeof *b->place));
  if (ok && b->n > x->host_capacity) x->host_capacity = b->n + b->n / 4;
  for (int i = 0; i < 2; i++) ok = ok && Room(&x->buffer[i], &x->buffer_capacity[i], x->n_home > b->n ? x->n_home : b->n, NOMOS_MPM_ROW * b->real_bytes);
  (void)MPI_Allreduce(MPI_IN_PLACE, &ok, 1, MPI_C_BOOL, MPI_LAND, x->comm);
  b->failed = !ok;
  if (!ok) return false;
  uint32_t *keys = x->buffer[0];
  memset(t->send, 0, (size_t)x->size * sizeof *t->send); /* counted anew */
  for (size_t k = 0; k < x->n_home; k++) {
    const int to = x->owner[x->key[k] / per_column];
    x->place[k]  = (uint32_t)(t->send_start[to] + t->send[to]++);
    keys[x->place[k]] = x->key[k];
  }
  Move(x, t, MPI_UINT32_T, false, keys, b->key);
  for (int i = 0; i < b->n_threads; i++) b->extent[i] = none;
  for (size_t h = 0; h < b->n; h++) {
    const int32_t block = (int32_t)(b->key[h] / (uint32_t)b->cells);
    int           at[3];
    if (b->mark[block]) continue;
    b->mark[block] = 1;
    NomosMpmBlockAt(b, block, at);
    for (int a = 0; a < 3; a++) {
      if (at[a] < b->extent->low[a]) b->extent->low[a] = at[a];
      if (at[a] > b->extent->high[a]) b->extent->high[a] = at[a];
    }
  }
  return true;
}

/* Ranks other than this one that have columns beside that of a block. */
static int Beside(const NomosMpmExchange *x, const NomosMpmBlocks *b, int32_t block, int ranks[8])
{
  int at[3], n = 0;
  NomosMpmBlockAt(b, block, at);
  for (int i = -1; i <= 1; i++)
    for (int j = -1; j <= 1; j++) {
      if (at[0] + i < 0 || at[0] + i >= b->shape[0] || at[1] + j < 0 || at[1] + j >= b->shape[1]) continue;
      const int owner = x->owner[(at[0] + i) * b->shape[1] + at[1] + j];
      bool      known = owner == x->rank;
      for (int k = 0; k < n; k++) known = known || ranks[k] == owner;
      if (!known) ranks[n++] = owner;
    }
  return n;
}

bool NomosMpmExchangeNeighbours(NomosMpmExchange *x, NomosMpmBlocks *b)
{
  NomosMpmTraffic *t = &x->tiles;
  int              ranks[8];
  bool             ok = true;

  memset(t->send, 0, (size_t)x->size * sizeof *t->send);
  for (size_t i = 0; i < b->n_active; i++) {
    const int n = Beside(x, b, b->active[i], ranks);
    for (int r = 0; r < n; r++) t->send[ranks[r]]++;
  }
  Announce(x, t);
  ok = Room(&x->block_out, &x->block_capacity[0], (size_t)t->n_send, sizeof *x->block_out) && Room(&x->block_in, &x->block_capacity[1], (size_t)t->n_receive, sizeof *x->block_in);
  ok = ok && Room(&x->buffer[0], &x->buffer_capacity[0], ((size_t)t->n_send * b->tile_reals + NOMOS_MPM_ROW - 1) / NOMOS_MPM_ROW, NOMOS_MPM_ROW * b->real_bytes);
  ok = ok && NomosMpmBlocksMore(b, (size_t)t->n_receive);
  (void)MPI_Allreduce(MPI_IN_PLACE, &ok, 1, MPI_C_BOOL, MPI_LAND, x->comm);
  b->failed = !ok;
  if (!ok) return false;
  memset(t->send, 0, (size_t)x->size * sizeof *t->send); /* counted anew */
  for (size_t i = 0; i < b->n_active; i++) {
    const int n = Beside(x, b, b->active[i], ranks);
    for (int r = 0; r < n; r++) x->block_out[t->send_start[ranks[r]] + t->send[ranks[r]]++] = b->active[i];
  }
  Move(x, t, MPI_INT32_T, false, x->block_out, x->block_in);
  for (int i = 0; i < t->n_receive; i++) b->slot[x->block_in[i]] = (int32_t)b->n_active + i;
  b->n_beside = (size_t)t->n_receive;
  b->beside   = x->block_in;
  return true;
}

void NomosMpmExchangeTiles(NomosMpmExchange *x, NomosMpmBlocks *b)
{
  const size_t bytes = b->tile_reals * b->real_bytes;
  char        *out   = x->buffer[0], *tiles = b->tile;

  for (int i = 0; i < x->tiles.n_send; i++) memcpy(out + (size_t)i * bytes, tiles + (size_t)b->slot[x->block_out[i]] * bytes, bytes);
  Move(x, &x->tiles, x->tile, false, out, tiles + b->n_active * bytes);
}

void NomosMpmExchangeSend(NomosMpmExchange *x, const NomosMpmBlocks *b, const void *home, void *host)
{
  const size_t bytes = NOMOS_MPM_ROW * b->real_bytes;
  Move(x, &x->particles, x->record, false, home, x->buffer[1]);
  for (size_t h = 0; h < b->n; h++) memcpy((char *)host + b->place[h] * bytes, (char *)x->buffer[1] + h * bytes, bytes);
}

void NomosMpmExchangeReturn(NomosMpmExchange *x, const NomosMpmBlocks *b, const void *host, void *home)
{
  const size_t bytes = NOMOS_MPM_ROW * b->real_bytes;
  for (size_t h = 0; h < b->n; h++) memcpy((char *)x->buffer[1] + h * bytes, (const char *)host + b->place[h] * bytes, bytes);
  Move(x, &x->particles, x->record, true, x->buffer[1], home);
}
