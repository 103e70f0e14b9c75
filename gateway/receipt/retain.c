#include "receipt/retain.h"

const char *
retain_word(enum retain r)
{
	static const char *const words[RETAINS] = {
		[RETAIN_FREE] = "free",
		[RETAIN_TERM] = "keep_at_least",
		[RETAIN_HOLD] = "legal_hold",
	};

	return words[r];
}

enum retain
retain_judge(int64_t received_at_us, int64_t at_least_us, bool legal_hold,
    int64_t now_us, int64_t *until_us)
{
	*until_us = 0;
	if (legal_hold)
		return RETAIN_HOLD;
	if (at_least_us == 0 || now_us - received_at_us >= at_least_us)
		return RETAIN_FREE;
	*until_us = received_at_us + at_least_us;
	return RETAIN_TERM;
}
