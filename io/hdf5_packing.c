/* Numbers as the CF conventions pack them (8.1) and mark those that are missing (2.5.1). */
#include "io/hdf5_impl.h"
#include "io/text.h"

#include <math.h>
#include <stdlib.h>

/* The numbers of an attribute, text or not, at most n of them; how many. */
static size_t Numbers(hid_t dataset, const char name[], size_t n, double values[])
{
  char       *text  = NomosH5GetText(dataset, name);
  size_t      found = 0;
  const char *rest  = text;

  while (rest && found < n && (rest = NomosNumberRead(rest, &values[found]))) {
    found++;
    while (*rest == ',' || *rest == ' ') rest++;
    if (!*rest) break;
  }
  free(text);
  return found;
}

/* What NetCDF leaves in cells of reals that nobody wrote, where a variable has no mark of its own (NC_FILL_FLOAT, NC_FILL_DOUBLE). */
static const double unwritten = 0x1.ep+122;

void NomosH5Unpack(hid_t dataset, size_t n, double data[])
{
  static const char *const marks[] = {"_FillValue", "missing_value"};
  enum { MOST = 16 };
  double missing[2 * MOST], valid[2] = {-HUGE_VAL, HUGE_VAL}, factor = 1, offset = 0;
  size_t n_missing = 0;
  hid_t  type      = H5Dget_type(dataset);

  const bool real = H5Tget_class(type) == H5T_FLOAT, single = real && H5Tget_size(type) == sizeof(float);
  H5Tclose(type);

  for (size_t m = 0; m < 2; m++) n_missing += Numbers(dataset, marks[m], MOST, missing + n_missing);
  if (Numbers(dataset, "valid_range", 2, valid) < 2) {
    valid[0] = -HUGE_VAL;
    Numbers(dataset, "valid_min", 1, &valid[0]);
    Numbers(dataset, "valid_max", 1, &valid[1]);
  }
  const bool packed = (Numbers(dataset, "scale_factor", 1, &factor) > 0) | (Numbers(dataset, "add_offset", 1, &offset) > 0);
  if (real && !n_missing) missing[n_missing++] = unwritten;
  if (!n_missing && !packed && valid[0] == -HUGE_VAL && valid[1] == HUGE_VAL) return;
  /* A mark written in double precision next to single data is the single number nearest to it. */
  for (size_t m = 0; m < n_missing && single; m++) missing[m] = (double)(float)missing[m];
  for (size_t i = 0; i < n; i++) {
    bool good = data[i] >= valid[0] && data[i] <= valid[1];
    for (size_t m = 0; m < n_missing; m++) good = good && data[i] != missing[m];
    data[i] = good ? (packed ? data[i] * factor + offset : data[i]) : NAN;
  }
}
