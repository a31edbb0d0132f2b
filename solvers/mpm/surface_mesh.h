/* A closed surface of triangles, from an OBJ or STL file: what is inside of it. */
#ifndef NOMOS_SOLVERS_MPM_SURFACE_MESH_H
#define NOMOS_SOLVERS_MPM_SURFACE_MESH_H

#include "io/base.h"

typedef struct NomosSurfaceMesh_s *NomosSurfaceMesh;

/* Read a mesh: Wavefront OBJ (polygons are cut into triangles; all but v and f is ignored), or STL, ASCII or binary. Points with the same coordinates are one. Rank 0 reads, every rank gets
   it. Collective. Errors: not such a file (with the line), no triangles, and a surface that is not watertight: every edge must be shared by exactly two triangles that run along it in opposite
   directions; how many are not, and where the first is. */
PetscErrorCode NomosSurfaceMeshRead(MPI_Comm comm, const char path[], NomosSurfaceMesh *mesh);
PetscErrorCode NomosSurfaceMeshDestroy(NomosSurfaceMesh *mesh);

/* Scale so that the longest edge of the box around it is `size`, and move its middle to `centre`. Not collective. */
PetscErrorCode NomosSurfaceMeshPlace(NomosSurfaceMesh mesh, double size, const double centre[3]);

size_t NomosSurfaceMeshTriangles(NomosSurfaceMesh mesh);
void   NomosSurfaceMeshExtent(NomosSurfaceMesh mesh, double low[3], double high[3]);
/* By the divergence theorem; positive also for triangles that face inwards. */
double NomosSurfaceMeshVolume(NomosSurfaceMesh mesh);

/* Is x inside? The triangles above x count +1 or -1 by where they face; where x is below an edge (to rounding), the solid angle of all triangles decides
   (van Oosterom & Strackee 1983, doi:10.1109/TBME.1983.325207). Thread safe. */
bool NomosSurfaceMeshInside(NomosSurfaceMesh mesh, const double x[3]);

#endif
