/* HDF5 as io/ uses it (private): silent, one sentence per failure, nothing left open. Called on one rank; no MPI inside. */
#ifndef NOMOS_IO_HDF5_IMPL_H
#define NOMOS_IO_HDF5_IMPL_H

#include "io/disk_impl.h"

#include <hdf5.h>
#include <hdf5_hl.h>

/* "path: cannot `doing`: reason" with the reason of the call that failed last; returns false. Call it before any other HDF5 call. */
bool NomosH5Fail(NomosVerdict *verdict, PetscErrorCode code, const char path[], const char doing[]);

/* An empty file with creation order tracked, no time stamps; metadata up to `metadata_bytes` are kept together so that the chunks of a
   dataset lie one behind the other. Objects still open are closed with the file. Negative on failure. */
hid_t NomosH5Create(const char path[], size_t metadata_bytes, NomosVerdict *verdict);
/* Missing, empty, a directory, foreign and damaged files are told apart. */
hid_t NomosH5Open(const char path[], bool write, NomosVerdict *verdict);
bool  NomosH5Close(hid_t file, const char path[], NomosVerdict *verdict);

/* Properties of a dataset whose raw data are allocated at creation and never filled; H5Pclose. */
hid_t NomosH5RawProperties(void);
/* Create, without any attribute; closes `properties`. Negative on failure, with the verdict. */
hid_t NomosH5Dataset(hid_t file, const char path[], const char name[], hid_t type, int n_dims, const hsize_t size[],
                     const hsize_t max_size[], hid_t properties, NomosVerdict *verdict);

/* Chunks of `chunk_bytes` compressed by h5py's filter `lzf`, as h5py writes them. Reading them needs nothing: the filter is registered with the first file. */
herr_t NomosH5SetLzf(hid_t properties, size_t chunk_bytes);
/* Does the filter of a dataset know the size of its chunks (what it expands is not checked by HDF5)? True without this filter. */
bool   NomosH5CheckLzf(hid_t dataset);
void   NomosH5RegisterLzf(void);

/* Numbers just read from a dataset, as its attributes mean them: NaN where they are _FillValue or missing_value (reals without either: what NetCDF leaves in cells that were not written), or outside of valid_min, valid_max and valid_range; the others times
   scale_factor plus add_offset (CF conventions, 2.5.1 and 8.1). What a foreign file holds is read through this. */
void NomosH5Unpack(hid_t dataset, size_t n, double data[]);

/* Attributes. Text: NULL and "" are left out. GetText: malloc'ed, NULL if absent; numbers are written out. */
herr_t NomosH5PutText(hid_t object, const char name[], const char text[]);
herr_t NomosH5PutInteger(hid_t object, const char name[], hid_t type, int64_t value);
herr_t NomosH5PutReal(hid_t object, const char name[], double value); /* one number, no list */
herr_t NomosH5PutReals(hid_t object, const char name[], hid_t type, size_t n, const double values[]);
char  *NomosH5GetText(hid_t object, const char name[]);
/* A list of texts, of fixed or variable length: how many, 0 if it is absent or no texts. strings (n) and each of them are free'd by FreeStrings. */
size_t NomosH5GetStrings(hid_t object, const char name[], char ***strings);
void   NomosH5FreeStrings(size_t n, char **strings);
herr_t NomosH5PutString(hid_t object, const char name[], const char text[]); /* of variable length, which Python sees as text; NULL and "" are left out */
herr_t NomosH5PutStrings(hid_t object, const char name[], size_t n, const char *const strings[]); /* of variable length, also none */
/* h5py's truth values: an enumeration FALSE, TRUE of bytes. The type is H5Tclose'd. One value, or (n > 0) a list. */
hid_t  NomosH5FlagType(void);
herr_t NomosH5PutFlags(hid_t object, const char name[], size_t n, const bool flags[]);
/* h5py's truth values (or integers), at most n of them; how many there are. */
size_t NomosH5GetFlags(hid_t object, const char name[], size_t n, bool flags[]);

#endif
