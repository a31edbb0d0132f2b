#include "operators/schedule.h"

const char *const nomos_schedule_names[] = {"all", "every", "binomial", "two_level", NULL};

typedef struct {
  int64_t step;
  size_t  slot;
} Snapshot;

struct NomosSchedule_s {
  NomosScheduleInput input;
  int64_t            period, n_segments, segment;
  int64_t            n_inner;  /* states a segment may hold in RAM, its start included */
  bool               disk;     /* where the starts of the segments are */
  bool               sweeping; /* the first sweep, from segment to segment */
  bool               stored;   /* the start of the present segment, in the sweep */
  int64_t            current;  /* step of the current state; -1: of no use any more */
  int64_t            left;     /* steps not yet reversed: [0, left) */
  size_t             depth;    /* snapshots of the segment, a stack */
  Snapshot          *stack;
};

static void Begin(NomosSchedule s)
{
  s->segment  = 0;
  s->sweeping = true;
  s->current  = 0;
  s->left     = s->input.n_steps;
  s->depth    = 0;
}

PetscErrorCode NomosScheduleCreate(const NomosScheduleInput *input, NomosSchedule *schedule)
{
  const bool    two = input->kind == NOMOS_SCHEDULE_EVERY || input->kind == NOMOS_SCHEDULE_TWO_LEVEL, counted = input->kind == NOMOS_SCHEDULE_BINOMIAL || input->kind == NOMOS_SCHEDULE_TWO_LEVEL;
  const char   *name = nomos_schedule_names[input->kind];
  NomosSchedule s;

  PetscFunctionBeginUser;
  PetscCheck(input->n_steps > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a schedule of %lld steps: at least 1 is needed", (long long)input->n_steps);
  PetscCheck(!two || input->period > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "schedule %s: a period of %lld steps: at least 1 is needed", name, (long long)input->period);
  PetscCheck(!counted || input->n_snapshots > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "schedule %s: %lld snapshots: at least 1 is needed", name, (long long)input->n_snapshots);
  PetscCall(PetscNew(&s));
  *schedule     = s;
  s->input      = *input;
  s->period     = two ? PetscMin(input->period, input->n_steps) : input->n_steps;
  s->n_segments = (input->n_steps + s->period - 1) / s->period;
  s->n_inner    = counted ? PetscMin(input->n_snapshots, s->period) : s->period;
  s->disk       = input->kind == NOMOS_SCHEDULE_TWO_LEVEL;
  PetscCall(PetscMalloc1((size_t)s->n_inner, &s->stack));
  Begin(s);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosScheduleDestroy(NomosSchedule *schedule)
{
  PetscFunctionBeginUser;
  if (!*schedule) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*schedule)->stack));
  PetscCall(PetscFree(*schedule));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C(c + r, c), the most steps that c snapshots reverse when no step is advanced more than r times; cut at `limit`, so that nothing overflows. */
static int64_t Reach(int64_t c, int64_t r, int64_t limit)
{
  double reach = 1;

  if (r < 0) return 0;
  for (int64_t i = 1; i <= PetscMin(c, r) && reach <= (double)limit; i++) reach = reach * (double)(PetscMax(c, r) + i) / (double)i;
  return reach > (double)limit ? limit : (int64_t)(reach + 0.5);
}

/* The m of t(l, c) = m + t(l - m, c - 1) + t(m, c): optimal is what leaves both parts within reach of r - 1 repetitions for the first and r for the second. */
static int64_t Split(int64_t l, int64_t c)
{
  int64_t r = 1;

  while (Reach(c, r, l) < l) r++;
  return PetscMin(Reach(c, r - 1, l), l - Reach(c - 1, r - 1, l));
}

/* Slots in RAM: with the segments' starts on disk a segment has them to itself, else they follow those of the starts. */
static size_t InnerSlot(const struct NomosSchedule_s *s)
{
  return s->disk ? s->depth : (size_t)s->n_segments + s->depth - 1;
}

