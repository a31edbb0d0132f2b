/* The numerical core of the QG solver, in working precision (operators/real.h): for *_real.c files, and for tests of one precision.

   Arrays of modes are [layer][k - k_start][l], l = 0..l_max, l_min..-1, as in operators/fft.h. */
#ifndef NOMOS_SOLVERS_QG_CORE_H
#define NOMOS_SOLVERS_QG_CORE_H

#include "operators/fft.h"
#include "solvers/qg/qg_state.h"

enum { NOMOS_QG_MAX_FIELDS = 3 * NOMOS_QG_MAX_LAYERS + 1, NOMOS_QG_ETD_MATRICES = 5 };

typedef struct NAME(QGCore_s) NAME(QGCore);
typedef struct NAME(QGDerivative_s) NAME(QGDerivative); /* qg_derivative.h */
typedef struct NAME(QGEquations_s) NAME(QGEquations);   /* qg_equations.h */

/* What a tendency is for: called once for each row of modes (kx fixed) with the tendencies of all layers, t[layer] (n_l), `offset` the row's first mode in a
   layer. The row's input may be overwritten. Called by several threads at once for different rows. */
typedef void (*NAME(QGRowFn))(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx);

/* Products at the grid points. */
typedef enum { QG_UV, QG_VV_UU, QG_UQ, QG_VQ, QG_JACOBIAN, QG_TOPOGRAPHY, QG_N_KINDS } QGProductKind;
typedef struct {
  QGProductKind kind;
  int           layer;
} QGProduct;

typedef struct { /* of one thread */
  Complex *work;     /* [field or product][8][ny of the transform grid] */
  Complex *psi;      /* [layer][n_l] */
  Complex *tendency; /* [layer][n_l] */
  Real    *grid;     /* [field, and two products][2][nx] */
  Complex *scratch;  /* [2][nx/2 + 4] */
  Real    *row;      /* [8][2 n_l] */
  Complex *column;   /* [ny] of the user's grid, for the sponge */
  Real     max_u, max_v;
} NAME(QGThread);

struct NAME(QGCore_s) {
  const NomosQGSetup *setup;
  MPI_Comm            comm;
  NAME(NomosFft)     *fft, *output_fft; /* transform grid; the user's grid (the same object unless dealias is 3/2) */
  int                 n_layers, n_l, n_threads;
  size_t              n_modes;          /* of a layer, on this rank */
  Real               *k, *l2, *l_pair;  /* kx (n_k_local) ; l^2 and l, each twice in a row (2 n_l): a row of complex numbers is then a plain row of reals */
  Complex            *q;
  const Complex      *ahead;            /* the state whose fields stand in `mixed`, or NULL: whoever writes q sets it to NULL */
  Complex            *history[4];       /* as the scheme needs, see qg_step_real.c */
  Complex            *body_force;       /* like q, or NULL */
  Complex            *topography;       /* eta, modes of a layer, or NULL */
  Complex            *jet;              /* psi_R(l), kx = 0, or NULL */
  Complex            *sawtooth, *planetary; /* y and beta y (l), kx = 0, or NULL */
  Real               *response;         /* [vertical mode][k][l]: psi/q */
  Real               *filter;           /* [k][l] or NULL */
  Real               *topography_x, *topography_y; /* gradient on the transform grid, or NULL */
  Complex            *etd[NOMOS_QG_ETD_MATRICES];  /* [k][l][i][j] */
  double              etd_dt;
  FFTW(plan)          sponge_out, sponge_in;
  Complex            *mixed[NOMOS_QG_MAX_FIELDS];
  int                 n_in, n_out;      /* fields transformed to the grid and back */
  NAME(QGThread)     *threads;
  NAME(QGDerivative) *derivative;       /* NULL until a derivative is asked for */
  NAME(QGEquations)  *equations;        /* NULL until extra terms are asked for */

  PetscLogEvent event;    /* QGTendency of -log_view, with flops */
  size_t  n_forced; /* stochastic ring: local modes */
  size_t *forced;   /* index in a layer */
  double *forced_amplitude;

  int64_t step;
  double  dt;
  double  max_u, max_v; /* mean flow included; of the first tendency of a step whose number is a multiple of setup->track_every */
  bool    tracking; /* the tendency that comes is one of those */
};

PetscErrorCode NAME(QGCoreCreate)(MPI_Comm comm, const NomosQGSetup *setup, NAME(QGCore) **core);
PetscErrorCode NAME(QGCoreDestroy)(NAME(QGCore) **core);
/* Work out anew what depends on numbers of the setup that have changed (beta, stretching, hyperviscosity, topography, forcing rate ...). Collective. */
PetscErrorCode NAME(QGCoreRenew)(NAME(QGCore) *core);

/* Sum of the `terms` (NomosQGTerm) of dq/dt at state q, handed over row by row. `next` (or NULL): a state that `row` completes, whose tendency will be asked for
   next: its first pass is done on the way. Collective. */
