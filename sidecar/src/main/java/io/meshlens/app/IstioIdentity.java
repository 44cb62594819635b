// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.enrich.AddressClaims;
import io.meshlens.enrich.xds.DiscoveryConfig;
import io.meshlens.enrich.xds.WorkloadDiscovery;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.Vitals;
import java.util.List;
import java.util.function.LongSupplier;

/** The control plane of Istio or Kmesh as a source of identities, with its thread. */
final class IstioIdentity {
  private final WorkloadDiscovery discovery;

  /**
   * Nobody is asked before {@link #start}.
   *
   * @param version of this program
   * @param claims from then on owned by the thread
   * @param monoNs the monotonic clock, nanoseconds
   */
  IstioIdentity(
      DiscoveryConfig config,
      String version,
      AddressClaims claims,
      LongSupplier monoNs,
      Readiness readiness,
      Vitals vitals,
      Log log) {
    discovery = new WorkloadDiscovery(config, version, claims, monoNs, readiness, vitals, log);
  }

  List<Gauge> gauges() {
    return discovery.gauges();
  }

  Thread start(Threads starter) {
    return starter.start("identity-istio", discovery);
  }

  /** The thread ends within a second or two, whatever the control plane does. */
  void end() {
    discovery.end();
  }
}
