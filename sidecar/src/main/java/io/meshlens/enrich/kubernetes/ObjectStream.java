// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads the answers to a list and to a watch, object by object. Owned by: one thread. */
final class ObjectStream {
  /** Takes what is found. */
  interface Sink {
    void found(Seen object) throws IOException;

    void gone(Seen object) throws IOException;
  }

  /**
   * What a list says of itself.
   *
   * @param continuation asks for the rest; empty when there is none
   */
  record ListEnd(String resourceVersion, String continuation) {}

  private static final JsonFactory JSON = new JsonFactory();

  private final Resource resource;
  private final Vitals vitals;

  ObjectStream(Resource resource, Vitals vitals) {
    this.resource = resource;
    this.vitals = vitals;
  }

  /**
   * Reads a list to its end.
   *
   * @throws JsonParseException when it is not a whole list
   */
  ListEnd readList(InputStream body, Sink sink) throws IOException {
    String[] end = {"", ""};
    boolean[] hasItems = {false};
    try (JsonParser parser = JSON.createParser(body)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new JsonParseException(parser, "not a list of objects");
      }
      JsonFields fields = new JsonFields(parser);
      ObjectReader objects = new ObjectReader(resource, fields);
      fields.object(
          part -> {
            switch (part) {
              case "metadata" -> readListMetadata(fields, end);
              case "items" -> {
                hasItems[0] =
                    fields.current() == JsonToken.START_ARRAY
                        || fields.current() == JsonToken.VALUE_NULL;
                fields.list(() -> accept(objects.read(), sink));
              }
              default -> {}
            }
          });
      if (!hasItems[0] || end[0].isEmpty()) {
        throw new JsonParseException(parser, "a list without items or version");
      }
    }
    return new ListEnd(end[0], end[1]);
  }

  private static void readListMetadata(JsonFields fields, String[] end) throws IOException {
    fields.object(
        field -> {
          switch (field) {
            case "resourceVersion" -> end[0] = fields.text();
            case "continue" -> end[1] = fields.text();
            default -> {}
          }
        });
  }

  private void accept(Optional<Seen> object, Sink sink) throws IOException {
    if (object.isPresent()) {
      sink.found(object.get());
    } else {
      vitals.increment(Vital.KUBERNETES_OBJECTS_REJECTED);
    }
  }

  /** A watch, event by event. */
  final class Events implements AutoCloseable {
    private final JsonParser parser;
    private final JsonFields fields;
    private final ObjectReader objects;

    Events(InputStream body) throws IOException {
      parser = JSON.createParser(body);
      fields = new JsonFields(parser);
      objects = new ObjectReader(resource, fields);
    }

    /**
     * Waits for the next event.
     *
     * @return the version that the cluster has after it; null at the end of the watch
     * @throws ApiFailure when the event is an error
     */
    @Nullable String next(Sink sink) throws IOException {
      JsonToken token = parser.nextToken();
      if (token == null) {
        return null;
      }
      if (token != JsonToken.START_OBJECT) {
        throw new JsonParseException(parser, "not an event");
      }
      String[] type = {""};
      fields.object(
          part -> {
            switch (part) {
              case "type" -> type[0] = fields.text();
              case "object" -> readObject(type[0], sink);
              default -> {}
            }
          });
      return objects.resourceVersion();
    }

    private void readObject(String type, Sink sink) throws IOException {
      switch (type) {
        case "ADDED", "MODIFIED" -> accept(objects.read(), sink);
        case "DELETED" -> {
          Optional<Seen> gone = objects.read();
          if (gone.isPresent()) {
            sink.gone(gone.get());
          } else {
            vitals.increment(Vital.KUBERNETES_OBJECTS_REJECTED);
          }
        }
        case "BOOKMARK" -> objects.read();
        case "ERROR" -> throw failure();
        default -> throw new JsonParseException(parser, "an event of unknown type " + type);
      }
    }

    private ApiFailure failure() throws IOException {
      String[] message = {""};
      int[] code = {0};
      fields.object(
          field -> {
            switch (field) {
              case "message" -> message[0] = fields.text();
              case "code" -> code[0] = fields.number();
              default -> {}
            }
          });
      return new ApiFailure(code[0], code[0] + ", " + message[0]);
    }

    @Override
    public void close() throws IOException {
      parser.close();
    }
  }
}
