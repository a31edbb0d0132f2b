/* The model `grid_pde`, inside. A state is u (fields, z, y, x), this rank's box of cells, x fastest. `width` counts the doubles of a Number: 1 for values, 2 for values with tangents, arrays (fields, 2, ..); what is
   written once for both runs both: a jvp is a step of width 2, and a hvp its adjoint of width 2. */
#ifndef NOMOS_SOLVERS_GRID_PDE_IMPL_H
#define NOMOS_SOLVERS_GRID_PDE_IMPL_H

#include "operators/state_fields.h"
#include "solvers/grid_pde/adjoint.h"
#include "solvers/grid_pde/reconstruction.h"

#include <omp.h>
#include <petscdmda.h>

/* Points and faces go in chunks; grids of no more than PDE_ALONE cells are left to one thread. */
enum { PDE_GHOSTS = 2, PDE_MAX_WIDTH = 2, PDE_CHUNK = 128, PDE_ALONE = 2048, PDE_MAX_STAGES = 200, PDE_MAX_LEVELS = 16, PDE_N_PICTURES = 1, PDE_N_PARAMS = 29 };

typedef enum { PDE_PERIODIC, PDE_OUTFLOW, PDE_WALL, PDE_NO_FLUX, PDE_VALUE } PdeBoundary;
#define PDE_BOUNDARY_CHOICES "periodic|outflow|wall|no_flux|value" /* in this order */

/* One stage of an explicit scheme: Y_j = a[0] Y_0 + a[1] Y_(j-1) + a[2] Y_(j-2) + h (b[0] L(Y_0) + b[1] L(Y_(j-1))). */
typedef struct {
  double a[3], b[2];
} PdeStage;

/* A substep of length h, by these stages. */
typedef struct {
  int      n_stages;
  double   h;
  PdeStage stages[PDE_MAX_STAGES]; /* j = 1, 2, .. */
} PdeSubstep;

/* How a step is taken: in n substeps, the i-th of them substeps[levels[i]], each of which is half as long as the one before it there. */
typedef struct {
  int            n, n_levels; /* levels has room for n_levels */
  unsigned char *levels;
  PdeSubstep     substeps[PDE_MAX_LEVELS];
  const double  *after; /* the state after the step, where it had to be found on the way, until the next plan; else NULL */
} PdePlan;

/* Arrays that stay from one call to the next, as large as they ever were. */
typedef enum { PDE_OF_PLAN, PDE_OF_STEP, PDE_OF_TENDENCY, PDE_OF_SUMS, PDE_OF_TANGENTS, PDE_N_SCRATCHES } PdeScratchKind;

typedef struct {
  NomosStateFields      parts; /* first: operators/state_fields.h */
  const NomosPdeFamily *family;
  const NomosPdeAdjoints *adjoints[PDE_MAX_WIDTH];
  int                   n_dims, m; /* m fields */
  size_t                size[3], start[3], count[3]; /* cells along x, y, z: of all, where this rank's begin, and how many */
  size_t                n_cells, n;                   /* this rank's cells; m n_cells */
  size_t                box[3], n_box, stride[3], first; /* with ghosts; `first` is the first own cell there */
  double                length[3], origin[3], dx[3];
  PdeBoundary           boundary[3][2];
  double                value[2][NOMOS_PDE_MAX_FIELDS]; /* of w outside: low side, high side */
  NomosLimiter          limiter;
  const char           *scheme;
  double                cfl, tolerance;
  int                   substeps;                   /* 0: as stability and tolerance ask for */
  bool                  alone; /* on one rank: ghosts need no PETSc */
  DM                    dm;
  Vec                   own, with_ghosts;
  int                   n_coefficients;
  double                c[PDE_MAX_WIDTH * NOMOS_PDE_MAX_COEFFICIENTS]; /* values and tangents */
  double                coefficients[NOMOS_PDE_MAX_COEFFICIENTS];
  NomosModelParameter   parameters[NOMOS_PDE_MAX_COEFFICIENTS];
  double               *w, *box_w, *box_bar, *flux; /* w of the cells, of the box, its adjoint, fluxes of an axis: for the largest width */
  double               *rows;                       /* of every thread: row_size; of n_threads */
  size_t                row_size;
  int                   n_threads;
  double               *scratch[PDE_N_SCRATCHES];
  size_t                n_scratch[PDE_N_SCRATCHES];
  PdePlan               plan;
  double                last_cfl, dt_stable; /* of the last step; of the first one, with a fixed number of substeps */
  struct PdeOutput_s   *output;
  NomosModelField       fields[NOMOS_PDE_MAX_FIELDS + 1], primitives[NOMOS_PDE_MAX_FIELDS];
} PdeModel;

/* ---- derivatives.c: values (n) and tangents as one array of width 2, and back; value NULL: not asked for. */
void PdeJoin(const PdeModel *p, const double value[], const double tangent[], double both[]);
void PdePart(const PdeModel *p, const double both[], double value[], double tangent[]);
/* A field over the cells, by its name; all: of all fields. */
NomosModelField PdeModelField(const PdeModel *p, const char name[], const char long_name[], bool all);

/* ---- params.c */
PetscErrorCode PdeDeclare(NomosConfig config);
PetscErrorCode PdeSetup(NomosModel model);

/* ---- grid.c */
PetscErrorCode PdeGridCreate(NomosModel model);
PetscErrorCode PdeGridDestroy(PdeModel *p);
/* w of the cells, of this width, into the box, with ghosts from the neighbours and the boundaries; and its adjoint: w_bar += box_bar, ghosts folded in. Collective. */
PetscErrorCode PdeFillBox(PdeModel *p, int width, const double w[]);
PetscErrorCode PdeFillBoxAdjoint(PdeModel *p, int width, double w_bar[]);

