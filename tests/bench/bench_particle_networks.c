/* Networks of particles at the same points: two sets of N in a square of side 0.27 in a unit box, neighbours within 2.3 spacings. Milliseconds of an acceleration and of its gradient by all weights, for one set of the batch,
   and how long each takes beside gns of 10 layers and the same width. The graph is there already; the latent grid's pairs are not.

   usage: bench_particle_networks [N ...] */
#include "operators/random.h"
#include "operators/real.h"
#include "surrogates/reduced_order_graph/particle_network_list.h"
#include "tests/bench/timing.h"

#include <math.h>
#include <stdio.h>

#ifdef NOMOS_SINGLE
static const NomosRealType real = NOMOS_F32;
#else
static const NomosRealType real = NOMOS_F64;
#endif

enum { PAIRS = 5, SETS = 2, FEATURES = 16 + 2 * (5 + 2), MAX_SETTINGS = 4, MAX_TENSORS = 512 };

static const struct {
  const char                    *name;
  const NomosParticleNetworkOps *ops;
  const char                    *settings[MAX_SETTINGS];
} networks[] = {
  {"gns, 10 layers, width 32",           &NomosParticleNetworkOps_Gns,       {"gns.width=32"}                                        },
  {"gns, 4 layers, width 32",            &NomosParticleNetworkOps_Gns,       {"gns.width=32", "gns.layers=4"}                        },
  {"giorom, 2 + 2 layers, width 32",     &NomosParticleNetworkOps_Giorom,    {"giorom.hidden=32"}                                    },
  {"the same without a grid",            &NomosParticleNetworkOps_Giorom,    {"giorom.hidden=32", "giorom.latent=none"}              },
  {"gns, 10 layers, width 64",           &NomosParticleNetworkOps_Gns,       {"gns.width=64"}                                        },
  {"gns, 4 layers, width 64",            &NomosParticleNetworkOps_Gns,       {"gns.width=64", "gns.layers=4"}                        },
  {"giorom, the default",                &NomosParticleNetworkOps_Giorom,    {NULL}                                                  },
  {"the same without a grid",            &NomosParticleNetworkOps_Giorom,    {"giorom.latent=none"}                                  },
  {"giorom, attention on 16 x 16 nodes", &NomosParticleNetworkOps_Giorom,    {"giorom.latent=attention", "giorom.points=16", "giorom.width=64"}},
  {"neural_mpm, the default",            &NomosParticleNetworkOps_NeuralMpm, {NULL}                                                  },
};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

typedef struct {
  NomosConfig     config;
  NomosParameters parameters;
  NomosTape       tape;
  void           *context;
  NomosGraph      graph;
  size_t          n, first[SETS + 1];
  double          radius, *x, *nodes;
  void           *gradient;
} Bench;

