/* Orbits of two bodies as training data: x, its exact time derivative, and the times. */
#include "solvers/hamiltonian/two_body.h"

#include "io/field_file.h"
#include "operators/generator.h"

#include <float.h>

enum { N = NOMOS_TWO_BODY_SIZE };

/* clang-format off */
static const NomosParam params[] = {
  {"two_body.orbits",   NOMOS_PARAM_INT,  "1000", NULL, 1, 1e6,     NULL, false, "Number of orbits."},
  {"two_body.times",    NOMOS_PARAM_INT,  "50",   NULL, 2, 1e6,     NULL, false, "Times at which an orbit is kept, the first and the last included."},
  {"two_body.duration", NOMOS_PARAM_REAL, "20",   NULL, DBL_MIN, DBL_MAX, NULL, false, "Time from the first to the last."},
  {"two_body.noise",    NOMOS_PARAM_REAL, "0.05", NULL, 0, 0.5,     NULL, false, "Standard deviation of the relative departure of the momenta from those of a circle."},
  {"two_body.rtol",     NOMOS_PARAM_REAL, "1e-9", NULL, 1e-13, 0.1, NULL, false, "Relative and absolute tolerance of the integration."},
  {"two_body.seed",     NOMOS_PARAM_INT,  "1",    NULL, 0, 9e15,    NULL, false, "Seed of the initial states."},
};
/* clang-format on */

static PetscErrorCode WriteFile(MPI_Comm comm, const char path[], const NomosTwoBodyInput *input, const double orbit[], const double frame[], const double x[], const double x_dot[], const double t[])
{
  static const double      coordinates[N] = {0, 1, 2, 3, 4, 5, 6, 7};
  const size_t             start[3] = {0}, all[3] = {input->n_orbits, input->n_times, N}, none[3] = {0};
  const NomosFieldDim      dims[] = {{.name = "orbit", .size = input->n_orbits, .values = orbit, .long_name = "number of the orbit"}, {.name = "frame", .size = input->n_times, .values = frame, .long_name = "number of the time"}, {.name = "coordinate", .size = N, .values = coordinates, .long_name = "q1x, q1y, q2x, q2y, p1x, p1y, p2x, p2y"}};
  const NomosFieldVariable variables[] = {{.name = "x", .dims = {"orbit", "frame", "coordinate"}, .constant = true, .type = NOMOS_F64, .long_name = "positions and momenta"}, {.name = "x_dot", .dims = {"orbit", "frame", "coordinate"}, .constant = true, .type = NOMOS_F64, .long_name = "their time derivatives"}, {.name = "t", .dims = {"orbit", "frame"}, .constant = true, .type = NOMOS_F64, .long_name = "time"}};
  const NomosFieldFileInput file_input = {.path = path, .n_dims = 3, .dims = dims, .n_variables = 3, .variables = variables, .time_unit = "1", .title = "orbits of two bodies", .source = "nomos " NOMOS_VERSION, .references = "doi:10.48550/arXiv.1906.01563"};
  NomosFieldFile           file;
  int                      rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(NomosFieldFileCreate(comm, &file_input, &file));
  PetscCall(NomosFieldFileWrite(file, "x", NOMOS_F64, start, rank ? none : all, x));
  PetscCall(NomosFieldFileWrite(file, "x_dot", NOMOS_F64, start, rank ? none : all, x_dot));
  PetscCall(NomosFieldFileWrite(file, "t", NOMOS_F64, start, rank ? none : all, t));
  PetscCall(NomosFieldFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(const NomosGeneratorOutput *output, bool *whole)
{
  NomosConfig       config = output->config;
  NomosTwoBodyInput input;
  int64_t           orbits, times, seed;
  double           *x, *x_dot, *t, *orbit, *frame;

  PetscFunctionBeginUser;
  *whole = true;
  PetscCall(NomosConfigGetInt(config, "two_body.orbits", &orbits));
  PetscCall(NomosConfigGetInt(config, "two_body.times", &times));
  PetscCall(NomosConfigGetInt(config, "two_body.seed", &seed));
  PetscCall(NomosConfigGetReal(config, "two_body.duration", &input.duration));
  PetscCall(NomosConfigGetReal(config, "two_body.noise", &input.noise));
  PetscCall(NomosConfigGetReal(config, "two_body.rtol", &input.rtol));
  input.n_orbits = (size_t)orbits;
  input.n_times  = (size_t)times;
  input.seed     = (uint64_t)seed;
  const size_t n = input.n_orbits * input.n_times;
  PetscCall(PetscMalloc5(n * N, &x, n * N, &x_dot, n, &t, input.n_orbits, &orbit, input.n_times, &frame));
  for (size_t i = 0; i < input.n_orbits; i++) orbit[i] = (double)i;
  for (size_t i = 0; i < input.n_times; i++) frame[i] = (double)i;
  for (size_t i = 0; i < n; i++) t[i] = input.duration * (double)(i % input.n_times) / (double)(input.n_times - 1);
  PetscCall(NomosTwoBodyOrbits(&input, x, x_dot));
  PetscCall(WriteFile(output->comm, output->path, &input, orbit, frame, x, x_dot, t));
  PetscCall(PetscFree5(x, x_dot, t, orbit, frame));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosGenerator nomos_generator_two_body = {
  .name      = "two_body",
  .summary   = "Nearly circular orbits of two bodies that attract each other: x = (q1, q2, p1, p2), its exact time derivative x_dot, the times t.",
  .reference = "doi:10.48550/arXiv.1906.01563",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .write     = Write,
};
