/* Energy errors of long runs beside those that other code had (double precision, sums not compensated), and what data of the systems cost:

     scheme: largest |dE/E| of the run (that of its first hundredth), the other code's
     data: 10,000 trajectories of 200 points of four systems, by the generator hamiltonian_systems, file included, s

   Of Henon-Heiles and the magnetic bottle the other code's initial states are not known. That of Henon-Heiles has q = (0, 0.1) and an energy of 1/12; that of the bottle is the one of a grid of round numbers of which
   leapfrog, yoshida4 and kahan_li6 come nearest to the other code's figures, so that the three other columns are the comparison. usage: bench_hamiltonian */
#include "cases/generator_list.h"
#include "solvers/hamiltonian/system_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const schemes[] = {"leapfrog", "yoshida4", "blanes_moan4", "kahan_li6", "yoshida8", "rk4"};

static const struct {
  const char *system, *setting;
  double      x[4], dt, stop, other[6]; /* x all 0: the system's own */
} problems[] = {
  {"henon_heiles", NULL, {0, 0.1, 0.39665266081716044, 0}, 0.05, 1e4, {6.2e-4, 5.1e-7, 2.7e-9, 1.5e-11, 2.9e-13, 6.8e-5}},
  {"henon_heiles", NULL, {0, 0.1, 0.39665266081716044, 0}, 0.1, 1e4, {2.5e-3, 8.2e-6, 4.3e-8, 9.4e-10, 4.2e-11, 2.2e-3}},
  {"pendulum", NULL, {1.5, 0}, 0.05, 1e4, {5.3e-4, 5.4e-7, 4.4e-10, 1.6e-11, 3.1e-13, 2.5e-5}},
  {"kepler", NULL, {0}, 0.01, 6283.1853, {7.4e-4, 1.0e-6, 8.7e-9, 4.0e-11, 1.7e-12, 2.2e-5}},
  {"n_body", "n_body.start=figure_eight", {0}, 0.01, 632.59, {5.9e-5, 7.0e-9, 3.8e-10, 5.6e-13, 6.7e-14, 2.6e-7}},
  {"magnetic_bottle", NULL, {0.3, 0.5, 0.2, 0.3}, 0.05, 1e4, {1.2e-3, 5.4e-6, 8.7e-9, 2.9e-10, 2.8e-12, 4.1e-4}},
};

typedef struct {
  NomosConfig                   config;
  const NomosHamiltonianSystem *system;
  NomosHamiltonian              h;
} Subject;

static PetscErrorCode Begin(const char name[], const char setting[], Subject *s)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &s->config));
  PetscCall(NomosHamiltonianSystemFind(name, "bench", &s->system));
  if (setting) PetscCall(NomosConfigSet(s->config, setting));
  PetscCall(NomosConfigRegister(s->config, s->system->n_params, s->system->params));
  PetscCall(NomosHamiltonianSystemCreate(s->system, s->config, &s->h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(Subject *s)
{
  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianSystemDestroy(s->system, &s->h));
  PetscCall(NomosConfigDestroy(&s->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Errors(size_t problem)
{
  Subject s;

  PetscFunctionBeginUser;
  PetscCall(Begin(problems[problem].system, problems[problem].setting, &s));
  printf("%-16s dt %g, to %g\n", s.system->name, problems[problem].dt, problems[problem].stop);
  for (size_t k = 0; k < sizeof schemes / sizeof *schemes; k++) {
    NomosHamiltonianFlow flow;
    const int64_t        n = (int64_t)(problems[problem].stop / problems[problem].dt);
    double               x[12], carry[12] = {0}, E, H, worst = 0, first = 0;
    PetscCall(s.system->initial(s.config, 1, 0, x));
    if (problems[problem].x[1] != 0 || problems[problem].x[0] != 0) memcpy(x, problems[problem].x, 2 * s.h.d * sizeof *x);
    PetscCall(s.h.energy(s.h.ctx, 1, x, &E));
    PetscCall(NomosHamiltonianFlowCreate(&(NomosHamiltonianFlowInput){.hamiltonian = &s.h, .scheme = schemes[k], .n = 1, .compensated = true}, &flow));
    for (int64_t i = 0; i < n; i++) {
      PetscCall(NomosHamiltonianFlowStep(flow, problems[problem].dt, x, carry));
      PetscCall(s.h.energy(s.h.ctx, 1, x, &H));
      worst = fmax(worst, fabs(H / E - 1));
      if (i < n / 100) first = worst;
    }
    printf("  %-14s %8.1e (%8.1e)  %8.1e\n", schemes[k], worst, first, problems[problem].other[k]);
    PetscCall(NomosHamiltonianFlowDestroy(&flow));
  }
  PetscCall(End(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Data(void)
{
  const NomosGenerator *generator = &nomos_generator_hamiltonian_systems;
  NomosConfig           config;
  char                  path[] = "/tmp/bench_hamiltonian_XXXXXX";
  const int             file   = mkstemp(path);

  PetscFunctionBeginUser;
  PetscCheck(file >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s cannot be made", path);
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &config));
  PetscCall(NomosConfigSet(config, "hamiltonian_systems.systems=[mass_spring, pendulum, henon_heiles, magnetic_bottle]"));
  PetscCall(NomosConfigSet(config, "hamiltonian_systems.orbits=10000"));
  PetscCall(NomosConfigRegister(config, generator->n_params, generator->params));
  PetscCall(generator->declare(config));
  const double start = MPI_Wtime();
  PetscCall(generator->write(&(NomosGeneratorOutput){.comm = PETSC_COMM_SELF, .config = config, .path = path}, &(bool){false}));
  printf("data of four systems %5.2f s\n", MPI_Wtime() - start);
  PetscCall(NomosConfigDestroy(&config));
  unlink(path);
  close(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(Data());
  for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) PetscCall(Errors(i));
  PetscCall(PetscFinalize());
  return 0;
}
