/* The layout of The Well: fields sorted by their rank (t0_fields scalars, t1_fields vectors, t2_fields tensors), coordinates in `dimensions`, parameters in `scalars`. What does not vary between trajectories, over
   time or along an axis of space is stored once. Ohana et al. (2024), doi:10.48550/arXiv.2412.00568 */
#include "io/layout_impl.h"
#include "io/trajectory_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool Flag(hid_t object, const char name[])
{
  bool flag = false;

  return NomosH5GetFlags(object, name, 1, &flag) && flag;
}

/* The raw axes of a field or scalar, and do its sizes agree with them? */
static bool RawAxes(const NomosLayout *layout, hid_t dataset, int rank, bool *frames, char raw[NOMOS_VIEW_MAX_AXES], const hsize_t size[], int n_dims)
{
  bool varying[NOMOS_LAYOUT_MAX_SPACE] = {true, true, true}, fits = true;
  int  n                               = 0;

  *frames = Flag(dataset, "time_varying");
  if (Flag(dataset, "sample_varying")) raw[n++] = 'n';
  if (*frames) raw[n++] = 't';
  if (rank >= 0) {
    NomosH5GetFlags(dataset, "dim_varying", NOMOS_LAYOUT_MAX_SPACE, varying);
    for (int s = 0; s < layout->n_space; s++)
      if (varying[s]) raw[n++] = (char)('0' + s);
    for (int c = 0; c < rank && n < n_dims; c++) raw[n++] = 'c'; /* those of a tensor may be two axes or one */
  } else if (n_dims > n) raw[n++] = 'd';                          /* a scalar in a list */
  if (n != n_dims) return false;
  for (int d = 0; d < n; d++) {
    const size_t wanted = raw[d] == 'n' ? layout->n_trajectories : raw[d] == 't' ? layout->n_frames : raw[d] == 'c' ? size[d] : raw[d] == 'd' ? 1 : layout->points[raw[d] - '0'];
    fits                = fits && size[d] == wanted;
  }
  return fits;
}

/* Components are named by their axes: velocity_x, stress_xy. */
static bool AddField(NomosLayout *layout, hid_t group, const char path[], const char group_name[], const char name[], int rank, NomosVerdict *verdict)
{
  hsize_t   size[NOMOS_VIEW_MAX_AXES];
  const int n_dims = NomosLayoutShape(group, name, size), n_space = layout->n_space;
  char      raw[NOMOS_VIEW_MAX_AXES] = "", text[128], source[2 * NOMOS_MAX_NAME], component[4 * NOMOS_MAX_NAME];
  bool      frames = false;
  size_t    n = 1, n_components = 1;

  if (n_dims < 0 || strlen(name) >= NOMOS_MAX_NAME) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s lists a dataset %s that is missing or holds no numbers", path, group_name, name);
  hid_t      dataset = H5Dopen2(group, name, H5P_DEFAULT);
  const bool fits    = dataset >= 0 && RawAxes(layout, dataset, rank, &frames, raw, size, n_dims);
  if (dataset >= 0) H5Dclose(dataset);
  for (int c = 0; c < rank; c++) n_components *= (size_t)n_space;
  for (int d = 0; d < n_dims; d++) n *= raw[d] == 'c' ? size[d] : 1;
  if (!fits || n != n_components) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s/%s has the shape %s, which does not fit n_trajectories, dimensions and what its attributes say", path, group_name, name, NomosLayoutSizes(n_dims, size, text));
  snprintf(source, sizeof source, "%s/%s", group_name, name);
  for (size_t c = 0; c < n_components; c++) {
    if (rank == 2) snprintf(component, sizeof component, "%s_%s%s", name, layout->space[c / (size_t)n_space], layout->space[c % (size_t)n_space]);
    else snprintf(component, sizeof component, "%s%s%s", name, rank == 1 ? "_" : "", rank == 1 ? layout->space[c] : "");
    NomosLayoutView *view = NomosLayoutAdd(layout, component, component, source);
    if (!view) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", path);
    strcpy(view->raw, raw);
    memcpy(view->size, size, sizeof size);
    view->component = c;
    NomosLayoutPresent(layout, view, frames);
    if (rank < 0) view->axes[1 + frames] = '\0'; /* no space */
  }
  return true;
}

