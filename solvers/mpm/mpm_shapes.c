/* Shapes of bodies and obstacles: signed distances, volumes, and the box around one. */
#include "solvers/mpm/mpm_impl.h"

#include <math.h>
#include <string.h>

/* In two dimensions everything beyond d is 0, so that the lengths below are those of the plane. */
static double Norm(const double v[3])
{
  return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

static double Dot(const double a[3], const double b[3])
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Distance of a point from a box whose half edges are h, in coordinates q = |r| - h of the first n axes: outside to the nearest point, inside to the nearest face. */
static double BoxDistance(int n, const double q[3], double gradient[3])
{
  double outside = 0;
  int    nearest = 0;

  for (int a = 0; a < 3; a++) gradient[a] = 0;
  for (int a = 0; a < n; a++) {
    if (q[a] > q[nearest]) nearest = a;
    outside += q[a] > 0 ? q[a] * q[a] : 0;
  }
  outside = sqrt(outside);
  if (outside > 0)
    for (int a = 0; a < n; a++) gradient[a] = fmax(q[a], 0) / outside;
  else gradient[nearest] = 1;
  return outside > 0 ? outside : q[nearest];
}

static double Box(const NomosMpmShape *shape, int d, const double r[3], double normal[3])
{
  double q[3] = {0, 0, 0};

  for (int a = 0; a < d; a++) q[a] = fabs(r[a]) - 0.5 * shape->size[a];
  const double distance = BoxDistance(d, q, normal);
  for (int a = 0; a < d; a++) normal[a] = copysign(normal[a], r[a]);
  return distance;
}

static double Sphere(const NomosMpmShape *shape, int d, const double r[3], double normal[3])
{
  const double length = Norm(r);

  (void)d;
  for (int a = 0; a < 3; a++) normal[a] = length > 0 ? r[a] / length : a == 0;
  return length - shape->radius;
}

/* 0 on the surface, and nowhere larger than the distance from it. */
static double Ellipsoid(const NomosMpmShape *shape, int d, const double r[3], double normal[3])
{
  double scaled[3] = {0, 0, 0}, least = 0.5 * shape->size[0];

  for (int a = 0; a < 3; a++) normal[a] = 0;
  for (int a = 0; a < d; a++) {
    const double half = 0.5 * shape->size[a];
    scaled[a]         = r[a] / half;
    normal[a]         = scaled[a] / half;
    least             = fmin(least, half);
  }
  const double length = Norm(normal);
  for (int a = 0; a < 3; a++) normal[a] = length > 0 ? normal[a] / length : a == 0;
  return (Norm(scaled) - 1) * least;
}

/* A box in the plane of the distance from the axis and the position along it. */
static double Cylinder(const NomosMpmShape *shape, int d, const double r[3], double normal[3])
{
  const double length = Norm(shape->axis), along = Dot(r, shape->axis) / length;
  double       radial[3], gradient[3], q[3] = {0, fabs(along) - 0.5 * length, 0};

  (void)d;
  for (int a = 0; a < 3; a++) radial[a] = r[a] - along * shape->axis[a] / length;
  const double rho = Norm(radial);
  q[0]             = rho - shape->radius;
  const double distance = BoxDistance(2, q, gradient);
  for (int a = 0; a < 3; a++) normal[a] = (rho > 0 ? gradient[0] * radial[a] / rho : 0) + copysign(gradient[1], along) * shape->axis[a] / length;
  return distance;
}

static double Plane(const NomosMpmShape *shape, int d, const double r[3], double normal[3])
{
  const double length = Norm(shape->axis);

  (void)d;
  for (int a = 0; a < 3; a++) normal[a] = shape->axis[a] / length;
  return Dot(r, normal);
}

static double (*const distances[NOMOS_N_SHAPES])(const NomosMpmShape *, int, const double[3], double[3]) = {
  [NOMOS_SHAPE_BOX] = Box, [NOMOS_SHAPE_SPHERE] = Sphere, [NOMOS_SHAPE_CYLINDER] = Cylinder, [NOMOS_SHAPE_PLANE] = Plane, [NOMOS_SHAPE_ELLIPSOID] = Ellipsoid,
};

double NomosMpmDistance(const NomosMpmShape *shape, int d, const double x[3], double normal[3])
{
  double r[3] = {0, 0, 0}, ignored[3];

  for (int a = 0; a < d; a++) r[a] = x[a] - shape->centre[a];
  return distances[shape->kind](shape, d, r, normal ? normal : ignored);
}

double NomosMpmShapeVolume(const NomosMpmShape *shape, int d)
{
  const double area = PETSC_PI * shape->radius * shape->radius;

  switch (shape->kind) {
  case NOMOS_SHAPE_BOX: return shape->size[0] * shape->size[1] * (d == 3 ? shape->size[2] : 1);
  case NOMOS_SHAPE_SPHERE: return d == 3 ? 4 * area * shape->radius / 3 : area;
  case NOMOS_SHAPE_ELLIPSOID: return PETSC_PI * shape->size[0] * shape->size[1] * (d == 3 ? shape->size[2] / 6 : 0.25);
  case NOMOS_SHAPE_CYLINDER: return area * Norm(shape->axis);
  default: return 0;
  }
}

void NomosMpmShapeExtent(const NomosMpmShape *shape, int d, double low[3], double high[3])
{
  const double length = Norm(shape->axis);

  for (int a = 0; a < 3; a++) {
    double half = 0.5 * shape->size[a];
    if (shape->kind == NOMOS_SHAPE_SPHERE) half = shape->radius;
    if (shape->kind == NOMOS_SHAPE_CYLINDER) half = 0.5 * fabs(shape->axis[a]) + shape->radius * sqrt(fmax(0, 1 - pow(shape->axis[a] / length, 2)));
    if (a >= d) half = 0;
    low[a]  = shape->centre[a] - half;
    high[a] = shape->centre[a] + half;
  }
}

/* The spline's nodes are 0 ... n - 1: for order 2 those within 1.5 dx, for order 3 within 2 dx. */
void NomosMpmGridExtent(const NomosMpmSetup *setup, int axis, double *low, double *high)
{
  *low  = (setup->order == 2 ? 0.5 : 1) * setup->dx + setup->origin[axis];
  *high = (setup->cells[axis] - (setup->order == 2 ? 1.5 : 2)) * setup->dx + setup->origin[axis];
}

void NomosMpmRoom(const NomosMpmSetup *setup, int axis, double *low, double *high)
{
  const int b = setup->wall_nodes, n = setup->cells[axis];

  NomosMpmGridExtent(setup, axis, low, high);
  if (setup->walls[axis][0] != NOMOS_WALL_OPEN) *low = fmax(*low, (b - 1) * setup->dx + setup->origin[axis]);
  if (setup->walls[axis][1] != NOMOS_WALL_OPEN) *high = fmin(*high, (n - b + 1) * setup->dx + setup->origin[axis]);
}
