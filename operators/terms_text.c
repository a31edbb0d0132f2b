/* Nodes as text that parses to the same node, as LaTeX, and as MathML. */
#include "operators/terms_impl.h"

#include "io/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  NomosTerms    terms;
  NomosNotation notation;
  FILE         *out;
} Writer;

static void Put(Writer *w, NomosSign sign)
{
  fputs(NomosNotationSign(w->notation, sign), w->out);
}

/* A number or an order between two signs. */
static void PutBetween(Writer *w, NomosSign sign, const char text[], NomosSign end)
{
  Put(w, sign);
  fputs(text, w->out);
  Put(w, end);
}

/* xxy, 5x: as read by terms_parse.c */
static void OrderText(const int order[2], char text[2 * NOMOS_TERM_MAX_ORDER])
{
  size_t n = 0;

  for (int axis = 0; axis < 2; axis++)
    for (int left = order[axis]; left > 0;) {
      const int times = left > 4 ? PetscMin(left, 9) : 1;
      if (times > 1) text[n++] = (char)('0' + times);
      text[n++] = "xy"[axis];
      left -= times;
    }
  text[n] = '\0';
}

static bool IsKnown(NomosTerms terms, const char name[])
{
  for (size_t i = 0; i < terms->n_fields; i++)
    if (!strcmp(terms->fields[i], name)) return true;
  for (size_t i = 0; i < terms->n_given + (size_t)terms->grid.n_dims; i++)
    if (!strcmp(terms->given[i], name)) return true;
  return false;
}

static PetscErrorCode PutNode(Writer *w, int node, bool as_factor);

