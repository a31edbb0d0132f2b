/* An animation in one file that a browser plays: an animated PNG (W3C PNG, third edition, 2025: chunks acTL, fcTL and fdAT), which other programs show as its first frame. Serial.

   To keep it small its pixels are numbers of at most 256 colours, chosen from some of the frames, and of each frame only the rectangle that changed is stored. */
#ifndef NOMOS_IO_ANIMATION_H
#define NOMOS_IO_ANIMATION_H

#include "io/plot.h"

typedef struct NomosAnimation_s *NomosAnimation;

/* width and height in pixels (1 to 16384). It comes to `path` when it is closed; an older file stays until then. Errors: a path that cannot be written. */
PetscErrorCode NomosAnimationCreate(const char path[], int width, int height, NomosAnimation *animation);
/* Before the first frame: choose the colours from these pictures (height, width; 0xRRGGBB) too. Without any they are those of the first frame. */
PetscErrorCode NomosAnimationLearn(NomosAnimation animation, const uint32_t pixels[]);
/* Add a frame that is shown for so long (0.001 to 60 s). Errors: a full disk, with the system's reason. */
PetscErrorCode NomosAnimationFrame(NomosAnimation animation, const uint32_t pixels[], double seconds);
/* Finish the file. Errors: no frame; a full disk: then there is no file, or the older one. */
PetscErrorCode NomosAnimationClose(NomosAnimation *animation);
/* Leave nothing behind. */
PetscErrorCode NomosAnimationDiscard(NomosAnimation *animation);

/* n figures of one size as frames, one after the other for `seconds` in all and a second longer at the last: what `frame` makes for i = 0 ... n - 1 (some are made twice, to choose the colours).
   `progress` (may be NULL) is told how many are done. */
typedef struct {
  size_t n;
  double seconds;
  PetscErrorCode (*frame)(void *ctx, size_t i, NomosFigure *figure);
  PetscErrorCode (*progress)(void *ctx, size_t done);
  void *ctx;
} NomosAnimationFrames;
PetscErrorCode NomosAnimate(const char path[], const NomosAnimationFrames *frames);

#endif
