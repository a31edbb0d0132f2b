/* Principal stretches and directions of many deformation gradients, one in each lane of a vector. For *_real.c files of this folder.

   F = U diag(s) V^T with rotations U and V. Kernels of isotropic laws need U, s and W = F^T U = V diag(s) only: a result U diag(y) U^T or U diag(y) V^T = U diag(y/s) U^T F. */
#ifndef NOMOS_SURROGATES_PRINCIPAL_LANES_H
#define NOMOS_SURROGATES_PRINCIPAL_LANES_H

#include "operators/lanes.h"

/* Stretches below the floor count as the floor: a particle that was turned inside out by a step still has a law. */
#define STRETCH_FLOOR ((Real)0.01)

#ifdef NOMOS_SINGLE
  #define CLOSE ((Real)1e-2) /* below this relative difference, divided differences are taken from derivatives */
enum { JACOBI_SWEEPS = 5 };
#else
  #define CLOSE ((Real)3e-4)
enum { JACOBI_SWEEPS = 7 };
#endif

/* Other numbers of points than matrices, entries `stride` apart; lanes beyond `count` get 0. */
static inline void LanesLoad(size_t entries, size_t stride, size_t count, const Real *from, Vector to[])
{
  for (size_t e = 0; e < entries; e++) to[e] = LaneLoad(from + e * stride, count, 0);
}
static inline void LanesStore(size_t entries, size_t stride, size_t count, const Vector from[], Real *to)
{
  for (size_t e = 0; e < entries; e++) LaneStore(from[e], to + e * stride, count);
}

typedef struct {
  Vector   u[9], w[9]; /* column a: principal direction a, and s_a times that of the reference state */
  Vector   s[3];       /* in no order; the least is negative where det F is */
  Vector   e[3];       /* log max(s, floor) */
  LaneMask inside[3];  /* above the floor */
} Principal;

static inline void PrincipalLogarithms(Principal *p)
{
  for (int a = 0; a < 3; a++) {
    p->inside[a] = p->s[a] > STRETCH_FLOOR;
    p->e[a]      = LaneLog(LaneMax(p->s[a], LaneFill(STRETCH_FLOOR)));
  }
}

/* Jacobi's rotations (1846, doi:10.1515/crll.1846.30.51) of F F^T, as many as the hardest needs; then lengths of the columns of F^T U. */
static inline void PrincipalOf(const Vector f[9], Principal *p)
{
  Vector b[9];

  Matrix3Product(false, true, f, f, b);
  for (int i = 0; i < 9; i++) p->u[i] = LaneFill(i % 4 == 0);
  bool turned = true;
  for (int sweep = 0; turned && sweep < JACOBI_SWEEPS; sweep++) {
    turned = false;
#pragma GCC unroll 3
    for (int turn = 0; turn < 3; turn++) {
      const int      i = turn == 2, j = turn ? 2 : 1, k = 3 - i - j;
      const Vector   difference = b[4 * j] - b[4 * i];
      const LaneMask any        = LaneAbs(b[3 * i + j]) > (Real)(LANE_EPSILON / 16) * (b[4 * i] + b[4 * j]); /* nothing left but rounding (and its squares, slow to compute with) is zero */
      turned |= LaneAny(any);
      const Vector off = LaneSelect(any, b[3 * i + j], LaneFill(0)), size2 = difference * difference + 4 * off * off;
      const Vector inverse = LaneRsqrt(LaneSelect(any, size2, LaneFill(1))), c2 = LaneSelect(any, (Real)0.5 + (Real)0.5 * LaneAbs(difference) * inverse, LaneFill(1));
      const Vector ic = LaneRsqrt(c2), c = LaneSelect(any, c2 * ic, LaneFill(1)), sine = off * inverse * ic, s = LaneSelect(difference < 0, -sine, sine);
      const Vector shift = s * ic * off, ik = b[3 * i + k], jk = b[3 * j + k];
      b[4 * i] -= shift;
      b[4 * j] += shift;
      b[3 * i + j] = b[3 * j + i] = LaneFill(0);
      b[3 * i + k] = b[3 * k + i] = c * ik - s * jk;
      b[3 * j + k] = b[3 * k + j] = s * ik + c * jk;
#pragma GCC unroll 3
      for (int row = 0; row < 3; row++) {
        const Vector x = p->u[3 * row + i], y = p->u[3 * row + j];
        p->u[3 * row + i] = c * x - s * y;
        p->u[3 * row + j] = s * x + c * y;
      }
    }
  }
  Matrix3Product(true, false, f, p->u, p->w);
  for (int a = 0; a < 3; a++) p->s[a] = LaneRoot(p->w[a] * p->w[a] + p->w[3 + a] * p->w[3 + a] + p->w[6 + a] * p->w[6 + a]);
  const Vector   determinant = f[0] * (f[4] * f[8] - f[5] * f[7]) + f[1] * (f[5] * f[6] - f[3] * f[8]) + f[2] * (f[3] * f[7] - f[4] * f[6]);
  const Vector   least       = LaneMin(LaneMin(p->s[0], p->s[1]), p->s[2]);
  const LaneMask inverted    = determinant < 0;
  LaneMask       done        = (LaneMask){0};
  for (int a = 0; a < 3; a++) {
    const LaneMask here = inverted & (p->s[a] == least) & ~done;
    done |= here;
    p->s[a] = LaneSelect(here, -p->s[a], p->s[a]);
  }
  PrincipalLogarithms(p);
}

static inline void PrincipalKeep(const Principal *p, size_t stride, size_t count, Real *kept)
{
  LanesStore(9, stride, count, p->u, kept);
  LanesStore(9, stride, count, p->w, kept + 9 * stride);
  LanesStore(3, stride, count, p->s, kept + 18 * stride);
}
static inline void PrincipalRestore(size_t stride, size_t count, const Real *kept, Principal *p)
{
  LanesLoad(9, stride, count, kept, p->u);
  LanesLoad(9, stride, count, kept + 9 * stride, p->w);
  LanesLoad(3, stride, count, kept + 18 * stride, p->s);
  PrincipalLogarithms(p);
}

#endif
