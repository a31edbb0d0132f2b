/* Bodies of the material point method: where particles begin, how much they weigh, what a case may not ask for; free fall; checkpoints. */
#include "mpm_model.h"
#include "tests/harness.h"

#include "operators/random.h"
#include "surrogates/constitutive/law_list.h"

/* A gravity-free unit cube of one material, open on all sides, with one body. */
#define CASE(cells, body) \
  "mpm: {cells: " cells ", walls: open}\n" \
  "materials: {jelly: {density: 1000, elasticity: fixed_corotated, youngs_modulus: 1e5 Pa, poissons_ratio: 0.2}}\n" \
  "bodies: {it: {material: jelly, " body "}}\n" \
  "time: {dt: 1e-4, stop: 1}\n"

/* NCLaw's 10 x 10 x 10 points: numpy.linspace(-0.25, 0.25, 10) about the centre, end points included. */
START_TEST(a_lattice_with_end_points)
{
  MpmRun run;
  double mass = 0;

  ck_ok(MpmRunCreate(ck_directory, &run, CASE("20", "shape: box, centre: [0.5, 0.5, 0.5], size: 0.5, lattice: 10, velocity: [1, -1.5, -2], angular_velocity: [4, 4, 4]")));
  ck_assert_uint_eq(run.mpm->n, 1000);
  for (size_t k = 0; k < 1000; k++) {
    const size_t place[3] = {k / 100, k / 10 % 10, k % 10};
    double       r[3];
    for (size_t a = 0; a < 3; a++) {
      r[a] = -0.25 + 0.5 * (double)place[a] / 9;
      ck_assert(fabs(MpmRunEntry(&run, a, k) - (0.5 + r[a])) < 1e-15);
    }
    const double v[3] = {1 + 4 * (r[2] - r[1]), -1.5 + 4 * (r[0] - r[2]), -2 + 4 * (r[1] - r[0])}; /* v + w x r */
    for (size_t a = 0; a < 3; a++) ck_assert(fabs(MpmRunEntry(&run, 3 + a, k) - v[a]) < 1e-14);
    for (size_t e = 0; e < 9; e++) {
      ck_assert(MpmRunEntry(&run, 6 + e, k) == 0);
      ck_assert(MpmRunEntry(&run, 15 + e, k) == (e % 4 == 0));
    }
    ck_close(run.mpm->volume[k], 0.125 / 1000, 1e-14);
    mass += run.mpm->mass[k];
  }
  ck_close(mass, 125, 1e-12);
  ck_ok(MpmRunDestroy(&run));
}
END_TEST

/* A lattice finds the volume of a shape to the order of its surface; all points are inside, and their mass is exact. */
START_TEST(shapes_are_filled)
{
  static const struct {
    const char *shape;
    double      volume;
  } shapes[] = {
    {"shape: sphere, centre: [0.5, 0.5, 0.5], radius: 0.2", 4 * PETSC_PI / 3 * 0.008},
    {"shape: cylinder, centre: [0.5, 0.5, 0.5], radius: 0.1, axis: [3, 0, 4], length: 0.31", PETSC_PI * 0.01 * 0.31},
    {"shape: box, centre: [0.5, 0.45, 0.5], size: [0.3, 0.2, 0.1]", 0.006},
    {"shape: ellipsoid, centre: [0.5, 0.5, 0.5], size: [0.4, 0.3, 0.25]", PETSC_PI * 0.03 / 6},
  };
  static const char *const densities[] = {"spacing: 0.01", "particles_per_cell: 125", "particles: 5000"};
  MpmRun                   run;

  for (size_t s = 0; s < 4; s++)
    for (size_t i = 0; i < 3; i++) {
      ck_ok(MpmRunCreate(ck_directory, &run, CASE("20", "%s, %s"), shapes[s].shape, densities[i]));
      const double spacing = i == 2 ? cbrt(shapes[s].volume / 5000) : 0.01;
      ck_close((double)run.mpm->n * pow(spacing, 3), shapes[s].volume, 0.05);
      ck_close(MpmRunScalar(&run, "mass"), 1000 * shapes[s].volume, 1e-12);
      ck_assert(fabs(MpmRunScalar(&run, "centre_x") - 0.5) < 1e-3 && fabs(MpmRunScalar(&run, "centre_z") - 0.5) < 1e-3);
      for (size_t k = 0; k < run.mpm->n; k++) {
        const double x = MpmRunEntry(&run, 0, k) - 0.5, y = MpmRunEntry(&run, 1, k) - 0.5, z = MpmRunEntry(&run, 2, k) - 0.5, along = 0.6 * x + 0.8 * z;
        if (s == 0) ck_assert(x * x + y * y + z * z < 0.04);
        if (s == 1) ck_assert(fabs(along) < 0.155 && x * x + y * y + z * z - along * along < 0.01);
      }
      ck_ok(MpmRunDestroy(&run));
    }
}
END_TEST

