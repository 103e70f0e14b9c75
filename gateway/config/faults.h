/*
 * What is wrong with a configuration, gathered and shown in one go.
 *
 * A line each: "FILE:LINE: key: words", without the line where there is none.
 * Words and keys are fixed texts; no value of a configuration comes here.
 */
#ifndef CONFIG_FAULTS_H
#define CONFIG_FAULTS_H

#include "base/buf.h"

#define FAULTS_SHOWN 100 /* more than anybody reads at once */

struct faults {
	struct buf *out; /* borrowed */
	const char *file;
	unsigned count;
};

/* line 0: none.  key NULL: the line as a whole. */
void
faults_add(struct faults *f, unsigned line, const char *key, const char *words);

/* About a variable of the environment. */
void faults_variable(struct faults *f, struct bytes name, const char *words);

#endif
