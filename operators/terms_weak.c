/* What a linear term does to a plane wave, and terms as derivatives of things. */
#include "operators/terms_impl.h"

#include <complex.h>
#include <math.h>
#include <string.h>

/* ---- symbols ---- */

enum { NOT_LINEAR = -2, NO_FIELD = -1 };

/* The one field it is linear in. */
static int LinearField(NomosTerms t, int node)
{
  const NomosTermNode n     = t->graph.nodes[node];
  int                 field = NO_FIELD;

  switch (n.kind) {
  case NODE_FIELD: return n.index;
  case NODE_DERIVATIVE:
    if ((n.order[0] && t->graph.open[0]) || (n.order[1] && t->graph.open[1])) return NOT_LINEAR;
    /* fall through */
  case NODE_MEAN:
  case NODE_SHIFT:
  case NODE_SUM:
    for (int i = 0; i < n.n; i++) {
      const int other = LinearField(t, NomosTermItems(&t->graph, node)[i].node);
      if (other < 0 || (field >= 0 && field != other)) return NOT_LINEAR;
      field = other;
    }
    return field;
  default: return NOT_LINEAR;
  }
}

int NomosTermsLinearField(NomosTerms terms, size_t term)
{
  const int field = LinearField(terms, terms->term[term]);

  return field >= 0 ? field : -1;
}

