/* Points of the model `particle_graph`, what they are made of, and where they were first: from data of particles. */
#include "surrogates/reduced_order_graph/particle_graph_model_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Numbers that the network is told: the case's, or the trajectory's, which must have the names that the training had. */
static PetscErrorCode ReadParameters(NomosModel model, NomosParticleData data, const NomosParticleTrajectory *t)
{
  ParticleGraph *p     = model->data;
  const char    *where = NomosConfigWhere(model->config, "particle_graph.parameters");
  const double  *given;
  char           key[NOMOS_MAX_PATH];
  size_t         n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, "particle_graph.parameters", &n, &given));
  PetscCheck(!n || n == p->n_parameters, model->comm, PETSC_ERR_ARG_SIZ, "%s: particle_graph.parameters has %zu numbers, and the network was trained with %zu: give as many, or leave it out for those of initial.file", where, n, p->n_parameters);
  snprintf(key, sizeof key, "%s: initial.file", NomosConfigWhere(model->config, "initial.file"));
  if (!n) PetscCall(NomosParticleDataCheckParameters(data, key, p->n_parameters, p->parameter_names));
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
  p->first_frame      = frame + (flies ? 0 : p->n_history - 1);
  const size_t wanted = flies ? (n_velocity ? 1 : 2) : p->n_history;
  PetscCheck(frame + wanted <= n_frames, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %d: the trajectory has %d frames, and %d are needed from there on: take an earlier one, or a longer trajectory", where, (int)frame, (int)n_frames, (int)wanted);
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
  int32_t                     *sample;
  const char                  *kind, *where = NomosConfigWhere(model->config, "initial.file");
  char                         key[NOMOS_MAX_PATH];
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
  snprintf(key, sizeof key, "%s: initial.file", where);
  PetscCall(NomosParticleDataCheckWalls(data, key));
  PetscCheck(info->d == p->d, model->comm, PETSC_ERR_ARG_SIZ, "%s: initial.file: particles in %d dimensions, and the network was trained in %d: take data in as many", where, info->d, p->d);
  PetscCheck(!(p->interval > 0) || fabs(info->interval - p->interval) <= 1e-4 * p->interval, model->comm, PETSC_ERR_ARG_WRONG, "%s: initial.file: its frames are %g s apart, and those of the training %g s, which is the network's step: take data with frames as far apart", where, info->interval, p->interval);
  PetscCheck((size_t)trajectory < info->n_trajectories[NOMOS_SPLIT_TRAIN], model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.trajectory = %d: the file has %zu trajectories: take 0 to %zu", NomosConfigWhere(model->config, "initial.trajectory"), (int)trajectory, info->n_trajectories[NOMOS_SPLIT_TRAIN], info->n_trajectories[NOMOS_SPLIT_TRAIN] - 1);
  PetscCall(NomosParticleDataTrajectory(data, NOMOS_SPLIT_TRAIN, (size_t)trajectory, &t));
  PetscCall(NomosParticleSampleDraw(&(NomosParticlePartInput){.data = data, .split = NOMOS_SPLIT_TRAIN, .sampling = &sampling, .factor = 1, .seed = (uint64_t)seed}, (size_t)trajectory, 0, &p->n, &sample));
  p->n_particles = t.n_particles;
  p->parts       = (NomosStateFields){.n_state = p->n_history * p->n * (size_t)p->d};
  PetscCall(PetscMalloc3(p->parts.n_state, &p->parts.state, p->parts.n_state, &p->next, p->parts.n_state, &p->initial));
  PetscCall(PetscMalloc3(p->n, &p->sample, p->n, &p->kind, p->n_parameters + 1, &p->told));
  PetscCall(PetscMalloc3(p->n_particles * (size_t)p->d, &p->reference, p->n_particles * (size_t)p->d, &p->position, p->n_particles, &p->kind_of_all));
  PetscCall(PetscArraycpy(p->sample, sample, p->n));
  PetscCall(PetscFree(sample));
  PetscCall(NomosParticleDataKindsOf(data, &(NomosParticleKinds){key, p->n_kinds, p->kinds}, &t, p->kind_of_all));
  for (size_t i = 0; i < p->n; i++) p->kind[i] = p->kind_of_all[p->sample[i]];
  PetscCall(ReadParameters(model, data, &t));
  p->first[1] = p->n;
  p->sets     = (NomosParticleSets){.n = p->n, .n_sets = 1, .first = p->first, .kind = p->kind, .parameters = p->told};
  PetscCheck((size_t)frame < t.n_frames, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %d: the trajectory has %zu frames: take 0 to %zu", NomosConfigWhere(model->config, "initial.frame"), (int)frame, t.n_frames, t.n_frames - 1);
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
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_WRONG, "%s: initial.file is missing: give data of particles, or a run with `position`", NomosConfigWhere(model->config, "solver"));
  PetscCall(NomosParticleDataOpen(model->comm, &(NomosParticleDataInput){.path = path}, &data));
  PetscErrorCode code = Read(model, data);
  PetscCall(NomosParticleDataClose(&data));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
