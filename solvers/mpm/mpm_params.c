/* From a case to a setup: parameters, materials with their laws, walls, obstacles. */
#include "io/safetensors.h"
#include "solvers/mpm/law_list.h"
#include "solvers/mpm/mpm_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WALLS "open|slip|separate|stick" /* in the order of NomosMpmWall */

/* clang-format off */
const NomosParam nomos_mpm_params[NOMOS_MPM_N_PARAMS] = {
  {"mpm.dimensions",    NOMOS_PARAM_INT,       "3",       NULL,    2, 3,             NULL,  false, "3, or 2: plane strain, of unit thickness."},
  {"mpm.length",        NOMOS_PARAM_REAL_LIST, "[1 m]",   "m",     DBL_MIN, DBL_MAX, NULL,  false, "Edges of the domain; one number: the same along every axis."},
  {"mpm.origin",        NOMOS_PARAM_REAL_LIST, "[0 m]",   "m",     0, 0,             NULL,  false, "Where the domain begins, one number for each axis or one for all."},
  {"mpm.cells",         NOMOS_PARAM_INT,       NULL,      NULL,    6, 65536,         NULL,  false, "Nodes 0 ... cells - 1 along the first axis, dx = length/cells."},
  {"mpm.spline",        NOMOS_PARAM_CHOICE,    "quadratic", NULL,  0, 0, "quadratic|cubic", false, "B-spline by which particles and nodes see each other."},
  {"mpm.gravity",       NOMOS_PARAM_REAL_LIST, "",      "m s-2", 0, 0,             NULL,  false, "Acceleration, one number for each axis; unset: none."},
  {"mpm.walls",         NOMOS_PARAM_CHOICE,    "separate", NULL,   0, 0,             WALLS, false, "At the faces of the domain: no condition, no normal velocity, none into the wall, none at all."},
  {"mpm.wall_x_low",    NOMOS_PARAM_CHOICE,    "",        NULL,    0, 0,             WALLS, false, "Of the face x = 0 instead of mpm.walls."},
  {"mpm.wall_x_high",   NOMOS_PARAM_CHOICE,    "",        NULL,    0, 0,             WALLS, false, "Of the opposite face."},
  {"mpm.wall_y_low",    NOMOS_PARAM_CHOICE,    "",        NULL,    0, 0,             WALLS, false, "Of the face y = 0."},
  {"mpm.wall_y_high",   NOMOS_PARAM_CHOICE,    "",        NULL,    0, 0,             WALLS, false, "Of the opposite face."},
  {"mpm.wall_z_low",    NOMOS_PARAM_CHOICE,    "",        NULL,    0, 0,             WALLS, false, "Of the face z = 0."},
  {"mpm.wall_z_high",   NOMOS_PARAM_CHOICE,    "",        NULL,    0, 0,             WALLS, false, "Of the opposite face."},
  {"mpm.wall_nodes",    NOMOS_PARAM_INT,       "3",       NULL,    1, 64,            NULL,  false, "Thickness b of walls: nodes below b and above cells - b; material is between (b - 1) dx and length - (b - 1) dx; with 1 or 2 the upper walls are beyond the grid, and particles on the way to them leave it unless mpm.clip holds them back."},
  {"mpm.clip",          NOMOS_PARAM_REAL,      "0",       NULL,    0, 64,            NULL,  false, "Cells from the edge of the domain that particles are held back at (at the upper ends at least one and a half, with cubic splines two: the last node is a cell before the end); 0: none are held, who leaves the grid is an error."},
  {"mpm.mass_epsilon",  NOMOS_PARAM_REAL,      "0",       "kg",    0, DBL_MAX,       NULL,  false, "Added to the mass of a node where its momentum is divided by it."},
  {"mpm.precision",     NOMOS_PARAM_CHOICE,    "float64", NULL,    0, 0, "float32|float64", false, "Of particles and grid."},
  {"mpm.cfl",           NOMOS_PARAM_REAL,      "0",       NULL,    0, 1,             NULL,  false, "Choose dt (at most time.dt) so that neither pressure waves nor particles cross more than this part of a cell in a step; 0: dt is fixed."},
  {"mpm.seed",          NOMOS_PARAM_INT,       "0",       NULL,    0, 9e15,          NULL,  false, "Of random positions (bodies with jitter)."},
  {"mpm.write_affine",  NOMOS_PARAM_BOOL,      "true",    NULL,    0, 0,             NULL,  false, "Write the affine velocity C into fields.nc."},
  {"mpm.write_stress",  NOMOS_PARAM_BOOL,      "true",    NULL,    0, 0,             NULL,  false, "Write the Cauchy stress into fields.nc."},
};

