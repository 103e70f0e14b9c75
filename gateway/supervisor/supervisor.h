/*
 * The supervisor: starts, watches, reloads and drains the rooms.
 *
 * Reads the configuration, opens listeners and secret files, starts each room
 * as a process of its own with only what it may know, and holds nothing of a
 * payment.  An edge, asker, courier or desk that dies is started again with
 * growing gaps; if the keeper dies everything stops; if the supervisor dies,
 * by SIGKILL too, every room ends at once.  SIGHUP reloads, SIGTERM and SIGINT
 * drain, a second one ends at once.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

/* `paysieve serve`: run the gateway on the configuration at path until it is
 * stopped.  Returns the exit code: 0 after a drain, 78 for a bad
 * configuration (its faults were printed), 74 when the store failed, 1. */
int supervisor_run(const char *config_path);

/* The hidden first argument with which a room's process is started. */
#define SUPERVISOR_ROOM_ARG "--room"

/* main() of a room's process: argv as the supervisor made it. */
int supervisor_room_main(int argc, char **argv);

#endif
