/* How fast the material point method is: particle-steps a second, forward, and forward with the gradient; and what a step is made of.

     law        elasticity and return mapping alone, in the blocks of particles that a step calls them with
     sort       cells, active blocks, places
     momentum   elasticity and records of the particles
     p2g, grid, g2p
     advance    C, F, the return mapping, positions

   Cubes of 10^3 particles on 20^3 nodes (as NCLaw's, 0.7 to a cell), 22^3 on 32^3 and 46^3 on 64^3 (2.3 and 2.7 to a cell), which fall and deform. Each number is the least of several.

   usage: bench_mpm [lattice cells elasticity plasticity]   OMP_NUM_THREADS sets the threads */
#include "../mpm_model.h"
#include "operators/model_operator.h"
#include "solvers/mpm/law_list.h"
#include "solvers/mpm/mpm_step_impl.h"
#include "surrogates/constitutive/law_list.h"
#include "timing.h"

#include <stdlib.h>
#include <string.h>

enum { REPETITIONS = 7 };
typedef enum { LAW, SORT, MOMENTUM, P2G, GRID, G2P, ADVANCE, STEP, GRADIENT, N_PARTS } Part;

static void Shorter(double *least, double t)
{
  if (t < *least) *least = t;
}

/* The parts of a step, each with its own clock; the state does not change. */
static void Parts(NomosMpm *mpm, double dt, Real *work, double least[])
{
  NAME(MpmWork) *w     = mpm->work;
  Real          *state = mpm->state;
  double         t[ADVANCE + 2];

  memcpy(work, state, mpm->n * mpm->n_entries * sizeof(Real));
  mpm->lost = -1;
#pragma omp parallel num_threads(NAME(MpmThreads)(w))
  {
#define CLOCK(part) _Pragma("omp barrier") _Pragma("omp master") t[part] = Now(); _Pragma("omp barrier")
    CLOCK(LAW)
#pragma omp for schedule(static)
    for (size_t c = 0; c < w->n_chunks; c++) {
      const NomosMpmChunk *chunk = &w->chunks[c];
      Real                 y[2][9 * NOMOS_MPM_CHUNK];
      for (int e = 0; e < 9; e++) memcpy(y[0] + e * NOMOS_MPM_CHUNK, state + (mpm->n_entries - 9 + (size_t)e) * mpm->n + chunk->first, chunk->n * sizeof(Real));
      for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++)
        if (chunk->material->law[kind]) chunk->material->law[kind]->ops->apply(chunk->material->law[kind], chunk->n, NOMOS_MPM_CHUNK, y[0], y[1], NULL);
    }
    CLOCK(SORT)
    (void)NAME(MpmFind)(w, state);
    CLOCK(MOMENTUM)
#pragma omp for schedule(static)
    for (size_t c = 0; c < w->n_chunks; c++) NAME(MpmMomentum)(w, &w->chunks[c], state, dt, NULL);
    CLOCK(P2G)
    NAME(MpmScatter)(w);
    CLOCK(GRID)
    NAME(MpmVelocities)(w, false, dt);
    CLOCK(G2P)
    NAME(MpmGather)(w);
    CLOCK(ADVANCE)
#pragma omp for schedule(static)
    for (size_t c = 0; c < w->n_chunks; c++) NAME(MpmAdvance)(w, &w->chunks[c], work, dt);
    CLOCK(ADVANCE + 1)
  }
  for (int part = 0; part <= ADVANCE; part++) Shorter(&least[part], t[part + 1] - t[part]);
}

