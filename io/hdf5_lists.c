/* Attributes that are lists, as h5py writes them. */
#include "io/hdf5_impl.h"

#include <stdlib.h>
#include <string.h>

void NomosH5FreeStrings(size_t n, char **strings)
{
  for (size_t i = 0; i < n; i++) free(strings[i]);
  free(strings);
}

/* As they lie in memory, strings of variable length as pointers. */
static void *ReadAll(hid_t attribute, hid_t type, size_t *n)
{
  hid_t    space  = H5Aget_space(attribute);
  hssize_t points = H5Sget_simple_extent_npoints(space);
  void    *values = points > 0 ? calloc((size_t)points, H5Tget_size(type) + 1) : NULL;

  *n = values && H5Aread(attribute, type, values) >= 0 ? (size_t)points : 0;
  H5Sclose(space);
  return values;
}

size_t NomosH5GetStrings(hid_t object, const char name[], char ***strings)
{
  size_t n = 0;

  *strings = NULL;
  hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : H5I_INVALID_HID;
  if (attribute < 0) return 0;
  hid_t type = H5Aget_type(attribute);
  if (H5Tget_class(type) == H5T_STRING) {
    const bool   shared = H5Tis_variable_str(type) > 0;
    const size_t bytes  = H5Tget_size(type);
    char        *values = ReadAll(attribute, type, &n);
    *strings            = n ? calloc(n, sizeof **strings) : NULL;
    if (!*strings) n = 0;
    for (size_t i = 0; i < n; i++) {
      const char *text = shared ? *(char **)(values + i * bytes) : values + i * bytes;
      (*strings)[i]    = strndup(text ? text : "", shared ? SIZE_MAX : bytes);
    }
    if (shared && n) {
      hid_t space = H5Aget_space(attribute);
      H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
      H5Sclose(space);
    }
    free(values);
  }
  H5Tclose(type);
  H5Aclose(attribute);
  return n;
}

size_t NomosH5GetFlags(hid_t object, const char name[], size_t n, bool flags[])
{
  size_t found = 0;

  hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : H5I_INVALID_HID;
  if (attribute < 0) return 0;
  hid_t             type = H5Aget_type(attribute);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_ENUM || kind == H5T_INTEGER) {
    const size_t bytes  = H5Tget_size(type);
    uint8_t     *values = ReadAll(attribute, type, &found);
    for (size_t i = 0; i < found && i < n; i++) {
      flags[i] = false;
      for (size_t b = 0; b < bytes; b++) flags[i] = flags[i] || values[i * bytes + b];
    }
    free(values);
  }
  H5Tclose(type);
  H5Aclose(attribute);
  return found;
}

/* A list of n values, or (negative) one. */
static herr_t PutList(hid_t object, const char name[], hid_t type, long n, const void *values)
{
  const hsize_t size      = (hsize_t)n;
  hid_t         space     = n < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
  hid_t         attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t        result    = attribute < 0 ? -1 : n ? H5Awrite(attribute, type, values) : 0;

  if (attribute >= 0 && H5Aclose(attribute) < 0) result = -1;
  H5Sclose(space);
  return result;
}

static herr_t PutShared(hid_t object, const char name[], long n, const char *const strings[])
{
  hid_t type = H5Tcopy(H5T_C_S1);

  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  herr_t result = PutList(object, name, type, n, strings);
  H5Tclose(type);
  return result;
}

herr_t NomosH5PutString(hid_t object, const char name[], const char text[])
{
  return text && *text ? PutShared(object, name, -1, &text) : 0;
}

herr_t NomosH5PutStrings(hid_t object, const char name[], size_t n, const char *const strings[])
{
  return PutShared(object, name, (long)n, strings);
}

hid_t NomosH5FlagType(void)
{
  hid_t type = H5Tenum_create(H5T_NATIVE_INT8);

  H5Tenum_insert(type, "FALSE", &(int8_t){0});
  H5Tenum_insert(type, "TRUE", &(int8_t){1});
  return type;
}

herr_t NomosH5PutFlags(hid_t object, const char name[], size_t n, const bool flags[])
{
  hid_t  type = NomosH5FlagType();
  int8_t values[16];

  for (size_t i = 0; i < PetscMax(n, 1) && i < 16; i++) values[i] = flags[i];
  herr_t result = PutList(object, name, type, n ? (long)n : -1, values);
  H5Tclose(type);
  return result;
}
