# SPDX-License-Identifier: Apache-2.0
"""An OTLP receiver of logs, over gRPC or HTTP, that prints each log record as one JSON line.

usage: otlp_log_server.py PROTO_DIRECTORY PORT grpc|http [ids | CERTIFICATE KEY [AUTHORITIES]]
With certificate and key, TLS; with authorities, only their clients are served, and each record says by whom it came.
Obeys its standard input: "serve"; "unavailable" (try again in a second); "exhausted"; "invalid" (never to be sent
again); "partial" (rejects one record of each request); "hang" (no answer). The others are answered with success.
With ids (grpc), of each record only [uid, reporter, bytes from the client, bytes to it] is printed, a line for each request,
which is answered 100 ms later.
"""
import gzip
import http.server
import json
import ssl
import sys
import threading
import time

import peer

peer.generate(sys.argv[1], "opentelemetry/proto/collector/logs/v1/logs_service.proto")

import grpc  # noqa: E402
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as service  # noqa: E402

STATE = {"mode": "serve"}
IDS_ONLY = sys.argv[4:] == ["ids"]


def value_of(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


def attributes(owner):
    return {a.key: value_of(a.value) for a in owner.attributes}


def ids(request):
    """What als_server.py prints of an entry, of each record."""
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                said = attributes(record)
                way = ("transmit", "receive") if said["reporter"] == "source" else ("receive", "transmit")
                yield [said["log.record.uid"], said["reporter"], *(said["network.io." + w] for w in way)]


def take(request, headers, client=""):
    """Prints the records that are taken; the answer."""
    mode = STATE["mode"]
    response = service.ExportLogsServiceResponse()
    count = 0
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                count += 1
                if mode == "partial" and count == 1:
                    response.partial_success.rejected_log_records = 1
                    response.partial_success.error_message = "the first of each"
                    continue
                peer.say(json.dumps({
                    "resource": attributes(resource_logs.resource),
                    "scope": scope_logs.scope.name,
                    "headers": headers,
                    "client": client,
                    "event": record.event_name,
                    "severity": [record.severity_number, record.severity_text],
                    "time_ns": record.time_unix_nano,
                    "observed_ns": record.observed_time_unix_nano,
                    "body": value_of(record.body),
                    "attributes": attributes(record)}))
    return response


def export(request, context):
    mode = STATE["mode"]
    if IDS_ONLY and mode == "serve":
        peer.say(json.dumps({"ids": list(ids(request))}))
        # A receiver has something to do; so one that is killed is often in the middle of a request.
        time.sleep(0.1)
        return service.ExportLogsServiceResponse()
    peer.say(json.dumps({"request": mode}))
    codes = {"unavailable": grpc.StatusCode.UNAVAILABLE, "exhausted": grpc.StatusCode.RESOURCE_EXHAUSTED,
             "invalid": grpc.StatusCode.INVALID_ARGUMENT}
    if mode in codes:
        context.abort(codes[mode], mode + " by the test")
    if mode == "hang":
        while context.is_active():
            time.sleep(0.1)
    names = context.auth_context().get("x509_common_name", [b""])
    return take(
        request, {k: v for k, v in context.invocation_metadata() if k.startswith("x-")}, names[0].decode())


class Http(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        mode = STATE["mode"]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        peer.say(json.dumps({"request": mode, "path": self.path, "type": self.headers["Content-Type"]}))
        codes = {"unavailable": 503, "exhausted": 429, "invalid": 400}
        answer = b""
        if mode not in codes:
            request = service.ExportLogsServiceRequest.FromString(body)
            answer = take(
                request,
                {k.lower(): v for k, v in self.headers.items() if k.lower().startswith("x-")},
                self.client_name())
            answer = answer.SerializeToString()
        self.send_response(codes.get(mode, 200))
        if mode in ("unavailable", "exhausted"):
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def client_name(self):
        certificate = self.connection.getpeercert() if len(TLS) == 3 else None
        return dict(pair[0] for pair in certificate["subject"])["commonName"] if certificate else ""

    def log_message(self, format, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Clients that do not trust us, or whom we do not, are what tests are about."""


TLS = [] if IDS_ONLY else sys.argv[4:7]


def http_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*TLS[:2])
    if len(TLS) == 3:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(TLS[2])
    return context


def grpc_tls():
    certificate, key, *authorities = [open(file, "rb").read() for file in TLS]
    return grpc.ssl_server_credentials(
        [(key, certificate)], authorities[0] if authorities else None, require_client_auth=bool(authorities))


def serve_http(port):
    server = Server(("127.0.0.1", port), Http)
    if TLS:
        # The handshake is the connection's thread's, or one client could hold up all.
        server.socket = http_tls().wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    peer.say(json.dumps({"port": server.server_address[1]}))
    for line in sys.stdin:
        STATE["mode"] = line.strip()
        peer.say(json.dumps({"did": STATE["mode"]}))


HANDLER = grpc.method_handlers_generic_handler(
    "opentelemetry.proto.collector.logs.v1.LogsService",
    {"Export": grpc.unary_unary_rpc_method_handler(
        export,
        request_deserializer=service.ExportLogsServiceRequest.FromString,
        response_serializer=service.ExportLogsServiceResponse.SerializeToString)})

if sys.argv[3] == "http":
    serve_http(int(sys.argv[2]))
else:
    peer.serve_on_command(HANDLER, sys.argv[2], STATE, grpc_tls() if TLS else None)
