// SPDX-License-Identifier: Apache-2.0
/**
 * Our own health: counters for everything read, lost, dropped or refused, readiness tokens, and the
 * log of the program itself.
 *
 * <p>Inputs: increments from every stage, on any thread. Outputs: {@link io.meshlens.vitals.Vitals}
 * for metrics and readiness pages. It imports nothing of this project.
 */
@NullMarked
package io.meshlens.vitals;

import org.jspecify.annotations.NullMarked;
