/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/kubelet_endpoint.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "setup/host_marker.h"

static const char *const names[] = { "--container-runtime-endpoint", "containerRuntimeEndpoint:" };

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '=' || byte == '"' || byte == '\'';
}

/* Whether a '#' stands before `at` in its line. */
static bool is_comment(struct str text, size_t at)
{
	while (at && text.p[at - 1] != '\n')
		if (text.p[--at] == '#')
			return true;
	return false;
}

struct str kubelet_endpoint_in(struct str text)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t length = strlen(names[i]);
		struct str rest = text, value;
		const char *at;

		while (rest.len && (at = memmem(rest.p, rest.len, names[i], length))) {
			rest = str_from(rest, (size_t)(at - rest.p) + length);
			if (is_comment(text, (size_t)(at - text.p)) || !rest.len || !is_blank(rest.p[0]))
				continue;
			while (rest.len && is_blank(rest.p[0]))
				rest = str_from(rest, 1);
			if (str_starts(rest, STR("unix://")))
				rest = str_from(rest, strlen("unix://"));
			value = (struct str){ rest.p, 0 };
			while (value.len < rest.len && rest.p[value.len] && !strchr(" \t\r\n\"'\\", rest.p[value.len]))
				value.len++;
			if (value.len)
				return value;
		}
	}
	return (struct str){ 0 };
}

bool kubelet_endpoint_find(int root_fd, char *endpoint, size_t size)
{
	/* Flags beat the configuration file. */
	static const char *const files[] = {
		"/var/lib/kubelet/kubeadm-flags.env",
		"/etc/default/kubelet",
		"/etc/sysconfig/kubelet",
		"/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
		"/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
		"/var/lib/kubelet/config.yaml",
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		auto_close int fd = host_open(root_fd, files[i], O_RDONLY | O_NONBLOCK);
		struct buf out = buf_over(endpoint, size);
		auto_free char *text = NULL;
		struct str value;
		size_t len;

		if (fd < 0 || file_read_fd(fd, KUBELET_FILE_MAX, &text, &len, NULL) < 0)
			continue;
		value = kubelet_endpoint_in((struct str){ text, len });
		buf_str(&out, value);
		if (value.len && !out.overflow)
			return true;
	}
	return false;
}