static void AddGroup(NomosLayout *layout, hid_t file, const char path[], const char name[], int rank, NomosVerdict *verdict)
{
  char **fields = NULL;

  if (verdict->code || H5Lexists(file, name, H5P_DEFAULT) <= 0) return;
  hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
  if (group < 0) return;
  const size_t n = NomosH5GetStrings(group, "field_names", &fields);
  for (size_t i = 0; i < n && !verdict->code; i++) AddField(layout, group, path, name, fields[i], rank, verdict);
  NomosH5FreeStrings(n, fields);
  H5Gclose(group);
}

static bool AddAxes(NomosLayout *layout, hid_t file, const char path[], NomosVerdict *verdict)
{
  hid_t   group = H5Gopen2(file, "dimensions", H5P_DEFAULT);
  char  **names = NULL, source[2 * NOMOS_MAX_NAME];
  hsize_t size[NOMOS_VIEW_MAX_AXES];
  size_t  n  = group < 0 ? 0 : NomosH5GetStrings(group, "spatial_dims", &names);
  int     n_dims;

  if (!n || n > NOMOS_LAYOUT_MAX_SPACE) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: dimensions lists %zu axes of space in its attribute spatial_dims; 1 to %d are needed", path, n, NOMOS_LAYOUT_MAX_SPACE);
  for (size_t s = 0; s < n && !verdict->code; s++) {
    n_dims = NomosLayoutShape(group, names[s], size);
    if (n_dims < 1 || strlen(names[s]) >= NOMOS_MAX_NAME) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the coordinate dimensions/%s is missing or is no axis of numbers", path, names[s]);
    else {
      strcpy(layout->space[s], names[s]);
      layout->points[s] = size[n_dims - 1];
    }
  }
  layout->n_space = (int)n;
  NomosH5FreeStrings(n, names);
  if (!verdict->code && (n_dims = NomosLayoutShape(group, "time", size)) < 1) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the coordinate dimensions/time is missing or is no axis of numbers", path);
  if (!verdict->code) layout->n_frames = size[n_dims - 1];
  for (int s = 0; s <= layout->n_space && !verdict->code; s++) { /* time last */
    snprintf(source, sizeof source, "dimensions/%s", s < layout->n_space ? layout->space[s] : "time");
    NomosLayoutAddCoordinate(layout, file, path, s < layout->n_space ? (char)('0' + s) : 't', source, verdict);
  }
  if (group >= 0) H5Gclose(group);
  return !verdict->code;
}

/* ---- boundaries: boundary_conditions/NAME with the kind bc_type, the axes associated_dims that it is across, and a mask of the points over these where it is */

enum { MOST_MASK = 1 << 28 };

typedef struct {
  NomosLayout *layout;
  char         said[NOMOS_LAYOUT_MAX_SPACE][2][NOMOS_MAX_NAME]; /* on the low and the high side of an axis; "": nothing */
} Boundaries;

/* Is it at the first and at the last points along axis `a` of the group's: at most of each of these faces, in whichever samples and at whichever times? Both, where no mask tells. */
static void FindSides(hid_t group, size_t n_axes, size_t a, bool at[2])
{
  const size_t lead = (size_t)Flag(group, "sample_varying") + Flag(group, "time_varying");
  hsize_t      size[NOMOS_VIEW_MAX_AXES], n = 1, stride = 1, count[2] = {0};

  at[0] = at[1] = true;
  hid_t dataset = H5Lexists(group, "mask", H5P_DEFAULT) > 0 ? H5Dopen2(group, "mask", H5P_DEFAULT) : H5I_INVALID_HID;
  if (dataset < 0) return;
  hid_t     space = H5Dget_space(dataset), type = H5Dget_type(dataset), flag = H5Tget_class(type) == H5T_ENUM ? NomosH5FlagType() : H5Tcopy(H5T_NATIVE_INT8);
  const int n_dims = H5Sget_simple_extent_ndims(space);
  bool      known  = n_dims == (int)(lead + n_axes) && n_dims <= NOMOS_VIEW_MAX_AXES && H5Sget_simple_extent_dims(space, size, NULL) >= 0;
  for (size_t d = 0; known && d < lead + n_axes; d++) {
    known = size[d] > 0 && n <= MOST_MASK / size[d];
    n *= size[d];
    stride *= d > lead + a ? size[d] : 1;
  }
  int8_t *mask = known ? malloc(n) : NULL;
  if (mask && H5Dread(dataset, flag, H5S_ALL, H5S_ALL, H5P_DEFAULT, mask) >= 0) {
    const hsize_t points = size[lead + a];
    for (hsize_t i = 0; i < n; i++) {
      count[0] += i / stride % points == 0 && mask[i];
      count[1] += i / stride % points == points - 1 && mask[i];
    }
    for (int side = 0; side < 2; side++) at[side] = 2 * count[side] > n / points;
  }
  free(mask);
  H5Tclose(flag);
  H5Tclose(type);
  H5Sclose(space);
  H5Dclose(dataset);
}

