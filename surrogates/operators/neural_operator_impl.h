/* What the parts of the surrogate `neural_operator` share.

   On the tape, states are in the units of the network, v = (u - mean)/deviation of each field (with neural_operator.normalise: none v = u), and lie as [batch, fields, (y,) x]. */
#ifndef NOMOS_SURROGATES_OPERATORS_NEURAL_OPERATOR_IMPL_H
#define NOMOS_SURROGATES_OPERATORS_NEURAL_OPERATOR_IMPL_H

#include "io/ends.h"
#include "surrogates/metrics.h"
#include "surrogates/normalisation.h"
#include "surrogates/operators/coarse_solver.h"
#include "surrogates/operators/emulator.h"
#include "surrogates/operators/rollout_schedule.h"
#include "surrogates/surrogate.h"

#include <string.h>

typedef struct NomosNeuralOperator_s NomosNeuralOperator;

/* What a step needs beside its tensors, when it is computed and when it is computed again. */
typedef struct {
  NomosNeuralOperator *no;
  bool                 training, judged, seen; /* seen: batch norms have been asked what they saw */
} NomosNeuralOperatorSegment;

/* What the batch norms of one step saw, kept for the running averages while the tensors of the step come and go. */
typedef struct {
  NomosBatchStatistics statistics;
  double              *values; /* mean and variance of each layer, one behind the other */
} NomosStepStatistics;

/* What is written beside the weights: names of the fields and keys of the parameters (separated by commas), points, time between frames, start and extent of the box along each axis, least and largest value of each parameter,
   steps of the solver that is corrected between two frames, its coefficients that are no parameters ("compressible.gamma=1.4", separated by commas), its ends ("grid_pde.boundary_x=wall", by
   semicolons), the first coordinate along each axis, the ends that data must have ("boundary_x=wall;boundary_x_high=outflow"), whether a step leads from zero to the one frame that the data have ("yes", "no"), units of fields, parameters and time as
   far as the data say them ("u=m/s;time=h"), frames of a whole trajectory; older files have not all of the last. A box that is not known is NaN. */
enum {
  NOMOS_EMULATOR_FIELDS, NOMOS_EMULATOR_PARAMETERS, NOMOS_EMULATOR_POINTS, NOMOS_EMULATOR_INTERVAL, NOMOS_EMULATOR_BOX, NOMOS_EMULATOR_RANGES, NOMOS_EMULATOR_STEPS, NOMOS_EMULATOR_COEFFICIENTS, NOMOS_EMULATOR_ENDS,
  NOMOS_EMULATOR_FIRST, NOMOS_EMULATOR_DATA_ENDS, NOMOS_EMULATOR_FROM_ZERO, NOMOS_EMULATOR_UNITS, NOMOS_EMULATOR_FRAMES, NOMOS_N_EMULATOR_TEXTS
};
extern const char *const nomos_emulator_text_keys[NOMOS_N_EMULATOR_TEXTS];

/* Least and largest value of each parameter in a training. */
typedef struct {
  bool   known;
  double low[NOMOS_DATASET_MAX_VARIABLES], high[NOMOS_DATASET_MAX_VARIABLES];
} NomosParameterRange;

/* What leads from the first frame of a trajectory to the others: the emulator; what a prediction is to be compared with: the first frame itself, and the coarse solver alone, where there is one. */
typedef enum { NOMOS_PREDICTOR_EMULATOR, NOMOS_PREDICTOR_PERSISTENCE, NOMOS_PREDICTOR_SOLVER, NOMOS_N_PREDICTORS } NomosPredictor;
extern const char *const nomos_predictor_prefixes[NOMOS_N_PREDICTORS]; /* of the names of results: "", "persistence_", "solver_" */

/* What a set was last judged to be: its nRMSE. Not judged: not yet, or of trajectories beyond the training's parameters. */
typedef struct {
  bool   judged;
  double nrmse[NOMOS_N_PREDICTORS];
} NomosSetErrors;

/* A set that is for tests only. */
typedef struct {
  char        *name, *path;
  NomosDataset dataset;
  NomosSetErrors verdict;
} NomosTestSet;

