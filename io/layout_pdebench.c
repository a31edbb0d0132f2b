/* The layouts of PDEBench's files. Takamoto et al. (2022), doi:10.48550/arXiv.2210.07182 */
#include "io/layout_impl.h"

#include "io/text.h"
#include "io/yaml_scalars.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COMPONENTS = 64 };

static const char *const axis_names[] = {"x", "y", "z"}; /* in this order in the files */

/* A flat file of ours says its ends where it says everything: at a field. */
static void TakeEnds(NomosLayout *layout, hid_t dataset)
{
  char name[NOMOS_MAX_NAME], *text;

  for (size_t i = 0; NomosEndsName(i, (size_t)layout->n_space, axis_names, name); i++) {
    text = NomosH5GetText(dataset, name);
    NomosEndsSay(&layout->ends, name, text);
    free(text);
  }
}

/* The ends of the domains of PDEBench's own files, which do not say them: of all axes alike, but where the high side is another. Along the first one of sorption u is 1, and its scheme leaves the other open. Files of ours say their own. */
static void KnowEnds(NomosLayout *layout, hid_t file, const char path[])
{
  static const struct {
    const char *family, *low, *high, *value_low;
  } known[] = {{"darcy", "value"}, {"diffusion_reaction", "no_flux"}, {"diffusion_sorption", "value", "outflow", "[1]"}, {"incompressible", "wall"}, {"shallow_water", "outflow"}, {"trans", "outflow"}};
  const char *slash = strrchr(path, '/'), *family = layout->family ? layout->family : strstr(slash ? slash : path, "_trans_") ? "trans" : ""; /* 1D_CFD_Shock_.._trans_Train.hdf5 */
  char       *source = NomosH5GetText(file, "source"), name[NOMOS_MAX_NAME];
  const bool  ours   = layout->ends.n || (source && !strncmp(source, "nomos", 5));

  free(source);
  for (size_t k = 0; k < sizeof known / sizeof *known && !ours; k++) {
    if (strcmp(known[k].family, family)) continue;
    for (int side = 0; side < 2 * layout->n_space; side++) {
      NomosEndsName((size_t)side, (size_t)layout->n_space, axis_names, name);
      NomosEndsSay(&layout->ends, name, side % 2 ? known[k].high : known[k].low);
    }
    NomosEndsSay(&layout->ends, "value_low", known[k].value_low);
  }
}

static bool Has(hid_t location, const char name[], H5I_type_t type)
{
  if (H5Lexists(location, name, H5P_DEFAULT) <= 0) return false;
  hid_t object = H5Oopen(location, name, H5P_DEFAULT);
  bool  has    = object >= 0 && H5Iget_type(object) == type;
  if (object >= 0) H5Oclose(object);
  return has;
}

/* ---- flat: a dataset for each field over (trajectory, time, x, y, z), `tensor` where there is one alone; coefficients of space without time (nu of Darcy's flow, our `coefficient`) */

typedef struct {
  NomosLayout *layout;
  const char  *path;
  int          device; /* axes in front of the trajectories: merged from several devices */
  bool         alone;  /* one trajectory, without the axis of trajectories */
  NomosVerdict *verdict;
} Flat;

typedef struct {
  int     n_dims;
  hsize_t size[NOMOS_VIEW_MAX_AXES];
} Largest;

static herr_t LargestRank(hid_t file, const char *name, const H5L_info_t *info, void *ctx)
{
  Largest  *largest = ctx;
  hsize_t   size[NOMOS_VIEW_MAX_AXES];
  const int n = NomosLayoutShape(file, name, size);

  (void)info;
  if (n > largest->n_dims) {
    largest->n_dims = n;
    memcpy(largest->size, size, sizeof size);
  }
  return 0;
}

/* (time, x, y) of one trajectory: the times say that the first axis is time. */
static bool IsAlone(hid_t file, int n_space, const Largest *largest)
{
  hsize_t times[NOMOS_VIEW_MAX_AXES];

  return largest->n_dims == n_space + 1 && NomosLayoutShape(file, "t-coordinate", times) == 1 && (times[0] == largest->size[0] || times[0] == largest->size[0] + 1);
}

