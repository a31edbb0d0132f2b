/* Extra terms of a tendency and their derivatives: fields out to the user's grid, the equations of the case there, and back. */
#include "solvers/qg/qg_derivative_impl.h"
#include "solvers/qg/qg_equations.h"

enum { PSI, Q, N_KINDS };

static size_t All(const NAME(QGCore) *core)
{
  return core->n_modes * (size_t)core->n_layers;
}

/* Pointers as the equations want them: by their fields, and by their variables (qg_equations.c: of one layer, each has two names). */
typedef struct {
  double *of[QG_MAX_EQUATION_FIELDS];
} List;

static List ByName(const NAME(QGCore) *core, double *values, int n_kinds)
{
  const int n = core->n_layers;
  List      list;

  for (int i = 0; i < n_kinds * n; i++) list.of[i] = values + (size_t)i * core->equations->n_points;
  for (int i = 0; i < n_kinds && n == 1; i++) list.of[n_kinds + i] = list.of[i];
  return list;
}

#define IN(list) ((const double *const *)(list).of)

static PetscErrorCode Allocate(NAME(QGCore) *core, int parts, bool adjoint)
{
  NAME(QGEquations)         *e = core->equations;
  const size_t               layers = (size_t)core->n_layers;
  const NomosEquationsEntry *entries;
  size_t                     n_entries;

  PetscFunctionBeginUser;
  if (!e) {
    PetscCall(PetscNew(&e));
    e->n_points     = (size_t)core->output_fft->n_y_local * (size_t)core->setup->nx;
    core->equations = e;
    PetscCheck(NomosTermsPoints(NomosEquationsTerms(core->setup->equations)) == e->n_points, PETSC_COMM_SELF, PETSC_ERR_PLIB, "the equations have %zu points of a grid, the state %zu", NomosTermsPoints(NomosEquationsTerms(core->setup->equations)), e->n_points);
  }
  PetscCall(NomosEquationsEntries(core->setup->equations, &n_entries, &entries));
  for (int part = 0; part < parts; part++) {
    if (!e->psi[part]) {
      PetscCall(PetscMalloc2(All(core) + 1, &e->psi[part], All(core) + 1, &e->tendency[part]));
      PetscCall(PetscMalloc2(N_KINDS * layers * e->n_points + 1, &e->field[part], layers * e->n_points + 1, &e->rate[part]));
    }
    if (adjoint && !e->psi_bar[part]) {
      PetscCall(PetscMalloc2(All(core) + 1, &e->psi_bar[part], All(core) + 1, &e->q_bar[part]));
      PetscCall(PetscMalloc2(N_KINDS * layers * e->n_points + 1, &e->field_bar[part], n_entries + 1, &e->c_bar[part]));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEquationsDestroy)(NAME(QGCore) *core)
{
  NAME(QGEquations) *e = core->equations;

  PetscFunctionBeginUser;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  for (int part = 0; part < 2; part++) {
    PetscCall(PetscFree2(e->psi[part], e->tendency[part]));
    PetscCall(PetscFree2(e->field[part], e->rate[part]));
    PetscCall(PetscFree2(e->psi_bar[part], e->q_bar[part]));
    PetscCall(PetscFree2(e->field_bar[part], e->c_bar[part]));
  }
  PetscCall(PetscFree(core->equations));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(QGEquationsClear)(NAME(QGCore) *core, int parts)
{
  const NomosEquationsEntry *entries;
  size_t                     n;

  PetscFunctionBeginUser;
  PetscCall(Allocate(core, parts, true));
  PetscCall(NomosEquationsEntries(core->setup->equations, &n, &entries));
  for (int part = 0; part < parts; part++) PetscCall(PetscMemzero(core->equations->c_bar[part], sizeof(double) * n));
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

/* The fields in parts. */
static PetscErrorCode FieldsOut(NAME(QGCore) *core, const NAME(QGPoint) *at)
{
  NAME(QGEquations) *e = core->equations;

  PetscFunctionBeginUser;
  if (at->parts == 1) NAME(QGStreamfunction)(core, at->q[0], e->psi[0]);
  else Streamfunctions(core, at);
  for (int part = 0; part < at->parts; part++) {
    PetscCall(NAME(QGLayersToGrid)(core, NAME(NomosFftInverse), e->psi[part], false, e->field[part] + PSI * (size_t)core->n_layers * e->n_points));
    PetscCall(NAME(QGLayersToGrid)(core, NAME(NomosFftInverse), at->q[part], false, e->field[part] + Q * (size_t)core->n_layers * e->n_points));
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
  const List list = ByName(core, core->equations->field[0], N_KINDS);
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
  NomosEquations     equations = core->setup->equations;
  NAME(QGEquations) *e;
  List               fields[2], rates[2];

  PetscFunctionBeginUser;
  PetscCall(Allocate(core, at->parts, false));
  e = core->equations;
  PetscCall(FieldsOut(core, at));
  for (int part = 0; part < at->parts; part++) {
    PetscCall(PetscMemzero(e->rate[part], sizeof(double) * (size_t)core->n_layers * e->n_points));
    fields[part] = ByName(core, e->field[part], N_KINDS);
    rates[part]  = ByName(core, e->rate[part], 1);
  }
  PetscCall(NomosEquationsAdd(equations, IN(fields[0]), rates[0].of));
  if (at->parts > 1) PetscCall(NomosEquationsJvp(equations, IN(fields[0]), IN(fields[1]), at->parameters->c_dot, rates[1].of));
  for (int part = 0; part < at->parts; part++) PetscCall(NAME(QGLayersFromGrid)(core, NAME(NomosFftForward), e->rate[part], e->tendency[part]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The transpose of how the constant of psi follows the depths; psi = phi - (sum_j h_j phi_j) for any phi with M phi = q. */
static void ConstantTransposed(const NAME(QGCore) *core, const NAME(QGPoint) *at, double *const sums[2])
{
  NAME(QGEquations) *e = core->equations;
  const double      *h = NAME(QGTheta)(at, 1);

  for (int c = 0; c < 2; c++) {
    double total[2] = {0, 0};
    for (int part = 0; part < at->parts; part++)
      for (int i = 0; i < core->n_layers; i++) total[part] += (double)e->psi_bar[part][(size_t)i * core->n_modes][c];
    for (int i = 0; i < core->n_layers; i++) {
      const size_t mode = (size_t)i * core->n_modes;
      if (at->parts > 1 && h) e->psi_bar[1][mode][c] -= (Real)(h[QG_FRACTION + i] * total[0]);
      for (int part = 0; part < at->parts && sums; part++)
        for (int a = 0; a <= part; a++) sums[part][QG_FRACTION + i] -= total[a] * (double)e->psi[part - a][mode][c];
    }
  }
}

PetscErrorCode NAME(QGEquationsAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], double *const sums[2])
{
  NomosEquations     equations = core->setup->equations;
  NAME(QGEquations) *e;
  List               fields[2], rates[2], bars[2];

  PetscFunctionBeginUser;
  PetscCall(Allocate(core, at->parts, true));
  e = core->equations;
  PetscCall(FieldsOut(core, at));
  for (int part = 0; part < at->parts; part++) {
    PetscCall(NAME(QGLayersToGrid)(core, NAME(NomosFftForwardAdjoint), t_bar[part], false, e->rate[part]));
    PetscCall(PetscMemzero(e->field_bar[part], sizeof(double) * N_KINDS * (size_t)core->n_layers * e->n_points));
    fields[part] = ByName(core, e->field[part], N_KINDS);
    rates[part]  = ByName(core, e->rate[part], 1);
    bars[part]   = ByName(core, e->field_bar[part], N_KINDS);
  }
  PetscCall(NomosEquationsVjp(equations, IN(fields[0]), IN(rates[0]), bars[0].of, sums ? e->c_bar[0] : NULL));
  if (at->parts > 1) PetscCall(NomosEquationsHvp(equations, IN(fields[0]), IN(fields[1]), at->parameters->c_dot, IN(rates[0]), IN(rates[1]), bars[1].of, sums ? e->c_bar[1] : NULL));
  for (int part = 0; part < at->parts; part++) {
    PetscCall(NAME(QGLayersFromGrid)(core, NAME(NomosFftInverseAdjoint), e->field_bar[part] + PSI * (size_t)core->n_layers * e->n_points, e->psi_bar[part]));
    PetscCall(NAME(QGLayersFromGrid)(core, NAME(NomosFftInverseAdjoint), e->field_bar[part] + Q * (size_t)core->n_layers * e->n_points, e->q_bar[part]));
  }
  if (FreeConstant(core)) ConstantTransposed(core, at, sums);
  PetscFunctionReturn(PETSC_SUCCESS);
}
