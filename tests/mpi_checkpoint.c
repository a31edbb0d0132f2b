#include "io/checkpoint.h"
#include "io/disk.h"
#include "io/verdict.h"
#include "tests/harness.h"

#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

/* spectrum(2, 11, 5, 2) f64 with rows (layer, y); grid(11, 7) f32 with rows (y); table(6) f64, one row, on rank 0; point(4, 3) f64, a row
 * each. */
enum { LAYERS  = 2,
       ROWS    = 11,
       COLUMNS = 5,
       GRID    = 7,
       MOST    = LAYERS * ROWS * COLUMNS * 2 };
typedef struct {
  const char   *name;
  NomosRealType type;
  int           n_dims, checksum_dims, split; /* split: the dimension that is shared between ranks, -1: rank 0 has all */
  size_t        size[4];
} Array;
static const Array arrays[] = {
    {"spectrum", NOMOS_F64, 4, 2, 1,  {LAYERS, ROWS, COLUMNS, 2}},
    {"grid",     NOMOS_F32, 2, 1, 0,  {ROWS, GRID}              },
    {"table",    NOMOS_F64, 1, 0, -1, {6}                       },
    {"point",    NOMOS_F64, 2, 2, 1,  {4, 3}                    },
    {"nothing",  NOMOS_F64, 2, 1, 0,  {0, 3}                    },
};
enum { N_ARRAYS = sizeof arrays / sizeof *arrays };
static const char text[] = "{\"time\": 1.5, \"dt\": 0.1, \"name\": \"\xc3\xa9\"}";

static char directory[NOMOS_MAX_PATH + 64];
static int  rank, n_ranks;

static void Begin(const char name[])
{
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  snprintf(directory, sizeof directory, "%s/%s", ck_directory, name);
}

static void Wait(void)
{
  ck_assert_int_eq(MPI_Barrier(MPI_COMM_WORLD), 0);
}

