/* Bodies of material points without a case file, with a law of their own: for tests of the kernels of solvers/mpm. */
#ifndef NOMOS_TESTS_MPM_SETUPS_H
#define NOMOS_TESTS_MPM_SETUPS_H

#include "operators/model_operator.h"
#include "solvers/mpm/mpm.h"
#include "tests/harness.h"

/* Evenly spread numbers in [-1, 1). */
static inline double Noise(uint64_t i)
{
  i = (i + 1) * 0x9e3779b97f4a7c15u;
  i = (i ^ i >> 30) * 0xbf58476d1ce4e5b9u;
  i = (i ^ i >> 27) * 0x94d049bb133111ebu;
  return (double)((i ^ i >> 31) >> 11) * 0x1p-52 - 1;
}

/* Elasticity with parameters mu and lambda, tau = mu (F F^T - 1) + lambda/2 (J^2 - 1) 1, psi = mu/2 (tr F^T F - 3 - 2 log J) + lambda/4 (J^2 - 1 - 2 log J);
   and a "plasticity" with one parameter, F_e = (1 + s (J - 1)) F. In doubles, for laws of either precision. */
static inline double MatrixAt(NomosLaw law, const void *array, size_t i)
{
  return law->precision == NOMOS_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}
static inline void MatrixGet(NomosLaw law, const void *array, size_t stride, size_t k, double m[9])
{
  for (size_t e = 0; e < 9; e++) m[e] = MatrixAt(law, array, e * stride + k);
}
static inline void MatrixSet(NomosLaw law, const double m[9], size_t stride, size_t k, void *array)
{
  for (size_t e = 0; e < 9; e++)
    if (law->precision == NOMOS_F32) ((float *)array)[e * stride + k] = (float)m[e];
    else ((double *)array)[e * stride + k] = m[e];
}
/* J, and dJ/dF */
static inline double Cofactors(const double F[9], double cof[9])
{
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      const int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
      cof[3 * i + j] = F[3 * a + c] * F[3 * b + d] - F[3 * a + d] * F[3 * b + c];
    }
  return F[0] * cof[0] + F[1] * cof[1] + F[2] * cof[2];
}
static inline void TestElasticityApply(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept)
{
  (void)kept;
  for (size_t k = 0; k < n; k++) {
    double f[9], tau[9], cof[9];
    MatrixGet(law, F, stride, k, f);
    const double J = Cofactors(f, cof);
    for (int i = 0; i < 9; i++) {
      const int r = i / 3, c = i % 3;
      tau[i] = law->values[0] * (f[3 * r] * f[3 * c] + f[3 * r + 1] * f[3 * c + 1] + f[3 * r + 2] * f[3 * c + 2] - (r == c)) + (r == c) * law->values[1] / 2 * (J * J - 1);
    }
    MatrixSet(law, tau, stride, k, y);
  }
}
static inline void TestElasticityJvp(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot)
{
  for (size_t k = 0; k < n; k++) {
    double f[9], g[9], tau[9], cof[9], J_dot = 0;
    MatrixGet(law, F, stride, k, f);
    MatrixGet(law, F_dot, stride, k, g);
    const double J = Cofactors(f, cof);
    for (int i = 0; i < 9; i++) J_dot += cof[i] * g[i];
    for (int i = 0; i < 9; i++) {
      const int r = i / 3, c = i % 3;
      tau[i] = (r == c) * law->values[1] * J * J_dot;
      for (int l = 0; l < 3; l++) tau[i] += law->values[0] * (g[3 * r + l] * f[3 * c + l] + f[3 * r + l] * g[3 * c + l]) + (p_dot ? p_dot[0] * f[3 * r + l] * f[3 * c + l] : 0);
      if (p_dot && r == c) tau[i] += p_dot[1] / 2 * (J * J - 1) - p_dot[0];
    }
    MatrixSet(law, tau, stride, k, y_dot);
  }
}
static inline void TestElasticityVjp(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[])
{
  (void)kept;
  for (size_t k = 0; k < n; k++) {
    double f[9], b[9], f_bar[9], cof[9];
    MatrixGet(law, F, stride, k, f);
    MatrixGet(law, y_bar, stride, k, b);
    const double J = Cofactors(f, cof), trace = b[0] + b[4] + b[8];
    for (int i = 0; i < 9; i++) {
      f_bar[i] = law->values[1] * J * trace * cof[i];
      for (int l = 0; l < 3; l++) f_bar[i] += law->values[0] * (b[i / 3 * 3 + l] + b[3 * l + i / 3]) * f[3 * l + i % 3];
      for (int l = 0; p_bar && l < 3; l++) p_bar[0] += b[i] * f[i / 3 * 3 + l] * f[i % 3 * 3 + l];
    }
    if (p_bar) {
      p_bar[0] -= trace;
      p_bar[1] += trace / 2 * (J * J - 1);
    }
    MatrixSet(law, f_bar, stride, k, F_bar);
  }
}
static inline void TestElasticityEnergy(NomosLaw law, size_t n, size_t stride, const void *F, void *psi)
{
  for (size_t k = 0; k < n; k++) {
    double f[9], cof[9], square = 0;
    MatrixGet(law, F, stride, k, f);
    const double J = Cofactors(f, cof);
    for (int i = 0; i < 9; i++) square += f[i] * f[i];
    const double value = law->values[0] / 2 * (square - 3 - 2 * log(J)) + law->values[1] / 4 * (J * J - 1 - 2 * log(J));
    if (law->precision == NOMOS_F32) ((float *)psi)[k] = (float)value;
    else ((double *)psi)[k] = value;
  }
}
static inline void TestPlasticityApply(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept)
{
  (void)kept;
  for (size_t k = 0; k < n; k++) {
    double f[9], cof[9];
    MatrixGet(law, F, stride, k, f);
    const double J = Cofactors(f, cof);
    for (int i = 0; i < 9; i++) f[i] *= 1 + law->values[0] * (J - 1);
    MatrixSet(law, f, stride, k, y);
  }
}
static inline void TestPlasticityJvp(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot)
{
  for (size_t k = 0; k < n; k++) {
    double f[9], g[9], cof[9], J_dot = 0;
    MatrixGet(law, F, stride, k, f);
    MatrixGet(law, F_dot, stride, k, g);
    const double J = Cofactors(f, cof);
    for (int i = 0; i < 9; i++) J_dot += cof[i] * g[i];
    for (int i = 0; i < 9; i++) g[i] = (1 + law->values[0] * (J - 1)) * g[i] + (law->values[0] * J_dot + (p_dot ? p_dot[0] * (J - 1) : 0)) * f[i];
    MatrixSet(law, g, stride, k, y_dot);
  }
}
static inline void TestPlasticityVjp(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[])
{
  (void)kept;
  for (size_t k = 0; k < n; k++) {
    double f[9], b[9], cof[9], along = 0;
    MatrixGet(law, F, stride, k, f);
    MatrixGet(law, y_bar, stride, k, b);
    const double J = Cofactors(f, cof);
    for (int i = 0; i < 9; i++) along += b[i] * f[i];
    if (p_bar) p_bar[0] += along * (J - 1);
    for (int i = 0; i < 9; i++) b[i] = (1 + law->values[0] * (J - 1)) * b[i] + law->values[0] * along * cof[i];
    MatrixSet(law, b, stride, k, F_bar);
  }
}
static const NomosLawOps test_elasticity = {.name = "test", .kind = NOMOS_LAW_ELASTICITY, .apply = TestElasticityApply, .jvp = TestElasticityJvp, .vjp = TestElasticityVjp, .energy = TestElasticityEnergy};
static const NomosLawOps test_plasticity = {.name = "test", .kind = NOMOS_LAW_PLASTICITY, .apply = TestPlasticityApply, .jvp = TestPlasticityJvp, .vjp = TestPlasticityVjp};