static PetscErrorCode Bench(int lattice, int cells, const char elasticity[], const char plasticity[])
{
  MpmRun       run;
  char         more[128] = "youngs_modulus: 1e5 Pa, poissons_ratio: 0.2", directory[] = "/tmp/nomos_bench_XXXXXX", command[64];
  double       least[N_PARTS], *p_bar;
  const double dt = 1e-4;

  PetscFunctionBeginUser;
  PetscCheck(mkdtemp(directory), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", directory);
  if (!strcmp(plasticity, "von_mises")) PetscCall(PetscStrlcat(more, ", yield_stress: 5e3 Pa", sizeof more));
  if (!strcmp(plasticity, "drucker_prager")) PetscCall(PetscStrlcat(more, ", friction_angle: 25", sizeof more));
  if (!strcmp(elasticity, "invariant_full")) strcpy(more, "weights_seed: 0");
  PetscCall(MpmRunCreate(directory, &run,
                         "mpm: {length: 1 m, cells: %d, gravity: [0, -9.8, 0], walls: separate, wall_nodes: 3, precision: %s}\n"
                         "materials: {it: {density: 1000, elasticity: %s, %s%s%s}}\n"
                         "bodies: {cube: {material: it, shape: box, centre: [0.5, 0.5, 0.5], size: 0.5, lattice: %d, velocity: [1, -1.5, -2], angular_velocity: [4, 4, 4]}}\n"
                         "time: {dt: %g s, stop: 1 s}\n",
                         cells, NOMOS_REAL == NOMOS_F32 ? "float32" : "float64", elasticity, more, *plasticity ? ", plasticity: " : "", plasticity, lattice, dt));
  NomosMpm    *mpm = run.mpm;
  const size_t n = mpm->n, n_reals = n * mpm->n_entries;
  const int    steps = (int)PetscMax(2, 100000 / n);
  Real        *bar, *states;
  PetscCall(PetscMalloc2(n_reals, &bar, n_reals, &states));
  PetscCall(PetscCalloc1(mpm->n_parameters + 1, &p_bar));
  for (int part = 0; part < N_PARTS; part++) least[part] = 1e9;
  for (int s = 0; s < 20; s++) PetscCall(mpm->kernels->step(mpm, dt));
  for (int r = 0; r < REPETITIONS; r++) {
    for (int s = 0; s < steps; s++) Parts(mpm, dt, bar, least);
    double t = Now();
    for (int s = 0; s < steps; s++) PetscCall(mpm->kernels->step(mpm, dt));
    Shorter(&least[STEP], (Now() - t) / steps);
    for (size_t i = 0; i < n_reals; i++) bar[i] = (Real)(i % 7) - 3;
    memcpy(states, mpm->state, n_reals * sizeof(Real));
    t = Now();
    for (int s = 0; s < steps; s++) PetscCall(mpm->kernels->vjp(mpm, dt, states, bar, p_bar));
    Shorter(&least[GRADIENT], (Now() - t) / steps);
  }
  printf("%7zu %-16s %-14s", n, elasticity, *plasticity ? plasticity : "-");
  for (int part = 0; part <= STEP; part++) printf(" %7.1f", 1e9 * least[part] / (double)n);
  printf(" %9.2e %8.1f %9.2e\n", (double)n / least[STEP], 1e9 * least[GRADIENT] / (double)n, (double)n / (least[STEP] + least[GRADIENT]));
  PetscCall(PetscFree2(bar, states));
  PetscCall(PetscFree(p_bar));
  PetscCall(MpmRunDestroy(&run));
  snprintf(command, sizeof command, "rm -rf %s", directory);
  PetscCheck(!system(command), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const int   sizes[][2] = {{10, 20}, {22, 32}, {46, 64}};
  static const char *laws[][2]  = {{"neo_hookean", ""}, {"fixed_corotated", ""}, {"stvk_hencky", "von_mises"}, {"invariant_full", "invariant_full"}};

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(NomosErrorHandlerPush(false));
  PetscCall(NomosLawRegister(nomos_laws));
  PetscCall(NomosLawRegister(nomos_learned_laws));
  printf("the material point method, %s, %d threads: ns a particle; particle-steps a second\n", NOMOS_REAL == NOMOS_F32 ? "float32" : "float64", omp_get_max_threads());
  printf("      n elasticity       plasticity         law    sort momentum    p2g    grid     g2p advance    step   steps/s gradient    both/s\n");
  if (argc > 4) PetscCall(Bench(atoi(argv[1]), atoi(argv[2]), argv[3], argv[4]));
  for (int l = 0; argc <= 4 && l < 4; l++)
    for (int s = 0; s < 3; s++) PetscCall(Bench(sizes[s][0], sizes[s][1], laws[l][0], laws[l][1]));
  PetscCall(NomosErrorHandlerPop());
  PetscCall(PetscFinalize());
  return 0;
}
