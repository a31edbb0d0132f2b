/* Checkpoint schedules: every sequence of actions is one that can be carried out, and the binomial one takes as few steps as any can. */
#include "harness.h"

#include "operators/schedule.h"

enum { MAX_SLOTS = 256, MAX_STEPS = 40 };

/* Carry the actions out on step numbers in place of states. */
static NomosScheduleCost Simulate(const NomosScheduleInput *input)
{
  NomosSchedule     schedule;
  NomosAction       action;
  NomosScheduleCost cost    = {0};
  int64_t           slots[2][MAX_SLOTS], current, left;

  ck_ok(NomosScheduleCreate(input, &schedule));
  for (int round = 0; round < 2; round++) { /* after its end a schedule begins anew */
    cost    = (NomosScheduleCost){0};
    current = 0;
    left    = input->n_steps;
    for (int i = 0; i < MAX_SLOTS; i++) slots[0][i] = slots[1][i] = -1;
    while (true) {
      ck_ok(NomosScheduleNext(schedule, &action));
      if (action.kind == NOMOS_ACTION_END) break;
      ck_assert_int_le(action.slot, MAX_SLOTS - 1);
      size_t *n = action.disk ? &cost.n_disk : &cost.n_ram;
      switch (action.kind) {
      case NOMOS_ACTION_ADVANCE:
        ck_assert_int_eq(action.from, current);
        ck_assert_int_gt(action.to, action.from);
        ck_assert_int_le(action.to, left - 1);
        cost.n_forward += action.to - action.from;
        current = action.to;
        break;
      case NOMOS_ACTION_STORE:
        ck_assert_int_eq(action.from, current);
        slots[action.disk][action.slot] = current;
        *n = PetscMax(*n, action.slot + 1);
        cost.n_written += action.disk;
        break;
      case NOMOS_ACTION_RESTORE:
        ck_assert_int_eq(action.from, slots[action.disk][action.slot]);
        current = action.from;
        cost.n_read += action.disk;
        break;
      default:
        ck_assert_int_eq(action.kind, NOMOS_ACTION_REVERSE);
        ck_assert_int_eq(action.from, current);
        ck_assert_int_eq(action.to, left);
        ck_assert_int_eq(action.to, action.from + 1);
        cost.n_forward++;
        left = current;
        current = -1; /* a schedule must not rely on it */
      }
    }
    ck_assert_int_eq(left, 0);
  }
  cost.factor = (double)cost.n_forward / (double)input->n_steps;
  ck_ok(NomosScheduleDestroy(&schedule));
  return cost;
}

/* t(l, c) by trying every split. */
static int64_t Fewest(int l, int c)
{
  static int64_t known[MAX_STEPS + 1][MAX_STEPS + 1];

  if (l == 1) return 0;
  if (c == 1) return l * (l - 1) / 2;
  if (!known[l][c]) {
    known[l][c] = INT64_MAX;
    for (int m = 1; m < l; m++) known[l][c] = PetscMin(known[l][c], m + Fewest(l - m, c - 1) + Fewest(m, c));
  }
  return known[l][c];
}

START_TEST(binomial_takes_the_fewest_steps)
{
  for (int n = 1; n <= MAX_STEPS; n++)
    for (int s = 1; s <= MAX_STEPS; s++) {
      NomosScheduleCost cost = Simulate(&(NomosScheduleInput){.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = n, .n_snapshots = s});
      ck_assert_msg(cost.n_forward == n + Fewest(n, s), "%d steps, %d snapshots: %lld forward steps, %lld are possible", n, s, (long long)cost.n_forward, (long long)(n + Fewest(n, s)));
      ck_assert_int_le(cost.n_ram, s);
    }
}
END_TEST

