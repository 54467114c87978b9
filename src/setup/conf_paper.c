/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/conf_paper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

int conf_paper_add(struct conf_paper *paper, struct str text, const char **ret_name, struct error *err)
{
	size_t index = paper->n;
	int fd;

	if (index == sizeof paper->fd / sizeof *paper->fd)
		return error_set(err, E2BIG, "too many files to judge");
	fd = memfd_create("configuration", 0); /* inherited by the program that judges */
	if (fd < 0)
		return error_errno(err, errno, "no memory file for what is to be judged");
	paper->fd[paper->n++] = fd;
	while (text.len) {
		ssize_t n = write(fd, text.p, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "cannot write what is to be judged");
		text = str_from(text, (size_t)n);
	}
	(void)snprintf(paper->name[index], CONF_PAPER_NAME, "/proc/self/fd/%d", fd);
	*ret_name = paper->name[index];
	return 0;
}

int conf_paper_folder(struct conf_paper *paper, struct error *err)
{
	char path[] = "/tmp/tetragon-setup-XXXXXX";

	if (!mkdtemp(path))
		return error_errno(err, errno, "cannot make a folder of links in /tmp for the program that judges");
	memcpy(paper->folder, path, sizeof path);
	return 0;
}

int conf_paper_link(struct conf_paper *paper, const char *to, struct error *err)
{
	char path[CONF_PAPER_NAME * 2];

	(void)snprintf(path, sizeof path, "%s/%03zu.conf", paper->folder, paper->links);
	if (symlink(to, path))
		return error_errno(err, errno, "cannot make a link in %s", paper->folder);
	paper->links++;
	return 0;
}

void conf_paper_done(struct conf_paper *paper)
{
	char path[CONF_PAPER_NAME * 2];

	for (size_t i = 0; i < paper->links; i++) {
		(void)snprintf(path, sizeof path, "%s/%03zu.conf", paper->folder, i);
		(void)unlink(path); /* links to nothing by then: untidy, no more */
	}
	if (paper->folder[0])
		(void)rmdir(paper->folder); /* as above */
	for (size_t i = 0; i < paper->n; i++)
		(void)close(paper->fd[i]);
	*paper = (struct conf_paper){ 0 };
}
