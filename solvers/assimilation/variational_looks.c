/* The observations of a window of 4D-Var, in order of the steps at which they are compared. */
#include "operators/model_fields.h"
#include "operators/reduce.h"
#include "solvers/assimilation/variational_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ByStep(const void *a, const void *b)
{
  const int64_t difference = ((const Look *)a)->step - ((const Look *)b)->step;
  return difference < 0 ? -1 : difference > 0;
}

/* The step of a time, and whether it lies in the window: half a step beyond its ends belongs to them. */
static bool StepOf(NomosVariational c, const NomosWindow *input, double time, int64_t *step)
{
  const double steps = (time - input->time) / c->model->dt;

  *step = (int64_t)lround(fmin(fmax(steps, -2), (double)input->n_steps + 2));
  return *step >= 0 && *step <= input->n_steps;
}

static PetscErrorCode Allocate(size_t n, bool points, Look *look)
{
  PetscFunctionBeginUser;
  look->n = n;
  PetscCall(PetscMalloc2(n + 1, &look->y, n + 1, &look->sigma));
  if (points) PetscCall(PetscMalloc1(n + 1, &look->at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(const Look *look, const NomosModelField *field, double time)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < look->n; i++)
    NomosCheck(isfinite(look->y[i]) && look->sigma[i] > 0 && isfinite(look->sigma[i]), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "observations of %s at time %g: value %g with standard deviation %g; values must be finite, deviations positive", field->name, time, look->y[i], look->sigma[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromGrid(const NomosSeen *seen, const NomosModelField *field, size_t t, Look *look)
{
  const double *values = seen->values + t * look->points;
  size_t        n      = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < look->points; i++) n += !isnan(values[i]);
  PetscCall(Allocate(n, true, look));
  n = 0;
  for (size_t i = 0; i < look->points; i++) {
    if (isnan(values[i])) continue;
    look->at[n]      = i;
    look->y[n]       = values[i];
    look->sigma[n++] = seen->deviation[i];
  }
  PetscCall(Check(look, field, seen->times[t]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromSet(const NomosSeen *seen, const NomosModelField *field, size_t t, Look *look)
{
  const NomosObservationSet *set = NomosObservationsSet(seen->observations, t);

  PetscFunctionBeginUser;
  look->source = seen->observations;
  look->set    = t;
  PetscCall(Allocate(set->n, false, look));
  memcpy(look->y, set->value, sizeof *look->y * set->n);
  memcpy(look->sigma, set->deviation, sizeof *look->sigma * set->n);
  PetscCall(Check(look, field, set->time));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t Times(const NomosSeen *seen)
{
  return seen->observations ? NomosObservationsTimes(seen->observations) : seen->n_times;
}

static double Time(const NomosSeen *seen, size_t t)
{
  return seen->observations ? NomosObservationsSet(seen->observations, t)->time : seen->times[t];
}

PetscErrorCode NomosVariationalReadSeen(NomosVariational c, const NomosWindow *input, Window *w)
{
  double  count = 0;
  int64_t step;

  PetscFunctionBeginUser;
  for (size_t s = 0; s < input->n_seen; s++) w->n_looks += Times(&input->seen[s]);
  PetscCall(PetscCalloc1(w->n_looks + 1, &w->looks));
  w->n_looks = 0;
  for (size_t s = 0; s < input->n_seen; s++) {
    const NomosSeen       *seen = &input->seen[s];
    const NomosModelField *info;
    size_t                 field;
    if (seen->observations) PetscCall(NomosObservationsField(seen->observations, &field, &info));
    else PetscCall(NomosModelFieldFind(c->model, seen->field, &field, &info));
    for (size_t t = 0; t < Times(seen); t++) {
      if (!StepOf(c, input, Time(seen, t), &step)) continue;
      Look *look = &w->looks[w->n_looks++];
      *look      = (Look){.step = step, .field = field, .points = NomosModelFieldPoints(info)};
      PetscCall(seen->observations ? FromSet(seen, info, t, look) : FromGrid(seen, info, t, look));
      count += look->source && c->rank ? 0 : (double)look->n;
    }
  }
  PetscCall(NomosSumOverRanks(c->comm, 1, &count));
  NomosCheck(count > 0, c->comm, PETSC_ERR_ARG_OUTOFRANGE, "nothing is seen from time %g to %g, a window of %lld steps of %g: other observations or another window are needed", input->time, input->time + (double)input->n_steps * c->model->dt, (long long)input->n_steps, c->model->dt);
  qsort(w->looks, w->n_looks, sizeof *w->looks, ByStep);
  for (size_t l = 0; l < w->n_looks; l++) {
    w->looks[l].offset = w->n_seen;
    w->n_seen += w->looks[l].n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
