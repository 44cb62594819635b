// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.meshlens.export.ProtoBytes.LENGTH_DELIMITED;
import static io.meshlens.export.ProtoBytes.tag;

import io.meshlens.flow.Connection;
import io.meshlens.spool.Batch;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.InstrumentationScope;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;
import io.opentelemetry.proto.resource.v1.Resource;

/** Connections as an {@code ExportLogsServiceRequest}. Owned by: spool-writer-otlp. */
final class OtlpLogEncoder implements BatchEncoder {
  /** The conventions that the attributes follow. */
  private static final String SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0";

  private static final int RESOURCE_LOGS =
      tag(ExportLogsServiceRequest.RESOURCE_LOGS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int SCOPE_LOGS = tag(ResourceLogs.SCOPE_LOGS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int LOG_RECORD = tag(ScopeLogs.LOG_RECORDS_FIELD_NUMBER, LENGTH_DELIMITED);

  private final OtlpLogMapping mapping;
  private final byte[] resource;
  private final byte[] scope;
  private final ProtoBytes request = new ProtoBytes(64 << 10);
  private int resourceLogs;
  private int scopeLogs;
  private int records;

  OtlpLogEncoder(OtlpLogConfig config, String version, OtlpLogMapping mapping) {
    this.mapping = mapping;
    Resource.Builder about = Resource.newBuilder();
    attribute(about, "service.name", "meshlens");
    attribute(about, "service.version", version);
    attribute(about, "service.instance.id", config.nodeId());
    attribute(about, "host.name", config.nodeId());
    attribute(about, "k8s.cluster.name", config.nodeCluster());
    resource =
        ResourceLogs.newBuilder().setResource(about).setSchemaUrl(SCHEMA_URL).build().toByteArray();
    scope =
        ScopeLogs.newBuilder()
            .setScope(InstrumentationScope.newBuilder().setName("meshlens").setVersion(version))
            .build()
            .toByteArray();
  }

  private static void attribute(Resource.Builder resource, String key, String value) {
    if (!value.isEmpty()) {
      resource.addAttributes(
          KeyValue.newBuilder().setKey(key).setValue(AnyValue.newBuilder().setStringValue(value)));
    }
  }

  @Override
  public void add(Connection connection) {
    if (records == 0) {
      request.clear();
      resourceLogs = request.open(RESOURCE_LOGS, ProtoBytes.VERY_LONG);
      request.raw(resource);
      scopeLogs = request.open(SCOPE_LOGS, ProtoBytes.VERY_LONG);
      request.raw(scope);
    }
    int record = request.open(LOG_RECORD, ProtoBytes.LONG);
    mapping.write(connection, request);
    request.close(record);
    records++;
  }

  @Override
  public int records() {
    return records;
  }

  @Override
  public int sizeBytes() {
    return records == 0 ? 0 : request.length();
  }

  @Override
  public Batch finish() {
    request.close(scopeLogs);
    request.close(resourceLogs);
    Batch batch = new Batch(request.toByteArray(), records);
    records = 0;
    return batch;
  }
}
