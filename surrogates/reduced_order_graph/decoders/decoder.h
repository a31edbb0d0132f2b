/* What a kind of decoder is: one file with a `const NomosParticleDecoderOps`, and a line in particle_decoder_list.h. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_DECODERS_DECODER_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_DECODERS_DECODER_H

#include "operators/neighbours.h"
#include "operators/primitives.h"
#include "operators/sparse.h"
#include "surrogates/reduced_order_graph/particle_decoder.h"

typedef struct {
  NomosConfig     config;     /* has its table */
  NomosParameters parameters; /* of which it declares its own, under `decoder.` */
  int             d;
} NomosParticleDecoderInput;

/* u(X) = W u: a sparse matrix, the same for every axis; or, where rank > 0, left (n_points d, rank) times right (rank, n_sparse d). */
typedef struct {
  NomosSparseMatrix sparse;
  bool              borrowed; /* `sparse` is the plan's */
  size_t            rank;
  double           *left, *right;
} NomosParticleMap;

typedef struct {
  const char       *name; /* the value of `particle_decoder.kind` */
  const char       *summary, *reference;
  size_t            n_params;
  const NomosParam *params; /* NAME.* */
  size_t            context; /* bytes of it, which the caller makes (zeros) and frees */
  PetscErrorCode (*create)(const NomosParticleDecoderInput *input, void *context);
  PetscErrorCode (*fit)(const void *context, NomosParameters parameters, NomosParticleData data); /* NULL: nothing is learned by formula */
  /* What is constant in time of a pair of reference sets, which outlives it. */
  PetscErrorCode (*prepare)(const void *context, NomosParameters parameters, const NomosParticleReference *reference, void **plan);
  PetscErrorCode (*discard)(void **plan);
  /* Displacements [n_points, d] of displacements u = y - Y [n_sparse, d]. Errors are kept by the tape. */
  NomosTensor (*displace)(const void *context, const void *plan, const NomosTensor w[], NomosTensor u);
  /* The same as a matrix, with weights w[] in float64. NULL: it is not linear. */
  PetscErrorCode (*freeze)(const void *context, const void *plan, NomosTape tape, const NomosTensor w[], NomosParticleMap *map);
} NomosParticleDecoderOps;

/* The k nearest sparse points of its own body for every point (all, where there are fewer), or those within a radius, of which there is at least one. Errors: a point that has none. */
PetscErrorCode NomosReferenceNearest(const NomosParticleReference *reference, size_t k, NomosNeighbours *neighbours);
PetscErrorCode NomosReferenceWithin(const NomosParticleReference *reference, double radius, NomosNeighbours *neighbours);

/* A plan that is nothing but a matrix in the pattern of neighbours: what shepard and mls are. */
PetscErrorCode NomosReferenceMatrix(const NomosNeighbours *neighbours, const double values[], NomosSparseMatrix *matrix);
/* Such a matrix of the k nearest: `row` writes the values of a point's row, values[first[point]] ...; called in parallel. */
typedef void (*NomosReferenceRowFn)(const void *context, const NomosParticleReference *reference, const NomosNeighbours *neighbours, size_t point, double values[]);
PetscErrorCode NomosReferenceMatrixPrepare(const void *context, size_t k, NomosReferenceRowFn row, const NomosParticleReference *reference, void **plan);
PetscErrorCode NomosReferenceMatrixDiscard(void **plan);
NomosTensor    NomosReferenceMatrixDisplace(const void *context, const void *plan, const NomosTensor w[], NomosTensor u);
PetscErrorCode NomosReferenceMatrixFreeze(const void *context, const void *plan, NomosTape tape, const NomosTensor w[], NomosParticleMap *map);

/* The box of the data as a part of the model, for decoders that see places: buffers `decoder.low` [d] and `decoder.extent` [1] (the longest side), 0 and 1 before Fit. Inside it a place is (x - low)/extent. */
typedef struct {
  size_t low, extent;
} NomosReferenceBox;
PetscErrorCode NomosReferenceBoxCreate(const NomosParticleDecoderInput *input, NomosReferenceBox *box);
PetscErrorCode NomosReferenceBoxFit(const void *context, NomosParameters parameters, NomosParticleData data); /* `fit` of a decoder whose context begins with its box */
PetscErrorCode NomosReferenceBoxGet(const NomosReferenceBox *box, NomosParameters parameters, double low[3], double *extent);

/* Moving least squares around a point X with neighbours Y_j and positive weights: of the affine functions over them those that the neighbours tell apart, orthonormal in the weights (which are scaled to sum 1),
     basis_0 = 1,  basis_i(Y) = q_i.(Y - c)/sqrt(lambda_i),   c the centroid, (lambda_i, q_i) of the moments about it, i = 1 ... d
   A direction in which they hardly extend (the farthest, squared, below 1e-3 of that of the widest direction) is left out: its column is 0. The weights of moving least squares are weight_j sum_i basis_i(X) basis_i(Y_j). */
enum { NOMOS_LOCAL_MOST = 64 }; /* neighbours */
typedef struct {
  double weight[NOMOS_LOCAL_MOST], columns[NOMOS_LOCAL_MOST][3]; /* of neighbour j; basis_1 ... basis_d at Y_j */
  double at[3];                                                  /* basis_1 ... basis_d at X */
  bool   kept[3];
} NomosLocalBasis;
/* First weights by s, distances over `width` times the farthest neighbour's: exp(-s^2), the cubic spline that ends at s = 1, or (1 - s^2)^2. May be called in parallel. */
typedef enum { NOMOS_LOCAL_GAUSSIAN, NOMOS_LOCAL_CUBIC, NOMOS_LOCAL_QUARTIC } NomosLocalWeight;
typedef struct {
  NomosLocalWeight weight;
  double           width;
} NomosLocalShape;
void NomosLocalBasisMake(const NomosParticleReference *reference, const NomosNeighbours *neighbours, size_t point, const NomosLocalShape *shape, NomosLocalBasis *basis);
/* The weights of moving least squares as a NomosReferenceRowFn; its context begins with a NomosLocalShape. */
void NomosLocalRow(const void *context, const NomosParticleReference *reference, const NomosNeighbours *neighbours, size_t point, double values[]);

#endif
