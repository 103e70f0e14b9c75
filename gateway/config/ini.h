/*
 * The grammar of the configuration file, and nothing of its meaning.
 *
 *	[section]		[section name]
 *	key = value		; or # comment, at the start or after a blank
 *
 * Lines end in LF and hold at most INI_LINE bytes, no control byte but the
 * tab.  Section names are [a-z], keys [a-z0-9_], a section's name is
 * [A-Za-z0-9_-]{1,32}.  A value runs to the end of its line or to a comment,
 * without blanks around it; there is no quoting.
 *
 * Pure.  Any thread.
 */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include "base/bytes.h"

#define INI_LINE 1024
#define INI_FILE (256 * 1024) /* what a caller reads at most */

/* All views point into the text.  Lines count from 1. */
struct ini_reader {
	/* name is empty when there was none.  A header that breaks the grammar
	 * comes as a fault and then as a section of which both are empty. */
	void (*section)(
	    void *arg, unsigned line, struct bytes section, struct bytes name);
	void (*key)(
	    void *arg, unsigned line, struct bytes key, struct bytes value);
	/* words are fixed. */
	void (*fault)(void *arg, unsigned line, const char *words);
	void *arg;
};

/* Read all of text, whatever faults it has. */
void ini_parse(struct bytes text, const struct ini_reader *r);

#endif
