/* Scaling laws fitted to errors that are made by one: its numbers come back, and intervals hold them as often as they say. What trainings cost, likewise. */
#include "cases/scaling.h"
#include "operators/random.h"
#include "surrogates/scaling_law.h"
#include "tests/harness.h"

enum { MAX_POINTS = 128 };

/* Networks x data x seeds, with relative noise of a standard deviation, and one that all seeds of a size share. Returns how many. */
static size_t PointsOf(const NomosScalingLaw *law, size_t n_networks, size_t n_data, size_t n_seeds, double noise, double shared, uint64_t seed, NomosScalingPoint points[])
{
  size_t n = 0;

  for (size_t i = 0; i < n_networks; i++)
    for (size_t j = 0; j < n_data; j++)
      for (size_t s = 0; s < n_seeds; s++) {
        const double weights = 1000 * pow(4, (double)i), examples = 16 * pow(2, (double)j);
        points[n]            = (NomosScalingPoint){weights, examples, NomosScalingError(law, weights, examples) * exp(noise * NomosRandomNormal(seed, 1, n) + shared * NomosRandomNormal(seed, 4, i * n_data + j))};
        n++;
      }
  return n;
}

static size_t Points(const NomosScalingLaw *law, size_t n_networks, size_t n_data, size_t n_seeds, double noise, uint64_t seed, NomosScalingPoint points[])
{
  return PointsOf(law, n_networks, n_data, n_seeds, noise, 0, seed, points);
}

/* With a floor that matters, with slowly falling data, without a floor. */
static const NomosScalingLaw laws[] = {{{0.01, 8, 0.6, 1.5, 0.7}}, {{0.02, 30, 0.9, 0.6, 0.35}}, {{0, 2, 0.4, 3, 0.9}}};
enum { N_LAWS = sizeof laws / sizeof *laws };

static NomosScalingFit Fit(size_t n, const NomosScalingPoint points[], size_t n_draws)
{
  NomosScalingFit fit;
  ck_ok(NomosScalingFitLaw(&(NomosScalingInput){.n = n, .points = points, .n_draws = n_draws, .seed = 3}, &fit));
  return fit;
}

/* Without noise the numbers are found, of both terms or of one. */
START_TEST(test_exact)
{
  NomosScalingPoint points[MAX_POINTS];

  for (int l = 0; l < N_LAWS; l++)
    for (int part = 0; part < 3; part++) {
      NomosScalingFit fit = Fit(Points(&laws[l], part == 1 ? 1 : 4, part == 2 ? 1 : 5, 1, 0, 1, points), points, 0);
      ck_assert_uint_eq(fit.n_unknowns, part ? 3 : 5);
      for (int k = 0; k < NOMOS_SCALING_N; k++) {
        double truth = laws[l].value[k];
        if (part == 1 && k == NOMOS_SCALING_FLOOR) truth += laws[l].value[NOMOS_SCALING_A] * pow(1000, -laws[l].value[NOMOS_SCALING_ALPHA]); /* of the network that stays */
        if (part == 2 && k == NOMOS_SCALING_FLOOR) truth += laws[l].value[NOMOS_SCALING_B] * pow(16, -laws[l].value[NOMOS_SCALING_BETA]);
        if (part == 1 && (k == NOMOS_SCALING_A || k == NOMOS_SCALING_ALPHA)) truth = 0;
        if (part == 2 && (k == NOMOS_SCALING_B || k == NOMOS_SCALING_BETA)) truth = 0;
        ck_assert_msg(fabs(fit.law.value[k] - truth) < 1e-3 * truth + 1e-5, "law %d, part %d: %s = %.10g, not %.10g", l, part, nomos_scaling_names[k], fit.law.value[k], truth);
      }
      ck_assert_double_lt(fit.deviation, 1e-5);
      ck_ok(NomosScalingFree(&fit));
    }
}
END_TEST

