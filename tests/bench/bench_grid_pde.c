/* What a step of every family of `grid_pde` costs, by three stages of SSP-RK3 with limiter mc, and its derivatives in such steps: jvp, vjp by state and coefficients, hvp.

   usage: bench_grid_pde [cells along a line [cells along x and y of a plane [family]]]   OMP_NUM_THREADS sets the threads. The least of many repetitions, each kind beside a forward step; times are of the processor with one
   thread, else of the wall. */
#include "operators/real.h"
#include "solvers/grid_pde/grid_pde.h"
#include "cases/run_params.h"
#include "timing.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

enum { REPETITIONS = 25, MAX_SETTINGS = 8, MAX_PARAMETERS = 16 };
typedef enum { STEP, JVP, VJP, HVP, N_KINDS } Kind;

static const struct {
  const char *name, *settings[MAX_SETTINGS];
} families[] = {
  {"advection", {"advection.beta_y=-0.5", "initial.u=sin(2*pi*x)"}},
  {"burgers", {"initial.u=sin(2*pi*x + 0.3)*cos(2*pi*y)"}},
  {"reaction_diffusion", {"reaction_diffusion.nu=0.01", "initial.u=0.5 + 0.3*sin(2*pi*x)"}},
  {"diffusion_sorption", {"initial.u=0.3 + 0.1*cos(2*pi*x)"}},
  {"diffusion_reaction", {"initial.u=sin(2*pi*x)", "initial.v=cos(2*pi*y)"}},
  {"shallow_water", {"initial.h=1 + 0.2*sin(2*pi*x)", "initial.Vx=0.3*cos(2*pi*y)"}},
  {"compressible", {"initial.density=1 + 0.2*sin(2*pi*x)", "initial.pressure=1 + 0.1*cos(2*pi*y)", "initial.Vx=0.3*cos(2*pi*y)"}},
};

typedef struct {
  NomosConfig config;
  NomosModel  model;
  size_t      n;
  double     *state, *v[3];
} Bench;

static PetscErrorCode Create(size_t family, int n_dims, int nx, Bench *b)
{
  char                 settings[5][64];
  const NomosModelOps *ops = &NomosModelOps_GridPde;

  PetscFunctionBeginUser;
  snprintf(settings[0], sizeof settings[0], "grid_pde.family=%s", families[family].name);
  snprintf(settings[1], sizeof settings[1], "grid_pde.dimensions=%d", n_dims);
  snprintf(settings[2], sizeof settings[2], "grid_pde.nx=%d", nx);
  snprintf(settings[3], sizeof settings[3], "time.dt=%g", 1e-3 / nx); /* stable by far: what changes is time, not work */
  snprintf(settings[4], sizeof settings[4], "grid_pde.substeps=1");
  PetscCall(NomosConfigCreate(PETSC_COMM_WORLD, &b->config));
  for (size_t i = 0; i < 5; i++) PetscCall(NomosConfigSet(b->config, settings[i]));
  for (const char *const *setting = families[family].settings; *setting; setting++) PetscCall(NomosConfigSet(b->config, *setting));
  PetscCall(NomosConfigSet(b->config, "solver=grid_pde"));
  PetscCall(NomosConfigSet(b->config, "time.stop=1"));
  PetscCall(NomosConfigSet(b->config, "time.scheme=ssp_rk3"));
  PetscCall(NomosConfigSetNondimensional(b->config, true));
  PetscCall(NomosConfigRegister(b->config, nomos_n_run_params, nomos_run_params));
  PetscCall(NomosConfigRegister(b->config, ops->n_params, ops->params));
  PetscCall(ops->declare(b->config));
  PetscCall(NomosModelCreate(PETSC_COMM_WORLD, ops, b->config, &b->model));
  PetscCall(ops->initialise(b->model));
  PetscCall(ops->derivatives->state_size(b->model, &b->n));
  PetscCall(PetscMalloc4(b->n, &b->state, b->n, &b->v[0], b->n, &b->v[1], b->n, &b->v[2]));
  PetscCall(ops->derivatives->get_state(b->model, b->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(b->state, b->v[0], b->v[1], b->v[2]));
  PetscCall(NomosModelDestroy(&b->model));
  PetscCall(NomosConfigDestroy(&b->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds of one, over n of them. */
static PetscErrorCode Time(Bench *b, Kind kind, int n, double *seconds)
{
  const NomosModelDerivatives *ops = b->model->ops->derivatives;
  double                       p_dot[MAX_PARAMETERS], p_bar[2][MAX_PARAMETERS] = {{0}};

  PetscFunctionBeginUser;
  for (int i = 0; i < MAX_PARAMETERS; i++) p_dot[i] = 1e-3;
  for (int k = 0; k < 3; k++) memcpy(b->v[k], b->state, b->n * sizeof *b->state);
  PetscCall(ops->set_state(b->model, b->state));
  const double start = Now();
  for (int i = 0; i < n; i++) {
    if (kind == STEP) PetscCall(b->model->ops->step(b->model));
    else if (kind == JVP) PetscCall(ops->jvp(b->model, b->state, b->v[0], p_dot));
    else if (kind == VJP) PetscCall(ops->vjp(b->model, b->state, b->v[0], p_bar[0]));
    else if (ops->hvp) PetscCall(ops->hvp(b->model, b->state, b->v[2], p_dot, b->v[0], b->v[1], p_bar[0], p_bar[1]));
  }
  *seconds = (Now() - start) / n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Report(size_t family, int n_dims, int nx)
{
  Bench  b;
  double least[N_KINDS], t = 0;

  PetscFunctionBeginUser;
  PetscCall(Create(family, n_dims, nx, &b));
  const double cells = n_dims == 1 ? nx : (double)nx * nx;
  const int    n     = (int)PetscMax(1, 2e4 / cells);
  for (int kind = 0; kind < N_KINDS; kind++) least[kind] = DBL_MAX;
  for (int r = 0; r < REPETITIONS; r++)
    for (int kind = 0; kind < N_KINDS; kind++) {
      PetscCall(Time(&b, (Kind)kind, n, &t));
      least[kind] = PetscMin(least[kind], t);
    }
  printf("%-20s %d %6d %8d %12.1f %8.2f %8.2f %8.2f\n", families[family].name, n_dims, nx, omp_get_max_threads(), 1e9 * least[STEP] / cells, least[JVP] / least[STEP], least[VJP] / least[STEP], least[HVP] / least[STEP]);
  PetscCall(Destroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const int nx[2] = {argc > 1 ? atoi(argv[1]) : 1024, argc > 2 ? atoi(argv[2]) : 128};

  if (NOMOS_REAL == NOMOS_F32) return 0; /* the solver has double precision alone */
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(NomosErrorHandlerPush(false));
  printf("%-20s d  cells  threads  ns/cell step      jvp      vjp      hvp   (in steps)\n", "family");
  for (int n_dims = 1; n_dims <= 2; n_dims++)
    for (size_t k = 0; k < sizeof families / sizeof *families; k++)
      if (argc < 4 || !strcmp(argv[3], families[k].name)) PetscCall(Report(k, n_dims, nx[n_dims - 1]));
  PetscCall(NomosErrorHandlerPop());
  PetscCall(PetscFinalize());
  return 0;
}
