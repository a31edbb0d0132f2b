/* Points of the model `particle_graph`, what they are made of, and where they were first: from data of particles. */
#include "surrogates/reduced_order_graph/particle_graph_model_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Numbers of the materials by their names. Errors: one that the training has not. */
static PetscErrorCode NameKinds(NomosModel model, const NomosParticleDataInfo *info, size_t n, const int32_t theirs[], int32_t ours[])
{
  ParticleGraph *p = model->data;
  char           all[1024] = "";

  PetscFunctionBeginUser;
  for (size_t k = 0; k < p->n_kinds; k++) snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", k ? ", " : "", p->kinds[k]);
  for (size_t i = 0; i < n; i++) {
    const char *name = info->kinds[theirs[i]];
    size_t      k    = 0;
    while (k < p->n_kinds && strcmp(p->kinds[k], name)) k++;
    PetscCheck(k < p->n_kinds, model->comm, PETSC_ERR_ARG_WRONG, "%s: initial.file: its particles are of %s, which was never seen in the training of the weights; they know %s", NomosConfigWhere(model->config, "initial.file"), name, all);
    ours[i] = (int32_t)k;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadParameters(NomosModel model, const NomosParticleDataInfo *info, const NomosParticleTrajectory *t)
{
  ParticleGraph *p     = model->data;
  const char    *where = NomosConfigWhere(model->config, "particle_graph.parameters");
  const double  *given;
  size_t         n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, "particle_graph.parameters", &n, &given));
  PetscCheck(n == p->n_parameters || (!n && info->n_parameters == p->n_parameters), model->comm, PETSC_ERR_ARG_SIZ, "%s: particle_graph.parameters has %d numbers, a trajectory of initial.file %d, and the network was trained with %d", where, (int)n, (int)info->n_parameters, (int)p->n_parameters);
  for (size_t k = 0; k < p->n_parameters; k++) p->told[k] = n ? given[k] : t->parameters[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A vector of the case; unset: zero, and *given is false. */
static PetscErrorCode Vector(NomosModel model, const char key[], double v[3], bool *given)
{
  const ParticleGraph *p = model->data;
  const double        *values;
  size_t               n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, key, &n, &values));
  PetscCheck(!n || n == (size_t)p->d, model->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %d numbers; the particles move in %d dimensions", NomosConfigWhere(model->config, key), key, (int)n, p->d);
  *given = n > 0;
  for (int a = 0; a < 3; a++) v[a] = n && a < p->d ? values[a] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x_{-j} = x - j v dt + j (j - 1)/2 a dt^2, whose differences are those of v' = v + a dt, x' = x + v' dt. ways (2, n, d): the frame and the next one. */
static PetscErrorCode Fly(NomosModel model, const double ways[])
{
  ParticleGraph *p   = model->data;
  const size_t   d = (size_t)p->d, row = p->n * d;
  const double   dt  = p->interval > 0 ? p->interval : 1;
  double         v[3], a[3];
  bool           given, unused;

  PetscFunctionBeginUser;
  PetscCall(Vector(model, "initial.velocity", v, &given));
  PetscCall(Vector(model, "initial.acceleration", a, &unused));
  for (size_t k = 0; k < p->n_history; k++) {
    const double j = (double)(p->n_history - 1 - k);
    for (size_t i = 0; i < row; i++) p->initial[k * row + i] = ways[i] - j * (given ? v[i % d] * dt : ways[row + i] - ways[i]) + 0.5 * j * (j - 1) * a[i % d] * dt * dt;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First positions of the points. */
static PetscErrorCode ReadHistory(NomosModel model, NomosParticleData data, size_t trajectory, size_t frame, size_t n_frames)
{
  ParticleGraph         *p = model->data;
  const char            *type, *where = NomosConfigWhere(model->config, "initial.frame");
  const double          *velocity;
  size_t                 n_velocity;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  PetscCall(NomosConfigGetReals(model->config, "initial.velocity", &n_velocity, &velocity));
  const bool   flies  = !strcmp(type, "ballistic");
  const size_t wanted = flies ? (n_velocity ? 1 : 2) : p->n_history;
  PetscCheck(frame + wanted <= n_frames, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %d: the trajectory has %d frames, and %d are needed from there on", where, (int)frame, (int)n_frames, (int)wanted);
  NomosParticleSelection selection = {.trajectory = trajectory, .first = frame, .n_frames = wanted, .n = p->n, .sample = p->sample};
  if (!flies) {
    PetscCall(NomosParticleDataRead(data, &selection, p->initial));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  double *ways;
  PetscCall(PetscCalloc1(2 * p->n * (size_t)p->d, &ways));
  PetscErrorCode code = NomosParticleDataRead(data, &selection, ways);
  if (!code) code = Fly(model, ways);
  PetscCall(PetscFree(ways));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(NomosModel model, NomosParticleData data)
{
  ParticleGraph               *p = model->data;
  const NomosParticleDataInfo *info;
  NomosParticleSampling        sampling = {.n_draws = 1, .n_points = (double)p->n_points};
  NomosParticleTrajectory      t;
  NomosParticlePart            part;
  const char                  *kind, *where = NomosConfigWhere(model->config, "initial.file");
  int64_t                      trajectory, frame, points, seed;
  bool                         given;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "particle_graph.sampling", &kind));
  PetscCall(NomosConfigGetInt(model->config, "particle_graph.seed", &seed));
  PetscCall(NomosConfigGetInt(model->config, "initial.trajectory", &trajectory));
  PetscCall(NomosConfigGetInt(model->config, "initial.frame", &frame));
  PetscCall(NomosConfigIsGiven(model->config, "particle_graph.points", &given));
  if (given) {
    PetscCall(NomosConfigGetInt(model->config, "particle_graph.points", &points));
    sampling.n_points = (double)points;
  }
  snprintf(sampling.kind, sizeof sampling.kind, "%s", kind);
  PetscCall(NomosParticleDataGetInfo(data, &info));
  PetscCheck(info->d == p->d, model->comm, PETSC_ERR_ARG_SIZ, "%s: initial.file: particles in %d dimensions, and the network was trained in %d", where, info->d, p->d);
  PetscCheck(!(p->interval > 0) || fabs(info->interval - p->interval) <= 1e-4 * p->interval, model->comm, PETSC_ERR_ARG_WRONG, "%s: initial.file: its frames are %g apart, and those of the training %g", where, info->interval, p->interval);
  PetscCheck((size_t)trajectory < info->n_trajectories[NOMOS_SPLIT_TRAIN], model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.trajectory = %d: the file has %d", NomosConfigWhere(model->config, "initial.trajectory"), (int)trajectory, (int)info->n_trajectories[NOMOS_SPLIT_TRAIN]);
  PetscCall(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TRAIN, (size_t)trajectory, &t));
  PetscCall(NomosParticlePartCreate(&(NomosParticlePartInput){.data = data, .split = NOMOS_SPLIT_TRAIN, .sampling = &sampling, .factor = 1, .window = 1, .seed = (uint64_t)seed}, &part));
  p->n           = part.n_points[trajectory];
  p->n_particles = t.n_particles;
  p->n_state     = p->n_history * p->n * (size_t)p->d;
  PetscCall(PetscMalloc3(p->n_state, &p->state, p->n_state, &p->next, p->n_state, &p->initial));
  PetscCall(PetscMalloc3(p->n, &p->sample, p->n, &p->kind, p->n_parameters + 1, &p->told));
  PetscCall(PetscMalloc3(p->n_particles * (size_t)p->d, &p->reference, p->n_particles * (size_t)p->d, &p->position, p->n_particles, &p->kind_of_all));
  PetscCall(PetscArraycpy(p->sample, part.sample[trajectory], p->n));
  PetscCall(NomosParticlePartFree(&part));
  PetscCall(NameKinds(model, info, p->n_particles, t.kind, p->kind_of_all));
  for (size_t i = 0; i < p->n; i++) p->kind[i] = p->kind_of_all[p->sample[i]];
  PetscCall(ReadParameters(model, info, &t));
  p->first[1] = p->n;
  p->sets     = (NomosParticleSets){.n = p->n, .n_sets = 1, .first = p->first, .kind = p->kind, .parameters = p->told};
  PetscCheck((size_t)frame < t.n_frames, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %d: the trajectory has %d", NomosConfigWhere(model->config, "initial.frame"), (int)frame, (int)t.n_frames);
  PetscCall(NomosParticleDataRead(data, &(NomosParticleSelection){.trajectory = (size_t)trajectory, .first = (size_t)frame, .n_frames = 1, .n = p->n_particles}, p->reference));
  PetscCall(ReadHistory(model, data, (size_t)trajectory, (size_t)frame, t.n_frames));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParticleGraphReadPoints(NomosModel model)
{
  NomosParticleData data;
  const char       *path;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.file", &path));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_WRONG, "%s: initial.file is missing: data of particles, or a run with `position`", NomosConfigWhere(model->config, "solver"));
  PetscCall(NomosParticleDataOpen(model->comm, &(NomosParticleDataInput){.path = path}, &data));
  PetscErrorCode code = Read(model, data);
  PetscCall(NomosParticleDataClose(&data));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
