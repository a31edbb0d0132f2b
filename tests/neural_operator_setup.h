/* What the suites of the surrogate `neural_operator` share: four waves on a line and on a plane, and what it tells of itself. */
#ifndef NOMOS_TESTS_NEURAL_OPERATOR_SETUP_H
#define NOMOS_TESTS_NEURAL_OPERATOR_SETUP_H

#include "surrogates/operators/neural_operator_impl.h"
#include "tests/neural_operator_data.h"

static const double speeds[] = {0.5, 1, 2, 3};
enum { N = 4, N_FRAMES = 6, NX = 16 };

static inline void MakeWaves(void)
{
  static bool made;
  if (made) return;
  made = true;
  WriteWaves(DataPath(MakeDirectory("waves"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .nx = NX, .n_speeds = 4, .speeds = speeds, .two_fields = true});
  WriteWaves(DataPath(MakeDirectory("plane"), "train.h5"), &(WaveData){.n = N, .n_frames = N_FRAMES, .ny = 8, .nx = NX, .n_speeds = 4, .speeds = speeds});
}

static inline void Create(const char directory[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  MakeWaves();
  ck_ok(CreateEmulator(PETSC_COMM_SELF, directory, settings, config, s));
}

/* What a loss or a judgement sees of all examples of the training, counted by hand. */
typedef struct {
  NomosSurrogate s;
  double         states[N_FRAMES][N][2 * 8 * NX], lambda[N]; /* frames, examples */
  double         offset[2];                                  /* of norms */
  size_t         size, n_fields;
} Loop;

static inline void Read(NomosSurrogate s, Loop *loop)
{
  const NomosNeuralOperator *no = s->context;
  NomosTrajectories          t;
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];
  *loop = (Loop){.s = s, .size = no->size, .n_fields = no->n_fields};
  ck_ok(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = NOMOS_SPLIT_TRAIN, .n = N, .examples = (size_t[]){0, 1, 2, 3}}, &t));
  for (size_t k = 0; k < N_FRAMES; k++)
    for (size_t i = 0; i < N; i++) memcpy(loop->states[k][i], t.states + (k * N + i) * no->size, no->size * sizeof(double));
  for (size_t i = 0; i < N && no->n_parameters; i++) loop->lambda[i] = t.parameters[i];
  ck_ok(NomosNeuralOperatorUnits(s, mean, deviation));
  for (size_t f = 0; f < no->n_fields; f++) loop->offset[f] = mean[f] / deviation[f];
  ck_ok(NomosTrajectoriesFree(&t));
}

#define ALL (const size_t[]){0, 1, 2, 3}

/* Numbers by their names. */
typedef struct {
  size_t n;
  char   names[64][2 * NOMOS_MAX_NAME];
  double values[64];
} Figures;

static inline PetscErrorCode Take(const char name[], double value, void *ctx)
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

typedef struct {
  size_t n;
  char   text[8][2048];
} Warnings;

static inline PetscErrorCode Listen(const char sentence[], void *ctx)
{
  Warnings *warnings = ctx;
  ck_assert_int_lt(warnings->n, 8);
  snprintf(warnings->text[warnings->n++], sizeof warnings->text[0], "%s", sentence);
  return PETSC_SUCCESS;
}

#endif
