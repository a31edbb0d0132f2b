/* The material point method: continua whose material points carry all state, and a grid on which a step's momentum is exchanged. Private to solvers/mpm.

   MLS-MPM with affine (APIC) velocities: Hu et al. (2018), doi:10.1145/3197517.3201293; Jiang et al. (2015), doi:10.1145/2766996. A particle p has position x, velocity v, affine matrix C,
   elastic deformation gradient F, constant mass m and volume V (of the reference state). A step of dt on nodes i of spacing dx, with B-spline weights w_ip and
   D = dx^2/4 (quadratic) or dx^2/3 (cubic):

     1  tau_p = tau(F_p)                                                       elasticity of its material
     2  m_i   = sum_p w_ip m_p,   (mv)_i = sum_p w_ip (m_p v_p + A_p (x_i - x_p)),   A_p = m_p C_p - dt V_p/D tau_p
     3  v_i   = (mv)_i/(m_i + epsilon) + g dt;   walls and obstacles change it
     4  v_p   = sum_i w_ip v_i,   C_p = 1/D sum_i w_ip v_i (x_i - x_p)^T,   x_p += dt v_p (kept `clip` cells inside the domain, if asked for)
     5  F_p   = return mapping((I + dt C_p) F_p)                               plasticity of its material

   In two dimensions it is plane strain: x, v and C have two components, F nine.

   A state (operators/model.h) is entry-major: entry e of particle k at [e n + k], entries x (d), v (d), C (d d, row by row), F (9). Particles are in the order of their ids, all those of
   one material together. No step depends on anything else, and sums go over the particles of a block in the order of their ids: the same bits for any number of threads and ranks.

   mpm.c is the model, mpm_params.c its parameters, mpm_bodies.c and mpm_shapes.c where particles begin, mpm_step_real.c the step, mpm_transfer_real.c the exchange with the grid,
   mpm_grid_real.c what happens on it, mpm_blocks.c which parts of it there are, mpm_boundary.c obstacles, mpm_exchange.c ranks, mpm_*_derivative_real.c and mpm_derivatives.c derivatives, mpm_output.c what is written. */
#ifndef NOMOS_SOLVERS_MPM_H
#define NOMOS_SOLVERS_MPM_H

#include "operators/constitutive_law.h"
#include "operators/model.h"

/* At a wall the velocity of the nodes in it: no condition; no normal component; none into the wall; none at all. */
typedef enum { NOMOS_WALL_OPEN, NOMOS_WALL_SLIP, NOMOS_WALL_SEPARATE, NOMOS_WALL_STICK, NOMOS_N_WALLS } NomosMpmWall;

typedef enum { NOMOS_SHAPE_BOX, NOMOS_SHAPE_SPHERE, NOMOS_SHAPE_CYLINDER, NOMOS_SHAPE_PLANE, NOMOS_SHAPE_ELLIPSOID, NOMOS_SHAPE_MESH, NOMOS_SHAPE_PARTICLES, NOMOS_N_SHAPES } NomosMpmShapeKind;

/* Of an obstacle or a body: where a point is by its signed distance (m, negative inside). */
typedef struct {
  NomosMpmShapeKind kind;
  double            centre[3], size[3], radius, axis[3]; /* box: edges; ellipsoid: diameters along the axes; cylinder: axis (length is |axis|); plane: outward normal in axis */
} NomosMpmShape;
double NomosMpmDistance(const NomosMpmShape *shape, int d, const double x[3], double normal[3]); /* normal: gradient of the distance */

typedef struct {
  NomosMpmShape shape;
  NomosMpmWall  wall;
} NomosMpmObstacle;

typedef struct {
  char     name[NOMOS_MAX_NAME];
  double   density;                /* kg m^-3 */
  NomosLaw law[NOMOS_N_LAW_KINDS]; /* plasticity may be NULL: the identity */
  size_t   first, count;           /* its particles on this rank */
  size_t   total;                  /* and on all ranks */
  size_t  *parameter[NOMOS_N_LAW_KINDS]; /* of each number of a law its place in the model's list: laws of one material share numbers */
} NomosMpmMaterial;

typedef struct {
  int               d, order;      /* order of the splines: 2 or 3 */
  int               cells[3];      /* nodes 0 .. cells - 1 along each axis (1 beyond d) */
  double            dx, origin[3], gravity[3], epsilon, clip; /* origin: of node 0; clip in cells; 0: none */
  int               wall_nodes;    /* as NCLaw's bound b: nodes below b, and those above cells - b, are in the wall */
  NomosMpmWall      walls[3][2];
  size_t            n_obstacles;
  NomosMpmObstacle *obstacles;
  double            cfl;           /* of an adaptive dt; 0: fixed */
  bool              single;
  size_t            n_materials;
  NomosMpmMaterial *materials;
} NomosMpmSetup;

