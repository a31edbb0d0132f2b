/* Neighbours of points in two and three dimensions. Within a radius by sorted cells: only cells that hold points are stored, so that time and memory grow linearly with points and neighbours however the
   points lie in a box of up to 2^20 radii. The nearest by a k-d tree, n log n (Friedman et al. 1977, doi:10.1145/355744.355745).

   Lists are in order of the query, those within a radius in ascending order of the point's number: the same for any number of threads. Positions are doubles, (n, d), row by row. Not collective. */
#ifndef NOMOS_OPERATORS_NEIGHBOURS_H
#define NOMOS_OPERATORS_NEIGHBOURS_H

#include "io/base.h"

/* neighbour[first[q] ... first[q + 1] - 1] are those of query q. */
typedef struct {
  size_t   n_queries, n_points, n; /* n: neighbours of all queries */
  size_t  *first;                  /* (n_queries + 1) */
  int32_t *neighbour;              /* (n) */
} NomosNeighbours;

typedef struct {
  int           d;         /* 2 or 3 */
  size_t        n;         /* points */
  const double *x;         /* (n, d) */
  size_t        n_queries; /* 0: the points themselves are the queries */
  const double *queries;   /* (n_queries, d) */
  bool          self;      /* where the points are the queries: does a point neighbour itself? */
} NomosNeighbourInput;

/* All points within `radius` (distance <= radius). Errors: a position that is not finite (which point, which value), a radius that is not positive and finite, more than 2^31 - 1 neighbours. */
PetscErrorCode NomosNeighboursWithin(const NomosNeighbourInput *input, double radius, NomosNeighbours *neighbours);
/* The k nearest (all, where there are fewer), nearest first; of equal distances the lower number first. Errors as above. */
PetscErrorCode NomosNeighboursNearest(const NomosNeighbourInput *input, size_t k, NomosNeighbours *neighbours);
PetscErrorCode NomosNeighboursFree(NomosNeighbours *neighbours);

/* Connected components of a symmetric list whose queries are its points: *n of them, and of each point (component[], may be NULL) the number of its own, counted in order of their first points. */
PetscErrorCode NomosNeighboursComponents(const NomosNeighbours *neighbours, size_t *n, int32_t component[]);

/* ---- samples of points */

/* k of n, at random by (seed, stream), every set of k as likely as any other, in ascending order; n random numbers. Fan et al. (1962), doi:10.1080/01621459.1962.10480667. Errors: k > n. */
PetscErrorCode NomosSampleRandom(uint64_t seed, uint64_t stream, size_t n, size_t k, int32_t sample[]);
/* Farthest-point sampling: from the point `start` on always the point that is farthest from those chosen (of equal ones the lower number). In the order of choice, so that a prefix is a sample itself; time k n.
   No point is farther from the sample than twice the least distance that any k points can do. Errors: k > n, start >= n, a position that is not finite. Gonzalez (1985), doi:10.1016/0304-3975(85)90224-5. */
PetscErrorCode NomosSampleFarthest(int d, size_t n, const double x[], size_t start, size_t k, int32_t sample[]);

#endif
