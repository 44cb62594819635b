// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshlens.libbpf.RequiresBpf;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the kernel's rules do to real connections. */
@RequiresBpf
class ConntrackIT {
  private static TranslatedNetwork network;
  private static TcpPeer server;

  private final ConntrackEntry entry = new ConntrackEntry();

  @BeforeAll
  static void open() throws IOException {
    network = new TranslatedNetwork();
    server = TcpPeer.server(network.server, TranslatedNetwork.SERVER_PORT);
  }

  @AfterAll
  static void close() throws IOException {
    try {
      server.close();
    } finally {
      network.close();
    }
  }

  private static TcpPeer connect(String source, String destination, int port) throws IOException {
    return TcpPeer.client(network.client, source, destination, port);
  }

  /** The entry that both directions find, which is also the one that conntrack(8) lists. */
  private String found(String namespace, ConntrackTuple tuple) throws IOException {
    try (Conntrack conntrack = Conntrack.open(TranslatedNetwork.file(namespace))) {
      if (!conntrack.find(tuple, entry)) {
        return "";
      }
      String text = Tuples.text(entry);
      assertThat(network.listed(namespace)).contains(text);
      for (ConntrackTuple direction : new ConntrackTuple[] {entry.original, entry.reply}) {
        assertThat(conntrack.find(direction, entry)).isTrue();
        assertThat(Tuples.text(entry)).isEqualTo(text);
      }
      return text;
    }
  }

  @Test
  void aDestinationTranslatedInTheClientsOwnNamespaceIsFoundThere() throws IOException {
    try (TcpPeer peer = connect("10.1.0.2", "10.99.0.1", 80)) {
      ConntrackTuple client = peer.connection();
      ConntrackTuple accepted = server.connection();
      int port = client.sourcePort;
      assertThat(Tuples.text(client)).isEqualTo(Tuples.text("10.1.0.2", port, "10.99.0.1", 80));

      assertThat(found(network.client, client))
          .isEqualTo(Tuples.text(client) + ", " + Tuples.text(accepted))
          .endsWith(Tuples.text("10.2.0.2", 8080, "10.1.0.2", port));
      assertThat(entry.isTranslated()).isTrue();
      assertThat(found(network.router, client)).isEmpty();
      assertThat(found(network.router, accepted))
          .isEqualTo(
              Tuples.text("10.1.0.2", port, "10.2.0.2", 8080) + ", " + Tuples.text(accepted));
      assertThat(entry.isTranslated()).isFalse();
    }
  }

  @Test
  void aDestinationTranslatedOnTheWayIsFoundFromBothEndsWhereItIsTranslated() throws IOException {
    try (TcpPeer peer = connect("10.1.0.2", "10.98.0.1", 80)) {
      ConntrackTuple client = peer.connection();
      ConntrackTuple accepted = server.connection();
      int port = client.sourcePort;
      String translated =
          Tuples.text("10.1.0.2", port, "10.98.0.1", 80)
              + ", "
              + Tuples.text("10.2.0.2", 8080, "10.1.0.2", port);

      assertThat(found(network.router, client)).isEqualTo(translated);
      assertThat(entry.isTranslated()).isTrue();
      assertThat(found(network.router, accepted)).isEqualTo(translated);
      assertThat(found(network.client, client))
          .isEqualTo(Tuples.text(client) + ", " + Tuples.text("10.98.0.1", 80, "10.1.0.2", port));
      assertThat(entry.isTranslated()).isFalse();
    }
  }

  @Test
  void aMasqueradedSourceIsFoundByTheTupleThatTheServerSees() throws IOException {
    try (TcpPeer peer = connect("10.1.0.3", "10.2.0.2", 8080)) {
      ConntrackTuple client = peer.connection();
      ConntrackTuple accepted = server.connection();
      int port = client.sourcePort;
      assertThat(Tuples.text(accepted))
          .isEqualTo(Tuples.text("10.2.0.2", 8080, "10.2.0.1", accepted.destinationPort));

      assertThat(found(network.router, accepted))
          .isEqualTo(
              Tuples.text("10.1.0.3", port, "10.2.0.2", 8080) + ", " + Tuples.text(accepted));
      assertThat(entry.isTranslated()).isTrue();
    }
  }

  @Test
  void sourceAndDestinationMayBothBeTranslated() throws IOException {
    try (TcpPeer peer = connect("10.1.0.3", "10.98.0.1", 80)) {
      ConntrackTuple client = peer.connection();
      ConntrackTuple accepted = server.connection();

      assertThat(found(network.router, accepted))
          .isEqualTo(Tuples.text(client) + ", " + Tuples.text(accepted))
          .startsWith(Tuples.text("10.1.0.3", client.sourcePort, "10.98.0.1", 80))
          .endsWith(Tuples.text("10.2.0.2", 8080, "10.2.0.1", accepted.destinationPort));
    }
  }

