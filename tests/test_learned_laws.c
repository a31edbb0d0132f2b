/* Learned laws: what the paper's networks compute, from a plain implementation on the tape; what they promise, before and after a change of the weights; their derivatives, also where singular
   values coincide; weights from files. */
#include "harness.h"

#include "io/safetensors.h"
#include "operators/operator_check.h"
#include "operators/primitives.h"
#include "operators/random.h"
#include "surrogates/constitutive/law_list.h"
#include "surrogates/constitutive/learned_law.h"

#include <omp.h>

enum { N = 150 }; /* tiles and a part of one */

static const NomosLawOps *Find(NomosLawKind kind, const char name[])
{
  const NomosLawOps *ops;
  ck_ok(NomosLawRegister(nomos_learned_laws));
  ck_ok(NomosLawFind(kind, name, "here", &ops));
  return ops;
}

/* A law of material `m` with settings "key=value" (NULL-terminated list may be NULL). The config is destroyed with the law. */
static NomosLaw Law(const NomosLawOps *ops, NomosRealType precision, const char *const settings[])
{
  NomosConfig config;
  NomosLaw    law;
  char        assignment[NOMOS_MAX_PATH];

  ck_ok(NomosConfigCreate(PETSC_COMM_SELF, &config));
  for (; settings && *settings; settings++) {
    snprintf(assignment, sizeof assignment, "materials.m.%s", *settings);
    ck_ok(NomosConfigSet(config, assignment));
  }
  ck_ok(NomosConfigRegisterSection(config, "materials.m", ops->n_params, ops->params));
  ck_ok(NomosLawCreate(PETSC_COMM_SELF, ops, config, "materials.m", precision, &law));
  return law;
}

static void Free(NomosLaw *law)
{
  NomosConfig config = (*law)->config;
  ck_ok(NomosLawDestroy(law));
  ck_ok(NomosConfigDestroy(&config));
}

static double Random(uint64_t stream, size_t i)
{
  return NomosRandomNormal(5, stream, i);
}

/* Weights moved by a tenth of their size, as if trained. */
static void Move(NomosLaw law)
{
  double *values = malloc(law->n_parameters * sizeof *values);
  for (size_t i = 0; i < law->n_parameters; i++) values[i] = law->values[i] + 0.05 * Random(70, i);
  ck_ok(NomosLawSetValues(law, values));
  free(values);
}

/* n deformation gradients, entry-major: random ones near the unit matrix with positive determinants. */
static void Deformations(size_t n, uint64_t stream, double *F)
{
  for (size_t e = 0; e < 9; e++)
    for (size_t k = 0; k < n; k++) F[e * n + k] = (e % 4 == 0) + 0.2 * tanh(Random(stream, 9 * k + e));
}

static double Largest(size_t n, const double *a)
{
  double most = 0;
  for (size_t i = 0; i < n; i++) most = isfinite(a[i]) ? fmax(most, fabs(a[i])) : INFINITY;
  return most;
}

static double Distance(size_t n, const double *a, const double *b)
{
  double most = 0;
  for (size_t i = 0; i < n; i++) most = isfinite(a[i]) ? fmax(most, fabs(a[i] - b[i])) : INFINITY;
  return most / fmax(Largest(n, b), 1e-300);
}

/* ---- against the tape ---- */

static NomosTensor Share(NomosTensor a, bool ta, NomosTensor b, bool tb)
{
  return NomosSmallProduct(a, ta, b, tb);
}