/* q of the intervals mean +- q deviation, from n trajectories, which differ in how much of them it holds: of 95 % of other n it would lie between low and high (NaN: of one trajectory nobody knows). */
typedef struct {
  size_t n; /* 0: nothing was fitted */
  double q, low, high;
  bool   loose; /* n are too few to tell it */
} NomosIntervalFit;

struct NomosNeuralOperator_s {
  NomosDatasetVariable variables[NOMOS_DATASET_MAX_VARIABLES]; /* fields, then parameters */
  size_t               n_fields, n_parameters, n_points, size; /* size: of a state */
  const char *const   *parameter_keys;                         /* as the case has them: burgers.nu */
  NomosEmulatorShape   shape;
  size_t               n_frames;                               /* of an example */
  size_t               whole_frames;                           /* of a whole trajectory of the training */
  char                 time_unit[NOMOS_MAX_NAME];              /* of its interval; "": the data do not say it */
  double               interval;                               /* time between frames; NaN: the data do not say */
  double               start[2], extent[2];                    /* of the box, along y and x or x alone */
  double               first[2];                               /* coordinate of the first point: with data.space_every it is not in the middle of the first of the box's n parts */
  bool                 box_known[2];                           /* the data say it; else it is [0, 1] */
  NomosEnds            data_ends;                              /* as the data say them */
  NomosEnds            known_ends;                             /* that all files are held to: those of the data; where these say none periodic, unless neural_operator.periodic is given; in a judgement first of all those of the weights' training */
  const char          *ends_of;                                /* whose they are, for an error; NULL: of the data */
  bool                 from_zero;                              /* of a model: its training's steps lead from zero to the one frame that the data had */
  NomosParameterRange  range;                                  /* of the trajectories that the weights were trained with */
  bool                 normalised;
  NomosNormalisation   normalisation;
  NomosEmulator        emulator;
  NomosCoarseSolver    solver;                                 /* NULL: the network leads from the state itself */
  int64_t              n_solver_steps;                         /* of it, in the training */
  bool                 widened;                                /* the range, beyond that of train.weights */
  char                 coefficients[1024];                     /* of it, that the network is not told; "": none, or too many */
  char                 ends[512];                              /* of it: boundaries and their values */
  size_t               n_w;                                    /* tensors of the parameters */

  NomosRolloutSchedule schedule;
  int64_t              warm_up;       /* epochs; 0 where the conditioning has no prediction of its own */
  size_t               steps_at_once; /* teacher-forced steps of one batch */
  bool                 recompute;
  double               noise, auxiliary_factor;

  size_t        n_sets;
  NomosTestSet *sets;
  NomosSetErrors  verdicts[NOMOS_N_SPLITS];
  NomosIntervalFit interval_fit;           /* of the results */
  bool          has_results;               /* verdicts are of the weights as they are, not of a validation on the way to them */
  char          texts[NOMOS_N_EMULATOR_TEXTS][1024];
  const char   *text_list[NOMOS_N_EMULATOR_TEXTS];

  /* Of the loss that was computed last. */
  size_t                      n_segments, n_statistics;
  NomosNeuralOperatorSegment *segments;   /* (n_frames) */
  NomosStepStatistics        *statistics; /* (n_frames) */
};

static inline const char *NomosAxisName(const NomosNeuralOperator *no, int d)
{
  return no->shape.n_space == 2 && !d ? "y" : "x";
}

/* Where the i-th point along axis d is. */
static inline double NomosNeuralOperatorPoint(const NomosNeuralOperator *no, int d, size_t i)
{
  return no->first[d] + no->extent[d] * (double)i / (double)no->shape.points[d];
}

/* A parameter's name in the data: the last part of its key. */
static inline const char *NomosNameInData(const char key[])
{
  const char *dot = strrchr(key, '.');
  return dot ? dot + 1 : key;
}

/* ---- neural_operator_coordinates.c */

