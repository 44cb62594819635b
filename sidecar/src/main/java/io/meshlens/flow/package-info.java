// SPDX-License-Identifier: Apache-2.0
/**
 * The domain: connections and sums as values, free of wire formats, I/O, clocks and threads.
 *
 * <p>Job: name what the kernel saw. Inputs: plain numbers from {@code kernel}. Outputs: {@link
 * io.meshlens.flow.Connection} handed to {@link io.meshlens.flow.ConnectionSink}s, {@link
 * io.meshlens.flow.SumsRow} on request. It imports nothing of this project and must stay so.
 */
@NullMarked
package io.meshlens.flow;

import org.jspecify.annotations.NullMarked;
