/* The way back: vector-Jacobian products from y to x, node by node in reverse order. They are made of primitives: recorded, they can be differentiated again; not
   recorded, what a node's product has used is freed as soon as the gradients of its inputs stand. */
#include "operators/tape_state_impl.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  NomosTape    tape;
  uint32_t     first, last; /* nodes from the first of x to y */
  NomosTensor *bar;         /* (last - first + 1), stamp 0: none yet */
  uint8_t     *depends;     /* 1: on some x; 2: is itself one */
  bool         record, independent; /* independent: x are taken as leaves, whatever they were made of */
} Reverse;

static bool Valid(NomosTensor x)
{
  return x.tape && x.stamp;
}

/* Without recording, a gradient that waits is kept alive by a hold on its storage, not by its node. */
static void Hold(const Reverse *r, NomosTensor x)
{
  if (!r->record) r->tape->storages[NomosNodeAt(r->tape, x.index)->storage].refs++;
}

static void LetGo(const Reverse *r, NomosTensor x)
{
  if (!r->record) NomosStorageDrop(r->tape, NomosNodeAt(r->tape, x.index)->storage);
}

static bool SameShape(const NomosNode *a, const NomosNode *b)
{
  return a->n_dims == b->n_dims && a->type == b->type && !memcmp(a->shape, b->shape, sizeof a->shape[0] * (size_t)a->n_dims);
}

/* bar[i] += add. A held gradient's node may be released: it is revived for the sum. `own`: no other gradient is in the same memory. */
static void Accumulate(Reverse *r, uint32_t i, NomosTensor add, bool own)
{
  NomosTensor *bar = &r->bar[i - r->first];

  if (!Valid(*bar)) {
    *bar = add;
    Hold(r, add);
    return;
  }
  NomosNode  *node = NomosNodeAt(r->tape, bar->index), *new = NomosNodeAt(r->tape, add.index);
  const bool  released = node->released;
  node->released       = false;
  if (!r->record && own && r->tape->storages[new->storage].refs == 1 && NomosNodeIsContiguous(new)) { /* nobody else sees it: add in place */
    NomosAddTo(r->tape, new, node);
    node->released = released;
    Hold(r, add);
    LetGo(r, *bar);
    *bar = add;
    return;
  }
  NomosTensor sum = NomosAdd(*bar, add);
  node->released       = released;
  if (!Valid(sum)) return;
  Hold(r, sum);
  LetGo(r, *bar);
  *bar = sum;
}

static void ReleaseSince(Reverse *r, uint32_t mark)
{
  for (uint32_t i = mark; i < r->tape->n_nodes; i++) NomosNodeRelease(r->tape, NomosNodeAt(r->tape, i));
}

static bool NotOverwritten(Reverse *r, const NomosNode *node)
{
  for (size_t i = 0; i < node->n_in; i++) {
    const NomosNode *in = NomosNodeAt(r->tape, node->in[i].index);
    if (in->stamp != node->in[i].stamp || in->released) {
      NomosTapeFail(r->tape, PETSC_ERR_ARG_WRONGSTATE, "%s: input %zu was freed before the gradient was asked for", node->primitive->name, i);
      return false;
    }
    if (NomosStorageVersion(r->tape, in->storage) != node->version[i]) {
      const char *name = r->tape->storages[in->storage].name;
      NomosTapeFail(r->tape, PETSC_ERR_ARG_WRONGSTATE, "%s: input %zu%s%s was overwritten after it was recorded; compute again from the new values, or ask for the gradient before", node->primitive->name, i, name ? ", " : "", name ? name : "");
      return false;
    }
  }
  return true;
}

