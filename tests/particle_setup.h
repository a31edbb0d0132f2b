/* Small data of particles for tests: clouds in the unit square (or cube) that are pulled towards its middle, x_{k+1} = 2 x_k - x_{k-1} - PULL (x_k - 1/2), exactly; and the surrogate of such data. */
#ifndef NOMOS_TESTS_PARTICLE_SETUP_H
#define NOMOS_TESTS_PARTICLE_SETUP_H

#include "cases/train.h"
#include "io/particle_file.h"
#include "operators/random.h"
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"
#include "surrogates/surrogate_list.h"
#include "tests/training_setup.h"

#include <sys/stat.h>

#define PULL 0.02

typedef struct {
  size_t   n, n_frames, n_particles; /* trajectories; the i-th has n_particles + i % 3 */
  int      d;
  uint64_t seed;
  const char *second_kind, *parameter; /* NULL: water, stiffness */
  bool        swapped;                 /* the file names the second kind first */
  double      interval, high;          /* s between frames, 0: 0.005; m, the upper wall along x, 0: 1 */
  bool        walls;                   /* the second kind goes to and fro, whatever pulls the first */
} CloudData;

static inline void WriteClouds(const char name[], const CloudData *c)
{
  const char *const       second = c->second_kind ? c->second_kind : "water", *const kinds[] = {c->swapped ? second : "jelly", c->swapped ? "jelly" : second}, *const parameters[] = {c->parameter ? c->parameter : "stiffness"};
  const NomosParticleSet   set = {.d = c->d, .interval = c->interval > 0 ? c->interval : 0.005, .bounded = true, .high = {c->high > 0 ? c->high : 1, 1, 1}, .radius = 0.5, .n_kinds = 2, .kinds = kinds, .n_parameters = 1, .parameters = parameters, .units = "m, s", .title = "clouds", .type = NOMOS_F64};
  const size_t             d = (size_t)c->d;
  char                     path[NOMOS_MAX_PATH + 64];
  NomosParticleWriter      writer;

  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  ck_ok(NomosParticleWriterCreate(path, &set, &writer));
  for (size_t i = 0; i < c->n; i++) {
    const size_t n    = c->n_particles + i % 3;
    double      *x    = malloc(c->n_frames * n * d * sizeof *x);
    int32_t     *kind = malloc(n * sizeof *kind);
    for (size_t p = 0; p < n; p++) kind[p] = (int32_t)((p + c->swapped) % 2);
    for (size_t k = 0; k < n * d; k++) {
      const uint64_t number = i * 3 + k % d;
      const double   middle = 0.3 + 0.4 * NomosRandomUniform(c->seed, 1, number), velocity = 0.02 * (NomosRandomUniform(c->seed, 2, number) - 0.5);
      x[k]         = middle + 0.2 * (NomosRandomUniform(c->seed, 3, i * 1000 + k) - 0.5);
      x[n * d + k] = x[k] + velocity;
      for (size_t f = 2; f < c->n_frames; f++) x[f * n * d + k] = 2 * x[(f - 1) * n * d + k] - x[(f - 2) * n * d + k] - PULL * (x[(f - 1) * n * d + k] - 0.5);
      for (size_t f = 1; f < c->n_frames && c->walls && k / d % 2; f++) x[f * n * d + k] = x[k] + 0.1 * (double)(f % 2);
    }
    NomosParticleMotion motion = {.n_frames = c->n_frames, .n_particles = n, .parameters = (double[]){1 + (double)i}, .simulation = ""};
    ck_ok(NomosParticleWriterAdd(writer, &(NomosParticleRecord){.motion = &motion, .kind = kind, .type = NOMOS_F64, .x = x}));
    free(x);
    free(kind);
  }
  ck_ok(NomosParticleWriterClose(&writer, true));
}

/* periodic/clouds.h5, of a domain that is so along y. */
static inline void WritePeriodic(void)
{
  char path[NOMOS_MAX_PATH + 64];

  snprintf(path, sizeof path, "%s/periodic", ck_directory);
  ck_assert(!mkdir(path, 0700));
  WriteClouds("periodic/clouds.h5", &(CloudData){.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7});
  strcat(path, "/metadata.json");
  FILE *out = fopen(path, "w");
  fprintf(out, "{\"dim\": 2, \"periodic_boundary_conditions\": [false, true, false]}\n");
  fclose(out);
}

