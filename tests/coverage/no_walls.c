/* In place of a room's walls where its counts are to be written at its end,
 * which opens files.  The walls themselves are counted in test_sandbox. */
#include "supervisor/sandbox.h"

enum status __real_sandbox_early(enum party room, struct err *e);
enum status __wrap_sandbox_early(enum party room, struct err *e);
enum status __wrap_sandbox_close(enum party room, struct err *e);
enum status __wrap_sandbox_store(const char *store, struct err *e);

/* All as the keeper, which goes on as the user that it was started by. */
enum status
__wrap_sandbox_early(enum party room, struct err *e)
{
	(void)room;
	return __real_sandbox_early(PARTY_KEEPER, e);
}

enum status
__wrap_sandbox_close(enum party room, struct err *e)
{
	(void)room;
	(void)e;
	return ST_OK;
}

enum status
__wrap_sandbox_store(const char *store, struct err *e)
{
	(void)store;
	(void)e;
	return ST_OK;
}
