/* One source, two precisions: a file named *_real.c is compiled twice, with and without NOMOS_SINGLE. In it, Real is the working
   precision, NAME(f) is f_f32 or f_f64, and FFTW(f) is fftwf_f or fftw_f. Complex numbers are interleaved pairs of Real, as FFTW's. */
#ifndef NOMOS_OPERATORS_REAL_H
#define NOMOS_OPERATORS_REAL_H

#ifdef NOMOS_SINGLE
  #define NOMOS_SUFFIX(name) name##_f32
  #define FFTW(name)         fftwf_##name
  #define NOMOS_REAL         NOMOS_F32
  #define NOMOS_MPI_REAL     MPI_FLOAT
typedef float Real;
#else
  #define NOMOS_SUFFIX(name) name##_f64
  #define FFTW(name)         fftw_##name
  #define NOMOS_REAL         NOMOS_F64
  #define NOMOS_MPI_REAL     MPI_DOUBLE
typedef double Real;
#endif
#define NAME(name) NOMOS_SUFFIX(name)

typedef Real Complex[2];

/* Numbers below the smallest normal one cost a hundred times an ordinary operation, and a spectral filter makes many of them: inside kernels
   they are zero. Set per thread, around a kernel: `const unsigned mode = NomosFlushSubnormals(); ... NomosRestoreSubnormals(mode);` */
#ifdef __SSE2__
  #include <xmmintrin.h>
static inline unsigned NomosFlushSubnormals(void)
{
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040u); /* results and operands */
  return mode;
}
static inline void NomosRestoreSubnormals(unsigned mode)
{
  _mm_setcsr(mode);
}
#else
static inline unsigned NomosFlushSubnormals(void)
{
  return 0;
}
static inline void NomosRestoreSubnormals(unsigned mode)
{
  (void)mode;
}
#endif

#endif
