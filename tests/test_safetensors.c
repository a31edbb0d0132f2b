/* Safetensors: what is written is read back bit for bit, and every kind of damage is told from the others. */
#include "harness.h"
#include "io/safetensors.h"

static char path[NOMOS_MAX_PATH];

static const char *Path(const char name[])
{
  snprintf(path, sizeof path, "%s/%s.safetensors", ck_directory, name);
  return path;
}

static const double       wide[6]  = {1, -2.5, 3e300, 4e-310, 0.1, -0.};
static const float        narrow[] = {1.5f, -3e38f, 1e-45f};
static const NomosSafetensor sample[] = {
  {.name = "encoder.weight", .type = NOMOS_F32, .n_dims = 1, .shape = {3}, .data = narrow},
  {.name = "encoder.bias", .type = NOMOS_F64, .n_dims = 2, .shape = {2, 3}, .data = wide},
  {.name = "scale", .type = NOMOS_F64, .n_dims = 0, .data = wide + 4},
  {.name = "nothing", .type = NOMOS_F32, .n_dims = 2, .shape = {0, 7}, .data = narrow},
};
static const NomosSafetensorsText texts[] = {
  {"architecture", "{\"width\": 64}"},
  {"note", "caf\xc3\xa9 \"quoted\""}
};

START_TEST(round_trip)
{
  NomosSafetensors       file;
  const NomosSafetensor *list;
  const void            *data;
  size_t                 n;

  ck_ok(NomosSafetensorsWrite(PETSC_COMM_SELF, Path("sample"), &(NomosSafetensorsInput){.n_tensors = 4, .tensors = sample, .n_texts = 2, .texts = texts}));
  ck_ok(NomosSafetensorsOpen(PETSC_COMM_SELF, path, &file));
  ck_ok(NomosSafetensorsList(file, &n, &list));
  ck_assert_uint_eq(n, 4);
  for (size_t i = 0; i < n; i++) ck_assert((uintptr_t)list[i].data % (list[i].type == NOMOS_F64 ? 8 : 4) == 0);
  for (size_t i = 0; i < 4; i++) ck_ok(NomosSafetensorsFind(file, &sample[i], &data));
  ck_ok(NomosSafetensorsFind(file, &sample[0], &data));
  ck_assert(!memcmp(data, narrow, sizeof narrow));
  ck_ok(NomosSafetensorsFind(file, &sample[1], &data));
  ck_assert(!memcmp(data, wide, sizeof wide));
  ck_ok(NomosSafetensorsFind(file, &sample[2], &data));
  ck_assert(*(const double *)data == 0.1);
  ck_assert_str_eq(NomosSafetensorsMetadata(file, "note"), texts[1].text);
  ck_assert_ptr_null(NomosSafetensorsMetadata(file, "none"));

  ck_refused(NomosSafetensorsFind(file, &(NomosSafetensor){.name = "encoder.wieght", .n_dims = 1, .shape = {3}}, &data), "has no tensor encoder.wieght (but encoder.weight)");
  ck_refused(NomosSafetensorsFind(file, &(NomosSafetensor){.name = "encoder.weight", .type = NOMOS_F64, .n_dims = 1, .shape = {3}}, &data), "is F32, wanted is F64");
  ck_refused(NomosSafetensorsFind(file, &(NomosSafetensor){.name = "encoder.bias", .type = NOMOS_F64, .n_dims = 2, .shape = {3, 2}}, &data), "has the shape [2, 3], wanted is [3, 2]");
  ck_ok(NomosSafetensorsClose(&file));
}
END_TEST

START_TEST(what_is_not_written)
{
  const NomosSafetensor twice[] = {sample[0], sample[0]};
  FILE                 *file;

  ck_refused(NomosSafetensorsWrite(PETSC_COMM_SELF, Path("twice"), &(NomosSafetensorsInput){.n_tensors = 2, .tensors = twice}), "two tensors are called encoder.weight");
  ck_refused(NomosSafetensorsWrite(PETSC_COMM_SELF, path, &(NomosSafetensorsInput){.n_texts = 1, .texts = &(NomosSafetensorsText){"a", "\xff"}}), "not UTF-8");
  ck_refused(NomosSafetensorsWrite(PETSC_COMM_SELF, "/nonexistent/x", &(NomosSafetensorsInput){.n_tensors = 1, .tensors = sample}), "No such file");
  ck_assert_msg(!(file = fopen(path, "r")), "a refused file was written");
}
END_TEST

