// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which pods the services select, from their endpoint slices. Owned by: identity-kubernetes. */
final class ServiceMembers {
  /** Told of each pod whose services may be others now. */
  interface Listener {
    void changed(String namespace, String pod);
  }

  private static final class Slice extends Objects.Known {
    final String namespace;
    final String service;
    final List<String> pods;

    Slice(Seen.EndpointSlice seen) {
      namespace = seen.namespace();
      service = seen.service();
      pods = seen.pods();
    }
  }

  private static final Slice[] NONE = new Slice[0];

  private final Objects<Slice> slices = new Objects<>();

  /** By namespace and pod. */
  private final Map<String, Map<String, Slice[]>> byPod = new HashMap<>();

  void beginList() {
    slices.beginList();
  }

  void endList(Listener listener) {
    slices.endList(slice -> release(slice, listener));
  }

  void put(Seen.EndpointSlice seen, Listener listener) {
    Slice before = slices.get(seen.namespace(), seen.name());
    Slice now = new Slice(seen);
    slices.put(seen.namespace(), seen.name(), now);
    Set<String> changed = new LinkedHashSet<>(now.pods);
    if (before != null) {
      changed.addAll(before.pods);
      before.pods.forEach(pod -> unlink(before, pod));
    }
    if (!now.service.isEmpty()) {
      now.pods.forEach(pod -> link(now, pod));
    }
    changed.forEach(pod -> listener.changed(seen.namespace(), pod));
  }

  void remove(String namespace, String name, Listener listener) {
    Slice gone = slices.remove(namespace, name);
    if (gone != null) {
      release(gone, listener);
    }
  }

  private void release(Slice slice, Listener listener) {
    slice.pods.forEach(pod -> unlink(slice, pod));
    slice.pods.forEach(pod -> listener.changed(slice.namespace, pod));
  }

  private void link(Slice slice, String pod) {
    Map<String, Slice[]> pods = byPod.computeIfAbsent(slice.namespace, n -> new HashMap<>());
    Slice[] before = pods.getOrDefault(pod, NONE);
    Slice[] now = Arrays.copyOf(before, before.length + 1);
    now[before.length] = slice;
    pods.put(pod, now);
  }

  private void unlink(Slice slice, String pod) {
    Map<String, Slice[]> pods = byPod.getOrDefault(slice.namespace, Map.of());
    Slice[] left =
        Arrays.stream(pods.getOrDefault(pod, NONE)).filter(s -> s != slice).toArray(Slice[]::new);
    if (left.length != 0) {
      pods.put(pod, left);
    } else if (pods.containsKey(pod)) {
      pods.remove(pod);
      if (pods.isEmpty()) {
        byPod.remove(slice.namespace);
      }
    }
  }

  /** Empty when none or several select it. */
  String onlyServiceOf(String namespace, String pod) {
    String only = "";
    for (Slice slice : byPod.getOrDefault(namespace, Map.of()).getOrDefault(pod, NONE)) {
      if (!only.isEmpty() && !only.equals(slice.service)) {
        return "";
      }
      only = slice.service;
    }
    return only;
  }
}
