/* The learned laws of NCLaw: what its networks compute, from a plain implementation on the tape; what they promise, before and after a change of the weights; their derivatives, also where singular
   values coincide; weights from files. */
#include "harness.h"
#include "law_checks.h"

#include "io/safetensors.h"
#include "operators/operator_check.h"
#include "operators/primitives.h"
#include "operators/random.h"
#include "surrogates/constitutive/law_list.h"
#include "surrogates/constitutive/learned_law.h"

#include <omp.h>

enum { N = 150 }; /* tiles and a part of one */

static const NomosLawOps *const networks[] = {
  &NomosLawOps_InvariantFullElasticity, &NomosLawOps_InvariantFullPlasticity, &NomosLawOps_InvariantElasticity, &NomosLawOps_InvariantPlasticity, &NomosLawOps_PolarElasticity,
  &NomosLawOps_PolarPlasticity, &NomosLawOps_SvdElasticity, &NomosLawOps_SvdPlasticity, &NomosLawOps_PlainElasticity, &NomosLawOps_PlainPlasticity,
};
static const NomosLawOps *const splines[] = {&NomosLawOps_SplineElasticity, &NomosLawOps_SplinePlasticity};
enum { N_NETWORKS = sizeof networks / sizeof *networks };
static const char *const nothing[] = {NULL};

static double Random(uint64_t stream, size_t i)
{
  return NomosRandomNormal(5, stream, i);
}

/* Weights moved by a good part of their size, as if trained; curves by about their modulus. */
static void Move(NomosLaw law)
{
  double *values = malloc(law->n_parameters * sizeof *values);
  for (size_t i = 0; i < law->n_parameters; i++) values[i] = law->values[i] + (law->n_parameters > 100 ? 0.05 : 1e3) * Random(70, i);
  ck_ok(NomosLawSetValues(law, values));
  free(values);
}

/* n deformation gradients, entry-major: random ones near the unit matrix with positive determinants. */
static void Near(size_t n, uint64_t stream, double *F)
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

/* ---- files ---- */

static size_t Tensors(NomosLaw law, NomosSafetensor *tensors)
{
  size_t n = 0;

  for (size_t i = 0; i < law->n_parameters; i++)
    if (!law->parameters[i].entry) tensors[n++] = (NomosSafetensor){.name = law->parameters[i].param->key, .type = NOMOS_F64, .n_dims = 2, .data = law->values + i};
  for (size_t t = 0; t < n; t++) {
    const size_t size = (size_t)((t + 1 < n ? (const double *)tensors[t + 1].data : law->values + law->n_parameters) - (const double *)tensors[t].data), width = 64;
    if (law->n_parameters < 100) tensors[t] = (NomosSafetensor){.name = tensors[t].name, .type = NOMOS_F64, .n_dims = 1, .shape = {size}, .data = tensors[t].data};
    else {
      tensors[t].shape[0] = t + 1 < n ? width : size / width;
      tensors[t].shape[1] = size / tensors[t].shape[0];
    }
  }
  return n;
}

