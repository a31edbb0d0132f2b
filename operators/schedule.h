/* Checkpoint schedules: in which order to advance, store, restore and reverse, so that a trajectory of n steps is reversed with fewer snapshots than steps. A schedule
   knows nothing of the model: it yields actions, and whoever runs it (operators/trajectory.h) moves states.

   The steps are cut into segments of `period` steps. A snapshot is kept at the start of each, in RAM or on disk; a segment is reversed with at most `n_snapshots`
   states in RAM, its start included, by the binomial recursion, which needs the fewest steps:

     t(l, c) = min_{0 < m < l}  m + t(l - m, c - 1) + t(m, c),    t(1, c) = 0,    t(l, 1) = l (l - 1)/2
             = r l - C(c + r, c + 1)    for    C(c + r - 1, c) < l <= C(c + r, c)

   Griewank & Walther 2000, doi:10.1145/347837.347846. The four kinds are choices of the two numbers:

     all         period n, n snapshots        every state is kept, no step is repeated
     every       period k, k snapshots        a segment is run again with all of its states kept: each step twice
     binomial    period n, s snapshots
     two_level   period k on disk, s snapshots in RAM */
#ifndef NOMOS_OPERATORS_SCHEDULE_H
#define NOMOS_OPERATORS_SCHEDULE_H

#include "io/base.h"

typedef struct NomosSchedule_s *NomosSchedule;

typedef enum { NOMOS_SCHEDULE_ALL, NOMOS_SCHEDULE_EVERY, NOMOS_SCHEDULE_BINOMIAL, NOMOS_SCHEDULE_TWO_LEVEL } NomosScheduleKind;

/* Names of the kinds, in their order, NULL at the end: "all", "every", "binomial", "two_level". */
extern const char *const nomos_schedule_names[];

typedef struct {
  NomosScheduleKind kind;
  int64_t           n_steps;     /* 1 or more */
  int64_t           period;      /* every, two_level: steps between two snapshots of the outer level */
  int64_t           n_snapshots; /* binomial, two_level: states in RAM, 1 or more */
} NomosScheduleInput;

/* One state, the current one, is being worked on. It is that of step 0 when the schedule begins. */
typedef enum {
  NOMOS_ACTION_ADVANCE, /* from step `from` to step `to` */
  NOMOS_ACTION_STORE,   /* the state of step `from` into `slot` */
  NOMOS_ACTION_RESTORE, /* the state of step `from` out of `slot`, which keeps it */
  NOMOS_ACTION_REVERSE, /* the adjoint of the step from `from` to `to` = from + 1; the current state is that of `from` */
  NOMOS_ACTION_END
} NomosActionKind;

typedef struct {
  NomosActionKind kind;
  int64_t         from, to;
  bool            disk; /* the slot is on disk, else in RAM; slots of both are counted from 0 */
  size_t          slot;
} NomosAction;

/* Not collective. Errors: a number that is not positive. */
PetscErrorCode NomosScheduleCreate(const NomosScheduleInput *input, NomosSchedule *schedule);
PetscErrorCode NomosScheduleDestroy(NomosSchedule *schedule);
/* The next action; after END the schedule begins anew. */
PetscErrorCode NomosScheduleNext(NomosSchedule schedule, NomosAction *action);

/* What the schedule will cost, by going through it. */
typedef struct {
  int64_t n_forward;  /* steps advanced, plus one for every step reversed, which is evaluated again for its adjoint */
  double  factor;     /* n_forward / n_steps: recomputation factor */
  size_t  n_ram, n_disk; /* slots needed: the most snapshots held at a time */
  int64_t n_written, n_read; /* snapshots of the disk */
} NomosScheduleCost;
PetscErrorCode NomosSchedulePredict(const NomosScheduleInput *input, NomosScheduleCost *cost);

#endif
