// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Identity;
import java.util.HashMap;
import java.util.Map;

/** Identities that a test gives to addresses. */
public final class Names implements Identities {
  private final Map<Address, Identity> byAddress = new HashMap<>();

  public static Identity workload(String namespace, String name) {
    return Identity.builder()
        .cluster("east")
        .namespace(namespace)
        .workload(name, "Deployment")
        .app(name)
        .version("v1")
        .service(name, namespace, name + "." + namespace + ".svc.cluster.local")
        .serviceAccount("sa-" + name, "cluster.local")
        .source("test")
        .build();
  }

  public Names put(int address, Identity identity) {
    byAddress.put(KernelSums.ipv4(address), identity);
    return this;
  }

  @Override
  public Identity find(long high, long low, long epochNs) {
    return byAddress.getOrDefault(new Address(high, low), Identity.UNKNOWN);
  }
}
