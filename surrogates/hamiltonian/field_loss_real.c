/* The fused loss of a block of points, its gradient and Hessian product, and the meta gradient of a task. All of a point, of layers l = 0 .. L - 1 and h_0 = x:

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

/* Kept of every layer. SECOND and THIRD are s'' and s''' first, then the brackets s'' y and c s'' + a s''' y; BEND is a s''. */
enum { H,
       SLOPE,
       SECOND,
       THIRD,
       BEND,
       Y,
       T,
       D,
       G };
enum { H1 = H,
       Z1 = SECOND,
       Q1 = G,
       T1 = T,
       D1 = D }; /* the same of the Hessian product; Q1: g' */
enum { X,
       V,
       RESIDUAL,
       CURVATURE }; /* the last two: l'(r) and l''(r), (n, 2d) without pads */

static size_t Rows(size_t n)
{
  return Blocks(n, NOMOS_FIELD_ROWS) * NOMOS_FIELD_ROWS;
}

static Real *End(const NomosFieldShape *s, Real *block, int which)
{
  return block + (size_t)which * NOMOS_FIELD_POINTS * s->lanes[0];
}
/* h_l and t_l are inputs of layer l: that of the first is x or v. */
static Real *Of(const NomosFieldShape *s, Real *block, int which, size_t l)
{
  if (which == H || which == T) {
    if (l == 0) return End(s, block, which == H ? X : V);
    l--;
  }
  return End(s, block, NOMOS_FIELD_ENDS) + ((size_t)which * s->input.n_hidden + l) * NOMOS_FIELD_POINTS * s->lanes[1];
}
static Real *Forward(const NomosFieldShape *s, const NomosFieldWeights *w, size_t l)
{
  return (Real *)w->forward + NomosFieldForward(s, l);
}
static Real *Bias(const NomosFieldShape *s, const NomosFieldWeights *w, size_t l)
{
  return Forward(s, w, l) + NomosFieldLanes(s, l) * s->lanes[1];
}
static Real *Backward(const NomosFieldShape *s, const NomosFieldWeights *w, size_t l)
{
  return (Real *)w->backward + NomosFieldBackward(s, l);
}

/* ---- weights ---- */

static void BackwardOfForward(const NomosFieldShape *s, const NomosFieldWeights *w)
{
  for (size_t l = 0; l < s->input.n_hidden; l++) NAME(NomosFieldTranspose)(NomosFieldLanes(s, l), s->lanes[1], Forward(s, w, l), Backward(s, w, l));
}

static void CopyRow(bool in, const NomosFieldShape *s, size_t l, Real *matrix, size_t row, Real *flat)
{
  const size_t lanes = NomosFieldLanes(s, l), n = NomosFieldInputs(s, l);

  for (size_t v = 0; v * VECTOR < n; v++) {
    Real        *at    = NAME(NomosFieldAt)(s->lanes[1], lanes, matrix, row, v);
    const size_t count = Smaller(n - v * VECTOR, VECTOR);
    if (in) memcpy(at, flat + v * VECTOR, count * sizeof *at);
    else memcpy(flat + v * VECTOR, at, count * sizeof *at);
  }
}

/* Pads of w were zero and stay it. */
void NAME(NomosFieldPack)(const NomosFieldShape *s, const Real *theta, NomosFieldWeights *w)
{
  const size_t width = s->input.width;

  for (size_t l = 0; l < s->input.n_hidden; l++) {
    for (size_t i = 0; i < width; i++, theta += NomosFieldInputs(s, l)) CopyRow(true, s, l, Backward(s, w, l), i, (Real *)theta);
    NAME(NomosFieldTranspose)(s->lanes[1], NomosFieldLanes(s, l), Backward(s, w, l), Forward(s, w, l));
    memcpy(Bias(s, w, l), theta, width * sizeof *theta);
    theta += width;
  }
  memcpy(Forward(s, w, s->input.n_hidden), theta, width * sizeof *theta);
}

