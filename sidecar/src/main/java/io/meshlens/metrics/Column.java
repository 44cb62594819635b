// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import java.util.function.Function;

/**
 * An attribute that tells of the two ends.
 *
 * @param name as the profile spells it
 * @param unknown what stands for an unknown value; when empty, the attribute is absent then
 * @param coarsest beyond this level of detail the value is taken for unknown
 * @param value a text, empty when unknown, or a number
 */
record Column(String name, String unknown, Detail coarsest, Function<Ends, Object> value) {}
