// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Optional;

/** The sentence in the {@code Status} object that tells of a failure. */
final class StatusMessage {
  private static final JsonFactory JSON = new JsonFactory();

  private StatusMessage() {}

  static Optional<String> of(String text) {
    try (JsonParser parser = JSON.createParser(text)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return Optional.empty();
      }
      for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
        if (key.equals("message")) {
          return Optional.ofNullable(parser.nextTextValue());
        }
        parser.nextToken();
        parser.skipChildren();
      }
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