/* backward: room. */
static void Unpack(const NomosFieldShape *s, const Real *g, Real *backward, Real *theta)
{
  const NomosFieldWeights w     = {(void *)g, backward};
  const size_t            width = s->input.width;

  BackwardOfForward(s, &w);
  for (size_t l = 0; l < s->input.n_hidden; l++) {
    for (size_t i = 0; i < width; i++, theta += NomosFieldInputs(s, l)) CopyRow(false, s, l, Backward(s, &w, l), i, theta);
    memcpy(theta, Bias(s, &w, l), width * sizeof *theta);
    theta += width;
  }
  memcpy(theta, Forward(s, &w, s->input.n_hidden), width * sizeof *theta);
}

/* ---- products ---- */

/* y = x W^T (+ x2 W2^T) + bias, the forward matrices of layer l. */
static void Up(const NomosFieldShape *s, size_t n, size_t l, const Real *x, const NomosFieldWeights *w, const Real *x2, const NomosFieldWeights *w2, const Real *bias, Real *y)
{
  NAME(NomosFieldProduct)
  (&(FieldProduct){
    .n = n, .inputs = NomosFieldInputs(s, l), .ldx = NomosFieldLanes(s, l), .rows = NomosFieldLanes(s, l), .lanes = s->lanes[1], .n_terms = 1 + (x2 != NULL), .x = {x,   x2       },
                               .w = { Forward(s, w, l), x2 ? Forward(s, w2, l) : NULL},
                               .bias = bias, .y = y
  });
}
/* y = x W (+ x2 W2). */
static void Down(const NomosFieldShape *s, size_t n, size_t l, const Real *x, const NomosFieldWeights *w, const Real *x2, const NomosFieldWeights *w2, Real *y)
{
  NAME(NomosFieldProduct)
  (&(FieldProduct){
    .n = n, .inputs = s->input.width, .ldx = s->lanes[1], .rows = s->lanes[1], .lanes = NomosFieldLanes(s, l), .n_terms = 1 + (x2 != NULL), .x = {x,   x2       },
                             .w = { Backward(s, w, l), x2 ? Backward(s, w2, l) : NULL},
                             .y = y
  });
}
static void Outer(const NomosFieldShape *s, size_t n, size_t l, const Real *x, const Real *y, const NomosFieldWeights *g)
{
  NAME(NomosFieldOuter)
  (&(FieldOuter){.n = n, .inputs = NomosFieldInputs(s, l), .ldx = NomosFieldLanes(s, l), .rows = NomosFieldLanes(s, l), .lanes = s->lanes[1], .x = x, .y = y, .g = Forward(s, g, l)});
}
/* g += sum over points of y. */
static void SumRows(size_t n, size_t lanes, const Real *y, Real *g)
{
  for (size_t v = 0; v < lanes; v += VECTOR) {
    Vector sum = *(const Vector *)(g + v);
    for (size_t i = 0; i < n; i++) sum += *(const Vector *)(y + i * lanes + v);
    *(Vector *)(g + v) = sum;
  }
}

/* ---- elementwise, over `count` reals. A row that is the same for all points is repeated. ---- */

#define AT(array) (*(Vector *)((array) + j))
#define EACH_VECTOR(count) for (size_t j = 0; j < (count); j += VECTOR)
#define EACH_REPEATED(count) for (size_t j = 0, k = 0; j < (count); j += VECTOR, k = k + VECTOR < period ? k + VECTOR : 0)
#define REPEATED(array) (*(const Vector *)((array) + k))

typedef struct {
  const NomosFieldShape   *s;
  size_t                   n, count; /* rows, and reals of an array of a layer */
  const NomosFieldWeights *w;
  Real                    *block, *product;
} Pass;

/* d_l, BEND and, to be kept, a s''' of a_(l+1). */
static void FieldBack(const Pass *p, size_t l, const Real *a, size_t period, bool keep)
{
  const Real *slope = Of(p->s, p->block, SLOPE, l), *second = Of(p->s, p->block, SECOND, l);
  Real       *d = Of(p->s, p->block, D, l), *bend = Of(p->s, p->block, BEND, l), *third = Of(p->s, p->block, THIRD, l);

  EACH_REPEATED(p->count)
  {
    const Vector x = REPEATED(a);
    AT(d)          = x * *(const Vector *)(slope + j);
    AT(bend)       = x * *(const Vector *)(second + j);
    if (keep) AT(third) *= x;
  }
}

