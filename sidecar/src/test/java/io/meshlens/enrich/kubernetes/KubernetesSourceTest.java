// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import static io.meshlens.enrich.kubernetes.FakeApi.cut;
import static io.meshlens.enrich.kubernetes.FakeApi.list;
import static io.meshlens.enrich.kubernetes.FakeApi.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What no real API server can be made to do; the real one is in {@link KubernetesApiIT}. */
final class KubernetesSourceTest {
  /** Where silence is the subject. */
  private static final Duration IMPATIENT = Duration.ofMillis(700);

  /** Where it must not be taken for a failure, however busy the machine is. */
  private static final Duration PATIENT = Duration.ofSeconds(60);

  @TempDir private Path directory;
  private FakeApi api;
  private Path token;

  @BeforeEach
  void start() throws IOException {
    api = new FakeApi();
    token = Files.writeString(directory.resolve("token"), "first\n");
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private SourceUnderTest source() throws IOException {
    return source(PATIENT);
  }

  private SourceUnderTest source(Duration idle) throws IOException {
    return new SourceUnderTest(api.uri(), token, directory.resolve("none"), idle);
  }

  private static String pod(String name, String address) {
    return """
        {"metadata":{"name":"%s","namespace":"shop","resourceVersion":"7","labels":{"a":"b"}},
         "spec":{"nodeName":"n1","containers":[{"name":"c","env":[{"name":"x","value":"y"}]}]},
         "status":{"phase":"Running","podIP":"%s","startTime":"2026-01-01T00:00:00Z"}}
        """
        .formatted(name, address);
  }

  private static String event(String type, String object) {
    return "{\"type\":\"" + type + "\",\"object\":" + object + "}\n";
  }

  @Test
  void halfAnObjectIsRejectedAndTheOthersAreKnown() throws IOException {
    api.next(
        "list api/v1/pods",
        text(
            200,
            list(
                "{},null,7,\"x\",[],{\"metadata\":{\"name\":\"only\"}},"
                    + "{\"metadata\":7,\"status\":[]},"
                    + "{\"metadata\":{\"name\":\"odd\",\"namespace\":\"shop\"},"
                    + "\"status\":{\"podIP\":5,\"podIPs\":{\"ip\":1},\"startTime\":\"yesterday\"}},"
                    + "{\"metadata\":{\"name\":\"bad\",\"namespace\":\"shop\"},"
                    + "\"status\":{\"podIP\":\"10.0.0.999\"}},"
                    + pod("good", "10.0.0.7"))));
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.0.0.7", "good");

      assertThat(source.vitals.get(Vital.KUBERNETES_OBJECTS_REJECTED)).isEqualTo(7);
    }
  }

