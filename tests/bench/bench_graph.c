/* Graphs of points from 1e3 on: neighbours within a radius (14 of each in the mean) and the 8 nearest, the graph, and a layer of message passing of width 16 with 2 hidden layers, forward and with its gradient. Time and memory should grow with points and edges and no faster.

   usage: bench_graph [LARGEST]   points, 100000 by default */
#include "operators/neighbours.h"
#include "operators/random.h"
#include "surrogates/modules/graph.h"
#include "tests/bench/timing.h"

#include "operators/real.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

enum { WIDTH = 16 };

static double Megabytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_maxrss / 1024;
}

static PetscErrorCode Measure(int d, size_t n)
{
  const double    radius = d == 2 ? sqrt(14 / (PETSC_PI * (double)n)) : cbrt(14 / (4 * PETSC_PI / 3 * (double)n)); /* in a unit box */
  const int       repeats = n >= 1000000 ? 1 : 5;
  double         *x = malloc((size_t)d * n * sizeof *x), best[5] = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY};
  NomosNeighbours neighbours;
  NomosGraph      graph = NULL;
  NomosParameters parameters;
  NomosTape       tape;
  NomosTensor     w[32], bar[2];
  NomosMessagePassing layer;
  size_t          most = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < (size_t)d * n; i++) x[i] = NomosRandomUniform(1, (uint64_t)d, i);
  PetscCall(NomosParametersCreate(NOMOS_REAL, &parameters));
  PetscCall(NomosMessagePassingCreate(parameters, "layer", &(NomosMessagePassingInput){.node = WIDTH, .edge = WIDTH, .n_hidden = 2, .width = WIDTH, .activation = NOMOS_RELU, .layer_norm = true, .residual = true}, &layer));
  PetscCall(NomosParametersInitialise(parameters, 1));
  PetscCall(NomosTapeCreate(&tape));
  for (int r = 0; r < repeats; r++) {
    const NomosNeighbourInput input = {.d = d, .n = n, .x = x, .self = true};
    double                    begin = Now();
    PetscCall(NomosNeighboursWithin(&input, radius, &neighbours));
    best[0] = PetscMin(best[0], Now() - begin);
    PetscCall(NomosNeighboursFree(&neighbours));
    begin = Now();
    PetscCall(NomosNeighboursNearest(&input, 8, &neighbours));
    best[1] = PetscMin(best[1], Now() - begin);
    PetscCall(NomosNeighboursFree(&neighbours));
    PetscCall(NomosGraphDestroy(&graph));
    begin = Now();
    PetscCall(NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = d, .n_sets = 1, .first = (size_t[]){0, n}, .x = x, .radius = radius}, NULL, &graph));
    best[2] = PetscMin(best[2], Now() - begin);
    PetscCall(NomosTapeReset(tape));
    PetscCall(NomosParametersBind(parameters, tape, w));
    const size_t      edges = NomosGraphEdges(graph);
    const NomosTensor state = NomosTensorCreate(tape, NOMOS_REAL, 2, (size_t[]){n + edges, WIDTH}, NULL);
    NomosTensor       v = NomosSlice(state, 0, 0, n, 1), e = NomosSlice(state, 0, n, edges, 1);
    begin = Now();
    NomosMessagePassingApply(&layer, w, graph, &v, &e);
    const NomosTensor sum = NomosSumAll(v);
    best[3] = PetscMin(best[3], Now() - begin);
    begin = Now();
    PetscCall(NomosGradient(&(NomosGradientInput){.y = sum, .n = 2, .x = (NomosTensor[]){state, w[0]}}, bar));
    best[4] = PetscMin(best[4], Now() - begin);
    NomosTapeUsage(tape, NULL, &most, NULL);
  }
  const double points = (double)n, edges = (double)NomosGraphEdges(graph);
  printf("%d %8zu %6.1f %9.0f %9.0f %9.0f %9.1f %9.1f %9.0f %9.0f\n", d, n, edges / points, 1e9 * best[0] / points, 1e9 * best[1] / points, 1e9 * best[2] / points, 1e9 * best[3] / edges, 1e9 * best[4] / edges, (double)most / (edges + points), Megabytes());
  fflush(stdout);
  free(x);
  PetscCall(NomosGraphDestroy(&graph));
  PetscCall(NomosParametersDestroy(&parameters));
  PetscCall(NomosTapeDestroy(&tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  const size_t largest = argc > 1 ? (size_t)atol(argv[1]) : 100000;
  printf("%d threads, %zu bytes a number\nd   points  edges/  ns a point: within, nearest 8, graph; ns an edge: layer, gradient; bytes of the tape a node or edge; MB of the process\n", omp_get_max_threads(), sizeof(Real));
  for (int d = 2; d <= 3; d++)
    for (size_t n = 1000; n <= largest; n *= 10) PetscCall(Measure(d, n));
  PetscCall(PetscFinalize());
  return 0;
}
