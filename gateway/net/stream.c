#include "net/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define DISCARD_AT_ONCE (64 * 1024)

bool
stream_open(struct stream *s, int fd, SSL_CTX *tls)
{
	*s = (struct stream){ .fd = fd, .ready = tls == NULL };
	if (tls == NULL)
		return true;
	fold_wanted(true);
	s->ssl = SSL_new(tls);
	fold_wanted(false);
	if (s->ssl == NULL || SSL_set_fd(s->ssl, fd) != 1) {
		s->broken = true;
		ERR_clear_error();
		return false;
	}
	SSL_set_accept_state(s->ssl);
	return true;
}

static enum stream_result
errno_result(void)
{
	switch (errno) {
	case EAGAIN:
	case EINTR:
		return STREAM_WANT_READ;
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
		return STREAM_RESET;
	default:
		return STREAM_FAILED;
	}
}

static enum stream_result
tls_result(struct stream *s, int ret)
{
	switch (SSL_get_error(s->ssl, ret)) {
	case SSL_ERROR_NONE:
		return STREAM_DONE;
	case SSL_ERROR_WANT_READ:
		return STREAM_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return STREAM_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return STREAM_EOF;
	case SSL_ERROR_SYSCALL:
		s->broken = true;
		return errno == 0 ? STREAM_RESET : errno_result();
	default:
		s->broken = true;
		return STREAM_FAILED;
	}
}

void
stream_rest(struct stream *s)
{
	if (s->ssl != NULL && s->fold == NULL && s->ready && !s->broken &&
	    SSL_has_pending(s->ssl) == 0)
		s->fold = fold_make(s->ssl);
}

static void
wake(struct stream *s)
{
	fold_undo(s->fold);
	s->fold = NULL;
}

/* OpenSSL judges an outcome by its error queue, which has to be empty. */
static void
before_tls(void)
{
	ERR_clear_error();
	errno = 0;
}

enum stream_result
stream_handshake(struct stream *s)
{
	enum stream_result r;

	before_tls();
	r = tls_result(s, SSL_do_handshake(s->ssl));
	s->ready = r == STREAM_DONE;
	return r;
}

enum stream_result
stream_read_bare(struct stream *s, void *p, size_t cap, size_t *n)
{
	ssize_t got = read(s->fd, p, cap);

	*n = 0;
	if (got < 0)
		return errno_result();
	*n = (size_t)got;
	return got == 0 ? STREAM_EOF : STREAM_DONE;
}

enum stream_result
stream_read(struct stream *s, void *p, size_t cap, size_t *n)
{
	*n = 0;
	if (s->broken)
		return STREAM_FAILED;
	if (s->ssl != NULL) {
		wake(s);
		before_tls();
		return tls_result(s, SSL_read_ex(s->ssl, p, cap, n));
	}
	return stream_read_bare(s, p, cap, n);
}

enum stream_result
stream_write(struct stream *s, const void *p, size_t len, size_t *n)
{
	enum stream_result r;
	ssize_t put;

	*n = 0;
	if (s->broken)
		return STREAM_FAILED;
	if (s->ssl != NULL) {
		wake(s);
		before_tls();
		return tls_result(s, SSL_write_ex(s->ssl, p, len, n));
	}
	put = write(s->fd, p, len);
	if (put < 0) {
		r = errno_result();
		return r == STREAM_WANT_READ ? STREAM_WANT_WRITE : r;
	}
	*n = (size_t)put;
	return STREAM_DONE;
}

bool
stream_has_more(const struct stream *s)
{
	return s->ssl != NULL && s->fold == NULL && !s->broken &&
	       SSL_has_pending(s->ssl) != 0;
}

bool
stream_resumed(const struct stream *s)
{
	return s->ssl != NULL && SSL_session_reused(s->ssl) != 0;
}

void
stream_end(struct stream *s)
{
	wake(s);
	if (s->ssl != NULL && s->ready && !s->broken) {
		before_tls();
		(void)SSL_shutdown(s->ssl);
	}
	if (s->ssl != NULL) {
		/* Its record may hold, in clear, bytes nobody will read. */
		SSL_free(s->ssl);
		s->ssl = NULL;
		s->broken = true;
	}
}

void
stream_shut(struct stream *s)
{
	stream_end(s);
	(void)shutdown(s->fd, SHUT_WR);
}

enum stream_result
stream_discard(struct stream *s, size_t *n)
{
	/* With MSG_TRUNC a TCP socket drops the bytes instead of copying.
	 * recvmsg(), because the edge's sandbox has no recvfrom(). */
	struct iovec nowhere = { .iov_len = DISCARD_AT_ONCE };
	struct msghdr msg = { .msg_iov = &nowhere, .msg_iovlen = 1 };
	ssize_t got = recvmsg(s->fd, &msg, MSG_TRUNC);

	*n = 0;
	if (got < 0)
		return errno_result();
	*n = (size_t)got;
	return got == 0 ? STREAM_EOF : STREAM_DONE;
}

void
stream_close(struct stream *s)
{
	wake(s);
	SSL_free(s->ssl);
	s->ssl = NULL;
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}
