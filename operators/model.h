/* A model is anything that advances a state by one step: a solver's step is written, a surrogate's is learned. What runs
   one (cases/run.c, assimilation, a trajectory) runs the other, through this table.

   A model is one folder or file with a `const NomosModelOps`, and one line in the list of its floor (solvers/solver_list.h). */
#ifndef NOMOS_OPERATORS_MODEL_H
#define NOMOS_OPERATORS_MODEL_H

#include "io/checkpoint.h"
#include "io/config.h"
#include "io/field_file.h"
#include "io/particle_view.h"
#include "io/plot.h"
#include "operators/operator.h"

typedef struct NomosModel_s     *NomosModel;
typedef struct NomosModelOps_s   NomosModelOps;
typedef struct NomosEquations_s *NomosEquations; /* operators/equations.h */

/* A number a model reports at every scalar output. Scalars of one `group` share a panel in the pictures. */
typedef struct {
  const char *name, *unit, *long_name;
  const char *group;     /* "energy"; NULL: not drawn */
  bool        log_scale; /* of the group's y axis */
  const char *label;     /* in the group's legend; NULL: the name */
} NomosScalarInfo;

/* How `nomos plot` draws a variable of fields.nc (an image per layer) or of spectra.nc (lines over its last dimension). */
typedef struct {
  const char    *variable; /* name in the file; "*": of every one over time, where their names are chosen by the case */
  const char    *title;    /* of its picture, or of its line in the picture of a group; NULL: the variable's long_name */
  NomosColourMap map;      /* fields */
  const char    *group;    /* spectra of one group share a panel; NULL: a panel of its own */
  bool           log_log;  /* spectra */
  double         slope;    /* spectra: reference slope to draw, 0: none */
  bool           timeless; /* fields: of a model whose one step is no time: the last frame alone */
} NomosPictureInfo;

/* What stands around the particles of a model. */
typedef struct {
  NomosScene room;
  void      *obstacles; /* what room.distance needs: PetscFree by whoever asked */
} NomosModelScene;

/* A number of the equation that is no key of the case, as the model knows it from elsewhere: "burgers.nu" of a trained emulator. */
typedef struct {
  const char *key;
  double      value;
} NomosCoefficient;

/* What a file of the model holds; arrays are owned by the model and live as long as it does. */
typedef struct {
  const char               *equation; /* that the fields obey, for people and files; NULL: not told */
  double                    starts_at; /* s: time, in the file that its first state is from, of the model's time 0; 0: from none. Runs are compared by that clock */
  size_t                    n_dims, n_variables, n_coefficients;
  const NomosCoefficient   *coefficients; /* attributes of the file by their keys, which exports take as the parameters */
  const NomosFieldDim      *dims;
  const NomosFieldVariable *variables; /* types are set by the caller (output.precision) when the file is created */
} NomosFileLayout;

/* Where a state went wrong. */
typedef struct {
  bool     bad;
  char     field[NOMOS_MAX_NAME];
  int      n_index;
  int64_t  index[NOMOS_FIELD_MAX_DIMS]; /* of the first bad entry, as in the file: (layer, y, x) */
  double   value;
  char     place[160]; /* what is wrong with it and where it is, in words; "": nothing to add */
  double   cfl;        /* 0: unknown */
  double   dt_advised; /* 0: no advice */
  char     advice[320]; /* what to do, where the time step is fixed or not what is wrong, in words; "": try another time.dt */
} NomosModelFault;

/* Named numbers for summary.json's `results`. */
typedef PetscErrorCode (*NomosResultFn)(const char name[], double value, void *ctx);
/* Sentences for the log and summary.json's `warnings`. */
typedef PetscErrorCode (*NomosWarningFn)(const char sentence[], void *ctx);

/* What one may differentiate by: an entry of a parameter that is marked differentiable (NomosParam), and that this model has. */
typedef struct {
  const NomosParam *param;
  int               entry; /* of a list, else 0 */
  double            value; /* now, in the unit of the parameter */
} NomosModelParameter;

/* A field that can be read off the state, linearly, on this rank's part of the grid. */
typedef struct {
  const char *name, *unit, *long_name;
  int         n_dims;
  size_t      size[NOMOS_FIELD_MAX_DIMS], start[NOMOS_FIELD_MAX_DIMS], count[NOMOS_FIELD_MAX_DIMS]; /* of the whole, and of this rank's block */
  bool        made; /* anew by every step: what a state begins with does not need it */
} NomosModelField;

/* The derivatives of a step, and what a trajectory (operators/trajectory.h) needs of the model it runs.

   A state is one vector of n reals of model->precision on this rank, multistep history included; x_{n+1} = Phi(x_n, p, n) depends on it, on the parameters p and
   on the clock (model->step, model->time, model->dt), which the caller sets with NomosModelSetClock. Inner products are plain sums over the entries of
   all ranks. Derivatives are exact for the step as it is computed, to rounding. All collective. A missing one is NULL: whoever needs it says so. */
