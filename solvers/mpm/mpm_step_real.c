/* The step of the material point method (solvers/mpm/mpm.h), and what it is made of. */
#include "solvers/mpm/mpm_step_impl.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

typedef NAME(MpmWork) Work;
enum { CHUNK = NOMOS_MPM_CHUNK };

/* Every part of the list has its share of each material, however many parts it is cut into. */
static PetscErrorCode Chunks(Work *w)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  size_t              *done; /* chunks of each material */

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(setup->n_materials, &done));
  for (size_t c = 0; c < w->n_chunks; c++) {
    size_t next  = 0;
    double least = 2;
    for (size_t m = 0; m < setup->n_materials; m++) {
      const double here = ((double)done[m] + 0.5) / (double)Blocks(setup->materials[m].count, CHUNK);
      if (here >= least || done[m] == Blocks(setup->materials[m].count, CHUNK)) continue;
      least = here;
      next  = m;
    }
    const NomosMpmMaterial *material = &setup->materials[next];
    const size_t            first    = CHUNK * done[next]++;
    w->chunks[c] = (NomosMpmChunk){.material = material, .first = material->first + first, .n = Smaller(CHUNK, material->count - first)};
  }
  PetscCall(PetscFree(done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosMpm *mpm)
{
  Work *w;
  int   size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(mpm->comm, &size));
  PetscCall(PetscNew(&w));
  mpm->work   = w;
  w->mpm      = mpm;
  w->transfer = NAME(MpmTransferOf)(mpm->setup.d, mpm->setup.order);
  PetscCall(NomosMpmBlocksCreate(&mpm->setup, mpm->n, sizeof(Real), &w->blocks));
  for (size_t m = 0; m < mpm->setup.n_materials; m++) w->n_chunks += Blocks(mpm->setup.materials[m].count, CHUNK);
  w->n_groups = Smaller(w->n_chunks, NOMOS_MPM_MAX_GROUPS);
  PetscCall(PetscMalloc1(w->n_chunks, &w->chunks));
  PetscCall(Chunks(w));
  w->place = w->blocks->place;
  if (size > 1) {
    PetscCall(NomosMpmExchangeCreate(mpm->comm, w->blocks, NOMOS_MPI_REAL, &w->exchange));
    w->place = w->exchange->place;
  }
  PetscCall(NAME(MpmRecords)(w, 2));
  mpm->lost = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosMpm *mpm)
{
  Work *w = mpm->work;

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosMpmBlocksDestroy(&w->blocks));
  PetscCall(PetscFree(w->chunks));
  for (int i = 0; i < 4; i++) {
    free(w->record[i]);
    if (w->exchange) free(w->home[i]);
  }
  PetscCall(NomosMpmExchangeDestroy(&w->exchange));
  PetscCall(PetscFree(w->kept));
  PetscCall(PetscFree(w->law_start));
  PetscCall(PetscFree(w->law_bar));
  PetscCall(PetscFree(mpm->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* False: no memory. */
static bool Grow(Work *w, size_t n)
{
  bool ok = true;
  for (int i = 0; i < w->n_records; i++)
    if (n > w->record_capacity || !w->record[i]) ok = ok && NomosMpmRenew(&w->record[i], (n > w->record_capacity ? n + n / 4 : w->record_capacity) * ROW * sizeof(Real));
  if (n > w->record_capacity) w->record_capacity = n + n / 4;
  return ok;
}

PetscErrorCode NAME(MpmRecords)(Work *w, int n_records)
{
  bool ok = true;

  PetscFunctionBeginUser;
  if (!w->record_capacity) w->record_capacity = w->mpm->n + 1;
  w->n_records = n_records > w->n_records ? n_records : w->n_records;
  ok           = Grow(w, w->record_capacity);
  for (int i = 0; i < w->n_records; i++) {
    if (!w->exchange) w->home[i] = w->record[i];
    else if (!w->home[i]) ok = ok && NomosMpmRenew(&w->home[i], (w->mpm->n + 1) * ROW * sizeof(Real));
  }
  PetscCheck(ok, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the records of %zu particles", w->mpm->n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int NAME(MpmThreads)(const Work *w)
{
  const int n = omp_get_max_threads();
  return (int)Smaller((size_t)(n < w->blocks->n_threads ? n : w->blocks->n_threads), w->n_chunks ? w->n_chunks : 1);
}

PetscErrorCode NAME(MpmCheckFound)(Work *w)
{
  PetscFunctionBeginUser;
  PetscCheck(!w->blocks->failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the grid of the material point method");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- where particles are */

/* The cell of each particle of this thread. A position that is clipped to the edge may lie outside by rounding: it counts as inside. */
static void FindCells(Work *w, const Real *state)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  NomosMpmBlocks      *b     = w->blocks;
  const int            t = omp_get_thread_num(), n_threads = omp_get_num_threads(), d = b->d, axis0 = 3 - d;
  const size_t         n = w->mpm->n, begin = NomosMpmShare(n, t, n_threads), end = NomosMpmShare(n, t + 1, n_threads);
  const Real           per_dx = (Real)(1 / setup->dx), offset = setup->order == 2 ? (Real)0.5 : 1, tolerance = (Real)-1e-3;
  NomosMpmExtent       extent = {{INT32_MAX, INT32_MAX, INT32_MAX}, {-1, -1, -1}, -1, ""};
  uint32_t            *key = w->exchange ? w->exchange->key : b->key;

  for (size_t first = begin; first < end; first += CHUNK) {
    const size_t m = Smaller(CHUNK, end - first);
    int32_t      block[CHUNK], cell[CHUNK], off[CHUNK];
    memset(block, 0, sizeof block);
    memset(cell, 0, sizeof cell);
    memset(off, 0, sizeof off);
    for (int a = 0; a < d; a++) {
      const Real   *x     = state + (size_t)a * n + first;
      const Real    limit = (Real)(setup->cells[a] - setup->order), origin = (Real)setup->origin[a];
      const int32_t blocks_along = b->shape[a + axis0];
      int32_t       low = extent.low[a + axis0], high = extent.high[a + axis0];
      for (size_t k = 0; k < m; k++) {
        const Real    s    = (x[k] - origin) * per_dx - offset;
        const bool    on   = s >= tolerance && s < limit; /* not where it is NaN */
        const int32_t base = (int32_t)(on ? s : 0), here = base / NOMOS_MPM_BLOCK;
        off[k] |= !on;
        block[k] = block[k] * blocks_along + here;
        cell[k]  = cell[k] * NOMOS_MPM_BLOCK + base % NOMOS_MPM_BLOCK;
        low      = here < low ? here : low;
        high     = here > high ? here : high;
      }
      extent.low[a + axis0]  = low;
      extent.high[a + axis0] = high;
    }
    for (size_t k = 0; k < m; k++) {
      if (off[k] && extent.lost < 0) extent.lost = (int64_t)(first + k);
      key[first + k] = (uint32_t)block[k] * (uint32_t)b->cells + (uint32_t)cell[k];
      if (w->exchange) continue;
#pragma omp atomic write
      b->mark[block[k]] = 1;
    }
  }
  for (int a = 0; a < axis0; a++) {
    extent.low[a]  = begin < end ? 0 : INT32_MAX;
    extent.high[a] = begin < end ? 0 : -1;
  }
  b->extent[t] = extent;
}

bool NAME(MpmFind)(Work *w, const Real *state)
{
  FindCells(w, state);
#pragma omp barrier
#pragma omp master
  {
    w->mpm->lost = -1;
    for (int t = omp_get_num_threads() - 1; t >= 0; t--)
      if (w->blocks->extent[t].lost >= 0) w->mpm->lost = w->blocks->extent[t].lost;
    w->found = w->mpm->lost < 0;
    if (w->exchange) w->found = NomosMpmExchangeHosts(w->exchange, w->blocks, !w->found) && Grow(w, w->blocks->n);
  }
#pragma omp barrier
  const bool sorted = NomosMpmBlocksSort(w->blocks, w->found);
  if (sorted && w->exchange) {
#pragma omp master
    w->found = NomosMpmExchangeNeighbours(w->exchange, w->blocks);
#pragma omp barrier
    return w->found;
  }
  return sorted;
}

/* ---- ranks */

void NAME(MpmSend)(Work *w, int kind)
{
  if (!w->exchange) return;
#pragma omp master
  NomosMpmExchangeSend(w->exchange, w->blocks, w->home[kind], w->record[kind]);
#pragma omp barrier
}

void NAME(MpmReturn)(Work *w, int kind)
{
  if (!w->exchange) return;
#pragma omp master
  NomosMpmExchangeReturn(w->exchange, w->blocks, w->record[kind], w->home[kind]);
#pragma omp barrier
}

void NAME(MpmTiles)(Work *w)
{
  if (!w->exchange) return;
#pragma omp master
  NomosMpmExchangeTiles(w->exchange, w->blocks);
#pragma omp barrier
}

/* ---- particles to grid */

void NAME(MpmMomentum)(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, Real *kept)
{
  NomosMpm            *mpm   = w->mpm;
  const NomosMpmSetup *setup = &mpm->setup;
  const int            d     = setup->d;
  const size_t         n = mpm->n, m = chunk->n;
  const Real           per_dx = (Real)(1 / setup->dx), dx = (Real)setup->dx, scale = (Real)(-dt * NomosMpmPerD(setup) * setup->dx);
  NomosLaw             law = chunk->material->law[NOMOS_LAW_ELASTICITY];
  const Real          *x = state + chunk->first, *v = x + (size_t)d * n, *C = v + (size_t)d * n, *F = C + (size_t)(d * d) * n;
  Real                 f[9 * CHUNK] ALIGNED, tau[9 * CHUNK] ALIGNED, r[ROW * CHUNK] ALIGNED, mass[CHUNK], stress[CHUNK];

  for (size_t e = 0; e < 9; e++) memcpy(f + e * CHUNK, F + e * n, m * sizeof(Real));
  law->ops->apply(law, m, CHUNK, f, tau, kept);
  if (d < 3) memset(r, 0, sizeof r);
  for (size_t k = 0; k < m; k++) {
    mass[k]           = (Real)mpm->mass[chunk->first + k];
    stress[k]         = scale * (Real)mpm->volume[chunk->first + k];
    r[3 * CHUNK + k] = mass[k];
  }
  for (int a = 0; a < d; a++) {
    const Real *x_a = x + (size_t)a * n, *v_a = v + (size_t)a * n, origin = (Real)setup->origin[a];
    Real       *b = r + AtB(d, a) * CHUNK, *position = r + AtX(d, a) * CHUNK;
    for (size_t k = 0; k < m; k++) {
      b[k]        = mass[k] * v_a[k];
      position[k] = (x_a[k] - origin) * per_dx;
    }
    for (int c = 0; c < d; c++) {
      const Real *C_ca = C + (size_t)(c * d + a) * n, *tau_ca = tau + (3 * c + a) * CHUNK;
      Real       *A = r + AtA(d, c, a) * CHUNK;
      for (size_t k = 0; k < m; k++) A[k] = mass[k] * dx * C_ca[k] + stress[k] * tau_ca[k];
    }
  }
  RecordsOut(m, CHUNK, r, w->place + chunk->first, w->home[0]);
}

void NAME(MpmScatter)(Work *w)
{
  NomosMpmBlocks *b = w->blocks;
  NAME(MpmSend)(w, 0);
  EACH_BLOCK(b, i) w->transfer->scatter(b, i, w->record[0], (Real *)b->tile + i * b->tile_reals);
#pragma omp barrier
  NAME(MpmTiles)(w);
}

/* ---- grid to particles */

void NAME(MpmGather)(Work *w)
{
  NomosMpmBlocks *b = w->blocks;
  EACH_BLOCK(b, i)
  {
    Real tile[7 * 7 * NOMOS_MPM_TILE] ALIGNED;
    w->transfer->spread(b, i, b->node[NODE_VELOCITY], tile);
    w->transfer->gather(b, i, tile, w->record[0], w->record[1]);
  }
#pragma omp barrier
  NAME(MpmReturn)(w, 1);
}

void NAME(MpmTrial)(Work *w, const NomosMpmChunk *chunk, const Real *F, double dt, Real records[], Real trial[])
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  const int            d     = setup->d;
  const size_t         n = w->mpm->n, m = chunk->n;
  const Real           scale = (Real)(NomosMpmPerD(setup) * setup->dx), h = (Real)dt;

  RecordsIn(m, CHUNK, w->home[1], w->place + chunk->first, records);
  for (int i = 0; i < d; i++)
    for (int l = 0; l < d; l++) {
      Real *C = records + AtA(d, i, l) * CHUNK;
      for (size_t k = 0; k < m; k++) C[k] *= scale;
    }
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      const Real *f[3] = {F + (size_t)j * n + chunk->first, F + (size_t)(3 + j) * n + chunk->first, F + (size_t)(6 + j) * n + chunk->first};
      Real       *to   = trial + (3 * i + j) * CHUNK;
      if (d == 3) {
        const Real *C[3] = {records + AtA(3, i, 0) * CHUNK, records + AtA(3, i, 1) * CHUNK, records + AtA(3, i, 2) * CHUNK};
        for (size_t k = 0; k < m; k++) to[k] = f[i][k] + h * (C[0][k] * f[0][k] + C[1][k] * f[1][k] + C[2][k] * f[2][k]);
      } else {
        const Real *C[2] = {records + AtA(2, i, 0) * CHUNK, records + AtA(2, i, 1) * CHUNK};
        for (size_t k = 0; k < m; k++) to[k] = i < 2 ? f[i][k] + h * (C[0][k] * f[0][k] + C[1][k] * f[1][k]) : f[i][k];
      }
    }
}

void NAME(MpmAdvance)(Work *w, const NomosMpmChunk *chunk, Real *state, double dt)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  const int            d     = setup->d;
  const size_t         n = w->mpm->n, m = chunk->n;
  NomosLaw             law = chunk->material->law[NOMOS_LAW_PLASTICITY];
  Real                *x = state + chunk->first, *v = x + (size_t)d * n, *C = v + (size_t)d * n, *F = C + (size_t)(d * d) * n;
  Real                 r[ROW * CHUNK] ALIGNED, trial[9 * CHUNK] ALIGNED, elastic[9 * CHUNK] ALIGNED;

  NAME(MpmTrial)(w, chunk, F - chunk->first, dt, r, trial);
  if (law) law->ops->apply(law, m, CHUNK, trial, elastic, NULL);
  for (size_t e = 0; e < 9; e++) memcpy(F + e * n, (law ? elastic : trial) + e * CHUNK, m * sizeof(Real));
  for (int a = 0; a < d; a++) {
    const Real h = (Real)dt, *u = r + AtB(d, a) * CHUNK;
    Real      *to = x + (size_t)a * n, low, high;
    NomosMpmClipRange(setup, a, &low, &high);
    for (int c = 0; c < d; c++) memcpy(C + (size_t)(a * d + c) * n, r + AtA(d, a, c) * CHUNK, m * sizeof(Real));
    memcpy(v + (size_t)a * n, u, m * sizeof(Real));
    for (size_t k = 0; k < m; k++) to[k] += h * u[k];
    for (size_t k = 0; setup->clip > 0 && k < m; k++) to[k] = to[k] < low ? low : to[k] > high ? high : to[k];
  }
}

static PetscErrorCode Step(NomosMpm *mpm, double dt)
{
  Work *w     = mpm->work;
  Real *state = mpm->state;

  PetscFunctionBeginUser;
  mpm->lost = -1;
#pragma omp parallel num_threads(NAME(MpmThreads)(w))
  {
    const unsigned mode = NomosFlushSubnormals();
    if (NAME(MpmFind)(w, state)) {
#pragma omp for schedule(static)
      for (size_t c = 0; c < w->n_chunks; c++) NAME(MpmMomentum)(w, &w->chunks[c], state, dt, NULL);
      NAME(MpmScatter)(w);
      NAME(MpmVelocities)(w, false, dt);
      NAME(MpmGather)(w);
#pragma omp for schedule(static)
      for (size_t c = 0; c < w->n_chunks; c++) NAME(MpmAdvance)(w, &w->chunks[c], state, dt);
    }
    NomosRestoreSubnormals(mode);
  }
  PetscCall(NAME(MpmCheckFound)(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what particles have */

static PetscErrorCode Stress(NomosMpm *mpm, const void *state, void *tau)
{
  Work        *w = mpm->work;
  const size_t n = mpm->n;
  const Real  *F = (const Real *)state + (mpm->n_entries - 9) * n;

  PetscFunctionBeginUser;
#pragma omp parallel for schedule(static) num_threads(NAME(MpmThreads)(w))
  for (size_t c = 0; c < w->n_chunks; c++) {
    const NomosMpmChunk *chunk = &w->chunks[c];
    NomosLaw             law   = chunk->material->law[NOMOS_LAW_ELASTICITY];
    law->ops->apply(law, chunk->n, n, F + chunk->first, (Real *)tau + chunk->first, NULL);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Energy(NomosMpm *mpm, const void *state, double *elastic)
{
  Work        *w = mpm->work;
  const size_t n = mpm->n;
  const Real  *F = (const Real *)state + (mpm->n_entries - 9) * n;
  double      *sums;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(w->n_chunks, &sums));
#pragma omp parallel for schedule(static) num_threads(NAME(MpmThreads)(w))
  for (size_t c = 0; c < w->n_chunks; c++) {
    const NomosMpmChunk *chunk = &w->chunks[c];
    NomosLaw             law   = chunk->material->law[NOMOS_LAW_ELASTICITY];
    Real                 psi[CHUNK];
    if (law->ops->energy) law->ops->energy(law, chunk->n, n, F + chunk->first, psi);
    for (size_t k = 0; k < chunk->n; k++) sums[c] += law->ops->energy ? mpm->volume[chunk->first + k] * (double)psi[k] : (double)NAN;
  }
  *elastic = 0;
  for (size_t c = 0; c < w->n_chunks; c++) *elastic += sums[c];
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosMpmKernels NAME(nomos_mpm_kernels) = {.create = Create, .destroy = Destroy, .step = Step, .jvp = NAME(MpmJvp), .vjp = NAME(MpmVjp), .stress = Stress, .energy = Energy};
