/* Inside of terms.h. A text is parsed to a graph of nodes in normal form (terms_parse.c, terms_graph.c), the graph is compiled to a program of instructions on values (terms_program.c), which runs
   forwards, for tangents, and backwards (terms_evaluate.c) on kernels for series (terms_spectral.c) and differences (terms_differences.c). */
#ifndef NOMOS_OPERATORS_TERMS_IMPL_H
#define NOMOS_OPERATORS_TERMS_IMPL_H

#include "operators/terms.h"

/* ---- the graph: what is written ---- */

enum { NOMOS_TERM_MAX_ORDER = 16, NOMOS_TERM_MAX_POWER = 16 };

/* Kinds in the order in which factors of a product stand. */
typedef enum { NODE_ONE, NODE_GIVEN, NODE_FIELD, NODE_FUNCTION, NODE_MEAN, NODE_SHIFT, NODE_DERIVATIVE, NODE_JACOBIAN, NODE_PRODUCT, NODE_SUM } NomosTermKind;

typedef struct {
  double factor; /* of an entry of a sum */
  int    node, power;
} NomosTermItem;

typedef struct {
  NomosTermKind kind;
  int           index;    /* of the field, the given function (coordinates behind them), the pointwise function; of a mean 0: over all, 1: over x; of a shift its number of points */
  int           order[2]; /* derivative: along x, y */
  int           n;        /* sum, product: entries; J: 2; others: 1 or 0 */
  size_t        first;    /* among the items */
  bool          constant; /* no field in it */
} NomosTermNode;

typedef struct {
  int            n_dims;
  int            n_x;     /* points along x, for shifts */
  bool           open[2]; /* along x, y */
  int            n_given; /* those with an index from here on are the coordinates x, y */
  int            n_nodes, max_nodes;
  NomosTermNode *nodes;
  size_t         n_items, max_items;
  NomosTermItem *items;
  bool           full; /* out of memory, or a power or an order that is too large: the last node is not what was asked for */
} NomosTermGraph;

enum { NOMOS_TERM_N_FUNCTIONS = 7 };
typedef struct {
  const char *name;
  double (*value)(double);
} NomosTermFunction;
extern const NomosTermFunction nomos_term_functions[NOMOS_TERM_N_FUNCTIONS];

/* Nodes of the graph, each once: whatever is equal by the rules of sums, products, linear maps and J has the same number. */
int NomosTermNumber(NomosTermGraph *graph, double value);
int NomosTermLeaf(NomosTermGraph *graph, NomosTermKind kind, int index);
int NomosTermSum(NomosTermGraph *graph, int n, const NomosTermItem items[]);
int NomosTermProduct(NomosTermGraph *graph, int n, const NomosTermItem items[]);
int NomosTermDerivative(NomosTermGraph *graph, const int order[2], int node);
int NomosTermFunctionOf(NomosTermGraph *graph, int function, int node);
int NomosTermMean(NomosTermGraph *graph, int over_x, int node);
int NomosTermShift(NomosTermGraph *graph, int points, int node);
int NomosTermJacobian(NomosTermGraph *graph, int a, int b);
int NomosTermScaled(NomosTermGraph *graph, double factor, int node);
int NomosTermTimes(NomosTermGraph *graph, int a, int b);
/* J(a, b) = a_x b_y - a_y b_x, written out. */
int NomosTermJacobianExpanded(NomosTermGraph *graph, int node);

static inline const NomosTermItem *NomosTermItems(const NomosTermGraph *graph, int node)
{
  return graph->items + graph->nodes[node].first;
}
/* Is it a number? */
bool NomosTermIsNumber(const NomosTermGraph *graph, int node, double *value);

/* ---- the program: how it is computed ---- */

typedef enum { SPACE_GRID, SPACE_MODES, SPACE_FINE, N_SPACES } NomosTermSpace;
typedef enum { OP_FIELD, OP_GIVEN, OP_ONE, OP_FORWARD, OP_INVERSE, OP_DIFFERENCE, OP_SHIFT, OP_MEAN, OP_COMBINE, OP_MULTIPLY, OP_FUNCTION } NomosTermOp;

typedef struct {
  double factor;
  int    value, order[2]; /* along x, y */
} NomosTermInput;

