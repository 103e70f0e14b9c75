#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void
folder_path(const char *folder, const char *name, char out[FOLDER_PATH])
{
	int n = snprintf(out, FOLDER_PATH, "%s/%s", folder, name);

	assert_true(n > 0 && n < FOLDER_PATH);
}

void
folder_put(const char *folder, const char *name, const char *text)
{
	char path[FOLDER_PATH];
	FILE *f;

	folder_path(folder, name, path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

bool
folder_has(const char *folder, const char *name)
{
	char path[FOLDER_PATH];

	folder_path(folder, name, path);
	return access(path, F_OK) == 0;
}
