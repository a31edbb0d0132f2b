#include "surrogates/modules/point_grid.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

double NomosBoxLongest(int d, const double low[], const double high[])
{
  double longest = 0;

  for (int a = 0; a < d; a++) longest = PetscMax(longest, high[a] - low[a]);
  return longest;
}

size_t NomosPointGridNodes(const NomosPointGrid *grid)
{
  return grid->points[0] * grid->points[1] * (grid->d == 3 ? grid->points[2] : 1);
}

double NomosPointGridSpacing(const NomosPointGrid *grid, int axis)
{
  return (grid->high[axis] - grid->low[axis]) / (double)(grid->points[axis] - 1);
}

PetscErrorCode NomosPointGridHolds(const NomosPointGrid *grid, double margin, size_t n, const double x[])
{
  PetscFunctionBeginUser;
  for (size_t p = 0; p < n; p++)
    for (int a = 0; a < grid->d; a++) {
      const double at = x[p * (size_t)grid->d + (size_t)a];
      NomosCheck(at >= grid->low[a] - margin && at <= grid->high[a] + margin, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "point %zu has %c = %g m, outside of the latent grid from %g to %g m: the motion has left the domain, or the network belongs to another one", p, "xyz"[a], at, grid->low[a], grid->high[a]);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Place of node g along every axis. */
static void Place(const NomosPointGrid *grid, size_t g, size_t at[3])
{
  at[0] = g % grid->points[0];
  at[1] = g / grid->points[0] % grid->points[1];
  at[2] = g / grid->points[0] / grid->points[1];
}

/* Rows of d numbers (scale_a x_a + shift_a). */
static NomosTensor AffineRows(int d, const double scale[3], const double shift[3], NomosTensor x)
{
  const NomosTensor s = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 1, (size_t[]){(size_t)d}, scale), t = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 1, (size_t[]){(size_t)d}, shift);
  return NomosAdd(NomosMultiply(x, s), t);
}

NomosTensor NomosPointGridUnits(const NomosPointGrid *grid, NomosTensor x)
{
  double scale[3], shift[3];

  for (int a = 0; a < grid->d; a++) {
    scale[a] = 1 / (grid->high[a] - grid->low[a]);
    shift[a] = -grid->low[a] * scale[a];
  }
  return AffineRows(grid->d, scale, shift, x);
}

NomosTensor NomosPointGridClamp(const NomosPointGrid *grid, NomosTensor x)
{
  const size_t        d    = (size_t)grid->d;
  const NomosRealType type = NomosTensorType(x);

  return NomosClip(x, NomosTensorFromDoubles(x.tape, type, 1, &d, grid->low), NomosTensorFromDoubles(x.tape, type, 1, &d, grid->high));
}

NomosTensor NomosPointGridPositions(const NomosPointGrid *grid, NomosTape tape, NomosRealType type, size_t n_sets)
{
  const size_t d = (size_t)grid->d, n = NomosPointGridNodes(grid);
  double      *values;
  size_t       at[3];

  if (PetscMalloc1(n * d + 1, &values)) return NomosTapeFail(tape, PETSC_ERR_MEM, "no memory for the positions of %zu nodes", n);
  for (size_t g = 0; g < n; g++) {
    Place(grid, g, at);
    for (size_t a = 0; a < d; a++) values[g * d + a] = (double)at[a] / (double)(grid->points[a] - 1);
  }
  const NomosTensor one = NomosTensorFromDoubles(tape, type, 3, (size_t[]){1, n, d}, values);
  (void)PetscFree(values);
  return NomosReshape(NomosBroadcast(one, 3, (size_t[]){n_sets, n, d}), 2, (size_t[]){n_sets * n, d});
}

