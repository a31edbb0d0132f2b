#include "solvers/incompressible/incompressible.h"

#include "operators/initial_file.h"
#include "solvers/incompressible/incompressible_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_PLANE_PARAMS("incompressible"),
  {"incompressible.nu",            NOMOS_PARAM_REAL,       "0.01", NULL, 0, DBL_MAX, NULL, true,  "Kinematic viscosity."},
  {"incompressible.kappa",         NOMOS_PARAM_REAL,       "0",    NULL, 0, DBL_MAX, NULL, true,  "Diffusivity of the particles."},
  {"incompressible.force",         NOMOS_PARAM_REAL,       "1",    NULL, -DBL_MAX, DBL_MAX, NULL, true, "Strength of the force."},
  {"incompressible.force_x",       NOMOS_PARAM_EXPRESSION, "",     NULL, 0, 0, NULL, false, "The force along x for strength 1, of x, y, lx, ly; unset: none.", "incompressible.random_force=no"},
  {"incompressible.force_y",       NOMOS_PARAM_EXPRESSION, "",     NULL, 0, 0, NULL, false, "The force along y.", "incompressible.random_force=no"},
  {"incompressible.random_force",  NOMOS_PARAM_BOOL,       "no",   NULL, 0, 0, NULL, false, "Random waves of unit variance instead, each component for itself."},
  {"incompressible.force_waves",   NOMOS_PARAM_INT,        "8",    NULL, 1, 64, NULL, false, "The most waves of a random force across the domain.", "incompressible.random_force=yes"},
  {"incompressible.force_slope",   NOMOS_PARAM_REAL,       "2",    NULL, -20, 20, NULL, false, "Its amplitudes fall like wavenumber^-slope.", "incompressible.random_force=yes"},
  {"incompressible.carried_force", NOMOS_PARAM_BOOL,       "no",   NULL, 0, 0, NULL, false, "The force is on the particles: f times their density."},
  {"incompressible.boundary_x",    NOMOS_PARAM_CHOICE,     "periodic", NULL, 0, 0, "periodic|wall", false, "Sides across x; the fluid sticks to walls."},
  {"incompressible.boundary_y",    NOMOS_PARAM_CHOICE,     "periodic", NULL, 0, 0, "periodic|wall", false, "Sides across y."},
  {"incompressible.slide",         NOMOS_PARAM_REAL_LIST,  "",     NULL, 0, 0, NULL, false, "Velocities of the walls along themselves, [x low, x high, y low, y high]; unset: 0."},
  {"incompressible.limiter",       NOMOS_PARAM_CHOICE,     "mc",   NULL, 0, 0, NOMOS_LIMITER_CHOICES, false, "Slopes of the particles' density in cells, as grid_pde's."},
  {"incompressible.cfl",           NOMOS_PARAM_REAL,       "0.5",  NULL, 1e-6, 1.7, NULL, false, "Of a substep: h times the sum over the axes of the largest velocity over the cell's length, with what the force may add to it in the step."},
  {"incompressible.substeps",      NOMOS_PARAM_INT,        "0",    NULL, 0, 1e7, NULL, false, "Substeps of a step; 0: as many as incompressible.cfl, the force and viscosity ask for, at the state where the step begins."},
  {"initial.type",                 NOMOS_PARAM_CHOICE,     "expression", NULL, 0, 0, "expression|waves|file", false, "Initial velocity: initial.Vx and initial.Vy, less their divergence; random waves; or a run's file."},
  {"initial.Vx",                   NOMOS_PARAM_EXPRESSION, "",     NULL, 0, 0, NULL, false, "expression: velocity along x, of x, y, lx, ly; unset: 0.", "initial.type=expression"},
  {"initial.Vy",                   NOMOS_PARAM_EXPRESSION, "",     NULL, 0, 0, NULL, false, "expression: velocity along y.", "initial.type=expression"},
  {"initial.speed",                NOMOS_PARAM_REAL,       "1",    NULL, 0, DBL_MAX, NULL, false, "waves: root mean square of the velocity.", "initial.type=waves"},
  {"initial.velocity_waves",       NOMOS_PARAM_INT,        "8",    NULL, 1, 64, NULL, false, "waves: the most waves of the streamfunction across the domain.", "initial.type=waves"},
  {"initial.velocity_slope",       NOMOS_PARAM_REAL,       "3",    NULL, -20, 20, NULL, false, "waves: amplitudes of the streamfunction fall like wavenumber^-slope.", "initial.type=waves"},
  {"initial.particles",            NOMOS_PARAM_EXPRESSION, "",     NULL, 0, 0, NULL, false, "Density of the particles, of x, y, lx, ly; unset: 0.", "initial.random_particles=no"},
  {"initial.random_particles",     NOMOS_PARAM_BOOL,       "no",   NULL, 0, 0, NULL, false, "Random waves of unit variance instead.", "initial.type=expression|waves"},
  {"initial.particles_waves",      NOMOS_PARAM_INT,        "8",    NULL, 1, 64, NULL, false, "Of random particles: the most waves across the domain.", "initial.random_particles=yes"},
  {"initial.particles_slope",      NOMOS_PARAM_REAL,       "3",    NULL, -20, 20, NULL, false, "Of random particles: amplitudes fall like wavenumber^-slope.", "initial.random_particles=yes"},
  NOMOS_INITIAL_FILE_PARAMS("-1"),
};
/* clang-format on */

