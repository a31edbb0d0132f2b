/* Pictures of particles: what is where, what hides what, and that a run of particles ends with them. NOMOS_TEST_PICTURES=dir keeps the pictures. */
#include "cases/program.h"
#include "cases/run_params.h"
#include "io/animation.h"
#include "io/particle_film.h"
#include "solvers/solver_list.h"
#include "surrogates/constitutive/motion_film.h"
#include "tests/harness.h"

#include <sys/stat.h>
#include <unistd.h>

enum { RED = 0xd55e00, BLUE = 0x0072b2 };

static const NomosScene flat = {.d = 2, .low = {0, 0}, .high = {2, 1}, .up = 1, .unit = "m"}, box = {.d = 3, .low = {0, 0, 0}, .high = {1, 1, 1}, .up = 1, .unit = "m"};

/* A view of 200 pixels' width and its picture of some particles. */
typedef struct {
  NomosParticleView view;
  int       width, height;
  uint32_t *pixels;
} Picture;

static Picture Look(const NomosScene *scene, size_t n, const double x[], const uint32_t colour[], double radius)
{
  Picture p;

  ck_ok(NomosViewCreate(scene, 200, 1, &p.view));
  ck_ok(NomosViewSize(p.view, &p.width, &p.height));
  p.pixels = malloc((size_t)p.width * (size_t)p.height * sizeof *p.pixels);
  ck_ok(NomosViewDraw(p.view, &(NomosParticles){.n = n, .x = x, .colour = colour, .radius = radius}, p.pixels));
  return p;
}

static void Drop(Picture *p)
{
  ck_ok(NomosViewDestroy(&p->view));
  free(p->pixels);
}

/* The pixel in which a point is seen. */
static uint32_t At(const Picture *p, const double x[])
{
  double at[2];

  ck_ok(NomosViewProject(p->view, x, at, NULL));
  ck_assert(at[0] >= 0 && at[0] < p->width && at[1] >= 0 && at[1] < p->height);
  return p->pixels[(size_t)at[1] * (size_t)p->width + (size_t)at[0]];
}

/* Red or blue, in whatever light: the larger of the two by far. 0: neither. */
static uint32_t Hue(uint32_t colour)
{
  const int difference = (int)(colour >> 16 & 255) - (int)(colour & 255);
  return difference > 50 ? RED : difference < -50 ? BLUE : 0;
}

/* Pixels that differ from the empty room. */
static size_t CountChanged(const Picture *p)
{
  Picture empty = {.view = p->view, .width = p->width, .height = p->height};
  size_t  n = (size_t)p->width * (size_t)p->height, changed = 0;

  empty.pixels = malloc(n * sizeof *empty.pixels);
  ck_ok(NomosViewDraw(p->view, &(NomosParticles){0}, empty.pixels));
  for (size_t i = 0; i < n; i++) changed += p->pixels[i] != empty.pixels[i];
  free(empty.pixels);
  return changed;
}

START_TEST(a_particle_in_the_centre_lies_in_the_centre)
{
  Picture p = Look(&flat, 1, (double[]){1, 0.5}, (uint32_t[]){RED}, 0.1);

  ck_assert(p.width == 200 && p.height == 100);
  ck_assert_uint_eq(p.pixels[50 * 200 + 100], RED);
  for (int side = -1; side <= 1; side += 2) { /* a disc of 10 pixels' radius about the corner of four pixels */
    ck_assert_uint_eq(p.pixels[50 * 200 + 100 + side * 8], RED);
    ck_assert_uint_eq(p.pixels[50 * 200 + 100 + side * 12], 0xffffff);
    ck_assert_uint_eq(p.pixels[(50 + side * 12) * 200 + 100], 0xffffff);
  }
  ck_close((double)CountChanged(&p), M_PI * 10.5 * 10.5, 0.05); /* with what it covers in part */
  Drop(&p);
  p = Look(&box, 1, (double[]){0.5, 0.5, 0.5}, (uint32_t[]){RED}, 0.05);
  ck_assert_uint_eq(Hue(At(&p, (double[]){0.5, 0.5, 0.5})), RED);
  ck_assert_uint_eq(Hue(At(&p, (double[]){0.5, 0.6, 0.5})), 0);
  Drop(&p);
}
END_TEST

