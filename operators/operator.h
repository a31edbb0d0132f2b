/* An operator: a hand-written map with its derivatives, opaque to whoever differentiates through it. Its inputs and outputs are named vectors: fields, and
   parameters. An operator can be recorded on a tape as one node (operators/tape.h), a tape can be wrapped as an operator, the step of a model is one.

     apply  y = F(x)                              jvp  y_dot = F'(x) x_dot
     vjp    x_bar += F'(x)^T y_bar                hvp  x_bar_dot += F'(x)^T y_bar_dot + (F''(x) x_dot)^T y_bar

   An operator fills one NomosOperatorOps and lists its examples for the tests in one line (operators/operator_list.h). */
#ifndef NOMOS_OPERATORS_OPERATOR_H
#define NOMOS_OPERATORS_OPERATOR_H

#include "io/base.h"

typedef struct NomosOperator_s *NomosOperator;

typedef struct {
  const char *name;       /* "state", "qg.beta" */
  size_t      size;       /* entries on this rank */
  bool        replicated; /* the same on every rank (a parameter): its gradient is the sum over the ranks. Else distributed */
} NomosOperatorArgument;

enum { NOMOS_OPERATOR_MAX_ARGUMENTS = 16 };

/* Collective over the operator's communicator. The interface has checked what it can: `in`, `out` and dots are there (a dot that was NULL is zeros), outputs of apply and jvp
   are overwritten, those of vjp and hvp are *added to*; an entry of in_bar that is NULL is not asked for. For replicated inputs vjp and hvp add this rank's part. A derivative that is
   NULL does not exist, and asking for it is an error. */
typedef struct {
  const char *name;
  PetscErrorCode (*apply)(NomosOperator op, const double *const in[], double *const out[]);
  PetscErrorCode (*jvp)(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[]);
  PetscErrorCode (*vjp)(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[]);
  PetscErrorCode (*hvp)(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[]);
  PetscErrorCode (*destroy)(NomosOperator op);
} NomosOperatorOps;

struct NomosOperator_s {
  const NomosOperatorOps *ops;
  MPI_Comm                comm;
  size_t                  n_in, n_out;
  NomosOperatorArgument   in[NOMOS_OPERATOR_MAX_ARGUMENTS], out[NOMOS_OPERATOR_MAX_ARGUMENTS];
  void                   *data;
  PetscLogEvent           events[4]; /* of -log_view: NAMEApply, NAMEJvp, NAMEVjp, NAMEHvp */
};

/* `data` is owned by the operator: ops->destroy frees it. Arguments are copied, their names borrowed. */
typedef struct {
  MPI_Comm                     comm;
  const NomosOperatorOps      *ops;
  size_t                       n_in, n_out;
  const NomosOperatorArgument *in, *out;
  void                        *data;
} NomosOperatorInput;
PetscErrorCode NomosOperatorCreate(const NomosOperatorInput *input, NomosOperator *op);
PetscErrorCode NomosOperatorDestroy(NomosOperator *op);

/* Collective. NULL entries: of in_dot, out_bar and out_bar_dot zero; of in_bar not asked for. Sums of replicated arguments over ranks are done here. Errors: a missing derivative. */
PetscErrorCode NomosOperatorApply(NomosOperator op, const double *const in[], double *const out[]);
PetscErrorCode NomosOperatorJvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[]);
PetscErrorCode NomosOperatorVjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[]);
PetscErrorCode NomosOperatorHvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[]);

/* <a, b> of an argument over all ranks, in a fixed order. */
PetscErrorCode NomosOperatorDot(NomosOperator op, const NomosOperatorArgument *argument, const double a[], const double b[], double *dot);

#endif