/* g_l of c_(l+1) (NULL: 0), and the brackets, to be kept. */
static void LossBack(const Pass *p, size_t l, Real *c, bool keep)
{
  Real *slope = Of(p->s, p->block, SLOPE, l), *bend = Of(p->s, p->block, BEND, l), *y = Of(p->s, p->block, Y, l);
  Real *g = Of(p->s, p->block, G, l), *second = Of(p->s, p->block, SECOND, l), *third = Of(p->s, p->block, THIRD, l);

  EACH_VECTOR(p->count)
  {
    const Vector x = c ? AT(c) : LaneFill(0), tangent = AT(y);
    AT(g) = x * AT(slope) + AT(bend) * tangent;
    if (keep) {
      AT(third) = x * AT(second) + AT(third) * tangent;
      AT(second) *= tangent;
    }
  }
}

/* a_0 in p->product. order: derivatives of the activation that will be needed. */
static void Field(const Pass *p, int order)
{
  const NomosFieldShape *s = p->s;
  const size_t           L = s->input.n_hidden;

  for (size_t l = 0; l < L; l++) {
    Up(s, p->n, l, Of(s, p->block, H, l), p->w, NULL, NULL, Bias(s, p->w, l), p->product);
    NAME(NomosFieldActivation)(s->input.activation, p->count, p->product, Of(s, p->block, H, l + 1), Of(s, p->block, SLOPE, l), Of(s, p->block, SECOND, l), order > 2 ? Of(s, p->block, THIRD, l) : NULL);
  }
  for (size_t l = L; l-- > 0;) {
    FieldBack(p, l, l + 1 < L ? p->product : Forward(s, p->w, L), l + 1 < L ? p->count : s->lanes[1], order > 2);
    Down(s, p->n, l, Of(s, p->block, D, l), p->w, NULL, NULL, p->product);
  }
}

/* y (n, 2d) = J x, of rows of lanes. */
static void Rotate(const NomosFieldShape *s, size_t n, const Real *x, Real *y)
{
  const size_t d = s->input.n_coordinates / 2;

  for (size_t i = 0; i < n; i++, x += s->lanes[0], y += 2 * d)
    for (size_t j = 0; j < d; j++) {
      y[j]     = x[d + j];
      y[d + j] = -x[j];
    }
}
/* y = J^T x in rows of lanes; points that are only there to fill a tile get 0. */
static void RotateBack(const NomosFieldShape *s, size_t n, const Real *x, Real *y)
{
  const size_t d = s->input.n_coordinates / 2;

  memset(y, 0, Rows(n) * s->lanes[0] * sizeof *y);
  for (size_t i = 0; i < n; i++, x += 2 * d, y += s->lanes[0])
    for (size_t j = 0; j < d; j++) {
      y[j]     = -x[d + j];
      y[d + j] = x[j];
    }
}

static void PadEnd(size_t n, Real *x)
{
  memset(x + n, 0, (Blocks(n, VECTOR) * VECTOR - n) * sizeof *x);
}

static Pass PassOf(const NomosFieldWork *work, const NomosFieldWeights *w, size_t n, Real *block)
{
  const size_t rows = Rows(n);
  return (Pass){&work->shape, rows, rows * work->shape.lanes[1], w, block, work->product};
}

static void LoadPoints(const NomosFieldShape *s, size_t n, const Real *x, Real *to)
{
  const size_t size = s->input.n_coordinates;

  for (size_t i = 0; i < Rows(n); i++) {
    memcpy(to + i * s->lanes[0], x + (i < n ? i : n - 1) * size, size * sizeof *x);
    memset(to + i * s->lanes[0] + size, 0, (s->lanes[0] - size) * sizeof *x);
  }
}