/* The products of one node. */
static void Visit(Reverse *r, uint32_t i)
{
  NomosNode  *node  = NomosNodeAt(r->tape, i);
  NomosTensor out   = {.tape = r->tape, .index = i, .stamp = node->stamp}, out_bar = r->bar[i - r->first];
  NomosTensor in_bar_few[8] = {{0}}, *in_bar = in_bar_few;
  bool        wanted_few[8] = {false}, *wanted = wanted_few;
  const uint32_t mark = r->tape->n_nodes;

  if (!NotOverwritten(r, node)) return;
  if (node->n_in > 8) {
    in_bar = calloc(node->n_in, sizeof *in_bar);
    wanted = calloc(node->n_in, sizeof *wanted);
    if (!in_bar || !wanted) {
      NomosTapeFail(r->tape, PETSC_ERR_MEM, "%s: no memory for the gradients of %zu inputs", node->primitive->name, node->n_in);
      free(in_bar);
      free(wanted);
      return;
    }
  }
  for (size_t k = 0; k < node->n_in; k++) wanted[k] = node->in[k].index >= r->first && r->depends[node->in[k].index - r->first];
  NomosNode *bar_node = NomosNodeAt(r->tape, out_bar.index);
  const bool released = bar_node->released;
  bar_node->released  = false;
  if (!node->primitive->vjp) NomosTapeFail(r->tape, PETSC_ERR_SUP, "%s has no derivative", node->primitive->name);
  else node->primitive->vjp(node, out, out_bar, wanted, in_bar);
  for (size_t k = 0; k < node->n_in && !r->tape->code; k++) {
    if (!wanted[k] || !Valid(in_bar[k])) continue;
    if (!SameShape(NomosNodeAt(r->tape, in_bar[k].index), NomosNodeAt(r->tape, node->in[k].index))) {
      char a[128], b[128];
      const NomosNode *x = NomosNodeAt(r->tape, node->in[k].index), *x_bar = NomosNodeAt(r->tape, in_bar[k].index);
      NomosTapeFail(r->tape, PETSC_ERR_PLIB, "%s: the gradient of input %zu is %s, but the input is %s", node->primitive->name, k, NomosShapeText(x_bar->n_dims, x_bar->shape, a), NomosShapeText(x->n_dims, x->shape, b));
    } else {
      bool own = in_bar[k].index >= mark && node->n_in <= 8; /* made by this product, and for this input alone */
      for (size_t j = 0; j < node->n_in && own; j++) own = j == k || !NomosSameTensor(in_bar[j], in_bar[k]);
      Accumulate(r, node->in[k].index, in_bar[k], own);
    }
  }
  NomosNodeAt(r->tape, out_bar.index)->released = released; /* only now: it may itself be the gradient of an input */
  if (!r->record) ReleaseSince(r, mark);
  if (in_bar != in_bar_few) {
    free(in_bar);
    free(wanted);
  }
}

static bool Prepare(const NomosGradientInput *input, Reverse *r)
{
  NomosTape  tape = input->y.tape;
  NomosNode *y    = NomosNodeOf(input->y), *y_bar;
  char       a[128], b[128];

  r->first = r->last = input->y.index;
  for (size_t i = 0; i < input->n && y; i++) {
    if (input->x[i].tape != tape) NomosTapeFail(tape, PETSC_ERR_ARG_INCOMP, "the gradient of a tensor with respect to one of another tape was asked for");
    if (!NomosNodeOf(input->x[i])) return false;
    r->first = PetscMin(r->first, input->x[i].index);
  }
  if (!y || tape->code) return false;
  if (Valid(input->y_bar)) {
    if (!(y_bar = NomosNodeOf(input->y_bar))) return false;
    if (!SameShape(y_bar, y)) NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "y_bar is %s of %s, y is %s of %s: they must be alike", y_bar->type == NOMOS_F32 ? "float32" : "float64", NomosShapeText(y_bar->n_dims, y_bar->shape, a), y->type == NOMOS_F32 ? "float32" : "float64", NomosShapeText(y->n_dims, y->shape, b));
  } else if (NomosNodeSize(y) != 1) NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "y has %zu entries: its gradient needs a y_bar (only a scalar has one of its own)", NomosNodeSize(y));
  const size_t n = (size_t)(r->last - r->first + 1);
  r->bar         = calloc(n, sizeof *r->bar);
  r->depends     = calloc(n, sizeof *r->depends);
  if (!r->bar || !r->depends) NomosTapeFail(tape, PETSC_ERR_MEM, "no memory to run back over %zu tensors", n);
  if (tape->code) return false;
  for (size_t i = 0; i < input->n; i++)
    if (input->x[i].index <= r->last) r->depends[input->x[i].index - r->first] = 2;
  for (uint32_t i = r->first; i <= r->last; i++) {
    const NomosNode *node = NomosNodeAt(tape, i);
    for (size_t k = 0; k < node->n_in && !r->depends[i - r->first]; k++) r->depends[i - r->first] = node->in[k].index >= r->first && r->depends[node->in[k].index - r->first];
  }
  return true;
}

