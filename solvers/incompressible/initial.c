/* Initial states and the force. */
#include "solvers/incompressible/incompressible_impl.h"

#include <math.h>
#include <string.h>

static const double on_face[2][2] = {{0.5, 0}, {0, 0.5}}, in_cell[2] = {0, 0};

/* Velocities of a streamfunction at the corners, v_x = d psi/dy, v_y = -d psi/dx, of this root mean square: without divergence to rounding. Between walls sin^2 lets it sink to them. */
static PetscErrorCode OfStreamfunction(NomosModel model, const NomosPlaneWaves *waves, double speed, double v[])
{
  FlowModel            *f = model->data;
  const NomosCellPlane *p = &f->plane;
  const size_t          n = p->n_points;
  double               *psi[2] = {v, f->stages}, *rows = f->flux, square; /* psi at the corner behind; in front of it along y (for v_x) or x (for v_y) */

  PetscFunctionBeginUser;
  for (int a = 1; a >= 0; a--) {
    psi[0] = v + (size_t)a * n;
    for (int side = 0; side < 2; side++) {
      const double offset[2] = {side && a == 1 ? -0.5 : 0.5, side && a == 0 ? -0.5 : 0.5};
      PetscCall(NomosCellPlaneWaves(p, waves, offset, psi[side]));
      for (size_t i = 0; i < n; i++)
        for (int b = 0; b < 2; b++) {
          const double at = ((double)(p->start[b] + (b ? i / p->count[0] : i % p->count[0])) + 0.5 + offset[b]) / (double)p->size[b], s = sin(PETSC_PI * at);
          if (f->wall[b]) psi[side][i] *= s * s;
        }
    }
    for (size_t i = 0; i < n; i++) psi[0][i] = (a ? -1 : 1) * (psi[0][i] - psi[1][i]) / p->dx[1 - a];
  }
  for (size_t y = 0; y < p->count[1]; y++) {
    rows[y] = 0;
    for (size_t x = y * p->count[0]; x < (y + 1) * p->count[0]; x++) rows[y] += v[x] * v[x] + v[n + x] * v[n + x];
  }
  PetscCall(FlowSumRows(model, 1, rows, &square));
  for (size_t i = 0; i < 2 * n; i++) v[i] *= speed / sqrt(square / (double)(p->size[0] * p->size[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Waves(NomosModel model, const char section[], NomosPlaneWaves *waves)
{
  char    key[NOMOS_MAX_NAME];
  int64_t n;

  PetscFunctionBeginUser;
  waves->seed = model->seed;
  PetscCall(PetscSNPrintf(key, sizeof key, "%s_waves", section));
  PetscCall(NomosConfigGetInt(model->config, key, &n));
  waves->waves = (int)n;
  PetscCall(PetscSNPrintf(key, sizeof key, "%s_slope", section));
  PetscCall(NomosConfigGetReal(model->config, key, &waves->slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A file has velocities of cells: those of faces are their means, and what that leaves of a divergence is projected away. */
static PetscErrorCode File(NomosModel model, double x[])
{
  static const char *const names[] = {"Vx", "Vy", "particles"};
  FlowModel               *f = model->data;
  NomosCellPlane          *p = &f->plane;

  PetscFunctionBeginUser;
  for (int field = 0; field < FLOW_FIELDS; field++) PetscCall(NomosCellPlaneFile(model, names[field], false, x + (size_t)field * p->n_points));
  PetscCall(FlowFill(f, x, false, f->box));
  for (int a = 0; a < 2; a++)
    for (size_t i = 0; i < p->n_points; i++) {
      const size_t at = p->first + i / p->count[0] * p->box[0] + i % p->count[0];
      x[(size_t)a * p->n_points + i] = 0.5 * (f->box[a][at] + f->box[a][at + (a ? p->box[0] : 1)]);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowInitialise(NomosModel model)
{
  static const char *const keys[] = {"initial.Vx", "initial.Vy"};
  FlowModel               *f = model->data;
  NomosCellPlane          *p = &f->plane;
  double                  *x = p->parts.state;
  const char              *type;
  NomosPlaneWaves          waves = {.stream = 0};
  double                   speed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  PetscCall(Waves(model, "initial.velocity", &waves));
  PetscCall(NomosConfigGetReal(model->config, "initial.speed", &speed));
  if (!strcmp(type, "file")) PetscCall(File(model, x));
  else {
    bool random;
    for (int a = 0; a < 2 && !strcmp(type, "expression"); a++) PetscCall(NomosCellPlaneExpression(model, keys[a], on_face[a], false, x + (size_t)a * p->n_points));
    if (!strcmp(type, "waves")) PetscCall(OfStreamfunction(model, &waves, speed, x));
    PetscCall(NomosConfigGetBool(model->config, "initial.random_particles", &random));
    waves.stream = 1;
    PetscCall(Waves(model, "initial.particles", &waves));
    if (random) PetscCall(NomosCellPlaneWaves(p, &waves, in_cell, x + FLOW_S * p->n_points));
    else PetscCall(NomosCellPlaneExpression(model, "initial.particles", in_cell, false, x + FLOW_S * p->n_points));
  }
  PetscCall(FlowProject(f, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowForce(NomosModel model)
{
  static const char *const keys[] = {"incompressible.force_x", "incompressible.force_y"};
  FlowModel               *f = model->data;
  NomosPlaneWaves          waves;
  bool                     random;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetBool(model->config, "incompressible.random_force", &random));
  PetscCall(Waves(model, "incompressible.force", &waves));
  for (int a = 0; a < 2; a++) {
    waves.stream = (uint64_t)(2 + a);
    if (random) PetscCall(NomosCellPlaneWaves(&f->plane, &waves, on_face[a], f->force[a]));
    else PetscCall(NomosCellPlaneExpression(model, keys[a], on_face[a], false, f->force[a]));
    f->push[a] = 0;
    for (size_t i = 0; i < f->plane.n_points; i++) f->push[a] = fmax(f->push[a], fabs(f->force[a][i]));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, f->push, 2, MPI_DOUBLE, MPI_MAX, model->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
