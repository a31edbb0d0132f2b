/* The parameters of every family, and from a case to a model. */
#include "operators/initial_file.h"
#include "solvers/grid_pde/family_list.h"
#include "solvers/grid_pde/grid_pde.h"
#include "solvers/grid_pde/grid_pde_impl.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam pde_params[PDE_N_PARAMS] = {
  {"grid_pde.family",     NOMOS_PARAM_CHOICE,    NULL, NULL, 0, 0, NOMOS_PDE_CHOICES, false, "Equations; `nomos describe FAMILY` has their parameters."},
  {"grid_pde.dimensions", NOMOS_PARAM_INT,       "1",    NULL, 1, 3, NULL, false, "Dimensions of the domain."},
  {"grid_pde.nx",         NOMOS_PARAM_INT,       NULL,   NULL, 4, 16777216, NULL, false, "Cells along x."},
  {"grid_pde.ny",         NOMOS_PARAM_INT,       "0",    NULL, 0, 65536, NULL, false, "Cells along y; 0: as many as along x."},
  {"grid_pde.nz",         NOMOS_PARAM_INT,       "0",    NULL, 0, 65536, NULL, false, "Cells along z; 0: as many as along x."},
  {"grid_pde.lx",         NOMOS_PARAM_REAL,      "1",    "m", DBL_MIN, DBL_MAX, NULL, false, "Length of the domain along x."},
  {"grid_pde.ly",         NOMOS_PARAM_REAL,      "0",    "m", 0, DBL_MAX, NULL, false, "Length along y; 0: as along x."},
  {"grid_pde.lz",         NOMOS_PARAM_REAL,      "0",    "m", 0, DBL_MAX, NULL, false, "Length along z; 0: as along x."},
  {"grid_pde.origin",     NOMOS_PARAM_REAL_LIST, "",     "m", 0, 0, NULL, false, "Where the domain begins, [x, y, z]; unset: 0."},
  {"grid_pde.boundary_x", NOMOS_PARAM_CHOICE,    "periodic", NULL, 0, 0, PDE_BOUNDARY_CHOICES, false, "Boundaries along x; wall reflects velocities (of gas and water), no_flux is of families without a flow, value takes grid_pde.value_low and value_high."},
  {"grid_pde.boundary_x_high", NOMOS_PARAM_CHOICE, "same", NULL, 0, 0, "same|" PDE_BOUNDARY_CHOICES, false, "Boundary on the high side of x."},
  {"grid_pde.boundary_y", NOMOS_PARAM_CHOICE,    "periodic", NULL, 0, 0, PDE_BOUNDARY_CHOICES, false, "Boundaries along y."},
  {"grid_pde.boundary_y_high", NOMOS_PARAM_CHOICE, "same", NULL, 0, 0, "same|" PDE_BOUNDARY_CHOICES, false, "Boundary on the high side of y."},
  {"grid_pde.boundary_z", NOMOS_PARAM_CHOICE,    "periodic", NULL, 0, 0, PDE_BOUNDARY_CHOICES, false, "Boundaries along z."},
  {"grid_pde.boundary_z_high", NOMOS_PARAM_CHOICE, "same", NULL, 0, 0, "same|" PDE_BOUNDARY_CHOICES, false, "Boundary on the high side of z."},
  {"grid_pde.value_low",  NOMOS_PARAM_REAL_LIST, "",     NULL, 0, 0, NULL, false, "value: the fields at a low side; unset: 0."},
  {"grid_pde.value_high", NOMOS_PARAM_REAL_LIST, "",     NULL, 0, 0, NULL, false, "value: the fields at a high side; unset: 0."},
  {"grid_pde.limiter",    NOMOS_PARAM_CHOICE,    "mc",   NULL, 0, 0, NOMOS_LIMITER_CHOICES, false, "Slopes in cells: none is first order; central is second order without a limit."},
  {"grid_pde.cfl",        NOMOS_PARAM_REAL,      "0.4",  NULL, 1e-6, 1, NULL, false, "Of a substep: h times the sum over the axes of the largest speed over the cell's length, where the step begins; substeps are halved where a gas or water becomes faster by more than a quarter within it. 0.1 and an ssp scheme keep density, pressure and depth positive in the strongest rarefactions."},
  {"grid_pde.substeps",   NOMOS_PARAM_INT,       "0",    NULL, 0, 1e7, NULL, false, "Substeps of a step; 0: as many as grid_pde.cfl and the scheme's stability ask for, at the state where the step begins."},
  {"grid_pde.tolerance",  NOMOS_PARAM_REAL,      "1e-5", NULL, 1e-12, 1, NULL, false, "rkl2: error of a substep, of the range of its field; where that would ask for substeps shorter than a fifth of those of ssp_rk3, these are taken."},
  {"grid_pde.seed",       NOMOS_PARAM_INT,       "1",    NULL, 0, 9e15, NULL, false, "Seed of random initial states."},
  {"time.scheme",         NOMOS_PARAM_CHOICE,    "auto", NULL, 0, 0, "auto|ssp_rk2|ssp_rk3|midpoint|rkl2", false, "Scheme of a substep; auto: ssp_rk3, or rkl2 where diffusion limits the step."},
  {"initial.type",        NOMOS_PARAM_CHOICE,    "expression", NULL, 0, 0, "expression|sines|random_modes|random_dam|random_constant|noise|file", false, "Initial state: initial.FIELD for each field, of x, y, z; PDEBench's random sums of sines along x; random waves of a gas, much like its; its column of water of a random radius; its random constant of each field; normal numbers; or a run's file."},
  {"initial.mach",        NOMOS_PARAM_REAL,      "0.1",  NULL, 0, DBL_MAX, NULL, false, "random_modes: mean speed over the speed of sound at the mean temperature.", "initial.type=random_modes"},
  {"initial.range",       NOMOS_PARAM_REAL_LIST, "",     NULL, 0, 0, NULL, false, "random_dam, random_constant: [low, high] that the radius, the constants are drawn from; unset: PDEBench's [0.3, 0.7] and [0, 0.2].", "initial.type=random_dam|random_constant"},
  NOMOS_INITIAL_FILE_PARAMS("-1"),
};
/* clang-format on */

