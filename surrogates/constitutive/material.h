/* The material that is learned: which laws it has in the model to learn in, what of them is trained, and where that stands among the model's parameters.

   Of a learned law all weights are trained; of a written one logarithms of factors of the numbers named: value = first value exp(theta). Private to the surrogate `constitutive`. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_MATERIAL_H
#define NOMOS_SURROGATES_CONSTITUTIVE_MATERIAL_H

#include "operators/constitutive_law.h"
#include "surrogates/surrogate.h"

typedef struct {
  char               section[NOMOS_MAX_NAME];      /* "materials.jelly" */
  const char        *given[NOMOS_N_LAW_KINDS];     /* constitutive.elasticity and .plasticity: "written", "identity" (plasticity), or a law */
  const NomosLawOps *ops[NOMOS_N_LAW_KINDS];       /* NULL: identity */
  bool               learned[NOMOS_N_LAW_KINDS];   /* its weights are trained */
  NomosLaw           laws[NOMOS_N_LAW_KINDS];      /* of the model to learn in, for themselves; NULL: identity */
  size_t             first[NOMOS_N_LAW_KINDS];     /* of a learned law its first trained number */
  size_t             n_trained, n_written;         /* all; numbers of written laws, which come first */
  const char *const *keys;                         /* (n_written) without section */
  double            *written;                      /* (n_written) first values */
  size_t             n_parameters;                 /* of the model */
  double            *values;                       /* (n_parameters) of the model, with what is trained put in */
  size_t            *place;                        /* (n_trained) of a trained number among them */
} NomosMaterial;

/* From constitutive.* and the data's simulation, whose written law it may keep. `truth` is that simulation's config. Declares what is trained of written laws in s->parameters. */
PetscErrorCode NomosMaterialCreate(NomosSurrogate s, NomosConfig truth, NomosMaterial *material);
PetscErrorCode NomosMaterialDestroy(NomosMaterial *material);

/* The case `path` with settings laid over it: as it is, and (learned true) with the material's laws in place of its own. */
PetscErrorCode NomosMaterialSimulate(NomosSurrogate s, const NomosMaterial *material, const NomosSimulation *simulation, bool learned, NomosModel *model, NomosConfig *config);
/* Laws and places of the model to learn in, so made; declares weights of learned laws in s->parameters. All models so made have their parameters at the same places. */
PetscErrorCode NomosMaterialAttach(NomosSurrogate s, NomosMaterial *material, NomosModel model);

/* Trained numbers (n_trained) into the model, and into the laws; and the gradient by the model's parameters as one by trained numbers (overwritten). */
PetscErrorCode NomosMaterialSet(NomosMaterial *material, NomosModel model, const double trained[]);
void           NomosMaterialGradient(const NomosMaterial *material, const double trained[], const double p_bar[], double trained_bar[]);
/* The trained numbers as s->parameters has them. */
PetscErrorCode NomosMaterialTrained(NomosSurrogate s, double trained[]);

#endif
