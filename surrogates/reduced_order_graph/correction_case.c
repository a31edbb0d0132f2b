/* What weights say of the simulation that they correct, and whether a case is such a simulation: a correction of errors of one grid is none of another's. */
#include "surrogates/reduced_order_graph/correction_model_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const nomos_correction_text_keys[NOMOS_N_CORRECTION_TEXTS] = {"steps", "dx", "spacing", "simulation", "materials"};

/* Keys of a case on which the coarse simulation's errors depend: those that must be as in the training, and those whose difference is told. */
static const struct {
  const char *key;
  bool        must;
} parts[] = {
  {"time.dt", true},         {"mpm.dimensions", true},   {"mpm.spline", true},      {"mpm.cfl", true},          {"mpm.length", false},      {"mpm.origin", false},     {"mpm.wall_nodes", false}, {"mpm.gravity", false},
  {"mpm.walls", false},      {"mpm.wall_x_low", false},  {"mpm.wall_x_high", false}, {"mpm.wall_y_low", false}, {"mpm.wall_y_high", false}, {"mpm.clip", false},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

/* Lines `key = value` */
static PetscErrorCode AddPart(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  PetscFunctionBeginUser;
  (void)origin;
  for (size_t i = 0; i < N_PARTS; i++)
    if (!strcmp(param->key, parts[i].key)) fprintf(ctx, "%s = %s\n", param->key, value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- materials */

typedef struct {
  FILE  *out;
  char   prefix[NOMOS_MAX_NAME + 16];
  size_t n;
} MaterialLine;

/* `density = 1000 kg m-3, elasticity = fixed_corotated`, of files their names */
static PetscErrorCode AddMaterialKey(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  MaterialLine *line   = ctx;
  const size_t  length = strlen(line->prefix);
  const char   *slash  = param->type == NOMOS_PARAM_FILE ? strrchr(value, '/') : NULL;

  PetscFunctionBeginUser;
  (void)origin;
  if (strncmp(param->key, line->prefix, length) || !value[0]) PetscFunctionReturn(PETSC_SUCCESS);
  fprintf(line->out, "%s%s = %s", line->n++ ? ", " : "", param->key + length, slash ? slash + 1 : value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MaterialText(NomosConfig config, const char name[], char **text)
{
  NomosText    written;
  MaterialLine line = {0};

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&written));
  line.out = written.out;
  snprintf(line.prefix, sizeof line.prefix, "materials.%s.", name);
  PetscErrorCode code = NomosConfigVisit(config, AddMaterialKey, &line);
  PetscCall(NomosTextEnd(&written, text));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is `line` one of the lines of `text`? */
static bool HasLine(const char text[], const char line[])
{
  const size_t n = strlen(line);

  for (const char *at = text; at && *at; at = (at = strchr(at, '\n')) ? at + 1 : NULL)
    if (!strncmp(at, line, n) && at[n] == '\n') return true;
  return false;
}

/* Those of a case that `known` has not, a line each. */
static PetscErrorCode AddMaterials(NomosConfig config, char **known)
{
  const char *const *names;
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(config, "materials", &n, &names));
  for (size_t i = 0; i < n; i++) {
    char        *text;
    const size_t length = strlen(*known);
    PetscCall(MaterialText(config, names[i], &text));
    if (!HasLine(*known, text)) {
      PetscCall(PetscRealloc(length + strlen(text) + 2, known));
      sprintf(*known + length, "%s\n", text);
    }
    PetscCall(PetscFree(text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Between particles of a body, m; NaN: the case does not say it. In two dimensions. */
static PetscErrorCode SpacingOf(NomosConfig config, const char body[], double dx, double *spacing)
{
  char   key[2][2 * NOMOS_MAX_NAME];
  double per_cell;

  PetscFunctionBeginUser;
  snprintf(key[0], sizeof key[0], "bodies.%s.spacing", body);
  snprintf(key[1], sizeof key[1], "bodies.%s.particles_per_cell", body);
  PetscCall(NomosConfigGetReal(config, key[0], spacing));
  PetscCall(NomosConfigGetReal(config, key[1], &per_cell));
  if (isnan(*spacing)) *spacing = dx / sqrt(per_cell);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- in training */

PetscErrorCode NomosCorrectionTexts(NomosSurrogate s)
{
  NomosCorrection    *c     = s->context;
  const NomosTwinSet *set   = &c->sets[NOMOS_CORRECTION_TRAINING];
  char              **texts = c->texts;
  const char *const  *bodies;
  size_t              n_bodies;
  double              spacing;
  NomosText           written;

  PetscFunctionBeginUser;
  for (int t = 0; t < NOMOS_N_CORRECTION_TEXTS; t++) PetscCall(PetscCalloc1(32, &texts[t]));
  snprintf(texts[NOMOS_CORRECTION_STEPS], 32, "%lld", (long long)set->twins[0].n_steps);
  snprintf(texts[NOMOS_CORRECTION_DX], 32, "%.17g", c->network.shape.dx);
  PetscCall(NomosConfigGroup(set->twins[0].config, "bodies", &n_bodies, &bodies));
  PetscCall(SpacingOf(set->twins[0].config, bodies[0], c->network.shape.dx, &spacing));
  snprintf(texts[NOMOS_CORRECTION_SPACING], 32, "%.17g", spacing);
  PetscCall(NomosTextBegin(&written));
  PetscErrorCode code = NomosConfigVisit(set->twins[0].config, AddPart, written.out);
  PetscCall(PetscFree(texts[NOMOS_CORRECTION_SIMULATION]));
  PetscCall(NomosTextEnd(&written, &texts[NOMOS_CORRECTION_SIMULATION]));
  PetscCall(code);
  for (size_t i = 0; i < set->n; i++) PetscCall(AddMaterials(set->twins[i].config, &texts[NOMOS_CORRECTION_MATERIALS]));
  s->n_texts   = NOMOS_N_CORRECTION_TEXTS;
  s->text_keys = nomos_correction_text_keys;
  s->texts     = (const char *const *)texts;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- in a run */

/* The value of a line `key = value` of text; its length, or NULL. */
static const char *ValueOf(const char text[], const char key[], size_t *n)
{
  const size_t length = strlen(key);

  for (const char *at = text; at && *at; at = (at = strchr(at, '\n')) ? at + 1 : NULL) {
    if (strncmp(at, key, length) || strncmp(at + length, " = ", 3)) continue;
    *n = strcspn(at + length + 3, "\n");
    return at + length + 3;
  }
  return NULL;
}

typedef struct {
  NomosConfig config;
  const char *trained; /* lines of the training */
  FILE       *others;  /* differences that are told */
  size_t      n_others;
} Comparison;

static PetscErrorCode ComparePart(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  Comparison *c = ctx;
  size_t      part = 0, n = 0;

  PetscFunctionBeginUser;
  (void)origin;
  while (part < N_PARTS && strcmp(param->key, parts[part].key)) part++;
  const char *trained = part < N_PARTS ? ValueOf(c->trained, param->key, &n) : NULL;
  if (!trained || (n == strlen(value) && !strncmp(trained, value, n))) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCheck(!parts[part].must, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: %s = %s: the correction (" NOMOS_CORRECTED_WEIGHTS ") was trained with %.*s; set %s=%.*s, or train another", NomosConfigWhere(c->config, param->key), param->key, value, (int)n, trained, param->key, (int)n, trained);
  fprintf(c->others, "%s%s = %s (training: %.*s)", c->n_others++ ? ", " : "", param->key, value[0] ? value : "unset", (int)n, n ? trained : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSpacing(NomosConfig config, double dx, double trained)
{
  const char *const *bodies;
  size_t             n;
  char               key[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(config, "bodies", &n, &bodies));
  for (size_t i = 0; i < n; i++) {
    double spacing;
    PetscCall(SpacingOf(config, bodies[i], dx, &spacing));
    snprintf(key, sizeof key, "bodies.%s.shape", bodies[i]);
    NomosCheck(fabs(spacing - trained) <= 1e-4 * trained, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: particles of bodies.%s %s: the correction (" NOMOS_CORRECTED_WEIGHTS ") was trained with %.6g m between neighbours, %.6g in a cell; set bodies.%s.particles_per_cell=%.6g, or train another", NomosConfigWhere(config, key), bodies[i], isnan(spacing) ? "are given neither by spacing nor by particles_per_cell" : spacing < trained ? "are closer together" : "are farther apart", trained, pow(dx / trained, 2), bodies[i], pow(dx / trained, 2));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionCheckCase(NomosConfig config, const NomosCorrectionShape *shape, const char *const texts[], FILE *others)
{
  const double dx = strtod(texts[NOMOS_CORRECTION_DX], NULL);
  Comparison   c  = {.config = config, .trained = texts[NOMOS_CORRECTION_SIMULATION], .others = others};
  size_t       n_before, n;
  const char *const *obstacles;

  PetscFunctionBeginUser;
  NomosCheck(fabs(shape->dx - dx) <= 1e-6 * dx, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: mpm.cells = %zu: nodes are %.6g m apart, and the correction (" NOMOS_CORRECTED_WEIGHTS ") was trained with %.6g m; choose mpm.length/mpm.cells = %.6g m, or train another", NomosConfigWhere(config, "mpm.cells"), shape->cells[0], shape->dx, dx, dx);
  PetscCall(CheckSpacing(config, dx, strtod(texts[NOMOS_CORRECTION_SPACING], NULL)));
  PetscCall(NomosConfigVisit(config, ComparePart, &c));
  char *materials;
  PetscCall(PetscStrallocpy(texts[NOMOS_CORRECTION_MATERIALS], &materials));
  n_before = strlen(materials);
  PetscErrorCode code = AddMaterials(config, &materials);
  for (char *line = materials + n_before; !code && *line;) {
    char *end = strchr(line, '\n');
    *end      = '\0';
    fprintf(others, "%sa material with %s", c.n_others++ ? ", " : "", line);
    line = end + 1;
  }
  PetscCall(PetscFree(materials));
  PetscCall(code);
  PetscCall(NomosConfigGroup(config, "obstacles", &n, &obstacles));
  if (n) fprintf(others, "%sobstacles, which the correction does not see", c.n_others++ ? ", " : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}
