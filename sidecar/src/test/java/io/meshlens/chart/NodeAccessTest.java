// SPDX-License-Identifier: Apache-2.0
package io.meshlens.chart;

import static io.meshlens.chart.ChartTest.at;
import static io.meshlens.chart.ChartTest.config;
import static io.meshlens.chart.ChartTest.document;
import static io.meshlens.chart.ChartTest.listAt;
import static io.meshlens.chart.ChartTest.mapAt;
import static io.meshlens.chart.ChartTest.render;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the pod may do and see of its node: as little as can be, and more only on request. */
final class NodeAccessTest {
  @TempDir private Path temporary;

  @Test
  void daemonSetAsksForThreeCapabilitiesAndNothingElse() {
    Object pod = pod(render());
    Map<Object, Object> context = mapAt(pod, "containers", 0, "securityContext");

    assertThat(listAt(pod, "containers")).hasSize(1);
    assertThat(at(context, "capabilities"))
        .isEqualTo(Map.of("drop", List.of("ALL"), "add", List.of("BPF", "PERFMON", "NET_ADMIN")));
    assertThat(at(context, "privileged")).isEqualTo(false);
    assertThat(at(context, "allowPrivilegeEscalation")).isEqualTo(false);
    assertThat(at(context, "readOnlyRootFilesystem")).isEqualTo(true);
    assertThat(at(context, "seccompProfile")).isEqualTo(Map.of("type", "RuntimeDefault"));
    assertThat(mapAt(pod))
        .doesNotContainKeys("hostNetwork", "hostPID", "hostIPC", "dnsPolicy", "initContainers");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{legacyCapabilities: true}                   | SYS_ADMIN SYS_RESOURCE",
        "{namespaces: true}                           | SYS_ADMIN SYS_PTRACE",
        "{namespaces: true, legacyCapabilities: true} | SYS_ADMIN SYS_PTRACE SYS_RESOURCE",
      })
  void moreCapabilitiesAreAddedOnlyOnRequestAndOnce(String security, String added)
      throws IOException {
    Object pod = pod(render(values("security: " + security)));

    assertThat(
            String.join(
                " ",
                listAt(pod, "containers", 0, "securityContext", "capabilities", "add").stream()
                    .map(String::valueOf)
                    .toList()))
        .isEqualTo("BPF PERFMON NET_ADMIN " + added);
  }

  @Test
  void namespacesOfTheNodeAreSharedOnlyOnRequest() throws IOException {
    Map<Object, Object> pod = mapAt(pod(render(values("{hostNetwork: true, hostPID: true}"))));

    assertThat(pod)
        .containsEntry("hostNetwork", true)
        .containsEntry("hostPID", true)
        .containsEntry("dnsPolicy", "ClusterFirstWithHostNet");
  }

  @Test
  void twoDirectoriesOfTheNodeAreMountedTheCgroupsReadOnly() {
    Object pod = pod(render());

    assertThat(hostPaths(pod))
        .isEqualTo(Map.of("cgroup", "/sys/fs/cgroup", "bpffs", "/sys/fs/bpf"));
    assertThat(mounts(pod))
        .contains(
            Map.of("name", "cgroup", "mountPath", "/host/sys/fs/cgroup", "readOnly", true),
            Map.of("name", "bpffs", "mountPath", "/sys/fs/bpf"));
    assertThat(config(render())).containsEntry("cgroup", "/host/sys/fs/cgroup");
  }

  @Test
  void noBpfFileSystemIsMountedWhenItIsSwitchedOff() throws IOException {
    Object pod = pod(render(values("bpffs: {enabled: false}")));

    assertThat(hostPaths(pod)).isEqualTo(Map.of("cgroup", "/sys/fs/cgroup"));
    assertThat(mounts(pod)).extracting(mount -> mount.get("name")).doesNotContain("bpffs");
  }

  @Test
  void noPlaceOfTheNodeIsWrittenToUnlessASpoolIsWanted() throws IOException {
    Object pod = pod(render(values("spool: {volume: hostPath}")));

    assertThat(hostPaths(pod)).containsEntry("spool", "/var/lib/meshlens");
    assertThat(mounts(pod)).contains(Map.of("name", "spool", "mountPath", "/var/lib/meshlens"));
    assertThat(mounts(pod(render(values("spool: {volume: emptyDir}")))))
        .contains(Map.of("name", "spool", "mountPath", "/var/lib/meshlens"));
    assertThat(mounts(pod(render())))
        .extracting(mount -> mount.get("name"))
        .doesNotContain("spool");
  }

  @Test
  void spoolNeedsTheVolumeThatItIsOn() throws IOException {
    Path values = values("config: {access_log: {spool: {directory: /var/lib/meshlens/spool}}}");

    assertThatThrownBy(() -> render(values))
        .hasMessageContaining(
            "config.access_log.spool.directory (/var/lib/meshlens/spool) needs spool.volume");
  }

  @Test
  void pinPathNeedsTheBpfFileSystemThatItIsOn() throws IOException {
    Path values = values("{bpffs: {enabled: false}, config: {kernel: {pin_path: /sys/fs/bpf/a}}}");

    assertThatThrownBy(() -> render(values))
        .hasMessageContaining("config.kernel.pin_path (/sys/fs/bpf/a) needs bpffs.enabled");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "updateStrategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}",
        "updateStrategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 10%}}",
        "{hostNetwork: true, bpffs: {enabled: false}, updateStrategy: {rollingUpdate: {maxSurge: 1}}}",
      })
  void twoPodsOfOneNodeWouldWaitForEachOther(String yaml) throws IOException {
    Path values = values(yaml);

    assertThatThrownBy(() -> render(values))
        .hasMessageContaining("updateStrategy.rollingUpdate.maxSurge (1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "updateStrategy: {rollingUpdate: {maxSurge: 0}}",
        "updateStrategy: {type: OnDelete, rollingUpdate: null}",
        "{bpffs: {enabled: false}, updateStrategy: {rollingUpdate: {maxSurge: 1}}}",
        "{config: {kernel: {pin_path: 'off'}}, updateStrategy: {rollingUpdate: {maxSurge: 1}}}",
      })
  void otherUpdatesGoOn(String yaml) throws IOException {
    assertThat(render(values(yaml))).contains("kind: DaemonSet");
  }

  private static Object pod(String rendered) {
    return at(document("DaemonSet", rendered), "spec", "template", "spec");
  }

  private static Map<Object, Object> hostPaths(Object pod) {
    Map<Object, Object> paths = new LinkedHashMap<>();
    for (Object volume : listAt(pod, "volumes")) {
      if (volume instanceof Map<?, ?> map && map.containsKey("hostPath")) {
        paths.put(at(map, "name"), at(map, "hostPath", "path"));
      }
    }
    return paths;
  }

  private static List<Map<Object, Object>> mounts(Object pod) {
    return listAt(pod, "containers", 0, "volumeMounts").stream().map(ChartTest::mapAt).toList();
  }

  private Path values(String yaml) throws IOException {
    return Files.writeString(Files.createTempFile(temporary, "values", ".yaml"), yaml);
  }
}