/* Moved weights of a law as a file; `set` is the assignment that names it. */
static void WriteMoved(const NomosLawOps *ops, const char file[], char set[NOMOS_MAX_PATH + 16])
{
  TestLaw         test;
  NomosSafetensor tensors[8];
  char            path[NOMOS_MAX_PATH];

  ck_ok(TestLawCreate(ops, NOMOS_F64, nothing, &test));
  Move(test.law);
  snprintf(path, sizeof path, "%s/%s.safetensors", ck_directory, file);
  snprintf(set, NOMOS_MAX_PATH + 16, "learned=%s", path);
  ck_ok(NomosSafetensorsWrite(PETSC_COMM_SELF, path, &(NomosSafetensorsInput){.n_tensors = Tensors(test.law, tensors), .tensors = tensors}));
  ck_ok(TestLawDestroy(&test));
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
  static double F[9 * N], y[9 * N], y_bar[9 * N], F_bar[9 * N], points[9 * N], theirs[9 * N];

  for (size_t i = 0; i < N_NETWORKS; i++) {
    const NomosLawOps *ops = networks[i];
    TestLaw            test;
    NomosTape          tape;
    NomosTensor        x[4], bar[4];
    NomosSafetensor    tensors[8];
    ck_ok(TestLawCreate(ops, NOMOS_F64, nothing, &test));
    NomosLaw law = test.law;
    Move(law);
    Near(N, i, F);
    for (size_t e = 0; e < 9 * N; e++) y_bar[e] = Random(40, e);
    double *p_bar = calloc(law->n_parameters, sizeof *p_bar), *p_theirs = malloc(law->n_parameters * sizeof *p_bar);
    ops->apply(law, N, N, F, y, NULL);
    ops->vjp(law, N, N, F, y_bar, NULL, F_bar, p_bar);

    ck_ok(NomosTapeCreate(&tape));
    Points(N, F, points);
    x[0] = NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){N, 3, 3}, points);
    ck_assert_int_eq((int)Tensors(law, tensors), 3);
    for (size_t l = 0; l < 3; l++) x[1 + l] = NomosTensorFromDoubles(tape, NOMOS_F64, 2, tensors[l].shape, tensors[l].data);
    const NomosTensor result = Plainly(ops->kind, ops->name, x[0], 3, x + 1);
    ck_ok(NomosTensorGetDoubles(result, theirs));
    Points(N, y, points);
    ck_assert_msg(Distance(9 * N, points, theirs) < 1e-12, "%s %s differs from the tape's by %g", ops->name, nomos_law_kinds[ops->kind], Distance(9 * N, points, theirs));

    Points(N, y_bar, points);
    ck_ok(NomosGradient(&(NomosGradientInput){.y = result, .y_bar = NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){N, 3, 3}, points), .n = 4, .x = x}, bar));
    ck_ok(NomosTensorGetDoubles(bar[0], theirs));
    Points(N, F_bar, points);
    ck_assert_msg(Distance(9 * N, points, theirs) < 1e-11, "%s %s: the gradient by F differs from the tape's by %g", ops->name, nomos_law_kinds[ops->kind], Distance(9 * N, points, theirs));
    size_t at = 0;
    for (size_t l = 0; l < 3; at += NomosTensorSize(bar[1 + l++])) ck_ok(NomosTensorGetDoubles(bar[1 + l], p_theirs + at));
    ck_assert_msg(Distance(at, p_bar, p_theirs) < 1e-12, "%s %s: the gradient by weights differs from the tape's by %g", ops->name, nomos_law_kinds[ops->kind], Distance(at, p_bar, p_theirs));
    ck_ok(NomosTapeDestroy(&tape));
    free(p_bar);
    free(p_theirs);
    ck_ok(TestLawDestroy(&test));
  }
}
END_TEST

/* Curves through the values of parabolas are those parabolas, in every piece and across the change of their length: P from them is known. */
START_TEST(test_curves_of_parabolas)
{
  static double F[9 * N], y[9 * N], values[63];
  TestLaw       test;

  ck_ok(TestLawCreate(splines[0], NOMOS_F64, nothing, &test));
  for (int k = 0; k < 21; k++) {
    const double x = k < 10 ? k / 10. : 1 + 0.9 * (k - 10), line = 1e4 * (k - 10) / 10; /* what the values are added to */
    values[k]      = 300 * (x - 1) + 20 * (x - 1) * (x - 1) - line;
    values[21 + k] = 7 * (x - 1) - line;
    values[42 + k] = 50 * (x * x - 1) - line;
  }
  ck_ok(NomosLawSetValues(test.law, values));
  for (size_t k = 0; k < N; k++)
    for (size_t e = 0; e < 9; e++) F[e * N + k] = e % 4 ? 0 : 0.02 + 4 * NomosRandomUniform(3, e, k);
  splines[0]->apply(test.law, N, N, F, y, NULL);
  for (size_t k = 0; k < N; k++)
    for (size_t i = 0; i < 3; i++) {
      const double s = F[4 * i * N + k], a = F[4 * ((i + 1) % 3) * N + k], b = F[4 * ((i + 2) % 3) * N + k], J = s * a * b;
      const double P = 300 * (s - 1) + 20 * (s - 1) * (s - 1) + 7 * (s * a - 1) * a + 7 * (s * b - 1) * b + 50 * (J * J - 1) * a * b;
      if (J < 10) ck_assert_msg(fabs(y[4 * i * N + k] - P * s) < 1e-11 * 1e4 * fmax(1, J * J), "stretches %g %g %g: tau is %.15g, not %.15g", s, a, b, y[4 * i * N + k], P * s);
    }
  ck_ok(TestLawDestroy(&test));
}
END_TEST

