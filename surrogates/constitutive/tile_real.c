#include "surrogates/constitutive/tile.h"

/* ---- products: a block of c stays in registers while k runs ---- */

/* Rows of a block that is as wide as a tile, and of one of a single vector: as many sums as there are registers for, and enough of them to wait for none. */
enum { ROWS = NOMOS_VECTOR_BYTES == 64 ? 6 : 2, ROWS_ALONE = 2 * ROWS };

LANE_INLINE void Block(const TileProduct *p, size_t rows, size_t vectors, size_t i, size_t j)
{
  const Real *restrict a = p->a + i * p->lda, *restrict b = p->b + j;
  Real *restrict c       = p->c + i * p->ldc + j;
  Vector sum[ROWS_ALONE][TILE_VECTORS];

#pragma GCC unroll 12
  for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) sum[r][v] = p->add ? *(const Vector *)(c + r * p->ldc + v * VECTOR) : LaneFill(0);
  for (size_t k = 0; k < p->k; k++) {
    Vector line[TILE_VECTORS];
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) line[v] = *(const Vector *)(b + k * p->ldb + v * VECTOR);
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
      const Vector factor = LaneFill(a[r * p->lda + k]);
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; v++) sum[r][v] += factor * line[v];
    }
  }
#pragma GCC unroll 12
  for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) *(Vector *)(c + r * p->ldc + v * VECTOR) = sum[r][v];
}

LANE_INLINE void Columns(const TileProduct *p, size_t rows, size_t vectors, size_t j)
{
  size_t i = 0;
  for (; i + rows <= p->m; i += rows) Block(p, rows, vectors, i, j);
  for (; i + 2 <= p->m; i += 2) Block(p, 2, vectors, i, j);
  for (; i < p->m; i++) Block(p, 1, vectors, i, j);
}

void NAME(NomosTileProduct)(const TileProduct *product)
{
  size_t j = 0;
  for (; j + TILE <= product->n; j += TILE) Columns(product, ROWS, TILE_VECTORS, j);
  for (; j < product->n; j += VECTOR) Columns(product, ROWS_ALONE, 1, j);
}

static const LaneInt entries[16] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* VECTOR rows of VECTOR entries: blocks off the diagonal of half the size change places, then those within each block. */
LANE_INLINE void TransposeBlock(const Real *from, size_t ldf, Real *to, size_t ldt)
{
  Vector row[VECTOR];

#pragma GCC unroll 16
  for (size_t i = 0; i < VECTOR; i++) row[i] = *(const Vector *)(from + i * ldf);
#pragma GCC unroll 4
  for (size_t s = VECTOR / 2; s > 0; s /= 2) {
    const LaneMask entry = *(const LaneMask *)entries, far = ((entry & (LaneInt)s) != 0) & (LaneInt)(VECTOR - s), first = entry + far, second = first + (LaneInt)s;
#pragma GCC unroll 16
    for (size_t i = 0; i < VECTOR; i++)
      if (!(i & s)) {
        const Vector a = row[i], b = row[i + s];
        row[i]     = (Vector)__builtin_shuffle(a, b, first);
        row[i + s] = (Vector)__builtin_shuffle(a, b, second);
      }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < VECTOR; i++) *(Vector *)(to + i * ldt) = row[i];
}

void NAME(NomosTileTranspose)(size_t n, const Real *from, Real *to)
{
  for (size_t i = 0; i < n; i += VECTOR)
    for (size_t l = 0; l < TILE; l += VECTOR) TransposeBlock(from + i * TILE + l, TILE, to + l * n + i, n);
}

/* ---- the activation ---- */

/* Phi(-t) = exp(-t^2/2) R(u), t >= 0, u = (t - CENTRE)/(t + CENTRE): the map is that of Schonfelder (1978), doi:10.2307/2006350, the polynomial was fitted for the least |error| of Phi.
   2^f on |f| <= 1/2: fitted for the least relative error. */
#ifdef NOMOS_SINGLE
  #define CENTRE 3
static const Real tail[]  = {0.1215145174f, -0.2063844355f, 0.1233964867f, -0.0454668548f, 0.007870633146f, 0.005149491771f, 0.0005165547391f};
static const Real power[] = {1.000000072f, 0.6931469666f, 0.2402211978f, 0.0555071411f, 0.009675539047f, 0.00132762021f};
  #define ROUNDER  12582912.0f /* added to a number it leaves the nearest integer in the lowest bits */
  #define MANTISSA 23
  #define LOWEST   -120
#else
  #define CENTRE 3.5
static const Real tail[]  = {0.106345153633705764, -0.187139698784234279, 0.125855255134467702, -0.0616394140907340421, 0.0190655372791824267, -0.00156165924163218449, -0.00138075850636697867, 0.000392030017320422142, 0.000131757896328943773, -0.0000582212330945727312, -0.0000197140178509242219, 9.13221941662876251e-6, 5.38366609065794664e-6, -2.00168324353516903e-7, -9.22929554106768874e-7, -3.14635674587446229e-7, -3.80729604542598422e-8};
static const Real power[] = {0.9999999999999999971, 0.6931471805599453305, 0.240226506959101562, 0.05550410866481991954, 0.009618129107588337443, 0.001333355814679038978, 0.000154035304625119743, 0.00001525273348955548873, 1.321543309079891204e-6, 1.017819819660606504e-7, 7.074105433803079402e-9, 4.435257057130563209e-10};
  #define ROUNDER  6755399441055744.0
  #define MANTISSA 52
  #define LOWEST   -1000
#endif

LANE_INLINE Vector Polynomial(size_t n, const Real p[], Vector x)
{
  Vector y = LaneFill(p[n - 1]);
#pragma GCC unroll 20
  for (size_t i = n - 1; i > 0; i--) y = y * x + p[i - 1];
  return y;
}

/* 2^y for LOWEST <= y <= 0, at LOWEST what is below. */
LANE_INLINE Vector PowerOfTwo(Vector y)
{
  const Vector bounded = LaneMax(y, LaneFill(LOWEST)), shifted = bounded + (Real)ROUNDER, fraction = bounded - (shifted - (Real)ROUNDER);
  return (Vector)((LaneMask)Polynomial(sizeof power / sizeof *power, power, fraction) + ((LaneMask)shifted << MANTISSA));
}

void NAME(NomosTileGelu)(size_t n, const Real *z, Real *h, Real *slope)
{
  for (size_t i = 0; i < n; i += VECTOR) {
    const Vector   x = *(const Vector *)(z + i), t = LaneAbs(x), u = 1 - (Real)(2 * CENTRE) * LaneReciprocal(t + (Real)CENTRE);
    const LaneMask positive = x > 0;
    const Vector   gauss = PowerOfTwo((Real)-0.72134752044448170368 * t * t), q = gauss * Polynomial(sizeof tail / sizeof *tail, tail, u); /* Phi(-t) */
    *(Vector *)(h + i) = LaneSelect(positive, x, LaneFill(0)) - t * q;
    if (slope) { /* Phi(x) + x phi(x) */
      const Vector side = q - (Real)0.39894228040143267794 * t * gauss;
      *(Vector *)(slope + i) = LaneSelect(positive, 1 - side, side);
    }
  }
}
