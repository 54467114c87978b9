# SPDX-License-Identifier: Apache-2.0
"""What a hostile tenant may try to be taken for somebody else, by name. Each forgery is tried twice: with an agent, which must
hear the truth or nothing, and without one, when no forgery may make the container a tolerated one (kube-system).

    refused    the hook itself fails the container; no agent is asked, whatever the namespace
    unknown    the spec or state is worth nothing: fails, no agent is asked
    harmless   the forgery changes nothing: the agent hears the real identity, and without agent the container fails
"""
import json
import os

import pytest

from hook_bed import CID, UID, containerd_spec

OTHER = "99999999-8888-7777-6666-555555555555"
STATIC = "0123456789abcdef0123456789abcdef"
US, OTHER_US = UID.replace("-", "_"), OTHER.replace("-", "_")


def crio_spec(namespace="tenant-a", uid=UID):
    return {"root": {"path": "rootfs"}, "linux": {"cgroupsPath": f"kubepods-besteffort-pod{US}.slice:crio:{CID}"},
            "annotations": {"io.kubernetes.container.name": "app", "io.kubernetes.cri-o.ContainerID": CID,
                            "io.kubernetes.cri-o.ImageName": "localhost/bb:1", "io.kubernetes.pod.name": "web-0",
                            "io.kubernetes.pod.uid": uid, "io.kubernetes.pod.namespace": namespace}}


CONTAINERD_CLAIM = {"io.kubernetes.cri.sandbox-namespace": "kube-system", "io.kubernetes.cri.sandbox-uid": OTHER,
                    "io.kubernetes.cri.sandbox-name": "kube-proxy", "io.kubernetes.cri.container-name": "proxy",
                    "io.kubernetes.cri.image-name": "registry.k8s.io/kube-proxy"}
CRIO_CLAIM = {"io.kubernetes.pod.namespace": "kube-system", "io.kubernetes.pod.uid": OTHER, "io.kubernetes.pod.name": "kube-proxy",
              "io.kubernetes.container.name": "proxy", "io.kubernetes.cri-o.ImageName": "registry.k8s.io/kube-proxy",
              "io.kubernetes.cri-o.ContainerID": "f" * 64}


def annotated(spec, claim, path=None):
    spec["annotations"].update(claim)
    if path:
        spec["linux"]["cgroupsPath"] = path
    return spec


def with_path(path, spec=None):
    spec = spec or containerd_spec(namespace="kube-system")
    spec["linux"]["cgroupsPath"] = path
    return spec


def text_of(spec, old, new):
    text = json.dumps(spec)
    assert text.count(old) == 1, old
    return text.replace(old, new)


KUBE = containerd_spec(namespace="kube-system")
NS = '"io.kubernetes.cri.sandbox-namespace": "tenant-a"'

