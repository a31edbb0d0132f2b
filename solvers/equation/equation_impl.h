/* Inside of the models of solvers/equation. */
#ifndef NOMOS_SOLVERS_EQUATION_IMPL_H
#define NOMOS_SOLVERS_EQUATION_IMPL_H

#include "operators/equations.h"
#include "operators/fft.h"
#include "operators/model.h"
#include "operators/state_fields.h"

enum { EQUATION_MAX_VARIABLES = 16, EQUATION_MAX_STAGES = 7 };

/* ---- schemes: stage i begins from x_i = B_i(hL) u + sum_{j<i} A_ij(hL) N(x_j), and the row after the last stage is the new state */

/* Functions of hL (L the matrix of a mode, h the step), times h where they weigh a tendency. ONE and STEP are numbers: 1 and h. */
typedef enum {
  EQUATION_NONE, EQUATION_ONE, EQUATION_STEP,
  EQUATION_EXP_HALF,     /* e^(z/2) */
  EQUATION_EXP,          /* e^z */
  EQUATION_PHI_HALF,     /* h/2 phi_1(z/2) */
  EQUATION_PHI_HALF_EXP, /* h/2 phi_1(z/2) (e^(z/2) - 1) */
  EQUATION_FIRST,        /* h (phi_1 - 3 phi_2 + 4 phi_3) */
  EQUATION_MIDDLE,       /* h (2 phi_2 - 4 phi_3) */
  EQUATION_LAST,         /* h (4 phi_3 - phi_2) */
  EQUATION_CN,           /* (1 - z/2)^-1 (1 + z/2) */
  EQUATION_CN_STEP,      /* h (1 - z/2)^-1 */
  EQUATION_N_FUNCTIONS
} EquationFunction;

typedef struct {
  EquationFunction function;
  double           factor;
} EquationUse;

typedef struct {
  const char *name;
  int         n_stages;
  bool        exponential; /* takes L by functions of hL: works on Fourier modes */
  bool        history;     /* a state has the one before with it: it is what stage 1 begins from */
  double      stable;      /* up to about this h |L| it is, for damped waves and for travelling ones; 0: for any */
  EquationUse of_state[EQUATION_MAX_STAGES + 1], of_stage[EQUATION_MAX_STAGES + 1][EQUATION_MAX_STAGES];
} EquationScheme;

const EquationScheme *EquationSchemeFind(const char name[]);
/* That of this step: the first one of cnab2 is another. */
const EquationScheme *EquationSchemeOf(const EquationScheme *scheme, int64_t step);

/* All functions of a z = hL of n x n numbers in blocks (operators/phi_functions.h): values[f] is of the size of z; `work` holds EQUATION_N_WORK of them. */
enum { EQUATION_N_WORK = 2 * 4 + 4 };
void EquationFunctions(const EquationScheme *scheme, int blocks, int n, double h, const double _Complex *z, double _Complex *const values[EQUATION_N_FUNCTIONS], double _Complex *work);

/* ---- Fourier modes of all variables, and the linear part */

typedef struct {
  int            n_dims, nx, ny;
  int            n_y, y_start;          /* this rank's rows */
  size_t         n_points, n_modes;     /* of a variable, on this rank */
  int            n_l, k_start;          /* modes are [k][n_l], l at 0..l_max, l_min..-1 */
  double         lx, ly;
  NomosFft_f64  *plane;                 /* two dimensions */
  fftw_plan      out, in;               /* one */
  double        *grid;
  double _Complex *modes;               /* buffers of a variable */
} EquationModes;

PetscErrorCode EquationModesCreate(MPI_Comm comm, const NomosTermsGrid *grid, EquationModes *modes);
PetscErrorCode EquationModesDestroy(EquationModes *modes);
PetscErrorCode EquationModesForward(EquationModes *modes, const double *grid, double _Complex *to); /* divided by the number of points */
PetscErrorCode EquationModesInverse(EquationModes *modes, const double _Complex *from, double *grid);
/* Numbers of waves of mode i; how often it counts in a sum over the grid (its conjugate is not stored). */
void           EquationModesWaves(const EquationModes *modes, size_t i, int *k, int *l);
double         EquationModesWeight(const EquationModes *modes, size_t i);

/* Variables that L couples are a block of matrices; entry (target, source) of a block is a pair. */
typedef struct {
  int target, source, block, place; /* place: row n + column in the block's matrix */
  bool changes;                     /* a coefficient stands here */
} EquationPair;

