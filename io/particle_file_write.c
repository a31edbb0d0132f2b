/* Writing of particle trajectories, and of the metadata that LagrangeBench's programs want beside them. */
#include "io/hdf5_impl.h"
#include "io/json_impl.h"
#include "io/particle_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct NomosParticleWriter_s {
  char               path[NOMOS_MAX_PATH], temporary[NOMOS_MAX_PATH];
  hid_t              file;
  size_t             n, n_parameters;
  char             **parameters;
  int                d;
  NomosRealType      type;
};

static bool PutRoot(hid_t file, const NomosParticleSet *set)
{
  const size_t d    = (size_t)set->d;
  bool         good = NomosH5PutString(file, "title", set->title) >= 0 && NomosH5PutString(file, "source", set->source) >= 0 && NomosH5PutString(file, "references", set->references) >= 0 && NomosH5PutString(file, "units", set->units) >= 0;

  if (set->interval > 0) good = good && NomosH5PutReal(file, "interval", set->interval) >= 0;
  if (set->radius > 0) good = good && NomosH5PutReal(file, "radius", set->radius) >= 0;
  if (set->bounded) good = good && NomosH5PutReals(file, "low", H5T_NATIVE_DOUBLE, d, set->low) >= 0 && NomosH5PutReals(file, "high", H5T_NATIVE_DOUBLE, d, set->high) >= 0;
  if (set->n_kinds) good = good && NomosH5PutStrings(file, "kinds", set->n_kinds, set->kinds) >= 0;
  if (set->n_parameters) good = good && NomosH5PutStrings(file, "parameters", set->n_parameters, set->parameters) >= 0;
  for (size_t i = 0; i < set->n_attributes && good; i++) {
    const NomosFieldAttribute *a = &set->attributes[i];
    good = a->variable || (a->text ? NomosH5PutString(file, a->name, a->text) : NomosH5PutReal(file, a->name, a->number)) >= 0;
  }
  return good;
}

PetscErrorCode NomosParticleWriterCreate(const char path[], const NomosParticleSet *set, NomosParticleWriter *writer)
{
  NomosParticleWriter w;
  NomosVerdict        verdict = {0};

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  *writer = w;
  w->file = H5I_INVALID_HID;
  w->d    = set->d;
  w->type = set->type;
  PetscCall(PetscCalloc1(set->n_parameters + 1, &w->parameters));
  for (; w->n_parameters < set->n_parameters; w->n_parameters++) PetscCall(PetscStrallocpy(set->parameters[w->n_parameters], &w->parameters[w->n_parameters]));
  snprintf(w->path, sizeof w->path, "%s", path);
  if (NomosTemporaryName(w->path, w->temporary, &verdict)) w->file = NomosH5Create(w->temporary, 2048, &verdict);
  if (w->file >= 0 && !PutRoot(w->file, set)) NomosH5Fail(&verdict, PETSC_ERR_FILE_WRITE, w->path, "write its attributes");
  if (verdict.code) PetscCall(NomosParticleWriterClose(writer, false));
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const char *name, *unit;
  int         n_dims;
  hsize_t     size[4];
  hid_t       type, memory; /* of its numbers, in the file and of `data` */
  const void *data;
} Dataset;

/* In one piece: a window of frames is one read. */
static bool PutDataset(const NomosParticleWriter w, hid_t group, const Dataset *put, NomosVerdict *verdict)
{
  hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  char  doing[NOMOS_MAX_NAME];

  H5Pset_obj_track_times(properties, false);
  hid_t dataset = NomosH5Dataset(group, w->path, put->name, put->type, put->n_dims, put->size, NULL, properties, verdict);
  snprintf(doing, sizeof doing, "write %s of trajectory %zu", put->name, w->n);
  if (dataset >= 0 && (H5Dwrite(dataset, put->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, put->data) < 0 || NomosH5PutString(dataset, "units", put->unit) < 0)) NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, w->path, doing);
  if (dataset >= 0 && H5Dclose(dataset) < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, w->path, doing);
  return !verdict->code;
}