/* Jitter moves every point of the lattice by less than half a spacing, differently with another seed, and not with the number of other bodies. */
START_TEST(jitter)
{
  MpmRun run[3];
  size_t moved = 0, other = 0;

  ck_ok(MpmRunCreate(ck_directory, &run[0], CASE("20", "shape: box, centre: [0.5, 0.5, 0.5], size: 0.2, spacing: 0.02")));
  ck_ok(MpmRunCreate(ck_directory, &run[1], CASE("20", "shape: box, centre: [0.5, 0.5, 0.5], size: 0.2, spacing: 0.02, jitter: 1")));
  ck_ok(MpmRunCreate(ck_directory, &run[2], CASE("20, seed: 1", "shape: box, centre: [0.5, 0.5, 0.5], size: 0.2, spacing: 0.02, jitter: 1")));
  ck_assert_uint_eq(run[0].mpm->n, 1000);
  ck_assert_uint_eq(run[1].mpm->n, 1000);
  for (size_t k = 0; k < 1000; k++)
    for (size_t a = 0; a < 3; a++) {
      const double step = fabs(MpmRunEntry(&run[1], a, k) - MpmRunEntry(&run[0], a, k));
      ck_assert(step <= 0.01);
      moved += step > 0.005;
      other += MpmRunEntry(&run[1], a, k) != MpmRunEntry(&run[2], a, k);
    }
  ck_assert(moved > 1400 && moved < 1600 && other == 3000);
  for (int i = 0; i < 3; i++) ck_ok(MpmRunDestroy(&run[i]));
}
END_TEST

/* Two materials and three bodies, in two dimensions: those of one material lie together, in the order of the case. */
START_TEST(materials_and_bodies)
{
  MpmRun run;

  ck_ok(MpmRunCreate(ck_directory, &run,
                     "mpm: {dimensions: 2, length: [2 m, 1 m], cells: 40, walls: open}\n"
                     "materials:\n"
                     "  soft: {density: 500, elasticity: fixed_corotated, youngs_modulus: 1e4 Pa, poissons_ratio: 0.2}\n"
                     "  hard: {density: 2000, elasticity: fixed_corotated, youngs_modulus: 1e6 Pa, poissons_ratio: 0.3}\n"
                     "bodies:\n"
                     "  a: {material: hard, shape: box, centre: [0.5, 0.5], size: [0.2, 0.1], lattice: [5, 3], velocity: [\"x - 0.5\", \"2*y\"]}\n"
                     "  b: {material: soft, shape: sphere, centre: [1.5, 0.5], radius: 0.2, particles_per_cell: 16, angular_velocity: 3, affine: true}\n"
                     "  c: {material: hard, shape: box, centre: [1.0, 0.7], size: 0.1, lattice: 2, volume: 0.5, stretch: [1.1, 0.9, 1 + x]}\n"
                     "time: {dt: 1e-4, stop: 1}\n"));
  const NomosMpm *mpm = run.mpm;
  const size_t    n_b = mpm->n - 15 - 4;
  ck_assert_uint_eq(mpm->n_entries, 17);
  ck_assert(mpm->setup.materials[0].first == 0 && mpm->setup.materials[0].count == n_b && mpm->setup.materials[1].first == n_b && mpm->setup.materials[1].count == 19);
  ck_assert(mpm->body[0] == 1 && mpm->body[n_b] == 0 && mpm->body[mpm->n - 1] == 2 && mpm->material[0] == 0 && mpm->material[n_b] == 1);
  ck_assert_int_eq(mpm->setup.cells[1], 20);
  ck_close((double)n_b, PETSC_PI * 0.04 / (0.0125 * 0.0125), 0.02);
  ck_close(mpm->mass[0] * (double)n_b, 500 * PETSC_PI * 0.04, 1e-12);
  ck_close(mpm->mass[mpm->n - 1], 2000 * 0.125, 1e-14);
  ck_close(MpmRunEntry(&run, 3, n_b), 2 * 0.45, 1e-14); /* v_y of a's first corner (0.4, 0.45) */
  ck_close(MpmRunEntry(&run, 2, n_b), -0.1, 1e-14);
  ck_close(MpmRunEntry(&run, 2, 0), -3 * (MpmRunEntry(&run, 1, 0) - 0.5), 1e-13);
  ck_close(MpmRunEntry(&run, 3, 0), 3 * (MpmRunEntry(&run, 0, 0) - 1.5), 1e-13);
  ck_assert(MpmRunEntry(&run, 4, 0) == 0 && MpmRunEntry(&run, 5, 0) == -3 && MpmRunEntry(&run, 6, 0) == 3);
  ck_close(MpmRunEntry(&run, 8, mpm->n - 1), 1.1, 1e-15);
  ck_close(MpmRunEntry(&run, 16, mpm->n - 1), 2.05, 1e-15);
  /* Parameters of both materials, with their keys. */
  ck_assert_uint_eq(mpm->n_parameters, 4);
  ck_assert_str_eq(mpm->parameters[2].param->key, "materials.hard.youngs_modulus");
  ck_assert(mpm->parameters[2].value == 1e6 && mpm->parameters[1].value == 0.2);
  ck_ok(NomosMpmSetParameters(run.mpm, (double[]){2e4, 0.2, 3e6, 0.4}));
  ck_assert(mpm->setup.materials[1].law[0]->values[0] == 3e6 && mpm->setup.materials[1].law[0]->values[1] == 0.4 && mpm->setup.materials[0].law[0]->values[0] == 2e4);
  ck_ok(MpmRunDestroy(&run));
}
END_TEST

