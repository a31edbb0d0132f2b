/* JSON is UTF-8; a text that is not (a file name, say) keeps its ASCII part. */
#ifndef NOMOS_IO_JSON_IMPL_H
#define NOMOS_IO_JSON_IMPL_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A new reference, NULL only if memory is out. */
static inline json_t *NomosJsonText(const char text[])
{
  json_t *value = json_string(text);
  char   *ascii;

  if (value || !(ascii = strdup(text))) return value;
  for (char *c = ascii; *c; c++)
    if ((unsigned char)*c >= 0x80) *c = '?';
  value = json_string(ascii);
  free(ascii);
  return value;
}

#endif
