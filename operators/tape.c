/* Tensors, their memory, and errors that are kept. The way back is in tape_gradient.c. */
#include "operators/tape_state_impl.h"

#include <cblas.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = 1 << 26 };

PetscErrorCode NomosTapeCreate(NomosTape *tape)
{
  PetscFunctionBeginUser;
  openblas_set_num_threads(1); /* the kernels here are parallel themselves, in blocks that do not depend on the number of threads */
  *tape = calloc(1, sizeof **tape);
  PetscCheck(*tape, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a tape");
  (*tape)->recording    = true;
  (*tape)->free_storage = NOMOS_NO_STORAGE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyOwned(NomosTape tape, size_t first)
{
  PetscFunctionBeginUser;
  while (tape->n_owned > first) {
    const NomosOwned *last = &tape->owned[--tape->n_owned];
    PetscCall(last->destroy(last->object));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTapeOwn(NomosTape tape, void *object, PetscErrorCode (*destroy)(void *object))
{
  PetscFunctionBeginUser;
  if (tape->n_owned == tape->max_owned) {
    const size_t most  = tape->max_owned ? 2 * tape->max_owned : 16;
    NomosOwned  *owned = realloc(tape->owned, most * sizeof *owned);
    if (!owned) PetscCall(destroy(object));
    PetscCheck(owned, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for what a tape owns");
    tape->owned     = owned;
    tape->max_owned = most;
  }
  tape->owned[tape->n_owned++] = (NomosOwned){object, destroy};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTapeDestroy(NomosTape *tape)
{
  PetscFunctionBeginUser;
  if (!*tape) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DestroyOwned(*tape, 0));
  free((*tape)->owned);
  NomosArenaDestroy(&(*tape)->arena);
  NomosNotesDestroy(&(*tape)->notes);
  for (uint32_t i = 0; i < (*tape)->n_pages; i++) free((*tape)->pages[i]);
  free((*tape)->pages);
  free((*tape)->storages);
  free(*tape);
  *tape = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTapeMark NomosTapeGetMark(NomosTape tape)
{
  return (NomosTapeMark){.n_nodes = tape->n_nodes, .n_notes = tape->notes.top, .n_owned = tape->n_owned};
}

PetscErrorCode NomosTapeRewind(NomosTape tape, NomosTapeMark mark)
{
  PetscFunctionBeginUser;
  PetscCheck(mark.n_nodes <= tape->n_nodes, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a tape cannot be rewound to %u tensors: it has %u", mark.n_nodes, tape->n_nodes);
  while (tape->n_nodes > mark.n_nodes) {
    NomosNode *node = NomosNodeAt(tape, --tape->n_nodes);
    NomosNodeRelease(tape, node);
    node->stamp = 0;
  }
  tape->notes.top = mark.n_notes;
  PetscCall(DestroyOwned(tape, mark.n_owned));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTapeReset(NomosTape tape)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTapeRewind(tape, (NomosTapeMark){0}));
  tape->recording = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTapeStatus(NomosTape tape)
{
  const PetscErrorCode code = tape->code;

  PetscFunctionBeginUser;
  tape->code = 0;
  PetscCheck(!code, PETSC_COMM_SELF, code, "%s", tape->message);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosTapeUsage(NomosTape tape, size_t *bytes, size_t *most, size_t *n_tensors)
{
  if (bytes) *bytes = tape->arena.used;
  if (most) *most = tape->arena.most;
  if (n_tensors) *n_tensors = tape->n_nodes;
}

bool NomosTapeSetRecording(NomosTape tape, bool recording)
{
  const bool before = tape->recording;

  tape->recording = recording;
  return before;
}

bool NomosTapeSetFusing(NomosTape tape, bool fusing)
{
  const bool before = !tape->unfused;

  tape->unfused = !fusing;
  return before;
}

bool NomosTapeIsFusing(NomosTape tape)
{
  return !tape->unfused;
}

bool NomosTapeIsRecording(NomosTape tape)
{
  return tape->recording;
}

NomosTensor NomosTapeFail(NomosTape tape, PetscErrorCode code, const char format[], ...)
{
  if (tape && !tape->code) {
    va_list arguments;
    tape->code = code;
    va_start(arguments, format);
    vsnprintf(tape->message, sizeof tape->message, format, arguments);
    va_end(arguments);
  }
  return (NomosTensor){.tape = tape};
}

int NomosAxis(NomosTape tape, const char primitive[], int axis, int n_dims)
{
  if (axis >= -n_dims && axis < n_dims) return axis < 0 ? axis + n_dims : axis;
  NomosTapeFail(tape, PETSC_ERR_ARG_OUTOFRANGE, "%s: axis %d of a tensor with %d axes", primitive, axis, n_dims);
  return -1;
}

/* ---- storages */

static uint32_t NewStorage(NomosTape tape)
{
  uint32_t storage = tape->free_storage;

  if (storage != NOMOS_NO_STORAGE) tape->free_storage = tape->storages[storage].refs; /* free ones are linked by refs */
  else {
    if (tape->n_storages == tape->max_storages) {
      const uint32_t most     = tape->max_storages ? 2 * tape->max_storages : 1024;
      NomosStorage  *storages = realloc(tape->storages, most * sizeof *storages);
      if (!storages) return NOMOS_NO_STORAGE;
      tape->storages     = storages;
      tape->max_storages = most;
    }
    storage = tape->n_storages++;
  }
  tape->storages[storage] = (NomosStorage){.refs = 1};
  return storage;
}

void NomosStorageDrop(NomosTape tape, uint32_t storage)
{
  NomosStorage *s = &tape->storages[storage];

  if (--s->refs) return;
  if (s->capacity) NomosArenaGive(&tape->arena, s->data, s->capacity);
  s->refs            = tape->free_storage;
  tape->free_storage = storage;
}

void NomosNodeRelease(NomosTape tape, NomosNode *node)
{
  if (node->released) return;
  node->released = true;
  NomosStorageDrop(tape, node->storage);
}

uint64_t NomosStorageVersion(NomosTape tape, uint32_t storage)
{
  const NomosStorage *s = &tape->storages[storage];
  return s->watched ? *s->watched : s->version;
}

void *NomosTapeScratch(NomosTape tape, size_t bytes, size_t *capacity)
{
  void *scratch = NomosArenaTake(&tape->arena, bytes, capacity);

  if (!scratch) NomosTapeFail(tape, PETSC_ERR_MEM, "the tape holds %.3g GB and finds no memory for %.3g GB more: smaller batches, NomosRecompute, or fewer layers would help", 1e-9 * (double)tape->arena.used, 1e-9 * (double)bytes);
  return scratch;
}

void NomosTapeScratchFree(NomosTape tape, void *scratch, size_t capacity)
{
  if (scratch) NomosArenaGive(&tape->arena, scratch, capacity);
}

/* ---- nodes */

/* A node without a storage; inputs and attributes are copied. */
static NomosNode *NewNode(NomosTape tape, const NomosNodeInput *input, NomosTensor *out)
{
  NomosNode *node;
  bool       keep = tape->recording && input->n_in > 0;

  if (tape->code) return NULL;
  if (tape->n_nodes == tape->n_pages << NOMOS_PAGE_BITS) {
    NomosNode **pages = tape->n_nodes < MAX_TENSORS ? realloc(tape->pages, (tape->n_pages + 1) * sizeof *pages) : NULL;
    if (pages) {
      tape->pages                  = pages;
      tape->pages[tape->n_pages] = malloc(sizeof(NomosNode) << NOMOS_PAGE_BITS);
    }
    if (!pages || !tape->pages[tape->n_pages]) {
      NomosTapeFail(tape, PETSC_ERR_MEM, "no memory for more than %u tensors on a tape; was NomosTapeReset forgotten?", tape->n_nodes);
      return NULL;
    }
    tape->n_pages++;
  }
  node = NomosNodeAt(tape, tape->n_nodes);
  memset(node, 0, sizeof *node);
  node->primitive = input->primitive;
  node->type      = input->type;
  node->n_dims    = input->n_dims;
  for (int i = 0; i < input->n_dims; i++) node->shape[i] = input->shape[i];
  if (input->n_attributes) {
    void *copy = NomosNotesTake(&tape->notes, input->n_attributes);
    if (copy) node->attributes = memcpy(copy, input->attributes, input->n_attributes);
  }
  if (keep) {
    node->in      = NomosNotesTake(&tape->notes, input->n_in * sizeof *node->in);
    node->version = NomosNotesTake(&tape->notes, input->n_in * sizeof *node->version);
  }
  if ((input->n_attributes && !node->attributes) || (keep && (!node->in || !node->version))) {
    NomosTapeFail(tape, PETSC_ERR_MEM, "%s: no memory to record it (at most 4096 inputs)", input->primitive->name);
    return NULL;
  }
  for (size_t i = 0; keep && i < input->n_in; i++) {
    node->in[i]      = input->in[i];
    node->version[i] = NomosStorageVersion(tape, NomosNodeAt(tape, input->in[i].index)->storage);
  }
  node->n_in  = keep ? input->n_in : 0;
  node->stamp = ++tape->stamp ? tape->stamp : ++tape->stamp; /* 0 is no tensor */
  *out        = (NomosTensor){.tape = tape, .index = tape->n_nodes, .stamp = node->stamp};
  return node;
}

static void RowMajor(NomosNode *node)
{
  for (int i = node->n_dims - 1; i >= 0; i--) node->stride[i] = i == node->n_dims - 1 ? 1 : node->stride[i + 1] * (ptrdiff_t)node->shape[i + 1];
}

NomosNode *NomosNodeCreate(NomosTape tape, const NomosNodeInput *input, NomosTensor *out)
{
  size_t     size = NomosRealBytes(input->type), capacity = 0;
  NomosNode *node;
  void      *data;

  *out = (NomosTensor){.tape = tape};
  for (int i = 0; i < input->n_dims; i++) {
    if (input->shape[i] && size > SIZE_MAX / 8 / input->shape[i]) {
      NomosTapeFail(tape, PETSC_ERR_MEM, "a tensor of that size cannot be held");
      return NULL;
    }
    size *= input->shape[i];
  }
  if (!(node = NewNode(tape, input, out))) return NULL;
  data          = NomosTapeScratch(tape, size, &capacity);
  node->storage = data ? NewStorage(tape) : NOMOS_NO_STORAGE;
  if (node->storage == NOMOS_NO_STORAGE) {
    *out = NomosTapeFail(tape, PETSC_ERR_MEM, "no memory for another tensor");
    return NULL;
  }
  tape->storages[node->storage].data     = data;
  tape->storages[node->storage].capacity = capacity;
  RowMajor(node);
  tape->n_nodes++;
  return node;
}

NomosNode *NomosNodeKeep(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], NomosTensor *out)
{
  return NomosNodeCreate(tape, &(NomosNodeInput){.type = type, .n_dims = n_dims, .shape = shape}, out);
}

NomosNode *NomosNodeView(NomosTape tape, const NomosNodeInput *input, const ptrdiff_t stride[], size_t offset, NomosTensor *out)
{
  NomosNode *node;

  *out = (NomosTensor){.tape = tape};
  if (!(node = NewNode(tape, input, out))) return NULL;
  for (int i = 0; i < node->n_dims; i++) node->stride[i] = stride[i];
  node->offset  = offset;
  node->storage = NomosNodeAt(tape, input->in[0].index)->storage;
  tape->storages[node->storage].refs++;
  tape->n_nodes++;
  return node;
}

NomosNode *NomosNodeOf(NomosTensor x)
{
  NomosNode *node;

  if (!x.tape || x.tape->code) return NULL;
  if (x.stamp == 0) {
    NomosTapeFail(x.tape, PETSC_ERR_ARG_WRONGSTATE, "a tensor that no primitive has made was used");
    return NULL;
  }
  node = x.index < x.tape->n_nodes ? NomosNodeAt(x.tape, x.index) : NULL;
  if (!node || node->stamp != x.stamp || node->released) {
    NomosTapeFail(x.tape, PETSC_ERR_ARG_WRONGSTATE, "a tensor was used after it was freed (by NomosTapeReset, NomosTapeRewind, or at the end of the NomosRecompute segment or gradient that made it)");
    return NULL;
  }
  return node;
}

NomosTape NomosNodesOf(const char primitive[], size_t n, const NomosTensor x[], bool same_type, NomosNode *nodes[])
{
  for (size_t i = 0; i < n; i++) {
    if (x[i].tape != x[0].tape) {
      NomosTapeFail(x[0].tape, PETSC_ERR_ARG_INCOMP, "%s: its operands are on different tapes", primitive);
      return NULL;
    }
    if (!(nodes[i] = NomosNodeOf(x[i]))) return NULL;
    if (same_type && nodes[i]->type != nodes[0]->type) {
      NomosTapeFail(x[0].tape, PETSC_ERR_ARG_INCOMP, "%s: float32 and float64 operands; use NomosCast", primitive);
      return NULL;
    }
  }
  return x[0].tape;
}

void *NomosNodeData(const NomosNode *node, NomosTape tape)
{
  return (char *)tape->storages[node->storage].data + node->offset * NomosRealBytes(node->type);
}

size_t NomosNodeSize(const NomosNode *node)
{
  size_t size = 1;

  for (int i = 0; i < node->n_dims; i++) size *= node->shape[i];
  return size;
}

bool NomosNodeIsContiguous(const NomosNode *node)
{
  ptrdiff_t stride = 1;

  for (int i = node->n_dims - 1; i >= 0; i--) {
    if (node->shape[i] != 1 && node->stride[i] != stride) return NomosNodeSize(node) <= 1;
    stride *= (ptrdiff_t)node->shape[i];
  }
  return true;
}

/* ---- leaves and access */

static bool CheckDims(NomosTape tape, int n_dims)
{
  if (n_dims >= 0 && n_dims <= NOMOS_TENSOR_MAX_DIMS) return true;
  NomosTapeFail(tape, PETSC_ERR_ARG_OUTOFRANGE, "a tensor of %d axes: there may be 0 to %d", n_dims, NOMOS_TENSOR_MAX_DIMS);
  return false;
}

NomosTensor NomosTensorCreate(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], const void *data)
{
  NomosTensor x = {.tape = tape};
  NomosNode  *node;

  if (!CheckDims(tape, n_dims) || !(node = NomosNodeCreate(tape, &(NomosNodeInput){.type = type, .n_dims = n_dims, .shape = shape}, &x))) return x;
  const size_t bytes = NomosNodeSize(node) * NomosRealBytes(type);
  if (data) memcpy(NomosNodeData(node, tape), data, bytes);
  else memset(NomosNodeData(node, tape), 0, bytes);
  return x;
}

NomosTensor NomosTensorFromDoubles(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], const double data[])
{
  NomosTensor x = {.tape = tape};
  NomosNode  *node;

  if (type == NOMOS_F64) return NomosTensorCreate(tape, type, n_dims, shape, data);
  if (!CheckDims(tape, n_dims) || !(node = NomosNodeCreate(tape, &(NomosNodeInput){.type = type, .n_dims = n_dims, .shape = shape}, &x))) return x;
  float *to = NomosNodeData(node, tape);
  for (size_t i = 0, n = NomosNodeSize(node); i < n; i++) to[i] = (float)data[i];
  return x;
}

/* One entry in memory, seen as many. */
NomosTensor NomosTensorConstant(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], double value)
{
  NomosTensor x = NomosTensorFromDoubles(tape, type, 0, NULL, &value);
  NomosNode  *node;

  if (!CheckDims(tape, n_dims) || !(node = NomosNodeOf(x))) return (NomosTensor){.tape = tape};
  node->n_dims = n_dims;
  for (int i = 0; i < n_dims; i++) {
    node->shape[i]  = shape[i];
    node->stride[i] = 0;
  }
  return x;
}

NomosTensor NomosTensorBorrow(NomosTape tape, NomosRealType type, int n_dims, const size_t shape[], const void *data, const uint64_t *version, const char name[])
{
  NomosTensor   x = NomosTensorConstant(tape, type, n_dims, shape, 0);
  NomosNode    *node = NomosNodeOf(x);
  NomosStorage *storage;

  if (!node) return x;
  storage = &tape->storages[node->storage];
  NomosArenaGive(&tape->arena, storage->data, storage->capacity);
  *storage = (NomosStorage){.data = (void *)(uintptr_t)data, .refs = 1, .watched = version, .name = name};
  RowMajor(node);
  return x;
}

static const NomosNode *Peek(NomosTensor x)
{
  const NomosNode *node = x.tape && x.stamp && x.index < x.tape->n_nodes ? NomosNodeAt(x.tape, x.index) : NULL;
  return node && node->stamp == x.stamp ? node : NULL;
}

int NomosTensorDims(NomosTensor x, const size_t **shape)
{
  const NomosNode *node = Peek(x);

  if (shape) *shape = node ? node->shape : NULL;
  return node ? node->n_dims : 0;
}

size_t NomosTensorSize(NomosTensor x)
{
  const NomosNode *node = Peek(x);
  return node ? NomosNodeSize(node) : 0;
}

size_t NomosTensorLength(NomosTensor x, int axis)
{
  const NomosNode *node = Peek(x);
  const int        n    = node ? node->n_dims : 0;

  if (axis < 0) axis += n;
  return axis >= 0 && axis < n ? node->shape[axis] : 0;
}

NomosRealType NomosTensorType(NomosTensor x)
{
  const NomosNode *node = Peek(x);
  return node ? node->type : NOMOS_F64;
}

bool NomosTensorIsValid(NomosTensor x)
{
  const NomosNode *node = Peek(x);
  return node && !node->released && !x.tape->code;
}

/* The node, or the error that is the reason why there is none. */
static PetscErrorCode Valid(NomosTensor x, NomosNode **node)
{
  PetscFunctionBeginUser;
  *node = NULL;
  PetscCheck(x.tape, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "a tensor that no primitive has made was used");
  *node = NomosNodeOf(x);
  PetscCall(NomosTapeStatus(x.tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTensorGet(NomosTensor x, const void **data)
{
  NomosNode *node = NULL;

  PetscFunctionBeginUser;
  PetscCall(Valid(x, &node));
  if (!NomosNodeIsContiguous(node)) PetscCall(Valid(NomosContiguous(x), &node));
  *data = NomosNodeData(node, x.tape);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTensorGetDoubles(NomosTensor x, double data[])
{
  const void  *from;
  const size_t n = NomosTensorSize(x);

  PetscFunctionBeginUser;
  PetscCall(NomosTensorGet(x, &from));
  if (NomosTensorType(x) == NOMOS_F64) memcpy(data, from, n * sizeof(double));
  else
    for (size_t i = 0; i < n; i++) data[i] = (double)((const float *)from)[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTensorGetScalar(NomosTensor x, double *value)
{
  NomosNode *node = NULL;

  PetscFunctionBeginUser;
  PetscCall(Valid(x, &node));
  PetscCheck(NomosNodeSize(node) == 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a tensor of %zu entries is no scalar", NomosNodeSize(node));
  PetscCall(NomosTensorGetDoubles(x, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTensorSet(NomosTensor x, const void *data)
{
  NomosNode *node = NULL;

  PetscFunctionBeginUser;
  PetscCall(Valid(x, &node));
  PetscCheck(!node->primitive && NomosNodeIsContiguous(node) && !x.tape->storages[node->storage].watched, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "only a leaf with memory of its own can be overwritten, not the result of a primitive, a constant or borrowed memory");
  memcpy(NomosNodeData(node, x.tape), data, NomosNodeSize(node) * NomosRealBytes(node->type));
  x.tape->storages[node->storage].version++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