static void Push(NomosSchedule s, size_t slot, NomosAction *action)
{
  *action               = (NomosAction){NOMOS_ACTION_STORE, s->current, s->current, false, slot};
  s->stack[s->depth++] = (Snapshot){s->current, slot};
}

/* From segment to segment; the state at the start of the last one goes into its stack at once. */
static void Sweep(NomosSchedule s, NomosAction *action)
{
  const int64_t start = s->segment * s->period;

  if (s->segment == s->n_segments - 1) {
    s->sweeping = false;
    Push(s, s->disk ? 0 : (size_t)s->segment, action);
  } else if (!s->stored) {
    s->stored = true;
    *action   = (NomosAction){NOMOS_ACTION_STORE, start, start, s->disk, (size_t)s->segment};
  } else {
    s->stored  = false;
    s->current = start + s->period;
    *action    = (NomosAction){NOMOS_ACTION_ADVANCE, start, s->current, false, 0};
    s->segment++;
  }
}

PetscErrorCode NomosScheduleNext(NomosSchedule s, NomosAction *action)
{
  const Snapshot *top;

  PetscFunctionBeginUser;
  if (s->sweeping) {
    Sweep(s, action);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (s->left == 0) {
    *action = (NomosAction){NOMOS_ACTION_END, 0, 0, false, 0};
    Begin(s);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (s->left == s->segment * s->period) { /* the segment is done: its start is the end of the one before */
    s->segment--;
    s->current = s->segment * s->period;
    s->depth   = 0;
    *action    = (NomosAction){NOMOS_ACTION_RESTORE, s->current, s->current, s->disk, (size_t)s->segment};
    if (!s->disk) s->stack[s->depth++] = (Snapshot){s->current, (size_t)s->segment};
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!s->depth) { /* just read from disk */
    Push(s, 0, action);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  top = &s->stack[s->depth - 1];
  if (s->current == s->left - 1) {
    *action = (NomosAction){NOMOS_ACTION_REVERSE, s->current, s->left, false, 0};
    s->left = s->current;
    if (top->step == s->left) s->depth--;
    s->current = -1;
  } else if (s->current < 0) {
    s->current = top->step;
    *action    = (NomosAction){NOMOS_ACTION_RESTORE, top->step, top->step, false, top->slot};
  } else if (s->current > top->step) {
    Push(s, InnerSlot(s), action);
  } else {
    const int64_t steps = s->left - s->current, snapshots = s->n_inner - (int64_t)s->depth + 1;
    const int64_t to = s->current + (snapshots > 1 ? Split(steps, snapshots) : steps - 1);
    *action          = (NomosAction){NOMOS_ACTION_ADVANCE, s->current, to, false, 0};
    s->current       = to;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSchedulePredict(const NomosScheduleInput *input, NomosScheduleCost *cost)
{
  NomosSchedule schedule;
  NomosAction   action;

  PetscFunctionBeginUser;
  *cost = (NomosScheduleCost){.n_forward = 0};
  PetscCall(NomosScheduleCreate(input, &schedule));
  do {
    PetscCall(NomosScheduleNext(schedule, &action));
    cost->n_forward += action.to - action.from;
    if (action.kind == NOMOS_ACTION_STORE) {
      size_t *n = action.disk ? &cost->n_disk : &cost->n_ram;
      *n        = PetscMax(*n, action.slot + 1);
    }
    cost->n_written += action.disk && action.kind == NOMOS_ACTION_STORE;
    cost->n_read += action.disk && action.kind == NOMOS_ACTION_RESTORE;
  } while (action.kind != NOMOS_ACTION_END);
  cost->factor = (double)cost->n_forward / (double)input->n_steps;
  PetscCall(NomosScheduleDestroy(&schedule));
  PetscFunctionReturn(PETSC_SUCCESS);
}
