/* What constitutive laws cost: ns per point of one thread, the least of many repetitions, for each law that is registered; and of the derivative with what `apply` has kept.

   usage: bench_laws [points]   (default 4096: in cache, as blocks of the material point method are) */
#include "../law_checks.h"
#include "operators/real.h"
#include "solvers/mpm/law_list.h"
#include "timing.h"

#include <float.h>
#include <stdlib.h>

enum { REPETITIONS = 200 };

typedef enum { APPLY, APPLY_KEEPING, JVP, VJP, VJP_KEPT, N_WORKS } Work;

typedef struct {
  NomosLaw law;
  size_t   n;
  Real    *F, *bar, *y, *kept;
} Arrays;

static void Do(const Arrays *a, Work work)
{
  const NomosLawOps *ops = a->law->ops;
  double             p[8] = {0};

  switch (work) {
  case APPLY:
  case APPLY_KEEPING:
    ops->apply(a->law, a->n, a->n, a->F, a->y, work == APPLY ? NULL : a->kept);
    break;
  case JVP:
    ops->jvp(a->law, a->n, a->n, a->F, a->bar, NULL, a->y);
    break;
  default:
    ops->vjp(a->law, a->n, a->n, a->F, a->bar, work == VJP ? NULL : a->kept, a->y, p);
  }
}

int main(int argc, char **argv)
{
  static const char *const material[] = {"youngs_modulus=3e5", "poissons_ratio=0.25", "yield_stress=5e3", "friction_angle=25", "consistency=100", "flow_index=0.5", NULL};
  const size_t             n          = argc > 1 ? (size_t)atoi(argv[1]) : 4096;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(NULL, NULL, NULL, NULL));
  PetscCall(NomosLawRegister(nomos_laws));
  printf("constitutive laws, %s, %zu points: ns per point\n%-18s %8s %8s %8s %8s %8s\n", NOMOS_REAL == NOMOS_F32 ? "f32" : "f64", n, "", "apply", "keeping", "jvp", "vjp", "kept");
  for (const NomosLawOps *const *ops = NomosLaws(); *ops; ops++) {
    TestLaw test;
    PetscCall(TestLawCreate(*ops, NOMOS_REAL, material, &test));
    const size_t n_kept = (*ops)->kept_reals ? (*ops)->kept_reals(test.law) : 0;
    Arrays       a      = {.law = test.law, .n = n};
    PetscCall(PetscMalloc4(9 * n, &a.F, 9 * n, &a.bar, 9 * n, &a.y, n_kept * n + 1, &a.kept));
    double sample[9 * N_POINTS];
    TestDeformations(DEFORMATIONS_SMALL, sample);
    for (size_t e = 0; e < 9; e++)
      for (size_t k = 0; k < n; k++) {
        a.F[e * n + k]   = (Real)sample[e * N_POINTS + k % N_POINTS];
        a.bar[e * n + k] = (Real)((k * 9 + e) % 17) - 8;
      }
    printf("%-18s", (*ops)->name);
    for (Work work = 0; work < N_WORKS; work++) {
      double least = DBL_MAX;
      for (int r = 0; r < REPETITIONS; r++) {
        const double start = Now();
        Do(&a, work);
        least = fmin(least, Now() - start);
      }
      printf(" %8.2f", 1e9 * least / (double)n);
    }
    printf("\n");
    PetscCall(PetscFree4(a.F, a.bar, a.y, a.kept));
    PetscCall(TestLawDestroy(&test));
  }
  PetscCall(PetscFinalize());
  return 0;
}