/* A ray through the centre of the room: depth grows along its own gradient, and nothing moves on the screen. */
static void RayThroughCentre(const NomosScene *scene, double along[3])
{
  Picture p = Look(scene, 0, NULL, NULL, 0.1);
  double  at[2], centre[2], depth[2], norm = 0;

  for (int i = 0; i < 3; i++) {
    double ahead[3] = {0.5, 0.5, 0.5};
    ck_ok(NomosViewProject(p.view, ahead, centre, &depth[0]));
    ahead[i] += 1e-3;
    ck_ok(NomosViewProject(p.view, ahead, at, &depth[1]));
    along[i] = (depth[1] - depth[0]) / 1e-3;
    norm += along[i] * along[i];
  }
  ck_close(norm, 1, 1e-9);
  ck_ok(NomosViewProject(p.view, (double[]){0.5 + 0.2 * along[0], 0.5 + 0.2 * along[1], 0.5 + 0.2 * along[2]}, at, NULL));
  ck_assert(fabs(at[0] - centre[0]) < 1e-9 && fabs(at[1] - centre[1]) < 1e-9);
  Drop(&p);
}

START_TEST(nearer_hides_farther)
{
  double along[3], x[2][3];

  RayThroughCentre(&box, along);
  ck_assert_double_lt(along[2], 0); /* y is up: the eye is in front (z), above and to the right */
  ck_assert_double_lt(along[1], 0);
  for (int swapped = 0; swapped < 2; swapped++) {
    for (int i = 0; i < 3; i++) {
      x[swapped][i]     = 0.5 - 0.2 * along[i];
      x[1 - swapped][i] = 0.5 + 0.2 * along[i];
    }
    Picture p = Look(&box, 2, x[0], (uint32_t[]){swapped ? BLUE : RED, swapped ? RED : BLUE}, 0.05);
    ck_assert_uint_eq(Hue(At(&p, (double[]){0.5, 0.5, 0.5})), RED); /* the first of the ray, whatever the order */
    Drop(&p);
  }
}
END_TEST

START_TEST(balls_cut_into_each_other)
{
  double along[3], x[2][3];

  RayThroughCentre(&box, along);
  for (int i = 0; i < 3; i++) { /* the centre of the upper one is nearer; below, the other's surface is */
    x[0][i] = 0.5 - 0.002 * along[i] + (i == 1 ? 0.03 : 0);
    x[1][i] = 0.5 + 0.002 * along[i] - (i == 1 ? 0.03 : 0);
  }
  Picture p = Look(&box, 2, x[0], (uint32_t[]){RED, BLUE}, 0.08);
  ck_assert_uint_eq(Hue(At(&p, (double[]){0.5, 0.54, 0.5})), RED);
  ck_assert_uint_eq(Hue(At(&p, (double[]){0.5, 0.45, 0.5})), BLUE);
  Drop(&p);
}
END_TEST

static double Ball(const void *ctx, const double x[3])
{
  const double *centre = ctx;
  double        square = 0;

  for (int i = 0; i < 3; i++) square += (x[i] - centre[i]) * (x[i] - centre[i]);
  return sqrt(square) - 0.15;
}

