#include "surrogates/modules/coordinates.h"

/* [batch, 1, (y,) x]: the coordinate along an axis of x, counted from the last. */
static NomosTensor Coordinate(NomosTensor x, int n_space, int axis)
{
  const size_t n = NomosTensorLength(x, -1 - axis);
  size_t       along[NOMOS_TENSOR_MAX_DIMS] = {1, 1, 1, 1}, full[NOMOS_TENSOR_MAX_DIMS];
  double      *values;

  if (!n || PetscMalloc1(n, &values)) return x;
  for (size_t j = 0; j < n; j++) values[j] = ((double)j + 0.5) / (double)n;
  for (int d = 0; d < 2 + n_space; d++) full[d] = d == 1 ? 1 : NomosTensorLength(x, d);
  along[1 + n_space - axis] = n;
  const NomosTensor row = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 2 + n_space, along, values);
  (void)PetscFree(values);
  return NomosBroadcast(row, 2 + n_space, full);
}

NomosTensor NomosWithCoordinates(NomosTensor x)
{
  const int   n_space  = NomosTensorDims(x, NULL) - 2;
  NomosTensor parts[3] = {x};

  if (n_space < 1 || n_space > 2) return x;
  for (int axis = 0; axis < n_space; axis++) parts[1 + axis] = Coordinate(x, n_space, axis);
  return NomosConcatenate(1 + (size_t)n_space, parts, 1);
}
