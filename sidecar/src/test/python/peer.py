# SPDX-License-Identifier: Apache-2.0
"""What the test peers share: Python classes made by protoc from published .proto files.

The peers are a second opinion: another language, another gRPC and another protobuf than the program's.
"""
import importlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent import futures

import grpc


def generate(proto_directory, *roots):
    """Generates modules for the given .proto files and all they import, and loads them, so that import finds them."""
    needed, todo = set(), list(roots)
    while todo:
        name = todo.pop()
        if name in needed or name.startswith("google/protobuf/"):
            continue
        needed.add(name)
        with open(os.path.join(proto_directory, name), encoding="utf-8") as source:
            for line in source:
                if line.startswith("import "):
                    todo.append(line.split('"')[1])
    with tempfile.TemporaryDirectory(prefix="meshlens-peer-") as output:
        subprocess.run(
            ["protoc", "-I", proto_directory, "--python_out", output, *sorted(needed)], check=True)
        sys.path.insert(0, output)
        for name in roots:
            importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
        sys.path.remove(output)


def say(text):
    """One line to the test that started this program; it reads them as they come."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def start(handler, port, credentials=None):
    """Serves one gRPC service on a loopback port (0: any free one), ADDRESS:PORT or unix:PATH; the server and its port."""
    # Without SO_REUSEPORT: a second server must not share the port of one that is going away.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=(("grpc.so_reuseport", 0),))
    server.add_generic_rpc_handlers((handler,))
    address = port if ":" in port else "127.0.0.1:" + port
    if credentials is None:
        bound = server.add_insecure_port(address)
    else:
        bound = server.add_secure_port(address, credentials)
    assert bound, "%s is taken" % address
    server.start()
    return server, bound


def serve(handler, port, credentials=None):
    """Serves, says on which port, and never returns."""
    server, bound = start(handler, port, credentials)
    say(json.dumps({"port": bound}))
    server.wait_for_termination()


def serve_on_command(handler, port, state, credentials=None):
    """The same; obeys its standard input: "down" and "up", as often as wanted, or a mode for state["mode"]."""
    server, bound = start(handler, port, credentials)
    say(json.dumps({"port": bound}))
    for line in sys.stdin:
        command = line.strip()
        if command == "down":
            # At once: whoever is connected is cut off in the middle of a message.
            server.stop(0).wait()
        elif command == "up":
            server, _ = start(handler, str(bound), credentials)
        else:
            state["mode"] = command
        say(json.dumps({"did": command}))
    server.stop(0)
