/* What derivatives of the QG solver cost, in forward steps, two layers:

     gradient   a trajectory with all states stored, forward and back: by the initial state, and with all parameters
     jvp, hvp   one of them over one step

   usage: bench_qg_derivatives [n ...]   OMP_NUM_THREADS sets the threads. Medians of pairs with a forward run measured beside each; times are of the processor with one thread, else
   of the wall. */
#include "cases/run_params.h"
#include "operators/real.h"
#include "solvers/solver_list.h"
#include "timing.h"

#include <stdlib.h>
#include <string.h>

enum { PAIRS = 15, KINDS = 4 };

static PetscErrorCode Set(NomosConfig config, const char key[], const char value[])
{
  char text[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof text, "%s=%s", key, value));
  PetscCall(NomosConfigSet(config, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(int n, const char scheme[], NomosConfig *config, NomosModel *model)
{
  static const char *const common[][2] = {{"solver", "qg"}, {"qg.lx", "1e6"}, {"qg.beta", "1.5e-11"}, {"qg.u", "[0.025, 0]"}, {"qg.drag", "5.787e-7"}, {"qg.deformation_radius", "15e3"}, {"qg.depth_ratio", "0.25"}, {"time.dt", "3600"}, {"time.stop", "1e9"}, {"initial.q_rms", "1e-6"}};
  char                     size[16];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_WORLD, config));
  for (size_t i = 0; i < sizeof common / sizeof *common; i++) PetscCall(Set(*config, common[i][0], common[i][1]));
  PetscCall(PetscSNPrintf(size, sizeof size, "%d", n));
  PetscCall(Set(*config, "qg.nx", size));
  PetscCall(Set(*config, "time.scheme", scheme));
  PetscCall(Set(*config, "qg.precision", NOMOS_REAL == NOMOS_F32 ? "float32" : "float64"));
  PetscCall(NomosConfigRegister(*config, nomos_n_run_params, nomos_run_params));
  PetscCall(NomosConfigRegister(*config, NomosModelOps_QG.n_params, NomosModelOps_QG.params));
  PetscCall(NomosModelCreate(PETSC_COMM_WORLD, &NomosModelOps_QG, *config, model));
  PetscCall(NomosModelOps_QG.initialise(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds of n steps from the first of `states`, kept there if asked. */
static PetscErrorCode Forward(NomosModel model, int n, Real *states, size_t size, bool keep, double *seconds)
{
  const NomosModelDerivatives *ops = model->ops->derivatives;

  PetscFunctionBeginUser;
  PetscCall(ops->set_state(model, states));
  PetscCall(NomosModelSetClock(model, 10)); /* past the first steps of a multistep scheme */
  const double t0 = Now();
  for (int i = 0; i < n; i++) {
    PetscCall(model->ops->step(model));
    if (keep) PetscCall(ops->get_state(model, states + (size_t)(i + 1) * size));
  }
  *seconds = Now() - t0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds of n derivatives of a kind, from the last step to the first: 0, 1 vjp without and with parameters, 2 jvp, 3 hvp. */
static PetscErrorCode Backward(NomosModel model, int kind, int n, const Real *states, size_t size, Real *const v[3], double *seconds)
{
  const NomosModelDerivatives *ops = model->ops->derivatives;
  double                       p_dot[64], p_bar[64] = {0}, p_bar_dot[64] = {0};

  PetscFunctionBeginUser;
  for (int i = 0; i < 64; i++) p_dot[i] = 1e-3;
  for (int a = 0; a < 3; a++) memcpy(v[a], states, sizeof(Real) * size);
  const double t0 = Now();
  for (int i = n - 1; i >= 0; i--) {
    const Real *state = states + (size_t)i * size;
    PetscCall(NomosModelSetClock(model, 10 + i));
    if (kind < 2) PetscCall(ops->vjp(model, state, v[0], kind ? p_bar : NULL));
    else if (kind == 2) PetscCall(ops->jvp(model, state, v[0], NULL));
    else PetscCall(ops->hvp(model, state, v[2], p_dot, v[0], v[1], p_bar, p_bar_dot));
  }
  *seconds = Now() - t0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bench(int n, const char scheme[])
{
  NomosConfig                config;
  NomosModel                 model;
  const NomosModelParameter *parameters;
  size_t                     size, n_parameters;
  Real                      *states, *v[3];
  double                     ratio[KINDS][PAIRS], forward[PAIRS], kept = 0, back = 0;
  const int                  steps = (int)PetscMax(4, 4e5 / ((double)n * n));

  PetscFunctionBeginUser;
  PetscCall(Create(n, scheme, &config, &model));
  PetscCall(model->ops->derivatives->state_size(model, &size));
  PetscCall(model->ops->derivatives->parameters(model, &n_parameters, &parameters));
  PetscCall(PetscCalloc1((size_t)(steps + 1) * size, &states));
  for (int a = 0; a < 3; a++) PetscCall(PetscMalloc1(size, &v[a]));
  PetscCall(model->ops->derivatives->get_state(model, states));
  for (int kind = 0; kind < KINDS; kind++) /* allocates */
    PetscCall(Backward(model, kind, 1, states, size, v, &back));
  for (int p = 0; p < PAIRS; p++)
    for (int kind = 0; kind < KINDS; kind++) {
      PetscCall(Forward(model, steps, states, size, false, &forward[p]));
      PetscCall(Forward(model, steps, states, size, true, &kept));
      PetscCall(Backward(model, kind, steps, states, size, v, &back));
      ratio[kind][p] = (back + (kind < 2 ? kept : 0)) / forward[p];
    }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%5d  %-7s %-7s %7d %3zu  %9.3f  %8.2f  %15.2f  %6.2f  %6.2f\n", n, scheme, NOMOS_REAL == NOMOS_F32 ? "float32" : "float64", omp_get_max_threads(), n_parameters, 1e3 * Median(forward) / steps, Median(ratio[0]), Median(ratio[1]),
                        Median(ratio[2]), Median(ratio[3])));
  PetscCall(PetscFree(states));
  for (int a = 0; a < 3; a++) PetscCall(PetscFree(v[a]));
  PetscCall(NomosModelDestroy(&model));
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const int         usual[] = {128, 256};
  static const char *const schemes[] = {"ab3", "rk4", "etdrk4"};

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(NomosErrorHandlerPush(false));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "    n  scheme  real    threads   p    step ms  gradient  with parameters     jvp     hvp   (in forward steps)\n"));
  for (int i = 0; i < (argc > 1 ? argc - 1 : 2); i++)
    for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) PetscCall(Bench(argc > 1 ? atoi(argv[i + 1]) : usual[i], schemes[s]));
  PetscCall(NomosErrorHandlerPop());
  PetscCall(PetscFinalize());
  return 0;
}