/* A file of this header and so many bytes of data. */
static const char *Make(const char header[], size_t n_data)
{
  FILE    *file   = fopen(Path("damaged"), "wb");
  uint64_t length = strlen(header);

  ck_assert(fwrite(&length, 8, 1, file) == 1 && fwrite(header, 1, length, file) == length);
  for (size_t i = 0; i < n_data; i++) fputc(0, file);
  fclose(file);
  return path;
}

#define ck_damaged(header, n_data, text) \
  do { \
    NomosSafetensors damaged_; \
    ck_refused(NomosSafetensorsOpen(PETSC_COMM_SELF, Make(header, n_data), &damaged_), text); \
    ck_assert_ptr_null(damaged_); \
  } while (0)

START_TEST(damage)
{
  NomosSafetensors file;

  ck_ok(NomosSafetensorsOpen(PETSC_COMM_SELF, Make("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[8,9]}}  ", 9), &file)); /* sound: padding, other types */
  ck_ok(NomosSafetensorsClose(&file));
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "it is truncated");
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, "something behind");
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "F32 [3], takes 12 bytes");
  ck_damaged("{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "unknown dtype F33");
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "not a list of sizes");
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "its data_offsets are [8, 0]");
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, "the file is damaged"); /* 2^96 entries: 0 in 64 bits */
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "not {dtype, shape, data_offsets}");
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "they overlap");
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]}}", 20, "there is a hole");
  ck_damaged("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", 16, "duplicate");
  ck_damaged("{\"__metadata__\":{\"a\":1}}", 0, "are not a text");
  ck_damaged("{\"__metadata__\":[1]}", 0, "not an object of texts");
  ck_damaged("[1, 2]", 0, "does not begin with '{'");
  ck_damaged("{\"a\":", 0, "its header is damaged");
}
END_TEST

START_TEST(wrong_length)
{
  const struct {
    uint64_t    length;
    size_t      written;
    const char *text;
  } tries[] = {
    {16,             4, "its header has 16 bytes, the whole file 12: it is truncated"},
    {UINT64_C(1) << 40, 100, "not a safetensors file, or damaged"                    },
    {0,              0, "not a safetensors file, or damaged"                          },
  };
  NomosSafetensors file;
  FILE            *stream;

  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    stream = fopen(Path("length"), "wb");
    ck_assert(fwrite(&tries[i].length, 8, 1, stream) == 1);
    for (size_t k = 0; k < tries[i].written; k++) fputc('{', stream);
    fclose(stream);
    ck_refused(NomosSafetensorsOpen(PETSC_COMM_SELF, path, &file), tries[i].text);
  }
  stream = fopen(Path("length"), "wb");
  fputs("short", stream);
  fclose(stream);
  ck_refused(NomosSafetensorsOpen(PETSC_COMM_SELF, path, &file), "has 5 bytes: not a safetensors file");
  ck_refused(NomosSafetensorsOpen(PETSC_COMM_SELF, Path("absent"), &file), "cannot open: No such file");
  ck_refused(NomosSafetensorsOpen(PETSC_COMM_SELF, ck_directory, &file), "is not a file");
}
END_TEST

/* Every bit of the data is seen; files of others have no checksum. */
START_TEST(a_flipped_bit)
{
  NomosSafetensors file;
  FILE            *stream;
  uint64_t         length;
  char             bytes[4096];
  size_t           n;

  ck_ok(NomosSafetensorsWrite(PETSC_COMM_SELF, Path("flipped"), &(NomosSafetensorsInput){.n_tensors = 4, .tensors = sample}));
  stream = fopen(path, "rb");
  n      = fread(bytes, 1, sizeof bytes, stream);
  fclose(stream);
  memcpy(&length, bytes, sizeof length);
  ck_assert_uint_eq(n - 8 - length, sizeof wide + sizeof *wide + sizeof narrow);
  for (size_t i = 8 + length; i < n; i++) {
    bytes[i] ^= 1 << i % 8;
    stream = fopen(path, "wb");
    ck_assert(fwrite(bytes, 1, n, stream) == n && !fclose(stream));
    ck_refused(NomosSafetensorsOpen(PETSC_COMM_SELF, path, &file), "its metadata say xxh64 = ");
    bytes[i] ^= 1 << i % 8;
  }
  char *name = strstr(bytes + 8, "xxh64");
  ck_assert_ptr_nonnull(name);
  *name         = 'y';
  bytes[n - 1] ^= 1;
  stream = fopen(path, "wb");
  ck_assert(fwrite(bytes, 1, n, stream) == n && !fclose(stream));
  ck_ok(NomosSafetensorsOpen(PETSC_COMM_SELF, path, &file));
  ck_ok(NomosSafetensorsClose(&file));
}
END_TEST

NOMOS_TEST_SUITE("safetensors", round_trip, what_is_not_written, damage, wrong_length, a_flipped_bit)