START_TEST(test_promises)
{
  char set[NOMOS_MAX_PATH + 16];

  for (const NomosLawOps *const *ops = nomos_learned_laws; *ops; ops++) {
    bool ours = false;
    for (size_t i = 0; i < N_NETWORKS; i++) ours |= *ops == networks[i];
    if (!ours && *ops != splines[0] && *ops != splines[1]) continue;
    WriteMoved(*ops, "moved", set);
    for (int moved = 0; moved < 2; moved++) {
      const char *const sets[] = {moved ? set : NULL, NULL};
      CheckLawSymmetries(*ops, sets);
      CheckLawArrays(*ops, sets);
      if ((*ops)->variant != NomosLawOps_SvdElasticity.variant) CheckLawPrecision(*ops, sets, 3e-5); /* the other has jumps */
    }
  }
}
END_TEST

/* tau(Q F) = Q tau(F) Q^T and F_e(Q F) = Q F_e(F), and tau(F Q) = tau(F), of laws that promise less because they are not at rest for F = I, or jump: away from that. */
START_TEST(test_rotations_of_curves)
{
  static const double c = 0.8, s = 0.6, Q[9] = {0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1}; /* c^2 + s^2 = 1 */
  const NomosLawOps  *laws[] = {splines[0], splines[1], &NomosLawOps_SvdElasticity, &NomosLawOps_SvdPlasticity};
  static double       F[9 * N], turned[9 * N], y[9 * N], y_turned[9 * N], expected[9 * N];

  ck_assert(c * c + s * s == 1);
  for (size_t l = 0; l < sizeof laws / sizeof *laws; l++) {
    TestLaw test;
    ck_ok(TestLawCreate(laws[l], NOMOS_F64, nothing, &test));
    Move(test.law);
    Near(N, 20 + l, F);
    laws[l]->apply(test.law, N, N, F, y, NULL);
    for (int after = 0; after < 2; after++) {
      memset(turned, 0, sizeof turned);
      memset(expected, 0, sizeof expected);
      for (size_t k = 0; k < N; k++)
        for (size_t i = 0; i < 3; i++)
          for (size_t j = 0; j < 3; j++)
            for (size_t a = 0; a < 3; a++) {
              turned[(3 * i + j) * N + k] += after ? F[(3 * i + a) * N + k] * Q[3 * a + j] : Q[3 * i + a] * F[(3 * a + j) * N + k];
              if (laws[l]->kind == NOMOS_LAW_PLASTICITY) expected[(3 * i + j) * N + k] += after ? y[(3 * i + a) * N + k] * Q[3 * a + j] : Q[3 * i + a] * y[(3 * a + j) * N + k];
              else if (!after)
                for (size_t b = 0; b < 3; b++) expected[(3 * i + j) * N + k] += Q[3 * i + a] * y[(3 * a + b) * N + k] * Q[3 * j + b];
            }
      if (after && laws[l]->kind == NOMOS_LAW_ELASTICITY) memcpy(expected, y, sizeof y);
      laws[l]->apply(test.law, N, N, turned, y_turned, NULL);
      ck_assert_msg(Distance(9 * N, y_turned, expected) < 1e-11, "%s %s: a rotation changes it by %g", laws[l]->name, nomos_law_kinds[laws[l]->kind], Distance(9 * N, y_turned, expected));
    }
    ck_ok(TestLawDestroy(&test));
  }
}
END_TEST

