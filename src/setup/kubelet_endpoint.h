/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/kubelet_endpoint.h: which runtime's socket the kubelet of a file tree is told to use, by its flag or by its
 * configuration file. Where neither names one the kubelet takes containerd's own, but then it need not be there at all:
 * that is "unknown" here. Source: kubelet's flag container-runtime-endpoint, KubeletConfiguration's
 * containerRuntimeEndpoint, and the files in which kubeadm keeps both.
 */
#ifndef SETUP_KUBELET_ENDPOINT_H
#define SETUP_KUBELET_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define KUBELET_FILE_MAX (256u << 10)

/* Looks below root_fd. Whether one is named; then `endpoint` (`size` bytes) is it, without "unix://". */
bool kubelet_endpoint_find(int root_fd, char *endpoint, size_t size);

/* The value behind the flag in `text`, or behind the key of YAML: a span of it, or absent. */
struct str kubelet_endpoint_in(struct str text);

#endif
