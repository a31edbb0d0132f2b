/* A surrogate is a learning problem: weights, data, a loss, and numbers that say how good it is. `nomos train` and `nomos evaluate` know nothing more of it than this table.

   A surrogate is one file with a `const NomosSurrogateOps`, and one line in surrogates/surrogate_list.h. */
#ifndef NOMOS_SURROGATES_SURROGATE_H
#define NOMOS_SURROGATES_SURROGATE_H

#include "io/safetensors.h"
#include "operators/generator.h"
#include "operators/model.h"
#include "surrogates/dataset.h"
#include "surrogates/parameters.h"

typedef struct NomosSurrogate_s *NomosSurrogate;

/* Examples of a split, and when they are asked for: a loss may depend on it (a curriculum, noise by counter). */
typedef struct {
  NomosSplit    split;
  bool          training; /* its gradient will be taken: a batch norm, say, sees the batch, not its running averages */
  size_t        n;        /* at least 1 */
  const size_t *examples; /* (n) this rank's, each below n_examples[split] */
  int64_t       step, epoch, n_epochs;
  uint64_t      seed;     /* of random numbers: draw by (seed, a stream, step and example), so that neither ranks nor a resume change them */
} NomosBatch;

/* This rank's part of the loss of a mini-batch. */
typedef struct {
  NomosSurrogate surrogate;
  NomosBatch     batch;   /* this rank's examples, here possibly none */
  double         share;   /* of the mini-batch's examples: the loss is the sum of share * loss over the ranks */
  bool           unfused; /* by the definitions of fused primitives (NomosTapeSetFusing) */
} NomosBatchLoss;

/* A table of parameters beside the surrogate's own: of a component that one of its keys chooses by name (a network). */
typedef struct {
  const char       *name, *summary, *reference; /* reference: may be NULL */
  size_t            n_params;
  const NomosParam *params;
} NomosSurrogateTable;

/* What follows on the first frames of trajectories: from a file, run directory or folder into predictions.nc and predictions.csv of a directory that is there. warn: on one rank, progress: on all. */
typedef struct {
  const char    *from, *directory, *plots; /* plots: a directory that is there; NULL: no picture */
  size_t         n_frames;                  /* of a prediction, with the given one: 2 or more; 0: as many as trajectories of the training have */
  size_t         first_frame, n_trajectories; /* of `from`: the frame that is given; at most so many, 0: all */
  NomosWarningFn warn;
  PetscErrorCode (*progress)(size_t done, size_t all, void *ctx);
  void          *ctx;
} NomosPrediction;

