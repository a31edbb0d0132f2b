/* The fused loss from its blocks: weights as kernels take them, parts of points, tasks of meta-learning. */
#include "surrogates/hamiltonian/field_kernels.h"

/* ---- weights ---- */

static void BackwardOfForward(const NomosFieldShape *s, const NomosFieldWeights *w)
{
  for (size_t l = 0; l < s->input.n_hidden; l++) NAME(NomosFieldTranspose)(NomosFieldLanes(s, l), s->lanes[1], FieldForward(s, w, l), FieldBackward(s, w, l));
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
    for (size_t i = 0; i < width; i++, theta += NomosFieldInputs(s, l)) CopyRow(true, s, l, FieldBackward(s, w, l), i, (Real *)theta);
    NAME(NomosFieldTranspose)(s->lanes[1], NomosFieldLanes(s, l), FieldBackward(s, w, l), FieldForward(s, w, l));
    memcpy(FieldBias(s, w, l), theta, width * sizeof *theta);
    theta += width;
  }
  memcpy(FieldForward(s, w, s->input.n_hidden), theta, width * sizeof *theta);
}

/* backward: room. */
static void Unpack(const NomosFieldShape *s, const Real *g, Real *backward, Real *theta)
{
  const NomosFieldWeights w     = {(void *)g, backward};
  const size_t            width = s->input.width;

  BackwardOfForward(s, &w);
  for (size_t l = 0; l < s->input.n_hidden; l++) {
    for (size_t i = 0; i < width; i++, theta += NomosFieldInputs(s, l)) CopyRow(false, s, l, FieldBackward(s, &w, l), i, theta);
    memcpy(theta, FieldBias(s, &w, l), width * sizeof *theta);
    theta += width;
  }
  memcpy(theta, FieldForward(s, &w, s->input.n_hidden), width * sizeof *theta);
}

static size_t PackedSize(const NomosFieldShape *s)
{
  return NomosFieldForward(s, s->input.n_hidden + 1);
}

/* ---- parts, in the last block: meta-learning keeps things in the others ---- */

double NAME(NomosFieldPart)(NomosFieldWork *work, const NomosFieldPart *part, void *gradient)
{
  const unsigned mode = NomosFlushSubnormals();
  double         sum  = 0;

  if (gradient) memset(gradient, 0, PackedSize(&work->shape) * sizeof(Real));
  for (size_t i = part->from; i < part->to; i++) {
    const FieldBlock b = {.work = work, .w = part->theta, .points = part->points, .index = i, .keep = part->v != NULL, .value = part->value, .block = work->blocks[work->n_blocks - 1]};
    if (part->pull_back) NAME(NomosFieldBlockPullBack)(&b, gradient, part->x_bar);
    else sum += NAME(NomosFieldBlockGradient)(&b, part->v ? NULL : gradient);
    if (part->v) NAME(NomosFieldBlockHessian)(&b, part->v, gradient);
  }
  NomosRestoreSubnormals(mode);
  return sum;
}

void NAME(NomosFieldOf)(NomosFieldWork *work, const NomosFieldPart *part, Real *x_dot)
{
  const unsigned mode = NomosFlushSubnormals();

  for (size_t i = part->from; i < part->to; i++) NAME(NomosFieldBlockField)(&(FieldBlock){.work = work, .w = part->theta, .points = part->points, .index = i, .block = work->blocks[work->n_blocks - 1]}, x_dot);
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
  const NomosFieldShape  *s       = &work->shape;
  const NomosFieldPoints *support = &input->support[task], *query = &input->query[task];
  const NomosFieldWeights v = work->weights[work->n_weights - 1], *w = theta; /* v: P lambda */
  const size_t            packed = PackedSize(s), n_blocks = NomosFieldBlocks(support->n);
  const bool              keep  = !input->first_order;
  const Real              rate  = (Real)input->rate;
  const int               steps = support->n ? input->steps : 0;
  const unsigned          mode  = NomosFlushSubnormals();
  Real                   *g = work->gradient, *lambda = t->gradient;
  FieldBlock              b = {.work = work, .points = support, .keep = keep};

  for (int j = 0; j < steps; j++) {
    const NomosFieldWeights *next = &work->weights[keep ? j : j % 2];
    memset(g, 0, packed * sizeof *g);
    b.w = w;
    for (b.index = 0; b.index < n_blocks; b.index++) {
      b.block = work->blocks[keep ? (size_t)j * n_blocks + b.index : 0];
      (void)NAME(NomosFieldBlockGradient)(&b, g);
    }
    Step(s, input->last_layer, rate, w->forward, g, next->forward);
    BackwardOfForward(s, next);
    w = next;
  }
  t->value = NAME(NomosFieldPart)(work, &(NomosFieldPart){.points = query, .to = NomosFieldBlocks(query->n), .theta = w, .value = true}, lambda);
  if (query->n) t->value /= (double)(query->n * s->input.n_coordinates);
  for (int j = steps; keep && j-- > 0;) {
    memcpy(v.forward, lambda, packed * sizeof *lambda);
    if (input->last_layer) memset(v.forward, 0, NomosFieldForward(s, s->input.n_hidden) * sizeof *lambda);
    BackwardOfForward(s, &v);
    memset(g, 0, packed * sizeof *g);
    b.w = j ? &work->weights[j - 1] : theta;
    for (b.index = 0; b.index < n_blocks; b.index++) {
      b.block = work->blocks[(size_t)j * n_blocks + b.index];
      NAME(NomosFieldBlockHessian)(&b, &v, g);
    }
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
