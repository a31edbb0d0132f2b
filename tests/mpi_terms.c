/* Truths about terms on planes, on any number of ranks: exact derivatives and products of trigonometric polynomials, derivatives of the evaluation by dot products and Taylor's theorem, the same bits
   whatever the ranks and threads. */
#include "tests/qg_setups.h"

#include "operators/terms.h"

#include <omp.h>

enum { NX = 24, NY = 20, MAX_FIELDS = 3, MAX_TERMS = 64 };
static const double LX = 5, LY = 3;

static const char *const fields[] = {"u", "v", "psi_1"}, *const given[] = {"g", "psi_R"};

/* What the grammar has, in all kinds of combinations. */
static const char *const library[] = {
  "1", "y", "psi_R", "u", "u_x", "u_xy", "lap v", "lap lap u", "u u_x", "u^2 u_x", "(u^2 + v^2) v", "J(u, v)", "J(psi_1, lap psi_1 - psi_1 + v)", "dx(u^2)", "dxx(u v_y)", "mean_x(u v)", "u mean(v^2)",
  "u - mean_x(u)", "shift(u, 1) shift(v, -2)", "sin(u) v", "exp(0.3 v)", "tanh(u_x)", "cos(u - v)", "psi_R u v", "u v/(2 + g^2)", "psi_R_y v_x", "d4x v + 2 u_xxyy", "u^3 - 0.5 v^4 u", "J(u v, psi_1)",
  "lap(u v - psi_1)", "y u v", "log(3 + u^2)", "sqrt(4 + v)", "shift(J(u, v), 3)", "J(u, psi_R) psi_1", "g mean_x(u_y)"};
enum { N_LIBRARY = sizeof library / sizeof *library };

static const struct {
  const char    *name;
  NomosTermsGrid grid;
} grids[] = {
  {"series", {.n_dims = 2, .n = {NY, NX}, .length = {LY, LX}, .origin = {-1, 0.5}}},
  {"series, shortest mode kept", {.n_dims = 2, .n = {NY, NX}, .length = {LY, LX}, .origin = {-1, 0.5}, .keep_nyquist = true}},
  {"series, no aliasing", {.n_dims = 2, .n = {NY, NX}, .length = {LY, LX}, .origin = {-1, 0.5}, .dealias = true}},
  {"series, no aliasing, shortest mode kept", {.n_dims = 2, .n = {NY, NX}, .length = {LY, LX}, .origin = {-1, 0.5}, .dealias = true, .keep_nyquist = true}},
  {"series, odd sides, no aliasing", {.n_dims = 2, .n = {21, 27}, .length = {LY, LX}, .origin = {-1, 0.5}, .dealias = true}},
  {"differences, periodic", {.n_dims = 2, .n = {NY, NX}, .length = {LY, LX}, .origin = {-1, 0.5}, .method = NOMOS_TERMS_DIFFERENCES, .order = 4}},
  {"differences, open y", {.n_dims = 2, .n = {NY, NX}, .length = {LY, LX}, .origin = {-1, 0.5}, .method = NOMOS_TERMS_DIFFERENCES, .order = 2, .open = {true, false}}},
};
enum { N_GRIDS = sizeof grids / sizeof *grids };

/* A number in (-1, 1) of a point, the same on whatever rank. */
static double NoiseAt(uint64_t seed, size_t i)
{
  uint64_t z = seed * 0x9E3779B97F4A7C15u + (uint64_t)i * 0xBF58476D1CE4E5B9u + 1;
  z          = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z          = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (double)((z ^ (z >> 31)) >> 11) / 4503599627370496.0 - 1;
}

/* Arrays (n)(points of this rank) in one piece, filled with noise (seed 0: zeros). */
typedef struct {
  double *at[MAX_TERMS];
  double *data;
} Arrays;

static Arrays MakeArrays(size_t n, size_t points, size_t offset, uint64_t seed)
{
  Arrays a;
  a.data = calloc(n * points + 1, sizeof *a.data);
  for (size_t j = 0; j < n; j++) {
    a.at[j] = a.data + j * points;
    for (size_t i = 0; i < points && seed; i++) a.at[j][i] = NoiseAt(seed + 1000 * j, offset + i);
  }
  return a;
}

static const double *const *In(const Arrays *a)
{
  return (const double *const *)a->at;
}

