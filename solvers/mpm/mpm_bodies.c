/* Bodies: from the case to the particles that they are made of, and the state these begin in. */
#include "io/expression.h"
#include "io/memory.h"
#include "operators/model_operator.h"
#include "solvers/mpm/mpm_body.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_mpm_body_params[NOMOS_MPM_N_BODY_PARAMS] = {
  {"material",          NOMOS_PARAM_STRING,    "",      NULL,    0, 0,             NULL,  false, "Name of its material; unset: the only one of the case."},
  {"shape",             NOMOS_PARAM_CHOICE,    NULL,    NULL,    0, 0, "box|sphere|ellipsoid|cylinder|mesh|particles", false, "What it fills; mesh: the inside of a closed surface; particles: those of a file or of another run."},
  {"centre",            NOMOS_PARAM_REAL_LIST, "",      "m",     0, 0,             NULL,  false, "Its middle; of a mesh that of the box around it. Also the centre of angular_velocity."},
  {"size",              NOMOS_PARAM_REAL_LIST, "",      "m",     DBL_MIN, DBL_MAX, NULL,  false, "box: edges, ellipsoid: diameters along the axes, one number: all the same; mesh: longest edge of the box around it."},
  {"radius",            NOMOS_PARAM_REAL,      "",      "m",     DBL_MIN, DBL_MAX, NULL,  false, "sphere, cylinder: radius."},
  {"axis",              NOMOS_PARAM_REAL_LIST, "",      NULL,    0, 0,             NULL,  false, "cylinder: direction of its axis."},
  {"length",            NOMOS_PARAM_REAL,      "",      "m",     DBL_MIN, DBL_MAX, NULL,  false, "cylinder: length."},
  {"lattice",           NOMOS_PARAM_REAL_LIST, "",      NULL,    1, 65536,         NULL,  false, "box: particles along each axis, the outermost on its faces."},
  {"spacing",           NOMOS_PARAM_REAL,      "",      "m",     DBL_MIN, DBL_MAX, NULL,  false, "Distance of particles in a regular lattice."},
  {"particles_per_cell", NOMOS_PARAM_REAL,     "",      NULL,    DBL_MIN, 4096,    NULL,  false, "The same by the number of particles in a cell of the grid, such as 8."},
  {"particles",         NOMOS_PARAM_INT,       "0",     NULL,    0, 2000000000,    NULL,  false, "The same by their number, roughly; 0: not given."},
  {"jitter",            NOMOS_PARAM_REAL,      "0",     NULL,    0, 1,             NULL,  false, "Move each particle of the lattice at random, by at most half of this many spacings along each axis (mpm.seed)."},
  {"file",              NOMOS_PARAM_FILE,      "",      NULL,    0, 0,             NULL,  false, "mesh: OBJ or STL file; particles: NetCDF-4/HDF5 file with position (particle, axis), optionally velocity, affine, deformation_gradient and volume, all also with time in front."},
  {"run",               NOMOS_PARAM_FILE,      "",      NULL,    0, 0,             NULL,  false, "particles: directory of a run instead of a file."},
  {"frame",             NOMOS_PARAM_INT,       "-1",    NULL,    -1, 9e15,         NULL,  false, "particles: index of the frame in the file; -1: the last."},
  {"of_body",           NOMOS_PARAM_INT,       "-1",    NULL,    -1, 1000000,      NULL,  false, "particles: only those of this body of the run, counted from 0 in the order of its case; -1: all."},
  {"volume",            NOMOS_PARAM_REAL,      "",      "m3",    DBL_MIN, DBL_MAX, NULL,  false, "Its volume (2-D: area times 1 m); unset: that of the shape, or the sum in the run."},
  {"velocity",          NOMOS_PARAM_EXPRESSION_LIST, "", "m s-1", 0, 0,            NULL,  false, "Initial velocity, one expression of x, y, z for each axis; unset: rest, or that of the file."},
  {"angular_velocity",  NOMOS_PARAM_REAL_LIST, "",      "s-1",   0, 0,             NULL,  false, "Initial rotation about the centre, w x (x - centre), added to the velocity; in 2-D one number."},
  {"stretch",           NOMOS_PARAM_EXPRESSION_LIST, "", NULL,   0, 0,             NULL,  false, "Initial deformation gradient, one expression of x, y, z for each of its diagonal entries; unset: none, or that of the file."},
  {"affine",            NOMOS_PARAM_BOOL,      "false", NULL,    0, 0,             NULL,  false, "Begin with the affine velocity C of the rotation instead of 0 (or that of the file)."},
};
/* clang-format on */

