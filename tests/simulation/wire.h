/*
 * A wire between two rooms: what one sends reaches the other in this order,
 * but not at once.  Between wires there is no order.
 */
#ifndef SIMULATION_WIRE_H
#define SIMULATION_WIRE_H

/* Two sockets, each its room's own.  The wire ends when one of them is closed,
 * behind what was sent before. */
void wire_new(int ends[2]);

/* What is under way does not arrive; for the end of everything. */
void wire_cut_all(void);

#endif