static uint64_t Mix(uint64_t z)
{
  z = (z + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

static double Value(size_t array, int64_t step, size_t index)
{
  return (double)(float)((double)(Mix(Mix((uint64_t)step * 131 + array) + index) >> 40) / 4096. - 2048.);
}

/* Blocks: uneven shares of one dimension, the same or another than was written; `reverse` gives the shares the other way round. */
static void Share(const Array *array, int split, bool reverse, size_t start[4], size_t count[4])
{
  const size_t parts = (size_t)n_ranks, part = reverse ? parts - 1 - (size_t)rank : (size_t)rank;

  for (int d = 0; d < array->n_dims; d++) {
    start[d] = 0;
    count[d] = array->size[d];
  }
  if (split >= 0) {
    start[split] = part * part * array->size[split] / (parts * parts);
    count[split] = (part + 1) * (part + 1) * array->size[split] / (parts * parts) - start[split];
  } else if (rank) count[0] = 0;
}

typedef union {
  double f64[MOST];
  float  f32[MOST];
} Block;

/* Fill the block with the values of its entries, or count those that differ. */
static size_t Visit(size_t a, int64_t step, const size_t start[4], const size_t count[4], bool fill, Block *block)
{
  const Array *array = &arrays[a];
  size_t       n = 1, wrong = 0;

  for (int d = 0; d < array->n_dims; d++) n *= count[d];
  for (size_t i = 0; i < n; i++) {
    size_t rest = i, index = 0, stride = 1;
    for (int d = array->n_dims - 1; d >= 0; d--) {
      index += (start[d] + rest % count[d]) * stride;
      stride *= array->size[d];
      rest /= count[d];
    }
    const double value = Value(a, step, index);
    if (fill && array->type == NOMOS_F32) block->f32[i] = (float)value;
    else if (fill) block->f64[i] = value;
    else wrong += (array->type == NOMOS_F32 ? (double)block->f32[i] : block->f64[i]) != value;
  }
  return wrong;
}

static PetscErrorCode WriteAll(NomosCheckpoint checkpoint, int64_t step)
{
  PetscFunctionBeginUser;
  for (size_t a = 0; a < N_ARRAYS; a++) {
    const Array *array = &arrays[a];
    size_t       start[4], count[4];
    Block        block;
    Share(array, array->split, false, start, count);
    Visit(a, step, start, count, true, &block);
    PetscCall(NomosCheckpointWriteArray(checkpoint, array->name, array->type, array->n_dims, array->checksum_dims, array->size, start,
                                        count, &block));
  }
  PetscCall(NomosCheckpointWriteText(checkpoint, "state", text));
  PetscCall(NomosCheckpointWriteText(checkpoint, "empty", ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Save(int64_t step, int keep)
{
  NomosCheckpoint checkpoint;

  ck_ok(NomosCheckpointCreate(PETSC_COMM_WORLD, directory, step, keep, &checkpoint));
  ck_ok(WriteAll(checkpoint, step));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_assert_ptr_null(checkpoint);
  Wait();
}

/* Reads everything; *wrong counts entries on this rank that are not what was written. */
static PetscErrorCode ReadAll(const char which[], int64_t step, bool other_blocks, size_t *wrong)
{
  NomosCheckpoint checkpoint;
  PetscErrorCode  failed = 0;
  char           *found, *empty;

  PetscFunctionBeginUser;
  *wrong = 0;
  PetscCall(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, which, NULL, &checkpoint));
  for (size_t a = 0; a < N_ARRAYS && !failed; a++) {
    const Array *array = &arrays[a];
    size_t       start[4], count[4];
    Block        block;
    Share(array, other_blocks ? array->n_dims - 1 : array->split, other_blocks, start, count);
    failed = NomosCheckpointReadArray(checkpoint, array->name, array->type, array->n_dims, array->size, start, count, &block);
    if (!failed) *wrong += Visit(a, step, start, count, false, &block);
  }
  if (!failed) failed = NomosCheckpointReadText(checkpoint, "state", &found);
  if (!failed) {
    *wrong += !found || strcmp(found, text);
    PetscCall(PetscFree(found));
    failed = NomosCheckpointReadText(checkpoint, "empty", &empty);
  }
  if (!failed) {
    *wrong += !empty || *empty;
    PetscCall(PetscFree(empty));
  }
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void CheckRead(const char which[], int64_t step)
{
  size_t wrong;

  for (int other = 0; other < 2; other++) {
    ck_ok(ReadAll(which, step, other, &wrong));
    ck_assert_uint_eq(wrong, 0);
  }
}

/* Exactly these files, and no HDF5 handle. */
static void CheckDirectory(const char expected[])
{
  char  command[NOMOS_MAX_PATH + 128], line[1024] = "";
  FILE *list;

  Wait();
  ck_assert_int_eq(H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
  snprintf(command, sizeof command, "ls -A '%s' | tr '\\n' ' '", directory);
  if (rank == 0) {
    ck_assert_ptr_nonnull(list = popen(command, "r"));
    if (!fgets(line, sizeof line, list)) line[0] = '\0';
    pclose(list);
    ck_assert_str_eq(line, expected);
  }
  Wait();
}

START_TEST(what_was_written_is_read_in_any_blocks)
{
  NomosCheckpoint checkpoint;
  char           *path, *absent;

  Begin("deep/er/checkpoint");
  Save(120, 2);
  CheckRead("latest", 120);
  CheckRead("120", 120);
  ck_ok(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "latest", &path, &checkpoint));
  ck_assert_str_eq(path + strlen(directory), "/step_0000000120.h5");
  ck_ok(NomosCheckpointReadText(checkpoint, "absent", &absent));
  ck_assert_ptr_null(absent);
  ck_ok(NomosCheckpointClose(&checkpoint));
  CheckRead(path, 120);
  ck_ok(PetscFree(path));
  CheckDirectory("step_0000000120.h5 ");
}
END_TEST

START_TEST(the_newest_are_kept)
{
  Begin("keep");
  for (int64_t step = 10; step <= 40; step += 10) Save(step, 2);
  CheckDirectory("step_0000000030.h5 step_0000000040.h5 ");
  CheckRead("latest", 40);
  CheckRead("30", 30);
  Save(50, 0);
  CheckDirectory("step_0000000030.h5 step_0000000040.h5 step_0000000050.h5 ");
  Save(50, 0); /* again: replaced */
  /* restarted from step 30: what came later belongs to a run that was given up */
  Save(35, 2);
  CheckDirectory("step_0000000030.h5 step_0000000035.h5 ");
  CheckRead("latest", 35);
}
END_TEST

START_TEST(a_killed_run_leaves_no_trace)
{
  NomosCheckpoint checkpoint;
  char            other[NOMOS_MAX_PATH + 128];

  Begin("stale");
  Save(1, 3);
  ck_ok(NomosCheckpointCreate(PETSC_COMM_WORLD, directory, 2, 3, &checkpoint));
  ck_ok(WriteAll(checkpoint, 2));
  CheckDirectory(".step_0000000002.h5.tmp step_0000000001.h5 "); /* as if killed here */
  snprintf(other, sizeof other, "%s/notes.txt", directory);
  ck_ok(NomosWriteFileAtomic(PETSC_COMM_WORLD, other, "mine"));
  CheckRead("latest", 1);
  Save(3, 3);
  CheckDirectory("notes.txt step_0000000001.h5 step_0000000003.h5 ");
  NomosErrorSetQuiet(true);
  (void)NomosCheckpointClose(&checkpoint);
  NomosErrorSetQuiet(false);
  CheckDirectory("notes.txt step_0000000001.h5 step_0000000003.h5 ");
}
END_TEST

START_TEST(wrong_requests_are_refused)
{
  NomosCheckpoint checkpoint;
  const size_t    size[2] = {4, 3}, start[2] = {0}, none[2] = {0}, one[2] = {4, 2}, larger[2] = {4, 4}, cube[3] = {4, 3, 1};
  double          data[16] = {0};
  char           *path, *found;

  Begin("refuse");
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "latest", &path, &checkpoint), "holds no checkpoint to restart from; --force in place of --restart begins anew");
  ck_assert_ptr_null(checkpoint);
  ck_refused(NomosCheckpointCreate(PETSC_COMM_WORLD, directory, -1, 0, &checkpoint), "neither may be negative");
  ck_refused(NomosCheckpointCreate(PETSC_COMM_WORLD, "", 1, 0, &checkpoint), "empty; give one");
  ck_refused(NomosCheckpointCreate(PETSC_COMM_WORLD, "/proc/nowhere", 1, 0, &checkpoint), "/proc/nowhere: cannot make the directory");
  ck_assert_ptr_null(checkpoint);
  Save(7, 2);
  Save(8, 2);
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "9", &path, &checkpoint),
             "there is no checkpoint of step 9; other checkpoints in ");
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), ": step 8, 7"));
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "99999999999999999999999", &path, &checkpoint),
             "there is no checkpoint of step 9999");
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "", &path, &checkpoint), "without a name");
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, directory, &path, &checkpoint), "is a directory");
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "/nowhere.h5", &path, &checkpoint), "nor a file that is there");
  ck_assert_ptr_null(path);

  ck_ok(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "latest", NULL, &checkpoint));
  ck_refused(NomosCheckpointReadArray(checkpoint, "point", NOMOS_F32, 2, size, start, none, data),
             "point is stored in f64 precision and this run works in f32");
  ck_refused(NomosCheckpointReadArray(checkpoint, "point", NOMOS_F64, 2, larger, start, none, data),
             "point has size 4 x 3 in the file and 4 x 4 in this run");
  ck_refused(NomosCheckpointReadArray(checkpoint, "point", NOMOS_F64, 3, cube, (size_t[3]){0}, (size_t[3]){0}, data),
             "point has size 4 x 3 in the file and 4 x 3 x 1 in this run");
  ck_refused(NomosCheckpointReadArray(checkpoint, "line", NOMOS_F64, 2, size, start, none, data), "has no array line");
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), ": step 7"));
  ck_refused(NomosCheckpointReadArray(checkpoint, "state", NOMOS_F64, 2, size, start, none, data), "not an array of real numbers");
  ck_refused(NomosCheckpointReadText(checkpoint, "point", &found), "point is not a text");
  ck_refused(NomosCheckpointReadArray(checkpoint, "point", NOMOS_F64, 2, size, start, larger, data), "does not fit its size 3");
  ck_refused(NomosCheckpointWriteText(checkpoint, "more", "text"), "not open for writing");
  ck_ok(NomosCheckpointClose(&checkpoint));

  /* A refused write gives the new checkpoint up and leaves the old ones alone. */
  struct {
    const char   *name;
    int           checksum_dims;
    const size_t *count;
    const char   *sentence;
  } bad[] = {
      {"a",          1, one,    "whole rows are needed beyond checksum_dims = 1"},
      {"a",          2, larger, "does not fit its size 3"                       },
      {"",           2, none,   "cannot name an array"                          },
      {"a_checksum", 2, none,   "cannot name an array"                          },
      {"a/b",        2, none,   "cannot name an array"                          },
      {"twice",      2, none,   "twice is written twice"                        },
      {"a",          3, none,   "3 of them with checksums"                      }
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_ok(NomosCheckpointCreate(PETSC_COMM_WORLD, directory, 9, 2, &checkpoint));
    ck_ok(NomosCheckpointWriteArray(checkpoint, "twice", NOMOS_F64, 2, 1, size, start, rank ? none : size, data));
    ck_refused(NomosCheckpointWriteArray(checkpoint, bad[i].name, NOMOS_F64, 2, bad[i].checksum_dims, size, start,
                                         rank == n_ranks - 1 ? bad[i].count : none, data),
               bad[i].sentence);
    ck_ok(NomosCheckpointClose(&checkpoint));
    CheckDirectory("step_0000000007.h5 step_0000000008.h5 ");
  }
  Save(7, 1);
  CheckDirectory("step_0000000007.h5 ");
}
END_TEST

