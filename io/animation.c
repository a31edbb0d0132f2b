#include "io/animation.h"
#include "io/disk_impl.h"
#include "io/palette_impl.h"
#include "io/png_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { LEVEL = 6, CONTROL = 26, FIRST_FRAME_AT = NOMOS_PNG_SIGNATURE + NOMOS_PNG_CHUNK_OVERHEAD + 13 };

static const double colour_tolerance = 2.2; /* of 255 levels: is not seen, and halves the files of a few hues */

struct NomosAnimation_s {
  char           path[NOMOS_MAX_PATH], temporary[NOMOS_MAX_PATH];
  FILE          *stream;
  int            reason; /* errno of the first failure */
  size_t         width, height, n_frames, sequence;
  bool           learnt;
  NomosPalette   palette;
  uint8_t       *shown, *next, *rows; /* palette indices: on the screen, of the new frame; (height (1 + width)) what is compressed */
  unsigned char *chunk;
  size_t         room; /* of chunk */
};

/* The n bytes at animation->chunk + 8 as a chunk. */
static void PutChunk(NomosAnimation animation, const char name[4], size_t n)
{
  const size_t bytes = (size_t)(NomosPngChunk_Private(animation->chunk, name, n) - animation->chunk);
  if (!animation->reason && fwrite(animation->chunk, 1, bytes, animation->stream) != bytes) animation->reason = errno;
}