static const NomosParam material_params[] = {
  {"density",           NOMOS_PARAM_REAL,      NULL,      "kg m-3", DBL_MIN, DBL_MAX, NULL, false, "Of the reference state."},
  {"elasticity",        NOMOS_PARAM_STRING,    "",        NULL,    0, 0,             NULL,  false, "Name of the law of stress; its parameters are keys of the material too."},
  {"plasticity",        NOMOS_PARAM_STRING,    "",        NULL,    0, 0,             NULL,  false, "Name of the return mapping; unset or identity: all deformation is elastic."},
  {"learned",           NOMOS_PARAM_FILE,      "",        NULL,    0, 0,             NULL,  false, "Weights (safetensors) of a trained material, which name its laws: they take the place of elasticity and plasticity, and of their parameters."},
};

static const NomosParam obstacle_params[] = {
  {"shape",             NOMOS_PARAM_CHOICE,    NULL,      NULL,    0, 0, "box|sphere|cylinder|plane", false, "What stands in the way."},
  {"centre",            NOMOS_PARAM_REAL_LIST, NULL,      "m",     0, 0,             NULL,  false, "Its middle; of a plane a point on it."},
  {"size",              NOMOS_PARAM_REAL_LIST, "",      "m",     DBL_MIN, DBL_MAX, NULL,  false, "box: edges; one number: all the same."},
  {"radius",            NOMOS_PARAM_REAL,      "",        "m",     DBL_MIN, DBL_MAX, NULL,  false, "sphere, cylinder: radius."},
  {"axis",              NOMOS_PARAM_REAL_LIST, "",      NULL,    0, 0,             NULL,  false, "cylinder: direction of its axis; plane: outward normal, material is where it points to."},
  {"length",            NOMOS_PARAM_REAL,      "",        "m",     DBL_MIN, DBL_MAX, NULL,  false, "cylinder: length."},
  {"wall",              NOMOS_PARAM_CHOICE,    "separate", NULL,   0, 0, WALLS,             false, "At its surface, as mpm.walls."},
};
/* clang-format on */

#define TABLE(table) sizeof table / sizeof *table, table
const NomosParamGroup nomos_mpm_groups[NOMOS_MPM_N_GROUPS] = {
  {"materials", "of each material", TABLE(material_params)},
  {"bodies", "of each body", NOMOS_MPM_N_BODY_PARAMS, nomos_mpm_body_params},
  {"obstacles", "of each obstacle", TABLE(obstacle_params)},
};

const char *NomosMpmKey(const char section[], const char key[], char full[2 * NOMOS_MAX_NAME])
{
  snprintf(full, 2 * NOMOS_MAX_NAME, "%s.%s", section, key);
  return full;
}

/* ---- declaring ---- */