START_TEST(obstacles_hide_what_is_behind_them)
{
  const double centre[3] = {0.5, 0.5, 0.5}, in_plane[3] = {0.5, 0.5, 0};
  NomosScene   scene     = box, plane = flat;
  double       along[3];

  scene.distance = plane.distance = Ball;
  scene.ctx = centre;
  plane.ctx = in_plane;
  RayThroughCentre(&box, along);
  for (int front = 0; front < 2; front++) {
    const double share = front ? -0.25 : 0.25;
    Picture      p     = Look(&scene, 1, (double[]){0.5 + share * along[0], 0.5 + share * along[1], 0.5 + share * along[2]}, (uint32_t[]){RED}, 0.05);
    ck_assert_uint_eq(Hue(At(&p, centre)), front ? RED : 0);
    Drop(&p);
  }
  Picture p = Look(&scene, 0, NULL, NULL, 0.05), bare = Look(&box, 0, NULL, NULL, 0.05);
  ck_assert_uint_ne(At(&p, centre), At(&bare, centre));
  ck_assert_uint_ne(At(&p, (double[]){0.5, 0, 0.5}), At(&bare, (double[]){0.5, 0, 0.5})); /* its shadow */
  ck_assert_uint_eq(At(&p, (double[]){0.9, 0.02, 0.9}), At(&bare, (double[]){0.9, 0.02, 0.9}));
  Drop(&p);
  Drop(&bare);
  p = Look(&plane, 0, NULL, NULL, 0.05);
  ck_assert_uint_ne(At(&p, (double[]){0.5, 0.5}), 0xffffff);
  ck_assert_uint_eq(At(&p, (double[]){0.5, 0.7}), 0xffffff);
  Drop(&p);
}
END_TEST

START_TEST(particles_drop_shadows)
{
  Picture p = Look(&box, 1, (double[]){0.5, 0.6, 0.5}, (uint32_t[]){RED}, 0.1), bare = Look(&box, 0, NULL, NULL, 0.1);

  ck_assert_uint_lt(At(&p, (double[]){0.5, 0, 0.5}) & 255, (At(&bare, (double[]){0.5, 0, 0.5}) & 255) - 20);
  ck_assert_uint_eq(At(&p, (double[]){0.12, 0, 0.88}), At(&bare, (double[]){0.12, 0, 0.88}));
  Drop(&p);
  Drop(&bare);
}
END_TEST

START_TEST(nothing_breaks_it)
{
  const double   odd[] = {NAN, 0.5, 0.5, INFINITY, 0, 0, 1e300, -1e300, 1e300, -40, 3, 2, 0.5, 0.5, 50};
  const uint32_t colour[5] = {RED, RED, RED, RED, RED};
  NomosScene     bad       = box;
  NomosParticleView      view;
  Picture        p = Look(&box, 5, odd, colour, 0.05);

  ck_assert_uint_eq(CountChanged(&p), 0);
  ck_assert_uint_eq(NomosParticlesOutside(&box, &(NomosParticles){.n = 5, .x = odd}, 0.1), 5);
  ck_assert_uint_eq(NomosParticlesOutside(&box, &(NomosParticles){.n = 2, .x = (double[]){0.5, 0.5, 0.5, 0.5, 0.5, 1.05}}, 0.1), 0); /* a ball on the wall is seen */
  ck_assert_uint_eq(NomosParticlesOutside(&flat, &(NomosParticles){.n = 2, .x = (double[]){0.5, 0.5, 0.5, 7}}, 0.1), 1);
  Drop(&p);
  p = Look(&flat, 5, odd, colour, 0.05);
  Drop(&p);
  for (int up = 0; up < 3; up++) { /* any axis may point up, and the eye stays above */
    NomosScene turned = box;
    double     at[2][2], x[3] = {0.5, 0.5, 0.5};
    turned.up         = up;
    p                 = Look(&turned, 0, NULL, NULL, 0.1);
    ck_ok(NomosViewProject(p.view, x, at[0], NULL));
    x[up] = 0.6;
    ck_ok(NomosViewProject(p.view, x, at[1], NULL));
    ck_assert(fabs(at[1][0] - at[0][0]) < 1e-9 && at[1][1] < at[0][1]);
    Drop(&p);
  }
  bad.high[1] = 0;
  ck_refused(NomosViewCreate(&bad, 200, 1, &view), "from 0 to 0 along axis 1");
  bad = box, bad.d = 1;
  ck_refused(NomosViewCreate(&bad, 200, 1, &view), "in 1 dimensions");
  ck_refused(NomosViewCreate(&box, 10, 1, &view), "10 pixels wide");
}
END_TEST

