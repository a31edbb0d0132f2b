/* What stands still in a view of particles: floor and back walls with a grid, the lengths of three edges, obstacles. */
#include "io/particle_view_impl.h"
#include "io/plot_impl.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t obstacle_colour = 0xc2c6cc;

typedef struct {
  NomosParticleView view;
  cairo_t  *cairo;
} Room;

static void Project(const Room *room, const double x[3], double at[2])
{
  double depth;
  NomosCameraProject_Private(&room->view->camera, 3, x, at, &depth);
}

/* A point of the room: each coordinate between low (0) and high (1). */
static void Corner(const NomosScene *scene, const double fraction[3], double x[3])
{
  for (int i = 0; i < 3; i++) x[i] = scene->low[i] + fraction[i] * (scene->high[i] - scene->low[i]);
}

static void Segment(const Room *room, const double from[3], const double to[3])
{
  double a[2], b[2];
  Project(room, from, a);
  Project(room, to, b);
  cairo_move_to(room->cairo, a[0], a[1]);
  cairo_line_to(room->cairo, b[0], b[1]);
}

static void SetGrey(const Room *room, double grey, double points)
{
  cairo_set_source_rgb(room->cairo, grey, grey, fmin(1, grey * 1.008));
  cairo_set_line_width(room->cairo, points * room->view->text_scale);
}

/* The lines of a side at round coordinates along axis `along`, across to the other side of axis `across`. */
static void DrawGrid(const Room *room, const double corner[3], int along, int across)
{
  const NomosScene *scene = &room->view->scene;
  NomosAxis         axis  = {.scale = NOMOS_SCALE_LINEAR, .low = scene->low[along], .high = scene->high[along]};

  NomosAxisTicks_Private(&axis, 8);
  for (int t = 0; t < axis.n_major; t++) {
    double from[3], to[3];
    memcpy(from, corner, sizeof from);
    from[along] = axis.major[t];
    memcpy(to, from, sizeof to);
    from[across] = scene->low[across];
    to[across]   = scene->high[across];
    Segment(room, from, to);
  }
}

