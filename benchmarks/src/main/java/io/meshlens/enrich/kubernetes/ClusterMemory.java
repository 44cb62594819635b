// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.enrich.ContainerOwners;
import io.meshlens.enrich.Directory;
import io.meshlens.enrich.EpochNs;
import io.meshlens.enrich.IdentitySource;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How much of the heap a cluster takes: the model and the directory after lists of pods, services,
 * endpoint slices and nodes as an API server sends them. Prints one line.
 *
 * <p>usage: identities.sh [PODS], by default 20000
 */
public final class ClusterMemory {
  private static final int PODS_OF_A_WORKLOAD = 20;
  private static final int PODS_OF_A_NODE = 100;

  private final Vitals vitals = new Vitals();
  private final Directory directory =
      new Directory(
          List.of(IdentitySource.KUBERNETES),
          Duration.ofMinutes(5),
          10_000,
          InstantSource.system(),
          vitals);
  private final ClusterModel model =
      new ClusterModel(
          new KubernetesConfig(
              Optional.empty(),
              Optional.empty(),
              Path.of("none"),
              Path.of("none"),
              "cluster-1",
              "cluster.local",
              "cluster.local",
              "istio-system",
              "node-1",
              Duration.ZERO,
              Duration.ZERO,
              Duration.ZERO,
              Duration.ZERO),
          directory.claims(IdentitySource.KUBERNETES),
          new ContainerOwners());

  private ClusterMemory() {}

  /** See the class. */
  public static void main(String[] arguments) throws IOException {
    int pods = arguments.length == 0 ? 20_000 : Integer.parseInt(arguments[0]);
    new ClusterMemory().measure(pods, System.out);
  }

  private void measure(int pods, PrintStream out) throws IOException {
    fill(PODS_OF_A_WORKLOAD); // classes and code are not what is measured
    long before = usedBytes();
    fill(pods);
    long after = usedBytes();
    Identity last = find(pods - 1);
    if (!last.workload().equals(workload(pods - 1)) || !last.service().equals(workload(pods - 1))) {
      throw new IllegalStateException("the last pod is " + last);
    }
    out.printf("%d pods: %.1f MiB of heap%n", pods, (after - before) / 1024.0 / 1024.0);
  }

  private static long usedBytes() {
    for (int i = 0; i < 4; i++) {
      System.gc();
    }
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private Identity find(int pod) {
    return directory.find(0, 0xffff_0a00_0000L + 256 + pod, EpochNs.of(Instant.now()));
  }

  private void fill(int pods) throws IOException {
    int workloads = pods / PODS_OF_A_WORKLOAD;
    read(Resource.PODS, pods, ClusterMemory::pod);
    read(Resource.SERVICES, workloads, ClusterMemory::service);
    read(Resource.ENDPOINT_SLICES, workloads, ClusterMemory::slice);
    read(Resource.NODES, pods / PODS_OF_A_NODE, ClusterMemory::node);
    model.commit();
  }

  private void read(Resource resource, int count, IntFunction<String> object) throws IOException {
    model.apply(new Change.ListBegun(resource));
    for (int page = 0; page < count; page += 500) {
      String items =
          IntStream.range(page, Math.min(count, page + 500))
              .mapToObj(object)
              .collect(Collectors.joining(","));
      String list = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[" + items + "]}";
      new ObjectStream(resource, vitals)
          .readList(
              new ByteArrayInputStream(list.getBytes(UTF_8)),
              new ObjectStream.Sink() {
                @Override
                public void found(Seen seen) {
                  model.apply(new Change.Found(resource, seen));
                }

                @Override
                public void gone(Seen seen) {
                  throw new IllegalStateException("a list has nothing that is gone");
                }
              });
    }
    model.apply(new Change.ListEnded(resource));
  }

  private static String workload(int pod) {
    return "workload-with-a-name-" + pod / PODS_OF_A_WORKLOAD;
  }

  private static String podName(int pod) {
    return workload(pod) + "-5d4f6b7c8d-" + Integer.toString(1_000_000 + pod, 36);
  }

  private static String namespace(int pod) {
    return "namespace-" + pod / PODS_OF_A_WORKLOAD % 100;
  }

  private static String ip(int number) {
    int low = 256 + number;
    return "10.%d.%d.%d".formatted(low >> 16, low >> 8 & 255, low & 255);
  }

  private static String pod(int pod) {
    return """
        {"metadata":{"name":"%s","namespace":"%s","uid":"0","labels":{"app":"%s","version":"v1",
          "pod-template-hash":"5d4f6b7c8d"},"annotations":{"a":"b"},
          "ownerReferences":[{"kind":"ReplicaSet","name":"%s-5d4f6b7c8d","controller":true}]},
         "spec":{"nodeName":"node-%d","serviceAccountName":"%s","containers":[{"name":"c"}]},
         "status":{"phase":"Running","podIP":"%s","podIPs":[{"ip":"%s"}],
          "startTime":"2026-01-01T00:00:00Z"}}
        """
        .formatted(
            podName(pod),
            namespace(pod),
            workload(pod),
            workload(pod),
            pod / PODS_OF_A_NODE,
            workload(pod),
            ip(pod),
            ip(pod));
  }

  private static String service(int number) {
    int pod = number * PODS_OF_A_WORKLOAD;
    return """
        {"metadata":{"name":"%s","namespace":"%s"},"spec":{"clusterIP":"10.96.%d.%d"}}
        """
        .formatted(workload(pod), namespace(pod), number >> 8, number & 255);
  }

  private static String slice(int number) {
    int pod = number * PODS_OF_A_WORKLOAD;
    String endpoints =
        IntStream.range(pod, pod + PODS_OF_A_WORKLOAD)
            .mapToObj(
                p ->
                    "{\"addresses\":[\"%s\"],\"targetRef\":{\"kind\":\"Pod\",\"name\":\"%s\"}}"
                        .formatted(ip(p), podName(p)))
            .collect(Collectors.joining(","));
    return """
        {"metadata":{"name":"%s-abcde","namespace":"%s",
          "labels":{"kubernetes.io/service-name":"%s"}},"endpoints":[%s]}
        """
        .formatted(workload(pod), namespace(pod), workload(pod), endpoints);
  }

  private static String node(int number) {
    return """
        {"metadata":{"name":"node-%d"},
         "status":{"addresses":[{"type":"InternalIP","address":"192.168.%d.%d"}]}}
        """
        .formatted(number, number >> 8, number & 255);
  }
}
