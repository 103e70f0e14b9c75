/* The courier between a keeper, played by the test over a socket pair, and
 * billing, played by a stub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "courier/courier.h"
#include "courier/webhook.h"
#include "http_stub.h"
#include "message/channel.h"

#define LOCAL	"IP:127.0.0.1"
#define LONG_MS 20000
#define SETTLES 64
#define WINDOWS 8

struct world {
	struct loop *loop;
	struct room room;
	struct channel *keeper; /* the test's end, behind keeper_fd */
	int keeper_fd;
	struct courier *courier;
	struct courier_config *cfg;
	struct http_stub *stub;
	struct event *guard, *look;
	size_t n_windows, n_settles, wanted, requests;
	struct msg_window windows[WINDOWS];
	struct msg_settle settles[SETTLES];
	bool keeper_ended;
};

static const struct metrics_page *page;

/* ---- fixture */

static void
on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fail_msg("nothing came for half a minute");
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd;
	(void)what;
	if (w->requests > 0 && http_stub_requested(w->stub) >= w->requests)
		loop_stop(w->loop);
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct world *w = arg;

	assert_int_equal(fd, -1);
	for (size_t i = 0; i < count; i++) {
		if (type == MSG_WINDOW) {
			assert_true(w->n_windows < WINDOWS);
			w->windows[w->n_windows++] =
			    ((const struct msg_window *)records)[i];
		} else {
			assert_int_equal(type, MSG_SETTLE);
			assert_true(w->n_settles < SETTLES);
			w->settles[w->n_settles++] =
			    ((const struct msg_settle *)records)[i];
		}
	}
	if (w->wanted > 0 && w->n_windows + w->n_settles >= w->wanted)
		loop_stop(w->loop);
}

static void
on_end(void *arg, enum channel_end why)
{
	struct world *w = arg;

	(void)why;
	w->keeper_ended = true;
}

static struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e;

	assert_non_null(w);
	w->cfg = calloc(1, sizeof(*w->cfg));
	assert_non_null(w->cfg);
	assert_int_equal(loop_new(&w->loop, &e), ST_OK);
	w->stub = http_stub_start(LOCAL);
	return w;
}

static struct courier_billing *
add_billing(struct world *w, const char *name, int64_t in_flight)
{
	struct courier_billing *b = &w->cfg->billings[w->cfg->n_billings++];
	char url[HTTP_STUB_URL];

	http_stub_url(w->stub, "127.0.0.1", "/hooks", url);
	(void)snprintf(b->name, sizeof(b->name), "%s", name);
	(void)snprintf(b->url, sizeof(b->url), "%s", url);
	(void)snprintf(b->ca, sizeof(b->ca), "%s", http_stub_ca(w->stub));
	b->event.n_secrets = 1;
	b->event.secret_len[0] = 32;
	memset(b->event.secret[0], 'k', 32);
	b->timeout_ms = LONG_MS;
	b->in_flight = in_flight;
	return b;
}

static void
start(struct world *w)
{
	static const struct timeval a_minute = { .tv_sec = 60 },
				    often = { .tv_usec = 1000 };
	struct channel_config cc = { .self = PARTY_KEEPER,
		.peer = PARTY_COURIER,
		.most_queued = 1024,
		.on_records = on_records,
		.on_end = on_end,
		.arg = w };
	struct err e;
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	cc.fd = w->keeper_fd = pair[0];
	w->room = (struct room){ .loop = w->loop,
		.party = PARTY_COURIER,
		.keeper = pair[1],
		.exit_code = -1 };
	assert_int_equal(channel_new(&w->keeper, w->loop, &cc, &e), ST_OK);
	assert_int_equal(
	    courier_start(&w->courier, &w->room, w->cfg, &e), ST_OK);
	w->guard = evtimer_new(loop_base(w->loop), on_guard, NULL);
	assert_int_equal(evtimer_add(w->guard, &a_minute), 0);
	w->look = event_new(loop_base(w->loop), -1, EV_PERSIST, on_look, w);
	assert_int_equal(event_add(w->look, &often), 0);
}

