# SPDX-License-Identifier: Apache-2.0
"""An Envoy access log service that prints what it gets: one JSON line for each message and entry.

usage: als_server.py PROTO_DIRECTORY PORT [MODE [ids | CERTIFICATE KEY AUTHORITIES]]
PORT: of 127.0.0.1, 0 for any free one, or ADDRESS:PORT, or unix:PATH
MODE: serve (default); hang: accept streams and never read; refuse: end each stream with UNAVAILABLE;
      exhausted: end each with RESOURCE_EXHAUSTED;
      hold: read no stream before three are open at once, then all;
      die: take one message of the first stream, then break it; serve every other one;
      break: take one message of each stream, then break it (with ids).
With the three files, TLS that asks for a client's certificate. With ids, of each entry only [stream id, reporter,
bytes from the client, bytes to it] is printed, and the standard input is obeyed: a mode for the streams to come,
"down" (cut off everybody and leave the port), "up".
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

STATE = {"mode": sys.argv[3] if len(sys.argv) > 3 else "serve"}
IDS_ONLY = sys.argv[4:] == ["ids"]
HELD = 3
STREAMS = {"count": 0, "open": 0, "most": 0}
LOCK = threading.Condition()


def stream_access_logs(requests, context):
    with LOCK:
        STREAMS["count"] += 1
        STREAMS["open"] += 1
        STREAMS["most"] = max(STREAMS["most"], STREAMS["open"])
        LOCK.notify_all()
        stream = STREAMS["count"]
    try:
        return serve(stream, requests, context)
    finally:
        with LOCK:
            STREAMS["open"] -= 1


def serve(stream, requests, context):
    headers = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
    identities = context.auth_context().get("x509_subject_alternative_name", [])
    peer.say(json.dumps({
        "stream": stream, "headers": headers, "client": [name.decode() for name in identities]}))
    mode = STATE["mode"]
    if mode == "hang":
        while context.is_active():
            time.sleep(0.1)
        return als_pb2.StreamAccessLogsResponse()
    if mode == "refuse":
        context.abort(grpc.StatusCode.UNAVAILABLE, "refused by the test")
    if mode == "exhausted":
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much, says the test")
    if mode == "hold":
        with LOCK:
            LOCK.wait_for(lambda: STREAMS["most"] >= HELD or not context.is_active())
    for message in requests:
        if mode == "die" and stream == 1:
            context.abort(grpc.StatusCode.INTERNAL, "broken by the test")
        if IDS_ONLY:
            peer.say(json.dumps({"ids": [
                [e.common_properties.stream_id, e.common_properties.custom_tags["reporter"],
                 e.connection_properties.received_bytes, e.connection_properties.sent_bytes]
                for e in message.tcp_logs.log_entry]}))
            if mode == "break":
                context.abort(grpc.StatusCode.INTERNAL, "broken by the test")
            continue
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



def contents(path):
    with open(path, "rb") as file:
        return file.read()


CREDENTIALS = None
if len(sys.argv) > 5:
    CERTIFICATE, KEY, AUTHORITIES = (contents(path) for path in sys.argv[4:7])
    CREDENTIALS = grpc.ssl_server_credentials([(KEY, CERTIFICATE)], AUTHORITIES, require_client_auth=True)
if IDS_ONLY:
    peer.serve_on_command(HANDLER, sys.argv[2], STATE)
else:
    peer.serve(HANDLER, sys.argv[2], CREDENTIALS)