/* The laws of a material: named by the file of a trained one, or in the case. ops[kind] NULL: none (plasticity only). */
static PetscErrorCode FindLaws(MPI_Comm comm, NomosConfig config, const char section[], const NomosLawOps *ops[NOMOS_N_LAW_KINDS])
{
  const char      *learned, *name, *where;
  char             key[2 * NOMOS_MAX_NAME], at[2 * NOMOS_MAX_NAME], text[2 * NOMOS_MAX_NAME];
  NomosSafetensors file = NULL;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, NomosMpmKey(section, "learned", key), &learned));
  if (learned[0]) PetscCall(NomosSafetensorsOpen(comm, learned, &file));
  for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++) {
    snprintf(text, sizeof text, "law.%s", nomos_law_kinds[kind]);
    const char *in_file = file ? NomosSafetensorsMetadata(file, text) : NULL;
    PetscCall(NomosConfigGetString(config, NomosMpmKey(section, nomos_law_kinds[kind], at), &name));
    where = NomosConfigWhere(config, in_file ? key : at);
    if (in_file) name = in_file;
    ops[kind] = NULL;
    if (kind == NOMOS_LAW_PLASTICITY && (!name[0] || !strcmp(name, "identity"))) continue;
    PetscCheck(name[0], comm, PETSC_ERR_ARG_INCOMP, "%s: %s is missing: the law of stress, such as `elasticity: fixed_corotated`%s", NomosConfigWhere(config, NomosMpmKey(section, "density", text)), at, file ? " (the file of its key `learned` names none)" : ", or `learned: FILE`");
    PetscCall(NomosLawFind((NomosLawKind)kind, name, where, &ops[kind]));
  }
  if (file) PetscCall(NomosSafetensorsClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One line turns a material into a trained one (`learned: FILE`): what its written laws take may stay where it is. */
static PetscErrorCode DeclareReplaced(NomosConfig config, const char section[])
{
  const char *learned, *name;
  char        key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, NomosMpmKey(section, "learned", key), &learned));
  for (int kind = 0; learned[0] && kind < NOMOS_N_LAW_KINDS; kind++) {
    PetscCall(NomosConfigGetString(config, NomosMpmKey(section, nomos_law_kinds[kind], key), &name));
    for (const NomosLawOps *const *ops = NomosLaws(); *ops; ops++)
      if ((*ops)->kind == (NomosLawKind)kind && !strcmp((*ops)->name, name)) PetscCall(NomosConfigRegisterSection(config, section, (*ops)->n_params, (*ops)->params));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmDeclare(NomosConfig config)
{
  const MPI_Comm     comm = NomosConfigComm(config); /* one rank alone draws pictures */
  const char *const *names;
  size_t             n;
  char               section[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosLawRegister(nomos_laws));
  for (size_t g = 0; g < NOMOS_MPM_N_GROUPS; g++) {
    PetscCall(NomosConfigGroup(config, nomos_mpm_groups[g].prefix, &n, &names));
    for (size_t i = 0; i < n; i++) {
      const NomosLawOps *ops[NOMOS_N_LAW_KINDS];
      snprintf(section, sizeof section, "%s.%s", nomos_mpm_groups[g].prefix, names[i]);
      PetscCall(NomosConfigRegisterSection(config, section, nomos_mpm_groups[g].n_params, nomos_mpm_groups[g].params));
      if (g) continue;
      PetscCall(DeclareReplaced(config, section));
      PetscCall(FindLaws(comm, config, section, ops));
      for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++)
        if (ops[kind]) PetscCall(NomosConfigRegisterSection(config, section, ops[kind]->n_params, ops[kind]->params));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- small readers ---- */

PetscErrorCode NomosMpmGetVector(MPI_Comm comm, NomosConfig config, const char key[], int d, bool *given, double vector[3])
{
  const double *values;
  size_t        n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(config, key, &n, &values));
  *given = n > 0;
  PetscCheck(n == 0 || n == (size_t)d, comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu numbers; %d are needed, one for each axis", NomosConfigWhere(config, key), key, n, d);
  for (int a = 0; a < 3; a++) vector[a] = n && a < d ? values[a] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmGetSizes(MPI_Comm comm, NomosConfig config, const char key[], int d, bool *given, double sizes[3])
{
  const double *values;
  size_t        n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(config, key, &n, &values));
  *given = n > 0;
  PetscCheck(n <= 1 || n == (size_t)d, comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu numbers; one, or %d (one for each axis), are allowed", NomosConfigWhere(config, key), key, n, d);
  for (int a = 0; a < 3; a++) sizes[a] = n && a < d ? values[n == 1 ? 0 : a] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where it is unset the wall stays as it is. */
static PetscErrorCode GetWall(NomosConfig config, const char key[], NomosMpmWall *wall)
{
  int choice;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetChoice(config, key, &choice));
  if (choice >= 0) *wall = (NomosMpmWall)choice;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the setup ---- */

static PetscErrorCode Grid(MPI_Comm comm, NomosConfig config, NomosMpmSetup *setup)
{
  static const char *const faces[3][2] = {{"mpm.wall_x_low", "mpm.wall_x_high"}, {"mpm.wall_y_low", "mpm.wall_y_high"}, {"mpm.wall_z_low", "mpm.wall_z_high"}};
  int64_t                  dimensions, cells, wall_nodes;
  double                   length[3];
  bool                     given;
  const char              *spline;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "mpm.dimensions", &dimensions));
  PetscCall(NomosConfigGetInt(config, "mpm.cells", &cells));
  PetscCall(NomosConfigGetInt(config, "mpm.wall_nodes", &wall_nodes));
  PetscCall(NomosConfigGetString(config, "mpm.spline", &spline));
  setup->d          = (int)dimensions;
  setup->order      = strcmp(spline, "cubic") ? 2 : 3;
  setup->wall_nodes = (int)wall_nodes;
  PetscCall(NomosMpmGetSizes(comm, config, "mpm.length", setup->d, &given, length));
  PetscCheck(given, comm, PETSC_ERR_ARG_SIZ, "%s: mpm.length is empty; give the edges of the domain", NomosConfigWhere(config, "mpm.length"));
  PetscCall(NomosMpmGetSizes(comm, config, "mpm.origin", setup->d, &given, setup->origin));
  setup->dx = length[0] / (double)cells;
  for (int a = 0; a < 3; a++) {
    const double n = a < setup->d ? length[a] / setup->dx : 1, whole = round(n);
    NomosCheck(fabs(n - whole) <= 1e-6 * n && whole >= 1, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: mpm.length: %g along axis %d is %g cells of %g; it must be a whole number of them, such as %g", NomosConfigWhere(config, "mpm.length"), length[a], a + 1, n, setup->dx, fmax(whole, 1) * setup->dx);
    setup->cells[a] = (int)whole;
    NomosCheck(a >= setup->d || setup->cells[a] >= 2 * setup->wall_nodes, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: mpm.wall_nodes = %d: walls of %d nodes on both sides fill the %d cells along axis %d; use more cells or thinner walls", NomosConfigWhere(config, "mpm.wall_nodes"), setup->wall_nodes, setup->wall_nodes, setup->cells[a], a + 1);
    for (int side = 0; side < 2 && a < setup->d; side++) {
      PetscCall(GetWall(config, "mpm.walls", &setup->walls[a][side]));
      PetscCall(GetWall(config, faces[a][side], &setup->walls[a][side]));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Numbers(MPI_Comm comm, NomosConfig config, NomosMpmSetup *setup)
{
  const char *precision;
  bool        given;

  PetscFunctionBeginUser;
  PetscCall(NomosMpmGetVector(comm, config, "mpm.gravity", setup->d, &given, setup->gravity));
  PetscCall(NomosConfigGetReal(config, "mpm.clip", &setup->clip));
  PetscCall(NomosConfigGetReal(config, "mpm.mass_epsilon", &setup->epsilon));
  PetscCall(NomosConfigGetReal(config, "mpm.cfl", &setup->cfl));
  PetscCall(NomosConfigGetString(config, "mpm.precision", &precision));
  setup->single = !strcmp(precision, "float32");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmShapeFromConfig(MPI_Comm comm, NomosConfig config, const char section[], int d, NomosMpmShape *shape)
{
  static const char *const names[] = {[NOMOS_SHAPE_BOX] = "box", [NOMOS_SHAPE_SPHERE] = "sphere", [NOMOS_SHAPE_CYLINDER] = "cylinder", [NOMOS_SHAPE_PLANE] = "plane", [NOMOS_SHAPE_ELLIPSOID] = "ellipsoid", [NOMOS_SHAPE_MESH] = "mesh", [NOMOS_SHAPE_PARTICLES] = "particles"};
  const char              *name;
  char                     key[2 * NOMOS_MAX_NAME], at[2 * NOMOS_MAX_NAME];
  bool                     has_centre, has_size, has_axis;
  double                   length, norm;
  int                      kind = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, NomosMpmKey(section, "shape", at), &name));
  while (kind < NOMOS_N_SHAPES - 1 && strcmp(names[kind], name)) kind++; /* bodies and obstacles have choices of their own */
  shape->kind = (NomosMpmShapeKind)kind;
  PetscCall(NomosMpmGetVector(comm, config, NomosMpmKey(section, "centre", key), d, &has_centre, shape->centre));
  PetscCall(NomosMpmGetSizes(comm, config, NomosMpmKey(section, "size", key), d, &has_size, shape->size));
  PetscCall(NomosMpmGetVector(comm, config, NomosMpmKey(section, "axis", key), d, &has_axis, shape->axis));
  PetscCall(NomosConfigGetReal(config, NomosMpmKey(section, "radius", key), &shape->radius));
  PetscCall(NomosConfigGetReal(config, NomosMpmKey(section, "length", key), &length));
  norm = sqrt(shape->axis[0] * shape->axis[0] + shape->axis[1] * shape->axis[1] + shape->axis[2] * shape->axis[2]);
  const struct {
    int         kinds; /* which need it */
    bool        given;
    const char *key;
  } needs[] = {
    {1 << NOMOS_SHAPE_BOX | 1 << NOMOS_SHAPE_SPHERE | 1 << NOMOS_SHAPE_CYLINDER | 1 << NOMOS_SHAPE_PLANE | 1 << NOMOS_SHAPE_ELLIPSOID | 1 << NOMOS_SHAPE_MESH, has_centre, "centre"},
    {1 << NOMOS_SHAPE_BOX | 1 << NOMOS_SHAPE_ELLIPSOID | 1 << NOMOS_SHAPE_MESH, has_size, "size"},
    {1 << NOMOS_SHAPE_SPHERE | 1 << NOMOS_SHAPE_CYLINDER, !PetscIsNanReal(shape->radius), "radius"},
    {1 << NOMOS_SHAPE_CYLINDER | 1 << NOMOS_SHAPE_PLANE, has_axis && norm > 0, "axis (a direction, not 0)"},
    {1 << NOMOS_SHAPE_CYLINDER, !PetscIsNanReal(length), "length"},
  };
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) PetscCheck(needs[i].given || !(needs[i].kinds >> kind & 1), comm, PETSC_ERR_ARG_INCOMP, "%s: %s = %s needs %s.%s", NomosConfigWhere(config, at), at, name, section, needs[i].key);
  PetscCheck(d == 3 || (kind != NOMOS_SHAPE_CYLINDER && kind != NOMOS_SHAPE_MESH), comm, PETSC_ERR_ARG_INCOMP, "%s: %s = %s needs mpm.dimensions: 3; in two dimensions there are boxes, spheres (discs), ellipsoids (ellipses) and planes", NomosConfigWhere(config, at), at, name);
  for (int a = 0; a < 3 && norm > 0; a++) shape->axis[a] *= (kind == NOMOS_SHAPE_CYLINDER ? length : 1) / norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Obstacles(MPI_Comm comm, NomosConfig config, NomosMpmSetup *setup)
{
  const char *const *names;
  char               section[NOMOS_MAX_NAME], key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(config, "obstacles", &setup->n_obstacles, &names));
  PetscCall(PetscCalloc1(setup->n_obstacles, &setup->obstacles));
  for (size_t i = 0; i < setup->n_obstacles; i++) {
    snprintf(section, sizeof section, "obstacles.%s", names[i]);
    PetscCall(NomosMpmShapeFromConfig(comm, config, section, setup->d, &setup->obstacles[i].shape));
    PetscCall(GetWall(config, NomosMpmKey(section, "wall", key), &setup->obstacles[i].wall));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Materials(MPI_Comm comm, NomosConfig config, NomosMpmSetup *setup)
{
  const char *const *names;
  char               section[NOMOS_MAX_NAME], key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(config, "materials", &setup->n_materials, &names));
  PetscCheck(setup->n_materials, comm, PETSC_ERR_ARG_INCOMP, "the case has no materials; name one, such as `materials: {jelly: {density: 1000 kg/m3, elasticity: fixed_corotated, ...}}`");
  PetscCall(PetscCalloc1(setup->n_materials, &setup->materials));
  for (size_t i = 0; i < setup->n_materials; i++) {
    NomosMpmMaterial  *material = &setup->materials[i];
    const NomosLawOps *ops[NOMOS_N_LAW_KINDS];
    snprintf(section, sizeof section, "materials.%s", names[i]);
    PetscCall(PetscStrncpy(material->name, names[i], sizeof material->name));
    PetscCall(NomosConfigGetReal(config, NomosMpmKey(section, "density", key), &material->density));
    PetscCall(FindLaws(comm, config, section, ops));
    for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++)
      if (ops[kind]) PetscCall(NomosLawCreate(comm, ops[kind], config, section, setup->single ? NOMOS_F32 : NOMOS_F64, &material->law[kind]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmSetupFromConfig(MPI_Comm comm, NomosConfig config, NomosMpmSetup *setup)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(setup, sizeof *setup));
  PetscCall(Grid(comm, config, setup));
  PetscCall(Numbers(comm, config, setup));
  PetscCall(Obstacles(comm, config, setup));
  PetscCall(Materials(comm, config, setup));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmSetupFree(NomosMpmSetup *setup)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; setup->materials && i < setup->n_materials; i++)
    for (int kind = 0; kind < NOMOS_N_LAW_KINDS; kind++) {
      PetscCall(PetscFree(setup->materials[i].parameter[kind]));
      PetscCall(NomosLawDestroy(&setup->materials[i].law[kind]));
    }
  PetscCall(PetscFree(setup->materials));
  PetscCall(PetscFree(setup->obstacles));
  PetscFunctionReturn(PETSC_SUCCESS);
}
