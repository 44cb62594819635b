// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.grpc.Status;
import io.meshlens.vitals.Vital;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Why a connection was of no use.
 *
 * @param vital what counts it
 */
record Failure(Vital vital, String reason) {
  private static final int MOST_CAUSES = 8;

  static Failure of(Status status) {
    return switch (status.getCode()) {
      case UNAUTHENTICATED, PERMISSION_DENIED ->
          new Failure(Vital.ISTIO_STREAMS_FAILED_REFUSED, "it refuses us: " + text(status));
      case OK ->
          new Failure(Vital.ISTIO_STREAMS_FAILED_BROKEN, "it ended the stream without an answer");
      default -> new Failure(Vital.ISTIO_STREAMS_FAILED_BROKEN, text(status));
    };
  }

  private static String text(Status status) {
    Set<String> reasons = new LinkedHashSet<>();
    if (status.getDescription() != null) {
      reasons.add(status.getDescription());
    }
    addReasons(status.getCause(), reasons);
    return status.getCode() + (reasons.isEmpty() ? "" : ": " + oneLine(reasons));
  }

  /** What an exception and those behind it say: the last one often says most. */
  static String reasons(Throwable cause) {
    Set<String> reasons = new LinkedHashSet<>();
    addReasons(cause, reasons);
    return oneLine(reasons);
  }

  private static void addReasons(@Nullable Throwable cause, Set<String> reasons) {
    Throwable next = cause;
    for (int i = 0; next != null && i < MOST_CAUSES; i++) {
      reasons.add(next.getMessage() == null ? next.getClass().getSimpleName() : next.getMessage());
      next = next.getCause();
    }
  }

  private static String oneLine(Set<String> reasons) {
    return String.join(": ", reasons).replaceAll("\\s+", " ");
  }
}
