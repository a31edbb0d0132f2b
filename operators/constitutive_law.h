/* A constitutive law: what stress a deformation causes, or how much of a deformation stays elastic; for many material points at once.

     elasticity   tau = tau(F, p)       Kirchhoff stress (Pa) of a deformation gradient F
     plasticity   F_e = F_e(F_tr, p)    return mapping: the elastic part of a trial deformation gradient

   F is 3 x 3, also in plane strain (then its third row and column are those of the unit matrix at first). A law is written (solvers/mpm/laws) or learned (surrogates/constitutive), and whoever
   uses one does not know which. Laws reach a solver through a registry: the program, or a test, hands in its lists (NomosLawRegister).

   A law is one `const NomosLawOps` and one line in the list of its floor. Kernels are called from several threads at once, call no PETSc, and give the same bits whatever the thread. */
#ifndef NOMOS_OPERATORS_CONSTITUTIVE_LAW_H
#define NOMOS_OPERATORS_CONSTITUTIVE_LAW_H

#include "io/config.h"
#include "io/field_file.h" /* NomosRealType */

typedef struct NomosLaw_s *NomosLaw;

typedef enum { NOMOS_LAW_ELASTICITY, NOMOS_LAW_PLASTICITY, NOMOS_N_LAW_KINDS } NomosLawKind;
extern const char *const nomos_law_kinds[NOMOS_N_LAW_KINDS + 1]; /* "elasticity", "plasticity", NULL: also the keys of a material that name its laws */

/* One number that a law depends on and that one may differentiate by. */
typedef struct {
  const NomosParam *param; /* its key without the material's section */
  int               entry; /* of a list (weights), else 0 */
} NomosLawParameter;

/* What a law promises; the tests over the registry hold it to that. All laws: tau(QF) = Q tau(F) Q^T and F_e(QF) = Q F_e(F) for rotations Q, and tau(I) = 0, F_e(I) = I, unless said. */
enum {
  NOMOS_LAW_ISOTROPIC  = 1, /* tau(FQ) = tau(F), F_e(FQ) = F_e(F) Q */
  NOMOS_LAW_SYMMETRIC  = 2, /* tau = tau^T: angular momentum is kept */
  NOMOS_LAW_POTENTIAL  = 4, /* tau = (d psi/dF) F^T of an energy density psi: `energy` is there. Of a return mapping: it does not raise psi of any law of this kind with convex psi */
  NOMOS_LAW_INEXACT    = 8, /* neither equivariant nor stress-free at rest by construction (an ablation) */
  NOMOS_LAW_FORGETS_ROTATION = 16, /* of a return mapping: F_e(QF) = F_e(F) instead, of a material whose stress does not see a rotation */
  NOMOS_LAW_RATE             = 32, /* depends on how long a step takes: law->dt */
  NOMOS_LAW_INSIDE_OUT       = 64  /* of elasticity: has a stress for det F <= 0 too; where the law has none, a point that is turned inside out is a fault */
};

