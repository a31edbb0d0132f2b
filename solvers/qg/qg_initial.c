/* Initial states. A type is one function and one line in the table at the end. */
#include "io/field_file.h"
#include "operators/fft.h"
#include "operators/foreign_field.h"
#include "solvers/qg/qg_linear.h"
#include "solvers/qg/qg_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  NomosModel             model;
  MPI_Comm               comm;
  NomosConfig            config;
  const NomosQGSetup    *setup;
  const NomosQGStateOps *ops;
  void                  *core;
  int                    y_start, n_y;
  double                *layers[NOMOS_QG_MAX_LAYERS]; /* (n_y, nx) */
} Initial;

static PetscErrorCode Store(Initial *initial, NomosQGField field)
{
  PetscFunctionBeginUser;
  PetscCall(initial->ops->set(initial->core, field, (const double *const *)initial->layers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Zero(Initial *initial)
{
  PetscFunctionBeginUser;
  PetscCall(Store(initial, NOMOS_QG_VORTICITY)); /* the buffers are zero */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Expression(Initial *initial)
{
  const char *const *q, *const *psi;
  size_t             n_q, n_psi;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(initial->config, "initial.q", &n_q, &q));
  PetscCall(NomosConfigGetStrings(initial->config, "initial.psi", &n_psi, &psi));
  PetscCheck((n_q > 0) != (n_psi > 0), initial->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = expression needs initial.q or initial.psi (one of them), an expression for each layer", NomosConfigWhere(initial->config, "initial.type"));
  const char *key = n_q ? "initial.q" : "initial.psi";
  PetscCheck(n_q + n_psi == (size_t)initial->setup->n_layers, initial->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries, but qg.layers asks for %d", NomosConfigWhere(initial->config, key), key, n_q + n_psi, initial->setup->n_layers);
  for (int i = 0; i < initial->setup->n_layers; i++) PetscCall(NomosQGEvaluate(initial->comm, initial->config, key, n_q ? q[i] : psi[i], initial->setup, initial->y_start, initial->n_y, initial->layers[i]));
  PetscCall(Store(initial, n_q ? NOMOS_QG_VORTICITY : NOMOS_QG_STREAMFUNCTION));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Amplitude of psi^ whose energy K^2 |psi^|^2, summed over a ring of ~K modes, has the wanted spectrum. */
typedef struct {
  double peak, width; /* [rad/m] */
  int    shape; /* the place of initial.spectrum among its choices */
} Spectrum;

static double SpectrumAmplitude(double K, void *ctx)
{
  const Spectrum *spectrum = ctx;
  const double    x = K / spectrum->peak, d = (K - spectrum->peak) / spectrum->width;

  if (spectrum->shape == 0) return 1 / sqrt(K * K * (1 + pow(x, 4)));     /* McWilliams 1984, doi:10.1017/S0022112084001750 */
  if (spectrum->shape == 1) return exp(-0.25 * d * d) / sqrt(K * K * K);
  return 1 / (K * K);                                                     /* q white */
}

static PetscErrorCode Random(Initial *initial)
{
  const double unit     = 2 * PETSC_PI / PetscMax(initial->setup->lx, initial->setup->ly);
  Spectrum     spectrum = {0};
  const char  *layers;
  double       weight[NOMOS_QG_MAX_LAYERS];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetChoice(initial->config, "initial.spectrum", &spectrum.shape));
  PetscCall(NomosConfigGetString(initial->config, "initial.layers", &layers));
  PetscCall(NomosConfigGetReal(initial->config, "initial.peak", &spectrum.peak));
  PetscCall(NomosConfigGetReal(initial->config, "initial.width", &spectrum.width));
  spectrum.peak *= unit;
  spectrum.width *= unit;
  for (int i = 0; i < initial->setup->n_layers; i++) weight[i] = i && !strcmp(layers, "top") ? 0 : 1;
  PetscCall(initial->ops->set_random(initial->core, SpectrumAmplitude, &spectrum, !strcmp(layers, "barotropic"), weight, initial->setup->seed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Mode(Initial *initial)
{
  const NomosQGSetup *setup = initial->setup;
  const double       *mode;
  size_t              n;
  double              growth, frequency, vector[NOMOS_QG_MAX_LAYERS][2];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(initial->config, "initial.mode", &n, &mode));
  PetscCheck(n == 2 && mode[0] == floor(mode[0]) && mode[1] == floor(mode[1]) && (mode[0] != 0 || mode[1] != 0), initial->comm, PETSC_ERR_ARG_WRONG, "%s: initial.mode: must be two whole numbers of waves, not both 0, such as [3, 0]", NomosConfigWhere(initial->config, "initial.mode"));
  const double k = 2 * PETSC_PI * mode[0] / setup->lx, l = 2 * PETSC_PI * mode[1] / setup->ly;
  PetscCall(NomosQGFastestMode(setup, k, l, &growth, &frequency, vector));
  for (int i = 0; i < setup->n_layers; i++)
    for (int y = 0; y < initial->n_y; y++)
      for (int x = 0; x < setup->nx; x++) {
        const double phase = k * x * setup->lx / setup->nx + l * (initial->y_start + y) * setup->ly / setup->ny;
        initial->layers[i][(size_t)y * (size_t)setup->nx + (size_t)x] = vector[i][0] * cos(phase) - vector[i][1] * sin(phase);
      }
  PetscCall(Store(initial, NOMOS_QG_VORTICITY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lamb's dipole: inside r < R, q = -2 U k/J0(kR) J1(k r) sin(theta), kR = 3.8317... (Meleshko & van Heijst 1994, doi:10.1017/S0022112094004428). */
static PetscErrorCode Dipole(Initial *initial)
{
  const NomosQGSetup *setup = initial->setup;
  const double        root  = 3.8317059702075123;
  double              radius, speed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(initial->config, "initial.radius", &radius));
  PetscCall(NomosConfigGetReal(initial->config, "initial.speed", &speed));
  PetscCheck(setup->n_layers == 1 && !setup->surface, initial->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = dipole is for one layer; set qg.layers: 1", NomosConfigWhere(initial->config, "initial.type"));
  PetscCheck(!PetscIsNanReal(radius) && !PetscIsNanReal(speed), initial->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = dipole needs initial.radius and initial.speed", NomosConfigWhere(initial->config, "initial.type"));
  for (int j = 0; j < initial->n_y; j++)
    for (int i = 0; i < setup->nx; i++) {
      const double x = (-0.5 + (double)i / setup->nx) * setup->lx, y = (-0.5 + (double)(initial->y_start + j) / setup->ny) * setup->ly, r = sqrt(x * x + y * y), k = root / radius;
      initial->layers[0][(size_t)j * (size_t)setup->nx + (size_t)i] = r > 0 && r < radius ? -2 * speed * k / j0(root) * j1(k * r) * y / r : 0;
    }
  PetscCall(Store(initial, NOMOS_QG_VORTICITY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One layer of a file on its own grid, moved to ours mode by mode (exact where the modes fit). Every rank reads the whole layer. */
static PetscErrorCode Resample(Initial *initial, int nx, int ny, const double *from, double *to)
{
  const NomosQGSetup *setup = initial->setup;
  const int           n_k = PetscMin((nx - 1) / 2, (setup->nx - 1) / 2) + 1, l_max = PetscMin((ny - 1) / 2, (setup->ny - 1) / 2);
  NomosFft_f64       *theirs, *ours;
  double(*modes)[2], *grid;

  PetscFunctionBeginUser;
  PetscCall(NomosFftCreate_f64(PETSC_COMM_SELF, &(NomosFftShape){.nx = nx, .ny = ny, .n_k = n_k, .l_min = -l_max, .l_max = l_max}, &theirs));
  PetscCall(NomosFftCreate_f64(PETSC_COMM_SELF, &(NomosFftShape){.nx = setup->nx, .ny = setup->ny, .n_k = n_k, .l_min = -l_max, .l_max = l_max}, &ours));
  PetscCall(PetscMalloc1((size_t)n_k * (size_t)theirs->n_l, &modes));
  PetscCall(PetscMalloc1((size_t)setup->nx * (size_t)setup->ny, &grid));
  PetscCall(NomosFftForward_f64(theirs, from, modes));
  PetscCall(NomosFftInverse_f64(ours, (const double(*)[2])modes, grid));
  memcpy(to, grid + (size_t)initial->y_start * (size_t)setup->nx, sizeof *to * (size_t)initial->n_y * (size_t)setup->nx);
  PetscCall(PetscFree(grid));
  PetscCall(PetscFree(modes));
  PetscCall(NomosFftDestroy_f64(&theirs));
  PetscCall(NomosFftDestroy_f64(&ours));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The layers of initial.file as they are there (*layers, PetscFree), in the model's unit, nx x ny points each. What is wrong is told by the caller. */
static PetscErrorCode ReadLayers(Initial *initial, NomosFieldReader reader, const char path[], const char name[], const char like[], size_t *nx, size_t *ny, double **layers)
{
  const NomosQGSetup *setup = initial->setup;
  NomosFileLayout     layout;
  int                 n_dims;
  size_t              shape[NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1];
  const size_t        size[3] = {(size_t)setup->n_layers, (size_t)setup->ny, (size_t)setup->nx};
  int64_t             frame;
  double              factor = 1;
  bool                has, timed;
  char                sizes[24 * (NOMOS_FIELD_MAX_DIMS + 1)] = "", key[NOMOS_MAX_PATH + 32];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(initial->config, "initial.frame", &frame));
  PetscCall(NomosFieldReaderHas(reader, name, &has));
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable %s (initial.variable)", path, name);
  PetscCall(NomosFieldReaderShape(reader, name, &n_dims, shape));
  for (int d = 0, end = 0; d < n_dims; d++) end += snprintf(sizes + end, sizeof sizes - (size_t)end, "%s%zu", d ? ", " : "", shape[d]);
  PetscCheck(n_dims >= 2 && n_dims <= 4 && (setup->n_layers == 1 || (n_dims >= 3 && shape[n_dims - 3] == size[0])) && (n_dims < 4 || shape[1] == size[0]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s of %s has the shape (%s); ([time,] layer, y, x) with qg.layers = %d is needed", name, path, sizes, setup->n_layers);
  *ny = shape[n_dims - 2];
  *nx = shape[n_dims - 1];
  PetscCheck(*nx >= 4 && *ny >= 4 && *nx <= 65536 && *ny <= 65536, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s of %s is %zu x %zu points; 4 to 65536 a side are allowed", name, path, *nx, *ny);
  PetscCall(NomosForeignFieldCheck(initial->model, reader, path, &(NomosForeignField){.name = name, .like = like, .n_dims = 3, .size = size, .resampled = true}, &timed));
  PetscCall(NomosQGFieldLayout(initial->model, &layout));
  for (size_t v = 0; v < layout.n_variables; v++)
    if (!strcmp(layout.variables[v].name, like)) PetscCall(NomosForeignFactor(reader, path, name, layout.variables[v].unit, false, &factor));
  snprintf(key, sizeof key, "%s: initial.frame", NomosConfigWhere(initial->config, "initial.frame"));
  PetscCall(NomosForeignFrame(reader, path, name, timed, key, frame, start)); /* 0 without time */
  for (int d = 0; d < n_dims; d++) count[d] = d < timed ? 1 : shape[d];
  PetscCall(PetscMalloc1(*nx * *ny * size[0], layers));
  PetscCall(NomosFieldReaderRead(reader, name, start, count, *layers));
  for (size_t p = 0; p < *nx * *ny * size[0]; p++) {
    (*layers)[p] *= factor;
    PetscCheck(isfinite((*layers)[p]), PETSC_COMM_SELF, PETSC_ERR_FP, "%s of %s is not finite at layer %zu, y %zu, x %zu", name, path, p / (*nx * *ny) + 1, p / *nx % *ny, p % *nx);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode File(Initial *initial)
{
  NomosFieldReader reader;
  const char      *path, *name;
  size_t           nx = 0, ny = 0;
  double          *layers = NULL;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(initial->config, "initial.file", &path));
  PetscCall(NomosConfigGetString(initial->config, "initial.variable", &name));
  PetscCheck(path[0], initial->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = file needs initial.file", NomosConfigWhere(initial->config, "initial.type"));
  const bool     is_psi = !strncmp(name, "psi", 3);
  const bool     quiet  = NomosErrorSetQuiet(true); /* every rank comes to the same verdict; what is wrong is told once, with the key */
  PetscErrorCode failed = NomosFieldReaderOpen(initial->comm, path, &reader);
  if (!failed) {
    failed = ReadLayers(initial, reader, path, name, is_psi ? "psi" : "q", &nx, &ny, &layers);
    PetscCall(NomosFieldReaderClose(&reader));
  }
  NomosErrorSetQuiet(quiet);
  if (failed) PetscCall(PetscFree(layers));
  PetscCall(NomosConfigRetell(initial->config, "initial.file", failed));
  for (int i = 0; i < initial->setup->n_layers; i++) PetscCall(Resample(initial, (int)nx, (int)ny, layers + (size_t)i * nx * ny, initial->layers[i]));
  PetscCall(PetscFree(layers));
  PetscCall(Store(initial, is_psi ? NOMOS_QG_STREAMFUNCTION : NOMOS_QG_VORTICITY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  const char *name;
  PetscErrorCode (*set)(Initial *initial);
} types[] = {{"zero", Zero}, {"expression", Expression}, {"random", Random}, {"mode", Mode}, {"dipole", Dipole}, {"file", File}};

/* To the wanted energy or rms of q, if any. */
static PetscErrorCode Rescale(Initial *initial)
{
  NomosQGEnergies energies = {.kinetic_by_k = NULL};
  double          energy, q_rms, now_energy = 0, now_q = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(initial->config, "initial.energy", &energy));
  PetscCall(NomosConfigGetReal(initial->config, "initial.q_rms", &q_rms));
  PetscCheck(PetscIsNanReal(energy) || PetscIsNanReal(q_rms), initial->comm, PETSC_ERR_ARG_INCOMP, "%s: give initial.energy or initial.q_rms, not both", NomosConfigWhere(initial->config, "initial.q_rms"));
  if (PetscIsNanReal(energy) && PetscIsNanReal(q_rms)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(initial->ops->energies(initial->core, 0, &energies));
  for (int i = 0; i < initial->setup->n_layers; i++) {
    now_energy += initial->setup->depth[i] * energies.kinetic[i] + energies.potential[i];
    now_q = PetscMax(now_q, sqrt(2 * energies.enstrophy[i]));
  }
  NomosCheck(now_energy > 0 && now_energy <= PETSC_MAX_REAL, initial->comm, PETSC_ERR_ARG_INCOMP, "%s: the initial state is zero, or its energy beyond what a number can hold, and cannot be scaled to %g", NomosConfigWhere(initial->config, "initial.type"), PetscIsNanReal(energy) ? q_rms : energy);
  PetscCall(initial->ops->scale(initial->core, PetscIsNanReal(energy) ? q_rms / now_q : sqrt(energy / now_energy)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGInitialise(NomosModel model)
{
  NomosQG            *qg      = model->data;
  const NomosQGSetup *setup   = &qg->setup;
  Initial             initial = {.model = model, .comm = model->comm, .config = model->config, .setup = setup, .ops = qg->ops, .core = qg->core};
  const char *type;

  PetscFunctionBeginUser;
  initial.ops->rows(initial.core, &initial.y_start, &initial.n_y);
  for (int i = 0; i < setup->n_layers; i++) PetscCall(PetscCalloc1((size_t)initial.n_y * (size_t)setup->nx + 1, &initial.layers[i]));
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, type)) PetscCall(types[i].set(&initial));
  PetscCall(Rescale(&initial));
  for (int i = 0; i < setup->n_layers; i++) PetscCall(PetscFree(initial.layers[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
