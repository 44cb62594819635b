// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import static io.meshlens.enrich.xds.Addresses.member;
import static io.meshlens.enrich.xds.Addresses.pod;
import static io.meshlens.enrich.xds.Addresses.resource;
import static io.meshlens.enrich.xds.Addresses.service;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.istio.workload.NetworkMode;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class WorkloadTableTest {
  private static final String WEB = "shop/web.shop.svc.cluster.local";

  private final RecordedClaims claims = new RecordedClaims();
  private final WorkloadTable table = new WorkloadTable(1000, claims);
  private final ResourceReader reader = new ResourceReader("");

  private void tell(Resource... resources) throws Refusal {
    table.beginResponse();
    for (Resource resource : resources) {
      put(resource);
    }
    table.commit();
  }

  private void put(Resource resource) throws Refusal {
    table.tell(resource.getName(), resource.getVersion(), reader.read(resource));
  }

  private Map<String, String> pods() {
    Map<String, String> pods = new TreeMap<>();
    claims.owners().forEach((address, identity) -> pods.put(address, identity.pod()));
    return pods;
  }

  private Identity owner(String address) {
    return claims.owners().getOrDefault(address, Identity.UNKNOWN);
  }

  @Test
  void nothingIsVisibleBeforeTheCommit() throws Refusal {
    table.beginResponse();
    put(resource(pod("web-1", "10.0.0.1")));
    assertThat(claims.owners()).isEmpty();
    assertThat(table.levels()).isEqualTo(WorkloadTable.Levels.NONE);

    table.commit();

    assertThat(pods()).containsExactly(Map.entry("10.0.0.1", "web-1"));
    assertThat(table.levels()).isEqualTo(new WorkloadTable.Levels(1, 1, 0, 0, 0, 0));
  }

  @Test
  void updateMovesAddressesAndSaysNothingOfThoseThatStay() throws Refusal {
    tell(resource(pod("web-1", "10.0.0.1", "10.0.0.2")));
    long before = claims.changes();

    tell(resource(pod("web-1", "10.0.0.2", "10.0.0.3")));

    assertThat(pods())
        .containsExactly(Map.entry("10.0.0.2", "web-1"), Map.entry("10.0.0.3", "web-1"));
    assertThat(claims.changes() - before).isEqualTo(2);
    tell(resource(pod("web-1", "10.0.0.2", "10.0.0.3")));
    assertThat(claims.changes() - before).isEqualTo(2);
  }

  @Test
  void removedResourceIsNobody() throws Refusal {
    tell(resource(pod("web-1", "10.0.0.1")), resource(pod("web-2", "10.0.0.2")));

    table.beginResponse();
    table.remove("blue//Pod/shop/web-1");
    table.remove("blue//Pod/shop/never-told");
    table.commit();

    assertThat(pods()).containsExactly(Map.entry("10.0.0.2", "web-2"));
    assertThat(table.levels().resources()).isEqualTo(1);
  }

  @Test
  void addressGoesToThePodThatCameLastAndComesBackWhenThatGoes() throws Refusal {
    tell(resource(pod("web-1", "10.0.0.1")));
    tell(resource(pod("web-2", "10.0.0.1")));
    assertThat(pods()).containsExactly(Map.entry("10.0.0.1", "web-2"));
    assertThat(table.levels().disputed()).isEqualTo(1);

    table.beginResponse();
    table.remove("blue//Pod/shop/web-2");
    table.commit();

    assertThat(pods()).containsExactly(Map.entry("10.0.0.1", "web-1"));
    assertThat(table.levels().disputed()).isZero();
  }

  @Test
  void addressThatOnePodTakesOverFromAnotherInOneResponseIsNoDispute() throws Refusal {
    tell(resource(pod("web-1", "10.0.0.1")));

    table.beginResponse();
    put(resource(pod("web-2", "10.0.0.1")));
    table.remove("blue//Pod/shop/web-1");

    assertThat(table.commit()).isEmpty();
    assertThat(pods()).containsExactly(Map.entry("10.0.0.1", "web-2"));
  }

  @Test
  void addressThatIsToldTwiceAtOnceIsNobodys() throws Refusal {
    table.beginResponse();
    put(resource(pod("web-1", "10.0.0.1")));
    put(resource(pod("web-2", "10.0.0.1", "10.0.0.2")));

    assertThat(table.commit())
        .containsExactly("10.0.0.1 of [\"blue//Pod/shop/web-1\", \"blue//Pod/shop/web-2\"]");

    assertThat(pods()).containsExactly(Map.entry("10.0.0.2", "web-2"));
    tell(resource(pod("web-1", "10.0.0.3")));
    assertThat(pods())
        .containsExactly(
            Map.entry("10.0.0.1", "web-2"),
            Map.entry("10.0.0.2", "web-2"),
            Map.entry("10.0.0.3", "web-1"));
  }

  @Test
  void virtualAddressIsTheServices() throws Refusal {
    tell(resource(service("web", "", "10.96.0.1", "fd96::1")));

    assertThat(owner("10.96.0.1"))
        .isEqualTo(
            Identity.builder()
                .service("web", "shop", "web.shop.svc.cluster.local")
                .source("istio")
                .build())
        .isEqualTo(owner("fd96::1"));
  }

  @Test
  void workloadCarriesItsOnlyServiceWheneverThatComesAndGoes() throws Refusal {
    tell(resource(member(pod("web-1", "10.0.0.1"), WEB)));
    assertThat(owner("10.0.0.1").service()).isEmpty();
    assertThat(owner("10.0.0.1").serviceNamespace()).isEqualTo("shop");
    assertThat(owner("10.0.0.1").serviceHost()).isEqualTo("web.shop.svc.cluster.local");

    tell(resource(service("web", "", "10.96.0.1")));
    assertThat(owner("10.0.0.1").service()).isEqualTo("web");

    tell(resource(member(pod("web-1", "10.0.0.1").setNode("node-8"), WEB)));
    assertThat(owner("10.0.0.1").service()).isEqualTo("web");
    assertThat(owner("10.0.0.1").node()).isEqualTo("node-8");

    table.beginResponse();
    table.remove(WEB);
    table.commit();
    assertThat(owner("10.0.0.1").service()).isEmpty();

    tell(resource(member(member(pod("web-1", "10.0.0.1"), WEB), "shop/other")));
    assertThat(owner("10.0.0.1").serviceHost()).isEmpty();
    tell(resource(service("web", "", "10.96.0.1")));
    assertThat(owner("10.0.0.1").serviceHost()).isEmpty();
  }

  @Test
  void workloadThatMovesToTheHostNetworkGivesItsAddressBack() throws Refusal {
    tell(resource(pod("web-1", "10.0.0.1")));
    tell(resource(pod("web-1", "192.168.0.7").setNetworkMode(NetworkMode.NETWORK_MODE_HOST)));

    assertThat(claims.owners()).isEmpty();
    assertThat(table.levels()).isEqualTo(new WorkloadTable.Levels(1, 0, 0, 1, 0, 0));
    tell(resource(pod("web-1", "10.0.0.1")));
    assertThat(table.levels()).isEqualTo(new WorkloadTable.Levels(1, 1, 0, 0, 0, 0));
  }

  @Test
  void nameThatChangesItsKindIsAnotherResource() throws Refusal {
    tell(resource(pod("web-1", "10.0.0.1")));

    tell(
        resource(service("web", "", "10.96.0.1")).toBuilder()
            .setName("blue//Pod/shop/web-1")
            .build());

    assertThat(claims.owners()).containsOnlyKeys("10.96.0.1");
    assertThat(table.levels().resources()).isEqualTo(1);
  }

  @Test
  void twoOfOneNameAreRefusedAndTheFirstStays() throws Refusal {
    table.beginResponse();
    put(resource(pod("web-1", "10.0.0.1")));

    assertThatThrownBy(() -> put(resource(pod("web-1", "10.0.0.2"))))
        .isInstanceOf(Refusal.class)
        .hasMessage("another of its name is in the same response");
    table.commit();

    assertThat(pods()).containsExactly(Map.entry("10.0.0.1", "web-1"));
  }

  @Test
  void resourceThatIsToldAndRemovedAtOnceIsNobody() throws Refusal {
    table.beginResponse();
    put(resource(pod("web-1", "10.0.0.1")));

    assertThatThrownBy(() -> table.remove("blue//Pod/shop/web-1")).isInstanceOf(Refusal.class);
    table.commit();

    assertThat(claims.owners()).isEmpty();
  }

  @Test
  void secondServiceOfAHostNameIsRefused() throws Refusal {
    tell(resource(service("web", "", "10.96.0.1")));

    Resource second =
        resource(service("web", "", "10.96.0.2")).toBuilder().setName("another").build();
    assertThatThrownBy(() -> tell(second)).isInstanceOf(Refusal.class).hasMessageContaining(WEB);
  }

  @Test
  void namelessAndHugelyNamedAreRefused() {
    Resource nameless = resource(pod("web-1", "10.0.0.1")).toBuilder().clearName().build();
    assertThatThrownBy(() -> tell(nameless)).isInstanceOf(Refusal.class);
    Resource huge = nameless.toBuilder().setName("x".repeat(100_000)).build();
    assertThatThrownBy(() -> tell(huge)).isInstanceOf(Refusal.class);
  }

  @Test
  void moreThanTheLimitAreRefusedAndThoseBeforeMayChange() throws Refusal {
    WorkloadTable small = new WorkloadTable(2, claims);
    small.beginResponse();
    for (String name : List.of("web-1", "web-2")) {
      Resource one = resource(pod(name, "10.0.0." + name.charAt(4)));
      small.tell(one.getName(), "v1", reader.read(one));
    }
    Resource third = resource(pod("web-3", "10.0.0.3"));

    assertThatThrownBy(() -> small.tell(third.getName(), "v1", reader.read(third)))
        .isInstanceOf(Refusal.class)
        .extracting(e -> ((Refusal) e).vital())
        .isEqualTo(Vital.ISTIO_REFUSED_LIMIT);
    small.beginResponse();
    Resource first = resource(pod("web-1", "10.0.0.9"));
    small.tell(first.getName(), "v2", reader.read(first));
    small.commit();

    assertThat(pods())
        .containsExactly(Map.entry("10.0.0.2", "web-2"), Map.entry("10.0.0.9", "web-1"));
  }

  @Test
  void longResourcesAreRefusedBeforeTheyFillTheHeap() throws Refusal {
    WorkloadTable small = new WorkloadTable(10, claims);
    String name = "x".repeat(1000);
    small.beginResponse();
    for (int i = 0; i < 5; i++) {
      Resource one = resource(pod("web-" + i, "10.0.0." + (1 + i)));
      small.tell(name + i, "v1", reader.read(one));
    }
    Told sixth = reader.read(resource(pod("web-5", "10.0.0.6")));

    assertThatThrownBy(() -> small.tell(name + 5, "v1", sixth))
        .isInstanceOf(Refusal.class)
        .extracting(e -> ((Refusal) e).vital())
        .isEqualTo(Vital.ISTIO_REFUSED_LIMIT);
    small.beginResponse();
    small.remove(name + 0);
    small.tell(name + 5, "v1", sixth);
    small.commit();
    assertThat(small.levels().resources()).isEqualTo(5);
  }

  @Test
  void whatAResponseOfEverythingLacksIsNoMore() throws Refusal {
    tell(resource(pod("web-1", "10.0.0.1")), resource(service("web", "", "10.96.0.1")));

    table.beginResponse();
    put(resource(pod("web-1", "10.0.0.1")));
    table.keepOnlyTold();
    table.commit();

    assertThat(pods()).containsExactly(Map.entry("10.0.0.1", "web-1"));
  }

  @Test
  void versionsAreThoseOfTheLastGoodOnes() throws Refusal {
    tell(resource(pod("web-1", "10.0.0.1")));
    tell(resource(pod("web-1", "10.0.0.1")).toBuilder().setVersion("v2").build());

    Map<String, String> versions = new HashMap<>();
    table.forEachVersion(versions::put);

    assertThat(versions).containsExactly(Map.entry("blue//Pod/shop/web-1", "v2"));
  }

  /** After any history, claims are what the resources that are left say. */
  @Test
  void claimsAreAFunctionOfWhatIsLeftOnceEachAddressHasOneClaimant() throws Refusal {
    Random random = new Random(11);
    Map<String, String> expected = new HashMap<>();
    for (int i = 0; i < 5_000; i++) {
      table.beginResponse();
      for (int j = random.nextInt(4); j >= 0; j--) {
        String name = "web-" + random.nextInt(20);
        String uid = "blue//Pod/shop/" + name;
        try {
          if (random.nextInt(3) == 0) {
            expected.remove(name);
            table.remove(uid);
          } else {
            String address = "10.0.0." + (1 + random.nextInt(30));
            put(resource(pod(name, address)));
            expected.put(name, address);
          }
        } catch (Refusal e) {
          // Told twice, or told and removed at once: the first holds, or nothing.
          assertThat(e.vital()).isEqualTo(Vital.ISTIO_REFUSED_NAME);
        }
      }
      table.commit();
    }
    Map<String, String> sole = new TreeMap<>();
    expected.forEach(
        (name, address) -> {
          if (expected.values().stream().filter(address::equals).count() == 1) {
            sole.put(address, name);
          }
        });
    assertThat(pods()).containsAllEntriesOf(sole);
    assertThat(table.levels().resources()).isEqualTo(expected.size());
    assertThat(table.levels().addresses())
        .isEqualTo(Math.toIntExact(expected.values().stream().distinct().count()));
  }
}