/* ---- derivatives ---- */

/* With the columns of the three singular values alike, the network depends on their sum alone, which has no kink where two of them coincide. */
static void MakeEven(NomosLaw law)
{
  double *values = malloc(law->n_parameters * sizeof *values);
  memcpy(values, law->values, law->n_parameters * sizeof *values);
  if (law->n_parameters == 5504)
    for (size_t i = 0; i < 64; i++) values[13 * i + 1] = values[13 * i + 2] = values[13 * i];
  ck_ok(NomosLawSetValues(law, values));
  free(values);
}

START_TEST(test_derivatives)
{
  static double F[9 * N_POINTS], scale[9 * N_POINTS];

  for (size_t e = 0; e < 9 * N_POINTS; e++) scale[e] = 0.1;
  for (size_t i = 0; i < N_NETWORKS + 2; i++) {
    const NomosLawOps *ops  = i < N_NETWORKS ? networks[i] : splines[i - N_NETWORKS];
    const bool         kink = !strcmp(ops->name, "svd"); /* by its nature, at coinciding singular values */
    TestLaw            test;
    NomosOperator      op;
    ck_ok(TestLawCreate(ops, NOMOS_F64, nothing, &test));
    Move(test.law);
    ck_ok(NomosOperatorFromLaw(test.law, N_POINTS, &op));
    double *p = malloc(test.law->n_parameters * sizeof *p), *p_scale = malloc(test.law->n_parameters * sizeof *p);
    for (int kind = 0; kind < N_DEFORMATIONS; kind++) {
      const bool          alike = kind == DEFORMATIONS_AT_REST || kind == DEFORMATIONS_PRESSED || kind == DEFORMATIONS_PULLED || kind == DEFORMATIONS_REPEATED;
      NomosOperatorReport report;
      if (alike) MakeEven(test.law);
      memcpy(p, test.law->values, test.law->n_parameters * sizeof *p);
      for (size_t k = 0; k < test.law->n_parameters; k++) p_scale[k] = i < N_NETWORKS ? 0.1 : 1e3;
      TestDeformations(kind, F);
      ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){F, p}, .scale = (const double *const[]){scale, p_scale}, .seed = 3, .n_directions = 2, .step = kink || kind == DEFORMATIONS_REPEATED ? 1. / 1024 : 0}, &report));
      ck_assert_msg(report.transposition < 1e-11 && report.linearity < 1e-11, "%s %s, deformations %d: jvp and vjp differ by %g, vjp is not linear by %g", ops->name, nomos_law_kinds[ops->kind], kind, report.transposition, report.linearity);
      if (alike && kink) continue;
      ck_assert_msg(fabs(report.order[1] - 2) < 0.05, "%s %s, deformations %d: the Taylor remainder has order %g (%g %g %g)", ops->name, nomos_law_kinds[ops->kind], kind, report.order[1], report.remainder[1][0], report.remainder[1][1], report.remainder[1][2]);
    }
    free(p);
    free(p_scale);
    ck_ok(NomosOperatorDestroy(&op));
    ck_ok(TestLawDestroy(&test));
  }
}
END_TEST

/* ---- weights ---- */