static PetscErrorCode CheckWritten(NomosAnimation animation)
{
  PetscFunctionBeginUser;
  PetscCheck(!animation->reason, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%.2000s: the animation cannot be written: %s", animation->path, strerror(animation->reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* acTL: how many frames there are, and that they repeat for ever. Its number is known at the end. */
static void PutAnimationControl(NomosAnimation animation)
{
  NomosPngInteger_Private(NomosPngInteger_Private(animation->chunk + 8, 4, animation->n_frames), 4, 0);
  PutChunk(animation, "acTL", 8);
}

/* All that comes before the first frame. */
static void PutHeader(NomosAnimation animation)
{
  const NomosPalette *palette = &animation->palette;
  unsigned char      *to      = animation->chunk + 8;

  if (!animation->reason && fwrite(nomos_png_signature, 1, NOMOS_PNG_SIGNATURE, animation->stream) != NOMOS_PNG_SIGNATURE) animation->reason = errno;
  to = NomosPngInteger_Private(NomosPngInteger_Private(to, 4, animation->width), 4, animation->height);
  memcpy(to, "\x08\x03\x00\x00\x00", 5); /* 8 bits, a palette */
  PutChunk(animation, "IHDR", 13);
  PutAnimationControl(animation);
  for (size_t i = 0; i < palette->n_colours; i++) NomosPngInteger_Private(animation->chunk + 8 + 3 * i, 3, palette->colour[i]);
  PutChunk(animation, "PLTE", 3 * palette->n_colours);
}

PetscErrorCode NomosAnimationCreate(const char path[], int width, int height, NomosAnimation *animation)
{
  const size_t n       = (size_t)PetscMax(width, 0) * (size_t)PetscMax(height, 0);
  NomosVerdict verdict = {0};
  char         temporary[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  *animation = NULL;
  PetscCheck(width >= 1 && height >= 1 && width <= 16384 && height <= 16384, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%.2000s: an animation of %d x %d pixels cannot be made; both must be 1 to 16384", path, width, height);
  (void)NomosTemporaryName(path, temporary, &verdict);
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscCall(PetscNew(animation));
  snprintf((*animation)->path, sizeof(*animation)->path, "%s", path);
  snprintf((*animation)->temporary, sizeof(*animation)->temporary, "%s", temporary);
  (*animation)->width  = (size_t)width;
  (*animation)->height = (size_t)height;
  (*animation)->room   = 2 * NOMOS_PNG_CHUNK_OVERHEAD + 1024 + compressBound(n + (size_t)height);
  PetscCall(PetscMalloc4(n, &(*animation)->shown, n, &(*animation)->next, n + (size_t)height, &(*animation)->rows, (*animation)->room, &(*animation)->chunk));
  PetscCall(NomosPaletteCreate_Private(&(*animation)->palette));
  if (!((*animation)->stream = fopen((*animation)->temporary, "wb"))) (*animation)->reason = errno;
  PetscErrorCode code = CheckWritten(*animation);
  if (code) PetscCall(NomosAnimationDiscard(animation));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnimationLearn(NomosAnimation animation, const uint32_t pixels[])
{
  PetscFunctionBeginUser;
  PetscCheck(!animation->n_frames, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%.2000s: the colours of an animation are chosen before its first frame", animation->path);
  NomosPaletteAdd_Private(&animation->palette, animation->width * animation->height, pixels);
  animation->learnt = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  size_t left, top, right, bottom; /* the last two are outside */
} Rectangle;

/* What changed; one pixel if nothing did, as a frame cannot be empty. */
static Rectangle FindChange(const NomosAnimation animation)
{
  const size_t width = animation->width;
  Rectangle    r     = {width, animation->height, 0, 0};

  for (size_t row = 0; row < animation->height; row++) {
    const uint8_t *was = animation->shown + row * width, *is = animation->next + row * width;
    if (animation->n_frames && !memcmp(was, is, width)) continue;
    r.top    = PetscMin(r.top, row);
    r.bottom = row + 1;
    for (size_t i = 0; i < width; i++) {
      if (animation->n_frames && was[i] == is[i]) continue;
      r.left  = PetscMin(r.left, i);
      r.right = PetscMax(r.right, i + 1);
    }
  }
  return r.bottom ? r : (Rectangle){0, 0, 1, 1};
}

/* fcTL, behind which a frame's pixels follow: in place of those that were there. */
static void PutFrameControl(NomosAnimation animation, const Rectangle *r, double seconds)
{
  const size_t   fields[] = {animation->sequence++, r->right - r->left, r->bottom - r->top, r->left, r->top};
  unsigned char *to       = animation->chunk + 8;

  for (int i = 0; i < 5; i++) to = NomosPngInteger_Private(to, 4, fields[i]);
  to    = NomosPngInteger_Private(NomosPngInteger_Private(to, 2, (size_t)(1000 * seconds + 0.5)), 2, 1000);
  to[0] = to[1] = 0; /* stays when its time is over; nothing is seen through it */
  PutChunk(animation, "fcTL", CONTROL);
}

PetscErrorCode NomosAnimationFrame(NomosAnimation animation, const uint32_t pixels[], double seconds)
{
  const size_t width = animation->width, n = width * animation->height;
  const bool   first = !animation->n_frames;
  uint8_t     *to    = animation->rows;
  Rectangle    r;

  PetscFunctionBeginUser;
  NomosCheck(seconds >= 0.001 && seconds <= 60, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%.2000s: a frame cannot be shown for %g s; 0.001 to 60 are possible", animation->path, seconds);
  PetscCall(CheckWritten(animation));
  if (first) {
    if (!animation->learnt) PetscCall(NomosAnimationLearn(animation, pixels));
    PetscCall(NomosPaletteChoose_Private(&animation->palette, colour_tolerance));
    PutHeader(animation);
  }
  for (size_t i = 0; i < n; i++) animation->next[i] = NomosPaletteFind_Private(&animation->palette, pixels[i]);
  r = FindChange(animation);
  for (size_t row = r.top; row < r.bottom; row++) {
    *to++ = 0; /* no filter */
    memcpy(to, animation->next + row * width + r.left, r.right - r.left);
    to += r.right - r.left;
  }
  PutFrameControl(animation, &r, seconds);
  const size_t numbered = first ? 0 : 4; /* fdAT is IDAT behind a sequence number */
  uLongf       bytes    = animation->room - 8 - numbered - 4;
  if (!first) NomosPngInteger_Private(animation->chunk + 8, 4, animation->sequence++);
  PetscCheck(compress2(animation->chunk + 8 + numbered, &bytes, animation->rows, (uLong)(to - animation->rows), LEVEL) == Z_OK, PETSC_COMM_SELF, PETSC_ERR_LIB, "%.2000s: a frame cannot be compressed", animation->path);
  PutChunk(animation, first ? "IDAT" : "fdAT", numbered + bytes);
  memcpy(animation->shown, animation->next, n);
  animation->n_frames++;
  PetscCall(CheckWritten(animation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnimationDiscard(NomosAnimation *animation)
{
  PetscFunctionBeginUser;
  if (!*animation) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*animation)->stream) {
    fclose((*animation)->stream);
    unlink((*animation)->temporary);
  }
  PetscCall(NomosPaletteDestroy_Private(&(*animation)->palette));
  PetscCall(PetscFree4((*animation)->shown, (*animation)->next, (*animation)->rows, (*animation)->chunk));
  PetscCall(PetscFree(*animation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(NomosAnimation animation)
{
  PetscFunctionBeginUser;
  PetscCheck(animation->n_frames, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%.2000s: an animation without a frame cannot be written", animation->path);
  PutChunk(animation, "IEND", 0);
  if (!animation->reason && fseek(animation->stream, FIRST_FRAME_AT, SEEK_SET)) animation->reason = errno;
  PutAnimationControl(animation);
  if (!animation->reason && fflush(animation->stream)) animation->reason = errno;
  if (!animation->reason && rename(animation->temporary, animation->path)) animation->reason = errno;
  PetscCall(CheckWritten(animation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnimationClose(NomosAnimation *animation)
{
  PetscFunctionBeginUser;
  PetscErrorCode code = Finish(*animation);
  PetscCall(NomosAnimationDiscard(animation)); /* of a finished one there is no temporary file any more */
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Render(const NomosAnimationFrames *frames, size_t i, int *width, int *height, uint32_t **pixels)
{
  NomosFigure figure = NULL;

  PetscFunctionBeginUser;
  PetscCall(frames->frame(frames->ctx, i, &figure));
  PetscErrorCode code = NomosFigureRender(figure, width, height, pixels);
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Colours from three frames, then all frames. */
static PetscErrorCode AddFrames(const NomosAnimationFrames *frames, NomosAnimation animation)
{
  const size_t samples[] = {0, frames->n / 2, frames->n - 1}, n_samples = 3;
  uint32_t    *pixels;
  int          width, height;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n_samples + frames->n; i++) {
    const size_t frame = i < n_samples ? samples[i] : i - n_samples;
    PetscCall(Render(frames, frame, &width, &height, &pixels));
    const bool fits = (size_t)width == animation->width && (size_t)height == animation->height;
    PetscErrorCode code = PETSC_SUCCESS;
    if (fits && i < n_samples) code = NomosAnimationLearn(animation, pixels);
    else if (fits) code = NomosAnimationFrame(animation, pixels, PetscMax(frames->seconds / (double)frames->n, 0.001) + (frame + 1 == frames->n));
    PetscCall(PetscFree(pixels));
    PetscCheck(fits, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%.2000s: frame %zu has %d x %d pixels, those before %zu x %zu; all must have the same size", animation->path, frame, width, height, animation->width, animation->height);
    PetscCall(code);
    if (i >= n_samples && frames->progress) PetscCall(frames->progress(frames->ctx, frame + 1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnimate(const char path[], const NomosAnimationFrames *frames)
{
  NomosAnimation animation;
  uint32_t      *pixels;
  int            width, height;

  PetscFunctionBeginUser;
  PetscCheck(frames->n, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%.2000s: an animation without a frame cannot be written", path);
  PetscCall(Render(frames, 0, &width, &height, &pixels));
  PetscCall(PetscFree(pixels));
  PetscCall(NomosAnimationCreate(path, width, height, &animation));
  PetscErrorCode code = AddFrames(frames, animation);
  if (code) PetscCall(NomosAnimationDiscard(&animation));
  PetscCall(code);
  PetscCall(NomosAnimationClose(&animation));
  PetscFunctionReturn(PETSC_SUCCESS);
}
