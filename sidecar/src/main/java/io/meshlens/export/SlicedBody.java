// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.net.http.HttpRequest.BodyPublisher;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The body of an HTTP request, given out in slices of its array. The JDK's own publisher copies it
 * into pieces of 16 KiB, each of which goes through two threads, which is much of what a large
 * request costs.
 *
 * @param bytes nobody changes them any more
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record SlicedBody(byte[] bytes) implements BodyPublisher {
  /** The JDK copies a slice at each attempt to write it, into memory that it keeps. */
  static final int SLICE_BYTES = 256 << 10;

  @Override
  public long contentLength() {
    return bytes.length;
  }

  @Override
  public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
    subscriber.onSubscribe(new Slices(subscriber));
  }

  private final class Slices implements Subscription {
    private final Subscriber<? super ByteBuffer> subscriber;

    /** Slices that are wanted; whoever asks for the first of them gives all out. */
    private final AtomicLong wanted = new AtomicLong();

    private int given;
    private volatile boolean over;

    private Slices(Subscriber<? super ByteBuffer> subscriber) {
      this.subscriber = subscriber;
    }

    @Override
    public void request(long slices) {
      if (slices <= 0) {
        over = true;
        subscriber.onError(new IllegalArgumentException("request of " + slices));
      } else if (wanted.getAndAdd(slices) == 0) {
        while (!over) {
          giveOne();
          if (wanted.decrementAndGet() == 0) {
            return;
          }
        }
      }
    }

    private void giveOne() {
      int length = Math.min(SLICE_BYTES, bytes.length - given);
      ByteBuffer slice = ByteBuffer.wrap(bytes, given, length).asReadOnlyBuffer();
      given += length;
      over = given == bytes.length;
      subscriber.onNext(slice);
      if (given == bytes.length) {
        subscriber.onComplete();
      }
    }

    @Override
    public void cancel() {
      over = true;
    }
  }
}
