#include <stdio.h>

#include <curl/curl.h>
#include <event2/event.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include "command/command.h"

/* The libraries that are loaded, not those it was built with. */
void
version_print(void)
{
	(void)printf("paysieve %s (%s)\n", PAYSIEVE_VERSION, PAYSIEVE_VARIANT);
#ifdef __clang__
	(void)printf("compiler  clang %s\n", __clang_version__);
#else
	(void)printf("compiler  gcc %s\n", __VERSION__);
#endif
	(void)printf("libevent  %s\n", event_get_version());
	(void)printf("OpenSSL   %s\n", OpenSSL_version(OPENSSL_VERSION_STRING));
	(void)printf("jansson   %s\n", jansson_version_str());
	(void)printf("SQLite    %s\n", sqlite3_libversion());
	(void)printf(
	    "libcurl   %s\n", curl_version_info(CURLVERSION_NOW)->version);
}
