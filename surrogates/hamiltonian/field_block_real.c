/* The loss of a block of points, its gradient and its Hessian product. All of a point, of layers l = 0 .. L - 1 and h_0 = x:

     z_l = W_l h_l + b_l,          h_(l+1) = s(z_l)               H = w h_L
     d_l = a_(l+1) s'(z_l),        a_l = W_l^T d_l,  a_L = w      grad H = a_0,  r = J a_0 - x_dot
     y_l = W_l t_l,                t_(l+1) = s'(z_l) y_l          t_0 = v = J^T l'(r)/(n 2d): the loss changes as v . grad H does, and that is w t_L
     g_l = c_(l+1) s'(z_l) + a_(l+1) s''(z_l) y_l,   c_l = W_l^T g_l,  c_L = 0

     gradient by W_l: sum over points of g_l h_l^T + d_l t_l^T,  by b_l: g_l,  by w: t_L

   The third line is the tangent of the first along v, so d and a are at once its adjoints: four products and two outer ones a layer. The Hessian product is the derivative of all that along a direction in the weights
   (Pearlmutter 1994, doi:10.1162/neco.1994.6.1.147), with ' for it:

     z' = W h' + b' + W' h,        h' = s' z'
     d' = a' s' + z' (a s''),      a_l' = W^T d' + W'^T d,  a_L' = w'
     y' = W t' + W' t,             t' = z' (s'' y) + s' y',  t_0' = J^T l''(r) (J a_0')/(n 2d)
     g' = c' s' + z' (c s'' + a s''' y) + a' (s'' y) + y' (a s''),   c_l' = W^T g' + W'^T g,  c_L' = 0

   What stands in brackets is made while the gradient is computed. */
#include "surrogates/hamiltonian/field_kernels.h"

/* clang-format off */
/* Kept of every layer. SECOND and THIRD are s'' and s''' first, then the brackets s'' y and c s'' + a s''' y; BEND is a s''. */
enum { H, SLOPE, SECOND, THIRD, BEND, T, D, G };
enum { H1 = H, Z1 = SECOND, Q1 = G, T1 = T, D1 = D, Y = SLOPE }; /* in the block of tangents: h', z', g' as it comes together, t', d'; and y, which need not be kept */
enum { X, V, RESIDUAL, CURVATURE };                   /* at the ends; the last two: l'(r) and l''(r), (n, 2d) without pads */
/* clang-format on */

/* A block on its way. */
typedef struct {
  const NomosFieldShape   *s;
  size_t                   n, rows, count; /* points; with those that fill tiles; reals of an array of a layer */
  const NomosFieldWeights *w;
  Real                    *block, *tangents, *product;
} Pass;

static Pass PassOf(const FieldBlock *b)
{
  const NomosFieldShape *s = &b->work->shape;
  const size_t           n = Smaller(b->points->n - b->index * NOMOS_FIELD_POINTS, NOMOS_FIELD_POINTS), rows = Blocks(n, NOMOS_FIELD_ROWS) * NOMOS_FIELD_ROWS;
  return (Pass){s, n, rows, rows * s->lanes[1], b->w, b->block, b->work->tangents, b->work->product};
}

static Real *End(const Pass *p, Real *block, int which)
{
  return block + (size_t)which * NOMOS_FIELD_POINTS * p->s->lanes[0];
}
/* h_l and t_l are inputs of layer l: that of the first is x or v. */
static Real *In(const Pass *p, Real *block, int which, size_t l)
{
  if ((which == H || which == T) && l-- == 0) return End(p, block, which == H ? X : V);
  return End(p, block, NOMOS_FIELD_ENDS) + ((size_t)which * p->s->input.n_hidden + l) * NOMOS_FIELD_POINTS * p->s->lanes[1];
}
static Real *Of(const Pass *p, int which, size_t l)
{
  return In(p, p->block, which, l);
}

/* ---- products ---- */

typedef struct {
  const Real              *x; /* NULL: none */
  const NomosFieldWeights *w;
} Term;