/* The gradient of `scale` times the sum of l over a block of 0 < n points, added to g; keep: for BlockHessian. Returns the sum, if wanted. */
static double BlockGradient(const NomosFieldWork *work, const NomosFieldWeights *w, size_t n, const Real *x, const Real *x_dot, Real scale, bool keep, bool value, Real *block, Real *gradient)
{
  const NomosFieldShape  *s = &work->shape;
  const size_t            L = s->input.n_hidden, n_residuals = n * s->input.n_coordinates;
  const Pass              p        = PassOf(work, w, n, block);
  const NomosFieldWeights g        = {.forward = gradient};
  Real                   *residual = End(s, block, RESIDUAL);
  double                  sum      = 0;

  LoadPoints(s, n, x, End(s, block, X));
  Field(&p, keep ? 3 : 2);
  Rotate(s, n, p.product, residual);
  for (size_t i = 0; i < n_residuals; i++) residual[i] -= x_dot[i];
  PadEnd(n_residuals, residual);
  NAME(NomosFieldResidual)(s->input.log_cosh, scale, Blocks(n_residuals, VECTOR) * VECTOR, residual, residual, keep ? End(s, block, CURVATURE) : NULL, value ? p.product : NULL);
  for (size_t i = 0; value && i < n_residuals; i++) sum += (double)p.product[i];
  if (!gradient && !keep) return sum;
  RotateBack(s, n, residual, End(s, block, V));
  for (size_t l = 0; l < L; l++) {
    Real *y = Of(s, block, Y, l), *t = Of(s, block, T, l + 1), *slope = Of(s, block, SLOPE, l);
    Up(s, p.n, l, Of(s, block, T, l), w, NULL, NULL, NULL, y);
    EACH_VECTOR(p.count)
    AT(t) = AT(slope) * AT(y);
  }
  for (size_t l = L; l-- > 0;) {
    LossBack(&p, l, l + 1 < L ? p.product : NULL, keep);
    if (l) Down(s, p.n, l, Of(s, block, G, l), w, NULL, NULL, p.product);
    if (!gradient) continue;
    Outer(s, p.n, l, Of(s, block, H, l), Of(s, block, G, l), &g);
    Outer(s, p.n, l, Of(s, block, T, l), Of(s, block, D, l), &g);
    SumRows(p.n, s->lanes[1], Of(s, block, G, l), Bias(s, &g, l));
  }
  if (gradient) SumRows(p.n, s->lanes[1], Of(s, block, T, L), Forward(s, &g, L));
  return sum;
}

/* d' and what g' has of z' and a', of a_(l+1)'. */
static void FieldBackTangent(const Pass *p, Real *tangents, size_t l, const Real *a, size_t period)
{
  Real *slope = Of(p->s, p->block, SLOPE, l), *second = Of(p->s, p->block, SECOND, l), *third = Of(p->s, p->block, THIRD, l), *bend = Of(p->s, p->block, BEND, l);
  Real *z = Of(p->s, tangents, Z1, l), *d = Of(p->s, tangents, D1, l), *q = Of(p->s, tangents, Q1, l);

  EACH_REPEATED(p->count)
  {
    const Vector x = REPEATED(a), dz = AT(z);
    AT(d) = x * AT(slope) + dz * AT(bend);
    AT(q) = x * AT(second) + dz * AT(third);
  }
}

