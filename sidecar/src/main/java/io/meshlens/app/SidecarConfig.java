// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import com.google.common.net.HostAndPort;
import io.meshlens.config.Configuration;
import io.meshlens.export.OtlpConfig;
import io.meshlens.export.ResourceConfig;
import io.meshlens.kernel.FilterConfig;
import io.meshlens.kernel.KernelConfig;
import io.meshlens.metrics.MetricsConfig;
import io.meshlens.vitals.Log;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** The configuration of each room. */
public record SidecarConfig(
    KernelConfig kernel,
    FilterConfig filter,
    HostAndPort telemetryAddress,
    AccessLogConfig accessLog,
    MetricsConfig metrics,
    Optional<OtlpConfig> otlp,
    IdentityConfig identity,
    ResourceConfig resource,
    String nodeId,
    Duration shutdownTimeout,
    Log.Level logLevel) {
  /**
   * Sorts the values by room.
   *
   * @param home the installation directory, which holds {@code bpf/meshlens.bpf.o}
   */
  public static SidecarConfig of(Configuration values, Path home) {
    String nodeId = values.get(Settings.NODE_ID);
    String node = nodeId.isEmpty() ? hostName() : nodeId;
    return new SidecarConfig(
        KernelSettings.kernel(values, home),
        KernelSettings.filter(values),
        values.get(Settings.TELEMETRY_ADDRESS),
        AccessLogSettings.accessLog(values, NodeSettings.node(values, node), node),
        MetricsSettings.metrics(values),
        MetricsSettings.otlp(values),
        IdentitySettings.identity(values, values.get(Settings.NODE_CLUSTER), node),
        MetricsSettings.resource(values, node),
        node,
        values.get(Settings.SHUTDOWN_TIMEOUT),
        values.get(Settings.LOG_LEVEL));
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }
}