/* Time between frames and the box, where the data say them. Errors: frames at unequal intervals, points that are not equally far apart, files of more than one domain, a boundary that is not periodic where the network is taken to be. */
PetscErrorCode NomosNeuralOperatorCoordinates(NomosSurrogate s);
/* First coordinate and spacing along axis d, as they lie in a file, of whose points every so many-th is taken; known: it says them. Errors: coordinates that are not one for each point, or do not rise by equal steps. Not collective. */
PetscErrorCode NomosNeuralOperatorAxis(const NomosNeuralOperator *no, NomosFieldReader reader, const char path[], int d, size_t every, double *start, double *spacing, bool *known);
/* Refuses files of a path that say another domain or another kind of boundary than the data, or than the periodic one that a network is taken to have; and a box (start, extent) along axis d that is not `known`. */
PetscErrorCode NomosNeuralOperatorDomain(NomosSurrogate s, const char path[]);
/* The ends that all files are held to, as text (n_text with its end); and in a judgement those of the weights' training, by its text (NULL: an older one, which says none), of which the data and the test sets must be. */
void           NomosNeuralOperatorWriteEnds(const NomosNeuralOperator *no, size_t n_text, char text[]);
PetscErrorCode NomosNeuralOperatorTakeEnds(NomosSurrogate s, const char text[]);
PetscErrorCode NomosNeuralOperatorBox(NomosSurrogate s, int d, const char path[], const double box[2], const double known[2], const char of[]);
/* Refuses a data.space_every after which the points of a periodic axis are not equally far apart. `path`: of the set, for the error. */
PetscErrorCode NomosNeuralOperatorThinning(NomosSurrogate s, NomosDataset dataset, const char path[]);

/* ---- neural_operator_norms.c */

/* Refuses frames to be predicted whose norm, by which the loss is divided, is zero in the precision of the training; without normalisation, also frames whose squares it cannot hold. Collective. */
PetscErrorCode NomosNeuralOperatorNorms(NomosSurrogate s);
/* Does the network work in units in which the fields are far from one, or from each other? text: their root mean squares. Then a warning. Not collective. */
bool           NomosNeuralOperatorFarFromOne(NomosSurrogate s, size_t n_text, char text[]);
PetscErrorCode NomosNeuralOperatorWarnSizes(NomosSurrogate s, NomosWarningFn warn, void *ctx);
/* Of the sets that are judged: fields that are zero everywhere in a predicted frame, which have no relative error. Collective. */
PetscErrorCode NomosNeuralOperatorWarnNorms(NomosSurrogate s, NomosWarningFn warn, void *ctx);

/* ---- neural_operator_solver.c: the solver of neural_operator.base, if it is one. Errors: those of the coarse solver; data without time; another grid, domain, boundary or coefficient than the data's; a flux of primitive variables. */
PetscErrorCode NomosNeuralOperatorSolver(NomosSurrogate s);
/* Whether it steps the fields of the training can be seen before there are data, if it has a case. */
PetscErrorCode NomosNeuralOperatorForeseeSolver(NomosSurrogate s);

/* ---- neural_operator_foresee.c */

/* Refuses settings that contradict each other whatever the data are. */
PetscErrorCode NomosNeuralOperatorCheckCase(NomosSurrogate s);
/* That, before there are data; and with their outline names of fields and parameters that they will not have, a network that their grid does not suit. */
PetscErrorCode NomosNeuralOperatorForesee(NomosSurrogate s);

/* ---- neural_operator_coefficients.c */

/* Refuses a solver whose coefficients, of those that the parameters do not give it, are not those of the data (a constant of the file or an attribute, where there is one), unless neural_operator.solver.set says them; keeps them. */
PetscErrorCode NomosNeuralOperatorCoefficients(NomosSurrogate s, NomosModel model);
/* Of a model that a correction was trained with these, where it has others. */
PetscErrorCode NomosNeuralOperatorCoefficientsWarn(NomosModel model, const char coefficients[], NomosWarningFn warn, void *ctx);

/* ---- neural_operator_data.c */

/* What is read of the data, from the case and the first file; then, of the open data set, the grid. */
PetscErrorCode NomosNeuralOperatorData(NomosSurrogate s, NomosDatasetInput *input);
PetscErrorCode NomosNeuralOperatorGrid(NomosSurrogate s);
PetscErrorCode NomosNeuralOperatorFit(NomosSurrogate s);

