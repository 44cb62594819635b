// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

/** What the process ends with. */
final class ExitCode {
  static final int FINE = 0;

  /** Anything without a code of its own. */
  static final int FAILURE = 1;

  /** Wrong usage or configuration. */
  static final int USAGE = 2;

  /** The kernel or a permission is missing. */
  static final int KERNEL = 3;

  private ExitCode() {}
}
