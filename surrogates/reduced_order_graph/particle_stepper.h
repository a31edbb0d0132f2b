/* A learned time step of n points: from their last w + 1 positions and what they are made of, the next position.

     v_k = x_k - x_{k-1}   (time in frames)
     nodes  = [embedding of the kind, (v_{k-w+1} - v_mean)/v_deviation, ..., of v_k, clip((x_k - low)/R, -1, 1), clip((high - x_k)/R, -1, 1), parameters of the trajectory, standardised]
     a      = a_mean + a_deviation network(nodes, graph of points within R)
     v_{k+1} = v_k + a,   x_{k+1} = x_k + v_{k+1}                                       semi-implicit Euler, as Sanchez-Gonzalez et al. (2020), doi:10.48550/arXiv.2002.09405
   v_deviation and a_deviation include the noise of the training: sqrt(deviation^2 + sigma^2). `reduced_order_graph.velocities: raw` gives the network v itself, as the authors' code of GIOROM does. With
   `reduced_order_graph.rotation` nodes, edges and the network's result are those of particle_vectors.h, so that a - a_mean commutes with rotations and reflections of points and walls: a_mean is then the acceleration of free flight.

   Points of kinds that `reduced_order_graph.fixed` names are walls: the network sees them, and they stay.

   The radius and the density of points belong together: n may differ between trajectories and from what was trained on as long as the graph holds together. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_STEPPER_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_STEPPER_H

#include "surrogates/reduced_order_graph/particle_data.h"
#include "surrogates/reduced_order_graph/particle_network.h"

typedef struct NomosParticleStepper_s *NomosParticleStepper;

typedef struct {
  int         d;
  size_t      n_kinds, n_parameters;
  double      low[3], high[3];
  const bool *fixed;  /* (n_kinds) which kinds are walls; borrowed as long as the stepper lives; NULL: none */
  double      radius; /* m: of the graph. It is kept among the weights: what they were fitted with counts, whatever data they are later judged on */
} NomosParticleStepperInput;

/* `reduced_order_graph.{network,history,velocities,embedding,rotation,fixed}`, to be declared first; then the table of the network that they choose, for NomosSurrogateOps.declare. Errors: a table of another network. */
extern const NomosParam nomos_particle_stepper_params[];
extern const size_t     nomos_n_particle_stepper_params;
PetscErrorCode          NomosParticleStepperDeclare(NomosConfig config);
/* Declares weights, and buffers for statistics. Errors: of the network. */
PetscErrorCode NomosParticleStepperCreate(NomosConfig config, NomosParameters parameters, const NomosParticleStepperInput *input, NomosParticleStepper *stepper);
PetscErrorCode NomosParticleStepperDestroy(NomosParticleStepper *stepper);
/* Statistics into the buffers; sigma, the noise's deviation, m. parameters_{mean,deviation} (n_parameters). */
PetscErrorCode NomosParticleStepperFit(NomosParticleStepper stepper, NomosParameters parameters, const NomosParticleStatistics *statistics, double sigma, const double parameters_mean[], const double parameters_deviation[]);
size_t         NomosParticleStepperHistory(NomosParticleStepper stepper); /* w + 1 positions */
PetscErrorCode NomosParticleStepperRadius(NomosParticleStepper stepper, NomosParameters parameters, double *radius);
/* What the network's output is measured in, of each axis (d): a = mean + deviation times it, m. */
PetscErrorCode NomosParticleStepperUnits(NomosParticleStepper stepper, NomosParameters parameters, double mean[], double deviation[]);

/* A batch of sets of points, as doubles. */
typedef struct {
  size_t         n, n_sets;
  const size_t  *first;      /* (n_sets + 1) */
  const int32_t *kind;       /* (n) */
  const double  *parameters; /* (n_sets, n_parameters) */
} NomosParticleSets;

/* What the network sees after such positions. */
PetscErrorCode NomosParticleStepperFeatures(NomosParticleStepper stepper, const NomosTensor w[], const NomosParticleSets *sets, const NomosTensor x[], NomosParticleBatch *batch);
/* Normalised acceleration [n, d] after the positions x[0], ..., x[w] (each [n, d], oldest first). The graph is built of x[w] and belongs to the tape. Errors (a position that is not finite or outside, say) are kept by the tape. */
NomosTensor NomosParticleStepperAcceleration(NomosParticleStepper stepper, const NomosTensor w[], const NomosParticleSets *sets, const NomosTensor x[]);
/* x [n, d], but of walls `held`. */
NomosTensor NomosParticleStepperHold(NomosParticleStepper stepper, const NomosParticleSets *sets, NomosTensor x, NomosTensor held);
/* x_{k+1} [n, d] from the last two positions and such an acceleration, m; and from x[0], ..., x[w] at once, where walls are at rest. */
NomosTensor NomosParticleStepperIntegrate(NomosParticleStepper stepper, const NomosTensor w[], NomosTensor before, NomosTensor x, NomosTensor acceleration);
NomosTensor NomosParticleStepperAdvance(NomosParticleStepper stepper, const NomosTensor w[], const NomosParticleSets *sets, const NomosTensor x[]);
/* The graph of positions x (n, d), as a step makes it, for the numbers below; none where the network has no graph. */
PetscErrorCode NomosParticleStepperLook(NomosParticleStepper stepper, NomosParameters parameters, const NomosParticleSets *sets, const double x[]);
/* Of the last graph: edges, and components of each set in the worst one; of walls alone none is counted. */
void NomosParticleStepperGraph(NomosParticleStepper stepper, size_t *n_edges, size_t *most_components);

#endif
