/* Examples of operators, small and of odd sizes: one line each, and the property tests (operators/operator_check.h) run on it, in tests/mpi_operator.c. */
#ifndef NOMOS_OPERATORS_OPERATOR_LIST_H
#define NOMOS_OPERATORS_OPERATOR_LIST_H

#include "operators/correlation.h"
#include "operators/tape_function.h"
#include "operators/terms_operator.h"

typedef struct {
  const char *name;
  PetscErrorCode (*create)(MPI_Comm comm, NomosOperator *op);
  void (*point)(NomosOperator op, double *const in[]); /* moves the random numbers of unit variance to where the operator is defined; NULL: everywhere */
} NomosOperatorExample;

static const NomosOperatorExample nomos_operator_examples[] = {
  {"correlation", NomosCorrelationExample, NULL},
  {"tape function", NomosTapeFunctionExample, NULL},
  {"terms", NomosTermsOperatorExample, NULL},
};
enum { NOMOS_N_OPERATOR_EXAMPLES = sizeof nomos_operator_examples / sizeof *nomos_operator_examples };

#endif
