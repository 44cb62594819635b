// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AlsBatchTest {
  private static final AlsNode NODE =
      new AlsNode("node-7", "north", new AlsNode.Place("", "", ""), Optional.empty(), Map.of());

  private final AlsEntries entries = AlsEntries.of(new ConnectionIds("1f0c2a9b"));
  private final AlsBatch batch = new AlsBatch(entries.mapping(), 16);

  private static Connection connection(long cookie) {
    Connection c = new Connection();
    c.socketCookie = cookie;
    c.localPort = 40_001;
    c.remotePort = 443;
    c.bytesSent = cookie;
    return c;
  }

  private StreamAccessLogsMessage message() throws IOException {
    return StreamAccessLogsMessage.parseFrom(batch.toByteArray());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 40, 1_000})
  void messageHasEveryEntryInOrder(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      batch.add(connection(i));
    }

    assertThat(batch.entries()).isEqualTo(count);
    StreamAccessLogsMessage message = message();
    assertThat(message.hasIdentifier()).isFalse();
    assertThat(message.getTcpLogs().getLogEntryCount()).isEqualTo(count);
    for (int i = 0; i < count; i++) {
      assertThat(message.getTcpLogs().getLogEntry(i)).isEqualTo(entries.entry(connection(i)));
    }
  }

  @Test
  void sizeIsThatOfTheMessageUpToItsLength() throws IOException {
    batch.add(connection(1));
    batch.add(connection(2));

    assertThat(batch.sizeBytes()).isBetween(message().getSerializedSize(), 1_000_000);
    assertThat(batch.sizeBytes() - message().getSerializedSize()).isLessThan(4);
  }

  @Test
  void messageIsUsedAgainForTheNext() throws IOException {
    batch.add(connection(5));
    assertThat(message().getTcpLogs().getLogEntryCount()).isEqualTo(1);
    batch.clear();
    batch.add(connection(7));

    StreamAccessLogsMessage message = message();
    assertThat(message.hasIdentifier()).isFalse();
    assertThat(message.getTcpLogs().getLogEntryList())
        .containsExactly(entries.entry(connection(7)));
  }

  @Test
  void nothingIsAddedToAMessageThatWasTaken() throws IOException {
    batch.add(connection(5));
    assertThat(message()).isEqualTo(message());

    assertThatThrownBy(() -> batch.add(connection(7))).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void nodeOfAMachineIsNamedByItsId() {
    Node node = NODE.identifier("log", "1.2.3").getNode();

    assertThat(node.getId()).isEqualTo("node-7");
    assertThat(node.getCluster()).isEqualTo("north");
    assertThat(node.getUserAgentName()).isEqualTo("meshlens");
    assertThat(node.getUserAgentVersion()).isEqualTo("1.2.3");
    assertThat(node.hasLocality()).isFalse();
    assertThat(node.getMetadata().getFieldsMap()).containsOnlyKeys("NODE_NAME", "CLUSTER_ID");
  }

  @Test
  void nodeOfAPodIsNamedAsIstiosProxiesAre() {
    AlsNode sidecar =
        new AlsNode(
            "node-7",
            "north",
            new AlsNode.Place("eu", "eu-1", "rack-3"),
            Optional.of(new AlsNode.Pod("cart-1", "shop", "10.1.2.3")),
            Map.of("WORKLOAD_NAME", "cart", "NAME", "mine"));

    Node node = sidecar.identifier("log", "1.2.3").getNode();

    assertThat(node.getId()).isEqualTo("sidecar~10.1.2.3~cart-1.shop~shop.svc.cluster.local");
    assertThat(node.getLocality().getRegion()).isEqualTo("eu");
    assertThat(node.getLocality().getZone()).isEqualTo("eu-1");
    assertThat(node.getLocality().getSubZone()).isEqualTo("rack-3");
    assertThat(node.getMetadata().getFieldsMap())
        .containsEntry("NAMESPACE", text("shop"))
        .containsEntry("INSTANCE_IPS", text("10.1.2.3"))
        .containsEntry("CLUSTER_ID", text("north"))
        .containsEntry("NODE_NAME", text("node-7"))
        .containsEntry("WORKLOAD_NAME", text("cart"))
        .containsEntry("NAME", text("mine"));
  }

  private static Value text(String value) {
    return Value.newBuilder().setStringValue(value).build();
  }
}
