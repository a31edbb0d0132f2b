/* The columns of this rank, one after the other in every thread. PETSc is not called here: memory is had before and given back after. */
#include "solvers/assimilation/assimilation_impl.h"
#include "operators/random.h"

#include <math.h>
#include <omp.h>
#include <string.h>

static PetscErrorCode CreateProblem(const NomosAnalysisFrame *frame, NomosLocalProblem *q)
{
  const size_t n = frame->set->n + 1, k = frame->k, m = frame->m, most = PetscMax(k, m);

  PetscFunctionBeginUser;
  *q = (NomosLocalProblem){.k = k, .m = m, .n_work = (int)(40 * k + m + 40)};
  PetscCall(PetscMalloc6(n * k, &q->z, n, &q->precision, n * m, &q->innovation, n * m, &q->perturbation, n, &q->picked, n, &q->weight));
  PetscCall(PetscMalloc5(k * most + 1, &q->transform, k * k + 1, &q->a, k * most + 1, &q->b, k + 1, &q->values, (size_t)q->n_work, &q->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyProblem(NomosLocalProblem *q)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree6(q->z, q->precision, q->innovation, q->perturbation, q->picked, q->weight));
  PetscCall(PetscFree5(q->transform, q->a, q->b, q->values, q->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The picked observations of the frame, with deviations inflated by the factor. */
static void Fill(const NomosAnalysisFrame *frame, NomosLocalProblem *q)
{
  const NomosAnalysisMethod *method = frame->analysis->input.method;
  const double               root   = sqrt(q->factor);

  for (size_t i = 0; i < q->n; i++) {
    const size_t o  = q->picked[i];
    q->precision[i] = q->weight[i] / (frame->set->deviation[o] * frame->set->deviation[o]);
    for (size_t e = 0; e < q->k; e++) q->z[i * q->k + e] = root * frame->z[o * q->k + e];
    if (method->is_static)
      for (size_t j = 0; j < q->m; j++) q->innovation[i * q->m + j] = frame->set->value[o] - frame->seen[o * q->m + j];
    else q->innovation[i] = frame->set->value[o] - frame->seen_mean[o];
    if (method->perturbed) memcpy(q->perturbation + i * q->m, frame->perturbation + o * q->m, sizeof(double) * q->m);
  }
}

/* Miyoshi (2011), eqs. 6-12: what the innovations say of the factor, by its own uncertainty, against what it was. */
static void Adapt(const NomosAnalysisFrame *frame, const NomosLocalProblem *q, double *factor)
{
  const NomosAnalysis a      = frame->analysis;
  const size_t        n_d    = a->input.method->is_static ? q->m : 1;
  double              misfit = 0, spread = 0, n = 0;

  for (size_t i = 0; i < q->n; i++) {
    double square = 0, variance = 0;
    for (size_t j = 0; j < n_d; j++) square += q->innovation[i * n_d + j] * q->innovation[i * n_d + j] / (double)n_d;
    for (size_t e = 0; e < q->k; e++) variance += q->z[i * q->k + e] * q->z[i * q->k + e];
    misfit += q->precision[i] * square;
    spread += q->precision[i] * variance / (double)(q->k - 1);
    n += q->weight[i];
  }
  spread /= q->factor; /* before inflation */
  if (!(n > 0) || !(spread > 0)) return;
  const double seen = (misfit - n) / spread, part = (*factor * spread + n) / spread, v_seen = 2 / n * part * part, v = a->input.adaptive_deviation * a->input.adaptive_deviation;
  *factor = fmax(0.01, (*factor * v_seen + seen * v) / (v_seen + v));
}

/* The transform at a column, or of all: where nothing is seen nothing changes. */
static bool Transform(const NomosAnalysisFrame *frame, NomosLocalProblem *q, size_t column, bool all)
{
  const NomosAnalysis a      = frame->analysis;
  double             *factor = &a->factors[a->n_factors > 1 ? column : 0];

  NomosAnalysisPick(frame, column, all, q);
  q->factor = *factor;
  Fill(frame, q);
  if (!q->n) {
    q->factor = 1;
    memset(q->transform, 0, sizeof *q->transform * q->k * q->m);
    for (size_t i = 0; i < q->k && !a->input.method->is_static; i++) q->transform[i * q->m + i] = 1;
    return true;
  }
  if (a->input.adaptive) Adapt(frame, q, factor);
  return a->input.method->weights(q);
}

/* x_j = b_j + root sum_i z_i T_ij of one row (m); z_i from the row itself, or static. */
static void TransformRow(const NomosAnalysisFrame *frame, const NomosLocalProblem *q, const double *transform, size_t number, double *row)
{
  const NomosAnalysis a    = frame->analysis;
  const double        root = sqrt(q->factor);
  double             *z = q->values, *out = q->work, mean = 0;

  if (a->input.method->is_static) {
    for (size_t i = 0; i < q->k; i++) z[i] = a->input.static_states[i * a->n_state + number] - a->static_mean[number];
    memcpy(out, row, sizeof *row * q->m);
  } else {
    for (size_t i = 0; i < q->k; i++) mean += row[i];
    mean /= (double)q->k;
    for (size_t i = 0; i < q->k; i++) z[i] = row[i] - mean;
    for (size_t j = 0; j < q->m; j++) out[j] = mean;
  }
  for (size_t i = 0; i < q->k; i++)
    for (size_t j = 0; j < q->m; j++) out[j] += root * z[i] * transform[i * q->m + j];
  memcpy(row, out, sizeof *row * q->m);
}

static double Spread(size_t m, const double row[], double *mean)
{
  double sum = 0, squares = 0;

  for (size_t j = 0; j < m; j++) sum += row[j];
  *mean = sum / (double)m;
  for (size_t j = 0; j < m; j++) squares += (row[j] - *mean) * (row[j] - *mean);
  return m > 1 ? sqrt(squares / (double)(m - 1)) : 0;
}

/* Whitaker & Hamill (2012), eq. 3: deviations by (1 - a) sigma_a + a sigma_f over sigma_a. */
static void Relax(size_t m, double relaxation, double before, double *row)
{
  double       mean;
  const double after = Spread(m, row, &mean);

  if (!(after > 0)) return;
  const double stretch = 1 + relaxation * (before - after) / after;
  for (size_t j = 0; j < m; j++) row[j] = mean + stretch * (row[j] - mean);
}

static bool Column(const NomosAnalysisFrame *frame, NomosLocalProblem *q, size_t c)
{
  const NomosAnalysis a      = frame->analysis;
  const size_t        column = frame->first_column + c;
  double             *rows   = frame->rows + c * frame->n_layers * frame->m, mean;

  if (a->input.method->direct) {
    a->input.method->direct(frame, q, column, rows);
    return true;
  }
  if (!frame->transform && !Transform(frame, q, column, false)) return false;
  for (size_t layer = 0; layer < frame->n_layers; layer++) {
    double      *row    = rows + layer * frame->m;
    const double before = a->input.relaxation > 0 ? Spread(frame->m, row, &mean) : 0;
    TransformRow(frame, q, frame->transform ? frame->transform : q->transform, layer * a->n_columns + column, row);
    if (a->input.relaxation > 0) Relax(frame->m, a->input.relaxation, before, row);
  }
  return true;
}

/* Errors of mean zero over the members, by (seed, cycle, observation, member). */
static void Perturb(NomosAnalysisFrame *frame, uint64_t cycle)
{
  const uint64_t stream = NomosRandomStream("enkf.perturbations") + cycle;

  for (size_t o = 0; o < frame->set->n; o++) {
    double mean = 0, *e = frame->perturbation + o * frame->m;
    for (size_t j = 0; j < frame->m; j++) {
      e[j] = frame->set->deviation[o] * NomosRandomNormal(frame->analysis->input.seed, stream, o * frame->m + j);
      mean += e[j] / (double)frame->m;
    }
    for (size_t j = 0; j < frame->m; j++) e[j] -= mean;
  }
}

/* Deviations in the space of observations. */
static void Deviate(NomosAnalysisFrame *frame, const double static_seen[])
{
  const size_t k = frame->k, n = frame->set->n;

  for (size_t o = 0; o < n; o++) {
    double mean = 0;
    for (size_t i = 0; i < k; i++) mean += static_seen ? static_seen[i * n + o] : frame->seen[o * k + i];
    mean /= (double)PetscMax(1, k);
    frame->seen_mean[o] = mean;
    for (size_t i = 0; i < k; i++) frame->z[o * k + i] = (static_seen ? static_seen[i * n + o] : frame->seen[o * k + i]) - mean;
  }
}

/* Of this rank's rows: mean and spread into the places of the whole. */
static void Statistics(const NomosAnalysisFrame *frame, double *means, double *spreads)
{
  for (size_t c = 0; c < frame->n_columns; c++)
    for (size_t layer = 0; layer < frame->n_layers; layer++) {
      double       mean;
      const double spread = Spread(frame->m, frame->rows + (c * frame->n_layers + layer) * frame->m, &mean);
      const size_t number = layer * frame->analysis->n_columns + frame->first_column + c;
      if (means) means[number] = mean;
      if (spreads) spreads[number] = spread;
    }
}

/* Is there work for more than one thread? About the operations of all columns. */
static bool IsLarge(const NomosAnalysisFrame *frame)
{
  const double row = 2. * (double)(PetscMax(1, frame->k) * frame->m), local = frame->transform ? 0 : 10. * (double)(frame->k * frame->k * frame->k);

  return (double)frame->n_columns * ((double)frame->n_layers * row + local) > 2e7; /* some milliseconds */
}

static PetscErrorCode Columns(NomosAnalysisFrame *frame, NomosLocalProblem problems[], bool *failed)
{
  bool bad = false;

  PetscFunctionBeginUser;
  if (frame->transform) { /* the same for all columns */
    bad = !Transform(frame, &problems[0], 0, true);
    memcpy(frame->transform, problems[0].transform, sizeof(double) * frame->k * frame->m);
    for (int t = 1; t < frame->analysis->n_threads; t++) problems[t].factor = problems[0].factor;
  }
#pragma omp parallel for if (IsLarge(frame)) num_threads(frame->analysis->n_threads) schedule(dynamic, 8) reduction(|| \
                                                                                                                    : bad)
  for (size_t c = 0; c < frame->n_columns; c++) bad = bad || !Column(frame, &problems[omp_get_thread_num()], c);
  *failed = bad;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AnalyseRows(NomosAnalysisFrame *frame, const NomosEnsemble *ensemble, bool *failed)
{
  const NomosAnalysis a = frame->analysis;
  const size_t        n = ensemble->set->n + 1, k = PetscMax(1, frame->k);
  NomosLocalProblem  *problems;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(n * frame->m, &frame->seen, n, &frame->seen_mean, n * frame->m, &frame->perturbation, n * k, &frame->z));
  if (!a->input.method->direct && a->input.radius == 0) PetscCall(PetscMalloc1(frame->k * frame->m, &frame->transform));
  PetscCall(NomosAnalysisGatherSeen(a, ensemble, frame->seen));
  Deviate(frame, a->input.method->is_static ? ensemble->static_seen : NULL);
  if (a->input.method->perturbed) Perturb(frame, ensemble->cycle);
  if (ensemble->innovations) NomosAnalysisInnovations(frame, ensemble);
  PetscCall(PetscMalloc1(a->n_threads, &problems));
  for (int t = 0; t < a->n_threads; t++) PetscCall(CreateProblem(frame, &problems[t]));
  PetscCall(Columns(frame, problems, failed));
  for (int t = 0; t < a->n_threads; t++) PetscCall(DestroyProblem(&problems[t]));
  PetscCall(PetscFree(problems));
  PetscCall(PetscFree(frame->transform));
  PetscCall(PetscFree4(frame->seen, frame->seen_mean, frame->perturbation, frame->z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnalysisColumns(NomosAnalysisFrame *frame, const NomosEnsemble *ensemble, bool *failed)
{
  PetscFunctionBeginUser;
  Statistics(frame, ensemble->mean[0], ensemble->spread[0]);
  PetscCall(AnalyseRows(frame, ensemble, failed));
  Statistics(frame, ensemble->mean[1], ensemble->spread[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