static struct world *
started(int64_t in_flight)
{
	struct world *w = world_new();

	(void)add_billing(w, "main", in_flight);
	start(w);
	return w;
}

static void
world_free(struct world *w)
{
	courier_free(w->courier);
	channel_free(w->keeper);
	http_stub_stop(w->stub);
	event_free(w->guard);
	event_free(w->look);
	loop_free(w->loop);
	free(w->cfg);
	free(w);
}

/* ---- helpers */

static struct msg_delivery
delivery(const char *endpoint, uint64_t seq, uint32_t attempt)
{
	struct msg_delivery m = { .seq = seq,
		.endpoint_id = 7,
		.attempt = attempt,
		.receipt = { .amount_minor = 115000,
		    .paid_at_us = INT64_C(1764657045000000),
		    .received_at_us = INT64_C(1764657047123456),
		    .currency = "BDT",
		    .merchant = "testbox",
		    .invoice_id = "INV-2025-000123" } };

	(void)snprintf(m.endpoint, sizeof(m.endpoint), "%s", endpoint);
	m.receipt.id.b[15] = (unsigned char)seq;
	return m;
}

static void
hand_over(struct world *w, const char *endpoint, uint64_t seq, uint32_t attempt)
{
	struct msg_delivery m = delivery(endpoint, seq, attempt);

	assert_int_equal(channel_add(w->keeper, MSG_DELIVERY, &m), ST_OK);
}

/* Until the keeper holds that many settles more than now. */
static void
run_until_settled(struct world *w, size_t n)
{
	w->wanted = w->n_settles + n + w->cfg->n_billings;
	loop_run(w->loop);
	w->wanted = 0;
	assert_int_equal(w->room.exit_code, -1);
}

static void
run_until_requested(struct world *w, size_t n)
{
	w->requests = n;
	loop_run(w->loop);
	w->requests = 0;
	assert_int_equal(w->room.exit_code, -1);
}

static void
run_until_over(struct world *w, int code)
{
	loop_run(w->loop);
	assert_int_equal(w->room.exit_code, code);
}

