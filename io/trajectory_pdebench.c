/* Files that PDEBench's programs read, family by family. Takamoto et al. (2022), doi:10.48550/arXiv.2210.07182 */
#include "io/trajectory_file_impl.h"

#include "io/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { FLAT, GROUPS, FLUID } Kind;
enum { N_FIELDS = 2 };

/* Families that PDEBench stores as groups of components, or whose fields are not all of ours; of the others all fields are flat. */
typedef struct {
  const char *family;
  int         n_space;
  Kind        kind;
  bool        compressed;
  const char *fields[N_FIELDS]; /* without these it is none of them; flat: nothing else is kept */
} Family;

static const Family families[] = {
  {"diffusion_sorption", 1, GROUPS, true, {"u"}},
  {"diffusion_reaction", 2, GROUPS, true, {"u", "v"}},
  {"shallow_water", 2, GROUPS, false, {"h"}},
  {"incompressible", 2, FLUID, true, {"Vx", "Vy"}},
  {"darcy", 2, FLAT, false, {"u", "coefficient"}},
};
static const Family flat = {.kind = FLAT};

/* What there is of incompressible flow: a dataset is written where all its components are. */
static const struct {
  const char *name, *source, *axes;
  size_t      component, n_components;
} fluid[] = {{"Vx", "velocity", "nt01c", 0, 2}, {"Vy", "velocity", "nt01c", 1, 2}, {"particles", "particles", "nt01c", 0, 1}, {"force_x", "force", "n01c", 0, 2}, {"force_y", "force", "n01c", 1, 2}};
enum { N_FLUID = sizeof fluid / sizeof *fluid };

/* Numbers that its files have as attributes, in this order: programs take all there are as the parameters of the equation. The third is how names of files have it. Others, as gamma, go where the texts go. */
static const char *const parameters[][3] = {{"M", "M", "M"}, {"mach", "M", "M"}, {"eta", "eta", "Eta"}, {"zeta", "zeta", "Zeta"}, {"beta", "beta", "beta"}, {"nu", "Nu", "Nu"}, {"rho", "rho", "Rho"}};
enum { N_PARAMETERS = sizeof parameters / sizeof *parameters };

/* What stands before and behind the parameters in the names of its files. */
static const struct {
  const char *family;
  int         n_space;
  const char *begin, *end;
} names[] = {
  {"advection", 1, "1D_Advection_Sols", ".hdf5"},
  {"burgers", 1, "1D_Burgers_Sols", ".hdf5"},
  {"reaction_diffusion", 1, "ReacDiff", ".hdf5"},
  {"darcy", 2, "2D_DarcyFlow", "_Train.hdf5"},
  {"diffusion_sorption", 1, "1D_diff-sorp_NA_NA", ".h5"},
  {"diffusion_reaction", 2, "2D_diff-react_NA_NA", ".h5"},
  {"shallow_water", 2, "2D_rdb_NA_NA", ".h5"},
  {"incompressible", 2, "ns_incom_inhom_2d", ".h5"},
};

static const NomosFieldVariable *Find(const NomosFieldFileInput *input, const char name[])
{
  for (size_t v = 0; v < input->n_variables; v++)
    if (!strcmp(input->variables[v].name, name)) return &input->variables[v];
  return NULL;
}

/* Axes beside those of trajectories and time. */
static int Space(const NomosTrajectoryFileInput *input)
{
  return (int)input->file.n_dims - 2;
}

static const Family *FamilyOf(const NomosTrajectoryFileInput *input)
{
  for (size_t i = 0; input->family && i < sizeof families / sizeof *families; i++) {
    bool all = !strcmp(families[i].family, input->family) && families[i].n_space == Space(input);
    for (size_t k = 0; all && k < N_FIELDS && families[i].fields[k]; k++) all = Find(&input->file, families[i].fields[k]) != NULL;
    if (all) return &families[i];
  }
  return &flat;
}

