/* The numbers of the physics that one may differentiate by, and the coefficients of the step as functions of them. */
#include "operators/model_operator.h"
#include "solvers/qg/qg_derivatives.h"

#include <stdio.h>

enum { LIST = 1, NONZERO = 2 }; /* a list by layers; a number that must not become 0, where the case would lose what depends on it */

static const struct {
  const char *key;
  int         first; /* NOMOS_QG_P_* */
  int         flags;
} physical[] = {
  {"qg.deformation_radius", NOMOS_QG_P_RADIUS, NONZERO},
  {"qg.depth_ratio", NOMOS_QG_P_RATIO, NONZERO},
  {"qg.depths", NOMOS_QG_P_DEPTHS, LIST | NONZERO},
  {"qg.reduced_gravities", NOMOS_QG_P_GRAVITIES, LIST | NONZERO},
  {"qg.densities", NOMOS_QG_P_DENSITIES, LIST | NONZERO},
  {"qg.gravity", NOMOS_QG_P_GRAVITY, NONZERO},
  {"qg.f0", NOMOS_QG_P_F0, NONZERO},
  {"qg.buoyancy_frequency", NOMOS_QG_P_BUOYANCY, NONZERO},
  {"qg.surface_depth", NOMOS_QG_P_SURFACE_DEPTH, NONZERO},
  {"qg.beta", NOMOS_QG_P_BETA, 0},
  {"qg.u", NOMOS_QG_P_U, LIST},
  {"qg.v", NOMOS_QG_P_V, LIST},
  {"qg.nonlinearity", NOMOS_QG_P_NONLINEARITY, NONZERO},
  {"qg.drag", NOMOS_QG_P_DRAG, 0},
  {"qg.hyperviscosity", NOMOS_QG_P_HYPERVISCOSITY, NONZERO},
  {"qg.relaxation_rate", NOMOS_QG_P_RELAXATION, 0},
  {"qg.relaxation_jet_rate", NOMOS_QG_P_RELAXATION_JET, 0},
  {"qg.forcing_rate", NOMOS_QG_P_FORCING, NONZERO},
};
enum { N_KEYS = sizeof physical / sizeof *physical };

