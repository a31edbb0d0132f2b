/* The step of the material point method (solvers/mpm/mpm.h), and what it is made of. */
#include "solvers/mpm/mpm_boundary.h"
#include "solvers/mpm/mpm_step_impl.h"

#include <math.h>
#include <omp.h>
#include <string.h>

typedef NAME(MpmWork) Work;
enum { CHUNK = NOMOS_MPM_CHUNK };

static PetscErrorCode Create(NomosMpm *mpm)
{
  Work *w;
  int   size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(mpm->comm, &size));
  PetscCheck(size == 1, mpm->comm, PETSC_ERR_SUP, "the material point method was started on %d ranks: it runs on one; use threads (OMP_NUM_THREADS)", size);
  PetscCall(PetscNew(&w));
  mpm->work   = w;
  w->mpm      = mpm;
  w->transfer = NAME(MpmTransferOf)(mpm->setup.d, mpm->setup.order);
  PetscCall(NomosMpmBlocksCreate(&mpm->setup, mpm->n, sizeof(Real), &w->blocks));
  for (size_t m = 0; m < mpm->setup.n_materials; m++) w->n_chunks += Blocks(mpm->setup.materials[m].count, CHUNK);
  w->n_groups = Smaller(w->n_chunks, NOMOS_MPM_MAX_GROUPS);
  PetscCall(PetscMalloc1(w->n_chunks, &w->chunks));
  size_t c = 0;
  for (size_t m = 0; m < mpm->setup.n_materials; m++) {
    const NomosMpmMaterial *material = &mpm->setup.materials[m];
    for (size_t first = 0; first < material->count; first += CHUNK) w->chunks[c++] = (NomosMpmChunk){.material = material, .first = material->first + first, .n = Smaller(CHUNK, material->count - first)};
  }
  for (int i = 0; i < 2; i++) PetscCall(PetscMalloc1(mpm->n * ROW, &w->record[i]));
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
  for (int i = 0; i < 4; i++) PetscCall(PetscFree(w->record[i]));
  PetscCall(PetscFree(w->kept));
  PetscCall(PetscFree(w->law_start));
  PetscCall(PetscFree(w->law_bar));
  PetscCall(PetscFree(mpm->work));
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
  const size_t         n = b->n, begin = NomosMpmShare(n, t, n_threads), end = NomosMpmShare(n, t + 1, n_threads);
  const Real           per_dx = (Real)(1 / setup->dx), offset = setup->order == 2 ? (Real)0.5 : 1, tolerance = (Real)-1e-3;
  NomosMpmExtent       extent = {{INT32_MAX, INT32_MAX, INT32_MAX}, {-1, -1, -1}, -1, ""};

  for (size_t first = begin; first < end; first += CHUNK) {
    const size_t m = Smaller(CHUNK, end - first);
    int32_t      block[CHUNK], cell[CHUNK], off[CHUNK];
    memset(block, 0, sizeof block);
    memset(cell, 0, sizeof cell);
    memset(off, 0, sizeof off);
    for (int a = 0; a < d; a++) {
      const Real   *x     = state + (size_t)a * n + first;
      const Real    limit = (Real)(setup->cells[a] - setup->order);
      const int32_t blocks_along = b->shape[a + axis0];
      int32_t       low = extent.low[a + axis0], high = extent.high[a + axis0];
      for (size_t k = 0; k < m; k++) {
        const Real    s    = x[k] * per_dx - offset;
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
      b->key[first + k] = (uint32_t)(block[k] * b->cells + cell[k]);
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
  if (NomosMpmBlocksSort(w->blocks)) return true;
#pragma omp single
  {
    w->mpm->lost = -1;
    for (int t = omp_get_num_threads() - 1; t >= 0; t--)
      if (w->blocks->extent[t].lost >= 0) w->mpm->lost = w->blocks->extent[t].lost;
  }
  return false;
}

/* ---- particles to grid */

void NAME(MpmMomentum)(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, Real *kept)
{
  NomosMpm            *mpm   = w->mpm;
  const NomosMpmSetup *setup = &mpm->setup;
  const int            d     = setup->d;
  const size_t         n = mpm->n, first = chunk->first;
  const Real           per_dx = (Real)(1 / setup->dx), dx = (Real)setup->dx, stress_scale = (Real)(-dt * NomosMpmPerD(setup) * setup->dx);
  NomosLaw             law   = chunk->material->law[NOMOS_LAW_ELASTICITY];
  const Real          *x = state, *v = x + (size_t)d * n, *C = v + (size_t)d * n, *F = C + (size_t)(d * d) * n;
  Real                 f[9 * CHUNK], tau[9 * CHUNK];

  for (int e = 0; e < 9; e++) memcpy(f + e * CHUNK, F + (size_t)e * n + first, chunk->n * sizeof(Real));
  law->ops->apply(law, chunk->n, CHUNK, f, tau, kept);
  for (size_t k = 0; k < chunk->n; k++) {
    const size_t p      = first + k;
    Real        *record = w->record[0] + (size_t)w->blocks->place[p] * ROW;
    const Real   m = (Real)mpm->mass[p], stress = stress_scale * (Real)mpm->volume[p];
    Real         r[ROW] = {0};
    r[3] = m;
    for (int a = 0; a < d; a++) {
      const int to = a + 3 - d;
      r[to]         = m * v[(size_t)a * n + p];
      r[4 * to + 7] = x[(size_t)a * n + p] * per_dx;
      for (int c = 0; c < d; c++) r[4 * to + 4 + c + 3 - d] = m * dx * C[(size_t)(c * d + a) * n + p] + stress * tau[(3 * c + a) * CHUNK + k];
    }
    memcpy(record, r, sizeof r);
  }
}

/* Velocities of a block of nodes from momentum and mass; in the mass's place 1/(m + epsilon), or 0 where there is none. */
static void Velocities(Work *w, size_t slot, bool keep_free, double dt)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  NomosMpmBlocks      *b     = w->blocks;
  const int            d     = b->d;
  Real                *node  = (Real *)b->node[NODE_VELOCITY] + slot * b->node_reals, *free_node = (Real *)b->node[NODE_FREE] + slot * b->node_reals;
  const Real           epsilon = (Real)setup->epsilon;
  Real                 gravity[ROW];
  int                  at[3], first[3] = {0};

  w->transfer->sum(b, slot, b->tile, node);
  for (int l = 0; l < ROW; l++) gravity[l] = l % 4 < 3 - d || l % 4 == 3 ? 0 : (Real)(dt * setup->gravity[l % 4 - 3 + d]);
  for (size_t i = 0; i < b->node_reals; i += ROW)
    for (int q = 0; q < 4; q++) {
      Real *n       = node + i + 4 * q;
      const Real inverse = n[3] > 0 ? 1 / (n[3] + epsilon) : 0;
      for (int c = 0; c < 3; c++) n[c] = n[c] * inverse + gravity[c];
      n[3] = inverse;
    }
  if (keep_free) memcpy(free_node, node, b->node_reals * sizeof(Real));
  NomosMpmBlockAt(b, b->nodal[slot], at);
  for (int a = 0; a < d; a++) first[a] = at[a + 3 - d] * NOMOS_MPM_BLOCK;
  if (!NomosMpmBoundaryNear(setup, first, NOMOS_MPM_BLOCK)) return;
  for (int cell = 0; cell < b->cells; cell++) {
    Real  *n = node + 4 * cell + 3 - d;
    int    index[3];
    double v[3] = {n[0], n[1], d == 3 ? n[2] : 0};
    NomosMpmNodeAt(d, first, cell, index);
    NomosMpmBoundaryApply(setup, index, v, NULL);
    for (int a = 0; a < d; a++) n[a] = (Real)v[a];
  }
}

void NAME(MpmGrid)(Work *w, bool keep_free, double dt)
{
  NomosMpmBlocks *b = w->blocks;
#pragma omp for schedule(dynamic, 4)
  for (size_t i = 0; i < b->n_active; i++) w->transfer->scatter(b, i, w->record[0], (Real *)b->tile + i * b->tile_reals);
#pragma omp for schedule(dynamic, 4)
  for (size_t i = 0; i < b->n_nodal; i++) Velocities(w, i, keep_free, dt);
}

/* ---- grid to particles */

void NAME(MpmGather)(Work *w, const Real *nodes, Real *result)
{
  NomosMpmBlocks *b = w->blocks;
#pragma omp for schedule(dynamic, 4)
  for (size_t i = 0; i < b->n_active; i++) {
    Real tile[7 * 7 * NOMOS_MPM_TILE] __attribute__((aligned(64)));
    w->transfer->spread(b, i, nodes, tile);
    w->transfer->gather(b, i, tile, w->record[0], result);
  }
}

void NAME(MpmTrial)(Work *w, const NomosMpmChunk *chunk, const Real *F, double dt, Real v[], Real C[], Real trial[])
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  const int            d     = setup->d;
  const size_t         n = w->mpm->n, first = chunk->first;
  const Real           scale = (Real)(NomosMpmPerD(setup) * setup->dx);

  for (size_t k = 0; k < chunk->n; k++) {
    const Real *r = w->record[1] + (size_t)w->blocks->place[first + k] * ROW;
    for (int a = 0; a < d; a++) {
      v[a * CHUNK + k] = r[a + 3 - d];
      for (int c = 0; c < d; c++) C[(a * d + c) * CHUNK + k] = scale * r[4 * (c + 3 - d) + 4 + a + 3 - d];
    }
  }
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      const Real *f[3]   = {F + (size_t)j * n + first, F + (size_t)(3 + j) * n + first, F + (size_t)(6 + j) * n + first};
      Real       *result = trial + (3 * i + j) * CHUNK;
      for (size_t k = 0; k < chunk->n; k++) result[k] = f[i][k];
      for (int l = 0; i < d && l < d; l++) {
        const Real *c = C + (i * d + l) * CHUNK, *g = f[l], h = (Real)dt;
        for (size_t k = 0; k < chunk->n; k++) result[k] += h * c[k] * g[k];
      }
    }
}

