/* The ends of the axes of space, as files say them by attributes of their root: boundary_x, boundary_x_high ("same" where it is that of the low side), ...; of ends with a value value_low and value_high. The words are those of the
   solvers: periodic, wall, no_flux, outflow, value. Runs, sweeps and files of other layouts say them alike, and who learns from them asks here. */
#ifndef NOMOS_IO_ENDS_H
#define NOMOS_IO_ENDS_H

#include "io/config.h"
#include "io/field_file.h"

enum { NOMOS_MAX_ENDS = 8 }; /* two sides of three axes, two values */

typedef struct {
  size_t n;
  struct {
    char name[NOMOS_MAX_NAME], text[128];
  } list[NOMOS_MAX_ENDS];
} NomosEnds;

/* Is it the boundary of this axis: boundary_AXIS, boundary_AXIS_high? */
bool        NomosEndIs(const char name[], const char axis[]);
/* The i-th attribute that a file with these axes of space may have; false behind the last one. */
bool        NomosEndsName(size_t i, size_t n_axes, const char *const axes[], char name[NOMOS_MAX_NAME]);
/* The first text of a name counts; NULL and "" say nothing. */
void        NomosEndsSay(NomosEnds *ends, const char name[], const char text[]);
/* NULL: it is not said. */
const char *NomosEndsFind(const NomosEnds *ends, const char name[]);
/* The boundary on a side of an axis, which on the high side may be said to be that of the low one. NULL: it is not said. */
const char *NomosEndsOf(const NomosEnds *ends, const char axis[], bool high);
/* The same boundary? In The Well's words too, which has one for wall and no_flux: through neither flows anything. */
bool        NomosEndsAlike(const char a[], const char b[]);

/* Of what a model writes over these dims: what its case says of their ends (SOLVER.boundary_x, ...); an axis of space that the case has no key for is periodic, unless it is open. Collective. */
PetscErrorCode NomosEndsOfCase(NomosConfig config, size_t n_dims, const NomosFieldDim dims[], NomosEnds *ends);
/* Of a file. Not collective. */
PetscErrorCode NomosEndsRead(NomosFieldReader reader, size_t n_axes, const char *const axes[], NomosEnds *ends);
/* As attributes of a file's root, which last as long as `ends`; how many. */
size_t         NomosEndsAttributes(const NomosEnds *ends, NomosFieldAttribute attributes[NOMOS_MAX_ENDS]);

#endif
