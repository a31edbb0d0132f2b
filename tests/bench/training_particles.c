#include "tests/bench/training_particles.h"

#include "operators/primitives.h"
#include "surrogates/reduced_order_graph/particle_network_list.h"

#include <stdlib.h>
#include <string.h>

enum { FEATURES = 16 + 2 * (5 + 2) };

static double *GoldenNumbers(size_t n, size_t from)
{
  double *values = malloc((n + 1) * sizeof *values);

  for (size_t i = 0; i < n; i++) values[i] = 2 * Golden(from + i);
  return values;
}

/* giorom: encoders, 2 + 2 layers of width 64, kernels of 32 and 64, two Fourier layers of 32 channels and 2 x 8 x 8 modes on 24 x 24 nodes, pi 1.4^2 of which are near to a point. */
static double GioromFlops(double n, double n_edges, double n_sets)
{
  const double h2 = 64 * 64, pairs = 3.14159 * 1.4 * 1.4 * n, nodes = 24 * 24, padded = 27 * 27;
  const double layers  = n * 30 * 64 + n_edges * 3 * 64 + 3 * n * 2 * h2 + n_edges * 2 * h2 + 4 * (n_edges * 5 * h2 + n * 4 * h2);
  const double kernels = pairs * (66 * 32 + 32 * 64 + 64 * 32) + pairs * (2 * 32 + 32 * 64 + 64 * 64) + n * h2;

  return 2 * (layers + kernels + n_sets * (nodes * 4 * 32 * 32 + 2 * 32 * 32 * (padded + 4 * 128)));
}

/* neural_mpm: a U-Net of 16 channels and three halvings on 32 x 32 nodes, an MLP of width 32 for each point. */
static double NeuralMpmFlops(double n, double n_sets)
{
  double macs = 0, before = 2 + FEATURES, nodes = 32 * 32;

  for (int level = 0; level <= 3; level++, nodes /= 4) {
    const double f = 16 * pow(2, level);
    macs += nodes * 9 * (before * f + f * f);
    if (level < 3) macs += nodes * (2 * f * f + 9 * (2 * f * f + f * f));
    before = f;
  }
  return 2 * (n_sets * (macs + 1024 * 16 * 32) + n * (62 * 32 + 32 * 32 + 32 * 2));
}

PetscErrorCode TrainingParticlesCreate(NomosParameters parameters, const char network[], size_t n_sets, size_t n, TrainingParticles *particles)
{
  const double spacing = 0.27 / sqrt((double)n);
  const size_t side = (size_t)ceil(sqrt((double)n)), all = n_sets * n;

  PetscFunctionBeginUser;
  *particles   = (TrainingParticles){.n = all, .n_sets = n_sets, .radius = 2.3 * spacing, .nodes = GoldenNumbers(FEATURES * all, 1), .y = GoldenNumbers(2 * all, 2)};
  particles->x = malloc(2 * all * sizeof *particles->x);
  for (size_t s = 0; s <= n_sets; s++) particles->first[s] = s * n;
  for (size_t i = 0; i < all; i++)
    for (size_t a = 0; a < 2; a++) particles->x[2 * i + a] = 0.3 + spacing * ((double)(a ? i % n / side : i % n % side) + 0.4 * Golden(7 * i + 3 * a));
  for (size_t k = 0; nomos_particle_networks[k]; k++)
    if (!strcmp(nomos_particle_networks[k]->name, network)) particles->ops = nomos_particle_networks[k];
  PetscCall(NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = 2, .n_sets = n_sets, .first = particles->first, .x = particles->x, .radius = particles->radius}, NULL, &particles->graph));
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &particles->config));
  PetscCall(NomosConfigRegister(particles->config, particles->ops->n_params, particles->ops->params));
  PetscCall(NomosConfigCheck(particles->config));
  PetscCall(PetscCalloc(particles->ops->context, &particles->context));
  NomosParticleShape shape = {.d = 2, .n_nodes = FEATURES, .radius = particles->radius};
  shape.high[0] = shape.high[1] = 1;
  PetscCall(particles->ops->create(&(NomosParticleNetworkInput){.config = particles->config, .parameters = parameters, .shape = &shape}, particles->context));
  particles->flops = particles->ops->graph ? GioromFlops((double)all, (double)NomosGraphEdges(particles->graph), (double)n_sets) : NeuralMpmFlops((double)all, (double)n_sets);
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor TrainingParticlesLoss(const TrainingParticles *particles, const NomosTensor w[], NomosTape tape)
{
  const size_t       n = particles->n;
  const NomosTensor  x = NomosTensorFromDoubles(tape, NOMOS_F32, 2, (size_t[]){n, 2}, particles->x), nodes = NomosTensorFromDoubles(tape, NOMOS_F32, 2, (size_t[]){n, FEATURES}, particles->nodes);
  NomosParticleBatch batch = {.n = n, .n_sets = particles->n_sets, .first = particles->first, .x = x, .nodes = nodes, .graph = particles->graph};

  if (particles->ops->graph) batch.edges = NomosGraphEdgeFeatures(particles->graph, x, particles->radius);
  return NomosMeanAll(NomosPower(NomosSubtract(particles->ops->apply(particles->context, w, &batch), NomosTensorFromDoubles(tape, NOMOS_F32, 2, (size_t[]){n, 2}, particles->y)), 2));
}
