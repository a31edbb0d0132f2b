/* The operations of a point function as a graph, when its source is compiled with NOMOS_TRACE (number.h): for make_adjoints.c alone. */
#ifndef NOMOS_SOLVERS_GRID_PDE_TRACE_H
#define NOMOS_SOLVERS_GRID_PDE_TRACE_H

#include <stddef.h>

typedef enum {
  NOMOS_TRACE_INPUT,
  NOMOS_TRACE_CONSTANT,
  NOMOS_TRACE_ADD,
  NOMOS_TRACE_SUB,
  NOMOS_TRACE_MUL,
  NOMOS_TRACE_INVERSE,
  NOMOS_TRACE_SQRT,
  NOMOS_TRACE_EXP,
  NOMOS_TRACE_LOG,
  NOMOS_TRACE_LESS,
  NOMOS_TRACE_SELECT, /* c ? a : b */
} NomosTraceOp;

typedef struct {
  int id;
} NomosTraceNode;

NomosTraceNode NomosTraceConstant(double value);
NomosTraceNode NomosTrace(NomosTraceOp op, NomosTraceNode a, NomosTraceNode b, NomosTraceNode c);

#endif
