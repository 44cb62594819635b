// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The kinds of lines that there are. */
public enum LineStyle {
  /** One JSON object, schema {@code meshlens.connection.v1}. */
  JSON,
  /** A format string of one's own. */
  TEXT,
  /** As Kmesh prints its access log. */
  KMESH,
  /** As ztunnel does. */
  ZTUNNEL,
  /** Envoy's default format. */
  ENVOY;

  /** Envoy's default for what is not configured; TCP leaves most of it unknown. */
  private static final String ENVOY_DEFAULT =
      "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\""
          + " %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION%"
          + " %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\""
          + " \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\""
          + " \"%UPSTREAM_HOST%\"";

  /** The word in the configuration. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What is wrong with a format string; nothing when it is fine. */
  public static List<String> problems(String textFormat) {
    return TextFormat.problems(textFormat);
  }

  /**
   * A formatter.
   *
   * @param textFormat for {@link #TEXT}, without problems
   * @param hostName of this node
   */
  public LineFormat format(String textFormat, ConnectionIds ids, String hostName) {
    return switch (this) {
      case JSON -> new JsonFormat(ids);
      case TEXT -> ofString(textFormat, ids, hostName);
      case ENVOY -> ofString(ENVOY_DEFAULT, ids, hostName);
      case KMESH -> KmeshFormat.of();
      case ZTUNNEL -> ZtunnelFormat.of();
    };
  }

  private static LineFormat ofString(String format, ConnectionIds ids, String hostName) {
    List<String> problems = new ArrayList<>();
    LineFormat parsed =
        new TextFormat(FormatString.parse(format, new TextOperators(ids, hostName), problems));
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
    return parsed;
  }
}
