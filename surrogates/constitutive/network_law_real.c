/* The kernels of laws that are networks. A tile of points goes through all stages while it is in cache: kinematics of F, inputs, layers, stress or return mapping; and back.

   Derivatives with respect to F are taken in the frame of its factors, W = U^T dF V:
     ds_i = W_ii,   U^T dR V = K,  K_ij = (W_ij - W_ji)/(s_i + s_j),   V^T d(R^T F) V = T,  T_ij = (s_i W_ij + s_j W_ji)/(s_i + s_j),
   finite where singular values coincide. Only a single s_i, as a function, has a kink there: the derivative is then one of several, that of the frame which the factors came with. */
#include "surrogates/constitutive/network.h"
#include "surrogates/constitutive/network_law_impl.h"
#include "surrogates/constitutive/spline.h"

/* Of one vector of points. */
typedef struct {
  Vector *f, *u, *v, *r, *s; /* 3 x 3, and s (3) */
} Frame;
/* Of a tile. */
typedef struct {
  Matrix3 f[TILE_VECTORS], u[TILE_VECTORS], v[TILE_VECTORS], r[TILE_VECTORS];
  Vector  s[TILE_VECTORS][3];
  Frame   at[TILE_VECTORS];
} Frames;

enum { SPECTRAL_INPUTS = NOMOS_INPUT_SINGULAR | NOMOS_INPUT_STRETCH | NOMOS_INPUT_TRACES };
static const int unique[6] = {0, 1, 2, 4, 5, 8}; /* entries of a symmetric matrix */

static bool NeedsFactors(const NomosNetworkLaw *kind)
{
  return kind->inputs & SPECTRAL_INPUTS || kind->output != NOMOS_OUTPUT_MATRIX;
}

static size_t CountAt(size_t n, size_t at)
{
  return at < n ? Smaller(n - at, VECTOR) : 0;
}

static void FramesOf(const NomosNetworkLaw *kind, const Real *F, size_t stride, size_t n, Frames *p)
{
  Lanes f[9], u[9], s[3], v[9];

  LoadBlock(0, n, stride, F, f);
  if (NeedsFactors(kind)) NAME(NomosSvdPoints)(f, u, s, v);
  for (size_t k = 0; k < TILE_VECTORS; k++) {
    p->at[k] = (Frame){p->f[k], p->u[k], p->v[k], p->r[k], p->s[k]};
    ENTRIES p->f[k][i] = *(const Vector *)(f[i] + k * VECTOR);
    if (!NeedsFactors(kind)) continue;
    ENTRIES
    {
      p->u[k][i] = *(const Vector *)(u[i] + k * VECTOR);
      p->v[k][i] = *(const Vector *)(v[i] + k * VECTOR);
    }
    for (int i = 0; i < 3; i++) p->s[k][i] = *(const Vector *)(s[i] + k * VECTOR);
    Matrix3Product(false, true, p->u[k], p->v[k], p->r[k]);
  }
}

/* ---- inputs: x [.][TILE] at one vector of points ---- */

static void Symmetric(const Matrix3 a, Real **x, Real less)
{
  for (int k = 0; k < 6; k++, *x += TILE) *(Vector *)*x = a[unique[k]] - (unique[k] % 4 ? 0 : less);
}

static void Inputs(int inputs, const Frame *p, Real *x)
{
  Matrix3 a;

  if (inputs & NOMOS_INPUT_SINGULAR)
    for (int j = 0; j < 3; j++, x += TILE) *(Vector *)x = p->s[j] - 1;
  if (inputs & NOMOS_INPUT_GREEN) {
    Matrix3Product(true, false, p->f, p->f, a);
    Symmetric(a, &x, 1);
  }
  if (inputs & NOMOS_INPUT_DETERMINANT) {
    *(Vector *)x = Matrix3Cofactors(p->f, a) - 1;
    x += TILE;
  }
  if (inputs & NOMOS_INPUT_DISPLACEMENT)
    for (int k = 0; k < 9; k++, x += TILE) *(Vector *)x = p->f[k] - (Real)(k % 4 == 0);
  if (inputs & NOMOS_INPUT_STRETCH) {
    Matrix3Product(true, false, p->r, p->f, a);
    Symmetric(a, &x, 1);
  }
  if (inputs & NOMOS_INPUT_TRACES) {
    *(Vector *)x              = p->s[0] + p->s[1] + p->s[2] - 3;
    *(Vector *)(x + TILE)     = Matrix3Dot(p->f, p->f) - 3;
    *(Vector *)(x + 2 * TILE) = Matrix3Cofactors(p->f, a) - 1;
  }
}

