/*
 * A poller for each merchant, which goes back to an older cursor at times.
 */
#ifndef SIMULATION_POLLERS_H
#define SIMULATION_POLLERS_H

#include <stdbool.h>

void pollers_start(void);

/* Has each poller, since the calm began, come to the end? */
bool pollers_done(void);

/* The calm begins: every poller reads from its cursor to the end. */
void pollers_calm(void);

/* Rows that a poller has not seen are a gap. */
void pollers_end(void);

#endif
