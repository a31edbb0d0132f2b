/* The normal form. Sums are flat, sorted, without zeros; products are flat, sorted, their numbers go into the sum around them; linear maps (derivatives, means, shifts) are pulled into sums and
   composed; J is antisymmetric. Order is by content, so that a text does not depend on what was written before it. */
#include "operators/terms_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const NomosTermFunction nomos_term_functions[NOMOS_TERM_N_FUNCTIONS] = {{"sin", sin}, {"cos", cos}, {"tanh", tanh}, {"exp", exp}, {"log", log}, {"sqrt", sqrt}, {"abs", fabs}};

/* Entries while a node is made: as many as the nodes it is made from have. */
typedef struct {
  NomosTermGraph *graph;
  int             n, max;
  NomosTermItem  *items, few[32];
} List;

static void ListPush(List *list, NomosTermItem item)
{
  if (list->n == list->max) {
    NomosTermItem *more = malloc(2 * sizeof *more * (size_t)list->max);
    if (!more) {
      list->graph->full = true;
      return;
    }
    memcpy(more, list->items, sizeof *more * (size_t)list->n);
    if (list->items != list->few) free(list->items);
    list->items = more;
    list->max *= 2;
  }
  list->items[list->n++] = item;
}

static void ListBegin(List *list, NomosTermGraph *graph)
{
  *list       = (List){.graph = graph, .max = 32};
  list->items = list->few;
}

static void ListEnd(List *list)
{
  if (list->items != list->few) free(list->items);
}

/* An order of all nodes by what they are. */
static int Compare(const NomosTermGraph *graph, int a, int b)
{
  const NomosTermNode *p = &graph->nodes[a], *q = &graph->nodes[b];

  if (a == b) return 0;
  if (p->kind != q->kind) return p->kind < q->kind ? -1 : 1;
  if (p->kind == NODE_DERIVATIVE) { /* of the same thing side by side, lower orders first */
    const int things = Compare(graph, NomosTermItems(graph, a)->node, NomosTermItems(graph, b)->node), lower = p->order[0] + p->order[1] - q->order[0] - q->order[1];
    if (things) return things;
    if (lower) return lower < 0 ? -1 : 1;
    return p->order[0] > q->order[0] ? -1 : 1;
  }
  if (p->index != q->index) return p->index < q->index ? -1 : 1;
  for (int i = 0; i < p->n && i < q->n; i++) {
    const NomosTermItem *x = NomosTermItems(graph, a) + i, *y = NomosTermItems(graph, b) + i;
    const int            things = Compare(graph, x->node, y->node);
    if (things) return things;
    if (x->power != y->power) return x->power < y->power ? -1 : 1;
    if (x->factor != y->factor) return x->factor < y->factor ? -1 : 1;
  }
  return p->n < q->n ? -1 : p->n > q->n;
}

/* In a sum derivatives stand before what has none. */
static int CompareEntries(const NomosTermGraph *graph, bool sum, int a, int b)
{
  const NomosTermKind p = graph->nodes[a].kind, q = graph->nodes[b].kind;

  if (sum && p != q) return p > q ? -1 : 1;
  return Compare(graph, a, b);
}

static int Intern(NomosTermGraph *graph, NomosTermNode node, const NomosTermItem items[])
{
  node.constant = node.kind != NODE_FIELD;
  for (int i = 0; i < node.n; i++) node.constant = node.constant && graph->nodes[items[i].node].constant;
  for (int i = 0; i < graph->n_nodes; i++) {
    const NomosTermNode *other = &graph->nodes[i];
    if (other->kind != node.kind || other->index != node.index || other->n != node.n || memcmp(other->order, node.order, sizeof node.order)) continue;
    bool same = true;
    for (int j = 0; j < node.n && same; j++) {
      const NomosTermItem *item = NomosTermItems(graph, i) + j;
      same                      = item->node == items[j].node && item->power == items[j].power && item->factor == items[j].factor;
    }
    if (same) return i;
  }
  if (graph->n_nodes == graph->max_nodes) {
    const int      max  = graph->max_nodes ? 2 * graph->max_nodes : 64;
    NomosTermNode *more = realloc(graph->nodes, sizeof *more * (size_t)max);
    if (!more) {
      graph->full = true;
      return 0;
    }
    graph->nodes     = more;
    graph->max_nodes = max;
  }
  if (graph->n_items + (size_t)node.n > graph->max_items) {
    const size_t   max  = 2 * graph->max_items + (size_t)node.n + 64;
    NomosTermItem *more = realloc(graph->items, sizeof *more * max);
    if (!more) {
      graph->full = true;
      return 0;
    }
    graph->items     = more;
    graph->max_items = max;
  }
  node.first = graph->n_items;
  for (int i = 0; i < node.n; i++) graph->items[graph->n_items++] = items[i];
  graph->nodes[graph->n_nodes] = node;
  return graph->n_nodes++;
}

