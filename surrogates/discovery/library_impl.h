/* Private to the assembly (library*.c). */
#ifndef NOMOS_SURROGATES_DISCOVERY_LIBRARY_IMPL_H
#define NOMOS_SURROGATES_DISCOVERY_LIBRARY_IMPL_H

#include "surrogates/discovery/library.h"

#define NOMOS_TEST_TAU 1e-10 /* phi one point before the end of its support (Messenger & Bortz 2021) */
enum { NOMOS_STRONG_FRAMES = 9, NOMOS_UNBIASED_FIELDS = 4 }; /* of a difference in time: its order and one more */

/* Where the numbers of a weak column come from: a projection is <d^a phi, inside>, one of a pass's, which has its outer axis done. */
typedef struct {
  size_t inside;
  int    order[2];
} NomosProjection;
typedef struct {
  size_t projection;
  double factor;
} NomosContribution;

/* phi along one axis: d^a phi at the points of a support apart from its ends, which are zero, (n_orders)(2 m - 1). */
typedef struct {
  size_t  half_width, stride, n; /* n test functions */
  bool    periodic;
  int     degree, n_orders;
  double *values;
} NomosTestAxis;

/* The frames a trajectory should have, at times t_0 + i dt; those that it has. Of uneven times all follow each other but where there is a gap. */
typedef struct {
  size_t  n_slots;
  size_t *slot;   /* (n_frames) of each frame */
  double  step;
  bool    even;
} NomosTimes;

typedef struct {
  size_t capacity, n, block;
  double **columns, **targets; /* (n_terms)(capacity), (n_targets)(capacity) */
} NomosRowBuffer;

struct NomosLibrary_s {
  MPI_Comm             comm;
  int                  rank, size;
  char                 where[256];
  NomosLibrarySettings settings;
  size_t               n_fields, n_targets, n_terms, n_all; /* n_all: fields of frames */
  size_t              *targets;
  bool                 rates;
  int                  n_dims;
  size_t               n[2], points;
  double               spacing[2];
  size_t               n_trajectories, *n_frames, *n_moments, *first_stretch; /* (n_trajectories), the last one with an entry more */
  NomosTimes          *times;                                                 /* (n_trajectories) */
  size_t               first;                                                 /* trajectory of several frames: what all have alike is told from it */
  NomosTerms           terms, insides;
  char               **names;     /* (n_terms) */
  size_t               n_rows;    /* of a moment */
  size_t              *places;    /* strong: (n_rows) their points; NULL: all */
  size_t              *tile_rows; /* (n_tiles + 1) first rows of the tiles */
  size_t               n_insides, n_projections;
  NomosProjection     *projections;   /* sorted by inside, then outer order */
  NomosContribution   *contributions; /* of each column after the other, terms and then targets */
  size_t              *first_contribution; /* (n_terms + n_targets + 1) */
  NomosTestAxis        axes[NOMOS_LIBRARY_AXES];
  bool                 monomials;     /* all insides are products of fields */
  int                 *exponents;     /* (n_insides + n_targets)(NOMOS_UNBIASED_FIELDS) of these */
};

/* A piece of a trajectory's moments that this rank assembles, and where the sums go. */
typedef struct {
  NomosLibrary       library;
  const NomosFrames *frames;
  const double      *coefficients;
  NomosGram         *gram;
  NomosRowBuffer     buffer;
  const double     **from;      /* (n_terms + n_targets) columns and targets from some row on */
  double             n_missing; /* numbers missing so far */
  const double      *sigma;     /* (n_fields) insides without the bias of this noise; NULL: as they are */
  const size_t      *first_row; /* with sigma: (n_trajectories) where rows go in `rows` (n_terms)(n_all_rows) */
  size_t             n_all_rows;
  double            *rows;
} NomosAssembly;

/* Moments [*first, *end) of a weak form whose test functions reach a slot of time. */
void           NomosLibraryMomentsAt(NomosLibrary library, size_t trajectory, size_t slot, size_t *first, size_t *end);
/* Block of a moment's first tile. */
size_t         NomosLibraryBlock(NomosLibrary library, size_t trajectory, size_t moment);
/* All rows of a moment: columns (n_terms)(n_rows), targets (n_targets)(n_rows); draws the fraction, leaves out what is missing, takes residuals. */
PetscErrorCode NomosAssemblyAdd(NomosAssembly *assembly, size_t trajectory, size_t moment, const double *const columns[], const double *const targets[]);

PetscErrorCode NomosLibraryStrongCreate(NomosLibrary library);
PetscErrorCode NomosLibraryStrong(NomosAssembly *assembly, size_t trajectory, size_t first, size_t end);
PetscErrorCode NomosLibraryWeakCreate(NomosLibrary library, const NomosFrames *frames);
PetscErrorCode NomosLibraryWeak(NomosAssembly *assembly, size_t trajectory, size_t first, size_t end);

/* Half-widths of supports from the spectrum of the data, for axes that have none. */
PetscErrorCode NomosLibraryWidths(NomosLibrary library, const NomosFrames *frames);

/* Which insides are products of fields. */
PetscErrorCode NomosLibraryFindMonomials(NomosLibrary library, const char *const fields[]);
/* insides (n_insides)(points) become what has them without noise as its mean. */
void           NomosLibraryUnbias(NomosLibrary library, const double *const fields[], const double sigma[], double *const insides[]);
/* As NomosLibraryAssemble, with such insides; and the rows as they are, of this rank, else 0. */
PetscErrorCode NomosLibraryAssembleUnbiased(NomosLibrary library, const NomosFrames *frames, const double sigma[], const size_t first_row[], size_t n_all_rows, double rows[], NomosGram *gram);

/* n arrays of `size` doubles in one piece. */
PetscErrorCode NomosArraysCreate(size_t n, size_t size, double ***arrays);
PetscErrorCode NomosArraysDestroy(double ***arrays);

#endif
