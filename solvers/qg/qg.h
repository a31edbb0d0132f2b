/* Quasi-geostrophic flow in N layers on a doubly periodic plane, pseudo-spectral.

     dq_j/dt = - c J(psi_j, q_j + eta_j) - U_j.grad(q_j + eta_j) - u_j.grad(Q_j) + r_j + F_j - nu D q_j        j = 1 (top) ... N

     q_j = lap psi_j + sum_m S_jm psi_m       layered;       q = N K tanh(K N H / f) psi^   surface QG (q is the surface buoyancy)
     J(a, b) = a_x b_y - a_y b_x,   u = (-psi_y, psi_x),   grad Q_j = (sum_m S_jm V_m, beta - sum_m S_jm U_m)
     r_N -= drag lap psi_N;   r_1 += F_1 (rate (psi_1 - psi_2) - jet_rate psi_R), r_2 -= F_2 (...) ;   r_j -= s(y) (q_j - <q_j>_x)
     D = (-lap)^(n/2), or dx^n + dy^n up to sign (kx^n + ky^n);   eta_N = f0 h / H_N
     r_j += sum_i c_ij term_ij                         terms that the case writes (`equations:`, operators/equations.h)

   S is the stretching matrix, inverted mode by mode: -S = R diag(lambda) L, psi = R diag(-1/(K^2 + lambda)) L q.
   Vallis, Atmospheric and Oceanic Fluid Dynamics (2017), ch. 5, doi:10.1017/9781107588417; surface QG: Held et al. 1995, doi:10.1017/S0022112095000012. */
#ifndef NOMOS_SOLVERS_QG_H
#define NOMOS_SOLVERS_QG_H

#include "operators/equations.h"
#include "operators/model.h"

typedef enum { NOMOS_QG_EULER, NOMOS_QG_AB2, NOMOS_QG_AB3, NOMOS_QG_LEAPFROG, NOMOS_QG_RK4, NOMOS_QG_ETDRK4 } NomosQGScheme;
typedef enum { NOMOS_QG_DEALIAS_NONE, NOMOS_QG_DEALIAS_TWO_THIRDS, NOMOS_QG_DEALIAS_THREE_HALVES } NomosQGDealias;

/* The terms of dq/dt; a tendency is asked for by a set of them. */
typedef enum {
  NOMOS_QG_VORTICITY_ADVECTION  = 1 << 0, /* -c J(psi_j, lap psi_j), or all of the nonlinear terms in the flux form */
  NOMOS_QG_STRETCHING_ADVECTION = 1 << 1, /* -c J(psi_j, S psi) */
  NOMOS_QG_TOPOGRAPHY           = 1 << 2, /* -c J(psi_N, eta) - U.grad eta */
  NOMOS_QG_MEAN_FLOW            = 1 << 3, /* -U.grad q - u.grad Q: energy source of baroclinic instability */
  NOMOS_QG_DRAG                 = 1 << 4,
  NOMOS_QG_HYPERVISCOSITY       = 1 << 5,
  NOMOS_QG_RELAXATION           = 1 << 6,
  NOMOS_QG_SPONGE               = 1 << 7,
  NOMOS_QG_BODY_FORCE           = 1 << 8,
  NOMOS_QG_EXTRA_TERMS          = 1 << 9, /* of the equations of the case */
  NOMOS_QG_N_TERMS              = 10
} NomosQGTerm;
enum {
  NOMOS_QG_ALL_TERMS     = (1 << NOMOS_QG_N_TERMS) - 1,
  NOMOS_QG_NONLINEAR     = NOMOS_QG_VORTICITY_ADVECTION | NOMOS_QG_STRETCHING_ADVECTION | NOMOS_QG_TOPOGRAPHY,
  NOMOS_QG_LINEAR        = NOMOS_QG_MEAN_FLOW | NOMOS_QG_DRAG | NOMOS_QG_HYPERVISCOSITY | NOMOS_QG_RELAXATION,
  NOMOS_QG_INHOMOGENEOUS = 1 << NOMOS_QG_N_TERMS /* of the linear terms only what does not depend on the state: ETDRK4 treats the rest exactly */
};

enum { NOMOS_QG_MAX_LAYERS = 32 };