static void MakeTerms(MPI_Comm comm, const NomosTermsGrid *grid, size_t n, const char *const texts[], NomosTerms *terms, size_t *offset)
{
  size_t start, rows, nx;
  ck_ok(NomosTermsGridRows(comm, grid, &start, &rows, &nx));
  Arrays values = MakeArrays(2, rows * nx, start * nx, 77);
  *offset       = start * nx;
  ck_ok(NomosTermsCreate(&(NomosTermsInput){.comm = comm, .grid = *grid, .n_fields = 3, .n_given = 2, .n_terms = n, .fields = fields, .given = given, .terms = texts, .given_values = In(&values), .where = "test"}, terms));
  free(values.data);
}

static double Dot(size_t n, const double a[], const double b[])
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  (void)MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  return sum;
}

static bool Alone(void)
{
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  return size == 1;
}

/* <F' u, w> = <u, F'^T w>, and the Hessian product is symmetric: <a, d(F'^T w) b> = <b, d(F'^T w) a>. Term by term, and for all at once. */
START_TEST(test_transposes)
{
  for (size_t g = 0; g < N_GRIDS; g++)
    for (size_t first = Alone() ? 0 : N_LIBRARY; first <= N_LIBRARY; first++) { /* term by term on one rank */
      const bool   all = first == N_LIBRARY;
      const size_t n   = all ? N_LIBRARY : 1;
      NomosTerms   terms;
      size_t       offset;
      MakeTerms(PETSC_COMM_WORLD, &grids[g].grid, n, all ? library : &library[first], &terms, &offset);
      const size_t points = NomosTermsPoints(terms);
      Arrays x = MakeArrays(3, points, offset, 1), a = MakeArrays(3, points, offset, 2), b = MakeArrays(3, points, offset, 3), w = MakeArrays(n, points, offset, 4), w_dot = MakeArrays(n, points, offset, 5);
      Arrays out = MakeArrays(n, points, offset, 6), x_bar = MakeArrays(3, points, offset, 0), ha = MakeArrays(3, points, offset, 0), hb = MakeArrays(3, points, offset, 0), h_dot = MakeArrays(3, points, offset, 0);
      ck_ok(NomosTermsJvp(terms, In(&x), In(&a), out.at));
      ck_ok(NomosTermsVjp(terms, In(&x), In(&w), x_bar.at));
      double left = Dot(n * points, out.data, w.data), right = Dot(3 * points, a.data, x_bar.data), size = sqrt(Dot(n * points, out.data, out.data) * Dot(n * points, w.data, w.data));
      ck_assert_msg(fabs(left - right) <= 1e-13 * size, "%s, %s: <F' a, w> = %.17g, <a, F'^T w> = %.17g, size %g", grids[g].name, all ? "all" : library[first], left, right, size);
      /* with other columns_bar_dot NULL: d[F'^T w] a alone */
      const double *none[MAX_TERMS] = {NULL};
      ck_ok(NomosTermsHvp(terms, In(&x), In(&a), In(&w), none, ha.at));
      ck_ok(NomosTermsHvp(terms, In(&x), In(&b), In(&w), none, hb.at));
      left = Dot(3 * points, b.data, ha.data), right = Dot(3 * points, a.data, hb.data), size = sqrt(Dot(3 * points, ha.data, ha.data) * Dot(3 * points, b.data, b.data));
      ck_assert_msg(fabs(left - right) <= 1e-13 * size, "%s, %s: the Hessian is not symmetric: %.17g and %.17g, size %g", grids[g].name, all ? "all" : library[first], left, right, size);
      ck_ok(NomosTermsHvp(terms, In(&x), In(&a), In(&w), In(&w_dot), h_dot.at));
      memset(x_bar.data, 0, sizeof(double) * 3 * points);
      ck_ok(NomosTermsVjp(terms, In(&x), In(&w_dot), x_bar.at));
      size = sqrt(Dot(3 * points, h_dot.data, h_dot.data));
      for (size_t i = 0; i < 3 * points; i++) ck_assert_double_le(fabs(h_dot.data[i] - ha.data[i] - x_bar.data[i]), 1e-12 * size);
      free(x.data), free(a.data), free(b.data), free(w.data), free(w_dot.data), free(out.data), free(x_bar.data), free(ha.data), free(hb.data), free(h_dot.data);
      ck_ok(NomosTermsDestroy(&terms));
    }
}
END_TEST

