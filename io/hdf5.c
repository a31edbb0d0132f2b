#include "io/hdf5_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The innermost entry of the error stack names the cause; the file driver's entries quote the system: "error message = '...'". */
static herr_t FirstReason(unsigned n, const H5E_error2_t *entry, void *ctx)
{
  char       *reason = ctx;
  const char *quoted = entry->desc ? strstr(entry->desc, "error message = '") : NULL;

  unsigned long long bytes, whole;

  if (n || !entry->desc) return 0;
  if (sscanf(entry->desc, "truncated file: eof = %llu, sblock->base_addr = %*u, stored_eof = %llu", &bytes, &whole) == 2) {
    snprintf(reason, 256, "it has %llu of its %llu bytes", bytes, whole);
  } else if (quoted) {
    quoted += strlen("error message = '");
    snprintf(reason, 256, "%.*s", (int)PetscMin(strcspn(quoted, "'"), 255), quoted);
  } else snprintf(reason, 256, "%s", entry->desc);
  return 0;
}

bool NomosH5Fail(NomosVerdict *verdict, PetscErrorCode code, const char path[], const char doing[])
{
  char reason[256] = "HDF5 gives no reason";

  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, FirstReason, reason);
  return NomosVerdictFail(verdict, code, "%s: cannot %s: %s", path, doing, reason);
}

static hid_t FileAccess(size_t metadata_bytes)
{
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);

  /* The 1.8 format: headers carry checksums, any reader of NetCDF-4 knows it, and no `open for writing` mark survives a killed run. */
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  NomosH5RegisterLzf();
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_file_locking(access, false, true);
  H5Pset_meta_block_size(access, metadata_bytes);
  return access;
}

hid_t NomosH5Create(const char path[], size_t metadata_bytes, NomosVerdict *verdict)
{
  hid_t access = FileAccess(metadata_bytes), creation = H5Pcreate(H5P_FILE_CREATE), file;

  H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_obj_track_times(creation, false);
  file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
  if (file < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_OPEN, path, "create");
  H5Pclose(creation);
  H5Pclose(access);
  return file;
}

/* Why a file that HDF5 does not know is none of ours. */
static bool FailForeign(const char path[], NomosVerdict *verdict)
{
  char  magic[4] = "";
  FILE *stream   = fopen(path, "rb");

  if (!stream) return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: cannot open: %s", path, strerror(errno));
  size_t n = fread(magic, 1, sizeof magic, stream);
  fclose(stream);
  if (!n) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is empty, not an HDF5 or NetCDF-4 file", path);
  if (!memcmp(magic, "CDF", 3)) {
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is a NetCDF-3 file; convert it with `nccopy -k nc4`", path);
  }
  return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s is not an HDF5 or NetCDF-4 file, or its head is damaged", path);
}

hid_t NomosH5Open(const char path[], bool write, NomosVerdict *verdict)
{
  struct stat status;
  hid_t       access, file;

  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (stat(path, &status)) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s: cannot open: %s", path, strerror(errno));
    return H5I_INVALID_HID;
  }
  if (!S_ISREG(status.st_mode)) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "%s is %s, not a file", path, S_ISDIR(status.st_mode) ? "a directory" : "a device");
    return H5I_INVALID_HID;
  }
  if (H5Fis_hdf5(path) <= 0) {
    FailForeign(path, verdict);
    return H5I_INVALID_HID;
  }
  access = FileAccess(2048);
  file   = H5Fopen(path, write ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
  if (file < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_OPEN, path, "open; the file is damaged or truncated");
  H5Pclose(access);
  return file;
}

bool NomosH5Close(hid_t file, const char path[], NomosVerdict *verdict)
{
  if (file < 0) return !verdict->code;
  if (H5Fclose(file) < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, "close");
  return !verdict->code;
}

hid_t NomosH5RawProperties(void)
{
  hid_t properties = H5Pcreate(H5P_DATASET_CREATE);

  H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_obj_track_times(properties, false);
  H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
  return properties;
}

