/* Writes the adjoints of all point functions of grid_pde (adjoint.h) as C, when nomos is built: each function runs once on traced Numbers, the reverse sweep adds to the same graph, and what it needs is printed in the
   arithmetic of number.h, so that the result too is compiled as values and as values with tangents. Equal nodes are one; what is zero or one is left out.

   usage: make_adjoints FILE */
#include "solvers/grid_pde/family_list.h"
#include "solvers/grid_pde/reconstruction.h"
#include "solvers/grid_pde/trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 20000, MAX_ROWS = 2 * NOMOS_PDE_MAX_FIELDS, NONE = -1 };

static struct {
  NomosTraceOp op;
  int          operand[3]; /* an input: number of its row or coefficient */
  double       value;
  bool         needed;
} nodes[MAX_NODES];
static int n_nodes;

typedef enum { ROWS_IN, ROWS_BAR, COEFFICIENTS_IN } InputKind;

#define DECLARE(name) extern const NomosPdeKernels nomos_pde_##name##_kernels_trace;
#define ENTRY(name)   &nomos_pde_##name##_kernels_trace,
NOMOS_PDE_FAMILIES(DECLARE)
static const NomosPdeKernels *const traced[] = {NOMOS_PDE_FAMILIES(ENTRY)};

static NomosTraceNode Node(NomosTraceOp op, int a, int b, int c, double value)
{
  for (int i = 0; i < n_nodes; i++)
    if (nodes[i].op == op && nodes[i].operand[0] == a && nodes[i].operand[1] == b && nodes[i].operand[2] == c && nodes[i].value == value) return (NomosTraceNode){i};
  if (n_nodes == MAX_NODES) {
    fprintf(stderr, "make_adjoints: a function has more than %d operations\n", MAX_NODES);
    exit(1);
  }
  nodes[n_nodes].op         = op;
  nodes[n_nodes].operand[0] = a;
  nodes[n_nodes].operand[1] = b;
  nodes[n_nodes].operand[2] = c;
  nodes[n_nodes].value      = value;
  nodes[n_nodes].needed     = false;
  return (NomosTraceNode){n_nodes++};
}

static NomosTraceNode Input(InputKind kind, int number)
{
  return Node(NOMOS_TRACE_INPUT, (int)kind, number, NONE, 0);
}

NomosTraceNode NomosTraceConstant(double value)
{
  return Node(NOMOS_TRACE_CONSTANT, NONE, NONE, NONE, value);
}

static bool Is(NomosTraceNode a, double value)
{
  return nodes[a.id].op == NOMOS_TRACE_CONSTANT && nodes[a.id].value == value;
}

NomosTraceNode NomosTrace(NomosTraceOp op, NomosTraceNode a, NomosTraceNode b, NomosTraceNode c)
{
  const bool   known = nodes[a.id].op == NOMOS_TRACE_CONSTANT && nodes[b.id].op == NOMOS_TRACE_CONSTANT;
  const double x = nodes[a.id].value, y = nodes[b.id].value;

  switch (op) {
  case NOMOS_TRACE_ADD:
    if (known) return NomosTraceConstant(x + y);
    if (Is(a, 0)) return b;
    if (Is(b, 0)) return a;
    break;
  case NOMOS_TRACE_SUB:
    if (known) return NomosTraceConstant(x - y);
    if (Is(b, 0)) return a;
    if (Is(a, 0)) return NomosTrace(NOMOS_TRACE_MUL, NomosTraceConstant(-1), b, b);
    break;
  case NOMOS_TRACE_MUL:
    if (known) return NomosTraceConstant(x * y);
    if (Is(a, 0) || Is(b, 1)) return a;
    if (Is(b, 0) || Is(a, 1)) return b;
    if (nodes[b.id].op == NOMOS_TRACE_CONSTANT) return NomosTrace(op, b, a, b);
    if (nodes[a.id].op == NOMOS_TRACE_CONSTANT && nodes[b.id].op == NOMOS_TRACE_MUL && nodes[nodes[b.id].operand[0]].op == NOMOS_TRACE_CONSTANT)
      return NomosTrace(op, NomosTraceConstant(x * nodes[nodes[b.id].operand[0]].value), (NomosTraceNode){nodes[b.id].operand[1]}, b);
    break;
  case NOMOS_TRACE_INVERSE:
    if (known) return NomosTraceConstant(1 / x);
    return Node(op, a.id, NONE, NONE, 0);
  case NOMOS_TRACE_SELECT:
    return a.id == b.id ? a : Node(op, a.id, b.id, c.id, 0);
  case NOMOS_TRACE_LESS:
    break;
  default:
    return Node(op, a.id, NONE, NONE, 0);
  }
  return Node(op, a.id, b.id, NONE, 0);
}

