/* Animated PNG files: their chunks are what the PNG specification asks for, and they show what was put in. Decoded here with zlib alone. */
#include "io/animation.h"
#include "tests/harness.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { W = 37, H = 23, MAX_FRAMES = 8, MAX_CHUNKS = 64 };

static const char *Path(const char name[])
{
  static char path[2 * NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return path;
}

typedef struct {
  size_t   width, height, left, top;
  unsigned delay[2], dispose, blend;
} Frame;

typedef struct {
  size_t   width, height, n_frames, n_plays, n_decoded;
  char     order[8 * MAX_CHUNKS]; /* names of the chunks, one after the other */
  Frame    frames[MAX_FRAMES];
  uint32_t pixels[MAX_FRAMES][H][W]; /* as they are on the screen when the frame is shown */
} Decoded;

static size_t Integer(const unsigned char *at, int n)
{
  size_t value = 0;
  while (n-- > 0) value = value << 8 | *at++;
  return value;
}

/* Every length, checksum, sequence number and rectangle is checked on the way. */
static void Decode(const char path[], Decoded *d)
{
  static unsigned char file[1 << 20], raw[2 * W * H], palette[3 * 256];
  FILE                *stream   = fopen(path, "rb");
  size_t               n        = fread(file, 1, sizeof file, stream), sequence = 0, n_colours = 0;
  static uint32_t      screen[H][W];

  fclose(stream);
  memset(d, 0, sizeof *d);
  ck_assert(n > 8 && !memcmp(file, "\x89PNG\r\n\x1a\n", 8));
  for (unsigned char *at = file + 8; at < file + n;) {
    const size_t         length = Integer(at, 4);
    const unsigned char *name = at + 4, *body = at + 8;
    ck_assert_uint_le(length, (size_t)(file + n - body) - 4);
    ck_assert_uint_eq(Integer(body + length, 4), crc32(crc32(0, NULL, 0), name, (uInt)length + 4));
    strncat(d->order, (const char *)name, 4);
    if (!memcmp(name, "IHDR", 4)) {
      d->width  = Integer(body, 4);
      d->height = Integer(body + 4, 4);
      ck_assert(!memcmp(body + 8, "\x08\x03\x00\x00\x00", 5));
    } else if (!memcmp(name, "acTL", 4)) {
      d->n_frames = Integer(body, 4);
      d->n_plays  = Integer(body + 4, 4);
    } else if (!memcmp(name, "PLTE", 4)) {
      n_colours = length / 3;
      memcpy(palette, body, length);
    } else if (!memcmp(name, "fcTL", 4)) {
      Frame *f = &d->frames[d->n_decoded];
      ck_assert_uint_eq(length, 26);
      ck_assert_uint_eq(Integer(body, 4), sequence++);
      *f = (Frame){Integer(body + 4, 4), Integer(body + 8, 4), Integer(body + 12, 4), Integer(body + 16, 4), {(unsigned)Integer(body + 20, 2), (unsigned)Integer(body + 22, 2)}, body[24], body[25]};
      ck_assert(f->width > 0 && f->height > 0 && f->left + f->width <= d->width && f->top + f->height <= d->height);
    } else if (!memcmp(name, "IDAT", 4) || !memcmp(name, "fdAT", 4)) {
      const size_t numbered = *name == 'f' ? 4 : 0;
      const Frame *f        = &d->frames[d->n_decoded];
      uLongf       bytes    = sizeof raw;
      if (numbered) ck_assert_uint_eq(Integer(body, 4), sequence++);
      ck_assert_int_eq(uncompress(raw, &bytes, body + numbered, (uLong)(length - numbered)), Z_OK);
      ck_assert_uint_eq(bytes, f->height * (f->width + 1));
      for (size_t j = 0; j < f->height; j++) {
        ck_assert_uint_eq(raw[j * (f->width + 1)], 0); /* no filter */
        for (size_t i = 0; i < f->width; i++) {
          const size_t colour = raw[j * (f->width + 1) + 1 + i];
          ck_assert_uint_lt(colour, n_colours);
          screen[f->top + j][f->left + i] = (uint32_t)Integer(palette + 3 * colour, 3);
        }
      }
      memcpy(d->pixels[d->n_decoded++], screen, sizeof screen);
    }
    at = (unsigned char *)body + length + 4;
  }
}

/* A square that wanders over stripes; four colours. */
static void Draw(int t, uint32_t pixels[H][W])
{
  for (int j = 0; j < H; j++)
    for (int i = 0; i < W; i++) pixels[j][i] = abs(i - 6 - 4 * t) < 4 && abs(j - 8) < 3 ? 0xd55e00 : i % 3 ? 0xffffff : j % 2 ? 0x0072b2 : 0x000000;
}

START_TEST(what_is_put_in_comes_out)
{
  static Decoded  d;
  static uint32_t pixels[H][W];
  NomosAnimation  animation;

  ck_ok(NomosAnimationCreate(Path("square.png"), W, H, &animation));
  for (int t = 0; t < 5; t++) {
    Draw(t, pixels);
    ck_ok(NomosAnimationFrame(animation, pixels[0], t < 4 ? 0.04 : 1));
  }
  ck_assert_int_ne(access(Path("square.png"), F_OK), 0); /* not before it is whole */
  ck_ok(NomosAnimationClose(&animation));
  ck_assert_ptr_null(animation);
  ck_assert_int_ne(access(Path(".square.png.tmp"), F_OK), 0);
  Decode(Path("square.png"), &d);
  ck_assert_str_eq(d.order, "IHDRacTLPLTEfcTLIDATfcTLfdATfcTLfdATfcTLfdATfcTLfdATIEND");
  ck_assert(d.width == W && d.height == H && d.n_frames == 5 && d.n_plays == 0 && d.n_decoded == 5);
  ck_assert(d.frames[0].width == W && d.frames[0].height == H && d.frames[0].left == 0 && d.frames[0].top == 0);
  for (int t = 0; t < 5; t++) {
    Draw(t, pixels);
    ck_assert_msg(!memcmp(pixels, d.pixels[t], sizeof pixels), "frame %d differs", t);
    ck_assert(d.frames[t].dispose == 0 && d.frames[t].blend == 0);
    ck_assert_uint_eq(d.frames[t].delay[0] * 1000, (t < 4 ? 40 : 1000) * d.frames[t].delay[1]);
  }
}
END_TEST

START_TEST(only_what_changed_is_stored)
{
  static Decoded  d;
  static uint32_t pixels[H][W];
  NomosAnimation  animation;

  ck_ok(NomosAnimationCreate(Path("change.png"), W, H, &animation));
  Draw(0, pixels);
  ck_ok(NomosAnimationFrame(animation, pixels[0], 0.1));
  ck_ok(NomosAnimationFrame(animation, pixels[0], 0.1)); /* nothing */
  pixels[11][5] = pixels[17][31] = 0x0072b2;
  ck_ok(NomosAnimationFrame(animation, pixels[0], 0.1));
  ck_ok(NomosAnimationClose(&animation));
  Decode(Path("change.png"), &d);
  ck_assert_uint_eq(d.n_frames, 3);
  ck_assert(d.frames[1].width == 1 && d.frames[1].height == 1);
  ck_assert(d.frames[2].left == 5 && d.frames[2].top == 11 && d.frames[2].width == 27 && d.frames[2].height == 7);
  ck_assert(!memcmp(pixels, d.pixels[2], sizeof pixels));
}
END_TEST

/* A smooth ramp of a thousand colours is kept to a few levels; colours of later frames are known if they were learnt. */
START_TEST(colours_are_chosen_from_the_samples)
{
  static Decoded  d;
  static uint32_t ramp[H][W], other[H][W];
  NomosAnimation  animation;
  double          square = 0;

  for (int j = 0; j < H; j++)
    for (int i = 0; i < W; i++) {
      ramp[j][i]  = (uint32_t)(i * 255 / (W - 1)) << 16 | (uint32_t)(j * 255 / (H - 1)) << 8 | 0x40;
      other[j][i] = j % 2 ? 0x2040f0 : 0xf0f0f0;
    }
  ck_ok(NomosAnimationCreate(Path("ramp.png"), W, H, &animation));
  ck_ok(NomosAnimationLearn(animation, ramp[0]));
  ck_ok(NomosAnimationLearn(animation, other[0]));
  ck_ok(NomosAnimationFrame(animation, ramp[0], 0.1));
  ck_ok(NomosAnimationFrame(animation, other[0], 0.1));
  ck_refused(NomosAnimationLearn(animation, other[0]), "before its first frame");
  ck_ok(NomosAnimationClose(&animation));
  Decode(Path("ramp.png"), &d);
  for (int j = 0; j < H; j++)
    for (int i = 0; i < W; i++) {
      for (int shift = 0; shift < 24; shift += 8) {
        const double difference = (double)(ramp[j][i] >> shift & 255) - (double)(d.pixels[0][j][i] >> shift & 255);
        square += difference * difference / (W * H);
        ck_assert_int_le(abs((int)(other[j][i] >> shift & 255) - (int)(d.pixels[1][j][i] >> shift & 255)), 3);
      }
    }
  ck_assert_msg(sqrt(square) < 12, "%g levels", sqrt(square)); /* 851 colours by at most 256 */
}
END_TEST

START_TEST(a_full_disk_leaves_the_older_animation)
{
  static uint32_t pixels[H][W];
  NomosAnimation  animation;
  PetscErrorCode  code = PETSC_SUCCESS;
  struct stat     before, after;

  if (access("/dev/full", W_OK)) return;
  ck_ok(NomosAnimationCreate(Path("kept.png"), W, H, &animation));
  ck_ok(NomosAnimationFrame(animation, pixels[0], 0.1));
  ck_ok(NomosAnimationClose(&animation));
  stat(Path("kept.png"), &before);
  ck_assert_int_eq(symlink("/dev/full", Path(".kept.png.tmp")), 0);
  ck_ok(NomosAnimationCreate(Path("kept.png"), W, H, &animation));
  NomosErrorSetQuiet(true);
  for (int t = 0; t < 1000 && !code; t++) {
    Draw(t % 5, pixels);
    code = NomosAnimationFrame(animation, pixels[0], 0.1);
  }
  NomosErrorSetQuiet(false);
  ck_assert(code != 0);
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), "kept.png: the animation cannot be written: No space left on device"));
  ck_refused(NomosAnimationClose(&animation), "No space left on device");
  stat(Path("kept.png"), &after);
  ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
  ck_assert_int_ne(access(Path(".kept.png.tmp"), F_OK), 0);
}
END_TEST

