/* Written laws: a law is one file that holds its equations, once for both precisions (its name ends in _real.c), its parameters, and its `const NomosWrittenLaw`; and one line in
   solvers/mpm/law_list.h. All else is shared: written_law.c reads parameters and chooses the precision, lanes.h and spectral.h are what kernels are made of.

   Kernels know a law's parameters only by a few coefficients c(p) (Lame's, a yield strain), whose derivative by the parameters the law states beside them. */
#ifndef NOMOS_SOLVERS_MPM_LAWS_WRITTEN_LAW_H
#define NOMOS_SOLVERS_MPM_LAWS_WRITTEN_LAW_H

#include "operators/constitutive_law.h"
#include "operators/real.h"

enum { NOMOS_MAX_COEFFICIENTS = 4, NOMOS_MAX_LAW_PARAMETERS = 6 };

/* As those of NomosLawOps, arrays in the kernels' precision. kept: NULL, or 21 n reals. jvp: derivatives by coefficients are added if c_dot; vjp: c_bar is added to if not NULL. */
typedef struct {
  void (*apply)(const double c[], size_t n, size_t stride, const void *F, void *y, void *kept);
  void (*jvp)(const double c[], const double c_dot[], size_t n, size_t stride, const void *F, const void *F_dot, void *y_dot);
  void (*vjp)(const double c[], size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double c_bar[]);
  void (*energy)(const double c[], size_t n, size_t stride, const void *F, void *psi);
} NomosWrittenKernels;

typedef struct {
  NomosLawOps ops; /* the first member: a law's ops are its written law */
  /* From the values of the parameters (in the order of the table, without those that are unset): coefficients, their derivatives dc[coefficient][parameter], and law->modulus if it is elasticity. Errors: numbers that are no
     material. Called again when values change. */
  PetscErrorCode (*coefficients)(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS]);
  const NomosWrittenKernels *kernels[2]; /* of single and double precision */
} NomosWrittenLaw;

PetscErrorCode NomosWrittenCreate(NomosLaw law);
PetscErrorCode NomosWrittenRenew(NomosLaw law);
PetscErrorCode NomosWrittenDestroy(NomosLaw law);
void           NomosWrittenApply(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept);
void           NomosWrittenJvp(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot);
void           NomosWrittenVjp(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[]);
void           NomosWrittenEnergy(NomosLaw law, size_t n, size_t stride, const void *F, void *psi);
size_t         NomosWrittenKept(NomosLaw law);
#define NOMOS_WRITTEN_OPS \
  .create = NomosWrittenCreate, .renew = NomosWrittenRenew, .destroy = NomosWrittenDestroy, .apply = NomosWrittenApply, .jvp = NomosWrittenJvp, .vjp = NomosWrittenVjp

/* The functions Apply, Jvp and Vjp of a file as its kernels, of the precision in which it is compiled; more, `.energy = Energy`, may follow the name. */
#define NOMOS_WRITTEN_KERNELS(name, ...) \
  extern const NomosWrittenKernels name##_f32, name##_f64; \
  const NomosWrittenKernels        NAME(name) = {.apply = Apply, .jvp = Jvp, .vjp = Vjp, __VA_ARGS__}
#define NOMOS_BOTH_PRECISIONS(name) {&name##_f32, &name##_f64}

/* The first two entries of every table: Young's modulus E (Pa) and Poisson's ratio nu, with which
     mu = E/(2 (1 + nu)),   lambda = E nu/((1 + nu) (1 - 2 nu)). */
#define NOMOS_ELASTIC_MODULI \
  {.key = "youngs_modulus", .type = NOMOS_PARAM_REAL, .unit = "Pa", .differentiable = true, .doc = "Young's modulus E: stress over strain in a bar that is pulled; > 0."}, \
  { \
    .key = "poissons_ratio", .type = NOMOS_PARAM_REAL, .unit = "1", .differentiable = true, .doc = "Poisson's ratio nu: how much thinner for how much longer; between -1 and 0.5." \
  }
/* value, d/dE, d/dnu */
typedef struct {
  double mu[3], lambda[3];
} NomosLame;
/* Error unless E > 0 and -1 < nu < 0.5. */
PetscErrorCode NomosLameFromModuli(NomosLaw law, double E, double nu, NomosLame *lame);
/* `coefficients` of a law with the two moduli alone, c = {mu, lambda}, and of a law without parameters. */
PetscErrorCode NomosLameCoefficients(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS]);
PetscErrorCode NomosNoCoefficients(NomosLaw law, const double p[], double c[], double dc[][NOMOS_MAX_LAW_PARAMETERS]);
/* The error "case.yaml:7: materials.jelly.KEY = VALUE: `must`"; of E and nu, greater than 0 and between -1 and 0.5, NomosLameFromModuli sees to it. */
PetscErrorCode NomosLawRefuse(NomosLaw law, const char key[], double value, const char must[]);

static inline void RealCoefficients(const double c[], Real real[NOMOS_MAX_COEFFICIENTS])
{
  for (int i = 0; i < NOMOS_MAX_COEFFICIENTS; i++) real[i] = (Real)c[i];
}

#endif