static herr_t TakeField(hid_t file, const char *name, const H5L_info_t *info, void *ctx)
{
  Flat        *flat    = ctx;
  NomosLayout *layout  = flat->layout;
  const int    n_space = layout->n_space, first = flat->device, n = !flat->alone;
  hsize_t      size[NOMOS_VIEW_MAX_AXES];
  const int    n_dims = NomosLayoutShape(file, name, size);
  char         text[128];

  (void)info;
  if (n_dims < first + n + n_space || n_dims > first + n + 1 + n_space || strlen(name) >= NOMOS_MAX_NAME || strstr(name, "-coordinate")) return 0; /* coordinates, what else there is */
  const bool frames = n_dims == first + n + 1 + n_space;
  bool       fits   = true;
  for (int s = 0; s < n_space; s++) fits = fits && size[n_dims - n_space + s] == layout->points[s];
  if (!fits && flat->alone && !frames) return 0; /* a list */
  if (!fits) {
    NomosVerdictFail(flat->verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has the shape %s, which does not fit the coordinates of space", flat->path, name, NomosLayoutSizes(n_dims, size, text));
    return -1;
  }
  if (first && size[0] > 1) {
    NomosVerdictFail(flat->verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has the shape %s, an axis of size %llu before trajectories, time and the coordinates of space: if it is of devices, merge it into the trajectories first; else a coordinate is missing", flat->path, name, NomosLayoutSizes(n_dims, size, text), (unsigned long long)size[0]);
    return -1;
  }
  if (!layout->n_trajectories) layout->n_trajectories = n ? size[first] : 1;
  if (frames && !layout->n_frames) layout->n_frames = size[first + n];
  if ((n && size[first] != layout->n_trajectories) || (frames && size[first + n] != layout->n_frames)) {
    NomosVerdictFail(flat->verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has the shape %s, but another field has %zu trajectories of %zu frames", flat->path, name, NomosLayoutSizes(n_dims, size, text), layout->n_trajectories, layout->n_frames);
    return -1;
  }
  NomosLayoutView *view = NomosLayoutAdd(layout, !strcmp(name, "tensor") ? "u" : !strcmp(name, "nu") ? "coefficient" : name, name, name);
  if (!view) return -1;
  snprintf(view->raw, sizeof view->raw, "%s%s%s%.*s", first ? "d" : "", n ? "n" : "", frames ? "t" : "", n_space, "012");
  memcpy(view->size, size, sizeof size);
  NomosLayoutPresent(layout, view, frames);
  return 0;
}

/* A number for each trajectory: a parameter that is no attribute, as of a file that somebody has put together. */
static herr_t TakeNumbers(hid_t file, const char *name, const H5L_info_t *info, void *ctx)
{
  NomosLayout *layout = ((Flat *)ctx)->layout;
  hsize_t      size[NOMOS_VIEW_MAX_AXES];

  (void)info;
  if (NomosLayoutShape(file, name, size) != 1 || size[0] != layout->n_trajectories || strlen(name) >= NOMOS_MAX_NAME || NomosIsCoordinate(name) || NomosLayoutFind(layout, name)) return 0;
  NomosLayoutView *view = NomosLayoutAdd(layout, name, name, name);
  if (!view) return -1;
  view->raw[0] = view->axes[0] = 'n';
  view->size[0]                = size[0];
  view->shape[0]               = layout->n_trajectories;
  return 0;
}

bool NomosLayoutFlat(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict)
{
  static const char *const no_parameters[] = {NULL};
  Flat    flat = {.layout = layout, .path = path, .verdict = verdict};
  hsize_t size[NOMOS_VIEW_MAX_AXES];
  Largest largest = {0};
  char    name[32];

  if (!Has(file, "x-coordinate", H5I_DATASET)) return false;
  layout->name = "pdebench";
  for (; layout->n_space < NOMOS_LAYOUT_MAX_SPACE; layout->n_space++) {
    snprintf(name, sizeof name, "%s-coordinate", axis_names[layout->n_space]);
    if (NomosLayoutShape(file, name, size) != 1) break;
    layout->points[layout->n_space] = size[0];
    strcpy(layout->space[layout->n_space], axis_names[layout->n_space]);
  }
  H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, LargestRank, &largest);
  flat.device = largest.n_dims == layout->n_space + 3;
  flat.alone  = IsAlone(file, layout->n_space, &largest);
  if (largest.n_dims < layout->n_space + 2 && !flat.alone)
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s has PDEBench's coordinates of %d axes of space, but no field over trajectories, time and space", path, layout->n_space);
  H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, TakeField, &flat);
  if (layout->n_space == 2 && NomosLayoutFind(layout, "tensor") && NomosLayoutFind(layout, "nu")) layout->family = "darcy";
  for (int s = 0; s < layout->n_space && !verdict->code; s++) {
    snprintf(name, sizeof name, "%s-coordinate", axis_names[s]);
    NomosLayoutAddCoordinate(layout, file, path, (char)('0' + s), name, verdict);
  }
  if (!verdict->code && Has(file, "t-coordinate", H5I_DATASET)) NomosLayoutAddCoordinate(layout, file, path, 't', "t-coordinate", verdict);
  if (!verdict->code) H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, TakeNumbers, &flat);
  if (!verdict->code) NomosLayoutAddAttributes(layout, file, no_parameters);
  const size_t n_views = layout->n_views;
  for (size_t v = 0; v < n_views && !verdict->code; v++) { /* what the file's attributes have no place for, we write to a field */
    hid_t dataset = strchr(layout->views[v].raw, 't') ? NomosViewDataset(layout, file, &layout->views[v]) : H5I_INVALID_HID;
    if (dataset < 0) continue;
    NomosLayoutAddAttributes(layout, dataset, no_parameters);
    TakeEnds(layout, dataset);
    H5Dclose(dataset);
  }
  KnowEnds(layout, file, path);
  return true;
}

