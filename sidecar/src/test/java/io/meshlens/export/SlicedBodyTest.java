// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The JDK's client as a subscriber is in OtlpTransportTest. */
final class SlicedBodyTest {
  private static final int SLICES = 3;

  /** Asks for some slices at a time, from within the call that brings one. */
  private static final class Reader implements Subscriber<ByteBuffer> {
    private final long atOnce;
    private final int most;
    private final ByteArrayOutputStream read = new ByteArrayOutputStream();
    private @Nullable Subscription subscription;
    private int slices;
    private int completions;
    private int errors;

    private Reader(long atOnce, int most) {
      this.atOnce = atOnce;
      this.most = most;
    }

    @Override
    public void onSubscribe(Subscription given) {
      subscription = given;
      given.request(atOnce);
    }

    @Override
    public void onNext(ByteBuffer slice) {
      slices++;
      byte[] bytes = new byte[slice.remaining()];
      slice.get(bytes);
      read.writeBytes(bytes);
      Subscription mine = Objects.requireNonNull(subscription);
      if (slices == most) {
        mine.cancel();
      } else {
        mine.request(atOnce);
      }
    }

    @Override
    public void onError(Throwable cause) {
      errors++;
    }

    @Override
    public void onComplete() {
      completions++;
    }
  }

  private static byte[] body() {
    byte[] body = new byte[(SLICES - 1) * SlicedBody.SLICE_BYTES + 1009];
    new Random(7).nextBytes(body);
    return body;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, Long.MAX_VALUE / 8})
  void allBytesComeOnceAndInOrderHoweverManySlicesAreWantedAtOnce(long atOnce) {
    byte[] body = body();
    Reader reader = new Reader(atOnce, Integer.MAX_VALUE);
    SlicedBody sliced = new SlicedBody(body);
    sliced.subscribe(reader);

    assertThat(sliced.contentLength()).isEqualTo(body.length);
    assertThat(reader.read.toByteArray()).isEqualTo(body);
    assertThat(reader.slices).isEqualTo(SLICES);
    assertThat(reader.completions).isEqualTo(1);
    assertThat(reader.errors).isZero();
  }

  @Test
  void nothingComesAfterACancellation() {
    Reader reader = new Reader(5, 2);
    new SlicedBody(body()).subscribe(reader);

    assertThat(reader.slices).isEqualTo(2);
    assertThat(reader.completions).isZero();
  }

  @Test
  void aRequestOfNoSliceIsAnError() {
    Reader reader = new Reader(0, 2);
    new SlicedBody(body()).subscribe(reader);

    assertThat(reader.errors).isEqualTo(1);
    assertThat(reader.slices).isZero();
  }
}