static void Run(const NomosGradientInput *input, Reverse *r, NomosTensor x_bar[])
{
  NomosTape        tape = r->tape;
  const NomosNode *y    = NomosNodeAt(tape, input->y.index);

  if (r->depends[r->last - r->first]) Accumulate(r, r->last, Valid(input->y_bar) ? input->y_bar : NomosTensorConstant(tape, y->type, y->n_dims, y->shape, 1), false);
  for (uint32_t i = r->last + 1; i-- > r->first && !tape->code;) {
    NomosTensor *bar = &r->bar[i - r->first];
    if (!r->depends[i - r->first] || !Valid(*bar)) continue;
    if (NomosNodeAt(tape, i)->n_in && !(r->independent && r->depends[i - r->first] == 2)) Visit(r, i);
    if (r->depends[i - r->first] == 2) continue;
    LetGo(r, *bar);
    bar->stamp = 0;
  }
  for (size_t i = 0; i < input->n && !tape->code; i++) {
    const NomosNode *x       = NomosNodeAt(tape, input->x[i].index);
    const bool       reached = input->x[i].index <= r->last && Valid(r->bar[input->x[i].index - r->first]);
    bool repeated = false;
    for (size_t j = 0; j < i && r->independent && !repeated; j++) repeated = NomosSameTensor(input->x[j], input->x[i]);
    if (input->reached) input->reached[i] = reached;
    if (repeated) continue; /* one input given twice: its gradient counts once */
    if (!reached) {
      x_bar[i] = NomosTensorConstant(tape, x->type, x->n_dims, x->shape, 0);
      continue;
    }
    x_bar[i]        = r->bar[input->x[i].index - r->first];
    NomosNode *node = NomosNodeAt(tape, x_bar[i].index);
    if (!r->record && node->released) { /* the hold becomes the node's again */
      node->released = false;
      tape->storages[node->storage].refs++;
    }
  }
}

static void Gradient(const NomosGradientInput *input, bool independent, NomosTensor x_bar[])
{
  Reverse r = {.tape = input->y.tape, .record = input->record, .independent = independent};

  for (size_t i = 0; i < input->n; i++) x_bar[i] = (NomosTensor){.tape = r.tape};
  if (!r.tape) return;
  if (Prepare(input, &r)) {
    const bool recording = NomosTapeSetRecording(r.tape, input->record);
    Run(input, &r, x_bar);
    (void)NomosTapeSetRecording(r.tape, recording);
    for (uint32_t i = r.first; i <= r.last; i++)
      if (Valid(r.bar[i - r.first])) LetGo(&r, r.bar[i - r.first]);
  }
  free(r.bar);
  free(r.depends);
}

void NomosGradientKept(const NomosGradientInput *input, NomosTensor x_bar[])
{
  Gradient(input, true, x_bar);
}

PetscErrorCode NomosGradient(const NomosGradientInput *input, NomosTensor x_bar[])
{
  PetscFunctionBeginUser;
  PetscCheck(input->y.tape, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "the gradient of a tensor that no primitive has made was asked for");
  Gradient(input, false, x_bar);
  PetscCall(NomosTapeStatus(input->y.tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a segment that is computed again */

typedef struct {
  NomosSegmentFn segment;
  void          *ctx;
} Segment;

static void VjpRecompute(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Segment *segment   = node->attributes;
  NomosTape      tape      = out.tape;
  const bool     recording = NomosTapeSetRecording(tape, true);
  const size_t   n         = node->n_in;
  NomosTensor   *x         = calloc(2 * n + 1, sizeof *x), *x_bar = x + n;

  (void)wanted;
  if (!x) NomosTapeFail(tape, PETSC_ERR_MEM, "recompute: no memory for %zu inputs", n);
  else {
    for (size_t i = 0; i < n; i++) x[i] = recording ? node->in[i] : NomosStopGradient(node->in[i]);
    NomosTensor y = segment->segment(tape, x, segment->ctx);
    NomosGradientKept(&(NomosGradientInput){.y = y, .y_bar = out_bar, .n = n, .x = x, .record = recording}, x_bar);
    for (size_t i = 0; i < n; i++) in_bar[i] = x_bar[i];
  }
  (void)NomosTapeSetRecording(tape, recording);
  free(x);
}

const NomosPrimitive nomos_primitive_recompute = {.name = "recompute", .vjp = VjpRecompute};

NomosTensor NomosRecompute(NomosSegmentFn segment, void *ctx, size_t n, const NomosTensor x[])
{
  NomosTape     tape = n ? x[0].tape : NULL;
  NomosTensor   inside, y;
  NomosNode    *from, *node;
  const Segment attributes = {segment, ctx};

  if (!tape) return (NomosTensor){0};
  const bool     recording = NomosTapeSetRecording(tape, false);
  const uint32_t mark      = tape->n_nodes;
  inside                   = NomosContiguous(segment(tape, x, ctx));
  (void)NomosTapeSetRecording(tape, recording);
  if (!(from = NomosNodeOf(inside))) return (NomosTensor){.tape = tape};
  const uint32_t end = tape->n_nodes;
  node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = &nomos_primitive_recompute, .type = from->type, .n_dims = from->n_dims, .shape = from->shape, .n_in = n, .in = x, .attributes = &attributes, .n_attributes = sizeof attributes}, &y);
  if (node) memcpy(NomosNodeData(node, tape), NomosNodeData(from, tape), NomosNodeSize(from) * NomosRealBytes(from->type));
  for (uint32_t i = mark; i < end; i++) NomosNodeRelease(tape, NomosNodeAt(tape, i));
  return y;
}
