/* Trajectories of two systems with known orbits, and the surrogate `hamiltonian_meta` on them. */
#ifndef NOMOS_TESTS_META_SETUP_H
#define NOMOS_TESTS_META_SETUP_H

#include "surrogates/learning_rate.h"
#include "surrogates/meta/meta_impl.h"
#include "surrogates/optimiser.h"
#include "surrogates/training_impl.h"
#include "tests/harness.h"

#include <hdf5.h>

extern const NomosSurrogateOps NomosSurrogateOps_HamiltonianMeta;

enum { META_TRAJECTORIES = 24,
       META_TIMES        = 21 };

/* Bodies in the plane, two at most: (q, p), size 4 of them each. Even trajectories are of one body on a spring, q = a cos t + b sin t; odd ones of two that a spring joins, whose difference does that with sqrt(2) t. */
static inline void MetaState(size_t trajectory, double t, double x[8], double x_dot[8])
{
  const bool   pair  = trajectory % 2;
  const double omega = pair ? sqrt(2) : 1;
  memset(x, 0, 8 * sizeof *x);
  memset(x_dot, 0, 8 * sizeof *x);
  for (int d = 0; d < 2; d++) {
    const double a = 0.3 + 0.5 * sin(1 + 3 * (double)trajectory + d), b = 0.4 * cos(2 + 5 * (double)trajectory + 2 * d);
    const double q = a * cos(omega * t) + b * sin(omega * t), p = omega * (b * cos(omega * t) - a * sin(omega * t));
    for (int body = 0; body <= pair; body++) {
      const double part       = pair ? (body ? -0.5 : 0.5) : 1;
      x[2 * body + d]         = part * q;
      x[4 + 2 * body + d]     = part * p;
      x_dot[2 * body + d]     = part * p;
      x_dot[4 + 2 * body + d] = -part * omega * omega * q;
    }
  }
}

static inline void MetaPut(hid_t file, const char name[], int n_dims, const hsize_t shape[], const double values[])
{
  hid_t space = H5Screate_simple(n_dims, shape, NULL), set = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  if (!strcmp(name, "system")) {
    static const char meanings[] = "spring pair";
    hid_t             type = H5Tcopy(H5T_C_S1), scalar = H5Screate(H5S_SCALAR);
    H5Tset_size(type, sizeof meanings);
    hid_t attribute = H5Acreate2(set, "flag_meanings", type, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, meanings);
    H5Aclose(attribute);
    H5Sclose(scalar);
    H5Tclose(type);
  }
  H5Dclose(set);
  H5Sclose(space);
}

static inline const char *MetaPath(void)
{
  static char   path[NOMOS_MAX_PATH + 16];
  static double x[META_TRAJECTORIES][META_TIMES][8], x_dot[META_TRAJECTORIES][META_TIMES][8], t[META_TRAJECTORIES][META_TIMES], system[META_TRAJECTORIES], bodies[META_TRAJECTORIES];
  int           rank;
  if (path[0]) return path;
  snprintf(path, sizeof path, "%s/orbits.h5", ck_directory);
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  for (size_t i = 0; i < META_TRAJECTORIES; i++) {
    system[i] = (double)(i % 2);
    bodies[i] = 1 + (double)(i % 2);
    for (size_t k = 0; k < META_TIMES; k++) {
      t[i][k] = 0.1 * (double)k;
      MetaState(i, t[i][k], x[i][k], x_dot[i][k]);
    }
  }
  if (!rank) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    MetaPut(file, "x", 3, (const hsize_t[]){META_TRAJECTORIES, META_TIMES, 8}, &x[0][0][0]);
    MetaPut(file, "x_dot", 3, (const hsize_t[]){META_TRAJECTORIES, META_TIMES, 8}, &x_dot[0][0][0]);
    MetaPut(file, "t", 2, (const hsize_t[]){META_TRAJECTORIES, META_TIMES}, &t[0][0]);
    MetaPut(file, "system", 1, (const hsize_t[]){META_TRAJECTORIES}, system);
    MetaPut(file, "bodies", 1, (const hsize_t[]){META_TRAJECTORIES}, bodies);
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  return path;
}

/* Settings end with NULL. */
static inline PetscErrorCode MetaTry(MPI_Comm comm, const char *const settings[], NomosConfig *config, NomosSurrogate *surrogate)
{
  static const char *const common[] = {"data.validation=0", "data.test=0.25", "train.precision=float64", "train.batch=6", "train.epochs=2", "hamiltonian.hidden=2", "hamiltonian.width=8", "hamiltonian.activation=mish", "hamiltonian.initialiser=default", "hamiltonian_meta.support=6", "hamiltonian_meta.query=5", "hamiltonian_meta.epoch=12", "adaptation.points=10", "adaptation.trajectories=4", "adaptation.steps=[0,20]", NULL};
  char                     text[NOMOS_MAX_PATH + 64];
  PetscFunctionBeginUser;
  snprintf(text, sizeof text, "data.path=%s", MetaPath());
  PetscCall(NomosConfigCreate(comm, config));
  PetscCall(NomosConfigSet(*config, text));
  for (size_t i = 0; common[i]; i++) PetscCall(NomosConfigSet(*config, common[i]));
  for (size_t i = 0; settings[i]; i++) PetscCall(NomosConfigSet(*config, settings[i]));
  PetscCall(NomosConfigRegister(*config, nomos_n_data_params, nomos_data_params));
  PetscCall(NomosConfigRegister(*config, nomos_n_train_params, nomos_train_params));
  PetscCall(NomosConfigRegister(*config, nomos_n_optimiser_params, nomos_optimiser_params));
  PetscCall(NomosConfigRegister(*config, nomos_n_learning_rate_params, nomos_learning_rate_params));
  PetscCall(NomosConfigRegister(*config, NomosSurrogateOps_HamiltonianMeta.n_params, NomosSurrogateOps_HamiltonianMeta.params));
  PetscCall(NomosConfigCheck(*config));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = comm, .ops = &NomosSurrogateOps_HamiltonianMeta, .config = *config}, surrogate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void MetaEnd(NomosConfig *config, NomosSurrogate *surrogate)
{
  ck_ok(NomosSurrogateDestroy(surrogate));
  ck_ok(NomosConfigDestroy(config));
}

#endif
