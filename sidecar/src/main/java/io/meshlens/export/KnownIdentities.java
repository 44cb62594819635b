// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.flow.Identity;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Identities in the encoding of access log entries. The same few occur again and again, so what was
 * encoded is kept, in a table of fixed size where a newcomer takes the place of another at last.
 * Owned by: one thread.
 */
final class KnownIdentities {
  /** A power of two; an entry is some two kilobytes. */
  private static final int SIZE = 1024;

  /** Places where an identity may be, from that of its hash on. */
  private static final int PLACES = 8;

  private static final int TEXTS_BYTES = 512;

  /** An identity as each part of an entry needs it; nobody changes the arrays. */
  static final class Encoded {
    private final Identity identity;

    /** Custom tags when it is the client's. */
    final byte[] sourceTags;

    /** Custom tags when it is the server's. */
    final byte[] destinationTags;

    /** The field {@code source} of the metadata. */
    final byte[] sourceFields;

    /** The field {@code destination}. */
    final byte[] destinationFields;

    /** UTF-8; empty when unknown. */
    final byte[] serviceHost;

    Encoded(Identity identity) {
      this.identity = identity;
      byte[] fields = encoded(out -> writeFields(identity, out));
      sourceTags = encoded(out -> writeTags("source_", identity, out));
      destinationTags = encoded(out -> writeDestinationTags(identity, out));
      sourceFields = named("source", fields);
      destinationFields = named("destination", fields);
      serviceHost = identity.serviceHost().getBytes(UTF_8);
    }
  }

  private static final Encoded UNKNOWN = new Encoded(Identity.UNKNOWN);

  private final Encoded[] table = new Encoded[SIZE];
  private int newcomers;

  KnownIdentities() {
    Arrays.fill(table, UNKNOWN);
  }

  /** By instance, because comparing sixteen texts would cost more than the rest of an entry. */
  @SuppressWarnings("ReferenceEquality")
  Encoded of(Identity identity) {
    if (identity == Identity.UNKNOWN) {
      return UNKNOWN;
    }
    int hash = System.identityHashCode(identity);
    int first = hash ^ (hash >>> 16);
    for (int place = 0; place < PLACES; place++) {
      Encoded found = table[(first + place) & (SIZE - 1)];
      if (found.identity == identity) {
        return found;
      }
    }
    return remember(identity, first);
  }

  private Encoded remember(Identity identity, int first) {
    Encoded encoded = new Encoded(identity);
    for (int place = 0; place < PLACES; place++) {
      int index = (first + place) & (SIZE - 1);
      if (table[index] == UNKNOWN) {
        table[index] = encoded;
        return encoded;
      }
    }
    table[(first + (newcomers++ & (PLACES - 1))) & (SIZE - 1)] = encoded;
    return encoded;
  }

  private static byte[] named(String name, byte[] fields) {
    return fields.length == 0 ? fields : encoded(out -> AlsExtras.struct(name, fields, out));
  }

  private static byte[] encoded(Consumer<ProtoBytes> part) {
    ProtoBytes out = new ProtoBytes(TEXTS_BYTES);
    part.accept(out);
    return out.toByteArray();
  }

  /** Names are those of the labels of Istio's standard metrics. */
  private static void writeTags(String prefix, Identity identity, ProtoBytes out) {
    AlsExtras.tagged(prefix + "workload", identity.workload(), out);
    AlsExtras.tagged(prefix + "workload_namespace", identity.namespace(), out);
    AlsExtras.tagged(prefix + "canonical_service", identity.app(), out);
    AlsExtras.tagged(prefix + "canonical_revision", identity.version(), out);
    AlsExtras.tagged(prefix + "cluster", identity.cluster(), out);
  }

  private static void writeDestinationTags(Identity identity, ProtoBytes out) {
    writeTags("destination_", identity, out);
    AlsExtras.tagged("destination_service", identity.serviceHost(), out);
    AlsExtras.tagged("destination_service_name", identity.service(), out);
    AlsExtras.tagged("destination_service_namespace", identity.serviceNamespace(), out);
  }

  private static void writeFields(Identity identity, ProtoBytes out) {
    AlsExtras.text("cluster", identity.cluster(), out);
    AlsExtras.text("network", identity.network(), out);
    AlsExtras.text("node", identity.node(), out);
    AlsExtras.text("namespace", identity.namespace(), out);
    AlsExtras.text("workload", identity.workload(), out);
    AlsExtras.text("workload_kind", identity.workloadKind(), out);
    AlsExtras.text("pod", identity.pod(), out);
    AlsExtras.text("container", identity.container(), out);
    AlsExtras.text("service", identity.service(), out);
    AlsExtras.text("service_namespace", identity.serviceNamespace(), out);
    AlsExtras.text("service_host", identity.serviceHost(), out);
    AlsExtras.text("app", identity.app(), out);
    AlsExtras.text("version", identity.version(), out);
    AlsExtras.text("service_account", identity.serviceAccount(), out);
    AlsExtras.text("trust_domain", identity.trustDomain(), out);
    AlsExtras.text("identity_source", identity.source(), out);
  }
}
