/* Orbits of several Hamiltonian systems in one file, as training data for what is to learn of them all.

   A trajectory is one orbit. Coordinates x = (q of all bodies, p of all): those of body b stand at b n_dims, n_dims being that of the system with most; what a smaller system lacks (bodies behind its last, the y of
   one-dimensional ones) is zero, in q as in p. Trajectories are those of the first system, then those of the second, ...; number i of a system is the same however many there are, and whatever the others are.

   Noise is added as in Greydanus et al. (2019), doi:10.48550/arXiv.1906.01563: to x after x_dot was computed from the clean states. */
#include "io/field_file.h"
#include "operators/generator.h"
#include "operators/random.h"
#include "solvers/hamiltonian/system.h"
#include "solvers/hamiltonian/systems_orbits.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SYSTEMS = 32, CHUNK = 512 };

/* clang-format off */
static const NomosParam params[] = {
  {"hamiltonian_systems.systems",   NOMOS_PARAM_EXPRESSION_LIST, "", NULL, 0, 0,         NULL, false, "Systems by name, [mass_spring, pendulum, henon_heiles, magnetic_bottle]; the constants and initial states of each are under its name: nomos describe SYSTEM."},
  {"hamiltonian_systems.energy",    NOMOS_PARAM_EXPRESSION, "",      NULL, 0, 0,         NULL, false, "One more system: H as an expression of q1, q2, ..., p1, p2, ..."},
  {"hamiltonian_systems.degrees",   NOMOS_PARAM_INT,        "1",     NULL, 1, 32,        NULL, false, "Of such an expression: how many q there are."},
  {"hamiltonian_systems.n_dims",    NOMOS_PARAM_INT,        "0",     NULL, 0, 32,        NULL, false, "Of such an expression: coordinates of one body; 0: all q are of one."},
  {"hamiltonian_systems.ranges",    NOMOS_PARAM_REAL_LIST,  "[-1, 1]", NULL, 0, 0,       NULL, false, "Of such an expression: initial states are uniform in these; one [low, high] for all, or one after the other for each of q1, ..., p1, ..."},
  {"hamiltonian_systems.orbits",    NOMOS_PARAM_INT,        "1000",  NULL, 1, 1e8,       NULL, false, "Orbits of each system."},
  {"hamiltonian_systems.times",     NOMOS_PARAM_INT,        "200",   NULL, 2, 1e6,       NULL, false, "Times at which an orbit is kept, equally spaced, the first and the last included."},
  {"hamiltonian_systems.duration",  NOMOS_PARAM_REAL,       "10",    NULL, DBL_MIN, DBL_MAX, NULL, false, "Time from the first to the last."},
  {"hamiltonian_systems.scheme",    NOMOS_PARAM_CHOICE,     "kahan_li6", NULL, 0, 0, NOMOS_FLOW_CHOICES, false, "Scheme of the integration; an H that is not separable needs gauss6."},
  {"hamiltonian_systems.step",      NOMOS_PARAM_REAL,       "0.025", NULL, DBL_MIN, DBL_MAX, NULL, false, "Longest step to begin with; as many equal ones as needed lie between two times."},
  {"hamiltonian_systems.tolerance", NOMOS_PARAM_REAL,       "1e-10", NULL, 1e-14, 1,     NULL, false, "An orbit whose energy H changes by more than this times 1 + |H| is integrated again with half the step."},
  {"hamiltonian_systems.noise",     NOMOS_PARAM_REAL,       "0",     NULL, 0, DBL_MAX,   NULL, false, "Standard deviation of the noise added to x; not 0: the clean states are kept as x_clean."},
  {"hamiltonian_systems.noise_dot", NOMOS_PARAM_REAL,       "0",     NULL, 0, DBL_MAX,   NULL, false, "That of the noise added to x_dot; the clean ones are then x_dot_clean."},
  {"hamiltonian_systems.plane",     NOMOS_PARAM_BOOL,       "false", NULL, 0, 0,         NULL, false, "Write systems of one dimension as ones in the plane, (q_x, q_y), whose surplus coordinates are zero, even if all are of one."},
  {"hamiltonian_systems.precision", NOMOS_PARAM_CHOICE,     "float64", NULL, 0, 0, "float64|float32", false, "Of x and x_dot as stored."},
  {"hamiltonian_systems.seed",      NOMOS_PARAM_INT,        "1",     NULL, 0, 9e15,      NULL, false, "Seed of the initial states and of the noise."},
};
/* clang-format on */

