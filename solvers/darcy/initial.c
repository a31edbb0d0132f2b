/* Coefficients. */
#include "operators/random.h"
#include "operators/reduce.h"
#include "solvers/darcy/darcy_impl.h"

#include <math.h>
#include <string.h>

static PetscErrorCode Expression(NomosModel model, double a[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosCellPlaneExpression(model, "initial.coefficient", (const double[]){0, 0}, true, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode File(NomosModel model, double a[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosCellPlaneFile(model, "coefficient", true, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As PDEBench draws them (doi:10.48550/arXiv.2210.07182): `high` where the sum of five Gaussians exp(-r^2/s) is above its mean, else `low`; centres anywhere in the domain, s in [0, L/2). (Theirs is the mean of all
   samples at once.) */
static PetscErrorCode Gaussians(NomosModel model, double a[])
{
  enum { GAUSSIANS = 5 };
  DarcyModel     *d = model->data;
  NomosCellPlane *p = &d->plane;
  double          u[3 * GAUSSIANS], mean = 0, low, high;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(model->config, "initial.low", &low));
  PetscCall(NomosConfigGetReal(model->config, "initial.high", &high));
  for (size_t i = 0; i < 3 * GAUSSIANS; i++) u[i] = NomosRandomUniform(model->seed, 0, i);
  for (size_t i = 0; i < p->n_points; i++) {
    const double x = ((double)(p->start[0] + i % p->count[0]) + 0.5) * p->dx[0], y = ((double)(p->start[1] + i / p->count[0]) + 0.5) * p->dx[1];
    a[i] = 0;
    for (int g = 0; g < GAUSSIANS; g++) {
      const double rx = x - u[3 * g] * p->length[0], ry = y - u[3 * g + 1] * p->length[1];
      a[i] += exp(-(rx * rx + ry * ry) / (0.5 * p->length[0] * u[3 * g + 2]));
    }
    mean += a[i] / (double)(p->size[0] * p->size[1]);
  }
  PetscCall(NomosSumOverRanks(model->comm, 1, &mean));
  for (size_t i = 0; i < p->n_points; i++) a[i] = a[i] > mean ? high : low;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* exp of a random field (NomosCellPlaneWaves). */
static PetscErrorCode LogNormal(NomosModel model, double a[])
{
  DarcyModel *d = model->data;
  int64_t     waves;
  double      slope, deviation;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(model->config, "initial.waves", &waves));
  PetscCall(NomosConfigGetReal(model->config, "initial.slope", &slope));
  PetscCall(NomosConfigGetReal(model->config, "initial.deviation", &deviation));
  PetscCall(NomosCellPlaneWaves(&d->plane, &(NomosPlaneWaves){model->seed, 1, (int)waves, slope}, (const double[]){0, 0}, a));
  for (size_t i = 0; i < d->plane.n_points; i++) a[i] = exp(deviation * a[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  const char *name;
  PetscErrorCode (*set)(NomosModel model, double a[]);
} types[] = {{"expression", Expression}, {"gaussians", Gaussians}, {"log_normal", LogNormal}, {"file", File}};

PetscErrorCode DarcyInitialise(NomosModel model)
{
  DarcyModel  *d     = model->data;
  const size_t n     = d->plane.n_points;
  double      *log_a = d->plane.parts.state + DARCY_LOG_A * n;
  const char  *type;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, type)) PetscCall(types[i].set(model, log_a));
  for (size_t i = 0; i < n; i++) log_a[i] = log(log_a[i]);
  memset(d->plane.parts.state + DARCY_U * n, 0, n * sizeof *log_a);
  PetscFunctionReturn(PETSC_SUCCESS);
}