static const NomosPlaneField fields[]  = {{.name = "Vx_face", .long_name = "velocity along x, on faces"}, {.name = "Vy_face", .long_name = "velocity along y, on faces"}, {.name = "particles", .long_name = "density of particles"}};
static const NomosPlaneField written[] = {{.name = "Vx", .long_name = "velocity along x"}, {.name = "Vy", .long_name = "velocity along y"}, {.name = "particles", .long_name = "density of particles"}, {.name = "vorticity", .long_name = "vorticity"}, {.name = "force_x", .long_name = "force along x, for strength 1", .constant = true}, {.name = "force_y", .long_name = "force along y, for strength 1", .constant = true}};
enum { WRITTEN_VORTICITY = FLOW_S + 1, WRITTEN_FORCE };

static const NomosPictureInfo pictures[] = {{.variable = "vorticity", .map = NOMOS_MAP_DIVERGING}, {.variable = "particles", .map = NOMOS_MAP_SEQUENTIAL}};

static const NomosScalarInfo scalars[FLOW_N_SCALARS] = {
  {.name = "kinetic_energy", .unit = "1", .long_name = "mean of v^2/2", .group = "energy", .label = "kinetic energy"},
  {.name = "enstrophy", .unit = "1", .long_name = "mean of vorticity^2/2", .group = "enstrophy"},
  {.name = "divergence", .unit = "1", .long_name = "largest divergence"},
  {.name = "mean_particles", .unit = "1", .long_name = "mean of the particles; kept", .group = "particles", .label = "mean"},
  {.name = "min_particles", .unit = "1", .long_name = "least density of particles", .group = "particles", .label = "least"},
  {.name = "max_particles", .unit = "1", .long_name = "largest density of particles", .group = "particles", .label = "largest"},
  {.name = "max_speed", .unit = "1", .long_name = "largest component of the velocity"}};