/* Two blocks of material side by side about the centre of a box, at spacing dx times `spacing`, or one. */
typedef struct {
  int    d, order, cells, points[3]; /* of each material, along each axis */
  int    n_materials;
  double spacing, jitter, mu, lambda, plastic, gravity;
  bool   single;
} MpmCase;
enum { MPM_CASE_PARAMETERS = 6 }; /* mu, lambda, s of each of two materials */
typedef struct {
  NomosMpm          mpm;
  NomosMpmMaterial  material[2];
  struct NomosLaw_s law[2][2];
  double            value[2][2][2];
  size_t            place[2][2][2];
} MpmBody;

static inline void MpmBodyCreate(const MpmCase *c, MpmBody *body)
{
  NomosMpm *mpm = &body->mpm;
  memset(body, 0, sizeof *body);
  mpm->setup = (NomosMpmSetup){.d = c->d, .order = c->order, .cells = {c->cells, c->cells, c->d == 3 ? c->cells : 1}, .dx = 1. / c->cells, .wall_nodes = 3, .single = c->single, .n_materials = (size_t)c->n_materials, .materials = body->material};
  mpm->setup.gravity[1] = c->gravity;
  mpm->comm             = PETSC_COMM_WORLD;
  mpm->n_entries        = (size_t)(2 * c->d + c->d * c->d + 9);
  mpm->n_parameters     = 3 * (size_t)c->n_materials;
  const size_t per      = (size_t)c->points[0] * (size_t)c->points[1] * (size_t)(c->d == 3 ? c->points[2] : 1);
  mpm->n                = per * (size_t)c->n_materials;
  mpm->kernels          = c->single ? &nomos_mpm_kernels_f32 : &nomos_mpm_kernels_f64;
  for (int m = 0; m < c->n_materials; m++) {
    NomosMpmMaterial *material = &body->material[m];
    *material = (NomosMpmMaterial){.density = 1000 * (m + 1), .first = (size_t)m * per, .count = per};
    for (int kind = 0; kind < 2; kind++) {
      body->law[m][kind] = (struct NomosLaw_s){.ops = kind ? &test_plasticity : &test_elasticity, .precision = c->single ? NOMOS_F32 : NOMOS_F64, .n_parameters = kind ? 1 : 2, .values = body->value[m][kind]};
      material->law[kind]       = &body->law[m][kind];
      material->parameter[kind] = body->place[m][kind];
      for (size_t i = 0; i < 2; i++) body->place[m][kind][i] = 3 * (size_t)m + (kind ? 2 : i);
    }
    body->value[m][0][0] = c->mu;
    body->value[m][0][1] = c->lambda;
    body->value[m][1][0] = c->plastic;
  }
  mpm->mass     = malloc(mpm->n * sizeof *mpm->mass);
  mpm->volume   = malloc(mpm->n * sizeof *mpm->volume);
  mpm->material = malloc(mpm->n * sizeof *mpm->material);
  mpm->state    = malloc(mpm->n * mpm->n_entries * sizeof(double));
  double *state = malloc(mpm->n * mpm->n_entries * sizeof(double));
  for (size_t k = 0; k < mpm->n; k++) {
    const int    m    = k >= per;
    const size_t i    = k - (size_t)m * per;
    const int    at[3] = {(int)(i % (size_t)c->points[0]) + m * c->points[0], (int)(i / (size_t)c->points[0] % (size_t)c->points[1]), (int)(i / (size_t)c->points[0] / (size_t)c->points[1])};
    const double h    = c->spacing * mpm->setup.dx;
    mpm->volume[k]   = pow(h, c->d);
    mpm->mass[k]     = mpm->volume[k] * body->material[m].density;
    mpm->material[k] = m;
    for (int a = 0; a < c->d; a++) state[(size_t)a * mpm->n + k] = 0.5 + h * (at[a] - 0.5 * (c->points[a] * (a ? 1 : c->n_materials) - 1) + c->jitter * Noise(3 * k + (size_t)a));
    for (size_t e = 2 * (size_t)c->d; e-- > (size_t)c->d;) state[e * mpm->n + k] = 0;
    for (size_t e = 2 * (size_t)c->d; e < mpm->n_entries; e++) state[e * mpm->n + k] = 0;
    for (size_t e = 0; e < 3; e++) state[(mpm->n_entries - 9 + 4 * e) * mpm->n + k] = 1;
  }
  NomosStateFromDoubles(c->single ? NOMOS_F32 : NOMOS_F64, mpm->n * mpm->n_entries, state, mpm->state);
  free(state);
}