/* Trajectories in memory: states (n_frames, n, size), frames first, in units of the network; parameters (n, P). */
typedef struct {
  size_t  n, n_frames;
  double *states, *parameters;
} NomosTrajectories;
typedef struct {
  NomosDataset  dataset;
  NomosSplit    split;
  size_t        n;
  const size_t *examples;
} NomosTrajectoriesInput;
PetscErrorCode NomosTrajectoriesRead(NomosSurrogate s, const NomosTrajectoriesInput *input, NomosTrajectories *trajectories);
PetscErrorCode NomosTrajectoriesFree(NomosTrajectories *trajectories);
/* Mean and deviation of the fields: 0 and 1 without normalisation. */
PetscErrorCode NomosNeuralOperatorUnits(NomosSurrogate s, double mean[], double deviation[]);
/* v of the network in units of the data; what is zero there is zero again, and not what rounding leaves of it. */
double NomosInUnitsOfData(double mean, double deviation, double v);

/* ---- neural_operator_step.c */

/* The next states of u for parameters lambda [batch, P]. training: batch norms see the batch, and what they saw is kept; judged: a state that the coarse solver cannot step becomes NaN and is no error; recompute: the inside of the step is
   freed and computed again for its gradient. */
typedef struct {
  NomosTensor u, lambda;
  bool        training, judged, recompute;
} NomosNeuralOperatorStepInput;
/* *auxiliary, may be NULL: the conditioning's own prediction of them; not valid where it has none. */
NomosTensor NomosNeuralOperatorStep(NomosNeuralOperator *no, const NomosTensor w[], const NomosNeuralOperatorStepInput *input, NomosTensor *auxiliary);
/* What the coarse solver makes of u, in units of the network too. */
NomosTensor NomosNeuralOperatorSolve(const NomosNeuralOperator *no, const NomosTensor w[], const NomosNeuralOperatorStepInput *input);
/* Forget the steps of the last loss; bring what their batch norms saw into the running averages. */
PetscErrorCode NomosNeuralOperatorBegin(NomosNeuralOperator *no);
PetscErrorCode NomosNeuralOperatorKeep(NomosSurrogate s, const NomosBatch *batch);

/* ---- neural_operator_loss.c */

/* Of an epoch after the warm-up: how long a chain of own states is (rollout_schedule.h). */
size_t NomosNeuralOperatorChain(const NomosNeuralOperator *no, int64_t epoch, int64_t n_epochs);
PetscErrorCode NomosNeuralOperatorLoss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss);

/* ---- neural_operator_judge.c */

/* Predictions (n_frames - 1, n, size) of all frames but the first, in units of the network. Not collective. */
PetscErrorCode NomosNeuralOperatorPredict(NomosSurrogate s, NomosPredictor predictor, const NomosTrajectories *truth, double predictions[]);

/* Errors of the trajectories of a set in the units of the data: sqrt(mean_x e^2)/sqrt(mean_x u^2) for each trajectory, predicted frame and field, -1 where u is zero everywhere; and what PDEBench makes of all, the nRMSE of those that
   there are (of none: NaN). */
typedef struct {
  size_t  n, n_steps, n_fields;
  double *parameters;                                           /* (n, P) */
  double *errors[NOMOS_N_PREDICTORS];                           /* (n, n_steps, n_fields); NULL: no such predictor */
  double  metrics[NOMOS_N_PREDICTORS][NOMOS_N_METRICS];
} NomosJudgement;
/* Of a split, or with `dataset` a set of its own, of whole trajectories. Collective over comm, which may be PETSC_COMM_SELF. */
typedef struct {
  MPI_Comm     comm;
  NomosDataset dataset;
  NomosSplit   split;
} NomosJudgementInput;
PetscErrorCode NomosNeuralOperatorJudge(NomosSurrogate s, const NomosJudgementInput *input, NomosJudgement *judgement);
PetscErrorCode NomosJudgementFree(NomosJudgement *judgement);
/* Mean over trajectories and fields of the errors of frame k of the predicted ones; of trajectory i over frames and fields. */
double NomosJudgementOfFrame(const NomosJudgement *judgement, NomosPredictor predictor, size_t k);
double NomosJudgementOfTrajectory(const NomosJudgement *judgement, NomosPredictor predictor, size_t i);

