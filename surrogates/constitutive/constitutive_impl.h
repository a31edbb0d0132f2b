/* What the files of the surrogate `constitutive` share: constitutive.c is the surrogate, constitutive_loss.c what it minimises, constitutive_tests.c how it is judged, constitutive_pictures.c what it draws. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_IMPL_H
#define NOMOS_SURROGATES_CONSTITUTIVE_IMPL_H

#include "operators/tape.h"
#include "surrogates/constitutive/material.h"
#include "surrogates/constitutive/segments.h"

/* Pairs of the truth's law: F to stress, trial F to F_e. Arrays of frames of matrices, entry-major, in the model's precision. */
typedef struct {
  size_t n_frames, n_particles;
  void  *in[NOMOS_N_LAW_KINDS], *out[NOMOS_N_LAW_KINDS]; /* (n_frames, 9, n_particles) */
  double scale[NOMOS_N_LAW_KINDS];                       /* mean square of the stress; of what a return mapping does not change, the increment F_tr - F */
} NomosLawPairs;

/* observed.c: states to restart from, from positions alone: those of a run of the model, with the laws as they have been learned so far, that is steered. At every frame its positions become the ones seen, and
   its velocities what would have brought the particles there, v += (x_seen - x)/(time since the frame before); affine velocities and deformations go on as the model has them. With frames at every step
   velocities are difference quotients of what was seen, and with the true law all states are the true ones. The first state is the simulation's. */
typedef struct {
  const NomosMotion *motion;
  NomosModel         model;
  size_t             fields[2];   /* position, velocity */
  double            *x, *change;  /* (n_observed) */
  char              *states;      /* (n_frames, state_bytes) */
} NomosObserved;
PetscErrorCode NomosObservedCreate(NomosModel model, const NomosMotion *motion, NomosObserved *observed);
PetscErrorCode NomosObservedFree(NomosObserved *observed);
PetscErrorCode NomosObservedStates(NomosObserved *observed); /* of the model's present parameters */

typedef struct {
  NomosMaterial   material;
  NomosConfig     config;     /* of `model` */
  NomosModel      model;      /* to learn in */
  NomosMotion     motion;
  int64_t         every;      /* constitutive.every */
  bool            positions_only; /* constitutive.observed: positions */
  NomosObserved   observed;
  NomosCurriculum curriculum;
  bool            pairs_only; /* constitutive.supervision: stress */
  NomosLawPairs   pairs;
  double          plastic_rate;
  double         *p_bar;      /* (n_parameters) work */
  char            text_keys[NOMOS_N_LAW_KINDS][NOMOS_MAX_NAME]; /* of the weights' file */
  const char     *keys[NOMOS_N_LAW_KINDS], *texts[NOMOS_N_LAW_KINDS];
  /* The loss as a node of a tape. */
  NomosOperator   cost;
  NomosSurrogate  surrogate;
  NomosBatch      batch;      /* of the evaluation to come */
  double         *gradient;   /* (n_trained) at `at` */
  double         *at;
  bool            has_gradient;
  size_t          n_cut;      /* segments that had to be cut short, of this process */
} NomosConstitutive;

/* constitutive_loss.c: the loss of a batch as a node, whose operator CostCreate makes; and as an operator. */
PetscErrorCode NomosConstitutiveCostCreate(NomosSurrogate s);
PetscErrorCode NomosConstitutiveLossOperator(const NomosBatchLoss *loss, NomosOperator *op);
PetscErrorCode NomosConstitutiveLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss);

/* law_pairs.c: what the written laws do to the states of a motion; and the mean square error of the material's laws on n of them, relative to the scales, with its gradient by trained numbers (NULL: not
   asked for), which is overwritten. */
typedef struct {
  const char        *section; /* of the material */
  NomosConfig        config;  /* of the written law */
  NomosModel         model;   /* whose states the motion has */
  const NomosMotion *motion;
} NomosLawPairsInput;
PetscErrorCode NomosLawPairsCreate(const NomosLawPairsInput *input, NomosLawPairs *pairs);
PetscErrorCode NomosLawPairsFree(NomosLawPairs *pairs);
PetscErrorCode NomosLawPairsLoss(const NomosLawPairs *pairs, const NomosMaterial *material, size_t n, const size_t examples[], double *loss, double trained_bar[]);


/* constitutive_tests.c: a free run over the motion; all results. */
PetscErrorCode NomosConstitutiveReconstruct(NomosSurrogate s, double *error, double curve[]);
extern const NomosParamGroup nomos_constitutive_groups[1];
PetscErrorCode NomosConstitutiveResults(NomosSurrogate s, NomosResultFn result, void *ctx);

/* constitutive_pictures.c */
PetscErrorCode NomosConstitutivePictures(NomosSurrogate s, const char directory[]);

#endif