  @Test
  void addressesThatNoPeerCanHaveAreNoPods() throws IOException {
    api.next(
        "list api/v1/pods",
        text(
            200,
            list(
                pod("a", "127.0.0.1")
                    + ","
                    + pod("b", "0.0.0.0")
                    + ","
                    + pod("c", "224.0.0.1")
                    + ","
                    + pod("good", "10.0.0.7"))));
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.0.0.7", "good");

      assertThat(source.who("127.0.0.1").isUnknown()).isTrue();
      assertThat(source.who("224.0.0.1").isUnknown()).isTrue();
    }
  }

  @Test
  void garbageAndListsThatAreCutAreAskedForAgain() throws IOException {
    api.next("list api/v1/pods", text(200, "<html>not this</html>"));
    api.next("list api/v1/pods", text(200, "{}"));
    api.next("list api/v1/pods", text(200, ""));
    api.next("list api/v1/pods", cut("{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"me"));
    api.next("list api/v1/pods", text(500, "out of order"));
    api.next("list api/v1/pods", text(200, list(pod("good", "10.0.0.7"))));
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.0.0.7", "good");

      assertThat(source.vitals.get(Vital.KUBERNETES_FAILED_GARBLED)).isEqualTo(3);
      assertThat(source.vitals.get(Vital.KUBERNETES_FAILED_OTHER)).isEqualTo(2);
      assertThat(source.printed()).contains("pods cannot be read: what it answers is garbled");
    }
  }

  @Test
  void aListThatIsNotWholeForgetsNothing() throws IOException {
    api.next("list api/v1/pods", text(200, list(pod("good", "10.0.0.7"))));
    api.next("watch api/v1/pods", text(410, "{\"message\":\"too old\"}"));
    api.next("list api/v1/pods", cut("{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":["));
    api.next("list api/v1/pods", api.silence("{\"items\":["));
    try (SourceUnderTest source = source(IMPATIENT)) {
      source.awaitVital(Vital.KUBERNETES_FAILED_SILENT, 1);

      assertThat(source.vitals.get(Vital.KUBERNETES_FAILED_EXPIRED)).isEqualTo(1);
      assertThat(source.who("10.0.0.7").workload()).isEqualTo("good");
    }
  }

  @Test
  void aServerThatHangsIsLeftAndAskedAgain() throws IOException {
    api.next("list api/v1/pods", exchange -> api.silence("").give(exchange));
    api.next("list api/v1/pods", text(200, list(pod("good", "10.0.0.7"))));
    try (SourceUnderTest source = source(IMPATIENT)) {
      source.awaitWorkload("10.0.0.7", "good");

      assertThat(source.vitals.get(Vital.KUBERNETES_FAILED_SILENT)).isPositive();
    }
  }

  @Test
  void aWatchThatFallsSilentIsResumedWhereItWas() throws IOException {
    api.next("list api/v1/pods", text(200, list(pod("a", "10.0.0.7"))));
    api.next(
        "watch api/v1/pods",
        api.silence(
            event("ADDED", pod("b", "10.0.0.8"))
                + event("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"123\"}}")));
    api.next(
        "watch api/v1/pods",
        api.silence(event("DELETED", pod("a", "10.0.0.7")) + event("ADDED", pod("c", "10.0.0.7"))));
    try (SourceUnderTest source = source(IMPATIENT)) {
      source.awaitWorkload("10.0.0.8", "b");
      source.awaitWorkload("10.0.0.7", "c");

      assertThat(api.asked)
          .anyMatch(
              asked -> asked.contains("pods?watch=1") && asked.contains("resourceVersion=100 "));
      assertThat(api.asked)
          .anyMatch(
              asked -> asked.contains("pods?watch=1") && asked.contains("resourceVersion=123 "));
      assertThat(api.asked.stream().filter(a -> a.startsWith("/api/v1/pods?limit"))).hasSize(1);
    }
  }

  @Test
  void whenTheServerDoesNotRememberThatFarTheListIsReadAnew() throws IOException {
    api.next(
        "list api/v1/pods", text(200, list(pod("a", "10.0.0.7") + "," + pod("b", "10.0.0.8"))));
    api.next(
        "watch api/v1/pods",
        text(200, event("ERROR", "{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}")));
    api.next("list api/v1/pods", text(200, list(pod("c", "10.0.0.7"))));
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.0.0.7", "c");

      assertThat(source.vitals.get(Vital.KUBERNETES_FAILED_EXPIRED)).isEqualTo(1);
      assertThat(api.asked)
          .anyMatch(asked -> asked.startsWith("/api/v1/pods?limit=500&resourceVersion=0 "))
          .anyMatch(asked -> asked.startsWith("/api/v1/pods?limit=500 "));
      assertThat(source.printed()).isEmpty();
    }
  }

  @Test
  void eventsThatMakeNoSenseLeadToANewList() throws IOException {
    api.next("list api/v1/pods", text(200, list(pod("a", "10.0.0.7"))));
    api.next("watch api/v1/pods", text(200, event("SHIPPED", "{}")));
    api.next("list api/v1/pods", text(200, list(pod("a", "10.0.0.7"))));
    api.next("watch api/v1/pods", text(200, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"na"));
    api.next("list api/v1/pods", text(200, list(pod("b", "10.0.0.7"))));
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.0.0.7", "b");

      assertThat(source.vitals.get(Vital.KUBERNETES_FAILED_GARBLED)).isEqualTo(2);
    }
  }

  @Test
  void aLongListComesInPages() throws IOException {
    api.next(
        "list api/v1/pods",
        text(
            200,
            "{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"more+/\"},\"items\":["
                + pod("a", "10.0.0.7")
                + "]}"));
    api.next("list api/v1/pods", text(200, list(pod("b", "10.0.0.8"))));
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.0.0.7", "a");
      source.awaitWorkload("10.0.0.8", "b");

      assertThat(api.asked).anyMatch(asked -> asked.contains("pods?limit=500&continue=more+/"));
    }
  }

  @Test
  void anOlderServerIsAskedForItsVersionOfEndpointSlices() throws IOException {
    String slice =
        """
        {"metadata":{"name":"s1","namespace":"shop","labels":{"kubernetes.io/service-name":"cart"}},
         "addressType":"IPv4",
         "endpoints":[{"addresses":["10.0.0.7"],"targetRef":{"kind":"Pod","name":"a"}},
                      {"addresses":["192.0.2.1"]}]}
        """;
    api.next("list api/v1/pods", text(200, list(pod("a", "10.0.0.7"))));
    api.next("list apis/discovery.k8s.io/v1/endpointslices", text(404, "404 page not found"));
    api.next("list apis/discovery.k8s.io/v1beta1/endpointslices", text(200, list(slice)));
    try (SourceUnderTest source = source()) {
      source.await(
          () -> source.who("10.0.0.7").service().equals("cart"),
          () -> source.who("10.0.0.7").toString());
    }
  }

  @Test
  void aMissingRuleIsNamedAndTheOtherKindsGoOn() throws IOException {
    for (int i = 0; i < 50; i++) {
      api.next(
          "list api/v1/services",
          text(403, "{\"kind\":\"Status\",\"message\":\"services is forbidden\",\"code\":403}"));
    }
    api.next("list api/v1/pods", text(200, list(pod("a", "10.0.0.7"))));
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.0.0.7", "a");
      source.awaitVital(Vital.KUBERNETES_FAILED_REFUSED, 3);

      assertThat(source.printed().lines())
          .singleElement()
          .asString()
          .contains(
              "services cannot be read: this account lacks the permission; add to its ClusterRole"
                  + " the rule {apiGroups: [\"\"], resources: [\"services\"], verbs: [\"get\","
                  + " \"list\", \"watch\"]} (403, services is forbidden)");
      assertThat(source.readiness.lines()).anyMatch(line -> line.contains("kubernetes services"));
      assertThat(source.readiness.isReady()).isTrue();
    }
  }

  @Test
  void theTokenIsReadForEachRequest() throws IOException {
    api.next("list api/v1/pods", text(401, "{\"message\":\"Unauthorized\"}"));
    try (SourceUnderTest source = source()) {
      source.await(
          () -> api.asked.stream().anyMatch(a -> a.endsWith("Bearer first")), () -> "" + api.asked);
      Files.writeString(token, "second");
      source.await(
          () -> api.asked.stream().anyMatch(a -> a.endsWith("Bearer second")),
          () -> "" + api.asked);
    }
  }

  @Test
  void everyThreadEndsWhenItIsInterrupted() throws IOException {
    api.next("list api/v1/nodes", exchange -> api.silence("{").give(exchange));
    try (SourceUnderTest source = source()) {
      source.await(() -> api.asked.size() >= 8, () -> "" + api.asked);

      assertThat(source.end()).isTrue();
    }
  }

  @Test
  void noListThatIsCutOrChangedAnywhereDoesMoreThanFail() {
    byte[] whole = list(pod("a", "10.0.0.7")).getBytes(StandardCharsets.UTF_8);
    Random random = new Random(3);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = Arrays.copyOf(whole, random.nextInt(whole.length + 1));
      for (int changes = random.nextInt(4); changes > 0 && bytes.length > 0; changes--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      ObjectStream.Sink nobody =
          new ObjectStream.Sink() {
            @Override
            public void found(Seen object) {}

            @Override
            public void gone(Seen object) {}
          };
      try {
        ObjectStream.ListEnd end =
            new ObjectStream(Resource.PODS, new Vitals())
                .readList(new ByteArrayInputStream(bytes), nobody);
        assertThat(end.resourceVersion()).isNotEmpty();
      } catch (IOException expected) {
        assertThat(expected).isNotNull();
      }
    }
  }
}
