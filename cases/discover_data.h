/* Inside of the mode of nomos discover without a model: equations of data. discover_data_open.c reads what the case says, opens the data and makes the library; discover_data.c finds the equations. */
#ifndef NOMOS_CASES_DISCOVER_DATA_H
#define NOMOS_CASES_DISCOVER_DATA_H

#include "cases/discover.h"
#include "surrogates/discovery/library.h"

typedef struct {
  NomosFrames  frames, noisy; /* as in the file; with discover.noise, if there is any */
  NomosLibrary library;
  size_t       n_terms, n_fields, n_equations;
  char       **terms;
  const char *const *fields;
  size_t      *targets;
  double      *sigma; /* (n_fields) of the noise that was added, then as measured */
  bool         measured;
  int64_t      seeds;
  double       worst, ratio, exact; /* means over the seeds */
  double       covered[3];          /* right coefficients in their 95 % intervals; all right ones found; squares of their errors in deviations */
} NomosDiscoverData;

PetscErrorCode NomosDiscoverDataPrepare(NomosDiscover *d);
/* Frames, noise, and the equations with their terms. */
PetscErrorCode NomosDiscoverDataOpen(NomosDiscover *d, NomosDiscoverData *data, const char path[]);
/* discover.noise times the root mean square of every field, by the case's seed and `k`: data->noisy. */
PetscErrorCode NomosDiscoverDataNoise(NomosDiscover *d, NomosDiscoverData *data, uint64_t k);
/* What the regression is of, into the log and d->settings. */
PetscErrorCode NomosDiscoverDataDescribe(NomosDiscover *d, const NomosDiscoverData *data);
/* Those with noise, where there are such. */
static inline const NomosFrames *NomosDiscoverDataFrames(const NomosDiscoverData *data)
{
  return data->noisy.read ? &data->noisy : &data->frames;
}

#endif
