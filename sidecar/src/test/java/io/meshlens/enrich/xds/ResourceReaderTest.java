// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import static io.meshlens.enrich.xds.Addresses.bytes;
import static io.meshlens.enrich.xds.Addresses.member;
import static io.meshlens.enrich.xds.Addresses.pod;
import static io.meshlens.enrich.xds.Addresses.resource;
import static io.meshlens.enrich.xds.Addresses.service;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.istio.workload.NetworkAddress;
import io.istio.workload.NetworkMode;
import io.istio.workload.WorkloadType;
import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ResourceReaderTest {
  private final ResourceReader reader = new ResourceReader("east");

  private static Refusal refusal(ResourceReader reader, Resource resource) {
    try {
      throw new AssertionError("taken: " + reader.read(resource));
    } catch (Refusal e) {
      return e;
    }
  }

  @Test
  void podBecomesAnIdentityWithAllThatIsTold() throws Refusal {
    Told told =
        reader.read(
            resource(
                member(
                    pod("web-1", "10.0.0.1", "fd00::1").setNetwork("east"),
                    "shop/web.shop.svc.cluster.local")));

    assertThat(told)
        .isEqualTo(
            new Told.Workload(
                Identity.builder()
                    .cluster("blue")
                    .network("east")
                    .node("node-7")
                    .namespace("shop")
                    .workload("web", "Deployment")
                    .pod("web-1")
                    .app("web")
                    .version("v2")
                    .serviceAccount("seller", "example.org")
                    .source("istio")
                    .build(),
                told.addresses(),
                Told.Unclaimed.NONE,
                "shop/web.shop.svc.cluster.local"));
    assertThat(told.addresses().stream().map(Address::text)).containsExactly("10.0.0.1", "fd00::1");
  }

  /** Bytes that protoc made with Istio's own .proto file, so that no number is only ours. */
  @Test
  void numbersOfTheFieldsAreTheProtocols() throws Refusal {
    Told told =
        reader.read(
            raw(
                "0a570a05706f642d3112026e731a040a000009220465617374320274643a0273614a026e31"
                    + "52036170705a02763160036a036a6f629201026331a2011063312f2f506f642f6e732f70"
                    + "6f642d31b201090a056e732f68311200"));

    assertThat(told.identity())
        .isEqualTo(
            Identity.builder()
                .cluster("c1")
                .network("east")
                .node("n1")
                .namespace("ns")
                .workload("job", "Job")
                .pod("pod-1")
                .app("app")
                .version("v1")
                .serviceAccount("sa", "td")
                .source("istio")
                .build());
    assertThat(((Told.Workload) told).serviceKey()).isEqualTo("ns/h1");
    assertThat(told.addresses().stream().map(Address::text)).containsExactly("10.0.0.9");
    Told vip = reader.read(raw("12180a017312026e731a0168220c0a04656173741204f0f00001"));
    assertThat(vip.identity())
        .isEqualTo(
            Identity.builder().network("east").service("s", "ns", "h").source("istio").build());
  }

  private static Resource raw(String hex) {
    return raw(ByteString.copyFrom(HexFormat.of().parseHex(hex)));
  }

  private static Resource raw(ByteString content) {
    return Resource.newBuilder()
        .setName("raw")
        .setResource(Any.newBuilder().setTypeUrl(ResourceReader.TYPE_URL).setValue(content))
        .build();
  }

  @Test
  void whatTheProtocolLetsOutOfAPodIsItsDefault() throws Refusal {
    Identity pod =
        reader
            .read(resource(pod("web-1", "10.0.0.1").clearServiceAccount().clearTrustDomain()))
            .identity();
    Identity machine =
        reader
            .read(
                resource(
                    pod("vm-1", "10.0.0.2")
                        .setUid("blue/networking.istio.io/WorkloadEntry/shop/vm-1")
                        .clearServiceAccount()
                        .clearTrustDomain()))
            .identity();

    assertThat(pod.serviceAccount()).isEqualTo("default");
    assertThat(pod.trustDomain()).isEqualTo("cluster.local");
    assertThat(machine.serviceAccount()).isEmpty();
    assertThat(machine.trustDomain()).isEmpty();
    assertThat(machine.pod()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "WORKLOAD_TYPE_DEPLOYMENT, web, Deployment",
    "WORKLOAD_TYPE_CRON_JOB, web, CronJob",
    "WORKLOAD_TYPE_JOB, web, Job",
    "WORKLOAD_TYPE_POD, web-1, Pod",
    "WORKLOAD_TYPE_POD, web, ''",
    "WORKLOAD_TYPE_DEPLOYMENT, '', ''",
  })
  void kindIsToldOrAbsent(WorkloadType type, String workload, String kind) throws Refusal {
    Identity identity =
        reader
            .read(
                resource(pod("web-1", "10.0.0.1").setWorkloadType(type).setWorkloadName(workload)))
            .identity();

    assertThat(identity.workloadKind()).isEqualTo(kind);
  }

  @Test
  void kindsAndModesOfLaterVersionsAreUnknownAndNoGuess() throws Refusal {
    Told told =
        reader.read(
            resource(pod("web-1", "10.0.0.1").setWorkloadTypeValue(17).setNetworkModeValue(9)));

    assertThat(told.identity().workloadKind()).isEmpty();
    assertThat(told.addresses()).isEmpty();
    assertThat(told.unclaimed()).isEqualTo(new Told.Unclaimed(0, 1, 0));
  }

  @ParameterizedTest
  @CsvSource({"east, 1, 0", "'', 1, 0", "west, 0, 1"})
  void onlyAddressesOfOurNetworkAreIdentities(String network, int ours, int foreign)
      throws Refusal {
    Told pod = reader.read(resource(pod("web-1", "10.0.0.1").setNetwork(network)));
    Told vip = reader.read(resource(service("web", network, "10.96.0.1")));

    assertThat(pod.addresses()).hasSize(ours);
    assertThat(pod.unclaimed().foreign()).isEqualTo(foreign);
    assertThat(vip.addresses()).hasSize(ours);
    assertThat(vip.unclaimed().foreign()).isEqualTo(foreign);
  }

  @Test
  void hostNetworkGivesNobodyTheAddressOfTheNode() throws Refusal {
    Told told =
        reader.read(
            resource(pod("proxy-1", "192.168.0.7").setNetworkMode(NetworkMode.NETWORK_MODE_HOST)));

    assertThat(told.addresses()).isEmpty();
    assertThat(told.unclaimed()).isEqualTo(new Told.Unclaimed(0, 1, 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"127.0.0.1", "0.0.0.0", "::", "::1", "169.254.1.1", "fe80::1", "224.0.0.1"})
  void addressesThatEveryHostHasAreNobodys(String address) throws Refusal {
    Told told = reader.read(resource(pod("web-1", address, "10.0.0.1")));

    assertThat(told.addresses()).hasSize(1);
    assertThat(told.unclaimed()).isEqualTo(new Told.Unclaimed(0, 0, 1));
  }

  @Test
  void rangesOfAServiceAreNobodys() throws Refusal {
    Told told =
        reader.read(
            resource(
                service("web", "", "10.96.0.1")
                    .addAddresses(
                        NetworkAddress.newBuilder().setAddress(bytes("10.97.0.0")).setLength(24))
                    .addAddresses(
                        NetworkAddress.newBuilder().setAddress(bytes("10.98.0.9")).setLength(32))));

    assertThat(told.addresses().stream().map(Address::text))
        .containsExactly("10.96.0.1", "10.98.0.9");
    assertThat(told.unclaimed().ambiguous()).isEqualTo(1);
  }

  @Test
  void mappedAddressesAreIpv4() throws Refusal {
    ByteString mapped =
        ByteString.copyFrom(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 10, 0, 0, 1});
    Told told = reader.read(resource(pod("web-1").addAddresses(mapped)));

    assertThat(told.addresses().getFirst().text()).isEqualTo("10.0.0.1");
  }

  @Test
  void severalServicesAreNoService() throws Refusal {
    Told.Workload told =
        (Told.Workload)
            reader.read(resource(member(member(pod("web-1", "10.0.0.1"), "shop/a"), "shop/b")));

    assertThat(told.serviceKey()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 5, 15, 17, 4096})
  void addressOfAnImpossibleLengthIsRefused(int bytes) {
    Refusal refusal =
        refusal(
            reader,
            resource(pod("web-1", "10.0.0.1").addAddresses(ByteString.copyFrom(new byte[bytes]))));

    assertThat(refusal.vital()).isEqualTo(Vital.ISTIO_REFUSED_ADDRESS);
    assertThat(refusal).hasMessageContaining(bytes + " bytes; expected 4 or 16");
  }

  @Test
  void moreAddressesThanAnythingHasAreRefused() {
    Refusal refusal =
        refusal(
            reader,
            resource(
                pod("web-1")
                    .addAllAddresses(
                        java.util.Collections.nCopies(
                            ResourceReader.MOST_ADDRESSES + 1, bytes("10.0.0.1")))));

    assertThat(refusal.vital()).isEqualTo(Vital.ISTIO_REFUSED_ADDRESS);
  }

  @Test
  void hugeTextIsRefusedByItsField() {
    Refusal refusal =
        refusal(reader, resource(pod("web-1", "10.0.0.1").setCanonicalName("x".repeat(10_000))));

    assertThat(refusal.vital()).isEqualTo(Vital.ISTIO_REFUSED_TEXT);
    assertThat(refusal).hasMessage("its canonical_name has 10000 characters, more than 256");
  }

  @Test
  void serviceKeyWithoutNamespaceIsRefused() {
    assertThat(refusal(reader, resource(member(pod("web-1", "10.0.0.1"), "web"))).vital())
        .isEqualTo(Vital.ISTIO_REFUSED_TEXT);
  }

  @Test
  void whatIsNeitherWorkloadNorServiceIsRefused() {
    // Field 3, which is no kind of today.
    Refusal refusal = refusal(reader, raw(ByteString.copyFrom(new byte[] {0x1a, 0})));

    assertThat(refusal.vital()).isEqualTo(Vital.ISTIO_REFUSED_KIND);
    assertThat(refusal).hasMessage("it is neither a workload nor a service");
  }

  @Test
  void resourceOfAnotherTypeOrWithoutContentIsRefused() {
    Resource other =
        raw(ByteString.EMPTY).toBuilder()
            .setResource(Any.newBuilder().setTypeUrl("type.googleapis.com/\n\u0007other"))
            .build();

    assertThat(refusal(reader, other))
        .hasMessage("its type is \"type.googleapis.com/??other\"")
        .extracting(Refusal::vital)
        .isEqualTo(Vital.ISTIO_REFUSED_KIND);
    assertThat(refusal(reader, Resource.newBuilder().setName("empty").build()).vital())
        .isEqualTo(Vital.ISTIO_REFUSED_UNDECODABLE);
  }

  @Test
  void randomBytesAreRefusedAndNeverThrow() {
    Random random = new Random(5);
    byte[] good = resource(pod("web-1", "10.0.0.1")).getResource().getValue().toByteArray();
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = i % 2 == 0 ? good.clone() : new byte[random.nextInt(60)];
      if (i % 2 == 0) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      } else {
        random.nextBytes(bytes);
      }
      try {
        assertThat(reader.read(raw(ByteString.copyFrom(bytes))).identity().source())
            .isEqualTo("istio");
      } catch (Refusal e) {
        assertThat(e.getMessage()).isNotEmpty();
      }
    }
  }

  @Test
  void nodeIdMustBeOfIstiosForm() {
    assertThat(NodeIdentity.problems("ztunnel~10.0.0.7~a.b~b.svc.cluster.local")).isEmpty();
    assertThat(NodeIdentity.problems("ztunnel~pod~a.b~b.svc.cluster.local"))
        .containsExactly("\"pod\" is not an IP address");
    assertThat(NodeIdentity.problems("node-7").getFirst()).startsWith("expected TYPE~IP~");
    assertThatThrownBy(() -> reader.read(raw(ByteString.copyFromUtf8("\u00ff"))))
        .isInstanceOf(Refusal.class);
  }
}
