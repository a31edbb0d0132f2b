/* Properties that every constitutive law must have, by what it promises (operators/constitutive_law.h): for the tests of written and of learned laws. */
#ifndef NOMOS_TESTS_LAW_CHECKS_H
#define NOMOS_TESTS_LAW_CHECKS_H

#include "operators/constitutive_law.h"

/* A law of material `m` of its own config, from assignments "youngs_modulus=1e5" (NULL-terminated; those whose key the law does not have are passed over). */
typedef struct {
  NomosConfig config;
  NomosLaw    law;
} TestLaw;
PetscErrorCode TestLawCreate(const NomosLawOps *ops, NomosRealType precision, const char *const set[], TestLaw *test);
PetscErrorCode TestLawDestroy(TestLaw *test);

/* Deformation gradients to try a law at, (9, n) entry-major and exact in single precision. */
typedef enum {
  DEFORMATIONS_AT_REST,   /* the unit matrix */
  DEFORMATIONS_PRESSED,   /* 0.9 I, and rotated */
  DEFORMATIONS_PULLED,    /* 1.1 I, and rotated */
  DEFORMATIONS_SMALL,     /* I + 0.02 random */
  DEFORMATIONS_LARGE,     /* I + 0.35 random, det > 0 */
  DEFORMATIONS_REPEATED,  /* rotated diagonal ones with two equal singular values, or nearly equal */
  DEFORMATIONS_PLANE,     /* rotated in the plane, another stretch across it */
  DEFORMATIONS_FLAT,      /* one singular value 0.08 or 0.03, which return mappings cut at 0.05 */
  N_DEFORMATIONS
} Deformations;
enum { N_POINTS = 37 };
void TestDeformations(Deformations kind, double F[9 * N_POINTS]);

/* All that hold for the law; `what` stands in the messages. */
void CheckLawDerivatives(const NomosLawOps *ops, const char *const set[]); /* transposition 1e-11, Taylor order 2 within 0.05, by F and parameters */
void CheckLawSymmetries(const NomosLawOps *ops, const char *const set[]);  /* rotations before and after, symmetry, state of rest: 1e-12 */
void CheckLawPotential(const NomosLawOps *ops, const char *const set[]);   /* tau F^-T is the gradient of the energy; a return mapping does not raise Hencky's */
void CheckLawArrays(const NomosLawOps *ops, const char *const set[]);      /* strides, any number of points, parts of any size: the same bits; `kept` changes nothing */
void CheckLawPrecision(const NomosLawOps *ops, const char *const set[], double tolerance); /* single against double, relative to the modulus or 1 */
void CheckLaw(const NomosLawOps *ops, const char *const set[]);            /* all these */

#endif
