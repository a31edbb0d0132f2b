#include "surrogates/hamiltonian/orbits.h"

#include "operators/dormand_prince.h"

#include <stdio.h>
#include <string.h>

enum { MAX_COORDINATES = 64 };

static PetscErrorCode Allocate(NomosOrbits *orbits)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(orbits->n_times, &orbits->times, orbits->n * orbits->n_times * orbits->size, &orbits->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOrbitsFree(NomosOrbits *orbits)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(orbits->times, orbits->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOrbitsRead(NomosDataset dataset, NomosSplit split, size_t x, size_t t, NomosOrbits *orbits)
{
  const size_t n_examples = NomosDatasetExamples(dataset, split), n = NomosDatasetTrajectories(dataset, split);
  size_t       n_file_times, last = SIZE_MAX, orbit = 0, frame = 0;
  size_t       shape[NOMOS_FIELD_MAX_DIMS + 1];
  int          n_dims;
  double      *times;

  PetscFunctionBeginUser;
  *orbits = (NomosOrbits){.n = n, .n_times = n ? n_examples / n : 0};
  PetscCall(NomosDatasetShape(dataset, x, &n_dims, shape, &orbits->size));
  PetscCall(NomosDatasetShape(dataset, t, &n_dims, shape, &n_file_times));
  PetscCall(Allocate(orbits));
  PetscCall(PetscMalloc1(n_file_times, &times));
  for (size_t example = 0; example < n_examples; example++) { /* frame by frame, trajectory by trajectory */
    size_t trajectory, file_frame;
    PetscCall(NomosDatasetOrigin(dataset, split, example, &trajectory, NULL, &file_frame));
    if (trajectory != last) {
      orbit += last != SIZE_MAX;
      frame = 0;
      last  = trajectory;
      PetscCall(NomosDatasetRead(dataset, t, split, 1, &example, times));
    }
    PetscCheck(orbit < n && frame < orbits->n_times && file_frame < n_file_times, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "trajectories of different lengths cannot be rolled out together");
    if (!orbit) orbits->times[frame] = times[file_frame];
    NomosCheck(times[file_frame] == orbits->times[frame], PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "trajectory %zu is known at t = %g where the first one is at %g; roll-outs need the same times for all", trajectory, times[file_frame], orbits->times[frame]);
    PetscCall(NomosDatasetRead(dataset, x, split, 1, &example, orbits->x + (orbit * orbits->n_times + frame++) * orbits->size));
  }
  PetscCall(PetscFree(times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const NomosOrbitsRollInput *input;
  size_t                      n;
} Roll;

static PetscErrorCode Field(double t, const double x[], double x_dot[], void *ctx)
{
  const Roll *roll = ctx;

  PetscFunctionBeginUser;
  (void)t;
  PetscCall(roll->input->field(roll->n, x, x_dot, roll->input->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* n orbits from number `first` on, with one step size. */
static PetscErrorCode RollSome(const NomosOrbitsRollInput *input, size_t first, size_t n, NomosOrbits *rolled, bool *stuck)
{
  const size_t            size = rolled->size, n_times = rolled->n_times;
  Roll                    roll = {.input = input, .n = n};
  NomosDormandPrinceInput ode  = {.f = Field, .ctx = &roll, .n = n * size, .n_group = size, .rtol = input->rtol, .atol = input->rtol, .n_times = n_times, .times = rolled->times, .max_steps = 100000};
  double                 *states;
  PetscErrorCode          code;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n_times * n * size, &states));
  for (size_t o = 0; o < n; o++) memcpy(states + o * size, input->truth->x + (first + o) * n_times * size, size * sizeof *states);
  NomosQuietly(code, NomosDormandPrince(&ode, states, NULL));
  *stuck = code == PETSC_ERR_CONV_FAILED;
  if (*stuck) NomosErrorClear();
  for (size_t o = 0; o < n; o++)
    for (size_t i = 0; i < n_times; i++) memcpy(rolled->x + ((first + o) * n_times + i) * size, states + (i * n + o) * size, size * sizeof *states);
  PetscCall(PetscFree(states));
  if (!*stuck) PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOrbitsRoll(const NomosOrbitsRollInput *input, NomosOrbits *rolled, bool *stuck)
{
  enum { TOGETHER = 32 }; /* enough for a network; more would all take the steps of the one that comes closest to a collision */
  const NomosOrbits *truth = input->truth;
  const size_t       n     = PetscMin(input->n, truth->n);

  PetscFunctionBeginUser;
  *rolled = (NomosOrbits){.n = n, .n_times = truth->n_times, .size = truth->size};
  *stuck  = false;
  if (!n || !truth->n_times) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Allocate(rolled));
  memcpy(rolled->times, truth->times, truth->n_times * sizeof *truth->times);
  for (size_t first = 0; first < n && !*stuck; first += TOGETHER) PetscCall(RollSome(input, first, PetscMin(n - first, (size_t)TOGETHER), rolled, stuck));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  size_t          size;
  NomosExpression slopes[MAX_COORDINATES];
} TrueField;

static PetscErrorCode FieldOfEnergy(size_t n, const double x[], double x_dot[], void *ctx)
{
  const TrueField *f = ctx;
  const size_t     d = f->size / 2;

  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < f->size; j++) x_dot[i * f->size + j] = (j < d ? 1 : -1) * NomosExpressionEvaluate(f->slopes[j < d ? j + d : j - d], x + i * f->size);
  return PETSC_SUCCESS;
}

PetscErrorCode NomosOrbitsIntegrate(NomosOrbits *orbits, NomosExpression energy, double duration)
{
  TrueField   f = {.size = orbits->size};
  NomosOrbits rolled;
  bool        stuck;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < orbits->n_times; i++) orbits->times[i] = duration * (double)i / (double)(orbits->n_times - 1);
  for (size_t j = 0; j < f.size; j++) PetscCall(NomosExpressionDerivative(energy, j, &f.slopes[j]));
  PetscCall(NomosOrbitsRoll(&(NomosOrbitsRollInput){.truth = orbits, .n = orbits->n, .field = FieldOfEnergy, .ctx = &f, .rtol = 1e-10}, &rolled, &stuck));
  for (size_t j = 0; j < f.size; j++) PetscCall(NomosExpressionDestroy(&f.slopes[j]));
  PetscCheck(!stuck, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED, "the true orbits cannot be integrated up to t = %g; take a shorter duration", duration);
  memcpy(orbits->x, rolled.x, orbits->n * orbits->n_times * orbits->size * sizeof *orbits->x);
  PetscCall(NomosOrbitsFree(&rolled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Square(double x)
{
  return x * x;
}

/* Mean of the squares along orbit o. */
static double ErrorOfOrbit(const NomosOrbits *rolled, const NomosOrbits *truth, NomosExpression energy, size_t o)
{
  const size_t  row = rolled->n_times * rolled->size;
  const double *x = rolled->x + o * row, *y = truth->x + o * row;
  double        sum = 0;

  for (size_t i = 0; !energy && i < row; i++) sum += Square(x[i] - y[i]);
  for (size_t i = 0; energy && i < row; i += rolled->size) sum += Square(NomosExpressionEvaluate(energy, x + i) - NomosExpressionEvaluate(energy, y + i));
  return sum / (double)(energy ? rolled->n_times : row);
}

static double Mean(const NomosOrbits *rolled, const NomosOrbits *truth, NomosExpression energy)
{
  double sum = 0;

  for (size_t o = 0; o < rolled->n; o++) sum += ErrorOfOrbit(rolled, truth, energy, o);
  return sum / (double)rolled->n;
}

double NomosOrbitsError(const NomosOrbits *rolled, const NomosOrbits *truth)
{
  return Mean(rolled, truth, NULL);
}

double NomosOrbitsEnergyError(const NomosOrbits *rolled, const NomosOrbits *truth, NomosExpression energy)
{
  return Mean(rolled, truth, energy);
}

PetscErrorCode NomosOrbitsMedian(const NomosOrbits *rolled, const NomosOrbits *truth, NomosExpression energy, double *median)
{
  const size_t n = rolled->n;
  double      *errors;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &errors));
  for (size_t o = 0; o < n; o++) errors[o] = ErrorOfOrbit(rolled, truth, energy, o);
  PetscCall(PetscSortReal((PetscInt)n, errors));
  *median = (errors[n / 2] + errors[(n - 1) / 2]) / 2;
  PetscCall(PetscFree(errors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOrbitsEnergyCreate(const char text[], size_t size, NomosExpression *energy)
{
  char        names[MAX_COORDINATES][8];
  const char *pointers[MAX_COORDINATES];

  PetscFunctionBeginUser;
  NomosCheck(size <= MAX_COORDINATES, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "an energy of %zu coordinates: at most %d are possible", size, MAX_COORDINATES);
  for (size_t i = 0; i < size; i++) {
    snprintf(names[i], sizeof names[i], "%c%zu", i < size / 2 ? 'q' : 'p', i % (size / 2) + 1);
    pointers[i] = names[i];
  }
  PetscCall(NomosExpressionCreate(text, size, pointers, energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOrbitsEnergyOfKey(NomosConfig config, const char key[], size_t size, NomosExpression *energy)
{
  const char    *text;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *energy = NULL;
  PetscCall(NomosConfigGetString(config, key, &text));
  if (!text[0]) PetscFunctionReturn(PETSC_SUCCESS);
  NomosQuietly(code, NomosOrbitsEnergyCreate(text, size, energy));
  PetscCall(NomosConfigRetell(config, key, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}
