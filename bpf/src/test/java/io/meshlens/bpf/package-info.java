// SPDX-License-Identifier: Apache-2.0
/**
 * Generates the Java readers of the byte contract and checks that the committed ones are current.
 */
@NullMarked
package io.meshlens.bpf;

import org.jspecify.annotations.NullMarked;
