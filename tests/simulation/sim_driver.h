/*
 * The store under the simulated keeper: SQLite's or the one in memory, with
 * faults.
 */
#ifndef SIMULATION_SIM_DRIVER_H
#define SIMULATION_SIM_DRIVER_H

#include "keeper/store_driver.h"

void sim_driver_set_up(bool in_memory);
const char *sim_driver_path(void);

/* Of a world that is over: its report's. */
void sim_driver_remove(char *folder);

/* The process of the keeper dies now; and its memory is gone. */
void sim_driver_kill(void);
void sim_driver_dead(void);

#endif
