/* Emulators: the next state of a PDE on a grid from the present one and the parameters of the PDE. Three things are chosen apart, each from a list of one line a choice:

     network       what acts on channels over a grid: fno, factorised_fno, unet, deeponet                           (emulator_list.h; networks/)
     conditioning  how it is told the parameters: none, channels, modulation, cape, channel_attention               (emulator_list.h; conditionings/)
     form          what comes out of it (o) is to the next state u':  next_state u' = o,  increment u' = b + o,  flux u' = b + div o, which keeps the sums of b to rounding

   b is the state itself or, for a learned correction, what a coarse solver makes of it. Shapes: states [batch, fields, (y,) x], parameters [batch, P] as they are (each conditioning scales them as it sees fit). */
#ifndef NOMOS_SURROGATES_OPERATORS_EMULATOR_H
#define NOMOS_SURROGATES_OPERATORS_EMULATOR_H

#include "io/config.h"
#include "surrogates/modules/batch_norm.h"

typedef struct {
  int    n_space;      /* 1 or 2 */
  size_t points[2];    /* of the grid that it acts on: ny, nx, or nx alone */
  bool   periodic;
  size_t n_fields;     /* C */
  size_t n_parameters; /* P, 0 or more */
  size_t trained[2];   /* likewise of the grid that its weights were trained on, which says how many modes they have where the case does not; 0: that grid */
} NomosEmulatorShape;

/* ---- a network: [batch, in, (y,) x] -> [batch, out, (y,) x] */

typedef struct {
  NomosConfig               config;     /* has its table */
  NomosParameters           parameters; /* of which it declares its own, under `name.` */
  const char               *name;
  const NomosEmulatorShape *shape;
  size_t                    in, out;    /* channels */
  size_t                    n_code;     /* > 0: a code [batch, n_code] modulates its layers: x := (1 + gamma) x + beta, gamma and beta [batch, channels] linear in the code; Perez et al. (2018), doi:10.1609/aaai.v32i1.11671 */
} NomosEmulatorNetworkInput;

typedef struct {
  const char       *name; /* the value of `neural_operator.network` */
  const char       *summary, *reference;
  size_t            n_params;
  const NomosParam *params; /* NAME.* */
  size_t            size;   /* of its context, zero before create */
  bool              of_grid; /* on another grid than that of its training it is another function */
  const char       *padding; /* or where this key's points (keys.h) are another share of it; NULL: it has none */
  PetscErrorCode (*create)(const NomosEmulatorNetworkInput *input, void *context);
  PetscErrorCode (*destroy)(void *context); /* what it holds; also after a create that failed. NULL: nothing */
  /* code: ignored where n_code is 0. statistics: of batch norms, in training; else NULL. */
  NomosTensor (*apply)(const void *context, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics);
} NomosEmulatorNetworkOps;

typedef struct {
  const NomosEmulatorNetworkOps *ops;
  void                          *context;
} NomosEmulatorNetwork;

/* ---- a conditioning: makes the network with the channels that it wants, and calls it */

typedef struct {
  NomosConfig                    config;
  NomosParameters                parameters;
  const NomosEmulatorShape      *shape;
  size_t                         out; /* channels that the form wants: C, of a flux n_space C */
  const NomosEmulatorNetworkOps *network;
} NomosConditioningInput;

/* Parameters of the training's trajectories. */
typedef struct {
  size_t             n;
  const double      *values; /* (n, P) */
  const char *const *keys;   /* (P) what the case calls them, for messages */
} NomosEmulatorSeen;

