// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import com.google.common.net.HostAndPort;
import io.meshlens.config.Configuration;
import io.meshlens.export.AlsConfig;
import io.meshlens.export.OtlpConfig;
import io.meshlens.kernel.FilterConfig;
import io.meshlens.kernel.FilterConfig.OwnTraffic;
import io.meshlens.kernel.KernelConfig;
import io.meshlens.kernel.KernelConfig.ConntrackUse;
import io.meshlens.kernel.KernelConfig.PinPath;
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
    StdoutLog stdoutLog,
    Optional<Duration> periodicInterval,
    Optional<AlsConfig> als,
    Optional<OtlpConfig> otlp,
    String nodeId,
    Duration shutdownTimeout,
    Log.Level logLevel) {
  /** Whether connections go to stdout. */
  public enum StdoutLog {
    ON,
    OFF
  }

  /**
   * Sorts the values by room.
   *
   * @param home the installation directory, which holds {@code bpf/meshlens.bpf.o}
   */
  public static SidecarConfig of(Configuration values, Path home) {
    String nodeId = values.get(Settings.NODE_ID);
    String node = nodeId.isEmpty() ? hostName() : nodeId;
    return new SidecarConfig(
        kernel(values, home),
        filter(values),
        values.get(Settings.TELEMETRY_ADDRESS),
        values.get(Settings.STDOUT_ENABLED) ? StdoutLog.ON : StdoutLog.OFF,
        values.get(Settings.PERIODIC_INTERVAL),
        values
            .get(Settings.ALS_ADDRESS)
            .map(
                address ->
                    new AlsConfig(
                        address,
                        values.get(Settings.ALS_TLS)
                            ? AlsConfig.Transport.TLS
                            : AlsConfig.Transport.PLAINTEXT,
                        values.get(Settings.ALS_LOG_NAME),
                        values.get(Settings.ALS_QUEUE_SIZE),
                        node,
                        values.get(Settings.NODE_CLUSTER))),
        values
            .get(Settings.OTLP_ENDPOINT)
            .map(
                endpoint ->
                    new OtlpConfig(
                        endpoint,
                        values.get(Settings.OTLP_PROTOCOL),
                        values.get(Settings.OTLP_INTERVAL))),
        node,
        values.get(Settings.SHUTDOWN_TIMEOUT),
        values.get(Settings.LOG_LEVEL));
  }

  static FilterConfig filter(Configuration values) {
    return new FilterConfig(
        values.get(Settings.FILTER_EXCLUDE),
        values.get(Settings.FILTER_INCLUDE),
        values.get(Settings.FILTER_OWN_TRAFFIC) ? OwnTraffic.WATCHED : OwnTraffic.EXCLUDED);
  }

  private static KernelConfig kernel(Configuration values, Path home) {
    String cgroup = values.get(Settings.CGROUP);
    return new KernelConfig(
        home.resolve("bpf/meshlens.bpf.o"),
        cgroup.equals(Settings.AUTO) ? Optional.empty() : Optional.of(Path.of(cgroup)),
        values.get(Settings.RING_SIZE),
        values.get(Settings.MAX_ADDRESS_PAIRS),
        values.get(Settings.MAX_SOCKETS),
        pinPath(values.get(Settings.PIN_PATH)),
        values.get(Settings.CONNTRACK) ? ConntrackUse.ASKED : ConntrackUse.LEFT_ALONE);
  }

  private static PinPath pinPath(String text) {
    return switch (text) {
      case Settings.AUTO -> new PinPath.Auto();
      case Settings.OFF -> new PinPath.Off();
      default -> new PinPath.At(Path.of(text));
    };
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }
}
