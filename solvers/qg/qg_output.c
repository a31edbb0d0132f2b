/* What a QG run writes: fields, scalars with closed budgets, isotropic spectra and fluxes. */
#include "solvers/qg/qg_model.h"

#include <string.h>

const NomosPictureInfo nomos_qg_pictures[NOMOS_QG_N_PICTURES] = {
  {.variable = "q", .map = NOMOS_MAP_DIVERGING},
  {.variable = "psi", .map = NOMOS_MAP_DIVERGING},
  {.variable = "topographic_pv", .map = NOMOS_MAP_SEQUENTIAL},
};

const NomosPictureInfo nomos_qg_spectra_pictures[NOMOS_QG_N_SPECTRA_PICTURES] = {
  {.variable = "kinetic_energy", .title = "kinetic energy", .log_log = true, .slope = -3},
  {.variable = "enstrophy", .title = "enstrophy", .log_log = true, .slope = -1},
  {.variable = "flux_ke", .title = "kinetic", .group = "energy fluxes"},
  {.variable = "flux_ape", .title = "potential", .group = "energy fluxes"},
  {.variable = "transfer", .title = "transfer", .group = "energy budget"},
  {.variable = "topography", .title = "topography", .group = "energy budget"},
  {.variable = "generation", .title = "mean flow", .group = "energy budget"},
  {.variable = "drag", .title = "drag", .group = "energy budget"},
  {.variable = "hyperviscosity", .title = "hyperviscosity", .group = "energy budget"},
  {.variable = "relaxation", .title = "relaxation", .group = "energy budget"},
  {.variable = "sponge", .title = "sponge", .group = "energy budget"},
  {.variable = "body_force", .title = "body force", .group = "energy budget"},
  {.variable = "extra_terms", .title = "extra terms", .group = "energy budget"},
  {.variable = "filter", .title = "filter", .group = "energy budget"},
};

/* How a term is called in scalars (rate_NAME, enstrophy_rate_NAME). */
static const struct {
  int         terms;
  const char *name, *label, *sentence;
} rates[] = {
  {NOMOS_QG_VORTICITY_ADVECTION | NOMOS_QG_STRETCHING_ADVECTION, "advection", "advection", "by nonlinear advection (0 but for rounding and aliasing)"},
  {NOMOS_QG_TOPOGRAPHY, "topography", "topography", "by topography"},
  {NOMOS_QG_MEAN_FLOW, "generation", "mean flow", "from the mean flow"},
  {NOMOS_QG_DRAG, "drag", "drag", "by bottom drag"},
  {NOMOS_QG_HYPERVISCOSITY, "hyperviscosity", "hyperviscosity", "by hyperviscosity"},
  {NOMOS_QG_RELAXATION, "relaxation", "relaxation", "by relaxation towards the jet"},
  {NOMOS_QG_SPONGE, "sponge", "sponge", "in the sponge"},
  {NOMOS_QG_BODY_FORCE, "body_force", "body force", "by the body force"},
  {NOMOS_QG_EXTRA_TERMS, "extra_terms", "extra terms", "by the terms of the case's equations"},
  {NOMOS_QG_FILTER_LOSS, "filter", "filter", "by the spectral filter"},
};
enum { N_RATES = sizeof rates / sizeof *rates };

static bool Active(const NomosQGSetup *setup, int terms)
{
  bool flow = setup->beta != 0;

  if (terms == NOMOS_QG_FILTER_LOSS) return setup->filter;
  for (int i = 0; i < setup->n_layers; i++) flow = flow || setup->u[i] != 0 || setup->v[i] != 0;
  return ((terms & (NOMOS_QG_VORTICITY_ADVECTION | NOMOS_QG_STRETCHING_ADVECTION)) && setup->nonlinearity != 0) || ((terms & NOMOS_QG_TOPOGRAPHY) && setup->topography) || ((terms & NOMOS_QG_MEAN_FLOW) && flow) ||
         ((terms & NOMOS_QG_DRAG) && setup->drag != 0) || ((terms & NOMOS_QG_HYPERVISCOSITY) && setup->hyperviscosity > 0) ||
         ((terms & NOMOS_QG_RELAXATION) && (setup->relaxation_rate != 0 || setup->relaxation_jet_rate != 0)) || ((terms & NOMOS_QG_SPONGE) && setup->sponge) || ((terms & NOMOS_QG_BODY_FORCE) && setup->body_force) ||
         ((terms & NOMOS_QG_EXTRA_TERMS) && setup->equations);
}

