/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_identity.h"

static void told(const char *flag, struct str *identity)
{
	if (flag[0])
		*identity = str_of(flag);
}

void hook_identity_told(const struct hook_conf *conf, struct identity *identity)
{
	told(conf->pod_namespace, &identity->pod_namespace);
	told(conf->pod_name, &identity->pod_name);
	told(conf->pod_uid, &identity->pod_uid);
	told(conf->container_name, &identity->container_name);
	told(conf->container_id, &identity->container_id);
	if (conf->pod_uid[0])
		identity->pod_uid_from = "--pod-uid";
}
