// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.google.common.net.InetAddresses;
import io.meshlens.app.Settings;
import io.meshlens.app.Sidecar;
import io.meshlens.app.SidecarConfig;
import io.meshlens.config.Configuration;
import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Log;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The program with identities that the test gives it: no source of identities is in its way. The
 * rest is what {@code meshlens run} does.
 */
final class NamedSidecar {
  /** Stands for half a surrogate pair, which no command line can have. */
  static final String HALF_A_PAIR = "<half>";

  private NamedSidecar() {}

  /** Arguments: {@code ADDRESS=NAMESPACE/WORKLOAD} or {@code --set KEY=VALUE}, any number. */
  public static void main(String[] arguments) throws Exception {
    Map<Address, Identity> names = new HashMap<>();
    Map<String, String> settings = new HashMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      if (equals < 0) {
        continue;
      }
      String name = argument.substring(0, equals);
      String value = argument.substring(equals + 1);
      if (InetAddresses.isInetAddress(name)) {
        names.put(Address.of(InetAddresses.forString(name)), identity(value));
      } else {
        settings.put(name, value);
      }
    }
    Configuration values =
        Configuration.read(Settings.ALL, Settings.CHECKS, settings, Map.of(), Optional.empty());
    SidecarConfig config = SidecarConfig.of(values, Path.of(System.getProperty("meshlens.home")));
    Sidecar sidecar =
        new Sidecar(
            config,
            Optional.of(
                (high, low, epochNs) ->
                    names.getOrDefault(new Address(high, low), Identity.UNKNOWN)),
            "test",
            new FileOutputStream(FileDescriptor.out),
            new Log(System.err, config.logLevel(), InstantSource.system()));
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  sidecar.close();
                  Runtime.getRuntime().halt(0);
                }));
    sidecar.start();
    Thread.currentThread().join();
  }

  private static Identity identity(String value) {
    List<String> parts = List.of(value.replace(HALF_A_PAIR, "\ud800").split("/", 2));
    String namespace = parts.getFirst();
    String workload = parts.getLast();
    return Identity.builder()
        .cluster("east")
        .namespace(namespace)
        .workload(workload, "Deployment")
        .app(workload)
        .version("v1")
        .service(workload, namespace, workload + "." + namespace + ".svc.cluster.local")
        .serviceAccount("sa", "cluster.local")
        .source("test")
        .build();
  }
}
