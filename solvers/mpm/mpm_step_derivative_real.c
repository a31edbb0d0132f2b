/* Derivatives of the step (solvers/mpm/mpm.h), exact for the step as it is computed. Only the particles' state is given: the grid is made again. */
#include "solvers/mpm/mpm_boundary.h"
#include "solvers/mpm/mpm_step_impl.h"

#include <omp.h>
#include <string.h>

typedef NAME(MpmWork) Work;
enum { CHUNK = NOMOS_MPM_CHUNK };

/* ---- memory */

/* What the derivatives need beyond the step, once. */
static PetscErrorCode Prepare(Work *w, bool keep)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  size_t               kept  = 0;

  PetscFunctionBeginUser;
  if (!w->record[2]) {
    for (int i = 2; i < 4; i++) PetscCall(PetscMalloc1(w->mpm->n * ROW, &w->record[i]));
    PetscCall(PetscMalloc1(setup->n_materials * NOMOS_N_LAW_KINDS, &w->law_start));
    for (size_t m = 0; m < setup->n_materials; m++)
      for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++) {
        w->law_start[m * NOMOS_N_LAW_KINDS + (size_t)kind] = w->n_law_parameters;
        if (setup->materials[m].law[kind]) w->n_law_parameters += setup->materials[m].law[kind]->n_parameters;
      }
    PetscCall(PetscMalloc1((w->n_groups + 1) * w->n_law_parameters, &w->law_bar));
  }
  if (!keep || w->kept) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t c = 0; c < w->n_chunks; c++) {
    NomosLaw law       = w->chunks[c].material->law[NOMOS_LAW_ELASTICITY];
    w->chunks[c].kept  = kept;
    kept += law->ops->kept_reals ? w->chunks[c].n * law->ops->kept_reals(law) : 0;
  }
  PetscCall(PetscMalloc1(kept + 1, &w->kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of p (parameters of the model) those of each law, or NULL. */
static const double *LawParameters(Work *w, const double p[])
{
  const NomosMpmSetup *setup  = &w->mpm->setup;
  double              *values = w->law_bar + w->n_groups * w->n_law_parameters, *next = values;

  if (!p) return NULL;
  for (size_t m = 0; m < setup->n_materials; m++)
    for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++)
      for (size_t i = 0; setup->materials[m].law[kind] && i < setup->materials[m].law[kind]->n_parameters; i++) *next++ = p[setup->materials[m].parameter[kind][i]];
  return values;
}

static size_t LawStart(const Work *w, const NomosMpmChunk *chunk, NomosLawKind kind)
{
  return w->law_start[(size_t)(chunk->material - w->mpm->setup.materials) * NOMOS_N_LAW_KINDS + (size_t)kind];
}

/* Particles that the step cannot place have no derivative. */
static PetscErrorCode CheckFound(Work *w)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(MpmCheckFound)(w));
  PetscCheck(w->mpm->lost < 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "particle %" PRId64 " of the state to differentiate at is outside the grid or not finite: give a state of a run that did not fail", w->mpm->lost);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- nodes */

static void BlockOf(const NomosMpmBlocks *b, size_t slot, int first[3])
{
  int at[3];
  NomosMpmBlockAt(b, b->nodal[slot], at);
  for (int a = 0; a < 3; a++) first[a] = a < b->d ? at[a + 3 - b->d] * NOMOS_MPM_BLOCK : 0;
}

/* v := P v or P^T v at the nodes of a block, with P of the walls and obstacles at the velocities they saw. */
static void Walls(Work *w, size_t slot, bool transposed, Real *node)
{
  const NomosMpmSetup  *setup = &w->mpm->setup;
  const NomosMpmBlocks *b     = w->blocks;
  const int             d     = b->d;
  const Real           *free_node = (const Real *)b->node[NODE_FREE] + slot * b->node_reals;
  int                   first[3], index[3];
  double                projection[3][3];

  BlockOf(b, slot, first);
  if (!NomosMpmBoundaryNear(setup, first, NOMOS_MPM_BLOCK)) return;
  for (int cell = 0; cell < b->cells; cell++) {
    const Real *u    = free_node + 4 * cell + 3 - d;
    Real       *v    = node + 4 * cell + 3 - d;
    double      at[3] = {u[0], u[1], d == 3 ? u[2] : 0}, before[3] = {v[0], v[1], d == 3 ? v[2] : 0};
    NomosMpmNodeAt(d, first, cell, index);
    NomosMpmBoundaryApply(setup, index, at, projection);
    for (int a = 0; a < d; a++) {
      double sum = 0;
      for (int c = 0; c < d; c++) sum += (transposed ? projection[c][a] : projection[a][c]) * before[c];
      v[a] = (Real)sum;
    }
  }
}