PetscErrorCode NomosMpmBodyReal(const NomosMpmBody *body, const char key[], double *value)
{
  char full[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(body->config, NomosMpmKey(body->section, key, full), value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmBodyInt(const NomosMpmBody *body, const char key[], int64_t *value)
{
  char full[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(body->config, NomosMpmKey(body->section, key, full), value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosMpmBodyWhere(const NomosMpmBody *body, const char key[])
{
  char full[2 * NOMOS_MAX_NAME];
  return NomosConfigWhere(body->config, NomosMpmKey(body->section, key, full));
}

/* ---- a body ---- */

static PetscErrorCode BodyDestroy(NomosMpmBody *body)
{
  PetscFunctionBeginUser;
  PetscCall(NomosSurfaceMeshDestroy(&body->mesh));
  PetscCall(PetscFree(body->x));
  PetscCall(PetscFree(body->v));
  PetscCall(PetscFree(body->C));
  PetscCall(PetscFree(body->F));
  PetscCall(PetscFree(body->volumes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "" where the case has several and none is named. */
static PetscErrorCode MaterialName(NomosConfig config, const NomosMpmSetup *setup, const char section[], const char **name)
{
  char key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, NomosMpmKey(section, "material", key), name));
  if (!(*name)[0] && setup->n_materials == 1) *name = setup->materials[0].name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindMaterial(NomosMpmBody *body)
{
  const NomosMpmSetup *setup = body->setup;
  const char          *name, **names;
  char                 key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(MaterialName(body->config, setup, body->section, &name));
  NomosMpmKey(body->section, "material", key);
  for (body->material = 0; (size_t)body->material < setup->n_materials; body->material++)
    if (!strcmp(setup->materials[body->material].name, name)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(setup->n_materials, &names));
  for (size_t i = 0; i < setup->n_materials; i++) names[i] = setup->materials[i].name;
  const PetscErrorCode failed = NomosNameUnknown(body->comm, name, setup->n_materials, names, "%s: %s = %s: no such material", NomosConfigWhere(body->config, key), key, name);
  PetscCall(PetscFree(names));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BodyCreate(MPI_Comm comm, NomosConfig config, const NomosMpmSetup *setup, const char name[], int index, NomosMpmBody *body)
{
  int64_t seed;
  double  volume;

  PetscFunctionBeginUser;
  *body = (NomosMpmBody){.comm = comm, .config = config, .setup = setup, .name = name, .index = index};
  snprintf(body->section, sizeof body->section, "bodies.%s", name);
  PetscCall(NomosConfigGetInt(config, "mpm.seed", &seed));
  body->seed = (uint64_t)seed;
  PetscCall(FindMaterial(body));
  PetscCall(NomosMpmShapeFromConfig(comm, config, body->section, setup->d, &body->shape));
  PetscCall(NomosMpmBodyFill(body));
  PetscCall(NomosMpmBodyReal(body, "volume", &volume));
  if (!PetscIsNanReal(volume)) body->volume = volume;
  PetscCheck(!PetscIsNanReal(body->volume), comm, PETSC_ERR_ARG_INCOMP, "%s: %s: the file has no variable volume; give %s.volume", NomosMpmBodyWhere(body, "shape"), body->section, body->section);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Expressions of x, y, z (one for each axis) at every particle. */
static PetscErrorCode Evaluate(const NomosMpmBody *body, const char name[], int d, bool *given, double (*values)[3])
{
  static const char *const variables[] = {"x", "y", "z"};
  const char *const       *texts;
  size_t                   n;
  char                     key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(body->config, NomosMpmKey(body->section, name, key), &n, &texts));
  const char *where = NomosConfigWhere(body->config, key);
  *given            = n > 0;
  PetscCheck(n == 0 || n == (size_t)d, body->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries; %d are needed", where, key, n, d);
  for (size_t a = 0; a < n; a++) {
    NomosExpression expression;
    PetscErrorCode  failed;
    NomosQuietly(failed, NomosExpressionCreate(texts[a], 3, variables, &expression));
    PetscCall(NomosConfigRetell(body->config, key, failed));
    for (size_t i = 0; i < body->n; i++) {
      values[i][a] = NomosExpressionEvaluate(expression, body->x[i]);
      NomosCheck(isfinite(values[i][a]), body->comm, PETSC_ERR_FP, "%s: %s = %s is not a finite number at (%g, %g, %g)", where, key, texts[a], body->x[i][0], body->x[i][1], body->x[i][2]);
    }
    PetscCall(NomosExpressionDestroy(&expression));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Angular velocity as a vector; in two dimensions it is along z. */
static PetscErrorCode Rotation(const NomosMpmBody *body, double w[3])
{
  const double *values;
  size_t        n;
  const int     d = body->setup->d;
  char          key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(body->config, NomosMpmKey(body->section, "angular_velocity", key), &n, &values));
  PetscCheck(n == 0 || n == (d == 3 ? 3u : 1u), body->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu numbers; %s", NomosConfigWhere(body->config, key), key, n, d == 3 ? "3 are needed" : "in two dimensions it is one");
  for (int a = 0; a < 3; a++) w[a] = !n ? 0 : d == 3 ? values[a] : a == 2 ? values[0] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entry-major doubles of the body's particles: x, v, C, F, n_entries of them, each `stride` long, beginning at `entries`. */
static PetscErrorCode WriteState(NomosMpmBody *body, size_t stride, double *entries)
{
  const int d = body->setup->d;
  double    w[3], centre[3] = {0, 0, 0};
  bool      given, affine;
  double(*v)[3], (*stretch)[3];
  char      key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(body->n, &v, body->n, &stretch));
  PetscCall(Evaluate(body, "velocity", d, &given, v));
  if (!given && body->v) memcpy(v, body->v, sizeof *v * body->n);
  PetscCall(Rotation(body, w));
  PetscCall(NomosConfigGetBool(body->config, NomosMpmKey(body->section, "affine", key), &affine));
  PetscCall(NomosMpmGetVector(body->comm, body->config, NomosMpmKey(body->section, "centre", key), d, &given, centre));
  for (size_t i = 0; i < body->n && !given; i++)
    for (int a = 0; a < d; a++) centre[a] += body->x[i][a] / (double)body->n;
  const double spin[3][3] = {{0, -w[2], w[1]}, {w[2], 0, -w[0]}, {-w[1], w[0], 0}}; /* w x r */
  for (size_t i = 0; i < body->n; i++)
    for (int a = 0; a < d; a++)
      for (int b = 0; b < d; b++) v[i][a] += spin[a][b] * (body->x[i][b] - centre[b]);
  PetscCall(Evaluate(body, "stretch", 3, &given, stretch));
  for (size_t i = 0; i < body->n; i++) {
    double *entry = entries + i;
    for (int a = 0; a < d; a++, entry += stride) *entry = body->x[i][a];
    for (int a = 0; a < d; a++, entry += stride) *entry = v[i][a];
    for (int a = 0; a < d * d; a++, entry += stride) *entry = affine ? spin[a / d][a % d] : body->C ? body->C[i][a] : 0;
    for (int a = 0; a < 9; a++, entry += stride) *entry = given ? (a % 4 ? 0 : stretch[i][a / 4]) : body->F ? body->F[i][a] : a % 4 == 0;
  }
  PetscCall(PetscFree2(v, stretch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- where particles may not be ---- */

static PetscErrorCode CheckPlaces(const NomosMpmBody *body)
{
  const NomosMpmSetup *setup = body->setup;
  double               low[3] = {0}, high[3] = {0};
  size_t               n_out = 0, out = 0, n_in = 0, in = 0, obstacle = 0;

  PetscFunctionBeginUser;
  for (int a = 0; a < setup->d; a++) NomosMpmRoom(setup, a, &low[a], &high[a]);
  for (size_t i = 0; i < body->n; i++) {
    const double *x       = body->x[i];
    bool          outside = false;
    for (int a = 0; a < setup->d; a++) outside = outside || x[a] < low[a] - 1e-9 * setup->dx || x[a] > high[a] + 1e-9 * setup->dx;
    if (outside && !n_out++) out = i;
    for (size_t o = 0; o < setup->n_obstacles; o++) {
      if (NomosMpmDistance(&setup->obstacles[o].shape, setup->d, x, NULL) >= 0) continue;
      if (!n_in++) {
        in       = i;
        obstacle = o;
      }
      break;
    }
  }
  const char *where = NomosMpmBodyWhere(body, "shape");
  NomosCheck(!n_out, body->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s: %zu of its %zu particles are outside the domain or in its walls, the first at (%g, %g, %g); there is room from (%g, %g, %g) to (%g, %g, %g)", where, body->section, n_out, body->n, body->x[out][0], body->x[out][1], body->x[out][2], low[0], low[1], low[2], high[0], high[1], high[2]);
  NomosCheck(!n_in, body->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s: %zu of its %zu particles are inside an obstacle, the first at (%g, %g, %g) inside number %zu", where, body->section, n_in, body->n, body->x[in][0], body->x[in][1], body->x[in][2], obstacle + 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- all of them ---- */

/* Bodies in the order of their particles: all those of one material together, else as in the case. Visits each with the number of particles before it. */
static PetscErrorCode Visit(NomosMpm *mpm, NomosConfig config, PetscErrorCode (*visit)(NomosMpm *mpm, NomosMpmBody *body, size_t first, void *ctx), void *ctx, size_t *n_particles)
{
  const char *const *names;
  size_t             n, first = 0;
  char               section[NOMOS_MAX_NAME];
  const char        *material;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(config, "bodies", &n, &names));
  PetscCheck(n, mpm->comm, PETSC_ERR_ARG_INCOMP, "the case has no bodies; name one, such as `bodies: {cube: {material: %s, shape: box, centre: [...], size: [...], particles_per_cell: 8}}`", mpm->setup.materials[0].name);
  for (size_t m = 0; m <= mpm->setup.n_materials; m++) /* the last turn is for bodies of no known material: FindMaterial refuses them */
    for (size_t i = 0; i < n; i++) {
      NomosMpmBody body;
      size_t       known = 0;
      snprintf(section, sizeof section, "bodies.%s", names[i]);
      PetscCall(MaterialName(config, &mpm->setup, section, &material));
      while (known < mpm->setup.n_materials && strcmp(mpm->setup.materials[known].name, material)) known++;
      if (known != m) continue;
      PetscCall(BodyCreate(mpm->comm, config, &mpm->setup, names[i], (int)i, &body));
      PetscCall(visit(mpm, &body, first, ctx));
      first += body.n;
      PetscCall(BodyDestroy(&body));
    }
  *n_particles = first;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddBody(NomosMpm *mpm, NomosMpmBody *body, size_t first, void *ctx)
{
  const size_t      n        = first + body->n;
  NomosMpmMaterial *material = &mpm->setup.materials[body->material];
  double(**x)[3]             = ctx; /* of all bodies so far */

  PetscFunctionBeginUser;
  PetscCall(CheckPlaces(body));
  PetscCall(PetscRealloc(sizeof **x * n, x));
  memcpy(*x + first, body->x, sizeof **x * body->n);
  PetscCall(PetscRealloc(sizeof *mpm->id * n, &mpm->id));
  PetscCall(PetscRealloc(sizeof *mpm->material * n, &mpm->material));
  PetscCall(PetscRealloc(sizeof *mpm->body * n, &mpm->body));
  PetscCall(PetscRealloc(sizeof *mpm->mass * n, &mpm->mass));
  PetscCall(PetscRealloc(sizeof *mpm->volume * n, &mpm->volume));
  if (!material->count) material->first = first;
  double scale = 1; /* the file's volumes to that of the case */
  if (body->volumes) {
    double sum = 0;
    for (size_t i = 0; i < body->n; i++) sum += body->volumes[i];
    scale = body->volume / sum;
  }
  material->count += body->n;
  for (size_t i = first; i < n; i++) {
    mpm->id[i]       = (int64_t)i;
    mpm->material[i] = body->material;
    mpm->body[i]     = body->index;
    mpm->volume[i]   = body->volumes ? body->volumes[i - first] * scale : body->volume / (double)body->n;
    mpm->mass[i]     = material->density * mpm->volume[i];
  }
  mpm->n = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank has made all bodies: it keeps its range of ids. */
static PetscErrorCode Share(NomosMpm *mpm)
{
  int rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(mpm->comm, &rank));
  PetscCallMPI(MPI_Comm_size(mpm->comm, &size));
  mpm->n_total      = mpm->n;
  mpm->first        = mpm->n_total * (size_t)rank / (size_t)size;
  const size_t last = mpm->n_total * (size_t)(rank + 1) / (size_t)size;
  mpm->n            = last - mpm->first;
  memmove(mpm->id, mpm->id + mpm->first, mpm->n * sizeof *mpm->id);
  memmove(mpm->material, mpm->material + mpm->first, mpm->n * sizeof *mpm->material);
  memmove(mpm->body, mpm->body + mpm->first, mpm->n * sizeof *mpm->body);
  memmove(mpm->mass, mpm->mass + mpm->first, mpm->n * sizeof *mpm->mass);
  memmove(mpm->volume, mpm->volume + mpm->first, mpm->n * sizeof *mpm->volume);
  for (size_t m = 0; m < mpm->setup.n_materials; m++) {
    NomosMpmMaterial *material = &mpm->setup.materials[m];
    const size_t      low = PetscMax(material->first, mpm->first), high = PetscMin(material->first + material->count, last);
    material->total = material->count;
    material->first = low < high ? low - mpm->first : 0;
    material->count = low < high ? high - low : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmBodiesCreate(NomosMpm *mpm, NomosConfig config)
{
  const NomosRealType precision = mpm->setup.single ? NOMOS_F32 : NOMOS_F64;
  const size_t        d         = (size_t)mpm->setup.d;
  const char *const  *bodies;
  size_t              n_bodies;
  double(*x)[3]                 = NULL;
  char                what[64];

  PetscFunctionBeginUser;
  mpm->n_entries = 2 * d + d * d + 9;
  PetscCall(Visit(mpm, config, AddBody, &x, &mpm->n));
  PetscCall(NomosConfigGroup(config, "bodies", &n_bodies, &bodies));
  if (n_bodies > 1) PetscCall(NomosMpmOverlaps(mpm, x, bodies, sizeof mpm->warning, mpm->warning));
  PetscCall(PetscFree(x));
  PetscCall(Share(mpm));
  snprintf(what, sizeof what, "bodies of %zu particles", mpm->n);
  PetscCall(NomosMemoryRequire(mpm->comm, 3 * (double)(mpm->n * mpm->n_entries * NomosRealBytes(precision)), what));
  PetscCall(PetscCalloc1(mpm->n * mpm->n_entries * NomosRealBytes(precision), (char **)&mpm->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetBody(NomosMpm *mpm, NomosMpmBody *body, size_t first, void *ctx)
{
  const NomosRealType precision = mpm->setup.single ? NOMOS_F32 : NOMOS_F64;
  double             *entries;

  PetscFunctionBeginUser;
  (void)ctx;
  PetscCall(PetscMalloc1(body->n * mpm->n_entries, &entries));
  PetscCall(WriteState(body, body->n, entries));
  const size_t low = PetscMax(first, mpm->first), high = PetscMin(first + body->n, mpm->first + mpm->n); /* those of this rank */
  for (size_t e = 0; e < mpm->n_entries && low < high; e++) NomosStateFromDoubles(precision, high - low, entries + e * body->n + low - first, (char *)mpm->state + (e * mpm->n + low - mpm->first) * NomosRealBytes(precision));
  PetscCall(PetscFree(entries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmBodiesInitialise(NomosMpm *mpm, NomosConfig config)
{
  size_t n;

  PetscFunctionBeginUser;
  PetscCall(Visit(mpm, config, SetBody, NULL, &n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