/* y = x W^T + x' W'^T + bias, the matrices of layer l. */
static void Up(const Pass *p, size_t l, Term a, Term b, const Real *bias, Real *y)
{
  FieldProduct product = {.n = p->rows, .inputs = NomosFieldInputs(p->s, l), .ldx = NomosFieldLanes(p->s, l), .rows = NomosFieldLanes(p->s, l), .lanes = p->s->lanes[1], .n_terms = b.x ? 2 : 1, .bias = bias, .y = y};

  product.x[0] = a.x;
  product.x[1] = b.x;
  product.w[0] = FieldForward(p->s, a.w, l);
  if (b.x) product.w[1] = FieldForward(p->s, b.w, l);
  NAME(NomosFieldProduct)(&product);
}
/* x W + x' W', into the product of the pass. */
static void Down(const Pass *p, size_t l, Term a, Term b)
{
  FieldProduct product = {.n = p->rows, .inputs = p->s->input.width, .ldx = p->s->lanes[1], .rows = p->s->lanes[1], .lanes = NomosFieldLanes(p->s, l), .n_terms = b.x ? 2 : 1, .y = p->product};

  product.x[0] = a.x;
  product.x[1] = b.x;
  product.w[0] = FieldBackward(p->s, a.w, l);
  if (b.x) product.w[1] = FieldBackward(p->s, b.w, l);
  NAME(NomosFieldProduct)(&product);
}
/* The gradient of W_l gets the sum over points of y x^T. */
static void Outer(const Pass *p, size_t l, const Real *x, const Real *y, const NomosFieldWeights *g)
{
  const size_t lanes = NomosFieldLanes(p->s, l);
  NAME(NomosFieldOuter)(&(FieldOuter){.n = p->rows, .inputs = NomosFieldInputs(p->s, l), .ldx = lanes, .rows = lanes, .lanes = p->s->lanes[1], .x = x, .y = y, .g = FieldForward(p->s, g, l)});
}
/* g += sum over points of y. */
static void SumRows(const Pass *p, const Real *y, Real *g)
{
  const size_t lanes = p->s->lanes[1];

  for (size_t v = 0; v < lanes; v += VECTOR) {
    Vector sum = *(const Vector *)(g + v);
    for (size_t i = 0; i < p->rows; i++) sum += *(const Vector *)(y + i * lanes + v);
    *(Vector *)(g + v) = sum;
  }
}

/* ---- of every unit ---- */

#define AT(array) (*(Vector *)((array) + j))

/* d_l, BEND and, to be kept, a s''' of a_(l+1), of which there is one row for all points where `period` is its length. */
static void FieldBack(const Pass *p, size_t l, const Real *a, size_t period, bool keep)
{
  Real *slope = Of(p, SLOPE, l), *second = Of(p, SECOND, l), *third = Of(p, THIRD, l), *d = Of(p, D, l), *bend = Of(p, BEND, l);

  for (size_t j = 0, k = 0; j < p->count; j += VECTOR, k = k + VECTOR < period ? k + VECTOR : 0) {
    const Vector x = *(const Vector *)(a + k);
    AT(d)          = x * AT(slope);
    AT(bend)       = x * AT(second);
    if (keep) AT(third) *= x;
  }
}

/* d' and what g' has of z' and a', of a_(l+1)'. */
static void FieldBackTangent(const Pass *p, Real *tangents, size_t l, const Real *a, size_t period)
{
  Real *slope = Of(p, SLOPE, l), *second = Of(p, SECOND, l), *third = Of(p, THIRD, l), *bend = Of(p, BEND, l);
  Real *z = In(p, tangents, Z1, l), *d = In(p, tangents, D1, l), *q = In(p, tangents, Q1, l);

  for (size_t j = 0, k = 0; j < p->count; j += VECTOR, k = k + VECTOR < period ? k + VECTOR : 0) {
    const Vector x = *(const Vector *)(a + k), dz = AT(z);
    AT(d) = x * AT(slope) + dz * AT(bend);
    AT(q) = x * AT(second) + dz * AT(third);
  }
}

/* g_l of c_(l+1) (NULL: 0), and the brackets, to be kept. */
static void LossBack(const Pass *p, size_t l, Real *c, bool keep)
{
  Real *slope = Of(p, SLOPE, l), *bend = Of(p, BEND, l), *y = In(p, p->tangents, Y, l), *g = Of(p, G, l), *second = Of(p, SECOND, l), *third = Of(p, THIRD, l);

  for (size_t j = 0; j < p->count; j += VECTOR) {
    const Vector x = c ? AT(c) : LaneFill(0), tangent = AT(y);
    AT(g) = x * AT(slope) + AT(bend) * tangent;
    if (keep) {
      AT(third) = x * AT(second) + AT(third) * tangent;
      AT(second) *= tangent;
    }
  }
}

/* ---- of every point ---- */

