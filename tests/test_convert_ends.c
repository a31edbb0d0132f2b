/* The ends of axes: what a case or a file says of them is in every layout, in the words of each, and comes back. */
#include "convert_setup.h"

/* The Well has three kinds of boundaries; nothing flows through its walls. */
START_TEST(boundaries_of_the_well)
{
  static const char *const kinds[][2] = {{"periodic", "x_periodic"}, {"wall", "x_wall"}, {"no_flux", "x_wall"}, {"outflow", "x_open"}, {"value", NULL}};

  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    H5G_info_t info;
    MakeRun("bounded", "0.01", kinds[k][0], T, 100);
    ck_ok(Convert(Path(0, "bounded/fields.nc"), "well", Path(1, "bounded.h5")));
    hid_t file = H5Fopen(paths[1], H5F_ACC_RDONLY, H5P_DEFAULT), group = H5Gopen2(file, "boundary_conditions", H5P_DEFAULT);
    ck_assert(H5Gget_info(group, &info) >= 0);
    ck_assert_uint_eq(info.nlinks, kinds[k][1] != NULL);
    if (kinds[k][1]) ck_assert(H5Lexists(group, kinds[k][1], H5P_DEFAULT) > 0);
    H5Gclose(group);
    H5Fclose(file);
  }
}
END_TEST

static void SayEnds(const char path[], const NomosEnds *ends)
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);

  for (size_t i = 0; i < ends->n; i++) ck_assert(H5LTset_attribute_string(file, "/", ends->list[i].name, ends->list[i].text) >= 0);
  H5Fclose(file);
}

static void CheckEnds(const char path[], const NomosEnds *ends)
{
  static const char *const axes[] = {"y", "x"};
  NomosFieldReader         reader;
  NomosEnds                found;

  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  ck_ok(NomosEndsRead(reader, 2, axes, &found));
  ck_assert_msg(found.n == ends->n, "%s says %zu ends, not %zu", path, found.n, ends->n);
  for (size_t i = 0; i < ends->n; i++) {
    const char *text = NomosEndsFind(&found, ends->list[i].name);
    ck_assert_msg(text && !strcmp(text, ends->list[i].text), "%s: %s is %s, not %s", path, ends->list[i].name, text ? text : "not there", ends->list[i].text);
  }
  ck_ok(NomosFieldReaderClose(&reader));
}

/* What a file says of the ends of its axes is in every layout, and comes back in the same words; by The Well's groups alone, which other people's files have, as far as these have words. */
START_TEST(ends_there_and_back)
{
  static const struct {
    NomosEnds all, by_groups;
  } cases[] = {
    {{2, {{"boundary_x", "periodic"}, {"boundary_y", "wall"}}}, {2, {{"boundary_x", "periodic"}, {"boundary_y", "wall"}}}},
    {{3, {{"boundary_x", "outflow"}, {"boundary_x_high", "wall"}, {"boundary_y", "periodic"}}}, {3, {{"boundary_x", "outflow"}, {"boundary_x_high", "wall"}, {"boundary_y", "periodic"}}}},
    {{3, {{"boundary_x", "no_flux"}, {"boundary_x_high", "same"}, {"boundary_y", "no_flux"}}}, {2, {{"boundary_x", "wall"}, {"boundary_y", "wall"}}}},
    {{5, {{"boundary_x", "value"}, {"boundary_x_high", "outflow"}, {"boundary_y", "value"}, {"value_low", "[1, 30, 0]"}, {"value_high", "[2]"}}}, {1, {{"boundary_x", "outflow"}}}},
  };
  static const Sample samples[] = {{"compressible", 2, 4, {"density", "Vy", "pressure", "Vx"}, false, false}, {"diffusion_reaction", 2, 2, {"u", "v"}, true, false}};
  static const char *const formats[] = {"nomos", "pdebench", "well"};

  for (size_t k = 0; k < 2 * sizeof cases / sizeof *cases; k++) {
    const NomosEnds *ends = &cases[k / 2].all;
    Make(Path(0, "ended.nc"), &samples[k % 2]);
    SayEnds(paths[0], ends);
    for (size_t f = 0; f < 3; f++) {
      ck_ok(Convert(paths[0], formats[f], Path(1, "ended.h5")));
      CheckEnds(paths[1], ends);
      ck_ok(Convert(paths[1], NULL, Path(2, "back.nc")));
      CheckEnds(paths[2], ends);
    }
    hid_t file = H5Fopen(paths[1], H5F_ACC_RDWR, H5P_DEFAULT); /* of The Well, as others write it */
    for (size_t i = 0; i < ends->n; i++) ck_assert(H5Adelete(file, ends->list[i].name) >= 0);
    H5Fclose(file);
    CheckEnds(paths[1], &cases[k / 2].by_groups);
    ck_ok(Convert(paths[1], NULL, Path(2, "back.nc")));
    CheckEnds(paths[2], &cases[k / 2].by_groups);
  }
}
END_TEST