PetscErrorCode NomosNeuralOperatorEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx);
/* Its names, of no numbers. */
PetscErrorCode NomosNeuralOperatorMetrics(NomosSurrogate s, NomosResultFn result, void *ctx);
PetscErrorCode NomosNeuralOperatorResults(NomosSurrogate s, NomosResultFn result, void *ctx);
/* Of results that say that it is no better than the first frame, or that a correction is no better than its solver: a sentence each. */
PetscErrorCode NomosNeuralOperatorWarnWorse(NomosSurrogate s, NomosWarningFn warn, void *ctx);

/* ---- neural_operator_members.c: files of weights in a folder, in order of their names. Errors: fewer than two; the same weights twice; members of different data or of different parts of them, or of another part of these. Collective. */

PetscErrorCode NomosEnsembleMembersFind(NomosSurrogate s, const char folder[], size_t *n, char ***paths);
PetscErrorCode NomosEnsembleMembersFree(size_t n, char ***paths);

/* ---- neural_operator_ensemble.c: results of neural_operator.ensemble, if it is given */

PetscErrorCode NomosNeuralOperatorEnsemble(NomosSurrogate s, NomosResultFn result, void *ctx);

/* Mean and deviation of the members' predictions of this rank's trajectories of a set, those from `first` on of n_all; (n_steps, n, size) in units of the network. */
typedef struct {
  const char       *name;
  size_t            first, n_all;
  NomosTrajectories truth; /* of the states the first frame is enough */
  double           *mean, *deviation;
} NomosEnsembleMoments;
/* Both from zero, of the members' files; without any, of the weights as they are, which have no deviation. Collective. */
PetscErrorCode NomosEnsembleFill(NomosSurrogate s, size_t n_members, char *const members[], NomosEnsembleMoments *moments);
/* From the validation split. Errors: there is none. Collective. */
PetscErrorCode NomosEnsembleFitIntervals(NomosSurrogate s, size_t n_members, char *const members[], NomosIntervalFit *fit);
/* Of a loose one. */
PetscErrorCode NomosEnsembleWarn(const NomosIntervalFit *fit, NomosWarningFn warn, void *ctx);

/* ---- neural_operator_look.c */

/* What the data were taken for, one line; and what should be known of them before a training: parameters that the network is not told, or that do not differ; a periodic axis with both of its ends; of a training also sizes of fields that it is not made for, and trajectories of test sets that it sees. Not collective. */
PetscErrorCode NomosNeuralOperatorLook(NomosSurrogate s, NomosWarningFn warn, void *ctx, size_t n_text, char text[]);
/* A conditioning without neural_operator.parameters, where the data have some: they are named. */
PetscErrorCode NomosNeuralOperatorCheckTold(NomosSurrogate s);

/* ---- neural_operator_range.c */

void NomosParameterRangeFit(NomosParameterRange *range, size_t n_parameters, size_t n, const double values[]); /* values (n, n_parameters) */
/* As text; and back, where a text that is none leaves it unknown. */
void NomosParameterRangeWrite(const NomosParameterRange *range, size_t n_parameters, size_t n_text, char text[]);
void NomosParameterRangeRead(NomosParameterRange *range, size_t n_parameters, const char text[]);
/* Of parameter p; true where it is not known. */
bool NomosParameterRangeHolds(const NomosParameterRange *range, size_t p, double value);
/* How many of n trajectories lie beyond it; one of so many as the enum says is a draw at the edge, no other range. */
enum { NOMOS_ONE_BEYOND_OF = 20 };
size_t NomosParameterRangeBeyond(const NomosParameterRange *range, size_t n_parameters, size_t n, const double values[]);
/* Warns of a set of which more than one trajectory in twenty lies beyond the training. Not collective. */
PetscErrorCode NomosNeuralOperatorWarnBeyond(NomosSurrogate s, const char name[], NomosDataset dataset, NomosSplit split, NomosWarningFn warn, void *ctx);
/* The share of the trajectories of a set that lie beyond the training. Not collective. */
PetscErrorCode NomosNeuralOperatorShareBeyond(NomosSurrogate s, NomosDataset dataset, double *share);
PetscErrorCode NomosNeuralOperatorWarn(NomosSurrogate s, NomosWarningFn warn, void *ctx);
/* Where a parameter that is told by its logarithm has none (conditionings/scale.h), what is not looked at, ...; else "". */
PetscErrorCode NomosNeuralOperatorDescribe(NomosSurrogate s, size_t n_text, char text[]);
PetscErrorCode NomosNeuralOperatorTakeTexts(NomosSurrogate s, NomosSafetensors file);
/* Of weights that are to be judged the grid of their training (NomosEmulatorShape.trained). Collective. */
PetscErrorCode NomosNeuralOperatorTrainedPoints(NomosSurrogate s);
/* What a training's text says of it; of an older one, which has none (NULL), what its interval (NaN: not known) does. */
bool           NomosNeuralOperatorLedFromZero(const char text[], double interval);
/* Of a training that began with others' weights the range is that of both. */
PetscErrorCode NomosNeuralOperatorRestoreTexts(NomosSurrogate s, const char *const texts[]);

