/* The kernels of the learned hyperelastic law. With A = U^T sym(tau_bar) U in principal directions,

     F_bar = U M U^T F,   M_ii = (f''(e_i) A_ii + J (J g'(J))' tr A)/s_i^2,   M_ij = 2 A_ij (t_i - t_j)/(s_i^2 - s_j^2)        e_i = log s_i, J = s_1 s_2 s_3

   The divided difference is one of f' over e_i, times (e_i - e_j)/(s_i^2 - s_j^2) = 1/(2 s_i s_j sinhc(e_i - e_j)): finite where stretches coincide.
   The tangent is the transpose of this, by way of the change of F F^T. */
#include "surrogates/constitutive/hyperelastic_impl.h"

#include "surrogates/constitutive/curve_lanes.h"

typedef struct {
  CurveTable f, g;
} Tables;

static Tables TablesOf(const NomosHyperelastic *law, const NomosCurvePieces pieces[NOMOS_HYPERELASTIC_CURVES])
{
  return (Tables){.f = CurveTableOf(&law->curve[0], &pieces[0]), .g = CurveTableOf(&law->curve[1], &pieces[1])};
}

/* t_i and their slopes. */
typedef struct {
  Vector t[3], f2[3], g2, J; /* g2 = d(J g'(J))/d log J */
} Stresses;

static inline Vector Volume(const Principal *p)
{
  const Vector floor = LaneFill(STRETCH_FLOOR);
  return LaneMax(p->s[0], floor) * LaneMax(p->s[1], floor) * LaneMax(p->s[2], floor);
}

static inline void StressesAt(const Tables *tables, const Principal *p, Stresses *s)
{
  Vector pressure, curvature;

  s->J = Volume(p);
  CurveAt(&tables->g, s->J - 1, &pressure, &curvature);
  pressure *= s->J;
  s->g2 = pressure + s->J * s->J * curvature;
  for (int a = 0; a < 3; a++) {
    CurveAt(&tables->f, p->e[a], &s->t[a], &s->f2[a]);
    s->t[a] += pressure;
  }
}

/* u diag(t) u^T and the like: u m u^T of a symmetric m. */
static inline void FromPrincipal(const Vector u[9], const Vector m[9], Vector result[9])
{
  Vector um[9];
  Matrix3Product(false, false, u, m, um);
  Matrix3Product(false, true, um, u, result);
}

/* (t_i - t_j)/(s_i^2 - s_j^2) */
static inline Vector Divided(const Tables *tables, const Principal *p, const Stresses *s, int i, int j)
{
  const Vector   si = p->s[i], sj = p->s[j], difference = si - sj, sum = si + sj, d = p->e[i] - p->e[j];
  const LaneMask close = difference * difference < sum * sum * (CLOSE * CLOSE);
  const Vector   sinhc = 1 + d * d * ((Real)(1.0 / 6) + d * d * (Real)(1.0 / 120));
  const Vector   limit = CurveMeanCurvature(&tables->f, p->e[i], s->f2[i], p->e[j], s->f2[j]) / (2 * sinhc * LaneMax(si, LaneFill(STRETCH_FLOOR)) * LaneMax(sj, LaneFill(STRETCH_FLOOR)));
  return LaneSelect(close, limit, (s->t[i] - s->t[j]) / LaneSelect(close, LaneFill(1), difference * sum));
}

/* The symmetric linear map of principal entries: from A to M, or from the change of F F^T to that of the stress. */
static inline void Linear(const Tables *tables, const Principal *p, const Stresses *s, const Vector a[9], bool transposed, Vector m[9])
{
  Vector weight[3], trace = LaneFill(0);

  for (int i = 0; i < 3; i++) {
    weight[i] = LaneSelect(p->inside[i], 1 / (p->s[i] * p->s[i]), LaneFill(0));
    if (!transposed) trace += a[4 * i] * weight[i];
    else trace += a[4 * i];
  }
  for (int i = 0; i < 3; i++) {
    const int j  = (i + 1) % 3;
    m[4 * i]     = s->f2[i] * a[4 * i] * weight[i] + s->g2 * trace * (transposed ? weight[i] : LaneFill(1));
    m[3 * i + j] = m[3 * j + i] = 2 * a[3 * i + j] * Divided(tables, p, s, i, j);
  }
}

