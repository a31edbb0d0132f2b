/* Explicit schemes as stages (grid_pde_impl.h), in so many equal substeps of a step as stability asks for. How many is decided at the state where the step begins, and is a constant to its derivatives.

     ssp_rk2, ssp_rk3   strong stability preserving, Shu & Osher (1988), doi:10.1016/0021-9991(88)90177-5
     midpoint           half a step, then a whole one from its fluxes: what PDEBench's data were made with
     rkc2               Runge-Kutta-Chebyshev, Sommeijer, Shampine & Verwer (1998), doi:10.1016/S0377-0427(97)00219-7: s stages reach 0.65 s^2 of a diffusive step
     auto               ssp_rk3, but where diffusion limits the step rkc2 */
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

/* The polynomials T_s, T_s', T_s'' of Chebyshev at w, for j = 0..s. */
static void Chebyshev(int s, double w, double t[], double d[], double d2[])
{
  t[0]  = 1;
  t[1]  = w;
  d[0]  = 0;
  d[1]  = 1;
  d2[0] = d2[1] = 0;
  for (int j = 2; j <= s; j++) {
    t[j]  = 2 * w * t[j - 1] - t[j - 2];
    d[j]  = 2 * t[j - 1] + 2 * w * d[j - 1] - d[j - 2];
    d2[j] = 4 * d[j - 1] + 2 * w * d2[j - 1] - d2[j - 2];
  }
}

