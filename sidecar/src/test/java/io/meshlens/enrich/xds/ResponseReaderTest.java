// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import static io.meshlens.enrich.xds.Addresses.pod;
import static io.meshlens.enrich.xds.Addresses.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.envoyproxy.envoy.config.core.v3.ControlPlane;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ResponseReaderTest {
  private final List<String> seen = new ArrayList<>();

  private final ResponseReader.Visitor visitor =
      new ResponseReader.Visitor() {
        @Override
        public void resource(Resource resource) {
          seen.add("+" + resource.getName());
        }

        @Override
        public void damaged(String reason) {
          seen.add("!" + reason);
        }

        @Override
        public void removed(String name) {
          seen.add("-" + name);
        }
      };

  private ResponseReader.Envelope read(byte[] bytes) throws IOException {
    return ResponseReader.read(new ByteArrayInputStream(bytes), visitor);
  }

  private static DeltaDiscoveryResponse.Builder response() {
    return DeltaDiscoveryResponse.newBuilder()
        .setSystemVersionInfo("2026-11-21T10:00:00Z/7")
        .setTypeUrl(ResourceReader.TYPE_URL)
        .setNonce("n-1")
        .setControlPlane(ControlPlane.newBuilder().setIdentifier("istiod"))
        .addResources(resource(pod("web-1", "10.0.0.1")))
        .addResources(resource(pod("web-2", "10.0.0.2")))
        .addRemovedResources("gone");
  }

  @Test
  void everyPartIsReadInOrder() throws IOException {
    ResponseReader.Envelope envelope = read(response().build().toByteArray());

    assertThat(envelope).isEqualTo(new ResponseReader.Envelope(ResourceReader.TYPE_URL, "n-1"));
    assertThat(seen).containsExactly("+blue//Pod/shop/web-1", "+blue//Pod/shop/web-2", "-gone");
  }

  @Test
  void fieldsOfLaterVersionsArePassedOver() throws IOException {
    UnknownFieldSet.Field.Builder unknown = UnknownFieldSet.Field.newBuilder().addVarint(7);
    unknown.addFixed64(1).addFixed32(2).addLengthDelimited(ByteString.copyFromUtf8("later"));
    DeltaDiscoveryResponse later =
        response()
            .setUnknownFields(UnknownFieldSet.newBuilder().addField(77, unknown.build()).build())
            .build();

    assertThat(read(later.toByteArray()).nonce()).isEqualTo("n-1");
    assertThat(seen).hasSize(3);
  }

  @Test
  void damagedAndHugeResourcesDoNotHideTheOthers() throws IOException {
    ByteString good = resource(pod("web-1", "10.0.0.1")).toByteString();
    UnknownFieldSet.Field resources =
        UnknownFieldSet.Field.newBuilder()
            .addLengthDelimited(ByteString.copyFrom(new byte[] {0x1a, 0x7f}))
            .addLengthDelimited(
                ByteString.copyFrom(new byte[ResponseReader.MOST_RESOURCE_BYTES + 1]))
            .addLengthDelimited(good)
            .build();

    read(UnknownFieldSet.newBuilder().addField(2, resources).build().toByteArray());

    assertThat(seen).hasSize(3);
    assertThat(seen.get(0)).startsWith("!a resource cannot be decoded: ");
    assertThat(seen.get(1)).isEqualTo("!a resource has 1048577 bytes, more than 1048576");
    assertThat(seen.get(2)).isEqualTo("+blue//Pod/shop/web-1");
  }

  @Test
  void truncatedResponseIsAnErrorAfterWhatCouldBeRead() {
    byte[] whole = response().build().toByteArray();
    byte[] part = java.util.Arrays.copyOf(whole, whole.length - 3);

    assertThatThrownBy(() -> read(part)).isInstanceOf(IOException.class);
    assertThat(seen).contains("+blue//Pod/shop/web-1");
  }

  @Test
  void randomBytesAreReadOrRefusedAndNothingElse() {
    Random random = new Random(3);
    byte[] good = response().build().toByteArray();
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = good.clone();
      for (int j = random.nextInt(4); j >= 0; j--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      try {
        assertThat(read(bytes).nonce()).isNotNull();
      } catch (IOException e) {
        assertThat(e).hasMessageMatching("(?s).+");
      }
    }
  }
}