/* `create` and `fit` are collective. Weights are passed as tensors w[] (numbers as NomosParametersAdd gave them), so that a loss may replace them, as an inner step of meta-learning does. */
typedef struct {
  const char       *name;    /* the value of `surrogate:` */
  const char       *summary; /* one sentence */
  const char       *reference;
  const char       *needs;   /* what it reads from the data: names, axes and meaning, for `nomos describe`. NULL: it has no data set */
  size_t            n_params;
  const NomosParam *params;
  /* As of models (operators/model.h): groups of parameters under names that a case chooses, and what declares those of a case. May be 0 and NULL. */
  size_t                 n_groups;
  const NomosParamGroup *groups;
  PetscErrorCode (*declare)(NomosConfig config);
  /* Table i = 0, 1, ... of those that `declare` may declare, for `nomos describe` and the architecture in its weights; false: there is no such one. NULL: none. */
  bool (*table)(size_t i, NomosSurrogateTable *table);
  /* Of all these keys those that trained weights do not depend on: how they began, were trained, are judged and used beyond what they saw; `adaptation.`: all that begin so. Weights are refused where another key differs from what they
     were trained with, but for paths. NULL-terminated; NULL: there are none. */
  const char *const *of_training;
  /* Likewise its buffers that belong to the data and the loss of a training: one that begins with other weights fits its own. */
  const char *const *buffers_of_training;

  /* What it needs of the data set: variables, frames, window (the rest is the case's, `data.*`). Reads s->config. NULL: it has no data set, and `create` sets s->n_examples. */
  PetscErrorCode (*data)(NomosSurrogate s, NomosDatasetInput *input);
  bool reads; /* without `data`: it reads s->data_path by itself, and `create` sets s->data_hash. The case has data.* all the same */
  /* Read s->config and the shapes of s->data, and declare the weights in s->parameters. */
  PetscErrorCode (*create)(NomosSurrogate s);
  PetscErrorCode (*destroy)(NomosSurrogate s); /* of s->context; also after a create that failed */
  bool judges_all; /* it can be judged where all examples are of the test (NomosSurrogateJudgeAll) */
  bool fits_alone; /* it may have no weight: then `fit` is the training */
  /* Before a training that begins afresh: statistics of the data into buffers (surrogates/normalisation.h), say. May be NULL. */
  PetscErrorCode (*fit)(NomosSurrogate s);
  /* Before a training, or a judgement by other data: what the data were taken for, one line for the log, and what of them should be known. Needs no `fit`. Collective. May be NULL. */
  PetscErrorCode (*look)(NomosSurrogate s, NomosWarningFn warn, void *ctx, size_t n_text, char text[]);
  /* What it made of case and data, for the log: sentences, one line; "": nothing to say. With first weights. Collective. May be NULL. */
  PetscErrorCode (*describe)(NomosSurrogate s, size_t n_text, char text[]);
  /* A scalar: the mean over the examples of the batch. Not collective: each rank has a share of a batch, and a loss of n examples is the mean of those of its parts (up to terms that
     are the same for all). May itself take gradients (NomosGradient with `record`). */
  PetscErrorCode (*loss)(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss);
  /* The same loss as an operator of the flat weights with the derivatives it has, for nomos gradcheck (surrogates/loss_operator.h). NULL: made of `loss`, with all. */
  PetscErrorCode (*loss_operator)(const NomosBatchLoss *loss, NomosOperator *op);
  /* The epoch from which on the loss that is trained is one function of the weights: when its curriculum is over. Losses before and after it do not compare. At most n_epochs: never. NULL: 0. */
  int64_t (*settled)(NomosSurrogate s, int64_t n_epochs);
  /* Epochs at the beginning in which another loss is trained than later: after them the optimiser begins anew. NULL: none. */
  int64_t (*warm_up)(NomosSurrogate s);
  bool first_order; /* `loss` has a gradient and no more: a model without second derivatives is in it */
  /* In training, when the gradient of such a loss has been taken and its tape still stands: running averages into buffers (NomosBatchStatisticsKeep). Their changes are averaged over the
     ranks after every step, by their shares of the batch. Not collective. NULL: buffers do not change. */
  PetscErrorCode (*keep)(NomosSurrogate s, const NomosBatch *batch);
  /* Factor of the learning rate for a tensor at a step: 0 holds it fixed. NULL: 1 for all. */
  double (*rate)(NomosSurrogate s, const NomosBatch *batch, const char tensor[]);
  /* Named numbers of a split with the weights as they are, lower is better, first the one that is told when a training ends; the same on every rank. Collective. May be NULL. */
  PetscErrorCode (*evaluate)(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx);
  /* Their names, with any numbers, where they do not depend on the data: they are asked for before there are any. NULL: evaluate alone knows them. */
  PetscErrorCode (*metrics)(NomosSurrogate s, NomosResultFn result, void *ctx);
  /* Named numbers of the weights as they are that belong to no split, under the names they have in summary.json. Collective. May be NULL. */
  PetscErrorCode (*results)(NomosSurrogate s, NomosResultFn result, void *ctx);
  /* What should be known of these numbers. The same on every rank. Collective. May be NULL. */
  PetscErrorCode (*warn)(NomosSurrogate s, NomosWarningFn warn, void *ctx);
  /* Sets its texts (s->texts) before weights are saved, where they tell of these. May be NULL. */
  PetscErrorCode (*write_texts)(NomosSurrogate s);
  /* What it wants back of the texts beside weights that are loaded. May be NULL. */
  PetscErrorCode (*take_texts)(NomosSurrogate s, NomosSafetensors file);
  /* Predictions by the weights as they are, with an estimate of their error where it has one. Collective. NULL: it makes none of itself. */
  PetscErrorCode (*predict)(NomosSurrogate s, const NomosPrediction *prediction);
  /* Does the file of weights say all that such predictions need of the data of its training? Then these may be gone, and s->prediction is given. Collective. NULL: it does not. */
  PetscErrorCode (*predicts_alone)(MPI_Comm comm, NomosConfig config, const char weights[], bool *alone);
  /* Its texts as a training had them that goes on, in the order of its keys; NULL: the checkpoint has none. May be NULL, then they are made of case and data alone. */
  PetscErrorCode (*restore_texts)(NomosSurrogate s, const char *const texts[]);
  /* Pictures into `directory`, with the weights as they are, and beside them its tables; or, where pictures are not wanted, these alone. Called on one rank. May be NULL. */
  PetscErrorCode (*pictures)(NomosSurrogate s, const char directory[]);
  PetscErrorCode (*tables)(NomosSurrogate s, const char directory[]);

  const NomosModelOps       *model;     /* what `nomos run` makes of the trained weights; NULL: nothing */
  const NomosModelExtension *extension; /* or, of weights that improve a solver, that solver with them; NULL: nothing */
  /* Before data are made, which may take long: refuse what of the case is seen without them. `s` is the input of a create alone: comm, config, simulate, outline. Collective. May be NULL. */
  PetscErrorCode (*foresee)(NomosSurrogate s);
} NomosSurrogateOps;