/* Of 95 % intervals, those of the exponents and of the error of a larger size hold the truth in about 95 % of the cases; few points, more noise, several seeds, and seeds that share most of what the law misses. */
START_TEST(test_intervals_cover)
{
  static const struct {
    size_t networks, data, seeds;
    double noise, shared;
  } designs[] = {{3, 4, 1, 0.03, 0}, {4, 4, 2, 0.1, 0}, {1, 6, 1, 0.05, 0}, {4, 4, 4, 0.02, 0.06}};
  enum { CASES = 48 };

  int missed = 0;
  for (size_t d = 0; d < sizeof designs / sizeof *designs; d++) {
    int held[3] = {0};
    for (int i = 0; i < CASES; i++) {
      const NomosScalingLaw *law = &laws[i % N_LAWS];
      NomosScalingPoint      points[MAX_POINTS];
      double                 interval[2];
      const double           weights = designs[d].networks > 1 ? 1e6 : 1000, examples = 2048, truth = NomosScalingError(law, weights, examples);
      NomosScalingFit        fit = Fit(PointsOf(law, designs[d].networks, designs[d].data, designs[d].seeds, designs[d].noise, designs[d].shared, (uint64_t)(1000 + i), points), points, 200);
      for (int k = 0; k < 2; k++) {
        const int number = k ? NOMOS_SCALING_BETA : NOMOS_SCALING_ALPHA;
        ck_ok(NomosScalingNumberInterval(&fit, number, interval));
        held[k] += designs[d].networks > 1 || k ? law->value[number] >= interval[0] && law->value[number] <= interval[1] : 1;
      }
      const size_t n_further = designs[d].shared > 0 ? designs[d].seeds : 1;
      double       further   = 0;
      ck_ok(NomosScalingErrorInterval(&fit, weights, examples, n_further, interval));
      for (size_t k = 0; k < n_further; k++) further += truth * exp(designs[d].noise * NomosRandomNormal(7, 2, (uint64_t)i * n_further + k) + designs[d].shared * NomosRandomNormal(7, 5, (uint64_t)i)) / (double)n_further;
      held[2] += further >= interval[0] && further <= interval[1];
      ck_ok(NomosScalingFree(&fit));
    }
    for (int k = 0; k < 3; k++) {
      ck_assert_msg(held[k] >= 41, "design %zu: %d of %d intervals of %s hold the truth", d, held[k], CASES, (const char *[]){"alpha", "beta", "a further error"}[k]);
      missed += CASES - held[k];
    }
  }
  ck_assert_int_ge(missed, 4); /* of 576: they are no wider than that */
}
END_TEST

/* 95 % of the numbers 0, 1, ..., 200 lie between 5 and 195; of four between places of their own; what is no number is large; of none there is nothing. */
START_TEST(test_interval_of_numbers)
{
  double values[201], interval[2], four[] = {3, NAN, 1, 2};

  for (int i = 0; i <= 200; i++) values[i] = 200 - i;
  NomosScalingInterval(201, values, interval);
  ck_assert_double_eq_tol(interval[0], 5, 1e-12);
  ck_assert_double_eq_tol(interval[1], 195, 1e-12);
  NomosScalingInterval(4, four, interval);
  ck_assert_double_eq_tol(interval[0], 1 + 3 * 0.025, 1e-12);
  ck_assert(isinf(interval[1]) && interval[1] > 0);
  NomosScalingInterval(0, values, interval);
  ck_assert(isnan(interval[0]) && isnan(interval[1]));
}
END_TEST

/* The same points give the same law and the same draws. */
START_TEST(test_repeats)
{
  NomosScalingPoint points[MAX_POINTS];
  const size_t      n = Points(&laws[0], 3, 4, 2, 0.05, 9, points);
  NomosScalingFit   a = Fit(n, points, 20), b = Fit(n, points, 20);

  ck_assert(!memcmp(&a.law, &b.law, sizeof a.law) && !memcmp(a.draws, b.draws, sizeof *a.draws * 20));
  ck_ok(NomosScalingFree(&a));
  ck_ok(NomosScalingFree(&b));
}
END_TEST

static void Refused(size_t n, const NomosScalingPoint points[], const char sentence[])
{
  NomosScalingFit fit;
  ck_refused(NomosScalingFitLaw(&(NomosScalingInput){.n = n, .points = points}, &fit), sentence);
  ck_ok(NomosScalingFree(&fit));
}

START_TEST(test_errors)
{
  NomosScalingPoint points[MAX_POINTS];

  Refused(Points(&laws[0], 2, 4, 1, 0, 1, points), points, "two sizes of the network: a floor, a factor and an exponent need three at least");
  Refused(Points(&laws[0], 1, 3, 1, 0, 1, points), points, "3 points for 3 unknowns; give more sizes or more seeds");
  Refused(Points(&laws[0], 1, 1, 5, 0, 1, points), points, "all 5 points have the same sizes");
  const size_t n  = Points(&laws[0], 3, 3, 1, 0, 1, points);
  points[4].error = NAN;
  Refused(n, points, "all three must be finite and above 0");
}
END_TEST

