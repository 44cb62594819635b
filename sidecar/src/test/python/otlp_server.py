# SPDX-License-Identifier: Apache-2.0
"""An OTLP metrics receiver over gRPC that prints each exported data point as one JSON line.

usage: otlp_server.py PROTO_DIRECTORY PORT
"""
import json
import sys

import peer

peer.generate(sys.argv[1], "opentelemetry/proto/collector/metrics/v1/metrics_service.proto")

import grpc  # noqa: E402
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service  # noqa: E402


def value_of(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


def export(request, context):
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
                        "attributes": {a.key: value_of(a.value) for a in point.attributes},
                        "start_ns": point.start_time_unix_nano,
                        "value": point.as_int if kind in ("sum", "gauge") else None}))
    return service.ExportMetricsServiceResponse()


HANDLER = grpc.method_handlers_generic_handler(
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    {"Export": grpc.unary_unary_rpc_method_handler(
        export,
        request_deserializer=service.ExportMetricsServiceRequest.FromString,
        response_serializer=service.ExportMetricsServiceResponse.SerializeToString)})

peer.serve(HANDLER, sys.argv[2])
