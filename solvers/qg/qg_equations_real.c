/* Extra terms of a tendency and their derivatives: fields out to the user's grid, the equations of the case there, and back. */
#include "solvers/qg/qg_derivative_impl.h"
#include "solvers/qg/qg_equations.h"

static size_t All(const NAME(QGCore) *core)
{
  return core->n_modes * (size_t)core->n_layers;
}

/* Pointers as the equations want them, by the names of fields or of variables; of one layer, each has two (qg_equations.c). */
typedef struct {
  double *of[QG_EQUATION_NAMES];
} List;

static List FieldsByName(const NAME(QGEquations) *e, double *values)
{
  List list = {{NULL}};

  for (int i = 0; i < e->n_names; i++) list.of[i] = e->place[i] < 0 ? NULL : values + (size_t)e->place[i] * e->n_points;
  return list;
}

static List RatesByName(const NAME(QGCore) *core, double *values)
{
  List list = {{NULL}};

  for (int i = 0; i < core->n_layers; i++) list.of[i] = values + (size_t)i * core->equations->n_points;
  if (core->n_layers == 1) list.of[1] = list.of[0];
  return list;
}

#define IN(list) ((const double *const *)(list).of)

/* What the terms name, and which layers have an equation. */
static PetscErrorCode Create(NAME(QGCore) *core)
{
  const int                  layers = core->n_layers, n_fields = QG_EQUATION_KINDS * layers;
  NomosTerms                 terms  = NomosEquationsTerms(core->setup->equations);
  const NomosEquationsEntry *entries;
  NAME(QGEquations)         *e;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e));
  core->equations = e;
  e->n_points     = (size_t)core->output_fft->n_y_local * (size_t)core->setup->nx;
  e->n_names      = layers == 1 ? 2 * n_fields : n_fields;
  PetscCheck(NomosTermsPoints(terms) == e->n_points, PETSC_COMM_SELF, PETSC_ERR_PLIB, "the equations have %zu points of a grid, the state %zu", NomosTermsPoints(terms), e->n_points);
  PetscCall(NomosEquationsEntries(core->setup->equations, &e->n_coefficients, &entries));
  for (size_t i = 0; i < e->n_coefficients; i++) e->driven[layers == 1 ? 0 : entries[i].variable] = true;
  for (int i = 0; i < n_fields; i++) {
    const bool used = NomosTermsUsesField(terms, (size_t)i) || (layers == 1 && NomosTermsUsesField(terms, (size_t)(n_fields + i)));
    e->place[i]     = used ? e->n_used : -1;
    if (layers == 1) e->place[n_fields + i] = e->place[i];
    if (!used) continue;
    e->kind[e->n_used]    = i / layers;
    e->layer[e->n_used++] = i % layers;
  }
  PetscCall(PetscMalloc2(core->n_modes + 1, &e->modes, e->n_points + 1, &e->grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(NAME(QGCore) *core, int parts, bool adjoint)
{
  PetscFunctionBeginUser;
  if (!core->equations) PetscCall(Create(core));
  NAME(QGEquations) *e = core->equations;
  const size_t       n_modes = All(core) + 1, n_fields = (size_t)e->n_used * e->n_points + 1, n_rates = (size_t)core->n_layers * e->n_points + 1;
  for (int part = 0; part < parts; part++) {
    if (!e->psi[part]) PetscCall(PetscCalloc4(n_modes, &e->psi[part], n_modes, &e->tendency[part], n_fields, &e->field[part], n_rates, &e->rate[part]));
    if (adjoint && !e->psi_bar[part]) PetscCall(PetscMalloc4(n_modes, &e->psi_bar[part], n_modes, &e->q_bar[part], n_fields, &e->field_bar[part], e->n_coefficients + 1, &e->c_bar[part]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEquationsDestroy)(NAME(QGCore) *core)
{
  NAME(QGEquations) *e = core->equations;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  for (int part = 0; part < 2; part++) {
    PetscCall(PetscFree4(e->psi[part], e->tendency[part], e->field[part], e->rate[part]));
    PetscCall(PetscFree4(e->psi_bar[part], e->q_bar[part], e->field_bar[part], e->c_bar[part]));
  }
  PetscCall(PetscFree2(e->modes, e->grid));
  PetscCall(PetscFree(core->equations));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEquationsClear)(NAME(QGCore) *core, int parts)
{
  PetscFunctionBeginUser;
  PetscCall(Allocate(core, parts, true));
  for (int part = 0; part < parts; part++) PetscCall(PetscArrayzero(core->equations->c_bar[part], core->equations->n_coefficients));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Under a rigid lid psi is known up to a constant common to all layers, which is such that sum_i H_i/H psi_i = 0: when depths change, so does the constant, and terms see it. */
static bool FreeConstant(const NAME(QGCore) *core)
{
  return core->n_layers > 1 && core->fft->k_start == 0 && core->fft->n_k_local > 0;
}

static void Streamfunctions(NAME(QGCore) *core, const NAME(QGPoint) *at)
{
  NAME(QGEquations) *e        = core->equations;
  const double      *theta[2] = {NAME(QGTheta)(at, 0), NAME(QGTheta)(at, 1)};

#pragma omp parallel for schedule(static) num_threads(core->n_threads)
  for (int row = 0; row < core->fft->n_k_local; row++) {
    const size_t offset = (size_t)row * (size_t)core->n_l;
    Complex     *q[2][NOMOS_QG_MAX_LAYERS], *psi[2][NOMOS_QG_MAX_LAYERS];
    NAME(QGLayerRows)(core, at->q, 2, offset, q);
    NAME(QGLayerRows)(core, (const Complex *const *)e->psi, 2, offset, psi);
    NAME(QGInvertParts)(core, theta, 2, offset, q, psi, NAME(QGRow)(core, &core->derivative->threads[omp_get_thread_num()], QG_ROW_SCRATCH, 0, 0));
  }
  if (!theta[1] || !FreeConstant(core)) return;
  for (int c = 0; c < 2; c++) {
    double constant = 0;
    for (int i = 0; i < core->n_layers; i++) constant += theta[1][QG_FRACTION + i] * (double)e->psi[0][(size_t)i * core->n_modes][c];
    for (int i = 0; i < core->n_layers; i++) e->psi[1][(size_t)i * core->n_modes][c] -= (Real)constant;
  }
}

/* to := -psi_y or psi_x of the modes from; its transpose adds. */
static void Velocity(const NAME(QGCore) *core, int kind, bool transposed, const Complex *from, Complex *to)
{
  for (size_t i = 0; i < core->n_modes; i++) {
    const Real wavenumber = kind == QG_EQUATION_U ? -core->l_pair[2 * (i % (size_t)core->n_l)] : core->k[i / (size_t)core->n_l], s = transposed ? -wavenumber : wavenumber;
    to[i][0] = (transposed ? to[i][0] : 0) - s * from[i][1];
    to[i][1] = (transposed ? to[i][1] : 0) + s * from[i][0];
  }
}

/* The fields in parts. */
static PetscErrorCode FieldsOut(NAME(QGCore) *core, const NAME(QGPoint) *at)
{
  NAME(QGEquations) *e = core->equations;

  PetscFunctionBeginUser;
  if (at->parts == 1) NAME(QGStreamfunction)(core, at->q[0], e->psi[0]);
  else Streamfunctions(core, at);
  for (int part = 0; part < at->parts; part++)
    for (int i = 0; i < e->n_used; i++) {
      const Complex *from = (e->kind[i] == QG_EQUATION_Q ? at->q[part] : e->psi[part]) + (size_t)e->layer[i] * core->n_modes;
      double        *to   = e->field[part] + (size_t)i * e->n_points;
      const bool     is_velocity = e->kind[i] == QG_EQUATION_U || e->kind[i] == QG_EQUATION_V;
      if (is_velocity) Velocity(core, e->kind[i], false, from, e->modes);
      PetscCall(NAME(NomosFftInverse)(core->output_fft, is_velocity ? (const Complex *)e->modes : from, e->grid));
      for (size_t j = 0; j < e->n_points; j++) to[j] = (double)e->grid[j];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEquationsFields)(void *data, const void *state, const double *const **fields)
{
  NAME(QGCore)       *core = data;
  const NAME(QGPoint) at   = {.parts = 1, .q = {state}};

  PetscFunctionBeginUser;
  PetscCall(Allocate(core, 1, false));
  PetscCall(FieldsOut(core, &at));
  const List list = FieldsByName(core->equations, core->equations->field[0]);
  memcpy(core->equations->by_name, list.of, sizeof list.of);
  *fields = (const double *const *)core->equations->by_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEquationsTendency)(NAME(QGCore) *core, const Complex *q)
{
  const NAME(QGPoint) at = {.terms = NOMOS_QG_EXTRA_TERMS, .parts = 1, .q = {q}};

  PetscFunctionBeginUser;
  PetscCall(NAME(QGEquationsTangent)(core, &at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEquationsTangent)(NAME(QGCore) *core, const NAME(QGPoint) *at)
{
  NomosEquations equations = core->setup->equations;
  List           fields[2], rates[2];

  PetscFunctionBeginUser;
  PetscCall(Allocate(core, at->parts, false));
  NAME(QGEquations) *e = core->equations;
  PetscCall(FieldsOut(core, at));
  for (int part = 0; part < at->parts; part++) {
    PetscCall(PetscArrayzero(e->rate[part], (size_t)core->n_layers * e->n_points));
    fields[part] = FieldsByName(e, e->field[part]);
    rates[part]  = RatesByName(core, e->rate[part]);
  }
  PetscCall(NomosEquationsAdd(equations, IN(fields[0]), rates[0].of));
  if (at->parts > 1) PetscCall(NomosEquationsJvp(equations, IN(fields[0]), IN(fields[1]), at->parameters->c_dot, rates[1].of));
  for (int part = 0; part < at->parts; part++)
    for (int i = 0; i < core->n_layers; i++) { /* that of a layer without an equation stays 0 */
      if (!e->driven[i]) continue;
      for (size_t j = 0; j < e->n_points; j++) e->grid[j] = (Real)rates[part].of[i][j];
      PetscCall(NAME(NomosFftForward)(core->output_fft, e->grid, e->tendency[part] + (size_t)i * core->n_modes));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The transpose of how the constant of psi follows the depths; psi = phi - (sum_j h_j phi_j) for any phi with M phi = q. */
static void ConstantTransposed(const NAME(QGCore) *core, const NAME(QGPoint) *at, double *const sums[2])
{
  NAME(QGEquations) *e = core->equations;
  const double      *h = at->parts > 1 ? NAME(QGTheta)(at, 1) : NULL;

  for (int c = 0; c < 2; c++) {
    double total[2] = {0, 0};
    for (int part = 0; part < at->parts; part++)
      for (int i = 0; i < core->n_layers; i++) total[part] += (double)e->psi_bar[part][(size_t)i * core->n_modes][c];
    for (int i = 0; i < core->n_layers; i++) {
      const size_t mode = (size_t)i * core->n_modes;
      if (h) e->psi_bar[1][mode][c] -= (Real)(h[QG_FRACTION + i] * total[0]);
      for (int part = 0; part < at->parts && sums; part++)
        for (int a = 0; a <= part; a++) sums[part][QG_FRACTION + i] -= total[a] * (double)e->psi[part - a][mode][c];
    }
  }
}

/* psi_bar and q_bar of a part from those of the fields. */
static PetscErrorCode FieldsIn(NAME(QGCore) *core, int part)
{
  NAME(QGEquations) *e = core->equations;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(e->psi_bar[part], All(core)));
  PetscCall(PetscArrayzero(e->q_bar[part], All(core)));
  for (int i = 0; i < e->n_used; i++) {
    const double *from = e->field_bar[part] + (size_t)i * e->n_points;
    Complex      *to   = (e->kind[i] == QG_EQUATION_Q ? e->q_bar[part] : e->psi_bar[part]) + (size_t)e->layer[i] * core->n_modes;
    for (size_t j = 0; j < e->n_points; j++) e->grid[j] = (Real)from[j];
    PetscCall(NAME(NomosFftInverseAdjoint)(core->output_fft, e->grid, e->modes));
    if (e->kind[i] == QG_EQUATION_U || e->kind[i] == QG_EQUATION_V) Velocity(core, e->kind[i], true, e->modes, to);
    else NAME(QGPlusRow)(core->n_modes, e->modes, to);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEquationsAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], double *const sums[2])
{
  NomosEquations equations = core->setup->equations;
  List           fields[2], rates[2], bars[2];

  PetscFunctionBeginUser;
  PetscCall(Allocate(core, at->parts, true));
  NAME(QGEquations) *e = core->equations;
  PetscCall(FieldsOut(core, at));
  for (int part = 0; part < at->parts; part++) {
    PetscCall(PetscArrayzero(e->field_bar[part], (size_t)e->n_used * e->n_points));
    fields[part] = FieldsByName(e, e->field[part]);
    rates[part]  = RatesByName(core, e->rate[part]);
    bars[part]   = FieldsByName(e, e->field_bar[part]);
    for (int i = 0; i < core->n_layers; i++) {
      if (!e->driven[i]) continue;
      PetscCall(NAME(NomosFftForwardAdjoint)(core->output_fft, t_bar[part] + (size_t)i * core->n_modes, e->grid));
      for (size_t j = 0; j < e->n_points; j++) rates[part].of[i][j] = (double)e->grid[j];
    }
  }
  PetscCall(NomosEquationsVjp(equations, IN(fields[0]), IN(rates[0]), bars[0].of, sums ? e->c_bar[0] : NULL));
  if (at->parts > 1) PetscCall(NomosEquationsHvp(equations, IN(fields[0]), IN(fields[1]), at->parameters->c_dot, IN(rates[0]), IN(rates[1]), bars[1].of, sums ? e->c_bar[1] : NULL));
  for (int part = 0; part < at->parts; part++) PetscCall(FieldsIn(core, part));
  if (FreeConstant(core)) ConstantTransposed(core, at, sums);
  PetscFunctionReturn(PETSC_SUCCESS);
}
