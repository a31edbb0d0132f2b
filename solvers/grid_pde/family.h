/* Families of partial differential equations on a uniform grid of one to three dimensions,

     C(w) (du/dt) + sum_a d F_a(w)/dx_a = sum_a d G_a(w, dw/dx_a)/dx_a + S(w),      w = primitive(u),  C = 1 but where a family says otherwise

   A family is one file in families/ with a `const NomosPdeFamily`, and one line in family_list.h. Its functions see one point or one face and are written in Numbers (number.h), so that the derivatives of the
   solver follow from them; they are compiled as values, as values with tangents, and as traces from which adjoints are made. */
#ifndef NOMOS_SOLVERS_GRID_PDE_FAMILY_H
#define NOMOS_SOLVERS_GRID_PDE_FAMILY_H

#include "io/config.h"

enum { NOMOS_PDE_MAX_FIELDS = 5, NOMOS_PDE_MAX_COEFFICIENTS = 8, NOMOS_PDE_MAX_DIMS = 3 };

/* Rows of Numbers (number.h): the first value of each lies `step` behind that of the one before, its tangents `plane` behind its values. */
typedef struct {
  const double *at;
  size_t        step, plane;
} NomosPdeIn;
typedef struct {
  double *at;
  size_t  step, plane;
} NomosPdeOut;

/* Rows of n points or faces; arrays (fields, n) of Numbers: of values (fields, n), of values with tangents (fields, 2, n). `stride`: n of the array that the row is a part of. c: the coefficients, and
   NOMOS_PDE_MAX_COEFFICIENTS behind them their tangents. NULL where a family has none. */
typedef struct {
  void (*primitive)(const double c[], int n_dims, size_t n, size_t stride_in, const double in[], size_t stride_out, double out[]); /* NULL: w = u */
  void (*conserved)(const double c[], int n_dims, size_t n, size_t stride_in, const double in[], size_t stride_out, double out[]); /* its inverse */
  void (*flux)(const double c[], int n_dims, int axis, size_t n, const double left[], const double right[], double flux[]);        /* numerical flux of a Riemann problem in w */
  void (*limit)(const double c[], int n_dims, int axis, size_t n, const double cell[], const double side[], double limited[]);     /* side: w of a cell at its face; nearer to the cell, so that fields stay positive */
  void (*diffusion)(const double c[], int n_dims, int axis, size_t n, const double left[], const double right[], double flux[]);   /* left: w at the face, right: its slope along the axis */
  void (*source)(const double c[], int n_dims, size_t n, size_t stride_in, const double in[], size_t stride_out, double out[]);
  void (*capacity)(const double c[], int n_dims, size_t n, size_t stride_in, const double in[], size_t stride_out, double out[]); /* of every field: capacity du/dt = the rest */
} NomosPdeKernels;

typedef struct {
  const char *name, *unit, *long_name; /* of w: what is written; unit "1" */
  int         component;               /* of a vector along this axis: it changes sign at a wall; -1: a scalar */
  bool        positive;                /* must stay above zero */
  const char *conserved;               /* of u */
} NomosPdeField;

typedef struct {
  const char          *name; /* the value of `grid_pde.family` */
  const char          *summary, *reference;
  const char          *equation;                          /* for people and files */
  int                  min_dims, max_dims;
  const NomosPdeField *fields;                            /* the first n_fields[n_dims] */
  int                  n_fields[NOMOS_PDE_MAX_DIMS + 1];
  size_t               n_params;
  const NomosParam    *params;                            /* NAME.*; those that are differentiable are c[], in this order. KEY_y and KEY_z are there in two and in three dimensions, and come last */
  const NomosPdeKernels *kernels[2];                      /* of values; of values with tangents */
  /* Bounds of n points, for the steps (NOMOS_PDE_BOUNDS of number.h): most[0] becomes the largest sum over the axes of the speed of waves over dx, most[1] that of 4 diffusivity/dx^2, and the rate of the source,
     if they are larger than what is there; NaN counts as largest. */
  void (*bounds)(const double c[], int n_dims, const double per_dx[], size_t n, size_t stride, const double w[], double most[2]);
  /* Diffusive fluxes have the first field at the face as a factor (rho nu v_x), and act on fields times that of the cell (rho v): the light cell beside a heavy one diffuses faster than `bounds` of a point knows. */
  bool by_first;
  /* Waves may become faster on the way (a gas that is let loose from rest), so that a step is looked after from substep to substep. */
  bool quickens;
  /* What random waves s become in each field, as PDEBench has it: b + m (s - min)/(max - min) with b and m log-uniform in this range; (s - min)/(max - min) for {0, 1}; s for {0, 0}. NULL: s in the first field, the others 0.
     Where the first range is above 0, as of a gas, the two waves of s are drawn from three, not four, and cut by a window in one of two trajectories, not of ten. */
  const double (*waves)[2];
} NomosPdeFamily;

#endif
