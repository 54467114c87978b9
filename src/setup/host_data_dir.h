/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/host_data_dir.h: the key data-dir of k3s' and RKE2's configuration file, found without a YAML parser: a
 * line that begins with the key, quoted or not, its value an absolute path on the same line. Source: docs.k3s.io,
 * "Configuration File". Pure.
 */
#ifndef SETUP_HOST_DATA_DIR_H
#define SETUP_HOST_DATA_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Whether `text` names one that fits into `size` bytes; `dir` then holds it, without '/' at its end. */
bool host_data_dir_in(struct str text, char *dir, size_t size);

#endif