/* Distances: zero on the surface, slope 1 along the normal, and the normal is their gradient. */
START_TEST(distances)
{
  static const NomosMpmShape shapes[] = {
    {.kind = NOMOS_SHAPE_BOX, .centre = {0.1, 0.2, -0.1}, .size = {0.6, 0.4, 0.2}},
    {.kind = NOMOS_SHAPE_SPHERE, .centre = {0.1, 0.2, -0.1}, .radius = 0.3},
    {.kind = NOMOS_SHAPE_CYLINDER, .centre = {0, 0.1, 0}, .radius = 0.2, .axis = {0.3, 0, 0.4}},
    {.kind = NOMOS_SHAPE_PLANE, .centre = {0, 0.1, 0}, .axis = {0.6, 0.8, 0}},
  };

  for (size_t s = 0; s < 4; s++)
    for (int d = 2; d <= 3; d++) {
      if (d == 2 && s == 2) continue;
      for (uint64_t i = 0; i < 300; i++) {
        double x[3] = {0, 0, 0}, normal[3], foot[3] = {0, 0, 0}, other[3];
        for (int a = 0; a < d; a++) x[a] = 1.6 * NomosRandomUniform(s, 7, 3 * i + (uint64_t)a) - 0.8;
        const double distance = NomosMpmDistance(&shapes[s], d, x, normal);
        ck_close(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2], 1, 1e-12);
        for (int a = 0; a < d; a++) foot[a] = x[a] - distance * normal[a];
        ck_assert_msg(fabs(NomosMpmDistance(&shapes[s], d, foot, other)) < 1e-12, "shape %zu: (%g, %g, %g) is not on the surface", s, foot[0], foot[1], foot[2]);
        for (int a = 0; a < d; a++) {
          double up[3], down[3];
          memcpy(up, x, sizeof up);
          memcpy(down, x, sizeof down);
          up[a] += 1e-6;
          down[a] -= 1e-6;
          const double slope = (NomosMpmDistance(&shapes[s], d, up, other) - NomosMpmDistance(&shapes[s], d, down, other)) / 2e-6;
          ck_assert(fabs(slope - normal[a]) < 1e-4 || fabs(slope) < 1); /* ridges inside a box have no gradient */
        }
      }
    }
}
END_TEST