/* y (n, 2d) = J x, of rows of lanes. */
static void Rotate(const Pass *p, const Real *x, Real *y)
{
  const size_t d = p->s->input.n_coordinates / 2;

  for (size_t i = 0; i < p->n; i++, x += p->s->lanes[0], y += 2 * d)
    for (size_t j = 0; j < d; j++) {
      y[j]     = x[d + j];
      y[d + j] = -x[j];
    }
}
/* y = J^T x in rows of lanes; points that are only there to fill a tile get 0, so that nothing comes of them. */
static void RotateBack(const Pass *p, const Real *x, Real *y)
{
  const size_t d = p->s->input.n_coordinates / 2;

  memset(y, 0, p->rows * p->s->lanes[0] * sizeof *y);
  for (size_t i = 0; i < p->n; i++, x += 2 * d, y += p->s->lanes[0])
    for (size_t j = 0; j < d; j++) {
      y[j]     = -x[d + j];
      y[d + j] = x[j];
    }
}

/* From the points (the last again where a tile is to be filled) to a_0, in the product. third: s''' will be needed. */
static void Field(const FieldBlock *b, const Pass *p, bool third)
{
  const NomosFieldShape *s = p->s;
  const size_t           L = s->input.n_hidden, size = s->input.n_coordinates, start = b->index * NOMOS_FIELD_POINTS;
  Real                  *x = Of(p, H, 0);

  memset(x, 0, p->rows * s->lanes[0] * sizeof *x);
  for (size_t i = 0; i < p->rows; i++) memcpy(x + i * s->lanes[0], (const Real *)b->points->x + (start + Smaller(i, p->n - 1)) * size, size * sizeof *x);
  for (size_t l = 0; l < L; l++) {
    Up(p, l, (Term){Of(p, H, l), p->w}, (Term){0}, FieldBias(s, p->w, l), p->product);
    NAME(NomosFieldActivation)(s->input.activation, p->count, p->product, Of(p, H, l + 1), Of(p, SLOPE, l), Of(p, SECOND, l), third ? Of(p, THIRD, l) : NULL);
  }
  for (size_t l = L; l-- > 0;) {
    FieldBack(p, l, l + 1 < L ? p->product : FieldForward(s, p->w, L), l + 1 < L ? p->count : s->lanes[1], third);
    Down(p, l, (Term){Of(p, D, l), p->w}, (Term){0});
  }
}

void NAME(NomosFieldBlockField)(const FieldBlock *b, Real *x_dot)
{
  const Pass p = PassOf(b);

  Field(b, &p, false);
  Rotate(&p, p.product, x_dot + b->index * NOMOS_FIELD_POINTS * p.s->input.n_coordinates);
}

/* Of J a_0: l'(r) and, to be kept, l''(r), over the number of all coordinates of all points; the sum of l(r), if wanted. */
static double Residuals(const FieldBlock *b, const Pass *p)
{
  const size_t size = p->s->input.n_coordinates, n = p->n * size, padded = Blocks(n, VECTOR) * VECTOR;
  const Real  *x_dot = (const Real *)b->points->x_dot + b->index * NOMOS_FIELD_POINTS * size, scale = (Real)(1. / (double)(b->points->n * size));
  Real        *residual = End(p, p->block, RESIDUAL);
  double       sum      = 0;

  Rotate(p, p->product, residual);
  for (size_t i = 0; i < n; i++) residual[i] -= x_dot[i];
  memset(residual + n, 0, (padded - n) * sizeof *residual);
  NAME(NomosFieldResidual)(p->s->input.log_cosh, scale, padded, residual, residual, b->keep ? End(p, p->block, CURVATURE) : NULL, b->value ? p->product : NULL);
  for (size_t i = 0; b->value && i < n; i++) sum += (double)p->product[i];
  return sum;
}

/* From t_0 on, after Field: the gradient of v . grad H by the weights, added (NULL: none), and all that it is made of. */
static void Tangent(const Pass *p, bool keep, Real *gradient)
{
  const size_t            L = p->s->input.n_hidden;
  const NomosFieldWeights g = {.forward = gradient};

  for (size_t l = 0; l < L; l++) {
    Real *y = In(p, p->tangents, Y, l), *t = Of(p, T, l + 1), *slope = Of(p, SLOPE, l);
    Up(p, l, (Term){Of(p, T, l), p->w}, (Term){0}, NULL, y);
    for (size_t j = 0; j < p->count; j += VECTOR) AT(t) = AT(slope) * AT(y);
  }
  for (size_t l = L; l-- > 0;) {
    LossBack(p, l, l + 1 < L ? p->product : NULL, keep);
    if (l) Down(p, l, (Term){Of(p, G, l), p->w}, (Term){0});
    if (!gradient) continue;
    Outer(p, l, Of(p, H, l), Of(p, G, l), &g);
    Outer(p, l, Of(p, T, l), Of(p, D, l), &g);
    SumRows(p, Of(p, G, l), FieldBias(p->s, &g, l));
  }
  if (gradient) SumRows(p, Of(p, T, L), FieldForward(p->s, &g, L));
}

