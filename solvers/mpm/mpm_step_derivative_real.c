/* Derivatives of the step (solvers/mpm/mpm.h), exact for the step as it is computed. Only the particles' state is given: the grid is made again. */
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
  PetscCall(NAME(MpmRecords)(w, 4));
  if (!w->law_start) {
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
  PetscCheck(w->found, w->mpm->comm, PETSC_ERR_ARG_OUTOFRANGE, "a particle of the state to differentiate at (on this rank, -1 is none: %" PRId64 ") is outside the grid or not finite: give a state of a run that did not fail", w->mpm->lost);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- tangent */

/* record[2] of a chunk: the change of record[0]. */
static void MomentumDot(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, const Real *x_dot, const double *p_dot)
{
  NomosMpm            *mpm   = w->mpm;
  const NomosMpmSetup *setup = &mpm->setup;
  const int            d     = setup->d;
  const size_t         n = mpm->n, m = chunk->n, F = (mpm->n_entries - 9) * n + chunk->first;
  const Real           per_dx = (Real)(1 / setup->dx), dx = (Real)setup->dx, scale = (Real)(-dt * NomosMpmPerD(setup) * setup->dx);
  NomosLaw             law = chunk->material->law[NOMOS_LAW_ELASTICITY];
  Real                 f[9 * CHUNK] ALIGNED, f_dot[9 * CHUNK] ALIGNED, tau_dot[9 * CHUNK] ALIGNED, r[ROW * CHUNK] ALIGNED;

  for (size_t e = 0; e < 9; e++) {
    memcpy(f + e * CHUNK, state + F + e * n, m * sizeof(Real));
    memcpy(f_dot + e * CHUNK, x_dot + F + e * n, m * sizeof(Real));
  }
  law->ops->jvp(law, m, CHUNK, f, f_dot, p_dot ? p_dot + LawStart(w, chunk, NOMOS_LAW_ELASTICITY) : NULL, tau_dot);
  memset(r, 0, sizeof r);
  for (int a = 0; a < d; a++)
    for (size_t k = 0; k < m; k++) {
      const size_t p    = chunk->first + k;
      const Real   mass = (Real)mpm->mass[p], stress = scale * (Real)mpm->volume[p];
      r[(size_t)AtB(d, a) * CHUNK + k] = mass * x_dot[(size_t)(d + a) * n + p];
      r[(size_t)AtX(d, a) * CHUNK + k] = x_dot[(size_t)a * n + p] * per_dx;
      for (int c = 0; c < d; c++) r[(size_t)AtA(d, c, a) * CHUNK + k] = mass * dx * x_dot[(size_t)(2 * d + c * d + a) * n + p] + stress * tau_dot[(size_t)(3 * c + a) * CHUNK + k];
    }
  RecordsOut(m, CHUNK, r, w->place + chunk->first, w->home[2]);
}

static void AdvanceDot(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, Real *x_dot, const double *p_dot)
{
  const NomosMpmSetup *setup = &w->mpm->setup;
  const int            d     = setup->d;
  const size_t         n = w->mpm->n, m = chunk->n, F = (w->mpm->n_entries - 9) * n;
  const Real           h = (Real)dt, scale = (Real)(NomosMpmPerD(setup) * setup->dx);
  NomosLaw             law = chunk->material->law[NOMOS_LAW_PLASTICITY];
  Real                 r[ROW * CHUNK] ALIGNED, r_dot[ROW * CHUNK] ALIGNED, trial[9 * CHUNK] ALIGNED, trial_dot[9 * CHUNK] ALIGNED, elastic_dot[9 * CHUNK] ALIGNED;
  const Real          *f = state + F + chunk->first;
  Real                *f_dot = x_dot + F + chunk->first;

  NAME(MpmTrial)(w, chunk, state + F, dt, r, trial);
  RecordsIn(m, CHUNK, w->home[3], w->place + chunk->first, r_dot);
  for (int a = 0; a < d; a++) {
    const Real *v = r + AtB(d, a) * CHUNK, *v_dot = r_dot + AtB(d, a) * CHUNK, *x = state + (size_t)a * n + chunk->first;
    Real       *to = x_dot + (size_t)a * n + chunk->first;
    for (size_t k = 0; k < m; k++) to[k] = NomosMpmClipped(setup, a, x[k] + h * v[k]) ? 0 : to[k] + h * v_dot[k];
    memcpy(to + (size_t)d * n, v_dot, m * sizeof(Real));
    for (int c = 0; c < d; c++) {
      Real *C_dot = r_dot + AtA(d, a, c) * CHUNK;
      for (size_t k = 0; k < m; k++) C_dot[k] *= scale;
      memcpy(x_dot + (size_t)(2 * d + a * d + c) * n + chunk->first, C_dot, m * sizeof(Real));
    }
  }
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      Real *to = trial_dot + (3 * i + j) * CHUNK;
      memcpy(to, f_dot + (size_t)(3 * i + j) * n, m * sizeof(Real));
      for (int l = 0; i < d && l < d; l++) {
        const Real *C = r + AtA(d, i, l) * CHUNK, *C_dot = r_dot + AtA(d, i, l) * CHUNK, *g = f + (size_t)(3 * l + j) * n, *g_dot = f_dot + (size_t)(3 * l + j) * n;
        for (size_t k = 0; k < m; k++) to[k] += h * (C[k] * g_dot[k] + C_dot[k] * g[k]);
      }
    }
  if (law) law->ops->jvp(law, m, CHUNK, trial, trial_dot, p_dot ? p_dot + LawStart(w, chunk, NOMOS_LAW_PLASTICITY) : NULL, elastic_dot);
  for (size_t e = 0; e < 9; e++) memcpy(f_dot + e * n, (law ? elastic_dot : trial_dot) + e * CHUNK, m * sizeof(Real));
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
#pragma omp for schedule(static)
      for (size_t c = 0; c < w->n_chunks; c++) {
        NAME(MpmMomentum)(w, &w->chunks[c], state, dt, NULL);
        MomentumDot(w, &w->chunks[c], state, dt, x_dot, law_dot);
      }
      NAME(MpmScatter)(w);
      NAME(MpmVelocities)(w, true, dt);
      NAME(MpmGather)(w);
      NAME(MpmSend)(w, 2);
      EACH_BLOCK(b, i) derivative->scatter(b, i, w->record[0], w->record[2], (Real *)b->tile + i * b->tile_reals);
#pragma omp barrier
      NAME(MpmTiles)(w);
      NAME(MpmVelocitiesDot)(w, dt);
      EACH_BLOCK(b, i)
      {
        Real tile[2][7 * 7 * NOMOS_MPM_TILE] ALIGNED;
        w->transfer->spread(b, i, b->node[NODE_VELOCITY], tile[0]);
        w->transfer->spread(b, i, b->node[NODE_OTHER], tile[1]);
        derivative->gather(b, i, tile[0], tile[1], w->record[0], w->record[2], w->record[3]);
      }
#pragma omp barrier
      NAME(MpmReturn)(w, 3);
#pragma omp for schedule(static)
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
  const size_t         n = w->mpm->n, m = chunk->n, F = (w->mpm->n_entries - 9) * n;
  const Real           h = (Real)dt, scale = (Real)(NomosMpmPerD(setup) * setup->dx), per_dx = (Real)(1 / setup->dx);
  NomosLaw             law = chunk->material->law[NOMOS_LAW_PLASTICITY];
  Real                 r[ROW * CHUNK] ALIGNED, out[ROW * CHUNK] ALIGNED, trial[9 * CHUNK] ALIGNED, elastic_bar[9 * CHUNK] ALIGNED, trial_bar[9 * CHUNK] ALIGNED;
  const Real          *f = state + F + chunk->first;
  Real                *f_bar = x_bar + F + chunk->first;

  NAME(MpmTrial)(w, chunk, state + F, dt, r, trial);
  for (size_t e = 0; e < 9; e++) memcpy((law ? elastic_bar : trial_bar) + e * CHUNK, f_bar + e * n, m * sizeof(Real));
  if (law) law->ops->vjp(law, m, CHUNK, trial, elastic_bar, NULL, trial_bar, law_bar ? law_bar + LawStart(w, chunk, NOMOS_LAW_PLASTICITY) : NULL);
  if (d < 3) memset(out, 0, sizeof out);
  else memset(out + 3 * CHUNK, 0, CHUNK * sizeof(Real));
  for (int i = 0; i < d; i++)
    for (int l = 0; l < d; l++) {
      const Real *C_bar = x_bar + (size_t)(2 * d + i * d + l) * n + chunk->first, *t = trial_bar + 3 * i * CHUNK, *g = f + (size_t)(3 * l) * n;
      Real       *to = out + AtA(d, i, l) * CHUNK;
      for (size_t k = 0; k < m; k++) to[k] = scale * (C_bar[k] + h * (t[k] * g[k] + t[CHUNK + k] * g[n + k] + t[2 * CHUNK + k] * g[2 * n + k]));
    }
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      Real *to = f_bar + (size_t)(3 * i + j) * n;
      memcpy(to, trial_bar + (3 * i + j) * CHUNK, m * sizeof(Real));
      for (int a = 0; i < d && a < d; a++) {
        const Real *C = r + AtA(d, a, i) * CHUNK, *t = trial_bar + (3 * a + j) * CHUNK;
        for (size_t k = 0; k < m; k++) to[k] += h * C[k] * t[k];
      }
    }
  for (int a = 0; a < d; a++) {
    const Real *v = r + AtB(d, a) * CHUNK, *v_bar = x_bar + (size_t)(d + a) * n + chunk->first, *x = state + (size_t)a * n + chunk->first;
    Real       *b = out + AtB(d, a) * CHUNK, *position = out + AtX(d, a) * CHUNK, *to = x_bar + (size_t)a * n + chunk->first;
    const Real  origin = (Real)setup->origin[a];
    for (size_t k = 0; k < m; k++) {
      to[k]       = NomosMpmClipped(setup, a, x[k] + h * v[k]) ? 0 : to[k];
      b[k]        = v_bar[k] + h * to[k];
      position[k] = (x[k] - origin) * per_dx;
    }
  }
  RecordsOut(m, CHUNK, out, w->place + chunk->first, w->home[2]);
}

