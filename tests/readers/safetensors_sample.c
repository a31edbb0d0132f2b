/* safetensors_sample write FILE: a file for a reader of another making (check_safetensors.py). safetensors_sample read FILE: what that program wrote, w[i, j] = i + j/8 in float32 and
   b[i] = 1/(i + 1) in float64, must come out exactly. */
#include "io/safetensors.h"

#include <stdio.h>
#include <string.h>

enum { NI = 3, NJ = 5 };

int main(int argc, char **argv)
{
  float           w[NI][NJ];
  double          b[NI];
  NomosSafetensor tensors[] = {
    {.name = "layer.weight", .type = NOMOS_F32, .n_dims = 2, .shape = {NI, NJ}, .data = w},
    {.name = "layer.bias", .type = NOMOS_F64, .n_dims = 1, .shape = {NI}, .data = b},
    {.name = "step", .type = NOMOS_F64, .n_dims = 0, .data = &b[1]},
  };
  const NomosSafetensorsText texts[] = {{"format", "nomos"}, {"architecture", "{\"width\": 5, \"name\": \"caf\xc3\xa9\"}"}};
  NomosSafetensors           file;
  const void                *data;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCheck(argc == 3, PETSC_COMM_WORLD, PETSC_ERR_USER, "usage: safetensors_sample write|read FILE");
  for (int i = 0; i < NI; i++) {
    b[i] = 1. / (i + 1);
    for (int j = 0; j < NJ; j++) w[i][j] = (float)i + (float)j / 8;
  }
  if (!strcmp(argv[1], "write")) PetscCall(NomosSafetensorsWrite(PETSC_COMM_WORLD, argv[2], &(NomosSafetensorsInput){.n_tensors = 3, .tensors = tensors, .n_texts = 2, .texts = texts}));
  else {
    PetscCall(NomosSafetensorsOpen(PETSC_COMM_WORLD, argv[2], &file));
    for (int t = 0; t < 3; t++) {
      PetscCall(NomosSafetensorsFind(file, &tensors[t], &data));
      PetscCheck(!memcmp(data, tensors[t].data, t == 0 ? sizeof w : t == 1 ? sizeof b : sizeof *b), PETSC_COMM_SELF, PETSC_ERR_PLIB, "%s differs", tensors[t].name);
    }
    PetscCheck(NomosSafetensorsMetadata(file, "author") && !strcmp(NomosSafetensorsMetadata(file, "author"), "another"), PETSC_COMM_SELF, PETSC_ERR_PLIB, "the metadata differ");
    PetscCall(NomosSafetensorsClose(&file));
  }
  PetscCall(PetscFinalize());
  return 0;
}
