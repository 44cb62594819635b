// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Identity;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** Words for tests of identities. */
public final class Named {
  /** When every test begins. */
  public static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private Named() {}

  public static Address address(String literal) {
    try {
      return Address.of(InetAddress.getByName(literal));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }

  public static long at(Duration sinceStart) {
    return EpochNs.of(START.plus(sinceStart));
  }

  public static Identity find(Identities identities, String address, long epochNs) {
    Address a = address(address);
    return identities.find(a.high(), a.low(), epochNs);
  }

  /** A workload with one pod. */
  public static Identity workload(String name) {
    return Identity.builder()
        .namespace("shop")
        .workload(name, "Deployment")
        .pod(name + "-1")
        .source("test")
        .build();
  }

  public static Identity service(String name) {
    return Identity.builder().service(name, "shop", name + ".shop").source("test").build();
  }

  /** Time that stands still until it is moved. */
  public static final class Clock implements InstantSource {
    private Instant now = START;

    @Override
    public Instant instant() {
      return now;
    }

    public void advance(Duration by) {
      now = now.plus(by);
    }

    public long nowEpochNs() {
      return EpochNs.of(now);
    }
  }
}
