/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/fuzz/replay.c: main() of a fuzz target where there is no libFuzzer: runs it once on the empty input and on
 * every file of the folders, and every file, that the command line names. Prints how many there were; fails when a
 * folder is empty.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#define INPUT_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int input_run(int dir_fd, const char *name)
{
	auto_free char *text = NULL, *exact = NULL;
	struct error err = { 0 };
	size_t len;

	if (file_read_at(dir_fd, name, INPUT_MAX, &text, &len, &err) < 0) {
		(void)fprintf(stderr, "replay: %s\n", err.text);
		return -1;
	}
	exact = malloc(len ? len : 1); /* exact fit: a sanitizer sees one byte too many */
	if (!exact)
		return -1;
	memcpy(exact, text, len);
	(void)fprintf(stderr, "replay: %s, %zu bytes\n", name, len); /* the last line names what crashed */
	(void)LLVMFuzzerTestOneInput((const uint8_t *)exact, len);
	return 1;
}

static int folder_run(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	if (!dir) {
		perror(path);
		return -1;
	}
	while (n >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		n = input_run(dirfd(dir), entry->d_name) < 0 ? -1 : n + 1;
	}
	(void)closedir(dir);
	return n;
}

int main(int argc, char *argv[])
{
	int total = 0;

	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int n;

		if (stat(argv[i], &st)) {
			perror(argv[i]);
			return 1;
		}
		n = S_ISDIR(st.st_mode) ? folder_run(argv[i]) : input_run(AT_FDCWD, argv[i]);
		if (n <= 0) {
			(void)fprintf(stderr, "replay: %s: %s\n", argv[i], n ? "cannot be run" : "no input there");
			return 1;
		}
		total += n;
	}
	(void)printf("%d inputs\n", total);
	return 0;
}
