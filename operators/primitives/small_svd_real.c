/* Singular values and rotations of many small matrices: one-sided Jacobi rotations (Hestenes 1958, doi:10.1137/0106005) make the columns of f v orthogonal, their lengths are the
   singular values. Small singular values are as accurate as large ones. TILE matrices go together, entry by entry, so that loops run over vectors; every matrix gets the same
   rotations in the same order, enough for the hardest. */
#include "operators/primitives/small_matrix_impl.h"
#include "operators/primitives/vector.h"

#include <math.h>
#include <string.h>

#ifdef NOMOS_SINGLE
  #define GUARD NOMOS_SMALL_GUARD_F32
  #define TINY  1e-37f
enum { SWEEPS = 5 };
#else
  #define GUARD NOMOS_SMALL_GUARD_F64
  #define TINY  1e-307
enum { SWEEPS = 6 };
#endif
enum { TILE = 64, PARALLEL = 1 << 9 };

typedef Real Lane[TILE]; /* one entry of all matrices */
#define EACH for (size_t l = 0; l < TILE; l++)

static inline Real Sqrt(Real x)
{
  return sizeof(Real) == sizeof(float) ? (Real)sqrtf((float)x) : (Real)sqrt((double)x);
}
static inline Real Abs(Real x)
{
  return x < 0 ? -x : x;
}

/* Entries of `count` matrices; those beyond are zero. */
static void Load(size_t entries, size_t count, const Real *from, Lane *to)
{
  memset(to, 0, sizeof *to * entries);
  for (size_t l = 0; l < count; l++)
    for (size_t i = 0; i < entries; i++) to[i][l] = from[l * entries + i];
}

/* Columns p and q of b and of v turned so that those of b are orthogonal. */
static void Turn(size_t d, size_t p, size_t q, Lane *b, Lane *v)
{
  Lane alpha = {0}, beta = {0}, gamma = {0}, c, s;

  for (size_t i = 0; i < d; i++) EACH {
      alpha[l] += b[i * d + p][l] * b[i * d + p][l];
      beta[l] += b[i * d + q][l] * b[i * d + q][l];
      gamma[l] += b[i * d + p][l] * b[i * d + q][l];
    }
  EACH
  {
    const Real difference = beta[l] - alpha[l], twice = 2 * gamma[l], size = Sqrt(difference * difference + twice * twice);
    const Real divisor = Abs(difference) + size, tangent = (difference < 0 ? -twice : twice) / (divisor > 0 ? divisor : 1);
    c[l] = 1 / Sqrt(1 + tangent * tangent);
    s[l] = c[l] * tangent;
  }
  for (size_t i = 0; i < d; i++) EACH {
      const Real bp = b[i * d + p][l], bq = b[i * d + q][l], vp = v[i * d + p][l], vq = v[i * d + q][l];
      b[i * d + p][l] = c[l] * bp - s[l] * bq;
      b[i * d + q][l] = s[l] * bp + c[l] * bq;
      v[i * d + p][l] = c[l] * vp - s[l] * vq;
      v[i * d + q][l] = s[l] * vp + c[l] * vq;
    }
}

/* Exchange columns p and q, one with its sign changed, where the second is longer. */
static void Order(size_t d, size_t p, size_t q, Lane *b, Lane *v)
{
  Lane alpha = {0}, beta = {0};

  for (size_t i = 0; i < d; i++) EACH {
      alpha[l] += b[i * d + p][l] * b[i * d + p][l];
      beta[l] += b[i * d + q][l] * b[i * d + q][l];
    }
  for (size_t i = 0; i < d; i++) EACH {
      const bool change = beta[l] > alpha[l];
      const Real bp = b[i * d + p][l], bq = b[i * d + q][l], vp = v[i * d + p][l], vq = v[i * d + q][l];
      b[i * d + p][l] = change ? bq : bp;
      b[i * d + q][l] = change ? -bp : bq;
      v[i * d + p][l] = change ? vq : vp;
      v[i * d + q][l] = change ? -vp : vq;
    }
}

