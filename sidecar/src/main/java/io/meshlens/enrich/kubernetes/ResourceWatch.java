// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import com.fasterxml.jackson.core.JacksonException;
import io.meshlens.enrich.Pauses;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.random.RandomGenerator;

/**
 * Lists one kind of object, then watches it, for ever. A watch that breaks is resumed where it was;
 * when the server does not remember that far back, or what it says makes no sense, the list is read
 * anew. What is known meanwhile stays in force.
 *
 * <p>Owned by: its thread, identity-kubernetes-KIND, which ends when it is interrupted.
 */
final class ResourceWatch implements Runnable {
  private static final int PAGE_OBJECTS = 500;

  /** Also lets the server forget what this one watches when it is gone. */
  private static final int LEAST_WATCH_SECONDS = 240;

  private static final int MOST_WATCH_SECONDS = 480;

  private final Resource resource;
  private final ApiConnection api;
  private final BlockingQueue<Change> changes;
  private final KubernetesConfig config;
  private final Readiness readiness;
  private final Vitals vitals;
  private final Log log;
  private final RandomGenerator random;
  private final Pauses pauses;
  private final ObjectStream objects;
  private final Sink sink = new Sink();

  /** Index of the API version that the server has. */
  private int version;

  /** Where to watch from; empty when a list has to come first. */
  private String resourceVersion = "";

  /** The first list may be a little old, which costs the server least. */
  private String listFrom = "0";

  ResourceWatch(
      Resource resource,
      ApiConnection api,
      BlockingQueue<Change> changes,
      KubernetesConfig config,
      Readiness readiness,
      Vitals vitals,
      Log log,
      RandomGenerator random) {
    this.resource = resource;
    this.api = api;
    this.changes = changes;
    this.config = config;
    this.readiness = readiness;
    this.vitals = vitals;
    this.log = log;
    this.random = random;
    pauses = new Pauses(config.retryFirst(), config.retryLongest(), random);
    objects = new ObjectStream(resource, vitals);
  }

  /** What is found, on its way to identity-kubernetes; waits when that is busy. */
  private final class Sink implements ObjectStream.Sink {
    @Override
    public void found(Seen object) throws IOException {
      say(new Change.Found(resource, object));
    }

    @Override
    public void gone(Seen object) throws IOException {
      say(new Change.Gone(resource, object.namespace(), object.name()));
    }

    void say(Change change) throws IOException {
      try {
        changes.put(change);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("ending", e);
      }
    }
  }

  @Override
  public void run() {
    note("is not read yet");
    while (!Thread.currentThread().isInterrupted()) {
      Duration pause = round();
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** One list, or one watch; how long to wait before the next. */
  private Duration round() {
    try {
      if (resourceVersion.isEmpty()) {
        list();
        readiness.clearNote(noteSubject());
        return Duration.ZERO;
      }
      boolean isLively = watch();
      if (isLively) {
        pauses.reset();
        return Duration.ZERO;
      }
      return pauses.next();
    } catch (ApiFailure e) {
      return failed(e);
    } catch (JacksonException e) {
      relist();
      return failed(Vital.KUBERNETES_FAILED_GARBLED, "what it answers is garbled: " + first(e));
    } catch (SocketTimeoutException e) {
      return failed(Vital.KUBERNETES_FAILED_SILENT, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      return failed(Vital.KUBERNETES_FAILED_OTHER, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      relist();
      log.error("looking at " + resource.plural() + " failed", e);
      return failed(Vital.KUBERNETES_FAILED_OTHER, e.toString());
    }
  }

  private static String first(JacksonException e) {
    return e.getOriginalMessage();
  }

  private void list() throws IOException {
    sink.say(new Change.ListBegun(resource));
    String continuation = "";
    String since;
    do {
      String query =
          "?limit="
              + PAGE_OBJECTS
              + (continuation.isEmpty()
                  ? listFrom.isEmpty() ? "" : "&resourceVersion=" + listFrom
                  : "&continue=" + encoded(continuation));
      try (InputStream body = get(query, resource.accepted(), config.idle())) {
        ObjectStream.ListEnd end = objects.readList(body, sink);
        continuation = end.continuation();
        since = end.resourceVersion();
      }
    } while (!continuation.isEmpty());
    sink.say(new Change.ListEnded(resource));
    resourceVersion = since;
  }

  /** Returns when the server ends it; whether anything came. */
  private boolean watch() throws IOException {
    int seconds = random.nextInt(LEAST_WATCH_SECONDS, MOST_WATCH_SECONDS);
    String query =
        "?watch=1&allowWatchBookmarks=true&timeoutSeconds=%d&resourceVersion=%s"
            .formatted(seconds, encoded(resourceVersion));
    try (InputStream body = get(query, resource.acceptedByWatch(), config.watchIdle())) {
      // Before the first event, which may be a minute away.
      readiness.clearNote(noteSubject());
      return follow(body);
    }
  }

  private boolean follow(InputStream body) throws IOException {
    boolean isLively = false;
    try (ObjectStream.Events events = objects.new Events(body)) {
      while (true) {
        String now = events.next(sink);
        if (now == null) {
          return isLively;
        }
        if (!now.isEmpty()) {
          resourceVersion = now;
        }
        isLively = true;
        pauses.reset();
      }
    }
  }

  private InputStream get(String query, String accept, Duration idle) throws IOException {
    return api.get(resource.path(resource.versions().get(version)) + query, accept, idle);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private void relist() {
    resourceVersion = "";
    listFrom = "";
  }

  private Duration failed(ApiFailure e) {
    return switch (e.code()) {
      case ApiFailure.GONE -> {
        relist();
        vitals.increment(Vital.KUBERNETES_FAILED_EXPIRED);
        yield pauses.next(); // how it is meant to be: nothing to say
      }
      case ApiFailure.FORBIDDEN -> {
        tell(Vital.KUBERNETES_FAILED_REFUSED, missingRule() + " (" + e.getMessage() + ")");
        yield pauses.longest();
      }
      case ApiFailure.UNAUTHORIZED ->
          failed(
              Vital.KUBERNETES_FAILED_UNAUTHORIZED,
              "it does not accept the token of this account (" + e.getMessage() + ")");
      case ApiFailure.NOT_FOUND -> olderVersion();
      default -> failed(Vital.KUBERNETES_FAILED_OTHER, String.valueOf(e.getMessage()));
    };
  }

  private Duration olderVersion() {
    relist();
    version = (version + 1) % resource.versions().size();
    return version != 0
        ? Duration.ZERO
        : failed(Vital.KUBERNETES_FAILED_OTHER, "it has none of " + resource.versions());
  }

  private Duration failed(Vital cause, String why) {
    tell(cause, why);
    return pauses.next();
  }

  private void tell(Vital cause, String why) {
    if (Thread.currentThread().isInterrupted()) {
      return; // ending
    }
    vitals.increment(cause);
    String message = "cannot be read: " + why;
    note(message);
    log.warnRepeated(
        "kubernetes-" + resource.plural(),
        "Kubernetes API at %s: %s %s".formatted(api.server(), resource.plural(), message));
  }

  private String missingRule() {
    return "this account lacks the permission; add to its ClusterRole the rule"
        + " {apiGroups: [\"%s\"], resources: [\"%s\"], verbs: [\"get\", \"list\", \"watch\"]}"
            .formatted(resource.group(), resource.plural());
  }

  private String noteSubject() {
    return "kubernetes " + resource.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private void note(String remark) {
    readiness.note(noteSubject(), remark);
  }
}
