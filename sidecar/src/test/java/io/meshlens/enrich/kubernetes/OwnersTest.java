// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.enrich.EpochNs;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OwnersTest {
  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        // controller, its name, pod-template-hash, rollouts-pod-template-hash, workload kind, name
        "ReplicaSet, cart-5d4f6b, 5d4f6b, '', Deployment, cart",
        "ReplicaSet, cart-a-5d4f6b, 5d4f6b, '', Deployment, cart-a",
        "ReplicaSet, cart-5d4f6b, '', '', ReplicaSet, cart-5d4f6b",
        "ReplicaSet, cart-5d4f6b, other, '', ReplicaSet, cart-5d4f6b",
        "ReplicaSet, cart5d4f6b, 5d4f6b, '', ReplicaSet, cart5d4f6b",
        "ReplicaSet, -5d4f6b, 5d4f6b, '', ReplicaSet, -5d4f6b",
        "ReplicaSet, cart-5d4f6b, '', 5d4f6b, Rollout, cart",
        "StatefulSet, db, '', '', StatefulSet, db",
        "DaemonSet, agent, '', '', DaemonSet, agent",
        // 2026-01-01T00:00:00Z is minute 29454240
        "Job, backup-29454230, '', '', CronJob, backup",
        "Job, backup-1767225000, '', '', CronJob, backup",
        "Job, backup-29000000, '', '', Job, backup-29000000",
        "Job, backup-12345678, '', '', Job, backup-12345678",
        "Job, backup, '', '', Job, backup",
        "Node, n1, '', '', Pod, proxy",
        "'', '', '', '', Pod, proxy-n1",
        "Workflow, w, '', '', Workflow, w"
      })
  void theOwnerFollowsFromControllerNameAndLabels(
      String kind, String name, String hash, String rolloutHash, String ownerKind, String owner) {
    Seen.Pod pod =
        new Seen.Pod(
            "ns",
            "proxy-n1",
            "n1",
            "",
            new Seen.Owner(kind, name),
            hash,
            rolloutHash,
            "",
            "",
            "",
            Seen.Life.RUNNING,
            Seen.Network.OWN,
            0,
            EpochNs.of(Instant.parse("2026-01-01T00:00:00Z")),
            List.of(),
            List.of());

    assertThat(Owners.of(pod)).isEqualTo(new Seen.Owner(ownerKind, owner));
  }
}