/* Stretching, or a free surface: is there potential energy? */
static bool HasPotential(const NomosQGSetup *setup)
{
  return !setup->surface && (setup->n_layers > 1 || setup->stretching[0][0] != 0);
}

/* `name` may already stand in its place. A scalar without a group is not drawn. */
static void AddScalar(NomosQG *qg, const char *name, int layer, const char unit[], const char long_name[], const char group[], const char label[], bool log_scale)
{
  char *stored = qg->scalar_names[qg->n_scalars];

  if (layer) {
    snprintf(stored, sizeof qg->scalar_names[0], "%s_%d", name, layer);
    snprintf(qg->layer_labels[layer - 1], sizeof qg->layer_labels[0], "layer %d", layer);
    label = qg->layer_labels[layer - 1];
  } else if (stored != name) snprintf(stored, sizeof qg->scalar_names[0], "%s", name);
  qg->scalars[qg->n_scalars++] = (NomosScalarInfo){.name = stored, .unit = unit, .long_name = long_name, .group = group, .label = label, .log_scale = log_scale};
}

static void ListScalars(NomosQG *qg, bool units)
{
  const NomosQGSetup *setup = &qg->setup;
  const char         *energy = units ? "m2 s-2" : "1", *enstrophy = units ? "s-2" : "1", *power = units ? "m2 s-3" : "1", *enstrophy_power = units ? "s-3" : "1", *rate = units ? "s-1" : "1";
  const bool          layers = setup->n_layers > 1;

  AddScalar(qg, "energy", 0, energy, "energy per unit mass and area", "energy", "total", false);
  AddScalar(qg, "kinetic_energy", 0, energy, "kinetic energy", HasPotential(setup) ? "energy" : NULL, "kinetic", false);
  AddScalar(qg, "potential_energy", 0, energy, "available potential energy", HasPotential(setup) ? "energy" : NULL, "potential", false);
  AddScalar(qg, "enstrophy", 0, enstrophy, "potential enstrophy", "enstrophy", NULL, false);
  AddScalar(qg, "cfl", 0, "1", "CFL number of the last step, at first of the initial state", "CFL number", NULL, false);
  AddScalar(qg, "growth_rate", 0, rate, "(dE/dt)/(2 E)", "growth rate", NULL, false);
  AddScalar(qg, "energy_tendency", 0, power, "dE/dt from the whole tendency (without filter and stochastic forcing)", "energy budget", "tendency", false);
  AddScalar(qg, "energy_residual", 0, power, "dE/dt less the sum of its terms", NULL, NULL, false);
  AddScalar(qg, "enstrophy_tendency", 0, enstrophy_power, "dZ/dt from the whole tendency", "enstrophy budget", "tendency", false);
  AddScalar(qg, "enstrophy_residual", 0, enstrophy_power, "dZ/dt less the sum of its terms", NULL, NULL, false);
  for (int i = 0; i < setup->n_layers; i++) AddScalar(qg, "ke", i + 1, energy, "kinetic energy of the layer, per unit mass of it", layers ? "kinetic energy" : NULL, NULL, true);
  for (int i = 0; i < PetscMax(setup->n_layers - 1, 1); i++) AddScalar(qg, "pe", i + 1, energy, "potential energy of the interface below the layer", NULL, NULL, false);
  for (int i = 0; i < setup->n_layers; i++) AddScalar(qg, "q_rms", i + 1, rate, "root mean square of q", layers ? "rms of q" : NULL, NULL, true);
  for (int r = 0; r < N_RATES; r++) {
    if (!Active(setup, rates[r].terms)) continue;
    qg->rate_terms[qg->n_rates++] = r;
    snprintf(qg->scalar_names[qg->n_scalars], sizeof qg->scalar_names[0], "rate_%s", rates[r].name);
    AddScalar(qg, qg->scalar_names[qg->n_scalars], 0, power, rates[r].sentence, "energy budget", rates[r].label, false);
  }
  for (int r = 0; r < qg->n_rates; r++) {
    snprintf(qg->scalar_names[qg->n_scalars], sizeof qg->scalar_names[0], "z_rate_%s", rates[qg->rate_terms[r]].name);
    AddScalar(qg, qg->scalar_names[qg->n_scalars], 0, enstrophy_power, rates[qg->rate_terms[r]].sentence, "enstrophy budget", rates[qg->rate_terms[r]].label, false);
  }
}

