/* nomos scaling, shared by the files that make it up: scaling_plan.c says which trainings there are, scaling.c has them trained, scaling_read.c reads what they came to, scaling_cost.c says what is worth buying, scaling_output.c writes it down. */
#ifndef NOMOS_CASES_SCALING_H
#define NOMOS_CASES_SCALING_H

#include "cases/run.h"
#include "surrogates/scaling_law.h"
#include "surrogates/surrogate.h"

/* One training: a setting of the data's size, one of the network's, a seed. */
typedef struct {
  char        name[NOMOS_MAX_NAME]; /* of its directory, in trainings/ */
  const char *data, *network;       /* values of the two keys; "": as the case has it */
  int64_t     seed;
  bool        held_out, done, anew; /* finished, with the case and the data as they are now; made with other settings, and to be made again */
  size_t      n_there;              /* trajectories of the data, as the setting leaves them; 0: it has no data set */
  double      weights, examples, error, seconds; /* what it came to; seconds of its steps: NaN where a process that did not train it wrote it down */
} NomosScalingTraining;

/* Seconds of a training, c N^p D^q, and of making its data, per_example D. */
typedef struct {
  double c, p, q, per_example;
} NomosScalingCost;

/* Where a budget goes: the largest network and data that were trained, and what the law says of twice the cost. */
typedef struct {
  double weights, examples, seconds, error;
  double more_weights, more_examples;      /* bought for the same cost again: the one, or the other */
  double error_more_weights, error_more_examples;
  double data_better;                      /* in this fraction of the draws more data are better */
  double optimal_weights, optimal_examples; /* exponents of the cost: N ~ C^.., D ~ C^.. that share out a growing budget best */
} NomosScalingAdvice;

typedef struct {
  NomosRun             *run;
  const char           *directory; /* of the run */
  NomosTold             told; /* warnings of its trainings */
  const char           *metric, *data_key, *network_key;
  size_t                n, n_fitted; /* trainings, the held-out ones last */
  NomosScalingTraining *trainings;
  char                  data_path[NOMOS_MAX_PATH]; /* of data that were made for all; "": each case's own */
  bool                  fitted, advised;
  NomosScalingPoint    *points; /* (n_fitted) */
  NomosScalingFit       fit;
  NomosScalingCost      cost;
  NomosScalingAdvice    advice;
  double                held_error, held_expected, held_interval[2]; /* mean of the held-out trainings; NaN: none */
} NomosScaling;

/* The trainings of the case, small ones first, the held-out ones last. Errors: sizes that make no law. */
PetscErrorCode NomosScalingPlan(NomosScaling *s);
/* What counts as the size of the data: trajectories if the case sets their number, else, and for surrogates that read their data by themselves, examples. */
double NomosScalingExamples(const NomosScaling *s, NomosSurrogate surrogate);
/* Weights, examples, metric and time from the directory of a finished training. Errors: no such result (with those there are); one that is no number above 0. Collective. */
PetscErrorCode NomosScalingRead(const NomosScaling *s, NomosScalingTraining *training);
/* What is in its directory, now that its case is `config` and its data have this hash ("": none)? Sets done and anew. Tables that change no training (`scaling`, `output`, ...) do not count. Collective. */
PetscErrorCode NomosScalingLook(const NomosScaling *s, NomosScalingTraining *training, NomosConfig config, const char data_hash[]);
/* Its directory. */
PetscErrorCode NomosScalingDirectory(const NomosScaling *s, const NomosScalingTraining *training, char path[NOMOS_MAX_PATH]);

/* The cost law from the trainings (measured: from their times; else 6 N D, floating-point operations), and what to buy next. Only where both sizes differ. */
PetscErrorCode NomosScalingAdvise(NomosScaling *s, bool measured, double per_example);
/* How many times the examples (or the weights) of the largest training so many times its cost pay for, at most 1e6. */
double NomosScalingBuys(const NomosScaling *s, bool data, double times);

/* scaling.csv, a row for each training; the law and the advice in words, to the log; plots/scaling. */
PetscErrorCode NomosScalingWriteTable(const NomosScaling *s);
PetscErrorCode NomosScalingTell(const NomosScaling *s);
PetscErrorCode NomosScalingDraw(const NomosScaling *s);
/* The same again, from the files of a finished run. One rank. */
PetscErrorCode NomosPlotScaling(const char directory[], const NomosProgram *program);

#endif