typedef struct NomosMpm_s NomosMpm;

/* The step in one precision. None of it calls PETSc inside a parallel region. Derivatives as in operators/model.h: `state` is the state before the step, arrays are in the precision. */
typedef struct {
  PetscErrorCode (*create)(NomosMpm *mpm); /* work arrays for mpm->n particles */
  PetscErrorCode (*destroy)(NomosMpm *mpm);
  PetscErrorCode (*step)(NomosMpm *mpm, double dt); /* mpm->state in place */
  PetscErrorCode (*jvp)(NomosMpm *mpm, double dt, const void *state, void *x_dot, const double p_dot[]);
  PetscErrorCode (*vjp)(NomosMpm *mpm, double dt, const void *state, void *x_bar, double p_bar[]);
  PetscErrorCode (*stress)(NomosMpm *mpm, const void *state, void *tau);       /* Kirchhoff, 9 n, entry-major */
  PetscErrorCode (*energy)(NomosMpm *mpm, const void *state, double *elastic); /* J, of this rank; NaN where a law has none */
} NomosMpmKernels;
extern const NomosMpmKernels nomos_mpm_kernels_f32, nomos_mpm_kernels_f64;

enum { NOMOS_MPM_N_STATE_FIELDS = 4 };

struct NomosMpm_s {
  NomosMpmSetup          setup;
  MPI_Comm               comm;
  size_t                 n, n_entries;   /* particles on this rank, reals of each: 2 d + d d + 9 */
  size_t                 n_total, first; /* particles on all ranks; ids first ... first + n - 1 are here */
  int64_t               *id;             /* (n) of the whole simulation */
  int32_t               *material;       /* (n) index in setup.materials */
  int32_t               *body;           /* (n) index of its body in the case */
  void                  *state;          /* (n_entries, n) of the precision */
  double                *mass, *volume;  /* (n) kg, m^3 */
  size_t                 n_parameters;
  NomosModelParameter   *parameters;     /* of the model: those of the laws of all materials */
  size_t                 n_parameter_info;
  NomosParam            *parameter_info; /* what `parameters` point to: with full keys */
  const NomosMpmKernels *kernels;
  void                  *work;           /* of the kernels */
  int64_t                lost;           /* the first particle (place on this rank) that the last step found outside the grid; -1: none */
  struct NomosMpmOutput_s *output;
  double                 first_dt;       /* of the case: the largest that an adaptive one takes */
  double                 low[3], high[3]; /* of the positions of all particles over the run so far */
  double                 first_energy;   /* at step 0 */
  char                   warning[256];   /* about its bodies; "": none */
  NomosModelField        state_fields[NOMOS_MPM_N_STATE_FIELDS];
};

/* solvers/mpm/mpm_params.c: setup from model->config, laws included; `declare` of the ops. Errors name key and place. Collective. */
PetscErrorCode NomosMpmDeclare(NomosConfig config);
PetscErrorCode NomosMpmSetupFromConfig(MPI_Comm comm, NomosConfig config, NomosMpmSetup *setup);
PetscErrorCode NomosMpmSetupFree(NomosMpmSetup *setup);
/* The list of parameters, and values into the laws. */
PetscErrorCode NomosMpmParameters(NomosMpm *mpm);
PetscErrorCode NomosMpmSetParameters(NomosMpm *mpm, const double values[]);
enum { NOMOS_MPM_N_PARAMS = 21, NOMOS_MPM_N_GROUPS = 3 };
extern const NomosParam      nomos_mpm_params[NOMOS_MPM_N_PARAMS];
extern const NomosParamGroup nomos_mpm_groups[NOMOS_MPM_N_GROUPS]; /* materials, bodies, obstacles */

/* solvers/mpm/mpm_derivatives.c */
extern const NomosModelDerivatives nomos_mpm_derivatives;

/* solvers/mpm/mpm_bodies.c: how many particles there are (called by `create`; sets n, id, material, mass, volume and materials' ranges), and their first state. Errors: leaky or empty
   bodies, particles outside the domain or in an obstacle. Collective. */
PetscErrorCode NomosMpmBodiesCreate(NomosMpm *mpm, NomosConfig config);
PetscErrorCode NomosMpmBodiesInitialise(NomosMpm *mpm, NomosConfig config);

/* The largest stable dt (s): of pressure waves, dx/c with c^2 = (lambda + 2 mu)/rho, and of the particles' speed. Collective. */
PetscErrorCode NomosMpmStableTimeStep(NomosMpm *mpm, double *wave, double *speed);

#endif
