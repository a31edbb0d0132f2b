/* What is on the disk, and texts that are there whole or not at all. What takes a communicator rank 0 does, and every rank returns its error. */
#ifndef NOMOS_IO_DISK_H
#define NOMOS_IO_DISK_H

#include "io/text.h"

/* A regular file, or a link to one. Not collective, as the next three. */
bool NomosIsFile(const char path[]);
bool NomosIsDirectory(const char path[]);
/* Is `directory/name` there, whatever it is? */
bool NomosDirectoryHas(const char directory[], const char name[]);
/* NAME.nc, NAME.h5 or NAME.hdf5, which is not hidden: what data are called in a folder. */
bool NomosIsHDF5Name(const char name[]);

/* Make a directory, in one that is there; it may be there already. Errors: the path, and what the system says. Collective. */
PetscErrorCode NomosDirectoryMake(MPI_Comm comm, const char path[]);

/* Write a file as a whole, atomically (temporary name, fsync, rename). Errors: the path, and what the system says; an older file is left then. Collective. */
PetscErrorCode NomosWriteFileAtomic(MPI_Comm comm, const char path[], const char text[]);
/* The same of a text, which ends with it. */
PetscErrorCode NomosTextWrite(MPI_Comm comm, const char path[], NomosText *text);

#endif