static int InternOne(NomosTermGraph *graph, NomosTermNode node, int child)
{
  node.n = 1;
  return Intern(graph, node, &(NomosTermItem){.factor = 1, .node = child, .power = 1});
}

int NomosTermLeaf(NomosTermGraph *graph, NomosTermKind kind, int index)
{
  return Intern(graph, (NomosTermNode){.kind = kind, .index = index}, NULL);
}

int NomosTermNumber(NomosTermGraph *graph, double value)
{
  return NomosTermScaled(graph, value, NomosTermLeaf(graph, NODE_ONE, 0));
}

bool NomosTermIsNumber(const NomosTermGraph *graph, int node, double *value)
{
  const NomosTermNode *n = &graph->nodes[node];

  *value = n->kind == NODE_ONE;
  if (n->kind == NODE_SUM && n->n == 1 && graph->nodes[NomosTermItems(graph, node)->node].kind == NODE_ONE) *value = NomosTermItems(graph, node)->factor;
  return *value != 0 || (n->kind == NODE_SUM && n->n == 0);
}

int NomosTermScaled(NomosTermGraph *graph, double factor, int node)
{
  return NomosTermSum(graph, 1, &(NomosTermItem){.factor = factor, .node = node, .power = 1});
}

int NomosTermTimes(NomosTermGraph *graph, int a, int b)
{
  return NomosTermProduct(graph, 2, (NomosTermItem[]){{1, a, 1}, {1, b, 1}});
}

/* Sorted, equal ones joined: factors of a sum, powers of a product added. */
static void Gather(List *list, bool sum)
{
  int n = 0;

  for (int i = 1; i < list->n; i++) { /* short lists: insertion */
    const NomosTermItem item = list->items[i];
    int                 j    = i;
    for (; j > 0 && CompareEntries(list->graph, sum, list->items[j - 1].node, item.node) > 0; j--) list->items[j] = list->items[j - 1];
    list->items[j] = item;
  }
  for (int i = 0; i < list->n; i++) {
    if (n && list->items[n - 1].node == list->items[i].node) {
      if (sum) list->items[n - 1].factor += list->items[i].factor;
      else list->items[n - 1].power += list->items[i].power;
    } else list->items[n++] = list->items[i];
    if (sum ? list->items[n - 1].factor == 0 : list->items[n - 1].power == 0) n--;
  }
  list->n = n;
}

int NomosTermSum(NomosTermGraph *graph, int n, const NomosTermItem items[])
{
  List list;
  int  node;

  ListBegin(&list, graph);
  for (int i = 0; i < n; i++) {
    const NomosTermNode *entry = &graph->nodes[items[i].node];
    if (entry->kind != NODE_SUM) ListPush(&list, (NomosTermItem){items[i].factor, items[i].node, 1});
    for (int j = 0; j < entry->n && entry->kind == NODE_SUM; j++) {
      const NomosTermItem *inner = NomosTermItems(graph, items[i].node) + j;
      ListPush(&list, (NomosTermItem){items[i].factor * inner->factor, inner->node, 1});
    }
  }
  Gather(&list, true);
  node = list.n == 1 && list.items[0].factor == 1 ? list.items[0].node : Intern(graph, (NomosTermNode){.kind = NODE_SUM, .n = list.n}, list.items);
  ListEnd(&list);
  return node;
}

/* node = factor * rest: of a sum whose entries have one magnitude that number, with the sign of the first. */
static double Content(NomosTermGraph *graph, int node, int *rest)
{
  double content;
  List   list;

  *rest = node;
  if (graph->nodes[node].kind != NODE_SUM || !graph->nodes[node].n) return 1;
  content = NomosTermItems(graph, node)->factor;
  for (int i = 1; i < graph->nodes[node].n; i++)
    if (fabs(NomosTermItems(graph, node)[i].factor) != fabs(content)) return 1;
  if (content == 1) return 1;
  ListBegin(&list, graph);
  for (int i = 0; i < graph->nodes[node].n; i++) ListPush(&list, (NomosTermItem){NomosTermItems(graph, node)[i].factor / content, NomosTermItems(graph, node)[i].node, 1});
  *rest = NomosTermSum(graph, list.n, list.items);
  ListEnd(&list);
  return content;
}

