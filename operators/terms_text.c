/* Nodes as text that parses to the same node, and as LaTeX. */
#include "operators/terms_impl.h"

#include "io/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  NomosTerms terms;
  bool       latex;
  size_t     n, max;
  char      *text;
} Writer;

PETSC_ATTRIBUTE_FORMAT(2, 3) static PetscErrorCode Put(Writer *w, const char format[], ...)
{
  char    piece[256];
  va_list arguments;

  PetscFunctionBeginUser;
  va_start(arguments, format);
  const size_t n = (size_t)vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  if (w->n + n + 1 > w->max) {
    w->max = 2 * (w->max + n + 1);
    PetscCall(PetscRealloc(w->max, &w->text));
  }
  memcpy(w->text + w->n, piece, n + 1);
  w->n += n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* psi1 -> \psi_{1}, psi_R -> \psi_{R}, anything -> \mathrm{anything} */
static PetscErrorCode PutLatexName(Writer *w, const char name[])
{
  static const char *const greek[] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"};
  size_t                   n = 0, letters;
  const char              *slash = "";

  PetscFunctionBeginUser;
  while (isalpha((unsigned char)name[n])) n++;
  letters = n;
  for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
    if (strlen(greek[i]) == letters && !memcmp(greek[i], name, letters)) slash = "\\";
  PetscCall(letters == 1 || *slash ? Put(w, "%s%.*s", slash, (int)letters, name) : Put(w, "\\mathrm{%.*s}", (int)letters, name));
  while (name[n] == '_') n++;
  if (!name[n]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Put(w, "_{"));
  for (; name[n]; n++) PetscCall(name[n] == '_' ? Put(w, "\\_") : Put(w, "%c", name[n]));
  PetscCall(Put(w, "}"));
  PetscFunctionReturn(PETSC_SUCCESS);
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
  PetscCall(Put(w, w->latex ? "\\left(" : "("));
  PetscCall(PutNode(w, node, false));
  PetscCall(Put(w, w->latex ? "\\right)" : ")"));
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
  if (w->latex) {
    PetscCall(Put(w, "\\partial_{%s}", order));
    PetscCall(name ? PutLatexName(w, name) : PutBracket(w, child));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (name) snprintf(full, sizeof full, "%s_%s", name, order);
  if (name && !IsKnown(w->terms, full)) PetscCall(Put(w, "%s", full));
  else {
    PetscCall(Put(w, "d%s", order));
    PetscCall(PutBracket(w, child));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutPower(Writer *w, int power)
{
  PetscFunctionBeginUser;
  if (power != 1) PetscCall(Put(w, w->latex ? "^{%d}" : "^%d", power));
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
    if (numerator) PetscCall(Put(w, w->latex ? " \\, " : " "));
    /* a power behind \partial_x u or a function would be read as that of u */
    if (w->latex && item.power > 1 && !LeafName(w->terms, item.node) && w->terms->graph.nodes[item.node].kind != NODE_SUM) PetscCall(PutBracket(w, item.node));
    else PetscCall(PutNode(w, item.node, true));
    PetscCall(PutPower(w, item.power));
    numerator = true;
  }
  if (!numerator) PetscCall(Put(w, "1"));
  for (int i = 0; i < n; i++) {
    const NomosTermItem item = NomosTermItems(&w->terms->graph, node)[i];
    if (item.power > 0) continue;
    PetscCall(Put(w, "/"));
    PetscCall(PutNode(w, item.node, true));
    PetscCall(PutPower(w, -item.power));
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
  const int            inner = NomosTermItems(&w->terms->graph, node)->node, rest[2] = {n->order[0] - 2 * power, n->order[1]};
  const int            of    = NomosTermDerivative(&w->terms->graph, rest, inner);
  const bool           plain = LeafName(w->terms, of) || (w->terms->graph.nodes[of].kind == NODE_DERIVATIVE && !w->latex);

  PetscFunctionBeginUser;
  if (w->latex) PetscCall(Put(w, "\\nabla^{%d} ", 2 * power));
  for (int i = 0; i < power && !w->latex; i++) PetscCall(Put(w, i + 1 < power || plain ? "lap " : "lap"));
  PetscCall(plain ? PutNode(w, of, true) : PutBracket(w, of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutNumber(Writer *w, double value)
{
  char  text[NOMOS_NUMBER_SIZE];
  char *e;

  PetscFunctionBeginUser;
  NomosNumberFormat(value, text);
  e = w->latex ? strchr(text, 'e') : NULL;
  if (e) PetscCall(Put(w, "%.*s \\times 10^{%d}", (int)(e - text), text, atoi(e + 1)));
  else PetscCall(Put(w, "%s", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutSum(Writer *w, int node)
{
  const int n = w->terms->graph.nodes[node].n;
  bool      begun = false, *done;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)n + 1, &done));
  if (!n) PetscCall(Put(w, "0"));
  for (int i = 0; i < n; i++) {
    const NomosTermItem item = NomosTermItems(&w->terms->graph, node)[i];
    const bool          one  = w->terms->graph.nodes[item.node].kind == NODE_ONE;
    if (done[i]) continue;
    const int power = FindLaplacian(&w->terms->graph, node, i, done);
    PetscCall(Put(w, "%s", begun ? item.factor < 0 ? " - " : " + " : item.factor < 0 ? "-" : ""));
    if (one || fabs(item.factor) != 1) {
      PetscCall(PutNumber(w, fabs(item.factor)));
      if (!one) PetscCall(Put(w, w->latex ? " \\, " : " "));
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
  case NODE_ONE: PetscCall(Put(w, "1")); break;
  case NODE_GIVEN:
  case NODE_FIELD: PetscCall(w->latex ? PutLatexName(w, LeafName(w->terms, node)) : Put(w, "%s", LeafName(w->terms, node))); break;
  case NODE_FUNCTION:
    PetscCall(Put(w, "%s", w->latex ? nomos_term_functions[n.index].latex : nomos_term_functions[n.index].name));
    PetscCall(PutBracket(w, first));
    break;
  case NODE_MEAN:
    PetscCall(Put(w, "%s", w->latex ? "\\left\\langle " : n.index ? "mean_x(" : "mean("));
    PetscCall(PutNode(w, first, false));
    PetscCall(Put(w, "%s", w->latex ? n.index ? "\\right\\rangle_{x}" : "\\right\\rangle" : ")"));
    break;
  case NODE_SHIFT:
    PetscCall(Put(w, w->latex ? "S_{%+d} " : "shift(", n.index));
    PetscCall(PutNode(w, first, false));
    if (!w->latex) PetscCall(Put(w, ", %d)", n.index));
    break;
  case NODE_DERIVATIVE: PetscCall(PutDerivative(w, node)); break;
  case NODE_JACOBIAN:
    PetscCall(Put(w, w->latex ? "J\\left(" : "J("));
    PetscCall(PutNode(w, first, false));
    PetscCall(Put(w, ", "));
    PetscCall(PutNode(w, NomosTermItems(&w->terms->graph, node)[1].node, false));
    PetscCall(Put(w, w->latex ? "\\right)" : ")"));
    break;
  case NODE_PRODUCT: PetscCall(PutProduct(w, node)); break;
  case NODE_SUM: PetscCall(as_factor ? PutBracket(w, node) : PutSum(w, node)); break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermWrite(NomosTerms terms, int node, bool latex, char **text)
{
  Writer w = {.terms = terms, .latex = latex};

  PetscFunctionBeginUser;
  PetscCall(PutNode(&w, node, false));
  *text = w.text;
  PetscFunctionReturn(PETSC_SUCCESS);
}