/* The Hessian of the same times a direction, added to Hv, after BlockGradient with keep. */
static void BlockHessian(const NomosFieldWork *work, const NomosFieldWeights *w, const NomosFieldWeights *v, size_t n, Real *block, Real *Hv)
{
  const NomosFieldShape  *s = &work->shape;
  const size_t            L = s->input.n_hidden, n_residuals = n * s->input.n_coordinates;
  const Pass              p        = PassOf(work, w, n, block);
  const NomosFieldWeights g        = {.forward = Hv};
  Real                   *tangents = work->tangents, *residual = End(s, tangents, RESIDUAL);
  const Real             *curvature = End(s, block, CURVATURE);

  for (size_t l = 0; l < L; l++) {
    Real *z = Of(s, tangents, Z1, l), *h = Of(s, tangents, H1, l + 1), *slope = Of(s, block, SLOPE, l);
    Up(s, p.n, l, Of(s, block, H, l), v, l ? Of(s, tangents, H1, l) : NULL, w, Bias(s, v, l), z);
    EACH_VECTOR(p.count)
    AT(h) = AT(slope) * AT(z);
  }
  for (size_t l = L; l-- > 0;) {
    FieldBackTangent(&p, tangents, l, l + 1 < L ? p.product : Forward(s, v, L), l + 1 < L ? p.count : s->lanes[1]);
    Down(s, p.n, l, Of(s, tangents, D1, l), w, Of(s, block, D, l), v, p.product);
  }
  Rotate(s, n, p.product, residual);
  for (size_t i = 0; i < n_residuals; i++) residual[i] *= curvature[i];
  RotateBack(s, n, residual, End(s, tangents, V));
  for (size_t l = 0; l < L; l++) {
    Real *y = p.product, *t = Of(s, tangents, T1, l + 1), *z = Of(s, tangents, Z1, l), *q = Of(s, tangents, Q1, l);
    Real *slope = Of(s, block, SLOPE, l), *second = Of(s, block, SECOND, l), *bend = Of(s, block, BEND, l);
    Up(s, p.n, l, Of(s, tangents, T1, l), w, Of(s, block, T, l), v, NULL, y);
    EACH_VECTOR(p.count)
    {
      AT(t) = AT(z) * AT(second) + AT(slope) * AT(y);
      AT(q) += AT(y) * AT(bend);
    }
  }
  for (size_t l = L; l-- > 0;) {
    Real *q = Of(s, tangents, Q1, l), *slope = Of(s, block, SLOPE, l), *c = p.product;
    if (l + 1 < L) EACH_VECTOR(p.count)
    AT(q) += AT(c) * AT(slope);
    if (l) Down(s, p.n, l, q, w, Of(s, block, G, l), v, p.product);
    Outer(s, p.n, l, Of(s, block, H, l), q, &g);
    if (l) Outer(s, p.n, l, Of(s, tangents, H1, l), Of(s, block, G, l), &g);
    Outer(s, p.n, l, Of(s, block, T, l), Of(s, tangents, D1, l), &g);
    Outer(s, p.n, l, Of(s, tangents, T1, l), Of(s, block, D, l), &g);
    SumRows(p.n, s->lanes[1], q, Bias(s, &g, l));
  }
  SumRows(p.n, s->lanes[1], Of(s, tangents, T1, L), Forward(s, &g, L));
}

/* ---- all points ---- */

static size_t PackedSize(const NomosFieldShape *s)
{
  return NomosFieldForward(s, s->input.n_hidden + 1);
}

/* The sum of l over blocks `from` .. `to` - 1 of the points, and of its mean over all of them the gradient, in blocks of the work from `first` on; keep: a block for each, else one for all. */
static double PointsGradient(const NomosFieldWork *work, const NomosFieldWeights *w, const NomosFieldPoints *points, size_t from, size_t to, bool keep, bool value, size_t first, Real *gradient)
{
  const size_t size  = work->shape.input.n_coordinates;
  const Real   scale = (Real)(1. / (double)PetscMax(points->n * size, 1));
  double       sum   = 0;

  if (gradient) memset(gradient, 0, PackedSize(&work->shape) * sizeof *gradient);
  for (size_t b = from; b < to; b++) {
    const size_t start = b * NOMOS_FIELD_POINTS;
    sum += BlockGradient(work, w, Smaller(points->n - start, NOMOS_FIELD_POINTS), (const Real *)points->x + start * size, (const Real *)points->x_dot + start * size, scale, keep, value, work->blocks[first], gradient);
    if (keep) first++;
  }
  return sum;
}

double NAME(NomosFieldPart)(NomosFieldWork *work, const NomosFieldPart *part, void *gradient)
{
  const unsigned mode = NomosFlushSubnormals();
  double         sum  = 0;

  if (!part->v) sum = PointsGradient(work, part->theta, part->points, part->from, part->to, false, part->value, 0, gradient);
  else {
    memset(gradient, 0, PackedSize(&work->shape) * sizeof(Real));
    for (size_t b = part->from; b < part->to; b++) {
      (void)PointsGradient(work, part->theta, part->points, b, b + 1, true, false, 0, NULL);
      BlockHessian(work, part->theta, part->v, Smaller(part->points->n - b * NOMOS_FIELD_POINTS, NOMOS_FIELD_POINTS), work->blocks[0], gradient);
    }
  }
  NomosRestoreSubnormals(mode);
  return sum;
}

void NAME(NomosFieldOf)(NomosFieldWork *work, const NomosFieldPart *part, Real *x_dot)
{
  const NomosFieldShape *s    = &work->shape;
  const size_t           size = s->input.n_coordinates;
  const unsigned         mode = NomosFlushSubnormals();

  for (size_t b = part->from; b < part->to; b++) {
    const size_t start = b * NOMOS_FIELD_POINTS, count = Smaller(part->points->n - start, NOMOS_FIELD_POINTS);
    const Pass   p = PassOf(work, part->theta, count, work->blocks[0]);
    LoadPoints(s, count, (const Real *)part->points->x + start * size, End(s, p.block, X));
    Field(&p, 2);
    Rotate(s, count, p.product, x_dot + start * size);
  }
  NomosRestoreSubnormals(mode);
}

