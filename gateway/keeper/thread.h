/*
 * A thread beside the loop's: signals are not for it.
 */
#ifndef KEEPER_THREAD_H
#define KEEPER_THREAD_H

#include <pthread.h>

/* As pthread_create; any thread. */
int thread_start(pthread_t *thread, void *(*fn)(void *arg), void *arg);

#endif