/* v_dot from the sums of (mv)_dot and m_dot; the step's own velocities are there. */
static void VelocitiesDot(Work *w, size_t slot, double dt)
{
  NomosMpmBlocks *b    = w->blocks;
  const int       d    = b->d;
  Real           *node = (Real *)b->node[NODE_OTHER] + slot * b->node_reals;
  const Real     *u    = (const Real *)b->node[NODE_FREE] + slot * b->node_reals;

  w->transfer->sum(b, slot, b->tile, node);
  for (int cell = 0; cell < b->cells; cell++, node += 4, u += 4) {
    for (int a = 0; a < d; a++) node[a + 3 - d] = (node[a + 3 - d] - (u[a + 3 - d] - (Real)(dt * w->mpm->setup.gravity[a])) * node[3]) * u[3];
    node[3] = 0;
  }
  Walls(w, slot, false, (Real *)b->node[NODE_OTHER] + slot * b->node_reals);
}

/* From the sums of v_bar to (mv)_bar and m_bar. */
static void VelocitiesBar(Work *w, size_t slot, double dt)
{
  NomosMpmBlocks *b    = w->blocks;
  const int       d    = b->d;
  Real           *node = (Real *)b->node[NODE_OTHER] + slot * b->node_reals;
  const Real     *u    = (const Real *)b->node[NODE_FREE] + slot * b->node_reals;

  w->transfer->sum(b, slot, b->tile, node);
  Walls(w, slot, true, node);
  for (int cell = 0; cell < b->cells; cell++, node += 4, u += 4) {
    Real m_bar = 0;
    for (int a = 3 - d; a < 3; a++) {
      node[a] *= u[3];
      m_bar -= node[a] * (u[a] - (Real)(dt * w->mpm->setup.gravity[a - 3 + d]));
    }
    node[3] = m_bar;
  }
}

/* ---- tangent */

/* record[2] of a chunk: the change of record[0]. */
static void MomentumDot(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, const Real *x_dot, const double *p_dot)
{
  NomosMpm            *mpm   = w->mpm;
  const NomosMpmSetup *setup = &mpm->setup;
  const int            d     = setup->d;
  const size_t         n = mpm->n, F = (mpm->n_entries - 9) * n;
  NomosLaw             law   = chunk->material->law[NOMOS_LAW_ELASTICITY];
  Real                 f[9 * CHUNK], f_dot[9 * CHUNK], tau_dot[9 * CHUNK];

  for (int e = 0; e < 9; e++) {
    memcpy(f + e * CHUNK, state + F + (size_t)e * n + chunk->first, chunk->n * sizeof(Real));
    memcpy(f_dot + e * CHUNK, x_dot + F + (size_t)e * n + chunk->first, chunk->n * sizeof(Real));
  }
  law->ops->jvp(law, chunk->n, CHUNK, f, f_dot, p_dot ? p_dot + LawStart(w, chunk, NOMOS_LAW_ELASTICITY) : NULL, tau_dot);
  for (size_t k = 0; k < chunk->n; k++) {
    const size_t p = chunk->first + k;
    const Real   m = (Real)mpm->mass[p], stress = (Real)(-dt * NomosMpmPerD(setup) * setup->dx * mpm->volume[p]);
    Real         r[ROW] = {0};
    for (int a = 0; a < d; a++) {
      const int to  = a + 3 - d;
      r[to]         = m * x_dot[(size_t)(d + a) * n + p];
      r[4 * to + 7] = x_dot[(size_t)a * n + p] * (Real)(1 / setup->dx);
      for (int c = 0; c < d; c++) r[4 * to + 4 + c + 3 - d] = m * (Real)setup->dx * x_dot[(size_t)(2 * d + c * d + a) * n + p] + stress * tau_dot[(3 * c + a) * CHUNK + k];
    }
    memcpy(w->record[2] + (size_t)w->blocks->place[p] * ROW, r, sizeof r);
  }
}

