/* SPDX-License-Identifier: Apache-2.0 */
/* The Process of a message, with its pod. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "event/message.h"
#include "pod/registry.h"
#include "process/exec_id.h"

#define DOCKER_ID_DIGITS 31 /* of the container id, in `docker` */

static char *exec_id(struct message_maker *maker, uint64_t ktime_ns, uint32_t pid)
{
	char text[EXEC_ID_MAX];
	struct buf out = buf_over(text, sizeof text);

	exec_id_write(&out, maker->node_name, ktime_ns, pid);
	return message_text(maker, str_of(text));
}

static Google__Protobuf__BoolValue *bool_value(struct message_maker *maker, bool value)
{
	Google__Protobuf__BoolValue *wrapper = message_alloc(maker, sizeof *wrapper);

	if (!wrapper)
		return NULL;
	google__protobuf__bool_value__init(wrapper);
	wrapper->value = value;
	return wrapper;
}

static char *flag_words(struct message_maker *maker, uint32_t flags)
{
	char text[256];
	struct buf out = buf_over(text, sizeof text);

	process_flags_write(&out, flags);
	return message_text(maker, str_of(text));
}

static void labels_set(struct message_maker *maker, Tetragon__Pod *pod, const struct pod_container *container)
{
	size_t bytes = 0, n = 0;

	while (n < container->labels) {
		bytes += strlen(container->label[n].key) + strlen(container->label[n].value) + 64;
		if (bytes > MESSAGE_LABELS_MAX)
			break;
		n++;
	}
	pod->pod_labels = n ? message_alloc(maker, n * sizeof(struct Tetragon__Pod__PodLabelsEntry *)) : NULL;
	if (!pod->pod_labels)
		return;
	for (size_t i = 0; i < n; i++) {
		Tetragon__Pod__PodLabelsEntry *entry = message_alloc(maker, sizeof *entry);

		if (!entry)
			return;
		tetragon__pod__pod_labels_entry__init(entry);
		entry->key = message_text(maker, str_of(container->label[i].key));
		entry->value = message_text(maker, str_of(container->label[i].value));
		pod->pod_labels[pod->n_pod_labels++] = entry;
	}
}

static char *container_id(struct message_maker *maker, const struct pod_container *container)
{
	char text[2 * POD_ID_MAX + 4];

	(void)snprintf(text, sizeof text, "%s%s%s", container->runtime, *container->runtime ? "://" : "",
		       container->container_id);
	return message_text(maker, str_of(text));
}

static Tetragon__Container *container_new(struct message_maker *maker, const struct pod_container *known,
					  uint32_t nspid)
{
	Tetragon__Container *container = message_alloc(maker, sizeof *container);

	if (!container)
		return NULL;
	tetragon__container__init(container);
	container->id = container_id(maker, known);
	container->name = message_text(maker, str_of(known->name));
	if (*known->image) {
		Tetragon__Image *image = message_alloc(maker, sizeof *image);

		if (image) {
			tetragon__image__init(image);
			image->name = message_text(maker, str_of(known->image));
			container->image = image;
		}
	}
	if (nspid)
		container->pid = message_u32(maker, nspid);
	return container;
}

/* NULL: no pod (a container that Kubernetes knows nothing of has none). */
static Tetragon__Pod *pod_new(struct message_maker *maker, const struct pod_container *container, uint32_t nspid)
{
	Tetragon__Pod *pod;

	if (!*container->pod_namespace && !*container->pod_name && !*container->pod_uid)
		return NULL;
	pod = message_alloc(maker, sizeof *pod);
	if (!pod)
		return NULL;
	tetragon__pod__init(pod);
	pod->namespace_ = message_text(maker, str_of(container->pod_namespace));
	pod->name = message_text(maker, str_of(container->pod_name));
	pod->uid = message_text(maker, str_of(container->pod_uid));
	pod->container = container_new(maker, container, nspid);
	labels_set(maker, pod, container);
	return pod;
}

Tetragon__Process *message_process(struct message_maker *maker, const struct process *process, uint32_t tid)
{
	const struct pod_container *container = NULL;
	Tetragon__Process *p = message_alloc(maker, sizeof *p);

	if (!p)
		return NULL;
	tetragon__process__init(p);
	p->pid = message_u32(maker, process->pid);
	p->tid = message_u32(maker, tid ? tid : process->pid);
	p->flags = flag_words(maker, process->flags);
	p->start_time = message_time(maker, process->ktime_ns);
	if (process->container)
		container = pod_registry_recall(maker->registry, process->container);
	if (container) {
		struct str id = str_of(container->container_id);

		id.len = id.len > DOCKER_ID_DIGITS ? DOCKER_ID_DIGITS : id.len;
		p->docker = message_text(maker, id);
		p->pod = pod_new(maker, container, process->nspid);
	}
	if (process->flags & PROCESS_UNKNOWN)
		return p;
	p->exec_id = exec_id(maker, process->ktime_ns, process->pid);
	p->parent_exec_id = exec_id(maker, process->parent_ktime_ns, process->parent_pid);
	p->uid = message_u32(maker, process->creds.euid);
	p->auid = message_u32(maker, process->creds.auid);
	p->cwd = message_text(maker, str_of(process->image->cwd));
	p->binary = message_text(maker, str_of(process->image->binary));
	p->arguments = message_text(maker, str_of(process->image->arguments));
	p->in_init_tree = bool_value(maker, process->flags & PROCESS_INIT_TREE);
	return p;
}

Tetragon__Process *message_parent(struct message_maker *maker, const struct process *process)
{
	Tetragon__Process *p;

	if (process->flags & PROCESS_UNKNOWN)
		return NULL;
	if (process->parent)
		return message_process(maker, process->parent, 0);
	p = message_alloc(maker, sizeof *p);
	if (!p)
		return NULL;
	tetragon__process__init(p);
	p->exec_id = exec_id(maker, process->parent_ktime_ns, process->parent_pid);
	p->pid = message_u32(maker, process->parent_pid);
	p->flags = flag_words(maker, PROCESS_UNKNOWN);
	if (process->parent_ktime_ns)
		p->start_time = message_time(maker, process->parent_ktime_ns);
	return p;
}
