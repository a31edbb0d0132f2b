/* The work arrays of a step, and its parts that its derivatives need too. For *_real.c files; private to solvers/mpm. */
#ifndef NOMOS_SOLVERS_MPM_STEP_IMPL_H
#define NOMOS_SOLVERS_MPM_STEP_IMPL_H

#include "solvers/mpm/mpm_exchange.h"
#include "solvers/mpm/mpm_transfer.h"

#include <omp.h>

/* Particles that a law is called for at once, all of one material; the same however many threads there are. */
enum { NOMOS_MPM_CHUNK = 256, NOMOS_MPM_MAX_GROUPS = 32 };
typedef struct {
  const NomosMpmMaterial *material;
  size_t                  first, n;
  size_t                  kept; /* where what its law keeps begins */
} NomosMpmChunk;

/* 1/D (m^-2) of the splines. */
static inline double NomosMpmPerD(const NomosMpmSetup *setup)
{
  return (setup->order == 2 ? 4 : 3) / (setup->dx * setup->dx);
}
/* Where clipping holds positions: that many cells from the ends of the domain, and no further out than splines find their nodes, of which the last is a cell before the upper end. */
static inline void NomosMpmClipRange(const NomosMpmSetup *setup, int axis, Real *low, Real *high)
{
  const double half = setup->order == 2 ? 0.5 : 1, margin = 1e-3; /* of the splines' support, in cells; and of rounding */

  *low  = (Real)(setup->origin[axis] + fmax(setup->clip, half) * setup->dx);
  *high = (Real)(setup->origin[axis] + (setup->cells[axis] - fmax(setup->clip, half + 1 + margin)) * setup->dx);
}
/* There it does not move. */
static inline bool NomosMpmClipped(const NomosMpmSetup *setup, int axis, Real x)
{
  Real low, high;

  NomosMpmClipRange(setup, axis, &low, &high);
  return setup->clip > 0 && (x < low || x > high);
}
/* Where in a record: component c of b, component (c, a) of the matrix, position along a; of the axes of a particle. */
INLINE int AtB(int d, int c)
{
  return c + 3 - d;
}
INLINE int AtA(int d, int c, int a)
{
  return 4 * (a + 4 - d) + c + 3 - d;
}
INLINE int AtX(int d, int a)
{
  return 4 * (a + 4 - d) + 3;
}

enum { NODE_VELOCITY, NODE_FREE, NODE_OTHER }; /* with walls, before walls, of derivatives */

typedef struct {
  NomosMpm                *mpm;
  NomosMpmBlocks          *blocks;
  const NAME(MpmTransfer) *transfer;
  size_t                   n_chunks, n_groups; /* groups of chunks, whose sums are added in order */
  NomosMpmChunk           *chunks;
  NomosMpmExchange        *exchange;           /* NULL on one rank */
  int                      n_records;          /* 2, and 4 once a derivative is asked for */
  size_t                   record_capacity;
  Real                    *record[4];          /* (blocks->n, ROW), sorted */
  Real                    *home[4];            /* (n, ROW), at `place` of each particle: on one rank `record` itself */
  uint32_t                *place;
  bool                     found;              /* all particles, on all ranks */
  Real                    *kept;               /* of the elasticities for vjp; this and what follows once a derivative is asked for */
  size_t                   n_law_parameters, *law_start; /* of all laws, one behind the other: where those of law `kind` of material m begin, at 2 m + kind */
  double                  *law_bar;            /* (n_groups, n_law_parameters), and as many for p_dot */
} NAME(MpmWork);

/* By all threads of a team. Keys and the lists of blocks for the positions of a state; false, on all ranks: mpm->lost of one, or no memory. */
bool NAME(MpmFind)(NAME(MpmWork) *w, const Real *state);
/* Records of a kind from home to hosts, and back; tiles of blocks beside. Nothing happens on one rank. */
void NAME(MpmSend)(NAME(MpmWork) *w, int kind);
void NAME(MpmReturn)(NAME(MpmWork) *w, int kind);
void NAME(MpmTiles)(NAME(MpmWork) *w);

/* home[0] of a chunk: momentum and mass, and A in units of dx. */
void NAME(MpmMomentum)(NAME(MpmWork) *w, const NomosMpmChunk *chunk, const Real *state, double dt, Real *kept);
/* Tiles from home[0]. */
void NAME(MpmScatter)(NAME(MpmWork) *w);
/* Velocities at the nodes from the tiles: sums, gravity, walls; and, if asked for, those before the walls. */
void NAME(MpmVelocities)(NAME(MpmWork) *w, bool keep_free, double dt);
/* NODE_OTHER from the tiles and the velocities that were kept: v_dot from (mv)_dot and m_dot;  (mv)_bar and m_bar from v_bar. */
void NAME(MpmVelocitiesDot)(NAME(MpmWork) *w, double dt);
void NAME(MpmVelocitiesBar)(NAME(MpmWork) *w, double dt);
/* home[1] from the velocities. */
void NAME(MpmGather)(NAME(MpmWork) *w);
/* Of a chunk, entries NOMOS_MPM_CHUNK apart: its records from home[1], their matrices made C; and (1 + dt C) F, F (9, n) as in the state. */
void NAME(MpmTrial)(NAME(MpmWork) *w, const NomosMpmChunk *chunk, const Real *F, double dt, Real records[], Real trial[]);

/* The state of a chunk after the step, in place. */
void NAME(MpmAdvance)(NAME(MpmWork) *w, const NomosMpmChunk *chunk, Real *state, double dt);

PetscErrorCode NAME(MpmJvp)(NomosMpm *mpm, double dt, const void *state, void *x_dot, const double p_dot[]);
PetscErrorCode NAME(MpmVjp)(NomosMpm *mpm, double dt, const void *state, void *x_bar, double p_bar[]);

/* The active blocks of this thread; a barrier must follow. */
#define EACH_BLOCK(b, i) \
  for (size_t i = NomosMpmShareOfBlocks(b, omp_get_thread_num(), omp_get_num_threads()), i##_end = NomosMpmShareOfBlocks(b, omp_get_thread_num() + 1, omp_get_num_threads()); i < i##_end; i++)

/* Before and after a team: how many threads, and the error that MpmFind met; memory for 2 or 4 kinds of records. */
int            NAME(MpmThreads)(const NAME(MpmWork) *w);
PetscErrorCode NAME(MpmCheckFound)(NAME(MpmWork) *w);
PetscErrorCode NAME(MpmRecords)(NAME(MpmWork) *w, int n_records);

#endif
