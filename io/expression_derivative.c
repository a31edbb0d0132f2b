/* Derivatives of expressions: the program becomes a tree, the tree is differentiated, and what comes out is a program again. */
#include "io/expression_impl.h"

#include <math.h>
#include <string.h>

/* Most nodes of a tree, most instructions of a derivative. */
enum { MAX_NODES = 1 << 16 };

typedef struct {
  OpCode code;
  size_t index;
  double number;
  int    a, b; /* operands */
} Node;

/* Node 0 is the number 0. */
typedef struct {
  Node           *nodes;
  int             n;
  bool            full;
  NomosExpression rules[32][2]; /* of the functions, as they are needed */
  PetscErrorCode  failed;
} Trees;

/* d/du, d/dv of a function of u (and v). */
static const struct {
  const char *name, *rule[2];
} rules[] = {
  {"sin", {"cos(u)"}}, {"cos", {"-sin(u)"}}, {"tan", {"1 + tan(u)^2"}}, {"exp", {"exp(u)"}}, {"log", {"1/u"}}, {"sqrt", {"0.5/sqrt(u)"}}, {"abs", {"2*step(u) - 1"}}, {"tanh", {"1 - tanh(u)^2"}},
  {"sech", {"-sech(u)*tanh(u)"}}, {"cosh", {"sinh(u)"}}, {"sinh", {"cosh(u)"}},
  {"asin", {"1/sqrt(1 - u^2)"}}, {"acos", {"-1/sqrt(1 - u^2)"}}, {"atan", {"1/(1 + u^2)"}}, {"asinh", {"1/sqrt(1 + u^2)"}}, {"acosh", {"1/sqrt(u^2 - 1)"}}, {"atanh", {"1/(1 - u^2)"}},
  {"atan2", {"v/(u^2 + v^2)", "-u/(u^2 + v^2)"}}, {"min", {"step(v - u)", "1 - step(v - u)"}}, {"max", {"step(u - v)", "1 - step(u - v)"}},
  {"step", {"0"}}, {"mod", {"1", "(mod(u, v) - u)/v"}}, {"gauss", {"-u*gauss(u)"}},
};

static int New(Trees *trees, Node node)
{
  trees->full = trees->full || trees->n == MAX_NODES;
  if (trees->full) return 0;
  trees->nodes[trees->n] = node;
  return trees->n++;
}

static int  Number(Trees *trees, double number) { return number == 0 ? 0 : New(trees, (Node){.code = PUSH_NUMBER, .number = number}); }
static bool Is(const Trees *trees, int node, double number) { return trees->nodes[node].code == PUSH_NUMBER && trees->nodes[node].number == number; }

static double Apply(OpCode code, double a, double b)
{
  switch (code) {
  case ADD: return a + b;
  case SUBTRACT: return a - b;
  case MULTIPLY: return a * b;
  case DIVIDE: return a / b;
  default: return pow(a, b);
  }
}

static int Negate(Trees *trees, int a)
{
  const Node *node = &trees->nodes[a];

  if (node->code == PUSH_NUMBER) return Number(trees, -node->number);
  if (node->code == NEGATE) return node->a;
  return New(trees, (Node){.code = NEGATE, .a = a});
}

/* a (code) b without what 0 and 1 do not change. */
static int Binary(Trees *trees, OpCode code, int a, int b)
{
  if (trees->nodes[a].code == PUSH_NUMBER && trees->nodes[b].code == PUSH_NUMBER) return Number(trees, Apply(code, trees->nodes[a].number, trees->nodes[b].number));
  if ((code == ADD || code == SUBTRACT) && Is(trees, b, 0)) return a;
  if (code == ADD && Is(trees, a, 0)) return b;
  if (code == SUBTRACT && Is(trees, a, 0)) return Negate(trees, b);
  if ((code == MULTIPLY || code == DIVIDE) && Is(trees, a, 0)) return 0;
  if (code == MULTIPLY && Is(trees, b, 0)) return 0;
  if ((code == MULTIPLY || code == DIVIDE || code == POWER) && Is(trees, b, 1)) return a;
  if (code == MULTIPLY && Is(trees, a, 1)) return b;
  if (code == POWER && Is(trees, b, 0)) return Number(trees, 1);
  return New(trees, (Node){.code = code, .a = a, .b = b});
}

/* The tree of a program; its variables are the nodes `leaves` (NULL: themselves). */
static int Tree(Trees *trees, NomosExpression expression, const int leaves[])
{
  int stack[EXPRESSION_MAX_STACK], *top = stack - 1;

  for (size_t i = 0; i < expression->n; i++) {
    const Instruction *at = &expression->program[i];
    switch (at->code) {
    case PUSH_NUMBER: *++top = Number(trees, at->number); break;
    case PUSH_VARIABLE: *++top = leaves ? leaves[at->index] : New(trees, (Node){.code = PUSH_VARIABLE, .index = at->index}); break;
    case NEGATE: *top = Negate(trees, *top); break;
    case CALL:
      if (ExpressionFunctionArity(at->index) == 2) top--;
      *top = New(trees, (Node){.code = CALL, .index = at->index, .a = top[0], .b = ExpressionFunctionArity(at->index) == 2 ? top[1] : 0});
      break;
    default: top--, top[0] = Binary(trees, at->code, top[0], top[1]); break;
    }
  }
  return stack[0];
}