/* One instruction for each value. Forward: from a grid or the fine grid to modes. Inverse: a sum of derivatives of modes on a grid or the fine grid. */
typedef struct {
  NomosTermOp     op;
  NomosTermSpace  space; /* of its value; forward: of its input */
  int             index; /* field, given function, function, kind of mean, points of shift, stencil */
  int             n_in;
  NomosTermInput *in;
  bool            constant, linear;
} NomosTermInstruction;

enum { VALUES, DOTS, BARS, BAR_DOTS, N_SETS };

typedef struct NomosTermsSpectral_s *NomosTermsSpectral;
typedef struct NomosTermsStencil_s  *NomosTermsStencil;

struct NomosTerms_s {
  MPI_Comm            comm;
  int                 rank, size;
  NomosTermsGrid      grid;
  size_t              nx, ny, y_start, n_y, points; /* of a row, rows of all, of this rank; points of this rank */
  size_t              n_fields, n_given, n_terms;
  char              **fields, **given, *where;      /* given: with the coordinates behind */
  const char         *names;                        /* of the input; while it is parsed */
  double            **given_values;
  NomosTermGraph      graph;
  int                *term;                         /* (n_terms) nodes */
  char              **written[NOMOS_N_NOTATIONS];

  int                   n_values, max_values;
  NomosTermInstruction *program;
  int                  *memo[N_SPACES], n_memo; /* value of a node in a space, -1: none */
  int                  *output;                  /* (n_terms) values */
  int                  *field_value;             /* (n_fields), -1: not in the terms */
  size_t                size_of[N_SPACES];       /* doubles of a value */
  double              **owned[N_SETS], **at[N_SETS]; /* (n_values) where values stand, and what is used in this call */
  bool                 *needed, *wanted, *active; /* (n_values) marks of a call */
  int                   n_threads;
  NomosTermsSpectral    spectral;
  int                   n_stencils;
  NomosTermsStencil    *stencils;
  double               *plane, *row_sums; /* all rows (differences along y on several ranks); a sum of each row */
  int                  *counts, *starts;  /* points of each rank */

  size_t         *first_part; /* (n_weak + 1): parts of a term of the object this was made from */
  size_t          n_weak;
  NomosTermsPart *parts;
};

/* Reads text into the graph. Errors: a sentence with a position. */
PetscErrorCode NomosTermParse(NomosTerms terms, const char text[], int *node);
PetscErrorCode NomosTermWrite(NomosTerms terms, int node, NomosNotation notation, char **text);
PetscErrorCode NomosTermsCompile(NomosTerms terms);
PetscErrorCode NomosTermsRunConstants(NomosTerms terms);

/* Series: derivatives of modes. Values are arrays of doubles; modes interleaved. */
PetscErrorCode NomosTermsSpectralCreate(NomosTerms terms);
PetscErrorCode NomosTermsSpectralDestroy(NomosTermsSpectral *spectral);
/* modes := F grid  (of the fine grid if `fine`, cut to the modes), divided by the number of points. `transposed`: what the transpose of Inverse needs, if modes_bar stands for the derivative by the
   modes divided by their weights on the grid (see terms_spectral.c). */
PetscErrorCode NomosTermsForward(NomosTerms terms, bool fine, bool transposed, const double grid[], double modes[]);
/* grid := (or +=, if add) sum_i factor_i (d/dx)^.. (d/dy)^.. modes_i; entries whose modes are NULL are left out. Transposed: the transpose of Forward. */
PetscErrorCode NomosTermsInverse(NomosTerms terms, bool fine, bool transposed, int n, const NomosTermInput in[], double *const modes[], bool add, double grid[]);
/* modes_bar += factor conj(symbol) modes */
void           NomosTermsAddConjugate(NomosTerms terms, const NomosTermInput *in, const double modes[], double modes_bar[]);
double        *NomosTermsSpectralScratch(NomosTerms terms);

/* Differences. */
PetscErrorCode NomosTermsStencilFind(NomosTerms terms, int axis, int order, int *stencil);
PetscErrorCode NomosTermsStencilsDestroy(NomosTerms terms);
PetscErrorCode NomosTermsDifference(NomosTerms terms, int stencil, bool transposed, const double in[], bool add, double out[]);
double         NomosTermsStencilWeight(NomosTerms terms, int stencil, int *half, const double **weights);

/* Weights of the derivative `order` at z from values at x_0 .. x_n-1 (Fornberg 1988, doi:10.1090/S0025-5718-1988-0935077-0). */
void NomosFornbergWeights(int order, double z, int n, const double x[], double weights[]);

#endif
