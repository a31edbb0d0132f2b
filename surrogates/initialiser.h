/* First values of a tensor of parameters: a distribution, or a rule that makes one from the fans of a layer.

   The fans of a weight [out, in, ...] are in times the product of `...`, and out times that product. */
#ifndef NOMOS_SURROGATES_INITIALISER_H
#define NOMOS_SURROGATES_INITIALISER_H

#include "io/base.h"

typedef enum {
  NOMOS_INITIALISER_CONSTANT,  /* a */
  NOMOS_INITIALISER_UNIFORM,   /* in [a, b) */
  NOMOS_INITIALISER_NORMAL,    /* mean a, standard deviation b */
  NOMOS_INITIALISER_ORTHOGONAL /* a Q, first axis by the product of the others: the shorter side's vectors are orthonormal. Saxe et al. (2013), doi:10.48550/arXiv.1312.6120 */
} NomosInitialiserKind;

typedef struct {
  NomosInitialiserKind kind;
  double               a, b;
} NomosInitialiser;

typedef enum {
  NOMOS_RULE_DEFAULT,         /* U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default of linear and convolution layers */
  NOMOS_RULE_KAIMING_UNIFORM, /* U(-b, b), b = gain sqrt(3/fan_in); He et al. (2015), doi:10.1109/ICCV.2015.123 */
  NOMOS_RULE_KAIMING_NORMAL,  /* N(0, gain^2/fan_in) */
  NOMOS_RULE_XAVIER_UNIFORM,  /* U(-b, b), b = gain sqrt(6/(fan_in + fan_out)); Glorot & Bengio (2010) */
  NOMOS_RULE_XAVIER_NORMAL,   /* N(0, 2 gain^2/(fan_in + fan_out)) */
  NOMOS_RULE_ORTHOGONAL,      /* gain Q */
  NOMOS_RULE_SIREN,           /* U(-b, b), b = sqrt(6/fan_in)/gain, gain = omega_0; Sitzmann et al. (2020), doi:10.48550/arXiv.2006.09661 */
  NOMOS_RULE_SIREN_FIRST,     /* U(-1/fan_in, 1/fan_in), for the layer that sees the coordinates */
  NOMOS_RULE_ZEROS
} NomosInitialiserRule;
#define NOMOS_RULE_CHOICES "default|kaiming_uniform|kaiming_normal|xavier_uniform|xavier_normal|orthogonal|siren|siren_first|zeros" /* in this order */

static inline NomosInitialiser NomosInitialiserConstant(double value)
{
  return (NomosInitialiser){.kind = NOMOS_INITIALISER_CONSTANT, .a = value};
}
static inline NomosInitialiser NomosInitialiserUniform(double low, double high)
{
  return (NomosInitialiser){.kind = NOMOS_INITIALISER_UNIFORM, .a = low, .b = high};
}
static inline NomosInitialiser NomosInitialiserNormal(double mean, double deviation)
{
  return (NomosInitialiser){.kind = NOMOS_INITIALISER_NORMAL, .a = mean, .b = deviation};
}

/* gain 0 stands for the rule's usual one: 1, and omega_0 = 30 for SIREN. Fans of 0 count as 1. */
NomosInitialiser NomosInitialiserFromRule(NomosInitialiserRule rule, double gain, size_t fan_in, size_t fan_out);

/* Fill values of a tensor: entry i of stream (seed, name) for a distribution. Errors: no memory. Not collective. */
PetscErrorCode NomosInitialiserFill(const NomosInitialiser *initialiser, uint64_t seed, const char name[], int n_dims, const size_t shape[], double values[]);

#endif
