/*
 * Files of a test in a folder of its own.
 */
#ifndef SUPPORT_FOLDER_H
#define SUPPORT_FOLDER_H

#include <stdbool.h>

#define FOLDER_PATH 96

/* folder/name */
void folder_path(const char *folder, const char *name, char out[FOLDER_PATH]);

/* Write text to folder/name, mode 0600; the test fails when that fails. */
void folder_put(const char *folder, const char *name, const char *text);

bool folder_has(const char *folder, const char *name);

#endif
