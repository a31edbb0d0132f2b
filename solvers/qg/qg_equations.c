/* The equations of a case (operators/equations.h) as the QG solver reads them: what they may be for, and what their terms may name.

     q1, q2, ...       the variables, one for each layer: terms are added to dq_j/dt
     psi1, q1, ...     the fields: perturbation streamfunction, and perturbation potential vorticity as the state holds it, without beta y and without topography
     u1, v1, ...       its velocities -dpsi/dy and dpsi/dx, without the mean flow
     psi_R             streamfunction of the relaxation jet, -dpsi_R/dy = u_R less its mean, itself of zero mean, where the case has qg.relaxation_jet
     eta               potential vorticity of the bottom topography, where there is one

   With one layer, psi, q, u and v stand for psi1, q1, u1 and v1. Given functions are those of the case as it begins: they do not follow parameters. */
#include "solvers/qg/qg_model.h"

#include <stdio.h>

enum { N_KINDS = 4, MAX_NAMES = N_KINDS * NOMOS_QG_MAX_LAYERS };

typedef struct {
  char        text[MAX_NAMES][8];
  const char *of[MAX_NAMES];
  size_t      n;
} Names;

/* NAME1 ... of every kind, in the order of qg_equations.h; of one layer, then NAME of every kind. */
static void List(int n_layers, int n_kinds, const char *const kinds[], Names *names)
{
  for (int kind = 0; kind < n_kinds; kind++)
    for (int layer = 1; layer <= n_layers; layer++) snprintf(names->text[names->n++], sizeof names->text[0], "%s%d", kinds[kind], layer);
  for (int kind = 0; kind < n_kinds && n_layers == 1; kind++) snprintf(names->text[names->n++], sizeof names->text[0], "%s", kinds[kind]);
  for (size_t i = 0; i < names->n; i++) names->of[i] = names->text[i];
}

PetscErrorCode NomosQGEquationsCreate(NomosModel model)
{
  static const char *const kinds[N_KINDS] = {"psi", "q", "u", "v"};
  NomosQG                 *qg      = model->data;
  const NomosQGSetup      *setup   = &qg->setup;
  Names                    variables = {.n = 0}, fields = {.n = 0};
  const char              *given[2];
  double                  *values[2];
  size_t                   n_given = 0;
  int                      y_start, n_y;

  PetscFunctionBeginUser;
  List(setup->n_layers, 1, kinds + 1, &variables);
  List(setup->n_layers, N_KINDS, kinds, &fields);
  qg->ops->rows(qg->core, &y_start, &n_y);
  PetscCall(PetscMalloc2((size_t)n_y * (size_t)setup->nx + 1, &values[0], (size_t)n_y * (size_t)setup->nx + 1, &values[1]));
  if (setup->relaxation_jet) {
    PetscCall(qg->ops->given(qg->core, NOMOS_QG_JET, values[n_given]));
    given[n_given++] = "psi_R";
  }
  if (setup->topography) {
    PetscCall(qg->ops->given(qg->core, NOMOS_QG_ETA, values[n_given]));
    given[n_given++] = "eta";
  }
  const NomosEquationsInput input = {
    .comm = model->comm, .config = model->config,
    .grid = {.n_dims = 2, .n = {(size_t)setup->ny, (size_t)setup->nx}, .length = {setup->ly, setup->lx}, .origin = {-0.5 * setup->ly, -0.5 * setup->lx}, .method = NOMOS_TERMS_SPECTRAL,
             .dealias = setup->dealias == NOMOS_QG_DEALIAS_THREE_HALVES, .keep_nyquist = setup->keep_nyquist},
    .n_variables = variables.n, .n_fields = fields.n, .n_given = n_given, .variables = variables.of, .fields = fields.of, .given = given, .given_values = (const double *const *)values,
  };
  PetscCall(NomosEquationsCreate(&input, &qg->setup.equations));
  PetscCall(PetscFree2(values[0], values[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGEquations(NomosModel model, const void *state, NomosEquations *equations, const double *const **fields)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  *equations = qg->setup.equations;
  if (state && qg->setup.equations) PetscCall(qg->ops->equation_fields(qg->core, state, fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}
