/* How far a learned field is from the true one: along orbits of its own, and at the true states. */
#include "surrogates/meta/meta_impl.h"

#include <math.h>
#include <string.h>

const char *const nomos_meta_error_names[NOMOS_META_N_ERRORS] = {"coordinate_error", "energy_error", "field_error", "feature_change"};

enum { SMALLEST = 8 }; /* errors below 10^-8 count as that in a geometric mean */

/* Classical Runge and Kutta steps of all tasks at once, `substeps` between two times of the data. */
static PetscErrorCode RollOut(const NomosMetaJudgeInput *input, double rolled[])
{
  const NomosTestTasks *tasks = input->tasks;
  const size_t          size = tasks->size, n = tasks->n * size, n_times = tasks->n_times, substeps = input->m->substeps;
  static const double   part[] = {0, 0.5, 0.5, 1}, weight[] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};
  double               *x, *next, *stage, *slope;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(n, &x, n, &next, n, &stage, n, &slope));
  for (size_t task = 0; task < tasks->n; task++) memcpy(x + task * size, tasks->x + task * n_times * size, size * sizeof *x);
  for (size_t frame = 0; frame < n_times; frame++) {
    for (size_t task = 0; task < tasks->n; task++) memcpy(rolled + (task * n_times + frame) * size, x + task * size, size * sizeof *x);
    for (size_t sub = 0; sub < substeps && frame + 1 < n_times; sub++) {
      memcpy(next, x, n * sizeof *x);
      for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < n; i++) {
          const double *t = tasks->t + i / size * n_times + frame, h = (t[1] - t[0]) / (double)substeps;
          stage[i] = k ? x[i] + part[k] * h * slope[i] : x[i];
        }
        PetscCall(input->field(1, stage, slope, input->ctx));
        for (size_t i = 0; i < n; i++) {
          const double *t = tasks->t + i / size * n_times + frame, h = (t[1] - t[0]) / (double)substeps;
          next[i] += weight[k] * h * slope[i];
        }
      }
      memcpy(x, next, n * sizeof *x);
    }
  }
  PetscCall(PetscFree4(x, next, stage, slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* log of |a - b|/(|a| + |b|), 0 where an orbit was lost */
static double LogRelative(size_t n, const double a[], const double b[])
{
  double difference = 0, size_a = 0, size_b = 0;

  for (size_t i = 0; i < n; i++) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size_a += a[i] * a[i];
    size_b += b[i] * b[i];
  }
  const double ratio = sqrt(difference) / (sqrt(size_a) + sqrt(size_b));
  return isfinite(ratio) ? log(ratio + pow(10, -SMALLEST)) : 0;
}

PetscErrorCode NomosMetaJudge(const NomosMetaJudgeInput *input, double rolled[], NomosMetaRecord *record)
{
  const NomosTestTasks *tasks = input->tasks;
  const size_t          size = tasks->size, n_times = tasks->n_times;
  NomosExpression       energy = size == input->m->lists[NOMOS_SPLIT_TEST].sizes[0] ? input->m->expression : NULL; /* it is one of the coordinates of the first */
  double               *field;

  PetscFunctionBeginUser;
  PetscCall(RollOut(input, rolled));
  for (size_t task = 0; task < tasks->n; task++)
    for (size_t i = 1; i < n_times; i++) {
      const double *a = rolled + (task * n_times + i) * size, *b = tasks->x + (task * n_times + i) * size;
      record->sum[NOMOS_META_COORDINATE] += LogRelative(size, a, b);
      record->n[NOMOS_META_COORDINATE]++;
      if (!energy) continue;
      record->sum[NOMOS_META_ENERGY] += LogRelative(1, &(double){NomosExpressionEvaluate(energy, a)}, &(double){NomosExpressionEvaluate(energy, b)});
      record->n[NOMOS_META_ENERGY]++;
    }
  PetscCall(PetscMalloc1(tasks->n * n_times * size, &field));
  PetscCall(input->field(n_times, tasks->x, field, input->ctx));
  for (size_t task = 0; task < tasks->n; task++) {
    double difference = 0, all = 0;
    for (size_t i = task * n_times * size; i < (task + 1) * n_times * size; i++) {
      difference += (field[i] - tasks->x_dot[i]) * (field[i] - tasks->x_dot[i]);
      all += tasks->x_dot[i] * tasks->x_dot[i];
    }
    record->sum[NOMOS_META_FIELD] += sqrt(difference / all);
    record->n[NOMOS_META_FIELD]++;
  }
  PetscCall(PetscFree(field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosMetaError(const NomosMetaRecord *record, int error)
{
  const double mean = record->sum[error] / record->n[error]; /* NaN: not measured */

  return error == NOMOS_META_COORDINATE || error == NOMOS_META_ENERGY ? exp(mean) : mean;
}
