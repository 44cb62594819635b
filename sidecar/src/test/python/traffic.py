# SPDX-License-Identifier: Apache-2.0
"""Both ends of many TCP connections of many kinds, in one process that counts what either end did.

For the snippets of tcp_peer.py. What is counted here is the truth that sums are compared with.
"""
import collections
import errno
import random
import struct
import threading
from socket import *  # noqa: F403

HEADER = struct.Struct("!II")  # bytes that follow, bytes wanted back
CLIENT_CLOSES, SERVER_CLOSES, CLIENT_RESETS, SERVER_RESETS = range(4)
ENDINGS = (CLIENT_CLOSES, SERVER_CLOSES, CLIENT_RESETS, SERVER_RESETS)
REFUSED, UNREACHABLE, ABORTED, TIMED_OUT = "refused", "unreachable", "aborted", "timed out"


class End:
    """What one end of one or many connections did."""

    def __init__(self):
        self.opened = self.closed = self.sent = self.received = 0
        self.failed = collections.Counter()
        self.lock = threading.Lock()

    def add(self, other):
        with self.lock:
            self.opened += other.opened
            self.closed += other.closed
            self.sent += other.sent
            self.received += other.received

    def fail(self, why):
        with self.lock:
            self.failed[why] += 1

    def json(self):
        return {"opened": self.opened, "closed": self.closed, "sent": self.sent, "received": self.received,
                "failed": dict(self.failed)}


class Counted:
    """A connected socket that counts."""

    def __init__(self, sock):
        self.sock = sock
        self.end = End()
        self.end.opened = 1

    def send(self, data):
        self.sock.sendall(data)
        self.end.sent += len(data)

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.sock.recv(min(count - len(data), 1 << 16))
            if not piece:
                raise EOFError
            data += piece
            self.end.received += len(piece)
        return bytes(data)

    def wait_for_end(self):
        """Nothing more comes but a FIN or a RST."""
        try:
            if data := self.sock.recv(1):
                raise AssertionError("surplus byte: %r" % data)
        except ConnectionResetError:
            pass

    def reset(self):
        self.sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()
        self.end.closed = 1


class Traffic:
    """A server at a port, its clients, and the sum of what each side did.

    The port above must have no listener; for the kinds UNREACHABLE, ABORTED and TIMED_OUT, the one above that
    answers with an ICMP error, and the next not at all. Clients come from the source address, if one is given.
    """

    def __init__(self, address, port, source=None):
        self.source = source
        self.family = AF_INET6 if ":" in address else AF_INET
        self.address, self.port = address, port
        self.sides = {"outbound": End(), "inbound": End()}
        self.held = []
        self.open_ends = set()
        self.served = threading.Condition()
        self.listener = socket(self.family)
        self.listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(128)
        threading.Thread(target=self.accept, daemon=True).start()

    # The server's side.

    def accept(self):
        while True:
            accepted = Counted(self.listener.accept()[0])
            with self.served:
                self.open_ends.add(accepted)
            threading.Thread(target=self.serve, args=[accepted], daemon=True).start()

    def serve(self, accepted):
        try:
            ending = accepted.receive(1)[0]
            while True:
                count, wanted = HEADER.unpack(accepted.receive(HEADER.size))
                accepted.receive(count)
                accepted.send(bytes(wanted))
                if ending == SERVER_CLOSES:
                    break
                if ending == SERVER_RESETS:
                    accepted.receive(1)
                    accepted.reset()
                    break
        except (EOFError, ConnectionResetError):
            pass
        accepted.close()
        self.sides["inbound"].add(accepted.end)
        with self.served:
            self.open_ends.remove(accepted)
            self.served.notify_all()

    # The clients' side.

    def client(self):
        sock = socket(self.family)
        if self.source:
            sock.bind((self.source, 0))
        return sock

    def open(self, ending):
        sock = self.client()
        sock.connect((self.address, self.port))
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        client = Counted(sock)
        client.send(bytes([ending]))
        return client

    @staticmethod
    def exchange(client, count, wanted):
        client.send(HEADER.pack(count, wanted))
        client.send(bytes(count))
        client.receive(wanted)

    def one(self, ending, count, wanted):
        """A connection from its beginning to its end."""
        client = self.open(ending)
        self.exchange(client, count, wanted)
        if ending == SERVER_RESETS:
            client.send(b".")
        if ending in (SERVER_CLOSES, SERVER_RESETS):
            client.wait_for_end()
        if ending == CLIENT_RESETS:
            client.reset()
        client.close()
        self.sides["outbound"].add(client.end)

    def one_failure(self, kind):
        with self.client() as sock:
            try:
                if kind == ABORTED:
                    sock.setblocking(False)
                    code = sock.connect_ex((self.address, self.port + 3))
                    assert code == errno.EINPROGRESS, code
                    self.sides["outbound"].fail("aborted")
                    return
                if kind == TIMED_OUT:
                    sock.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, 300)
                offset = {REFUSED: 1, UNREACHABLE: 2, TIMED_OUT: 3}[kind]
                sock.connect((self.address, self.port + offset))
            except OSError as e:
                self.sides["outbound"].fail(errno.errorcode[e.errno])

    def work(self, seed, connections, kinds):
        dice = random.Random(seed)
        for _ in range(connections):
            kind = dice.choice(kinds)
            if kind in ENDINGS:
                # An answer, so that a RST overtakes nothing.
                self.one(kind, dice.randrange(20_000), dice.randrange(1, 20_000))
            else:
                self.one_failure(kind)

    def churn(self, connections, kinds=ENDINGS, threads=4):
        """So many connections from each of some threads at once; returns when both ends are over."""
        failures = []

        def work(seed):
            try:
                self.work(seed, connections, kinds)
            except BaseException as e:
                failures.append(repr(e))

        workers = [threading.Thread(target=work, args=[seed]) for seed in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert not failures, failures
        self.settle()

    def hold(self, connections):
        """Opens some that stay."""
        for _ in range(connections):
            self.held.append(self.open(CLIENT_CLOSES))

    def pump(self, rounds, first=0):
        """Exchanges over the held connections, by turns, the first few left out."""
        dice = random.Random(rounds)
        for _ in range(rounds):
            for client in self.held[first:]:
                self.exchange(client, dice.randrange(50_000), dice.randrange(50_000))

    def release(self):
        """Closes the held connections and waits for their other ends."""
        for client in self.held:
            client.close()
            self.sides["outbound"].add(client.end)
        self.held = []
        self.settle()

    def settle(self):
        with self.served:
            assert self.served.wait_for(lambda: len(self.open_ends) == len(self.held), 10)

    def over(self):
        """What the connections did that are over."""
        return {side: end.json() for side, end in self.sides.items()}

    def open_now(self):
        """What the connections did until now that are open."""
        sums = {"outbound": End(), "inbound": End()}
        for client in self.held:
            sums["outbound"].add(client.end)
        with self.served:
            for accepted in self.open_ends:
                sums["inbound"].add(accepted.end)
        return {side: end.json() for side, end in sums.items()}
