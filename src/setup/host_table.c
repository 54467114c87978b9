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
#define RUN_HOOKS "/run/containers/oci/hooks.d"
#define RKE2 "/var/lib/rancher/rke2"
#define K3S "/var/lib/rancher/k3s"
#define RANCHER_CONF "/agent/etc/containerd/config.toml"
#define DESKTOP "/etc/rancher/desktop"
#define LINUXKIT "/proc/sys/kernel/osrelease~linuxkit"
#define K0S_CONF "/etc/k0s/containerd.toml"
#define K0S_MARK K0S_CONF "~# k0s_managed=true"
#define KIC "/kic.txt"
#define NO_CRI "!/var/lib/kubelet & !" CONTAINERD_CONF
#define MINIKUBE_ISO "ID=buildroot & /var/lib/minikube"

/* k3s and RKE2 make their file anew at each start; what it was made of, and what it imports, tells where a change goes.
 */
#define RANCHER_DROP_IN(data, folder)                                                                                \
	"the file is made anew at each start, and imports " folder                                                   \
	". Write a file there: enable-nri --config-file=" data RANCHER_CONF " --drop-in=" data                       \
	"/agent/etc/containerd/" folder "/tetragon.toml; then restart the unit, one node at a time. Never edit the " \
	"file itself"
#define RANCHER_TEMPLATE(data)                                                                                        \
	"the file is made anew at each start, of the template beside it, " data                                       \
	"/agent/etc/containerd/config-v3.toml.tmpl, else config.toml.tmpl. Add NRI's table to the template by hand, " \
	"if neither it nor the file that was made has one; then restart the unit, one node at a time"
#define RANCHER_PLAIN(data)                                                                                          \
	"the file is made anew at each start. Put a template beside it, " data                                       \
	"/agent/etc/containerd/config-v3.toml.tmpl (config.toml.tmpl where the file says version = 2): the line {{ " \
	"template \"base\" . }} and below it NRI's table, if the file has none; then restart the unit, one node at " \
	"a time"
#define RANCHER_COMMON(host_id, host_name, server, agent, data, file)                                        \
	.id = (host_id), .name = (host_name), .runtime = "containerd", .reads = data RANCHER_CONF,           \
	.socket = "/run/k3s/containerd/containerd.sock", .units = { (server), (agent) }, .install_dir = OPT, \
	.data_dir = (data), .data_dir_file = (file), .action = HOST_REFUSE
#define RKE2_COMMON RANCHER_COMMON("rke2", "RKE2", "rke2-server", "rke2-agent", RKE2, "/etc/rancher/rke2/config.yaml")
#define K3S_COMMON RANCHER_COMMON("k3s", "k3s", "k3s", "k3s-agent", K3S, "/etc/rancher/k3s/config.yaml")

#define MICROK8S_COMMON                                                                                            \
	.id = "microk8s", .runtime = "containerd", .reads = "/var/snap/microk8s/current/args/containerd.toml",     \
	.socket = "/var/snap/microk8s/common/run/containerd.sock", .units = { "snap.microk8s.daemon-containerd" }, \
	.install_dir = OPT

#define K0S_COMMON                                                                  \
	.id = "k0s", .runtime = "containerd", .socket = "/run/k0s/containerd.sock", \
	.units = { "k0sworker", "k0scontroller" }, .install_dir = OPT

#define CONTAINERD_AT_DEFAULT .runtime = "containerd", .socket = CONTAINERD_SOCK, .units = { "containerd" }

/*
 * Source of each fact: docs/setup.md, "What detection goes by". What could not be confirmed stands there too, and
 * decides nothing but a refusal.
 */