/* 1/(s_i + s_j) */
static Vector OverSum(const Frame *p, int i, int j)
{
  return LaneGuardedInverse(p->s[i] + p->s[j], LaneAbs(p->s[0]));
}

static void InputsTangent(int inputs, const Frame *p, const Matrix3 f_dot, const Matrix3 w, Real *x)
{
  Matrix3 a, b;

  if (inputs & NOMOS_INPUT_SINGULAR)
    for (int j = 0; j < 3; j++, x += TILE) *(Vector *)x = w[4 * j];
  if (inputs & NOMOS_INPUT_GREEN) {
    Matrix3Product(true, false, p->f, f_dot, a);
    for (int k = 0; k < 9; k++) b[k] = a[k] + a[k % 3 * 3 + k / 3];
    Symmetric(b, &x, 0);
  }
  if (inputs & NOMOS_INPUT_DETERMINANT) {
    (void)Matrix3Cofactors(p->f, a);
    *(Vector *)x = Matrix3Dot(a, f_dot);
    x += TILE;
  }
  if (inputs & NOMOS_INPUT_DISPLACEMENT)
    for (int k = 0; k < 9; k++, x += TILE) *(Vector *)x = f_dot[k];
  if (inputs & NOMOS_INPUT_STRETCH) {
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) a[3 * i + j] = (p->s[i] * w[3 * i + j] + p->s[j] * w[3 * j + i]) * OverSum(p, i, j);
    Matrix3Product(false, false, p->v, a, b);
    Matrix3Product(false, true, b, p->v, a);
    Symmetric(a, &x, 0);
  }
  if (inputs & NOMOS_INPUT_TRACES) {
    *(Vector *)x          = w[0] + w[4] + w[8];
    *(Vector *)(x + TILE) = 2 * Matrix3Dot(p->f, f_dot);
    (void)Matrix3Cofactors(p->f, a);
    *(Vector *)(x + 2 * TILE) = Matrix3Dot(a, f_dot);
  }
}

/* A symmetric matrix from its six entries, those off the diagonal halved. */
static void FromSymmetric(const Real **x, Real off, Matrix3 a)
{
  for (int k = 0; k < 6; k++, *x += TILE) {
    const Vector value = *(const Vector *)*x;
    const int    i = unique[k] / 3, j = unique[k] % 3;
    a[3 * i + j] = a[3 * j + i] = (i == j ? 1 : off) * value;
  }
}

/* f_bar and w_bar get added what x_bar makes. */
static void InputsBack(int inputs, const Frame *p, const Real *x_bar, Matrix3 f_bar, Matrix3 w_bar)
{
  Matrix3 a, b;

  if (inputs & NOMOS_INPUT_SINGULAR)
    for (int j = 0; j < 3; j++, x_bar += TILE) w_bar[4 * j] += *(const Vector *)x_bar;
  if (inputs & NOMOS_INPUT_GREEN) {
    FromSymmetric(&x_bar, (Real)0.5, a);
    Matrix3Product(false, false, p->f, a, b);
    ENTRIES f_bar[i] += 2 * b[i];
  }
  if (inputs & NOMOS_INPUT_DETERMINANT) {
    (void)Matrix3Cofactors(p->f, a);
    ENTRIES f_bar[i] += *(const Vector *)x_bar * a[i];
    x_bar += TILE;
  }
  if (inputs & NOMOS_INPUT_DISPLACEMENT)
    for (int k = 0; k < 9; k++, x_bar += TILE) f_bar[k] += *(const Vector *)x_bar;
  if (inputs & NOMOS_INPUT_STRETCH) {
    FromSymmetric(&x_bar, (Real)0.5, a);
    Matrix3Product(true, false, p->v, a, b);
    Matrix3Product(false, false, b, p->v, a);
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) w_bar[3 * i + j] += 2 * a[3 * i + j] * p->s[i] * OverSum(p, i, j);
  }
  if (inputs & NOMOS_INPUT_TRACES) {
    const Vector trace = *(const Vector *)x_bar, square = *(const Vector *)(x_bar + TILE), determinant = *(const Vector *)(x_bar + 2 * TILE);
    (void)Matrix3Cofactors(p->f, a);
    for (int j = 0; j < 3; j++) w_bar[4 * j] += trace;
    ENTRIES f_bar[i] += 2 * square * p->f[i] + determinant * a[i];
  }
}

/* ---- outputs: P of y [.][TILE] ---- */

