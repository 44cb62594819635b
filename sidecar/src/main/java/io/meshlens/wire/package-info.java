// SPDX-License-Identifier: Apache-2.0
/**
 * The byte contract with the kernel programs, seen from Java: generated readers and constants, and
 * the start-up check that the object about to be loaded means the same.
 *
 * <p>bpf/include/wire.h is the only definition. Offsets appear nowhere outside this package.
 */
@NullMarked
package io.meshlens.wire;

import org.jspecify.annotations.NullMarked;
