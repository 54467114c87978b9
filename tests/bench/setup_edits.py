# SPDX-License-Identifier: Apache-2.0
"""Set-up: an edit of a configuration from 10 KB to 10 MB, and verify."""
import pathlib
import statistics
import subprocess
import time

from bed import BIN

TABLE = '  [plugins."io.containerd.grpc.v1.cri".registry.configs."registry-{}.example"]\n    # a comment\n    ca_file = "/etc/certs/{}.pem"\n'


def run_ms(*arguments):
    began = time.monotonic()
    done = subprocess.run([BIN / "tetragon-oci-hook-setup", *arguments], capture_output=True, text=True)
    return (time.monotonic() - began) * 1000, done


def bench(folder, heading, row):
    folder = pathlib.Path(folder)
    heading("Set-up: enable-nri, of the file's size", ["", "median of 5", "a MB", "goal"])
    for name, size in (("10 KB", 10 ** 4), ("100 KB", 10 ** 5), ("1 MB", 10 ** 6), ("10 MB", 10 ** 7)):
        conf, out = folder / "config.toml", folder / "out.toml"
        count = size // len(TABLE)
        conf.write_text("version = 2\n[plugins]\n" + "".join(TABLE.format(n, n) for n in range(count)))
        times = []
        for _ in range(5):
            took, done = run_ms("patch-containerd-conf", "enable-nri", f"--config-file={conf}", f"--output={out}")
            if done.returncode:
                raise RuntimeError(done.stderr)
            times.append(took)
        median = statistics.median(times)
        row(name, f"{median:.1f} ms", f"{median * 1e6 / conf.stat().st_size:.1f} ms", "≤ 50 ms" if size == 10 ** 6 else "")
    row("verify, this host", f"{statistics.median(run_ms('verify')[0] for _ in range(5)):.1f} ms", "", "≤ 100 ms")