PetscErrorCode NomosQGPhysicsRead(NomosConfig config, NomosQGPhysics *physics)
{
  size_t *const counts[N_KEYS] = {[2] = &physics->n_depths, [3] = &physics->n_gravities, [4] = &physics->n_densities, [10] = &physics->n_u, [11] = &physics->n_v};

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(physics, sizeof *physics));
  for (int i = 0; i < N_KEYS; i++) {
    double *value = &physics->value[physical[i].first];
    PetscCall(NomosConfigIsGiven(config, physical[i].key, &physics->given[physical[i].first]));
    if (physical[i].flags & LIST) {
      const double *values;
      PetscCall(NomosConfigGetReals(config, physical[i].key, counts[i], &values));
      for (size_t j = 0; j < PetscMin(*counts[i], (size_t)NOMOS_QG_MAX_LAYERS); j++) value[j] = values[j];
    } else PetscCall(NomosConfigGetReal(config, physical[i].key, value));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many entries of a parameter the case depends on, from *first on. */
static int Entries(const NomosQG *qg, int first, int *skip)
{
  const NomosQGPhysics *physics = &qg->options.physics;
  const NomosQGSetup   *setup   = &qg->setup;
  const double         *value   = &physics->value[first];
  const bool            radius = !PetscIsNanReal(physics->value[NOMOS_QG_P_RADIUS]), layered = setup->n_layers > 1 && !radius, used = physics->given[first] || *value != 0;

  *skip = 0;
  switch (first) {
  case NOMOS_QG_P_RADIUS:
    return radius;
  case NOMOS_QG_P_RATIO:
    return radius && setup->n_layers == 2;
  case NOMOS_QG_P_DEPTHS: /* a topography of given height needs that of the bottom layer */
    if (layered) return setup->n_layers;
    *skip = (int)physics->n_depths - 1;
    return physics->height;
  case NOMOS_QG_P_GRAVITIES:
    return layered ? (int)physics->n_gravities : 0;
  case NOMOS_QG_P_DENSITIES:
    return layered ? (int)physics->n_densities : 0;
  case NOMOS_QG_P_GRAVITY:
    return layered && physics->n_densities > 0;
  case NOMOS_QG_P_F0:
    return (layered || physics->height) && *value != 0;
  case NOMOS_QG_P_BUOYANCY:
    return setup->surface;
  case NOMOS_QG_P_SURFACE_DEPTH:
    return setup->surface && *value > 0;
  case NOMOS_QG_P_U:
    return (int)physics->n_u;
  case NOMOS_QG_P_V:
    return (int)physics->n_v;
  case NOMOS_QG_P_RELAXATION:
    return setup->n_layers > 1 && used;
  case NOMOS_QG_P_RELAXATION_JET:
    return setup->n_layers > 1 && setup->relaxation_jet && !PetscIsNanReal(*value);
  case NOMOS_QG_P_BETA:
  case NOMOS_QG_P_DRAG:
    return used;
  default: /* nonlinearity, hyperviscosity, forcing rate: without them the terms do not exist */
    return *value != 0;
  }
}

static const NomosParam *Find(const char key[])
{
  for (int i = 0; i < NOMOS_QG_N_PARAMS; i++)
    if (!strcmp(nomos_qg_params[i].key, key)) return &nomos_qg_params[i];
  return NULL;
}

/* Numbers carried to second order in two directions: x + a x_a + b x_b + ab x_ab as {x, x_a, x_b, x_ab}. */
typedef struct {
  double of[4];
} Series;

static Series Constant(double value)
{
  return (Series){{value, 0, 0, 0}};
}

static Series Plus(Series x, Series y)
{
  for (int m = 0; m < 4; m++) x.of[m] += y.of[m];
  return x;
}

static Series Times(Series x, Series y)
{
  return (Series){{x.of[0] * y.of[0], x.of[0] * y.of[1] + x.of[1] * y.of[0], x.of[0] * y.of[2] + x.of[2] * y.of[0], x.of[0] * y.of[3] + x.of[1] * y.of[2] + x.of[2] * y.of[1] + x.of[3] * y.of[0]}};
}

static Series Minus(Series x)
{
  return Times(Constant(-1), x);
}

static Series Over(Series x, Series y)
{
  const double f = 1 / y.of[0], f1 = -f * f, f2 = 2 * f * f * f;

  return Times(x, (Series){{f, f1 * y.of[1], f1 * y.of[2], f1 * y.of[3] + f2 * y.of[1] * y.of[2]}});
}

/* x over what it is now; 1 where it is 0. */
static Series Relative(Series x)
{
  return x.of[0] != 0 ? Over(x, Constant(x.of[0])) : Constant(1);
}

/* S and the depths' fractions: see qg_stratification.c. */
static void Stretching(const NomosQG *qg, const Series p[], Series S[][NOMOS_QG_MAX_LAYERS], Series fraction[])
{
  const NomosQGPhysics *physics = &qg->options.physics;
  const int             n      = qg->setup.n_layers;
  const bool            radius = !PetscIsNanReal(physics->value[NOMOS_QG_P_RADIUS]);
  const Series          one = Constant(1), *depth = p + NOMOS_QG_P_DEPTHS;
  Series                total = Constant(0);

  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) S[i][j] = Constant(0);
  fraction[0] = one;
  if (n == 1) {
    if (radius) S[0][0] = Minus(Over(one, Times(p[NOMOS_QG_P_RADIUS], p[NOMOS_QG_P_RADIUS])));
    return;
  }
  if (radius) {
    const Series ratio = p[NOMOS_QG_P_RATIO], f1 = Over(one, Times(Times(p[NOMOS_QG_P_RADIUS], p[NOMOS_QG_P_RADIUS]), Plus(one, ratio)));
    S[0][1]     = f1;
    S[1][0]     = Times(ratio, f1);
    fraction[0] = Over(ratio, Plus(one, ratio));
    fraction[1] = Over(one, Plus(one, ratio));
  } else {
    for (int i = 0; i < n; i++) total = Plus(total, depth[i]);
    for (int i = 0; i < n; i++) fraction[i] = Over(depth[i], total);
    for (int i = 0; i + 1 < n; i++) {
      const Series *density = p + NOMOS_QG_P_DENSITIES + i;
      const Series  gravity = physics->n_densities ? Over(Times(p[NOMOS_QG_P_GRAVITY], Plus(density[1], Minus(density[0]))), density[0]) : p[NOMOS_QG_P_GRAVITIES + i];
      const Series  f2      = Over(Times(p[NOMOS_QG_P_F0], p[NOMOS_QG_P_F0]), gravity);
      S[i][i + 1]           = Over(f2, depth[i]);
      S[i + 1][i]           = Over(f2, depth[i + 1]);
    }
  }
  for (int i = 0; i < n; i++) {
    if (i > 0) S[i][i] = Plus(S[i][i], Minus(S[i][i - 1]));
    if (i + 1 < n) S[i][i] = Plus(S[i][i], Minus(S[i][i + 1]));
  }
}