/* u, v [d d] and s [d] of the matrices in f [d d]. */
static void Factorise(size_t d, Lane *f, Lane *u, Lane *v, Lane *s)
{
  Lane scale = {0}, length;

  for (size_t i = 0; i < d * d; i++) EACH scale[l] = Abs(f[i][l]) > scale[l] ? Abs(f[i][l]) : scale[l];
  EACH scale[l] = scale[l] > TINY ? scale[l] : 1;
  for (size_t i = 0; i < d * d; i++) EACH {
      f[i][l] /= scale[l];
      v[i][l] = i % (d + 1) == 0;
    }
  for (int sweep = 0; sweep < SWEEPS; sweep++)
    for (size_t p = 0; p < d; p++)
      for (size_t q = p + 1; q < d; q++) Turn(d, p, q, f, v);
  Order(d, 0, 1, f, v);
  if (d == 3) {
    Order(d, 1, 2, f, v);
    Order(d, 0, 1, f, v);
  }
  /* u: the first column along the first of f v; of a zero matrix the first unit vector. */
  EACH length[l] = 0;
  for (size_t i = 0; i < d; i++) EACH length[l] += f[i * d][l] * f[i * d][l];
  EACH length[l] = Sqrt(length[l]);
  EACH s[0][l]   = length[l];
  for (size_t i = 0; i < d; i++) EACH u[i * d][l] = length[l] > 0 ? f[i * d][l] / length[l] : i == 0;
  if (d == 2) {
    EACH
    {
      u[1][l] = -u[2][l];
      u[3][l] = u[0][l];
    }
  } else {
    /* The second along the second, made orthogonal once more; of a matrix of rank one any that is orthogonal to the first. */
    Lane along = {0};
    for (size_t i = 0; i < 3; i++) EACH along[l] += u[i * 3][l] * f[i * 3 + 1][l];
    EACH
    {
      const Real x = f[1][l] - along[l] * u[0][l], y = f[4][l] - along[l] * u[3][l], z = f[7][l] - along[l] * u[6][l];
      const Real n2 = x * x + y * y + z * z, limit = s[0][l] * (Real)(sizeof(Real) == sizeof(float) ? 1e-7 : 1e-15);
      const bool found = n2 > limit * limit && n2 > 0;
      /* The unit vector least along u0, less its part along it. */
      const Real ax = Abs(u[0][l]), ay = Abs(u[3][l]), az = Abs(u[6][l]);
      const bool by_x = ax <= ay && ax <= az, by_y = !by_x && ay <= az;
      const Real part = by_x ? u[0][l] : by_y ? u[3][l] : u[6][l];
      const Real ox = (by_x ? 1 : 0) - part * u[0][l], oy = (by_y ? 1 : 0) - part * u[3][l], oz = (by_x || by_y ? 0 : 1) - part * u[6][l];
      const Real n = 1 / Sqrt(found ? n2 : ox * ox + oy * oy + oz * oz);
      u[1][l] = n * (found ? x : ox);
      u[4][l] = n * (found ? y : oy);
      u[7][l] = n * (found ? z : oz);
    }
    EACH
    {
      u[2][l] = u[3][l] * u[7][l] - u[6][l] * u[4][l];
      u[5][l] = u[6][l] * u[1][l] - u[0][l] * u[7][l];
      u[8][l] = u[0][l] * u[4][l] - u[3][l] * u[1][l];
    }
  }
  for (size_t j = 1; j < d; j++) {
    EACH s[j][l] = 0;
    for (size_t i = 0; i < d; i++) EACH s[j][l] += u[i * d + j][l] * f[i * d + j][l];
  }
  for (size_t j = 0; j < d; j++) EACH s[j][l] *= scale[l];
}

