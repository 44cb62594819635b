// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import com.google.common.net.InetAddresses;
import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsResponse;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.export.AlsAddress;
import io.meshlens.export.AlsConfig;
import io.meshlens.export.AlsNode;
import io.meshlens.export.AlsTransport;
import io.meshlens.export.Deliveries;
import io.meshlens.export.Delivery;
import io.meshlens.export.DeliveryConfig;
import io.meshlens.export.OtlpLogConfig;
import io.meshlens.export.OtlpReceiver;
import io.meshlens.export.TlsFiles;
import io.meshlens.kernel.ConnectionReader;
import io.meshlens.kernel.MonoClock;
import io.meshlens.spool.Overflow;
import io.meshlens.spool.SpoolConfig;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceGrpc;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Records for each second from the wire format to a receiver or a spool, for delivery.sh.
 *
 * <pre>
 * sink                        an access log service and OTLP receiver that takes everything; prints its port
 * als PORT [DIRECTORY]        ring, mapping, batches, spool, stream, confirmation
 * otlp PORT [DIRECTORY]       the same with requests in place of streams
 * spool DIRECTORY als|otlp    the same up to the spool; the receiver is away
 * </pre>
 */
public final class DeliveryRate {
  /** Until the compiler has hardly anything left to do. */
  private static final int WARM_UP_RECORDS = 3_000_000;

  private static final int RECORDS = 3_000_000;
  private static final int RING_BATCH = 2000;

  /** What a stream may carry is half of it: the next one fills while the last is confirmed. */
  private static final int MEMORY_BYTES = 16 << 20;

  /** Of the larger encoding. */
  private static final int RECORD_BYTES = 900;

  private final Vitals vitals = new Vitals();
  private final RecordedRing ring = new RecordedRing();
  private int next;

  private DeliveryRate() {}