/* A model to learn in: the case `path` (as a user would name it; NULL: the run that made the data), without the keys `unset`, and with assignments `key=value` laid over it. */
typedef struct {
  const char        *path;
  size_t             n_unset, n_set;
  const char *const *unset, *const *set;
} NomosSimulation;

struct NomosSurrogate_s {
  const NomosSurrogateOps *ops;
  MPI_Comm                 comm;
  NomosConfig              config;
  NomosDataset             data;                       /* NULL: none */
  char                     data_hash[17];              /* of the data: of the data set, or set by `create`; "": it has none */
  const char              *data_path;                  /* of the data: a run directory, file or folder; "": none */
  const char              *weights;                    /* that are to be judged: data are then seen as these know them; NULL: it will be trained */
  const NomosPrediction   *prediction;                 /* that is to be made by `weights` alone: the data are its initial states, and nothing else; NULL: they are those of a training */
  const NomosDataOutline  *outline;                    /* in `foresee`: of the data that will be made; NULL: they are there */
  bool                     begins;                     /* while take_texts is asked: it is to be trained from these weights on (train.weights) */
  size_t                   n_examples[NOMOS_N_SPLITS]; /* of the data set, or set by `create` */
  NomosParameters          parameters;
  uint64_t                 seed; /* train.seed */
  size_t                   n_texts; /* metadata of its weights beside those that all have; arrays are the surrogate's */
  const char *const       *text_keys, *const *texts;
  const char              *directory; /* where `results` may draw what they tell, made when it is needed; NULL: nowhere */
  /* Makes such a model, at its initial state; the caller destroys model, then config. NULL: there is none. Collective. */
  PetscErrorCode (*simulate)(NomosSurrogate s, const NomosSimulation *simulation, NomosModel *model, NomosConfig *config);
  void *simulate_context;
  void *context;
};

/* Find by name in a NULL-terminated list; the error names the nearest and all. */
PetscErrorCode NomosSurrogateFind(const NomosSurrogateOps *const list[], const char name[], const char where[], const NomosSurrogateOps **ops);

/* Data, weights with their first values. `config` has the tables of the surrogate, of the training and, where it has data, of these; it and `data_path` are borrowed. Errors: of the data, of create;
   no example to train with. Collective. */
typedef struct {
  MPI_Comm                 comm;
  const NomosSurrogateOps *ops;
  NomosConfig              config;
  const char              *data_path; /* in place of data.path; NULL: data.path */
  const char              *weights;   /* as of the surrogate */
  const NomosPrediction   *prediction; /* as of the surrogate */
  const NomosRealType     *precision; /* in place of train.precision; NULL: train.precision */
  const NomosDataOutline  *outline;   /* as of the surrogate */
  PetscErrorCode (*simulate)(NomosSurrogate s, const NomosSimulation *simulation, NomosModel *model, NomosConfig *config);
  void *simulate_context;
} NomosSurrogateInput;
PetscErrorCode NomosSurrogateCreate(const NomosSurrogateInput *input, NomosSurrogate *surrogate);
PetscErrorCode NomosSurrogateDestroy(NomosSurrogate *surrogate);
/* Data that its training has not seen need no splits: all are of the test from now on; *n: how many trajectories that are, 0 where the surrogate is not judged so, and nothing has changed. Collective. */
PetscErrorCode NomosSurrogateJudgeAll(NomosSurrogate surrogate, size_t *n);
/* `foresee` of the surrogate, if it has it, and the monitor. Collective. */
PetscErrorCode NomosSurrogateForesee(const NomosSurrogateInput *input);
/* Is train.monitor `loss`, or a metric? One that is to be foreseen is believed where names are not known yet. Collective. */
PetscErrorCode NomosSurrogateCheckMonitor(NomosSurrogate surrogate);
/* The order in which an epoch takes the training examples, the same on every rank. */
PetscErrorCode NomosSurrogateOrder(NomosSurrogate surrogate, int64_t epoch, size_t order[]);

/* Weights and buffers as safetensors (io/safetensors.h), with metadata: `surrogate`, `architecture` (its parameters), `normalisation` (buffers named mean and deviation), `data` and `split` (hashes), `program`,
   and the texts given. Load checks all before it changes anything: errors are those of the file, another surrogate, another value of a key that the weights depend on, a tensor that is missing, too many, or of another
   shape or type; the weights are then as they were. Collective. */
PetscErrorCode NomosSurrogateSaveWeights(NomosSurrogate surrogate, const char path[], size_t n_texts, const char *const keys[], const char *const texts[]);
PetscErrorCode NomosSurrogateLoadWeights(NomosSurrogate surrogate, const char path[]);
/* What a training that begins afresh begins with: `fit`, and over first weights those that train.weights names, but for `buffers_of_training`. Errors: as of Load; weights for a surrogate that has none. Collective. */
PetscErrorCode NomosSurrogateBegin(NomosSurrogate surrogate);

#endif
