/* Random numbers by counter: number i of a stream of a seed is a function of (seed, stream, i) alone, so that any order, thread or rank draws the same.
   Philox4x32-10, Salmon et al. (2011), doi:10.1145/2063384.2063405. */
#ifndef NOMOS_OPERATORS_RANDOM_H
#define NOMOS_OPERATORS_RANDOM_H

#include <math.h>
#include <stdint.h>

/* A stream's number from its name ("encoder.0.weight"). */
uint64_t NomosRandomStream(const char name[]);

/* Two numbers in [0, 1), of 53 bits. */
void NomosRandomUniform2(uint64_t seed, uint64_t stream, uint64_t i, double u[2]);

static inline double NomosRandomUniform(uint64_t seed, uint64_t stream, uint64_t i)
{
  double u[2];
  NomosRandomUniform2(seed, stream, i, u);
  return u[0];
}

/* Of mean 0 and variance 1 (Box & Muller, doi:10.1214/aoms/1177706645). */
static inline double NomosRandomNormal(uint64_t seed, uint64_t stream, uint64_t i)
{
  double u[2];
  NomosRandomUniform2(seed, stream, i, u);
  return sqrt(-2 * log1p(-u[0])) * cos(6.283185307179586 * u[1]);
}

/* An index in [0, n), n > 0. */
static inline uint64_t NomosRandomIndex(uint64_t seed, uint64_t stream, uint64_t i, uint64_t n)
{
  const uint64_t index = (uint64_t)(NomosRandomUniform(seed, stream, i) * (double)n);
  return index < n ? index : n - 1;
}

#endif
