# SPDX-License-Identifier: Apache-2.0
"""What the test peers share: Python classes made by protoc from published .proto files.

The peers are a second opinion: another language, another gRPC and another protobuf than the program's.
"""
import json
import os
import subprocess
import sys
import tempfile
from concurrent import futures

import grpc


def generate(proto_directory, *roots):
    """Generates modules for the given .proto files and all they import, and makes them importable."""
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
    output = tempfile.mkdtemp(prefix="meshlens-peer-")
    subprocess.run(
        ["protoc", "-I", proto_directory, "--python_out", output, *sorted(needed)], check=True)
    sys.path.insert(0, output)


def say(text):
    """One line to the test that started this program; it reads them as they come."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def serve(handler, port, credentials=None):
    """Serves one gRPC service on a loopback port (0: any free one), ADDRESS:PORT or unix:PATH, says which, and never returns."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((handler,))
    address = port if ":" in port else "127.0.0.1:" + port
    if credentials is None:
        bound = server.add_insecure_port(address)
    else:
        bound = server.add_secure_port(address, credentials)
    server.start()
    say(json.dumps({"port": bound}))
    server.wait_for_termination()