static PetscErrorCode Setup(NomosModel model)
{
  FlowModel    *f = model->data;
  const char   *text;
  size_t        n;
  const double *slide;
  int           limiter;
  int64_t       substeps;
  char          key[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (int a = 0; a < 2; a++) {
    PetscCall(PetscSNPrintf(key, sizeof key, "incompressible.boundary_%c", "xy"[a]));
    PetscCall(NomosConfigGetString(model->config, key, &text));
    f->wall[a] = !strcmp(text, "wall");
  }
  PetscCall(NomosConfigGetReals(model->config, "incompressible.slide", &n, &slide));
  NomosCheck(n == 0 || n == 4, model->comm, PETSC_ERR_ARG_SIZ, "%s: incompressible.slide has %zu entries: four sides need as many, [x low, x high, y low, y high]", NomosConfigWhere(model->config, "incompressible.slide"), n);
  for (size_t i = 0; i < n; i++) {
    f->slide[i / 2][i % 2] = slide[i];
    NomosCheck(f->wall[i / 2] || slide[i] == 0, model->comm, PETSC_ERR_ARG_INCOMP, "%s: incompressible.slide: there is no wall across %c to slide; incompressible.boundary_%c = wall makes one",
               NomosConfigWhere(model->config, "incompressible.slide"), "xy"[i / 2], "xy"[i / 2]);
  }
  PetscCall(NomosConfigGetBool(model->config, "incompressible.carried_force", &f->carried_force));
  PetscCall(NomosConfigGetChoice(model->config, "incompressible.limiter", &limiter));
  f->limiter = (NomosLimiter)limiter;
  PetscCall(NomosConfigGetReal(model->config, "incompressible.cfl", &f->cfl));
  PetscCall(NomosConfigGetInt(model->config, "incompressible.substeps", &substeps));
  f->substeps = (int)substeps;
  n           = 0;
  for (size_t k = 0; k < sizeof params / sizeof *params; k++) {
    if (!params[k].differentiable) continue;
    PetscCall(NomosConfigGetReal(model->config, params[k].key, &f->c[n]));
    f->parameters[n] = (NomosModelParameter){.param = &params[k], .value = f->c[n]};
    n++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  FlowModel *f;
  PetscInt  *rows;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  model->data = f;
  PetscCall(NomosCellPlaneSize(model, "incompressible"));
  PetscCall(Setup(model));
  PetscCall(FlowPoissonRows(model->comm, f->plane.size, &rows));
  PetscCall(NomosCellPlaneCreate(model, &(NomosCellPlaneInput){.section = "incompressible", .equation = f->carried_force ? "v_t + div(v v) + grad p = nu lap v + force s f, div v = 0, s_t + div(v s) = kappa lap s" : "v_t + div(v v) + grad p = nu lap v + force f, div v = 0, s_t + div(v s) = kappa lap s", .n_fields = FLOW_FIELDS, .fields = fields, .n_written = sizeof written / sizeof *written, .written = written,
                                                               .periodic = {!f->wall[0], !f->wall[1]}, .ghosts = FLOW_GHOSTS, .corners = true, .rows = rows}));
  PetscCall(PetscFree(rows));
  const size_t n_box = f->plane.n_box, n = f->plane.n_points;
  for (int k = 0; k < FLOW_FIELDS; k++) {
    PetscCall(PetscCalloc2(2 * n_box, &f->box[k], 2 * n_box, &f->bar[k]));
    f->dot[k]     = f->box[k] + n_box;
    f->bar_dot[k] = f->bar[k] + n_box;
  }
  PetscCall(PetscCalloc4(2 * n_box, &f->flux, 2 * 8 * FLOW_FIELDS * n, &f->stages, n, &f->divergence, 2 * n, &f->force[0]));
  f->force[1] = f->force[0] + n;
  PetscCall(FlowPoissonCreate(model, &f->poisson));
  PetscCall(FlowForce(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  FlowModel *f = model->data;

  PetscFunctionBeginUser;
  if (!f) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FlowPoissonDestroy(&f->poisson));
  PetscCall(NomosCellPlaneDestroy(&f->plane));
  for (int k = 0; k < FLOW_FIELDS; k++) PetscCall(PetscFree2(f->box[k], f->bar[k]));
  PetscCall(PetscFree4(f->flux, f->stages, f->divergence, f->force[0]));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  FlowModel *f = model->data;
  int        n;

  PetscFunctionBeginUser;
  PetscCall(FlowSubsteps(model, f->plane.parts.state, &n));
  PetscCall(FlowAdvance(model, n, (FlowPair){f->plane.parts.state, NULL}, NULL));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is corner i along an axis, the one before this rank's cell i, on a wall? */
static inline bool OnWall(const FlowModel *f, int axis, size_t i)
{
  const size_t corner = f->plane.start[axis] + i;
  return f->wall[axis] && (corner == 0 || corner == f->plane.size[axis]);
}

/* Of the corner before cell (i, j), from filled boxes. Where walls meet there is none: they are at rest there, or one slides off and it has no limit. */
static inline double Vorticity(const FlowModel *f, size_t i, size_t j)
{
  const size_t  row = f->plane.box[0], at = f->plane.first + j * row + i - row - 1;
  const double *vx = f->box[FLOW_VX], *vy = f->box[FLOW_VY];
  if (OnWall(f, 0, i) && OnWall(f, 1, j)) return 0;
  return (vy[at + 1] - vy[at]) / f->plane.dx[0] - (vx[at + row] - vx[at]) / f->plane.dx[1];
}

/* Sums over the corners of a row of cells, (vorticity^2/2) times the part of the corner's surroundings that is fluid. */
static double Enstrophy(const FlowModel *f, size_t y)
{
  const size_t first[2] = {OnWall(f, 0, 0) ? 0 : 1, y == 0 && OnWall(f, 1, 0) ? 0 : y + 1}; /* else it is another's: of the last cell, of another row */
  double       sum = 0;

  for (size_t j = first[1]; j <= y + 1; j++)
    for (size_t i = first[0]; i <= f->plane.count[0]; i++) {
      const double w = Vorticity(f, i, j);
      sum += 0.5 * w * w * (OnWall(f, 0, i) || OnWall(f, 1, j) ? 0.5 : 1);
    }
  return sum;
}

/* In cells: means of the faces, of the corners. A force at a wall is outside of the fluid: the cell has that of its other face. */
static PetscErrorCode WriteFields(NomosModel model, NomosFieldFile file)
{
  FlowModel      *f = model->data;
  NomosCellPlane *p = &f->plane;
  double         *values = f->stages;

  PetscFunctionBeginUser;
  PetscCall(FlowFill(f, p->parts.state, false, f->box));
  for (int a = 0; a < 2; a++) PetscCall(NomosCellPlaneFill(p, f->force[a], f->bar[a]));
  for (size_t v = 0; v < p->n_written; v++) {
    for (size_t y = 0, i = 0; y < p->count[1]; y++)
      for (size_t x = 0; x < p->count[0]; x++, i++) {
        const size_t row = p->box[0], at = p->first + y * row + x;
        if (v < FLOW_S) values[i] = 0.5 * (f->box[v][at] + f->box[v][at - (v ? row : 1)]);
        else if (v == FLOW_S) values[i] = f->box[v][at];
        else if (v == WRITTEN_VORTICITY) values[i] = 0.25 * (Vorticity(f, x + 1, y + 1) + Vorticity(f, x, y + 1) + Vorticity(f, x + 1, y) + Vorticity(f, x, y));
        else {
          const int    a     = (int)(v - WRITTEN_FORCE);
          const bool   first = f->wall[a] && p->start[a] + (a ? y : x) == 0, last = f->wall[a] && p->start[a] + (a ? y : x) + 1 == p->size[a];
          const double behind = f->bar[a][at], before = f->bar[a][at - (a ? row : 1)];
          values[i] = first ? behind : last ? before : 0.5 * (before + behind);
        }
      }
    PetscCall(NomosCellPlaneWrite(model, file, v, values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  (void)model;
  PetscFunctionBeginUser;
  *n    = FLOW_N_SCALARS;
  *info = scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EvaluateScalars(NomosModel model, double values[])
{
  FlowModel      *f = model->data;
  NomosCellPlane *p = &f->plane;
  const double   *vx = p->parts.state, *vy = vx + p->n_points, *s = vy + p->n_points;
  double         *rows = f->stages, sums[3], extremes[4] = {0, -DBL_MAX, -DBL_MAX, 0}; /* divergence, -least and largest particles, speed */

  PetscFunctionBeginUser;
  PetscCall(FlowDivergence(f, p->parts.state, f->divergence));
  PetscCall(FlowFill(f, p->parts.state, false, f->box));
  memset(rows, 0, 3 * p->count[1] * sizeof *rows);
  for (size_t y = 0, i = 0; y < p->count[1]; y++) {
    rows[p->count[1] + y] = Enstrophy(f, y);
    for (size_t x = 0; x < p->count[0]; x++, i++) {
      rows[y] += 0.5 * (vx[i] * vx[i] + vy[i] * vy[i]);
      rows[2 * p->count[1] + y] += s[i];
      extremes[0] = fmax(extremes[0], fabs(f->divergence[i]));
      extremes[1] = fmax(extremes[1], -s[i]);
      extremes[2] = fmax(extremes[2], s[i]);
      extremes[3] = fmax(extremes[3], fmax(fabs(vx[i]), fabs(vy[i])));
    }
  }
  PetscCall(FlowSumRows(model, 3, rows, sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, extremes, 4, MPI_DOUBLE, MPI_MAX, model->comm));
  for (int k = 0; k < 3; k++) sums[k] /= (double)(p->size[0] * p->size[1]);
  memcpy(values, (const double[FLOW_N_SCALARS]){sums[0], sums[1], extremes[0], sums[2], -extremes[1], extremes[2], extremes[3]}, FLOW_N_SCALARS * sizeof *values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Cfl(NomosModel model, double *cfl)
{
  PetscFunctionBeginUser;
  *cfl = ((FlowModel *)model->data)->last_cfl;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  PetscFunctionBeginUser;
  PetscCall(NomosCellPlaneCheck(model, fault));
  if (fault->bad) fault->dt_advised = ((FlowModel *)model->data)->dt_stable;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  FlowModel      *f = model->data;
  NomosCellPlane *p = &f->plane;

  PetscFunctionBeginUser;
  *bytes = 8. * (double)(57 * p->n_points + 16 * p->n_box);
  snprintf(text, n_text, "%d x %d cells, %s along x, %s along y, cfl %g, float64", (int)p->size[0], (int)p->size[1], f->wall[0] ? "walls" : "periodic", f->wall[1] ? "walls" : "periodic", f->cfl);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_Incompressible = {
  .name      = "incompressible",
  .summary   = "Incompressible flow in two dimensions that carries particles, periodic or between walls: a projection method on staggered cells.",
  .reference = "doi:10.1063/1.1761178",
  .n_params  = sizeof params / sizeof *params, .params = params, .n_pictures = sizeof pictures / sizeof *pictures, .pictures = pictures,
  .create = Create, .initialise = FlowInitialise, .step = Step, .destroy = Destroy, .field_layout = NomosCellPlaneLayout, .write_fields = WriteFields,
  .scalars = Scalars, .evaluate_scalars = EvaluateScalars, .cfl = Cfl, .check = Check, .save = NomosCellPlaneSave, .load = NomosCellPlaneLoad, .describe = Describe, .derivatives = &flow_derivatives,
};