static void AddSpectrum(NomosQG *qg, const char name[], bool layered, const char unit[], const char long_name[])
{
  NomosFieldVariable variable = {.name = name, .type = NOMOS_F64, .unit = unit, .long_name = long_name};

  if (layered) variable.dims[0] = "layer";
  variable.dims[layered ? 1 : 0] = "k";
  qg->spectra[qg->n_spectra++]   = variable;
}

static void ListSpectra(NomosQG *qg, bool units)
{
  const NomosQGSetup *setup = &qg->setup;
  const char         *density = units ? "m3 s-2" : "1", *flux = units ? "m2 s-3" : "1", *power = units ? "m3 s-3" : "1";

  AddSpectrum(qg, "kinetic_energy", true, density, "kinetic energy of a layer by wavenumber");
  AddSpectrum(qg, "potential_energy", true, density, "potential energy of the interface below a layer by wavenumber");
  AddSpectrum(qg, "enstrophy", true, units ? "m s-2" : "1", "enstrophy of a layer by wavenumber");
  if (setup->nonlinearity != 0 && !setup->flux_form) {
    AddSpectrum(qg, "flux_ke", false, flux, "flux of kinetic energy to higher wavenumbers");
    if (HasPotential(setup)) AddSpectrum(qg, "flux_ape", false, flux, "flux of potential energy to higher wavenumbers");
  }
  for (int r = 0; r < qg->n_rates; r++) AddSpectrum(qg, rates[qg->rate_terms[r]].terms & NOMOS_QG_VORTICITY_ADVECTION && rates[qg->rate_terms[r]].terms > 0 ? "transfer" : rates[qg->rate_terms[r]].name, false, power, rates[qg->rate_terms[r]].sentence);
}