int NomosTermProduct(NomosTermGraph *graph, int n, const NomosTermItem items[])
{
  double factor = 1;
  List   list;
  int    node;

  ListBegin(&list, graph);
  for (int i = 0; i < n; i++) {
    int          rest;
    const double content = Content(graph, items[i].node, &rest);
    if (graph->nodes[rest].kind == NODE_SUM && graph->nodes[rest].n == 0 && items[i].power > 0) { /* times zero */
      ListEnd(&list);
      return rest;
    }
    factor *= pow(content, items[i].power);
    if (graph->nodes[rest].kind == NODE_ONE) continue;
    if (graph->nodes[rest].kind != NODE_PRODUCT) ListPush(&list, (NomosTermItem){1, rest, items[i].power});
    for (int j = 0; j < graph->nodes[rest].n && graph->nodes[rest].kind == NODE_PRODUCT; j++) {
      const NomosTermItem *inner = NomosTermItems(graph, rest) + j;
      ListPush(&list, (NomosTermItem){1, inner->node, inner->power * items[i].power});
    }
  }
  Gather(&list, false);
  for (int i = 0; i < list.n; i++)
    if (abs(list.items[i].power) > NOMOS_TERM_MAX_POWER) graph->full = true;
  if (list.n == 0) node = NomosTermLeaf(graph, NODE_ONE, 0);
  else node = list.n == 1 && list.items[0].power == 1 ? list.items[0].node : Intern(graph, (NomosTermNode){.kind = NODE_PRODUCT, .n = list.n}, list.items);
  ListEnd(&list);
  return NomosTermScaled(graph, factor, node);
}

/* A linear map of a sum, entry by entry. */
typedef int (*MapFn)(NomosTermGraph *graph, const int what[2], int node);
static int OverSum(NomosTermGraph *graph, MapFn map, const int what[2], int node)
{
  List list;

  ListBegin(&list, graph);
  for (int i = 0; i < graph->nodes[node].n; i++) {
    const NomosTermItem item = NomosTermItems(graph, node)[i];
    ListPush(&list, (NomosTermItem){item.factor, map(graph, what, item.node), 1});
  }
  node = NomosTermSum(graph, list.n, list.items);
  ListEnd(&list);
  return node;
}

static int DerivativeOf(NomosTermGraph *graph, const int order[2], int node)
{
  const NomosTermNode n     = graph->nodes[node];
  const int           child = n.n ? NomosTermItems(graph, node)->node : -1, axis = n.index - graph->n_given;

  if (!order[0] && !order[1]) return node;
  switch (n.kind) {
  case NODE_ONE: return NomosTermNumber(graph, 0);
  case NODE_SUM: return OverSum(graph, DerivativeOf, order, node);
  case NODE_GIVEN:
    if (axis >= 0) return NomosTermNumber(graph, order[axis] == 1 && order[1 - axis] == 0);
    break;
  case NODE_MEAN:
    if (!n.index || order[0]) return NomosTermNumber(graph, 0);
    break;
  case NODE_SHIFT: return NomosTermShift(graph, n.index, DerivativeOf(graph, order, child));
  case NODE_DERIVATIVE: {
    const int both[2] = {order[0] + n.order[0], order[1] + n.order[1]};
    return DerivativeOf(graph, both, child);
  }
  default: break;
  }
  if (order[0] + order[1] > NOMOS_TERM_MAX_ORDER) graph->full = true;
  return InternOne(graph, (NomosTermNode){.kind = NODE_DERIVATIVE, .order = {order[0], order[1]}}, node);
}

int NomosTermDerivative(NomosTermGraph *graph, const int order[2], int node)
{
  return DerivativeOf(graph, order, node);
}