static NomosTraceNode Times(NomosTraceNode a, NomosTraceNode b)
{
  return NomosTrace(NOMOS_TRACE_MUL, a, b, a);
}

/* bar of an operand += part */
static void Give(NomosTraceNode bar[], int operand, NomosTraceNode part)
{
  bar[operand] = NomosTrace(NOMOS_TRACE_ADD, bar[operand], part, part);
}

/* From the bars of the outputs to those of all nodes that were there, last to first. */
static void Reverse(NomosTraceNode bar[], int n)
{
  const NomosTraceNode zero = NomosTraceConstant(0);

  for (int i = n - 1; i >= 0; i--) {
    const NomosTraceNode y = bar[i], self = {i}, a = {nodes[i].operand[0]}, b = {nodes[i].operand[1]}, c = {nodes[i].operand[2]};
    if (Is(y, 0)) continue;
    switch (nodes[i].op) {
    case NOMOS_TRACE_ADD:
      Give(bar, a.id, y);
      Give(bar, b.id, y);
      break;
    case NOMOS_TRACE_SUB:
      Give(bar, a.id, y);
      Give(bar, b.id, Times(NomosTraceConstant(-1), y));
      break;
    case NOMOS_TRACE_MUL:
      Give(bar, a.id, Times(y, b));
      Give(bar, b.id, Times(y, a));
      break;
    case NOMOS_TRACE_INVERSE: Give(bar, a.id, Times(NomosTraceConstant(-1), Times(Times(y, self), self))); break;
    case NOMOS_TRACE_SQRT: Give(bar, a.id, Times(NomosTraceConstant(0.5), Times(y, NomosTrace(NOMOS_TRACE_INVERSE, self, self, self)))); break;
    case NOMOS_TRACE_EXP: Give(bar, a.id, Times(y, self)); break;
    case NOMOS_TRACE_LOG: Give(bar, a.id, Times(y, NomosTrace(NOMOS_TRACE_INVERSE, a, a, a))); break;
    case NOMOS_TRACE_SELECT:
      Give(bar, a.id, NomosTrace(NOMOS_TRACE_SELECT, y, zero, c));
      Give(bar, b.id, NomosTrace(NOMOS_TRACE_SELECT, zero, y, c));
      break;
    case NOMOS_TRACE_INPUT:
    case NOMOS_TRACE_CONSTANT:
    case NOMOS_TRACE_LESS: break;
    }
  }
}

static void Need(int node)
{
  if (node == NONE || nodes[node].needed) return;
  nodes[node].needed = true;
  if (nodes[node].op == NOMOS_TRACE_INPUT) return;
  for (int k = 0; k < 3; k++) Need(nodes[node].operand[k]);
}

static void PrintNode(FILE *file, int i)
{
  static const char *const rows[] = {"in", "out_bar"};
  const int               *o      = nodes[i].operand;

  fprintf(file, "    const %s t%d = ", nodes[i].op == NOMOS_TRACE_LESS ? "Condition" : "Number", i);
  switch (nodes[i].op) {
  case NOMOS_TRACE_INPUT:
    if (o[0] == COEFFICIENTS_IN) fprintf(file, "c[%d];\n", o[1]);
    else fprintf(file, "Load(%s.at + %d * %s.step + i, %s.plane, count);\n", rows[o[0]], o[1], rows[o[0]], rows[o[0]]);
    break;
  case NOMOS_TRACE_CONSTANT: fprintf(file, "Constant(%.17g);\n", nodes[i].value); break;
  case NOMOS_TRACE_ADD: fprintf(file, "Add(t%d, t%d);\n", o[0], o[1]); break;
  case NOMOS_TRACE_SUB: fprintf(file, "Sub(t%d, t%d);\n", o[0], o[1]); break;
  case NOMOS_TRACE_MUL:
    if (nodes[o[0]].op == NOMOS_TRACE_CONSTANT) fprintf(file, "Scale(%.17g, t%d);\n", nodes[o[0]].value, o[1]);
    else fprintf(file, "Mul(t%d, t%d);\n", o[0], o[1]);
    break;
  case NOMOS_TRACE_INVERSE: fprintf(file, "Inverse(t%d);\n", o[0]); break;
  case NOMOS_TRACE_SQRT: fprintf(file, "Sqrt(t%d);\n", o[0]); break;
  case NOMOS_TRACE_EXP: fprintf(file, "Exp(t%d);\n", o[0]); break;
  case NOMOS_TRACE_LOG: fprintf(file, "Log(t%d);\n", o[0]); break;
  case NOMOS_TRACE_LESS: fprintf(file, "Less(t%d, t%d);\n", o[0], o[1]); break;
  case NOMOS_TRACE_SELECT: fprintf(file, "Select(t%d, t%d, t%d);\n", o[2], o[0], o[1]); break;
  }
}

