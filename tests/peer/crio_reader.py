#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for `crio --config-dir=DIR --config FILE config`, which no package registry has: puts CRI-O's files together as
its pkg/config does (the file, then every file below the folder in the order of filepath.Walk; handlers whole, lists
replaced, other keys one by one) and prints what is in force as TOML. As CRI-O's template does, it leaves out what is as by
default: of the handlers and of the validator all or nothing. `crio config --default` prints all of the defaults."""
import json
import os
import sys
import tomllib

BUILT_IN = {"crun": {"runtime_path": "", "runtime_type": "oci", "runtime_root": "/run/crun", "allowed_annotations": ["io.containers.trace-syscall"]}}
VALIDATOR = {"nri_enable_default_validator": False, "nri_validator_required_plugins": [], "nri_validator_tolerate_missing_plugins_annotation": ""}


def walk(folder):
    for name in sorted(os.listdir(folder), key=os.fsencode) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            yield from walk(path)
        else:
            yield path


def merge(into, table, path=()):
    for key, value in table.items():
        if isinstance(value, dict) and path != ("crio", "runtime", "runtimes"):
            merge(into.setdefault(key, {}), value, (*path, key))
        else:
            into[key] = value


def in_force(config, folder):
    result = {"crio": {"runtime": {"runtimes": dict(BUILT_IN)}, "nri": {"enable_nri": True, "default_validator": dict(VALIDATOR)}}}
    for path in [config, *walk(folder)]:
        if os.path.exists(path) or path != config:
            with open(path, "rb") as file:
                merge(result, tomllib.load(file))
    return result


def inline(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(one)}" for key, one in value.items()) + "}"
    return "[" + ", ".join(map(inline, value)) + "]" if isinstance(value, list) else json.dumps(value)


def printed(now, usual, path=()):
    whole = path in (("crio", "runtime", "runtimes"), ("crio", "nri", "default_validator"))
    return {key: printed(value, usual.get(key, {}), (*path, key)) if isinstance(value, dict) and not whole else value
            for key, value in now.items() if value != usual.get(key) or whole}


if __name__ == "__main__":
    default = in_force("/nonexistent", "/nonexistent")
    if sys.argv[1:] == ["config", "--default"]:
        result = default
    else:
        assert sys.argv[1].startswith("--config-dir=") and sys.argv[2] == "--config" and sys.argv[4:] == ["config"], sys.argv
        os.stat(sys.argv[3])  # CRI-O fails without a file that is named
        result = printed(in_force(sys.argv[3], sys.argv[1].split("=", 1)[1]), default)
    for name, value in result.items():
        print(f"{name} = {inline(value)}")