typedef struct {
  PetscErrorCode (*state_size)(NomosModel model, size_t *n);
  PetscErrorCode (*get_state)(NomosModel model, void *state);
  PetscErrorCode (*set_state)(NomosModel model, const void *state);
  PetscErrorCode (*check)(NomosModel model); /* may this case be differentiated? an error that says why not and what to set; NULL: always */

  /* The same list on every rank; `set_parameters` takes a value for each and renews what depends on them. May be NULL: none. */
  PetscErrorCode (*parameters)(NomosModel model, size_t *n, const NomosModelParameter **list);
  PetscErrorCode (*set_parameters)(NomosModel model, const double values[]);

  /* At `state` and the clock; the model's own state is not touched unless said. p_dot may be NULL (zero), p_bar NULL (not asked for).
       jvp   x_dot  := dPhi/dx x_dot + dPhi/dp p_dot                                   in place
       vjp   x_bar  := (dPhi/dx)^T x_bar,   p_bar += (dPhi/dp)^T x_bar                 in place; p_bar is this rank's part of a sum over ranks
       hvp   the derivative of vjp in the direction (x_dot, p_dot, x_bar_dot):  x_bar as in vjp,
             x_bar_dot := (dPhi/dx)^T x_bar_dot + d[(dPhi/dx)^T x_bar]/d(x, p) (x_dot, p_dot),   p_bar_dot += likewise
             x_dot itself is not advanced */
  PetscErrorCode (*jvp)(NomosModel model, const void *state, void *x_dot, const double p_dot[]);
  PetscErrorCode (*vjp)(NomosModel model, const void *state, void *x_bar, double p_bar[]);
  PetscErrorCode (*hvp)(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[]);

  /* Linear maps between a state and its fields (numbers of the list), for losses and observations. `field` writes values [count]; its vjp adds to x_bar. `from_field`
     writes the state (without history: that of step 0) that has this field, cut to what the state can hold; its vjp adds to values_bar. */
  PetscErrorCode (*fields)(NomosModel model, size_t *n, const NomosModelField **list);
  PetscErrorCode (*field)(NomosModel model, size_t field, const void *state, double values[]);
  PetscErrorCode (*field_vjp)(NomosModel model, size_t field, const double values_bar[], void *x_bar);
  PetscErrorCode (*from_field)(NomosModel model, size_t field, const double values[], void *state);
  PetscErrorCode (*from_field_vjp)(NomosModel model, size_t field, const void *x_bar, double values_bar[]);

  /* Where files of the model hold variables that are not linear in its state (velocities and pressure for momenta and energy): `primitives` lists them in the order of the state, which they make up together;
     n = 0: files hold the fields. `primitive_map` is the operator from a state to them or (to_state) from them to it, point by point and in double precision: inputs "state" and "parameters" (replicated; all of the
     model's), output "state". The model is borrowed, and its state, parameters and clock stay. May be NULL: none. */
  PetscErrorCode (*primitives)(NomosModel model, size_t *n, const NomosModelField **list);
  PetscErrorCode (*primitive_map)(NomosModel model, bool to_state, NomosOperator *op);
} NomosModelDerivatives;

struct NomosModelOps_s {
  const char       *name;    /* the value of `solver:` */
  const char       *summary; /* one sentence */
  const char       *reference;
  size_t            n_params;
  const NomosParam *params;
  /* Groups of parameters under names that a case chooses (`materials.NAME.density`): their tables for `nomos describe` (NULL: none), and what declares those of a case, which may look at its texts
     (NomosConfigPeek); called before the case is checked. */
  size_t                 n_groups;
  const NomosParamGroup *groups;
  PetscErrorCode (*declare)(NomosConfig config);
  size_t                  n_pictures; /* of fields.nc */
  const NomosPictureInfo *pictures;
  size_t                  n_spectra_pictures;
  const NomosPictureInfo *spectra_pictures;

  /* All collective. `create` reads model->config, checks it (with NomosConfigWhere in its messages), allocates, plans, and sets model->dt. `create` must not
     read initial files; `initialise` sets the state at step 0 (time 0). nomos run --dry-run calls `create` alone. */
  PetscErrorCode (*create)(NomosModel model);
  PetscErrorCode (*initialise)(NomosModel model);
  PetscErrorCode (*step)(NomosModel model); /* advance by one step; ends with NomosModelTick */
  PetscErrorCode (*destroy)(NomosModel model);

  /* Fields and spectra: a layout, and the writing of one frame's variables between NomosFieldFileBeginFrame and EndFrame. */
  PetscErrorCode (*field_layout)(NomosModel model, NomosFileLayout *layout);
  PetscErrorCode (*write_fields)(NomosModel model, NomosFieldFile file);
  PetscErrorCode (*spectra_layout)(NomosModel model, NomosFileLayout *layout); /* may be NULL */
  PetscErrorCode (*write_spectra)(NomosModel model, NomosFieldFile file);

