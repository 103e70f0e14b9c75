#include "message/party.h"

const char *
party_name(enum party p)
{
	switch (p) {
	case PARTY_SUPERVISOR:
		return "supervisor";
	case PARTY_EDGE:
		return "edge";
	case PARTY_KEEPER:
		return "keeper";
	case PARTY_COURIER:
		return "courier";
	case PARTY_DESK:
		return "desk";
	case PARTY_COMMAND:
		return "command";
	case PARTY_ASKER:
		return "asker";
	case PARTY_ANY_ROOM:
	case PARTY_MEETING:
	case PARTY_OFFERED:
	case PARTY_READER:
		break;
	}
	return "nobody";
}
