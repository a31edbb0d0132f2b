/* Inside of io/expression.h: a compiled expression is a program for a stack. */
#ifndef NOMOS_IO_EXPRESSION_IMPL_H
#define NOMOS_IO_EXPRESSION_IMPL_H

#include "io/expression.h"

/* Deepest stack while evaluating. Real formulas are far below. */
enum { EXPRESSION_MAX_STACK = 64 };

typedef enum { PUSH_NUMBER, PUSH_VARIABLE, NEGATE, ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, CALL } OpCode;

typedef struct {
  OpCode code;
  size_t index; /* of the variable or the function */
  double number;
} Instruction;

struct NomosExpression_s {
  size_t      n;
  Instruction program[];
};

/* Of a function's number in an instruction: its name, how many arguments it takes. */
const char *ExpressionFunctionName(size_t function);
int         ExpressionFunctionArity(size_t function);

#endif
