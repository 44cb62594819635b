# SPDX-License-Identifier: Apache-2.0
"""An OTLP metrics receiver over gRPC that prints each exported data point as one JSON line.

usage: otlp_server.py PROTO_DIRECTORY PORT [HANG_FILE [CA CERTIFICATE KEY]]

While HANG_FILE exists, requests are not answered. With certificates, only clients of the CA are served.
"""
import json
import os
import sys
import time

import peer

peer.generate(sys.argv[1], "opentelemetry/proto/collector/metrics/v1/metrics_service.proto")

import grpc  # noqa: E402
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service  # noqa: E402


def value_of(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


HANG_FILE = sys.argv[3] if len(sys.argv) > 3 else "/nonexistent"


def number(point):
    return getattr(point, point.WhichOneof("value"))


def export(request, context):
    while os.path.exists(HANG_FILE):
        time.sleep(0.02)
    # A client that has given up does not count this one.
    if not context.is_active():
        return service.ExportMetricsServiceResponse()
    for resource_metrics in request.resource_metrics:
        resource = {a.key: value_of(a.value) for a in resource_metrics.resource.attributes}
        for scope in resource_metrics.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind)
                for point in data.data_points:
                    peer.say(json.dumps({
                        "resource": resource,
                        "metric": metric.name,
                        "unit": metric.unit,
                        "kind": kind,
                        "monotonic": getattr(data, "is_monotonic", None),
                        "temporality": getattr(data, "aggregation_temporality", None),
                        "attributes": {a.key: value_of(a.value) for a in point.attributes},
                        "start_ns": point.start_time_unix_nano,
                        "value": number(point) if kind in ("sum", "gauge") else None,
                        "count": getattr(point, "count", None)}))
    return service.ExportMetricsServiceResponse()


HANDLER = grpc.method_handlers_generic_handler(
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    {"Export": grpc.unary_unary_rpc_method_handler(
        export,
        request_deserializer=service.ExportMetricsServiceRequest.FromString,
        response_serializer=service.ExportMetricsServiceResponse.SerializeToString)})


def credentials(authority, certificate, key):
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    return grpc.ssl_server_credentials([(read(key), read(certificate))], read(authority), require_client_auth=True)


peer.serve(HANDLER, sys.argv[2], credentials(*sys.argv[4:7]) if len(sys.argv) > 4 else None)
