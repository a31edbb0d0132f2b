/* Restarts from positions alone (constitutive_impl.h). */
#include "surrogates/constitutive/constitutive_impl.h"

#include <string.h>

enum { POSITION, VELOCITY, N_FIELDS };
static const char *const names[N_FIELDS] = {"position", "velocity"};

PetscErrorCode NomosObservedCreate(NomosModel model, const NomosMotion *motion, NomosObserved *o)
{
  PetscFunctionBeginUser;
  *o = (NomosObserved){.motion = motion, .model = model};
  for (int i = 0; i < N_FIELDS; i++) PetscCall(NomosModelFieldFind(model, names[i], &o->fields[i], NULL));
  PetscCall(PetscMalloc2(motion->n_observed, &o->x, motion->n_observed, &o->change));
  PetscCall(PetscMalloc1(motion->n_frames * motion->state_bytes, &o->states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservedFree(NomosObserved *o)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(o->x, o->change));
  PetscCall(PetscFree(o->states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Positions of the state become those that were seen, and velocities what would have brought them there. */
static PetscErrorCode Correct(NomosObserved *o, size_t frame, char *state)
{
  const NomosMotion           *m    = o->motion;
  const NomosModelDerivatives *d    = o->model->ops->derivatives;
  const double                 time = m->times[frame] - m->times[frame - 1], *seen = m->observed + frame * m->n_observed;

  PetscFunctionBeginUser;
  PetscCall(d->field(o->model, o->fields[POSITION], state, o->x));
  for (size_t i = 0; i < m->n_observed; i++) o->change[i] = seen[i] - o->x[i];
  PetscCall(d->field_vjp(o->model, o->fields[POSITION], o->change, state));
  for (size_t i = 0; i < m->n_observed; i++) o->change[i] /= time;
  PetscCall(d->field_vjp(o->model, o->fields[VELOCITY], o->change, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservedStates(NomosObserved *o)
{
  const NomosMotion           *m = o->motion;
  const NomosModelDerivatives *d = o->model->ops->derivatives;

  PetscFunctionBeginUser;
  PetscCall(PetscMemcpy(o->states, m->states, m->state_bytes));
  for (size_t f = 1; f < m->n_frames; f++) {
    char *state = o->states + f * m->state_bytes;
    PetscCall(d->set_state(o->model, state - m->state_bytes));
    for (int64_t k = m->steps[f - 1]; k < m->steps[f]; k++) {
      PetscCall(NomosModelSetClock(o->model, k));
      PetscCall(o->model->ops->step(o->model));
    }
    PetscCall(d->get_state(o->model, state));
    PetscCall(Correct(o, f, state));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
