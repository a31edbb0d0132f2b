#include "operators/random.h"

#include <Random123/philox.h>
#include <string.h>
#include <xxhash.h>

uint64_t NomosRandomStream(const char name[])
{
  return XXH64(name, strlen(name), 0);
}

void NomosRandomUniform2(uint64_t seed, uint64_t stream, uint64_t i, double u[2])
{
  const philox4x32_ctr_t counter = {{(uint32_t)i, (uint32_t)(i >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
  const philox4x32_key_t key     = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
  const philox4x32_ctr_t random  = philox4x32(counter, key);

  for (int j = 0; j < 2; j++) u[j] = ldexp((double)(((uint64_t)random.v[2 * j] << 32 | random.v[2 * j + 1]) >> 11), -53);
}