/* Read what is on its way to the keeper after the courier has gone. */
static void
let_keeper_read(struct world *w)
{
	courier_free(w->courier);
	w->courier = NULL;
	for (int i = 0; i < 100 && !w->keeper_ended; i++)
		assert_true(event_base_loop(loop_base(w->loop),
				EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
	assert_true(w->keeper_ended);
}

static void
settle_is(const struct world *w, size_t i, uint64_t seq, enum outcome outcome,
    unsigned http_status)
{
	assert_true(i < w->n_settles);
	assert_int_equal(w->settles[i].seq, seq);
	assert_int_equal(w->settles[i].endpoint_id, 7);
	assert_int_equal(w->settles[i].outcome, outcome);
	assert_int_equal(w->settles[i].http_status, http_status);
}

static void
say(struct world *w, const char *bytes, enum http_stub_then then)
{
	struct http_stub_answer a = { .bytes = bytes, .then = then };

	http_stub_say(w->stub, &a);
}

/* The value of a header in a request, copied; fails when it is missing. */
static void
header(const char *request, const char *name, char *out, size_t cap)
{
	char start[64];
	const char *at, *end;

	(void)snprintf(start, sizeof(start), "\r\n%s: ", name);
	at = strstr(request, start);
	assert_non_null(at);
	at += strlen(start);
	end = strstr(at, "\r\n");
	assert_true(end != NULL && (size_t)(end - at) < cap);
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = '\0';
}

static const char *
body_of(const char *request)
{
	const char *end = strstr(request, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static int64_t
cell(enum metric m)
{
	return page->cell[m];
}

/* ---- deliveries */

static void
windows_are_told_first(void **state)
{
	struct world *w = world_new();

	(void)state;
	(void)add_billing(w, "main", 8);
	(void)add_billing(w, "other", 1);
	start(w);
	w->wanted = 2;
	loop_run(w->loop);
	assert_int_equal(w->n_windows, 2);
	assert_string_equal(w->windows[0].name, "main");
	assert_int_equal(w->windows[0].most, 8);
	assert_string_equal(w->windows[1].name, "other");
	assert_int_equal(w->windows[1].most, 1);
	world_free(w);
}

static void
a_delivery_is_posted_signed_and_settled(void **state)
{
	static const char expected[] =
	    "{\"type\":\"payment.received\","
	    "\"timestamp\":\"2025-12-02T06:30:47.123456Z\",\"data\":"
	    "{\"id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaabi\","
	    "\"invoice_id\":\"INV-2025-000123\",\"amount\":\"1150.00\","
	    "\"currency\":\"BDT\",\"paid_at\":\"2025-12-02T06:30:45Z\","
	    "\"received_at\":\"2025-12-02T06:30:47.123456Z\"}}";
	int64_t before_s = clock_wall_us() / 1000000;
	struct world *w = started(1);
	char value[256];
	const char *sent;

	(void)state;
	hand_over(w, "main", 10, 3);
	run_until_settled(w, 1);
	settle_is(w, 0, 10, OUTCOME_DELIVERED, 200);
	assert_int_equal(w->settles[0].attempt, 3);
	sent = http_stub_request(w->stub, 0);
	assert_string_equal(body_of(sent), expected);
	header(sent, "Content-Type", value, sizeof(value));
	assert_string_equal(value, "application/json");
	header(sent, "webhook-id", value, sizeof(value));
	assert_string_equal(value, "rcpt_aaaaaaaaaaaaaaaaaaaaaaaabi");
	header(sent, "webhook-timestamp", value, sizeof(value));
	assert_in_range(
	    strtoll(value, NULL, 10), before_s, clock_wall_us() / 1000000);
	world_free(w);
}

static void
each_secret_signs_what_was_sent(void **state)
{
	struct world *w = world_new();
	struct courier_billing *b = add_billing(w, "main", 1);
	char id[64], at[32], signature[256];
	struct bytes secrets[2];
	const char *sent;
	struct buf again;

	(void)state;
	b->event.n_secrets = 2;
	b->event.secret_len[1] = 64;
	memset(b->event.secret[1], 'o', 64);
	for (size_t i = 0; i < 2; i++)
		secrets[i] =
		    bytes_make(b->event.secret[i], b->event.secret_len[i]);
	start(w);
	hand_over(w, "main", 10, 1);
	run_until_settled(w, 1);
	sent = http_stub_request(w->stub, 0);
	header(sent, "webhook-id", id, sizeof(id));
	header(sent, "webhook-timestamp", at, sizeof(at));
	header(sent, "webhook-signature", signature, sizeof(signature));
	buf_init(&again, 512);
	assert_int_equal(
	    webhook_sign(secrets, 2, NULL, 0, id, strtoll(at, NULL, 10),
		bytes_of(body_of(sent)), &again),
	    ST_OK);
	assert_string_equal(signature, (const char *)again.data);
	assert_non_null(strstr(signature, " v1,"));
	buf_fini(&again);
	world_free(w);
}

static void
the_next_attempt_has_the_same_id_and_body(void **state)
{
	struct world *w = started(1);
	char first[64], second[64];

	(void)state;
	say(w, "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n",
	    HTTP_STUB_KEEP);
	hand_over(w, "main", 10, 1);
	run_until_settled(w, 1);
	hand_over(w, "main", 10, 2);
	run_until_settled(w, 1);
	header(
	    http_stub_request(w->stub, 0), "webhook-id", first, sizeof(first));
	header(http_stub_request(w->stub, 1), "webhook-id", second,
	    sizeof(second));
	assert_string_equal(first, second);
	assert_string_equal(body_of(http_stub_request(w->stub, 0)),
	    body_of(http_stub_request(w->stub, 1)));
	world_free(w);
}

static void
only_2xx_is_delivered(void **state)
{
	static const struct {
		const char *bytes;
		enum outcome outcome;
		unsigned http_status;
	} answers[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		    OUTCOME_DELIVERED, 200 },
		{ "HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n",
		    OUTCOME_DELIVERED, 299 },
		{ "HTTP/1.1 302 Found\r\nLocation: /\r\n"
		  "Content-Length: 0\r\n\r\n",
		    OUTCOME_STATUS, 302 },
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
		    OUTCOME_STATUS, 404 },
		{ "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
		    OUTCOME_STATUS, 500 },
		{ "HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n", OUTCOME_IO,
		    0 },
	};
	struct world *w = started(1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		say(w, answers[i].bytes, HTTP_STUB_KEEP);
		hand_over(w, "main", i + 1, 1);
		run_until_settled(w, 1);
		settle_is(
		    w, i, i + 1, answers[i].outcome, answers[i].http_status);
	}
	assert_int_equal(http_stub_requested(w->stub), ARRAY_LEN(answers));
	world_free(w);
}

static void
every_transport_fault_has_its_own_outcome(void **state)
{
	struct world *w = world_new();
	struct courier_billing *b;

	(void)state;
	b = add_billing(w, "untrusted", 1);
	b->ca[0] = '\0';
	b = add_billing(w, "refused", 1);
	(void)snprintf(b->url, sizeof(b->url), "http://192.0.2.1/");
	b = add_billing(w, "silent", 1);
	b->timeout_ms = 200;
	(void)add_billing(w, "cut", 1);
	b = add_billing(w, "nameless", 1);
	(void)snprintf(b->url, sizeof(b->url), "https://%064d.invalid/", 0);
	start(w);
	hand_over(w, "untrusted", 1, 1);
	run_until_settled(w, 1);
	settle_is(w, 0, 1, OUTCOME_CERTIFICATE, 0);
	hand_over(w, "refused", 2, 1);
	run_until_settled(w, 1);
	settle_is(w, 1, 2, OUTCOME_CONNECT, 0);
	say(w, "", HTTP_STUB_HANG);
	hand_over(w, "silent", 3, 1);
	run_until_settled(w, 1);
	settle_is(w, 2, 3, OUTCOME_TIMEOUT, 0);
	say(w, "HTTP/1.1 200", HTTP_STUB_CLOSE);
	hand_over(w, "cut", 4, 1);
	run_until_settled(w, 1);
	settle_is(w, 3, 4, OUTCOME_IO, 0);
	hand_over(w, "nameless", 5, 1);
	run_until_settled(w, 1);
	settle_is(w, 4, 5, OUTCOME_DNS, 0);
	world_free(w);
}

static void
a_delivery_to_nobody_fails_and_is_settled(void **state)
{
	struct world *w = started(1);

	(void)state;
	hand_over(w, "yesterday", 10, 1);
	run_until_settled(w, 1);
	settle_is(w, 0, 10, OUTCOME_IO, 0);
	assert_int_equal(http_stub_accepted(w->stub), 0);
	world_free(w);
}

/* ---- several at once */

static void
a_window_is_used_whole_and_again(void **state)
{
	struct world *w = started(4);

	(void)state;
	http_stub_hold(w->stub, true);
	for (uint64_t i = 1; i <= 4; i++)
		hand_over(w, "main", i, 1);
	run_until_requested(w, 4);
	assert_int_equal(cell(MET_DELIVERIES_IN_FLIGHT), 4);
	assert_int_equal(w->n_settles, 0);
	http_stub_hold(w->stub, false);
	run_until_settled(w, 4);
	assert_int_equal(cell(MET_DELIVERIES_IN_FLIGHT), 0);
	for (uint64_t i = 5; i <= 8; i++)
		hand_over(w, "main", i, 1);
	run_until_settled(w, 4);
	assert_true(http_stub_accepted(w->stub) <= 4);
	world_free(w);
}

static void
more_than_the_window_ends_the_courier(void **state)
{
	struct world *w = started(2);

	(void)state;
	http_stub_hold(w->stub, true);
	for (uint64_t i = 1; i <= 3; i++)
		hand_over(w, "main", i, 1);
	run_until_over(w, 1);
	world_free(w);
}

static void
a_silent_endpoint_does_not_delay_another(void **state)
{
	struct world *w = world_new();
	struct http_stub *silent = http_stub_start(LOCAL);
	struct courier_billing *b;
	char url[HTTP_STUB_URL];

	(void)state;
	http_stub_hold(silent, true);
	(void)add_billing(w, "main", 1);
	b = add_billing(w, "silent", 1);
	http_stub_url(silent, "127.0.0.1", "/", url);
	(void)snprintf(b->url, sizeof(b->url), "%s", url);
	(void)snprintf(b->ca, sizeof(b->ca), "%s", http_stub_ca(silent));
	start(w);
	hand_over(w, "silent", 1, 1);
	for (uint64_t i = 2; i < 6; i++) {
		hand_over(w, "main", i, 1);
		run_until_settled(w, 1);
		settle_is(w, i - 2, i, OUTCOME_DELIVERED, 200);
	}
	http_stub_stop(silent);
	world_free(w);
}

/* ---- ends */

static void
without_a_keeper_the_room_ends(void **state)
{
	struct world *w = started(1);

	(void)state;
	channel_free(w->keeper);
	w->keeper = NULL;
	run_until_over(w, 1);
	world_free(w);
}

static void
an_idle_courier_drains_at_once(void **state)
{
	struct world *w = started(1);

	(void)state;
	w->room.on_drain(w->room.arg);
	run_until_over(w, 0);
	world_free(w);
}

static void
a_drain_finishes_what_is_in_flight_and_takes_no_more(void **state)
{
	struct world *w = started(4);

	(void)state;
	http_stub_hold(w->stub, true);
	hand_over(w, "main", 1, 1);
	hand_over(w, "main", 2, 1);
	run_until_requested(w, 2);
	w->room.on_drain(w->room.arg);
	hand_over(w, "main", 3, 1);
	http_stub_hold(w->stub, false);
	run_until_over(w, 0);
	let_keeper_read(w);
	assert_int_equal(w->n_settles, 2);
	assert_int_equal(w->settles[0].seq + w->settles[1].seq, 3);
	assert_int_equal(http_stub_requested(w->stub), 2);
	world_free(w);
}

/* The kernel tells the other end of a socket that was closed with unread
 * packets about that before it hands out what came earlier. */
static void
the_last_settle_arrives_although_a_delivery_was_left(void **state)
{
	struct {
		struct msg_header h;
		struct msg_delivery m;
	} late = { { MSG_DELIVERY, 1 }, delivery("main", 2, 1) };
	struct world *w = started(1);

	(void)state;
	http_stub_hold(w->stub, true);
	hand_over(w, "main", 1, 1);
	run_until_requested(w, 1);
	w->room.on_drain(w->room.arg);
	http_stub_hold(w->stub, false);
	run_until_over(w, 0);
	assert_int_equal(w->n_settles, 0);
	assert_int_equal(
	    send(w->keeper_fd, &late, sizeof(late), 0), sizeof(late));
	let_keeper_read(w);
	assert_int_equal(w->n_settles, 1);
	settle_is(w, 0, 1, OUTCOME_DELIVERED, 200);
	world_free(w);
}

static void
deliveries_under_way_are_dropped_by_free(void **state)
{
	struct world *w = started(4);

	(void)state;
	http_stub_hold(w->stub, true);
	for (uint64_t i = 1; i <= 3; i++)
		hand_over(w, "main", i, 1);
	run_until_requested(w, 3);
	let_keeper_read(w);
	assert_int_equal(w->n_settles, 0);
	world_free(w);
}

static void
a_url_that_is_none_stops_the_start(void **state)
{
	struct world *w = world_new();
	struct courier *c;
	struct err e;

	(void)state;
	(void)snprintf(add_billing(w, "main", 1)->url, CONFIG_URL, "ftp://x/");
	w->room = (struct room){ .loop = w->loop, .keeper = -1 };
	assert_int_equal(courier_start(&c, &w->room, w->cfg, &e), ST_CONFIG);
	assert_null(c);
	http_stub_stop(w->stub);
	loop_free(w->loop);
	free(w->cfg);
	free(w);
}

/* ---- what is told */

static void
attempts_are_counted_by_outcome(void **state)
{
	int64_t delivered = cell(MET_ATTEMPT_DELIVERED);
	int64_t refused = cell(MET_ATTEMPT_STATUS);
	int64_t timed = cell(MET_DELIVERY_SECONDS_LAST);
	struct world *w = started(1);

	(void)state;
	hand_over(w, "main", 1, 1);
	run_until_settled(w, 1);
	say(w, "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", HTTP_STUB_KEEP);
	hand_over(w, "main", 2, 1);
	run_until_settled(w, 1);
	assert_int_equal(cell(MET_ATTEMPT_DELIVERED), delivered + 1);
	assert_int_equal(cell(MET_ATTEMPT_STATUS), refused + 1);
	assert_true(cell(MET_DELIVERY_SECONDS_LAST) > timed);
	world_free(w);
}

static void
the_log_names_receipt_and_endpoint_only(void **state)
{
	static const char *const never[] = { "INV-2025", "1150.00", "BDT",
		"kkkk", "v1,", "https:" };
	int log = memfd_create("log", MFD_CLOEXEC);
	int kept = dup(STDERR_FILENO);
	struct world *w = started(1);
	char text[8192] = "";

	(void)state;
	assert_true(log >= 0 && kept >= 0);
	assert_true(dup2(log, STDERR_FILENO) >= 0);
	hand_over(w, "main", 10, 1);
	run_until_settled(w, 1);
	say(w, "HTTP/1.1 500 INV-2025\r\nX: kkkk\r\n\r\n1150 BDT",
	    HTTP_STUB_CLOSE);
	hand_over(w, "main", 10, 2);
	run_until_settled(w, 1);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "\"event\":\"delivered\""));
	assert_non_null(strstr(text, "\"event\":\"delivery_failed\""));
	assert_non_null(strstr(text, "\"endpoint\":\"main\""));
	assert_non_null(strstr(text, "rcpt_aaaaaaaaaaaaaaaaaaaaaaaabi"));
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_null(strstr(text, never[i]));
	(void)close(kept);
	(void)close(log);
	world_free(w);
}

