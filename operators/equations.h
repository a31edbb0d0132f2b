/* Right-hand sides written in a case, as sums of terms (operators/terms.h):

     equations:
       u: {terms: [u u_x, u_xx, u_xxxx], coefficients: [-1, -1, -1]}          du/dt = -u u_x - u_xx - u_xxxx
     functions:
       forcing: {value: "cos(2*pi*x/lx)"}                                      a given function of position that terms may name

   For `spectral` and `ode` they are the whole equation; for a model with equations of its own (qg: q1, q2, ...) they are added to it. It is the form in which `nomos discover` writes what it found: its
   equation.yaml, included in a model's case, is the corrected model. Coefficients are parameters that one may differentiate by. */
#ifndef NOMOS_OPERATORS_EQUATIONS_H
#define NOMOS_OPERATORS_EQUATIONS_H

#include "io/config.h"
#include "operators/model.h"
#include "operators/terms.h"

/* For NomosModelOps: `groups` of `nomos describe`, and `declare`, which registers equations.NAME and functions.NAME for the names that the case has. */
enum { NOMOS_EQUATIONS_N_GROUPS = 2 };
extern const NomosParamGroup nomos_equations_groups[NOMOS_EQUATIONS_N_GROUPS];
PetscErrorCode               NomosEquationsDeclare(NomosConfig config);

/* Variables are what has a right-hand side (q1, q2); fields are what terms may name (psi1, psi2, q1, q2); given functions are the model's own (psi_R), those of the case come on top. */
typedef struct {
  MPI_Comm             comm;
  NomosConfig          config;
  NomosTermsGrid       grid;
  size_t               n_variables, n_fields, n_given;
  const char *const   *variables, *const *fields, *const *given;
  const double *const *given_values;
} NomosEquationsInput;

/* Given functions that terms may name: the model's own and those of the case (expressions of x, y, lx, ly, dx, dy, pi; a case's wins). Also for what else takes terms of a case. names borrowed from
   config and input; values (n_given)(points of this rank). Errors: a function that does not parse or is not finite. */
typedef struct {
  size_t       n;
  const char **names;
  double     **values;
} NomosEquationsFunctions;
PetscErrorCode NomosEquationsFunctionsCreate(const NomosEquationsInput *input, NomosEquationsFunctions *functions);
PetscErrorCode NomosEquationsFunctionsDestroy(NomosEquationsFunctions *functions);

/* *equations is NULL if the case has none. Errors: those of terms; an equation for what is no variable; as many coefficients as terms; a function that is not finite. Collective. */
PetscErrorCode NomosEquationsCreate(const NomosEquationsInput *input, NomosEquations *equations);
PetscErrorCode NomosEquationsDestroy(NomosEquations *equations);
NomosTerms     NomosEquationsTerms(NomosEquations equations); /* all of them, each once */

/* One entry for each coefficient, of all equations in their order: which variable and term it is of, and the parameter with its value, for NomosModelDerivatives. */
typedef struct {
  size_t              variable, term;
  NomosModelParameter parameter;
} NomosEquationsEntry;
PetscErrorCode NomosEquationsEntries(NomosEquations equations, size_t *n, const NomosEquationsEntry **entries);
PetscErrorCode NomosEquationsSetCoefficients(NomosEquations equations, const double values[]);
/* Only these entries (NULL: all, as at first) take part in what follows: the others are the caller's, who takes them exactly or implicitly. */
PetscErrorCode NomosEquationsSelect(NomosEquations equations, const bool entries[]);

/* tendencies (n_variables)(points) += sum over terms; and its derivatives by fields and coefficients (c_dot, c_bar may be NULL; c_bar is this rank's part of a sum). All add. Collective. */
PetscErrorCode NomosEquationsAdd(NomosEquations equations, const double *const fields[], double *const tendencies[]);
PetscErrorCode NomosEquationsJvp(NomosEquations equations, const double *const fields[], const double *const fields_dot[], const double c_dot[], double *const tendencies_dot[]);
PetscErrorCode NomosEquationsVjp(NomosEquations equations, const double *const fields[], const double *const tendencies_bar[], double *const fields_bar[], double c_bar[]);
PetscErrorCode NomosEquationsHvp(NomosEquations equations, const double *const fields[], const double *const fields_dot[], const double c_dot[], const double *const tendencies_bar[],
                                 const double *const tendencies_bar_dot[], double *const fields_bar_dot[], double c_bar_dot[]);

#endif
