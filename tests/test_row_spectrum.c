/* Spectra of rows: a wave has its amplitude at its wavenumber, all waves have the mean square of the row together, and rows add up. */
#include "operators/row_spectrum.h"

#include "operators/random.h"
#include "tests/harness.h"

START_TEST(test_a_wave_has_its_amplitude)
{
  for (size_t nx = 15; nx <= 16; nx++) {
    double rows[2][16], sums[9] = {0};
    for (size_t i = 0; i < nx; i++) {
      const double x = 2 * PETSC_PI * (double)i / (double)nx;
      rows[0][i]     = -1.5 + 0.7 * sin(3 * x + 0.4);
      rows[1][i]     = 0.25 * cos(5 * x);
    }
    ck_ok(NomosAddRowSpectra(NOMOS_WAVES_AMPLITUDE, 1, nx, rows[0], nx / 2 + 1, sums));
    ck_ok(NomosAddRowSpectra(NOMOS_WAVES_AMPLITUDE, 1, nx, rows[1], nx / 2 + 1, sums));
    for (size_t k = 0; k <= nx / 2; k++) ck_assert_double_eq_tol(sums[k], k == 0 ? 1.5 : k == 3 ? 0.7 : k == 5 ? 0.25 : 0, 1e-15);
  }
}
END_TEST

START_TEST(test_waves_have_the_mean_square)
{
  for (size_t nx = 9; nx <= 10; nx++) {
    double rows[3 * 10], sums[6] = {0}, total = 0, square = 0;
    for (size_t i = 0; i < 3 * nx; i++) {
      rows[i] = NomosRandomUniform(7, nx, i) - 0.3;
      square += rows[i] * rows[i] / (double)nx;
    }
    ck_ok(NomosAddRowSpectra(NOMOS_WAVES_POWER, 3, nx, rows, nx / 2 + 1, sums));
    for (size_t k = 0; k <= nx / 2; k++) total += sums[k];
    ck_close(total, square, 1e-14);
  }
}
END_TEST

NOMOS_TEST_SUITE("row spectrum", test_a_wave_has_its_amplitude, test_waves_have_the_mean_square)
