/* Files of trajectories in the layouts of other people, and in ours: one description, several layouts. What is written is the same everywhere: fields over (trajectory, time, [z, y,] x), coefficients over
   (trajectory, [z, y,] x), parameters over (trajectory). Reading: NomosFieldReader (io/field_file.h), which knows the same layouts.

     nomos      NetCDF-4, in the precision asked for; xarray and ncdump open it
     pdebench   as the family of the equation has it there: Takamoto et al. (2022), doi:10.48550/arXiv.2210.07182
     well       The Well's groups of scalars, vectors and tensors: Ohana et al. (2024), doi:10.48550/arXiv.2412.00568

   A file has its name only when it is complete: until then it is .NAME.tmp beside it. */
#ifndef NOMOS_IO_TRAJECTORY_FILE_H
#define NOMOS_IO_TRAJECTORY_FILE_H

#include "io/ends.h"

typedef struct NomosTrajectoryFile_s *NomosTrajectoryFile;

typedef struct {
  NomosFieldFileInput file;      /* timeless; dims: trajectory, time, then space, x last; variables are constant, over trajectory first */
  const char         *format;    /* one of these names */
  const char         *family;    /* of the equation: "burgers", "shallow_water"; NULL: unknown */
  const NomosEnds    *ends;      /* of its axes; NULL: unknown. In every layout attributes too */
} NomosTrajectoryFileInput;

/* Errors: there is no format of that name (with the nearest). Not collective. */
PetscErrorCode NomosTrajectoryFormatCheck(const char name[]);

/* The name that the authors of the layout would give to a file of these values (n_variables; those of parameters are looked at): 1D_Burgers_Sols_Nu0.02.hdf5. Other values of what a file has one value of, another name. False: a file of this
   layout holds every value, and its name says none. */
bool           NomosTrajectoryFileName(const NomosTrajectoryFileInput *input, const double values[], char name[NOMOS_MAX_PATH]);
/* Errors: a format that is none; what the layout cannot hold; what NomosFieldFileCreate says. The input is borrowed until it is closed. Not collective: one rank writes. */
PetscErrorCode NomosTrajectoryFileCreate(const NomosTrajectoryFileInput *input, NomosTrajectoryFile *file);
/* A block of a variable, start and count over its dims. Parameters come first and whole; fields in blocks of one trajectory, for each block one field after the other, in any order. Errors: a coefficient that differs between trajectories where the
   layout has one value for all (another parameter is then left out); components of a vector in different blocks; a full disk. */
PetscErrorCode NomosTrajectoryFileWrite(NomosTrajectoryFile file, const char name[], const size_t start[], const size_t count[], const double data[]);
/* Has the layout a place for a variable (PDEBench's shallow water has the depth alone), for the values of a parameter that were written? What has none is left out when it is written. */
bool           NomosTrajectoryFileHolds(NomosTrajectoryFile file, const char name[]);
/* The kind that The Well has for one of our boundaries: PERIODIC, WALL (nothing flows through: wall, no_flux), OPEN (outflow). NULL: there is none (a given value), and its layout says it by an attribute alone, as the others do. */
const char    *NomosTrajectoryWellBoundary(const char boundary[]);
/* And back, WALL being a wall; a kind that it does not have is one that we do not have either, and stays as it is. */
const char    *NomosTrajectoryBoundaryOfWell(const char kind[]);
/* Complete: it gets its name, unless a vector lacks components. Else, and after an error, what there is of it is removed. */
PetscErrorCode NomosTrajectoryFileClose(NomosTrajectoryFile *file, bool complete);

#endif