static char *ReadBytes(const char path[], size_t *n)
{
  struct stat status;
  FILE       *in = fopen(path, "rb");

  ck_assert(in && !fstat(fileno(in), &status));
  char *bytes = malloc((size_t)status.st_size);
  *n          = (size_t)status.st_size;
  ck_assert(bytes && fread(bytes, 1, *n, in) == *n);
  fclose(in);
  return bytes;
}

static void WriteBytes(const char path[], const char bytes[], size_t n)
{
  Wait();
  if (rank == 0) {
    FILE *out = fopen(path, "wb");
    ck_assert(out && fwrite(bytes, 1, n, out) == n && !fclose(out));
  }
  Wait();
}

/* Damaged files are refused, or what is read is right (the damage was where nothing is stored); no rank reads what another refuses. */
static size_t CheckDamaged(const char path[], int64_t step, const char what[], size_t where)
{
  size_t wrong;
  int    failed, all, any;

  NomosErrorSetQuiet(true);
  NomosErrorClear();
  failed = ReadAll(path, step, where % 2, &wrong) != 0;
  NomosErrorSetQuiet(false);
  ck_assert_int_eq(MPI_Allreduce(&failed, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD), 0);
  ck_assert_int_eq(MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD), 0);
  ck_assert_msg(all == any, "%s %zu: some ranks read what others refuse", what, where);
  ck_assert_msg(failed || !wrong, "%s %zu: %zu wrong entries were read without an error", what, where, wrong);
  if (failed)
    ck_assert_msg(strstr(NomosErrorLast(), "damaged.h5") && strstr(NomosErrorLast(), "; other checkpoints in ") &&
                      strstr(NomosErrorLast(), ": step 3"),
                  "%s %zu: %s", what, where, NomosErrorLast());
  ck_assert_int_eq(H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
  return (size_t)failed;
}

