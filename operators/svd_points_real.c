/* Singular values of 3 x 3 matrices: eigenvectors u of f f^T by cyclic Jacobi rotations of that symmetric matrix, which are cheap but lose small singular values; then the rotations that the columns of f^T u
   still lack to be orthogonal (Hestenes 1958, doi:10.1137/0106005), which find them. The number of rotations is fixed. What decides the speed is the chain of operations from one rotation to the next: so there
   are neither divisions nor roots in it, angles are only as exact as the next sweep needs, and several vectors of points go side by side. */
#include "operators/points.h"

#ifdef NOMOS_SINGLE
  #define TINY  ((Real)1e-18)
  #define MAGIC 0x5f375a86
typedef int32_t     Bits;
typedef signed char Narrow;
enum { SWEEPS = 3, LAST_SWEEPS = 1, ROOT_STEPS = 3, NORM_STEPS = 1 };
#else
  #define TINY  ((Real)1e-150)
  #define MAGIC 0x5fe6eb50c7b537a9
typedef int64_t Bits;
typedef int16_t Narrow;
enum { SWEEPS = 3, LAST_SWEEPS = 2, ROOT_STEPS = 4, NORM_STEPS = 2 };
#endif

/* 1/sqrt(x) of x > 0 by Newton steps from what half the exponent says: of relative error 2e-3 after one, to rounding after ROOT_STEPS. A division and a root would take longer than all else here. */
INLINE Real OverRoot(Real x, int steps)
{
  Bits bits;
  Real y;
  memcpy(&bits, &x, sizeof bits);
  bits = MAGIC - (bits >> 1);
  memcpy(&y, &bits, sizeof y);
  UNROLL for (int i = 0; i < steps; i++) y += y * ((Real)0.5 - (Real)0.5 * x * y * y);
  return y;
}

/* cosine and sine of the Jacobi rotation, of an angle up to 45 degrees, that makes [[alpha, gamma], [gamma, beta]] diagonal, nearly: the angle as good as `steps` make it, c^2 + s^2 = 1 to rounding */
INLINE void Angle(Real alpha, Real beta, Real gamma, int steps, Real *c, Real *s)
{
  const Real difference = beta - alpha, size = Abs(difference) + TINY, w = OverRoot(size * size + 4 * gamma * gamma, steps);
  const Real x = (Real)0.5 + (Real)0.5 * size * w, y = (difference < 0 ? -gamma : gamma) * w, square = x * x + y * y; /* cos^2, cos sin; cos^2 */
  const Real over = (Real)2.9317838 - square * ((Real)5.4838472 - square * ((Real)6.8182990 - square * ((Real)4.4187585 - square * (Real)1.1525860))); /* of error 8e-5 between 1/2 and 1 */
  *c = x * over;
  *s = y * over;
  UNROLL for (int i = 0; i < NORM_STEPS; i++) {
    const Real half = (Real)0.5 - (Real)0.5 * *c * *c - (Real)0.5 * *s * *s;
    *c += *c * half;
    *s += *s * half;
  }
}

/* Columns p and q of m turned. */
INLINE void TurnColumns(Matrix *m, int p, int q, Real c, Real s)
{
  UNROLL for (int i = 0; i < 9; i += 3) {
    const Real x = m->a[i + p], y = m->a[i + q];
    m->a[i + p] = c * x - s * y;
    m->a[i + q] = s * x + c * y;
  }
}

/* Of the symmetric b (of which the upper part counts), and of u. */
INLINE void TurnSymmetric(Matrix *b, Matrix *u, int p, int q, int pq, int pr, int qr)
{
  Real       c, s;
  Angle(b->a[4 * p], b->a[4 * q], b->a[pq], 1, &c, &s);
  const Real alpha = b->a[4 * p], beta = b->a[4 * q], gamma = b->a[pq], x = b->a[pr], y = b->a[qr];
  const Real cc = c * c, cs = c * s, shift = s * s * (beta - alpha) - 2 * cs * gamma;
  b->a[4 * p] = alpha + shift;
  b->a[4 * q] = beta - shift;
  b->a[pq]    = cs * (alpha - beta) + (2 * cc - 1) * gamma;
  b->a[pr]    = c * x - s * y;
  b->a[qr]    = s * x + c * y;
  TurnColumns(u, p, q, c, s);
}

/* One-sided: columns of g made orthogonal. */
INLINE void TurnOneSided(Matrix *g, Matrix *u, int p, int q)
{
  Real c, s, alpha = 0, beta = 0, gamma = 0;
  UNROLL for (int i = 0; i < 9; i += 3) {
    alpha += g->a[i + p] * g->a[i + p];
    beta += g->a[i + q] * g->a[i + q];
    gamma += g->a[i + p] * g->a[i + q];
  }
  Angle(alpha, beta, gamma, 2, &c, &s);
  TurnColumns(g, p, q, c, s);
  TurnColumns(u, p, q, c, s);
}