static void AdvanceDot(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, Real *x_dot, const double *p_dot)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  const int            d     = setup->d;
  const size_t         n = w->mpm->n, first = chunk->first, F = (w->mpm->n_entries - 9) * n;
  NomosLaw             law   = chunk->material->law[NOMOS_LAW_PLASTICITY];
  Real                 v[3 * CHUNK], C[9 * CHUNK], C_dot[9 * CHUNK], trial[9 * CHUNK], trial_dot[9 * CHUNK], elastic_dot[9 * CHUNK];
  const Real           h = (Real)dt;

  NAME(MpmTrial)(w, chunk, state + F, dt, v, C, trial);
  for (size_t k = 0; k < chunk->n; k++) {
    const size_t p = first + k;
    const Real  *r = w->record[3] + (size_t)w->blocks->place[p] * ROW;
    for (int a = 0; a < d; a++) {
      const Real v_dot = r[a + 3 - d];
      Real      *to    = &x_dot[(size_t)a * n + p];
      *to = NomosMpmClipped(setup, a, state[(size_t)a * n + p] + h * v[a * CHUNK + k]) ? 0 : *to + h * v_dot;
      x_dot[(size_t)(d + a) * n + p] = v_dot;
      for (int c = 0; c < d; c++) C_dot[(a * d + c) * CHUNK + k] = x_dot[(size_t)(2 * d + a * d + c) * n + p] = (Real)(NomosMpmPerD(setup) * setup->dx) * r[4 * (c + 3 - d) + 4 + a + 3 - d];
    }
  }
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      for (size_t k = 0; k < chunk->n; k++) {
        Real sum = x_dot[F + (size_t)(3 * i + j) * n + first + k];
        for (int l = 0; i < d && l < d; l++)
          sum += h * (C[(i * d + l) * CHUNK + k] * x_dot[F + (size_t)(3 * l + j) * n + first + k] + C_dot[(i * d + l) * CHUNK + k] * state[F + (size_t)(3 * l + j) * n + first + k]);
        trial_dot[(3 * i + j) * CHUNK + k] = sum;
      }
  if (law) law->ops->jvp(law, chunk->n, CHUNK, trial, trial_dot, p_dot ? p_dot + LawStart(w, chunk, NOMOS_LAW_PLASTICITY) : NULL, elastic_dot);
  for (int e = 0; e < 9; e++) memcpy(x_dot + F + (size_t)e * n + first, (law ? elastic_dot : trial_dot) + e * CHUNK, chunk->n * sizeof(Real));
}