/* Files between other ends are no sweep; in The Well's words wall and no_flux are one. */
START_TEST(one_kind_of_ends)
{
  static const NomosEnds all[] = {{1, {{"boundary_x", "periodic"}}}, {1, {{"boundary_x", "wall"}}}, {1, {{"boundary_x", "no_flux"}}}, {0}};
  const Sample           sample = {"burgers", 1, 1, {"u"}, true, false};
  char                   sentence[64];

  mkdir(Path(0, "between"), 0777);
  for (size_t a = 0; a < 4; a++)
    for (size_t b = 0; b < 4; b++) {
      Make(Path(1, "between/a.nc"), &sample);
      SayEnds(paths[1], &all[a]);
      Make(Path(1, "between/b.nc"), &sample);
      SayEnds(paths[1], &all[b]);
      const bool other = a < 3 && b < 3 && (a == 0) != (b == 0);
      snprintf(sentence, sizeof sentence, "between/b.nc has boundary_x = %s, ", other ? all[b].list[0].text : "");
      if (other) ck_refused(Convert(paths[0], NULL, Path(2, "out.nc")), sentence);
      else ck_ok(Convert(paths[0], NULL, Path(2, "out.nc")));
    }
}
END_TEST

/* A run's own file says the ends of its axes: those of its case; a solver that knows no others is periodic. */
START_TEST(ends_of_runs)
{
  static const struct {
    const char *name, *set[2];
    NomosEnds   ends;
  } cases[] = {
    {"pde/burgers", {"grid_pde.boundary_x=outflow", "grid_pde.nx=16"}, {2, {{"boundary_x", "outflow"}, {"boundary_x_high", "same"}}}},
    {"equations/burgers", {"spectral.nx=16", "time.stop=0.01"}, {1, {{"boundary_x", "periodic"}}}},
    {"qg/rossby_wave", {"qg.nx=16", "qg.ny=16"}, {2, {{"boundary_x", "periodic"}, {"boundary_y", "periodic"}}}},
  };

  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    char name[64], run[NOMOS_MAX_PATH], set[2][64], *words[] = {"nomos", "run", name, "--smoke", "-q", "-o", run, "--set", set[0], "--set", set[1], "--set", "output.pictures=no", NULL};
    snprintf(name, sizeof name, "%s", cases[k].name);
    snprintf(run, sizeof run, "%s", Path(0, cases[k].name + strcspn(cases[k].name, "/") + 1));
    for (int i = 0; i < 2; i++) snprintf(set[i], sizeof set[i], "%s", cases[k].set[i]);
    snprintf(run + strlen(run), sizeof run - strlen(run), "_%zu", k);
    ck_assert_int_eq(NomosProgramMain(13, words, nomos_solvers, nomos_surrogates), 0);
    strcat(run, "/fields.nc");
    CheckEnds(run, &cases[k].ends);
    ck_ok(Convert(run, NULL, Path(1, "imported.nc")));
    CheckEnds(paths[1], &cases[k].ends);
  }
}
END_TEST

NOMOS_TEST_SUITE("convert, ends", boundaries_of_the_well, ends_there_and_back, one_kind_of_ends, ends_of_runs)