PetscErrorCode NAME(QGTendency)(NAME(QGCore) *core, const Complex *q, int terms, const Complex *next, NAME(QGRowFn) row, void *ctx);
/* The same into an array like q. */
PetscErrorCode NAME(QGTendencyArray)(NAME(QGCore) *core, const Complex *q, int terms, Complex *tendency);

/* Parts of a tendency that its derivatives use too: the products of some terms; the first pass for one block; a packed row times a real factor per mode (twice each; NULL: a
   constant) and, if turned, times i, into a column of ny with zeros between; t -= s(y) (q - <q>_x) of a row, in y alone. */
int  NAME(QGListProducts)(const NAME(QGCore) *core, int terms, QGProduct products[]);
void NAME(QGFieldsOut)(NAME(QGCore) *core, const Complex *q, int block, NAME(QGThread) *thread);
void NAME(QGSpread)(const NAME(QGCore) *core, const Complex *packed, const Real *factor, Real constant, bool turned, Complex *column);
void NAME(QGSponge)(const NAME(QGCore) *core, const Complex *q, Complex *column, Complex *t);

/* psi of the row of modes [offset, offset + n_l) of all layers; psi[layer] (n_l); `row` scratch [2][2 n_l]. */
void NAME(QGInvertRow)(const NAME(QGCore) *core, const Complex *q, size_t offset, Complex *const psi[], Real *row);
/* The same for rows q[layer] (n_l) that need not be the state's. */
void NAME(QGInvertLayers)(const NAME(QGCore) *core, Complex *const q[], size_t offset, Complex *const psi[], Real *row);
/* And its transpose. */
void NAME(QGInvertLayersTransposed)(const NAME(QGCore) *core, Complex *const psi_bar[], size_t offset, Complex *const q_bar[], Real *row);
/* q from psi, all modes. */
void NAME(QGPotentialVorticity)(const NAME(QGCore) *core, const Complex *psi, Complex *q);
void NAME(QGStreamfunction)(const NAME(QGCore) *core, const Complex *q, Complex *psi);
/* K^n of a row for the hyperviscosity, each value twice (2 n_l). */
void NAME(QGHyperviscosityRow)(const NAME(QGCore) *core, size_t row, Real *d);

/* One time step of core->dt with the setup's scheme. Collective. */
PetscErrorCode NAME(QGStep)(NAME(QGCore) *core);
/* y (+)= factor M x for the N x N matrices [k][l][i][j] of a row, with the vectors' layers apart. */
void NAME(QGApplyMatrices)(const NAME(QGCore) *core, const Complex *matrices, size_t offset, Real factor, const Complex *const x[], Complex *const y[], bool add);
/* How the Adams-Bashforth step of core->step goes: the order, the coefficients of the tendencies of now, last and before, and where in the history they stand (-1: nowhere);
   the new tendency is kept in `keep`. `start`: the step is RK4's. */
typedef struct {
  int    order, last, before, keep;
  double b[3];
  bool   start;
} QGAdams;
QGAdams NAME(QGAdamsPlan)(const NAME(QGCore) *core);
/* Number of history arrays the scheme has, all part of a checkpoint if `carried`. */
int NAME(QGHistoryCount)(NomosQGScheme scheme, bool carried);

/* Matrices of ETDRK4 for core->dt. */
PetscErrorCode NAME(QGExponentials)(NAME(QGCore) *core);
/* Stochastic forcing of the step that ends now: q += sqrt(dt) xi. */
PetscErrorCode NAME(QGForcingCreate)(NAME(QGCore) *core);
void           NAME(QGForce)(NAME(QGCore) *core);

/* Fields on the user's grid: this rank's rows [n_y_local][nx] from one layer's modes, and back (cut to the retained modes). Collective. */
PetscErrorCode NAME(QGToGrid)(NAME(QGCore) *core, const Complex *modes, Real *grid);
PetscErrorCode NAME(QGFromGrid)(NAME(QGCore) *core, const Real *grid, Complex *modes);

/* See solvers/qg/qg_state.h; n_bins of width NomosQGBinWidth, centred on its multiples. Collective. */
PetscErrorCode NAME(QGEnergies)(NAME(QGCore) *core, int n_bins, NomosQGEnergies *energies);
PetscErrorCode NAME(QGBudget)(NAME(QGCore) *core, int terms, double dt, int n_bins, NomosQGRates *rates);

/* The wavenumber l of a mode of a layer, in double precision. */
static inline double NAME(QGWavenumberY)(const NAME(QGCore) *core, size_t mode)
{
  const int j = (int)(mode % (size_t)core->n_l);
  return 2 * PETSC_PI / core->setup->ly * (j <= core->fft->l_max ? j : j - core->n_l);
}

/* Weight of a row of modes in sums over the whole plane. */
static inline double NAME(QGRowWeight)(const NAME(QGCore) *core, size_t row)
{
  const int k = core->fft->k_start + (int)row;
  return k == 0 || 2 * k == core->setup->nx ? 1.0 : 2.0;
}

#endif
