// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.enrich.ContainerOwners;
import io.meshlens.enrich.TimedClaims;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/**
 * The Kubernetes API as a source of identities.
 *
 * <p>{@link #run} is the thread identity-kubernetes: it alone holds the model of the cluster and
 * says who has which address. {@link #watches} are threads of their own, which read the API and
 * wait when it is behind. All end when they are interrupted.
 */
public final class KubernetesSource implements Runnable, AutoCloseable {
  private static final int MOST_CHANGES_WAITING = 1024;

  /** Without changes: who is remembered long enough has to be forgotten. */
  private static final long IDLE_MS = 1000;

  private final BlockingQueue<Change> changes = new ArrayBlockingQueue<>(MOST_CHANGES_WAITING);
  private final ClusterModel model;
  private final ApiConnection api;
  private final Map<Resource, Runnable> watches = new EnumMap<>(Resource.class);
  private final Log log;

  /**
   * Nothing is asked before the threads run.
   *
   * @param claims where it is said who has which address
   * @param containers where it is said who is in which container of this node
   * @throws IOException when a file that is needed to ask cannot be read
   */
  public KubernetesSource(
      KubernetesConfig config,
      TimedClaims claims,
      ContainerOwners containers,
      Readiness readiness,
      Vitals vitals,
      Log log,
      RandomGenerator random)
      throws IOException {
    this.log = log;
    model = new ClusterModel(config, claims, containers);
    api = ApiConnection.open(config);
    for (Resource resource : Resource.values()) {
      watches.put(
          resource,
          new ResourceWatch(resource, api, changes, config, readiness, vitals, log, random));
    }
  }

  /** URL of the API server. */
  public String server() {
    return api.server();
  }

  /** What reads the API, by kind of object. */
  public Map<Resource, Runnable> watches() {
    return Map.copyOf(watches);
  }

  /** How many changes wait to be applied. */
  public int waiting() {
    return changes.size();
  }

  @Override
  public void run() {
    List<Change> batch = new ArrayList<>();
    while (!Thread.currentThread().isInterrupted()) {
      try {
        Change first = changes.poll(IDLE_MS, TimeUnit.MILLISECONDS);
        if (first != null) {
          batch.add(first);
          changes.drainTo(batch);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      batch.forEach(this::apply);
      batch.clear();
      model.commit();
    }
  }

  private void apply(Change change) {
    try {
      model.apply(change);
    } catch (RuntimeException e) {
      log.error("a change of " + change.resource().plural() + " could not be applied", e);
    }
  }

  /** Closes what the threads used, which have ended. */
  @Override
  public void close() {
    api.close();
  }
}
