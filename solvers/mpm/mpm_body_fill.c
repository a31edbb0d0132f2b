/* What a body is made of: a shape or a mesh filled with a lattice of particles, or particles of a file. */
#include "operators/random.h"
#include "solvers/mpm/mpm_body.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BODY_PARTICLES = 2000000000 };

static PetscErrorCode AddParticle(NomosMpmBody *body, const double x[3])
{
  PetscFunctionBeginUser;
  if (body->n == body->capacity) {
    body->capacity = 2 * body->capacity + 1024;
    PetscCall(PetscRealloc(sizeof *body->x * body->capacity, &body->x));
  }
  memcpy(body->x[body->n++], x, sizeof *body->x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- shapes filled with particles ---- */

static bool Inside(const NomosMpmBody *body, const double x[3])
{
  if (body->shape.kind == NOMOS_SHAPE_BOX) return true; /* its lattice is */
  if (body->shape.kind == NOMOS_SHAPE_MESH) return NomosSurfaceMeshInside(body->mesh, x);
  return NomosMpmDistance(&body->shape, body->setup->d, x, NULL) < 0;
}

/* n points along each axis between low and high: with the ends, or in the middles of n equal parts; those that are inside. */
static PetscErrorCode FillLattice(NomosMpmBody *body, const double low[3], const double high[3], const size_t n[3], bool ends, double jitter)
{
  const uint64_t stream = NomosRandomStream(body->name);
  uint64_t       number = 0;
  double         x[3], u[4];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n[0]; i++)
    for (size_t j = 0; j < n[1]; j++)
      for (size_t k = 0; k < n[2]; k++, number++) {
        const size_t place[3] = {i, j, k};
        if (jitter > 0)
          for (int pair = 0; pair < 2; pair++) NomosRandomUniform2(body->seed, stream, 2 * number + (uint64_t)pair, u + 2 * pair);
        for (int a = 0; a < 3; a++) {
          const double part = n[a] > 1 && ends ? (double)place[a] / (double)(n[a] - 1) : ((double)place[a] + 0.5 + (jitter > 0 ? jitter * (u[a] - 0.5) : 0)) / (double)n[a];
          x[a] = low[a] + (high[a] - low[a]) * part;
        }
        if (Inside(body, x)) PetscCall(AddParticle(body, x));
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillShape(NomosMpmBody *body)
{
  const int d = body->setup->d;
  double    low[3], high[3], counts[3], spacing, per_cell, jitter;
  int64_t   particles;
  size_t    n[3] = {1, 1, 1};
  bool      lattice;
  char      key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (body->mesh) {
    NomosSurfaceMeshExtent(body->mesh, low, high);
    body->volume = NomosSurfaceMeshVolume(body->mesh);
  } else {
    NomosMpmShapeExtent(&body->shape, d, low, high);
    body->volume = NomosMpmShapeVolume(&body->shape, d);
  }
  PetscCall(NomosMpmGetSizes(body->comm, body->config, NomosMpmKey(body->section, "lattice", key), d, &lattice, counts));
  PetscCall(NomosMpmBodyReal(body, "spacing", &spacing));
  PetscCall(NomosMpmBodyReal(body, "particles_per_cell", &per_cell));
  PetscCall(NomosMpmBodyInt(body, "particles", &particles));
  PetscCall(NomosMpmBodyReal(body, "jitter", &jitter));
  const int given = lattice + !PetscIsNanReal(spacing) + !PetscIsNanReal(per_cell) + (particles > 0);
  PetscCheck(given == 1, body->comm, PETSC_ERR_ARG_INCOMP, "%s: %s: give one of spacing, particles_per_cell, particles%s (%d are given)", NomosMpmBodyWhere(body, "shape"), body->section, body->shape.kind == NOMOS_SHAPE_BOX ? ", lattice" : "", given);
  PetscCheck(!lattice || body->shape.kind == NOMOS_SHAPE_BOX, body->comm, PETSC_ERR_ARG_INCOMP, "%s: %s.lattice is for boxes; give spacing, particles_per_cell or particles", NomosMpmBodyWhere(body, "lattice"), body->section);
  PetscCheck(!lattice || jitter == 0, body->comm, PETSC_ERR_ARG_INCOMP, "%s: %s.jitter would move particles of a lattice with end points out of the box; give spacing, particles_per_cell or particles", NomosMpmBodyWhere(body, "jitter"), body->section);
  if (!PetscIsNanReal(per_cell)) spacing = body->setup->dx * pow(per_cell, -1.0 / d);
  if (particles > 0) spacing = pow(body->volume / (double)particles, 1.0 / d);
  double total = 1;
  for (int a = 0; a < d; a++) {
    const double count = lattice ? counts[a] : fmax(1, round((high[a] - low[a]) / spacing));
    NomosCheck(!lattice || count == floor(count), body->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s.lattice: %g is not a whole number of particles", NomosMpmBodyWhere(body, "lattice"), body->section, count);
    total *= count;
    NomosCheck(total <= MAX_BODY_PARTICLES, body->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s: a lattice of more than %d points; use a larger spacing", NomosMpmBodyWhere(body, "shape"), body->section, MAX_BODY_PARTICLES);
    n[a] = (size_t)count;
  }
  PetscCall(FillLattice(body, low, high, n, lattice, jitter));
  NomosCheck(body->n, body->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s is empty: no point of a lattice of %zu x %zu x %zu lies inside it; use more particles", NomosMpmBodyWhere(body, "shape"), body->section, n[0], n[1], n[2]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadMesh(NomosMpmBody *body)
{
  const char    *path;
  char           key[2 * NOMOS_MAX_NAME];
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(body->config, NomosMpmKey(body->section, "file", key), &path));
  PetscCheck(path[0], body->comm, PETSC_ERR_ARG_INCOMP, "%s: %s.shape = mesh needs %s", NomosMpmBodyWhere(body, "shape"), body->section, key);
  NomosQuietly(failed, NomosSurfaceMeshRead(body->comm, path, &body->mesh));
  PetscCall(NomosConfigRetell(body->config, key, failed));
  PetscCall(NomosSurfaceMeshPlace(body->mesh, body->shape.size[0], body->shape.centre));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- particles of a file ---- */

/* Variable `name` at the frame, with n_inner dimensions behind that of particles; *values NULL if it is not there. */
static PetscErrorCode ReadVariable(const NomosMpmBody *body, NomosFieldReader reader, const char path[], const char name[], int n_inner, const size_t inner[2], size_t *n, double **values)
{
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1], frames, per = 1;
  int         n_dims;
  bool        has, fits = true;
  int64_t     frame;
  const char *where = NomosMpmBodyWhere(body, "frame");

  PetscFunctionBeginUser;
  *values = NULL;
  PetscCall(NomosFieldReaderHas(reader, name, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(reader, name, &n_dims, shape));
  const int first = n_dims - 1 - n_inner; /* 1: there is a time axis */
  for (int i = 0; i < n_inner; i++) {
    per *= inner[i];
    fits = fits && first >= 0 && shape[first + 1 + i] == inner[i];
  }
  PetscCheck(fits && (first == 0 || first == 1), body->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s of %s has the wrong shape; ([time,] particle%s) is needed, with %zu numbers a particle", NomosMpmBodyWhere(body, "shape"), name, path, n_inner == 2 ? ", row, column" : n_inner ? ", axis" : "", per);
  if (first) {
    PetscCall(NomosFieldReaderFrames(reader, &frames));
    if (frames == 0) frames = shape[0];
    PetscCall(NomosMpmBodyInt(body, "frame", &frame));
    if (frame < 0) frame = (int64_t)PetscMin(frames, shape[0]) - 1;
    PetscCheck(frame >= 0 && (size_t)frame < shape[0], body->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s.frame = %ld: %s holds %zu frames", where, body->section, (long)frame, path, shape[0]);
    start[0] = (size_t)frame;
  }
  for (int i = 0; i < n_dims; i++) count[i] = i < first ? 1 : shape[i];
  *n = shape[first];
  PetscCall(PetscMalloc1(*n * per + 1, values));
  PetscCall(NomosFieldReaderRead(reader, name, start, count, *values));
  for (size_t i = 0; i < *n * per; i++) PetscCheck(isfinite((*values)[i]), body->comm, PETSC_ERR_FP, "%s: %s of %s is not finite at particle %zu", NomosMpmBodyWhere(body, "shape"), name, path, i / per);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadParticles(NomosMpmBody *body)
{
  const size_t     d = (size_t)body->setup->d, vector[2] = {d, 0}, square[2] = {d, d}, matrix[2] = {3, 3}, none[2] = {0, 0};
  const char      *file, *run, *where = NomosMpmBodyWhere(body, "shape");
  char             path[NOMOS_MAX_PATH], key[2 * NOMOS_MAX_NAME];
  NomosFieldReader reader;
  double          *x, *v, *C, *F, *volume, *of;
  size_t           n = 0, n_other[5] = {0};
  int64_t          only;
  PetscErrorCode   failed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(body->config, NomosMpmKey(body->section, "file", key), &file));
  PetscCall(NomosConfigGetString(body->config, NomosMpmKey(body->section, "run", key), &run));
  PetscCheck((file[0] != 0) != (run[0] != 0), body->comm, PETSC_ERR_ARG_INCOMP, "%s: %s.shape = particles needs file or run (one of them)", where, body->section);
  snprintf(path, sizeof path, "%s%s", file[0] ? file : run, file[0] ? "" : "/fields.nc");
  NomosQuietly(failed, NomosFieldReaderOpen(body->comm, path, &reader));
  PetscCall(NomosErrorRetell(body->comm, failed, "%s: %s", where, body->section));
  PetscCall(NomosMpmBodyInt(body, "of_body", &only));
  PetscCall(ReadVariable(body, reader, path, "position", 1, vector, &n, &x));
  PetscCall(ReadVariable(body, reader, path, "velocity", 1, vector, &n_other[0], &v));
  PetscCall(ReadVariable(body, reader, path, "deformation_gradient", 2, matrix, &n_other[1], &F));
  PetscCall(ReadVariable(body, reader, path, "volume", 0, none, &n_other[2], &volume));
  PetscCall(ReadVariable(body, reader, path, "body", 0, none, &n_other[3], &of));
  PetscCall(ReadVariable(body, reader, path, "affine", 2, square, &n_other[4], &C));
  PetscCheck(x, body->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no variable position", where, path);
  PetscCheck((!v || n_other[0] == n) && (!F || n_other[1] == n) && (!volume || n_other[2] == n) && (!of || n_other[3] == n) && (!C || n_other[4] == n), body->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %zu positions, and other numbers of velocities, deformation gradients, volumes, bodies or affine velocities", where, path, n);
  PetscCheck(only < 0 || of, body->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s.of_body = %ld: %s has no variable body", NomosMpmBodyWhere(body, "of_body"), body->section, (long)only, path);
  if (v) PetscCall(PetscMalloc1(n + 1, &body->v));
  if (C) PetscCall(PetscMalloc1(n + 1, &body->C));
  if (F) PetscCall(PetscMalloc1(n + 1, &body->F));
  if (volume) PetscCall(PetscMalloc1(n + 1, &body->volumes));
  body->volume = volume ? 0 : NAN;
  for (size_t i = 0; i < n; i++) {
    double place[3] = {0, 0, 0};
    if (only >= 0 && of[i] != (double)only) continue;
    for (size_t a = 0; a < d; a++) place[a] = x[i * d + a];
    for (size_t a = 0; a < 3 && v; a++) body->v[body->n][a] = a < d ? v[i * d + a] : 0;
    if (C) memcpy(body->C[body->n], C + d * d * i, sizeof(double) * d * d);
    if (F) memcpy(body->F[body->n], F + 9 * i, sizeof *body->F);
    if (volume) {
      PetscCheck(volume[i] > 0, body->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s: volume = %g of particle %zu: must be > 0", where, path, volume[i], i);
      body->volumes[body->n] = volume[i];
      body->volume += volume[i];
    }
    PetscCall(AddParticle(body, place));
  }
  PetscCheck(body->n, body->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s is empty: %s has no particle%s", where, body->section, path, only < 0 ? "" : " of that body");
  PetscCall(PetscFree(x));
  PetscCall(PetscFree(v));
  PetscCall(PetscFree(C));
  PetscCall(PetscFree(F));
  PetscCall(PetscFree(volume));
  PetscCall(PetscFree(of));
  PetscCall(NomosFieldReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmBodyFill(NomosMpmBody *body)
{
  PetscFunctionBeginUser;
  if (body->shape.kind == NOMOS_SHAPE_MESH) PetscCall(ReadMesh(body));
  if (body->shape.kind == NOMOS_SHAPE_PARTICLES) PetscCall(ReadParticles(body));
  else PetscCall(FillShape(body));
  PetscFunctionReturn(PETSC_SUCCESS);
}
