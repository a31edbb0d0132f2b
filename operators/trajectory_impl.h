/* Inside of a trajectory: trajectory.c runs it, trajectory_operator.c shows it as an operator. */
#ifndef NOMOS_OPERATORS_TRAJECTORY_IMPL_H
#define NOMOS_OPERATORS_TRAJECTORY_IMPL_H

#include "io/snapshot_file.h"
#include "operators/trajectory.h"

struct NomosTrajectory_s {
  NomosModel                   model;
  const NomosModelDerivatives *derivatives;
  int64_t                      first_step, n_steps;
  NomosScheduleInput           schedule_input;
  NomosSchedule                schedule;
  NomosScheduleCost            cost;
  size_t                       n_losses;
  NomosLoss                   *losses;
  bool                         second;
  size_t                       n, state_bytes, slot_bytes, n_parameters;
  double                       bytes; /* of everything here */
  char                        *slots; /* in RAM */
  NomosSnapshotFile            file;
  char                        *current, *last; /* [x, x_dot] of the present step, and of step n */
  const char                  *here;           /* the present state: t->current or a slot; NULL: in the model only */
  bool                         in_model;       /* the model's state is the present one */
  double                      *norms, *p_bar, *p_bar_dot;
};

#endif
