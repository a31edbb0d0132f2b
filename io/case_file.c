/* YAML -> entries of a config: nested maps become dotted keys. Rank 0 reads the bytes; every rank parses the same bytes, so that every
   rank comes to the same verdict. */
#include "io/config_impl.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

/* Bytes of a file, the same on every rank. */
typedef struct {
  char  *text;
  size_t n;
  char   path[NOMOS_MAX_PATH];      /* as people write it, for errors */
  char   identity[NOMOS_MAX_PATH];  /* the real path, to find cycles */
  char   directory[NOMOS_MAX_PATH]; /* absolute */
} CaseText;

typedef struct {
  char key[NOMOS_CONFIG_MAX_KEY];
  int  line;
} SeenKey;

typedef struct Reader_s {
  NomosConfig             config;
  const struct Reader_s  *parent; /* the file that includes this one */
  CaseText               *file;   /* NULL for --set and defaults */
  const char             *where;  /* path, or `--set` */
  NomosConfigLayer        layer;
  yaml_parser_t           parser;
  yaml_event_t            event;
  bool                    has_event;
  size_t                  n_seen, n_entries, n_includes;
  SeenKey                *seen;
  NomosConfigEntry      **entries, *open; /* `open`: the list being read */
  char                  **includes;
} Reader;

#define COMPLAIN(reader, code, ...) \
  do { \
    char sentence_[1024]; \
    snprintf(sentence_, sizeof sentence_, __VA_ARGS__); \
    SETERRQ((reader)->config->comm, code, "%s", sentence_); \
  } while (0)

/* `case.yaml:12` of the current event, or `--set`. */
static const char *Where(const Reader *reader, int line, size_t n, char where[])
{
  if (reader->file) snprintf(where, n, "%s:%d", reader->where, line);
  else snprintf(where, n, "%s", reader->where);
  return where;
}

#define COMPLAIN_AT(reader, line, format, ...) \
  do { \
    char where_[700]; \
    COMPLAIN(reader, PETSC_ERR_ARG_WRONG, "%s: " format, Where(reader, line, sizeof where_, where_), __VA_ARGS__); \
  } while (0)

static int EventLine(const Reader *reader)
{
  return (int)reader->event.start_mark.line + 1;
}

/* ---- bytes ---- */

/* On rank 0 alone; false with a sentence. */
static bool ReadBytes(CaseText *file, bool may_be_directory, size_t n_message, char message[])
{
  struct stat info;
  char        resolved[PATH_MAX];

  if (!file->path[0]) return snprintf(message, n_message, "the path of the case is empty; give a case directory that holds case.yaml, or a YAML file"), false;
  if (stat(file->path, &info)) {
    if (errno == ENOENT) snprintf(message, n_message, "%.600s: no such file or directory; give %s", file->path, may_be_directory ? "a case directory that holds case.yaml, or a YAML file" : "a path relative to the including file, or a name that `nomos list` shows");
    else snprintf(message, n_message, "%.600s: cannot be read: %s", file->path, strerror(errno));
    return false;
  }
  if (S_ISDIR(info.st_mode)) {
    size_t n = strlen(file->path);
    if (!may_be_directory) return snprintf(message, n_message, "%.600s: is a directory, must be a YAML file", file->path), false;
    if (n + sizeof "/case.yaml" > sizeof file->path) return snprintf(message, n_message, "the path of the case is longer than %d characters", NOMOS_MAX_PATH), false;
    strcat(file->path, file->path[n - 1] == '/' ? "case.yaml" : "/case.yaml");
    if (stat(file->path, &info)) {
      file->path[n] = '\0';
      return snprintf(message, n_message, "%.600s: this directory holds no case.yaml (%s)", file->path, strerror(errno)), false;
    }
  }
  if (!S_ISREG(info.st_mode)) return snprintf(message, n_message, "%.600s: is no regular file, must be a YAML file", file->path), false;
  if (info.st_size > NOMOS_CASE_MAX_BYTES) return snprintf(message, n_message, "%.600s: has %lld bytes, a case file has at most %d", file->path, (long long)info.st_size, NOMOS_CASE_MAX_BYTES), false;

  FILE *stream = fopen(file->path, "rb");
  if (!stream) return snprintf(message, n_message, "%.600s: cannot be read: %s", file->path, strerror(errno)), false;
  file->text = malloc(NOMOS_CASE_MAX_BYTES + 1);
  file->n    = file->text ? fread(file->text, 1, NOMOS_CASE_MAX_BYTES, stream) : 0;
  bool bad   = !file->text || ferror(stream);
  fclose(stream);
  if (bad) return snprintf(message, n_message, "%.600s: cannot be read: %s", file->path, strerror(errno)), false;
  const char *nul = memchr(file->text, 0, file->n);
  if (nul) return snprintf(message, n_message, "%.600s: byte %td is NUL: this is no text file (UTF-8 is needed)", file->path, nul - file->text + 1), false;

  /* The directory is that of the name given, also where the file itself is a link. */
  char *slash = strrchr(file->path, '/'), parent[NOMOS_MAX_PATH] = ".";
  if (slash) snprintf(parent, sizeof parent, "%.*s", slash == file->path ? 1 : (int)(slash - file->path), file->path);
  if (!realpath(file->path, resolved) || strlen(resolved) >= sizeof file->identity) return snprintf(message, n_message, "%.600s: has no absolute path: %s", file->path, strerror(errno)), false;
  strcpy(file->identity, resolved);
  if (!realpath(parent, resolved) || strlen(resolved) >= sizeof file->directory) return snprintf(message, n_message, "%.600s: has no absolute path: %s", file->path, strerror(errno)), false;
  strcpy(file->directory, resolved);
  return true;
}