typedef struct {
  size_t           n_entries;
  size_t          *entry;  /* coefficients of the linear part: their number among all, */
  int             *pair;   /* where they stand, */
  double _Complex **symbol; /* and their terms' symbols (n_modes) */
  int              n_pairs, n_blocks, block_size[EQUATION_MAX_VARIABLES], block_pair[EQUATION_MAX_VARIABLES]; /* first pair of a block */
  EquationPair     pairs[EQUATION_MAX_VARIABLES * EQUATION_MAX_VARIABLES];
  /* Functions by pair (n_modes); their derivative in the direction of a parameter change; derivatives by an entry of L, (pair of the entry)(pair of the same block), and that in the direction. */
  double _Complex *value[EQUATION_N_FUNCTIONS], *dot[EQUATION_N_FUNCTIONS], *by_entry[EQUATION_N_FUNCTIONS], *by_entry_dot[EQUATION_N_FUNCTIONS];
  double _Complex *sums[2]; /* of a gradient: (function, pair, mode) */
  double           h; /* of the step that `value` is for; 0: not yet made */
  bool             has_by_entry, has_dot, has_by_entry_dot;
  double          *direction; /* (n_entries), of the last two */
} EquationLinear;

/* ---- the model */

/* Vectors of a step or of one of its derivatives: stage states on the grid, and tendencies and the state as the scheme works on them (modes if exponential, else the grid). */
typedef struct {
  double *block;
  double *x[EQUATION_MAX_STAGES + 1], *k[EQUATION_MAX_STAGES], *u;
} EquationSweep;

enum { EQUATION_BASE, EQUATION_DOT, EQUATION_BAR, EQUATION_BAR_DOT, EQUATION_N_SWEEPS };

typedef struct {
  NomosStateFields           parts; /* first: operators/state_fields.h */
  NomosTermsGrid             grid;
  size_t                     n_variables, n_points, n, n_state; /* points of a variable on this rank; of all of them; entries of a state */
  double                     total;                             /* points of a variable on all ranks */
  const char *const         *names;
  uint64_t                   seed;
  NomosEquations             equations;
  size_t                     n_entries;
  const NomosEquationsEntry *entries;
  NomosModelParameter       *parameters;
  double                    *coefficients;
  NomosModelField            fields[EQUATION_MAX_VARIABLES + 1];
  const EquationScheme      *scheme;
  EquationModes              modes;
  EquationLinear             linear;
  size_t                     n_work; /* of a vector as the scheme works on it */
  double                    *next;   /* (n_state) */
  const double              *views[EQUATION_MAX_VARIABLES]; /* of a state that somebody asks about */
  EquationSweep              sweeps[EQUATION_N_SWEEPS];
  double                    *tendency, *tendency_dot, *work[2]; /* (n), (n_work) */
  struct EquationOutput_s   *output;
} EquationModel;

PetscErrorCode EquationSetup(NomosModel model, bool fields); /* from the case; `fields`: over a grid */
PetscErrorCode EquationInitialise(NomosModel model);
PetscErrorCode EquationOutputCreate(NomosModel model);
PetscErrorCode EquationOutputDestroy(NomosModel model);

PetscErrorCode EquationLinearCreate(NomosModel model);
PetscErrorCode EquationLinearDestroy(EquationLinear *linear);
/* Bring up to date: the functions; with `by_entry` their derivatives; with p_dot those in its direction. Not for schemes that have none. */
PetscErrorCode EquationLinearRenew(NomosModel model, bool by_entry, const double p_dot[]);
/* p_bar += what sums[0] tell; p_bar_dot (NULL: none) += what sums[1] tell and, if coefficients change, what sums[0] tell of their change. */
void EquationLinearGradient(const EquationModel *e, bool directed, double p_bar[], double p_bar_dot[]);

/* new_state := the state after the step, from `state`; with x_dot (which may not be NULL if p_dot is not) also what the derivative of it is. Stages stay in sweeps[BASE] and [DOT] for Reverse. */
PetscErrorCode EquationForward(NomosModel model, const double *state, const double *x_dot, const double p_dot[], double *new_state, double *new_dot);
/* The transpose, after Forward: bars in place; x_bar_dot NULL: first order. */
PetscErrorCode EquationReverse(NomosModel model, double *x_bar, double *x_bar_dot, const double p_dot[], double p_bar[], double p_bar_dot[]);
PetscErrorCode EquationStepDestroy(NomosModel model);

extern const NomosModelDerivatives equation_derivatives;

enum { EQUATION_N_SPECTRAL_PARAMS = 15, EQUATION_N_ODE_PARAMS = 7, EQUATION_N_PICTURES = 1, EQUATION_N_SPECTRA_PICTURES = 1 };
extern const NomosParam       equation_spectral_params[EQUATION_N_SPECTRAL_PARAMS], equation_ode_params[EQUATION_N_ODE_PARAMS];
extern const NomosPictureInfo equation_pictures[EQUATION_N_PICTURES], equation_spectra_pictures[EQUATION_N_SPECTRA_PICTURES];
PetscErrorCode                EquationDeclare(NomosConfig config);

PetscErrorCode EquationFieldLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode EquationWriteFields(NomosModel model, NomosFieldFile file);
PetscErrorCode EquationSpectraLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode EquationWriteSpectra(NomosModel model, NomosFieldFile file);
PetscErrorCode EquationScalars(NomosModel model, size_t *n, const NomosScalarInfo **info);
PetscErrorCode EquationEvaluateScalars(NomosModel model, double values[]);

#endif