# name: (spec, what must happen, flags)
SPECS = {
    # annotations of a key set that is not the runtime's own
    "containerd's keys in a pod of CRI-O": (annotated(crio_spec(), CONTAINERD_CLAIM), "harmless", []),
    "CRI-O's keys in a pod of containerd": (annotated(containerd_spec(), CRIO_CLAIM), "harmless", []),
    "both, named by --runtime": (annotated(crio_spec(), CONTAINERD_CLAIM, f"/kubepods/pod{UID}/{CID}"), "harmless", ["--runtime=cri-o"]),
    "image annotations in podman (containerd's keys)": (
        {"root": {"path": "rootfs"}, "linux": {"cgroupsPath": f"/libpod_parent/libpod-{CID}"}, "annotations": dict(CONTAINERD_CLAIM)}, "nobody", []),
    "labels as annotations in Docker, cgroupfs": (
        {"root": {"path": "rootfs"}, "linux": {"cgroupsPath": f"/docker/{CID}"}, "annotations": {**CONTAINERD_CLAIM, **CRIO_CLAIM}}, "nobody", []),
    "labels as annotations in Docker, systemd": (
        {"root": {"path": "rootfs"}, "linux": {"cgroupsPath": f"system.slice:docker:{CID}"}, "annotations": {**CONTAINERD_CLAIM, **CRIO_CLAIM}}, "nobody", []),
    "a trailing slash does not hide the runtime": (annotated(crio_spec(), CONTAINERD_CLAIM, f"/kubepods/pod{UID}/crio-{CID}/"), "harmless", []),
    "keys in another letter case": (annotated(containerd_spec(), {"io.kubernetes.cri.Sandbox-Namespace": "kube-system",
                                                                 "IO.KUBERNETES.CRI.SANDBOX-UID": OTHER}), "harmless", []),
    "keys with a space, a NUL's escape, a lookalike": (annotated(containerd_spec(), {
        "io.kubernetes.cri.sandbox-namespace ": "kube-system", "io.kubernetes.cri.sandbox\u2010namespace": "kube-system",
        "\u0456o.kubernetes.cri.sandbox-namespace": "kube-system"}), "harmless", []),

    # names that are nearly tolerated
    "namespace with a line's end": (text_of(containerd_spec(), '"tenant-a"', '"kube-system\\n"'), "fails", ["--fail-allow-namespaces-regex=^kube-system$"]),
    "namespace with a space": (text_of(containerd_spec(), '"tenant-a"', '" kube-system"'), "fails", []),
    "namespace with a broken byte": (text_of(containerd_spec(), '"tenant-a"', '"kube-system\udcff"').encode(errors="surrogateescape"), "fails", []),
    "namespace as a list": (text_of(containerd_spec(), '"tenant-a"', '["kube-system"]'), "unknown", []),
    "namespace with a NUL": (text_of(containerd_spec(), '"tenant-a"', '"kube-system\\u0000"'), "unknown", []),
    "namespace with a comma": (text_of(containerd_spec(), '"tenant-a"', '"kube-system,tenant-a"'), "fails", []),

    # another pod's UID
    "another pod's UID, cgroupfs": (containerd_spec(namespace="kube-system", uid=OTHER), "refused", []),
    "another pod's UID, systemd": (with_path(f"kubepods-besteffort-pod{US}.slice:cri-containerd:{CID}", containerd_spec("kube-system", OTHER)), "refused", []),
    "another pod's UID, CRI-O": (crio_spec("kube-system", OTHER), "refused", []),
    "another pod's UID, kind": (with_path(f"kubelet-kubepods-pod{US}.slice:cri-containerd:{CID}", containerd_spec("kube-system", OTHER)), "refused", []),
    "the beginning of the UID": (containerd_spec("kube-system", UID[:-1]), "refused", []),
    "the UID and more": (containerd_spec("kube-system", UID + "0"), "refused", []),
    "the UID with a space": (containerd_spec("kube-system", UID + " "), "refused", []),
    "another static pod's UID": (with_path(f"/kubepods/burstable/pod{STATIC}/{CID}", containerd_spec("kube-system", STATIC[::-1])), "refused", []),
    "two pods in the path: the inner one counts": (with_path(f"/kubepods/pod{OTHER}/kubepods/pod{UID}/{CID}", containerd_spec("kube-system", OTHER)), "refused", []),
    "the plugin says another UID than the path": (KUBE, "refused", [f"--pod-uid={OTHER}"]),
    "the plugin's word beats all annotations": (KUBE, "harmless", ["--pod-namespace=tenant-a", f"--pod-uid={UID}", "--pod-name=web-0"]),

    # cgroupsPath
    "a path that climbs": (with_path(f"/kubepods/pod{UID}/../../system.slice"), "refused", []),
    "a path that climbs at its end": (with_path(f"/kubepods/pod{UID}/.."), "refused", []),
    "a path that begins with ..": (with_path(f"../kubepods/pod{UID}/{CID}"), "refused", []),
    "a name that climbs, systemd": (with_path(f"kubepods-pod{US}.slice:cri:x/../../y"), "refused", []),
    "a slice with an empty level": (with_path("kubepods--podx.slice:cri:x", containerd_spec()), "no path", []),
    "neither shape": (with_path("nonsense", containerd_spec()), "no path", []),
    "an empty path": (with_path("", containerd_spec()), "no path", []),
    "100 KB of path": (with_path("/" + "x" * 100000, containerd_spec()), "no path", []),
    "a path with a NUL": (text_of(KUBE, f"/{CID}\"", f"/{CID}\\u0000/x\""), "unknown", []),
    "a path that is a number": (text_of(KUBE, f'"/kubepods/besteffort/pod{UID}/{CID}"', "1"), "unknown", []),
    "the root of all": (with_path("/", containerd_spec()), "as it is", []),
    "empty parts": (with_path(f"//kubepods///pod{UID}//{CID}", containerd_spec()), "as it is", []),
    "empty parts do not hide the UID": (with_path(f"//kubepods///pod{UID}//{CID}", containerd_spec("kube-system", OTHER)), "refused", []),

    # JSON that two readers read in two ways
    "an annotation twice": (text_of(containerd_spec(), NS, NS + ', "io.kubernetes.cri.sandbox-namespace": "kube-system"'), "unknown", []),
    "an annotation twice, by an escape": (text_of(containerd_spec(), NS, NS + ', "io.kubernetes.cri.sandbox-namesp\\u0061ce": "kube-system"'), "unknown", []),
    "annotations twice": (text_of(KUBE, '"annotations": {', '"annotations": {}, "annotations": {'), "unknown", []),
    "linux twice": (text_of(KUBE, '"linux": {', '"linux": {}, "linux": {'), "unknown", []),
    "cgroupsPath twice": (text_of(KUBE, '"cgroupsPath":', '"cgroupsPath": "/x", "cgroupsPath":'), "unknown", []),
    "cgroupsPath in another letter case": (text_of(KUBE, '"cgroupsPath":', '"CgroupsPath": "/x", "cgroupsPath":'), "unknown", []),
    "Annotations": (text_of(KUBE, '"annotations"', '"Annotations"'), "unknown", []),
    "root twice": (text_of(KUBE, '"root":', '"root": {"path": "/"}, "root":'), "unknown", []),
    "more behind the object": (json.dumps(KUBE) + json.dumps(KUBE), "unknown", []),
    "a comment": ("/* */" + json.dumps(KUBE), "unknown", []),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(KUBE).encode(), "unknown", []),

    # the root
    "the root is the bundle's parent": ({**KUBE, "root": {"path": ".."}}, "unknown", []),
    "the root is the bundle": ({**KUBE, "root": {"path": "."}}, "unknown", []),
    "the root is /": ({**KUBE, "root": {"path": "/"}}, "unknown", []),
}


