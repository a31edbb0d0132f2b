/* The tape: eager, define-by-run automatic differentiation of tensors on an arena.

   A primitive (operators/primitives.h) computes at once and is recorded. NomosGradient() runs back over the record; the derivative of every primitive is made of
   primitives, so with `record` a gradient is itself on the tape and can be differentiated again, to any order. float32 and float64 from one source.

     NomosTensor x = NomosTensorCreate(tape, NOMOS_F64, 2, (size_t[]){n, 4}, data);
     NomosTensor y = NomosSumAll(NomosFunction(NOMOS_TANH, 0, NomosMatMul(x, w)));
     PetscCall(NomosGradient(&(NomosGradientInput){.y = y, .n = 1, .x = &w}, &w_bar));

   A tensor is a small handle by value. Primitives return tensors, so that formulas nest; an error (shapes that do not fit, a freed tensor) is kept by the tape, every
   primitive after it returns a tensor without data, and the first call that returns a PetscErrorCode raises it: NomosTapeStatus, NomosTensorGet, NomosGradient.

   A tape belongs to one thread (kernels are parallel inside); several threads may use a tape each. Nothing here is collective.
   Griewank & Walther, Evaluating Derivatives (2008), doi:10.1137/1.9780898717761. */
#ifndef NOMOS_OPERATORS_TAPE_H
#define NOMOS_OPERATORS_TAPE_H

#include "io/field_file.h" /* NomosRealType */
#include "operators/operator.h"

typedef struct NomosTape_s *NomosTape;

enum { NOMOS_TENSOR_MAX_DIMS = 6 };

/* A tensor of a tape; `stamp` tells a freed one from one that took its place. */
typedef struct {
  NomosTape tape;
  uint32_t  index, stamp;
} NomosTensor;

PetscErrorCode NomosTapeCreate(NomosTape *tape);
PetscErrorCode NomosTapeDestroy(NomosTape *tape);
/* Free all tensors, or those made since the mark; their memory is kept for the next ones. Using one of them afterwards is an error. */
typedef struct {
  uint32_t n_nodes;
  size_t   n_notes, n_owned;
} NomosTapeMark;
PetscErrorCode NomosTapeReset(NomosTape tape);
NomosTapeMark  NomosTapeGetMark(NomosTape tape);
PetscErrorCode NomosTapeRewind(NomosTape tape, NomosTapeMark mark);
/* Hand over something that the record needs, such as the index lists of one step: destroyed with the tensors that are made after it, by NomosTapeRewind, NomosTapeReset or NomosTapeDestroy. */
PetscErrorCode NomosTapeOwn(NomosTape tape, void *object, PetscErrorCode (*destroy)(void *object));
/* Raise the first error since the last call, and forget it. */
PetscErrorCode NomosTapeStatus(NomosTape tape);
/* Keep an error (the first one wins) and return the invalid tensor: for functions that return tensors. printf-like. */
NomosTensor NomosTapeFail(NomosTape tape, PetscErrorCode code, const char format[], ...) __attribute__((format(printf, 3, 4)));
/* Bytes of tensors now and at most, and number of recorded tensors since the last reset. Any may be NULL. */
void NomosTapeUsage(NomosTape tape, size_t *bytes, size_t *most, size_t *n_tensors);
/* Off: what is computed is not recorded (no gradient flows through it). Returns what it was. */
bool NomosTapeSetRecording(NomosTape tape, bool recording);

/* Off: fused primitives (NomosMlpChain, ...) are computed by their definitions. They are faster as long as gradients are not recorded; where a gradient will be differentiated again it is cheaper
   not to fuse in the first place. On after NomosTapeCreate. Returns what it was. */
bool NomosTapeSetFusing(NomosTape tape, bool fusing);

/* A leaf. `data` (row-major, may be NULL: zeros) is copied. Sizes may be 0; n_dims 0 is a scalar. */
NomosTensor NomosTensorCreate(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], const void *data);
/* From doubles, rounded to `type`. */
NomosTensor NomosTensorFromDoubles(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], const double data[]);
NomosTensor NomosTensorConstant(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], double value);
/* A leaf on memory that the caller keeps, unchanged as long as *version has the value it has now: a gradient through it is an error once that has
   changed ("overwritten after it was recorded"). `name` (borrowed) is for that error. */
NomosTensor NomosTensorBorrow(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], const void *data, const uint64_t *version, const char name[]);

/* Shape and type. Of an invalid tensor: no dimensions, float64. Borrowed until the tape is reset. */
int           NomosTensorDims(NomosTensor x, const size_t **shape);
size_t        NomosTensorSize(NomosTensor x); /* number of entries; 0 for an invalid tensor */
size_t        NomosTensorLength(NomosTensor x, int axis); /* axis may count from the end: -1 is the last */
NomosRealType NomosTensorType(NomosTensor x);
bool          NomosTensorIsValid(NomosTensor x);

/* The entries, row-major; a copy on the tape is made if they lie otherwise. Borrowed until the tape is reset. */
PetscErrorCode NomosTensorGet(NomosTensor x, const void **data);
/* Copy out as doubles, (size of x). */
PetscErrorCode NomosTensorGetDoubles(NomosTensor x, double data[]);
/* The one entry of a tensor of size 1. */
PetscErrorCode NomosTensorGetScalar(NomosTensor x, double *value);
/* Overwrite a leaf. A gradient through something computed from the old entries is an error from here on. */
PetscErrorCode NomosTensorSet(NomosTensor x, const void *data);

/* x_bar[i] = d<y_bar, y>/dx[i], of the shape of x[i]. */
typedef struct {
  NomosTensor        y;
  NomosTensor        y_bar;   /* of the shape of y; {0}: one, for a y of size 1 */
  size_t             n;
  const NomosTensor *x;       /* any tensors of the tape: leaves or results. Derivatives are total: if x[1] was made of x[0], what y owes to x[1] counts for x[0] too */
  bool               record;  /* the gradients can be differentiated again; without it they are constants, through which a later gradient is zero, and reached false */
  bool              *reached; /* (n), may be NULL: does y depend on x[i]? where not, x_bar[i] is zero */
} NomosGradientInput;
/* Errors: y_bar of another shape; no y_bar and y not of size 1; an operator without the derivative; tensors freed or overwritten since they were recorded. */
PetscErrorCode NomosGradient(const NomosGradientInput *input, NomosTensor x_bar[]);

/* A segment y = f(x) of which only x and y are kept: its inside is freed at once and computed again when a gradient needs it. `segment` must be a function of
   x and *ctx alone, ctx must live as long as y, and tensors of its own must not be used outside. */
typedef NomosTensor (*NomosSegmentFn)(NomosTape tape, const NomosTensor x[], void *ctx);
NomosTensor NomosRecompute(NomosSegmentFn segment, void *ctx, size_t n, const NomosTensor x[]);

/* y = op(x): an operator as one node. x[i] (n_in of the operator) have the sizes of its arguments, of any shape; y[j] (n_out) are vectors. float64, or converted.
   Its gradient needs op's vjp, the gradient of that its jvp and hvp. The operator must live as long as the tape's record. */
PetscErrorCode NomosTapeApply(NomosOperator op, const NomosTensor x[], NomosTensor y[]);
/* All of y in one vector, as a formula: errors are kept by the tape. */
NomosTensor NomosApply(NomosOperator op, const NomosTensor x[]);

#endif
