#include "surrogates/reduced_order_graph/particle_trained.h"

#include "io/text.h"
#include "surrogates/reduced_order_graph/particle_data_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t NomosParticleNamesPart(char text[], const char *names[NOMOS_PARTICLE_MAX_NAMES])
{
  size_t n = 0;

  for (char *name = strtok(text, ","); name && n < NOMOS_PARTICLE_MAX_NAMES; name = strtok(NULL, ",")) names[n++] = name;
  return n;
}

void NomosParticleTrainedRead(NomosSafetensors file, NomosParticleTrained *t)
{
  const char *kinds = NomosSafetensorsMetadata(file, "kinds"), *parameters = NomosSafetensorsMetadata(file, "parameters"), *interval = NomosSafetensorsMetadata(file, "interval"), *box = NomosSafetensorsMetadata(file, "box");
  double      ends[6];

  *t = (NomosParticleTrained){.has_kinds = kinds && *kinds, .has_parameters = parameters};
  snprintf(t->kind_text, sizeof t->kind_text, "%s", kinds ? kinds : "");
  snprintf(t->parameter_text, sizeof t->parameter_text, "%s", parameters ? parameters : "");
  t->n_kinds      = NomosParticleNamesPart(t->kind_text, t->kinds);
  t->n_parameters = NomosParticleNamesPart(t->parameter_text, t->parameters);
  t->interval     = interval ? strtod(interval, NULL) : 0;
  t->d            = (int)(NomosTextNumbers(box, 6, ends) / 2);
  for (int a = 0; a < t->d; a++) {
    t->low[a]  = ends[2 * a];
    t->high[a] = ends[2 * a + 1];
  }
}

PetscErrorCode NomosParticleTrainedOpen(MPI_Comm comm, const char path[], NomosParticleTrained *trained)
{
  NomosSafetensors file;

  PetscFunctionBeginUser;
  PetscCall(NomosSafetensorsOpen(comm, path, &file));
  NomosParticleTrainedRead(file, trained);
  PetscCall(NomosSafetensorsClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool SameInterval(const NomosParticleTrained *trained, const NomosParticleDataInfo *info)
{
  return !(trained->interval > 0) || !info->timed || fabs(info->interval - trained->interval) <= 1e-4 * trained->interval;
}

static bool SameBox(const NomosParticleTrained *trained, const NomosParticleDataInfo *info)
{
  bool same = true;

  for (int a = 0; a < trained->d; a++) {
    const double least = 1e-6 * (trained->high[a] - trained->low[a]);
    same = same && fabs(info->low[a] - trained->low[a]) <= least && fabs(info->high[a] - trained->high[a]) <= least;
  }
  return same;
}

/* `from 0 to 1, from 0 to 2` */
static const char *BoxText(int d, const double low[], const double high[], size_t n_text, char text[])
{
  size_t at = 0;

  for (int a = 0; a < d && at < n_text; a++) at += (size_t)snprintf(text + at, n_text - at, "%sfrom %.4g to %.4g", a ? ", " : "", low[a], high[a]);
  return text;
}

void NomosParticleDataTakeBox(NomosParticleData d, const NomosParticleTraining *training, size_t n_note, char note[])
{
  const NomosParticleTrained *trained = training->trained;
  char                        ours[200], theirs[200];

  note[0] = 0;
  if (SameBox(trained, &d->info)) return;
  snprintf(note, n_note, "%s: walls of %.300s are at other places (%s) than those of the training (%s), and the network knows the latter alone", training->of, d->path, BoxText(d->info.d, d->info.low, d->info.high, sizeof ours, ours), BoxText(trained->d, trained->low, trained->high, sizeof theirs, theirs));
  for (int a = 0; a < trained->d; a++) {
    d->info.low[a]  = trained->low[a];
    d->info.high[a] = trained->high[a];
  }
}

PetscErrorCode NomosParticleDataTakeTraining(NomosParticleData d, const NomosParticleTraining *training, size_t n_note, char note[])
{
  const NomosParticleTrained *trained = training->trained;

  PetscFunctionBeginUser;
  note[0] = 0;
  PetscCheck(!trained->d || d->info.d == trained->d, d->comm, PETSC_ERR_ARG_SIZ, "%s: particles of %s are in %d dimensions, and those of the training were in %d: take data of as many", training->of, d->path, d->info.d, trained->d);
  if (trained->has_parameters) PetscCall(NomosParticleDataCheckParameters(d, training->of, trained->n_parameters, trained->parameters));
  NomosCheck(SameInterval(trained, &d->info), d->comm, PETSC_ERR_ARG_INCOMP, "%s: frames of %s are %g s apart, and those of the training %g s, which is the network's step: take data with frames as far apart (data.every takes every n-th)", training->of, d->path, d->info.interval, trained->interval);
  if (trained->has_kinds) PetscCall(NomosParticleDataNameKinds(d, &(NomosParticleKinds){training->of, trained->n_kinds, trained->kinds}));
  NomosParticleDataTakeBox(d, training, n_note, note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool SameNames(size_t n, const char *const a[], size_t m, const char *const b[])
{
  bool same = n == m;

  for (size_t i = 0; i < n && same; i++) same = !strcmp(a[i], b[i]);
  return same;
}

void NomosParticleTrainedCompare(const NomosParticleTrained *trained, const NomosParticleDataInfo *info, size_t n_text, char text[])
{
  char   known[256], here[256];
  size_t at = 0, begin;

  text[0] = 0;
  begin   = at = (size_t)snprintf(text, n_text, "train.weights were trained with other data:");
  if (trained->has_kinds && !SameNames(trained->n_kinds, trained->kinds, info->n_kinds, info->kinds)) at += (size_t)snprintf(text + at, n_text - at, " materials were %s, in this order, and are %s;", NomosParticleNamesList(trained->n_kinds, trained->kinds, sizeof known, known), NomosParticleNamesList(info->n_kinds, info->kinds, sizeof here, here));
  if (at < n_text && !SameInterval(trained, info)) at += (size_t)snprintf(text + at, n_text - at, " frames were %g s apart, and are %g s;", trained->interval, info->interval);
  if (at < n_text && trained->d == info->d && !SameBox(trained, info)) at += (size_t)snprintf(text + at, n_text - at, " walls were at other places;");
  if (at == begin) text[0] = 0;
  else if (at < n_text) snprintf(text + at, n_text - at, " what they know is a beginning for the training, no more");
}
