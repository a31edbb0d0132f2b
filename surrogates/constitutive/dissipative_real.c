/* The kernels of the learned return mapping: y_i = exp(e'_i) of the stretches s_i = exp(e_i) of F = U diag(s) V^T. With A = U^T F_e_bar V in principal directions,

     U^T F_bar V = diag(s_bar) + S_ij (y_i - y_j)/(s_i - s_j) + K_ij (y_i + y_j)/(s_i + s_j)        S, K: the symmetric and the skew part of A,  i != j

   The first quotient is r sqrt(y_i y_j/(s_i s_j)) sinhc(r d/2)/sinhc(d/2), d = e_i - e_j: finite where stretches coincide. Points that do not yield are left as they are, bit for bit. */
#include "surrogates/constitutive/hyperelastic_impl.h"

#include "surrogates/constitutive/curve_lanes.h"

typedef struct {
  CurveTable friction;
  Real       cohesion, tension;
} Tables;

static Tables TablesOf(const NomosDissipative *law)
{
  return (Tables){.friction = CurveTableOf(&law->friction, &law->pieces), .cohesion = (Real)law->cohesion, .tension = (Real)law->tension};
}

typedef struct {
  Vector   pressed, q, n[3], r, y[3]; /* max(-q', 0); q'; direction of the deviator; its factor; stretches after */
  Vector   yield_slope, inverse;      /* dY/dq'; 1/q where torn */
  LaneMask torn, yields, changed;     /* q beyond T; the deviator beyond Y; either, or a stretch below the floor */
} Flow;

static inline void FlowOf(const Tables *tables, const Principal *p, Flow *flow)
{
  const Vector trace = p->e[0] + p->e[1] + p->e[2], third = trace * (Real)(1.0 / 3);
  Vector       d[3], yield, slope, size2 = LaneFill(0);

  flow->torn         = trace > tables->tension;
  flow->q            = LaneSelect(flow->torn, LaneFill(tables->tension), trace);
  flow->inverse      = 1 / LaneSelect(flow->torn, trace, LaneFill(1));
  const Vector ratio = LaneSelect(flow->torn, tables->tension * flow->inverse, LaneFill(1));
  flow->pressed      = LaneMax(-flow->q, LaneFill(0));
  CurveAt(&tables->friction, flow->pressed, &yield, &slope);
  flow->yield_slope = LaneSelect(flow->q < 0, -slope, LaneFill(0));
  yield += tables->cohesion;
  for (int a = 0; a < 3; a++) {
    d[a] = p->e[a] - third;
    size2 += d[a] * d[a];
  }
  flow->yields      = size2 * ratio * ratio > yield * yield;
  const Vector size = LaneRoot(LaneSelect(flow->yields, size2, LaneFill(1)));
  flow->r           = LaneSelect(flow->yields, yield / size, ratio);
  for (int a = 0; a < 3; a++) {
    flow->n[a] = LaneSelect(flow->yields, d[a] / size, LaneFill(0));
    flow->y[a] = LaneExp(flow->q * (Real)(1.0 / 3) + flow->r * d[a]);
  }
  flow->changed = flow->torn | flow->yields | ~(p->inside[0] & p->inside[1] & p->inside[2]);
}

/* (y_i - y_j)/(s_i - s_j) and (y_i + y_j)/(s_i + s_j) */
static inline void Quotients(const Principal *p, const Flow *flow, int i, int j, Vector *symmetric, Vector *skew)
{
  const Vector   si = p->s[i], sj = p->s[j], yi = flow->y[i], yj = flow->y[j], difference = si - sj, sum = si + sj, d = p->e[i] - p->e[j];
  const LaneMask close = difference * difference < sum * sum * (CLOSE * CLOSE);
  const Vector   z = LaneSelect(close, d * d, LaneFill(0)) * (Real)(1.0 / 24), r2 = flow->r * flow->r, product = LaneMax(si, LaneFill(STRETCH_FLOOR)) * LaneMax(sj, LaneFill(STRETCH_FLOOR));
  const Vector   limit = flow->r * LaneRoot(yi * yj / product) * (1 + z * r2) / (1 + z);
  *symmetric           = LaneSelect(close, limit, (yi - yj) / LaneSelect(close, LaneFill(1), difference));
  *skew                = (yi + yj) / LaneSelect(sum * sum > STRETCH_FLOOR * STRETCH_FLOOR, sum, LaneFill(STRETCH_FLOOR));
}

