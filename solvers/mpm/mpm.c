#include "solvers/mpm/mpm_blocks.h"
#include "solvers/mpm/mpm_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- create ---- */

/* Which material's waves set the limit. */
static double WaveTime(const NomosMpm *mpm, size_t *material)
{
  double least = INFINITY;

  for (size_t m = 0; m < mpm->setup.n_materials; m++) {
    const NomosMpmMaterial *it    = &mpm->setup.materials[m];
    const double            speed = sqrt(it->law[NOMOS_LAW_ELASTICITY]->modulus / it->density);
    if (!it->total || !(speed > 0) || mpm->setup.dx / speed >= least) continue;
    least = mpm->setup.dx / speed;
    if (material) *material = m;
  }
  return least;
}

static double MaxSpeed(const NomosMpm *mpm)
{
  const size_t d = (size_t)mpm->setup.d;
  double       most = 0;

  for (size_t k = 0; k < mpm->n; k++) {
    double square = 0;
    for (size_t a = 0; a < d; a++) square += pow(NomosMpmEntry(mpm, d + a, k), 2);
    most = fmax(most, square);
  }
  return sqrt(most);
}

PetscErrorCode NomosMpmStableTimeStep(NomosMpm *mpm, double *wave, double *speed)
{
  double limits[2];

  PetscFunctionBeginUser;
  limits[0] = WaveTime(mpm, NULL);
  limits[1] = mpm->setup.dx / MaxSpeed(mpm);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, limits, 2, MPI_DOUBLE, MPI_MIN, mpm->comm));
  *wave  = limits[0];
  *speed = limits[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckTimeStep(NomosModel model)
{
  NomosMpm    *mpm      = model->data;
  size_t       material = 0;
  const double limit    = WaveTime(mpm, &material), dt = mpm->first_dt;

  PetscFunctionBeginUser;
  NomosCheck(mpm->setup.cfl > 0 || dt <= limit, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: time.dt = %g s is above the stability limit of %.3g s: pressure waves in %s run at %.3g m/s and may cross at most one cell (%g m) in a step; use time.dt = %.2g s, or coarser cells",
             NomosConfigWhere(model->config, "time.dt"), dt, limit, mpm->setup.materials[material].name, mpm->setup.dx / limit, mpm->setup.dx, 0.5 * limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  NomosMpm *mpm;
  int64_t   seed;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&mpm));
  model->data = mpm;
  mpm->comm   = model->comm;
  mpm->lost   = -1;
  PetscCall(NomosMpmSetupFromConfig(model->comm, model->config, &mpm->setup));
  PetscCall(NomosMpmParameters(mpm));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &mpm->first_dt));
  PetscCall(NomosMpmBodiesCreate(mpm, model->config));
  PetscCall(CheckTimeStep(model));
  mpm->kernels = mpm->setup.single ? &nomos_mpm_kernels_f32 : &nomos_mpm_kernels_f64;
  PetscCall(mpm->kernels->create(mpm));
  PetscCall(NomosModelSetTimeStep(model, mpm->first_dt));
  PetscCall(NomosConfigGetInt(model->config, "mpm.seed", &seed));
  model->seed      = (uint64_t)seed;
  model->precision = mpm->setup.single ? NOMOS_F32 : NOMOS_F64;
  model->n_grid    = (int64_t)mpm->n_total;
  PetscCall(NomosMpmOutputCreate(model));
  PetscCall(NomosMpmScalarsCreate(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  if (!mpm) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosMpmOutputDestroy(model));
  if (mpm->work) PetscCall(mpm->kernels->destroy(mpm));
  PetscCall(NomosMpmSetupFree(&mpm->setup));
  for (size_t i = 0; i < mpm->n_parameter_info; i++) PetscCall(PetscFree(mpm->parameter_info[i].key));
  PetscCall(PetscFree(mpm->parameter_info));
  PetscCall(PetscFree(mpm->parameters));
  PetscCall(PetscFree(mpm->id));
  PetscCall(PetscFree(mpm->material));
  PetscCall(PetscFree(mpm->body));
  PetscCall(PetscFree(mpm->mass));
  PetscCall(PetscFree(mpm->volume));
  PetscCall(PetscFree(mpm->state));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- run ---- */

/* The box that positions of this rank have been in. */
static void Extend(NomosMpm *mpm)
{
  for (size_t a = 0; a < (size_t)mpm->setup.d && mpm->n; a++) {
    if (mpm->setup.single) NomosMpmExtent_f32(mpm->n, (const float *)mpm->state + a * mpm->n, &mpm->low[a], &mpm->high[a]);
    else NomosMpmExtent_f64(mpm->n, (const double *)mpm->state + a * mpm->n, &mpm->low[a], &mpm->high[a]);
  }
}

PetscErrorCode NomosMpmExtentOfRun(NomosMpm *mpm)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, mpm->low, 3, MPI_DOUBLE, MPI_MIN, mpm->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, mpm->high, 3, MPI_DOUBLE, MPI_MAX, mpm->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Initialise(NomosModel model)
{
  NomosMpm *mpm = model->data;
  double    wave, limit;

  PetscFunctionBeginUser;
  mpm->lost = -1;
  PetscCall(NomosMpmBodiesInitialise(mpm, model->config));
  for (int a = 0; a < 3; a++) {
    mpm->low[a]  = INFINITY;
    mpm->high[a] = -INFINITY;
  }
  Extend(mpm);
  PetscCall(NomosMpmStableTimeStep(mpm, &wave, &limit));
  NomosCheck(mpm->setup.cfl > 0 || mpm->first_dt <= limit, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: time.dt = %g s: particles of %.3g m/s may cross at most one cell (%g m) in a step, which takes them %.3g s; use a shorter one", NomosConfigWhere(model->config, "time.dt"), mpm->first_dt, mpm->setup.dx / limit, mpm->setup.dx, limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dt = time.dt/2^(m/2), the largest that keeps waves and particles, together, below cfl cells in a step. */
static PetscErrorCode Adapt(NomosModel model)
{
  NomosMpm *mpm = model->data;
  double    wave, speed, dt = mpm->first_dt;

  PetscFunctionBeginUser;
  PetscCall(NomosMpmStableTimeStep(mpm, &wave, &speed));
  const double limit = mpm->setup.cfl / (1 / wave + 1 / speed);
  for (int m = 0; m < 200 && dt > limit; m++) dt *= PETSC_SQRT2 / 2;
  if (dt < model->dt || dt > 1.1 * model->dt) PetscCall(NomosModelSetTimeStep(model, dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmSetTimeStep(NomosModel model)
{
  NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  for (size_t m = 0; m < mpm->setup.n_materials; m++)
    for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++)
      if (mpm->setup.materials[m].law[kind]) PetscCall(NomosLawSetTimeStep(mpm->setup.materials[m].law[kind], model->dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  if (mpm->setup.cfl > 0) PetscCall(Adapt(model));
  PetscCall(NomosMpmSetTimeStep(model));
  PetscCall(mpm->kernels->step(mpm, model->dt));
  Extend(mpm);
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Cfl(NomosModel model, double *cfl)
{
  NomosMpm *mpm = model->data;
  double    wave, speed;

  PetscFunctionBeginUser;
  PetscCall(NomosMpmStableTimeStep(mpm, &wave, &speed));
  *cfl = model->dt / speed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- is it sound? ---- */

static void Blame(const NomosMpm *mpm, size_t k, const char what[], NomosModelFault *fault)
{
  double x[3] = {0, 0, 0};

  for (int a = 0; a < mpm->setup.d; a++) {
    x[a] = NomosMpmEntry(mpm, (size_t)a, k);
    if (isnan(x[a])) x[a] = fabs(x[a]); /* "nan", not "-nan" */
  }
  fault->bad      = true;
  fault->index[0] = mpm->id[k];
  snprintf(fault->place, sizeof fault->place, "%s, a particle of %s at (%.6g, %.6g, %.6g)", what, mpm->setup.materials[mpm->material[k]].name, x[0], x[1], x[2]);
}

/* The first entry of the first field that is not finite. */
static bool NotFinite(const NomosMpm *mpm, NomosModelFault *fault, int *number)
{
  static const char *const names[] = {"position", "velocity", "affine", "deformation_gradient"};
  const int                d = mpm->setup.d, sides[][2] = {{d, 1}, {d, 1}, {d, d}, {3, 3}};
  size_t                   entry = 0;

  for (int field = 0; field < 4; field++)
    for (int i = 0; i < sides[field][0]; i++)
      for (int j = 0; j < sides[field][1]; j++, entry++)
        for (size_t k = 0; k < mpm->n; k++) {
          const double value = NomosMpmEntry(mpm, entry, k);
          if (isfinite(value)) continue;
          Blame(mpm, k, "not a finite number", fault);
          *number = (int)entry;
          snprintf(fault->field, sizeof fault->field, "%s", names[field]);
          fault->n_index  = sides[field][1] > 1 ? 3 : 2;
          fault->index[1] = i;
          fault->index[2] = j;
          fault->value    = value;
          return true;
        }
  return false;
}

/* Who leaves the grid: the domain is what to change, not the time step. */
static void LeftThrough(const NomosMpmSetup *setup, int axis, double x, NomosModelFault *fault)
{
  const char letter = "xyz"[axis];
  double     low, high;

  NomosMpmGridExtent(setup, axis, &low, &high);
  const bool  above = x > (low + high) / 2, open = setup->walls[axis][above] == NOMOS_WALL_OPEN;
  const char *side = above ? "high" : "low";
  snprintf(fault->advice, sizeof fault->advice, "the grid holds particles from %g to %g along %c%s. Give the domain more room (mpm.length%s), %s mpm.wall_%c_%s%s, or let mpm.clip = %d hold particles back at the edge", low, high, letter, open ? ", and its face is open" : "",
           above ? "" : ", mpm.origin", open ? "close" : "thicken", letter, side, open ? "" : " (mpm.wall_nodes)", setup->order); /* at so many cells both edges hold */
}

/* Particles that are off the grid, not finite, or inside out. */
static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  NomosMpm *mpm  = model->data;
  int       kind = 0; /* of the first fault: which entry is not finite, or a higher number */
  double    wave, speed, J;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false};
  bool sound = (mpm->setup.single ? NomosMpmSound_f32 : NomosMpmSound_f64)(mpm->n, mpm->n_entries, mpm->state) && mpm->lost < 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sound, 1, MPI_C_BOOL, MPI_LAND, mpm->comm));
  if (sound) PetscFunctionReturn(PETSC_SUCCESS);
  if (!NotFinite(mpm, fault, &kind) && mpm->lost >= 0) {
    const size_t k = (size_t)mpm->lost;
    int          a = 0;
    double       most = -INFINITY;
    for (int axis = 0; axis < mpm->setup.d; axis++) {
      double low, high;
      NomosMpmGridExtent(&mpm->setup, axis, &low, &high);
      const double x = NomosMpmEntry(mpm, (size_t)axis, k), beyond = fmax(low - x, x - high);
      if (beyond > most) most = beyond, a = axis;
    }
    Blame(mpm, k, "outside the grid", fault);
    kind = (int)mpm->n_entries;
    PetscCall(PetscStrncpy(fault->field, "position", sizeof fault->field));
    fault->n_index  = 2;
    fault->index[1] = a;
    fault->value    = NomosMpmEntry(mpm, (size_t)a, k);
    LeftThrough(&mpm->setup, a, fault->value, fault);
  }
  for (size_t k = 0; k < mpm->n && !fault->bad; k++) {
    if ((J = NomosMpmDeterminant(mpm, k)) > 0 || mpm->setup.materials[mpm->material[k]].law[NOMOS_LAW_ELASTICITY]->ops->promises & NOMOS_LAW_INSIDE_OUT) continue;
    Blame(mpm, k, "turned inside out", fault);
    kind = (int)mpm->n_entries + 1;
    PetscCall(PetscStrncpy(fault->field, "det_f", sizeof fault->field));
    fault->n_index = 1;
    fault->value   = J;
  }
  PetscCall(NomosModelFirstFault(mpm->comm, kind, fault)); /* the one that one rank would have found: by what is wrong, and then by the number of the particle */
  if (!fault->bad) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosMpmStableTimeStep(mpm, &wave, &speed));
  fault->cfl        = isfinite(model->dt / speed) ? model->dt / speed : 0;
  fault->dt_advised = fmin(0.5 * model->dt, 0.3 * wave);
  if (!(fault->cfl > 0 && fault->cfl <= 0.5)) fault->advice[0] = '\0'; /* so fast, by an instability */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- checkpoints ---- */

/* Particle by particle, so that any number of ranks may read it. */
static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  NomosMpm    *mpm = model->data;
  const size_t size[] = {mpm->n_total, mpm->n_entries}, start[] = {mpm->first, 0}, count[] = {mpm->n, mpm->n_entries}, length[] = {7}, none[] = {0};
  void        *rows;
  int          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  PetscCall(NomosMpmExtentOfRun(mpm));
  const double history[] = {mpm->low[0], mpm->low[1], mpm->low[2], mpm->high[0], mpm->high[1], mpm->high[2], mpm->first_energy};
  PetscCall(PetscMalloc(mpm->n * mpm->n_entries * NomosRealBytes(model->precision) + 1, &rows));
  NomosMpmTranspose(model->precision, mpm->n_entries, mpm->n, mpm->state, rows);
  PetscCall(NomosCheckpointWriteArray(checkpoint, "state", model->precision, 2, 1, size, start, count, rows));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "history", NOMOS_F64, 1, 1, length, none, rank ? none : length, history));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  NomosMpm    *mpm = model->data;
  const size_t size[] = {mpm->n_total, mpm->n_entries}, start[] = {mpm->first, 0}, count[] = {mpm->n, mpm->n_entries}, length[] = {7}, none[] = {0};
  double       history[7];
  void        *rows;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc(mpm->n * mpm->n_entries * NomosRealBytes(model->precision) + 1, &rows));
  PetscCall(NomosCheckpointReadArray(checkpoint, "state", model->precision, 2, size, start, count, rows));
  NomosMpmTranspose(model->precision, mpm->n, mpm->n_entries, rows, mpm->state);
  PetscCall(NomosCheckpointReadArray(checkpoint, "history", NOMOS_F64, 1, length, none, length, history));
  PetscCall(PetscFree(rows));
  memcpy(mpm->low, history, sizeof mpm->low);
  memcpy(mpm->high, history + 3, sizeof mpm->high);
  mpm->first_energy = history[6];
  mpm->lost         = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An upper wall that lies beyond what the grid holds: who is on the way to it leaves the grid first. The lower ones are within it. */
static bool OutOfReach(const NomosMpmSetup *setup)
{
  for (int a = 0; a < setup->d && !(setup->clip > 0); a++) {
    double low, high;
    NomosMpmGridExtent(setup, a, &low, &high);
    if (setup->walls[a][1] != NOMOS_WALL_OPEN && (setup->cells[a] - setup->wall_nodes + 1) * setup->dx + setup->origin[a] > high + 1e-6 * setup->dx) return true;
  }
  return false;
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  NomosMpm            *mpm    = model->data;
  const NomosMpmSetup *setup  = &mpm->setup;
  const double         nodes  = (double)setup->cells[0] * setup->cells[1] * setup->cells[2], real = setup->single ? 4 : 8;
  const double         wave   = WaveTime(mpm, NULL);
  char                 third[16] = "", courant[64] = "";

  PetscFunctionBeginUser;
  /* Particles with their records; blocks that may be active, each with a tile for sums and velocities on its nodes; the table of all blocks. */
  const double each = pow(NOMOS_MPM_BLOCK, setup->d), blocks = nodes / each, active = fmin(blocks, pow(2, setup->d) * (double)mpm->n), tile = pow(NOMOS_MPM_BLOCK + setup->order, setup->d - 1) * NOMOS_MPM_TILE;
  *bytes = (double)mpm->n * (real * (double)(mpm->n_entries + 41) + 32) + active * real * (tile + 4 * each) + 8 * blocks;
  if (setup->d == 3) snprintf(third, sizeof third, " x %d", setup->cells[2]);
  if (isfinite(wave)) snprintf(courant, sizeof courant, ", dt is %.2f of the wave limit", mpm->first_dt / wave);
  snprintf(text, n_text, "%zu particles on %d x %d%s nodes, %s B-splines, %s%s%s%s", mpm->n_total, setup->cells[0], setup->cells[1], third, setup->order == 2 ? "quadratic" : "cubic", setup->single ? "float32" : "float64", courant, mpm->warning[0] ? "; " : "", mpm->warning);
  const size_t n = strlen(text);
  if (OutOfReach(setup)) snprintf(text + n, n_text - n, "; mpm.wall_nodes = %d: walls at upper ends lie beyond the grid, which particles on the way to them leave; where they come that far, mpm.wall_nodes: 3 or mpm.clip: 2", setup->wall_nodes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_MPM = {
  .name      = "mpm",
  .summary   = "Continua that deform, flow and break, by the material point method (MLS-MPM with affine velocities), in two or three dimensions.",
  .reference = "doi:10.1145/3197517.3201293",
  .n_params = NOMOS_MPM_N_PARAMS, .params = nomos_mpm_params, .n_groups = NOMOS_MPM_N_GROUPS, .groups = nomos_mpm_groups, .declare = NomosMpmDeclare,
  .create = Create, .initialise = Initialise, .step = Step, .destroy = Destroy,
  .field_layout = NomosMpmFieldLayout, .write_fields = NomosMpmWriteFields,
  .scalars = NomosMpmScalars, .evaluate_scalars = NomosMpmEvaluateScalars, .cfl = Cfl, .check = Check, .results = NomosMpmResults,
  .save = Save, .load = Load, .describe = Describe, .scene = NomosMpmScene, .derivatives = &nomos_mpm_derivatives,
};