/* (i k)^order, or what the differences make of it. */
static PetscErrorCode DerivativeSymbol(NomosTerms t, int axis, int order, double k, double complex *symbol)
{
  int           stencil, half;
  const double *weights;

  PetscFunctionBeginUser;
  if (!order || t->grid.method == NOMOS_TERMS_SPECTRAL) {
    static const double complex turns[4] = {1, I, -1, -I};
    *symbol = pow(k, order) * turns[order % 4];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosTermsStencilFind(t, axis, order, &stencil));
  const double dx = NomosTermsStencilWeight(t, stencil, &half, &weights);
  *symbol         = 0;
  for (int j = -half; j <= half; j++) *symbol += weights[j + half] * cexp(I * k * j * dx);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NodeSymbol(NomosTerms t, int node, double kx, double ky, double complex *symbol)
{
  const NomosTermNode n = t->graph.nodes[node];
  double complex      inner = 1, along[2];

  PetscFunctionBeginUser;
  *symbol = 0;
  for (int i = 0; i < n.n; i++) {
    const NomosTermItem item = NomosTermItems(&t->graph, node)[i];
    PetscCall(NodeSymbol(t, item.node, kx, ky, &inner));
    *symbol += item.factor * inner;
  }
  if (n.kind == NODE_FIELD) *symbol = 1;
  if (n.kind == NODE_MEAN && (kx != 0 || (!n.index && ky != 0))) *symbol = 0;
  if (n.kind == NODE_SHIFT) *symbol *= cexp(I * kx * n.index * t->grid.length[t->grid.n_dims - 1] / (double)t->nx);
  if (n.kind == NODE_DERIVATIVE) {
    PetscCall(DerivativeSymbol(t, 0, n.order[0], kx, &along[0]));
    PetscCall(DerivativeSymbol(t, 1, n.order[1], ky, &along[1]));
    *symbol *= along[0] * along[1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsSymbol(NomosTerms terms, size_t term, double kx, double ky, double symbol[2])
{
  double complex value;

  PetscFunctionBeginUser;
  PetscCheck(NomosTermsLinearField(terms, term) >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: the term `%s` has no symbol: it is not linear in one field with constant coefficients", terms->where, NomosTermsText(terms, term));
  PetscCall(NodeSymbol(terms, terms->term[term], kx, ky, &value));
  symbol[0] = creal(value);
  symbol[1] = cimag(value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the weak form ---- */

typedef struct {
  NomosTerms      t;
  size_t          n, max, first; /* of this term */
  NomosTermsPart *parts;  /* inside: a node, until all are known */
} Weak;

static bool HasDerivatives(const NomosTermGraph *graph, int node)
{
  const NomosTermKind kind = graph->nodes[node].kind;

  for (int i = 0; i < graph->nodes[node].n; i++)
    if (HasDerivatives(graph, NomosTermItems(graph, node)[i].node)) return true;
  return !graph->nodes[node].constant && (kind == NODE_DERIVATIVE || kind == NODE_JACOBIAN);
}

/* Highest order of derivatives of fields in it. */
static int HighestOrder(const NomosTermGraph *graph, int node)
{
  const NomosTermNode *n    = &graph->nodes[node];
  int                  high = 0;

  for (int i = 0; i < n->n; i++) high = PetscMax(high, HighestOrder(graph, NomosTermItems(graph, node)[i].node));
  return high + n->order[0] + n->order[1] + (n->kind == NODE_JACOBIAN);
}

/* Parts of one term that agree in outside and inside are one. */
static PetscErrorCode AddPart(Weak *w, double factor, const int order[2], int node)
{
  const bool plane = w->t->grid.n_dims == 2;
  const int  along[2] = {plane ? order[1] : order[0], plane ? order[0] : 0};

  PetscFunctionBeginUser;
  for (size_t p = w->first; p < w->n; p++)
    if (w->parts[p].inside == (size_t)node && w->parts[p].order[0] == along[0] && w->parts[p].order[1] == along[1]) {
      w->parts[p].factor += factor;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  if (w->n == w->max) {
    w->max = 2 * w->max + 16;
    PetscCall(PetscRealloc(sizeof *w->parts * w->max, &w->parts));
  }
  w->parts[w->n++] = (NomosTermsPart){.factor = factor, .order = {along[0], along[1]}, .inside = (size_t)node, .differences = HasDerivatives(&w->t->graph, node)};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Split(Weak *w, double factor, const int order[2], int node);

/* f^power d^n f along an axis, by d(f^p g) = f^p g' + p f^(p-1) f' g:
     f^p f' = d(f^(p+1))/(p+1),     f^p f_n = d(f^p f_n-1) - p f^(p-1) f_1 f_n-1 */
static PetscErrorCode SplitPower(Weak *w, double factor, const int order[2], int f, int power, int axis, int n)
{
  NomosTermGraph *g     = &w->t->graph;
  const int       along[2] = {axis == 0, axis == 1}, outside[2] = {order[0] + along[0], order[1] + along[1]};

  PetscFunctionBeginUser;
  if (n <= 1) { /* n = 0: f^(p+1) itself */
    const int whole = NomosTermProduct(g, 1, &(NomosTermItem){1, f, power + 1});
    PetscCall(AddPart(w, n ? factor / (power + 1) : factor, n ? outside : order, whole));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(SplitPower(w, factor, outside, f, power, axis, n - 1));
  const int first = NomosTermDerivative(g, along, f);
  if (power == 1) PetscCall(SplitPower(w, -factor, order, first, 1, axis, n - 2));
  else {
    const int before[2] = {along[0] * (n - 1), along[1] * (n - 1)}, rest = NomosTermDerivative(g, before, f);
    const int product = NomosTermProduct(g, 3, (NomosTermItem[]){{1, f, power - 1}, {1, first, 1}, {1, rest, 1}});
    PetscCall(Split(w, -factor * power, order, product));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f^p times a derivative of f along one axis, and nothing else: for which f, p, axis and order? */
static bool IsPowerTimesDerivative(NomosTermGraph *g, int node, int *f, int *power, int *axis, int *n)
{
  if (g->nodes[node].n != 2) return false;
  for (int i = 0; i < 2; i++) {
    const NomosTermItem derivative = NomosTermItems(g, node)[i], other = NomosTermItems(g, node)[1 - i];
    const NomosTermNode d = g->nodes[derivative.node];
    if (d.kind != NODE_DERIVATIVE || derivative.power != 1 || other.power < 1) continue;
    const int inner = NomosTermItems(g, derivative.node)->node;
    for (*axis = 0; *axis < 2; (*axis)++)
      for (*n = 1; *n <= d.order[*axis]; (*n)++) {
        const int less[2] = {d.order[0] - (*axis == 0 ? *n : 0), d.order[1] - (*axis == 1 ? *n : 0)};
        *f                = NomosTermDerivative(g, less, inner);
        *power            = other.power;
        if (*f == other.node) return true;
      }
  }
  return false;
}

static PetscErrorCode Split(Weak *w, double factor, const int order[2], int node)
{
  NomosTermGraph     *g = &w->t->graph;
  const NomosTermNode n = g->nodes[node];
  int                 f, power, axis, derivative;

  PetscFunctionBeginUser;
  if (n.kind == NODE_SUM && n.n == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (n.constant) PetscCall(AddPart(w, factor, order, node));
  else if (n.kind == NODE_SUM)
    for (int i = 0; i < n.n; i++) {
      const NomosTermItem item = NomosTermItems(g, node)[i];
      PetscCall(Split(w, factor * item.factor, order, item.node));
    }
  else if (n.kind == NODE_DERIVATIVE) {
    const int outside[2] = {order[0] + n.order[0], order[1] + n.order[1]};
    PetscCall(Split(w, factor, outside, NomosTermItems(g, node)->node));
  } else if (n.kind == NODE_JACOBIAN) { /* that side is derived inside which has the lower derivatives */
    int          a = NomosTermItems(g, node)[0].node, b = NomosTermItems(g, node)[1].node;
    const double sign = HighestOrder(g, b) > HighestOrder(g, a) ? -1 : 1; /* J(a, b) = -J(b, a) */
    if (sign < 0) {
      const int swap = a;
      a = b, b = swap;
    }
    for (int along = 0; along < 2; along++) {
      const int across[2] = {along == 1, along == 0}, outside[2] = {order[0] + across[1], order[1] + across[0]};
      const int product = NomosTermTimes(g, a, NomosTermDerivative(g, across, b));
      PetscCall(Split(w, along ? -sign * factor : sign * factor, outside, product));
    }
  } else if (n.kind == NODE_PRODUCT && IsPowerTimesDerivative(g, node, &f, &power, &axis, &derivative)) PetscCall(SplitPower(w, factor, order, f, power, axis, derivative));
  else PetscCall(AddPart(w, factor, order, node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsWeak(NomosTerms terms, NomosTerms *insides)
{
  Weak         w    = {.t = terms};
  const int    zero[2] = {0, 0};
  size_t      *first, n_insides = 0, *node;
  char       **texts;
  NomosTerms   made;

  PetscFunctionBeginUser;
  *insides = NULL;
  PetscCall(PetscCalloc1(terms->n_terms + 1, &first));
  for (size_t i = 0; i < terms->n_terms; i++) {
    PetscCall(Split(&w, 1, zero, terms->term[i]));
    first[i + 1] = w.first = w.n;
  }
  /* each inside once */
  PetscCall(PetscCalloc2(w.n + 1, &node, w.n + 1, &texts));
  for (size_t p = 0; p < w.n; p++) {
    size_t i = 0;
    while (i < n_insides && node[i] != w.parts[p].inside) i++;
    if (i == n_insides) {
      node[n_insides++] = w.parts[p].inside;
      PetscCall(NomosTermWrite(terms, (int)node[i], NOMOS_NOTATION_TEXT, &texts[i]));
    }
    w.parts[p].inside = i;
  }
  PetscCall(NomosTermsCreate(&(NomosTermsInput){.comm = terms->comm, .grid = terms->grid, .n_fields = terms->n_fields, .n_given = terms->n_given, .n_terms = n_insides, .fields = (const char *const *)terms->fields, .given = (const char *const *)terms->given, .terms = (const char *const *)texts, .given_values = (const double *const *)terms->given_values, .where = terms->where}, &made));
  for (size_t i = 0; i < n_insides; i++) PetscCall(PetscFree(texts[i]));
  PetscCall(PetscFree2(node, texts));
  made->first_part = first;
  made->n_weak     = terms->n_terms;
  made->parts      = w.parts;
  *insides         = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsParts(NomosTerms insides, size_t term, size_t *n, const NomosTermsPart **parts)
{
  PetscFunctionBeginUser;
  PetscCheck(term < insides->n_weak, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: parts of term %zu; there are %zu terms", insides->where, term, insides->n_weak);
  *n     = insides->first_part[term + 1] - insides->first_part[term];
  *parts = insides->parts + insides->first_part[term];
  PetscFunctionReturn(PETSC_SUCCESS);
}
