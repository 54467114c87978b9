/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/host_table.h"

#include <stddef.h>

#define CONTAINERD_CONF "/etc/containerd/config.toml"
#define CONTAINERD_SOCK "/run/containerd/containerd.sock"
#define CRIO_CONF "/etc/crio/crio.conf"
#define CRIO_SOCK "/var/run/crio/crio.sock"
#define OPT "/opt/tetragon"
#define USR_HOOKS "/usr/share/containers/oci/hooks.d"
#define ETC_HOOKS "/etc/containers/oci/hooks.d"

/*
 * Sources: the projects' own repositories and documentation, summer 2026; identifiers of os-release, paths and unit
 * names that decide were looked up again in public sources.
 */
const struct host host_table[] = {
	{ .id = "talos",
	  .name = "Talos Linux",
	  .runtime = "containerd",
	  .markers = { "ID=talos", "/etc/cri/containerd.toml" },
	  .config = NULL,
	  .reads = "/etc/cri/containerd.toml",
	  .socket = CONTAINERD_SOCK,
	  .unit = "cri",
	  .install_dir = OPT,
	  .action = HOST_REFUSE,
	  .advice = "/etc is not writable; NRI is on from Talos 1.14. Older: a machine configuration patch with "
		    "machine.files, path "
		    "/etc/cri/conf.d/20-customization.part, op create, content [plugins.\"io.containerd.nri.v1.nri\"] "
		    "disable = false" },
	{ .id = "bottlerocket",
	  .name = "Bottlerocket",
	  .runtime = "containerd",
	  .markers = { "ID=bottlerocket", "/usr/share/bottlerocket" },
	  .reads = CONTAINERD_CONF,
	  .socket = CONTAINERD_SOCK,
	  .unit = "containerd",
	  .install_dir = OPT,
	  .action = HOST_REFUSE,
	  .advice =
		  "the configuration is made from settings at each boot and has none for NRI. With containerd 2 "
		  "(variants for "
		  "Kubernetes 1.33 and newer) NRI is on and nothing has to be changed; older variants cannot be used" },
	{ .id = "microk8s",
	  .name = "MicroK8s",
	  .runtime = "containerd",
	  .markers = { "/snap/microk8s/current", "/var/snap/microk8s/current/args/containerd-template.toml" },
	  .config = "/var/snap/microk8s/current/args/containerd-template.toml",
	  .reads = "/var/snap/microk8s/current/args/containerd.toml",
	  .socket = "/var/snap/microk8s/common/run/containerd.sock",
	  .unit = "snap.microk8s.daemon-containerd",
	  .install_dir = OPT,
	  .action = HOST_EDIT,
	  .advice = "the template is edited; `snap restart microk8s.daemon-containerd` makes the configuration of it" },
	{ .id = "rke2",
	  .name = "RKE2",
	  .runtime = "containerd",
	  .markers = { "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
		       "/etc/systemd/system/rke2-server.service", "/etc/systemd/system/rke2-agent.service",
		       "/usr/local/lib/systemd/system/rke2-server.service",
		       "/usr/local/lib/systemd/system/rke2-agent.service" },
	  .reads = "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
	  .socket = "/run/k3s/containerd/containerd.sock",
	  .unit = "rke2-server",
	  .install_dir = OPT,
	  .action = HOST_REFUSE,
	  .advice = "the file is made anew at each start. If it has an `imports` line (2026 and newer), write a file "
		    "there: "
		    "enable-nri --config-file=/var/lib/rancher/rke2/agent/etc/containerd/config.toml "
		    "--drop-in=DIR/tetragon.toml. "
		    "Else use a template beside it (config.toml.tmpl, or config-v3.toml.tmpl): the line {{ template "
		    "\"base\" . }} and "
		    "below it NRI's table" },
	{ .id = "k3s",
	  .name = "k3s",
	  .runtime = "containerd",
	  .markers = { "/var/lib/rancher/k3s/agent/etc/containerd/config.toml", "/etc/systemd/system/k3s.service",
		       "/etc/systemd/system/k3s-agent.service" },
	  .reads = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
	  .socket = "/run/k3s/containerd/containerd.sock",
	  .unit = "k3s",
	  .install_dir = OPT,
	  .action = HOST_REFUSE,
	  .advice = "the file is made anew at each start. If it has an `imports` line (2026 and newer), write a file "
		    "there: "
		    "enable-nri --config-file=/var/lib/rancher/k3s/agent/etc/containerd/config.toml "
		    "--drop-in=DIR/tetragon.toml. "
		    "Else use a template beside it (config.toml.tmpl, or config-v3.toml.tmpl): the line {{ template "
		    "\"base\" . }} and "
		    "below it NRI's table" },
	{ .id = "k0s",
	  .name = "k0s",
	  .runtime = "containerd",
	  .markers = { "/etc/k0s/containerd.toml", "/etc/systemd/system/k0scontroller.service",
		       "/etc/systemd/system/k0sworker.service" },
	  .reads = "/etc/k0s/containerd.toml",
	  .socket = "/run/k0s/containerd.sock",
	  .unit = "k0sworker",
	  .install_dir = OPT,
	  .action = HOST_REFUSE,
	  .advice = "k0s writes the file anew while its first line says k0s_managed=true. Write a file into "
		    "/etc/k0s/containerd.d (k0s "
		    "restarts containerd by itself then): NRI's table, version 3 with k0s 1.36 and newer, else 2. Is "
		    "the first line "
		    "gone, the file is yours: name it with --config-file" },
	{ .id = "openshift",
	  .name = "OpenShift, OKD",
	  .runtime = "cri-o",
	  .markers = { "ID=rhcos", "ID=scos", "/etc/machine-config-daemon",
		       "ID=fedora & VARIANT_ID=coreos & /etc/crio" },
	  .reads = CRIO_CONF,
	  .socket = CRIO_SOCK,
	  .unit = "crio",
	  .hooks = { ETC_HOOKS, USR_HOOKS },
	  .install_dir = OPT,
	  .action = HOST_CHECK,
	  .advice = "the hooks folder needs no configuration. CRI-O's configuration belongs to the machine-config "
		    "operator: a managed "
		    "file that differs degrades the node. Use MachineConfig or ContainerRuntimeConfig" },
	{ .id = "cos",
	  .name = "Container-Optimized OS (GKE)",
	  .runtime = "containerd",
	  .markers = { "ID=cos" },
	  .reads = CONTAINERD_CONF,
	  .socket = CONTAINERD_SOCK,
	  .unit = "containerd",
	  .install_dir = "/home/kubernetes/bin/tetragon",
	  .action = HOST_REFUSE,
	  .advice = "/etc is made anew at each boot, so an edit would be lost. NRI is on with containerd 2 (look at "
		    "its socket); /opt is "
		    "read-only: install into /home/kubernetes/bin/tetragon (chart value rthooks.installDir)" },
	{ .id = "flatcar",
	  .name = "Flatcar",
	  .runtime = "containerd",
	  .markers = { "ID=flatcar" },
	  .reads = "/usr/share/containerd/config.toml",
	  .socket = CONTAINERD_SOCK,
	  .unit = "containerd",
	  .install_dir = OPT,
	  .action = HOST_REFUSE,
	  .advice = "the file lies in a read-only image. With containerd 2 NRI is on. Else copy it to " CONTAINERD_CONF
		    ", point the unit there by a drop-in with Environment=CONTAINERD_CONFIG=, and name it with "
		    "--config-file" },
	{ .id = "eks",
	  .name = "EKS (Amazon Linux 2023)",
	  .runtime = "containerd",
	  .markers = { "/etc/eks & /usr/bin/nodeadm", "/etc/eks & /etc/systemd/system/nodeadm-run.service" },
	  .reads = CONTAINERD_CONF,
	  .socket = CONTAINERD_SOCK,
	  .unit = "containerd",
	  .install_dir = OPT,
	  .action = HOST_REFUSE,
	  .advice = "nodeadm writes the file at each boot. NRI is on with containerd 2; else put the table into "
		    "spec.containerd.config of "
		    "the NodeConfig" },
	{ .id = "aks",
	  .name = "AKS",
	  .runtime = "containerd",
	  .markers = { "/opt/azure/containers & /etc/containerd" },
	  .config = CONTAINERD_CONF,
	  .socket = CONTAINERD_SOCK,
	  .unit = "containerd",
	  .install_dir = OPT,
	  .action = HOST_EDIT,
	  .advice = "a node image upgrade makes a new node: run this again there. A drop-in must say version = 2, as "
		    "the file does" },
	{ .id = "minikube",
	  .name = "minikube",
	  .runtime = "containerd",
	  .markers = { "/kic.txt & /etc/containerd/config.toml",
		       "/var/lib/minikube & ID=buildroot & /etc/containerd/config.toml" },
	  .config = CONTAINERD_CONF,
	  .socket = CONTAINERD_SOCK,
	  .unit = "containerd",
	  .hooks = { USR_HOOKS },
	  .install_dir = OPT,
	  .action = HOST_EDIT,
	  .advice = "lost when the node is made anew; a virtual machine's /opt is lost at its restart" },
	{ .id = "kind",
	  .name = "kind node",
	  .runtime = "containerd",
	  .markers = { "/kind & /etc/containerd/config.toml" },
	  .config = CONTAINERD_CONF,
	  .socket = CONTAINERD_SOCK,
	  .unit = "containerd",
	  .install_dir = OPT,
	  .action = HOST_EDIT,
	  .advice = "lost with the cluster; to keep it use containerdConfigPatches in the cluster's YAML" },
	{ .id = "cri-o",
	  .name = "CRI-O",
	  .runtime = "cri-o",
	  .markers = { "/etc/crio", "/usr/lib/systemd/system/crio.service" },
	  .config = CRIO_CONF,
	  .socket = CRIO_SOCK,
	  .unit = "crio",
	  .hooks = { USR_HOOKS, ETC_HOOKS },
	  .install_dir = OPT,
	  .action = HOST_EDIT,
	  .advice = "the hooks folder is watched: no restart, if it was there when CRI-O started" },
	{ .id = "containerd",
	  .name = "containerd",
	  .runtime = "containerd",
	  .markers = { CONTAINERD_CONF, "/usr/lib/systemd/system/containerd.service & /var/lib/kubelet",
		       "/lib/systemd/system/containerd.service & /var/lib/kubelet" },
	  .config = CONTAINERD_CONF,
	  .socket = CONTAINERD_SOCK,
	  .unit = "containerd",
	  .install_dir = OPT,
	  .action = HOST_EDIT,
	  .advice = "1.7: enable-nri; 2.x: NRI is on unless the file says otherwise; 1.6 has no NRI: add-oci-hook" },
	{ .id = "rancher-desktop",
	  .name = "Rancher Desktop",
	  .runtime = "containerd",
	  .markers = { "/etc/rancher/desktop" },
	  .action = HOST_REFUSE,
	  .advice = "the machine is made anew by the program; use kind or containerd on Linux" },
	{ .id = "docker-desktop",
	  .name = "Docker Desktop",
	  .runtime = "docker",
	  .markers = { "ID=docker-desktop" },
	  .action = HOST_REFUSE,
	  .advice = "docker calls no hooks; use podman, or containerd on Linux" },
	{ .id = "podman",
	  .name = "podman",
	  .runtime = "podman",
	  .markers = { "/usr/bin/podman", "/usr/local/bin/podman", "/etc/containers/containers.conf" },
	  .hooks = { USR_HOOKS, ETC_HOOKS },
	  .install_dir = OPT,
	  .action = HOST_CHECK,
	  .advice = "the hooks folder needs no configuration, and podman reads it at each start" },
	{ .id = "docker",
	  .name = "docker",
	  .runtime = "docker",
	  .markers = { "/etc/docker", "/usr/bin/dockerd", "/var/run/docker.sock" },
	  .socket = "/var/run/docker.sock",
	  .unit = "docker",
	  .action = HOST_REFUSE,
	  .advice = "docker has no hooks folder, and its NRI takes no hooks; use podman, or containerd with a CRI" },
	{ .id = NULL },
};
