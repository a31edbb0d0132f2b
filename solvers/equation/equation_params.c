/* From a case to a model: parameters, grid, equations. */
#include "operators/initial_file.h"
#include "solvers/equation/equation_impl.h"

#include <float.h>
#include <string.h>

/* clang-format off */
#define INITIAL \
  {"initial.type",           NOMOS_PARAM_CHOICE, "expression", NULL, 0, 0, "expression|random|file", false, "Initial state: expression needs initial.NAME for each variable NAME of equations, of x, y, lx, ly (0 where there is none)."}, \
  {"initial.amplitude",      NOMOS_PARAM_REAL,   "1",    NULL,   0, DBL_MAX,        NULL, false, "random: root mean square of each variable.", "initial.type=random"}, \
  NOMOS_INITIAL_FILE_PARAMS("-1")

const NomosParam equation_spectral_params[] = {
  {"spectral.dimensions",    NOMOS_PARAM_INT,    "1",    NULL,   1, 2,              NULL, false, "Dimensions of the domain: x, or x and y."},
  {"spectral.nx",            NOMOS_PARAM_INT,    NULL,   NULL,   4, 16777216,       NULL, false, "Grid points along x: only factors 2, 3, 5, 7."},
  {"spectral.ny",            NOMOS_PARAM_INT,    "0",    NULL,   0, 65536,          NULL, false, "Grid points along y; 0: as many as along x."},
  {"spectral.lx",            NOMOS_PARAM_REAL,   NULL,   "m",    DBL_MIN, DBL_MAX,  NULL, false, "Length of the periodic domain along x."},
  {"spectral.ly",            NOMOS_PARAM_REAL,   "0",    "m",    0, DBL_MAX,        NULL, false, "Length of the domain along y; 0: as along x."},
  {"spectral.origin",        NOMOS_PARAM_REAL_LIST, "",  "m",    0, 0,              NULL, false, "Where the first grid point is, [x, y]; unset: 0."},
  {"spectral.dealias",       NOMOS_PARAM_CHOICE, "3/2",  NULL,   0, 0, "none|3/2", false, "Products of fields: as they are on the grid, or without aliasing on a grid 3/2 as fine."},
  {"spectral.seed",          NOMOS_PARAM_INT,    "1",    NULL,   0, 9e15,           NULL, false, "Seed of the random numbers of the initial state."},
  {"time.scheme",            NOMOS_PARAM_CHOICE, "etdrk4", NULL, 0, 0, "etdrk4|cnab2|rk4|dormand_prince|euler", false, "Time scheme; the first two take terms that are linear with constant coefficients exactly and implicitly."},
  INITIAL,
  {"initial.waves",          NOMOS_PARAM_INT,    "4",    NULL,   1, 64,             NULL, false, "random: waves per side, at most.", "initial.type=random"},
};

const NomosParam equation_ode_params[] = {
  {"ode.seed",               NOMOS_PARAM_INT,    "1",    NULL,   0, 9e15,           NULL, false, "Seed of the random numbers of the initial state."},
  {"time.scheme",            NOMOS_PARAM_CHOICE, "rk4",  NULL,   0, 0, "rk4|dormand_prince|euler", false, "Time scheme."},
  INITIAL,
};
/* clang-format on */
_Static_assert(sizeof equation_spectral_params / sizeof *equation_spectral_params == EQUATION_N_SPECTRAL_PARAMS, "EQUATION_N_SPECTRAL_PARAMS counts this table");
_Static_assert(sizeof equation_ode_params / sizeof *equation_ode_params == EQUATION_N_ODE_PARAMS, "EQUATION_N_ODE_PARAMS counts this table");

