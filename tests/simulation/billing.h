/* The simulated billings; billing_post() stands in sim_client.h. */
#ifndef SIMULATION_BILLING_H
#define SIMULATION_BILLING_H

#include <stdbool.h>

void billing_start(void);
void billing_calm(void);

/* The end: each endpoint has what it is owed. */
void billing_end(void);
/* Is there something left that one of them has not got? */
bool billing_owed(void);

#endif