  @Test
  void aDestinationOfIpv6IsTranslatedLikewise() throws IOException {
    try (TcpPeer peer = connect("fd01::2", "fd99::1", 80)) {
      ConntrackTuple client = peer.connection();
      ConntrackTuple accepted = server.connection();
      int port = client.sourcePort;

      assertThat(found(network.client, client))
          .isEqualTo(
              Tuples.text("fd01::2", port, "fd99::1", 80)
                  + ", "
                  + Tuples.text("fd02::2", 8080, "fd01::2", port));
      assertThat(entry.isTranslated()).isTrue();
      assertThat(found(network.router, accepted))
          .isEqualTo(Tuples.text("fd01::2", port, "fd02::2", 8080) + ", " + Tuples.text(accepted));
      assertThat(entry.isTranslated()).isFalse();
    }
  }

  @Test
  void aConnectionWithoutTranslationHasAnEntryThatSaysSo() throws IOException {
    try (TcpPeer peer = connect("10.1.0.2", "10.2.0.2", 8080)) {
      ConntrackTuple client = peer.connection();
      ConntrackTuple accepted = server.connection();

      assertThat(found(network.client, client))
          .isEqualTo(Tuples.text(client) + ", " + Tuples.text(accepted));
      assertThat(entry.isTranslated()).isFalse();
    }
  }

  @Test
  void aConnectionThatIsClosedIsStillFound() throws IOException {
    ConntrackTuple client;
    try (TcpPeer peer = connect("10.1.0.2", "10.99.0.1", 80)) {
      client = peer.connection();
      server.connection();
    }

    assertThat(found(network.client, client)).startsWith(Tuples.text(client));
  }

  @Test
  void whereNothingIsTrackedNothingIsFound() throws IOException {
    try (TcpPeer peer = connect("10.1.0.2", "10.99.0.1", 80)) {
      peer.connection();

      assertThat(found(network.server, server.connection())).isEmpty();
    }
  }

  @Test
  void aConnectionThatDoesNotExistIsNotFoundAndTheEntryIsLeftAlone() throws IOException {
    try (TcpPeer peer = connect("10.1.0.2", "10.99.0.1", 80);
        Conntrack conntrack = Conntrack.open(TranslatedNetwork.file(network.client))) {
      ConntrackTuple client = peer.connection();
      server.connection();
      assertThat(conntrack.find(client, entry)).isTrue();
      String before = Tuples.text(entry);
      int port = client.sourcePort;

      for (ConntrackTuple absent :
          new ConntrackTuple[] {
            Tuples.of("10.1.0.2", 1, "10.99.0.1", 80),
            Tuples.of("10.1.0.2", port, "10.99.0.1", 81),
            Tuples.of("10.1.0.2", port, "10.99.0.2", 80),
            Tuples.of("10.99.0.1", 80, "10.1.0.2", port),
            Tuples.of("10.1.0.2", port, "fd99::1", 80),
            Tuples.of("fd01::2", port, "fd99::1", 80),
            Tuples.of("::", 0, "::", 0)
          }) {
        assertThat(conntrack.find(absent, entry)).as(Tuples.text(absent)).isFalse();
      }
      assertThat(Tuples.text(entry)).isEqualTo(before);
    }
  }

  @Test
  void aProcessNamesItsNamespaceAndTheSocketStaysThereWithoutIt() throws IOException {
    ConntrackTuple client;
    Conntrack conntrack;
    try (TcpPeer peer = connect("10.1.0.2", "10.99.0.1", 80)) {
      client = peer.connection();
      server.connection();
      conntrack = Conntrack.open(peer.namespaceFile());
    }
    try (conntrack) {
      assertThat(conntrack.find(client, entry)).isTrue();
      assertThat(entry.isTranslated()).isTrue();
    }
    try (Conntrack own = Conntrack.open()) {
      assertThat(own.find(client, entry)).isFalse();
    }
  }

  @Test
  void aNamespaceWhoseNameIsRemovedCanBeAskedOn() throws IOException {
    String passing = network.client + "-passing";
    network.add(passing);
    try (Conntrack conntrack = Conntrack.open(TranslatedNetwork.file(passing))) {
      network.remove(passing);

      assertThat(conntrack.find(Tuples.of("10.1.0.2", 1, "10.2.0.2", 1), entry)).isFalse();
    }
    Path gone = TranslatedNetwork.file(passing);
    assertThatThrownBy(() -> Conntrack.open(gone))
        .isInstanceOf(NetlinkException.class)
        .hasMessage("open namespace " + gone + ": ENOENT (No such file or directory)");
  }
}