void NAME(NomosHyperelasticApply)(const NomosHyperelastic *law, size_t n, size_t stride, const void *f_data, void *tau_data, void *kept)
{
  const Tables tables = TablesOf(law, law->pieces);

  for (size_t start = 0; start < n; start += VECTOR) {
    const size_t count = Smaller(VECTOR, n - start);
    Vector       f[9], tau[9], scaled[9];
    Principal    p;
    Stresses     s;

    Matrix3Load((const Real *)f_data + start, stride, count, f);
    PrincipalOf(f, &p);
    StressesAt(&tables, &p, &s);
    for (int e = 0; e < 9; e++) scaled[e] = p.u[e] * s.t[e % 3];
    Matrix3Product(false, true, scaled, p.u, tau);
    Matrix3Store(tau, (Real *)tau_data + start, stride, count);
    if (kept) PrincipalKeep(&p, n, count, (Real *)kept + start);
  }
}

void NAME(NomosHyperelasticEnergy)(const NomosHyperelastic *law, size_t n, size_t stride, const void *f_data, void *psi_data)
{
  const Tables tables = TablesOf(law, law->pieces);

  for (size_t start = 0; start < n; start += VECTOR) {
    const size_t count = Smaller(VECTOR, n - start);
    Vector       f[9], psi;
    Principal    p;

    Matrix3Load((const Real *)f_data + start, stride, count, f);
    PrincipalOf(f, &p);
    psi = CurveValue(&tables.g, Volume(&p) - 1);
    for (int a = 0; a < 3; a++) psi += CurveValue(&tables.f, p.e[a]);
    LanesStore(1, stride, count, &psi, (Real *)psi_data + start);
  }
}

void NAME(NomosHyperelasticJvp)(const NomosHyperelastic *law, size_t n, size_t stride, const void *f_data, const void *f_dot, const NomosCurvePieces *pieces_dot, void *tau_dot)
{
  const Tables tables = TablesOf(law, law->pieces), dots = TablesOf(law, pieces_dot ? pieces_dot : law->pieces);

  for (size_t start = 0; start < n; start += VECTOR) {
    const size_t count = Smaller(VECTOR, n - start);
    Vector       f[9], dot[9], b_dot[9], a[9], m[9];
    Principal    p;
    Stresses     s, by_pieces;

    Matrix3Load((const Real *)f_data + start, stride, count, f);
    LanesLoad(9, stride, count, (const Real *)f_dot + start, dot);
    PrincipalOf(f, &p);
    StressesAt(&tables, &p, &s);
    Matrix3Product(true, false, p.u, dot, m);
    Matrix3Product(false, false, m, p.w, b_dot); /* half of U^T (F F^T)_dot U */
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) a[3 * i + j] = (Real)0.5 * (b_dot[3 * i + j] + b_dot[3 * j + i]);
    Linear(&tables, &p, &s, a, false, m);
    if (pieces_dot) {
      StressesAt(&dots, &p, &by_pieces);
      for (int i = 0; i < 3; i++) m[4 * i] += by_pieces.t[i];
    }
    FromPrincipal(p.u, m, dot);
    Matrix3Store(dot, (Real *)tau_dot + start, stride, count);
  }
}

void NAME(NomosHyperelasticVjp)(const NomosHyperelastic *law, size_t n, size_t stride, const NomosHyperelasticBars *job)
{
  const Tables tables = TablesOf(law, law->pieces);
  CurveBar     f_bar, g_bar;

  if (job->pieces_bar) {
    memset(&f_bar, 0, sizeof f_bar);
    memset(&g_bar, 0, sizeof g_bar);
  }
  for (size_t start = 0; start < n; start += VECTOR) {
    const size_t count = Smaller(VECTOR, n - start);
    Vector       f[9], bar[9], half[9], a[9], m[9];
    Principal    p;
    Stresses     s;

    Matrix3Load((const Real *)job->f + start, stride, count, f);
    LanesLoad(9, stride, count, (const Real *)job->tau_bar + start, bar);
    if (job->kept) PrincipalRestore(n, count, (const Real *)job->kept + start, &p);
    else PrincipalOf(f, &p);
    StressesAt(&tables, &p, &s);
    Matrix3Product(true, false, p.u, bar, m);
    Matrix3Product(false, false, m, p.u, half);
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) a[3 * i + j] = (Real)0.5 * (half[3 * i + j] + half[3 * j + i]);
    if (job->pieces_bar) {
      for (int i = 0; i < 3; i++) CurveBack(&tables.f, p.e[i], a[4 * i], &f_bar);
      CurveBack(&tables.g, s.J - 1, s.J * (a[0] + a[4] + a[8]), &g_bar);
    }
    Linear(&tables, &p, &s, a, true, m);
    FromPrincipal(p.u, m, a);
    Matrix3Product(false, false, a, f, bar);
    Matrix3Store(bar, (Real *)job->f_bar + start, stride, count);
  }
  if (job->pieces_bar) {
    CurveBarSum(&tables.f, &f_bar, &job->pieces_bar[0]);
    CurveBarSum(&tables.g, &g_bar, &job->pieces_bar[1]);
  }
}