static void Advance(Work *w, const NomosMpmChunk *chunk, Real *state, double dt)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  const int            d     = setup->d;
  const size_t         n = w->mpm->n, first = chunk->first;
  NomosLaw             law   = chunk->material->law[NOMOS_LAW_PLASTICITY];
  Real                *x = state + first, *v = x + (size_t)d * n, *C = v + (size_t)d * n, *F = C + (size_t)(d * d) * n;
  Real                 new_v[3 * CHUNK], new_C[9 * CHUNK], trial[9 * CHUNK], elastic[9 * CHUNK];

  NAME(MpmTrial)(w, chunk, F - first, dt, new_v, new_C, trial);
  if (law) law->ops->apply(law, chunk->n, CHUNK, trial, elastic, NULL);
  for (int e = 0; e < 9; e++) memcpy(F + (size_t)e * n, (law ? elastic : trial) + e * CHUNK, chunk->n * sizeof(Real));
  for (int e = 0; e < d * d; e++) memcpy(C + (size_t)e * n, new_C + e * CHUNK, chunk->n * sizeof(Real));
  for (int a = 0; a < d; a++) {
    const Real low = (Real)(setup->clip * setup->dx), high = (Real)((setup->cells[a] - setup->clip) * setup->dx), h = (Real)dt;
    Real      *to = x + (size_t)a * n, *u = new_v + a * CHUNK;
    memcpy(v + (size_t)a * n, u, chunk->n * sizeof(Real));
    for (size_t k = 0; k < chunk->n; k++) to[k] += h * u[k];
    for (size_t k = 0; setup->clip > 0 && k < chunk->n; k++) to[k] = to[k] < low ? low : to[k] > high ? high : to[k];
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
#pragma omp for schedule(dynamic)
      for (size_t c = 0; c < w->n_chunks; c++) NAME(MpmMomentum)(w, &w->chunks[c], state, dt, NULL);
      NAME(MpmGrid)(w, false, dt);
      NAME(MpmGather)(w, w->blocks->node[NODE_VELOCITY], w->record[1]);
#pragma omp for schedule(dynamic)
      for (size_t c = 0; c < w->n_chunks; c++) Advance(w, &w->chunks[c], state, dt);
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
#pragma omp parallel for schedule(dynamic) num_threads(NAME(MpmThreads)(w))
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
#pragma omp parallel for schedule(dynamic) num_threads(NAME(MpmThreads)(w))
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