  /** As above. */
  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "sink" -> sink();
      case "als", "otlp" -> {
        Optional<Path> directory =
            args.length > 2 ? Optional.of(Path.of(args[2])) : Optional.empty();
        new DeliveryRate().run(args[0], Integer.parseInt(args[1]), directory);
      }
      case "spool" -> new DeliveryRate().run(args[2], 0, Optional.of(Path.of(args[1])));
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try (stream) {
        stream.skipNBytes(stream.available());
        return new byte[0];
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static void sink() throws IOException, InterruptedException {
    MethodDescriptor<StreamAccessLogsMessage, StreamAccessLogsResponse> method =
        AccessLogServiceGrpc.getStreamAccessLogsMethod();
    MethodDescriptor<ExportLogsServiceRequest, ExportLogsServiceResponse> export =
        LogsServiceGrpc.getExportMethod();
    Server server =
        NettyServerBuilder.forAddress(
                new InetSocketAddress(InetAddresses.forString("127.0.0.1"), 0))
            .maxInboundMessageSize(16 << 20)
            .addService(
                ServerServiceDefinition.builder(AccessLogServiceGrpc.SERVICE_NAME)
                    .addMethod(
                        method.toBuilder(new Bytes(), method.getResponseMarshaller()).build(),
                        ServerCalls.asyncClientStreamingCall(DeliveryRate::taken))
                    .build())
            .addService(
                ServerServiceDefinition.builder(LogsServiceGrpc.SERVICE_NAME)
                    .addMethod(
                        export.toBuilder(new Bytes(), export.getResponseMarshaller()).build(),
                        ServerCalls.asyncUnaryCall(
                            (request, answer) -> {
                              answer.onNext(ExportLogsServiceResponse.getDefaultInstance());
                              answer.onCompleted();
                            }))
                    .build())
            .build()
            .start();
    System.out.println(server.getPort());
    System.out.flush();
    server.awaitTermination();
  }

  private static StreamObserver<byte[]> taken(StreamObserver<StreamAccessLogsResponse> answer) {
    return new StreamObserver<>() {
      @Override
      public void onNext(byte[] message) {}

      @Override
      public void onError(Throwable cause) {}

      @Override
      public void onCompleted() {
        answer.onNext(StreamAccessLogsResponse.getDefaultInstance());
        answer.onCompleted();
      }
    };
  }

  private void run(String protocol, int port, Optional<Path> directory) throws Exception {
    Log log = new Log(System.err, Log.Level.WARN, InstantSource.system());
    SpoolConfig spool =
        new SpoolConfig(
            directory, 8L << 30, MEMORY_BYTES, Overflow.DROP_OLDEST, SpoolConfig.Fsync.NEVER);
    Deliveries deliveries =
        new Deliveries(spool, "0", System::nanoTime, System::currentTimeMillis, vitals, log);
    DeliveryConfig batches = new DeliveryConfig(8192, 500, 256 << 10, Duration.ofMillis(200));
    ConnectionIds ids = new ConnectionIds("1f0c2a9b");
    Delivery delivery =
        protocol.equals("als")
            ? deliveries.toAccessLogService(als(port), batches, ids)
            : deliveries.toOtlp(otlp(port), batches, ids);
    ConnectionReader reader =
        new ConnectionReader(List.of(delivery), c -> {}, MonoClock.system(), vitals);
    Thread writer = Thread.ofPlatform().name("spool-writer").start(delivery::write);
    Optional<Thread> sender =
        port == 0
            ? Optional.empty()
            : Optional.of(Thread.ofPlatform().name("export").start(delivery::send));
    give(reader, delivery, WARM_UP_RECORDS);
    while ((sender.isPresent() ? delivered() : delivery.waiting()) < WARM_UP_RECORDS) {
      Thread.sleep(1);
    }
    long allocatedBefore = allocated();
    long cpuBeforeNs = cpuNs();
    long startNs = System.nanoTime();
    give(reader, delivery, RECORDS);
    // The last stream would be confirmed only once it is old: at the end it is at once.
    delivery.end();
    writer.join();
    if (sender.isPresent()) {
      sender.get().join();
    }
    double seconds = (System.nanoTime() - startNs) / 1e9;
    double cpuSeconds = (cpuNs() - cpuBeforeNs) / 1e9;
    long arrived = sender.isPresent() ? delivered() : delivery.waiting();
    if (arrived != WARM_UP_RECORDS + RECORDS) {
      throw new IllegalStateException("arrived: " + arrived);
    }
    System.out.printf(
        "%s%s: %,.0f records/s, %,.0f for each second of processor time, %.0f B allocated for each, %.0f B waiting for each, %d resent%n",
        protocol,
        port == 0 ? " into a spool" : directory.isPresent() ? " with a spool" : "",
        RECORDS / seconds,
        RECORDS / cpuSeconds,
        (allocated() - allocatedBefore) / (double) RECORDS,
        delivery.waitingBytes() / (double) Math.max(1, delivery.waiting()),
        vitals.get(Vital.ALS_ENTRIES_RESENT) + vitals.get(Vital.OTLP_LOGS_RESENT));
    System.exit(0);
  }

  private long delivered() {
    return vitals.get(Vital.ALS_ENTRIES_DELIVERED) + vitals.get(Vital.OTLP_LOGS_DELIVERED);
  }

  private static AlsConfig als(int port) {
    return new AlsConfig(
        new AlsTransport(
            List.of(AlsAddress.of("127.0.0.1:" + Math.max(1, port))),
            Optional.empty(),
            Optional.empty(),
            Map.of(),
            Optional.empty()),
        new AlsNode("node", "", new AlsNode.Place("", "", ""), Optional.empty(), Map.of()),
        "bench",
        1,
        Duration.ofSeconds(5));
  }

  private static OtlpLogConfig otlp(int port) {
    return new OtlpLogConfig(
        new OtlpReceiver(
            URI.create("http://127.0.0.1:" + Math.max(1, port)),
            OtlpReceiver.Protocol.GRPC,
            Duration.ofSeconds(1),
            OtlpReceiver.Compression.NONE,
            List.of(),
            TlsFiles.NONE),
        "node",
        "");
  }

  /** As fast as the queue takes them: the ring is always full. */
  private void give(ConnectionReader reader, Delivery delivery, int records)
      throws InterruptedException {
    int left = records;
    while (left > 0) {
      int batch = Math.min(Math.min(RING_BATCH, left), Math.min(delivery.room(), free(delivery)));
      for (int i = 0; i < batch; i++) {
        reader.accept(ring.data(), ring.offset(next++ & (RecordedRing.RECORDS - 1)));
      }
      reader.endBatch();
      left -= batch;
      if (batch == 0) {
        Thread.sleep(1);
      }
    }
  }

  /** In memory, what the receiver has not taken must not be dropped: that is not measured here. */
  private static int free(Delivery delivery) {
    long waiting = delivery.waitingBytes() + (long) delivery.queued() * RECORD_BYTES;
    return !delivery.isDurable() && waiting > MEMORY_BYTES - (2 << 20) ? 0 : Integer.MAX_VALUE;
  }

  /** Of the whole process: on a processor that others use too, time alone says little. */
  private static long cpuNs() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
  }
}