START_TEST(no_damage_goes_unnoticed)
{
  char   path[NOMOS_MAX_PATH + 128], damaged[NOMOS_MAX_PATH + 128];
  size_t n, refused = 0, flips;

  Begin("damage");
  Save(3, 0);
  snprintf(path, sizeof path, "%s/step_0000000003.h5", directory);
  snprintf(damaged, sizeof damaged, "%s/damaged.h5", directory);
  char *bytes = ReadBytes(path, &n);
  flips       = n_ranks == 1 ? 400 : 60;
  for (size_t i = 0; i < flips; i++) {
    const size_t at  = Mix(i) % n;
    const char   was = bytes[at];
    bytes[at]        = (char)(was ^ (1 << Mix(at + i) % 8));
    WriteBytes(damaged, bytes, n);
    refused += CheckDamaged(damaged, 3, "flip at", at);
    bytes[at] = was;
  }
  ck_assert_uint_gt(refused, flips / 4);
  for (size_t i = 0; i < 48; i += (size_t)n_ranks) { /* the first bytes decide what the file is */
    const char was = bytes[i];
    bytes[i]       = (char)~was;
    WriteBytes(damaged, bytes, n);
    CheckDamaged(damaged, 3, "byte", i);
    bytes[i] = was;
  }
  for (size_t i = 0; i < 60; i += (size_t)n_ranks) {
    WriteBytes(damaged, bytes, n * i / 60);
    ck_assert_msg(CheckDamaged(damaged, 3, "cut to", n * i / 60), "a file cut to %zu of %zu bytes was read", n * i / 60, n);
  }
  WriteBytes(damaged, bytes, n);
  ck_assert_uint_eq(CheckDamaged(damaged, 3, "whole", 0), 0);
  free(bytes);
}
END_TEST

