// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import io.meshlens.libbpf.Libbpf;
import io.meshlens.libbpf.NativeLibrary;
import io.meshlens.libbpf.NativeLibraryException;
import io.meshlens.wire.WireLayout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code meshlens version}. */
@Command(name = "version", description = "Print version, build, and the ABI of the kernel objects.")
final class VersionCommand implements Runnable {
  @Spec CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    spec.commandLine()
        .getOut()
        .printf(
            "meshlens %s (commit %s)%nwire ABI %d%n%s%njava %s%n",
            Installation.version(),
            Installation.commit(),
            WireLayout.abiVersion(),
            libbpf(),
            System.getProperty("java.version"));
    spec.commandLine().getOut().flush();
  }

  private static String libbpf() {
    try {
      NativeLibrary.load();
      return "libbpf " + Libbpf.version();
    } catch (NativeLibraryException e) {
      return "libbpf missing: " + e.getMessage();
    }
  }
}
