/* Private to the surrogate `hamiltonian_meta`: its parameters (meta.c), tasks (tasks.c), what a method minimises (methods.c; fused.c the same by fused kernels) and how a new task is adapted to and judged (adaptation.c, judge.c, meta_output.c). */
#ifndef NOMOS_SURROGATES_META_IMPL_H
#define NOMOS_SURROGATES_META_IMPL_H

#include "io/expression.h"
#include "surrogates/hamiltonian/energy.h"
#include "surrogates/hamiltonian/field.h"
#include "surrogates/hamiltonian/field_loss.h"
#include "surrogates/loss.h"
#include "surrogates/meta/modulation.h"
#include "surrogates/surrogate.h"

typedef struct NomosMeta_s      NomosMeta;
typedef struct NomosMetaFused_s NomosMetaFused;

/* ---- tasks: a trajectory each */

enum { NOMOS_META_X,
       NOMOS_META_X_DOT,
       NOMOS_META_T,
       NOMOS_META_SYSTEM,
       NOMOS_META_BODIES,
       NOMOS_META_N_VARIABLES };
enum { NOMOS_META_SUPPORT,
       NOMOS_META_QUERY,
       NOMOS_META_N_SETS };

/* Trajectories that a split has, without those of systems that are kept out of it. */
typedef struct {
  size_t  n;
  size_t *examples; /* (n) of the data set */
  size_t *sizes;    /* (n) coordinates: 2 n_dims a body, all of the file for networks that are not made of bodies */
} NomosTaskList;

/* Tasks of the same number of coordinates, as tensors [tasks, points, coordinates]. */
typedef struct {
  size_t      n, size;
  NomosTensor all_x, all_x_dot; /* support, then query */
  NomosTensor x[NOMOS_META_N_SETS], x_dot[NOMOS_META_N_SETS];
} NomosTasks;

/* ---- methods */

/* What is adapted to a task. */
typedef enum { NOMOS_META_ALL,
               NOMOS_META_LAST,
               NOMOS_META_CODE } NomosMetaWhat;

typedef struct {
  const char   *name; /* the value of `hamiltonian_meta.method` */
  NomosMetaWhat what;
  bool          steps, path, fused; /* inner steps on the support points; the loss is a mean along such steps; the fused kernels have it */
  /* Mean over the tasks. w: the tensors of the surrogate. */
  PetscErrorCode (*loss)(const NomosMeta *m, const NomosTasks *tasks, const NomosTensor w[], NomosTensor *loss);
} NomosMetaMethod;
#define NOMOS_META_METHOD_CHOICES "maml|anil|reptile|pretrained|modulation|last_layer"
const NomosMetaMethod *NomosMetaMethodFind(const char name[]);

/* ---- judgement */

enum { NOMOS_META_COORDINATE,
       NOMOS_META_ENERGY,
       NOMOS_META_FIELD,
       NOMOS_META_FEATURES,
       NOMOS_META_N_ERRORS };
extern const char *const nomos_meta_error_names[NOMOS_META_N_ERRORS];
typedef enum { NOMOS_META_TRAINED,
               NOMOS_META_RANDOM,
               NOMOS_META_N_STARTS } NomosMetaFrom;
typedef enum { NOMOS_META_SGD,
               NOMOS_META_ADAM,
               NOMOS_META_SOLVE,
               NOMOS_META_N_RULES } NomosMetaRule;
extern const char *const nomos_meta_rule_names[NOMOS_META_N_RULES];

/* Errors after so many steps; sums over tasks, of which NomosMetaError makes the number. */
typedef struct {
  NomosMetaFrom from;
  NomosMetaRule rule;
  size_t        points, step;
  double        sum[NOMOS_META_N_ERRORS], n[NOMOS_META_N_ERRORS];
} NomosMetaRecord;

/* Whole test trajectories of the same number of coordinates. */
typedef struct {
  size_t  n, size, n_times;
  double *t, *x, *x_dot; /* (n, n_times[, size]) */
  size_t *points;        /* (n, n_times) an order of the points of each; the first K of it are known */
} NomosTestTasks;

/* What came of all of it, for the weights that were there. */
typedef struct {
  size_t           n, capacity;
  NomosMetaRecord *records;
  void            *weights;                     /* of the parameters, when this was found */
  NomosTestTasks   first;                       /* tasks of the pictures */
  double          *orbits[NOMOS_META_N_STARTS]; /* (first.n, n_times, size) after `orbit_step` steps; NULL: none */
  size_t           orbit_step;
  NomosMetaRule    orbit_rule;
} NomosMetaCurves;

