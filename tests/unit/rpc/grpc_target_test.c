/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/error.h"
#include "rpc/grpc_target.h"

#define A107 \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijjjjjjjjjj1234567"

static const struct {
	const char *target;
	int want;
	const char *text; /* address as printed below, or a part of the error */
} targets[] = {
	{ "unix:///var/run/tetragon/tetragon.sock", 0, "unix /var/run/tetragon/tetragon.sock" },
	{ "unix:/abs", 0, "unix /abs" },
	{ "unix:rel/a.sock", 0, "unix rel/a.sock" },
	{ "unix:" A107, 0, "unix " A107 },
	{ "unix-abstract:name", 0, "abstract name" },
	{ "127.0.0.1:54321", 0, "127.0.0.1 54321" },
	{ "localhost:1", 0, "127.0.0.1 1" },
	{ "dns:///localhost:65535", 0, "127.0.0.1 65535" },
	{ "dns:10.0.0.1:80", 0, "10.0.0.1 80" },
	{ "[::1]:80", 0, "::1 80" },
	{ "dns:///[fe80::1]:80", 0, "fe80::1 80" },

	{ "", -EINVAL, "no port" },
	{ "unix:", -EINVAL, "the path is empty" },
	{ "unix-abstract:", -EINVAL, "the name is empty" },
	{ "unix://host/path", -EINVAL, "a unix target has no host" },
	{ "unix:" A107 "8", -ENAMETOOLONG, "longer than 107 bytes" },
	{ "unix-abstract:" A107 "8", -ENAMETOOLONG, "longer than 107 bytes" },
	{ "localhost", -EINVAL, "no port" },
	{ "[::1]", -EINVAL, "no port" },
	{ "localhost:", -EINVAL, "is not a port" },
	{ "localhost:0", -EINVAL, "is not a port" },
	{ "localhost:65536", -EINVAL, "is not a port" },
	{ "localhost:http", -EINVAL, "is not a port" },
	{ "localhost:-1", -EINVAL, "is not a port" },
	{ ":80", -EINVAL, "host ''" },
	{ "agent.example:80", -EINVAL, "host 'agent.example' is not a numeric address" },
	{ "::1:80", -EINVAL, "host '::1'" },
	{ "[localhost]:80", -EINVAL, "host 'localhost'" },
	{ "dns://8.8.8.8/agent:80", -EINVAL, "a DNS server cannot be chosen" },
	{ "http://localhost:80", -EINVAL, "unknown scheme" },
	{ "/var/run/x.sock", -EINVAL, "unknown scheme" },
};

static void address_print(const struct grpc_target *target, struct buf *out)
{
	const struct sockaddr_in *v4 = (const void *)&target->address;
	const struct sockaddr_in6 *v6 = (const void *)&target->address;
	const struct sockaddr_un *un = (const void *)&target->address;
	size_t path_len = target->length - offsetof(struct sockaddr_un, sun_path);
	char text[INET6_ADDRSTRLEN];

	if (target->address.ss_family == AF_INET)
		buf_printf(out, "%s %u", inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text), ntohs(v4->sin_port));
	else if (target->address.ss_family == AF_INET6)
		buf_printf(out, "%s %u", inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text), ntohs(v6->sin6_port));
	else if (!un->sun_path[0])
		buf_printf(out, "abstract %.*s", (int)path_len - 1, un->sun_path + 1);
	else
		buf_printf(out, "unix %.*s", (int)path_len - 1, un->sun_path);
}

static void targets_follow_the_table(void **state)
{
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		struct grpc_target target;
		struct error err = { 0 };
		char text[256];
		struct buf out = buf_over(text, sizeof text);
		int r = grpc_target_parse(str_of(targets[i].target), &target, &err);

		if (r >= 0)
			address_print(&target, &out);
		if (r != targets[i].want ||
		    (r < 0 ? !strstr(err.text, targets[i].text) : strcmp(text, targets[i].text)))
			fail_msg("%s: %d, '%s', %s", targets[i].target, r, text, err.text);
	}
	assert_int_equal(grpc_target_parse((struct str){ "unix:/a\0b", 9 }, &(struct grpc_target){ 0 }, NULL), -EINVAL);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(targets_follow_the_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
