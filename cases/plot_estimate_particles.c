/* The state that nomos estimate found where it is positions of particles: truth (of a twin), prior and analysis at both ends of the window, coloured by how far they are from the truth. */
#include "cases/plot_run.h"
#include "io/particle_film.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_SOURCES = 3, N_COLOURS = 256, MAX_FRAMES = 2 };

static const char *const sources[N_SOURCES] = {"truth", "prior", "analysis"};

typedef struct {
  NomosFieldReader reader;
  size_t           first, n, d; /* first source: 0 of a twin, else 1 */
  double          *truth;       /* (n, d) of the frame, of a twin */
  double           high;        /* distance at the end of the colours */
  uint32_t         colours[N_COLOURS];
} States;

static PetscErrorCode ReadPositions(const States *s, size_t source, size_t frame, double x[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderRead(s->reader, sources[source], (size_t[]){frame, 0, 0}, (size_t[]){1, s->n, s->d}, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Distance(const States *s, const double x[], size_t particle)
{
  double square = 0;
  for (size_t i = particle * s->d; i < (particle + 1) * s->d; i++) square += (x[i] - s->truth[i]) * (x[i] - s->truth[i]);
  return sqrt(square);
}

static PetscErrorCode Read(void *ctx, size_t motion, size_t frame, double x[], uint32_t colour[])
{
  const States *s    = ctx;
  const bool    twin = s->first == 0;

  PetscFunctionBeginUser;
  PetscCall(ReadPositions(s, s->first + motion, frame, x));
  if (twin) PetscCall(ReadPositions(s, 0, frame, s->truth));
  for (size_t p = 0; p < s->n; p++) {
    const double share = twin ? Distance(s, x, p) / s->high : 0;
    colour[p]          = !twin || !motion ? 0x9aa7b5 : isfinite(share) ? s->colours[(size_t)fmin(share * N_COLOURS, N_COLOURS - 1)] : 0x000000;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Colours reach to the largest distance of the prior, or of the analysis where that is the farther one. */
static PetscErrorCode FindHigh(States *s, size_t n_frames)
{
  double *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(s->n * s->d, &x));
  for (size_t f = 0; f < n_frames; f++) {
    PetscCall(ReadPositions(s, 0, f, s->truth));
    for (size_t source = 1; source < N_SOURCES; source++) {
      PetscCall(ReadPositions(s, source, f, x));
      for (size_t p = 0; p < s->n; p++) s->high = fmax(s->high, Distance(s, x, p)); /* NaN is no maximum */
    }
  }
  if (!(s->high > 0) || isinf(s->high)) s->high = 1;
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPlotEstimateParticles(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[])
{
  States          s = {.reader = reader};
  NomosModelScene scene = {0};
  size_t          shape[NOMOS_FIELD_MAX_DIMS + 1], counts[N_SOURCES];
  int             n_dims;
  bool            twin;
  char            what[NOMOS_LABEL], label[NOMOS_LABEL], stem[2 * NOMOS_MAX_PATH], texts[MAX_FRAMES][NOMOS_LABEL];
  const char     *shown[MAX_FRAMES];

  PetscFunctionBeginUser;
  PetscCall(NomosReadLabel(reader, "prior", "long_name", what));
  if (!context->ops->scene || strncmp(what, "position", strlen("position"))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderHas(reader, "truth", &twin));
  PetscCall(NomosFieldReaderShape(reader, "prior", &n_dims, shape));
  if (n_dims != 3) PetscFunctionReturn(PETSC_SUCCESS);
  s.first = twin ? 0 : 1;
  s.n     = shape[1];
  s.d     = shape[2];
  n       = PetscMin(n, MAX_FRAMES);
  for (size_t i = 0; i < N_SOURCES; i++) counts[i] = s.n;
  for (size_t f = 0; f < n; f++) shown[f] = NomosTimeText(times[f], context->params.stop, context->params.nondimensional, texts[f], sizeof texts[f]);
  PetscCall(PetscMalloc1(s.n * s.d, &s.truth));
  PetscErrorCode code = twin ? FindHigh(&s, n) : PETSC_SUCCESS;
  if (!code) code = context->ops->scene(context->config, &scene);
  if (!code) {
    NomosColours(NOMOS_MAP_SEQUENTIAL, N_COLOURS, s.colours);
    NomosAxisLabel("distance from the truth", scene.room.unit, label);
    snprintf(stem, sizeof stem, "%s/plots/analysis", context->directory);
    code = NomosParticleFilmMoments(&(NomosParticleFilm){.scene = &scene.room, .title = context->params.title[0] ? context->params.title : context->ops->name, .n_motions = N_SOURCES - s.first, .names = sources + s.first, .n_particles = counts,
                                         .n_frames = n, .times = shown, .read = Read, .ctx = &s, .bar_label = twin ? label : NULL, .map = NOMOS_MAP_SEQUENTIAL, .high = s.high}, stem);
  }
  PetscCall(PetscFree(scene.obstacles));
  PetscCall(PetscFree(s.truth));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
