/* Linear centred kernel alignment of two sets of features of the same n points (Kornblith et al. 2019, doi:10.48550/arXiv.1905.00414): with centred columns of X and Y

     CKA = |Y^T X|_F^2/(|X^T X|_F |Y^T Y|_F),

   1 for features that are alike up to rotation, scale and shift, 0 for unrelated ones. */
#ifndef NOMOS_SURROGATES_META_CKA_H
#define NOMOS_SURROGATES_META_CKA_H

#include "io/base.h"

/* x (n, k), y (n, l). 0 where one of them does not vary. */
PetscErrorCode NomosCka(size_t n, size_t k, const double x[], size_t l, const double y[], double *cka);

#endif
