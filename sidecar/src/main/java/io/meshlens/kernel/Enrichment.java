// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.Connection;
import io.meshlens.flow.Transport;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * What this node's kernel knows of a connection beyond its record: translation by netfilter, and
 * the container of its process.
 *
 * <p>{@link #enrich} belongs to ring-reader, {@link #refresh} to another thread, {@link #close} to
 * whoever has ended both.
 */
public final class Enrichment implements AutoCloseable {
  private final Optional<NamespaceConntracks> conntracks;
  private final Optional<Translations> translations;
  private final Containers containers;
  private final Vitals vitals;
  private final Log log;

  private Enrichment(
      Optional<NamespaceConntracks> conntracks,
      Optional<Translations> translations,
      Containers containers,
      Vitals vitals,
      Log log) {
    this.conntracks = conntracks;
    this.translations = translations;
    this.containers = containers;
    this.vitals = vitals;
    this.log = log;
  }

  /**
   * Asks the kernel of this machine.
   *
   * @param cgroupRoot directory below which containers are looked for
   */
  public static Enrichment of(
      KernelConfig config, Path cgroupRoot, LongSupplier monoNs, Vitals vitals, Log log) {
    Optional<NamespaceConntracks> conntracks =
        switch (config.conntrack()) {
          case ASKED -> Optional.of(new NamespaceConntracks(monoNs, vitals, log));
          case LEFT_ALONE -> Optional.empty();
        };
    return new Enrichment(
        conntracks,
        conntracks.map(lookup -> new Translations(lookup, monoNs)),
        new Containers(cgroupRoot),
        vitals,
        log);
  }

  /** Adds what is known; what is not stays absent. */
  public void enrich(Connection c) {
    c.containerId = containers.find(c.cgroupId);
    // Connection tracking is asked about TCP only.
    if (translations.isPresent() && c.transport == Transport.TCP) {
      translations.get().translate(c);
    }
  }

  /** Whether a connection of a cgroup or a namespace was seen that is not known yet. */
  public boolean isRefreshWanted() {
    return containers.isScanWanted()
        || conntracks.map(NamespaceConntracks::isUnknownSeen).orElse(false);
  }

  /** Looks for new containers and network namespaces; takes milliseconds. */
  public void refresh() {
    conntracks.ifPresent(c -> c.know(NetworkNamespaces.others()));
    try {
      containers.scan();
    } catch (IOException e) {
      vitals.increment(Vital.CONTAINER_SCANS_FAILED);
      log.warnRepeated("containers", "cannot look for containers among the cgroups: " + e);
    }
  }

  @Override
  public void close() {
    conntracks.ifPresent(NamespaceConntracks::close);
  }
}
