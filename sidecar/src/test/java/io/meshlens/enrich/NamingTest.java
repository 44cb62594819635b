// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import static io.meshlens.enrich.Named.address;
import static io.meshlens.enrich.Named.service;
import static io.meshlens.enrich.Named.workload;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Address;
import io.meshlens.flow.Connection;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class NamingTest {
  private static final Identity NODE = Identity.builder().node("n1").source("test").build();
  private static final String CONTAINER = "0123456789abcdef".repeat(4);

  private final Named.Clock clock = new Named.Clock();
  private final Vitals vitals = new Vitals();
  private final Directory directory =
      new Directory(List.of(IdentitySource.KUBERNETES), Duration.ofMinutes(5), 100, clock, vitals);
  private final ContainerOwners owners = new ContainerOwners();
  private final Naming naming =
      new Naming(directory, owners, Naming.ContainerUse.NAMES_THE_REST, vitals);
  private final Connection c = connection(Direction.OUTBOUND, "10.0.0.1", "10.0.0.2");

  private void known(String address, Identity identity) {
    AddressClaims claims = directory.claims(IdentitySource.KUBERNETES);
    claims.assign(address(address), identity);
    claims.commit();
  }

  private Connection connection(Direction direction, String local, String remote) {
    Connection connection = new Connection();
    connection.direction = direction;
    connection.localHigh = address(local).high();
    connection.localLow = address(local).low();
    connection.localPort = 40_000;
    connection.remoteHigh = address(remote).high();
    connection.remoteLow = address(remote).low();
    connection.remotePort = 80;
    connection.endEpochNs = clock.nowEpochNs();
    return connection;
  }

  @Test
  void bothEndsOfAnOutboundConnectionAreNamed() {
    known("10.0.0.1", workload("cart"));
    known("10.0.0.2", workload("pay"));

    naming.name(c);

    assertThat(c.source).isEqualTo(workload("cart"));
    assertThat(c.destination).isEqualTo(workload("pay"));
  }

  @Test
  void theClientOfAnInboundConnectionIsTheRemoteEnd() {
    known("10.0.0.1", workload("pay"));
    known("10.0.0.2", workload("cart"));
    Connection inbound = connection(Direction.INBOUND, "10.0.0.1", "10.0.0.2");

    naming.name(inbound);

    assertThat(inbound.source).isEqualTo(workload("cart"));
    assertThat(inbound.destination).isEqualTo(workload("pay"));
  }

  @Test
  void whatNobodyKnowsIsUnknown() {
    naming.name(c);

    assertThat(c.source).isEqualTo(Identity.UNKNOWN);
    assertThat(c.destination).isEqualTo(Identity.UNKNOWN);
  }

  @Test
  void theServiceIsTheOneThatWasDialled() {
    known("10.0.0.2", workload("pay").toBuilder().service("other", "shop", "other.shop").build());
    known("10.96.0.5", service("pay"));
    dial("10.96.0.5");

    naming.name(c);

    assertThat(c.destination)
        .isEqualTo(workload("pay").toBuilder().service("pay", "shop", "pay.shop").build());

    Identity first = c.destination;
    naming.name(c);
    assertThat(c.destination).as("kept").isSameAs(first);
  }

  private void dial(String address) {
    c.dialledHigh = address(address).high();
    c.dialledLow = address(address).low();
    c.dialledPortOrZero = 80;
  }

  @Test
  void theServiceThatWasDialledIsKnownAlsoWhenTheServerIsNot() {
    known("10.96.0.5", service("pay"));
    dial("10.96.0.5");

    naming.name(c);

    assertThat(c.destination).isEqualTo(service("pay"));
  }

  @Test
  void aDialledWorkloadDoesNotNameAService() {
    known("10.0.0.2", workload("pay"));
    known("10.0.0.3", workload("proxy").toBuilder().service("proxy", "shop", "proxy.shop").build());
    dial("10.0.0.3");

    naming.name(c);

    assertThat(c.destination).isEqualTo(workload("pay"));
  }

  @Test
  void theEndsBehindTranslationAreNamed() {
    known("10.0.0.1", NODE);
    known("10.0.0.8", workload("cart"));
    known("10.0.0.9", workload("pay"));
    Address origin = address("10.0.0.8");
    c.originHigh = origin.high();
    c.originLow = origin.low();
    c.originPortOrZero = 5;
    Address reached = address("10.0.0.9");
    c.reachedHigh = reached.high();
    c.reachedLow = reached.low();
    c.reachedPortOrZero = 6;

    naming.name(c);

    assertThat(c.source).isEqualTo(workload("cart"));
    assertThat(c.destination).isEqualTo(workload("pay"));
  }

  @Test
  void whoHadTheAddressAtTheBeginningCounts() {
    TimedClaims claims = directory.claims(IdentitySource.KUBERNETES);
    claims.assign(address("10.0.0.2"), workload("old"), Named.at(Duration.ofHours(-2)));
    clock.advance(Duration.ofMinutes(2));
    claims.assign(address("10.0.0.2"), workload("new"), Named.at(Duration.ofMinutes(1)));
    claims.commit();
    c.endEpochNs = clock.nowEpochNs();
    c.endMonoNs = Duration.ofMinutes(5).toNanos();

    naming.name(c);

    assertThat(c.destination).isEqualTo(workload("old"));
  }

  @Test
  void theLocalEndIsNamedByItsContainerWhenNothingElseDoes() {
    c.containerId = CONTAINER;

    naming.name(c);

    assertThat(c.source)
        .isEqualTo(Identity.builder().container(CONTAINER).source("container").build());
    assertThat(c.destination).isEqualTo(Identity.UNKNOWN);
    assertThat(vitals.get(Vital.IDENTITY_HITS_CONTAINER)).isEqualTo(1);
  }

  @Test
  void aContainerWithANodesAddressKeepsTheNode() {
    known("10.0.0.1", NODE);
    c.containerId = CONTAINER;

    naming.name(c);

    assertThat(c.source).isEqualTo(NODE.toBuilder().container(CONTAINER).build());
  }

  @Test
  void aPodInItsNodesNetworkNamespaceIsKnownByItsContainer() {
    known("10.0.0.1", NODE);
    owners.put(CONTAINER, workload("proxy"));
    c.containerId = CONTAINER;

    naming.name(c);

    assertThat(c.source).isEqualTo(workload("proxy"));
  }

  @Test
  void aContainerNamesNoEndThatHasAWorkload() {
    known("10.0.0.1", workload("cart"));
    c.containerId = CONTAINER;

    naming.name(c);

    assertThat(c.source).isEqualTo(workload("cart"));
  }

  @Test
  void containersNameNothingWhereThatIsOff() {
    c.containerId = CONTAINER;

    new Naming(directory, owners, Naming.ContainerUse.IGNORED, vitals).name(c);

    assertThat(c.source).isEqualTo(Identity.UNKNOWN);
  }
}