def run(bed, agent, flags, want, **more):
    done = bed.run(*flags, **more)
    asked = [request.createContainer for request in agent.requests]
    if want in ("refused", "unknown"):
        assert done.code == 1 and not asked, (done, asked)
        assert ("forged" in done.err) == (want == "refused"), done
        assert bed.line("failing container")["should-fail"].startswith("forged identity" if want == "refused" else "failCheck")
    else:
        assert done.code == 0 and len(asked) == 1, (done, asked)
        who = asked[0]
        if want in ("harmless", "no path", "as it is"):
            assert (who.podName, who.podUID, who.podNamespace, who.containerName) == ("web-0", UID, "tenant-a", "app")
        elif want == "nobody":
            assert (who.podName, who.podUID, who.podNamespace, who.containerName) == ("", "", "", "")
        assert who.containerID == CID
        if want == "no path":
            assert who.cgroupsPath == "" and "error getting cgroup path" in bed.messages()
    # Without agent nothing of it may start.
    agent.server.stop(0).wait()
    done = bed.run(*flags, timeout="300ms", **more)
    assert done.code == 1 and not bed.records(), done


@pytest.mark.parametrize("name", SPECS)
def test_spec(bed, agent, name):
    spec, want, flags = SPECS[name]
    bed.write(spec)
    run(bed, agent, flags, want)
    if want == "as it is":
        assert agent.requests[0].createContainer.cgroupsPath == spec["linux"]["cgroupsPath"]


# --- what lies in the place of config.json

def put_symlink(bed, path, aside):
    path.symlink_to(aside)


def put_symlink_into_the_image(bed, path, aside):
    inside = bed.bundle / "rootfs" / "config.json"
    aside.rename(inside)
    path.symlink_to("rootfs/config.json")


def put_fifo(bed, path, aside):
    os.mkfifo(path)


def put_folder(bed, path, aside):
    path.mkdir()


def put_device(bed, path, aside):
    os.mknod(path, 0o644 | 0o020000, os.makedev(1, 5))  # /dev/zero


def put_socket(bed, path, aside):
    os.mknod(path, 0o644 | 0o140000)


def put_group_writable(bed, path, aside):
    aside.rename(path)
    path.chmod(0o664)


def put_world_writable(bed, path, aside):
    aside.rename(path)
    path.chmod(0o646)


def put_foreign(bed, path, aside):
    aside.rename(path)
    os.chown(path, 65534, 0)