const struct host host_table[] = {
	{ .id = "talos",
	  .name = "Talos Linux",
	  .runtime = "containerd",
	  .markers = { "ID=talos", "/etc/cri/containerd.toml" },
	  .processes = { "/etc/cri/containerd.toml" },
	  .reads = "/etc/cri/containerd.toml",
	  .socket = CONTAINERD_SOCK,
	  .units = { "cri" },
	  .install_dir = OPT,
	  .action = HOST_REFUSE,
	  .advice = "/etc is not writable. From Talos 1.14 NRI is on, and a CRICustomizationConfig document of the "
		    "machine configuration changes what has to be changed. Older: machine.files, path "
		    "/etc/cri/conf.d/20-customization.part, op create, content "
		    "[plugins.\"io.containerd.nri.v1.nri\"] disable = false" },
	{ .id = "bottlerocket",
	  .name = "Bottlerocket",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "ID=bottlerocket", "/usr/share/bottlerocket" },
	  .reads = CONTAINERD_CONF,
	  .action = HOST_REFUSE,
	  .advice = "the configuration is made from settings at each boot and has none for NRI. With containerd 2 "
		    "(variants for Kubernetes 1.33 and newer) NRI is on and nothing has to be changed; older variants "
		    "cannot be used" },
	{ MICROK8S_COMMON, .name = "MicroK8s, strictly confined",
	  .markers = { "/snap/microk8s/current/meta/snap.yaml~confinement: strict" }, .action = HOST_REFUSE,
	  .advice = "a strictly confined snap keeps NRI's socket to itself: use a channel of classic confinement" },
	{ MICROK8S_COMMON, .name = "MicroK8s",
	  .markers = { "/snap/microk8s/current", "/var/snap/microk8s/current/args/containerd-template.toml" },
	  .processes = { "/var/snap/microk8s/*/args/containerd.toml", "/snap/microk8s/*" },
	  .config = "/var/snap/microk8s/current/args/containerd-template.toml", .action = HOST_EDIT,
	  .advice = "the template is edited; `snap restart microk8s.daemon-containerd` makes the configuration of it. "
		    "Run verify again after a refresh of the snap" },
	{ RKE2_COMMON, .markers = { RKE2 RANCHER_CONF "~config-v3.toml.d" },
	  .advice = RANCHER_DROP_IN(RKE2, "config-v3.toml.d") },
	{ RKE2_COMMON, .markers = { RKE2 RANCHER_CONF "~config.toml.d" },
	  .advice = RANCHER_DROP_IN(RKE2, "config.toml.d") },
	{ RKE2_COMMON,
	  .markers = { RKE2 "/agent/etc/containerd/config-v3.toml.tmpl",
		       RKE2 "/agent/etc/containerd/config.toml.tmpl" },
	  .advice = RANCHER_TEMPLATE(RKE2) },
	{ RKE2_COMMON, .markers = { RKE2 RANCHER_CONF, "unit:rke2-server", "unit:rke2-agent" },
	  .processes = { "*/rke2" RANCHER_CONF, "*/rke2/*/bin/containerd" }, .advice = RANCHER_PLAIN(RKE2) },
	{ K3S_COMMON, .markers = { K3S RANCHER_CONF "~config-v3.toml.d & !" DESKTOP },
	  .advice = RANCHER_DROP_IN(K3S, "config-v3.toml.d") },
	{ K3S_COMMON, .markers = { K3S RANCHER_CONF "~config.toml.d & !" DESKTOP },
	  .advice = RANCHER_DROP_IN(K3S, "config.toml.d") },
	{ K3S_COMMON,
	  .markers = { K3S "/agent/etc/containerd/config-v3.toml.tmpl & !" DESKTOP,
		       K3S "/agent/etc/containerd/config.toml.tmpl & !" DESKTOP },
	  .advice = RANCHER_TEMPLATE(K3S) },
	{ K3S_COMMON,
	  .markers = { K3S RANCHER_CONF " & !" DESKTOP, "unit:k3s & !" DESKTOP, "unit:k3s-agent & !" DESKTOP },
	  .processes = { "*" RANCHER_CONF, "*/k3s/data/*/bin/k3s" }, .advice = RANCHER_PLAIN(K3S) },
	{ K0S_COMMON, .name = "k0s, with a configuration of the administrator's own",
	  .markers = { K0S_CONF "~version & !" K0S_MARK }, .config = K0S_CONF, .action = HOST_EDIT,
	  .advice = "k0s leaves the file alone, for its first line is not the one that says k0s_managed=true. Restart "
		    "k0s's unit, not containerd's" },
	{ K0S_COMMON, .name = "k0s",
	  .markers = { K0S_CONF, "/var/lib/k0s/bin/containerd", "unit:k0scontroller", "unit:k0sworker" },
	  .processes = { K0S_CONF, "*/k0s/bin/containerd" }, .reads = K0S_CONF, .action = HOST_REFUSE,
	  .advice = "k0s writes the file anew while its first line says k0s_managed=true. Write a file into "
		    "/etc/k0s/containerd.d (k0s restarts containerd by itself then): NRI's table, version 3 with k0s "
		    "1.36 and newer, else 2. Is the first line gone, the file is yours: name it with --config-file" },
	{ .id = "openshift",
	  .name = "OpenShift, OKD",
	  .runtime = "cri-o",
	  .markers = { "ID=rhcos", "ID=scos", "/etc/machine-config-daemon", "VARIANT_ID=coreos & /etc/crio" },
	  .reads = CRIO_CONF,
	  .socket = CRIO_SOCK,
	  .units = { "crio" },
	  .hooks = { ETC_HOOKS, RUN_HOOKS, USR_HOOKS },
	  .install_dir = OPT,
	  .action = HOST_CHECK,
	  .advice = "the hooks folder needs no configuration. CRI-O's configuration belongs to the machine-config "
		    "operator: a managed file that differs degrades the node. Use MachineConfig or "
		    "ContainerRuntimeConfig. SELinux enforces: restorecon or chcon -t bin_t the installed hook" },
	{ .id = "cos",
	  .name = "Container-Optimized OS (GKE)",
	  CONTAINERD_AT_DEFAULT,
	  .markers = { "ID=cos & /home/kubernetes" },
	  .reads = CONTAINERD_CONF,
	  .install_dir = "/home/kubernetes/bin/tetragon",
	  .action = HOST_REFUSE,
	  .advice = "/etc is made anew at each boot, so an edit would be lost. NRI is on with containerd 2 (look at "
		    "its socket); /opt is read-only: install into /home/kubernetes/bin/tetragon (chart value "
		    "rthooks.installDir)" },
	{ .id = "cos",
	  .name = "Container-Optimized OS",
	  CONTAINERD_AT_DEFAULT,
	  .markers = { "ID=cos" },
	  .reads = CONTAINERD_CONF,
	  .install_dir = "/var/lib/google/tetragon",
	  .action = HOST_REFUSE,
	  .advice = "/etc is made anew at each boot, so an edit would be lost. NRI is on with containerd 2 (look at "
		    "its socket); /opt is read-only, /home and /var are mounted noexec: install into "
		    "/var/lib/google/tetragon (chart value rthooks.installDir)" },
	{ .id = "flatcar",
	  .name = "Flatcar, with a configuration of the administrator's own",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "ID=flatcar & " CONTAINERD_CONF " & unit-conf:containerd~" CONTAINERD_CONF },
	  .config = CONTAINERD_CONF,
	  .action = HOST_EDIT,
	  .advice = "the unit is told to read " CONTAINERD_CONF ". With containerd 2 NRI is on unless that file says "
		    "otherwise" },
	{ .id = "flatcar",
	  .name = "Flatcar",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "ID=flatcar & /usr/share/containerd/config.toml~/etc/containerd/conf.d" },
	  .reads = "/usr/share/containerd/config.toml",
	  .action = HOST_REFUSE,
	  .advice = "the file lies in a read-only image, and imports /etc/containerd/conf.d. With containerd 2 NRI is "
		    "on. Else write a file there: enable-nri --config-file=/usr/share/containerd/config.toml "
		    "--drop-in=/etc/containerd/conf.d/tetragon.toml" },
	{ .id = "flatcar",
	  .name = "Flatcar",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "ID=flatcar" },
	  .processes = { "/usr/share/containerd/config.toml" },
	  .reads = "/usr/share/containerd/config.toml",
	  .action = HOST_REFUSE,
	  .advice = "the file lies in a read-only image. With containerd 2 NRI is on. Else copy it to " CONTAINERD_CONF
		    ", point the unit there by a drop-in with Environment=CONTAINERD_CONFIG=, and name it with "
		    "--config-file" },
	{ .id = "eks",
	  .name = "EKS (Amazon Linux 2023)",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "/etc/eks & /usr/bin/nodeadm", "unit:nodeadm-run", "unit:nodeadm-config" },
	  .reads = CONTAINERD_CONF,
	  .action = HOST_REFUSE,
	  .advice = "nodeadm writes the file at each boot. NRI is on with containerd 2; else put the table into "
		    "spec.containerd.config of the NodeConfig. spec.containerd.baseRuntimeSpec takes a hook without "
		    "NRI" },
	{ .id = "eks-al2",
	  .name = "EKS (Amazon Linux 2)",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "/etc/eks/bootstrap.sh" },
	  .config = CONTAINERD_CONF,
	  .action = HOST_EDIT,
	  .advice = "bootstrap.sh wrote the file when the node was made, and no more: run this again on a new node" },
	{ .id = "aks",
	  .name = "AKS",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "/opt/azure/containers/provision.sh", "/opt/azure/containers/provision_source.sh",
		       "/opt/azure/containers & /etc/containerd" },
	  .config = CONTAINERD_CONF,
	  .action = HOST_EDIT,
	  .advice = "a node image upgrade makes a new node: run this again there. A drop-in must say version = 2, as "
		    "the file does" },
	{ .id = "minikube",
	  .name = "minikube with docker",
	  .runtime = "docker",
	  .markers = { KIC " & cri:cri-dockerd", MINIKUBE_ISO " & cri:cri-dockerd",
		       KIC " & /etc/docker & !/etc/containerd & !/etc/crio" },
	  .socket = "/var/run/docker.sock",
	  .units = { "docker" },
	  .action = HOST_REFUSE,
	  .advice = "docker calls no hooks: minikube start --container-runtime=containerd, or cri-o" },
	{ .id = "minikube",
	  .name = "minikube with CRI-O",
	  .runtime = "cri-o",
	  .markers = { KIC " & cri:crio", MINIKUBE_ISO " & cri:crio", KIC " & /etc/crio & !/etc/containerd",
		       MINIKUBE_ISO " & /etc/crio & !/etc/containerd" },
	  .config = CRIO_CONF,
	  .socket = CRIO_SOCK,
	  .units = { "crio" },
	  .hooks = { USR_HOOKS },
	  .install_dir = OPT,
	  .action = HOST_EDIT,
	  .advice = "lost when the node is made anew; a virtual machine's /opt is lost at its restart. The hooks "
		    "folder must be there before CRI-O starts" },
	{ .id = "minikube",
	  .name = "minikube with containerd",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { KIC, MINIKUBE_ISO },
	  .config = CONTAINERD_CONF,
	  .action = HOST_EDIT,
	  .advice = "lost when the node is made anew; a virtual machine's /opt is lost at its restart" },
	{ .id = "kind",
	  .name = "kind node",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "/kind & /etc/containerd", "/etc/containerd/cri-base.json" },
	  .config = CONTAINERD_CONF,
	  .action = HOST_EDIT,
	  .advice = "lost with the cluster; to keep it use containerdConfigPatches in the cluster's YAML" },
	{ .id = "cri-o",
	  .name = "CRI-O",
	  .runtime = "cri-o",
	  .markers = { "cri:crio.sock", "/etc/crio & !cri:containerd.sock", "unit:crio & !cri:containerd.sock" },
	  .config = CRIO_CONF,
	  .socket = CRIO_SOCK,
	  .units = { "crio" },
	  .hooks = { USR_HOOKS },
	  .install_dir = OPT,
	  .action = HOST_EDIT,
	  .advice = "the hooks folder is watched: no restart, if it was there when CRI-O started" },
	{ .id = "gke-ubuntu",
	  .name = "GKE (Ubuntu)",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "ID=ubuntu & /home/kubernetes/bin" },
	  .config = CONTAINERD_CONF,
	  .action = HOST_EDIT,
	  .advice = "lost when the node is made anew: run this again there" },
	{ .id = "docker",
	  .name = "docker, with the containerd that its packages bring",
	  .runtime = "docker",
	  .markers = { CONTAINERD_CONF "~\ndisabled_plugins = [\"cri\"] & /etc/docker & !/var/lib/kubelet",
		       CONTAINERD_CONF "~\ndisabled_plugins = [\"cri\"] & unit:docker & !/var/lib/kubelet" },
	  .reads = CONTAINERD_CONF,
	  .socket = "/var/run/docker.sock",
	  .units = { "docker" },
	  .action = HOST_REFUSE,
	  .advice = "docker has no hooks folder, its NRI takes no hooks, and this containerd serves no CRI; use "
		    "podman, or make containerd a runtime of Kubernetes (containerd config default > " CONTAINERD_CONF
		    ")" },
	{ .id = "docker",
	  .name = "docker, by cri-dockerd",
	  .runtime = "docker",
	  .markers = { "cri:cri-dockerd" },
	  .socket = "/var/run/docker.sock",
	  .units = { "docker" },
	  .action = HOST_REFUSE,
	  .advice = "docker calls no hooks: have the kubelet use containerd or CRI-O (--container-runtime-endpoint)" },
	{ .id = "nerdctl",
	  .name = "nerdctl",
	  .runtime = "containerd",
	  .markers = { "/usr/local/bin/nerdctl & " NO_CRI, "/usr/bin/nerdctl & " NO_CRI, "/etc/nerdctl & " NO_CRI },
	  .socket = CONTAINERD_SOCK,
	  .units = { "containerd" },
	  .action = HOST_REFUSE,
	  .advice = "nerdctl has no hooks folder, and what it starts does not pass through CRI, where base specs and "
		    "NRI's hooks belong; use podman, or a CRI" },
	{ .id = "containerd",
	  .name = "containerd",
	  CONTAINERD_AT_DEFAULT,
	  .install_dir = OPT,
	  .markers = { "cri:/containerd/containerd.sock", CONTAINERD_CONF, "unit:containerd & /var/lib/kubelet",
		       "unit:containerd & !unit:docker & !/etc/docker" },
	  .config = CONTAINERD_CONF,
	  .action = HOST_EDIT,
	  .advice = "1.7: enable-nri; 2.x: NRI is on unless the file says otherwise; 1.6 has no NRI: add-oci-hook" },
	{ .id = "rancher-desktop",
	  .name = "Rancher Desktop",
	  .runtime = "containerd",
	  .markers = { DESKTOP },
	  .action = HOST_REFUSE,
	  .advice = "the machine is made anew by the program; use kind or containerd on Linux" },
	{ .id = "docker-desktop",
	  .name = "Docker Desktop",
	  .runtime = "docker",
	  .markers = { "ID=docker-desktop", LINUXKIT },
	  .action = HOST_REFUSE,
	  .advice = "docker calls no hooks, and the machine belongs to the program; use podman, or containerd on "
		    "Linux" },
	{ .id = "podman",
	  .name = "podman",
	  .runtime = "podman",
	  .markers = { "/usr/bin/podman", "/usr/local/bin/podman", "/etc/containers/containers.conf" },
	  .hooks = { USR_HOOKS },
	  .install_dir = OPT,
	  .action = HOST_CHECK,
	  .advice = "the hooks folder needs no configuration, and podman reads it at each start. Is /usr read-only: "
		    "another folder, named by hooks_dir in /etc/containers/containers.conf.d/tetragon.conf. Containers "
		    "that users start without root read no hooks from there" },
	{ .id = "docker",
	  .name = "docker",
	  .runtime = "docker",
	  .markers = { "/etc/docker", "unit:docker", "/usr/bin/dockerd", "/var/run/docker.sock" },
	  .socket = "/var/run/docker.sock",
	  .units = { "docker" },
	  .action = HOST_REFUSE,
	  .advice = "docker has no hooks folder, and its NRI takes no hooks; use podman, or containerd with a CRI" },
	{ .id = NULL },
};
