/* How formulas are written: as text that is read again, as LaTeX, and as MathML with the named entities of HTML. What writes one goes through its terms once for all three and takes every sign from one table. */
#ifndef NOMOS_OPERATORS_NOTATION_H
#define NOMOS_OPERATORS_NOTATION_H

#include "io/base.h"

#include <stdio.h>

typedef enum { NOMOS_NOTATION_TEXT, NOMOS_NOTATION_LATEX, NOMOS_NOTATION_MATHML, NOMOS_N_NOTATIONS } NomosNotation;

/* Signs; where something stands inside, the sign before it and the one behind it (_END). */
typedef enum {
  NOMOS_SIGN_OPEN,
  NOMOS_SIGN_CLOSE,
  NOMOS_SIGN_PLUS,
  NOMOS_SIGN_MINUS,
  NOMOS_SIGN_NEGATIVE, /* of the first of a sum */
  NOMOS_SIGN_TIMES,
  NOMOS_SIGN_OVER,
  NOMOS_SIGN_COMMA,
  NOMOS_SIGN_NUMBER,
  NOMOS_SIGN_NUMBER_END,
  NOMOS_SIGN_RAISED, /* thing, POWER, exponent, POWER_END */
  NOMOS_SIGN_POWER,
  NOMOS_SIGN_POWER_END,
  NOMOS_SIGN_DERIVATIVE, /* xxy */
  NOMOS_SIGN_DERIVATIVE_END,
  NOMOS_SIGN_LAPLACIAN, /* order */
  NOMOS_SIGN_LAPLACIAN_END,
  NOMOS_SIGN_JACOBIAN, /* and in brackets */
  NOMOS_SIGN_MEAN,
  NOMOS_SIGN_MEAN_END,
  NOMOS_SIGN_MEAN_X,
  NOMOS_SIGN_MEAN_X_END,
  NOMOS_N_SIGNS
} NomosSign;

const char *NomosNotationSign(NomosNotation notation, NomosSign sign);
/* psi1 -> psi1, \psi_{1}, <msub>...; the name of a function (sin); mantissa (any text, "1.20(3)") times 10^exponent, where that is 0 the mantissa alone. */
void NomosNotationName(NomosNotation notation, const char name[], FILE *out);
void NomosNotationFunction(NomosNotation notation, const char name[], FILE *out);
void NomosNotationNumber(NomosNotation notation, const char mantissa[], int exponent, FILE *out);
/* An expression (io/expression.h) from its text, which is one: q1^2 -> q_{1}^{2}, sin(q1) -> \operatorname{sin}\left(q_{1}\right), q1*p2 -> q_{1} \, p_{2}. */
void NomosNotationExpression(NomosNotation notation, const char text[], FILE *out);

#endif