static void Outputs(NomosNetworkOutput output, const Frame *p, const Real *y, Matrix3 P)
{
  Matrix3 a;

  if (output == NOMOS_OUTPUT_MATRIX) {
    ENTRIES P[i] = *(const Vector *)(y + i * TILE);
  } else if (output == NOMOS_OUTPUT_ROTATED) {
    FromSymmetric(&y, 1, a);
    Matrix3Product(false, false, p->r, a, P);
  } else {
    ENTRIES a[i] = p->u[i] * *(const Vector *)(y + i % 3 * TILE);
    Matrix3Product(false, true, a, p->v, P);
  }
}

/* The part of a spectral matrix's derivative that turns with the factors: of its frame, entries (i, j) and (j, i) of a to those of b. It is its own transpose. */
static void SpectralTurn(const Frame *p, const Real *y, const Real *quotient, const Matrix3 a, Matrix3 b)
{
  for (int k = 0; k < 3; k++) {
    const int    i = (k + 1) % 3, j = (k + 2) % 3;
    const Vector even = (Real)0.5 * (a[3 * i + j] + a[3 * j + i]) * *(const Vector *)(quotient + k * TILE);
    const Vector odd  = (Real)0.5 * (a[3 * i + j] - a[3 * j + i]) * (*(const Vector *)(y + i * TILE) + *(const Vector *)(y + j * TILE)) * OverSum(p, i, j);
    b[3 * i + j] += even + odd;
    b[3 * j + i] += even - odd;
  }
}

static void OutputsTangent(NomosNetworkOutput output, const Frame *p, const Real *y, const Real *quotient, const Real *y_dot, const Matrix3 w, Matrix3 P_dot)
{
  Matrix3 a, b, c;

  if (output == NOMOS_OUTPUT_MATRIX) {
    ENTRIES P_dot[i] = *(const Vector *)(y_dot + i * TILE);
  } else if (output == NOMOS_OUTPUT_ROTATED) { /* R X_dot + U K V^T X */
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) a[3 * i + j] = (w[3 * i + j] - w[3 * j + i]) * OverSum(p, i, j);
    Matrix3Product(false, false, p->u, a, b);
    Matrix3Product(false, true, b, p->v, c);
    FromSymmetric(&y, 1, a);
    FromSymmetric(&y_dot, 1, b);
    Matrix3Product(false, false, c, a, P_dot);
    Matrix3Product(false, false, p->r, b, c);
    ENTRIES P_dot[i] += c[i];
  } else {
    ENTRIES a[i] = LaneFill(0);
    for (int j = 0; j < 3; j++) a[4 * j] = *(const Vector *)(y_dot + j * TILE);
    SpectralTurn(p, y, quotient, w, a);
    Matrix3Product(false, false, p->u, a, b);
    Matrix3Product(false, true, b, p->v, P_dot);
  }
}

/* y_bar of P_bar. */
static void OutputsBack(NomosNetworkOutput output, const Frame *p, const Matrix3 P_bar, Real *y_bar)
{
  Matrix3 a, b;

  if (output == NOMOS_OUTPUT_MATRIX) {
    ENTRIES *(Vector *)(y_bar + i * TILE) = P_bar[i];
  } else if (output == NOMOS_OUTPUT_ROTATED) {
    Matrix3Product(true, false, p->r, P_bar, a);
    for (int k = 0; k < 9; k++) b[k] = a[k] + (Real)(k % 4 != 0) * a[k % 3 * 3 + k / 3];
    Symmetric(b, &y_bar, 0);
  } else {
    Matrix3Product(true, false, p->u, P_bar, a);
    Matrix3Product(false, false, a, p->v, b);
    for (int j = 0; j < 3; j++) *(Vector *)(y_bar + j * TILE) = b[4 * j];
  }
}

/* w_bar gets added what P_bar makes by the turning of the factors. */
static void OutputsTurnBack(NomosNetworkOutput output, const Frame *p, const Real *y, const Real *quotient, const Matrix3 P_bar, Matrix3 w_bar)
{
  Matrix3 a, b, c;

  if (output == NOMOS_OUTPUT_MATRIX) return;
  if (output == NOMOS_OUTPUT_ROTATED) {
    FromSymmetric(&y, 1, a);
    Matrix3Product(false, false, P_bar, a, b);
    Matrix3Product(true, false, p->u, b, a);
    Matrix3Product(false, false, a, p->v, c);
    for (int i = 0; i < 3; i++)
      for (int j = i + 1; j < 3; j++) {
        const Vector turn = (c[3 * i + j] - c[3 * j + i]) * OverSum(p, i, j);
        w_bar[3 * i + j] += turn;
        w_bar[3 * j + i] -= turn;
      }
  } else {
    Matrix3Product(true, false, p->u, P_bar, a);
    Matrix3Product(false, false, a, p->v, b);
    SpectralTurn(p, y, quotient, b, w_bar);
  }
}