struct NomosMeta_s {
  NomosSurrogate         s;
  const NomosMetaMethod *method;
  NomosEnergy            energy;
  NomosModulation        modulation;
  NomosMetaFused        *fused;                             /* NULL: this network or loss has no fused kernels */
  size_t                 n_tensors, n_weights, last, ridge; /* of the energy: tensors, numbers; numbers of tensors: its last layer, log of the ridge */
  size_t                 n_dims, size, n_times;             /* of a body; coordinates and times in the data */
  bool                   first_order;
  double                 inner_rate, log_ridge;
  int64_t                inner_steps;
  size_t                 n_points[NOMOS_META_N_SETS];
  NomosLossFn            loss;
  NomosTaskList          lists[NOMOS_N_SPLITS];
  /* at a new task */
  NomosParameters        random; /* first values of the energy's tensors */
  size_t                 n_steps, n_k, n_test, substeps;
  const double          *steps, *k;
  double                 rates[NOMOS_META_N_RULES]; /* NaN: not tried */
  bool                   from_random, solve_first;
  NomosExpression        expression; /* the true energy; NULL: not known */
  NomosMetaCurves        curves;
};

/* Read the tasks of a split that `held_out` leaves. Collective. */
PetscErrorCode NomosMetaListTasks(NomosMeta *m);
PetscErrorCode NomosMetaFreeTasks(NomosMeta *m);
/* Those of a batch that have `size` coordinates, their points drawn by counter. */
PetscErrorCode NomosMetaReadTasks(NomosMeta *m, const NomosBatch *batch, size_t size, NomosTape tape, NomosTasks *tasks);
/* Coordinates of example i of the batch. */
size_t         NomosMetaTaskSize(const NomosMeta *m, const NomosBatch *batch, size_t i);
/* The test tasks of a size (0: that of the first one), at most n_test of all. */
PetscErrorCode NomosMetaReadTest(NomosMeta *m, NomosSplit split, size_t size, NomosTestTasks *tasks);
PetscErrorCode NomosMetaFreeTest(NomosTestTasks *tasks);

/* What is adapted, as tensors v[] with a leading task axis: their number and entries a task; first values; and the weights that follow, w0 where nothing is adapted. */
size_t         NomosMetaVariables(const NomosMeta *m, NomosMetaWhat what, size_t *numbers);
PetscErrorCode NomosMetaStart(const NomosMeta *m, NomosMetaWhat what, size_t n_tasks, const NomosTensor w0[], NomosTensor v[]);
void           NomosMetaWeights(const NomosMeta *m, NomosMetaWhat what, const NomosTensor w0[], const NomosTensor v[], NomosTensor w[]);
/* v[] from one tensor [tasks, numbers]. */
PetscErrorCode NomosMetaSplit(const NomosMeta *m, NomosMetaWhat what, NomosTensor flat, NomosTensor v[]);
/* Loss of J grad H at points x. */
PetscErrorCode NomosMetaFieldLoss(const NomosMeta *m, const NomosTensor w[], NomosTensor x, NomosTensor x_dot, NomosTensor *loss);

/* The last layer of each task by least squares with a ridge around w[last]: the field is linear in it,
     (A^T A/N + ridge) (w_last - w0_last) = A^T (x_dot - A w0_last)/N,   A: columns J grad phi_k at the support points, N rows.
   w[last] becomes [tasks, 1, k]. Differentiable through A. log_ridge is a scalar tensor. */
PetscErrorCode NomosMetaSolveLast(const NomosMeta *m, NomosTensor x, NomosTensor x_dot, NomosTensor log_ridge, NomosTensor w[]);

/* By fused kernels: none are made where there are none. *done false: this loss is not among them, or w[] are not the parameters themselves. A tape has one such loss at a time. */
PetscErrorCode NomosMetaFusedCreate(NomosMeta *m, const NomosEnergyInput *network, const char loss[]);
PetscErrorCode NomosMetaFusedDestroy(NomosMeta *m);
PetscErrorCode NomosMetaFusedLoss(NomosMeta *m, const NomosTasks *tasks, bool training, const NomosTensor w[], NomosTensor *loss, bool *done);
/* Gradient of the field's loss at points, by all weights theta. */
PetscErrorCode NomosMetaFusedGradient(const NomosMeta *m, const NomosFieldPoints *points, const void *theta, void *gradient);

/* All curves at the test tasks, once for the weights as they are. */
PetscErrorCode NomosMetaAdapt(NomosMeta *m);
PetscErrorCode NomosMetaFreeCurves(NomosMeta *m);
double         NomosMetaError(const NomosMetaRecord *record, int error);

/* x_dot of states (tasks, n, size); and features (tasks, n, k) of the last hidden layer. */
typedef PetscErrorCode (*NomosTaskFieldFn)(size_t n, const double x[], double x_dot[], void *ctx);
typedef struct {
  const NomosMeta      *m;
  const NomosTestTasks *tasks;
  NomosTaskFieldFn      field;
  void                 *ctx;
} NomosMetaJudgeInput;
/* Roll-outs by Runge and Kutta's method from the first states (rolled, (tasks, n_times, size)), and the errors of these and of the field, added to the record. */
PetscErrorCode NomosMetaJudge(const NomosMetaJudgeInput *input, double rolled[], NomosMetaRecord *record);

PetscErrorCode NomosMetaEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx);
PetscErrorCode NomosMetaPictures(NomosSurrogate s, const char directory[]);

#endif