START_TEST(test_declared_for_training)
{
  static const char *const names[] = {"elasticity.0.weight", "elasticity.1.weight", "elasticity.2.weight", "plasticity.0.weight", "plasticity.1.weight", "plasticity.2.weight"};
  static const size_t      shapes[3][2] = {{64, 13}, {64, 64}, {9, 64}};
  NomosParameters          parameters;
  const void              *vector;
  size_t                   offset[2], wrong;

  ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
  for (int k = 0; k < 2; k++) ck_ok(NomosLearnedLawDeclare(networks[k], (NomosLearnedLawSize){64, 2}, parameters, &offset[k]));
  ck_refused(NomosLearnedLawDeclare(&(NomosLawOps){.name = "identity"}, (NomosLearnedLawSize){64, 2}, parameters, &wrong), "the law identity is not learned: it has no weights");
  ck_ok(NomosParametersInitialise(parameters, 7));
  ck_assert_int_eq((int)NomosParametersSize(parameters), 11008);
  ck_assert(offset[0] == 0 && offset[1] == 5504);
  for (size_t t = 0; t < 6; t++) {
    NomosParameter tensor;
    ck_ok(NomosParametersGet(parameters, t, &tensor));
    ck_assert_str_eq(tensor.name, names[t]);
    ck_assert(tensor.n_dims == 2 && tensor.shape[0] == shapes[t % 3][0] && tensor.shape[1] == shapes[t % 3][1]);
    const double bound = sqrt(6. / (double)(tensor.shape[0] + tensor.shape[1])), *w = tensor.values; /* Xavier's */
    ck_assert(Largest(tensor.size, w) <= bound && Largest(tensor.size, w) > 0.97 * bound);
  }
  ck_ok(NomosParametersValues(parameters, &vector));
  for (int k = 0; k < 2; k++) {
    TestLaw test;
    ck_ok(TestLawCreate(networks[k], NOMOS_F64, (const char *const[]){"weights_seed=7", NULL}, &test));
    ck_assert_int_eq((int)test.law->n_parameters, 5504);
    ck_assert(!memcmp(test.law->values, (const double *)vector + offset[k], 5504 * sizeof(double)));
    ck_assert_str_eq(test.law->parameters[832 + 70].param->key, names[3 * k + 1]);
    ck_assert_int_eq(test.law->parameters[832 + 70].entry, 70);
    ck_ok(TestLawDestroy(&test));
  }
  ck_ok(NomosParametersDestroy(&parameters));
}
END_TEST

/* As PyTorch would write them: float32, [out, in], of another size than a case's own, both laws in one file. */
START_TEST(test_weights_of_a_file)
{
  static float    w[2][3][32 * 32];
  NomosSafetensor tensors[6];
  char            path[NOMOS_MAX_PATH], set[NOMOS_MAX_PATH + 16];
  const char     *names[] = {"elasticity.0.weight", "elasticity.1.weight", "elasticity.2.weight", "plasticity.0.weight", "plasticity.1.weight", "plasticity.2.weight"};
  TestLaw         test;

  for (size_t k = 0; k < 2; k++)
    for (size_t l = 0; l < 3; l++) {
      for (size_t i = 0; i < 32 * 32; i++) w[k][l][i] = (float)Random(3 * k + l, i);
      tensors[3 * k + l] = (NomosSafetensor){.name = names[3 * k + l], .type = NOMOS_F32, .n_dims = 2, .shape = {l < 2 ? 32 : 9, l ? 32 : 13}, .data = w[k][l]};
    }
  snprintf(path, sizeof path, "%s/weights.safetensors", ck_directory);
  snprintf(set, sizeof set, "learned=%s", path);
  const char *const sets[] = {set, NULL};
  NomosSafetensorsText texts[] = {{"law.elasticity", "invariant_full"}, {"law.plasticity", "invariant_full"}};
  ck_ok(NomosSafetensorsWrite(PETSC_COMM_SELF, path, &(NomosSafetensorsInput){.n_tensors = 6, .tensors = tensors, .n_texts = 2, .texts = texts}));
  for (int k = 0; k < 2; k++)
    for (int type = 0; type < 2; type++) {
      ck_ok(TestLawCreate(networks[k], type ? NOMOS_F64 : NOMOS_F32, sets, &test));
      ck_assert_int_eq((int)test.law->n_parameters, 32 * (13 + 32 + 9));
      for (size_t i = 0; i < 32 * 13; i++) ck_assert(test.law->values[i] == w[k][0][i]);
      for (size_t i = 0; i < 32 * 9; i++) ck_assert(test.law->values[32 * (13 + 32) + i] == w[k][2][i]);
      ck_ok(TestLawDestroy(&test));
    }
  ck_refused(TestLawCreate(&NomosLawOps_PolarElasticity, NOMOS_F64, sets, &test), "these are weights of elasticity = invariant_full, but the material has polar: change one of them");
  ck_ok(NomosSafetensorsWrite(PETSC_COMM_SELF, path, &(NomosSafetensorsInput){.n_tensors = 3, .tensors = tensors}));
  ck_refused(TestLawCreate(&NomosLawOps_PolarElasticity, NOMOS_F64, sets, &test), "the law elasticity = polar needs other weights: ");
  ck_refused(TestLawCreate(&NomosLawOps_PolarElasticity, NOMOS_F64, sets, &test), "the tensor elasticity.0.weight has the shape [32, 13], wanted is [32, 9]");
  ck_refused(TestLawCreate(networks[1], NOMOS_F64, sets, &test), "has no tensor plasticity.0.weight");
  w[0][1][5] = NAN;
  ck_ok(NomosSafetensorsWrite(PETSC_COMM_SELF, path, &(NomosSafetensorsInput){.n_tensors = 3, .tensors = tensors}));
  ck_refused(TestLawCreate(networks[0], NOMOS_F64, sets, &test), "the weights elasticity.1.weight have numbers that are not finite");
}
END_TEST

