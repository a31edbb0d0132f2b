/* Arithmetic expressions in case files: `1e-6*cos(10*pi*x/lx) + 0.5*exp(-(x^2+y^2)/(2*r^2))`. */
#ifndef NOMOS_IO_EXPRESSION_H
#define NOMOS_IO_EXPRESSION_H

#include "io/base.h"

typedef struct NomosExpression_s *NomosExpression;

/* Compile `text` over the named variables. Grammar: + - * / ^ (right associative, above unary minus as in Python), brackets, numbers,
   pi, the variables, and sin cos tan exp log sqrt abs tanh sech cosh sinh asin acos atan asinh acosh atanh atan2 min max step(x) (1 for x >= 0) mod gauss(x) = exp(-x^2/2).
   Errors (PETSC_COMM_SELF): the position, what was found, what was expected; an unknown name with the nearest known one. */
PetscErrorCode NomosExpressionCreate(const char text[], size_t n_variables, const char *const variables[], NomosExpression *expression);

/* values (n_variables), one number out. No allocation; thread safe. Never fails: a domain error gives NaN, the caller checks. */
double NomosExpressionEvaluate(NomosExpression expression, const double values[]);

/* d(expression)/d(variable number `variable`), over the same variables: by the rules of differentiation, with 0, 1 and numbers folded. At the corners of abs, min, max, step and mod it is the derivative from one
   side. Errors (PETSC_COMM_SELF): a derivative that is too long or nested too deep. The caller destroys it. */
PetscErrorCode NomosExpressionDerivative(NomosExpression expression, size_t variable, NomosExpression *derivative);
/* Is it a number, whatever the variables are? Then which. */
bool NomosExpressionIsNumber(NomosExpression expression, double *number);

PetscErrorCode NomosExpressionDestroy(NomosExpression *expression);

#endif
