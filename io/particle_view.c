/* The camera, and the balls and discs in front of it. Balls are drawn from the back to the front, with a depth per pixel so that they cut into each other and into obstacles; edges are blended by how much
   of the pixel they cover. */
#include "io/particle_view_impl.h"
#include "io/sort.h"

#include <math.h>
#include <string.h>

static const double azimuth = 32, elevation = 20, pinhole = 3.2; /* degrees; the pinhole's distance in diagonals of the room */
static const double haze = 0.28;                                 /* how far the colour at the back of the room fades */

static double Dot(const double a[3], const double b[3])
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void Cross(const double a[3], const double b[3], double c[3])
{
  for (int i = 0; i < 3; i++) c[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
}

void NomosCameraProject_Private(const NomosCamera *camera, int d, const double x[], double at[2], double *depth)
{
  double from[3] = {0}, back, zoom;

  for (int i = 0; i < d; i++) from[i] = x[i] - camera->centre[i];
  back   = Dot(from, camera->back);
  zoom   = camera->scale / (1 + back / camera->distance);
  at[0]  = camera->origin[0] + zoom * Dot(from, camera->right);
  at[1]  = camera->origin[1] - zoom * Dot(from, camera->top);
  *depth = back;
}

/* Looks along the diagonal of the room, down a little; in two dimensions straight at the plane. */
static void Aim(const NomosScene *scene, NomosCamera *camera)
{
  const double a = azimuth * M_PI / 180, e = elevation * M_PI / 180, light[3] = {-0.45, 0.75, 0.5};
  double       side[3] = {0}, up[3] = {0}, front[3], diagonal = 0;

  for (int i = 0; i < scene->d; i++) {
    camera->centre[i] = 0.5 * (scene->low[i] + scene->high[i]);
    diagonal          = hypot(diagonal, scene->high[i] - scene->low[i]);
  }
  for (int i = 0; i < 3; i++) camera->light[i] = light[i] / sqrt(Dot(light, light));
  up[scene->up]                 = 1;
  side[scene->up == 0 ? 1 : 0]  = 1;
  Cross(side, up, front);
  if (scene->d == 2) {
    memcpy(camera->right, (double[]){1, 0, 0}, sizeof camera->right);
    memcpy(camera->top, (double[]){0, 1, 0}, sizeof camera->top);
    camera->distance = INFINITY;
    return;
  }
  for (int i = 0; i < 3; i++) {
    camera->right[i] = cos(a) * side[i] - sin(a) * front[i];
    camera->back[i]  = -cos(e) * (sin(a) * side[i] + cos(a) * front[i]) - sin(e) * up[i];
  }
  Cross(camera->right, camera->back, camera->top);
  camera->distance = pinhole * diagonal;
}

/* The room fills the width but for margins, which hold text in three dimensions. */
static void Fit(NomosParticleView view)
{
  NomosCamera *camera = &view->camera;
  double       low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY}, margin = view->scene.d == 3 ? 22 * view->text_scale : 0, left = 1.7 * margin;

  camera->scale = 1;
  view->near    = INFINITY;
  view->far     = -INFINITY;
  for (int corner = 0; corner < 1 << view->scene.d; corner++) {
    double x[3], at[2], depth;
    for (int i = 0; i < 3; i++) x[i] = corner >> i & 1 ? view->scene.high[i] : view->scene.low[i];
    NomosCameraProject_Private(camera, view->scene.d, x, at, &depth);
    for (int i = 0; i < 2; i++) {
      low[i]  = fmin(low[i], at[i]);
      high[i] = fmax(high[i], at[i]);
    }
    view->near = fmin(view->near, depth);
    view->far  = fmax(view->far, depth);
  }
  camera->scale     = (view->width - left - 1.1 * margin) / (high[0] - low[0]);
  view->height      = (int)fmin(fmax(ceil(camera->scale * (high[1] - low[1]) + 1.4 * margin - 1e-9), 16), 8192);
  camera->origin[0] = left - camera->scale * low[0];
  camera->origin[1] = 0.4 * margin - camera->scale * low[1];
}