/* Collective; file->path is given. */
static PetscErrorCode FetchFile(NomosConfig config, CaseText *file, const Reader *parent)
{
  char message[1024] = "";
  int  rank, size[2] = {0, 0};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(config->comm, &rank));
  if (!rank) {
    size[0] = ReadBytes(file, !parent, sizeof message, message);
    size[1] = (int)file->n;
  }
  PetscCallMPI(MPI_Bcast(size, 2, MPI_INT, 0, config->comm));
  if (!size[0]) PetscCallMPI(MPI_Bcast(message, sizeof message, MPI_CHAR, 0, config->comm));
  PetscCheck(size[0] || !parent, config->comm, PETSC_ERR_FILE_OPEN, "%s: include: %s", parent->where, message);
  PetscCheck(size[0], config->comm, PETSC_ERR_FILE_OPEN, "%s", message);
  file->n = (size_t)size[1];
  if (rank) {
    file->text = malloc(file->n + 1);
    PetscCheck(file->text, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a case file of %zu bytes", file->n);
  }
  PetscCallMPI(MPI_Bcast(file->text, size[1], MPI_CHAR, 0, config->comm));
  PetscCallMPI(MPI_Bcast(file->path, sizeof file->path, MPI_CHAR, 0, config->comm));
  PetscCallMPI(MPI_Bcast(file->identity, sizeof file->identity, MPI_CHAR, 0, config->comm));
  PetscCallMPI(MPI_Bcast(file->directory, sizeof file->directory, MPI_CHAR, 0, config->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- YAML ---- */

static PetscErrorCode NextEvent(Reader *reader)
{
  PetscFunctionBeginUser;
  if (reader->has_event) yaml_event_delete(&reader->event);
  reader->has_event = false;
  if (yaml_parser_parse(&reader->parser, &reader->event)) {
    reader->has_event = true;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const yaml_parser_t *parser = &reader->parser;
  const char          *problem = parser->problem ? parser->problem : "out of memory", *context = parser->context ? parser->context : "";
  size_t               line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
  if (parser->error == YAML_SCANNER_ERROR && !strcmp(problem, "found character that cannot start any token")) problem = "found a tab or one of @ ` %, which cannot begin anything here (indent with blanks, put text in quotes)", context = "";
  if (parser->error == YAML_READER_ERROR && reader->file) { /* bad bytes have an offset, no line */
    line = column = 1;
    for (size_t i = 0; i < parser->problem_offset && i < reader->file->n; i++) {
      column++;
      if (reader->file->text[i] == '\n') line++, column = 1;
    }
  }
  if (!reader->file) COMPLAIN(reader, PETSC_ERR_ARG_WRONG, "%.200s: not valid YAML at character %zu: %s%s%s", reader->where, column, problem, *context ? " " : "", context);
  if (*context && parser->context_mark.line + 1 != line) {
    COMPLAIN(reader, PETSC_ERR_ARG_WRONG, "%.600s:%zu:%zu: not valid YAML: %s (%s that began on line %zu)", reader->where, line, column, problem, context, parser->context_mark.line + 1);
  }
  COMPLAIN(reader, PETSC_ERR_ARG_WRONG, "%.600s:%zu:%zu: not valid YAML: %s%s%s", reader->where, line, column, problem, *context ? " " : "", context);
}

/* Full key: lower levels after a dot, below `petsc` after an underscore as PETSc names its options. */
static PetscErrorCode JoinKey(Reader *reader, const char parent[], const char child[], int line, char key[NOMOS_CONFIG_MAX_KEY])
{
  char   shown[NOMOS_SHOWN];
  bool   valid  = true, start = true;
  size_t length = strlen(child), n_parent = strlen(parent), n_top = n_parent;

  PetscFunctionBeginUser;
  key[0] = '\0';
  if (n_parent + length + 1 >= NOMOS_CONFIG_MAX_KEY) COMPLAIN_AT(reader, line, "%s: the key is too long; at most %d characters are allowed", NomosTextShorten(child, sizeof shown, shown), NOMOS_CONFIG_MAX_KEY - 1);
  snprintf(key, NOMOS_CONFIG_MAX_KEY, "%s%s", parent, n_parent ? "." : "");
  n_top = strlen(key);
  bool in_petsc = !strncmp(key, "petsc.", 6) || !strncmp(key, "smoke.petsc.", 12);
  if (in_petsc && *child == '-') child++; /* people write -ksp_type */
  for (const char *c = child; *c; c++) {
    valid = valid && (isalpha((unsigned char)*c) || (!start && (isdigit((unsigned char)*c) || *c == '_' || *c == '.')));
    start = *c == '.';
  }
  if (!valid || start) COMPLAIN_AT(reader, line, "`%s` is no key: a key has letters, digits, _ and dots between names; a value with a comma, a colon or brackets needs quotes", NomosTextShorten(child, sizeof shown, shown));
  strcat(key + n_top, child);
  char *option = !strncmp(key, "petsc.", 6) ? key + 6 : !strncmp(key, "smoke.petsc.", 12) ? key + 12 : NULL;
  for (; option && *option; option++) {
    if (*option == '.') *option = '_';
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A key stands once in a file. */
static PetscErrorCode Remember(Reader *reader, const char key[], int line)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < reader->n_seen; i++) {
    if (!strcmp(reader->seen[i].key, key)) COMPLAIN_AT(reader, line, "%s: given twice, first on line %d; keep one of them", key, reader->seen[i].line);
  }
  if (reader->n_seen == NOMOS_CASE_MAX_KEYS) COMPLAIN_AT(reader, line, "more than %d keys in one file", NOMOS_CASE_MAX_KEYS);
  if (!(reader->n_seen & (reader->n_seen - 1))) PetscCall(PetscRealloc((reader->n_seen ? 2 * reader->n_seen : 1) * sizeof *reader->seen, &reader->seen));
  snprintf(reader->seen[reader->n_seen].key, sizeof reader->seen->key, "%s", key);
  reader->seen[reader->n_seen++].line = line;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The current event as a plain text. */
static PetscErrorCode CheckScalar(Reader *reader, const char key[])
{
  const yaml_event_t *event = &reader->event;
  const char         *value = (const char *)event->data.scalar.value;
  bool                plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

  PetscFunctionBeginUser;
  if (event->data.scalar.tag) COMPLAIN_AT(reader, EventLine(reader), "%s: has the tag %.60s; tags are not supported, leave it out", key, (const char *)event->data.scalar.tag);
  if (strlen(value) != event->data.scalar.length) COMPLAIN_AT(reader, EventLine(reader), "%s: holds a NUL character", key);
  if (plain && (!*value || !strcmp(value, "~") || !strcmp(value, "null"))) {
    bool in_petsc = !strncmp(key, "petsc.", 6) || !strncmp(key, "smoke.petsc.", 12); /* an option may stand alone, as on a command line */
    if (!in_petsc || *value) COMPLAIN_AT(reader, EventLine(reader), "%s: has no value; write one behind the colon, or leave the key out", key);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenEntry(Reader *reader, const char key[], int line)
{
  char origin[NOMOS_MAX_PATH + 32];

  PetscFunctionBeginUser;
  Where(reader, line, sizeof origin, origin);
  PetscCall(NomosConfigEntryCreate_Private(key, origin, reader->file ? reader->file->directory : reader->config->working_directory, reader->layer, &reader->open));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloseEntry(Reader *reader)
{
  PetscFunctionBeginUser;
  if (!(reader->n_entries & (reader->n_entries - 1))) PetscCall(PetscRealloc((reader->n_entries ? 2 * reader->n_entries : 1) * sizeof *reader->entries, &reader->entries));
  reader->entries[reader->n_entries++] = reader->open;
  reader->open                         = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadList(Reader *reader, const char key[], int line)
{
  PetscFunctionBeginUser;
  PetscCall(OpenEntry(reader, key, line));
  reader->open->is_list = true;
  for (;;) {
    PetscCall(NextEvent(reader));
    if (reader->event.type == YAML_SEQUENCE_END_EVENT) break;
    if (reader->event.type == YAML_ALIAS_EVENT) COMPLAIN_AT(reader, EventLine(reader), "%s: aliases (*%.40s) are not supported; write the value out", key, (const char *)reader->event.data.alias.anchor);
    if (reader->event.type != YAML_SCALAR_EVENT) COMPLAIN_AT(reader, EventLine(reader), "%s: a list holds single values only, found a %s in it", key, reader->event.type == YAML_MAPPING_START_EVENT ? "map" : "list");
    PetscCall(CheckScalar(reader, key));
    PetscCall(NomosConfigEntryAdd_Private(reader->open, (const char *)reader->event.data.scalar.value));
  }
  PetscCall(CloseEntry(reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadMap(Reader *reader, const char parent[], int depth);

/* The current event starts the value of `key` (which stands on `line`). */
static PetscErrorCode ReadValue(Reader *reader, const char key[], int line, int depth)
{
  PetscFunctionBeginUser;
  switch (reader->event.type) {
  case YAML_MAPPING_START_EVENT:
    if (reader->event.data.mapping_start.tag) COMPLAIN_AT(reader, line, "%s: has a tag; tags are not supported, leave it out", key);
    PetscCall(ReadMap(reader, key, depth + 1));
    break;
  case YAML_SEQUENCE_START_EVENT:
    if (reader->event.data.sequence_start.tag) COMPLAIN_AT(reader, line, "%s: has a tag; tags are not supported, leave it out", key);
    PetscCall(ReadList(reader, key, line));
    break;
  case YAML_SCALAR_EVENT:
    PetscCall(CheckScalar(reader, key));
    PetscCall(OpenEntry(reader, key, line));
    PetscCall(NomosConfigEntryAdd_Private(reader->open, (const char *)reader->event.data.scalar.value));
    PetscCall(CloseEntry(reader));
    break;
  default: COMPLAIN_AT(reader, line, "%s: aliases (*name) are not supported; write the value out", key);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `include:` leaves its paths aside; `smoke:` and `petsc:` are maps. */
static PetscErrorCode CheckSpecial(Reader *reader, const char key[], int line)
{
  const NomosConfigEntry *last;

  PetscFunctionBeginUser;
  if (!reader->n_entries) PetscFunctionReturn(PETSC_SUCCESS);
  last = reader->entries[reader->n_entries - 1];
  if (strcmp(last->key, key)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!strcmp(key, "smoke") || !strcmp(key, "petsc") || !strcmp(key, "smoke.petsc")) COMPLAIN_AT(reader, line, "%s: must be a map, such as `%s: {%s}`", key, key, !strcmp(key, "smoke") ? "time.stop: 10 day" : "ksp_type: cg");
  if (!strcmp(key, "smoke.include") || !strcmp(key, "smoke.smoke")) COMPLAIN_AT(reader, line, "%s: `%s` stands only at the top of a file", key, key + 6);
  if (!strcmp(key, "include")) {
    if (!reader->file) COMPLAIN_AT(reader, line, "%s stands only in a file", key);
    reader->includes   = reader->entries[reader->n_entries - 1]->items;
    reader->n_includes = last->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadMap(Reader *reader, const char parent[], int depth)
{
  char key[NOMOS_CONFIG_MAX_KEY], shown[NOMOS_SHOWN];

  PetscFunctionBeginUser;
  if (depth > NOMOS_CASE_MAX_DEPTH) COMPLAIN_AT(reader, EventLine(reader), "maps nest deeper than %d levels", NOMOS_CASE_MAX_DEPTH);
  for (;;) {
    PetscCall(NextEvent(reader));
    if (reader->event.type == YAML_MAPPING_END_EVENT) break;
    int line = EventLine(reader);
    if (reader->event.type != YAML_SCALAR_EVENT) COMPLAIN_AT(reader, line, "%s%sa key must be a plain name, not a list, a map or an alias", parent, *parent ? ": " : "");
    const char *name = (const char *)reader->event.data.scalar.value;
    if (!strcmp(name, "<<")) COMPLAIN_AT(reader, line, "%s: merging is not supported; use `include:`", name);
    if (!*name || reader->event.data.scalar.tag) COMPLAIN_AT(reader, line, "%s: a key is empty or has a tag", NomosTextShorten(name, sizeof shown, shown));
    PetscCall(JoinKey(reader, parent, name, line, key));
    if (!strncmp(key, "include.", 8)) COMPLAIN_AT(reader, line, "%s is no key; write a path or a list of paths, such as `include: ../base.yaml`", key);
    PetscCall(Remember(reader, key, line));
    PetscCall(NextEvent(reader));
    PetscCall(ReadValue(reader, key, line, depth));
    PetscCall(CheckSpecial(reader, key, line));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One document; a file must hold a map. */
static PetscErrorCode ReadDocument(Reader *reader, const char key[])
{
  PetscFunctionBeginUser;
  PetscCall(NextEvent(reader)); /* stream start */
  PetscCall(NextEvent(reader));
  if (reader->event.type == YAML_STREAM_END_EVENT) COMPLAIN(reader, PETSC_ERR_ARG_WRONG, "%.600s: is empty; a case needs at least `solver:`", reader->where);
  PetscCall(NextEvent(reader));
  if (reader->file && reader->event.type != YAML_MAPPING_START_EVENT) COMPLAIN_AT(reader, EventLine(reader), "a case is a map of keys to values, such as `solver: qg`; found %s", reader->event.type == YAML_SEQUENCE_START_EVENT ? "a list" : "a single text");
  PetscCall(ReadValue(reader, key, EventLine(reader), -1));
  if (!reader->file) PetscCall(CheckSpecial(reader, key, 1));
  PetscCall(NextEvent(reader)); /* document end */
  PetscCall(NextEvent(reader));
  if (reader->event.type != YAML_STREAM_END_EVENT) COMPLAIN_AT(reader, EventLine(reader), "a second YAML document begins; %s holds one", reader->file ? "a case file" : "a value");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LoadFile(NomosConfig config, CaseText *file, const Reader *parent);

static char root[NOMOS_MAX_PATH];

void NomosConfigSetIncludeRoot(const char path[])
{
  snprintf(root, sizeof root, "%s", path);
}

/* No file beside the one that includes it: a case or a file below the root? What rank 0 finds counts. */
static void FindNamed(const char name[], char path[NOMOS_MAX_PATH])
{
  static const char *const ends[] = {"/case.yaml", ""};
  char                     found[2 * NOMOS_MAX_PATH];

  if (!root[0] || *name == '/' || !access(path, F_OK)) return;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    if (snprintf(found, sizeof found, "%s/%s%s", root, name, ends[i]) >= NOMOS_MAX_PATH || access(found, F_OK)) continue;
    memcpy(path, found, strlen(found) + 1);
    return;
  }
}

/* Included files come first, so that what includes them wins. */
static PetscErrorCode LoadIncludes(Reader *reader)
{
  CaseText *file;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < reader->n_includes; i++) {
    const char *name  = reader->includes[i], *slash = strrchr(reader->file->path, '/');
    int         n_dir = *name == '/' || !slash ? 0 : (int)(slash - reader->file->path) + 1;
    char        shown[NOMOS_SHOWN];
    PetscCheck(*name && n_dir + strlen(name) < NOMOS_MAX_PATH, reader->config->comm, PETSC_ERR_ARG_WRONG, "%s: include: `%s` is no path", reader->where, NomosTextShorten(name, sizeof shown, shown));
    PetscCall(PetscCalloc1(1, &file));
    snprintf(file->path, sizeof file->path, "%.*s%s", n_dir, reader->file->path, name);
    FindNamed(name, file->path);
    PetscErrorCode code = LoadFile(reader->config, file, reader);
    free(file->text);
    PetscCall(PetscFree(file));
    PetscCall(code);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutEntries(Reader *reader)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < reader->n_entries; i++) {
    if (!strcmp(reader->entries[i]->key, "include")) continue;
    PetscCall(NomosConfigPut_Private(reader->config, &reader->entries[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parse, and hand over what was read: as entries of the config, or as the single one wanted. Frees whatever happens. */
static PetscErrorCode RunReader(Reader *reader, const char text[], size_t n, const char key[], NomosConfigEntry **single)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCheck(yaml_parser_initialize(&reader->parser), PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory to parse YAML");
  yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, n);
  code = ReadDocument(reader, key);
  if (reader->has_event) yaml_event_delete(&reader->event);
  yaml_parser_delete(&reader->parser);
  if (!code) code = LoadIncludes(reader);
  if (!code && single && reader->n_entries == 1) {
    *single            = reader->entries[0];
    reader->entries[0] = NULL;
  } else if (!code) code = PutEntries(reader);
  for (size_t i = 0; i < reader->n_entries; i++) PetscCall(NomosConfigEntryDestroy_Private(&reader->entries[i]));
  PetscCall(NomosConfigEntryDestroy_Private(&reader->open));
  PetscCall(PetscFree(reader->entries));
  PetscCall(PetscFree(reader->seen));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LoadFile(NomosConfig config, CaseText *file, const Reader *parent)
{
  Reader reader = {.config = config, .parent = parent, .file = file, .where = file->path, .layer = NOMOS_LAYER_FILE};

  PetscFunctionBeginUser;
  PetscCheck(config->n_files < NOMOS_CASE_MAX_FILES, config->comm, PETSC_ERR_ARG_WRONG, "%s: the case includes more than %d files", file->path, NOMOS_CASE_MAX_FILES);
  config->n_files++;
  PetscCall(FetchFile(config, file, parent));
  for (const Reader *above = parent; above; above = above->parent) {
    if (!strcmp(above->file->identity, file->identity)) COMPLAIN(&reader, PETSC_ERR_ARG_WRONG, "%.300s: includes %.300s, which includes it in turn: a cycle", parent->where, file->path);
  }
  size_t skip = file->n >= 3 && !memcmp(file->text, "\xEF\xBB\xBF", 3) ? 3 : 0; /* byte order mark */
  PetscCall(RunReader(&reader, file->text + skip, file->n - skip, "", NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigLoad(NomosConfig config, const char path[])
{
  CaseText *file;

  PetscFunctionBeginUser;
  PetscCheck(strlen(path) < NOMOS_MAX_PATH, config->comm, PETSC_ERR_ARG_WRONG, "the path of the case is longer than %d characters", NOMOS_MAX_PATH - 1);
  PetscCall(PetscCalloc1(1, &file));
  strcpy(file->path, path);
  config->n_files     = 0;
  PetscErrorCode code = LoadFile(config, file, NULL);
  free(file->text);
  PetscCall(PetscFree(config->path));
  PetscCall(PetscStrallocpy(file->path, &config->path));
  PetscCall(PetscFree(file));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigParseValue_Private(NomosConfig config, const char key[], const char value[], NomosConfigLayer layer, NomosConfigEntry **single)
{
  Reader      reader = {.config = config, .where = layer == NOMOS_LAYER_SET ? "--set" : "default", .layer = layer};
  const char *start  = value + strspn(value, " \t");
  bool        plain  = layer == NOMOS_LAYER_DEFAULT && !strchr("['\"", *start);

  PetscFunctionBeginUser;
  if (*start && !plain) {
    PetscCall(RunReader(&reader, value, strlen(value), key, single));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NomosConfigEntry *entry;
  PetscCall(NomosConfigEntryCreate_Private(key, reader.where, config->working_directory, layer, &entry));
  PetscCall(NomosConfigEntryAdd_Private(entry, start));
  if (single) *single = entry;
  else PetscCall(NomosConfigPut_Private(config, &entry));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConfigSet(NomosConfig config, const char assignment[])
{
  const char *equals = strchr(assignment, '=');
  char        name[NOMOS_CONFIG_MAX_KEY], key[NOMOS_CONFIG_MAX_KEY], shown[NOMOS_SHOWN];
  Reader      reader = {.config = config, .where = "--set"};

  PetscFunctionBeginUser;
  PetscCheck(equals && equals > assignment, config->comm, PETSC_ERR_ARG_WRONG, "--set %s: must be key=value, such as --set qg.nx=64", NomosTextShorten(assignment, sizeof shown, shown));
  PetscCheck(equals - assignment < NOMOS_CONFIG_MAX_KEY, config->comm, PETSC_ERR_ARG_WRONG, "--set %s: the key is longer than %d characters", NomosTextShorten(assignment, sizeof shown, shown), NOMOS_CONFIG_MAX_KEY - 1);
  snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
  PetscCall(JoinKey(&reader, "", name, 1, key));
  PetscCall(NomosConfigParseValue_Private(config, key, equals + 1, NOMOS_LAYER_SET, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
