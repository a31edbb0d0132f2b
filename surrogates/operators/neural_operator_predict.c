/* Predictions, whose truth nobody knows: free runs from the first frames of a file of trajectories, in batches, shared by the ranks. predictions.nc is a file of trajectories as data are, on their grid and at their interval, from the
   time of these frames on;
   of an ensemble (neural_operator_ensemble.c) its fields are the members' means m, and FIELD_half_width is q s of the intervals m +- q s, which held 95 % of the truth of the validation split. predictions.csv has a row for
   each trajectory, with its place in its file, and

     half_width   |q s|/|m|, norms over the points, mean over predicted frames and fields          beyond   1: a parameter lies beyond those of the training */
#include "surrogates/operators/neural_operator_predict_impl.h"

#include "io/provenance.h"
#include "io/unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 26 };

/* Numbers that one trajectory gives: all frames of each field, then of each half width. */
static size_t PerTrajectory(const NomosPredicting *p)
{
  const NomosNeuralOperator *no = p->s->context;
  return (size_t)(1 + NomosPredictingHasIntervals(p)) * p->n_frames * no->size;
}

/* ---- the file */

/* What the first file says of a variable (NULL: of itself), or `otherwise`: for PetscFree. */
static PetscErrorCode TextOf(NomosFieldReader reader, const char name[], const char attribute[], const char otherwise[], char **text)
{
  bool has = true;

  PetscFunctionBeginUser;
  *text = NULL;
  if (name) PetscCall(NomosFieldReaderHas(reader, name, &has));
  if (has) PetscCall(NomosFieldReaderAttribute(reader, name, attribute, text));
  if (!*text && otherwise) PetscCall(PetscStrallocpy(otherwise, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As the first file writes it, with the date that its times count from; of other times what all files say, or else those of the training. */
static PetscErrorCode UnitOfTime(const NomosPredicting *p, NomosFieldReader reader, char **unit)
{
  const NomosNeuralOperator *no    = p->s->context;
  const char                *known = NomosDatasetUnitOf(p->initial, no->n_fields + no->n_parameters);
  char                       said[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  *unit = NULL;
  if (NomosPredictingBeginsWithStates(p)) PetscCall(TextOf(reader, p->begins.name, "units", NULL, unit));
  NomosUnitOfFile(*unit, said);
  if (said[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(*unit));
  PetscCall(PetscStrallocpy(!(no->interval > 0) ? "1" : known[0] ? known : no->time_unit[0] ? no->time_unit : "1", unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Axes(NomosPredicting *p, NomosFieldReader reader, NomosFieldFileInput *file)
{
  static const char *const   names[] = {"trajectory", "time", "y", "x"}, *const long_names[] = {"number of the trajectory", "time", NULL, NULL}, *const letters[] = {NULL, "T", "Y", "X"};
  const NomosNeuralOperator *no = p->s->context;
  NomosPredictionLayout                    *l  = p->layout;

  PetscFunctionBeginUser;
  for (int a = 0; a < NOMOS_PREDICTION_MAX_DIMS; a++) {
    const int    d    = a - NOMOS_PREDICTION_MAX_DIMS + no->shape.n_space; /* of space */
    const size_t size = a == 0 ? p->n : a == 1 ? p->n_frames : d < 0 ? 0 : no->shape.points[d];
    if (!size) continue;
    PetscCall(PetscMalloc1(size, &l->axes[a]));
    for (size_t i = 0; i < size; i++) l->axes[a][i] = a == 0 ? (double)i : a == 1 ? (NomosPredictingBeginsWithStates(p) ? p->begins.time : 0) + (no->interval > 0 ? no->interval : 1) * (double)i : NomosNeuralOperatorPoint(no, d, i);
    if (a == 1) PetscCall(UnitOfTime(p, reader, &l->units[l->n_units]));
    else PetscCall(TextOf(reader, a ? names[a] : NULL, "units", "1", &l->units[l->n_units]));
    l->dims[file->n_dims++] = (NomosFieldDim){.name = names[a], .size = size, .values = l->axes[a], .unit = l->units[l->n_units++], .long_name = long_names[a], .standard_name = a == 1 ? "time" : NULL, .axis = letters[a]};
  }
  file->dims = l->dims;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Variables(NomosPredicting *p, NomosFieldReader reader, NomosFieldFileInput *file)
{
  const NomosNeuralOperator *no = p->s->context;
  NomosPredictionLayout                    *l  = p->layout;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < no->n_parameters; k++) {
    const char *name = no->variables[no->n_fields + k].name;
    PetscCall(TextOf(reader, name, "units", "1", &l->units[l->n_units]));
    l->variables[file->n_variables++]   = (NomosFieldVariable){.name = name, .dims = {"trajectory"}, .constant = true, .type = NOMOS_F64, .unit = l->units[l->n_units++]};
    l->attributes[file->n_attributes++] = (NomosFieldAttribute){.variable = name, .name = "key", .text = no->parameter_keys[k]};
  }
  for (size_t i = 0; i < (size_t)(1 + NomosPredictingHasIntervals(p)) * no->n_fields; i++) {
    const size_t        f     = i % no->n_fields;
    const bool          wide  = i >= no->n_fields;
    NomosFieldVariable *v     = &l->variables[file->n_variables];
    char               *about = l->long_names[file->n_variables++];
    if (wide) snprintf(l->names[f], sizeof l->names[f], "%.40s_half_width", no->variables[f].name);
    if (wide) snprintf(about, sizeof l->long_names[0], "half of the interval around %.40s that held 95 %% of the validation's truth", no->variables[f].name);
    else snprintf(about, sizeof l->long_names[0], "%.40s, %s", no->variables[f].name, NomosPredictingHasIntervals(p) ? "mean of an ensemble" : "prediction");
    PetscCall(TextOf(reader, no->variables[f].name, "units", "1", &l->units[l->n_units]));
    *v = (NomosFieldVariable){.name = wide ? l->names[f] : no->variables[f].name, .dims = {"trajectory", "time"}, .constant = true, .type = NOMOS_F32, .unit = l->units[l->n_units++], .long_name = about};
    for (int d = 0; d < no->shape.n_space; d++) v->dims[2 + d] = NomosAxisName(no, d);
  }
  file->variables = l->variables;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parameters come first. */
static PetscErrorCode WriteParameters(NomosPredicting *p)
{
  const NomosNeuralOperator *no = p->s->context;
  PetscErrorCode             code = PETSC_SUCCESS;
  double                    *values;
  size_t                    *all;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(p->n, &values, p->n, &all));
  for (size_t i = 0; i < p->n; i++) all[i] = i;
  for (size_t k = no->n_fields; k < no->n_fields + no->n_parameters && !code; k++) {
    code = NomosDatasetRead(p->initial, k, NOMOS_SPLIT_TRAIN, p->n, all, values);
    if (!code) code = NomosTrajectoryFileWrite(p->file, no->variables[k].name, (size_t[]){0}, &p->n, values);
  }
  PetscCall(PetscFree2(values, all));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The table, which like the file has its name only when all is there. */
static const char *TablePath(const NomosPredicting *p, bool complete, char path[NOMOS_MAX_PATH])
{
  snprintf(path, NOMOS_MAX_PATH, "%.4000s/%spredictions.csv%s", p->input->directory, complete ? "" : ".", complete ? "" : ".tmp");
  return path;
}

/* predictions.nc and predictions.csv, begun. */
static PetscErrorCode CreateFiles(NomosPredicting *p)
{
  const NomosNeuralOperator *no = p->s->context;
  const char                *from;
  char                       path[NOMOS_MAX_PATH];
  NomosFieldReader           reader;
  NomosPredictionLayout                    *l;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p->layout));
  PetscCall(PetscCalloc1(p->n, &p->widths));
  l = p->layout;
  snprintf(path, sizeof path, "%.4000s/predictions.nc", p->input->directory);
  NomosTrajectoryFileInput input = {.format = "nomos", .ends = p->s->prediction && !no->data_ends.n ? &no->known_ends : &no->data_ends, .file = {.path = path, .timeless = true, .title = "predictions of a neural operator", .references = "doi:10.48550/arXiv.2304.14118", .source = NomosSource(), .attributes = l->attributes}};
  PetscCall(NomosDatasetOrigin(p->initial, NOMOS_SPLIT_TRAIN, 0, NULL, &from, NULL));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, from, &reader));
  PetscCall(Axes(p, reader, &input.file));
  PetscCall(Variables(p, reader, &input.file));
  PetscCall(TextOf(reader, NULL, "family", NULL, &l->family));
  PetscCall(NomosFieldReaderClose(&reader));
  input.family = l->family;
  if (l->family) l->attributes[input.file.n_attributes++] = (NomosFieldAttribute){.name = "family", .text = l->family};
  if (NomosPredictingHasIntervals(p)) {
    l->attributes[input.file.n_attributes++] = (NomosFieldAttribute){.name = "ensemble_members", .number = (double)p->n_members};
    l->attributes[input.file.n_attributes++] = (NomosFieldAttribute){.name = "ensemble_quantile", .number = p->fit.q};
  }
  PetscCall(NomosTrajectoryFileCreate(&input, &p->file));
  PetscCall(WriteParameters(p));
  p->table = fopen(TablePath(p, false, path), "w");
  PetscCheck(p->table, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s: cannot be written: %s", path, strerror(errno));
  fprintf(p->table, "trajectory");
  for (size_t k = 0; k < no->n_parameters; k++) fprintf(p->table, ",%s", no->parameter_keys[k]);
  fprintf(p->table, "%s,beyond,index_in_file,file\n", NomosPredictingHasIntervals(p) ? ",half_width" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is not complete is removed, and earlier predictions stay as they are. */
static PetscErrorCode CloseFiles(NomosPredicting *p)
{
  NomosPredictionLayout *l = p->layout;
  PetscErrorCode         code = PETSC_SUCCESS;
  char                   from[NOMOS_MAX_PATH], to[NOMOS_MAX_PATH];
  bool                   good = true;

  PetscFunctionBeginUser;
  if (p->table) {
    good = !ferror(p->table);
    good = !fclose(p->table) && good;
  }
  if (p->file) code = NomosTrajectoryFileClose(&p->file, p->complete && good);
  if (p->table && p->complete && good && !code) good = !rename(TablePath(p, false, from), TablePath(p, true, to));
  else if (p->table) (void)remove(TablePath(p, false, from));
  p->table = NULL;
  for (int a = 0; l && a < NOMOS_PREDICTION_MAX_DIMS; a++) PetscCall(PetscFree(l->axes[a]));
  for (size_t i = 0; l && i < l->n_units; i++) PetscCall(PetscFree(l->units[i]));
  if (l) PetscCall(PetscFree(l->family));
  PetscCall(PetscFree(p->layout));
  PetscCall(code);
  PetscCheck(good || !p->complete, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s/predictions.csv: cannot be written", p->input->directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- predictions of a piece, as they go to the file: values (n, kind of number, field, frame, point) in units of the data */

static PetscErrorCode Predict(NomosPredicting *p, size_t first, size_t n, double values[])
{
  const NomosNeuralOperator *no      = p->s->context;
  NomosEnsembleMoments       moments = {.first = first, .n_all = p->n};
  const size_t               per = PerTrajectory(p), all = (p->n_frames - 1) * n * no->size, field = p->n_frames * no->n_points;
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];
  size_t                    *examples;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &examples));
  for (size_t i = 0; i < n; i++) examples[i] = first + i;
  PetscCall(NomosTrajectoriesRead(p->s, &(NomosTrajectoriesInput){.dataset = p->initial, .split = NOMOS_SPLIT_TRAIN, .n = n, .examples = examples}, &moments.truth));
  moments.truth.n_frames = p->n_frames;
  PetscCall(PetscCalloc2(all + 1, &moments.mean, all + 1, &moments.deviation));
  PetscErrorCode code = NomosEnsembleFill(p->s, p->n_members, p->members, &moments);
  PetscCall(NomosNeuralOperatorUnits(p->s, mean, deviation));
  for (size_t i = 0; i < n && !code; i++)
    for (size_t f = 0; f < no->n_fields; f++)
      for (size_t k = 0; k < p->n_frames; k++)
        for (size_t x = 0; x < no->n_points; x++) {
          const size_t begin = i * no->size + f * no->n_points + x, at = (k ? k - 1 : 0) * n * no->size + begin;
          double      *to    = values + i * per + f * field + k * no->n_points + x;
          *to                = k ? mean[f] + deviation[f] * moments.mean[at] : NomosInUnitsOfData(mean[f], deviation[f], moments.truth.states[begin]);
          if (NomosPredictingHasIntervals(p)) to[no->n_fields * field] = k ? deviation[f] * p->fit.q * moments.deviation[at] : 0;
        }
  PetscCall(NomosTrajectoriesFree(&moments.truth));
  PetscCall(PetscFree2(moments.mean, moments.deviation));
  PetscCall(PetscFree(examples));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Norm(size_t n, const double u[])
{
  double sum = 0;

  for (size_t x = 0; x < n; x++) sum += u[x] * u[x];
  return sqrt(sum);
}

/* Mean over predicted frames and fields of |half width|/|field|, of those that are not zero everywhere. */
static double RelativeWidth(const NomosPredicting *p, const double values[])
{
  const NomosNeuralOperator *no    = p->s->context;
  const size_t               field = p->n_frames * no->n_points;
  double                     sum = 0, count = 0;

  for (size_t f = 0; f < no->n_fields; f++)
    for (size_t k = 1; k < p->n_frames; k++) {
      const double *u = values + f * field + k * no->n_points, norm = Norm(no->n_points, u);
      if (norm == 0) continue;
      sum += Norm(no->n_points, u + no->n_fields * field) / norm;
      count += 1;
    }
  return sum / count;
}

/* Rank 0, of n trajectories from `first` on. */
static PetscErrorCode Write(NomosPredicting *p, size_t first, size_t n, const double values[])
{
  const NomosNeuralOperator *no    = p->s->context;
  const size_t               field = p->n_frames * no->n_points;

  PetscFunctionBeginUser;
  for (size_t i = first; i < first + n; i++, values += PerTrajectory(p)) {
    double      parameters[NOMOS_DATASET_MAX_VARIABLES];
    bool        beyond = false, finite = true;
    const char *from;
    size_t      index;
    for (size_t v = 0; v < (size_t)(1 + NomosPredictingHasIntervals(p)) * no->n_fields; v++) {
      const size_t start[4] = {i}, count[4] = {1, p->n_frames, no->shape.points[0], no->shape.points[1]};
      PetscCall(NomosTrajectoryFileWrite(p->file, p->layout->variables[no->n_parameters + v].name, start, count, values + v * field));
    }
    for (size_t x = 0; x < PerTrajectory(p) && finite; x++) finite = isfinite(values[x]);
    if (!finite && !p->n_not_finite++) p->first_not_finite = i;
    fprintf(p->table, "%zu", i);
    for (size_t k = 0; k < no->n_parameters; k++) {
      PetscCall(NomosDatasetRead(p->initial, no->n_fields + k, NOMOS_SPLIT_TRAIN, 1, &i, &parameters[k]));
      beyond = beyond || !NomosParameterRangeHolds(&no->range, k, parameters[k]);
      fprintf(p->table, ",%.10g", parameters[k]);
    }
    p->widths[i] = NomosPredictingHasIntervals(p) ? RelativeWidth(p, values) : NAN;
    if (NomosPredictingHasIntervals(p)) fprintf(p->table, ",%.6g", p->widths[i]);
    PetscCall(NomosDatasetIndexInFile(p->initial, NOMOS_SPLIT_TRAIN, i, &index));
    PetscCall(NomosDatasetOrigin(p->initial, NOMOS_SPLIT_TRAIN, i, NULL, &from, NULL));
    fprintf(p->table, ",%d,%zu,\"%s\"\n", beyond, index, from);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each rank has a share of the n trajectories from `first` on; they come to rank 0 in their order. */
static PetscErrorCode Piece(NomosPredicting *p, size_t first, size_t n, double values[])
{
  const size_t   per = PerTrajectory(p);
  PetscErrorCode code;

  PetscFunctionBeginUser;
  const size_t begin = n * (size_t)p->rank / (size_t)p->size, end = n * (size_t)(p->rank + 1) / (size_t)p->size;
  NomosQuietly(code, Predict(p, first + begin, end - begin, values));
  PetscCall(NomosErrorAgree(p->s->comm, code));
  if (p->rank) PetscCallMPI(MPI_Send(values, (int)((end - begin) * per), MPI_DOUBLE, 0, 0, p->s->comm));
  for (int r = 0; r < p->size && !p->rank; r++) {
    const size_t from = n * (size_t)r / (size_t)p->size, to = n * (size_t)(r + 1) / (size_t)p->size;
    if (r) PetscCallMPI(MPI_Recv(values, (int)((to - from) * per), MPI_DOUBLE, r, 0, p->s->comm, MPI_STATUS_IGNORE));
    if (!code) NomosQuietly(code, Write(p, first + from, to - from, values));
  }
  PetscCall(NomosErrorAgree(p->s->comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- all of it */

/* What rank 0 does alone fails on all. */
static PetscErrorCode OnRank0(NomosPredicting *p, PetscErrorCode (*work)(NomosPredicting *p))
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  NomosQuietly(code, p->rank ? PETSC_SUCCESS : work(p));
  PetscCall(NomosErrorAgree(p->s->comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAll(NomosPredicting *p)
{
  const size_t   of_rank = PetscMax(1, PIECE_BYTES / (sizeof(double) * PerTrajectory(p))), piece = PetscMin(p->n, (size_t)p->size * of_rank);
  double        *values;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((piece / (size_t)p->size + 1) * PerTrajectory(p), &values));
  code = OnRank0(p, CreateFiles);
  for (size_t first = 0; first < p->n && !code; first += piece) {
    code = Piece(p, first, PetscMin(piece, p->n - first), values);
    if (!code) code = p->input->progress(PetscMin(first + piece, p->n), p->n, p->input->ctx);
  }
  PetscCall(PetscFree(values));
  p->complete            = !code;
  PetscErrorCode closing = OnRank0(p, CloseFiles);
  PetscCall(code);
  PetscCall(closing);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of times that are not those of the predictions. With data.every the training's own frames lie closer than its steps. */
static PetscErrorCode WarnTimes(NomosPredicting *p)
{
  const NomosNeuralOperator    *no = p->s->context;
  const NomosDatasetBeginning *b  = &p->begins;
  int64_t                      every;
  char                         text[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(p->s->config, "data.every", &every));
  if (no->interval > 0 && b->interval > 0 && fabs(b->interval - no->interval) > 2e-3 * no->interval && fabs((double)every * b->interval - no->interval) > 2e-3 * no->interval) {
    snprintf(text, sizeof text, "%.2000s: its frames lie %.6g apart, and one step of the network is %.6g: so far apart are the predictions, of which each begins at one frame of the file, and the file's other frames are not used", p->input->from, b->interval, no->interval);
    PetscCall(p->input->warn(text, p->input->ctx));
  }
  if (no->interval > 0 && b->name && !b->alike) {
    snprintf(text, sizeof text, "%.2000s: its trajectories begin at different times: the time of the predictions counts from 0 for each of them", p->input->from);
    PetscCall(p->input->warn(text, p->input->ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of intervals that are not known well, or are said of more frames than they were fitted to. */
static PetscErrorCode WarnIntervals(NomosPredicting *p)
{
  const NomosNeuralOperator *no = p->s->context;
  char                       text[512];

  PetscFunctionBeginUser;
  if (!NomosPredictingHasIntervals(p)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosEnsembleWarn(&p->fit, p->input->warn, p->input->ctx));
  if (p->n_frames <= no->whole_frames) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "predict.frames = %zu: the intervals are fitted to the validation's trajectories of %zu frames; how much of the truth they hold later nobody has looked at", p->n_frames, no->whole_frames);
  PetscCall(p->input->warn(text, p->input->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0: what should be known of them, and a picture, which is a courtesy. */
static PetscErrorCode Tell(NomosPredicting *p)
{
  char text[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (p->n_not_finite) {
    snprintf(text, sizeof text, "%zu of %zu predictions are not finite, the first one that of trajectory %zu: the network has left the states that it knows; begin with states and parameters like those of its training", p->n_not_finite, p->n, p->first_not_finite);
    PetscCall(p->input->warn(text, p->input->ctx));
  }
  PetscCall(WarnTimes(p));
  PetscCall(WarnIntervals(p));
  PetscCall(NomosNeuralOperatorWarnBeyond(p->s, p->input->from, p->initial, NOMOS_SPLIT_TRAIN, p->input->warn, p->input->ctx));
  if (!p->input->plots) PetscFunctionReturn(PETSC_SUCCESS);
  PetscErrorCode code = NomosPredictingDraw(p);
  if (!code) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "predictions.png could not be drawn: %.900s", NomosErrorLast());
  PetscCall(p->input->warn(text, p->input->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorPredictsAlone(MPI_Comm comm, NomosConfig config, const char weights[], bool *alone)
{
  const char      *folder, *base;
  NomosSafetensors file;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "neural_operator.ensemble", &folder));
  PetscCall(NomosConfigGetString(config, "neural_operator.base", &base));
  *alone = !folder[0] && strcmp(base, "solver");
  if (!*alone) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSafetensorsOpen(comm, weights, &file));
  *alone = NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_FRAMES]) != NULL; /* the last of all that is asked for; older weights have it not */
  PetscCall(NomosSafetensorsClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorWritePredictions(NomosSurrogate s, const NomosPrediction *input)
{
  NomosPredicting p = {.s = s, .input = input};
  const char     *folder;
  PetscErrorCode  code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(s->comm, &p.rank));
  PetscCallMPI(MPI_Comm_size(s->comm, &p.size));
  NomosCheck(input->n_frames != 1, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: predict.frames = 1: that frame is given, and nothing would be predicted; choose 2 or more, or 0 for as many as the training has", NomosConfigWhere(s->config, "predict.frames"));
  PetscCall(NomosConfigGetString(s->config, "neural_operator.ensemble", &folder));
  if (s->prediction) p.initial = s->data;
  else PetscCall(NomosNeuralOperatorOpenSet(s, input->from, input, &p.initial));
  PetscCall(NomosDatasetBegins(p.initial, &p.begins));
  p.n        = NomosDatasetExamples(p.initial, NOMOS_SPLIT_TRAIN);
  p.n_frames = input->n_frames ? input->n_frames : ((const NomosNeuralOperator *)s->context)->whole_frames;
  if (folder[0]) code = NomosEnsembleMembersFind(s, folder, &p.n_members, &p.members);
  if (!code && folder[0]) code = NomosEnsembleFitIntervals(s, p.n_members, p.members, &p.fit);
  if (!code) code = WriteAll(&p);
  if (!code) code = OnRank0(&p, Tell);
  PetscCall(PetscFree(p.widths));
  if (p.members) PetscCall(NomosEnsembleMembersFree(p.n_members, &p.members));
  if (!s->prediction) PetscCall(NomosDatasetClose(&p.initial));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
