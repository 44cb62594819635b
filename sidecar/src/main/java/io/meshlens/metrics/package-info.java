// SPDX-License-Identifier: Apache-2.0
/**
 * Metric names, attributes and values, in the words of a profile; no exporter is known here.
 *
 * <p>Inputs: the kernel's sums, whenever somebody asks; connections on the ring-reader thread.
 * Outputs: series, which any thread may read. What may not happen here: a wait on ring-reader, a
 * counter that falls, a number that is in no series.
 */
@NullMarked
package io.meshlens.metrics;

import org.jspecify.annotations.NullMarked;
