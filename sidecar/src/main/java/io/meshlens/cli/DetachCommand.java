// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import io.meshlens.app.SidecarConfig;
import io.meshlens.kernel.Pins;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code meshlens detach}. */
@Command(
    name = "detach",
    description = {
      "Remove the kernel programs and sums that outlive a stopped sidecar (kernel.pin_path).",
      "Refused while a sidecar uses them."
    })
final class DetachCommand implements Callable<Integer> {
  @Mixin final ConfigOptions options = new ConfigOptions();

  @Spec CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    SidecarConfig config = SidecarConfig.of(options.read(), Installation.home());
    PrintWriter out = spec.commandLine().getOut();
    Optional<Path> root = Pins.root(config.kernel());
    List<String> removed = root.isPresent() ? Pins.removeAll(root.get()) : List.of();
    removed.forEach(name -> out.println("removed " + root.orElseThrow().resolve(name)));
    out.println(removed.isEmpty() ? "nothing is pinned" : "everything detached");
    out.flush();
    return ExitCode.FINE;
  }
}
