// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.accesslog.LineStyle;
import io.meshlens.app.AccessLogConfig.Lines;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import java.util.List;

/** What the lines of a log look like, in the order of the reference page. */
public final class LineSettings {
  private final ConfigKey<LineStyle> format;
  private final ConfigKey<String> textFormat;

  LineSettings(String log) {
    String prefix = "access_log." + log + ".";
    format =
        new ConfigKey<>(
            prefix + "format",
            ValueType.oneOf(LineStyle.class, LineStyle::label),
            LineStyle.JSON.label(),
            "What a line looks like: one JSON object, text by text_format, or as Kmesh, ztunnel or"
                + " Envoy print it.");
    textFormat =
        new ConfigKey<>(
            prefix + "text_format",
            ValueType.language(
                "a format string of Envoy's access logs; docs/access-logs.md has the operators",
                text -> text.isEmpty() ? List.of() : LineStyle.problems(text)),
            "",
            "The line for the format text, such as [%START_TIME%] %DOWNSTREAM_REMOTE_ADDRESS%"
                + " %RESPONSE_FLAGS%; the line end comes by itself.");
  }

  List<ConfigKey<?>> keys() {
    return List.of(format, textFormat);
  }

  Configuration.Check check() {
    return new Configuration.Check(
        List.of(format, textFormat),
        values -> {
          boolean text = values.get(format) == LineStyle.TEXT;
          boolean empty = values.get(textFormat).isEmpty();
          if (text && empty) {
            return List.of(
                "%s = \"text\" needs %s, which is empty"
                    .formatted(format.name(), textFormat.name()));
          }
          return text || empty
              ? List.of()
              : List.of(
                  "%s has no effect with %s = \"%s\"; set that to text"
                      .formatted(textFormat.name(), format.name(), values.get(format).label()));
        });
  }

  Lines lines(Configuration values, String hostName) {
    return new Lines(values.get(format), values.get(textFormat), hostName);
  }
}
