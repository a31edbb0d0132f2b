/* A learned H whose equation nomos discover reads out: weights of a training of the surrogate hamiltonian or hamiltonian_meta, their adaptation to a system that was seen, and the states at which it is asked. */
#include "cases/discover_hamiltonian.h"

#include "operators/random.h"
#include "surrogates/hamiltonian/energy_list.h"
#include "surrogates/hamiltonian/energy_system.h"
#include "surrogates/hamiltonian/field.h"
#include "surrogates/loss.h"
#include "surrogates/optimiser.h"
#include "surrogates/weights_file.h"

#include <math.h>
#include <string.h>

struct NomosDistilled_s {
  NomosParameters  parameters;
  NomosEnergy      energy;
  NomosHamiltonian h;
  size_t           size;
  double          *trained; /* all weights as in the file */
};

static const char key[] = "discover.hamiltonian.network";

static const NomosParam architecture[] = {NOMOS_ENERGY_PARAMS};

static PetscErrorCode Build(NomosDiscover *d, const NomosWeightsFile *file, size_t size, NomosDistilled network)
{
  const NomosEnergyOps *ops;
  NomosEnergyInput      input;
  const size_t          trained = NomosWeightsFileNumber(file, "coordinates");
  const void           *values;

  PetscFunctionBeginUser;
  PetscCall(NomosEnergyInputFromConfig(file->architecture, size / 2, &ops, &input));
  PetscCheck(ops->bodies || !trained || trained == size, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: %s: the network was trained on states of %zu coordinates, the data have %zu", NomosConfigWhere(d->run->config, key), key, trained, size);
  PetscCall(NomosParametersCreate(NOMOS_F64, &network->parameters));
  PetscCall(NomosEnergyCreate(network->parameters, "hamiltonian", ops, &input, &network->energy));
  PetscCall(NomosParametersInitialise(network->parameters, 0));
  PetscCall(NomosWeightsFileRead(file, network->parameters));
  PetscCall(NomosParametersValues(network->parameters, &values));
  PetscCall(PetscMalloc1(NomosParametersSize(network->parameters), &network->trained));
  PetscCall(PetscArraycpy(network->trained, (const double *)values, NomosParametersSize(network->parameters)));
  PetscCall(NomosEnergySystemCreate(network->energy, network->parameters, &input, &network->h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDistilledCreate(NomosDiscover *d, size_t size, NomosDistilled *network)
{
  NomosWeightsFile file = {.file = NULL};
  const char      *path;

  PetscFunctionBeginUser;
  *network = NULL;
  PetscCall(NomosConfigGetString(d->run->config, key, &path));
  if (!path[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(network));
  (*network)->size    = size;
  PetscErrorCode code = NomosWeightsFileOpen(d->run->config, key, sizeof architecture / sizeof *architecture, architecture, &file);
  if (!code) code = Build(d, &file, size, *network);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDistilledDestroy(NomosDistilled *network)
{
  PetscFunctionBeginUser;
  if (!*network) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosEnergySystemDestroy(&(*network)->h));
  PetscCall(NomosEnergyDestroy(&(*network)->energy));
  PetscCall(NomosParametersDestroy(&(*network)->parameters));
  PetscCall(PetscFree((*network)->trained));
  PetscCall(PetscFree(*network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The loss at the states, and its gradient. */
static PetscErrorCode Gradient(NomosDistilled network, const NomosHamiltonianStates *states, NomosTape tape, NomosTensor w[], double gradient[])
{
  const size_t shape[] = {states->n, network->size};
  NomosTensor  field;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(tape));
  PetscCall(NomosParametersBind(network->parameters, tape, w));
  PetscCall(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = network->energy, .w = w, .x = NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, states->x)}, &field));
  PetscCall(NomosParametersGradient(network->parameters, NomosLossLogCosh(field, NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, states->x_dot)), w, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDistilledAdapt(NomosDistilled network, const NomosHamiltonianStates *states, size_t steps, double rate)
{
  const size_t   n = NomosParametersSize(network->parameters);
  NomosOptimiser adam;
  NomosTape      tape;
  NomosTensor   *w;
  double        *gradient;
  void          *values;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersEdit(network->parameters, &values));
  PetscCall(PetscArraycpy((double *)values, network->trained, n));
  PetscCall(NomosTapeCreate(&tape));
  PetscCall(PetscMalloc2(NomosParametersCount(network->parameters), &w, n, &gradient));
  PetscCall(NomosOptimiserCreate(&(NomosOptimiserInput){.name = "adam", .type = NOMOS_F64, .n = n, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}, &adam));
  for (size_t step = 0; step < steps; step++) {
    PetscCall(Gradient(network, states, tape, w, gradient));
    PetscCall(NomosParametersEdit(network->parameters, &values));
    PetscCall(NomosOptimiserStep(adam, rate, gradient, values));
  }
  PetscCall(NomosOptimiserDestroy(&adam));
  PetscCall(PetscFree2(w, gradient));
  PetscCall(NomosTapeDestroy(&tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDistilledField(NomosDistilled network, size_t n, const double x[], double x_dot[])
{
  const size_t d = network->size / 2;

  PetscFunctionBeginUser;
  PetscCall(network->h.gradient(network->h.ctx, n, x, x_dot));
  for (size_t s = 0; s < n; s++)
    for (size_t i = 0; i < d; i++) {
      double      *at    = x_dot + s * network->size;
      const double slope = at[i];
      at[i]              = at[d + i];
      at[d + i]          = -slope;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_k g_k (x_k - mean)/sqrt(n) with independent normal g_k has the covariance of the x_k. */
PetscErrorCode NomosCloudDraw(const NomosCloud *cloud, size_t n, double x[])
{
  enum { STREAM = 1 << 21, MOST = 512 }; /* so many of the states given are enough, evenly taken */
  const size_t size = cloud->size, used = PetscMin(MOST, cloud->n_given);
  double      *mean;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(size, &mean));
  for (size_t k = 0; k < used; k++)
    for (size_t i = 0; i < size; i++) mean[i] += cloud->given[k * cloud->n_given / used * size + i] / (double)used;
  for (size_t s = 0; s < n; s++) {
    memcpy(x + s * size, mean, size * sizeof *x);
    for (size_t k = 0; k < used; k++) {
      const double g = cloud->factor * NomosRandomNormal(cloud->seed, STREAM + k, s) / sqrt((double)used);
      for (size_t i = 0; i < size; i++) x[s * size + i] += g * (cloud->given[k * cloud->n_given / used * size + i] - mean[i]);
    }
  }
  PetscCall(PetscFree(mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}
