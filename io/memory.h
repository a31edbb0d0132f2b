/* Memory of the machine a rank runs on. */
#ifndef NOMOS_IO_MEMORY_H
#define NOMOS_IO_MEMORY_H

#include "io/base.h"

/* Is there room for `bytes` on this rank and for what the other ranks of its machine ask for? The error names `what` ("qg.nx = 65536"), what is needed and what is
   free. A system hands out more memory than it has and kills whoever uses it: ask before allocating. Collective. */
PetscErrorCode NomosMemoryRequire(MPI_Comm comm, double bytes, const char what[]);

#endif
