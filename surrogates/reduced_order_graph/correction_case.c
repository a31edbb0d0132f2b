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

/* What a case differs in from the simulation of the training: in what must be as it was, which becomes a list of settings, and in what may be another. */
typedef struct {
  NomosConfig config;
  const char *trained; /* lines of the training */
  bool        grid;    /* distances of nodes differ: what else makes the grid is then to be set too */
  FILE       *settings, *others;
  size_t      n_settings, n_others;
} Comparison;

static void Demand(Comparison *c, const char key[], int n, const char value[])
{
  const bool quoted = memchr(value, ' ', (size_t)n) || memchr(value, '[', (size_t)n);

  fprintf(c->settings, "%s--set %s%s=%.*s%s", c->n_settings++ ? " " : "", quoted ? "\"" : "", key, n, value, quoted ? "\"" : "");
}

static PetscErrorCode ComparePart(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  Comparison *c = ctx;
  size_t      part = 0, n = 0;

  PetscFunctionBeginUser;
  (void)origin;
  while (part < N_PARTS && strcmp(param->key, parts[part].key)) part++;
  const char *trained = part < N_PARTS ? ValueOf(c->trained, param->key, &n) : NULL;
  if (!trained || (n == strlen(value) && !strncmp(trained, value, n))) PetscFunctionReturn(PETSC_SUCCESS);
  const bool of_grid = !strcmp(param->key, "mpm.length") || !strcmp(param->key, "mpm.origin") || !strcmp(param->key, "mpm.wall_nodes");
  if (parts[part].must || (of_grid && c->grid)) Demand(c, param->key, (int)n, trained);
  else fprintf(c->others, "%s%s = %s (training: %.*s)", c->n_others++ ? ", " : "", param->key, value[0] ? value : "unset", (int)n, n ? trained : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Cells of the training's room. */
static void DemandCells(Comparison *c, size_t here, double dx)
{
  char        text[32];
  size_t      n;
  const char *length = ValueOf(c->trained, "mpm.length", &n);

  if (!length) return;
  snprintf(text, sizeof text, "%.0f", strtod(length + strspn(length, "["), NULL) / dx);
  if (strtoul(text, NULL, 10) != here) Demand(c, "mpm.cells", (int)strlen(text), text);
}

/* On the grid of the training, which a particle count in a cell is then of. */
static PetscErrorCode CompareSpacing(Comparison *c, double dx, double trained)
{
  const char *const *bodies;
  size_t             n;
  char               key[2 * NOMOS_MAX_NAME], text[32];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(c->config, "bodies", &n, &bodies));
  for (size_t i = 0; i < n; i++) {
    double spacing, given;
    PetscCall(SpacingOf(c->config, bodies[i], dx, &spacing));
    if (fabs(spacing - trained) <= 1e-4 * trained) continue;
    snprintf(key, sizeof key, "bodies.%s.spacing", bodies[i]);
    PetscCall(NomosConfigGetReal(c->config, key, &given));
    snprintf(text, sizeof text, "%.8g", trained);
    if (isnan(given)) {
      snprintf(key, sizeof key, "bodies.%s.particles_per_cell", bodies[i]);
      snprintf(text, sizeof text, "%.6g", pow(dx / trained, 2));
    }
    Demand(c, key, (int)strlen(text), text);
    snprintf(key, sizeof key, "bodies.%s.lattice", bodies[i]); /* which gives their number otherwise */
    if (isnan(spacing)) Demand(c, key, 0, "");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the weights demand, as --set KEY=VALUE beside each other; "": nothing. */
static PetscErrorCode Compare(Comparison *c, const NomosCorrectionShape *shape, const char *const texts[], char **settings)
{
  const double dx = strtod(texts[NOMOS_CORRECTION_DX], NULL), spacing = strtod(texts[NOMOS_CORRECTION_SPACING], NULL);
  NomosText    written;

  PetscFunctionBeginUser;
  PetscCall(NomosTextBegin(&written));
  c->settings         = written.out;
  c->grid             = fabs(shape->dx - dx) > 1e-6 * dx;
  PetscErrorCode code = NomosConfigVisit(c->config, ComparePart, c);
  if (c->grid) DemandCells(c, shape->cells[0], dx);
  if (!code) code = CompareSpacing(c, dx, spacing);
  PetscCall(NomosTextEnd(&written, settings));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareMaterials(Comparison *c, const char known[])
{
  const char *const *obstacles;
  char              *materials;
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(PetscStrallocpy(known, &materials));
  const size_t   n_before = strlen(materials);
  PetscErrorCode code     = AddMaterials(c->config, &materials);
  for (char *line = materials + n_before; !code && *line;) {
    char *end = strchr(line, '\n');
    *end      = '\0';
    fprintf(c->others, "%sa material with %s", c->n_others++ ? ", " : "", line);
    line = end + 1;
  }
  PetscCall(PetscFree(materials));
  PetscCall(code);
  PetscCall(NomosConfigGroup(c->config, "obstacles", &n, &obstacles));
  if (n) fprintf(c->others, "%sobstacles, which the correction does not see", c->n_others++ ? ", " : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionCheckCase(NomosConfig config, const NomosCorrectionCase *asked, const NomosCorrectionShape *shape, FILE *others)
{
  const char *const *texts = asked->texts;
  const double       dx    = strtod(texts[NOMOS_CORRECTION_DX], NULL), spacing = strtod(texts[NOMOS_CORRECTION_SPACING], NULL);
  Comparison         c     = {.config = config, .trained = texts[NOMOS_CORRECTION_SIMULATION], .others = others};
  char              *settings;

  PetscFunctionBeginUser;
  PetscCall(Compare(&c, shape, texts, &settings));
  if (c.n_settings) {
    char text[1024];
    snprintf(text, sizeof text, "%s", settings);
    PetscCall(PetscFree(settings));
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: this is not the simulation that the correction (%s) was trained in, of nodes %.6g m apart (here %.6g m), particles %.6g m apart, and steps of the same length: set as it was %s, another room too with mpm.length/mpm.cells = %.6g m, or train another", NomosConfigWhere(config, "mpm.cells"), asked->of, dx, shape->dx, spacing, text, dx);
  }
  PetscCall(PetscFree(settings));
  PetscCall(CompareMaterials(&c, texts[NOMOS_CORRECTION_MATERIALS]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- weights on other data */

/* Of the first motion of each set, and whatever the file is compared with, into the note. */
static PetscErrorCode CheckSets(NomosSurrogate s, const NomosCorrectionCase *asked, FILE *out)
{
  const NomosCorrection *c = s->context;
  PetscErrorCode         code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_sets && !code; i++) {
    const NomosTwinSet  *set   = &c->sets[i];
    NomosCorrectionShape shape = c->network.shape;
    NomosText            written;
    char                *others;
    if (!set->n) continue;
    PetscCall(NomosTextBegin(&written));
    PetscCall(NomosCorrectionReadGrid(&set->twins[0], &shape));
    code = NomosCorrectionCheckCase(set->twins[0].config, asked, &shape, written.out);
    PetscCall(NomosTextEnd(&written, &others));
    if (others[0] && !ftell(out)) fprintf(out, "%s were not trained with what motions of %s have: %s", asked->of, set->name, others);
    PetscCall(PetscFree(others));
  }
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionTakeTexts(NomosSurrogate s, NomosSafetensors file)
{
  NomosCorrection    *c     = s->context;
  const char         *texts[NOMOS_N_CORRECTION_TEXTS];
  NomosCorrectionCase asked = {s->weights ? "the weights" : "train.weights", texts};
  NomosText           written;

  PetscFunctionBeginUser;
  for (int t = 0; t < NOMOS_N_CORRECTION_TEXTS; t++) {
    texts[t] = NomosSafetensorsMetadata(file, nomos_correction_text_keys[t]);
    if (!texts[t]) PetscFunctionReturn(PETSC_SUCCESS); /* an old file, which does not say it */
  }
  PetscCall(NomosTextBegin(&written));
  const bool     quiet = NomosErrorSetQuiet(!s->weights);
  PetscErrorCode code  = CheckSets(s, &asked, written.out);
  NomosErrorSetQuiet(quiet);
  if (code && !s->weights) { /* a training may begin where another grid ended */
    fprintf(written.out, "%s%s", ftell(written.out) ? "; " : "", NomosErrorLast());
    code = PETSC_SUCCESS;
  }
  PetscCall(PetscFree(c->note));
  PetscCall(NomosTextEnd(&written, &c->note));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
