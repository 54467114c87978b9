# SPDX-License-Identifier: Apache-2.0
"""Our TOML reader against judges that are not ours: the toml-test suite, and Python's tomllib on random mutations."""
import datetime
import json
import math
import os
import pathlib
import random
import subprocess
import tomllib

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
DUMP = pathlib.Path(os.environ.get("TOML_DUMP", TOP / "build/main/tests/unit/conf/toml_dump"))
CACHE = os.environ.get("TETRAGON_CACHE", "/var/cache/tetragon-rthooks")
FIXTURES = TOP / "tests/fixtures/conf"
MUTATIONS = 150  # of each fixture


@pytest.fixture(scope="session")
def suite():
    done = subprocess.run([TOP / "scripts/fetch-toml-test", CACHE], check=True, stdout=subprocess.PIPE, text=True)
    folder = pathlib.Path(done.stdout.strip().splitlines()[-1])
    names = (folder / "files-toml-1.0.0").read_text().split()
    return folder, [name for name in names if name.endswith(".toml")]


def dump(text):
    """Tagged JSON, or the text of the refusal."""
    done = subprocess.run([DUMP], input=text, capture_output=True, timeout=60)
    assert done.returncode in (0, 1), done
    if done.returncode == 1:
        return None, done.stderr.decode(errors="replace")
    return json.loads(done.stdout), None


def moment(text):
    """One spelling for a date or time: T and Z in capitals, fractions without trailing zeros."""
    text = text.upper().replace(" ", "T")
    if text.endswith("Z"):
        text = text[:-1] + "+00:00"
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail[:len(tail) - len(tail.lstrip("0123456789"))]
        text = head + ("." + digits.rstrip("0") if digits.rstrip("0") else "") + tail[len(digits):]
    return text


def plain(value):
    """Tagged JSON to something that can be compared."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if set(value) == {"type", "value"} and isinstance(value["value"], str) and isinstance(value["type"], str):
        kind, text = value["type"], value["value"]
        if kind == "integer":
            return kind, int(text)
        if kind == "float":
            number = float(text.replace("_", ""))
            return kind, "nan" if math.isnan(number) else number
        if kind in ("datetime", "datetime-local", "date-local", "time-local"):
            return kind, moment(text)
        return kind, text
    return {key: plain(item) for key, item in value.items()}


def tagged(value):
    """What tomllib read, in the form that plain() gives."""
    if isinstance(value, dict):
        return {key: tagged(item) for key, item in value.items()}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, bool):
        return "bool", str(value).lower()
    if isinstance(value, int):
        return "integer", value
    if isinstance(value, float):
        return "float", "nan" if math.isnan(value) else value
    if isinstance(value, datetime.datetime):
        return ("datetime" if value.tzinfo else "datetime-local"), moment(value.isoformat())
    if isinstance(value, datetime.date):
        return "date-local", value.isoformat()
    if isinstance(value, datetime.time):
        return "time-local", moment(value.isoformat())
    return "string", value


def test_every_valid_document_is_read_as_the_suite_says(suite):
    folder, names = suite
    wrong = []
    valid = [name for name in names if name.startswith("valid/")]
    for name in valid:
        got, refusal = dump((folder / name).read_bytes())
        want = plain(json.loads((folder / name).with_suffix(".json").read_text()))
        if refusal:
            wrong.append(f"{name}: refused: {refusal.strip()}")
        elif plain(got) != want:
            wrong.append(f"{name}: {plain(got)} instead of {want}")
    assert not wrong, "\n".join(wrong)
    assert len(valid) > 150


def test_every_invalid_document_is_refused_with_its_place(suite):
    folder, names = suite
    invalid = [name for name in names if name.startswith("invalid/")]
    wrong = []
    for name in invalid:
        _, refusal = dump((folder / name).read_bytes())
        if refusal is None:
            wrong.append(f"{name}: accepted")
        elif not refusal.startswith("line "):
            wrong.append(f"{name}: no place: {refusal}")
    assert not wrong, "\n".join(wrong)
    assert len(invalid) > 300


def fixtures():
    return sorted(path for path in FIXTURES.rglob("*") if path.suffix in (".toml", ".conf"))


@pytest.mark.parametrize("path", fixtures(), ids=lambda path: str(path.relative_to(FIXTURES)))
def test_real_configurations_are_read_as_tomllib_reads_them(path):
    text = path.read_bytes()
    got, refusal = dump(text)
    assert refusal is None, refusal
    assert plain(got) == tagged(tomllib.loads(text.decode()))


def in_64_bits(value):
    if isinstance(value, dict):
        return all(in_64_bits(item) for item in value.values())
    if isinstance(value, list):
        return all(in_64_bits(item) for item in value)
    return not isinstance(value, int) or -2**63 <= value < 2**63


@pytest.mark.parametrize("path", fixtures(), ids=lambda path: str(path.relative_to(FIXTURES)))
def test_mutated_configurations_are_judged_as_tomllib_judges_them(path):
    """Bytes replaced, dropped, doubled at random (seeded by the name): both accept the same, and read the same."""
    lot = random.Random(path.name)
    original = path.read_bytes()
    pieces = [b'"', b"'", b"[", b"]", b"{", b"}", b"=", b",", b".", b"#", b"\n", b" ", b"\\", b"0", b"_", b"-", b"e", b"\r\n",
              b"[[", b"]]", b'"""', b"1979-05-27T07:32:00Z", b"a.b", b"\xff", b"\x00", b"\xc3\xa4", b"true", b"inf"]
    for _ in range(MUTATIONS):
        begin = lot.randrange(len(original))
        text = bytearray(original[begin:begin + 1500] if lot.random() < 0.5 else original[:1500])
        for _ in range(lot.randrange(1, 5)):
            at = lot.randrange(len(text) + 1)
            text[at:at + lot.choice([0, 0, 1, 2, 9])] = lot.choice(pieces)
        text = bytes(text)
        try:
            want = tomllib.loads(text.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError):
            want = None
        got, refusal = dump(text)
        if want is None or not in_64_bits(want):
            assert refusal is not None, f"we accept what tomllib refuses: {text!r}"
        else:
            assert refusal is None, f"we refuse what tomllib accepts: {refusal}: {text!r}"
            assert plain(got) == tagged(want), text
