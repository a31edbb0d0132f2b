/* What the pictures of a run share: units of axes, frames, labels. */
#ifndef NOMOS_CASES_PLOT_RUN_H
#define NOMOS_CASES_PLOT_RUN_H

#include "cases/run.h"

typedef struct {
  const char          *directory;
  const NomosModelOps *ops;
  NomosConfig          config;
  bool                 quiet;
  NomosRunParams       params;
  const char          *time_name; /* unit of time axes, "" if nondimensional */
  double               time_factor;
} NomosPlotContext;

enum { NOMOS_LABEL = 256, NOMOS_MAX_BESIDE = 4 };

/* "kinetic energy (m^{2} s^{-2})" from a name and a unit; "1" and "" leave no bracket; an empty name leaves the bare unit. */
void NomosAxisLabel(const char name[], const char unit[], char label[NOMOS_LABEL]);
/* kinetic_energy_1 -> "kinetic energy 1": short, as legends must be. */
void NomosWords(const char name[], char words[NOMOS_LABEL]);
/* A name as pictures draw it letter by letter: without sub- and superscripts. */
void NomosLiteral(const char name[], char text[NOMOS_LABEL]);
/* The last name of a path. */
void NomosLastName(const char path[], char name[NOMOS_LABEL]);
/* Unit of the label for lengths (km from 5 km on) and the factor to divide by. */
void NomosLengthUnit(const char unit[], double extent, const char **name, double *factor);
/* Text attribute into `text`, "" if absent. */
PetscErrorCode NomosReadLabel(NomosFieldReader reader, const char name[], const char attribute[], char text[NOMOS_LABEL]);
/* Times of the first n frames of a run on the clock of what it began from (NomosFileLayout.starts_at): what runs have in common. */
PetscErrorCode NomosReadTimes(NomosFieldReader reader, size_t n, double times[]);
/* Ends of the axis of dimension d of a variable, half a spacing beyond its n points, in the unit that the label says; points (n) in that unit, for PetscFree; NULL: not asked for. */
PetscErrorCode NomosReadSide(NomosFieldReader reader, const char variable[], int d, size_t n, double side[2], char label[NOMOS_LABEL], double **points);
/* Draw from DIRECTORY/name if it exists: n frames at these times. The file is closed, also after an error. */
typedef PetscErrorCode (*NomosPlotFileFn)(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[], void *ctx);
PetscErrorCode NomosPlotFile(const NomosPlotContext *context, const char name[], NomosPlotFileFn draw, void *ctx);
/* `stem` in the run's plots/, saved and destroyed. */
PetscErrorCode NomosPlotSave(const NomosPlotContext *context, const char stem[], NomosFigure *figure);

PetscErrorCode NomosPlotFields(const NomosPlotContext *context);
/* The planes over (y, x) that a picture shows of a variable over (time, layer or z, y, x), at[n], and what they are called: the first layers, "layer 1"; of a coordinate of space the middles of as many equal parts of it, "z = 12 km".
   A variable without such a dimension has one plane, without a name. */
enum { NOMOS_MAX_PLANES = 4 };
typedef struct {
  size_t n, at[NOMOS_MAX_PLANES];
  char   name[NOMOS_MAX_PLANES][48];
} NomosPlanes;
PetscErrorCode NomosPlotPlanes(NomosFieldReader reader, const char variable[], NomosPlanes *planes);
/* Can frames have one scale of colours? Not where more than a quarter of them, as of what grows or decays, have less than a tenth of the widest range. Few that are nearly flat, as a standing wave has them, are shown as that. */
bool NomosPlotAlike(size_t n, const double ranges[]);
/* Colours of a field of both signs are around zero and end where all but a few values lie, at two thirds of the largest or above: the core of one strong vortex must not bleach the rest (the colour bar shows that there is more).
   A field of (nearly) one sign has no use for half of the colours; it begins at zero where DIVERGING is wanted. Limits 0, 0: the colours span the data. */
PetscErrorCode NomosPlotColours(NomosColourMap wanted, size_t n, const double data[], NomosColourMap *map, double limits[2]);
/* A variable over time and one dimension, (time, x): as an image, and as lines at a few times. */
PetscErrorCode NomosPlotSpaceTime(const NomosPlotContext *context, const NomosPictureInfo *info, NomosFieldReader reader, size_t n, const double times[]);
/* Variables over time alone, against each other. n: frames. */
PetscErrorCode NomosPlotPhase(const NomosPlotContext *context, NomosFieldReader reader, size_t n);
PetscErrorCode NomosPlotParticles(const NomosPlotContext *context);
/* n run directories side by side, in the room and at the times of the first, as plots/STEM.png and plots/STEM_motion.png of the run of the context; names of the panels (NULL: none). */
PetscErrorCode NomosPlotParticlesBeside(const NomosPlotContext *context, size_t n, const char *const directories[], const char *const names[], const char stem[]);
PetscErrorCode NomosPlotOrbits(const NomosPlotContext *context); /* of models in phase space */
PetscErrorCode NomosPlotScalars(const NomosPlotContext *context);
PetscErrorCode NomosPlotSpectra(const NomosPlotContext *context);
PetscErrorCode NomosPlotEstimateParticles(const NomosPlotContext *context, NomosFieldReader reader, size_t n, const double times[]);
PetscErrorCode NomosPlotAssimilate(const NomosPlotContext *context); /* of a directory of nomos assimilate */
PetscErrorCode NomosPlotEstimate(const NomosPlotContext *context); /* of a directory of nomos estimate */
PetscErrorCode NomosPlotDiscover(const NomosPlotContext *context); /* of nomos discover */
PetscErrorCode NomosPlotDiscoverOrbits(const NomosPlotContext *context); /* part of it */

#endif
