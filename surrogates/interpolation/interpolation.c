/* The registry of interpolations, and what is wrong with points. */
#include "surrogates/interpolation/interpolation_list.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* A point this part of the grid's spacing away from a grid point is that point. */
static const double same = 1e-6;

PetscErrorCode NomosInterpolationFind(const char name[], const char where[], const NomosInterpolationOps **ops)
{
  const char *names[sizeof nomos_interpolations / sizeof *nomos_interpolations];
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (; nomos_interpolations[n]; n++) {
    *ops     = nomos_interpolations[n];
    names[n] = (*ops)->name;
    if (!strcmp(names[n], name)) PetscFunctionReturn(PETSC_SUCCESS);
  }
  names[n++] = "none"; /* of which whoever asks knows */
  PetscCall(NomosNameUnknown(PETSC_COMM_SELF, name, n, names, "%s: there is no interpolation '%s'", where, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Grid coordinate of a point, wrapped to [0, n). */
static double Place(double x, double x0, double side, size_t n)
{
  const double u = fmod((x - x0) / side * (double)n + (double)n, (double)n);

  return (double)n - u < same ? 0 : u;
}

size_t NomosScatterGridPoint(const NomosScatter *s, size_t p)
{
  const double u = Place(s->x[p], s->x0, s->lx, s->nx), v = Place(s->y[p], s->y0, s->ly, s->ny), i = round(u), j = round(v);

  return fabs(u - i) < same && fabs(v - j) < same ? (size_t)j % s->ny * s->nx + (size_t)i % s->nx : s->nx * s->ny;
}

static PetscErrorCode CheckPoints(const NomosScatter *s)
{
  const double dx = s->lx / (double)s->nx, dy = s->ly / (double)s->ny;
  bool        *taken;

  PetscFunctionBeginUser;
  PetscCheck(s->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "interpolation: no point is seen; at least one is needed");
  PetscCall(PetscCalloc1(s->nx * s->ny + 1, &taken));
  for (size_t p = 0; p < s->n; p++) {
    const bool in = s->x[p] >= s->x0 - dx && s->x[p] <= s->x0 + s->lx && s->y[p] >= s->y0 - dy && s->y[p] <= s->y0 + s->ly;
    PetscCheck(in, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "interpolation: point %zu, (%g, %g), is outside of the plane [%g, %g) x [%g, %g); take it out, or bring it in by its period", p + 1, s->x[p], s->y[p], s->x0, s->x0 + s->lx, s->y0, s->y0 + s->ly);
    const size_t at = NomosScatterGridPoint(s, p);
    PetscCheck(at == s->nx * s->ny || !taken[at], PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "interpolation: point %zu, (%g, %g), is there twice; take the mean of both values", p + 1, s->x[p], s->y[p]);
    if (at < s->nx * s->ny) taken[at] = true;
    for (size_t f = 0; f < s->n_fields; f++)
      PetscCheck(isfinite(s->values[f * s->n + p]), PETSC_COMM_SELF, PETSC_ERR_FP, "interpolation: the value of field %zu at point %zu, (%g, %g), is %g; leave out points where nothing is seen", f + 1, p + 1, s->x[p], s->y[p], s->values[f * s->n + p]);
  }
  PetscCall(PetscFree(taken));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosInterpolate(const NomosInterpolationOps *ops, NomosConfig config, const NomosScatter *scatter, double fields[])
{
  PetscFunctionBeginUser;
  PetscCall(CheckPoints(scatter));
  openblas_set_num_threads(1); /* with threads of its own LAPACK would round otherwise */
  PetscCall(ops->solve(config, scatter, fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}
