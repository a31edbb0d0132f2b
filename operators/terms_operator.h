/* Terms (operators/terms.h) as an operator: fields in, a column for each term out. Up to NOMOS_OPERATOR_MAX_ARGUMENTS of each. */
#ifndef NOMOS_OPERATORS_TERMS_OPERATOR_H
#define NOMOS_OPERATORS_TERMS_OPERATOR_H

#include "operators/operator.h"
#include "operators/terms.h"

/* The operator owns the terms from here on, and has all derivatives. Collective. */
PetscErrorCode NomosTermsOperatorCreate(NomosTerms terms, NomosOperator *op);

PetscErrorCode NomosTermsOperatorExample(MPI_Comm comm, NomosOperator *op);

#endif