/* The paper's laws as one would write them down, a point a row: Ma et al. (2023), doi:10.48550/arXiv.2304.14369. w: the layers' weights [out, in]. */
static NomosTensor Plainly(NomosLawKind kind, const char name[], NomosTensor F, size_t n_weights, const NomosTensor w[])
{
  const size_t      n = NomosTensorSize(F) / 9, by9[] = {n, 9}, by1[] = {n, 1}, by3[] = {n, 3}, row3[] = {n, 1, 3}, matrix[] = {n, 3, 3};
  const int         last[] = {1};
  const NomosTensor unit = NomosTensorFromDoubles(F.tape, NOMOS_F64, 3, (size_t[]){1, 3, 3}, (double[]){1, 0, 0, 0, 1, 0, 0, 0, 1});
  const NomosTensor J = NomosAffine(NomosReshape(NomosDeterminant(F), 2, by1), 1, -1), R = NomosRotation(F);
  NomosTensor       U, s, V, x, P;

  NomosSvd(F, &U, &s, &V);
  if (!strcmp(name, "invariant_full")) x = NomosConcatenate(3, (NomosTensor[]){NomosAffine(s, 1, -1), NomosReshape(NomosSubtract(Share(F, true, F, false), unit), 2, by9), J}, 1);
  else if (!strcmp(name, "invariant")) x = NomosConcatenate(3, (NomosTensor[]){NomosAffine(NomosSum(s, 1, last, true), 1, -3), NomosAffine(NomosSum(NomosReshape(NomosMultiply(F, F), 2, by9), 1, last, true), 1, -3), J}, 1);
  else if (!strcmp(name, "polar")) x = NomosReshape(NomosSubtract(Share(R, true, F, false), unit), 2, by9);
  else if (!strcmp(name, "svd")) x = NomosAffine(NomosReshape(s, 2, by3), 1, -1);
  else x = NomosReshape(NomosSubtract(F, unit), 2, by9);
  for (size_t l = 0; l < n_weights; l++) x = NomosMatMul(l ? NomosFunction(NOMOS_GELU, 0, x) : x, NomosTranspose(w[l]));
  if (!strcmp(name, "svd")) P = Share(NomosMultiply(U, NomosReshape(x, 3, row3)), false, V, true);
  else {
    const NomosTensor X = NomosReshape(x, 3, matrix);
    P                   = strcmp(name, "plain") ? Share(R, false, NomosAffine(NomosAdd(X, NomosTranspose(X)), 0.5, 0), false) : X;
  }
  return kind == NOMOS_LAW_ELASTICITY ? Share(P, false, F, true) : NomosAdd(F, NomosAffine(P, 1e-3, 0));
}

/* Entry-major to point-major. */
static void Points(size_t n, const double *x, double *y)
{
  for (size_t k = 0; k < n; k++)
    for (size_t e = 0; e < 9; e++) y[9 * k + e] = x[e * n + k];
}

START_TEST(test_against_tape)
{
  static const char *const names[] = {"invariant_full", "invariant", "polar", "svd", "plain"};
  static double            F[9 * N], y[9 * N], y_bar[9 * N], F_bar[9 * N], points[9 * N], theirs[9 * N];

  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++)
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      NomosLaw    law = Law(Find(k, names[i]), NOMOS_F64, NULL);
      NomosTape   tape;
      NomosTensor x[4], w_bar[4];
      Move(law);
      Deformations(N, i, F);
      for (size_t e = 0; e < 9 * N; e++) y_bar[e] = Random(40, e);
      double *p_bar = calloc(law->n_parameters, sizeof *p_bar), *p_theirs = malloc(law->n_parameters * sizeof *p_bar);
      law->ops->apply(law, N, N, F, y, NULL);
      law->ops->vjp(law, N, N, F, y_bar, NULL, F_bar, p_bar);

      ck_ok(NomosTapeCreate(&tape));
      Points(N, F, points);
      x[0] = NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){N, 3, 3}, points);
      size_t at = 0;
      for (size_t l = 0; l < 3; l++) {
        const size_t in = l ? 64 : law->n_parameters == 5504 ? 13 : law->n_parameters == 4480 ? 3 : !strcmp(names[i], "invariant") ? 3 : 9, out = l < 2 ? 64 : !strcmp(names[i], "svd") ? 3 : 9;
        x[1 + l] = NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){out, in}, law->values + at);
        at += out * in;
      }
      ck_assert_int_eq((int)at, (int)law->n_parameters);
      const NomosTensor result = Plainly(k, names[i], x[0], 3, x + 1);
      ck_ok(NomosTensorGetDoubles(result, theirs));
      Points(N, y, points);
      ck_assert_msg(Distance(9 * N, points, theirs) < 1e-12, "%s %s differs from the tape's by %g", names[i], nomos_law_kinds[k], Distance(9 * N, points, theirs));

      Points(N, y_bar, points);
      ck_ok(NomosGradient(&(NomosGradientInput){.y = result, .y_bar = NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){N, 3, 3}, points), .n = 4, .x = x}, w_bar));
      ck_ok(NomosTensorGetDoubles(w_bar[0], theirs));
      Points(N, F_bar, points);
      ck_assert_msg(Distance(9 * N, points, theirs) < 1e-11, "%s %s: the gradient by F differs from the tape's by %g", names[i], nomos_law_kinds[k], Distance(9 * N, points, theirs));
      at = 0;
      for (size_t l = 0; l < 3; l++) {
        ck_ok(NomosTensorGetDoubles(w_bar[1 + l], p_theirs + at));
        at += NomosTensorSize(w_bar[1 + l]);
      }
      ck_assert_msg(Distance(at, p_bar, p_theirs) < 1e-12, "%s %s: the gradient by weights differs from the tape's by %g", names[i], nomos_law_kinds[k], Distance(at, p_bar, p_theirs));
      ck_ok(NomosTapeDestroy(&tape));
      free(p_bar);
      free(p_theirs);
      Free(&law);
    }
}
END_TEST

NOMOS_TEST_SUITE("learned laws", test_against_tape)
