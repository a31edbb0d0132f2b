#include "solvers/qg/qg_params.h"

#include "solvers/qg/qg_state.h"

#include "io/expression.h"
#include "io/memory.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_qg_params[] = {
  {"qg.model",               NOMOS_PARAM_CHOICE, "layered", NULL, 0, 0, "layered|surface", false, "N layers of constant density, or surface QG (uniform interior, one active surface)."},
  {"qg.layers",              NOMOS_PARAM_INT,    "2",    NULL,   1, NOMOS_QG_MAX_LAYERS, NULL, false, "Number of layers, top first; 1 is barotropic (or equivalent barotropic)."},
  {"qg.nx",                  NOMOS_PARAM_INT,    NULL,   NULL,   4, 65536,          NULL, false, "Grid points along x: only factors 2, 3, 5, 7."},
  {"qg.ny",                  NOMOS_PARAM_INT,    "0",    NULL,   0, 65536,          NULL, false, "Grid points along y; 0: as many as along x."},
  {"qg.lx",                  NOMOS_PARAM_REAL,   NULL,   "m",    DBL_MIN, DBL_MAX,  NULL, false, "Length of the domain along x."},
  {"qg.ly",                  NOMOS_PARAM_REAL,   "0",    "m",    0, DBL_MAX,        NULL, false, "Length of the domain along y; 0: as along x."},
  {"qg.deformation_radius",  NOMOS_PARAM_REAL,   "",     "m",    DBL_MIN, DBL_MAX,  NULL, true,  "Of one layer (unset: infinite) or two, with qg.depth_ratio, instead of depths and gravities: F_1 = rd^-2/(1 + ratio), F_2 = ratio F_1."},
  {"qg.depth_ratio",         NOMOS_PARAM_REAL,   "1",    NULL,   DBL_MIN, DBL_MAX,  NULL, true,  "Depth of the upper over depth of the lower layer, for two layers."},
  {"qg.depths",              NOMOS_PARAM_REAL_LIST, "",  "m",    DBL_MIN, DBL_MAX,  NULL, true,  "Depths of the layers, top first."},
  {"qg.reduced_gravities",   NOMOS_PARAM_REAL_LIST, "",  "m s-2", DBL_MIN, DBL_MAX, NULL, true,  "Reduced gravities of the interfaces, top first (one less than layers)."},
  {"qg.densities",           NOMOS_PARAM_REAL_LIST, "",  "kg m-3", DBL_MIN, DBL_MAX, NULL, true, "Densities of the layers instead of reduced gravities: g'_i = g (rho_i+1 - rho_i)/rho_i."},
  {"qg.gravity",             NOMOS_PARAM_REAL,   "9.81", "m s-2", DBL_MIN, DBL_MAX, NULL, true,  "Gravity g, with qg.densities."},
  {"qg.f0",                  NOMOS_PARAM_REAL,   "",     "s-1",  0, 0,              NULL, true,  "Coriolis parameter, with qg.depths or qg.topography."},
  {"qg.buoyancy_frequency",  NOMOS_PARAM_REAL,   "1",    NULL,   DBL_MIN, DBL_MAX,  NULL, true,  "Surface QG: N of psi^ = q^/(N K), in units of f."},
  {"qg.surface_depth",       NOMOS_PARAM_REAL,   "0",    "m",    0, DBL_MAX,        NULL, true,  "Surface QG: N H/f of a fluid of depth H, psi^ = q^/(N K tanh(K N H/f)); 0: infinite."},
  {"qg.beta",                NOMOS_PARAM_REAL,   "0",    "m-1 s-1", 0, 0,           NULL, true,  "Meridional gradient of the Coriolis parameter."},
  {"qg.u",                   NOMOS_PARAM_REAL_LIST, "",  "m s-1", 0, 0,             NULL, true,  "Uniform zonal mean flow of each layer; unset: none."},
  {"qg.v",                   NOMOS_PARAM_REAL_LIST, "",  "m s-1", 0, 0,             NULL, true,  "Uniform meridional mean flow of each layer; unset: none."},
  {"qg.nonlinearity",        NOMOS_PARAM_REAL,   "1",    NULL,   0, 0,              NULL, true,  "Factor on the Jacobians; 0: the linear equations."},
  {"qg.drag",                NOMOS_PARAM_REAL,   "0",    "s-1",  0, 0,              NULL, true,  "Linear drag on the vorticity of the bottom layer."},
  {"qg.hyperviscosity",      NOMOS_PARAM_REAL,   "0",    NULL,   0, DBL_MAX,        NULL, true,  "nu of -nu (-lap)^(order/2) q, in m^order/s."},
  {"qg.hyperviscosity_order", NOMOS_PARAM_INT,   "8",    NULL,   2, 32,             NULL, false, "Even order of the derivative: 2 is viscosity."},
  {"qg.hyperviscosity_form", NOMOS_PARAM_CHOICE, "isotropic", NULL, 0, 0, "isotropic|anisotropic", false, "(kx^2 + ky^2)^(order/2), or kx^order + ky^order."},
  {"qg.hyperviscosity_of_planetary", NOMOS_PARAM_BOOL, "false", NULL, 0, 0,         NULL, false, "Hyperviscosity also acts on beta y as a periodic sawtooth, as where q holds beta y (doi:10.1029/2023MS004033)."},
  {"qg.relaxation_rate",     NOMOS_PARAM_REAL,   "0",    "s-1",  0, 0,              NULL, true,  "Newtonian relaxation of the interface between the upper two layers."},
  {"qg.relaxation_jet_rate", NOMOS_PARAM_REAL,   "",     "s-1",  0, 0,              NULL, true,  "Rate of the part of the relaxation that drives the jet; unset: qg.relaxation_rate."},
  {"qg.relaxation_jet",      NOMOS_PARAM_EXPRESSION, "", "m s-1", 0, 0,             NULL, false, "Shear u_R(y) to which the interface relaxes; its mean over y drops out."},
  {"qg.sponge",              NOMOS_PARAM_EXPRESSION, "", "s-1",  0, 0,              NULL, false, "Damping s(y) of the departure from the zonal mean, all layers."},
  {"qg.topography",          NOMOS_PARAM_EXPRESSION, "", "m",    0, 0,              NULL, false, "Height h(x, y) of the bottom; its potential vorticity is f0 h/H_N."},
  {"qg.topographic_pv",      NOMOS_PARAM_EXPRESSION, "", "s-1",  0, 0,              NULL, false, "Potential vorticity eta(x, y) of the bottom, instead of its height."},
  {"qg.body_force",          NOMOS_PARAM_EXPRESSION_LIST, "", "s-2", 0, 0,          NULL, false, "A steady source F(x, y) of potential vorticity for each layer."},
  {"qg.filter",              NOMOS_PARAM_CHOICE, "none", NULL,   0, 0, "none|exponential", false, "Exponential spectral filter after every step: exp(-strength (k* - cutoff)^4), k* = K times grid spacing."},
  {"qg.filter_strength",     NOMOS_PARAM_REAL,   "23.6", NULL,   0, DBL_MAX,        NULL, false, "Strength of the exponential filter."},
  {"qg.filter_cutoff",       NOMOS_PARAM_REAL,   "0.65", NULL,   0, 1,              NULL, false, "Cutoff of the exponential filter, in units of pi (the shortest resolved wave)."},
  {"qg.forcing_rate",        NOMOS_PARAM_REAL,   "0",    "m2 s-3", 0, DBL_MAX,      NULL, true,  "Mean energy input by stochastic forcing, white in time; 0: none."},
  {"qg.forcing_wavenumber",  NOMOS_PARAM_REAL,   "0",    "m-1",  0, DBL_MAX,        NULL, false, "Centre of the ring of forced wavenumbers (2 pi/length)."},
  {"qg.forcing_width",       NOMOS_PARAM_REAL,   "0",    "m-1",  0, DBL_MAX,        NULL, false, "Full width of the ring."},
  {"qg.forcing_layer",       NOMOS_PARAM_INT,    "0",    NULL,   0, NOMOS_QG_MAX_LAYERS, NULL, false, "The layer that is forced; 0: all alike."},
  {"qg.seed",                NOMOS_PARAM_INT,    "1",    NULL,   0, 9e15,           NULL, false, "Seed of the random numbers (initial state and forcing)."},
  {"qg.dealias",             NOMOS_PARAM_CHOICE, "2/3",  NULL,   0, 0, "none|2/3|3/2", false, "Against aliasing: nothing, the 2/3 rule, or products on a grid 3/2 as fine."},
  {"qg.nyquist",             NOMOS_PARAM_CHOICE, "drop", NULL,   0, 0, "drop|keep", false, "The shortest mode of an even grid, which has no partner: drop it, or keep it as plain FFT codes do."},
  {"qg.form",                NOMOS_PARAM_CHOICE, "basdevant", NULL, 0, 0, "basdevant|flux", false, "Advection in Basdevant's form (5N-1 transforms) or as the divergence of fluxes (5N)."},
  {"qg.precision",           NOMOS_PARAM_CHOICE, "float64", NULL, 0, 0, "float64|float32", false, "Working precision."},
  {"qg.fft_plan",            NOMOS_PARAM_CHOICE, "measure", NULL, 0, 0, "estimate|measure|patient", false, "Effort FFTW takes to plan; what it learns is kept for this machine and in checkpoints."},
  {"time.scheme",            NOMOS_PARAM_CHOICE, "ab3",  NULL,   0, 0, "euler|ab2|ab3|leapfrog|rk4|etdrk4", false, "Time scheme."},
  {"time.start",             NOMOS_PARAM_CHOICE, "lower_order", NULL, 0, 0, "lower_order|rk4", false, "First steps of ab2 and ab3: lower orders as in pyqg (which leaves ab3 of second order in the end), or rk4."},
  {"time.asselin",           NOMOS_PARAM_REAL,   "0.04", NULL,   0, 0.5,            NULL, false, "Robert-Asselin coefficient of the leapfrog."},
  {"time.adaptive",          NOMOS_PARAM_BOOL,   "false", NULL,  0, 0,              NULL, false, "Choose dt (at most time.dt) by time.cfl; one-step schemes only."},
  {"time.cfl",               NOMOS_PARAM_REAL,   "0.5",  NULL,   DBL_MIN, 2,        NULL, false, "CFL number dt (max|u|/dx + max|v|/dy) an adaptive step keeps below."},
  {"initial.type",           NOMOS_PARAM_CHOICE, "random", NULL, 0, 0, "zero|expression|random|mode|dipole|file", false, "Initial state."},
  {"initial.q",              NOMOS_PARAM_EXPRESSION_LIST, "", "s-1", 0, 0,          NULL, false, "expression: potential vorticity of each layer.", "initial.type=expression"},
  {"initial.psi",            NOMOS_PARAM_EXPRESSION_LIST, "", "m2 s-1", 0, 0,       NULL, false, "expression: streamfunction of each layer.", "initial.type=expression"},
  {"initial.energy",         NOMOS_PARAM_REAL,   "",     "m2 s-2", 0, DBL_MAX,      NULL, false, "Any type: scale the state to this energy (per unit mass and area)."},
  {"initial.q_rms",          NOMOS_PARAM_REAL,   "",     "s-1",  0, DBL_MAX,        NULL, false, "Any type: scale the state to this largest layer rms of q."},
  {"initial.spectrum",       NOMOS_PARAM_CHOICE, "mcwilliams", NULL, 0, 0, "mcwilliams|ring|white", false, "random: energy ~ K/(1 + (K/peak)^4) (McWilliams 1984), a Gaussian ring, or white in q.", "initial.type=random"},
  {"initial.peak",           NOMOS_PARAM_REAL,   "6",    NULL,   DBL_MIN, DBL_MAX,  NULL, false, "random: peak wavenumber, in waves per the longer side.", "initial.type=random"},
  {"initial.width",          NOMOS_PARAM_REAL,   "1",    NULL,   DBL_MIN, DBL_MAX,  NULL, false, "random, ring: its standard deviation, in the same unit.", "initial.spectrum=ring"},
  {"initial.layers",         NOMOS_PARAM_CHOICE, "independent", NULL, 0, 0, "independent|barotropic|top", false, "random: phases of the layers.", "initial.type=random"},
  {"initial.mode",           NOMOS_PARAM_REAL_LIST, "[1, 0]", NULL, -32768, 32768,  NULL, false, "mode: the fastest growing vertical structure at these waves per side, [along x, along y].", "initial.type=mode"},
  {"initial.radius",         NOMOS_PARAM_REAL,   "",     "m",    DBL_MIN, DBL_MAX,  NULL, false, "dipole: radius of Lamb's dipole (one layer).", "initial.type=dipole"},
  {"initial.speed",          NOMOS_PARAM_REAL,   "",     "m s-1", 0, 0,             NULL, false, "dipole: its speed along x.", "initial.type=dipole"},
  {"initial.file",           NOMOS_PARAM_FILE,   "",     NULL,   0, 0,              NULL, false, "file: fields.nc of another run (any resolution), or any NetCDF-4/HDF5 file with the variable.", "initial.type=file"},
  {"initial.variable",       NOMOS_PARAM_STRING, "q",    NULL,   0, 0,              NULL, false, "file: q, psi or another name with dimensions ([time,] layer, y, x); a name that begins with psi is a streamfunction.", "initial.type=file"},
  {"initial.frame",          NOMOS_PARAM_INT,    "-1",   NULL,   -1, 9e15,          NULL, false, "file: index of the frame; -1: the last.", "initial.type=file"},
};
/* clang-format on */
_Static_assert(sizeof nomos_qg_params / sizeof *nomos_qg_params == NOMOS_QG_N_PARAMS, "NOMOS_QG_N_PARAMS counts this table");