NomosTensor NomosPointGridToField(const NomosPointGrid *grid, size_t n_sets, NomosTensor values)
{
  const size_t *n = grid->points, c = NomosTensorLength(values, -1);

  if (grid->d == 2) return NomosPermute(NomosReshape(values, 4, (size_t[]){n_sets, n[1], n[0], c}), (int[]){0, 3, 1, 2});
  return NomosPermute(NomosReshape(values, 5, (size_t[]){n_sets, n[2], n[1], n[0], c}), (int[]){0, 4, 1, 2, 3});
}

NomosTensor NomosPointGridFromField(NomosTensor field)
{
  const bool   plane = NomosTensorDims(field, NULL) == 4;
  const size_t c = NomosTensorLength(field, 1), n = c ? NomosTensorSize(field) / c : 0;

  return NomosReshape(NomosPermute(field, plane ? (int[]){0, 2, 3, 1} : (int[]){0, 2, 3, 4, 1}), 2, (size_t[]){n, c});
}

/* ---- pairs */

typedef struct {
  size_t   n, most;
  int32_t *point, *node;
} PairList;

static PetscErrorCode Append(PairList *list, size_t point, size_t node)
{
  PetscFunctionBeginUser;
  if (list->n == list->most) {
    const size_t most = list->most ? 2 * list->most : 1024;
    PetscCall(PetscRealloc(most * sizeof *list->point, &list->point));
    PetscCall(PetscRealloc(most * sizeof *list->node, &list->node));
    list->most = most;
  }
  list->point[list->n]  = (int32_t)point;
  list->node[list->n++] = (int32_t)node;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nodes first[a] ... last[a] along every axis that a point may pair with; none where last < first. */
typedef struct {
  ptrdiff_t first[3], last[3];
} Box;

static PetscErrorCode Ball(const NomosPointGrid *grid, double radius, const double x[], Box *box)
{
  PetscFunctionBeginUser;
  for (int a = 0; a < grid->d; a++) {
    const double h = NomosPointGridSpacing(grid, a), last = (double)(grid->points[a] - 1);
    box->first[a] = (ptrdiff_t)ceil(PetscMin(PetscMax((x[a] - radius - grid->low[a]) / h, 0), last + 1));
    box->last[a]  = (ptrdiff_t)floor(PetscMax(PetscMin((x[a] + radius - grid->low[a]) / h, last), -1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Cell(const NomosPointGrid *grid, const double x[], Box *box)
{
  PetscFunctionBeginUser;
  for (int a = 0; a < grid->d; a++) {
    const double t = (x[a] - grid->low[a]) / NomosPointGridSpacing(grid, a);
    box->first[a] = (ptrdiff_t)PetscMin(PetscMax(floor(t), 0), (double)(grid->points[a] - 2));
    box->last[a]  = box->first[a] + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* radius 0: corners of cells. */
static PetscErrorCode List(const NomosPointGrid *grid, const NomosPointSets *sets, double radius, const double x[], PairList *list)
{
  const size_t d = (size_t)grid->d, n_nodes = NomosPointGridNodes(grid);
  double       margin = 1e-6 * NomosPointGridSpacing(grid, 0); /* and rounding: the box of points in float32 is that of its ends in float32 */

  PetscFunctionBeginUser;
  for (int a = 0; a < grid->d && NomosTensorType(sets->x) == NOMOS_F32; a++) margin = PetscMax(margin, 2 * (double)FLT_EPSILON * PetscMax(fabs(grid->low[a]), fabs(grid->high[a])));
  for (size_t s = 0; s < sets->n_sets; s++)
    for (size_t p = sets->first[s]; p < sets->first[s + 1]; p++) {
      const double *at  = x + p * d;
      Box           box = {.last = {0, 0, 0}};
      for (size_t a = 0; a < d; a++) NomosCheck(isfinite(at[a]), PETSC_COMM_SELF, PETSC_ERR_FP, "point %zu has %c = %g", p, "xyz"[a], at[a]);
      if (radius > 0) PetscCall(Ball(grid, radius, at, &box));
      else {
        PetscCall(NomosPointGridHolds(grid, margin, 1, at));
        PetscCall(Cell(grid, at, &box));
      }
      for (ptrdiff_t k = box.first[2]; k <= box.last[2]; k++)
        for (ptrdiff_t j = box.first[1]; j <= box.last[1]; j++)
          for (ptrdiff_t i = box.first[0]; i <= box.last[0]; i++) {
            const ptrdiff_t place[3] = {i, j, k};
            double          distance = 0;
            for (int a = 0; a < grid->d; a++) distance += PetscSqr(at[a] - grid->low[a] - (double)place[a] * NomosPointGridSpacing(grid, a));
            if (radius > 0 && distance > radius * radius) continue;
            PetscCall(Append(list, p, s * n_nodes + ((size_t)k * grid->points[1] + (size_t)j) * grid->points[0] + (size_t)i));
          }
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyIndex(void *object)
{
  NomosIndex index = object;

  PetscFunctionBeginUser;
  PetscCall(NomosIndexDestroy(&index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OwnedIndex(NomosTape tape, size_t n, const int32_t list[], size_t n_rows, NomosIndex *index)
{
  PetscFunctionBeginUser;
  PetscCall(NomosIndexCreate(n, list, n_rows, index));
  PetscCall(NomosTapeOwn(tape, *index, DestroyIndex));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1/number of times that a row is in the list. */
static PetscErrorCode Share(NomosTensor x, size_t n, const int32_t list[], size_t n_rows, NomosTensor *share)
{
  double *values;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n_rows + 1, &values));
  for (size_t k = 0; k < n; k++) values[list[k]]++;
  for (size_t i = 0; i < n_rows; i++)
    if (values[i] > 0) values[i] = 1 / values[i];
  *share = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 2, (size_t[]){n_rows, 1}, values);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (x_point - x_node)/scale; the node's part is a constant. */
static PetscErrorCode Offset(const NomosPointGrid *grid, NomosTensor x, double radius, const PairList *list, NomosPointPairs *pairs)
{
  const size_t d = (size_t)grid->d, n_nodes = NomosPointGridNodes(grid);
  double      *node, scale[3], shift[3];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(list->n * d + 1, &node));
  for (size_t a = 0; a < d; a++) {
    scale[a] = 1 / (radius > 0 ? radius : NomosPointGridSpacing(grid, (int)a));
    shift[a] = -grid->low[a] * scale[a];
  }
  for (size_t k = 0; k < list->n; k++) {
    size_t at[3];
    Place(grid, (size_t)list->node[k] % n_nodes, at);
    for (size_t a = 0; a < d; a++) node[k * d + a] = (double)at[a] * NomosPointGridSpacing(grid, (int)a) * scale[a];
  }
  const NomosTensor of_nodes = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 2, (size_t[]){list->n, d}, node);
  pairs->offset = NomosSubtract(NomosGather(AffineRows(grid->d, scale, shift, x), pairs->point), of_nodes);
  PetscCall(PetscFree(node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(const NomosPointGrid *grid, const NomosPointSets *sets, double radius, PairList *list, NomosPointPairs *pairs)
{
  const NomosTensor x = sets->x;
  double           *values;

  PetscFunctionBeginUser;
  pairs->n_points = sets->first[sets->n_sets];
  pairs->n_nodes  = sets->n_sets * NomosPointGridNodes(grid);
  NomosCheck(NomosTensorDims(x, NULL) == 2 && NomosTensorLength(x, 0) == pairs->n_points && NomosTensorLength(x, 1) == (size_t)grid->d, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "positions of %zu points in %d dimensions: must be [%zu, %d]", pairs->n_points, grid->d, pairs->n_points, grid->d);
  PetscCall(PetscMalloc1(NomosTensorSize(x) + 1, &values));
  PetscErrorCode code = NomosTensorGetDoubles(x, values);
  if (!code) code = List(grid, sets, radius, values, list);
  PetscCall(PetscFree(values));
  PetscCall(code);
  pairs->n = list->n;
  PetscCall(OwnedIndex(x.tape, list->n, list->point, pairs->n_points, &pairs->point));
  PetscCall(OwnedIndex(x.tape, list->n, list->node, pairs->n_nodes, &pairs->node));
  PetscCall(Share(x, list->n, list->point, pairs->n_points, &pairs->point_share));
  PetscCall(Share(x, list->n, list->node, pairs->n_nodes, &pairs->node_share));
  PetscCall(Offset(grid, x, radius, list, pairs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosPointPairs Pairs(const NomosPointGrid *grid, const NomosPointSets *sets, double radius)
{
  NomosPointPairs pairs = {.offset = {.tape = sets->x.tape}};
  PairList        list  = {0};
  PetscErrorCode  code;

  if (!NomosTensorIsValid(sets->x)) return pairs;
  NomosQuietly(code, Fill(grid, sets, radius, &list, &pairs)); /* whoever asks the tape for its errors hears of it */
  (void)PetscFree(list.point);
  (void)PetscFree(list.node);
  if (code) pairs.offset = NomosTapeFail(sets->x.tape, code, "%s", NomosErrorLast());
  return pairs;
}

NomosPointPairs NomosPointPairsWithin(const NomosPointGrid *grid, const NomosPointSets *sets, double radius)
{
  return Pairs(grid, sets, radius);
}

NomosPointPairs NomosPointPairsCells(const NomosPointGrid *grid, const NomosPointSets *sets)
{
  return Pairs(grid, sets, 0);
}

/* ---- weights, sums */

NomosTensor NomosPointWeightsLinear(const NomosPointPairs *pairs)
{
  const NomosTensor hat = NomosAffine(NomosFunction(NOMOS_ABS, 0, pairs->offset), -1, 1);
  NomosTensor       w   = NomosSlice(hat, 1, 0, 1, 1);

  for (size_t a = 1; a < NomosTensorLength(pairs->offset, 1); a++) w = NomosMultiply(w, NomosSlice(hat, 1, a, 1, 1));
  return w;
}

NomosTensor NomosPointWeightsGaussian(const NomosPointPairs *pairs, double width)
{
  const NomosTensor square = NomosSum(NomosMultiply(pairs->offset, pairs->offset), 1, (int[]){1}, true);
  return NomosFunction(NOMOS_EXP, 0, NomosAffine(square, -0.5 / (width * width), 0));
}

/* 1 where x is 0. */
static NomosTensor WithoutZeros(NomosTensor x)
{
  return NomosSelect(x, x, NomosTensorConstant(x.tape, NomosTensorType(x), 2, (size_t[]){NomosTensorLength(x, 0), 1}, 1));
}

NomosTensor NomosPointSplat(const NomosPointPairs *pairs, NomosTensor weights, NomosTensor values, double floor, NomosTensor *density)
{
  if (!NomosTensorIsValid(weights)) return *density = (NomosTensor){.tape = weights.tape}; /* the pairs' lists are of no use then */
  *density = NomosScatterAdd(weights, pairs->node);
  const NomosTensor sum = NomosScatterAdd(NomosMultiply(weights, NomosGather(values, pairs->point)), pairs->node);
  return NomosDivide(sum, floor > 0 ? NomosAffine(*density, 1, floor) : WithoutZeros(*density));
}

NomosTensor NomosPointSample(const NomosPointPairs *pairs, NomosTensor weights, NomosTensor f)
{
  if (!NomosTensorIsValid(weights)) return (NomosTensor){.tape = weights.tape};
  const NomosTensor sum = NomosScatterAdd(NomosMultiply(weights, NomosGather(f, pairs->node)), pairs->point);
  return NomosDivide(sum, WithoutZeros(NomosScatterAdd(weights, pairs->point)));
}
