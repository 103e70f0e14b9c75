/*
 * Who speaks: the processes of a gateway, and a person's command line.
 */
#ifndef MESSAGE_PARTY_H
#define MESSAGE_PARTY_H

/* Bits, so that a set of them is a number. */
enum party {
	PARTY_SUPERVISOR = 1,
	PARTY_EDGE = 2,
	PARTY_KEEPER = 4,
	PARTY_COURIER = 8,
	PARTY_DESK = 16,
	PARTY_COMMAND = 32,
	PARTY_ASKER = 64,
	PARTY_ANY_ROOM = PARTY_EDGE | PARTY_KEEPER | PARTY_ASKER |
			 PARTY_COURIER | PARTY_DESK,
	PARTY_MEETING = PARTY_EDGE | PARTY_KEEPER | PARTY_ASKER,
	PARTY_OFFERED = PARTY_ASKER | PARTY_COURIER,
	PARTY_READER = PARTY_DESK | PARTY_COMMAND
};

/* "edge", "keeper", ... */
const char *party_name(enum party p);

#endif
