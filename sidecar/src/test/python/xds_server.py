# SPDX-License-Identifier: Apache-2.0
"""A control plane: Envoy's delta discovery of istio.workload.Address, as Istio's serves it.

It does what its standard input says, one JSON object a line, and prints what it is asked, one JSON object for
each stream, request and end.

usage: xds_server.py ENVOY_PROTOS OWN_PROTOS [--port N] [--certificate F --key F [--client-authorities F]]
                     [--token TEXT] [--hang] [--generate N]

  {"tell": {NAME: {"version": V, "address": {...}}}}   told, and pushed to all streams in one response; address is
                                                       proto3 JSON, or {"raw": BASE64, "type": URL}
  {"remove": [NAME, ...]}                              with tell: in the same response
  {"repeat": NAME}                                     with tell: that one twice
  {"forget": [NAME, ...]}                              gone without a push, as if no stream were there
  {"type": URL}, {"wire": BASE64}                      a response of another type; of these bytes
  {"end": CODE}                                        ends all streams; OK, UNAVAILABLE, ...
  {"token": TEXT}                                      what streams must bring from now on
"""
import argparse
import base64
import json
import queue
import sys
import threading
from concurrent import futures

import peer

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("envoy")
ARGUMENTS.add_argument("own")
ARGUMENTS.add_argument("--port", default="0")
ARGUMENTS.add_argument("--certificate")
ARGUMENTS.add_argument("--key")
ARGUMENTS.add_argument("--client-authorities")
ARGUMENTS.add_argument("--token")
ARGUMENTS.add_argument("--hang", action="store_true")
ARGUMENTS.add_argument("--generate", type=int, default=0)
OPTIONS = ARGUMENTS.parse_args()

peer.generate(OPTIONS.envoy, "envoy/service/discovery/v3/discovery.proto")
peer.generate(OPTIONS.own, "istio/workload.proto")

import google  # noqa: E402

# google.rpc was made here, google.protobuf is installed.
google.__path__ = list(google.__path__) + [path + "/google" for path in sys.path]

import grpc  # noqa: E402
from envoy.service.discovery.v3 import discovery_pb2  # noqa: E402
from google.protobuf.json_format import MessageToDict, ParseDict  # noqa: E402
from istio import workload_pb2  # noqa: E402

TYPE_URL = "type.googleapis.com/istio.workload.Address"
LOCK = threading.Lock()
RESOURCES = {}
STREAMS = {}
STATE = {"streams": 0, "nonces": 0, "token": OPTIONS.token}


def resource(name, told):
    made = discovery_pb2.Resource(name=name, version=told.get("version", ""))
    address = told["address"]
    if address is None:
        return made
    if "raw" in address:
        made.resource.type_url = address.get("type", TYPE_URL)
        made.resource.value = base64.b64decode(address["raw"])
    else:
        made.resource.type_url = TYPE_URL
        made.resource.value = ParseDict(address, workload_pb2.Address()).SerializeToString()
    return made


def generated(count):
    for i in range(count):
        ip = base64.b64encode(bytes([10, 1 + (i >> 16), i >> 8 & 255, i & 255])).decode()
        name = "Kubernetes//Pod/shop/pod-%d" % i
        yield name, {"version": "v1", "address": {"workload": {
            "uid": name, "name": "pod-%d" % i, "namespace": "shop", "addresses": [ip], "node": "node-%d" % (i % 50),
            "clusterId": "Kubernetes", "serviceAccount": "app-%d" % (i % 100), "canonicalName": "app-%d" % (i % 100),
            "canonicalRevision": "latest", "workloadName": "app-%d" % (i % 100), "workloadType": 2,
            "services": {"shop/app-%d.shop.svc.cluster.local" % (i % 100): {}}}}}


def response(resources=(), removed=(), type_url=TYPE_URL):
    with LOCK:
        STATE["nonces"] += 1
        nonce = "nonce-%d" % STATE["nonces"]
    return discovery_pb2.DeltaDiscoveryResponse(
        type_url=type_url, nonce=nonce, resources=resources, removed_resources=removed)


