/* From values at scattered points of a doubly periodic plane to its grid: methods as a registry. A method is one file and one line in interpolation_list.h.

     u_f(x_p, y_p) = value_fp + deviation_f e_fp  ->  u_f on the grid x0 + i lx/nx, y0 + j ly/ny       f: fields seen at the same points, p: points

   Spectral derivatives are those of the grid. Fields that are seen together are one call: methods that are linear use one operator for all of them, so that their errors cancel in differences, and a network
   has an output for each. Two times are best given as the field at the first and the increment to the second. */
#ifndef NOMOS_SURROGATES_INTERPOLATION_INTERPOLATION_H
#define NOMOS_SURROGATES_INTERPOLATION_INTERPOLATION_H

#include "io/config.h"

typedef struct {
  size_t        nx, ny;
  double        x0, y0, lx, ly; /* place of the first grid point, sides of the plane */
  size_t        n;              /* points */
  const double *x, *y;          /* (n) in the unit of the sides, anywhere in the plane */
  size_t        n_fields;
  const double *values;         /* (n_fields, n) */
  const double *deviation;      /* (n_fields) standard deviation of the errors of values; NULL or 0: exact */
  const size_t *like;           /* (n_fields) an earlier field whose operator a field is to be interpolated by, or itself: an increment like the field, so that errors cancel; NULL: each by its own */
  uint64_t      seed;           /* of what a method draws */
} NomosScatter;

typedef struct {
  const char       *name, *summary, *reference;
  size_t            n_params;
  const NomosParam *params; /* keys discover.NAME.* */
  /* fields (n_fields, ny, nx). The scatter has been checked. */
  PetscErrorCode (*solve)(NomosConfig config, const NomosScatter *scatter, double fields[]);
} NomosInterpolationOps;

/* The method by its name; `where` begins the error of an unknown one. */
PetscErrorCode NomosInterpolationFind(const char name[], const char where[], const NomosInterpolationOps **ops);

/* Errors: no points; a point outside of the plane or twice; a value that is no number; what the method cannot do. Not collective: every rank may do it, with the same bits. */
PetscErrorCode NomosInterpolate(const NomosInterpolationOps *ops, NomosConfig config, const NomosScatter *scatter, double fields[]);

/* For methods: the grid point that point p is, j nx + i; nx ny where it is between them. */
size_t NomosScatterGridPoint(const NomosScatter *scatter, size_t p);

#endif
