/* Sparse products against dense ones, as arrays and on the tape; derivatives of the primitives are checked by test_primitives on their examples. */
#include "tensor_checks.h"

#include "operators/sparse.h"

enum { ROWS = 700, COLS = 300, EACH = 9, CHANNELS = 11 };

/* Rows of 0 to EACH - 1 entries, some columns twice. */
static size_t Fill(size_t first[ROWS + 1], int32_t column[ROWS * EACH], double value[ROWS * EACH])
{
  first[0] = 0;
  for (size_t i = 0; i < ROWS; i++) {
    first[i + 1] = first[i] + (size_t)(EACH * (0.5 + 0.5 * Uniform(1, (uint32_t)i)));
    for (size_t k = first[i]; k < first[i + 1]; k++) {
      column[k] = (int32_t)(COLS * (0.5 + 0.4999 * Uniform(2, (uint32_t)(k / 2))));
      value[k]  = (float)Uniform(3, (uint32_t)k);
    }
  }
  return first[ROWS];
}

static size_t      first[ROWS + 1];
static int32_t     column[ROWS * EACH];
static double      value[ROWS * EACH];
static NomosSparseMatrix matrix;

static void Dense(bool transposed, size_t channels, const double x[], double y[])
{
  memset(y, 0, (transposed ? COLS : ROWS) * channels * sizeof *y);
  for (size_t i = 0; i < ROWS; i++)
    for (size_t k = first[i]; k < first[i + 1]; k++) {
      const size_t to = transposed ? (size_t)column[k] : i, from = transposed ? i : (size_t)column[k];
      for (size_t c = 0; c < channels; c++) y[to * channels + c] += value[k] * x[from * channels + c];
    }
}

START_TEST(test_products)
{
  const size_t entries = Fill(first, column, value);
  NomosTape    tape;

  ck_ok(NomosSparseMatrixCreate(&(NomosSparseMatrixInput){.rows = ROWS, .cols = COLS, .first = first, .column = column, .value = value}, &matrix));
  ck_ok(NomosTapeCreate(&tape));
  for (int transposed = 0; transposed < 2; transposed++)
    for (size_t channels = 1; channels <= CHANNELS; channels++) {
      const size_t n_in = (transposed ? ROWS : COLS), n_out = transposed ? COLS : ROWS;
      double      *x = Random(5, n_in * channels), *exact = malloc(n_out * channels * sizeof *exact), *y = malloc(n_out * channels * sizeof *y);
      Dense(transposed, channels, x, exact);
      (transposed ? NomosSparseMatrixApplyTransposed : NomosSparseMatrixApply)(matrix, channels, x, y);
      ck_assert_double_lt(Farthest(n_out * channels, y, exact), 1e-14);
      for (int type = 0; type < 2; type++)
        for (int values = 0; values < 2; values++) { /* its own, or those of a tensor */
          ck_ok(NomosTapeReset(tape));
          const NomosTensor t = NomosTensorFromDoubles(tape, type ? NOMOS_F32 : NOMOS_F64, 2, (size_t[]){n_in, channels}, x), v = NomosTensorFromDoubles(tape, type ? NOMOS_F32 : NOMOS_F64, 1, &entries, value);
          const NomosTensor out = values ? (transposed ? NomosSparseProductTransposed : NomosSparseProduct)(matrix, v, t) : (transposed ? NomosSparseMultiplyTransposed : NomosSparseMultiply)(matrix, t);
          ck_ok(NomosTensorGetDoubles(out, y));
          ck_assert_double_lt(Farthest(n_out * channels, y, exact), type ? 2e-6 : 1e-14);
        }
      free(x);
      free(y);
      free(exact);
    }
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosSparseMatrixDestroy(&matrix));
}
END_TEST

/* y and all gradients as one vector. */
static NomosTensor Everything(NomosTape tape, NomosRealType type)
{
  const size_t      entries = first[ROWS];
  const NomosTensor x[2] = {Tensor(tape, type, 4, 1, &entries), Tensor(tape, type, 5, 2, (size_t[]){COLS, CHANNELS})};
  const NomosTensor y = NomosAdd(NomosSparseProduct(matrix, x[0], x[1]), NomosSparseMultiply(matrix, x[1]));
  NomosTensor       all[3] = {y};

  ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .y_bar = Tensor(tape, type, 6, 2, (size_t[]){ROWS, CHANNELS}), .n = 2, .x = x}, all + 1));
  for (int i = 0; i < 3; i++) all[i] = NomosReshape(all[i], 1, (size_t[]){NomosTensorSize(all[i])});
  return NomosConcatenate(3, all, 0);
}

START_TEST(test_any_number_of_threads)
{
  NomosTape tape;

  (void)Fill(first, column, value);
  ck_ok(NomosSparseMatrixCreate(&(NomosSparseMatrixInput){.rows = ROWS, .cols = COLS, .first = first, .column = column, .value = value}, &matrix));
  ck_ok(NomosTapeCreate(&tape));
  SameBits(tape, "sparse", Everything);
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosSparseMatrixDestroy(&matrix));
}
END_TEST

START_TEST(test_mistakes_are_sentences)
{
  const size_t  good[] = {0, 1, 2}, falls[] = {0, 2, 1}, late[] = {1, 1, 2};
  const int32_t columns[] = {0, 2};
  NomosTape     tape;
  size_t        rows, cols, entries;

  ck_refused(NomosSparseMatrixCreate(&(NomosSparseMatrixInput){.rows = 2, .cols = 2, .first = good, .column = columns}, &matrix), "column 2");
  ck_refused(NomosSparseMatrixCreate(&(NomosSparseMatrixInput){.rows = 2, .cols = 3, .first = falls, .column = columns}, &matrix), "ascend");
  ck_refused(NomosSparseMatrixCreate(&(NomosSparseMatrixInput){.rows = 2, .cols = 3, .first = late, .column = columns}, &matrix), "start at 0");
  ck_ok(NomosSparseMatrixCreate(&(NomosSparseMatrixInput){.rows = 2, .cols = 3, .first = good, .column = columns}, &matrix));
  NomosSparseMatrixSizes(matrix, &rows, &cols, &entries);
  ck_assert(rows == 2 && cols == 3 && entries == 2);
  ck_ok(NomosTapeCreate(&tape));
  (void)NomosSparseMultiply(matrix, Tensor(tape, NOMOS_F64, 1, 1, (size_t[]){3}));
  ck_refused(NomosTapeStatus(tape), "without values");
  (void)NomosSparseProduct(matrix, Tensor(tape, NOMOS_F64, 1, 1, (size_t[]){3}), Tensor(tape, NOMOS_F64, 1, 1, (size_t[]){3}));
  ck_refused(NomosTapeStatus(tape), "must be [2]");
  (void)NomosSparseProduct(matrix, Tensor(tape, NOMOS_F64, 1, 1, (size_t[]){2}), Tensor(tape, NOMOS_F64, 1, 2, (size_t[]){2, 4}));
  ck_refused(NomosTapeStatus(tape), "[2, 4] has not the 3 rows");
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosSparseMatrixDestroy(&matrix));
}
END_TEST

NOMOS_TEST_SUITE("sparse", test_products, test_any_number_of_threads, test_mistakes_are_sentences)