INLINE void OrderColumns(Matrix *g, Matrix *u, Triple *length2, int p, int q)
{
  const bool change = length2->a[q] > length2->a[p];
  const Real x = length2->a[p], y = length2->a[q];
  length2->a[p] = change ? y : x;
  length2->a[q] = change ? x : y;
  UNROLL for (int i = 0; i < 9; i += 3) {
    const Real gp = g->a[i + p], gq = g->a[i + q], up = u->a[i + p], uq = u->a[i + q];
    g->a[i + p] = change ? gq : gp;
    g->a[i + q] = change ? -gp : gq;
    u->a[i + p] = change ? uq : up;
    u->a[i + q] = change ? -up : uq;
  }
}

INLINE void Svd(Matrix f, Matrix *u, Triple *s, Matrix *v)
{
  Matrix b = Times(f, Transposed(f)), g;
  UNROLL for (int e = 0; e < 9; e++) u->a[e] = e % 4 == 0;
  UNROLL for (int sweep = 0; sweep < SWEEPS; sweep++) {
    TurnSymmetric(&b, u, 0, 1, 1, 2, 5);
    TurnSymmetric(&b, u, 0, 2, 2, 1, 5);
    TurnSymmetric(&b, u, 1, 2, 5, 1, 2);
  }
  g = Times(Transposed(f), *u);
  UNROLL for (int sweep = 0; sweep < LAST_SWEEPS; sweep++) {
    TurnOneSided(&g, u, 0, 1);
    TurnOneSided(&g, u, 0, 2);
    TurnOneSided(&g, u, 1, 2);
  }
  Triple length2;
  UNROLL for (int j = 0; j < 3; j++) length2.a[j] = g.a[j] * g.a[j] + g.a[3 + j] * g.a[3 + j] + g.a[6 + j] * g.a[6 + j];
  OrderColumns(&g, u, &length2, 0, 1);
  OrderColumns(&g, u, &length2, 1, 2);
  OrderColumns(&g, u, &length2, 0, 1);
  /* v: along g's first column; along its second, made orthogonal; across both. The last singular value has the sign that is left. Of matrices of rank one or none: any rotation that fits. */
  const Real tiny = sizeof(Real) == sizeof(float) ? (Real)1e-30 : (Real)1e-200;
  const bool some = length2.a[0] > tiny;
  const Real i0 = OverRoot(some ? length2.a[0] : 1, ROOT_STEPS), x = some ? g.a[0] * i0 : 1, y = some ? g.a[3] * i0 : 0, z = some ? g.a[6] * i0 : 0;
  const Real along = x * g.a[1] + y * g.a[4] + z * g.a[7], ox = g.a[1] - along * x, oy = g.a[4] - along * y, oz = g.a[7] - along * z;
  const bool more = ox * ox + oy * oy + oz * oz > tiny, by_z = Abs(z) < (Real)0.7; /* else across the first: (y, -x, 0) or (0, z, -y) */
  const Real qx = more ? ox : by_z ? y : 0, qy = more ? oy : by_z ? -x : z, qz = more ? oz : by_z ? 0 : -y;
  const Real i1 = OverRoot(qx * qx + qy * qy + qz * qz, ROOT_STEPS), px = qx * i1, py = qy * i1, pz = qz * i1;
  v->a[0] = x;
  v->a[3] = y;
  v->a[6] = z;
  v->a[1] = px;
  v->a[4] = py;
  v->a[7] = pz;
  v->a[2] = y * pz - z * py;
  v->a[5] = z * px - x * pz;
  v->a[8] = x * py - y * px;
  UNROLL for (int j = 0; j < 3; j++) s->a[j] = v->a[j] * g.a[j] + v->a[3 + j] * g.a[3 + j] + v->a[6 + j] * g.a[6 + j];
}

void NAME(NomosSvdPoints)(Lanes f[9], Lanes u[9], Lanes s[3], Lanes v[9])
{
  Narrow beside[BLOCK];

  memset(beside, 0, sizeof beside);
  EACH(l) {
    Matrix u_l, v_l;
    Triple s_l;
    Svd(Get(f, l), &u_l, &s_l, &v_l);
    Put(u_l, u, l);
    Put(v_l, v, l);
    PutTriple(s_l, s, l);
    beside[l]++; /* gcc takes as many points at a time as the narrowest type of a loop has in one vector: four vectors of Real */
  }
  __asm__ volatile("" : : "m"(beside));
}
