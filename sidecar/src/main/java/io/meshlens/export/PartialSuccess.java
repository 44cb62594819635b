// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;

/**
 * An encoded answer of an OTLP receiver to an export, of the same form for every signal: field 1 is
 * the partial success, of which field 1 is the number of what was rejected and field 2 a message.
 */
final class PartialSuccess {
  private static final int FIRST = 1;
  private static final int SECOND = 2;

  private PartialSuccess() {}

  /**
   * Reads it; unknown fields are skipped.
   *
   * @throws IOException when it is something else
   */
  static Answer.Accepted parse(byte[] response) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(response);
    Answer.Accepted read = new Answer.Accepted(0, "");
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (WireFormat.getTagFieldNumber(tag) == FIRST) {
        requireType(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
        read = partial(in.readBytes().newCodedInput());
      } else if (!in.skipField(tag)) {
        throw new IOException("a group ends that has not begun");
      }
    }
    return read;
  }

  private static Answer.Accepted partial(CodedInputStream in) throws IOException {
    long rejected = 0;
    String message = "";
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case FIRST -> {
          requireType(tag, WireFormat.WIRETYPE_VARINT);
          rejected = in.readInt64();
        }
        case SECOND -> {
          requireType(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
          message = in.readStringRequireUtf8();
        }
        default -> {
          if (!in.skipField(tag)) {
            throw new IOException("a group ends that has not begun");
          }
        }
      }
    }
    if (rejected < 0) {
      throw new IOException("a negative number of what was rejected");
    }
    return new Answer.Accepted(rejected, message);
  }

  private static void requireType(int tag, int type) throws IOException {
    if (WireFormat.getTagWireType(tag) != type) {
      throw new IOException("a field of another type");
    }
  }
}