PetscErrorCode NomosQGOutputCreate(NomosModel model)
{
  NomosQG            *qg    = model->data;
  const NomosQGSetup *setup = &qg->setup;
  const bool          units = !NomosConfigIsNondimensional(model->config);
  const char         *metre = units ? "m" : "1";
  int                 y_start, n_y;

  PetscFunctionBeginUser;
  qg->ops->rows(qg->core, &y_start, &n_y);
  /* Every |K| of the grid's inscribed ellipse; the corners are summed into the last bin. */
  qg->n_bins = (int)(0.5 * PetscMax(setup->nx / setup->lx, setup->ny / setup->ly) * 2 * PETSC_PI / NomosQGBinWidth(setup)) + 1;
  PetscCall(PetscMalloc5((size_t)setup->nx, &qg->x, (size_t)setup->ny, &qg->y, (size_t)setup->n_layers, &qg->layer, (size_t)qg->n_bins, &qg->k, (size_t)n_y * (size_t)setup->nx + 1, &qg->grid));
  for (int i = 0; i < setup->nx; i++) qg->x[i] = (-0.5 + (double)i / setup->nx) * setup->lx;
  for (int i = 0; i < setup->ny; i++) qg->y[i] = (-0.5 + (double)i / setup->ny) * setup->ly;
  for (int i = 0; i < setup->n_layers; i++) qg->layer[i] = i + 1;
  for (int i = 0; i < qg->n_bins; i++) qg->k[i] = i * NomosQGBinWidth(setup);
  qg->field_dims[0]   = (NomosFieldDim){.name = "layer", .size = (size_t)setup->n_layers, .values = qg->layer, .unit = "1", .long_name = "layer, 1 at the top", .axis = "Z"};
  qg->field_dims[1]   = (NomosFieldDim){.name = "y", .size = (size_t)setup->ny, .values = qg->y, .unit = metre, .long_name = "meridional distance", .standard_name = "projection_y_coordinate", .axis = "Y"};
  qg->field_dims[2]   = (NomosFieldDim){.name = "x", .size = (size_t)setup->nx, .values = qg->x, .unit = metre, .long_name = "zonal distance", .standard_name = "projection_x_coordinate", .axis = "X"};
  qg->spectra_dims[0] = qg->field_dims[0];
  qg->spectra_dims[1] = (NomosFieldDim){.name = "k", .size = (size_t)qg->n_bins, .values = qg->k, .unit = units ? "m-1" : "1", .long_name = "isotropic wavenumber (2 pi/wavelength)"};
  qg->fields[qg->n_fields++] = (NomosFieldVariable){.name = "q", .dims = {"layer", "y", "x"}, .unit = units ? "s-1" : "1", .long_name = setup->surface ? "surface buoyancy" : "perturbation potential vorticity"};
  qg->fields[qg->n_fields++] = (NomosFieldVariable){.name = "psi", .dims = {"layer", "y", "x"}, .unit = units ? "m2 s-1" : "1", .long_name = "perturbation streamfunction"};
  if (setup->topography) qg->fields[qg->n_fields++] = (NomosFieldVariable){.name = "topographic_pv", .dims = {"y", "x"}, .constant = true, .unit = units ? "s-1" : "1", .long_name = "potential vorticity of the bottom topography"};
  ListScalars(qg, units);
  ListSpectra(qg, units);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGOutputDestroy(NomosModel model)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree5(qg->x, qg->y, qg->layer, qg->k, qg->grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGFieldLayout(NomosModel model, NomosFileLayout *layout)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.equation = "dq_j/dt = -J(psi_j, q_j) - U_j.grad(q_j) - u_j.grad(Q_j) + forcing - drag - dissipation", .n_dims = 3, .dims = qg->field_dims, .n_variables = qg->n_fields, .variables = qg->fields};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGWriteFields(NomosModel model, NomosFieldFile file)
{
  NomosQG *qg = model->data;
  int      y_start, n_y;

  PetscFunctionBeginUser;
  qg->ops->rows(qg->core, &y_start, &n_y);
  for (int field = 0; field < 2; field++)
    for (int i = 0; i < qg->setup.n_layers; i++) {
      const size_t start[] = {(size_t)i, (size_t)y_start, 0}, count[] = {1, (size_t)n_y, (size_t)qg->setup.nx};
      PetscCall(qg->ops->get(qg->core, (NomosQGField)field, i, qg->grid));
      PetscCall(NomosFieldFileWrite(file, field ? "psi" : "q", NOMOS_F64, start, count, qg->grid));
    }
  if (qg->setup.topography) {
    const size_t start[] = {(size_t)y_start, 0}, count[] = {(size_t)n_y, (size_t)qg->setup.nx};
    PetscCall(NomosFieldFileWrite(file, "topographic_pv", NOMOS_F64, start, count, qg->setup.topography + (size_t)y_start * (size_t)qg->setup.nx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGSpectraLayout(NomosModel model, NomosFileLayout *layout)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = 2, .dims = qg->spectra_dims, .n_variables = qg->n_spectra, .variables = qg->spectra};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 holds the sums of all ranks and writes. */
static PetscErrorCode WriteSpectrum(NomosModel model, NomosFieldFile file, const char name[], bool layered, double scale, double *values)
{
  NomosQG     *qg = model->data;
  int          rank;
  const size_t n_layers = layered ? (size_t)qg->setup.n_layers : 1, n = (size_t)qg->n_bins, start[2] = {0, 0};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  for (size_t i = 0; i < n_layers * n; i++) values[i] *= scale;
  const size_t count[2] = {rank ? 0 : layered ? n_layers : n, rank ? 0 : n};
  PetscCall(NomosFieldFileWrite(file, name, NOMOS_F64, start, count, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For the filter's loss: an initial state has not met the filter. */
static double LastTimeStep(NomosModel model)
{
  return model->step > 0 ? model->dt : 0;
}

PetscErrorCode NomosQGWriteSpectra(NomosModel model, NomosFieldFile file)
{
  NomosQG        *qg = model->data;
  const size_t    n = (size_t)qg->n_bins, layers = (size_t)qg->setup.n_layers;
  const double    density = 1 / NomosQGBinWidth(&qg->setup);
  NomosQGEnergies energies;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n * layers, &energies.kinetic_by_k, n * layers, &energies.potential_by_k, n * layers, &energies.enstrophy_by_k));
  PetscCall(qg->ops->energies(qg->core, qg->n_bins, &energies));
  PetscCall(WriteSpectrum(model, file, "kinetic_energy", true, density, energies.kinetic_by_k));
  PetscCall(WriteSpectrum(model, file, "potential_energy", true, density, energies.potential_by_k));
  PetscCall(WriteSpectrum(model, file, "enstrophy", true, density, energies.enstrophy_by_k));
  NomosQGRates sums = {.energy_by_k = energies.kinetic_by_k};
  if (qg->setup.nonlinearity != 0 && !qg->setup.flux_form)
    for (int potential = 0; potential < 1 + HasPotential(&qg->setup); potential++) { /* what leaves the wavenumbers up to k */
      PetscCall(qg->ops->budget(qg->core, potential ? NOMOS_QG_STRETCHING_ADVECTION : NOMOS_QG_VORTICITY_ADVECTION, 0, qg->n_bins, &sums));
      for (size_t i = 1; i < n; i++) sums.energy_by_k[i] += sums.energy_by_k[i - 1];
      PetscCall(WriteSpectrum(model, file, potential ? "flux_ape" : "flux_ke", false, -1, sums.energy_by_k));
    }
  for (int r = 0; r < qg->n_rates; r++) {
    PetscCall(qg->ops->budget(qg->core, rates[qg->rate_terms[r]].terms, LastTimeStep(model), qg->n_bins, &sums));
    PetscCall(WriteSpectrum(model, file, qg->spectra[qg->n_spectra - (size_t)qg->n_rates + (size_t)r].name, false, density, sums.energy_by_k));
  }
  PetscCall(PetscFree3(energies.kinetic_by_k, energies.potential_by_k, energies.enstrophy_by_k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGScalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  *n    = qg->n_scalars;
  *info = qg->scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGCfl(NomosModel model, double *cfl)
{
  NomosQG            *qg    = model->data;
  const NomosQGSetup *setup = &qg->setup;
  double              max_u, max_v;

  PetscFunctionBeginUser;
  PetscCall(qg->ops->speeds(qg->core, &max_u, &max_v));
  *cfl = model->dt * (max_u * setup->nx / setup->lx + max_v * setup->ny / setup->ly);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGEvaluateScalars(NomosModel model, double values[])
{
  NomosQG            *qg    = model->data;
  const NomosQGSetup *setup = &qg->setup;
  const int           n     = setup->n_layers, n_interfaces = PetscMax(n - 1, 1);
  NomosQGEnergies     energies = {.kinetic_by_k = NULL};
  NomosQGRates        total = {.energy_by_k = NULL}, term = {.energy_by_k = NULL};
  double              kinetic = 0, potential = 0, enstrophy = 0, sum[2] = {0, 0}, largest = 0;

  PetscFunctionBeginUser;
  PetscCall(qg->ops->energies(qg->core, 0, &energies));
  for (int i = 0; i < n; i++) {
    kinetic += setup->depth[i] * energies.kinetic[i];
    potential += energies.potential[i];
    enstrophy += setup->depth[i] * energies.enstrophy[i];
  }
  PetscCall(qg->ops->budget(qg->core, NOMOS_QG_ALL_TERMS, 0, 0, &total));
  double *by_layer = values + 10, *rate = by_layer + 2 * n + n_interfaces, *enstrophy_rate = rate + qg->n_rates;
  for (int r = 0; r < qg->n_rates; r++) {
    const int terms = rates[qg->rate_terms[r]].terms;
    PetscCall(qg->ops->budget(qg->core, terms, LastTimeStep(model), 0, &term));
    rate[r]           = term.energy;
    enstrophy_rate[r] = term.enstrophy;
    if (terms == NOMOS_QG_FILTER_LOSS) continue; /* no part of the tendency */
    sum[0] += term.energy;
    sum[1] += term.enstrophy;
    largest = PetscMax(largest, fabs(term.energy));
  }
  values[0] = kinetic + potential;
  values[1] = kinetic;
  values[2] = potential;
  values[3] = enstrophy;
  PetscCall(NomosQGCfl(model, &values[4]));
  values[5] = values[0] > 0 ? 0.5 * total.energy / values[0] : 0;
  values[6] = total.energy;
  values[7] = total.energy - sum[0];
  values[8] = total.enstrophy;
  values[9] = total.enstrophy - sum[1];
  for (int i = 0; i < n; i++) by_layer[i] = energies.kinetic[i];
  for (int i = 0; i < n_interfaces; i++) by_layer[n + i] = energies.potential[i];
  for (int i = 0; i < n; i++) by_layer[n + n_interfaces + i] = sqrt(2 * energies.enstrophy[i]);
  qg->last_residual = largest > 0 ? fabs(values[7]) / largest : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
