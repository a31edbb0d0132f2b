#include "io/safetensors.h"

#include "io/disk_impl.h"
#include "io/json_impl.h"
#include "io/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAX_HEADER = 100000000, LENGTH_BYTES = 8 };

/* What other programs write too: their sizes tell whether a file is whole. */
static const struct {
  const char *name;
  size_t      bytes;
} types[] = {
  {"F32",  4},
  {"F64",  8},
  {"F16",  2},
  {"BF16", 2},
  {"I8",   1},
  {"U8",   1},
  {"BOOL", 1},
  {"I16",  2},
  {"U16",  2},
  {"I32",  4},
  {"U32",  4},
  {"I64",  8},
  {"U64",  8},
};
enum { TYPE_F32, TYPE_F64, N_TYPES = sizeof types / sizeof *types };

static size_t Bytes(const NomosSafetensor *tensor)
{
  size_t bytes = NomosRealBytes(tensor->type);

  for (int d = 0; d < tensor->n_dims; d++) bytes *= tensor->shape[d];
  return bytes;
}

static const char checksum_key[] = "xxh64";

/* ---- writing */

/* As the data lie in the file. */
static uint64_t Checksum(const NomosSafetensorsInput *input)
{
  XXH64_state_t *state = XXH64_createState();

  XXH64_reset(state, 0);
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < input->n_tensors; i++)
      if ((input->tensors[i].type == NOMOS_F64) == (pass == 0)) XXH64_update(state, input->tensors[i].data, Bytes(&input->tensors[i]));
  const uint64_t sum = XXH64_digest(state);
  XXH64_freeState(state);
  return sum;
}

/* The header, padded so that the data begin at a multiple of 8; malloc'ed, NULL with a verdict. float64 arrays come first: all of them are aligned then. */
static char *MakeHeader(const char path[], const NomosSafetensorsInput *input, size_t *length, NomosVerdict *verdict)
{
  json_t *root = json_object(), *texts = json_object();
  size_t  offset = 0;
  char   *text = NULL, sum[17];

  for (size_t i = 0; i < input->n_texts; i++) {
    if (json_object_set_new(texts, input->texts[i].key, json_string(input->texts[i].text))) {
      NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: the metadata %.80s are not UTF-8 and cannot be written", path, input->texts[i].key);
    }
  }
  snprintf(sum, sizeof sum, "%016llx", (unsigned long long)Checksum(input));
  json_object_set_new(texts, checksum_key, json_string(sum));
  json_object_set_new(root, "__metadata__", texts);
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < input->n_tensors; i++) {
      const NomosSafetensor *t = &input->tensors[i];
      if ((t->type == NOMOS_F64) != (pass == 0)) continue;
      json_t *shape = json_array();
      for (int d = 0; d < t->n_dims; d++) json_array_append_new(shape, json_integer((json_int_t)t->shape[d]));
      if (!strcmp(t->name, "__metadata__") || json_object_get(root, t->name)) NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: two tensors are called %.80s; names must differ", path, t->name);
      json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", types[t->type == NOMOS_F64 ? TYPE_F64 : TYPE_F32].name, "shape", shape, "data_offsets", (json_int_t)offset, (json_int_t)(offset + Bytes(t)));
      if (json_object_set_new(root, t->name, entry)) NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: the name %.80s is not UTF-8 and cannot be written", path, t->name);
      offset += Bytes(t);
    }
  }
  char *compact = verdict->code ? NULL : json_dumps(root, JSON_COMPACT);
  json_decref(root);
  if (!compact) {
    NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: out of memory", path);
    return NULL;
  }
  size_t n = strlen(compact);
  *length  = (n + 7) / 8 * 8;
  if (*length > MAX_HEADER) NomosVerdictFail(verdict, PETSC_ERR_ARG_OUTOFRANGE, "%s: its header would have %zu bytes, at most %d are allowed; write fewer tensors or shorter metadata", path, *length, MAX_HEADER);
  else if (!(text = malloc(*length))) NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: out of memory", path);
  else {
    memset(text, ' ', *length);
    memcpy(text, compact, n);
  }
  free(compact);
  return text;
}

