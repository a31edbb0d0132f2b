/* The curves of NCLaw's elasticity on a tile of points in one precision, forward, tangent and backward. */
#include "surrogates/constitutive/spline.h"

enum { KNOTS = NOMOS_SPLINE_KNOTS, MIDDLE = KNOTS / 2 };

static double Length(int piece)
{
  return piece < MIDDLE ? 1. / MIDDLE : 9. / MIDDLE;
}

/* m += the slopes of values y at the knots; transposed: y += of m. */
static void Slopes(bool transposed, double y[KNOTS], double m[KNOTS])
{
  for (int k = 0; k < KNOTS; k++) {
    const int    middle = k == 0 ? 1 : k == KNOTS - 1 ? KNOTS - 2 : k; /* of the parabola */
    const double a = Length(middle - 1), b = Length(middle), x = k < middle ? -a : k > middle ? b : 0; /* derivative at x from the middle knot */
    const double w[3] = {(2 * x - b) / (a * (a + b)), (b - a - 2 * x) / (a * b), (2 * x + a) / (b * (a + b))};
    for (int i = 0; i < 3; i++) {
      if (transposed) y[middle - 1 + i] += w[i] * m[k];
      else m[k] += w[i] * y[middle - 1 + i];
    }
  }
}

void NAME(NomosSplinePack)(double base, const double values[], Real table[])
{
  for (int c = 0; c < 3; c++) {
    double y[KNOTS], m[KNOTS] = {0};
    for (int k = 0; k < KNOTS; k++) y[k] = values[c * KNOTS + k] + base * (k - MIDDLE) / MIDDLE;
    Slopes(false, y, m);
    for (int k = 0; k < KNOTS; k++) {
      table[2 * (c * KNOTS + k)]     = (Real)y[k];
      table[2 * (c * KNOTS + k) + 1] = (Real)m[k];
    }
  }
}

void NAME(NomosSplineUnpack)(const Real sums[], double values_bar[])
{
  for (int c = 0; c < 3; c++) {
    double y[KNOTS], m[KNOTS];
    for (int k = 0; k < KNOTS; k++) {
      y[k] = sums[2 * (c * KNOTS + k)];
      m[k] = sums[2 * (c * KNOTS + k) + 1];
    }
    Slopes(true, y, m);
    for (int k = 0; k < KNOTS; k++) values_bar[c * KNOTS + k] += y[k];
  }
}

/* A place on a curve: the four numbers of the table from `at` on, and by which weights they make value and derivative. */
typedef struct {
  size_t at;
  Real   value[4], slope[4];
} Place;

static Place PlaceOf(int curve, Real x)
{
  const int  piece  = !(x > 0) ? 0 : x < 1 ? (int)(x * MIDDLE) : x < 10 ? MIDDLE + (int)((x - 1) * (Real)(MIDDLE / 9.)) : KNOTS - 2;
  const Real start  = piece < MIDDLE ? (Real)piece / MIDDLE : 1 + (Real)(9. / MIDDLE) * (Real)(piece - MIDDLE), length = (Real)Length(piece);
  const Real t      = (x - start) / length, r = 1 - t, bend = 6 * t * r / length;
  return (Place){.at = 2 * (size_t)(curve * KNOTS + piece), .value = {(1 + 2 * t) * r * r, t * r * r * length, t * t * (3 - 2 * t), -t * t * r * length}, .slope = {-bend, r * (1 - 3 * t), bend, t * (3 * t - 2)}};
}

static Real Dot(const Real w[4], const Real *table)
{
  return w[0] * table[0] + w[1] * table[1] + w[2] * table[2] + w[3] * table[3];
}

/* Of one point: f, g, h where it asks for them (g[i] of the two values that are not i), P and dP/ds, which is symmetric. */
typedef struct {
  Real  s[3], P[3], slope[3][3];
  Place f[3], g[3], h;
} Point;

