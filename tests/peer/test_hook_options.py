# SPDX-License-Identifier: Apache-2.0
"""Flags, the configuration file, and the questions that the hook answers about itself."""
import json
import re
import subprocess

import grpc
import pytest

import hook_bed
from hook_bed import Agent, Bed, containerd_spec


@pytest.fixture
def bed(tmp_path, hook_bin):
    return Bed(tmp_path, hook_bin)


def run(bed, *arguments, **more):
    return subprocess.run([bed.program, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          cwd=bed.folder, timeout=30, **more)


def configure(bed, config):
    path = bed.program.parent / "tetragon-oci-hook.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    path.chmod(0o644)
    return path


def in_force(bed, *arguments):
    done = run(bed, "--just-print-config", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


# --- what is in force

def test_the_defaults(bed):
    assert in_force(bed, "createRuntime") == in_force(bed) == {
        "log_fname": str(bed.program.parent / "tetragon-oci-hook.log"), "log_level": "info",
        "grpc_address": "unix:///var/run/tetragon/tetragon.sock", "grpc_timeout": "10s", "disable_grpc": False,
        "annotations_namespace_key": [], "fail_allow_namespaces": ["kube-system"], "fail_allow_namespaces_regex": [],
        "fail_cel_expr": "", "runtime": "auto", "unseen_dir": "/run/tetragon/unseen", "pod_namespace": "", "pod_name": "",
        "pod_uid": "", "container_name": "", "container_id": ""}
    assert not (bed.program.parent / "tetragon-oci-hook.log").exists()


VALUES = [
    # key in the file, its value, what is in force; flag, what it makes of it
    ("log_fname", "/x y", "/x y", "--log-fname=/z", "/z"),
    ("log_level", "debug", "debug", "--log-level=warn+2", "warn+2"),
    ("grpc_address", "unix:/a", "unix:/a", "--grpc-address=h:1", "h:1"),
    ("grpc_timeout", "1m30s", "1m30s", "--grpc-timeout=300ms", "300ms"),
    ("grpc_timeout", 1500000000, "1.5s", "--grpc-timeout=0", "0s"),
    ("disable_grpc", True, True, "--disable-grpc=no", False),
    ("disable_grpc", "true", True, "--disable-grpc=FALSE", False),
    ("disable_grpc", "no", False, "--disable-grpc", True),
    ("annotations_namespace_key", ["a", "b"], ["a", "b"], "--annotations-namespace-key=c", ["c"]),
    ("fail_allow_namespaces", "a,b\\,c", ["a", "b,c"], "--fail-allow-namespaces=d,e", ["d", "e"]),
    ("fail_allow_namespaces", [], [], "--fail-allow-namespaces=", []),
    ("fail_allow_namespaces_regex", ["^a{1,2}$"], ["^a{1,2}$"], "--fail-allow-namespaces-regex=a{1\\,3}", ["a{1,3}"]),
    ("fail_cel_expr", "false", "false", "--fail-cel-expr=a < b && 'c' == \"d\"", "a < b && 'c' == \"d\""),
    ("runtime", "cri-o", "cri-o", "--runtime=podman", "podman"),
    ("unseen_dir", "/x", "/x", "--unseen-dir=/y", "/y"),
    ("pod_namespace", "n", "n", "--pod-namespace=m", "m"),
]


def camel(key):
    return re.sub("_(.)", lambda match: match[1].upper(), key)


@pytest.mark.parametrize("key, value, config, flag, argument", VALUES)
def test_command_line_before_file_before_default(bed, key, value, config, flag, argument):
    configure(bed, {key: value})
    assert in_force(bed)[key] == config
    assert in_force(bed, flag)[key] == argument
    configure(bed, {camel(key): value})
    assert in_force(bed)[key] == config
    configure(bed, {"unknown": [{"a": 1}], **({key.replace("_", "-"): "ignored"} if "_" in key else {}), camel(key): None, key: value})
    assert in_force(bed)[key] == config
    configure(bed, {key: None})
    default = in_force(bed)[key]
    (bed.program.parent / "tetragon-oci-hook.json").unlink()
    assert in_force(bed)[key] == default


def test_what_is_printed_is_a_configuration_file(bed):
    arguments = ["--fail-allow-namespaces=a b,c\\,d", "--fail-allow-namespaces=\"e\"", "--grpc-timeout=90s", "--disable-grpc",
                 "--fail-cel-expr='x' in annotations\n|| \"y\" == 'z'", "--log-level=debug", "--log-fname=/a\\b"]
    text = run(bed, "--just-print-config", *arguments).stdout
    configure(bed, text)
    assert run(bed, "--just-print-config").stdout == text


def test_repeated_lists_add_up_and_replace_what_the_file_says(bed):
    configure(bed, {"fail_allow_namespaces": ["x"]})
    assert in_force(bed, "--fail-allow-namespaces", "a,b", "createRuntime", "--fail-allow-namespaces=c")[
        "fail_allow_namespaces"] == ["a", "b", "c"]


@pytest.mark.parametrize("config, word", [
    ('{"grpc_timeout": "5"}', "--grpc-timeout: '5' is a duration without a unit"), ('{"grpc_timeout": true}', "--grpc-timeout"),
    ('{"disable_grpc": "maybe"}', "--disable-grpc"), ('{"disable_grpc": 1}', "--disable-grpc"),
    ('{"fail_allow_namespaces": [1]}', "--fail-allow-namespaces"), ('{"log_level": {}}', "--log-level"),
    ('{"runtime": "rkt"}', "--runtime: unknown runtime 'rkt'"), ('{"log_level": "a", "log_level": "b"}', "stands twice"),
    ("[]", "one JSON object"), ("", "JSON"), ('{"a": 1}}', "JSON"), ("{" * 100, "JSON"), ('{"log_fname": "a\\u0000b"}', "NUL"),
    ('{"just_print_config": true}', "--just-print-config is for the command line only"),
    ('{"evalCel": "true"}', "--eval-cel is for the command line only")])
def test_a_wrong_file_ends_every_hook_with_1(bed, config, word):
    path = configure(bed, config)
    for name in ("createRuntime", "poststop", "--check-config"):
        done = run(bed, name)
        assert done.returncode == 1 and done.stdout == "", done
        assert done.stderr.startswith("tetragon-oci-hook: error: ") and word in done.stderr
        assert str(path) in done.stderr or word.startswith("--runtime")


def test_a_file_cut_anywhere_is_wrong(bed):
    text = json.dumps({"log_fname": "/x", "grpc_timeout": "5s", "fail_allow_namespaces": ["a", "b"], "disable_grpc": False})
    for at in range(len(text)):
        configure(bed, text[:at])
        assert run(bed, "poststop").returncode == 1, at
    configure(bed, text)
    assert run(bed, "poststop").returncode == 0


@pytest.mark.parametrize("arguments, hint", [
    (["--fail-allow-namespace=x", "poststop"], "did you mean --fail-allow-namespaces?"),
    (["--fail_allow_namespaces=x", "poststop"], "did you mean --fail-allow-namespaces?"),
    (["--logfname=x", "poststop"], "did you mean --log-fname?"), (["-x", "poststop"], "two dashes"),
    (["--grpc-timeout=5", "poststop"], "write for example 5s or 5ms"), (["--disable-grpc=perhaps", "poststop"], "neither true nor"),
    (["--fail-cel-expr", "-1 > 0", "poststop"], "--fail-cel-expr=-1 > 0"), (["--log-fname=/dev/null", "createruntime"], "did you mean 'createRuntime'?"),
    (["--log-fname=/dev/null", "serverversion"], "did you mean 'server-version'?"), (["--log-fname=/dev/null", "start" * 1000], "unknown hook"),
    (["--runtime=crio", "poststop"], "want auto, containerd, cri-o, podman or docker")])
def test_wrong_usage_says_what_was_meant(bed, arguments, hint):
    done = run(bed, *arguments)
    assert done.returncode == 80 and done.stdout == "" and hint in done.stderr, done
    assert done.stderr.startswith("tetragon-oci-hook: error: ") and done.stderr.count("\n") == 1


def test_an_unknown_hook_is_in_the_log_too(bed):
    assert run(bed, f"--log-fname={bed.log_file}", "startContainer").returncode == 80
    line, = bed.lines()
    assert (line["level"], line["msg"], line["hook"]) == ("WARN", "hook called with unknown hook", "startContainer")


# --- --check-config

def test_a_good_configuration(bed):
    done = run(bed, "--check-config", f"--log-fname={bed.log_file}", f"--unseen-dir={bed.unseen}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "the configuration is good\n", ""), done
    assert not bed.log_file.exists() and not bed.unseen.exists()  # a look leaves nothing behind


@pytest.mark.parametrize("config, words", [
    ({"fail_cel_expr": "namespace == 1"}, ["--fail-cel-expr: line 1, column 11", "no overload"]),
    ({"fail_cel_expr": "1"}, ["--fail-cel-expr", "bool"]), ({"fail_cel_expr": "namespac == 'x'"}, ["--fail-cel-expr", "did you mean"]),
    ({"fail_allow_namespaces_regex": ["a", "b(", "c["]}, ["'b('", "'c['"]), ({"log_level": "loud"}, ["--log-level: 'loud'"]),
    ({"grpc_address": "http://x"}, ["--grpc-address"]), ({"grpc_address": "agent.local:54321"}, ["host names are not resolved"]),
    ({"grpc_timeout": 0}, ["--grpc-timeout: 0"]), ({"log_fname": "/dev/null/x"}, ["--log-fname"]), ({"log_fname": "/"}, ["--log-fname"]),
    ({"unseen_dir": "/etc"}, ["--unseen-dir: /etc must be"]), ({"unseen_dir": "/etc/passwd/x"}, ["--unseen-dir"]),
    ({"fail_allow_namespace": ["x"]}, ["unknown key 'fail_allow_namespace'; did you mean 'fail_allow_namespaces'?"]),
    ({"fail-allow-namespaces": ["x"]}, ["did you mean 'fail_allow_namespaces'?"]),
    ({"runtime": "dcoker"}, ["unknown runtime"]),
    ({"log_level": "loud", "fail_cel_expr": "(", "fail_allow_namespaces_regex": ["*"], "grpc_address": "x", "unseen_dir": "/etc"},
     ["--log-level", "--fail-cel-expr", "--fail-allow-namespaces-regex", "--grpc-address", "--unseen-dir"])])
def test_each_mistake_is_told(bed, config, words):
    base = {"log_fname": str(bed.log_file), "unseen_dir": str(bed.unseen)}
    configure(bed, {**base, **config})
    done = run(bed, "--check-config")
    assert done.returncode == 1 and done.stdout == "", done
    for word in words:
        assert word in done.stderr, word
    assert done.stderr.count("tetragon-oci-hook: error: ") == len(words) or len(config) == 1


@pytest.mark.parametrize("arguments, word", [
    (["--runtime=cri-o", "--annotations-namespace-key=io.kubernetes.cri.sandbox-namespace"], "not written by cri-o itself"),
    (["--fail-allow-namespaces-regex=.*"], "matches every namespace"), (["--disable-grpc"], "without the agent knowing")])
def test_what_is_doubtful_is_told_and_passes(bed, arguments, word):
    done = run(bed, "--check-config", f"--log-fname={bed.log_file}", f"--unseen-dir={bed.unseen}", *arguments)
    assert done.returncode == 0 and "tetragon-oci-hook: warning: " in done.stderr and word in done.stderr, done


# --- --eval-cel

ANNOTATIONS = json.dumps({"io.kubernetes.cri.sandbox-namespace": "tenant-a", "team": "ops"})


@pytest.mark.parametrize("expression, out", [
    ("namespace == 'tenant-a'", "true\n"), ("annotations['team'] in ['dev']", "false\n"), ("size(annotations)", "2\n"),
    ("runtime", '"containerd"\n'), ("annotations_namespace_keys", '["io.kubernetes.cri.sandbox-namespace"]\n')])
def test_an_expression_is_tried(bed, expression, out):
    done = run(bed, "--eval-cel", expression, "--annotations", ANNOTATIONS)
    assert (done.returncode, done.stdout) == (0, out), done


@pytest.mark.parametrize("arguments, word", [
    (["--eval-cel=namespac"], "did you mean"), (["--eval-cel=annotations['x']"], "x"), (["--eval-cel=1/0"], "zero"),
    (["--eval-cel="], "column 1"), (["--eval-cel=true", "--annotations=[]"], "--annotations"), (["--eval-cel=true", "--annotations={"], "--annotations")])
def test_what_is_wrong_with_an_expression(bed, arguments, word):
    done = run(bed, *arguments)
    assert done.returncode == 1 and done.stdout == "" and word in done.stderr, done


# --- the fail check, in a whole start

@pytest.mark.parametrize("flags, code, reason", [
    (["--fail-allow-namespaces-regex=^tenant-"], 0, None), (["--fail-allow-namespaces-regex=^tenant$"], 1, "failCheck determined that we should fail"),
    (["--fail-allow-namespaces-regex=("], 1, "failed to run failCheck: "), (["--fail-cel-expr=namespace != 'tenant-a'"], 0, None),
    (["--fail-cel-expr=namespace == 'tenant-a'"], 1, "failCheck determined that we should fail"),
    (["--fail-cel-expr=annotations['x'] == ''"], 1, "failed to run failCheck: "), (["--fail-cel-expr=syntax error"], 1, "failed to run failCheck: "),
    (["--fail-cel-expr=true", "--fail-allow-namespaces=tenant-a"], 1, "failCheck determined that we should fail")])
def test_the_fail_check_decides(bed, api, flags, code, reason):
    done = bed.run(*flags, timeout="500ms")
    assert done.code == code, done
    assert len(bed.records()) == (code == 0)
    if code:
        assert bed.line("failing container")["should-fail"].startswith(reason)
        assert bed.line("failing container")["req-podName"] == "web-0"
        assert ("; failed to run failCheck: " in done.err) == reason.startswith("failed to run")
        assert 0.4 < bed.line("failing container")["duration"] < 5
    else:
        assert done.seconds < 1
    with Agent(api, f"unix:{bed.socket}"):  # and none of it matters where the agent answers
        assert bed.run(*flags).code == 0


def test_wrong_expressions_harm_no_other_hook(bed):
    for name in ("createContainer", "poststop"):
        assert bed.run("--fail-cel-expr=syntax error", "--fail-allow-namespaces-regex=(", hook=name).code == 0


@pytest.mark.parametrize("flags, spec, code", [
    (["--fail-cel-expr=false"], "{", 0), (["--fail-cel-expr=true"], "{", 1), (["--fail-cel-expr=namespace == 'a'"], "{", 1),
    (["--pod-namespace=kube-system"], "{", 0), (["--pod-namespace=tenant-a"], "{", 1), ([], "{", 1)])
def test_a_broken_spec_leaves_what_is_known_for_certain(bed, flags, spec, code):
    bed.write(spec)
    assert bed.run(*flags).code == code


def test_patterns_that_would_stall_elsewhere(bed):
    spec = containerd_spec(namespace="a" * 60)
    bed.write(spec)
    for pattern in ("(a*)*b", "(a|a)*b", "(a|aa)+$x", "((a{0\\,30}){0\\,30})b", "(.*)(.*)(.*)(.*)(.*)b"):
        done = bed.run(f"--fail-allow-namespaces-regex={pattern}", timeout="300ms")
        assert done.code == 1 and done.seconds < 2, (pattern, done)


# --- server-version

class VersionAgent:
    def __init__(self, api, address, answer):
        handlers = {"/tetragon.FineGuidanceSensors/GetVersion": grpc.unary_unary_rpc_method_handler(lambda request, context: answer(context))}

        class Handler(grpc.GenericRpcHandler):
            def service(self, details):
                return handlers.get(details.method)

        self.server = grpc.server(hook_bed.concurrent.futures.ThreadPoolExecutor(2), handlers=(Handler(),))
        self.server.add_insecure_port(address)
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(0).wait()


def test_server_version_goes_to_the_log_and_to_standard_output(bed, api):
    with VersionAgent(api, f"unix:{bed.socket}", lambda _: api.sensors.GetVersionResponse(version="v1.9.0").SerializeToString()):
        done = bed.run(hook="server-version")
    assert (done.code, done.out, done.err) == (0, "v1.9.0\n", ""), done
    line, = bed.lines()
    assert list(line) == ["time", "level", "msg", "version"] and (line["msg"], line["version"]) == ("server-version", "v1.9.0")


@pytest.mark.parametrize("answer", [b"\xff\xff", b"\x0a\x7fshort", b"\x0a\xc8\x01" + b"v" * 200 + b"\x0a\xc8\x02" + b"v" * 328])
def test_server_version_of_a_strange_agent(bed, api, answer):
    with VersionAgent(api, f"unix:{bed.socket}", lambda _: answer):
        assert bed.run(hook="server-version").code == 1
    assert bed.messages() == ["failed to get server version"]


def test_server_version_without_an_agent_is_told_at_once(bed):
    done = bed.run(hook="server-version", timeout="10s")
    assert done.code == 1 and done.out == "" and "not there" in done.err and done.seconds < 2, done
    line, = bed.lines()
    assert (line["level"], line["msg"]) == ("WARN", "failed to get server version") and "Unavailable" in line["error"]