static void Write(const char path[], const NomosSafetensorsInput *input, NomosVerdict *verdict)
{
  char          temporary[NOMOS_MAX_PATH], *header;
  unsigned char length_bytes[LENGTH_BYTES];
  size_t        length = 0;
  double        bytes  = LENGTH_BYTES;

  if (!NomosTemporaryName(path, temporary, verdict) || !(header = MakeHeader(path, input, &length, verdict))) return;
  for (int i = 0; i < LENGTH_BYTES; i++) length_bytes[i] = (unsigned char)((uint64_t)length >> (8 * i));
  bytes += (double)length;
  for (size_t i = 0; i < input->n_tensors; i++) bytes += (double)Bytes(&input->tensors[i]);
  int     fd = NomosSpaceCheck(path, bytes, "the file", verdict) ? open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
  int64_t at = LENGTH_BYTES + (int64_t)length;
  bool    good = fd >= 0 && NomosPwrite(fd, length_bytes, LENGTH_BYTES, 0) && NomosPwrite(fd, header, length, LENGTH_BYTES);
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < input->n_tensors && good; i++) {
      const NomosSafetensor *t = &input->tensors[i];
      if ((t->type == NOMOS_F64) != (pass == 0)) continue;
      good = NomosPwrite(fd, t->data, Bytes(t), at);
      at += (int64_t)Bytes(t);
    }
  }
  if (!good) NomosVerdictFail(verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write: %s", path, strerror(errno));
  if (fd >= 0) {
    close(fd);
    if (good) NomosRenameDurable(temporary, path, verdict);
    else unlink(temporary);
  }
  free(header);
}

PetscErrorCode NomosSafetensorsWrite(MPI_Comm comm, const char path[], const NomosSafetensorsInput *input)
{
  NomosVerdict verdict = {0};
  int          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) Write(path, input, &verdict);
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- reading */

struct NomosSafetensors_s {
  char            *path;
  size_t           length, n_bytes; /* of the header, and of all data */
  char            *bytes;           /* the header, then the data from an aligned place on */
  json_t          *header;
  size_t           n;
  NomosSafetensor *tensors; /* in order of their data */
  const char     **dtypes;  /* (n) as the file says */
};

/* One entry of the header, without its place: that is checked for all together. */
static bool ParseTensor(const char path[], const char name[], json_t *entry, NomosSafetensor *tensor, const char **dtype, size_t offsets[2], NomosVerdict *verdict)
{
  json_t *shape = NULL, *size;
  json_int_t from, to;
  size_t  i, known = 0;
  double  bytes;
  char    text[128];

  if (json_unpack(entry, "{s:s, s:o, s:[I, I!]}", "dtype", dtype, "shape", &shape, "data_offsets", &from, &to) || !json_is_array(shape) || json_object_size(entry) != 3) {
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the header's entry %.80s is not {dtype, shape, data_offsets}; the file is damaged", path, name);
  }
  while (known < N_TYPES && strcmp(types[known].name, *dtype)) known++;
  if (known == N_TYPES) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %.80s has the unknown dtype %.40s", path, name, *dtype);
  if (json_array_size(shape) > NOMOS_SAFETENSORS_MAX_DIMS) {
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %.80s has %zu dimensions; at most %d can be read", path, name, json_array_size(shape), NOMOS_SAFETENSORS_MAX_DIMS);
  }
  *tensor = (NomosSafetensor){.name = name, .type = known == TYPE_F64 ? NOMOS_F64 : NOMOS_F32, .n_dims = (int)json_array_size(shape)};
  bytes   = (double)types[known].bytes;
  json_array_foreach(shape, i, size) {
    if (!json_is_integer(size) || json_integer_value(size) < 0) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the shape of %.80s is not a list of sizes; the file is damaged", path, name);
    tensor->shape[i] = (size_t)json_integer_value(size);
    bytes *= (double)tensor->shape[i];
  }
  if (from < 0 || to < from || (double)(to - from) != bytes) {
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %.80s, %s %s, takes %.0f bytes, but its data_offsets are [%lld, %lld]; the file is damaged", path, name, *dtype, NomosShapeText(tensor->n_dims, tensor->shape, text), bytes, (long long)from, (long long)to);
  }
  offsets[0] = (size_t)from;
  offsets[1] = (size_t)to;
  return true;
}

typedef struct {
  NomosSafetensor tensor;
  const char     *dtype;
  size_t          offsets[2];
} Entry;

static int ByOffset(const void *a, const void *b)
{
  const Entry *x = a, *y = b;

  for (int i = 0; i < 2; i++)
    if (x->offsets[i] != y->offsets[i]) return x->offsets[i] < y->offsets[i] ? -1 : 1;
  return strcmp(x->tensor.name, y->tensor.name);
}