/* Functions of position are values on the nx x ny grid, all of it on every rank, or NULL. */
typedef struct {
  int    nx, ny, n_layers;
  double lx, ly;

  bool   surface;                          /* surface QG: one layer */
  double surface_buoyancy, surface_depth;  /* N; N H / f, 0: infinite depth */
  double depth[NOMOS_QG_MAX_LAYERS];       /* H_j / H, sums to 1 */
  double stretching[NOMOS_QG_MAX_LAYERS][NOMOS_QG_MAX_LAYERS]; /* S */
  double right[NOMOS_QG_MAX_LAYERS][NOMOS_QG_MAX_LAYERS], left[NOMOS_QG_MAX_LAYERS][NOMOS_QG_MAX_LAYERS], lambda[NOMOS_QG_MAX_LAYERS];

  double beta, u[NOMOS_QG_MAX_LAYERS], v[NOMOS_QG_MAX_LAYERS], qy[NOMOS_QG_MAX_LAYERS], qx[NOMOS_QG_MAX_LAYERS];
  double nonlinearity;                     /* c */
  double drag;
  double hyperviscosity;                   /* nu [m^n/s] */
  int    hyperviscosity_order;             /* n, even */
  bool   hyperviscosity_anisotropic;       /* kx^n + ky^n */
  bool   hyperviscosity_of_planetary;      /* D also acts on beta y, cut to one period, y in [-ly/2, ly/2) (doi:10.1029/2023MS004033) */
  double relaxation_rate, relaxation_jet_rate;
  double *relaxation_jet;                  /* (ny) u_R(y) */
  double *sponge;                          /* (ny) s(y) */
  double *topography;                      /* (ny, nx) eta [1/s] */
  double *body_force;                      /* (n_layers, ny, nx) F [1/s2] */
  NomosEquations equations;                /* extra terms, or NULL; variables and fields as in qg_equations.c */

  bool   filter;                           /* exponential: exp(-strength (k* - cutoff)^4) for k* > cutoff, k*^2 = (k dx)^2 + (l dy)^2 */
  double filter_strength, filter_cutoff;

  double forcing_energy_rate, forcing_wavenumber, forcing_width; /* stochastic ring, white in time: mean energy input [m2/s3] */
  int    forcing_layer;                    /* 0: all layers alike */
  uint64_t seed;

  NomosQGDealias dealias;
  bool           keep_nyquist; /* the mode l = -ny/2 (and k = nx/2) without its partner, as numpy's rfft2 leaves it */
  bool           flux_form;    /* -div(u q) instead of Basdevant's form */
  NomosQGScheme  scheme;
  double         asselin;      /* Robert-Asselin coefficient of the leapfrog */
  int            track_every;  /* steps between two looks at the largest speeds (0: 1); they cost 2 % of a step */
  bool           accurate_start; /* Adams-Bashforth begins with RK4 steps, not with lower orders: third order from the start */
} NomosQGSetup;

/* Depth fractions, stretching matrix and its modes from layer depths H (n) and reduced gravities g' (n - 1) [m/s2]; Coriolis parameter f0. For one layer g' is
   ignored and the radius may be infinite (0). radii (n - 1, may be NULL) get the baroclinic deformation radii, largest first. */
PetscErrorCode NomosQGStratify(NomosQGSetup *setup, double f0, const double depths[], const double reduced_gravities[], double radii[]);
/* Two layers from the deformation radius and depth ratio delta = H_1/H_2: F_1 = rd^-2/(1 + delta), F_2 = delta F_1. One layer: rd = 0 is infinite. */
PetscErrorCode NomosQGStratifyTwoLayers(NomosQGSetup *setup, double deformation_radius, double depth_ratio);
PetscErrorCode NomosQGStratifyOneLayer(NomosQGSetup *setup, double deformation_radius);
/* Q_j from U, V, S, beta. */
void NomosQGMeanGradients(NomosQGSetup *setup);

/* Width of the bins of isotropic spectra [rad/m]: one wavenumber of the shorter side. */
double NomosQGBinWidth(const NomosQGSetup *setup);
/* Transforms of a grid a step needs, inverse plus forward, for N layers. */
int NomosQGTransforms(const NomosQGSetup *setup);


#endif