/* Other widths than whole vectors, one layer and four. */
START_TEST(test_sizes)
{
  static double F[9 * N_POINTS], scale[9 * N_POINTS];

  for (size_t e = 0; e < 9 * N_POINTS; e++) scale[e] = 0.1;
  for (int i = 0; i < 4; i++) {
    const char *const   sets[4][3] = {{"network_width=1", "network_layers=1"}, {"network_width=13", "network_layers=3"}, {"network_width=50", "network_layers=1"}, {"network_width=128", "network_layers=4"}};
    TestLaw             test;
    NomosOperator       op;
    NomosOperatorReport report;
    ck_ok(TestLawCreate(networks[0], NOMOS_F64, sets[i], &test));
    ck_ok(NomosOperatorFromLaw(test.law, N_POINTS, &op));
    TestDeformations(DEFORMATIONS_LARGE, F);
    double *p = malloc(test.law->n_parameters * sizeof *p);
    memcpy(p, test.law->values, test.law->n_parameters * sizeof *p);
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){F, p}, .scale = (const double *const[]){scale, NULL}, .seed = 3, .step = 1. / 256}, &report));
    ck_assert_msg(report.transposition < 1e-11 && fabs(report.order[1] - 2) < 0.05, "%s: jvp and vjp differ by %g, the Taylor remainder has order %g", sets[i][0], report.transposition, report.order[1]);
    free(p);
    ck_ok(NomosOperatorDestroy(&op));
    ck_ok(TestLawDestroy(&test));
  }
}
END_TEST

/* Calls of several threads at once give what one gives. */
START_TEST(test_threads)
{
  enum { THREADS = 4 };
  static float  F[9 * N], F_bar[THREADS][9 * N], y[THREADS][9 * N];
  static double near[9 * N], p_bar[THREADS][5504];
  TestLaw       test;

  ck_ok(TestLawCreate(networks[0], NOMOS_F32, nothing, &test));
  Near(N, 3, near);
  for (size_t e = 0; e < 9 * N; e++) F[e] = (float)near[e];
#pragma omp parallel for num_threads(THREADS) schedule(static, 1)
  for (int t = 0; t < THREADS; t++) {
    networks[0]->apply(test.law, N, N, F, y[t], NULL);
    networks[0]->vjp(test.law, N, N, F, y[t], NULL, F_bar[t], p_bar[t]);
  }
  for (int t = 1; t < THREADS; t++) ck_assert(!memcmp(y[t], y[0], sizeof y[0]) && !memcmp(F_bar[t], F_bar[0], sizeof F_bar[0]) && !memcmp(p_bar[t], p_bar[0], sizeof p_bar[0]));
  ck_ok(TestLawDestroy(&test));
}
END_TEST

NOMOS_TEST_SUITE("learned laws", test_against_tape, test_curves_of_parabolas, test_promises, test_rotations_of_curves, test_derivatives, test_declared_for_training, test_weights_of_a_file, test_sizes, test_threads)
