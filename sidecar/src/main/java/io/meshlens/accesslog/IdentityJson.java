// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.flow.Identity;
import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Identities as JSON keys, encoded once and kept: the same object comes with every connection of a
 * workload.
 *
 * <p>Owned by: ring-reader.
 */
final class IdentityJson {
  /** What does not fit is left out, key by key; names of Kubernetes always fit. */
  static final int MAX_BYTES = 4096;

  private static final int KEPT = 4096;

  /** Where one may be kept. */
  private static final int PLACES = 8;

  private static final class Encoded {
    final Identity identity;
    final byte[] bytes;

    Encoded(Identity identity) {
      this.identity = identity;
      bytes = encode(identity);
    }
  }

  private final @Nullable Encoded[] kept = new Encoded[KEPT];
  private int nextTaken;

  /** Writes the keys that are known, each with a comma in front; returns the index behind. */
  int write(Identity identity, byte[] out, int at) {
    if (identity.isUnknown()) {
      return at;
    }
    Encoded encoded = encoded(identity);
    byte[] bytes = encoded.bytes;
    // Nothing is in front of it when the address is unknown.
    int skipped = bytes.length != 0 && out[at - 1] == '{' ? 1 : 0;
    System.arraycopy(bytes, skipped, out, at, bytes.length - skipped);
    return at + bytes.length - skipped;
  }

  /** Looks in a few places; when all are taken, one after the other is taken from its owner. */
  @SuppressWarnings("ReferenceEquality") // an equal one is encoded again, which is only slower
  private Encoded encoded(Identity identity) {
    int hash = System.identityHashCode(identity);
    int first = hash ^ hash >>> 12;
    for (int i = 0; i < PLACES; i++) {
      Encoded found = kept[first + i & KEPT - 1];
      if (found != null && found.identity == identity) {
        return found;
      }
      if (found == null) {
        return keep(first + i, identity);
      }
    }
    return keep(first + (nextTaken++ & PLACES - 1), identity);
  }

  private Encoded keep(int place, Identity identity) {
    Encoded encoded = new Encoded(identity);
    kept[place & KEPT - 1] = encoded;
    return encoded;
  }

  private static byte[] encode(Identity identity) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    put(out, "workload", identity.workload());
    put(out, "workload_kind", identity.workloadKind());
    put(out, "namespace", identity.namespace());
    put(out, "pod", identity.pod());
    put(out, "container", identity.container());
    put(out, "service", identity.service());
    put(out, "service_namespace", identity.serviceNamespace());
    put(out, "node", identity.node());
    put(out, "cluster", identity.cluster());
    put(out, "network", identity.network());
    put(out, "app", identity.app());
    put(out, "version", identity.version());
    put(out, "service_account", identity.serviceAccount());
    return out.toByteArray();
  }

  private static void put(ByteArrayOutputStream out, String key, String value) {
    if (value.isEmpty()) {
      return;
    }
    byte[] pair = (",\"" + key + "\":\"" + JsonText.escaped(value) + "\"").getBytes(UTF_8);
    if (out.size() + pair.length <= MAX_BYTES) {
      out.writeBytes(pair);
    }
  }
}
