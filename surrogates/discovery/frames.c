#include "surrogates/discovery/frames.h"

#include "io/field_file.h"
#include "io/sort.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

size_t NomosFramesPoints(const NomosFrames *frames)
{
  size_t n = 1;

  for (int d = 0; d < frames->n_dims; d++) n *= frames->n[d];
  return n;
}

PetscErrorCode NomosFramesClose(NomosFrames *frames)
{
  PetscFunctionBeginUser;
  if (frames->close) PetscCall(frames->close(frames->context));
  *frames = (NomosFrames){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- in memory */

typedef struct {
  size_t               n_fields, points;
  const double *const *values;
} Arrays;

static PetscErrorCode ReadArrays(void *context, size_t trajectory, size_t frame, double *const fields[])
{
  const Arrays *a = context;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < a->n_fields; i++)
    if (fields[i]) memcpy(fields[i], a->values[trajectory * a->n_fields + i] + frame * a->points, sizeof(double) * a->points);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeContext(void *context)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFramesOfArrays(const NomosFrames *like, const double *const values[], NomosFrames *frames)
{
  Arrays *a;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&a));
  *a               = (Arrays){.n_fields = like->n_fields, .points = NomosFramesPoints(like), .values = values};
  *frames          = *like;
  frames->read     = ReadArrays;
  frames->close    = FreeContext;
  frames->context  = a;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  Arrays   arrays;
  double **values; /* (n_trajectories n_fields) */
  size_t   n_values;
} Kept;

