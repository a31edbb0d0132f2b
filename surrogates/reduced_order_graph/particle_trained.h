/* What weights of particles say of the data of their training, and other data seen as these weights know them: a material has the number that it had there, a wall is where it was there. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_TRAINED_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_TRAINED_H

#include "io/safetensors.h"
#include "surrogates/reduced_order_graph/particle_data.h"

enum { NOMOS_PARTICLE_MAX_NAMES = 64 };

typedef struct {
  char        kind_text[1024], parameter_text[1024]; /* names point into them */
  bool        has_kinds, has_parameters;             /* else the file does not say them: it is an old one, or of a surrogate to which they are nothing */
  size_t      n_kinds, n_parameters;
  const char *kinds[NOMOS_PARTICLE_MAX_NAMES], *parameters[NOMOS_PARTICLE_MAX_NAMES];
  double      interval;                              /* s; 0: it does not say it */
  int         d;                                     /* of the box; 0: it does not say it */
  double      low[3], high[3];
} NomosParticleTrained;

/* Names separated by commas, which become ends of texts; how many there are. */
size_t NomosParticleNamesPart(char text[], const char *names[NOMOS_PARTICLE_MAX_NAMES]);

void NomosParticleTrainedRead(NomosSafetensors file, NomosParticleTrained *trained);
/* Of a file by its path. Errors: those of the file. Collective. */
PetscErrorCode NomosParticleTrainedOpen(MPI_Comm comm, const char path[], NomosParticleTrained *trained);
/* Data that are judged by such weights: kinds become those of the training (NomosParticleDataNameKinds), and so does the domain. `of`: the key of the data, for messages. Errors: another dimension, materials that the training has not, other
   parameters, frames at another distance where both say it. note (n_note): that the domain was another one; "": it was not. */
typedef struct {
  const char                 *of;
  const NomosParticleTrained *trained;
} NomosParticleTraining;
PetscErrorCode NomosParticleDataTakeTraining(NomosParticleData data, const NomosParticleTraining *training, size_t n_note, char note[]);
/* The domain alone. */
void NomosParticleDataTakeBox(NomosParticleData data, const NomosParticleTraining *training, size_t n_note, char note[]);
/* In what data differ from those of a training that goes on with them, for a warning; "": in nothing. */
void NomosParticleTrainedCompare(const NomosParticleTrained *trained, const NomosParticleDataInfo *info, size_t n_text, char text[]);

#endif
