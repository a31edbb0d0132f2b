#include "operators/correlation.h"

#include "operators/fft.h"
#include "operators/reduce.h"

#include <math.h>
#include <string.h>

typedef struct {
  NomosFft_f64 *fft;
  int           n_layers;
  size_t        points, n_modes; /* of a layer, on this rank */
  double       *amplitude;       /* (n_layers, n_modes) */
  double       *wavenumber;      /* (n_modes) |K| */
  Complex      *modes;
  double       *work;            /* (points) */
} Correlation;

/* |K| of mode [k][l], l = 0 .. l_max, l_min .. -1. */
static void Wavenumbers(const NomosFft_f64 *fft, double lx, double ly, double *K)
{
  for (int k = 0; k < fft->n_k_local; k++)
    for (int j = 0; j < fft->n_l; j++) {
      const int l = j <= fft->l_max ? j : j - fft->n_l;
      K[k * fft->n_l + j] = hypot(2 * PETSC_PI * (fft->k_start + k) / lx, 2 * PETSC_PI * l / ly);
    }
}

static PetscErrorCode Filter(Correlation *c, int layer, const double *in, double *out)
{
  const double *amplitude = c->amplitude + (size_t)layer * c->n_modes;

  PetscFunctionBeginUser;
  PetscCall(NomosFftForward_f64(c->fft, in, c->modes));
  for (size_t i = 0; i < c->n_modes; i++)
    for (int part = 0; part < 2; part++) c->modes[i][part] *= amplitude[i];
  PetscCall(NomosFftInverse_f64(c->fft, (const Complex *)c->modes, out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  Correlation *c = op->data;

  PetscFunctionBeginUser;
  for (int layer = 0; layer < c->n_layers; layer++) PetscCall(Filter(c, layer, in[0] + (size_t)layer * c->points, out[0] + (size_t)layer * c->points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  PetscFunctionBeginUser;
  (void)in;
  PetscCall(Apply(op, in_dot, out_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  Correlation *c = op->data;

  PetscFunctionBeginUser;
  (void)in;
  for (int layer = 0; layer < c->n_layers && in_bar[0]; layer++) {
    PetscCall(Filter(c, layer, out_bar[0] + (size_t)layer * c->points, c->work));
    for (size_t i = 0; i < c->points; i++) in_bar[0][(size_t)layer * c->points + i] += c->work[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  PetscFunctionBeginUser;
  (void)in_dot;
  (void)out_bar;
  PetscCall(Vjp(op, in, out_bar_dot, in_bar_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosOperator op)
{
  Correlation *c = op->data;

  PetscFunctionBeginUser;
  PetscCall(NomosFftDestroy_f64(&c->fft));
  PetscCall(PetscFree(c->amplitude));
  PetscCall(PetscFree(c->wavenumber));
  PetscCall(PetscFree(c->work));
  FFTW(free)(c->modes);
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosOperatorOps correlation_ops = {.name = "correlation", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .destroy = Destroy};

PetscErrorCode NomosCorrelationCreate(MPI_Comm comm, const NomosCorrelationInput *input, NomosOperator *op)
{
  const NomosFftShape shape = {.nx = input->nx, .ny = input->ny, .n_k = (input->nx - 1) / 2 + 1, .l_min = -((input->ny - 1) / 2), .l_max = (input->ny - 1) / 2};
  Correlation        *c;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  PetscCall(NomosFftCreate_f64(comm, &shape, &c->fft));
  c->n_layers = input->n_layers;
  c->points   = (size_t)c->fft->n_y_local * (size_t)input->nx;
  c->n_modes  = (size_t)c->fft->n_k_local * (size_t)c->fft->n_l;
  c->modes    = FFTW(alloc_complex)(c->n_modes + 1);
  PetscCheck(c->modes, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the modes of a %d x %d grid", input->nx, input->ny);
  PetscCall(PetscMalloc1((size_t)c->n_layers * c->n_modes + 1, &c->amplitude));
  PetscCall(PetscMalloc1(c->n_modes + 1, &c->wavenumber));
  PetscCall(PetscMalloc1(c->points + 1, &c->work));
  Wavenumbers(c->fft, input->lx, input->ly, c->wavenumber);
  for (int layer = 0; layer < c->n_layers; layer++)
    for (size_t i = 0; i < c->n_modes; i++) c->amplitude[(size_t)layer * c->n_modes + i] = input->amplitude(input->ctx, layer, c->wavenumber[i]);
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = comm, .ops = &correlation_ops, .n_in = 1, .n_out = 1, .in = &(NomosOperatorArgument){"control", (size_t)c->n_layers * c->points, false}, .out = &(NomosOperatorArgument){"field", (size_t)c->n_layers * c->points, false}, .data = c}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrelationRows(NomosOperator op, int *y_start, int *n_y)
{
  const Correlation *c = op->data;

  PetscFunctionBeginUser;
  *y_start = c->fft->y_start;
  *n_y     = c->fft->n_y_local;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrelationSpectrum(NomosOperator op, const double field[], double width, int n_bins, double *variance)
{
  Correlation *c = op->data;

  PetscFunctionBeginUser;
  memset(variance, 0, sizeof *variance * (size_t)(c->n_layers * n_bins));
  for (int layer = 0; layer < c->n_layers; layer++) {
    PetscCall(NomosFftForward_f64(c->fft, field + (size_t)layer * c->points, c->modes));
    for (size_t i = 0; i < c->n_modes; i++) {
      const int    bin  = (int)(c->wavenumber[i] / width + 0.5);
      const double both = c->fft->k_start + (int)i / c->fft->n_l > 0 ? 2 : 1; /* modes with k < 0 are not stored */
      if (bin < n_bins && c->wavenumber[i] > 0) variance[layer * n_bins + bin] += both * (c->modes[i][0] * c->modes[i][0] + c->modes[i][1] * c->modes[i][1]);
    }
  }
  PetscCall(NomosSumOverRanks(op->comm, (size_t)(c->n_layers * n_bins), variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double ExampleAmplitude(void *ctx, int layer, double K)
{
  (void)ctx;
  return (1 + layer) * exp(-K * K / 8);
}

PetscErrorCode NomosCorrelationExample(MPI_Comm comm, NomosOperator *op)
{
  PetscFunctionBeginUser;
  PetscCall(NomosCorrelationCreate(comm, &(NomosCorrelationInput){.nx = 10, .ny = 9, .n_layers = 2, .lx = 6, .ly = 5, .amplitude = ExampleAmplitude}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}
