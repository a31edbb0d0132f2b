/* What turns with the points of a step: of every point m = w + 1 vectors, of every edge two. With the acceleration's mean g (that of free flight), deviations s_v and s_a that are the same along all axes, and x_k the last of w + 1 positions

     v = (x_k - x_{k-1})/s_v,   u = clip((high - x_k)/R, -1, 1) - clip((x_k - low)/R, -1, 1),   b_l = (x_{l+1} - 2 x_l + x_{l-1} - g)/s_a,   l = k - 1, ..., k - w + 1
     r_ij = (x_i - x_j)/R,   z_ij = (v_i - v_j) s_v/s_a
   Inner products of these are what the network sees (invariants), and its output is factors of them: nothing but g and the walls knows a direction, and both turn with the rest, so that the acceleration commutes with rotations and reflections. After
   Satorras, Hoogeboom & Welling (2021), doi:10.48550/arXiv.2102.09844, whose messages see distances alone:

     a_i = sum_k c_ik own_ik + mean_j sum_m B_m(|r_ij|) ((p_im + q_jm) r_ij + (p'_im + q'_jm) z_ij),   B_m(s) = (1 - s^2)^2 T_m(2 s - 1),  T_m Chebyshev's */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_VECTORS_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_VECTORS_H

#include "surrogates/modules/graph.h"
#include "surrogates/normalisation.h"

enum { NOMOS_PARTICLE_VECTORS_RADIAL = 3, NOMOS_PARTICLE_VECTORS_SHOWN = 3, NOMOS_PARTICLE_VECTORS_MOST = 66 }; /* M; own vectors that edges see: v, u, b_{k-1} */

/* Sizes with a history of w velocities. */
size_t NomosParticleVectorsOwn(size_t history);
size_t NomosParticleVectorsNodes(size_t history);
size_t NomosParticleVectorsEdges(size_t history);
size_t NomosParticleVectorsFactors(size_t history);

typedef struct {
  NomosGraph         graph;
  size_t             history;
  double             radius;
  const NomosTensor *w, *x;   /* weights; x[0], ..., x[history], each [n, d], oldest first */
  NomosTensor        walls;   /* u [n, d] */
  NomosNormalisation velocity, acceleration;
} NomosParticleVectorsInput;
typedef struct {
  NomosGraph  graph;
  size_t      n_own, n_shown;
  NomosTensor own[NOMOS_PARTICLE_VECTORS_MOST]; /* [n, d]: v, u, b from the last on */
  NomosTensor r, z, distance;                   /* [n_edges, d], [n_edges, d], |r| [n_edges, 1] */
} NomosParticleVectors;
void NomosParticleVectorsMake(const NomosParticleVectorsInput *input, NomosParticleVectors *vectors);

/* [n, Nodes], [n_edges, Edges]: inner products q as q/(1 + q^2)^(1/4), so that hard blows are not too large. */
NomosTensor NomosParticleVectorsOfNodes(const NomosParticleVectors *vectors);
NomosTensor NomosParticleVectorsOfEdges(const NomosParticleVectors *vectors);
/* a [n, d] of the factors [n, Factors]: c, p, q, p', q'. */
NomosTensor NomosParticleVectorsCombine(const NomosParticleVectors *vectors, NomosTensor factors);

#endif