/* What a rank of `comm` has at home of a body: its range of ids, the same parts of all arrays. */
static inline void MpmBodyShare(const MpmBody *whole, MPI_Comm comm, MpmBody *body)
{
  const NomosMpm *from = &whole->mpm;
  NomosMpm       *mpm  = &body->mpm;
  const size_t    real = from->setup.single ? 4 : 8;
  int             rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const size_t first = from->n * (size_t)rank / (size_t)size, last = from->n * (size_t)(rank + 1) / (size_t)size;
  *body                = *whole;
  mpm->work            = NULL;
  mpm->comm            = comm;
  mpm->n               = last - first;
  mpm->setup.materials = body->material;
  mpm->mass            = malloc(mpm->n * sizeof *mpm->mass);
  mpm->volume          = malloc(mpm->n * sizeof *mpm->volume);
  mpm->material        = malloc(mpm->n * sizeof *mpm->material);
  mpm->state           = malloc(mpm->n * mpm->n_entries * real);
  memcpy(mpm->mass, from->mass + first, mpm->n * sizeof *mpm->mass);
  memcpy(mpm->volume, from->volume + first, mpm->n * sizeof *mpm->volume);
  memcpy(mpm->material, from->material + first, mpm->n * sizeof *mpm->material);
  for (size_t e = 0; e < mpm->n_entries; e++) memcpy((char *)mpm->state + e * mpm->n * real, (char *)from->state + (e * from->n + first) * real, mpm->n * real);
  for (size_t m = 0; m < mpm->setup.n_materials; m++) {
    NomosMpmMaterial *material = &body->material[m];
    const size_t      low = material->first > first ? material->first : first, high = material->first + material->count < last ? material->first + material->count : last;
    material->first = low > first ? low - first : 0;
    material->count = high > low ? high - low : 0;
    for (int kind = 0; kind < 2; kind++) {
      body->law[m][kind].values = body->value[m][kind];
      material->law[kind]       = &body->law[m][kind];
      material->parameter[kind] = body->place[m][kind];
    }
  }
}

/* The kernels' work is made at the first step, so that a test may change the setup before. */
static inline void MpmBodyDestroy(MpmBody *body)
{
  NomosMpm *mpm = &body->mpm;
  if (mpm->work) ck_ok(mpm->kernels->destroy(mpm));
  free(mpm->mass);
  free(mpm->volume);
  free(mpm->material);
  free(mpm->state);
}

#endif
