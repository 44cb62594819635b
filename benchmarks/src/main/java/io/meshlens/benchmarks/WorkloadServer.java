// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import com.google.common.net.InetAddresses;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.istio.workload.Address;
import io.istio.workload.NetworkAddress;
import io.istio.workload.PortList;
import io.istio.workload.Service;
import io.istio.workload.Workload;
import io.istio.workload.WorkloadType;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Locale;

/** A control plane that tells everybody the same, made before; in a process of its own. */
public final class WorkloadServer
    extends AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceImplBase {
  private static final String TYPE_URL = "type.googleapis.com/istio.workload.Address";
  private static final int PODS_OF_A_SERVICE = 20;

  private final DeltaDiscoveryResponse everything;

  private WorkloadServer(DeltaDiscoveryResponse everything) {
    this.everything = everything;
  }

  /** Takes PODS; prints the port. */
  public static void main(String[] args) throws IOException, InterruptedException {
    int pods = Integer.parseInt(args[0]);
    DeltaDiscoveryResponse.Builder all =
        DeltaDiscoveryResponse.newBuilder().setTypeUrl(TYPE_URL).setNonce("1");
    for (int i = 0; i < pods; i++) {
      all.addResources(pod(i));
      if (i % PODS_OF_A_SERVICE == 0) {
        all.addResources(service(i / PODS_OF_A_SERVICE));
      }
    }
    DeltaDiscoveryResponse everything = all.build();
    Server server =
        NettyServerBuilder.forAddress(
                new InetSocketAddress(InetAddresses.forString("127.0.0.1"), 0))
            .addService(new WorkloadServer(everything))
            .build()
            .start();
    System.out.println(server.getPort());
    System.err.printf(
        Locale.ROOT,
        "%d pods, %d services, %.1f MiB in one response%n",
        pods,
        (pods + PODS_OF_A_SERVICE - 1) / PODS_OF_A_SERVICE,
        everything.getSerializedSize() / 1048576.0);
    server.awaitTermination();
  }

  private static Resource pod(int number) {
    int app = number / PODS_OF_A_SERVICE;
    String name = "app-%d-7d4f9c6b5d-%05d".formatted(app, number);
    String namespace = "namespace-" + app % 50;
    String uid = "Kubernetes//Pod/" + namespace + "/" + name;
    return resource(
        uid,
        Address.newBuilder()
            .setWorkload(
                Workload.newBuilder()
                    .setUid(uid)
                    .setName(name)
                    .setNamespace(namespace)
                    .addAddresses(address(10, number))
                    .setNode("node-" + number % 200)
                    .setClusterId("Kubernetes")
                    .setServiceAccount("app-" + app)
                    .setCanonicalName("app-" + app)
                    .setCanonicalRevision("latest")
                    .setWorkloadName("app-" + app)
                    .setWorkloadType(WorkloadType.WORKLOAD_TYPE_POD)
                    .putServices(key(app), PortList.getDefaultInstance()))
            .build());
  }

  private static Resource service(int app) {
    return resource(
        key(app),
        Address.newBuilder()
            .setService(
                Service.newBuilder()
                    .setName("app-" + app)
                    .setNamespace("namespace-" + app % 50)
                    .setHostname(key(app).substring(key(app).indexOf('/') + 1))
                    .addAddresses(NetworkAddress.newBuilder().setAddress(address(11, app))))
            .build());
  }

  private static String key(int app) {
    return "namespace-%1$d/app-%2$d.namespace-%1$d.svc.cluster.local".formatted(app % 50, app);
  }

  private static ByteString address(int first, int number) {
    return ByteString.copyFrom(
        new byte[] {
          (byte) first, (byte) (1 + (number >> 16)), (byte) (number >> 8), (byte) number
        });
  }

  private static Resource resource(String name, Address address) {
    return Resource.newBuilder()
        .setName(name)
        .setVersion(Integer.toHexString(name.hashCode()))
        .setResource(Any.newBuilder().setTypeUrl(TYPE_URL).setValue(address.toByteString()).build())
        .build();
  }

  @Override
  public StreamObserver<DeltaDiscoveryRequest> deltaAggregatedResources(
      StreamObserver<DeltaDiscoveryResponse> responses) {
    return new StreamObserver<>() {
      @Override
      public void onNext(DeltaDiscoveryRequest request) {
        if (request.getResponseNonce().isEmpty()) {
          responses.onNext(everything);
        }
      }

      @Override
      public void onError(Throwable cause) {
        // The client is done.
      }

      @Override
      public void onCompleted() {
        responses.onCompleted();
      }
    };
  }
}
