/* The work arrays of a step, and its parts that its derivatives need too. For *_real.c files; private to solvers/mpm. */
#ifndef NOMOS_SOLVERS_MPM_STEP_IMPL_H
#define NOMOS_SOLVERS_MPM_STEP_IMPL_H

#include "solvers/mpm/mpm_transfer.h"

/* Particles that a law is called for at once, all of one material; the same however many threads there are. */
enum { NOMOS_MPM_CHUNK = 256, NOMOS_MPM_MAX_GROUPS = 32 };
typedef struct {
  const NomosMpmMaterial *material;
  size_t                  first, n;
} NomosMpmChunk;

enum { NODE_VELOCITY, NODE_FREE, NODE_OTHER }; /* with walls, before walls, of derivatives */

typedef struct {
  NomosMpm                *mpm;
  NomosMpmBlocks          *blocks;
  const NAME(MpmTransfer) *transfer;
  size_t                   n_chunks, n_groups; /* groups of chunks, whose sums are added in order */
  NomosMpmChunk           *chunks;
  Real                    *record[4];          /* (n, ROW), sorted; those beyond 1 once a derivative is asked for */
} NAME(MpmWork);

/* By all threads of a team. Keys and the lists of blocks for the positions of a state; false: mpm->lost, or no memory. */
bool NAME(MpmFind)(NAME(MpmWork) *w, const Real *state);
/* Velocities at the nodes from record[0]: tiles, sums, gravity, walls; and, if asked for, those before the walls. */
void NAME(MpmGrid)(NAME(MpmWork) *w, bool keep_free, double dt);
/* Records from what is at the nodes. */
void NAME(MpmGather)(NAME(MpmWork) *w, const Real *nodes, Real *result);
/* v, C and (1 + dt C) F of a chunk from record[1], entries NOMOS_MPM_CHUNK apart; F as in the state. */
void NAME(MpmTrial)(NAME(MpmWork) *w, const NomosMpmChunk *chunk, const Real *F, double dt, Real v[], Real C[], Real trial[]);

/* Before and after a team: how many threads, and the error that MpmFind met. */
int            NAME(MpmThreads)(const NAME(MpmWork) *w);
PetscErrorCode NAME(MpmCheckFound)(NAME(MpmWork) *w);

#endif
