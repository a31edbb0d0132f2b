/* Private to the data of particles: particle_data_open.c finds and reads trajectories, particle_data.c gives them out, particle_data_walls.c knows those that do not move. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DATA_IMPL_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_PARTICLE_DATA_IMPL_H

#include "io/particle_file.h"
#include "surrogates/reduced_order_graph/particle_data.h"

/* Of n numbers: mean, and the sum of the squares of what they differ from it by. */
typedef struct {
  double n, mean, squares;
} NomosMoments;
/* Those of both together. */
void NomosMomentsMerge(NomosMoments *to, const NomosMoments *more);

typedef struct {
  size_t        file, in_file, n_frames, n_particles, n_set; /* frames: thinned */
  char         *name, *simulation, *simulation_hash, **set;
  int32_t      *kind;
  double       *parameters;
  NomosRealType type;
  void         *x; /* (n_frames, n_particles, d); NULL: in the file only */
  NomosMoments  velocity[3], acceleration[3];
  double        low[3], high[3];
  uint64_t      hash;
} NomosParticleEntry;

struct NomosParticleData_s {
  MPI_Comm               comm;
  NomosParticleDataInput input;
  NomosParticleDataInfo  info;
  char                 **kinds, **parameters, hash[17], *path;
  bool                  *fixed;
  size_t                 n_files, n;
  char                 **files;
  NomosSplit            *split_of_file; /* NULL: trajectories are drawn */
  NomosParticleFile      reader;        /* of the file opened last */
  size_t                 reader_file;
  NomosParticleEntry    *entries;       /* in order of files and groups */
  size_t                *list[NOMOS_N_SPLITS];
};

/* info.fixed, of the kinds that there are now. */
PetscErrorCode NomosParticleDataMarkFixed(NomosParticleData data);
/* Everything but the splits; errors of this process alone. */
PetscErrorCode NomosParticleDataScan(NomosParticleData data);
/* Frames of an entry, numbers after thinning, from the file. */
PetscErrorCode NomosParticleDataFetch(NomosParticleData data, const NomosParticleEntry *entry, size_t first, size_t n, NomosRealType type, void *x);

#endif
