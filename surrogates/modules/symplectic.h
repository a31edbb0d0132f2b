/* Symplectic networks: maps of x = (q, p) whose Jacobian obeys M^T J M = J, J = [[0, I], [-I, 0]], whatever their weights, and that have an exact inverse. Jin, Zhang, Zhu, Tang & Karniadakis (2020),
   doi:10.1016/j.neunet.2020.08.017. Composed of shears, each of which moves one half of x by a gradient of a function of the other, u of v or v of u:

     linear       u += h (S + S^T) v                          any S [d, d]
     shift        u += h b                                    b [d]
     activation   u += h a s(v)                               a [d]
     gradient     u += h K^T (a s(K v + b))                   K [width, d]; a, b [width]

     LA: n_layers linear layers (n_sublayers linear shears, of p, q, p, ...; shifts of p and q), an activation between two of them, of p, q, p, ...
     G: n_layers gradients, of p, q, p, ...

   h is the step: the map is near the identity for a small one. The inverse is the shears backwards with -h. */
#ifndef NOMOS_SURROGATES_MODULES_SYMPLECTIC_H
#define NOMOS_SURROGATES_MODULES_SYMPLECTIC_H

#include "operators/primitives.h"
#include "surrogates/parameters.h"

typedef enum { NOMOS_SYMPLECTIC_LA, NOMOS_SYMPLECTIC_G } NomosSymplecticKind;

typedef struct {
  NomosSymplecticKind kind;
  size_t              d, n_layers;  /* degrees of freedom; layers, at least 1 */
  size_t              n_sublayers;  /* LA */
  size_t              width;        /* G */
  NomosFunctionKind   activation;
} NomosSymplecticInput;

enum { NOMOS_SYMPLECTIC_MAX_SHEARS = 256 };

typedef struct {
  enum { NOMOS_SHEAR_LINEAR, NOMOS_SHEAR_SHIFT, NOMOS_SHEAR_ACTIVATION, NOMOS_SHEAR_GRADIENT } kind;
  bool   of_p;       /* p moves, else q */
  size_t tensors[3]; /* numbers of S; b; a; K, a, b */
} NomosShear;

typedef struct {
  size_t            d, n_shears;
  NomosShear        shears[NOMOS_SYMPLECTIC_MAX_SHEARS];
  NomosFunctionKind activation;
} NomosSymplectic;

/* Declares its weights under `name.`: normal ones of deviation 0.01, shifts and b zero, as the authors begin. Errors: more than NOMOS_SYMPLECTIC_MAX_SHEARS shears. */
PetscErrorCode NomosSymplecticCreate(NomosParameters parameters, const char name[], const NomosSymplecticInput *input, NomosSymplectic *map);
/* x [.., 2d] -> [.., 2d], at least two axes; and back. Derivatives of every order. */
NomosTensor NomosSymplecticApply(const NomosSymplectic *map, const NomosTensor w[], NomosTensor x, double h);
NomosTensor NomosSymplecticInverse(const NomosSymplectic *map, const NomosTensor w[], NomosTensor y, double h);

#endif
