/* All cases of MEDIDA's two-layer model (Lutsko & Hassanzadeh, doi:10.1029/2023MS004033, its code's 1001 to 1009) by one setting of the default method: library, coefficients and sizes of the columns are those of the
   cases, the fields a jet with waves of a steep spectrum, known with all derivatives. */
#include "regression_setups.h"

enum { NX    = 56,
       NY    = 76,
       ROWS  = NX * NY,
       TERMS = 12,
       MODES = 150 };
enum { LAP1,
       LAP2,
       DX1,
       DX2,
       DY1,
       DY2,
       PSI1,
       PSI2,
       PSIR,
       J1,
       J2,
       Y };
static const char *const names[TERMS] = {"lap psi1", "lap psi2", "dx psi1", "dx psi2", "dy psi1", "dy psi2", "psi1", "psi2", "psi_R", "J(psi1, q1)", "J(psi2, q2)", "y"};
static const double      lx = 46, ly = 68;

/* A field at a point: value, first derivatives, Laplacian, its first derivatives. */
typedef struct {
  double f, x, y, lap, lap_x, lap_y;
} Point;

/* -int u of the jet sech^2(y/3.5) - sech^2((|y| - 34)/3.5), on |y| < 34. */
static Point Jet(double y)
{
  const double s = 3.5, a = tanh(y / s), b = tanh((fabs(y) - 34) / s), sign = y < 0 ? -1 : 1, a1 = (1 - a * a), b1 = (1 - b * b);

  return (Point){.f = -s * a + sign * s * (b - tanh(-34 / s)), .y = -a1 + b1, .lap = 2 * a * a1 / s - 2 * sign * b * b1 / s, .lap_y = (2 * a1 * a1 - 4 * a * a * a1) / (s * s) - (2 * b1 * b1 - 4 * b * b * b1) / (s * s)};
}

/* Waves whose amplitude falls as exp(-k/4) from `size`; `share` of them are those of another field. */
static Point Waves(uint64_t seed, double size, double share, double x, double y)
{
  Point p = {0};

  for (uint64_t m = 0; m < MODES; m++)
    for (int other = 0; other < 2; other++) {
      const uint64_t stream = other ? 1 : seed;
      const double   a = 1 + 11 * NomosRandomUniform(stream, 0, m), b = 16 * (NomosRandomUniform(stream, 1, m) - 0.5), k = 2 * PETSC_PI / lx * floor(a), l = 2 * PETSC_PI / ly * floor(b), kk = k * k + l * l;
      const double   amplitude = (other ? share : 1 - share) * size * exp(-floor(a) / 4), phase = k * x + l * y + 2 * PETSC_PI * NomosRandomUniform(stream, 2, m), c = amplitude * cos(phase), s = amplitude * sin(phase);
      p.f += c;
      p.x -= k * s;
      p.y -= l * s;
      p.lap -= kk * c;
      p.lap_x += kk * k * s;
      p.lap_y += kk * l * s;
    }
  return p;
}

/* dq/dt of the system less that of the model (the table in the cases' README). */
typedef struct {
  int    number;
  double c[2][TERMS];
} Case;
#define RELAXATION(r) [PSI1] = -(r), [PSI2] = (r), [PSIR] = (r)
static const Case cases[] = {
  {1001, {{RELAXATION(0.1)}, {RELAXATION(-0.1)}}                                    },
  {1002, {{RELAXATION(0.1)}, {RELAXATION(-0.1), [LAP2] = 0.3}}                      },
  {1003, {{RELAXATION(-0.01)}, {RELAXATION(0.01)}}                                  },
  {1004, {{[J1] = -0.5}, {[J2] = -0.5}}                                             },
  {1005, {{[J1] = -1, RELAXATION(0.1)}, {[J2] = -1, RELAXATION(-0.1), [LAP2] = 0.3}}},
  {1006, {{0}, {[LAP2] = 0.3}}                                                      },
  {1007, {{0}, {[LAP2] = -0.07}}                                                    },
  {1008, {{[PSIR] = -0.01}, {[PSIR] = 0.01}}                                        },
  {1009, {{[DX1] = -0.196}, {[DX2] = -0.196}}                                       },
};