double NAME(NomosFieldBlockGradient)(const FieldBlock *b, Real *gradient)
{
  const Pass p = PassOf(b);

  Field(b, &p, b->keep);
  const double sum = Residuals(b, &p);
  if (!gradient && !b->keep) return sum;
  RotateBack(&p, End(&p, p.block, RESIDUAL), Of(&p, T, 0));
  Tangent(&p, b->keep, gradient);
  return sum;
}

void NAME(NomosFieldBlockPullBack)(const FieldBlock *b, Real *gradient, Real *x_bar)
{
  const Pass   p    = PassOf(b);
  const size_t size = p.s->input.n_coordinates, start = b->index * NOMOS_FIELD_POINTS;

  Field(b, &p, false);
  RotateBack(&p, (const Real *)b->points->x_dot + start * size, Of(&p, T, 0));
  Tangent(&p, false, gradient);
  if (!x_bar) return;
  Down(&p, 0, (Term){Of(&p, G, 0), p.w}, (Term){0});
  for (size_t i = 0; i < p.n; i++) memcpy(x_bar + (start + i) * size, p.product + i * p.s->lanes[0], size * sizeof *x_bar);
}

void NAME(NomosFieldBlockHessian)(const FieldBlock *b, const NomosFieldWeights *v, Real *Hv)
{
  const Pass              p        = PassOf(b);
  const size_t            L        = p.s->input.n_hidden;
  const NomosFieldWeights g        = {.forward = Hv};
  Real                   *tangents = b->work->tangents, *residual = End(&p, tangents, RESIDUAL), *curvature = End(&p, p.block, CURVATURE);

  for (size_t l = 0; l < L; l++) {
    Real *z = In(&p, tangents, Z1, l), *h = In(&p, tangents, H1, l + 1), *slope = Of(&p, SLOPE, l);
    Up(&p, l, (Term){Of(&p, H, l), v}, (Term){l ? In(&p, tangents, H1, l) : NULL, p.w}, FieldBias(p.s, v, l), z);
    for (size_t j = 0; j < p.count; j += VECTOR) AT(h) = AT(slope) * AT(z);
  }
  for (size_t l = L; l-- > 0;) {
    FieldBackTangent(&p, tangents, l, l + 1 < L ? p.product : FieldForward(p.s, v, L), l + 1 < L ? p.count : p.s->lanes[1]);
    Down(&p, l, (Term){In(&p, tangents, D1, l), p.w}, (Term){Of(&p, D, l), v});
  }
  Rotate(&p, p.product, residual);
  for (size_t i = 0; i < p.n * p.s->input.n_coordinates; i++) residual[i] *= curvature[i];
  RotateBack(&p, residual, In(&p, tangents, T1, 0));
  for (size_t l = 0; l < L; l++) {
    Real *y = p.product, *t = In(&p, tangents, T1, l + 1), *z = In(&p, tangents, Z1, l), *q = In(&p, tangents, Q1, l);
    Real *slope = Of(&p, SLOPE, l), *second = Of(&p, SECOND, l), *bend = Of(&p, BEND, l);
    Up(&p, l, (Term){In(&p, tangents, T1, l), p.w}, (Term){Of(&p, T, l), v}, NULL, y);
    for (size_t j = 0; j < p.count; j += VECTOR) {
      AT(t) = AT(z) * AT(second) + AT(slope) * AT(y);
      AT(q) += AT(y) * AT(bend);
    }
  }
  for (size_t l = L; l-- > 0;) {
    Real *q = In(&p, tangents, Q1, l), *slope = Of(&p, SLOPE, l), *c = p.product;
    for (size_t j = 0; l + 1 < L && j < p.count; j += VECTOR) AT(q) += AT(c) * AT(slope);
    if (l) Down(&p, l, (Term){q, p.w}, (Term){Of(&p, G, l), v});
    Outer(&p, l, Of(&p, H, l), q, &g);
    if (l) Outer(&p, l, In(&p, tangents, H1, l), Of(&p, G, l), &g);
    Outer(&p, l, Of(&p, T, l), In(&p, tangents, D1, l), &g);
    Outer(&p, l, In(&p, tangents, T1, l), Of(&p, D, l), &g);
    SumRows(&p, q, FieldBias(p.s, &g, l));
  }
  SumRows(&p, In(&p, tangents, T1, L), FieldForward(p.s, &g, L));
}