START_TEST(the_radius_follows_the_lattice)
{
  enum { N = 6 };
  double x[N * N * N][3], radius;

  for (int p = 0; p < N * N * N; p++)
    for (int i = 0, rest = p; i < 3; i++, rest /= N) x[p][i] = 0.1 * (rest % N);
  ck_ok(NomosParticleRadius(3, N * N * N, x[0], &radius));
  ck_close(radius, 0.056, 1e-12);
  ck_ok(NomosParticleRadius(3, 1, x[0], &radius));
  ck_assert_double_eq(radius, 0);
}
END_TEST

/* --- runs ------------------------------------------------------------------------------------------------------------------------- */

static const char run_case[] =
  "case: {title: Two blocks}\n"
  "solver: mpm\n"
  "mpm: {dimensions: 2, length: 1 m, cells: 16, gravity: [0, -9.8], clip: 1}\n"
  "materials:\n"
  "  jelly: {density: 1000, elasticity: fixed_corotated, youngs_modulus: 1e4 Pa, poissons_ratio: 0.2}\n"
  "  clay_bed: {density: 1500, elasticity: neo_hookean, youngs_modulus: 1e4 Pa, poissons_ratio: 0.3}\n"
  "bodies:\n"
  "  upper: {material: jelly, shape: box, centre: [0.5, 0.6], size: 0.2, lattice: 6}\n"
  "  lower: {material: clay_bed, shape: box, centre: [0.45, 0.3], size: 0.2, lattice: 6}\n"
  "obstacles:\n"
  "  stone: {shape: sphere, centre: [0.8, 0.2], radius: 0.08}\n"
  "time: {dt: 1 ms, stop: 0.1 s}\n"
  "output: {fields_every: 10 ms}\n";

/* Path of the case. */
static const char *WriteCase(void)
{
  static char path[2 * NOMOS_MAX_PATH];
  FILE       *stream;

  snprintf(path, sizeof path, "%s/blocks.yaml", ck_directory);
  stream = fopen(path, "w");
  fputs(run_case, stream);
  fclose(stream);
  return path;
}

/* In the test's directory, silently. */
static int Nomos(int argc, char **argv)
{
  char  here[NOMOS_MAX_PATH];
  int   code, out = dup(1), err = dup(2);
  FILE *null = fopen("/dev/null", "w");

  fflush(stdout);
  ck_assert_ptr_nonnull(getcwd(here, sizeof here));
  ck_assert_int_eq(chdir(ck_directory), 0);
  fflush(stderr);
  dup2(fileno(null), 1);
  dup2(fileno(null), 2);
  code = NomosProgramMain(argc, argv, nomos_solvers, NULL);
  fflush(stdout);
  fflush(stderr);
  dup2(out, 1);
  dup2(err, 2);
  close(out);
  close(err);
  fclose(null);
  ck_assert_int_eq(chdir(here), 0);
  return code;
}
#define ck_nomos(...) ck_assert_msg(!Nomos((int)(sizeof((char *[]){"nomos", __VA_ARGS__}) / sizeof(char *)), (char *[]){"nomos", __VA_ARGS__, NULL}), "failed: %s", NomosErrorLast())

/* Frames of an animated PNG of the test's directory; 0: no such file. */
static size_t FramesOf(const char name[])
{
  char          path[2 * NOMOS_MAX_PATH];
  unsigned char head[53];
  FILE         *stream;
  size_t        n;

  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  if (!(stream = fopen(path, "rb"))) return 0;
  n = fread(head, 1, sizeof head, stream);
  fclose(stream);
  return n == sizeof head && !memcmp(head + 37, "acTL", 4) ? (size_t)head[43] << 8 | head[44] : 0;
}