static Rows Library(void)
{
  Rows rows = RowsCreate(&(RowsInput){.seed = 1, .n_rows = ROWS, .n_terms = TERMS});

  for (size_t i = 0; i < ROWS; i++) {
    const double x = -13.4 + 0.479 * (double)(i % NX), y = -27 + 0.708 * (double)(i / NX);
    Point        jet = Jet(y), a = Waves(2, 0.25, 0.5, x, y), b = Waves(3, 0.12, 0.5, x, y);
    double      *v = rows.values + i;
    a.f += 0.85 * jet.f, a.y += 0.85 * jet.y, a.lap += 0.85 * jet.lap, a.lap_y += 0.85 * jet.lap_y;
    b.f += 0.1 * jet.f, b.y += 0.1 * jet.y, b.lap += 0.1 * jet.lap, b.lap_y += 0.1 * jet.lap_y;
    const double column[TERMS] = {[LAP1] = a.lap, [LAP2] = b.lap, [DX1] = a.x, [DX2] = b.x, [DY1] = a.y, [DY2] = b.y, [PSI1] = a.f, [PSI2] = b.f, [PSIR] = jet.f, [J1] = a.x * (a.lap_y + b.y) - a.y * (a.lap_x + b.x), [J2] = b.x * (b.lap_y + a.y) - b.y * (b.lap_x + a.x), [Y] = y};
    for (size_t j = 0; j < TERMS; j++) v[j * ROWS] = column[j];
  }
  return rows;
}

/* Target of a layer, with noise and with a share of every other term, both of this size relative to it. */
static void Target(Rows *rows, const double c[], double noise, double others)
{
  double *y = rows->values + TERMS * ROWS, squares = 0;

  for (size_t i = 0; i < ROWS; i++) {
    y[i] = 0;
    for (size_t j = 0; j < TERMS; j++) y[i] += c[j] * rows->columns[j][i];
    squares += y[i] * y[i];
  }
  for (size_t j = 0; j < TERMS; j++) {
    double size = 0;
    for (size_t i = 0; i < ROWS; i++) size += rows->columns[j][i] * rows->columns[j][i];
    for (size_t i = 0; i < ROWS && c[j] == 0; i++) y[i] += others * sqrt(squares / size) * rows->columns[j][i];
  }
  for (size_t i = 0; i < ROWS; i++) y[i] += noise * sqrt(squares / ROWS) * NomosRandomNormal(1, 40, i);
  RowsSum(rows, 1);
  rows->normal.names = names;
}

static double Error(const double found[], const double c[])
{
  double error = 0, size = 0;

  for (size_t j = 0; j < TERMS; j++) {
    error += (found[j] - c[j]) * (found[j] - c[j]);
    size += c[j] * c[j];
  }
  return sqrt(error / size);
}

/* Exact data; noise as large as the target; terms that are there but small, as errors of discretisation are; a layer that lacks nothing, where rounding is all there is. */
START_TEST(test_one_setting_for_all_cases)
{
  Rows rows = Library();

  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
    for (int layer = 0; layer < 2; layer++)
      for (int how = 0; how < 3; how++) {
        static const double noise[] = {0, 1, 0}, others[] = {0, 0, 2e-3}, most[] = {1e-11, 0.1, 0.03};
        const double       *c = cases[k].c[layer];
        Target(&rows, c, noise[how], others[how]);
        if (rows.normal.s == 0) {
          double *y = rows.values + TERMS * ROWS;
          for (size_t i = 0; i < ROWS; i++) y[i] = 1e-12 * NomosRandomNormal(k, 41, i) + 1e-13 * rows.columns[LAP1][i];
          RowsSum(&rows, 1);
          rows.normal.floor = 1e-22;
        }
        NomosRegression r = Regress("evidence", NULL, &rows.normal, NULL);
        ck_assert(r.nothing == (rows.normal.floor > 0));
        for (size_t j = 0; j < TERMS; j++) ck_assert_msg((r.c[j] != 0) == (c[j] != 0), "case %d, layer %d, noise %g, others %g: %s is %g instead of %g", cases[k].number, layer + 1, noise[how], others[how], names[j], r.c[j], c[j]);
        ck_assert_msg(r.nothing || Error(r.c, c) < most[how], "case %d, layer %d, noise %g, others %g: an error of %g", cases[k].number, layer + 1, noise[how], others[how], Error(r.c, c));
        ck_ok(NomosRegressionDestroy(&r));
      }
  RowsDestroy(&rows);
}
END_TEST

NOMOS_TEST_SUITE("regression_qg", test_one_setting_for_all_cases)
