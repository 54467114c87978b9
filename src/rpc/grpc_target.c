/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

#include "base/error.h"

static int unix_set(struct grpc_target *target, struct str name, bool is_abstract, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t room = sizeof address.sun_path - 1; /* the NUL behind a path, or before an abstract name */

	if (!name.len)
		return error_set(err, EINVAL, "the %s is empty", is_abstract ? "name" : "path");
	if (str_find(name, '\0') >= 0)
		return error_set(err, EINVAL, "it holds a NUL byte");
	if (name.len > room)
		return error_set(err, ENAMETOOLONG, "longer than %zu bytes, which is a unix socket's limit", room);
	memcpy(address.sun_path + is_abstract, name.p, name.len);
	memcpy(&target->address, &address, sizeof address);
	target->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name.len + 1);
	return 0;
}

static int port_parse(struct str text, in_port_t *ret_port)
{
	unsigned port = 0;

	if (!text.len || text.len > 5)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -EINVAL;
		port = port * 10 + (unsigned)(text.p[i] - '0');
	}
	if (!port || port > 65535)
		return -EINVAL;
	*ret_port = htons((in_port_t)port);
	return 0;
}

static int host_set(struct grpc_target *target, struct str host, in_port_t port, struct error *err)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = port };
	char name[INET6_ADDRSTRLEN];
	bool is_bracketed = host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']';

	if (is_bracketed)
		host = (struct str){ host.p + 1, host.len - 2 };
	if (str_is(host, "localhost") && !is_bracketed)
		host = STR("127.0.0.1");
	if (host.len && host.len < sizeof name) {
		memcpy(name, host.p, host.len);
		name[host.len] = '\0';
		if (!is_bracketed && inet_pton(AF_INET, name, &v4.sin_addr) == 1) {
			memcpy(&target->address, &v4, sizeof v4);
			target->length = sizeof v4;
			return 0;
		}
		if (is_bracketed && inet_pton(AF_INET6, name, &v6.sin6_addr) == 1) {
			memcpy(&target->address, &v6, sizeof v6);
			target->length = sizeof v6;
			return 0;
		}
	}
	return error_set(err, EINVAL,
			 "host '%.*s' is not a numeric address and not localhost; host names are not resolved here",
			 (int)host.len, host.p);
}

static int tcp_set(struct grpc_target *target, struct str text, struct error *err)
{
	ptrdiff_t colon = str_find_last(text, ':');
	in_port_t port;

	if (colon < 0 || str_ends(text, STR("]")))
		return error_set(err, EINVAL, "no port; want host:port or unix:///path");
	if (port_parse(str_from(text, (size_t)colon + 1), &port) < 0)
		return error_set(err, EINVAL, "'%.*s' is not a port", (int)(text.len - (size_t)colon - 1),
				 text.p + colon + 1);
	return host_set(target, (struct str){ text.p, (size_t)colon }, port, err);
}

int grpc_target_parse(struct str target, struct grpc_target *ret_target, struct error *err)
{
	static const struct str scheme_unix = { "unix:", 5 }, scheme_abstract = { "unix-abstract:", 14 };
	static const struct str scheme_dns = { "dns:", 4 };
	struct str rest;
	int r;

	*ret_target = (struct grpc_target){ 0 };
	if (str_starts(target, scheme_abstract)) {
		r = unix_set(ret_target, str_from(target, scheme_abstract.len), true, err);
	} else if (str_starts(target, scheme_unix)) {
		rest = str_from(target, scheme_unix.len);
		if (str_starts(rest, STR("//")) && !str_starts(rest, STR("///")))
			r = error_set(err, EINVAL, "a unix target has no host; want unix:///absolute/path");
		else
			r = unix_set(ret_target, str_starts(rest, STR("///")) ? str_from(rest, 2) : rest, false, err);
	} else if (str_starts(target, scheme_dns)) {
		rest = str_from(target, scheme_dns.len);
		if (str_starts(rest, STR("///")))
			r = tcp_set(ret_target, str_from(rest, 3), err);
		else if (str_starts(rest, STR("//")))
			r = error_set(err, EINVAL, "a DNS server cannot be chosen; want dns:///host:port");
		else
			r = tcp_set(ret_target, rest, err);
	} else if (str_find(target, '/') >= 0) {
		r = error_set(err, EINVAL,
			      "unknown scheme; want unix:///path, unix-abstract:name, host:port or dns:///host:port");
	} else {
		r = tcp_set(ret_target, target, err);
	}
	if (r < 0)
		return error_wrap(err, r, "agent address '%.*s'", (int)target.len, target.p);
	return 0;
}
