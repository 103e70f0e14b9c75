/*
 * The gateway: its rooms, as a supervisor would start them, all in this
 * process and on one loop; and what kills them.
 */
#ifndef SIMULATION_GATEWAY_H
#define SIMULATION_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "config/rooms.h"
#include "receipt/receipt.h"

#define EDGES	  2
#define ENDPOINTS 2
#define MERCHANTS 2

/* Merchant 0 has to be confirmed, and is delivered to both endpoints; the
 * other one is not, and has the first. */
extern const char *const merchant_names[MERCHANTS];
extern const char *const endpoint_names[ENDPOINTS];
extern const char *const merchant_tokens[MERCHANTS];
#define PASSWORD	  "made-up-password"
#define IDENTITY_KEY_BYTE 9

struct gateway_terms {
	int64_t keep_us[MERCHANTS];
	int64_t confirm_for_us, refuse_after_us;
};

/* What the seed has chosen. */
const struct gateway_terms *gateway_terms(void);

void gateway_set_up(void);
void gateway_start_all(void);

/* Is the keeper there? */
bool gateway_running(void);

/* How long the store takes now. */
int64_t gateway_store_us(void);

/* As the kernel kills a process: at once, whatever it had in hand. */
void gateway_kill_all(void);

/* Faults of rooms from now on, until the calm. */
void gateway_trouble(void);

/* A message is under way: a room, or all, may die of it. */
void gateway_message(void);

/* Deliver to this endpoint again, as an operator does. */
void gateway_resume(size_t endpoint);

/* What has to be bounded is. */
void gateway_check(void);

#endif