/* The side of the room where `axis` is at its high (or low) end. */
static void DrawSide(const Room *room, int axis, bool high, double grey)
{
  static const double around[4][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  const NomosScene   *scene        = &room->view->scene;
  const int           a = (axis + 1) % 3, b = (axis + 2) % 3;
  double              x[3], at[2];

  for (int pass = 0; pass < 2; pass++) { /* the face, then its outline */
    for (int i = 0; i < 4; i++) {
      double fraction[3];
      fraction[axis] = high;
      fraction[a]    = around[i][0];
      fraction[b]    = around[i][1];
      Corner(scene, fraction, x);
      Project(room, x, at);
      if (i) cairo_line_to(room->cairo, at[0], at[1]);
      else cairo_move_to(room->cairo, at[0], at[1]);
    }
    cairo_close_path(room->cairo);
    SetGrey(room, pass ? 0.74 : grey, 0.8);
    if (pass) cairo_stroke(room->cairo);
    else {
      cairo_fill(room->cairo);
      x[axis] = high ? scene->high[axis] : scene->low[axis];
      SetGrey(room, grey - 0.045, 0.6);
      DrawGrid(room, x, a, b);
      DrawGrid(room, x, b, a);
      cairo_stroke(room->cairo);
    }
  }
}

/* Numbers at both ends of an edge along `axis`, its name between them; `out` (pixels) leads away from the room. */
static void LabelEdge(const Room *room, int axis, const double corner[3], const double out[2])
{
  static const char names[] = "xyz";
  const NomosParticleView   view    = room->view;
  const double      size = nomos_tick_size * view->text_scale, share[3] = {0.03, 0.5, 0.97};
  char              text[64];

  SetGrey(room, 0.35, 1);
  for (int i = 0; i < 3; i++) {
    double fraction[3], x[3], at[2];
    memcpy(fraction, corner, sizeof fraction);
    fraction[axis] = share[i];
    Corner(&view->scene, fraction, x);
    Project(room, x, at);
    if (i == 1) snprintf(text, sizeof text, view->scene.unit && view->scene.unit[0] ? "%c (%s)" : "%c", names[axis], view->scene.unit);
    else snprintf(text, sizeof text, "%.2g", i ? view->scene.high[axis] : view->scene.low[axis]);
    NomosTextDraw_Private(room->cairo, size, at[0] + 0.9 * size * out[0], at[1] + 0.9 * size * out[1], out[0] < -0.9 ? 1 : out[0] > 0 ? 0.2 : 0.8, true, text);
  }
}

static void DrawRoom(const Room *room)
{
  const NomosScene *scene = &room->view->scene;
  const int         up = scene->up, side = up == 0 ? 1 : 0, front = 3 - up - side;
  const bool        front_high = room->view->camera.back[front] < 0, side_high = room->view->camera.back[side] < 0; /* the ends that are nearer */
  double            corner[3]  = {0};

  cairo_set_source_rgb(room->cairo, 1, 1, 1);
  cairo_paint(room->cairo);
  if (scene->d == 2) return;
  DrawSide(room, side, !side_high, 0.965);
  DrawSide(room, front, !front_high, 0.975);
  DrawSide(room, up, false, 0.935);
  if (scene->unlabelled) return;
  corner[front] = front_high;
  LabelEdge(room, side, corner, (double[2]){-0.35, 1});
  corner[front] = 0;
  corner[side]  = side_high;
  LabelEdge(room, front, corner, (double[2]){0.5, 0.9});
  corner[side]  = !side_high;
  corner[front] = front_high;
  LabelEdge(room, up, corner, (double[2]){-1, 0});
}

/* The ray through a pixel: a point and a unit direction. */
static void Ray(const NomosCamera *camera, int d, double column, double row, double from[3], double along[3])
{
  const double a = (column - camera->origin[0]) / camera->scale, b = (camera->origin[1] - row) / camera->scale;
  double       length = 0;

  for (int i = 0; i < 3; i++) {
    const double on = d == 3 ? a * camera->right[i] + b * camera->top[i] : 0; /* where it meets the plane of depth 0 */
    from[i]         = camera->centre[i] + (d == 3 ? -camera->distance * camera->back[i] : (i == 0 ? a : i == 1 ? b : 0));
    along[i]        = d == 3 ? on + camera->distance * camera->back[i] : 0;
    length += along[i] * along[i];
  }
  for (int i = 0; i < 3 && length > 0; i++) along[i] /= sqrt(length);
}

/* Where the ray enters and leaves the room. */
static bool Clip(const NomosScene *scene, const double from[3], const double along[3], double *enter, double *leave)
{
  *enter = 0;
  *leave = INFINITY;
  for (int i = 0; i < 3; i++) {
    const double a = (scene->low[i] - from[i]) / along[i], b = (scene->high[i] - from[i]) / along[i];
    *enter = fmax(*enter, fmin(a, b)); /* NaN of a ray in the wall's plane counts for nothing */
    *leave = fmin(*leave, fmax(a, b));
  }
  return *enter < *leave;
}

/* Walks along the ray by the distance to the obstacles less the ray's `spread` per length, until nothing is left of it: the length walked, or INFINITY beyond the room. */
static double March(const NomosScene *scene, const double from[3], const double along[3], double spread, double tolerance)
{
  double t, leave;

  if (!Clip(scene, from, along, &t, &leave)) return INFINITY;
  for (int step = 0; step < 200 && t < leave; step++) {
    const double x[3] = {from[0] + t * along[0], from[1] + t * along[1], from[2] + t * along[2]}, room = scene->distance(scene->ctx, x) - spread * t;
    if (room <= tolerance) return t;
    t += fmax(room, tolerance);
  }
  return INFINITY;
}

static uint32_t ObstacleColour(const NomosParticleView view, const double x[3], double h)
{
  const NomosScene  *scene  = &view->scene;
  const NomosCamera *camera = &view->camera;
  double             gradient[3], normal[3] = {0}, length = 0;

  for (int i = 0; i < 3; i++) {
    double ahead[3] = {x[0], x[1], x[2]}, behind[3] = {x[0], x[1], x[2]};
    ahead[i] += h;
    behind[i] -= h;
    gradient[i] = scene->distance(scene->ctx, ahead) - scene->distance(scene->ctx, behind);
    length += gradient[i] * gradient[i];
  }
  for (int i = 0; i < 3 && length > 0; i++) {
    normal[0] += gradient[i] * camera->right[i] / sqrt(length);
    normal[1] += gradient[i] * camera->top[i] / sqrt(length);
    normal[2] -= gradient[i] * camera->back[i] / sqrt(length);
  }
  return NomosLit_Private(obstacle_colour, NomosLight_Private(camera, normal));
}

/* One pixel from four rays. */
static void TracePixel(NomosParticleView view, int column, int row, size_t at)
{
  const NomosScene  *scene  = &view->scene;
  const NomosCamera *camera = &view->camera;
  const double       pixel  = 1 / camera->scale;
  double             sum[3] = {0}, depth = 0;
  int                hits = 0;

  for (int s = 0; s < 4; s++) {
    double   from[3], along[3], t, x[3];
    uint32_t colour = obstacle_colour;
    Ray(camera, scene->d, column + 0.25 + 0.5 * (s & 1), row + 0.25 + 0.5 * (s >> 1), from, along);
    if (scene->d == 2) {
      if (scene->distance(scene->ctx, from) > 0) continue;
    } else {
      if (!isfinite(t = March(scene, from, along, 0, 0.2 * pixel))) continue;
      for (int i = 0; i < 3; i++) {
        x[i] = from[i] + t * along[i];
        depth += (x[i] - camera->centre[i]) * camera->back[i];
      }
      colour = ObstacleColour(view, x, 0.5 * pixel);
    }
    for (int c = 0; c < 3; c++) sum[c] += colour >> 8 * c & 255;
    hits++;
  }
  if (!hits) return;
  const uint32_t mean = (uint32_t)(sum[2] / hits + 0.5) << 16 | (uint32_t)(sum[1] / hits + 0.5) << 8 | (uint32_t)(sum[0] / hits + 0.5);
  view->room[at]      = NomosMix_Private(view->room[at], mean, (float)hits / 4);
  if (hits >= 2 && scene->d == 3) view->depth[at] = (float)(depth / hits);
}

/* Whole tiles that no obstacle comes near are passed over. */
static void TraceObstacles(NomosParticleView view)
{
  enum { TILE = 8 };
  const NomosScene *scene = &view->scene;
  const double      pixel = 1 / view->camera.scale;

  for (int top = 0; top < view->height; top += TILE) {
    for (int left = 0; left < view->width; left += TILE) {
      double from[3], along[3];
      Ray(&view->camera, scene->d, left + 0.5 * TILE, top + 0.5 * TILE, from, along);
      const double radius = 0.75 * TILE * pixel; /* at depth 0 */
      if (scene->d == 2 ? scene->distance(scene->ctx, from) > radius : !isfinite(March(scene, from, along, 1.3 * radius / view->camera.distance, pixel)) && !isfinite(March(scene, from, along, 0, radius))) continue;
      for (int row = top; row < PetscMin(top + TILE, view->height); row++)
        for (int column = left; column < PetscMin(left + TILE, view->width); column++) TracePixel(view, column, row, (size_t)row * (size_t)view->width + (size_t)column);
    }
  }
}

/* Where obstacles stand above the floor. */
static void CoverFloor(NomosParticleView view)
{
  const NomosScene *scene = &view->scene;
  int               side[2];

  NomosFloorAxes_Private(scene, side);
  for (int j = 0; j < NOMOS_SHADOW && scene->d == 3; j++) {
    for (int i = 0; i < NOMOS_SHADOW; i++) {
      const double share[2] = {(i + 0.5) / NOMOS_SHADOW, (j + 0.5) / NOMOS_SHADOW};
      double       from[3], along[3] = {0};
      from[scene->up]  = scene->low[scene->up];
      along[scene->up] = 1;
      for (int s = 0; s < 2; s++) from[side[s]] = scene->low[side[s]] + share[s] * (scene->high[side[s]] - scene->low[side[s]]);
      if (isfinite(March(scene, from, along, 0, 0.5 / view->camera.scale))) view->cover[j][i] = 1;
    }
  }
}

/* Where each pixel sees the floor. */
static void MapFloor(NomosParticleView view)
{
  const NomosScene *scene = &view->scene;
  const int         up    = scene->up;
  int               side[2];

  NomosFloorAxes_Private(scene, side);
  for (int row = 0; row < view->height; row++) {
    for (int column = 0; column < view->width; column++) {
      float *at = &view->floor[2 * ((size_t)row * (size_t)view->width + (size_t)column)];
      double from[3], along[3], t, share[2];
      at[0] = at[1] = -1;
      if (scene->d == 2) continue;
      Ray(&view->camera, 3, column + 0.5, row + 0.5, from, along);
      t = (scene->low[up] - from[up]) / along[up];
      for (int i = 0; i < 2; i++) share[i] = (from[side[i]] + t * along[side[i]] - scene->low[side[i]]) / (scene->high[side[i]] - scene->low[side[i]]);
      if (!(along[up] < 0) || share[0] < 0 || share[0] > 1 || share[1] < 0 || share[1] > 1 || isfinite(view->depth[(at - view->floor) / 2])) continue;
      at[0] = (float)share[0];
      at[1] = (float)share[1];
    }
  }
}

PetscErrorCode NomosRoomDraw_Private(NomosParticleView view)
{
  cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, view->width, view->height);
  Room             room    = {view, cairo_create(surface)};
  cairo_status_t   status;

  PetscFunctionBeginUser;
  DrawRoom(&room);
  status = cairo_status(room.cairo);
  cairo_surface_flush(surface);
  for (int row = 0; row < view->height && status == CAIRO_STATUS_SUCCESS; row++) memcpy(&view->room[(size_t)row * (size_t)view->width], cairo_image_surface_get_data(surface) + row * cairo_image_surface_get_stride(surface), (size_t)view->width * sizeof *view->room);
  cairo_destroy(room.cairo);
  cairo_surface_destroy(surface);
  PetscCheck(status == CAIRO_STATUS_SUCCESS, PETSC_COMM_SELF, PETSC_ERR_LIB, "A picture of %d x %d pixels cannot be drawn: %s", view->width, view->height, cairo_status_to_string(status));
  for (size_t i = 0; i < (size_t)view->width * (size_t)view->height; i++) {
    view->room[i] &= 0xffffff;
    view->depth[i] = INFINITY;
  }
  if (view->scene.distance) {
    TraceObstacles(view);
    CoverFloor(view);
  }
  MapFloor(view);
  PetscFunctionReturn(PETSC_SUCCESS);
}