/* With symplectic Euler steps a body at rest falls by g dt^2 n (n + 1)/2, and knows no stress. */
START_TEST(free_fall)
{
  MpmRun       run;
  const int    n  = 400;
  const double dt = 5e-4;

  for (int single = 0; single < 2; single++) {
    ck_ok(MpmRunCreate(ck_directory, &run, CASE("20, gravity: [0, -9.8, 0], precision: %s", "shape: sphere, centre: [0.5, 0.7, 0.5], radius: 0.1, particles_per_cell: 8") "output: {pictures: no}\n", single ? "float32" : "float64"));
    const double before = MpmRunScalar(&run, "energy");
    run.model->dt = dt;
    ck_ok(MpmRunSteps(&run, n));
    ck_close(MpmRunScalar(&run, "centre_y"), 0.7 - 9.8 * dt * dt * n * (n + 1) / 2, single ? 2e-5 : 1e-12);
    ck_close(MpmRunScalar(&run, "momentum_y"), -9.8 * dt * n * MpmRunScalar(&run, "mass"), single ? 1e-5 : 1e-12);
    ck_assert(fabs(MpmRunScalar(&run, "centre_x") - 0.5) < (single ? 1e-6 : 1e-13));
    ck_assert(fabs(MpmRunScalar(&run, "min_det_f") - 1) < (single ? 1e-4 : 1e-11));
    /* Half a step between velocity and position is all the energy that seems to be missing: m g^2 dt t/2. */
    ck_close(before - MpmRunScalar(&run, "energy"), MpmRunScalar(&run, "mass") * 9.8 * 9.8 * dt * (dt * n) / 2, single ? 0.05 : 1e-6);
    ck_ok(MpmRunDestroy(&run));
  }
}
END_TEST

/* 30 steps, a checkpoint, and 30 more from it in a model of its own: the same bits as 60. */
START_TEST(checkpoints)
{
#define THROWN CASE("20, precision: %s", "shape: box, centre: [0.5, 0.3, 0.5], size: 0.3, particles_per_cell: 8, velocity: [1, -8, 2], angular_velocity: [4, 4, 4]")
  for (int single = 0; single < 2; single++) {
    MpmRun          straight, stopped;
    NomosCheckpoint checkpoint;
    const char     *precision = single ? "float32" : "float64";
    ck_ok(MpmRunCreate(ck_directory, &straight, THROWN, precision));
    ck_ok(MpmRunSteps(&straight, 30));
    ck_ok(NomosCheckpointCreate(PETSC_COMM_WORLD, ck_directory, 30, 0, &checkpoint));
    ck_ok(straight.model->ops->save(straight.model, checkpoint));
    ck_ok(NomosCheckpointClose(&checkpoint));
    ck_ok(MpmRunSteps(&straight, 30));
    ck_ok(MpmRunCreate(ck_directory, &stopped, THROWN, precision));
    ck_ok(NomosCheckpointOpen(PETSC_COMM_WORLD, ck_directory, "30", NULL, &checkpoint));
    ck_ok(stopped.model->ops->load(stopped.model, checkpoint));
    ck_ok(NomosCheckpointClose(&checkpoint));
    stopped.model->step = 30;
    ck_ok(MpmRunSteps(&stopped, 30));
    ck_assert(!memcmp(straight.mpm->state, stopped.mpm->state, straight.mpm->n * straight.mpm->n_entries * (single ? 4 : 8)));
    ck_assert(!memcmp(straight.mpm->low, stopped.mpm->low, sizeof straight.mpm->low) && !memcmp(straight.mpm->high, stopped.mpm->high, sizeof straight.mpm->high));
    ck_ok(MpmRunDestroy(&straight));
    ck_ok(MpmRunDestroy(&stopped));
  }
}
END_TEST

