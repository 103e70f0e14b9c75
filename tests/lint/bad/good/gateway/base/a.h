/* A header that is fine; // printf(), "quotes" and sprintf() in words. */
#ifndef BASE_A_H
#define BASE_A_H

#include <stddef.h>

size_t a_length(const char *text);

#endif
