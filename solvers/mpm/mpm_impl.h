/* What the files of mpm_params, mpm_bodies, mpm_shapes and mpm_output share. */
#ifndef NOMOS_SOLVERS_MPM_IMPL_H
#define NOMOS_SOLVERS_MPM_IMPL_H

#include "solvers/mpm/mpm.h"

/* "materials.jelly" and "density": the full key. Returns `full`. */
const char *NomosMpmKey(const char section[], const char key[], char full[2 * NOMOS_MAX_NAME]);
/* A list of one number for each axis, or empty (then zeros); and of sizes, where one number stands for all. Collective. */
PetscErrorCode NomosMpmGetVector(MPI_Comm comm, NomosConfig config, const char key[], int d, bool *given, double vector[3]);
PetscErrorCode NomosMpmGetSizes(MPI_Comm comm, NomosConfig config, const char key[], int d, bool *given, double sizes[3]);

enum { NOMOS_MPM_N_BODY_PARAMS = 21 };
extern const NomosParam nomos_mpm_body_params[NOMOS_MPM_N_BODY_PARAMS];

/* The shape of a body or an obstacle from its section of the case. Errors: what its kind needs and is not given. Collective. */
PetscErrorCode NomosMpmShapeFromConfig(MPI_Comm comm, NomosConfig config, const char section[], int d, NomosMpmShape *shape);
/* Its volume (in two dimensions: area), of those that have one: box, sphere, cylinder. */
double NomosMpmShapeVolume(const NomosMpmShape *shape, int d);
/* Edges of the box around it. */
void NomosMpmShapeExtent(const NomosMpmShape *shape, int d, double low[3], double high[3]);

/* solvers/mpm/mpm_overlap.c: do particles x (n) of two bodies begin in the same place? A sentence, or "". Not collective. */
PetscErrorCode NomosMpmOverlaps(NomosMpm *mpm, const double (*x)[3], const char *const bodies[], size_t n_text, char text[]);

/* Where their splines find nodes along an axis; where particles may be: there, and between walls. */
void NomosMpmGridExtent(const NomosMpmSetup *setup, int axis, double *low, double *high);
void NomosMpmRoom(const NomosMpmSetup *setup, int axis, double *low, double *high);

/* mpm->low and high, which each rank has of its own particles, of all. Collective. */
PetscErrorCode NomosMpmExtentOfRun(NomosMpm *mpm);

/* Laws that depend on rates know model->dt. */
PetscErrorCode NomosMpmSetTimeStep(NomosModel model);

/* An array (rows, columns) to (columns, rows): entry-major to particle by particle, and back. */
void NomosMpmTranspose(NomosRealType precision, size_t rows, size_t columns, const void *from, void *to);

/* Entry e of particle k; the determinant of its F. */
double NomosMpmEntry(const NomosMpm *mpm, size_t entry, size_t k);
double NomosMpmDeterminant(const NomosMpm *mpm, size_t k);

/* solvers/mpm/mpm_survey_real.c: least and largest of n reals, and of what low and high are; is every entry of a state finite, and det F > 0? */
void NomosMpmExtent_f32(size_t n, const void *entries, double *low, double *high);
void NomosMpmExtent_f64(size_t n, const void *entries, double *low, double *high);
bool NomosMpmSound_f32(size_t n, size_t n_entries, const void *state);
bool NomosMpmSound_f64(size_t n, size_t n_entries, const void *state);

/* solvers/mpm/mpm_output.c */
PetscErrorCode NomosMpmOutputCreate(NomosModel model);
PetscErrorCode NomosMpmOutputDestroy(NomosModel model);
PetscErrorCode NomosMpmFieldLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode NomosMpmWriteFields(NomosModel model, NomosFieldFile file);

/* solvers/mpm/mpm_scene.c */
PetscErrorCode NomosMpmScene(NomosConfig config, NomosModelScene *scene);

/* solvers/mpm/mpm_scalars.c */
PetscErrorCode NomosMpmScalarsCreate(NomosModel model);
PetscErrorCode NomosMpmScalars(NomosModel model, size_t *n, const NomosScalarInfo **info);
PetscErrorCode NomosMpmEvaluateScalars(NomosModel model, double values[]);
PetscErrorCode NomosMpmResults(NomosModel model, NomosResultFn result, void *ctx);

#endif