/* ---- meta-learning ---- */

/* to = from - rate g, of the last layer alone or of all. */
static void Step(const NomosFieldShape *s, bool last_layer, Real rate, const Real *from, const Real *g, Real *to)
{
  const size_t packed = PackedSize(s), start = last_layer ? NomosFieldForward(s, s->input.n_hidden) : 0;

  if (to != from) memcpy(to, from, start * sizeof *to);
  for (size_t i = start; i < packed; i += VECTOR) *(Vector *)(to + i) = *(const Vector *)(from + i) - rate * *(const Vector *)(g + i);
}

/* theta_(j+1) = theta_j - rate P dloss_support(theta_j), P the projection on what is adapted. Back: lambda = dloss_query(theta_k), and lambda -= rate H_support(theta_j) P lambda from the last step to the first. */
void NAME(NomosFieldMeta)(NomosFieldWork *work, const NomosMetaLossInput *input, const NomosFieldWeights *theta, size_t task, NomosFieldTask *t)
{
  const NomosFieldShape   *s       = &work->shape;
  const NomosFieldPoints  *support = &input->support[task], *query = &input->query[task];
  const NomosFieldWeights  v      = work->weights[work->n_weights - 1]; /* P lambda */
  const size_t             packed = PackedSize(s), n_blocks = NomosFieldBlocks(support->n), last = NomosFieldForward(s, s->input.n_hidden);
  const bool               keep  = !input->first_order;
  const Real               rate  = (Real)input->rate;
  const int                steps = support->n ? input->steps : 0;
  const unsigned           mode  = NomosFlushSubnormals();
  const NomosFieldWeights *w     = theta;
  Real                    *g = work->gradient, *lambda = t->gradient;

  for (int j = 0; j < steps; j++) {
    const NomosFieldWeights *next = &work->weights[keep ? j : j % 2];
    (void)PointsGradient(work, w, support, 0, n_blocks, keep, false, keep ? (size_t)j * n_blocks : 0, g);
    Step(s, input->last_layer, rate, w->forward, g, next->forward);
    BackwardOfForward(s, next);
    w = next;
  }
  t->value = PointsGradient(work, w, query, 0, NomosFieldBlocks(query->n), false, true, work->n_blocks - 1, lambda) / (double)PetscMax(query->n * s->input.n_coordinates, 1);
  for (int j = steps; keep && j-- > 0;) {
    memcpy(v.forward, lambda, packed * sizeof *lambda);
    if (input->last_layer) memset(v.forward, 0, last * sizeof *lambda);
    BackwardOfForward(s, &v);
    memset(g, 0, packed * sizeof *g);
    for (size_t b = 0; b < n_blocks; b++) BlockHessian(work, j ? &work->weights[j - 1] : theta, &v, Smaller(support->n - b * NOMOS_FIELD_POINTS, NOMOS_FIELD_POINTS), work->blocks[(size_t)j * n_blocks + b], g);
    Step(s, false, rate, lambda, g, lambda);
  }
  NomosRestoreSubnormals(mode);
}

/* factor times the sum of all gradients, in their order. backward: room. */
void NAME(NomosFieldSum)(const NomosFieldShape *s, double factor, size_t n, const NomosFieldTask tasks[], Real *sum, Real *backward, Real *theta_bar)
{
  const size_t packed = PackedSize(s);

  memset(sum, 0, packed * sizeof *sum);
  for (size_t t = 0; t < n; t++)
    for (size_t i = 0; i < packed; i += VECTOR) *(Vector *)(sum + i) += *(const Vector *)((const Real *)tasks[t].gradient + i);
  for (size_t i = 0; i < packed; i += VECTOR) *(Vector *)(sum + i) *= (Real)factor;
  Unpack(s, sum, backward, theta_bar);
}

size_t NAME(NomosFieldPadded)(size_t n)
{
  return Blocks(n, VECTOR) * VECTOR;
}