static PetscErrorCode Flag(NomosConfig config, const char key[], const char value[], bool *is)
{
  const char *text;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, key, &text));
  *is = !strcmp(text, value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool OnlySmallFactors(int64_t n)
{
  for (int p = 2; p <= 7; p++)
    while (n % p == 0) n /= p;
  return n == 1;
}

static PetscErrorCode Side(MPI_Comm comm, NomosConfig config, const char key[], int *n)
{
  int64_t value, below, above;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, key, &value));
  if (value == 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (below = value; below > 4 && !OnlySmallFactors(below); below--) {}
  for (above = value; !OnlySmallFactors(above); above++) {}
  PetscCheck(below == value, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s = %ld: must have only the factors 2, 3, 5, 7; use %ld or %ld", NomosConfigWhere(config, key), key, (long)value, (long)below, (long)above);
  *n = (int)value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A list with one entry per layer, or empty. */
static PetscErrorCode PerLayer(MPI_Comm comm, NomosConfig config, const char key[], size_t expected, size_t n, const double given[], double values[])
{
  PetscFunctionBeginUser;
  PetscCheck(n == 0 || n == expected, comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries, but qg.layers asks for %zu", NomosConfigWhere(config, key), key, n, expected);
  for (size_t i = 0; i < n; i++) values[i] = given[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Stratification(MPI_Comm comm, NomosConfig config, NomosQGSetup *setup, NomosQGOptions *options)
{
  const NomosQGPhysics *physics = &options->physics;
  const size_t          n = (size_t)setup->n_layers, n_depths = physics->n_depths, n_gravities = physics->n_gravities, n_densities = physics->n_densities;
  const double         *depths = physics->value + NOMOS_QG_P_DEPTHS, *gravities = physics->value + NOMOS_QG_P_GRAVITIES, *densities = physics->value + NOMOS_QG_P_DENSITIES;
  const double          radius = physics->value[NOMOS_QG_P_RADIUS], ratio = physics->value[NOMOS_QG_P_RATIO], f0 = physics->value[NOMOS_QG_P_F0], g = physics->value[NOMOS_QG_P_GRAVITY];
  double                derived[NOMOS_QG_MAX_LAYERS];

  PetscFunctionBeginUser;
  options->n_radii = 0;
  if (n == 1) {
    PetscCall(NomosQGStratifyOneLayer(setup, PetscIsNanReal(radius) ? 0 : radius));
    if (!PetscIsNanReal(radius)) options->radii[options->n_radii++] = radius;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!PetscIsNanReal(radius)) {
    PetscCheck(n == 2, comm, PETSC_ERR_ARG_INCOMP, "%s: qg.deformation_radius describes one or two layers, not %zu; give qg.depths, qg.f0 and qg.reduced_gravities (or qg.densities)", NomosConfigWhere(config, "qg.deformation_radius"), n);
    PetscCheck(!n_gravities && !n_densities, comm, PETSC_ERR_ARG_INCOMP, "%s: qg.deformation_radius and %s both set the stratification; leave one out", NomosConfigWhere(config, "qg.deformation_radius"), n_gravities ? "qg.reduced_gravities" : "qg.densities");
    PetscCall(NomosQGStratifyTwoLayers(setup, radius, ratio));
    options->radii[options->n_radii++] = radius;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(n_depths == n && !PetscIsNanReal(f0) && f0 != 0 && (n_gravities || n_densities), comm, PETSC_ERR_ARG_INCOMP,
             "%s: the stratification of %zu layers needs %sqg.depths (%zu entries, %zu given), qg.f0 (not 0) and qg.reduced_gravities or qg.densities", NomosConfigWhere(config, "qg.layers"), n, n == 2 ? "qg.deformation_radius, or " : "", n, n_depths);
  PetscCheck(!n_gravities || !n_densities, comm, PETSC_ERR_ARG_INCOMP, "%s: give qg.reduced_gravities or qg.densities, not both", NomosConfigWhere(config, "qg.densities"));
  PetscCheck(!n_gravities || n_gravities == n - 1, comm, PETSC_ERR_ARG_SIZ, "%s: qg.reduced_gravities has %zu entries, but %zu layers have %zu interfaces", NomosConfigWhere(config, "qg.reduced_gravities"), n_gravities, n, n - 1);
  PetscCheck(!n_densities || n_densities == n, comm, PETSC_ERR_ARG_SIZ, "%s: qg.densities has %zu entries, but qg.layers asks for %zu", NomosConfigWhere(config, "qg.densities"), n_densities, n);
  for (size_t i = 0; i + 1 < n; i++) {
    derived[i] = n_densities ? g * (densities[i + 1] - densities[i]) / densities[i] : gravities[i];
    NomosCheck(derived[i] > 0, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: qg.densities: layer %zu (%g) must be denser than layer %zu (%g), top first", NomosConfigWhere(config, "qg.densities"), i + 2, densities[i + 1], i + 1, densities[i]);
  }
  PetscCall(NomosQGStratify(setup, f0, depths, derived, options->radii));
  options->n_radii = (int)n - 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGEvaluate(MPI_Comm comm, NomosConfig config, const char key[], const char text[], const NomosQGSetup *setup, int y_start, int n_y, double *values)
{
  static const char *const names[] = {"x", "y", "lx", "ly", "dx", "dy"};
  const double             dx = setup->lx / setup->nx, dy = setup->ly / setup->ny;
  NomosExpression          expression;
  int                      rank, bad[2] = {-1, -1};
  PetscErrorCode           failed;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  NomosQuietly(failed, NomosExpressionCreate(text, 6, names, &expression));
  PetscCall(NomosConfigRetell(config, key, failed));
  for (int j = 0; j < n_y; j++)
    for (int i = 0; i < setup->nx; i++) {
      const double at[6] = {-0.5 * setup->lx + i * dx, -0.5 * setup->ly + (y_start + j) * dy, setup->lx, setup->ly, dx, dy};
      double      *value = &values[(size_t)j * (size_t)setup->nx + (size_t)i];
      *value             = NomosExpressionEvaluate(expression, at);
      if (bad[0] < 0 && PetscIsInfOrNanReal(*value)) {
        bad[0] = i;
        bad[1] = y_start + j;
      }
    }
  PetscCall(NomosExpressionDestroy(&expression));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bad, 2, MPI_INT, MPI_MAX, comm));
  NomosCheck(bad[0] < 0, comm, PETSC_ERR_FP, "%s: %s = %s is not a finite number at x = %g, y = %g", NomosConfigWhere(config, key), key, text, -0.5 * setup->lx + bad[0] * dx, -0.5 * setup->ly + bad[1] * dy);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An optional function of y, from the first column of the grid. */
static PetscErrorCode Profile(MPI_Comm comm, NomosConfig config, const char key[], const NomosQGSetup *setup, double **profile)
{
  const char   *text;
  double       *values;
  NomosQGSetup narrow = *setup;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, key, &text));
  if (!text[0]) PetscFunctionReturn(PETSC_SUCCESS);
  narrow.nx = 1;
  PetscCall(PetscMalloc1((size_t)setup->ny, &values));
  *profile = values;
  PetscCall(NomosQGEvaluate(comm, config, key, text, &narrow, 0, setup->ny, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Topography(MPI_Comm comm, NomosConfig config, NomosQGSetup *setup, NomosQGPhysics *physics)
{
  const size_t points = (size_t)setup->nx * (size_t)setup->ny;
  const double f0     = physics->value[NOMOS_QG_P_F0];
  const char  *height, *pv;
  double       factor = 1;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "qg.topography", &height));
  PetscCall(NomosConfigGetString(config, "qg.topographic_pv", &pv));
  if (!height[0] && !pv[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!height[0] || !pv[0], comm, PETSC_ERR_ARG_INCOMP, "%s: give qg.topography (a height) or qg.topographic_pv, not both", NomosConfigWhere(config, "qg.topographic_pv"));
  PetscCheck(!setup->surface, comm, PETSC_ERR_ARG_INCOMP, "%s: surface QG has no bottom topography", NomosConfigWhere(config, height[0] ? "qg.topography" : "qg.topographic_pv"));
  if (height[0]) {
    PetscCheck(!PetscIsNanReal(f0) && physics->n_depths == (size_t)setup->n_layers, comm, PETSC_ERR_ARG_INCOMP, "%s: qg.topography is a height; its potential vorticity f0 h/H_N needs qg.f0 and qg.depths (or give qg.topographic_pv)", NomosConfigWhere(config, "qg.topography"));
    factor = f0 / physics->value[NOMOS_QG_P_DEPTHS + physics->n_depths - 1];
  }
  physics->height = height[0] != 0;
  if (!setup->topography) PetscCall(PetscMalloc1(points, &setup->topography));
  PetscCall(NomosQGEvaluate(comm, config, height[0] ? "qg.topography" : "qg.topographic_pv", height[0] ? height : pv, setup, 0, setup->ny, setup->topography));
  for (size_t i = 0; i < points; i++) setup->topography[i] *= factor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forcing(MPI_Comm comm, NomosConfig config, NomosQGSetup *setup)
{
  const size_t       points = (size_t)setup->nx * (size_t)setup->ny;
  int64_t            layer, seed;
  size_t             n;
  const char *const *texts;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "qg.forcing_wavenumber", &setup->forcing_wavenumber));
  PetscCall(NomosConfigGetReal(config, "qg.forcing_width", &setup->forcing_width));
  PetscCall(NomosConfigGetInt(config, "qg.forcing_layer", &layer));
  PetscCall(NomosConfigGetInt(config, "qg.seed", &seed));
  PetscCheck(layer <= setup->n_layers, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: qg.forcing_layer = %ld: must be between 1 and qg.layers = %d, or 0 for all", NomosConfigWhere(config, "qg.forcing_layer"), (long)layer, setup->n_layers);
  setup->forcing_layer = (int)layer;
  setup->seed          = (uint64_t)seed;
  PetscCall(NomosConfigGetStrings(config, "qg.body_force", &n, &texts));
  if (!n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(n == (size_t)setup->n_layers, comm, PETSC_ERR_ARG_SIZ, "%s: qg.body_force has %zu entries, but qg.layers asks for %d", NomosConfigWhere(config, "qg.body_force"), n, setup->n_layers);
  PetscCall(PetscMalloc1(n * points, &setup->body_force));
  for (size_t i = 0; i < n; i++) PetscCall(NomosQGEvaluate(comm, config, "qg.body_force", texts[i], setup, 0, setup->ny, setup->body_force + i * points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Numerics(MPI_Comm comm, NomosConfig config, NomosQGSetup *setup, NomosQGOptions *options)
{
  int     choice;
  int64_t order;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetChoice(config, "qg.dealias", &choice)); /* enums are in the order of the choices */
  setup->dealias = (NomosQGDealias)choice;
  PetscCall(NomosConfigGetChoice(config, "time.scheme", &choice));
  setup->scheme = (NomosQGScheme)choice;
  PetscCall(NomosConfigGetChoice(config, "qg.fft_plan", &choice));
  options->plan = (NomosPlanEffort)choice;
  PetscCall(Flag(config, "qg.nyquist", "keep", &setup->keep_nyquist));
  PetscCall(Flag(config, "qg.form", "flux", &setup->flux_form));
  PetscCall(Flag(config, "qg.precision", "float32", &options->single));
  PetscCall(Flag(config, "time.start", "rk4", &setup->accurate_start));
  PetscCall(NomosConfigGetReal(config, "time.asselin", &setup->asselin));
  PetscCall(NomosConfigGetBool(config, "time.adaptive", &options->adaptive));
  PetscCall(NomosConfigGetReal(config, "time.cfl", &options->cfl));
  setup->track_every = options->adaptive ? 1 : 5;
  if (setup->surface) setup->flux_form = true; /* q is not lap psi */
  PetscCheck(!options->adaptive || setup->scheme == NOMOS_QG_RK4 || setup->scheme == NOMOS_QG_ETDRK4 || setup->scheme == NOMOS_QG_EULER, comm, PETSC_ERR_ARG_INCOMP, "%s: time.adaptive needs a one-step scheme; set time.scheme to rk4 or etdrk4", NomosConfigWhere(config, "time.adaptive"));
  PetscCall(Flag(config, "qg.filter", "exponential", &setup->filter));
  PetscCall(NomosConfigGetReal(config, "qg.filter_strength", &setup->filter_strength));
  PetscCall(NomosConfigGetReal(config, "qg.filter_cutoff", &setup->filter_cutoff));
  setup->filter_cutoff *= PETSC_PI;
  PetscCall(NomosConfigGetInt(config, "qg.hyperviscosity_order", &order));
  PetscCheck(order % 2 == 0, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: qg.hyperviscosity_order = %ld: must be even; use %ld or %ld", NomosConfigWhere(config, "qg.hyperviscosity_order"), (long)order, (long)order - 1, (long)order + 1);
  setup->hyperviscosity_order = (int)order;
  PetscCall(Flag(config, "qg.hyperviscosity_form", "anisotropic", &setup->hyperviscosity_anisotropic));
  PetscCall(NomosConfigGetBool(config, "qg.hyperviscosity_of_planetary", &setup->hyperviscosity_of_planetary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before the first array is allocated. */
static PetscErrorCode Memory(MPI_Comm comm, NomosConfig config, const NomosQGSetup *setup, const NomosQGOptions *options)
{
  const NomosQGStateOps *ops = options->single ? &nomos_qg_state_f32 : &nomos_qg_state_f64;
  char                   what[NOMOS_MAX_PATH + 128];
  int                    size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  snprintf(what, sizeof what, "%s: qg.nx = %d, qg.ny = %d, qg.layers = %d", NomosConfigWhere(config, "qg.nx"), setup->nx, setup->ny, setup->n_layers);
  PetscCall(NomosMemoryRequire(comm, (double)ops->bytes(setup, size), what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGPhysicsApply(MPI_Comm comm, NomosConfig config, NomosQGSetup *setup, NomosQGOptions *options)
{
  NomosQGPhysics *physics = &options->physics;
  const double   *value   = physics->value;

  PetscFunctionBeginUser;
  PetscCall(Stratification(comm, config, setup, options));
  setup->surface_buoyancy = value[NOMOS_QG_P_BUOYANCY];
  setup->surface_depth    = value[NOMOS_QG_P_SURFACE_DEPTH];
  setup->beta             = value[NOMOS_QG_P_BETA];
  PetscCall(PerLayer(comm, config, "qg.u", (size_t)setup->n_layers, physics->n_u, value + NOMOS_QG_P_U, setup->u));
  PetscCall(PerLayer(comm, config, "qg.v", (size_t)setup->n_layers, physics->n_v, value + NOMOS_QG_P_V, setup->v));
  NomosQGMeanGradients(setup);
  setup->nonlinearity        = value[NOMOS_QG_P_NONLINEARITY];
  setup->drag                = value[NOMOS_QG_P_DRAG];
  setup->hyperviscosity      = value[NOMOS_QG_P_HYPERVISCOSITY];
  setup->relaxation_rate     = value[NOMOS_QG_P_RELAXATION];
  setup->relaxation_jet_rate = PetscIsNanReal(value[NOMOS_QG_P_RELAXATION_JET]) ? setup->relaxation_rate : value[NOMOS_QG_P_RELAXATION_JET];
  setup->forcing_energy_rate = value[NOMOS_QG_P_FORCING];
  PetscCheck(setup->n_layers > 1 || setup->relaxation_rate == 0, comm, PETSC_ERR_ARG_INCOMP, "%s: qg.relaxation_rate relaxes the interface between two layers, and there is one layer", NomosConfigWhere(config, "qg.relaxation_rate"));
  if (physics->height) PetscCall(Topography(comm, config, setup, physics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGSetupFromConfig(MPI_Comm comm, NomosConfig config, NomosQGSetup *setup, NomosQGOptions *options)
{
  int64_t layers;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(setup, sizeof *setup));
  PetscCall(PetscMemzero(options, sizeof *options));
  PetscCall(Flag(config, "qg.model", "surface", &setup->surface));
  PetscCall(NomosConfigGetInt(config, "qg.layers", &layers));
  PetscCheck(!setup->surface || layers == 1, comm, PETSC_ERR_ARG_INCOMP, "%s: surface QG has one active level; set qg.layers: 1", NomosConfigWhere(config, "qg.model"));
  setup->n_layers = (int)layers;
  PetscCall(Side(comm, config, "qg.nx", &setup->nx));
  setup->ny = setup->nx;
  PetscCall(Side(comm, config, "qg.ny", &setup->ny));
  PetscCheck(setup->ny >= 4, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: qg.ny = %d: must be at least 4", NomosConfigWhere(config, "qg.ny"), setup->ny);
  PetscCall(NomosConfigGetReal(config, "qg.lx", &setup->lx));
  PetscCall(NomosConfigGetReal(config, "qg.ly", &setup->ly));
  if (setup->ly == 0) setup->ly = setup->lx;
  PetscCall(NomosQGPhysicsRead(config, &options->physics));
  PetscCall(NomosQGPhysicsApply(comm, config, setup, options));
  PetscCall(Numerics(comm, config, setup, options));
  PetscCall(Memory(comm, config, setup, options));
  PetscCall(Profile(comm, config, "qg.relaxation_jet", setup, &setup->relaxation_jet));
  PetscCall(Profile(comm, config, "qg.sponge", setup, &setup->sponge));
  PetscCall(Topography(comm, config, setup, &options->physics));
  PetscCall(Forcing(comm, config, setup));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGSetupFree(NomosQGSetup *setup)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(setup->relaxation_jet));
  PetscCall(PetscFree(setup->sponge));
  PetscCall(PetscFree(setup->topography));
  PetscCall(PetscFree(setup->body_force));
  PetscFunctionReturn(PETSC_SUCCESS);
}
