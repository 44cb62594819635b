// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.sdk.resources.Resource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Who pushes metrics, by OpenTelemetry's semantic conventions for resources.
 *
 * <p>What changes with every start, such as process.pid, is left out: the sums outlive a restart,
 * and another resource would make another series of each.
 *
 * @param attributes as configured; they win over what is found out
 */
public record ResourceConfig(
    Optional<String> serviceName,
    Map<String, String> attributes,
    String nodeId,
    Optional<String> cluster) {
  private static final Path MACHINE_ID = Path.of("/etc/machine-id");

  public ResourceConfig {
    attributes = Map.copyOf(attributes);
  }

  Resource resource(String version) {
    AttributesBuilder found =
        Attributes.builder()
            .put("service.name", "meshlens")
            .put("service.version", version)
            .put("service.instance.id", nodeId)
            .put("host.name", nodeId)
            .put("os.type", "linux")
            .put("os.description", "Linux " + System.getProperty("os.version"))
            .put("process.runtime.name", System.getProperty("java.runtime.name"))
            .put("process.runtime.version", System.getProperty("java.runtime.version"));
    architecture().ifPresent(arch -> found.put("host.arch", arch));
    machineId().ifPresent(id -> found.put("host.id", id));
    cluster.ifPresent(name -> found.put("k8s.cluster.name", name));
    AttributesBuilder configured = Attributes.builder();
    attributes.forEach(configured::put);
    serviceName.ifPresent(name -> configured.put("service.name", name));
    return Resource.getDefault()
        .merge(Resource.create(found.build()))
        .merge(Resource.create(configured.build()));
  }

  /** By the names of the conventions; empty for those that they do not have. */
  private static Optional<String> architecture() {
    return switch (System.getProperty("os.arch", "").toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64" -> Optional.of("amd64");
      case "aarch64" -> Optional.of("arm64");
      case "ppc64le" -> Optional.of("ppc64");
      case "s390x" -> Optional.of("s390x");
      default -> Optional.empty();
    };
  }

  private static Optional<String> machineId() {
    try {
      return Optional.of(Files.readString(MACHINE_ID).strip())
          .filter(id -> id.matches("[0-9a-f]{32}"));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
