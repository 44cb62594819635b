// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import static io.meshlens.enrich.Named.address;
import static io.meshlens.enrich.Named.at;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.enrich.ContainerOwners;
import io.meshlens.enrich.Directory;
import io.meshlens.enrich.IdentitySource;
import io.meshlens.enrich.Named;
import io.meshlens.enrich.Naming;
import io.meshlens.flow.Address;
import io.meshlens.flow.Connection;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vitals;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ClusterModelTest {
  private static final KubernetesConfig CONFIG =
      new KubernetesConfig(
          Optional.<URI>empty(),
          Optional.empty(),
          Path.of("token"),
          Path.of("ca"),
          "c1",
          "mesh.example",
          "cluster.local",
          "istio-system",
          "n1",
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO);
  private static final long CREATED = at(Duration.ofHours(-2));

  private final Named.Clock clock = new Named.Clock();
  private final Vitals vitals = new Vitals();
  private final Directory directory =
      new Directory(List.of(IdentitySource.KUBERNETES), Duration.ofMinutes(5), 100, clock, vitals);
  private final ContainerOwners containers = new ContainerOwners();
  private final ClusterModel model =
      new ClusterModel(CONFIG, directory.claims(IdentitySource.KUBERNETES), containers);

  /** A pod of the Deployment {@code cart}, to be changed. */
  private static final class PodBuilder {
    String name = "cart-5d4f-x1";
    String node = "n1";
    Seen.Owner owner = new Seen.Owner("ReplicaSet", "cart-5d4f");
    String network = "";
    Seen.Life life = Seen.Life.RUNNING;
    Seen.Network networkNamespace = Seen.Network.OWN;
    long started = at(Duration.ofHours(-1));
    List<Address> addresses = List.of(address("10.0.0.7"));
    List<String> containerIds = List.of();

    Seen.Pod build() {
      return new Seen.Pod(
          "shop",
          name,
          node,
          "robot",
          owner,
          "5d4f",
          "",
          "cart-app",
          "v2",
          network,
          life,
          networkNamespace,
          started,
          CREATED,
          addresses,
          containerIds);
    }
  }

  private void found(Seen object) {
    Resource resource =
        switch (object) {
          case Seen.Pod pod -> Resource.PODS;
          case Seen.Service service -> Resource.SERVICES;
          case Seen.EndpointSlice slice -> Resource.ENDPOINT_SLICES;
          case Seen.Node node -> Resource.NODES;
          case Seen.Namespace namespace -> Resource.NAMESPACES;
        };
    model.apply(new Change.Found(resource, object));
    model.commit();
  }

  private void gone(Resource resource, String namespace, String name) {
    model.apply(new Change.Gone(resource, namespace, name));
    model.commit();
  }

  private Identity who(String address) {
    return Named.find(directory, address, clock.nowEpochNs());
  }

  private static Seen.Service service(String name, String... virtual) {
    return new Seen.Service("shop", name, CREATED, addresses(virtual), List.of());
  }

  private static List<Address> addresses(String... literals) {
    return Arrays.stream(literals).map(Named::address).toList();
  }

  private static Seen.EndpointSlice slice(String name, String service, String... pods) {
    return new Seen.EndpointSlice("shop", name, service, List.of(pods));
  }

  @Test
  void aPodIsKnownByItsDeploymentLabelsNodeAndAccount() {
    found(new PodBuilder().build());

    assertThat(who("10.0.0.7"))
        .isEqualTo(
            Identity.builder()
                .cluster("c1")
                .node("n1")
                .namespace("shop")
                .workload("cart", "Deployment")
                .pod("cart-5d4f-x1")
                .app("cart-app")
                .version("v2")
                .serviceAccount("robot", "mesh.example")
                .source("kubernetes")
                .build());
  }

  @Test
  void aPodHasAllAddressesOfBothFamilies() {
    PodBuilder pod = new PodBuilder();
    pod.addresses = addresses("10.0.0.7", "fd00::7");
    found(pod.build());

    assertThat(who("fd00::7")).isEqualTo(who("10.0.0.7"));
    assertThat(who("fd00::7").pod()).isEqualTo("cart-5d4f-x1");

    pod.addresses = addresses("10.0.0.7");
    found(pod.build());
    clock.advance(Duration.ofMinutes(6));

    assertThat(who("fd00::7").isUnknown()).isTrue();
    assertThat(who("10.0.0.7").workload()).isEqualTo("cart");
  }

  @Test
  void anAddressThatPodsInTheNodesNetworkNamespaceShareIsTheNodes() {
    found(new Seen.Node("n1", CREATED, addresses("192.0.2.1")));
    PodBuilder pod = new PodBuilder();
    pod.networkNamespace = Seen.Network.NODE;
    pod.addresses = addresses("192.0.2.1");
    pod.containerIds = List.of("aaaa");
    found(pod.build());

    assertThat(who("192.0.2.1"))
        .isEqualTo(Identity.builder().cluster("c1").node("n1").source("kubernetes").build());
    assertThat(byContainer("aaaa").workload()).isEqualTo("cart");

    gone(Resource.PODS, "shop", pod.name);
    assertThat(byContainer("aaaa").workload()).isEmpty();
  }

  /** As the ring reader asks. */
  private Identity byContainer(String id) {
    Connection c = new Connection();
    c.containerId = id;
    new Naming(directory, containers, Naming.ContainerUse.IGNORED, vitals).name(c);
    return c.source;
  }

  @Test
  void containersOfOtherNodesAreNotKept() {
    PodBuilder pod = new PodBuilder();
    pod.node = "n2";
    pod.networkNamespace = Seen.Network.NODE;
    pod.containerIds = List.of("aaaa");
    found(pod.build());

    assertThat(byContainer("aaaa")).isEqualTo(Identity.UNKNOWN);
  }

  @Test
  void theVirtualAddressesOfAServiceAreTheServices() {
    found(service("pay", "10.96.0.5", "fd01::5"));

    assertThat(who("10.96.0.5"))
        .isEqualTo(
            Identity.builder()
                .cluster("c1")
                .service("pay", "shop", "pay.shop.svc.cluster.local")
                .source("kubernetes")
                .build());
    assertThat(who("fd01::5")).isEqualTo(who("10.96.0.5"));
  }

  @Test
  void anOutsideAddressBelongsToAServiceOnlyIfToNobodyElse() {
    Seen.Service first = new Seen.Service("shop", "a", CREATED, List.of(), addresses("192.0.2.9"));
    found(first);
    assertThat(who("192.0.2.9").service()).isEqualTo("a");

    found(new Seen.Node("n9", CREATED, addresses("192.0.2.9")));
    assertThat(who("192.0.2.9").service()).isEmpty();
    assertThat(who("192.0.2.9").node()).isEqualTo("n9");

    gone(Resource.NODES, "", "n9");
    found(new Seen.Service("shop", "b", CREATED, List.of(), addresses("192.0.2.9")));
    clock.advance(Duration.ofMinutes(6));
    assertThat(who("192.0.2.9").isUnknown()).isTrue();
  }

  @Test
  void theOnlyServiceThatSelectsAPodIsItsService() {
    found(new PodBuilder().build());
    found(slice("cart-v4", "cart", "cart-5d4f-x1"));
    found(slice("cart-v6", "cart", "cart-5d4f-x1"));

    assertThat(who("10.0.0.7").service()).isEqualTo("cart");
    assertThat(who("10.0.0.7").serviceNamespace()).isEqualTo("shop");
    assertThat(who("10.0.0.7").serviceHost()).isEqualTo("cart.shop.svc.cluster.local");

    found(slice("canary", "canary", "cart-5d4f-x1"));
    assertThat(who("10.0.0.7").service()).as("of two, none").isEmpty();

    found(slice("canary", "canary"));
    assertThat(who("10.0.0.7").service()).isEqualTo("cart");

    gone(Resource.ENDPOINT_SLICES, "shop", "cart-v4");
    assertThat(who("10.0.0.7").service()).isEqualTo("cart");

    gone(Resource.ENDPOINT_SLICES, "shop", "cart-v6");
    assertThat(who("10.0.0.7").service()).isEmpty();
  }

  @Test
  void aHeadlessServiceNamesItsPodsAndNoAddress() {
    found(slice("db", "db", "cart-5d4f-x1"));
    found(service("db"));
    found(new PodBuilder().build());

    assertThat(who("10.0.0.7").service()).isEqualTo("db");
  }

  @Test
  void aPodThatIsOverHasNoAddressAnyMore() {
    PodBuilder job = new PodBuilder();
    found(job.build());
    clock.advance(Duration.ofMinutes(1));
    job.life = Seen.Life.OVER;
    found(job.build());
    clock.advance(Duration.ofMinutes(1));
    PodBuilder next = new PodBuilder();
    next.name = "next";
    next.owner = Seen.Owner.NONE;
    next.started = clock.nowEpochNs();
    clock.advance(Duration.ofSeconds(5));
    found(next.build());

    assertThat(who("10.0.0.7").workload()).isEqualTo("next");
    assertThat(Named.find(directory, "10.0.0.7", at(Duration.ofSeconds(30))).workload())
        .isEqualTo("cart");
  }

  @Test
  void ofTwoPodsWithOneAddressTheLaterHasIt() {
    found(new PodBuilder().build());
    PodBuilder later = new PodBuilder();
    later.name = "later";
    later.owner = Seen.Owner.NONE;
    later.started = at(Duration.ofMinutes(-10));
    found(later.build());
    found(new PodBuilder().build());

    assertThat(who("10.0.0.7").pod()).isEqualTo("later");

    gone(Resource.PODS, "shop", "cart-5d4f-x1");
    assertThat(who("10.0.0.7").pod()).isEqualTo("later");
    assertThat(Named.find(directory, "10.0.0.7", at(Duration.ofMinutes(-11))).pod())
        .isEqualTo("cart-5d4f-x1");
  }

  @Test
  void aNewListForgetsWhatItDoesNotHold() {
    found(new PodBuilder().build());
    found(slice("cart", "cart", "cart-5d4f-x1"));
    found(service("pay", "10.96.0.5"));
    for (Resource resource : List.of(Resource.PODS, Resource.SERVICES)) {
      model.apply(new Change.ListBegun(resource));
    }
    model.commit();
    assertThat(who("10.0.0.7").workload()).as("the list has not ended").isEqualTo("cart");

    for (Resource resource : List.of(Resource.PODS, Resource.SERVICES)) {
      model.apply(new Change.ListEnded(resource));
    }
    model.commit();
    clock.advance(Duration.ofMinutes(6));

    assertThat(who("10.0.0.7").isUnknown()).isTrue();
    assertThat(who("10.96.0.5").isUnknown()).isTrue();
  }

  @Test
  void theNetworkIsTheOneOfThePodOrOfTheMesh() {
    found(new PodBuilder().build());
    PodBuilder other = new PodBuilder();
    other.name = "other";
    other.addresses = addresses("10.0.0.8");
    other.network = "network2";
    found(other.build());
    found(new Seen.Namespace("elsewhere", "network9"));
    assertThat(who("10.0.0.7").network()).isEmpty();

    found(new Seen.Namespace("istio-system", "network1"));
    assertThat(who("10.0.0.7").network()).isEqualTo("network1");
    assertThat(who("10.0.0.8").network()).isEqualTo("network2");

    gone(Resource.NAMESPACES, "", "istio-system");
    assertThat(who("10.0.0.7").network()).isEmpty();
  }
}