typedef struct {
  const char       *name; /* the value of `neural_operator.conditioning` */
  const char       *summary, *reference;
  size_t            n_params;
  const NomosParam *params; /* NAME.* */
  bool              of_grid;   /* as of a network */
  bool              auxiliary; /* has a prediction of its own, which a training may ask to be good, and a warm-up makes good by the tensors NAME.* */
  size_t            size;      /* of its context, zero before create; it begins with its NomosEmulatorNetwork, and holds nothing else that is to be freed */
  PetscErrorCode (*create)(const NomosConditioningInput *input, void *context);
  /* Statistics of the parameters into buffers. NULL: none. */
  PetscErrorCode (*fit)(const void *context, NomosParameters parameters, const NomosEmulatorSeen *seen);
  /* o [batch, out, ..] of u [batch, C, ..] and lambda [batch, P]; *auxiliary [batch, C, ..], where it has one. */
  NomosTensor (*apply)(const void *context, const NomosTensor w[], NomosTensor u, NomosTensor lambda, NomosBatchStatistics *statistics, NomosTensor *auxiliary);
} NomosConditioningOps;

/* The chosen network, with as many channels as the conditioning wants; its weights are called `network.`. Destroy is harmless to one that was not made. */
typedef struct {
  size_t in, out, n_code;
} NomosEmulatorChannels;
PetscErrorCode NomosEmulatorNetworkCreate(const NomosConditioningInput *input, const NomosEmulatorChannels *channels, NomosEmulatorNetwork *network);
PetscErrorCode NomosEmulatorNetworkDestroy(NomosEmulatorNetwork *network);
NomosTensor    NomosEmulatorNetworkApply(const NomosEmulatorNetwork *network, const NomosTensor w[], NomosTensor x, NomosTensor code, NomosBatchStatistics *statistics);

/* ---- both, and the form */

typedef enum { NOMOS_EMULATOR_NEXT_STATE, NOMOS_EMULATOR_INCREMENT, NOMOS_EMULATOR_FLUX } NomosEmulatorForm; /* in the order of the choices of neural_operator.form */

typedef struct NomosEmulator_s *NomosEmulator;

/* `neural_operator.network`, `.conditioning`, `.form` of config, which has the tables of all networks and conditionings (NomosEmulatorDeclare). Declares the weights. Errors: a network that the shape does not suit (its
   points, its dimensions), modes that the grid has not; a flux on a domain that is not periodic; a conditioning on parameters where there are none. */
PetscErrorCode NomosEmulatorCreate(NomosConfig config, NomosParameters parameters, const NomosEmulatorShape *shape, NomosEmulator *emulator);
PetscErrorCode NomosEmulatorDestroy(NomosEmulator *emulator);
/* The tables of the chosen network and conditioning, for NomosSurrogateOps.declare and NomosModelOps.declare. */
PetscErrorCode NomosEmulatorDeclare(NomosConfig config);
PetscErrorCode NomosEmulatorFit(NomosEmulator emulator, NomosParameters parameters, const NomosEmulatorSeen *seen);

typedef struct {
  NomosTensor           u, lambda; /* lambda [batch, 0] without parameters */
  NomosTensor           base;      /* b; {0}: u */
  NomosBatchStatistics *statistics;
} NomosEmulatorStepInput;
/* u' and, where the conditioning has one (else a tensor that is not valid), its own prediction of it. */
NomosTensor NomosEmulatorStep(NomosEmulator emulator, const NomosTensor w[], const NomosEmulatorStepInput *input, NomosTensor *auxiliary);
/* Do these weights belong to the grid they were trained on, of these points, so that they are another function on this one? They do where network, conditioning or form act on cells, and where a padding is another share of the period. */
PetscErrorCode NomosEmulatorIsOfGrid(NomosEmulator emulator, NomosConfig config, const size_t points[], bool *is);
/* Is this tensor trained alone in a warm-up? Has the conditioning that the case chooses such tensors? */
bool           NomosEmulatorWarmsUp(NomosEmulator emulator, const char tensor[]);
PetscErrorCode NomosEmulatorHasWarmUp(NomosConfig config, size_t n_parameters, bool *has);

/* `neural_operator.network`, `.conditioning`, `.form`. */
extern const NomosParam nomos_emulator_params[];
extern const size_t     nomos_n_emulator_params;

#endif