PetscErrorCode NomosParticleWriterAdd(NomosParticleWriter w, const NomosParticleRecord *record)
{
  const NomosParticleMotion *motion  = record->motion;
  const hid_t                type    = w->type == NOMOS_F32 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE, memory = record->type == NOMOS_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  NomosVerdict               verdict = {0};
  char                       name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(name, sizeof name, "%05zu", w->n);
  if (motion->name) snprintf(name, sizeof name, "%s", motion->name);
  hid_t properties = H5Pcreate(H5P_GROUP_CREATE);
  H5Pset_obj_track_times(properties, false); /* the same data are the same bytes */
  hid_t group = H5Gcreate2(w->file, name, H5P_DEFAULT, properties, H5P_DEFAULT);
  H5Pclose(properties);
  bool  good  = group >= 0 && NomosH5PutString(group, "simulation", motion->simulation) >= 0 && (!motion->simulation_hash || !motion->simulation_hash[0] || NomosH5PutString(group, "simulation_hash", motion->simulation_hash) >= 0) && (!motion->n_set || NomosH5PutStrings(group, "set", motion->n_set, motion->set) >= 0);
  for (size_t p = 0; p < w->n_parameters && good; p++) good = NomosH5PutReal(group, w->parameters[p], motion->parameters[p]) >= 0;
  if (!good) NomosH5Fail(&verdict, PETSC_ERR_FILE_WRITE, w->path, "write the attributes of a trajectory");
  if (good) PutDataset(w, group, &(Dataset){.name = "particle_type", .n_dims = 1, .size = {motion->n_particles}, .type = H5T_STD_I64LE, .memory = H5T_NATIVE_INT32, .data = record->kind}, &verdict);
  if (!verdict.code) PutDataset(w, group, &(Dataset){.name = "position", .n_dims = 3, .size = {motion->n_frames, motion->n_particles, (hsize_t)w->d}, .type = type, .memory = memory, .data = record->x}, &verdict);
  for (size_t f = 0; f < record->n_fields && !verdict.code; f++) {
    const NomosParticleField *field = &record->fields[f];
    PutDataset(w, group, &(Dataset){.name = field->name, .unit = field->unit, .n_dims = 2 + field->n_axes, .size = {motion->n_frames, motion->n_particles, field->shape[0], field->shape[1]}, .type = type, .memory = memory, .data = field->values}, &verdict);
  }
  if (group >= 0) H5Gclose(group);
  w->n++;
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleWriterClose(NomosParticleWriter *writer, bool complete)
{
  NomosParticleWriter w       = *writer;
  NomosVerdict        verdict = {0};

  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(PETSC_SUCCESS);
  NomosH5Close(w->file, w->path, &verdict);
  if (complete && !verdict.code) NomosRenameDurable(w->temporary, w->path, &verdict);
  else unlink(w->temporary);
  for (size_t p = 0; p < w->n_parameters; p++) PetscCall(PetscFree(w->parameters[p]));
  PetscCall(PetscFree(w->parameters));
  PetscCall(PetscFree(*writer));
  if (!complete) verdict = (NomosVerdict){0};
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- metadata.json */

static json_t *Numbers(int d, const double values[])
{
  json_t *list = json_array();

  for (int a = 0; a < d; a++) json_array_append_new(list, json_real(values[a]));
  return list;
}

PetscErrorCode NomosParticleMetadataWrite(const char directory[], const NomosParticleMetadata *m)
{
  const NomosParticleSet *set     = m->set;
  json_t                 *root    = json_object(), *bounds = json_array(), *periodic = json_array();
  char                    path[NOMOS_MAX_PATH], temporary[NOMOS_MAX_PATH];
  NomosVerdict            verdict = {0};

  PetscFunctionBeginUser;
  for (int a = 0; a < set->d; a++) json_array_append_new(bounds, Numbers(2, (double[]){set->low[a], set->high[a]}));
  for (int a = 0; a < 3; a++) json_array_append_new(periodic, json_boolean(set->periodic[a])); /* three in a plane too */
  if (set->title) json_object_set_new(root, "case", NomosJsonText(set->title));
  if (set->source) json_object_set_new(root, "solver", NomosJsonText(set->source));
  json_object_set_new(root, "dim", json_integer(set->d));
  json_object_set_new(root, "dt", json_real(set->interval > 0 ? set->interval : 1));
  json_object_set_new(root, "write_every", json_integer(1)); /* dt is the time between frames */
  /* The last frame is a target only, as in GNS's data sets. */
  json_object_set_new(root, "sequence_length_train", json_integer((json_int_t)(m->n_frames - 1)));
  json_object_set_new(root, "num_trajs_train", json_integer((json_int_t)m->n_trajectories));
  json_object_set_new(root, "sequence_length_test", json_integer((json_int_t)(m->n_test_frames ? m->n_test_frames - 1 : 0)));
  json_object_set_new(root, "num_trajs_test", json_integer((json_int_t)m->n_test_trajectories));
  json_object_set_new(root, "num_particles_max", json_integer((json_int_t)m->n_particles));
  json_object_set_new(root, "periodic_boundary_conditions", periodic);
  if (set->bounded) json_object_set(root, "bounds", bounds);
  json_object_set_new(root, "default_connectivity_radius", json_real(set->radius));
  json_object_set_new(root, "vel_mean", Numbers(set->d, m->velocity_mean));
  json_object_set_new(root, "vel_std", Numbers(set->d, m->velocity_deviation));
  json_object_set_new(root, "acc_mean", Numbers(set->d, m->acceleration_mean));
  json_object_set_new(root, "acc_std", Numbers(set->d, m->acceleration_deviation));
  snprintf(path, sizeof path, "%.4000s/metadata.json", directory);
  if (NomosTemporaryName(path, temporary, &verdict)) {
    if (json_dump_file(root, temporary, JSON_INDENT(2))) NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write: %s", path, strerror(errno));
    else NomosRenameDurable(temporary, path, &verdict);
  }
  json_decref(bounds);
  json_decref(root);
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}
