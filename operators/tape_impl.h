/* Inside of the tape: what a primitive is made of. Private to operators/. */
#ifndef NOMOS_OPERATORS_TAPE_IMPL_H
#define NOMOS_OPERATORS_TAPE_IMPL_H

#include "io/text.h"
#include "operators/primitives.h"

typedef struct NomosNode_s NomosNode;

/* An input of an example: entries uniform in [low, high]; to stay clear of kinks is the example's affair. */
typedef struct {
  int    n_dims;
  size_t shape[NOMOS_TENSOR_MAX_DIMS];
  double low, high;
} NomosExampleInput;

/* A call with random inputs, from which the tests check the primitive: derivatives of every order, views, both precisions. */
enum { NOMOS_EXAMPLE_MAX_INPUTS = 4 };
typedef struct {
  const char       *name;
  int               n_in;
  NomosExampleInput in[NOMOS_EXAMPLE_MAX_INPUTS];
  NomosTensor (*apply)(const NomosTensor x[]);
} NomosExample;

/* A primitive: one const struct in the file of its kind, and one line in operators/primitives/primitive_list.h.
   vjp: out_bar has the shape of out; sets in_bar[i], of the shape of input i, where wanted[i], by calling primitives. */
typedef struct {
  const char *name;
  void (*vjp)(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[]);
  size_t              n_examples;
  const NomosExample *examples;
} NomosPrimitive;

#define NOMOS_EXAMPLES(list) .n_examples = sizeof(list) / sizeof *(list), .examples = (list)

/* A recorded tensor. */
struct NomosNode_s {
  const NomosPrimitive *primitive; /* NULL: a leaf */
  NomosRealType         type;
  int                   n_dims;
  size_t                shape[NOMOS_TENSOR_MAX_DIMS];
  ptrdiff_t             stride[NOMOS_TENSOR_MAX_DIMS]; /* in entries */
  size_t                offset;                        /* of the first entry in its storage */
  uint32_t              stamp, storage;
  bool                  released; /* its memory may have been given away */
  size_t                n_in;
  NomosTensor          *in;      /* (n_in), NULL: a leaf, or computed without being recorded */
  uint64_t             *version; /* (n_in) of the inputs' storages when it was recorded */
  const void           *attributes;
};

/* Make a node with memory of its own, row-major and not set; NULL when there is an error. `attributes` (n bytes) are copied. */
typedef struct {
  const NomosPrimitive *primitive;
  NomosRealType         type;
  int                   n_dims;
  const size_t         *shape;
  size_t                n_in;
  const NomosTensor    *in;
  const void           *attributes;
  size_t                n_attributes;
} NomosNodeInput;
NomosNode *NomosNodeCreate(NomosTape tape, const NomosNodeInput *input, NomosTensor *out);
/* A node on the memory of `in[0]`: same entries in another order; strides and offset as given. */
NomosNode *NomosNodeView(NomosTape tape, const NomosNodeInput *input, const ptrdiff_t stride[], size_t offset, NomosTensor *out);

/* The node of a handle, or NULL with an error kept ("freed"). */
NomosNode *NomosNodeOf(NomosTensor x);
/* Of n tensors of one tape and, with same_type, one type; NULL tape in case of an error. */
NomosTape NomosNodesOf(const char primitive[], size_t n, const NomosTensor x[], bool same_type, NomosNode *nodes[]);
void     *NomosNodeData(const NomosNode *node, NomosTape tape); /* its first entry */
bool      NomosNodeIsContiguous(const NomosNode *node);
size_t    NomosNodeSize(const NomosNode *node);
/* Scratch memory from the tape's arena; `capacity` goes back with it. NULL with an error kept when there is none. */
void *NomosTapeScratch(NomosTape tape, size_t bytes, size_t *capacity);
void  NomosTapeScratchFree(NomosTape tape, void *scratch, size_t capacity);

/* axis in [0, n_dims) from one that may count from the end; -1 and an error kept if it is beyond. */
int NomosAxis(NomosTape tape, const char primitive[], int axis, int n_dims);

/* Is a gradient being recorded now? A fused primitive then uses its definition by primitives. */
bool NomosTapeIsRecording(NomosTape tape);
bool NomosTapeIsFusing(NomosTape tape);
/* A tensor without a record for a fused primitive to keep things in until its gradient; lives as long as other tensors. */
NomosNode *NomosNodeKeep(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], NomosTensor *out);

/* NomosGradient for use inside of a vjp: an error is kept by the tape, and x are taken as leaves, even where one was made of another; one that
   is given twice gets its gradient once, and no tensor the second time. A fused primitive falls back like this: with NomosTapeIsRecording(), y is computed again by primitives
   from node->in, and NomosGradientKept({.y = y, .y_bar = out_bar, .x = node->in, .record = true}) is its derivative. */
void NomosGradientKept(const NomosGradientInput *input, NomosTensor x_bar[]);

/* to += from, of the same shape; `to` is contiguous. */
void NomosAddTo(NomosTape tape, const NomosNode *to, const NomosNode *from);

/* A contiguous copy, or x itself. */
NomosTensor NomosContiguous(NomosTensor x);
/* The node of x for a kernel that reads row-major entries: a copy, where one is needed, is no part of the record. NULL with an error kept. */
NomosNode *NomosNodeRead(NomosTensor x);
static inline bool NomosSameTensor(NomosTensor a, NomosTensor b)
{
  return a.tape == b.tape && a.index == b.index && a.stamp == b.stamp;
}

/* The kernel of a type: kernels come from *_real.c files as Name_f32 and Name_f64. */
#define NOMOS_KERNEL(type, name) ((type) == NOMOS_F32 ? name##_f32 : name##_f64)
#define NOMOS_DECLARE_KERNEL(name, ...) \
  void name##_f32(__VA_ARGS__); \
  void name##_f64(__VA_ARGS__)

#endif
