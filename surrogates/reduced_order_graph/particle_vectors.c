#include "surrogates/reduced_order_graph/particle_vectors.h"

#include "operators/primitives.h"

enum { RADIAL = NOMOS_PARTICLE_VECTORS_RADIAL };

size_t NomosParticleVectorsOwn(size_t history)
{
  return history + 1;
}

static size_t Shown(size_t history)
{
  return PetscMin((size_t)NOMOS_PARTICLE_VECTORS_SHOWN, NomosParticleVectorsOwn(history));
}

size_t NomosParticleVectorsNodes(size_t history)
{
  const size_t m = NomosParticleVectorsOwn(history);
  return m * (m + 1) / 2;
}

/* |r|, |z|^2, z.r, and of both ends the shown vectors times r. */
size_t NomosParticleVectorsEdges(size_t history)
{
  return 3 + 2 * Shown(history);
}

size_t NomosParticleVectorsFactors(size_t history)
{
  return NomosParticleVectorsOwn(history) + 4 * RADIAL;
}

/* Value at the receiver, at the sender. */
static NomosTensor At(NomosGraph graph, bool receiver, NomosTensor x)
{
  return NomosGather(x, receiver ? NomosGraphReceivers(graph) : NomosGraphSenders(graph));
}

void NomosParticleVectorsMake(const NomosParticleVectorsInput *input, NomosParticleVectors *vectors)
{
  const size_t       k = input->history, d = NomosTensorLength(input->x[k], 1);
  const NomosTensor *x = input->x, velocity = NomosSubtract(x[k], x[k - 1]), features = NomosGraphEdgeFeatures(input->graph, x[k], input->radius);

  *vectors = (NomosParticleVectors){.graph = input->graph, .n_shown = Shown(input->history)};
  vectors->own[vectors->n_own++] = NomosNormalisationApply(&input->velocity, input->w, velocity, -1);
  vectors->own[vectors->n_own++] = input->walls;
  for (size_t l = k - 1; l > 0; l--) vectors->own[vectors->n_own++] = NomosNormalisationApply(&input->acceleration, input->w, NomosSubtract(NomosSubtract(x[l + 1], x[l]), NomosSubtract(x[l], x[l - 1])), -1);
  vectors->r        = NomosSlice(features, 1, 0, d, 1);
  vectors->distance = NomosSlice(features, 1, d, 1, 1);
  vectors->z        = NomosMultiply(NomosSubtract(At(input->graph, true, velocity), At(input->graph, false, velocity)), NomosPower(input->w[input->acceleration.deviation], -1));
}

static NomosTensor Inner(NomosTensor a, NomosTensor b)
{
  return NomosSum(NomosMultiply(a, b), 1, (int[]){-1}, true);
}

/* q/(1 + q^2)^(1/4): q where it is small, the root of its size where it is large. */
static NomosTensor Compress(NomosTensor q)
{
  return NomosMultiply(q, NomosPower(NomosAffine(NomosMultiply(q, q), 1, 1), -0.25));
}

NomosTensor NomosParticleVectorsOfNodes(const NomosParticleVectors *vectors)
{
  enum { MOST = NOMOS_PARTICLE_VECTORS_MOST * (NOMOS_PARTICLE_VECTORS_MOST + 1) / 2 };
  NomosTensor products[MOST];
  size_t      n = 0;

  for (size_t i = 0; i < vectors->n_own; i++)
    for (size_t j = i; j < vectors->n_own; j++) products[n++] = Inner(vectors->own[i], vectors->own[j]);
  return Compress(NomosConcatenate(n, products, 1));
}

NomosTensor NomosParticleVectorsOfEdges(const NomosParticleVectors *vectors)
{
  NomosTensor products[2 + 2 * NOMOS_PARTICLE_VECTORS_SHOWN];
  size_t      n = 0;

  products[n++] = Inner(vectors->z, vectors->z);
  products[n++] = Inner(vectors->z, vectors->r);
  for (size_t k = 0; k < vectors->n_shown; k++)
    for (int receiver = 0; receiver < 2; receiver++) products[n++] = Inner(vectors->r, At(vectors->graph, receiver, vectors->own[k]));
  return NomosConcatenate(2, (NomosTensor[]){vectors->distance, Compress(NomosConcatenate(n, products, 1))}, 1);
}

/* B_m of the distances [n_edges, M]. */
static NomosTensor Radial(NomosTensor s)
{
  const NomosTensor t = NomosAffine(s, 2, -1), window = NomosPower(NomosAffine(NomosMultiply(s, s), -1, 1), 2);
  NomosTensor       chebyshev[RADIAL] = {NomosAffine(t, 0, 1), t};

  for (int m = 2; m < RADIAL; m++) chebyshev[m] = NomosSubtract(NomosAffine(NomosMultiply(t, chebyshev[m - 1]), 2, 0), chebyshev[m - 2]);
  return NomosMultiply(NomosConcatenate(RADIAL, chebyshev, 1), window);
}

/* sum_m B_m (p_im + q_jm) times an edge's vector; p at column `first` of the factors, then q. */
static NomosTensor OfEdges(const NomosParticleVectors *v, NomosTensor radial, NomosTensor factors, size_t first, NomosTensor vector)
{
  const NomosTensor p = At(v->graph, true, NomosSlice(factors, 1, first, RADIAL, 1)), q = At(v->graph, false, NomosSlice(factors, 1, first + RADIAL, RADIAL, 1));
  return NomosMultiply(vector, Inner(radial, NomosAdd(p, q)));
}

NomosTensor NomosParticleVectorsCombine(const NomosParticleVectors *v, NomosTensor factors)
{
  const NomosTensor radial = Radial(v->distance);
  const NomosTensor edges  = NomosAdd(OfEdges(v, radial, factors, v->n_own, v->r), OfEdges(v, radial, factors, v->n_own + 2 * RADIAL, v->z));
  NomosTensor       sum    = NomosGraphAggregate(v->graph, NOMOS_AGGREGATE_MEAN, edges);

  for (size_t k = 0; k < v->n_own; k++) sum = NomosAdd(sum, NomosMultiply(v->own[k], NomosSlice(factors, 1, k, 1, 1)));
  return sum;
}