/* theta(p) (qg_coefficients.h). */
static void Coefficients(const NomosQG *qg, const Series p[], Series theta[])
{
  const NomosQGPhysics *physics = &qg->options.physics;
  const int             n = qg->setup.n_layers, bottom = n - 1;
  const Series          c = p[NOMOS_QG_P_NONLINEARITY], *u = p + NOMOS_QG_P_U, *v = p + NOMOS_QG_P_V;
  const Series          height = physics->height ? Relative(Over(p[NOMOS_QG_P_F0], p[NOMOS_QG_P_DEPTHS + physics->n_depths - 1])) : Constant(1);
  const Series          jet_rate = p[PetscIsNanReal(physics->value[NOMOS_QG_P_RELAXATION_JET]) ? NOMOS_QG_P_RELAXATION : NOMOS_QG_P_RELAXATION_JET];
  Series                S[NOMOS_QG_MAX_LAYERS][NOMOS_QG_MAX_LAYERS], fraction[NOMOS_QG_MAX_LAYERS];

  for (int i = 0; i < QG_N_COEFFICIENTS; i++) theta[i] = Constant(0);
  Stretching(qg, p, S, fraction);
  theta[QG_UNITY]                    = Constant(1);
  theta[QG_ADVECTION]                = c;
  theta[QG_ADVECTION_TOPOGRAPHY]     = Times(c, height);
  theta[QG_DRAG]                     = p[NOMOS_QG_P_DRAG];
  theta[QG_HYPERVISCOSITY]           = Relative(p[NOMOS_QG_P_HYPERVISCOSITY]);
  theta[QG_HYPERVISCOSITY_PLANETARY] = Times(theta[QG_HYPERVISCOSITY], p[NOMOS_QG_P_BETA]);
  theta[QG_TOPOGRAPHY_U]             = Times(height, u[bottom]);
  theta[QG_TOPOGRAPHY_V]             = Times(height, v[bottom]);
  theta[QG_BUOYANCY]                 = p[NOMOS_QG_P_BUOYANCY];
  theta[QG_SURFACE_DEPTH]            = p[NOMOS_QG_P_SURFACE_DEPTH];
  theta[QG_FORCING]                  = p[NOMOS_QG_P_FORCING];
  for (int i = 0; i < 2 && n > 1; i++) {
    theta[QG_RELAXATION + i]     = Times(S[i][1 - i], p[NOMOS_QG_P_RELAXATION]);
    theta[QG_RELAXATION_JET + i] = Times(S[i][1 - i], jet_rate);
  }
  for (int i = 0; i < n; i++) {
    theta[QG_U + i]        = u[i];
    theta[QG_V + i]        = v[i];
    theta[QG_QY + i]       = p[NOMOS_QG_P_BETA];
    theta[QG_FRACTION + i] = fraction[i];
    if (i + 1 < n) theta[QG_ADVECTION_BELOW + i] = Times(c, S[i][i + 1]);
    if (i > 0) theta[QG_ADVECTION_ABOVE + i] = Times(c, S[i][i - 1]);
    for (int m = PetscMax(i - 1, 0); m <= PetscMin(i + 1, n - 1); m++) {
      theta[QGStretchingIndex(i, m)] = S[i][m];
      theta[QG_QY + i]               = Plus(theta[QG_QY + i], Minus(Times(S[i][m], u[m])));
      theta[QG_QX + i]               = Plus(theta[QG_QX + i], Times(S[i][m], v[m]));
    }
  }
}

