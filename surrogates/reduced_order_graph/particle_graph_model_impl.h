/* What the parts of the model `particle_graph` share. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_GRAPH_MODEL_IMPL_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_GRAPH_MODEL_IMPL_H

#include "operators/operator.h"
#include "operators/state_fields.h"
#include "surrogates/reduced_order_graph/particle_graph_model.h"
#include "surrogates/reduced_order_graph/particle_trained.h"
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"
#include "surrogates/weights_file.h"

enum { PARTICLE_GRAPH_N_SCALARS = 4 };

typedef struct {
  NomosStateFields         parts; /* first: operators/state_fields.h; the state (n_history, n, d) alone, whose field is the last part of it */
  int                      d;
  size_t                   n, n_particles, n_history; /* points of the graph; all particles; positions that a step sees */
  double                   low[3], high[3], interval, radius;
  size_t                   n_parameters, n_points; /* n_points: of the training */
  char                     kind_text[1024], parameter_text[1024]; /* of the training; names point into them */
  size_t                   n_kinds;
  const char              *kinds[NOMOS_PARTICLE_MAX_NAMES], *parameter_names[NOMOS_PARTICLE_MAX_NAMES];
  bool                     fixed[NOMOS_PARTICLE_MAX_NAMES]; /* kinds that are walls */

  NomosParameters          parameters;
  NomosParticleStepper     stepper;
  NomosOperator            op; /* history -> history */
  double                  *next, *initial;         /* (n_history, n, d) */
  size_t                   first_frame;            /* of the trajectory, at time 0 */
  size_t                   first[2];
  int32_t                 *sample, *kind;          /* (n) */
  double                  *told;                   /* (n_parameters) */
  NomosParticleSets        sets;
  NomosTensor             *w;

  double                  *reference, *position;   /* (n_particles, d) where all are at the first frame, and now */
  int32_t                 *kind_of_all;
  NomosParticleDecoder     decoder;                /* NULL: the points are all that is written */
  NomosParameters          decoder_parameters;
  NomosParticleDecoderPlan plan;

  size_t                   most_components;
  double                  *numbers;
  NomosFieldDim            dims[3];
  NomosFieldVariable       variables[3];
  size_t                   n_variables;
  char                     materials[1100];
  NomosModelField          fields[1];
} ParticleGraph;

/* ---- particle_graph_initial.c: points, materials and first positions, from particle data. Errors: materials that the training has not, frames at another distance, too few of them. */
PetscErrorCode ParticleGraphReadPoints(NomosModel model);

/* ---- particle_graph_output.c */
PetscErrorCode ParticleGraphCreateLayout(NomosModel model);
PetscErrorCode ParticleGraphFieldLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode ParticleGraphWriteFields(NomosModel model, NomosFieldFile file);
PetscErrorCode ParticleGraphScalars(NomosModel model, size_t *n, const NomosScalarInfo **info);
PetscErrorCode ParticleGraphEvaluateScalars(NomosModel model, double values[]);
PetscErrorCode ParticleGraphCheck(NomosModel model, NomosModelFault *fault);
PetscErrorCode ParticleGraphResults(NomosModel model, NomosResultFn result, void *ctx);

#endif
