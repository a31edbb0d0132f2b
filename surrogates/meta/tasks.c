/* Tasks: which trajectories a split has, which points of them are known. */
#include "surrogates/meta/meta_impl.h"

#include "operators/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Number of a name in the flag_meanings of `system`. */
static PetscErrorCode FindSystem(NomosMeta *m, const char name[], size_t *number)
{
  NomosSurrogate   s = m->s;
  const char      *file, *names[64];
  char            *meanings, *rest = NULL;
  NomosFieldReader reader;
  size_t           n = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetOrigin(s->data, NOMOS_SPLIT_TRAIN, 0, NULL, &file, NULL));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, file, &reader));
  PetscCall(NomosFieldReaderAttribute(reader, "system", "flag_meanings", &meanings));
  PetscCall(NomosFieldReaderClose(&reader));
  PetscCheck(meanings, s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: system has no attribute flag_meanings, so %s = %s means nothing", file, "hamiltonian_meta.held_out", name);
  *number = SIZE_MAX;
  for (char *word = strtok_r(meanings, " ", &rest); word && n < sizeof names / sizeof *names; word = strtok_r(NULL, " ", &rest)) {
    if (!strcmp(word, name)) *number = n;
    names[n++] = word;
  }
  const PetscErrorCode failed = *number < n ? PETSC_SUCCESS : NomosNameUnknown(s->comm, name, n, names, "%s: hamiltonian_meta.held_out = %s: there is no such system in the data", NomosConfigWhere(s->config, "hamiltonian_meta.held_out"), name);
  PetscCall(PetscFree(meanings));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaListTasks(NomosMeta *m)
{
  NomosSurrogate s    = m->s;
  const bool     many = NomosEnergyGetOps(m->energy)->bodies;
  const char    *held_out;
  size_t         out = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "hamiltonian_meta.held_out", &held_out));
  if (held_out[0]) PetscCall(FindSystem(m, held_out, &out));
  for (int split = 0; split < NOMOS_N_SPLITS; split++) {
    NomosTaskList *list = &m->lists[split];
    const size_t   n    = NomosDatasetExamples(s->data, (NomosSplit)split);
    PetscCall(PetscMalloc2(n + 1, &list->examples, n + 1, &list->sizes));
    for (size_t i = 0; i < n; i++) {
      double system, bodies;
      PetscCall(NomosDatasetRead(s->data, NOMOS_META_SYSTEM, (NomosSplit)split, 1, &i, &system));
      PetscCall(NomosDatasetRead(s->data, NOMOS_META_BODIES, (NomosSplit)split, 1, &i, &bodies));
      const size_t size = many ? 2 * m->n_dims * (size_t)bodies : m->size;
      NomosCheck(size && size <= m->size, s->comm, PETSC_ERR_FILE_UNEXPECTED, "a trajectory of %g bodies in %zu dimensions has %zu coordinates, the data have %zu; set hamiltonian.n_dims", bodies, m->n_dims, size, m->size);
      if (held_out[0] && ((size_t)system == out) != (split == NOMOS_SPLIT_TEST)) continue;
      list->examples[list->n] = i;
      list->sizes[list->n++]  = size;
    }
    s->n_examples[split] = list->n;
  }
  PetscCheck(m->lists[NOMOS_SPLIT_TRAIN].n, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "hamiltonian_meta.held_out = %s leaves no trajectory for training; other systems are needed beside it", held_out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaFreeTasks(NomosMeta *m)
{
  PetscFunctionBeginUser;
  for (int split = 0; split < NOMOS_N_SPLITS; split++) PetscCall(PetscFree2(m->lists[split].examples, m->lists[split].sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a state of the data, (q, p), the first coordinates and momenta: those of a smaller system. */
static void CopyState(const NomosMeta *m, const double state[], size_t size, double x[])
{
  memcpy(x, state, size / 2 * sizeof *x);
  memcpy(x + size / 2, state + m->size / 2, size / 2 * sizeof *x);
}

/* The first n of a random order of all points: number `task` of the stream. */
static void DrawPoints(const NomosMeta *m, uint64_t seed, const char stream[], uint64_t task, size_t n, size_t points[])
{
  for (size_t i = 0; i < m->n_times; i++) points[i] = i;
  for (size_t i = 0; i < n; i++) {
    const size_t j = i + (size_t)NomosRandomIndex(seed, NomosRandomStream(stream) + 0x9e3779b97f4a7c15u * task, i, m->n_times - i), point = points[i];
    points[i] = points[j];
    points[j] = point;
  }
}

/* A task of the training is drawn anew every time: a trajectory and points of it, by (seed, epoch, place in the epoch). Others are the trajectories themselves. */
static uint64_t TaskNumber(const NomosMeta *m, const NomosBatch *batch, size_t i)
{
  return batch->split == NOMOS_SPLIT_TRAIN ? (uint64_t)batch->epoch * m->s->n_examples[NOMOS_SPLIT_TRAIN] + batch->examples[i] : batch->examples[i];
}

static size_t Trajectory(const NomosMeta *m, const NomosBatch *batch, size_t i)
{
  const size_t n = m->lists[batch->split].n;

  return batch->split == NOMOS_SPLIT_TRAIN ? (size_t)NomosRandomIndex(batch->seed, NomosRandomStream("tasks"), TaskNumber(m, batch, i), n) : batch->examples[i];
}

size_t NomosMetaTaskSize(const NomosMeta *m, const NomosBatch *batch, size_t i)
{
  return m->lists[batch->split].sizes[Trajectory(m, batch, i)];
}

PetscErrorCode NomosMetaReadTasks(NomosMeta *m, const NomosBatch *batch, size_t size, NomosTape tape, NomosTasks *tasks)
{
  static const size_t variables[] = {NOMOS_META_X, NOMOS_META_X_DOT};
  const size_t        n_all       = m->n_points[NOMOS_META_SUPPORT] + m->n_points[NOMOS_META_QUERY];
  const NomosRealType type        = NomosParametersType(m->s->parameters);
  double             *trajectory, *values[2];
  size_t             *points;

  PetscFunctionBeginUser;
  *tasks = (NomosTasks){.size = size};
  PetscCall(PetscMalloc4(m->n_times * m->size, &trajectory, batch->n * n_all * size, &values[0], batch->n * n_all * size, &values[1], m->n_times, &points));
  for (size_t i = 0; i < batch->n; i++) {
    const size_t task = Trajectory(m, batch, i);
    if (m->lists[batch->split].sizes[task] != size) continue;
    DrawPoints(m, batch->seed, nomos_split_names[batch->split], TaskNumber(m, batch, i), n_all, points);
    for (int v = 0; v < 2; v++) {
      PetscCall(NomosDatasetRead(m->s->data, variables[v], batch->split, 1, &m->lists[batch->split].examples[task], trajectory));
      for (size_t k = 0; k < n_all; k++) CopyState(m, trajectory + points[k] * m->size, size, values[v] + (tasks->n * n_all + k) * size);
    }
    tasks->n++;
  }
  for (int v = 0; v < 2; v++) {
    const NomosTensor all                    = NomosTensorFromDoubles(tape, type, 3, (size_t[]){tasks->n, n_all, size}, values[v]);
    NomosTensor      *sets                   = v ? tasks->x_dot : tasks->x;
    *(v ? &tasks->all_x_dot : &tasks->all_x) = all;
    sets[NOMOS_META_SUPPORT]                 = NomosSlice(all, 1, 0, m->n_points[NOMOS_META_SUPPORT], 1);
    sets[NOMOS_META_QUERY]                   = NomosSlice(all, 1, m->n_points[NOMOS_META_SUPPORT], m->n_points[NOMOS_META_QUERY], 1);
  }
  PetscCall(PetscFree4(trajectory, values[0], values[1], points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaReadTest(NomosMeta *m, NomosSplit split, size_t size, NomosTestTasks *tasks)
{
  const NomosTaskList *list  = &m->lists[split];
  const size_t         n_all = PetscMin(m->n_test, list->n), n_times = m->n_times;
  double              *trajectory;

  PetscFunctionBeginUser;
  *tasks = (NomosTestTasks){.size = size ? size : list->sizes[0], .n_times = n_times};
  PetscCall(PetscMalloc4(n_all * n_times, &tasks->t, n_all * n_times * tasks->size, &tasks->x, n_all * n_times * tasks->size, &tasks->x_dot, n_all * n_times, &tasks->points));
  PetscCall(PetscMalloc1(n_times * m->size, &trajectory));
  for (size_t i = 0; i < n_all; i++) {
    const size_t n = tasks->n;
    if (list->sizes[i] != tasks->size) continue;
    PetscCall(NomosDatasetRead(m->s->data, NOMOS_META_T, split, 1, &list->examples[i], tasks->t + n * n_times));
    for (int v = 0; v < 2; v++) {
      PetscCall(NomosDatasetRead(m->s->data, v ? NOMOS_META_X_DOT : NOMOS_META_X, split, 1, &list->examples[i], trajectory));
      for (size_t k = 0; k < n_times; k++) CopyState(m, trajectory + k * m->size, tasks->size, (v ? tasks->x_dot : tasks->x) + (n * n_times + k) * tasks->size);
    }
    DrawPoints(m, m->s->seed, "adaptation", i, n_times, tasks->points + n * n_times);
    tasks->n++;
  }
  PetscCall(PetscFree(trajectory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaFreeTest(NomosTestTasks *tasks)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(tasks->t, tasks->x, tasks->x_dot, tasks->points));
  PetscFunctionReturn(PETSC_SUCCESS);
}