START_TEST(a_wrong_row_is_named)
{
  NomosCheckpoint checkpoint;
  char            path[NOMOS_MAX_PATH + 128];
  size_t          n;
  float           value;

  Begin("row");
  Save(1, 0);
  Save(2, 0);
  snprintf(path, sizeof path, "%s/step_0000000002.h5", directory);
  char *bytes = ReadBytes(path, &n);
  value       = (float)Value(1, 2, 8 * GRID + 2); /* grid[8][2] */
  for (size_t i = 0, seen = 0; i + sizeof value <= n; i++) {
    if (memcmp(bytes + i, &value, sizeof value)) continue;
    ck_assert_uint_eq(seen++, 0);
    bytes[i] ^= 1;
    i += sizeof value;
  }
  WriteBytes(path, bytes, n);
  free(bytes);
  ck_ok(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "latest", NULL, &checkpoint));
  size_t start[4], count[4];
  float  grid[ROWS * GRID];
  Share(&arrays[1], 0, false, start, count);
  ck_refused(NomosCheckpointReadArray(checkpoint, "grid", NOMOS_F32, 2, arrays[1].size, start, count, grid),
             "step_0000000002.h5 is damaged: row 8 of 11 of grid does not fit its checksum; other checkpoints in ");
  ck_assert_ptr_nonnull(strstr(NomosErrorLast(), ": step 1"));
  ck_ok(NomosCheckpointClose(&checkpoint));
  CheckRead("1", 1);
}
END_TEST

START_TEST(foreign_files_are_refused)
{
  NomosCheckpoint checkpoint;
  char            path[NOMOS_MAX_PATH + 128];

  Begin("foreign");
  Save(1, 0);
  snprintf(path, sizeof path, "%s/other.h5", directory);
  if (rank == 0) H5Fclose(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  Wait();
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, path, NULL, &checkpoint),
             "other.h5 is not a nomos checkpoint; other checkpoints in ");
  WriteBytes(path, "restart", 7);
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, path, NULL, &checkpoint), "other.h5 is not an HDF5 or NetCDF-4 file");
  if (rank == 0) {
    const int64_t format = 2;
    snprintf(path, sizeof path, "%s/step_0000000001.h5", directory);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), attribute = H5Aopen(file, "format", H5P_DEFAULT);
    ck_assert_int_ge(H5Awrite(attribute, H5T_NATIVE_INT64, &format), 0);
    H5Aclose(attribute);
    H5Fclose(file);
  }
  Wait();
  ck_refused(NomosCheckpointOpen(PETSC_COMM_WORLD, directory, "latest", NULL, &checkpoint),
             "has checkpoint format 2 and this program (" NOMOS_VERSION ") reads format 1");
}
END_TEST

