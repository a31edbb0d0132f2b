/* Equal cells of a plane, for models that are written for two dimensions: which rank has which, ghosts, the state (field, y, x) of doubles with its checkpoint and derivatives' vectors, initial fields, what a file holds.

   A model whose model->data begins with a NomosCellPlane takes the functions with a NomosModel into its tables as they are. All collective unless said. */
#ifndef NOMOS_SOLVERS_CELL_PLANE_H
#define NOMOS_SOLVERS_CELL_PLANE_H

#include "operators/state_fields.h"

#include <float.h>
#include <petscdmda.h>

enum { NOMOS_PLANE_MAX_FIELDS = 6 };

typedef struct {
  const char *name, *long_name;
  bool        constant; /* written once: it does not change */
  bool        made;     /* anew by every step (NomosModelField) */
} NomosPlaneField;

typedef struct {
  const char            *section;    /* of the case: "darcy" */
  const char            *equation;   /* for files (NomosFileLayout) */
  size_t                 n_fields, n_written; /* of the state; of a file */
  const NomosPlaneField *fields, *written;
  bool                   periodic[2];
  int                    ghosts;
  bool                   corners;    /* ghosts at the corners too */
  const PetscInt        *rows;       /* rows of each rank, which has them whole; NULL: as PETSc deals them */
} NomosCellPlaneInput;

typedef struct {
  NomosStateFields       parts; /* first: operators/state_fields.h */
  const char            *equation;
  const NomosPlaneField *fields, *written;
  size_t                 n_written, size[2], start[2], count[2], n_points; /* x, y: of all, where this rank's begin, how many */
  double                 length[2], origin[2], dx[2];
  bool                   periodic[2];
  DM                     dm;
  int                    ghosts;
  size_t                 box[2], n_box, first; /* with ghosts; `first` is the first own cell there */
  Vec                    own, with_ghosts;
  double                *axes[2];
  NomosFieldDim          dims[2];
  NomosFieldVariable     variables[NOMOS_PLANE_MAX_FIELDS];
  NomosModelField        list[NOMOS_PLANE_MAX_FIELDS + 1];
} NomosCellPlane;

/* Their parameters, in a table. */
#define NOMOS_PLANE_PARAMS(section) \
  {section ".nx", NOMOS_PARAM_INT, NULL, NULL, 4, 65536, NULL, false, "Cells along x."}, \
  {section ".ny", NOMOS_PARAM_INT, "0", NULL, 0, 65536, NULL, false, "Cells along y; 0: as many as along x."}, \
  {section ".lx", NOMOS_PARAM_REAL, "1", NULL, DBL_MIN, DBL_MAX, NULL, false, "Length of the domain along x."}, \
  {section ".ly", NOMOS_PARAM_REAL, "0", NULL, 0, DBL_MAX, NULL, false, "Length along y; 0: as along x."}, \
  {section ".origin", NOMOS_PARAM_REAL_LIST, "", NULL, 0, 0, NULL, false, "Where the domain begins, [x, y]; unset: 0."}, \
  {section ".seed", NOMOS_PARAM_INT, "1", NULL, 0, 9e15, NULL, false, "Seed of random fields."}

/* Reads the size (model->config), which the two after it need: ranks come between them. Create sets model->dt, seed and precision, and allocates the state. */
PetscErrorCode NomosCellPlaneSize(NomosModel model, const char section[]);
PetscErrorCode NomosCellPlaneCreate(NomosModel model, const NomosCellPlaneInput *input);
PetscErrorCode NomosCellPlaneDestroy(NomosCellPlane *plane);

/* A field of the cells into a box with ghosts: those of other ranks and across periods; those outside of a closed side are left to the caller. The adjoint adds what is in the box to the cells; the box
   is as it was. */
PetscErrorCode NomosCellPlaneFill(NomosCellPlane *plane, const double values[], double box[]);
PetscErrorCode NomosCellPlaneFold(NomosCellPlane *plane, double box[], double values_bar[]);

/* An expression of x, y, lx, ly at the centres of this rank's cells, moved by so many cells; `positive`: an error where it is not. */
PetscErrorCode NomosCellPlaneExpression(NomosModel model, const char key[], const double offset[2], bool positive, double values[]);
/* A variable of initial.file at initial.frame (-1: the last), which has this grid. */
PetscErrorCode NomosCellPlaneFile(NomosModel model, const char name[], bool positive, double values[]);
/* A random field, periodic, of zero mean and (expected) variance 1, at the cells moved by so many of them: sum over 0 < |k| <= waves of |k|^-slope (a cos(2 pi k x/l) + b sin(2 pi k x/l)), a and b normal
   numbers of (seed, stream). The same bits for any ranks. */
typedef struct {
  uint64_t seed, stream;
  int      waves;
  double   slope;
} NomosPlaneWaves;
PetscErrorCode NomosCellPlaneWaves(const NomosCellPlane *plane, const NomosPlaneWaves *waves, const double offset[2], double values[]);

/* Written: field `written` number f from its values in the cells. */
PetscErrorCode NomosCellPlaneWrite(NomosModel model, NomosFieldFile file, size_t f, const double values[]);

/* Into NomosModelOps. Check: the first cell whose state is not finite. */
PetscErrorCode NomosCellPlaneLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode NomosCellPlaneCheck(NomosModel model, NomosModelFault *fault);
PetscErrorCode NomosCellPlaneSave(NomosModel model, NomosCheckpoint checkpoint);
PetscErrorCode NomosCellPlaneLoad(NomosModel model, NomosCheckpoint checkpoint);
/* Into NomosModelDerivatives. */
#define NOMOS_PLANE_DERIVATIVES .fields = NomosCellPlaneFields, NOMOS_STATE_FIELDS_DERIVATIVES
PetscErrorCode NomosCellPlaneFields(NomosModel model, size_t *n, const NomosModelField **list);

#endif
