// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.OutputStream;

/** Lines to stdout, which somebody else opened and closes. */
final class StreamTarget implements LineTarget {
  private final OutputStream out;
  private final Vitals vitals;
  private final Log log;

  StreamTarget(OutputStream out, Vitals vitals, Log log) {
    this.out = out;
    this.vitals = vitals;
    this.log = log;
  }

  @Override
  public void write(byte[] bytes, int lengthBytes, int lines) {
    try {
      out.write(bytes, 0, lengthBytes);
      out.flush();
      vitals.add(Vital.LOG_LINES_WRITTEN, lines);
    } catch (IOException e) {
      vitals.add(Vital.LOG_LINES_LOST_WRITE_FAILED, lines);
      log.warnRepeated("stdout-write", "cannot write the access log to stdout: " + e.getMessage());
    }
  }

  @Override
  public void idle() {}

  @Override
  public long idleMs() {
    return NEVER_MS;
  }

  @Override
  public String name() {
    return "stdout";
  }

  @Override
  public Vital lostQueueFull() {
    return Vital.LOG_LINES_LOST_QUEUE_FULL;
  }

  @Override
  public Vital lostAtEnd() {
    return Vital.LOG_LINES_LOST_WRITE_FAILED;
  }

  @Override
  public void close() {}
}