static int MeanOf(NomosTermGraph *graph, const int over_x[2], int node)
{
  const NomosTermNode n     = graph->nodes[node];
  const int           child = n.n ? NomosTermItems(graph, node)->node : -1;

  if (n.kind == NODE_ONE) return node;
  if (n.kind == NODE_SUM) return OverSum(graph, MeanOf, over_x, node);
  if (n.kind == NODE_MEAN && (over_x[0] || !n.index)) return node;
  if (n.kind == NODE_MEAN || (n.kind == NODE_SHIFT && !over_x[1])) return MeanOf(graph, over_x, child);
  if (n.kind == NODE_DERIVATIVE && ((n.order[0] && !graph->open[0]) || (!over_x[0] && n.order[1] && !graph->open[1]))) return NomosTermNumber(graph, 0); /* of a period */
  return InternOne(graph, (NomosTermNode){.kind = NODE_MEAN, .index = over_x[0]}, node);
}

int NomosTermMean(NomosTermGraph *graph, int over_x, int node)
{
  const int what[2] = {graph->n_dims > 1 && over_x, 0};

  return MeanOf(graph, what, node);
}

static int ShiftOf(NomosTermGraph *graph, const int points[2], int node)
{
  const NomosTermNode n = graph->nodes[node];
  List                list;

  if (!points[0] || n.kind == NODE_ONE || n.kind == NODE_MEAN) return node;
  switch (n.kind) {
  case NODE_SUM: return OverSum(graph, ShiftOf, points, node);
  case NODE_SHIFT: return NomosTermShift(graph, points[0] + n.index, NomosTermItems(graph, node)->node);
  case NODE_FUNCTION: return NomosTermFunctionOf(graph, n.index, ShiftOf(graph, points, NomosTermItems(graph, node)->node));
  case NODE_JACOBIAN: {
    const int a = NomosTermItems(graph, node)[0].node, b = NomosTermItems(graph, node)[1].node, shifted = ShiftOf(graph, points, a);
    return NomosTermJacobian(graph, shifted, ShiftOf(graph, points, b));
  }
  case NODE_PRODUCT:
    ListBegin(&list, graph);
    for (int i = 0; i < n.n; i++) {
      const NomosTermItem item = NomosTermItems(graph, node)[i];
      ListPush(&list, (NomosTermItem){1, ShiftOf(graph, points, item.node), item.power});
    }
    node = NomosTermProduct(graph, list.n, list.items);
    ListEnd(&list);
    return node;
  default: return InternOne(graph, (NomosTermNode){.kind = NODE_SHIFT, .index = points[0]}, node);
  }
}

int NomosTermShift(NomosTermGraph *graph, int points, int node)
{
  const int what[2] = {(points % graph->n_x + graph->n_x + (graph->n_x - 1) / 2) % graph->n_x - (graph->n_x - 1) / 2, 0}; /* the shortest way round */

  return ShiftOf(graph, what, node);
}

int NomosTermFunctionOf(NomosTermGraph *graph, int function, int node)
{
  double value;

  if (NomosTermIsNumber(graph, node, &value)) return NomosTermNumber(graph, nomos_term_functions[function].value(value));
  return InternOne(graph, (NomosTermNode){.kind = NODE_FUNCTION, .index = function}, node);
}

int NomosTermJacobian(NomosTermGraph *graph, int a, int b)
{
  double    value;
  int       rest_a, rest_b;
  double    factor = Content(graph, a, &rest_a);

  factor *= Content(graph, b, &rest_b);
  const int order = Compare(graph, rest_a, rest_b);
  if (!order || NomosTermIsNumber(graph, rest_a, &value) || NomosTermIsNumber(graph, rest_b, &value)) return NomosTermNumber(graph, 0);
  const NomosTermItem items[2] = {{1, order < 0 ? rest_a : rest_b, 1}, {1, order < 0 ? rest_b : rest_a, 1}};
  return NomosTermScaled(graph, order < 0 ? factor : -factor, Intern(graph, (NomosTermNode){.kind = NODE_JACOBIAN, .n = 2}, items));
}

int NomosTermJacobianExpanded(NomosTermGraph *graph, int node)
{
  static const int x[2] = {1, 0}, y[2] = {0, 1};
  const int        a = NomosTermItems(graph, node)[0].node, b = NomosTermItems(graph, node)[1].node;
  const int        ax = DerivativeOf(graph, x, a), ay = DerivativeOf(graph, y, a), bx = DerivativeOf(graph, x, b), by = DerivativeOf(graph, y, b);
  const int        first = NomosTermTimes(graph, ax, by), second = NomosTermTimes(graph, ay, bx);

  return NomosTermSum(graph, 2, (NomosTermItem[]){{1, first, 1}, {-1, second, 1}});
}
