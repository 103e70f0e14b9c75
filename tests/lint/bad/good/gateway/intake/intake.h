#ifndef INTAKE_INTAKE_H
#define INTAKE_INTAKE_H

#include "base/a.h"

struct intake_result {
	size_t n;
};

#endif
