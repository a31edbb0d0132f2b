/* Points in the cells of a regular grid: which nodes are near to which points, with weights that are functions of the positions. Of a batch of several sets of points each has a grid of its own.

   Which pairs there are is a constant of the step, found by arithmetic in cells: cost grows with points and pairs. Offsets and weights are tensors, differentiable by the positions. */
#ifndef NOMOS_SURROGATES_MODULES_POINT_GRID_H
#define NOMOS_SURROGATES_MODULES_POINT_GRID_H

#include "operators/primitives.h"

typedef struct {
  int    d;               /* 2 or 3 */
  size_t points[3];       /* nodes along x, y (and z), at least 2; x is fastest in the nodes' numbers */
  double low[3], high[3]; /* m: of the first and of the last node along every axis */
} NomosPointGrid;

/* The longest side of a box in d dimensions. */
double NomosBoxLongest(int d, const double low[], const double high[]);

size_t NomosPointGridNodes(const NomosPointGrid *grid);
double NomosPointGridSpacing(const NomosPointGrid *grid, int axis);
/* Is every point x (n, d) in the box of the nodes, or at most `margin` (m) outside? The error names the first that is not. */
PetscErrorCode NomosPointGridHolds(const NomosPointGrid *grid, double margin, size_t n, const double x[]);
/* Points outside [n, d] brought to the nearest place of the box of the nodes; no derivative along what was cut off. */
NomosTensor NomosPointGridClamp(const NomosPointGrid *grid, NomosTensor x);
/* Positions of the nodes of n_sets grids, [n_sets nodes, d], in units of the box: 0 at low, 1 at high. And of points [n, d] in the same units. */
NomosTensor NomosPointGridPositions(const NomosPointGrid *grid, NomosTape tape, NomosRealType type, size_t n_sets);
NomosTensor NomosPointGridUnits(const NomosPointGrid *grid, NomosTensor x);
/* [n_sets nodes, c] -> [n_sets, c, (z,) y, x], and back. */
NomosTensor NomosPointGridToField(const NomosPointGrid *grid, size_t n_sets, NomosTensor values);
NomosTensor NomosPointGridFromField(NomosTensor field);

/* Points of a batch: first[s] ... first[s + 1] - 1 are set s. */
typedef struct {
  size_t        n_sets;
  const size_t *first; /* (n_sets + 1) */
  NomosTensor   x;     /* [n, d] m */
} NomosPointSets;

/* Pairs of a point and a node of its own set's grid, in order of the points and of one point in that of the nodes. They belong to the tape. */
typedef struct {
  size_t      n, n_points, n_nodes;     /* nodes: of all sets */
  NomosIndex  point, node;              /* (n) of each pair */
  NomosTensor offset;                   /* [n, d] (x_point - x_node)/scale */
  NomosTensor point_share, node_share;  /* [n_points, 1], [n_nodes, 1]: 1 over the number of pairs, 0 where there is none */
} NomosPointPairs;

/* All pairs at most `radius` (m) apart, which is the scale. Points outside of the grid have the pairs they have. Errors (kept by the tape; the pairs are then of no use): a position that is not finite. */
NomosPointPairs NomosPointPairsWithin(const NomosPointGrid *grid, const NomosPointSets *sets, double radius);
/* Each point with the 2^d corners of its cell; the scale is the spacing of the axis. Errors: a point outside of the grid. */
NomosPointPairs NomosPointPairsCells(const NomosPointGrid *grid, const NomosPointSets *sets);

/* Weights [n, 1]: multilinear prod_a (1 - |t_a|) of pairs in cells; Gaussian exp(-|t|^2/(2 width^2)) of pairs within a radius, t the offset, width in units of the radius. */
NomosTensor NomosPointWeightsLinear(const NomosPointPairs *pairs);
NomosTensor NomosPointWeightsGaussian(const NomosPointPairs *pairs, double width);
/* To the nodes: density sum_p w [n_nodes, 1], and sum_p w v/(density + floor) [n_nodes, c] of values v [n_points, c]: their weighted mean where the floor is small beside the density, and zero where there is no point. With
   a floor above 0 it is a continuous function of the positions; without one it jumps where a point comes to a node that had none. Linear weights keep sums: sum over nodes of density = number of points. */
NomosTensor NomosPointSplat(const NomosPointPairs *pairs, NomosTensor weights, NomosTensor values, double floor, NomosTensor *density);
/* To the points: sum_g w f/sum_g w [n_points, c] of f [n_nodes, c]; zero at a point without nodes. */
NomosTensor NomosPointSample(const NomosPointPairs *pairs, NomosTensor weights, NomosTensor f);

#endif