/* c = op(a) op(b) */
static void Product(size_t d, bool ta, bool tb, Lane *a, Lane *b, Lane *c)
{
  for (size_t i = 0; i < d; i++)
    for (size_t j = 0; j < d; j++) {
      Lane *to = &c[i * d + j];
      EACH(*to)[l] = 0;
      for (size_t k = 0; k < d; k++) {
        const Lane *x = &a[ta ? k * d + i : i * d + k], *y = &b[tb ? j * d + k : k * d + j];
        EACH(*to)[l] += (*x)[l] * (*y)[l];
      }
    }
}

void NAME(NomosSmallSvd)(size_t n, size_t d, const void *f_data, void *factors)
{
  const size_t n_tiles = Blocks(n, TILE), width = 2 * d + 1;

#pragma omp parallel for schedule(static) if (n >= PARALLEL)
  for (size_t tile = 0; tile < n_tiles; tile++) {
    const size_t first = tile * TILE, count = Smaller(TILE, n - first);
    Lane         f[9], u[9], v[9], s[3];
    Load(d * d, count, (const Real *)f_data + first * d * d, f);
    Factorise(d, f, u, v, s);
    for (size_t l = 0; l < count; l++)
      for (size_t i = 0; i < d; i++) {
        Real *to = (Real *)factors + ((first + l) * d + i) * width;
        for (size_t j = 0; j < d; j++) {
          to[j]     = u[i * d + j][l];
          to[d + j] = v[i * d + j][l];
        }
        to[2 * d] = s[i][l];
      }
  }
}

void NAME(NomosSmallRotation)(size_t n, size_t d, const void *f_data, void *r_data)
{
  const size_t n_tiles = Blocks(n, TILE);

#pragma omp parallel for schedule(static) if (n >= PARALLEL)
  for (size_t tile = 0; tile < n_tiles; tile++) {
    const size_t first = tile * TILE, count = Smaller(TILE, n - first);
    Lane         f[9], u[9], v[9], s[3];
    Load(d * d, count, (const Real *)f_data + first * d * d, f);
    Factorise(d, f, u, v, s);
    Product(d, false, true, u, v, f);
    for (size_t l = 0; l < count; l++)
      for (size_t i = 0; i < d * d; i++) ((Real *)r_data)[(first + l) * d * d + i] = f[i][l];
  }
}

void NAME(NomosSmallSvdBack)(size_t n, size_t d, const void *factors, const void *factors_bar, void *f_bar)
{
  const size_t n_tiles = Blocks(n, TILE), width = 2 * d + 1;

#pragma omp parallel for schedule(static) if (n >= PARALLEL)
  for (size_t tile = 0; tile < n_tiles; tile++) {
    const size_t first = tile * TILE, count = Smaller(TILE, n - first);
    Lane         packed[2][21], part[2][2][9], product[2][9], q[9], t[9], guard;

    for (int bar = 0; bar < 2; bar++) {
      Load(d * width, count, (const Real *)(bar ? factors_bar : factors) + first * d * width, packed[bar]);
      for (int which = 0; which < 2; which++)
        for (size_t i = 0; i < d; i++)
          for (size_t j = 0; j < d; j++) memcpy(part[bar][which][i * d + j], packed[bar][i * width + (size_t)which * d + j], sizeof(Lane));
    }
    EACH guard[l] = 0;
    for (size_t i = 0; i < d; i++) EACH guard[l] += packed[0][i * width + 2 * d][l] * packed[0][i * width + 2 * d][l];
    EACH guard[l] = (Real)(GUARD * GUARD) * (guard[l] + (Real)NOMOS_SMALL_TINY);
    for (int which = 0; which < 2; which++) Product(d, true, false, part[0][which], part[1][which], product[which]);
    for (size_t i = 0; i < d; i++)
      for (size_t j = 0; j < d; j++) {
        const Lane *si = &packed[0][i * width + 2 * d], *sj = &packed[0][j * width + 2 * d], *bar = &packed[1][i * width + 2 * d];
        if (i == j) {
          memcpy(q[i * d + j], *bar, sizeof(Lane));
          continue;
        }
        EACH
        {
          const Real a = product[0][i * d + j][l] - product[0][j * d + i][l], b = product[1][i * d + j][l] - product[1][j * d + i][l];
          const Real difference = (*sj)[l] - (*si)[l], sum = (*sj)[l] + (*si)[l];
          q[i * d + j][l] = (Real)0.5 * ((a + b) * difference / (difference * difference + guard[l]) + (a - b) * sum / (sum * sum + guard[l]));
        }
      }
    Product(d, false, false, part[0][0], q, t);
    Product(d, false, true, t, part[0][1], q);
    for (size_t l = 0; l < count; l++)
      for (size_t i = 0; i < d * d; i++) ((Real *)f_bar)[(first + l) * d * d + i] = q[i][l];
  }
}