/* Before a function is traced: its inputs, as arrays that hold the numbers of nodes. */
static void Begin(int n_in, double in[], double c[])
{
  n_nodes = 0;
  for (int k = 0; k < n_in; k++) in[k] = Input(ROWS_IN, k).id;
  for (int k = 0; k < NOMOS_PDE_MAX_COEFFICIENTS; k++) c[k] = Input(COEFFICIENTS_IN, k).id;
}

/* The adjoint of what was traced from `in` and `c` to `out`; returns which coefficients matter. */
static unsigned Write(FILE *file, const char name[], int n_in, const double in[], const double c[], int n_out, const double out[])
{
  const int      n = n_nodes;
  unsigned       matters = 0;
  NomosTraceNode bar[MAX_NODES];

  for (int i = 0; i < n; i++) bar[i] = NomosTraceConstant(0);
  for (int k = 0; k < n_out; k++) Give(bar, (int)out[k], Input(ROWS_BAR, k));
  Reverse(bar, n);
  for (int k = 0; k < n_in; k++) Need(bar[(int)in[k]].id);
  for (int k = 0; k < NOMOS_PDE_MAX_COEFFICIENTS; k++)
    if (!Is(bar[(int)c[k]], 0)) {
      matters |= 1u << k;
      Need(bar[(int)c[k]].id);
    }
  fprintf(file, "static void %s(const double c_[], size_t n, NomosPdeIn in, NomosPdeIn out_bar, NomosPdeOut in_bar, NomosPdeOut c_bar)\n{\n  COEFFICIENTS\n  (void)c;\n  (void)c_bar;\n  (void)in;\n  (void)out_bar;\n", name);
  fprintf(file, "  for (size_t i = 0; i < n; i += LANES) {\n    const size_t count = n - i < LANES ? n - i : LANES;\n");
  for (int i = 0; i < n_nodes; i++) {
    const bool scaled = nodes[i].op == NOMOS_TRACE_CONSTANT; /* printed only where something but Mul wants it */
    bool       wanted = nodes[i].needed && !scaled;
    for (int j = 0; j < n_nodes && scaled && !wanted; j++)
      if (nodes[j].needed && nodes[j].op != NOMOS_TRACE_INPUT && nodes[j].op != NOMOS_TRACE_MUL && nodes[j].op != NOMOS_TRACE_CONSTANT)
        for (int k = 0; k < 3; k++) wanted |= nodes[j].operand[k] == i;
    for (int k = 0; k < n_in && scaled; k++) wanted |= bar[(int)in[k]].id == i;
    if (wanted) PrintNode(file, i);
  }
  for (int k = 0; k < n_in; k++) fprintf(file, "    Store(t%d, in_bar.at + %d * in_bar.step + i, in_bar.plane, count);\n", bar[(int)in[k]].id, k);
  for (int k = 0; k < NOMOS_PDE_MAX_COEFFICIENTS; k++)
    if (matters >> k & 1) fprintf(file, "    Store(t%d, c_bar.at + %d * c_bar.step + i, c_bar.plane, count);\n", bar[(int)c[k]].id, k);
  fprintf(file, "  }\n}\n\n");
  return matters;
}

typedef void (*FaceFn)(const double c[], int n_dims, int axis, size_t n, const double left[], const double right[], double flux[]);
typedef void (*PointFn)(const double c[], int n_dims, size_t n, size_t stride_in, const double in[], size_t stride_out, double out[]);

/* Appends the entry of the table. */
static void Entry(char table[], const char member[], const char name[], unsigned matters)
{
  sprintf(table + strlen(table), ".%s = {%s, %uu}, ", member, name, matters);
}

static void WriteFace(FILE *file, const NomosPdeFamily *family, int n_dims, const char kernel[], FaceFn face, char table[])
{
  const int m = family->n_fields[n_dims];
  double    in[MAX_ROWS], c[NOMOS_PDE_MAX_COEFFICIENTS], out[NOMOS_PDE_MAX_FIELDS];
  char      name[128], member[64];

  for (int axis = 0; axis < n_dims && face; axis++) {
    Begin(2 * m, in, c);
    face(c, n_dims, axis, 1, in, in + m, out);
    sprintf(name, "%s_%s_%d_%d", family->name, kernel, n_dims, axis);
    sprintf(member, "%s[%d]", kernel, axis);
    Entry(table, member, name, Write(file, name, 2 * m, in, c, m, out));
  }
}

