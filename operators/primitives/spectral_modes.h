/* Retained modes of fields. They lie in blocks of VECTOR, [block][field][real, imaginary][VECTOR], so that products over channels are sums of vectors. For *_real.c files; private to operators/. */
#ifndef NOMOS_OPERATORS_SPECTRAL_MODES_H
#define NOMOS_OPERATORS_SPECTRAL_MODES_H

#include "operators/primitives/spectral_impl.h"
#include "operators/primitives/vector.h"

enum { NOMOS_PAIR = 2 * VECTOR, NOMOS_SPECTRAL_PARALLEL = 1 << 15 };

/* exp(-2 pi i k j/n), kept for the life of the process. */
typedef struct NomosModeTable_s NomosModeTable;
struct NomosModeTable_s {
  size_t n, count;
  bool   mirrored;
  /* Of modes 0..count-1, [n][2 count]: cos | -sin. Mirrored, of modes 0..count/2-1, -count/2..-1, for sums and differences of points j and n - j: [n/2 + 1][count] cos for the
     sums, then [n - n/2 - 1][count] sin for the differences, which lie at n - j. */
  Real           *points;
  Real           *modes; /* the transpose, mirrored those of its two parts */
  Real           *twice; /* [count] how many modes of a real transform each stands for: 1 or 2 */
  NomosModeTable *next;
};

typedef struct {
  const NomosSpectralShape *s;
  const NomosModeTable     *x, *y; /* along the last axis and the one before */
  size_t                    n_modes, n_blocks;
} NAME(NomosSpectralPlan);
bool NAME(NomosSpectralMakePlan)(const NomosSpectralShape *s, NAME(NomosSpectralPlan) *plan); /* false: no memory for tables */

/* Fields [first, first + count) of n; x begins with the first of these, modes with that of all n. */
typedef struct {
  size_t n, first, count;
} NomosModes;
/* By one thread, with `own` scratch of NomosSpectralOwnSize. modes = A x; weighted: times c_k/(n0 n1). */
size_t NAME(NomosSpectralOwnSize)(const NomosSpectralShape *s);
void   NAME(NomosSpectralAnalyse)(const NAME(NomosSpectralPlan) *plan, const NomosModes *at, const Real *x, bool weighted, Real *modes, Real *own);
/* x = A^T modes (+ x with `add`); of modes times c_k/(n0 n1) when weighted. */
void NAME(NomosSpectralSynthesise)(const NAME(NomosSpectralPlan) *plan, const NomosModes *at, const Real *modes, bool weighted, bool add, Real *x, Real *own);

/* c[p, q] = sum_r a[p, r] b[r, q], each a complex vector; either factor may be conjugate. Steps are in pairs of vectors. */
typedef struct {
  const Real *data;
  size_t      step[2]; /* along its first and second index */
  bool        conjugate;
} NAME(NomosModeFactor);
void NAME(NomosSpectralMix)(size_t n_p, size_t n_q, size_t n_r, const NAME(NomosModeFactor) *a, const NAME(NomosModeFactor) *b, Real *c, const size_t c_step[2]);

/* Weights between their own layout and blocks of modes [block][in][out]. */
void NAME(NomosSpectralPack)(const NAME(NomosSpectralPlan) *plan, const Real *w, Real *blocks);
void NAME(NomosSpectralUnpack)(const NAME(NomosSpectralPlan) *plan, const Real *blocks, Real *w);

static inline size_t ModesSize(const NAME(NomosSpectralPlan) *plan, size_t fields)
{
  return plan->n_blocks * fields * NOMOS_PAIR;
}

#endif
