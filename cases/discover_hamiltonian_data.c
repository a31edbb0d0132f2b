/* Data of nomos discover for an H: orbits, of one system. */
#include "cases/discover_hamiltonian.h"

#include "surrogates/dataset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The system of every trajectory as a number (n, `at` of which are read), and the names of the numbers as one text; NULL: the files do not say. */
typedef struct {
  size_t  n, at;
  double *numbers;
  char   *names;
} Systems;

static PetscErrorCode TakeSystems(NomosFieldReader reader, const char file[], void *ctx)
{
  Systems *systems = ctx;
  bool     has;
  int      n_dims = 0;
  size_t   shape[NOMOS_FIELD_MAX_DIMS + 1] = {0};

  PetscFunctionBeginUser;
  (void)file;
  PetscCall(NomosFieldReaderHas(reader, "system", &has));
  if (has) PetscCall(NomosFieldReaderShape(reader, "system", &n_dims, shape));
  if (n_dims != 1 || systems->at + shape[0] > systems->n) PetscFunctionReturn(PETSC_SUCCESS);
  if (!systems->names) PetscCall(NomosFieldReaderAttribute(reader, "system", "flag_meanings", &systems->names));
  PetscCall(NomosFieldReaderRead(reader, "system", (size_t[]){0}, shape, systems->numbers + systems->at));
  systems->at += shape[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Keep(NomosOrbits *orbits, const double systems[], size_t number)
{
  const size_t row  = orbits->n_times * orbits->size;
  size_t       kept = 0;

  for (size_t o = 0; o < orbits->n; o++)
    if ((size_t)systems[o] == number) memmove(orbits->x + kept++ * row, orbits->x + o * row, row * sizeof *orbits->x);
  orbits->n = kept;
}

/* Of orbits of several systems those of discover.hamiltonian.system. */
static PetscErrorCode ChooseSystem(NomosDiscover *d, const char path[], NomosOrbits *x, NomosOrbits *x_dot)
{
  static const char key[] = "discover.hamiltonian.system";
  const char       *wanted, *where = NomosConfigWhere(d->run->config, key);
  Systems           systems = {.n = x->n};
  char             *rest = NULL, all[512];
  bool              several = false;
  size_t            number = SIZE_MAX, n = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(d->run->config, key, &wanted));
  PetscCall(PetscCalloc1(x->n, &systems.numbers));
  PetscCall(NomosDataFilesVisit(path, TakeSystems, &systems));
  PetscCheck(systems.names || !wanted[0], d->run->comm, PETSC_ERR_ARG_WRONG, "%s: %s = %s: the data do not say of which systems they are (`system`, as the generator hamiltonian_systems writes it); leave it out", where, key, wanted);
  if (!systems.names) {
    PetscCall(PetscFree(systems.numbers));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  snprintf(all, sizeof all, "%s", systems.names);
  for (char *name = strtok_r(systems.names, " ", &rest); name; name = strtok_r(NULL, " ", &rest), n++)
    if (!strcmp(name, wanted)) number = n;
  PetscCall(PetscFree(systems.names));
  for (size_t o = 1; o < x->n; o++) several = several || systems.numbers[o] != systems.numbers[0];
  PetscCheck(wanted[0] || !several, d->run->comm, PETSC_ERR_ARG_WRONG, "%s: the data are of several systems: name the one whose H is looked for as %s; there are %s", path, key, all);
  PetscCheck(!wanted[0] || number < SIZE_MAX, d->run->comm, PETSC_ERR_ARG_WRONG, "%s: %s = %s: there is no such system in the data; there are %s", where, key, wanted, all);
  if (wanted[0]) Keep(x, systems.numbers, number);
  if (wanted[0] && x_dot) Keep(x_dot, systems.numbers, number);
  PetscCall(PetscFree(systems.numbers));
  PetscCheck(x->n, d->run->comm, PETSC_ERR_ARG_WRONG, "%s: %s = %s: the data have no trajectory of it", where, key, wanted);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianRefuse(NomosConfig config)
{
  static const char *const read[] = {"data.path", "data.case", "data.set", "data.generator", "data.first_frame", "data.every", "data.frames", "assembly.seeds"};
  NomosConfig              standard;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(NomosConfigComm(config), &standard));
  PetscCall(NomosConfigSetNondimensional(standard, NomosConfigIsNondimensional(config)));
  for (size_t i = 0; i < nomos_assembly_section.n; i++) {
    bool is = false;
    for (size_t k = 0; k < sizeof read / sizeof *read; k++) is = is || !strcmp(read[k], nomos_assembly_section.params[i].key);
    if (!is) PetscCall(NomosConfigRegister(standard, 1, &nomos_assembly_section.params[i]));
  }
  PetscCall(NomosDiscoverRefuse(config, &standard, "where an H is looked for (discover.hamiltonian), in the states x, their times t and rates x_dot of the data"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first states of each. */
static void Cut(NomosOrbits *orbits, size_t n_times)
{
  for (size_t o = 0; o < orbits->n; o++) memmove(orbits->x + o * n_times * orbits->size, orbits->x + o * orbits->n_times * orbits->size, n_times * orbits->size * sizeof *orbits->x);
  orbits->n_times = n_times;
}

/* x_dot NULL: not asked for. */
static PetscErrorCode ReadOrbits(NomosDiscover *d, const char path[], NomosOrbits *x, NomosOrbits *x_dot)
{
  enum { X, T, X_DOT, N_VARIABLES };
  static const NomosDatasetVariable variables[N_VARIABLES] = {[X] = {.name = "x"}, [T] = {.name = "t", .constant = true}, [X_DOT] = {.name = "x_dot"}};
  NomosDatasetInput input = {.path = path, .n_variables = x_dot ? N_VARIABLES : X_DOT, .variables = variables, .frames = true, .window = 1};
  NomosDataset      dataset;
  int64_t           first_frame, every, frames;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "data.first_frame", &first_frame));
  PetscCall(NomosConfigGetInt(d->run->config, "data.every", &every));
  PetscCall(NomosConfigGetInt(d->run->config, "data.frames", &frames));
  input.first_frame = (size_t)first_frame;
  input.every       = (size_t)every;
  PetscCall(NomosDatasetOpen(d->run->comm, &input, &dataset));
  PetscErrorCode code = NomosOrbitsRead(dataset, NOMOS_SPLIT_TRAIN, X, T, x);
  if (!code && x_dot) code = NomosOrbitsRead(dataset, NOMOS_SPLIT_TRAIN, X_DOT, T, x_dot);
  PetscCall(NomosDatasetClose(&dataset));
  PetscCall(code);
  if (frames && (size_t)frames < x->n_times) Cut(x, (size_t)frames);
  if (x_dot && frames && (size_t)frames < x_dot->n_times) Cut(x_dot, (size_t)frames);
  PetscCall(ChooseSystem(d, path, x, x_dot));
  NomosCheck(x->size % 2 == 0 && (!x_dot || x_dot->size == x->size), d->run->comm, PETSC_ERR_ARG_SIZ, "%s: there are %zu coordinates x and %zu derivatives x_dot: must be as many, positions first, then as many momenta", path, x->size, x_dot ? x_dot->size : x->size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* discover.hamiltonian.half_width: windows of states evenly spaced. */
static PetscErrorCode MakeWindow(NomosDiscover *d, NomosHamiltonianData *data, size_t half_width)
{
  const NomosOrbits *seen  = &data->seen;
  const char        *where = NomosConfigWhere(d->run->config, "discover.hamiltonian.half_width");

  PetscFunctionBeginUser;
  PetscCheck(half_width >= 2 && seen->n_times >= 2 * half_width - 1, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.hamiltonian.half_width = %zu: must be from 2 to %zu, as trajectories have %zu states", where, half_width, (seen->n_times + 1) / 2, seen->n_times);
  const double dt = (seen->times[seen->n_times - 1] - seen->times[0]) / (double)(seen->n_times - 1);
  const double tolerance = NomosCoordinateTolerance(dt, fmax(fabs(seen->times[0]), fabs(seen->times[seen->n_times - 1])));
  for (size_t i = 1; i < seen->n_times; i++) {
    const double even = seen->times[0] + (double)i * dt;
    NomosCheck(fabs(seen->times[i] - even) <= tolerance, d->run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.hamiltonian.half_width: state %zu is at the time %.8g, by even steps of %g it would be at %.8g: test functions need even steps; give x_dot in the data, and 0", where, i, seen->times[i], dt, even);
  }
  PetscCall(NomosTimeWindowCreate(half_width, dt, &data->window));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianReadData(NomosDiscover *d, const char path[])
{
  NomosHamiltonianData *data = d->data;
  const char           *tests;
  int64_t               half_width;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.half_width", &half_width));
  PetscCall(ReadOrbits(d, path, &data->seen, half_width ? NULL : &data->seen_rates));
  PetscCall(NomosConfigGetString(d->run->config, "discover.hamiltonian.test", &tests));
  if (tests[0]) PetscCall(ReadOrbits(d, tests, &data->tests, half_width ? NULL : &data->test_rates));
  data->truth = tests[0] ? &data->tests : &data->seen;
  data->rates = half_width ? NULL : tests[0] ? &data->test_rates : &data->seen_rates;
  data->size  = data->seen.size;
  PetscCheck(data->truth->size == data->size, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: discover.hamiltonian.test: its states have %zu coordinates, those of the data %zu", NomosConfigWhere(d->run->config, "discover.hamiltonian.test"), data->truth->size, data->size);
  if (half_width) PetscCall(MakeWindow(d, data, (size_t)half_width));
  PetscFunctionReturn(PETSC_SUCCESS);
}