/* Times that are a law of both sizes give its exponents, some of them unknown; twice the cost then buys 2^(1/p) times the weights. Times that fall with the network leave those with the data. */
START_TEST(test_cost)
{
  NomosScalingTraining trainings[MAX_POINTS] = {{.name = ""}};
  NomosScalingPoint    points[MAX_POINTS];
  NomosScaling         s = {.n = Points(&laws[0], 3, 4, 1, 0, 1, points), .trainings = trainings};

  s.n_fitted = s.n;
  s.fit      = Fit(s.n, points, 0);
  for (int falling = 0; falling < 2; falling++) {
    for (size_t i = 0; i < s.n; i++) {
      trainings[i].weights  = points[i].weights;
      trainings[i].examples = points[i].examples;
      trainings[i].seconds  = i == 4 ? NAN : 3e-6 * pow(points[i].weights, falling ? -0.4 : 0.7) * pow(points[i].examples, 1.2);
    }
    s.advised = false;
    ck_ok(NomosScalingAdvise(&s, true, 0));
    ck_assert(s.advised == !falling);
    if (falling) continue;
    ck_assert_double_eq_tol(s.cost.p, 0.7, 1e-9);
    ck_assert_double_eq_tol(s.cost.q, 1.2, 1e-9);
    ck_assert_double_eq_tol(s.cost.c, 3e-6, 1e-12);
    ck_assert_double_eq_tol(s.advice.more_weights, pow(2, 1 / 0.7), 1e-6);
    ck_assert_double_eq_tol(s.advice.more_examples, pow(2, 1 / 1.2), 1e-6);
  }
  ck_assert_double_eq(s.cost.p, 0);
  ck_ok(NomosScalingFree(&s.fit));
}
END_TEST

/* Of one law the term that is larger at the largest training, times its exponent, is what to buy less of: with few data these, with many a network. A budget is shared out by the exponents of both terms and of the cost. */
START_TEST(test_advice)
{
  const double *const law = laws[0].value, alpha = law[NOMOS_SCALING_ALPHA], beta = law[NOMOS_SCALING_BETA];

  for (int many = 0; many < 2; many++)
    for (int noisy = 0; noisy < 2; noisy++) {
      NomosScalingTraining trainings[MAX_POINTS] = {{.name = ""}};
      NomosScalingPoint    points[MAX_POINTS];
      NomosScaling         s = {.n = Points(&laws[0], 3, many ? 9 : 4, 1, noisy ? 0.01 : 0, 5, points), .trainings = trainings};
      s.n_fitted = s.n;
      s.fit      = Fit(s.n, points, noisy ? 200 : 0);
      for (size_t i = 0; i < s.n; i++) {
        trainings[i].weights  = points[i].weights;
        trainings[i].examples = points[i].examples;
        trainings[i].seconds  = 2e-6 * pow(points[i].weights, 0.5) * points[i].examples;
      }
      for (int measured = 0; measured < 2; measured++) {
        const double p = measured ? 0.5 : 1, w = 1000 * pow(4, 2), d = 16 * pow(2, many ? 8 : 3);
        ck_ok(NomosScalingAdvise(&s, measured, 0));
        if (noisy) ck_assert_msg(many ? s.advice.data_better < 0.05 : s.advice.data_better > 0.95, "%s data: more are better in %g of the draws", many ? "many" : "few", s.advice.data_better);
        if (noisy) continue;
        ck_close(s.advice.optimal_weights, beta / (p * beta + alpha), 1e-3);
        ck_close(s.advice.optimal_examples, alpha / (p * beta + alpha), 1e-3);
        ck_close(s.advice.error_more_weights, NomosScalingError(&laws[0], pow(2, 1 / p) * w, d), 1e-4);
        ck_close(s.advice.error_more_examples, NomosScalingError(&laws[0], w, 2 * d), 1e-4);
      }
      ck_ok(NomosScalingFree(&s.fit));
    }
}
END_TEST

NOMOS_TEST_SUITE("scaling_law", test_exact, test_intervals_cover, test_interval_of_numbers, test_repeats, test_errors, test_cost, test_advice)