static PetscErrorCode FreeKept(void *context)
{
  Kept *kept = context;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < kept->n_values; i++) PetscCall(PetscFree(kept->values[i]));
  PetscCall(PetscFree(kept->values));
  PetscCall(PetscFree(kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFramesKeep(const NomosFrames *frames, NomosFrames *copy)
{
  const size_t points = NomosFramesPoints(frames), n = frames->n_fields;
  Kept        *kept;
  double     **fields;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&kept));
  PetscCall(PetscMalloc1(n, &fields));
  kept->n_values = n * frames->n_trajectories;
  PetscCall(PetscCalloc1(kept->n_values, &kept->values));
  for (size_t trajectory = 0; trajectory < frames->n_trajectories; trajectory++) {
    for (size_t i = 0; i < n; i++) PetscCall(PetscMalloc1(frames->n_frames[trajectory] * points, &kept->values[trajectory * n + i]));
    for (size_t frame = 0; frame < frames->n_frames[trajectory]; frame++) {
      for (size_t i = 0; i < n; i++) fields[i] = kept->values[trajectory * n + i] + frame * points;
      PetscCall(frames->read(frames->context, trajectory, frame, fields));
    }
  }
  PetscCall(PetscFree(fields));
  kept->arrays  = (Arrays){.n_fields = n, .points = points, .values = (const double *const *)kept->values};
  *copy         = *frames;
  copy->read    = ReadArrays;
  copy->close   = FreeKept;
  copy->context = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- noise */

typedef struct {
  NomosFrames inner;
  uint64_t    seed;
  double      sigma[]; /* (n_fields) */
} Noise;

/* A pair of normal numbers per counter: points 2 i and 2 i + 1 of a field in a frame. */
static void AddNoise(uint64_t seed, uint64_t stream, double sigma, size_t n, double values[])
{
  #pragma omp parallel for schedule(static)
  for (size_t i = 0; i < n; i += 2) {
    double u[2];
    NomosRandomUniform2(seed, stream, i / 2, u);
    const double r = sigma * sqrt(-2 * log1p(-u[0])), angle = 6.283185307179586 * u[1];
    values[i] += r * cos(angle);
    if (i + 1 < n) values[i + 1] += r * sin(angle);
  }
}

static PetscErrorCode ReadNoisy(void *context, size_t trajectory, size_t frame, double *const fields[])
{
  const Noise *noise = context;

  PetscFunctionBeginUser;
  PetscCall(noise->inner.read(noise->inner.context, trajectory, frame, fields));
  for (size_t i = 0; i < noise->inner.n_fields; i++)
    if (fields[i] && noise->sigma[i] > 0) AddNoise(noise->seed, NomosRandomStream("discovery noise") + (((uint64_t)trajectory * noise->inner.n_fields + i) << 32) + frame, noise->sigma[i], NomosFramesPoints(&noise->inner), fields[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFramesWithNoise(const NomosFrames *frames, const double sigma[], uint64_t seed, NomosFrames *noisy)
{
  Noise *noise;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc(sizeof *noise + frames->n_fields * sizeof *sigma, &noise));
  noise->inner = *frames;
  noise->seed  = seed;
  memcpy(noise->sigma, sigma, frames->n_fields * sizeof *sigma);
  *noisy         = *frames;
  noisy->read    = ReadNoisy;
  noisy->close   = FreeContext;
  noisy->context = noise;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is in the data */

static size_t AllFrames(const NomosFrames *frames)
{
  size_t n = 0;

  for (size_t i = 0; i < frames->n_trajectories; i++) n += frames->n_frames[i];
  return n;
}

/* Room for a frame. */
static PetscErrorCode FieldsCreate(const NomosFrames *frames, size_t n, double ***fields)
{
  const size_t points = NomosFramesPoints(frames);

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n * frames->n_fields, fields));
  PetscCall(PetscMalloc1(n * frames->n_fields * points, &(*fields)[0]));
  for (size_t i = 1; i < n * frames->n_fields; i++) (*fields)[i] = (*fields)[0] + i * points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldsDestroy(double ***fields)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree((*fields)[0]));
  PetscCall(PetscFree(*fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { PARTS = 64 }; /* of all frames; a part is one rank's, and sums of parts are added in their order */

PetscErrorCode NomosFramesMeasure(MPI_Comm comm, const NomosFrames *frames, const NomosFramesStatistics *statistics)
{
  const size_t n_fields = frames->n_fields, points = NomosFramesPoints(frames), all = AllFrames(frames);
  double     **fields, *sums;
  int          rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(FieldsCreate(frames, 1, &fields));
  PetscCall(PetscCalloc1(PARTS * n_fields * 2, &sums));
  for (size_t trajectory = 0, count = 0; trajectory < frames->n_trajectories; trajectory++) {
    for (size_t frame = 0; frame < frames->n_frames[trajectory]; frame++, count++) {
      const size_t part = count * PARTS / all;
      if ((int)(part * (size_t)size / PARTS) != rank) continue;
      PetscCall(frames->read(frames->context, trajectory, frame, fields));
      for (size_t i = 0; i < n_fields; i++) {
        double sum = 0, n = 0;
        for (size_t k = 0; k < points; k++) {
          if (isnan(fields[i][k])) continue;
          sum += fields[i][k] * fields[i][k];
          n++;
        }
        sums[(part * n_fields + i) * 2] += sum;
        sums[(part * n_fields + i) * 2 + 1] += n;
      }
    }
  }
  PetscCall(NomosSumOverRanks(comm, PARTS * n_fields * 2, sums));
  for (size_t i = 0; i < n_fields; i++) {
    double sum = 0, n = 0;
    for (size_t part = 0; part < PARTS; part++) {
      sum += sums[(part * n_fields + i) * 2];
      n += sums[(part * n_fields + i) * 2 + 1];
    }
    if (statistics->rms) statistics->rms[i] = n > 0 ? sqrt(sum / n) : 0;
    if (statistics->missing) statistics->missing[i] = 1 - n / ((double)points * (double)all);
  }
  PetscCall(PetscFree(sums));
  PetscCall(FieldsDestroy(&fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- noise in the data */

enum { DIFFERENCE = 7, WINDOWS = 32, POINTS = 2048, SAMPLE = WINDOWS * POINTS };

typedef struct {
  size_t n;
  double values[SAMPLE];
} Sample;

/* |D^6 u| at (almost) evenly spread positions; places i and their neighbours i + stride, ..., i + 6 stride. */
static double SixthDifference(const double u[], size_t stride)
{
  return fabs(u[0] - 6 * u[stride] + 15 * u[2 * stride] - 20 * u[3 * stride] + 15 * u[4 * stride] - 6 * u[5 * stride] + u[6 * stride]);
}

/* Of a window of times what a value counts for: divided differences of unevenly spaced ones, of the same norm, so that white noise is seen alike and smooth motion not at all. False: evenly spaced. */
static bool UnevenDifference(const double t[], double weights[DIFFERENCE])
{
  const double step = (t[DIFFERENCE - 1] - t[0]) / (DIFFERENCE - 1);
  double       norm = 0;

  for (size_t i = 0; i < DIFFERENCE; i++) {
    weights[i] = 1;
    for (size_t j = 0; j < DIFFERENCE; j++)
      if (j != i) weights[i] *= step / (t[i] - t[j]);
    norm += weights[i] * weights[i];
  }
  for (size_t i = 0; i < DIFFERENCE; i++) weights[i] *= sqrt(924 / norm);
  return !NomosCoordinatesEven(DIFFERENCE, t, step);
}

static double WeightedDifference(const double u[], size_t stride, const double weights[DIFFERENCE])
{
  double sum = 0;

  for (size_t i = 0; i < DIFFERENCE; i++) sum += weights[i] * u[i * stride];
  return fabs(sum);
}

static void Take(Sample *sample, double value)
{
  if (!isnan(value) && sample->n < SAMPLE) sample->values[sample->n++] = value;
}

/* Along axes of space in the window's first frame, and along time over all seven, at the times t, window (frame)(points). t NULL: there are less. */
static void TakeWindow(const NomosFrames *frames, const double window[], const double t[], Sample samples[3])
{
  double       weights[DIFFERENCE];
  const bool   uneven = t && UnevenDifference(t, weights);
  const size_t points = NomosFramesPoints(frames), every = points / POINTS + 1;

  for (size_t i = 0; i < points; i += every) {
    const size_t x = frames->n_dims ? i % frames->n[frames->n_dims - 1] : 0, y = frames->n_dims > 1 ? i / frames->n[1] : 0;
    if (t) Take(&samples[0], uneven ? WeightedDifference(window + i, points, weights) : SixthDifference(window + i, points));
    if (frames->n_dims && x + DIFFERENCE <= frames->n[frames->n_dims - 1]) Take(&samples[1], SixthDifference(window + i, 1));
    if (frames->n_dims > 1 && y + DIFFERENCE <= frames->n[0]) Take(&samples[2], SixthDifference(window + i, frames->n[1]));
  }
}

PetscErrorCode NomosFramesNoise(const NomosFrames *frames, double sigma[])
{
  const size_t points = NomosFramesPoints(frames), all = AllFrames(frames), n_windows = PetscMin(all, PetscMax(WINDOWS, SAMPLE / points));
  double     **fields, *window;
  Sample      *samples;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(frames->n_fields, &fields));
  PetscCall(PetscMalloc2(frames->n_fields * DIFFERENCE * points, &window, frames->n_fields * 3, &samples));
  for (size_t i = 0; i < 3 * frames->n_fields; i++) samples[i].n = 0;
  for (size_t w = 0; w < n_windows; w++) {
    size_t trajectory = 0, frame = w * all / n_windows;
    while (frame >= frames->n_frames[trajectory]) frame -= frames->n_frames[trajectory++];
    const size_t n    = frames->n_frames[trajectory];
    const bool   time = n >= DIFFERENCE;
    if (time) frame = PetscMin(frame, n - DIFFERENCE);
    for (size_t f = 0; f < (time ? DIFFERENCE : 1); f++) {
      for (size_t i = 0; i < frames->n_fields; i++) fields[i] = window + (i * DIFFERENCE + f) * points;
      PetscCall(frames->read(frames->context, trajectory, frame + f, fields));
    }
    for (size_t i = 0; i < frames->n_fields; i++) TakeWindow(frames, window + i * DIFFERENCE * points, time ? frames->times[trajectory] + frame : NULL, &samples[3 * i]);
  }
  for (size_t i = 0; i < frames->n_fields; i++) {
    sigma[i] = INFINITY;
    for (size_t axis = 0; axis < 3; axis++) {
      Sample *s = &samples[3 * i + axis];
      if (!s->n) continue;
      NomosSort(s->n, s->values);
      sigma[i] = fmin(sigma[i], s->values[s->n / 2] / (0.6744897501960817 * sqrt(924)));
    }
    PetscCheck(isfinite(sigma[i]), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "the noise of the data cannot be told: it takes %d points or frames in a row that are not missing", DIFFERENCE);
  }
  PetscCall(PetscFree2(window, samples));
  PetscCall(PetscFree(fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}
