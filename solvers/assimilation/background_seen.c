/* The spectrum of a field of which noisy points were seen: background.h. */
#include "solvers/assimilation/background.h"

#include "operators/model_fields.h"
#include "operators/model_operator.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double power = -6; /* of a mode's variance, at first */

/* Modes of a bin, about. */
static double Modes(const NomosBackgroundInput *grid, int bin)
{
  return grid->ny == 1 ? 2 : PetscMax(1, bin) * grid->width * grid->width * grid->lx * grid->ly / (2 * PETSC_PI);
}

/* The last bin of which observations tell something: the points resolve it, and what 3D-Var finds there is more than four times what noise alone makes of it. */
static int LastBin(const NomosBackgroundSeen *seen, const NomosBackgroundInput *grid, const double variance[], int layer)
{
  const bool   line  = grid->ny == 1;
  const double K_max = 0.7 * (line ? seen->fraction * PETSC_PI * grid->nx / grid->lx : sqrt(seen->fraction) * PETSC_PI * fmin(grid->nx / grid->lx, grid->ny / grid->ly));
  const double noise = seen->deviation[layer] * seen->deviation[layer] / (seen->fraction * grid->nx * grid->ny);
  int          last  = 4;

  for (int b = 4; b < grid->n_bins && (seen->fraction == 1 || b * grid->width <= K_max); b++)
    if (variance[layer * grid->n_bins + b] > 4 * noise * Modes(grid, b)) last = b;
  return last;
}

/* Beyond it the spectrum of 3D-Var is that of its prior, or of noise: there it goes on as a power of K, as it falls in the octave before. */
static void Extend(const NomosBackgroundSeen *seen, const NomosBackgroundInput *grid, double variance[])
{
  for (int l = 0; l < grid->n_layers; l++) {
    const int last = LastBin(seen, grid, variance, l), first = last / 2;
    double   *v    = variance + l * grid->n_bins, s[5] = {0};
    for (int b = first; b <= last && b < grid->n_bins; b++) {
      const double x = log(b), y = log(v[b] / Modes(grid, b) + DBL_MIN), add[5] = {1, x, y, x * x, x * y};
      for (int i = 0; i < 5; i++) s[i] += add[i];
    }
    const double slope = fmin(-1, (s[0] * s[4] - s[1] * s[2]) / (s[0] * s[3] - s[1] * s[1])), level = (s[2] - slope * s[1]) / s[0];
    for (int b = last + 1; b < grid->n_bins; b++) v[b] = Modes(grid, b) * exp(level + slope * log(b));
  }
}

static PetscErrorCode Analyse(const NomosBackgroundSeen *seen, const NomosBackgroundInput *grid, const NomosCovariance *background, double variance[])
{
  const NomosModelDerivatives *derivatives;
  NomosMinimiseInput           input = nomos_minimise_defaults;
  NomosVariational             c;
  NomosMinimised               minimised;
  NomosWindow                 *windows;
  const NomosModelField       *info;
  double                      *field;
  size_t                       index;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetDerivatives(seen->model, false, &derivatives));
  PetscCall(NomosModelFieldFind(seen->model, seen->control, &index, &info));
  PetscCall(PetscMalloc2(seen->n_windows, &windows, NomosModelFieldPoints(info) + 1, &field));
  for (size_t w = 0; w < seen->n_windows; w++) {
    windows[w]         = seen->windows[w];
    windows[w].n_steps = 0;
  }
  PetscCall(NomosVariationalCreate(&(NomosVariationalInput){.model = seen->model, .control = seen->control, .n_windows = seen->n_windows, .windows = windows, .state = true, .background = *background}, &c));
  input.stages = 2; /* both without length: solved well */
  PetscCall(NomosVariationalMinimise(c, &input, &minimised));
  memset(variance, 0, sizeof *variance * (size_t)(grid->n_layers * grid->n_bins));
  for (size_t w = 0; w < seen->n_windows; w++) {
    const void *x;
    PetscCall(NomosVariationalState(c, w, 0, &x));
    PetscCall(derivatives->field(seen->model, index, x, field));
    PetscCall(NomosBackgroundAddSpectrum(grid, field, variance));
  }
  for (int i = 0; i < grid->n_layers * grid->n_bins; i++) variance[i] /= (double)seen->n_windows;
  PetscCall(NomosVariationalDestroy(&c));
  PetscCall(PetscFree2(windows, field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosBackgroundFromSeen(const NomosBackgroundSeen *seen, const NomosBackgroundInput *grid, double variance[])
{
  NomosBackgroundInput input = *grid;
  NomosCovariance      background;
  double              *looks;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(grid->n_layers, &looks));
  for (int l = 0; l < grid->n_layers; l++) {
    double *v = variance + l * grid->n_bins, total = 0;
    v[0]      = 0;
    for (int b = 1; b < grid->n_bins; b++) total += v[b] = Modes(grid, b) * pow(1 + pow(b / 4., 2), power / 2);
    for (int b = 1; b < grid->n_bins; b++) v[b] *= seen->sigma[l] * seen->sigma[l] / total;
    looks[l] = seen->fraction;
  }
  input.variance  = variance;
  input.looks     = looks;
  input.deviation = seen->deviation;
  for (int pass = 0; pass < 2; pass++) {
    PetscCall(NomosBackgroundCreate(&input, &background));
    PetscCall(Analyse(seen, grid, &background, variance));
    PetscCall(NomosBackgroundDestroy(&background));
    Extend(seen, grid, variance);
  }
  PetscCall(PetscFree(looks));
  PetscFunctionReturn(PETSC_SUCCESS);
}
