// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigException;
import io.meshlens.enrich.ContainerOwners;
import io.meshlens.enrich.Directory;
import io.meshlens.enrich.IdentitySource;
import io.meshlens.enrich.Naming;
import io.meshlens.enrich.StaticNames;
import io.meshlens.enrich.kubernetes.KubernetesConfig;
import io.meshlens.enrich.kubernetes.KubernetesSource;
import io.meshlens.flow.Identities;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.function.LongSupplier;

/** The directory of identities and every source that fills it, each with its threads. */
final class IdentitySources {
  private final IdentityConfig config;
  private final Readiness readiness;
  private final Vitals vitals;
  private final Log log;
  private final Directory directory;
  private final ContainerOwners containers = new ContainerOwners();
  private final Optional<StaticNames> names;
  private final List<Thread> threads = new ArrayList<>();
  private final Optional<IstioIdentity> istio;
  private volatile Optional<KubernetesSource> kubernetes = Optional.empty();

  /**
   * Nobody is asked before {@link #start}.
   *
   * @param version of this program, which a control plane is told
   * @param monoNs the monotonic clock, nanoseconds
   */
  IdentitySources(
      IdentityConfig config,
      String version,
      LongSupplier monoNs,
      Readiness readiness,
      Vitals vitals,
      Log log) {
    this.config = config;
    this.readiness = readiness;
    this.vitals = vitals;
    this.log = log;
    directory =
        new Directory(
            config.precedence().stream().filter(this::isOn).toList(),
            config.remember(),
            config.rememberMost(),
            InstantSource.system(),
            vitals);
    names = config.staticFile().map(file -> new StaticNames(file, directory, vitals, log));
    istio =
        config
            .istio()
            .map(
                plane ->
                    new IstioIdentity(
                        plane,
                        version,
                        directory.claims(IdentitySource.ISTIO),
                        monoNs,
                        readiness,
                        vitals,
                        log));
  }

  private boolean isOn(IdentitySource source) {
    return switch (source) {
      case KUBERNETES -> config.kubernetes().isPresent();
      case ISTIO -> config.istio().isPresent();
      case STATIC -> config.staticFile().isPresent();
    };
  }

  /** What all of them know together; nothing when there is none. */
  Identities byAddress() {
    return config.precedence().stream().anyMatch(this::isOn) ? directory : Identities.NONE;
  }

  /** For the ring reader. */
  Naming naming() {
    return new Naming(directory, containers, config.containers(), vitals);
  }

  List<Gauge> gauges() {
    List<Gauge> gauges = new ArrayList<>(directory.gauges());
    if (config.kubernetes().isPresent()) {
      gauges.add(
          new Gauge(
              SelfMetric.IDENTITY_KUBERNETES_WAITING,
              () -> kubernetes.map(KubernetesSource::waiting).orElse(0)));
    }
    istio.ifPresent(source -> gauges.addAll(source.gauges()));
    return List.copyOf(gauges);
  }

  /**
   * Reads the static file, and starts to ask the others.
   *
   * @throws ConfigException with every problem of the static file
   */
  void start(Threads starter) throws ConfigException {
    if (names.isPresent()) {
      List<String> problems = names.get().load();
      if (!problems.isEmpty()) {
        throw new ConfigException(problems);
      }
    }
    if (config.kubernetes().isPresent()) {
      startKubernetes(config.kubernetes().get(), starter);
    }
    istio.ifPresent(source -> threads.add(source.start(starter)));
  }

  /** Names are missing without it, and nothing else is. */
  private void startKubernetes(KubernetesConfig kubernetesConfig, Threads starter) {
    try {
      KubernetesSource source =
          new KubernetesSource(
              kubernetesConfig,
              directory.claims(IdentitySource.KUBERNETES),
              containers,
              readiness,
              vitals,
              log,
              new Random());
      kubernetes = Optional.of(source);
      threads.add(starter.start("identity-kubernetes", source));
      source
          .watches()
          .forEach(
              (resource, watch) ->
                  threads.add(
                      starter.start(
                          "identity-kubernetes-"
                              + resource.name().toLowerCase(Locale.ROOT).replace('_', '-'),
                          watch)));
      log.info("identities from the Kubernetes API at " + source.server());
    } catch (IOException e) {
      readiness.note("kubernetes", "no identities from it: " + e.getMessage());
      log.warn("no identities from Kubernetes: " + e.getMessage());
    }
  }

  /** The static file may have changed. */
  void lookAtFile() {
    names.ifPresent(StaticNames::reloadIfChanged);
  }

  /** The static file is to be read again. */
  void reload() {
    names.ifPresent(StaticNames::reload);
  }

  /** Nothing waits to be delivered: the threads are interrupted. */
  void end() {
    istio.ifPresent(IstioIdentity::end);
    threads.forEach(Thread::interrupt);
  }

  /** Those that {@link #end} lets run out. */
  List<Thread> threads() {
    return List.copyOf(threads);
  }

  /** After the threads. */
  void close() {
    kubernetes.ifPresent(KubernetesSource::close);
  }
}