def first_response(request):
    """As Istio: what the client has not, or in another version; and what it has that is no more."""
    known = request.initial_resource_versions
    with LOCK:
        told = dict(RESOURCES)
    return response(
        [resource(n, t) for n, t in told.items() if known.get(n) is None or known[n] != t.get("version", "")],
        [name for name in known if name not in told])


def listen(number, requests, events):
    try:
        for request in requests:
            events.put(("request", request))
    except grpc.RpcError:
        pass
    events.put(("gone", None))


def say_request(number, request):
    versions = dict(request.initial_resource_versions)
    peer.say(json.dumps({"stream": number, "request": {
        "type": request.type_url, "nonce": request.response_nonce, "subscribe": list(request.resource_names_subscribe),
        "error": request.error_detail.message if request.HasField("error_detail") else None,
        "versions": versions if len(versions) < 100 else {}, "known": len(versions),
        "node": MessageToDict(request.node) if request.HasField("node") else None}}))


def delta(requests, context):
    with LOCK:
        STATE["streams"] += 1
        number = STATE["streams"]
        token = STATE["token"]
    metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
    peer.say(json.dumps({"stream": number, "metadata": metadata, "peer": {
        key: [v.decode() for v in values] for key, values in context.auth_context().items()
        if key == "x509_common_name"}}))
    if token is not None and metadata.get("authorization") != "Bearer " + token:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is not the one that is wanted")
    events = queue.Queue()
    threading.Thread(target=listen, args=(number, requests, events), daemon=True).start()
    first = True
    while True:
        kind, what = events.get()
        if kind == "gone":
            peer.say(json.dumps({"stream": number, "gone": True}))
            return
        if kind == "end":
            if what != "OK":
                context.abort(grpc.StatusCode[what], "ended by the test")
            return
        if kind == "push":
            yield what
            continue
        say_request(number, what)
        if first and not OPTIONS.hang:
            first = False
            # Before, so that nothing which is told meanwhile is missed.
            with LOCK:
                STREAMS[number] = events
            yield first_response(what).SerializeToString()


def push(message):
    with LOCK:
        for events in STREAMS.values():
            events.put(("push", message))


def obey(command):
    if "token" in command:
        STATE["token"] = command["token"]
    for name in command.get("forget", ()):
        del RESOURCES[name]
    if "tell" in command or "remove" in command:
        told = command.get("tell", {})
        with LOCK:
            RESOURCES.update(told)
            for name in command.get("remove", ()):
                RESOURCES.pop(name, None)
        names = list(told) + ([command["repeat"]] if "repeat" in command else [])
        push(response([resource(n, told[n]) for n in names], command.get("remove", ())).SerializeToString())
    if "type" in command:
        push(response(type_url=command["type"]).SerializeToString())
    if "wire" in command:
        push(base64.b64decode(command["wire"]))
    if "end" in command:
        with LOCK:
            for events in STREAMS.values():
                events.put(("end", command["end"]))
            STREAMS.clear()
    peer.say(json.dumps({"done": command.get("id")}))


def listen_on(server):
    if not OPTIONS.certificate:
        return server.add_insecure_port("127.0.0.1:" + OPTIONS.port)
    files = [OPTIONS.key, OPTIONS.certificate, OPTIONS.client_authorities]
    key, certificate, authorities = [open(f, "rb").read() if f else None for f in files]
    return server.add_secure_port("127.0.0.1:" + OPTIONS.port, grpc.ssl_server_credentials(
        [(key, certificate)], authorities, require_client_auth=authorities is not None))


RESOURCES.update(generated(OPTIONS.generate))
SERVER = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
SERVER.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
    "envoy.service.discovery.v3.AggregatedDiscoveryService",
    {"DeltaAggregatedResources": grpc.stream_stream_rpc_method_handler(
        delta,
        request_deserializer=discovery_pb2.DeltaDiscoveryRequest.FromString,
        response_serializer=lambda message: message)}),))
PORT = listen_on(SERVER)
SERVER.start()
peer.say(json.dumps({"port": PORT}))
for line in sys.stdin:
    obey(json.loads(line))
