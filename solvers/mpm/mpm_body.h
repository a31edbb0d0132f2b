/* One body of a case, and the particles it begins with: what mpm_bodies.c and mpm_body_fill.c share. */
#ifndef NOMOS_SOLVERS_MPM_BODY_H
#define NOMOS_SOLVERS_MPM_BODY_H

#include "solvers/mpm/mpm_impl.h"
#include "solvers/mpm/surface_mesh.h"

typedef struct {
  MPI_Comm             comm;
  NomosConfig          config;
  const NomosMpmSetup *setup;
  uint64_t             seed;
  char                 section[NOMOS_MAX_NAME];
  const char          *name;
  int                  index, material; /* as in the case */
  NomosMpmShape        shape;
  NomosSurfaceMesh     mesh;
  size_t               n, capacity;
  double (*x)[3];
  double (*v)[3], (*C)[9], (*F)[9]; /* NULL: not in the file; C is d x d */
  double volume; /* of all */
  double *volumes; /* (n) of each in the file, whose sum may be another; NULL: all the same */
} NomosMpmBody;

/* Parameters of its section, and where they were given. */
PetscErrorCode NomosMpmBodyReal(const NomosMpmBody *body, const char key[], double *value);
PetscErrorCode NomosMpmBodyInt(const NomosMpmBody *body, const char key[], int64_t *value);
const char    *NomosMpmBodyWhere(const NomosMpmBody *body, const char key[]);

/* Particles and volume of a body whose shape is known: the shape filled, or particles of a file or a run. Errors: what its shape needs and is not given, a leaky mesh, an empty body. Collective. */
PetscErrorCode NomosMpmBodyFill(NomosMpmBody *body);

#endif
