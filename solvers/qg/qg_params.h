/* The parameters of the QG solver, and what they mean for its setup. */
#ifndef NOMOS_SOLVERS_QG_PARAMS_H
#define NOMOS_SOLVERS_QG_PARAMS_H

#include "operators/fft_plan.h"
#include "solvers/qg/qg.h"

enum { NOMOS_QG_N_PARAMS = 64 };
extern const NomosParam nomos_qg_params[];

/* What else a run needs to know. */
typedef struct {
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

/* An expression of position over rows [y_start, y_start + n_y) of the grid, x in [-lx/2, lx/2), y in [-ly/2, ly/2); names: x y lx ly dx dy. values (n_y, nx). A
   value that is not finite is an error that names the key and the place. */
PetscErrorCode NomosQGEvaluate(MPI_Comm comm, NomosConfig config, const char key[], const char text[], const NomosQGSetup *setup, int y_start, int n_y, double *values);

/* The state at step 0 from `initial.*`. */
PetscErrorCode NomosQGInitialise(MPI_Comm comm, NomosConfig config, const NomosQGSetup *setup, const void *ops, void *core);

#endif
