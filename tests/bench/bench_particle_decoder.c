/* What it costs to know where N points are from where 1000 are: set-up (neighbours, weights, matrix), a frame x = X + W u, its derivative W^T x_bar, and memory; points in the unit square or cube. With the time of a learned step of the 1000
   points also how much longer step and N points take than step and 1000 points.

   usage: bench_particle_decoder [STEP_MS [N ...]] */
#include "operators/random.h"
#include "operators/real.h"
#include "surrogates/reduced_order_graph/particle_decoder.h"
#include "tests/bench/timing.h"

#include <petscsys.h>
#include <stdio.h>

#ifdef NOMOS_SINGLE
static const NomosRealType real = NOMOS_F32;
#else
static const NomosRealType real = NOMOS_F64;
#endif

enum { SPARSE = 1000, REPEATS = 9, MOST = 8 };

static const struct {
  const char *name;
  int         d;
  const char *setting;
} decoders[] = {{"shepard", 2, NULL}, {"mls", 2, NULL}, {"mls", 3, NULL}, {"kernel", 2, NULL}, {"neural_field", 2, NULL}, {"grid_splat", 2, "grid_splat.cells=32"}, {"fom_kernel", 2, "fom_kernel.radius=0.1"}};

typedef struct {
  size_t  n;
  double *X, *x, Y[3 * SPARSE], y[3 * SPARSE];
} Points;

static PetscErrorCode PointsCreate(int d, size_t n, Points *p)
{
  const size_t size = n * (size_t)d;

  PetscFunctionBeginUser;
  p->n = n;
  PetscCall(PetscMalloc2(size, &p->X, size, &p->x));
  for (size_t i = 0; i < size; i++) p->X[i] = NomosRandomUniform(1, 1, i);
  for (size_t i = 0; i < SPARSE * (size_t)d; i++) {
    p->Y[i] = NomosRandomUniform(1, 2, i);
    p->y[i] = p->Y[i] + 0.01 * NomosRandomNormal(1, 3, i);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ms of a frame and of its derivative, the shortest of some. */
static PetscErrorCode TimeFrames(NomosParticleDecoderPlan plan, Points *p, double ms[2])
{
  double y_bar[3 * SPARSE] = {0};

  PetscFunctionBeginUser;
  for (int way = 0; way < 2; way++) {
    ms[way] = 1e30;
    for (int k = 0; k < REPEATS; k++) {
      const double start = Now();
      if (way) PetscCall(NomosParticleDecoderEvaluateVjp(plan, p->y, p->X, y_bar));
      else PetscCall(NomosParticleDecoderEvaluate(plan, p->y, p->x));
      ms[way] = PetscMin(ms[way], 1e3 * (Now() - start));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(NomosParticleDecoder decoder, NomosParameters parameters, int d, size_t n, double step, double *least)
{
  Points                   p;
  NomosParticleDecoderPlan plan;
  PetscLogDouble           before, after;
  double                   ms[2];

  PetscFunctionBeginUser;
  PetscCall(PointsCreate(d, n, &p));
  PetscCall(PetscMemoryGetCurrentUsage(&before));
  const double start = Now();
  PetscCall(NomosParticleDecoderPlanCreate(decoder, &(NomosParticleReference){.d = d, .n_sparse = SPARSE, .n_points = n, .Y = p.Y, .X = p.X}, &plan));
  PetscCall(NomosParticleDecoderFreeze(plan, parameters));
  const double setup = 1e3 * (Now() - start);
  PetscCall(PetscMemoryGetCurrentUsage(&after));
  PetscCall(TimeFrames(plan, &p, ms));
  if (*least == 0) *least = ms[0];
  printf("  %9zu points   set-up %9.2f ms   frame %9.3f ms, %6.2f ns a point   derivative %9.3f ms   %5.0f bytes a point", n, setup, ms[0], 1e6 * ms[0] / (double)n, ms[1], (after - before) / (double)n);
  if (step > 0) printf("   step and frame %.3f times those of the first", (step + ms[0]) / (step + *least));
  printf("\n");
  PetscCall(NomosParticleDecoderPlanDestroy(&plan));
  PetscCall(PetscFree2(p.X, p.x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(size_t k, double step, size_t n_sizes, const size_t sizes[])
{
  NomosConfig          config;
  NomosParameters      parameters;
  NomosParticleDecoder decoder;
  double               least = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &config));
  if (decoders[k].setting) PetscCall(NomosConfigSet(config, decoders[k].setting));
  PetscCall(NomosParticleDecoderDeclareNamed(config, decoders[k].name));
  PetscCall(NomosConfigCheck(config));
  PetscCall(NomosParametersCreate(real, &parameters));
  PetscCall(NomosParticleDecoderCreateNamed(config, decoders[k].name, parameters, decoders[k].d, &decoder));
  PetscCall(NomosParametersInitialise(parameters, 1));
  printf("%s in %d dimensions\n", decoders[k].name, decoders[k].d);
  for (size_t i = 0; i < n_sizes; i++) PetscCall(Measure(decoder, parameters, decoders[k].d, sizes[i], step, &least));
  PetscCall(NomosParticleDecoderDestroy(&decoder));
  PetscCall(NomosParametersDestroy(&parameters));
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  size_t       sizes[MOST] = {1000, 10000, 100000, 1000000}, n = 4;
  const double step = argc > 1 ? atof(argv[1]) : 0;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(NULL, NULL, NULL, NULL));
  if (argc > 2)
    for (n = 0; n + 2 < (size_t)argc && n < MOST; n++) sizes[n] = (size_t)atol(argv[n + 2]);
  printf("from %d points, %s, %d thread%s\n", SPARSE, real == NOMOS_F32 ? "float32" : "float64", omp_get_max_threads(), omp_get_max_threads() > 1 ? "s" : "");
  for (size_t k = 0; k < sizeof decoders / sizeof *decoders; k++) PetscCall(Run(k, step, n, sizes));
  PetscCall(PetscFinalize());
  return 0;
}
