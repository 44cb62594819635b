// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogCommon;
import io.envoyproxy.envoy.data.accesslog.v3.ConnectionProperties;
import io.envoyproxy.envoy.data.accesslog.v3.ResponseFlags;
import io.envoyproxy.envoy.data.accesslog.v3.TCPAccessLogEntry;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Termination;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** docs/reference/als.md against Envoy's messages, and against what is sent. */
final class AlsReferenceTest {
  private static final Path PAGE = Path.of("../docs/reference/als.md");
  private static final Pattern ROW =
      Pattern.compile("\\| `([a-z_]+)` \\| (yes|no) \\| (\\S.*) \\|");

  private final AlsMapping mapping = new AlsMapping(new ConnectionIds("1f0c2a9b"));

  static List<Descriptor> messages() {
    return List.of(
        StreamAccessLogsMessage.getDescriptor(),
        StreamAccessLogsMessage.Identifier.getDescriptor(),
        Node.getDescriptor(),
        TCPAccessLogEntry.getDescriptor(),
        ConnectionProperties.getDescriptor(),
        AccessLogCommon.getDescriptor(),
        ResponseFlags.getDescriptor());
  }

  /** Rows of the section that is called like the message: field and whether it is sent. */
  private static Map<String, Boolean> rows(Descriptor message) throws IOException {
    String name = message.getFullName().replaceFirst("^([a-z0-9]+\\.)+", "");
    String page = Files.readString(PAGE);
    int start = page.indexOf("\n## " + name + "\n");
    assertThat(start).as("section %s", name).isPositive();
    int end = page.indexOf("\n## ", start + 1);
    Map<String, Boolean> rows = new LinkedHashMap<>();
    Matcher row = ROW.matcher(page.substring(start, end < 0 ? page.length() : end));
    while (row.find()) {
      rows.put(row.group(1), row.group(2).equals("yes"));
    }
    return rows;
  }

  @ParameterizedTest
  @MethodSource("messages")
  void everyFieldIsDocumentedAndNoOther(Descriptor message) throws IOException {
    assertThat(rows(message).keySet())
        .containsExactlyElementsOf(
            message.getFields().stream().map(FieldDescriptor::getName).toList());
  }

  /** Sent by at least one of all kinds of connections, or by none. */
  @ParameterizedTest
  @MethodSource("messages")
  void fieldIsSentIfAndOnlyIfThePageSaysSo(Descriptor message) throws IOException {
    Set<String> sent = new TreeSet<>();
    everything().forEach(m -> collect(m, message, sent));

    Set<String> documented = new TreeSet<>();
    rows(message)
        .forEach(
            (field, isSent) -> {
              if (isSent) {
                documented.add(field);
              }
            });
    assertThat(sent).isEqualTo(documented);
  }

  private static void collect(Message message, Descriptor wanted, Set<String> into) {
    message
        .getAllFields()
        .forEach(
            (field, value) -> {
              if (message.getDescriptorForType().equals(wanted)) {
                into.add(field.getName());
              }
              if (value instanceof Message inner) {
                collect(inner, wanted, into);
              } else if (value instanceof List<?> several) {
                several.stream()
                    .filter(Message.class::isInstance)
                    .forEach(inner -> collect((Message) inner, wanted, into));
              }
            });
  }

  private List<Message> everything() throws IOException {
    AlsNode node =
        new AlsNode(
            "node-7",
            "north",
            new AlsNode.Place("eu", "eu-1", "rack-3"),
            Optional.of(new AlsNode.Pod("cart-1", "shop", "10.1.2.3")),
            Map.of("WORKLOAD_NAME", "cart"));
    AlsBatch batch = new AlsBatch(mapping, 1024);
    for (Connection c : connections()) {
      batch.add(c);
    }
    return List.of(
        StreamAccessLogsMessage.newBuilder()
            .setIdentifier(node.identifier("log", "1.2.3"))
            .mergeFrom(batch.toByteArray())
            .build());
  }

  private static List<Connection> connections() {
    List<Connection> all = new ArrayList<>();
    for (ConnectionEvent event : ConnectionEvent.values()) {
      for (Direction direction : Direction.values()) {
        for (Termination termination : Termination.values()) {
          Connection c = full();
          c.event = event;
          c.direction = direction;
          c.termination = termination;
          c.error = termination == Termination.UNREACHABLE ? Errno.ENETUNREACH : 0;
          all.add(c);
        }
      }
    }
    return all;
  }

  private static Connection full() {
    Connection c = new Connection();
    c.socketCookie = 77;
    c.startMonoNs = 1_000;
    c.establishedMonoNs = 1_431;
    c.endMonoNs = 2_500_000_900L;
    c.endEpochNs = 1_795_221_953_123_456_789L;
    c.localLow = 0xffff_0a00_0001L;
    c.localPort = 40_001;
    c.remoteLow = 0xffff_0a00_0002L;
    c.remotePort = 443;
    c.bytesSent = 101;
    c.bytesReceived = 103;
    c.packetsSent = 5;
    c.synRetransmits = 1;
    c.destination =
        Identity.builder()
            .service("cart", "shop", "cart.shop.svc.cluster.local")
            .source("test")
            .build();
    return c;
  }

  @Test
  void everyKeyOfTagsAndMetadataIsDocumented() throws IOException {
    String page = Files.readString(PAGE);
    Connection c = full();
    c.adopted = true;
    c.rttUs = 1;
    c.minRttUs = 1;
    c.rwndLimitedUs = 1;
    c.pid = 1;
    c.cgroupId = 1;
    c.netns = 1;
    c.comm[0] = 'a';
    c.commLengthBytes = 1;
    c.containerId = "3f";
    c.source =
        new Identity(
            "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p");
    c.destination = c.source.toBuilder().build();
    Connection closed = full();
    AccessLogCommon common = new AlsEntries(mapping).entry(c).getCommonProperties();

    var fields = common.getMetadata().getFilterMetadataOrThrow("meshlens");
    assertThat(fields.getFieldsMap().keySet()).allSatisfy(key -> documented(page, key));
    assertThat(fields.getFieldsOrThrow("source").getStructValue().getFieldsMap())
        .hasSize(16)
        .allSatisfy((key, value) -> documented(page, key));
    assertThat(common.getCustomTagsMap().keySet()).allSatisfy(key -> documented(page, key));
    assertThat(
            new AlsEntries(mapping).entry(closed).getCommonProperties().getCustomTagsMap().keySet())
        .allSatisfy(key -> documented(page, key));
  }

  private static void documented(String page, String key) {
    assertThat(page).contains("`" + key + "`");
  }
}
