// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The first two numbers of a kernel's version. */
record KernelVersion(int major, int minor) {
  private static final Pattern VERSION = Pattern.compile("(\\d{1,9})\\.(\\d{1,9}).*");

  /** The running kernel's; the newest imaginable when it cannot be told. */
  static KernelVersion running() {
    return parse(System.getProperty("os.version", ""))
        .orElse(new KernelVersion(Integer.MAX_VALUE, 0));
  }

  static Optional<KernelVersion> parse(String text) {
    Matcher m = VERSION.matcher(text);
    return m.matches()
        ? Optional.of(new KernelVersion(Integer.parseInt(m.group(1)), Integer.parseInt(m.group(2))))
        : Optional.empty();
  }

  boolean isOlderThan(int otherMajor, int otherMinor) {
    return major < otherMajor || (major == otherMajor && minor < otherMinor);
  }
}
