// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import java.io.IOException;

/** The API server answered with something else than what was asked for. */
final class ApiFailure extends IOException {
  private static final long serialVersionUID = 1L;

  static final int UNAUTHORIZED = 401;
  static final int FORBIDDEN = 403;
  static final int NOT_FOUND = 404;
  static final int GONE = 410;

  private final int code;

  ApiFailure(int code, String message) {
    super(message);
    this.code = code;
  }

  /** HTTP status, also of an error that arrives within a watch. */
  int code() {
    return code;
  }
}
