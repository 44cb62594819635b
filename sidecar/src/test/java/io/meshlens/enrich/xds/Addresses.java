// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import com.google.common.net.InetAddresses;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.istio.workload.Address;
import io.istio.workload.NetworkAddress;
import io.istio.workload.PortList;
import io.istio.workload.Service;
import io.istio.workload.Workload;
import io.istio.workload.WorkloadType;

/** Resources as a control plane makes them. */
final class Addresses {
  static ByteString bytes(String literal) {
    return ByteString.copyFrom(InetAddresses.forString(literal).getAddress());
  }

  /** A pod of the Deployment web in the namespace shop. */
  static Workload.Builder pod(String name, String... addresses) {
    Workload.Builder pod =
        Workload.newBuilder()
            .setUid("blue//Pod/shop/" + name)
            .setName(name)
            .setNamespace("shop")
            .setNode("node-7")
            .setClusterId("blue")
            .setServiceAccount("seller")
            .setTrustDomain("example.org")
            .setCanonicalName("web")
            .setCanonicalRevision("v2")
            .setWorkloadName("web")
            .setWorkloadType(WorkloadType.WORKLOAD_TYPE_DEPLOYMENT);
    for (String address : addresses) {
      pod.addAddresses(bytes(address));
    }
    return pod;
  }

  static Workload.Builder member(Workload.Builder workload, String service) {
    return workload.putServices(service, PortList.getDefaultInstance());
  }

  static Service.Builder service(String name, String network, String... addresses) {
    Service.Builder service =
        Service.newBuilder()
            .setName(name)
            .setNamespace("shop")
            .setHostname(name + ".shop.svc.cluster.local");
    for (String address : addresses) {
      service.addAddresses(
          NetworkAddress.newBuilder().setNetwork(network).setAddress(bytes(address)));
    }
    return service;
  }

  static Resource resource(Workload.Builder workload) {
    return resource(workload.getUid(), Address.newBuilder().setWorkload(workload).build());
  }

  static Resource resource(Service.Builder service) {
    return resource(
        service.getNamespace() + "/" + service.getHostname(),
        Address.newBuilder().setService(service).build());
  }

  static Resource resource(String name, Address address) {
    return Resource.newBuilder()
        .setName(name)
        .setVersion("v1")
        .setResource(
            Any.newBuilder().setTypeUrl(ResourceReader.TYPE_URL).setValue(address.toByteString()))
        .build();
  }

  private Addresses() {}
}