/* |F(x + h a) - F(x) - h F' a| falls as h^2, and with the second derivative <w, ...> as h^3. */
START_TEST(test_taylor)
{
  for (size_t g = 0; g < N_GRIDS; g++)
    for (size_t first = 0; first < N_LIBRARY; first += Alone() ? 1 : 11) {
      NomosTerms terms;
      size_t     offset;
      double     remainder[2][2], scale = 0;
      MakeTerms(PETSC_COMM_WORLD, &grids[g].grid, 1, &library[first], &terms, &offset);
      const size_t  points          = NomosTermsPoints(terms);
      const double *none[MAX_TERMS] = {NULL};
      Arrays        x = MakeArrays(3, points, offset, 1), a = MakeArrays(3, points, offset, 2), w = MakeArrays(1, points, offset, 4), y = MakeArrays(1, points, offset, 0), out = MakeArrays(1, points, offset, 0), dot = MakeArrays(1, points, offset, 0), h_a = MakeArrays(3, points, offset, 0);
      for (size_t i = 0; i < 3 * points; i++) x.data[i] *= 0.4;
      ck_ok(NomosTermsEvaluate(terms, In(&x), y.at));
      ck_ok(NomosTermsJvp(terms, In(&x), In(&a), dot.at));
      ck_ok(NomosTermsHvp(terms, In(&x), In(&a), In(&w), none, h_a.at));
      const double second = Dot(3 * points, a.data, h_a.data), linear = Dot(points, w.data, dot.data);
      for (int k = 0; k < 2; k++) {
        const double h = k ? 1e-3 : 2e-3;
        Arrays       moved = MakeArrays(3, points, offset, 0);
        for (size_t i = 0; i < 3 * points; i++) moved.data[i] = x.data[i] + h * a.data[i];
        ck_ok(NomosTermsEvaluate(terms, In(&moved), out.at));
        double wy = 0, sum = 0, total = 0;
        for (size_t i = 0; i < points; i++) {
          const double rest = out.data[i] - y.data[i] - h * dot.data[i];
          sum += rest * rest;
          wy += w.data[i] * rest;
          total += out.data[i] * out.data[i];
        }
        double both[3] = {sum, wy, total};
        (void)MPI_Allreduce(MPI_IN_PLACE, both, 3, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
        remainder[k][0] = sqrt(both[0]);
        remainder[k][1] = fabs(both[1] - 0.5 * h * h * second);
        scale           = sqrt(both[2]);
        free(moved.data);
      }
      (void)linear;
      for (int order = 0; order < 2; order++) {
        const double factor = remainder[0][order] / remainder[1][order], wanted = order ? 8 : 4;
        if (remainder[0][order] > (order ? 1e-11 : 1e-12) * (1 + scale) * 10) ck_assert_msg(fabs(factor - wanted) < 0.05 * wanted, "%s, %s: the remainder of order %d falls by %g, not %g (%g, %g)", grids[g].name, library[first], order + 2, factor, wanted, remainder[0][order], remainder[1][order]);
      }
      free(x.data), free(a.data), free(w.data), free(y.data), free(out.data), free(dot.data), free(h_a.data);
      ck_ok(NomosTermsDestroy(&terms));
    }
}
END_TEST

/* ---- trigonometric polynomials ---- */

enum { K = 11, L = 9 }; /* all modes of the grid but the shortest */
typedef struct {
  double re[K + 1][2 * L + 1], im[K + 1][2 * L + 1];
} Series;

static Series RandomSeries(uint64_t seed, int k_max, int l_max)
{
  Series s = {{{0}}, {{0}}};
  for (int k = 0; k <= k_max; k++)
    for (int l = -l_max; l <= l_max; l++) {
      if (k == 0 && l < 0) continue;
      s.re[k][l + L] = NoiseAt(seed, (size_t)(k * 100 + l + L));
      s.im[k][l + L] = k || l ? NoiseAt(seed + 1, (size_t)(k * 100 + l + L)) : 0;
    }
  return s;
}

/* sum over half the modes of d^(a,b) of re cos(phase) - im sin(phase), at a point of a grid with n_x, n_y points */
static double SeriesAt(const Series *s, int a, int b, int ix, int iy, int nx, int ny)
{
  double sum = 0;
  for (int k = 0; k <= K; k++)
    for (int l = -L; l <= L; l++) {
      const double phase = 2 * PETSC_PI * ((double)(k * ix % nx) / nx + (double)(l * iy % ny) / ny) + PETSC_PI / 2 * (a + b), c = pow(2 * PETSC_PI / LX * k, a) * pow(2 * PETSC_PI / LY * l, b);
      if (s->re[k][l + L] != 0 || s->im[k][l + L] != 0) sum += c * (s->re[k][l + L] * cos(phase) - s->im[k][l + L] * sin(phase));
    }
  return sum;
}

START_TEST(test_derivatives_of_series)
{
  static const struct {
    const char *text;
    int         n, order[2][2];
  } cases[] = {{"u", 1, {{0, 0}}}, {"u_x", 1, {{1, 0}}}, {"u_y", 1, {{0, 1}}}, {"u_xy", 1, {{1, 1}}}, {"lap u", 2, {{2, 0}, {0, 2}}}, {"u_xxx", 1, {{3, 0}}}, {"dxxy(u)", 1, {{2, 1}}}, {"d4y u", 1, {{0, 4}}}, {"dx lap u", 2, {{3, 0}, {1, 2}}}};
  enum { N = sizeof cases / sizeof *cases };
  const Series s = RandomSeries(5, K, L);
  const char  *texts[N];
  for (size_t i = 0; i < N; i++) texts[i] = cases[i].text;
  for (size_t g = 0; g < 4; g++) {
    NomosTerms terms;
    size_t     offset;
    MakeTerms(PETSC_COMM_WORLD, &grids[g].grid, N, texts, &terms, &offset);
    const size_t points = NomosTermsPoints(terms);
    Arrays       x = MakeArrays(3, points, offset, 0), out = MakeArrays(N, points, offset, 0);
    for (size_t i = 0; i < points; i++) x.at[0][i] = SeriesAt(&s, 0, 0, (int)((offset + i) % NX), (int)((offset + i) / NX), NX, NY);
    ck_ok(NomosTermsEvaluate(terms, In(&x), out.at));
    for (size_t j = 0; j < N; j++)
      for (size_t i = 0; i < points; i += 7) {
        double exact = 0, size = 0;
        for (int d = 0; d < cases[j].n; d++) {
          exact += SeriesAt(&s, cases[j].order[d][0], cases[j].order[d][1], (int)((offset + i) % NX), (int)((offset + i) / NX), NX, NY);
          size += pow(2 * PETSC_PI / LX * K, cases[j].order[d][0]) * pow(2 * PETSC_PI / LY * L, cases[j].order[d][1]);
        }
        ck_assert_msg(fabs(out.at[j][i] - exact) <= 1e-13 * size * 20, "%s: %s is %.17g, not %.17g", grids[g].name, cases[j].text, out.at[j][i], exact);
      }
    free(x.data), free(out.data);
    ck_ok(NomosTermsDestroy(&terms));
  }
}
END_TEST

/* Products without aliasing: the modes of the product that the grid has, from a product on a grid so fine that nothing is folded. Pointwise ones: the product itself. */
START_TEST(test_products)
{
  enum { FINE_X = 2 * NX, FINE_Y = 2 * NY };
  static const char *const texts[] = {"u v_x", "J(u, v)", "dx(u v)"};
  const Series u = RandomSeries(11, K, L), v = RandomSeries(13, K, L);
  static double fine[3][FINE_Y][FINE_X];
  double        largest[3] = {0};
  static double re[3][K + 1][2 * L + 1], im[3][K + 1][2 * L + 1];
  for (int iy = 0; iy < FINE_Y; iy++)
    for (int ix = 0; ix < FINE_X; ix++) {
      const double u0 = SeriesAt(&u, 0, 0, ix, iy, FINE_X, FINE_Y), ux = SeriesAt(&u, 1, 0, ix, iy, FINE_X, FINE_Y), uy = SeriesAt(&u, 0, 1, ix, iy, FINE_X, FINE_Y);
      const double v0 = SeriesAt(&v, 0, 0, ix, iy, FINE_X, FINE_Y), vx = SeriesAt(&v, 1, 0, ix, iy, FINE_X, FINE_Y), vy = SeriesAt(&v, 0, 1, ix, iy, FINE_X, FINE_Y);
      fine[0][iy][ix] = u0 * vx;
      fine[1][iy][ix] = ux * vy - uy * vx;
      fine[2][iy][ix] = ux * v0 + u0 * vx;
      for (int t = 0; t < 3; t++) largest[t] = fmax(largest[t], fabs(fine[t][iy][ix]));
    }
  for (int t = 0; t < 3; t++)
    for (int k = 0; k <= K; k++)
      for (int l = -L; l <= L; l++) {
        double a = 0, b = 0;
        for (int iy = 0; iy < FINE_Y; iy++)
          for (int ix = 0; ix < FINE_X; ix++) {
            const double phase = 2 * PETSC_PI * ((double)(k * ix % FINE_X) / FINE_X + (double)(l * iy % FINE_Y) / FINE_Y);
            a += fine[t][iy][ix] * cos(phase), b -= fine[t][iy][ix] * sin(phase);
          }
        re[t][k][l + L] = a / (FINE_X * FINE_Y), im[t][k][l + L] = b / (FINE_X * FINE_Y);
      }
  for (size_t g = 0; g < 3; g += 2) { /* pointwise, without aliasing */
    NomosTerms terms;
    size_t     offset;
    MakeTerms(PETSC_COMM_WORLD, &grids[g].grid, 3, texts, &terms, &offset);
    const size_t points = NomosTermsPoints(terms);
    Arrays       x = MakeArrays(3, points, offset, 0), out = MakeArrays(3, points, offset, 0);
    for (size_t i = 0; i < points; i++) {
      x.at[0][i] = SeriesAt(&u, 0, 0, (int)((offset + i) % NX), (int)((offset + i) / NX), NX, NY);
      x.at[1][i] = SeriesAt(&v, 0, 0, (int)((offset + i) % NX), (int)((offset + i) / NX), NX, NY);
    }
    ck_ok(NomosTermsEvaluate(terms, In(&x), out.at));
    for (int t = 0; t < (g ? 3 : 2); t++)
      for (size_t i = 0; i < points; i += 5) {
        const int ix = (int)((offset + i) % NX), iy = (int)((offset + i) / NX);
        double    exact = 0;
        if (!g) exact = fine[t][2 * iy][2 * ix];
        else
          for (int k = 0; k <= K; k++)
            for (int l = -L; l <= L; l++) {
              const double phase = 2 * PETSC_PI * ((double)(k * ix % NX) / NX + (double)(l * iy % NY) / NY);
              exact += (k ? 2 : 1) * (re[t][k][l + L] * cos(phase) - im[t][k][l + L] * sin(phase));
            }
        ck_assert_msg(fabs(out.at[t][i] - exact) <= 1e-13 * largest[t], "%s: %s is %.17g, not %.17g", grids[g].name, texts[t], out.at[t][i], exact);
      }
    free(x.data), free(out.data);
    ck_ok(NomosTermsDestroy(&terms));
  }
}
END_TEST

/* J(psi, q) without aliasing is the model's own: the advection of two-layer QG with dealias 3/2, whose products are others (Basdevant's form). With the shortest modes kept, products of two of them alias
   onto themselves even on a grid 3/2 as fine, in each form otherwise: fields without them agree to rounding too. */
START_TEST(test_jacobian_of_qg)
{
  static const char *const texts[] = {"J(u, lap u - 0.5 u + 0.5 v)", "J(v, lap v + 0.5 u - 0.5 v)"};
  for (int keep = 0; keep < 2; keep++) {
    NomosQGSetup    setup = TwoLayers(NX, NY, LX, LY, 1, 1, 0, 0, 0, 0);
    NAME(QGCore)   *core;
    NomosTerms      terms;
    size_t          offset;
    setup.dealias      = NOMOS_QG_DEALIAS_THREE_HALVES;
    setup.keep_nyquist = keep;
    ck_assert_double_eq_tol(setup.stretching[0][1], 0.5, 1e-15);
    ck_ok(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
    MakeTerms(PETSC_COMM_WORLD, &grids[2 + keep].grid, 2, texts, &terms, &offset);
    const size_t points = NomosTermsPoints(terms);
    Arrays       x = MakeArrays(3, points, offset, 0), out = MakeArrays(2, points, offset, 0), model = MakeArrays(2, points, offset, 0);
    Complex     *psi = calloc(StateSize(core) + 1, sizeof *psi), *tendency = calloc(StateSize(core) + 1, sizeof *tendency);
    const Series series[2] = {RandomSeries(31, K, L), RandomSeries(37, K, L)};
    for (int layer = 0; layer < 2; layer++) {
      for (size_t i = 0; i < points; i++) x.at[layer][i] = SeriesAt(&series[layer], 0, 0, (int)((offset + i) % NX), (int)((offset + i) / NX), NX, NY);
      ck_ok(NAME(QGFromGrid)(core, x.at[layer], psi + (size_t)layer * core->n_modes));
    }
    NAME(QGPotentialVorticity)(core, psi, core->q);
    core->ahead = NULL;
    ck_ok(NAME(QGTendencyArray)(core, core->q, NOMOS_QG_VORTICITY_ADVECTION | NOMOS_QG_STRETCHING_ADVECTION, tendency));
    ck_ok(NomosTermsEvaluate(terms, In(&x), out.at));
    double largest = 0, worst = 0;
    for (int layer = 0; layer < 2; layer++) {
      ck_ok(NAME(QGToGrid)(core, tendency + (size_t)layer * core->n_modes, model.at[layer]));
      for (size_t i = 0; i < points; i++) largest = fmax(largest, fabs(model.at[layer][i])), worst = fmax(worst, fabs(model.at[layer][i] + out.at[layer][i]));
    }
    double both[2] = {largest, worst};
    (void)MPI_Allreduce(MPI_IN_PLACE, both, 2, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
    ck_assert_msg(both[1] <= 1e-13 * both[0], "keep_nyquist %d: the Jacobians differ by %g of %g", keep, both[1], both[0]);
    free(x.data), free(out.data), free(model.data), free(psi), free(tendency);
    ck_ok(NAME(QGCoreDestroy)(&core));
    ck_ok(NomosTermsDestroy(&terms));
  }
}
END_TEST

/* The rank's rows of what one rank computes alone, with one thread and with three: bit for bit but for transforms, whose order of sums is FFTW's (to rounding there). */
START_TEST(test_ranks_and_threads)
{
  for (size_t g = 0; g < N_GRIDS; g++) {
    NomosTerms terms, alone;
    size_t     offset, zero;
    const int  threads = omp_get_max_threads();
    omp_set_num_threads(3);
    MakeTerms(PETSC_COMM_WORLD, &grids[g].grid, N_LIBRARY, library, &terms, &offset);
    omp_set_num_threads(1);
    MakeTerms(PETSC_COMM_SELF, &grids[g].grid, N_LIBRARY, library, &alone, &zero);
    omp_set_num_threads(threads);
    const size_t points = NomosTermsPoints(terms), all = NomosTermsPoints(alone);
    Arrays       x = MakeArrays(3, points, offset, 1), x1 = MakeArrays(3, all, 0, 1), out = MakeArrays(N_LIBRARY, points, offset, 0), out1 = MakeArrays(N_LIBRARY, all, 0, 0);
    int          size;
    MPI_Comm_size(PETSC_COMM_WORLD, &size);
    ck_ok(NomosTermsEvaluate(terms, In(&x), out.at));
    ck_ok(NomosTermsEvaluate(alone, In(&x1), out1.at));
    for (size_t j = 0; j < N_LIBRARY; j++) {
      double largest = 0;
      for (size_t i = 0; i < all; i++) largest = fmax(largest, fabs(out1.at[j][i]));
      const double tolerance = size > 1 && grids[g].grid.method == NOMOS_TERMS_SPECTRAL ? 1e-13 * largest : 0;
      for (size_t i = 0; i < points; i++) ck_assert_msg(fabs(out.at[j][i] - out1.at[j][offset + i]) <= tolerance, "%s, %s: %.17g on all ranks, %.17g on one", grids[g].name, library[j], out.at[j][i], out1.at[j][offset + i]);
    }
    free(x.data), free(x1.data), free(out.data), free(out1.data);
    ck_ok(NomosTermsDestroy(&terms));
    ck_ok(NomosTermsDestroy(&alone));
  }
}
END_TEST

NOMOS_TEST_SUITE("terms on planes", test_transposes, test_taylor, test_derivatives_of_series, test_products, test_jacobian_of_qg, test_ranks_and_threads)