START_TEST(misuse_is_refused)
{
  static uint32_t pixels[H][W];
  NomosAnimation  animation;

  ck_refused(NomosAnimationCreate(Path("no/such/place.png"), W, H, &animation), "place.png: the animation cannot be written: No such file or directory");
  ck_assert_ptr_null(animation);
  ck_refused(NomosAnimationCreate(Path("bad.png"), 0, H, &animation), "0 x 23 pixels");
  ck_ok(NomosAnimationCreate(Path("bad.png"), W, H, &animation));
  ck_refused(NomosAnimationFrame(animation, pixels[0], 0), "shown for 0 s");
  ck_refused(NomosAnimationClose(&animation), "without a frame");
  ck_assert_int_ne(access(Path("bad.png"), F_OK), 0);
  ck_assert_int_ne(access(Path(".bad.png.tmp"), F_OK), 0);
  ck_ok(NomosAnimationCreate(Path("bad.png"), W, H, &animation));
  ck_ok(NomosAnimationFrame(animation, pixels[0], 1));
  ck_ok(NomosAnimationDiscard(&animation));
  ck_assert_int_ne(access(Path("bad.png"), F_OK), 0);
}
END_TEST

/* A figure whose line grows, or (ctx) whose size does. */
static PetscErrorCode GrowingLine(void *ctx, size_t i, NomosFigure *figure)
{
  const double x[] = {0, (double)i + 1}, y[] = {0, 1};

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate("line", ctx ? (int)i + 1 : 1, 1, figure));
  PetscCall(NomosFigureSetScale(*figure, 1));
  for (int p = 0; p < (ctx ? (int)i + 1 : 1); p++) {
    PetscCall(NomosFigurePanel(*figure, p, 0, &(NomosAxes){.x_max = 5, .y_max = 1}));
    PetscCall(NomosFigureLine(*figure, 2, x, y, NULL, 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(figures_are_animated)
{
  bool           sizes_differ = true;
  FILE          *stream;
  unsigned char  head[8 + 25 + 20];

  ck_ok(NomosAnimate(Path("line.png"), &(NomosAnimationFrames){.n = 4, .seconds = 2, .frame = GrowingLine}));
  stream = fopen(Path("line.png"), "rb");
  ck_assert_uint_eq(fread(head, 1, sizeof head, stream), sizeof head);
  fclose(stream);
  ck_assert(!memcmp(head + 8 + 25 + 4, "acTL", 4));
  ck_assert_uint_eq(Integer(head + 8 + 25 + 8, 4), 4);
  ck_refused(NomosAnimate(Path("size.png"), &(NomosAnimationFrames){.n = 2, .seconds = 2, .frame = GrowingLine, .ctx = &sizes_differ}), "all must have the same size");
  ck_refused(NomosAnimate(Path("size.png"), &(NomosAnimationFrames){.n = 0, .seconds = 2, .frame = GrowingLine}), "without a frame");
  ck_assert_int_ne(access(Path(".size.png.tmp"), F_OK), 0);
}
END_TEST

NOMOS_TEST_SUITE("animation", what_is_put_in_comes_out, only_what_changed_is_stored, colours_are_chosen_from_the_samples, a_full_disk_leaves_the_older_animation, misuse_is_refused, figures_are_animated)
