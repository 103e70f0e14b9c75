/* supervisor/plan.c: a configuration taken whole, and what may change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/plan.h"
#include "folder.h"

struct world {
	char folder[32];
	struct buf faults;
	struct plan *plan;
};

/* ---- fixture */

static const char *const names[] = { "paysieve.conf", "tls.crt", "tls.key",
	"password", "identity.key", "other.key", "receipts.db", "second.db" };

/* The usual configuration, but for one section's lines. */
struct variant {
	const char *listen, *store, *limits, *more;
};

static void
configure(const struct world *w, struct variant v)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "[listen]\n%s\n[tls]\ncertificate = tls.crt\nkey = tls.key\n"
	    "[store]\n%s\n[limits]\n%s\n"
	    "[merchant testbox]\npassword_file = password\nconfirm = off\n%s",
	    v.listen == NULL ? "callbacks = 127.0.0.1:0" : v.listen,
	    v.store == NULL ? "url = sqlite:receipts.db" : v.store,
	    v.limits == NULL ? "edges = 2" : v.limits,
	    v.more == NULL ? "" : v.more);
	folder_put(w->folder, "paysieve.conf", text);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	memcpy(w->folder, "/tmp/plan-XXXXXX", 17);
	assert_non_null(mkdtemp(w->folder));
	folder_put(w->folder, "tls.crt",
	    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	folder_put(w->folder, "tls.key",
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	folder_put(w->folder, "password", "made-up-password\n");
	configure(w, (struct variant){ 0 });
	buf_init(&w->faults, 65536);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	char path[FOLDER_PATH];

	plan_free(w->plan);
	buf_fini(&w->faults);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		folder_path(w->folder, names[i], path);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
	free(w);
	return 0;
}

static enum status
load(struct world *w, struct plan **out)
{
	char path[FOLDER_PATH];

	folder_path(w->folder, "paysieve.conf", path);
	return plan_load(out, path, &w->faults);
}

/* ---- plan_load() */

static void
every_room_gets_its_struct(void **state)
{
	struct world *w = *state;
	size_t size;

	assert_int_equal(load(w, &w->plan), ST_OK);
	assert_int_equal(w->faults.len, 0);
	assert_int_equal(w->plan->edge.n_merchants, 1);
	assert_string_equal(
	    w->plan->edge.merchants[0].rules.store_id, "testbox");
	assert_int_equal(w->plan->keeper.n_merchants, 1);
	assert_int_equal(w->plan->asker.n_merchants, 1);
	assert_memory_equal(
	    w->plan->asker.identity_key, w->plan->edge.identity_key, 32);
	assert_memory_equal(
	    w->plan->edge.tls.ticket, w->plan->desk.tls.ticket, ROOMS_TICKET);
	assert_ptr_equal(plan_room(w->plan, PARTY_EDGE, &size), &w->plan->edge);
	assert_int_equal(size, sizeof(struct edge_config));
	assert_ptr_equal(
	    plan_room(w->plan, PARTY_KEEPER, &size), &w->plan->keeper);
	assert_int_equal(size, sizeof(struct keeper_config));
	assert_ptr_equal(
	    plan_room(w->plan, PARTY_ASKER, &size), &w->plan->asker);
	assert_int_equal(size, sizeof(struct asker_config));
	assert_ptr_equal(
	    plan_room(w->plan, PARTY_COURIER, &size), &w->plan->courier);
	assert_int_equal(size, sizeof(struct courier_config));
	assert_ptr_equal(plan_room(w->plan, PARTY_DESK, &size), &w->plan->desk);
	assert_int_equal(size, sizeof(struct desk_config));
}

static void
refused(struct world *w, const char *words)
{
	assert_int_equal(load(w, &w->plan), ST_CONFIG);
	assert_null(w->plan);
	assert_true(w->faults.len > 0);
	assert_non_null(strstr((const char *)w->faults.data, words));
	assert_int_equal(w->faults.data[w->faults.len - 1], '\n');
}

static void
a_fault_of_the_file_is_said(void **state)
{
	struct world *w = *state;

	configure(w, (struct variant){ .more = "nonsense = 1\n" });
	refused(w, "paysieve.conf:");
}

static void
a_fault_of_a_secret_file_is_said_without_its_content(void **state)
{
	struct world *w = *state;

	folder_put(w->folder, "password", "one\ntwo\nthree-too-many\n");
	refused(w, "password");
	assert_null(strstr((const char *)w->faults.data, "too-many"));
}

static void
a_file_that_is_not_there_is_said(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    plan_load(&w->plan, "/nowhere/at/all", &w->faults), ST_CONFIG);
	assert_null(w->plan);
	assert_true(w->faults.len > 0);
}

