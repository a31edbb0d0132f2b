/* Where all material points of a body are, from where a few of its points are. Reference positions: X (n_points, d) of the full order, Y (n_sparse, d) of the few, both at the first frame; y [n_sparse, d] where these are now; result x [n_points, d].

     linear kernels    u(X) = sum_j W(X, Y_j) (y_j - Y_j),  x = X + u      W by neighbours in the reference state: constant in time, a sparse matrix that is made once; derivative W^T
                       shepard, mls (moving least squares, linear), kernel (learned), pod (gappy, of a fixed body)
     others            neural_field (CROM, LiCROM), grid_splat (GIOROM's), fom_kernel (GIOROM's of 2025, piecewise constant)

   One is chosen from a list of one line each (particle_decoder_list.h; decoders/). Those with weights are trained by the surrogate `particle_decoder`, on true sparse positions. All work on displacements, so a body at rest stays exactly
   where it is; the kernels reproduce translations exactly, mls and (by default) kernel every affine motion. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DECODER_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DECODER_H

#include "io/config.h"
#include "operators/tape.h"
#include "surrogates/parameters.h"
#include "surrogates/reduced_order_graph/particle_data.h"

typedef struct NomosParticleDecoder_s     *NomosParticleDecoder;
typedef struct NomosParticleDecoderPlan_s *NomosParticleDecoderPlan;

/* `particle_decoder.kind`. */
extern const NomosParam nomos_particle_decoder_params[];
extern const size_t     nomos_n_particle_decoder_params;

/* Reference positions, m; borrowed until the plan is made. body (may be NULL: all one): points get weights only from sparse points of their own body (kind of material), so that bodies in contact do not mix. */
typedef struct {
  int            d;
  size_t         n_sparse, n_points;
  const double  *Y, *X;
  const int32_t *Y_body, *X_body;
} NomosParticleReference;

/* `particle_decoder.kind` and its table; declares its weights (none for shepard, mls). */
PetscErrorCode NomosParticleDecoderDeclare(NomosConfig config);
PetscErrorCode NomosParticleDecoderCreate(NomosConfig config, NomosParameters parameters, int d, NomosParticleDecoder *decoder);
/* The decoder `name` in place of the one that is chosen (its table must be declared: NomosParticleDecoderDeclareNamed); of a name that there is not the error says all. */
PetscErrorCode NomosParticleDecoderDeclareNamed(NomosConfig config, const char name[]);
PetscErrorCode NomosParticleDecoderCreateNamed(NomosConfig config, const char name[], NomosParameters parameters, int d, NomosParticleDecoder *decoder);
const char    *NomosParticleDecoderName(NomosParticleDecoder decoder);
bool           NomosParticleDecoderIsLinear(NomosParticleDecoder decoder);
PetscErrorCode NomosParticleDecoderDestroy(NomosParticleDecoder *decoder);
/* The one that `section` of the config chooses: by `section.decoder` one that needs no training, or `none` (NULL); in its place, as `section.decoder_weights` names its weights.safetensors, one that a training of the surrogate
   `particle_decoder` left, which says its kind; in float64. d, kinds: of the particles that it is to be used for; borrowed, as config, until it is made. Both results are the caller's also after an error. Errors: those of the file;
   weights of another surrogate, of particles in another dimension, of other materials. Collective. */
typedef struct {
  NomosConfig        config;
  const char        *section;
  int                d;
  size_t             n_kinds;
  const char *const *kinds;
} NomosParticleDecoderChoice;
PetscErrorCode NomosParticleDecoderOpen(const NomosParticleDecoderChoice *choice, NomosParameters *parameters, NomosParticleDecoder *decoder);
/* What is written beside such weights: dimensions, names of the materials separated by commas. */
enum { NOMOS_PARTICLE_DECODER_DIMENSIONS, NOMOS_PARTICLE_DECODER_KINDS, NOMOS_N_PARTICLE_DECODER_TEXTS };
extern const char *const nomos_particle_decoder_text_keys[NOMOS_N_PARTICLE_DECODER_TEXTS];
/* What is learned from the training's data by formula, not by steps (pod's basis); by default nothing. Collective. */
PetscErrorCode NomosParticleDecoderFit(NomosParticleDecoder decoder, NomosParameters parameters, NomosParticleData data);

/* What of a pair of reference sets is constant in time: neighbours, and for linear kernels the matrix. Weights w[] are of a tape whose record, in training, goes through them (matrix as a tensor); for prediction
   NomosParticleDecoderFreeze makes numbers of them, and a frame is one sparse product. Errors: no point, a position that is not finite, a point with no sparse point of its body, or (grid_splat, fom_kernel) with none near enough; of pod, points that are not
   those of the body it was made for. Reads buffers (pod's basis, lengths), so it comes after NomosParametersInitialise and Fit. */
PetscErrorCode NomosParticleDecoderPlanCreate(NomosParticleDecoder decoder, const NomosParticleReference *reference, NomosParticleDecoderPlan *plan);
PetscErrorCode NomosParticleDecoderPlanDestroy(NomosParticleDecoderPlan *plan);
/* x [n_points, d] of y [n_sparse, d], differentiable by y and w. */
NomosTensor NomosParticleDecoderApply(NomosParticleDecoderPlan plan, const NomosTensor w[], NomosTensor y);
/* With the weights as they are: in double precision for linear decoders, whatever the parameters' type. */
PetscErrorCode NomosParticleDecoderFreeze(NomosParticleDecoderPlan plan, NomosParameters parameters);
/* x (n_points, d) of y (n_sparse, d), as doubles and, for linear kernels, by one sparse product; and x_bar -> y_bar += (dx/dy)^T x_bar. After Freeze. Errors:
   a sparse position that is not finite (which). */
PetscErrorCode NomosParticleDecoderEvaluate(NomosParticleDecoderPlan plan, const double y[], double x[]);
PetscErrorCode NomosParticleDecoderEvaluateVjp(NomosParticleDecoderPlan plan, const double y[], const double x_bar[], double y_bar[]);

#endif
