/* What nomos discover does to coefficients after the regression. */
#include "cases/discover.h"
#include "tests/harness.h"

/* Of three terms of the model the first is zero within two deviations with what was found, the second is not, and the third was not looked at; a fourth is none of the model's. */
START_TEST(test_snap_takes_intervals_along)
{
  double model[] = {0.5, 0.5, 0.5, 0}, c[] = {-0.49, -0.4, 0, 0.01}, deviation[] = {0.01, 0.01, 0, 0.01}, low[4], high[4];
  for (int j = 0; j < 4; j++) {
    low[j]  = c[j] - 1.5 * deviation[j];
    high[j] = c[j] + 2.5 * deviation[j];
  }
  NomosDiscoverEquation equation = {.n_terms = 4, .model = model, .found = {.c = c, .deviation = deviation}, .low = low, .high = high};
  NomosDiscover         d        = {.n_equations = 1, .equations = &equation};
  NomosDiscoverSnap(&d);
  ck_assert(c[0] == -0.5 && c[1] == -0.4 && c[2] == 0 && c[3] == 0.01);
  for (int j = 0; j < 4; j++) {
    ck_assert_double_eq_tol(low[j], c[j] - 1.5 * deviation[j], 1e-15);
    ck_assert_double_eq_tol(high[j], c[j] + 2.5 * deviation[j], 1e-15);
  }
}
END_TEST

/* A term of the model stays where an equality has its coefficient, and where the one that takes it away would have the wrong sign. */
START_TEST(test_snap_keeps_constraints)
{
  double                model[] = {0.5, 0.5, -0.5, 0.5}, c[] = {-0.49, -0.49, 0.49, -0.49}, deviation[] = {0.01, 0.01, 0.01, 0.01}, low[4] = {0}, high[4] = {0};
  bool                  tied[]   = {true, false, false, false};
  const int             signs[]  = {0, 1, 1, 0};
  NomosDiscoverEquation equation = {.n_terms = 4, .model = model, .found = {.c = c, .deviation = deviation}, .low = low, .high = high, .tied = tied, .constraints = {.signs = signs}};
  NomosDiscover         d        = {.n_equations = 1, .equations = &equation};
  NomosDiscoverSnap(&d);
  ck_assert(c[0] == -0.49 && c[1] == -0.49 && c[2] == 0.5 && c[3] == -0.5);
}
END_TEST

NOMOS_TEST_SUITE("discover", test_snap_takes_intervals_along, test_snap_keeps_constraints)
