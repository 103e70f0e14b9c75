#ifndef INTAKE_WIDE_H
#define INTAKE_WIDE_H

struct wide_answer {
	int x;
};

#endif
