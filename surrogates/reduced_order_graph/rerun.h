/* Data say which simulation made a trajectory, by the name of a case and settings. The case may have been edited since: what is simulated again is compared with what is stored. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_RERUN_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_RERUN_H

#include "surrogates/reduced_order_graph/particle_data.h"

/* 16 hex digits of all of a case that its motion depends on; of a config whose model has been made. */
PetscErrorCode NomosSimulationHash(NomosConfig config, char hash[17]);

typedef struct {
  NomosParticleData data;
  NomosSplit        split;
  size_t            trajectory;
  NomosConfig       simulation; /* the case, as it is now */
} NomosRerunInput;
typedef struct {
  NomosRerunInput         of;
  NomosParticleTrajectory t;
  bool                    same, known;  /* the case is as it was: yes; it can be told */
  double                  room;         /* m: the longest side of the domain */
  size_t                  d, last_same; /* frame: up to there all frames that were compared are equal to the bit */
  double                 *stored;       /* (n, d) */
  double                  farthest;     /* m: worst distance of a later frame, where it says nothing for certain */
} NomosRerun;

PetscErrorCode NomosRerunBegin(const NomosRerunInput *input, NomosRerun *rerun);
/* Frames from the first on; x (n, d) of all particles. Errors: another number of particles; positions that another machine's rounding does not explain, which are 1e-5 of the room away in one of the first ten frames, or that far within five
   frames after all were equal to the bit; 1e-3 of it in any frame of a case that has changed. */
PetscErrorCode NomosRerunCompare(NomosRerun *rerun, size_t frame, size_t n, const double x[]);
/* note (n_note): that it drifted away by more than 1e-3 of the room, and nothing says why; "": it did not. */
PetscErrorCode NomosRerunEnd(NomosRerun *rerun, size_t n_note, char note[]);

#endif
