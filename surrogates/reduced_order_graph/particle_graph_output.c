/* What runs of the model `particle_graph` write, and how they are watched. */
#include "surrogates/reduced_order_graph/particle_graph_model_impl.h"

#include <math.h>
#include <stdio.h>

static const double axes[] = {0, 1, 2};

/* Where the points are now. */
static const double *Now(const ParticleGraph *p)
{
  return p->parts.state + (p->n_history - 1) * p->n * (size_t)p->d;
}

PetscErrorCode ParticleGraphCreateLayout(NomosModel model)
{
  ParticleGraph *p   = model->data;
  const char    *m   = NomosConfigIsNondimensional(model->config) ? "1" : "m";
  const size_t   all = p->decoder ? p->n_particles : p->n;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(PetscMax(all, p->n), &p->numbers));
  for (size_t i = 0; i < PetscMax(all, p->n); i++) p->numbers[i] = (double)i;
  p->dims[0] = (NomosFieldDim){.name = "particle", .size = all, .values = p->numbers, .long_name = "number of the particle"};
  p->dims[1] = (NomosFieldDim){.name = "axis", .size = (size_t)p->d, .values = axes, .long_name = "axis of space: x, y, z"};
  p->dims[2] = (NomosFieldDim){.name = "point", .size = p->n, .values = p->numbers, .long_name = "number of the point of the graph"};
  snprintf(p->materials, sizeof p->materials, "material:");
  for (size_t k = 0; k < p->n_kinds; k++) NomosTextAppend(sizeof p->materials, p->materials, "%s %zu %s", k ? "," : "", k, p->kinds[k]);
  p->variables[p->n_variables++] = (NomosFieldVariable){.name = "position", .dims = {"particle", "axis"}, .unit = m, .long_name = "position"};
  p->variables[p->n_variables++] = (NomosFieldVariable){.name = "material", .dims = {"particle"}, .constant = true, .unit = "1", .long_name = p->materials};
  if (p->decoder) p->variables[p->n_variables++] = (NomosFieldVariable){.name = "point_position", .dims = {"point", "axis"}, .unit = m, .long_name = "position of a point of the graph"};
  p->fields[0] = (NomosModelField){.name = "position", .unit = m, .long_name = "positions of the points", .n_dims = 2, .size = {p->n, (size_t)p->d}, .count = {p->n, (size_t)p->d}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParticleGraphFieldLayout(NomosModel model, NomosFileLayout *layout)
{
  const ParticleGraph *p = model->data;

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = p->decoder ? 3 : 2, .dims = p->dims, .n_variables = p->n_variables, .variables = p->variables, .starts_at = (double)p->first_frame * model->dt};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParticleGraphWriteFields(NomosModel model, NomosFieldFile file)
{
  ParticleGraph *p       = model->data;
  const size_t   zero[2] = {0}, all[] = {p->decoder ? p->n_particles : p->n, (size_t)p->d}, points[] = {p->n, (size_t)p->d};

  PetscFunctionBeginUser;
  if (!NomosFieldFileFrames(file)) {
    double *material;
    PetscCall(PetscMalloc1(all[0], &material));
    for (size_t i = 0; i < all[0]; i++) material[i] = p->decoder ? p->kind_of_all[i] : p->kind[i];
    PetscCall(NomosFieldFileWrite(file, "material", NOMOS_F64, zero, all, material));
    PetscCall(PetscFree(material));
  }
  if (p->decoder) {
    PetscCall(NomosParticleDecoderEvaluate(p->plan, Now(p), p->position));
    PetscCall(NomosFieldFileWrite(file, "point_position", NOMOS_F64, zero, points, Now(p)));
  }
  PetscCall(NomosFieldFileWrite(file, "position", NOMOS_F64, zero, all, p->decoder ? p->position : Now(p)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- scalars */

static const NomosScalarInfo scalars[PARTICLE_GRAPH_N_SCALARS] = {
  {.name = "centre_x", .unit = "m", .long_name = "mean position along x", .group = "centre", .label = "x"},
  {.name = "centre_y", .unit = "m", .long_name = "mean position along y", .group = "centre", .label = "y"},
  {.name = "speed", .unit = "m s-1", .long_name = "root of the mean square of velocities", .group = "speed"},
  {.name = "components", .unit = "1", .long_name = "parts of the graph, at most so far", .group = "parts of the graph"},
};

PetscErrorCode ParticleGraphScalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  PetscFunctionBeginUser;
  (void)model;
  *n    = PARTICLE_GRAPH_N_SCALARS;
  *info = scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps have seen the graphs of the states before them, not that of the last one. */
static PetscErrorCode LookAtGraph(ParticleGraph *p)
{
  size_t n_edges, components;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleStepperLook(p->stepper, p->parameters, &p->sets, Now(p)));
  NomosParticleStepperGraph(p->stepper, &n_edges, &components);
  p->most_components = PetscMax(p->most_components, components);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParticleGraphEvaluateScalars(NomosModel model, double values[])
{
  ParticleGraph       *p = model->data;
  const size_t         d = (size_t)p->d, row = p->n * d;
  const double        *x = Now(p), *before = x - row;

  PetscFunctionBeginUser;
  for (int i = 0; i < PARTICLE_GRAPH_N_SCALARS; i++) values[i] = 0;
  for (size_t i = 0; i < row; i++) {
    if (i % d < 2) values[i % d] += x[i] / (double)p->n;
    values[2] += (x[i] - before[i]) * (x[i] - before[i]) / (double)p->n;
  }
  values[2] = sqrt(values[2]) / model->dt;
  PetscCall(LookAtGraph(p));
  values[3] = (double)p->most_components;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParticleGraphResults(NomosModel model, NomosResultFn result, void *ctx)
{
  ParticleGraph *p = model->data;

  PetscFunctionBeginUser;
  PetscCall(LookAtGraph(p));
  PetscCall(result("points", (double)p->n, ctx));
  PetscCall(result("components", (double)p->most_components, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A position that is no number, or as far outside of the walls as the room is wide. */
PetscErrorCode ParticleGraphCheck(NomosModel model, NomosModelFault *fault)
{
  const ParticleGraph *p = model->data;
  const size_t         d = (size_t)p->d;
  const double        *x = Now(p);

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false};
  for (size_t i = 0; i < p->n * d; i++) {
    const double room = p->high[i % d] - p->low[i % d];
    if (x[i] > p->low[i % d] - room && x[i] < p->high[i % d] + room) continue; /* no number is in no interval */
    *fault = (NomosModelFault){.bad = true, .field = "position", .n_index = 2, .index = {(int64_t)(i / d), (int64_t)(i % d)}, .value = x[i]};
    snprintf(fault->advice, sizeof fault->advice, "begin with states like those of its training (initial.*), or train it with longer roll-outs (reduced_order_graph.steps) or more noise; its time.dt is fixed");
    snprintf(fault->place, sizeof fault->place, "the point has left the room from %g to %g: the network has left the states that it knows", p->low[i % d], p->high[i % d]);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
