/* How a step is taken (PdePlan). Explicit schemes as stages (grid_pde_impl.h), in substeps:

     ssp_rk2, ssp_rk3   strong stability preserving, Shu & Osher (1988), doi:10.1016/0021-9991(88)90177-5
     midpoint           half a step, then a whole one from its fluxes: what PDEBench's data were made with
     rkl2               Runge-Kutta-Legendre, Meyer, Balsara & Aslam (2014), doi:10.1016/j.jcp.2013.08.021: s stages reach s^2/2 of a diffusive step, and along a line add up to weights that are not negative
     auto               ssp_rk3, but where diffusion limits the step rkl2

   The others take equal substeps, as many as stability asks for where the step begins; where waves become faster on the way by more than a quarter, these are halved, too. rkl2 is stable in one where e^z is far from its polynomial, so a jump would stay in the state: its substeps are halved until their error is small, and
   doubled when it is. Halves and doubles alone, from nothing but the state where the step begins, so that near states are taken in the same substeps, and a resumed run in those of one that went on; to derivatives they are
   constants. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <math.h>
#include <string.h>

static const struct {
  const char *name;
  int         n;
  PdeStage    stages[3];
  double      diffusive; /* h times the largest rate of diffusion or reaction that is stable */
} schemes[] = {
  {"ssp_rk2", 2, {{{1, 0, 0}, {0, 1}}, {{0.5, 0.5, 0}, {0, 0.5}}}, 2},
  {"ssp_rk3", 3, {{{1, 0, 0}, {0, 1}}, {{0.75, 0.25, 0}, {0, 0.25}}, {{1. / 3, 2. / 3, 0}, {0, 2. / 3}}}, 2.5},
  {"midpoint", 2, {{{1, 0, 0}, {0, 0.5}}, {{1, 0, 0}, {0, 1}}}, 2},
};

enum { LONGEST = 199 }; /* stages */
static const double most_growth = 1.25; /* of the CFL number within a step */
static const double shortest = 0.5; /* h times the largest rate: a jump that does not go away would ask for ever more */

/* Stages whose sum is 1 - b_s + b_s P_s(1 + w h L), P_s of Legendre: s is odd, for P_s(-1) = -1 then takes out what changes sign from cell to cell. h L may reach to -(s^2 + s - 2)/2. */
static void LegendreStages(int s, PdeStage stages[])
{
  const double w = 4 / ((double)s * s + s - 2);
  double       b[PDE_MAX_STAGES + 1] = {1. / 3, 1. / 3};

  for (int j = 2; j <= s; j++) b[j] = ((double)j * j + j - 2) / (2. * j * (j + 1));
  stages[0] = (PdeStage){{1, 0, 0}, {0, b[1] * w}};
  for (int j = 2; j <= s; j++) {
    const double mu = (2. * j - 1) / j * b[j] / b[j - 1], nu = -(j - 1.) / j * b[j] / b[j - 2], step = mu * w;
    stages[j - 1] = (PdeStage){{1 - mu - nu, mu, nu}, {-(1 - b[j - 1]) * step, step}};
  }
}

/* The larger one; what is no number is infinite. */
static void Raise(double *most, double x)
{
  if (!(x <= *most)) *most = isnan(x) ? INFINITY : x;
}

static void RatesOfCells(const PdeModel *p, const double w[], const double per_dx[3], double rates[2])
{
  double mine[2] = {0, 0};

#pragma omp for schedule(static)
  for (size_t start = 0; start < p->n_cells; start += PDE_CHUNK) {
    double most[2] = {0, 0};
    p->family->bounds(p->c, p->n_dims, per_dx, PetscMin(PDE_CHUNK, p->n_cells - start), p->n_cells, w + start, most);
    for (int k = 0; k < 2; k++) Raise(&mine[k], most[k]);
  }
#pragma omp critical(pde_rates)
  for (int k = 0; k < 2; k++) Raise(&rates[k], mine[k]);
}

/* Twice the first field at a face of cell i of a row, less that of the cell: of its neighbour, but where the value at the face is given. */
static double Beside(const PdeModel *p, int axis, int side, const double rho[], size_t i)
{
  size_t       first, end;
  const double beside = side ? rho[i + p->stride[axis]] : rho[i - p->stride[axis]];

  return PdeGiven(p, axis, side, (size_t)(rho - p->box_w) + i + (side ? p->stride[axis] : 0), 1, &first, &end) ? 2 * beside - rho[i] : beside;
}

