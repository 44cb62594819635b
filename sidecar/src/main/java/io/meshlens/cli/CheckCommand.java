// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import io.meshlens.app.SidecarConfig;
import io.meshlens.kernel.Feature;
import io.meshlens.kernel.FeatureProbe;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code meshlens check}. */
@Command(
    name = "check",
    description = {
      "Ask the kernel what it supports; nothing is attached.",
      "Exit code 3 when something required is missing."
    })
final class CheckCommand implements Callable<Integer> {
  @Mixin final ConfigOptions options = new ConfigOptions();

  @Spec CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    SidecarConfig config = SidecarConfig.of(options.read(), Installation.home());
    List<Feature> features = FeatureProbe.probe(config.kernel());
    PrintWriter out = spec.commandLine().getOut();
    int widest = features.stream().mapToInt(feature -> feature.name().length()).max().orElse(1);
    String row = "%-" + widest + "s %-12s %-8s %s%n";
    out.printf(row, "FEATURE", "NEEDED BY", "ANSWER", "FOUND OR REMEDY");
    for (Feature feature : features) {
      out.printf(
          row,
          feature.name(),
          feature.neededBy(),
          feature.answer().name().toLowerCase(Locale.ROOT),
          explanation(feature));
    }
    long missing = features.stream().filter(Feature::isMissing).count();
    out.println(
        missing == 0
            ? "everything required is there"
            : missing + " required feature(s) missing; remedies above");
    out.flush();
    return missing == 0 ? ExitCode.FINE : ExitCode.KERNEL;
  }

  private static String explanation(Feature feature) {
    String detail = feature.detail().isEmpty() ? "" : feature.detail().strip();
    if (feature.answer() == Feature.Answer.NO && !feature.remedy().isEmpty()) {
      return (detail.isEmpty() ? "" : detail + "; ") + "remedy: " + feature.remedy();
    }
    return detail;
  }
}
