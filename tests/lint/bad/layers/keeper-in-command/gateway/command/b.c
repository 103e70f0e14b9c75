#include "keeper/worker.h"
