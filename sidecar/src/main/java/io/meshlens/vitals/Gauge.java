// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import java.util.function.LongSupplier;

/** A level of ours that is read when it is asked for: fill and size of rings, maps and queues. */
public record Gauge(SelfMetric metric, LongSupplier value) {}