static herr_t TakeBoundary(hid_t groups, const char *name, const H5L_info_t *info, void *ctx)
{
  Boundaries *b     = ctx;
  hid_t       group = H5Oopen(groups, name, H5P_DEFAULT);
  char       *kind  = group < 0 ? NULL : NomosH5GetText(group, "bc_type"), **axes = NULL;
  size_t      n     = kind ? NomosH5GetStrings(group, "associated_dims", &axes) : 0;

  (void)info;
  for (size_t a = 0; a < n; a++)
    for (int s = 0; s < b->layout->n_space; s++) {
      bool at[2] = {true, true};
      if (strcmp(axes[a], b->layout->space[s])) continue;
      if (strcmp(NomosTrajectoryBoundaryOfWell(kind), "periodic")) FindSides(group, n, a, at);
      for (int side = 0; side < 2; side++)
        if (at[side] && !b->said[s][side][0]) snprintf(b->said[s][side], NOMOS_MAX_NAME, "%s", NomosTrajectoryBoundaryOfWell(kind));
    }
  NomosH5FreeStrings(n, axes);
  free(kind);
  if (group >= 0) H5Oclose(group);
  return 0;
}

/* Where one side of an axis is not said it is taken to be as the other. */
static void AddBoundaries(NomosLayout *layout, hid_t file)
{
  Boundaries b      = {.layout = layout};
  hid_t      groups = H5Lexists(file, "boundary_conditions", H5P_DEFAULT) > 0 ? H5Gopen2(file, "boundary_conditions", H5P_DEFAULT) : H5I_INVALID_HID;
  char       name[NOMOS_MAX_NAME];

  if (groups < 0) return;
  H5Literate(groups, H5_INDEX_NAME, H5_ITER_INC, NULL, TakeBoundary, &b);
  for (int s = 0; s < layout->n_space; s++) {
    const char *axis = layout->space[s], *low = b.said[s][0], *high = b.said[s][1];
    NomosEndsName(0, 1, &axis, name);
    NomosEndsSay(&layout->ends, name, low[0] ? low : high);
    NomosEndsName(1, 1, &axis, name);
    if (low[0] && strcmp(low, high)) NomosEndsSay(&layout->ends, name, high);
  }
  H5Gclose(groups);
}

bool NomosLayoutWell(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict)
{
  static const char *const no_parameters[] = {"n_trajectories", "n_spatial_dims", NULL};
  char *text;

  if (H5Lexists(file, "dimensions", H5P_DEFAULT) <= 0 || H5Lexists(file, "t0_fields", H5P_DEFAULT) <= 0) return false;
  layout->name = "well";
  text         = NomosH5GetText(file, "n_trajectories");
  if (text) layout->n_trajectories = strtoull(text, NULL, 10);
  free(text);
  if (!layout->n_trajectories) return !NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s has groups of The Well, but no attribute n_trajectories (1 or more)", path);
  if (!AddAxes(layout, file, path, verdict)) return true;
  AddGroup(layout, file, path, "t0_fields", 0, verdict);
  AddGroup(layout, file, path, "t1_fields", 1, verdict);
  AddGroup(layout, file, path, "t2_fields", 2, verdict);
  AddGroup(layout, file, path, "scalars", -1, verdict);
  AddBoundaries(layout, file);
  if (!verdict->code) NomosLayoutAddAttributes(layout, file, no_parameters);
  return true;
}