/* Of a family that diffuses by its first field: the largest mean of it at two opposite faces over that of the cell between them, 1 where it is uniform. By Gershgorin's circles the rate grows by no more. */
static void ContrastOfCells(const PdeModel *p, double *contrast)
{
  double mine = 1;

#pragma omp for schedule(static)
  for (size_t row = 0; row < p->count[1] * p->count[2]; row++) {
    const double *rho = p->box_w + PdeFaceRow(p, 0, row);
    for (int a = 0; a < p->n_dims; a++)
      for (size_t i = 0; i < p->count[0]; i++) Raise(&mine, 0.5 + 0.25 * (Beside(p, a, 0, rho, i) + Beside(p, a, 1, rho, i)) / rho[i]);
  }
#pragma omp critical(pde_rates)
  Raise(contrast, mine);
}

/* The largest rates over all cells, and what the boundaries put beside them: of the waves, and of diffusion and reaction. */
static PetscErrorCode Rates(NomosModel model, const double u[], double rates[2])
{
  PdeModel     *p         = model->data;
  const double *w         = PdePrimitive(p, 1, u), per_dx[3] = {1 / p->dx[0], 1 / p->dx[1], 1 / p->dx[2]};

  PetscFunctionBeginUser;
  rates[0] = rates[1] = 0;
  PDE_TEAM(p, RatesOfCells(p, w, per_dx, rates));
  for (int a = 0; a < p->n_dims; a++)
    for (int side = 0; side < 2; side++)
      if (p->boundary[a][side] == PDE_VALUE) p->family->bounds(p->c, p->n_dims, per_dx, 1, 1, p->value[side], rates);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, rates, 2, MPI_DOUBLE, MPI_MAX, model->comm));
  if (p->family->by_first && rates[1] > 0) {
    double contrast = 1;
    PetscCall(PdeFillBox(p, 1, w));
    PDE_TEAM(p, ContrastOfCells(p, &contrast));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &contrast, 1, MPI_DOUBLE, MPI_MAX, model->comm));
    rates[1] *= contrast;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- substeps of rkl2 */

/* Of a substep from y_0 to y_1, slopes l: -min, max of both and max of h^3 u'''/18 by the defect of the trapezoidal rule, of every field: the leading error of rkl2 with many stages, whose third coefficient is 1/9 where e^z has 1/6.
   The estimate is that of Sommeijer, Shampine & Verwer (1998), doi:10.1016/S0377-0427(97)00219-7, for Chebyshev's stages, with 1/18 for their 1/15. */
static void Extremes(const PdeModel *p, double h, const double *const y[2], const double *const l[2], double most[][3])
{
  double mine[NOMOS_PDE_MAX_FIELDS][3];

  for (int k = 0; k < p->m; k++) {
    mine[k][0] = mine[k][1] = -INFINITY;
    mine[k][2] = 0;
#pragma omp for schedule(static)
    for (size_t i = (size_t)k * p->n_cells; i < ((size_t)k + 1) * p->n_cells; i++) {
      Raise(&mine[k][0], -PetscMin(y[0][i], y[1][i]));
      Raise(&mine[k][1], PetscMax(y[0][i], y[1][i]));
      Raise(&mine[k][2], fabs((y[0][i] - y[1][i]) * (2. / 3) + h / 3 * (l[0][i] + l[1][i])));
    }
  }
#pragma omp critical(pde_extremes)
  for (int k = 0; k < p->m; k++)
    for (int e = 0; e < 3; e++) Raise(&most[k][e], mine[k][e]);
}