/* An adaptive step is as long as waves and particles allow, to a factor of sqrt(2), and no longer than time.dt. */
START_TEST(adaptive_steps)
{
  MpmRun run;
  int    changes = 0;

  ck_ok(MpmRunCreate(ck_directory, &run, "mpm: {cells: 20, gravity: [0, -100, 0], cfl: 0.3}\n"
                                         "materials: {jelly: {density: 1000, elasticity: fixed_corotated, youngs_modulus: 1e5 Pa, poissons_ratio: 0.2}}\n"
                                         "bodies: {it: {material: jelly, shape: sphere, centre: [0.5, 0.7, 0.5], radius: 0.15, particles_per_cell: 8}}\n"
                                         "time: {dt: 1e-2, stop: 1}\n"));
  const double wave = 0.05 / sqrt(1e5 * 0.8 / (1.2 * 0.6) / 1000);
  for (int step = 0; step < 200; step++) {
    double       v = 0;
    const double before = run.model->dt;
    for (size_t k = 0; k < run.mpm->n; k++) v = fmax(v, sqrt(pow(MpmRunEntry(&run, 3, k), 2) + pow(MpmRunEntry(&run, 4, k), 2) + pow(MpmRunEntry(&run, 5, k), 2)));
    const double limit = 0.3 / (1 / wave + v / 0.05);
    ck_ok(MpmRunSteps(&run, 1));
    ck_assert_msg(run.model->dt <= limit * (1 + 1e-9) && run.model->dt >= 0.7 * limit, "step %d: dt = %g, limit %g", step, run.model->dt, limit);
    changes += run.model->dt != before;
  }
  ck_assert_int_ge(changes, 2);
  ck_ok(MpmRunDestroy(&run));
}
END_TEST

/* A closed mesh is filled to its volume, and its mass is exact: an octahedron whose longest extent is 0.4. */
START_TEST(a_body_from_a_mesh)
{
  MpmRun run;
  char   path[NOMOS_MAX_PATH + 16];

  snprintf(path, sizeof path, "%s/octahedron.obj", ck_directory);
  FILE *file = fopen(path, "w");
  fputs("v 1 0 0\nv -1 0 0\nv 0 1 0\nv 0 -1 0\nv 0 0 1\nv 0 0 -1\nf 1 3 5\nf 3 2 5\nf 2 4 5\nf 4 1 5\nf 3 1 6\nf 2 3 6\nf 4 2 6\nf 1 4 6\n", file);
  fclose(file);
  ck_ok(MpmRunCreate(ck_directory, &run, CASE("20", "shape: mesh, file: octahedron.obj, centre: [0.5, 0.4, 0.6], size: 0.4, particles: 10000")));
  const double volume = 4 * pow(0.2, 3) / 3;
  ck_close((double)run.mpm->n, 10000, 0.02);
  ck_close(MpmRunScalar(&run, "mass"), 1000 * volume, 1e-12);
  for (size_t k = 0; k < run.mpm->n; k++) ck_assert(fabs(MpmRunEntry(&run, 0, k) - 0.5) + fabs(MpmRunEntry(&run, 1, k) - 0.4) + fabs(MpmRunEntry(&run, 2, k) - 0.6) < 0.2);
  ck_ok(MpmRunDestroy(&run));
}
END_TEST

/* Bodies that touch are told from bodies that overlap. */
START_TEST(overlaps)
{
  static const double apart[] = {0.4, 0.3, 0.28, 0};
  MpmRun              run;

  for (int i = 0; i < 4; i++)
    for (int offset = 0; offset < 2; offset++) {
      ck_ok(MpmRunCreate(ck_directory, &run, CASE("20", "shape: box, centre: [0.3, 0.5, 0.5], size: 0.3, particles_per_cell: 8}, other: {material: jelly, shape: box, centre: [%g, %g, 0.5], size: 0.3, spacing: 0.02"), 0.3 + apart[i], 0.5 + 0.011 * offset));
      ck_assert_msg((strstr(run.mpm->warning, "bodies overlap") != NULL) == (apart[i] < 0.3), "%g apart: %s", apart[i], run.mpm->warning);
      ck_ok(MpmRunDestroy(&run));
    }
}
END_TEST