/* Bars of e' to those of e, of Y and of T. */
typedef struct {
  Vector e[3], yield, tension;
} FlowBar;

static inline void FlowBack(const Principal *p, const Flow *flow, const Vector after[3], FlowBar *before)
{
  const LaneMask tears = flow->torn & ~flow->yields; /* e' = (T/q) e */
  const Vector   third = (after[0] + after[1] + after[2]) * (Real)(1.0 / 3), along = after[0] * flow->n[0] + after[1] * flow->n[1] + after[2] * flow->n[2];
  const Vector   q_bar = third + flow->yield_slope * along, by_tension = (after[0] * p->e[0] + after[1] * p->e[1] + after[2] * p->e[2]) * flow->inverse;

  before->yield   = along;
  before->tension = LaneSelect(tears, by_tension, LaneSelect(flow->torn, q_bar, LaneFill(0)));
  for (int a = 0; a < 3; a++)
    before->e[a] = LaneSelect(tears, flow->r * (after[a] - by_tension), flow->r * (after[a] - third - flow->n[a] * along) + LaneSelect(flow->torn, LaneFill(0), q_bar));
}

/* Changes of e, Y and T to that of e'. */
static inline void FlowForth(const Principal *p, const Flow *flow, const FlowBar *before, Vector after[3])
{
  const LaneMask tears = flow->torn & ~flow->yields;
  const Vector   total = before->e[0] + before->e[1] + before->e[2], along = before->e[0] * flow->n[0] + before->e[1] * flow->n[1] + before->e[2] * flow->n[2];
  const Vector   q_dot = LaneSelect(flow->torn, before->tension, total), yield_dot = before->yield + flow->yield_slope * q_dot, ratio_dot = (before->tension - flow->r * total) * flow->inverse;

  for (int a = 0; a < 3; a++)
    after[a] = LaneSelect(tears, flow->r * before->e[a] + ratio_dot * p->e[a], q_dot * (Real)(1.0 / 3) + flow->r * (before->e[a] - total * (Real)(1.0 / 3) - flow->n[a] * along) + flow->n[a] * yield_dot);
}

/* Principal entries of a change of F to those of F_e, or of the bars of F_e to those of F. */
static inline void Linear(const Principal *p, const Flow *flow, const Vector a[9], const Vector diagonal[3], Vector m[9])
{
  for (int i = 0; i < 3; i++) {
    const int j = (i + 1) % 3;
    Vector    symmetric, skew;
    Quotients(p, flow, i, j, &symmetric, &skew);
    const Vector half = (Real)0.5 * (a[3 * i + j] + a[3 * j + i]) * symmetric, turn = (Real)0.5 * (a[3 * i + j] - a[3 * j + i]) * skew;
    m[4 * i]     = diagonal[i];
    m[3 * i + j] = half + turn;
    m[3 * j + i] = half - turn;
  }
}

/* V = F^T U diag(1/s) */
static inline void Directions(const Principal *p, Vector v[9])
{
  for (int a = 0; a < 3; a++) {
    const Vector inverse = 1 / LaneSelect(p->s[a] == 0, LaneFill(1), p->s[a]);
    for (int i = 0; i < 3; i++) v[3 * i + a] = p->w[3 * i + a] * inverse;
  }
}

static inline void Change(LaneMask changed, const Vector changes[9], Vector entries[9])
{
  for (int e = 0; e < 9; e++) entries[e] = LaneSelect(changed, changes[e], entries[e]);
}

void NAME(NomosDissipativeApply)(const NomosDissipative *law, size_t n, size_t stride, const void *f_data, void *y_data, void *kept)
{
  const Tables tables = TablesOf(law);

  for (size_t start = 0; start < n; start += VECTOR) {
    const size_t count = Smaller(VECTOR, n - start);
    Vector       f[9], y[9], v[9], scaled[9];
    Principal    p;
    Flow         flow;

    Matrix3Load((const Real *)f_data + start, stride, count, f);
    PrincipalOf(f, &p);
    FlowOf(&tables, &p, &flow);
    Directions(&p, v);
    for (int e = 0; e < 9; e++) scaled[e] = p.u[e] * flow.y[e % 3];
    Matrix3Product(false, true, scaled, v, y);
    Change(flow.changed, y, f);
    Matrix3Store(f, (Real *)y_data + start, stride, count);
    if (kept) PrincipalKeep(&p, n, count, (Real *)kept + start);
  }
}