PetscErrorCode NAME(MpmJvp)(NomosMpm *mpm, double dt, const void *at, void *dot, const double p_dot[])
{
  Work                               *w          = mpm->work;
  NomosMpmBlocks                     *b          = w->blocks;
  const NAME(MpmTransferDerivative)  *derivative = NAME(MpmTransferDerivativeOf)(b->d, b->order);
  const Real                         *state      = at;
  Real                               *x_dot      = dot;

  PetscFunctionBeginUser;
  PetscCall(Prepare(w, false));
  const double *law_dot = LawParameters(w, p_dot);
#pragma omp parallel num_threads(NAME(MpmThreads)(w))
  {
    const unsigned mode = NomosFlushSubnormals();
    if (NAME(MpmFind)(w, state)) {
#pragma omp for schedule(dynamic)
      for (size_t c = 0; c < w->n_chunks; c++) {
        NAME(MpmMomentum)(w, &w->chunks[c], state, dt, NULL);
        MomentumDot(w, &w->chunks[c], state, dt, x_dot, law_dot);
      }
      NAME(MpmGrid)(w, true, dt);
      NAME(MpmGather)(w, b->node[NODE_VELOCITY], w->record[1]);
#pragma omp for schedule(dynamic, 4)
      for (size_t i = 0; i < b->n_active; i++) derivative->scatter(b, i, w->record[0], w->record[2], (Real *)b->tile + i * b->tile_reals);
#pragma omp for schedule(dynamic, 4)
      for (size_t i = 0; i < b->n_nodal; i++) VelocitiesDot(w, i, dt);
#pragma omp for schedule(dynamic, 4)
      for (size_t i = 0; i < b->n_active; i++) {
        Real tile[2][7 * 7 * NOMOS_MPM_TILE] __attribute__((aligned(64)));
        w->transfer->spread(b, i, b->node[NODE_VELOCITY], tile[0]);
        w->transfer->spread(b, i, b->node[NODE_OTHER], tile[1]);
        derivative->gather(b, i, tile[0], tile[1], w->record[0], w->record[2], w->record[3]);
      }
#pragma omp for schedule(dynamic)
      for (size_t c = 0; c < w->n_chunks; c++) AdvanceDot(w, &w->chunks[c], state, dt, x_dot, law_dot);
    }
    NomosRestoreSubnormals(mode);
  }
  PetscCall(CheckFound(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- adjoint */

/* From the state after the step to record[2]: of v and C as they were gathered. x_bar: x as far as it stays, F through the trial gradient. */
static void AdvanceBar(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, Real *x_bar, double *law_bar)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  const int            d     = setup->d;
  const size_t         n = w->mpm->n, first = chunk->first, F = (w->mpm->n_entries - 9) * n;
  NomosLaw             law   = chunk->material->law[NOMOS_LAW_PLASTICITY];
  Real                 v[3 * CHUNK], C[9 * CHUNK], C_bar[9 * CHUNK], trial[9 * CHUNK], elastic_bar[9 * CHUNK], trial_bar[9 * CHUNK];
  const Real           h = (Real)dt;

  NAME(MpmTrial)(w, chunk, state + F, dt, v, C, trial);
  for (int e = 0; e < 9; e++) memcpy((law ? elastic_bar : trial_bar) + e * CHUNK, x_bar + F + (size_t)e * n + first, chunk->n * sizeof(Real));
  if (law) law->ops->vjp(law, chunk->n, CHUNK, trial, elastic_bar, NULL, trial_bar, law_bar ? law_bar + LawStart(w, chunk, NOMOS_LAW_PLASTICITY) : NULL);
  for (int i = 0; i < d; i++)
    for (int l = 0; l < d; l++)
      for (size_t k = 0; k < chunk->n; k++) {
        Real sum = 0;
        for (int j = 0; j < 3; j++) sum += trial_bar[(3 * i + j) * CHUNK + k] * state[F + (size_t)(3 * l + j) * n + first + k];
        C_bar[(i * d + l) * CHUNK + k] = x_bar[(size_t)(2 * d + i * d + l) * n + first + k] + h * sum;
      }
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      for (size_t k = 0; k < chunk->n; k++) {
        Real sum = trial_bar[(3 * i + j) * CHUNK + k];
        for (int a = 0; i < d && a < d; a++) sum += h * C[(a * d + i) * CHUNK + k] * trial_bar[(3 * a + j) * CHUNK + k];
        x_bar[F + (size_t)(3 * i + j) * n + first + k] = sum;
      }
  for (size_t k = 0; k < chunk->n; k++) {
    const size_t p = first + k, place = (size_t)w->blocks->place[p] * ROW;
    Real         r[ROW] = {0};
    for (int a = 0; a < d; a++) {
      const int to  = a + 3 - d;
      Real     *x   = &x_bar[(size_t)a * n + p];
      if (NomosMpmClipped(setup, a, state[(size_t)a * n + p] + h * v[a * CHUNK + k])) *x = 0;
      r[to]         = x_bar[(size_t)(d + a) * n + p] + h * *x;
      r[4 * to + 7] = w->record[0][place + 4 * (size_t)to + 7];
      for (int c = 0; c < d; c++) r[4 * to + 4 + c + 3 - d] = (Real)(NomosMpmPerD(setup) * setup->dx) * C_bar[(c * d + a) * CHUNK + k];
    }
    memcpy(w->record[2] + place, r, sizeof r);
  }
}

/* From record[3], of momentum and A, and from the f_bar of both exchanges, to the state before the step. */
static void MomentumBar(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, Real *x_bar, double *law_bar)
{
  NomosMpm            *mpm   = w->mpm;
  const NomosMpmSetup *setup = &mpm->setup;
  const int            d     = setup->d;
  const size_t         n = mpm->n, F = (mpm->n_entries - 9) * n;
  NomosLaw             law   = chunk->material->law[NOMOS_LAW_ELASTICITY];
  Real                 f[9 * CHUNK], f_bar[9 * CHUNK], tau_bar[9 * CHUNK];

  for (int e = 0; e < 9; e++) memcpy(f + e * CHUNK, state + F + (size_t)e * n + chunk->first, chunk->n * sizeof(Real));
  memset(tau_bar, 0, sizeof tau_bar);
  for (size_t k = 0; k < chunk->n; k++) {
    const size_t p = chunk->first + k, place = (size_t)w->blocks->place[p] * ROW;
    const Real  *r = w->record[3] + place, *gathered = w->record[1] + place;
    const Real   m = (Real)mpm->mass[p], stress = (Real)(-dt * NomosMpmPerD(setup) * setup->dx * mpm->volume[p]);
    for (int a = 0; a < d; a++) {
      const int from = a + 3 - d;
      x_bar[(size_t)a * n + p] += (r[4 * from + 7] + gathered[4 * from + 7]) * (Real)(1 / setup->dx);
      x_bar[(size_t)(d + a) * n + p] = m * r[from];
      for (int c = 0; c < d; c++) {
        const Real A_bar = r[4 * from + 4 + c + 3 - d];
        x_bar[(size_t)(2 * d + c * d + a) * n + p] = m * (Real)setup->dx * A_bar;
        tau_bar[(3 * c + a) * CHUNK + k]           = stress * A_bar;
      }
    }
  }
  law->ops->vjp(law, chunk->n, CHUNK, f, tau_bar, law->ops->kept_reals ? w->kept + chunk->kept : NULL, f_bar, law_bar ? law_bar + LawStart(w, chunk, NOMOS_LAW_ELASTICITY) : NULL);
  for (int e = 0; e < 9; e++) {
    Real *to = x_bar + F + (size_t)e * n + chunk->first;
    for (size_t k = 0; k < chunk->n; k++) to[k] += f_bar[e * CHUNK + k];
  }
}

PetscErrorCode NAME(MpmVjp)(NomosMpm *mpm, double dt, const void *at, void *bar, double p_bar[])
{
  Work                              *w          = mpm->work;
  NomosMpmBlocks                    *b          = w->blocks;
  const NAME(MpmTransferDerivative) *derivative = NAME(MpmTransferDerivativeOf)(b->d, b->order);
  const Real                        *state      = at;
  Real                              *x_bar      = bar;

  PetscFunctionBeginUser;
  PetscCall(Prepare(w, true));
  const size_t n_laws = p_bar ? w->n_law_parameters : 0;
#pragma omp parallel num_threads(NAME(MpmThreads)(w))
  {
    const unsigned mode = NomosFlushSubnormals();
    if (NAME(MpmFind)(w, state)) {
#pragma omp for schedule(dynamic)
      for (size_t c = 0; c < w->n_chunks; c++) {
        const bool keeps = w->chunks[c].material->law[NOMOS_LAW_ELASTICITY]->ops->kept_reals;
        NAME(MpmMomentum)(w, &w->chunks[c], state, dt, keeps ? w->kept + w->chunks[c].kept : NULL);
      }
      NAME(MpmGrid)(w, true, dt);
      NAME(MpmGather)(w, b->node[NODE_VELOCITY], w->record[1]);
      /* a group of chunks has sums of its own, whichever thread it is on */
#pragma omp for schedule(dynamic)
      for (size_t g = 0; g < w->n_groups; g++) {
        double *law_bar = w->law_bar + g * w->n_law_parameters;
        memset(law_bar, 0, n_laws * sizeof *law_bar);
        for (size_t c = NomosMpmShare(w->n_chunks, (int)g, (int)w->n_groups); c < NomosMpmShare(w->n_chunks, (int)g + 1, (int)w->n_groups); c++) AdvanceBar(w, &w->chunks[c], state, dt, x_bar, p_bar ? law_bar : NULL);
      }
#pragma omp for schedule(dynamic, 4)
      for (size_t i = 0; i < b->n_active; i++) {
        Real tile[7 * 7 * NOMOS_MPM_TILE] __attribute__((aligned(64)));
        w->transfer->spread(b, i, b->node[NODE_VELOCITY], tile);
        derivative->slope(b, i, tile, w->record[2], w->record[1]);
        w->transfer->scatter(b, i, w->record[2], (Real *)b->tile + i * b->tile_reals);
      }
#pragma omp for schedule(dynamic, 4)
      for (size_t i = 0; i < b->n_nodal; i++) VelocitiesBar(w, i, dt);
#pragma omp for schedule(dynamic, 4)
      for (size_t i = 0; i < b->n_active; i++) {
        Real tile[7 * 7 * NOMOS_MPM_TILE] __attribute__((aligned(64)));
        w->transfer->spread(b, i, b->node[NODE_OTHER], tile);
        derivative->slope(b, i, tile, w->record[0], w->record[3]);
      }
#pragma omp for schedule(dynamic)
      for (size_t g = 0; g < w->n_groups; g++)
        for (size_t c = NomosMpmShare(w->n_chunks, (int)g, (int)w->n_groups); c < NomosMpmShare(w->n_chunks, (int)g + 1, (int)w->n_groups); c++)
          MomentumBar(w, &w->chunks[c], state, dt, x_bar, p_bar ? w->law_bar + g * w->n_law_parameters : NULL);
#pragma omp for schedule(static)
      for (size_t i = 0; i < n_laws; i++) /* into the sum of the first group */
        for (size_t g = 1; g < w->n_groups; g++) w->law_bar[i] += w->law_bar[g * n_laws + i];
    }
    NomosRestoreSubnormals(mode);
  }
  PetscCall(CheckFound(w));
  const double *from = w->law_bar;
  for (size_t m = 0; p_bar && m < mpm->setup.n_materials; m++)
    for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++)
      for (size_t i = 0; mpm->setup.materials[m].law[kind] && i < mpm->setup.materials[m].law[kind]->n_parameters; i++) p_bar[mpm->setup.materials[m].parameter[kind][i]] += *from++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