/* ---- groups: 0000, 0001, ... each with data (time, x, y, component), of diffusion-reaction (time, y, x, component), and grid/x, y, t, and what the run was as YAML in the attribute `config` */

static herr_t TakeGroup(hid_t file, const char *name, const H5L_info_t *info, void *ctx)
{
  NomosLayout *layout = ctx;

  (void)file;
  (void)info;
  if (strspn(name, "0123456789") != strlen(name)) return 0;
  char **longer = realloc(layout->groups, (layout->n_groups + 1) * sizeof *longer);
  if (!longer) return -1;
  layout->groups = longer;
  layout->groups[layout->n_groups++] = strdup(name);
  return 0;
}

/* Numbers of the section `sim` become parameters. */
static bool TakeNumber(const char key[], const char value[], void *ctx)
{
  NomosLayout *layout = ctx;
  double       number;
  const char  *end = NomosNumberRead(value, &number), *last = strrchr(key, '.');

  last = last ? last + 1 : key;
  if (!end || *end || strncmp(key, "sim.", 4) || strlen(key) >= NOMOS_MAX_NAME || NomosLayoutFind(layout, last)) return true;
  NomosLayoutView *view = NomosLayoutAdd(layout, last, key, key);
  if (!view) return false;
  view->kind     = NOMOS_VIEW_TEXT;
  view->axes[0]  = 'n';
  view->shape[0] = layout->n_groups;
  return true;
}

bool NomosLayoutGroups(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict)
{
  static const struct {
    const char *family;
    int         n_space;
    hsize_t     n_components;
    const char *names[2];
  } families[] = {{"diffusion_sorption", 1, 1, {"u"}}, {"shallow_water", 2, 1, {"h"}}, {"diffusion_reaction", 2, 2, {"u", "v"}}}, *family = NULL;
  hsize_t size[NOMOS_VIEW_MAX_AXES] = {0};
  char    name[64];

  H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, TakeGroup, layout);
  hid_t group = layout->n_groups ? H5Gopen2(file, layout->groups[0], H5P_DEFAULT) : H5I_INVALID_HID;
  if (group < 0 || !Has(group, "data", H5I_DATASET) || !Has(group, "grid", H5I_GROUP)) {
    if (group >= 0) H5Gclose(group);
    NomosLayoutFree(layout);
    return false;
  }
  layout->name = "pdebench";
  for (; layout->n_space < NOMOS_LAYOUT_MAX_SPACE; layout->n_space++) {
    snprintf(name, sizeof name, "grid/%s", axis_names[layout->n_space]);
    if (!Has(group, name, H5I_DATASET)) break;
    strcpy(layout->space[layout->n_space], axis_names[layout->n_space]);
  }
  const int n_dims = NomosLayoutShape(group, "data", size), n_space = layout->n_space;
  if (n_dims != n_space + 2) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: data of group %s has %d dimensions; time, %d axes of space and the components are expected", path, layout->groups[0], n_dims, n_space);
  else if (size[n_dims - 1] > MAX_COMPONENTS) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: data of group %s has %llu components; at most %d are possible", path, layout->groups[0], (unsigned long long)size[n_dims - 1], MAX_COMPONENTS);
  for (size_t f = 0; f < sizeof families / sizeof *families && !verdict->code; f++)
    if (families[f].n_space == n_space && families[f].n_components == size[n_dims - 1]) family = &families[f];
  const bool y_first     = family && !strcmp(family->family, "diffusion_reaction"); /* its generator's rows are along y, those of the others along x */
  layout->family         = family ? family->family : NULL;
  layout->n_trajectories = layout->n_groups;
  layout->n_frames       = size[0];
  for (int s = 0; s < n_space; s++) layout->points[s] = size[1 + (y_first ? 1 - s : s)];
  for (hsize_t c = 0; !verdict->code && c < size[n_dims - 1]; c++) {
    if (family) snprintf(name, sizeof name, "%s", family->names[c]);
    else snprintf(name, sizeof name, "data_%llu", (unsigned long long)c);
    NomosLayoutView *view = NomosLayoutAdd(layout, name, size[n_dims - 1] == 1 ? "data" : name, "data");
    if (!view) break;
    snprintf(view->raw, sizeof view->raw, "gt%.*sc", n_space, y_first ? "10" : "012");
    memcpy(view->size, size, sizeof size);
    view->component = c;
    NomosLayoutPresent(layout, view, true);
  }
  for (int s = 0; s < n_space && !verdict->code; s++) {
    snprintf(name, sizeof name, "grid/%s", axis_names[s]);
    NomosLayoutAddCoordinate(layout, group, path, (char)('0' + s), name, verdict);
  }
  if (!verdict->code) NomosLayoutAddCoordinate(layout, group, path, 't', "grid/t", verdict);
  char *config = verdict->code ? NULL : NomosH5GetText(group, "config");
  if (config) NomosYamlVisit(config, TakeNumber, layout);
  free(config);
  H5Gclose(group);
  KnowEnds(layout, file, path);
  return true;
}