/* Values and first derivatives anew, or, with p_dot, what belongs to the direction. */
static void Linearise(NomosQGSensitivity *s, const NomosQG *qg, const double p_dot[])
{
  Series p[NOMOS_QG_N_PHYSICAL], theta[QG_N_COEFFICIENTS];

  for (int i = 0; i < NOMOS_QG_N_PHYSICAL; i++) p[i] = Constant(qg->options.physics.value[i]);
  for (int j = 0; j < s->n && p_dot; j++) p[s->index[j]].of[2] = p_dot[j];
  for (int i = -1; i < s->n; i++) { /* -1: without a direction a */
    if (i >= 0) p[s->index[i]].of[1] = 1;
    Coefficients(qg, p, theta);
    if (i >= 0) p[s->index[i]].of[1] = 0;
    for (int c = 0; c < QG_N_COEFFICIENTS; c++) {
      const size_t at = (size_t)PetscMax(i, 0) * QG_N_COEFFICIENTS + (size_t)c;
      if (i < 0 && p_dot) s->dot[c] = theta[c].of[2];
      else if (i < 0) s->value[c] = theta[c].of[0];
      else if (p_dot) s->second[at] = theta[c].of[3];
      else s->jacobian[at] = theta[c].of[1];
    }
  }
}

static void Renew(NomosQG *qg)
{
  NomosQGSensitivity *s = qg->sensitivity;

  Linearise(s, qg, NULL);
  s->linearisation.version++;
  s->has_direction = false;
  for (int c = 0; c < QG_N_COEFFICIENTS; c++) {
    s->needed[c] = false;
    for (int i = 0; i < s->n; i++) s->needed[c] = s->needed[c] || s->jacobian[(size_t)i * QG_N_COEFFICIENTS + (size_t)c] != 0;
  }
  for (int i = 0; i < s->n; i++) s->list[i].value = qg->options.physics.value[s->index[i]];
}

