# SPDX-License-Identifier: Apache-2.0
"""What receiver-hang.sh runs, in the directory of the sidecar module.

usage: receiver_hang.py SECONDS
"""
import collections
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

DIRECTIONS = ("transmit", "receive")


class Receiver:
    """The test suite's OTLP receiver, and what it was told of one server port."""

    def __init__(self, hang_file, server_port, temporality):
        self.server_port, self.temporality = server_port, temporality
        self.values = collections.defaultdict(int)
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "src/test/python/otlp_server.py", "target/peer-protos", "0", hang_file],
            stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            point = json.loads(line)
            attributes = point["attributes"]
            # Histograms have no value.
            if point["value"] is None or attributes.get("destination.port") != self.server_port:
                continue
            key = (point["metric"], attributes["reporter"], attributes.get("network.io.direction"))
            if self.temporality == "delta" and point["temporality"] == 1:
                self.values[key] += point["value"]
            else:
                self.values[key] = point["value"]

    def close(self):
        self.process.terminate()
        self.process.wait()


class Sidecar:
    def __init__(self, receiver):
        self.err = tempfile.NamedTemporaryFile("r", prefix="meshlens-hang-")
        self.process = subprocess.Popen(
            ["target/dist/bin/meshlens", "run"]
            + [word for setting in (
                "telemetry.address=127.0.0.1:0", "kernel.pin_path=off", "access_log.stdout.enabled=false",
                "metrics.otlp.endpoint=http://127.0.0.1:%d" % receiver.port,
                "metrics.otlp.temporality=" + receiver.temporality) for word in ("--set", setting)],
            stdout=subprocess.DEVNULL, stderr=open(self.err.name, "w"))
        self.page = None
        while self.page is None:
            time.sleep(0.1)
            assert self.process.poll() is None, self.err.read()
            for line in open(self.err.name):
                if "metrics on " in line:
                    self.page = line.split("metrics on ")[1].strip()

    def metric(self, name):
        with urllib.request.urlopen(self.page, timeout=30) as page:
            return sum(float(line.rsplit(" ", 1)[1]) for line in page.read().decode().splitlines()
                       if line.startswith(name))

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.err.close()


class Traffic:
    """Connections to a server of our own; both ends count what they send."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listening.getsockname()[1]
        self.connections = self.requested = self.answered = 0

    def once(self):
        size, answer = 100 + self.connections % 7000, 13 + self.connections % 900
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            accepted, _ = self.listening.accept()
            with accepted:
                client.sendall(b"x" * size)
                client.shutdown(socket.SHUT_WR)
                received = 0
                while chunk := accepted.recv(1 << 16):
                    received += len(chunk)
                accepted.sendall(b"y" * answer)
                accepted.shutdown(socket.SHUT_WR)
                got = 0
                while chunk := client.recv(1 << 16):
                    got += len(chunk)
        assert (received, got) == (size, answer)
        self.connections += 1
        self.requested += size
        self.answered += answer

    def during(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.once()
            time.sleep(0.01)

    def expected(self):
        return {
            ("mesh.tcp.io", "source", "transmit"): self.requested,
            ("mesh.tcp.io", "source", "receive"): self.answered,
            ("mesh.tcp.io", "destination", "transmit"): self.answered,
            ("mesh.tcp.io", "destination", "receive"): self.requested,
            ("mesh.tcp.connections.opened", "source", None): self.connections,
            ("mesh.tcp.connections.opened", "destination", None): self.connections,
            ("mesh.tcp.connections.closed", "source", None): self.connections,
            ("mesh.tcp.connections.closed", "destination", None): self.connections,
        }


def main(seconds):
    directory = tempfile.TemporaryDirectory(prefix="meshlens-hang-")
    hang_file = os.path.join(directory.name, "hang")
    traffic = Traffic()
    receivers = [Receiver(hang_file, traffic.port, temporality) for temporality in ("cumulative", "delta")]
    sidecars = [Sidecar(receiver) for receiver in receivers]
    try:
        traffic.during(15)
        open(hang_file, "w").close()
        print("the receivers hang for %d s" % seconds, flush=True)
        traffic.during(seconds)
        os.remove(hang_file)
        traffic.during(15)
        expected = traffic.expected()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and any(
                {key: receiver.values[key] for key in expected} != expected for receiver in receivers):
            time.sleep(0.5)
        failed = False
        for receiver, sidecar in zip(receivers, sidecars):
            wrong = {key: (receiver.values[key], value) for key, value in expected.items()
                     if receiver.values[key] != value}
            print("%s: %d connections, %d and %d bytes; pushes failed %d, accepted %d; points lost %d: %s" % (
                receiver.temporality, traffic.connections, traffic.requested, traffic.answered,
                sidecar.metric("meshlens_otlp_failures_total"), sidecar.metric("meshlens_otlp_exports_total"),
                sidecar.metric("meshlens_otlp_lost_total"),
                "equal" if not wrong else "received and expected differ: %s" % wrong), flush=True)
            failed |= bool(wrong)
        return 1 if failed else 0
    finally:
        for each in sidecars + receivers:
            each.close()
        directory.cleanup()


sys.exit(main(int(sys.argv[1])))
