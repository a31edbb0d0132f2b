#include "surrogates/reduced_order_graph/coarse_simulation.h"

#include <math.h>
#include <stdio.h>

/* The fine case once more, with the coarse settings and fewer particles in every body that it has. */
PetscErrorCode NomosCoarseSimulate(NomosSurrogate s, const NomosCoarseInput *input, NomosConfig fine, NomosModel *model, NomosConfig *config)
{
  const char *const *bodies;
  const char       **set;
  char             (*texts)[2][3 * NOMOS_MAX_NAME];
  size_t             n = 0, n_bodies;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(fine, "bodies", &n_bodies, &bodies));
  PetscCall(PetscMalloc2(input->n_set + input->n_coarse + 2 * n_bodies, &set, n_bodies, &texts));
  for (size_t i = 0; i < input->n_set; i++) set[n++] = input->set[i];
  for (size_t i = 0; i < n_bodies; i++) {
    if (input->spacing > 0) {
      snprintf(texts[i][0], sizeof texts[i][0], "bodies.%s.particles_per_cell=", bodies[i]);
      snprintf(texts[i][1], sizeof texts[i][1], "bodies.%s.spacing=%.17g", bodies[i], input->spacing);
    } else snprintf(texts[i][0], sizeof texts[i][0], "bodies.%s.particles_per_cell=%.17g", bodies[i], input->per_cell);
    for (int t = 0; t < (input->spacing > 0 ? 2 : 1); t++) set[n++] = texts[i][t];
  }
  for (size_t i = 0; i < input->n_coarse; i++) set[n++] = input->coarse[i];
  PetscErrorCode code = s->simulate(s, &(NomosSimulation){.path = input->path, .n_set = n, .set = set}, model, config);
  PetscCall(PetscFree2(set, texts));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCoarseSteps(NomosModel model, double interval, const char key[], int64_t *n)
{
  PetscFunctionBeginUser;
  *n = llround(interval / model->dt);
  NomosCheck(*n >= 1 && fabs((double)*n * model->dt - interval) <= 1e-6 * interval, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "the data have a frame every %g s, which is no multiple of time.dt = %g s of a simulation (%s)", interval, model->dt, key);
  PetscFunctionReturn(PETSC_SUCCESS);
}