static bool PutAxis(NomosTrajectoryFile f, hid_t location, const char name[], const char axis[], size_t more, bool compressed, NomosVerdict *verdict)
{
  const NomosFieldDim *dim = NomosTrajectoryDim(&f->input, axis);
  const hsize_t        n   = dim->size + more;
  double              *values = malloc(n * sizeof *values);

  if (!values) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", f->path);
  memcpy(values, dim->values, dim->size * sizeof *values);
  if (more) values[n - 1] = dim->size > 1 ? 2 * values[n - 2] - values[n - 3] : values[n - 2] + 1;
  NomosPutFloats(location, f->path, &(NomosFloats){.name = name, .unit = dim->unit, .n_dims = 1, .size = &n, .chunk = compressed ? &n : NULL, .values = values}, verdict);
  free(values);
  return !verdict->code;
}

/* A view whose raw axes are given, with the sizes that follow from them. */
static NomosLayoutView *AddView(NomosTrajectoryFile f, const char name[], const char source[], const char raw[], size_t component, hsize_t n_components)
{
  NomosLayoutView *view = NomosLayoutAdd(&f->layout, name, name, source);

  if (!view) return NULL;
  snprintf(view->raw, sizeof view->raw, "%s", raw);
  view->component = component;
  NomosLayoutPresent(&f->layout, view, strchr(raw, 't'));
  raw += raw[0] == 'g';
  for (size_t r = 0; raw[r]; r++) view->size[r] = raw[r] == 'n' ? f->layout.n_trajectories : raw[r] == 't' ? f->layout.n_frames : raw[r] == 'c' ? n_components : f->layout.points[raw[r] - '0'];
  return view;
}

/* The dataset of a view: in one piece, or compressed in chunks of one entry along the n_single first axes and all of the others. */
static bool PutDataset(NomosTrajectoryFile f, hid_t location, const NomosLayoutView *view, size_t n_single, NomosVerdict *verdict)
{
  const char               *raw = view->raw + (view->raw[0] == 'g');
  const NomosFieldVariable *variable = Find(&f->input.file, view->name);
  hsize_t                   chunk[NOMOS_VIEW_MAX_AXES];

  for (size_t r = 0; raw[r]; r++) chunk[r] = r < n_single ? 1 : view->size[r];
  return NomosPutFloats(location, f->path, &(NomosFloats){.name = view->source, .unit = variable->unit, .n_dims = (int)strlen(raw), .size = view->size, .chunk = n_single ? chunk : NULL}, verdict);
}

/* Has a flat file of this family a place for it? */
static bool IsKept(const Family *family, const NomosFieldVariable *variable)
{
  bool kept = !family->fields[0];

  for (size_t k = 0; k < N_FIELDS && family->fields[k]; k++) kept = kept || !strcmp(family->fields[k], variable->name);
  return kept && !NomosIsParameter(variable);
}

