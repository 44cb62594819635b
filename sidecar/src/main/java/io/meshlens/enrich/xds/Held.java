// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import java.util.List;

/** What is kept of one resource. Owned by: identity-istio. */
final class Held {
  /** Of what kind it is. */
  enum Kind {
    WORKLOAD,
    SERVICE
  }

  final String name;
  final Kind kind;

  /**
   * NAMESPACE/HOSTNAME: of the service, or of the workload's only one; empty when it has not one.
   */
  String serviceKey;

  String version;

  /** Number of the response that told it last. */
  long toldIn;

  Identity identity;
  List<Address> addresses;
  Told.Unclaimed unclaimed;

  /** Its part of what may be kept. */
  int chars;

  Held(String name, Kind kind, String serviceKey, String version, long toldIn, Told told) {
    this.name = name;
    this.kind = kind;
    this.serviceKey = serviceKey;
    this.version = version;
    this.toldIn = toldIn;
    identity = told.identity();
    addresses = told.addresses();
    unclaimed = told.unclaimed();
  }
}
