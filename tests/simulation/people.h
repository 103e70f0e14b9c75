/* People and programs that ask the desk for more than receipts. */
#ifndef SIMULATION_PEOPLE_H
#define SIMULATION_PEOPLE_H

void people_start(void);

#endif