PetscErrorCode EquationDeclare(NomosConfig config)
{
  size_t             n;
  const char *const *names;

  PetscFunctionBeginUser;
  PetscCall(NomosEquationsDeclare(config));
  PetscCall(NomosConfigGroup(config, "equations", &n, &names));
  for (size_t i = 0; i < n; i++) PetscCall(NomosConfigRegisterSection(config, "initial", 1, &(NomosParam){.key = names[i], .type = NOMOS_PARAM_EXPRESSION, .default_value = "", .doc = "Initial state of this variable.", .of = "initial.type=expression"}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Grid(NomosModel model, NomosTermsGrid *grid)
{
  const double *origin;
  int64_t       dimensions, n[2];
  size_t        n_origin;
  const char   *dealias;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(model->config, "spectral.dimensions", &dimensions));
  const int x = (int)dimensions - 1; /* the innermost */
  *grid = (NomosTermsGrid){.n_dims = (int)dimensions, .method = NOMOS_TERMS_SPECTRAL, .keep_nyquist = true};
  PetscCall(NomosConfigGetInt(model->config, "spectral.nx", &n[0]));
  PetscCall(NomosConfigGetInt(model->config, "spectral.ny", &n[1]));
  PetscCall(NomosConfigGetReals(model->config, "spectral.origin", &n_origin, &origin));
  PetscCheck(n_origin == 0 || n_origin == (size_t)dimensions, model->comm, PETSC_ERR_ARG_SIZ, "%s: spectral.origin has %zu entries, but there are %d dimensions", NomosConfigWhere(model->config, "spectral.origin"), n_origin, (int)dimensions);
  PetscCheck(dimensions == 2 || n[1] == 0, model->comm, PETSC_ERR_ARG_INCOMP, "%s: spectral.ny is of two dimensions; set spectral.dimensions: 2, or leave it out", NomosConfigWhere(model->config, "spectral.ny"));
  PetscCheck(n[1] == 0 || n[1] >= 4, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: spectral.ny = %d: must be at least 4", NomosConfigWhere(model->config, "spectral.ny"), (int)n[1]);
  PetscCheck(dimensions == 1 || n[0] <= 65536, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: spectral.nx = %d: must be at most 65536 in two dimensions", NomosConfigWhere(model->config, "spectral.nx"), (int)n[0]);
  grid->n[x] = (size_t)n[0];
  PetscCall(NomosConfigGetReal(model->config, "spectral.lx", &grid->length[x]));
  if (n_origin) grid->origin[x] = origin[0];
  if (x) {
    grid->n[0] = (size_t)(n[1] ? n[1] : n[0]);
    PetscCall(NomosConfigGetReal(model->config, "spectral.ly", &grid->length[0]));
    if (grid->length[0] == 0) grid->length[0] = grid->length[1];
    if (n_origin) grid->origin[0] = origin[1];
  }
  PetscCall(NomosConfigGetString(model->config, "spectral.dealias", &dealias));
  grid->dealias = !strcmp(dealias, "3/2");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coordinates have names of their own in files and terms. */
static PetscErrorCode CheckNames(NomosModel model, bool fields)
{
  const EquationModel *e = model->data;

  PetscFunctionBeginUser;
  PetscCheck(e->n_variables > 0, model->comm, PETSC_ERR_ARG_WRONG, "%s: this solver needs `equations: {NAME: {terms: [...], coefficients: [...]}}`", NomosConfigWhere(model->config, "solver"));
  PetscCheck(e->n_variables <= EQUATION_MAX_VARIABLES, model->comm, PETSC_ERR_ARG_SIZ, "%s: %zu equations; at most %d are possible", NomosConfigWhere(model->config, "solver"), e->n_variables, EQUATION_MAX_VARIABLES);
  for (size_t i = 0; i < e->n_variables; i++)
    PetscCheck(!fields || (strcmp(e->names[i], "x") && strcmp(e->names[i], "y") && strcmp(e->names[i], "state")), model->comm, PETSC_ERR_ARG_WRONG, "%s: a variable may not be called %s, the name of a coordinate or of all variables", NomosConfigWhere(model->config, "solver"), e->names[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationSetup(NomosModel model, bool fields)
{
  EquationModel *e = model->data;
  const char    *scheme;
  int64_t        seed;
  int            size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  if (fields) PetscCall(Grid(model, &e->grid));
  PetscCheck(size == 1 || e->grid.n_dims == 2, model->comm, PETSC_ERR_SUP, "%s: this case runs on one rank (two dimensions are divided among ranks): leave mpirun out", NomosConfigWhere(model->config, "solver"));
  PetscCall(NomosConfigGroup(model->config, "equations", &e->n_variables, &e->names));
  PetscCall(CheckNames(model, fields));
  PetscCall(NomosConfigGetInt(model->config, fields ? "spectral.seed" : "ode.seed", &seed));
  PetscCall(NomosConfigGetString(model->config, "time.scheme", &scheme));
  e->seed   = (uint64_t)seed;
  e->scheme = EquationSchemeFind(scheme);
  PetscCheck(e->scheme, model->comm, PETSC_ERR_PLIB, "time.scheme = %s has no table", scheme);
  PetscCall(NomosEquationsCreate(&(NomosEquationsInput){.comm = model->comm, .config = model->config, .grid = e->grid, .n_variables = e->n_variables, .n_fields = e->n_variables, .variables = e->names, .fields = e->names}, &e->equations));
  PetscCall(NomosEquationsEntries(e->equations, &e->n_entries, &e->entries));
  e->n_points = NomosTermsPoints(NomosEquationsTerms(e->equations));
  e->n        = e->n_variables * e->n_points;
  e->n_state  = e->scheme->history ? 2 * e->n : e->n;
  e->parts    = (NomosStateFields){.n_fields = e->n_variables, .n_points = e->n_points, .n_state = e->n_state};
  e->total    = 1;
  for (int d = 0; d < e->grid.n_dims; d++) e->total *= (double)e->grid.n[d];
  PetscFunctionReturn(PETSC_SUCCESS);
}
