#include "operators/random.h"
