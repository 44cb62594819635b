// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import com.sun.management.GarbageCollectionNotificationInfo;
import com.sun.management.GcInfo;
import com.sun.management.OperatingSystemMXBean;
import com.sun.management.UnixOperatingSystemMXBean;
import io.meshlens.vitals.Readings.Points;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ClassLoadingMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.management.ListenerNotFoundException;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.openmbean.CompositeData;
import org.jspecify.annotations.Nullable;

/** The JVM of this process, from the platform's own beans. */
public final class JvmReadings implements AutoCloseable {
  private static final double NS_PER_SECOND = 1e9;

  private final NotificationListener listener;

  /**
   * Begins to hear of collections of garbage, in a thread of the JVM's.
   *
   * @param durations told how long each took
   */
  public JvmReadings(Durations durations) {
    listener =
        (notification, handback) -> {
          if (notification
              .getType()
              .equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION)) {
            GarbageCollectionNotificationInfo collection =
                GarbageCollectionNotificationInfo.from((CompositeData) notification.getUserData());
            GcInfo info = collection.getGcInfo();
            durations.record(
                SelfMetric.JVM_GC_DURATION,
                TimeUnit.MILLISECONDS.toNanos(info.getDuration()),
                collection.getGcName(),
                collection.getGcAction());
          }
        };
    for (NotificationEmitter emitter : emitters()) {
      emitter.addNotificationListener(listener, null, null);
    }
  }

  private static List<NotificationEmitter> emitters() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .filter(NotificationEmitter.class::isInstance)
        .map(NotificationEmitter.class::cast)
        .toList();
  }

  /** What there is to read beside those. */
  public List<Readings> readings() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    ClassLoadingMXBean classes = ManagementFactory.getClassLoadingMXBean();
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    return List.of(
        memory(SelfMetric.JVM_MEMORY_USED, MemoryPoolMXBean::getUsage, MemoryUsage::getUsed),
        memory(
            SelfMetric.JVM_MEMORY_COMMITTED, MemoryPoolMXBean::getUsage, MemoryUsage::getCommitted),
        memory(SelfMetric.JVM_MEMORY_LIMIT, MemoryPoolMXBean::getUsage, MemoryUsage::getMax),
        memory(
            SelfMetric.JVM_MEMORY_USED_AFTER_LAST_GC,
            MemoryPoolMXBean::getCollectionUsage,
            MemoryUsage::getUsed),
        new Readings(SelfMetric.JVM_BUFFER_MEMORY_USED, JvmReadings::buffers),
        new Readings(
            SelfMetric.JVM_THREAD_COUNT,
            points -> {
              int daemons = threads.getDaemonThreadCount();
              points.add(daemons, "true");
              points.add(Math.max(0, threads.getThreadCount() - daemons), "false");
            }),
        new Readings(
            SelfMetric.JVM_CLASS_LOADED, points -> points.add(classes.getTotalLoadedClassCount())),
        new Readings(
            SelfMetric.JVM_CLASS_UNLOADED, points -> points.add(classes.getUnloadedClassCount())),
        new Readings(
            SelfMetric.JVM_CLASS_COUNT, points -> points.add(classes.getLoadedClassCount())),
        new Readings(
            SelfMetric.JVM_CPU_TIME,
            points -> {
              long ns = system.getProcessCpuTime();
              if (ns >= 0) {
                points.addFraction(ns / NS_PER_SECOND);
              }
            }),
        new Readings(
            SelfMetric.JVM_CPU_COUNT,
            points -> points.add(Runtime.getRuntime().availableProcessors())),
        new Readings(
            SelfMetric.PROCESS_OPEN_FILE_DESCRIPTOR_COUNT,
            points -> {
              if (system instanceof UnixOperatingSystemMXBean unix) {
                points.add(unix.getOpenFileDescriptorCount());
              }
            }));
  }

  private interface Amount {
    long bytes(MemoryUsage usage);
  }

  private static Readings memory(
      SelfMetric metric, Function<MemoryPoolMXBean, @Nullable MemoryUsage> usage, Amount amount) {
    return new Readings(
        metric,
        points -> {
          for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            MemoryUsage now = usage.apply(pool);
            // A pool without a limit or without collections says -1 or nothing.
            if (now != null && amount.bytes(now) >= 0) {
              points.add(
                  amount.bytes(now),
                  pool.getType() == MemoryType.HEAP ? "heap" : "non_heap",
                  pool.getName());
            }
          }
        });
  }

  private static void buffers(Points points) {
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      if (pool.getMemoryUsed() >= 0) {
        points.add(pool.getMemoryUsed(), pool.getName());
      }
    }
  }

  /** Hears no more. */
  @Override
  public void close() {
    for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
      if (bean instanceof NotificationEmitter emitter) {
        try {
          emitter.removeNotificationListener(listener);
        } catch (ListenerNotFoundException e) {
          // A collector that came later has none.
        }
      }
    }
  }
}