static void WritePoint(FILE *file, const NomosPdeFamily *family, int n_dims, const char kernel[], PointFn point, char table[])
{
  const int m = family->n_fields[n_dims];
  double    in[MAX_ROWS], c[NOMOS_PDE_MAX_COEFFICIENTS], out[NOMOS_PDE_MAX_FIELDS];
  char      name[128];

  if (!point) return;
  Begin(m, in, c);
  point(c, n_dims, 1, 1, in, 1, out);
  sprintf(name, "%s_%s_%d", family->name, kernel, n_dims);
  Entry(table, kernel, name, Write(file, name, m, in, c, m, out));
}

static void Refuse(const NomosPdeFamily *family, const char what[])
{
  fprintf(stderr, "make_adjoints: %s %s\n", family->name, what);
  exit(1);
}

/* What a family may not be, as its functions have c[] and fields in arrays of fixed lengths, and of fewer axes the first of c[]. */
static void Check(const NomosPdeFamily *family)
{
  int n = 0, last_axis = 0;

  for (int d = family->min_dims; d <= family->max_dims; d++)
    if (family->n_fields[d] > NOMOS_PDE_MAX_FIELDS) Refuse(family, "has more fields than NOMOS_PDE_MAX_FIELDS (family.h)");
  for (size_t k = 0; k < family->n_params; k++) {
    const char *end  = strrchr(family->params[k].key, '_');
    const int   axis = end && !strcmp(end, "_y") ? 1 : end && !strcmp(end, "_z") ? 2 : 0;
    if (!family->params[k].differentiable) continue;
    if (++n > NOMOS_PDE_MAX_COEFFICIENTS) Refuse(family, "has more differentiable parameters than NOMOS_PDE_MAX_COEFFICIENTS (family.h)");
    if (axis < last_axis) Refuse(family, "has a parameter behind one of a further axis (KEY_y, KEY_z), which in fewer dimensions is not there: put those of further axes last");
    last_axis = axis;
  }
}

int main(int argc, char **argv)
{
  static char table[65536], limiters[4096];
  FILE       *file = argc == 2 ? fopen(argv[1], "w") : NULL;

  if (!file) {
    fprintf(stderr, "usage: make_adjoints FILE\n");
    return 1;
  }
  fprintf(file, "/* Written by make_adjoints. */\n#include \"solvers/grid_pde/number.h\"\n\n#include \"solvers/grid_pde/adjoint.h\"\n\n");
  for (size_t f = 0; nomos_pde_families[f]; f++) {
    const NomosPdeFamily  *family  = nomos_pde_families[f];
    const NomosPdeKernels *kernels = traced[f];
    Check(family);
    for (int n_dims = family->min_dims; n_dims <= family->max_dims; n_dims++) {
      sprintf(table + strlen(table), "  {\"%s\", %d, ", family->name, n_dims);
      WriteFace(file, family, n_dims, "flux", kernels->flux, table);
      WriteFace(file, family, n_dims, "limit", kernels->limit, table);
      WriteFace(file, family, n_dims, "diffusion", kernels->diffusion, table);
      WritePoint(file, family, n_dims, "primitive", kernels->primitive, table);
      WritePoint(file, family, n_dims, "conserved", kernels->conserved, table);
      WritePoint(file, family, n_dims, "source", kernels->source, table);
      WritePoint(file, family, n_dims, "capacity", kernels->capacity, table);
      strcat(table, "},\n");
    }
  }
  for (int how = 0; how < NOMOS_N_LIMITERS; how++) {
    double in[4], c[NOMOS_PDE_MAX_COEFFICIENTS], out[2];
    char   name[32];
    Begin(4, in, c);
    NomosReconstruct_trace((NomosLimiter)how, 1, (NomosPdeIn){in, 1, 1}, (NomosPdeOut){out, 1, 1});
    sprintf(name, "reconstruct_%d", how);
    sprintf(limiters + strlen(limiters), "  {%s, %uu},\n", name, Write(file, name, 4, in, c, 2, out));
  }
  fprintf(file, "const NomosPdeAdjoints KIND(nomos_pde_adjoints)[] = {\n%s  {.family = NULL},\n};\n\nconst NomosPdeAdjoint KIND(nomos_reconstruct_adjoints)[] = {\n%s};\n", table, limiters);
  return fclose(file) != 0;
}
