/* A picture of predictions: of the trajectories with the narrowest, the median and the widest intervals (without any, of the first ones) the first field and its half width, over space and time or, in two dimensions, at the last frame. */
#include "surrogates/operators/neural_operator_predict_impl.h"

#include "io/plot.h"
#include "io/sort.h"

#include <math.h>

static PetscErrorCode DrawField(const NomosPredicting *p, NomosFigure figure, int row, int column, const char name[], const char title[], size_t i)
{
  const NomosNeuralOperator *no = p->s->context;
  const bool                 two = no->shape.n_space == 2, timed = no->interval > 0;
  const size_t               start[4] = {i, two ? p->n_frames - 1 : 0}, count[4] = {1, two ? 1 : p->n_frames, no->shape.points[0], no->shape.points[1]};
  const size_t               rows = two ? no->shape.points[0] : p->n_frames, nx = no->shape.points[two];
  const double               step = timed ? no->interval : 1, first = NomosPredictingBeginsWithStates(p) ? p->begins.time : 0, low = two ? no->start[0] : first - 0.5 * step, high = two ? no->start[0] + no->extent[0] : first + step * ((double)rows - 0.5);
  char                       path[NOMOS_MAX_PATH];
  double                    *image, limits[2] = {INFINITY, -INFINITY};
  NomosFieldReader           reader;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/predictions.nc", p->input->directory);
  PetscCall(PetscMalloc1(rows * nx, &image));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  PetscCall(NomosFieldReaderRead(reader, name, start, count, image));
  PetscCall(NomosFieldReaderClose(&reader));
  for (size_t x = 0; x < rows * nx; x++) {
    if (!isfinite(image[x])) continue;
    limits[0] = fmin(limits[0], image[x]);
    limits[1] = fmax(limits[1], image[x]);
  }
  const bool centred = limits[0] < 0 && limits[1] > 0; /* white is zero */
  PetscCall(NomosFigurePanel(figure, row, column, &(NomosAxes){.title = title, .x_label = "x", .y_label = two ? "y" : timed ? "time" : "frame", .shape = two ? 0 : 0.8}));
  PetscCall(NomosFigureImage(figure, rows, nx, image, no->start[two], no->start[two] + no->extent[two], low, high, centred ? NOMOS_MAP_DIVERGING : NOMOS_MAP_SEQUENTIAL, 0, 0, NULL));
  PetscCall(PetscFree(image));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Their numbers, fewer where there are fewer. */
static PetscErrorCode Choose(const NomosPredicting *p, size_t chosen[3], int *n_rows)
{
  PetscFunctionBeginUser;
  *n_rows = (int)PetscMin(p->n, 3);
  for (int r = 0; r < *n_rows; r++) chosen[r] = (size_t)r;
  if (!NomosPredictingHasIntervals(p) || *n_rows < 3) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosMedianPlace(p->n, p->widths, &chosen[1]));
  chosen[0] = chosen[2] = chosen[1];
  for (size_t i = 0; i < p->n; i++) {
    if (p->widths[i] < p->widths[chosen[0]]) chosen[0] = i;
    if (p->widths[i] > p->widths[chosen[2]]) chosen[2] = i;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPredictingDraw(const NomosPredicting *p)
{
  const NomosNeuralOperator *no = p->s->context;
  size_t                     chosen[3];
  NomosFigure                figure;
  char                       title[256], path[NOMOS_MAX_PATH];
  int                        n_rows;

  PetscFunctionBeginUser;
  PetscCall(Choose(p, chosen, &n_rows));
  if (NomosPredictingHasIntervals(p)) snprintf(title, sizeof title, "mean of %zu networks: the narrowest, the median and the widest interval of %zu%s", p->n_members, p->n, no->shape.n_space == 2 ? "; last frame" : "");
  else snprintf(title, sizeof title, "the first of %zu predictions%s", p->n, no->shape.n_space == 2 ? "; last frame" : "");
  PetscCall(NomosFigureCreate(title, n_rows, 1 + NomosPredictingHasIntervals(p), &figure));
  for (int r = 0; r < n_rows; r++) {
    snprintf(title, sizeof title, "%s of %zu", no->variables[0].name, chosen[r]);
    for (size_t k = 0; k < no->n_parameters; k++) {
      double value;
      PetscCall(NomosDatasetRead(p->initial, no->n_fields + k, NOMOS_SPLIT_TRAIN, 1, &chosen[r], &value));
      NomosTextAppend(sizeof title, title, "%s%s = %.4g", k ? ", " : ": ", no->variables[no->n_fields + k].name, value);
    }
    PetscCall(DrawField(p, figure, r, 0, no->variables[0].name, title, chosen[r]));
    snprintf(title, sizeof title, "half of its interval; of all fields %.3g of them", p->widths[chosen[r]]);
    snprintf(path, sizeof path, "%.40s_half_width", no->variables[0].name);
    if (NomosPredictingHasIntervals(p)) PetscCall(DrawField(p, figure, r, 1, path, title, chosen[r]));
  }
  snprintf(path, sizeof path, "%.4000s/predictions", p->input->plots);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}