/* ---- tendency.c, tendency_adjoint.c: du = L(u) (n Numbers); u_bar += (dL/du)^T du_bar, c_bar (width, NOMOS_PDE_MAX_COEFFICIENTS) += likewise, at u. Collective. */
PetscErrorCode PdeTendency(PdeModel *p, int width, const double u[], double du[]);
PetscErrorCode PdeTendencyAdjoint(PdeModel *p, int width, const double u[], const double du_bar[], double u_bar[], double c_bar[]);
/* in_bar (n Numbers) += (d point/d in)^T out_bar, c_bar likewise, of a function of a point. Not collective: sums of this rank. */
PetscErrorCode PdePointAdjoint(PdeModel *p, int width, const NomosPdeAdjoint *point, const double in[], const double out_bar[], double in_bar[], double c_bar[]);
/* w of u: u itself where they are the same, else p->w. */
const double *PdePrimitive(PdeModel *p, int width, const double u[]);
/* a /= c, of n Numbers. */
void PdeDivide(int width, size_t n, const double c[], size_t c_plane, double a[], size_t a_plane);
PetscErrorCode PdeScratch(PdeModel *p, PdeScratchKind kind, size_t n, double **array);
/* Calls a function whose loops are shared out by `#pragma omp for`: by all threads, or where there is little to do by this one, without the cost of a team. */
#define PDE_TEAM(p, call) \
  do { \
    if ((p)->n_cells > PDE_ALONE && omp_get_max_threads() > 1) { \
      _Pragma("omp parallel") { call; } \
    } else { \
      call; \
    } \
  } while (0)
/* Buffers p->rows for as many threads as there are now. */
PetscErrorCode PdeThreads(PdeModel *p);
/* Rows of faces of an axis: how many, faces of each; and the place in the box of the cell behind the first face of one (axis 0: of the first cell of a row of cells). */
void   PdeFaceRows(const PdeModel *p, int axis, size_t *n_rows, size_t *n);
size_t PdeFaceRow(const PdeModel *p, int axis, size_t row);
/* Of a row of cells: the row of the faces before them, and the steps from there to that of the faces behind. */
size_t PdeRowOfCells(const PdeModel *p, int axis, size_t row_of_cells, size_t *step);
/* The states at both sides of n faces, (2, fields, width, n), and w and its slope there, likewise; `behind` is the cell behind the first one. */
void PdeSides(const PdeModel *p, int width, int axis, size_t behind, size_t n, double sides[]);
void PdeSlopes(const PdeModel *p, int width, int axis, size_t behind, size_t n, double slopes[]);
/* Of these faces those, first .. end, where the ghosts of that side of a family with a flow have the value that is given at the face itself. */
bool PdeGiven(const PdeModel *p, int axis, int side, size_t behind, size_t n, size_t *first, size_t *end);
/* The family's limit of these sides; work: (fields, width, n). And w of n cells of the box, from `at`. */
void PdeLimit(const PdeModel *p, int width, int axis, size_t behind, size_t n, double sides[], double work[]);
void PdeCells(const PdeModel *p, int width, size_t at, size_t n, double cells[]);

/* ---- plan.c: of a step of model->dt from u. Collective. */
PetscErrorCode PdePlanMake(NomosModel model, const double u[], PdePlan *plan);

/* ---- advance.c: that step, in place; its adjoint. */
/* Arrays of a substep from y_0. Its stages y_1, y_2, .. go into y: without `end` one behind the other, up to the one before the last; else the last three of them alone, and the last one into `end`, which may be y_0.
   l: for L(y_0), which `has_slope` says is there, and L of a stage. */
typedef struct {
  int           width;
  bool          has_slope;
  const double *y_0;
  double       *y, *l[2], *end;
} PdeSubstepArrays;
PetscErrorCode PdeSubstepTake(PdeModel *p, const PdeSubstep *substep, const PdeSubstepArrays *in);
PetscErrorCode PdeAdvance(NomosModel model, const PdePlan *plan, int width, double u[]);
PetscErrorCode PdeAdvanceAdjoint(NomosModel model, const PdePlan *plan, int width, const double u[], double u_bar[], double c_bar[]);

/* ---- initial.c, initial_random.c: w at step 0. Collective. */
PetscErrorCode PdeInitialise(NomosModel model);
/* The centre of this rank's cell number i. */
void           PdeCentre(const PdeModel *p, size_t i, double x[3]);
PetscErrorCode PdeInitialSines(NomosModel model, int field, double values[]);
PetscErrorCode PdeInitialDam(NomosModel model, int field, double values[]);
PetscErrorCode PdeInitialConstant(NomosModel model, int field, double values[]);
PetscErrorCode PdeInitialModes(NomosModel model, double values[]); /* of all fields */

/* ---- primitive.c: NomosModelDerivatives.primitives and .primitive_map. */
PetscErrorCode PdePrimitives(NomosModel model, size_t *n, const NomosModelField **list);
PetscErrorCode PdePrimitiveMap(NomosModel model, bool to_state, NomosOperator *op);

/* ---- output.c */
PetscErrorCode PdeOutputCreate(NomosModel model);
PetscErrorCode PdeOutputDestroy(NomosModel model);
PetscErrorCode PdeFieldLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode PdeWriteFields(NomosModel model, NomosFieldFile file);
PetscErrorCode PdeScalars(NomosModel model, size_t *n, const NomosScalarInfo **info);
PetscErrorCode PdeEvaluateScalars(NomosModel model, double values[]);
extern const NomosPictureInfo      pde_pictures[PDE_N_PICTURES];
extern const NomosModelDerivatives pde_derivatives;
extern const NomosParam            pde_params[PDE_N_PARAMS];

#endif