/* Of the data, if the metadata say one: not all programs that write such files do. */
static bool CheckChecksum(NomosSafetensors file, NomosVerdict *verdict)
{
  const char *theirs = NomosSafetensorsMetadata(file, checksum_key);
  char        ours[17];

  snprintf(ours, sizeof ours, "%016llx", (unsigned long long)XXH64(file->bytes + (file->length + 7) / 8 * 8, file->n_bytes, 0));
  if (!theirs || !strcmp(theirs, ours)) return true;
  return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: its data have the checksum %s, its metadata say %s = %.40s; the file is damaged: copy it again (or, where another program changed the data on purpose, remove %s from the metadata)", file->path, ours, checksum_key, theirs, checksum_key);
}

/* The header of file->bytes into tensors. */
static bool Parse(NomosSafetensors file, NomosVerdict *verdict)
{
  json_error_t error;
  const char  *name, *key;
  json_t      *entry, *text;
  size_t       n = 0, end = 0;

  if (file->bytes[0] != '{') return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: its header does not begin with '{': not a safetensors file", file->path);
  file->header = json_loadb(file->bytes, file->length, JSON_REJECT_DUPLICATES, &error);
  if (!file->header) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: its header is damaged: %s (byte %d)", file->path, error.text, error.position);
  json_object_foreach(json_object_get(file->header, "__metadata__"), key, text) {
    if (!json_is_string(text)) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the metadata %.80s are not a text; the file is damaged", file->path, key);
  }
  if (json_object_get(file->header, "__metadata__") && !json_is_object(json_object_get(file->header, "__metadata__"))) {
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: __metadata__ is not an object of texts; the file is damaged", file->path);
  }
  Entry *entries = calloc(json_object_size(file->header) + 1, sizeof *entries);
  bool   good    = true;
  json_object_foreach(file->header, name, entry) {
    if (!strcmp(name, "__metadata__")) continue;
    good = ParseTensor(file->path, name, entry, &entries[n].tensor, &entries[n].dtype, entries[n].offsets, verdict);
    if (!good) break;
    n++;
  }
  if (good) qsort(entries, n, sizeof *entries, ByOffset);
  for (size_t i = 0; i < n && good; i++) {
    if (entries[i].offsets[0] != end) {
      good = NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the data of %.80s begin at byte %zu, those before them end at %zu: %s; the file is damaged", file->path, entries[i].tensor.name, entries[i].offsets[0], end, entries[i].offsets[0] < end ? "they overlap" : "there is a hole");
    }
    end = entries[i].offsets[1];
  }
  if (good && end != file->n_bytes) good = NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: its header tells of %zu bytes of data, the file has %zu: %s", file->path, end, file->n_bytes, file->n_bytes < end ? "it is truncated" : "there is something behind them");
  file->n       = good ? n : 0;
  file->tensors = calloc(n + 1, sizeof *file->tensors);
  file->dtypes  = calloc(n + 1, sizeof *file->dtypes);
  for (size_t i = 0; i < file->n; i++) {
    file->tensors[i] = entries[i].tensor;
    file->dtypes[i]  = entries[i].dtype;
    if (!strcmp(entries[i].dtype, "F32") || !strcmp(entries[i].dtype, "F64")) file->tensors[i].data = file->bytes + (file->length + 7) / 8 * 8 + entries[i].offsets[0];
  }
  free(entries);
  return good && CheckChecksum(file, verdict);
}

/* Rank 0: the header's length and all bytes. */
static void Load(NomosSafetensors file, NomosVerdict *verdict)
{
  unsigned char length_bytes[LENGTH_BYTES];
  struct stat   info;
  uint64_t      length = 0;
  int           fd = open(file->path, O_RDONLY);

  if (fd < 0 || fstat(fd, &info)) NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: cannot open: %s", file->path, strerror(errno));
  else if (!S_ISREG(info.st_mode)) NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s is not a file", file->path);
  else if (info.st_size < LENGTH_BYTES || !NomosPread(fd, length_bytes, LENGTH_BYTES, 0)) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s has %lld bytes: not a safetensors file", file->path, (long long)info.st_size);
  else {
    for (int i = 0; i < LENGTH_BYTES; i++) length |= (uint64_t)length_bytes[i] << (8 * i);
    if (length > MAX_HEADER || length < 2) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: its header would have %llu bytes (2 to %d are possible): not a safetensors file, or damaged", file->path, (unsigned long long)length, MAX_HEADER);
    else if (length > (uint64_t)info.st_size - LENGTH_BYTES) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: its header has %llu bytes, the whole file %lld: it is truncated", file->path, (unsigned long long)length, (long long)info.st_size);
  }
  if (!verdict->code) {
    file->length  = length;
    file->n_bytes = (size_t)info.st_size - LENGTH_BYTES - length;
    file->bytes   = malloc((length + 7) / 8 * 8 + file->n_bytes);
    if (!file->bytes) NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory for its %lld bytes", file->path, (long long)info.st_size);
    else if (!NomosPread(fd, file->bytes, length, LENGTH_BYTES) || !NomosPread(fd, file->bytes + (length + 7) / 8 * 8, file->n_bytes, LENGTH_BYTES + (int64_t)length)) NomosVerdictFail(verdict, PETSC_ERR_FILE_READ, "%s: cannot read: %s", file->path, errno ? strerror(errno) : "it ends too early");
  }
  if (fd >= 0) close(fd);
}

