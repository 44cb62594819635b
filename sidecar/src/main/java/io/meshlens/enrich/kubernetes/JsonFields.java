// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.google.common.net.InetAddresses;
import io.meshlens.enrich.EpochNs;
import io.meshlens.flow.Address;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Steps through JSON and takes only values of the wanted type: another type counts as absent.
 *
 * <p>Texts that come again and again, such as namespaces and nodes, are one object each. Owned by:
 * one thread.
 */
final class JsonFields {
  /** Takes the value of one field; what it leaves is skipped. */
  interface Field {
    void read(String name) throws IOException;
  }

  /** Takes one element of a list; what it leaves is skipped. */
  interface Element {
    void read() throws IOException;
  }

  private static final int POOL_SLOTS = 4096;

  private final JsonParser parser;
  private final String[] pool = new String[POOL_SLOTS];

  JsonFields(JsonParser parser) {
    this.parser = parser;
  }

  /** Walks the fields of the object whose beginning is the current token. */
  void object(Field field) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      parser.skipChildren();
      return;
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      field.read(name);
      parser.skipChildren();
    }
  }

  /** Walks the list whose beginning is the current token. */
  void list(Element element) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      parser.skipChildren();
      return;
    }
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() == null) {
        throw new IOException("a list that does not end");
      }
      element.read();
      parser.skipChildren();
    }
  }

  /** The current value; empty when it is no text. */
  String text() throws IOException {
    return parser.currentToken() == JsonToken.VALUE_STRING ? parser.getText() : "";
  }

  /** The same for texts that many objects share. */
  String sharedText() throws IOException {
    String text = text();
    int slot = text.hashCode() & POOL_SLOTS - 1;
    if (text.equals(pool[slot])) {
      return pool[slot];
    }
    pool[slot] = text;
    return text;
  }

  /** The current value; 0 when it is no number that fits. */
  int number() throws IOException {
    return parser.currentToken() == JsonToken.VALUE_NUMBER_INT
            && parser.getNumberType() == JsonParser.NumberType.INT
        ? parser.getIntValue()
        : 0;
  }

  boolean isTrue() {
    return parser.currentToken() == JsonToken.VALUE_TRUE;
  }

  /** Nanoseconds since the epoch; 0 when it is no time. */
  long time() throws IOException {
    String text = text();
    if (text.isEmpty()) {
      return 0;
    }
    try {
      return EpochNs.of(Instant.parse(text));
    } catch (DateTimeParseException | ArithmeticException e) {
      return 0;
    }
  }

  /** Adds the current address, unless it is none that a connection between hosts can have. */
  void address(List<Address> addresses) throws IOException {
    String text = text();
    if (text.isEmpty() || !InetAddresses.isInetAddress(text)) {
      return;
    }
    InetAddress parsed = InetAddresses.forString(text);
    Address address = Address.of(parsed);
    if (!parsed.isLoopbackAddress()
        && !parsed.isAnyLocalAddress()
        && !parsed.isMulticastAddress()
        && !parsed.isLinkLocalAddress()
        && !addresses.contains(address)) {
      addresses.add(address);
    }
  }

  @Nullable JsonToken current() {
    return parser.currentToken();
  }
}