static const NomosPdeFamily *Find(const char name[])
{
  for (size_t i = 0; nomos_pde_families[i]; i++)
    if (!strcmp(nomos_pde_families[i]->name, name)) return nomos_pde_families[i];
  return NULL;
}

PetscErrorCode PdeDeclare(NomosConfig config)
{
  const char           *name;
  const NomosPdeFamily *family;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigPeek(config, "grid_pde.family", &name));
  family = name ? Find(name) : NULL;
  if (!family) PetscFunctionReturn(PETSC_SUCCESS); /* told by the check of the choice */
  PetscCall(NomosConfigRegister(config, family->n_params, family->params));
  for (int k = 0; k < family->n_fields[family->max_dims]; k++)
    PetscCall(NomosConfigRegisterSection(config, "initial", 1, &(NomosParam){.key = family->fields[k].name, .type = NOMOS_PARAM_EXPRESSION, .default_value = "", .doc = "Initial state of this field, of x, y, z, lx, ly, lz.", .of = "initial.type=expression"}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The axis that a parameter is of alone, or the component of a vector that an initial field is; -1: of none. */
static int AxisOf(const PdeModel *p, const char key[])
{
  static const char *const forms[] = {"grid_pde.n%c", "grid_pde.l%c", "grid_pde.boundary_%c", "grid_pde.boundary_%c_high"};
  char                     name[NOMOS_MAX_NAME];
  const char              *underscore = strrchr(key, '_');

  for (int k = 0; k < p->family->n_fields[p->family->max_dims]; k++)
    if (!strncmp(key, "initial.", 8) && !strcmp(key + 8, p->family->fields[k].name)) return p->family->fields[k].component;
  for (int a = 0; a < 3; a++) {
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
      snprintf(name, sizeof name, forms[f], "xyz"[a]);
      if (!strcmp(key, name)) return a;
    }
    if (!strncmp(key, p->family->name, strlen(p->family->name)) && underscore && underscore[1] == "xyz"[a] && !underscore[2]) return a; /* advection.beta_y */
  }
  return -1;
}

/* What is given of an axis that the domain has not would be for nothing. Its default, as a resolved case has it, says nothing. */
static PetscErrorCode RefuseAbsent(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  NomosModel      model = ctx;
  const PdeModel *p     = model->data;
  const int       axis  = AxisOf(p, param->key);
  char            more[40] = "";

  (void)origin;
  PetscFunctionBeginUser;
  if (axis >= p->n_dims && axis < p->family->max_dims) snprintf(more, sizeof more, "set dimensions: %d, or ", axis + 1);
  if (axis < p->n_dims) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t length = strlen(param->default_value); /* behind it a value may have a unit */
  NomosCheck(!strncmp(value, param->default_value, length) && (!value[length] || (value[length] == ' ' && param->unit)), model->comm, PETSC_ERR_ARG_INCOMP, "%s: %s is of an axis that grid_pde.dimensions = %d has not: %sleave it out", NomosConfigWhere(model->config, param->key), param->key, p->n_dims, more);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Boundaries(NomosModel model, int axis)
{
  PdeModel   *p = model->data;
  char        key[32];
  const char *name;
  int         choice;
  bool        vector = false;

  PetscFunctionBeginUser;
  for (int side = 0; side < 2; side++) {
    PetscCall(PetscSNPrintf(key, sizeof key, "grid_pde.boundary_%c%s", "xyz"[axis], side ? "_high" : ""));
    PetscCall(NomosConfigGetChoice(model->config, key, &choice));
    if (side) choice = choice ? choice - 1 : (int)p->boundary[axis][0]; /* "same" is the first */
    p->boundary[axis][side] = (PdeBoundary)choice;
  }
  NomosCheck((p->boundary[axis][0] == PDE_PERIODIC) == (p->boundary[axis][1] == PDE_PERIODIC), model->comm, PETSC_ERR_ARG_INCOMP, "%s: %s: periodic on one side alone: both sides are, or none", NomosConfigWhere(model->config, key), key);
  for (int k = 0; k < p->m; k++) vector = vector || p->family->fields[k].component == axis;
  for (int side = 0; side < 2 && p->family->kernels[0]->flux; side++) { /* mirrored cells close a boundary to slopes alone: a flow goes through it unless its velocity is reflected */
    PetscCall(PetscSNPrintf(key, sizeof key, "grid_pde.boundary_%c%s", "xyz"[axis], side ? "_high" : ""));
    PetscCall(NomosConfigGetString(model->config, key, &name)); /* of one that is refused not "same": the low side is told first */
    NomosCheck(p->boundary[axis][side] != PDE_NO_FLUX && (vector || p->boundary[axis][side] != PDE_WALL), model->comm, PETSC_ERR_ARG_INCOMP, "%s: %s = %s does not stop the flow of %s; take %s", NomosConfigWhere(model->config, key), key,
               name, p->family->name, vector ? "wall, which reflects its velocity" : "outflow or periodic");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Values(NomosModel model, int side)
{
  PdeModel     *p   = model->data;
  const char   *key = side ? "grid_pde.value_high" : "grid_pde.value_low";
  size_t        n;
  const double *list;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, key, &n, &list));
  NomosCheck(n == 0 || n == (size_t)p->m, model->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries: %d fields need as many", NomosConfigWhere(model->config, key), key, n, p->m);
  bool used = false;
  for (int a = 0; a < p->n_dims; a++) used = used || p->boundary[a][side] == PDE_VALUE;
  NomosCheck(used || n == 0, model->comm, PETSC_ERR_ARG_INCOMP, "%s: %s: no boundary at a %s side is `value` (grid_pde.boundary_x%s, ...): it would do nothing; leave it out, or set one", NomosConfigWhere(model->config, key), key, side ? "high" : "low", side ? "_high" : "");
  for (size_t k = 0; k < n; k++) p->value[side][k] = list[k];
  for (int a = 0; a < p->n_dims; a++)
    for (int k = 0; k < p->m && p->boundary[a][side] == PDE_VALUE; k++)
      NomosCheck(!p->family->fields[k].positive || p->value[side][k] > 0, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s gives %s = %g at a boundary along %c: must be positive", NomosConfigWhere(model->config, key), key, p->family->fields[k].name, p->value[side][k], "xyz"[a]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Axis(NomosModel model, int axis)
{
  PdeModel     *p = model->data;
  char          key[32];
  int64_t       n = 0;
  double        length = 0;
  size_t        n_origin;
  const double *origin;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(key, sizeof key, "grid_pde.n%c", "xyz"[axis]));
  PetscCall(NomosConfigGetInt(model->config, key, &n));
  if (!n) n = (int64_t)p->size[0];
  NomosCheck(n >= 4, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s = %lld: at least 4 cells are needed", NomosConfigWhere(model->config, key), key, (long long)n);
  p->size[axis] = (size_t)n;
  PetscCall(PetscSNPrintf(key, sizeof key, "grid_pde.l%c", "xyz"[axis]));
  PetscCall(NomosConfigGetReal(model->config, key, &length));
  p->length[axis] = length > 0 ? length : p->length[0];
  p->dx[axis]     = p->length[axis] / (double)n;
  PetscCall(NomosConfigGetReals(model->config, "grid_pde.origin", &n_origin, &origin));
  NomosCheck(n_origin == 0 || n_origin == (size_t)p->n_dims, model->comm, PETSC_ERR_ARG_SIZ, "%s: grid_pde.origin has %zu entries for %d dimensions", NomosConfigWhere(model->config, "grid_pde.origin"), n_origin, p->n_dims);
  p->origin[axis] = n_origin ? origin[axis] : 0;
  PetscCall(Boundaries(model, axis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeSetup(NomosModel model)
{
  PdeModel   *p = model->data;
  const char *text;
  int64_t     dimensions, seed, substeps;
  int         limiter;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "grid_pde.family", &text));
  p->family = Find(text);
  PetscCall(NomosConfigGetInt(model->config, "grid_pde.dimensions", &dimensions));
  p->n_dims = (int)dimensions;
  NomosCheck(p->n_dims >= p->family->min_dims && p->n_dims <= p->family->max_dims, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: grid_pde.dimensions = %d: %s has %d to %d", NomosConfigWhere(model->config, "grid_pde.dimensions"), p->n_dims, text,
             p->family->min_dims, p->family->max_dims);
  PetscCall(NomosConfigVisit(model->config, RefuseAbsent, model));
  p->m = p->family->n_fields[p->n_dims];
  for (const NomosPdeAdjoints *a = nomos_pde_adjoints_value; a->family; a++)
    if (a->n_dims == p->n_dims && !strcmp(a->family, text)) {
      p->adjoints[0] = a;
      p->adjoints[1] = &nomos_pde_adjoints_dual[a - nomos_pde_adjoints_value];
    }
  for (int a = 0; a < 3; a++) {
    p->size[a]   = 1;
    p->length[a] = p->dx[a] = 1;
  }
  for (int a = 0; a < p->n_dims; a++) PetscCall(Axis(model, a));
  for (int side = 0; side < 2; side++) PetscCall(Values(model, side));
  PetscCall(NomosConfigGetChoice(model->config, "grid_pde.limiter", &limiter));
  p->limiter = (NomosLimiter)limiter;
  PetscCall(NomosConfigGetString(model->config, "time.scheme", &p->scheme));
  PetscCall(NomosConfigGetReal(model->config, "grid_pde.cfl", &p->cfl));
  PetscCall(NomosConfigGetReal(model->config, "grid_pde.tolerance", &p->tolerance));
  PetscCall(NomosConfigGetInt(model->config, "grid_pde.seed", &seed));
  model->seed = (uint64_t)seed;
  PetscCall(NomosConfigGetInt(model->config, "grid_pde.substeps", &substeps));
  p->substeps = (int)substeps;
  for (size_t k = 0; k < p->family->n_params; k++) {
    const NomosParam *param = &p->family->params[k];
    if (!param->differentiable || AxisOf(p, param->key) >= p->n_dims) continue;
    double *value = &p->coefficients[p->n_coefficients];
    PetscCall(NomosConfigGetReal(model->config, param->key, value));
    p->parameters[p->n_coefficients++] = (NomosModelParameter){.param = param, .value = *value};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