static void
the_first_start_makes_the_identity_key(void **state)
{
	struct world *w = *state;
	struct plan *again = NULL;

	assert_int_equal(load(w, &w->plan), ST_OK);
	assert_true(folder_has(w->folder, "identity.key"));
	assert_int_equal(load(w, &again), ST_OK);
	assert_memory_equal(
	    w->plan->edge.identity_key, again->edge.identity_key, 32);
	plan_free(again);
}

/* A new one would give the payments in the store other ids. */
static void
an_identity_key_lost_beside_a_store_is_not_made_anew(void **state)
{
	struct world *w = *state;

	folder_put(w->folder, "receipts.db", "");
	refused(w, "identity.key");
	assert_false(folder_has(w->folder, "identity.key"));
}

/* ---- plan_follows() */

static void
follows(struct world *w, struct variant now, const char *why)
{
	struct plan *next = NULL;
	struct err e = { "" };

	assert_int_equal(load(w, &w->plan), ST_OK);
	configure(w, now);
	assert_int_equal(load(w, &next), ST_OK);
	assert_int_equal(plan_follows(w->plan, next, &e), why == NULL);
	if (why != NULL)
		assert_non_null(strstr(e.text, why));
	else
		assert_string_equal(e.text, "");
	plan_free(next);
}

static void
the_same_file_follows(void **state)
{
	follows(*state, (struct variant){ 0 }, NULL);
}

static void
limits_merchants_and_tokens_may_change(void **state)
{
	follows(*state,
	    (struct variant){ .limits = "edges = 2\nidle_timeout = 5s",
		.more = "[merchant other]\npassword_file = password\n"
			"confirm = off\n" },
	    NULL);
}

static void
another_address_needs_a_restart(void **state)
{
	follows(*state, (struct variant){ .listen = "callbacks = 127.0.0.1:1" },
	    "listening addresses");
}

static void
another_api_address_needs_a_restart(void **state)
{
	follows(*state,
	    (struct variant){
		.listen = "callbacks = 127.0.0.1:0\napi = 127.0.0.1:1" },
	    "listening addresses");
}

static void
another_admin_address_needs_a_restart(void **state)
{
	follows(*state,
	    (struct variant){
		.listen = "callbacks = 127.0.0.1:0\nadmin = 127.0.0.1:1" },
	    "listening addresses");
}

static void
another_store_needs_a_restart(void **state)
{
	follows(*state, (struct variant){ .store = "url = sqlite:second.db" },
	    "another store");
}

static void
another_identity_key_needs_a_restart(void **state)
{
	follows(*state,
	    (struct variant){ .store = "url = sqlite:receipts.db\n"
				       "identity_key_file = other.key" },
	    "identity key");
}

static void
another_number_of_edges_needs_a_restart(void **state)
{
	follows(*state, (struct variant){ .limits = "edges = 3" }, "edges");
}

static void
nothing_can_be_freed(void **state)
{
	(void)state;
	plan_free(NULL);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_room_gets_its_struct),
		CASE(a_fault_of_the_file_is_said),
		CASE(a_fault_of_a_secret_file_is_said_without_its_content),
		CASE(a_file_that_is_not_there_is_said),
		CASE(the_first_start_makes_the_identity_key),
		CASE(an_identity_key_lost_beside_a_store_is_not_made_anew),
		CASE(the_same_file_follows),
		CASE(limits_merchants_and_tokens_may_change),
		CASE(another_address_needs_a_restart),
		CASE(another_api_address_needs_a_restart),
		CASE(another_admin_address_needs_a_restart),
		CASE(another_store_needs_a_restart),
		CASE(another_identity_key_needs_a_restart),
		CASE(another_number_of_edges_needs_a_restart),
		cmocka_unit_test(nothing_can_be_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