static void Evaluate(const Real table[], const Real *x, Point *p)
{
  for (int i = 0; i < 3; i++) p->s[i] = x[i * TILE] + 1;
  const Real *s = p->s;
  p->h          = PlaceOf(2, s[0] * s[1] * s[2]);
  const Real h = Dot(p->h.value, table + p->h.at), h_slope = Dot(p->h.slope, table + p->h.at);
  for (int i = 0; i < 3; i++) {
    const int  j = (i + 1) % 3, k = (i + 2) % 3;
    const Real area = s[j] * s[k];
    p->f[i]         = PlaceOf(0, s[i]);
    p->g[i]         = PlaceOf(1, area);
    p->P[i]         = Dot(p->f[i].value, table + p->f[i].at) + h * area;
    p->slope[i][i]  = Dot(p->f[i].slope, table + p->f[i].at) + h_slope * area * area;
  }
  for (int i = 0; i < 3; i++) {
    const int  j = (i + 1) % 3, k = (i + 2) % 3;
    const Real g = Dot(p->g[i].value, table + p->g[i].at), g_slope = Dot(p->g[i].slope, table + p->g[i].at);
    p->P[j] += g * s[k];
    p->P[k] += g * s[j];
    p->slope[j][j] += g_slope * s[k] * s[k];
    p->slope[k][k] += g_slope * s[j] * s[j];
    p->slope[j][k] = p->slope[k][j] = g_slope * s[j] * s[k] + g + h_slope * s[i] * s[k] * s[i] * s[j] + h * s[i];
  }
}

void NAME(NomosSplineForward)(const Real table[], NetworkTile *tile)
{
  const Real close = sizeof(Real) == sizeof(float) ? (Real)3e-3 : (Real)1e-5; /* there the quotient is taken from the slopes: as far off as rounding would be */

  for (size_t l = 0; l < TILE; l++) {
    Point p;
    Evaluate(table, tile->x + l, &p);
    for (int i = 0; i < 3; i++) tile->y[(size_t)i * TILE + l] = p.P[i];
    for (int i = 0; i < 3; i++) {
      const int  j = (i + 1) % 3, k = (i + 2) % 3;
      const Real d = p.s[j] - p.s[k];
      tile->quotient[(size_t)i * TILE + l] = d * d < close * close ? (Real)0.5 * (p.slope[j][j] + p.slope[k][k]) - p.slope[j][k] : (p.P[j] - p.P[k]) / d;
    }
  }
}

void NAME(NomosSplineTangent)(const Real table[], const Real table_dot[], const NetworkTile *tile, NetworkTangent *dot)
{
  for (size_t l = 0; l < TILE; l++) {
    Point p;
    Evaluate(table, tile->x + l, &p);
    const Real *s = p.s, area[3] = {s[1] * s[2], s[2] * s[0], s[0] * s[1]};
    for (int i = 0; i < 3; i++) {
      const int j = (i + 1) % 3, k = (i + 2) % 3;
      Real      sum = 0;
      for (int a = 0; a < 3; a++) sum += p.slope[i][a] * dot->x[(size_t)a * TILE + l];
      if (table_dot)
        sum += Dot(p.f[i].value, table_dot + p.f[i].at) + Dot(p.g[j].value, table_dot + p.g[j].at) * s[k] + Dot(p.g[k].value, table_dot + p.g[k].at) * s[j] + Dot(p.h.value, table_dot + p.h.at) * area[i];
      dot->y[(size_t)i * TILE + l] = sum;
    }
  }
}

static void Add(Real factor, const Place *place, Real *sums)
{
  for (int i = 0; i < 4; i++) sums[place->at + (size_t)i] += factor * place->value[i];
}

void NAME(NomosSplineBackward)(const Real table[], const NetworkTile *tile, NetworkTangent *bar, Real *sums)
{
  for (size_t l = 0; l < TILE; l++) {
    const Real b[3] = {bar->y[l], bar->y[TILE + l], bar->y[2 * TILE + l]};
    Point      p;
    Evaluate(table, tile->x + l, &p);
    const Real *s = p.s;
    for (int i = 0; i < 3; i++) {
      const int j = (i + 1) % 3, k = (i + 2) % 3;
      bar->x[(size_t)i * TILE + l] = p.slope[i][0] * b[0] + p.slope[i][1] * b[1] + p.slope[i][2] * b[2];
      if (!sums) continue;
      Add(b[i], &p.f[i], sums);
      Add(b[j] * s[k] + b[k] * s[j], &p.g[i], sums);
      Add(b[i] * s[j] * s[k], &p.h, sums);
    }
  }
}
