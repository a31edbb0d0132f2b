/* Trajectories of particles in HDF5, each with its own number of particles and frames, in the layout of LagrangeBench (Toshev et al. 2023, doi:10.48550/arXiv.2309.16342), which is that of GNS's data sets converted to HDF5:

     GROUP/position       (frames, particles, d)   a group for each trajectory, 00000, 00001, ...; in order of their names
     GROUP/particle_type  (particles)              whole numbers; none: all 0
     metadata.json        beside the file: dim, bounds, dt, write_every, periodic_boundary_conditions, default_connectivity_radius

   A file of nomos says the same by attributes, which win over metadata.json: of the root interval, low, high, kinds, parameters, units; of a group its numbers of the parameters, simulation and set, by which the solver can make it again, and simulation_hash, which tells whether the case is still what it was. Read the same way is a
   run's fields.nc with `position` (time, particle, axis): one trajectory, whose particle types are `material`. Serial: every rank that wants a file opens it for itself. */
#ifndef NOMOS_IO_PARTICLE_FILE_H
#define NOMOS_IO_PARTICLE_FILE_H

#include "io/field_file.h"

typedef struct NomosParticleFile_s   *NomosParticleFile;
typedef struct NomosParticleWriter_s *NomosParticleWriter;

/* What the trajectories of a file have in common. Texts that are unknown are NULL. */
typedef struct {
  int                d;
  double             interval;         /* s between frames; 0: unknown */
  bool               every_step;       /* it is dt of a metadata.json without write_every, as if every step were a frame */
  bool               bounded;          /* by low and high, m: the walls, or a period */
  double             low[3], high[3];
  bool               periodic[3];
  double             radius;           /* for graphs, m (default_connectivity_radius); 0: unknown */
  size_t             n_kinds;          /* names of the particle types 0, 1, ...; 0: they are numbers only */
  const char *const *kinds;
  size_t             n_parameters;     /* numbers that every trajectory has */
  const char *const *parameters;
  const char        *units;            /* "m, s", or "nondimensional" */
  NomosRealType      type;             /* of the positions in a file that is written */
  const char        *title, *references, *source;
  size_t                     n_attributes; /* more of the root, when it is written */
  const NomosFieldAttribute *attributes;
} NomosParticleSet;

typedef struct {
  const char        *name; /* of its group; "" for a run; when written, NULL: its number */
  size_t             n_frames, n_particles;
  const double      *parameters; /* (n_parameters) */
  const char        *simulation; /* a case; "": unknown */
  const char        *simulation_hash; /* of its resolved values; "" (when written, NULL too): unknown */
  size_t             n_set;      /* key=value, laid over it */
  const char *const *set;
} NomosParticleMotion;

/* Errors: no HDF5 file; no trajectories of particles in it (with what there is); trajectories of different dimension; a run whose frames are not evenly spaced; a group that has types of particles and no positions; a metadata.json that cannot be read, contradicts the file or has numbers that cannot be. */
PetscErrorCode NomosParticleFileOpen(const char path[], NomosParticleFile *file);
PetscErrorCode NomosParticleFileClose(NomosParticleFile *file);
/* Borrowed until it is closed. */
PetscErrorCode NomosParticleFileGetSet(NomosParticleFile file, size_t *n_trajectories, const NomosParticleSet **set);
PetscErrorCode NomosParticleFileGetMotion(NomosParticleFile file, size_t i, NomosParticleMotion *motion);
/* As stored. */
NomosRealType  NomosParticleFileType(NomosParticleFile file, size_t i);
/* kind (n_particles). */
PetscErrorCode NomosParticleFileKinds(NomosParticleFile file, size_t i, int32_t kind[]);
/* x (n_frames, n_particles, d) of the frames first, first + every, ... */
typedef struct {
  size_t        trajectory, first, n_frames, every;
  NomosRealType type; /* of x */
} NomosParticleFrames;
PetscErrorCode NomosParticleFileRead(NomosParticleFile file, const NomosParticleFrames *frames, void *x);

/* Names of materials by what a run says of them, "material: 0 jelly, 1 water": how many; names (n) and each of them are free'd. */
size_t NomosParticleKindNames(const char text[], char ***names);

/* Writing: the file has its name only when it is complete, until then it is .NAME.tmp beside it. Everything of the set is copied into the file at once. Errors: what the disk says. */
PetscErrorCode NomosParticleWriterCreate(const char path[], const NomosParticleSet *set, NomosParticleWriter *writer);
/* kind (n_particles), x (n_frames, n_particles, d), fields over (n_frames, n_particles, n_axes of their own): in the type of the file whatever theirs is. */
typedef struct {
  const char *name, *unit;
  int         n_axes;
  size_t      shape[2];
  const void *values;
} NomosParticleField;
typedef struct {
  const NomosParticleMotion *motion;
  const int32_t             *kind;
  NomosRealType              type;
  const void                *x;
  size_t                     n_fields;
  const NomosParticleField  *fields;
} NomosParticleRecord;
PetscErrorCode NomosParticleWriterAdd(NomosParticleWriter writer, const NomosParticleRecord *record);
/* Not complete: what there is of it is removed. */
PetscErrorCode NomosParticleWriterClose(NomosParticleWriter *writer, bool complete);

/* DIRECTORY/metadata.json as LagrangeBench's programs read it. Velocities and accelerations are differences between frames, per axis. */
typedef struct {
  const NomosParticleSet *set;
  size_t                  n_frames, n_test_frames, n_trajectories, n_test_trajectories, n_particles; /* of the training, of the test; the most particles of any */
  double                  velocity_mean[3], velocity_deviation[3], acceleration_mean[3], acceleration_deviation[3];
} NomosParticleMetadata;
PetscErrorCode NomosParticleMetadataWrite(const char directory[], const NomosParticleMetadata *metadata);

#endif