static bool Has(const char name[])
{
  char path[2 * NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%s/%s", ck_directory, name);
  return !access(path, F_OK);
}

START_TEST(a_run_of_particles_ends_with_pictures)
{
  char command[4 * NOMOS_MAX_PATH];

  WriteCase();
  ck_nomos("run", "blocks.yaml", "-o", "run", "-q");
  ck_assert(Has("run/plots/particles.png") && Has("run/plots/particles.svg") && Has("run/plots/scalars.png") && Has("run/fields.xdmf"));
  ck_assert_uint_eq(FramesOf("run/plots/particles_motion.png"), 11);
  snprintf(command, sizeof command, "grep -q 'clay bed' '%s/run/plots/particles.svg' || ! grep -q '<text' '%s/run/plots/particles.svg'", ck_directory, ck_directory); /* cairo draws text as glyphs */
  ck_assert_int_eq(system(command), 0);
  ck_nomos("run", "blocks.yaml", "-o", "still", "-q", "--set", "output.animation=no", "--set", "materials.jelly.youngs_modulus=1e5 Pa");
  ck_assert(Has("still/plots/particles.png") && !Has("still/plots/particles_motion.png"));
  static const char *const colours[] = {"material", "body", "speed", "pressure", "von_mises", "volume_ratio", "volume", "affine"};
  for (size_t c = 0; c < sizeof colours / sizeof *colours; c++) {
    char set[128];
    snprintf(set, sizeof set, "output.colour=%s", colours[c]);
    ck_nomos("plot", "run", "-q", "--set", set, "--set", "output.animation_frames=2");
    ck_assert_uint_eq(FramesOf("run/plots/particles_motion.png"), 2);
  }
  snprintf(command, sizeof command, "%s/run/plots/scalars.png", ck_directory);
  ck_assert(!unlink(command));
  ck_assert_int_ne(Nomos(6, (char *[]){"nomos", "plot", "run", "-q", "--set", "output.colour=colour", NULL}), 0);
  ck_assert(Has("run/plots/scalars.png")); /* one picture that fails does not take the others with it */
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), "output.colour = colour: fields.nc has no `colour` of the particles"));
  ck_nomos("plot", "run", "-q", "--beside", "still/");
  ck_assert(Has("run/plots/beside.png") && Has("run/plots/beside.svg"));
  ck_assert_uint_eq(FramesOf("run/plots/beside_motion.png"), 11);
  ck_nomos("run", "blocks.yaml", "-o", "short", "-q", "--set", "output.pictures=no", "--set", "time.stop=0.05 s"); /* of one that ends early its end is not shown on and on */
  ck_nomos("plot", "run", "-q", "--beside", "short");
  ck_assert_uint_eq(FramesOf("run/plots/beside_motion.png"), 6);
  ck_assert_int_ne(Nomos(6, (char *[]){"nomos", "plot", "run", "-q", "--beside", "nowhere", NULL}), 0);
  ck_nomos("run", "blocks.yaml", "-o", "run", "-q", "--force", "--set", "output.pictures=no"); /* what it had drawn is gone */
  ck_assert(!Has("run/plots/particles.png") && !Has("run/plots/beside_motion.png"));
}
END_TEST

/* --- films ------------------------------------------------------------------------------------------------------------------------ */

