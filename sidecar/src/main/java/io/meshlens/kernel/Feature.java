// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

/**
 * One thing that the kernel, or our permission, may lack.
 *
 * @param name what was asked
 * @param neededBy what does not work without it
 * @param required whether nothing works without it
 * @param answer what the kernel said
 * @param detail what was found
 * @param remedy what to do when the answer is no
 */
public record Feature(
    String name, String neededBy, boolean required, Answer answer, String detail, String remedy) {
  /** Probes can fail to tell. */
  public enum Answer {
    YES,
    NO,
    UNKNOWN
  }

  public boolean isMissing() {
    return required && answer == Answer.NO;
  }
}
