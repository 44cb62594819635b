// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.enrich.kubernetes.Seen.Owner;
import io.meshlens.enrich.kubernetes.Seen.Pod;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a pod belongs to, from the pod alone: its controller, and by the names that Kubernetes gives
 * to what controllers make, the controller of that. ReplicaSets and Jobs are not read.
 *
 * <ul>
 *   <li>A ReplicaSet named NAME-HASH, where HASH is the pod's label {@code pod-template-hash}: the
 *       Deployment NAME made it. The label {@code rollouts-pod-template-hash}: the Rollout NAME.
 *   <li>A Job named NAME-NUMBER, where NUMBER is about the time at which the pod was made, in
 *       minutes (or before Kubernetes 1.21 seconds) since the epoch: the CronJob NAME made it.
 *   <li>A Node: the pod is from a file there, and named NAME-NODE.
 *   <li>No controller: the pod stands for itself.
 * </ul>
 */
final class Owners {
  private static final Pattern SCHEDULED = Pattern.compile("(.+)-(\\d{8}|\\d{10})");

  /** A pod may be made anew while its Job retries, and a late Job is named after its due time. */
  private static final long MOST_DAYS_APART = 14;

  private Owners() {}

  /** The controller at the top, as far as names tell. */
  static Owner of(Pod pod) {
    Owner owner = pod.owner();
    return switch (owner.kind()) {
      case "" -> new Owner("Pod", pod.name());
      case "Node" -> new Owner("Pod", without(pod.name(), pod.node()));
      case "ReplicaSet" -> replicaSet(owner, pod);
      case "Job" -> job(owner, pod);
      default -> owner;
    };
  }

  private static Owner replicaSet(Owner owner, Pod pod) {
    if (endsWith(owner.name(), pod.rolloutHash())) {
      return new Owner("Rollout", without(owner.name(), pod.rolloutHash()));
    }
    return endsWith(owner.name(), pod.templateHash())
        ? new Owner("Deployment", without(owner.name(), pod.templateHash()))
        : owner;
  }

  private static Owner job(Owner owner, Pod pod) {
    Matcher name = SCHEDULED.matcher(owner.name());
    if (!name.matches() || pod.createdEpochNs() == 0) {
      return owner;
    }
    long number = Long.parseLong(name.group(2));
    TimeUnit unit = name.group(2).length() == 10 ? TimeUnit.SECONDS : TimeUnit.MINUTES;
    long apart = unit.toDays(number) - TimeUnit.NANOSECONDS.toDays(pod.createdEpochNs());
    return Math.abs(apart) <= MOST_DAYS_APART ? new Owner("CronJob", name.group(1)) : owner;
  }

  private static boolean endsWith(String name, String end) {
    return !end.isEmpty()
        && name.length() > end.length() + 1
        && name.endsWith(end)
        && name.charAt(name.length() - end.length() - 1) == '-';
  }

  private static String without(String name, String end) {
    return endsWith(name, end) ? name.substring(0, name.length() - end.length() - 1) : name;
  }
}