static PetscErrorCode PutBracket(Writer *w, int node)
{
  PetscFunctionBeginUser;
  Put(w, NOMOS_SIGN_OPEN);
  PetscCall(PutNode(w, node, false));
  Put(w, NOMOS_SIGN_CLOSE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *LeafName(NomosTerms terms, int node)
{
  const NomosTermNode *n = &terms->graph.nodes[node];

  return n->kind == NODE_FIELD ? terms->fields[n->index] : n->kind == NODE_GIVEN ? terms->given[n->index] : NULL;
}

static PetscErrorCode PutDerivative(Writer *w, int node)
{
  const NomosTermNode *n     = &w->terms->graph.nodes[node];
  const int            child = NomosTermItems(&w->terms->graph, node)->node;
  const char          *name  = LeafName(w->terms, child);
  char                 order[2 * NOMOS_TERM_MAX_ORDER], full[2 * NOMOS_MAX_NAME + 2 * NOMOS_TERM_MAX_ORDER] = "";

  PetscFunctionBeginUser;
  OrderText(n->order, order);
  if (name) snprintf(full, sizeof full, "%s_%s", name, order);
  if (w->notation == NOMOS_NOTATION_TEXT && name && !IsKnown(w->terms, full)) {
    fputs(full, w->out);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PutBetween(w, NOMOS_SIGN_DERIVATIVE, order, NOMOS_SIGN_DERIVATIVE_END);
  if (name && w->notation != NOMOS_NOTATION_TEXT) NomosNotationName(w->notation, name, w->out);
  else PetscCall(PutBracket(w, child));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutPower(Writer *w, int node, int power)
{
  char text[16];

  PetscFunctionBeginUser;
  if (power > 1) Put(w, NOMOS_SIGN_RAISED);
  /* a power behind \partial_x u or a function would be read as that of u */
  if (w->notation != NOMOS_NOTATION_TEXT && power > 1 && !LeafName(w->terms, node) && w->terms->graph.nodes[node].kind != NODE_SUM) PetscCall(PutBracket(w, node));
  else PetscCall(PutNode(w, node, true));
  if (power > 1) {
    snprintf(text, sizeof text, "%d", power);
    Put(w, NOMOS_SIGN_POWER);
    NomosNotationNumber(w->notation, text, 0, w->out);
    Put(w, NOMOS_SIGN_POWER_END);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutProduct(Writer *w, int node)
{
  const int n         = w->terms->graph.nodes[node].n;
  bool      numerator = false;

  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++) {
    const NomosTermItem item = NomosTermItems(&w->terms->graph, node)[i];
    if (item.power < 0) continue;
    if (numerator) Put(w, NOMOS_SIGN_TIMES);
    PetscCall(PutPower(w, item.node, item.power));
    numerator = true;
  }
  if (!numerator) NomosNotationNumber(w->notation, "1", 0, w->out);
  for (int i = 0; i < n; i++) {
    const NomosTermItem item = NomosTermItems(&w->terms->graph, node)[i];
    if (item.power > 0) continue;
    Put(w, NOMOS_SIGN_OVER);
    PetscCall(PutPower(w, item.node, -item.power));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of a sum, from entry i on, that are the power n of the Laplacian of one thing: c C(n, k) d^(2n - 2k, 2k). The others are marked as done. 0: none. */
static int FindLaplacian(const NomosTermGraph *graph, int sum, int i, bool done[])
{
  const NomosTermItem *items = NomosTermItems(graph, sum);
  const NomosTermNode *first = &graph->nodes[items[i].node];
  int                  found[NOMOS_TERM_MAX_ORDER];

  for (int n = graph->n_dims == 2 && first->kind == NODE_DERIVATIVE ? first->order[0] / 2 : 0; n > 0; n--) {
    double binomial = 1;
    int    k        = 1;
    for (; k <= n; k++) {
      binomial *= (double)(n - k + 1) / k;
      found[k] = -1;
      for (int j = 0; j < graph->nodes[sum].n; j++) {
        const NomosTermNode *other = &graph->nodes[items[j].node];
        if (!done[j] && other->kind == NODE_DERIVATIVE && graph->items[other->first].node == graph->items[first->first].node && other->order[0] == first->order[0] - 2 * k && other->order[1] == first->order[1] + 2 * k && items[j].factor == binomial * items[i].factor) found[k] = j;
      }
      if (found[k] < 0) break;
    }
    if (k <= n) continue;
    for (k = 1; k <= n; k++) done[found[k]] = true;
    return n;
  }
  return 0;
}

static PetscErrorCode PutLaplacian(Writer *w, int node, int power)
{
  const NomosTermNode *n     = &w->terms->graph.nodes[node];
  const bool           text  = w->notation == NOMOS_NOTATION_TEXT;
  const int            inner = NomosTermItems(&w->terms->graph, node)->node, rest[2] = {n->order[0] - 2 * power, n->order[1]};
  const int            of    = NomosTermDerivative(&w->terms->graph, rest, inner);
  const bool           plain = LeafName(w->terms, of) || (w->terms->graph.nodes[of].kind == NODE_DERIVATIVE && text);
  char                 order[16];

  PetscFunctionBeginUser;
  snprintf(order, sizeof order, "%d", 2 * power);
  if (!text) PutBetween(w, NOMOS_SIGN_LAPLACIAN, order, NOMOS_SIGN_LAPLACIAN_END);
  for (int i = 0; i < power && text; i++) fputs(i + 1 < power || plain ? "lap " : "lap", w->out);
  PetscCall(plain ? PutNode(w, of, true) : PutBracket(w, of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void PutNumber(Writer *w, double value)
{
  char  text[NOMOS_NUMBER_SIZE];
  char *e;

  NomosNumberFormat(value, text);
  e = w->notation == NOMOS_NOTATION_TEXT ? NULL : strchr(text, 'e');
  if (e) *e = '\0';
  NomosNotationNumber(w->notation, text, e ? atoi(e + 1) : 0, w->out);
}

static PetscErrorCode PutSum(Writer *w, int node)
{
  const int n = w->terms->graph.nodes[node].n;
  bool      begun = false, *done;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)n + 1, &done));
  if (!n) NomosNotationNumber(w->notation, "0", 0, w->out);
  for (int i = 0; i < n; i++) {
    const NomosTermItem item = NomosTermItems(&w->terms->graph, node)[i];
    const bool          one  = w->terms->graph.nodes[item.node].kind == NODE_ONE;
    if (done[i]) continue;
    const int power = FindLaplacian(&w->terms->graph, node, i, done);
    if (begun || item.factor < 0) Put(w, !begun ? NOMOS_SIGN_NEGATIVE : item.factor < 0 ? NOMOS_SIGN_MINUS : NOMOS_SIGN_PLUS);
    if (one || fabs(item.factor) != 1) {
      PutNumber(w, fabs(item.factor));
      if (!one) Put(w, NOMOS_SIGN_TIMES);
    }
    if (power) PetscCall(PutLaplacian(w, item.node, power));
    else if (!one) PetscCall(PutNode(w, item.node, true));
    begun = true;
  }
  PetscCall(PetscFree(done));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutNode(Writer *w, int node, bool as_factor)
{
  const NomosTermNode n     = w->terms->graph.nodes[node];
  const int           first = n.n ? NomosTermItems(&w->terms->graph, node)->node : -1;

  PetscFunctionBeginUser;
  switch (n.kind) {
  case NODE_ONE: NomosNotationNumber(w->notation, "1", 0, w->out); break;
  case NODE_GIVEN:
  case NODE_FIELD: NomosNotationName(w->notation, LeafName(w->terms, node), w->out); break;
  case NODE_FUNCTION:
    NomosNotationFunction(w->notation, nomos_term_functions[n.index].name, w->out);
    PetscCall(PutBracket(w, first));
    break;
  case NODE_MEAN:
    Put(w, n.index ? NOMOS_SIGN_MEAN_X : NOMOS_SIGN_MEAN);
    PetscCall(PutNode(w, first, false));
    Put(w, n.index ? NOMOS_SIGN_MEAN_X_END : NOMOS_SIGN_MEAN_END);
    break;
  case NODE_SHIFT: {
    static const char *const around[NOMOS_N_NOTATIONS][2] = {{"", ""}, {"S_{", "} "}, {"<msub><mi>S</mi><mn>", "</mn></msub>"}};
    const bool               text                         = w->notation == NOMOS_NOTATION_TEXT;
    if (text) fputs("shift(", w->out);
    else fprintf(w->out, "%s%+d%s", around[w->notation][0], n.index, around[w->notation][1]);
    PetscCall(PutNode(w, first, false));
    if (text) fprintf(w->out, ", %d)", n.index);
    break;
  }
  case NODE_DERIVATIVE: PetscCall(PutDerivative(w, node)); break;
  case NODE_JACOBIAN:
    Put(w, NOMOS_SIGN_JACOBIAN);
    Put(w, NOMOS_SIGN_OPEN);
    PetscCall(PutNode(w, first, false));
    Put(w, NOMOS_SIGN_COMMA);
    PetscCall(PutNode(w, NomosTermItems(&w->terms->graph, node)[1].node, false));
    Put(w, NOMOS_SIGN_CLOSE);
    break;
  case NODE_PRODUCT: PetscCall(PutProduct(w, node)); break;
  case NODE_SUM: PetscCall(as_factor ? PutBracket(w, node) : PutSum(w, node)); break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermWrite(NomosTerms terms, int node, NomosNotation notation, char **text)
{
  NomosText written;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&written));
  PetscErrorCode code = PutNode(&(Writer){.terms = terms, .notation = notation, .out = written.out}, node, false);
  PetscCall(NomosTextEnd(&written, text));
  if (code) PetscCall(PetscFree(*text));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
