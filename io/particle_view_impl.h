/* Private to the view of particles: the camera, the room (io/particle_room.c), what is in it (io/particle_view.c). */
#ifndef NOMOS_IO_PARTICLE_VIEW_IMPL_H
#define NOMOS_IO_PARTICLE_VIEW_IMPL_H

#include "io/particle_view.h"

#include <math.h>

enum { NOMOS_FACE = 65, NOMOS_SHADOW = 96 };

/* How a colour changes in the light: scaled, then drawn towards white. */
typedef struct {
  float bright, shine;
} NomosLight;

/* A pinhole far away: mild perspective. A point relative to `centre` has coordinates right, up, back (its depth); 2-D: right and up. */
typedef struct {
  double centre[3], right[3], top[3], back[3];
  double distance;      /* of the pinhole from the centre; INFINITY in 2-D */
  double scale;         /* pixels per unit length at depth 0 */
  double origin[2];     /* pixel of the centre */
  double light[3];      /* towards it, in camera coordinates (right, up, towards the eye) */
} NomosCamera;

struct NomosView_s {
  NomosScene  scene;
  NomosCamera camera;
  int         width, height;
  double      text_scale;     /* pixels per point */
  double      far, near;      /* depths of the room's corners */
  uint32_t   *room;           /* (height, width) pixels without particles */
  float      *depth;          /* of the obstacles; INFINITY elsewhere */
  float      *floor;          /* (height, width, 2): fractions of the floor's sides at pixels of the visible floor; negative elsewhere */
  float      *work_depth;     /* (height, width) */
  float       cover[NOMOS_SHADOW][NOMOS_SHADOW]; /* of the floor by what stands above it: 1 under an obstacle */
  NomosLight  face[NOMOS_FACE][NOMOS_FACE]; /* of a ball, by the place on it, the upper row first */
};

void NomosCameraProject_Private(const NomosCamera *camera, int d, const double x[], double at[2], double *depth);
/* On a surface with this normal, in camera coordinates. */
NomosLight NomosLight_Private(const NomosCamera *camera, const double normal[3]);
/* The two axes along the floor. */
static inline void NomosFloorAxes_Private(const NomosScene *scene, int side[2])
{
  side[0] = scene->up == 0 ? 1 : 0;
  side[1] = scene->up == 2 ? 1 : 2;
}

/* Fills room, depth, floor and cover. */
PetscErrorCode NomosRoomDraw_Private(NomosParticleView view);

static inline uint32_t NomosMix_Private(uint32_t a, uint32_t b, float share_of_b)
{
  uint32_t mixed = 0;
  for (int shift = 0; shift < 24; shift += 8) {
    const float from = (float)(a >> shift & 255), to = (float)(b >> shift & 255);
    mixed |= (uint32_t)(from + share_of_b * (to - from) + 0.5f) << shift;
  }
  return mixed;
}

static inline uint32_t NomosLit_Private(uint32_t colour, NomosLight light)
{
  uint32_t lit = 0;
  for (int shift = 0; shift < 24; shift += 8) {
    const float value = fminf((float)(colour >> shift & 255) * light.bright, 255);
    lit |= (uint32_t)(value + light.shine * (255 - value) + 0.5f) << shift;
  }
  return lit;
}

#endif
