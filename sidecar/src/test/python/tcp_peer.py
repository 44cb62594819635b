# SPDX-License-Identifier: Apache-2.0
"""One end of the TCP tests: runs the Python that the test sends, one snippet (a JSON string) for each line.

Answers each with one JSON object: {"value": ...} of its last expression, {"errno": "ECONNREFUSED"} when a
system call failed, {"broken": traceback} for all else. What the application counted and which errno it got
is the truth that records are compared with. Ends with its input, so nothing outlives the test.
"""
import array
import ast
import ctypes
import errno
import json
import os
import select
import signal
import struct
import sys
import termios
import time
import traceback
from fcntl import ioctl
from socket import *  # noqa: F403

PATIENCE_SECONDS = 20
MPTCP = 262  # IPPROTO_MPTCP
SOL_MPTCP = 284
MPTCP_INFO = 1
SIOCOUTQNSD = 0x894B  # linux/sockios.h
SO_COOKIE = 57
SO_ZEROCOPY = 60
MSG_ZEROCOPY = 0x4000000


def tcp(address, protocol=0):
    """A socket of the address's family that may take a port again."""
    sock = socket(AF_INET6 if ":" in address else AF_INET, SOCK_STREAM, protocol)
    sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    return sock


def place(address, port):
    """A socket address; one of IPv6 may name its interface, as in fe80::1%veth."""
    return getaddrinfo(address, port, type=SOCK_STREAM)[0][4]


def slot(sock):
    """Where the kernel programs keep the socket if they can: its cookie modulo SOCKET_SLOTS (maps.bpf.h)."""
    return struct.unpack("Q", sock.getsockopt(SOL_SOCKET, SO_COOKIE, 8))[0] % 16384


def tcp_at_slot(address, wanted):
    """A new socket for a slot that another one has taken, so that it is kept elsewhere."""
    for _ in range(1 << 18):  # cookies are handed out in sequence, to each processor in lots
        sock = tcp(address)
        if slot(sock) == wanted:
            return sock
        sock.close()
    raise AssertionError("no socket for that slot")


def listen(address, port, backlog=128, protocol=0, options=()):
    sock = tcp(address, protocol)
    for option in options:
        sock.setsockopt(*option)
    sock.bind(place(address, port))
    sock.listen(backlog)
    return sock


def dial(address, port, local_port=None, protocol=0, timeout_ms=None):
    sock = tcp(address, protocol)
    if timeout_ms is not None:
        sock.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, timeout_ms)
    if local_port is not None:
        sock.bind(("", local_port))
    sock.connect(place(address, port))
    return sock


def dial_later(sock, address, port):
    """A connect that does not wait; settle() does."""
    sock.setblocking(False)
    code = sock.connect_ex(place(address, port))
    assert code == errno.EINPROGRESS, errno.errorcode.get(code, code)
    return sock


def settle(sock):
    """Waits for the end of a connect that was begun; raises its error.

    Not by select(2), which also returns for an ICMP answer that does not end it.
    """
    until(lambda: state(sock) != 2)
    sock.setblocking(True)
    error_of(sock)


def outcome_of(sock):
    """The errno of a connect that was begun, when it has ended."""
    try:
        settle(sock)
    except OSError as e:
        return errno.errorcode[e.errno]
    return None


