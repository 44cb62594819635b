# SPDX-License-Identifier: Apache-2.0
"""A cable between two network namespaces that loses, delays, reorders and marks packets on demand.

For the snippets of tcp_peer.py. Two TUN devices named wire, and a thread between them, because not every kernel
has netem; and here each fault is counted and none is left to chance.
"""
import ctypes
import fcntl
import heapq
import os
import select
import struct
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
ECT, CE = 2, 3


def tun(namespace):
    """A device in a network namespace, named by its file; this thread comes back from there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as home, open(namespace) as away:
        if libc.setns(away.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        libc.setns(home.fileno(), CLONE_NEWNET)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
    return device


def is_tcp(packet):
    return packet[0] >> 4 == 4 and packet[9] == 6


def payload_length(packet):
    header = (packet[0] & 15) * 4
    return struct.unpack_from("!H", packet, 2)[0] - header - (packet[header + 12] >> 4) * 4


def mark(packet):
    """Congestion experienced; only what says that it can be marked."""
    assert packet[1] & 3 in (1, ECT), "not capable of ECN: %d" % (packet[1] & 3)
    packet = bytearray(packet)
    packet[1] |= CE
    packet[10:12] = b"\0\0"
    header = packet[: (packet[0] & 15) * 4]
    total = sum(struct.unpack("!%dH" % (len(header) // 2), header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!H", packet, 10, ~total & 0xFFFF)
    return bytes(packet)


class Wire:
    """Faults are for segments with payload that go to the second namespace, by their number since plan()."""

    def __init__(self, here, there):
        self.ends = [tun(here), tun(there)]
        self.plan()
        threading.Thread(target=self.relay, daemon=True).start()

    def plan(self, lose=(), swap=(), mark=(), delay=0.0):
        """From now on: these are lost, pass behind the next one, are marked; and how long any packet takes."""
        self.lose, self.swap, self.mark, self.delay = set(lose), set(swap), set(mark), delay
        self.seen = self.lost = self.marked = 0
        self.held = None
        self.dark = False

    def relay(self):
        under_way, order = [], 0
        poll = select.poll()
        for end in self.ends:
            poll.register(end, select.POLLIN)
        while True:
            pause = max(0.0, under_way[0][0] - time.monotonic()) * 1000 if under_way else 1000
            for end, _ in poll.poll(pause):
                for packet in self.treat(end, os.read(end, 1 << 16)):
                    order += 1
                    other = self.ends[end == self.ends[0]]
                    heapq.heappush(under_way, (time.monotonic() + self.delay, order, other, packet))
            while under_way and under_way[0][0] <= time.monotonic():
                os.write(under_way[0][2], heapq.heappop(under_way)[3])

    def treat(self, end, packet):
        """What comes out for what went in."""
        if self.dark or not is_tcp(packet):
            return []
        if end == self.ends[1] or payload_length(packet) == 0:
            return [packet]
        number = self.seen
        self.seen += 1
        if number in self.lose:
            self.lost += 1
            return []
        if number in self.mark:
            self.marked += 1
            packet = mark(packet)
        if number in self.swap:
            self.held = packet
            return []
        held, self.held = self.held, None
        return [packet, held] if held else [packet]