/* Griewank & Walther's closed form, whose values for 1000 steps are 4.64, 3.75 and 2.95 as checkpoint_schedules counts. */
START_TEST(published_factors)
{
  static const struct {
    int64_t snapshots, forward;
    double  factor;
  } published[] = {{10, 3636 + 1000, 4.64}, {20, 2747 + 1000, 3.75}, {50, 1948 + 1000, 2.95}};

  for (int i = 0; i < 3; i++) {
    NomosScheduleCost cost = Simulate(&(NomosScheduleInput){.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = 1000, .n_snapshots = published[i].snapshots});
    ck_assert_int_eq(cost.n_forward, published[i].forward);
    ck_assert_double_eq_tol(cost.factor, published[i].factor, 0.005);
    ck_assert_int_eq(cost.n_ram, published[i].snapshots);
  }
}
END_TEST

START_TEST(every_kind_can_be_carried_out)
{
  NomosScheduleCost cost, predicted;

  for (int kind = 0; nomos_schedule_names[kind]; kind++)
    for (int n = 1; n <= 30; n++)
      for (int k = 1; k <= 12; k++)
        for (int s = 1; s <= 6; s++) {
          const NomosScheduleInput input = {.kind = (NomosScheduleKind)kind, .n_steps = n, .period = k, .n_snapshots = s};
          const int64_t            segments = (n + k - 1) / k, longest = PetscMin(n, k), last = n - (segments - 1) * k;
          cost = Simulate(&input);
          ck_ok(NomosSchedulePredict(&input, &predicted));
          ck_assert_int_eq(predicted.n_forward, cost.n_forward);
          ck_assert_int_eq(predicted.n_ram, cost.n_ram);
          ck_assert_int_eq(predicted.n_disk, cost.n_disk);
          ck_assert_int_eq(predicted.n_written, cost.n_written);
          ck_assert_int_eq(predicted.n_read, cost.n_read);
          if (kind == NOMOS_SCHEDULE_ALL) ck_assert_int_eq(cost.n_forward, 2 * n - 1);
          if (kind == NOMOS_SCHEDULE_EVERY) { /* forward once, each segment but the last once more, every step evaluated in its adjoint */
            ck_assert_int_eq(cost.n_forward, (segments - 1) * (k + k - 1) + last - 1 + n);
            ck_assert_int_le(cost.n_ram, segments + longest - 1);
          }
          if (kind == NOMOS_SCHEDULE_TWO_LEVEL) {
            ck_assert_int_eq(cost.n_forward, (segments - 1) * (k + Fewest(k, s)) + Fewest((int)last, s) + n);
            ck_assert_int_le(cost.n_ram, s);
            ck_assert_int_eq(cost.n_disk, segments - 1);
            ck_assert_int_eq(cost.n_read, segments - 1);
          }
        }
}
END_TEST

START_TEST(a_long_one_is_predicted_at_once)
{
  NomosScheduleCost cost;

  ck_ok(NomosSchedulePredict(&(NomosScheduleInput){.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = 1000000, .n_snapshots = 30}, &cost));
  /* r = 5: C(35, 30) = 324632 < 10^6 <= C(36, 30) = 1947792, so that r = 6 and t = 6 10^6 - C(36, 31) */
  ck_assert_int_eq(cost.n_forward, 6000000 - 376992 + 1000000);
}
END_TEST

START_TEST(nonsense_is_refused)
{
  NomosSchedule schedule;

  ck_refused(NomosScheduleCreate(&(NomosScheduleInput){.kind = NOMOS_SCHEDULE_ALL, .n_steps = 0}, &schedule), "at least 1");
  ck_refused(NomosScheduleCreate(&(NomosScheduleInput){.kind = NOMOS_SCHEDULE_EVERY, .n_steps = 5}, &schedule), "period of 0");
  ck_refused(NomosScheduleCreate(&(NomosScheduleInput){.kind = NOMOS_SCHEDULE_BINOMIAL, .n_steps = 5, .n_snapshots = -1}, &schedule), "-1 snapshots");
}
END_TEST

NOMOS_TEST_SUITE("schedule", binomial_takes_the_fewest_steps, published_factors, every_kind_can_be_carried_out, a_long_one_is_predicted_at_once, nonsense_is_refused)