void NAME(NomosDissipativeJvp)(const NomosDissipative *law, size_t n, size_t stride, const void *f_data, const void *f_dot, const NomosDissipativeBar *dot, void *y_dot)
{
  const Tables tables = TablesOf(law);
  CurveTable   friction_dot;

  if (dot) friction_dot = CurveTableOf(&law->friction, &dot->pieces);
  for (size_t start = 0; start < n; start += VECTOR) {
    const size_t count = Smaller(VECTOR, n - start);
    Vector       f[9], change[9], v[9], a[9], m[9], after[3];
    Principal    p;
    Flow         flow;
    FlowBar      before;

    Matrix3Load((const Real *)f_data + start, stride, count, f);
    LanesLoad(9, stride, count, (const Real *)f_dot + start, change);
    PrincipalOf(f, &p);
    FlowOf(&tables, &p, &flow);
    Directions(&p, v);
    Matrix3Product(true, false, p.u, change, m);
    Matrix3Product(false, false, m, v, a);
    for (int i = 0; i < 3; i++) before.e[i] = LaneSelect(p.inside[i], a[4 * i] / p.s[i], LaneFill(0));
    before.yield = before.tension = LaneFill(0);
    if (dot) {
      Vector slope;
      CurveAt(&friction_dot, flow.pressed, &before.yield, &slope);
      before.yield += (Real)dot->cohesion;
      before.tension += (Real)dot->tension;
    }
    FlowForth(&p, &flow, &before, after);
    for (int i = 0; i < 3; i++) after[i] *= flow.y[i];
    Linear(&p, &flow, a, after, m);
    Matrix3Product(false, false, p.u, m, a);
    Matrix3Product(false, true, a, v, m);
    Change(flow.changed, m, change);
    Matrix3Store(change, (Real *)y_dot + start, stride, count);
  }
}

void NAME(NomosDissipativeVjp)(const NomosDissipative *law, size_t n, size_t stride, const NomosDissipativeBars *job)
{
  const Tables tables       = TablesOf(law);
  Vector       cohesion_bar = LaneFill(0), tension_bar = LaneFill(0);
  CurveBar     friction_bar;

  if (job->bar) memset(&friction_bar, 0, sizeof friction_bar);
  for (size_t start = 0; start < n; start += VECTOR) {
    const size_t count = Smaller(VECTOR, n - start);
    Vector       f[9], bar[9], v[9], a[9], m[9], after[3];
    Principal    p;
    Flow         flow;
    FlowBar      before;

    LanesLoad(9, stride, count, (const Real *)job->y_bar + start, bar);
    if (job->kept) PrincipalRestore(n, count, (const Real *)job->kept + start, &p);
    else {
      Matrix3Load((const Real *)job->f + start, stride, count, f);
      PrincipalOf(f, &p);
    }
    FlowOf(&tables, &p, &flow);
    Directions(&p, v);
    Matrix3Product(true, false, p.u, bar, m);
    Matrix3Product(false, false, m, v, a);
    for (int i = 0; i < 3; i++) after[i] = a[4 * i] * flow.y[i];
    FlowBack(&p, &flow, after, &before);
    if (job->bar) {
      cohesion_bar += before.yield;
      tension_bar += before.tension;
      CurveBack(&tables.friction, flow.pressed, before.yield, &friction_bar);
    }
    for (int i = 0; i < 3; i++) before.e[i] = LaneSelect(p.inside[i], before.e[i] / p.s[i], LaneFill(0));
    Linear(&p, &flow, a, before.e, m);
    Matrix3Product(false, false, p.u, m, a);
    Matrix3Product(false, true, a, v, m);
    Change(flow.changed, m, bar);
    Matrix3Store(bar, (Real *)job->f_bar + start, stride, count);
  }
  if (job->bar) {
    job->bar->cohesion = job->bar->tension = 0;
    for (int l = 0; l < VECTOR; l++) {
      job->bar->cohesion += (double)cohesion_bar[l];
      job->bar->tension += (double)tension_bar[l];
    }
    CurveBarSum(&tables.friction, &friction_bar, &job->bar->pieces);
  }
}
