// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.enrich.Named;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.AssertionFailedError;

/**
 * The source against a real API server. `make kubernetes` runs it; elsewhere it is skipped for want
 * of the server, whose directory MESHLENS_KUBE_BIN names.
 */
@EnabledIfEnvironmentVariable(
    named = ApiServer.BINARIES,
    matches = ".+",
    disabledReason = "needs a real API server; `make kubernetes` has one")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class KubernetesApiIT {
  private static final Duration IDLE = Duration.ofSeconds(15);
  private static final String READER = "reader-token";
  private static final String PARTIAL = "partial-token";
  private static final String PODS = "api/v1/namespaces/shop/pods";

  @TempDir private static Path work;
  private static Optional<ApiServer> started = Optional.empty();

  @TempDir private Path directory;
  private Path token = Path.of("");

  private static ApiServer api() {
    return started.orElseThrow();
  }

  @BeforeAll
  static void startServer() throws IOException, InterruptedException, GeneralSecurityException {
    started =
        Optional.of(new ApiServer(work, List.of(READER + ",reader,2", PARTIAL + ",partial,3")));
    api().create("api/v1/namespaces", "{\"metadata\":{\"name\":\"shop\"}}");
    role(
        "reader",
        """
        {"apiGroups":[""],"resources":["pods","services","nodes","namespaces"],
         "verbs":["get","list","watch"]},
        {"apiGroups":["discovery.k8s.io"],"resources":["endpointslices"],
         "verbs":["get","list","watch"]}
        """);
    role(
        "partial",
        "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\",\"list\",\"watch\"]}");
  }

  private static void role(String user, String rules) throws IOException, InterruptedException {
    String rbac = "apis/rbac.authorization.k8s.io/v1/";
    api()
        .create(
            rbac + "clusterroles",
            "{\"metadata\":{\"name\":\"" + user + "\"},\"rules\":[" + rules + "]}");
    api()
        .create(
            rbac + "clusterrolebindings",
            """
        {"metadata":{"name":"%s"},
         "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"%s"},
         "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"%s"}]}
        """
                .formatted(user, user, user));
  }

  @AfterAll
  static void stopServer() {
    started.ifPresent(ApiServer::close);
  }

  @BeforeEach
  void token() throws IOException {
    token = Files.writeString(directory.resolve("token"), READER);
  }

  private SourceUnderTest source() throws IOException {
    return new SourceUnderTest(api().uri(), token, api().certificateAuthority(), IDLE);
  }

  /** A pod of a Deployment, running with this address. */
  private static void runPod(String name, String deployment, String address)
      throws IOException, InterruptedException {
    api().create(PODS, pod(name, deployment, ""));
    api().patch(PODS + "/" + name + "/status", status(address));
  }

  private static String pod(String name, String deployment, String spec) {
    return """
        {"metadata":{"name":"%s","labels":{"app":"%s","version":"v1","pod-template-hash":"5d4f"},
          "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"%s-5d4f",
            "uid":"11111111-1111-1111-1111-111111111111","controller":true}]},
         "spec":{%s"nodeName":"n1","serviceAccountName":"robot",
           "containers":[{"name":"c","image":"i"}]}}
        """
        .formatted(name, deployment, deployment, spec);
  }

  private static String status(String... addresses) {
    List<String> all = new ArrayList<>();
    for (String address : addresses) {
      all.add("{\"ip\":\"" + address + "\"}");
    }
    return """
        {"status":{"phase":"Running","startTime":"%s","podIP":"%s","podIPs":[%s]}}
        """
        .formatted(Instant.now().toString(), addresses[0], String.join(",", all));
  }

  @Test
  @Order(1)
  void podsServicesAndNodesAreKnownAsTheyComeAndGo() throws Exception {
    try (SourceUnderTest source = source()) {
      runPod("cart-5d4f-a", "cart", "10.1.0.7");
      source.awaitWorkload("10.1.0.7", "cart");
      assertThat(source.who("10.1.0.7"))
          .isEqualTo(
              Identity.builder()
                  .cluster("c1")
                  .node("n1")
                  .namespace("shop")
                  .workload("cart", "Deployment")
                  .pod("cart-5d4f-a")
                  .app("cart")
                  .version("v1")
                  .serviceAccount("robot", "")
                  .source("kubernetes")
                  .build());

      api().patch(PODS + "/cart-5d4f-a/status", status("10.1.0.7", "fd00::7"));
      source.awaitWorkload("fd00::7", "cart");

      api()
          .create(
              "api/v1/namespaces/shop/services",
              """
          {"metadata":{"name":"cart"},"spec":{"clusterIP":"10.96.7.7","ports":[{"port":80}]}}
          """);
      source.await(
          () -> source.who("10.96.7.7").service().equals("cart"),
          () -> source.who("10.96.7.7").toString());
      api()
          .create(
              "apis/discovery.k8s.io/v1beta1/namespaces/shop/endpointslices",
              """
          {"metadata":{"name":"cart-1","labels":{"kubernetes.io/service-name":"cart"}},
           "addressType":"IPv4","ports":[],
           "endpoints":[{"addresses":["10.1.0.7"],"targetRef":{"kind":"Pod","name":"cart-5d4f-a"}}]}
          """);
      source.await(
          () -> source.who("10.1.0.7").service().equals("cart"),
          () -> source.who("10.1.0.7").toString());

      api().create("api/v1/nodes", "{\"metadata\":{\"name\":\"n1\"}}");
      api()
          .patch(
              "api/v1/nodes/n1/status",
              "{\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"192.0.2.1\"}]}}");
      source.await(
          () -> source.who("192.0.2.1").node().equals("n1"),
          () -> source.who("192.0.2.1").toString());
      api().create(PODS, pod("agent", "agent", "\"hostNetwork\":true,"));
      api().patch(PODS + "/agent/status", status("192.0.2.1"));
      runPod("after-5d4f-a", "after", "10.1.0.8");
      source.awaitWorkload("10.1.0.8", "after");
      assertThat(source.who("192.0.2.1").workload()).isEmpty();
      assertThat(source.printed()).isEmpty();
      assertThat(source.vitals.get(Vital.KUBERNETES_OBJECTS_REJECTED)).isZero();
    }
  }

  @Test
  @Order(2)
  void anAddressThatIsGivenAgainBelongsToWhoHadItThen() throws Exception {
    try (SourceUnderTest source = source()) {
      runPod("first-5d4f-a", "first", "10.1.0.9");
      source.awaitWorkload("10.1.0.9", "first");
      long then = Named.at(Duration.between(Named.START, Instant.now()));
      api().delete(PODS + "/first-5d4f-a");
      Thread.sleep(1100); // a pod's start is said in whole seconds
      runPod("second-5d4f-a", "second", "10.1.0.9");
      source.awaitWorkload("10.1.0.9", "second");

      assertThat(Named.find(source.directory, "10.1.0.9", then).workload()).isEqualTo("first");
    }
  }

  @Test
  @Order(3)
  void aServerThatGoesAndComesBackIsWatchedOn() throws Exception {
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.1.0.8", "after");
      api().stop();
      source.awaitVital(Vital.KUBERNETES_FAILED_OTHER, 1);
      assertThat(source.who("10.1.0.8").workload()).isEqualTo("after");

      api().start();
      runPod("back-5d4f-a", "back", "10.1.0.10");
      source.awaitWorkload("10.1.0.10", "back");
      source.await(() -> source.readiness.lines().isEmpty(), () -> "still noted");
    }
  }

  @Test
  @Order(4)
  void aTokenThatIsNotGoodAnyMoreIsReplaced() throws Exception {
    Files.writeString(token, "expired");
    try (SourceUnderTest source = source()) {
      source.awaitVital(Vital.KUBERNETES_FAILED_UNAUTHORIZED, 5);
      assertThat(source.printed()).contains("it does not accept the token of this account (401");

      Files.writeString(token, READER);
      source.awaitWorkload("10.1.0.8", "after");
      source.await(() -> source.readiness.lines().isEmpty(), () -> "still noted");
    }
  }

  @Test
  @Order(5)
  void aMissingRuleIsNamedAndTheOtherKindsGoOn() throws Exception {
    Files.writeString(token, PARTIAL);
    try (SourceUnderTest source = source()) {
      source.awaitWorkload("10.1.0.8", "after");
      source.awaitVital(Vital.KUBERNETES_FAILED_REFUSED, 8);

      assertThat(source.printed().lines().sorted().map(KubernetesApiIT::withoutTime))
          .containsExactlyInAnyOrder(
              missing("", "services"),
              missing("", "nodes"),
              missing("", "namespaces"),
              missing("discovery.k8s.io", "endpointslices"));
    }
  }

  private static String withoutTime(String line) {
    return line.substring(line.indexOf(' ') + 1);
  }

  private static String missing(String group, String resource) {
    String full = group.isEmpty() ? resource : resource + "." + group;
    return ("warn Kubernetes API at %s/: %s cannot be read: this account lacks the permission; add"
            + " to its ClusterRole the rule {apiGroups: [\"%s\"], resources: [\"%s\"], verbs:"
            + " [\"get\", \"list\", \"watch\"]} (403, %s is forbidden: User \"partial\" cannot list"
            + " resource \"%s\" in API group \"%s\" at the cluster scope)")
        .formatted(api().uri(), resource, group, resource, full, resource, group);
  }

  /** The real server answers 410 to a version that its etcd has been told to forget. */
  @Test
  @Order(6)
  void theRealServerSaysGoneAndTheListIsReadAnew() throws Exception {
    KubernetesConfig config =
        new KubernetesConfig(
            Optional.of(api().uri()),
            Optional.empty(),
            token,
            api().certificateAuthority(),
            "",
            "",
            "cluster.local",
            "istio-system",
            "n1",
            IDLE,
            IDLE,
            Duration.ofMillis(50),
            Duration.ofMillis(400));
    api().stop();
    api().start(); // its cache of events begins now: what was before is too old
    try (ApiConnection connection = ApiConnection.open(config);
        var body =
            connection.get(
                "api/v1/pods?watch=1&resourceVersion=1&timeoutSeconds=5",
                "application/json",
                IDLE);
        ObjectStream.Events events =
            new ObjectStream(Resource.PODS, new Vitals()).new Events(body)) {
      ApiFailure gone = failure(events);
      assertThat(gone.code()).isEqualTo(ApiFailure.GONE);
    } catch (ApiFailure gone) {
      assertThat(gone.code()).isEqualTo(ApiFailure.GONE);
    }
  }

  private static ApiFailure failure(ObjectStream.Events events) throws IOException {
    ObjectStream.Sink nobody =
        new ObjectStream.Sink() {
          @Override
          public void found(Seen object) {}

          @Override
          public void gone(Seen object) {}
        };
    try {
      while (events.next(nobody) != null) {
        // until it fails
      }
    } catch (ApiFailure e) {
      return e;
    }
    throw new AssertionFailedError("the watch did not fail");
  }

  @Test
  @Order(7)
  void twentyThousandPodsAreKnownWithinAMinute() throws Exception {
    createPods(20_000);
    Instant begin = Instant.now();
    try (SourceUnderTest source = source()) {
      source.await(
          Duration.ofMinutes(1),
          () -> source.directory.gauges().getFirst().value().getAsLong() >= 20_000,
          () -> "only " + source.directory.gauges().getFirst().value().getAsLong());
      System.out.println(
          "20,000 pods known after " + Duration.between(begin, Instant.now()).toMillis() + " ms");
      assertThat(source.who("10.128.0.1").workload()).startsWith("w");
      assertThat(source.printed()).isEmpty();
    }
  }

  /** Pods are made with a status only by an update of it: two requests for each. */
  private static void createPods(int count) throws InterruptedException, ExecutionException {
    try (ExecutorService pool = Executors.newFixedThreadPool(32)) {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 1; i <= count; i++) {
        int number = i;
        running.add(
            pool.submit(
                () -> {
                  String address =
                      "10.%d.%d.%d"
                          .formatted(128 + (number >> 16), number >> 8 & 255, number & 255);
                  runPod("w" + number % 500 + "-5d4f-" + number, "w" + number % 500, address);
                  return null;
                }));
      }
      for (Future<?> each : running) {
        var _ = each.get();
      }
    }
  }
}
