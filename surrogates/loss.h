/* Losses on a tape: scalars from a prediction and a target of one shape, means over all entries unless said. r = prediction - target. */
#ifndef NOMOS_SURROGATES_LOSS_H
#define NOMOS_SURROGATES_LOSS_H

#include "operators/primitives.h"

NomosTensor NomosLossMeanSquared(NomosTensor prediction, NomosTensor target);  /* r^2 */
NomosTensor NomosLossMeanAbsolute(NomosTensor prediction, NomosTensor target); /* |r|; derivative 0 at r = 0 */
NomosTensor NomosLossHuber(NomosTensor prediction, NomosTensor target, double delta); /* r^2/2 where |r| <= delta, else delta (|r| - delta/2); doi:10.1214/aoms/1177703732 */
NomosTensor NomosLossLogCosh(NomosTensor prediction, NomosTensor target);             /* log cosh r */
/* Mean over the samples (the first axis) of |r|/|target|, 2-norms over the other axes; sqrt(|r|^2/|target|^2 + 1e-20) in it, so that r = 0 has a derivative. */
NomosTensor NomosLossRelative(NomosTensor prediction, NomosTensor target);
/* The same with the norm of a reference in place of the target's: where both lie far from zero by a common offset, r is to be formed without it. */
NomosTensor NomosLossRelativeTo(NomosTensor prediction, NomosTensor target, NomosTensor reference);

/* By name, of huber with delta 1; NULL when there is none. Every loss is one line here. */
typedef NomosTensor (*NomosLossFn)(NomosTensor prediction, NomosTensor target);
#define NOMOS_LOSSES(LOSS) \
  LOSS(mean_squared, NomosLossMeanSquared) \
  LOSS(mean_absolute, NomosLossMeanAbsolute) \
  LOSS(huber, Huber) \
  LOSS(log_cosh, NomosLossLogCosh) \
  LOSS(relative, NomosLossRelative)
#define NOMOS_LOSS_CHOICES NOMOS_CHOICES(NOMOS_LOSSES)
NomosLossFn NomosLossFind(const char name[]);

#endif
