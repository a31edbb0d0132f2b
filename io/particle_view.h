/* Particles as the eye sees them: shaded balls in a room, from above one of its corners; in two dimensions discs. A picture is an array of pixels. Serial.

   The room stands still, so its floor, walls and obstacles are drawn once per view; a frame costs a few milliseconds for a thousand particles and a tenth of a second for a hundred thousand. */
#ifndef NOMOS_IO_PARTICLE_VIEW_H
#define NOMOS_IO_PARTICLE_VIEW_H

#include "io/base.h"

/* Where particles move. In three dimensions the floor and the walls behind are drawn, and the lengths along three edges. */
typedef struct {
  int         d;                /* 2 or 3 */
  double      low[3], high[3];  /* the room: its walls */
  int         up;               /* the axis that points up */
  const char *unit;             /* of lengths: "m"; NULL: none */
  bool        unlabelled;       /* lengths are not written; the room for them stays */
  double (*distance)(const void *ctx, const double x[3]); /* signed distance to the obstacles, negative inside, Lipschitz 1; NULL: there are none */
  const void *ctx;              /* of `distance`; lives as long as the view */
} NomosScene;

typedef struct {
  size_t          n;
  const double   *x;      /* (n, d); what is not finite is left out */
  const uint32_t *colour; /* (n) 0xRRGGBB */
  double          radius; /* in the unit of lengths */
} NomosParticles;

typedef struct NomosView_s *NomosParticleView;

/* `width` pixels wide (64 to 8192), as high as the room's shape needs; text is set at `scale` pixels per point. Errors: a room that is empty or not finite. */
PetscErrorCode NomosViewCreate(const NomosScene *scene, int width, double scale, NomosParticleView *view);
PetscErrorCode NomosViewSize(NomosParticleView view, int *width, int *height);
/* Where a point (d) is: column and row in pixels from the upper left corner, and (3-D) its depth, greater behind; depth may be NULL. */
PetscErrorCode NomosViewProject(NomosParticleView view, const double x[], double at[2], double *depth);
/* pixels (height, width): 0xRRGGBB, the upper row first. */
PetscErrorCode NomosViewDraw(NomosParticleView view, const NomosParticles *particles, uint32_t pixels[]);
PetscErrorCode NomosViewDestroy(NomosParticleView *view);

/* How many particles are not in the room, or no numbers, and hence not seen in two dimensions; `margin` beyond the walls is still inside. */
size_t NomosParticlesOutside(const NomosScene *scene, const NomosParticles *particles, double margin);

/* A radius at which particles look like a body: NOMOS_RADIUS_OF_SPACING of the typical distance (the median over particles) to the nearest other one, a little more than half. 0: fewer than two particles. */
#define NOMOS_RADIUS_OF_SPACING 0.56
PetscErrorCode NomosParticleRadius(int d, size_t n, const double x[], double *radius);

#endif
