#include "message/room.h"

void
room_done(struct room *r, int code)
{
	r->exit_code = code;
	loop_stop(r->loop);
}
