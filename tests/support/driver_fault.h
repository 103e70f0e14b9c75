/*
 * A driver around the memory driver that fails or stops where a test wants.
 * One store at a time.
 */
#ifndef DRIVER_FAULT_H
#define DRIVER_FAULT_H

#include "keeper/store_driver.h"

const struct store_driver *driver_fault(void);

/* No faults, and the counts at 0. */
void driver_fault_reset(void);

/* The n-th commit from now (1: the next) answers st and applies nothing. */
void driver_fault_commit(int n, enum status st);

/* The same for flushes. */
void driver_fault_flush(int n, enum status st);

/* Until driver_fault_release(), commits wait. */
void driver_fault_hold(void);
void driver_fault_release(void);

/* Wait until a commit waits. */
void driver_fault_await_held(void);

/* The same for reads of due deliveries and questions, which wait with what
 * they saw. */
void driver_fault_hold_due(void);
void driver_fault_release_due(void);
void driver_fault_await_held_due(void);

/* Calls of the driver since the reset. */
int driver_fault_commits(void);
int driver_fault_begins(void);
int driver_fault_flushes(void);

#endif
