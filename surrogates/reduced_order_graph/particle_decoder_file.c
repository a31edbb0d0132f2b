/* The decoder that a section names: one that needs no training, or from the weights of the surrogate `particle_decoder`. */
#include "io/text.h"
#include "surrogates/reduced_order_graph/particle_decoder_list.h"
#include "surrogates/weights_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const nomos_particle_decoder_text_keys[NOMOS_N_PARTICLE_DECODER_TEXTS] = {"dimensions", "kinds"};

/* What the file says of its training; files of before it said so are taken as they are. */
static PetscErrorCode CheckTexts(const NomosParticleDecoderChoice *from, const NomosWeightsFile *file)
{
  const char *surrogate = NomosWeightsFileText(file, "surrogate"), *where = NomosConfigWhere(file->config, file->key);
  const char *dimensions = NomosWeightsFileText(file, nomos_particle_decoder_text_keys[NOMOS_PARTICLE_DECODER_DIMENSIONS]);
  const char *kinds      = NomosWeightsFileText(file, nomos_particle_decoder_text_keys[NOMOS_PARTICLE_DECODER_KINDS]);

  PetscFunctionBeginUser;
  PetscCheck(surrogate && !strcmp(surrogate, "particle_decoder"), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: %s: these are weights of %s; take those of a training of the surrogate particle_decoder", where, file->key, surrogate ? surrogate : "nothing that is known");
  PetscCheck(!dimensions || atoi(dimensions) == from->d, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: %s: a decoder of particles in %s dimensions, and these are in %d", where, file->key, dimensions, from->d);
  for (size_t k = 0; k < from->n_kinds; k++) PetscCheck(!kinds || NomosTextEntry(kinds, ',', from->kinds[k]), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: %s: the decoder has never seen %s in its training; it knows %s", where, file->key, from->kinds[k], kinds);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Build(const NomosParticleDecoderChoice *from, NomosWeightsFile *file, NomosParameters parameters, NomosParticleDecoder *decoder)
{
  const char *name;

  PetscFunctionBeginUser;
  PetscCall(CheckTexts(from, file));
  PetscCall(NomosConfigGetString(file->architecture, "particle_decoder.kind", &name));
  for (size_t i = 0; nomos_particle_decoders[i]; i++)
    if (!strcmp(nomos_particle_decoders[i]->name, name)) PetscCall(NomosWeightsFileAdd(file, nomos_particle_decoders[i]->n_params, nomos_particle_decoders[i]->params));
  PetscCall(NomosParticleDecoderCreateNamed(file->architecture, name, parameters, from->d, decoder));
  PetscCall(NomosParametersInitialise(parameters, 0));
  PetscCall(NomosWeightsFileRead(file, parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(const NomosParticleDecoderChoice *from, const char key[], NomosParameters parameters, NomosParticleDecoder *decoder)
{
  NomosWeightsFile file;

  PetscFunctionBeginUser;
  PetscCall(NomosWeightsFileOpen(from->config, key, nomos_n_particle_decoder_params, nomos_particle_decoder_params, &file));
  PetscErrorCode code = Build(from, &file, parameters, decoder);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderOpen(const NomosParticleDecoderChoice *choice, NomosParameters *parameters, NomosParticleDecoder *decoder)
{
  char        keys[2][NOMOS_MAX_NAME];
  const char *name, *weights;

  PetscFunctionBeginUser;
  *parameters = NULL;
  *decoder    = NULL;
  for (int k = 0; k < 2; k++) snprintf(keys[k], sizeof keys[k], "%s.decoder%s", choice->section, k ? "_weights" : "");
  PetscCall(NomosConfigGetString(choice->config, keys[0], &name));
  PetscCall(NomosConfigGetString(choice->config, keys[1], &weights));
  if (!weights[0] && !strcmp(name, "none")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParametersCreate(NOMOS_F64, parameters));
  if (weights[0]) PetscCall(Load(choice, keys[1], *parameters, decoder));
  else {
    PetscCall(NomosParticleDecoderCreateNamed(choice->config, name, *parameters, choice->d, decoder));
    PetscCall(NomosParametersInitialise(*parameters, 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
