/* The simulated provider; provider_get() stands in sim_client.h. */
#ifndef SIMULATION_PROVIDER_H
#define SIMULATION_PROVIDER_H

void provider_start(void);
void provider_calm(void);

#endif
