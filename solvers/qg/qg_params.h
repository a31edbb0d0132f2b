/* The parameters of the QG solver, and what they mean for its setup. */
#ifndef NOMOS_SOLVERS_QG_PARAMS_H
#define NOMOS_SOLVERS_QG_PARAMS_H

#include "operators/fft_plan.h"
#include "solvers/qg/qg.h"

enum { NOMOS_QG_N_PARAMS = 64 };
extern const NomosParam nomos_qg_params[];

/* The numbers of the physics as the case gives them: what one may set and differentiate by while a model runs (qg_parameters.c). Lists have a number for each layer. */
enum {
  NOMOS_QG_P_RADIUS, NOMOS_QG_P_RATIO, NOMOS_QG_P_GRAVITY, NOMOS_QG_P_F0, NOMOS_QG_P_BUOYANCY, NOMOS_QG_P_SURFACE_DEPTH, NOMOS_QG_P_BETA, NOMOS_QG_P_NONLINEARITY, NOMOS_QG_P_DRAG,
  NOMOS_QG_P_HYPERVISCOSITY, NOMOS_QG_P_RELAXATION, NOMOS_QG_P_RELAXATION_JET, NOMOS_QG_P_FORCING,
  NOMOS_QG_P_DEPTHS,
  NOMOS_QG_P_GRAVITIES = NOMOS_QG_P_DEPTHS + NOMOS_QG_MAX_LAYERS,
  NOMOS_QG_P_DENSITIES = NOMOS_QG_P_GRAVITIES + NOMOS_QG_MAX_LAYERS,
  NOMOS_QG_P_U         = NOMOS_QG_P_DENSITIES + NOMOS_QG_MAX_LAYERS,
  NOMOS_QG_P_V         = NOMOS_QG_P_U + NOMOS_QG_MAX_LAYERS,
  NOMOS_QG_N_PHYSICAL  = NOMOS_QG_P_V + NOMOS_QG_MAX_LAYERS
};
typedef struct {
  double value[NOMOS_QG_N_PHYSICAL]; /* unset: NaN; unset lists: 0 */
  bool   given[NOMOS_QG_N_PHYSICAL]; /* by the user; of a list, at its first entry */
  size_t n_depths, n_gravities, n_densities, n_u, n_v;
  bool   height;                     /* topography is a height: its potential vorticity is f0 h/H_N */
} NomosQGPhysics;

/* What else a run needs to know. */
typedef struct {
  NomosQGPhysics  physics;
  bool            single; /* f32 */
  NomosPlanEffort plan;
  bool            adaptive;
  double          cfl;    /* wanted when adaptive */
  int             n_radii;
  double          radii[NOMOS_QG_MAX_LAYERS]; /* baroclinic deformation radii [m] */
} NomosQGOptions;

/* Read and check; errors name the key and where it was given. The setup's arrays are freed by NomosQGSetupFree. Collective. */
PetscErrorCode NomosQGSetupFromConfig(MPI_Comm comm, NomosConfig config, NomosQGSetup *setup, NomosQGOptions *options);
PetscErrorCode NomosQGSetupFree(NomosQGSetup *setup);

/* The physics of a case, checked for range by the config. */
PetscErrorCode NomosQGPhysicsRead(NomosConfig config, NomosQGPhysics *physics);
/* What of the setup follows from options->physics, with the checks of values against each other. Collective. */
PetscErrorCode NomosQGPhysicsApply(MPI_Comm comm, NomosConfig config, NomosQGSetup *setup, NomosQGOptions *options);

/* An expression of position over rows [y_start, y_start + n_y) of the grid, x in [-lx/2, lx/2), y in [-ly/2, ly/2); names: x y lx ly dx dy. values (n_y, nx). A
   value that is not finite is an error that names the key and the place. */
PetscErrorCode NomosQGEvaluate(MPI_Comm comm, NomosConfig config, const char key[], const char text[], const NomosQGSetup *setup, int y_start, int n_y, double *values);

#endif