/* ---- the law ---- */

static void Pack(const NomosNetworkLawData *data, const double values[], double base, Real *weights, Real *transposed)
{
  if (data->kind->spline) NAME(NomosSplinePack)(base, values, weights);
  else NAME(NomosNetworkPack)(&data->shape, values, weights, transposed);
}

void NAME(NomosNetworkLawPack)(const NomosNetworkLawData *data, const double values[])
{
  Pack(data, values, data->kind->base, data->weights, data->transposed);
}

/* Frames and inputs of the tile at `start`, outputs and slopes. */
static void TileForward(const NomosNetworkLawData *data, size_t n, size_t stride, const Real *F, bool slopes, Frames *frames, NetworkTile *tile)
{
  FramesOf(data->kind, F, stride, n, frames);
  for (size_t v = 0; v < TILE_VECTORS; v++) Inputs(data->kind->inputs, &frames->at[v], tile->x + v * VECTOR);
  if (data->kind->spline) NAME(NomosSplineForward)(data->weights, tile);
  else NAME(NomosNetworkForward)(&data->shape, data->weights, slopes, tile);
  for (size_t v = 0; v < TILE_VECTORS && !data->kind->spline && data->kind->output == NOMOS_OUTPUT_SPECTRAL; v++)
    for (size_t k = 0; k < 3; k++) {
      const size_t  i = (k + 1) % 3, j = (k + 2) % 3;
      const Vector *s = frames->s[v], *y = (const Vector *)(tile->y + v * VECTOR);
      *(Vector *)(tile->quotient + k * TILE + v * VECTOR) = (y[i * TILE_VECTORS] - y[j * TILE_VECTORS]) * LaneGuardedInverse(s[i] - s[j], LaneAbs(s[0]));
    }
}

void NAME(NomosNetworkLawApply)(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept)
{
  const NomosNetworkLawData *data = law->data;
  const NomosNetworkLaw     *kind = data->kind;
  NetworkTile                tile;
  Frames                     frames;

  (void)kept;
  for (size_t start = 0; start < n; start += TILE) {
    TileForward(data, n - start, stride, (const Real *)F + start, false, &frames, &tile);
    for (size_t v = 0; v < TILE_VECTORS; v++) {
      const size_t at = start + v * VECTOR, count = CountAt(n, at);
      const Frame *p = &frames.at[v];
      Matrix3      P, result;
      Outputs(kind->output, p, tile.y + v * VECTOR, P);
      if (law->ops->kind == NOMOS_LAW_ELASTICITY) Matrix3Product(false, true, P, p->f, result);
      else ENTRIES result[i] = p->f[i] + (Real)NOMOS_NETWORK_ALPHA * P[i];
      Matrix3Store(result, (Real *)y + at, stride, count);
    }
  }
}

void NAME(NomosNetworkLawJvp)(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot)
{
  const NomosNetworkLawData *data = law->data;
  const NomosNetworkLaw     *kind = data->kind;
  NetworkTile                tile;
  NetworkTangent             dot;
  Frames                     frames;
  Real                       weights_dot[NOMOS_NETWORK_MAX_WEIGHTS];

  if (p_dot) Pack(data, p_dot, 0, weights_dot, NULL);
  for (size_t start = 0; start < n; start += TILE) {
    Matrix3 f_dot[TILE_VECTORS], w[TILE_VECTORS], a, P, P_dot;
    TileForward(data, n - start, stride, (const Real *)F + start, true, &frames, &tile);
    for (size_t v = 0; v < TILE_VECTORS; v++) {
      Matrix3Load((const Real *)F_dot + start + v * VECTOR, stride, CountAt(n, start + v * VECTOR), f_dot[v]);
      if (NeedsFactors(kind)) {
        Matrix3Product(true, false, frames.at[v].u, f_dot[v], a);
        Matrix3Product(false, false, a, frames.at[v].v, w[v]);
      }
      InputsTangent(kind->inputs, &frames.at[v], f_dot[v], w[v], dot.x + v * VECTOR);
    }
    if (kind->spline) NAME(NomosSplineTangent)(data->weights, p_dot ? weights_dot : NULL, &tile, &dot);
    else NAME(NomosNetworkTangent)(&data->shape, data->weights, p_dot ? weights_dot : NULL, &tile, &dot);
    for (size_t v = 0; v < TILE_VECTORS; v++) {
      const Frame *p = &frames.at[v];
      OutputsTangent(kind->output, p, tile.y + v * VECTOR, tile.quotient + v * VECTOR, dot.y + v * VECTOR, w[v], P_dot);
      if (law->ops->kind == NOMOS_LAW_ELASTICITY) {
        Outputs(kind->output, p, tile.y + v * VECTOR, P);
        Matrix3Product(false, true, P, f_dot[v], a);
        Matrix3Product(false, true, P_dot, p->f, P);
        ENTRIES P[i] += a[i];
      } else
        ENTRIES P[i] = f_dot[v][i] + (Real)NOMOS_NETWORK_ALPHA * P_dot[i];
      Matrix3Store(P, (Real *)y_dot + start + v * VECTOR, stride, CountAt(n, start + v * VECTOR));
    }
  }
}