/* From above and from everywhere; where the light falls straight on, the surface shines a little. */
NomosLight NomosLight_Private(const NomosCamera *camera, const double normal[3])
{
  const double lit = fmax(0, Dot(normal, camera->light));
  return (NomosLight){.bright = (float)(0.56 + 0.10 * normal[1] + 0.42 * lit), .shine = (float)(0.22 * pow(lit, 12))};
}

static void LightFace(NomosParticleView view)
{
  for (int j = 0; j < NOMOS_FACE; j++) {
    for (int i = 0; i < NOMOS_FACE; i++) {
      double normal[3] = {2. * i / (NOMOS_FACE - 1) - 1, 1 - 2. * j / (NOMOS_FACE - 1)}, length = hypot(normal[0], normal[1]);
      for (int c = 0; c < 2 && length > 1; c++) normal[c] /= length;
      normal[2]        = sqrt(fmax(1 - length * length, 0));
      view->face[j][i] = NomosLight_Private(&view->camera, normal);
    }
  }
}

PetscErrorCode NomosViewCreate(const NomosScene *scene, int width, double scale, NomosParticleView *view)
{
  PetscFunctionBeginUser;
  *view = NULL;
  PetscCheck(scene->d == 2 || scene->d == 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "Particles in %d dimensions cannot be drawn; they must be in 2 or 3", scene->d);
  PetscCheck(width >= 64 && width <= 8192, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "A picture %d pixels wide cannot be drawn; it must be 64 to 8192", width);
  PetscCheck(scene->up >= 0 && scene->up < scene->d, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "Axis %d cannot point up in %d dimensions", scene->up, scene->d);
  for (int i = 0; i < scene->d; i++) NomosCheck(isfinite(scene->low[i]) && isfinite(scene->high[i]) && scene->low[i] < scene->high[i], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "A room from %g to %g along axis %d cannot be drawn; both must be finite and ascending", scene->low[i], scene->high[i], i);
  PetscCall(PetscNew(view));
  (*view)->scene      = *scene;
  (*view)->width      = width;
  (*view)->text_scale = scale;
  Aim(scene, &(*view)->camera);
  LightFace(*view);
  Fit(*view);
  const size_t n = (size_t)(*view)->width * (size_t)(*view)->height;
  PetscCall(PetscMalloc4(n, &(*view)->room, n, &(*view)->depth, 2 * n, &(*view)->floor, n, &(*view)->work_depth));
  PetscCall(NomosRoomDraw_Private(*view));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosViewSize(NomosParticleView view, int *width, int *height)
{
  PetscFunctionBeginUser;
  *width  = view->width;
  *height = view->height;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosViewProject(NomosParticleView view, const double x[], double at[2], double *depth)
{
  double back;

  PetscFunctionBeginUser;
  NomosCameraProject_Private(&view->camera, view->scene.d, x, at, &back);
  if (depth) *depth = back;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- shadows ------------------------------------------------------------------------------------------------------------------ */

static void Blur(float *map, size_t stride_along, size_t stride_across)
{
  for (size_t j = 0; j < NOMOS_SHADOW; j++) {
    float line[NOMOS_SHADOW + 4] = {0};
    for (size_t i = 0; i < NOMOS_SHADOW; i++) line[i + 2] = map[j * stride_across + i * stride_along];
    for (size_t i = 0; i < NOMOS_SHADOW; i++) map[j * stride_across + i * stride_along] = (line[i] + 2 * line[i + 1] + 3 * line[i + 2] + 2 * line[i + 3] + line[i + 4]) / 9;
  }
}

/* The light from straight above that particles and obstacles keep from the floor, softened: what shows where they are. */
static void DropShadows(NomosParticleView view, const NomosParticles *particles, uint32_t pixels[])
{
  const NomosScene *scene = &view->scene;
  float             map[NOMOS_SHADOW * NOMOS_SHADOW];
  double            cell[2], cover;
  int               side[2];

  NomosFloorAxes_Private(scene, side);
  memcpy(map, view->cover, sizeof map);
  for (int i = 0; i < 2; i++) cell[i] = (scene->high[side[i]] - scene->low[side[i]]) / NOMOS_SHADOW;
  cover = M_PI * particles->radius * particles->radius / (cell[0] * cell[1]);
  for (size_t p = 0; p < particles->n; p++) {
    double at[2];
    bool   inside = true;
    for (int i = 0; i < 2; i++) {
      at[i]  = (particles->x[3 * p + (size_t)side[i]] - scene->low[side[i]]) / cell[i];
      inside = inside && at[i] >= 0 && at[i] < NOMOS_SHADOW;
    }
    if (inside) map[(size_t)at[1] * NOMOS_SHADOW + (size_t)at[0]] += (float)cover;
  }
  for (int pass = 0; pass < 3; pass++) {
    Blur(map, 1, NOMOS_SHADOW);
    Blur(map, NOMOS_SHADOW, 1);
  }
  for (size_t i = 0; i < NOMOS_SHADOW * NOMOS_SHADOW; i++) map[i] = 0.30f * (1 - expf(-1.2f * map[i]));
  for (size_t i = 0; i < (size_t)view->width * (size_t)view->height; i++) {
    const float *at = &view->floor[2 * i];
    if (at[0] < 0) continue;
    const float  u = fminf(fmaxf(at[0] * NOMOS_SHADOW - 0.5f, 0), NOMOS_SHADOW - 1.001f), v = fminf(fmaxf(at[1] * NOMOS_SHADOW - 0.5f, 0), NOMOS_SHADOW - 1.001f);
    const size_t c = (size_t)u, r = (size_t)v;
    const float  s = u - (float)c, t = v - (float)r, *m = &map[r * NOMOS_SHADOW + c];
    const float  dark = (1 - t) * ((1 - s) * m[0] + s * m[1]) + t * ((1 - s) * m[NOMOS_SHADOW] + s * m[NOMOS_SHADOW + 1]);
    if (dark > 0.004f) pixels[i] = NomosMix_Private(pixels[i], 0x303848, dark);
  }
}

/* --- balls and discs ----------------------------------------------------------------------------------------------------------- */

/* A particle on the screen. */
typedef struct {
  float    x, y, radius, depth;
  uint32_t colour;
} Ball;

/* Far ones first: a counting sort by depth. */
static PetscErrorCode SortByDepth(size_t n, Ball **balls)
{
  enum { BINS = 8192 };
  float   near = INFINITY, far = -INFINITY;
  size_t *start;
  Ball   *sorted;

  PetscFunctionBeginUser;
  if (n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < n; i++) {
    near = fminf(near, (*balls)[i].depth);
    far  = fmaxf(far, (*balls)[i].depth);
  }
  const float per_depth = (BINS - 1) / fmaxf(far - near, 1e-30f);
  PetscCall(PetscCalloc1(BINS + 1, &start));
  PetscCall(PetscMalloc1(n, &sorted));
  for (size_t i = 0; i < n; i++) start[1 + (size_t)((far - (*balls)[i].depth) * per_depth)]++;
  for (size_t b = 0; b < BINS; b++) start[b + 1] += start[b];
  for (size_t i = 0; i < n; i++) sorted[start[(size_t)((far - (*balls)[i].depth) * per_depth)]++] = (*balls)[i];
  PetscCall(PetscFree(start));
  PetscCall(PetscFree(*balls));
  *balls = sorted;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A ball, or in two dimensions a disc with a darker rim. Lengths in pixels; `unit` is a pixel in the unit of depths. */
static void DrawBall(NomosParticleView view, const Ball *ball, float unit, uint32_t pixels[])
{
  const float r = ball->radius, reach = r + 0.5f;
  const int   left = (int)fmaxf(ceilf(ball->x - reach - 0.5f), 0), right = (int)fminf(floorf(ball->x + reach - 0.5f), (float)(view->width - 1));
  const int   top = (int)fmaxf(ceilf(ball->y - reach - 0.5f), 0), bottom = (int)fminf(floorf(ball->y + reach - 0.5f), (float)(view->height - 1));

  for (int j = top; j <= bottom; j++) {
    for (int i = left; i <= right; i++) {
      const size_t at = (size_t)j * (size_t)view->width + (size_t)i;
      const float  dx = (float)i + 0.5f - ball->x, dy = (float)j + 0.5f - ball->y, square = dx * dx + dy * dy;
      uint32_t     colour = ball->colour;
      if (square >= reach * reach) continue;
      const float distance = sqrtf(square), cover = fminf(reach - distance, 1);
      if (view->scene.d == 3) {
        const float depth = ball->depth - unit * sqrtf(fmaxf(r * r - square, 0)), place = (NOMOS_FACE - 1) / 2;
        if (depth > view->work_depth[at]) continue;
        if (cover > 0.5f) view->work_depth[at] = depth;
        colour = NomosLit_Private(colour, view->face[(int)(place * (dy / reach + 1) + 0.5f)][(int)(place * (dx / reach + 1) + 0.5f)]);
      } else if (r > 2.5f) colour = NomosMix_Private(colour, 0x101018, 0.35f * fminf(fmaxf(distance - (r - 1.1f), 0), 1));
      pixels[at] = cover >= 1 ? colour : NomosMix_Private(pixels[at], colour, cover);
    }
  }
}

PetscErrorCode NomosViewDraw(NomosParticleView view, const NomosParticles *particles, uint32_t pixels[])
{
  const NomosCamera *camera = &view->camera;
  const int          d      = view->scene.d;
  const size_t       n_pixels = (size_t)view->width * (size_t)view->height;
  Ball              *balls;
  size_t             n = 0;

  PetscFunctionBeginUser;
  memcpy(pixels, view->room, n_pixels * sizeof *pixels);
  memcpy(view->work_depth, view->depth, n_pixels * sizeof *view->work_depth);
  if (d == 3) DropShadows(view, particles, pixels);
  PetscCall(PetscMalloc1(particles->n + 1, &balls));
  for (size_t p = 0; p < particles->n; p++) {
    double at[2], depth, zoom;
    NomosCameraProject_Private(camera, d, &particles->x[(size_t)d * p], at, &depth);
    zoom = 1 + depth / camera->distance;
    const double radius = fmax(camera->scale * particles->radius / zoom, 0.6);
    if (!(zoom > 0.1 && fabs(at[0] - 0.5 * view->width) <= view->width + radius && fabs(at[1] - 0.5 * view->height) <= view->height + radius && radius < 1e4)) continue; /* NaN is nowhere */
    const double fade = d == 3 ? haze * fmin(fmax((depth - view->near) / (view->far - view->near), 0), 1) : 0;
    balls[n++] = (Ball){(float)at[0], (float)at[1], (float)radius, (float)depth, NomosMix_Private(particles->colour[p], 0xf0f2f4, (float)fade)};
  }
  if (d == 3) PetscCall(SortByDepth(n, &balls));
  for (size_t i = 0; i < n; i++) DrawBall(view, &balls[i], (float)(1 / camera->scale), pixels);
  PetscCall(PetscFree(balls));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosViewDestroy(NomosParticleView *view)
{
  PetscFunctionBeginUser;
  if (!*view) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*view)->room, (*view)->depth, (*view)->floor, (*view)->work_depth));
  PetscCall(PetscFree(*view));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosParticlesOutside(const NomosScene *scene, const NomosParticles *particles, double margin)
{
  const size_t d       = (size_t)scene->d;
  size_t       outside = 0;

  for (size_t p = 0; p < particles->n; p++) {
    bool inside = true;
    for (size_t a = 0; a < d; a++) inside = inside && particles->x[p * d + a] >= scene->low[a] - margin && particles->x[p * d + a] <= scene->high[a] + margin; /* no number is inside of nothing */
    outside += !inside;
  }
  return outside;
}

PetscErrorCode NomosParticleRadius(int d, size_t n, const double x[], double *radius)
{
  enum { SAMPLES = 64 };
  double nearest[SAMPLES];
  size_t n_samples = 0;

  PetscFunctionBeginUser;
  for (size_t s = 0; s < PetscMin(n, SAMPLES) && n > 1; s++) {
    const double *from = &x[(size_t)d * (s * n / PetscMin(n, SAMPLES))];
    double        least = INFINITY;
    for (size_t p = 0; p < n; p++) {
      double square = 0;
      for (int i = 0; i < d; i++) square += (x[(size_t)d * p + (size_t)i] - from[i]) * (x[(size_t)d * p + (size_t)i] - from[i]);
      if (square > 0) least = fmin(least, square);
    }
    if (isfinite(least)) nearest[n_samples++] = sqrt(least);
  }
  NomosSort(n_samples, nearest);
  *radius = n_samples ? NOMOS_RADIUS_OF_SPACING * nearest[n_samples / 2] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
