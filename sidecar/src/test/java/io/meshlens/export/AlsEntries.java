// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.protobuf.InvalidProtocolBufferException;
import io.envoyproxy.envoy.data.accesslog.v3.TCPAccessLogEntry;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;

/** Entries alone, as the generated classes read them. */
record AlsEntries(AlsMapping mapping) {
  static AlsEntries of(ConnectionIds ids) {
    return new AlsEntries(new AlsMapping(ids));
  }

  byte[] encode(Connection c) {
    ProtoBytes out = new ProtoBytes(2048);
    mapping.write(c, out);
    return out.toByteArray();
  }

  TCPAccessLogEntry entry(Connection c) {
    try {
      return TCPAccessLogEntry.parseFrom(encode(c));
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError("an entry of ours cannot be read", e);
    }
  }
}
