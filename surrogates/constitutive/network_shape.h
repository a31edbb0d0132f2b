/* The size of a network of a learned law, and which of its inputs and outputs are one. Private to surrogates/constitutive. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_NETWORK_SHAPE_H
#define NOMOS_SURROGATES_CONSTITUTIVE_NETWORK_SHAPE_H

#include "surrogates/constitutive/learned_law_impl.h"

enum { NOMOS_NETWORK_MAX_WIDTH = NOMOS_LAW_MAX_WIDTH, NOMOS_NETWORK_MAX_LAYERS = NOMOS_LAW_MAX_LAYERS, NOMOS_NETWORK_MAX_ENDS = 16, NOMOS_SPLINE_KNOTS = 21 };
enum { NOMOS_NETWORK_MAX_WEIGHTS = NOMOS_NETWORK_MAX_WIDTH * (NOMOS_NETWORK_MAX_WIDTH * (NOMOS_NETWORK_MAX_LAYERS - 1) + 2 * NOMOS_NETWORK_MAX_ENDS) };

/* Inputs that are equal by symmetry are one for the kernel, with the sum of their columns; so are outputs of which only the mean is used, with the mean of their rows: 13-64-64-9 is
   computed as 10-64-64-6. */
typedef struct {
  size_t n, n_folded;
  int    fold[NOMOS_NETWORK_MAX_ENDS]; /* (n) place among the folded */
} NomosNetworkEnd;

typedef struct {
  size_t          n_hidden, width; /* layers, and units of each */
  NomosNetworkEnd in, out;
} NomosNetworkShape;

/* Of weight l = 0 .. n_hidden: rows and columns as stored, and as computed. */
static inline size_t NomosNetworkRows(const NomosNetworkShape *s, size_t l, int folded)
{
  return l < s->n_hidden ? s->width : folded ? s->out.n_folded : s->out.n;
}
static inline size_t NomosNetworkColumns(const NomosNetworkShape *s, size_t l, int folded)
{
  return l ? s->width : folded ? s->in.n_folded : s->in.n;
}
static inline size_t NomosNetworkWeights(const NomosNetworkShape *s, int folded)
{
  size_t n = 0;
  for (size_t l = 0; l <= s->n_hidden; l++) n += NomosNetworkRows(s, l, folded) * NomosNetworkColumns(s, l, folded);
  return n;
}

#endif
