/* What models of many states in phase space share: x (n, 2d), each of them (q_1..q_d, p_1..p_d) of double. Initial states, files, checkpoints, energies as scalars, the state as a vector of derivatives, and, of
   those whose step is the flow of a Hamiltonian (operators/hamiltonian_flow.h), the step.

   Such a model has a NomosPhaseSpace as the first member of model->data and takes what it needs of the functions below into its tables. With compensated sums what rounding leaves is kept beside the state and in
   checkpoints; setting a state forgets it, and such a run has no derivatives. One rank; threads share the states. */
#ifndef NOMOS_OPERATORS_PHASE_SPACE_H
#define NOMOS_OPERATORS_PHASE_SPACE_H

#include "operators/hamiltonian_flow.h"
#include "operators/state_fields.h"

/* An energy to watch, of n states, to which `constant` is added. The scalars of the first are energy, energy_error_mean, energy_error_max; those of the second have true_ before their names. */
typedef struct {
  PetscErrorCode (*of)(void *ctx, size_t n, const double x[], double H[]);
  void   *ctx;
  double *now, *first; /* (n): of the last look, and at step 0 */
  double  constant;
} NomosPhaseEnergy;
enum { NOMOS_PHASE_MAX_ENERGIES = 2 };

typedef struct {
  NomosStateFields     parts;   /* first: operators/state_fields.h; one field, x */
  const char          *section; /* of its keys: "hamiltonian_system" */
  size_t               n, row;  /* states, 2d */
  double              *carry;   /* (n, 2d) */
  bool                 compensated;
  NomosHamiltonianFlow flow; /* NULL: the model's step is none */
  const char          *scheme;
  size_t               n_energies;
  NomosPhaseEnergy     energies[NOMOS_PHASE_MAX_ENERGIES];
  const char          *advice; /* to one whose states are no numbers any more; NULL: a shorter step */
  bool                 free_constant; /* the first energy is known up to a constant, which is set so that at step 0 it is the second one in the mean over the states, if there is a second */
  size_t               n_parameters;
  NomosModelParameter *parameters; /* (n_parameters) */
  PetscErrorCode (*set_parameters)(NomosModel model, const double values[]); /* what renews the model with them */
  PetscErrorCode (*random)(NomosModel model);                                /* initial.type: random; NULL: there is none */
  double              *numbers[2]; /* of the file's dimensions */
  NomosFieldDim        dims[2];
  NomosModelField      field;
} NomosPhaseSpace;

/* Rows of a model's table of parameters; `section` and the texts are literals. */
/* clang-format off */
#define NOMOS_PHASE_SPACE_PARAMS(section, initial, initials) \
  {section ".states",      NOMOS_PARAM_INT,        "1",     NULL, 1, 1e9,  NULL, false, "Number of initial states, all integrated at once."}, \
  {"initial.type",         NOMOS_PARAM_CHOICE,     initial, NULL, 0, 0, initials, false, "Initial states: given by initial.state (list), from a run's file, the first ones of trajectories in a file of data, or as the system draws them (random)."}, \
  {"initial.state",        NOMOS_PARAM_REAL_LIST,  "",      NULL, 0, 0, NULL, false, "list: q, then p, of one state for all, or of every state.", "initial.type=list"}, \
  {"initial.file",         NOMOS_PARAM_FILE,       "",      NULL, 0, 0, NULL, false, "file: fields.nc of a run of such a solver, x (time, state, coordinate); trajectories: x (trajectory, time, coordinate).", "initial.type=file|trajectories"}, \
  {"initial.frame",        NOMOS_PARAM_INT,        "-1",    NULL, -1, 9e15, NULL, false, "file: index of the frame; -1: the last.", "initial.type=file"}
/* Of a model that sets `random`. */
#define NOMOS_PHASE_SPACE_SEED_PARAM(section) {section ".seed", NOMOS_PARAM_INT, "1", NULL, 0, 9e15, NULL, false, "Seed of the random initial states."}
#define NOMOS_PHASE_SPACE_FLOW_PARAMS(section) \
  {section ".compensated", NOMOS_PARAM_BOOL,       "true",   NULL, 0, 0, NULL, false, "Carry the rounding of sums along, so that its error grows like a random walk."}, \
  {section ".tolerance",   NOMOS_PARAM_REAL,       "1e-14",  NULL, 1e-16, 1, NULL, false, "Of implicit schemes: relative change of the last iteration."}, \
  {section ".rtol",        NOMOS_PARAM_REAL,       "1e-9",   NULL, 1e-15, 1, NULL, false, "Of dormand_prince: error of one of its steps, relative to 1 + |x|."}, \
  {"time.scheme",          NOMOS_PARAM_CHOICE,     "gauss4", NULL, 0, 0, NOMOS_FLOW_CHOICES, false, "Scheme: the first five, explicit, are for H = T(p) + V(q), the last three, implicit, for any; all these are symplectic. rk4 and dormand_prince, which controls its error by steps within time.dt, are not."}