  PetscErrorCode (*scalars)(NomosModel model, size_t *n, const NomosScalarInfo **info);
  PetscErrorCode (*evaluate_scalars)(NomosModel model, double values[]); /* same values on every rank */
  PetscErrorCode (*cfl)(NomosModel model, double *cfl);                  /* of the last step */
  PetscErrorCode (*check)(NomosModel model, NomosModelFault *fault);     /* is every entry finite and plausible? cheap: called every few steps */
  PetscErrorCode (*results)(NomosModel model, NomosResultFn result, void *ctx); /* at the end; may be NULL */
  PetscErrorCode (*warn)(NomosModel model, NomosWarningFn warn, void *ctx);     /* before the first step: what of the case the model is not made for; may be NULL */

  /* Everything needed to continue bit for bit, apart from config and clock (step, time, dt), which the caller stores, and has set before `load`. */
  PetscErrorCode (*save)(NomosModel model, NomosCheckpoint checkpoint);
  PetscErrorCode (*load)(NomosModel model, NomosCheckpoint checkpoint);

  /* Estimated bytes of memory per rank and a line for people ("128 x 128 x 2, dealias 2/3, AB3, 9 transforms a step"). */
  PetscErrorCode (*describe)(NomosModel model, double *bytes, char *text, size_t n_text);

  /* For pictures of particles (a `position` in fields.nc), from the case alone: the model need not be created. One rank. NULL: the room is where the particles are. */
  PetscErrorCode (*scene)(NomosConfig config, NomosModelScene *scene);

  const NomosModelDerivatives *derivatives; /* NULL: this model cannot be differentiated */

  /* The `equations:` of the case (NULL if it has none) and the fields that their terms name, of `state` (NULL: not asked for), borrowed until the next call. NULL: the solver takes no equations. */
  PetscErrorCode (*equations)(NomosModel model, const void *state, NomosEquations *equations, const double *const **fields);

  const NomosModelOps *base; /* of a model that extends another (NomosModelExtend): the other's; else NULL */
};

struct NomosModel_s {
  const NomosModelOps *ops;
  MPI_Comm             comm;
  NomosConfig          config;
  int64_t              step;
  double               time, dt;    /* dt of the next step */
  int64_t              origin_step; /* since when dt has been what it is: time = origin_time + (step - origin_step)*dt has no sum to round */
  double               origin_time;
  uint64_t             seed;      /* of its random numbers, for the record */
  NomosRealType        precision; /* it works in, for the record */
  int64_t              n_grid;   /* grid points of the whole state: ns per grid point and step */
  void                *data;
  void                *extension; /* of a model that extends another, whose own `data` is */
};

/* A model that is another one and something more, such as a learned correction of its steps: cases of the other with a few keys beside. It is the same NomosModel with one more pointer, so that every function of the other's table
   works on it as it is; what `extend` replaces calls the other's by model->ops->base. Derivatives of the step are not inherited, those of another step would be wrong; the rest of NomosModelDerivatives is. */
typedef struct {
  const char       *extends; /* name of the other model */
  const char       *name, *summary, *reference;
  size_t            n_params; /* beside the other's */
  const NomosParam *params;
  void (*extend)(NomosModelOps *ops, NomosModelDerivatives *derivatives); /* put in what differs */
} NomosModelExtension;
/* Its table, from that of the other; lives until NomosModelExtendDestroy. Not collective. */
PetscErrorCode NomosModelExtend(const NomosModelExtension *extension, const NomosModelOps *base, const NomosModelOps **ops);
PetscErrorCode NomosModelExtendDestroy(const NomosModelOps **ops);

/* Find by name in a NULL-terminated list; the error names the nearest and all. */
PetscErrorCode NomosModelFind(const NomosModelOps *const list[], const char name[], const char where[], const NomosModelOps **ops);
PetscErrorCode NomosModelCreate(MPI_Comm comm, const NomosModelOps *ops, NomosConfig config, NomosModel *model);
PetscErrorCode NomosModelDestroy(NomosModel *model);

/* The clock. SetTimeStep changes dt from here on (a restart with another time.dt does; an adaptive scheme may before a step): a multistep scheme
   whose history has another spacing must look at dt. Tick, at the end of `step`: step += 1 and time follows. Not collective. */
PetscErrorCode NomosModelSetTimeStep(NomosModel model, double dt);
PetscErrorCode NomosModelTick(NomosModel model);
/* The clock as it stands before step `step` of a run with the present dt. */
PetscErrorCode NomosModelSetClock(NomosModel model, int64_t step);

/* For `check`: of the faults of several ranks all get one, of the smallest `kind` and then of the lowest rank; none where none is bad. Collective. */
PetscErrorCode NomosModelFirstFault(MPI_Comm comm, int kind, NomosModelFault *fault);

#endif
