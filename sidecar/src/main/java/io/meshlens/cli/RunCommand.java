// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import io.meshlens.app.Reload;
import io.meshlens.app.Sidecar;
import io.meshlens.app.SidecarConfig;
import io.meshlens.config.Configuration;
import io.meshlens.vitals.Log;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code meshlens run}. */
@Command(
    name = "run",
    description = {
      "Watch every TCP connection and report it.",
      "With no configuration: the whole machine, JSON access log on stdout, metrics on"
          + " 127.0.0.1:15020. Stops on SIGTERM or SIGINT after delivering what it has."
    })
final class RunCommand implements Callable<Integer> {
  @Mixin final ConfigOptions options = new ConfigOptions();

  @Override
  public Integer call() throws Exception {
    Semaphore hangups = new Semaphore(0);
    Hangup.run(hangups::release);
    Configuration values = options.read();
    SidecarConfig config = SidecarConfig.of(values, Installation.home());
    Log log = new Log(System.err, config.logLevel(), InstantSource.system());
    Sidecar sidecar =
        new Sidecar(config, Installation.version(), new FileOutputStream(FileDescriptor.out), log);
    try {
      sidecar.start();
    } catch (Exception e) {
      sidecar.close();
      throw e;
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(sidecar), "shutdown"));
    Reload reload = new Reload(sidecar, values, options::read, log);
    while (true) {
      hangups.acquire();
      hangups.drainPermits();
      reload.run();
    }
  }

  /** A signal is how this program is meant to end: after a clean stop the exit code says so. */
  private static void stop(Sidecar sidecar) {
    sidecar.close();
    Runtime.getRuntime().halt(ExitCode.FINE);
  }
}