/* From record[3], of momentum, A and positions, to the state before the step. */
static void MomentumBar(Work *w, const NomosMpmChunk *chunk, const Real *state, double dt, Real *x_bar, double *law_bar)
{
  NomosMpm            *mpm   = w->mpm;
  const NomosMpmSetup *setup = &mpm->setup;
  const int            d     = setup->d;
  const size_t         n = mpm->n, m = chunk->n, F = (mpm->n_entries - 9) * n + chunk->first;
  const Real           per_dx = (Real)(1 / setup->dx), dx = (Real)setup->dx, scale = (Real)(-dt * NomosMpmPerD(setup) * setup->dx);
  NomosLaw             law = chunk->material->law[NOMOS_LAW_ELASTICITY];
  Real                 r[ROW * CHUNK] ALIGNED, f[9 * CHUNK] ALIGNED, f_bar[9 * CHUNK] ALIGNED, tau_bar[9 * CHUNK] ALIGNED, mass[CHUNK], stress[CHUNK];

  RecordsIn(m, CHUNK, w->home[3], w->place + chunk->first, r);
  for (size_t k = 0; k < m; k++) {
    mass[k]   = (Real)mpm->mass[chunk->first + k];
    stress[k] = scale * (Real)mpm->volume[chunk->first + k];
  }
  if (d < 3) memset(tau_bar, 0, sizeof tau_bar);
  for (int a = 0; a < d; a++) {
    const Real *b = r + AtB(d, a) * CHUNK, *position = r + AtX(d, a) * CHUNK;
    Real       *x = x_bar + (size_t)a * n + chunk->first, *v = x_bar + (size_t)(d + a) * n + chunk->first;
    for (size_t k = 0; k < m; k++) {
      x[k] += position[k] * per_dx;
      v[k] = mass[k] * b[k];
    }
    for (int c = 0; c < d; c++) {
      const Real *A = r + AtA(d, c, a) * CHUNK;
      Real       *C = x_bar + (size_t)(2 * d + c * d + a) * n + chunk->first, *tau = tau_bar + (3 * c + a) * CHUNK;
      for (size_t k = 0; k < m; k++) {
        C[k]   = mass[k] * dx * A[k];
        tau[k] = stress[k] * A[k];
      }
    }
  }
  for (size_t e = 0; e < 9; e++) memcpy(f + e * CHUNK, state + F + e * n, m * sizeof(Real));
  law->ops->vjp(law, m, CHUNK, f, tau_bar, law->ops->kept_reals ? w->kept + chunk->kept : NULL, f_bar, law_bar ? law_bar + LawStart(w, chunk, NOMOS_LAW_ELASTICITY) : NULL);
  for (size_t e = 0; e < 9; e++) {
    Real *to = x_bar + F + e * n;
    for (size_t k = 0; k < m; k++) to[k] += f_bar[e * CHUNK + k];
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
#pragma omp for schedule(static)
      for (size_t c = 0; c < w->n_chunks; c++) {
        const bool keeps = w->chunks[c].material->law[NOMOS_LAW_ELASTICITY]->ops->kept_reals;
        NAME(MpmMomentum)(w, &w->chunks[c], state, dt, keeps ? w->kept + w->chunks[c].kept : NULL);
      }
      NAME(MpmScatter)(w);
      NAME(MpmVelocities)(w, true, dt);
      NAME(MpmGather)(w);
      /* a group of chunks has sums of its own, whichever thread it is on */
#pragma omp for schedule(static)
      for (size_t g = 0; g < w->n_groups; g++) {
        double *law_bar = w->law_bar + g * w->n_law_parameters;
        memset(law_bar, 0, n_laws * sizeof *law_bar);
        for (size_t c = NomosMpmShare(w->n_chunks, (int)g, (int)w->n_groups); c < NomosMpmShare(w->n_chunks, (int)g + 1, (int)w->n_groups); c++) AdvanceBar(w, &w->chunks[c], state, dt, x_bar, p_bar ? law_bar : NULL);
      }
      NAME(MpmSend)(w, 2);
      EACH_BLOCK(b, i)
      {
        Real tile[7 * 7 * NOMOS_MPM_TILE] ALIGNED;
        w->transfer->spread(b, i, b->node[NODE_VELOCITY], tile);
        derivative->slope(b, i, tile, w->record[2], NULL, w->record[1]);
        w->transfer->scatter(b, i, w->record[2], (Real *)b->tile + i * b->tile_reals);
      }
#pragma omp barrier
      NAME(MpmTiles)(w);
      NAME(MpmVelocitiesBar)(w, dt);
      EACH_BLOCK(b, i)
      {
        Real tile[7 * 7 * NOMOS_MPM_TILE] ALIGNED;
        w->transfer->spread(b, i, b->node[NODE_OTHER], tile);
        derivative->slope(b, i, tile, w->record[0], w->record[1], w->record[3]);
      }
#pragma omp barrier
      NAME(MpmReturn)(w, 3);
#pragma omp for schedule(static)
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
  for (size_t m = 0; p_bar && w->n_groups && m < mpm->setup.n_materials; m++) /* a rank without particles has no part in it */
    for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++)
      for (size_t i = 0; mpm->setup.materials[m].law[kind] && i < mpm->setup.materials[m].law[kind]->n_parameters; i++) p_bar[mpm->setup.materials[m].parameter[kind][i]] += *from++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