static void ChebyshevStages(int s, PdeStage stages[])
{
  double       t[PDE_MAX_STAGES + 1], d[PDE_MAX_STAGES + 1], d2[PDE_MAX_STAGES + 1], b[PDE_MAX_STAGES + 1];
  const double w0 = 1 + 2. / 13 / ((double)s * s);

  Chebyshev(s, w0, t, d, d2);
  const double w1 = d[s] / d2[s];
  for (int j = 2; j <= s; j++) b[j] = d2[j] / (d[j] * d[j]);
  b[0]      = b[2];
  b[1]      = 1 / w0;
  stages[0] = (PdeStage){{1, 0, 0}, {0, b[1] * w1}};
  for (int j = 2; j <= s; j++) {
    const double mu = 2 * b[j] * w0 / b[j - 1], nu = -b[j] / b[j - 2], step = 2 * b[j] * w1 / b[j - 1];
    stages[j - 1] = (PdeStage){{1 - mu - nu, mu, nu}, {-(1 - b[j - 1] * t[j - 1]) * step, step}};
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdePlanMake(NomosModel model, const double u[], PdePlan *plan)
{
  PdeModel *p    = model->data;
  bool      rkc  = !strcmp(p->scheme, "rkc2"), choose = !strcmp(p->scheme, "auto");
  int       used = 1;
  double    rates[2], n;

  PetscFunctionBeginUser;
  memcpy(p->c, p->coefficients, sizeof p->coefficients);
  PetscCall(Rates(model, u, rates));
  NomosCheck(isfinite(rates[0]) && isfinite(rates[1]), model->comm, PETSC_ERR_FP, "step %lld, t = %g: speeds of waves are no numbers (a negative pressure or depth, or a number that is none); reduce grid_pde.cfl (with 0.125 and an ssp scheme density, pressure and depth stay positive), or use a limiter",
             (long long)model->step, model->time);
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (!strcmp(schemes[i].name, p->scheme)) used = (int)i;
  n = model->dt * rates[0] / p->cfl; /* substeps for the waves */
  if (choose) rkc = model->dt * rates[1] / schemes[used].diffusive > PetscMax(1, n);
  if (!rkc) n = model->dt * (rates[0] / p->cfl + rates[1] / schemes[used].diffusive);
  n = PetscMax(1, ceil(n * (1 - 1e-12)));
  if (rkc) n = PetscMax(n, ceil(model->dt * rates[1] / (0.6 * 200. * 200))); /* not more than some 200 stages */
  NomosCheck(n < 1e7, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "step %lld: time.dt = %g would need %g substeps: reduce it", (long long)model->step, model->dt, n);
  if (p->substeps) n = p->substeps;
  plan->n = (int)n;
  if (rkc) {
    const double reach = model->dt / n * rates[1];
    plan->n_stages     = (int)PetscMax(2, ceil(1 + sqrt(1 + 1.54 * reach)));
    ChebyshevStages(plan->n_stages, plan->stages);
  } else {
    plan->n_stages = schemes[used].n;
    memcpy(plan->stages, schemes[used].stages, sizeof schemes[used].stages);
  }
  p->last_cfl = model->dt / n * rates[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y_j of a substep from y_0 and the two before; l[] of L(y_0) and L(y_(j-1)). y may be y_0. */
static void Stage(const PdeStage *stage, double h, size_t n, const double *const from[3], const double *const l[2], double y[])
{
  const double a0 = stage->a[0], a1 = stage->a[1], a2 = stage->a[2], b0 = h * stage->b[0], b1 = h * stage->b[1];

#pragma omp for simd schedule(static)
  for (size_t i = 0; i < n; i++) {
    double sum = a0 * from[0][i] + b1 * l[1][i];
    if (a1 != 0) sum += a1 * from[1][i];
    if (a2 != 0) sum += a2 * from[2][i];
    if (b0 != 0) sum += b0 * l[0][i];
    y[i] = sum;
  }
}

/* A substep from y_0. Its stages y_1, y_2, .. go into y: with `keep` one behind the other, up to the one before the last; else the last three of them alone, and the last one into `end`, which may be y_0. */
static PetscErrorCode Substep(PdeModel *p, const PdePlan *plan, double h, int width, bool keep, const double y_0[], double y[], double *l[2], double end[])
{
  const size_t  n = p->n * (size_t)width;
  const int     last = plan->n_stages - keep;
  const double *stages[3] = {y_0, y_0, y_0}; /* the first, the last, the one before */

  PetscFunctionBeginUser;
  if (last > 0) PetscCall(PdeTendency(p, width, y_0, l[0]));
  for (int j = 0; j < last; j++) {
    double *next = j + 1 == plan->n_stages ? end : y + (size_t)(keep ? j : j % 3) * n;
    if (j) PetscCall(PdeTendency(p, width, stages[1], l[1]));
    const double *const slopes[2] = {l[0], l[j > 0]};
    PDE_TEAM(p, Stage(&plan->stages[j], h, n, stages, slopes, next));
    stages[2] = stages[1];
    stages[1] = next;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeAdvance(NomosModel model, const PdePlan *plan, int width, double u[])
{
  PdeModel    *p = model->data;
  const size_t n = p->n * (size_t)width;
  double      *y;

  PetscFunctionBeginUser;
  PetscCall(PdeScratch(p, PDE_OF_STEP, 5 * n, &y));
  for (int step = 0; step < plan->n; step++) PetscCall(Substep(p, plan, model->dt / plan->n, width, false, u, y, (double *[]){y + 3 * n, y + 4 * n}, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the adjoint of y_j to those of y_0 and the two before, and of l[]. */
static void StageAdjoint(const PdeStage *stage, bool first_stage, double h, size_t n, const double bar[], double first[], double before[], double earlier[], double *const l[2])
{
  const double a0 = stage->a[0], a1 = stage->a[1], a2 = stage->a[2], b0 = h * (stage->b[0] + (first_stage ? stage->b[1] : 0)), b1 = h * stage->b[1];

#pragma omp for schedule(static)
  for (size_t i = 0; i < n; i++) {
    first[i] += a0 * bar[i];
    if (a1 != 0) before[i] += a1 * bar[i];
    if (a2 != 0) earlier[i] += a2 * bar[i];
    if (b0 != 0) l[0][i] += b0 * bar[i];
    l[1][i] = b1 * bar[i];
  }
}

PetscErrorCode PdeAdvanceAdjoint(NomosModel model, const PdePlan *plan, int width, const double u[], double u_bar[], double c_bar[])
{
  PdeModel    *p = model->data;
  const size_t n = p->n * (size_t)width, s = (size_t)plan->n_stages;
  const double h = model->dt / plan->n;
  double      *starts, *y, *y_bar, *l[2];

  PetscFunctionBeginUser;
  PetscCall(PdeScratch(p, PDE_OF_STEP, ((size_t)plan->n + PetscMax(s - 1, 3) + s + 3) * n, &starts));
  y     = starts + (size_t)plan->n * n; /* y_1 .. y_(s - 1) */
  y_bar = y + PetscMax(s - 1, 3) * n;   /* of y_0 .. y_s */
  l[0]  = y_bar + (s + 1) * n;
  l[1]  = l[0] + n;
  memcpy(starts, u, n * sizeof *u);
  for (int step = 0; step + 1 < plan->n; step++) PetscCall(Substep(p, plan, h, width, false, starts + (size_t)step * n, y, l, starts + ((size_t)step + 1) * n));
  for (int step = plan->n - 1; step >= 0; step--) {
    const double *y_0 = starts + (size_t)step * n;
    PetscCall(Substep(p, plan, h, width, true, y_0, y, l, NULL));
    memset(y_bar, 0, s * n * sizeof *y_bar);
    memset(l[0], 0, n * sizeof **l); /* from here on adjoints of L(Y_0) and L(Y_j) */
    for (size_t j = s; j-- > 0;) {
      const double *bar = j + 1 == s ? u_bar : y_bar + (j + 1) * n;
      double       *before = y_bar + j * n;
      PDE_TEAM(p, StageAdjoint(&plan->stages[j], j == 0, h, n, bar, y_bar, before, j ? before - n : before, l));
      if (j) PetscCall(PdeTendencyAdjoint(p, width, y + (j - 1) * n, l[1], before, c_bar));
    }
    PetscCall(PdeTendencyAdjoint(p, width, y_0, l[0], y_bar, c_bar));
    memcpy(u_bar, y_bar, n * sizeof *u_bar);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