def error_of(sock):
    code = sock.getsockopt(SOL_SOCKET, SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def take(sock, count):
    """Exactly so many bytes."""
    left = count
    while left:
        data = sock.recv(min(left, 1 << 16))
        assert data, "ended with %d of %d bytes to come" % (left, count)
        left -= len(data)
    return count


def drain(sock):
    """Everything until the peer's FIN; how much it was."""
    count = 0
    while data := sock.recv(1 << 16):
        count += len(data)
    return count


def finish(sock):
    """Everything until the peer's FIN, then the close."""
    count = drain(sock)
    sock.close()
    return count


def finish_anyhow(sock):
    """Everything until the end, even if that is a reset; how much it was."""
    count = 0
    try:
        while data := sock.recv(1 << 16):
            count += len(data)
    except ConnectionResetError:
        pass
    sock.close()
    return count


def fast_open(address, port, count):
    """A socket that sends its first bytes in the SYN if it may (RFC 7413)."""
    sock = tcp(address)
    assert sock.sendto(bytes(count), MSG_FASTOPEN, place(address, port)) == count
    return sock


def reset(sock):
    sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def unread(sock, count):
    """Waits until exactly so many bytes lie unread."""
    number = array.array("i", [0])
    return until(lambda: ioctl(sock, termios.FIONREAD, number) == 0 and number[0] == count)


def unacknowledged(sock):
    """Bytes that were written but that the peer has not acknowledged."""
    return queued(sock, termios.TIOCOUTQ)


def unsent(sock):
    """Bytes that were written but wait to be sent for the first time."""
    return queued(sock, SIOCOUTQNSD)


def queued(sock, request):
    number = array.array("i", [0])
    ioctl(sock, request, number)
    return number[0]


def state(sock):
    """tcpi_state, the kernel's number of the TCP state."""
    return sock.getsockopt(IPPROTO_TCP, TCP_INFO, 8)[0]


def subflows(sock):
    """How many subflows joined the first one of an MPTCP socket (mptcpi_subflows)."""
    return sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 8)[0]


def reinjected(sock):
    """Bytes that an MPTCP socket gave to its subflows once more (mptcpi_bytes_retrans, Linux 6.5)."""
    try:
        info = sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 56)
    except OSError:  # a plain TCP socket
        return 0
    return struct.unpack_from("Q", info, 48)[0] if len(info) == 56 else 0


def info(sock):
    """TCP_INFO (linux/tcp.h, as of 6.7), as far as records say the same, by their names."""
    data = sock.getsockopt(IPPROTO_TCP, TCP_INFO, 244)
    assert len(data) == 244, "an older kernel"

    def at(format, offset):
        return struct.unpack_from(format, data, offset)[0]

    return {
        "rtt_us": at("I", 68),
        "rtt_var_us": at("I", 72),
        "min_rtt_us": at("I", 148),
        "retransmits": at("I", 100),
        "bytes_retransmitted": at("Q", 208),
        "bytes_sent": at("Q", 200) - at("Q", 208),
        "packets_sent": at("I", 136),
        "packets_received": at("I", 140),
        "rwnd_limited_us": at("Q", 176),
        "segments_delivered": at("I", 192),
        "ecn_ce_segments": at("I", 196),
        "reordering_events": at("I", 220),
        "timeouts": at("H", 240),
    }


def at_rest(sock):
    """Waits until everything is acknowledged and nothing comes or goes, delayed acknowledgements included."""
    before = None
    while unacknowledged(sock) or before != info(sock):
        before = info(sock)
        time.sleep(0.1)


def syn_data_taken(sock):
    """Whether data went in the SYN and was acknowledged (TCPI_OPT_SYN_DATA)."""
    return bool(sock.getsockopt(IPPROTO_TCP, TCP_INFO, 8)[5] & 32)


def until(condition):
    """Asks again and again; the alarm ends it."""
    while not condition():
        time.sleep(0.005)
    return True


def disconnect(sock):
    """connect(2) to AF_UNSPEC, which the socket module cannot say."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(sock.fileno(), struct.pack("=H14x", 0), 16) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def in_child(work):
    """Runs the work in a fork, which then ends; its process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def reap(pid):
    status = os.waitpid(pid, 0)[1]
    assert status == 0, "the child ended with %d" % status


def evaluate(source, world):
    """Runs a snippet; the value of its last statement if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<test>", "exec"), world)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "<test>", "eval"), world)


def answer(source, world):
    signal.alarm(PATIENCE_SECONDS)
    try:
        return json.dumps({"value": evaluate(source, world)}, default=lambda value: None)
    except OSError as e:
        if e.errno is None:
            return json.dumps({"broken": traceback.format_exc()})
        return json.dumps({"errno": errno.errorcode.get(e.errno, str(e.errno))})
    except BaseException:
        return json.dumps({"broken": traceback.format_exc()})
    finally:
        signal.alarm(0)


def give_up(signum, frame):
    raise AssertionError("gave up after %d seconds" % PATIENCE_SECONDS)


def main():
    signal.signal(signal.SIGALRM, give_up)
    world = dict(globals())
    for line in sys.stdin:
        sys.stdout.write(answer(json.loads(line), world) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
