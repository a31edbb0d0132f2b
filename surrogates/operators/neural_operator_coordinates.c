/* What the coordinates of an emulator's data say: time between frames, the box, its boundaries; and whether points that are left out leave the others equally far apart. */
#include "io/text.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Points of a grid are equally far apart: networks know the number of a point, not its place. Coordinates may be rounded to float32. */
static PetscErrorCode CheckEven(const char path[], const char name[], size_t n, const double x[])
{
  const double spacing = x[1] - x[0];
  double       farthest = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) farthest = fmax(farthest, fabs(x[i]));
  for (size_t i = 0; i + 1 < n; i++) {
    const double next = x[i + 1] - x[i];
    NomosCheck(next > 0 && fabs(next - spacing) <= NomosCoordinateTolerance(spacing, farthest), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s[%zu] = %.8g and %s[%zu] = %.8g, %.6g apart, where the first two are %.6g apart; an emulator's grid has rising points that are equally far apart: interpolate the data to one, or, if the network is to count points, leave %s out of the file", path, name, i, x[i], name, i + 1, x[i + 1], next, spacing, name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckLength(const NomosNeuralOperator *no, const char path[], const char name[], int d, size_t every, size_t n)
{
  PetscFunctionBeginUser;
  NomosCheck((n + every - 1) / every == no->shape.points[d], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %zu entries%s, and the fields have %zu points along %s: a field lies over [trajectory, time, (y,) x], or of one run in a file, whose dimensions have names, [time, (y,) x]; put its axes into this order, or give one coordinate for each point", path, name, n, every > 1 ? " before data.space_every" : "", no->shape.points[d], NomosAxisName(no, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorAxis(const NomosNeuralOperator *no, NomosFieldReader reader, const char path[], int d, size_t every, double *start, double *spacing, bool *known)
{
  static const char *const  names[2][2] = {{"y", "y-coordinate"}, {"x", "x-coordinate"}};
  const char *const        *either      = names[2 - no->shape.n_space + d];

  PetscFunctionBeginUser;
  *known = false;
  for (int i = 0; i < 2 && !*known; i++) {
    size_t  shape[NOMOS_FIELD_MAX_DIMS + 1], n;
    int     n_dims = 0;
    double *x;
    PetscCall(NomosFieldReaderHas(reader, either[i], known));
    if (*known) PetscCall(NomosFieldReaderShape(reader, either[i], &n_dims, shape));
    *known = n_dims > 0; /* a single number is no axis */
    if (!*known) continue;
    PetscCall(NomosFieldReaderCoordinate(reader, either[i], &n, &x));
    PetscErrorCode code = CheckLength(no, path, either[i], d, every, n);
    *known              = n > 1;
    if (!code && *known) code = CheckEven(path, either[i], n, x);
    if (!code && *known) *start = x[0];
    if (!code && *known) *spacing = (x[n - 1] - x[0]) / (double)(n - 1); /* one alone may be rounded */
    PetscCall(PetscFree(x));
    PetscCall(code);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a file says of an axis. */
typedef struct {
  bool      known; /* its box */
  double    start, extent, first;
  NomosEnds ends;
} Said;

static PetscErrorCode Listen(NomosSurrogate s, NomosFieldReader reader, const char path[], int d, Said *said)
{
  const NomosNeuralOperator *no          = s->context;
  double                     start = 0, spacing = 1;
  const char                *axes[2];
  int64_t                    every;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, "data.space_every", &every));
  for (int a = 0; a < no->shape.n_space; a++) axes[a] = NomosAxisName(no, a);
  PetscCall(NomosEndsRead(reader, (size_t)no->shape.n_space, axes, &said->ends));
  PetscCall(NomosNeuralOperatorAxis(no, reader, path, d, (size_t)every, &start, &spacing, &said->known));
  said->extent = said->known ? spacing * (double)every * (double)no->shape.points[d] : 1;
  said->start  = said->known ? start - spacing / 2 : 0;
  said->first  = said->known ? start : said->extent / (2 * (double)no->shape.points[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorBox(NomosSurrogate s, int d, const char path[], const double box[2], const double known[2], const char of[])
{
  const NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  NomosCheck(fabs(box[1] - known[1]) <= 1e-3 * known[1] && fabs(box[0] - known[0]) <= 0.51 * known[1] / (double)no->shape.points[d], s->comm, PETSC_ERR_ARG_INCOMP,
             "%s: the domain reaches from %.6g to %.6g along %s, that of %s from %.6g to %.6g, and a network on a grid knows one domain; choose data of that one", path, box[0], box[0] + box[1], NomosAxisName(no, d), of, known[0], known[0] + known[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of axis d of a file against the data; another boundary than periodic is not taken for periodic by default. */
static PetscErrorCode Compare(NomosSurrogate s, const char file[], int d, const Said *said)
{
  const NomosNeuralOperator *no   = s->context;
  const char                *axis = NomosAxisName(no, d);
  bool                       given;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigIsGiven(s->config, "neural_operator.periodic", &given));
  for (int side = 0; side < 2; side++) {
    const char *theirs = NomosEndsOf(&said->ends, axis, side), *ours = NomosEndsOf(&no->known_ends, axis, side), *high = side ? "_high" : "";
    if (!theirs) continue;
    NomosCheck(!no->shape.periodic || given || !strcmp(theirs, "periodic"), s->comm, PETSC_ERR_ARG_INCOMP, "%s has boundary_%s%s = %s, and neural_operator.periodic is yes unless it is given: say neural_operator.periodic: no, or yes to take the grid as periodic all the same", file, axis, high, theirs);
    NomosCheck(!ours || NomosEndsAlike(theirs, ours), s->comm, PETSC_ERR_ARG_INCOMP, "%s has boundary_%s%s = %s, %s %s, and a network knows one kind of boundary; take files of that one", file, axis, high, theirs, no->ends_of ? no->ends_of : "the data", ours);
  }
  if (said->known && no->box_known[d]) PetscCall(NomosNeuralOperatorBox(s, d, file, (const double[]){said->start, said->extent}, (const double[]){no->start[d], no->extent[d]}, "the data"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareFile(NomosFieldReader reader, const char file[], void *ctx)
{
  NomosSurrogate             s  = ctx;
  const NomosNeuralOperator *no = s->context;
  Said                       said;

  PetscFunctionBeginUser;
  for (int d = 0; d < no->shape.n_space; d++) {
    PetscCall(Listen(s, reader, file, d, &said));
    PetscCall(Compare(s, file, d, &said));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorDomain(NomosSurrogate s, const char path[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosDataFilesVisit(path, CompareFile, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- ends that files are held to */

/* Of axis d on the low side, or the high one. */
static const char *NameOfEnd(const NomosNeuralOperator *no, int d, int side, char name[NOMOS_MAX_NAME])
{
  const char *axis = NomosAxisName(no, d);

  (void)NomosEndsName((size_t)side, 1, &axis, name);
  return name;
}

/* Those of the data; where these say none, and nobody else has said that the grid is periodic, periodic. */
static PetscErrorCode HoldToData(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  char                 name[NOMOS_MAX_NAME];
  bool                 given;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigIsGiven(s->config, "neural_operator.periodic", &given));
  no->known_ends = no->data_ends;
  for (int d = 0; d < no->shape.n_space && no->shape.periodic && !given; d++)
    if (!NomosEndsOf(&no->data_ends, NomosAxisName(no, d), false)) NomosEndsSay(&no->known_ends, NameOfEnd(no, d, 0, name), "periodic");
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosNeuralOperatorWriteEnds(const NomosNeuralOperator *no, size_t n_text, char text[])
{
  char name[NOMOS_MAX_NAME];

  text[0] = '\0';
  for (int i = 0; i < 2 * no->shape.n_space; i++) {
    const char *end = NomosEndsOf(&no->known_ends, NomosAxisName(no, i / 2), i % 2);
    if (end) NomosTextAppend(n_text, text, "%s%s=%s", text[0] ? ";" : "", NameOfEnd(no, i / 2, i % 2, name), end);
  }
}

PetscErrorCode NomosNeuralOperatorTakeEnds(NomosSurrogate s, const char text[])
{
  NomosNeuralOperator *no     = s->context;
  const NomosEnds      before = no->known_ends;
  bool                 other  = false;

  PetscFunctionBeginUser;
  no->known_ends.n = 0;
  for (int i = 0; i < 2 * no->shape.n_space; i++) {
    char        name[NOMOS_MAX_NAME], end[128];
    const char *ours = NomosEndsOf(&before, NomosAxisName(no, i / 2), i % 2);
    if (!NomosTextValue(text, ';', NameOfEnd(no, i / 2, i % 2, name), sizeof end, end)) snprintf(end, sizeof end, "%s", ours ? ours : "");
    NomosEndsSay(&no->known_ends, name, end);
    other = other || strcmp(end, ours ? ours : "");
  }
  if (!other) PetscFunctionReturn(PETSC_SUCCESS);
  no->ends_of = "the data that the weights were trained with";
  PetscCall(NomosNeuralOperatorDomain(s, s->data_path));
  for (size_t i = 0; i < no->n_sets; i++) PetscCall(NomosNeuralOperatorDomain(s, no->sets[i].path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Time between frames and the box, where the data say them. */
PetscErrorCode NomosNeuralOperatorCoordinates(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  NomosFieldReader     reader;
  const char          *file;
  Said                 said;
  NomosDatasetBeginning states;

  PetscFunctionBeginUser;
  no->interval = NAN;
  if (s->prediction) PetscCall(NomosDatasetBegins(s->data, &states)); /* the unit; how far a step leads the weights know */
  else PetscCall(NomosDatasetInterval(s->data, &no->interval));
  snprintf(no->time_unit, sizeof no->time_unit, "%s", NomosDatasetUnitOf(s->data, no->n_fields + no->n_parameters));
  PetscCall(NomosDatasetOrigin(s->data, NOMOS_SPLIT_TRAIN, 0, NULL, &file, NULL));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, file, &reader));
  PetscErrorCode code = PETSC_SUCCESS;
  for (int d = 0; d < no->shape.n_space && !code; d++) {
    code = Listen(s, reader, file, d, &said);
    if (code) break;
    no->box_known[d] = said.known;
    no->start[d]     = said.start;
    no->extent[d]    = said.extent;
    no->first[d]     = said.first;
    no->data_ends    = said.ends;
  }
  PetscCall(NomosFieldReaderClose(&reader));
  PetscCall(code);
  PetscCall(HoldToData(s));
  PetscCall(NomosNeuralOperatorDomain(s, s->data_path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On a periodic axis every n-th point is as far from the next as any other only where n divides the points. */
PetscErrorCode NomosNeuralOperatorThinning(NomosSurrogate s, NomosDataset dataset, const char path[])
{
  const NomosNeuralOperator *no = s->context;
  const size_t              *full;
  int64_t                    every;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, "data.space_every", &every));
  PetscCall(NomosDatasetFullRowShape(dataset, 0, &full));
  for (int d = 0; d < no->shape.n_space && no->shape.periodic; d++)
    NomosCheck(full[d] % (size_t)every == 0, s->comm, PETSC_ERR_ARG_SIZ, "%s: data.space_every = %lld does not divide the %zu points along %s of %s, and on a periodic grid (neural_operator.periodic) the last gap would be another one; choose a divisor of %zu", NomosConfigWhere(s->config, "data.space_every"), (long long)every, full[d], NomosAxisName(no, d), path, full[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
