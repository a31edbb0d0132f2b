/* All numbers of a surrogate, as named tensors: what is trained lies in one contiguous vector, in order of declaration, which an optimiser and a message to other ranks
   take as it is; buffers (random frequencies, normalisation statistics) lie beside it and are not trained.

     NomosParametersCreate(NOMOS_F32, &parameters);
     NomosMlpCreate(parameters, "encoder", &input, &mlp);      declares "encoder.0.weight", ...
     NomosParametersInitialise(parameters, seed);              from here on no tensor can be added
     NomosParametersBind(parameters, tape, w);                 w[i] is tensor number i, a leaf on the vector's own memory
     loss = ... NomosMlpApply(&mlp, w, x) ...
     NomosParametersGradient(parameters, loss, w, gradient);   as one vector
     NomosParametersEdit(parameters, &values);                 leaves bound before are stale from here on

   Nothing here is collective: the same seed gives the same values on every rank. */
#ifndef NOMOS_SURROGATES_PARAMETERS_H
#define NOMOS_SURROGATES_PARAMETERS_H

#include "io/text.h"
#include "operators/tape.h"
#include "surrogates/initialiser.h"

typedef struct NomosParameters_s *NomosParameters;

/* float32 or float64, of all tensors alike. */
PetscErrorCode NomosParametersCreate(NomosRealType type, NomosParameters *parameters);
PetscErrorCode NomosParametersDestroy(NomosParameters *parameters);

/* Declare a tensor `prefix.name` (prefix may be "" or NULL); *number is its place in w[], for trained ones and buffers alike. Errors: a name that is taken, too long or
   empty; a declaration after NomosParametersInitialise. */
typedef struct {
  const char      *prefix, *name;
  int              n_dims;
  size_t           shape[NOMOS_TENSOR_MAX_DIMS];
  NomosInitialiser initialiser;
  bool             buffer; /* not trained */
} NomosParameterInput;
PetscErrorCode NomosParametersAdd(NomosParameters parameters, const NomosParameterInput *input, size_t *number);

/* First values, those of a tensor by (seed, its name): what is added or left out elsewhere does not change them. May be called again. */
PetscErrorCode NomosParametersInitialise(NomosParameters parameters, uint64_t seed);

NomosRealType NomosParametersType(NomosParameters parameters);
size_t        NomosParametersCount(NomosParameters parameters);   /* number of tensors, length of w[] */
size_t        NomosParametersTrained(NomosParameters parameters); /* number of those that are trained */
size_t        NomosParametersSize(NomosParameters parameters);    /* entries of the trained vector */

/* A tensor as it stands; borrowed. `values` is NULL before NomosParametersInitialise. */
typedef struct {
  const char   *name;
  NomosRealType type;
  int           n_dims;
  const size_t *shape;
  size_t        size, offset; /* entries; the first one's place in its vector */
  bool          buffer;
  const void   *values;
} NomosParameter;
PetscErrorCode NomosParametersGet(NomosParameters parameters, size_t number, NomosParameter *parameter);
/* Its number by name; the error names the nearest. */
PetscErrorCode NomosParametersFind(NomosParameters parameters, const char name[], size_t *number);
/* Values of one tensor, trained or buffer, of the parameters' type (as from a file). Leaves on buffers, or on trained tensors, that were bound before are stale. */
PetscErrorCode NomosParametersSet(NomosParameters parameters, size_t number, const void *values);
/* The same from and to doubles, whatever the type. */
PetscErrorCode NomosParametersSetDoubles(NomosParameters parameters, size_t number, const double values[]);
PetscErrorCode NomosParametersGetDoubles(NomosParameters parameters, size_t number, double values[]);

/* The trained vector to read, and to change: Edit makes every leaf of it that was bound before stale. Borrowed. Errors: before NomosParametersInitialise. */
PetscErrorCode NomosParametersValues(NomosParameters parameters, const void **values);
PetscErrorCode NomosParametersEdit(NomosParameters parameters, void **values);

/* Leaves of a tape (Count) on the parameters' memory. */
PetscErrorCode NomosParametersBind(NomosParameters parameters, NomosTape tape, NomosTensor w[]);
/* The same (Count) as views of the trained vector x, a tensor of the parameters' type, and copies of the buffers. */
void NomosParametersView(NomosParameters parameters, NomosTape tape, NomosTensor x, NomosTensor w[]);
/* Of all tensors the trained ones (Trained): x[] of a NomosGradientInput. */
void NomosParametersPick(NomosParameters parameters, const NomosTensor w[], NomosTensor trained[]);
/* Tensors of the trained ones' shapes (their gradients) as one vector of the parameters' type. */
PetscErrorCode NomosParametersFlatten(NomosParameters parameters, const NomosTensor trained[], void *vector);
/* vector = d loss/d (trained vector), `loss` of size 1, through leaves w[] of NomosParametersBind. */
PetscErrorCode NomosParametersGradient(NomosParameters parameters, NomosTensor loss, const NomosTensor w[], void *vector);

#endif