/* What the rule of a function says at its arguments. */
static int Rule(Trees *trees, const Node *call, int argument)
{
  static const char *const names[] = {"u", "v"};
  const char              *name    = ExpressionFunctionName(call->index);
  size_t                   at      = 0;
  const int                leaves[] = {call->a, call->b};

  while (strcmp(rules[at].name, name)) at++;
  NomosExpression *rule = &trees->rules[at][argument];
  if (!*rule) trees->failed = NomosExpressionCreate(rules[at].rule[argument], 2, names, rule);
  return trees->failed ? 0 : Tree(trees, *rule, leaves);
}

static int Derive(Trees *trees, int of, size_t variable)
{
  const Node node = trees->nodes[of];
  int        da, db, sum = 0;

  if (trees->full || trees->failed) return 0;
  switch (node.code) {
  case PUSH_NUMBER: return 0;
  case PUSH_VARIABLE: return Number(trees, node.index == variable);
  case NEGATE: return Negate(trees, Derive(trees, node.a, variable));
  default: break;
  }
  da = Derive(trees, node.a, variable);
  db = node.code == CALL && ExpressionFunctionArity(node.index) == 1 ? 0 : Derive(trees, node.b, variable);
  switch (node.code) {
  case MULTIPLY: return Binary(trees, ADD, Binary(trees, MULTIPLY, da, node.b), Binary(trees, MULTIPLY, node.a, db));
  case DIVIDE: /* a'/b - a b'/b^2 */
    return Binary(trees, SUBTRACT, Binary(trees, DIVIDE, da, node.b), Binary(trees, DIVIDE, Binary(trees, MULTIPLY, node.a, db), Binary(trees, MULTIPLY, node.b, node.b)));
  case POWER: /* b a^(b-1) a' + a^b log(a) b' */
    if (da) sum = Binary(trees, MULTIPLY, Binary(trees, MULTIPLY, node.b, Binary(trees, POWER, node.a, Binary(trees, SUBTRACT, node.b, Number(trees, 1)))), da);
    if (db) {
      size_t log = 0;
      while (strcmp(ExpressionFunctionName(log), "log")) log++;
      sum = Binary(trees, ADD, sum, Binary(trees, MULTIPLY, Binary(trees, MULTIPLY, of, New(trees, (Node){.code = CALL, .index = log, .a = node.a})), db));
    }
    return sum;
  case CALL:
    if (da) sum = Binary(trees, MULTIPLY, Rule(trees, &node, 0), da);
    if (db) sum = Binary(trees, ADD, sum, Binary(trees, MULTIPLY, Rule(trees, &node, 1), db));
    return sum;
  default: return Binary(trees, node.code, da, db);
  }
}

/* Into a program (NULL: only count): instructions, and the stack that is needed above what is there. */
static void Write(const Trees *trees, int at, Instruction *program, size_t *n, int *stack)
{
  const Node *node  = &trees->nodes[at];
  const bool  leaf  = node->code == PUSH_NUMBER || node->code == PUSH_VARIABLE, two = !leaf && node->code != NEGATE && (node->code != CALL || ExpressionFunctionArity(node->index) == 2);
  int         first = 1, second = 0;

  if (*n > MAX_NODES) return;
  if (!leaf) Write(trees, node->a, program, n, &first);
  if (two) Write(trees, node->b, program, n, &second);
  *stack = PetscMax(first, second + (two ? 1 : 0));
  if (program) program[*n] = (Instruction){.code = node->code, .index = node->index, .number = node->number};
  ++*n;
}

PetscErrorCode NomosExpressionDerivative(NomosExpression expression, size_t variable, NomosExpression *derivative)
{
  Trees  trees = {.n = 1};
  size_t n     = 0;
  int    root, stack = 0;

  PetscFunctionBeginUser;
  *derivative = NULL;
  PetscCall(PetscMalloc1(MAX_NODES, &trees.nodes));
  trees.nodes[0] = (Node){.code = PUSH_NUMBER};
  root           = Derive(&trees, Tree(&trees, expression, NULL), variable);
  Write(&trees, root, NULL, &n, &stack);
  const bool ok = !trees.full && !trees.failed && n <= MAX_NODES && stack <= EXPRESSION_MAX_STACK;
  if (ok) {
    PetscCall(PetscMalloc(sizeof(struct NomosExpression_s) + n * sizeof(Instruction), derivative));
    (*derivative)->n = 0;
    Write(&trees, root, (*derivative)->program, &(*derivative)->n, &stack);
  }
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    for (int j = 0; j < 2; j++) PetscCall(NomosExpressionDestroy(&trees.rules[i][j]));
  PetscCall(PetscFree(trees.nodes));
  PetscCheck(ok, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the derivative of an expression of %zu operations is too long (more than %d operations) or nested too deep (more than %d open values): write it simpler", expression->n, MAX_NODES, EXPRESSION_MAX_STACK);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosExpressionIsNumber(NomosExpression expression, double *number)
{
  *number = expression->program[0].number;
  return expression->n == 1 && expression->program[0].code == PUSH_NUMBER;
}
