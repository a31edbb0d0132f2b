/* Where a run comes from: program, libraries, machine, command, inputs. */
#ifndef NOMOS_IO_PROVENANCE_H
#define NOMOS_IO_PROVENANCE_H

#include "io/base.h"

/* A JSON object (indented text, the same on every rank; PetscFree):
   {"nomos": {version, commit, dirty}, "build": {compiler, flags}, "libraries": {petsc, hdf5, ...}, "machine": {host, os, cpu, cores, memory_bytes},
    "run": {utc, command, directory, ranks, nodes, threads, precision, seed}, "case": {path, files: {name: XXH64 as 16 hex digits}}}.
   case_path: the case's directory (every regular file directly in it is hashed) or its YAML file; NULL: none. extra: text of a JSON object that is laid over,
   key by key ({"libraries": {"fftw": "..."}, "run": {"threads": 2}}); NULL: none.
   Errors (all ranks): the case cannot be read; `extra` is no JSON object. A single file that cannot be read is recorded as such. Collective.
   The build defines NOMOS_COMPILER_FLAGS (a string), "unknown" without. */
PetscErrorCode NomosProvenanceCreate(MPI_Comm comm, int argc, char *const argv[], uint64_t seed, const char precision[], const char case_path[], const char extra[], char **json);

/* "nomos 0.1.0 (866091f0c0de, modified)": the program as a text for people and files. */
const char *NomosSource(void);

#endif
