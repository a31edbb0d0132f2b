/* summary.json: results, timings, memory, warnings, why a run ended. */
#include "cases/run.h"
#include "io/disk.h"
#include "io/verdict.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>

/* JSON has no NaN: null. */
static json_t *Number(double value)
{
  return isfinite(value) ? json_real(value) : json_null();
}

static PetscErrorCode AddResult(const char name[], double value, void *results)
{
  PetscFunctionBeginUser;
  if (results) json_object_set_new(results, name, Number(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunScalarResults(NomosRun *run, NomosResultFn result, void *ctx)
{
  NomosTable table;
  char       path[NOMOS_MAX_PATH], name[2 * NOMOS_MAX_NAME];
  double     from = run->params.average_from - NomosRunTolerance(run);

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(run->directory, "scalars.csv", path));
  PetscCall(NomosTableRead(path, &table));
  for (size_t c = 2; c < table.n_columns && table.n_rows; c++) {
    double n = 0, mean = 0, squares = 0;
    for (size_t r = 0; r < table.n_rows; r++) {
      const double *row = table.values + r * table.n_columns;
      if (row[1] < from) continue;
      double delta = row[c] - mean;
      n += 1;
      mean += delta / n;
      squares += delta * (row[c] - mean);
    }
    PetscCall(result(table.names[c], table.values[(table.n_rows - 1) * table.n_columns + c], ctx));
    snprintf(name, sizeof name, "%.64s_mean", table.names[c]);
    PetscCall(result(name, n > 0 ? mean : NAN, ctx));
    snprintf(name, sizeof name, "%.64s_std", table.names[c]);
    PetscCall(result(name, n > 0 ? sqrt(squares / n) : NAN, ctx));
  }
  PetscCall(NomosTableDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static json_t *ScalarTable(const NomosRun *run)
{
  json_t *table = json_array();

  for (size_t i = 0; i < run->n_scalars; i++) {
    const NomosScalarInfo *s = &run->scalar_info[i];
    json_array_append_new(table, json_pack("{s:s, s:s, s:s, s:s?, s:b, s:s?}", "name", s->name, "unit", run->params.nondimensional || !s->unit ? "1" : s->unit, "long_name", s->long_name ? s->long_name : s->name, "group", s->group, "log_scale", (int)s->log_scale, "label", s->label));
  }
  return table;
}

static json_t *Timings(const NomosRun *run)
{
  double  total = MPI_Wtime() - run->wall_begin, steps = (double)(NomosRunStep(run) - run->first_step);
  json_t *timings = json_object();

  json_object_set_new(timings, "total_s", Number(total));
  json_object_set_new(timings, "initialisation_s", Number(run->wall_initialise));
  json_object_set_new(timings, "stepping_s", Number(run->wall_step));
  json_object_set_new(timings, "output_s", Number(run->wall_output));
  json_object_set_new(timings, "steps_per_s", Number(steps / run->wall_step));
  if (run->model) json_object_set_new(timings, "ns_per_grid_point_and_step", Number(1e9 * run->wall_step / (steps * (double)run->model->n_grid)));
  return timings;
}

PetscErrorCode NomosRunWriteSummary(NomosRun *run, const char status[], const char reason[])
{
  NomosVerdict   verdict = {0};
  char           path[NOMOS_MAX_PATH], *text = NULL;
  struct rusage  usage;
  double         memory[2]; /* most of a rank, all ranks together */
  json_t        *summary = NULL, *results = run->rank ? NULL : json_object();
  bool           finished = status[0] == 'd'; /* done: results of a run that did not end would mislead */

  PetscFunctionBeginUser;
  getrusage(RUSAGE_SELF, &usage);
  memory[0] = memory[1] = 1024. * (double)usage.ru_maxrss;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &memory[0], 1, MPI_DOUBLE, MPI_MAX, run->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &memory[1], 1, MPI_DOUBLE, MPI_SUM, run->comm));
  if (finished) PetscCall(run->task->results(run, AddResult, results));
  if (!run->rank) {
    summary = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:i, s:i, s:f, s:f}", "version", NOMOS_VERSION, "case", run->case_file.name, run->model || !run->surrogate_ops ? "solver" : "surrogate", run->model ? run->ops->name : run->surrogate_ops ? run->surrogate_ops->name : "none", "status", status, "reason", reason, "steps", (json_int_t)NomosRunStep(run), "steps_of_this_process", (json_int_t)(NomosRunStep(run) - run->first_step), "time", run->model && isfinite(run->model->time) ? run->model->time : 0., "ranks", run->size, "threads", run->n_threads, "peak_memory_bytes_of_a_rank", memory[0], "peak_memory_bytes", memory[1]);
    if (summary) {
      json_object_set_new(summary, "timings", Timings(run));
      json_object_set_new(summary, "results", results);
      if (run->n_warnings) {
        json_t *warnings = json_array();
        for (size_t i = 0; i < run->n_warnings; i++) json_array_append_new(warnings, json_string(run->warnings[i]));
        json_object_set_new(summary, "warnings", warnings);
      }
      json_object_set_new(summary, "scalars", ScalarTable(run));
      text = json_dumps(summary, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    }
    if (!text) NomosVerdictFail(&verdict, PETSC_ERR_MEM, "summary.json: out of memory, or a name that is not UTF-8");
  }
  PetscCall(NomosVerdictRaise(run->comm, &verdict));
  PetscCall(NomosRunDirectoryFile(run->directory, "summary.json", path));
  PetscErrorCode code = NomosWriteFileAtomic(run->comm, path, text ? text : "");
  json_decref(summary);
  free(text);
  PetscCall(code);
  run->begun = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}
