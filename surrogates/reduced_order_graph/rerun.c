#include "surrogates/reduced_order_graph/rerun.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_FRAMES = 10, SOON = 5 };

PetscErrorCode NomosSimulationHash(NomosConfig config, char hash[17])
{
  static const char *const beside[] = {"output.", "checkpoint.", "case.title", "case.reference", "run.", "time.stop", "time.max_wall", "time.check_every"};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigHash(config, sizeof beside / sizeof *beside, beside, hash));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRerunBegin(const NomosRerunInput *input, NomosRerun *r)
{
  const NomosParticleDataInfo *info;
  char                         hash[17];

  PetscFunctionBeginUser;
  *r = (NomosRerun){.of = *input};
  PetscCall(NomosParticleDataGetInfo(input->data, &info));
  PetscCall(NomosParticleDataTrajectory(input->data, input->split, input->trajectory, &r->t));
  PetscCall(NomosSimulationHash(input->simulation, hash));
  r->known = r->t.simulation_hash[0];
  r->same  = r->known && !strcmp(hash, r->t.simulation_hash);
  r->d     = (size_t)info->d;
  for (size_t a = 0; a < r->d; a++) r->room = fmax(r->room, info->high[a] - info->low[a]);
  PetscCall(PetscMalloc1(r->t.n_particles * r->d, &r->stored));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The farthest of two positions of a particle along an axis, and whether they are equal in the precision of the file. */
static double Farthest(const NomosRerun *r, const double x[], bool *equal)
{
  double most = 0;

  *equal = true;
  for (size_t i = 0; i < r->t.n_particles * r->d; i++) {
    const double distance = fabs(x[i] - r->stored[i]);
    *equal                = *equal && (x[i] == r->stored[i] || (float)x[i] == r->stored[i]);
    most                  = distance <= most ? most : distance; /* what is no number is farthest */
  }
  return most;
}

PetscErrorCode NomosRerunCompare(NomosRerun *r, size_t frame, size_t n, const double x[])
{
  const NomosParticleTrajectory *t = &r->t;
  bool                           equal;

  PetscFunctionBeginUser;
  NomosCheck(n == t->n_particles, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the simulation that it names (%s) has %zu particles and it has %zu: the case is not the one that made it; put the case back as it was, or make the data again", t->name, t->simulation, n, t->n_particles);
  PetscCall(NomosParticleDataRead(r->of.data, &(NomosParticleSelection){.split = r->of.split, .trajectory = r->of.trajectory, .first = frame, .n_frames = 1, .n = n}, r->stored));
  const double distance = Farthest(r, x, &equal);
  if (equal && r->last_same + 1 >= frame) r->last_same = frame;
  const bool early = frame <= FIRST_FRAMES || (r->last_same && frame <= r->last_same + SOON), near = distance <= (early ? 1e-5 : 1e-3) * r->room;
  NomosCheck(near || (!early && (r->same || !r->known)), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the simulation that it names (%s), run again, is up to %.3g m away from it in frame %zu%s: its case is not the one that made it; put the case back as it was, or make the data again", t->name, t->simulation, distance, frame, r->known && !r->same ? ", and its settings have changed" : "");
  if (!near) r->farthest = fmax(r->farthest, distance);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRerunEnd(NomosRerun *r, size_t n_note, char note[])
{
  PetscFunctionBeginUser;
  if (n_note) note[0] = 0;
  if (n_note && r->farthest > 0 && !r->same) snprintf(note, n_note, "%.300s: the simulation that it names (%.300s), run again, drifts up to %.3g m away from it; it does not say what its case was: another machine rounds otherwise, or the case was edited since", r->t.name, r->t.simulation, r->farthest);
  PetscCall(PetscFree(r->stored));
  PetscFunctionReturn(PETSC_SUCCESS);
}