typedef struct {
  const NomosHamiltonianSystem *system; /* NULL: an expression of the case */
  const char                   *name;
  NomosHamiltonian              h;
  size_t                        n_dims; /* of one of its bodies */
} Member;

typedef struct {
  NomosConfig     config;
  size_t          n_members;
  Member          members[MAX_SYSTEMS + 1];
  size_t          n_orbits, n_times, n_dims, d; /* d, n_dims: of the file */
  size_t          n_ranges;
  const double   *ranges;
  double          duration, step, tolerance, noise, noise_dot;
  const char     *scheme;
  uint64_t        seed;
  NomosRealType   type;
} Data;

static PetscErrorCode Declare(NomosConfig config)
{
  const char *const *names;
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(config, "hamiltonian_systems.systems", &n, &names));
  PetscCheck(n <= MAX_SYSTEMS, NomosConfigComm(config), PETSC_ERR_ARG_SIZ, "%s: hamiltonian_systems.systems names %zu systems: at most %d are possible", NomosConfigWhere(config, "hamiltonian_systems.systems"), n, MAX_SYSTEMS);
  for (size_t i = 0; i < n; i++) {
    const NomosHamiltonianSystem *system;
    PetscCall(NomosHamiltonianSystemFind(names[i], NomosConfigWhere(config, "hamiltonian_systems.systems"), &system));
    for (size_t j = 0; j < i; j++) PetscCheck(strcmp(names[i], names[j]), NomosConfigComm(config), PETSC_ERR_ARG_INCOMP, "%s: hamiltonian_systems.systems names %s twice", NomosConfigWhere(config, "hamiltonian_systems.systems"), names[i]);
    PetscCall(NomosConfigRegister(config, system->n_params, system->params));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Expression(Data *data, const char energy[])
{
  Member        *m = &data->members[data->n_members++];
  int64_t        degrees, n_dims;
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(data->config, "hamiltonian_systems.degrees", &degrees));
  PetscCall(NomosConfigGetInt(data->config, "hamiltonian_systems.n_dims", &n_dims));
  PetscCall(NomosConfigGetReals(data->config, "hamiltonian_systems.ranges", &data->n_ranges, &data->ranges));
  PetscCheck(!n_dims || degrees % n_dims == 0, NomosConfigComm(data->config), PETSC_ERR_ARG_SIZ, "%s: hamiltonian_systems.degrees = %d are no whole number of bodies of hamiltonian_systems.n_dims = %d", NomosConfigWhere(data->config, "hamiltonian_systems.n_dims"), (int)degrees, (int)n_dims);
  PetscCheck(data->n_ranges == 2 || data->n_ranges == 4 * (size_t)degrees, NomosConfigComm(data->config), PETSC_ERR_ARG_SIZ, "%s: hamiltonian_systems.ranges has %zu numbers: give 2, for all coordinates, or %d, low and high of each of q1, ..., p1, ...",
    NomosConfigWhere(data->config, "hamiltonian_systems.ranges"), data->n_ranges, 4 * (int)degrees);
  m->name                     = "expression";
  NomosQuietly(failed, NomosHamiltonianFromExpression(energy, (size_t)degrees, 0, NULL, NULL, &m->h));
  PetscCall(NomosErrorRetell(NomosConfigComm(data->config), failed, "%s", NomosConfigWhere(data->config, "hamiltonian_systems.energy")));
  m->h.dims = (size_t)n_dims;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(NomosConfig config, Data *data)
{
  const char *const *names, *energy, *precision;
  size_t             n;
  int64_t            orbits, times, seed;
  bool               plane;

  PetscFunctionBeginUser;
  data->config = config;
  PetscCall(NomosConfigGetStrings(config, "hamiltonian_systems.systems", &n, &names));
  PetscCall(NomosConfigGetString(config, "hamiltonian_systems.energy", &energy));
  PetscCheck(n || energy[0], NomosConfigComm(config), PETSC_ERR_ARG_INCOMP, "%s: give hamiltonian_systems.systems, hamiltonian_systems.energy, or both", NomosConfigWhere(config, "hamiltonian_systems.systems"));
  for (size_t i = 0; i < n; i++) {
    Member *m = &data->members[data->n_members++];
    m->name   = names[i];
    PetscCall(NomosHamiltonianSystemFind(names[i], NomosConfigWhere(config, "hamiltonian_systems.systems"), &m->system));
    PetscCall(NomosHamiltonianSystemCreate(m->system, config, &m->h));
  }
  if (energy[0]) PetscCall(Expression(data, energy));
  PetscCall(NomosConfigGetInt(config, "hamiltonian_systems.orbits", &orbits));
  PetscCall(NomosConfigGetInt(config, "hamiltonian_systems.times", &times));
  PetscCall(NomosConfigGetInt(config, "hamiltonian_systems.seed", &seed));
  PetscCall(NomosConfigGetReal(config, "hamiltonian_systems.duration", &data->duration));
  PetscCall(NomosConfigGetReal(config, "hamiltonian_systems.step", &data->step));
  PetscCall(NomosConfigGetReal(config, "hamiltonian_systems.tolerance", &data->tolerance));
  PetscCall(NomosConfigGetReal(config, "hamiltonian_systems.noise", &data->noise));
  PetscCall(NomosConfigGetReal(config, "hamiltonian_systems.noise_dot", &data->noise_dot));
  PetscCall(NomosConfigGetString(config, "hamiltonian_systems.scheme", &data->scheme));
  PetscCall(NomosConfigGetString(config, "hamiltonian_systems.precision", &precision));
  PetscCall(NomosConfigGetBool(config, "hamiltonian_systems.plane", &plane));
  data->n_orbits = (size_t)orbits;
  data->n_times  = (size_t)times;
  data->seed     = (uint64_t)seed;
  data->type     = strcmp(precision, "float32") ? NOMOS_F64 : NOMOS_F32;
  data->n_dims   = plane ? 2 : 1;
  for (size_t s = 0; s < data->n_members; s++) {
    Member *m  = &data->members[s];
    m->n_dims    = m->h.dims ? m->h.dims : m->h.d;
    data->n_dims = PetscMax(data->n_dims, m->n_dims);
  }
  for (size_t s = 0; s < data->n_members; s++) data->d = PetscMax(data->d, data->members[s].h.d / data->members[s].n_dims * data->n_dims);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Data *data)
{
  PetscFunctionBeginUser;
  for (size_t s = 0; s < data->n_members; s++) {
    Member *m = &data->members[s];
    if (m->system) PetscCall(NomosHamiltonianSystemDestroy(m->system, &m->h));
    else PetscCall(NomosHamiltonianFromExpressionDestroy(&m->h));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Initial(const Data *data, const Member *m, size_t i, double x[])
{
  PetscFunctionBeginUser;
  if (m->system) {
    PetscCall(m->system->initial(data->config, data->seed, i, x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t j = 0; j < 2 * m->h.d; j++) {
    const double *range = data->ranges + (data->n_ranges > 2 ? 2 * j : 0);
    x[j] = range[0] + (range[1] - range[0]) * NomosRandomUniform(data->seed, NomosRandomStream("hamiltonian_systems.ranges"), i * 2 * m->h.d + j);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a rank works with on a chunk of orbits; members' own coordinates in `own`, the file's in `out`. */
enum { X, X_DOT, N_OWN };
enum { NOISY_X, NOISY_X_DOT, CLEAN_X, CLEAN_X_DOT, T, SYSTEM, BODIES, ENERGY, N_OUT };
typedef struct {
  double *own[N_OWN], *out[N_OUT];
} Work;

/* From a system's coordinates to the file's, with noise of a standard deviation that is that of a number of its own. */
static void Spread(const Data *data, const Member *m, size_t first, size_t n, double noise, const char kind[], const double own[], double out[])
{
  const size_t d = m->h.d, bodies = d / m->n_dims;
  char         name[2 * NOMOS_MAX_NAME];

  snprintf(name, sizeof name, "hamiltonian_systems.%s.%s", kind, m->name);
  const uint64_t stream = NomosRandomStream(name);
  memset(out, 0, sizeof *out * n * data->n_times * 2 * data->d);
#pragma omp parallel for schedule(static)
  for (size_t r = 0; r < n * data->n_times; r++)
    for (size_t half = 0; half < 2; half++)
      for (size_t b = 0; b < bodies; b++)
        for (size_t c = 0; c < m->n_dims; c++) {
          const size_t from = r * 2 * d + half * d + b * m->n_dims + c;
          out[(2 * r + half) * data->d + b * data->n_dims + c] = own[from] + (noise > 0 ? noise * NomosRandomNormal(data->seed, stream, first * data->n_times * 2 * d + from) : 0);
        }
}

/* Orbits first.. of a member, n <= CHUNK. */
static PetscErrorCode Chunk(const Data *data, size_t s, size_t first, size_t n, Work *work)
{
  const Member                     *m  = &data->members[s];
  const NomosHamiltonianOrbitsInput in = {.hamiltonian = &m->h, .name = m->name, .first = first, .n = n, .n_times = data->n_times, .duration = data->duration, .step = data->step, .tolerance = data->tolerance, .scheme = data->scheme};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) PetscCall(Initial(data, m, first + i, work->own[X] + i * data->n_times * 2 * m->h.d));
  PetscCall(NomosHamiltonianOrbits(&in, work->own[X], work->own[X_DOT], work->out[ENERGY]));
  Spread(data, m, first, n, data->noise, "x", work->own[X], work->out[NOISY_X]);
  Spread(data, m, first, n, data->noise_dot, "x_dot", work->own[X_DOT], work->out[NOISY_X_DOT]);
  if (data->noise > 0) Spread(data, m, first, n, 0, "x", work->own[X], work->out[CLEAN_X]);
  if (data->noise_dot > 0) Spread(data, m, first, n, 0, "x_dot", work->own[X_DOT], work->out[CLEAN_X_DOT]);
  for (size_t r = 0; r < n * data->n_times; r++) work->out[T][r] = data->duration * (double)(r % data->n_times) / (double)(data->n_times - 1);
  for (size_t i = 0; i < n; i++) {
    work->out[SYSTEM][i] = (double)s;
    work->out[BODIES][i] = (double)(m->h.d / m->n_dims);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Chunks are dealt to the ranks in turn; a file is written by all together. */
static PetscErrorCode Chunks(MPI_Comm comm, const Data *data, NomosFieldFile file, const NomosFieldVariable variables[], size_t n_variables, const size_t from[], Work *work)
{
  const size_t per_member = (data->n_orbits + CHUNK - 1) / CHUNK, n_chunks = per_member * data->n_members;
  int          rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  for (size_t round = 0; round * (size_t)size < n_chunks; round++) {
    const size_t   chunk = round * (size_t)size + (size_t)rank, s = chunk / per_member, first = chunk % per_member * CHUNK;
    const bool     mine  = chunk < n_chunks;
    const size_t   n     = mine ? PetscMin((size_t)CHUNK, data->n_orbits - first) : 0, start[3] = {mine ? s * data->n_orbits + first : 0, 0, 0}, count[3] = {n, n ? data->n_times : 0, n ? 2 * data->d : 0};
    PetscErrorCode failed;
    NomosQuietly(failed, mine ? Chunk(data, s, first, n, work) : PETSC_SUCCESS);
    PetscCall(NomosErrorAgree(comm, failed));
    for (size_t v = 0; v < n_variables; v++) PetscCall(NomosFieldFileWrite(file, variables[v].name, NOMOS_F64, start, count, work->out[from[v]]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAll(MPI_Comm comm, const Data *data, const char path[], Work *work)
{
  const size_t             n_all = data->n_members * data->n_orbits, row = 2 * data->d, sizes[] = {n_all, data->n_times, row}, longest = PetscMax(n_all, PetscMax(data->n_times, row));
  char                     meanings[(MAX_SYSTEMS + 1) * NOMOS_MAX_NAME] = "", bodies[128];
  double                  *numbers;
  NomosFieldFile           file;
  NomosFieldVariable       variables[N_OUT];
  size_t                   n_variables = 0, from[N_OUT];
  const NomosFieldVariable all[N_OUT] = {
    [NOISY_X]     = {.name = "x", .dims = {"trajectory", "frame", "coordinate"}, .type = data->type, .long_name = "positions, then momenta"},
    [NOISY_X_DOT] = {.name = "x_dot", .dims = {"trajectory", "frame", "coordinate"}, .type = data->type, .long_name = "their time derivatives"},
    [CLEAN_X]     = {.name = "x_clean", .dims = {"trajectory", "frame", "coordinate"}, .type = data->type, .long_name = "x without noise"},
    [CLEAN_X_DOT] = {.name = "x_dot_clean", .dims = {"trajectory", "frame", "coordinate"}, .type = data->type, .long_name = "x_dot without noise"},
    [T]           = {.name = "t", .dims = {"trajectory", "frame"}, .type = NOMOS_F64, .long_name = "time"},
    [SYSTEM]      = {.name = "system", .dims = {"trajectory"}, .type = NOMOS_F64, .long_name = "the system", .flag_meanings = meanings},
    [BODIES]      = {.name = "bodies", .dims = {"trajectory"}, .type = NOMOS_F64, .long_name = bodies},
    [ENERGY]      = {.name = "energy", .dims = {"trajectory"}, .type = NOMOS_F64, .long_name = "energy of the clean states"},
  };

  PetscFunctionBeginUser;
  for (size_t s = 0; s < data->n_members; s++) NomosTextAppend(sizeof meanings, meanings, "%s%s", s ? " " : "", data->members[s].name);
  snprintf(bodies, sizeof bodies, "number of bodies, of %zu coordinate%s each", data->n_dims, data->n_dims > 1 ? "s" : "");
  for (size_t v = 0; v < N_OUT; v++) {
    if ((v == CLEAN_X && data->noise == 0) || (v == CLEAN_X_DOT && data->noise_dot == 0)) continue;
    from[n_variables]                 = v;
    variables[n_variables]            = all[v];
    variables[n_variables++].constant = true;
  }
  PetscCall(PetscMalloc1(longest, &numbers));
  for (size_t i = 0; i < longest; i++) numbers[i] = (double)i;
  const NomosFieldDim dims[] = {{.name = "trajectory", .size = sizes[0], .values = numbers, .long_name = "number of the trajectory"}, {.name = "frame", .size = sizes[1], .values = numbers, .long_name = "number of the time"}, {.name = "coordinate", .size = sizes[2], .values = numbers, .long_name = "q of all bodies, then p of all"}};
  PetscCall(NomosFieldFileCreate(comm, &(NomosFieldFileInput){.path = path, .n_dims = 3, .dims = dims, .n_variables = n_variables, .variables = variables, .time_unit = "1", .title = "orbits of Hamiltonian systems", .source = "nomos " NOMOS_VERSION, .references = "doi:10.48550/arXiv.1906.01563"}, &file));
  PetscErrorCode failed = Chunks(comm, data, file, variables, n_variables, from, work);
  PetscCall(NomosFieldFileClose(&file));
  PetscCall(PetscFree(numbers));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(const NomosGeneratorOutput *output, bool *whole)
{
  Data           data = {.n_members = 0};
  Work           work;
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  *whole = true;
  failed = Read(output->config, &data);
  if (!failed) {
    const size_t rows = PetscMin((size_t)CHUNK, data.n_orbits) * data.n_times, size = rows * 2 * data.d, clean = data.noise > 0 ? size : 0, clean_dot = data.noise_dot > 0 ? size : 0;
    PetscCall(PetscMalloc6(size, &work.own[X], size, &work.own[X_DOT], size, &work.out[NOISY_X], size, &work.out[NOISY_X_DOT], clean, &work.out[CLEAN_X], clean_dot, &work.out[CLEAN_X_DOT]));
    PetscCall(PetscMalloc4(rows, &work.out[T], CHUNK, &work.out[SYSTEM], CHUNK, &work.out[BODIES], CHUNK, &work.out[ENERGY]));
    failed = WriteAll(output->comm, &data, output->path, &work);
    PetscCall(PetscFree6(work.own[X], work.own[X_DOT], work.out[NOISY_X], work.out[NOISY_X_DOT], work.out[CLEAN_X], work.out[CLEAN_X_DOT]));
    PetscCall(PetscFree4(work.out[T], work.out[SYSTEM], work.out[BODIES], work.out[ENERGY]));
  }
  PetscCall(Destroy(&data));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosGenerator nomos_generator_hamiltonian_systems = {
  .name      = "hamiltonian_systems",
  .summary   = "Orbits of several Hamiltonian systems in one layout: x = (q, p), its exact time derivative x_dot, times t, and which system, how many bodies and what energy a trajectory has.",
  .reference = "doi:10.48550/arXiv.1906.01563",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .declare   = Declare,
  .write     = Write,
};
