/*
 * A store driver that keeps everything in memory, by path, until
 * driver_memory_forget().  For tests.  Any number of handles and threads.
 */
#ifndef DRIVER_MEMORY_H
#define DRIVER_MEMORY_H

#include "keeper/store_driver.h"

extern const struct store_driver store_driver_memory;

/* Drop every store; no handle may be open. */
void driver_memory_forget(void);

#endif
