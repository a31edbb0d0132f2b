#include "io/yaml_scalars.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { DEEPEST = 16 };

/* One level of the text: a map waits for a key or for its value. */
typedef struct {
  bool   map, has_key;
  size_t length; /* of the key of what is around it */
} Level;

typedef struct {
  char  key[4 * NOMOS_MAX_NAME];
  Level level[DEEPEST];
  int   depth;
} Place;

static bool Enter(Place *place, bool map)
{
  if (place->depth + 1 == DEEPEST) return false;
  place->level[++place->depth] = (Level){.map = map, .length = strlen(place->key)};
  return true;
}

/* A value is complete: its key goes. */
static void Done(Place *place)
{
  Level *level = &place->level[place->depth];

  place->key[level->length] = '\0';
  level->has_key            = false;
}

static bool Scalar(Place *place, const char text[], NomosScalarFn visit, void *ctx)
{
  Level *level = &place->level[place->depth];
  bool   more  = true;

  if (level->map && !level->has_key) {
    snprintf(place->key + level->length, sizeof place->key - level->length, "%s%s", level->length ? "." : "", text);
    level->has_key = true;
  } else {
    more = visit(place->key, text, ctx);
    Done(place);
  }
  return more;
}

void NomosYamlVisit(const char text[], NomosScalarFn visit, void *ctx)
{
  yaml_parser_t parser;
  yaml_event_t  event;
  Place         place = {0};
  bool          more  = true;

  if (!yaml_parser_initialize(&parser)) return;
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  while (more && yaml_parser_parse(&parser, &event)) {
    switch (event.type) {
    case YAML_SCALAR_EVENT: more = Scalar(&place, (const char *)event.data.scalar.value, visit, ctx); break;
    case YAML_MAPPING_START_EVENT: more = Enter(&place, true); break;
    case YAML_SEQUENCE_START_EVENT: more = Enter(&place, false); break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
      place.depth--;
      Done(&place);
      break;
    case YAML_STREAM_END_EVENT: more = false; break;
    default: break;
    }
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
}

typedef struct {
  const char *key;
  char      **value;
} Wanted;

static bool IsWanted(const char key[], const char value[], void *ctx)
{
  Wanted *wanted = ctx;

  return strcmp(key, wanted->key) || PetscStrallocpy(value, wanted->value);
}

PetscErrorCode NomosYamlFind(const char text[], const char key[], char **value)
{
  PetscFunctionBeginUser;
  *value = NULL;
  if (text) NomosYamlVisit(text, IsWanted, &(Wanted){key, value});
  PetscFunctionReturn(PETSC_SUCCESS);
}
