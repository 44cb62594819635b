// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import java.io.IOException;
import java.io.InputStream;

/**
 * Reads a DeltaDiscoveryResponse resource by resource. The first one holds everything that the
 * control plane knows: as one object it would need several times the memory that is kept of it.
 */
final class ResponseReader {
  /** A larger resource is skipped; an address with thousands of services has some 100 KiB. */
  static final int MOST_RESOURCE_BYTES = 1 << 20;

  private static final int BUFFER_BYTES = 1 << 15;

  /** What is not part of a resource. */
  record Envelope(String typeUrl, String nonce) {}

  /** Takes what is read, in the order of the message. */
  interface Visitor {
    void resource(Resource resource);

    /** One that cannot be told by name. */
    void damaged(String reason);

    void removed(String name);
  }

  /**
   * Reads to the end.
   *
   * @throws IOException when the message itself is damaged: what follows cannot be found
   */
  static Envelope read(InputStream body, Visitor visitor) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(body, BUFFER_BYTES);
    String typeUrl = "";
    String nonce = "";
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int field = WireFormat.getTagFieldNumber(tag);
      if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
        in.skipField(tag);
        continue;
      }
      switch (field) {
        case DeltaDiscoveryResponse.RESOURCES_FIELD_NUMBER -> resource(in, visitor);
        case DeltaDiscoveryResponse.REMOVED_RESOURCES_FIELD_NUMBER ->
            visitor.removed(in.readStringRequireUtf8());
        case DeltaDiscoveryResponse.TYPE_URL_FIELD_NUMBER -> typeUrl = in.readStringRequireUtf8();
        case DeltaDiscoveryResponse.NONCE_FIELD_NUMBER -> nonce = in.readStringRequireUtf8();
        default -> in.skipField(tag);
      }
    }
    return new Envelope(typeUrl, nonce);
  }

  private static void resource(CodedInputStream in, Visitor visitor) throws IOException {
    int bytes = in.readRawVarint32();
    if (bytes > MOST_RESOURCE_BYTES) {
      in.skipRawBytes(bytes);
      visitor.damaged(
          "a resource has %d bytes, more than %d".formatted(bytes, MOST_RESOURCE_BYTES));
      return;
    }
    if (bytes < 0) {
      throw new InvalidProtocolBufferException("a resource has a negative size");
    }
    byte[] content = in.readRawBytes(bytes);
    Resource resource;
    try {
      resource = Resource.parseFrom(content);
    } catch (InvalidProtocolBufferException e) {
      visitor.damaged("a resource cannot be decoded: " + e.getMessage());
      return;
    }
    visitor.resource(resource);
  }

  private ResponseReader() {}
}