/* The largest error over what is allowed: the tolerance of the range of its field. What is a millionth of the values is not looked at, it may be rounding. */
static PetscErrorCode Error(NomosModel model, double h, const double *const y[2], const double *const l[2], double *error)
{
  PdeModel *p = model->data;
  double    most[NOMOS_PDE_MAX_FIELDS][3], size = 1e-280; /* of what is zero everywhere the error is, too */

  PetscFunctionBeginUser;
  for (int k = 0; k < p->m; k++) {
    most[k][0] = most[k][1] = -INFINITY;
    most[k][2] = 0;
  }
  PDE_TEAM(p, Extremes(p, h, y, l, most));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3 * p->m, MPI_DOUBLE, MPI_MAX, model->comm));
  for (int k = 0; k < p->m; k++) size = PetscMax(size, PetscMax(fabs(most[k][0]), fabs(most[k][1])));
  *error = 0;
  for (int k = 0; k < p->m; k++) Raise(error, most[k][2] / (p->tolerance * (most[k][0] + most[k][1] + 1e-6 * size)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Append(PdePlan *plan, int level)
{
  PetscFunctionBeginUser;
  if (plan->n == plan->n_levels) {
    const int      n = PetscMax(64, 2 * plan->n);
    unsigned char *longer;
    PetscCall(PetscMalloc1(n, &longer));
    if (plan->n) memcpy(longer, plan->levels, (size_t)plan->n);
    PetscCall(PetscFree(plan->levels));
    plan->levels   = longer;
    plan->n_levels = n;
  }
  plan->levels[plan->n++] = (unsigned char)level;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The substep of this level, half as long as that of the level above, with as many stages as `rate` asks for. */
static const PdeSubstep *Level(PdePlan *plan, int level, double rate)
{
  PdeSubstep *substep = &plan->substeps[level];

  if (substep->n_stages) return substep;
  substep->h        = ldexp(plan->substeps[0].h, -level);
  substep->n_stages = (int)PetscMin(LONGEST, PetscMax(3, ceil(0.5 * (sqrt(9 + 8 * substep->h * rate) - 1))));
  substep->n_stages += 1 - substep->n_stages % 2;
  LegendreStages(substep->n_stages, substep->stages);
  return substep;
}

/* The explicit substep of this level. */
static const PdeSubstep *Halved(PdePlan *plan, int level)
{
  PdeSubstep *substep = &plan->substeps[level];

  if (substep->n_stages) return substep;
  *substep   = plan->substeps[0];
  substep->h = ldexp(substep->h, -level);
  return substep;
}

/* Takes the step from u by an explicit scheme, n substeps of which do where it begins, and halves those that the waves have become too fast for; leaves the state after it in plan->after. */
static PetscErrorCode Watch(NomosModel model, double n, double diffusive, double rates[2], const double u[], PdePlan *plan)
{
  PdeModel *p = model->data;
  double   *y, *stages;
  int       level = 0;
  size_t    end = (size_t)n; /* in substeps of this level */

  PetscFunctionBeginUser;
  PetscCall(PdeScratch(p, PDE_OF_PLAN, 6 * p->n, &stages));
  y = stages + 5 * p->n;
  memcpy(y, u, p->n * sizeof *u);
  plan->after = y;
  for (size_t at = 0; at < end; at++) {
    if (at) PetscCall(Rates(model, y, rates));
    if (!isfinite(rates[0]) || !isfinite(rates[1])) { /* told by the check of the state */
      y[0] = NAN;
      break;
    }
    const double h = plan->substeps[0].h, waves = h * rates[0] / p->cfl, others = h * rates[1] / diffusive;
    for (; at && ldexp(waves / most_growth + others, -level) > 1 + 1e-12 && level + 1 < PDE_MAX_LEVELS; level++) {
      at *= 2;
      end *= 2;
    }
    for (; level && at % 2 == 0 && ldexp(waves + others, 1 - level) <= 1; level--) {
      at /= 2;
      end /= 2;
    }
    const PdeSubstep *substep = Halved(plan, level);
    PetscCall(Append(plan, level));
    PetscCall(PdeSubstepTake(p, substep, &(PdeSubstepArrays){.width = 1, .y_0 = y, .y = stages, .l = {stages + 3 * p->n, stages + 4 * p->n}, .end = y}));
    p->last_cfl = PetscMax(p->last_cfl, substep->h * rates[0]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes the step from u, to find the substeps that it needs; leaves the state after it in plan->after. */
static PetscErrorCode Control(NomosModel model, double n, const double rates[2], const double u[], PdePlan *plan)
{
  PdeModel    *p    = model->data;
  const double rate = 1.05 * (rates[1] + 2 * rates[0]); /* with that of the upwind fluxes' own diffusion */
  double      *y[2], *l[2], *stages, error = 0;
  int          level = 0, finest = 0;
  size_t       at = 0, end = (size_t)n; /* in substeps of this level */

  PetscFunctionBeginUser;
  PetscCall(PdeScratch(p, PDE_OF_PLAN, 7 * p->n, &stages));
  for (int k = 0; k < 2; k++) {
    y[k] = stages + (size_t)(3 + k) * p->n;
    l[k] = stages + (size_t)(5 + k) * p->n;
  }
  memcpy(y[0], u, p->n * sizeof *u);
  PetscCall(PdeTendency(p, 1, y[0], l[0]));
  while (finest + 1 < PDE_MAX_LEVELS && ldexp(plan->substeps[0].h * rates[1], -finest) > shortest) finest++;
  while (at < end) {
    const PdeSubstep *substep = Level(plan, level, rate);
    double           *after[2] = {y[1], l[1]};
    PetscCall(PdeSubstepTake(p, substep, &(PdeSubstepArrays){.width = 1, .has_slope = true, .y_0 = y[0], .y = stages, .l = {l[0], l[1]}, .end = y[1]}));
    PetscCall(PdeTendency(p, 1, y[1], l[1]));
    PetscCall(Error(model, substep->h, (const double *const[]){y[0], y[1]}, (const double *const[]){l[0], l[1]}, &error));
    if (error > 1 && level < finest) {
      const int finer = isfinite(error) ? (int)PetscMin(finest - level, ceil(log2(error) / 3)) : finest - level; /* of third order in h */
      at <<= finer;
      end <<= finer;
      level += finer;
      continue;
    }
    PetscCall(Append(plan, level));
    y[1] = y[0];
    l[1] = l[0];
    y[0] = after[0];
    l[0] = after[1];
    at++;
    if (!isfinite(error)) { /* told by the check of the state */
      y[0][0] = NAN;
      break;
    }
    if (level && at % 2 == 0 && error < 1. / 16) {
      at /= 2;
      end /= 2;
      level--;
    }
  }
  plan->after = y[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdePlanMake(NomosModel model, const double u[], PdePlan *plan)
{
  PdeModel *p    = model->data;
  bool      rkl  = !strcmp(p->scheme, "rkl2");
  int       used = 1;
  double    rates[2], n;

  PetscFunctionBeginUser;
  memcpy(p->c, p->coefficients, sizeof p->coefficients);
  PetscCall(Rates(model, u, rates));
  NomosCheck(isfinite(rates[0]) && isfinite(rates[1]), model->comm, PETSC_ERR_FP, "step %lld, t = %g: speeds of waves are no numbers (a negative pressure or depth, or a number that is none); reduce grid_pde.cfl (with 0.1 and an ssp scheme density, pressure and depth stay positive), or use a limiter",
             (long long)model->step, model->time);
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (!strcmp(schemes[i].name, p->scheme)) used = (int)i;
  n = model->dt * rates[0] / p->cfl; /* substeps for the waves */
  if (!strcmp(p->scheme, "auto")) rkl = model->dt * rates[1] / schemes[used].diffusive > PetscMax(1, n);
  if (!rkl) n = model->dt * (rates[0] / p->cfl + rates[1] / schemes[used].diffusive);
  n = PetscMax(1, ceil(n * (1 - 1e-12)));
  if (rkl) n = PetscMax(n, ceil(model->dt * rates[1] / (0.45 * LONGEST * LONGEST)));
  if (p->substeps) { /* of a fixed number nothing is asked: should it not do, the check of the state tells, with the step that would have done where the run began */
    if (!p->dt_stable) p->dt_stable = model->dt * p->substeps / n;
    n = p->substeps;
  }
  NomosCheck(n <= 1e7, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "step %lld: time.dt = %g would need %g substeps: reduce it", (long long)model->step, model->dt, n);
  for (int k = 0; k < PDE_MAX_LEVELS; k++) plan->substeps[k].n_stages = 0;
  plan->n             = 0;
  plan->after         = NULL;
  plan->substeps[0].h = model->dt / n;
  p->last_cfl         = model->dt / n * rates[0];
  if (rkl && !p->substeps) {
    PetscCall(Control(model, n, rates, u, plan));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (rkl) Level(plan, 0, 1.05 * (rates[1] + 2 * rates[0]));
  else {
    plan->substeps[0].n_stages = schemes[used].n;
    memcpy(plan->substeps[0].stages, schemes[used].stages, sizeof schemes[used].stages);
  }
  if (p->family->quickens && n > 1 && !rkl && !p->substeps) {
    PetscCall(Watch(model, n, schemes[used].diffusive, rates, u, plan));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int i = 0; i < (int)n; i++) PetscCall(Append(plan, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