PLACES = [put_symlink, put_symlink_into_the_image, put_fifo, put_folder, put_device, put_socket, put_group_writable,
          put_world_writable, put_foreign]


@pytest.mark.parametrize("put", PLACES, ids=lambda put: put.__name__)
def test_config_json_is_not_a_file_of_root(bed, agent, put):
    bed.write(KUBE)
    path, aside = bed.bundle / "config.json", bed.folder / "aside.json"
    path.rename(aside)
    put(bed, path, aside)
    run(bed, agent, [], "unknown")


# --- where the bundle is said to be

def image_config(bed, spec):
    path = bed.bundle / "rootfs" / "config.json"
    path.write_text(json.dumps(spec))
    path.chmod(0o644)


@pytest.mark.parametrize("state", [b"", b"{}", b'{"bundle": null}'])
def test_the_images_own_config_json_in_the_current_directory(bed, agent, state):
    image_config(bed, {**KUBE, "root": {"path": str(bed.bundle / "rootfs")}})
    run(bed, agent, [], "unknown", state=state, cwd=bed.bundle / "rootfs")


def test_the_images_own_config_json_with_a_root_elsewhere_needs_the_state_to_lie(bed, agent):
    """The state names the bundle: what lies in the current directory is of no interest."""
    image_config(bed, KUBE)
    run(bed, agent, [], "harmless", cwd=bed.bundle / "rootfs")


def test_a_root_that_is_a_link_to_the_bundle(bed, agent):
    (bed.bundle / "link").symlink_to(bed.bundle)
    bed.write({**KUBE, "root": {"path": "link"}})
    run(bed, agent, [], "unknown")


def test_claims_in_the_state_count_nothing(bed, agent):
    state = json.loads(bed.state())
    state["annotations"] = {**CONTAINERD_CLAIM, **CRIO_CLAIM}
    state["root"] = "/"
    run(bed, agent, [], "harmless", state=json.dumps(state).encode())


@pytest.mark.parametrize("state", [
    '{"id":"x","bundle":"%s","bundle":"/"}', '{"bundle":"%s","b\\u0075ndle":"/"}', '{"bundle":["%s"]}', '{"bundle":"%s/\\u0000"}',
    '{"bundle":"%s/rootfs"}', '{"bundle":"%s","id":{}}', '{"bundle":"%s"}{}', '"%s"'])
def test_a_state_that_says_two_things(bed, agent, state):
    bed.write(KUBE)
    run(bed, agent, [], "unknown", state=(state % bed.bundle).encode())


# --- and every real form of a pod's UID is no mismatch

@pytest.mark.parametrize("uid, path", [
    (UID, f"/kubepods/pod{UID}/{CID}"), (UID, f"/kubepods/besteffort/pod{UID}/{CID}"), (UID, f"/kubepods/burstable/pod{UID}/{CID}"),
    (UID, f"kubepods-pod{US}.slice:cri-containerd:{CID}"), (UID, f"kubepods-besteffort-pod{US}.slice:cri-containerd:{CID}"),
    (UID, f"kubepods-burstable-pod{US}.slice:cri-containerd:{CID}"), (UID, f"kubelet-kubepods-burstable-pod{US}.slice:cri-containerd:{CID}"),
    (UID, f"/kubelet/kubepods/burstable/pod{UID}/{CID}"), (STATIC, f"/kubepods/burstable/pod{STATIC}/{CID}"),
    (STATIC, f"kubepods-burstable-pod{STATIC}.slice:cri-containerd:{CID}"), ("my-static-pod", f"/kubepods/podmy-static-pod/{CID}"),
    ("my-static-pod", f"kubepods-podmy_static_pod.slice:cri-containerd:{CID}"), (UID, f"/k8s.io/{CID}"), (UID, f"system.slice:containerd:{CID}"),
    ("", f"/kubepods/pod{UID}/{CID}"), (None, f"/kubepods/pod{UID}/{CID}"), (UID, f"/actions_job/{CID}"), (UID, f"/docker/{'e' * 64}/kubepods/pod{UID}/{CID}")])
def test_real_forms_of_a_uid_are_no_mismatch(bed, agent, uid, path):
    spec = with_path(path, containerd_spec(uid=uid))
    if uid is None:
        del spec["annotations"]["io.kubernetes.cri.sandbox-uid"]
    bed.write(spec)
    assert bed.run().code == 0
    assert agent.container.podUID == (uid or "")
