#include "solvers/assimilation/analysis_list.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#define METHOD_ENTRY(method) &method,
const NomosAnalysisMethod *const nomos_analysis_methods[] = {NOMOS_ANALYSIS_LIST(METHOD_ENTRY) NULL};

PetscErrorCode NomosAnalysisFind(const char name[], const char where[], const NomosAnalysisMethod **method)
{
  const char *names[NOMOS_MAX_NAME];
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (; nomos_analysis_methods[n]; n++) {
    *method  = nomos_analysis_methods[n];
    names[n] = (*method)->name;
    if (!strcmp(names[n], name)) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosNameUnknown(PETSC_COMM_WORLD, name, n, names, "%s = %s: no such method", where, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosAnalysisName(const NomosAnalysisMethod *method)
{
  return method->name;
}

const char *NomosAnalysisSummary(const NomosAnalysisMethod *method)
{
  return method->summary;
}

bool NomosAnalysisIsStatic(const NomosAnalysisMethod *method)
{
  return method->is_static;
}

NomosVariationalKind NomosAnalysisVariational(const NomosAnalysisMethod *method)
{
  return method->variational;
}

static PetscErrorCode CheckInput(MPI_Comm comm, size_t n_members, size_t n_state, const NomosAnalysisInput *input)
{
  const NomosAnalysisMethod *method = input->method;

  PetscFunctionBeginUser;
  NomosCheck(n_members >= method->fewest, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s with %zu member%s: it needs at least %zu", method->name, n_members, n_members == 1 ? "" : "s", method->fewest);
  NomosCheck(input->radius >= 0, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s with a radius of localisation of %g: it must not be negative", method->name, input->radius);
  NomosCheck(input->radius == 0 || input->places, comm, PETSC_ERR_ARG_WRONG, "%s with a radius of localisation of %g: this state has no places; leave the radius out, and take a method that needs none", method->name, input->radius);
  NomosCheck(input->radius > 0 || !method->local, comm, PETSC_ERR_ARG_WRONG, "%s is local and needs a radius of localisation above 0%s", method->name, method->direct ? "" : "; etkf is the same without");
  NomosCheck(!input->places || (input->places->n_columns && n_state % input->places->n_columns == 0), comm, PETSC_ERR_ARG_SIZ, "a state of %zu numbers is not one of layers of %zu columns", n_state, input->places ? input->places->n_columns : 0);
  NomosCheck(input->inflation > 0, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s with inflation %g: the factor of the variance must be above 0", method->name, input->inflation);
  NomosCheck(!input->adaptive || input->adaptive_deviation > 0, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s with adaptive inflation of deviation %g: it must be above 0", method->name, input->adaptive_deviation);
  NomosCheck(input->relaxation >= 0 && input->relaxation <= 1, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s with relaxation %g to the forecasts' spread: it must be from 0 to 1", method->name, input->relaxation);
  NomosCheck(!method->direct || (input->gain > 0 && input->gain <= 1), comm, PETSC_ERR_ARG_OUTOFRANGE, "%s with gain %g: it must be above 0 and at most 1", method->name, input->gain);
  NomosCheck(!method->is_static || input->n_static > 1, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s with %zu static states: it needs at least 2", method->name, input->n_static);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnalysisCreate(MPI_Comm comm, size_t n_members, size_t n_state, const NomosAnalysisInput *input, NomosAnalysis *analysis)
{
  NomosAnalysis a;

  PetscFunctionBeginUser;
  PetscCall(CheckInput(comm, n_members, n_state, input));
  openblas_set_num_threads(1); /* columns are what threads share; with threads of its own LAPACK would round otherwise */
  PetscCall(PetscNew(&a));
  a->comm      = comm;
  a->input     = *input;
  a->n_members = n_members;
  a->n_state   = n_state;
  a->n_columns = input->places ? input->places->n_columns : n_state;
  a->n_layers  = a->n_columns ? n_state / a->n_columns : 1;
  a->n_threads = omp_get_max_threads();
  a->n_factors = input->adaptive && input->radius > 0 ? a->n_columns : 1;
  PetscCallMPI(MPI_Comm_rank(comm, &a->rank));
  PetscCallMPI(MPI_Comm_size(comm, &a->size));
  PetscCall(PetscMalloc2(a->n_factors, &a->factors, n_state, &a->static_mean));
  for (size_t i = 0; i < a->n_factors; i++) a->factors[i] = input->inflation;
  for (size_t i = 0; i < n_state && input->method->is_static; i++) {
    a->static_mean[i] = 0;
    for (size_t e = 0; e < input->n_static; e++) a->static_mean[i] += input->static_states[e * n_state + i];
    a->static_mean[i] /= (double)input->n_static;
  }
  *analysis = a;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnalysisDestroy(NomosAnalysis *analysis)
{
  PetscFunctionBeginUser;
  if (!*analysis) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*analysis)->factors, (*analysis)->static_mean));
  PetscCall(PetscFree(*analysis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnalysisInflation(NomosAnalysis analysis, size_t *n, double **factors)
{
  PetscFunctionBeginUser;
  *n       = analysis->n_factors;
  *factors = analysis->factors;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns (over n_layers) that each rank holds, to the whole on every rank. */
static PetscErrorCode ShareColumns(NomosAnalysis a, size_t n_layers, double *values)
{
  int *counts, *starts;

  PetscFunctionBeginUser;
  if (a->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(a->size, &counts, a->size, &starts));
  for (int r = 0; r < a->size; r++) {
    starts[r] = (int)NomosAnalysisColumn(a, r);
    counts[r] = (int)(NomosAnalysisColumn(a, r + 1) - NomosAnalysisColumn(a, r));
  }
  for (size_t layer = 0; layer < n_layers; layer++) PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values + layer * a->n_columns, counts, starts, MPI_DOUBLE, a->comm));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnalysisApply(NomosAnalysis a, const NomosEnsemble *ensemble)
{
  NomosAnalysisFrame frame = {.analysis = a, .set = ensemble->set, .m = a->n_members, .n_layers = a->n_layers, .first_column = NomosAnalysisColumn(a, a->rank)};
  bool               failed;
  size_t             all = ensemble->n_own;

  PetscFunctionBeginUser;
  PetscCheck(!a->input.method->variational, a->comm, PETSC_ERR_SUP, "%s needs the model, and an analysis on plain arrays has none; nomos assimilate makes it", a->input.method->name);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPIU_SIZE_T, MPI_SUM, a->comm));
  NomosCheck(all == a->n_members && ensemble->n_state == a->n_state, a->comm, PETSC_ERR_ARG_SIZ, "an analysis of %zu members of %zu numbers was asked for, and it was made for %zu of %zu", all, ensemble->n_state, a->n_members, a->n_state);
  frame.k         = a->input.method->direct ? 0 : a->input.method->is_static ? a->input.n_static
                                                                             : a->n_members;
  frame.n_columns = NomosAnalysisColumn(a, a->rank + 1) - frame.first_column;
  PetscCall(PetscMalloc1(frame.n_columns * a->n_layers * frame.m + 1, &frame.rows));
  PetscCall(NomosAnalysisScatter(a, ensemble, frame.rows));
  PetscCall(NomosAnalysisColumns(&frame, ensemble, &failed));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_C_BOOL, MPI_LOR, a->comm));
  NomosCheck(!failed, a->comm, PETSC_ERR_FP, "%s: the matrix of an analysis at time %g is not finite and positive: a forecast or what was seen is not finite", a->input.method->name, ensemble->set->time);
  PetscCall(NomosAnalysisGather(a, ensemble, frame.rows));
  PetscCall(PetscFree(frame.rows));
  for (int i = 0; i < 2; i++) {
    if (ensemble->mean[i]) PetscCall(ShareColumns(a, a->n_layers, ensemble->mean[i]));
    if (ensemble->spread[i]) PetscCall(ShareColumns(a, a->n_layers, ensemble->spread[i]));
  }
  if (a->n_factors > 1) PetscCall(ShareColumns(a, 1, a->factors));
  PetscFunctionReturn(PETSC_SUCCESS);
}