PetscErrorCode NomosSafetensorsOpen(MPI_Comm comm, const char path[], NomosSafetensors *result)
{
  NomosVerdict     verdict = {0};
  NomosSafetensors file;
  size_t           sizes[2], total;
  int              rank;

  PetscFunctionBeginUser;
  *result = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscNew(&file));
  PetscCall(PetscStrallocpy(path, &file->path));
  if (!rank) Load(file, &verdict);
  PetscErrorCode code = NomosVerdictRaise(comm, &verdict);
  if (!code) {
    sizes[0] = file->length;
    sizes[1] = file->n_bytes;
    PetscCallMPI(MPI_Bcast(sizes, 2 * (int)sizeof *sizes, MPI_BYTE, 0, comm));
    file->length  = sizes[0];
    file->n_bytes = sizes[1];
    total         = (sizes[0] + 7) / 8 * 8 + sizes[1];
    if (rank) file->bytes = malloc(total);
    if (!file->bytes) NomosVerdictFail(&verdict, PETSC_ERR_MEM, "%s: no memory for its %zu bytes", path, total);
    code = NomosVerdictRaise(comm, &verdict);
    for (size_t done = 0, piece; !code && done < total; done += piece) {
      piece = PetscMin(total - done, (size_t)1 << 30);
      PetscCallMPI(MPI_Bcast(file->bytes + done, (int)piece, MPI_BYTE, 0, comm));
    }
    if (!code) Parse(file, &verdict);
    if (!code) code = NomosVerdictRaise(comm, &verdict);
  }
  if (code) PetscCall(NomosSafetensorsClose(&file));
  PetscCall(code);
  *result = file;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSafetensorsClose(NomosSafetensors *file)
{
  PetscFunctionBeginUser;
  if (!*file) PetscFunctionReturn(PETSC_SUCCESS);
  json_decref((*file)->header);
  free((*file)->bytes);
  free((*file)->tensors);
  free((*file)->dtypes);
  PetscCall(PetscFree((*file)->path));
  PetscCall(PetscFree(*file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSafetensorsList(NomosSafetensors file, size_t *n, const NomosSafetensor **tensors)
{
  PetscFunctionBeginUser;
  *n       = file->n;
  *tensors = file->tensors;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSafetensorsFind(NomosSafetensors file, const NomosSafetensor *wanted, const void **data)
{
  const NomosSafetensor *found = NULL;
  const char            *dtype = types[wanted->type == NOMOS_F64 ? TYPE_F64 : TYPE_F32].name;
  size_t                 i = 0;
  char                   theirs[128], ours[128];

  PetscFunctionBeginUser;
  *data = NULL;
  while (i < file->n && strcmp(file->tensors[i].name, wanted->name)) i++;
  if (i == file->n) {
    const char **names = calloc(file->n + 1, sizeof *names);
    for (size_t k = 0; names && k < file->n; k++) names[k] = file->tensors[k].name;
    const char *near = names ? NomosNearestName(wanted->name, file->n, names) : NULL;
    free(names);
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no tensor %s%s%s%s; these are weights of another architecture", file->path, wanted->name, near ? " (but " : "", near ? near : "", near ? ")" : "");
  }
  found = &file->tensors[i];
  PetscCheck(!strcmp(file->dtypes[i], dtype), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the tensor %s is %s, wanted is %s; choose the precision that it was written with", file->path, wanted->name, file->dtypes[i], dtype);
  bool same = found->n_dims == wanted->n_dims;
  for (int d = 0; same && d < wanted->n_dims; d++) same = found->shape[d] == wanted->shape[d];
  PetscCheck(same, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the tensor %s has the shape %s, wanted is %s; these are weights of another architecture", file->path, wanted->name, NomosShapeText(found->n_dims, found->shape, theirs), NomosShapeText(wanted->n_dims, wanted->shape, ours));
  *data = found->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosSafetensorsMetadata(NomosSafetensors file, const char key[])
{
  return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}