/* ---- neural_operator_intervals.c */

/* What the intervals mean +- q deviation of a set hold, the same on all ranks. */
typedef struct {
  const char *name; /* borrowed */
  size_t      n_all, n_steps, median, frame; /* the trajectory and the frame that are drawn */
  double     *values;     /* (kinds, n_all, n_steps), means over fields */
  double     *profiles;   /* (kinds of lines, nx): of the first field in its units, in two dimensions along the middle line */
  double     *parameters; /* (P) of the median */
} NomosPredictionIntervals;
/* Collective. */
PetscErrorCode NomosPredictionIntervalsCreate(NomosSurrogate s, const NomosEnsembleMoments *moments, double q, NomosPredictionIntervals *intervals);
PetscErrorCode NomosPredictionIntervalsFree(NomosPredictionIntervals *intervals);
/* As results; and a picture, intervals in s->directory. Collective. */
PetscErrorCode NomosNeuralOperatorIntervals(NomosSurrogate s, size_t n_sets, const NomosPredictionIntervals sets[], NomosResultFn result, void *ctx);

/* ---- neural_operator_sets.c: sets that are for tests only */

extern const NomosParamGroup nomos_neural_operator_groups[1];
/* Those beside the data, tests/NAME.nc of a directory, then those of neural_operator.tests.NAME. Errors: those of a data set, another grid. Collective. */
PetscErrorCode NomosNeuralOperatorOpenSets(NomosSurrogate s);
PetscErrorCode NomosNeuralOperatorCloseSets(NomosNeuralOperator *no);
/* A file, run or folder of trajectories on the grid of the data, read like these, all in its training split: whole ones, of two frames at least, or, as initial states of a prediction (NULL: of none), of each one frame alone. One frame
   beside fields without time is led to from zero only where the data's are. Collective. */
PetscErrorCode NomosNeuralOperatorOpenSet(NomosSurrogate s, const char path[], const NomosPrediction *prediction, NomosDataset *dataset);
/* Of such states one frame is read, by what the prediction says and not by what a case says of its training's data. */
void           NomosNeuralOperatorStates(const NomosPrediction *prediction, NomosDatasetInput *input);

/* ---- neural_operator_predict.c */
PetscErrorCode NomosNeuralOperatorWritePredictions(NomosSurrogate s, const NomosPrediction *prediction);
/* No ensemble, whose intervals are fitted to a part of the data, and no solver, which may be theirs. */
PetscErrorCode NomosNeuralOperatorPredictsAlone(MPI_Comm comm, NomosConfig config, const char weights[], bool *alone);

/* ---- emulator_model.c: the model of trained weights */

bool                       NomosNeuralOperatorTable(size_t i, NomosSurrogateTable *table); /* neural_operator.c: of the emulator, of each network and conditioning */
extern const NomosParam    nomos_neural_operator_shape_params[3];                          /* neural_operator.periodic, .normalise, .base */
extern const NomosModelOps NomosModelOps_Emulator;

/* ---- neural_operator_pictures.c */

PetscErrorCode NomosNeuralOperatorPictures(NomosSurrogate s, const char directory[]);
PetscErrorCode NomosNeuralOperatorTables(NomosSurrogate s, const char directory[]);

#endif