void NAME(NomosSmallRotationBack)(size_t n, size_t d, const void *f_data, const void *r_data, const void *r_bar, void *f_bar)
{
  const size_t n_tiles = Blocks(n, TILE);

#pragma omp parallel for schedule(static) if (n >= PARALLEL)
  for (size_t tile = 0; tile < n_tiles; tile++) {
    const size_t first = tile * TILE, count = Smaller(TILE, n - first);
    Lane         f[9], r[9], bar[9], s[9], w[9], z[9], trace, size;

    Load(d * d, count, (const Real *)f_data + first * d * d, f);
    Load(d * d, count, (const Real *)r_data + first * d * d, r);
    Load(d * d, count, (const Real *)r_bar + first * d * d, bar);
    Product(d, true, false, r, f, s);
    Product(d, true, false, r, bar, z);
    EACH
    {
      trace[l] = 0;
      size[l]  = (Real)NOMOS_SMALL_TINY;
    }
    for (size_t i = 0; i < d; i++) EACH trace[l] += s[i * d + i][l];
    for (size_t i = 0; i < d * d; i++) EACH size[l] += f[i][l] * f[i][l];
    for (size_t i = 0; i < d; i++)
      for (size_t j = 0; j < d; j++) EACH w[i * d + j][l] = z[i * d + j][l] - z[j * d + i][l];
    if (d == 2) EACH {
        const Real factor = trace[l] / (trace[l] * trace[l] + (Real)(GUARD * GUARD) * size[l]);
        for (size_t i = 0; i < 4; i++) z[i][l] = factor * w[i][l];
      }
    else {
      Lane g[9], h[9], determinant;
      EACH
      {
        determinant[l] = 0;
        size[l]        = Sqrt(size[l]);
      }
      for (size_t i = 0; i < 9; i++) EACH g[i][l] = ((i % 4 == 0 ? trace[l] : 0) - s[i][l]) / size[l];
      for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
          const size_t i1 = (i + 1) % 3 * 3, i2 = (i + 2) % 3 * 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
          EACH h[j * 3 + i][l] = g[i1 + j1][l] * g[i2 + j2][l] - g[i1 + j2][l] * g[i2 + j1][l]; /* the adjugate */
        }
      for (size_t j = 0; j < 3; j++) EACH determinant[l] += g[j][l] * h[j * 3][l];
      EACH
      {
        const Real factor = determinant[l] / (determinant[l] * determinant[l] + (Real)(GUARD * GUARD)) / size[l];
        for (size_t i = 0; i < 9; i++) h[i][l] *= factor;
        const Real half = (Real)0.5 * (h[0][l] + h[4][l] + h[8][l]);
        for (size_t i = 0; i < 9; i++) h[i][l] = (i % 4 == 0 ? half : 0) - h[i][l];
      }
      Product(3, false, false, h, w, z);
      Product(3, false, false, w, h, g);
      for (size_t i = 0; i < 9; i++) EACH z[i][l] += g[i][l];
    }
    Product(d, false, false, r, z, f);
    for (size_t l = 0; l < count; l++)
      for (size_t i = 0; i < d * d; i++) ((Real *)f_bar)[(first + l) * d * d + i] = f[i][l];
  }
}