/* A particle that is not finite, off the grid, or inside out is named. */
START_TEST(faults_are_named)
{
  static const struct {
    size_t      entry;
    double      value;
    const char *field, *place;
  } faults[] = {{4, NAN, "velocity", "not a finite number, a particle of jelly at (0."}, {15 + 8, INFINITY, "deformation_gradient", "not a finite number"}, {15 + 4, -0.5, "det_f", "turned inside out"}, {1, 1.5, "position", "outside the grid, a particle of jelly at (0."}};
  MpmRun          run;
  NomosModelFault fault;

  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    ck_ok(MpmRunCreate(ck_directory, &run, CASE("20", "shape: box, centre: [0.5, 0.5, 0.5], size: 0.1, spacing: 0.02")));
    ck_ok(run.model->ops->check(run.model, &fault));
    ck_assert(!fault.bad);
    ((double *)run.mpm->state)[faults[i].entry * run.mpm->n + 77] = faults[i].value;
    if (!strcmp(faults[i].field, "position")) ck_ok(MpmRunSteps(&run, 1));
    ck_ok(run.model->ops->check(run.model, &fault));
    ck_assert(fault.bad && fault.index[0] == 77);
    ck_assert_str_eq(fault.field, faults[i].field);
    ck_assert_msg(strstr(fault.place, faults[i].place) == fault.place, "%s", fault.place);
    ck_ok(MpmRunDestroy(&run));
  }
}
END_TEST

/* A network has a stress for a particle that is turned inside out, and goes on; what is no number stays a fault. */
START_TEST(a_law_for_what_is_inside_out)
{
  MpmRun          run;
  NomosModelFault fault;

  ck_ok(NomosLawRegister(nomos_learned_laws));
  ck_ok(MpmRunCreate(ck_directory, &run, "mpm: {cells: 20, walls: open}\nmaterials: {jelly: {density: 1000, elasticity: invariant_full}}\nbodies: {it: {material: jelly, shape: box, centre: [0.5, 0.5, 0.5], size: 0.1, spacing: 0.02}}\ntime: {dt: 1e-4, stop: 1}\n"));
  ((double *)run.mpm->state)[(15 + 4) * run.mpm->n + 77] = -0.5;
  ck_ok(run.model->ops->check(run.model, &fault));
  ck_assert_msg(!fault.bad, "%s %s", fault.field, fault.place);
  ck_ok(MpmRunSteps(&run, 1));
  ((double *)run.mpm->state)[(15 + 4) * run.mpm->n + 77] = NAN;
  ck_ok(run.model->ops->check(run.model, &fault));
  ck_assert(fault.bad);
  ck_ok(MpmRunDestroy(&run));
}
END_TEST

/* Clipped half a cell from the ends of an open domain: who flies out is held at each of its sides, however far in the last node is. */
START_TEST(clipped_at_all_sides)
{
  static const char *const ways[] = {"[4, 0]", "[-4, 0]", "[0, 4]", "[0, -4]"}, *const splines[] = {"quadratic", "cubic"};
  MpmRun                   run;

  for (int s = 0; s < 2; s++)
    for (size_t w = 0; w < 4; w++)
      for (int single = 0; single < 2; single++) {
        double furthest = 0;
        ck_ok(MpmRunCreate(ck_directory, &run,
                           "mpm: {dimensions: 2, length: 1 m, cells: 20, walls: open, clip: 0.5, spline: %s, precision: %s}\n"
                           "materials: {rubber: {density: 1000, elasticity: neo_hookean, youngs_modulus: 1e4 Pa, poissons_ratio: 0.3}}\n"
                           "bodies: {ball: {shape: sphere, centre: [0.5, 0.5], radius: 0.1, particles_per_cell: 4, velocity: %s}}\n"
                           "time: {dt: 1 ms, stop: 1 s}\n",
                           splines[s], single ? "float32" : "float64", ways[w]));
        ck_ok(MpmRunSteps(&run, 150));
        ck_assert_int_eq(run.mpm->lost, -1);
        for (size_t a = 0; a < 2; a++)
          for (size_t k = 0; k < run.mpm->n; k++) {
            const double x = MpmRunEntry(&run, a, k);
            ck_assert(x > 0 && x < 1);
            furthest = fmax(furthest, fabs(x - 0.5));
          }
        ck_assert_double_gt(furthest, 0.39); /* it came there */
        ck_ok(MpmRunDestroy(&run));
      }
}
END_TEST

NOMOS_TEST_SUITE("mpm_bodies", a_lattice_with_end_points, shapes_are_filled, jitter, materials_and_bodies, distances, free_fall, checkpoints, adaptive_steps, a_body_from_a_mesh, overlaps, faults_are_named, a_law_for_what_is_inside_out, clipped_at_all_sides)
