#include "intake/wide.h"
