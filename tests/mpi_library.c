/* Ranks share an assembly in stretches of time: its sums are those of one rank, bit for bit; and so are measures of the data. */
#include "harness.h"
#include "surrogates/discovery/library.h"

enum { N = 32, F = 50, TRAJECTORIES = 3 };

START_TEST(ranks_change_nothing)
{
  static double            storage[TRAJECTORIES][F * N], moments[F];
  static const char *const fields[] = {"u"}, *const terms[] = {"u", "u u_x", "u_xx"};
  const double            *values[TRAJECTORIES], *times[TRAJECTORIES];
  size_t                   n_frames[TRAJECTORIES];
  NomosFrames              frames;
  double                   rms[2], missing[2];

  for (int k = 0; k < TRAJECTORIES; k++) {
    n_frames[k] = F - (size_t)(5 * k);
    times[k]    = moments;
    values[k]   = storage[k];
    for (int f = 0; f < F; f++)
      for (int i = 0; i < N; i++) storage[k][f * N + i] = sin(0.2 * i + 0.1 * f * (k + 1)) + 0.3 * cos(0.07 * i * f);
  }
  for (int f = 0; f < F; f++) moments[f] = 0.1 * f;
  storage[1][333] = NAN;
  ck_ok(NomosFramesOfArrays(&(NomosFrames){.n_fields = 1, .n_trajectories = TRAJECTORIES, .n_dims = 1, .n = {N}, .length = {6}, .n_frames = n_frames, .times = times}, values, &frames));
  for (NomosForm form = NOMOS_FORM_STRONG; form <= NOMOS_FORM_WEAK; form++) {
    NomosGram gram[2];
    for (int alone = 0; alone < 2; alone++) {
      const NomosLibraryInput input = {.comm = alone ? PETSC_COMM_SELF : PETSC_COMM_WORLD, .frames = &frames, .n_fields = 1, .n_terms = 3, .fields = fields, .terms = terms, .where = "library", .settings = {.form = form, .order = 4, .derivatives = NOMOS_TERMS_DIFFERENCES, .half_width = {6, 7}, .stride = {2, 2}, .n_tiles = 2}};
      NomosLibrary            library;
      ck_ok(NomosLibraryCreate(&input, &library));
      ck_ok(NomosLibraryAssemble(library, &frames, NULL, &gram[alone]));
      ck_ok(NomosLibraryDestroy(&library));
    }
    ck_assert(gram[0].n_blocks == gram[1].n_blocks && gram[0].n_blocks > 30);
    ck_assert(!memcmp(gram[0].G, gram[1].G, gram[0].n_blocks * 9 * sizeof(double)));
    ck_assert(!memcmp(gram[0].b, gram[1].b, gram[0].n_blocks * 3 * sizeof(double)));
    ck_assert(!memcmp(gram[0].n, gram[1].n, gram[0].n_blocks * sizeof(double)));
    for (int alone = 0; alone < 2; alone++) ck_ok(NomosGramDestroy(&gram[alone]));
  }
  for (int alone = 0; alone < 2; alone++) ck_ok(NomosFramesMeasure(alone ? PETSC_COMM_SELF : PETSC_COMM_WORLD, &frames, &(NomosFramesStatistics){.rms = &rms[alone], .missing = &missing[alone]}));
  ck_assert(rms[0] == rms[1] && missing[0] == missing[1]);
  ck_ok(NomosFramesClose(&frames));
}
END_TEST

NOMOS_TEST_SUITE("library on ranks", ranks_change_nothing)