/* clang-format on */

/* States of d degrees of freedom, with the keys of the section and time.dt, which becomes the model's. Errors: more than one rank. */
PetscErrorCode NomosPhaseSpaceCreate(NomosModel model, const char section[], size_t d);
/* The flow of h, borrowed, by time.scheme. h->energy becomes the first energy. Errors: those of the flow, with the key. */
PetscErrorCode NomosPhaseSpaceSetFlow(NomosModel model, const NomosHamiltonian *h);
PetscErrorCode NomosPhaseSpaceAddEnergy(NomosModel model, PetscErrorCode (*of)(void *ctx, size_t n, const double x[], double H[]), void *ctx);
/* All of it, but not model->data. Also after a create that failed. */
PetscErrorCode NomosPhaseSpaceDestroy(NomosModel model);

/* NomosModelOps. Step is that of the flow; Check finds numbers that are none. */
PetscErrorCode NomosPhaseSpaceInitialise(NomosModel model);
PetscErrorCode NomosPhaseSpaceStep(NomosModel model);
PetscErrorCode NomosPhaseSpaceFieldLayout(NomosModel model, NomosFileLayout *layout);
PetscErrorCode NomosPhaseSpaceWriteFields(NomosModel model, NomosFieldFile file);
PetscErrorCode NomosPhaseSpaceScalars(NomosModel model, size_t *n, const NomosScalarInfo **info);
PetscErrorCode NomosPhaseSpaceEvaluateScalars(NomosModel model, double values[]);
PetscErrorCode NomosPhaseSpaceCheck(NomosModel model, NomosModelFault *fault);
PetscErrorCode NomosPhaseSpaceSave(NomosModel model, NomosCheckpoint checkpoint);
PetscErrorCode NomosPhaseSpaceLoad(NomosModel model, NomosCheckpoint checkpoint);

#define NOMOS_PHASE_SPACE_MODEL \
  .initialise = NomosPhaseSpaceInitialise, .field_layout = NomosPhaseSpaceFieldLayout, .write_fields = NomosPhaseSpaceWriteFields, .scalars = NomosPhaseSpaceScalars, \
  .evaluate_scalars = NomosPhaseSpaceEvaluateScalars, .check = NomosPhaseSpaceCheck, .save = NomosPhaseSpaceSave, .load = NomosPhaseSpaceLoad

/* NomosModelDerivatives: all but jvp and vjp of a step, and with those of the flow. */
#define NOMOS_PHASE_SPACE_DERIVATIVES \
  .state_size = NomosStateFieldsSize, .get_state = NomosStateFieldsGetState, .set_state = NomosPhaseSpaceSetState, .check = NomosPhaseSpaceCheckDerivatives, .parameters = NomosPhaseSpaceParameters, \
  .set_parameters = NomosPhaseSpaceSetParameters, .fields = NomosPhaseSpaceFields, .field = NomosStateFieldsField, .field_vjp = NomosStateFieldsFieldVjp, .from_field = NomosStateFieldsFromField, \
  .from_field_vjp = NomosStateFieldsFromFieldVjp
extern const NomosModelDerivatives nomos_phase_space_flow_derivatives, nomos_phase_space_flow_second_derivatives; /* the second with hvp, of an H with third derivatives */
PetscErrorCode NomosPhaseSpaceSetState(NomosModel model, const void *state);
PetscErrorCode NomosPhaseSpaceCheckDerivatives(NomosModel model);
PetscErrorCode NomosPhaseSpaceParameters(NomosModel model, size_t *n, const NomosModelParameter **list);
PetscErrorCode NomosPhaseSpaceSetParameters(NomosModel model, const double values[]);
PetscErrorCode NomosPhaseSpaceFields(NomosModel model, size_t *n, const NomosModelField **list);

#endif
