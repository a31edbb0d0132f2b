/* Layers of NCLaw's networks on a tile of points in one precision, forward, tangent and backward, with gradients of the weights. */
#include "surrogates/constitutive/network.h"

#include "operators/row_product.h"

/* Place of weight (i, j) of layer l among the folded, and its share: an output's mean takes a part of each row. */
static size_t Folded(const NomosNetworkShape *s, size_t l, size_t i, size_t j, double *share)
{
  const size_t row = l < s->n_hidden ? i : (size_t)s->out.fold[i], column = l ? j : (size_t)s->in.fold[j];

  *share = 1;
  if (l == s->n_hidden) {
    size_t many = 0;
    for (size_t k = 0; k < s->out.n; k++) many += (size_t)s->out.fold[k] == row;
    *share = 1. / (double)many;
  }
  return row * NomosNetworkColumns(s, l, 1) + column;
}

void NAME(NomosNetworkPack)(const NomosNetworkShape *s, const double values[], Real *weights, Real *transposed)
{
  for (size_t l = 0; l <= s->n_hidden; l++) {
    const size_t rows = NomosNetworkRows(s, l, 1), columns = NomosNetworkColumns(s, l, 1);
    double       w[NETWORK_WIDTH * NETWORK_WIDTH], share;
    memset(w, 0, sizeof *w * rows * columns);
    for (size_t i = 0; i < NomosNetworkRows(s, l, 0); i++)
      for (size_t j = 0; j < NomosNetworkColumns(s, l, 0); j++) {
        const size_t at = Folded(s, l, i, j, &share);
        w[at] += share * *values++;
      }
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < columns; j++) {
        weights[i * columns + j] = (Real)w[i * columns + j];
        if (transposed) transposed[j * rows + i] = (Real)w[i * columns + j];
      }
    weights += rows * columns;
    if (transposed) transposed += rows * columns;
  }
}

void NAME(NomosNetworkForward)(const NomosNetworkShape *s, const Real *weights, bool slopes, NetworkTile *tile)
{
  const Real *h = tile->x;

  for (size_t l = 0; l <= s->n_hidden; l++) {
    const size_t m = NomosNetworkRows(s, l, 1), k = NomosNetworkColumns(s, l, 1);
    Real        *z = l < s->n_hidden ? tile->h[l] : tile->y;
    NAME(NomosRowProductRun)(&(NomosRowProduct){.m = m, .n = TILE, .k = k, .a_row = k, .a_column = 1, .ldb = TILE, .ldc = TILE, .a = weights, .b = h, .c = z});
    if (l < s->n_hidden) NAME(NomosTileGelu)(m * TILE, z, z, slopes ? tile->slope[l] : NULL);
    h = z;
    weights += m * k;
  }
}

static void Multiply(size_t n, const Real *factor, Real *x)
{
  for (size_t i = 0; i < n; i += VECTOR) *(Vector *)(x + i) *= *(const Vector *)(factor + i);
}

void NAME(NomosNetworkTangent)(const NomosNetworkShape *s, const Real *weights, const Real *weights_dot, const NetworkTile *tile, NetworkTangent *dot)
{
  const Real *h = tile->x, *h_dot = dot->x;

  for (size_t l = 0; l <= s->n_hidden; l++) {
    const size_t m = NomosNetworkRows(s, l, 1), k = NomosNetworkColumns(s, l, 1);
    Real           *z_dot   = l < s->n_hidden ? dot->h[l % 2] : dot->y;
    NomosRowProduct product = {.m = m, .n = TILE, .k = k, .a_row = k, .a_column = 1, .ldb = TILE, .ldc = TILE, .a = weights, .b = h_dot, .c = z_dot};
    NAME(NomosRowProductRun)(&product);
    if (weights_dot) {
      product.a   = weights_dot;
      product.b   = h;
      product.add = true;
      NAME(NomosRowProductRun)(&product);
      weights_dot += m * k;
    }
    if (l < s->n_hidden) {
      Multiply(m * TILE, tile->slope[l], z_dot);
      h = tile->h[l];
    }
    h_dot = z_dot;
    weights += m * k;
  }
}

/* Gradients of weights are summed in rows of whole vectors. */
static size_t Padded(const NomosNetworkShape *s, size_t l)
{
  return Blocks(NomosNetworkColumns(s, l, 1), VECTOR) * VECTOR;
}

size_t NAME(NomosNetworkSums)(const NomosNetworkShape *s)
{
  size_t n = 0;
  for (size_t l = 0; l <= s->n_hidden; l++) n += NomosNetworkRows(s, l, 1) * Padded(s, l);
  return n;
}

void NAME(NomosNetworkBackward)(const NomosNetworkShape *s, const Real *transposed, const NetworkTile *tile, NetworkTangent *bar, Real *sums)
{
  const Real *z_bar = bar->y;

  transposed += NomosNetworkWeights(s, 1);
  if (sums) sums += NAME(NomosNetworkSums)(s);
  for (size_t l = s->n_hidden + 1; l-- > 0;) {
    const size_t m = NomosNetworkRows(s, l, 1), k = NomosNetworkColumns(s, l, 1), padded = Padded(s, l);
    const Real  *h     = l ? tile->h[l - 1] : tile->x;
    Real        *h_bar = l ? bar->h[l % 2] : bar->x;
    if (sums) {
      sums -= m * padded;
      NAME(NomosTileTranspose)(padded, h, bar->transposed);
      NAME(NomosRowProductRun)(&(NomosRowProduct){.m = m, .n = padded, .k = TILE, .a_row = TILE, .a_column = 1, .ldb = padded, .ldc = padded, .add = true, .a = z_bar, .b = bar->transposed, .c = sums});
    }
    transposed -= m * k;
    NAME(NomosRowProductRun)(&(NomosRowProduct){.m = k, .n = TILE, .k = m, .a_row = m, .a_column = 1, .ldb = TILE, .ldc = TILE, .a = transposed, .b = z_bar, .c = h_bar});
    if (l) Multiply(k * TILE, tile->slope[l - 1], h_bar);
    z_bar = h_bar;
  }
}

void NAME(NomosNetworkUnpack)(const NomosNetworkShape *s, const Real *sums, double values_bar[])
{
  for (size_t l = 0; l <= s->n_hidden; l++) {
    const size_t rows = NomosNetworkRows(s, l, 0), columns = NomosNetworkColumns(s, l, 0), padded = Padded(s, l);
    double       share;
    for (size_t i = 0; i < rows; i++) {
      (void)Folded(s, l, i, 0, &share);
      const Real *from = sums + (l < s->n_hidden ? i : (size_t)s->out.fold[i]) * padded;
      if (l)
        for (size_t j = 0; j < columns; j++) values_bar[j] += share * (double)from[j];
      else
        for (size_t j = 0; j < columns; j++) values_bar[j] += share * (double)from[s->in.fold[j]];
      values_bar += columns;
    }
    sums += NomosNetworkRows(s, l, 1) * padded;
  }
}