/* The coefficients of the case's equations as they are now. */
static PetscErrorCode ListEquations(NomosQG *qg)
{
  const NomosEquationsEntry *entries;
  size_t                     n;

  PetscFunctionBeginUser;
  if (!qg->setup.equations) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosEquationsEntries(qg->setup.equations, &n, &entries));
  for (size_t i = 0; i < n; i++) qg->sensitivity->list[(size_t)qg->sensitivity->n + i] = entries[i].parameter;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGSensitivityCreate(NomosModel model)
{
  NomosQG                   *qg = model->data;
  NomosQGSensitivity        *s;
  const NomosEquationsEntry *entries;
  size_t                     n_equations = 0;

  PetscFunctionBeginUser;
  if (qg->sensitivity) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&s));
  qg->sensitivity = s;
  if (qg->setup.equations) PetscCall(NomosEquationsEntries(qg->setup.equations, &n_equations, &entries));
  s->n_equations = (int)n_equations;
  PetscCall(PetscCalloc1(NOMOS_QG_N_PHYSICAL + n_equations, &s->list));
  for (int k = 0; k < N_KEYS; k++) {
    int       skip;
    const int n = Entries(qg, physical[k].first, &skip);
    for (int i = skip; i < skip + n; i++) {
      s->index[s->n]  = physical[k].first + i;
      s->flags[s->n]  = physical[k].flags;
      s->list[s->n++] = (NomosModelParameter){.param = Find(physical[k].key), .entry = i};
    }
  }
  PetscCall(PetscCalloc2((size_t)(s->n + 1) * QG_N_COEFFICIENTS, &s->jacobian, (size_t)(s->n + 1) * QG_N_COEFFICIENTS, &s->second));
  s->linearisation = (NomosQGLinearisation){.n_parameters = s->n, .n_equations = s->n_equations, .value = s->value, .jacobian = s->jacobian, .needed = s->needed};
  Renew(qg);
  PetscCall(ListEquations(qg));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGSensitivityDestroy(NomosModel model)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  if (!qg->sensitivity) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2(qg->sensitivity->jacobian, qg->sensitivity->second));
  PetscCall(PetscFree(qg->sensitivity->list));
  PetscCall(PetscFree(qg->sensitivity));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGLinearise(NomosModel model, const double p_dot[], NomosQGLinearisation *linearisation)
{
  NomosQG            *qg = model->data;
  NomosQGSensitivity *s;

  PetscFunctionBeginUser;
  PetscCall(NomosQGSensitivityCreate(model));
  s = qg->sensitivity;
  if (p_dot && (!s->has_direction || memcmp(s->p_dot, p_dot, sizeof *p_dot * (size_t)s->n))) {
    memcpy(s->p_dot, p_dot, sizeof *p_dot * (size_t)s->n);
    Linearise(s, qg, p_dot);
    s->has_direction = true;
    s->linearisation.direction++;
  }
  *linearisation = s->linearisation;
  if (p_dot && s->n) {
    linearisation->dot    = s->dot;
    linearisation->second = s->second;
    linearisation->p_dot  = s->p_dot;
  }
  if (p_dot && s->n_equations) linearisation->c_dot = p_dot + s->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGParameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  NomosQG *qg = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosQGSensitivityCreate(model));
  *n    = (size_t)(qg->sensitivity->n + qg->sensitivity->n_equations);
  *list = qg->sensitivity->list;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosQGSetParameters(NomosModel model, const double values[])
{
  NomosQG            *qg = model->data;
  NomosQGPhysics      before = qg->options.physics;
  NomosQGSensitivity *s;
  PetscErrorCode      refused;

  PetscFunctionBeginUser;
  PetscCall(NomosModelCheckParameters(model, values));
  s = qg->sensitivity;
  for (int i = 0; i < s->n; i++)
    NomosCheck(!(s->flags[i] & NONZERO) || values[i] != 0, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s[%d] = 0: must be another number; keep it away from there (bounds, or smaller steps of the minimisation)", s->list[i].param->key, s->list[i].entry);
  for (int i = 0; i < s->n; i++) qg->options.physics.value[s->index[i]] = values[i];
  refused = NomosQGPhysicsApply(model->comm, model->config, &qg->setup, &qg->options);
  if (refused) { /* what was there stays */
    qg->options.physics = before;
    (void)NomosQGPhysicsApply(model->comm, model->config, &qg->setup, &qg->options);
    PetscCall(refused);
  }
  if (s->n_equations) PetscCall(NomosEquationsSetCoefficients(qg->setup.equations, values + s->n));
  PetscCall(qg->ops->renew(qg->core));
  Renew(qg);
  PetscCall(ListEquations(qg));
  PetscFunctionReturn(PETSC_SUCCESS);
}
