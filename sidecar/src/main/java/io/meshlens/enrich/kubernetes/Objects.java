// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The known objects of one kind. Owned by: identity-kubernetes.
 *
 * @param <T> what is known of one
 */
final class Objects<T extends Objects.Known> {
  /** An object of which it is noted in which list it was found last. */
  abstract static class Known {
    private int listing;
  }

  private final Map<String, Map<String, T>> byNamespace = new HashMap<>();
  private int listing;

  void beginList() {
    listing++;
  }

  /** Forgets what the list did not hold. */
  void endList(Consumer<T> onGone) {
    List<T> gone = new ArrayList<>();
    for (Map<String, T> byName : byNamespace.values()) {
      byName
          .values()
          .removeIf(
              known -> {
                boolean isOld = ((Known) known).listing != listing;
                if (isOld) {
                  gone.add(known);
                }
                return isOld;
              });
    }
    byNamespace.values().removeIf(Map::isEmpty);
    gone.forEach(onGone);
  }

  @Nullable T get(String namespace, String name) {
    Map<String, T> byName = byNamespace.get(namespace);
    return byName == null ? null : byName.get(name);
  }

  void put(String namespace, String name, T known) {
    ((Known) known).listing = listing;
    byNamespace.computeIfAbsent(namespace, n -> new HashMap<>()).put(name, known);
  }

  @Nullable T remove(String namespace, String name) {
    Map<String, T> byName = byNamespace.get(namespace);
    T removed = byName == null ? null : byName.remove(name);
    if (byName != null && byName.isEmpty()) {
      byNamespace.remove(namespace);
    }
    return removed;
  }

  void forEach(Consumer<T> each) {
    byNamespace.values().forEach(byName -> byName.values().forEach(each));
  }
}