/* P_bar of what is asked for at one vector of points; lanes that do not count get zero. */
static void ResultBack(NomosLaw law, const Frame *p, const Real *y_bar, size_t stride, size_t count, Matrix3 bar, Matrix3 P_bar)
{
  ENTRIES bar[i] = LaneLoad(y_bar + (size_t)i * stride, count, 0);
  if (law->ops->kind == NOMOS_LAW_ELASTICITY) Matrix3Product(false, false, bar, p->f, P_bar);
  else ENTRIES P_bar[i] = (Real)NOMOS_NETWORK_ALPHA * bar[i];
}

void NAME(NomosNetworkLawVjp)(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[])
{
  const NomosNetworkLawData *data = law->data;
  const NomosNetworkLaw     *kind = data->kind;
  NetworkTile                tile;
  NetworkTangent             bar;
  Frames                     frames;
  Real                       sums[NOMOS_NETWORK_MAX_WEIGHTS];

  (void)kept;
  memset(tile.x, 0, sizeof tile.x); /* rows beyond the inputs */
  if (p_bar) memset(sums, 0, sizeof *sums * (kind->spline ? SPLINE_TABLE : NAME(NomosNetworkSums)(&data->shape)));
  for (size_t start = 0; start < n; start += TILE) {
    Matrix3 result_bar, P_bar, P, f_bar, w_bar, a;
    TileForward(data, n - start, stride, (const Real *)F + start, true, &frames, &tile);
    for (size_t v = 0; v < TILE_VECTORS; v++) {
      ResultBack(law, &frames.at[v], (const Real *)y_bar + start + v * VECTOR, stride, CountAt(n, start + v * VECTOR), result_bar, P_bar);
      OutputsBack(kind->output, &frames.at[v], P_bar, bar.y + v * VECTOR);
    }
    if (kind->spline) NAME(NomosSplineBackward)(data->weights, &tile, &bar, p_bar ? sums : NULL);
    else NAME(NomosNetworkBackward)(&data->shape, data->transposed, &tile, &bar, p_bar ? sums : NULL);
    for (size_t v = 0; v < TILE_VECTORS; v++) {
      const size_t at = start + v * VECTOR, count = CountAt(n, at);
      const Frame *p  = &frames.at[v];
      ResultBack(law, p, (const Real *)y_bar + at, stride, count, result_bar, P_bar);
      if (law->ops->kind == NOMOS_LAW_ELASTICITY) {
        Outputs(kind->output, p, tile.y + v * VECTOR, P);
        Matrix3Product(true, false, result_bar, P, f_bar);
      } else
        ENTRIES f_bar[i] = result_bar[i];
      ENTRIES w_bar[i] = LaneFill(0);
      InputsBack(kind->inputs, p, bar.x + v * VECTOR, f_bar, w_bar);
      OutputsTurnBack(kind->output, p, tile.y + v * VECTOR, tile.quotient + v * VECTOR, P_bar, w_bar);
      if (NeedsFactors(kind)) {
        Matrix3Product(false, false, p->u, w_bar, P);
        Matrix3Product(false, true, P, p->v, a);
        ENTRIES f_bar[i] += a[i];
      }
      Matrix3Store(f_bar, (Real *)F_bar + at, stride, count);
    }
  }
  if (p_bar && kind->spline) NAME(NomosSplineUnpack)(sums, p_bar);
  else if (p_bar) NAME(NomosNetworkUnpack)(&data->shape, sums, p_bar);
}
