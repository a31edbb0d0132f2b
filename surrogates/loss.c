#include "surrogates/loss.h"

#include <string.h>

NomosTensor NomosLossMeanSquared(NomosTensor prediction, NomosTensor target)
{
  const NomosTensor r = NomosSubtract(prediction, target);
  return NomosMeanAll(NomosMultiply(r, r));
}

NomosTensor NomosLossMeanAbsolute(NomosTensor prediction, NomosTensor target)
{
  return NomosMeanAll(NomosFunction(NOMOS_ABS, 0, NomosSubtract(prediction, target)));
}

NomosTensor NomosLossHuber(NomosTensor prediction, NomosTensor target, double delta)
{
  const NomosTensor r = NomosSubtract(prediction, target), size = NomosFunction(NOMOS_ABS, 0, r);
  return NomosMeanAll(NomosSelect(NomosAffine(size, -1, delta), NomosAffine(NomosMultiply(r, r), 0.5, 0), NomosAffine(size, delta, -0.5 * delta * delta)));
}

NomosTensor NomosLossLogCosh(NomosTensor prediction, NomosTensor target)
{
  return NomosMeanAll(NomosFunction(NOMOS_LOGCOSH, 0, NomosSubtract(prediction, target)));
}

static NomosTensor SampleSquares(NomosTensor x)
{
  const int axes[] = {1, 2, 3, 4, 5};
  return NomosSum(NomosMultiply(x, x), NomosTensorDims(x, NULL) - 1, axes, false);
}

NomosTensor NomosLossRelativeTo(NomosTensor prediction, NomosTensor target, NomosTensor reference)
{
  const NomosTensor ratio = NomosDivide(SampleSquares(NomosSubtract(prediction, target)), SampleSquares(reference));
  return NomosMeanAll(NomosPower(NomosAffine(ratio, 1, 1e-20), 0.5));
}

NomosTensor NomosLossRelative(NomosTensor prediction, NomosTensor target)
{
  return NomosLossRelativeTo(prediction, target, target);
}

static NomosTensor Huber(NomosTensor prediction, NomosTensor target)
{
  return NomosLossHuber(prediction, target, 1);
}

#define LOSS_ENTRY(name, loss) {#name, loss},

NomosLossFn NomosLossFind(const char name[])
{
  static const struct {
    const char *name;
    NomosLossFn loss;
  } losses[] = {NOMOS_LOSSES(LOSS_ENTRY)};

  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
    if (!strcmp(name, losses[i].name)) return losses[i].loss;
  return NULL;
}