START_TEST(full_disk_keeps_the_old_checkpoint)
{
  NomosCheckpoint checkpoint;
  char            device[NOMOS_MAX_PATH + 64], command[2 * NOMOS_MAX_PATH + 256];
  const size_t    large[2] = {512, 512};
  size_t          start[2] = {0}, count[2] = {0, 512};
  int             mounted = 0;

  Begin("device");
  memcpy(device, directory, sizeof device);
  snprintf(command, sizeof command, "mkdir '%s' && mount -t tmpfs -o size=1m tmpfs '%s' 2>/dev/null", device, device);
  if (rank == 0) mounted = !system(command);
  ck_assert_int_eq(MPI_Bcast(&mounted, 1, MPI_INT, 0, MPI_COMM_WORLD), 0);
  if (!mounted) {
    if (rank == 0) printf("full_disk_keeps_the_old_checkpoint: skipped, mounting a tmpfs is refused here\n");
    return;
  }
  strcat(directory, "/checkpoint");
  Save(1, 1);
  double *data = calloc(512 * 512, sizeof *data);
  start[0]     = (size_t)rank * 512 / (size_t)n_ranks;
  count[0]     = (size_t)(rank + 1) * 512 / (size_t)n_ranks - start[0];
  ck_ok(NomosCheckpointCreate(PETSC_COMM_WORLD, directory, 2, 1, &checkpoint));
  ck_refused(NomosCheckpointWriteArray(checkpoint, "large", NOMOS_F64, 2, 1, large, start, count, data),
             "step_0000000002.h5: cannot write large: No space left on device");
  CheckDirectory("step_0000000001.h5 ");
  ck_refused(NomosCheckpointWriteText(checkpoint, "state", text), "is not open for writing");
  ck_ok(NomosCheckpointClose(&checkpoint));
  free(data);
  CheckDirectory("step_0000000001.h5 ");
  CheckRead("latest", 1);
  /* not a byte left: even an empty checkpoint, or a text file, has no room */
  snprintf(command, sizeof command, "dd if=/dev/zero of='%s/filler' bs=4k 2>/dev/null", device);
  if (rank == 0) ck_assert_int_ne(system(command), 0);
  Wait();
  ck_refused(NomosCheckpointCreate(PETSC_COMM_WORLD, directory, 2, 1, &checkpoint), "No space left on device");
  snprintf(command, sizeof command, "%s/STATUS", device);
  ck_refused(NomosWriteFileAtomic(PETSC_COMM_WORLD, command, "running"), "STATUS: cannot write: No space left on device");
  CheckDirectory("step_0000000001.h5 ");
  CheckRead("latest", 1);
  snprintf(command, sizeof command, "umount '%s'", device);
  Wait();
  if (rank == 0) ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(files_are_replaced_whole)
{
  char   path[NOMOS_MAX_PATH + 128];
  size_t n;

  Begin("atomic");
  for (int again = 0; again < 2; again++) ck_ok(NomosDirectoryMake(PETSC_COMM_WORLD, directory));
  ck_refused(NomosDirectoryMake(PETSC_COMM_WORLD, "/nowhere/at"), "/nowhere/at: cannot be created: No such file or directory");
  snprintf(path, sizeof path, "%s/STATUS", directory);
  for (int i = 0; i < 2; i++) {
    ck_ok(NomosWriteFileAtomic(PETSC_COMM_WORLD, path, i ? "done" : "running for a while"));
    Wait();
    char *bytes = ReadBytes(path, &n);
    ck_assert_uint_eq(n, i ? 4 : 19);
    ck_assert_int_eq(memcmp(bytes, i ? "done" : "running for a while", n), 0);
    free(bytes);
    CheckDirectory("STATUS ");
  }
  ck_refused(NomosDirectoryMake(PETSC_COMM_WORLD, path), "STATUS: cannot be created: File exists");
  ck_assert(NomosDirectoryHas(directory, "STATUS") && !NomosDirectoryHas(directory, "LOG") && NomosIsFile(path) && !NomosIsDirectory(path) && NomosIsDirectory(directory) && !NomosIsFile(directory));
  ck_refused(NomosWriteFileAtomic(PETSC_COMM_WORLD, "/nowhere/STATUS", ""), "/nowhere/STATUS: cannot write: No such file or directory");
  ck_refused(NomosWriteFileAtomic(PETSC_COMM_WORLD, ck_directory, ""), "cannot write: Is a directory");
  strcat(path, "/");
  ck_refused(NomosWriteFileAtomic(PETSC_COMM_WORLD, path, ""), "is not the name of a file");
}
END_TEST

/* The first failure of a rank stands, and that of the lowest rank is told by all. */
START_TEST(the_first_failure_stands)
{
  NomosVerdict verdict = {0};
  int          me, n;
  char         sentence[32];

  MPI_Comm_rank(PETSC_COMM_WORLD, &me);
  MPI_Comm_size(PETSC_COMM_WORLD, &n);
  ck_ok(NomosVerdictRaise(PETSC_COMM_WORLD, &verdict));
  if (me >= n / 2) {
    ck_assert(!NomosVerdictFail(&verdict, PETSC_ERR_FILE_OPEN, "first of %d", me));
    ck_assert(!NomosVerdictFail(&verdict, PETSC_ERR_MEM, "second of %d", me));
  }
  snprintf(sentence, sizeof sentence, "first of %d", n / 2);
  ck_refused(NomosVerdictRaise(PETSC_COMM_WORLD, &verdict), sentence);
}
END_TEST

NOMOS_TEST_SUITE("checkpoint", the_first_failure_stands, what_was_written_is_read_in_any_blocks, the_newest_are_kept, a_killed_run_leaves_no_trace,
                 wrong_requests_are_refused, no_damage_goes_unnoticed, a_wrong_row_is_named, foreign_files_are_refused,
                 full_disk_keeps_the_old_checkpoint, files_are_replaced_whole)