static int
attach_metrics(void **state)
{
	int fd = metrics_page_new();

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	page = metrics_page_map(fd);
	if (fd < 0 || page == NULL || metrics_attach(fd) != ST_OK)
		return -1;
	return close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_are_told_first),
		cmocka_unit_test(a_delivery_is_posted_signed_and_settled),
		cmocka_unit_test(each_secret_signs_what_was_sent),
		cmocka_unit_test(the_next_attempt_has_the_same_id_and_body),
		cmocka_unit_test(only_2xx_is_delivered),
		cmocka_unit_test(every_transport_fault_has_its_own_outcome),
		cmocka_unit_test(a_delivery_to_nobody_fails_and_is_settled),
		cmocka_unit_test(a_window_is_used_whole_and_again),
		cmocka_unit_test(more_than_the_window_ends_the_courier),
		cmocka_unit_test(a_silent_endpoint_does_not_delay_another),
		cmocka_unit_test(without_a_keeper_the_room_ends),
		cmocka_unit_test(an_idle_courier_drains_at_once),
		cmocka_unit_test(
		    a_drain_finishes_what_is_in_flight_and_takes_no_more),
		cmocka_unit_test(
		    the_last_settle_arrives_although_a_delivery_was_left),
		cmocka_unit_test(deliveries_under_way_are_dropped_by_free),
		cmocka_unit_test(a_url_that_is_none_stops_the_start),
		cmocka_unit_test(attempts_are_counted_by_outcome),
		cmocka_unit_test(the_log_names_receipt_and_endpoint_only),
	};

	return cmocka_run_group_tests(tests, attach_metrics, NULL);
}
