/* Attention by tiles against its definition by matrix products and a softmax. */
#include "tensor_checks.h"

static NomosTensor Definition(NomosTensor q, NomosTensor k, NomosTensor v)
{
  return NomosMatMul(NomosSoftmax(NomosAffine(NomosMatMul(q, NomosTranspose(k)), 1 / sqrt((double)NomosTensorLength(q, -1)), 0), -1), v);
}

START_TEST(test_attention_is_its_definition)
{
  const size_t cases[][6] = {{1, 1, 1, 1, 1, 1}, {2, 3, 70, 5, 4, 6}, {1, 1, 1100, 33, 8, 3}, {1, 2, 63, 130, 16, 16}, {3, 1, 5, 1, 2, 2}}; /* batch, heads, queries, keys, width, of values */
  NomosTape    tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    for (int type = 0; type < 2; type++) {
      const NomosRealType real = type ? NOMOS_F32 : NOMOS_F64;
      const size_t       *n    = cases[c];
      ck_ok(NomosTapeReset(tape));
      NomosTensor       x[3] = {Tensor(tape, real, 1, 4, (size_t[]){n[0], n[1], n[2], n[4]}), Tensor(tape, real, 2, 4, (size_t[]){n[0], n[1], n[3], n[4]}), Tensor(tape, real, 3, 4, (size_t[]){n[0], n[1], n[3], n[5]})}, y[2], bar[2][3];
      const NomosTensor w    = Tensor(tape, real, 4, 4, (size_t[]){n[0], n[1], n[2], n[5]});
      x[0] = NomosAffine(x[0], 5, 0); /* so that the weights differ */
      y[0] = NomosDotProductAttention(x[0], x[1], x[2]);
      y[1] = Definition(x[0], x[1], x[2]);
      for (int i = 0; i < 2; i++) ck_ok(NomosGradient(&(NomosGradientInput){.y = y[i], .y_bar = w, .n = 3, .x = x}, bar[i]));
      for (int i = -1; i < 3; i++) {
        const size_t size = NomosTensorSize(i < 0 ? y[0] : x[i]);
        double      *tiled = Doubles(i < 0 ? y[0] : bar[0][i]), *defined = Doubles(i < 0 ? y[1] : bar[1][i]), scale = 0;
        for (size_t j = 0; j < size; j++) scale = fmax(scale, fabs(defined[j]));
        for (size_t j = 0; j < size; j++) ck_assert_msg(fabs(tiled[j] - defined[j]) <= (type ? 1e-5 : 1e-14) * fmax(scale, 1), /* terms of a gradient are of size 1, where they cancel too */
                                                               "case %zu: %s %d is %g, should be %g", c, i < 0 ? "result" : "gradient", i, tiled[j], defined[j]);
        free(tiled);
        free(defined);
      }
    }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Scores of a thousand do not overflow: the largest takes all. */
START_TEST(test_large_scores)
{
  const double q[2] = {1e4, 0}, k[4] = {1, 0, -1, 3}, v[2] = {7, 9};
  NomosTape    tape;

  ck_ok(NomosTapeCreate(&tape));
  for (int type = 0; type < 2; type++) {
    const NomosRealType real = type ? NOMOS_F32 : NOMOS_F64;
    double             *y = Doubles(NomosDotProductAttention(NomosTensorFromDoubles(tape, real, 2, (size_t[]){1, 2}, q), NomosTensorFromDoubles(tape, real, 2, (size_t[]){2, 2}, k), NomosTensorFromDoubles(tape, real, 2, (size_t[]){2, 1}, v)));
    ck_assert_double_eq(y[0], 7);
    free(y);
  }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

static NomosTensor MakeAttention(NomosTape tape, NomosRealType type)
{
  const NomosTensor x[3] = {Tensor(tape, type, 1, 3, (size_t[]){2, 700, 6}), Tensor(tape, type, 2, 3, (size_t[]){2, 90, 6}), Tensor(tape, type, 3, 3, (size_t[]){2, 90, 5})};
  NomosTensor       bar[3];

  ck_ok(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(NomosPower(NomosDotProductAttention(x[0], x[1], x[2]), 2)), .n = 3, .x = x}, bar));
  return NomosConcatenate(2, (NomosTensor[]){NomosReshape(bar[1], 1, (size_t[]){1080}), NomosReshape(bar[2], 1, (size_t[]){900})}, 0);
}
START_TEST(test_same_bits_for_any_number_of_threads)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  SameBits(tape, "attention", MakeAttention);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

START_TEST(test_attention_refuses_what_does_not_fit)
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  const NomosTensor a = Tensor(tape, NOMOS_F64, 1, 3, (size_t[]){2, 4, 5}), b = Tensor(tape, NOMOS_F64, 2, 3, (size_t[]){2, 3, 6}), none = Tensor(tape, NOMOS_F64, 2, 3, (size_t[]){2, 0, 5});
  (void)NomosDotProductAttention(a, b, b);
  ck_refused(NomosTapeStatus(tape), "attention: [2, 4, 5], [2, 3, 6] and [2, 3, 6]");
  (void)NomosDotProductAttention(a, none, none);
  ck_refused(NomosTapeStatus(tape), "with m and d at least 1");
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

NOMOS_TEST_SUITE("attention", test_attention_is_its_definition, test_large_scores, test_same_bits_for_any_number_of_threads, test_attention_refuses_what_does_not_fit)
