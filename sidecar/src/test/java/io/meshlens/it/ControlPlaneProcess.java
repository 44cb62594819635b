// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A control plane of another language: xds_server.py. */
final class ControlPlaneProcess implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ChildProcess process;
  private int commands;

  ControlPlaneProcess(String... options) throws IOException {
    List<String> arguments =
        new ArrayList<>(List.of(ChildProcess.protoDirectory(), ChildProcess.ownProtoDirectory()));
    arguments.addAll(List.of(options));
    process = ChildProcess.python("xds_server.py", arguments.toArray(String[]::new));
  }

  int port() throws InterruptedException {
    return ChildProcess.await(
            "the control plane to listen: " + process.err(),
            () -> messages().stream().filter(m -> m.has("port")).findFirst())
        .path("port")
        .asInt();
  }

  /** Obeyed when this returns: what is to be pushed is on its way. */
  void obey(String command) throws IOException, InterruptedException {
    int id = ++commands;
    process.tell("{\"id\": " + id + ", " + command.substring(1));
    ChildProcess.await(
        "the command to be obeyed: " + command + process.err(),
        () -> messages().stream().filter(m -> m.path("done").asInt(-1) == id).findFirst());
  }

  private List<JsonNode> messages() {
    return process.out().stream()
        .map(
            line -> {
              try {
                return JSON.readTree(line);
              } catch (IOException e) {
                throw new UncheckedIOException(line, e);
              }
            })
        .toList();
  }

  /** What a stream has asked so far. */
  List<JsonNode> requests(int stream) {
    return messages().stream()
        .filter(m -> m.path("stream").asInt() == stream && m.has("request"))
        .map(m -> m.path("request"))
        .toList();
  }

  JsonNode awaitRequest(int stream, int number) throws InterruptedException {
    return ChildProcess.await(
        "request %d of stream %d".formatted(number, stream),
        () ->
            Optional.of(requests(stream))
                .filter(r -> r.size() >= number)
                .map(r -> r.get(number - 1)));
  }

  /** What a stream began with. */
  JsonNode awaitStream(int stream) throws InterruptedException {
    return ChildProcess.await(
        "stream " + stream,
        () ->
            messages().stream()
                .filter(m -> m.path("stream").asInt() == stream && m.has("metadata"))
                .findFirst());
  }

  /** Whether the client has left a stream. */
  void awaitGone(int stream) throws InterruptedException {
    ChildProcess.await(
        "the end of stream " + stream,
        () ->
            messages().stream()
                .filter(m -> m.path("stream").asInt() == stream && m.has("gone"))
                .findFirst());
  }

  @Override
  public void close() {
    process.close();
  }
}
