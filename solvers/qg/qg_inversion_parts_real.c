/* The inversion psi = M^-1 q of a row of modes to first order in a direction, and its transpose.

     M psi = q:            M dpsi = dq - dM psi
     M^T y = psi_bar:      M^T dy = dpsi_bar - dM^T y,     q_bar = y,  M_bar = -y psi^T

   A layered M is S - K^2, and S has three diagonals; at the surface M = r = N K tanh(K D), D = N H/f, a number for each mode. At K = 0 a rigid lid makes M singular: psi is
   the solution without barotropic part, and these formulas hold up to a constant common to all layers, which nothing depends on. */
#include "solvers/qg/qg_derivative.h"

/* r_N, r_D and r_DD, each twice in a row. */
static void SurfaceRows(const NAME(QGCore) *core, size_t offset, Complex *scratch, Real *rows[3])
{
  const NomosQGSetup *setup = core->setup;
  const size_t        n_l   = (size_t)core->n_l;
  const double        D = setup->surface_depth, N = setup->surface_buoyancy, k = (double)core->k[offset / n_l];

  for (int i = 0; i < 3; i++) rows[i] = (Real *)(scratch + (size_t)i * n_l);
  for (size_t j = 0; j < n_l; j++) {
    const double K = sqrt(k * k + (double)core->l2[2 * j]), t = D > 0 ? tanh(K * D) : 1, value[3] = {K * t, N * K * K * (1 - t * t), -2 * N * K * K * K * t * (1 - t * t)};
    for (int i = 0; i < 3; i++) rows[i][2 * j] = rows[i][2 * j + 1] = (Real)value[i];
  }
}

/* to -= dM x, or dM^T x. */
static void SubtractDirection(const NAME(QGCore) *core, const double *dot, bool transposed, size_t offset, Complex *const x[], Complex *const to[], Complex *scratch)
{
  const size_t n = 2 * (size_t)core->n_l;

  if (!dot) return;
  if (core->setup->surface) {
    Real *rows[3];
    SurfaceRows(core, offset, scratch, rows);
    const Real dN = (Real)dot[QG_BUOYANCY], dD = (Real)dot[QG_SURFACE_DEPTH];
    for (size_t j = 0; j < n; j++) ((Real *)to[0])[j] -= (dN * rows[0][j] + dD * rows[1][j]) * ((const Real *)x[0])[j];
    return;
  }
  for (int i = 0; i < core->n_layers; i++)
    for (int m = PetscMax(i - 1, 0); m <= PetscMin(i + 1, core->n_layers - 1); m++) {
      const Real c = (Real)dot[transposed ? QGStretchingIndex(m, i) : QGStretchingIndex(i, m)];
      const Real *restrict from = (const Real *)x[m];
      Real *restrict row = (Real *)to[i];
      for (size_t j = 0; j < n && c != 0; j++) row[j] -= c * from[j];
    }
}

void NAME(QGInvertParts)(const NAME(QGCore) *core, const double *const theta[2], int parts, size_t offset, Complex *const q[2][NOMOS_QG_MAX_LAYERS], Complex *const psi[2][NOMOS_QG_MAX_LAYERS], Complex *scratch)
{
  const size_t n_l = (size_t)core->n_l;
  Complex     *right[NOMOS_QG_MAX_LAYERS], *rest = scratch + (size_t)core->n_layers * n_l;

  NAME(QGInvertLayers)(core, q[0], offset, psi[0], (Real *)rest);
  if (parts == 1) return;
  for (int i = 0; i < core->n_layers; i++) {
    right[i] = scratch + (size_t)i * n_l;
    for (size_t j = 0; j < n_l; j++)
      for (int c = 0; c < 2; c++) right[i][j][c] = q[1][i][j][c];
  }
  SubtractDirection(core, theta[1], false, offset, psi[0], right, rest);
  NAME(QGInvertLayers)(core, right, offset, psi[1], (Real *)rest);
}

void NAME(QGInvertTranspose)(const NAME(QGCore) *core, const double *const theta[2], int parts, size_t offset, Complex *const psi_bar[2][NOMOS_QG_MAX_LAYERS], Complex *const y[2][NOMOS_QG_MAX_LAYERS], Complex *scratch)
{
  for (int part = 0; part < parts; part++) {
    if (part) SubtractDirection(core, theta[1], true, offset, y[0], psi_bar[1], scratch);
    NAME(QGInvertLayersTransposed)(core, psi_bar[part], offset, y[part], (Real *)scratch);
  }
}

void NAME(QGInvertSums)(const NAME(QGCore) *core, const double *const theta[2], int parts, size_t offset, Complex *const y[2][NOMOS_QG_MAX_LAYERS], Complex *const psi[2][NOMOS_QG_MAX_LAYERS], Complex *scratch, double *const sums[2])
{
  const size_t n_l = (size_t)core->n_l;

  if (core->setup->surface) {
    Real *rows[3];
    SurfaceRows(core, offset, scratch, rows);
    for (int part = 0; part < parts; part++)
      for (int a = 0; a <= part; a++)
        for (int what = 0; what < 2; what++) sums[part][what ? QG_SURFACE_DEPTH : QG_BUOYANCY] -= NAME(QGDotRow)(n_l, y[a][0], rows[what], false, psi[part - a][0]);
    if (parts > 1 && theta[1]) { /* r_N and r_D change along the direction: r_ND = r_D/N */
      const double cross = NAME(QGDotRow)(n_l, y[0][0], rows[1], false, psi[0][0]) / core->setup->surface_buoyancy, dN = theta[1][QG_BUOYANCY], dD = theta[1][QG_SURFACE_DEPTH];
      sums[1][QG_BUOYANCY] -= dD * cross;
      sums[1][QG_SURFACE_DEPTH] -= dN * cross + dD * NAME(QGDotRow)(n_l, y[0][0], rows[2], false, psi[0][0]);
    }
    return;
  }
  for (int part = 0; part < parts; part++)
    for (int a = 0; a <= part; a++)
      for (int i = 0; i < core->n_layers; i++)
        for (int m = PetscMax(i - 1, 0); m <= PetscMin(i + 1, core->n_layers - 1); m++) sums[part][QGStretchingIndex(i, m)] -= NAME(QGDotPlain)(n_l, y[a][i], psi[part - a][m]);
}