static PetscErrorCode Create(int k, size_t n, Bench *b)
{
  const NomosParticleNetworkOps *ops     = networks[k].ops;
  const double                   spacing = 0.27 / sqrt((double)n);
  const size_t                   side    = (size_t)ceil(sqrt((double)n));

  PetscFunctionBeginUser;
  *b = (Bench){.n = SETS * n, .first = {0, n, 2 * n}, .radius = 2.3 * spacing, .x = malloc(2 * SETS * n * sizeof *b->x), .nodes = malloc(FEATURES * SETS * n * sizeof *b->nodes)};
  for (size_t i = 0; i < SETS * n; i++)
    for (size_t a = 0; a < 2; a++) b->x[2 * i + a] = 0.3 + spacing * ((double)(a ? i % n / side : i % n % side) + 0.4 * NomosRandomUniform(1, a, i));
  for (size_t i = 0; i < FEATURES * SETS * n; i++) b->nodes[i] = NomosRandomNormal(2, 0, i);
  PetscCall(NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = 2, .n_sets = SETS, .first = b->first, .x = b->x, .radius = b->radius}, NULL, &b->graph));
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &b->config));
  for (int i = 0; i < MAX_SETTINGS && networks[k].settings[i]; i++) PetscCall(NomosConfigSet(b->config, networks[k].settings[i]));
  PetscCall(NomosConfigRegister(b->config, ops->n_params, ops->params));
  PetscCall(NomosConfigCheck(b->config));
  PetscCall(NomosParametersCreate(real, &b->parameters));
  const NomosParticleShape shape = {.d = 2, .n_nodes = FEATURES, .radius = b->radius, .high = {1, 1}};
  PetscCall(PetscCalloc(ops->context, &b->context));
  PetscCall(ops->create(&(NomosParticleNetworkInput){.config = b->config, .parameters = b->parameters, .shape = &shape}, b->context));
  PetscCall(NomosParametersInitialise(b->parameters, 1));
  PetscCall(NomosTapeCreate(&b->tape));
  b->gradient = malloc(NomosParametersSize(b->parameters) * sizeof(double));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(int k, Bench *b)
{
  PetscFunctionBeginUser;
  free(b->x);
  free(b->nodes);
  free(b->gradient);
  PetscCall(NomosGraphDestroy(&b->graph));
  if (networks[k].ops->discard) PetscCall(networks[k].ops->discard(b->context));
  PetscCall(PetscFree(b->context));
  PetscCall(NomosTapeDestroy(&b->tape));
  PetscCall(NomosParametersDestroy(&b->parameters));
  PetscCall(NomosConfigDestroy(&b->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Pass(int k, Bench *b, bool gradient, double *ms)
{
  NomosTensor  w[MAX_TENSORS];
  double       loss;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(b->tape));
  (void)NomosTapeSetRecording(b->tape, gradient);
  const double start = Now();
  PetscCall(NomosParametersBind(b->parameters, b->tape, w));
  const NomosTensor x = NomosTensorFromDoubles(b->tape, real, 2, (size_t[]){b->n, 2}, b->x);
  const NomosParticleBatch batch = {.n = b->n, .n_sets = SETS, .first = b->first, .x = x, .nodes = NomosTensorFromDoubles(b->tape, real, 2, (size_t[]){b->n, FEATURES}, b->nodes), .graph = b->graph, .edges = NomosGraphEdgeFeatures(b->graph, x, b->radius)};
  const NomosTensor a = networks[k].ops->apply(b->context, w, &batch), error = NomosMeanAll(NomosMultiply(a, a));
  PetscCall(NomosTensorGetScalar(error, &loss));
  if (gradient) PetscCall(NomosParametersGradient(b->parameters, error, w, b->gradient));
  *ms = 1e3 * (Now() - start) / SETS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(size_t n)
{
  double reference[2] = {0};

  PetscFunctionBeginUser;
  for (int k = 0; k < N_NETWORKS; k++) {
    Bench  b;
    double ms[2][PAIRS], median[2];
    PetscCall(Create(k, n, &b));
    for (int gradient = 0; gradient < 2; gradient++) {
      PetscCall(Pass(k, &b, gradient, &ms[gradient][0]));
      for (int i = 0; i < PAIRS; i++) PetscCall(Pass(k, &b, gradient, &ms[gradient][i]));
      median[gradient] = Median(ms[gradient]);
      if (networks[k].ops == &NomosParticleNetworkOps_Gns && !networks[k].settings[1]) reference[gradient] = median[gradient];
    }
    if (!k) printf("%zu points, %.1f neighbours each, %s, %d threads\n%-36s %12s %12s %12s %10s %10s\n", n, (double)NomosGraphEdges(b.graph) / (double)b.n, real == NOMOS_F32 ? "float32" : "float64", omp_get_max_threads(), "", "parameters", "forward ms", "gradient ms", "x gns", "x gns");
    printf("%-36s %12zu %12.2f %12.2f %10.2f %10.2f\n", networks[k].name, NomosParametersSize(b.parameters), median[0], median[1], median[0] / reference[0], median[1] / reference[1]);
    PetscCall(Destroy(k, &b));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(NULL, NULL, NULL, NULL));
  if (argc < 2) PetscCall(Measure(300));
  for (int i = 1; i < argc; i++) PetscCall(Measure((size_t)strtoul(argv[i], NULL, 10)));
  PetscCall(PetscFinalize());
  return 0;
}
