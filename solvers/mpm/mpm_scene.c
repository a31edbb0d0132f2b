/* What stands around the particles in pictures: the room between the walls, and the obstacles. */
#include "solvers/mpm/mpm_impl.h"

#include <math.h>

typedef struct {
  int           d;
  size_t        n;
  NomosMpmShape shapes[];
} Obstacles;

static double Distance(const void *ctx, const double x[3])
{
  const Obstacles *obstacles = ctx;
  double           least = INFINITY, normal[3];

  for (size_t i = 0; i < obstacles->n; i++) least = fmin(least, NomosMpmDistance(&obstacles->shapes[i], obstacles->d, x, normal));
  return least;
}

PetscErrorCode NomosMpmScene(NomosConfig config, NomosModelScene *scene)
{
  NomosMpmSetup setup;
  Obstacles    *obstacles;

  PetscFunctionBeginUser;
  PetscCall(NomosMpmSetupFromConfig(PETSC_COMM_SELF, config, &setup));
  scene->room = (NomosScene){.d = setup.d, .up = 1, .unit = NomosConfigIsNondimensional(config) ? "" : "m"};
  for (int a = 0; a < setup.d; a++) {
    NomosMpmRoom(&setup, a, &scene->room.low[a], &scene->room.high[a]);
    if (-setup.gravity[a] > -setup.gravity[scene->room.up]) scene->room.up = a;
  }
  if (setup.n_obstacles) {
    PetscCall(PetscMalloc(sizeof *obstacles + setup.n_obstacles * sizeof *obstacles->shapes, &obstacles));
    obstacles->d = setup.d;
    obstacles->n = setup.n_obstacles;
    for (size_t i = 0; i < setup.n_obstacles; i++) obstacles->shapes[i] = setup.obstacles[i].shape;
    scene->obstacles     = obstacles;
    scene->room.ctx      = obstacles;
    scene->room.distance = Distance;
  }
  PetscCall(NomosMpmSetupFree(&setup));
  PetscFunctionReturn(PETSC_SUCCESS);
}
