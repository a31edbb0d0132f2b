/* What an assimilation goes on from, on any number of ranks: members, truth, climate, factors of inflation, scores. */
#include "cases/assimilate.h"

#include <jansson.h>

/* An array of the whole on every rank, written by rank 0 and read by all. */
typedef struct {
  const char   *name;
  NomosRealType type;
  size_t        n;
  void         *data;
} Whole;

enum { N_WHOLE = 8 };

static PetscErrorCode Wholes(NomosAssimilate *a, Whole whole[N_WHOLE])
{
  const NomosRealType type = a->truth_model->precision;
  double             *factors;
  size_t              n;

  PetscFunctionBeginUser;
  PetscCall(NomosAnalysisInflation(a->analysis, &n, &factors));
  whole[0] = (Whole){"truth", type, a->truth_bytes / NomosRealBytes(type), a->truth_state};
  whole[1] = (Whole){"inflation", NOMOS_F64, n, factors};
  whole[2] = (Whole){"climate_mean", NOMOS_F64, a->n_state, a->climate_mean};
  whole[3] = (Whole){"deviation", NOMOS_F64, NomosObservationsLayers(a->looks), a->deviation};
  whole[4] = (Whole){"ranks", NOMOS_F64, (size_t)a->n_members + 1, a->ranks};
  whole[5] = (Whole){"scores", NOMOS_F64, sizeof a->sums / sizeof(double), &a->sums};
  whole[6] = (Whole){"static_states", NOMOS_F64, (size_t)a->n_static * a->n_state, a->static_states};
  whole[7] = (Whole){"static_observed", NOMOS_F64, (size_t)a->n_static * a->observed_points, a->static_observed};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateSave(NomosRun *run, NomosAssimilate *a)
{
  const size_t    size[2] = {(size_t)a->n_members, a->n_raw}, start[2] = {a->first, 0}, count[2] = {a->n_own, a->n_raw};
  NomosCheckpoint checkpoint;
  Whole           whole[N_WHOLE];

  PetscFunctionBeginUser;
  json_t *object = json_pack("{s:s, s:I}", "version", NOMOS_VERSION, "cycle", (json_int_t)a->cycle);
  PetscCall(NomosRunCheckpointCreate(run, run->model->step, run->params.checkpoint_keep, "assimilate", object, &checkpoint));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "members", run->model->precision, 2, 1, size, start, count, a->members));
  PetscCall(Wholes(a, whole));
  for (int i = 0; i < N_WHOLE; i++)
    if (whole[i].n) PetscCall(NomosCheckpointWriteArray(checkpoint, whole[i].name, whole[i].type, 1, 1, &whole[i].n, (size_t[]){0}, (size_t[]){run->rank ? 0 : whole[i].n}, whole[i].data));
  PetscCall(NomosCheckpointClose(&checkpoint));
  run->checkpoint_due.last_step = run->model->step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sets that were looked at before have their numbers, by which noise is drawn, and nothing else. */
static PetscErrorCode SkipSets(NomosRun *run, NomosAssimilate *a)
{
  PetscFunctionBeginUser;
  for (int64_t c = 0; c < a->cycle && a->twin; c++) {
    const NomosObservationSet empty = {.time = (double)NomosAssimilateStep(a, c) * run->model->dt};
    PetscCall(NomosObservationsAdd(a->looks, &empty));
    PetscCall(NomosObservationsAdd(a->truth_looks, &empty));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LoadArrays(NomosRun *run, NomosAssimilate *a, NomosCheckpoint checkpoint)
{
  const size_t size[2] = {(size_t)a->n_members, a->n_raw}, start[2] = {a->first, 0}, count[2] = {a->n_own, a->n_raw};
  Whole        whole[N_WHOLE];

  PetscFunctionBeginUser;
  /* the analysis needs its static states, and its factors are read into it */
  if (a->n_static) PetscCall(NomosCheckpointReadArray(checkpoint, "static_states", NOMOS_F64, 1, (size_t[]){(size_t)a->n_static * a->n_state}, (size_t[]){0}, (size_t[]){(size_t)a->n_static * a->n_state}, a->static_states));
  PetscCall(NomosAnalysisCreate(run->comm, (size_t)a->n_members, a->n_state, &a->input, &a->analysis));
  PetscCall(NomosCheckpointReadArray(checkpoint, "members", run->model->precision, 2, size, start, count, a->members));
  PetscCall(Wholes(a, whole));
  for (int i = 0; i < N_WHOLE; i++)
    if (whole[i].n) PetscCall(NomosCheckpointReadArray(checkpoint, whole[i].name, whole[i].type, 1, &whole[i].n, (size_t[]){0}, &whole[i].n, whole[i].data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateLoad(NomosRun *run, NomosAssimilate *a)
{
  NomosCheckpoint checkpoint;
  char            directory[NOMOS_MAX_PATH], *text;
  json_int_t      cycle = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(run->directory, "checkpoint", directory));
  PetscCall(NomosRunCheckpointOpen(run, directory, "assimilate", &text, &checkpoint));
  json_t *object = json_loads(text, 0, NULL);
  int     bad    = json_unpack(object, "{s:I}", "cycle", &cycle);
  json_decref(object);
  PetscCheck(!bad && cycle >= 1 && cycle <= a->n_cycles, run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: its analysis %lld is none of the %lld of this case", run->restart_path, (long long)cycle, (long long)a->n_cycles);
  a->cycle = a->first_cycle = cycle;
  PetscCall(LoadArrays(run, a, checkpoint));
  PetscCall(SkipSets(run, a));
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscCall(NomosModelSetClock(run->model, NomosAssimilateStep(a, a->cycle - 1)));
  run->first_step               = run->model->step;
  run->restarted                = true;
  run->checkpoint_due.last_step = run->model->step;
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
