// SPDX-License-Identifier: Apache-2.0
/**
 * Metric names, attributes and values, derived from the kernel's sums; no exporter is known here.
 *
 * <p>Inputs: {@link io.meshlens.flow.SumsSnapshot}. Outputs: {@link
 * io.meshlens.metrics.MetricsSnapshot}, an immutable value that any thread may read.
 */
@NullMarked
package io.meshlens.metrics;

import org.jspecify.annotations.NullMarked;
