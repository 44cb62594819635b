# SPDX-License-Identifier: Apache-2.0
"""An Envoy access log service that prints what it gets: one JSON line for each message and entry.

usage: als_server.py PROTO_DIRECTORY PORT [MODE]
MODE: serve (default); hang: accept streams and never read; refuse: end each stream with UNAVAILABLE;
      die: take one message of the first stream, then break it; serve every other one.
"""
import json
import sys
import threading
import time

import peer

peer.generate(sys.argv[1], "envoy/service/accesslog/v3/als.proto")

import grpc  # noqa: E402
from envoy.service.accesslog.v3 import als_pb2  # noqa: E402
from google.protobuf.json_format import MessageToDict  # noqa: E402

MODE = sys.argv[3] if len(sys.argv) > 3 else "serve"
STREAMS = {"count": 0}
LOCK = threading.Lock()


def stream_access_logs(requests, context):
    with LOCK:
        STREAMS["count"] += 1
        stream = STREAMS["count"]
    peer.say(json.dumps({"stream": stream}))
    if MODE == "hang":
        while context.is_active():
            time.sleep(0.1)
        return als_pb2.StreamAccessLogsResponse()
    if MODE == "refuse":
        context.abort(grpc.StatusCode.UNAVAILABLE, "refused by the test")
    for message in requests:
        if MODE == "die" and stream == 1:
            context.abort(grpc.StatusCode.INTERNAL, "broken by the test")
        if message.HasField("identifier"):
            peer.say(json.dumps({"stream": stream, "identifier": MessageToDict(message.identifier)}))
        for entry in message.tcp_logs.log_entry:
            peer.say(json.dumps({"stream": stream, "entry": MessageToDict(entry)}))
    peer.say(json.dumps({"stream": stream, "ended": True}))
    return als_pb2.StreamAccessLogsResponse()


HANDLER = grpc.method_handlers_generic_handler(
    "envoy.service.accesslog.v3.AccessLogService",
    {"StreamAccessLogs": grpc.stream_unary_rpc_method_handler(
        stream_access_logs,
        request_deserializer=als_pb2.StreamAccessLogsMessage.FromString,
        response_serializer=als_pb2.StreamAccessLogsResponse.SerializeToString)})

peer.serve(HANDLER, sys.argv[2])
