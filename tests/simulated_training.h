/* What the suites of surrogates that learn through a simulation share: a training case from text, tried with other settings. */
#ifndef NOMOS_TESTS_SIMULATED_TRAINING_H
#define NOMOS_TESTS_SIMULATED_TRAINING_H

#include "cases/train.h"
#include "surrogates/surrogate_list.h"
#include "tests/training_setup.h"

static inline const char *Path(const char name[], char path[NOMOS_MAX_PATH])
{
  snprintf(path, NOMOS_MAX_PATH, "%.2000s/%s", ck_directory, name);
  return path;
}

static inline void WriteText(const char name[], const char format[], const char argument[])
{
  char  path[NOMOS_MAX_PATH];
  FILE *file = fopen(Path(name, path), "w");
  fprintf(file, format, argument); /* of the suite's own texts */
  fclose(file);
}

typedef struct {
  NomosProgram        program;
  NomosConfig         config;
  NomosSurrogateInput input;
  NomosSurrogate      s;
  NomosTraining       training;
} Try;

/* `learning` on `data`, with settings (NULL-terminated) over it. */
static inline void TryCase(const NomosProgram *program, const char learning[], const char data[], const char *const set[], Try *try)
{
  const NomosSurrogateOps *ops;
  char                     path[NOMOS_MAX_PATH];
  size_t                   n = 0;

  WriteText("training.yaml", learning, data);
  while (set[n]) n++;
  *try = (Try){.program = *program};
  ck_ok(NomosTrainingCaseLoad(PETSC_COMM_WORLD, &(NomosCaseInput){.path = Path("training.yaml", path), .n_set = n, .set = set}, nomos_surrogates, &try->config, &ops));
  try->input = (NomosSurrogateInput){.comm = PETSC_COMM_WORLD, .ops = ops, .config = try->config, .simulate = NomosTrainSimulate, .simulate_context = &try->program};
}

static inline void End(Try *try)
{
  ck_ok(NomosTrainingDestroy(&try->training));
  ck_ok(NomosSurrogateDestroy(&try->s));
  ck_ok(NomosConfigDestroy(&try->config));
}

/* A training (in float32) of eight steps that was stopped after three goes on as if it had not been. `create`: the surrogate, the same each time. */
static inline void CheckResume(void (*create)(Try *try))
{
  enum { WHOLE, FIRST, SECOND };
  Try                 tries[3];
  NomosTrainingStatus status[3];
  const void         *values[3];

  for (int i = 0; i < 3; i++) {
    create(&tries[i]);
    ck_assert(tries[i].s->data_hash[0] && !strcmp(tries[i].s->data_hash, tries[0].s->data_hash));
    ck_ok(NomosTrainingCreate(tries[i].s, &tries[i].training));
    if (i < SECOND && tries[i].s->ops->fit) ck_ok(tries[i].s->ops->fit(tries[i].s));
    if (i == SECOND) TrainingTake(PETSC_COMM_WORLD, tries[i].training);
    NomosTrainingGetStatus(tries[i].training, &status[i]);
    ck_assert_int_eq(status[i].step, i == SECOND ? 3 : 0);
    status[i] = TrainingGo(PETSC_COMM_WORLD, tries[i].training, i == FIRST ? 3 : 0);
    ck_ok(NomosParametersValues(tries[i].s->parameters, &values[i]));
    ck_assert_int_eq(status[i].step, i == FIRST ? 3 : 8);
  }
  ck_assert_double_eq(status[SECOND].loss, status[WHOLE].loss);
  ck_assert(!memcmp(values[WHOLE], values[SECOND], NomosParametersSize(tries[WHOLE].s->parameters) * sizeof(float)));
  for (int i = 0; i < 3; i++) End(&tries[i]);
}

#endif
