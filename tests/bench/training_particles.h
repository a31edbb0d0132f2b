/* Networks of particles for training_steps.c: n_sets sets of n points in a square of side 0.27 in a unit box, neighbours within 2.3 spacings, 30 features of each point. Points, features, targets and first weights are
   Golden(k), which compare_torch.py can compute, too: then both losses have to agree. */
#ifndef NOMOS_TESTS_BENCH_TRAINING_PARTICLES_H
#define NOMOS_TESTS_BENCH_TRAINING_PARTICLES_H

#include "surrogates/reduced_order_graph/particle_network.h"

#include <math.h>

/* The fractional part of k golden ratios, around 0: the same bits in every language. */
static inline double Golden(size_t k)
{
  const double x = (double)k * 0.6180339887498949;
  return x - floor(x) - 0.5;
}

typedef struct {
  const NomosParticleNetworkOps *ops;
  void                          *context;
  NomosConfig                    config;
  NomosGraph                     graph;
  size_t                         n, n_sets, first[3];
  double                         radius, *x, *nodes, *y;
  double                         flops; /* of the products of a forward pass; the first layer of a message for each edge, that of a kernel for each pair */
} TrainingParticles;

/* n_sets: 1 or 2. The graph is made here, what a network needs besides (pairs of points and nodes) in every step. */
PetscErrorCode TrainingParticlesCreate(NomosParameters parameters, const char network[], size_t n_sets, size_t n, TrainingParticles *particles);
/* Mean square of accelerations less targets. */
NomosTensor    TrainingParticlesLoss(const TrainingParticles *particles, const NomosTensor w[], NomosTape tape);

#endif
