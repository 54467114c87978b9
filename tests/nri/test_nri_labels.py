# SPDX-License-Identifier: Apache-2.0
"""Policies that choose by pod labels and container names, through real containerd, with no API server."""
import pytest

from bed import POLICIES
from containerd_bed import KILLED

WEB = """  podSelector:
    matchLabels: {app: web}
  containerSelector:
    matchExpressions: [{key: name, operator: NotIn, values: [spared]}]
"""


@pytest.mark.parametrize("mode", ["inject", "direct"])
def test_a_container_is_chosen_by_its_labels(make_containerd, agent, make_plugin, mode, folder):
    chosen = folder / "chosen.yaml"
    chosen.write_text((POLICIES / "kill-lseek.yaml").read_text().replace("spec:\n", "spec:\n" + WEB))
    containerd = make_containerd("2.3.4")
    agent.start(chosen)
    plugin = make_plugin(containerd, agent, mode).start()
    web, db, plain = (containerd.pod("tenant-a", labels=labels) for labels in ({"app": "web"}, {"app": "db"}, {}))
    for _ in range(5):
        assert web.run("/bin/first_lseek") == (KILLED, "")
        assert db.run("/bin/first_lseek") == (0, "survived\n")
        assert plain.run("/bin/first_lseek") == (0, "survived\n")
    assert web.run("/bin/first_lseek", name="spared") == (0, "survived\n")
    # A new agent knows no labels before the plugin has told it; what was decided holds.
    agent.kill()
    agent.start(chosen)
    assert web.run("/bin/first_lseek") == (KILLED, "")
    assert db.run("/bin/first_lseek") == (0, "survived\n")
    assert plugin.status()["dropped"] == 0