/* Arrays of n matrices of law->precision, entry-major: entry (i, j) of point k at [(3 i + j) stride + k]. Results are overwritten, p_bar is added to. */
typedef struct {
  const char       *name;     /* the value of materials.NAME.elasticity or .plasticity */
  NomosLawKind      kind;
  int               promises; /* of NOMOS_LAW_... */
  const char       *summary;  /* one sentence */
  const char       *reference;
  size_t            n_params;
  const NomosParam *params;   /* keys without the material's section ("youngs_modulus"); laws of one material share those of one key */

  /* Reads law->config at keys law->section.KEY (NomosLawReal). Sets law->n_parameters and law->parameters (all differentiable ones, in a fixed order; the array is the law's),
     law->values (their values, the law's) and law->modulus. Errors: numbers that are no material, with where they were given. */
  PetscErrorCode (*create)(NomosLaw law);
  PetscErrorCode (*destroy)(NomosLaw law); /* also after a create that failed; may be NULL */
  /* law->values have changed: renew what depends on them, law->modulus too. May be NULL. Not inside a parallel region. */
  PetscErrorCode (*renew)(NomosLaw law);

  /* y = f(F). `kept` (NULL, or n times kept_reals(law) reals of the caller): what vjp at the same F needs not work out again. */
  void (*apply)(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept);
  /* y_dot = df/dF F_dot + df/dp p_dot; p_dot (n_parameters) may be NULL: zero */
  void (*jvp)(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot);
  /* F_bar = (df/dF)^T y_bar;  p_bar (n_parameters; NULL: not asked for) += (df/dp)^T y_bar, summed over the points in a fixed order. kept: as apply left it, or NULL. */
  void (*vjp)(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[]);
  size_t (*kept_reals)(NomosLaw law); /* for each point; NULL: nothing is kept */
  /* psi (n), Pa: stored energy per volume of the reference state. NULL: the law has none. */
  void (*energy)(NomosLaw law, size_t n, size_t stride, const void *F, void *psi);
  const void *variant; /* what laws that share these functions differ in; theirs alone */
} NomosLawOps;

struct NomosLaw_s {
  const NomosLawOps       *ops;
  MPI_Comm                 comm;
  NomosConfig              config;
  char                     section[NOMOS_MAX_NAME]; /* "materials.jelly" */
  NomosRealType            precision;
  size_t                   n_parameters;
  const NomosLawParameter *parameters;
  double                  *values;  /* (n_parameters) */
  double                   dt;      /* s, of the step; at first time.dt of the config, 0 where that has none */
  double                   modulus; /* Pa, of elasticity: that of pressure waves at rest, lambda + 2 mu, for the limit of dt; 0: unknown, or plasticity */
  void                    *data;
};

/* Lists of laws that may be named in a case, NULL-terminated; a list given twice is there once. Not collective; at the start of a program. */
PetscErrorCode NomosLawRegister(const NomosLawOps *const list[]);
/* All that are registered, of both kinds, NULL-terminated. Borrowed until the next NomosLawRegister. */
const NomosLawOps *const *NomosLaws(void);
/* By kind and name; the error names the nearest and all of the kind. */
PetscErrorCode NomosLawFind(NomosLawKind kind, const char name[], const char where[], const NomosLawOps **ops);

/* The config has the law's table under `section` (NomosConfigRegisterSection). Collective. */
PetscErrorCode NomosLawCreate(MPI_Comm comm, const NomosLawOps *ops, NomosConfig config, const char section[], NomosRealType precision, NomosLaw *law);
PetscErrorCode NomosLawDestroy(NomosLaw *law);
/* Other values (n_parameters) of its parameters. Not collective. */
PetscErrorCode NomosLawSetValues(NomosLaw law, const double values[]);
/* Before a step of another length (s). Not collective. */
PetscErrorCode NomosLawSetTimeStep(NomosLaw law, double dt);

/* For `create`: the number at law->section.key; and law->parameters of the table's differentiable REALs, in its order, with values from the config. */
PetscErrorCode NomosLawReal(NomosLaw law, const char key[], double *value);
PetscErrorCode NomosLawString(NomosLaw law, const char key[], const char **value); /* STRING, CHOICE, FILE */
PetscErrorCode NomosLawParametersFromTable(NomosLaw law);
const char    *NomosLawWhere(NomosLaw law, const char key[]); /* NomosConfigWhere of it */

/* The law's map as an operator with apply, jvp and vjp, for checks of its derivatives (operators/operator_check.h): inputs "F" (9 n, entry-major) and, where there are any, "parameters";
   output "y" (9 n). In law->precision. The law is borrowed. */
struct NomosOperator_s;
PetscErrorCode NomosOperatorFromLaw(NomosLaw law, size_t n, struct NomosOperator_s **op);

#endif
