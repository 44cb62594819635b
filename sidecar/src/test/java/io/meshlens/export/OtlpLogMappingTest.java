// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Termination;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.SeverityNumber;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class OtlpLogMappingTest {
  private static final long MAPPED = 0x0000_ffff_0000_0000L;
  private static final long NOW_NS = 1_795_221_960_000_000_000L;

  private static Connection connection() {
    Connection c = new Connection();
    c.event = ConnectionEvent.CLOSED;
    c.direction = Direction.OUTBOUND;
    c.termination = Termination.FIN_REMOTE;
    c.socketCookie = 0x4d2;
    c.startMonoNs = 1_000_000_000L;
    c.endMonoNs = 3_000_000_007L;
    c.endEpochNs = 1_795_221_953_123_456_789L;
    c.localLow = MAPPED | 0x0a01_0203L;
    c.localPort = 40_001;
    c.remoteHigh = 0x2001_0db8_0000_0000L;
    c.remoteLow = 5;
    c.remotePort = 443;
    c.bytesSent = 119;
    c.bytesReceived = 4_294_967_311L;
    return c;
  }

  private static LogRecord record(Connection c) throws InvalidProtocolBufferException {
    ProtoBytes out = new ProtoBytes(16);
    new OtlpLogMapping(new ConnectionIds("1f0c2a9b-3d4e"), () -> NOW_NS).write(c, out);
    return LogRecord.parseFrom(out.toByteArray());
  }

  private static Map<String, Object> attributes(LogRecord record) {
    Map<String, Object> attributes = new LinkedHashMap<>();
    for (KeyValue pair : record.getAttributesList()) {
      AnyValue value = pair.getValue();
      Object before =
          attributes.put(
              pair.getKey(), value.hasIntValue() ? value.getIntValue() : value.getStringValue());
      assertThat(before).as(pair.getKey()).isNull();
    }
    return attributes;
  }

  @Test
  void closedConnectionIsAnEventWithTheAttributesOfTheConventions() throws Exception {
    LogRecord record = record(connection());

    assertThat(record.getEventName()).isEqualTo("mesh.tcp.connection.closed");
    assertThat(record.getTimeUnixNano()).isEqualTo(1_795_221_953_123_456_789L);
    assertThat(record.getObservedTimeUnixNano()).isEqualTo(NOW_NS);
    assertThat(record.getSeverityNumber()).isEqualTo(SeverityNumber.SEVERITY_NUMBER_INFO);
    assertThat(record.getSeverityText()).isEqualTo("INFO");
    assertThat(record.getBody().getStringValue()).isEqualTo("connection closed, fin_remote");
    assertThat(attributes(record))
        .containsEntry("log.record.uid", "1f0c2a9b-4d2")
        .containsEntry("mesh.connection.id", "1f0c2a9b-4d2")
        .containsEntry("reporter", "source")
        .containsEntry("network.transport", "tcp")
        .containsEntry("network.type", "ipv6")
        .containsEntry("source.address", "10.1.2.3")
        .containsEntry("source.port", 40_001L)
        .containsEntry("destination.address", "2001:db8::5")
        .containsEntry("destination.port", 443L)
        .containsEntry("network.io.transmit", 119L)
        .containsEntry("network.io.receive", 4_294_967_311L)
        .containsEntry("mesh.duration_ns", 2_000_000_007L)
        .containsEntry("mesh.termination", "fin_remote")
        .doesNotContainKeys("error.type", "process.pid", "mesh.rtt_us", "source.k8s.pod.name");
  }

  @Test
  void failureIsAnErrorWithItsType() throws Exception {
    Connection c = connection();
    c.event = ConnectionEvent.FAILED;
    c.termination = Termination.REFUSED;
    c.error = 111;
    LogRecord record = record(c);

    assertThat(record.getSeverityNumber()).isEqualTo(SeverityNumber.SEVERITY_NUMBER_ERROR);
    assertThat(attributes(record)).containsEntry("error.type", "ECONNREFUSED");
    c.error = 65535;
    assertThat(attributes(record(c))).containsEntry("error.type", "_OTHER");
  }

  @Test
  void resetOfAnEstablishedConnectionIsAWarning() throws Exception {
    Connection c = connection();
    c.termination = Termination.RESET_REMOTE;

    assertThat(record(c).getSeverityNumber()).isEqualTo(SeverityNumber.SEVERITY_NUMBER_WARN);
  }

  @Test
  void recordsOfAnOpenConnectionHaveIdentitiesOfTheirOwn() throws Exception {
    Connection c = connection();
    c.event = ConnectionEvent.PERIODIC;
    c.termination = Termination.NONE;

    assertThat(attributes(record(c)))
        .containsEntry("log.record.uid", "1f0c2a9b-4d2@3000000007")
        .containsEntry("mesh.connection.id", "1f0c2a9b-4d2")
        .doesNotContainKey("mesh.termination");
  }

  @Test
  void whoeverIsKnownIsNamedAndNobodyElse() throws Exception {
    Connection c = connection();
    c.direction = Direction.INBOUND;
    c.destination =
        Identity.builder()
            .namespace("shop")
            .workload("cart", "Deployment")
            .pod("cart-1")
            .service("cart", "shop", "cart.shop.svc.cluster.local")
            .source("kubernetes")
            .build();
    Map<String, Object> attributes = attributes(record(c));

    assertThat(attributes)
        .containsEntry("source.address", "2001:db8::5")
        .containsEntry("destination.k8s.namespace.name", "shop")
        .containsEntry("destination.k8s.workload.name", "cart")
        .containsEntry("destination.k8s.workload.kind", "Deployment")
        .containsEntry("destination.k8s.pod.name", "cart-1")
        .containsEntry("destination.k8s.service.name", "cart");
    assertThat(attributes.keySet()).noneMatch(key -> key.startsWith("source.k8s"));
  }

  @Test
  void aNameThatIsNoUtf8StaysAReadableMessage() throws Exception {
    Connection c = connection();
    c.comm[0] = (byte) 0xff;
    c.comm[1] = 'x';
    c.commLengthBytes = 2;

    assertThat(attributes(record(c))).containsEntry("process.executable.name", "\ufffdx");
  }

  @Test
  void batchIsARequestWithTheResourceOnce() throws Exception {
    OtlpLogConfig config =
        new OtlpLogConfig(
            new OtlpReceiver(
                URI.create("http://localhost:4317"),
                OtlpReceiver.Protocol.GRPC,
                Duration.ofSeconds(1),
                OtlpReceiver.Compression.NONE,
                List.of(),
                TlsFiles.NONE),
            "node-7",
            "");
    OtlpLogEncoder encoder =
        new OtlpLogEncoder(
            config, "9.9", new OtlpLogMapping(new ConnectionIds("1f0c2a9b"), () -> NOW_NS));
    for (int batch = 0; batch < 2; batch++) {
      for (int i = 0; i < 100; i++) {
        encoder.add(connection());
      }
      assertThat(encoder.records()).isEqualTo(100);
      ExportLogsServiceRequest request =
          ExportLogsServiceRequest.parseFrom(encoder.finish().message());
      assertThat(request.getResourceLogsCount()).isEqualTo(1);
      assertThat(request.getResourceLogs(0).getResource().getAttributesList())
          .extracting(KeyValue::getKey)
          .containsExactly("service.name", "service.version", "service.instance.id", "host.name");
      assertThat(request.getResourceLogs(0).getScopeLogs(0).getLogRecordsCount()).isEqualTo(100);
    }
  }
}