/* Texts go to a dataset: the attributes of the file are parameters, by which programs condition. */
static bool DescribeDataset(NomosTrajectoryFile f, hid_t location, const char name[], NomosVerdict *verdict)
{
  hid_t dataset = H5Dopen2(location, name, H5P_DEFAULT);

  if (dataset < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write attributes");
  NomosPutDescription(f, dataset, verdict);
  H5Dclose(dataset);
  return !verdict->code;
}

static bool DefineFlat(NomosTrajectoryFile f, const Family *family, NomosVerdict *verdict)
{
  static const char *const raw[2][4] = {{"n", "n0", "n01", "n012"}, {"nt", "nt0", "nt01", "nt012"}};
  const NomosFieldFileInput *input = &f->input.file;
  size_t                     n_fields = 0;
  char                       name[NOMOS_MAX_NAME + 16];

  for (size_t v = 0; v < input->n_variables; v++) n_fields += NomosHasTime(&input->variables[v]) && IsKept(family, &input->variables[v]);
  for (size_t v = 0; v < input->n_variables && !verdict->code; v++) {
    const NomosFieldVariable *variable = &input->variables[v];
    const bool                time     = NomosHasTime(variable);
    if (!IsKept(family, variable)) continue;
    NomosLayoutView *view = AddView(f, variable->name, time && n_fields == 1 ? "tensor" : !strcmp(variable->name, "coefficient") ? "nu" : variable->name, raw[time][f->layout.n_space], 0, 1);
    if (!view) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", f->path);
    if (PutDataset(f, f->file, view, 0, verdict) && time) DescribeDataset(f, f->file, view->source, verdict);
  }
  for (int s = 0; s < f->layout.n_space && !verdict->code; s++) {
    snprintf(name, sizeof name, "%c-coordinate", "xyz"[s]);
    PutAxis(f, f->file, name, f->layout.space[s], 0, false, verdict);
  }
  return !verdict->code && PutAxis(f, f->file, "t-coordinate", "time", 1, false, verdict);
}

static bool DefineGroups(NomosTrajectoryFile f, const Family *family, NomosVerdict *verdict)
{
  const size_t n = f->layout.n_trajectories;
  char         name[NOMOS_MAX_NAME];

  f->layout.groups = calloc(n, sizeof *f->layout.groups);
  if (!f->layout.groups) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", f->path);
  size_t n_components = 0; /* two: diffusion-reaction, whose rows are along y in its generator, too */
  while (n_components < N_FIELDS && family->fields[n_components]) n_components++;
  for (size_t c = 0; c < n_components; c++)
    if (!AddView(f, family->fields[c], "data", f->layout.n_space == 1 ? "gt0c" : n_components == 1 ? "gt01c" : "gt10c", c, n_components)) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", f->path);
  for (; f->layout.n_groups < n && !verdict->code; f->layout.n_groups++) {
    snprintf(name, sizeof name, "%04zu", f->layout.n_groups);
    f->layout.groups[f->layout.n_groups] = strdup(name);
    hid_t group = H5Gcreate2(f->file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "make a group");
    PutDataset(f, group, &f->layout.views[0], family->compressed, verdict); /* a frame a chunk */
    for (int s = 0; s < f->layout.n_space && !verdict->code; s++) {
      snprintf(name, sizeof name, "grid/%c", "xyz"[s]);
      PutAxis(f, group, name, f->layout.space[s], 0, family->compressed, verdict);
    }
    if (!verdict->code) PutAxis(f, group, "grid/t", "time", 0, family->compressed, verdict);
    H5Gclose(group);
  }
  return !verdict->code && NomosPutDescription(f, f->file, verdict);
}

/* Times of every trajectory: all have the same. */
static bool PutTimes(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  const hsize_t size[] = {f->layout.n_trajectories, f->layout.n_frames};
  const double *times  = NomosTrajectoryDim(&f->input, "time")->values;
  double       *values = malloc(size[0] * size[1] * sizeof *values);

  if (!values) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", f->path);
  for (size_t i = 0; i < size[0]; i++) memcpy(values + i * size[1], times, size[1] * sizeof *values);
  NomosPutFloats(f->file, f->path, &(NomosFloats){.name = "t", .unit = NomosTrajectoryDim(&f->input, "time")->unit, .n_dims = 2, .size = size, .chunk = (const hsize_t[]){1, 1}, .values = values}, verdict);
  free(values);
  return !verdict->code;
}

static bool DefineFluid(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  for (size_t i = 0; i < N_FLUID && !verdict->code; i++) {
    bool whole = true;
    for (size_t k = 0; k < N_FLUID; k++) {
      const NomosFieldVariable *variable = Find(&f->input.file, fluid[k].name);
      if (!strcmp(fluid[k].source, fluid[i].source)) whole = whole && variable && NomosHasTime(variable) == (fluid[k].axes[1] == 't');
    }
    if (!whole) continue;
    NomosLayoutView *view = AddView(f, fluid[i].name, fluid[i].source, fluid[i].axes, fluid[i].component, fluid[i].n_components);
    if (!view) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", f->path);
    if (!fluid[i].component) PutDataset(f, f->file, view, 2, verdict); /* as theirs, the force too, whose second axis is x */
  }
  return !verdict->code && PutTimes(f, verdict) && NomosPutDescription(f, f->file, verdict);
}

static bool Define(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  const Family *family = FamilyOf(&f->input);

  if (f->layout.n_space < 1) return NomosVerdictFail(verdict, PETSC_ERR_ARG_INCOMP, "%s: PDEBench's layouts have one to three axes of space; these fields have none", f->path);
  return family->kind == GROUPS ? DefineGroups(f, family, verdict) : family->kind == FLUID ? DefineFluid(f, verdict) : DefineFlat(f, family, verdict);
}

/* Has the name of a parameter an attribute of its own? */
static bool IsNamed(const char name[])
{
  for (size_t k = 0; k < N_PARAMETERS; k++)
    if (!strcmp(parameters[k][0], name)) return true;
  return false;
}

/* Groups have a text each. Else its programs condition on the file's coefficients, which must be one; of seeds and of what else differs they know nothing. */
static NomosTrajectoryPlace Place(const NomosTrajectoryFileInput *input, const char name[])
{
  return FamilyOf(input)->kind == GROUPS ? NOMOS_PLACE_EACH : IsNamed(name) ? NOMOS_PLACE_ONE_VALUE : NOMOS_PLACE_LEFT_OUT;
}

/* The boundary along every axis; NULL: it is unknown, or another along another. */
static const char *Boundary(const NomosTrajectoryFileInput *input)
{
  const char *first = input->ends ? NomosEndsOf(input->ends, input->file.dims[2].name, false) : NULL;

  for (int k = 1; k < 2 * Space(input) && first; k++) {
    const char *other = NomosEndsOf(input->ends, input->file.dims[2 + k / 2].name, k % 2);
    if (!other || strcmp(other, first)) first = NULL;
  }
  return first;
}

/* 2D_CFD_Rand and _periodic_128_Train.hdf5: random waves are periodic, shocks leave through open ends. */
static size_t NameFlow(const NomosTrajectoryFileInput *input, char name[NOMOS_MAX_PATH], char end[2 * NOMOS_MAX_NAME])
{
  const char  *boundary = Boundary(input);
  const bool   periodic = boundary && !strcmp(boundary, "periodic"), open = boundary && !strcmp(boundary, "outflow");
  const size_t x        = input->file.n_dims - 1; /* the last axis */
  char         points[NOMOS_NUMBER_SIZE] = "";

  if (Space(input) == 2) snprintf(points, sizeof points, "_%zu", input->file.dims[x].size);
  snprintf(end, 2 * NOMOS_MAX_NAME, "%s%.*s%s_Train.hdf5", boundary ? "_" : "", NOMOS_MAX_NAME, open ? "trans" : boundary ? boundary : "", points);
  return (size_t)snprintf(name, NOMOS_MAX_PATH, "%dD_CFD%s", Space(input), periodic ? "_Rand" : open ? "_Shock" : "");
}

/* Numbers as Python writes them: 0.01, 1.0, 1e-08. */
static void NameFile(const NomosTrajectoryFileInput *input, const double values[], char name[NOMOS_MAX_PATH])
{
  const char *family = input->family ? input->family : "";
  char        end[2 * NOMOS_MAX_NAME] = ".hdf5", number[NOMOS_NUMBER_SIZE];
  size_t      i = 0, length;

  while (i < sizeof names / sizeof *names && (strcmp(names[i].family, family) || names[i].n_space != Space(input))) i++;
  if (i < sizeof names / sizeof *names) {
    length = (size_t)snprintf(name, NOMOS_MAX_PATH, "%s", names[i].begin);
    snprintf(end, sizeof end, "%s", names[i].end);
  } else if (!strcmp(family, "compressible")) length = NameFlow(input, name, end);
  else length = (size_t)snprintf(name, NOMOS_MAX_PATH, "%dD_%s%sSols", Space(input), family, family[0] ? "_" : "");
  for (size_t k = 0; k < N_PARAMETERS; k++)
    for (size_t v = 0; v < input->file.n_variables; v++) {
      const char *parameter = input->file.variables[v].name;
      if (!NomosIsParameter(&input->file.variables[v]) || strcmp(parameter, parameters[k][0]) || Place(input, parameter) != NOMOS_PLACE_ONE_VALUE) continue;
      NomosNumberFormat(values[v], number);
      length += (size_t)snprintf(name + length, NOMOS_MAX_PATH - length, "_%s%s%s", parameters[k][2], number, strpbrk(number, ".e") ? "" : ".0");
    }
  snprintf(name + length, NOMOS_MAX_PATH - length, "%s", end);
}

/* What the run of a trajectory was, as YAML: its section sim has the parameters. */
static bool PutConfig(NomosTrajectoryFile f, hid_t object, size_t trajectory, NomosVerdict *verdict)
{
  char   text[4096] = "sim:\n", number[NOMOS_NUMBER_SIZE];
  size_t length     = strlen(text);

  for (size_t v = 0; v < f->input.file.n_variables; v++) {
    if (!f->parameters[v]) continue;
    NomosNumberFormat(f->parameters[v][trajectory], number);
    length += (size_t)snprintf(text + length, sizeof text - length, "  %s: %s\n", f->input.file.variables[v].name, number);
    if (length >= sizeof text) return NomosVerdictFail(verdict, PETSC_ERR_ARG_SIZ, "%s: there are too many parameters for the text that says them", f->path);
  }
  snprintf(text + length, sizeof text - length, "name: %s\n", f->input.family);
  return NomosH5PutString(object, "config", text) >= 0 || NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write config");
}

/* Units of parameters go where the texts go, as NAME_units: a number that is an attribute has none of its own. */
static bool PutUnits(NomosTrajectoryFile f, hid_t object, NomosVerdict *verdict)
{
  char name[NOMOS_MAX_NAME + 16];

  for (size_t v = 0; v < f->input.file.n_variables; v++) {
    const NomosFieldVariable *variable = &f->input.file.variables[v];
    if (!f->parameters[v] || !variable->unit || !variable->unit[0] || !strcmp(variable->unit, "1")) continue;
    snprintf(name, sizeof name, "%s_units", variable->name);
    if (NomosH5PutString(object, name, variable->unit) < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write its attributes");
  }
  return true;
}

static bool FinishGroups(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  for (size_t i = 0; i < f->layout.n_groups && !verdict->code; i++) {
    hid_t group = H5Gopen2(f->file, f->layout.groups[i], H5P_DEFAULT);
    if (group < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "open a group");
    PutConfig(f, group, i, verdict);
    H5Gclose(group);
  }
  return !verdict->code && PutUnits(f, f->file, verdict);
}

/* Parameters by our names: those that PDEBench has none for, or all. */
static bool PutOthers(NomosTrajectoryFile f, hid_t object, bool all, NomosVerdict *verdict)
{
  for (size_t v = 0; v < f->input.file.n_variables; v++) {
    const char *name = f->input.file.variables[v].name;
    if (f->parameters[v] && (all || !IsNamed(name)) && NomosH5PutReal(object, name, f->parameters[v][0]) < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write its attributes");
  }
  return true;
}

static bool FinishFlat(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  for (size_t k = 0; k < N_PARAMETERS; k++)
    for (size_t v = 0; v < f->input.file.n_variables; v++) {
      if (!f->parameters[v] || strcmp(f->input.file.variables[v].name, parameters[k][0]) || H5Aexists(f->file, parameters[k][1]) > 0) continue;
      if (NomosH5PutReal(f->file, parameters[k][1], f->parameters[v][0]) < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write its attributes");
    }
  for (size_t i = 0; i < f->layout.n_views; i++) {
    const NomosLayoutView *view = &f->layout.views[i];
    if (!NomosHasTime(Find(&f->input.file, view->name))) continue;
    hid_t dataset = NomosViewDataset(&f->layout, f->file, view);
    if (dataset < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write attributes");
    if (PutOthers(f, dataset, false, verdict)) PutUnits(f, dataset, verdict);
    H5Dclose(dataset);
    break;
  }
  return !verdict->code;
}

/* What its generator keeps to go on from, and what was run. */
static bool FinishFluid(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  if (NomosH5PutInteger(f->file, "latestIndex", H5T_NATIVE_INT64, (int64_t)f->layout.n_frames - 1) < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write its attributes");
  return PutOthers(f, f->file, true, verdict) && PutUnits(f, f->file, verdict) && (H5Aexists(f->file, "config") > 0 || PutConfig(f, f->file, 0, verdict));
}

static bool Finish(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  const Kind kind = FamilyOf(&f->input)->kind;

  if (kind == GROUPS) return FinishGroups(f, verdict);
  return kind == FLUID ? FinishFluid(f, verdict) : FinishFlat(f, verdict);
}

const NomosTrajectoryFormat nomos_trajectory_pdebench = {.name = "pdebench", .define = Define, .finish = Finish, .place = Place, .name_file = NameFile};
