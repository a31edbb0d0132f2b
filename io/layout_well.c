/* The layout of The Well: fields sorted by their rank (t0_fields scalars, t1_fields vectors, t2_fields tensors), coordinates in `dimensions`, parameters in `scalars`. What does not vary between trajectories, over
   time or along an axis of space is stored once. Ohana et al. (2024), doi:10.48550/arXiv.2412.00568 */
#include "io/layout_impl.h"

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
  if (!verdict->code) NomosLayoutAddAttributes(layout, file, no_parameters);
  return true;
}