/* The surrogate of a file of the suite's directory with settings (they end with NULL): a small network in float64 unless they say otherwise. program: whose models it simulates with; NULL: it cannot. weights: that will be judged; NULL: none. */
static inline PetscErrorCode CreateGraphWith(MPI_Comm comm, NomosProgram *program, const char weights[], const char file[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  static const NomosModelOps *const no_models[] = {NULL};
  const NomosSurrogateOps          *ops;
  const char                       *all[32] = {"train.precision=float64", "reduced_order_graph.radius=0.5", "reduced_order_graph.points=6", "gns.width=8", "gns.layers=1"};
  char                              yaml[NOMOS_MAX_PATH];
  size_t                            n = 5;
  int                               rank;

  PetscFunctionBeginUser;
  for (size_t i = 0; settings[i]; i++) all[n++] = settings[i];
  *config = NULL;
  *s      = NULL;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(yaml, sizeof yaml, "%.2000s/case.yaml", ck_directory);
  if (!rank) {
    FILE *out = fopen(yaml, "w");
    fprintf(out, "case: {title: test}\nsurrogate: reduced_order_graph\ndata: {path: %.2000s/%s, validation: 0, test: 0}\n", ck_directory, file);
    fclose(out);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  PetscCall(NomosTrainingCaseLoad(comm, &(NomosCaseInput){.path = yaml, .models = no_models, .n_set = n, .set = all}, nomos_surrogates, config, &ops));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = comm, .ops = ops, .config = *config, .simulate = program ? NomosTrainSimulate : NULL, .simulate_context = program, .weights = weights}, s));
  PetscCall(ops->fit(*s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode CreateGraphOf(MPI_Comm comm, NomosProgram *program, const char file[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  return CreateGraphWith(comm, program, NULL, file, settings, config, s);
}

static inline PetscErrorCode CreateGraph(MPI_Comm comm, const char file[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  return CreateGraphOf(comm, NULL, file, settings, config, s);
}

/* The surrogate particle_decoder of such a file, whose trajectories are all for the training, with settings (they end with NULL): in float64, all particles are sparse points. weights: that will be judged; NULL: none. */
static inline PetscErrorCode CreateDecodingWith(const char weights[], const char file[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  static const NomosModelOps *const no_models[] = {NULL};
  const NomosSurrogateOps          *ops;
  const char                       *all[32] = {"train.precision=float64", "particle_decoder.sparse=[1000]"};
  char                              yaml[NOMOS_MAX_PATH];
  size_t                            n = 2;

  PetscFunctionBeginUser;
  while (*settings) all[n++] = *settings++;
  snprintf(yaml, sizeof yaml, "%.2000s/decoder.yaml", ck_directory);
  FILE *out = fopen(yaml, "w");
  fprintf(out, "case: {title: test}\nsurrogate: particle_decoder\ndata: {path: %.2000s/%s, validation: 0, test: 0}\n", ck_directory, file);
  fclose(out);
  PetscCall(NomosTrainingCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = yaml, .models = no_models, .n_set = n, .set = all}, nomos_surrogates, config, &ops));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_SELF, .ops = ops, .config = *config, .weights = weights}, s));
  PetscCall(ops->fit(*s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode CreateDecoding(const char file[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  return CreateDecodingWith(NULL, file, settings, config, s);
}

static inline void EndGraph(NomosConfig *config, NomosSurrogate *s)
{
  if (*s) ck_ok(NomosSurrogateDestroy(s));
  if (*config) ck_ok(NomosConfigDestroy(config));
}

/* ---- trainings and figures */

typedef struct {
  size_t n;
  char   names[64][2 * NOMOS_MAX_NAME];
  double values[64];
} Figures;

static inline PetscErrorCode TakeFigure(const char name[], double value, void *ctx)
{
  Figures *figures = ctx;
  snprintf(figures->names[figures->n], sizeof figures->names[0], "%s", name);
  figures->values[figures->n++] = value;
  return PETSC_SUCCESS;
}

static inline double Figure(const Figures *figures, const char name[])
{
  for (size_t i = 0; i < figures->n; i++)
    if (!strcmp(figures->names[i], name)) return figures->values[i];
  ck_abort_msg("%s was not told", name);
  return NAN;
}

/* To step `stop` (0: to the end), or on from the checkpoint there. *weights (float64): PetscFree. */
static inline void TrainGraph(NomosSurrogate s, int64_t stop, bool resume, NomosTrainingStatus *status, double **weights, size_t *n)
{
  NomosTraining training;
  const void   *values;

  ck_ok(NomosTrainingCreate(s, &training));
  if (resume) TrainingTake(s->comm, training);
  *status = TrainingGo(s->comm, training, resume ? 0 : stop);
  *n = NomosParametersSize(s->parameters);
  ck_ok(NomosParametersValues(s->parameters, &values));
  ck_ok(PetscMalloc1(*n, weights));
  ck_ok(PetscArraycpy(*weights, (const double *)values, *n));
  ck_ok(NomosTrainingDestroy(&training));
}

#endif
