/* First-order optimisers on one vector of numbers: values -= rate * direction(gradient, state).

     m := beta1 m + (1 - beta1) g,   v := beta2 v + (1 - beta2) g^2,   m^ = m/(1 - beta1^t),   v^ = v/(1 - beta2^t),   t = 1, 2, ...
     adam      g += weight_decay x;  x -= rate m^/(sqrt(v^) + epsilon)                    Kingma & Ba (2014), doi:10.48550/arXiv.1412.6980
     adamw     x -= rate weight_decay x;  as adam, without decay in g                     Loshchilov & Hutter (2017), doi:10.48550/arXiv.1711.05101
     amsgrad   as adam with the largest v so far: v_max := max(v_max, v)                  Reddi et al. (2018), doi:10.48550/arXiv.1904.09237
     sgd       g += weight_decay x;  m := momentum m + g;  x -= rate m, or with nesterov x -= rate (g + momentum m)    Sutskever et al. (2013)

   Values, gradient and state are of one type. Entries are independent: any number of threads gives the same bits. Not collective. */
#ifndef NOMOS_SURROGATES_OPTIMISER_H
#define NOMOS_SURROGATES_OPTIMISER_H

#include "io/checkpoint.h"
#include "io/config.h"

typedef struct NomosOptimiser_s *NomosOptimiser;

typedef struct {
  const char   *name; /* "adam", "adamw", "amsgrad", "sgd" */
  NomosRealType type;
  size_t        n;
  double        beta1, beta2, epsilon; /* usual: 0.9, 0.999, 1e-8 */
  double        momentum;
  bool          nesterov;
  double        weight_decay;
} NomosOptimiserInput;
/* Numbers are taken as they are, 0 is no default: with an epsilon of 0 an entry whose gradient has always been 0 becomes NaN. Errors: a name that is none of these; a number beyond its range. */
PetscErrorCode NomosOptimiserCreate(const NomosOptimiserInput *input, NomosOptimiser *optimiser);
PetscErrorCode NomosOptimiserDestroy(NomosOptimiser *optimiser);

/* values (n) by one step of learning rate `rate` along `gradient` (n). Errors: a rate that is negative or no number. */
PetscErrorCode NomosOptimiserStep(NomosOptimiser optimiser, double rate, const void *gradient, void *values);
int64_t        NomosOptimiserSteps(NomosOptimiser optimiser); /* taken so far */

/* Its state: the number of steps, and vectors of n entries ("first_moment", ...) to read or to write, borrowed. With the state of another run the next step is the one that would
   have followed there, bit for bit. */
typedef struct {
  const char *name;
  void       *values;
} NomosOptimiserArray;
void           NomosOptimiserState(NomosOptimiser optimiser, size_t *n_arrays, const NomosOptimiserArray **arrays);
PetscErrorCode NomosOptimiserSetSteps(NomosOptimiser optimiser, int64_t steps);
/* As it was created. */
PetscErrorCode NomosOptimiserRestart(NomosOptimiser optimiser);
/* The state as arrays "optimiser_first_moment", ... of a checkpoint; the same on every rank of its communicator. Collective over it. The number of steps is the caller's to store. */
PetscErrorCode NomosOptimiserSave(NomosOptimiser optimiser, MPI_Comm comm, NomosCheckpoint checkpoint);
PetscErrorCode NomosOptimiserLoad(NomosOptimiser optimiser, NomosCheckpoint checkpoint);

/* |gradient| over its n entries, summed in blocks of fixed size; and `gradient` scaled to a norm of at most max_norm (0: only measured). Pascanu et al. (2013), doi:10.48550/arXiv.1211.5063.
   A norm that is not finite is returned, and the gradient left alone. */
double NomosClipNorm(NomosRealType type, size_t n, double max_norm, void *gradient);
/* Entries cut to [-limit, limit]. */
void NomosClipValue(NomosRealType type, size_t n, double limit, void *gradient);

/* `train.optimiser`, `train.weight_decay`, ...: the table, and an optimiser from a config that it was registered with. */
extern const NomosParam nomos_optimiser_params[];
extern const size_t     nomos_n_optimiser_params;
PetscErrorCode          NomosOptimiserFromConfig(NomosConfig config, NomosRealType type, size_t n, NomosOptimiser *optimiser);
/* The two clips of the config, in place: train.clip_norm and train.clip_value. *norm: of the whole, before. Where train.clip_of = network, clip_norm holds for each of n_parts consecutive parts, part i
   ending before entry ends[i] (the last one at n); n_parts 0 is one part. */
typedef struct {
  NomosRealType type;
  size_t        n;
  size_t        n_parts;
  const size_t *ends;
} NomosClipInput;
PetscErrorCode NomosClipFromConfig(NomosConfig config, const NomosClipInput *input, void *gradient, double *norm);

#endif