/* ---- incompressible flow: velocity (b, t, x, y, 2), particles (b, t, x, y, 1), force (b, x, y, 2), t (b, t) */

/* Its generator makes room for all frames first, and counts in latestIndex which is the last one that is written. Files of ours are whole, and earlier ones had another number there. */
static void LeaveUnwritten(NomosLayout *layout, hid_t file, const char path[], NomosVerdict *verdict)
{
  char          *text = NomosH5GetText(file, "latestIndex"), *source = NomosH5GetText(file, "source");
  const bool     counts = text && !(source && !strncmp(source, "nomos", 5));
  const long long last = counts ? strtoll(text, NULL, 10) : (long long)layout->n_frames - 1;

  free(text);
  free(source);
  if (last < 0) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: its latestIndex is %lld: the file was opened for a run, of which no frame is written", path, last);
    return;
  }
  layout->n_frames = PetscMin(layout->n_frames, (size_t)last + 1);
  for (size_t v = 0; v < layout->n_views; v++)
    for (size_t a = 0; layout->views[v].axes[a]; a++)
      if (layout->views[v].axes[a] == 't') layout->views[v].shape[a] = layout->n_frames;
}

bool NomosLayoutFluid(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict)
{
  static const char *const no_parameters[] = {"latestIndex", NULL};
  static const struct {
    const char *name, *source, *axes;
    size_t      component;
  } fields[] = {{"Vx", "velocity", "nt01c", 0}, {"Vy", "velocity", "nt01c", 1}, {"particles", "particles", "nt01c", 0}, {"force_x", "force", "n01c", 0}, {"force_y", "force", "n01c", 1}};
  hsize_t size[NOMOS_VIEW_MAX_AXES], whole[NOMOS_VIEW_MAX_AXES];
  char    text[128];

  if (NomosLayoutShape(file, "velocity", whole) != 5 || NomosLayoutShape(file, "t", size) != 2) return false;
  layout->name           = "pdebench";
  layout->family         = "incompressible";
  layout->n_trajectories = whole[0];
  layout->n_frames       = whole[1];
  layout->n_space        = 2;
  for (int s = 0; s < 2; s++) {
    strcpy(layout->space[s], axis_names[s]);
    layout->points[s] = whole[2 + s];
  }
  for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
    const int n_dims = NomosLayoutShape(file, fields[f].source, size), expected = (int)strlen(fields[f].axes);
    if (n_dims < 0) continue;
    bool fits = n_dims == expected && size[n_dims - 1] > fields[f].component && size[0] == whole[0] && size[n_dims - 3] == whole[2] && size[n_dims - 2] == whole[3] && (n_dims == 4 || size[1] == whole[1]);
    if (!fits) return !NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has the shape %s, which does not fit that of velocity", path, fields[f].source, NomosLayoutSizes(n_dims, size, text));
    NomosLayoutView *view = NomosLayoutAdd(layout, fields[f].name, fields[f].name, fields[f].source);
    if (!view) return false;
    strcpy(view->raw, fields[f].axes);
    memcpy(view->size, size, sizeof size);
    view->component = fields[f].component;
    NomosLayoutPresent(layout, view, expected == 5);
  }
  NomosLayoutAddCoordinate(layout, file, path, 't', "t", verdict);
  if (!verdict->code) LeaveUnwritten(layout, file, path, verdict);
  if (!verdict->code) NomosLayoutAddAttributes(layout, file, no_parameters);
  KnowEnds(layout, file, path);
  return true;
}