/* Lattices that turn and fall, at different speeds. */
static PetscErrorCode ReadLattice(void *ctx, size_t motion, size_t frame, double x[], uint32_t colour[])
{
  const int    m = *(const int *)ctx;
  const double t = 0.1 * (double)frame, angle = (motion ? 1.3 : 1) * t;

  PetscFunctionBeginUser;
  for (int p = 0; p < m * m * m; p++) {
    const double a = 0.4 * (p % m) / (m - 1) - 0.2, b = 0.4 * (p / m % m) / (m - 1) - 0.2, c = 0.4 * (p / m / m) / (m - 1) - 0.2;
    x[3 * p]     = 0.5 + a * cos(angle) - c * sin(angle);
    x[3 * p + 1] = 0.65 - 0.3 * t * t + b;
    x[3 * p + 2] = 0.5 + a * sin(angle) + c * cos(angle);
    colour[p]    = NomosCycleColour(b < 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

START_TEST(motions_side_by_side)
{
  int               m       = 7;
  const size_t      n[]     = {343, 343};
  const char *const names[] = {"truth", "learned law"}, *const legend[] = {"upper half", "lower half"}, *const times[] = {"0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"};
  const char       *keep = getenv("NOMOS_TEST_PICTURES");
  char              path[2 * NOMOS_MAX_PATH];
  NomosParticleFilm         film = {.scene = &box, .title = "Two lattices", .n_motions = 2, .names = names, .n_particles = n, .n_frames = 6, .times = times, .read = ReadLattice, .ctx = &m, .n_legend = 2, .legend = legend};

  snprintf(path, sizeof path, "%s/film", keep ? keep : ck_directory);
  ck_ok(NomosParticleFilmMoments(&film, path));
  snprintf(path, sizeof path, "%s/film_motion.png", keep ? keep : ck_directory);
  ck_ok(NomosParticleFilmAnimate(&film, 4, 1, path));
  if (!keep) ck_assert(Has("film.png") && Has("film.svg") && FramesOf("film_motion.png") == 4);
  /* One that falls out of the room in mid-film, with no title before that: frames stay of one size. */
  const char *late[16];
  for (size_t f = 0; f < 16; f++) late[f] = times[f % 6];
  film.n_motions = 1;
  film.names     = NULL;
  film.n_frames  = 16;
  film.times     = late;
  snprintf(path, sizeof path, "%s/fall_motion.png", keep ? keep : ck_directory);
  ck_ok(NomosParticleFilmAnimate(&film, 4, 1, path));
}
END_TEST

static NomosModel CreateModel(const char set[], NomosConfig *config)
{
  const NomosModelOps *ops;
  NomosModel           model;

  ck_ok(NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = WriteCase(), .models = nomos_solvers, .n_set = 1, .set = &set}, config, &ops));
  ck_ok(NomosModelCreate(PETSC_COMM_SELF, ops, *config, &model));
  ck_ok(ops->initialise(model));
  return model;
}

START_TEST(a_free_run_beside_the_motion_it_should_have)
{
  const char *const names[] = {"truth", "softer jelly"}, *keep = getenv("NOMOS_TEST_PICTURES");
  NomosConfig       config[2];
  NomosModel        truth = CreateModel("materials.jelly.youngs_modulus=1e4 Pa", &config[0]), softer = CreateModel("materials.jelly.youngs_modulus=2e3 Pa", &config[1]);
  NomosMotion       motion;
  char              stem[2 * NOMOS_MAX_PATH];

  ck_ok(NomosMotionRecord(truth, "position", 9, 50, &motion));
  snprintf(stem, sizeof stem, "%s/free", keep ? keep : ck_directory);
  ck_ok(NomosFreeRunFilm(&(NomosFreeRunInput){.model = softer, .field = motion.field, .n_steps = 400, .every = 50, .reference = NomosMotionReference, .ctx = &motion}, "Two blocks", names, stem));
  if (!keep) ck_assert(Has("free.png") && Has("free.svg") && FramesOf("free_motion.png") == 9);
  ck_ok(NomosMotionFree(&motion));
  ck_ok(NomosModelDestroy(&truth));
  ck_ok(NomosModelDestroy(&softer));
  for (int i = 0; i < 2; i++) ck_ok(NomosConfigDestroy(&config[i]));
}
END_TEST

NOMOS_TEST_SUITE("particles", a_particle_in_the_centre_lies_in_the_centre, nearer_hides_farther, balls_cut_into_each_other, obstacles_hide_what_is_behind_them, particles_drop_shadows, nothing_breaks_it, the_radius_follows_the_lattice, a_run_of_particles_ends_with_pictures, motions_side_by_side, a_free_run_beside_the_motion_it_should_have)
