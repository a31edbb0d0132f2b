/* What comes of an H that was found: the case that integrates it, orbits beside those of the data, numbers. */
#include "cases/discover_hamiltonian.h"
#include "io/sort.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 3 }; /* orbits in the file for the picture */
static const double rtol = 1e-10;

void NomosHamiltonianWriteYaml(const NomosDiscover *d, FILE *out)
{
  const NomosHamiltonianData *data = d->data;
  char                       *energy;

  fprintf(out, "# Found by nomos discover %s; a case of the solver hamiltonian_system includes it: `include: equation.yaml`.\n", d->run->case_file.name);
  if (NomosHamiltonianLibraryExpression(data->library, d->equations[0].found.c, &energy)) return;
  fprintf(out, "hamiltonian_system:\n  degrees: %zu\n  energy: \"%s\"\n", data->size / 2, energy);
  (void)PetscFree(energy);
}

/* ---- orbits */

static const char *const rolled_names[NOMOS_N_ROLLED] = {[NOMOS_ROLLED_FOUND] = "found", [NOMOS_ROLLED_NETWORK] = "network"};

static PetscErrorCode FoundField(size_t n, const double x[], double x_dot[], void *ctx)
{
  const NomosDiscover        *d    = ctx;
  const NomosHamiltonianData *data = d->data;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianLibraryEvaluate(data->library, d->equations[0].found.c, n, x, x_dot, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NetworkField(size_t n, const double x[], double x_dot[], void *ctx)
{
  const NomosDiscover        *d    = ctx;
  const NomosHamiltonianData *data = d->data;

  PetscFunctionBeginUser;
  PetscCall(NomosDistilledField(data->network, n, x, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosFieldFn fields[NOMOS_N_ROLLED] = {[NOMOS_ROLLED_FOUND] = FoundField, [NOMOS_ROLLED_NETWORK] = NetworkField};

static bool IsThere(const NomosHamiltonianData *data, int rolled)
{
  return rolled != NOMOS_ROLLED_NETWORK || data->network;
}

/* By the true H, or where it is unknown the one that was found. */
static double Energy(const NomosDiscover *d, const double x[])
{
  const NomosHamiltonianData *data = d->data;
  double                      H    = NAN;

  if (data->energy) return NomosExpressionEvaluate(data->energy, x);
  return NomosHamiltonianLibraryEvaluate(data->library, d->equations[0].found.c, 1, x, NULL, &H) ? NAN : H;
}

/* orbits.csv: of the first orbits two coordinates, the energy, and how far they are from the data, for the data and each integration. */
static void WriteOrbits(const NomosDiscover *d, FILE *out)
{
  const NomosHamiltonianData *data = d->data;
  const size_t                size = data->size, n_times = data->truth->n_times, n = PetscMin(SHOWN, PetscMin(data->n_orbits, data->truth->n));

  fputs("step,orbit,time", out);
  for (int r = -1; r < NOMOS_N_ROLLED; r++) {
    const char *name = r < 0 ? "data" : rolled_names[r];
    if (r < 0 || data->rolled[r].n) fprintf(out, ",%s_q1,%s_%s,%s_energy,%s_distance", name, name, size > 2 ? "q2" : "p1", name, name);
  }
  fputc('\n', out);
  for (size_t o = 0; o < n; o++)
    for (size_t i = 0; i < n_times; i++) {
      const double *seen = data->truth->x + (o * n_times + i) * size;
      fprintf(out, "%zu,%zu,%.17g", i, o + 1, data->truth->times[i]);
      for (int r = -1; r < NOMOS_N_ROLLED; r++) {
        if (r >= 0 && !data->rolled[r].n) continue;
        const double *x      = r < 0 ? seen : data->rolled[r].x + (o * n_times + i) * size;
        double        square = 0;
        for (size_t j = 0; j < size; j++) square += (x[j] - seen[j]) * (x[j] - seen[j]);
        fprintf(out, ",%.17g,%.17g,%.17g,%.6g", x[0], x[1], Energy(d, x), sqrt(square));
      }
      fputc('\n', out);
    }
}

/* |J grad H - rates|/|rates| over all states of the data, without noise. */
static PetscErrorCode FieldError(NomosDiscover *d, NomosFieldFn field, double *error)
{
  const NomosHamiltonianData *data = d->data;
  const size_t                n    = data->truth->n * data->truth->n_times * data->size;
  double                     *x_dot, square = 0, off = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &x_dot));
  PetscCall(field(n / data->size, data->truth->x, x_dot, d));
  for (size_t i = 0; i < n; i++) {
    square += data->rates->x[i] * data->rates->x[i];
    off += (x_dot[i] - data->rates->x[i]) * (x_dot[i] - data->rates->x[i]);
  }
  *error = sqrt(off / square);
  PetscCall(PetscFree(x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the states at which the network was asked the share that lies beyond all of the data in some coordinate. */
static double Beyond(const NomosHamiltonianData *data)
{
  const size_t size = data->size, n_seen = data->seen.n * data->seen.n_times;
  size_t       beyond = 0;

  for (size_t s = 0; s < data->n; s++) {
    bool outside = false;
    for (size_t i = 0; i < size && !outside; i++) {
      bool below = false, above = false;
      for (size_t k = 0; k < n_seen; k++) {
        below = below || data->seen.x[k * size + i] <= data->x[s * size + i];
        above = above || data->seen.x[k * size + i] >= data->x[s * size + i];
      }
      outside = !below || !above;
    }
    beyond += outside;
  }
  return (double)beyond / (double)data->n;
}

/* A formula that is far worse than what it was read from: the network was asked where it learned nothing, or the library does not hold its H. */
static PetscErrorCode WarnOfReading(NomosDiscover *d)
{
  const NomosHamiltonianData *data = d->data;
  const double                far = 3;
  double                      errors[NOMOS_N_ROLLED];
  char                        sentence[512];

  PetscFunctionBeginUser;
  if (!data->network || !data->rates) PetscFunctionReturn(PETSC_SUCCESS);
  for (int r = 0; r < NOMOS_N_ROLLED; r++) PetscCall(FieldError(d, fields[r], &errors[r]));
  if (!(errors[NOMOS_ROLLED_FOUND] > far * errors[NOMOS_ROLLED_NETWORK])) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(sentence, sizeof sentence, "this H is not that of the data: its field errs by %.2g of theirs, the network's by %.2g; deviations know nothing of it. The network was asked at states of which %.2g %% lie beyond the data, where it has learned nothing: take a smaller discover.hamiltonian.cloud (0.5), or, where that does not help, more terms", errors[NOMOS_ROLLED_FOUND], errors[NOMOS_ROLLED_NETWORK], 100 * Beyond(data));
  PetscCall(NomosRunWarn(sentence, d->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianConclude(NomosDiscover *d)
{
  NomosHamiltonianData *data = d->data;
  NomosText             text;

  PetscFunctionBeginUser;
  NomosHamiltonianJudge(d);
  PetscCall(WarnOfReading(d));
  if (!data->n_orbits) PetscFunctionReturn(PETSC_SUCCESS);
  for (int r = 0; r < NOMOS_N_ROLLED; r++) {
    if (!IsThere(data, r)) continue;
    PetscCall(NomosOrbitsRoll(&(NomosOrbitsRollInput){.truth = data->truth, .n = data->n_orbits, .field = fields[r], .ctx = d, .rtol = rtol}, &data->rolled[r], &data->stuck[r]));
    if (data->stuck[r]) PetscCall(NomosOrbitsFree(&data->rolled[r]));
    if (data->stuck[r]) data->rolled[r] = (NomosOrbits){0};
  }
  PetscCall(NomosTextBegin(&text));
  WriteOrbits(d, text.out);
  PetscCall(NomosRunDirectoryWrite(d->run->directory, "orbits.csv", &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- numbers */

PetscErrorCode NomosHamiltonianResults(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  NomosHamiltonianData *data = d->data;
  const size_t          n    = data->n_judged;
  double                error = 0;

  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  if (d->equations[0].truth) {
    double *sorted;
    PetscCall(PetscMalloc1(n, &sorted));
    memcpy(sorted, data->errors, n * sizeof *sorted);
    NomosSort(n, sorted);
    PetscCall(result("exact_structure_rate", data->exact / (double)n, ctx));
    PetscCall(result("largest_error_median", (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, ctx));
    PetscCall(result("largest_error_worst", sorted[n - 1], ctx));
    PetscCall(PetscFree(sorted));
  }
  if (data->network) PetscCall(result("states_beyond_data", Beyond(data), ctx));
  if (data->network) PetscCall(result("not_in_library", sqrt(d->equations[0].found.residual), ctx)); /* of the network's field */
  for (int r = 0; r < NOMOS_N_ROLLED; r++) {
    const char *prefix = r == NOMOS_ROLLED_FOUND ? "" : "network_";
    char        name[NOMOS_MAX_NAME];
    if (!IsThere(data, r)) continue;
    if (data->rates) PetscCall(FieldError(d, fields[r], &error));
    snprintf(name, sizeof name, "%sfield_error", prefix);
    if (data->rates) PetscCall(result(name, error, ctx));
    if (!data->n_orbits) continue;
    snprintf(name, sizeof name, "%sorbit_mse", prefix);
    PetscCall(result(name, data->stuck[r] ? NAN : NomosOrbitsError(&data->rolled[r], data->truth), ctx));
    snprintf(name, sizeof name, "%senergy_mse", prefix);
    if (data->energy) PetscCall(result(name, data->stuck[r] ? NAN : NomosOrbitsEnergyError(&data->rolled[r], data->truth, data->energy), ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
