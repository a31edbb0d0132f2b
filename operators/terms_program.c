/* From nodes to instructions. A value lives on the grid, as modes, or (products without aliasing) on a grid 3/2 as fine; whatever is asked for twice in the same place is the same value.

   Series: a thing goes forward once, and comes back once for every linear combination of its derivatives that is asked for. Products without aliasing: both factors come out on the fine grid, their product
   goes to modes; those of one sum are added before. Given functions themselves (they may have jumps: masks, sponges) multiply on the grid. */
#include "operators/terms_impl.h"

#include <string.h>

static PetscErrorCode Emit(NomosTerms t, NomosTermInstruction instruction, const NomosTermInput in[], int *value)
{
  const bool nonlinear = instruction.op == OP_MULTIPLY || instruction.op == OP_FUNCTION;

  PetscFunctionBeginUser;
  instruction.constant = instruction.op != OP_FIELD;
  for (int i = 0; i < instruction.n_in; i++) instruction.constant = instruction.constant && t->program[in[i].value].constant;
  instruction.linear = !nonlinear;
  for (int v = 0; v < t->n_values; v++) {
    const NomosTermInstruction *other = &t->program[v];
    bool same = other->op == instruction.op && other->space == instruction.space && other->index == instruction.index && other->n_in == instruction.n_in;
    for (int i = 0; i < instruction.n_in && same; i++) same = other->in[i].factor == in[i].factor && other->in[i].value == in[i].value && !memcmp(other->in[i].order, in[i].order, sizeof in[i].order);
    *value = v;
    if (same) PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (t->n_values == t->max_values) {
    t->max_values = 2 * t->max_values + 64;
    PetscCall(PetscRealloc(sizeof *t->program * (size_t)t->max_values, &t->program));
  }
  PetscCall(PetscMalloc1((size_t)instruction.n_in + 1, &instruction.in));
  if (instruction.n_in) memcpy(instruction.in, in, sizeof *in * (size_t)instruction.n_in);
  *value                  = t->n_values++;
  t->program[*value] = instruction;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of nodes that were compiled before. */
static PetscErrorCode Remember(NomosTerms t, NomosTermSpace space, int node, int value)
{
  PetscFunctionBeginUser;
  if (node >= t->n_memo) {
    const int n = t->graph.n_nodes + 64;
    for (int s = 0; s < N_SPACES; s++) {
      PetscCall(PetscRealloc(sizeof(int) * (size_t)n, &t->memo[s]));
      for (int i = t->n_memo; i < n; i++) t->memo[s][i] = -1;
    }
    t->n_memo = n;
  }
  t->memo[space][node] = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Grid(NomosTerms t, int node, int *value);
static PetscErrorCode Modes(NomosTerms t, int node, int *value);

static inline NomosTermNode Node(NomosTerms t, int node)
{
  return t->graph.nodes[node];
}

static bool IsSpectral(NomosTerms t)
{
  return t->grid.method == NOMOS_TERMS_SPECTRAL && t->grid.n_dims > 0;
}

/* Factors of a product: given functions themselves and what is multiplied with them on the grid, and the rest, free of aliasing. 1 where there is none. */
static void SplitProduct(NomosTerms t, int node, int *given, int *rest)
{
  *given = *rest = NomosTermNumber(&t->graph, 1);
  for (int i = 0; i < Node(t, node).n; i++) {
    const NomosTermItem item = NomosTermItems(&t->graph, node)[i];
    const int           power = NomosTermProduct(&t->graph, 1, &item);
    int                *side = t->grid.dealias && Node(t, item.node).kind != NODE_GIVEN && item.power > 0 ? rest : given;
    *side                    = NomosTermTimes(&t->graph, *side, power);
  }
}

/* Is it a product that is free of aliasing as a whole? */
static bool IsFineProduct(NomosTerms t, int node)
{
  int given, rest;

  if (!t->grid.dealias || Node(t, node).kind != NODE_PRODUCT) return false;
  SplitProduct(t, node, &given, &rest);
  return Node(t, given).kind == NODE_ONE;
}

/* Two nodes whose product it is: u^2 u_x = (u^2)(u_x), u^3 = u u^2. */
static void Halves(NomosTerms t, int node, int *left, int *right)
{
  const int           n    = Node(t, node).n;
  const NomosTermItem last = NomosTermItems(&t->graph, node)[n - 1];
  const int           part = n > 1 ? last.power : last.power / 2;

  *right = NomosTermProduct(&t->graph, 1, &(NomosTermItem){1, last.node, n > 1 ? last.power : last.power - part});
  *left  = NomosTermNumber(&t->graph, 1);
  for (int i = 0; i + 1 < n; i++) {
    const NomosTermItem item = NomosTermItems(&t->graph, node)[i];
    *left                    = NomosTermProduct(&t->graph, 2, (NomosTermItem[]){{1, *left, 1}, item});
  }
  if (n == 1) *left = NomosTermProduct(&t->graph, 1, &(NomosTermItem){1, last.node, part});
}

/* Derivatives of modes whose sum is factor d^order node. */
enum { MAX_ENTRIES = 64 };
typedef struct {
  int            n;
  NomosTermInput in[MAX_ENTRIES];
} Inputs;

static PetscErrorCode Push(NomosTerms t, Inputs *inputs, double factor, int value, const int order[2])
{
  PetscFunctionBeginUser;
  PetscCheck(inputs->n < MAX_ENTRIES, t->comm, PETSC_ERR_ARG_SIZ, "%s: a sum in a term has more than %d entries; write it as several terms", t->where, MAX_ENTRIES);
  inputs->in[inputs->n++] = (NomosTermInput){factor, value, {order[0], order[1]}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FineProduct(NomosTerms t, int node, int *value);
static const int none[2] = {0, 0};

/* The entries of a sum that are products without aliasing, added up on the fine grid: their modes, -1 where there are none. */
static PetscErrorCode FineSum(NomosTerms t, int sum, int *modes)
{
  Inputs products = {0};
  int    value;

  PetscFunctionBeginUser;
  *modes = -1;
  for (int i = 0; i < Node(t, sum).n; i++) {
    const NomosTermItem item = NomosTermItems(&t->graph, sum)[i];
    if (!IsFineProduct(t, item.node)) continue;
    PetscCall(FineProduct(t, item.node, &value));
    PetscCall(Push(t, &products, item.factor, value, none));
  }
  if (!products.n) PetscFunctionReturn(PETSC_SUCCESS);
  if (products.n > 1 || products.in[0].factor != 1) PetscCall(Emit(t, (NomosTermInstruction){.op = OP_COMBINE, .space = SPACE_FINE, .n_in = products.n}, products.in, &value));
  PetscCall(Emit(t, (NomosTermInstruction){.op = OP_FORWARD, .space = SPACE_FINE, .n_in = 1}, &(NomosTermInput){1, value, {0, 0}}, modes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddModes(NomosTerms t, Inputs *inputs, double factor, int node)
{
  const NomosTermNode n = Node(t, node);
  int                 value;

  PetscFunctionBeginUser;
  if (n.kind == NODE_SUM) {
    PetscCall(FineSum(t, node, &value));
    if (value >= 0) PetscCall(Push(t, inputs, factor, value, none));
    for (int i = 0; i < n.n; i++) {
      const NomosTermItem item = NomosTermItems(&t->graph, node)[i];
      if (!IsFineProduct(t, item.node)) PetscCall(AddModes(t, inputs, factor * item.factor, item.node));
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Modes(t, n.kind == NODE_DERIVATIVE ? NomosTermItems(&t->graph, node)->node : node, &value));
  PetscCall(Push(t, inputs, factor, value, n.kind == NODE_DERIVATIVE ? n.order : none));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fine(NomosTerms t, int node, int *value)
{
  Inputs inputs = {0};

  PetscFunctionBeginUser;
  PetscCall(AddModes(t, &inputs, 1, node));
  PetscCall(Emit(t, (NomosTermInstruction){.op = OP_INVERSE, .space = SPACE_FINE, .n_in = inputs.n}, inputs.in, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the fine grid, before it is cut to the modes. */
static PetscErrorCode FineProduct(NomosTerms t, int node, int *value)
{
  int            left, right;
  NomosTermInput in[2] = {{1, 0, {0, 0}}, {1, 0, {0, 0}}};

  PetscFunctionBeginUser;
  Halves(t, node, &left, &right);
  PetscCall(Fine(t, left, &in[0].value));
  PetscCall(Fine(t, right, &in[1].value));
  PetscCall(Emit(t, (NomosTermInstruction){.op = OP_MULTIPLY, .space = SPACE_FINE, .n_in = 2}, in, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J whose two products are (not J(x, b) = b_y, say). */
static bool IsFineJacobian(NomosTerms t, int node, int *expanded)
{
  if (!t->grid.dealias || Node(t, node).kind != NODE_JACOBIAN) return false;
  *expanded = NomosTermJacobianExpanded(&t->graph, node);
  for (int i = 0; i < Node(t, *expanded).n; i++)
    if (!IsFineProduct(t, NomosTermItems(&t->graph, *expanded)[i].node)) return false;
  return Node(t, *expanded).kind == NODE_SUM && Node(t, *expanded).n > 0;
}

static PetscErrorCode Modes(NomosTerms t, int node, int *value)
{
  int expanded;

  PetscFunctionBeginUser;
  if (node < t->n_memo && t->memo[SPACE_MODES][node] >= 0) {
    *value = t->memo[SPACE_MODES][node];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (IsFineJacobian(t, node, &expanded)) PetscCall(FineSum(t, expanded, value));
  else if (IsFineProduct(t, node)) {
    PetscCall(FineProduct(t, node, value));
    PetscCall(Emit(t, (NomosTermInstruction){.op = OP_FORWARD, .space = SPACE_FINE, .n_in = 1}, &(NomosTermInput){1, *value, {0, 0}}, value));
  } else {
    PetscCall(Grid(t, node, value));
    PetscCall(Emit(t, (NomosTermInstruction){.op = OP_FORWARD, .space = SPACE_GRID, .n_in = 1}, &(NomosTermInput){1, *value, {0, 0}}, value));
  }
  PetscCall(Remember(t, SPACE_MODES, node, *value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GridSum(NomosTerms t, int node, int *value)
{
  const NomosTermNode n      = Node(t, node);
  Inputs              series = {0}, points = {0};
  int                 here;

  PetscFunctionBeginUser;
  /* one derivative alone is shared with whoever else asks for it; several come back together */
  for (int i = 0; i < n.n && IsSpectral(t) && n.n > 1; i++) {
    const NomosTermItem item = NomosTermItems(&t->graph, node)[i];
    if (Node(t, item.node).kind == NODE_DERIVATIVE) PetscCall(AddModes(t, &series, item.factor, item.node));
  }
  if (t->grid.dealias) {
    PetscCall(FineSum(t, node, &here));
    if (here >= 0) PetscCall(Push(t, &series, 1, here, none));
  }
  if (series.n) {
    PetscCall(Emit(t, (NomosTermInstruction){.op = OP_INVERSE, .space = SPACE_GRID, .n_in = series.n}, series.in, &here));
    PetscCall(Push(t, &points, 1, here, none));
  }
  for (int i = 0; i < n.n; i++) {
    const NomosTermItem item = NomosTermItems(&t->graph, node)[i];
    if ((series.n && Node(t, item.node).kind == NODE_DERIVATIVE && n.n > 1) || IsFineProduct(t, item.node)) continue;
    PetscCall(Grid(t, item.node, &here));
    PetscCall(Push(t, &points, item.factor, here, none));
  }
  *value = points.in[0].value;
  if (points.n != 1 || points.in[0].factor != 1) PetscCall(Emit(t, (NomosTermInstruction){.op = OP_COMBINE, .space = SPACE_GRID, .n_in = points.n}, points.in, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GridProduct(NomosTerms t, int node, int *value)
{
  NomosTermInput in[2] = {{1, 0, {0, 0}}, {1, 0, {0, 0}}};
  int            left, right, given, rest;

  PetscFunctionBeginUser;
  const NomosTermItem only = NomosTermItems(&t->graph, node)[0];
  if (Node(t, node).n == 1 && only.power < 0) { /* 1/a^n: a pointwise function behind those of the list */
    const int power = NomosTermProduct(&t->graph, 1, &(NomosTermItem){1, only.node, -only.power});
    PetscCall(Grid(t, power, &in[0].value));
    PetscCall(Emit(t, (NomosTermInstruction){.op = OP_FUNCTION, .space = SPACE_GRID, .index = NOMOS_TERM_N_FUNCTIONS, .n_in = 1}, in, value));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (IsFineProduct(t, node)) {
    PetscCall(Modes(t, node, &in[0].value));
    PetscCall(Emit(t, (NomosTermInstruction){.op = OP_INVERSE, .space = SPACE_GRID, .n_in = 1}, in, value));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  SplitProduct(t, node, &given, &rest);
  if (Node(t, rest).kind != NODE_ONE) left = given, right = rest;
  else Halves(t, node, &left, &right);
  PetscCall(Grid(t, left, &in[0].value));
  PetscCall(Grid(t, right, &in[1].value));
  PetscCall(Emit(t, (NomosTermInstruction){.op = OP_MULTIPLY, .space = SPACE_GRID, .n_in = 2}, in, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By differences along x, then along y. */
static PetscErrorCode GridDerivative(NomosTerms t, int node, int *value)
{
  const NomosTermNode n     = Node(t, node);
  const int           inner = NomosTermItems(&t->graph, node)->node;
  Inputs              series = {0};
  NomosTermInput      in    = {1, 0, {0, 0}};
  int                 stencil;

  PetscFunctionBeginUser;
  if (IsSpectral(t)) {
    PetscCall(AddModes(t, &series, 1, node));
    PetscCall(Emit(t, (NomosTermInstruction){.op = OP_INVERSE, .space = SPACE_GRID, .n_in = 1}, series.in, value));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (n.order[0] && n.order[1]) {
    PetscCall(Grid(t, NomosTermDerivative(&t->graph, (int[2]){n.order[0], 0}, inner), &in.value));
  } else PetscCall(Grid(t, inner, &in.value));
  PetscCall(NomosTermsStencilFind(t, n.order[1] > 0, n.order[1] ? n.order[1] : n.order[0], &stencil));
  PetscCall(Emit(t, (NomosTermInstruction){.op = OP_DIFFERENCE, .space = SPACE_GRID, .index = stencil, .n_in = 1}, &in, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Grid(NomosTerms t, int node, int *value)
{
  static const NomosTermOp ops[] = {[NODE_ONE] = OP_ONE, [NODE_GIVEN] = OP_GIVEN, [NODE_FIELD] = OP_FIELD, [NODE_FUNCTION] = OP_FUNCTION, [NODE_MEAN] = OP_MEAN, [NODE_SHIFT] = OP_SHIFT};
  const NomosTermNode      n     = Node(t, node);
  NomosTermInput           in    = {1, 0, {0, 0}};

  PetscFunctionBeginUser;
  if (node < t->n_memo && t->memo[SPACE_GRID][node] >= 0) {
    *value = t->memo[SPACE_GRID][node];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  switch (n.kind) {
  case NODE_ONE:
  case NODE_GIVEN:
  case NODE_FIELD: PetscCall(Emit(t, (NomosTermInstruction){.op = ops[n.kind], .space = SPACE_GRID, .index = n.index}, NULL, value)); break;
  case NODE_FUNCTION:
  case NODE_MEAN:
  case NODE_SHIFT:
    PetscCall(Grid(t, NomosTermItems(&t->graph, node)->node, &in.value));
    PetscCall(Emit(t, (NomosTermInstruction){.op = ops[n.kind], .space = SPACE_GRID, .index = n.index, .n_in = 1}, &in, value));
    break;
  case NODE_DERIVATIVE: PetscCall(GridDerivative(t, node, value)); break;
  case NODE_JACOBIAN: PetscCall(Grid(t, NomosTermJacobianExpanded(&t->graph, node), value)); break;
  case NODE_PRODUCT: PetscCall(GridProduct(t, node, value)); break;
  case NODE_SUM: PetscCall(GridSum(t, node, value)); break;
  }
  PetscCall(Remember(t, SPACE_GRID, node, *value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsCompile(NomosTerms t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(t->n_terms + 1, &t->output));
  PetscCall(PetscMalloc1(t->n_fields + 1, &t->field_value));
  for (size_t i = 0; i < t->n_terms; i++) PetscCall(Grid(t, t->term[i], &t->output[i]));
  for (size_t i = 0; i < t->n_fields; i++) {
    const int node = NomosTermLeaf(&t->graph, NODE_FIELD, (int)i);
    t->field_value[i] = node < t->n_memo ? t->memo[SPACE_GRID][node] : -1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
