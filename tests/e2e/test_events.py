# SPDX-License-Identifier: Apache-2.0
"""Events as a client of the API gets them."""
import threading

from bed.api import Client


def test_a_stream_tells_of_the_kill(guarded, podman, agent):
    guarded("kill-lseek")
    with Client(agent.address) as client:
        stream = client.stub.GetEvents(client.events.GetEventsRequest(), timeout=30)
        # The call's headers say that the agent has it: events from now on reach this stream.
        stream.initial_metadata()
        starter = threading.Thread(target=podman.run, args=("/bin/first_lseek",), kwargs={"namespace": "tenant-a"})
        starter.start()
        seen = []
        for response in stream:
            seen.append(response.WhichOneof("event"))
            if response.HasField("process_kprobe"):
                break
        stream.cancel()
        starter.join()
    kill = response.process_kprobe
    assert (kill.policy_name, kill.process.pod.namespace) == ("kill-lseek", "tenant-a")
    assert "process_exec" in seen
