// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.meshlens.enrich.AddressClaims;
import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Every resource that the control plane has told and not taken back, by its name: what is sent
 * again as known after a reconnect, and who has which address. Owned by: identity-istio; {@link
 * #levels} is for any thread.
 */
final class WorkloadTable {
  /** How much there is, as of the last commit. */
  record Levels(
      int resources, int addresses, int foreign, int shared, int ambiguous, int disputed) {
    static final Levels NONE = new Levels(0, 0, 0, 0, 0, 0);
  }

  /**
   * Characters of a resource on average, more than twice what Istio's have: together no more than
   * that for each of the resources that may be kept, so that long ones do not fill the heap.
   */
  private static final long CHARS_OF_A_RESOURCE = 640;

  /** What is kept for an address, as if it were text. */
  private static final int CHARS_OF_AN_ADDRESS = 64;

  private final int maxResources;
  private final AddressClaims out;
  private final AddressBook book;
  private final Map<String, Held> resources = new HashMap<>();

  /** By NAMESPACE/HOSTNAME. */
  private final Map<String, Held> services = new HashMap<>();

  /** Workloads that have one service, by its key. */
  private final Map<String, Set<Held>> members = new HashMap<>();

  private long response;
  private long chars;
  private int foreign;
  private int shared;
  private int ambiguous;
  private volatile Levels levels = Levels.NONE;

  WorkloadTable(int maxResources, AddressClaims out) {
    this.maxResources = maxResources;
    this.out = out;
    book = new AddressBook(out);
  }

  /** What follows, until the commit, is told at once. */
  void beginResponse() {
    response++;
  }

  /**
   * Takes a resource, in place of the one of that name, if any.
   *
   * @throws Refusal when it cannot be; then that one stays
   */
  void tell(String name, String version, Told told) throws Refusal {
    if (name.isEmpty()) {
      throw new Refusal(Vital.ISTIO_REFUSED_NAME, "it has no name");
    }
    if (name.length() > ResourceReader.LONGEST_NAME_CHARS
        || version.length() > ResourceReader.LONGEST_NAME_CHARS) {
      throw new Refusal(Vital.ISTIO_REFUSED_TEXT, "its name or version is too long");
    }
    Held before = resources.get(name);
    if (before != null && before.toldIn == response) {
      throw new Refusal(Vital.ISTIO_REFUSED_NAME, "another of its name is in the same response");
    }
    if (before == null && resources.size() >= maxResources) {
      throw new Refusal(Vital.ISTIO_REFUSED_LIMIT, "there are " + maxResources + " already");
    }
    long after = chars(name, version, told);
    long more = after - (before == null ? 0 : before.chars);
    if (more > 0 && chars + more > maxResources * CHARS_OF_A_RESOURCE) {
      throw new Refusal(
          Vital.ISTIO_REFUSED_LIMIT, "all together have " + chars + " characters already");
    }
    switch (told) {
      case Told.Workload workload -> tell(name, version, workload, before);
      case Told.Service service -> tell(name, version, service, before);
    }
  }

  private static int chars(String name, String version, Told told) {
    Identity i = told.identity();
    int texts = i.cluster().length() + i.network().length() + i.node().length();
    texts += i.namespace().length() + i.workload().length() + i.pod().length();
    texts += i.service().length() + i.serviceNamespace().length() + i.serviceHost().length();
    texts += i.app().length() + i.version().length();
    texts += i.serviceAccount().length() + i.trustDomain().length();
    return name.length() + version.length() + texts + CHARS_OF_AN_ADDRESS * told.addresses().size();
  }

  /** Keeps the account of what is kept. */
  private void weigh(Held held, int after) {
    chars += after - held.chars;
    held.chars = after;
  }

  private void tell(String name, String version, Told.Workload told, @Nullable Held before) {
    Identity identity = withService(told.identity(), told.serviceKey());
    Told.Workload whole =
        new Told.Workload(identity, told.addresses(), told.unclaimed(), told.serviceKey());
    put(name, Held.Kind.WORKLOAD, told.serviceKey(), version, whole, before);
  }

  private void tell(String name, String version, Told.Service told, @Nullable Held before)
      throws Refusal {
    Held sameKey = services.get(told.key());
    if (sameKey != null && sameKey != before) {
      throw new Refusal(
          Vital.ISTIO_REFUSED_NAME,
          "it is the service %s, as %s is".formatted(told.key(), Shown.text(sameKey.name)));
    }
    put(name, Held.Kind.SERVICE, told.key(), version, told, before);
    followService(told.key());
  }

  private void put(
      String name,
      Held.Kind kind,
      String serviceKey,
      String version,
      Told told,
      @Nullable Held before) {
    if (before != null && before.kind == kind && isSameService(before, serviceKey)) {
      change(before, serviceKey, version, told);
      return;
    }
    if (before != null) {
      drop(before);
    }
    Held held = new Held(name, kind, serviceKey, version, response, told);
    resources.put(name, held);
    weigh(held, chars(name, version, told));
    switch (kind) {
      case SERVICE -> services.put(serviceKey, held);
      case WORKLOAD -> join(held);
    }
    count(held.unclaimed, 1);
    held.addresses.forEach(address -> book.claim(address, held, response));
  }

  /** A workload may go from one service to another; what is another service is another resource. */
  private static boolean isSameService(Held before, String serviceKey) {
    return before.kind == Held.Kind.WORKLOAD || before.serviceKey.equals(serviceKey);
  }

  private void change(Held held, String serviceKey, String version, Told told) {
    weigh(held, chars(held.name, version, told));
    held.version = version;
    held.toldIn = response;
    if (!held.serviceKey.equals(serviceKey)) {
      leave(held);
      held.serviceKey = serviceKey;
      join(held);
    }
    boolean renamed = !held.identity.equals(told.identity());
    if (renamed) {
      held.identity = told.identity();
    }
    count(held.unclaimed, -1);
    held.unclaimed = told.unclaimed();
    count(held.unclaimed, 1);
    Set<Address> before = new HashSet<>(held.addresses);
    Set<Address> after = new HashSet<>(told.addresses());
    held.addresses = told.addresses();
    for (Address address : before) {
      if (!after.contains(address)) {
        book.release(address, held);
      } else if (renamed) {
        book.renew(address, held);
      }
    }
    after.stream()
        .filter(address -> !before.contains(address))
        .forEach(address -> book.claim(address, held, response));
  }

  private void join(Held workload) {
    if (!workload.serviceKey.isEmpty()) {
      members.computeIfAbsent(workload.serviceKey, k -> new HashSet<>()).add(workload);
    }
  }

  private void leave(Held workload) {
    Set<Held> others = members.get(workload.serviceKey);
    if (others != null && others.remove(workload) && others.isEmpty()) {
      members.remove(workload.serviceKey);
    }
  }

  /**
   * Forgets a resource; one that is not known was never told, or was refused.
   *
   * @throws Refusal when the same response told it; it is forgotten
   */
  void remove(String name) throws Refusal {
    Held held = resources.get(name);
    if (held == null) {
      return;
    }
    drop(held);
    if (held.toldIn == response) {
      throw new Refusal(Vital.ISTIO_REFUSED_NAME, "the same response removes it");
    }
  }

  /** Forgets what this response has not told. */
  void keepOnlyTold() {
    resources.values().stream()
        .filter(held -> held.toldIn != response)
        .toList()
        .forEach(this::drop);
  }

  private void drop(Held held) {
    resources.remove(held.name);
    weigh(held, 0);
    count(held.unclaimed, -1);
    held.addresses.forEach(address -> book.release(address, held));
    switch (held.kind) {
      case SERVICE -> {
        services.remove(held.serviceKey);
        followService(held.serviceKey);
      }
      case WORKLOAD -> leave(held);
    }
  }

  /** Its workloads carry its name. */
  private void followService(String key) {
    for (Held member : members.getOrDefault(key, Set.of())) {
      Identity identity = withService(member.identity, key);
      if (!identity.equals(member.identity)) {
        member.identity = identity;
        member.addresses.forEach(address -> book.renew(address, member));
      }
    }
  }

  /** A service that is not told has no name; the key tells the rest. */
  private Identity withService(Identity workload, String key) {
    if (key.isEmpty()) {
      return workload;
    }
    Held service = services.get(key);
    if (service != null) {
      Identity its = service.identity;
      return workload.toBuilder()
          .service(its.service(), its.serviceNamespace(), its.serviceHost())
          .build();
    }
    int slash = key.indexOf('/');
    return workload.toBuilder()
        .service("", key.substring(0, slash), key.substring(slash + 1))
        .build();
  }

  private void count(Told.Unclaimed unclaimed, int sign) {
    foreign += sign * unclaimed.foreign();
    shared += sign * unclaimed.shared();
    ambiguous += sign * unclaimed.ambiguous();
  }

  /**
   * Makes it visible.
   *
   * @return addresses that several claim since this response, in words
   */
  List<String> commit() {
    out.commit();
    levels =
        new Levels(resources.size(), book.addresses(), foreign, shared, ambiguous, book.disputes());
    return new ArrayList<>(book.newDisputes());
  }

  /** Names and versions of all resources, for the next stream. */
  void forEachVersion(BiConsumer<String, String> visitor) {
    resources.values().forEach(held -> visitor.accept(held.name, held.version));
  }

  /** As of the last commit. Safe for any thread. */
  Levels levels() {
    return levels;
  }
}