hid_t NomosH5Dataset(hid_t file, const char path[], const char name[], hid_t type, int n_dims, const hsize_t size[],
                     const hsize_t max_size[], hid_t properties, NomosVerdict *verdict)
{
  hid_t space   = n_dims ? H5Screate_simple(n_dims, size, max_size) : H5Screate(H5S_SCALAR);
  hid_t dataset = space < 0 ? space : H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  char  doing[NOMOS_MAX_NAME + 32];

  if (dataset < 0) {
    snprintf(doing, sizeof doing, "make the dataset %s", name);
    NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, doing);
  }
  if (space >= 0) H5Sclose(space);
  H5Pclose(properties);
  return dataset;
}

static herr_t PutAttribute(hid_t object, const char name[], hid_t type, const void *value)
{
  hid_t  space     = H5Screate(H5S_SCALAR);
  hid_t  attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t result    = attribute < 0 ? -1 : H5Awrite(attribute, type, value);

  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return result;
}

herr_t NomosH5PutText(hid_t object, const char name[], const char text[])
{
  if (!text || !*text) return 0;
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, strlen(text));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  herr_t result = PutAttribute(object, name, type, text);
  H5Tclose(type);
  return result;
}

herr_t NomosH5PutInteger(hid_t object, const char name[], hid_t type, int64_t value)
{
  int narrow = (int)value;

  return H5Tget_size(type) == sizeof narrow ? PutAttribute(object, name, type, &narrow) : PutAttribute(object, name, type, &value);
}

herr_t NomosH5PutReal(hid_t object, const char name[], double value)
{
  return PutAttribute(object, name, H5T_NATIVE_DOUBLE, &value);
}

herr_t NomosH5PutReals(hid_t object, const char name[], hid_t type, size_t n, const double values[])
{
  const hsize_t size      = n;
  hid_t         space     = H5Screate_simple(1, &size, NULL);
  hid_t         attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t        result    = attribute < 0 ? -1 : H5Awrite(attribute, H5T_NATIVE_DOUBLE, values);

  H5Sclose(space);
  if (attribute >= 0 && H5Aclose(attribute) < 0) return -1;
  return result;
}

static char *TextOfString(hid_t attribute, hid_t type)
{
  char *text = NULL;

  if (H5Tis_variable_str(type) > 0) {
    hid_t space  = H5Aget_space(attribute);
    char *shared = NULL;
    hid_t memory = H5Tcopy(H5T_C_S1);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (H5Sget_simple_extent_npoints(space) == 1 && H5Aread(attribute, memory, &shared) >= 0 && shared) {
      text = strdup(shared);
      H5Dvlen_reclaim(memory, space, H5P_DEFAULT, &shared);
    }
    H5Tclose(memory);
    H5Sclose(space);
  } else {
    hsize_t bytes = H5Aget_storage_size(attribute);
    if (bytes == H5Tget_size(type)) text = calloc(bytes + 1, 1);
    if (text && H5Aread(attribute, type, text) < 0) {
      free(text);
      text = NULL;
    }
  }
  return text;
}

static char *TextOfNumbers(hid_t attribute)
{
  hid_t    space = H5Aget_space(attribute);
  hssize_t n     = H5Sget_simple_extent_npoints(space);
  double  *value = n > 0 ? malloc((size_t)n * sizeof *value) : NULL;
  char    *text  = value ? calloc((size_t)n, 32) : NULL;

  if (text && H5Aread(attribute, H5T_NATIVE_DOUBLE, value) >= 0) {
    char *end = text;
    for (hssize_t i = 0; i < n; i++) end += snprintf(end, 32, "%s%.17g", i ? ", " : "", value[i]);
  }
  free(value);
  H5Sclose(space);
  return text;
}

char *NomosH5GetText(hid_t object, const char name[])
{
  char *text = NULL;

  if (H5Aexists(object, name) <= 0) return NULL;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return NULL;
  hid_t       type = H5Aget_type(attribute);
  H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_STRING) text = TextOfString(attribute, type);
  else if (kind == H5T_INTEGER || kind == H5T_FLOAT) text = TextOfNumbers(attribute);
  H5Tclose(type);
  H5Aclose(attribute);
  return text;
}
