/* The nearest by a k-d tree: a stretch of points is split at the middle one along the axis on which it is longest, each half again, down to small leaves. The tree is the order of the points. */
#include "operators/neighbours_impl.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum { LEAF = 12 };

typedef struct {
  int      d;
  size_t   n;
  int32_t *number; /* (n) of the points in order of the tree */
  double  *x;      /* (n, d) in the same order */
  int8_t  *axis;   /* (n) along which the stretch is split whose middle this is */
} Tree;

static void Swap(Tree *tree, size_t i, size_t j)
{
  const int32_t number = tree->number[i];
  tree->number[i] = tree->number[j];
  tree->number[j] = number;
  for (size_t a = 0; a < (size_t)tree->d; a++) {
    const double x = tree->x[i * (size_t)tree->d + a];
    tree->x[i * (size_t)tree->d + a] = tree->x[j * (size_t)tree->d + a];
    tree->x[j * (size_t)tree->d + a] = x;
  }
}

/* Points of equal place are told apart by their numbers, so that many of them do no harm. */
static bool Before(const Tree *tree, int axis, size_t i, double x, int32_t number)
{
  const double own = tree->x[i * (size_t)tree->d + (size_t)axis];
  return own < x || (own == x && tree->number[i] < number);
}

/* Quickselect: the middle of [begin, end) along the axis to its place. */
static void Select(Tree *tree, int axis, size_t begin, size_t end, size_t middle)
{
  while (end - begin > 1) {
    const size_t pivot = begin + (end - begin) / 2;
    size_t       at = begin;
    Swap(tree, pivot, end - 1);
    const double  x      = tree->x[(end - 1) * (size_t)tree->d + (size_t)axis];
    const int32_t number = tree->number[end - 1];
    for (size_t i = begin; i + 1 < end; i++)
      if (Before(tree, axis, i, x, number)) Swap(tree, i, at++);
    Swap(tree, at, end - 1);
    if (at == middle) return;
    if (at < middle) begin = at + 1;
    else end = at;
  }
}

static void Split(Tree *tree, size_t begin, size_t end)
{
  const size_t middle = begin + (end - begin) / 2;
  int          axis   = 0;
  double       longest = -1;

  if (end - begin <= LEAF) return;
  for (int a = 0; a < tree->d; a++) {
    double low = INFINITY, high = -INFINITY;
    for (size_t i = begin; i < end; i++) {
      low  = fmin(low, tree->x[i * (size_t)tree->d + (size_t)a]);
      high = fmax(high, tree->x[i * (size_t)tree->d + (size_t)a]);
    }
    if (high - low > longest) {
      longest = high - low;
      axis    = a;
    }
  }
  Select(tree, axis, begin, end, middle);
  tree->axis[middle] = (int8_t)axis;
#pragma omp task if (end - begin > NOMOS_NEIGHBOURS_PARALLEL)
  Split(tree, begin, middle);
  Split(tree, middle + 1, end);
}

static PetscErrorCode TreeCreate(const NomosNeighbourInput *input, Tree *tree)
{
  PetscFunctionBeginUser;
  *tree = (Tree){.d = input->d, .n = input->n};
  PetscCall(PetscMalloc3(input->n, &tree->number, input->n * (size_t)input->d, &tree->x, input->n, &tree->axis));
  for (size_t i = 0; i < input->n; i++) tree->number[i] = (int32_t)i;
  if (input->n) memcpy(tree->x, input->x, input->n * (size_t)input->d * sizeof *tree->x);
#pragma omp parallel if (input->n >= NOMOS_NEIGHBOURS_PARALLEL && !omp_in_parallel())
#pragma omp single
  Split(tree, 0, input->n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The best so far, in order. */
typedef struct {
  size_t   n, most;
  double  *square;
  int32_t *number;
  int32_t  left_out; /* the query's own number, or -1 */
  double   x[3];
} Best;

static double Worst(const Best *best)
{
  return best->n < best->most ? INFINITY : best->square[best->n - 1];
}

static void Try(const Tree *tree, size_t i, Best *best)
{
  const int32_t number = tree->number[i];
  double        square = 0;
  size_t        at;

  for (int a = 0; a < tree->d; a++) {
    const double d = tree->x[i * (size_t)tree->d + (size_t)a] - best->x[a];
    square += d * d;
  }
  if (number == best->left_out || square > Worst(best) || (best->n == best->most && square == Worst(best) && number > best->number[best->n - 1])) return;
  at = best->n < best->most ? best->n++ : best->n - 1;
  for (; at > 0 && (best->square[at - 1] > square || (best->square[at - 1] == square && best->number[at - 1] > number)); at--) {
    best->square[at] = best->square[at - 1];
    best->number[at] = best->number[at - 1];
  }
  best->square[at] = square;
  best->number[at] = number;
}

/* The half of the query first; the other only if it reaches beyond the split. Equal distances are looked at too: the lower number counts. */
static void Search(const Tree *tree, size_t begin, size_t end, Best *best)
{
  const size_t middle = begin + (end - begin) / 2;

  if (end - begin <= LEAF) {
    for (size_t i = begin; i < end; i++) Try(tree, i, best);
    return;
  }
  const int    axis = tree->axis[middle];
  const double gap  = best->x[axis] - tree->x[middle * (size_t)tree->d + (size_t)axis];
  if (gap < 0) Search(tree, begin, middle, best);
  else Search(tree, middle + 1, end, best);
  Try(tree, middle, best);
  if (gap * gap > Worst(best)) return;
  if (gap < 0) Search(tree, middle + 1, end, best);
  else Search(tree, begin, middle, best);
}

PetscErrorCode NomosNeighboursNearest(const NomosNeighbourInput *input, size_t k, NomosNeighbours *neighbours)
{
  const bool    own       = !input->n_queries;
  const size_t  n_queries = own ? input->n : input->n_queries, d = (size_t)input->d, others = input->n - (own && !input->self && input->n), each = PetscMin(k, others);
  const double *queries   = own ? input->x : input->queries;
  double       *squares;
  Tree          tree;

  PetscFunctionBeginUser;
  PetscCall(NomosNeighboursCheckInput(input));
  NomosCheck(!each || n_queries <= INT32_MAX / each, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%zu nearest of %zu points: there may be at most %d neighbours, take fewer", each, n_queries, INT32_MAX);
  *neighbours = (NomosNeighbours){.n_queries = n_queries, .n_points = input->n, .n = n_queries * each};
  PetscCall(PetscMalloc1(n_queries + 1, &neighbours->first));
  PetscCall(PetscMalloc1(neighbours->n + 1, &neighbours->neighbour));
  for (size_t q = 0; q <= n_queries; q++) neighbours->first[q] = q * each;
  if (!each) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TreeCreate(input, &tree));
  PetscCall(PetscMalloc1(each * (size_t)omp_get_max_threads(), &squares));
#pragma omp parallel for schedule(dynamic, 256) if (n_queries >= NOMOS_NEIGHBOURS_PARALLEL / 4 && !omp_in_parallel())
  for (size_t q = 0; q < n_queries; q++) {
    Best best = {.most = each, .square = squares + each * (size_t)omp_get_thread_num(), .number = neighbours->neighbour + q * each, .left_out = own && !input->self ? (int32_t)q : -1};
    memcpy(best.x, queries + q * d, d * sizeof *best.x);
    Search(&tree, 0, input->n, &best);
  }
  PetscCall(PetscFree(squares));
  PetscCall(PetscFree3(tree.number, tree.x, tree.axis));
  PetscFunctionReturn(PETSC_SUCCESS);
}
